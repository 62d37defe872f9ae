"""An estimator in a model file: what its training was set to and left behind, as plain JSON.

The file is one like any other: `chainrule predict` runs its program. Beside that its report says
which estimator it was, so that it can be made again.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from chainrule import losses, optim, stop
from chainrule.app.model.network import NotOursError, classes, object_from_json, object_to_json
from chainrule.app.model.trained import Model
from chainrule.data import Encoder
from chainrule.data.stored import Fields
from chainrule.data.wording import listing
from chainrule.errors import ChainruleWarning, DataError, ModelFileError
from chainrule.estimators.content import KINDS, Content, content_of
from chainrule.estimators.refitted import estimator_of

ESTIMATOR = "estimator"
"""Where a report says which estimator a model was."""


def is_estimator(model: object) -> bool:
    """Tell whether something is an estimator that a model file can hold."""
    return KINDS.get(type(model).__name__) is type(model)


def model_of(
    estimator: Any,
    *,
    columns: Sequence[str] | None = None,
    target: str | Sequence[str] | None = None,
    version: str = "",
) -> Model:
    """Make a model of a fitted estimator.

    Parameters
    ----------
    estimator, columns, target
        As for `chainrule.estimators.content.content_of`.
    version
        The version of chainrule.

    Raises
    ------
    DataError
        If a model file cannot hold it; the message says why.
    """
    content = content_of(estimator, columns, target)
    stored, left_out = {}, []
    for name, value in estimator.get_params(deep=False).items():
        try:
            stored[name] = _to_json(value)
        except NotOursError:
            left_out.append(name)
    if left_out:
        warnings.warn(
            f"the file does not hold {listing(left_out)}, which is not made of numbers, texts and "
            "objects of chainrule; predictions do not need it, and load_estimator gives the "
            "default",
            ChainruleWarning,
            stacklevel=3,
        )
    kind = type(estimator).__name__
    about = {"class": kind, "parameters": stored, "learnt": _to_json(dict(content.learnt))}
    report = {"source": kind, "columns": [*content.encoder.describe()], ESTIMATOR: about}
    try:
        return Model.of(
            content.network,
            content.encoder,
            content.target,
            shares=content.shares,
            report=report,
            version=version,
        )
    except (ValueError, TypeError) as error:
        raise DataError(
            f"a model file needs a network that takes rows of numbers and gives "
            f"{content.target.outputs} for each: {error}"
        ) from error


def estimator_from(model: Model) -> Any:
    """Make the estimator again that a model was.

    Raises
    ------
    ModelFileError
        If the model was none, or holds layers of a user's own.
    """
    about = model.report.get(ESTIMATOR)
    if about is None:
        raise ModelFileError("it was not saved from an estimator: chainrule.load_model opens it")
    if model.network is None:
        raise ModelFileError(
            "its network has layers that are not chainrule's: chainrule.load_model predicts with it"
        )
    fields = Fields(about, ESTIMATOR)
    kind = fields.choice("class", [*KINDS])
    parameters = {name: _from_json(x) for name, x in fields.inner("parameters").stored.items()}
    learnt = _from_json(fields.inner("learnt").stored)
    fields.end()
    if not isinstance(model.encoder, Encoder):
        raise ModelFileError("an estimator takes rows of a table")
    content = Content(model.network, model.encoder, model.target, tuple(model.shares), learnt)
    try:
        return estimator_of(kind, parameters, content)
    except ModelFileError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"estimator: its parts do not go together: {error}") from error


@cache
def _known() -> Mapping[str, Any]:
    """Classes of objects that may be parameters: layers, losses, optimisers, criteria."""
    ours = {
        name: getattr(module, name) for module in (losses, optim, stop) for name in module.__all__
    }
    kinds = {name: value for name, value in ours.items() if isinstance(value, type)}
    return MappingProxyType({**classes(), **kinds})


def _to_json(value: Any) -> Any:
    """Give a parameter or attribute as plain JSON values; raise `NotOursError` if it has none."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"number": str(value)}
    if isinstance(value, Mapping):
        return {"dict": [[_to_json(k), _to_json(x)] for k, x in value.items()]}
    if type(value) in (tuple, list):
        return {type(value).__name__: [_to_json(x) for x in value]}
    if isinstance(value, np.ndarray):
        raise NotOursError
    stored = object_to_json(value, _known())
    if _holds_array(stored):
        raise NotOursError
    return stored


def _holds_array(stored: Any) -> bool:
    if isinstance(stored, dict):
        return "array" in stored or any(map(_holds_array, stored.values()))
    return isinstance(stored, list) and any(map(_holds_array, stored))


def _from_json(stored: Any) -> Any:
    """Read what `_to_json` gave; raise `ModelFileError` if it is anything else."""
    if not isinstance(stored, Mapping) or "class" in stored:
        return object_from_json(stored, _known(), {}, ESTIMATOR)
    fields = Fields(stored, ESTIMATOR)
    if "number" in stored:
        return float(fields.choice("number", ("nan", "inf", "-inf")))
    if "dict" in stored:
        pairs = [item if isinstance(item, list) else [] for item in fields.items("dict")]
        if any(len(pair) != 2 for pair in pairs):
            raise ModelFileError(f"{ESTIMATOR}: a dictionary should have pairs")
        return {_from_json(k): _from_json(x) for k, x in pairs}
    kind = "list" if "list" in stored else "tuple"
    items = [_from_json(x) for x in fields.items(kind)]
    return items if kind == "list" else tuple(items)
