"""Pictures and sequences, read for training; and which kind of data a place holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from chainrule.app.model.kinds import labelled
from chainrule.app.training.preparation import Opened, Wishes, name_of_file, open_table, task_of
from chainrule.data.headers import as_names
from chainrule.data.images import LABEL, Pictures, read_pictures
from chainrule.data.images.pillow import ENDINGS
from chainrule.data.sequences import PART, Sequences, is_ts, read_long_table, read_ts
from chainrule.data.wording import listing
from chainrule.errors import DataError, ParameterError

KINDS = ("table", "images", "sequence", "forecast", "text")
"""Kinds of data that can be learnt from."""

_ARRAYS = re.compile(r"\.(npz|npy)$|[.-]idx\d-ubyte(\.gz)?$", re.IGNORECASE)


@dataclass(frozen=True)
class MediaWishes:
    """What a user may say about pictures and sequences, beside what `Wishes` holds.

    Parameters
    ----------
    size
        Height and width that pictures are brought to; None: see `Pictures.usual_form`.
    fit
        How they are fitted: see `PictureForm`.
    labels
        A table that labels the files of pictures.
    unreadable
        What is done about pictures that cannot be read: "error" or "skip".
    id, time
        Columns that tell sequences and their steps apart: see `read_long_table`.
    length
        Steps that sequences are padded to; None: those of the longest.
    """

    size: tuple[int, int] | None = None
    fit: str = "crop"
    labels: str | None = None
    unreadable: str = "error"
    id: str | None = None
    time: str | None = None
    length: int | None = None


_MEANT_FOR = {
    **dict.fromkeys(("size", "fit", "labels", "unreadable"), "images"),
    **dict.fromkeys(("id", "time", "length"), "sequence"),
}
_OF = asdict(MediaWishes())


def kind_of_source(source: str) -> str:
    """Tell the kind of data by a place's name: folders and files of pictures, texts, sequences.

    >>> kind_of_source("book.txt"), kind_of_source("customers.csv"), kind_of_source("a_TRAIN.ts")
    ('text', 'table', 'sequence')
    """
    path = Path(source)
    ending = path.suffix.lower() if path.suffix.lower() != ".gz" else Path(path.stem).suffix.lower()
    if ending == ".txt":
        return "text"
    if ending == ".ts" or is_ts(path):
        return "sequence"
    if path.is_dir() or source.endswith("/"):
        return "text" if any(path.glob("*.txt")) else "images"
    if ending in ENDINGS or _ARRAYS.search(path.name):
        return "images"
    return "table"


def open_examples(
    source: str,
    target: str | Sequence[str] | None,
    wishes: Wishes,
    kind: str | None = None,
    media: MediaWishes | None = None,
) -> Opened:
    """Read examples of any kind, and find out what is to be learnt.

    Parameters
    ----------
    source
        A path, or ``"sample:adult"``.
    target
        The column or columns to predict; classes of pictures and ``.ts`` files know their own.
    wishes, media
        What the user wants otherwise.
    kind
        One of `KINDS`, but not "forecast" or "text"; None guesses by the source's name.

    Raises
    ------
    DataError
        If the examples or the target cannot be used; the message says why.
    """
    kind = kind or kind_of_source(source)
    if kind not in KINDS[:3]:
        raise ParameterError(f"there is no kind {kind!r} of data here: use {listing(KINDS)}")
    media = media or MediaWishes()
    names = as_names(target)
    _check_options(kind, wishes, media)
    if kind == "table":
        return open_table(source, target, wishes)
    if len(names) > 1:
        raise ParameterError(f"{kind} have one target, received {listing(names)}")
    name = names[0] if names else None
    if kind == "images":
        return _open_pictures(source, name, wishes, media)
    return _open_sequences(source, name, wishes, media)


def _check_options(kind: str, wishes: Wishes, media: MediaWishes) -> None:
    """Refuse options that would be passed over."""
    given = [(name, _MEANT_FOR[name]) for name in _MEANT_FOR if getattr(media, name) != _OF[name]]
    usual = Wishes()
    for name, option in (("kinds", "column"), ("embed", "embed"), ("scaling", "scaling")):
        if getattr(wishes, name) != getattr(usual, name):
            given.append((option, "table"))
    for option, meant in given:
        if meant != kind:
            raise ParameterError(
                f"--{option} is for the kind {meant!r} of data, but these are taken for {kind!r}; "
                "--kind says what they are"
            )


def _open_pictures(source: str, target: str | None, wishes: Wishes, media: MediaWishes) -> Opened:
    found = read_pictures(source, media.labels, target)
    target = target or _label_of(found, source)
    known = labelled(found, [target])
    formed = known.formed(known.usual_form(media.size, media.fit), media.unreadable)
    return _opened(source, formed, len(found), target, wishes)


def _label_of(found: Pictures, source: str) -> str:
    """Name the column of labels: the only one beside what names a picture."""
    names = [name for name in found.frame.columns[1:] if name != PART]
    if not names:
        raise DataError(
            f"{source!r} says nothing about the classes of its pictures: put those of each class "
            "into a sub-folder of its name, or give a table of labels with --labels"
        )
    return LABEL if LABEL in names else names[0]


def _open_sequences(source: str, target: str | None, wishes: Wishes, media: MediaWishes) -> Opened:
    options: dict[str, Any] = {"length": media.length}
    if is_ts(Path(source)):
        found = read_ts(source)
        if "label" not in found.frame.columns:
            raise DataError(f"{source!r} holds no labels of its sequences")
        target = target or "label"
    else:
        if target is None:
            raise DataError(
                f"say which column to predict with --target; it is the same in all rows of a "
                f"sequence in {source!r}"
            )
        found = read_long_table(source, target, id=media.id, time=media.time)
        options |= {"id": found.frame.columns[0], "time": media.time}
    known = labelled(found, [target])
    return replace(_opened(source, known, len(found), target, wishes), options=options)


def _opened(
    source: str, samples: Pictures | Sequences, count: int, target: str, wishes: Wishes
) -> Opened:
    if wishes.split == "auto" and PART in samples.frame.columns:
        wishes = replace(wishes, split=f"column:{PART}")
    guess = task_of(samples.frame, (target,), wishes.task)
    name = name_of_file(source.rstrip("/"))
    return Opened(name, count, samples, (target,), guess, wishes, samples.notes)
