"""``python -m benchmarks.estimators``: ours and scikit-learn's perceptrons on real tables.

Each table is split the same for both, into five folds or with a fifth of the rows for the test.
Ours take the raw table; scikit-learn's perceptrons stand behind the usual pipeline, with the same
hidden layers. Settings were chosen without the test rows. The seconds are those of all fits and
predictions of the test rows. After that, each library does 300 small fits in a process of its own.
"""

from __future__ import annotations

import argparse
import platform
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import sklearn
from rich.console import Console
from rich.table import Table
from sklearn.compose import (
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold, StratifiedShuffleSplit
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler

from benchmarks.record import processor
from benchmarks.small_fits import COLUMNS, ROWS, in_its_own_process
from benchmarks.threads import cores
from chainrule import MLPClassifier, MLPRegressor
from chainrule.data import load_sample, read_table

PAGE = Path(__file__).parents[1] / "docs" / "estimators.md"
BEGIN = "<!-- measured: `python -m benchmarks.estimators --publish` writes what follows -->\n"
END = "<!-- measured: end -->\n"
FITS = 300


@dataclass(frozen=True)
class Case:
    """A table, and how both libraries learn it.

    Parameters
    ----------
    name, source
        For people; and a sample or a path.
    target
        The column to predict.
    wanted
        Scores to reach.
    settings
        Of the perceptrons of both.
    ours, theirs
        Make an estimator of the settings.
    about
        What differs from both defaults, in words.
    whole
        Whether each row tests once, in five folds; else a fifth of the rows does.
    """

    name: str
    source: str
    target: str
    wanted: dict[str, float]
    settings: dict[str, Any]
    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    about: str
    whole: bool = True


def _ours_of_classes(**settings: Any) -> Any:
    return MLPClassifier(encode=True, **settings)


def _ours_of_numbers(**settings: Any) -> Any:
    return MLPRegressor(encode=True, **settings)


def _theirs_of_classes(**settings: Any) -> Any:
    return make_pipeline(StandardScaler(), TheirClassifier(**settings))


def _theirs_of_a_table(**settings: Any) -> Any:
    texts = make_column_selector(dtype_exclude="number")
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=10), texts),
        remainder=StandardScaler(),
    )
    return make_pipeline(columns, TheirClassifier(**settings))


def _theirs_of_numbers(**settings: Any) -> Any:
    scaled = make_pipeline(StandardScaler(), TheirRegressor(**settings))
    return TransformedTargetRegressor(scaled, transformer=StandardScaler())


def _theirs_of_quantiles(**settings: Any) -> Any:
    places = QuantileTransformer(output_distribution="normal", random_state=0)
    scaled = make_pipeline(places, TheirRegressor(**settings))
    return TransformedTargetRegressor(scaled, transformer=StandardScaler())


STOPPING = {"early_stopping": True, "random_state": 0}
CASES = (
    Case(
        *("Adult", "sample:adult", "income", {"accuracy": 0.852, "AUC": 0.907}),
        *(STOPPING, _ours_of_classes, _theirs_of_a_table),
        "`early_stopping=True`",
        whole=False,
    ),
    Case(
        *("digits", "sample:digits", "digit", {"accuracy": 0.97}),
        *({"random_state": 0}, _ours_of_classes, _theirs_of_classes),
        "",
    ),
    Case(
        *("breast cancer", "sample:breast-cancer", "diagnosis", {"accuracy": 0.97}),
        *({"random_state": 0}, _ours_of_classes, _theirs_of_classes),
        "",
    ),
    Case(
        *("wine", "sample:wine", "cultivar", {"accuracy": 0.97}),
        *({"random_state": 0}, _ours_of_classes, _theirs_of_classes),
        "",
    ),
    Case(
        *("diabetes", "sample:diabetes", "progression", {"R²": 0.45}),
        *(STOPPING, _ours_of_numbers, _theirs_of_numbers),
        "`early_stopping=True`",
    ),
)


def california(path: str) -> Case:
    """Make the case of California housing, which needs a file: the last column is the target."""
    settings = {**STOPPING, "hidden_layer_sizes": (64, 64)}
    return Case(
        *("California housing", path, read_table(path).columns[-1], {"RMSE": 0.52}),
        *(settings, lambda **s: MLPRegressor(scaling="quantile", **s), _theirs_of_quantiles),
        "`(64, 64)`, `early_stopping=True`, quantiles",
        whole=False,
    )


def measure(case: Case, rows: int | None = None) -> dict[str, Any]:
    """Train both libraries on the same rows and score them on the same others.

    Parameters
    ----------
    case
        What to learn.
    rows
        Take the first rows only, to see that everything works; None for all.
    """
    sample = case.source.startswith("sample:")
    frame = load_sample(case.source[7:]).frame if sample else read_table(case.source)
    frame = frame if rows is None else frame.sample(min(rows, frame.height), seed=0)
    table, answers = frame.drop(case.target), frame[case.target].to_numpy()
    parts = list(_parts(case, answers))
    found: dict[str, Any] = {"name": case.name, "wanted": case.wanted, "about": case.about}
    for library, make in (("ours", case.ours), ("theirs", case.theirs)):
        scores: list[dict[str, float]] = []
        seconds = 0.0
        # scikit-learn needs a gap to be a level of its own.
        given = table if library == "ours" else table.to_pandas().fillna("missing")
        for train, test in parts:
            left, right = (_rows(given, part) for part in (train, test))
            began = perf_counter()
            model = make(**case.settings).fit(left, answers[train])
            scores.append(_scores(model, right, answers[test]))
            seconds += perf_counter() - began
        means = {name: float(np.mean([s[name] for s in scores])) for name in scores[0]}
        found[library] = {"scores": means, "seconds": seconds}
    return found


