"""Tables: read them, type their columns, encode them, split them, write them.

A raw table with gaps and text goes in; what comes out is a float32 matrix, integer codes for
embedded columns, and an encoded target. Whatever is learnt from the rows (means, levels,
knots) is learnt from the training part only, lies in small frozen dataclasses, and travels
with the model as plain JSON.

=================  ==================================================================
file               idea
=================  ==================================================================
``formats``        bytes of one file format -> a frame of raw cells
``values``         what a cell means: missing, a number, a truth value, a level
``read``           anything that holds a table -> a clean frame
``columns``        what each column is, and why
``scaling``        ways to turn one column of numbers into inputs near zero
``numeric``        one numeric column: scaling and missing flag
``category``       one categorical column: one-hot inputs or codes for an embedding
``encode``         all columns of a table, fitted once, applied to any rows
``target``         the column to predict: its task, its labels, there and back
``splits``         training, validation and test rows
``sample``         tables that come with the package
``write``          a frame -> a file, whole or not at all
``stored``         strict reading of stored encodings
=================  ==================================================================

The names below load on first use, so that importing this package imports no table library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.data.columns import ColumnProfile, profile
    from chainrule.data.encode import Encoded, Encoder
    from chainrule.data.read import read_table
    from chainrule.data.sample import Sample, load_sample, sample_names
    from chainrule.data.splits import Split, split
    from chainrule.data.target import (
        TargetEncoder,
        TaskGuess,
        drop_unlabelled,
        infer_task,
        target_column,
    )
    from chainrule.data.write import write_table

_HOMES = {
    "ColumnProfile": "columns",
    "Encoded": "encode",
    "Encoder": "encode",
    "Sample": "sample",
    "Split": "splits",
    "TargetEncoder": "target",
    "TaskGuess": "target",
    "drop_unlabelled": "target",
    "infer_task": "target",
    "load_sample": "sample",
    "profile": "columns",
    "read_table": "read",
    "sample_names": "sample",
    "split": "splits",
    "target_column": "target",
    "write_table": "write",
}

__all__ = [
    "ColumnProfile",
    "Encoded",
    "Encoder",
    "Sample",
    "Split",
    "TargetEncoder",
    "TaskGuess",
    "drop_unlabelled",
    "infer_task",
    "load_sample",
    "profile",
    "read_table",
    "sample_names",
    "split",
    "target_column",
    "write_table",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
