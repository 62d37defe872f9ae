"""``chainrule cache``: the compiled programs that are kept on disk."""

from __future__ import annotations

from chainrule.app.failures import ExitCode
from chainrule.app.screen import Screen


def cache(screen: Screen, clear: bool) -> ExitCode:
    """Say where compiled programs are kept and how much they take, or remove them all.

    Parameters
    ----------
    screen
        Where to write.
    clear
        Whether to remove them. Programs that run meanwhile are in memory, and go on.
    """
    from chainrule.execute.native.cache import (
        CACHE_LIMIT,
        cache_contents,
        cache_folder,
        clear_cache,
    )

    contents = cache_contents()
    size = sum(taken for _, taken in contents)
    removed = clear_cache() if clear else 0
    count = "one file" if len(contents) == 1 else f"{len(contents):,} files"
    kept = f"{count} of compiled code, {size / 2**20:.1f} MiB"
    screen.pairs(
        [
            ("Folder", f"{cache_folder()} (CHAINRULE_CACHE chooses another one)"),
            ("Removed" if clear else "Kept", kept),
            ("Limit", f"{CACHE_LIMIT >> 20} MiB; beyond it, the oldest make room"),
        ]
    )
    screen.result(
        {
            "folder": str(cache_folder()),
            "objects": len(contents) - removed,
            "removed": removed,
            "bytes": 0 if clear else size,
            "limit": CACHE_LIMIT,
        },
        kept,
    )
    return ExitCode.OK
