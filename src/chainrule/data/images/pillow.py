"""Pillow, which reads pictures: the door to it, and one file turned into a picture."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from chainrule.errors import DataError, MissingDependencyError

ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"),
    *(".tif", ".tiff", ".ppm", ".pgm", ".pbm"),
)
"""Endings of files that are pictures."""

# What Pillow raises on files that are cut short, altered, or made to confuse it.
_DAMAGES = (OSError, SyntaxError, ValueError, EOFError, struct.error, OverflowError, MemoryError)
_BRIGHTEST_16_BIT = 65535


def pillow() -> ModuleType:
    """Give `PIL.Image`.

    Raises
    ------
    MissingDependencyError
        If Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingDependencyError(
            "reading pictures needs Pillow: pip install 'chainrule[images]'"
        ) from error
    return Image


def read_picture(path: Path) -> Any:
    """Read a picture upright, as grey values or in colours.

    Turned as its EXIF orientation says, of several frames the first, transparent parts on white,
    and 16-bit grey values as 8-bit ones.

    Returns
    -------
    A `PIL.Image.Image` of the mode ``"L"`` or ``"RGB"``.

    Raises
    ------
    DataError
        If the file cannot be read, or is no picture, or a damaged one; the message names it.
    """
    image = pillow()
    from PIL import ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd but harmless metadata
            warnings.simplefilter("error", image.DecompressionBombWarning)
            with image.open(path) as opened:
                opened.load()
                return _plain(ImageOps.exif_transpose(opened))
    except (image.DecompressionBombWarning, image.DecompressionBombError) as error:
        raise DataError(
            f"{str(path)!r} unpacks to more pixels than a picture should have"
        ) from error
    except image.UnidentifiedImageError as error:
        raise DataError(f"{str(path)!r} is not a picture that Pillow can read") from error
    except _DAMAGES as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise DataError(f"{str(path)!r} cannot be read as a picture: {said}") from error


def picture_size(path: Path) -> tuple[int, int, bool] | None:
    """Give height, width and whether there are colours, without unpacking the picture.

    Returns
    -------
    None if the file cannot be read as a picture.
    """
    image = pillow()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with image.open(path) as opened:
                width, height = opened.size
                # Orientations 5 to 8 lie on their side.
                if opened.getexif().get(0x0112, 1) >= 5:
                    width, height = height, width
                return height, width, opened.mode not in ("1", "L", "LA", "I;16", "I", "F")
    except (*_DAMAGES, image.DecompressionBombError):
        return None


def _plain(picture: Any) -> Any:
    """Bring a picture of any mode to grey values or colours, on white where it is transparent."""
    image = pillow()
    if picture.mode in ("L", "RGB"):
        return picture
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture, np.float64)
        top = _BRIGHTEST_16_BIT if values.max(initial=0) > 255 else 255
        return image.fromarray(np.clip(values * 255 / top, 0, 255).round().astype(np.uint8))
    if picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info:
        colours = picture.convert("RGBA")
        white = image.new("RGBA", picture.size, "white")
        plain = image.alpha_composite(white, colours).convert("RGB")
        return plain.convert("L") if picture.mode == "LA" else plain
    return picture.convert("L" if picture.mode == "1" else "RGB")
