"""`NetworkTransformer`: any network as a transformer, trained as one half of an autoencoder."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin, _fit_context
from sklearn.utils.validation import check_is_fitted

from chainrule import nn, random
from chainrule.errors import ParameterError
from chainrule.estimators.network import NetworkEstimator
from chainrule.estimators.split import Examples
from chainrule.nn.losses import SquaredError


class Autoencoder(nn.Module):
    """Two networks, one behind the other: the second makes the input again of what the first says.

    Parameters
    ----------
    encoder, decoder
        Modules that take one array.
    """

    encoder: nn.Module
    decoder: nn.Module

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Compute the input again."""
        first, second = (None, None) if key is None else random.split(key)
        return self.decoder(self.encoder(x, key=first), key=second)


class NetworkTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetworkEstimator):
    """A transformer that trains any network to keep what matters of its inputs.

    It is one half of an autoencoder: `network` makes a few numbers of each row, `decoder` makes
    the row again, and both are trained together until it comes close.

    Parameters
    ----------
    network
        A `chainrule.nn.Module` that gives (n, components), or a function from the number of
        components, 2, to a module. None is one dense layer.
    decoder
        A module that takes (n, components) and gives the shape of the inputs; None is one dense
        layer. With both None the components span the plane of the first principal components.
    loss
        One of `chainrule.losses` between inputs and outputs; None is the squared error.
    optimizer, batch_size, max_iter, stop, early_stopping, validation_fraction, n_iter_no_change
        As for `NetworkClassifier`.
    penalties, clip, frozen, shuffle, random_state, verbose, encode, column_kinds, scaling, dtype
        As for `NetworkClassifier`; arrays to freeze begin with "encoder." or "decoder.".
    callbacks, executor
        As for `NetworkClassifier`.

    Attributes
    ----------
    network_, decoder_
        The two trained networks.
    n_iter_, loss_, best_epoch_, stopped_because_, history_, encoder_
        As for `NetworkClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, optim
    >>> from chainrule.estimators import NetworkTransformer
    >>> X = np.array([[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0]])
    >>> model = NetworkTransformer(nn.Dense(1), optimizer=optim.Adam(0.05), random_state=0)
    >>> codes = model.fit_transform(X)
    >>> codes.shape, bool(abs(model.inverse_transform(codes) - X).max() < 0.1)
    ((3, 1), True)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **NetworkEstimator._parameter_constraints,
        "decoder": [None, callable],
    }
    keep_integers = False

    def __init__(
        self,
        network: Any = None,
        decoder: Any = None,
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
        encode: Any = "auto",
        column_kinds: Any = None,
        scaling: str = "auto",
        dtype: str = "float32",
        callbacks: Any = None,
        executor: str = "auto",
    ) -> None:
        self.network = network
        self.decoder = decoder
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
        self.encode = encode
        self.column_kinds = column_kinds
        self.scaling = scaling
        self.dtype = dtype
        self.callbacks = callbacks
        self.executor = executor

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, *, X_val: Any = None) -> Self:
        """Train both networks.

        Parameters
        ----------
        X
            Numbers (n, ...), or a raw table of pandas, polars or Arrow.
        y
            Ignored.
        sample_weight
            How much each row counts (n,), or None.
        X_val
            Rows that are measured after every epoch.
        """
        X = self._inputs(X, first=True)
        # Rows are divided before they are encoded, and only encoded ones can be targets.
        examples = Examples(X, np.arange(len(X)), self._weight(sample_weight, X))
        validation = None
        if X_val is not None:
            X_val = self._inputs(X_val)
            validation = Examples(X_val, np.arange(len(X_val)), None)
        examples, validation = self._divided(examples, validation, None)
        examples = Examples(examples.X, examples.X, examples.weight)
        if validation is not None:
            validation = Examples(validation.X, validation.X, None)
        shape = examples.X.shape[1:]
        decoder = self.decoder
        if decoder is None and len(shape) > 1:
            raise ParameterError(f"inputs of shape {shape} per row need a decoder of their own")
        both = Autoencoder(
            self._built(2, nn.Dense), nn.Dense(shape[0]) if decoder is None else decoder
        )
        loss = SquaredError() if self.loss is None else self.loss
        trained: Any = self._train(both, loss, examples, validation)
        self.network_: nn.Module = trained.encoder
        self.decoder_: nn.Module = trained.decoder
        self._n_features_out = int(self._output_shape(self.network_, examples.X)[-1])
        return self

    def transform(self, X: Any) -> Any:
        """Give the components of each row, (n, components).

        Parameters
        ----------
        X
            As for `fit`.
        """
        check_is_fitted(self)
        return self._run(self.network_, self._coded(self._inputs(X)))

    def inverse_transform(self, X: Any) -> Any:
        """Give the rows that components stand for, encoded if tables are.

        Parameters
        ----------
        X
            Components (n, components).
        """
        check_is_fitted(self)
        return self._run(self.decoder_, np.asarray(X, self.dtype))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # the dtype is a parameter
        return tags
