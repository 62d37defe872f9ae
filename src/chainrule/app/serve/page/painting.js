/** What is on the screen as a vector drawing: rectangles, texts, pictures, and drawings within. */

import { s } from "./dom.js";

const KEPT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-weight", "font-family", "text-anchor", "dominant-baseline", "paint-order", "stroke-linejoin"];
const LEFT_OUT = "button, select, input, label[for], details, dialog, .unseen, .reading:empty";
const MARGIN = 16;

/**
 * Copy a drawing with its looks written into it, so that it needs no style sheet.
 * @param {SVGSVGElement} drawing
 * @returns {SVGSVGElement}
 */
export function bare(drawing) {
  const copy = /** @type {SVGSVGElement} */ (drawing.cloneNode(true));
  const theirs = drawing.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((element, i) => {
    const look = getComputedStyle(theirs[i]);
    element.setAttribute("style", KEPT.map((name) => `${name}:${look.getPropertyValue(name)}`).join(";"));
    for (const name of ["tabindex", "role", "aria-pressed", "data-pick", "class"]) element.removeAttribute(name);
  });
  const [, , width, height] = (drawing.getAttribute("viewBox") ?? "0 0 100 100").split(" ");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  return copy;
}

/**
 * Draw a part of the page; formulas stay MathML, which browsers draw.
 * @param {HTMLElement} root
 * @param {string} ground its background
 * @returns {SVGSVGElement}
 */
export function painted(root, ground) {
  const box = root.getBoundingClientRect();
  const inner = [...root.querySelectorAll("*")].map((each) => each.getBoundingClientRect());
  const right = Math.max(box.right, ...inner.map((each) => each.right));
  const bottom = Math.max(box.bottom, ...inner.map((each) => each.bottom));
  const [width, height] = [Math.ceil(right - box.left) + 2 * MARGIN, Math.ceil(bottom - box.top) + 2 * MARGIN];
  const drawing = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height }, s("rect", { width, height, fill: ground }));
  const at = (rect) => ({ x: round(rect.left - box.left + MARGIN), y: round(rect.top - box.top + MARGIN), width: round(rect.width), height: round(rect.height) });
  walk(root, drawing, at);
  return drawing;
}

function round(value) {
  return Number(value.toFixed(2));
}

function walk(element, drawing, at) {
  if (element.matches(LEFT_OUT)) return;
  const look = getComputedStyle(element);
  const rect = element.getBoundingClientRect();
  if (look.display === "none" || look.visibility === "hidden" || !rect.width || !rect.height) return;
  if (element.localName === "svg") {
    const copy = bare(element);
    for (const [name, value] of Object.entries(at(rect))) copy.setAttribute(name, String(value));
    drawing.append(copy);
  } else if (element.localName === "math") {
    drawing.append(formula(element, look, at(rect)));
  } else if (element.localName === "canvas") {
    drawing.append(s("image", { ...at(rect), href: element.toDataURL(), preserveAspectRatio: "none", style: "image-rendering:pixelated" }));
  } else {
    frame(element, look, at(rect), drawing);
    for (const child of element.childNodes) {
      if (child.nodeType === Node.ELEMENT_NODE) walk(child, drawing, at);
      else if (child.nodeType === Node.TEXT_NODE && child.data.trim()) texts(child, look, drawing, at);
    }
  }
}

/** The background of an element and its borders. */
function frame(element, look, place, drawing) {
  const clear = (colour) => /^rgba\(.*, 0\)$/.test(colour) || colour === "transparent";
  const gradient = look.backgroundImage !== "none";
  const side = Number.parseFloat(look.borderLeftWidth);
  const line = side > 0 && look.borderLeftStyle !== "none" && !clear(look.borderLeftColor);
  const radius = Math.min(Number.parseFloat(look.borderTopLeftRadius) || 0, place.height / 2);
  if (gradient) drawing.append(ramp(look, place, radius));
  else if (!clear(look.backgroundColor) || line) {
    const dashed = look.borderLeftStyle === "dashed" ? "3 3" : null;
    drawing.append(s("rect", { ...place, rx: radius, fill: clear(look.backgroundColor) ? "none" : look.backgroundColor, stroke: line ? look.borderLeftColor : null, "stroke-width": line ? side : null, "stroke-dasharray": line ? dashed : null }));
  }
  const top = Number.parseFloat(look.borderTopWidth);
  if (!line && top > 0 && look.borderTopStyle !== "none") drawing.append(s("line", { x1: place.x, x2: place.x + place.width, y1: place.y, y2: place.y, stroke: look.borderTopColor, "stroke-width": top }));
}

let ramps = 0;

/** A row of colours, as legends have it. */
function ramp(look, place, radius) {
  const tones = look.backgroundImage.match(/rgba?\([^)]*\)/g) ?? [];
  const id = `ramp-${++ramps}`;
  const stops = tones.map((tone, i) => s("stop", { offset: i / Math.max(1, tones.length - 1), "stop-color": tone }));
  return s("g", {}, s("linearGradient", { id }, stops), s("rect", { ...place, rx: radius, fill: `url(#${id})` }));
}

/** A formula, in the hands of the browser that shows the drawing. */
function formula(element, look, place) {
  const copy = element.cloneNode(true);
  copy.setAttribute("style", `font-size:${look.fontSize};font-family:${look.fontFamily};color:${look.color};margin:0`);
  const holder = s("foreignObject", { ...place, width: place.width + 8, height: place.height + 8 });
  holder.append(copy);
  return holder;
}

const ruler = document.createElement("canvas").getContext("2d");

/** A text, line by line as the page has broken it. */
function texts(node, look, drawing, at) {
  const range = document.createRange();
  /** @type {{text: string, rect: DOMRect}[]} */
  const lines = [];
  for (const match of node.data.matchAll(/\S+\s*/g)) {
    range.setStart(node, match.index);
    range.setEnd(node, match.index + match[0].trimEnd().length);
    const rect = range.getBoundingClientRect();
    const last = lines.at(-1);
    if (last && Math.abs(last.rect.top - rect.top) < 2) last.text += match[0].replace(/\s+$/, " ");
    else lines.push({ text: match[0].replace(/\s+$/, " "), rect });
  }
  ruler.font = `${look.fontStyle} ${look.fontWeight} ${look.fontSize} ${look.fontFamily}`;
  const { fontBoundingBoxAscent: up, fontBoundingBoxDescent: down } = ruler.measureText("x");
  for (const { text, rect } of lines) {
    const { x, y, height } = at(rect);
    const said = look.textTransform === "capitalize" ? text.replace(/\b\p{L}/gu, (letter) => letter.toUpperCase()) : text;
    const struck = look.textDecorationLine.includes("line-through") ? "line-through" : null;
    drawing.append(s("text", { x, y: round(y + (height - up - down) / 2 + up), fill: look.color, "font-size": look.fontSize, "font-weight": look.fontWeight, "font-family": look.fontFamily, "text-decoration": struck }, said.trimEnd()));
  }
}
