"""Train, score beside the baseline, and make the model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, Generic, TypeVar

from chainrule import __version__
from chainrule.app.model import ForecastModel, LanguageModel, Model, compare, guess
from chainrule.app.training.preparation import Part, Prepared
from chainrule.app.training.settings import Settings, trainer
from chainrule.train.run import Run

AnyModel = TypeVar("AnyModel", Model, LanguageModel, ForecastModel)

INTERRUPTED = "interrupted"
"""Why a run stopped after Ctrl-C."""


@dataclass(frozen=True, eq=False)
class Outcome(Generic[AnyModel]):
    """A trained model, and how it came about.

    Parameters
    ----------
    model
        What to save; its report holds the rest as JSON.
    run
        The training.
    """

    model: AnyModel
    run: Run

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training."""
        return self.run.stopped_because == INTERRUPTED

    @property
    def untrained(self) -> bool:
        """Whether not even one epoch was done."""
        return not len(self.run.history)


def fit(prepared: Prepared, settings: Settings, progress: bool | str = False) -> Outcome[Model]:
    """Train a network on a prepared table and score it on the test rows.

    Without test rows the scores are of the training rows, and the report says so.

    Raises
    ------
    DivergenceError
        If NaN or infinity appears; the message says where and what to try.
    """
    began = perf_counter()
    run = train(prepared, settings, progress)
    seconds = perf_counter() - began
    model = Model.of(run.network, prepared.encoder, prepared.target)
    of, part = scored(prepared)
    report = {
        **_about(prepared),
        "settings": settings.to_dict(),
        "training": {
            "epochs": len(run.history),
            "best_epoch": run.best_epoch,
            "stopped_because": run.stopped_because,
            "seconds": round(seconds, 3),
        },
        "test": {
            "of": of,
            "rows": len(part),
            **compare(prepared.target, part.target, model.run_encoded(part.inputs)),
        },
        "baseline": baseline_scores(prepared),
    }
    shares = prepared.shares.tolist()
    return Outcome(replace(model, shares=shares, report=report, version=__version__), run)


def train(prepared: Prepared, settings: Settings, progress: bool | str = False) -> Run:
    """Train a network on the training rows, watched by the validation rows."""
    validation = prepared.validation
    loader = prepared.train.loader
    return trainer(prepared, settings, progress).fit(
        prepared.train.inputs if loader is None else loader,
        prepared.train.target if loader is None else None,
        X_val=validation.inputs if len(validation) else None,
        y_val=validation.target if len(validation) else None,
    )


def _about(prepared: Prepared) -> dict[str, Any]:
    """Say what was learnt from, as JSON."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": prepared.name,
        "target": prepared.target.name,
        "task": prepared.target.task,
        "classes": list(prepared.target.classes),
        "rows": {
            "read": prepared.rows,
            "unlabelled": prepared.unlabelled,
            "train": len(prepared.train),
            "validation": len(prepared.validation),
            "test": len(prepared.test),
        },
        "columns": list(prepared.encoder.describe()),
        "notes": list(prepared.notes),
        "findings": [
            {"rule": each.rule, "columns": list(each.columns), "text": each.text}
            for each in prepared.findings
        ],
    }


def scored(prepared: Prepared) -> tuple[str, Part]:
    """Give the part that the scores are of, and its name: the test rows, if there are any."""
    if len(prepared.test):
        return "test", prepared.test
    return "training", prepared.train


def baseline_scores(prepared: Prepared) -> dict[str, float | None]:
    """Score what needs no network: the training rows' shares of classes, or their mean."""
    _, part = scored(prepared)
    alike = guess(prepared.target, prepared.shares.tolist(), len(part))
    scores: dict[str, float | None] = compare(prepared.target, part.target, alike)["scores"]
    return scores
