"""How products are cut may be measured: never a bit of a result depends on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
import chainrule.execute.native.tune as tune_module
from chainrule.execute.native import cache
from chainrule.execute.native import tuned as tuned_module
from chainrule.execute.native.cache import cache_contents, clear_cache, shrink, write
from chainrule.execute.native.compiler import machine
from chainrule.execute.native.run import target
from chainrule.execute.native.tune import PRODUCTS, Product, tune
from chainrule.execute.native.tuned import KeptTuning, keep_tuning, kept_tuning, tuned
from chainrule.execute.native.tuning import CANDIDATES, Tuning, read_tuning, usual_tuning
from tests.execute.products import Case, cases, multiply, random_arrays

USUAL = usual_tuning(machine().cpu, machine().vector_bits)
OTHER = replace(USUAL, sums=24, strided_sums=24, depth_bytes=512, splits=not USUAL.splits)
SIZES = st.one_of(st.integers(1, 12), st.sampled_from([15, 17, 20, 31, 33, 54, 64, 100, 130, 300]))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))
    tuned.cache_clear()
    yield tmp_path / "cache"
    tuned.cache_clear()


@settings(max_examples=60)
@given(
    case=cases(
        SIZES,
        symbolic=st.sampled_from(["", "m", "k"]),
    ),
    figures=st.fixed_dictionaries({name: st.sampled_from(x) for name, x in CANDIDATES.items()}),
)
def test_no_figure_changes_a_bit_of_a_product(case: Case, figures: dict[str, Any]) -> None:
    a, b, c = random_arrays(case)
    usual = multiply(case, a, b, c)
    assert multiply(replace(case, tuned=Tuning(**figures)), a, b, c).tobytes() == usual.tobytes()


@pytest.mark.parametrize("variant", list(USUAL.variants(machine().vector_bits)), ids=str)
def test_no_variant_changes_a_bit_of_a_product_in_blocks(variant: Tuning) -> None:
    for case in (Case(70, 300, 700), Case(33, 90, 1100, transpose_b=True, symbolic="m")):
        a, b, c = random_arrays(case)
        usual = multiply(case, a, b, c)
        assert multiply(replace(case, tuned=variant), a, b, c).tobytes() == usual.tobytes()


def test_variants_differ_in_one_figure_and_need_no_wider_vectors() -> None:
    for widest in (128, 256, 512):
        usual = usual_tuning("unknown", widest)
        for variant in usual.variants(widest):
            pairs = zip(asdict(usual).values(), asdict(variant).values(), strict=True)
            assert sum(a != b for a, b in pairs) == 1
            assert variant.vector_bits <= widest


def test_nothing_is_measured_unasked() -> None:
    assert kept_tuning() is None
    assert target().tuned is None
    cr.trace(lambda x: x @ x, np.ones((40, 40), "float32")).plan().compile("native")
    assert kept_tuning() is None


def test_programs_use_what_was_measured_and_give_the_same_bits() -> None:
    random = np.random.default_rng(0)
    x, w = (random.normal(size=s).astype(np.float32) for s in ((33, 70), (70, 100)))
    usual = cr.trace(lambda x, w: x @ w, x, w).plan().compile("native")(x, w)
    assert keep_tuning(KeptTuning(OTHER, 0.02))
    assert target().tuned == OTHER
    before = len(cache_contents())
    # A program of another plan, as a process keeps those it has compiled.
    measured, _ = cr.trace(lambda x, w: (x @ w, w * 2), x, w).plan().compile("native")(x, w)
    assert measured.tobytes() == usual.tobytes()
    assert len(cache_contents()) == before + 3  # both kernels are new, and the list of them


def test_figures_that_are_the_usual_ones_leave_programs_as_they_are() -> None:
    assert keep_tuning(KeptTuning(USUAL, 0.0))
    assert kept_tuning() == KeptTuning(USUAL, 0.0)
    assert target().tuned is None


def test_another_processor_has_a_file_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_tuning(KeptTuning(OTHER, 0.02))
    elsewhere = replace(machine(), cpu="another")
    with monkeypatch.context() as patch:
        patch.setattr(tuned_module, "machine", lambda: elsewhere)
        assert kept_tuning() is None
    assert kept_tuning() == KeptTuning(OTHER, 0.02)


def test_a_damaged_file_counts_as_none() -> None:
    keep_tuning(KeptTuning(OTHER, 0.02))
    ((path, _),) = cache_contents()
    whole = path.read_bytes()
    for i in (0, 20, 60, len(whole) - 2):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :])
        assert kept_tuning() is None
    path.write_bytes(whole[:-1])
    assert kept_tuning() is None
    path.write_bytes(whole)
    assert kept_tuning() == KeptTuning(OTHER, 0.02)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "no json",
        "[]",
        "{}",
        json.dumps({"tuning": asdict(USUAL)}),
        json.dumps({"tuning": {**asdict(USUAL), "sums": 9}, "gain": 0.1}),
        json.dumps({"tuning": {**asdict(USUAL), "sums": True}, "gain": 0.1}),
        json.dumps({"tuning": {**asdict(USUAL), "more": 1}, "gain": 0.1}),
        json.dumps({"tuning": {"sums": 8}, "gain": 0.1}),
    ],
)
def test_a_file_with_anything_else_in_it_counts_as_none(content: str) -> None:
    write(tuned_module._name(), content.encode())
    assert kept_tuning() is None
    assert tuned() is None


def test_figures_with_vectors_that_the_processor_lacks_are_refused() -> None:
    assert read_tuning(asdict(replace(USUAL, vector_bits=256)), 128) is None
    assert read_tuning(asdict(replace(USUAL, vector_bits=128)), 128) is not None


def test_figures_make_no_room_for_code_and_are_removed_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cache, "CACHE_LIMIT", 10)
    keep_tuning(KeptTuning(OTHER, 0.02))
    write("code", b"x" * 100)
    shrink()
    assert [path.name for path, _ in cache_contents()] == [f"{tuned_module._name()}.kept"]
    clear_cache()
    assert kept_tuning() is None


def _pretend(monkeypatch: pytest.MonkeyPatch, cost: Any) -> None:
    """Let the time of a product be a function of the figures."""

    def compare(_: Any, products: Any, first: Tuning, second: Tuning) -> Any:
        return {x: (cost(x, first), cost(x, second)) for x in products}

    monkeypatch.setattr(tune_module._Bench, "compare", compare)


def test_the_figures_that_take_the_least_time_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    best = replace(USUAL, sums=24, block_bytes=768 << 10)

    def cost(product: Product, tuning: Tuning) -> float:
        others = sum(
            a != b for a, b in zip(asdict(tuning).values(), asdict(best).values(), strict=True)
        )
        return product.flops * exp(0.05 * others)

    _pretend(monkeypatch, cost)
    told: list[str] = []
    found = tune(told=told.append)
    assert found.best == best
    assert found.changed == {"sums": 24, "block_bytes": 768 << 10}
    assert found.kept
    assert told == ["sums = 24", "block_bytes = 786432"]
    assert found.gain == pytest.approx(1 - exp(-0.1))
    assert tuned() == best


def test_less_than_a_hundredth_is_no_gain(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, lambda _, tuning: 1.0 if tuning == USUAL else 0.995)
    assert tune().best == USUAL


def test_a_gain_that_was_chance_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([1.0, 0.9] * len(PRODUCTS) * len(list(USUAL.variants(machine().vector_bits))))
    _pretend(monkeypatch, lambda _, tuning: next(times, 2.0 if tuning != USUAL else 1.0))
    found = tune()
    assert (found.best, found.gain) == (USUAL, 0.0)


def test_a_real_measurement_gives_times_and_is_kept() -> None:
    products = (Product(32, 20, 16, "NN"), Product(16, 20, 32, "TN", "float64"))
    found = tune(products)
    assert tuple(found.seconds) == products
    assert all(time > 0 for both in found.seconds.values() for time in both)
    assert kept_tuning() == KeptTuning(found.best, found.gain)
    assert [str(x) for x in products] == ["NN 32 x 20 x 16 float32", "TN 16 x 20 x 32 float64"]


def test_a_folder_that_cannot_be_made_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "file" / "cache"))
    assert not keep_tuning(KeptTuning(OTHER, 0.02))
