"""Transformers, embeddings that are shared, ways around layers: what they see and what learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule import grad, losses, nn, optim, random, stop
from chainrule.errors import DtypeError, ParameterError, ShapeError
from chainrule.ir import ArrayType, Dim
from chainrule.tracing import capture
from chainrule.train import Trainer

KEY = random.key(0)


def _draw(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _gpt(**settings: Any) -> nn.GPT:
    options: dict[str, Any] = {"context": 8, "width": 16, "depth": 2, "heads": 2, **settings}
    return nn.GPT(11, **options).initialise(0, np.zeros((1, 8), np.int32))


# ---------------------------------------------------------------- blocks


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("activation", ["gelu", "swiglu"])
def test_places_behind_the_mask_do_not_change_those_before_it(
    norm_first: bool, activation: str
) -> None:
    x = _draw(1, 6, 8)
    encoder = nn.TransformerEncoder(2, 2, norm_first=norm_first, activation=activation)
    encoder = encoder.initialise(0, x)
    mask = np.arange(6)[None] < 4
    other = np.where(mask[..., None], x, 5.0).astype(np.float32)
    np.testing.assert_array_equal(encoder(x, mask)[:, :4], encoder(other, mask)[:, :4])
    np.testing.assert_allclose(encoder(x, mask)[:, :4], encoder(x[:, :4]), rtol=1e-4, atol=1e-5)


def test_a_decoder_sees_its_own_past_and_all_of_the_memory() -> None:
    x, memory = _draw(1, 5, 8), _draw(1, 3, 6)
    decoder = nn.TransformerDecoder(2, 2).initialise(0, x, memory)
    later, other = x.copy(), memory.copy()
    later[:, 3:] *= -2  # adding one to all features would be normalised away
    other[:, 2] *= -2
    y = decoder(x, memory)
    same = np.isclose(decoder(later, memory), y, rtol=1e-5, atol=1e-6).all(axis=-1)[0]
    assert same.tolist() == [True] * 3 + [False] * 2
    assert not np.isclose(decoder(x, other), y).all(axis=-1).any()
    hidden = np.array([[True, True, False]])
    np.testing.assert_array_equal(decoder(x, memory, None, hidden), decoder(x, other, None, hidden))


def test_dropout_differs_from_block_to_block_and_stops_without_a_key() -> None:
    x = _draw(2, 4, 8)
    encoder = nn.TransformerEncoder(2, 2, dropout=0.5).initialise(0, x)
    np.testing.assert_array_equal(encoder(x), encoder(x))
    np.testing.assert_array_equal(encoder(x, key=KEY), encoder(x, key=KEY))
    assert (encoder(x, key=KEY) != encoder(x, key=random.key(1))).any()


def test_a_gated_unit_has_as_many_parameters_as_a_plain_one() -> None:
    kind = ArrayType((1, 48))
    plain, gated = (
        nn.FeedForward(activation=name, use_bias=False).initialise(0, kind)
        for name in ("gelu", "swiglu")
    )
    assert nn.count_parameters(plain) == nn.count_parameters(gated) == 8 * 48 * 48


# ---------------------------------------------------------------- language models


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"tied": False},
        {"position": "rotary", "norm": "rms", "activation": "swiglu", "use_bias": False},
        {"position": "distance", "groups": 1},
    ],
    ids=lambda s: ",".join(s) or "plain",
)
def test_a_gpt_does_not_see_what_follows(settings: dict[str, Any]) -> None:
    model = _gpt(**settings)
    text = np.array([[1, 5, 3, 3, 9, 10, 0, 2]], np.int32)
    other = text.copy()
    other[:, 5:] = 4
    first, second = model(text), model(other)
    np.testing.assert_allclose(first[:, :5], second[:, :5], rtol=1e-5, atol=1e-6)
    assert (np.abs(first - second)[:, 5:].max(axis=-1) > 1e-4).all()
    shorter = model(text[:, :5])
    np.testing.assert_allclose(shorter, first[:, :5], rtol=1e-4, atol=1e-5)


def test_tied_weights_are_one_array_that_learns_from_both_ends() -> None:
    model = _gpt()
    assert not any(path.startswith("head") for path in model.arrays())
    text = np.array([[1, 1, 1]], np.int32)

    def score(model: Any) -> Any:
        return cnp.sum(model(text)[:, :, 7])

    g = grad(score)(model).embedding.weight
    assert np.abs(g[1]).max() > 0  # was looked up
    assert np.abs(g[7]).max() > 0  # was scored
    assert (g[3] == 0).all()


def test_the_batch_of_a_gpt_stays_open() -> None:
    text = ArrayType((Dim("batch"), 8), "int32")
    assert capture(_gpt(), (text,)).graph.outputs[0].type.shape == (Dim("batch"), 8, 11)


def test_a_gpt_learns_to_copy_what_stood_three_places_before() -> None:
    text = np.random.default_rng(0).integers(0, 11, (64, 3)).astype(np.int32)
    text = np.tile(text, (1, 3))
    trainer = Trainer(
        _gpt(),
        losses.CrossEntropy(),
        optim.Adam(0.01),
        batch_size=16,
        stop=stop.Epochs(40),
        progress=False,
    )
    run = trainer.fit(text[:, :8], text[:, 1:9])
    right = run.network(text[:, :8]).argmax(axis=-1) == text[:, 1:9]
    assert right[:, 2:].mean() > 0.95  # places 0 and 1 cannot know


# ---------------------------------------------------------------- embeddings and entries


def test_padding_gives_zeros_and_its_vector_never_learns() -> None:
    layer = nn.Embedding(4, 3, padding=0).initialise(0, ArrayType((1, 2), "int32"))
    symbols = np.array([[2, 0, 0]])
    assert layer(symbols)[0, 1:].tolist() == [[0.0] * 3] * 2
    g = grad(lambda layer: cnp.sum(layer(symbols)))(layer).weight
    np.testing.assert_array_equal(g, [[0] * 3, [0] * 3, [1] * 3, [0] * 3])
    with pytest.raises(ParameterError, match="padding is one of the symbols 0 to 3"):
        nn.Embedding(4, 3, padding=4)


def test_an_entry_serves_before_and_after_the_call() -> None:
    class Twins(nn.Module):
        table: nn.Embedding = nn.Embedding(5, 2)
        scores_first: bool = nn.static(default=False)

        def __call__(self, x: Any) -> Any:
            if self.scores_first:
                return self.table.scores(cnp.zeros((1, 2))), self.table(x)
            return self.table.scores(self.table(x))

    x = np.array([[0, 3]], np.int32)
    for first in (False, True):
        network = Twins(scores_first=first).initialise(0, x)
        assert list(network.arrays()) == ["table.weight"]
    with pytest.raises(DtypeError, match="whole numbers"):
        nn.Embedding(5, 2).initialise(0, x)(_draw(2, 2))


# ---------------------------------------------------------------- graphs of modules


def test_residual_adds_its_input_and_refuses_another_shape() -> None:
    x = _draw(2, 3)
    layer = nn.Residual(nn.Dense(4), nn.Tanh(), nn.Dense(3)).initialise(0, x)
    np.testing.assert_allclose(layer(x) - x, layer.inner(x), rtol=1e-5, atol=1e-6)
    with pytest.raises(ShapeError, match="must have one shape"):
        nn.Residual(nn.Dense(4)).initialise(0, x)


class Siamese(nn.Module):
    """One tower for two inputs, a head on what the two give."""

    tower: nn.Module = nn.Sequential(nn.Dense(4), nn.Tanh())
    head: nn.Module = nn.Dense(1)

    def __call__(self, a: Any, b: Any, *, key: Any = None) -> Any:
        return self.head(cnp.concat([self.tower(a), self.tower(b)], axis=-1))


def test_several_inputs_and_shared_weights_train() -> None:
    a, b = _draw(60, 3), _draw(60, 3, seed=1)
    y = (a[:, :1] > b[:, :1]).astype(np.float32)
    trainer = Trainer(
        Siamese(),
        losses.BinaryCrossEntropy(),
        optim.Adam(0.03),
        stop=stop.Epochs(60),
        progress=False,
    )
    run = trainer.fit((a, b), y)
    assert set(run.network.arrays()) == {
        f"{x}.{y}" for x in ("tower.layers[0]", "head") for y in ("weight", "bias")
    }
    assert ((run.network(a, b) > 0) == (y > 0)).mean() > 0.9


def test_frozen_layers_of_a_graph_stay_as_they_are() -> None:
    a, b = _draw(20, 3), _draw(20, 3, seed=1)
    network = Siamese().initialise(0, a, b)
    trainer = Trainer(
        network,
        losses.SquaredError(),
        stop=stop.Epochs(2),
        frozen=("tower",),
        progress=False,
    )
    after = trainer.fit((a, b), a[:, :1]).network.arrays()
    for path, x in network.arrays().items():
        assert (after[path] == x).all() == path.startswith("tower"), path


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ParameterError, match="unknown norm 'batch'"):
        nn.TransformerEncoderBlock(2, norm="batch")
    with pytest.raises(ParameterError, match="unknown activation 'swish'"):
        nn.FeedForward(activation="swish")
    with pytest.raises(ParameterError, match="at least one block"):
        nn.TransformerEncoder(0, 2)
    with pytest.raises(ParameterError, match="vocabulary"):
        nn.GPT(0, 8)
    with pytest.raises(ShapeError, match="vectors for 8 places"):
        _gpt()(np.zeros((1, 9), np.int32))
