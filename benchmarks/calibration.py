"""How fast the machine is just now, so that two runs can be told apart from two machines."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from time import perf_counter

import numpy as np


@dataclass(frozen=True)
class Calibration:
    """Speed of memory, of the matrix product and of Python itself.

    Parameters
    ----------
    triad : float
        GB/s of ``a = b + s * c`` in NumPy, on arrays of 64 MB each.
    gemm : float
        GFLOP/s of a float32 product of two matrices 512 x 512, with the run's threads.
    python : float
        Million additions per second in a plain Python loop.
    """

    triad: float
    gemm: float
    python: float


def best(one: Calibration, other: Calibration) -> Calibration:
    """Take the better figure of each kind: other work on the machine only ever slows it down."""
    pairs = zip(astuple(one), astuple(other), strict=True)
    return Calibration(*(max(pair) for pair in pairs))


def calibrate(repeats: int = 20) -> Calibration:
    """Measure, and keep the best of `repeats`; takes about a second."""
    size = 16_000_000
    a, b, c = (np.full(size, value, dtype=np.float32) for value in (0, 1, 2))
    left = np.full((512, 512), 1e-3, dtype=np.float32)
    out = np.empty_like(left)
    triad = gemm = python = 0.0
    for _ in range(repeats):
        start = perf_counter()
        np.multiply(c, np.float32(3), out=a)
        np.add(a, b, out=a)
        triad = max(triad, 5 * a.nbytes / (perf_counter() - start) / 1e9)
        start = perf_counter()
        np.matmul(left, left, out=out)
        gemm = max(gemm, 2 * 512**3 / (perf_counter() - start) / 1e9)
        start = perf_counter()
        total = 0
        for number in range(50_000):
            total += number
        python = max(python, 0.05 / (perf_counter() - start))
    return Calibration(triad, gemm, python)
