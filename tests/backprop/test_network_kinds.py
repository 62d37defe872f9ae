"""Derivations of networks that are not dense: what their layers and values are called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule import losses, nn, optim
from chainrule.backprop import grad
from chainrule.backprop.formula import text
from chainrule.explaining import derive, explain
from chainrule.explaining.step import Step


def step(network: nn.Module, x: Any, t: Any, loss: losses.Loss) -> Step:
    return explain(network.initialise(0, np.asarray(x)), x, t, loss, optim.SGD(0.1))


@pytest.fixture(scope="module")
def convolved() -> Step:
    network = nn.Sequential(
        nn.Conv2D(2, 3, padding="same"), nn.ReLU(), nn.MaxPool2D(2), nn.Flatten(), nn.Dense(3)
    )
    images = np.random.default_rng(0).normal(size=(2, 4, 4, 1))
    return step(network, images, [0, 2], losses.CrossEntropy())


@pytest.fixture(scope="module")
def attentive() -> Step:
    network = nn.Sequential(nn.MultiHeadAttention(2), nn.LayerNorm(), nn.Flatten(), nn.Dense(1))
    words = np.random.default_rng(0).normal(size=(2, 3, 4))
    return step(network, words, [[1.0], [0.0]], losses.HalfSquaredError())


@pytest.fixture(scope="module", params=["LSTM", "GRU", "SimpleRNN"])
def recurrent(request: pytest.FixtureRequest) -> Step:
    network = nn.Sequential(getattr(nn, request.param)(2, returns="last"), nn.Dense(1))
    series = np.random.default_rng(0).normal(size=(2, 3, 1))
    return step(network, series, [[1.0], [0.0]], losses.HalfSquaredError())


def said(found: Step, key: str) -> str:
    return text(found.derivation[key].formula)


def test_a_convolution_is_a_weighted_sum_of_patches(convolved: Step) -> None:
    assert said(convolved, "z(1)") == "patches(pad(x)) @ W⁽¹⁾ + b⁽¹⁾"
    assert said(convolved, "a(1)") == "relu(z⁽¹⁾)"
    assert said(convolved, "p(1)") == "maxₖₘ a⁽¹⁾"
    assert said(convolved, "z(2)") == "flat(p⁽¹⁾) @ W⁽²⁾ + b⁽²⁾"
    assert said(convolved, "dL/dp(1)") == "δ⁽²⁾ @ W⁽²⁾ᵀ"
    assert said(convolved, "dL/dW(1)") == "patches(pad(x))ᵀ @ δ⁽¹⁾"
    legend = convolved.derivation.legend()
    assert "patches are what a kernel sees" in legend
    assert "pad puts zeros around" in legend


def test_one_place_of_a_feature_map_is_a_sum_over_its_patch(convolved: Step) -> None:
    found = convolved.equation("z(1)", (0, 1, 1, 1))
    x, kernel = convolved["x"][0, :3, :3, 0], convolved["W(1)"][:, :, 0, 1]
    assert found.value == pytest.approx(float((x * kernel).sum()), rel=1e-12)
    assert found.text().startswith("z⁽¹⁾[1, 2, 2, 2] = W⁽¹⁾[1, 1, 1→2]·x[1, 1, 1, 1] + ")
    corner = convolved.equation("z(1)", (0, 0, 0, 0)).text()
    assert "W⁽¹⁾[2, 2, 1→1]·x[1, 1, 1, 1]" in corner  # what lies outside is zero


def test_attention_has_queries_keys_values_scores_and_weights(attentive: Step) -> None:
    assert said(attentive, "Q(1)") == "x @ W_Q⁽¹⁾ + b_Q⁽¹⁾"
    assert said(attentive, "S(1)") == "0.707107·(Q⁽¹⁾ @ K⁽¹⁾ᵀ)"
    assert said(attentive, "A(1)") == "softmax(S⁽¹⁾)"
    assert said(attentive, "z(1)") == "A⁽¹⁾ @ V⁽¹⁾ @ W_O⁽¹⁾ + b_O⁽¹⁾"
    assert said(attentive, "dL/dV(1)") == "A⁽¹⁾ᵀ @ δ⁽¹⁾ @ W_O⁽¹⁾ᵀ"
    assert said(attentive, "dL/dgamma(2)").startswith("Σᵢⱼ (∂L/∂y⁽²⁾ ⊙ u1")
    np.testing.assert_allclose(attentive["A(1)"].sum(-1), 1, rtol=1e-12)


def test_normalisation_stands_in_the_chain_with_its_running_statistics() -> None:
    network = nn.Sequential(nn.Dense(3), nn.BatchNorm(), nn.ReLU(), nn.Dense(1))
    found = step(network, np.ones((2, 3)), [[1.0], [0.0]], losses.HalfSquaredError())
    assert said(found, "y(2)") == "(z⁽¹⁾ − μ⁽²⁾) ⊙ γ⁽²⁾ / √(v⁽²⁾ + 1e-5) + β⁽²⁾"
    assert said(found, "a(2)") == "relu(y⁽²⁾)"
    assert said(found, "z(3)") == "a⁽²⁾ @ W⁽³⁾ + b⁽³⁾"
    assert said(found, "delta(1)") == "∂L/∂y⁽²⁾ ⊙ γ⁽²⁾ / √(v⁽²⁾ + 1e-5)"


def test_an_attention_weight_is_a_share_of_powers_of_e(attentive: Step) -> None:
    found = attentive.equation("A(1)", (0, 0, 1, 2))
    powers = np.exp(attentive["S(1)"][0, 0, 1])
    assert found.value == pytest.approx(float(powers[2] / powers.sum()), rel=1e-12)
    assert found.text().startswith(
        "A⁽¹⁾[1, 1, 2, 3] = exp(S⁽¹⁾[1, 1, 2, 3]) / (exp(S⁽¹⁾[1, 1, 2, 1])"
    )


def test_recurrence_is_written_out_step_by_step(recurrent: Step) -> None:
    keys = recurrent.keys()
    assert {"h_1(1)", "h_2(1)", "h_3(1)", "dL/dh_2(1)", "z_x(1)"} <= set(keys)
    assert said(recurrent, "z_x(1)") == "x @ W_x⁽¹⁾"
    assert said(recurrent, "z(2)") == "h_3⁽¹⁾ @ W⁽²⁾ + b⁽²⁾"
    assert said(recurrent, "dL/dh_3(1)") == "δ⁽²⁾ @ W⁽²⁾ᵀ"
    assert "h_1⁽¹⁾ᵀ @" in said(recurrent, "dL/dW_h(1)")


def test_an_lstm_has_its_gates_and_its_memory() -> None:
    network = nn.Sequential(nn.LSTM(2, returns="last"), nn.Dense(1))
    found = step(network, np.ones((1, 2, 1)), [[1.0]], losses.HalfSquaredError())
    assert said(found, "c_2(1)") == "f_2⁽¹⁾ ⊙ c_1⁽¹⁾ + i_2⁽¹⁾ ⊙ g_2⁽¹⁾"
    assert said(found, "h_2(1)") == "o_2⁽¹⁾ ⊙ tanh(c_2⁽¹⁾)"
    assert said(found, "z_2(1)") == "z_x⁽¹⁾[2] + b⁽¹⁾ + h_1⁽¹⁾ @ W_h⁽¹⁾"
    assert said(found, "i_2(1)") == "σ(z_2⁽¹⁾[:, 1…2])"
    assert said(found, "dL/dW_h(1)") == "h_1⁽¹⁾ᵀ @ δ_2⁽¹⁾"
    entry = found.equation("c_2(1)", (0, 1)).text()
    assert entry.startswith("c_2⁽¹⁾[2] = f_2⁽¹⁾[2]·c_1⁽¹⁾[2] + i_2⁽¹⁾[2]·g_2⁽¹⁾[2] = ")


class Masked(nn.Module):
    """A recurrence over the steps that count, their mean, and a unit."""

    body: nn.Module = nn.LSTM(2)
    head: nn.Module = nn.Dense(1)

    def __call__(self, x: Any, mask: Any, *, key: Any = None) -> Any:
        """Compute the unit."""
        count = cnp.sum(cnp.astype(mask, x.dtype), axis=1)[:, None]
        return self.head(cnp.sum(self.body(x, mask), axis=1) / count)


def masked(body: nn.Module) -> Step:
    x, mask = np.ones((2, 3, 1)), np.array([[True, True, True], [True, False, False]])
    network = Masked(body).initialise(0, x, mask)
    return explain(network, (x, mask), [[1.0], [0.0]], losses.HalfSquaredError(), optim.SGD(0.1))


def test_a_mask_is_called_m_and_keeps_the_state_where_it_says_so() -> None:
    found = masked(nn.LSTM(2))
    assert [text(symbol) for symbol, _ in found.derivation.given[:3]] == ["x", "m", "t"]
    assert said(found, "cnew_2(1)") == "f_2⁽¹⁾ ⊙ c_1⁽¹⁾ + i_2⁽¹⁾ ⊙ g_2⁽¹⁾"
    assert said(found, "c_2(1)") == "ĉ_2⁽¹⁾ if m[:, 2] else c_1⁽¹⁾"
    assert said(found, "h_2(1)") == "o_2⁽¹⁾ ⊙ tanh(ĉ_2⁽¹⁾) if m[:, 2] else h_1⁽¹⁾"
    assert said(found, "z(2)") == "p⁽¹⁾ @ W⁽²⁾ + b⁽²⁾"
    assert found["h_3(1)"][1].tolist() == found["h_1(1)"][1].tolist()
    assert "m is 1 at the steps of a sequence that count" in found.derivation.legend()
    assert r"\hat{c}_{2}^{(1)}" in found.derivation.latex()
    assert said(masked(nn.SimpleRNN(2)), "h_2(1)") == "tanh(z_2⁽¹⁾) if m[:, 2] else h_1⁽¹⁾"


def test_written_out_steps_give_the_gradients_of_the_loop(recurrent: Step) -> None:
    objective = recurrent.objective

    def loss(parameters: Any) -> Any:
        output = objective.network.with_arrays(parameters)(*objective.inputs)
        return losses.HalfSquaredError()(output, objective.targets)

    for path, gradient in grad(loss)(objective.parameters).items():
        found = recurrent.results[f"gradient of {path}"]
        np.testing.assert_allclose(found, gradient, rtol=1e-10, atol=1e-14, err_msg=path)


def test_formulas_do_not_grow_with_the_steps_behind_them() -> None:
    network = nn.Sequential(nn.LSTM(2, returns="last"), nn.Dense(1)).initialise(
        0, np.ones((1, 12, 1))
    )
    # Written out where they are read, the gradients would double in length with each step.
    found = explain(
        network, np.ones((1, 12, 1)), [[1.0]], losses.HalfSquaredError(), optim.Adam(0.1)
    )
    assert max(len(str(line)) for line in found.lines) < 400


def test_a_long_sequence_stays_a_loop() -> None:
    network = nn.Sequential(nn.SimpleRNN(2, returns="last"), nn.Dense(1))
    found = step(network, np.ones((1, 65, 1)), [[1.0]], losses.HalfSquaredError())
    assert len(found.lines) < 30
    assert np.isfinite(found.loss)


@pytest.mark.parametrize("kind", ["convolved", "attentive", "recurrent"])
def test_every_entry_can_be_written_and_its_numbers_give_its_value(
    kind: str, convolved: Step, attentive: Step, recurrent: Step
) -> None:
    found = {"convolved": convolved, "attentive": attentive, "recurrent": recurrent}[kind]
    random = np.random.default_rng(1)
    for key in found.keys():  # noqa: SIM118 - a step is no dict
        shape = found[key].shape
        index = tuple(int(random.integers(n)) for n in shape)
        equation = found.equation(key, index, digits=12)
        assert equation.value == found[key][index]
        assert "NaN" not in equation.text()


def test_networks_with_shortcuts_go_by_their_paths() -> None:
    class Block(nn.Module):
        attention: nn.Module = nn.MultiHeadAttention(1)
        norm: nn.Module = nn.LayerNorm()

        def __call__(self, x: Any, *, key: Any = None) -> Any:
            return self.norm(x + self.attention(x))

    words = np.zeros((1, 3, 4))
    derived = derive(Block(), losses.HalfSquaredError(), words, words).derivation
    assert text(derived["Q(attention)"].formula) == "x @ W_Q(attention) + b_Q(attention)"
    assert "dL/dgamma(norm)" in [line.key for line in derived.lines]


def test_softmax_is_recognised_only_where_it_is_one() -> None:
    class Half(nn.Module):
        inner: nn.Module = nn.Dense(2)

        def __call__(self, x: Any, *, key: Any = None) -> Any:
            z = self.inner(x)
            powers = cnp.exp(z)
            return powers / cnp.sum(powers, axis=1, keepdims=True)

    derived = derive(Half(), losses.HalfSquaredError(), [[1.0]], [[1.0, 0.0]])
    assert "softmax" not in derived.text()
