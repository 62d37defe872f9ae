/** What the network says over the plane of two inputs. */

import { h, s, shown } from "./dom.js";
import { CLASSES, isDark } from "./palette.js";
import { readable } from "./readable.js";

/**
 * Draw the decision surface with the rows of the table on it.
 * @param {any} surface
 * @param {number[][]} points
 * @param {number[]|null} here the row that is shown
 * @returns {HTMLElement}
 */
export function drawPlane(surface, points, here) {
  const { side, bounds } = surface;
  const values = bytes(surface.values);
  const classes = surface.classes ? bytes(surface.classes) : null;
  const canvas = h("canvas", { width: side, height: side, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  const image = context.createImageData(side, side);
  const zero = isDark() ? [30, 34, 42] : [246, 245, 242];
  for (let i = 0; i < values.length; i++) {
    const share = values[i] / 255;
    const tone = classes ? CLASSES[classes[i] % 10] : share >= 0.5 ? CLASSES[0] : CLASSES[1];
    const strength = classes ? share * 0.75 : Math.abs(share - 0.5) * 1.5;
    image.data.set([...tone.map((c, k) => zero[k] + (c - zero[k]) * strength), 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
  const [left, right, low, high] = bounds;
  const x = (value) => ((value - left) / (right - left)) * 400;
  const y = (value) => (1 - (value - low) / (high - low)) * 300;
  const most = points.length > 200 ? 3 : points.length > 20 ? 4.5 : 9;
  const largest = Math.max(...points.map((point) => point[2]));
  const dots = points.map(([px, py, label]) => {
    const tone = classes && largest > 1 ? CLASSES[label % 10] : label >= 0.5 ? CLASSES[0] : CLASSES[1];
    const square = label < 0.5;
    const look = { fill: `rgb(${tone.join(" ")})`, stroke: isDark() ? "#0c0f14" : "#ffffff", "stroke-width": most > 4 ? 1.5 : 0.7 };
    return square ? s("rect", { ...look, x: x(px) - most * 0.9, y: y(py) - most * 0.9, width: most * 1.8, height: most * 1.8 }) : s("circle", { ...look, cx: x(px), cy: y(py), r: most });
  });
  if (here) dots.push(s("circle", { cx: x(here[0]), cy: y(here[1]), r: most + 5, fill: "none", stroke: "var(--ink)", "stroke-width": 2 }));
  const drawing = s("svg", { viewBox: "0 0 400 300", preserveAspectRatio: "none", role: "img", "aria-label": "The network's output over both inputs, with the rows of the table: circles for one, squares for zero" }, dots);
  const along = (low, high, i) => low + ((high - low) * i) / (side - 1);
  const at = (row, column) => {
    const place = [along(left, right, column), along(high, low, row)];
    const output = shown(values[row * side + column] / 255, 2);
    const said = classes ? `class ${classes[row * side + column]}, sure to ${output}` : `output ${output}`;
    return { x: x(place[0]), y: y(place[1]), text: `at ${shown(place[0], 3)} and ${shown(place[1], 3)}: ${said}` };
  };
  return h("div", {}, readable({ drawing, behind: [canvas], id: "plane", label: "Decision surface", size: [side, side], at, look: "plane" }));
}

/** @param {string} text */
function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