def _rows(table: Any, rows: Any) -> Any:
    return table.iloc[rows] if hasattr(table, "iloc") else table[rows]


def _parts(case: Case, answers: Any) -> Iterator[tuple[Any, Any]]:
    classes = answers.dtype.kind not in "f"
    splitter: Any
    if case.whole:
        splitter = (StratifiedKFold if classes else KFold)(5, shuffle=True, random_state=0)
    else:
        shuffle = StratifiedShuffleSplit if classes else ShuffleSplit
        splitter = shuffle(1, test_size=0.2, random_state=0)
    return splitter.split(np.zeros(len(answers)), answers)


def _scores(model: Any, table: Any, truth: Any) -> dict[str, float]:
    if not hasattr(model, "predict_proba"):
        found = model.predict(table)
        return {"R²": r2_score(truth, found), "RMSE": root_mean_squared_error(truth, found)}
    shares = model.predict_proba(table)
    scores = {"accuracy": accuracy_score(truth, model.classes_[shares.argmax(axis=1)])}
    if len(model.classes_) == 2:
        scores["AUC"] = roc_auc_score(truth == model.classes_[1], shares[:, 1])
    return scores


# ---------------------------------------------------------------------------------------------
# What is shown.


def lines(record: dict[str, Any]) -> list[list[str]]:
    """Give the cells of the table of scores, a row for each score."""
    cells = []
    for case in record["cases"]:
        for i, (name, least) in enumerate(case["wanted"].items()):
            ours, theirs = (case[library]["scores"][name] for library in ("ours", "theirs"))
            sign = "≤" if name == "RMSE" else "≥"
            times = [f"{case[library]['seconds']:.1f} s" for library in ("ours", "theirs")]
            table = f"{case['name']}{', ' + case['about'] if case['about'] else ''}"
            last = times if i == 0 else ["", ""]
            shown = [f"{ours:.4f}", f"{theirs:.4f}"]
            cells.append([table if i == 0 else "", name, f"{sign} {least}", *shown, *last])
    return cells


TITLES = (
    "table, settings",
    "score",
    "to reach",
    "ours",
    "scikit-learn's",
    "ours",
    "scikit-learn's",
)


def markdown(record: dict[str, Any]) -> str:
    """Write a run's figures for the page."""
    fits = record["small"]
    said = [
        f"{name} {x['seconds']:.1f} s, memory {x['before']:.0f} MB before and {x['after']:.0f} MB "
        "after"
        for name, x in (("ours", fits["ours"]), ("scikit-learn's", fits["theirs"]))
    ]
    head = [
        f"Taken on {record['date']} with {record['threads']} threads of {record['processor']}, "
        f"scikit-learn {record['sklearn']}, Python {record['python']}.",
        "",
        "| " + " | ".join(TITLES) + " |",
        "| --- | --- | --: | --: | --: | --: | --: |",
    ]
    body = ["| " + " | ".join(row) + " |" for row in lines(record)]
    tail = ["", f"{fits['count']} fits of {ROWS} rows and {COLUMNS} columns: {'; '.join(said)}."]
    return "\n".join([*head, *body, *tail]) + "\n"


def with_figures(page: str, record: dict[str, Any]) -> str:
    """Put a run's figures between the marks on the page."""
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{PAGE.name} has lost the marks between which figures are written")
    return f"{before}{BEGIN}{markdown(record)}{END}{after}"


def run(cases: Sequence[Case], rows: int | None = None, fits: int = FITS) -> dict[str, Any]:
    """Measure everything; see `measure` and `benchmarks.small_fits`."""
    return {
        "date": date.today().isoformat(),
        "processor": processor(),
        "threads": cores(),
        "sklearn": sklearn.__version__,
        "python": platform.python_version(),
        "cases": [measure(case, rows) for case in cases],
        "small": {
            "count": fits,
            **{library: in_its_own_process(library, fits) for library in ("ours", "theirs")},
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for; give the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.estimators", description=__doc__)
    parser.add_argument("--california", metavar="PATH", help="a table of California housing")
    parser.add_argument("--smoke", action="store_true", help="only see that everything works")
    parser.add_argument("--publish", action="store_true", help=f"write {PAGE.name}")
    chosen = parser.parse_args(arguments)
    # Neither library's advice to train for longer is news here.
    warnings.simplefilter("ignore")
    cases = [*CASES, california(chosen.california)] if chosen.california else [*CASES]
    record = run(cases, 200, 2) if chosen.smoke else run(cases)
    table = Table(*TITLES)
    for row in lines(record):
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 150).print(table)
    print(record["small"])
    if chosen.publish:
        PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8"), record), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
