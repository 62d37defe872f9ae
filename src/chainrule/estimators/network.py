"""What the estimators for any network share: a `chainrule.train.Trainer` behind `fit`."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable
from functools import lru_cache
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, validate_data

from chainrule import nn
from chainrule.data.scaling import METHODS
from chainrule.errors import DataError, ParameterError
from chainrule.estimators.frames import (
    encode,
    fit_encoder,
    look_again,
    look_at,
    make_frame,
    telling_of_encoding,
)
from chainrule.estimators.gaps import refuse_name
from chainrule.estimators.parameters import Adjustable
from chainrule.estimators.programs import BLOCK
from chainrule.estimators.seen import Seen
from chainrule.estimators.settings import clip_of, suitable_batch
from chainrule.estimators.split import Examples, set_aside
from chainrule.execute import Compiled, Traced, choose_executor, trace
from chainrule.ir import ArrayType, Dim
from chainrule.nn.losses import Loss
from chainrule.train import Adam, Criterion, Epochs, Patience, Trainer
from chainrule.train.run import output_type

Builder = Callable[[int], nn.Module]
"""Makes a network with so many outputs."""


class NetworkEstimator(Adjustable, ABC):
    """An estimator whose parameters include a network.

    `NetworkClassifier`, `NetworkRegressor` and `NetworkTransformer` say what the network learns;
    here is how it is trained and run.
    """

    # The name and the form of what follows are scikit-learn's.
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "network": [None, callable],
        "loss": [None, HasMethods(["terms", "prepare"])],
        "optimizer": [None, HasMethods(["initial"])],
        "batch_size": [StrOptions({"auto", "full"}), Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "stop": [None, tuple, list, HasMethods(["holds"])],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "penalties": [tuple, list, callable],
        "clip": [None, Interval(Real, 0, None, closed="neither"), callable],
        "frozen": [tuple, list, callable],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "keep_integers": ["boolean"],
        "encode": [StrOptions({"auto"}), "boolean"],
        "column_kinds": [None, dict],
        "scaling": [StrOptions({"auto", *METHODS})],
        "dtype": [StrOptions({"float32", "float64"})],
        "callbacks": [None, list, tuple],
        "executor": [StrOptions({"auto", "numpy", "native"})],
    }
    _encodes = False

    def _built(self, outputs: int, default: Builder) -> nn.Module:
        """Give the network to train: the module itself, or what a function makes of `outputs`."""
        network = self.network
        if isinstance(network, nn.Module):
            return network
        made = (network or default)(outputs)
        if not isinstance(made, nn.Module):
            raise ParameterError(
                f"network is a module, or a function from the number of outputs to a module; it "
                f"gave {type(made).__name__}"
            )
        return made

    def _examples(self, X: Any, y: Any) -> Any:
        """Check what `fit` learns from, and give X."""
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        refuse_name(y)
        X = self._inputs(X, first=True)
        check_consistent_length(X, y)
        return X

    def _inputs(self, X: Any, *, first: bool = False) -> Any:
        """Check inputs; of raw tables only the names, until `_coded` encodes their rows."""
        if first:
            X = look_at(self, X)
        elif self._encodes:
            look_again(self, X)
        if self._encodes:
            return X
        with telling_of_encoding():
            X = validate_data(self, X, dtype="numeric", allow_nd=True, reset=first)
        if self.keep_integers and X.dtype.kind in "iu":
            return X.astype(np.int32, copy=False)
        return within(X, self.dtype, "X")

    def _see(self, given: tuple[Any, Any], X: Any, codes: Any, classes: int) -> None:
        """Remember names, ranges and shares of the rows that `fit` received."""
        checked = None if self._encodes else X
        self._seen = Seen.of(*given, checked=checked, codes=codes, classes=classes)

    def _coded(self, X: Any, *, tell: bool = True) -> Any:
        return encode(self.encoder_, X, self.dtype, tell=tell) if self._encodes else X

    def _train(
        self,
        network: nn.Module,
        loss: Loss,
        examples: Examples,
        validation: Examples | None,
    ) -> nn.Module:
        """Train a network on encoded examples, keep the records, and give it."""
        size = self.batch_size
        rows = len(examples)
        watched = Examples(None, None, None) if validation is None else validation
        limits: list[Criterion] = [Epochs(self.max_iter)]
        if self.early_stopping:
            limits.append(Patience(self.n_iter_no_change))
        given = self.stop or ()
        limits += list(given) if isinstance(given, tuple | list) else [given]
        trainer = Trainer(
            network,
            loss,
            self.optimizer if self.optimizer is not None else Adam(),
            stop=limits,
            batch_size=suitable_batch(rows) if size == "auto" else size,
            penalties=self.penalties,
            clip=clip_of(self),
            frozen=self.frozen,
            keep="auto" if self.early_stopping else "last",
            shuffle=self.shuffle,
            seed=int(self._random_state.randint(2**31 - 1)),
            dtype=self.dtype,
            executor=self.executor,
            progress=bool(self.verbose),
            callbacks=self.callbacks or (),
        )
        run = trainer.fit(
            examples.X,
            examples.y,
            sample_weight=examples.weight,
            X_val=watched.X,
            y_val=watched.y,
            sample_weight_val=watched.weight,
        )
        self.loss_ = float(run.history["train_loss"][-1])
        self.n_iter_ = len(run.history)
        self.best_epoch_ = run.best_epoch
        self.stopped_because_ = run.stopped_because
        self._columns = dict(run.history.columns)
        return run.network

    def _divided(
        self, examples: Examples, validation: Examples | None, strata: Any
    ) -> tuple[Examples, Examples | None]:
        """Set rows aside if needed, and encode all; what is learnt is of those to train on."""
        self._random_state = check_random_state(self.random_state)
        rows = aside = None
        if validation is None and self.early_stopping:
            rows, aside = set_aside(
                len(examples), self.validation_fraction, self._random_state, strata
            )
        if self._encodes:
            self.encoder_ = fit_encoder(self, examples.X, rows)
        self._learn_targets(examples.y if rows is None else examples.y[rows])
        examples = self._encoded(examples)
        if aside is not None:
            return examples.take(rows), examples.take(aside)
        return examples, validation and self._encoded(validation)

    def _encoded(self, examples: Examples) -> Examples:
        X = self._coded(examples.X, tell=False)
        return Examples(X, self._scaled(examples.y), examples.weight)

    def _learn_targets(self, y: Any) -> None:
        """Learn from the targets of the rows to train on how to scale them, if they are numbers."""

    def _scaled(self, y: Any) -> Any:
        return y

    def _weight(self, sample_weight: Any, X: Any) -> Any:
        return None if sample_weight is None else _check_sample_weight(sample_weight, X)

    @property
    def history_(self) -> Any:
        """A polars frame with one row per epoch: the columns of `chainrule.train.History`."""
        if not hasattr(self, "_columns"):
            raise AttributeError(f"this {type(self).__name__} has no history_: fit it first")
        return make_frame(self._columns)

    def _run(self, network: nn.Module, X: Any) -> Any:
        """Compute the raw outputs of a network for encoded rows, a block at a time."""
        kind = ArrayType((Dim("batch"), *X.shape[1:]), X.dtype.name)
        graph = _traced(network, kind).graph
        sizes = {"batch": min(len(X), BLOCK)}
        executor = choose_executor(self.executor, graph, -(-len(X) // BLOCK), sizes)
        program = _compiled(network, kind, executor)
        blocks = [
            program(network, np.ascontiguousarray(X[i : i + BLOCK]))
            for i in range(0, len(X), BLOCK)
        ]
        return np.concatenate(blocks)

    def _output_shape(self, network: nn.Module, X: Any) -> tuple[Any, ...]:
        """Shape of what a network returns for one row."""
        kind = ArrayType((Dim("batch"), *X.shape[1:]), X.dtype.name)
        held = network.initialise(0, kind, dtype=self.dtype)
        shape: tuple[Any, ...] = output_type(held, (X[:1],)).shape[1:]
        return shape


def within(array: Any, dtype: str, name: str) -> Any:
    """Give finite numbers in the dtype of a network.

    Raises
    ------
    DataError
        If one is too large for it.

    >>> within(np.array([1.0, 2.0]), "float32", "X").dtype.name
    'float32'
    """
    most = np.finfo(dtype).max
    if array.dtype.kind == "f" and array.dtype.itemsize > np.dtype(dtype).itemsize:
        beyond = np.abs(array) > most
        if beyond.any():
            place = tuple(np.argwhere(beyond)[0])
            raise DataError(
                f"{name} holds {array[place]:g} in row {place[0]} (from 0), which is too large for "
                f"{dtype}: divide the numbers by a unit that suits them, or say dtype='float64'"
            )
    return array.astype(dtype, copy=False)


@lru_cache(maxsize=8)
def _traced(network: nn.Module, kind: ArrayType) -> Traced:
    return trace(lambda module, x: module(x), network, kind)


@lru_cache(maxsize=8)
def _compiled(network: nn.Module, kind: ArrayType, executor: str) -> Compiled:
    return _traced(network, kind).plan(limits={"batch": BLOCK}).compile(executor)
