"""Noise layers: what they keep on average, what they leave alone, and dropout of whole channels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import nn, random
from chainrule.errors import ParameterError, ShapeError

KEY = random.key(3)
NORMAL = np.random.default_rng(0).normal(size=(400, 250)).astype(np.float32)
LAYERS = [nn.GaussianNoise(0.5), nn.GaussianDropout(0.2), nn.AlphaDropout(0.2), nn.Dropout(0.2)]


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_noise_needs_a_key_and_the_same_key_gives_the_same_noise(layer: Any) -> None:
    assert layer(NORMAL) is NORMAL
    y = layer(NORMAL, key=KEY)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, layer(NORMAL, key=KEY))
    assert (y != layer(NORMAL, key=random.key(4))).any()


@pytest.mark.parametrize("layer", [LAYERS[0], LAYERS[1], LAYERS[3]], ids=repr)
def test_noise_keeps_the_mean(layer: Any) -> None:
    # 100,000 entries around 2: their mean is off by 0.004 on average for the wildest of these
    assert layer(NORMAL + 2, key=KEY).mean() == pytest.approx(2 + NORMAL.mean(), abs=0.02)


def test_added_noise_has_the_deviation_that_is_asked_for() -> None:
    noise = nn.GaussianNoise(0.5)(NORMAL, key=KEY) - NORMAL
    assert noise.std() == pytest.approx(0.5, rel=0.02)
    assert noise.mean() == pytest.approx(0.0, abs=0.01)


def test_multiplied_noise_has_the_variance_of_dropout() -> None:
    factors = nn.GaussianDropout(0.2)(np.ones((400, 250), np.float32), key=KEY)
    assert factors.var() == pytest.approx(0.2 / 0.8, rel=0.03)


def test_alpha_dropout_keeps_mean_zero_and_variance_one() -> None:
    y = nn.AlphaDropout(0.2)(NORMAL, key=KEY)
    assert y.mean() == pytest.approx(0.0, abs=0.02)
    assert y.var() == pytest.approx(1.0, rel=0.03)


def test_spatial_dropout_leaves_out_whole_channels() -> None:
    x = np.ones((50, 3, 4, 8), np.float32)
    y = nn.Dropout(0.5, shared=(1, 2))(x, key=KEY)
    by_channel = y.reshape(50, 12, 8)
    assert (by_channel == by_channel[:, :1]).all()
    assert set(np.unique(y)) == {0.0, 2.0}
    assert (y > 0).mean() == pytest.approx(0.5, abs=0.1)


def test_axes_can_be_counted_from_the_end() -> None:
    x = np.ones((4, 3, 5), np.float32)
    a, b = (nn.Dropout(0.5, shared=(axis,))(x, key=KEY) for axis in (1, -2))
    np.testing.assert_array_equal(a, b)


def test_wrong_settings_are_refused() -> None:
    for kind in (nn.Dropout, nn.GaussianDropout, nn.AlphaDropout):
        with pytest.raises(ParameterError, match=r"\[0, 1\)"):
            kind(1.0)
    with pytest.raises(ParameterError, match="at least 0"):
        nn.GaussianNoise(-1.0)
    with pytest.raises(ShapeError, match="shares along axes"):
        nn.Dropout(0.5, shared=(3,))(NORMAL, key=KEY)
