"""Programs on disk: found by their plan, without the text of their code."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule.numpy as cnp
from chainrule.execute.native import digest as digest_module
from chainrule.execute.native import program as program_module
from chainrule.execute.native.cache import cache_contents, write
from chainrule.execute.native.digest import digest, generator
from chainrule.execute.native.program import Program
from chainrule.execute.native.run import PROGRAM, target
from chainrule.plan import Plan, plan


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))


def _plan(rows: int = 4, columns: int = 3, constant: float = 2.0, **switches: Any) -> Plan:
    fixed = np.arange(columns * 10, dtype="float32").reshape(columns, 10) + constant
    x = cr.ArrayType((cr.Dim("batch"), columns))
    traced = cr.trace(lambda x: cnp.sum(cnp.tanh(x @ fixed), axis=1), x)
    return plan(traced.graph, limits={"batch": rows}, **switches)


def _scanned(length: int, *, reverse: bool = False) -> Plan:
    def step(h: Any, x: Any) -> Any:
        h = cnp.tanh(h + x)
        return h, h * 2

    xs = np.ones((length, 3), "float32")
    traced = cr.trace(lambda xs: cr.scan(step, cnp.zeros((3,)), xs, reverse=reverse)[1], xs)
    return plan(traced.graph)


def test_a_program_on_disk_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    Program(_plan(), target()).link()
    monkeypatch.setattr(program_module, "_write", None)  # writing would fail
    found = Program(_plan(), target())
    assert found.link().function("program", *PROGRAM) is not None
    assert not found.calls_blas


def test_a_program_from_disk_needs_the_same_memory_and_gives_the_same_bits() -> None:
    x = np.linspace(-1, 1, 40, dtype="float32").reshape(10, 4)
    w = np.linspace(1, -1, 4 * 40, dtype="float32").reshape(4, 40)

    def made() -> tuple[Program, Any]:
        traced = cr.trace(lambda x, w: (x @ w) @ w.T, x, w)
        return Program(traced.plan().plan, target()), traced.plan().compile("native")(x, w)

    first, result = made()
    first.link()
    second, again = made()
    second.link()
    assert "written" not in second.__dict__
    assert first.arena == second.arena
    np.testing.assert_array_equal(result, again)


@pytest.mark.parametrize("which", range(2))
@pytest.mark.parametrize("lost", [True, False])
def test_what_is_lost_or_damaged_is_made_anew(which: int, lost: bool) -> None:
    first = Program(_plan(), target())
    first.link()
    contents = cache_contents()
    assert len(contents) > 2  # a list, the loops, the product
    sizes = sorted(contents, key=lambda item: item[1])
    path, _ = sizes[0 if which == 0 else -1]  # the list is the shortest
    if lost:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    again = Program(_plan(), target())
    again.link()
    assert again.arena == first.arena
    assert cache_contents() == contents


def test_equal_plans_share_a_name_whatever_their_constants_hold() -> None:
    assert digest(_plan()) == digest(_plan())
    assert digest(_plan(constant=2.0)) == digest(_plan(constant=5.0))


def test_a_name_is_the_same_in_every_process() -> None:
    source = (
        "from tests.execute.test_program import _plan, _scanned\n"
        "from chainrule.execute.native.digest import digest\n"
        "print(digest(_plan(workers=2)), digest(_scanned(5)))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", source],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert seen == {f"{digest(_plan(workers=2))} {digest(_scanned(5))}\n"}


def test_programs_with_different_texts_have_different_names() -> None:
    plans = [
        _plan(),
        _plan(rows=5),
        _plan(columns=4),
        _plan(workers=2),
        _plan(fused=False),
        _plan(rows=100_000),
        _plan(rows=100_000, chunked=False),
        _scanned(5),
        _scanned(6),
        _scanned(5, reverse=True),
    ]
    programs = [Program(x, target(), timed=timed) for x in plans for timed in (False, True)]
    for one, other in combinations(programs, 2):
        names = [digest(x.plan, x.target, x.steps, x.timed) for x in (one, other)]
        same = one.written.units == other.written.units
        assert same or names[0] != names[1]


def test_a_changed_generator_reads_no_old_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "chainrule"
    source = home / "execute" / "native" / "digest.py"
    source.parent.mkdir(parents=True)
    source.write_text("")
    monkeypatch.setattr(digest_module, "__file__", str(source))
    names = []
    for text in ("", "x = 1", "x = 22"):
        source.write_text(text)
        generator.cache_clear()
        names.append((generator(), digest(_plan())))
    monkeypatch.undo()
    generator.cache_clear()
    assert len(set(names)) == 3


def test_a_list_that_names_what_is_not_there_is_not_used() -> None:
    program = Program(_plan(), target())
    name = digest(program.plan, program.target, program.steps, program.timed)
    write(name, b'{"objects": ["missing"], "layout": {}}')
    assert program.link().function("program", *PROGRAM) is not None


def test_a_program_that_calls_blas_is_written_each_time() -> None:
    large = [np.ones((1024, 1024), "float32")] * 2
    narrow = replace(target(), vector_bits=256)  # with wide registers, nothing is left to BLAS
    for _ in range(2):
        program = Program(cr.trace(lambda a, b: a @ b, *large).plan().plan, narrow)
        program.link()
        assert program.calls_blas
        assert "written" in program.__dict__


def test_long_programs_become_modules_of_about_the_same_length() -> None:
    x = np.ones((8, 8), "float32")

    def deep(x: Any) -> Any:
        for i in range(60):
            x = cnp.tanh(x * (1 + i) - cnp.mean(x, axis=i % 2, keepdims=True))
        return x

    compiled = cr.trace(deep, x).plan().compile("native")
    assert compiled.native is not None
    written = compiled.native.program.written
    lengths = [len(module.text) for module in written.units[1:]]
    assert len(lengths) > 2
    assert max(lengths) < 3 * min(lengths)
    expected = cr.trace(deep, x).plan().compile("numpy")(x)
    np.testing.assert_allclose(compiled(x), expected, rtol=1e-4)  # 60 layers in another order


def test_updates_of_different_shapes_that_workers_share_are_one_kernel() -> None:
    a, b = np.ones((6, 4), "float32"), np.ones((3, 5), "float32")
    x = cr.ArrayType((cr.Dim("batch"),))
    traced = cr.trace(lambda a, b, x: (a - 0.5 * cnp.sum(x) * a, b - 0.5 * cnp.sum(x) * b), a, b, x)
    shared = plan(traced.graph, limits={"batch": 8}, carried=[(0, 0), (1, 1)], workers=2)
    text = Program(shared, target()).written.units[0].text
    kernels = [x for x in text.splitlines() if x.startswith("define") and "%begin" in x]
    calls = [x for x in text.splitlines() if "call void @kernel" in x]
    assert len(kernels) == 1
    assert len(calls) == 3  # the sum, and two updates
