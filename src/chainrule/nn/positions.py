"""Where in a sequence something stands: sinusoidal, learnt, rotary, and by distance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule.errors import ShapeError
from chainrule.ir import ArrayType
from chainrule.nn.initialisers import Initialiser, Normal
from chainrule.nn.module import Module
from chainrule.nn.scope import Variable
from chainrule.tracing import dtype_name, spec_of, static

Floats = np.ndarray[Any, Any]


def _angles(length: int, pairs: int, base: float) -> Floats:
    """Angle of each place for each pair of features: place times a falling frequency."""
    return np.outer(np.arange(length), base ** (-np.arange(pairs) / pairs))


def sinusoidal_table(length: int, width: int, base: float = 10_000.0) -> Floats:
    """Give a table (length, width) of sines (even features) and cosines (odd ones), in float64.

    ``sin(place / base^(2 i / width))`` and the cosine of the same (Vaswani and others, "Attention
    is all you need", 2017, section 3.5).

    >>> sinusoidal_table(2, 4).round(3).tolist()
    [[0.0, 1.0, 0.0, 1.0], [0.841, 0.54, 0.01, 1.0]]
    """
    pairs = (width + 1) // 2
    angles = np.outer(np.arange(length), base ** (-2 * np.arange(pairs) / width))
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(length, -1)[:, :width]


class SinusoidalPositions(Module):
    """Add the table of sines and cosines of `sinusoidal_table`; nothing is learnt.

    Parameters
    ----------
    base
        The slowest wave is about this many places times two pi long.

    A call takes and returns (batch, places, width), for any number of places.

    >>> SinusoidalPositions()(np.zeros((1, 1, 4))).tolist()
    [[[0.0, 1.0, 0.0, 1.0]]]
    """

    base: float = static(default=10_000.0)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Add the table."""
        _check_sequence("SinusoidalPositions", x)
        remembered = self.remembering(lambda length: ())
        count = x.shape[1] if remembered is None else remembered.length
        table = sinusoidal_table(count, x.shape[2], self.base).astype(dtype_name(x.dtype))
        if remembered is None:
            return x + table
        remembered.keep(())
        return x + cnp.take(table, remembered.place, axis=0)


class LearntPositions(Module):
    """Add a learnt vector for each place.

    Parameters
    ----------
    count
        Number of places: the longest sequence.
    initial
        How the vectors begin; by default normal with deviation 0.02, as in GPT-2.
    weight
        Shape (count, width).

    A call takes and returns (batch, places, width), for up to `count` places.

    >>> layer = LearntPositions(2, weight=np.array([[1.0], [2.0]]))
    >>> layer(np.zeros((1, 2, 1))).tolist()
    [[[1.0], [2.0]]]
    """

    count: int = static()
    initial: Initialiser = static(default=Normal(0.02))
    weight: Any = None

    def declare(self, x: ArrayType) -> Mapping[str, Variable]:
        """Say which arrays this layer holds, for an input of this type."""
        _check_sequence("LearntPositions", x)
        if isinstance(x.shape[1], int) and x.shape[1] > self.count:
            raise ShapeError(
                f"LearntPositions has vectors for {self.count} places, received {x}: give it a "
                "larger count"
            )
        return {"weight": Variable((self.count, x.shape[2]), self.initial)}

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Add the vectors."""
        remembered = self.remembering(lambda length: ())
        if remembered is None:
            return x + self.weight[: x.shape[1]]
        remembered.keep(())
        return x + cnp.take(self.weight, remembered.place, axis=0)


def rotary(x: Any, base: float = 10_000.0, first: int = 0) -> Any:
    """Turn pairs of features by angles that grow with the place (rotary positions, RoPE).

    Su and others, "RoFormer: enhanced transformer with rotary position embedding", 2021. Products
    of a query and a key that are both turned depend on the distance of their places alone. Feature
    i is paired with feature i + size / 2, as in LLaMA.

    Parameters
    ----------
    x
        Shape (..., places, size), with an even size.
    base
        Pair i of n turns by ``base^(-i / n)`` radians from one place to the next.
    first
        The place of the first entry.

    >>> rotary(np.array([[1.0, 0.0], [1.0, 0.0]])).round(4).tolist()
    [[1.0, 0.0], [0.5403, 0.8415]]
    """
    length, size = x.shape[-2:]
    if size % 2:
        raise ShapeError(f"rotary positions turn pairs of features, received {spec_of(x)}")
    angles = _angles(first + length, size // 2, base)[first:]
    cosine, sine = (f(angles).astype(dtype_name(x.dtype)) for f in (np.cos, np.sin))
    return _turned(x, cosine, sine)


def rotary_at(x: Any, place: Any, length: int, base: float = 10_000.0) -> Any:
    """Turn pairs of features as `rotary` does at one place.

    Parameters
    ----------
    x
        Shape (..., 1, size), with an even size.
    place
        Its number, int32 (1,), below `length`.
    """
    angles = _angles(length, x.shape[-1] // 2, base)
    tables = (f(angles).astype(dtype_name(x.dtype)) for f in (np.cos, np.sin))
    return _turned(x, *(cnp.take(table, place, axis=0) for table in tables))


def _turned(x: Any, cosine: Any, sine: Any) -> Any:
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    return cnp.concat([a * cosine - b * sine, b * cosine + a * sine], axis=-1)


def distance_bias(heads: int, places: int, sources: int) -> Floats:
    """Give a bias of attention that falls with the distance (ALiBi), in float64.

    Press, Smith and Lewis, "Train short, test long", 2022: head h subtracts ``slope_h`` times the
    distance, where slopes are a geometric sequence: ``2^(-8 (h + 1) / heads)`` for a power of two,
    and for other numbers the sequence of the next smaller power, filled up with every second
    entry of that of the next larger one.

    Returns
    -------
    Shape (heads, places, sources); the last place stands at the last source.

    >>> distance_bias(1, 1, 3).tolist()
    [[[-0.0078125, -0.00390625, -0.0]]]
    """
    power = 2 ** (heads.bit_length() - 1)
    slopes = _slopes(power)
    slopes = np.concatenate([slopes, _slopes(2 * power)[::2][: heads - power]])
    place = np.arange(places)[:, None] + sources - places
    distance = np.abs(place - np.arange(sources))
    return np.asarray(-slopes[:, None, None] * distance)


def _slopes(heads: int) -> Floats:
    return np.asarray(2.0 ** (-8.0 * np.arange(1, heads + 1) / heads))


def _check_sequence(layer: str, x: Any) -> None:
    if len(x.shape) != 3:
        raise ShapeError(f"{layer} expects (batch, places, width), received {spec_of(x)}")
