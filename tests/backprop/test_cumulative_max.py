"""The gradient of the running maximum: of equal entries the latest has it, as in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
import chainrule.numpy as cnp


@pytest.mark.parametrize(
    ("x", "reverse", "gradient"),
    [
        # Each output's weight goes to the entry that it shows: 1, 10, 100, 1000 in turn.
        ([1.0, 3.0, 2.0, 5.0], False, [1, 110, 0, 1000]),
        ([2.0, 2.0, 1.0, 2.0], False, [1, 110, 0, 1000]),
        ([1.0, 3.0, 2.0, 5.0], True, [0, 0, 0, 1111]),
        ([2.0, 2.0, 1.0, 2.0], True, [1, 10, 0, 1100]),
        ([1.0, np.nan, 7.0, 3.0], False, [1, 1110, 0, 0]),
    ],
)
def test_the_latest_of_equal_entries_gets_the_gradient(
    x: list[float], reverse: bool, gradient: list[float]
) -> None:
    weights = np.array([1.0, 10.0, 100.0, 1000.0])

    def weighed(x: object) -> object:
        return cnp.sum(cnp.cumulative_max(x, reverse=reverse) * weights)

    assert np.asarray(cr.grad(weighed)(np.array(x))).tolist() == gradient
