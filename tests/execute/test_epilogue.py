"""Maps in the tiles of matrix products: the bits of kernels of their own, for all sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ctypes import byref, c_int32
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule.numpy as cnp
from chainrule.execute import numpy as numpy_executor
from chainrule.execute.native.arrays import addresses
from chainrule.execute.native.function import NativeFunction
from chainrule.execute.native.program import Program
from chainrule.execute.native.run import PROGRAM, target
from chainrule.ir import ArrayType, Dim, Graph
from chainrule.plan import Plan, plan
from chainrule.tracing import capture

Arrays = list[np.ndarray[Any, Any]]


def _update(x: Any, w: Any, v: Any, m: Any) -> Any:
    """Adam without its clock: divisions, a square root, and products that are added up."""
    g = x @ w
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * (g * g)
    return m, v, m / (cnp.sqrt(v) + 1e-8)


# Each a function of x[m, k], w[k, n] and what it is given beside them.
MAPS: Mapping[str, tuple[Callable[..., Any], tuple[tuple[str, ...], ...]]] = {
    "bias and relu": (lambda x, w, b: cnp.relu(x @ w + b), (("n",),)),
    "a slope": (lambda x, w, y: cnp.where(y > 0, x @ w, 0.0), (("m", "n"),)),
    "scaled rows": (lambda x, w, s: (x @ w) * s - 1, (("m", "1"),)),
    "a number": (lambda x, w, c: c * (x @ w) + c, ((),)),
    "a residual, and the product": (lambda x, w, r: ((z := x @ w), r - z * z), (("m", "n"),)),
    "an update": (_update, (("m", "n"), ("m", "n"))),
}


def _arrays(seed: int, sizes: Mapping[str, int], dtype: str, further: Any) -> Arrays:
    random = np.random.default_rng(seed)
    shapes = [("m", "k"), ("k", "n"), *further]
    # A square root is taken of some of them.
    return [random.random([sizes[name] for name in shape]).astype(dtype) for shape in shapes]


def _graph(function: Callable[..., Any], arrays: Arrays, symbolic: str, further: Any) -> Graph:
    shapes = [("m", "k"), ("k", "n"), *further]
    types = [
        ArrayType(
            tuple(
                Dim("batch") if s == symbolic else n for s, n in zip(shape, a.shape, strict=True)
            ),
            a.dtype.name,
        )
        for shape, a in zip(shapes, arrays, strict=True)
    ]
    return capture(function, types).graph


def _assert_same_bits(graph: Graph, arrays: Arrays, **options: Any) -> None:
    """Check that joined kernels give what separate ones do, and what NumPy does."""
    joined, apart = plan(graph, **options), plan(graph, joined=False, **options)
    assert any(g.mapped for g in joined.groups)
    assert not any(g.mapped for g in apart.groups)
    one, other = NativeFunction(joined).run(arrays), NativeFunction(apart).run(arrays)
    wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in arrays]
    exact = numpy_executor.run(graph, wide)
    # Sums of k products of numbers below one, and a few roundings more.
    error = 40 * arrays[0].shape[-1] * np.finfo(arrays[0].dtype).eps
    for a, b, c in zip(one, other, exact, strict=True):
        assert a.tobytes() == b.tobytes()
        np.testing.assert_allclose(a, c, rtol=error, atol=error)


@pytest.mark.parametrize("name", list(MAPS))
@settings(max_examples=8)  # each compiles two programs
@given(
    m=st.sampled_from([1, 2, 3, 4, 5, 13, 16, 17, 30, 33]),
    n=st.sampled_from([32, 33, 36, 40, 47, 64, 65, 100, 130]),
    k=st.sampled_from([1, 2, 7, 30, 64]),
    symbolic=st.sampled_from(["", "m", "k"]),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 9),
)
def test_maps_of_tiles_have_the_bits_of_maps_apart(
    name: str, m: int, n: int, k: int, symbolic: str, dtype: str, seed: int
) -> None:
    function, further = MAPS[name]
    sizes = {"m": m, "n": n, "k": k, "1": 1}
    arrays = _arrays(seed, sizes, dtype, further)
    graph = _graph(function, arrays, symbolic, further)
    limits = {"batch": sizes[symbolic] + seed} if symbolic else None
    _assert_same_bits(graph, arrays, limits=limits)


@pytest.mark.parametrize("name", list(MAPS))
@pytest.mark.parametrize("shape", [(9, 70, 3000), (40, 600, 700)])
def test_a_map_sees_sums_that_come_in_blocks_once_they_are_complete(
    name: str, shape: tuple[int, int, int]
) -> None:
    function, further = MAPS[name]
    sizes = dict(zip("mnk", shape, strict=True)) | {"1": 1}
    arrays = _arrays(1, sizes, "float32", further)
    _assert_same_bits(_graph(function, arrays, "", further), arrays)


def test_maps_of_stacks_of_products_keep_to_their_matrix() -> None:
    random = np.random.default_rng(3)
    arrays = [random.random(s).astype("float32") for s in ((3, 5, 7), (3, 7, 33), (33,), (3, 5, 1))]
    graph = capture(lambda x, w, b, s: cnp.relu(s * (x @ w) - b), arrays).graph
    _assert_same_bits(graph, arrays)


def test_maps_of_steps_of_sequences_follow_the_shape_they_are_given() -> None:
    random = np.random.default_rng(4)
    arrays = [random.random(s).astype("float32") for s in ((4, 6, 9), (9, 48), (48,))]
    graph = capture(lambda x, w, b: cnp.relu(x @ w - b), arrays).graph
    _assert_same_bits(graph, arrays)


def test_nan_and_infinity_pass_through_a_map() -> None:
    x = np.array([[np.nan], [np.inf], [-np.inf], [1.0]], "float32")
    w, b = np.ones((1, 40), "float32"), np.zeros(40, "float32")
    graph = capture(lambda x, w, b: cnp.relu(x @ w + b), (x, w, b)).graph
    (y,) = NativeFunction(plan(graph)).run([x, w, b])
    expected = np.repeat([[np.nan], [np.inf], [0.0], [1.0]], 40, axis=1)
    np.testing.assert_array_equal(y, expected.astype("float32"))


def _momentum(w: Any, v: Any, x: Any) -> Any:
    """A step whose gradient, x.T @ (x @ w), nobody else reads."""
    v = 0.9 * v + cnp.permute_dims(x, (1, 0)) @ (x @ w)
    return w - 0.01 * v, v


@pytest.mark.parametrize("rows", [5, 1500])
@pytest.mark.parametrize("columns", [33, 64, 100])
def test_every_entry_is_updated_once_in_place(columns: int, rows: int) -> None:
    # Rows and columns that fill no whole tile; sums in one go, and in blocks.
    random = np.random.default_rng(5)
    shapes = ((37, columns), (37, columns), (rows, 37))
    arrays = [(random.random(s) / rows).astype("float32") for s in shapes]
    graph = capture(_momentum, arrays).graph
    found = [
        _carried(plan(graph, carried=[(0, 0), (1, 1)], joined=on), arrays) for on in (True, False)
    ]
    for a, b in zip(*found, strict=True):
        assert a.tobytes() == b.tobytes()
    expected = numpy_executor.run(graph, arrays)
    np.testing.assert_allclose(found[0][0], expected[0], rtol=1e-4, atol=1e-7)


def _carried(planned: Plan, arrays: Arrays) -> Arrays:
    """Run a step once over what it carries on."""
    fresh = [x.copy() for x in arrays]
    program = Program(planned, target())
    assert program.slots == planned.graph.inputs  # all results are written over arguments
    arena, sizes, status = np.zeros(program.arena + 64, np.uint8), np.zeros(1, np.int64), c_int32(0)
    begin = arena.ctypes.data + -arena.ctypes.data % 64
    slots, arenas = addresses(fresh), np.array([begin], np.uintp)
    call = program.link().function("program", *PROGRAM)
    call(*(x.ctypes.data for x in (slots, arenas, sizes)), byref(status), 0, 0)
    return fresh[:2]
