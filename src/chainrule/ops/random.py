"""Counter-based random numbers: a function of a key and a position, with no hidden state.

The generator is Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw, "Parallel random
numbers: as easy as 1, 2, 3", SC 2011). Keys are two int32 words. Entry `i` of an array takes the
block of counter ``(i >> 32, i & 0xffffffff)`` and joins its two words by exclusive or, which is
also JAX's scheme (``jax_threefry_partitionable``), so that the two give the same bits.
"""

from __future__ import annotations

from typing import Any

from chainrule.errors import DtypeError, ShapeError
from chainrule.ir import ArrayType, Card, Shape, absent, is_float

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def threefry(u: Any, k0: Any, k1: Any, x0: Any, x1: Any) -> tuple[Any, Any]:
    """Encrypt a counter of two 32-bit words, with the unsigned arithmetic of `u`."""
    keys = (k0, k1, u.xor(u.xor(k0, k1), u.word(_PARITY)))
    x0, x1 = u.add(x0, keys[0]), u.add(x1, keys[1])
    for group in range(5):
        for distance in _ROTATIONS[group % 2]:
            x0 = u.add(x0, x1)
            x1 = u.xor(u.rotate(x1, distance), x0)
        x0 = u.add(x0, keys[(group + 1) % 3])
        x1 = u.add(u.add(x1, keys[(group + 2) % 3]), u.word(group + 1))
    return x0, x1


class _Words:
    """Unsigned 32-bit arithmetic on NumPy arrays."""

    def __init__(self, np: Any) -> None:
        self.np = np

    def word(self, value: int) -> Any:
        return self.np.uint32(value)

    def add(self, a: Any, b: Any) -> Any:
        with self.np.errstate(over="ignore"):
            return a + b

    def xor(self, a: Any, b: Any) -> Any:
        return a ^ b

    def rotate(self, x: Any, distance: int) -> Any:
        return (x << self.np.uint32(distance)) | (x >> self.np.uint32(32 - distance))


def _words_of(np: Any, key: Any) -> tuple[Any, Any]:
    k0, k1 = np.asarray(key).view(np.uint32)
    return k0, k1


def _key_type(key: ArrayType) -> None:
    if key != ArrayType((2,), "int32"):
        raise ShapeError(f"a random key is an int32 array of two words, received {key}")


def _uniform_type(key: ArrayType, *, shape: Shape, dtype: str) -> ArrayType:
    _key_type(key)
    if not is_float(dtype):
        raise DtypeError(f"random numbers are float32 or float64, not {dtype}")
    return ArrayType(shape, dtype)


def _uniform(np: Any, key: Any, *, shape: Any, dtype: str) -> Any:
    k0, k1 = _words_of(np, key)
    count = np.arange(int(np.prod(shape, dtype=np.int64)), dtype=np.uint64)
    low, high = count.astype(np.uint32), (count >> np.uint64(32)).astype(np.uint32)
    y0, y1 = threefry(_Words(np), k0, k1, high, low)
    if dtype == "float32":
        unit = ((y0 ^ y1) >> np.uint32(9)).astype(np.float32) * np.float32(2.0**-23)
    else:
        bits = (y0.astype(np.uint64) << np.uint64(32)) | y1.astype(np.uint64)
        unit = (bits >> np.uint64(12)).astype(np.float64) * 2.0**-52
    return unit.reshape(shape)


def _native_uniform(b: Any, key: tuple[Any, Any], position: Any, *, dtype: str) -> Any:
    low, high = b.words(position)
    y0, y1 = threefry(b.unsigned, key[0], key[1], high, low)
    return b.unit_interval(y0, y1, dtype)


uniform = Card(
    name="uniform",
    kind="random",
    doc="Uniform random numbers in [0, 1), a function of the key and of each entry's position.",
    type=_uniform_type,
    vjp=lambda o, g, y, key, *, shape, dtype: (None,),
    numpy=_uniform,
    native=_native_uniform,
    onnx=absent("inference uses no random numbers"),
    cost=70,
    smooth=False,
    kink="random numbers count as constants",
)


def _fold_in_type(key: ArrayType, data: ArrayType) -> ArrayType:
    _key_type(key)
    if data != ArrayType((), "int32"):
        raise ShapeError(f"fold_in expects one int32 number, received {data}")
    return key


def _fold_in(np: Any, key: Any, data: Any) -> Any:
    k0, k1 = _words_of(np, key)
    counter = np.asarray(data, "int32").view(np.uint32)
    y0, y1 = threefry(_Words(np), k0, k1, np.uint32(0), counter)
    return np.stack([y0, y1]).view(np.int32)


def _native_fold_in(b: Any, key: tuple[Any, Any], data: Any) -> tuple[Any, Any]:
    y0, y1 = threefry(b.unsigned, key[0], key[1], b.unsigned.word(0), data)
    return y0, y1


fold_in = Card(
    name="fold_in",
    kind="random",
    doc="A new key, made of a key and a number: the same two always give the same key.",
    type=_fold_in_type,
    vjp=lambda o, g, y, key, data: (None, None),
    numpy=_fold_in,
    native=_native_fold_in,
    onnx=absent("inference uses no random numbers"),
    cost=70,
    smooth=False,
    kink="keys carry no gradient",
)
