"""`NetworkClassifier`: any network as a classifier of scikit-learn."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from chainrule import nn
from chainrule.errors import ParameterError
from chainrule.estimators.class_weights import weighted
from chainrule.estimators.gaps import require_labels
from chainrule.estimators.network import NetworkEstimator
from chainrule.estimators.split import Examples, is_given
from chainrule.nn.losses import BinaryCrossEntropy, CrossEntropy, Loss


class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """A classifier that trains any network.

    Parameters
    ----------
    network
        A `chainrule.nn.Module` with one raw output per class (for two classes one is enough), or
        a function from the number of outputs to a module. None is a perceptron with one hidden
        layer of 100 units. A search reaches inside: ``network__layers__0__units``.
    loss
        One of `chainrule.losses`; None is the cross-entropy that suits the outputs.
    optimizer
        One of `chainrule.optim`; None is Adam with a rate of 0.001.
    batch_size
        Rows of a minibatch; "full" takes all at once, "auto" 16 to 256, so that about 50 steps
        make an epoch.
    max_iter
        Most epochs.
    stop
        Further criteria of `chainrule.stop`, one or several.
    early_stopping
        Whether to stop after `n_iter_no_change` epochs in which the validation loss has not
        improved, and to keep the best weights.
    validation_fraction
        Share of the rows to validate on, if `fit` receives no X_val.
    n_iter_no_change
        See `early_stopping`.
    class_weight
        How much classes count: None, "balanced", or a dictionary.
    penalties, clip, frozen
        As for `chainrule.train.Trainer`; a number for `clip` limits the norm of the gradient.
    shuffle
        Whether each epoch takes the rows in a new order.
    random_state
        Where the split and the trainer's seed are drawn from.
    verbose
        Whether a progress bar is shown.
    keep_integers
        Whether whole numbers stay what they are, as `nn.Embedding` needs them.
    encode, column_kinds, scaling
        As for `MLPClassifier`.
    dtype
        Of the parameters: "float32" or "float64".
    callbacks
        Functions that are shown the `EpochRecord` of every epoch.
    executor
        "native" machine code, "numpy", or "auto", which chooses by the amount of work.

    Attributes
    ----------
    network_
        The trained network.
    classes_
        The labels, sorted.
    n_iter_, loss_, best_epoch_, stopped_because_
        Epochs, loss of the last one, the epoch whose weights are kept (None for the last), and
        why training ended.
    history_
        A polars frame with one row per epoch.
    encoder_
        The encoder of raw tables; absent for plain numbers.

    Examples
    --------
    >>> from chainrule import nn, optim
    >>> from chainrule.estimators import NetworkClassifier
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["low", "low", "high", "high"]
    >>> net = nn.Sequential(nn.Dense(8), nn.Tanh(), nn.Dense(2))
    >>> model = NetworkClassifier(net, optimizer=optim.Adam(0.1), random_state=0).fit(X, y)
    >>> model.predict([[0.5], [2.5]]).tolist()
    ['low', 'high']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **NetworkEstimator._parameter_constraints,
        "class_weight": [None, StrOptions({"balanced"}), dict],
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
        class_weight: Any = None,
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
        self.class_weight = class_weight
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
            Labels (n,).
        sample_weight
            How much each row counts (n,), or None.
        X_val, y_val, sample_weight_val
            Rows that are measured after every epoch.
        """
        X = self._examples(X, y)
        require_labels(y)
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "NetworkClassifier needs at least two classes, but y holds only one class: "
                f"{self.classes_[0]!r}"
            )
        examples = Examples(X, codes.astype(np.int32), self._weight(sample_weight, X))
        validation = self._further(X_val, y_val, sample_weight_val)
        examples, validation = self._divided(examples, validation, examples.y)
        weight = weighted(self.class_weight, self.classes_[examples.y], examples.weight)
        examples = Examples(examples.X, examples.y, weight)
        network = self._built(len(self.classes_), _perceptron)
        loss = self._loss_for(network, examples.X)
        self.network_ = self._train(network, loss, examples, validation)
        return self

    def predict(self, X: Any) -> Any:
        """Give the label of each row (n,).

        Parameters
        ----------
        X
            As for `fit`.
        """
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X: Any) -> Any:
        """Give the probability of each class, in the order of `classes_`: (n, classes).

        Parameters
        ----------
        X
            As for `fit`.
        """
        check_is_fitted(self)
        X = self._coded(self._inputs(X))
        found = np.asarray(self._loss_.probabilities(self._run(self.network_, X)))
        if found.ndim > 1 and found.shape[1] > 1:
            return found
        yes = found.reshape(-1, 1)
        return np.hstack([1 - yes, yes])

    def _loss_for(self, network: nn.Module, X: Any) -> Loss:
        shape, classes = self._output_shape(network, X), len(self.classes_)
        outputs = 1 if shape == () else int(shape[-1])
        if len(shape) > 1 or (outputs != classes and not (outputs == 1 and classes <= 2)):
            raise ParameterError(
                f"the network gives outputs of shape {shape} per row, but there are {classes} "
                "classes: it should have one output for each (for two classes, one is enough)"
            )
        fitting: Loss = CrossEntropy() if outputs > 1 else BinaryCrossEntropy()
        self._loss_: Loss = fitting if self.loss is None else self.loss
        return self._loss_

    def _further(self, X: Any, y: Any, weight: Any) -> Examples | None:
        if not is_given(X, y, weight):
            return None
        X, y = self._inputs(X), column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y_val has classes that y has not: {unknown}")
        codes = np.searchsorted(self.classes_, y).astype(np.int32)
        return Examples(X, codes, self._weight(weight, X))


def _perceptron(outputs: int) -> nn.Module:
    return nn.MLP((100,), outputs)
