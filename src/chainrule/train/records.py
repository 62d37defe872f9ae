"""Records of training: what happened in each epoch, as plain numbers.

Training writes records; stop criteria, progress bars, diagnosis and reports only read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, overload

import numpy as np

from chainrule.errors import ParameterError


@dataclass(frozen=True)
class EpochRecord:
    """What happened in one epoch.

    Attributes
    ----------
    epoch
        Number of epochs done, this one included: the first is 1.
    train_loss
        Loss over the epoch's steps, each measured before its update, without penalties.
    validation_loss, metric
        Loss and metric of the validation examples, after the epoch; None without such examples.
    train_accuracy
        Share of the training examples that are classified correctly after the epoch; None unless
        a stop criterion asks for it.
    learning_rate
        Of the epoch's last step; None for L-BFGS, which searches along lines.
    gradient_norm
        Mean over the epoch's steps of the norm of the whole gradient, before clipping.
    seconds
        Time since training began, as the epoch ended.
    taps
        What `chainrule.tap` marks, over the epoch's steps: ``taps["hidden.mean"]``.
    """

    epoch: int
    train_loss: float
    gradient_norm: float
    seconds: float
    learning_rate: float | None = None
    validation_loss: float | None = None
    metric: float | None = None
    train_accuracy: float | None = None
    taps: Mapping[str, float] = field(default_factory=dict)


COLUMNS = tuple(f.name for f in fields(EpochRecord) if f.name != "taps")
_HEADINGS = {
    "train_loss": "train loss",
    "validation_loss": "validation loss",
    "train_accuracy": "train accuracy",
    "learning_rate": "learning rate",
    "gradient_norm": "gradient norm",
}


@dataclass(frozen=True, eq=False, repr=False)
class History:
    """A table with one row per epoch.

    ``history["train_loss"]`` is a column, ``history[-1]`` a row (an `EpochRecord`), and
    ``history[:10]`` a shorter table. Iterating gives rows.

    Attributes
    ----------
    columns
        Arrays of equal length by name; columns that were not measured are absent.
    larger_is_better
        Names of columns that training wants to grow; losses are wanted small.

    >>> h = History({"epoch": np.array([1, 2]), "train_loss": np.array([0.5, 0.25])})
    >>> h["train_loss"].tolist()
    [0.5, 0.25]
    >>> h
    epoch  train loss
        1         0.5
        2        0.25
    """

    columns: Mapping[str, Any]
    larger_is_better: frozenset[str] = frozenset({"train_accuracy"})

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __iter__(self) -> Iterator[EpochRecord]:
        return (self[i] for i in range(len(self)))

    @overload
    def __getitem__(self, key: int) -> EpochRecord: ...
    @overload
    def __getitem__(self, key: str) -> Any: ...
    @overload
    def __getitem__(self, key: slice) -> History: ...
    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self.columns:
                raise ParameterError(
                    f"there is no column {key!r}; this table has {', '.join(self.columns)}"
                )
            return self.columns[key]
        if isinstance(key, slice):
            cut = {name: column[key] for name, column in self.columns.items()}
            return History(cut, self.larger_is_better)
        row = {name: column[key].item() for name, column in self.columns.items()}
        tapped = {name: value for name, value in row.items() if name not in COLUMNS}
        own: dict[str, Any] = {name: row.get(name) for name in COLUMNS}
        return EpochRecord(**own, taps=tapped)

    @classmethod
    def joined(cls, parts: Sequence[History]) -> History:
        """Put tables of the same columns one below the other."""
        if not parts:
            return cls({"epoch": np.zeros(0, np.int64)})
        names = parts[0].columns
        columns = {name: np.concatenate([p.columns[name] for p in parts]) for name in names}
        return cls(columns, parts[0].larger_is_better)

    def __repr__(self) -> str:
        shown = (
            range(len(self))
            if len(self) <= 10
            else [*range(5), -1, *range(len(self) - 3, len(self))]
        )
        titles = [_HEADINGS.get(name, name) for name in self.columns]
        rows = [
            ["..."] * len(titles)
            if i < 0
            else [f"{column[i]:.4g}" for column in self.columns.values()]
            for i in shown
        ]
        if "epoch" in self.columns:
            place = list(self.columns).index("epoch")
            for i, row in zip(shown, rows, strict=True):
                row[place] = row[place] if i < 0 else str(self.columns["epoch"][i])
        widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
        lines = [
            "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True))
            for line in [titles, *rows]
        ]
        return "\n".join(lines)
