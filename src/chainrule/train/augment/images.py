"""Augmentations of images: arrays (batch, height, width, channels) of floats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule import random
from chainrule.errors import ParameterError, ShapeError
from chainrule.train.augment.augmentation import OfInput
from chainrule.train.augment.windows import whole_number, window


def check_images(name: str, x: Any) -> None:
    """Refuse what is not an array of images."""
    if x.ndim != 4 or x.dtype.kind != "f":
        raise ShapeError(
            f"{name} changes images, floats (batch, height, width, channels); received "
            f"{x.dtype}{tuple(x.shape)}"
        )


def _padded(x: Any, rows: int, columns: int, fill: float) -> Any:
    """The images with a border of one value."""
    border = ((0, 0), (rows, rows), (columns, columns), (0, 0))
    return cnp.pad(x - fill, border) + fill if fill else cnp.pad(x, border)


@dataclass(frozen=True)
class Shift(OfInput):
    """Move each image by a random number of pixels, up or down and left or right.

    Every whole number of pixels up to `pixels` is equally likely. What comes in at the border is
    `fill`. This is also known as padding and random cropping (Krizhevsky, Sutskever and Hinton,
    2012; 4 pixels for images of 32 x 32 are usual).

    Parameters
    ----------
    pixels
        The most that an image moves: a number, or one for rows and one for columns.
    fill
        Value of the border.
    argument
        As for `OfInput`.

    >>> import numpy as np
    >>> image = np.ones((1, 3, 3, 1), np.float32)
    >>> Shift(1).change(image, random.key(4))[0, :, :, 0].tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]
    """

    pixels: int | tuple[int, int] = 2
    fill: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        if min(self._most()) < 0:
            raise ParameterError(f"pixels must be at least 0, received {self.pixels}")

    def _most(self) -> tuple[int, int]:
        return self.pixels if isinstance(self.pixels, tuple) else (self.pixels, self.pixels)

    def change(self, x: Any, key: Any) -> Any:
        """Give the moved images."""
        check_images("Shift", x)
        most = self._most()
        padded = _padded(x, *most, self.fill)
        for axis, (each, pixels) in enumerate(zip(random.split(key), most, strict=True), start=1):
            start = whole_number(each, (x.shape[0], 1, 1, 1), 2 * pixels + 1)
            padded = window(padded, start, x.shape[axis], axis)
        return padded


@dataclass(frozen=True)
class Flip(OfInput):
    """Mirror images at random, left to right, or upside down.

    Parameters
    ----------
    probability
        Of an image to be mirrored.
    vertical
        Whether to turn images upside down instead.
    argument
        As for `OfInput`.
    """

    probability: float = 0.5
    vertical: bool = False

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 <= self.probability <= 1:
            raise ParameterError(f"a probability lies in [0, 1], received {self.probability}")

    def change(self, x: Any, key: Any) -> Any:
        """Give the images, some of them mirrored."""
        check_images("Flip", x)
        turned = random.bernoulli(key, self.probability, (x.shape[0], 1, 1, 1))
        return cnp.where(turned, cnp.flip(x, axis=1 if self.vertical else 2), x)


@dataclass(frozen=True)
class Cutout(OfInput):
    """Cover a square of each image, at a random place that may reach over the border.

    DeVries and Taylor, "Improved regularization of convolutional neural networks with cutout",
    2017: 16 pixels for images of 32 x 32.

    Parameters
    ----------
    side
        Pixels of a side of the square.
    fill
        Value of the square.
    argument
        As for `OfInput`.
    """

    side: int = 8
    fill: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.side < 1:
            raise ParameterError(f"side must be at least 1, received {self.side}")

    def change(self, x: Any, key: Any) -> Any:
        """Give the images, each with a square covered."""
        check_images("Cutout", x)
        inside = in_rectangle(x, key, float(self.side), float(self.side))
        return cnp.where(inside, self.fill, x)


def in_rectangle(x: Any, key: Any, height: Any, width: Any) -> Any:
    """Tell which pixels (batch, height, width, 1) lie in a rectangle around a random pixel."""
    found = None
    for axis, (each, side) in enumerate(zip(random.split(key), (height, width), strict=True), 1):
        pixels = x.shape[axis]
        centre = cnp.floor(random.uniform(each, (x.shape[0], 1, 1, 1)) * float(pixels))
        shape = [1, 1, 1, 1]
        shape[axis] = pixels
        place = np.arange(pixels, dtype=np.float32).reshape(shape)
        begin = centre - cnp.floor(0.5 * side)
        within = (place >= begin) & (place < begin + side)
        found = within if found is None else found & within
    return found
