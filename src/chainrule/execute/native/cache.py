"""Compiled code on disk: the user's own files, written whole and checked before use."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

CACHE_LIMIT = 256 << 20
"""Bytes that all files may take."""

LASTING = "tuning-"
"""Beginning of the names of files that make no room for others: they took seconds to find."""

_MAGIC = b"chainrule cache 2\n"
_SUFFIX, _UNFINISHED = ".kept", ".part"


def cache_folder() -> Path:
    """Where compiled code is kept: `CHAINRULE_CACHE`, or the user's cache folder."""
    chosen = os.environ.get("CHAINRULE_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return base / "chainrule"


def read(name: str) -> bytes | None:
    """Read what is kept under a name, if it is there and is what was written."""
    try:
        content = _path(name).read_bytes()
    except OSError:
        return None
    begin = len(_MAGIC) + 32
    if not content.startswith(_MAGIC) or len(content) < begin:
        return None
    kept = content[begin:]
    return kept if _digest(name, kept) == content[len(_MAGIC) : begin] else None


def write(name: str, content: bytes) -> None:
    """Keep something; a folder that cannot be written to is no error, only slower next time.

    A file appears under its name when it is complete, so that others who write the same, or read
    it meanwhile, see all of it or nothing.
    """
    path = _path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=_UNFINISHED)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_MAGIC + _digest(name, content) + content)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError:
        return


def shrink() -> None:
    """Remove the files that were made longest ago while all of them take too much space.

    One that cannot be removed, as where the folder is only to be read, stays.
    """
    total = 0
    for _, size, path in sorted(_files(), reverse=True):
        total += size
        if total > CACHE_LIMIT and not path.name.startswith(LASTING):
            with suppress(OSError):
                path.unlink()


def cache_contents() -> list[tuple[Path, int]]:
    """List the files that are kept, with their sizes in bytes."""
    return sorted((path, size) for _, size, path in _files())


def clear_cache() -> int:
    """Remove all files that are kept; return how many there were."""
    removed = 0
    for path, _ in cache_contents():
        path.unlink(missing_ok=True)
        removed += 1
    return removed


def _path(name: str) -> Path:
    return cache_folder() / f"{name}{_SUFFIX}"


def _digest(name: str, content: bytes) -> bytes:
    """A hash of what is kept and under which name, so that no file passes for another one."""
    return hashlib.sha256(name.encode() + b"\n" + content).digest()


def _files() -> list[tuple[float, int, Path]]:
    """Time of change, size and path of every file; one that another process removes is left out.

    Those of older versions are among them, which end in ".o", and what a process that was killed
    left unfinished.
    """
    found = []
    for path in cache_folder().glob("*"):
        if path.suffix in (_SUFFIX, _UNFINISHED, ".o"):
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((status.st_mtime, status.st_size, path))
    return found
