/**
 * What is on the screen, as the URL says it.
 *
 * @typedef {[number, string, string, number[], any]} Change step, name, where, index, value
 * @typedef {object} State
 * @property {string} view "network", "equations" or "claims"
 * @property {string} source
 * @property {Record<string, any>} settings
 * @property {Change[]} changes
 * @property {number} step
 * @property {number} reach the furthest step that was made
 * @property {number} row
 * @property {number} phase 0 start, 1 forward, 2 loss, 3 backward, 4 update
 * @property {number[]} pick [layer, unit] or [layer, from, to]
 * @property {string} entry a cell of a network that is no chain: "key@picture,row,column"
 * @property {string} claims
 * @property {string} theme "", "light" or "dark"
 * @property {number} speed steps per second; 0 for as fast as it goes
 * @property {boolean} until whether training ends when all rows are classified correctly
 * @property {string} slice what is shown of the loss around a step; "" goes by what is picked
 * @property {number} channel which of several columns that are forecast
 * @property {boolean} log whether the loss is drawn on a logarithmic scale
 */

export const PHASES = ["start", "forward", "loss", "backward", "update"];
export const VIEWS = ["network", "equations", "claims"];

/** @type {State} */
const FIRST = {
  view: "network",
  source: "example:e1",
  settings: {},
  changes: [],
  step: 0,
  reach: 0,
  row: 0,
  phase: 1,
  pick: [],
  entry: "",
  claims: "E1",
  theme: "",
  speed: 0,
  until: false,
  slice: "",
  channel: 0,
  log: false,
};

/**
 * Read a URL's fragment.
 * @param {string} fragment
 * @returns {State}
 */
export function read(fragment) {
  const given = new URLSearchParams(fragment.replace(/^#/, ""));
  const state = structuredClone(FIRST);
  const text = (name) => given.get(name) ?? state[name];
  const whole = (name, most) => {
    const value = Number(given.get(name) ?? state[name]);
    return Number.isInteger(value) && value >= 0 && value <= most ? value : state[name];
  };
  state.source = text("source");
  state.view = VIEWS.includes(text("view")) ? text("view") : "network";
  state.claims = text("claims");
  state.entry = /^[^@]+@\d+,\d+,\d+$/.test(text("entry")) ? text("entry") : "";
  state.theme = ["light", "dark"].includes(text("theme")) ? text("theme") : "";
  state.slice = ["gradient", "weight", "plane"].includes(text("slice")) ? text("slice") : "";
  state.step = whole("step", 1e8);
  state.reach = Math.max(state.step, whole("reach", 1e8));
  state.row = whole("row", 1e6);
  state.phase = whole("phase", 4);
  state.channel = whole("channel", 1e4);
  state.speed = Number(given.get("speed")) || 0;
  state.log = given.get("log") === "1";
  state.until = given.get("until") === "correct";
  state.settings = parsed(given.get("set"), {});
  state.changes = parsed(given.get("changes"), []);
  const pick = (given.get("pick") ?? "").split(",").filter(Boolean).map(Number);
  state.pick = pick.every(Number.isInteger) && [0, 2, 3].includes(pick.length) ? pick : [];
  return state;
}

function parsed(text, otherwise) {
  if (!text) return otherwise;
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" ? value : otherwise;
  } catch {
    return otherwise;
  }
}

/**
 * Write a URL's fragment; what is as at first is left out.
 * @param {State} state
 */
export function written(state) {
  const put = new URLSearchParams();
  put.set("source", state.source);
  const plain = ["view", "claims", "theme", "step", "row", "phase", "speed", "entry", "slice", "channel"];
  for (const name of plain) if (state[name] !== FIRST[name]) put.set(name, String(state[name]));
  if (state.reach > state.step) put.set("reach", String(state.reach));
  if (state.log) put.set("log", "1");
  if (state.until) put.set("until", "correct");
  if (Object.keys(state.settings).length) put.set("set", JSON.stringify(state.settings));
  if (state.changes.length) put.set("changes", JSON.stringify(state.changes));
  if (state.pick.length) put.set("pick", state.pick.join(","));
  return `#${put.toString().replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%40", "@")}`;
}

/**
 * What the server needs to know.
 * @param {State} state
 */
export function asked(state) {
  const { source, settings, changes, step, row } = state;
  return { source, settings, changes, step, row };
}
