"""The state of a run: all it takes to go on with training as if it had not been interrupted."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import ModelFileError, ParameterError
from chainrule.tracing import flatten, leaf_paths, unflatten
from chainrule.train.records import History

_VERSION = 1


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Where a run stands.

    Give it to ``fit(..., resume=state)`` with the same trainer and data, and training goes on with
    the same numbers, bit by bit, as if it had never stopped.

    Attributes
    ----------
    arrays
        Parameters, state of the layers and of the optimiser, by path.
    best
        Parameters and state of the layers after the best epoch, by path; empty if none is kept.
    epoch, step
        Epochs and steps that were done.
    history
        Records of these epochs.
    best_epoch
        The epoch after which the watched number was best.
    settings
        What has to be the same when training goes on: seed, batch size, number of rows.
    """

    arrays: Mapping[str, Any]
    best: Mapping[str, Any]
    epoch: int
    step: int
    history: History
    best_epoch: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: str | Path) -> None:
        """Write the state to a file (safetensors), which replaces an older one at once."""
        from safetensors.numpy import save

        tensors = {f"now/{name}": np.asarray(x) for name, x in self.arrays.items()}
        tensors |= {f"best/{name}": np.asarray(x) for name, x in self.best.items()}
        tensors |= {f"history/{name}": x for name, x in self.history.columns.items()}
        facts = {
            "version": _VERSION,
            "epoch": self.epoch,
            "step": self.step,
            "best_epoch": self.best_epoch,
            "settings": dict(self.settings),
            "columns": list(self.history.columns),
            "larger_is_better": sorted(self.history.larger_is_better),
        }
        # Not `ascontiguousarray`, which gives numbers an axis.
        contiguous = {name: np.asarray(x, order="C") for name, x in tensors.items()}
        data = save(contiguous, metadata={"chainrule": json.dumps(facts)})
        target = Path(path)
        half = target.with_name(target.name + ".part")
        half.write_bytes(data)
        os.replace(half, target)

    @classmethod
    def load(cls, path: str | Path) -> TrainingState:
        """Read a state that `save` wrote; nothing in the file is run."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(str(path), framework="np") as file:
                facts = json.loads((file.metadata() or {})["chainrule"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, KeyError, ValueError) as error:
            raise ModelFileError(
                f"{path} is not a training state, or is damaged: {error}"
            ) from error
        if facts.get("version", 0) > _VERSION:
            raise ModelFileError(
                f"{path} was written by a newer version of chainrule: update chainrule to read it"
            )

        def part(name: str) -> dict[str, Any]:
            begin = len(name) + 1
            return {k[begin:]: v for k, v in tensors.items() if k.startswith(name + "/")}

        rows = part("history")
        return cls(
            part("now"),
            part("best"),
            facts["epoch"],
            facts["step"],
            History({k: rows[k] for k in facts["columns"]}, frozenset(facts["larger_is_better"])),
            facts["best_epoch"],
            facts["settings"],
        )


def by_path(tree: Any) -> dict[str, Any]:
    """Give the arrays of a tree by path."""
    return dict(zip(leaf_paths(tree), flatten(tree)[0], strict=True))


def put_back(arrays: Mapping[str, Any], like: Any) -> Any:
    """Make a tree of arrays by path.

    Parameters
    ----------
    like
        A tree of the structure, shapes and dtypes that the arrays must have.
    """
    leaves, tree = flatten(like)
    paths = leaf_paths(like)
    if set(arrays) != set(paths):
        strange = sorted(set(arrays) ^ set(paths))
        raise ParameterError(
            f"the state to resume from belongs to another network or optimiser: {strange[0]} is "
            "in one of the two only"
        )
    for path, leaf in zip(paths, leaves, strict=True):
        received, expected = np.asarray(arrays[path]), np.asarray(leaf)
        if (received.shape, received.dtype) != (expected.shape, expected.dtype):
            raise ParameterError(
                f"the state to resume from has {path} as {received.dtype}{received.shape}, this "
                f"training needs {expected.dtype}{expected.shape}"
            )
    return unflatten(tree, [np.asarray(arrays[path]) for path in paths])
