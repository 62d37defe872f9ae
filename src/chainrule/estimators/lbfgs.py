"""L-BFGS over the whole table: SciPy's, as scikit-learn calls it, on our compiled gradient."""

from __future__ import annotations

import warnings
from time import perf_counter
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from chainrule.estimators.design import Weights, cut_vector, joined_vector
from chainrule.estimators.observers import Observers
from chainrule.estimators.programs import surface
from chainrule.estimators.settings import computing_dtype, design_of
from chainrule.estimators.split import Examples
from chainrule.tracing import map_leaves
from chainrule.train import EpochRecord

_STOPPED = 99  # SciPy's status where a callback raised StopIteration


def minimise(model: Any, examples: Examples, observers: Observers) -> None:
    """Fit a perceptron by L-BFGS and set its learnt attributes.

    Parameters
    ----------
    model
        The estimator.
    examples
        Encoded rows, all at once.
    observers
        Who looks on; an iteration is shown as an epoch.
    """
    design = design_of(model, computing_dtype(model))
    if any(design.dropout):
        raise ValueError("dropout needs the solver 'sgd' or 'adam', not 'lbfgs'")
    if model.clip is not None:
        raise ValueError("clip needs the solver 'sgd' or 'adam', not 'lbfgs'")
    weights: Weights = map_leaves(lambda x: np.asarray(x, design.dtype), model._weights())
    batch = {
        "inputs": np.ascontiguousarray(examples.X, design.dtype),
        "targets": np.asarray(examples.y, design.target_type(1).dtype),
    }
    weighted = examples.weight is not None
    if weighted:
        batch["weight"] = np.asarray(examples.weight, design.dtype)
    runs = min(model.max_iter, model.max_fun)
    program = surface(design, weighted, len(examples), model.executor, runs)
    alpha = np.asarray(model.alpha, design.dtype)
    began = perf_counter()
    first = joined_vector(weights)
    last: list[float] = []
    reached = [first]

    def evaluate(point: Any) -> tuple[float, Any]:
        value, shown, gradients = program(cut_vector(point, weights), batch, alpha)
        slope = joined_vector(gradients)
        last[:] = [float(shown), float(np.sqrt(slope @ slope))]
        # scikit-learn hands over what it reports, which for several numeric outputs is not what
        # its gradient belongs to; the line search needs the one that is.
        return float(value), slope

    def note(intermediate_result: Any) -> None:
        reached.append(intermediate_result.x.copy())
        del reached[:-1]
        model.loss_curve_.append(last[0])
        model.n_iter_ += 1
        record = EpochRecord(
            epoch=len(model.loss_curve_),
            train_loss=model.loss_curve_[-1],
            gradient_norm=last[1],
            seconds=perf_counter() - began,
        )
        model._records.append(record)
        if observers.present:
            model._set_weights(cut_vector(reached[0], weights))
            observers.begin_epoch()
            if observers.end_epoch(record, model._fitted_attributes):
                raise StopIteration

    model.n_iter_ = 0
    try:
        found = minimize(
            evaluate,
            first,
            jac=True,
            method="L-BFGS-B",
            callback=note,
            options={"maxfun": model.max_fun, "maxiter": model.max_iter, "gtol": model.tol},
        )
        reached[0] = found.x
        if found.status not in (0, _STOPPED):
            model.n_iter_ = min(found.nit, model.max_iter)
            warnings.warn(_advice(model, found), ConvergenceWarning, stacklevel=2)
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=2)
    evaluate(reached[0])
    model.loss_ = last[0]
    model._set_weights(cut_vector(reached[0], weights))


def _advice(model: Any, found: Any) -> str:
    said = (
        f"lbfgs failed to converge after {model.n_iter_} iteration(s) "
        f"(status={found.status}):\n{found.message}\n"
    )
    if model.n_iter_ == model.max_iter:
        said += (
            "\nIncrease the number of iterations to improve the "
            f"convergence (max_iter={model.max_iter})."
        )
    return said + (
        "\nYou might also want to scale the data as shown in:\n"
        "    https://scikit-learn.org/stable/modules/preprocessing.html"
    )
