"""Figures of benchmarks as they are shown, published and merged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as command
from benchmarks import estimators, fresh, ours, publish, record, runner, small_fits
from benchmarks.calibration import Calibration
from benchmarks.plot import draw
from benchmarks.workloads import TASKS

FLAT = Calibration(threads=2, fma=100.0, triad=(400.0, 200.0, 100.0, 10.0), barrier=0.1)


def bench(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=repository,
        env=os.environ | {"PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_smoke_run_shows_and_writes_everything(repository: Path, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    options = ("--smoke", "--only", "small", "--peers", "numpy", "--json", str(file))
    done = bench(repository, *options)
    assert done.returncode == 0, done.stderr
    for part in ("small: 30-100-2", "chainrule", "numpy", "machine before", "machine after"):
        assert part in done.stdout
    written = json.loads(file.read_text(encoding="utf-8"))
    entry = written["tasks"]["small"]
    assert all(each["equal"] for each in entry["results"].values())
    alone = entry["fresh"]["chainrule"]
    assert alone["cached"] > 0
    assert alone["start"] > 0
    assert alone["memory"] > entry["work"]["memory"]
    assert "| `small` 30-100-2, 32 rows | " in publish.figures(written)


def test_only_a_whole_run_is_published(repository: Path) -> None:
    done = bench(repository, "--publish", "--smoke")
    assert done.returncode == 2
    assert "--publish wants all tasks in full" in done.stderr


def _run(name: str, processor: str, fma: float) -> record.Record:
    """What a run of one task leaves behind, as far as merging looks at it."""
    speed = asdict(replace(FLAT, fma=fma))
    done = ours.Work(flops=1_000_000, bytes=0, kernels=1, workers=2, memory=0, memory_bound=0)
    return {
        "machine": dict.fromkeys(("threads", "python", "system"), 2) | {"processor": processor},
        "smoke": False,
        "calibration": {"before": speed, "after": speed, "best": speed},
        "tasks": {name: {"work": asdict(done), "bound": 0.0}},
        "scaling": {},
    }


def test_runs_of_single_tasks_are_merged_by_the_machines_best_figures() -> None:
    both = record.merge([_run("table", "A", 100), _run("small", "A", 50)])
    assert list(both["tasks"]) == ["small", "table"]
    assert both["calibration"]["best"]["fma"] == 100
    assert [x["bound"] for x in both["tasks"].values()] == [pytest.approx(10e-6)] * 2
    with pytest.raises(ValueError, match="two machines"):
        record.merge([_run("table", "A", 100), _run("small", "B", 50)])


def test_only_training_has_a_profile(repository: Path) -> None:
    done = bench(repository, "--profile", "predict-one")
    assert done.returncode == 2
    assert "--profile wants one of xor, small, table" in done.stderr


def lap(library: str, seconds: float, **others: Any) -> dict[str, Any]:
    """Make a library's result as it stands in the JSON."""
    result = runner.Result("", library, "1.0", 2, seconds, seconds, 7, 8, 0.5, 0.9, True, "")
    return asdict(replace(result, **others))


def start(seconds: float, cached: float | None = None) -> dict[str, Any]:
    """Make what a process of its own showed, as it stands in the JSON."""
    return asdict(fresh.Fresh(seconds, seconds, seconds, seconds, 5e6, cached))


RECORD: record.Record = {
    "machine": {"processor": "A processor", "threads": 2, "date": "2026-01-02"},
    "smoke": False,
    "calibration": {"best": asdict(FLAT)},
    "tasks": {
        "table": {
            "shape": "54-64-64-7",
            "rows": 256,
            "bound": 50e-6,
            "results": {
                "chainrule": lap("chainrule", 100e-6),
                "torch": lap("torch", 1.2e-3, calm=0, equal=False),
                "numpy": lap("numpy", 250e-6, note="by hand"),
            },
            "fresh": {"chainrule": start(0.2, 0.01), "torch": start(3.0), "numpy": start(0.001)},
        },
        "width-16": {"results": {"chainrule": lap("chainrule", 20e-6)}, "fresh": {}},
    },
    "scaling": {"width": {"16": "width-16", "64": "table"}},
}


