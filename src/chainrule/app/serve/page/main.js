/** The page: reads the URL, asks the server, and draws. */

import { Refusal, ask } from "./api.js";
import { gradientFlow, lossCurve, thinned } from "./charts.js";
import { announce, counted, find, h, shown } from "./dom.js";
import { saveHtml, savePng, saveSvg } from "./exporting.js";
import { inspected } from "./inspector.js";
import { drawNetwork, isSmall } from "./network.js";
import { drawPlane } from "./plane.js";
import { settingsPanel } from "./settings.js";
import { claimSheet, equationSheet } from "./sheets.js";
import { SLICES, drawSlice } from "./slices.js";
import { asked, read, VIEWS, written } from "./state.js";
import { drawTiles } from "./tiles.js";
import { transport } from "./transport.js";

let state = read(location.hash);
/** What the server offers. @type {any} */
let start = null;
/** The step that is shown. @type {any} */
let frame = null;
/** The loss before the last change, to be shown beside the new one. @type {number|null} */
let before = null;
/** The plane of two inputs, and the rows on it. @type {any} */
let plane = null;
/** Losses of examples that are only measured. @type {[number, number][]} */
let held = [];
/** The loss around the step, with what it was asked for. @type {any} */
let around = null;
/** The training in progress. @type {any} */
let training = null;
/** The next step, asked for in advance. @type {{question: string, answer: Promise<any>}|null} */
let ahead = null;
/** What the server last said about a unit or an edge. @type {any} */
let last = null;
/** Counts questions, so that late answers are not drawn. */
let asking = 0;

/** Write the state into the URL; with a new entry of the browser's history where wanted. */
function keep(entry = false) {
  const url = written(state);
  if (url === location.hash) return;
  if (entry) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
}

/** Do something that may fail, and say so if it does. */
async function attempt(action) {
  try {
    await action();
    if (!training) find("#problem").replaceChildren();
  } catch (error) {
    report(error);
  }
}

function report(error) {
  if (error instanceof DOMException && error.name === "AbortError") return;
  if (!(error instanceof Refusal)) {
    problem(`The page itself failed: ${error instanceof Error ? error.message : error}`, []);
    throw error;
  }
  const again = h("button", { onclick: () => attempt(error.gone && !start ? begin : load) }, "Try again");
  const home = h("button", { onclick: () => open("example:e1") }, "Open example E1");
  problem(error.message, error.gone ? [again] : [home]);
  if (!frame) find("#main").replaceChildren(h("h1", { class: "quiet wait" }, "Nothing to show yet"));
}

function problem(message, buttons) {
  find("#problem").replaceChildren(h("p", {}, message), ...buttons);
}

/** Ask for what the state shows, and draw it. */
async function load({ animate = false } = {}) {
  keep();
  theme();
  views();
  if (state.view === "claims") {
    const report = await ask(`/api/claims/${encodeURIComponent(state.claims)}`);
    const sheet = claimSheet(start.claims, report, (name) => { state.claims = name; keep(true); attempt(load); }, open);
    swap(sheet);
    return;
  }
  const mine = ++asking;
  const question = JSON.stringify(asked(state));
  const got = await (ahead?.question === question ? ahead.answer : ask("/api/frame", asked(state)));
  if (mine !== asking) return;
  frame = got;
  state.row = frame.row;
  if (state.view === "equations") {
    const derivation = await ask("/api/derivation", asked(state));
    if (mine === asking) swap(equationSheet(derivation, frame));
    return;
  }
  draw({ animate });
  await Promise.all([about(mine), surface(mine)]);
  await slice(mine);
  if (mine === asking && !training) lookAhead();
}

/** Ask for the next step before somebody wants it, so that it shows at once. */
function lookAhead() {
  const next = { ...asked(state), step: state.step + 1 };
  const answer = ask("/api/frame", next);
  ahead = { question: JSON.stringify(next), answer };
  // If it fails, the failure is told when somebody goes there.
  answer.catch(() => { ahead = null; });
}

/** Put a view on the screen, with the keyboard where it was. */
function swap(...children) {
  const at = document.activeElement;
  const id = at?.id;
  const pick = at?.getAttribute("data-pick");
  find("#main").replaceChildren(...children);
  focusAgain(id, pick);
}

