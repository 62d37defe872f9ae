"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from chainrule.errors import DataError


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file that appears under its name only when it is complete and on the disk.

    Whatever was there before stays until then, and stays if writing fails.

    Raises
    ------
    DataError
        If the folder is not there or not to be written, or the disk is full.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise DataError(
            f"{str(path)!r} was not written, nor changed: {error.strerror or error}"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
