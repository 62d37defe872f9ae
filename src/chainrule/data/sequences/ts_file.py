"""The ``.ts`` files of time series collections, as aeon, sktime and tsml write them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl

from chainrule.data.language.corpus import read_text
from chainrule.data.sequences.sequences import PART, Sequences
from chainrule.data.wording import listing
from chainrule.errors import DataError

LABEL = "label"
"""The column of labels in the table of the sequences."""

_PAIR = re.compile(r"(.*)_(TRAIN|TEST)\.ts$")


def read_ts(path: str | Path) -> Sequences:
    """Read a ``.ts`` file, or the pair ``NAME_TRAIN.ts`` and ``NAME_TEST.ts``.

    Parameters
    ----------
    path
        A file; or a folder, or the file name without ``_TRAIN.ts``: both of the pair, whose parts
        are then in the column `PART`.

    Returns
    -------
    Sequences with labels in `LABEL`, texts for classes and numbers for ``@targetlabel``.

    Raises
    ------
    DataError
        If it cannot be read; the message names the file and its line.
    """
    place = Path(path)
    if place.is_file():
        return _read(place)
    pair = _pair(place)
    parts = [_read(each) for each in pair.values()]
    if len({each.channels for each in parts}) > 1:
        raise DataError(f"{str(place)!r}: the two files have different numbers of channels")
    frames = [
        each.frame.with_columns(pl.lit(part).alias(PART))
        for part, each in zip(pair, parts, strict=True)
    ]
    frame = pl.concat(frames).with_columns(pl.int_range(1, pl.len() + 1).alias("sequence"))
    lengths = np.concatenate([each.lengths for each in parts])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    values = np.concatenate([each.values for each in parts])
    return Sequences(frame, parts[0].channels, values, starts)


def is_ts(path: Path) -> bool:
    """Tell whether a place is a ``.ts`` file or a pair of them."""
    if path.is_file():
        return path.suffix.lower() == ".ts"
    return bool(_candidates(path))


def _candidates(place: Path) -> list[Path]:
    if place.is_dir():
        return sorted(each for each in place.glob("*.ts") if _PAIR.match(each.name))
    near = [place.with_name(f"{place.name}_{part}.ts") for part in ("TEST", "TRAIN")]
    return [each for each in near if each.is_file()]


def _pair(place: Path) -> dict[str, Path]:
    found = _candidates(place)
    names = {match[1] for each in found if (match := _PAIR.match(each.name))}
    if len(names) > 1:
        raise DataError(
            f"{str(place)!r} holds more than one pair of .ts files ({listing(sorted(names))}): "
            "name one without its _TRAIN.ts"
        )
    if len(found) != 2:
        raise DataError(
            f"there is no file {str(place)!r}, nor NAME_TRAIN.ts and NAME_TEST.ts there"
        )
    test, train = found  # sorted by name
    return {"train": train, "test": test}


def _read(path: Path) -> Sequences:
    text, _ = read_text(path)
    header: dict[str, list[str]] = {}
    sequences: list[np.ndarray] = []
    labels: list[str] = []
    data = False
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.strip()
        if not words or words.startswith(("#", "%")):
            continue
        where = f"{str(path)!r}, line {number}"
        if words.startswith("@"):
            name, *rest = words[1:].split()
            header[name.lower()] = rest
            data = data or name.lower() == "data"
            continue
        if not data:
            raise DataError(f"{where}: a line of numbers before @data; is this a .ts file?")
        sequence, label = _case(words, _labelled(header), where)
        if sequences and sequence.shape[1] != sequences[0].shape[1]:
            raise DataError(
                f"{where}: {sequence.shape[1]} channels, but the first sequence has "
                f"{sequences[0].shape[1]}"
            )
        sequences.append(sequence)
        labels.append(label)
    if not sequences:
        raise DataError(f"{str(path)!r} holds no sequence behind @data")
    found = Sequences.of(sequences)
    if not _labelled(header):
        return found
    column = pl.Series(LABEL, labels)
    if _truth(header, "targetlabel"):
        column = column.cast(pl.Float64, strict=False)
    return Sequences(found.frame.with_columns(column), found.channels, found.values, found.starts)


def _truth(header: dict[str, list[str]], name: str) -> bool:
    return header.get(name, ["false"])[:1] == ["true"]


def _labelled(header: dict[str, list[str]]) -> bool:
    return _truth(header, "classlabel") or _truth(header, "targetlabel")


def _case(words: str, labelled: bool, where: str) -> tuple[np.ndarray, str]:
    """Read a line: channels with colons between them, their steps with commas, a label behind."""
    parts = words.split(":")
    label = parts.pop().strip() if labelled else ""
    if "(" in words:
        raise DataError(f"{where}: steps with time stamps, as in (0,1.5), are not read here")
    try:
        channels = [
            np.array(
                [np.nan if cell.strip() in ("?", "") else cell for cell in each.split(",")], float
            )
            for each in parts
        ]
    except ValueError as error:
        raise DataError(f"{where}: {error}") from error
    lengths = {len(each) for each in channels}
    if len(lengths) != 1:
        raise DataError(
            f"{where}: the channels have {listing(sorted(lengths))} steps; all channels of a "
            "sequence need the same number"
        )
    return np.stack(channels, axis=1), label
