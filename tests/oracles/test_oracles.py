"""Values and gradients agree with what PyTorch and JAX wrote down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
import chainrule.random as random
from chainrule.backprop import vjp
from chainrule.execute import numpy as executor
from chainrule.tracing import capture
from tests.oracles.cases import CASES, LIBRARIES, Case, weights

HERE = Path(__file__).parent
FUNCTIONS = json.loads((HERE / "functions.json").read_text(encoding="utf-8"))
RANDOM = json.loads((HERE / "random.json").read_text(encoding="utf-8"))

# XLA's float32 functions are good to a few units in the last place, and so are NumPy's.
RELATIVE = {"float32": 2e-6, "float64": 2e-14}
ABSOLUTE = {"float32": 2e-7, "float64": 1e-15}

ANSWERS = [
    pytest.param(case, library, dtype, id=f"{case.name}-{library}-{dtype}")
    for case in CASES
    for library in LIBRARIES
    if getattr(case, library) is not None
    for dtype in case.dtypes
]


def test_every_case_has_a_name_of_its_own_and_an_answer() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert set(FUNCTIONS) == {case.name for case in CASES}, "run tests/oracles/generate.py again"


@pytest.mark.parametrize(("case", "library", "dtype"), ANSWERS)
def test_values_and_gradients_are_theirs(case: Case, library: str, dtype: str) -> None:
    said = FUNCTIONS[case.name][library][dtype]
    value, back = vjp(lambda *x: case.ours(cnp, *x), *case.arrays(dtype))
    assert value.dtype == dtype
    limits = {"rtol": RELATIVE[dtype], "atol": ABSOLUTE[dtype]}
    np.testing.assert_allclose(value, np.array(said["value"], dtype), **limits)
    for ours, theirs in zip(back(weights(value.shape, dtype)), said["gradients"], strict=True):
        np.testing.assert_allclose(ours, np.array(theirs, dtype), **limits)


@pytest.mark.parametrize("seed", RANDOM)
def test_random_numbers_have_the_bits_of_jax(seed: str) -> None:
    said = RANDOM[seed]

    def draw(key: Any) -> Any:
        return (
            random.uniform(key, (2, 3)),
            random.uniform(key, (3,), dtype="float64"),
            random.bernoulli(key, np.float32(0.3), (12,)),
            cnp.stack(random.split(key, 3)),
            random.fold_in(key, 7),
        )

    key = random.key(int(seed))
    traced = executor.run(capture(draw, (key,)).graph, [key])
    for ours, again, name in zip(draw(key), traced, said, strict=True):
        theirs = np.array(said[name])
        if theirs.dtype.kind == "i":
            theirs = theirs.astype(np.uint32).view(np.int32)
        np.testing.assert_array_equal(ours, theirs.astype(ours.dtype))
        np.testing.assert_array_equal(again, ours)
