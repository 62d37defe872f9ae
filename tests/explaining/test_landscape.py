"""Gradient flow, and the loss along lines and over planes: numbers one can check by hand."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest

from chainrule import losses, nn, optim
from chainrule.errors import ParameterError
from chainrule.explaining import (
    explain,
    gradient_flow,
    loss_along_gradient,
    loss_over_weight,
    loss_surface,
)
from chainrule.ir import ArrayType

PAIRS = [[0.0], [1.0], [2.0]], [[0.0], [2.0], [4.0]]


def line(weight: float) -> nn.Module:
    return nn.Dense(1, use_bias=False).with_arrays({"weight": [[weight]]})


def test_the_square_error_over_one_weight_is_a_bowl_around_two() -> None:
    square = losses.SquaredError(reduction="sum")
    curve = loss_over_weight(
        line(3.0), *PAIRS, square, path="weight", index=(0, 0), values=[1, 2, 3, 4]
    )
    assert curve.losses.tolist() == [5, 0, 5, 20]
    assert curve.slope == 10
    assert curve.best == 2
    with pytest.raises(ParameterError, match="there is no 'bias'; there are weight"):
        loss_over_weight(line(3.0), *PAIRS, square, path="bias", index=(0,), values=[1])
    with pytest.raises(ParameterError, match=r"shape \(1, 1\), so there is no entry \(0, 1\)"):
        loss_over_weight(line(3.0), *PAIRS, square, path="weight", index=(0, 1), values=[1])


def test_along_the_gradient_stands_what_a_step_would_give() -> None:
    network = nn.MLP((3,), 1, activation="tanh").initialise(0, ArrayType((1, 1)), dtype="float64")
    half = losses.HalfSquaredError()
    curve = loss_along_gradient(network, *PAIRS, half, rates=[0.0, 0.25])
    step = explain(network, *PAIRS, half, optim.SGD(0.25))
    np.testing.assert_allclose(curve.losses, [step.loss, step.loss_after], rtol=1e-12)
    usual = loss_along_gradient(network, *PAIRS, half)
    assert usual.at[0] == 0
    assert usual.at[-1] == pytest.approx(2 * step.loss / -usual.slope)
    assert len(json.loads(json.dumps(usual.to_dict()))["losses"]) == 33


def test_a_surface_has_the_network_in_its_middle() -> None:
    network = nn.Dense(1).with_arrays({"weight": [[3.0]], "bias": [1.0]})
    square = losses.SquaredError(reduction="sum")
    directions = ({"weight": [[1.0]]}, {"bias": [1.0]})
    surface = loss_surface(network, *PAIRS, square, directions=directions, points=3)
    # The errors are 1, 2, 3 in the middle; the weight moves them by 0, 1, 2, the bias by 1 each.
    expected = [
        [sum((b + k * (1 + w)) ** 2 for k in range(3)) for w in (-1, 0, 1)] for b in (0, 1, 2)
    ]
    assert surface.losses.tolist() == expected
    drawn = loss_surface(network, *PAIRS, square, points=3, seed=1)
    assert drawn.losses[1, 1] == 14
    assert drawn.to_dict()["x"] == [-1.0, 0.0, 1.0]
    with pytest.raises(ParameterError, match="there is no 'kernel'"):
        loss_surface(network, *PAIRS, square, directions=({"kernel": 1.0}, {}))
    with pytest.raises(ParameterError, match="points must be at least 1"):
        loss_surface(network, *PAIRS, square, points=0)


def test_dead_and_saturated_units_are_counted() -> None:
    weights = {
        "layers[0].weight": [[1.0, -1.0]],
        "layers[0].bias": [0.0, -5.0],
        "layers[2].weight": [[1.0], [1.0]],
        "layers[2].bias": [10.0],
    }
    network = nn.Sequential(nn.Dense(2), nn.ReLU(), nn.Dense(1), nn.Sigmoid())
    flow = gradient_flow(network.with_arrays(weights), *PAIRS, losses.HalfSquaredError())
    relu, sigmoid = flow.activations
    assert (relu.path, relu.op, relu.dead, relu.saturated) == ("layers[1]", "relu", 0.5, 0.0)
    assert (sigmoid.path, sigmoid.dead, sigmoid.saturated) == ("layers[3]", 0.0, 1.0)
    assert [p.path for p in flow.parameters] == list(weights)
    assert flow.parameters[0].norm == pytest.approx(np.sqrt(2))
    lines = flow.text().splitlines()
    assert lines[0].split() == ["array", "shape", "norm", "gradient", "ratio"]
    assert any(row.split()[:2] == ["layers[1]", "relu"] and "50%" in row for row in lines)
    assert json.loads(json.dumps(flow.to_dict()))["activations"][0]["dead"] == 0.5


def test_a_gradient_fades_through_a_deep_stack_of_sigmoids() -> None:
    layers = [layer for _ in range(6) for layer in (nn.Dense(4), nn.Sigmoid())]
    network = nn.Sequential(*layers).initialise(0, ArrayType((1, 4)), dtype="float64")
    x = np.random.default_rng(0).normal(size=(8, 4))
    flow = gradient_flow(network, x, np.zeros((8, 4)), losses.HalfSquaredError())
    norms = [p.gradient_norm for p in flow.parameters if p.path.endswith("weight")]
    assert norms[0] < 1e-2 * norms[-1]


def test_the_walk_down_one_weight_is_gradient_descent() -> None:
    square = losses.SquaredError(reduction="sum")
    curve = loss_over_weight(
        line(3.0), *PAIRS, square, path="weight", index=(0, 0), rate=0.05, steps=2
    )
    # The slope is 10 (w − 2), so a step halves the distance to 2.
    np.testing.assert_allclose(curve.walk, [[3, 5], [2.5, 1.25], [2.25, 0.3125]])
    assert (curve.at[0], curve.at[-1], len(curve.at)) == (-3, 9, 41)
    assert "walk  3 → 2.5 → 2.25" in curve.text()
    assert "slope 10 at 3" in repr(curve)
    with pytest.raises(ParameterError, match="steps must be at least 0"):
        loss_over_weight(line(3.0), *PAIRS, square, path="weight", index=(0, 0), rate=0.1, steps=-1)


def test_pictures_are_svg_that_names_what_it_shows() -> None:
    network = nn.MLP((3,), 1, activation="tanh").initialise(0, ArrayType((1, 1)), dtype="float64")
    half = losses.HalfSquaredError()
    pictures = [
        loss_along_gradient(network, *PAIRS, half).svg(),
        loss_over_weight(network, *PAIRS, half, path="layers[0].weight", index=(0, 1)).svg(),
        loss_surface(network, *PAIRS, half, points=5).svg(),
        gradient_flow(network, *PAIRS, half).svg(),
    ]
    for picture, said in zip(
        pictures, ["learning rate", "layers[0].weight[0, 1]", "two directions", "flow"], strict=True
    ):
        root = ElementTree.fromstring(picture)
        assert root.tag.endswith("svg")
        assert said in root.attrib["aria-label"]
        assert "NaN" not in picture
        assert "nan" not in picture


def test_a_surface_can_be_read_as_text() -> None:
    network = nn.Dense(1).with_arrays({"weight": [[3.0]], "bias": [1.0]})
    directions = ({"weight": [[1.0]]}, {"bias": [1.0]})
    square = losses.SquaredError(reduction="sum")
    surface = loss_surface(network, *PAIRS, square, directions=directions, points=3)
    first = surface.text().splitlines()[1].split()
    assert first == ["1", *(f"{loss:.4g}" for loss in surface.losses[2])]


def test_losses_that_are_all_nan_cannot_be_drawn() -> None:
    curve = loss_along_gradient(
        nn.Dense(1).with_arrays({"weight": [[np.inf]], "bias": [0.0]}),
        *PAIRS,
        losses.HalfSquaredError(),
        rates=[0.1],
    )
    with pytest.raises(ParameterError, match="no finite number"):
        curve.svg()
