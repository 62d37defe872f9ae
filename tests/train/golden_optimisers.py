"""Makes golden_optimisers.json: parameters after each of some steps, by PyTorch, in float64.

Run it where PyTorch is installed: ``python tests/train/golden_optimisers.py``. PyTorch's Muon
rounds to bfloat16 in between; here it does not. Its matrices are (outputs, inputs), ours (inputs,
outputs).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

STEPS = 6
WEIGHT = [[0.5, -1.25], [2.0, 0.0]]
BIAS = [0.1, -0.3]
PLACE = Path(__file__).with_suffix(".json")


def gradient(step: int, size: int) -> list[float]:
    """Numbers of changing size and sign, among them zeros and very small ones."""
    return [((7 * step + 3 * i) % 11 - 5) * 10.0 ** ((step * i) % 4 - 2) for i in range(size)]


def cases(torch: Any) -> dict[str, Any]:
    """For each case a function from the two parameters to PyTorch's optimiser."""
    optim = torch.optim
    return {
        "sgd": lambda w, b: optim.SGD([w, b], lr=0.1),
        "momentum": lambda w, b: optim.SGD([w, b], lr=0.1, momentum=0.9),
        "nesterov": lambda w, b: optim.SGD([w, b], lr=0.1, momentum=0.9, nesterov=True),
        "adagrad": lambda w, b: optim.Adagrad([w, b], lr=0.1),
        "adagrad started": lambda w, b: optim.Adagrad([w, b], 0.1, initial_accumulator_value=0.5),
        "rmsprop": lambda w, b: optim.RMSprop([w, b], lr=0.1),
        "rmsprop momentum": lambda w, b: optim.RMSprop([w, b], 0.1, alpha=0.9, momentum=0.5),
        "adam": lambda w, b: optim.Adam([w, b], lr=0.1),
        "adam other": lambda w, b: optim.Adam([w, b], lr=0.1, betas=(0.5, 0.9), eps=1e-2),
        "adamw": lambda w, b: optim.AdamW(
            [{"params": [w]}, {"params": [b], "weight_decay": 0.0}], lr=0.1, weight_decay=0.05
        ),
        "adam amsgrad": lambda w, b: optim.Adam([w, b], lr=0.1, amsgrad=True),
        "adadelta": lambda w, b: optim.Adadelta([w, b]),
        "adadelta other": lambda w, b: optim.Adadelta([w, b], lr=0.5, rho=0.7, eps=1e-3),
        "adamax": lambda w, b: optim.Adamax([w, b]),
        "adamax other": lambda w, b: optim.Adamax([w, b], lr=0.1, betas=(0.5, 0.9), eps=1e-3),
        "nadam": lambda w, b: optim.NAdam([w, b]),
        "nadam other": lambda w, b: optim.NAdam([w, b], 0.1, (0.5, 0.9), momentum_decay=0.5),
        "rmsprop centred": lambda w, b: optim.RMSprop([w, b], lr=0.1, alpha=0.9, centered=True),
        "muon": lambda w, b: Both(
            optim.Muon([w], lr=0.1, weight_decay=0.05),
            optim.AdamW([b], lr=0.01, weight_decay=0.0),
        ),
        "adamw all": lambda w, b: optim.AdamW([w, b], lr=0.1, weight_decay=0.05),
    }


class Both:
    """Two optimisers that step together."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def step(self) -> None:
        """Step with each."""
        for part in self.parts:
            part.step()


def run(torch: Any, make: Any) -> list[list[float]]:
    """Weights and biases after each step, in one row."""
    w = torch.tensor(WEIGHT, dtype=torch.float64).T.clone().requires_grad_()
    b = torch.tensor(BIAS, dtype=torch.float64, requires_grad=True)
    optimiser = make(w, b)
    rows = []
    for step in range(STEPS):
        g = torch.tensor(gradient(step, 6), dtype=torch.float64)
        w.grad, b.grad = g[:4].reshape(2, 2).T.clone(), g[4:].clone()
        optimiser.step()
        rows.append([*w.detach().T.ravel().tolist(), *b.detach().tolist()])
    return rows


def clipped(torch: Any) -> dict[str, list[float]]:
    """The first gradients after each way of clipping."""
    found = {}
    for name in ("value", "global norm"):
        w = torch.zeros((2, 2), dtype=torch.float64, requires_grad=True)
        b = torch.zeros(2, dtype=torch.float64, requires_grad=True)
        g = torch.tensor(gradient(1, 6), dtype=torch.float64)
        w.grad, b.grad = g[:4].reshape(2, 2).clone(), g[4:].clone()
        if name == "value":
            torch.nn.utils.clip_grad_value_([w, b], 0.1)
        else:
            torch.nn.utils.clip_grad_norm_([w, b], 0.1)
        found[name] = [*w.grad.ravel().tolist(), *b.grad.tolist()]
    return found


def main() -> None:
    """Write the file."""
    import torch

    torch.set_default_dtype(torch.float64)  # of scalars that optimisers keep
    torch.Tensor.bfloat16 = lambda self: self  # type: ignore[method-assign,assignment]
    content = {
        "source": f"PyTorch {torch.__version__}",
        "parameters": {name: run(torch, make) for name, make in cases(torch).items()},
        "clipped": clipped(torch),
    }
    PLACE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
