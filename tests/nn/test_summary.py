"""The summary of a network: shapes, what is counted once, work and memory, and how it is shown."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule.numpy as cnp
from chainrule import nn
from chainrule.nn.network_summary import Summary
from chainrule.plan import plan
from chainrule.tracing import capture


def _rows(found: Summary) -> dict[str, Any]:
    return {row.path: row for row in found.layers}


def test_shapes_parameters_and_work_are_those_one_counts_by_hand() -> None:
    network = nn.Sequential(nn.Dense(5), nn.ReLU(), nn.Dense(2, use_bias=False))
    found = cr.summary(network, np.zeros((7, 3)))
    rows = _rows(found)
    assert rows["layers[0]"].output == "f32[batch, 5]"
    assert rows["layers[0]"].parameters == 3 * 5 + 5
    assert rows["layers[0]"].flops == 2 * 3 * 5 + 5  # products and sums, then the bias
    assert rows["layers[0]"].memory == 4 * 5
    assert rows["layers[2]"].flops == 2 * 5 * 2
    assert rows[""].parameters == found.parameters == 20 + 10
    assert found.parameter_bytes == 4 * 30
    assert found.flops == 35 + 5 + 20


def test_all_work_is_that_of_the_program() -> None:
    text = np.zeros((2, 8), np.int32)
    network = nn.GPT(11, context=8, width=16, depth=2, heads=2)
    found = cr.summary(network, text)
    kinds = (network.initialise(0, text), cr.ArrayType((cr.Dim("batch"), 8), "int32"))
    graph = capture(lambda network, text: network(text), kinds).graph
    assert found.flops == plan(graph, limits={"batch": 1}).cost()
    assert found.parameters == nn.count_parameters(network.initialise(0, text))


def test_a_layer_that_is_called_twice_counts_once() -> None:
    class Twice(nn.Module):
        layer: nn.Module = nn.Dense(3)

        def __call__(self, x: Any) -> Any:
            return self.layer(cnp.tanh(self.layer(x)))

    found = cr.summary(Twice(), np.zeros((1, 3)))
    assert [(row.path, row.parameters) for row in found.layers] == [
        ("", 12),
        ("layer", 12),
        ("layer", None),
    ]
    assert found.parameters == found.trainable == 12
    assert "shared" in found.text()


def test_state_and_frozen_layers_are_not_trainable() -> None:
    network = nn.Sequential(nn.Dense(4), nn.BatchNorm())
    found = cr.summary(network, np.zeros((1, 3)), frozen=["layers[0]"])
    assert (found.parameters, found.trainable, found.state) == (16 + 16, 8, 8)
    assert _rows(found)["layers[0]"].trainable == 0
    assert "32 parameters (8 trainable, 8 state, 16 fixed)" in found.text()


def test_depth_hides_what_lies_deeper() -> None:
    network = nn.Sequential(nn.Residual(nn.Dense(3)), nn.Dense(1))
    x = np.zeros((1, 3))
    assert [row.path for row in cr.summary(network, x, depth=1).layers] == [
        "",
        "layers[0]",
        "layers[1]",
    ]
    assert cr.summary(network, x, depth=0).flops == cr.summary(network, x).flops


def test_several_inputs_and_outputs_and_masks() -> None:
    class Both(nn.Module):
        decoder: nn.Module = nn.TransformerDecoder(1, 2)

        def __call__(self, x: Any, memory: Any, mask: Any) -> Any:
            y = self.decoder(x, memory, None, mask)
            return y, cnp.sum(y, axis=1)

    inputs = (np.zeros((4, 5, 8)), np.zeros((4, 3, 6)), np.ones((4, 3), bool))
    found = cr.summary(Both(), *inputs)
    assert found.layers[0].output == "f32[batch, 5, 8], f32[batch, 8]"
    assert all(row.flops > 0 for row in found.layers if row.kind == "MultiHeadAttention")


def test_it_is_plain_data_and_a_table_in_notebooks() -> None:
    found = cr.summary(nn.Sequential(nn.Dense(4)), np.zeros((1, 3)))
    assert json.loads(json.dumps(found.to_dict()))["layers"][1]["kind"] == "Dense"
    page = found._repr_html_()
    assert page.count("<tr>") == 3
    assert "f32[batch, 4]" in page
    assert repr(found) == found.text()


def test_a_wrong_input_says_which_layer_refuses_it() -> None:
    with pytest.raises(cr.errors.ShapeError, match="expects sequences"):
        cr.summary(nn.Sequential(nn.MultiHeadAttention(2)), np.zeros((1, 3)))


def test_a_network_gives_its_own_summary() -> None:
    network = nn.Sequential(nn.Dense(4), nn.BatchNorm())
    found = network.summary(np.zeros((2, 3)), depth=1)
    assert found == cr.summary(network, np.zeros((2, 3)), depth=1)
    assert (found.parameters, found.state) == (16 + 16, 8)
    assert network.layers[0].weight is None  # it is the summary of a copy that holds arrays


def test_a_summary_without_an_example_says_what_it_needs() -> None:
    with pytest.raises(cr.errors.ParameterError, match=r"network\.summary\(X\)"):
        nn.Sequential(nn.Dense(4)).summary()
