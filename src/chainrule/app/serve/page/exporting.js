/** The screen as a file: PNG, SVG or HTML. */

import { find } from "./dom.js";

const KEPT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-weight", "font-family", "text-anchor", "dominant-baseline", "paint-order", "stroke-linejoin"];

/** Give the drawing as a file of its own, with its looks written into it. */
export function drawingAsSvg() {
  const drawing = find(".drawing svg");
  const copy = drawing.cloneNode(true);
  const theirs = drawing.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((element, i) => {
    const look = getComputedStyle(theirs[i]);
    element.setAttribute("style", KEPT.map((name) => `${name}:${look.getPropertyValue(name)}`).join(";"));
    for (const name of ["tabindex", "role", "aria-pressed", "data-pick", "class"]) element.removeAttribute(name);
  });
  const [, , width, height] = drawing.getAttribute("viewBox").split(" ");
  const ground = getComputedStyle(find(".stage")).backgroundColor;
  copy.insertAdjacentHTML("afterbegin", `<rect width="${width}" height="${height}" fill="${ground}"/>`);
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return new XMLSerializer().serializeToString(copy);
}

/** Save the drawing as a vector file; heat maps have none. */
export function saveSvg() {
  save(new Blob([drawingAsSvg()], { type: "image/svg+xml" }), "network.svg");
}

/** Save the drawing, or the heat maps, as a picture of twice the size. */
export async function savePng() {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  const drawing = document.querySelector(".drawing svg");
  if (drawing) {
    const image = new Image();
    const text = drawingAsSvg();
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
      image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    });
    canvas.width = image.width * 2;
    canvas.height = image.height * 2;
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
  } else {
    const box = find(".tiles").getBoundingClientRect();
    canvas.width = box.width * 2;
    canvas.height = box.height * 2;
    context.fillStyle = getComputedStyle(find(".stage")).backgroundColor;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = false;
    for (const each of find(".tiles").querySelectorAll("canvas")) {
      const at = each.getBoundingClientRect();
      context.drawImage(each, (at.left - box.left) * 2, (at.top - box.top) * 2, at.width * 2, at.height * 2);
    }
  }
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  save(blob, "network.png");
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
