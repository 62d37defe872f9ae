"""Training steps of a convolutional network, beside PyTorch and JAX, in one process and one run.

``python -m benchmarks.convolution`` trains on images of 28 x 28 (32 and 64 filters of 3 x 3, each
halved by pooling, 128 dense units, 10 classes, batch 64, Adam, float32) from the same first
weights, library after library in turns. It prints time per step, the ratio to ours, and the loss of
the tenth step, which has to agree. PyTorch runs in eager mode, in both orders of memory.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from benchmarks.threads import cores, hold_threads

SIZE, CLASSES, BATCH, ROWS, RATE = 28, 10, 64, 640, 1e-3
STEPS = ROWS // BATCH
SHAPES = ((3, 3, 1, 32), (3, 3, 32, 64), (7 * 7 * 64, 128), (128, CLASSES))
Train = Callable[[], float]
"""Train one round of steps, and give the loss of the last one."""


def data() -> tuple[Any, Any]:
    """Make images and their classes: noise with a bright bar whose place is the class."""
    import numpy as np

    random = np.random.default_rng(0)
    y = random.integers(0, CLASSES, ROWS).astype(np.int32)
    x = random.standard_normal((ROWS, SIZE, SIZE, 1)).astype(np.float32)
    for image, label in zip(x, y, strict=True):
        image[2 * label + 4 : 2 * label + 6] += 1
    return x, y


def parameters() -> list[tuple[Any, Any]]:
    """Draw the first weights as He does, with biases of zero; kernels are ours."""
    import numpy as np

    random = np.random.default_rng(1)
    found = []
    for shape in SHAPES:
        deviation = (2 / np.prod(shape[:-1])) ** 0.5
        weight = (random.standard_normal(shape) * deviation).astype(np.float32)
        found.append((weight, np.zeros(shape[-1], np.float32)))
    return found


def chainrule_steps(threads: int) -> Train:
    """Steps of ours: a round of them is one native call."""
    import numpy as np

    import chainrule as cr
    import chainrule.numpy as cnp
    from chainrule import losses, optim
    from chainrule.execute import loop

    loss, adam = losses.CrossEntropy(), optim.Adam(RATE)

    def network(weights: Any, x: Any) -> Any:
        for kernel, bias in weights[:2]:
            x = cnp.max_pool(cnp.relu(cnp.conv(x, kernel, padding="same") + bias))
        x = cnp.reshape(x, (x.shape[0], SHAPES[2][0]))
        x = cnp.relu(x @ weights[2][0] + weights[2][1])
        return x @ weights[3][0] + weights[3][1]

    def step(carry: Any, table: Any, rows: Any, number: Any) -> Any:
        weights, memory = carry
        x, y = (cnp.take(column, rows) for column in table)
        value, gradients = cr.value_and_grad(lambda w: loss(network(w, x), y))(weights)
        weights, memory = adam.update(gradients, memory, weights, number)
        return (weights, memory), value

    weights = parameters()
    carry = (weights, adam.initial(weights))
    session = loop(step, carry, data(), batch_size=BATCH, workers=threads).start(carry, data())
    order = np.arange(ROWS, dtype=np.int32)
    done = 0

    def train() -> float:
        nonlocal done
        values = session.run(order, done)
        done += STEPS
        return float(values[-1])

    return train


def torch_steps(threads: int, *, channels_last: bool = False) -> Train:
    """Steps of PyTorch in eager mode, with its fused optimiser."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    network = nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(SHAPES[2][0], 128), nn.ReLU(), nn.Linear(128, CLASSES)),
    )
    layers = [each for each in network if hasattr(each, "weight")]
    with torch.no_grad():
        for layer, (weight, bias) in zip(layers, parameters(), strict=True):
            if weight.ndim == 4:
                weight = weight.transpose(3, 2, 0, 1)
            elif len(weight) == SHAPES[2][0]:  # its Flatten has channels in front
                weight = weight.reshape(7, 7, 64, 128).transpose(3, 2, 0, 1).reshape(128, -1)
            else:
                weight = weight.T
            layer.weight.copy_(torch.from_numpy(weight.copy()))
            layer.bias.copy_(torch.from_numpy(bias))
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = network.to(memory_format=layout)
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE, fused=True)
    x, y = data()
    images = torch.from_numpy(x.transpose(0, 3, 1, 2).copy()).contiguous(memory_format=layout)
    labels = torch.from_numpy(y.astype("int64"))
    loss = nn.CrossEntropyLoss()

    def train() -> float:
        for begin in range(0, ROWS, BATCH):
            optimiser.zero_grad(set_to_none=True)
            value = loss(network(images[begin : begin + BATCH]), labels[begin : begin + BATCH])
            value.backward()
            optimiser.step()
        return float(value.detach())

    return train


