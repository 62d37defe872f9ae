"""Layers over places: agreement with PyTorch, shapes, ties, and errors."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule import nn
from chainrule.backprop import grad, vjp
from chainrule.errors import ParameterError, ShapeError
from chainrule.execute import trace
from chainrule.ir import ArrayType, Dim
from tests.nn import golden_convolution as golden

GOLDEN = json.loads(golden.PLACE.read_text(encoding="utf-8"))["layers"]


def layer_of(case: golden.Case) -> tuple[nn.Module, dict[str, Any]]:
    """The layer with waves for weights, and those by name."""
    layer = getattr(nn, case.layer)(**case.options).initialise(
        0, ArrayType(case.shape), dtype="float64"
    )
    names = [name for name in ("weight", "depthwise", "pointwise") if name in layer.arrays()]
    shapes = golden.weight_shapes(case)
    arrays = {
        n: golden.wave(s, 1.3 + i) for i, (n, s) in enumerate(zip(names, shapes, strict=True))
    }
    if golden.has_bias(case):
        arrays["bias"] = golden.wave((shapes[-1][-1],), 2.1)
    for name, array in arrays.items():
        assert layer.arrays()[name].shape == array.shape
    return layer.with_arrays(arrays), arrays


@pytest.mark.parametrize("case", golden.CASES, ids=str)
def test_values_and_all_gradients_are_those_of_pytorch(case: golden.Case) -> None:
    layer, arrays = layer_of(case)
    said = GOLDEN[str(case)]

    def call(x: Any, *values: Any) -> Any:
        return layer.with_arrays(dict(zip(arrays, values, strict=True)))(x)

    x = golden.wave(case.shape, 0.7)
    value, back = vjp(call, x, *arrays.values())
    assert list(value.shape) == said["shape"]
    gradients = back(golden.wave(value.shape, 0.3))
    # Sums of up to 60 products of numbers below one, added in another order: 1e-15 of rounding;
    # the stored numbers have 13 digits.
    for ours, theirs in zip((value, *gradients), (said["value"], *said["gradients"]), strict=True):
        np.testing.assert_allclose(ours.ravel(), theirs, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("case", golden.CASES, ids=str)
def test_native_code_agrees(case: golden.Case) -> None:
    layer, _ = layer_of(case)
    x = golden.wave(case.shape, 0.7)

    def energy(x: Any) -> Any:
        return cnp.sum(cnp.sin(layer(x)))

    compiled = trace(energy, x).differentiate(0).plan().compile("native")
    value, gradient = compiled(x)
    np.testing.assert_allclose(value, energy(x), rtol=1e-13)
    np.testing.assert_allclose(gradient, grad(energy)(x), rtol=1e-12, atol=1e-14)


def test_the_batch_stays_symbolic() -> None:
    network = nn.Sequential(nn.Conv2D(3, 3, padding="same"), nn.MaxPool2D(), nn.Flatten())
    traced = trace(
        network.initialise(0, ArrayType((1, 6, 6, 2))), ArrayType((Dim("batch"), 6, 6, 2))
    )
    assert str(traced.graph.outputs[0].type) == "f32[batch, 27]"


def test_fans_count_the_whole_patch() -> None:
    layer = nn.Conv2D(64, 3, initial=nn.initialisers.HeNormal()).initialise(
        0, ArrayType((1, 8, 8, 32))
    )
    assert layer.weight.std() == pytest.approx((2 / (9 * 32)) ** 0.5, rel=0.03)
    assert not layer.bias.any()


@pytest.mark.parametrize(
    ("n", "size", "stride"), [(5, 3, 1), (5, 3, 2), (6, 4, 2), (7, 2, 3), (3, 1, 2)]
)
def test_same_padding_gives_one_place_for_every_stride(n: int, size: int, stride: int) -> None:
    layer = nn.Conv1D(1, size, stride, "same", weight=np.ones((size, 1, 1)), bias=np.zeros(1))
    y = layer(np.ones((1, n, 1)))
    assert y.shape == (1, -(-n // stride), 1)
    grown = nn.ConvTranspose1D(
        1, size, stride, "same", weight=np.ones((size, 1, 1)), use_bias=False
    )
    assert grown(y).shape == (1, y.shape[1] * stride, 1)


def test_a_transposed_convolution_is_the_adjoint_of_the_convolution() -> None:
    kernel, x, g = golden.wave((3, 2, 2, 4), 1.1), golden.wave((1, 7, 6, 2), 0.7), None
    y, back = vjp(lambda x: cnp.conv(x, kernel, 2, 1), x)
    g = golden.wave(y.shape, 0.9)
    swapped = cnp.conv_transpose(g, np.swapaxes(kernel, -1, -2), 2, 1, output_padding=(0, 0))
    np.testing.assert_allclose(swapped, back(g)[0], rtol=1e-13, atol=1e-15)


def test_equal_largest_entries_share_the_gradient() -> None:
    x = np.array([[[1.0], [1.0], [0.0], [2.0]]])
    gradient = grad(lambda x: cnp.sum(nn.MaxPool1D(2)(x) * np.array([[[8.0], [4.0]]])))(x)
    assert gradient.ravel().tolist() == [4.0, 4.0, 0.0, 4.0]


def test_padding_never_wins() -> None:
    x = np.full((1, 3, 1), -5.0)
    assert nn.MaxPool1D(3, 1, "same")(x).ravel().tolist() == [-5.0, -5.0, -5.0]
    assert nn.AveragePool1D(3, 1, "same")(x).ravel().tolist() == [-5.0, -5.0, -5.0]


def test_an_empty_batch_stays_empty() -> None:
    layer = nn.Conv2D(3, 2).initialise(0, ArrayType((1, 4, 4, 1)))
    assert layer(np.zeros((0, 4, 4, 1), "float32")).shape == (0, 3, 3, 3)
    assert nn.MaxPool2D()(np.zeros((0, 4, 4, 1))).shape == (0, 2, 2, 1)


@pytest.mark.parametrize(
    ("layer", "shape", "kind", "message"),
    [
        (nn.Conv2D(4), (2, 28, 28), ShapeError, "add an axis for the channels, as in x[..., None]"),
        (nn.Conv2D(4), (2, 3), ShapeError, "expects (batch, height, width, channels)"),
        (nn.Conv2D(4, 5), (1, 4, 4, 1), ShapeError, "a patch of 5 entries does not fit axis 1"),
        (nn.Conv2D(4, (3, 3, 3)), (1, 4, 4, 1), ParameterError, "one for each of 2 axes"),
        (nn.Conv2D(4, groups=3), (1, 4, 4, 2), ParameterError, "2 channels and 4 filters cannot"),
        (nn.Conv2D(4, padding="full"), (1, 4, 4, 2), ParameterError, 'padding is "same", "valid"'),
        (nn.Conv2D(4, padding=-1), (1, 4, 4, 2), ParameterError, "received -1 for 2 axes"),
        (nn.Conv1D(4, stride=0), (1, 4, 2), ParameterError, "stride is a whole number >= 1"),
        (nn.MaxPool2D(5), (1, 4, 4, 2), ShapeError, "a patch of 5 entries does not fit"),
        (nn.GlobalMaxPool(), (1, 4), ShapeError, "expects (batch, *places, channels)"),
        (nn.UpSample(2, "cubic"), (1, 4, 2), ParameterError, "mode is one of nearest, linear"),
        (nn.ConvTranspose1D(1, padding=9), (1, 2, 1), ParameterError, "cannot lose 9 and 9"),
    ],
)
def test_what_does_not_fit_is_refused(
    layer: nn.Module, shape: tuple[int, ...], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        layer.initialise(0, ArrayType(shape))
    assert message in str(caught.value)


def test_groups_of_a_transposed_convolution_paint_their_own_filters() -> None:
    random = np.random.default_rng(0)
    x, kernel = random.normal(size=(2, 4, 5, 4)), random.normal(size=(3, 2, 4, 3))
    settings = {"stride": (2, 1), "padding": 1, "output_padding": (1, 0)}
    grouped = nn.ConvTranspose2D(6, (3, 2), groups=2, use_bias=False, weight=kernel, **settings)
    whole = np.zeros((3, 2, 4, 6))
    whole[..., :2, :3], whole[..., 2:, 3:] = kernel[..., :2, :], kernel[..., 2:, :]
    dense = nn.ConvTranspose2D(6, (3, 2), use_bias=False, weight=whole, **settings)
    # The same sums, with zeros added, in float64.
    assert np.asarray(grouped(x)) == pytest.approx(np.asarray(dense(x)), rel=1e-12, abs=1e-12)
    with pytest.raises(ParameterError, match="cannot be cut into 3 equal groups"):
        nn.ConvTranspose2D(6, groups=3).initialise(0, x)
