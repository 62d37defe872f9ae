"""Splits of a table in words: ``random``, ``stratified``, ``group:shop``, ``time:day``, ..."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from chainrule.data.k_fold import folds
from chainrule.data.splits import Split, split
from chainrule.data.target import infer_task, target_column, target_columns
from chainrule.data.timestamps import date_notation
from chainrule.data.values import clean, numbers
from chainrule.data.wording import listing
from chainrule.errors import DataError, ParameterError

WAYS = ("auto", "random", "stratified", "group:COLUMN", "time:COLUMN", "column:COLUMN")
"""Ways to split a table. ``"auto"``: stratified where classes are predicted, else at random."""


def split_table(
    frame: pl.DataFrame,
    target: str | Sequence[str] | None = None,
    how: str = "auto",
    *,
    task: str | None = None,
    validation: float = 0.1,
    test: float = 0.2,
    seed: int = 0,
) -> Split:
    """Split the rows of a table; see `split`.

    Parameters
    ----------
    frame
        A table as `read_table` gives it.
    target
        What is to be predicted; needed to stratify.
    how
        One of `WAYS`. A column of the split is hardly an input: see `split_column`.
    task
        What `infer_task` would find out.
    validation, test, seed
        As for `split`.

    Raises
    ------
    ParameterError
        If there is no such way to split.
    DataError
        If a column is not there, or cannot be used so.

    >>> table = pl.DataFrame({"day": ["2.1.24", "1.1.24", "3.1.24", "5.1.24", "4.1.24"] * 2})
    >>> split_table(table, how="time:day").test
    array([3, 8])
    """
    rows, more = _arguments(frame, target, how, task)
    return split(rows, validation=validation, test=test, seed=seed, **more)


def fold_table(
    frame: pl.DataFrame,
    target: str | Sequence[str] | None = None,
    count: int = 5,
    how: str = "auto",
    *,
    task: str | None = None,
    validation: float = 0.1,
    seed: int = 0,
) -> tuple[Split, ...]:
    """Split the rows of a table in several ways; see `folds`, and `split_table` for the words."""
    rows, more = _arguments(frame, target, how, task)
    return folds(rows, count, validation=validation, seed=seed, **more)


def split_column(how: str) -> str | None:
    """Name the column that a way to split goes by; it should be no input of the model.

    >>> split_column("time:day"), split_column("random")
    ('day', None)
    """
    kind, colon, column = how.partition(":")
    known = {way.partition(":")[0]: ":" in way for way in WAYS}
    if kind not in known or known[kind] != bool(column) or bool(colon) != bool(column):
        raise ParameterError(f"there is no way to split {how!r}: use {listing(WAYS)}")
    return column or None


def _arguments(
    frame: pl.DataFrame, target: str | Sequence[str] | None, how: str, task: str | None
) -> tuple[Any, dict[str, Any]]:
    name = split_column(how)
    if name is not None:
        column = clean(target_column(frame, name).to_frame()).to_series()
        if how.startswith("time:"):
            return frame.height, {"time": _times(column)}
        way = "groups" if how.startswith("group:") else "given"
        return frame.height, {way: np.array(column.to_list(), object)}
    if how == "random" or (target is None and how == "auto"):
        return frame.height, {}
    if target is None:
        raise ParameterError("a stratified split needs a target")
    answers = target_columns(frame, target)
    found = task or infer_task(answers).task
    if found in ("binary", "multiclass") and isinstance(answers, pl.Series):
        return answers.to_list(), {}
    if how == "stratified":
        raise DataError(f"a split can be stratified by classes, but the task is {found!r}")
    return frame.height, {}


def _times(column: pl.Series) -> np.ndarray:
    notation = date_notation(column)
    if notation is not None:
        return notation.read(column)
    if column.dtype.is_numeric():
        return numbers(column)
    raise DataError(
        f"rows cannot be split by the time in column {column.name!r}, which holds neither dates "
        "nor numbers"
    )
