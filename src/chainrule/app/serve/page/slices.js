/** The loss around a step: over one weight, along the gradient, and over a plane of weights. */

import { EDGE, axes, legend, path } from "./axes.js";
import { h, s, shown } from "./dom.js";
import { isDark } from "./palette.js";
import { readable } from "./readable.js";

export const SLICES = { gradient: "along gradient", weight: "over weight", plane: "over a plane" };

/**
 * Draw a slice.
 * @param {any} told what the server says
 * @param {string} name of the weight, for people
 * @param {number} width in pixels
 * @returns {HTMLElement}
 */
export function drawSlice(told, name, width) {
  const here = told.kind === "plane" ? told.here : told.here[1];
  if (!Number.isFinite(here)) return h("p", { class: "quiet" }, "The loss is no finite number here, so there is nothing around it to be drawn. Go back, or lower the learning rate.");
  return told.kind === "plane" ? plane(told, width) : curve(told, name, width);
}

function curve(told, name, width) {
  const wide = Math.max(220, width);
  const tall = wide * 0.75;
  const [place, loss] = told.here;
  const points = told.at.map((at, i) => [at, told.losses[i]]).filter(([, value]) => Number.isFinite(value));
  const heights = [loss, ...points.map(([, value]) => value)];
  const least = Math.min(...heights);
  // A steep side may not press the rest flat.
  const middle = heights.toSorted((a, b) => a - b)[Math.floor(heights.length * 0.6)];
  const most = Math.min(Math.max(...heights), Math.max(1.25 * middle, 1.25 * loss));
  // Zero is shown where the loss comes near to it.
  const low = least < 0.4 * most ? Math.min(0, least) : least - 0.15 * (most - least);
  const high = Math.max(most, low + 1e-12);
  const span = [told.at[0], told.at.at(-1)];
  const best = points.reduce((a, b) => (b[1] < a[1] ? b : a), [place, loss]);
  const along = told.kind === "gradient";
  const said = along ? `The loss after one step of gradient descent, by its learning rate: now ${shown(loss)}, smallest near a rate of ${shown(best[0], 3)}` : `The loss over ${name}, which is ${shown(place)}: now ${shown(loss)}, smallest near ${shown(best[0], 3)}`;
  const drawing = s("svg", { viewBox: `0 0 ${wide} ${tall}`, role: "img", "aria-label": said });
  const scale = axes(drawing, [wide, tall], span, [low, high], along ? "learning rate" : name);
  const { x, y } = scale;
  const id = `clip-${told.kind}`;
  const inside = s("g", { "clip-path": `url(#${id})` });
  drawing.append(s("clipPath", { id }, s("rect", { x: EDGE.left, y: EDGE.top - 8, width: wide - EDGE.left - EDGE.right, height: tall - EDGE.low - EDGE.top + 16 })), inside);
  const reach = (span[1] - span[0]) * 0.16;
  inside.append(s("path", { class: "curve", d: path(points, scale) }));
  inside.append(s("path", { class: "slope", d: path([Math.max(span[0], place - reach), Math.min(span[1], place + reach)].map((a) => [a, loss + told.slope * (a - place)]), scale) }));
  if (along && told.rate && told.rate <= span[1]) {
    inside.append(s("line", { class: "mark", x1: x(told.rate), x2: x(told.rate), y1: EDGE.top, y2: tall - EDGE.low }));
    const end = x(told.rate) > wide / 2;
    inside.append(s("text", { class: "tick", x: x(told.rate) + (end ? -5 : 5), y: EDGE.top + 10, "text-anchor": end ? "end" : "start" }, `rate ${shown(told.rate, 3)}`));
  }
  const walk = told.walk.filter((at) => at.every(Number.isFinite));
  if (walk.length > 1) {
    inside.append(s("path", { class: "walk", d: path(walk, scale) }));
    for (const [a, b] of walk.slice(1)) inside.append(s("circle", { class: "trod", cx: x(a), cy: y(b), r: 3 }));
  }
  inside.append(s("circle", { class: "now", cx: x(place), cy: y(loss), r: 5.5 }));
  const key = [["curve", "loss"], ["slope", "slope"], ...(walk.length > 1 ? [["walk", "walk by this weight alone"]] : [])];
  const at = (_, i) => ({ x: x(points[i][0]), y: Math.max(EDGE.top, y(points[i][1])), text: `${along ? "rate" : name} ${shown(points[i][0], 3)}: loss ${shown(points[i][1])}` });
  return h("div", {}, readable({ drawing, id: "slice", label: "Loss nearby", size: [1, points.length], at }), legend(key));
}

