"""Cross-validation: a model for each fold, and at the end one of all rows, which is kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.app.model import Model, Predictions, compare
from chainrule.app.training.fitting import Outcome, baseline_scores, fit
from chainrule.app.training.preparation import Opened, Prepared
from chainrule.app.training.settings import Settings
from chainrule.data import TargetEncoder

Scores = Mapping[str, float | None]


@dataclass(frozen=True, eq=False)
class Fold:
    """A model that was trained for one fold, on what it was tested.

    Parameters
    ----------
    prepared
        The rows.
    outcome
        The model, with its scores.
    """

    prepared: Prepared
    outcome: Outcome[Model]

    @property
    def facts(self) -> dict[str, Any]:
        """What the report of all folds says about this one."""
        report = self.outcome.model.report
        counts = {name: report["rows"][name] for name in ("train", "validation", "test")}
        return {
            **counts,
            "epochs": report["training"]["epochs"],
            "scores": report["test"]["scores"],
        }


def fit_folds(
    opened: Opened,
    count: int,
    settings: Callable[[Prepared], Settings],
    progress: bool | str = False,
) -> Iterator[Fold]:
    """Train and test a model for each fold.

    Parameters
    ----------
    opened
        The table.
    count
        How many folds; see `Opened.folds`.
    settings
        Chooses how to train.
    progress
        As for `fit`.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C ends the training of a fold: the scores of the folds need each of them.
    """
    for parts in opened.folds(count):
        prepared = opened.prepared(parts)
        outcome = fit(prepared, settings(prepared), progress)
        if outcome.interrupted:
            raise KeyboardInterrupt
        yield Fold(prepared, outcome)


def with_folds(outcome: Outcome[Model], opened: Opened, folds: Sequence[Fold]) -> Outcome[Model]:
    """Put the scores of folds into the report of the model that was trained on all rows.

    ``test`` then holds the means over the folds and, as ``deviations``, how far the folds lie
    apart (with one less than their number below the root); what went wrong is counted over the
    test rows of all folds. ``folds`` holds the facts of each fold.

    Parameters
    ----------
    outcome
        The model of all rows.
    opened
        The table.
    folds
        At least two.
    """
    facts = [fold.facts for fold in folds]
    means, deviations = _moments([each["scores"] for each in facts])
    baseline, _ = _moments([baseline_scores(fold.prepared) for fold in folds])
    compared = _together(outcome.model.target, opened, folds)
    notes = list(outcome.model.report["notes"])
    for number, fold in enumerate(folds, start=1):
        fresh = [note for note in fold.prepared.notes if note not in notes]
        notes += [f"fold {number}: {note}" for note in fresh]
    report = {
        **outcome.model.report,
        "notes": notes,
        "test": {"of": "test", **compared, "scores": means, "deviations": deviations},
        "baseline": baseline,
        "folds": facts,
    }
    return replace(outcome, model=replace(outcome.model, report=report))


def _moments(scores: Sequence[Scores]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give mean and deviation of each score over the folds that have it."""
    means: dict[str, float | None] = {}
    deviations: dict[str, float | None] = {}
    for name in scores[0]:
        known = [x for each in scores if (x := each.get(name)) is not None and math.isfinite(x)]
        means[name] = float(np.mean(known)) if known else None
        deviations[name] = float(np.std(known, ddof=1)) if len(known) > 1 else None
    return means, deviations


def _together(target: TargetEncoder, opened: Opened, folds: Sequence[Fold]) -> dict[str, Any]:
    """Compare what each fold predicted for its test rows with the truth, all at once.

    Each fold knows classes and scales of its own; here all are brought to those of the model that
    is kept.
    """
    rows = np.concatenate([fold.prepared.test.rows for fold in folds])
    found = [fold.outcome.model.run_encoded(fold.prepared.test.inputs) for fold in folds]
    shares = None
    if target.classes:
        pairs = zip(found, folds, strict=True)
        shares = np.concatenate([_placed(x.probabilities, f.prepared, target) for x, f in pairs])
    values = np.concatenate([each.values for each in found])
    known = target.knows(opened.frame[rows])
    truth = target.encode(opened.frame[rows[known]])
    kept = Predictions(values[known], None if shares is None else shares[known])
    return {"rows": len(truth), **compare(target, truth, kept)}


def _placed(shares: Any, prepared: Prepared, target: TargetEncoder) -> NDArray[Any]:
    """Put the probabilities of a fold's classes [n, k] in the order of another target's."""
    places = {label: i for i, label in enumerate(target.classes)}
    placed = np.zeros((len(shares), len(places)), shares.dtype)
    for label, column in zip(prepared.target.classes, shares.T, strict=True):
        if label in places:
            placed[:, places[label]] = column
    return placed
