"""First values: their moments, bounds and shapes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from chainrule import random
from chainrule.errors import ShapeError
from chainrule.nn import initialisers as init

WIDE = (300, 200)
VARIANCES: list[tuple[Any, float]] = [
    (init.Normal(0.3), 0.09),
    (init.Uniform(0.3), 0.09 / 3),
    (init.GlorotUniform(), 2 / 500),
    (init.GlorotNormal(), 2 / 500),
    (init.HeUniform(), 2 / 300),
    (init.HeNormal(), 2 / 300),
    (init.LeCunUniform(), 1 / 300),
    (init.LeCunNormal(), 1 / 300),
    (init.GlorotNormal(gain=2.0), 8 / 500),
    (init.Orthogonal(), 1 / 300),
]


@pytest.mark.parametrize(("initial", "variance"), VARIANCES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_mean_and_variance_are_as_the_source_says(
    initial: Any, variance: float, dtype: str
) -> None:
    x = initial(random.key(5), WIDE, dtype)
    assert (x.shape, x.dtype) == (WIDE, np.dtype(dtype))
    # 60,000 draws: the mean has a standard error of 0.004, the variance one of at most 0.6 %.
    assert abs(x.mean()) < 0.02 * math.sqrt(variance)
    assert x.var() == pytest.approx(variance, rel=0.03)


@pytest.mark.parametrize("initial", [init.GlorotUniform(), init.HeUniform(), init.LeCunUniform()])
def test_uniform_values_stay_within_their_limit(initial: Any) -> None:
    x = initial(random.key(1), WIDE, "float64")
    limit = math.sqrt(3 * dict(VARIANCES)[initial])
    assert 0.99 * limit < np.abs(x).max() <= limit


@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6), (2, 3, 4)])
def test_orthogonal_rows_or_columns_are_at_right_angles(shape: tuple[int, ...]) -> None:
    x = init.Orthogonal(gain=2.0)(random.key(0), shape, "float64").reshape(-1, shape[-1])
    small = x.T @ x if x.shape[0] >= x.shape[1] else x @ x.T
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-12)


def test_orthogonal_refuses_a_vector() -> None:
    with pytest.raises(ShapeError, match="at least two axes"):
        init.Orthogonal()(random.key(0), (3,), "float32")


def test_constants() -> None:
    assert init.Zeros()(None, (2,), "float32").tolist() == [0.0, 0.0]
    assert init.Ones()(None, (2,), "float64").tolist() == [1.0, 1.0]
    assert init.Constant(0.25)(None, (1, 2), "float32").tolist() == [[0.25, 0.25]]


def test_fans_of_kernels_count_their_window() -> None:
    assert init.fans((5, 5, 3, 8)) == (75, 200)
    assert init.fans((7,)) == (7, 7)
    assert init.fans(()) == (1, 1)


def test_a_layer_without_inputs_can_be_made() -> None:
    assert init.GlorotUniform()(random.key(0), (0, 0), "float32").shape == (0, 0)
