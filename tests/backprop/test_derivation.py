"""Derivations: equations of a backward pass, read from the rules that run."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule import losses, nn
from chainrule.backprop import Derivation, custom_vjp, derive
from chainrule.backprop.derive import sweep
from chainrule.backprop.formula import text
from chainrule.errors import GradientError
from chainrule.execute import trace
from chainrule.execute.numpy import run
from chainrule.ir import ArrayType, Dim, Graph
from chainrule.ops import CARDS
from chainrule.tracing import capture, flatten

BATCH = Dim("batch")
X, T = ArrayType((BATCH, 2), "float64"), ArrayType((BATCH, 1), "float64")
T3 = ArrayType((BATCH, 3), "float64")
MATRIX = np.array([[0.5, -1.0], [2.0, 1.5]])


def derived(network: nn.Module, loss: losses.Loss, x: Any = X, t: Any = T) -> Derivation:
    def objective(network: nn.Module, x: Any, t: Any) -> Any:
        return loss(network(x), t)

    network = network.initialise(0, ArrayType((1, *x.shape[1:])), dtype="float64")
    graph = trace(objective, network, x, t).graph
    return derive(graph, range(len(flatten(network)[0])))


def said(derivation: Derivation, key: str) -> str:
    return text(derivation[key].formula)


def test_equations_are_folded_for_a_terminal() -> None:
    derivation = derived(nn.Sequential(nn.Dense(3), nn.LayerNorm()), losses.SquaredError(), t=T3)
    plain, folded = derivation.text(), derivation.text(width=60)
    assert max(map(len, plain.splitlines())) > 60 >= max(map(len, folded.splitlines()))
    assert " ".join(folded.split()) == " ".join(plain.split())
    columns = {line.rindex("   n × ") for line in folded.splitlines() if line.endswith("n × 3")}
    assert len(columns) == 1


def test_a_layered_network_reads_as_in_a_textbook() -> None:
    network = nn.Sequential(nn.Dense(3), nn.Sigmoid(), nn.Dense(1), nn.Tanh())
    assert derived(network, losses.HalfSquaredError()).text() == "\n".join(
        [
            "given     x (n × 2), t (n × 1), W⁽¹⁾ (2 × 3), b⁽¹⁾ (3), W⁽²⁾ (3 × 1), b⁽²⁾ (1)",
            "forward   z⁽¹⁾ = x @ W⁽¹⁾ + b⁽¹⁾                n × 3",
            "          a⁽¹⁾ = σ(z⁽¹⁾)                        n × 3",
            "          z⁽²⁾ = a⁽¹⁾ @ W⁽²⁾ + b⁽²⁾             n × 1",
            "          a⁽²⁾ = tanh(z⁽²⁾)                     n × 1",
            "loss      L = Σ (a⁽²⁾ − t)² / (2·n)             number",
            "backward  ∂L/∂a⁽²⁾ = (a⁽²⁾ − t) / n             n × 1",
            "          δ⁽²⁾ = ∂L/∂a⁽²⁾ ⊙ (1 − (a⁽²⁾)²)       n × 1",
            "          ∂L/∂W⁽²⁾ = a⁽¹⁾ᵀ @ δ⁽²⁾               3 × 1",
            "          ∂L/∂b⁽²⁾ = Σᵢ δ⁽²⁾                    1",
            "          ∂L/∂a⁽¹⁾ = δ⁽²⁾ @ W⁽²⁾ᵀ               n × 3",
            "          δ⁽¹⁾ = ∂L/∂a⁽¹⁾ ⊙ a⁽¹⁾ ⊙ (1 − a⁽¹⁾)   n × 3",
            "          ∂L/∂W⁽¹⁾ = xᵀ @ δ⁽¹⁾                  2 × 3",
            "          ∂L/∂b⁽¹⁾ = Σᵢ δ⁽¹⁾                    3",
            "where     δ = ∂L/∂z; ⊙ multiplies entry by entry; @ multiplies matrices; "
            "i counts rows, j columns; n is the number of rows; "
            "guards against division by 0 and infinity are left out",
        ]
    )


def test_the_slope_of_relu_is_a_test() -> None:
    derivation = derived(nn.MLP((3,), 1), losses.HalfSquaredError(reduction="sum"))
    assert said(derivation, "delta(1)") == "∂L/∂a⁽¹⁾ ⊙ [a⁽¹⁾ > 0]"
    assert "dL/da(2)" not in [line.key for line in derivation.lines]
    assert said(derivation, "delta(2)") == "z⁽²⁾ − t"


def test_cross_entropy_shows_softmax_minus_target() -> None:
    labels = ArrayType((BATCH,), "int32")
    derivation = derived(nn.Dense(3), losses.CrossEntropy(), t=labels)
    assert said(derivation, "L") == "−Σ ([t = j] ⊙ ln(softmax(z⁽¹⁾))) / n"
    assert said(derivation, "delta(1)") == "(Σⱼ [t = j]) ⊙ softmax(z⁽¹⁾) / n − [t = j] / n"


def test_layers_that_do_not_form_a_chain_are_named_by_their_paths() -> None:
    class TwoArms(nn.Module):
        left: nn.Module = nn.Dense(1)
        right: nn.Module = nn.Dense(1)

        def __call__(self, x: Any, *, key: Any = None) -> Any:
            return self.left(x) + self.right(x)

    derivation = derived(TwoArms(), losses.HalfSquaredError())
    assert said(derivation, "z(left)") == "x @ W(left) + b(left)"
    assert said(derivation, "dL/dW(right)") == "xᵀ @ δ(right)"


def test_other_functions_keep_the_names_of_the_users_variables() -> None:
    def energy(w: Any, x: Any) -> Any:
        hidden = cnp.tanh(x @ w)
        return cnp.sum(hidden**2) / 2

    derivation = trace(energy, MATRIX, MATRIX).differentiate(0).derivation()
    assert [line.key for line in derivation.lines] == ["hidden", "L", "dL/dhidden", "dL/dw"]
    assert said(derivation, "hidden") == "tanh(x @ w)"
    assert said(derivation, "dL/dw") == "xᵀ @ (∂L/∂hidden ⊙ (1 − hidden²))"


def test_a_loop_numbers_the_values_of_its_variable() -> None:
    def unrolled(w: Any, x: Any) -> Any:
        h = x
        for _ in range(2):
            h = cnp.tanh(h * w)
        return cnp.sum(h)

    derivation = trace(unrolled, MATRIX, MATRIX).differentiate(0).derivation()
    assert said(derivation, "h(2)") == "tanh(h⁽¹⁾ ⊙ w)"
    keys = [line.key for line in derivation.lines]
    # A shared input's gradient reads others, so it stands behind them.
    assert keys.index("dL/dw") > keys.index("dL/dh(1)")


def test_arguments_in_trees_are_called_by_their_keys() -> None:
    def model(parameters: Any, x: Any) -> Any:
        return cnp.sum(x @ parameters["w1"] + parameters["bias"])

    args = {"w1": MATRIX, "bias": np.ones(2)}, MATRIX
    derivation = trace(model, *args).differentiate(0).derivation()
    assert said(derivation, "L") == "Σ (x @ w1 + bias)"


def test_what_is_read_twice_gets_a_name_of_its_own() -> None:
    def twice(x: Any) -> Any:
        return cnp.sum(cnp.sin(x * x + 1) * cnp.cos(x * x + 1))

    derivation = trace(twice, MATRIX).differentiate(0).derivation()
    assert said(derivation, "u1") == "x² + 1"
    assert said(derivation, "L") == "Σ (sin(u1) ⊙ cos(u1))"
    assert said(derivation, "dL/dx") == "2·∂L/∂u1 ⊙ x"


def test_a_gradient_of_ones_own_is_printed_from_ones_own_rule() -> None:
    @custom_vjp
    def clipped(x: Any) -> Any:
        return x, lambda g: (cnp.minimum(g, 0.5),)

    derivation = trace(lambda x: cnp.sum(clipped(x) * x), MATRIX).differentiate(0).derivation()
    assert "minimum" in said(derivation, "dL/dx")


def test_a_gradient_that_is_zero_says_so() -> None:
    derivation = trace(lambda w, x: cnp.sum(x), MATRIX, MATRIX).differentiate(0).derivation()
    assert said(derivation, "dL/dw") == "0"


def test_only_one_float_has_a_derivation() -> None:
    graph = capture(lambda x: x * 2, [MATRIX]).graph
    with pytest.raises(GradientError, match=r"returns one float, this one gives f64\[2, 2\]"):
        derive(graph, [0])


def test_the_sweep_gives_the_gradient_by_every_value() -> None:
    graph = capture(lambda w, x: cnp.sum(cnp.tanh(x @ w)), [MATRIX, MATRIX]).graph
    swept = sweep(graph, [0])
    product = next(node for node in graph.nodes if node.card.name == "matmul")
    program = Graph(graph.inputs, (swept.gradients[product],))
    (slope,) = run(program, [MATRIX, MATRIX])
    np.testing.assert_allclose(slope, 1 - np.tanh(MATRIX @ MATRIX) ** 2, rtol=1e-15)


def test_the_same_lines_come_in_latex_mathml_and_as_plain_data() -> None:
    derivation = derived(nn.Dense(1), losses.HalfSquaredError())
    assert r"\frac{\partial L}{\partial W^{(1)}} &= {x}^{\top} \, \delta^{(1)}" in (
        derivation.latex()
    )
    lines = derivation.to_dict()["lines"]
    assert [line["part"] for line in lines] == ["forward", "loss", *["backward"] * 3]
    assert lines[0]["shape"] == ["batch", 1]
    assert len(derivation.mathml().splitlines()) == len(lines)
    ElementTree.fromstring(f"<div>{derivation._repr_html_()}</div>")
    with pytest.raises(KeyError, match="there is no line 'z\\(9\\)'; there are z\\(1\\), L"):
        derivation["z(9)"]


def choice(a: Any, b: Any) -> Any:
    return cnp.where(a > b, a, b)


def as_double(x: Any) -> Any:
    return cnp.astype(x, "float64")


FUNCTIONS = {
    card.name: getattr(cnp, card.name, None)
    for card in CARDS.values()
    if card.kind == "elementwise" and callable(card.vjp)
} | {"select": choice, "cast": as_double}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_gradient_rule_of_every_elementwise_card_prints(name: str) -> None:
    function = FUNCTIONS[name]
    assert function is not None
    count = 2 if name == "select" else len(CARDS[name].inputs)
    graph = capture(lambda *xs: cnp.sum(function(*xs)), [MATRIX] * count).graph
    derivation = derive(graph, range(count))
    assert [line.key for line in derivation.lines if line.part == "backward"]
    for line in derivation.lines:
        assert text(line.equation)
        ElementTree.fromstring(line.to_dict()["mathml"])
    assert derivation.latex()
