"""How fast the machine is just now: what it could do at most, to compare times with.

Three loops, written in LLVM's own language so that nothing is left to a compiler's taste: fused
multiply-adds in registers, a triad on arrays of several sizes, and a barrier. All threads run at
the same time.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from time import perf_counter
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from chainrule.execute.native.compiler import machine

FOOTPRINTS = (24 << 10, 192 << 10, 3 << 20, 96 << 20)
"""Bytes of a triad's three arrays together, per thread: each fits another level of caches."""

CHAINS = 12
"""Multiply-adds in flight at a time: enough for two units with a latency of five cycles."""


@dataclass(frozen=True)
class Calibration:
    """Speed of arithmetic, memory and meetings, over all threads.

    Parameters
    ----------
    threads : int
        How many ran at the same time.
    fma : float
        GFLOP/s of float32 multiply-adds; a multiply-add counts as two operations.
    triad : tuple of float
        GB/s of ``a = b + c * c`` for each of `FOOTPRINTS`; three arrays are counted.
    barrier : float
        Microseconds until all threads have met.
    """

    threads: int
    fma: float
    triad: tuple[float, ...]
    barrier: float

    def bound(self, flops: float, size: float, workers: int, dtype: str = "float32") -> float:
        """Give the seconds that so much work needs at least.

        Parameters
        ----------
        flops
            Floating-point operations.
        size
            Bytes to be read and written: what has to be touched cannot come from a cache that it
            does not fit into.
        workers
            How many threads do the work.
        """
        share = workers / self.threads
        peak = self.fma * share / (2 if dtype == "float64" else 1)
        level = max(i for i, held in enumerate(FOOTPRINTS) if i == 0 or size / workers >= held)
        return max(flops / (peak * 1e9), size / (self.triad[level] * share * 1e9))


def best(one: Calibration, other: Calibration) -> Calibration:
    """Take the better figure of each kind: other work on the machine only ever slows it down."""
    triad = tuple(max(pair) for pair in zip(one.triad, other.triad, strict=True))
    barrier = min(one.barrier, other.barrier)
    return Calibration(one.threads, max(one.fma, other.fma), triad, barrier)


