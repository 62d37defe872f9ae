"""Which network, which optimiser, and for how long: chosen by the size of the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

from chainrule import losses, optim, stop
from chainrule.app.options import FIND
from chainrule.app.training.architecture import build_network, usual_network
from chainrule.app.training.optimisers import OPTIMISERS
from chainrule.app.training.preparation import Prepared
from chainrule.errors import ParameterError
from chainrule.explaining import find_learning_rate
from chainrule.train import Trainer
from chainrule.train.pieces import Pieces

LOSSES: Mapping[str, losses.Loss] = MappingProxyType(
    {
        "binary": losses.BinaryCrossEntropy(),
        "multiclass": losses.CrossEntropy(),
        "regression": losses.SquaredError(),
        "count": losses.PoissonNLL(),
        "multilabel": losses.BinaryCrossEntropy(),
        "multioutput": losses.SquaredError(),
    }
)
"""What is made small, by the task."""


@dataclass(frozen=True)
class Settings:
    """All that decides how a network is made and trained.

    Parameters
    ----------
    hidden
        Units of each hidden layer of a perceptron.
    activation, dropout
        Of the hidden layers.
    optimizer, learning_rate, weight_decay
        The optimiser and its settings; those without a weight decay have 0.
    batch_size
        Rows per step.
    epochs, patience
        The most epochs; and how many may bring no improvement, 0 for no limit.
    network
        Layers in words, or ``FILE.py:FUNCTION``; nothing for a perceptron on a table. See
        `chainrule.app.training.architecture`.
    seed
        Of everything random.
    executor
        ``"auto"``, ``"numpy"`` or ``"native"``.
    """

    hidden: tuple[int, ...]
    activation: str
    dropout: float
    optimizer: str
    learning_rate: float
    weight_decay: float
    batch_size: int
    epochs: int
    patience: int
    network: str = ""
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
    chosen = _USUAL.get(prepared.kind)
    if chosen is None:
        chosen = _by_size(len(prepared.train), not prepared.target.classes)
    chosen = replace(chosen, network=usual_network(prepared.encoder))
    if chosen.network or asked.get("network"):
        refuse_hidden(asked)
    if asked.get("learning_rate") == FIND:
        usual = with_asked(chosen, {**asked, "learning_rate": None})
        return replace(usual, learning_rate=_found_rate(prepared, usual))
    return with_asked(chosen, asked)


def refuse_hidden(asked: Mapping[str, Any]) -> None:
    """Refuse settings of a perceptron where a network is described in words."""
    if asked.get("hidden") is not None or asked.get("dropout"):
        raise ParameterError(
            "hidden layers and dropout are part of the network that is described by --network, as "
            "in 'conv 32, pool, dropout 0.2, dense 128'"
        )


def _found_rate(prepared: Prepared, settings: Settings) -> float:
    """Look for a learning rate on the training rows, or on the first of those that are loaded."""
    part = prepared.train
    X, y = part.inputs if part.loader is None else None, part.target
    if part.loader is not None:
        X, y, _ = Pieces(part.loader).first()
    found = find_learning_rate(trainer(prepared, settings, False), X, y)
    return float(f"{found.suggestion:.2g}")


def with_asked(chosen: Settings, asked: Mapping[str, Any]) -> Settings:
    """Put what the user asked for in place of what was chosen; None leaves it as it is."""
    if asked.get("learning_rate") == FIND:
        raise ParameterError("a learning rate is found for tables, pictures and sequences only")
    name = asked.get("optimizer") or chosen.optimizer
    offer = OPTIMISERS.get(name)
    if offer is None:
        raise ParameterError(f"there is no optimizer {name!r}: use one of {', '.join(OPTIMISERS)}")
    if asked.get("weight_decay") and not offer.decays:
        decaying = ", ".join(name for name, each in OPTIMISERS.items() if each.decays)
        raise ParameterError(f"only the optimizers {decaying} have a weight decay")
    rate, decay = chosen.learning_rate, chosen.weight_decay
    chosen = replace(chosen, learning_rate=offer.rate(rate), weight_decay=offer.decay(decay, rate))
    return replace(chosen, **{k: value for k, value in asked.items() if value is not None})


_USUAL: Mapping[str, Settings] = MappingProxyType(
    {
        "images": Settings((), "relu", 0.0, "adamw", 1e-3, 0.01, 64, epochs=40, patience=6),
        "sequence": Settings((), "relu", 0.0, "adamw", 2e-3, 0.01, 32, epochs=150, patience=25),
    }
)
"""Settings of the kinds whose network is described in words."""


def _by_size(rows: int, regression: bool) -> Settings:
    """Choose by the number of training rows.

    Found by trying, on the samples and on Friedman's functions. On a few hundred rows a network
    fits noise, so its weights are held back, the more the fewer the rows are, and the more so
    where targets are measurements; patience is long, because a few dozen validation rows are a
    noisy judge. Given many rows, noise averages out and an epoch is long enough to be waited for.
    """
    if rows >= 2_000:
        decay = min(0.3, 7_000 / rows)
        return Settings((64, 64), "relu", 0.0, "adamw", 1e-3, decay, 256, epochs=100, patience=8)
    decay = min(3.0, (1_400 if regression else 700) / rows)
    rate = 1e-3 if regression else 3e-3
    return Settings((64, 64), "relu", 0.0, "adamw", rate, decay, 32, epochs=300, patience=30)


def trainer(prepared: Prepared, settings: Settings, progress: bool | str) -> Trainer:
    """Make the trainer that the settings describe."""
    target = prepared.target
    network = build_network(
        prepared.encoder,
        target.outputs,
        settings.network,
        hidden=settings.hidden,
        activation=settings.activation,
        dropout=settings.dropout,
    )
    return Trainer(
        network,
        LOSSES[target.task],
        optimiser_of(settings),
        stop=limits_of(settings),
        batch_size=settings.batch_size,
        seed=settings.seed,
        executor=settings.executor,
        progress=progress,
    )


def limits_of(settings: Settings) -> list[stop.Criterion]:
    """Say when training stops."""
    limits: list[stop.Criterion] = [stop.Epochs(settings.epochs)]
    return [*limits, stop.Patience(settings.patience)] if settings.patience else limits


def optimiser_of(settings: Settings) -> optim.Optimiser:
    """Make the optimiser."""
    return OPTIMISERS[settings.optimizer].make(settings.learning_rate, settings.weight_decay)
