"""Reading: every format, and one clear sentence for every file that is not a table."""

from __future__ import annotations

import contextlib
import gzip
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from chainrule.data import load_sample, read_table, read_with_notes
from chainrule.data.formats import parse
from chainrule.errors import ChainruleWarning, DataError

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
    assert read_table(file(name, gzip.compress(b"x,y\n1,2\n", mtime=0))).rows() == [(1, 2)]


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
    assert read_table(file("a.csv", ", age ,\n0,1,2\n")).columns == [
        "unnamed_1",
        "age",
        "unnamed_3",
    ]


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
        ("a.csv", b"x,y\n1,2\n3,\x81\n", r"line 3: byte 0x81 is not UTF-8; save the file as"),
        ("a.csv", b"x,y\n1,2\n\x00,\xe9\n", "byte 0xe9 is not UTF-8, and the file is no text"),
        ("a.csv", b"PK\x03\x04abc", "spreadsheet"),
        ("a.csv.gz", b"\x1f\x8bxx", "gzip data cannot be unpacked"),
        ("a.csv.gz", gzip.compress(b"x,y\n1,2\n", mtime=0)[:-9], "gzip data cannot be unpacked"),
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


def test_names_that_are_there_twice_are_numbered_and_noted(file: Callable[..., Path]) -> None:
    note = "the header has 'x' more than once: now also 'x_3'"
    for table in (
        file("a.csv", "x,x_2, x\n1,2,3\n"),
        {"x": [1], "x_2": [2], " x": [3]},
        pd.DataFrame([[1, 2, 3]], columns=["x", "x_2", "x"]),
        pa.table([[1], [2], [3]], names=["x", "x_2", "x"]),
    ):
        reading = read_with_notes(table)
        assert reading.frame.rows(named=True) == [{"x": 1, "x_2": 2, "x_3": 3}]
        assert reading.notes == (note,)
        with pytest.warns(ChainruleWarning, match=note):
            read_table(table)


@pytest.mark.parametrize("line", ["5.1,3.5,setosa", "0,0,setosa", "-1,-2,"])
def test_a_first_line_of_data_is_read_as_data(file: Callable[..., Path], line: str) -> None:
    reading = read_with_notes(file("a.csv", f"{line}\n4.9,3.0,setosa\n"))
    assert reading.frame.columns == ["column_1", "column_2", "column_3"]
    assert reading.frame.height == 2
    assert "the first line holds numbers, so it is taken for data" in reading.notes[0]


def test_a_header_that_may_be_data_is_noted(file: Callable[..., Path]) -> None:
    reading = read_with_notes(file("a.csv", "3.5,5.1,setosa\n3.0,4.9,setosa\n"))
    assert "called '3.5', '5.1': if these are values and not names" in reading.notes[0]


def test_windows_text_is_read_and_noted(file: Callable[..., Path]) -> None:
    reading = read_with_notes(file("a.csv", "x,y\n1,2\n3,caf\xe9 \x80\n".encode("latin-1")))
    assert reading.frame["y"].to_list() == ["2", "café €"]
    assert "line 3: byte 0xe9 is not UTF-8: read as Windows-1252" in reading.notes[0]


def test_a_spreadsheets_announcement_of_its_separator_is_no_row(file: Callable[..., Path]) -> None:
    frame = read_table(file("a.csv", "sep=;\r\nx;y\r\n1,5;2\r\n"))
    assert frame.rows(named=True) == [{"x": 1.5, "y": 2}]


def test_numpy_arrays_are_read() -> None:
    structured = np.array([(1, 2.5, b"a"), (2, 3.5, b"b")], dtype="i4, f4, S1")
    assert read_table(structured).rows(named=True)[0] == {"f0": 1, "f1": 2.5, "f2": "a"}
    assert read_table(np.array([[1, 2], [3, 4]])).rows(named=True)[1] == {"x0": 3, "x1": 4}
    assert read_table(np.array([1.5, np.nan])).rows(named=True) == [{"x0": 1.5}, {"x0": None}]
    mixed = np.array([[1, "a"], [None, 2.5]], dtype=object)
    assert read_table(mixed).rows() == [(1, "a"), (None, "2.5")]
    days = np.array(["2024-02", "NaT"], dtype="datetime64[M]")
    assert read_table(days)["x0"].to_list() == [datetime(2024, 2, 1), None]
    assert read_table(np.array([0.5], np.float16))["x0"].to_list() == [0.5]
    assert read_table(sparse.csr_array(np.eye(2))).rows() == [(1.0, 0.0), (0.0, 1.0)]


