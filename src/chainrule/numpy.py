"""NumPy's functions for code that is traced, under the array API standard's names.

Called with traced arrays they write operations down; called with NumPy arrays they compute.

>>> import chainrule.numpy as cnp
>>> float(cnp.sum(cnp.tanh(cnp.zeros(3))))
0.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.tracing.functions import *  # noqa: F403
from chainrule.tracing.functions import __all__ as _functions

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Functions made of cards are not visible to type checkers."""


pi = 3.141592653589793
e = 2.718281828459045
inf = float("inf")
nan = float("nan")
newaxis = None
float32 = "float32"
float64 = "float64"
int32 = "int32"
bool = "bool"

__all__ = [*_functions, "bool", "e", "float32", "float64", "inf", "int32", "nan", "newaxis", "pi"]
