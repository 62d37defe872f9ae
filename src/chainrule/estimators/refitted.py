"""A fitted estimator, made again of what a model file holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.preprocessing import LabelBinarizer

from chainrule import nn
from chainrule.data.number_target import NumberTarget
from chainrule.data.stored import Fields
from chainrule.errors import ModelFileError
from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.content import KINDS, LEARNT, Content, Predictor
from chainrule.estimators.labels import Labels
from chainrule.estimators.network_classifier import NetworkClassifier
from chainrule.estimators.network_regressor import NetworkRegressor
from chainrule.estimators.regressor import MLPRegressor
from chainrule.estimators.seen import Seen
from chainrule.estimators.target_scaling import TargetScaling
from chainrule.nn.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from chainrule.train.records import COLUMNS, EpochRecord


def estimator_of(kind: str, parameters: Mapping[str, Any], content: Content) -> Predictor:
    """Make a fitted estimator again.

    It predicts as before and has its learnt attributes; training that goes on (`partial_fit`,
    ``warm_start=True``) begins with a fresh state of the optimiser.

    Parameters
    ----------
    kind
        One of `KINDS`.
    parameters
        Of its constructor; those that are not there have their defaults.
    content
        What `content_of` gave.

    Raises
    ------
    ModelFileError
        If the parts do not belong together.
    """
    place = f"estimator {kind}"
    wrong = sorted(set(parameters) - set(KINDS[kind]().get_params(deep=False)))
    if wrong:
        raise ModelFileError(f"{place}: it has no parameter {wrong[0]!r}")
    stored = Fields(content.learnt, place)
    model: Predictor = KINDS[kind](**parameters)
    for name in LEARNT:
        if name in content.learnt:
            setattr(model, name, content.learnt[name])
    encoder, target = content.encoder, content.target
    names = None if content.learnt.get("names") is None else stored.texts("names")
    model._named = names is not None
    if names is not None:
        model.feature_names_in_ = np.array(names, object)
    model.n_features_in_ = len(names or encoder.columns)
    model._encodes = stored.flag("encodes")
    if model._encodes:
        model.encoder_, model._kinds = replace(encoder, targets=()), {}
    low, high = (
        np.array([getattr(column, end, 0.0) for column in encoder.columns])
        for end in ("minimum", "maximum")
    )
    numbers = [part for part in target.parts if isinstance(part, NumberTarget)]
    mean, deviation = (tuple(getattr(x, name) for x in numbers) for name in ("mean", "deviation"))
    own = names or tuple(column.name for column in encoder.columns)
    model._seen = Seen(own, low, high, target.names, content.shares, mean, deviation)
    history = stored.inner("history").stored
    if isinstance(model, MLPClassifier | MLPRegressor):
        _take_weights(model, content.network, history)
    else:
        model.network_ = content.network
        columns = {name: np.array(column, float) for name, column in history.items()}
        model._columns = {**columns, "epoch": columns["epoch"].astype(int)}
    if isinstance(model, MLPClassifier | NetworkClassifier):
        _take_labels(model, content, stored)
    else:
        scaled = stored.flag("scaled")
        if isinstance(model, NetworkRegressor):
            model._loss_, model._flat = model.loss or SquaredError(), stored.flag("flat")
        model.target_scaling_ = None
        if scaled:
            model.target_scaling_ = TargetScaling(tuple(numbers))
    if isinstance(model, MLPClassifier | MLPRegressor):
        model.out_activation_ = model._goal().out_activation
    return model


def _take_weights(
    model: MLPClassifier | MLPRegressor, network: nn.Module, history: Mapping[str, Any]
) -> None:
    layers = [x for x in getattr(network, "layers", ()) if isinstance(x, nn.Dense)]
    if not layers:
        raise ModelFileError("estimator: its network is no perceptron")
    model.coefs_ = [np.asarray(layer.weight) for layer in layers]
    model.intercepts_ = [np.asarray(layer.bias) for layer in layers]
    if model.early_stopping:  # what a fit that goes on compares with
        model._best_coefs, model._best_intercepts = list(model.coefs_), list(model.intercepts_)
    model.n_layers_ = len(layers) + 1
    model.n_outputs_ = model.coefs_[-1].shape[1]
    model._no_improvement_count = 0
    if set(history) != set(COLUMNS):
        raise ModelFileError(f"estimator: its history should have the columns {', '.join(COLUMNS)}")
    rows = zip(*(history[name] for name in COLUMNS), strict=True)
    model._records = [EpochRecord(**dict(zip(COLUMNS, row, strict=True))) for row in rows]


def _take_labels(
    model: MLPClassifier | NetworkClassifier, content: Content, stored: Fields
) -> None:
    target, sparse = content.target, stored.flag("sparse")
    several = target.task == "multilabel"
    labels = range(len(target.classes)) if several else target.classes
    try:
        model.classes_ = np.array(list(labels), np.dtype(stored.text("labels")))
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"estimator: its labels: {error}") from error
    if isinstance(model, NetworkClassifier):
        model._labels = Labels(model.classes_, several, sparse)
        many = target.task == "multiclass"
        model._outputs_count = len(model.classes_) if several or many else 1
        model._loss_ = model.loss or (CrossEntropy() if many else BinaryCrossEntropy())
        return
    y: Any = model.classes_
    if several:
        y = np.array([[0] * len(labels), [1] * len(labels)])
    model._label_binarizer = LabelBinarizer().fit(csr_matrix(y) if sparse else y)
