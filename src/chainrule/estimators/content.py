"""What a model file holds of a fitted estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule import nn
from chainrule.data import Encoder, TargetEncoder
from chainrule.data.headers import as_names
from chainrule.data.label_target import LabelTarget
from chainrule.data.levels import level
from chainrule.data.number_target import NumberTarget
from chainrule.data.numeric import NumericColumn
from chainrule.data.scaling import Plain
from chainrule.data.wording import listing
from chainrule.errors import DataError
from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.network_classifier import NetworkClassifier
from chainrule.estimators.network_regressor import NetworkRegressor
from chainrule.estimators.regressor import MLPRegressor
from chainrule.nn import losses
from chainrule.nn.losses import Loss
from chainrule.train.records import COLUMNS

KINDS: Mapping[str, Any] = MappingProxyType(
    {
        each.__name__: each
        for each in (MLPClassifier, MLPRegressor, NetworkClassifier, NetworkRegressor)
    }
)
"""The estimators that a model file can hold."""

Predictor = MLPClassifier | MLPRegressor | NetworkClassifier | NetworkRegressor

LEARNT = (
    *("n_iter_", "t_", "loss_", "best_loss_", "loss_curve_", "validation_scores_"),
    *("best_validation_score_", "best_epoch_", "stopped_because_"),
)
"""What a fit leaves behind beside the network, as plain values."""

_SHARES = (losses.CrossEntropy.probabilities, losses.KullbackLeibler.probabilities)
_YES_OR_NO = (losses.BinaryCrossEntropy.probabilities,)
_RATES = (losses.PoissonNLL.predict,)


@dataclass(frozen=True, eq=False)
class Content:
    """All that predictions need, and what else is to be had of a fitted estimator.

    Parameters
    ----------
    network
        The trained network, with raw outputs.
    encoder, target
        How raw rows become its inputs, and its outputs become predictions.
    shares
        Share of the training rows of each class; empty for numbers.
    learnt
        Plain values: truth values, numbers, texts, lists and dictionaries of them.
    """

    network: nn.Module
    encoder: Encoder
    target: TargetEncoder
    shares: tuple[float, ...]
    learnt: Mapping[str, Any]


def content_of(
    model: Predictor,
    columns: Sequence[str] | None = None,
    target: str | Sequence[str] | None = None,
) -> Content:
    """Take from a fitted estimator what a model file holds.

    Parameters
    ----------
    model
        One of `KINDS`.
    columns
        Names for the columns of X, which had none; None: x0, x1, ...
    target
        Name or names for y; None: those that it had, or y, or y0, y1, ...

    Raises
    ------
    DataError
        If its rows, labels or loss are such as model files do not know.
    """
    check_is_fitted(model)
    encoder = _encoder(model, columns)
    taken = {column.name for column in encoder.columns} | {name for name, _ in encoder.dropped}
    learnt: dict[str, Any] = {n: _plain(getattr(model, n)) for n in LEARNT if hasattr(model, n)}
    named = getattr(model, "feature_names_in_", None)
    learnt["names"] = None if named is None else [str(name) for name in named]
    learnt["encodes"], learnt["history"] = model._encodes, _history(model)
    if isinstance(model, MLPClassifier | NetworkClassifier):
        answers = _classes(model, _target_names(model, target, taken))
        learnt["labels"], learnt["sparse"] = str(model.classes_.dtype), _is_sparse(model)
    else:
        answers = _numbers(model, _target_names(model, target, taken))
        learnt["flat"] = getattr(model, "_flat", True)
        learnt["scaled"] = model.target_scaling_ is not None
    encoder = replace(encoder, targets=answers.names)
    return Content(model.network_, encoder, answers, model._seen.shares, learnt)


def is_several(model: MLPClassifier | NetworkClassifier) -> bool:
    """Tell whether a classifier learnt any of several labels."""
    if isinstance(model, NetworkClassifier):
        return bool(model._labels.several)
    return bool(model._label_binarizer.y_type_.startswith("multilabel"))


def _is_sparse(model: MLPClassifier | NetworkClassifier) -> bool:
    if isinstance(model, NetworkClassifier):
        return bool(model._labels.sparse)
    return bool(model._label_binarizer.sparse_input_)


def _encoder(model: Predictor, columns: Sequence[str] | None) -> Encoder:
    """Give the encoder of a model, or one that takes its plain numbers as they are."""
    if model._encodes:
        if columns is not None:
            raise DataError("columns are for a model of plain numbers: this one knows their names")
        return replace(model.encoder_)
    seen = model._seen
    if not len(seen.low):
        raise DataError(
            "a model file takes rows of a table, but this model learnt from rows with more axes: "
            "chainrule train makes files for pictures and sequences"
        )
    if getattr(model, "keep_integers", False):
        raise DataError(
            "a model file takes numbers with fractions, but this model keeps whole ones: fit it "
            "with encode=True and column_kinds={...: 'categorical'} instead"
        )
    names = tuple(columns) if columns is not None else seen.columns
    names = names or tuple(f"x{i}" for i in range(len(seen.low)))
    if len(names) != len(seen.low) or len(set(names)) < len(names):
        raise DataError(
            f"columns should be {len(seen.low)} different names, received {listing(names)}"
        )
    ends = zip(names, seen.low.tolist(), seen.high.tolist(), strict=True)
    return Encoder(tuple(NumericColumn(name, low, high, 0.0, Plain()) for name, low, high in ends))


def _target_names(
    model: Predictor, asked: str | Sequence[str] | None, taken: set[str]
) -> tuple[str, ...]:
    several = not isinstance(model, MLPClassifier | NetworkClassifier) or is_several(model)
    count = len(model._seen.mean) or len(model._seen.shares) if several else 1
    if asked is not None:
        names = as_names(asked)
        if len(names) != count or len(set(names)) < count or taken & set(names):
            raise DataError(
                f"target should be {count} different name(s) that no column of X has, received "
                f"{listing(names)}"
            )
        return names
    if len(model._seen.targets) == count and not taken & set(model._seen.targets):
        return model._seen.targets
    stem = "y"
    while any(name.startswith(stem) for name in taken):
        stem += "_"
    return (stem,) if count == 1 else tuple(f"{stem}{i}" for i in range(count))


def _classes(model: MLPClassifier | NetworkClassifier, names: tuple[str, ...]) -> TargetEncoder:
    if is_several(model):
        _require(model, _YES_OR_NO)
        return TargetEncoder("multilabel", tuple(LabelTarget(name, (0, 1)) for name in names))
    classes = tuple(x.item() if isinstance(x, np.generic) else x for x in model.classes_)
    for label in classes:
        if not isinstance(label, str | int | float):
            raise DataError(
                f"a model file holds labels that are texts or numbers, not {type(label).__name__}"
            )
    if len({level(label) for label in classes}) < max(len(classes), 2):
        raise DataError(f"a model file needs two labels that differ, received {listing(classes)}")
    many = model.n_outputs_ > 1 if isinstance(model, MLPClassifier) else model._outputs_count > 1
    _require(model, _SHARES if many else _YES_OR_NO)
    task = "multiclass" if many else "binary"
    return TargetEncoder(task, (LabelTarget(names[0], classes),))


def _require(model: Predictor, wanted: Sequence[Any]) -> None:
    """Refuse a loss whose outputs mean something else than those of files."""
    loss = getattr(model, "_loss_", None)
    if loss is not None and type(loss).probabilities not in wanted:
        raise DataError(
            f"a model file gives probabilities, which the outputs of {type(loss).__name__} are not"
        )


def _numbers(model: MLPRegressor | NetworkRegressor, names: tuple[str, ...]) -> TargetEncoder:
    if isinstance(model, MLPRegressor):
        rate = model.loss == "poisson"
    else:
        rate = type(model._loss_).predict in _RATES
        if not rate and type(model._loss_).predict is not Loss.predict:
            raise DataError(
                f"a model file gives what a network gives, but {type(model._loss_).__name__} "
                "makes something else of it"
            )
    scaling = model.target_scaling_
    if scaling is not None:
        parts = tuple(replace(x, name=n) for x, n in zip(scaling.columns, names, strict=True))
    else:
        shape = "rate" if rate else "plain"
        facts = zip(names, model._seen.mean, model._seen.deviation, strict=True)
        parts = tuple(NumberTarget(name, shape, mean, dev or 1.0) for name, mean, dev in facts)
    if len(parts) > 1:
        if any(part.shape == "count" for part in parts):
            raise DataError("a model file holds one count: fit with target_scaling=None")
        return TargetEncoder("multioutput", parts)
    return TargetEncoder("count" if parts[0].shape == "count" else "regression", parts)


def _history(model: Predictor) -> dict[str, list[Any]]:
    """Give what was recorded of each epoch, a list for each column."""
    if isinstance(model, NetworkClassifier | NetworkRegressor):
        return {name: _plain(column) for name, column in model._columns.items()}
    return {name: [_plain(getattr(x, name)) for x in model._records] for name in COLUMNS}


def _plain(value: Any) -> Any:
    """Turn NumPy's numbers and arrays into Python's."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return [_plain(x) for x in value] if isinstance(value, list) else value
