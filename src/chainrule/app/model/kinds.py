"""Tables, pictures and sequences: all that differs between them, in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from chainrule.app.model.scoring import left_out
from chainrule.data import Encoder, TargetEncoder, drop_unlabelled
from chainrule.data.images import ImageEncoder, Pictures
from chainrule.data.read import read_with_notes
from chainrule.data.sequences import PART, SequenceEncoder, Sequences
from chainrule.data.stored import Fields
from chainrule.data.table import Reading
from chainrule.errors import DataError
from chainrule.ir import ArrayType, Dim

BATCH = "batch"
"""The one size that is open: the number of examples."""

TABLE = "table"
"""The kind of a model whose encoding stores none, as all did at first."""

AnyEncoder = Encoder | ImageEncoder | SequenceEncoder
"""How examples of one kind become the inputs of a network."""

Samples = Reading | Pictures | Sequences
"""Examples as they were read, beside a table with a row for each."""

Media = TypeVar("Media", Pictures, Sequences)
"""Pictures or sequences, and the same again."""


def kind_of(encoder: AnyEncoder) -> str:
    """Name the kind: "table", "images" or "sequence"."""
    return TABLE if isinstance(encoder, Encoder) else encoder.kind


def encoder_from_dict(stored: Any) -> AnyEncoder:
    """Read what any encoder's ``to_dict`` gave; raise `ModelFileError` if it is anything else."""
    if not isinstance(stored, Mapping) or "kind" not in stored:
        return Encoder.from_dict(stored)
    kinds: tuple[type[ImageEncoder] | type[SequenceEncoder], ...] = (ImageEncoder, SequenceEncoder)
    kind = Fields(stored, "encoding").choice("kind", [each.kind for each in kinds])
    return next(each for each in kinds if each.kind == kind).from_dict(stored)


def data_types(encoder: AnyEncoder) -> dict[str, ArrayType]:
    """Name and type of each array that encoded examples consist of, as a network's call takes them.

    Of a table they are ``numeric`` [batch, features] and, if columns are embedded, ``codes``
    [batch, columns].
    """
    if isinstance(encoder, Encoder):
        numeric = ArrayType((Dim(BATCH), len(encoder.feature_names)), "float32")
        codes = ArrayType((Dim(BATCH), len(encoder.embedded)), "int32")
        return {"numeric": numeric, "codes": codes} if encoder.embedded else {"numeric": numeric}
    return {
        name: ArrayType((Dim(BATCH), *shape), dtype)
        for name, (shape, dtype) in encoder.types().items()
    }


def read(encoder: AnyEncoder, source: object) -> Samples:
    """Read examples to be predicted, from a path or whatever else the encoder takes."""
    return encoder.read(source)


def read_labelled(encoder: AnyEncoder, target: TargetEncoder, source: object) -> Samples:
    """Read examples that hold the answers; those without one are left out, which a note says.

    Of a data set that comes with a split, only the test part is taken.

    Raises
    ------
    DataError
        If no example has an answer.
    """
    if isinstance(encoder, Encoder):
        as_text = encoder.text_columns + target.text_columns
        reading = read_with_notes(source, as_text=as_text)
        frame, unlabelled = drop_unlabelled(reading.frame, target.names)
        told = (left_out(unlabelled, target.name),) if unlabelled else ()
        return Reading(frame, reading.notes + told)
    if isinstance(encoder, ImageEncoder):
        return labelled(tested(encoder.read(source, target.name)), target.names)
    return labelled(tested(encoder.read(source, target.name)), target.names)


def tested(samples: Media) -> Media:
    """Give the test part of a data set that comes with a split; all of any other."""
    if PART not in samples.frame.columns:
        return samples
    rows = (samples.frame[PART] == "test").to_numpy()
    if not rows.any():
        return samples
    taken: Media = samples.take(rows)
    note = f"the data come with a split: {len(taken):,} of {len(samples):,} are its test part"
    return replace(taken, notes=(*taken.notes, note))


def labelled(samples: Media, targets: Sequence[str]) -> Media:
    """Leave out examples without an answer, and say so."""
    if not set(targets) & set(samples.frame.columns):
        raise DataError(
            f"nothing says what the right answers are: there is no {targets[0]!r} (a sub-folder "
            "for each class, or a column of that name)"
        )
    marked = samples.frame.with_row_index("\0row")
    frame, unlabelled = drop_unlabelled(marked, targets)
    if not unlabelled:
        return samples
    taken: Media = samples.take(frame["\0row"].to_numpy())
    return replace(taken, notes=(*taken.notes, left_out(unlabelled, ", ".join(targets))))


def encode(
    encoder: AnyEncoder, samples: Samples
) -> tuple[tuple[NDArray[Any], ...], tuple[str, ...]]:
    """Encode examples of the encoder's kind.

    Returns
    -------
    The arrays of `data_types`, and notes that are not among those of the samples.
    """
    if isinstance(encoder, ImageEncoder) and isinstance(samples, Pictures):
        return (encoder.encode(samples),), ()
    if isinstance(encoder, SequenceEncoder) and isinstance(samples, Sequences):
        return encoder.encode(samples), ()
    if isinstance(encoder, Encoder):
        encoded = encoder.transform(samples.frame)
        arrays = (encoded.numeric, np.asarray(encoded.codes))
        return arrays[: len(data_types(encoder))], encoded.notes
    raise DataError(f"the model takes {kind_of(encoder)}, not {type(samples).__name__.lower()}")
