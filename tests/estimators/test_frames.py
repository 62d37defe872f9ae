"""Raw tables: text columns, gaps and categories go in as they are."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.exceptions import NotFittedError

from chainrule import MLPClassifier, MLPRegressor, NetworkClassifier
from chainrule.errors import ChainruleWarning, DataError
from chainrule.estimators.frames import needs_encoding

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DRAWS = np.random.default_rng(0)
ROWS = 120
COLUMNS: dict[str, list[Any]] = {
    "age": [None if i % 10 == 0 else float(x) for i, x in enumerate(DRAWS.integers(18, 80, ROWS))],
    "city": DRAWS.choice(["Ulm", "Jena", "Bonn"], ROWS).tolist(),
    "member": DRAWS.choice(["yes", "no"], ROWS).tolist(),
}
BUYS = [
    city == "Ulm" or member == "yes"
    for city, member in zip(*list(COLUMNS.values())[1:], strict=True)
]
LABEL = np.where(BUYS, "buys", "leaves")

LIBRARIES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table}
EACH_LIBRARY = pytest.mark.parametrize("frame", LIBRARIES.values(), ids=LIBRARIES)


def classifier(**settings: Any) -> MLPClassifier:
    base = {"random_state": 0, "executor": "numpy", "learning_rate_init": 0.01, "max_iter": 60}
    return MLPClassifier((16,), **{**base, **settings})


@EACH_LIBRARY
def test_a_raw_table_is_learnt_and_predicted(frame: Any) -> None:
    table = frame(COLUMNS)
    model = classifier().fit(table, LABEL)
    assert model.score(table, LABEL) == 1.0
    assert model.n_features_in_ == 3
    assert model.feature_names_in_.tolist() == ["age", "city", "member"]
    # age and its flag; one input per city; one for member.
    assert model.coefs_[0].shape == (6, 16)
    assert model.predict_proba(table).dtype == np.float32


def test_every_library_gives_the_same_model() -> None:
    a, b, c = (classifier(max_iter=3).fit(f(COLUMNS), LABEL) for f in LIBRARIES.values())
    np.testing.assert_array_equal(a.coefs_[0], b.coefs_[0])
    np.testing.assert_array_equal(a.coefs_[0], c.coefs_[0])


def test_columns_may_come_in_another_order_and_with_others() -> None:
    table = pd.DataFrame(COLUMNS)
    model = classifier(max_iter=5).fit(table, LABEL)
    other = table[["member", "age", "city"]]
    np.testing.assert_array_equal(model.predict_proba(other), model.predict_proba(table))
    with pytest.warns(ChainruleWarning, match="ignored columns .* 'shoe_size'"):
        found = model.predict_proba(table.assign(shoe_size=42))
    np.testing.assert_array_equal(found, model.predict_proba(table))


def test_an_absent_column_is_named() -> None:
    model = classifier(max_iter=2).fit(pd.DataFrame(COLUMNS), LABEL)
    with pytest.raises(DataError, match="'city'"):
        model.predict(pd.DataFrame(COLUMNS).drop(columns="city"))


def test_an_array_cannot_take_the_place_of_a_table() -> None:
    model = classifier(max_iter=2).fit(pd.DataFrame(COLUMNS), LABEL)
    with pytest.raises(ValueError, match="it needs a table"):
        model.predict(np.zeros((2, 3)))


def test_new_levels_are_told_and_survived() -> None:
    model = classifier(max_iter=5).fit(pd.DataFrame(COLUMNS), LABEL)
    strange = pd.DataFrame({"age": [30.0], "city": ["Oz"], "member": ["no"]})
    with pytest.warns(ChainruleWarning, match="'city'.*'Oz'"):
        assert model.predict(strange).shape == (1,)


def test_the_encoder_learns_from_the_rows_to_train_on_alone() -> None:
    # The rows held out are the only ones from Oz, and far older than all others.
    table = pd.DataFrame(COLUMNS)
    held = pd.DataFrame({"age": [1e6] * 4, "city": ["Oz"] * 4, "member": ["yes", "no"] * 2})
    model = classifier(max_iter=2, early_stopping=True)
    model.fit(table, LABEL, X_val=held, y_val=["buys"] * 4)
    plain = classifier(max_iter=2).fit(table, LABEL)
    assert model.encoder_ == plain.encoder_
    assert model.coefs_[0].shape == (6, 16)


def test_rows_that_are_set_aside_are_not_learnt_from() -> None:
    table = pd.DataFrame({**COLUMNS, "rank": [float(i) for i in range(ROWS)]})
    model = classifier(max_iter=2, early_stopping=True, validation_fraction=0.5).fit(table, LABEL)
    whole = classifier(max_iter=2).fit(table, LABEL)
    assert model.encoder_ != whole.encoder_


def test_kinds_of_columns_can_be_given() -> None:
    codes = pd.DataFrame({**COLUMNS, "zip": np.repeat([89073, 7743], ROWS // 2)})
    plain = classifier(max_iter=2).fit(codes, LABEL)
    told = classifier(max_iter=2, column_kinds={"zip": "categorical", "age": "drop"})
    told.fit(codes, LABEL)
    assert "zip" in plain.encoder_.feature_names
    assert "zip=89073" in told.encoder_.feature_names
    assert "age" not in told.encoder_.feature_names


def test_a_table_of_numbers_without_gaps_is_taken_as_scikit_learn_takes_it() -> None:
    numbers = DRAWS.normal(size=(ROWS, 3))
    model = classifier(max_iter=3).fit(pd.DataFrame(numbers, columns=list("abc")), LABEL)
    plain = classifier(max_iter=3).fit(numbers, LABEL)
    assert not hasattr(model, "encoder_")
    np.testing.assert_array_equal(model.coefs_[0], plain.coefs_[0])
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(pd.DataFrame(numbers, columns=list("acb")))


def test_encoding_can_be_asked_for_and_refused() -> None:
    numbers = pd.DataFrame({"a": 1e6 * DRAWS.normal(size=ROWS), "b": DRAWS.normal(size=ROWS)})
    assert classifier(max_iter=2, encode=True).fit(numbers, LABEL).encoder_.feature_names == (
        "a",
        "b",
    )
    with pytest.raises(ValueError, match="could not convert string to float"):
        classifier(encode=False).fit(pd.DataFrame(COLUMNS), LABEL)


def test_a_refit_on_numbers_forgets_the_encoder() -> None:
    model = classifier(max_iter=2).fit(pd.DataFrame(COLUMNS), LABEL)
    model.fit(DRAWS.normal(size=(ROWS, 3)), LABEL)
    assert not hasattr(model, "encoder_")


def test_the_encoder_travels_with_the_model() -> None:
    table = pd.DataFrame(COLUMNS)
    model = classifier(max_iter=5).fit(table, LABEL)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict_proba(table), model.predict_proba(table))


def test_partial_fit_and_warm_starts_keep_the_encoder_of_the_first_rows() -> None:
    table = pd.DataFrame(COLUMNS)
    model = classifier().partial_fit(table[:60], LABEL[:60], classes=["buys", "leaves"])
    first = model.encoder_
    model.partial_fit(table[60:], LABEL[60:])
    assert model.encoder_ is first
    warm = classifier(max_iter=2, warm_start=True).fit(table, LABEL)
    first = warm.encoder_
    assert warm.fit(table, LABEL).encoder_ is first


def test_numbers_are_predicted_from_raw_tables() -> None:
    price = np.where(BUYS, 10.0, 2.0)
    model = MLPRegressor(learning_rate_init=0.03, random_state=0, executor="numpy")
    assert model.fit(pl.DataFrame(COLUMNS), price).score(pl.DataFrame(COLUMNS), price) > 0.95


def test_any_network_takes_raw_tables() -> None:
    model = NetworkClassifier(max_iter=30, random_state=0, executor="numpy", early_stopping=True)
    model.fit(pd.DataFrame(COLUMNS), LABEL)
    assert model.score(pd.DataFrame(COLUMNS), LABEL) > 0.9
    assert model.n_features_in_ == 3
    assert model.feature_names_in_.tolist() == ["age", "city", "member"]


def test_batches_suit_the_rows_of_a_raw_table() -> None:
    # 16 rows per step, so that 120 rows make 8 steps and not the one of scikit-learn's rule.
    model = classifier(max_iter=1).fit(pd.DataFrame(COLUMNS), LABEL)
    assert model._optimizer.steps == 8


def test_targets_of_raw_tables_are_checked() -> None:
    table = pd.DataFrame(COLUMNS)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier().fit(table, LABEL[:-1])
    with pytest.raises(ValueError, match="NaN"):
        classifier().fit(table, np.array([np.nan, *LABEL[1:]], object))
    with pytest.raises(NotFittedError):
        classifier().predict(table)


@pytest.mark.parametrize(
    ("columns", "raw"),
    [
        ({"a": [1, 2]}, False),
        ({"a": [1.5, 2.5], "b": [True, False]}, False),
        ({"a": [1.5, None]}, True),
        ({"a": ["1", "2"]}, True),
        ({"a": [1.0, float("inf")]}, True),
        ({"a": [1.0, float("nan")]}, True),
    ],
)
@EACH_LIBRARY
def test_tables_with_text_or_gaps_need_encoding(
    frame: Any, columns: dict[str, list[Any]], raw: bool
) -> None:
    assert needs_encoding(frame(columns)) is raw


def test_dates_and_categories_need_encoding() -> None:
    assert needs_encoding(pd.DataFrame({"a": pd.Categorical(["x", "y"])}))
    assert needs_encoding(pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}))
    assert not needs_encoding(np.array([["x"]]))
    assert not needs_encoding([[1.0]])


@pytest.mark.parametrize(
    "columns",
    [
        pd.DataFrame(DRAWS.normal(size=(ROWS, 2)), columns=["a", "a"]),
        pa.table([pa.array(range(ROWS)), pa.array(["x", "y"] * 60)], names=["a", "a"]),
        pd.DataFrame({0: ["x", "y"] * 60, "b": ["u", "v", "w"] * 40}),
    ],
    ids=["numbers", "arrow", "mixed names"],
)
@pytest.mark.filterwarnings("ignore:the header has 'a'")
def test_names_need_not_be_clean(columns: Any) -> None:
    model = classifier(max_iter=2).fit(columns, LABEL)
    assert model.n_features_in_ == 2
    assert model.predict(columns).shape == (ROWS,)


def test_structured_arrays_are_tables() -> None:
    rows = np.array(
        list(zip(*([0.0, *map(float, range(ROWS - 1))], COLUMNS["city"]), strict=True)),
        dtype=[("age", float), ("city", "U4")],
    )
    model = classifier(max_iter=2).fit(rows, LABEL)
    assert model.feature_names_in_.tolist() == ["age", "city"]
    table = pd.DataFrame({name: rows[name] for name in ("age", "city")})
    np.testing.assert_array_equal(model.predict_proba(rows), model.predict_proba(table))


def test_arrays_are_encoded_if_asked_for() -> None:
    numbers = 1e6 * DRAWS.normal(size=(ROWS, 3))
    model = classifier(max_iter=2, encode=True).fit(numbers, LABEL)
    assert model.encoder_.feature_names == ("x0", "x1", "x2")
    assert not hasattr(model, "feature_names_in_")
    assert model.predict(numbers[:2].tolist()).shape == (2,)
    with pytest.raises(ValueError, match="X has 2 features, but MLPClassifier is expecting 3"):
        model.predict(numbers[:, :2])
    told = classifier(max_iter=2, column_kinds={"x0": "drop"}).fit(numbers, LABEL)
    assert told.encoder_.feature_names == ("x1", "x2")
    with pytest.raises(ValueError, match="but encode=False"):
        classifier(encode=False, column_kinds={"x0": "drop"}).fit(numbers, LABEL)


def test_numbers_are_scaled_as_asked() -> None:
    numbers = np.exp(DRAWS.normal(size=(ROWS, 2)))
    model = classifier(max_iter=2, scaling="quantile").fit(numbers, LABEL)
    assert all("quantiles mapped" in line for line in model.encoder_.describe())
    mixed = classifier(max_iter=2, scaling="robust", column_kinds={"x0": "numeric:standard"})
    first, second = mixed.fit(numbers, LABEL).encoder_.describe()
    assert ("standardised" in first, "robust" in second) == (True, True)
    with pytest.raises(ValueError, match="'scaling' parameter"):
        classifier(scaling="minmax").fit(numbers, LABEL)


def test_a_lazy_frame_has_to_be_collected() -> None:
    table = pl.DataFrame(COLUMNS)
    with pytest.raises(DataError, match=r"LazyFrame, whose rows are not computed yet: collect\(\)"):
        classifier().fit(table.lazy(), LABEL)
    with pytest.raises(DataError, match="LazyFrame"):
        classifier(max_iter=2).fit(table, LABEL).predict(table.lazy())


@pytest.mark.parametrize(
    "column",
    [
        pd.Categorical([1, 2, 3] * 40),
        pd.Categorical(["1", "2", "3"] * 40, categories=["3", "2", "1", "0"]),
    ],
)
def test_a_type_that_says_levels_is_believed(column: Any) -> None:
    model = classifier(max_iter=2).fit(pd.DataFrame({"a": column}), LABEL)
    assert model.encoder_.feature_names == ("a=1", "a=2", "a=3")
    told = classifier(max_iter=2, column_kinds={"a": "numeric"})
    assert told.fit(pd.DataFrame({"a": column}), LABEL).encoder_.feature_names == ("a",)


def test_polars_and_arrow_say_levels_too() -> None:
    levels = pl.Series("a", ["1", "2"] * 60, dtype=pl.Enum(["1", "2"])).to_frame()
    assert classifier(max_iter=2).fit(levels, LABEL).encoder_.feature_names == ("a=2",)
    arrow = pa.table({"a": pa.array(["1", "2"] * 60).dictionary_encode()})
    assert classifier(max_iter=2).fit(arrow, LABEL).encoder_.feature_names == ("a=2",)


def test_held_out_rows_show_how_numbers_are_written() -> None:
    # Alone, "1.234" is a number of its own; "1.234,5" in another row says that it is a thousand.
    prices = [f"{1 + i % 9}.{i:03}" for i in range(ROWS - 1)] + ["1.234,5"]
    model = classifier(max_iter=2).fit(pd.DataFrame({"price": prices}), LABEL)
    alone = model.encoder_.read(pd.DataFrame({"price": ["5.000"]})).frame
    assert model.encoder_.columns[0].notation.read(alone["price"]).tolist() == [5000.0]
    few = model.predict_proba(pd.DataFrame({"price": prices[:3]}))
    np.testing.assert_array_equal(few, model.predict_proba(pd.DataFrame({"price": prices}))[:3])


@pytest.mark.parametrize("estimator", [classifier(), NetworkClassifier(max_iter=2)])
def test_labels_that_are_not_there_are_counted(estimator: Any) -> None:
    for gone in (None, pd.NA, np.nan):
        with pytest.raises(ValueError, match=r"NaN: 2 of 120 rows have no label, .* row 1 "):
            estimator.fit(pd.DataFrame(COLUMNS), ["a", gone, gone, *["b"] * (ROWS - 3)])


def test_tables_without_columns_or_rows_are_refused() -> None:
    with pytest.raises(DataError, match="no columns"):
        classifier().fit(pd.DataFrame(), LABEL)
    with pytest.raises(DataError, match="column names but no rows"):
        classifier().fit(pl.DataFrame({"a": []}, schema={"a": pl.String}), [])
    with pytest.raises(DataError, match="holds complex numbers"):
        classifier().fit(pd.DataFrame({"a": [1j] * ROWS, "b": ["x"] * ROWS}), LABEL)


def test_periods_are_dates() -> None:
    months = pd.DataFrame({"month": pd.period_range("2015-01", periods=ROWS, freq="M")})
    assert classifier(max_iter=2).fit(months, LABEL).encoder_.columns[0].name == "month"
    assert "date; days elapsed" in classifier(max_iter=2).fit(months, LABEL).encoder_.describe()[0]


def test_columns_named_by_numbers_have_kinds_too() -> None:
    frame = pd.DataFrame({0: [1, 2, 3] * 10, 1: range(30)})
    model = MLPClassifier(max_iter=2, random_state=0, column_kinds={0: "categorical"})
    model.fit(frame, [0, 1, 1] * 10)
    assert model.encoder_.columns[0].kind == "categorical"
