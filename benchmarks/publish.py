"""README's figures and the plot, from a run's JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.plot import draw
from benchmarks.record import Record
from benchmarks.runner import OURS
from benchmarks.table import duration, ratio

README = Path(__file__).parents[1] / "README.md"
BEGIN = (
    "<!-- measured: between these marks stands what `python -m benchmarks --publish` writes -->\n"
)
END = "<!-- measured: end -->\n"

NAMES = {"torch": "PyTorch", "jax": "JAX", "sklearn": "scikit-learn", "numpy": "NumPy"}
"""How peers are called, in the order of their columns."""


def write(results: Path) -> None:
    """Replace README's figures, and draw the plot beside the results."""
    record = json.loads(results.read_text(encoding="utf-8"))
    results.with_suffix(".svg").write_text(draw(record), encoding="utf-8")
    README.write_text(with_figures(README.read_text(encoding="utf-8"), record), encoding="utf-8")


def with_figures(page: str, record: Record) -> str:
    """Put a run's figures between the marks on a page."""
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError("README.md has lost the marks between which figures are written")
    return f"{before}{BEGIN}{figures(record)}{END}{after}"


def figures(record: Record) -> str:
    """Write a run's figures as Markdown."""
    return "\n".join(_lines(record)) + "\n"


def _lines(record: Record) -> Iterator[str]:
    if record["smoke"]:
        yield "**A run that only shows that everything works: its figures say nothing yet.**"
        yield ""
    machine, speed = record["machine"], record["calibration"]["best"]
    main = {name: x for name, x in record["tasks"].items() if x["fresh"]}
    peers = [peer for peer in NAMES if any(peer in x["results"] for x in main.values())]
    versions = {
        library: each["version"]
        for entry in main.values()
        for library, each in entry["results"].items()
    }
    calm = sum(each["calm"] for x in main.values() for each in x["results"].values())
    blocks = sum(each["blocks"] for x in main.values() for each in x["results"].values())
    yield (
        "Time of one training step, or of one prediction, and for the others the multiple of it: "
        "in one process, in turns, from the same weights on the same batches, to the same loss. "
        "*Roofline* is what the processor's arithmetic or memory needs at least, divided by our "
        f"time. Taken on {machine['date']} on {machine['processor']} with {machine['threads']} "
        f"threads ({speed['fma']:.0f} GFLOP/s at most), the best of each task's blocks; "
        f"{calm} of all {blocks} blocks were timed while nothing else ran. "
        + ", ".join(f"{NAMES[peer]} {versions[peer]}" for peer in peers)
        + "."
    )
    yield ""
    yield "| | chainrule, a step | roofline | " + " | ".join(NAMES[x] for x in peers) + " |"
    yield "| --- | --: | --: |" + " --: |" * len(peers)
    for name, entry in main.items():
        ours = entry["results"][OURS]["best"]
        cells = [_ratio(entry["results"].get(peer), ours) for peer in peers]
        # Below a microsecond, what a call costs is no question of arithmetic.
        roofline = f"{entry['bound'] / ours:.2f}" if entry["bound"] > 1e-6 else "–"
        yield f"| {_task(name, entry)} | {duration(ours)} | {roofline} | {' | '.join(cells)} |"
    for name, entry in main.items():
        for library, each in entry["results"].items():
            if each["note"]:
                yield f"\n\\* {NAMES[library]} in `{name}`: {each['note']}."
    if "table" in main:
        yield ""
        yield from _starting(main["table"]["fresh"], peers)
    yield ""
    yield "![Time of a step beside the peers, and how it grows](benchmarks/results.svg)"


def _starting(fresh: Record, peers: list[str]) -> Iterator[str]:
    yield "What has to happen before the first step of `table`, each in a process of its own:"
    yield ""
    yield "| | chainrule | " + " | ".join(NAMES[x] for x in peers) + " |"
    yield "| --- | --: |" + " --: |" * len(peers)
    columns = [fresh.get(library) for library in (OURS, *peers)]
    for key, title in (
        ("load", "import"),
        ("rest", "further imports on first use, NumPy among them"),
        ("start", "trace and compile"),
        ("cached", "the same, compiled before"),
        ("again", "the same, once more in one process"),
    ):
        cells = [duration(x[key]) if x and x[key] is not None else "" for x in columns]
        yield f"| {title} | {' | '.join(cells)} |"
    memory = [f"{x['memory'] / 1e6:.0f} MB" if x else "" for x in columns]
    yield f"| peak memory beyond libraries and data | {' | '.join(memory)} |"


def _task(name: str, entry: Record) -> str:
    rows = entry["rows"]
    count = "one row" if rows == 1 else f"{rows:,} rows"
    return f"`{name}` {entry['shape']}, {count}"


def _ratio(result: Record | None, ours: float) -> str:
    if result is None:
        return "–"
    mark = " \\*" if result["note"] else "" if result["equal"] else " ≠"
    return f"{ratio(result['best'], ours)} ×{mark}"
