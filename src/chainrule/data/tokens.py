"""Cutting texts into words and pairs of words, or into runs of three characters."""

from __future__ import annotations

import polars as pl

from chainrule.data.levels import level, rare_below
from chainrule.errors import DataError

_LIKE_NUMBER = r"^[+-]?[\d.]"
_WORD = r"[\p{L}\p{N}]+"
MOST_TOKENS = 256
"""Inputs that a text gives at the most, unless more are asked for."""

_FEWEST_ROWS = 2
# Cells of this many words are prose; shorter ones are names and codes.
_WORDS_OF_PROSE = 3
_SAMPLE = 1_000


def natural_unit(texts: pl.Series) -> str:
    """Tell what texts [n] are best cut into: ``"words"`` or ``"characters"``.

    >>> natural_unit(pl.Series(["no heat in the flat", "the lift is out of order"]))
    'words'
    """
    return "words" if word_count(texts) >= _WORDS_OF_PROSE else "characters"


def word_count(texts: pl.Series) -> float:
    """Give the median number of words, as white space parts them."""
    return float(texts.head(_SAMPLE).str.count_matches(r"\S+").median() or 0)  # type: ignore[arg-type]


def cut(texts: pl.Series, unit: str) -> pl.DataFrame:
    """Cut each text into tokens.

    Parameters
    ----------
    texts
        Text [n]; a missing one has no tokens.
    unit
        ``"words"``: words in lower case, and pairs of neighbours; ``"characters"``: runs of three
        characters of the text in lower case with a blank at both ends.

    Returns
    -------
    Columns ``row`` (from 0) and ``token``, a line for each time that a token is in a text.

    >>> cut(pl.Series(["Ann, Bo"]), "words").rows()
    [(0, 'ann'), (0, 'bo'), (0, 'ann bo')]
    """
    lower = texts.str.to_lowercase()
    rows = pl.int_range(len(texts), dtype=pl.Int64, eager=True)
    if unit == "words":
        words = _exploded(rows, lower.str.extract_all(_WORD))
        pairs = words.select(
            "row",
            token=pl.col("token") + " " + pl.col("token").shift(-1),
            same=pl.col("row") == pl.col("row").shift(-1),
        )
        return pl.concat([words, pairs.filter("same").drop("same")])
    padded = " " + lower.str.replace_all(r"\s+", " ") + " "
    starts = (padded.str.slice(i).str.extract_all("(?s).{3}") for i in range(3))
    return pl.concat([_exploded(rows, runs) for runs in starts])


def _exploded(rows: pl.Series, tokens: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"row": rows, "token": tokens}).explode("token").drop_nulls("token")


def share_common_words(texts: pl.Series) -> float:
    """Give the share of texts that hold a word which is neither rare nor nearly everywhere."""
    texts = texts.head(_SAMPLE)
    count = len(texts)
    words = _exploded(
        pl.int_range(count, dtype=pl.Int64, eager=True),
        texts.str.to_lowercase().str.extract_all(_WORD),
    ).unique()
    rows = words.group_by("token").agg(pl.len().alias("rows"))
    common = rows.filter(
        (pl.col("rows") >= max(_FEWEST_ROWS + 1, count // 50)) & (pl.col("rows") < 0.95 * count)
    )
    return words.join(common, on="token")["row"].n_unique() / max(count, 1)


def as_texts(column: pl.Series) -> pl.Series:
    """Give the cells of any column without parts as text, numbers as `level` names them.

    Raises
    ------
    DataError
        If the column holds lists or the like.

    >>> as_texts(pl.Series(["1.50", "red"])).to_list(), as_texts(pl.Series([1.5])).to_list()
    (['1.5', 'red'], ['1.5'])
    """
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        raise DataError(f"column {column.name!r} should hold text, but holds {column.dtype}")
    cells = column.unique().drop_nulls()
    if column.dtype == pl.String:
        cells = cells.filter(cells.str.contains(_LIKE_NUMBER))
    if cells.is_empty():
        return column.cast(pl.String)
    names = pl.Series([level(cell) for cell in cells.to_list()], dtype=pl.String)
    if column.dtype == pl.String:
        return column.replace(cells, names)
    return column.replace_strict(cells, names, default=None, return_dtype=pl.String)


def frequent_tokens(texts: pl.Series, unit: str, most: int = MOST_TOKENS) -> dict[str, int]:
    """Count the rows of the tokens that split known texts [n] best.

    These have the greatest variance of being there or not, ``p (1 - p)``, and are in at least
    two rows (in a hundredth of the rows or ten, whichever is less).
    """
    rows = len(texts)
    fewest = max(_FEWEST_ROWS, rare_below(rows))
    counted = cut(texts, unit).group_by("token").agg(pl.col("row").n_unique().alias("rows"))
    count = pl.col("rows").cast(pl.Int64)
    best = (
        counted.filter((pl.col("rows") >= fewest) & (pl.col("rows") < rows))
        .with_columns((count * (rows - count)).alias("spread"))
        .sort("spread", "rows", "token", descending=[True, True, False])
        .head(most)
    )
    return dict(zip(best["token"].to_list(), best["rows"].to_list(), strict=True))
