"""The network for some examples: as described, out of a Python file, or chosen by their size."""

from __future__ import annotations

import math
from typing import Any

from chainrule import nn
from chainrule.app.model import table_network
from chainrule.app.model.kinds import AnyEncoder, data_types, kind_of
from chainrule.app.model.sequence_network import SequenceNetwork
from chainrule.app.training.architecture.layers import layers_of
from chainrule.app.training.architecture.python_file import is_python_file, network_of_file
from chainrule.data import Encoder
from chainrule.data.images import ImageEncoder
from chainrule.errors import ChainruleError, ParameterError

_SMALLEST = 4  # pixels that are left on a side
_WIDEST = 128  # filters of the last convolution


def usual_network(encoder: AnyEncoder) -> str:
    """Choose a network by the kind of the examples, and the size of pictures.

    Returns
    -------
    Words as `layers_of` reads them; empty for tables, which have hidden layers of their own.
    """
    if isinstance(encoder, Encoder):
        return ""
    if isinstance(encoder, ImageEncoder):
        smaller = min(encoder.form.height, encoder.form.width)
        stages = min(4, max(1, int(math.log2(max(smaller, 1) / _SMALLEST))))
        over = [f"conv {min(32 * 2**i, _WIDEST)}, pool" for i in range(stages)]
        return ", ".join([*over, "dropout 0.2", "dense 128"])
    return "conv 64 5, conv 64 5, dropout 0.2, dense 64"


def build_network(
    encoder: AnyEncoder,
    outputs: int,
    described: str,
    *,
    hidden: tuple[int, ...] = (),
    activation: str = "relu",
    dropout: float = 0.0,
) -> nn.Module:
    """Make a network that takes what an encoder gives.

    Parameters
    ----------
    encoder
        Of the examples.
    outputs
        Numbers that it should give for each.
    described
        Layers in words, ``FILE.py:FUNCTION``, or nothing for a perceptron on a table.
    hidden, activation, dropout
        Of the perceptron; the activation also of layers in words.

    Raises
    ------
    ParameterError
        If the description cannot be understood, or does not suit the examples.
    """
    if not described and isinstance(encoder, Encoder):
        return table_network(encoder, nn.MLP(hidden, outputs, activation, dropout))
    if is_python_file(described):
        network = network_of_file(described, outputs)
    else:
        network = _in_words(encoder, outputs, described, activation)
    try:
        network.initialise(0, *data_types(encoder).values())
    except ChainruleError as error:
        said = " ".join([str(error), *getattr(error, "__notes__", [])])
        raise ParameterError(f"--network {described!r} does not suit the data: {said}") from error
    return network


def _in_words(encoder: AnyEncoder, outputs: int, described: str, activation: str) -> nn.Module:
    layers = layers_of(described, kind_of(encoder), activation)
    output = nn.Dense(outputs)
    if isinstance(encoder, Encoder):
        return table_network(encoder, nn.Sequential(*layers.behind, output))
    if isinstance(encoder, ImageEncoder):
        return nn.Sequential(
            *layers.over_places, *_flat(layers.over_places), *layers.behind, output
        )
    return SequenceNetwork(layers.over_places, nn.Sequential(*layers.behind, output))


def _flat(layers: tuple[nn.Module, ...]) -> list[nn.Module]:
    """What has to stand between layers over pixels and those behind them."""
    joins: tuple[Any, ...] = (nn.Flatten, nn.GlobalAveragePool, nn.GlobalMaxPool)
    return [] if any(isinstance(layer, joins) for layer in layers) else [nn.Flatten()]
