"""Sequences of unequal length: their steps one below the other, and a table with a row for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.errors import DataError, ParameterError

PART = "part"
"""The column of a given split, if there is one."""


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences of steps, each step a number per channel.

    Parameters
    ----------
    frame
        A row for each sequence: what names it, the label if it is known, and perhaps `PART`.
    channels
        What the numbers of a step are.
    values
        float32 [steps of all, channels]; NaN where a number is missing.
    starts
        int64 [sequences + 1]: sequence i has the steps from ``starts[i]`` to ``starts[i + 1]``.
    notes
        What a user should know.

    >>> two = Sequences.of([[[1.0], [2.0]], [[3.0]]], ["up", "flat"])
    >>> two.lengths.tolist(), two[0].tolist()
    ([2, 1], [[1.0], [2.0]])
    """

    frame: pl.DataFrame
    channels: tuple[str, ...]
    values: NDArray[np.float32]
    starts: NDArray[np.int64]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        sequences: Sequence[Any],
        labels: Sequence[Any] | None = None,
        channels: Sequence[str] | None = None,
    ) -> Sequences:
        """Make sequences of arrays.

        Parameters
        ----------
        sequences
            Arrays (steps, channels), or (steps,) for a single channel; steps may differ.
        labels
            None, or the label of each.
        channels
            Names; ``channel_1`` and so on if none are given.
        """
        arrays = [np.asarray(each, np.float32) for each in sequences]
        arrays = [each[:, None] if each.ndim == 1 else each for each in arrays]
        if not arrays:
            raise DataError("there are no sequences")
        for i, each in enumerate(arrays):
            if each.ndim != 2 or not each.size or each.shape[1] != arrays[0].shape[1]:
                raise DataError(
                    f"sequence {i + 1} has the shape {each.shape}; expected (steps, "
                    f"{arrays[0].shape[-1]}), as the first has, and at least one step"
                )
        count = arrays[0].shape[1]
        names = tuple(channels or (f"channel_{i + 1}" for i in range(count)))
        if len(names) != count:
            raise DataError(f"there are {count} channels, but {len(names)} names for them")
        frame = pl.DataFrame({"sequence": np.arange(1, len(arrays) + 1)})
        if labels is not None:
            if len(labels) != len(arrays):
                raise DataError(f"{len(arrays):,} sequences, but {len(labels):,} labels")
            frame = frame.with_columns(pl.Series("label", labels))
        starts = np.concatenate([[0], np.cumsum([len(each) for each in arrays])])
        return cls(frame, names, np.concatenate(arrays), starts)

    def __len__(self) -> int:
        return self.frame.height

    def __getitem__(self, i: int) -> NDArray[np.float32]:
        """Give one sequence, [steps, channels]."""
        if not 0 <= i < len(self):
            raise IndexError(f"there is no sequence {i} among {len(self)}")
        return self.values[self.starts[i] : self.starts[i + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Count the steps of each, int64 [sequences]."""
        return np.diff(self.starts)

    def take(self, rows: Any) -> Sequences:
        """Give some of them, by their numbers or by a truth value for each."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        steps = [np.arange(self.starts[i], self.starts[i + 1]) for i in rows]
        chosen = np.concatenate([np.empty(0, np.int64), *steps])
        starts = np.concatenate([[0], np.cumsum(self.lengths[rows], dtype=np.int64)])
        return replace(self, frame=self.frame[rows], values=self.values[chosen], starts=starts)

    def padded(self, length: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Bring all to one length: shorter ones get zeros behind, of longer ones the end is kept.

        Returns
        -------
        values
            float32 [sequences, length, channels].
        mask
            bool [sequences, length]: where a step is real.
        """
        if length < 1:
            raise ParameterError(f"sequences have at least one step, received {length}")
        kept = np.minimum(self.lengths, length)
        mask = np.arange(length) < kept[:, None]
        values = np.zeros((len(self), length, len(self.channels)), np.float32)
        places = (self.starts[1:] - kept)[:, None] + np.arange(length)
        values[mask] = self.values[places[mask]]
        return values, mask
