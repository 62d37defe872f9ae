/** The cards with charts below a network, and what is shown of the loss around a step. */

import { gradientFlow } from "./charts.js";
import { h } from "./dom.js";
import { SLICES } from "./slices.js";

/**
 * Make the cards; what depends on answers of the server is filled in later.
 * @param {any} frame
 * @param {import("./state.js").State} state
 * @param {any} last what the server last said about a unit or an edge
 * @param {object} act
 * @param {(log: boolean) => void} act.log
 * @param {(kind: string) => void} act.slice
 * @param {(channel: number) => void} act.channel
 * @returns {HTMLElement}
 */
export function chartCards(frame, state, last, act) {
  const log = h("input", { type: "checkbox", id: "log", checked: state.log, onchange: () => act.log(log.checked) });
  const channel = h("select", { id: "channel", class: "quick", "aria-label": "Which column", onchange: () => act.channel(Number(channel.value)) });
  const ahead = frame.forecast ? h("section", { class: "card wide", "aria-label": "Forecast" }, h("header", {}, h("h2", {}, "Forecast"), channel), h("div", { class: "inside", id: "forecast" })) : null;
  const row = frame.plane ? h("section", { class: "card", "aria-label": "Decision surface" }, h("header", {}, h("h2", {}, "Decision surface")), h("div", { class: "inside", id: "plane" })) : null;
  const select = h("select", { id: "slice-kind", class: "quick", "aria-label": "Which way the loss is shown", onchange: () => act.slice(select.value) });
  fillSlices(select, frame, state, last);
  return h("div", { class: "charts" },
    ahead,
    h("section", { class: "card", "aria-label": "Loss" }, h("header", {}, h("h2", {}, "Loss"), h("span", { class: "check" }, log, h("label", { for: "log" }, "logarithmic"))), h("div", { class: "inside", id: "curve" })),
    row,
    h("section", { class: "card", "aria-label": "Loss around this step" }, h("header", {}, h("h2", {}, "Loss nearby"), select), h("div", { class: "inside", id: "slice" })),
    h("section", { class: "card", "aria-label": "Gradient flow" }, h("header", {}, h("h2", {}, "Gradient flow"), h("span", { class: "hint" }, "norm by layer, log scale")), h("div", { class: "inside", id: "flow" }, state.phase >= 3 || frame.step ? gradientFlow(frame.flow) : h("p", { class: "hint" }, "Appears after Backward."))));
}

/**
 * The weight that is picked, or the only one that there is: its path, place and name.
 * @param {any} frame
 * @param {import("./state.js").State} state
 * @param {any} last
 */
export function weight(frame, state, last) {
  const { paths, layers } = frame.network;
  const told = last?.equations.find((each) => paths[each.key]);
  if (told && (state.pick.length || state.entry)) return { path: paths[told.key], index: told.index, name: `${last.kind === "unit" ? "the bias of " : ""}${last.title}` };
  const keys = Object.keys(paths);
  const only = frame.parameters === 1 && layers[1];
  return only ? { path: paths[keys[0]], index: [0, 0], name: `${layers[0].units[0]} → ${layers[1].units[0]}` } : null;
}

/**
 * What is shown of the loss: what was chosen, as far as there is such a thing.
 * @param {any} frame
 * @param {import("./state.js").State} state
 * @param {any} last
 */
export function sliceKind(frame, state, last) {
  const wanted = state.slice || "weight";
  return (wanted === "weight" && !weight(frame, state, last)) || (wanted === "plane" && frame.parameters < 2) ? "gradient" : wanted;
}

/**
 * Offer what can be shown.
 * @param {HTMLSelectElement} select
 * @param {any} frame
 * @param {import("./state.js").State} state
 * @param {any} last
 */
export function fillSlices(select, frame, state, last) {
  const kinds = Object.entries(SLICES).filter(([kind]) => (kind === "weight" ? weight(frame, state, last) : kind !== "plane" || frame.parameters > 1));
  select.replaceChildren(...kinds.map(([kind, name]) => h("option", { value: kind, selected: kind === sliceKind(frame, state, last) }, name)));
}
