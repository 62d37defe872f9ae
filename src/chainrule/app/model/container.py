"""The outside of a model file: a zip archive of two parts, neither of them packed.

``manifest.json`` says everything that is text, ``weights.safetensors`` holds every array. Any zip
program opens a model file, and nothing in it has to be unpacked, so that its size on the disk
bounds what reading it can take.
"""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.app.whole_file import write_whole
from chainrule.errors import ModelFileError
from chainrule.ir import DTYPES

MANIFEST, WEIGHTS = "manifest.json", "weights.safetensors"
MOST_MANIFEST_BYTES = 2**26

# One fixed time, so that the same model gives the same bytes.
_TIME = (1980, 1, 1, 0, 0, 0)
_DAMAGES = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    LookupError,
    OverflowError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What `zipfile` raises on archives that are cut short, altered, or made to confuse it."""


def write_container(
    path: str | os.PathLike[str], manifest: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write a model file, whole or not at all.

    Parameters
    ----------
    path
        The file; one that is there is replaced.
    manifest
        Plain JSON values.
    arrays
        Arrays of the dtypes that programs know.
    """
    from safetensors.numpy import save

    text = json.dumps(manifest, allow_nan=False, ensure_ascii=False, indent=1)
    # safetensors writes the memory of an array as it lies, whatever its strides say.
    flat = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(MANIFEST, _TIME), text.encode())
        archive.writestr(zipfile.ZipInfo(WEIGHTS, _TIME), save(flat))
    write_whole(path, memory.getvalue())


def read_container(path: str | os.PathLike[str]) -> tuple[Any, dict[str, NDArray[Any]]]:
    """Read a model file.

    Returns
    -------
    What the manifest holds, and the arrays by name.

    Raises
    ------
    ModelFileError
        If it cannot be read, is no model file, or is damaged; the message does not name it.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ModelFileError(f"the model file cannot be read: {error.strerror}") from error
    if not data.startswith(b"PK\x03\x04"):
        raise ModelFileError("this is not a chainrule model file")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = _parts(archive)
    except ModelFileError:
        raise
    except _DAMAGES as error:
        raise ModelFileError(f"the model file is damaged or cut short: {error}") from error
    return _manifest(parts[MANIFEST]), _arrays(parts[WEIGHTS])


def _parts(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = archive.infolist()
    if sorted(entry.filename for entry in entries) != [MANIFEST, WEIGHTS]:
        raise ModelFileError("this is a zip archive, but not a chainrule model file")
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            raise ModelFileError(f"the model file is damaged: its part {entry.filename} is packed")
    if archive.getinfo(MANIFEST).file_size > MOST_MANIFEST_BYTES:
        raise ModelFileError(f"{MANIFEST} is larger than any model needs")
    return {entry.filename: archive.read(entry) for entry in entries}


def _manifest(data: bytes) -> Any:
    try:
        return json.loads(data, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{MANIFEST} cannot be read: {error}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that has one name twice: two readers might take different ones."""
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("one name stands twice in an object")
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _arrays(data: bytes) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays: dict[str, NDArray[Any]] = load(data)
    except (SafetensorError, *_DAMAGES, TypeError) as error:
        raise ModelFileError(f"{WEIGHTS} cannot be read: {error}") from error
    for name, array in arrays.items():
        if array.dtype.name not in DTYPES:
            raise ModelFileError(f"the array {name!r} has the dtype {array.dtype}")
    return arrays
