"""What happens to dirty tables: one file and one defect each."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from chainrule.data import Encoder, TargetEncoder, read_table, read_with_notes, split_table
from chainrule.data.date import DateColumn
from chainrule.data.numeric import NumericColumn
from chainrule.errors import DataError
from tests.data.dirty_tables import FOLDER, PAGE, TABLES, DirtyTable, events, page

SOUND = [table for table in TABLES if table.name != "ragged"]

# What the page must say of each table, whatever else it says.
HAPPENS = {
    "decimal-comma": ["acidity: number", "sugar: number", "written with decimal commas"],
    "mixed-marks": ["dose: number; ", "written with decimal points and commas"],
    "thousands": ["english: number; ", "german: number", "french: number", "swiss: number"],
    "currency-and-percent": ["written in $", "written with decimal commas in €", "written in %"],
    "units": ["written in cm", "written in kg", "parcel: categorical with 3 levels"],
    "words-among-numbers": ["age: number; ", "missing (8.9 %) -> mean, and flagged"],
    "missing-markers": ["girth: number; ", "-> mean, and flagged", "has its own"],
    "numbers-for-missing": ["temperature=numeric:missing=-999", "wind=numeric:missing=-1"],
    "infinities": ["ratio: number; ", "rate: number; ", "-> mean, and flagged"],
    "mixed-dates": ["joined: date; days elapsed", "missing (7.1 %) flagged"],
    "month-before-day": ["day: date", "clock: time of day; time of day: 2 inputs", "stamp: date"],
    "dirty-header": [
        "now also 'visits_2'",
        "height (cm): number",
        "unnamed_1: dropped; identifier",
    ],
    "no-header": ["the first line holds numbers"],
    "windows-spreadsheet": ["read as Windows-1252", "Größe: number", "Stadt: categorical"],
    "keys-and-constants": [
        "row: dropped; identifier: counts up",
        "customer: dropped; identifier",
        "session: dropped; identifier",
        "account_id: dropped; identifier",
        "country: dropped; constant",
        "remark: dropped; missing",
    ],
    "free-text": ["complaint: text; tf-idf of", "words and pairs of words", "runs of three"],
    "rare-levels": ["city: categorical", "rare levels (0.36 %) count as unseen"],
    "truth-values": [f"{name}: boolean with 2 levels" for name in "abcdef"],
    "leaks": [
        "key 'id' rises or falls with the target",
        "'status' equals the target",
        "whether column 'closed' has a value tells the target",
        "'score' by itself tells the target",
    ],
    "copies": ["validation rows (33 %) equal a training row", "6 rows (9.4 %) equal another row"],
    "codes": ["zip: categorical", "plan: categorical", "phone: dropped", "card: dropped"],
    "ragged": ["error: 'ragged.csv', line 4: 3 cells, but the header has 2 cells"],
    "heavy-tails": ["ramps from 0", "heavy tail: asinh", "target price", "skewed: ln(1 + y /"],
    "quotes-and-line-ends": ["shape: categorical with 3 levels"],
}


def test_every_file_has_its_line_on_the_page() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {table.name for table in TABLES}
    assert list(HAPPENS) == [table.name for table in TABLES]
    assert len(TABLES) >= 20


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_this_is_what_happens(table: DirtyTable) -> None:
    said = "\n".join(events(table))
    for part in HAPPENS[table.name]:
        assert part in said


def test_the_page_is_true() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.data.dirty_tables"


@pytest.mark.parametrize("table", SOUND, ids=lambda table: table.name)
def test_every_row_becomes_finite_inputs_alone_as_among_others(table: DirtyTable) -> None:
    path, name = table.path, table.target
    frame = read_with_notes(path).frame
    parts = split_table(frame, name)
    encoder = Encoder.fit(frame, target=name, rows=parts.train)
    encoder = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict(), allow_nan=False)))
    inputs = encoder.transform(path).numeric
    assert inputs.shape == (frame.height, len(encoder.feature_names))
    assert np.isfinite(inputs).all()
    # One row from memory, its cells as text: what a service would get.
    cells = frame.row(0, named=True)
    alone = {name: [None if cell is None else str(cell)] for name, cell in cells.items()}
    np.testing.assert_array_equal(encoder.transform(alone).numeric[0], inputs[0])
    target = TargetEncoder.fit(frame[name])
    assert np.isfinite(target.encode(frame[name])).all()


# ---------------------------------------------------------------------------------------------
# Numbers that can be checked by looking into the files.


def numbers(name: str, column: str) -> list[float]:
    """The numbers that the cells of a column are read as."""
    frame = read_with_notes(FOLDER / f"{name}.csv").frame
    (found,) = Encoder.fit(frame.select(column)).columns
    assert isinstance(found, NumericColumn)
    return [float(number) for number in found.notation.read(frame[column])]


def cells(name: str, column: str) -> list[str]:
    """The cells as they stand in the file."""
    return read_with_notes(FOLDER / f"{name}.csv", as_text=[column]).frame[column].to_list()


@pytest.mark.parametrize(
    ("name", "column", "text"),
    [
        ("decimal-comma", "acidity", lambda x: f"{x:.2f}".replace(".", ",")),
        ("thousands", "english", lambda x: f"{x:,.2f}"),
        ("thousands", "german", lambda x: f"{x:,.2f}".translate(str.maketrans(",.", ".,"))),
        ("thousands", "french", lambda x: f"{x:,.0f}".replace(",", "\u202f")),
        ("thousands", "swiss", lambda x: f"{x:,.1f}".replace(",", "'")),
        ("currency-and-percent", "discount", lambda x: f"{100 * x:.1f} %"),
        ("units", "height", lambda x: f"{x:.0f} cm"),
    ],
)
def test_a_number_written_back_is_the_cell(
    name: str, column: str, text: Callable[[float], str]
) -> None:
    assert list(map(text, numbers(name, column))) == cells(name, column)


def test_a_debt_in_parentheses_is_below_zero() -> None:
    name, column = "currency-and-percent", "balance"
    debts = ["(" in cell for cell in cells(name, column)]
    assert debts == [number < 0.0 for number in numbers(name, column)]


def test_a_leaking_table_is_honest_once_its_columns_are_dropped() -> None:
    frame = read_table(FOLDER / "leaks.csv")
    wishes = dict.fromkeys(["status", "closed", "score"], "drop")
    assert Encoder.fit(frame, target="churned", overrides=wishes).feature_names == ("orders",)


def test_a_number_for_missing_is_flagged_once_it_is_said() -> None:
    frame = read_table(FOLDER / "numbers-for-missing.csv")
    wishes = {"temperature": "numeric:missing=-999"}
    first = Encoder.fit(frame, target="rain", overrides=wishes).columns[0]
    assert isinstance(first, NumericColumn)
    assert (first.minimum, first.missing_share) == (0.8, pytest.approx(8 / 60))


def test_the_month_stands_before_the_day() -> None:
    frame = read_table(FOLDER / "month-before-day.csv")
    day = Encoder.fit(frame, target="late").columns[0]
    assert isinstance(day, DateColumn)
    assert day.notation.order == "mdy"


def test_a_ragged_table_is_refused() -> None:
    with pytest.raises(DataError, match="line 4: 3 cells, but the header has 2 cells"):
        read_table(FOLDER / "ragged.csv")


def test_cells_may_hold_line_breaks() -> None:
    shapes = set(read_table(FOLDER / "quotes-and-line-ends.csv")["shape"].to_list())
    assert shapes == {"small, round", "long\nand thin", 'a 5" pipe'}
