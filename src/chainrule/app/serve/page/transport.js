/** The buttons that make the steps. */

import { counted, h } from "./dom.js";

const NAMES = ["Forward", "Loss", "Backward", "Update"];
const SPEEDS = [[1, "1 step/s"], [5, "5 steps/s"], [25, "25 steps/s"], [200, "200 steps/s"], [0, "full speed"]];

/**
 * @param {import("./state.js").State} state
 * @param {boolean} running
 * @param {boolean} classes whether rows are classified, so that all can be right
 * @param {object} act
 * @param {(phase: number) => void} act.phase
 * @param {(step: number) => void} act.go
 * @param {() => void} act.train
 * @param {(speed: number) => void} act.speed
 * @param {(until: boolean) => void} act.until
 * @returns {HTMLElement}
 */
export function transport(state, running, classes, act) {
  const phases = h("ol", { class: "phases" }, NAMES.map((name, i) => {
    const phase = i + 1;
    return h("li", {}, h("button", { id: `phase-${phase}`, "aria-pressed": String(state.phase === phase), class: state.phase > phase ? "done" : "", disabled: running, onclick: () => act.phase(phase) }, h("small", { "aria-hidden": "true" }, String(phase)), name));
  }));
  const slider = h("input", { type: "range", id: "history", min: 0, max: Math.max(1, state.reach), value: state.step, disabled: running || !state.reach, "aria-label": "Step in the history", onchange: () => act.go(Number(slider.value)) });
  const history = h("div", { class: "history" },
    h("button", { id: "back", disabled: running || state.step === 0, onclick: () => act.go(state.step - 1), "aria-label": "One step back" }, "←"),
    slider,
    h("button", { id: "next", disabled: running, onclick: () => act.go(state.step + 1), "aria-label": "One step forward" }, "→"),
    h("label", { for: "history", id: "step" }, `step ${counted(state.step)}`));
  const speed = h("select", { id: "speed", "aria-label": "Speed of training", onchange: () => act.speed(Number(speed.value)) }, SPEEDS.map(([value, name]) => h("option", { value, selected: value === state.speed }, name)));
  const until = h("input", { type: "checkbox", id: "until", checked: state.until, onchange: () => act.until(until.checked) });
  const stop = classes ? h("span", { class: "check" }, until, h("label", { for: "until" }, "until all rows are right")) : null;
  const run = h("div", { class: "run" }, stop, speed, h("button", { id: "train", class: "main", onclick: act.train }, running ? "■ Stop" : "▶ Train"));
  return h("div", { class: "transport", role: "group", "aria-label": "Steps" }, phases, run, history);
}
