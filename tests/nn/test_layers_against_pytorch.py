"""Layers agree with PyTorch in float64: the value, and the gradient of every array and input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule import jit, nn, value_and_grad
from tests.nn import layer_cases, recurrent_cases
from tests.nn.layer_cases import Case, drawn, fingerprint


def _golden(name: str) -> Any:
    return json.loads(Path(__file__).with_name(name).read_text("utf-8"))["layers"]


GOLDEN = {**_golden("golden_layers.json"), **_golden("golden_recurrent.json")}


def cases() -> dict[str, Case]:
    """All cases of both files."""
    return {**layer_cases.cases(), **recurrent_cases.cases()}


def test_every_case_has_its_numbers() -> None:
    assert set(GOLDEN) == set(cases())


def _same(ours: Any, golden: list[float], what: str) -> None:
    """Inner products agree to 1e-10 of what their terms could add up to.

    A sum of n terms of size s, in float64, is off by some 1e-16 s sqrt(n); gradients through a
    few divisions lose two or three digits more. Some gradients are exactly zero (softmax does not
    see the bias of keys), and what is left of terms around 1 that cancel is rounding.
    """
    scale = float(np.linalg.norm(ours)) * np.sqrt(max(np.size(ours), 1))
    np.testing.assert_allclose(
        fingerprint(ours), golden, rtol=1e-10, atol=1e-10 * scale + 1e-12, err_msg=what
    )


@pytest.mark.parametrize("executor", ["numpy", "native"])
@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_value_and_gradients_agree_with_pytorch(name: str, executor: str) -> None:
    case, golden = cases()[name], GOLDEN[name]
    arrays = case.arrays()
    state = nn.state_paths(case.layer.initialise(0, *case.inputs))
    still = {k: x for k, x in arrays.items() if k in state}
    moving = {k: x for k, x in arrays.items() if k not in state}
    assert set(moving) == set(golden["arrays"])
    whole = [x if x.dtype.kind != "f" else None for x in case.inputs]
    floats = [x for x in case.inputs if x.dtype.kind == "f"]

    def weighed(moving: Any, floats: Any) -> Any:
        waiting = iter(floats)
        inputs = tuple(next(waiting) if x is None else x for x in whole)
        y = case.run({**still, **moving}, inputs)
        return cnp.sum(y * drawn("cotangent", y.shape)), y

    both = jit(value_and_grad(weighed, argnums=(0, 1), has_aux=True), executor)
    (_, y), (by_array, by_input) = both(moving, floats)
    _same(y, golden["value"], "value")
    for path, fingers in golden["arrays"].items():
        _same(by_array[path], fingers, path)
    for g, fingers in zip(by_input, filter(None, golden["inputs"]), strict=True):
        _same(g, fingers, "input")
