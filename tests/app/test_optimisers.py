"""The optimisers that the command line offers, with the rates that suit them."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule import losses, nn, optim, stop
from chainrule.app.training.optimisers import OPTIMISERS

RANDOM = np.random.default_rng(2)
X = RANDOM.normal(size=(300, 4))
y = (X[:, 0] * X[:, 1] > 0).astype(int)


def test_every_optimiser_of_minibatches_is_offered() -> None:
    made = {type(offer.make(0.01, 0.0)).__name__ for offer in OPTIMISERS.values()}
    known = {"SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Lion", "Muon", "Nadam"}
    assert made == known | {"RMSprop"}
    assert {name for name in optim.__all__ if name in made} == made


@pytest.mark.parametrize("name", OPTIMISERS)
def test_the_usual_rate_learns_a_pattern_that_no_line_tells(name: str) -> None:
    offer = OPTIMISERS[name]
    optimiser = offer.make(offer.rate(3e-3), offer.decay(0.01, 3e-3))
    trainer = cr.Trainer(
        nn.MLP((32, 32), 2), losses.CrossEntropy(), optimiser, stop=stop.Epochs(100)
    )
    assert trainer.fit(X, y).evaluate(X, y)["metric"] > 0.95


def test_weights_lose_as_much_in_a_step_whatever_the_rate() -> None:
    for name in ("adamw", "lion", "muon"):
        offer = OPTIMISERS[name]
        lost = offer.rate(2e-3) * offer.decay(0.5, 2e-3)
        assert lost == pytest.approx(2e-3 * 0.5)
    assert OPTIMISERS["adam"].decay(0.5, 2e-3) == 0.0


def test_vectors_move_as_slowly_beside_muon_as_with_adamw() -> None:
    muon = OPTIMISERS["muon"]
    optimiser = muon.make(muon.rate(1e-3), 0.0)
    assert isinstance(optimiser, optim.Muon)
    assert isinstance(optimiser.rest, optim.AdamW)
    assert optimiser.rest.learning_rate == pytest.approx(1e-3)
