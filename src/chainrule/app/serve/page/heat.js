/** Arrays as heat maps on a canvas. */

import { mixed } from "./palette.js";
import { h } from "./dom.js";

/**
 * Paint numbers, one pixel for each.
 * @param {ArrayLike<number>} values row by row
 * @param {number} rows
 * @param {number} columns
 * @param {number} largest
 * @returns {HTMLCanvasElement}
 */
export function paint(values, rows, columns, largest) {
  const canvas = h("canvas", { width: Math.max(1, columns), height: Math.max(1, rows), "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  const image = context.createImageData(Math.max(1, columns), Math.max(1, rows));
  const tones = new Map();
  for (let i = 0; i < rows * columns; i++) {
    const step = Number.isFinite(values[i]) ? Math.round(Math.max(-1, Math.min(1, largest ? values[i] / largest : 0)) * 127) : 999;
    let tone = tones.get(step);
    if (!tone) tones.set(step, (tone = mixed(step === 999 ? NaN : step / 127, 1)));
    image.data.set([tone[0], tone[1], tone[2], 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/**
 * Put the units of a layer at their places in a picture.
 * @param {ArrayLike<number>} values
 * @param {number[][]|null} places row and column of each; null for one row
 * @returns {{values: number[], rows: number, columns: number, unit: (row: number, column: number) => number}}
 */
export function arranged(values, places) {
  if (!places) return { values: Array.from(values), rows: 1, columns: values.length, unit: (_, column) => column };
  const rows = Math.max(...places.map(([row]) => row)) + 1;
  const columns = Math.max(...places.map(([, column]) => column)) + 1;
  const grid = new Array(rows * columns).fill(0);
  const units = new Array(rows * columns).fill(-1);
  places.forEach(([row, column], i) => {
    grid[row * columns + column] = values[i];
    units[row * columns + column] = i;
  });
  return { values: grid, rows, columns, unit: (row, column) => units[row * columns + column] };
}

/**
 * A heat map with a cursor that the mouse and the arrow keys move.
 * @param {object} given
 * @param {HTMLCanvasElement} given.canvas
 * @param {number} given.width in CSS pixels
 * @param {number} given.height
 * @param {string} given.label
 * @param {(row: number, column: number) => string} given.tell
 * @param {(row: number, column: number) => void} given.choose
 * @param {(text: string) => void} given.read
 * @param {[number, number]|null} given.at
 */
export function cells({ canvas, width, height, label, tell, choose, read, at }) {
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  let [row, column] = at ?? [0, 0];
  const box = h("div", {
    class: "cells", tabindex: 0, role: "group", "aria-label": `${label}. Arrow keys move, Enter reads the equation.`,
    onmousemove: (event) => { const [r, c] = under(event); read(tell(r, c)); },
    onmouseleave: () => read(""),
    onclick: (event) => { [row, column] = under(event); choose(row, column); },
    onkeydown: (event) => {
      const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (move) {
        row = Math.max(0, Math.min(canvas.height - 1, row + move[0]));
        column = Math.max(0, Math.min(canvas.width - 1, column + move[1]));
        read(tell(row, column));
      } else if (event.key === "Enter" || event.key === " ") choose(row, column);
      else return;
      event.preventDefault();
    },
  }, canvas);
  function under(event) {
    const place = canvas.getBoundingClientRect();
    const part = (n, size, count) => Math.max(0, Math.min(count - 1, Math.floor((n / size) * count)));
    return [part(event.clientY - place.top, place.height, canvas.height), part(event.clientX - place.left, place.width, canvas.width)];
  }
  return box;
}
