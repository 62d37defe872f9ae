"""The one form that all pictures of a data set are brought to: height, width, colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.wording import listing
from chainrule.errors import DataError, ParameterError

FITS = ("crop", "stretch", "pad")
"""How a picture of another shape is fitted: cut its longer sides, pull it, or add black bars."""

MODES = {1: "L", 3: "RGB"}
"""Pillow's names for one grey value and for three colours per pixel."""

MOST_PIXELS = 2**26


@dataclass(frozen=True)
class PictureForm:
    """Height, width and number of colours of every picture.

    Parameters
    ----------
    height, width
        In pixels.
    channels
        1 for grey values, 3 for red, green and blue.
    fit
        One of `FITS`.

    >>> import numpy as np
    >>> PictureForm(2, 2, 1).apply(np.full((4, 8), 9, np.uint8))[:, :, 0].tolist()
    [[9, 9], [9, 9]]
    """

    height: int
    width: int
    channels: int
    fit: str = "crop"

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.fit not in FITS:
            raise ParameterError(f"pictures are fitted by {listing(FITS)}, not {self.fit!r}")
        if self.channels not in MODES:
            raise ParameterError(
                f"pictures have 1 channel (grey) or 3 (colours), not {self.channels}"
            )
        if self.height < 1 or self.width < 1 or self.height * self.width > MOST_PIXELS:
            raise ParameterError(
                f"a picture of {self.height} × {self.width} pixels is no use: give a height and a "
                f"width of at least 1, and at most {MOST_PIXELS:,} pixels in all"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels, as arrays have them."""
        return self.height, self.width, self.channels

    def apply(self, picture: Any) -> NDArray[np.uint8]:
        """Bring a picture to this form.

        Parameters
        ----------
        picture
            A `PIL.Image.Image`, or an array of uint8 (height, width) or (height, width, channels)
            with 1 or 3 channels.

        Returns
        -------
        uint8 [height, width, channels]. A picture that has this form already is not changed.
        """
        from chainrule.data.images.pillow import pillow

        if isinstance(picture, np.ndarray):
            pixels = picture[:, :, None] if picture.ndim == 2 else picture
            if pixels.ndim != 3 or pixels.shape[2] not in MODES or pixels.dtype != np.uint8:
                raise DataError(
                    "a picture is an array of uint8 (height, width) or (height, width, 1 or 3), "
                    f"received {picture.dtype} {picture.shape}"
                )
            if pixels.shape == self.shape:
                return pixels
            picture = pillow().fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        if picture.mode != MODES[self.channels]:
            picture = picture.convert(MODES[self.channels])
        if picture.size != (self.width, self.height):
            picture = self._fitted(picture)
        return np.asarray(picture, np.uint8).reshape(self.shape)

    def _fitted(self, picture: Any) -> Any:
        from PIL import Image, ImageOps

        size, smooth = (self.width, self.height), Image.Resampling.BILINEAR
        if self.fit == "stretch":
            return picture.resize(size, smooth)
        return (ImageOps.fit if self.fit == "crop" else ImageOps.pad)(picture, size, smooth)
