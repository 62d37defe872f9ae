"""Scores as people read them, shared by the commands that print them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.app.screen import Screen

NAMES = {
    "accuracy": "accuracy",
    "auc": "area under ROC",
    "log_loss": "log loss",
    "r2": "R²",
    "exact": "all labels right",
    "label_accuracy": "labels right",
    "f1": "F1 of all labels",
    "rmse": "root mean square error",
    "mae": "mean absolute error",
    "nats_per_token": "nats per token",
    "nats_per_character": "nats per character",
    "bits_per_character": "bits per character",
}
MOST_CLASSES = 12


def show_scores(screen: Screen, columns: Mapping[str, Mapping[str, float | None]]) -> None:
    """Print scores, a row for each and a column for each model or baseline."""
    first = next(iter(columns.values()))
    rows = [
        [NAMES.get(name, name), *(number(scores.get(name)) for scores in columns.values())]
        for name in first
    ]
    screen.table(["", *columns], rows)


def show_errors(screen: Screen, compared: Mapping[str, Any], classes: Sequence[Any]) -> None:
    """Print where predictions went wrong: confusions, labels, or the spread of the residuals."""
    if "outputs" in compared:
        names = [NAMES[name] for name in next(iter(compared["outputs"].values()))]
        screen.table(
            ["Target", *names],
            [[name, *map(number, scores.values())] for name, scores in compared["outputs"].items()],
        )
        return
    if "labels" in compared:
        counts = zip(map(str, classes), compared["labels"], strict=True)
        titles = ["Label", "rows that have it", "predicted", "rightly"]
        screen.table(titles, [[name, *(f"{n:,}" for n in row)] for name, row in counts])
        return
    if "residuals" in compared:
        screen.say("Residuals (prediction − truth)", "bold")
        residuals = compared["residuals"]
        screen.table([*residuals], [[number(value) for value in residuals.values()]])
        return
    counts = compared["confusion"]
    if len(classes) <= MOST_CLASSES:
        titles = ["Confusion: true ↓ predicted →", *map(str, classes)]
        rows = zip(map(str, classes), counts, strict=True)
        screen.table(titles, [[name, *(f"{n:,}" for n in row)] for name, row in rows])
        return
    wrong = [
        (row[j], str(classes[i]), str(classes[j]))
        for i, row in enumerate(counts)
        for j in range(len(classes))
        if i != j and row[j]
    ]
    wrong.sort(key=lambda each: -each[0])
    if wrong:
        screen.say("Most frequent confusions", "bold")
        most = [[truth, taken, f"{count:,}"] for count, truth, taken in wrong[:10]]
        screen.table(["true", "predicted", "rows"], most, words=2)


def number(value: float | None) -> str:
    """Write a number with four digits that count; a dash for one that does not exist.

    >>> number(0.85541), number(1234567.0), number(None)
    ('0.8554', '1.235e+06', '–')
    """
    return "–" if value is None else f"{value:.4g}"


def in_one_line(scores: Mapping[str, float | None]) -> str:
    """Write scores in a row.

    >>> in_one_line({"accuracy": 0.9, "auc": None})
    'accuracy 0.9'
    """
    return ", ".join(f"{NAMES.get(k, k)} {v:.4g}" for k, v in scores.items() if v is not None)
