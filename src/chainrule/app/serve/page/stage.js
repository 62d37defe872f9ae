/** What stands above and below the drawing of a network. */

import { counted, h, shown } from "./dom.js";
import { isSmall } from "./network.js";

/**
 * Facts of a step, or of a training in progress.
 * @param {any} frame
 * @param {import("./state.js").State} state
 * @param {number|null} before the loss before the last change
 * @param {any} [live]
 */
export function facts(frame, state, before, live) {
  const loss = live?.loss ?? frame.loss;
  const changed = !live && before !== null && before !== frame.loss;
  const list = [["epoch", counted(live?.epoch ?? frame.epoch)], ["loss", h("span", { id: "loss-now", "data-value": String(loss) }, state.phase >= 2 || live || frame.step ? shown(loss, 6) : "?")]];
  if (changed) list[1].push(h("span", { class: "was" }, ` was ${shown(before, 6)}`));
  if (!live && state.phase >= 4 && frame.lossAfter !== null) list.push(["after the update", shown(frame.lossAfter, 6)]);
  if (live?.held?.loss !== undefined) list.push(["held-out loss", shown(live.held.loss, 4)]);
  if (live?.held?.accuracy !== undefined) list.push(["held-out accuracy", `${(live.held.accuracy * 100).toFixed(1)} %`]);
  if (live?.stepsPerSecond) list.push(["speed", `${counted(live.stepsPerSecond)} steps/s`]);
  if (!live) list.push(["parameters", counted(frame.parameters)], ["precision", frame.dtype]);
  return h("dl", { class: "facts", id: "facts" }, list.map(([name, ...value]) => h("div", {}, h("dt", {}, name), h("dd", {}, ...value))));
}

/**
 * Which row of the batch is shown.
 * @param {any} frame
 * @param {(row: number) => void} choose
 */
export function rowChoice(frame, choose) {
  if (frame.rows.length < 2) return null;
  const select = h("select", { id: "row", style: "width:auto", onchange: () => choose(Number(select.value)) },
    frame.rowNames.map((name, i) => h("option", { value: i, selected: i === frame.row }, name)));
  return h("div", { style: "display:flex;gap:8px;align-items:center" }, h("label", { for: "row" }, "Example"), select);
}

/**
 * What colours, thickness and keys mean.
 * @param {any} frame
 * @param {import("./state.js").State} state
 */
export function legend(frame, state) {
  const inUnits = isSmall(frame) && state.phase === 3 && Math.max(...frame.network.layers.map((each) => each.size)) > 5 ? "units: deltas, " : "";
  const meaning = inUnits + (state.phase === 3 ? "edges: gradients" : state.phase === 4 ? "edges: new weights" : "edges: weights");
  const keys = isSmall(frame) ? h("span", {}, h("kbd", {}, "↑ ↓ ← →"), " move, ", h("kbd", {}, "E"), " unit or edge") : h("span", {}, "click a cell, or move with ", h("kbd", {}, "↑ ↓ ← →"), " and ", h("kbd", {}, "Enter"));
  return h("p", { class: "legend" }, h("span", {}, "below zero ", h("span", { class: "ramp", "aria-hidden": "true" }), " above"), h("span", {}, isSmall(frame) ? `${meaning}, thickness is size` : "dashed frames: weights or their gradients"), keys);
}

/**
 * What to do to read an equation.
 * @param {any} frame
 */
export function hint(frame) {
  return h("p", { class: "hint" }, `Pick ${frame.network.chain ? "a unit or an edge in the drawing" : "a cell of a picture"}, by mouse or with the arrow keys, to read how its number comes about.`);
}
