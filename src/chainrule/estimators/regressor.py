"""`MLPRegressor`: scikit-learn's perceptron for numbers and counts, and more."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_y, check_is_fitted

from chainrule.estimators.gaps import require_numbers
from chainrule.estimators.goals import GOALS, Goal
from chainrule.estimators.perceptron import Perceptron
from chainrule.estimators.settings import has_partial_fit
from chainrule.estimators.split import Examples
from chainrule.estimators.target_scaling import SHAPES, TargetScaling


class MLPRegressor(RegressorMixin, Perceptron):
    """Multi-layer perceptron regressor, scikit-learn's and more.

    Change one import line, and a program that uses `sklearn.neural_network.MLPRegressor` (1.9)
    runs on compiled code, with the same parameters, attributes, warnings and, up to rounding,
    the same numbers.

    Parameters
    ----------
    loss
        "squared_error", or "poisson" for counts; the latter predicts the exponential of the
        network's output and needs targets that are not negative.
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init
        As for `MLPClassifier`, and so are all that follow; scores are R squared.
    power_t, max_iter, shuffle, random_state, tol, verbose, warm_start, momentum
        As for `MLPClassifier`.
    nesterovs_momentum, early_stopping, validation_fraction, beta_1, beta_2, epsilon
        As for `MLPClassifier`.
    n_iter_no_change, max_fun, dropout, optimizer, clip, encode, column_kinds, scaling
        As for `MLPClassifier`.
    target_scaling
        + What is done to y for training, and undone in predictions: "standard", or for skewed
        numbers "log" (from 0 on) or "asinh"; "auto" chooses among these for raw tables, divides
        counts by their mean, and leaves y as it is for plain numbers, as scikit-learn does; None
        always does. Losses are of scaled targets, scores and predictions are not.
    dtype, callbacks
        As for `MLPClassifier`.
    executor, n_jobs
        As for `MLPClassifier`.

    Attributes
    ----------
    coefs_, intercepts_, loss_, best_loss_, loss_curve_, n_iter_, t_, n_layers_, n_outputs_
        As for `MLPClassifier`.
    validation_scores_, best_validation_score_
        R squared on the validation rows after every epoch, and the best; None without such rows.
    out_activation_
        "identity", or "exp" for "poisson".
    n_features_in_, feature_names_in_, history_, network_, encoder_
        As for `MLPClassifier`.
    target_scaling_
        + What is done to y, or None; ``target_scaling_.describe()`` says it in words.

    Examples
    --------
    >>> from chainrule.estimators import MLPRegressor
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 7.0]
    >>> model = MLPRegressor(activation="identity", solver="lbfgs", alpha=0.0, random_state=0)
    >>> model.fit(X, y).predict([[1.5]]).round(2).tolist()
    [4.0]
    """

    _numeric_targets = True
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Perceptron._parameter_constraints,
        "loss": [StrOptions({"squared_error", "poisson"})],
        "target_scaling": [None, StrOptions({"auto", *SHAPES})],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        optimizer: Any = None,
        clip: Any = None,
        encode: Any = "auto",
        column_kinds: Any = None,
        scaling: str = "auto",
        target_scaling: Any = "auto",
        dtype: str = "auto",
        callbacks: Any = None,
        executor: str = "auto",
        n_jobs: Any = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.optimizer = optimizer
        self.clip = clip
        self.encode = encode
        self.column_kinds = column_kinds
        self.scaling = scaling
        self.target_scaling = target_scaling
        self.dtype = dtype
        self.callbacks = callbacks
        self.executor = executor
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Learn from examples.

        Parameters
        ----------
        X
            Numbers (n, features), dense or sparse; + a raw table of pandas, polars or Arrow.
        y
            Numbers (n,) or (n, outputs).
        sample_weight
            How much each row counts (n,), or None.
        X_val, y_val, sample_weight_val
            + Rows to validate on. With `early_stopping` they take the place of those that would
            be set aside; without it the scores are only recorded.
        """
        require_numbers(y)
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    @available_if(has_partial_fit)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Go on learning, by one epoch over some rows.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        """
        require_numbers(y)
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Any:
        """Give the number of each row: (n,), or (n, outputs) if there are several.

        Parameters
        ----------
        X
            As for `fit`; + a table may have more columns, or another order.
        """
        check_is_fitted(self)
        outputs = self._predicted(self._inputs(X))
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def _read_targets(self, y: Any, incremental: bool) -> Any:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if self.loss == "poisson" and np.any(y < 0):
            raise ValueError("Some value(s) of y are out of the valid range of the loss 'poisson'.")
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _further_targets(self, y: Any) -> Any:
        y = self._read_targets(_check_y(y, multi_output=True, y_numeric=True), True)
        if y.shape[1] != self.n_outputs_:
            raise ValueError(f"y_val has {y.shape[1]} outputs, but y has {self.n_outputs_}")
        return y

    def _learn_targets(self, y: Any) -> None:
        shape = self.target_scaling
        if shape not in (None, "auto") and self.loss == "poisson":
            raise ValueError(
                f"target_scaling={shape!r} does not suit the loss 'poisson', which learns the "
                "logarithm of a rate: use 'auto' or None"
            )
        if shape == "auto":
            shape = ("count" if self.loss == "poisson" else "auto") if self._encodes else None
        self.target_scaling_ = None if shape is None else TargetScaling.fit(y, shape)

    def _scaled(self, y: Any) -> Any:
        return y if self.target_scaling_ is None else self.target_scaling_.apply(y)

    def _restored(self, outputs: Any) -> Any:
        return outputs if self.target_scaling_ is None else self.target_scaling_.restore(outputs)

    def _output_count(self, targets: Any) -> int:
        return int(targets.shape[1])

    def _goal(self) -> Goal:
        return GOALS[self.loss]

    def _score_of(self, examples: Examples) -> float:
        outputs = self._predicted(examples.X, self.max_iter)
        if not np.isfinite(outputs).all():
            return np.nan
        truth = self._restored(examples.y)
        return float(r2_score(truth, outputs, sample_weight=examples.weight))

    def _strata(self, targets: Any) -> Any:
        return None

    def _training_weight(self, examples: Examples) -> Any:
        return examples.weight
