/** Networks that are too large for units and edges: layers and weights as heat maps. */

import { fetchArray } from "./api.js";
import { find, h, shown } from "./dom.js";
import { arranged, cells, paint } from "./heat.js";
import { asked } from "./state.js";

/**
 * Show a large network.
 * @param {any} frame
 * @param {import("./state.js").State} state
 * @param {(pick: any) => void} choose takes [layer, unit] or [layer, from, to]; for networks that are no chain "key@picture,row,column"
 * @returns {HTMLElement}
 */
export function drawTiles(frame, state, choose) {
  const reading = h("p", { class: "reading", id: "reading" });
  const read = (text) => { reading.textContent = text; };
  const box = h("div", { class: "tiles" });
  if (!frame.network.chain) {
    const wanted = PARTS[state.phase];
    box.classList.add("maps");
    for (const map of frame.maps) if (wanted.includes(map.part)) box.append(mapTile(map, state, choose, read));
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

/** Which parts of a step are shown in which phase. */
const PARTS = [["given"], ["given", "forward"], ["given", "forward"], ["backward"], ["update"]];

/**
 * One value as pictures beside each other: kernels, feature maps, heads of attention, steps.
 * @param {any} map
 * @param {import("./state.js").State} state
 * @param {(entry: string) => void} choose
 * @param {(text: string) => void} read
 * @returns {HTMLElement}
 */
function mapTile(map, state, choose, read) {
  const { rows, columns, count } = map;
  const across = Math.min(count, Math.ceil(Math.sqrt(count)));
  const down = Math.ceil(count / across);
  const wide = across * (columns + 1) - 1;
  const tall = down * (rows + 1) - 1;
  const grid = new Array(wide * tall).fill(0);
  const spot = (n) => [Math.floor(n / across) * (rows + 1), (n % across) * (columns + 1)];
  for (let n = 0; n < count; n++) {
    const [top, left] = spot(n);
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) grid[(top + r) * wide + left + c] = map.values[(n * rows + r) * columns + c] ?? NaN;
  }
  const canvas = paint(grid, tall, wide, map.largest);
  const context = canvas.getContext("2d");
  for (let k = 1; k < across; k++) context.clearRect(k * (columns + 1) - 1, 0, 1, tall);
  for (let k = 1; k < down; k++) context.clearRect(0, k * (rows + 1) - 1, wide, 1);
  for (let n = count; n < across * down; n++) context.clearRect(spot(n)[1], spot(n)[0], columns, rows);
  const place = (row, column) => {
    const n = Math.floor(row / (rows + 1)) * across + Math.floor(column / (columns + 1));
    const at = [n, row % (rows + 1), column % (columns + 1)];
    return n < count && at[1] < rows && at[2] < columns ? at : null;
  };
  const tell = (row, column) => {
    const at = place(row, column);
    if (!at) return "";
    const where = count > 1 ? `picture ${at[0] + 1}, ` : "";
    return `${map.title}, ${where}row ${at[1] + 1}, column ${at[2] + 1}: ${shown(map.values[(at[0] * rows + at[1]) * columns + at[2]])}`;
  };
  const scale = Math.max(2, Math.min(14, 168 / Math.max(wide, tall)));
  const [key, where] = state.entry.split("@");
  const [n, r, c] = (key === map.key && where ? where : "0,0,0").split(",").map(Number);
  const box = cells({
    canvas, width: Math.round(wide * scale), height: Math.max(8, Math.round(tall * scale)), label: `${map.title}: ${map.about}`, tell, read,
    at: key === map.key ? [spot(n)[0] + r, spot(n)[1] + c] : null,
    choose: (row, column) => { const at = place(row, column); if (at) choose(`${map.key}@${at.join(",")}`); },
  });
  const rest = map.left ? `, ${map.left} more` : "";
  return h("figure", { class: `tile${map.part === "given" ? " weights" : ""}${key === map.key ? " picked" : ""}` }, box, h("figcaption", {}, h("b", {}, map.title), h("br"), map.about + rest));
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
