"""Einstein's summation agrees with NumPy's, traced and not, and so do its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule.backprop import check_gradients
from chainrule.errors import ParameterError, ShapeError
from chainrule.execute import numpy as executor
from chainrule.ir import ArrayType, Dim, check
from chainrule.plan import plan
from chainrule.tracing import capture

SIZES = dict(zip("abcdefghijk", (2, 3, 4, 2, 3, 2, 3, 2, 3, 4, 5), strict=True))

CASES = [
    ("ij,jk->ik", "ij", "jk"),
    ("ij,jk", "ij", "jk"),
    ("ij,kj->ki", "ij", "kj"),
    ("ij->ji", "ij"),
    ("ij->", "ij"),
    ("ij->j", "ij"),
    ("ba", "ba"),
    ("ii->i", "ii"),
    ("ii", "ii"),
    ("iji->j", "iji"),
    ("iii->i", "iii"),
    ("ii,ij->j", "ii", "ij"),
    ("i,i->", "i", "i"),
    ("i,j->ij", "i", "j"),
    ("i,i->i", "i", "i"),
    ("bij,bjk->bik", "bij", "bjk"),
    ("bhqd,bhkd->bhqk", "bhad", "bhcd"),
    ("bqhd,bkhd->bhqk", "bahd", "bchd"),
    ("ij,ik,il->jkl", "ij", "ik", "ia"),
    ("ij,jk,kc,ca->ia", "ij", "jk", "kc", "ca"),
    ("a,b,c->", "a", "b", "c"),
    ("ijk,k->ij", "ijk", "k"),
    ("ab,cd->", "ab", "cd"),
    ("...i,i->...", "abi", "i"),
    ("...ij,...jk->...ik", "abij", "bjk"),
    ("i...,i...->...", "iab", "iab"),
    ("...,...", "ab", "b"),
    ("a...b->b...a", "aijb"),
    (" i j , j -> i ", "ij", "j"),
]


def _arrays(shapes: tuple[str, ...]) -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(len(shapes))
    return [rng.uniform(-2, 2, [SIZES[letter] for letter in shape]) for shape in shapes]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].replace(" ", "_"))
def test_it_is_that_of_numpy(case: tuple[str, ...]) -> None:
    text, *shapes = case
    arrays = _arrays(tuple(shapes))
    expected = np.einsum(text, *arrays)
    np.testing.assert_allclose(cnp.einsum(text, *arrays), expected, rtol=1e-13, atol=1e-14)

    def function(*x: Any) -> Any:
        return cnp.einsum(text, *x)

    graph = check(capture(function, arrays).graph)
    (traced,) = executor.run(graph, arrays)
    np.testing.assert_allclose(traced, expected, rtol=1e-13, atol=1e-14)
    verdict = check_gradients(function, *arrays, directions=1)
    assert verdict, str(verdict)


def test_numpy_s_own_function_can_be_traced() -> None:
    x = _arrays(("ij",))[0]
    (y,) = executor.run(capture(lambda x: np.einsum("ij,kj->ik", x, x), (x,)).graph, [x])
    np.testing.assert_allclose(y, x @ x.T, rtol=1e-14)


def test_axes_of_size_one_are_broadcast() -> None:
    a, b = np.ones((1, 3)), np.ones((4, 3))
    assert cnp.einsum("ij,ij->i", a, b).tolist() == [3.0] * 4


def test_attention_scores_of_a_symbolic_batch_are_one_stacked_product() -> None:
    queries = ArrayType((Dim("batch"), 5, 2, 3))
    graph = capture(lambda q, k: cnp.einsum("bqhd,bkhd->bhqk", q, k), (queries, queries)).graph
    assert str(graph.outputs[0].type) == "f32[batch, 2, 5, 5]"
    assert [g.kind for g in plan(graph, limits={"batch": 4}).groups].count("contract") == 1


def test_rows_and_a_weight_need_no_copy() -> None:
    x, w = ArrayType((Dim("batch"), 5, 3)), ArrayType((3, 4))
    graph = capture(lambda x, w: cnp.tanh(cnp.einsum("bti,io->bto", x, w)), (x, w)).graph
    assert [g.kind for g in plan(graph, limits={"batch": 4}).groups] == ["contract", "map"]


def test_three_factors_are_multiplied_in_a_cheap_order() -> None:
    a, b, c = ArrayType((2, 50)), ArrayType((50, 50)), ArrayType((50, 2))
    graph = capture(lambda *x: cnp.einsum("ij,jk,kl->il", *x), (a, b, c)).graph
    shapes = {x.type.shape for x in graph.nodes if x.card.name == "matmul"}
    assert shapes in ({(2, 50), (2, 2)}, {(50, 2), (2, 2)})


@pytest.mark.parametrize(
    ("text", "shapes", "kind", "message"),
    [
        ("ij,jk", ["ij"], ParameterError, "takes 2 arrays: 1"),
        ("i1->i", ["ij"], ParameterError, "einsum names axes by letters"),
        ("ij->i->j", ["ij"], ParameterError, "einsum names axes by letters"),
        ("ijk->i", ["ij"], ShapeError, "'ijk' of 'ijk->i' does not name the axes (3, 4)"),
        ("ij->ik", ["ij"], ParameterError, "has to name axes of the arrays, each once"),
        ("ij->ii", ["ij"], ParameterError, "has to name axes of the arrays, each once"),
        ("ij,ij->i", ["ij", "ik"], ShapeError, "'j' of 'ij,ij->i' counts both 4 and 5"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    text: str, shapes: list[str], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        cnp.einsum(text, *_arrays(tuple(shapes)))
    assert message in str(caught.value)
