"""What `MLPClassifier` and `MLPRegressor` share: scikit-learn's perceptron on our programs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions
from sklearn.utils.validation import (
    _check_sample_weight,
    _check_y,
    check_consistent_length,
    validate_data,
)

from chainrule import nn
from chainrule.data.scaling import METHODS
from chainrule.estimators.course import Course
from chainrule.estimators.design import ACTIVATION_NAMES, Weights
from chainrule.estimators.frames import (
    encode,
    fit_encoder,
    look_again,
    look_at,
    make_frame,
    telling_of_encoding,
)
from chainrule.estimators.goals import Goal
from chainrule.estimators.lbfgs import minimise
from chainrule.estimators.observers import Observers
from chainrule.estimators.parameters import Adjustable
from chainrule.estimators.programs import BLOCK, predictor
from chainrule.estimators.seen import Seen
from chainrule.estimators.settings import computing_dtype, design_of, hidden_sizes, is_stochastic
from chainrule.estimators.split import Examples, is_given, set_aside
from chainrule.train import EpochRecord

_SPARSE = ["csr", "csc"]
_FLOATS = (np.float64, np.float32)
_COLUMNS = {
    "epoch": "epoch",
    "loss": "train_loss",
    "validation_score": "metric",
    "learning_rate": "learning_rate",
    "gradient_norm": "gradient_norm",
    "seconds": "seconds",
}


class Perceptron(Adjustable, CallbackSupportMixin, ABC):
    """A multi-layer perceptron with scikit-learn's parameters, attributes and behaviour.

    `MLPClassifier` and `MLPRegressor` say what is learnt; here is how. The same `random_state`
    gives the same first weights, the same split and the same order of rows as in scikit-learn, so
    that results differ by rounding only.
    """

    # The names and the form of what follows are scikit-learn's.
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATION_NAMES)), tuple, list],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left"), tuple, list],
        "optimizer": [None, HasMethods(["initial", "update"])],
        "clip": [None, Interval(Real, 0, None, closed="neither"), callable],
        "encode": [StrOptions({"auto"}), "boolean"],
        "column_kinds": [None, dict],
        "scaling": [StrOptions({"auto", *METHODS})],
        "dtype": [StrOptions({"auto", "float32", "float64"})],
        "callbacks": [None, list, tuple],
        "executor": [StrOptions({"auto", "numpy", "native"})],
        "n_jobs": [None, Integral],
    }
    _numeric_targets: ClassVar[bool]
    _encodes = False
    _best_coefs: list[Any]
    _best_intercepts: list[Any]
    best_loss_: float | None
    classes_: Any

    # What a classifier and a regressor do differently.

    @abstractmethod
    def _read_targets(self, y: Any, incremental: bool) -> Any:
        """Learn what targets are, if it is time to, and give them as the network sees them."""

    @abstractmethod
    def _further_targets(self, y: Any) -> Any:
        """Give targets of more rows as the network sees them."""

    @abstractmethod
    def _output_count(self, targets: Any) -> int:
        """Count the outputs that targets as the network sees them need."""

    @abstractmethod
    def _goal(self) -> Goal:
        """Say what is made small."""

    @abstractmethod
    def _score_of(self, examples: Examples) -> float:
        """Score the predictions of encoded rows; NaN if they are not finite."""

    @abstractmethod
    def _strata(self, targets: Any) -> Any:
        """Give what a split should keep the shares of, or None."""

    @abstractmethod
    def _training_weight(self, examples: Examples) -> Any:
        """Give what the rows to train on count, [n] or None."""

    # What only a regressor does.

    def _learn_targets(self, y: Any) -> None:
        """Learn from the targets of the rows to train on how to scale them, if they are numbers."""

    def _scaled(self, y: Any) -> Any:
        return y

    def _restored(self, outputs: Any) -> Any:
        return outputs

    # What `fit` does, in order.

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation: tuple[Any, Any, Any] = (None, None, None),
        incremental: bool = False,
    ) -> Self:
        hidden = hidden_sizes(self)
        first = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        observers = Observers(self, 1 if incremental else self.max_iter, X, y)
        examples = self._read(X, y, sample_weight, first, incremental)
        if first:
            classes = 0 if self._numeric_targets else len(self.classes_)
            checked = None if self._encodes else examples.X
            self._seen = Seen.of(X, y, checked=checked, codes=examples.y, classes=classes)
        self.n_outputs_ = self._output_count(examples.y)
        self._records: list[EpochRecord] = getattr(self, "_records", [])
        self._random_state = check_random_state(self.random_state)
        if first and not self._encodes:
            self._initialise(examples.X.shape[1], hidden, examples.X.dtype)
        given = self._given(validation)
        rows, aside = self._set_aside(examples, given, incremental)
        if first:
            self._learn_encoding(examples, rows)
        examples = self._encoded(examples)
        if first and self._encodes:
            self._initialise(examples.X.shape[1], hidden, examples.X.dtype)
        training = examples if rows is None else examples.take(rows)
        held_out = given and self._encoded(given)
        if aside is not None:
            held_out = examples.take(aside)
        if not self.early_stopping and self.best_loss_ is None:
            self.best_loss_ = np.inf  # the fit before, which a warm start goes on with, had none
        self._check_shapes([training.X.shape[1], *hidden, self.n_outputs_])
        weight = self._training_weight(training)
        training = Examples(_dense(training.X), training.y, weight)
        if held_out is not None:
            self._prepare_scores()
        if is_stochastic(self):
            Course(self, training, held_out, incremental, observers).run()
            if self.early_stopping:
                self.coefs_, self.intercepts_ = self._best_coefs, self._best_intercepts
        else:
            minimise(self, training, observers)
        if not all(np.isfinite(w).all() for w in (*self.coefs_, *self.intercepts_)):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may"
                " contain large values and need to be preprocessed."
            )
        observers.end(self._fitted_attributes)
        return self

    def _read(self, X: Any, y: Any, sample_weight: Any, first: bool, incremental: bool) -> Examples:
        """Check what `fit` received; raw tables stay raw until their rows are divided."""
        if first:
            X = look_at(self, X)
        if self._encodes:
            if not first:
                look_again(self, X)
            y = _check_y(y, multi_output=True, y_numeric=self._numeric_targets, estimator=self)
            check_consistent_length(X, y)
        else:
            with telling_of_encoding():
                X, y = validate_data(
                    self,
                    X,
                    y,
                    accept_sparse=_SPARSE,
                    multi_output=True,
                    y_numeric=self._numeric_targets,
                    dtype=_FLOATS,
                    reset=first,
                )
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        return Examples(X, self._read_targets(y, incremental), weight)

    def _initialise(self, features: int, hidden: list[int], dtype: Any) -> None:
        """Draw weights as scikit-learn does, and forget what was learnt before."""
        self.t_ = 0
        self.n_iter_ = 0
        self.n_layers_ = len(hidden) + 2
        self.out_activation_ = self._goal().out_activation
        factor = 2.0 if self.activation == "logistic" else 6.0
        self.coefs_, self.intercepts_ = [], []
        for fan_in, fan_out in pairwise([features, *hidden, self.n_outputs_]):
            bound = np.sqrt(factor / (fan_in + fan_out))
            coef = self._random_state.uniform(-bound, bound, (fan_in, fan_out))
            intercept = self._random_state.uniform(-bound, bound, fan_out)
            self.coefs_.append(coef.astype(dtype, copy=False))
            self.intercepts_.append(intercept.astype(dtype, copy=False))
        self.__dict__.pop("_optimizer", None)
        self._records = []
        self._no_improvement_count = 0
        self.loss_curve_: list[float] = []
        self.best_loss_ = None if self.early_stopping else np.inf
        self.validation_scores_: list[float] | None = None
        self.best_validation_score_: float | None = None

    def _prepare_scores(self) -> None:
        """Begin to keep scores of validation rows, unless an earlier fit has begun."""
        if self.validation_scores_ is None:
            self.validation_scores_ = []
        if self.early_stopping and self.best_validation_score_ is None:
            self.best_validation_score_ = -np.inf
            self._best_coefs, self._best_intercepts = list(self.coefs_), list(self.intercepts_)

    def _given(self, validation: tuple[Any, Any, Any]) -> Examples | None:
        """Check the rows to validate on that `fit` received, if any."""
        X, y, weight = validation
        if not is_given(X, y, weight):
            return None
        if not is_stochastic(self):
            raise ValueError("X_val and y_val need the solver 'sgd' or 'adam', not 'lbfgs'")
        if self._encodes:
            look_again(self, X)
        else:
            X = validate_data(self, X, accept_sparse=_SPARSE, dtype=_FLOATS, reset=False)
        if weight is not None:
            weight = _check_sample_weight(weight, X)
        check_consistent_length(X, y)
        return Examples(X, self._further_targets(y), weight)

    def _set_aside(
        self, examples: Examples, given: Examples | None, incremental: bool
    ) -> tuple[Any, Any]:
        """Give the numbers of the rows to train on (None: all) and to validate on (None: none)."""
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        if given is not None or not self.early_stopping or not is_stochastic(self):
            return None, None
        strata = self._strata(examples.y)
        return set_aside(len(examples), self.validation_fraction, self._random_state, strata)

    def _learn_encoding(self, examples: Examples, rows: Any) -> None:
        """Learn from the rows to train on how raw rows and targets are encoded."""
        if self._encodes:
            self.encoder_ = fit_encoder(self, examples.X, rows)
        self._learn_targets(examples.y if rows is None else examples.y[rows])

    def _encoded(self, examples: Examples) -> Examples:
        X = examples.X
        if self._encodes:
            dtype = np.float32 if self.dtype == "auto" else np.dtype(self.dtype)
            X = encode(self.encoder_, X, dtype)
        return Examples(X, self._scaled(examples.y), examples.weight)

    def _check_shapes(self, units: list[int]) -> None:
        held = [coef.shape for coef in self.coefs_]
        if held != list(pairwise(units)):
            raise ValueError(
                f"the weights from the fit before have the shapes {held}, but the parameters and "
                f"data of now need layers of {units} units: fit with warm_start=False"
            )
        self.n_layers_ = len(units)

    # What is learnt.

    def _weights(self) -> Weights:
        return {"coefs": list(self.coefs_), "intercepts": list(self.intercepts_)}

    def _set_weights(self, weights: Weights) -> None:
        """Keep weights, in the dtype of those before."""
        dtype = self.coefs_[0].dtype
        self.coefs_ = [np.array(x, dtype) for x in weights["coefs"]]
        self.intercepts_ = [np.array(x, dtype) for x in weights["intercepts"]]

    def _fitted_attributes(self) -> Mapping[str, Any]:
        names = ("coefs_", "intercepts_", "n_outputs_", "n_layers_", "out_activation_")
        return {name: getattr(self, name) for name in names}

    @property
    def history_(self) -> Any:
        """A polars frame with one row per epoch.

        Its columns are `epoch`, `loss`, `validation_score` (null without validation rows),
        `learning_rate`, `gradient_norm` (the mean over the steps, before clipping) and `seconds`
        since the fit began.
        """
        if not hasattr(self, "_records"):
            raise AttributeError(f"this {type(self).__name__} has no history_: fit it first")
        columns = {
            name: np.array([getattr(record, field) for record in self._records], float)
            for name, field in _COLUMNS.items()
        }
        return make_frame({**columns, "epoch": columns["epoch"].astype(int)})

    @property
    def network_(self) -> nn.Sequential:
        """The trained network as a module; its outputs are raw, before `out_activation_`.

        Those of a regressor with a `target_scaling_` are scaled as this says.
        """
        if not hasattr(self, "coefs_"):
            raise AttributeError(f"this {type(self).__name__} has no network_: fit it first")
        return design_of(self, self.coefs_[0].dtype.name).network(self._weights())

    # Predictions.

    def _inputs(self, X: Any) -> Any:
        """Check rows to be predicted, and encode raw ones."""
        if self._encodes:
            look_again(self, X)
            return encode(self.encoder_, X, self.coefs_[0].dtype, tell=True)
        return validate_data(self, X, accept_sparse=_SPARSE, reset=False)

    def _predicted(self, X: Any, times: int = 1) -> Any:
        """Predict encoded rows [n, outputs], in the unit of the targets; see `_raw_outputs`."""
        dtype = self.coefs_[0].dtype
        outputs = np.asarray(self._goal().activate(self._raw_outputs(X, times)))
        return self._restored(outputs).astype(dtype, copy=False)

    def _raw_outputs(self, X: Any, times: int = 1) -> Any:
        """Compute the raw outputs of encoded rows, [n, outputs], a block at a time.

        Parameters
        ----------
        times
            How often this will be done at most, which helps to choose the executor.
        """
        design = design_of(self, computing_dtype(self))
        program = predictor(design, self.executor, X.shape[0], times)
        sparse: bool = issparse(X)
        X = X.tocsr() if sparse else X
        weights = {
            name: [np.asarray(x, design.dtype) for x in arrays]
            for name, arrays in self._weights().items()
        }
        blocks = [
            program(weights, np.ascontiguousarray(_dense(X[i : i + BLOCK]), design.dtype))
            for i in range(0, X.shape[0], BLOCK)
        ]
        return np.concatenate(blocks).astype(self.coefs_[0].dtype, copy=False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _dense(X: Any) -> Any:
    sparse: bool = issparse(X)
    return X.toarray() if sparse else X
