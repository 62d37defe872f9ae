"""Finds what is opened by its name, and keeps it."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chainrule.app.model import open_model
from chainrule.app.serve.kinds import KINDS
from chainrule.app.serve.kinds import TITLES as KIND_TITLES
from chainrule.app.serve.material import Material, from_table
from chainrule.app.serve.trained_material import from_model
from chainrule.app.serve.worked import TITLES, WORKED
from chainrule.data import read_table, sample_names
from chainrule.errors import DataError, ParameterError

MOST_KEPT = 12
"""How many tables are kept ready; others are made again when they are asked for."""

MOST_BYTES = 256 * 2**20
"""The largest file that the page takes."""

OTHERS = (".txt", ".md", ".ts", ".npz", ".npy")
"""Endings of files with text, sequences and pictures."""


def stamp(paths: tuple[Path, ...]) -> tuple[tuple[int, int], ...]:
    """Tell states of files apart, by when they were written and how large they are.

    Of the folder of a run it is the model in it that counts; what is not there has a state, too.
    """
    found = []
    for path in paths:
        inside = path / "model.chainrule"
        try:
            state = (inside if inside.is_file() else path).stat()
        except OSError:
            found.append((0, 0))
        else:
            found.append((state.st_mtime_ns, state.st_size))
    return tuple(found)


@dataclass(frozen=True)
class _Opened:
    """What was opened: its title, how it is read, from where, and the files' state at that time."""

    title: str
    make: Callable[[], Material]
    paths: tuple[Path, ...] = ()
    stamp: tuple[tuple[int, int], ...] = ()


class Shelf:
    """Everything that can be opened, by name."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._ready: OrderedDict[str, Material] = OrderedDict()
        self._opened: dict[str, _Opened] = {}
        self._stored: dict[str, str] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def get(self, name: str) -> Material:
        """Find material by a name such as "sample:xor", "example:e1" or "opened:...".

        Raises
        ------
        ParameterError
            If there is nothing of that name.
        """
        with self._lock:
            if name not in self._ready:
                self._ready[name] = self._make(name)
                while len(self._ready) > MOST_KEPT:
                    self._ready.popitem(last=False)
            self._ready.move_to_end(name)
            return self._ready[name]

    def _make(self, name: str) -> Material:
        if name in self._opened:
            return self._opened[name].make()
        kind, _, rest = name.partition(":")
        if kind == "example" and rest in WORKED:
            return WORKED[rest]()
        if kind == "network" and rest in KINDS:
            return KINDS[rest]()
        if kind == "sample":
            return from_table(name)
        if kind == "opened":
            raise ParameterError(
                "this file is no longer at hand, because the server was started anew: open it again"
            )
        raise ParameterError(
            f"there is nothing called {name!r:.80}: open sample:NAME, example:e1 to example:e6, "
            f"or network:{', network:'.join(KINDS)}"
        )

    def keep(self, name: str, material: Material) -> None:
        """Put material of one's own on the shelf, under a name."""
        with self._lock:
            self._opened[name] = _Opened(material.title, lambda: material)

    def open_files(
        self, model: str | None, table: str | None, target: str | None, title: str | None = None
    ) -> str:
        """Open a model, a table, or both, from paths; give the name to ask for.

        Raises
        ------
        ModelFileError, DataError
            If a file cannot be used.
        """
        if model is None and table is None:
            raise ParameterError("choose a model, a table, or both")
        shown = title or " with ".join(Path(path).name for path in (model, table) if path)
        path, data = model, table
        paths = tuple(Path(each) for each in (model, table) if each)

        def make() -> Material:
            if path is not None:
                return from_model(open_model(path), data, shown)
            return from_table(str(data), target, shown)

        key = hashlib.sha256(repr((model, table, target)).encode()).hexdigest()[:12]
        name = f"opened:{key}"
        with self._lock:
            opened = _Opened(shown, make, paths, stamp(paths))
            self._ready[name] = make()
            self._opened[name] = opened
        return name

    def refresh(self) -> None:
        """Let files that changed since they were read be read anew when they are asked for."""
        with self._lock:
            for name, opened in self._opened.items():
                now = stamp(opened.paths)
                if now != opened.stamp:
                    self._opened[name] = replace(opened, stamp=now)
                    self._ready.pop(name, None)

    def store(self, filename: str, content: bytes) -> str:
        """Keep a file that the browser sent, until the server stops; give its path.

        Parameters
        ----------
        filename
            Its ending says the format; nothing else of it is used as a path.
        """
        if len(content) > MOST_BYTES:
            raise DataError(f"the file is larger than {MOST_BYTES // 2**20} MB")
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="chainrule-")
            folder = Path(self._folder.name) / hashlib.sha256(content).hexdigest()[:16]
            folder.mkdir(exist_ok=True)
            safe = "".join(c if c.isalnum() or c in "._-" else "_" for c in Path(filename).name)
            path = folder / (safe.lstrip(".") or "file")
            path.write_bytes(content)
            return str(path)

    def token(self, path: str) -> str:
        """Give a word that stands for a stored file."""
        with self._lock:
            token = hashlib.sha256(path.encode()).hexdigest()[:16]
            self._stored[token] = path
            return token

    def path(self, token: object) -> str | None:
        """Find the stored file that a word stands for; None for no word."""
        if token is None:
            return None
        with self._lock:
            if not isinstance(token, str) or token not in self._stored:
                raise ParameterError("this file is no longer at hand: choose it again")
            return self._stored[token]

    def columns(self, path: str) -> list[str]:
        """Name the columns of a stored table; what is no table has none here."""
        if path.endswith((".chainrule", *OTHERS)):
            return []
        return list(read_table(path).columns)

    def listing(self) -> list[dict[str, Any]]:
        """List what can be opened, group by group."""
        with self._lock:
            opened = [{"name": n, "title": each.title} for n, each in self._opened.items()]
        examples = [{"name": f"example:{n}", "title": title} for n, title in TITLES.items()]
        samples = [{"name": f"sample:{n}", "title": n} for n in sorted(sample_names(), key=_order)]
        kinds = [{"name": f"network:{n}", "title": title} for n, title in KIND_TITLES.items()]
        groups = [
            ("Worked examples", examples),
            ("Kinds of networks", kinds),
            ("Samples", samples),
            ("Your files", opened),
        ]
        return [{"title": title, "items": items} for title, items in groups if items]

    def close(self) -> None:
        """Remove the files that the browser sent."""
        with self._lock:
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None


def _order(name: str) -> tuple[bool, str]:
    """Samples on a plane first: they show most."""
    return name not in ("xor", "moons", "spirals"), name
