"""Two autoencoders of handwritten digits: one takes noise away, one invents new digits.

The 1,797 digits of 8 × 8 pixels come with scikit-learn::

    python examples/autoencoders.py --images docs/images

A *denoising* autoencoder (Vincent and others, 2008) is shown digits with noise, and learns to give
them without. A *variational* one (Kingma and Welling, 2014) learns to describe a digit by a few
numbers that are spread like a bell, so that drawing such numbers gives new digits. Both pictures
are written as PNG files; docs/examples.md shows them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_digits

import chainrule.numpy as cnp
from chainrule import losses, nn, optim, random, stop
from chainrule.train import Run, Trainer

SIDE = 8
PIXELS = SIDE * SIDE
NOISE = 0.4
LATENT = 8


def read_digits() -> tuple[Any, Any]:
    """Give the digits as float32 [n, PIXELS] between 0 and 1: 1,500 to learn from, 297 to test."""
    pixels = (load_digits().data / 16.0).astype(np.float32)
    mixed = np.random.default_rng(0).permutation(len(pixels))
    return pixels[mixed[:1500]], pixels[mixed[1500:]]


class Denoiser(nn.Module):
    """Add noise while training, and give the digit without it."""

    noise: nn.GaussianNoise
    body: nn.Module

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Score each pixel: the logarithm of its odds to be white."""
        return self.body(self.noise(x, key=key))


class Variational(nn.Module):
    """Describe a digit by the mean and the spread of a few numbers, and draw it from them."""

    describe: nn.Module
    draw: nn.Module

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Give, side by side, pixels, means and logarithms of variances.

        While training, the numbers are drawn around their means; for prediction they are the means.
        """
        found = self.describe(x)
        mean, logarithm = found[:, :LATENT], found[:, LATENT:]
        numbers = mean
        if key is not None:
            bell = random.normal(key, mean.shape, dtype=mean.dtype)
            numbers = mean + cnp.exp(0.5 * logarithm) * bell
        return cnp.concat([self.draw(numbers), mean, logarithm], axis=1)


@dataclass(frozen=True, kw_only=True)
class EvidenceBound(losses.Loss):
    """Minus the evidence lower bound: pixels told wrong, plus how far descriptions leave a bell.

    The Kullback-Leibler divergence of a normal distribution from the standard one is
    ``(mean² + variance - 1 - ln variance) / 2`` for each number (Kingma and Welling, 2014,
    appendix B).
    """

    def terms(self, predictions: Any, targets: Any) -> tuple[Any, Any]:
        """Give the bound of each example."""
        pixels, mean = predictions[:, :PIXELS], predictions[:, PIXELS : PIXELS + LATENT]
        logarithm = predictions[:, PIXELS + LATENT :]
        wrong = cnp.sum(cnp.softplus(pixels) - targets * pixels, axis=1)
        far = 0.5 * cnp.sum(mean**2 + cnp.exp(logarithm) - 1 - logarithm, axis=1)
        return wrong + far, None

    def prepare(self, targets: Any, outputs: Any) -> Any:
        """Give pixels as floats; they have fewer columns than the network's outputs."""
        return np.asarray(targets, np.float32)


def learn(network: nn.Module, loss: losses.Loss, x: Any, epochs: int) -> Run:
    """Train a network to give back what it is shown."""
    steps = epochs * -(-len(x) // 64)
    trainer = Trainer(
        network,
        loss,
        optim.AdamW(optim.Cosine(3e-3, steps), weight_decay=1e-3),
        stop=stop.Epochs(epochs),
        batch_size=64,
        metric=None,
    )
    return trainer.fit(x, x)


def sheet(rows: Sequence[Any], path: Path) -> None:
    """Write rows of digits as a picture, enlarged, dark on light."""
    from PIL import Image

    scale, gap = 5, 1
    cells = [[np.clip(each, 0, 1).reshape(SIDE, SIDE) for each in row] for row in rows]
    framed = [[np.pad(cell, gap) for cell in row] for row in cells]
    whole = np.concatenate([np.concatenate(row, axis=1) for row in framed])
    pixels = np.kron(255 - np.rint(255 * whole), np.ones((scale, scale))).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, optimize=True)


