"""Tables: read them, type their columns, encode them, split them, write them.

A raw table with gaps, text, dates and all kinds of dirt goes in; what comes out is a float32
matrix, integer codes for embedded columns, and an encoded target. Whatever is learnt from the
rows (means, levels, knots, words) is learnt from the training part only, lies in small frozen
dataclasses, and travels with the model as plain JSON.

=====================  ==============================================================
file                   idea
=====================  ==============================================================
``formats``            bytes of one file format -> a frame of raw cells
``memory``             a table that a program holds, of any library -> raw columns
``headers``            names of columns, made usable
``values``             what a cell means wherever it stands: missing, a number, text
``read``               anything that holds a table -> a clean frame
``levels``             which cells say the same, and the code that stands for each
``notation``           how the numbers of a column are written
``timestamps``         how dates are written, and reading them
``tokens``             texts, cut into words or runs of characters
``overrides``          what the user says about columns
``columns``            what each column is, and why
``scaling``            ways to turn one column of numbers into inputs near zero
``numeric``            one numeric column: scaling and flags
``category``           one categorical column: one-hot inputs or codes for an embedding
``date``               one column of dates: time elapsed, and places in the calendar
``text``               one column of text: weighted counts of tokens
``encode``             all columns of a table, fitted once, applied to any rows
``target``             what is to be predicted: its task, there and back
``label_target``       ... a class
``label_set_target``   ... any of several labels
``number_target``      ... a number or a count
``splits``             training, validation and test rows
``k_fold``             several splits, so that each row tests once
``table_splits``       splits of a table, in words
``findings``           leaks of the target, and numbers that stand for no value
``finding``            ... one of them
``copies``             ... rows that occur more than once
``associations``       how much one column tells about another
``scores``             how good predictions are
``sample``             tables that come with the package
``write``              a frame -> a file, whole or not at all
``table``              a table as other rooms hold it
``stored``             strict reading of stored encodings
``wording``            names and shares as messages put them
``silence``            no traces of panics on the screen
``images/``            pictures: folders, files, arrays, and their encoding
``language/``          text files, their tokens, and stretches of them
``loading``            pieces of a data set, made in the background
``sequences/``         sequences of unequal length, buckets of them, windows of a series
=====================  ==============================================================

The names below load on first use, so that importing this package imports no table library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.data.columns import ColumnProfile, profile
    from chainrule.data.encode import Encoded, Encoder
    from chainrule.data.finding import Finding
    from chainrule.data.findings import find_leaks
    from chainrule.data.k_fold import folds
    from chainrule.data.overrides import split_overrides
    from chainrule.data.read import read_table, read_with_notes
    from chainrule.data.sample import Sample, load_sample, sample_names
    from chainrule.data.splits import Split, split
    from chainrule.data.table import Reading
    from chainrule.data.table_splits import fold_table, split_column, split_table
    from chainrule.data.target import (
        TargetEncoder,
        TaskGuess,
        drop_unlabelled,
        infer_task,
        target_column,
        target_columns,
    )
    from chainrule.data.write import write_table

_HOMES = {
    "ColumnProfile": "columns",
    "Encoded": "encode",
    "Encoder": "encode",
    "Finding": "finding",
    "Reading": "table",
    "Sample": "sample",
    "Split": "splits",
    "TargetEncoder": "target",
    "TaskGuess": "target",
    "drop_unlabelled": "target",
    "find_leaks": "findings",
    "fold_table": "table_splits",
    "folds": "k_fold",
    "infer_task": "target",
    "load_sample": "sample",
    "profile": "columns",
    "read_table": "read",
    "read_with_notes": "read",
    "sample_names": "sample",
    "split": "splits",
    "split_column": "table_splits",
    "split_overrides": "overrides",
    "split_table": "table_splits",
    "target_column": "target",
    "target_columns": "target",
    "write_table": "write",
}

__all__ = [
    "ColumnProfile",
    "Encoded",
    "Encoder",
    "Finding",
    "Reading",
    "Sample",
    "Split",
    "TargetEncoder",
    "TaskGuess",
    "drop_unlabelled",
    "find_leaks",
    "fold_table",
    "folds",
    "infer_task",
    "load_sample",
    "profile",
    "read_table",
    "read_with_notes",
    "sample_names",
    "split",
    "split_column",
    "split_overrides",
    "split_table",
    "target_column",
    "target_columns",
    "write_table",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
