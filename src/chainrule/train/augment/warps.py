"""Augmentations that turn and stretch images, interpolating between pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule import random
from chainrule.errors import ParameterError
from chainrule.train.augment.augmentation import OfInput
from chainrule.train.augment.images import check_images
from chainrule.train.augment.windows import window


@dataclass(frozen=True)
class Rotate(OfInput):
    """Turn each image around its middle by a random angle.

    By three shears (Paeth, "A fast algorithm for general raster rotation", 1986), each with linear
    interpolation between neighbours. What comes in at the corners is `fill`.

    Parameters
    ----------
    degrees
        Angles are uniform between minus and plus this, at most 45.
    fill
        Value of the corners.
    argument
        As for `OfInput`.
    """

    degrees: float = 10.0
    fill: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 <= self.degrees <= 45:
            raise ParameterError(f"degrees lie between 0 and 45, received {self.degrees}")

    def change(self, x: Any, key: Any) -> Any:
        """Give the turned images."""
        check_images("Rotate", x)
        most = math.radians(self.degrees)
        angle = random.uniform(key, (x.shape[0], 1, 1, 1), -most, most)
        half = cnp.tan(0.5 * angle)
        x = x - self.fill if self.fill else x
        x = _sheared(x, -half, math.tan(0.5 * most), axis=2)
        x = _sheared(x, cnp.sin(angle), math.sin(most), axis=1)
        x = _sheared(x, -half, math.tan(0.5 * most), axis=2)
        return x + self.fill if self.fill else x


def _sheared(x: Any, slope: Any, steepest: float, axis: int) -> Any:
    """Move each row (axis 2) or column (axis 1) by the slope times its distance from the middle."""
    across, pixels = 3 - axis, x.shape[axis]
    middle = 0.5 * (x.shape[across] - 1)
    most = math.ceil(steepest * middle)
    shape = [1, 1, 1, 1]
    shape[across] = x.shape[across]
    distance = np.arange(x.shape[across], dtype=np.float32).reshape(shape) - np.float32(middle)
    move = slope * distance
    whole = cnp.clip(cnp.floor(move), -float(most), float(most))
    part = cnp.astype(move - whole, x.dtype)
    border = [(0, 0)] * 4
    border[axis] = (most + 1, most)
    # Entry i of the result is what lies `move` pixels before it.
    start = cnp.astype(float(most) - whole, "int32")
    near = window(cnp.pad(x, tuple(border)), start, pixels + 1, axis)
    before = (slice(None),) * axis
    return (1.0 - part) * near[(*before, slice(1, None))] + part * near[(*before, slice(0, -1))]


@dataclass(frozen=True)
class Crop(OfInput):
    """Cut a random window out of each image and stretch it to the full size.

    As the random resized crop of Szegedy and others, "Going deeper with convolutions", 2015; the
    window keeps the shape of the image. Stretching interpolates linearly.

    Parameters
    ----------
    smallest
        Least side of the window, as a share of the image's; sides are uniform up to 1.
    argument
        As for `OfInput`.
    """

    smallest: float = 0.8

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 < self.smallest <= 1:
            raise ParameterError(f"smallest lies in (0, 1], received {self.smallest}")

    def change(self, x: Any, key: Any) -> Any:
        """Give the stretched windows."""
        check_images("Crop", x)
        keys = random.split(key, 3)
        side = random.uniform(keys[0], (x.shape[0], 1, 1), self.smallest, 1.0)
        for axis in (1, 2):
            pixels = x.shape[axis]
            free = (1.0 - side) * float(pixels - 1)
            begin = free * random.uniform(keys[axis], (x.shape[0], 1, 1))
            to = np.arange(pixels, dtype=np.float32)
            place = begin + side * to[None, :, None]
            # Each row of this matrix holds the weights of the two pixels next to its place.
            weights = cnp.maximum(1.0 - cnp.abs(place - to[None, None, :]), 0.0)
            x = _weighted(cnp.astype(weights, x.dtype), x, axis)
        return x


def _weighted(weights: Any, x: Any, axis: int) -> Any:
    """Replace an axis of images by weighted sums along it, by a matrix for each image."""
    n, height, width, channels = x.shape
    if axis == 1:
        flat = cnp.reshape(x, (n, height, width * channels))
        return cnp.reshape(cnp.matmul(weights, flat), x.shape)
    turned = cnp.permute_dims(x, (0, 2, 1, 3))
    flat = cnp.reshape(turned, (n, width, height * channels))
    stretched = cnp.reshape(cnp.matmul(weights, flat), turned.shape)
    return cnp.permute_dims(stretched, (0, 2, 1, 3))
