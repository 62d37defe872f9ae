"""Derivations of networks: a function for the command line."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest

from chainrule import losses, nn
from chainrule.errors import ParameterError
from chainrule.explaining import derive
from chainrule.ir import ArrayType


def test_a_network_without_arrays_is_derived_for_any_number_of_rows() -> None:
    derived = derive(nn.MLP((4,), 3), losses.CrossEntropy(), np.zeros((5, 2)), np.zeros(5, int))
    said = derived.text()
    assert "x (n × 2), t (n)" in said
    assert "∂L/∂W⁽²⁾ = a⁽¹⁾ᵀ @ δ⁽²⁾" in said
    assert said.endswith(losses.CrossEntropy().textbook)
    assert derived.title.startswith("Backpropagation of Sequential(Dense(units=4")


def test_types_serve_as_examples() -> None:
    network = nn.Dense(1).initialise(0, ArrayType((1, 2)))
    half = losses.HalfSquaredError()
    by_type = derive(network, half, ArrayType((1, 2)), ArrayType((1, 1)))
    assert by_type.text() == derive(network, half, [[1.0, 2.0]], [[1.0]]).text()
    with pytest.raises(ParameterError, match=r"axis of rows in front, received f64\[\]"):
        derive(network, half, 1.0, [[1.0]])


def test_two_inputs_keep_their_places() -> None:
    class Gate(nn.Module):
        inner: nn.Module = nn.Dense(1)

        def __call__(self, x: object, y: object, *, key: object = None) -> object:
            return self.inner(x * y)  # type: ignore[operator]

    derived = derive(Gate(), losses.HalfSquaredError(), ([[1.0]], [[2.0]]), [[1.0]])
    assert "z⁽¹⁾ = (x[0] ⊙ x[1]) @ W⁽¹⁾ + b⁽¹⁾" in derived.text()


def test_a_derivation_is_plain_data_and_one_page() -> None:
    derived = derive(nn.Dense(1), losses.HalfSquaredError(), [[1.0]], [[1.0]])
    assert json.loads(json.dumps(derived.to_dict()))["lines"][0]["key"] == "z(1)"
    page = derived.html()
    assert page.count("<math") == len(derived.derivation.lines)
    assert "<h2>Backward</h2>" in page
    assert derived.mathml().count("<math") == page.count("<math")
    assert derived.latex().startswith(r"\begin{aligned}")
    ElementTree.fromstring(f"<div>{derived._repr_html_()}</div>")
