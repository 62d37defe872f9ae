/** A forecast behind what was seen, what came instead, and how far off forecasts are. */

import { EDGE, axes, legend, path } from "./axes.js";
import { h, s, shown } from "./dom.js";
import { readable } from "./readable.js";

const LOOKS = ["curve guess", "curve guess other"];

/**
 * Draw a forecast, and the errors of all forecasts by how far ahead they are.
 * @param {any} told what the server says
 * @param {number} channel which of several targets
 * @param {number} width in pixels
 * @returns {HTMLElement}
 */
export function drawForecast(told, channel, width) {
  const wide = Math.max(220, width);
  return h("div", { class: "forecast" }, ahead(told, channel, wide), errors(told, channel, wide));
}

function ahead(told, channel, wide) {
  const tall = wide > 480 ? 250 : wide * 0.62;
  const [history, truth, forecast] = ["history", "truth", "forecast"].map((name) => told[name][channel]);
  const begin = history.length;
  const behind = (values) => [[begin - 1, history[begin - 1]], ...values.map((value, i) => [begin + i, value])].filter(([, value]) => Number.isFinite(value));
  const lines = { seen: history.map((value, i) => [i, value]), truth: behind(truth), forecast: behind(forecast) };
  const heights = Object.values(lines).flat().map(([, value]) => value);
  const span = [Math.min(...heights), Math.max(...heights)];
  const room = 0.06 * (span[1] - span[0] || 1);
  const last = told.labels.length - 1;
  const marks = [[0, told.labels[0]], [begin, told.labels[begin]], [last, told.labels[last]]];
  const shownMarks = wide < 420 || last - begin < 0.3 * last ? marks.slice(0, 2) : marks;
  const said = `${told.names[channel]} from ${told.labels[0]}, forecast from ${told.labels[begin]}: first ${shown(forecast[0])}, where ${shown(truth[0])} came`;
  const drawing = s("svg", { viewBox: `0 0 ${wide} ${tall}`, role: "img", "aria-label": said });
  const scale = axes(drawing, [wide, tall], [0, last], [span[0] - room, span[1] + room], told.names[channel], shownMarks);
  const { x, y } = scale;
  drawing.append(s("line", { class: "mark", x1: x(begin - 0.5), x2: x(begin - 0.5), y1: EDGE.top, y2: tall - EDGE.low }));
  drawing.append(s("path", { class: "curve", d: path(lines.seen, scale) }), s("path", { class: "curve truth", d: path(lines.truth, scale) }), s("path", { class: "curve ahead", d: path(lines.forecast, scale) }));
  const at = (_, i) => (i < begin
    ? { x: x(i), y: y(history[i]), text: `${told.labels[i]}: ${shown(history[i])}` }
    : { x: x(i), y: y(forecast[i - begin]), text: `${told.labels[i]}: forecast ${shown(forecast[i - begin])}, came ${shown(truth[i - begin])}` });
  return h("div", {}, readable({ drawing, id: "forecast", label: "Forecast", size: [1, last + 1], at }), legend([["curve", "seen"], ["curve ahead", "forecast"], ["curve truth", "what came"]]));
}

function errors(told, channel, wide) {
  const tall = wide > 480 ? 190 : wide * 0.5;
  const all = Object.entries(told.errors).map(([name, each]) => [name, each[channel]]);
  const steps = all[0][1].length;
  const high = Math.max(...all.flatMap(([, each]) => each).filter(Number.isFinite), 1e-12);
  const mean = (each) => each.reduce((sum, value) => sum + value, 0) / steps;
  const said = `Mean absolute error of ${told.windows} forecasts by rows ahead: on average ${all.map(([name, each]) => `${name} ${shown(mean(each), 3)}`).join(", ")}`;
  const drawing = s("svg", { viewBox: `0 0 ${wide} ${tall}`, role: "img", "aria-label": said });
  const span = steps > 1 ? [1, steps] : [0.5, 1.5];
  const scale = axes(drawing, [wide, tall], span, [0, 1.08 * high], "rows ahead", steps > 1 ? undefined : [[1, "1"]]);
  const look = (i) => (i ? LOOKS[(i - 1) % LOOKS.length] : "curve ahead");
  all.toReversed().forEach(([, each], i) => {
    const points = each.map((value, n) => [n + 1, value]).filter(([, value]) => Number.isFinite(value));
    // One row ahead is no line.
    drawing.append(s("path", { class: look(all.length - 1 - i), d: path(steps > 1 ? points : points.flatMap(([, value]) => [[0.8, value], [1.2, value]]), scale) }));
  });
  const at = (_, i) => ({ x: scale.x(i + 1), y: scale.y(all[0][1][i]), text: `${i + 1} ahead: ${all.map(([name, each]) => `${name} ${shown(each[i], 3)}`).join(", ")}` });
  return h("div", {}, h("h3", {}, `Mean absolute error of ${told.windows} forecasts`), readable({ drawing, id: "errors", label: "Errors by rows ahead", size: [1, steps], at }), legend(all.map(([name], i) => [look(i), name])));
}
