"""Pictures as arrays in files: idx (as MNIST comes), ``.npz`` and ``.npy``."""

from __future__ import annotations

import gzip
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.data.images.pictures import LABEL, NUMBER, PART, Pictures, checked_pixels
from chainrule.data.splits import PARTS
from chainrule.data.wording import listing
from chainrule.errors import DataError

_IDX = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_IMAGES = re.compile(r"(?P<part>[A-Za-z0-9]+)-images[.-]idx3-ubyte(\.gz)?$")
_IDX_NAME = re.compile(r"[.-]idx\d-ubyte(\.gz)?$|\.idx(\.gz)?$")
_T10K = {"t10k": "test"}
_INPUTS = ("x", "images", "image", "data", "inputs", "pixels")
_TARGETS = ("y", "labels", "label", "target", "targets")


def read_idx(path: str | Path) -> NDArray[Any]:
    """Read an idx file, packed with gzip or not: the format that MNIST came in.

    Raises
    ------
    DataError
        If it cannot be read, is no idx file, or is cut short.
    """
    place = repr(str(path))
    try:
        data = Path(path).read_bytes()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{place} cannot be read: {error}") from error
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _IDX:
        raise DataError(f"{place} is not an idx file")
    dtype, axes = np.dtype(_IDX[data[2]]), data[3]
    begin = 4 + 4 * axes
    if len(data) < begin:
        raise DataError(f"{place} is cut short")
    shape = struct.unpack(f">{axes}I", data[4:begin])
    wanted = dtype.itemsize
    for size in shape:
        wanted *= size
    if len(data) - begin != wanted:
        raise DataError(
            f"{place} should hold {wanted:,} bytes of the shape {shape}, but holds "
            f"{len(data) - begin:,}"
        )
    values: NDArray[Any] = np.frombuffer(data, dtype, offset=begin).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def array_pair(folder: Path) -> list[Path]:
    """Find the idx files of images in a folder that is laid out as MNIST is."""
    return sorted(each for each in folder.iterdir() if _IMAGES.search(each.name))


def read_arrays(path: Path) -> Pictures:
    """Read pictures, and labels if there are any, out of files of arrays.

    Parameters
    ----------
    path
        An ``.npz`` file with an array such as ``x`` or ``images`` and perhaps ``y`` or ``labels``
        (or ``x_train``, ``y_train``, ``x_test``, ``y_test``); an ``.npy`` file of pictures; an idx
        file, with that of its labels beside it; or a folder of these as MNIST has them.

    Raises
    ------
    DataError
        If an array is not of pictures, or labels are not as many; the message names the file.
    """
    if path.is_dir():
        return _joined({_part(each): _idx_pair(each) for each in array_pair(path)}, path)
    if _IDX_NAME.search(path.name):
        return _joined({"": _idx_pair(path)}, path)
    if path.suffix.lower() not in (".npz", ".npy"):
        raise DataError(
            f"{str(path)!r} is neither a picture nor a file of arrays (.npz, .npy, idx)"
        )
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return _joined({"": (loaded, None)}, path)
        with loaded:
            arrays = {name: loaded[name] for name in loaded.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{str(path)!r} cannot be read as arrays: {error}") from error
    return _joined(_pairs(arrays, path), path)


def _part(path: Path) -> str:
    match = _IMAGES.search(path.name)
    name = match["part"].lower() if match else ""
    return _T10K.get(name) or PARTS.get(name, "")


def _idx_pair(path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    images = read_idx(path)
    name = path.name.replace("images", "labels").replace("idx3", "idx1")
    for each in (name, name.removesuffix(".gz"), f"{name}.gz"):
        if each != path.name and (path.parent / each).is_file():
            return images, read_idx(path.parent / each)
    return images, None


def _pairs(
    arrays: dict[str, NDArray[Any]], path: Path
) -> dict[str, tuple[NDArray[Any], NDArray[Any] | None]]:
    """Tell images and labels among named arrays, by their names."""
    found: dict[str, dict[str, NDArray[Any]]] = {}
    for name, array in arrays.items():
        words = re.split(r"[_\-. ]+", name.lower())
        part = next((PARTS[word] for word in words if word in PARTS), "")
        role = next(
            (r for r, known in (("x", _INPUTS), ("y", _TARGETS)) if {*words} & {*known}), None
        )
        if role is not None:
            found.setdefault(part, {})[role] = array
    pairs = {part: (each["x"], each.get("y")) for part, each in found.items() if "x" in each}
    if not pairs:
        raise DataError(
            f"{str(path)!r} holds the arrays {listing(arrays)}; call that of the pictures 'x' or "
            "'images', and that of their labels 'y' or 'labels'"
        )
    return pairs


def _joined(parts: dict[str, tuple[NDArray[Any], NDArray[Any] | None]], path: Path) -> Pictures:
    """Make pictures of arrays, one part below the other."""
    pixels, labels, names = [], [], []
    for part, (images, answers) in parts.items():
        pixels.append(checked_pixels(images, repr(str(path))))
        names += [part] * len(images)
        if answers is None:
            continue
        flat = np.asarray(answers)
        flat = flat[:, 0] if flat.ndim == 2 and flat.shape[1] == 1 else flat
        if flat.ndim != 1 or len(flat) != len(images):
            raise DataError(
                f"{str(path)!r}: {len(images):,} pictures, but labels of the shape {flat.shape}"
            )
        labels.append(flat)
    if len({each.shape[1:] for each in pixels}) > 1:
        raise DataError(
            f"{str(path)!r}: the parts have pictures of the shapes "
            f"{listing(each.shape[1:] for each in pixels)}"
        )
    frame = pl.DataFrame({NUMBER: np.arange(1, len(names) + 1)})
    if labels and len(labels) == len(parts):
        frame = frame.with_columns(pl.Series(LABEL, np.concatenate(labels)))
    if all(names) and len(parts) > 1:
        frame = frame.with_columns(pl.Series(PART, names))
    return Pictures(frame, pixels=np.concatenate(pixels))
