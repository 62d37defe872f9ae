"""How the numbers of one column are written: decimal mark, thousands, currency, percent.

``1.234`` is a little over one, or over a thousand; one cell cannot tell, but a column can. So the
notation is found out once, from the training table, and travels with the model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from chainrule.data.stored import Fields
from chainrule.data.values import CODE, numbers, share_matching
from chainrule.errors import DataError

MARKS = (".", ",", "either")
"""Decimal marks; with ``"either"`` each cell tells by itself (``1.5``, ``1,5``, ``1.234,5``)."""

_SHARE, _ASKED_SHARE = 0.9, 0.5
_FEWEST_AMONG_WORDS = 20
# Most text is known not to be numbers by its first rows.
_SAMPLE, _SAMPLING_ERROR = 500, 0.1

_SIGNS = "[+\u2212-]"
_MONEY = r"\p{Sc}|[A-Z]{0,2}\$|USD|EUR|GBP|JPY|CNY|CHF|INR|SEK|NOK|DKK|PLN|CZK|BRL|Rs\.?|kr\.?|zł"
_CELL = (
    rf"^(?P<open>\()?(?P<sign>{_SIGNS})?\s*(?P<before>{_MONEY})?\s*(?P<minus>{_SIGNS})?\s*"
    r"(?P<body>\d[\d.,'’\s_]*|[.,]\d+)(?P<power>[eE][+-]?\d+)?"
    rf"\s*(?P<after>{_MONEY}|%|[\p{{L}}µ°][\p{{L}}\d°²³/%]{{0,7}}\.?)?(?P<close>\))?$"
)
_GROUPS = r"[\s'’_]"
# India groups by two digits, except for the last three.
_GROUPED = r"^\d{1,3}(?:MARK\d{2,3})*MARK\d{3}"


@dataclass(frozen=True)
class NumberNotation:
    """How the numbers of one column are written.

    Parameters
    ----------
    mark
        One of `MARKS`; the other one, and blanks and apostrophes, group thousands.
    unit
        The sign or unit that stands before or after numbers, ``""`` for none. After ``%`` a
        number counts in hundredths.
    words
        Whether other texts stand among the numbers. They count as missing.
    """

    mark: str = "."
    unit: str = ""
    words: bool = False

    @property
    def plain(self) -> bool:
        """Whether every program writes numbers so."""
        return self.mark == "." and not self.unit

    def read(self, column: pl.Series) -> np.ndarray:
        """Read cells as numbers: float64 [n], NaN where missing, infinite or not a number."""
        values = self._values(column)
        return np.where(np.isfinite(values), values, np.nan)

    def require(self, column: pl.Series) -> np.ndarray:
        """Read cells as numbers, like `read`, but words only if training had some.

        Raises
        ------
        DataError
            If a cell is not a number; the message names the column, the row and the value.
        """
        if column.dtype != pl.String:
            return numbers(column)
        values = self._values(column)
        wrong = np.flatnonzero(np.isnan(values) & column.is_not_null().to_numpy())
        if len(wrong) and not self.words:
            more = f" ({len(wrong)} such rows)" if len(wrong) > 1 else ""
            raise DataError(
                f"column {column.name!r}, row {wrong[0] + 1}: {column[int(wrong[0])]!r} is not a "
                f"number{more}; correct it, or leave the cell empty if the value is unknown"
            )
        return np.where(np.isfinite(values), values, np.nan)

    def _values(self, column: pl.Series) -> np.ndarray:
        if column.dtype != pl.String:
            return numbers(column)
        cells = column.unique().drop_nulls()
        if 2 * len(cells) > len(column):
            read = _parse(column, self)
        else:
            known = _parse(cells, self)
            read = column.replace_strict(cells, known, default=None, return_dtype=pl.Float64)
        return read.to_numpy().astype(np.float64)

    def describe(self) -> str:
        """Say how the numbers are written, as in "written with decimal commas"; "" if plainly."""
        marks = {".": "", ",": "with decimal commas", "either": "with decimal points and commas"}
        unit = f"in {self.unit}" if self.unit else ""
        said = " ".join(part for part in (marks[self.mark], unit) if part)
        return f"written {said}" if said else ""

    def to_dict(self) -> dict[str, object]:
        """Give everything as plain JSON values."""
        return {"mark": self.mark, "unit": self.unit, "words": self.words}

    @classmethod
    def from_fields(cls, fields: Fields) -> NumberNotation:
        """Read what `to_dict` gave; raise `ModelFileError` if it is anything else."""
        notation = cls(fields.choice("mark", MARKS), fields.text("unit"), fields.flag("words"))
        fields.end()
        return notation


PLAIN = NumberNotation()
"""Numbers as every program writes them."""


def number_notation(
    column: pl.Series, mark: str | None = None, *, asked: bool = False
) -> NumberNotation | None:
    """Find out how the numbers of a text column are written; None if it does not hold numbers.

    Parameters
    ----------
    column
        Cleaned text [n].
    mark
        The decimal mark, if it is known.
    asked
        Whether the user says that these are numbers: then half of the cells are enough. Else
        nine in ten must be numbers, and of many values: a few numbers among words are levels.

    >>> number_notation(pl.Series(["1.234,50 €", "17 €"]))
    NumberNotation(mark=',', unit='€', words=False)
    >>> number_notation(pl.Series(["3.14", "2,72"])).mark
    'either'
    """
    known = column.drop_nulls()
    share = _ASKED_SHARE if asked else _SHARE
    sample = known.head(_SAMPLE)
    if not len(sample) or share_matching(sample, _CELL) < share - _SAMPLING_ERROR:
        return None
    counted = known.value_counts(name="rows")
    cells, rows = counted.to_series(0), counted.to_series(1).to_numpy()
    parts = _parts(cells)
    notation = NumberNotation(
        mark or _mark(parts["body"].drop_nulls().str.replace_all(_GROUPS, "")), _unit(parts, rows)
    )
    read = _parse(cells, notation)
    good = read.is_not_null().to_numpy()
    if good.all():
        return notation
    if rows[good].sum() < share * rows.sum():
        return None
    codes = cells.filter(pl.Series(~good)).str.contains(CODE).any()
    if not asked and (codes or read.n_unique() <= _FEWEST_AMONG_WORDS):
        return None
    return replace(notation, words=True)


def words_among(column: pl.Series, notation: NumberNotation) -> dict[str, int]:
    """Count the texts of a column that are not numbers, the most frequent first."""
    if column.dtype != pl.String or not notation.words:
        return {}
    counted = column.drop_nulls().value_counts(name="rows")
    cells = counted.to_series(0)
    words = counted.filter(_parse(cells, notation).is_null())
    pairs: list[tuple[str, int]] = list(words.iter_rows())
    return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def _parts(cells: pl.Series) -> pl.DataFrame:
    parts = pl.col("cell").str.extract_groups(_CELL).alias("parts")
    return pl.DataFrame({"cell": cells}).with_columns(parts).unnest("parts")


def _mark(bodies: pl.Series) -> str:
    """Decide which mark stands before decimals, from the cells that leave no doubt."""
    comma_decimal, comma_groups = _evidence(bodies, ",")
    point_decimal, point_groups = _evidence(bodies, ".")
    if comma_decimal or point_groups:
        return "either" if point_decimal or comma_groups else ","
    return "."


def _evidence(bodies: pl.Series, mark: str) -> tuple[bool, bool]:
    """Look for cells where a mark can only stand before decimals, or only between thousands."""
    own, other = ("[.]", ",") if mark == "." else (",", "[.]")
    count = bodies.str.count_matches(own)
    alone = ~bodies.str.contains(other)
    # 1,234 may be either; 1,5 and 1234,567 and 0,123 cannot be thousands.
    either = bodies.str.contains(rf"^[1-9]\d{{0,2}}{own}\d{{3}}$")
    behind = bodies.str.contains(rf"{other}[^.,]*{own}[^.,]*$")
    before = bodies.str.contains(rf"{own}[^.,]*{other}[^.,]*$")
    decimal = (count == 1) & ((alone & ~either) | behind)
    groups = (count > 1) | (before & ~behind)
    return bool(decimal.any()), bool(groups.any())


def _unit(parts: pl.DataFrame, rows: np.ndarray) -> str:
    """Give the most frequent sign or unit."""
    unit = parts.select(
        pl.coalesce("before", "after").fill_null("").alias("unit"), pl.Series("rows", rows)
    )
    counted = unit.filter(pl.col("unit") != "").group_by("unit").agg(pl.col("rows").sum())
    if not counted.height:
        return ""
    most: str = counted.sort("rows", "unit", descending=[True, False])["unit"][0]
    return most


def _parse(cells: pl.Series, notation: NumberNotation) -> pl.Series:
    """Read different texts as numbers; null where one is not a number in this notation."""
    unit = pl.coalesce("before", "after", pl.lit(""))
    body = pl.col("body").str.strip_chars()
    bare = body.str.replace_all(_GROUPS, "")
    # Blanks and apostrophes stand between groups of three, or it is a telephone number.
    threes = body.str.contains(rf"^\d{{1,3}}(?:{_GROUPS}\d{{3}})+(?:[.,]\d*)?$")
    fits = (
        unit.is_in(["", notation.unit])
        & (pl.col("before").is_null() | pl.col("after").is_null())
        & (pl.col("open").is_null() == pl.col("close").is_null())
        & (~body.str.contains(_GROUPS) | threes)
        & ~bare.str.contains(r"^0\d|\d{19}")
    )
    digits = pl.when(fits).then(_pointed(bare, notation.mark))
    value = (digits + pl.col("power").fill_null("")).cast(pl.Float64, strict=False)
    minus = [pl.col(name).fill_null("").is_in(["-", "\u2212"]) for name in ("sign", "minus")]
    value = (
        pl.when(minus[0] ^ minus[1] ^ pl.col("open").is_not_null()).then(-value).otherwise(value)
    )
    if notation.unit == "%":
        value = pl.when(unit == "%").then(value / 100.0).otherwise(value)
    infinite = pl.when(pl.col("cell").str.contains(r"(?i)^[+-]?inf(inity)?$")).then(np.inf)
    return _parts(cells).select(pl.coalesce(value, infinite)).to_series()


def _pointed(bare: pl.Expr, mark: str) -> pl.Expr:
    """Write digits with a decimal point and no groups; null where the groups are not groups."""
    if mark == "either":
        commas, points = bare.str.count_matches(","), bare.str.count_matches(r"\.")
        comma_last = bare.str.contains(r",\d*$")
        by_comma = (
            pl.when((commas > 0) & (points > 0))
            .then(comma_last)
            .otherwise((commas == 1) | (points > 1))
        )
        return pl.when(by_comma).then(_pointed(bare, ",")).otherwise(_pointed(bare, "."))
    own, other = (r"\.", ",") if mark == "." else (",", r"\.")
    grouped = bare.str.contains(_GROUPED.replace("MARK", other) + rf"(?:{own}\d*)?$")
    simple = bare.str.contains(rf"^(?:\d+{own}?\d*|{own}\d+)$")
    ungrouped = bare.str.replace_all(other, "").str.replace(own, ".")
    return pl.when(grouped | simple).then(ungrouped)
