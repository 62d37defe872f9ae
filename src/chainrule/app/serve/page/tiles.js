/** Networks that are too large for units and edges: layers and weights as heat maps. */

import { fetchArray } from "./api.js";
import { find, h, shown } from "./dom.js";
import { arranged, cells, paint } from "./heat.js";
import { asked } from "./state.js";

/**
 * Show a large network.
 * @param {any} frame
 * @param {import("./state.js").State} state
 * @param {(pick: number[]) => void} choose
 * @returns {HTMLElement}
 */
export function drawTiles(frame, state, choose) {
  const reading = h("p", { class: "reading", id: "reading" });
  const read = (text) => { reading.textContent = text; };
  const box = h("div", { class: "tiles" });
  if (!frame.network.chain) {
    for (const [key, array] of Object.entries(frame.arrays)) if (array.shape.length && array.shape.length <= 2) box.append(generic(frame, state, key, array, read));
    return h("div", {}, box, reading);
  }
  frame.network.layers.forEach((layer, l) => {
    if (l) box.append(weightTile(frame, state, layer, l, choose, read));
    box.append(layerTile(frame, state, layer, l, choose, read));
  });
  return h("div", {}, box, reading);
}

function layerTile(frame, state, layer, l, choose, read) {
  const backward = state.phase >= 3 && layer.keys.delta;
  const key = backward ? layer.keys.delta : l === 0 ? "x" : (layer.keys.a ?? layer.keys.z);
  const array = frame.arrays[key];
  const hidden = l > 0 && state.phase < 1;
  const values = hidden ? new Array(layer.size).fill(0) : array.values;
  const grid = arranged(values, layer.places ?? tall(layer.size));
  const canvas = paint(grid.values, grid.rows, grid.columns, array.largest);
  const room = frame.network.layers.length > 3 ? 88 : 132;
  const cell = Math.max(3, Math.min(18, room / Math.max(grid.rows, grid.columns)));
  const sign = backward ? "δ" : l === 0 ? "x" : layer.keys.a ? "a" : "z";
  const name = l === 0 ? "inputs" : l === frame.network.layers.length - 1 ? "output" : `layer ${l}`;
  const tell = (row, column) => {
    const unit = grid.unit(row, column);
    const called = layer.names[unit] ?? layer.units[unit] ?? `unit ${unit + 1}`;
    return unit < 0 ? "no unit here" : `${name}, ${called}: ${sign} = ${hidden ? "not computed yet" : shown(values[unit])}`;
  };
  const at = state.pick.length === 2 && state.pick[0] === l ? layer.places?.[state.pick[1]] : null;
  const map = cells({
    canvas, width: cell * grid.columns, height: cell * grid.rows, label: `${name}: ${layer.size} units as a heat map`,
    tell, read, at, choose: (row, column) => { const unit = grid.unit(row, column); if (unit >= 0) choose([l, unit]); },
  });
  return h("figure", { class: "tile" }, map, h("figcaption", {}, h("b", {}, `${sign}${l ? superscript(l) : ""}`), ` ${name}`, h("br"), `${layer.size} units${layer.activation ? ` · ${layer.activation}` : ""}`));
}

function tall(size) {
  return Array.from({ length: size }, (_, i) => [i, 0]);
}

function weightTile(frame, state, layer, l, choose, read) {
  const kind = state.phase === 3 ? ["dW", "∂L/∂W"] : state.phase === 4 ? ["newW", "W′"] : ["W", "W"];
  const key = layer.keys[kind[0]] ?? layer.keys.W;
  const array = frame.arrays[key];
  const [rows, columns] = array.shape;
  const figure = h("figure", { class: "tile weights" });
  const show = (values) => {
    const canvas = paint(values, rows, columns, array.largest);
    const scale = Math.min(8, (frame.network.layers.length > 3 ? 112 : 168) / Math.max(rows, columns, 14));
    const tell = (row, column) => `${kind[1]}${superscript(l)} from ${row + 1} to ${column + 1}: ${shown(values[row * columns + column])}`;
    const at = state.pick.length === 3 && state.pick[0] === l ? [state.pick[1], state.pick[2]] : null;
    const pick = (row, column) => choose([l, row, column]);
    const label = `${kind[1]} of layer ${l}: ${rows} by ${columns} as a heat map`;
    figure.replaceChildren(
      cells({ canvas, width: Math.max(8, columns * scale), height: Math.max(8, rows * scale), label, tell, read, at, choose: pick }),
      h("figcaption", {}, h("b", {}, `${kind[1]}${superscript(l)}`), ` ${rows} × ${columns}`, h("br"),
        h("button", { class: "small", onclick: () => enlarge(label, values, rows, columns, array.largest, tell, pick) }, h("span", { "aria-hidden": "true" }, "⤢"), h("span", { class: "unseen" }, `Enlarge ${kind[1]} of layer ${l}`))),
    );
  };
  if (array.values) show(array.values.flat());
  else {
    figure.append(h("p", { class: "quiet" }, `${kind[1]}${superscript(l)} …`));
    fetchArray(asked(state), key).then(({ values }) => show(values), () => figure.replaceChildren(h("p", { class: "quiet" }, "could not be fetched")));
  }
  return figure;
}

function generic(frame, state, key, array, read) {
  const [rows, columns] = array.shape.length === 1 ? [1, array.shape[0]] : array.shape;
  const figure = h("figure", { class: "tile" });
  const show = (values) => {
    const scale = Math.min(10, 120 / Math.max(rows, columns, 4));
    const tell = (row, column) => `${key} [${row + 1}, ${column + 1}] = ${shown(values[row * columns + column])}`;
    const canvas = paint(values, rows, columns, array.largest);
    figure.replaceChildren(cells({ canvas, width: Math.max(6, columns * scale), height: Math.max(6, rows * scale), label: key, tell, read, at: null, choose: (r, c) => read(tell(r, c)) }), h("figcaption", {}, h("b", {}, key), ` ${array.shape.join(" × ")}`));
  };
  if (array.values) show(array.values.flat());
  else fetchArray(asked(state), key).then(({ values }) => show(values), () => figure.remove());
  return figure;
}

/** A large view of one matrix that can be zoomed. */
function enlarge(label, values, rows, columns, largest, tell, pick) {
  const reading = h("p", { class: "reading" });
  const canvas = paint(values, rows, columns, largest);
  const box = cells({ canvas, width: 0, height: 0, label, tell, at: null, read: (text) => { reading.textContent = text; }, choose: (r, c) => { dialog.close(); pick(r, c); } });
  const size = (scale) => { canvas.style.width = `${columns * scale}px`; canvas.style.height = `${rows * scale}px`; };
  const first = Math.max(1, Math.min(24, Math.floor(Math.min(900 / columns, 480 / rows))));
  const zoom = h("input", { type: "range", min: 1, max: 24, value: first, id: "zoom", oninput: () => size(Number(zoom.value)) });
  size(first);
  const dialog = h("dialog", { "aria-label": label }, h("h2", {}, label), h("div", { class: "field" }, h("label", { for: "zoom" }, "Zoom"), zoom), h("div", { class: "zoomed" }, box), reading, h("div", { class: "actions" }, h("button", { onclick: () => dialog.close() }, "Close")));
  dialog.addEventListener("close", () => dialog.remove());
  find("body").append(dialog);
  dialog.showModal();
}

/** @param {number} layer */
function superscript(layer) {
  return `⁽${String(layer).replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)])}⁾`;
}
