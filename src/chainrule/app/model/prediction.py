"""The program that predicts: traced from a network, run on blocks of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import chainrule.numpy as cnp
from chainrule import nn
from chainrule.app.model.kinds import BATCH, AnyEncoder, data_types
from chainrule.data import TargetEncoder
from chainrule.execute import numpy as numpy_executor
from chainrule.ir import Graph, bind, element_count, itemsize
from chainrule.tracing import capture

# Bytes that the values of one block may take, and the most rows: more would not be faster.
_BLOCK_BYTES = 2**28
_BLOCK_ROWS = 2**16


def prediction_program(network: nn.Module, encoder: AnyEncoder, target: TargetEncoder) -> Graph:
    """Trace what a network predicts, for any number of rows.

    Returns
    -------
    A program whose inputs are the arrays of the network, by their paths, then those of
    `data_types`. Its output: probabilities [batch, classes], or encoded numbers, [batch] or
    [batch, outputs] of several targets.
    """
    data = data_types(encoder)

    def predict(network: nn.Module, *inputs: Any) -> Any:
        outputs = network(*inputs)
        if target.task == "multioutput":
            return outputs
        if not target.classes:
            return outputs[:, 0]
        if target.task == "multilabel":
            return cnp.sigmoid(outputs)
        if target.task == "binary":
            # Each by its own sigmoid: one minus a probability near one has lost its digits.
            return cnp.concat([cnp.sigmoid(-outputs), cnp.sigmoid(outputs)], axis=1)
        return cnp.softmax(outputs)

    return capture(predict, [network, *data.values()], ["", *data]).graph


def run_in_blocks(
    program: Graph, weights: Sequence[NDArray[Any]], rows: Sequence[NDArray[Any]]
) -> NDArray[Any]:
    """Run a prediction program on the NumPy executor, in blocks of rows that fit into memory.

    Parameters
    ----------
    weights, rows
        Values of the program's inputs; those of `rows` have one entry per row.
    """
    size = min(max(_BLOCK_BYTES // max(bytes_per_row(program), 1), 1), _BLOCK_ROWS)
    parts = [
        numpy_executor.run(program, [*weights, *(x[i : i + size] for x in rows)])[0]
        for i in range(0, len(rows[0]), size)
    ]
    return np.concatenate(parts)


def bytes_per_row(program: Graph) -> int:
    """Count the bytes of all values that a run on one row computes: a bound of its memory."""
    total = 0
    for node in program.nodes[len(program.inputs) :]:
        shape = bind(node.type.shape, {BATCH: 1})
        total += int(element_count(shape)) * itemsize(node.type.dtype)
    return total
