/** Axes of charts, and what their lines mean. */

import { h, s, shown } from "./dom.js";

/** Room around a chart, in pixels. */
export const EDGE = { left: 48, right: 12, top: 12, low: 38 };

/**
 * Draw axes with round numbers.
 * @param {SVGSVGElement} drawing
 * @param {[number, number]} size width and height
 * @param {[number, number]} across the smallest and the largest number along the width
 * @param {[number, number]} up the same along the height
 * @param {string} label of the numbers along the width
 * @param {[number, string][]} [marks] places along the width with their names, in place of round numbers
 * @returns {{x: (value: number) => number, y: (value: number) => number}}
 */
export function axes(drawing, [wide, tall], [left, right], [low, high], label, marks) {
  // What lies far outside would be too large a number for a drawing.
  const near = (place) => Math.max(-9999, Math.min(9999, place));
  const x = (value) => near(EDGE.left + ((value - left) / (right - left || 1)) * (wide - EDGE.left - EDGE.right));
  const y = (value) => near(EDGE.top + (1 - (value - low) / (high - low || 1)) * (tall - EDGE.low - EDGE.top));
  for (const value of rounded(low, high, 4)) {
    drawing.append(s("line", { class: "axis", x1: EDGE.left, x2: wide - EDGE.right, y1: y(value), y2: y(value) }), s("text", { class: "tick", x: EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }, shown(value, 3)));
  }
  const room = Math.max(2, Math.floor((wide - EDGE.left - EDGE.right) / 52));
  const named = marks ?? rounded(left, right, Math.min(6, room)).map((value) => [value, shown(value, 3)]);
  for (const [value, name] of named) {
    const anchor = !marks || (value > left && value < right) ? "middle" : value > left ? "end" : "start";
    drawing.append(s("text", { class: "tick", x: x(value), y: tall - EDGE.low + 15, "text-anchor": anchor }, name));
  }
  drawing.append(s("text", { class: "tick", x: (EDGE.left + wide - EDGE.right) / 2, y: tall - 5, "text-anchor": "middle" }, label));
  return { x, y };
}

/** Round numbers between two others. */
function rounded(low, high, most) {
  if (!(high > low)) return [low];
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough * (1 - 1e-9));
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(1, count) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/**
 * Write points as a path.
 * @param {[number, number][]} points
 * @param {{x: (value: number) => number, y: (value: number) => number}} scale
 */
export function path(points, { x, y }) {
  return points.map(([a, b], i) => `${i ? "L" : "M"}${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join("");
}

/**
 * Say what the lines of a chart are.
 * @param {string[][]} entries class and name of each
 */
export function legend(entries) {
  return h("p", { class: "key" }, entries.map(([look, name]) => h("span", {}, s("svg", { viewBox: "0 0 18 8", width: 18, height: 8, "aria-hidden": "true" }, s("path", { class: look, d: "M0 4H18" })), name)));
}
