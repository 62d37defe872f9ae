"""Functions of whole networks: calls that give more than the output, and what is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.nn.module import Module, module_paths
from chainrule.nn.network_summary import Summary
from chainrule.nn.scope import Call, Memory, Scope, entered
from chainrule.tracing import as_array, flatten


def run_with_state(
    module: Module, *inputs: Any, key: Any = None, recomputed: Mapping[str, int] | None = None
) -> tuple[Any, dict[str, Any]]:
    """Call a network and collect the state that its layers hand on.

    Parameters
    ----------
    recomputed
        Layers that keep only their input for the backward pass (see `chainrule.checkpoint`):
        paths, each with the number 1, or with how many layers of a `Sequential` do so as one.

    Returns
    -------
    The output, and the new arrays by path; layers without state add none.
    """
    with entered(Scope(module_paths(module), recomputed=recomputed or {})) as scope:
        output = module(*inputs, key=key)
    return output, scope.changes


def run_step(
    module: Module, x: Any, past: Mapping[str, Any], place: Any, length: int
) -> tuple[Any, dict[str, Any]]:
    """Call a causal network on one place of a sequence, given what it kept of those before.

    Recurrent layers keep their state, causal attention its keys and values: what they give is what
    they give at this place of the whole sequence. See `reads_stepwise` for the networks that can.

    Parameters
    ----------
    module
        The network.
    x
        The sequence at this place, (batch, 1, ...).
    past
        What was kept behind the place before; nothing at the first.
    place
        Number of the place, int32 (1,).
    length
        How many places there is room for.

    Returns
    -------
    The output at this place, and what is kept.

    >>> import numpy as np
    >>> from chainrule import nn
    >>> x = np.random.default_rng(0).normal(size=(1, 3, 4))
    >>> layer = nn.GRU(2).initialise(0, x, dtype="float64")
    >>> past = {}
    >>> for i in range(3):
    ...     y, past = nn.run_step(layer, x[:, i : i + 1], past, np.array([i], np.int32), 3)
    >>> bool(np.allclose(y[:, 0], layer(x)[:, 2]))
    True
    """
    memory = Memory(place, length, past)
    with entered(Scope(module_paths(module), memory=memory)):
        output = module(x)
    return output, memory.kept


def run_with_calls(module: Module, *inputs: Any, key: Any = None) -> tuple[Any, list[Call]]:
    """Call a network and write down every call of a module in it, outer ones first.

    >>> from chainrule import nn
    >>> network = nn.Sequential(nn.ReLU(), nn.Tanh())
    >>> [call.path for call in run_with_calls(network, [1.0])[1]]
    ['', 'layers[0]', 'layers[1]']
    """
    calls: list[Call] = []
    with entered(Scope(module_paths(module), calls=calls)):
        output = module(*inputs, key=key)
    return output, calls


def summary(
    network: Module, *examples: Any, frozen: Sequence[str] = (), depth: int | None = None
) -> Summary:
    """Say what a network is made of, from its program for inputs of these types.

    `Module.summary` gives the same.

    Parameters
    ----------
    network
        With or without arrays.
    examples
        What a call receives: arrays (rows, ...), whose number of rows is left open, or an
        `ArrayType` for each.
    frozen
        Paths of layers or arrays that count as fixed.
    depth
        How deep layers are shown; None shows all.

    >>> import numpy as np
    >>> from chainrule import nn
    >>> print(summary(nn.Sequential(nn.Dense(4), nn.ReLU(), nn.Dense(1)), np.zeros((8, 3))))
    layer        kind        output         parameters  trainable  flops  memory
    network      Sequential  f32[batch, 1]          21         21     41     4 B
      layers[0]  Dense       f32[batch, 4]          16         16     28    16 B
      layers[1]  ReLU        f32[batch, 4]           0          0      4    16 B
      layers[2]  Dense       f32[batch, 1]           5          5      9     4 B
    <BLANKLINE>
    21 parameters (21 trainable), 84 B
    41 flops and 128 B of working memory for one example
    """
    return network.summary(*examples, frozen=frozen, depth=depth)


def count_parameters(module: Module) -> int:
    """Count the numbers in a network, state included.

    >>> import numpy as np
    >>> from chainrule import nn
    >>> count_parameters(nn.Dense(2).initialise(0, np.ones((1, 3))))
    8
    """
    return sum(int(as_array(x).size) for x in flatten(module)[0])
