"""Training steps of recurrent networks, beside PyTorch and JAX, in one process and one run.

``python -m benchmarks.recurrent`` trains an LSTM and a GRU (input 32, 128 units, 50 steps, batch
64, Adam, float32) on the same rows from the same first weights, and prints time per step, the
ratio to each peer, and the loss of each afterwards, which has to agree. ``--profile`` prints where
our own time goes.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

import chainrule as cr
import chainrule.numpy as cnp
from chainrule import losses, nn, optim
from chainrule.execute import loop
from chainrule.execute.native.run import LoopKey, NativeLoop
from chainrule.tracing import flatten

FEATURES, UNITS, TIME, BATCH, CLASSES, ROWS = 32, 128, 50, 64, 10, 256
RATE = 1e-3
Train = Callable[[int], float]
"""Train a number of steps, and give the loss of the last one."""


def _data() -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    x = random.standard_normal((ROWS, TIME, FEATURES)).astype(np.float32)
    return x, random.integers(0, CLASSES, ROWS).astype(np.int32)


def _network(kind: str) -> Any:
    recurrent = {"lstm": nn.LSTM, "gru": nn.GRU}[kind](UNITS, returns="last")
    body = nn.Sequential(recurrent, nn.Dense(CLASSES))
    return body.initialise(0, cr.ArrayType((1, TIME, FEATURES)))


def _ours(kind: str, threads: int) -> tuple[Any, tuple[Any, ...], Any]:
    """Our step as a loop, with what it begins with and what it reads."""
    network, loss, adam = _network(kind), losses.CrossEntropy(), optim.Adam(RATE)

    def step(carry: Any, data: Any, rows: Any, number: Any) -> Any:
        parameters, memory = carry
        x, y = (cnp.take(column, rows, axis=0) for column in data)

        def objective(parameters: Any) -> Any:
            return loss(network.with_arrays(parameters)(x), y)

        value, gradients = cr.value_and_grad(objective)(parameters)
        parameters, memory = adam.update(gradients, memory, parameters, number)
        return (parameters, memory), value

    arrays = network.arrays()
    carry = (arrays, adam.initial(arrays))
    return loop(step, carry, _data(), batch_size=BATCH, workers=threads), carry, step


def chainrule_step(kind: str, threads: int) -> Train:
    """Steps of ours, as many in one native call as are asked for."""
    traced, carry, _ = _ours(kind, threads)
    session = traced.start(carry, _data())
    done = 0

    def train(steps: int) -> float:
        nonlocal done
        order = np.arange(done * BATCH, (done + steps) * BATCH, dtype=np.int32) % ROWS
        values = session.run(order, done)
        done += steps
        return float(values[-1])

    return train


def torch_step(kind: str, threads: int) -> Train:
    """PyTorch in eager mode with the fused optimiser."""
    import torch

    torch.set_num_threads(threads)
    arrays = _network(kind).arrays()
    layer = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind](FEATURES, UNITS, batch_first=True)
    head = torch.nn.Linear(UNITS, CLASSES)
    with torch.no_grad():
        for name, path in (("weight_ih_l0", "input"), ("weight_hh_l0", "recurrent")):
            weight = arrays[f"layers[0].cells[0].{path}_weight"]
            getattr(layer, name).copy_(torch.from_numpy(weight.T.copy()))
        layer.bias_ih_l0.copy_(torch.from_numpy(arrays["layers[0].cells[0].bias"]))
        layer.bias_hh_l0.zero_()
        head.weight.copy_(torch.from_numpy(arrays["layers[1].weight"].T.copy()))
        head.bias.zero_()
    # Of PyTorch's two biases, only what ours has learns: of a GRU's second one, the last part.
    still = kind == "lstm"
    layer.bias_hh_l0.requires_grad_(not still)
    parameters = [p for p in (*layer.parameters(), *head.parameters()) if p.requires_grad]
    optimiser = torch.optim.Adam(parameters, lr=RATE, fused=True)
    x, y = _data()
    x, y = torch.from_numpy(x), torch.from_numpy(y.astype(np.int64))
    done = 0

    def train(steps: int) -> float:
        nonlocal done
        for number in range(done, done + steps):
            rows = torch.arange(number * BATCH, (number + 1) * BATCH) % ROWS
            optimiser.zero_grad(set_to_none=True)
            output = head(layer(x[rows])[0][:, -1])
            value = torch.nn.functional.cross_entropy(output, y[rows])
            value.backward()
            if not still:
                layer.bias_hh_l0.grad[: 2 * UNITS] = 0
            optimiser.step()
        done += steps
        return float(value)

    return train


def jax_step(kind: str, threads: int) -> Train:
    """JAX: one compiled call for all steps, with ``lax.scan`` over steps and over time."""
    import jax
    import jax.numpy as jnp

    arrays = {k: jnp.asarray(a) for k, a in _network(kind).arrays().items()}
    x, y = map(jnp.asarray, _data())
    first = "layers[0].cells[0]."

    def output(p: Any, x: Any) -> Any:
        z = jnp.swapaxes(x, 0, 1) @ p[first + "input_weight"] + p[first + "bias"]
        weight = p[first + "recurrent_weight"]

        def lstm(state: Any, z: Any) -> Any:
            h, c = state
            i, f, g, o = jnp.split(z + h @ weight, 4, axis=-1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        def gru(h: Any, z: Any) -> Any:
            r, u, n = jnp.split(z, 3, axis=-1)
            r_h, u_h, n_h = jnp.split(h @ weight, 3, axis=-1)
            r, u = jax.nn.sigmoid(r + r_h), jax.nn.sigmoid(u + u_h)
            n = jnp.tanh(n + r * (n_h + p[first + "recurrent_bias"]))
            return n + u * (h - n), None

        zeros = jnp.zeros((x.shape[0], UNITS), x.dtype)
        if kind == "lstm":
            h = jax.lax.scan(lstm, (zeros, zeros), z)[0][0]
        else:
            h = jax.lax.scan(gru, zeros, z)[0]
        return h @ p["layers[1].weight"] + p["layers[1].bias"]

    def loss(p: Any, x: Any, y: Any) -> Any:
        scores = jax.nn.log_softmax(output(p, x))
        return -jnp.mean(jnp.take_along_axis(scores, y[:, None], axis=1))

    def step(state: Any, rows: Any) -> Any:
        p, m, v, number = state
        value, g = jax.value_and_grad(loss)(p, x[rows], y[rows])
        number = number + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        scale = jnp.sqrt(1 - 0.999**number) / (1 - 0.9**number)
        p = jax.tree.map(lambda p, m, v: p - RATE * scale * m / (jnp.sqrt(v) + 1e-8), p, m, v)
        return (p, m, v, number), value

    block = jax.jit(partial(jax.lax.scan, step))
    zeros = jax.tree.map(jnp.zeros_like, arrays)
    state: Any = (arrays, zeros, zeros, jnp.zeros(()))
    done = 0

    def train(steps: int) -> float:
        nonlocal state, done
        order = jnp.arange(done * BATCH, (done + steps) * BATCH).reshape(steps, BATCH) % ROWS
        state, values = jax.block_until_ready(block(state, order))
        done += steps
        return float(values[-1])

    return train


def _timed(train: Train, steps: int, rounds: int) -> Iterator[float]:
    for _ in range(rounds):
        begin = perf_counter()
        train(steps)
        yield (perf_counter() - begin) / steps


def profile(kind: str, threads: int) -> str:
    """Explain our plan, with the time of every kernel in the fastest of some runs."""
    traced, carry, _ = _ours(kind, threads)
    leaves = flatten(carry)[0]
    key = LoopKey(traced.graph.fingerprint, len(leaves), BATCH, threads, True, True, traced.graph)
    program = NativeLoop(key)
    arrays = [*(np.array(x) for x in leaves), *_data()]
    clocks, runs = [], []
    for run in range(12):
        program.cycles[:] = 0
        program.run(arrays, np.arange(4 * BATCH, dtype=np.int32) % ROWS, 4 * run)
        clocks.append((perf_counter(), int(program.cycles[-1])))
        runs.append(program.cycles[:-1] / 4)
    (first, begin), (last, end) = clocks[0], clocks[-1]
    seconds = np.min(runs[1:], axis=0) * ((last - first) / (end - begin))
    return program.plan.explain([float(s) for s in seconds])


def main() -> None:
    """Time the steps and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=("lstm", "gru"), nargs="*", default=["lstm", "gru"])
    parser.add_argument("--peers", nargs="*", default=["torch", "jax"], choices=("torch", "jax"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=8, help="in one measurement")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", str(options.threads))
    makers = {"chainrule": chainrule_step, "torch": torch_step, "jax": jax_step}
    for kind in options.kind:
        if options.profile:
            print(profile(kind, options.threads))
            continue
        trains = {n: makers[n](kind, options.threads) for n in ("chainrule", *options.peers)}
        for train in trains.values():
            train(options.steps)  # compile, and warm up
        times: dict[str, list[float]] = {name: [] for name in trains}
        for _ in range(options.rounds):  # in turn, so that all see the same machine
            for name, train in trains.items():
                times[name] += _timed(train, options.steps, 1)
        ours = np.median(times["chainrule"])
        print(f"{kind}: {FEATURES} -> {UNITS}, {TIME} steps, batch {BATCH}, Adam, float32, "
              f"{options.threads} threads")  # fmt: skip
        for name, train in trains.items():
            middle = np.median(times[name])
            print(f"  {name:<10} {min(times[name]) * 1e3:7.2f} ms at least, {middle * 1e3:7.2f} ms "
                  f"in the middle, {middle / ours:5.2f} of ours; loss {train(1):.6f}")  # fmt: skip


if __name__ == "__main__":
    main()
