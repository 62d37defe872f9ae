"""Examples as training takes them: inputs, targets and weights of one number of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.ir import ArrayType, Dim, is_float
from chainrule.nn.losses import Measure
from chainrule.tracing import as_array, flatten, leaf_paths, map_leaves

BATCH = Dim("batch")


@dataclass(frozen=True, eq=False)
class Examples:
    """A table of examples.

    Attributes
    ----------
    inputs
        A tuple with one entry for each argument of the network: an array (rows, ...), or a tree
        of such arrays.
    targets
        An array (rows, ...).
    weight
        None, or an array (rows,).
    """

    inputs: tuple[Any, ...]
    targets: Any
    weight: Any

    @property
    def rows(self) -> int:
        """Number of examples."""
        return int(flatten(self.inputs)[0][0].shape[0])

    def tree(self) -> dict[str, Any]:
        """Give the arrays as a tree; without weights there is no entry for them."""
        weight = {} if self.weight is None else {"weight": self.weight}
        return {"inputs": self.inputs, "targets": self.targets, **weight}


def read_inputs(X: Any, dtype: str, name: str = "X") -> tuple[Any, ...]:
    """Check the inputs of a network and bring floats to a dtype.

    Parameters
    ----------
    X
        An array (rows, ...) or a tree of such arrays. A tuple holds the network's arguments one
        by one; anything else is its only argument.
    """
    inputs = X if isinstance(X, tuple) else (X,)
    inputs = tuple(_array(x) for x in inputs)
    leaves, paths = flatten(inputs)[0], leaf_paths(inputs, name)
    if not leaves:
        raise DataError(f"{name} holds no array")
    paths = [name] if len(paths) == 1 else paths
    columns = []
    for path, leaf in zip(paths, leaves, strict=True):
        x = as_array(leaf)
        if x.ndim == 0:
            raise DataError(f"{path} must have an axis of examples, received the number {x}")
        x = x.astype(dtype, copy=False) if is_float(x.dtype.name) else x
        _check_finite(path, x)
        columns.append(np.ascontiguousarray(x))
    check_rows(dict(zip(paths, columns, strict=True)))
    source = iter(columns)
    return tuple(map_leaves(lambda _: next(source), inputs))


def read_examples(
    table: tuple[Any, ...], dtype: str, measure: Measure, outputs: ArrayType, suffix: str = ""
) -> Examples:
    """Check a table of examples and bring it to the dtypes that programs read.

    Parameters
    ----------
    table
        Inputs, targets, and weights or None, as the user gave them.
    dtype
        What floats become.
    measure
        Says which targets it expects.
    outputs
        Type of the network's output.
    suffix
        Of the names in messages, as in "X_val".
    """
    X, y, weight = table
    inputs = read_inputs(X, dtype, f"X{suffix}")
    return with_targets(inputs, y, weight, dtype, measure, outputs, suffix)


def with_targets(
    inputs: tuple[Any, ...],
    y: Any,
    weight: Any,
    dtype: str,
    measure: Measure,
    outputs: ArrayType,
    suffix: str = "",
) -> Examples:
    """Put targets and weights beside inputs that were read; as for `read_examples`."""
    names = [f"{part}{suffix}" for part in ("X", "y", "sample_weight")]
    targets = np.ascontiguousarray(measure.prepare(y, outputs))
    check_rows({names[0]: flatten(inputs)[0][0], names[1]: targets})
    if weight is not None:
        weight = np.ascontiguousarray(as_array(weight, dtype))
        check_rows({names[0]: flatten(inputs)[0][0], names[2]: weight})
        if weight.ndim != 1 or not np.isfinite(weight).all() or (weight < 0).any():
            raise DataError(
                f"{names[2]} must hold one finite number per example, none of them negative"
            )
    return Examples(inputs, targets, weight)


def batch_types(tree: Any) -> Any:
    """Replace every array by its type, with the number of rows left open."""
    return map_leaves(lambda x: ArrayType((BATCH, *x.shape[1:]), x.dtype.name), tree)


def check_rows(arrays: dict[str, Any]) -> None:
    """Refuse arrays of different lengths, and empty ones."""
    rows = {name: x.shape[0] if x.ndim else 0 for name, x in arrays.items()}
    if len(set(rows.values())) > 1:
        said = ", ".join(f"{name} has {n}" for name, n in rows.items())
        raise DataError(f"all arrays need the same number of rows: {said}")
    if 0 in rows.values():
        raise DataError(f"{next(iter(rows))} has no rows")


def _array(x: Any) -> Any:
    """Tables and nested lists of numbers become arrays; trees of arrays stay trees."""
    if isinstance(x, dict) or (isinstance(x, list) and any(hasattr(v, "shape") for v in x)):
        return x
    return np.asarray(x)


def _check_finite(name: str, x: Any) -> None:
    if is_float(x.dtype.name) and not np.isfinite(x).all():
        place = np.argwhere(~np.isfinite(x))[0].tolist()
        where = f"row {place[0]}" + (f", column {place[1]}" if len(place) == 2 else "")
        raise DataError(
            f"{name} holds {x[tuple(place)]} in {where}: fill or drop missing and infinite values "
            "first"
        )
