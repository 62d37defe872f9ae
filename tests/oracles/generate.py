"""Write down what PyTorch and JAX say: ``python -m tests.oracles.generate``.

Run from the repository's root with an environment that has torch and jax; the tests themselves
need neither. Every number is written with as many digits as bring it back.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.oracles.cases import CASES, LIBRARIES, Case, weights

HERE = Path(__file__).parent
SEEDS = (0, 42, 2**32 + 7)


def _numbers(x: Any) -> Any:
    """Nested lists of the shortest numbers that bring the entries back."""
    array = np.asarray(x)
    if array.ndim:
        return [_numbers(row) for row in array]
    return float(str(array[()])) if array.dtype.kind == "f" else array.item()


def ask_jax(case: Case, dtype: str) -> dict[str, Any]:
    """Value and gradients by JAX."""
    import jax

    arrays = [jax.numpy.asarray(x) for x in case.arrays(dtype)]
    value, back = jax.vjp(lambda *x: case.jax(jax, *x), *arrays)  # type: ignore[misc]
    gradients = back(jax.numpy.asarray(weights(value.shape, dtype)))
    return {"value": _numbers(value), "gradients": [_numbers(g) for g in gradients]}


def ask_torch(case: Case, dtype: str) -> dict[str, Any]:
    """Value and gradients by PyTorch."""
    import torch

    arrays = [torch.tensor(x, requires_grad=True) for x in case.arrays(dtype)]
    value = case.torch(torch, *arrays)  # type: ignore[misc]
    if value.requires_grad:
        value.backward(torch.tensor(weights(tuple(value.shape), dtype)))
    gradients = [np.zeros(x.shape) if x.grad is None else x.grad.numpy() for x in arrays]
    return {
        "value": _numbers(value.detach().numpy()),
        "gradients": [_numbers(g) for g in gradients],
    }


def functions() -> dict[str, Any]:
    """What both libraries say on every case."""
    ask = {"jax": ask_jax, "torch": ask_torch}
    return {
        case.name: {
            library: {dtype: ask[library](case, dtype) for dtype in case.dtypes}
            for library in LIBRARIES
            if getattr(case, library) is not None
        }
        for case in CASES
    }


def random_numbers() -> dict[str, Any]:
    """Keys and numbers by JAX's counter-based generator."""
    from jax import random

    said = {}
    for seed in SEEDS:
        key = random.key(seed, impl="threefry2x32")
        words = [random.key_data(k) for k in random.split(key, 3)]
        said[str(seed)] = {
            "uniform": _numbers(random.uniform(key, (2, 3), "float32")),
            "uniform64": _numbers(random.uniform(key, (3,), "float64")),
            "bernoulli": _numbers(random.bernoulli(key, np.float32(0.3), (12,))),
            "split": [_numbers(w) for w in words],
            "fold_in": _numbers(random.key_data(random.fold_in(key, 7))),
        }
    return said


def main() -> None:
    """Ask both libraries, and write one file each for functions and random numbers."""
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_threefry_partitionable", True)
    jax.config.update("jax_default_matmul_precision", "highest")
    for module in ("jax.scipy.special", "jax.nn"):
        importlib.import_module(module)
    for name, said in (("functions", functions()), ("random", random_numbers())):
        lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in said.items()]
        text = "{\n" + ",\n".join(lines) + "\n}\n"
        (HERE / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
