"""An optimiser in the middle of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Continued:
    """Goes on from a memory; arrays that are frozen stay as they are.

    Attributes
    ----------
    learning_rate
        Of the optimiser; stands here because it may be replaced by a traced one.
    optimiser
        Makes the step.
    memory
        What it remembers, by path.
    frozen
        Paths of arrays that do not change.
    """

    learning_rate: Any
    optimiser: Any
    memory: Any
    frozen: frozenset[str] = frozenset()

    def initial(self, parameters: Any) -> Any:
        """Give the memory; frozen parameters have none."""
        return self.memory

    def update(
        self, gradients: Mapping[str, Any], state: Any, parameters: Mapping[str, Any], number: Any
    ) -> tuple[Any, Any]:
        """Give the parameters and the memory after the step."""
        moving = [path for path in parameters if path not in self.frozen]
        optimiser = replace(self.optimiser, learning_rate=self.learning_rate)
        fresh, memory = optimiser.update(
            {path: gradients[path] for path in moving},
            state,
            {path: parameters[path] for path in moving},
            number,
        )
        return {path: fresh.get(path, p) for path, p in parameters.items()}, memory
