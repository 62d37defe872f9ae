"""The network of ``examples/fashion_mnist.py``, trained by chainrule and by PyTorch.

``python -m benchmarks.fashion_mnist folder --epochs 2`` gives both the same images, settings and
number of epochs, one after the other, and prints seconds and test accuracies. First weights, order
and mirrored images are each library's own.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.threads import cores, hold_threads

BATCH, RATE = 64, 2e-3


def chainrule_run(images: Any, epochs: int) -> float:
    """Train ours, and give the test accuracy."""
    from examples import fashion_mnist

    guess = fashion_mnist.train(images, epochs, BATCH).predict(images.X_test)
    return float((guess == images.y_test).mean())


def torch_run(images: Any, epochs: int, threads: int) -> float:
    """Train PyTorch's, in its faster order of memory, and give the test accuracy."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    network = nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Conv2d(64, 64, 3, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Dropout(0.4), nn.Linear(7 * 7 * 64, 10)),
    )
    for layer in network:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    layout = torch.channels_last
    network = network.to(memory_format=layout)
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE, fused=True)
    X, X_test = (torch.from_numpy(x).permute(0, 3, 1, 2) for x in (images.X, images.X_test))
    y = torch.from_numpy(images.y.astype("int64"))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs * -(-len(X) // BATCH))
    loss = nn.CrossEntropyLoss()
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(BATCH):
            turned = torch.rand(len(rows), 1, 1, 1) < 0.5
            x = torch.where(turned, X[rows].flip(3), X[rows]).contiguous(memory_format=layout)
            optimiser.zero_grad(set_to_none=True)
            loss(network(x), y[rows]).backward()
            optimiser.step()
            schedule.step()
    with torch.inference_mode():
        guess = torch.cat([network.eval()(x).argmax(1) for x in X_test.split(1000)])
    return float((guess.numpy() == images.y_test).mean())


def main(arguments: Sequence[str] | None = None) -> int:
    """Train both; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fashion_mnist", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=cores())
    chosen = parser.parse_args(arguments)
    hold_threads(chosen.threads)
    # Only now may a numerical library be loaded.
    from examples.fashion_mnist import read

    images = read(chosen.folder)
    runs = {
        "chainrule": lambda: chainrule_run(images, chosen.epochs),
        "torch": lambda: torch_run(images, chosen.epochs, chosen.threads),
    }
    for name, run in runs.items():
        begin = perf_counter()
        try:
            accuracy = run()
        except ModuleNotFoundError as error:
            print(f"{name}: not here ({error.name} is not installed)")
            continue
        seconds = perf_counter() - begin
        print(
            f"{name:<10}{chosen.epochs} epochs in {seconds:.1f} s, {seconds / chosen.epochs:.1f} s "
            f"per epoch, test accuracy {accuracy:.4f}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
