"""Which token comes next: drawn from the scores that a network gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import ParameterError


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn.

    Parameters
    ----------
    temperature
        Scores are divided by it: below 1 likely tokens become likelier, 0 takes the likeliest.
    top_k
        Only so many of the likeliest tokens may be drawn; None: all.
    top_p
        Only the likeliest tokens whose probabilities reach this sum may be drawn (Holtzman and
        others, "The curious case of neural text degeneration", 2020); 1: all.

    >>> Sampling(temperature=0.0).draw(np.array([1.0, 3.0, 2.0]), np.random.default_rng(0))
    1
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 <= self.temperature < float("inf"):
            raise ParameterError(
                f"a temperature is a number from 0 on, not {self.temperature}; below 1 the text "
                "becomes more predictable"
            )
        if self.top_k is not None and self.top_k < 1:
            raise ParameterError(f"top_k is a number of tokens, at least 1, not {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ParameterError(f"top_p is a probability above 0 and up to 1, not {self.top_p}")

    def probabilities(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Give the probability of each token [tokens]; a score of -inf gives zero."""
        scores = np.asarray(scores, np.float64)
        if not self.temperature:
            chosen = np.zeros(len(scores))
            chosen[np.argmax(scores)] = 1.0
            return chosen
        scaled = (scores - scores.max()) / self.temperature
        order = np.argsort(-scaled, kind="stable")
        shares = np.exp(scaled)
        shares /= shares.sum()
        kept = np.ones(len(order), bool)
        if self.top_k is not None:
            kept[self.top_k :] = False
        # A token stays if those before it do not reach the sum yet.
        kept &= np.cumsum(shares[order]) - shares[order] < self.top_p
        shares[order[~kept]] = 0.0
        result: NDArray[np.float64] = shares / shares.sum()
        return result

    def draw(self, scores: NDArray[np.floating], random: np.random.Generator) -> int:
        """Draw a token by its scores [tokens]."""
        return int(random.choice(len(scores), p=self.probabilities(scores)))
