"""Those who look on while an estimator trains: functions, and scikit-learn's callbacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.train import EpochRecord

Attributes = Callable[[], Mapping[str, Any]]


class Observers:
    """Shows every epoch to callbacks, and asks them whether to stop.

    Parameters
    ----------
    estimator
        What is being fitted.
    epochs
        How many there will be at most.
    X, y
        What `fit` received.
    """

    def __init__(self, estimator: Any, epochs: int, X: Any, y: Any) -> None:
        self._estimator = estimator
        self._functions = tuple(estimator.callbacks or ())
        for function in self._functions:
            if not callable(function):
                raise ValueError(f"a callback is a function of an EpochRecord, got {function!r}")
        self._data = {"X": X, "y": y}
        self._context = estimator._init_callback_context(max_subtasks=epochs)
        self._guests = bool(getattr(estimator, "_skl_callbacks", ()))
        self._task: Any = None
        self._context.call_on_fit_task_begin(estimator=estimator, **self._data)

    @property
    def present(self) -> bool:
        """Whether anybody looks on."""
        return bool(self._functions) or self._guests

    def begin_epoch(self) -> None:
        """Say that an epoch begins."""
        if self._guests:
            self._task = self._context.subcontext(task_name="epoch")
            self._task.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def end_epoch(self, record: EpochRecord, fitted: Attributes) -> bool:
        """Show an epoch; tell whether somebody wants training to end here.

        Parameters
        ----------
        record
            What happened.
        fitted
            Gives the attributes of an estimator that predicts as of now.
        """
        answers = [_is_yes(function(record)) for function in self._functions]
        if self._guests:
            wish = self._task.call_on_fit_task_end(
                estimator=self._estimator, reconstruction_attributes=fitted, **self._data
            )
            answers.append(bool(wish))
        return any(answers)

    def end(self, fitted: Attributes) -> None:
        """Say that training has ended."""
        self._context.call_on_fit_task_end(
            estimator=self._estimator, reconstruction_attributes=fitted, **self._data
        )


def _is_yes(answer: Any) -> bool:
    """Whether a function answered True; what else it may return says nothing."""
    return isinstance(answer, (bool, np.bool_)) and bool(answer)
