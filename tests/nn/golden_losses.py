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
PAIRS = [[0.5, -1.0], [2.0, 0.0], [-1.0, 3.0], [0.25, 0.5]]
TWO = [0, 1, 1, 0]
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
        "focal": (lambda p, t: focal(torch, p, t, 2.0), SMALL, LABELS),
        "focal 3, padded": (
            lambda p, t: focal(torch, p.reshape(-1, 3), t.reshape(-1), 3.0, ignored=-1),
            SEQUENCES,
            PADDED,
        ),
        "binary focal": (lambda p, t: binary_focal(torch, p, t, 2.0), LOGITS, YES),
        "kullback-leibler": (
            lambda p, t: f.kl_div(f.log_softmax(p, -1), t, reduction="batchmean"),
            SMALL,
            SHARES,
        ),
        "cosine": (
            lambda p, t: f.cosine_embedding_loss(p, t, torch.ones(len(p), dtype=p.dtype)),
            NUMBERS,
            SMALL,
        ),
        "gaussian": (
            lambda p, t: f.gaussian_nll_loss(p[:, :1], t, p[:, 1:].exp(), eps=1e-300),
            PAIRS,
            [row[:1] for row in SMALL],
        ),
        "gaussian full": (
            lambda p, t: f.gaussian_nll_loss(p[:, 0], t, p[:, 1].exp(), full=True, eps=1e-300),
            PAIRS,
            [row[0] for row in SMALL],
        ),
        "log-cosh": (lambda p, t: torch.log(torch.cosh(p - t)).mean(), SMALL, COUNTS),
        "quantile": (
            lambda p, t: torch.maximum(0.1 * (t - p), -0.9 * (t - p)).mean(),
            SMALL,
            NUMBERS,
        ),
        "squared hinge": (
            lambda p, t: f.multi_margin_loss(p, t, p=2, reduction="sum") * 2 / 4,
            [row[:2] for row in SMALL],
            TWO,
        ),
        "poisson": (f.poisson_nll_loss, SMALL, COUNTS),
    }


def focal(torch: Any, p: Any, t: Any, focus: float, ignored: int = -100) -> Any:
    """The paper's formula, over the labels that count; torchvision has it for two classes only."""
    logs = torch.nn.functional.log_softmax(p, -1)[t != ignored]
    right = logs.gather(-1, t[t != ignored][:, None])[:, 0]
    return -((1 - right.exp()) ** focus * right).mean()


def binary_focal(torch: Any, p: Any, t: Any, focus: float) -> Any:
    """As torchvision.ops.sigmoid_focal_loss, without its alpha."""
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(p, t, reduction="none")
    right = torch.sigmoid(p) * t + torch.sigmoid(-p) * (1 - t)
    return ((1 - right) ** focus * entropy).mean()


def main() -> None:
    """Write the file."""
    import torch

    found = {}
    for name, (loss, predictions, targets) in cases(torch).items():
        p = torch.tensor(predictions, dtype=torch.float64, requires_grad=True)
        kind = torch.int64 if targets in (LABELS, PADDED, TWO) else torch.float64
        value = loss(p, torch.tensor(targets, dtype=kind))
        value.backward()
        found[name] = {"value": value.item(), "gradient": p.grad.tolist()}
    content = {"source": f"PyTorch {torch.__version__}", "losses": found}
    PLACE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
