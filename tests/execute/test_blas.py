"""The BLAS inside SciPy: found, and refused where its signature is another one."""

from __future__ import annotations

import pytest
from scipy.linalg import cython_blas

from chainrule.errors import DtypeError, ExecutorError
from chainrule.execute.native import blas


def test_the_blas_of_scipy_is_found() -> None:
    for dtype, name in [("float32", "sgemm"), ("float64", "dgemm")]:
        routine = blas.matrix_product(dtype)
        assert routine.name == name
        assert routine.address
        assert routine.integer_bits in (32, 64)
    with pytest.raises(DtypeError, match="not int32"):
        blas.matrix_product("int32")


def test_a_capsule_with_another_signature_is_refused() -> None:
    capsules = cython_blas.__pyx_capi__
    for dtype, name in [("float32", "dgemm"), ("float64", "sgemm"), ("float32", "sgemv")]:
        with pytest.raises(ExecutorError, match="has the signature"):
            blas.read_capsule(dtype, capsules[name])
    with pytest.raises(ExecutorError, match="None"):
        blas.read_capsule("float32", None)


def test_the_width_of_integers_is_read_from_the_signature() -> None:
    def signature(integer: str, element: str) -> str:
        kinds = {"c": "char", "n": integer, "e": element}
        return f"void ({', '.join(f'{kinds[letter]} *' for letter in 'ccnnneeneneen')})"

    assert blas.read_signature("float32", signature("int", "float")) == 32
    assert blas.read_signature("float64", signature("npy_int64", "double")) == 64
    for integer, element in [("short", "double"), ("int", "float"), ("double", "double")]:
        with pytest.raises(ExecutorError, match="expected pointers"):
            blas.read_signature("float64", signature(integer, element))
