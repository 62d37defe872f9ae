"""Sequences: of unequal length out of files, in buckets, and windows of one long series.

==============  ==================================================================
file            idea
==============  ==================================================================
``sequences``   sequences beside a table with a row for each; padding and masks
``long_table``  ... out of a table with a row per step
``ts_file``     ... out of ``.ts`` files of time series collections
``encoder``     sequences -> the input of a network, fitted on the training part
``buckets``     sequences of like lengths together
``spacing``     the step between the rows of a series, and how it goes on
``series``      one long series out of a table
``outlook``     what a forecast sees, how far it goes, and the scale of both
``windows``     a series -> what came before, and what is to be forecast
==============  ==================================================================
"""

from chainrule.data.sequences.buckets import bucket_lengths, bucket_of, bucketed_batches
from chainrule.data.sequences.encoder import SequenceEncoder
from chainrule.data.sequences.long_table import read_long_table
from chainrule.data.sequences.outlook import Outlook
from chainrule.data.sequences.sequences import PART, Sequences
from chainrule.data.sequences.series import Series, as_cells, read_series
from chainrule.data.sequences.spacing import Spacing
from chainrule.data.sequences.ts_file import is_ts, read_ts
from chainrule.data.sequences.windows import Windows

__all__ = [
    "PART",
    "Outlook",
    "SequenceEncoder",
    "Sequences",
    "Series",
    "Spacing",
    "Windows",
    "as_cells",
    "bucket_lengths",
    "bucket_of",
    "bucketed_batches",
    "is_ts",
    "read_long_table",
    "read_series",
    "read_ts",
]
