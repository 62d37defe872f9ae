"""A whole run: every task in turn, and all that was measured as one tree for JSON."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks import ours
from benchmarks.calibration import FOOTPRINTS, Calibration, best, calibrate
from benchmarks.fresh import measure
from benchmarks.runner import OURS, race
from benchmarks.workloads import (
    PREDICTIONS,
    SCALED,
    SCALING,
    TASKS,
    WORKLOADS,
    Prediction,
    Task,
    Workload,
    smaller,
)

Record = dict[str, Any]


def chosen_tasks(only: Sequence[str]) -> list[Task]:
    """Find what was asked for; ``predict`` and ``scaling`` stand for several tasks."""
    scaled = SCALED if "scaling" in only else ()
    named: list[Task] = [x for x in WORKLOADS if x.name in only or (scaled and x.name == "table")]
    return [*named, *(PREDICTIONS if "predict" in only else ()), *scaled]


def run(
    tasks: Sequence[Task],
    peers: Sequence[str],
    threads: int,
    report: Callable[[Record, str], None],
    *,
    smoke: bool = False,
) -> Record:
    """Measure all tasks; `report` is called with what is known so far and each task's name."""
    repeats = 1 if smoke else 10
    before = speed = calibrate(threads, repeats)
    record: Record = {
        "machine": _machine(threads),
        "smoke": smoke,
        "calibration": {"footprints": FOOTPRINTS, "before": asdict(before)},
        "tasks": {},
        "scaling": {},
    }
    for task in tasks:
        name = task.name
        task = smaller(task) if smoke else task
        data = task.data()
        results, absent = race(task, data, (OURS, *peers), threads)
        speed = best(speed, calibrate(threads, max(1, repeats // 3)))
        work = ours.work(task, data, threads)
        record["tasks"][name] = {
            "title": task.title,
            "shape": task.network.shape if isinstance(task, Prediction) else task.shape,
            "rows": task.rows if isinstance(task, Prediction) else task.batch,
            "work": asdict(work),
            "bound": _bound(task, work, speed),
            "results": {each.library: asdict(each) for each in results},
            "absent": {each.library: each.reason for each in absent},
            "fresh": {}
            if name in [x.name for x in SCALED]
            else {
                each.library: asdict(measure(name, each.library, threads, smoke=smoke))
                for each in results
            },
        }
        report(record, name)
    after = calibrate(threads, repeats)
    speed = best(speed, after)
    record["calibration"] |= {"after": asdict(after), "best": asdict(speed)}
    for task in tasks:  # the machine's best is known only now
        entry = record["tasks"][task.name]
        entry["bound"] = _bound(task, ours.Work(**entry["work"]), speed)
    record["scaling"] = _scaling(record["tasks"])
    return record


def merge(records: Sequence[Record]) -> Record:
    """Join runs of single tasks on one machine, so that each of them may wait for a calm moment.

    Where a task was run twice, the last one counts. Calibrations are those of the last run, but
    the machine's best figures are those of all.
    """
    *earlier, last = records
    names = ("processor", "threads", "python", "system")
    for record in earlier:
        if [record["machine"][x] for x in names] != [last["machine"][x] for x in names]:
            raise ValueError(f"runs on two machines: {record['machine']} and {last['machine']}")
    speed = Calibration(**last["calibration"]["best"])
    for record in earlier:
        speed = best(speed, Calibration(**record["calibration"]["best"]))
    tasks = {name: entry for record in records for name, entry in record["tasks"].items()}
    for name, entry in tasks.items():
        entry["bound"] = _bound(TASKS[name], ours.Work(**entry["work"]), speed)
    return last | {
        "smoke": any(record["smoke"] for record in records),
        "calibration": last["calibration"] | {"best": asdict(speed)},
        "tasks": {name: tasks[name] for name in TASKS if name in tasks},
        "scaling": _scaling(tasks),
    }


def _scaling(tasks: Record) -> Record:
    return {
        axis: {str(x): point.name for x, point in points.items()}
        for axis, points in SCALING.items()
        if all(point.name in tasks for point in points.values())
    }


def _bound(task: Task, work: ours.Work, speed: Calibration) -> float:
    dtype = task.dtype if isinstance(task, Workload) else task.network.dtype
    return speed.bound(work.flops, work.bytes, work.workers, dtype)


def _machine(threads: int) -> Record:
    return {
        "processor": processor(),
        "threads": threads,
        "python": platform.python_version(),
        "system": platform.system(),
        "date": time.strftime("%Y-%m-%d"),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def processor() -> str:
    """Name the processor, as far as the system knows."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
