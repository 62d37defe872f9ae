/** What is opened, and how it is set. */

import { ask, send } from "./api.js";
import { find, h } from "./dom.js";

const SAID = {
  half_squared_error: "½ squared error", squared_error: "squared error", absolute_error: "absolute error", huber: "Huber",
  binary_cross_entropy: "binary cross-entropy", cross_entropy: "cross-entropy", hinge: "hinge", sgd: "gradient descent",
  momentum: "with momentum 0.9", nesterov: "with Nesterov's momentum", rmsprop: "RMSprop", adagrad: "Adagrad", adam: "Adam", adamw: "AdamW",
  relu: "ReLU", leaky_relu: "leaky ReLU", elu: "ELU", selu: "SELU", gelu: "GELU", silu: "SiLU", mish: "Mish", softplus: "softplus", tanh: "tanh", sigmoid: "sigmoid", identity: "identity",
};

/**
 * The panel of settings.
 * @param {any} start what the server offers
 * @param {any} frame
 * @param {import("./state.js").State} state
 * @param {object} act
 * @param {(source: string) => void} act.open
 * @param {(settings: Record<string, any>) => void} act.set
 * @param {() => void} act.reset
 * @param {(index: number) => void} act.undo
 * @param {(error: unknown) => void} act.fail
 * @param {() => Promise<void>} act.relist
 * @returns {HTMLElement}
 */
export function settingsPanel(start, frame, state, act) {
  const setup = frame.setup;
  const sources = h("select", { id: "source", onchange: () => act.open(sources.value) },
    start.sources.map((group) => h("optgroup", { label: group.title }, group.items.map((item) => h("option", { value: item.name, selected: item.name === state.source }, item.title)))));
  const losses = start.losses[frame.task];
  const inside = h("div", { class: "inside" },
    field("Open", sources, "source"),
    h("button", { onclick: () => openFiles(act) }, "Your model or data …"),
    h("hr"),
    frame.fixedNetwork ? null : textField("hidden", "Hidden units, layer by layer", setup.hidden.join(", "), (text) => act.set({ hidden: units(text) })),
    frame.activations && h("div", { class: "pair" },
      choice("activation", "Activation", start.activations, setup.activation, act),
      choice("output", "At the output", start.activations, setup.output, act)),
    choice("loss", "Loss", losses.includes(setup.loss) ? losses : [setup.loss, ...losses], setup.loss, act),
    choice("optimiser", "Optimiser", start.optimisers, setup.optimiser, act),
    h("div", { class: "pair" },
      numberField("rate", "Learning rate", setup.rate, "any", (value) => act.set({ rate: value })),
      numberField("batch", "Rows per step", frame.batch, 1, (value) => act.set({ batch: Math.round(value) >= frame.tableRows ? 0 : Math.round(value) }))),
    h("div", { class: "pair" },
      choice("reduction", "Over the batch", ["mean", "sum"], setup.reduction, act),
      numberField("seed", "Seed", setup.seed, 1, (value) => act.set({ seed: Math.round(value) }))),
    h("div", { class: "check" }, h("input", { type: "checkbox", id: "biases", checked: setup.biases, onchange: (event) => act.set({ biases: event.target.checked }) }), h("label", { for: "biases" }, "Train the biases")),
    h("hr"),
    changes(state, frame, act),
    h("button", { onclick: act.reset, disabled: !state.step && !state.changes.length && !Object.keys(state.settings).length }, "Start over"),
  );
  return h("section", { class: "card set", "aria-label": "Settings" }, h("header", {}, h("h2", {}, "Experiment")), inside);
}

function units(text) {
  return text.split(/[\s,;]+/).filter(Boolean).map(Number);
}

function field(label, control, id) {
  return h("div", { class: "field" }, h("label", { for: id }, label), control);
}

function choice(name, label, options, value, act) {
  const select = h("select", { id: name, onchange: () => act.set({ [name]: select.value }) }, options.map((each) => h("option", { value: each, selected: each === value }, SAID[each] ?? each)));
  return field(label, select, name);
}