function focusAgain(id, pick) {
  const target = (pick && document.querySelector(`[data-pick="${state.pick.join(",") || pick}"]`)) || (id && document.getElementById(id));
  if (target && target !== document.activeElement) target.focus({ preventScroll: true });
}

function draw({ animate = false } = {}) {
  const stage = h("section", { class: "card stage", "aria-label": "Network" },
    h("header", {}, h("h1", {}, frame.title), rowChoice(), h("p", {}, frame.about)),
    facts(), h("div", { class: "drawing", id: "drawing" }), legend(),
    transport(state, Boolean(training), frame.task !== "number", { phase, go, train: toggle, until: (until) => { state.until = until; keep(); if (training) restart(); }, speed: (speed) => { state.speed = speed; keep(); if (training) restart(); } }));
  const act = { open, set, reset, undo, fail: report, relist };
  swap(h("div", { class: "bench" }, settingsPanel(start, frame, state, act), stage,
    h("section", { class: "card look", "aria-label": "Equations of what is picked" }, h("header", {}, h("h2", { id: "look-title" }, "Equation")), h("div", { class: "inside", id: "look", tabindex: 0, role: "group", "aria-labelledby": "look-title" }, hint())),
    charts()));
  drawing({ animate });
  curves();
  drawAround();
  // What was said last stays, greyed, until the new numbers are there: nothing jumps.
  if (last && (state.pick.length || state.entry)) {
    tell(last);
    find("#look").setAttribute("aria-busy", "true");
  }
}

function drawing({ animate = false, weights } = {}) {
  const at = document.activeElement?.getAttribute?.("data-pick");
  const drawn = isSmall(frame) ? drawNetwork(frame, state, choose, { animate, weights, width: find("#drawing").clientWidth - 16 }) : drawTiles(frame, state, choose);
  find("#drawing").replaceChildren(drawn);
  if (at) focusAgain("", at);
}

