"""L-BFGS: SciPy's, over our compiled gradient."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from chainrule.errors import DivergenceError, ParameterError
from chainrule.execute import choose_executor, trace
from chainrule.tracing import flatten, unflatten
from chainrule.train.divergence import find_culprit
from chainrule.train.ledger import Ledger
from chainrule.train.program import Objective
from chainrule.train.records import History
from chainrule.train.tapping import columns
from chainrule.train.task import Task


@dataclass(frozen=True)
class LBFGS:
    """Full-batch quasi-Newton steps with a line search, by `scipy.optimize`'s L-BFGS-B.

    Byrd, Lu, Nocedal and Zhu, "A limited memory algorithm for bound constrained optimization",
    1995. Good for small tables and networks. Each iteration counts as an epoch. It needs the same
    loss at every evaluation, so dropout is refused, and it works best in float64:
    ``Trainer(..., dtype="float64")``.

    Parameters
    ----------
    memory
        How many past steps shape the next.
    tolerance
        Converged when no entry of the gradient is larger.
    relative_change
        Converged when the loss changes by at most this share of itself.
    """

    memory: int = 10
    tolerance: float = 1e-5
    relative_change: float = 2.2e-9

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.memory < 1:
            raise ParameterError(f"memory must be at least 1, received {self.memory}")

    def initial(self, parameters: Any) -> Any:
        """Give the state that steps carry on: none, since SciPy keeps it."""
        return {}


class _Surface:
    """The objective as a function of one flat float64 vector."""

    def __init__(
        self, objective: Objective, carry: Any, data: Any, executor: str, runs: int
    ) -> None:
        self.leaves, self.tree = flatten(carry["trainable"])
        self.carry = {name: carry[name] for name in ("trainable", "state")}
        names = ("inputs", "targets", "weight")
        batch = {name: data[name] for name in names if name in data}
        self.rest = (data["fixed"], batch, data["key"])
        self.traced = trace(objective.gradients, self.carry, *self.rest)
        if any(node.card.kind == "random" for node in self.traced.graph.nodes):
            raise ParameterError(
                "L-BFGS needs the same loss at every evaluation, but the network draws random "
                "numbers (dropout): leave it out, or use Adam"
            )
        chosen = choose_executor(executor, self.traced.graph, runs, {})
        self.program = self.traced.plan().compile(chosen)
        self.result: Any = None
        self.point: Any = None

    def flat(self, tree: Any) -> Any:
        """Join the arrays of a tree to one vector."""
        return np.concatenate([np.ravel(x).astype(np.float64) for x in flatten(tree)[0]])

    def parameters(self, point: Any) -> Any:
        """Cut a vector into the parameters."""
        ends = np.cumsum([leaf.size for leaf in self.leaves])[:-1]
        parts = np.split(point, ends)
        shaped = [
            part.reshape(leaf.shape).astype(leaf.dtype)
            for part, leaf in zip(parts, self.leaves, strict=True)
        ]
        return unflatten(self.tree, shaped)

    def __call__(self, point: Any) -> tuple[float, Any]:
        carry = {**self.carry, "trainable": self.parameters(point)}
        self.result, self.point = self.program(carry, *self.rest), point.copy()
        value, _, gradients, _ = self.result
        return float(value), self.flat(gradients)

    def at(self, point: Any) -> tuple[float, float, float, dict[str, float]]:
        """Loss total, weights, gradient norm, and what was tapped at a point."""
        if self.point is None or not np.array_equal(point, self.point):
            self(point)
        _, (total, weight, _, tapped), _, norm = self.result
        seen = columns({name: np.reshape(value, (1, 1)) for name, value in tapped.items()})
        return float(total), float(weight), float(norm), {n: float(x[0]) for n, x in seen.items()}


def run_lbfgs(settings: LBFGS, task: Task, ledger: Ledger, executor: str, runs: int) -> str:
    """Train until a criterion holds or the method has converged; return the reason."""
    from scipy.optimize import minimize

    objective, start = task.step.objective, ledger.standing.carry
    if start["state"]:
        raise ParameterError("L-BFGS cannot train layers that hand on state from step to step")
    surface = _Surface(objective, start, task.data, executor, runs)
    stopped: list[str] = []
    began = perf_counter()

    def commit(intermediate_result: Any) -> None:
        point = np.array(intermediate_result.x)
        total, weight, norm, tapped = surface.at(point)
        epoch = ledger.standing.epoch + 1
        carry = {**start, "trainable": surface.parameters(point)}
        found = {
            "epoch": epoch,
            "train_loss": float(objective.loss.reduce(np.float64(total), np.float64(weight))),
            **task.measure(carry),
            "gradient_norm": norm,
            **tapped,
            "seconds": perf_counter() - began,
        }
        row = {name: np.array([value]) for name, value in found.items()}
        epochs = History(row, task.larger_is_better)
        _, reason = ledger.judge(epochs)
        ledger.commit(epochs, 1, carry)
        if reason is not None:
            stopped.append(reason)
            raise StopIteration

    first = surface.flat(start["trainable"])
    if not np.isfinite(surface(first)[0]):
        raise _diverged(surface)
    many = 10**9  # criteria stop the run, not SciPy's own bounds
    done = minimize(
        surface,
        first,
        jac=True,
        method="L-BFGS-B",
        callback=commit,
        options={
            "maxcor": settings.memory,
            "gtol": settings.tolerance,
            "ftol": settings.relative_change,
            "maxiter": many,
            "maxfun": many,
        },
    )
    if stopped:
        return stopped[0]
    return "converged" if done.success else f"L-BFGS ended: {str(done.message).lower()}"


def _diverged(surface: _Surface) -> DivergenceError:
    values = flatten((surface.carry, *surface.rest))[0]
    culprit = find_culprit(surface.traced.graph, values)
    what = f": {culprit.what}" if culprit else ""
    return DivergenceError(
        f"the loss of the first weights is not finite{what}. Scale the inputs to mean 0 and "
        "standard deviation 1, or begin with smaller weights",
        epoch=1,
        step=1,
        layer=culprit.layer if culprit else None,
    )
