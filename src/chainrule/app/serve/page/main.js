/** The page: reads the URL, asks the server, and draws. */

import { Refusal, ask } from "./api.js";
import { chartCards, fillSlices, sliceKind, weight } from "./cards.js";
import { gradientFlow, lossCurve, thinned } from "./charts.js";
import { announce, counted, find, h, shown } from "./dom.js";
import { theme, tools, views } from "./header.js";
import { drawForecast } from "./forecast.js";
import { inspected } from "./inspector.js";
import { drawNetwork, isSmall } from "./network.js";
import { drawPlane } from "./plane.js";
import { put } from "./readable.js";
import { settingsPanel } from "./settings.js";
import { claimSheet, equationSheet } from "./sheets.js";
import { drawSlice } from "./slices.js";
import { facts, hint, legend, rowChoice } from "./stage.js";
import { asked, read, written } from "./state.js";
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
/** What a forecast says behind the window that is shown. @type {any} */
let ahead = null;
/** Losses of examples that are only measured. @type {[number, number][]} */
let held = [];
/** The loss around the step, with what it was asked for. @type {any} */
let around = null;
/** The training in progress. @type {any} */
let training = null;
/** The next step, asked for in advance. @type {{question: string, answer: Promise<any>}|null} */
let soon = null;
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
  theme(state);
  views(state, frame);
  if (state.view === "claims") {
    const report = await ask(`/api/claims/${encodeURIComponent(state.claims)}`);
    const sheet = claimSheet(start.claims, report, (name) => { state.claims = name; keep(true); attempt(load); }, open);
    swap(sheet);
    return;
  }
  const mine = ++asking;
  const question = JSON.stringify(asked(state));
  const got = await (soon?.question === question ? soon.answer : ask("/api/frame", asked(state)));
  if (mine !== asking) return;
  frame = got;
  state.row = frame.row;
  if (state.view === "equations") {
    const derivation = await ask("/api/derivation", asked(state));
    if (mine === asking) swap(equationSheet(derivation, frame));
    return;
  }
  draw({ animate });
  await Promise.all([about(mine), surface(mine), forecast(mine)]);
  await slice(mine);
  if (mine === asking && !training) lookAhead();
}

/** Ask for the next step before somebody wants it, so that it shows at once. */
function lookAhead() {
  const next = { ...asked(state), step: state.step + 1 };
  const answer = ask("/api/frame", next);
  soon = { question: JSON.stringify(next), answer };
  // If it fails, the failure is told when somebody goes there.
  answer.catch(() => { soon = null; });
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
    h("header", {}, h("h1", {}, frame.title), rowChoice(frame, (row) => { state.row = row; attempt(load); }), h("p", {}, frame.about)),
    facts(frame, state, before), h("div", { class: "drawing", id: "drawing" }), legend(frame, state),
    transport(state, Boolean(training), frame.task !== "number", { phase, go, train: toggle, until: (until) => { state.until = until; keep(); if (training) restart(); }, speed: (speed) => { state.speed = speed; keep(); if (training) restart(); } }));
  const reading = document.activeElement?.id;
  const act = { open, set, reset, undo, fail: report, relist };
  swap(h("div", { class: "bench" }, settingsPanel(start, frame, state, act), stage,
    h("section", { class: "card look", "aria-label": "Equations of what is picked" }, h("header", {}, h("h2", { id: "look-title" }, "Equation")), h("div", { class: "inside", id: "look", tabindex: 0, role: "group", "aria-labelledby": "look-title" }, hint(frame))),
    charts()));
  drawing({ animate });
  curves();
  drawAround();
  drawAhead();
  if (reading?.startsWith("read-")) focusAgain(reading, "");
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

function charts() {
  const box = chartCards(frame, state, last, {
    log: (log) => { state.log = log; keep(); curves(); },
    slice: (kind) => { state.slice = kind; keep(); attempt(() => slice()); },
    channel: (channel) => { state.channel = channel; keep(); drawAhead(); },
  });
  if (frame.plane && plane) find("#plane", box).append(drawPlane(plane.surface, plane.points, here()));
  return box;
}

function curves(live) {
  const curve = live ? live.curve : frame.curve;
  const box = find("#curve");
  const now = live ? { step: live.step, loss: live.loss } : { step: frame.step, loss: Number(frame.loss) };
  put(box, lossCurve(curve, held, now, state.log, box.clientWidth - 32));
}

/** Ask for the loss around the step; in a training only where `live` says so. */
async function slice(mine = asking, live = false) {
  const idle = () => mine !== asking || Boolean(training) !== live || !document.querySelector("#slice");
  if (idle()) return;
  const wanted = () => {
    const kind = sliceKind(frame, state, last);
    const at = kind === "weight" ? weight(frame, state, last) : null;
    return { kind, ...at };
  };
  const now = wanted();
  fillSlices(find("#slice-kind"), frame, state, last);
  const { name = "", ...question } = now;
  const got = await ask("/api/slice", { state: asked(state), ...question });
  if (idle() || JSON.stringify(now) !== JSON.stringify(wanted())) return;
  around = { source: state.source, told: got, name };
  drawAround();
}

function drawAround() {
  const box = document.querySelector("#slice");
  if (box && around?.source === state.source) put(box, drawSlice(around.told, around.name, box.clientWidth - 32));
}

async function forecast(mine = asking) {
  if (!frame.forecast) { ahead = null; return; }
  const got = await ask("/api/forecast", asked(state));
  if (mine !== asking) return;
  ahead = got;
  drawAhead();
}

function drawAhead() {
  const box = document.querySelector("#forecast");
  if (!box || !ahead) return;
  const channel = Math.min(state.channel, ahead.names.length - 1);
  const select = find("#channel");
  select.hidden = ahead.names.length < 2;
  select.replaceChildren(...ahead.names.map((name, i) => h("option", { value: i, selected: i === channel }, name)));
  put(box, drawForecast(ahead, channel, box.clientWidth - 32));
}

function drawSurface() {
  const box = document.querySelector("#plane");
  if (box && plane) put(box, drawPlane(plane.surface, plane.points, here()));
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
  drawSurface();
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
  training = { stream, live: { curve: [...frame.curve], step: state.step, loss: Number(frame.loss) }, drawn: false, slice: 0, updates: 0, since: performance.now() };
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
  if (event.forecast) {
    ahead = event.forecast;
    live.ahead = true;
  }
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
  find("#facts").replaceWith(facts(frame, state, before, live));
  find("#step").textContent = `step ${counted(live.step)}`;
  curves(live);
  find("#flow").replaceChildren(gradientFlow(frame.flow, live.norms));
  if (live.surface) drawSurface();
  if (live.ahead) drawAhead();
  live.surface = live.ahead = false;
  if (live.weights && isSmall(frame)) drawing({ weights: live.weights });
  live.weights = null;
  followSlice(training);
}

/** Let the loss around the step follow the training, for a tenth of the time at most. */
async function followSlice(run) {
  const began = performance.now();
  if (began < run.slice) return;
  run.slice = Infinity;
  // A loss that is not finite ends the training, which says so.
  await slice(asking, true).catch(() => {});
  const now = performance.now();
  run.slice = now + Math.max(200, 9 * (now - began));
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
  resized = setTimeout(() => frame && !training && state.view === "network" && document.querySelector("#drawing") && (drawing(), curves(), drawAround(), drawAhead()), 120);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => frame && state.view === "network" && draw());

theme(state);
views(state, frame);
find("#tools").append(...tools(state.theme, (shade) => { state.theme = shade; keep(); theme(state); attempt(load); }, attempt));
attempt(begin);
