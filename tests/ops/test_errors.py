"""Ops refuse what they cannot do, in words that say what was received."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule.errors import ChainruleError, DtypeError, IndexRangeError, ShapeError
from chainrule.ir import ArrayType, Dim
from chainrule.ops import CARDS
from chainrule.tracing import capture

F23 = ArrayType((2, 3))
F4 = ArrayType((4,))
D23 = ArrayType((2, 3), "float64")
I23 = ArrayType((2, 3), "int32")
B23 = ArrayType((2, 3), "bool")
BATCH = ArrayType((Dim("batch"), 3))

REFUSED: list[tuple[str, tuple[ArrayType, ...], dict[str, Any], type[ChainruleError], str]] = [
    ("add", (F23, F4), {}, ShapeError, "shapes differ: f32[2, 3], f32[4]"),
    ("add", (F23, D23), {}, DtypeError, "dtypes differ: f32[2, 3], f64[2, 3]"),
    ("add", (B23, B23), {}, DtypeError, "expected numbers, received bool[2, 3]"),
    ("tanh", (I23,), {}, DtypeError, "expected float32 or float64, received i32[2, 3]"),
    ("logical_not", (F23,), {}, DtypeError, "expected bool, received f32[2, 3]"),
    ("select", (F23, F23, F23), {}, DtypeError, "the test of where must be bool, received f32"),
    ("select", (B23, F4, F4), {}, ShapeError, "shapes differ: bool[2, 3], f32[4], f32[4]"),
    ("cast", (F23,), {"dtype": "int8"}, DtypeError, "unknown dtype 'int8'; expected one of"),
    ("sum", (F23,), {"axes": (1, 0)}, ShapeError, "axes (1, 0) are not sorted, distinct axes"),
    ("sum", (F23,), {"axes": (2,)}, ShapeError, "axes (2,) are not sorted, distinct axes"),
    ("sum", (B23,), {"axes": (0,)}, DtypeError, "expected numbers, received bool[2, 3]"),
    ("max", (ArrayType((0, 3)),), {"axes": (0,)}, ShapeError, "along axes (0,): it is empty"),
    ("argmax", (ArrayType((0,)),), {"axis": 0}, ShapeError, "along axis 0: it is empty"),
    ("argmax", (B23,), {"axis": 0}, DtypeError, "argmax expects numbers, received bool[2, 3]"),
    (
        "reshape",
        (F23,),
        {"shape": (4,)},
        ShapeError,
        "cannot reshape f32[2, 3] (6 entries) to f32[4] (4 entries)",
    ),
    ("transpose", (F23,), {"axes": (0, 0)}, ShapeError, "axes (0, 0) are not an order of the 2"),
    ("broadcast", (F4,), {"shape": (2, 3), "axes": (0,)}, ShapeError, "cannot repeat f32[4]"),
    ("slice", (F23,), {"start": (0,), "stop": (1,), "step": (1,)}, ShapeError, "for every axis"),
    (
        "slice",
        (BATCH,),
        {"start": (0, 0), "stop": (Dim("batch"), 3), "step": (2, 1)},
        ShapeError,
        "the symbolic axis batch of f32[batch, 3] can only be cut with step 1",
    ),
    ("pad", (F23,), {"low": (0,), "high": (0,), "gap": (0,)}, ShapeError, "for every axis"),
    ("concatenate", (F23, F4), {"axis": 0}, ShapeError, "cannot concatenate f32[2, 3] and f32[4]"),
    ("concatenate", (F23, D23), {"axis": 0}, DtypeError, "f64[2, 3]: dtypes differ"),
    ("matmul", (F23, F23), {}, ShapeError, "the first has 3 columns, the second 2 rows"),
    ("matmul", (F4, F4), {}, ShapeError, "matmul expects stacks of matrices"),
    ("matmul", (F23, ArrayType((3, 1), "float64")), {}, DtypeError, "dtypes differ"),
    ("take", (F23, F4), {"axis": 0}, DtypeError, "positions must be int32, received f32[4]"),
    (
        "scatter_add",
        (F23, ArrayType((4,), "int32")),
        {"axis": 0, "size": 5},
        ShapeError,
        "cannot add f32[2, 3] at positions i32[4] along axis 0",
    ),
    ("uniform", (F23,), {"shape": (), "dtype": "float32"}, ShapeError, "a random key is an int32"),
    (
        "uniform",
        (ArrayType((2,), "int32"),),
        {"shape": (), "dtype": "int32"},
        DtypeError,
        "random numbers are float32 or float64, not int32",
    ),
    ("fold_in", (ArrayType((2,), "int32"), F4), {}, ShapeError, "fold_in expects one int32 number"),
]


@pytest.mark.parametrize(("name", "types", "params", "kind", "message"), REFUSED)
def test_a_type_rule_refuses(
    name: str,
    types: tuple[ArrayType, ...],
    params: dict[str, Any],
    kind: type[ChainruleError],
    message: str,
) -> None:
    with pytest.raises(kind, match=re.escape(message)):
        CARDS[name].type(*types, **params)


def test_an_error_while_tracing_names_the_line_of_the_user() -> None:
    def model(x: Any, w: Any) -> Any:
        return x @ w  # this line

    with pytest.raises(ShapeError, match="the first has 3 columns, the second 4 rows") as caught:
        capture(model, (np.ones((2, 3)), np.ones((4, 5))))
    (note,) = caught.value.__notes__
    line = model.__code__.co_firstlineno + 1
    assert note == f"traced at {__file__}:{line} in model"


@pytest.mark.parametrize("position", [-1, 3])
def test_a_position_outside_is_an_error_when_the_program_runs(position: int) -> None:
    take = CARDS["take"].numpy
    with pytest.raises(IndexRangeError, match=rf"position {position} lies outside .* 3 entries"):
        take(np, np.zeros(3), np.array([0, position], np.int32), axis=0)  # type: ignore[operator]
    with pytest.raises(IndexRangeError, match="lies outside"):
        cnp.scatter_add(np.zeros(1), np.array([position], np.int32), 0, 3)
