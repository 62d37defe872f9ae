"""The network for some examples: as described, out of a Python file, or chosen by their size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chainrule import nn
from chainrule.app.model import table_network
from chainrule.app.model.forecast_network import ForecastNetwork
from chainrule.app.model.kinds import BATCH, AnyEncoder, data_types, kind_of
from chainrule.app.model.sequence_network import SequenceNetwork
from chainrule.app.training.architecture.layers import SEQUENCE, TEXT, Layers, layers_of
from chainrule.app.training.architecture.python_file import is_python_file, network_of_file
from chainrule.data import Encoder
from chainrule.data.images import ImageEncoder
from chainrule.data.sequences import Outlook
from chainrule.errors import ChainruleError, ParameterError
from chainrule.ir import ArrayType, Dim

_SMALLEST = 4  # pixels that are left on a side
_WIDEST = 128  # filters of the last convolution
_SMALL = nn.initialisers.Normal(0.01)  # a forecast begins as the last value
_EMBEDDED = 128  # numbers of a token's vector


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
    return _tried(network, described, [*data_types(encoder).values()])


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


def usual_language_network() -> str:
    """Choose a network for texts that learns fast on a laptop.

    After one pass over 780,000 characters it foretold with 2.20 nats per character in 36 s, four
    transformer blocks of width 128 with 2.54 in 171 s (two shared cores); the latter pay off over
    many passes.
    """
    return "embedding 64, gru 256"


def language_network(
    tokens: int, context: int, described: str, *, activation: str = "gelu"
) -> nn.Module:
    """Make a network that scores the token behind each place.

    Parameters
    ----------
    tokens
        How many different ones there are.
    context
        How many the network sees at once.
    described
        Layers in words, or ``FILE.py:FUNCTION``. The embedding of the tokens comes first, with
        a learnt vector for each place where a transformer or attention follows; the scores
        come last.
    activation
        Of dense layers.

    Raises
    ------
    ParameterError
        If the description cannot be understood, or does not suit a text.
    """
    if is_python_file(described):
        network = network_of_file(described, tokens)
    else:
        layers = layers_of(described, TEXT, activation)
        every = (*layers.over_places, *layers.behind)
        looks = any(isinstance(x, nn.MultiHeadAttention) for _, x in nn.walk(every))
        begin = [nn.Embedding(tokens, layers.embedding or _EMBEDDED, nn.initialisers.Normal(0.02))]
        places = [nn.LearntPositions(context)] if looks else []
        network = nn.Sequential(*begin, *places, *every, nn.LayerNorm(), nn.Dense(tokens))
    return _tried(network, described, [ArrayType((Dim(BATCH), context), "int32")])


def forecast_network(outlook: Outlook, described: str, *, activation: str = "relu") -> nn.Module:
    """Make a network that forecasts what an outlook says.

    Parameters
    ----------
    outlook
        What is seen and forecast.
    described
        Layers in words, nothing for a linear forecast, or ``FILE.py:FUNCTION``. What layers over
        the rows leave is flattened; the forecasts come last.
    activation
        Of dense and convolutional layers.

    Raises
    ------
    ParameterError
        If the description cannot be understood, or does not suit the series.
    """
    outputs = outlook.horizon * outlook.targets
    if is_python_file(described):
        body = network_of_file(described, outputs)
    else:
        layers = layers_of(described, SEQUENCE, activation) if described else Layers((), ())
        body = nn.Sequential(
            *layers.over_places, nn.Flatten(), *layers.behind, nn.Dense(outputs, initial=_SMALL)
        )
    network = ForecastNetwork(body, outlook.horizon, outlook.targets)
    window = (Dim(BATCH), outlook.look_back, len(outlook.channels))
    return _tried(network, described, [ArrayType(window)])


def _tried(network: nn.Module, described: str, types: Sequence[ArrayType]) -> nn.Module:
    """Give a network back if it takes examples of these types."""
    try:
        network.initialise(0, *types)
    except ChainruleError as error:
        said = " ".join([str(error), *getattr(error, "__notes__", [])])
        raise ParameterError(f"--network {described!r} does not suit the data: {said}") from error
    return network


def _flat(layers: tuple[nn.Module, ...]) -> list[nn.Module]:
    """What has to stand between layers over pixels and those behind them."""
    joins: tuple[Any, ...] = (nn.Flatten, nn.GlobalAveragePool, nn.GlobalMaxPool)
    return [] if any(isinstance(layer, joins) for layer in layers) else [nn.Flatten()]
