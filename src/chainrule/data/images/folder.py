"""Folders of pictures: a sub-folder for each class, or a table that labels the files."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from chainrule.data.images.arrays import array_pair, read_arrays
from chainrule.data.images.pictures import FILE, LABEL, PART, Pictures
from chainrule.data.images.pillow import ENDINGS
from chainrule.data.read import read_table
from chainrule.data.splits import PARTS
from chainrule.data.wording import listing, suggest
from chainrule.errors import DataError


def read_pictures(
    source: str | Path, labels: str | Path | None = None, target: str | None = None
) -> Pictures:
    """Find pictures and their labels; files are not opened yet.

    Parameters
    ----------
    source
        A folder with a sub-folder for each class (deeper folders belong to it), perhaps below
        ``train``, ``validation`` and ``test``; a folder or a file of pictures without labels; a
        folder of idx files as MNIST has them; or an ``.npz``, ``.npy`` or idx file.
    labels
        A table with a column of file names, relative to the folder, and one of labels. ``None``
        takes ``labels.csv`` in the folder, if it is there.
    target
        The column of labels in that table; needed if there are several.

    Returns
    -------
    Pictures whose table has `LABEL`, or the column `target`, if labels are known.

    Raises
    ------
    DataError
        If there is no such place, no picture in it, or the table does not fit; the message names
        the place.
    """
    path = Path(source)
    if not path.exists():
        raise DataError(f"there is no file or folder {str(path)!r}")
    if path.is_file():
        if path.suffix.lower() in ENDINGS:
            return Pictures(pl.DataFrame({FILE: [path.name]}), (path,))
        return read_arrays(path)
    if array_pair(path):
        return read_arrays(path)
    if labels is None and (path / "labels.csv").is_file():
        labels = path / "labels.csv"
    files, notes = _files(path)
    if labels is not None:
        return _labelled(path, files, Path(labels), target)
    return _by_folder(path, files, notes)


def _files(folder: Path) -> tuple[list[Path], tuple[str, ...]]:
    """Find the pictures below a folder, in the order of their names; hidden files are not seen."""
    seen = [
        each
        for each in sorted(folder.rglob("*"))
        if each.is_file()
        and not any(part.startswith(".") for part in each.relative_to(folder).parts)
    ]
    found = [each for each in seen if each.suffix.lower() in ENDINGS]
    if not found:
        raise DataError(
            f"the folder {str(folder)!r} holds no picture ({', '.join(ENDINGS)})"
            + (f"; it holds {listing((each.name for each in seen), 3)}" if seen else "")
        )
    others = len(seen) - len(found)
    return found, (f"{others:,} other files in {str(folder)!r} are no pictures",) if others else ()


def _by_folder(folder: Path, files: list[Path], notes: tuple[str, ...]) -> Pictures:
    """Take the names of sub-folders for labels, and train, validation and test for parts."""
    steps = [each.relative_to(folder).parts for each in files]
    columns = {FILE: ["/".join(each) for each in steps]}
    tops = {each[0] for each in steps if len(each) > 1}
    if tops and all(len(each) > 2 and each[0].lower() in PARTS for each in steps):
        columns[PART] = [PARTS[each[0].lower()] for each in steps]
        steps = [each[1:] for each in steps]
    below = [len(each) > 1 for each in steps]
    if any(below) and not all(below):
        loose = columns[FILE][below.index(False)]
        raise DataError(
            f"the folder {str(folder)!r} holds classes as sub-folders, but also {loose!r} beside "
            "them: put every picture into the folder of its class, or give a table of labels"
        )
    if any(below):
        columns[LABEL] = [each[0] for each in steps]
    return Pictures(pl.DataFrame(columns), tuple(files), notes=notes)


def _labelled(folder: Path, files: list[Path], labels: Path, target: str | None) -> Pictures:
    """Join files with the rows of a table that names them."""
    table = read_table(labels)
    by_name = {each.relative_to(folder).as_posix(): each for each in files}
    column = _file_column(table, by_name, labels)
    if target is None:
        rest = [name for name in table.columns if name != column]
        if len(rest) != 1:
            raise DataError(
                f"say which column of {str(labels)!r} is to be predicted: it has {listing(rest)}"
            )
        target = rest[0]
    if target not in table.columns:
        raise DataError(
            f"{str(labels)!r} has no column {target!r}; {suggest(target, table.columns)}"
        )
    names = [str(name).replace("\\", "/") for name in table[column].to_list()]
    absent = [name for name in names if name not in by_name]
    if absent:
        raise DataError(
            f"{str(labels)!r}, row {names.index(absent[0]) + 1}: there is no picture {absent[0]!r} "
            f"in {str(folder)!r} ({len(absent):,} such rows)"
        )
    left = len(by_name) - len(set(names))
    notes = (f"{left:,} pictures are not in {str(labels)!r} and were left out",) if left else ()
    frame = pl.DataFrame([pl.Series(FILE, names), table[target]])
    return Pictures(frame, tuple(by_name[name] for name in names), notes=notes)


def _file_column(table: pl.DataFrame, names: dict[str, Path], place: Path) -> str:
    """Find the column that names files: the one with most of them."""
    hits = {
        column: sum(str(cell).replace("\\", "/") in names for cell in table[column].to_list())
        for column in table.columns
    }
    best = max(hits, key=lambda column: hits[column])
    if not hits[best]:
        raise DataError(f"{str(place)!r} has no column with names of the pictures beside it")
    return best
