"""What a command opens: a worked example, a sample, a table, or a model with rows for it."""

from __future__ import annotations

from pathlib import Path

from chainrule.app.serve.shelf import OTHERS, Shelf
from chainrule.errors import ParameterError

_NAMED = ("sample:", "example:", "network:")


def open_on(shelf: Shelf, model: str, table: str | None, target: str | None) -> str:
    """Open something and give the name under which it stands on the shelf.

    It is tried at once, so that mistakes are told now and not later.

    Parameters
    ----------
    shelf
        Where it is put.
    model
        A model file or its folder, a table, or a name such as "sample:xor" or "example:e1".
    table
        Rows for the model.
    target
        The column to predict, of a table that comes without a model.

    Raises
    ------
    ParameterError
        If model and rows do not belong together.
    """
    if model.lower().startswith("example:"):
        model = model.lower()
    if model.startswith(_NAMED) and table is None and target is None:
        shelf.get(model)
        return model
    if model.startswith(_NAMED) or not _is_model(model):
        if table is not None and _is_model(table):
            raise ParameterError(f"the model comes first: {table} {model}")
        if table is not None:
            raise ParameterError(f"{model!r} is no model, so there are no rows {table!r} for it")
        if model.endswith(OTHERS):
            raise ParameterError(
                f"{model!r} is no table: text, pictures and sequences are opened with a model "
                f"that was trained on such data, as in MODEL {model}"
            )
        return shelf.open_files(None, model, target)
    return shelf.open_files(model, table, target)


def _is_model(path: str) -> bool:
    return Path(path).is_dir() or path.endswith(".chainrule")
