"""The matrix product of the BLAS library that SciPy carries, as an address to link against.

SciPy offers its BLAS to Cython code as capsules: a pointer, and as the capsule's name the C
signature. The signature is read before the pointer is trusted, because a call with integers of
the wrong width would read and write beyond its arguments.

This BLAS has threads of its own. Whoever runs several threads has to limit it to one, with
`threadpoolctl`: it is slower otherwise, and up to OpenBLAS 0.3.30 results may be wrong.
"""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from typing import Any

from chainrule.errors import DtypeError, ExecutorError

_ROUTINES = {"float32": "sgemm", "float64": "dgemm"}
_ELEMENTS = {
    "float32": r"float|\w+cython_blas_s",
    "float64": r"double|\w+cython_blas_d",
}
# What SciPy has called the integers of BLAS, and how wide they are.
_INTEGER_BITS = {
    "int": 8 * ctypes.sizeof(ctypes.c_int),
    "long": 8 * ctypes.sizeof(ctypes.c_long),
    "long long": 64,
    "int32_t": 32,
    "int64_t": 64,
    "npy_int32": 32,
    "npy_int64": 64,
}


@dataclass(frozen=True, slots=True)
class Routine:
    """A BLAS routine.

    Attributes
    ----------
    name
        "sgemm" or "dgemm".
    address
        Where its code begins.
    integer_bits
        Width of its integer arguments: 32 or 64.
    """

    name: str
    address: int
    integer_bits: int

    @property
    def symbol(self) -> str:
        """Name under which LLVM text refers to it."""
        return f"chainrule_{self.name}"


def matrix_product(dtype: str) -> Routine:
    """Return the BLAS routine that multiplies matrices.

    Parameters
    ----------
    dtype
        "float32" or "float64".

    Raises
    ------
    DtypeError
        If BLAS has no product for the dtype.
    ExecutorError
        If SciPy does not offer the routine in a form that is known.
    """
    if dtype not in _ROUTINES:
        raise DtypeError(f"BLAS multiplies float32 or float64, not {dtype}")
    # Here and not above, because few programs need it and SciPy takes its time to load.
    from scipy.linalg import cython_blas

    return read_capsule(dtype, cython_blas.__pyx_capi__.get(_ROUTINES[dtype]))


def read_capsule(dtype: str, capsule: Any) -> Routine:
    """Return the routine in a capsule, after its signature has been checked.

    Raises
    ------
    ExecutorError
        If it is no capsule, or not with the signature of a matrix product of `dtype`.
    """
    name = _ROUTINES[dtype]
    if type(capsule).__name__ != "PyCapsule":
        raise ExecutorError(
            f"SciPy's BLAS should offer {name} as a capsule, but this version of SciPy has "
            f"{capsule!r}; use the numpy executor, or a SciPy that chainrule was tested with"
        )
    signature = _capsule_name(capsule)
    integer_bits = read_signature(dtype, signature)
    address = _capsule_pointer(capsule, signature.encode())
    if not address:
        raise ExecutorError(f"SciPy's capsule for {name} is empty; use the numpy executor")
    return Routine(name, address, integer_bits)


def read_signature(dtype: str, signature: str) -> int:
    """Return the width in bits of the integers in the C signature of a matrix product.

    Raises
    ------
    ExecutorError
        If it is not the signature of a Fortran matrix product of `dtype`.

    Examples
    --------
    >>> s = "float *"
    >>> i = "int *"
    >>> read_signature("float32", "void (char *, char *, " + ", ".join(
    ...     [i, i, i, s, s, i, s, i, s, s, i]
    ... ) + ")")
    32
    """
    found = re.fullmatch(r"void \((.*)\)", signature)
    kinds = [kind.strip() for kind in found[1].split(",")] if found else []
    integer = kinds[2].removesuffix("*").strip() if len(kinds) == 13 else ""
    expected = "ccnnneeneneen"
    patterns = {"c": "char", "n": re.escape(integer), "e": _ELEMENTS[dtype]}
    fits = len(kinds) == len(expected) and all(
        re.fullmatch(rf"(?:{patterns[letter]}) ?\*", kind)
        for letter, kind in zip(expected, kinds, strict=True)
    )
    if not fits or integer not in _INTEGER_BITS:
        raise ExecutorError(
            f"SciPy's {_ROUTINES[dtype]} has the signature {signature!r}, expected pointers to "
            "two characters, three integers, and the elements and distances of three arrays; use "
            "the numpy executor, or a SciPy that chainrule was tested with"
        )
    return _INTEGER_BITS[integer]


def _capsule_name(capsule: Any) -> str:
    kind = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)
    name = kind(("PyCapsule_GetName", ctypes.pythonapi))(capsule)
    return str((name or b"").decode())


def _capsule_pointer(capsule: Any, name: bytes) -> int | None:
    kind = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    address: int | None = kind(("PyCapsule_GetPointer", ctypes.pythonapi))(capsule, name)
    return address
