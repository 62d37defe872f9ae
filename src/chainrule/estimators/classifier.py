"""`MLPClassifier`: scikit-learn's perceptron for classes and labels, and more."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    check_classification_targets,
    type_of_target,
    unique_labels,
)
from sklearn.utils.validation import check_is_fitted

from chainrule.estimators.class_weights import weighted
from chainrule.estimators.gaps import require_labels
from chainrule.estimators.goals import GOALS, Goal
from chainrule.estimators.perceptron import Perceptron
from chainrule.estimators.settings import has_partial_fit
from chainrule.estimators.split import Examples


class MLPClassifier(ClassifierMixin, Perceptron):
    """Multi-layer perceptron classifier, scikit-learn's and more.

    Change one import line, and a program that uses `sklearn.neural_network.MLPClassifier` (1.9)
    runs on compiled code, with the same parameters, attributes, warnings and, up to rounding,
    the same numbers. What it has beyond is marked with a plus sign.

    Parameters
    ----------
    hidden_layer_sizes
        Units of each hidden layer.
    activation
        Of the hidden layers: "identity", "logistic", "tanh", "relu"; + "leaky_relu", "elu",
        "selu", "gelu", "silu", "mish", "softplus"; + a list with one name for each hidden layer.
    solver
        "adam", "sgd", or "lbfgs" for small tables.
    alpha
        Strength of the L2 penalty on the coefficients.
    batch_size
        Rows of a minibatch; "auto" is ``min(200, rows)``, + for raw tables a number of 16 to 256
        that leaves about 50 steps to an epoch.
    learning_rate
        For "sgd": "constant"; "invscaling" divides by ``t ** power_t``; "adaptive" divides by 5
        whenever training stalls.
    learning_rate_init
        First learning rate, of "sgd" and "adam".
    power_t
        Exponent of "invscaling".
    max_iter
        Most epochs, or iterations of "lbfgs".
    shuffle
        Whether each epoch takes the rows in a new order.
    random_state
        Where first weights, the split of `early_stopping`, the order of rows and + dropout are
        drawn from.
    tol
        By how much the loss (the validation score, with `early_stopping`) has to improve.
    verbose
        Whether to print the loss of every epoch.
    warm_start
        Whether `fit` goes on from the weights and + from the optimiser's state of the fit before.
    momentum, nesterovs_momentum
        Of "sgd".
    early_stopping
        Whether to set `validation_fraction` of the rows aside, to stop when the score on them
        improves no more, and to keep the best weights.
    validation_fraction
        Share of the rows to set aside.
    beta_1, beta_2, epsilon
        Of "adam".
    n_iter_no_change
        How many epochs in a row may bring no improvement.
    max_fun
        Most evaluations of "lbfgs".
    dropout
        + Rate of dropout behind the hidden layers, or a list with one rate for each.
    class_weight
        + How much classes count: None, "balanced", or a dictionary.
    optimizer
        + One of `chainrule.optim`, with any schedule; it takes the place of `solver`,
        `learning_rate` and what belongs to them.
    clip
        + Limit of the norm of the gradient, or a clip of `chainrule.optim`.
    encode
        + Whether tables are encoded: "auto" does so if one has a column that is no number, or a
        gap. Numbers are scaled, categories become indicators, gaps get flags.
    column_kinds
        + Kinds of columns that you know better, such as ``{"zip": "categorical"}``; encodes.
    scaling
        + Of encoded numbers: "standard", "robust", "quantile" (mapped to a normal distribution),
        "asinh" or "ramps"; "auto" chooses for each column.
    dtype
        + Of the computation: "float32" or "float64"; "auto" is the dtype of the inputs, and
        float64 for "lbfgs".
    callbacks
        + Functions that are shown the `chainrule.train.EpochRecord` of every epoch; one that
        returns True ends training. scikit-learn's own callbacks are set by `set_callbacks`.
    executor
        + "native" machine code, "numpy", or "auto", which chooses by the amount of work.
    n_jobs
        + Threads that may share a step; None for as many as there are processors. The last bits
        of results may depend on it.

    Attributes
    ----------
    classes_
        The labels, sorted.
    coefs_, intercepts_
        Weights of each layer: arrays (inputs, outputs) and (outputs,).
    loss_, best_loss_, loss_curve_
        Loss of the last epoch, the smallest, and that of every epoch.
    validation_scores_, best_validation_score_
        Accuracy on the validation rows after every epoch, and the best; None without such rows.
    n_iter_, t_
        Epochs of the last fit, and rows seen in all.
    n_layers_, n_outputs_, out_activation_
        Shape of the network, and what is behind its raw outputs: "logistic" or "softmax".
    n_features_in_, feature_names_in_
        Columns of X, and their names if X was a table with names.
    history_
        + A polars frame with one row per epoch.
    network_
        + The trained network as a `chainrule.nn.Module`, with raw outputs.
    encoder_
        + The encoder of raw tables; absent for plain numbers.

    Examples
    --------
    >>> from chainrule.estimators import MLPClassifier
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["low", "low", "high", "high"]
    >>> model = MLPClassifier((4,), solver="lbfgs", alpha=0.0, random_state=0).fit(X, y)
    >>> model.predict([[0.5], [2.5]]).tolist()
    ['low', 'high']
    """

    loss = "log_loss"
    _numeric_targets = False
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Perceptron._parameter_constraints,
        "class_weight": [None, StrOptions({"balanced"}), dict, list],
    }

    def __init__(
        self,
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
        class_weight: Any = None,
        optimizer: Any = None,
        clip: Any = None,
        encode: Any = "auto",
        column_kinds: Any = None,
        scaling: str = "auto",
        dtype: str = "auto",
        callbacks: Any = None,
        executor: str = "auto",
        n_jobs: Any = None,
    ) -> None:
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
        self.class_weight = class_weight
        self.optimizer = optimizer
        self.clip = clip
        self.encode = encode
        self.column_kinds = column_kinds
        self.scaling = scaling
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
            Labels (n,), or indicators (n, labels) for several labels per row.
        sample_weight
            How much each row counts (n,), or None.
        X_val, y_val, sample_weight_val
            + Rows to validate on. With `early_stopping` they take the place of those that would
            be set aside; without it the scores are only recorded.
        """
        require_labels(y)
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    @available_if(has_partial_fit)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Go on learning, by one epoch over some rows.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes
            All labels that will ever come; needed at the first call.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported for partial_fit, which does not see all "
                "rows: give a dictionary, as compute_class_weight('balanced', ...) computes it"
            )
        require_labels(y)
        if _check_partial_fit_first_call(self, classes):
            multilabel = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if multilabel else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Any:
        """Give the label of each row (n,), or indicators (n, labels).

        Parameters
        ----------
        X
            As for `fit`; + a table may have more columns, or another order.
        """
        check_is_fitted(self)
        outputs = self._predicted(self._inputs(X))
        return self._label_binarizer.inverse_transform(
            outputs.ravel() if self.n_outputs_ == 1 else outputs
        )

    def predict_proba(self, X: Any) -> Any:
        """Give the probability of each class, in the order of `classes_`: (n, classes).

        Parameters
        ----------
        X
            As for `predict`.
        """
        check_is_fitted(self)
        outputs = self._predicted(self._inputs(X))
        return np.hstack([1 - outputs, outputs]) if self.n_outputs_ == 1 else outputs

    def decision_function(self, X: Any) -> Any:
        """Give the raw outputs: (n,) for two classes, else (n, classes) or (n, labels).

        + They rank rows as the probabilities do, but never saturate at 0 or 1.

        Parameters
        ----------
        X
            As for `predict`.
        """
        check_is_fitted(self)
        outputs = self._raw_outputs(self._inputs(X))
        return outputs.ravel() if self.n_outputs_ == 1 else outputs

    def predict_log_proba(self, X: Any) -> Any:
        """Give the logarithm of `predict_proba`, minus infinity where that is 0.

        Parameters
        ----------
        X
            As for `predict`.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _read_targets(self, y: Any, incremental: bool) -> Any:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            check_classification_targets(y)
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
            return self._coded(y)
        classes = unique_labels(y)
        if self.warm_start and set(classes) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same "
                "classes as in the previous call to fit. Previously "
                f"got {self.classes_}, `y` has {classes}"
            )
        self._check_known(classes)
        return self._coded(y)

    def _check_known(self, classes: Any) -> None:
        if len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _further_targets(self, y: Any) -> Any:
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._check_known(unique_labels(y))
        return self._coded(y)

    def _coded(self, y: Any) -> Any:
        """Labels as positions (n,) if there are several classes, else as 0 or 1 (n, outputs)."""
        if self._label_binarizer.y_type_ == "multiclass":
            # As transform would, without a table of all classes for all rows.
            if type_of_target(y).startswith("multilabel"):
                raise ValueError("The object was not fitted with multilabel input.")
            return np.searchsorted(self.classes_, y).astype(np.int32)
        return self._label_binarizer.transform(y).astype(bool)

    def _output_count(self, targets: Any) -> int:
        return int(targets.shape[1]) if targets.ndim == 2 else len(self.classes_)

    def _goal(self) -> Goal:
        multiclass = self._label_binarizer.y_type_ == "multiclass"
        return GOALS["multiclass" if multiclass else "binary"]

    def _score_of(self, examples: Examples) -> float:
        outputs = self._predicted(examples.X, self.max_iter)
        if not np.isfinite(outputs).all():
            return np.nan
        if examples.y.ndim == 1:
            right = outputs.argmax(axis=1) == examples.y
        else:
            right = ((outputs > 0.5) == examples.y).all(axis=1)
        return float(np.average(right, weights=examples.weight))

    def _strata(self, targets: Any) -> Any:
        return targets if targets.ndim == 2 and targets.shape[1] == 1 else None

    def _training_weight(self, examples: Examples) -> Any:
        labels = examples.y
        if labels.ndim == 1 or labels.shape[1] == 1:
            labels = self.classes_[labels.ravel().astype(np.int32)]
        return weighted(self.class_weight, labels, examples.weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
