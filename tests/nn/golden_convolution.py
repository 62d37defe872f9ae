"""Makes golden_convolution.json: layers over places and all their gradients by PyTorch, float64.

Run it where PyTorch is installed: ``python -m tests.nn.golden_convolution``. Inputs and weights
are waves, so that they need not be stored; arrays are ours, channels last.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

PLACE = Path(__file__).with_suffix(".json")


@dataclass(frozen=True)
class Case:
    """One layer and its input.

    Attributes
    ----------
    layer, options
        Our class and its settings.
    shape
        Of the input, channels last.
    theirs
        ``f(torch.nn.functional, x, weights, biases)``, channels second.
    """

    layer: str
    options: dict[str, Any]
    shape: tuple[int, ...]
    theirs: Callable[..., Any]

    def __str__(self) -> str:
        shown = ",".join(f"{k}={v}" for k, v in self.options.items()).replace(" ", "")
        return f"{self.layer}({shown}) of {'x'.join(map(str, self.shape))}"


def wave(shape: tuple[int, ...], speed: float) -> np.ndarray[Any, Any]:
    """Numbers between -1 and 1 without a pattern, and no two of them equal."""
    return np.sin(speed * np.arange(1, np.prod(shape) + 1)).reshape(shape)


def _conv(layer: str, shape: tuple[int, ...], **options: Any) -> Case:
    rank = len(shape) - 2
    theirs = {k: v for k, v in options.items() if k in ("stride", "padding", "dilation", "groups")}
    name = f"conv{rank}d"

    def run(f: Any, x: Any, weights: list[Any], bias: Any) -> Any:
        return getattr(f, name)(x, weights[0], bias, **theirs)

    return Case(layer, options, shape, run)


def _transposed(layer: str, shape: tuple[int, ...], **options: Any) -> Case:
    rank = len(shape) - 2
    names = ("stride", "padding", "dilation", "output_padding")
    theirs = {k: v for k, v in options.items() if k in names}
    name = f"conv_transpose{rank}d"

    def run(f: Any, x: Any, weights: list[Any], bias: Any) -> Any:
        return getattr(f, name)(x, weights[0].transpose(0, 1), bias, **theirs)

    return Case(layer, options, shape, run)


def _pool(layer: str, name: str, shape: tuple[int, ...], **options: Any) -> Case:
    theirs = {k: v for k, v in options.items() if k in ("stride", "padding")}
    if "count_padding" in options or (name.startswith("avg") and "padding" in options):
        theirs["count_include_pad"] = options.get("count_padding", False)
    size = options["size"]
    return Case(layer, options, shape, lambda f, x, w, b: getattr(f, name)(x, size, **theirs))


def _depthwise(f: Any, x: Any, weights: list[Any], bias: Any) -> Any:
    return f.conv2d(x, weights[0], bias, stride=2, padding=1, groups=x.shape[1])


def _separable(f: Any, x: Any, weights: list[Any], bias: Any) -> Any:
    return f.conv2d(f.conv2d(x, weights[0], groups=x.shape[1]), weights[1], bias)


CASES = (
    _conv("Conv1D", (2, 7, 2), filters=3, kernel_size=3),
    _conv("Conv1D", (2, 8, 2), filters=2, kernel_size=4, padding="same", dilation=2),
    _conv("Conv1D", (1, 9, 4), filters=4, kernel_size=2, stride=3, padding=1, groups=2),
    _conv("Conv2D", (2, 5, 6, 2), filters=3, kernel_size=3),
    _conv("Conv2D", (1, 5, 5, 2), filters=2, kernel_size=3, padding="same"),
    _conv("Conv2D", (1, 4, 5, 2), filters=2, kernel_size=(2, 4), padding="same"),
    _conv("Conv2D", (2, 6, 6, 1), filters=2, kernel_size=3, stride=2, padding=1),
    _conv("Conv2D", (1, 7, 7, 2), filters=2, kernel_size=3, padding=2, dilation=2),
    _conv("Conv2D", (1, 7, 6, 2), filters=2, kernel_size=(3, 2), stride=(2, 1), dilation=(1, 3)),
    _conv("Conv2D", (1, 7, 7, 2), filters=2, kernel_size=3, stride=2, padding=(2, 1), dilation=2),
    _conv("Conv2D", (1, 5, 5, 4), filters=6, kernel_size=3, groups=2),
    _conv("Conv2D", (1, 6, 5, 4), filters=4, kernel_size=2, groups=2, stride=2, dilation=2),
    _conv("Conv2D", (1, 5, 5, 3), filters=6, kernel_size=3, padding=1, groups=3),
    _conv("Conv2D", (2, 3, 3, 3), filters=4, kernel_size=1),
    _conv("Conv2D", (2, 4, 5, 2), filters=3, kernel_size=1, stride=2, use_bias=False),
    _conv("Conv3D", (1, 4, 4, 3, 2), filters=2, kernel_size=2),
    _conv("Conv3D", (1, 3, 4, 4, 2), filters=2, kernel_size=3, stride=2, padding=1, groups=2),
    Case(
        "DepthwiseConv2D",
        {"kernel_size": 3, "multiplier": 2, "stride": 2, "padding": 1},
        (1, 5, 6, 2),
        _depthwise,
    ),
    Case("SeparableConv2D", {"filters": 4, "kernel_size": 2}, (1, 4, 4, 2), _separable),
    _transposed("ConvTranspose1D", (2, 4, 2), filters=3, kernel_size=3, stride=2),
    _transposed("ConvTranspose2D", (1, 3, 3, 2), filters=2, kernel_size=3),
    _transposed("ConvTranspose2D", (1, 3, 2, 2), filters=2, kernel_size=3, stride=2, padding=1),
    _transposed(
        "ConvTranspose2D",
        (1, 2, 3, 2),
        filters=2,
        kernel_size=(3, 2),
        stride=(2, 3),
        padding=(1, 0),
        output_padding=(1, 2),
    ),
    _transposed("ConvTranspose2D", (1, 3, 3, 1), filters=2, kernel_size=2, stride=3, dilation=2),
    _transposed("ConvTranspose3D", (1, 2, 2, 2, 1), filters=2, kernel_size=2, stride=2),
    _pool("MaxPool1D", "max_pool1d", (2, 7, 2), size=2),
    _pool("MaxPool2D", "max_pool2d", (1, 6, 5, 2), size=2),
    _pool("MaxPool2D", "max_pool2d", (1, 6, 6, 2), size=3, stride=2, padding=1),
    _pool("MaxPool2D", "max_pool2d", (1, 5, 5, 2), size=3, stride=1),
    _pool("MaxPool3D", "max_pool3d", (1, 4, 4, 4, 1), size=2),
    _pool("AveragePool1D", "avg_pool1d", (2, 7, 2), size=3, stride=2),
    _pool("AveragePool2D", "avg_pool2d", (1, 6, 5, 2), size=2),
    _pool("AveragePool2D", "avg_pool2d", (1, 5, 5, 2), size=3, stride=2, padding=1),
    _pool(
        "AveragePool2D", "avg_pool2d", (1, 5, 5, 2), size=2, stride=2, padding=1, count_padding=True
    ),
    _pool("AveragePool3D", "avg_pool3d", (1, 4, 4, 4, 1), size=2),
    _pool("AdaptiveMaxPool2D", "adaptive_max_pool2d", (1, 7, 6, 2), size=(3, 2)),
    _pool("AdaptiveAveragePool1D", "adaptive_avg_pool1d", (1, 5, 2), size=8),
    _pool("AdaptiveAveragePool2D", "adaptive_avg_pool2d", (1, 7, 6, 2), size=(3, 4)),
    Case("UpSample", {"factor": 2}, (1, 3, 2, 2), lambda f, x, w, b: f.interpolate(x, None, 2)),
    Case(
        "UpSample",
        {"factor": (2, 3), "mode": "linear"},
        (1, 3, 4, 2),
        lambda f, x, w, b: f.interpolate(x, None, (2, 3), "bilinear"),
    ),
)


def front(x: Any) -> Any:
    """Channels last to channels second."""
    return np.moveaxis(x, -1, 1)


def back(x: Any) -> Any:
    """Channels second to channels last."""
    return np.moveaxis(x, 1, -1)


def weight_shapes(case: Case) -> list[tuple[int, ...]]:
    """Shapes of our weights, (*size, channels, filters), in their order."""
    options, rank = case.options, len(case.shape) - 2
    if "kernel_size" not in options:
        return []
    size = options["kernel_size"]
    sizes = (size,) * rank if isinstance(size, int) else size
    channels, filters = case.shape[-1], options.get("filters")
    if case.layer == "DepthwiseConv2D":
        return [(*sizes, 1, channels * options["multiplier"])]
    if case.layer == "SeparableConv2D":
        return [(*sizes, 1, channels), (1, 1, channels, filters)]
    return [(*sizes, channels // options.get("groups", 1), filters)]


def has_bias(case: Case) -> bool:
    """Whether a layer adds a bias."""
    return "kernel_size" in case.options and case.options.get("use_bias", True)


def _numbers(x: Any) -> list[float]:
    """All entries, with enough digits for a comparison to 1e-10."""
    return [float(f"{n:.13g}") for n in np.asarray(x).ravel()]


def main() -> None:
    """Write the file."""
    import torch

    found = {}
    for case in CASES:
        x = torch.tensor(front(wave(case.shape, 0.7)).copy(), requires_grad=True)
        weights = []
        for i, shape in enumerate(weight_shapes(case)):
            ours = wave(shape, 1.3 + i)
            rank = len(shape) - 2
            theirs = np.transpose(ours, (rank + 1, rank, *range(rank))).copy()
            weights.append(torch.tensor(theirs, requires_grad=True))
        bias = None
        if has_bias(case):
            bias = torch.tensor(wave((weights[-1].shape[0],), 2.1), requires_grad=True)
        y = case.theirs(torch.nn.functional, x, weights, bias)
        value = back(y.detach().numpy())
        y.backward(torch.tensor(front(wave(value.shape, 0.3)).copy()))
        gradients = [_numbers(back(x.grad.numpy()))]
        for w in weights:
            gradients.append(_numbers(np.transpose(w.grad.numpy(), (*range(2, w.ndim), 1, 0))))
        if bias is not None:
            gradients.append(_numbers(bias.grad.numpy()))
        found[str(case)] = {"shape": value.shape, "value": _numbers(value), "gradients": gradients}
    lines = [f"{json.dumps(name)}: {json.dumps(said)}" for name, said in found.items()]
    source = json.dumps(f"PyTorch {torch.__version__}")
    text = f'{{"source": {source},\n"layers": {{\n' + ",\n".join(lines) + "\n}}\n"
    PLACE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