function facts(live) {
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

function rowChoice() {
  if (frame.rows.length < 2) return null;
  const select = h("select", { id: "row", style: "width:auto", onchange: () => { state.row = Number(select.value); attempt(load); } },
    frame.rows.map((row, i) => h("option", { value: i, selected: i === frame.row }, `row ${row + 1}`)));
  return h("div", { style: "display:flex;gap:8px;align-items:center" }, h("label", { for: "row" }, "Example"), select);
}

function legend() {
  const inUnits = isSmall(frame) && state.phase === 3 && Math.max(...frame.network.layers.map((each) => each.size)) > 5 ? "units: deltas, " : "";
  const meaning = inUnits + (state.phase === 3 ? "edges: gradients" : state.phase === 4 ? "edges: new weights" : "edges: weights");
  const keys = isSmall(frame) ? h("span", {}, h("kbd", {}, "↑ ↓ ← →"), " move, ", h("kbd", {}, "E"), " unit or edge") : h("span", {}, "click a cell, or move with ", h("kbd", {}, "↑ ↓ ← →"), " and ", h("kbd", {}, "Enter"));
  return h("p", { class: "legend" }, h("span", {}, "below zero ", h("span", { class: "ramp", "aria-hidden": "true" }), " above"), h("span", {}, isSmall(frame) ? `${meaning}, thickness is size` : "dashed frames: weights or their gradients"), keys);
}

function hint() {
  return h("p", { class: "hint" }, `Pick ${frame.network.chain ? "a unit or an edge in the drawing" : "a cell of a picture"}, by mouse or with the arrow keys, to read how its number comes about.`);
}

function charts() {
  const log = h("input", { type: "checkbox", id: "log", checked: state.log, onchange: () => { state.log = log.checked; keep(); curves(); } });
  const row = frame.plane ? h("section", { class: "card", "aria-label": "Decision surface" }, h("header", {}, h("h2", {}, "Decision surface")), h("div", { class: "inside", id: "plane" })) : null;
  const box = h("div", { class: "charts" },
    h("section", { class: "card", "aria-label": "Loss" }, h("header", {}, h("h2", {}, "Loss"), h("span", { class: "check" }, log, h("label", { for: "log" }, "logarithmic"))), h("div", { class: "inside", id: "curve" })),
    row,
    h("section", { class: "card", "aria-label": "Loss around this step" }, h("header", {}, h("h2", {}, "Loss nearby"), sliceChoice()), h("div", { class: "inside", id: "slice" })),
    h("section", { class: "card", "aria-label": "Gradient flow" }, h("header", {}, h("h2", {}, "Gradient flow"), h("span", { class: "hint" }, "norm by layer, log scale")), h("div", { class: "inside", id: "flow" }, state.phase >= 3 || frame.step ? gradientFlow(frame.flow) : h("p", { class: "hint" }, "Appears after Backward."))));
  if (frame.plane && plane) row.querySelector("#plane").append(drawPlane(plane.surface, plane.points, here()));
  return box;
}

function curves(live) {
  const curve = live ? live.curve : frame.curve;
  const box = find("#curve");
  const now = live ? { step: live.step, loss: live.loss } : { step: frame.step, loss: Number(frame.loss) };
  box.replaceChildren(lossCurve(curve, held, now, state.log, box.clientWidth - 32));
}

/** The weight that is picked, or the only one that there is: its path, place and name. */
function weight() {
  const { paths, layers } = frame.network;
  const told = last?.equations.find((each) => paths[each.key]);
  if (told && (state.pick.length || state.entry)) return { path: paths[told.key], index: told.index, name: `${last.kind === "unit" ? "the bias of " : ""}${last.title}` };
  const keys = Object.keys(paths);
  const only = frame.parameters === 1 && layers[1];
  return only ? { path: paths[keys[0]], index: [0, 0], name: `${layers[0].units[0]} → ${layers[1].units[0]}` } : null;
}

function sliceKind() {
  const wanted = state.slice || "weight";
  return (wanted === "weight" && !weight()) || (wanted === "plane" && frame.parameters < 2) ? "gradient" : wanted;
}

function sliceChoice() {
  const select = h("select", { id: "slice-kind", class: "quick", "aria-label": "Which way the loss is shown", onchange: () => { state.slice = select.value; keep(); attempt(() => slice()); } });
  fillSlices(select);
  return select;
}

function fillSlices(select) {
  const kinds = Object.entries(SLICES).filter(([kind]) => (kind === "weight" ? weight() : kind !== "plane" || frame.parameters > 1));
  select.replaceChildren(...kinds.map(([kind, name]) => h("option", { value: kind, selected: kind === sliceKind() }, name)));
}

async function slice(mine = asking) {
  if (mine !== asking || training || !document.querySelector("#slice")) return;
  const kind = sliceKind();
  const at = kind === "weight" ? weight() : null;
  const question = { state: asked(state), kind, ...(at && { path: at.path, index: at.index }) };
  fillSlices(find("#slice-kind"));
  const got = await ask("/api/slice", question);
  if (mine !== asking || training || kind !== sliceKind() || JSON.stringify(at) !== JSON.stringify(kind === "weight" ? weight() : null)) return;
  around = { source: state.source, told: got, name: at?.name ?? "" };
  drawAround();
}

function drawAround() {
  const box = document.querySelector("#slice");
  if (box && around?.source === state.source) box.replaceChildren(drawSlice(around.told, around.name, box.clientWidth - 32));
}

function here() {
  return frame.arrays.x?.values ?? null;
}

function picked() {
  const [key, place] = state.entry.split("@");
  if (frame.network.chain ? !state.pick.length : !key) return null;
  return frame.network.chain ? { pick: state.pick } : { key, pick: place.split(",").map(Number) };
}

async function about(mine = asking) {
  const wanted = picked();
  if (!wanted) return;
  try {
    const told = await ask("/api/about", { state: asked(state), ...wanted });
    // Answers may overtake each other where keys are pressed fast.
    if (JSON.stringify(wanted) !== JSON.stringify(picked())) return;
    if (mine !== asking || !document.querySelector("#look")) return;
    last = told;
    tell(told);
  } catch (error) {
    if (!(error instanceof Refusal) || error.gone) throw error;
    state.pick = [];
    state.entry = "";
    keep();
  }
}

function tell(told) {
  find("#look-title").textContent = `${{ edge: "Edge ", unit: "Unit ", entry: "" }[told.kind]}${told.title}${told.subtitle && told.kind === "unit" ? `, ${told.subtitle}` : ""}`;
  find("#look").replaceChildren(...inspected(told, state, frame, change));
  find("#look").removeAttribute("aria-busy");
}

async function surface(mine = asking) {
  if (!frame.plane) { plane = null; return; }
  const got = await ask("/api/surface", asked(state));
  if (mine !== asking) return;
  plane = { surface: got, points: got.points };
  document.querySelector("#plane")?.replaceChildren(drawPlane(got, got.points, here()));
}

// ------------------------------------------------------------------ What people do

function choose(pick) {
  if (typeof pick === "string") state.entry = pick;
  else state.pick = pick;
  last = null;
  keep();
  if (isSmall(frame)) {
    drawing({});
    find(`[data-pick="${pick.join(",")}"]`).focus({ preventScroll: true });
  }
  attempt(async () => { await about(); await slice(); });
}

function phase(wanted) {
  if (wanted <= state.phase && state.phase === 4 && wanted < 4) return go(state.step + 1, wanted);
  before = null;
  state.phase = wanted;
  keep(true);
  announce(["", "Forward pass computed.", `Loss ${shown(frame.loss)}.`, "Backward pass computed.", `Weights updated; the loss is then ${shown(frame.lossAfter)}.`][wanted]);
  draw({ animate: true });
  attempt(() => about());
}

function go(step, wanted = state.phase) {
  before = null;
  state.step = Math.max(0, step);
  state.reach = Math.max(state.reach, state.step);
  state.phase = wanted;
  keep(true);
  return attempt(() => load({ animate: true }));
}

function open(source) {
  stop();
  const { theme: shade, speed } = state;
  state = { ...read(""), source, theme: shade, speed };
  before = null;
  last = null;
  held = [];
  keep(true);
  return attempt(load);
}

/** Changes that lie ahead of this step belong to another course of events. */
function addChange(entry) {
  before = Number(frame.loss);
  state.changes = [...state.changes.filter(([step]) => step <= state.step), entry];
  state.reach = state.step;
  keep(true);
  stop();
  return attempt(load);
}

function change(name, where, index, value) {
  return addChange([state.step, name, where, index, value]);
}

function set(settings) {
  held = [];
  if (state.step === 0 && !state.changes.length) {
    before = Number(frame.loss);
    state.settings = { ...state.settings, ...settings };
    state.reach = 0;
    keep(true);
    return attempt(load);
  }
  return addChange([state.step, "set", "", [], settings]);
}

function undo(index) {
  before = Number(frame.loss);
  state.changes = state.changes.filter((_, i) => i !== index);
  keep(true);
  return attempt(load);
}

function reset() {
  return open(state.source);
}

async function relist() {
  start = await ask("/api/start");
}

// ------------------------------------------------------------------ Training

function toggle() {
  if (training) stop(true);
  else run();
}

function restart() {
  stop(false);
  run();
}

function run() {
  const stream = new EventSource(`/api/train?speed=${state.speed}&until_correct=${state.until}&state=${encodeURIComponent(JSON.stringify(asked(state)))}`);
  training = { stream, live: { curve: [...frame.curve], step: state.step, loss: Number(frame.loss) }, drawn: false, updates: 0, since: performance.now() };
  window.chainruleTraining = training;
  before = null;
  draw();
  stream.onmessage = (message) => told(JSON.parse(message.data));
  stream.onerror = () => {
    if (!training) return;
    stop(false);
    draw();
    problem("Training ended because the server does not answer: it has stopped. Start it again with “chainrule open”, then try again.", [h("button", { onclick: () => attempt(load) }, "Try again")]);
  };
}

function told(event) {
  if (!training) return;
  if (event.kind === "begun") return;
  if (event.kind !== "update") {
    // What is shown anew takes old messages away; this one comes behind it.
    stop(true).then(() => {
      if (event.kind === "correct") announce(`All rows are classified correctly at step ${event.step}.`);
      if (event.message) problem(event.message, [h("button", { onclick: () => go(Math.max(0, state.step)) }, "Show the last good step")]);
    });
    return;
  }
  training.updates += 1;
  const live = training.live;
  live.curve.push(...event.losses);
  if (live.curve.length > 900) live.curve = thinned(live.curve, 450);
  Object.assign(live, { step: event.step, epoch: event.epoch, stepsPerSecond: event.stepsPerSecond, norms: event.norms });
  live.loss = event.losses.at(-1)[1];
  if (event.held) {
    live.held = event.held;
    held.push([event.step, event.held.loss]);
    if (held.length > 600) held = thinned(held, 300);
  }
  if (event.weights) live.weights = event.weights;
  if (event.surface && plane) plane.surface = { ...event.surface, points: plane.points };
  live.surface = Boolean(event.surface) || live.surface;
  state.step = event.step;
  state.reach = Math.max(state.reach, event.step);
  if (!training.drawn) {
    training.drawn = true;
    requestAnimationFrame(paintLive);
  }
}

function paintLive() {
  if (!training || !document.querySelector("#facts")) return;
  training.drawn = false;
  const live = training.live;
  find("#facts").replaceWith(facts(live));
  find("#step").textContent = `step ${counted(live.step)}`;
  curves(live);
  find("#flow").replaceChildren(gradientFlow(frame.flow, live.norms));
  if (live.surface && plane) document.querySelector("#plane")?.replaceChildren(drawPlane(plane.surface, plane.points, here()));
  live.surface = false;
  if (live.weights && isSmall(frame)) drawing({ weights: live.weights });
  live.weights = null;
}

/** End the training; what was reached is shown. */
async function stop(show = false) {
  if (!training) return;
  training.stream.close();
  const step = training.live.step;
  training = null;
  state.step = step;
  state.phase = Math.min(state.phase, 3) || 1;
  keep(true);
  announce(`Training stopped at step ${step}.`);
  if (show) await attempt(load);
}

// ------------------------------------------------------------------ Around it

function theme() {
  if (state.theme) document.documentElement.dataset.theme = state.theme;
  else delete document.documentElement.dataset.theme;
}

function views() {
  const names = { network: "Network", equations: "Equations", claims: "Claims" };
  find("#views").replaceChildren(...VIEWS.map((view) =>
    h("li", {}, h("a", { href: written({ ...state, view }), id: `view-${view}`, "aria-current": view === state.view ? "page" : undefined }, names[view]))));
  document.title = `${frame && state.view !== "claims" ? `${frame.title} · ` : ""}${names[state.view]} · chainrule`;
}

function tools() {
  const shade = h("select", { id: "theme", style: "width:auto", "aria-label": "Light or dark", onchange: () => { state.theme = shade.value; keep(); theme(); attempt(load); } },
    [["", "System"], ["light", "Light"], ["dark", "Dark"]].map(([value, name]) => h("option", { value, selected: value === state.theme }, name)));
  const charts = [saver("Charts as PNG", () => savePng("charts")), saver("Charts as SVG", () => saveSvg("charts"))];
  const menu = h("details", { class: "menu", ontoggle: () => charts.forEach((each) => { each.hidden = !document.querySelector(".charts"); }) }, h("summary", {}, "Export"), h("div", {},
    saver("View as PNG", () => savePng("view")), saver("View as SVG", () => saveSvg("view")), charts, saver("Page as HTML", saveHtml),
    h("button", { onclick: async () => { await navigator.clipboard?.writeText(location.href); announce("The address was copied."); menu.open = false; } }, "Copy the address")));
  menu.addEventListener("keydown", (event) => { if (event.key === "Escape") { menu.open = false; menu.querySelector("summary").focus(); } });
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  return [shade, menu];

  function saver(name, save) {
    return h("button", { onclick: async () => { menu.open = false; await attempt(save); } }, name);
  }
}

async function begin() {
  start = await ask("/api/start");
  await load();
}

window.addEventListener("popstate", () => {
  if (read(location.hash).source !== state.source) held = [];
  last = null;
  if (training) { training.stream.close(); training = null; }
  state = read(location.hash);
  before = null;
  attempt(start ? load : begin);
});
let resized = 0;
window.addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(() => frame && !training && state.view === "network" && document.querySelector("#drawing") && (drawing(), curves(), drawAround()), 120);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => frame && state.view === "network" && draw());

theme();
views();
find("#tools").append(...tools());
attempt(begin);
