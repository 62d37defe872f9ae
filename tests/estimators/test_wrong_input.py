"""What a user may give by mistake: each is one clear error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_iris

from chainrule import MLPClassifier, MLPRegressor, NetworkClassifier, NetworkRegressor
from chainrule.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
REGRESSORS = pytest.mark.parametrize("kind", [MLPRegressor, NetworkRegressor])
CLASSIFIERS = pytest.mark.parametrize("kind", [MLPClassifier, NetworkClassifier])
ALL = pytest.mark.parametrize(
    "kind", [MLPClassifier, MLPRegressor, NetworkClassifier, NetworkRegressor]
)
GAP = np.array([0.0, np.nan, 2.0] * 50)


@REGRESSORS
@pytest.mark.parametrize(
    ("y", "words"),
    [
        (["low", "high"] * 75, "y holds 'low' in row 0 .* is no number: a regressor predicts"),
        ([1.0, "two", None] * 50, "y holds 'two' in row 1"),
        ([0, None, 2] * 50, "Input y contains NaN: 50 of 150 rows have no finite number"),
        (GAP, "Input y contains NaN: 50 of 150 rows .* the first is row 1"),
        (np.c_[Y, GAP], "Input y contains NaN: 50 of 150 rows .* the first is row 1"),
        (pd.Series([1, None] * 75, dtype="Int64"), "contains NaN: 75 of 150"),
        (pl.Series([1, None] * 75), "contains NaN: 75 of 150"),
        (np.where(Y == 2, np.inf, 1.0), "Input y contains infinity: 50 .* first is row 100"),
        (pd.date_range("2024-01-01", periods=150), "y holds dates or spans of time"),
        ("price", r"y is the text 'price': give what is to be predicted, as frame\['price'\]"),
    ],
)
def test_what_is_no_number_to_predict_is_named_with_its_row(kind: Any, y: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        kind().fit(X, y)


@CLASSIFIERS
def test_what_is_no_label_is_named(kind: Any) -> None:
    with pytest.raises(ValueError, match="y is the text 'kind': give what is"):
        kind().fit(X, "kind")
    with pytest.raises(ValueError, match=r"Unknown label type: continuous\. Maybe you are trying"):
        kind().fit(X, X[:, 0])


@ALL
def test_rows_with_gaps_or_texts_are_told_of_the_encoding(kind: Any) -> None:
    words = np.array([["a", 1.0], ["b", 2.0]] * 10, object)
    gaps = np.where(X > 6, np.nan, X)
    for rows, y in ((words, [0, 1] * 10), (words.astype(str), [0, 1] * 10), (gaps, Y)):
        with pytest.raises(ValueError, match=r"NaN|convert|bytes/strings") as raised:
            kind().fit(rows, y)
        assert "With encode=True this estimator takes such rows" in raised.value.__notes__[0]
        model = kind(encode=True, max_iter=1, executor="numpy").fit(rows, y)
        assert len(model.predict(rows)) == len(rows)


@ALL
def test_a_dictionary_is_no_table(kind: Any) -> None:
    with pytest.raises(DataError, match="X is a dictionary, which has no rows: make it a table"):
        kind().fit({"a": [1, 2]}, [0, 1])


@pytest.mark.parametrize("kind", [NetworkClassifier, NetworkRegressor])
def test_numbers_beyond_the_dtype_are_named(kind: Any) -> None:
    with pytest.raises(DataError, match=r"X holds 5.1e\+200 in row 0 .* too large for float32"):
        kind().fit(X * 1e200, Y)
    if kind is NetworkRegressor:
        with pytest.raises(DataError, match=r"y holds 1e\+300 in row 50 .* or say dtype='float64'"):
            kind().fit(X, Y * 1e300)
