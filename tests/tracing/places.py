"""Functions over places and positions beside NumPy's: windows, pooling, sorting, picking.

Name, function, what NumPy says, and arguments, as in `test_functions`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule.numpy as cnp

RANDOM = np.random.default_rng(1)
X = RANDOM.uniform(-2, 2, (3, 4))
T = RANDOM.uniform(-2, 2, (2, 3, 4))
WHOLE = np.arange(-6, 6, dtype=np.int32).reshape(3, 4)

CASES_OVER_PLACES: list[tuple[str, Callable[..., Any], Callable[..., Any], tuple[Any, ...]]] = [
    (
        "adaptive_average_pool",
        lambda x: cnp.adaptive_average_pool(x, 2),
        lambda x: np.stack([x[:, :2].mean(1), x[:, 1:].mean(1)], 1),
        (T,),
    ),
    (
        "adaptive_max_pool",
        lambda x: cnp.adaptive_max_pool(x, 3),
        lambda x: x,
        (T,),
    ),
    (
        "add_along_axis",
        lambda x: cnp.add_along_axis(x, np.array([[1, 0, 1, 5]] * 3), 1, 2),
        lambda x: np.stack([x[:, 1], x[:, 0] + x[:, 2]], 1),
        (X,),
    ),
    ("argsort", lambda x: cnp.argsort(x, 0), lambda x: np.argsort(x, 0).astype("int32"), (X,)),
    (
        "argsort",
        lambda x: cnp.argsort(x // 4, descending=True),
        lambda x: np.argsort(-(x // 4), stable=True).astype("int32"),
        (WHOLE,),
    ),
    (
        "average_pool",
        lambda x: cnp.average_pool(x, 2, 1),
        lambda x: (x[:, 1:] + x[:, :-1]) / 2,
        (T,),
    ),
    (
        "conv",
        lambda x, k: cnp.conv(x, k, padding=(1,)),
        lambda x, k: sum(
            np.pad(x, ((0, 0), (1, 1), (0, 0)))[:, i : i + 4] @ k[i] for i in range(2)
        ),
        (T, T[:, :, :, None].reshape(2, 4, 3)),
    ),
    (
        "conv_transpose",
        lambda x, k: cnp.conv_transpose(x, k, 2),
        lambda x, k: np.stack([x @ k[0], x @ k[1]], 2).reshape(2, 6, 3),
        (T, T.reshape(2, 4, 3)),
    ),
    ("einsum", lambda x, y: cnp.einsum("ij,kj", x, y), lambda x, y: x @ y.T, (X, X[::-1])),
    (
        "max_pool",
        lambda x: cnp.max_pool(x, 3, 2, 1),
        lambda x: np.stack([x[:, :2].max(1), x[:, 1:].max(1)], 1),
        (T,),
    ),
    (
        "overlap_add",
        lambda x: cnp.overlap_add(x, 4, [0]),
        lambda x: np.pad(x[:, 0], (0, 1)) + np.pad(x[:, 1], (1, 0)),
        (X[:, :2],),
    ),
    ("sort", lambda x: cnp.sort(x, 0), lambda x: np.sort(x, 0), (X,)),
    ("sort", lambda x: cnp.sort(x, descending=True), lambda x: -np.sort(-x), (T,)),
    (
        "take_along_axis",
        lambda x, i: cnp.take_along_axis(x, i, 1),
        lambda x, i: np.take_along_axis(x, i, 1),
        (X, np.array([[0, 3], [2, 2], [1, 0]])),
    ),
    (
        "take_along_axis",
        lambda x, i: cnp.take_along_axis(x, i, 0),
        lambda x, i: np.take_along_axis(x, i, 0),
        (X, np.array([[0, 1, 2, 0]])),
    ),
    (
        "top_k",
        lambda x: cnp.top_k(x, 2, 1),
        lambda x: (-np.sort(-x, 1)[:, :2], np.argsort(-x, 1)[:, :2].astype("int32")),
        (T,),
    ),
    (
        "take_along_axis",
        lambda x, i: cnp.take_along_axis(x, i, 1),
        lambda x, i: np.take_along_axis(x, np.repeat(i, 3, 0), 1),
        (X, np.array([[3, 1]])),
    ),
    (
        "window",
        lambda x: cnp.window(x, 2, [-1], 2),
        lambda x: np.stack([x[:, :2], x[:, 2:]], 1),
        (X,),
    ),
]
