"""Tables with a defect each, and what happens to them; ``docs/dirty-tables.md`` is made from it.

``python -m tests.data.dirty_tables`` writes the page anew, and a test holds it true.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from chainrule.data import (
    Encoder,
    TargetEncoder,
    find_leaks,
    profile,
    read_with_notes,
    split_table,
)
from chainrule.errors import DataError

FOLDER = Path(__file__).parent / "dirty"
PAGE = Path(__file__).parents[2] / "docs" / "dirty-tables.md"


@dataclass(frozen=True)
class DirtyTable:
    """A file of `FOLDER`, what is wrong with it, what becomes of it, and the column to predict."""

    name: str
    target: str
    defect: str
    outcome: str

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return FOLDER / f"{self.name}.csv"


TABLES = (
    DirtyTable(
        "decimal-comma",
        "good",
        "decimal commas between separating commas",
        "read as numbers; the notation travels with the model",
    ),
    DirtyTable(
        "mixed-marks",
        "healed",
        "`2.72` and `3,14` in one column",
        "each cell is read by itself",
    ),
    DirtyTable(
        "thousands",
        "sold",
        "thousands separated as in `1,234.50`, `1.234,50`, `1 234` and `1'234.5`",
        "the column tells which mark is which",
    ),
    DirtyTable(
        "currency-and-percent",
        "paid",
        "`$1,200.00`, `($ 35.20)` for a debt, `1.200,00 €`, `12.5 %`",
        "signs are taken off, debts are below zero, a percent is a hundredth",
    ),
    DirtyTable(
        "units",
        "fits",
        "`180 cm` and `75kg`; `5 kg` beside `300 g`",
        "one unit is taken off; several would not compare, so these are levels",
    ),
    DirtyTable(
        "words-among-numbers",
        "member",
        "`unknown` and `forty-one` in a column of ages",
        "words count as missing; a frequent one has a flag of its own",
    ),
    DirtyTable(
        "missing-markers",
        "sick",
        "ten ways to write that a value is missing",
        "all are missing, which numbers flag and levels count as a level",
    ),
    DirtyTable(
        "numbers-for-missing",
        "rain",
        "-999 and -1 stand for no value",
        "found and said; `temperature=numeric:missing=-999` makes them missing",
    ),
    DirtyTable("infinities", "default", "`inf`, `-Infinity`, `1e309`", "they count as missing"),
    DirtyTable(
        "mixed-dates",
        "renewed",
        "five forms of dates in one column, `0000-00-00`, `9999-12-31` and `soon`",
        "each cell is read by its form; what is no date is missing and flagged",
    ),
    DirtyTable(
        "month-before-day",
        "late",
        "`1/31/2024`, `5:05 PM`, and moments with a time zone",
        "the order of day and month is found out; times are points on a circle; zones become UTC",
    ),
    DirtyTable(
        "dirty-header",
        "member",
        "a byte order mark, blanks, a line break, a name twice, an index without a name",
        "names are cleaned and numbered, with a note; the index is left out",
    ),
    DirtyTable(
        "no-header",
        "column_3",
        "the first line is data",
        "it is read as such, with a note; the columns are numbered",
    ),
    DirtyTable(
        "windows-spreadsheet",
        "verkauft",
        "Windows-1252 text, `sep=;`, semicolons, decimal commas",
        "read, with a note about the encoding",
    ),
    DirtyTable(
        "keys-and-constants",
        "churned",
        "a row number, three kinds of keys, a column that never varies, an empty one",
        "left out, each with its reason",
    ),
    DirtyTable(
        "free-text",
        "refund",
        "sentences that are all different, and many surnames",
        "words, pairs of words, or runs of three letters, weighted by tf-idf",
    ),
    DirtyTable(
        "rare-levels",
        "sold",
        "cities with one or two rows; stray blanks",
        "rare levels stand in for all that training never saw",
    ),
    DirtyTable("truth-values", "y", "truth in six spellings", "each is one input"),
    DirtyTable(
        "leaks",
        "churned",
        "columns that are known only after the target, and a key that sorts with it",
        "used, but said: dropping is the user's choice",
    ),
    DirtyTable(
        "copies",
        "good",
        "14 rows are there twice, three of them with another answer",
        "counted where they fall into both training and test rows",
    ),
    DirtyTable(
        "codes",
        "stays",
        "post codes and plans with leading zeros, telephone and card numbers",
        "they are no numbers: levels, or keys that are left out",
    ),
    DirtyTable("ragged", "y", "a line with a cell too many", "refused, with the line's number"),
    DirtyTable(
        "heavy-tails",
        "price",
        "amounts that are mostly zero or very skewed, the target among them",
        "ramps, asinh, and a target that is learnt as a logarithm",
    ),
    DirtyTable(
        "quotes-and-line-ends",
        "fits",
        "commas, line breaks and quotes inside of cells; Windows line ends",
        "read as they are meant",
    ),
)


@cache
def events(table: DirtyTable) -> tuple[str, ...]:
    """Say line by line what happens when a model is to be trained on a table."""
    return tuple(_events(table))


def _events(table: DirtyTable) -> Iterator[str]:
    try:
        reading = read_with_notes(table.path)
    except DataError as error:
        yield "error: " + str(error).replace(f"{FOLDER}/", "")
        return
    for note in reading.notes:
        yield "note: " + note.replace(f"{FOLDER}/", "")
    frame = reading.frame
    parts = split_table(frame, table.target)
    encoder = Encoder.fit(frame, target=table.target, rows=parts.train)
    target = TargetEncoder.fit(frame[table.target][parts.train])
    yield from encoder.describe()
    yield from ("target " + line for line in target.describe())
    kinds = profile(frame, table.target, rows=parts.train)
    for finding in find_leaks(frame, table.target, parts=parts, kinds=kinds):
        yield "finding: " + finding.text


def page() -> str:
    """Write the page from what happens."""
    lines = [
        "# Dirty tables",
        "",
        f"{len(TABLES)} small tables, each with a defect that real ones have, lie in "
        "`tests/data/dirty/`.",
        "This page is written by `python -m tests.data.dirty_tables` from what the library does",
        "with them, and a test fails when that changes.",
        "",
        "| table | what is wrong | what happens |",
        "| --- | --- | --- |",
    ]
    lines += [f"| [{t.name}](#{t.name}) | {t.defect} | {t.outcome} |" for t in TABLES]
    lines += [
        "",
        "Below is, for each, what is said when a model is to be trained on it: notes on reading,",
        "what is done to each column and to the target, and findings. The numbers are of the",
        "training rows.",
    ]
    for table in TABLES:
        lines += ["", f"## {table.name}", "", "```text", *events(table), "```"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
