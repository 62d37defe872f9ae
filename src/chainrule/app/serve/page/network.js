/** The network as units and edges, with the numbers of the step on them. */

import { s, shown } from "./dom.js";
import { colour, inkOn, mixed } from "./palette.js";

/** Edges up to which every edge has its number written on it. */
const MOST_LABELS = 24;

/**
 * Whether a network is small enough to be drawn unit by unit.
 * @param {any} frame
 */
export function isSmall(frame) {
  const sizes = frame.network.layers.map((layer) => layer.size);
  const edges = sizes.slice(1).reduce((sum, n, i) => sum + n * sizes[i], 0);
  return frame.network.chain && Math.max(...sizes) <= 16 && edges <= 320;
}

/**
 * Draw a network.
 * @param {any} frame what the server says of the step
 * @param {import("./state.js").State} state
 * @param {(pick: number[]) => void} choose
 * @param {{weights?: Record<string, any>, animate?: boolean, width?: number}} [options] weights of a training in progress, by path; width in pixels
 * @returns {SVGSVGElement}
 */
export function drawNetwork(frame, state, choose, { weights, animate, width = 900 } = {}) {
  const layers = frame.network.layers;
  const most = Math.max(...layers.map((layer) => layer.size));
  const wide = Math.max(340, Math.min(1200, width));
  const narrow = wide < 560;
  const big = most <= 5;
  const middle = !big && most <= 9;
  const radius = big ? (narrow ? 23 : 28) : middle ? (narrow ? 16 : 20) : 12;
  const gap = big ? 112 : middle ? 54 : 32;
  const tall = Math.max(250, most * gap + 50);
  const left = big ? radius + 14 : 52;
  const right = wide - (narrow ? 104 : 184);
  const across = layers.length > 1 ? (right - left) / (layers.length - 1) : 0;
  const place = (layer, unit) => ({
    x: left + layer * across,
    y: 34 + tall / 2 + (unit - (layers[layer].size - 1) / 2) * Math.min(gap, (tall - 60) / layers[layer].size),
  });
  const phase = weights ? 0 : state.phase;
  const appear = animate ? " appear" : "";
  const edges = s("g", {});
  const labels = s("g", { "aria-hidden": "true" });
  const units = s("g", {});
  const count = layers.slice(1).reduce((sum, layer, i) => sum + layer.size * layers[i].size, 0);
  const focus = state.pick.length ? state.pick : [Math.min(1, layers.length - 1), 0];

  layers.forEach((layer, l) => {
    if (!l) return;
    const path = frame.network.paths[layer.keys.W];
    const now = weights?.[path] ?? frame.arrays[layer.keys.W].values;
    const gradient = frame.arrays[layer.keys.dW]?.values;
    const fresh = frame.arrays[layer.keys.newW]?.values;
    const used = phase === 3 && gradient ? gradient : phase === 4 && fresh ? fresh : now;
    const largest = Math.max(...used.flat().map(Math.abs), 1e-12);
    for (let i = 0; i < layers[l - 1].size; i++) {
      for (let j = 0; j < layer.size; j++) {
        const a = place(l - 1, i);
        const b = place(l, j);
        const value = used[i][j];
        const picked = samePick(state.pick, [l, i, j]);
        const beside = state.pick.length === 2 && ((state.pick[0] === l && state.pick[1] === j) || (state.pick[0] === l - 1 && state.pick[1] === i));
        const width = 0.8 + (5 * Math.abs(value)) / largest;
        const line = { x1: a.x + radius, y1: a.y, x2: b.x - radius, y2: b.y };
        const named = `${layers[l - 1].units[i]} to ${layer.units[j]}`;
        const said = `edge ${named}: weight ${shown(now[i][j])}` + (phase >= 3 && gradient ? `, gradient ${shown(gradient[i][j])}` : "") + (phase >= 4 && fresh ? `, new weight ${shown(fresh[i][j])}` : "");
        edges.append(
          s("g", {
              class: `edge-group${picked ? " picked" : ""}`, role: "button", "aria-label": said, "aria-pressed": String(picked),
              tabindex: samePick(focus, [l, i, j]) ? 0 : -1, "data-pick": [l, i, j].join(","), onclick: () => choose([l, i, j]),
            },
            s("line", { class: "halo", ...line, "stroke-width": width + 8 }),
            s("line", { class: "edge", ...line, stroke: colour(value, largest), "stroke-width": width.toFixed(2), opacity: count > 100 && !picked && !beside ? 0.75 : 1 }),
            s("line", { class: "edge-area", ...line }),
          ),
        );
        if ((count <= MOST_LABELS && !narrow) || (narrow && count <= 8) || picked || (beside && most <= 9 && across > 150)) {
          // Where many edges meet, their numbers stand at the other end; else they keep off the middle,
          // where edges cross.
          const far = beside && count > MOST_LABELS;
          const share = far ? (state.pick[0] === l ? 0.2 : 0.8) : Math.abs(a.y - b.y) < 1 ? 0.5 : 0.7;
          const x = line.x1 + (line.x2 - line.x1) * share;
          const y = line.y1 + (line.y2 - line.y1) * share;
          const text = phase === 3 && gradient ? `∂ ${shown(gradient[i][j], 3)}` : phase === 4 && fresh ? `→ ${shown(fresh[i][j])}` : shown(now[i][j], narrow ? 3 : 4);
          // On a level line, however thick, the number stands above it.
          const level = Math.abs(a.y - b.y) < 12 ? width / 2 + 9 : 1;
          labels.append(s("text", { class: `edge-label${phase >= 3 ? appear : ""}`, x, y: y - level }, text));
        }
      }
    }
  });

  layers.forEach((layer, l) => {
    const read = (name) => (layer.keys[name] ? frame.arrays[layer.keys[name]]?.values : undefined);
    const values = weights ? undefined : l === 0 ? read("x") : (read("a") ?? read("z"));
    const deltas = weights ? undefined : read("delta");
    const biases = weights?.[frame.network.paths[layer.keys.b]] ?? read("b");
    const seen = values !== undefined && (l === 0 || phase >= 1);
    const largest = seen ? Math.max(...values.map(Math.abs), 1e-12) : 1;
    const kind = l === layers.length - 1 ? "output" : "hidden";
    const caption = l === 0 ? "inputs" : narrow ? layer.activation : `${kind} · ${layer.activation}`;
    units.append(s("text", { class: "layer-name", x: Math.max(place(l, 0).x, 28), y: 16 }, caption));
    for (let i = 0; i < layer.size; i++) {
      const { x, y } = place(l, i);
      const picked = samePick(state.pick, [l, i]);
      const inside = !big && phase === 3 && deltas ? deltas[i] : seen ? values[i] : undefined;
      const size = !big && phase === 3 && deltas ? Math.max(...deltas.map(Math.abs), 1e-12) : largest;
      const fill = inside === undefined ? undefined : mixed(inside, size);
      const name = layer.units[i] ?? String(i + 1);
      const long = layer.names[i] && layer.names[i] !== name ? layer.names[i] : "";
      const said = `unit ${name}${long ? ` (${long})` : ""}` + (seen ? `: value ${shown(values[i])}` : "") + (phase >= 3 && deltas ? `, delta ${shown(deltas[i])}` : "");
      units.append(
        s("g", {
            class: `unit${picked ? " picked" : ""}`, role: "button", "aria-label": said, "aria-pressed": String(picked),
            tabindex: samePick(focus, [l, i]) ? 0 : -1, "data-pick": [l, i].join(","), onclick: () => choose([l, i]),
          },
          s("title", {}, said),
          s("circle", { class: "body", cx: x, cy: y, r: radius, fill: fill ? `rgb(${fill.join(" ")})` : "var(--card)" }),
          radius > 15 && inside !== undefined && s("text", { class: `value${l ? appear : ""}`, x, y, style: `fill:${inkOn(fill)};animation-delay:${l * 0.12}s${big ? "" : `;font-size:${brief(inside).length > 4 ? 9 : 10.5}px`}` }, big ? shown(inside, narrow ? 3 : 4) : brief(inside)),
          big && s("text", { class: "name", x, y: y - radius - 11 }, name),
          !big && l === 0 && s("text", { class: "below", x: x - radius - 16, y }, name),
          big && long && l === 0 && s("text", { class: "long", x: Math.max(x, 40), y: y + radius + 13 }, long.length > 16 ? `${long.slice(0, 15)}…` : long),
          big && biases && phase < 3 && l > 0 && s("text", { class: "below", x, y: y + radius + 13 }, `b ${shown(biases[i], 3)}`),
          big && deltas && phase >= 3 && s("text", { class: `delta ${deltas[i] < 0 ? "minus" : "plus"}${phase === 3 ? appear : ""}`, x, y: y + radius + 13, fill: "currentColor", style: `animation-delay:${(layers.length - l) * 0.15}s` }, `δ ${shown(deltas[i], 3)}`),
        ),
      );
    }
  });

  const end = s("g", { "aria-hidden": "true" });
  if (phase >= 2) {
    const last = layers.length - 1;
    const half = narrow ? 36 : 44;
    const box = { x: wide - half - 4, y: 34 + tall / 2 };
    const target = [frame.prediction.target].flat();
    layers[last].units.forEach((_, j) => {
      const from = place(last, j);
      end.append(s("path", { class: "loss-line", d: `M${from.x + radius} ${from.y} C ${box.x - half - 10} ${from.y} ${box.x - half - 30} ${box.y} ${box.x - half} ${box.y}` }));
      const told = target.length === layers[last].size ? target[j] : undefined;
      if (told !== undefined && radius > 15) {
        const spot = narrow ? { x: from.x, y: from.y + radius + 30 } : { x: from.x + radius + 8, y: from.y - 13, style: "text-anchor:start" };
        end.append(s("text", { class: `edge-label${appear}`, ...spot }, `target ${shown(told)}`));
      }
    });
    end.append(s("rect", { class: "loss-box", x: box.x - half, y: box.y - 28, width: 2 * half, height: 56, rx: 12 }), s("text", { class: "loss-text", x: box.x, y: box.y - 9, style: "font-weight:500;font-size:12px" }, "loss"), s("text", { class: "loss-text", x: box.x, y: box.y + 10 }, shown(frame.loss)));
  }
  const drawing = s("svg", { viewBox: `0 0 ${wide} ${tall + 44}`, width: wide, height: tall + 44, role: "group", "aria-label": "The network: units and edges. Arrow keys move between them.", onkeydown: (event) => moved(event, frame, choose) }, edges, labels, end, units);
  return drawing;
}

