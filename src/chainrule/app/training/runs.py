"""The folder that a run leaves behind; no run ever writes into another's."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from chainrule.app.model import save_model
from chainrule.app.training.fitting import Outcome
from chainrule.app.whole_file import write_whole
from chainrule.errors import DataError

MODEL, HISTORY, REPORT = "model.chainrule", "history.csv", "report.json"


@dataclass(frozen=True)
class RunFolder:
    """A folder that was made for one run.

    Parameters
    ----------
    path
        Where it is.
    made
        Whether it was made just now, so that it may be removed while it is empty.
    """

    path: Path
    made: bool

    def discard(self) -> None:
        """Remove the folder if the run left nothing in it."""
        if self.made:
            with contextlib.suppress(OSError):  # not empty: then it stays
                self.path.rmdir()


def make_folder(name: str, asked: Path | None) -> RunFolder:
    """Make a folder before training begins, so that a bad place is known before time is spent.

    Parameters
    ----------
    name
        Of the table; by default the folder is ``runs/NAME-DATE-TIME``.
    asked
        The folder that the user asked for. It may exist, but not hold a run.

    Raises
    ------
    DataError
        If it cannot be made or written to, or holds a run already.
    """
    if asked is not None:
        taken = [each for each in (MODEL, HISTORY, REPORT) if (asked / each).exists()]
        if taken:
            raise DataError(
                f"the folder {str(asked)!r} already holds {taken[0]}; give --out another folder"
            )
        return _made(asked, exist_ok=True)
    plain = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "run"
    base = Path("runs") / f"{plain}-{datetime.now():%Y%m%d-%H%M%S}"
    folder, number = base, 2
    while True:  # two runs may begin in one second
        try:
            return _made(folder, exist_ok=False)
        except FileExistsError:
            folder, number = base.with_name(f"{base.name}-{number}"), number + 1


def _made(folder: Path, exist_ok: bool) -> RunFolder:
    there = folder.is_dir()
    try:
        folder.mkdir(parents=True, exist_ok=exist_ok)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except FileExistsError:
        if exist_ok:
            raise DataError(f"{str(folder)!r} is a file, not a folder") from None
        raise
    except OSError as error:
        raise DataError(
            f"the folder {str(folder)!r} cannot be written to: {error.strerror}; choose another "
            "with --out"
        ) from error
    return RunFolder(folder, not there)


def save_run(outcome: Outcome[Any], folder: Path) -> None:
    """Write the model, the history and the report; if the disk is full, keep the model elsewhere.

    Raises
    ------
    DataError
        If something could not be written; the message says where the model is, if anywhere.
    """
    try:
        save_model(outcome.model, folder / MODEL)
        write_whole(folder / HISTORY, _history(outcome))
        text = json.dumps(outcome.model.report, allow_nan=False, ensure_ascii=False, indent=2)
        write_whole(folder / REPORT, text.encode() + b"\n")
    except DataError as error:
        if (folder / MODEL).exists():
            raise DataError(f"{error} (the model is safe in {str(folder / MODEL)!r})") from error
        rescued = Path(tempfile.mkdtemp(prefix="chainrule-")) / MODEL
        try:
            save_model(outcome.model, rescued)
        except DataError:
            raise error from None
        raise DataError(f"{error}; the model was saved as {str(rescued)!r} instead") from error


def _history(outcome: Outcome[Any]) -> bytes:
    history = outcome.run.history
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(history.columns)
    writer.writerows(zip(*(column.tolist() for column in history.columns.values()), strict=True))
    return text.getvalue().encode()
