"""Estimators in model files: as estimators again, and for `chainrule predict`."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.pipeline import make_pipeline

from chainrule import (
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
    NetworkRegressor,
    NetworkTransformer,
    load_estimator,
    load_model,
    losses,
    nn,
    optim,
    save_model,
)
from chainrule.app.model import Model
from chainrule.errors import ChainruleWarning, DataError, ModelFileError, ParameterError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
D, T = load_diabetes(return_X_y=True)
NAMED = pd.DataFrame(X, columns=["sepal length", "sepal width", "petal length", "petal width"])
PEOPLE = pl.DataFrame(
    {
        "age": [25, None, 47, 51, 33, 62, 28, 45] * 10,
        "city": ["Ulm", "Jena", "Ulm", None, "Bonn", "Jena", "Bonn", "Ulm"] * 10,
    }
)
BUYS = pd.Series(["yes", "no", "yes", "yes", "no", "no", "no", "yes"] * 10, name="buys")
LABELS = np.stack([X[:, 0] > 5.8, X[:, 2] > 3.5], axis=1).astype(int)
SHORT: dict[str, Any] = {"max_iter": 5, "random_state": 0, "executor": "numpy"}
WAVE = optim.AdamW(optim.Cosine(2e-3, steps=500))

CASES: dict[str, tuple[Any, Any, Any]] = {
    "classes": (MLPClassifier(**SHORT), X, Y),
    "truth": (MLPClassifier(**SHORT, early_stopping=True), NAMED, Y > 0),
    "raw": (MLPClassifier(**SHORT, class_weight={"yes": 2.0, "no": 1.0}), PEOPLE, BUYS),
    "labels": (MLPClassifier(**SHORT), X, LABELS),
    "words": (MLPClassifier(**SHORT, optimizer=WAVE, activation=["gelu"]), X[:80], BUYS),
    "number": (MLPRegressor(**SHORT, n_iter_no_change=np.inf), D, T),
    "numbers": (MLPRegressor(**SHORT), D, pd.DataFrame({"a": T, "b": -T})),
    "rate": (MLPRegressor("poisson", **SHORT), D, T),
    "count": (MLPRegressor("poisson", encode=True, **SHORT), D, T),
    "scaled": (MLPRegressor(encode=True, **SHORT), D, T),
    "network of classes": (NetworkClassifier(nn.MLP((6,), 3, dropout=0.1), **SHORT), X, Y),
    "two outputs": (NetworkClassifier(nn.MLP((6,), 2), **SHORT), X, Y > 0),
    "one output": (NetworkClassifier(nn.MLP((6,), 1), **SHORT), PEOPLE, BUYS),
    "network of labels": (NetworkClassifier(**SHORT), X, LABELS),
    "network of a number": (NetworkRegressor(dtype="float64", **SHORT), D, T),
    "network of a rate": (NetworkRegressor(loss=losses.PoissonNLL(), **SHORT), D, T),
    "scaled numbers": (NetworkRegressor(encode=True, **SHORT), D, np.c_[T, 2 * T]),
}


def columns_of(x: Any) -> Any:
    """The rows as a table, whose columns are x0, x1, ... if they have no names."""
    return {f"x{i}": column for i, column in enumerate(x.T)} if isinstance(x, np.ndarray) else x


@pytest.mark.parametrize("case", CASES)
def test_an_estimator_comes_back_and_predicts_the_same(case: str, tmp_path: Path) -> None:
    model, x, y = CASES[case]
    model.fit(x, y)
    save_model(model, tmp_path / "a.chainrule")
    again: Any = load_estimator(tmp_path / "a.chainrule")
    assert repr(again) == repr(model)
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(model, method):
            expected, found = getattr(model, method)(x), getattr(again, method)(x)
            np.testing.assert_array_equal(found, expected)
            assert found.dtype == expected.dtype
    assert again.history_.equals(model.history_)
    for name in ("n_iter_", "loss_", "n_features_in_", "loss_curve_", "validation_scores_"):
        assert getattr(again, name, None) == getattr(model, name, None)
    save_model(again, tmp_path / "b.chainrule")
    assert (tmp_path / "a.chainrule").read_bytes() == (tmp_path / "b.chainrule").read_bytes()

    filed = load_model(tmp_path / "a.chainrule").predict(columns_of(x))
    if filed.dtype.kind == "f":
        # Inputs of files are float32, of 24 bits; those of the estimator may be float64.
        np.testing.assert_allclose(filed, model.predict(x), rtol=2e-6)
    else:
        np.testing.assert_array_equal(filed, model.predict(x))


def test_names_of_rows_and_targets_are_those_of_the_fit_or_given(tmp_path: Path) -> None:
    path = tmp_path / "m.chainrule"
    model, x, y = CASES["raw"]
    save_model(model.fit(x, y), path)
    scores = load_model(path).evaluate(x.with_columns(buys=pl.Series(BUYS)))["scores"]
    assert scores["accuracy"] == model.score(x, y)
    plain = MLPRegressor(**SHORT).fit(X[:, :2], X[:, 2])
    save_model(plain, path, columns=["length", "width"], target="petal")
    table = {"width": X[:, 1], "length": X[:, 0], "petal": X[:, 2]}
    found = load_model(path).evaluate(table)
    assert found["scores"]["r2"] == pytest.approx(plain.score(X[:, :2], X[:, 2]), rel=1e-5)
    assert found["baseline"]["r2"] == pytest.approx(0, abs=1e-12)  # the mean of what it learnt
    with pytest.raises(DataError, match="columns should be 2 different names, received 'a'"):
        save_model(plain, path, columns=["a"])
    with pytest.raises(DataError, match="that no column of X has, received 'length'"):
        save_model(plain, path, columns=["length", "width"], target="length")
    with pytest.raises(DataError, match="columns are for a model of plain numbers"):
        save_model(model, path, columns=["a", "b"])
    with pytest.raises(ParameterError, match="columns and target name those of an estimator"):
        save_model(load_model(path), path, target="z")


def test_training_goes_on_after_loading(tmp_path: Path) -> None:
    path = tmp_path / "m.chainrule"
    save_model(MLPClassifier(**SHORT, warm_start=True, early_stopping=True).fit(X, Y), path)
    again: Any = load_estimator(path)
    before = again.score(X, Y)
    again.set_params(max_iter=60, learning_rate_init=0.01).fit(X, Y)
    assert again.score(X, Y) > before
    save_model(MLPRegressor(**SHORT).fit(D, T), path)
    again = load_estimator(path)
    assert again.partial_fit(D, T).t_ == 6 * len(D)


def test_what_only_training_needs_is_left_out_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "m.chainrule"
    model = NetworkClassifier(lambda n: nn.MLP((4,), n), callbacks=[lambda _: False], **SHORT)
    model.fit(X, Y)
    with pytest.warns(ChainruleWarning, match="does not hold 'callbacks', 'network', which is not"):
        save_model(model, path)
    again: Any = load_estimator(path)
    assert again.callbacks is None
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


class Own(nn.Module):
    """A layer that is not chainrule's."""

    body: nn.Module = nn.Dense(3)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Compute the outputs."""
        return self.body(x)


def test_layers_of_ones_own_predict_from_a_file_but_make_no_estimator(tmp_path: Path) -> None:
    path = tmp_path / "m.chainrule"
    model = NetworkClassifier(Own(), **SHORT).fit(X, Y)
    with pytest.warns(ChainruleWarning, match="does not hold 'network'"):
        save_model(model, path)
    np.testing.assert_array_equal(load_model(path).predict(columns_of(X)), model.predict(X))
    with pytest.raises(ModelFileError, match="has layers that are not chainrule's"):
        load_estimator(path)


def test_what_a_file_cannot_hold_is_said(tmp_path: Path) -> None:
    path = tmp_path / "m.chainrule"
    with pytest.raises(DataError, match="cannot hold a Pipeline: it holds what chainrule trained"):
        save_model(make_pipeline(MLPClassifier()), path)
    with pytest.raises(DataError, match="cannot hold a NetworkTransformer"):
        save_model(NetworkTransformer(**SHORT), path)
    with pytest.raises(ValueError, match="is not fitted yet"):
        save_model(MLPClassifier(), path)
    hinge = NetworkClassifier(nn.Dense(1), loss=losses.Hinge(), **SHORT).fit(X, Y > 0)
    with pytest.raises(DataError, match="which the outputs of Hinge are not"):
        save_model(hinge, path)
    bell = NetworkRegressor(nn.Dense(2), loss=losses.GaussianNLL(), **SHORT).fit(X, X[:, 0])
    with pytest.raises(DataError, match="GaussianNLL makes something else of it"):
        save_model(bell, path)
    flat = nn.Sequential(nn.Flatten(), nn.Dense(3))
    with pytest.raises(DataError, match="learnt from rows with more axes"):
        save_model(NetworkClassifier(flat, **SHORT).fit(X.reshape(-1, 2, 2), Y), path)
    assert not path.exists()


def test_a_missing_number_is_refused_by_a_model_of_plain_numbers(tmp_path: Path) -> None:
    save_model(MLPClassifier(**SHORT).fit(X, Y), tmp_path / "m.chainrule")
    model = load_model(tmp_path / "m.chainrule")
    table = {f"x{i}": [5.0, None, 3.0] for i in range(4)}
    with pytest.raises(DataError, match=r"column 'x0', row 2: None is no finite number"):
        model.predict(table)


def test_a_file_that_was_no_estimator_or_is_damaged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.chainrule"
    save_model(MLPClassifier(**SHORT).fit(X, Y), path)
    model = load_model(path)
    assert isinstance(model, Model)
    with zipfile.ZipFile(path) as archive:
        whole = json.loads(archive.read("manifest.json"))

    def refused(words: str, **changes: Any) -> None:
        about = {**whole["report"]["estimator"], **changes}
        damaged = Model(**{**vars(model), "report": {"estimator": about}})
        save_model(damaged, path)
        with pytest.raises(ModelFileError, match=words):
            load_estimator(path)

    refused("should be one of MLPClassifier", **{"class": "Pipeline"})
    refused("expected an object", parameters=None)
    refused("it has no parameter 'dir'", parameters={"dir": 1})
    refused("this version has no layer 'Popen'", parameters={"alpha": {"class": "Popen"}})
    refused("field 'history' is not there", learnt={"dict": [["encodes", False]]})
    save_model(Model(**{**vars(model), "report": {}}), path)
    with pytest.raises(ModelFileError, match="was not saved from an estimator"):
        load_estimator(path)
