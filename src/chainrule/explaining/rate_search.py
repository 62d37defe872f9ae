"""A search for the learning rate: train a little while the rate grows, and watch the loss."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import random
from chainrule.errors import ParameterError
from chainrule.execute import loop
from chainrule.explaining.drawing import BLUE, GREEN, Frame, drawing, line, number
from chainrule.train import LBFGS, Exponential, Trainer
from chainrule.train.order import Order
from chainrule.train.program import with_rate

FORGETTING = 0.9  # share of the smoothed loss that is kept from step to step
BURST = 3.0  # the search ends where the loss rises so many times as far as it fell, or as it is
PRUDENCE = 10.0  # the suggestion lies so many times below the rate of the smallest loss


@dataclass(frozen=True, eq=False, repr=False)
class RateSearch:
    """What a search for the learning rate found; print it, or show it in a notebook.

    Attributes
    ----------
    rates, losses
        The rate of each step (steps,), and the loss of its minibatch before the step.
    smoothed
        The losses as a running average (steps,).
    """

    rates: Any
    losses: Any
    smoothed: Any

    @property
    def smallest(self) -> float:
        """The rate at which the smoothed loss was smallest."""
        return float(self.rates[int(np.argmin(self.smoothed))])

    @property
    def steepest(self) -> float:
        """The rate, up to the smallest loss, at which the smoothed loss fell fastest."""
        end = int(np.argmin(self.smoothed)) + 1
        if end < 3:
            return self.smallest
        slopes = np.gradient(self.smoothed[:end])
        return float(self.rates[int(np.argmin(slopes))])

    @property
    def suggestion(self) -> float:
        """A tenth of the rate with the smallest loss: beyond that one, training falls apart."""
        return self.smallest / PRUDENCE

    def text(self) -> str:
        """Print the losses at about twenty rates, and the suggestion."""
        rows = ["learning rate        loss"]
        shown = np.unique(np.linspace(0, len(self.rates) - 1, 20).round().astype(int))
        rows += [f"{self.rates[i]:>13.3g}  {self.smoothed[i]:>10.4g}" for i in shown]
        rows.append(f"smallest at {self.smallest:.2g}; suggestion {self.suggestion:.2g}")
        return "\n".join(rows)

    def svg(self) -> str:
        """Draw the smoothed loss over the rate, with the suggestion."""
        return draw_search(self)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data."""
        lists = {name: np.asarray(getattr(self, name)).tolist() for name in ("rates", "losses")}
        return {"kind": "rate search", **lists, "suggestion": self.suggestion}

    def _repr_html_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        return self.text()


def draw_search(search: RateSearch) -> str:
    """Draw a search as SVG; the axis of rates is logarithmic."""
    powers = np.log10(search.rates)
    low, high = float(search.smoothed.min()), float(search.smoothed.max())
    ends = (float(powers[0]), float(powers[-1]))
    frame = Frame(ends, (low, high), ("learning rate, as a power of ten", "loss"))
    suggestion = search.suggestion
    at = frame.x(min(max(math.log10(suggestion), ends[0]), ends[1]))
    parts = [
        *frame.parts,
        frame.path(
            [
                (float(x), float(y))
                for x, y in zip(powers, search.losses, strict=True)
                if low <= y <= high
            ],
            BLUE,
            0.6,
        ),
        frame.path(list(zip(powers.tolist(), search.smoothed.tolist(), strict=True)), BLUE),
        line(at, frame.y(low), at, frame.y(high), GREEN, 1.5),
        frame.dot(math.log10(search.smallest), low, GREEN),
    ]
    return drawing(f"The loss over the learning rate; suggestion {number(suggestion)}", parts)


def find_learning_rate(
    trainer: Trainer,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    lowest: float = 1e-7,
    highest: float = 10.0,
    steps: int = 100,
) -> RateSearch:
    """Train for some steps while the learning rate grows, and watch the loss.

    Smith, "Cyclical learning rates for training neural networks", 2017. The trainer and its network
    stay as they are. Penalties, clipping, augmentation and the batch size are the trainer's; its
    learning rate is replaced, and with `optim.ByPath` that of the rest.

    Parameters
    ----------
    trainer
        What is to be trained.
    X, y, sample_weight
        As for `Trainer.fit`.
    lowest, highest
        First and last rate; between them it grows by the same factor from step to step.
    steps
        How many minibatches to look at. The search ends before where the loss bursts.

    >>> import numpy as np
    >>> from chainrule import losses, nn, optim
    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> line = Trainer(nn.Dense(1), losses.SquaredError(), optim.SGD(), executor="numpy")
    >>> found = find_learning_rate(line, X, 3 * X[:, 0] + 1)
    >>> 0.01 < found.suggestion < 1
    True
    """
    if not 0 < lowest < highest or steps < 10:
        raise ParameterError(
            "a search needs 0 < lowest < highest and at least 10 steps, received "
            f"{lowest}, {highest} and {steps}"
        )
    if isinstance(trainer.optimiser, LBFGS):
        raise ParameterError("L-BFGS has no learning rate to find: it searches along lines")
    growing = Exponential(lowest, factor=highest / lowest, every=steps - 1)
    probing = dataclasses.replace(
        trainer,
        optimiser=with_rate(trainer.optimiser, growing),
        accumulate=1,
        average=None,
    )
    task = probing.prepare((X, y, sample_weight))
    rows, size = int(task.rows or 0), task.batch_size
    plan = loop(
        task.step.take,
        task.carry,
        task.data,
        batch_size=size,
        executor=trainer.executor,
        steps=steps,
    )
    order = Order(rows, random.fold_in(random.key(trainer.seed), 1))
    whole = rows // size  # minibatches of an epoch that are full
    drawn = order.epochs(0, -(-steps // whole))[:, : whole * size].reshape(-1)
    records = plan.start(task.carry, task.data).run(drawn[: steps * size], 0)
    reduce = task.step.objective.loss.reduce
    found = np.asarray(reduce(*(records[k].astype(np.float64) for k in ("total", "weight"))))
    return _searched(growing(np.arange(float(steps))), found)


def _searched(rates: Any, losses: Any) -> RateSearch:
    """Smooth the losses, and cut them off where they burst or are no numbers."""
    smoothed = np.zeros(len(losses))
    average, smallest, end = 0.0, np.inf, len(losses)
    for i, value in enumerate(losses.tolist()):
        average = FORGETTING * average + (1 - FORGETTING) * value
        smoothed[i] = average / (1 - FORGETTING ** (i + 1))
        smallest = min(smallest, float(smoothed[i]))
        fall = max(smoothed[0] - smallest, abs(smallest))
        if not smoothed[i] - smallest <= BURST * fall:
            end = i
            break
    if end == 0:
        raise ParameterError(
            "the loss of the first minibatch is not finite: scale the inputs to mean 0 and "
            "standard deviation 1"
        )
    return RateSearch(np.asarray(rates)[:end], losses[:end], smoothed[:end])
