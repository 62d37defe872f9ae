"""How soon the page answers, and what watching costs a training.

``python -m benchmarks.page`` starts the page's server, asks it as a browser does, and prints
milliseconds from question to answer (the first step, which derives the equations, and the median of
further ones), then updates and steps per second of trainings that are watched beside the same
trainings alone, in turns.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from urllib import request
from urllib.parse import quote

SOURCES = (
    *("example:e5", "sample:spirals", "sample:digits"),
    *("network:convolution", "network:recurrence", "network:attention", "network:autoencoder"),
)
BIG = {"hidden": [256, 128], "batch": 128, "optimiser": "adam", "rate": 0.001}
PIXELS, ROWS, CLASSES = 784, 2816, 10


def big_table(folder: Path) -> Path:
    """Write a table of 784 numbers and one of ten classes, which sets the numbers' mean."""
    import numpy as np

    random = np.random.default_rng(0)
    classes = random.integers(0, CLASSES, ROWS)
    numbers = random.normal(classes[:, None] / CLASSES, 1.0, (ROWS, PIXELS))
    names = ",".join([f"pixel_{i // 28}_{i % 28}" for i in range(PIXELS)] + ["kind"])
    rows = [
        ",".join([*(f"{x:.3f}" for x in row), f"k{kind}"])
        for row, kind in zip(numbers, classes, strict=True)
    ]
    path = folder / "big.csv"
    path.write_text("\n".join([names, *rows, ""]), encoding="utf-8")
    return path


@contextmanager
def server() -> Iterator[str]:
    """Run the page's server on a free port; gives its address."""
    command = [sys.executable, "-m", "chainrule", "open", "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            told = process.stdout.readline() if process.stdout else ""
            yield next(word for word in told.split() if word.startswith("http")).split("/#")[0]
        finally:
            process.terminate()


def ask(address: str, question: Any) -> Any:
    """Ask with a question in JSON."""
    body = json.dumps(question).encode()
    asked = request.Request(address, body, {"Content-Type": "application/json"})
    with request.urlopen(asked) as answer:
        return json.load(answer)


def answers(address: str, state: dict[str, Any], steps: int) -> list[float]:
    """Time the answers to the first steps of something, in seconds."""
    times = []
    for step in range(steps):
        began = perf_counter()
        ask(f"{address}/api/frame", {**state, "step": step})
        times.append(perf_counter() - began)
    return times


def watched(address: str, state: dict[str, Any], steps: int) -> tuple[float, float]:
    """Train while telling about it; give steps and updates per second."""
    told = f"{address}/api/train?state={quote(json.dumps(state))}&most={steps}"
    with request.urlopen(told) as stream:
        events = [json.loads(line[6:]) for line in stream if line.startswith(b"data: ")]
    updates = [event for event in events if event["kind"] == "update"]
    seconds = updates[-1]["seconds"]
    return updates[-1]["step"] / seconds, len(updates) / seconds


class Alone:
    """The same training in this process, in one native call."""

    def __init__(self, material: Any, settings: dict[str, Any]) -> None:
        from chainrule.app.serve.address import Address
        from chainrule.app.serve.course import Library
        from chainrule.app.serve.shelf import Shelf

        shelf = Shelf()
        shelf.keep("material", material)
        course = Library(shelf).course(
            Address.read({"source": "material", "settings": settings, "step": 0})
        )
        self._program, self._done = course.program, 1
        self._session = self._program.plan("native").start(course.at(0), course.data)
        self._program.run(self._session, 0, 1)

    def speed(self, steps: int) -> float:
        """Go on with so many steps; give steps per second."""
        began = perf_counter()
        self._program.run(self._session, self._done, steps)
        self._done += steps
        return steps / (perf_counter() - began)


def main(arguments: Sequence[str] | None = None) -> int:
    """Time what the arguments ask for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--steps", type=int, default=9, help="steps of each network")
    parser.add_argument("--rounds", type=int, default=3, help="trainings of each kind")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each training, about")
    chosen = parser.parse_args(arguments)
    from rich.console import Console
    from rich.table import Table

    from chainrule.app.serve.material import from_table

    console = Console(width=None if sys.stdout.isatty() else 100)
    with tempfile.TemporaryDirectory() as folder, server() as address:
        path = big_table(Path(folder))
        sent = request.Request(f"{address}/api/file?name=big.csv", path.read_bytes(), method="PUT")
        with request.urlopen(sent) as answer:
            token = json.load(answer)["token"]
        name = ask(f"{address}/api/open", {"table": token, "target": "kind"})["name"]
        big = {"source": name, "settings": BIG}
        one = {"source": name, "settings": {**BIG, "batch": 1}}
        states: dict[str, dict[str, Any]] = {source: {"source": source} for source in SOURCES}
        states |= {"784-256-128-10, one row": one, "784-256-128-10, 64 of 128 rows": big}
        table = Table("a step of", "first, ms", "further, ms")
        for shown, state in states.items():
            first, *further = answers(address, state, chosen.steps)
            table.add_row(shown, f"{first * 1e3:.0f}", f"{median(further) * 1e3:.0f}")
        console.print(table)

        table = Table("training of", "alone, steps/s", "watched, steps/s", "share", "updates/s")
        trainings: list[tuple[str, Any, dict[str, Any]]] = [
            ("sample:spirals", from_table("sample:spirals"), states["sample:spirals"]),
            ("784-256-128-10", from_table(str(path), "kind"), big),
        ]
        for shown, material, state in trainings:
            alone = Alone(material, state.get("settings", {}))
            steps = 100
            for seconds in (0.1, 0.5, chosen.seconds):  # a few steps alone say little
                steps = max(100, round(alone.speed(steps) * seconds))
            rounds = [
                (alone.speed(steps), *watched(address, state, steps)) for _ in range(chosen.rounds)
            ]
            own, seen, updates = (median(column) for column in zip(*rounds, strict=True))
            share = median(b / a for a, b, _ in rounds)
            row = (f"{own:.0f}", f"{seen:.0f}", f"{share:.2f}", f"{updates:.0f}")
            table.add_row(shown, *row)
        console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
