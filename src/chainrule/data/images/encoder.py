"""How pictures become the input of a network: one form, and colours brought near zero."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.data.images.folder import read_pictures
from chainrule.data.images.form import FITS, PictureForm
from chainrule.data.images.pictures import LABEL, Pictures
from chainrule.data.stored import Fields
from chainrule.errors import ChainruleError, DataError, ModelFileError

_BLOCK = 2**12  # pictures whose moments are summed at once
_LEAST_DEVIATION = 1.0  # of 255; all-alike colours would be blown up to noise


@dataclass(frozen=True)
class ImageEncoder:
    """Bring pictures to one form, and each colour to mean 0 and deviation 1.

    Make one with `ImageEncoder.fit`.

    Parameters
    ----------
    form
        Height, width and colours.
    mean, deviation
        Of each channel in the training pictures, in 0 ... 255.

    >>> grey = Pictures.of(np.array([[[0]], [[2]]]))
    >>> encoder = ImageEncoder.fit(grey)
    >>> encoder.encode(grey).ravel().tolist()
    [-1.0, 1.0]
    """

    form: PictureForm
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    kind: ClassVar[str] = "images"

    @classmethod
    def fit(cls, pictures: Pictures, rows: ArrayLike | None = None) -> ImageEncoder:
        """Fit to pictures of one form.

        Parameters
        ----------
        pictures
            As `Pictures.formed` gives them, or arrays.
        rows
            Numbers of the training pictures; None: all of them.
        """
        if pictures.pixels is None or not len(pictures):
            raise DataError("bring the pictures to one form first, by Pictures.formed")
        pixels = pictures.pixels
        chosen = np.arange(len(pixels)) if rows is None else np.asarray(rows)
        sums = np.zeros((2, pixels.shape[3]))
        for begin in range(0, len(chosen), _BLOCK):
            block = pixels[chosen[begin : begin + _BLOCK]].astype(np.float64)
            sums += [block.sum((0, 1, 2)), np.square(block).sum((0, 1, 2))]
        mean, square = sums / (len(chosen) * pixels.shape[1] * pixels.shape[2])
        spread = np.sqrt(np.maximum(square - mean**2, _LEAST_DEVIATION**2))
        form = pictures.form or PictureForm(*pixels.shape[1:])
        return cls(form, tuple(mean.tolist()), tuple(spread.tolist()))

    def types(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Give shape (without the batch) and dtype of the network's input."""
        return {"pixels": (self.form.shape, "float32")}

    def read(self, source: object, target: str | None = None) -> Pictures:
        """Find pictures to be predicted, with their labels if they are known.

        Files are opened by `encode`, so that many of them can be encoded piece by piece.

        Parameters
        ----------
        source
            Pictures, an array [n, height, width, channels] of uint8, or a place as `read_pictures`
            takes it.
        target
            The column of labels, in a table of them.
        """
        if isinstance(source, Pictures):
            return source
        if isinstance(source, np.ndarray):
            return Pictures.of(source)
        named = None if target == LABEL else target
        return read_pictures(Path(str(source)), target=named)

    def encode(self, pictures: Pictures) -> NDArray[np.float32]:
        """Give the network's input, float32 [n, height, width, channels]."""
        pixels: Any = pictures.formed(self.form).pixels
        mean, deviation = np.array([self.mean, self.deviation], np.float32)
        encoded: NDArray[np.float32] = (pixels - mean) / deviation
        return encoded

    def describe(self) -> tuple[str, ...]:
        """Say in a line or two what is done to a picture."""
        height, width, channels = self.form.shape
        colours = "grey values" if channels == 1 else "red, green and blue"
        how = {"crop": "cut to shape", "stretch": "pulled to shape", "pad": "with black bars"}
        spread = ", ".join(
            f"{mean:.4g} ± {deviation:.4g}"
            for mean, deviation in zip(self.mean, self.deviation, strict=True)
        )
        return (
            f"{height} × {width} pixels, {colours}; other sizes are {how[self.form.fit]}",
            f"standardised by {spread}",
        )

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain JSON values."""
        return {
            "kind": self.kind,
            "height": self.form.height,
            "width": self.form.width,
            "channels": self.form.channels,
            "fit": self.form.fit,
            "mean": list(self.mean),
            "deviation": list(self.deviation),
        }

    @classmethod
    def from_dict(cls, stored: object) -> ImageEncoder:
        """Read what `to_dict` gave; raise `ModelFileError` if it is anything else."""
        fields = Fields(stored, "encoding")
        fields.choice("kind", (cls.kind,))
        size = [fields.whole(name) for name in ("height", "width", "channels")]
        try:
            form = PictureForm(size[0], size[1], size[2], fields.choice("fit", FITS))
        except ModelFileError:
            raise
        except ChainruleError as error:
            raise ModelFileError(f"encoding: {error}") from error
        mean, deviation = fields.numbers("mean"), fields.numbers("deviation")
        fields.end()
        if not len(mean) == len(deviation) == form.channels or min(deviation) <= 0:
            raise ModelFileError("encoding: expected a mean and a deviation for each channel")
        return cls(form, mean, deviation)
