"""The plot of a run, as SVG: ratios to chainrule, and how the time of a step grows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape

from benchmarks.record import Record
from benchmarks.runner import OURS
from benchmarks.table import duration

WIDTH, MARGIN = 860, 24
STYLE = {
    OURS: ("#c2185b", "chainrule"),
    "torch": ("#e08214", "PyTorch"),
    "jax": ("#2b6cb0", "JAX"),
    "sklearn": ("#2f8f5b", "scikit-learn"),
    "numpy": ("#777777", "NumPy"),
}
"""Colour and name of each library."""

INK, FAINT = "#333333", "#dddddd"

Scale = Callable[[float], float]


def draw(record: Record) -> str:
    """Draw the whole plot."""
    ratios, below = _ratios(record, top=70)
    growth, bottom = _growth(record, below + 40)
    shown = {library for x in record["tasks"].values() for library in x["results"]}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom}" '
        f'width="{WIDTH}" height="{bottom}" font-family="Helvetica, Arial, sans-serif" '
        f'font-size="12" fill="{INK}">',
        f'<rect width="{WIDTH}" height="{bottom}" rx="8" fill="white"/>',
        *_legend([library for library in STYLE if library in shown]),
        *ratios,
        *growth,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _legend(libraries: Sequence[str]) -> Iterable[str]:
    for i, library in enumerate(libraries):
        colour, name = STYLE[library]
        x = MARGIN + 6 + 120 * i
        yield f'<circle cx="{x}" cy="26" r="5" fill="{colour}"/>'
        yield _text(x + 11, 30, name)


def _ratios(record: Record, top: int) -> tuple[list[str], int]:
    """One line for each task: where each library stands, chainrule being at one."""
    entries = {name: x for name, x in record["tasks"].items() if x["fresh"]}
    times = {
        name: {library: each["best"] for library, each in x["results"].items()}
        for name, x in entries.items()
    }
    every = [t / line[OURS] for line in times.values() for t in line.values()]
    left, right, step = 150, WIDTH - MARGIN - 10, 24
    ticks = _decades(every)
    place = _log_scale(ticks[0], ticks[-1], left, right)
    bottom = top + step * len(times)
    parts = [_text(MARGIN, top - 14, "Time of a step, as a multiple of chainrule's", bold=True)]
    for tick in ticks:
        parts.append(_line(place(tick), top, place(tick), bottom, FAINT))
        parts.append(_text(place(tick), bottom + 16, f"{tick:g} ×", anchor="middle"))
    parts.append(_line(place(1), top, place(1), bottom, STYLE[OURS][0]))
    for i, (name, line) in enumerate(times.items()):
        y = top + step * i + step / 2
        parts.append(_text(left - 14, y + 4, name, anchor="end"))
        parts.append(_line(left, y, right, y, FAINT))
        for library, time in sorted(line.items(), key=lambda item: item[0] == OURS):
            parts.append(_dot(place(time / line[OURS]), y, library, f"{name}: {duration(time)}"))
    return parts, bottom + 24


def _growth(record: Record, top: int) -> tuple[list[str], int]:
    """One panel for each thing that is varied: time of a step against its value."""
    panels = record["scaling"]
    if not panels:
        return [], top
    tasks = record["tasks"]
    parts = [_text(MARGIN, top, "Time of a step of table, where one thing is varied", bold=True)]
    names = [name for points in panels.values() for name in points.values()]
    ticks = _decades(each["best"] for name in names for each in tasks[name]["results"].values())
    left, gap, high = MARGIN + 46, 18, 190
    wide = (WIDTH - left - MARGIN - gap * (len(panels) - 1)) / len(panels)
    upper, lower = top + 16, top + 16 + high
    up = _log_scale(ticks[0], ticks[-1], lower, upper)
    for tick in ticks:
        parts.append(_text(left - 8, up(tick) + 4, _short(tick), anchor="end"))
    for i, (axis, points) in enumerate(panels.items()):
        begin = left + i * (wide + gap)
        values = [int(value) for value in points]
        across = _log_scale(min(values), max(values), begin + 12, begin + wide - 12)
        parts += [_line(begin, up(tick), begin + wide, up(tick), FAINT) for tick in ticks]
        for value in values:
            parts.append(_text(across(value), lower + 16, _count(value), anchor="middle", size=10))
        parts.append(_text(begin + wide / 2, lower + 34, axis, anchor="middle"))
        for library, (colour, _) in reversed(STYLE.items()):
            known = [
                (across(int(value)), up(tasks[name]["results"][library]["best"]))
                for value, name in points.items()
                if library in tasks[name]["results"]
            ]
            parts += [_dot(x, y, library, "", radius=3) for x, y in known]
            if len(known) < 2:
                continue
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in known)
            weight = 2.4 if library == OURS else 1.4
            parts.append(
                f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{weight}"/>'
            )
    return parts, lower + 52


def _decades(values: Iterable[float]) -> list[float]:
    """The powers of ten around all values."""
    values = list(values)
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return [10.0**power for power in range(first, max(last, first + 1) + 1)]


def _log_scale(low: float, high: float, begin: float, end: float) -> Scale:
    span = math.log(high / low)
    return lambda value: begin + (end - begin) * math.log(value / low) / span


def _count(value: int) -> str:
    if value < 10_000:
        return str(value)
    return f"{value / 1e6:.0f}M" if value >= 1e6 else f"{value / 1e3:.0f}k"


def _short(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= 0.999 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 1e-6:g} µs"


def _dot(x: float, y: float, library: str, hint: str, radius: float = 5) -> str:
    colour, name = STYLE[library]
    title = f"<title>{escape(name)}, {escape(hint)}</title>" if hint else ""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}">{title}</circle>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(
    x: float, y: float, words: str, *, anchor: str = "start", bold: bool = False, size: int = 12
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{weight}>'
        f"{escape(words)}</text>"
    )
