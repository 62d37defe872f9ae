/** The header: views, light or dark, and what can be saved. */

import { announce, find, h } from "./dom.js";
import { saveHtml, savePng, saveSvg } from "./exporting.js";
import { VIEWS, written } from "./state.js";

/**
 * Show light or dark, as chosen.
 * @param {import("./state.js").State} state
 */
export function theme(state) {
  if (state.theme) document.documentElement.dataset.theme = state.theme;
  else delete document.documentElement.dataset.theme;
}

/**
 * Show the links to the views, and name the tab.
 * @param {import("./state.js").State} state
 * @param {any} frame
 */
export function views(state, frame) {
  const names = { network: "Network", equations: "Equations", claims: "Claims" };
  find("#views").replaceChildren(...VIEWS.map((view) =>
    h("li", {}, h("a", { href: written({ ...state, view }), id: `view-${view}`, "aria-current": view === state.view ? "page" : undefined }, names[view]))));
  document.title = `${frame && state.view !== "claims" ? `${frame.title} · ` : ""}${names[state.view]} · chainrule`;
}

/**
 * The tools at the end of the header.
 * @param {string} chosen "", "light" or "dark"
 * @param {(shade: string) => void} choose
 * @param {(action: () => any) => Promise<void>} attempt
 * @returns {HTMLElement[]}
 */
export function tools(chosen, choose, attempt) {
  const shade = h("select", { id: "theme", style: "width:auto", "aria-label": "Light or dark", onchange: () => choose(shade.value) },
    [["", "System"], ["light", "Light"], ["dark", "Dark"]].map(([value, name]) => h("option", { value, selected: value === chosen }, name)));
  const charts = [saver("Charts as PNG", () => savePng("charts")), saver("Charts as SVG", () => saveSvg("charts"))];
  const menu = h("details", { class: "menu", ontoggle: () => charts.forEach((each) => { each.hidden = !document.querySelector(".charts"); }) }, h("summary", {}, "Export"), h("div", {},
    saver("View as PNG", () => savePng("view")), saver("View as SVG", () => saveSvg("view")), charts, saver("Page as HTML", saveHtml),
    h("button", { onclick: async () => { await navigator.clipboard?.writeText(location.href); announce("The address was copied."); menu.open = false; } }, "Copy the address")));
  menu.addEventListener("keydown", (event) => { if (event.key === "Escape") { menu.open = false; menu.querySelector("summary").focus(); } });
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  return [shade, menu];

  function saver(name, save) {
    return h("button", { onclick: async () => { menu.open = false; await attempt(save); } }, name);
  }
}
