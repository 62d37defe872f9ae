"""Makes golden_layers.json: layers, their values and all their gradients by PyTorch, in float64.

Run it where PyTorch and chainrule are installed: ``python -m tests.nn.golden_layers``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.nn.layer_cases import cases, drawn, fingerprint

PLACE = Path(__file__).with_suffix(".json")


def _first(x: Any) -> Any:
    """Channels behind the batch, where PyTorch expects them."""
    return x.movedim(-1, 1)


def _last(x: Any) -> Any:
    return x.movedim(1, -1)


def _batch(f: Any, p: dict[str, Any], x: Any, training: bool) -> Any:
    """Batch norm with copies of the running statistics, which PyTorch overwrites."""
    mean, variance = (p[name].detach().clone() for name in ("mean", "variance"))
    return f.batch_norm(x, mean, variance, p["scale"], p["bias"], training, 0.1, 1e-5)


def functions(f: Any) -> dict[str, Any]:
    """For each case a function of its arrays by path, and its inputs."""
    return {
        "batch norm, training": lambda p, x: _batch(f, p, x, True),
        "batch norm, predicting": lambda p, x: _batch(f, p, x, False),
        "batch norm, images": lambda p, x: _last(_batch(f, p, _first(x), True)),
        "batch norm, channels first": lambda p, x: _batch(f, p, x, True),
        "layer norm": lambda p, x: f.layer_norm(x, (8,), p["scale"], p["bias"]),
        "layer norm, whole": lambda p, x: f.layer_norm(x, (3, 8), p["scale"]),
        "rms norm": lambda p, x: f.rms_norm(x, (8,), p["scale"], 1e-6),
        "group norm": lambda p, x: _last(f.group_norm(_first(x), 3, p["scale"], p["bias"])),
        "group norm, table": lambda p, x: f.group_norm(x, 2, p["scale"], p["bias"]),
        "instance norm": lambda p, x: _last(
            f.instance_norm(_first(x), weight=p["scale"], bias=p["bias"])
        ),
    }


def main() -> None:
    """Write the file."""
    import torch

    found = {}
    for name, function in functions(torch.nn.functional).items():
        case = cases()[name]
        arrays = {k: torch.tensor(x, requires_grad=True) for k, x in case.arrays().items()}
        inputs = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in case.inputs]
        value = function(arrays, *inputs)
        value.backward(torch.tensor(drawn("cotangent", tuple(value.shape))))
        found[name] = {
            "value": fingerprint(value.detach()),
            "arrays": {k: fingerprint(x.grad) for k, x in arrays.items() if x.grad is not None},
            "inputs": [None if x.grad is None else fingerprint(x.grad) for x in inputs],
        }
    content = {"source": f"PyTorch {torch.__version__}", "layers": found}
    PLACE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
