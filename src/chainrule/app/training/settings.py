"""Which network, which optimiser, and for how long: chosen by the size of the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from chainrule import losses, nn, optim, stop
from chainrule.app.model import table_network
from chainrule.app.training.preparation import Prepared
from chainrule.errors import ParameterError
from chainrule.train import Trainer

OPTIMISERS = {
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "adagrad": optim.Adagrad,
    "rmsprop": optim.RMSprop,
    "sgd": optim.SGD,
}
"""Optimisers by the name that the command line knows them by."""


@dataclass(frozen=True)
class Settings:
    """All that decides how a network is made and trained.

    Parameters
    ----------
    hidden
        Units of each hidden layer.
    activation, dropout
        Of the hidden layers.
    optimizer, learning_rate, weight_decay
        The optimiser and its settings; only ``adamw`` has a weight decay.
    batch_size
        Rows per step.
    epochs, patience
        The most epochs; and how many may bring no improvement, 0 for no limit.
    seed
        Of everything random.
    executor
        ``"auto"``, ``"numpy"`` or ``"native"``.
    """

    hidden: tuple[int, ...]
    activation: str = "relu"
    dropout: float = 0.0
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    batch_size: int = 256
    epochs: int = 100
    patience: int = 10
    seed: int = 0
    executor: str = "auto"

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain JSON values."""
        return asdict(self) | {"hidden": list(self.hidden)}


def choose_settings(prepared: Prepared, asked: Mapping[str, Any]) -> Settings:
    """Choose what the user did not ask for by the number of training rows.

    Parameters
    ----------
    prepared
        The table.
    asked
        Settings by name; None where the choice is left to us.
    """
    rows = len(prepared.train)
    if rows < 2_000:
        chosen = Settings(
            hidden=(64, 64), batch_size=32, learning_rate=3e-3, epochs=200, patience=30
        )
    else:
        chosen = Settings(
            hidden=(64, 64), batch_size=256, learning_rate=2e-3, epochs=60, patience=8
        )
    settings = replace(
        chosen, **{name: value for name, value in asked.items() if value is not None}
    )
    if settings.optimizer not in OPTIMISERS:
        raise ParameterError(
            f"there is no optimizer {settings.optimizer!r}: use one of {', '.join(OPTIMISERS)}"
        )
    if settings.weight_decay and settings.optimizer != "adamw" and asked.get("weight_decay"):
        raise ParameterError("only the optimizer 'adamw' has a weight decay")
    return settings


def trainer(prepared: Prepared, settings: Settings, progress: bool | str) -> Trainer:
    """Make the trainer that the settings describe."""
    body = nn.MLP(settings.hidden, prepared.outputs, settings.activation, settings.dropout)
    loss: losses.Loss = losses.SquaredError()
    if prepared.target.task != "regression":
        binary = prepared.outputs == 1
        loss = losses.BinaryCrossEntropy() if binary else losses.CrossEntropy()
    limits: list[stop.Criterion] = [stop.Epochs(settings.epochs)]
    if settings.patience:
        limits.append(stop.Patience(settings.patience))
    return Trainer(
        table_network(prepared.encoder, body),
        loss,
        _optimiser(settings),
        stop=limits,
        batch_size=settings.batch_size,
        seed=settings.seed,
        # The trainer does not choose by itself yet.
        executor="native" if settings.executor == "auto" else settings.executor,
        progress=progress,
    )


def _optimiser(settings: Settings) -> optim.Optimiser:
    rate = settings.learning_rate
    if settings.optimizer == "adamw":
        return optim.AdamW(rate, weight_decay=settings.weight_decay)
    if settings.optimizer == "sgd":
        # Plain descent is slow enough to be useless here; momentum is what people mean.
        return optim.SGD(rate, momentum=0.9, nesterov=True)
    optimiser: optim.Optimiser = OPTIMISERS[settings.optimizer](rate)
    return optimiser
