"""Optimisers by the name that the command line knows them by, and the rates that suit them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from chainrule import optim


@dataclass(frozen=True)
class Offer:
    """An optimiser of the command line.

    Attributes
    ----------
    make
        Takes a learning rate and a weight decay; gives the optimiser.
    rate
        Gives the usual rate, where that of AdamW would be so much.
    decays
        Whether it has a weight decay.
    """

    make: Callable[[float, float], optim.Optimiser]
    rate: Callable[[float], float] = lambda rate: rate
    decays: bool = False

    def decay(self, usual: float, rate: float) -> float:
        """Give the weight decay that holds weights back as much as AdamW's.

        Weights lose rate times decay in a step, so a larger rate needs a smaller decay.

        Parameters
        ----------
        usual, rate
            Weight decay and learning rate of AdamW.
        """
        return usual * rate / self.rate(rate) if self.decays else 0.0


def _muon(rate: float, decay: float) -> optim.Optimiser:
    # What is no matrix takes AdamW's steps, whose usual rate is this share of Muon's.
    return optim.Muon(rate, weight_decay=decay, rest=optim.AdamW(rate / _MUON, beta2=0.95))


_MUON = 10.0

OPTIMISERS: Mapping[str, Offer] = MappingProxyType(
    {
        "adam": Offer(lambda rate, decay: optim.Adam(rate)),
        "adamw": Offer(lambda rate, decay: optim.AdamW(rate, weight_decay=decay), decays=True),
        "adamax": Offer(lambda rate, decay: optim.Adamax(rate), lambda rate: 2 * rate),
        "nadam": Offer(lambda rate, decay: optim.Nadam(rate)),
        "adagrad": Offer(lambda rate, decay: optim.Adagrad(rate), lambda rate: 10 * rate),
        "adadelta": Offer(lambda rate, decay: optim.Adadelta(rate), lambda rate: 1.0),
        "rmsprop": Offer(lambda rate, decay: optim.RMSprop(rate)),
        # Chen and others advise a third to a tenth of AdamW's rate.
        "lion": Offer(
            lambda rate, decay: optim.Lion(rate, weight_decay=decay),
            lambda rate: rate / 5,
            decays=True,
        ),
        "muon": Offer(_muon, lambda rate: _MUON * rate, decays=True),
        # Plain descent is slow enough to be useless here; momentum is what people mean.
        "sgd": Offer(
            lambda rate, decay: optim.SGD(rate, momentum=0.9, nesterov=True),
            lambda rate: 10 * rate,
        ),
    }
)
"""Optimisers by name."""
