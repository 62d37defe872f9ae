"""How sequences become the input of a network: scaled channels, one length, and a mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.data.sequences.long_table import read_long_table
from chainrule.data.sequences.sequences import Sequences
from chainrule.data.sequences.ts_file import is_ts, read_ts
from chainrule.data.stored import Fields
from chainrule.data.wording import listing
from chainrule.errors import DataError, ModelFileError

_SHOWN = 8


@dataclass(frozen=True)
class SequenceEncoder:
    """Bring channels to mean 0 and deviation 1, fill gaps, and pad to one length.

    A gap gets the last number before it in its sequence, or the mean. Make one with
    `SequenceEncoder.fit`.

    Parameters
    ----------
    channels
        Names of the channels, in order.
    mean, deviation
        Of each in the training sequences.
    length
        Steps that sequences are padded to; of longer ones the end is taken.
    id, time
        The columns of a long table that tell sequences and steps apart; empty if there are none.

    >>> pair = Sequences.of([[0.0, 2.0], [1.0]])
    >>> values, mask = SequenceEncoder.fit(pair).encode(pair)
    >>> mask.tolist()
    [[True, True], [True, False]]
    """

    channels: tuple[str, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    length: int
    id: str = ""
    time: str = ""
    kind: ClassVar[str] = "sequence"

    @classmethod
    def fit(
        cls,
        sequences: Sequences,
        rows: Sequence[int] | NDArray[Any] | None = None,
        *,
        length: int | None = None,
        id: str | None = None,
        time: str | None = None,
    ) -> SequenceEncoder:
        """Fit to the training sequences.

        Parameters
        ----------
        sequences
            All of them.
        rows
            Numbers of those that train; None: all.
        length
            Steps to pad to; by default those of the longest training sequence.
        id, time
            As for `read_long_table`, for sequences to be predicted later.
        """
        chosen = sequences if rows is None else sequences.take(rows)
        values = chosen.values.astype(np.float64)
        known = np.isfinite(values)
        empty = [chosen.channels[i] for i in np.flatnonzero(~known.any(axis=0))]
        if empty:
            raise DataError(f"the channel {empty[0]!r} has no number in any training sequence")
        mean = np.nanmean(np.where(known, values, np.nan), axis=0)
        spread = np.nanstd(np.where(known, values, np.nan), axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        most = length or int(chosen.lengths.max())
        names = id or "", time or ""
        return cls(chosen.channels, tuple(mean.tolist()), tuple(spread.tolist()), most, *names)

    def types(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Give shape (without the batch) and dtype of each input of the network."""
        values = ((self.length, len(self.channels)), "float32")
        return {"values": values, "mask": ((self.length,), "bool")}

    def read(self, source: object, target: str | None = None) -> Sequences:
        """Read sequences to be predicted, with their labels if they are asked for.

        Parameters
        ----------
        source
            Sequences, a ``.ts`` file, or a long table with the columns of the training table;
            columns of labels may be absent.
        target
            The column of labels, if they are wanted.
        """
        if isinstance(source, Sequences):
            return self._suited(source)
        if isinstance(source, str | Path) and is_ts(Path(source)):
            return self._suited(read_ts(source))
        return read_long_table(
            source, target, id=self.id or None, time=self.time or None, channels=self.channels
        )

    def encode(
        self, sequences: Sequences, length: int | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Give values float32 [n, length, channels] and mask bool [n, length]."""
        self._suited(sequences)
        return self.filled(sequences).padded(length or self.length)

    def filled(self, sequences: Sequences) -> Sequences:
        """Scale the channels and fill their gaps, without padding."""
        scaled = (sequences.values - np.array(self.mean)) / np.array(self.deviation)
        scaled = np.where(np.isfinite(scaled), scaled, np.nan)
        if np.isnan(scaled).any():
            begin = np.repeat(sequences.starts[:-1], sequences.lengths)[:, None]
            step = np.arange(len(scaled))[:, None]
            last = np.maximum.accumulate(np.where(np.isnan(scaled), -1, step), axis=0)
            found = np.take_along_axis(scaled, np.maximum(last, 0), axis=0)
            scaled = np.where(last >= begin, found, 0.0)
        values = scaled.astype(np.float32)
        return Sequences(
            sequences.frame, sequences.channels, values, sequences.starts, sequences.notes
        )

    def _suited(self, sequences: Sequences) -> Sequences:
        if len(sequences.channels) != len(self.channels):
            raise DataError(
                f"the sequences have {len(sequences.channels)} channels, but the model was trained "
                f"on {len(self.channels)}: {listing(self.channels)}"
            )
        return sequences

    def describe(self) -> tuple[str, ...]:
        """Say what is done to the channels, a line each."""
        lines = [
            f"{name}: standardised by {mean:.4g} ± {deviation:.4g}"
            for name, mean, deviation in zip(self.channels, self.mean, self.deviation, strict=True)
        ]
        if len(lines) > _SHOWN:
            lines = [*lines[:_SHOWN], f"and {len(lines) - _SHOWN} more channels"]
        return (*lines, f"padded to {self.length} steps; of longer sequences the end is taken")

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain JSON values."""
        return {
            "kind": self.kind,
            "channels": list(self.channels),
            "mean": list(self.mean),
            "deviation": list(self.deviation),
            "length": self.length,
            "id": self.id,
            "time": self.time,
        }

    @classmethod
    def from_dict(cls, stored: object) -> SequenceEncoder:
        """Read what `to_dict` gave; raise `ModelFileError` if it is anything else."""
        fields = Fields(stored, "encoding")
        fields.choice("kind", (cls.kind,))
        encoder = cls(
            fields.texts("channels"),
            fields.numbers("mean"),
            fields.numbers("deviation"),
            fields.whole("length"),
            fields.text("id"),
            fields.text("time"),
        )
        fields.end()
        count = len(encoder.channels)
        sizes = (len(encoder.mean), len(encoder.deviation))
        if not count or sizes != (count, count) or min(encoder.deviation) <= 0:
            raise ModelFileError("encoding: expected a mean and a deviation for each channel")
        if not 1 <= encoder.length < 2**31:
            raise ModelFileError("encoding: sequences have at least one step")
        return encoder
