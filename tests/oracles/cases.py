"""What is compared with PyTorch and JAX: one function, written three times, and its inputs.

`generate.py` runs the two libraries on these cases and writes the answers down; `test_oracles.py`
compares ours with them. This file imports none of the three.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Function = Callable[..., Any]
LIBRARIES = ("jax", "torch")

X = [[0.5, -1.25, 2.0], [-0.75, 1.5, 0.25]]
Y = [[1.5, 0.75, -0.5], [2.5, -1.0, 0.25]]
POSITIVE = [[0.5, 1.25, 2.0], [0.75, 1.5, 3.25]]
UNIT = [[0.5, -0.25, 0.875], [-0.75, 0.125, -0.5]]
LARGE = [300.0, -300.0, 30.0, -30.0, 1e4, -1e4]
ENDS = [math.inf, -math.inf, math.nan, 0.0]


@dataclass(frozen=True)
class Case:
    """One function and where it is evaluated.

    Attributes
    ----------
    name
        Unique.
    inputs
        Arrays of floats; the gradient is taken by each of them.
    ours, jax, torch
        ``f(library, *inputs)``; None where the library has another idea of the function.
    dtypes
        Where it is compared.
    """

    name: str
    inputs: tuple[Any, ...]
    ours: Function
    jax: Function | None
    torch: Function | None
    dtypes: tuple[str, ...] = ("float64",)

    def arrays(self, dtype: str) -> list[np.ndarray[Any, Any]]:
        return [np.array(x, dtype) for x in self.inputs]


def weights(shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
    """What an output is multiplied with before it is summed, so that its gradient says much."""
    return np.cos(np.arange(math.prod(shape), dtype="float64")).reshape(shape).astype(dtype)


def _same(name: str, *inputs: Any, label: str = "", both: bool = False) -> Case:
    """A function that has one name in all three libraries."""
    return Case(
        f"{name} {label}".strip(),
        inputs,
        lambda cnp, *x: getattr(cnp, name)(*x),
        lambda jax, *x: getattr(jax.numpy, name)(*x),
        lambda torch, *x: getattr(torch, name)(*x),
        ("float32", "float64") if both else ("float64",),
    )


def _activation(name: str, torch: str | None = None, jax: str | None = None) -> list[Case]:
    """An activation: ordinary inputs, and large ones in both precisions."""
    return [
        Case(
            f"{name} {label}",
            (x,),
            lambda cnp, x: getattr(cnp, name)(x),
            lambda lib, x: getattr(lib.nn, jax or name)(x),
            lambda lib, x: getattr(lib.nn.functional, torch or name)(x),
            ("float32", "float64"),
        )
        for label, x in (("ordinary", X), ("large", LARGE))
    ]


ROWS = [2, 0, 2, 1]
GRID = [[0, 2], [1, 1]]
TIED = [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]
ZEROS = [[2.0, 0.0, 3.0], [0.0, 4.0, 0.0], [1.0, 2.0, 5.0]]
FAR = [[1000.0, 999.0, -1000.0], [-1e4, -1e4, -1e4]]
INFINITE = [[1.0, -math.inf, 2.0], [0.0, 1000.0, -1000.0]]

CASES: list[Case] = [
    # Functions of one number.
    *(_same(name, X) for name in ("exp", "expm1", "sin", "cos", "tan", "sinh", "cosh", "asinh")),
    *(_same(name, X) for name in ("atan", "square", "abs", "sign", "floor", "ceil", "trunc")),
    *(_same(name, POSITIVE) for name in ("log", "log1p", "log2", "log10", "sqrt", "reciprocal")),
    *(_same(name, UNIT) for name in ("asin", "acos", "atanh")),
    _same("acosh", [[1.5, 2.0, 10.0]]),
    _same("tanh", X, both=True),
    *(_same(name, ENDS, label="at the ends") for name in ("exp", "tanh", "atan", "log")),
    *(_same(name, LARGE, label="large", both=True) for name in ("tanh", "exp", "expm1", "asinh")),
    Case(
        "erf",
        ([0.5, -1.25, 2.0, 4.0, -6.0, 0.0],),
        lambda cnp, x: cnp.erf(x),
        lambda jax, x: jax.scipy.special.erf(x),
        lambda torch, x: torch.erf(x),
        ("float32", "float64"),
    ),
    # Activations.
    *_activation("relu"),
    *_activation("sigmoid"),
    *_activation("softplus")[:1],
    Case(
        "softplus large",
        (LARGE,),
        lambda cnp, x: cnp.softplus(x),
        lambda jax, x: jax.nn.softplus(x),
        None,  # linear from 20 on
        ("float32", "float64"),
    ),
    *_activation("silu"),
    *_activation("elu"),
    *_activation("selu"),
    *_activation("leaky_relu"),
    *_activation("mish"),
    *_activation("log_sigmoid", torch="logsigmoid"),
    Case(
        "gelu ordinary",
        (X,),
        lambda cnp, x: cnp.gelu(x),
        lambda jax, x: jax.nn.gelu(x, approximate=False),
        lambda torch, x: torch.nn.functional.gelu(x),
        ("float32", "float64"),
    ),
    Case(
        "gelu large",
        (LARGE,),
        lambda cnp, x: cnp.gelu(x),
        lambda jax, x: jax.nn.gelu(x, approximate=False),
        lambda torch, x: torch.nn.functional.gelu(x),
        ("float32", "float64"),
    ),
    Case(
        "gelu by tanh",
        ([*X[0], *LARGE],),
        lambda cnp, x: cnp.gelu(x, approximate=True),
        lambda jax, x: jax.nn.gelu(x, approximate=True),
        lambda torch, x: torch.nn.functional.gelu(x, approximate="tanh"),
        ("float32", "float64"),
    ),
    # Kinks, where all agree.
    Case(
        "abs at zero",
        ([0.0, -0.0],),
        lambda cnp, x: cnp.abs(x),
        None,  # takes the slope on the right
        lambda torch, x: torch.abs(x),
    ),
    _same("maximum", [1.0, 2.0], [1.0, 3.0], label="tied"),
    _same("minimum", [1.0, 2.0], [1.0, 3.0], label="tied"),
    Case(
        "relu at zero",
        ([0.0, -0.0],),
        lambda cnp, x: cnp.relu(x),
        lambda jax, x: jax.nn.relu(x),
        lambda torch, x: torch.relu(x),
    ),
    Case(
        "clip at its bounds",
        ([-2.0, -1.0, 0.5, 1.0, 2.0],),
        lambda cnp, x: cnp.clip(x, -1, 1),
        lambda jax, x: jax.numpy.clip(x, -1, 1),
        None,  # gives the bound itself the whole gradient
    ),
    # Functions of two numbers.
    *(_same(name, X, Y) for name in ("add", "subtract", "multiply", "divide", "hypot")),
    *(_same(name, X, Y) for name in ("logaddexp", "maximum", "minimum", "copysign")),
    _same("logaddexp", [1.0, 500.0, -500.0, 2.0], [1.0, -500.0, 500.0, 2.5], label="large"),
    Case(
        "atan2",
        (X, Y),
        lambda cnp, y, x: cnp.atan2(y, x),
        lambda jax, y, x: jax.numpy.arctan2(y, x),
        lambda torch, y, x: torch.atan2(y, x),
    ),
    Case(
        "power",
        (POSITIVE, Y),
        lambda cnp, a, b: cnp.power(a, b),
        lambda jax, a, b: jax.numpy.power(a, b),
        lambda torch, a, b: torch.pow(a, b),
        ("float32", "float64"),
    ),
    Case(
        "power at zero",
        ([0.0, 0.0, 0.0, 2.0, -2.0], [0.0, 2.0, 0.5, 0.0, 0.0]),
        lambda cnp, a, b: cnp.power(a, cnp.stop_gradient(b)),
        None,  # 0 to the power 0 has a slope of NaN
        lambda torch, a, b: torch.pow(a, b.detach()),
    ),
    Case(
        "power at zero by its exponent",
        ([0.0, 0.0, 3.0], [2.0, 0.5, 0.0]),
        lambda cnp, a, b: cnp.power(cnp.stop_gradient(a), b),
        lambda jax, a, b: jax.numpy.power(jax.lax.stop_gradient(a), b),
        lambda torch, a, b: torch.pow(a.detach(), b),
    ),
    Case(
        "where",
        (X, Y),
        lambda cnp, a, b: cnp.where(a > b, a, b * b),
        lambda jax, a, b: jax.numpy.where(a > b, a, b * b),
        lambda torch, a, b: torch.where(a > b, a, b * b),
    ),
    # Reductions.
    Case(
        "sum and mean",
        (X,),
        lambda cnp, x: cnp.sum(x, axis=0) * cnp.mean(x),
        lambda jax, x: jax.numpy.sum(x, axis=0) * jax.numpy.mean(x),
        lambda torch, x: torch.sum(x, dim=0) * torch.mean(x),
    ),
    Case(
        "var",
        (X,),
        lambda cnp, x: cnp.var(x, axis=1, correction=1),
        lambda jax, x: jax.numpy.var(x, axis=1, correction=1),
        lambda torch, x: torch.var(x, dim=1, correction=1),
    ),
    Case(
        "std",
        (X,),
        lambda cnp, x: cnp.std(x, axis=0),
        lambda jax, x: jax.numpy.std(x, axis=0),
        lambda torch, x: torch.std(x, dim=0, correction=0),
    ),
    Case(
        "max of ties",
        (TIED,),
        lambda cnp, x: cnp.max(x, axis=1),
        lambda jax, x: jax.numpy.max(x, axis=1),
        lambda torch, x: torch.amax(x, dim=1),
    ),
    Case(
        "min of ties",
        (TIED,),
        lambda cnp, x: cnp.min(x, axis=(0, 1)),
        lambda jax, x: jax.numpy.min(x, axis=(0, 1)),
        lambda torch, x: torch.amin(x, dim=(0, 1)),
    ),
    Case(
        "prod with zeros",
        (ZEROS,),
        lambda cnp, x: cnp.prod(x, axis=1),
        lambda jax, x: jax.numpy.prod(x, axis=1),
        lambda torch, x: torch.prod(x, dim=1),
    ),
    Case(
        "cumulative sum",
        (X,),
        lambda cnp, x: cnp.cumulative_sum(x, axis=1),
        lambda jax, x: jax.numpy.cumsum(x, axis=1),
        lambda torch, x: torch.cumsum(x, dim=1),
    ),
    Case(
        "cumulative sum from the end",
        (X,),
        lambda cnp, x: cnp.cumulative_sum(x, axis=0, reverse=True),
        lambda jax, x: jax.numpy.cumsum(x[::-1], axis=0)[::-1],
        lambda torch, x: torch.flip(torch.cumsum(torch.flip(x, [0]), dim=0), [0]),
    ),
    *(
        Case(
            f"{name} {label}",
            (x,),
            lambda cnp, x, name=name: getattr(cnp, name)(x, axis=1),
            lambda jax, x, name=name: getattr(jax.nn, name)(x, axis=1),
            lambda torch, x, name=name: getattr(torch, name)(x, dim=1),
            ("float32", "float64"),
        )
        for name in ("softmax", "log_softmax", "logsumexp")
        for label, x in (
            ("ordinary", X),
            *((("large", FAR),) if name != "logsumexp" else ()),
            *((("with infinities", INFINITE),) if name != "log_softmax" else ()),
        )
    ),
    Case(
        "logsumexp large",
        (FAR,),
        lambda cnp, x: cnp.logsumexp(x, axis=1),
        lambda jax, x: jax.nn.logsumexp(x, axis=1),
        None,  # takes the gradient from the rounded result, and loses digits
        ("float32", "float64"),
    ),
    # Moves.
    Case(
        "slices with steps",
        ([[0.0, 1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0, 9.0]],),
        lambda cnp, x: x[:, 1::2] * x[::-1, 3:0:-2],
        lambda jax, x: x[:, 1::2] * x[::-1, 3:0:-2],
        None,  # has no negative steps
    ),
    Case(
        "slices with positive steps",
        ([[0.0, 1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0, 9.0]],),
        lambda cnp, x: x[1, ::2] * x[:, 2:],
        lambda jax, x: x[1, ::2] * x[:, 2:],
        lambda torch, x: x[1, ::2] * x[:, 2:],
    ),
    Case(
        "pad",
        (X,),
        lambda cnp, x: cnp.pad(x, ((1, 0), (2, 1))) ** 2,
        lambda jax, x: jax.numpy.pad(x, ((1, 0), (2, 1))) ** 2,
        lambda torch, x: torch.nn.functional.pad(x, (2, 1, 1, 0)) ** 2,
    ),
    Case(
        "take",
        ([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],),
        lambda cnp, x: cnp.take(x, ROWS, axis=0) ** 2,
        lambda jax, x: jax.numpy.take(x, np.array(ROWS), axis=0) ** 2,
        lambda torch, x: torch.index_select(x, 0, torch.tensor(ROWS)) ** 2,
    ),
    Case(
        "take along an axis",
        (X,),
        lambda cnp, x: cnp.take_along_axis(x, GRID, axis=1) ** 2,
        lambda jax, x: jax.numpy.take_along_axis(x, np.array(GRID), axis=1) ** 2,
        lambda torch, x: torch.take_along_dim(x, torch.tensor(GRID), dim=1) ** 2,
    ),
    Case(
        "scatter add",
        ([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]],),
        lambda cnp, x: cnp.scatter_add(x, ROWS, 0, 4) ** 2,
        lambda jax, x: jax.numpy.zeros((4, 2), x.dtype).at[np.array(ROWS)].add(x) ** 2,
        lambda torch, x: torch.zeros(4, 2, dtype=x.dtype).index_add(0, torch.tensor(ROWS), x) ** 2,
    ),
    Case(
        "concat and stack",
        (X, Y),
        lambda cnp, a, b: cnp.concat([a, b, a], axis=1) @ cnp.stack([b[0], a[1]] * 4 + [b[1]]),
        lambda jax, a, b: (
            jax.numpy.concat([a, b, a], axis=1) @ jax.numpy.stack([b[0], a[1]] * 4 + [b[1]])
        ),
        lambda torch, a, b: torch.concat([a, b, a], dim=1) @ torch.stack([b[0], a[1]] * 4 + [b[1]]),
    ),
    Case(
        "repeat, tile and roll",
        (X,),
        lambda cnp, x: cnp.repeat(x, 2, axis=1) * cnp.tile(cnp.roll(x, 1, axis=1), (1, 2)),
        lambda jax, x: (
            jax.numpy.repeat(x, 2, axis=1) * jax.numpy.tile(jax.numpy.roll(x, 1, axis=1), (1, 2))
        ),
        lambda torch, x: (
            torch.repeat_interleave(x, 2, dim=1) * torch.tile(torch.roll(x, 1, dims=1), (1, 2))
        ),
    ),
    Case(
        "triangles",
        ([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]],),
        lambda cnp, x: cnp.tril(x) @ cnp.triu(x, 1),
        lambda jax, x: jax.numpy.tril(x) @ jax.numpy.triu(x, 1),
        lambda torch, x: torch.tril(x) @ torch.triu(x, 1),
    ),
    # Products.
    Case(
        "matmul",
        (X, [[1.0, -1.0], [0.5, 2.0], [0.0, 3.0]]),
        lambda cnp, a, b: cnp.sin(a @ b),
        lambda jax, a, b: jax.numpy.sin(a @ b),
        lambda torch, a, b: torch.sin(a @ b),
        ("float32", "float64"),
    ),
    Case(
        "matmul of stacks",
        ([X, Y], [[[1.0], [0.5], [0.25]]]),
        lambda cnp, a, b: cnp.matmul(a, b),
        lambda jax, a, b: jax.numpy.matmul(a, b),
        lambda torch, a, b: torch.matmul(a, b),
    ),
    Case(
        "tensordot",
        ([X, Y], [X, Y]),
        lambda cnp, a, b: cnp.tensordot(a, cnp.permute_dims(b, (1, 2, 0)), 2),
        lambda jax, a, b: jax.numpy.tensordot(a, jax.numpy.permute_dims(b, (1, 2, 0)), 2),
        lambda torch, a, b: torch.tensordot(a, torch.permute(b, (1, 2, 0)), 2),
    ),
]