function numberField(name, label, value, step, put) {
  const input = h("input", { type: "number", id: name, value, step, min: 0, onchange: () => { if (input.value !== "" && Number.isFinite(Number(input.value))) put(Number(input.value)); } });
  return field(label, input, name);
}

function textField(name, label, value, put) {
  const input = h("input", { type: "text", id: name, value, placeholder: "none", onchange: () => put(input.value) });
  return field(label, input, name);
}

function changes(state, frame, act) {
  if (!state.changes.length) return h("p", { class: "hint" }, frame.network.chain ? "Pick a unit or an edge to change its number; every change can be taken back here." : "What is changed on the way can be taken back here.");
  const said = ([step, name, where, index, value]) =>
    name === "set"
      ? Object.entries(value).map(([key, v]) => `${key} ${SAID[v] ?? v}`).join(", ")
      : `${name} ${where}${name === "input" || name === "target" ? "row " + (index[0] + 1) + ", " : ""}[${index.slice(name === "weight" ? 0 : 1).map((n) => n + 1).join(", ")}] = ${value}`;
  return h("div", { class: "field" }, h("h3", {}, "Changes"), h("ul", { class: "changes" }, state.changes.map((each, i) =>
    h("li", {}, h("span", {}, `step ${each[0]}: ${said(each)}`), h("button", { class: "small", onclick: () => act.undo(i), "aria-label": `Take back: ${said(each)}` }, "Undo")))));
}

/** A dialog that opens a model, a table, or both. */
function openFiles(act) {
  const target = h("select", { id: "file-target" });
  const targetField = h("div", { class: "field" }, h("label", { for: "file-target" }, "Column to predict"), target);
  targetField.hidden = true;
  const message = h("p", { role: "alert", class: "minus" });
  const sent = { model: null, table: null };
  /** Files on their way; opening waits for them. @type {Promise<void>[]} */
  const pending = [];
  const take = (kind) => (event) => pending.push(receive(kind, event));
  const receive = async (kind, event) => {
    const file = event.target.files[0];
    sent[kind] = null;
    message.textContent = "";
    if (!file) return;
    try {
      const { token, columns } = await send(file);
      sent[kind] = token;
      if (kind === "table") {
        target.replaceChildren(...columns.map((name) => h("option", { value: name }, name)));
        target.value = columns.at(-1) ?? "";
        targetField.hidden = !columns.length;
      }
    } catch (error) {
      message.textContent = error.message;
    }
  };
  const submit = async (event) => {
    event.preventDefault();
    await Promise.all(pending);
    if (message.textContent && !sent.model && !sent.table) return;
    try {
      const given = { ...sent, target: sent.table && !sent.model ? target.value : null };
      const { name } = await ask("/api/open", given);
      dialog.close();
      await act.relist();
      act.open(name);
    } catch (error) {
      message.textContent = error.message;
    }
  };
  const dialog = h("dialog", { "aria-labelledby": "files-title" }, h("h2", { id: "files-title" }, "Your model or data"),
    h("form", { onsubmit: submit },
      h("p", { class: "hint" }, "A model alone is shown with examples that are made up; a table alone gets a small new network. Files stay on this machine."),
      field("Model (.chainrule)", h("input", { type: "file", id: "file-model", accept: ".chainrule", onchange: take("model") }), "file-model"),
      field("Table, or for a model pictures (.npz), sequences (.ts) or text (.txt)", h("input", { type: "file", id: "file-table", accept: ".csv,.tsv,.jsonl,.ndjson,.parquet,.arrow,.feather,.gz,.npz,.ts,.txt", onchange: take("table") }), "file-table"),
      targetField, message,
      h("div", { class: "actions" }, h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), h("button", { class: "main", type: "submit" }, "Open"))));
  dialog.addEventListener("close", () => dialog.remove());
  find("body").append(dialog);
  dialog.showModal();
}
