"""``chainrule cache``: the compiled programs that are kept on disk."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

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
        LASTING,
        cache_contents,
        cache_folder,
        clear_cache,
    )

    contents = cache_contents()
    code = [taken for path, taken in contents if not path.name.startswith(LASTING)]
    tuning = _tuning() if len(code) < len(contents) else None
    removed = clear_cache() if clear else 0
    count = "one file" if len(code) == 1 else f"{len(code):,} files"
    kept = f"{count} of compiled code, {sum(code) / 2**20:.1f} MiB"
    measured = "not measured; `chainrule tune` does it"
    if tuning:
        saved = f"products take {tuning['gain']:.1%} less time"
        measured = saved if tuning["gain"] else "the usual figures are best"
    screen.pairs(
        [
            ("Folder", f"{cache_folder()} (CHAINRULE_CACHE chooses another one)"),
            ("Removed" if clear else "Kept", kept),
            ("Tuning", f"{measured}{', removed' if tuning and clear else ''}"),
            ("Limit", f"{CACHE_LIMIT >> 20} MiB; beyond it, the oldest make room"),
        ]
    )
    screen.result(
        {
            "folder": str(cache_folder()),
            "objects": 0 if clear else len(code),
            "removed": removed,
            "bytes": 0 if clear else sum(code),
            "tuning": None if clear else tuning,
            "limit": CACHE_LIMIT,
        },
        kept,
    )
    return ExitCode.OK


def _tuning() -> dict[str, Any] | None:
    """What was measured of this very processor."""
    from chainrule.execute.native.tuned import kept_tuning

    kept = kept_tuning()
    return {"figures": asdict(kept.tuning), "gain": kept.gain} if kept else None