def jax_steps(threads: int) -> Train:
    """Steps of JAX, each one compiled call.

    A whole round in one call, by ``lax.scan``, takes 30 times as long: XLA leaves its fast
    convolutions out of loops.
    """
    import jax
    import jax.numpy as jnp

    def network(weights: Any, x: Any) -> Any:
        for kernel, bias in weights[:2]:
            numbers = ("NHWC", "HWIO", "NHWC")
            x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=numbers)
            x = jax.nn.relu(x + bias)
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        x = jax.nn.relu(x.reshape(len(x), -1) @ weights[2][0] + weights[2][1])
        return x @ weights[3][0] + weights[3][1]

    def loss(weights: Any, x: Any, y: Any) -> Any:
        scores = jax.nn.log_softmax(network(weights, x))
        return -jnp.mean(jnp.take_along_axis(scores, y[:, None], axis=1))

    def step(state: Any, batch: Any) -> Any:
        weights, mean, squares, number = state
        value, gradients = jax.value_and_grad(loss)(weights, *batch)
        number = number + 1
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradients)
        squares = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, squares, gradients)
        rate, correction = RATE / (1 - 0.9**number), jnp.sqrt(1 - 0.999**number)
        weights = jax.tree.map(
            lambda w, m, v: w - rate * m / (jnp.sqrt(v) / correction + 1e-8),
            weights,
            mean,
            squares,
        )
        return (weights, mean, squares, number), value

    run = jax.jit(step, donate_argnums=0)
    weights = jax.tree.map(jnp.asarray, parameters())
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = (weights, zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros(()))
    x, y = (jnp.split(jnp.asarray(column), STEPS) for column in data())

    def train() -> float:
        nonlocal state
        for batch in zip(x, y, strict=True):
            state, value = run(state, batch)
        return float(value)

    return train


LIBRARIES: dict[str, Callable[[int], Train]] = {
    "chainrule": chainrule_steps,
    "torch": torch_steps,
    "torch, channels last": lambda threads: torch_steps(threads, channels_last=True),
    "jax": jax_steps,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Time what the arguments ask for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.convolution", description=__doc__)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--rounds", type=int, default=10, help="timings of each library")
    chosen = parser.parse_args(arguments)
    hold_threads(chosen.threads)
    # Only now may a numerical library be loaded.
    from benchmarks.clock import Stopwatch
    from benchmarks.threads import using

    libraries = {}
    for name, prepare in LIBRARIES.items():
        try:
            libraries[name] = prepare(chosen.threads)
        except ModuleNotFoundError as error:
            print(f"{name}: not here ({error.name} is not installed)")
    times: dict[str, list[float]] = {name: [] for name in libraries}
    losses = {}
    for number in range(chosen.rounds + 1):
        for name, train in libraries.items():
            with using(chosen.threads), Stopwatch() as watch:
                loss = train()
            losses.setdefault(name, loss)
            if number:  # the first round warms up
                times[name].append(watch.lap.seconds / STEPS)
    print(f"{chosen.threads} threads, {chosen.rounds} rounds of {STEPS} steps of {BATCH} images")
    ours = median(times["chainrule"])
    for name, seconds in times.items():
        best, middle = min(seconds), median(seconds)
        print(
            f"{name:<21}{1e3 * best:8.2f} ms at best,{1e3 * middle:8.2f} ms in the median, "
            f"{middle / ours:5.2f} x ours, loss {losses[name]:.6f}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
