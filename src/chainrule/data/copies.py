"""Rows that occur more than once, and what they do to scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from chainrule.data.finding import Finding
from chainrule.data.splits import Split
from chainrule.data.wording import percent

# A table of few possible rows repeats them by nature.
_DIFFERENT_SHARE = 0.5
# Fewer rows than this share are no reason to say anything.
_DISAGREEING_SHARE, _COPIES_SHARE = 0.01, 0.01
_MOST_CLASSES = 100


def find_copies(
    frame: pl.DataFrame,
    inputs: Sequence[str],
    targets: Sequence[str] = (),
    parts: Split | None = None,
) -> Iterator[Finding]:
    """Look for rows that are equal in every input.

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
    rows = _row_numbers(frame.select(inputs))
    different = int(rows.max()) + 1
    if different < _DIFFERENT_SHARE * frame.height:
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


def _row_numbers(frame: pl.DataFrame) -> np.ndarray:
    """Give equal rows equal numbers, int64 [n]; by their hashes, of 64 bits."""
    numbers: np.ndarray = np.unique(frame.hash_rows().to_numpy(), return_inverse=True)[1]
    return numbers
