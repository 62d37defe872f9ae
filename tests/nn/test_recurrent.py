"""Recurrent layers: what they compute, and what masks, states, directions and dropout mean.

Agreement with PyTorch is held in `test_layers_against_pytorch.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule.numpy as cnp
from chainrule import losses, nn, optim, random, stop
from chainrule.errors import ParameterError, ShapeError
from chainrule.ir import ArrayType, is_loop
from chainrule.tracing import flatten, map_leaves

Make = Callable[..., Any]
EVERY = pytest.mark.parametrize("make", [nn.SimpleRNN, nn.GRU, nn.LSTM])
RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 5, 2))
LENGTHS = np.array([5, 2, 0], np.int32)
MASK = np.arange(5) < LENGTHS[:, None]


def _layer(make: Make, *args: Any, x: Any = X, **options: Any) -> Any:
    return make(*args, **options).initialise(1, x, dtype="float64")


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _ones(cell: Any) -> Any:
    """A cell of one unit and one input, whose weights are all one."""
    cell = cell.initialise(0, ArrayType((1, 1)), dtype="float64")
    return cell.with_arrays({k: np.ones_like(x) for k, x in cell.arrays().items()})


class TestByHand:
    def test_a_simple_step(self) -> None:
        h = _ones(nn.SimpleRNNCell(1))(np.array([[0.5]]), np.array([[-0.25]]))
        np.testing.assert_allclose(h, np.tanh(0.5 + 1 - 0.25))

    def test_a_step_of_an_lstm(self) -> None:
        state = _ones(nn.LSTMCell(1))(np.array([[0.5]]), (np.array([[-0.25]]), np.array([[2.0]])))
        z = 0.5 + 1 - 0.25
        c = _sigmoid(z) * 2 + _sigmoid(z) * np.tanh(z)
        np.testing.assert_allclose(state.c, c)
        np.testing.assert_allclose(state.h, _sigmoid(z) * np.tanh(c))

    def test_a_step_of_a_gru(self) -> None:
        x, h = 0.5, -0.25
        gate = _sigmoid(x + 1 + h)
        n = np.tanh(x + 1 + gate * (h + 1))
        new = _ones(nn.GRUCell(1))(np.array([[x]]), np.array([[h]]))
        np.testing.assert_allclose(new, (1 - gate) * n + gate * h)

    def test_a_step_of_a_gru_that_resets_before_the_product(self) -> None:
        x, h = 0.5, -0.25
        gate = _sigmoid(x + 1 + h)
        n = np.tanh(x + 1 + gate * h)
        new = _ones(nn.GRUCell(1, reset_after=False))(np.array([[x]]), np.array([[h]]))
        np.testing.assert_allclose(new, (1 - gate) * n + gate * h)

    def test_an_lstm_begins_by_remembering(self) -> None:
        cell = nn.LSTMCell(2).initialise(0, ArrayType((1, 3)))
        assert cell.bias.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]

    def test_recurrent_weights_begin_orthogonal(self) -> None:
        weight = nn.SimpleRNNCell(4).initialise(0, ArrayType((1, 3)), dtype="float64")
        square = weight.recurrent_weight
        np.testing.assert_allclose(square @ square.T, np.eye(4), atol=1e-14)


@EVERY
class TestSequences:
    def test_a_layer_is_its_cell_in_a_loop(self, make: Make) -> None:
        layer = _layer(make, 4)
        (cell,) = layer.cells
        state, outputs = None, []
        for t in range(5):
            state = cell(X[:, t], state)
            outputs.append(cell.output(state))
        np.testing.assert_allclose(layer(X), np.stack(outputs, axis=1), atol=1e-15)

    def test_a_sequence_may_be_cut_and_continued(self, make: Make) -> None:
        layer = _layer(make, 4, layers=2, returns="all")
        whole, last = layer(X)
        first, state = layer(X[:, :2])
        second, end = layer(X[:, 2:], state=state)
        np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-15)
        for a, b in zip(flatten(end)[0], flatten(last)[0], strict=True):
            np.testing.assert_allclose(a, b, atol=1e-15)

    def test_the_second_direction_reads_backwards(self, make: Make) -> None:
        layer = _layer(make, 4, bidirectional=True)
        forwards, backwards = layer.cells
        y = layer(X)
        one = _layer(make, 4)
        np.testing.assert_allclose(y[..., :4], one.with_arrays(_of(forwards))(X), atol=1e-15)
        turned = one.with_arrays(_of(backwards))(X[:, ::-1])
        np.testing.assert_allclose(y[..., 4:], turned[:, ::-1], atol=1e-15)

    def test_the_last_output_is_that_of_the_last_step(self, make: Make) -> None:
        layer = _layer(make, 4)
        last = _layer(make, 4, returns="last")
        np.testing.assert_array_equal(last(X), layer(X)[:, -1])

    def test_a_sequence_without_steps_gives_the_first_state(self, make: Make) -> None:
        layer = _layer(make, 4, returns="all")
        outputs, state = layer(X[:, :0])
        assert outputs.shape == (3, 0, 4)
        assert not any(x.any() for x in flatten(state)[0])


def _of(cell: Any) -> dict[str, Any]:
    return {f"cells[0].{name}": x for name, x in cell.arrays().items()}


@EVERY
@pytest.mark.parametrize("bidirectional", [False, True])
class TestMasks:
    def test_each_row_is_as_if_it_were_alone(self, make: Make, bidirectional: bool) -> None:
        layer = _layer(make, 4, layers=2, bidirectional=bidirectional, returns="all")
        outputs, states = layer(X, LENGTHS)
        for i, length in enumerate(LENGTHS):
            alone, state = layer(X[i : i + 1, :length])
            np.testing.assert_allclose(outputs[i : i + 1, :length], alone, atol=1e-15)
            assert not outputs[i, length:].any()
            for a, b in zip(flatten(states)[0], flatten(state)[0], strict=True):
                np.testing.assert_allclose(a[i : i + 1], b, atol=1e-15)

    def test_lengths_say_the_same_as_a_mask(self, make: Make, bidirectional: bool) -> None:
        layer = _layer(make, 4, bidirectional=bidirectional)
        np.testing.assert_array_equal(layer(X, LENGTHS), layer(X, MASK))

    def test_padding_has_no_influence_and_no_gradient(
        self, make: Make, bidirectional: bool
    ) -> None:
        layer = _layer(make, 4, layers=2, bidirectional=bidirectional, returns="last")
        wild = np.where(MASK[..., None], X, 1e6)
        np.testing.assert_array_equal(layer(wild, LENGTHS), layer(X, LENGTHS))
        gradient = cr.grad(lambda x: cnp.sum(layer(x, LENGTHS) ** 2))(wild)
        assert not gradient[~MASK].any()

    def test_steps_in_the_middle_may_be_left_out(self, make: Make, bidirectional: bool) -> None:
        layer = _layer(make, 4, bidirectional=bidirectional, returns="last")
        mask = np.array([[True, False, True, True, False]] * 3)
        np.testing.assert_allclose(layer(X, mask), layer(X[:, [0, 2, 3]]), atol=1e-15)


@EVERY
class TestDropout:
    def test_prediction_leaves_nothing_out(self, make: Make) -> None:
        layer = _layer(make, 4, dropout=0.5, recurrent_dropout=0.5)
        plain = _layer(make, 4).with_arrays(layer.arrays())
        np.testing.assert_array_equal(layer(X), plain(X))

    def test_recurrent_dropout_leaves_the_first_step_alone(self, make: Make) -> None:
        layer = _layer(make, 4, recurrent_dropout=0.5)
        outputs = layer(X, key=random.key(3))
        np.testing.assert_allclose(outputs[:, 0], layer(X)[:, 0], atol=1e-15)
        assert not np.allclose(outputs, layer(X))

    def test_keys_decide(self, make: Make) -> None:
        layer = _layer(make, 4, dropout=0.3, recurrent_dropout=0.3, layers=2)
        runs = [layer(X, key=random.key(seed)) for seed in (1, 1, 2)]
        np.testing.assert_array_equal(runs[0], runs[1])
        assert not np.allclose(runs[0], runs[2])


def test_the_same_features_are_left_out_at_every_step() -> None:
    layer = _layer(nn.SimpleRNN, 40, dropout=0.5, x=np.ones((1, 4, 3)))
    forgetful = layer.with_arrays({"cells[0].recurrent_weight": np.zeros((40, 40))})
    outputs = forgetful(np.ones((1, 4, 3)), key=random.key(3))
    np.testing.assert_array_equal(outputs, np.repeat(outputs[:, :1], 4, axis=1))
    assert not np.allclose(outputs, forgetful(np.ones((1, 4, 3))))


@EVERY
def test_the_program_has_one_loop_and_multiplies_inputs_before_it(make: Make) -> None:
    layer = _layer(make, 4)
    graph = cr.trace(lambda layer, x: layer(x), layer, X).graph
    loops = [x for x in graph.nodes if is_loop(x)]
    assert len({(x.inputs, x.options["body"]) for x in loops}) == 1
    products = [x for x in loops[0].options["body"].graph.nodes if x.card.name == "matmul"]
    assert len(products) == 1
    assert sum(x.card.name == "matmul" for x in graph.nodes) == 1


@EVERY
@pytest.mark.parametrize("executor", ["numpy", "native"])
def test_training_finds_the_first_number_of_sequences_of_unequal_length(
    make: Make, executor: str
) -> None:
    """What the first step holds has to be remembered to the end."""
    generator = np.random.default_rng(5)
    x = generator.standard_normal((150, 6, 1)).astype(np.float32)
    lengths = generator.integers(1, 7, 150).astype(np.int32)

    class Last(nn.Module):
        body: nn.Module = make(12, returns="last")
        head: nn.Module = nn.Dense(1)

        def __call__(self, x: Any, lengths: Any, *, key: Any = None) -> Any:
            return self.head(self.body(x, lengths, key=key))

    trainer = cr.Trainer(
        Last(), losses.SquaredError(), optim.Adam(0.02), stop=stop.Epochs(25), executor=executor
    )
    run = trainer.fit((x, lengths), x[:, 0])
    assert run.history["train_loss"][-1] < 0.15 * run.history["train_loss"][0]


@EVERY
def test_gradients_agree_with_differences(make: Make) -> None:
    layer = _layer(make, 3, layers=2, bidirectional=True, returns="all")
    arrays = layer.arrays()

    def function(arrays: Any, x: Any) -> Any:
        outputs, state = layer.with_arrays(arrays)(x, LENGTHS)
        return outputs, map_leaves(cnp.sin, state)

    assert cr.check_gradients(function, arrays, X, directions=1)


class TestErrors:
    def test_settings(self) -> None:
        with pytest.raises(ParameterError, match="returns is one of 'sequence', 'last', 'all'"):
            nn.LSTM(4, returns="output")
        with pytest.raises(ParameterError, match="at least one unit"):
            nn.GRU(0)
        with pytest.raises(ParameterError, match="dropout rate"):
            nn.LSTM(4, dropout=1.0)
        with pytest.raises(ParameterError, match="unknown activation 'tan'"):
            nn.SimpleRNN(4, activation="tan")

    def test_inputs(self) -> None:
        with pytest.raises(ShapeError, match=r"LSTM expects sequences \(batch, time, features\)"):
            nn.LSTM(4).initialise(0, X[0])
        layer = _layer(nn.LSTM, 4)
        with pytest.raises(ShapeError, match="here of 3 sequences with 5 steps; received bool"):
            layer(X, MASK.T)
        with pytest.raises(ShapeError, match="expected 1 states, received 2"):
            layer(X, state=(None, None))
