"""`NetworkRegressor`: any network as a regressor of scikit-learn."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import _check_y, check_consistent_length, check_is_fitted

from chainrule import nn
from chainrule.estimators.gaps import require_numbers
from chainrule.estimators.network import NetworkEstimator, within
from chainrule.estimators.split import Examples, is_given
from chainrule.estimators.target_scaling import SHAPES, TargetScaling
from chainrule.nn.losses import Loss, SquaredError


class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """A regressor that trains any network.

    Parameters
    ----------
    network
        A `chainrule.nn.Module` with one output per number to predict, or a function from the
        number of outputs to a module. None is a perceptron with one hidden layer of 100 units.
    loss
        One of `chainrule.losses`; None is the squared error.
    optimizer, batch_size, max_iter, stop, early_stopping, validation_fraction, n_iter_no_change
        As for `NetworkClassifier`.
    penalties, clip, frozen, shuffle, random_state, verbose, keep_integers, encode, column_kinds
        As for `NetworkClassifier`.
    target_scaling
        As for `MLPRegressor`; "auto" scales only where the loss predicts what the network gives.
    scaling, dtype, callbacks, executor
        As for `NetworkClassifier`.

    Attributes
    ----------
    target_scaling_
        What is done to y, or None.
    network_, n_iter_, loss_, best_epoch_, stopped_because_, history_, encoder_
        As for `NetworkClassifier`.

    Examples
    --------
    >>> from chainrule import nn, optim
    >>> from chainrule.estimators import NetworkRegressor
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 7.0]
    >>> model = NetworkRegressor(nn.Dense(1), optimizer=optim.SGD(0.2), random_state=0)
    >>> model.fit(X, y).predict([[1.5]]).round(2).tolist()
    [4.0]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **NetworkEstimator._parameter_constraints,
        "target_scaling": [None, StrOptions({"auto", *SHAPES})],
    }

    def __init__(
        self,
        network: Any = None,
        *,
        loss: Any = None,
        optimizer: Any = None,
        batch_size: Any = "auto",
        max_iter: int = 200,
        stop: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        penalties: Any = (),
        clip: Any = None,
        frozen: Any = (),
        shuffle: bool = True,
        random_state: Any = None,
        verbose: Any = False,
        keep_integers: bool = False,
        encode: Any = "auto",
        column_kinds: Any = None,
        scaling: str = "auto",
        target_scaling: Any = "auto",
        dtype: str = "float32",
        callbacks: Any = None,
        executor: str = "auto",
    ) -> None:
        self.network = network
        self.loss = loss
        self.optimizer = optimizer
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.stop = stop
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.penalties = penalties
        self.clip = clip
        self.frozen = frozen
        self.shuffle = shuffle
        self.random_state = random_state
        self.verbose = verbose
        self.keep_integers = keep_integers
        self.encode = encode
        self.column_kinds = column_kinds
        self.scaling = scaling
        self.target_scaling = target_scaling
        self.dtype = dtype
        self.callbacks = callbacks
        self.executor = executor

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
        """Train the network.

        Parameters
        ----------
        X
            Numbers (n, ...), or a raw table of pandas, polars or Arrow.
        y
            Numbers (n,) or (n, outputs).
        sample_weight
            How much each row counts (n,), or None.
        X_val, y_val, sample_weight_val
            Rows that are measured after every epoch.
        """
        given = X, y
        X = self._examples(X, y)
        y = self._numbers(y)
        self._see(given, X, y, 0)
        self._flat = y.ndim == 1
        examples = Examples(X, y, self._weight(sample_weight, X))
        validation = None
        if is_given(X_val, y_val, sample_weight_val):
            X_val = self._inputs(X_val)
            check_consistent_length(X_val, y_val)
            weight = self._weight(sample_weight_val, X_val)
            validation = Examples(X_val, self._numbers(y_val), weight)
        self._loss_ = SquaredError() if self.loss is None else self.loss
        examples, validation = self._divided(examples, validation, None)
        network = self._built(1 if self._flat else y.shape[1], _perceptron)
        self.network_ = self._train(network, self._loss_, examples, validation)
        return self

    def predict(self, X: Any) -> Any:
        """Give the numbers of each row, in the shape of the targets.

        Parameters
        ----------
        X
            As for `fit`.
        """
        check_is_fitted(self)
        outputs = self._run(self.network_, self._coded(self._inputs(X)))
        found = np.asarray(self._loss_.predict(outputs))
        if self.target_scaling_ is not None:
            columns = found.reshape(len(found), -1)
            found = self.target_scaling_.restore(columns).astype(self.dtype).reshape(found.shape)
        return found[:, 0] if self._flat and found.ndim == 2 and found.shape[1] == 1 else found

    def _learn_targets(self, y: Any) -> None:
        shape = self.target_scaling
        plain = type(self._loss_).predict is Loss.predict
        if shape == "auto":
            shape = "auto" if self._encodes and plain else None
        elif shape is not None and not plain:
            raise ValueError(
                f"target_scaling={shape!r} does not suit {type(self._loss_).__name__}, whose "
                "predictions are not what the network gives: use None"
            )
        columns = y.reshape(len(y), -1)
        self.target_scaling_ = None if shape is None else TargetScaling.fit(columns, shape)

    def _scaled(self, y: Any) -> Any:
        if self.target_scaling_ is None:
            return y
        columns = self.target_scaling_.apply(y.reshape(len(y), -1))
        return columns.reshape(y.shape).astype(self.dtype)

    def _numbers(self, y: Any) -> Any:
        require_numbers(y)
        y = _check_y(y, multi_output=True, y_numeric=True, estimator=self)
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        return within(y, self.dtype, "y")


def _perceptron(outputs: int) -> nn.Module:
    return nn.MLP((100,), outputs)