def sigmoid(x: Any) -> Any:
    """Give the probability that belongs to the logarithm of odds."""
    return 1 / (1 + np.exp(-x))


def denoising(x: Any, test: Any, epochs: int, folder: Path) -> dict[str, float]:
    """Train the denoiser; give root mean square errors of pixels, and write the picture."""
    network = Denoiser(nn.GaussianNoise(NOISE), nn.MLP((256, 64, 256), PIXELS, activation="gelu"))
    run = learn(network, losses.BinaryCrossEntropy(), x, epochs)
    noise = np.random.default_rng(1).normal(0, NOISE, test.shape)
    noisy = (test + noise).astype(np.float32)
    clean = sigmoid(run.outputs(noisy))
    blurred = blur(noisy)
    sheet([test[:18], noisy[:18], clean[:18]], folder / "digits-denoised.png")
    return {
        "noisy": rms(noisy - test),
        "blurred": rms(blurred - test),
        "denoised": rms(clean - test),
    }


def blur(x: Any) -> Any:
    """Take the noise away as one would without learning: a mean over neighbours.

    Weights 1, 2, 1 along both axes: of a few such filters, the one with the least error here.
    """
    square = np.pad(x.reshape(-1, SIDE, SIDE), ((0, 0), (1, 1), (1, 1)), mode="edge")
    along = (square[:, :-2] + 2 * square[:, 1:-1] + square[:, 2:]) / 4
    both = (along[:, :, :-2] + 2 * along[:, :, 1:-1] + along[:, :, 2:]) / 4
    return both.reshape(len(x), PIXELS)


def rms(x: Any) -> float:
    """Give the root of the mean of squares."""
    return float(np.sqrt(np.mean(np.square(x))))


def inventing(x: Any, test: Any, epochs: int, folder: Path) -> dict[str, float]:
    """Train the variational autoencoder; give its bound, and write digits that it draws."""
    network = Variational(
        nn.MLP((256, 128), 2 * LATENT, activation="gelu"),
        nn.MLP((128, 256), PIXELS, activation="gelu"),
    )
    run = learn(network, EvidenceBound(), x, epochs)
    bound = run.evaluate(test, test)["loss"]
    # Without a description, each pixel would be told by its mean over the digits.
    share = np.clip(x.mean(axis=0), 1e-3, 1 - 1e-3)
    alone = -(test * np.log(share) + (1 - test) * np.log(1 - share)).sum(axis=1).mean()
    known = sigmoid(run.outputs(test)[:, :PIXELS])
    learnt: Any = run.network
    bell = np.random.default_rng(2).normal(size=(36, LATENT)).astype(np.float32)
    new = sigmoid(np.asarray(learnt.draw(bell)))
    sheet([test[:18], known[:18], new[:18], new[18:]], folder / "digits-invented.png")
    return {"bound": bound, "pixels alone": float(alone), "known again": rms(known - test)}


def main(arguments: Sequence[str] | None = None) -> dict[str, dict[str, float]]:
    """Train both, write their pictures, and print how well they do."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, default=Path("."), help="where pictures go")
    parser.add_argument("--epochs", type=int, default=150)
    chosen = parser.parse_args(arguments)
    x, test = read_digits()
    found = {}
    table = Table(title=f"{len(x):,} digits learnt, {len(test)} tested", title_justify="left")
    for title in ("", "measure", "value"):
        table.add_column(title, justify="right" if title == "value" else "left")
    for name, make in (("denoising", denoising), ("variational", inventing)):
        began = perf_counter()
        found[name] = make(x, test, chosen.epochs, chosen.images)
        for measure, value in found[name].items():
            table.add_row(name, measure, f"{value:.4g}")
        table.add_row(name, "seconds", f"{perf_counter() - began:.1f}")
    Console().print(table)
    return found


if __name__ == "__main__":
    main()
