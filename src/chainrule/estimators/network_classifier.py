"""`NetworkClassifier`: any network as a classifier of scikit-learn."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from chainrule import nn
from chainrule.errors import ParameterError
from chainrule.estimators.class_weights import weighted
from chainrule.estimators.labels import Labels, checked
from chainrule.estimators.network import NetworkEstimator
from chainrule.estimators.split import Examples, is_given
from chainrule.nn.losses import BinaryCrossEntropy, CrossEntropy, Loss


class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """A classifier that trains any network.

    Parameters
    ----------
    network
        A `chainrule.nn.Module` with one raw output per class or label (for two classes one is
        enough), or a function from the number of outputs to a module. None is a perceptron with
        one hidden layer of 100 units. A search reaches inside: ``network__layers__0__units``.
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
        How much classes count: None, "balanced", a dictionary, or a list with a dictionary for
        each of several labels.
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
        The labels, sorted; of several labels a row the numbers of their columns.
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
        "class_weight": [None, StrOptions({"balanced"}), dict, list],
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
            Labels (n,), or indicators (n, labels) for several labels per row.
        sample_weight
            How much each row counts (n,), or None.
        X_val, y_val, sample_weight_val
            Rows that are measured after every epoch.
        """
        given = X, y
        X = self._examples(X, y)
        y = checked(y, self)
        self._labels = Labels.of(y, type(self).__name__)
        self.classes_ = self._labels.classes
        codes = self._labels.codes(y)
        examples = Examples(X, codes, self._weight(sample_weight, X))
        self._see(given, X, codes, len(self.classes_))
        validation = self._further(X_val, y_val, sample_weight_val)
        strata = None if self._labels.several else examples.y
        examples, validation = self._divided(examples, validation, strata)
        labels = examples.y if self._labels.several else self.classes_[examples.y]
        weight = weighted(self.class_weight, labels, examples.weight)
        examples = Examples(examples.X, examples.y, weight)
        network = self._built(len(self.classes_), _perceptron)
        loss = self._loss_for(network, examples.X)
        self.network_ = self._train(network, loss, examples, validation)
        return self

    def predict(self, X: Any) -> Any:
        """Give the label of each row (n,), or indicators (n, labels).

        Parameters
        ----------
        X
            As for `fit`.
        """
        check_is_fitted(self)
        outputs = self._outputs(X)
        if self._labels.several or outputs.shape[1] == 1:
            yes = outputs > self._loss_.accuracy().threshold
            return self._labels.chosen(yes if self._labels.several else yes[:, 0].astype(int))
        return self._labels.chosen(outputs.argmax(axis=1))

    def predict_proba(self, X: Any) -> Any:
        """Give the probability of each class, in the order of `classes_`: (n, classes).

        Parameters
        ----------
        X
            As for `fit`.

        Raises
        ------
        AttributeError
            If the loss gives outputs that are no probabilities, as `chainrule.losses.Hinge` does.
        """
        check_is_fitted(self)
        loss = self._loss_
        if type(loss).probabilities is Loss.probabilities and loss.accuracy().threshold == 0.0:
            raise AttributeError(
                f"the outputs that {type(loss).__name__} makes are no probabilities: use "
                "decision_function"
            )
        found = np.asarray(loss.probabilities(self._outputs(X)))
        if self._labels.several or found.shape[1] > 1:
            return found
        return np.hstack([1 - found, found])

    def predict_log_proba(self, X: Any) -> Any:
        """Give the logarithm of `predict_proba`, minus infinity where that is 0.

        Parameters
        ----------
        X
            As for `fit`.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def decision_function(self, X: Any) -> Any:
        """Give the raw outputs: (n,) for two classes, else (n, classes) or (n, labels).

        They rank rows as the probabilities do, but never saturate at 0 or 1. For two classes with
        an output each they are the second minus the first.

        Parameters
        ----------
        X
            As for `fit`.
        """
        check_is_fitted(self)
        outputs = self._outputs(X)
        if self._labels.several or outputs.shape[1] > 2:
            return outputs
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs[:, 1] - outputs[:, 0]

    def _outputs(self, X: Any) -> Any:
        """Compute the raw outputs of each row, (n, outputs)."""
        outputs = self._run(self.network_, self._coded(self._inputs(X)))
        return outputs.reshape(len(outputs), -1)

    def _loss_for(self, network: nn.Module, X: Any) -> Loss:
        shape, classes = self._output_shape(network, X), len(self.classes_)
        several = self._labels.several
        outputs = 1 if shape == () else int(shape[-1])
        enough = outputs == classes or (outputs == 1 and classes == 2 and not several)
        if len(shape) > 1 or not enough:
            what = "labels" if several else "classes"
            raise ParameterError(
                f"the network gives outputs of shape {shape} per row, but there are {classes} "
                f"{what}: it should have one output for each"
                f"{'' if several else ' (for two classes, one is enough)'}"
            )
        self._outputs_count = outputs
        one_of_many = outputs > 1 and not several
        fitting: Loss = CrossEntropy() if one_of_many else BinaryCrossEntropy()
        self._loss_: Loss = fitting if self.loss is None else self.loss
        if not one_of_many and self._loss_.accuracy().threshold is None:
            raise ParameterError(
                f"{type(self._loss_).__name__} is for one of several classes with an output each: "
                "for labels that a row may have or not, use BinaryCrossEntropy"
            )
        return self._loss_

    def _further(self, X: Any, y: Any, weight: Any) -> Examples | None:
        if not is_given(X, y, weight):
            return None
        X, y = self._inputs(X), checked(y, self)
        check_consistent_length(X, y)
        return Examples(X, self._labels.codes(y, "y_val"), self._weight(weight, X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _perceptron(outputs: int) -> nn.Module:
    return nn.MLP((100,), outputs)
