"""The settings of an experiment, and what they make."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType
from typing import Any

from chainrule import losses, nn, optim
from chainrule.errors import ParameterError
from chainrule.nn.activations import ACTIVATIONS

OPTIMISERS: Mapping[str, Callable[[float], Any]] = MappingProxyType(
    {
        "sgd": optim.SGD,
        "momentum": lambda rate: optim.SGD(rate, momentum=0.9),
        "nesterov": lambda rate: optim.SGD(rate, momentum=0.9, nesterov=True),
        "rmsprop": optim.RMSprop,
        "adagrad": optim.Adagrad,
        "adam": optim.Adam,
        "adamw": optim.AdamW,
    }
)
"""Optimisers by the names that the page shows."""

LOSSES: Mapping[str, Callable[..., losses.Loss]] = MappingProxyType(
    {
        "half_squared_error": losses.HalfSquaredError,
        "squared_error": losses.SquaredError,
        "absolute_error": losses.AbsoluteError,
        "huber": losses.Huber,
        "binary_cross_entropy": losses.BinaryCrossEntropy,
        "cross_entropy": losses.CrossEntropy,
        "hinge": losses.Hinge,
    }
)
"""Losses by the names that the page shows."""

LOSSES_FOR: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "number": ("half_squared_error", "squared_error", "absolute_error", "huber"),
        "binary": (
            "binary_cross_entropy",
            "half_squared_error",
            "squared_error",
            "absolute_error",
            "hinge",
        ),
        "class": ("cross_entropy", "hinge", "half_squared_error", "squared_error"),
    }
)
"""Which losses fit which targets."""

MOST_UNITS, MOST_LAYERS, MOST_BATCH = 1024, 8, 4096


@dataclass(frozen=True)
class Setup:
    """What a person can set on the page.

    Attributes
    ----------
    hidden
        Units of the hidden layers.
    activation, output
        Of the hidden layers, and of the output layer.
    loss, reduction
        What is made small, and whether it is a "mean" or a "sum" over the batch.
    optimiser, rate
        How steps are made.
    batch
        Rows per step; 0 stands for all.
    seed
        Of first weights and of the order of rows.
    biases
        Whether biases are trained.
    """

    hidden: tuple[int, ...] = (4,)
    activation: str = "tanh"
    output: str = "identity"
    loss: str = "binary_cross_entropy"
    reduction: str = "mean"
    optimiser: str = "sgd"
    rate: float = 0.1
    batch: int = 0
    seed: int = 0
    biases: bool = True

    def __post_init__(self) -> None:
        """Check the settings; they may come from anyone who writes a URL."""
        _choice("activation", self.activation, ACTIVATIONS)
        _choice("output", self.output, ACTIVATIONS)
        _choice("loss", self.loss, LOSSES)
        _choice("reduction", self.reduction, ("mean", "sum"))
        _choice("optimiser", self.optimiser, OPTIMISERS)
        if len(self.hidden) > MOST_LAYERS or not all(
            1 <= whole("hidden", n) <= MOST_UNITS for n in self.hidden
        ):
            raise ParameterError(
                f"hidden takes up to {MOST_LAYERS} layers of 1 to {MOST_UNITS} units, received "
                f"{list(self.hidden)}"
            )
        if not 0 <= number("rate", self.rate) <= 1e6:
            raise ParameterError(f"rate lies between 0 and 1000000, received {self.rate}")
        if not 0 <= whole("batch", self.batch) <= MOST_BATCH:
            raise ParameterError(f"batch lies between 0 (all) and {MOST_BATCH}")
        if not 0 <= whole("seed", self.seed) < 2**31:
            raise ParameterError(f"seed lies between 0 and 2147483647, received {self.seed}")
        if not isinstance(self.biases, bool):
            raise ParameterError(f"biases is true or false, received {self.biases!r}")

    def changed(self, settings: Mapping[str, Any]) -> Setup:
        """Give these settings with others in place of some, read from JSON."""
        known = {f.name for f in fields(self)}
        for name in settings:
            if name not in known:
                raise ParameterError(f"there is no setting {name!r}; there are {sorted(known)}")
        read = dict(settings)
        if "hidden" in read:
            if not isinstance(read["hidden"], list):
                raise ParameterError(f"hidden is a list of numbers, received {read['hidden']!r}")
            read["hidden"] = tuple(read["hidden"])
        return replace(self, **read)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain JSON values."""
        return asdict(self) | {"hidden": list(self.hidden)}

    def make_loss(self) -> losses.Loss:
        """Make the loss."""
        return LOSSES[self.loss](reduction=self.reduction)

    def make_optimiser(self) -> Any:
        """Make the optimiser."""
        return OPTIMISERS[self.optimiser](float(self.rate))

    def make_network(self, outputs: int) -> nn.Module:
        """Make a network of dense layers, without arrays yet."""
        body = nn.MLP(self.hidden, outputs, self.activation)
        if self.output == "identity":
            return body
        return nn.Sequential(*body.layers, ACTIVATIONS[self.output]())

    def put_on(self, network: nn.Module) -> nn.Module:
        """Give a chain of layers other activations: those of these settings.

        Networks that are no chain of dense layers and activations stay as they are.
        """
        if not isinstance(network, nn.Sequential):
            return network
        kinds = tuple(kind for kind in ACTIVATIONS.values() if isinstance(kind, type))
        dense = [i for i, layer in enumerate(network.layers) if isinstance(layer, nn.Dense)]
        layers: list[nn.Module] = []
        for i, layer in enumerate(network.layers):
            last = not dense or i > dense[-1]
            name = self.output if last else self.activation
            layers.append(ACTIVATIONS[name]() if isinstance(layer, kinds) else layer)
        if dense and dense[-1] == len(layers) - 1 and self.output != "identity":
            layers.append(ACTIVATIONS[self.output]())
        return nn.Sequential(*layers)


def activations_of(network: nn.Module) -> tuple[str, str]:
    """Name the activations of a chain's hidden layers and of its output.

    Of a network without any, and of one that is no chain, they are the identity.

    >>> activations_of(nn.Sequential(nn.Dense(2), nn.Tanh(), nn.Dense(1)))
    ('tanh', 'identity')
    """
    names = {kind: name for name, kind in ACTIVATIONS.items() if isinstance(kind, type)}
    layers = network.layers if isinstance(network, nn.Sequential) else ()
    dense = [i for i, layer in enumerate(layers) if isinstance(layer, nn.Dense)]
    last = dense[-1] if dense else len(layers)
    inner = [names[type(x)] for x in layers[:last] if type(x) in names]
    outer = [names[type(x)] for x in layers[last:] if type(x) in names]
    return (*inner, "identity")[0], (*outer, "identity")[0]


def has_activations(network: nn.Module) -> bool:
    """Tell whether a network is a chain with activations, which `Setup.put_on` can exchange."""
    kinds = tuple(kind for kind in ACTIVATIONS.values() if isinstance(kind, type))
    layers = network.layers if isinstance(network, nn.Sequential) else ()
    return any(isinstance(layer, kinds) for layer in layers)


def number(name: str, value: object) -> float:
    """Check that a value from JSON is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ParameterError(f"{name} must be a number, received {value!r:.80}")
    return float(value)


def whole(name: str, value: object) -> int:
    """Check that a value from JSON is a whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ParameterError(f"{name} must be a whole number, received {value!r:.80}")
    return value


def _choice(name: str, value: object, known: Any) -> None:
    if not isinstance(value, str) or value not in known:
        raise ParameterError(f"{name} is one of {', '.join(known)}; received {value!r:.80}")
