"""Pages of HTML that need nothing else: one file, no script, no style sheet, no font."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from chainrule.backprop.formula import Expression, mathml

MOST_ROWS = 12

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
math { font-size: 1.1em; math-style: normal; }
.beside { display: flex; flex-wrap: wrap; gap: .6rem 2rem; border-top: 1px solid var(--line); }
.line { border-top: 1px solid var(--line); padding: .6rem 0; overflow-x: auto; }
.beside .line { border: 0; }
.equation { display: flex; justify-content: space-between; gap: 1rem; align-items: center; }
.note { font-size: .85rem; opacity: .75; white-space: nowrap; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .4rem 0; }
td, th { border: 1px solid var(--line); padding: .15rem .5rem; text-align: right; }
th { text-align: left; font-weight: 600; background: var(--soft); }
td.text { text-align: left; } tr > td.text:first-child { white-space: nowrap; }
details { font-size: .95rem; } details > div { padding: .15rem 0; } summary { cursor: pointer; }
.wrong { font-weight: 700; } .wrong::before { content: "✗ "; }
.exact::before { content: "✓ "; } .rounded::before { content: "≈ "; }
@media (max-width: 36rem) {
  .texts thead { display: none; } .texts, .texts tbody { display: block; }
  .texts tr { display: flex; flex-wrap: wrap; border-top: 1px solid var(--line); padding: .3rem 0; }
  .texts td, .texts th { border: 0; padding: .1rem .5rem; }
  .texts td:last-child, .texts th { flex: 1 1 100%; }
}
"""


def document(title: str, body: str) -> str:
    """Make a whole page of a title and a body of HTML."""
    name = escape(title)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{name}</h1>{body}</main></body></html>\n"
    )


def section(title: str, rows: Iterable[str], beside: bool = False) -> str:
    """Make a section of lines, below or beside each other."""
    lines = "".join(f'<div class="line">{row}</div>' for row in rows)
    inside = f'<div class="beside">{lines}</div>' if beside else lines
    return f"<section><h2>{escape(title.capitalize())}</h2>{inside}</section>"


def paragraph(said: str) -> str:
    """Make a paragraph of plain text."""
    return f"<p>{escape(said)}</p>"


def math_row(expression: Expression, note: str = "") -> str:
    """Show a formula, and a note at the end of the line."""
    behind = f'<span class="note">{escape(note)}</span>' if note else ""
    return f'<div class="equation">{mathml(expression)}{behind}</div>'


def folded(equations: Sequence[str]) -> str:
    """Show equations in MathML, folded away."""
    if not equations:
        return ""
    listed = "".join(f"<div>{equation}</div>" for equation in equations)
    return f"<details><summary>with numbers</summary>{listed}</details>"


def array_table(name: str, value: Any) -> str:
    """Show an array as a table, up to twelve rows and columns of it."""
    array = np.asarray(value)
    size = " × ".join(map(str, array.shape))
    if array.ndim == 0:
        return f"<div>{float(array):.6g}</div>"
    if array.ndim > 2:
        low, high = float(array.min(initial=0)), float(array.max(initial=0))
        return f'<div class="note">{size}, from {low:.6g} to {high:.6g}</div>'
    rows = array.reshape(1, -1) if array.ndim == 1 else array
    shown = rows[:MOST_ROWS, :MOST_ROWS]
    body = "".join(f"<tr>{''.join(f'<td>{float(x):.6g}</td>' for x in row)}</tr>" for row in shown)
    part = "" if shown.size == rows.size else f'<div class="note">the first entries of {size}</div>'
    return f'<table aria-label="{escape(name)}">{body}</table>{part}'


def text_table(header: Sequence[str], rows: Iterable[tuple[str, str, Sequence[str]]]) -> str:
    """Show a table of texts.

    Parameters
    ----------
    header
        Titles of the columns.
    rows
        For each row its group, whose name stands above the first of it; its mark, the class of its
        first cell; and its cells.
    """
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in header)
    lines, before = [], ""
    for group, mark, row in rows:
        if group != before:
            span = f'colspan="{len(header)}" scope="rowgroup"'
            lines.append(f"</tbody><tbody><tr><th {span}>{escape(group)}</th></tr>")
            before = group
        first, *rest = (escape(cell) for cell in row)
        cells = "".join(f'<td class="text">{cell}</td>' for cell in rest)
        lines.append(f'<tr><td class="text {mark}">{first}</td>{cells}</tr>')
    body = f"<tbody>{''.join(lines)}</tbody>".replace("<tbody></tbody>", "", 1)
    return f'<table class="texts"><thead><tr>{titles}</tr></thead>{body}</table>'
