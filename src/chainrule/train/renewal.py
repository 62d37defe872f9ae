"""Running statistics of batch normalisation, taken anew for weights that no step has had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from chainrule import random
from chainrule.errors import ParameterError
from chainrule.nn import BatchNorm, Module, run_with_state
from chainrule.nn.module import walk
from chainrule.nn.tree import field_path, rebuilt, with_fields
from chainrule.tracing import as_array, flatten, map_leaves
from chainrule.train.compiled import blocks, compile_function
from chainrule.train.examples import batch_types, read_inputs
from chainrule.train.order import Order
from chainrule.train.pieces import Pieces

MOST = 100
"""Minibatches that statistics are taken from: many more change them by little."""

Batches = Callable[[], Iterator[Any]]
"""Gives inputs in minibatches, the same at every call."""


@dataclass(frozen=True, eq=False)
class Renewal:
    """Takes the running statistics of a network anew, for any weights.

    Attributes
    ----------
    paths
        Of the statistics.
    batches
        What they are taken of.
    batch_size
        Rows of the largest minibatch.
    executor
        Where to compute.
    key
        Random key of what is random in training, such as dropout.
    """

    paths: frozenset[str]
    batches: Batches
    batch_size: int
    executor: str
    key: Any
    _programs: dict[str, Any] = field(default_factory=dict)

    def __call__(self, network: Module) -> dict[str, Any]:
        """Give the new statistics of a network that holds arrays, by path."""
        forgetful = _without_memory(network)
        sums = {
            path: np.zeros(x.shape) for path, x in network.arrays().items() if path in self.paths
        }
        rows = 0
        for number, inputs in enumerate(self.batches()):
            kind = str(batch_types(inputs))
            if kind not in self._programs:
                self._programs[kind] = self._compiled(forgetful, batch_types(inputs))
            key = random.fold_in(self.key, number)
            count = len(flatten(inputs)[0][0])
            for path, x in self._programs[kind](forgetful, inputs, key).items():
                sums[path] += count * x.astype(np.float64)
            rows += count
        dtypes = {path: as_array(x).dtype for path, x in network.arrays().items()}
        return {path: (x / rows).astype(dtypes[path]) for path, x in sums.items()}

    def _compiled(self, network: Module, types: Any) -> Any:
        def statistics(network: Module, inputs: Any, key: Any) -> dict[str, Any]:
            changes = run_with_state(network, *inputs, key=key)[1]
            return {path: changes[path] for path in self.paths}

        return compile_function(
            statistics, (network, types, self.key), self.executor, self.batch_size, MOST
        )


def renew_statistics(
    network: Module,
    X: Any,
    *,
    batch_size: int = 256,
    seed: int = 0,
    executor: str = "auto",
) -> Module:
    """Take the running statistics of batch normalisation anew, with the weights as they are.

    Weights that were averaged, pruned or put together have activations of their own, which no
    running average has seen. Each statistic becomes the mean of what minibatches have, weighed by
    their rows, as Izmailov and others, "Averaging weights leads to wider optima and better
    generalization", UAI 2018, end with, and as PyTorch's ``update_bn`` does. The network runs as in
    training, dropout included. All other arrays stay. `Trainer` does this by itself where it
    averages weights.

    Parameters
    ----------
    network
        With arrays.
    X
        As for `Trainer.fit`: an array (rows, ...), a tuple with one for each argument, or pieces
        ``(X, y)``. Of more than 100 minibatches, 100 are taken, of random rows.
    batch_size
        Rows of a minibatch; the larger, the closer to the statistics of all rows.
    seed
        Of everything random.
    executor
        "native", "numpy" or "auto".

    Returns
    -------
    The network with new statistics; without `BatchNorm`, the network itself.

    >>> from chainrule import nn
    >>> X = np.array([[1.0], [3.0]])
    >>> layer = renew_statistics(nn.BatchNorm().initialise(0, X), X, executor="numpy")
    >>> layer.mean.tolist(), layer.variance.tolist()
    ([2.0], [2.0])
    """
    if batch_size < 1:
        raise ParameterError(f"batch_size is at least 1, received {batch_size}")
    paths = statistic_paths(network)
    if not paths:
        return network
    dtype = next(x for path, x in network.arrays().items() if path in paths).dtype.name
    key = random.key(seed)
    if _at_once(X):
        inputs = read_inputs(X, dtype)
        batches = batches_of(inputs, batch_size, random.fold_in(key, 0))
    else:
        batches = batches_of_pieces(Pieces(X), batch_size, dtype)
    renewal = Renewal(paths, batches, batch_size, executor, random.fold_in(key, 1))
    return network.with_arrays(renewal(network))


def statistic_paths(network: Module) -> frozenset[str]:
    """Name the running statistics of a network's batch normalisation.

    >>> from chainrule import nn
    >>> sorted(statistic_paths(nn.Sequential(nn.Dense(2), nn.BatchNorm())))
    ['layers[1].mean', 'layers[1].variance']
    """
    found = [path for path, each in walk(network) if isinstance(each, BatchNorm)]
    return frozenset(field_path(path, name) for path in found for name in ("mean", "variance"))


def batches_of(inputs: Any, batch_size: int, key: Any) -> Batches:
    """Give at most so many minibatches of a table's rows, in an order that the key decides."""
    rows = len(flatten(inputs)[0][0])
    order = Order(rows, key).epochs(0, 1)[0][: MOST * batch_size]

    def batches() -> Iterator[Any]:
        for chosen in blocks(order, batch_size):
            yield map_leaves(lambda x, chosen=chosen: x[chosen], inputs)

    return batches


def batches_of_pieces(pieces: Pieces, batch_size: int, dtype: str) -> Batches:
    """Cut the pieces of the first epoch into minibatches; at most so many."""

    def cut() -> Iterator[Any]:
        for X, _, _ in pieces.epoch(0):
            yield from blocks(read_inputs(X, dtype), batch_size)

    return lambda: islice(cut(), MOST)


def _at_once(X: Any) -> bool:
    """Tell inputs of a network from pieces of examples, which are pairs (X, y)."""
    if isinstance(X, list):
        return not isinstance(X[0] if X else None, tuple)
    return isinstance(X, (tuple, dict)) or hasattr(X, "shape")


def _without_memory(network: Module) -> Module:
    """The network, its normalisation handing on what a minibatch alone has."""
    changed = {
        path: with_fields(each, {"momentum": 0.0})
        for path, each in walk(network)
        if isinstance(each, BatchNorm)
    }
    forgetful: Module = rebuilt(network, "", changed, None)
    return forgetful
