"""Threads that run the parts of one call."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from chainrule.execute.native.workers import Workers
from chainrule.execute.processors import available_workers


@pytest.mark.parametrize("count", [2, 3])
def test_every_worker_has_a_thread_of_its_own_in_all_runs(count: int) -> None:
    seen: dict[int, set[int]] = {i: set() for i in range(count)}
    all_here = threading.Barrier(count)

    def work(number: int) -> None:
        all_here.wait(10)
        seen[number].add(threading.get_ident())

    workers = Workers(count)
    for _ in range(5):
        workers.run([partial(work, i) for i in range(count)], None)
    assert [len(threads) for threads in seen.values()] == [1] * count
    assert len(set.union(*seen.values())) == count
    assert threading.get_ident() not in set.union(*seen.values())


def test_what_a_worker_raises_arrives() -> None:
    def fail() -> None:
        raise OverflowError("of the second")

    with pytest.raises(OverflowError, match="of the second"):
        Workers(2).run([lambda: None, fail], None)


def test_the_thread_that_calls_keeps_all_processors() -> None:
    before = available_workers()
    Workers(before).run([lambda: None] * before, None)
    assert available_workers() == before
