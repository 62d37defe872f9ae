"""How far a training step in float32, in machine code, lies from the exact one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.backprop import value_and_grad
from chainrule.errors import ChainruleError
from chainrule.execute import trace
from chainrule.explaining.objective import Objective, cast_floats
from chainrule.nn import Module
from chainrule.nn.losses import Loss
from chainrule.train import Optimiser


@dataclass(frozen=True)
class Distance:
    """How far one result of float32 lies from that of float64.

    Attributes
    ----------
    what
        "loss", or a path with what it is: "gradient of layers[0].weight".
    absolute
        Largest difference of an entry.
    relative
        The same, divided by the largest entry in float64.
    """

    what: str
    absolute: float
    relative: float


@dataclass(frozen=True)
class Precision:
    """Distances of all results of a step, or why there are none.

    Attributes
    ----------
    distances
        One for each result.
    problem
        Why native code could not run here; empty if it could.
    """

    distances: tuple[Distance, ...] = ()
    problem: str = ""

    def text(self) -> str:
        """Say it in one or two sentences."""
        if self.problem:
            return f"float32 native code could not be compared: {self.problem}"
        parts = []
        for what in ("loss", "gradient", "new"):
            found = [d for d in self.distances if d.what.split()[0] == what]
            worst = max(found, key=lambda d: d.relative, default=None)
            if worst is not None:
                noun = {"gradient": "gradients", "new": "new values"}.get(what, what)
                parts.append(f"{noun} by {worst.absolute:.1e} ({worst.relative:.1e} relative)")
        return f"float32 native code differs in {', in '.join(parts)} at most"

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data."""
        rows = [
            {"what": d.what, "absolute": d.absolute, "relative": d.relative} for d in self.distances
        ]
        return {"text": self.text(), "distances": rows, "problem": self.problem}


def compare_native(
    objective: Objective,
    loss: Loss,
    optimiser: Optimiser | None,
    exact: Mapping[str, Any],
    number: int = 0,
) -> Precision:
    """Run a step in float32 native code and compare it with results in float64.

    Parameters
    ----------
    objective
        The network and the batch; everything is rounded to float32 first.
    loss
        As in `explain`.
    optimiser
        Makes the step from its initial state; None for none.
    exact
        Results in float64, by their names as in `Distance`.
    number
        Steps that the optimiser made before.
    """
    given = (objective.network, objective.inputs, objective.targets, objective.parameters)
    small = cast_floats(given, "float32")

    def step(network: Module, inputs: Any, targets: Any, parameters: Any) -> Any:
        def objective(parameters: Any) -> Any:
            return loss(network.with_arrays(parameters)(*inputs), targets)

        value, gradients = value_and_grad(objective)(parameters)
        results = {"loss": value}
        results |= {f"gradient of {path}": g for path, g in gradients.items()}
        if optimiser is not None:
            state = optimiser.initial(parameters)
            fresh, _ = optimiser.update(gradients, state, parameters, np.int32(number))
            results |= {f"new {path}": p for path, p in fresh.items()}
        return results

    try:
        results = trace(step, *small).plan().compile("native")(*small)
    except (ChainruleError, ImportError, OSError) as error:
        return Precision(problem=str(error))
    return Precision(tuple(_distance(what, results[what], exact[what]) for what in results))


def _distance(what: str, value: Any, exact: Any) -> Distance:
    absolute = float(np.max(np.abs(np.asarray(value, np.float64) - exact), initial=0.0))
    scale = float(np.max(np.abs(exact), initial=0.0))
    return Distance(what, absolute, absolute / scale if scale else 0.0)