def calibrate(threads: int, repeats: int = 10) -> Calibration:
    """Measure, and keep the best of `repeats`; one of them takes some 50 milliseconds."""
    lanes = machine().vector_bits // 32
    fma, triad, barrier = _loops(lanes)
    seed = [np.full(2 * lanes, 0.5, np.float32) for _ in range(threads)]
    arrays = [np.zeros(max(FOOTPRINTS) // 4 + 64, np.float32) for _ in range(threads)]
    counter = np.zeros(8, np.int64)
    rounds = 500

    def multiply_adds(thread: int) -> float:
        count = 100_000_000 // (CHAINS * lanes)
        seconds = _timed(fma, seed[thread].ctypes.data, count)
        return 2 * count * CHAINS * lanes / seconds / 1e9

    def triads(size: int) -> Callable[[int], float]:
        length = size // 12 // (4 * lanes) * (4 * lanes)

        def run(thread: int) -> float:
            begin = arrays[thread].ctypes.data
            times = max(1, (256 << 20) // size)
            places = [(begin + 63) // 64 * 64 + i * length * 4 for i in range(3)]
            return 12 * length * times / _timed(triad, *places, length, times) / 1e9

        return run

    def meetings(thread: int) -> float:
        return _timed(barrier, counter.ctypes.data, threads, rounds) / rounds * 1e6

    peak, meeting = 0.0, float("inf")
    bandwidth = [0.0] * len(FOOTPRINTS)
    with ThreadPoolExecutor(threads) as pool:

        def everywhere(job: Callable[[int], float]) -> list[float]:
            return list(pool.map(job, range(threads)))

        for _ in range(repeats):
            peak = max(peak, sum(everywhere(multiply_adds)))
            for i, size in enumerate(FOOTPRINTS):
                bandwidth[i] = max(bandwidth[i], sum(everywhere(triads(size))))
            counter[0] = 0
            meeting = min(meeting, *everywhere(meetings))
    return Calibration(threads, peak, tuple(bandwidth), meeting)


def _timed(function: Callable[..., object], *arguments: int) -> float:
    begin = perf_counter()
    function(*arguments)
    return perf_counter() - begin


@cache
def _loops(lanes: int) -> tuple[Any, Any, Any]:
    """Compile the loops; they are never unloaded."""
    module = llvm.parse_assembly(_fma_text(lanes) + _triad_text(lanes) + _barrier_text(lanes))
    engine = llvm.create_mcjit_compiler(module, machine().target_machine)
    engine.finalize_object()
    loops = []
    for name, arguments in (("fma", 2), ("triad", 5), ("meet", 3)):
        kind = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * arguments)
        loop = kind(engine.get_function_address(name))
        loop.engine = engine  # type: ignore[attr-defined]  # its code lives as long as it does
        loops.append(loop)
    return loops[0], loops[1], loops[2]


def _fma_text(lanes: int) -> str:
    kind = f"<{lanes} x float>"
    chains = range(CHAINS)
    begin = "\n".join(f"  %x{i} = phi {kind} [ %b, %entry ], [ %y{i}, %more ]" for i in chains)
    work = "\n".join(
        f"  %y{i} = call {kind} @llvm.fma.v{lanes}f32({kind} %x{i}, {kind} %a, {kind} %b)"
        for i in chains
    )
    sums = "\n".join(
        f"  %s{i} = fadd {kind} {'%b' if i == 0 else f'%s{i - 1}'}, %y{i}" for i in chains
    )
    return f"""
declare {kind} @llvm.fma.v{lanes}f32({kind}, {kind}, {kind})
define void @fma(ptr %place, i64 %count) #0 {{
entry:
  %a = load {kind}, ptr %place, align 4
  %next = getelementptr {kind}, ptr %place, i64 1
  %b = load {kind}, ptr %next, align 4
  br label %more
more:
  %i = phi i64 [ 0, %entry ], [ %j, %more ]
{begin}
{work}
  %j = add i64 %i, 1
  %again = icmp slt i64 %j, %count
  br i1 %again, label %more, label %done
done:
{sums}
  store {kind} %s{CHAINS - 1}, ptr %next, align 4
  ret void
}}
"""


def _triad_text(lanes: int) -> str:
    kind = f"<{lanes} x float>"
    body = "\n".join(
        f"""  %k{i} = add i64 %i, {i * lanes}
  %pa{i} = getelementptr float, ptr %a, i64 %k{i}
  %pb{i} = getelementptr float, ptr %b, i64 %k{i}
  %pc{i} = getelementptr float, ptr %c, i64 %k{i}
  %b{i} = load {kind}, ptr %pb{i}, align 4
  %c{i} = load {kind}, ptr %pc{i}, align 4
  %m{i} = fmul {kind} %c{i}, %c{i}
  %s{i} = fadd {kind} %b{i}, %m{i}
  store {kind} %s{i}, ptr %pa{i}, align 4"""
        for i in range(4)
    )
    return f"""
define void @triad(ptr noalias %a, ptr %b, ptr %c, i64 %length, i64 %times) #0 {{
entry:
  br label %pass
pass:
  %t = phi i64 [ 0, %entry ], [ %u, %passed ]
  br label %more
more:
  %i = phi i64 [ 0, %pass ], [ %j, %more ]
{body}
  %j = add i64 %i, {4 * lanes}
  %again = icmp slt i64 %j, %length
  br i1 %again, label %more, label %passed
passed:
  %u = add i64 %t, 1
  %once_more = icmp slt i64 %u, %times
  br i1 %once_more, label %pass, label %done
done:
  ret void
}}
"""


def _barrier_text(lanes: int) -> str:
    return f"""
define void @meet(ptr %count, i64 %threads, i64 %rounds) #0 {{
entry:
  br label %arrive
arrive:
  %round = phi i64 [ 0, %entry ], [ %next, %met ]
  %next = add i64 %round, 1
  %goal = mul i64 %next, %threads
  %before = atomicrmw add ptr %count, i64 1 acq_rel
  br label %look
look:
  %now = load atomic i64, ptr %count acquire, align 8
  %all = icmp sge i64 %now, %goal
  br i1 %all, label %met, label %look
met:
  %again = icmp slt i64 %next, %rounds
  br i1 %again, label %arrive, label %done
done:
  ret void
}}
attributes #0 = {{ nounwind "prefer-vector-width"="{32 * lanes}" }}
"""
