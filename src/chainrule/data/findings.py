"""What looks wrong in a table: leaks of the target, copies of rows, numbers that mean "missing".

A leak is a column that will not be there, or not with these values, when the model is used: the
scores of a model that learnt from it are too good to be true. Nothing is left out on suspicion;
the findings say what to look at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule.data.associations import (
    appearance_codes,
    area_under_curve,
    blocks,
    majority_errors,
    rank_correlation,
)
from chainrule.data.columns import DROPPED, ColumnProfile, profile
from chainrule.data.copies import find_copies
from chainrule.data.finding import Finding
from chainrule.data.headers import as_names
from chainrule.data.notation import PLAIN, NumberNotation
from chainrule.data.splits import Split
from chainrule.data.sums import find_sum
from chainrule.data.target import target_column
from chainrule.data.timestamps import DateNotation
from chainrule.data.values import clean
from chainrule.data.wording import listing, percent

# Fewer rows than these, or fewer rows of a level on average, show nothing but chance.
_FEWEST_ROWS = 20
_ROWS_PER_LEVEL = 5
_MOST_ERRORS, _OF_GUESSING = 0.001, 0.1
_SAME_ORDER, _SORTED, _FEW_BLOCKS = 0.999, 0.9, 0.1
_SENTINELS = (-1, -9, -99, -999, -9999, -99999, 99, 999, 9999, 99999, 999999)
_SENTINEL_SHARE, _FEWEST_SENTINELS = 0.005, 3


def find_leaks(
    frame: pl.DataFrame,
    target: str | Sequence[str] | None = None,
    *,
    parts: Split | None = None,
    kinds: Sequence[ColumnProfile] | None = None,
) -> tuple[Finding, ...]:
    """Look for leaks of the target, copies of rows, and numbers that stand for no value.

    Below 20 rows nothing is found.

    Parameters
    ----------
    frame
        A table as `read_table` gives it.
    target
        The column or columns to predict.
    parts
        Which rows train and which do not: shows copies of training rows among the others.
    kinds
        What `profile` said about the columns, if it is at hand. Columns that were dropped as
        asked are passed over.

    >>> table = pl.DataFrame({"price": range(0, 90, 3), "label": ["low"] * 15 + ["high"] * 15})
    >>> [finding.rule for finding in find_leaks(table, "label")]
    ['tells target']
    """
    targets = as_names(target)
    if frame.height < _FEWEST_ROWS:
        return ()
    known = profile(frame, targets) if kinds is None else tuple(kinds)
    known = tuple(kind for kind in known if kind.kind not in ("drop", "unsupported", "missing"))
    cleaned = clean(frame.drop(targets, strict=False))
    columns = [_Column.of(cleaned[kind.name], kind) for kind in known]
    found: list[Finding] = []
    for name in targets:
        answers = clean(target_column(frame, name).to_frame()).to_series()
        if answers.dtype.is_nested() or answers.drop_nulls().n_unique() < 2:
            continue
        truth = _Truth.of(answers)
        leaks = [leak for column in columns for leak in _leaks(column, truth)]
        found += leaks
        if not any(leak.rule == "equals target" for leak in leaks):
            found += _sums(columns, truth)
    used = [column for column in columns if column.kind not in DROPPED]
    found += _same_columns(used)
    found += [each for column in used for each in _number_for_missing(column)]
    found += find_copies(frame, [column.name for column in used], targets, parts)
    return tuple(found)


@dataclass(frozen=True)
class _Column:
    """A column as codes of its values, and as numbers if it has an order."""

    name: str
    kind: str
    codes: np.ndarray  # int64 [n], -1 where missing
    numbers: np.ndarray | None  # float64 [n], NaN where missing

    @classmethod
    def of(cls, column: pl.Series, kind: ColumnProfile) -> _Column:
        numbers = _numbers(column, kind)
        if numbers is None and kind.kind == "identifier":
            numbers = column.rank("dense").cast(pl.Float64).fill_null(np.nan).to_numpy()
        return cls(kind.name, kind.kind, appearance_codes(column), numbers)


@dataclass(frozen=True)
class _Truth:
    """A target as classes, or as numbers."""

    name: str
    classes: np.ndarray  # int64 [n], -1 where missing
    numbers: np.ndarray | None  # float64 [n]; None for classes

    @classmethod
    def of(cls, answers: pl.Series) -> _Truth:
        classes = appearance_codes(answers)
        few = int(classes.max()) + 1 <= max(2, len(classes) // (4 * _ROWS_PER_LEVEL))
        words = answers.dtype in (pl.String, pl.Boolean)
        return cls(answers.name, classes, None if few or words else PLAIN.read(answers))


def _leaks(column: _Column, truth: _Truth) -> Iterator[Finding]:
    """Look for what one column tells about the target by itself."""
    there = (column.codes >= 0) & (truth.classes >= 0)
    for numbers in (column.numbers, truth.numbers):
        if numbers is not None:
            there &= ~np.isnan(numbers)
    names, target, rows = (column.name,), repr(truth.name), int(there.sum())
    if column.kind == "identifier":
        if rows >= _FEWEST_ROWS and _sorts(column, truth, there):
            yield Finding(
                "identifier sorts with target",
                names,
                f"the key {column.name!r} rises or falls with the target {target}: it is no "
                "input, but a split by the order of the rows would be unfair",
            )
        return
    told = _told(column, truth, there) if rows >= _FEWEST_ROWS else None
    if told:
        some = "" if rows == len(there) else f" of the {percent(rows / len(there))} that have both"
        verb = "equals" if told == "equals target" else "by itself tells"
        yield Finding(
            told,
            names,
            f"column {column.name!r} {verb} the target {target} in (nearly) all rows{some}: drop "
            "it, unless it is known before the target is",
        )
        return
    if truth.numbers is None:
        missing = column.codes < 0
        both = truth.classes >= 0
        if min(missing[both].sum(), (~missing[both]).sum()) >= _FEWEST_ROWS // 2 and _is_told(
            missing[both].astype(np.int64), truth.classes[both]
        ):
            yield Finding(
                "gap tells target",
                names,
                f"whether column {column.name!r} has a value tells the target {target} in (nearly) "
                "all rows: drop it, unless it is known before the target is",
            )


def _sums(columns: Sequence[_Column], truth: _Truth) -> Iterator[Finding]:
    """Look for columns of which the target is a sum."""
    terms = [(c.name, c.numbers) for c in columns if c.kind == "numeric" and c.numbers is not None]
    if truth.numbers is None or len(terms) < 2:
        return
    values = np.column_stack([numbers for _, numbers in terms])
    there = np.isfinite(values).all(axis=1) & np.isfinite(truth.numbers)
    if there.sum() < _FEWEST_ROWS:
        return
    names = tuple(terms[i][0] for i in find_sum(values[there], truth.numbers[there]))
    if names:
        yield Finding(
            "sum is target",
            names,
            f"columns {listing(names)} together give the target {truth.name!r}, as a sum with "
            "fixed weights: drop them, unless they are known before the target is",
        )


def _told(column: _Column, truth: _Truth, there: np.ndarray) -> str | None:
    """Tell whether a column gives the target away, by which rule."""
    codes = column.codes[there]
    values = None if column.numbers is None else column.numbers[there]
    if truth.numbers is not None:
        answers = truth.numbers[there]
        if values is None or np.ptp(values) == 0.0:
            return None
        if abs(np.corrcoef(values, answers)[0, 1]) > 1.0 - 1e-9:
            return "equals target"
        return "tells target" if abs(rank_correlation(values, answers)) > _SAME_ORDER else None
    classes = truth.classes[there]
    if len(np.unique(codes)) * _ROWS_PER_LEVEL <= len(codes):
        if not _is_told(codes, classes):
            return None
        one_to_one = majority_errors(classes, codes) == 0.0 == majority_errors(codes, classes)
        return "equals target" if one_to_one else "tells target"
    if values is None:
        return None
    different = np.unique(classes)
    if len(different) == 2 and np.bincount(classes)[different].min() >= _ROWS_PER_LEVEL:
        area = area_under_curve(classes == different[0], values)
        return "tells target" if max(area, 1.0 - area) > _SAME_ORDER else None
    changes, _ = blocks(values, classes)
    return "tells target" if changes == len(different) - 1 > 0 else None


def _is_told(codes: np.ndarray, classes: np.ndarray) -> bool:
    errors = majority_errors(codes, classes)
    guessing = majority_errors(np.zeros_like(codes), classes)
    return errors <= _MOST_ERRORS and errors <= _OF_GUESSING * guessing and guessing > 0.0


def _sorts(column: _Column, truth: _Truth, there: np.ndarray) -> bool:
    if column.numbers is None:
        return False
    order = column.numbers[there]
    if truth.numbers is not None:
        return abs(rank_correlation(order, truth.numbers[there])) > _SORTED
    changes, chance = blocks(order, truth.classes[there])
    return chance > _ROWS_PER_LEVEL and changes <= _FEW_BLOCKS * chance


def _numbers(column: pl.Series, kind: ColumnProfile) -> np.ndarray | None:
    """Read a column as numbers [n], NaN where missing; None if it has no order."""
    if isinstance(kind.notation, NumberNotation):
        return kind.notation.read(column)
    if isinstance(kind.notation, DateNotation):
        moments = kind.notation.read(column)
        return np.where(np.isnat(moments), np.nan, moments.astype(np.int64).astype(np.float64))
    return PLAIN.read(column) if column.dtype.is_numeric() else None


def _same_columns(columns: Sequence[_Column]) -> Iterator[Finding]:
    """Look for columns that say the same; of many different numbers, only if they are equal."""
    seen: dict[bytes, str] = {}
    for column in columns:
        if (column.codes.max() + 1) * _ROWS_PER_LEVEL <= len(column.codes):
            key = column.codes.tobytes()
        elif column.numbers is not None:
            key = column.numbers.tobytes()
        else:
            continue
        first = seen.setdefault(key, column.name)
        if first != column.name:
            yield Finding(
                "same columns",
                (first, column.name),
                f"columns {first!r} and {column.name!r} say the same: one of them is enough",
            )


def _number_for_missing(column: _Column) -> Iterator[Finding]:
    """Look for numbers such as -999 that stand far outside of all others."""
    if column.kind != "numeric" or column.numbers is None:
        return
    values = column.numbers[~np.isnan(column.numbers)]
    for number in _SENTINELS:
        same = values == number
        count, others = int(same.sum()), values[~same]
        if count < max(_FEWEST_SENTINELS, _SENTINEL_SHARE * len(values)) or len(others) < count:
            continue
        low, high = float(others.min()), float(others.max())
        below = number < 0 <= low and len(np.unique(others)) > _ROWS_PER_LEVEL
        if below or number > high + 0.5 * (high - low) > high:
            yield Finding(
                "number for missing",
                (column.name,),
                f"column {column.name!r} is {number} in {count} rows, and else from {low:g} to "
                f"{high:g}: if it stands for no value, say "
                f"{column.name}=numeric:missing={number}",
            )
