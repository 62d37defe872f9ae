"""Reading: every format, and one clear sentence for every file that is not a table."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import load_sample, read_table
from chainrule.data.formats import parse
from chainrule.errors import DataError

FRAME = pl.DataFrame({"age": [41, None, 17], "name": ["Ann", "Bo", None], "score": [0.5, 2.0, 1.5]})


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, bytes | str], Path]:
    def write(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def test_a_csv_file_is_read_with_natural_types(file: Callable[..., Path]) -> None:
    path = file("a.csv", "age,name,score\n41,Ann,.5\n?, Bo ,2\n17,N/A,1.5\n")
    assert read_table(path).equals(FRAME)
    assert read_table(str(path)).equals(FRAME)


@pytest.mark.parametrize("marker", ["", "?", "NA", "N/A", "NaN", "null", "None", "-", "   ", " ? "])
def test_each_marker_of_a_missing_cell_becomes_null(file: Callable[..., Path], marker: str) -> None:
    frame = read_table(file("a.csv", f"x,y\n1,a\n{marker},b\n3,{marker}\n"))
    assert frame.rows() == [(1, "a"), (None, "b"), (3, None)]


def test_tabs_json_lines_parquet_and_arrow_are_read(tmp_path: Path) -> None:
    FRAME.write_csv(tmp_path / "a.tsv", separator="\t")
    FRAME.write_ndjson(tmp_path / "a.jsonl")
    FRAME.write_parquet(tmp_path / "a.parquet")
    FRAME.write_ipc(tmp_path / "a.arrow")
    FRAME.write_ipc_stream(tmp_path / "a.feather")
    for name in ("a.tsv", "a.jsonl", "a.parquet", "a.arrow", "a.feather"):
        assert read_table(tmp_path / name).equals(FRAME), name


@pytest.mark.parametrize("name", ["a.csv.gz", "a.CSV.GZ", "packed-after-all.csv"])
def test_packed_text_is_unpacked(file: Callable[..., Path], name: str) -> None:
    assert read_table(file(name, gzip.compress(b"x,y\n1,2\n"))).rows() == [(1, 2)]


def test_the_format_may_be_given_whatever_the_ending(file: Callable[..., Path]) -> None:
    assert read_table(file("a.txt", "x\ty\n1\t2\n"), format="tsv").rows() == [(1, 2)]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_of_a_csv_file_is_found(file: Callable[..., Path], separator: str) -> None:
    text = "\n".join(separator.join(row) for row in [("x", "y"), ("1", "a b"), ("2", "c")])
    assert read_table(file("a.csv", text)).rows() == [(1, "a b"), (2, "c")]


def test_decimal_commas_are_read_between_semicolons(file: Callable[..., Path]) -> None:
    frame = read_table(file("a.csv", "x;y\n1,5;2\n-3;4,25\n"))
    assert frame.rows() == [(1.5, 2.0), (-3.0, 4.25)]


def test_one_column_needs_no_separator(file: Callable[..., Path]) -> None:
    assert read_table(file("a.csv", "x\n1\n\n2\n")).rows() == [(1,), (None,), (2,)]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfx,y\n1,\xc3\xa9\n",
        "x,y\n1,\xe9\n".encode("utf-16"),
        b"x,y\r\n1,\xc3\xa9\r\n\r\n",
        b"x,y\r1,\xc3\xa9\r",
        b'x,y\n1,"\xc3\xa9"',
        b"\n\nx,y\n\n1,\xc3\xa9\n",
    ],
    ids=["mark", "utf-16", "crlf", "cr", "quoted", "blank lines"],
)
def test_marks_and_line_ends_make_no_difference(file: Callable[..., Path], content: bytes) -> None:
    assert read_table(file("a.csv", content)).rows() == [(1, "é")]


def test_quotes_protect_separators_and_line_ends(file: Callable[..., Path]) -> None:
    frame = read_table(file("a.csv", 'x,y\n1,"a,b\nc"\n2,5" pipe\n'))
    assert frame.rows() == [(1, "a,b\nc"), (2, '5" pipe')]


def test_column_names_are_stripped_and_blank_ones_filled(file: Callable[..., Path]) -> None:
    assert read_table(file("a.csv", ", age ,\n0,1,2\n")).columns == ["column_1", "age", "column_3"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", " \n\n", "is empty"),
        ("a.parquet", "", "is empty"),
        ("a.csv", "x,y\n", "has column names but no rows"),
        ("a.csv", "x,y\n1,2\n3,4,5\n", "line 3: 3 cells, but the header has 2 cells"),
        ("a.csv", "x,y\n1,2\n3\n", "line 3: 1 cell, but the header has 2 cells"),
        ("a.csv", 'x,y\n"1\n1",2\n3\n', "line 4: 1 cell"),
        ("a.csv", "x,y, x\n1,2,3\n", "more than one column is called 'x'"),
        ("a.csv", b"x,y\n1,2\n3,\xe9\n", r"line 3: byte 0xe9 is not UTF-8 text.*save the file"),
        ("a.csv", b"PK\x03\x04abc", "spreadsheet"),
        ("a.csv.gz", b"\x1f\x8bxx", "gzip data cannot be unpacked"),
        ("a.csv.gz", gzip.compress(b"x,y\n1,2\n")[:-9], "gzip data cannot be unpacked"),
        ("a.parquet", "not parquet", "not a readable parquet file"),
        ("a.arrow", "not arrow", "not a readable arrow file"),
        ("a.jsonl", '{"x": 1}\n{"x": 2\n', "line 2: not JSON"),
        ("a.jsonl", '{"x": 1}\n[2]\n', "line 2: expected an object"),
        ("a.txt", "x", "the ending '.txt' stands for no table format; use one of .csv, .tsv"),
        ("noending", "x", "the ending ''"),
        ("a.parquet.gz", "x", r"the ending '\.parquet\.gz'"),
    ],
)
def test_a_file_that_is_no_table_is_explained(
    file: Callable[..., Path], name: str, content: bytes | str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_table(file(name, content))


def test_a_missing_file_and_a_folder_are_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file .*absent\.csv"):
        read_table(tmp_path / "absent.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)


def test_an_unknown_format_is_explained(file: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="unknown table format 'xls'"):
        read_table(file("a.csv", "x\n1\n"), format="xls")


def test_tables_in_memory_are_read() -> None:
    columns = {"age": [41, None, 17], "name": ["Ann", "Bo ", "?"], "score": [0.5, 2, 1.5]}
    assert read_table(columns).equals(FRAME)
    assert read_table(FRAME).equals(FRAME)
    assert read_table(FRAME.lazy()).equals(FRAME)
    assert read_table(pa.table({**columns, "score": [0.5, 2.0, 1.5]})).equals(FRAME)
    assert read_table(pd.DataFrame(columns)).cast({"age": pl.Int64}).equals(FRAME)


def test_a_column_of_mixed_types_is_read_like_text() -> None:
    frame = pd.DataFrame({0: pd.Series([1, "2", None], dtype=object), "b": [1, "x", 2.5]})
    assert read_table(frame).rows() == [(1, "1"), (2, "x"), (None, "2.5")]
    array = np.array([1, 2.5, None], dtype=object)
    assert read_table({"a": array})["a"].to_list() == [1.0, 2.5, None]


def test_pandas_categories_and_dates_are_read() -> None:
    dates = pd.to_datetime(["2024-02-29", None])
    frame = read_table(pd.DataFrame({"c": pd.Categorical(["u", None]), "d": dates}))
    assert frame["c"].to_list() == ["u", None]
    assert frame["d"].dtype.is_temporal()
    assert frame["d"].null_count() == 1


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"x": []}, "no rows"),
        ({}, "no columns"),
        ({"x": [1], "y": [1, 2]}, "differ in length"),
        ({"x": [1], " x": [2]}, "more than one column is called 'x'"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), "more than one column"),
        (pa.table([[1], [2]], names=["x", "x"]), "more than one column"),
        (7, "received int"),
    ],
)
def test_a_wrong_table_in_memory_is_explained(table: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_table(table)


def test_a_sample_is_read_by_its_name() -> None:
    assert read_table("sample:xor").equals(load_sample("xor").frame)


@given(st.binary(max_size=60), st.sampled_from(["csv", "tsv", "jsonl", "arrow"]))
def test_any_bytes_give_a_frame_or_a_data_error(data: bytes, format: str) -> None:
    with contextlib.suppress(DataError):
        assert isinstance(parse(data, format, "the file"), pl.DataFrame)


cells = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=5)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=5))
def test_what_polars_writes_as_csv_is_read_back(rows: list[tuple[str, str]]) -> None:
    frame = pl.DataFrame(rows, schema={"x": pl.String, "y": pl.String}, orient="row")
    text = frame.write_csv(quote_style="always")
    assert parse(text.encode(), "csv", "it").rows() == read_table(frame).rows()
