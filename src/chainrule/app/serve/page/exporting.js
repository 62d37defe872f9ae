/** The screen as a file: PNG, SVG or HTML. */

import { find, s } from "./dom.js";
import { bare, painted } from "./painting.js";

/** How many pixels of a picture stand for one of the screen, and the most along a side. */
const SCALE = 2;
const MOST_PIXELS = 16000;

/**
 * Give a view as a drawing of its own that needs nothing else.
 * @param {string} what "view", or "charts" for those below a network
 * @returns {{name: string, text: string, width: number, height: number}}
 */
export function drawn(what) {
  const ground = getComputedStyle(document.querySelector(".stage") ?? document.body).backgroundColor;
  const units = /** @type {SVGSVGElement|null} */ (document.querySelector(".drawing svg[role=group]"));
  const sheet = document.querySelector(".sheet");
  let drawing;
  if (what === "view" && units) {
    drawing = bare(units);
    drawing.prepend(s("rect", { width: drawing.getAttribute("width"), height: drawing.getAttribute("height"), fill: ground }));
  } else {
    const root = what === "charts" ? find(".charts") : (sheet ?? find(".tiles"));
    drawing = painted(root, what === "view" && !sheet ? ground : getComputedStyle(document.body).backgroundColor);
  }
  drawing.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const name = what === "charts" ? "charts" : sheet ? (sheet.querySelector("table") ? "claims" : "equations") : "network";
  const [width, height] = ["width", "height"].map((side) => Number(drawing.getAttribute(side)));
  return { name, text: new XMLSerializer().serializeToString(drawing), width, height };
}

/**
 * Save a view, or the charts, as a vector file.
 * @param {string} what
 */
export function saveSvg(what) {
  const { name, text } = drawn(what);
  save(new Blob([text], { type: "image/svg+xml" }), `${name}.svg`);
}

/**
 * Save a view, or the charts, as a picture of twice the size.
 * @param {string} what
 */
export async function savePng(what) {
  const { name, text, width, height } = drawn(what);
  const image = new Image();
  await new Promise((resolve, reject) => {
    image.onload = resolve;
    image.onerror = () => reject(new Error("the drawing could not be made a picture"));
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  });
  const scale = Math.min(SCALE, MOST_PIXELS / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  save(blob, `${name}.png`);
}

/** Save what is on the screen as one page that needs nothing else. */
export async function saveHtml() {
  const style = await (await fetch("style.css")).text();
  const copy = document.documentElement.cloneNode(true);
  const canvases = document.querySelectorAll("canvas");
  copy.querySelectorAll("canvas").forEach((canvas, i) => {
    const image = document.createElement("img");
    image.src = canvases[i].toDataURL();
    image.alt = "";
    image.setAttribute("style", canvases[i].getAttribute("style") ?? "width:100%;height:100%");
    canvas.replaceWith(image);
  });
  copy.querySelectorAll("script, link, .tools, .transport, .set, .change, dialog").forEach((element) => element.remove());
  copy.querySelectorAll("[tabindex]").forEach((element) => element.removeAttribute("tabindex"));
  copy.querySelector("head").insertAdjacentHTML("beforeend", `<style>${style}</style>`);
  const text = `<!doctype html>\n${copy.outerHTML}`;
  save(new Blob([text], { type: "text/html" }), "chainrule.html");
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
