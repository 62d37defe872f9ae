"""The arrays of a model file, matched with the inputs of its program."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from chainrule.app.model.program import constants_of, name_of
from chainrule.errors import ModelFileError
from chainrule.ir import Graph
from chainrule.tracing import spec_of

Arrays = dict[str, NDArray[Any]]


def weights_of(program: Graph, data: int, arrays: Arrays) -> Arrays:
    """Give the values of a program's first inputs, by their names.

    Parameters
    ----------
    program
        As it was stored.
    data
        How many of its inputs, the last ones, are data and no weights.
    arrays
        All arrays of the file, those of the program's constants among them.

    Raises
    ------
    ModelFileError
        If an array is not there, has another type, or is not used.
    """
    weights: Arrays = {}
    for node in program.inputs[: len(program.inputs) - data]:
        name, array = name_of(program, node), arrays.get(name_of(program, node))
        if array is None or name in weights or spec_of(array) != node.type:
            raise ModelFileError(f"program: there is no array {name!r} of the type {node.type}")
        weights[name] = array
    if len(arrays) > len(weights) + constants_of(program):
        raise ModelFileError("weights: there are arrays that the program does not use")
    return weights
