/** The loss curve, and how large gradients are layer by layer. */

import { legend } from "./axes.js";
import { counted, h, s, shown } from "./dom.js";
import { readable } from "./readable.js";

const LEFT = 44;
const LOW = 24;

/**
 * Draw the loss over the steps.
 * @param {[number, number][]} curve
 * @param {[number, number][]} held
 * @param {{step: number, loss: number}} now
 * @param {boolean} log
 * @param {number} [width] in pixels
 * @returns {HTMLElement}
 */
export function lossCurve(curve, held, now, log, width = 300) {
  const wide = Math.max(200, width);
  const tall = wide * 0.75;
  const all = [...curve, [now.step, now.loss]].filter(([, loss]) => Number.isFinite(loss) && (!log || loss > 0));
  const beside = held.filter(([, loss]) => Number.isFinite(loss) && (!log || loss > 0));
  if (!all.length) return h("p", { class: "quiet" }, log ? "No loss is finite and above zero." : "The loss is no finite number.");
  const far = Math.max(1, ...all.map(([step]) => step));
  const values = [...all, ...beside].map(([, loss]) => (log ? Math.log10(loss) : loss));
  let low = log ? Math.min(...values) : Math.min(0, ...values);
  let high = Math.max(...values);
  if (!(high > low)) [low, high] = log ? [low - 1, low + 1] : [0, (high || 1) * 1.2];
  const x = (step) => LEFT + (step / far) * (wide - LEFT - 10);
  const y = (loss) => 10 + (1 - ((log ? Math.log10(loss) : loss) - low) / (high - low)) * (tall - LOW - 10);
  const line = (points) => points.map(([step, loss], i) => `${i ? "L" : "M"}${x(step).toFixed(1)} ${y(loss).toFixed(1)}`).join("");
  const drawing = s("svg", { viewBox: `0 0 ${wide} ${tall}`, role: "img", "aria-label": `Loss over ${far} steps, now ${shown(now.loss)}` });
  for (const share of [0, 0.5, 1]) {
    const value = low + (high - low) * share;
    const at = 10 + (1 - share) * (tall - LOW - 10);
    drawing.append(s("line", { class: "axis", x1: LEFT, x2: wide - 10, y1: at, y2: at }), s("text", { class: "tick", x: LEFT - 6, y: at + 4, "text-anchor": "end" }, shown(log ? 10 ** value : value, 2)));
  }
  drawing.append(s("text", { class: "tick", x: LEFT, y: tall - 6 }, "0"), s("text", { class: "tick", x: wide - 10, y: tall - 6, "text-anchor": "end" }, far === 1 ? "1 step" : `${counted(far)} steps`));
  if (beside.length > 1) drawing.append(s("path", { class: "curve held", d: line(beside) }));
  if (all.length > 1) drawing.append(s("path", { class: "curve", d: line(all) }));
  drawing.append(s("circle", { class: "now", cx: x(all.at(-1)[0]), cy: y(all.at(-1)[1]), r: 5 }));
  const key = [["curve", "rows of the step"], ...(beside.length > 1 ? [["curve held", "held-out rows"]] : [])];
  const at = (_, i) => ({ x: x(all[i][0]), y: y(all[i][1]), text: `step ${counted(all[i][0])}: loss ${shown(all[i][1])}${besides(beside, all[i][0])}` });
  return h("div", {}, readable({ drawing, id: "curve", label: "Loss", size: [1, all.length], at }), legend(key));
}

/** The loss of held-out rows that was measured last before a step. */
function besides(held, step) {
  const last = held.findLast(([at]) => at <= step);
  return last ? `, held out ${shown(last[1])}` : "";
}

/**
 * Show how large gradients are, layer by layer.
 * @param {any[]} flow
 * @param {Record<string, number>} [norms] of a training in progress, by path
 * @returns {HTMLElement}
 */
export function gradientFlow(flow, norms) {
  const sizes = flow.map((each) => norms?.[each.path] ?? each.gradient);
  const logs = sizes.map((size) => (Number.isFinite(size) ? Math.log10(Math.max(size, 1e-12)) : NaN));
  const high = Math.max(-10, ...logs.filter(Number.isFinite));
  const low = Math.min(high - 2, ...logs.filter(Number.isFinite).map((size) => size - 0.3));
  return h("div", { class: "flow" }, flow.map((each, i) => {
    const width = sizes[i] === 0 ? 0 : Number.isFinite(logs[i]) ? Math.max(2, ((logs[i] - low) / (high - low)) * 100) : 100;
    const idle = !each.idle || norms ? "" : ` · ${Math.round(each.idle * 100)} % of units idle`;
    return h("div", {}, h("p", {}, h("span", {}, each.name), h("b", {}, shown(sizes[i], 3))),
      h("div", { class: "bar" }, h("i", { style: `width:${width}%` })),
      norms ? null : h("small", {}, `update is ${shown(each.update * 100, 2)} % of the weights${idle}`));
  }));
}

/**
 * Leave out points of a curve where they lie dense; the last one stays.
 * @param {[number, number][]} points
 * @param {number} most
 */
export function thinned(points, most) {
  const gap = (points.at(-1)[0] - points[0][0]) / most;
  const kept = [points[0]];
  for (const point of points.slice(1, -1)) if (point[0] - kept.at(-1)[0] >= gap) kept.push(point);
  return [...kept, points.at(-1)];
}
