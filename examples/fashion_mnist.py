"""Fashion-MNIST: photographs of clothes, told apart by a small convolutional network.

70,000 grey images of 28 x 28 pixels in ten classes (Xiao, Rasul and Vollgraf, 2017). Debian's
package ``dataset-fashion-mnist`` installs them; elsewhere give the folder that holds its four
``idx`` files::

    python examples/fashion_mnist.py --epochs 15
    python examples/fashion_mnist.py path/to/folder

Three small networks are trained on nine tenths of the training images; the one that is best on the
other tenth is then trained on all of them, and sees the test images once, at the end.

`docs/convolution.md` tells what comes out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from chainrule import augment, losses, nn, optim, stop
from chainrule.data import split
from chainrule.data.images import read_idx
from chainrule.errors import DataError
from chainrule.train import Run, Trainer

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
CLASSES = (
    *("T-shirt", "trousers", "pullover", "dress", "coat"),
    *("sandal", "shirt", "trainers", "bag", "boot"),
)


@dataclass(frozen=True)
class Images:
    """Images of the training part and of the test part.

    Attributes
    ----------
    X, X_test
        Floats (images, height, width, 1); pixels of the training part have mean 0, deviation 1.
    y, y_test
        Their classes, int32 (images,).
    """

    X: Any
    y: Any
    X_test: Any
    y_test: Any


def read(folder: Path) -> Images:
    """Read the four files of a folder, packed or not."""
    found = []
    for part in ("train", "t10k"):
        for kind, axes in (("images", 3), ("labels", 1)):
            name = f"{part}-{kind}-idx{axes}-ubyte"
            places = [folder / f"{name}.gz", folder / name]
            place = next((p for p in places if p.is_file()), None)
            if place is None:
                raise DataError(
                    f"there is no {name}.gz in {str(folder)!r}: name the folder with the files of "
                    "Fashion-MNIST, or install Debian's package dataset-fashion-mnist"
                )
            found.append(read_idx(place))
    X, y, X_test, y_test = found
    mean, deviation = X.mean(dtype="float64"), X.std(dtype="float64")
    X, X_test = (
        (x[..., None].astype("float32") - np.float32(mean)) / np.float32(deviation)
        for x in (X, X_test)
    )
    return Images(X, y.astype("int32"), X_test, y_test.astype("int32"))


def _filters(count: int) -> nn.Module:
    return nn.Conv2D(count, 3, padding="same", initial=nn.initialisers.HeUniform())


def _hidden(units: int) -> nn.Module:
    return nn.Dense(units, initial=nn.initialisers.HeUniform())


def two_and_dense() -> nn.Module:
    """Make a network of two convolutions, halved by pooling, and a hidden dense layer."""
    return nn.Sequential(
        *(_filters(16), nn.MaxPool2D(), nn.ReLU()),
        *(_filters(32), nn.MaxPool2D(), nn.ReLU()),
        nn.Flatten(),
        *(nn.Dropout(0.4), _hidden(64), nn.ReLU()),
        nn.Dense(len(CLASSES)),
    )


def three() -> nn.Module:
    """Make a network of three convolutions, two of them halved by pooling."""
    return nn.Sequential(
        *(_filters(32), nn.MaxPool2D(), nn.ReLU()),
        *(_filters(64), nn.MaxPool2D(), nn.ReLU()),
        *(_filters(64), nn.ReLU()),
        nn.Flatten(),
        nn.Dropout(0.4),
        nn.Dense(len(CLASSES)),
    )


def four_averaged() -> nn.Module:
    """Make a network of four convolutions whose last maps are averaged over their pixels."""
    return nn.Sequential(
        *(_filters(32), nn.MaxPool2D(), nn.ReLU()),
        *(_filters(64), nn.MaxPool2D(), nn.ReLU()),
        *(_filters(64), nn.ReLU()),
        *(_filters(128), nn.ReLU()),
        nn.GlobalAveragePool(),
        nn.Dropout(0.2),
        nn.Dense(len(CLASSES)),
    )


NETWORKS: Mapping[str, Callable[[], nn.Module]] = MappingProxyType(
    {"two-and-dense": two_and_dense, "three": three, "four-averaged": four_averaged}
)
"""Networks of fewer than 150,000 parameters, of which `choose` takes one."""


def choose(images: Images, epochs: int, seed: int = 0) -> dict[str, float]:
    """Train each of `NETWORKS` on nine tenths of the training images; test images play no part.

    Returns
    -------
    For each network its accuracy on the other tenth, in which each class has its share.
    """
    parts = split(images.y, test=0.0, validation=0.1, seed=seed)
    held = parts.validation
    learnt = replace(images, X=images.X[parts.train], y=images.y[parts.train])
    scores = {}
    for name, network in NETWORKS.items():
        run = train(learnt, epochs, seed=seed, network=network())
        scores[name] = float((run.predict(images.X[held]) == images.y[held]).mean())
    return scores


def train(
    images: Images,
    epochs: int,
    batch_size: int = 64,
    seed: int = 0,
    network: nn.Module | None = None,
) -> Run:
    """Train a network, `three` if none is given, with Adam, at a rate that falls along a cosine.

    Half of the images are mirrored, others at each step.
    """
    steps = epochs * -(-len(images.X) // batch_size)
    trainer = Trainer(
        network or three(),
        losses.CrossEntropy(),
        optim.Adam(optim.Cosine(2e-3, steps)),
        batch_size=batch_size,
        stop=stop.Epochs(epochs),
        augment=augment.Flip(),
        seed=seed,
    )
    return trainer.fit(images.X, images.y)


def confusion(truth: Any, guess: Any) -> Any:
    """Count, for each true class (row), the guesses (columns)."""
    counts = np.zeros((len(CLASSES), len(CLASSES)), int)
    np.add.at(counts, (truth, guess), 1)
    return counts


def main(arguments: Sequence[str] | None = None) -> float:
    """Train, and print how well the test images are told apart; return the accuracy."""
    parser = argparse.ArgumentParser(description="Tell photographs of clothes apart.")
    parser.add_argument("folder", nargs="?", type=Path, default=DEBIAN)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--network", choices=[*NETWORKS], help="do not choose, take this one")
    parser.add_argument("--choose-epochs", type=int, default=3, help="epochs of each candidate")
    parser.add_argument("--seed", type=int, default=0)
    settings = parser.parse_args(arguments)
    images = read(settings.folder)
    console = Console()
    name = settings.network
    if name is None:
        scores = choose(images, settings.choose_epochs, settings.seed)
        for candidate, score in scores.items():
            console.print(f"{candidate}: {score:.4f} of the training images held out")
        name = max(scores, key=lambda each: scores[each])
    console.print(f"network {name!r}, on all training images:")
    begin = perf_counter()
    run = train(images, settings.epochs, seed=settings.seed, network=NETWORKS[name]())
    seconds = perf_counter() - begin
    guess = np.asarray(run.predict(images.X_test))
    accuracy = float((guess == images.y_test).mean())
    counts = confusion(images.y_test, guess)
    table = Table("class", "found", "precision", "taken for")
    for i, name in enumerate(CLASSES):
        others = counts[i] * (np.arange(len(CLASSES)) != i)
        found, right = counts[i, i] / max(counts[i].sum(), 1), counts[i, i]
        precision = right / max(counts[:, i].sum(), 1)
        worst = CLASSES[int(others.argmax())] if others.any() else "nothing else"
        table.add_row(name, f"{found:.3f}", f"{precision:.3f}", worst)
    console.print(table)
    console.print(
        f"{nn.count_parameters(run.network):,} parameters, {settings.epochs} epochs in "
        f"{seconds:.0f} s: test accuracy {accuracy:.4f}"
    )
    return accuracy


if __name__ == "__main__":
    main()