function plane(told, width) {
  const wide = Math.max(220, width);
  const tall = wide * 0.75;
  const all = [told.here, ...told.losses.flat().filter(Number.isFinite)];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const drawing = s("svg", { viewBox: `0 0 ${wide} ${tall}`, role: "img", "aria-label": `The loss over a plane of weights: from ${shown(low)} to ${shown(high)}, ${shown(told.here)} in its middle` });
  const half = 1 / (told.x.length - 1);
  const [left, right] = [told.x[0] - half, told.x.at(-1) + half];
  const { x, y } = axes(drawing, [wide, tall], [left, right], [left, right], "down the gradient →");
  drawing.querySelectorAll("line").forEach((line) => line.remove());
  const cell = x(told.x[1]) - x(told.x[0]);
  const cellTall = y(told.y[0]) - y(told.y[1]);
  told.losses.forEach((row, i) => row.forEach((value, j) => {
    const share = !Number.isFinite(value) ? null : high > low ? Math.sqrt((value - low) / (high - low)) : 0;
    drawing.append(s("rect", { x: (x(told.x[j]) - cell / 2).toFixed(2), y: (y(told.y[i]) - cellTall / 2).toFixed(2), width: (cell + 0.4).toFixed(2), height: (cellTall + 0.4).toFixed(2), fill: tone(share) }, s("title", {}, `loss ${shown(value)}`)));
  }));
  drawing.append(s("circle", { class: "here", cx: x(0), cy: y(0), r: 6 }), s("text", { class: "tick", transform: `translate(11 ${y(0)}) rotate(-90)`, "text-anchor": "middle" }, "at random"));
  const ramp = h("span", { class: "tones", "aria-hidden": "true", style: `background:linear-gradient(90deg,${[0, 0.25, 0.5, 0.75, 1].map(tone).join(",")})` });
  const last = told.y.length - 1;
  const at = (row, i) => ({ x: x(told.x[i]), y: y(told.y[last - row]), text: `${shown(told.x[i], 2)} down the gradient, ${shown(told.y[last - row], 2)} at random: loss ${shown(told.losses[last - row][i])}` });
  return h("div", {}, readable({ drawing, id: "slice", label: "Loss nearby", size: [told.y.length, told.x.length], at }), h("p", { class: "key" }, h("span", {}, shown(low, 3), ramp, shown(high, 3)), h("span", {}, "the ring is where the network stands")));
}

const LIGHT = [[18, 60, 110], [58, 124, 184], [150, 192, 222], [222, 234, 242], [250, 246, 236]];
const DARK = [[178, 216, 250], [92, 152, 214], [48, 92, 146], [32, 52, 82], [24, 30, 42]];

/** A tone for a number between 0 and 1: strong where the loss is small. */
function tone(share) {
  if (share === null) return "#888888";
  const tones = isDark() ? DARK : LIGHT;
  const place = Math.max(0, Math.min(1, share)) * (tones.length - 1);
  const i = Math.min(Math.floor(place), tones.length - 2);
  return `rgb(${tones[i].map((c, k) => Math.round(c + (tones[i + 1][k] - c) * (place - i))).join(" ")})`;
}
