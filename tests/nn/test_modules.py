"""Modules as trees: initialisation, calls, paths, users' own modules, state, errors."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule.numpy as cnp
from chainrule import nn, random
from chainrule.errors import DtypeError, ParameterError, ShapeError, TreeError
from chainrule.ir import ArrayType, Dim, text
from chainrule.tracing import capture, flatten, leaf_paths, unflatten

TABLE = ArrayType((Dim("batch"), 3), "float32")


class Block(nn.Module):
    wide: nn.Module = nn.Dense(5)
    back: nn.Module = nn.Dense(3)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        return x + self.back(cnp.tanh(self.wide(x)))


class Two(nn.Module):
    """Takes two arrays, keeps layers in a dictionary, and shares one of them."""

    parts: dict[str, nn.Module]
    scale: float = nn.static(default=2.0)

    def __call__(self, a: Any, b: Any) -> Any:
        shared = self.parts["shared"]
        return self.scale * self.parts["out"](cnp.concat([shared(a), shared(b)], axis=1))


class Centre(nn.Module):
    """Keeps a running mean, as normalisation layers do."""

    mean: Any = nn.state(default=None)

    def declare(self, x: ArrayType) -> dict[str, nn.Variable]:
        return {"mean": nn.Variable((x.shape[-1],), nn.initialisers.Zeros())}

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        if key is None:
            return x - self.mean
        now = cnp.mean(x, axis=0)
        self.hand_on(mean=0.5 * self.mean + 0.5 * now)
        return x - now


# ---------------------------------------------------------------- initialisation


def test_sizes_are_found_by_running_the_network_on_types() -> None:
    network = nn.Sequential(nn.Dense(4), nn.ReLU(), nn.Dense(2)).initialise(0, TABLE)
    shapes = {path: x.shape for path, x in network.arrays().items()}
    assert shapes == {
        "layers[0].weight": (3, 4),
        "layers[0].bias": (4,),
        "layers[2].weight": (4, 2),
        "layers[2].bias": (2,),
    }


def test_an_example_serves_as_well_as_its_type() -> None:
    by_type = nn.Dense(2).initialise(7, TABLE)
    by_array = nn.Dense(2).initialise(random.key(7), np.zeros((5, 3)))
    np.testing.assert_array_equal(by_type.weight, by_array.weight)
    assert by_array.weight.dtype == np.float32


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    first, again, other = (nn.MLP((4,), 2).initialise(seed, TABLE) for seed in (1, 1, 2))
    for path, x in first.arrays().items():
        np.testing.assert_array_equal(x, again.arrays()[path])
    assert (first.layers[0].weight != other.layers[0].weight).all()


def test_no_two_layers_begin_alike() -> None:
    network = nn.Sequential(nn.Dense(3), nn.Dense(3)).initialise(0, TABLE)
    assert (network.layers[0].weight != network.layers[1].weight).any()


def test_arrays_that_are_there_stay() -> None:
    weight = np.array([[1.0], [2.0], [3.0]])
    layer = nn.Dense(1, weight=weight).initialise(0, TABLE)
    assert layer.weight.tolist() == weight.tolist()
    assert layer.weight.dtype == np.float32
    assert layer.bias.tolist() == [0.0]


def test_double_precision_on_request() -> None:
    assert nn.Dense(1).initialise(0, TABLE, dtype="float64").weight.dtype == np.float64
    with pytest.raises(ParameterError, match="float32 or float64, not int32"):
        nn.Dense(1).initialise(0, TABLE, dtype="int32")


def test_initialising_leaves_the_network_itself_alone() -> None:
    network = nn.MLP((2,), 1)
    network.initialise(0, TABLE)
    assert network.arrays() == {}


def test_an_object_in_two_places_is_two_layers() -> None:
    layer = nn.Dense(3)
    network = nn.Sequential(layer, layer).initialise(0, TABLE)
    assert (network.layers[0].weight != network.layers[1].weight).any()


# ---------------------------------------------------------------- users' own modules


def test_a_class_with_fields_and_a_call_is_a_network() -> None:
    network = Block().initialise(0, TABLE)
    assert leaf_paths(network) == ["wide.weight", "wide.bias", "back.weight", "back.bias"]
    x = np.ones((2, 3), np.float32)
    by_hand = x + np.tanh(x @ network.wide.weight) @ network.back.weight
    np.testing.assert_allclose(network(x), by_hand, rtol=1e-6)


def test_blocks_that_share_default_layers_do_not_share_weights() -> None:
    network = nn.Sequential(Block(), Block()).initialise(0, TABLE)
    assert (network.layers[0].wide.weight != network.layers[1].wide.weight).any()


def test_a_layer_that_is_called_twice_shares_its_weights() -> None:
    network = Two({"shared": nn.Dense(2), "out": nn.Dense(1)})
    network = network.initialise(0, TABLE, TABLE)
    assert sorted(network.arrays()) == [
        "parts.out.bias",
        "parts.out.weight",
        "parts.shared.bias",
        "parts.shared.weight",
    ]
    a, b = np.ones((1, 3), np.float32), np.zeros((1, 3), np.float32)
    w, v = network.parts["shared"].weight, network.parts["out"].weight
    by_hand = 2.0 * np.concatenate([a @ w, b @ w], axis=1) @ v
    np.testing.assert_allclose(network(a, b), by_hand, rtol=1e-6)


def test_a_module_that_takes_no_key_is_called_without() -> None:
    class Double(nn.Module):
        def __call__(self, x: Any) -> Any:
            return 2 * x

    network = nn.Sequential(Double(), nn.Dropout(0.5))
    assert network(np.ones(1)).tolist() == [2.0]
    assert set(network(np.ones(100), key=random.key(0)).tolist()) == {0.0, 4.0}


def test_decorating_a_module_as_a_dataclass_is_refused() -> None:
    @dataclasses.dataclass
    class Odd(nn.Module):
        rate: float = nn.static(default=1.0)

        def __call__(self, x: Any) -> Any:
            return self.rate * x

    with pytest.raises(TreeError, match="remove @dataclass above it"):
        Odd()(np.ones(1))


def test_modules_are_trees_that_can_be_taken_apart() -> None:
    network = Block().initialise(0, TABLE)
    leaves, tree = flatten(network)
    again = unflatten(tree, leaves)
    assert isinstance(again, Block)
    assert flatten(again)[1] == tree


def test_modules_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        nn.Dense(2).units = 3  # type: ignore[misc]


# ---------------------------------------------------------------- names


def test_values_in_the_program_are_named_after_their_layers() -> None:
    network = nn.Sequential(nn.Dense(2), nn.Sequential(nn.ReLU(), nn.Dense(1)))
    network = network.initialise(0, TABLE)
    program = text(capture(lambda network, x: network(x), (network, TABLE)).graph)
    for name in ("layers[0] output", "layers[1].layers[0] output", "layers[1].layers[1] output"):
        assert f"# {name}\n" in program + "\n"


def test_paths_can_be_used_to_replace_arrays() -> None:
    network = nn.Sequential(nn.Dense(1)).with_arrays(
        {"layers[0].weight": [[2.0]], "layers[0].bias": [1.0]}
    )
    assert network([[3.0]]).tolist() == [[7.0]]
    with pytest.raises(ParameterError, match=r"no array 'layers\[1\]'; the network has layers"):
        network.with_arrays({"layers[1]": [1.0]})


def test_a_network_shows_its_layers_and_shapes() -> None:
    network = nn.MLP((4,), 2, dropout=0.1)
    assert repr(network) == (
        "Sequential(Dense(units=4, initial=HeUniform(gain=1.0)), ReLU(), Dropout(rate=0.1), "
        "Dense(units=2))"
    )
    assert repr(nn.Dense(1).initialise(0, TABLE)) == "Dense(units=1, weight=f32[3, 1], bias=f32[1])"
    assert nn.count_parameters(network.initialise(0, TABLE)) == 3 * 4 + 4 + 4 * 2 + 2


# ---------------------------------------------------------------- state


def test_state_is_handed_on_by_training_and_used_by_prediction() -> None:
    network = nn.Sequential(Centre()).initialise(0, TABLE)
    assert nn.state_paths(network) == {"layers[0].mean"}
    x = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]], np.float32)
    output, changes = nn.run_with_state(network, x, key=random.key(0))
    np.testing.assert_allclose(output, x - 2.0)
    assert {path: value.tolist() for path, value in changes.items()} == {
        "layers[0].mean": [1.0, 1.0, 1.0]
    }
    network = network.with_arrays(changes)
    output, changes = nn.run_with_state(network, x)
    np.testing.assert_allclose(output, x - 1.0)
    assert changes == {}


# ---------------------------------------------------------------- errors


def test_calling_a_layer_without_arrays_says_what_to_do() -> None:
    with pytest.raises(
        ParameterError, match=r"layer layers\[1\] \(Dense\) has no weight yet: call"
    ):
        nn.Sequential(nn.ReLU(), nn.Dense(2))(np.ones((1, 3)))


def test_inputs_of_another_width_say_which_layer_and_what_it_needs() -> None:
    network = nn.Sequential(nn.Dense(2)).initialise(0, TABLE)
    with pytest.raises(
        ShapeError, match=r"layers\[0\] \(Dense\) has the shape \(3, 2\).* \(4, 2\)"
    ):
        network(np.ones((1, 4)))


def test_errors_inside_of_a_module_name_its_place() -> None:
    class Wrong(nn.Module):
        def __call__(self, x: Any) -> Any:
            return cnp.matmul(x, np.ones((7, 7)))

    with pytest.raises(ShapeError) as caught:
        nn.Sequential(nn.ReLU(), Wrong())(np.ones((1, 3)))
    assert "in layer layers[1] (Wrong)" in caught.value.__notes__


def test_a_layer_made_inside_of_a_call_is_refused() -> None:
    class Careless(nn.Module):
        def __call__(self, x: Any) -> Any:
            return nn.Dense(2)(x)

    with pytest.raises(ParameterError, match="held in a field"):
        Careless().initialise(0, TABLE)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ParameterError, match="one by one"):
        nn.Sequential([nn.Dense(2)])  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="unknown activation 'swish'"):
        nn.MLP((2,), 1, activation="swish")
    with pytest.raises(ParameterError, match=r"\[0, 1\)"):
        nn.Dropout(1.0)
    with pytest.raises(ShapeError, match="expects"):
        nn.Dense(2).initialise(0, ArrayType((), "float32"))
    with pytest.raises(DtypeError, match="whole numbers"):
        nn.Embedding(3, 2).initialise(0, TABLE)


# ---------------------------------------------------------------- layers


@given(st.integers(0, 4), st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32))
def test_dense_is_a_product_and_a_sum(rows: int, inputs: int, units: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    w, b = generator.normal(size=(inputs, units)), generator.normal(size=units)
    x = generator.normal(size=(2, rows, inputs))
    np.testing.assert_allclose(
        nn.Dense(units, weight=w, bias=b)(x), x @ w + b, rtol=1e-10, atol=1e-12
    )


def test_embedding_looks_vectors_up() -> None:
    table = nn.Embedding(3, 2).initialise(0, ArrayType((4,), "int32"))
    assert table.weight.shape == (3, 2)
    np.testing.assert_array_equal(table(np.array([[2, 0]])), table.weight[None, [2, 0]])


def test_flatten_keeps_the_batch_axis_even_if_it_is_open() -> None:
    images = ArrayType((Dim("batch"), 2, 3), "float32")
    assert capture(nn.Flatten(), (images,)).graph.outputs[0].type.shape == (Dim("batch"), 6)
    assert nn.Flatten()(np.zeros((0, 2, 3))).shape == (0, 6)
    assert nn.Flatten()(np.zeros((4, 0))).shape == (4, 0)
    assert nn.Flatten()(np.zeros(4)).shape == (4, 1)


def test_dropout_keeps_the_mean_and_needs_a_key() -> None:
    x = np.ones((200, 100), np.float32)
    layer = nn.Dropout(0.25)
    assert layer(x) is x
    y = layer(x, key=random.key(1))
    assert set(np.unique(y)) == {np.float32(0.0), np.float32(1 / 0.75)}
    assert y.mean() == pytest.approx(1.0, abs=0.02)
    np.testing.assert_array_equal(y, layer(x, key=random.key(1)))
    assert (y != layer(x, key=random.key(2))).any()


def test_layers_of_a_network_drop_out_independently() -> None:
    class Both(nn.Module):
        first: nn.Module = nn.Dropout(0.5)

        def __call__(self, x: Any, *, key: Any = None) -> Any:
            return self.first(x, key=key)

    network = nn.Sequential(Both(), nn.ReLU(), Both())
    y = network(np.ones(1000, np.float32), key=random.key(0))
    assert (y > 0).mean() == pytest.approx(0.25, abs=0.05)
