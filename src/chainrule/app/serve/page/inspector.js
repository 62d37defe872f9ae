/** The equations of what is picked, with the numbers of this step. */

import { h, shown } from "./dom.js";

/** Which phase shows which part of a step. */
const SHOWN_FROM = { given: 0, forward: 1, loss: 2, backward: 3, update: 4 };
const AFTER = { forward: "Forward", loss: "Loss", backward: "Backward", update: "Update" };

/**
 * Show what the server says about a unit or an edge.
 * @param {any} about
 * @param {import("./state.js").State} state
 * @param {any} frame
 * @param {(name: string, where: string, index: number[], value: number) => void} change
 * @returns {HTMLElement[]}
 */
export function inspected(about, state, frame, change) {
  const visible = about.equations.filter((each) => SHOWN_FROM[each.part] <= state.phase);
  const waiting = [...new Set(about.equations.filter((each) => SHOWN_FROM[each.part] > state.phase).map((each) => AFTER[each.part]))];
  const parts = [h("div", {}, visible.map(equation))];
  if (waiting.length) parts.push(h("p", { class: "hint" }, `More after ${waiting.join(" and ")}.`));
  if (about.kind !== "entry") parts.push(...controls(about, state, frame, change));
  return parts;
}

function equation(each) {
  const box = h("div", { class: "equation" });
  box.append(h("div", { class: "of" }, h("h3", {}, each.name), h("b", { class: each.value < 0 ? "minus" : "", "data-key": each.key, "data-value": each.value }, shown(each.value, 6))));
  const rows = h("div", { class: "steps" });
  const [left, ...rights] = sides(each.mathml);
  if (!rights.length) return box;
  rights.slice(0, -1).forEach((right, i) => rows.append(h("span", { html: i ? "" : math(left) }), h("div", { class: "terms" }, h("span", { class: "equals", html: math("<mo>=</mo>") }), terms(right))));
  if (rights.length === 1) rows.append(h("span", { html: math(left) }), h("div", { class: "terms" }, h("span", { class: "equals", html: math("<mo>=</mo>") }), terms(rights[0])));
  box.append(rows);
  return box;
}

function math(inner) {
  return `<math>${inner}</math>`;
}

/** Cut a chain of equations at its equals signs. */
function sides(mathml) {
  const whole = h("div", { html: mathml });
  const row = whole.querySelector("math > mrow");
  if (!row) return [mathml];
  const found = [""];
  for (const child of row.children) {
    if (child.localName === "mo" && child.textContent === "=") found.push("");
    else found[found.length - 1] += child.outerHTML;
  }
  return found;
}

/** Cut a sum into its terms, so that a long one can go on in the next line. */
function terms(inner) {
  const whole = h("div", { html: math(inner) });
  const root = whole.firstElementChild;
  const row = root.children.length === 1 && root.firstElementChild.localName === "mrow" ? root.firstElementChild : root;
  const pieces = [""];
  for (const child of row.children) {
    const sign = child.localName === "mo" && ["+", "−", "=", "·", "/"].includes(child.textContent) && pieces.at(-1);
    if (sign) pieces.push("");
    pieces[pieces.length - 1] += sign ? child.outerHTML.replace("<mo", '<mo form="infix"') : child.outerHTML;
  }
  return pieces.map((piece) => h("span", { html: math(`<mrow>${piece}</mrow>`) }));
}

/** What can be changed: a weight, a bias, an input or a target. */
function controls(about, state, frame, change) {
  const pick = state.pick;
  const layers = frame.network.layers;
  const made = [];
  const put = (name, label, value, where, index) => {
    const input = h("input", { type: "number", step: "any", value: Number(Number(value).toPrecision(9)), id: `change-${name}` });
    const send = () => { if (input.value !== "" && Number.isFinite(Number(input.value))) change(name === "bias" ? "weight" : name, where, index, Number(input.value)); };
    input.addEventListener("keydown", (event) => event.key === "Enter" && send());
    made.push(h("div", { class: "change" }, h("div", { class: "field" }, h("label", { for: `change-${name}` }, label), input), h("button", { onclick: send }, "Change", h("span", { class: "unseen" }, ` ${label}`))));
  };
  const entry = (key) => about.equations.find((each) => each.key === key)?.value;
  if (pick.length === 3) {
    const path = frame.network.paths[layers[pick[0]].keys.W];
    put("weight", `weight ${about.title}`, entry(layers[pick[0]].keys.W), path, [pick[1], pick[2]]);
  } else if (pick[0] === 0) {
    put("input", `input ${about.title}`, entry("x"), "", [frame.rows[frame.row], pick[1]]);
  } else {
    const layer = layers[pick[0]];
    if (layer.keys.b && frame.network.paths[layer.keys.b] && frame.setup.biases) put("bias", `bias of ${about.title}`, entry(layer.keys.b), frame.network.paths[layer.keys.b], [pick[1]]);
    const target = [frame.prediction.target].flat();
    const last = pick[0] === layers.length - 1 && target.length === layer.size && frame.task !== "class";
    if (last) put("target", `target of ${about.title}`, target[pick[1]], "", [frame.rows[frame.row], pick[1]]);
  }
  return made;
}
