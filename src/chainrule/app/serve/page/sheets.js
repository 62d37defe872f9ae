/** The views of equations and of claims. */

import { h, shown } from "./dom.js";

/**
 * All equations of a step.
 * @param {any} derivation
 * @param {any} frame
 * @returns {HTMLElement}
 */
export function equationSheet(derivation, frame) {
  const parts = [...new Set(derivation.lines.map((line) => line.part))];
  return h("div", { class: "sheet" },
    h("header", {}, h("div", {}, h("h1", {}, "The equations that run"), h("p", { class: "quiet" }, `${frame.title}. Printed from the gradient rules themselves; n counts the rows of the batch.`))),
    parts.map((part) => h("section", { class: "card lines" }, h("h2", {}, part), h("ul", {}, derivation.lines.filter((line) => line.part === part).map((line) =>
      h("li", {}, h("div", { class: "math", tabindex: 0, role: "group", "aria-label": line.text, html: line.mathml }), h("span", { class: "size number" }, line.shape.length ? line.shape.join(" × ") : "number")))))),
    derivation.legend ? h("p", { class: "quiet" }, `Signs: ${derivation.legend}.`) : null);
}

const SIGN = { exact: "✓", plausible: "✓", rounded: "≈", wrong: "✗", unlikely: "✗" };

/**
 * Printed numbers beside exact ones.
 * @param {any[]} files
 * @param {any} report
 * @param {(name: string) => void} open
 * @param {(source: string) => void} watch
 * @returns {HTMLElement}
 */
export function claimSheet(files, report, open, watch) {
  const select = h("select", { id: "claims", onchange: () => open(select.value) }, files.map((file) => h("option", { value: file.name, selected: file.name === report.name }, file.title)));
  const rows = [];
  let part = "";
  for (const finding of report.findings) {
    if (finding.part !== part) {
      part = finding.part;
      rows.push(h("tr", { class: "part", role: "row" }, h("th", { colspan: 5, scope: "colgroup", role: "columnheader" }, part)));
    }
    const wrong = ["wrong", "unlikely"].includes(finding.verdict);
    rows.push(h("tr", { role: "row" },
      h("th", { scope: "row", role: "rowheader" }, finding.quantity, finding.after ? h("span", { class: "quiet" }, ` after ${finding.after}`) : ""),
      h("td", { role: "cell", class: `right printed${wrong ? " wrong-value" : ""}` }, finding.printed.replace("-", "−")),
      h("td", { role: "cell", class: "right exact-value" }, finding.low === finding.high ? shown(finding.value, 9) : `${shown(finding.low, 3)} to ${shown(finding.high, 3)}`),
      h("td", { role: "cell" }, verdict(finding.verdict)),
      h("td", { role: "cell", class: "why" }, finding.cause ? `This is what you get when ${finding.cause.text}.` : wrong ? "No usual mistake gives this number." : "")));
  }
  return h("div", { class: "sheet" },
    h("header", {}, h("div", {}, h("h1", {}, "Printed beside exact"), h("p", { class: "quiet" }, report.about.trim())), h("button", { onclick: () => watch(`example:${report.name.toLowerCase()}`) }, "Watch this example")),
    h("div", { class: "field" }, h("label", { for: "claims" }, "Claims"), select),
    h("div", { class: "tally", role: "group", "aria-label": "Verdicts" }, Object.entries(report.counts).map(([name, count]) => verdict(name, `${count} ${name}`))),
    h("div", { class: "card scroll", tabindex: 0, role: "group", "aria-label": "Table of claims" }, h("table", { role: "table" }, h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ["Quantity", "Printed", "Exact", "Verdict", "Why"].map((name) => h("th", { scope: "col", role: "columnheader", class: ["Printed", "Exact"].includes(name) ? "right" : null }, name)))), h("tbody", { role: "rowgroup" }, rows))));
}

function verdict(name, text = name) {
  return h("span", { class: `verdict ${name}` }, h("span", { "aria-hidden": "true" }, SIGN[name]), text);
}
