"""``chainrule explain``: one step of training with every number."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.app.commands.opened import open_on
from chainrule.app.commands.printed import choose_language, put_out
from chainrule.app.failures import ExitCode
from chainrule.app.screen import Screen
from chainrule.app.serve.address import Address
from chainrule.app.serve.course import Library
from chainrule.app.serve.frame import taken_apart
from chainrule.app.serve.shelf import Shelf
from chainrule.errors import ParameterError


def explain(
    screen: Screen,
    opened: tuple[str, str | None, str | None],
    rows: Sequence[int],
    step: int,
    settings: Mapping[str, Any],
    language: str | None,
    out: Path | None,
) -> ExitCode:
    """Take a step apart and print it; give the exit code.

    Parameters
    ----------
    screen
        Where to write.
    opened
        Model, table and target, as for `open_on`.
    rows
        Which rows are the batch, counted from 1; without any, those that training reads.
    step
        Steps of training that are made before.
    settings
        Names and values as the page has them: "loss", "optimiser", "rate"; None for none.
    language
        "text", "html" or "json"; None goes by the ending of the file.
    out
        The file; None writes to the terminal.
    """
    shelf = Shelf()
    source = open_on(shelf, *opened)
    chosen = {name: value for name, value in settings.items() if value is not None}
    address = Address.read({"source": source, "settings": chosen, "step": step})
    course = Library(shelf).course(address)
    material = course.program.material
    wrong = [row for row in rows if not 1 <= row <= material.rows]
    if wrong:
        raise ParameterError(
            f"--row counts from 1, and there are {material.rows} rows; received {wrong[0]}"
        )
    batch = np.array([row - 1 for row in rows]) if rows else course.program.rows_of(step)
    taken = taken_apart(course, course.at(step), batch, step)
    # Machines get numbers that native code is not asked for: compiling would be the longest part.
    title = f"One step of training: {material.title}"
    facts = {**taken.to_dict(native=False), "title": title, "rows": [int(i) + 1 for i in batch]}
    languages = {
        "text": lambda: taken.text(width=None if out else screen.width),
        "html": lambda: taken.html(title=title),
        "json": lambda: json.dumps(facts, ensure_ascii=False),
    }
    said = put_out(screen, out, choose_language(language, out, languages), languages)
    screen.result(facts, said)
    return ExitCode.OK
