"""Makes golden_losses.json: losses and their gradients by PyTorch, in float64.

Run it where PyTorch is installed: ``python tests/nn/golden_losses.py``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PLACE = Path(__file__).with_suffix(".json")
LOGITS = [[0.5, -1.0, 2.0], [-300.0, 0.0, 200.0], [1.0, 1.0, 1.0], [3.0, -2.5, 0.25]]
LABELS = [2, 0, 1, 1]
SHARES = [[0.0, 0.0, 1.0], [0.5, 0.5, 0.0], [0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]
YES = [[1.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.25, 0.75, 0.5], [0.0, 1.0, 0.0]]
NUMBERS = [[0.0, -1.5, 1.5], [-299.0, 0.5, 200.0], [2.0, 4.0, 0.0], [3.5, -2.0, 10.0]]
COUNTS = [[0.0, 1.0, 7.0], [2.0, 3.0, 1.0], [0.0, 4.0, 2.0], [1.0, 0.0, 5.0]]
SMALL = [[0.5, -1.0, 2.0], [-3.0, 0.0, 2.5], [1.0, 1.0, 1.0], [3.0, -2.5, 0.25]]
CLASS_WEIGHT = [0.5, 2.0, 1.25]
SEQUENCES = [SMALL, LOGITS]
PADDED = [[2, -1, 1, 0], [0, 1, -1, -1]]


def cases(torch: Any) -> dict[str, tuple[Any, Any, Any]]:
    """For each case a function of predictions and targets, the predictions, and the targets."""
    f = torch.nn.functional
    weight = torch.tensor(CLASS_WEIGHT, dtype=torch.float64)
    return {
        "cross-entropy": (f.cross_entropy, LOGITS, LABELS),
        "cross-entropy sum": (lambda p, t: f.cross_entropy(p, t, reduction="sum"), LOGITS, LABELS),
        "cross-entropy smoothed": (
            lambda p, t: f.cross_entropy(p, t, label_smoothing=0.1),
            SMALL,
            LABELS,
        ),
        "cross-entropy weighted": (lambda p, t: f.cross_entropy(p, t, weight), LOGITS, LABELS),
        "cross-entropy shares": (f.cross_entropy, SMALL, SHARES),
        "cross-entropy padded": (
            lambda p, t: f.cross_entropy(p.reshape(-1, 3), t.reshape(-1), ignore_index=-1),
            SEQUENCES,
            PADDED,
        ),
        "cross-entropy padded, smoothed, weighted": (
            lambda p, t: f.cross_entropy(
                p.reshape(-1, 3), t.reshape(-1), weight, ignore_index=-1, label_smoothing=0.1
            ),
            [SMALL, SMALL],
            PADDED,
        ),
        "binary": (f.binary_cross_entropy_with_logits, LOGITS, YES),
        "binary positive": (
            lambda p, t: f.binary_cross_entropy_with_logits(
                p, t, pos_weight=torch.tensor(2.5, dtype=torch.float64)
            ),
            LOGITS,
            YES,
        ),
        "squared": (f.mse_loss, LOGITS, NUMBERS),
        "absolute": (f.l1_loss, LOGITS, NUMBERS),
        "huber": (lambda p, t: f.huber_loss(p, t, delta=1.25), LOGITS, NUMBERS),
        "poisson": (f.poisson_nll_loss, SMALL, COUNTS),
    }


def main() -> None:
    """Write the file."""
    import torch

    found = {}
    for name, (loss, predictions, targets) in cases(torch).items():
        p = torch.tensor(predictions, dtype=torch.float64, requires_grad=True)
        kind = torch.int64 if targets in (LABELS, PADDED) else torch.float64
        value = loss(p, torch.tensor(targets, dtype=kind))
        value.backward()
        found[name] = {"value": value.item(), "gradient": p.grad.tolist()}
    content = {"source": f"PyTorch {torch.__version__}", "losses": found}
    PLACE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
