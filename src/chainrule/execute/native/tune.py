"""Measures by which figures this processor multiplies matrices fastest."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from time import perf_counter
from typing import Any

import numpy as np

from chainrule.execute.native.arrays import ADDRESS, aligned
from chainrule.execute.native.compiler import Library, Unit, machine
from chainrule.execute.native.gemm import GemmText, Target, gemm
from chainrule.execute.native.tuned import KeptTuning, keep_tuning
from chainrule.execute.native.tuning import Tuning, usual_tuning

ROUNDS, SLICE = 8, 0.001
"""How often two ways are timed in turn, and for how many seconds each time; the least counts."""

WORTH = 0.01
"""Part of the time that a change of a figure has to save, on average of the products it changes."""

_MANY = """
define void @many(ptr %a, ptr %b, ptr %c, ptr %scratch, i64 %count) {
entry:
  br label %again
again:
  %i = phi i64 [ 0, %entry ], [ %next, %again ]
  call void @product(ptr %a, ptr %b, ptr %c, i64 0, ptr %scratch)
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %count
  br i1 %more, label %again, label %done
done:
  ret void
}
"""


@dataclass(frozen=True)
class Product:
    """A kind of product that networks need, in a size that stands for others.

    Attributes
    ----------
    m, n, k
        Sizes of C[m, n] = op(A)[m, k] op(B)[k, n].
    kind
        "NN" for layers, "NT" for gradients of their inputs, "TN" for gradients of weights; T
        stands for an operand that is stored transposed.
    dtype
        Of all three.
    """

    m: int
    n: int
    k: int
    kind: str
    dtype: str = "float32"

    def __str__(self) -> str:
        return f"{self.kind} {self.m} x {self.n} x {self.k} {self.dtype}"

    @property
    def flops(self) -> int:
        """Operations."""
        return 2 * self.m * self.n * self.k

    def write(self, tuning: Tuning) -> GemmText:
        """Write it, cut by some figures."""
        here = machine()
        return gemm(
            "product",
            self.dtype,
            self.m,
            self.n,
            self.k,
            transpose_a=self.kind[0] == "T",
            transpose_b=self.kind[1] == "T",
            target=Target(here.cpu, here.features, here.vector_bits, tuning),
        )


PRODUCTS = (
    *(Product(256, 64, 64, kind) for kind in ("NN", "NT", "TN")),
    *(Product(32, 100, 30, kind) for kind in ("NN", "TN")),
    Product(128, 20, 64, "NN"),
    Product(64, 512, 128, "NN"),
    Product(128, 256, 784, "NN"),
    Product(128, 784, 256, "NT"),
    Product(784, 256, 128, "TN"),
    Product(256, 1024, 1024, "NN"),
    Product(1024, 1024, 256, "TN"),
    *(Product(256, 64, 64, kind, "float64") for kind in ("NN", "NT", "TN")),
)
"""What is timed."""


@dataclass(frozen=True)
class Tuned:
    """What was found.

    Attributes
    ----------
    cpu
        LLVM's name of the processor.
    usual, best
        The figures that are taken without measuring, and those that were fastest.
    seconds
        Of each product the time with the one and with the other, timed in turn.
    kept
        Whether they are kept for programs to come.
    """

    cpu: str
    usual: Tuning
    best: Tuning
    seconds: dict[Product, tuple[float, float]]
    kept: bool = False

    @property
    def gain(self) -> float:
        """By how much products take less time, on average."""
        logs = [log(after / before) for before, after in self.seconds.values()]
        return 1 - exp(sum(logs) / len(logs)) if logs else 0.0

    @property
    def changed(self) -> dict[str, Any]:
        """The figures that are not the usual ones."""
        return _changed(self.usual, self.best)


def tune(
    products: Sequence[Product] = PRODUCTS, *, told: Callable[[str], None] | None = None
) -> Tuned:
    """Measure by which figures this processor multiplies matrices fastest, and keep them.

    One figure after the other is changed, and stays changed where products gain by it. That takes
    some seconds, on one processor; others should be idle. Programs that are compiled from then on
    use the figures, in every process that shares the cache; results have the same bits with any.
    Nothing is ever measured unasked: what a program does must not depend on what else ran while it
    was compiled, and compiling is to take a quarter of a second.

    Parameters
    ----------
    products
        What to time.
    told
        Called with a line about each change that is kept.

    Returns
    -------
    Tuned
        The figures, and the time of each product with them and without.
    """
    here = machine()
    usual = best = usual_tuning(here.cpu, here.vector_bits)
    bench = _Bench()
    for variant in usual.variants(here.vector_bits):
        changed = _changed(usual, variant)
        candidate = replace(best, **changed)
        gains = [
            log(before / after)
            for before, after in bench.compare(products, best, candidate).values()
            if before != after
        ]
        if gains and sum(gains) / len(gains) >= WORTH:
            best = candidate
            if told:
                told(", ".join(f"{name} = {value}" for name, value in changed.items()))
    found = Tuned(here.cpu, usual, best, bench.compare(products, usual, best))
    if found.gain < 0:  # what was measured first was by chance
        found = Tuned(here.cpu, usual, usual, bench.compare(products, usual, usual))
    return replace(found, kept=keep_tuning(KeptTuning(found.best, found.gain)))


def _changed(before: Tuning, after: Tuning) -> dict[str, Any]:
    """The figures that are others, with their new values."""
    return {
        name: getattr(after, name)
        for name in Tuning.__dataclass_fields__
        if getattr(after, name) != getattr(before, name)
    }


class _Bench:
    """Times products; each text is compiled once."""

    def __init__(self) -> None:
        self._runs: dict[str, Callable[[int], None]] = {}

    def compare(
        self, products: Sequence[Product], first: Tuning, second: Tuning
    ) -> dict[Product, tuple[float, float]]:
        """Time each product both ways, in turn; equal texts take equal time."""
        return {x: self._times(x, x.write(first), x.write(second)) for x in products}

    def _times(self, product: Product, first: GemmText, second: GemmText) -> tuple[float, float]:
        runs = [self._run(product, text) for text in dict.fromkeys((first, second))]
        begin = perf_counter()
        runs[0](1)
        count = max(1, round(SLICE / max(perf_counter() - begin, 1e-9)))
        least = [float("inf")] * len(runs)
        for _ in range(ROUNDS):
            for i, run in enumerate(runs):
                begin = perf_counter()
                run(count)
                least[i] = min(least[i], (perf_counter() - begin) / count)
        return least[0], least[-1]

    def _run(self, product: Product, text: GemmText) -> Callable[[int], None]:
        """Compile a product into a function that computes it a number of times."""
        if text.text in self._runs:
            return self._runs[text.text]
        unit = Unit("\n".join([*text.declarations, text.text, _MANY]), finished=True)
        function = Library([unit.compile()], ["many"]).function(
            "many", *[ADDRESS] * 4, ctypes.c_int64
        )
        random = np.random.default_rng(0)
        m, n, k = product.m, product.n, product.k
        arrays = [aligned(shape, product.dtype) for shape in ((m, k), (k, n), (m, n))]
        for array in arrays[:2]:
            array[...] = random.uniform(-1, 1, array.shape)
        arrays.append(aligned((text.scratch,), np.uint8))

        def run(count: int) -> None:
            function(*(x.ctypes.data for x in arrays), count)

        run(1)
        self._runs[text.text] = run
        return run
