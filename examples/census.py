"""Data analysis: what the answers of a census tell about who earns more than 50,000 dollars.

The table is UCI's "Adult" (Becker and Kohavi, 1996), which ships with chainrule::

    python examples/census.py

A network is trained on the raw table. Then each column is shuffled among the test rows, which
leaves all else as it is: how much worse the network gets says how much it leans on the column
(Breiman, "Random forests", 2001). docs/examples.md shows what comes out.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from chainrule.app.model import Model
from chainrule.app.training import choose_settings, fit, open_examples
from chainrule.app.training.preparation import Wishes
from chainrule.data.scores import score_classes


def importance(model: Model, rows: Any, truth: Any, repeats: int) -> dict[str, tuple[float, float]]:
    """Shuffle each column among the rows; give the mean loss of the area under ROC, and its error.

    Parameters
    ----------
    model
        What is asked.
    rows
        A table of test rows.
    truth
        Their encoded classes, int32 [n].
    repeats
        How often each column is shuffled.
    """
    random = np.random.default_rng(0)
    whole = score_classes(truth, model.predict_proba(rows))["auc"]
    found = {}
    for column in (each.name for each in model.encoder.columns):
        losses = []
        for _ in range(repeats):
            mixed = rows[column].gather(random.permutation(rows.height))
            shuffled = rows.with_columns(mixed.alias(column))
            losses.append(whole - score_classes(truth, model.predict_proba(shuffled))["auc"])
        found[column] = (float(np.mean(losses)), float(np.std(losses)))
    return dict(sorted(found.items(), key=lambda each: -each[1][0]))


def profile_of(model: Model, rows: Any, column: str, values: Sequence[Any]) -> dict[Any, float]:
    """Set a column to one value in all rows; give the mean probability of the second class.

    Friedman's partial dependence ("Greedy function approximation", 2001).
    """
    import polars as pl

    changed = {
        value: rows.with_columns(pl.lit(value).cast(rows[column].dtype).alias(column))
        for value in values
    }
    return {
        value: float(model.predict_proba(table)[:, 1].mean()) for value, table in changed.items()
    }


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Train, and print what the network leans on."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", nargs="?", default="sample:adult")
    parser.add_argument("--target", default=None)
    parser.add_argument("--epochs", type=int, default=None)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args(arguments)
    opened = open_examples(chosen.source, chosen.target, Wishes(), "table")
    prepared = opened.prepared(opened.split())
    outcome = fit(prepared, choose_settings(prepared, {"epochs": chosen.epochs}))
    model, test = outcome.model, prepared.test
    console = Console()
    scores = model.report["test"]["scores"]
    console.print(
        f"{len(prepared.train):,} rows train, {len(test):,} test: accuracy "
        f"{scores['accuracy']:.3f}, area under ROC {scores['auc']:.3f}"
    )
    rows = opened.frame[test.rows]
    found = importance(model, rows, test.target, chosen.repeats)
    table = Table(title="What the network leans on", title_justify="left")
    for title in ("column", "area lost when shuffled", "±"):
        table.add_column(title, justify="left" if title == "column" else "right")
    for name, (mean, error) in found.items():
        table.add_row(name, f"{mean:.4f}", f"{error:.4f}")
    console.print(table)
    profiles = {}
    for column in list(found)[:3]:
        cells = rows[column].drop_nulls()
        if cells.dtype.is_numeric():
            usual = cells.median()
            rest = cells.filter(cells != usual)  # a column may hold little but zeros
            values = sorted({usual, *(rest.quantile(q, "nearest") for q in (0.1, 0.3, 0.7, 0.9))})
        else:
            values = cells.value_counts(sort=True)[column].to_list()[:5]
        profiles[column] = profile_of(model, rows, column, list(dict.fromkeys(values)))
        said = ", ".join(f"{value}: {share:.2f}" for value, share in profiles[column].items())
        console.print(f"{column}, set for all: {said}", soft_wrap=True)
    return {"scores": scores, "importance": found, "profiles": profiles}


if __name__ == "__main__":
    main()
