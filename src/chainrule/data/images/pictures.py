"""Pictures of a data set: files or arrays, beside a table that has a row for each of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.data.images.form import PictureForm
from chainrule.data.images.pillow import picture_size, read_picture
from chainrule.errors import DataError, ParameterError

FILE, NUMBER, LABEL, PART = "file", "number", "label", "part"
"""Columns of the table: what names a picture, its class, and its part of a given split."""

UNREADABLE = ("error", "skip")
"""What is done about files that cannot be read."""

_WIDEST = 64  # pixels that pictures get where nobody asks for more


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures, and what is known of each.

    Parameters
    ----------
    frame
        A row for each picture: `FILE` or `NUMBER`, the label if it is known, which is in `LABEL`
        unless a table of labels calls it otherwise, and perhaps `PART`.
    paths
        The files, where pictures are files.
    pixels
        uint8 [n, height, width, channels], where they lie in memory.
    form
        The form that all were brought to, if they were.
    notes
        What a user should know.
    """

    frame: pl.DataFrame
    paths: tuple[Path, ...] = ()
    pixels: NDArray[np.uint8] | None = None
    form: PictureForm | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, pixels: NDArray[Any], labels: Any = None) -> Pictures:
        """Make pictures of an array.

        Parameters
        ----------
        pixels
            [n, height, width] or [n, height, width, 1 or 3]: whole numbers of 0 ... 255, or floats
            of 0 ... 1 or 0 ... 255.
        labels
            None, or the class of each [n].

        >>> Pictures.of(np.zeros((2, 4, 4)), ["a", "b"]).frame.columns
        ['number', 'label']
        """
        checked = checked_pixels(pixels, "the array")
        frame = pl.DataFrame({NUMBER: np.arange(1, len(checked) + 1)})
        if labels is not None:
            if len(labels) != len(checked):
                raise DataError(f"{len(checked):,} pictures, but {len(labels):,} labels")
            frame = frame.with_columns(pl.Series(LABEL, labels))
        height, width, channels = checked.shape[1:]
        return cls(frame, pixels=checked, form=PictureForm(height, width, channels))

    def __len__(self) -> int:
        return self.frame.height

    def take(self, rows: Any) -> Pictures:
        """Give some of them, by their numbers or by a truth value for each."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        paths = tuple(self.paths[i] for i in rows) if self.paths else ()
        pixels = None if self.pixels is None else self.pixels[rows]
        return replace(self, frame=self.frame[rows], paths=paths, pixels=pixels)

    def usual_form(self, size: tuple[int, int] | None = None, fit: str = "crop") -> PictureForm:
        """Choose a form for all: grey if none has colours, the commonest size, at most 64 pixels.

        Parameters
        ----------
        size
            Height and width, where the user knows better.
        fit
            As for `PictureForm`.

        Raises
        ------
        DataError
            If no picture can be read.
        """
        if self.pixels is not None:
            height, width, channels = self.pixels.shape[1:]
        else:
            with ThreadPoolExecutor(_workers()) as pool:
                found = [each for each in pool.map(picture_size, self.paths) if each]
            if not found:
                raise DataError(f"none of the {len(self):,} files can be read as a picture")
            (height, width), _ = Counter((h, w) for h, w, _ in found).most_common(1)[0]
            channels = 3 if any(coloured for *_, coloured in found) else 1
        if size is not None:
            height, width = size
        elif self.pixels is None and max(height, width) > _WIDEST:
            scale = _WIDEST / max(height, width)
            height, width = max(1, round(height * scale)), max(1, round(width * scale))
        return PictureForm(height, width, channels, fit)

    def formed(self, form: PictureForm, unreadable: str = "error") -> Pictures:
        """Read all and bring them to one form, several at a time.

        Parameters
        ----------
        form
            What each is brought to.
        unreadable
            ``"error"``, or ``"skip"``: leave out files that cannot be read, and say so.

        Raises
        ------
        DataError
            If a file cannot be read, or all of them cannot.
        """
        if unreadable not in UNREADABLE:
            raise ParameterError(f"unreadable is 'error' or 'skip', not {unreadable!r}")
        if self.pixels is not None:
            if self.pixels.shape[1:] == form.shape:
                return replace(self, form=form)
            pixels = np.stack([form.apply(picture) for picture in self.pixels])
            return replace(self, pixels=pixels, form=form)
        pixels = np.empty((len(self), *form.shape), np.uint8)
        errors: list[DataError | None] = [None] * len(self)

        def read(i: int) -> None:
            try:
                pixels[i] = form.apply(read_picture(self.paths[i]))
            except DataError as error:
                errors[i] = error

        with ThreadPoolExecutor(_workers()) as pool:
            list(pool.map(read, range(len(self))))
        return replace(self, pixels=pixels, form=form)._without(errors, unreadable)

    def _without(self, errors: Sequence[DataError | None], unreadable: str) -> Pictures:
        """Leave out the files that could not be read, or complain about the first."""
        wrong = [error for error in errors if error is not None]
        if not wrong:
            return self
        if unreadable == "error":
            more = f" ({len(wrong):,} such files)" if len(wrong) > 1 else ""
            raise DataError(f"{wrong[0]}{more}; mend or remove it, or leave such files out")
        if len(wrong) == len(self):
            raise DataError(f"none of the {len(self):,} files can be read: {wrong[0]}")
        what = "1 file was" if len(wrong) == 1 else f"{len(wrong):,} files were"
        kept = self.take([error is None for error in errors])
        return replace(kept, notes=(*self.notes, f"{what} left out: {wrong[0]}"))


def _workers() -> int:
    return max(2, os.cpu_count() or 1)


def checked_pixels(images: NDArray[Any], place: str) -> NDArray[np.uint8]:
    """Check an array of pictures, and give it as uint8 [n, height, width, channels]."""
    shaped = images[..., None] if images.ndim == 3 else images
    if shaped.ndim != 4 or shaped.shape[3] not in (1, 3) or not len(shaped):
        raise DataError(
            f"{place}: pictures are arrays (n, height, width) or (n, height, width, 1 or 3), "
            f"received {images.dtype} {images.shape}"
        )
    if shaped.dtype == np.uint8:
        return shaped
    if shaped.dtype.kind not in "fiub" or not np.isfinite(shaped).all():
        raise DataError(f"{place}: pixels should be finite numbers, not {images.dtype}")
    low, high = float(shaped.min()), float(shaped.max())
    if low < 0 or high > 255:
        raise DataError(
            f"{place}: pixels lie between {low:g} and {high:g}; bring them to 0 ... 255 or, "
            "as floats, to 0 ... 1"
        )
    scale = 255 if shaped.dtype.kind in "fb" and high <= 1 else 1
    return np.rint(shaped * np.float32(scale)).astype(np.uint8)
