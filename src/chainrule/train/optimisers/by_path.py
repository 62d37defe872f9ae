"""Different optimisers for different layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.errors import ParameterError
from chainrule.tracing import flatten, leaf_paths, unflatten
from chainrule.train.optimisers.optimiser import Optimiser
from chainrule.train.paths import chosen, covers
from chainrule.train.schedules import Rate


@dataclass(frozen=True)
class ByPath:
    """Different optimisers, or the same with other settings, for different layers.

    Parameters
    ----------
    rest
        The optimiser of all arrays that no path names. Its learning rate is the one that is
        recorded.
    parts
        An optimiser for each path of an array ("layers[0].weight") or of a layer ("layers[0]").
        Of several paths that cover an array, the longest counts.

    To train the first layer ten times as slowly, and to let the last one decay more:

    >>> from chainrule import optim
    >>> slow, strong = optim.AdamW(1e-4), optim.AdamW(1e-3, weight_decay=0.1)
    >>> optimiser = ByPath(optim.AdamW(1e-3), {"layers[0]": slow, "layers[4]": strong})
    >>> optimiser.learning_rate
    0.001
    """

    rest: Optimiser
    parts: Mapping[str, Optimiser]

    def __post_init__(self) -> None:
        """Check the settings."""
        for each in (self.rest, *self.parts.values()):
            if not hasattr(each, "update"):
                raise ParameterError(f"ByPath joins optimisers that take steps, not {each}")

    @property
    def learning_rate(self) -> Rate:
        """Size of a step of the rest."""
        return self.rest.learning_rate

    def initial(self, parameters: Any) -> Any:
        """Give the state: that of each optimiser, by its path, and that of the rest."""
        each, whose = self._shared_out(parameters)
        state = {name: part.initial(each[name]) for name, part in self._named(whose)}
        return {"rest": state.pop(None, {}), "parts": state}

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""
        old, whose = self._shared_out(parameters)
        g, _ = self._shared_out(gradients)
        fresh: dict[str, Any] = {}
        kept: dict[str | None, Any] = {}
        for name, part in self._named(whose):
            before = state["rest"] if name is None else state["parts"][name]
            moved, kept[name] = part.update(g[name], before, old[name], number)
            fresh |= moved
        leaves = [fresh[path] for path in leaf_paths(parameters)]
        rest = kept.pop(None, {})
        return unflatten(flatten(parameters)[1], leaves), {"rest": rest, "parts": kept}

    def _named(self, whose: set[str | None]) -> list[tuple[str | None, Optimiser]]:
        return [
            (name, part) for name, part in ((None, self.rest), *self.parts.items()) if name in whose
        ]

    def _shared_out(self, tree: Any) -> tuple[dict[str | None, dict[str, Any]], set[str | None]]:
        """Arrays by path for each optimiser, and which optimisers have any."""
        paths = leaf_paths(tree)
        chosen(tuple(self.parts), paths, "optimise by ByPath")
        found: dict[str | None, dict[str, Any]] = {}
        for path, leaf in zip(paths, flatten(tree)[0], strict=True):
            names = [name for name in self.parts if covers(name, path)]
            found.setdefault(max(names, key=len, default=None), {})[path] = leaf
        return found, set(found)
