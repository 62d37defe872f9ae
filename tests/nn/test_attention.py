"""Attention: who sees whom, rows without anything to see, long rows, positions, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule.numpy as cnp
from chainrule import grad, jit, nn, random
from chainrule.errors import ParameterError, ShapeError
from chainrule.ir import ArrayType, Dim
from chainrule.tracing import capture, flatten

Floats = np.ndarray[Any, Any]


def _draw(*shape: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=shape)


def _layer(x: Any, **settings: Any) -> Any:
    return nn.MultiHeadAttention(2, **settings).initialise(1, x, dtype="float64")


# ---------------------------------------------------------------- the function


def test_one_query_averages_the_values_by_softmax_of_its_products_with_the_keys() -> None:
    query = np.array([[[[2.0, 0.0, 0.0, 0.0]]]])  # size 4: products are divided by 2
    keys = np.array([[[[np.log(3.0), 0, 0, 0], [0.0, 0, 0, 0]]]])
    values = np.array([[[[4.0], [8.0]]]])
    output, weights = nn.dot_product_attention(query, keys, values)
    np.testing.assert_allclose(weights, [[[[0.75, 0.25]]]])
    np.testing.assert_allclose(output, [[[[5.0]]]])


@given(st.integers(0, 2**32))
def test_the_order_of_keys_does_not_matter(seed: int) -> None:
    q, k, v = (_draw(2, 2, 3, 4, seed=seed + i) for i in range(3))
    order = np.random.default_rng(seed).permutation(3)
    y, _ = nn.dot_product_attention(q, k, v)
    again, _ = nn.dot_product_attention(q, k[:, :, order], v[:, :, order])
    np.testing.assert_allclose(y, again, rtol=1e-9, atol=1e-12)


def test_queries_at_the_end_of_a_longer_causal_sequence_see_all_before_them() -> None:
    q, k = _draw(1, 1, 2, 4), _draw(1, 1, 5, 4)
    _, weights = nn.dot_product_attention(q, k, k, causal=True)
    assert (weights[0, 0] > 0).tolist() == [[True] * 4 + [False], [True] * 5]


@pytest.mark.parametrize("executor", ["numpy", "native"])
def test_a_row_that_may_look_at_nothing_is_zero_and_so_is_its_gradient(executor: str) -> None:
    allowed = np.array([[True, False], [False, False]])

    def total(scores: Any) -> Any:
        return cnp.sum(nn.masked_softmax(scores, allowed) * np.array([[1.0, 2.0], [3.0, 4.0]]))

    scores = np.array([[300.0, 1e30], [1e30, -1e30]])
    weights = jit(lambda s: nn.masked_softmax(s, allowed), executor)(scores)
    assert weights.tolist() == [[1.0, 0.0], [0.0, 0.0]]
    assert jit(grad(total), executor)(scores).tolist() == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("executor", ["numpy", "native"])
def test_long_rows_of_large_scores_stay_finite_and_add_up_to_one(executor: str) -> None:
    scores = np.float32(_draw(2, 10_000) * 1e4)
    allowed = np.arange(10_000) < 9_000
    weights = jit(lambda s: nn.masked_softmax(s, allowed), executor)(scores)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)
    assert (weights[:, 9_000:] == 0).all()


# ---------------------------------------------------------------- the layer


def test_without_causality_every_place_is_seen_and_with_it_none_that_is_later() -> None:
    x = _draw(1, 6, 4)
    later = x.copy()
    later[:, 4:] += 1.0
    for causal in (False, True):
        layer = _layer(x, causal=causal)
        same = np.isclose(layer(x), layer(later)).all(axis=-1)[0]
        assert same[:4].all() == causal
        assert not same[4:].any()


def test_what_stands_at_masked_places_changes_nothing() -> None:
    x, memory = _draw(2, 3, 4), _draw(2, 5, 4)
    mask = np.array([[True] * 3 + [False] * 2, [True] * 5])
    other = np.where(mask[..., None], memory, 1e6)
    layer = nn.MultiHeadAttention(2).initialise(0, x, memory, dtype="float64")
    np.testing.assert_array_equal(layer(x, memory, mask=mask), layer(x, other, mask=mask))
    alone = layer(x[:1], memory[:1, :3])
    np.testing.assert_allclose(layer(x, memory, mask=mask)[:1], alone, rtol=1e-12)


def test_a_sequence_that_is_all_padding_gives_the_bias_of_the_output() -> None:
    x = _draw(2, 3, 4)
    layer = _layer(x).with_arrays({"output_bias": [1.0, 2.0, 3.0, 4.0]})
    y = layer(x, mask=np.array([[False] * 3, [True] * 3]))
    np.testing.assert_array_equal(y[0], [[1.0, 2.0, 3.0, 4.0]] * 3)
    assert np.isfinite(y).all()


def test_masks_of_every_shape_say_the_same() -> None:
    x = _draw(2, 3, 4)
    layer = _layer(x)
    mask = np.array([[True, True, False], [True, True, False]])
    rows = np.broadcast_to(mask[0], (3, 3))
    y = layer(x, mask=mask)
    for shape in ((3, 3), (2, 3, 3), (2, 2, 3, 3)):
        np.testing.assert_allclose(layer(x, allowed=np.broadcast_to(rows, shape)), y)
    both = layer(x, mask=mask, allowed=np.ones((3, 3), bool))
    np.testing.assert_allclose(both, y)


def test_weights_are_returned_on_request_and_each_row_adds_up_to_one() -> None:
    x = _draw(2, 3, 4)
    _, weights = _layer(x, causal=True, dropout=0.5)(x, with_weights=True, key=random.key(0))
    np.testing.assert_allclose(weights.sum(axis=-1), 1)
    assert (weights[..., 0, 1:] == 0).all()


def test_dropout_of_weights_needs_a_key() -> None:
    x = _draw(2, 3, 4)
    dropping, whole = _layer(x, dropout=0.5), _layer(x)
    np.testing.assert_array_equal(dropping(x), whole(x))
    assert (dropping(x, key=random.key(0)) != whole(x)).any()


def test_heads_that_share_keys_do_what_heads_with_equal_keys_do() -> None:
    x = _draw(2, 5, 8)
    shared = nn.MultiHeadAttention(4, groups=2).initialise(0, x, dtype="float64")
    arrays = shared.arrays()
    for name in ("key_weight", "value_weight", "key_bias", "value_bias"):
        by_group = arrays[name].reshape(*arrays[name].shape[:-1], 2, 2)
        arrays[name] = np.repeat(by_group, 2, axis=-2).reshape(*arrays[name].shape[:-1], 8)
    np.testing.assert_allclose(
        nn.MultiHeadAttention(4).with_arrays(arrays)(x), shared(x), rtol=1e-9
    )


def test_the_batch_stays_open() -> None:
    x = ArrayType((Dim("batch"), 5, 8), "float32")
    layer = nn.MultiHeadAttention(2, groups=1, causal=True, position="rotary").initialise(0, x)
    assert capture(layer, (x,)).graph.outputs[0].type.shape == (Dim("batch"), 5, 8)


# ---------------------------------------------------------------- positions


def test_products_after_rotation_depend_on_distances_alone() -> None:
    q, k = _draw(6), _draw(6, seed=1)
    turned_q, turned_k = (nn.rotary(np.tile(x, (9, 1))) for x in (q, k))
    products = turned_q @ turned_k.T
    for shift in range(-4, 5):
        np.testing.assert_allclose(np.diag(products, shift), np.diag(products, shift)[0])
    later = nn.rotary(np.tile(q, (2, 1)), first=7)
    np.testing.assert_allclose(later, turned_q[7:], rtol=1e-12)


def test_slopes_of_distances_are_those_of_the_paper() -> None:
    slopes = -nn.distance_bias(8, 1, 2)[:, 0, 0]
    np.testing.assert_allclose(slopes, [2.0**-i for i in range(1, 9)])
    six = -nn.distance_bias(6, 1, 2)[:, 0, 0]  # four of four heads, two of eight
    np.testing.assert_allclose(six, [2**-2, 2**-4, 2**-6, 2**-8, 2**-1, 2**-3])


def test_sinusoidal_positions_are_added_for_any_length() -> None:
    x = np.zeros((2, 7, 5), np.float32)
    y = nn.SinusoidalPositions()(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y[0, 3, 2], np.sin(3 / 10_000 ** (2 / 5)), rtol=1e-6)
    np.testing.assert_allclose(y[1, 3, 1], np.cos(3), rtol=1e-6)


def test_learnt_positions_serve_shorter_sequences_and_refuse_longer_ones() -> None:
    layer = nn.LearntPositions(3).initialise(0, ArrayType((1, 3, 2)))
    np.testing.assert_array_equal(layer(np.zeros((1, 2, 2)))[0], layer.weight[:2])
    with pytest.raises(ShapeError, match="vectors for 3 places"):
        layer(np.zeros((1, 4, 2)))


# ---------------------------------------------------------------- errors


def test_wrong_settings_and_inputs_are_refused() -> None:
    x = np.zeros((2, 3, 4))
    with pytest.raises(ParameterError, match="groups divide heads"):
        nn.MultiHeadAttention(4, groups=3)
    with pytest.raises(ParameterError, match="unknown position 'rope'"):
        nn.MultiHeadAttention(4, position="rope")
    with pytest.raises(ShapeError, match="width of 4 cannot be divided among 3 heads"):
        nn.MultiHeadAttention(3).initialise(0, x)
    with pytest.raises(ShapeError, match="expects sequences"):
        nn.MultiHeadAttention(2).initialise(0, x[0])
    with pytest.raises(ShapeError, match="turn pairs"):
        nn.rotary(np.zeros((2, 3)))
    layer = nn.MultiHeadAttention(2).initialise(0, x)
    with pytest.raises(ShapeError, match="mask expects truth values"):
        layer(x, mask=np.ones((2, 3)))
    with pytest.raises(ShapeError, match="allowed expects truth values"):
        layer(x, allowed=np.ones((2, 3)))
    with pytest.raises(ShapeError, match="groups divide heads"):
        nn.dot_product_attention(_draw(1, 3, 2, 2), _draw(1, 2, 2, 2), _draw(1, 2, 2, 2))


def test_every_array_of_a_layer_learns() -> None:
    x = np.float32(_draw(2, 3, 4))
    layer = nn.MultiHeadAttention(2, position="rotary").initialise(0, x)
    gradients = grad(lambda layer: cnp.sum(layer(x) ** 2))(layer)
    for path, g in zip(layer.arrays(), flatten(gradients)[0], strict=True):
        assert np.abs(g).max() > 1e-6, path
