"""Clipping against PyTorch and by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import optim
from chainrule.errors import ParameterError
from tests.train.golden_optimisers import PLACE, gradient

GOLDEN = json.loads(PLACE.read_text(encoding="utf-8"))["clipped"]


@pytest.mark.parametrize(
    ("name", "clip"),
    [("value", optim.ClipValue(0.1)), ("global norm", optim.ClipGlobalNorm(0.1))],
)
def test_gradients_are_cut_as_by_pytorch(name: str, clip: optim.Clip) -> None:
    g = np.array(gradient(1, 6))
    w, b = clip([g[:4].reshape(2, 2), g[4:]])
    # PyTorch adds 1e-6 to the norm, which is about 3 here.
    np.testing.assert_allclose([*np.ravel(w), *b], GOLDEN[name], rtol=1e-6)


def test_the_norm_of_each_array_is_cut_alone() -> None:
    long, short = optim.ClipNorm(1.0)([np.array([3.0, 4.0]), np.array([0.5])])
    np.testing.assert_allclose(long, [0.6, 0.8])
    assert short.tolist() == [0.5]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5), st.floats(1e-3, 1e3))
def test_no_cut_gradient_is_longer_than_the_limit(entries: list[float], limit: float) -> None:
    g = [np.array(entries)]
    assert np.linalg.norm(optim.ClipGlobalNorm(limit)(g)[0]) <= limit * (1 + 1e-12)
    assert np.linalg.norm(optim.ClipNorm(limit)(g)[0]) <= limit * (1 + 1e-12)
    assert np.abs(optim.ClipValue(limit)(g)[0]).max() <= limit


def test_a_gradient_of_zeros_stays() -> None:
    for clip in (optim.ClipValue(1.0), optim.ClipNorm(1.0), optim.ClipGlobalNorm(1.0)):
        assert clip([np.zeros(2)])[0].tolist() == [0.0, 0.0]


def test_a_limit_must_be_positive() -> None:
    for kind in (optim.ClipValue, optim.ClipNorm, optim.ClipGlobalNorm):
        with pytest.raises(ParameterError, match="must be positive"):
            kind(0.0)
