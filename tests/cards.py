"""Cases for every op, made from its card: what to run it on, ordinary and extreme.

Elementwise ops need nothing but their card. The other kinds need shapes and parameters that fit
each other; `SHAPED` lists them, and a test fails for a card that is missing there.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule.errors import ChainruleError
from chainrule.ir import DTYPES, ArrayType, Builder, Card, Graph, is_float
from chainrule.ops import CARDS
from chainrule.ops.leaf import Frozen
from chainrule.tracing import apply, capture, scan

Params = dict[str, Any]
SHAPES = ((2, 3), (), (0,), (2, 0))

_EVERYWHERE = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 300.0, -1e-30, 1e30, np.inf, -np.inf, np.nan)
SPECIAL = {
    "float32": (*_EVERYWHERE, -300.0, 1e-40, -3e38),
    "float64": (*_EVERYWHERE, -800.0, 1e-310, -1e308),
    "int32": (0, 1, -1, 5, 2**31 - 1, -(2**31)),
    "bool": (False, True),
}


@dataclass(frozen=True)
class Case:
    """One op on some inputs."""

    card: Card
    inputs: tuple[np.ndarray[Any, Any], ...]
    params: Params
    label: str

    @property
    def function(self) -> Callable[..., Any]:
        """The op as a function of its inputs, traced or not."""
        return lambda *x: apply(self.card, *x, **self.params)

    @property
    def types(self) -> tuple[ArrayType, ...]:
        return tuple(ArrayType(x.shape, x.dtype.name) for x in self.inputs)

    @property
    def result(self) -> ArrayType:
        return self.card.type(*self.types, **self.params)

    @property
    def differentiable(self) -> bool:
        """Whether a float64 result depends on entries of float64, and on no other floats."""
        floats = {t.dtype for t in (*self.types, self.result) if is_float(t.dtype)}
        moving = [x for x in self.inputs if x.dtype == np.float64 and x.size]
        if not moving or not callable(self.card.vjp) or not is_float(self.result.dtype):
            return False
        return floats == {"float64"}

    def __str__(self) -> str:
        return f"{self.card.name}-{self.label}"


def elementwise_cards() -> list[Card]:
    return [card for card in CARDS.values() if card.kind == "elementwise"]


def signatures(card: Card) -> Iterator[tuple[tuple[str, ...], Params]]:
    """Every combination of input dtypes and parameters that the card's type rule accepts."""
    keywords = [
        p.name
        for p in inspect.signature(card.numpy).parameters.values()  # type: ignore[arg-type]
        if p.kind is p.KEYWORD_ONLY
    ]
    options: list[Params] = [{"dtype": d} for d in DTYPES] if keywords == ["dtype"] else [{}]
    for dtypes in itertools.product(DTYPES, repeat=len(card.inputs)):
        for params in options:
            try:
                card.type(*(ArrayType((), d) for d in dtypes), **params)
            except ChainruleError:
                continue
            yield dtypes, params


def domains(card: Card) -> list[tuple[float, float]]:
    """The interval that each input is drawn from."""
    if isinstance(card.domain[0], tuple):
        return list(card.domain)
    return [card.domain] * len(card.inputs)  # type: ignore[list-item]


def draw(
    dtype: str, shape: Sequence[int], domain: tuple[float, float] = (-2.0, 2.0), seed: int = 0
) -> np.ndarray[Any, Any]:
    """Random numbers from an interval; a few small integers; truth values."""
    random = np.random.default_rng([seed, *shape])
    if dtype == "bool":
        return np.asarray(random.random(shape) < 0.5)
    if dtype == "int32":
        return np.asarray(random.integers(-5, 6, shape), np.int32)
    return np.asarray(random.uniform(*domain, shape), dtype)


def away_from_kinks(x: np.ndarray[Any, Any], position: int) -> np.ndarray[Any, Any]:
    """Move floats off whole and half numbers, and off those of the other inputs."""
    return np.asarray(np.floor(x) + (0.2, 0.7, 0.35)[position], x.dtype) if _is_float(x) else x


def _is_float(x: np.ndarray[Any, Any]) -> bool:
    return x.dtype.kind == "f"


def _elementwise(card: Card) -> Iterator[Case]:
    for dtypes, params in signatures(card):
        for shape in SHAPES:
            inputs = [
                draw(dtype, shape, domain, seed)
                for seed, (dtype, domain) in enumerate(zip(dtypes, domains(card), strict=True))
            ]
            if not card.smooth:
                inputs = [away_from_kinks(x, i) for i, x in enumerate(inputs)]
            kinds = ",".join([*dtypes, *params.values()])
            yield Case(card, tuple(inputs), params, f"{kinds}-{shape}")


def extreme_cases(card: Card) -> Iterator[Case]:
    """All combinations of special values, and each of them tied with itself."""
    for dtypes, params in signatures(card):
        rows = list(itertools.product(*(SPECIAL[dtype] for dtype in dtypes)))
        columns = [np.array(c, d) for c, d in zip(zip(*rows, strict=True), dtypes, strict=True)]
        kinds = ",".join([*dtypes, *params.values()])
        yield Case(card, tuple(columns), params, f"{kinds}-special")


