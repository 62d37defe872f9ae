/** Charts that can be read value by value: under the mouse, and with the arrow keys. */

import { h, s } from "./dom.js";

/** Where the cursor of each chart was left, as charts are drawn anew all the time. @type {Map<string, [number, number]>} */
const cursors = new Map();

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -Infinity], End: [0, Infinity] };

/**
 * Make a chart readable.
 * @param {object} chart
 * @param {SVGSVGElement} chart.drawing
 * @param {Element[]} [chart.behind] what lies behind the drawing
 * @param {string} chart.id
 * @param {string} chart.label what it is called
 * @param {[number, number]} chart.size rows and columns of places; a curve has one row
 * @param {(row: number, column: number) => {x: number, y: number, text: string}} chart.at where a place is in the drawing, and what it says
 * @param {string} [chart.look] further class
 * @returns {HTMLElement[]}
 */
export function readable({ drawing, behind = [], id, label, size: [rows, columns], at, look = "" }) {
  if (!rows || !columns) return [drawing];
  const reading = h("p", { class: "reading", role: "status" });
  const cursor = s("circle", { class: "cursor", r: 5, visibility: "hidden" });
  const [, , wide, tall] = drawing.getAttribute("viewBox").split(" ").map(Number);
  const inside = (n, count) => Math.max(0, Math.min(count - 1, n));
  const known = cursors.get(id) ?? [Math.floor(rows / 2), rows > 1 ? Math.floor(columns / 2) : columns - 1];
  let place = [inside(known[0], rows), inside(known[1], columns)];
  const show = () => {
    const { x, y, text } = at(place[0], place[1]);
    for (const [name, value] of Object.entries({ cx: x, cy: y, visibility: "visible" })) cursor.setAttribute(name, value);
    reading.textContent = text;
  };
  const hide = () => {
    cursor.setAttribute("visibility", "hidden");
    reading.textContent = "";
  };
  const nearest = (count, distance) => {
    let best = 0;
    for (let i = 1; i < count; i++) if (distance(i) < distance(best)) best = i;
    return best;
  };
  const box = h("div", {
    class: `readable ${look}`, id: `read-${id}`, tabindex: 0, role: "group", "aria-label": `${label}. Arrow keys read its values.`,
    onfocus: show, onblur: hide,
    onmousemove: (event) => {
      const around = drawing.getBoundingClientRect();
      const x = ((event.clientX - around.left) / around.width) * wide;
      const y = ((event.clientY - around.top) / around.height) * tall;
      const column = nearest(columns, (i) => Math.abs(at(0, i).x - x));
      place = [nearest(rows, (i) => Math.abs(at(i, column).y - y)), column];
      show();
    },
    onmouseleave: () => { if (document.activeElement !== box) hide(); },
    onkeydown: (event) => {
      const move = MOVES[event.key];
      if (!move) return;
      place = [inside(place[0] + move[0], rows), inside(place[1] + move[1], columns)];
      cursors.set(id, /** @type {[number, number]} */ (place));
      show();
      event.preventDefault();
    },
  }, behind, drawing);
  drawing.append(cursor);
  return [box, reading];
}

/**
 * Put a chart into its box; who was reading it goes on.
 * @param {Element} box
 * @param {Element} chart
 */
export function put(box, chart) {
  const id = box.contains(document.activeElement) ? document.activeElement?.id : "";
  box.replaceChildren(chart);
  if (id) document.getElementById(id)?.focus({ preventScroll: true });
}
