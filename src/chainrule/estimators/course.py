"""A fit by minibatches, under scikit-learn's rules about when to stop and when to slow down."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from chainrule import random
from chainrule.estimators.descent import Descent, SolverState
from chainrule.estimators.design import Weights
from chainrule.estimators.observers import Observers
from chainrule.estimators.programs import Training, table_rows, without_rate
from chainrule.estimators.rows import RowOrder
from chainrule.estimators.settings import (
    batch_size_of,
    clip_of,
    computing_dtype,
    design_of,
    has_schedule,
    solver_of,
    workers_of,
)
from chainrule.estimators.split import Examples
from chainrule.tracing import map_leaves, spec_of
from chainrule.train import EpochRecord
from chainrule.train.schedules import rate_at

_SLOWEST = 1e-6  # "adaptive" does not divide a learning rate below this


class Course:
    """One fit of a perceptron by minibatch descent.

    Parameters
    ----------
    model
        The estimator, whose learnt attributes are kept up to date.
    training
        Encoded rows.
    validation
        Rows that are scored after every epoch, or None.
    single
        Whether this is `partial_fit`: one epoch.
    observers
        Who looks on.
    """

    def __init__(
        self,
        model: Any,
        training: Examples,
        validation: Examples | None,
        single: bool,
        observers: Observers,
    ) -> None:
        self._model = model
        self._validation = validation
        self._single = single
        self._observers = observers
        self._rows = len(training)
        self._epochs = 1 if single else model.max_iter
        self._optimiser, self._rate = solver_of(model)
        self._descent = self._started(training)
        self._seconds = 0.0

    def _started(self, examples: Examples) -> Descent:
        """Compile the step and put everything in its place."""
        model = self._model
        size = batch_size_of(model, self._rows, model._encodes)
        filled = self._rows if size == self._rows else table_rows(self._rows)
        design = design_of(model, computing_dtype(model))
        weighted = examples.weight is not None
        program = Training(
            design,
            without_rate(self._optimiser),
            clip_of(model),
            weighted,
            filled,
            size,
            workers_of(model),
        )
        state: SolverState | None = getattr(model, "_optimizer", None)
        known = state is not None and _types(state.memory) == _types(program.memory_types())
        past = state.steps if state is not None and known and self._single else 0
        steps = past + self._epochs * -(-self._rows // size)
        plan = program.plan(model.executor, steps)
        weights: Weights = map_leaves(lambda x: np.asarray(x, design.dtype), model._weights())
        if state is not None and known and self._single:
            self._rate = state.learning_rate
        elif state is not None and known:
            state = SolverState(self._rate, state.steps, state.memory)
        else:
            state = SolverState(self._rate, 0, self._optimiser.initial(weights))
        data = {
            "inputs": _filled(examples.X, filled, design.dtype),
            "targets": _filled(examples.y, filled, design.target_type(filled).dtype),
            "alpha": np.asarray(model.alpha, design.dtype),
        }
        if weighted:
            data["weight"] = _filled(examples.weight, filled, design.dtype)
        if any(design.dropout):
            data["key"] = random.key(int(model._random_state.randint(2**31 - 1)))
        order = RowOrder(self._rows, model._random_state if model.shuffle else None)
        each = (
            self._observers.present
            or self._validation is not None
            or has_schedule(model, "invscaling")
        )
        return Descent(plan, weights, state, data, order, self._rows, each)

    def run(self) -> None:
        """Train until a rule says stop."""
        try:
            self._run()
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        self._model._set_weights(self._descent.weights())
        self._model._optimizer = self._descent.state()

    def _run(self) -> None:
        model = self._model
        model.n_iter_ = 0
        while model.n_iter_ < self._epochs:
            self._observers.begin_epoch()
            records = self._descent.advance(self._epochs - model.n_iter_)
            for i, epoch in enumerate(zip(*records.values(), strict=True)):
                wish = self._note(dict(zip(records, map(float, epoch), strict=True)))
                if model._no_improvement_count > model.n_iter_no_change:
                    self._descent.back_to(i + 1)
                    if self._gives_up():
                        return
                    model._no_improvement_count = 0
                    break
                if wish:
                    return
        if not self._single:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({model.max_iter}) "
                "reached and the optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=2,
            )

    def _note(self, epoch: dict[str, float]) -> bool:
        """Take an epoch into account; tell whether an observer wants to stop after it."""
        model = self._model
        model.n_iter_ += 1
        model.t_ += self._rows
        model.loss_ = epoch["loss"]
        model.loss_curve_.append(model.loss_)
        self._seconds += epoch["seconds"]
        if model.verbose:
            print(f"Iteration {model.n_iter_}, loss = {model.loss_:.8f}")
        score = self._score()
        if model.early_stopping:
            self._judge_score(score)
        else:
            self._judge_loss(model.loss_)
        record = EpochRecord(
            epoch=len(model.loss_curve_),
            train_loss=model.loss_,
            gradient_norm=epoch["gradient_norm"],
            seconds=self._seconds,
            learning_rate=self._rate_of(epoch["step"]),
            metric=score,
        )
        model._records.append(record)
        if has_schedule(model, "invscaling"):
            self._set_rate(float(model.learning_rate_init) / (model.t_ + 1) ** model.power_t)
        if not self._observers.present:
            return False
        model._set_weights(self._descent.weights())
        return self._observers.end_epoch(record, model._fitted_attributes)

    def _score(self) -> float | None:
        """Score the validation rows with the weights of now."""
        model = self._model
        if self._validation is None:
            return None
        model._set_weights(self._descent.weights())
        score: float = model._score_of(self._validation)
        model.validation_scores_.append(score)
        if model.verbose:
            print(f"Validation score: {score:f}")
        return score

    def _judge_score(self, score: Any) -> None:
        """Count epochs whose score is no better than the best one by `tol`; keep the best."""
        model = self._model
        worse = score < model.best_validation_score_ + model.tol
        model._no_improvement_count = model._no_improvement_count + 1 if worse else 0
        if score > model.best_validation_score_:
            model.best_validation_score_ = score
            model._best_coefs = [x.copy() for x in model.coefs_]
            model._best_intercepts = [x.copy() for x in model.intercepts_]

    def _judge_loss(self, loss: float) -> None:
        """Count epochs whose loss is no better than the best one by `tol`."""
        model = self._model
        worse = loss > model.best_loss_ - model.tol
        model._no_improvement_count = model._no_improvement_count + 1 if worse else 0
        if loss < model.best_loss_:  # which NaN is not
            model.best_loss_ = loss

    def _gives_up(self) -> bool:
        """Stop, unless a smaller learning rate may still help."""
        model = self._model
        what = "Validation score" if model.early_stopping else "Training loss"
        said = (
            f"{what} did not improve more than tol={model.tol:f} "
            f"for {model.n_iter_no_change} consecutive epochs."
        )
        adapts = has_schedule(model, "adaptive")
        ends = not adapts or self._rate <= _SLOWEST
        if not adapts:
            said += " Stopping."
        elif ends:
            said += " Learning rate too small. Stopping."
        else:
            self._set_rate(self._rate / 5.0)
            said += f" Setting learning rate to {self._rate:f}"
        if model.verbose:
            print(said)
        return ends

    def _set_rate(self, rate: float) -> None:
        self._rate = rate
        self._descent.set_rate(rate)

    def _rate_of(self, step: float) -> float:
        rate = self._optimiser.learning_rate
        if not callable(rate):
            return self._rate
        return float(rate_at(rate, step, "float64"))


def _filled(array: Any, rows: int, dtype: str) -> Any:
    """Bring an array to a dtype and, by zeros, to a number of rows."""
    array = np.asarray(array, dtype)
    if len(array) == rows:
        return np.ascontiguousarray(array)
    table = np.zeros((rows, *array.shape[1:]), dtype)
    table[: len(array)] = array
    return table


def _types(tree: Any) -> Any:
    return map_leaves(spec_of, tree)
