"""One step of training, with all its numbers."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule import losses, nn, optim
from chainrule.backprop import value_and_grad
from chainrule.backprop.formula import text
from chainrule.errors import ExecutorError, ParameterError
from chainrule.execute import stages
from chainrule.explaining import Step, explain
from chainrule.explaining.continued import Continued
from chainrule.explaining.stepping import Explainer
from chainrule.ir import ArrayType
from tests.explaining import reading

UNITS = [["x1", "x2"], ["h1", "h2"], ["o"]]


def worked_example() -> nn.Module:
    """Two inputs, two hidden units, one output: sigmoid units without biases."""
    dense = [nn.Dense(2, use_bias=False), nn.Dense(1, use_bias=False)]
    network = nn.Sequential(dense[0], nn.Sigmoid(), dense[1], nn.Sigmoid())
    weights = {"layers[0].weight": [[0.2, 0.3], [0.2, 0.3]], "layers[2].weight": [[0.3], [0.9]]}
    return network.with_arrays(weights)


@pytest.fixture(scope="module")
def step() -> Step:
    half = losses.HalfSquaredError()
    return explain(worked_example(), [[0.35, 0.7]], [[0.5]], half, optim.SGD(1.0), units=UNITS)


def test_units_show_their_formula_and_their_numbers(step: Step) -> None:
    assert step.equation("z(1)", (0, 0)).text() == (
        "z⁽¹⁾[h1] = W⁽¹⁾[x1→h1]·x1 + W⁽¹⁾[x2→h1]·x2 = 0.2·0.35 + 0.2·0.7 = 0.21"
    )
    assert step.equation("delta(2)", (0, 0)).text() == (
        "δ⁽²⁾[o] = ∂L/∂a⁽²⁾[o]·a⁽²⁾[o]·(1 − a⁽²⁾[o]) = 0.165074·0.665074·(1 − 0.665074) = 0.0367703"
    )
    assert step.equation("W'(1)", (1, 1)).text().endswith("= 0.3 − 1·0.00565 = 0.29435")


def test_the_worked_example_comes_out_as_on_paper(step: Step) -> None:
    np.testing.assert_allclose(step["z(1)"], [[0.21, 0.315]], rtol=1e-12)
    np.testing.assert_allclose(step["a(1)"], [[0.552308, 0.578105]], atol=5e-7)
    np.testing.assert_allclose(step["a(2)"], [[0.665074]], atol=5e-7)
    np.testing.assert_allclose(step["delta(2)"], [[0.0367703]], atol=5e-8)
    np.testing.assert_allclose(step["delta(1)"], [[0.00272759, 0.00807143]], atol=5e-9)
    np.testing.assert_allclose(step["W'(2)"], [[0.279691], [0.878743]], atol=5e-7)
    after = [[0.199045, 0.297175], [0.198091, 0.294350]]
    np.testing.assert_allclose(step["W'(1)"], after, atol=6e-7)
    assert step.loss == pytest.approx(0.165074**2 / 2, rel=1e-5)
    assert step.loss_after == pytest.approx((0.659554 - 0.5) ** 2 / 2, rel=1e-5)


def test_the_text_can_be_folded(step: Step) -> None:
    folded = step.text(native=False, width=72)
    assert max(map(len, folded.splitlines())) <= 72
    assert " ".join(folded.split()) == " ".join(step.text(native=False).split())


def test_a_weight_that_no_update_changes_is_given_once() -> None:
    layer = nn.Dense(1).with_arrays({"weight": [[3.0]], "bias": [1.0]})
    rate = optim.SGD(0.1)
    going = Continued(0.1, rate, rate.initial({"weight": np.array([[3.0]])}), frozenset({"bias"}))
    taken = explain(layer, [[2.0]], [[4.0]], losses.HalfSquaredError(), going)
    given = taken.text(native=False).partition("\nforward\n")[0]
    assert given.splitlines()[4:] == ["  b⁽¹⁾ = [1.]", "  η = 0.1"]


def test_the_text_tells_the_whole_story(step: Step) -> None:
    said = step.text(native=False)
    places = [said.index(f"\n{part}\n") for part in ("forward", "loss", "backward", "update")]
    assert places == sorted(places)
    assert said.startswith("given\n")
    assert "  W⁽¹⁾ = [[0.2 0.3]\n          [0.2 0.3]]" in said
    assert "      = (0.665074 − 0.5)² / 2 = 0.0136247" in said
    assert said.endswith("loss 0.0136247, after the update 0.0127287")


def test_float32_native_code_lies_close_by(step: Step) -> None:
    found = {distance.what: distance for distance in step.precision.distances}
    assert set(found) == {
        "loss",
        *(f"{what} layers[{k}].weight" for what in ("gradient of", "new") for k in (0, 2)),
    }
    assert all(distance.relative < 1e-6 for distance in found.values())
    assert step.text().splitlines()[-1].startswith("float32 native code differs in loss by ")


def test_without_native_code_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(self: Any, executor: str = "native") -> Any:
        raise ExecutorError("there is no compiler here")

    monkeypatch.setattr(stages.Planned, "compile", missing)
    step = explain(worked_example(), [[0.35, 0.7]], [[0.5]], losses.HalfSquaredError())
    assert step.precision.text() == (
        "float32 native code could not be compared: there is no compiler here"
    )


OPTIMISERS = [
    optim.SGD(0.1, momentum=0.9),
    optim.SGD(0.1, momentum=0.9, nesterov=True),
    optim.Adagrad(0.1),
    optim.RMSprop(0.1),
    optim.Adam(0.1),
    optim.AdamW(0.1),
]


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=str)
def test_any_optimiser_is_shown_as_it_runs(optimiser: Any) -> None:
    network = nn.MLP((3,), 2, activation="tanh").initialise(1, ArrayType((1, 2)), dtype="float64")
    x, t = np.array([[0.5, -1.0], [2.0, 0.25]]), np.array([0, 1])
    step = explain(network, x, t, losses.CrossEntropy(), optimiser)

    def objective(arrays: dict[str, Any]) -> Any:
        return losses.CrossEntropy()(network.with_arrays(arrays)(x), t)

    arrays = {path: np.asarray(a) for path, a in network.arrays().items()}
    value, gradients = value_and_grad(objective)(arrays)
    fresh, _ = optimiser.update(gradients, optimiser.initial(arrays), arrays, np.int32(0))
    assert step.loss == pytest.approx(float(value), rel=1e-12)
    for k, layer in ((1, 0), (2, 2)):
        for letter, name in (("W", "weight"), ("b", "bias")):
            path = f"layers[{layer}].{name}"
            np.testing.assert_allclose(step[f"dL/d{letter}({k})"], gradients[path], rtol=1e-12)
            np.testing.assert_allclose(step[f"{letter}'({k})"], fresh[path], rtol=1e-12)
    assert step.loss_after == pytest.approx(float(objective(fresh)), rel=1e-12)


def test_the_memory_of_an_optimiser_has_lines_of_its_own() -> None:
    step = explain(nn.Dense(1).initialise(0, ArrayType((1, 1))), [[1.0]], [[1.0]],
                   losses.HalfSquaredError(), optim.Adam())  # fmt: skip
    assert text(step.derivation["m_W'(1)"].formula) == "0.9·m_W⁽¹⁾ + 0.1·∂L/∂W⁽¹⁾"
    assert text(step.derivation["s_b'(1)"].formula) == "0.999·s_b⁽¹⁾ + 0.001·(∂L/∂b⁽¹⁾)²"
    assert {"η", "m_W(1)", "s_b(1)"} <= set(step.keys())


def test_a_recurrence_shows_its_steps() -> None:
    class Recurrent(nn.Module):
        w: Any = None
        u: Any = None

        def __call__(self, x: Any, *, key: Any = None) -> Any:
            h = cnp.tanh(x[:, 0] * self.u)
            for k in range(1, 3):
                h = cnp.tanh(x[:, k] * self.u + h * self.w)
            return h

    network = Recurrent(w=np.array(0.5), u=np.array(2.0))
    step = explain(network, [[0.1, 0.2, 0.3]], [0.5], losses.HalfSquaredError(), optim.SGD(0.1))
    assert step.equation("h(3)", (0,)).text() == (
        "h⁽³⁾[1] = tanh(x[3]·u + h⁽²⁾[1]·w) = tanh(0.3·2 + 0.461084·0.5) = 0.680767"
    )


class Attention(nn.Module):
    """One head, read at the last place."""

    query: nn.Module = nn.Dense(2)
    key: nn.Module = nn.Dense(2, use_bias=False)
    value: nn.Module = nn.Dense(3)
    out: nn.Module = nn.Dense(2)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        scores = self.query(x) @ self.key(x).swapaxes(-1, -2) / 2**0.5
        return self.out(cnp.softmax(scores) @ self.value(x))[:, -1]


class Residual(nn.Module):
    """A step beside a short cut."""

    wide: nn.Module = nn.Dense(3)
    back: nn.Module = nn.Dense(2)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        return x + self.back(cnp.relu(self.wide(x)))


KINDS: dict[str, tuple[nn.Module, Any, Any, losses.Loss]] = {
    "classifier": (nn.MLP((3,), 3), [[1.0, -2.0]] * 2, [0, 2], losses.CrossEntropy()),
    "yes or no": (nn.MLP((2,), 1, "gelu"), [[1.0, -2.0]], [1], losses.BinaryCrossEntropy()),
    "residual": (Residual(), [[1.0, -2.0]], [[0.0, 1.0]], losses.SquaredError()),
    "embedding": (
        nn.Sequential(nn.Embedding(4, 2), nn.Flatten(), nn.Dense(1)),
        np.array([[3, 1, 3]]),
        [[1.0]],
        losses.AbsoluteError(),
    ),
    "attention": (
        Attention(),
        np.arange(6.0).reshape(1, 3, 2) / 4,
        [[0.0, 1.0]],
        losses.HalfSquaredError(),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_follows_from_its_equation(kind: str) -> None:
    network, x, t, loss = KINDS[kind]
    example = ArrayType((1, *np.shape(x)[1:]), "int32" if kind == "embedding" else "float32")
    network = network.initialise(0, example)
    step = explain(network, x, t, loss, optim.SGD(0.1, momentum=0.5))
    assert {line.part for line in step.lines} == {"forward", "loss", "backward", "update"}
    for line in step.lines:
        for equation in step.equations(line.key):
            assert reading.value(equation.numbers) == pytest.approx(equation.value, abs=1e-9)
    assert step.text(native=False)
    assert step.html(native=False)


def test_everything_is_plain_data_and_one_page(step: Step) -> None:
    data = json.loads(json.dumps(step.to_dict(native=False)))
    assert data["loss"] == step.loss
    line = next(line for line in data["lines"] if line["key"] == "z(1)")
    assert line["values"] == step["z(1)"].tolist()
    assert line["units"][0]["text"].endswith("= 0.2·0.35 + 0.2·0.7 = 0.21")
    page = step.html(native=False)
    tree = ElementTree.fromstring(page.removeprefix("<!doctype html>\n").replace(
        '<meta charset="utf-8">', "").replace(
        '<meta name="viewport" content="width=device-width, initial-scale=1">', ""))  # fmt: skip
    assert [h.text for h in tree.iter("h2")] == ["Given", "Forward", "Loss", "Backward", "Update"]
    assert "http" not in page
    assert "<script" not in page
    assert step._repr_html_() in page


def test_large_arrays_of_a_big_network_are_told_by_their_shape_alone() -> None:
    network = nn.MLP((256, 128), 10).initialise(0, ArrayType((1, 784)))
    x = np.random.default_rng(0).random((1, 784))
    step = explain(network, x, [3], losses.CrossEntropy(), optim.Adam())
    data = step.to_dict(native=False)
    weights = next(line for line in data["given"] if line["key"] == "W(1)")
    assert weights["values"] is None
    assert weights["shape"] == [784, 256]
    assert step.equation("z(1)", (0, 200)).text().count("·x[") == 5


def test_steps_share_one_derivation_and_follow_training() -> None:
    """An explainer at later steps gives what training gives, without deriving anything again."""
    optimiser = optim.Adam(optim.Exponential(0.1, 0.5, every=2))
    loss = losses.HalfSquaredError()
    x, t = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[1.0], [0.0]])
    network = worked_example()
    explainer = Explainer.of(network, x, t, loss, optimiser)
    trainable = network.arrays()
    memory = optimiser.initial(trainable)
    for number in range(5):
        now = network.with_arrays(trainable)
        objective = explainer.first.objective.with_numbers(now, x, t, loss)
        going = Continued(optimiser.learning_rate, optimiser, memory)
        step = explainer.at(objective, going, number)
        assert step.derivation is explainer.first.derivation
        gradients = {path: step.results[f"gradient of {path}"] for path in trainable}
        trainable, memory = optimiser.update(gradients, memory, trainable, np.int32(number))
        for path, array in trainable.items():  # sums may be added up in another order
            np.testing.assert_allclose(step.results[f"new {path}"], array, rtol=1e-14)
        assert float(step["η"]) == pytest.approx(optimiser.learning_rate(number), rel=1e-15)
        assert int(step["k"]) == number


def test_adam_is_written_as_its_paper_writes_it() -> None:
    step = explain(worked_example(), [[1.0, 2.0]], [[1.0]], losses.HalfSquaredError(), optim.Adam())
    update = {line.key: str(line) for line in step.lines if line.part == "update"}
    assert update["u1"] == "u1 = η / (1 − 0.9^(k + 1))"
    assert update["u2"] == "u2 = 1 / √(1 − 0.999^(k + 1))"
    assert update["W'(1)"] == "W'⁽¹⁾ = W⁽¹⁾ − u1·m_W'⁽¹⁾ / (√(s_W'⁽¹⁾)·u2 + 1e-8)"


def test_mistakes_in_the_call_are_explained() -> None:
    half = losses.HalfSquaredError()
    with pytest.raises(ParameterError, match="no arrays to train"):
        explain(nn.Sequential(nn.Sigmoid()), [[1.0]], [[1.0]], half)
    with pytest.raises(ParameterError, match=r"must name \[2, 2, 1\] inputs and units, it names"):
        explain(worked_example(), [[1.0, 2.0]], [[1.0]], half, units=[["x1"], ["h"], ["o"]])
    with pytest.raises(ParameterError, match="expected one number: choose the reduction"):
        explain(worked_example(), [[1.0, 2.0]], [[1.0]], losses.HalfSquaredError(reduction="none"))
    step = explain(worked_example(), [[1.0, 2.0]], [[1.0]], half)
    with pytest.raises(
        ParameterError, match=r"z\(1\) has the shape \(1, 2\), so there is no entry"
    ):
        step.equation("z(1)", (0, 5))
    with pytest.raises(KeyError, match="there is no value 'y'"):
        step["y"]
    assert step.loss_after is None