def test_published_figures_are_times_rooflines_and_ratios() -> None:
    written = publish.figures(RECORD)
    assert "on 2026-01-02 on A processor with 2 threads (100 GFLOP/s at most)" in written
    assert (
        "14 of all 24 blocks were timed while nothing else ran. PyTorch 1.0, NumPy 1.0." in written
    )
    assert "| | chainrule, a step | roofline | PyTorch | NumPy |\n" in written
    assert "| `table` 54-64-64-7, 256 rows | 100 µs | 0.50 | 12 × ≠ | 2.5 × \\* |\n" in written
    assert "\\* NumPy in `table`: by hand.\n" in written
    assert "| trace and compile | 200 ms | 3.00 s | 1.00 ms |\n" in written
    assert "| the same, compiled before | 10.0 ms |  |  |\n" in written


def test_figures_replace_what_stood_between_the_marks() -> None:
    page = f"before\n{publish.BEGIN}old\n{publish.END}after\n"
    written = publish.with_figures(page, RECORD)
    assert written == f"before\n{publish.BEGIN}{publish.figures(RECORD)}{publish.END}after\n"
    assert publish.with_figures(written, RECORD) == written
    with pytest.raises(ValueError, match="lost the marks"):
        publish.with_figures("no marks", RECORD)


def test_the_plot_has_a_dot_for_each_figure_and_a_line_for_each_library() -> None:
    drawn = draw(RECORD)
    assert drawn.count("<title>") == 3
    assert "<title>PyTorch, table: 1.20 ms</title>" in drawn
    # Two points of ours, one of each peer at the table; a single point makes no line.
    assert drawn.count('r="3"') == 4
    assert drawn.count("<polyline") == 1


def test_the_readme_and_the_plot_show_the_results_that_were_published(repository: Path) -> None:
    page = (repository / "README.md").read_text(encoding="utf-8")
    assert page.index(publish.BEGIN) < page.index(publish.END)
    if command.RESULTS.exists():
        results = json.loads(command.RESULTS.read_text(encoding="utf-8"))
        assert not results["smoke"]
        assert set(results["tasks"]) == set(TASKS)
        assert publish.with_figures(page, results) == page
        assert command.RESULTS.with_suffix(".svg").read_text(encoding="utf-8") == draw(results)
        for entry in results["tasks"].values():
            for each in entry["results"].values():
                assert each["equal"] or each["note"], (each["workload"], each["library"])


def test_estimators_are_measured_on_the_same_rows() -> None:
    case = next(case for case in estimators.CASES if case.name == "wine")
    case = replace(case, settings={"random_state": 0, "max_iter": 2})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = estimators.measure(case, rows=60)
    assert {*found["ours"]["scores"]} == {*found["theirs"]["scores"]} == {"accuracy"}


def test_small_fits_tell_seconds_and_memory() -> None:
    found = small_fits.in_its_own_process("ours", 2)
    assert found["seconds"] > 0
    assert 10 < found["before"] < 1.5 * found["after"]


def test_the_page_of_estimators_shows_what_was_measured() -> None:
    scores = {"ours": {"scores": {"R²": 0.5}, "seconds": 1.25}}
    scores["theirs"] = {"scores": {"R²": 0.4}, "seconds": 2.5}
    fits = {"seconds": 1.0, "before": 100.0, "after": 101.0}
    taken = {
        "date": "2026-01-31",
        "processor": "a processor",
        "threads": 2,
        "sklearn": "1.9.1",
        "python": "3.11",
        "cases": [{"name": "t", "about": "", "wanted": {"R²": 0.45}, **scores}],
        "small": {"count": 3, "ours": fits, "theirs": fits},
    }
    page = estimators.with_figures(f"a\n{estimators.BEGIN}old\n{estimators.END}b\n", taken)
    assert "| t | R² | ≥ 0.45 | 0.5000 | 0.4000 | 1.2 s | 2.5 s |" in page
    assert "old" not in page
    assert page.startswith("a\n")
    assert page.endswith("b\n")
