"""Threefry gives the published bits, and uniform numbers are made of them as said."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.ops.random import threefry
from chainrule.random import bernoulli, fold_in, key, normal, permutation, split, uniform


class Words:
    """Unsigned 32-bit arithmetic on Python integers: an implementation to compare with."""

    def word(self, value: int) -> int:
        return value

    def add(self, a: int, b: int) -> int:
        return (a + b) % 2**32

    def xor(self, a: int, b: int) -> int:
        return a ^ b

    def rotate(self, x: int, distance: int) -> int:
        return (x << distance | x >> 32 - distance) % 2**32


# Known answers of threefry2x32 with 20 rounds, from the authors' library Random123.
PUBLISHED = [
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


@pytest.mark.parametrize(("key", "counter", "expected"), PUBLISHED)
def test_threefry_gives_the_published_bits(
    key: tuple[int, int], counter: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert threefry(Words(), *key, *counter) == expected


def test_an_entry_is_made_of_its_position() -> None:
    seed = key(3 * 2**32 + 5)
    assert seed.tolist() == [3, 5]
    for position, value in enumerate(uniform(seed, (2, 3)).ravel()):
        y0, y1 = threefry(Words(), 3, 5, 0, position)
        assert value == ((y0 ^ y1) >> 9) / 2**23
    for position, value in enumerate(uniform(seed, 6, dtype="float64")):
        y0, y1 = threefry(Words(), 3, 5, 0, position)
        assert value == ((y0 << 32 | y1) >> 12) / 2**52


def test_folding_encrypts_the_number() -> None:
    assert fold_in(key(7), 9).view(np.uint32).tolist() == list(threefry(Words(), 0, 7, 0, 9))
    assert fold_in(key(7), -1).view(np.uint32).tolist() == list(
        threefry(Words(), 0, 7, 0, 2**32 - 1)
    )


def test_numbers_depend_on_the_position_and_not_on_the_shape() -> None:
    np.testing.assert_array_equal(uniform(key(1), (2, 3)).ravel(), uniform(key(1), (6,)))
    np.testing.assert_array_equal(uniform(key(1), 3), uniform(key(1), 6)[:3])


def test_split_keys_are_all_different() -> None:
    keys = split(key(0), 100)
    assert len({tuple(k.tolist()) for k in keys}) == 100


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_have_the_moments_of_their_distribution(dtype: str) -> None:
    # Five standard errors of the mean of 20,000 numbers, and about as many of their deviation.
    x = uniform(key(2), (20_000,), -1.0, 3.0, dtype=dtype)
    assert x.dtype == dtype
    assert -1 <= x.min() < x.max() < 3
    assert x.mean() == pytest.approx(1.0, abs=5 * 4 / 12**0.5 / 20_000**0.5)
    z = normal(key(3), (20_000,), dtype=dtype)
    assert z.dtype == dtype
    assert z.mean() == pytest.approx(0.0, abs=5 / 20_000**0.5)
    assert z.std() == pytest.approx(1.0, abs=5 / 40_000**0.5)
    assert np.mean(np.abs(z) < 1.96) == pytest.approx(0.95, abs=5 * (0.05 * 0.95 / 20_000) ** 0.5)
    assert np.isfinite(z).all()
    heads = bernoulli(key(4), 0.25, (20_000,))
    assert heads.mean() == pytest.approx(0.25, abs=5 * (0.25 * 0.75 / 20_000) ** 0.5)


def test_a_permutation_holds_every_number_once() -> None:
    order = permutation(key(5), 1000)
    assert order.dtype == np.int32
    assert sorted(order.tolist()) == list(range(1000))
    assert order.tolist() != sorted(order.tolist())
    assert permutation(key(5), 0).shape == (0,)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_has_64_bits(seed: int) -> None:
    with pytest.raises(ValueError, match="a seed lies between 0"):
        key(seed)