/** A number of a unit that has room for four characters only. */
function brief(value) {
  if (value !== 0 && Math.abs(value) < 0.01) return value.toExponential(0).replaceAll("-", "−");
  return (Math.abs(value) < 9.995 ? value.toFixed(2) : Math.abs(value) < 1e4 ? String(Math.round(value)) : "▲").replace("-", "−");
}

/**
 * @param {number[]} a
 * @param {number[]} b
 */
export function samePick(a, b) {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** Move through the network by keys: arrows between units, E between a unit and its edges. */
function moved(event, frame, choose) {
  const at = event.target.closest?.("[data-pick]");
  if (!at || event.ctrlKey || event.metaKey || event.altKey) return;
  const pick = at.dataset.pick.split(",").map(Number);
  const next = neighbour(pick, event.key, frame.network.layers.map((layer) => layer.size));
  if (!next) return;
  event.preventDefault();
  choose(next);
}

/**
 * Where a key leads.
 * @param {number[]} pick
 * @param {string} key
 * @param {number[]} sizes
 * @returns {number[]|undefined}
 */
export function neighbour(pick, key, sizes) {
  const within = (n, size) => Math.max(0, Math.min(size - 1, n));
  if (key === "Enter" || key === " ") return pick;
  if (pick.length === 2) {
    const [layer, unit] = pick;
    if (key === "ArrowUp" || key === "ArrowDown") return [layer, within(unit + (key === "ArrowUp" ? -1 : 1), sizes[layer])];
    if (key === "ArrowLeft" || key === "ArrowRight") {
      const to = within(layer + (key === "ArrowLeft" ? -1 : 1), sizes.length);
      return [to, within(unit, sizes[to])];
    }
    if (key === "e" || key === "E") return layer ? [layer, 0, unit] : [1, unit, 0];
    return undefined;
  }
  const [layer, from, to] = pick;
  if (key === "ArrowLeft") return [layer - 1, from];
  if (key === "ArrowRight" || key === "e" || key === "E") return [layer, to];
  if (key === "ArrowUp" || key === "ArrowDown") {
    const place = within(to * sizes[layer - 1] + from + (key === "ArrowUp" ? -1 : 1), sizes[layer] * sizes[layer - 1]);
    return [layer, place % sizes[layer - 1], Math.floor(place / sizes[layer - 1])];
  }
  return undefined;
}
