"""The figures by which matrix products are cut, and what else they may be.

They decide how fast a product is and nothing else: every element is one chain of multiply-adds in
the order of the inner index, in whatever vectors, tiles and blocks it is computed. (That is why the
number of chains of a dot product, and what goes to BLAS, are not among them.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Tuning:
    """Figures of a processor.

    Attributes
    ----------
    vector_bits
        Width of a tile's vectors.
    splits
        Whether vectors of 512 bits take twice the time of those of 256.
    sums
        Sums that a tile keeps at least where its vectors are whole lines of the cache and the
        product is large enough.
    strided_sums
        The same, where A is stored transposed.
    cached_bytes
        What B may take of the first-level cache before its panels are copied to lie in one run.
    page_bytes
        Distance of rows of B from which they are copied, where vectors are whole lines.
    depth_bytes
        What a column of a block of B may take.
    block_bytes
        What a block of B may take in all, to stay in the second-level cache.
    """

    vector_bits: int
    splits: bool
    sums: int
    strided_sums: int
    cached_bytes: int = 32 << 10
    page_bytes: int = 4096
    depth_bytes: int = 1024
    block_bytes: int = 384 << 10

    def variants(self, widest: int) -> Iterator[Tuning]:
        """Give all that differs from these figures in one of them.

        Parameters
        ----------
        widest
            Width of the processor's widest vectors.
        """
        for name, values in CANDIDATES.items():
            for value in values:
                changed: dict[str, Any] = {name: value}
                variant = replace(self, **changed)
                if variant != self and widest // 2 <= variant.vector_bits <= widest:
                    yield variant


CANDIDATES: Mapping[str, tuple[int, ...]] = {
    "vector_bits": (128, 256, 512),
    "splits": (False, True),
    "sums": (8, 16, 24),
    "strided_sums": (8, 16, 24),
    "cached_bytes": (16 << 10, 32 << 10, 48 << 10),
    "page_bytes": (2048, 4096, 8192),
    "depth_bytes": (512, 1024, 2048),
    "block_bytes": (192 << 10, 384 << 10, 768 << 10),
}
"""What each figure may be."""


def usual_tuning(cpu: str, vector_bits: int) -> Tuning:
    """Give the figures that are taken where none were measured.

    They were found on two processors of AMD's, of 256 bits (Zen 3) and of 512 (Zen 4).

    Parameters
    ----------
    cpu
        LLVM's name of the processor.
    vector_bits
        Width of its widest vectors.

    Examples
    --------
    >>> usual_tuning("znver4", 512).sums, usual_tuning("skylake-avx512", 512).sums
    (8, 16)
    """
    splits = cpu == "znver4" and vector_bits == 512
    return Tuning(vector_bits, splits, sums=8 if splits else 16, strided_sums=16)


def read_tuning(values: object, widest: int) -> Tuning | None:
    """Take figures out of what a file holds; None where it is anything else.

    Parameters
    ----------
    values
        A dictionary of all figures.
    widest
        Width of the processor's widest vectors.

    Examples
    --------
    >>> from dataclasses import asdict
    >>> usual = usual_tuning("znver4", 512)
    >>> read_tuning(asdict(usual), 512) == usual
    True
    >>> read_tuning({**asdict(usual), "sums": 9}, 512) is None
    True
    """
    if not isinstance(values, dict) or set(values) != set(CANDIDATES):
        return None
    for name, candidates in CANDIDATES.items():
        # A number that equals a truth value is another thing.
        if (type(values[name]), values[name]) not in [(type(x), x) for x in candidates]:
            return None
    return Tuning(**values) if values["vector_bits"] <= widest else None
