"""The search for a learning rate."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import chainrule as cr
from chainrule import losses, nn, optim, stop
from chainrule.errors import ParameterError

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(200, 4))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
TARGET = X @ [1.0, -2.0, 0.5, 3.0]


def trainer(**changes: Any) -> cr.Trainer:
    options: dict[str, Any] = {
        "network": nn.MLP((16,), 2),
        "loss": losses.CrossEntropy(),
        "optimiser": optim.Adam(),
        "stop": stop.Epochs(20),
        "executor": "numpy",
        **changes,
    }
    return cr.Trainer(**options)


def line(**changes: Any) -> cr.Trainer:
    return trainer(
        network=nn.Dense(1, initial=nn.initialisers.Zeros()),
        loss=losses.SquaredError(),
        optimiser=optim.SGD(),
        **changes,
    )


def test_on_a_parabola_the_suggestion_is_a_stable_rate() -> None:
    # The loss has a curvature near 2, so descent is stable up to a rate near 1. The smoothed loss
    # turns some steps later, and the suggestion lies safely below.
    found = cr.find_learning_rate(line(batch_size="full"), X, TARGET, lowest=1e-4)
    assert len(found.rates) < 100
    assert 0.5 < found.smallest < 8.0
    assert 1e-3 < found.steepest < 1.0
    assert 0.05 < found.suggestion < 1.0
    assert found.suggestion == pytest.approx(found.smallest / 10)


@pytest.mark.parametrize("executor", ["numpy", "native"])
def test_the_suggestion_trains_better_than_rates_far_from_it(executor: str) -> None:
    found = cr.find_learning_rate(trainer(executor=executor), X, Y)
    ends = []
    for rate in (found.suggestion, found.suggestion / 100, found.suggestion * 300):
        run = trainer(optimiser=optim.Adam(rate)).fit(X, Y)
        ends.append(run.history["train_loss"][-1])
    assert ends[0] < 0.8 * min(ends[1:])


def test_rates_grow_by_one_factor_and_each_loss_is_that_of_its_minibatch() -> None:
    found = cr.find_learning_rate(line(batch_size=50), X, TARGET, lowest=1e-9, highest=1e-6)
    ratios = found.rates[1:] / found.rates[:-1]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-6)
    assert found.rates[[0, -1]] == pytest.approx([1e-9, 1e-6])
    # Rates are too small to change anything: four losses, the mean of the table's among them.
    assert found.losses.reshape(-1, 4).mean(axis=1) == pytest.approx((TARGET**2).mean(), rel=1e-3)


def test_the_trainer_and_its_network_stay_as_they_are() -> None:
    network = nn.MLP((3,), 2).initialise(0, X)
    before = {path: x.copy() for path, x in network.arrays().items()}
    cr.find_learning_rate(trainer(network=network), X, Y)
    for path, x in network.arrays().items():
        np.testing.assert_array_equal(x, before[path])


def test_rates_by_path_keep_those_of_the_parts() -> None:
    joined = optim.ByPath(optim.SGD(0.1), {"layers[0]": optim.SGD(0.0)})
    found = cr.find_learning_rate(trainer(optimiser=joined), X, Y)
    assert found.rates[0] == pytest.approx(1e-7)


def test_what_was_found_is_printed_and_drawn() -> None:
    found = cr.find_learning_rate(line(), X, TARGET)
    assert repr(found) == found.text()
    assert f"suggestion {found.suggestion:.2g}" in found.text()
    assert found.text().startswith("learning rate")
    picture = ElementTree.fromstring(found._repr_html_())
    assert picture.tag.endswith("svg")
    assert found.to_dict()["suggestion"] == found.suggestion


def test_a_search_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(ParameterError, match="0 < lowest < highest"):
        cr.find_learning_rate(line(), X, TARGET, lowest=1.0, highest=0.1)
    with pytest.raises(ParameterError, match="at least 10 steps"):
        cr.find_learning_rate(line(), X, TARGET, steps=3)
    with pytest.raises(ParameterError, match="no learning rate to find"):
        cr.find_learning_rate(trainer(optimiser=optim.LBFGS()), X, Y)