# What the ops that are not elementwise run on: shapes or arrays, and parameters. A shape is drawn
# in every dtype that the card accepts.
_ROWS = np.array([2, 0, 2], np.int32)
_GRID = np.array([[1, 0], [1, 1]], np.int32)
_NONE = np.array([], np.int32)
_TIES = np.array([2.0, np.nan, -np.inf, 0.0, -0.0, np.inf, np.nan, 2.0])
_KEY = np.array([1, -7], np.int32)
Shaped = tuple[tuple[Any, ...], Params]


def _reductions() -> list[Shaped]:
    return [
        (((2, 3, 4),), {"axes": (0,)}),
        (((2, 3, 4),), {"axes": (1, 2)}),
        (((2, 3),), {"axes": (0, 1)}),
        (((3,),), {"axes": ()}),
        (((),), {"axes": ()}),
        (((0, 3),), {"axes": (1,)}),
    ]


def _loops() -> Iterator[Shaped]:
    """One value or another of a loop with a constant, two carries and one array of slices."""

    def loop(scale: Any, carry: Any, xs: Any) -> Any:
        def step(carry: Any, x: Any) -> Any:
            total, count = carry
            return (cnp.tanh(total * scale + x), count + 1), total * x

        return scan(step, carry, xs)

    for dtype in ("float32", "float64"):
        kinds = ArrayType((2,), dtype), ArrayType((2,), dtype), ArrayType((3, 2), dtype)
        graph = capture(loop, (kinds[0], (kinds[1], ArrayType((), "int32")), kinds[2])).graph
        body = next(x for x in graph.nodes if x.card.name == "scan").options["body"]
        count = np.array(2, np.int32)
        for i, length in enumerate((3, 1, 0, 3)):
            inputs = ((2,), (2,), count, (length, 2))
            wanted = {"stacked": bool(i % 2), "index": len(body.values) - 1 if i % 2 else i // 2}
            yield inputs, {"body": body, "length": length, "reverse": i == 3, **wanted}


SHAPED: dict[str, list[Shaped]] = {
    "scan": [*_loops()],
    "input": [],
    "full": [
        ((), {"value": v, "shape": s, "dtype": d})
        for v, s, d in [(0.5, (2, 3), "float32"), (2, (), "int32"), (True, (0,), "bool")]
    ],
    "constant": [((), {"value": Frozen(np.arange(6.0).reshape(2, 3))})],
    "size": [((), {"size": 4, "dtype": "int32"}), ((), {"size": 4, "dtype": "float64"})],
    "iota": [
        ((), {"shape": (2, 3), "axis": 0, "dtype": "int32"}),
        ((), {"shape": (2, 3), "axis": 1, "dtype": "float32"}),
        ((), {"shape": (0,), "axis": 0, "dtype": "int32"}),
    ],
    "sum": [*_reductions(), (((0, 3),), {"axes": (0,)})],
    "max": _reductions(),
    "min": _reductions(),
    "argmax": [
        (((2, 3),), {"axis": 0}),
        (((2, 3),), {"axis": 1}),
        (((0, 3),), {"axis": 1}),
    ],
    "cumulative_max": [
        (((2, 3),), {"axis": 0, "reverse": False}),
        (((2, 3),), {"axis": 1, "reverse": True}),
        (((2, 0),), {"axis": 1, "reverse": False}),
    ],
    "cumulative_sum": [
        (((2, 3),), {"axis": 0, "reverse": False}),
        (((2, 3),), {"axis": 1, "reverse": True}),
        (((2, 0),), {"axis": 1, "reverse": False}),
    ],
    "reshape": [
        (((2, 6),), {"shape": (3, 2, 2)}),
        (((),), {"shape": (1, 1)}),
        (((0, 3),), {"shape": (5, 0)}),
    ],
    "transpose": [
        (((2, 3, 4),), {"axes": (2, 0, 1)}),
        (((2, 0),), {"axes": (1, 0)}),
        (((),), {"axes": ()}),
    ],
    "broadcast": [
        (((3,),), {"shape": (2, 3), "axes": (0,)}),
        (((),), {"shape": (2, 2), "axes": (0, 1)}),
        (((3,),), {"shape": (3, 0), "axes": (1,)}),
    ],
    "slice": [
        (((5, 4),), {"start": (1, 0), "stop": (4, 4), "step": (1, 2)}),
        (((5, 4),), {"start": (4, 3), "stop": (-1, 0), "step": (-1, -2)}),
        (((5,),), {"start": (4,), "stop": (0,), "step": (-3,)}),
        (((5,),), {"start": (2,), "stop": (2,), "step": (1,)}),
        (((5,),), {"start": (1,), "stop": (4,), "step": (-1,)}),
        (((),), {"start": (), "stop": (), "step": ()}),
    ],
    "pad": [
        (((2, 3),), {"low": (1, 0), "high": (0, 2), "gap": (0, 0)}),
        (((2, 3),), {"low": (0, 1), "high": (3, 0), "gap": (2, 1)}),
        (((0,),), {"low": (1,), "high": (1,), "gap": (1,)}),
        (((),), {"low": (), "high": (), "gap": ()}),
    ],
    "concatenate": [
        (((2, 3), (1, 3), (0, 3)), {"axis": 0}),
        (((2, 1), (2, 3)), {"axis": 1}),
        (((2,),), {"axis": 0}),
    ],
    "matmul": [
        (((2, 3), (3, 4)), {}),
        (((2, 2, 3), (2, 3, 1)), {}),
        (((2, 0), (0, 3)), {}),
        (((0, 2), (2, 3)), {}),
    ],
    "take": [
        (((3, 2), _ROWS), {"axis": 0}),
        (((2, 3), _GRID), {"axis": 1}),
        (((3,), np.array(2, np.int32)), {"axis": 0}),
        (((3, 2), _NONE), {"axis": 0}),
    ],
    "scatter_add": [
        (((3, 2), _ROWS), {"axis": 0, "size": 4}),
        (((2, 2, 2), _GRID), {"axis": 1, "size": 3}),
        (((0, 2), _NONE), {"axis": 0, "size": 2}),
    ],
    "argsort": [
        (((3, 7),), {"descending": False}),
        (((3, 7),), {"descending": True}),
        (((2, 1),), {"descending": False}),
        (((4, 0),), {"descending": False}),
        (((0, 3),), {"descending": True}),
        (
            (_TIES,),
            {"descending": False},
        ),
        ((_TIES,), {"descending": True}),
        ((np.array([3, 1, 3, -(2**31), 1, 3], np.int32),), {"descending": True}),
    ],
    "take_along_axis": [
        (((2, 3), np.array([[2, 0, -1, 3], [1, 1, 5, 0]], np.int32)), {"axis": 1}),
        (((2, 3), np.array([[1, 0, 1]], np.int32)), {"axis": 0}),
        (((0, 3), np.zeros((2, 3), np.int32)), {"axis": 0}),
    ],
    "add_along_axis": [
        (((2, 4), np.array([[2, 0, -1, 2], [1, 1, 5, 0]], np.int32)), {"axis": 1, "size": 3}),
        (((2, 3), np.array([[1, 0, 1], [1, 1, 0]], np.int32)), {"axis": 0, "size": 2}),
        (((2, 3), np.zeros((2, 3), np.int32)), {"axis": 0, "size": 0}),
    ],
    "window": [
        (((5, 2),), {"axes": (0,), "size": (2,), "stride": (1,), "dilation": (1,)}),
        (((2, 5, 6, 2),), {"axes": (1, 2), "size": (2, 3), "stride": (3, 1), "dilation": (1, 2)}),
        (((3, 1, 4),), {"axes": (0, 2), "size": (3, 1), "stride": (1, 2), "dilation": (1, 1)}),
        (((0, 3),), {"axes": (1,), "size": (2,), "stride": (1,), "dilation": (1,)}),
    ],
    "overlap_add": [
        (((4, 2, 2),), {"axes": (0,), "length": (5,), "stride": (1,), "dilation": (1,)}),
        (
            ((2, 2, 2, 2, 3, 2),),
            {"axes": (1, 2), "length": (5, 6), "stride": (3, 1), "dilation": (1, 2)},
        ),
        (
            ((1, 1, 2, 3, 1),),
            {"axes": (0, 2), "length": (3, 4), "stride": (1, 2), "dilation": (1, 1)},
        ),
        (((0, 2, 2),), {"axes": (1,), "length": (3,), "stride": (1,), "dilation": (1,)}),
    ],
    "uniform": [
        ((_KEY,), {"shape": (2, 3), "dtype": "float32"}),
        ((_KEY,), {"shape": (), "dtype": "float64"}),
        ((_KEY,), {"shape": (0,), "dtype": "float32"}),
    ],
    "fold_in": [((_KEY, np.array(-3, np.int32)), {})],
}


def _shaped(card: Card) -> Iterator[Case]:
    for inputs, params in SHAPED.get(card.name, ()):
        for dtype in DTYPES if any(isinstance(x, tuple) for x in inputs) else ("",):
            drawn = [
                draw(dtype, x, seed=seed) if isinstance(x, tuple) else x
                for seed, x in enumerate(inputs)
            ]
            case = Case(card, tuple(drawn), params, f"{dtype}-{_short(params)}")
            try:
                card.type(*case.types, **params)
            except ChainruleError:
                continue  # the card does not take this dtype
            yield case


def _short(params: Params) -> str:
    return ",".join(f"{k}={v}" for k, v in params.items()).replace(" ", "")


def cases(card: Card) -> list[Case]:
    """Ordinary, empty and zero-dimensional inputs, in every dtype that the card accepts."""
    return list(_elementwise(card) if card.kind == "elementwise" else _shaped(card))


def all_cases() -> list[Case]:
    return [case for card in CARDS.values() for case in cases(card)]


def differentiable_cases() -> list[Case]:
    return [case for case in all_cases() if case.differentiable]


def program(case: Case) -> Graph:
    """The op as a program of its inputs."""

    if case.inputs:
        return capture(case.function, case.inputs).graph
    return Graph((), (Builder().add(case.card, **case.params),))
