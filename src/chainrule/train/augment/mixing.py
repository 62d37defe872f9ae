"""Mixtures of two examples, which train on both targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule import random
from chainrule.errors import ParameterError
from chainrule.tracing import map_leaves
from chainrule.train.augment.augmentation import Batch
from chainrule.train.augment.images import check_images, in_rectangle

QUANTILES = 1024
"""Entries of the table from which shares are drawn."""


@lru_cache(maxsize=16)
def _quantiles(strength: float) -> Any:
    from scipy.stats import beta

    return beta.ppf((np.arange(QUANTILES) + 0.5) / QUANTILES, strength, strength)


def draw_share(key: Any, rows: Any, strength: float, dtype: Any) -> Any:
    """Draw a share (rows,) for each row from Beta(strength, strength).

    From the inverse of its distribution at 1,024 places, which a uniform number picks among.
    """
    place = cnp.floor(random.uniform(key, (rows,)) * float(QUANTILES))
    table = _quantiles(strength).astype(dtype)
    return cnp.take(table, cnp.astype(place, "int32"))


def _check(strength: float) -> None:
    if not strength > 0:
        raise ParameterError(f"strength must be positive, received {strength}")


def blended(batch: Batch, other: Batch, inputs: tuple[Any, ...], share: Any) -> Batch:
    """Put changed inputs into a batch, with both targets, weighed by their shares.

    For losses that are linear in their targets, such as cross-entropy, that is the loss of the
    mixed target; for squares it has the same gradient.
    """

    def goals(of: Batch, part: Any) -> list[dict[str, Any]]:
        own = {"targets": of["targets"], "weight": of.get("weight", 1.0)}
        every = [own, *of.get("more", ())]
        return [{**goal, "weight": goal["weight"] * part} for goal in every]

    first, *more = [*goals(batch, share), *goals(other, 1.0 - share)]
    return {**batch, "inputs": inputs, **first, "more": more}


@dataclass(frozen=True)
class Mixup:
    """Mix each example with a random other one, inputs and targets alike.

    ``x = share x1 + (1 - share) x2`` with a share from Beta(strength, strength), and the losses by
    both targets with the same shares: Zhang and others, "mixup: beyond empirical risk
    minimization", ICLR 2018. All inputs have to be floats. It serves tables, images and sequences.

    Parameters
    ----------
    strength
        0.2 mixes a little, 1 evenly.
    """

    strength: float = 0.2

    def __post_init__(self) -> None:
        """Check the settings."""
        _check(self.strength)

    def __call__(self, batch: Batch, key: Any, draw: Callable[[Any], Batch]) -> Batch:
        """Give the mixed examples."""
        other = draw(random.fold_in(key, 1))
        first = batch["inputs"][0]
        share = draw_share(random.fold_in(key, 0), first.shape[0], self.strength, "float32")

        def mixed(a: Any, b: Any) -> Any:
            if a.dtype.kind != "f":
                raise ParameterError(f"Mixup mixes floats, and an input holds {a.dtype}")
            part = cnp.reshape(cnp.astype(share, a.dtype), (a.shape[0], *(1 for _ in a.shape[1:])))
            return part * a + (1.0 - part) * b

        inputs = map_leaves(mixed, batch["inputs"], other["inputs"])
        return blended(batch, other, inputs, cnp.astype(share, _dtype_of(batch)))


@dataclass(frozen=True)
class CutMix:
    """Paste a rectangle of a random other image into each image.

    The share of the pixels that stay, and of the target that counts, is drawn from
    Beta(strength, strength): Yun and others, "CutMix: regularization strategy to train strong
    classifiers with localizable features", ICCV 2019. Where the rectangle reaches over the
    border, the shares are those of the pixels that are seen.

    Parameters
    ----------
    strength
        1 is the paper's.
    argument
        Position of the images among the network's arguments.
    """

    strength: float = 1.0
    argument: int = 0

    def __post_init__(self) -> None:
        """Check the settings."""
        _check(self.strength)

    def __call__(self, batch: Batch, key: Any, draw: Callable[[Any], Batch]) -> Batch:
        """Give the pasted images."""
        x = batch["inputs"][self.argument]
        check_images("CutMix", x)
        other = draw(random.fold_in(key, 1))
        drawn = draw_share(random.fold_in(key, 0), x.shape[0], self.strength, "float32")
        side = cnp.reshape(cnp.sqrt(1.0 - drawn), (x.shape[0], 1, 1, 1))
        height, width = (cnp.floor(side * float(n) + 0.5) for n in x.shape[1:3])
        pasted = in_rectangle(x, random.fold_in(key, 2), height, width)
        image = cnp.where(pasted, other["inputs"][self.argument], x)
        inputs = tuple(
            image if i == self.argument else each for i, each in enumerate(batch["inputs"])
        )
        share = 1.0 - cnp.mean(cnp.astype(pasted, _dtype_of(batch)), axis=(1, 2, 3))
        return blended(batch, other, inputs, share)


def _dtype_of(batch: Batch) -> Any:
    return batch["weight"].dtype if "weight" in batch else batch["inputs"][0].dtype
