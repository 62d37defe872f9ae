"""What native code needs to know of NumPy arrays: where their entries lie."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

ADDRESS = ctypes.c_void_p

_WORD = ctypes.c_size_t

_DATA = 2 * ctypes.sizeof(ADDRESS)
"""Where an array object keeps the address of its entries: behind the head of every object.

This is a part of NumPy's binary interface (`PyArrayObject`), and so are heads of two words of
CPython's, but for builds without a global lock.
"""


def _address_by_attribute(array: np.ndarray[Any, Any]) -> int:
    return int(array.__array_interface__["data"][0])


def _address_in_object(array: np.ndarray[Any, Any]) -> int:
    return _WORD.from_address(id(array) + _DATA).value


def _layout_is_known() -> bool:
    probe = np.zeros(3)
    inside = np.ndarray.__basicsize__ >= _DATA + ctypes.sizeof(ADDRESS)
    return inside and _address_in_object(probe) == _address_by_attribute(probe)


address = _address_in_object if _layout_is_known() else _address_by_attribute
"""Give the address of an array's first entry; reading the object takes a fifth of the time."""


def addresses(arrays: Iterable[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """Give the addresses of several arrays, as an array of pointers."""
    return np.array([x.ctypes.data for x in arrays], np.uintp)


def aligned(shape: Sequence[Any], dtype: Any) -> np.ndarray[Any, Any]:
    """An array that begins at a cache line, as the kernels like it."""
    kind = np.dtype(dtype)
    count = math.prod(shape) * kind.itemsize
    block = np.zeros(count + 64, np.uint8)
    begin = -block.ctypes.data % 64
    array: np.ndarray[Any, Any] = block[begin : begin + count].view(kind).reshape(tuple(shape))
    return array
