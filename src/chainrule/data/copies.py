"""Rows that occur more than once, and what they do to scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from chainrule.data.finding import Finding
from chainrule.data.splits import Split
from chainrule.data.wording import percent

# A table of few possible rows repeats them by nature: independent columns would give so many
# pairs of equal rows, and columns are never independent.
_TIMES_CHANCE, _PAIRS_MARGIN = 3.0, 2
# Fewer rows than this share are no reason to say anything.
_DISAGREEING_SHARE, _COPIES_SHARE = 0.01, 0.01
_MOST_CLASSES = 100


def find_copies(
    frame: pl.DataFrame,
    inputs: Sequence[str],
    targets: Sequence[str] = (),
    parts: Split | None = None,
) -> Iterator[Finding]:
    """Look for rows that are equal in every input, if there are more than chance explains.

    Parameters
    ----------
    frame
        The table.
    inputs, targets
        Names of the columns.
    parts
        Which rows train and which do not. With it, copies of training rows in the other parts
        are found; without it, copies in the whole table.
    """
    if not inputs:
        return
    chosen = frame.select(inputs)
    rows = _row_numbers(chosen)
    different = int(rows.max()) + 1
    chance = _pairs_by_chance(chosen)
    if _pairs(np.bincount(rows)) <= _PAIRS_MARGIN + _TIMES_CHANCE * chance:
        return
    if parts is None:
        copies = frame.height - different
        if copies > _COPIES_SHARE * frame.height:
            yield Finding(
                "copies",
                (),
                f"{copies} rows ({percent(copies / frame.height)}) are copies of another row in "
                "every input: if they are mistakes, leave them out",
            )
    else:
        yield from _across(rows, parts)
    for target in targets:
        answers = frame[target]
        if answers.dtype.is_nested() or answers.n_unique() > _MOST_CLASSES:
            continue
        pairs = pl.DataFrame({"row": rows, "answer": answers})
        differ = pairs.group_by("row").agg(pl.col("answer").n_unique().alias("answers"), pl.len())
        count = int(differ.filter(pl.col("answers") > 1)["len"].sum())
        if count > _DISAGREEING_SHARE * frame.height:
            yield Finding(
                "copies disagree",
                (target,),
                f"{count} rows ({percent(count / frame.height)}) equal another row in every input "
                f"but not in {target!r}: no model can be right on all of them",
            )


def _across(rows: np.ndarray, parts: Split) -> Iterator[Finding]:
    for name, part in (("validation", parts.validation), ("test", parts.test)):
        count = int(np.isin(rows[part], rows[parts.train]).sum())
        if count:
            yield Finding(
                "copies across split",
                (),
                f"{count} of {len(part)} {name} rows ({percent(count / len(part))}) equal a "
                "training row in every input: if they are copies and not only alike, the score "
                "measures memory on them; leave copies out, or split by a group that keeps them "
                "together",
            )


def _pairs(counts: np.ndarray) -> float:
    """Count the pairs of equal rows, from how often each occurs."""
    return float((counts * (counts - 1.0) / 2.0).sum())


def _pairs_by_chance(frame: pl.DataFrame) -> float:
    """Expect so many pairs of equal rows if the columns were independent."""
    expected = all_pairs = frame.height * (frame.height - 1.0) / 2.0
    for column in frame:
        expected *= _pairs(column.value_counts().to_series(1).to_numpy()) / all_pairs
    return expected


def _row_numbers(frame: pl.DataFrame) -> np.ndarray:
    """Give equal rows equal numbers, int64 [n]; by their hashes, of 64 bits."""
    numbers: np.ndarray = np.unique(frame.hash_rows().to_numpy(), return_inverse=True)[1]
    return numbers
