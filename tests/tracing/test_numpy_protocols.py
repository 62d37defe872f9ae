"""NumPy's own functions work on traced arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule.backprop import check_gradients, grad
from chainrule.errors import TraceError
from chainrule.execute import numpy as executor
from chainrule.tracing import capture

X = np.array([[1.0, -2.0, 3.0], [-0.5, 0.25, 2.0]])
P = np.abs(X) / 4 + 0.05

CASES: dict[str, Callable[..., Any]] = {
    "tanh": np.tanh,
    "exp2 of a product": lambda x: np.exp(x * np.log(2)),
    "absolute": np.absolute,
    "fabs": np.fabs,
    "maximum": lambda x: np.maximum(x, 0.5),
    "arctan": np.arctan,
    "arctan2": lambda x: np.arctan2(x, 2.0),
    "arcsin": lambda x: np.arcsin(x / 4),
    "arccos": lambda x: np.arccos(x / 4),
    "arcsinh": np.arcsinh,
    "arccosh": lambda x: np.arccosh(x * x + 1.5),
    "arctanh": lambda x: np.arctanh(x / 4),
    "square root": lambda x: np.sqrt(x**2),
    "power": lambda x: np.power(np.abs(x), 1.5),
    "remainder": lambda x: np.mod(x, 0.7),
    "rint": np.rint,
    "round": lambda x: np.round(x) + np.around(x),
    "comparison": lambda x: np.less(x, 0.3),
    "logic": lambda x: np.logical_and(x > 0, x < 2) | np.isnan(x),
    "array operators from the left": lambda x: X + (2.0 * x) - np.float64(1.5) * x,
    "matmul": lambda x: np.matmul(x, X.T) + np.eye(2) @ x @ X.T,
    "vecdot": lambda x: np.vecdot(x, X),
    "sum": lambda x: np.sum(x, axis=0),
    "sum keeping dimensions": lambda x: np.sum(x, axis=(0, 1), keepdims=True),
    "mean": np.mean,
    "prod": lambda x: np.prod(x, axis=1),
    "max": lambda x: np.max(x, axis=-1) + np.amax(x) - np.amin(x),
    "argmax": lambda x: np.argmax(x, axis=1),
    "cumsum": lambda x: np.cumsum(x, axis=1),
    "concatenate": lambda x: np.concatenate([x, X, 2 * x], axis=1),
    "concat": lambda x: np.concat((X, x)),
    "stack": lambda x: np.stack([X, x], axis=-1),
    "where": lambda x: np.where(x > 0, x, X - 1),
    "where of numbers": lambda x: np.where(X > 0, x, 0.0),
    "clip": lambda x: np.clip(x, -1, 1),
    "reshape": lambda x: np.reshape(x, (3, -1)),
    "transpose": lambda x: np.transpose(x) + np.matrix_transpose(x),
    "squeeze": lambda x: np.squeeze(np.expand_dims(x, 0)),
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 2, 3)),
    "broadcast_arrays": lambda x: np.broadcast_arrays(x, X[0])[1] * x,
    "flip and roll": lambda x: np.flip(x, 1) + np.roll(x, 1, axis=1),
    "pad": lambda x: np.pad(x, ((0, 1), (2, 0))),
    "take": lambda x: np.take(x, [1, 0], axis=0),
    "take_along_axis": lambda x: np.take_along_axis(x, np.array([[0], [2]]), axis=1),
    "tensordot": lambda x: np.tensordot(x, X.T, 1),
    "outer": lambda x: np.outer(x[0], X[1]),
    "triangle": lambda x: np.tril(x) + np.triu(x),
    "split": lambda x: np.split(x, 3, axis=1)[1],
    "tile and repeat": lambda x: np.tile(x, (1, 2)) + np.repeat(x, 2, axis=1),
    "swapaxes": lambda x: np.moveaxis(np.swapaxes(x, 0, 1), 0, 1),
    "like": lambda x: np.zeros_like(x) + np.ones_like(x) * np.full_like(x, 2.0),
    "diff": lambda x: np.diff(x, axis=1),
    "facts": lambda x: x * (np.ndim(x) + np.shape(x)[1] + np.size(x)),
}


@pytest.mark.parametrize("function", CASES.values(), ids=CASES)
def test_a_numpy_function_is_traced(function: Callable[..., Any]) -> None:
    (actual,) = executor.run(capture(function, (X,)).graph, [X])
    expected = function(X)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-14, atol=1e-15)


def test_a_function_written_for_numpy_has_a_gradient() -> None:
    def logistic_loss(w: Any) -> Any:
        return np.mean(np.log1p(np.exp(-(X @ w))))

    w = np.array([0.1, -0.2, 0.3])
    expected = -(X.T @ (1 / (1 + np.exp(X @ w)))) / 2
    np.testing.assert_allclose(grad(logistic_loss)(w), expected, rtol=1e-14)
    assert check_gradients(logistic_loss, w)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            np.median,
            "numpy.median has no counterpart in chainrule.numpy and cannot be traced",
        ),
        (np.linalg.norm, "numpy.norm has no counterpart"),
        (np.cbrt, "numpy.cbrt has no counterpart"),
        (lambda x: np.add.reduce(x), "numpy.add.reduce cannot be traced"),
        (lambda x: np.add(x, 1, out=X.copy()), "numpy.add cannot write a traced array"),
        (lambda x: np.sum(x, dtype=float), r"numpy.sum is traced as .*\.sum\(x: .*'dtype'"),
        (lambda x: np.add(x, 1, where=X > 0), r"numpy.add is traced as .*\(a, b, /\).*'where'"),
        (lambda x: np.repeat(x, 2), r"numpy.repeat is traced as .*missing .* 'axis'"),
        (lambda x: np.pad(x, 1, mode="edge"), r"numpy.pad is traced as .*'mode'"),
    ],
)
def test_what_cannot_be_traced_is_said(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(TraceError, match=message):
        capture(function, (X,))