def test_rows_are_read() -> None:
    assert read_table([{"x": 1}, {"x": 2, "y": "a"}]).rows() == [(1, None), (2, "a")]
    assert read_table([[1, "a"], (2, "b")]).rows() == [(1, "a"), (2, "b")]


def test_single_columns_are_read() -> None:
    for column in (pl.Series("x", [1, 2]), pd.Series([1, 2], name="x")):
        assert read_table(column).to_dict(as_series=False) == {"x": [1, 2]}


def test_nested_objects_become_columns(file: Callable[..., Path]) -> None:
    rows = '{"home": {"city": "Rome", "at": {"x": 1}}}\n{"home": {"city": "?", "at": {"x": 2}}}\n'
    assert read_table(file("a.jsonl", rows)).rows(named=True) == [
        {"home.city": "Rome", "home.at.x": 1},
        {"home.city": None, "home.at.x": 2},
    ]


def test_anything_that_speaks_arrow_is_read() -> None:
    class Speaker:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return FRAME.__arrow_c_stream__(requested_schema)  # type: ignore[arg-type]

    assert read_table(Speaker()).equals(FRAME)


def test_pandas_is_read_without_pyarrow(tmp_path: Path) -> None:
    code = """
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name.startswith("pyarrow") else find(name, *rest)
import pandas as pd, numpy as np
from chainrule.data import read_table
frame = pd.DataFrame({"n": [1, None], "i": pd.array([1, None], dtype="Int64"), "t": ["a", None],
    "c": pd.Categorical(["u", None]), "b": pd.array([True, None], dtype="boolean"),
    "d": pd.to_datetime(["2024-02-29", None]), "z": pd.to_datetime(["2024-02-29", None], utc=True)})
print(*read_table(frame).rows(), sep="\\n")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first.startswith("(1.0, 1, 'a', 'u', True, datetime.datetime(2024, 2, 29, 0, 0), ")
    assert second == "(None, None, None, None, None, None, None)"


def test_text_that_must_stay_text_does() -> None:
    frame = read_table({"x": ["1.500", " ? "], "y": ["1.500", "2"]}, as_text=["x", "absent"])
    assert frame.rows() == [("1.500", 1.5), (None, 2.0)]


def test_a_damaged_file_leaves_no_trace_on_the_screen(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    FRAME.write_parquet(path)
    code = f"""
import contextlib, os, pathlib
import polars as pl
from chainrule.data import read_table
from chainrule.data.silence import quiet_panic
from chainrule.errors import ChainruleWarning, DataError
path = pathlib.Path({str(path)!r})
whole = path.read_bytes()
for place in range(0, len(whole), 7):
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
    with contextlib.suppress(DataError):
        read_table(path)
with quiet_panic():
    os.write(2, b"passed on")
with contextlib.suppress(pl.exceptions.PanicException), quiet_panic():
    os.write(2, b"kept back")
    raise pl.exceptions.PanicException
os.write(2, b" and back")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "passed on and back"


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
        (pd.DataFrame([[1, 2]], columns=[0.5, 0.5]), "more than one column is called '0.5'"),
        (np.zeros((2, 2, 2)), r"an array \[rows, columns\], received one of shape \(2, 2, 2\)"),
        (np.zeros(2, dtype=[("x", "f8", 3)]), "plain fields"),
        ([[1, 2], [3]], r"the rows differ in length: they have \[1, 2\] cells"),
        ([], "received list"),
        ("sample", "there is no file 'sample'"),
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
        assert isinstance(parse(data, format, "the file").frame, pl.DataFrame)


cells = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=5)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=5))
def test_what_polars_writes_as_csv_is_read_back(rows: list[tuple[str, str]]) -> None:
    frame = pl.DataFrame(rows, schema={"x": pl.String, "y": pl.String}, orient="row")
    text = frame.write_csv(quote_style="always")
    assert parse(text.encode(), "csv", "it").frame.rows() == read_table(frame).rows()
