"""Makes golden_schedules.json: the rate of each of some steps, by PyTorch.

Run it where PyTorch is installed: ``python tests/train/golden_schedules.py``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

STEPS = 40
PLACE = Path(__file__).with_suffix(".json")


def cases(torch: Any) -> dict[str, Any]:
    """For each case a function from an optimiser of rate 0.5 to PyTorch's scheduler."""
    s = torch.optim.lr_scheduler
    return {
        "step": lambda o: s.StepLR(o, 7, gamma=0.3),
        "exponential": lambda o: s.ExponentialLR(o, 0.9),
        "cosine": lambda o: s.CosineAnnealingLR(o, STEPS, eta_min=0.01),
        "restarts": lambda o: s.CosineAnnealingWarmRestarts(o, 8, eta_min=0.01),
        "restarts longer": lambda o: s.CosineAnnealingWarmRestarts(o, 5, T_mult=2),
        "polynomial": lambda o: s.PolynomialLR(o, 25, power=1.0),
        "polynomial 3": lambda o: s.PolynomialLR(o, 25, power=3.0),
        "one cycle": lambda o: s.OneCycleLR(o, 0.5, STEPS, cycle_momentum=False),
        "one cycle other": lambda o: s.OneCycleLR(
            o, 0.5, STEPS, pct_start=0.6, div_factor=4.0, final_div_factor=10.0
        ),
    }


def main() -> None:
    """Write the file."""
    import torch

    found = {}
    for name, make in cases(torch).items():
        p = torch.zeros(1, requires_grad=True)
        optimiser = torch.optim.SGD([p], lr=0.5, momentum=0.9)
        scheduler = make(optimiser)
        found[name] = []
        for step in range(STEPS):
            found[name].append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            if step + 1 < STEPS:
                scheduler.step()
    content = {"source": f"PyTorch {torch.__version__}", "rates": found}
    PLACE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
