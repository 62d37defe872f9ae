"""Any network as an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix, issparse
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning

import chainrule.numpy as cnp
from chainrule import (
    MLPClassifier,
    NetworkClassifier,
    NetworkRegressor,
    NetworkTransformer,
    losses,
    nn,
    optim,
    stop,
)
from chainrule.errors import DivergenceError, ParameterError
from chainrule.train import EpochRecord, Trainer

X, Y = load_iris(return_X_y=True)


def classifier(network: Any = None, **settings: Any) -> NetworkClassifier:
    base = {"max_iter": 30, "random_state": 0, "executor": "numpy", "optimizer": optim.Adam(0.01)}
    return NetworkClassifier(network, **{**base, **settings})


def regressor(network: Any = None, **settings: Any) -> NetworkRegressor:
    base = {"max_iter": 30, "random_state": 0, "executor": "numpy", "optimizer": optim.Adam(0.01)}
    return NetworkRegressor(network, **{**base, **settings})


def three_outputs(outputs: int) -> nn.Module:
    assert outputs == 3
    return nn.MLP((6,), outputs, "tanh")


@pytest.mark.parametrize(
    "network", [None, nn.MLP((6,), 3), three_outputs], ids=["default", "module", "function"]
)
def test_a_network_is_a_module_or_a_function_of_the_outputs(network: Any) -> None:
    model = classifier(network).fit(X, Y)
    assert model.score(X, Y) > 0.9
    assert model.n_iter_ == len(model.history_) == 30
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0, rtol=1e-6)


def test_it_is_the_trainer_that_trains() -> None:
    model = classifier(nn.MLP((6,), 3), batch_size=50).fit(X, Y)
    seed = int(np.random.RandomState(0).randint(2**31 - 1))
    run = Trainer(
        nn.MLP((6,), 3),
        losses.CrossEntropy(),
        optim.Adam(0.01),
        stop=stop.Epochs(30),
        batch_size=50,
        seed=seed,
        executor="numpy",
    ).fit(X, Y)
    np.testing.assert_array_equal(model.network_.layers[0].weight, run.network.layers[0].weight)
    assert model.loss_ == run.history["train_loss"][-1]


def test_two_classes_need_one_output_or_two() -> None:
    for outputs in (1, 2):
        model = classifier(nn.MLP((6,), outputs)).fit(X, Y == 0)
        assert model.predict_proba(X).shape == (150, 2)
        assert model.score(X, Y == 0) > 0.95
    with pytest.raises(ParameterError, match=r"outputs of shape \(5,\) per row, but .* 3 classes"):
        classifier(nn.Dense(5)).fit(X, Y)
    with pytest.raises(ParameterError, match="function from the number of outputs"):
        classifier(str).fit(X, Y)


def test_a_loss_can_be_chosen() -> None:
    smooth = classifier(loss=losses.CrossEntropy(label_smoothing=0.2)).fit(X, Y)
    plain = classifier().fit(X, Y)
    assert smooth.predict_proba(X).max() < plain.predict_proba(X).max()
    counts = np.random.default_rng(0).poisson(np.exp(X[:, 2] - 3))
    model = regressor(loss=losses.PoissonNLL()).fit(X, counts)
    assert (model.predict(X) > 0).all()


def test_early_stopping_keeps_the_best_weights() -> None:
    model = classifier(early_stopping=True, n_iter_no_change=3, max_iter=500)
    model.fit(X[::2], Y[::2], X_val=X[1::2], y_val=Y[1::2])
    history = model.history_
    assert model.stopped_because_ == "no improvement for 3 epochs"
    assert model.best_epoch_ == int(history["validation_loss"].arg_min()) + 1
    assert model.n_iter_ == model.best_epoch_ + 3


def test_rows_are_set_aside_if_none_are_given() -> None:
    model = classifier(early_stopping=True, validation_fraction=0.2, max_iter=3).fit(X, Y)
    assert "validation_loss" in model.history_.columns
    assert "validation_loss" not in classifier(max_iter=3).fit(X, Y).history_.columns


def test_criteria_callbacks_penalties_clips_and_frozen_layers_reach_the_trainer() -> None:
    seen: list[EpochRecord] = []
    model = classifier(
        nn.MLP((6,), 3),
        stop=[stop.When(lambda record: record.epoch >= 4, "four are enough")],
        callbacks=[seen.append],
        penalties=losses.L2(0.1),
        clip=0.5,
        frozen=["layers[0]"],
    ).fit(X, Y)
    assert model.stopped_because_ == "four are enough"
    assert [record.epoch for record in seen] == [1, 2, 3, 4]
    assert not model.network_.layers[0].bias.any()
    assert model.network_.layers[2].bias.any()


def test_weights_of_rows_and_classes_multiply() -> None:
    double = np.full(len(Y), 2.0)
    a = classifier(class_weight={0: 1.0, 1: 3.0, 2: 1.0}, max_iter=3).fit(X, Y, double)
    b = classifier(max_iter=3).fit(X, Y, double * np.where(Y == 1, 3.0, 1.0))
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))


def test_numbers_keep_the_shape_of_their_targets() -> None:
    one, two = X[:, 3], np.c_[X[:, 3], X[:, 2]]
    assert regressor(max_iter=2).fit(X, one).predict(X).shape == (150,)
    assert regressor(max_iter=2).fit(X, two).predict(X).shape == (150, 2)
    model = regressor().fit(X, two, X_val=X, y_val=two)
    assert model.score(X, two) > 0.8
    assert len(model.history_["validation_loss"]) == 30


class Image(nn.Module):
    """A network for rows of 8 x 8 pixels."""

    body: nn.Module = nn.MLP((32,), 10)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Compute the outputs."""
        return self.body(cnp.reshape(x, (x.shape[0], 64)), key=key)


def test_rows_may_have_several_axes() -> None:
    digits = load_digits()
    model = classifier(Image(), max_iter=10).fit(digits.images / 16, digits.target)
    assert model.score(digits.images / 16, digits.target) > 0.95


class Words(nn.Module):
    """A network that looks up whole numbers."""

    table: nn.Module = nn.Embedding(4, 3)
    out: nn.Module = nn.Dense(2)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Compute the outputs."""
        return self.out(cnp.mean(self.table(x), axis=1))


def test_whole_numbers_can_stay_whole() -> None:
    codes = np.random.default_rng(0).integers(0, 4, size=(60, 5))
    label = (codes == 3).any(axis=1)
    model = classifier(Words(), keep_integers=True, max_iter=100).fit(codes, label)
    assert model.score(codes, label) > 0.9


def test_divergence_is_an_error_that_says_where() -> None:
    with pytest.raises(DivergenceError, match="training diverged in epoch"):
        regressor(optimizer=optim.SGD(1e9)).fit(X, X[:, 0])


def test_wrong_settings_are_refused_in_scikit_learns_words() -> None:
    with pytest.raises(ValueError, match="'max_iter' parameter of NetworkClassifier must be"):
        classifier(max_iter=0).fit(X, Y)
    with pytest.raises(ValueError, match="was not provided"):
        classifier().fit(X, Y, X_val=X)
    with pytest.raises(ValueError, match="was not provided"):
        regressor().fit(X, Y, X_val=X)
    with pytest.raises(ValueError, match="y_val has classes that y has not"):
        classifier().fit(X, Y, X_val=X, y_val=Y + 9)


def test_an_autoencoder_finds_the_plane_that_rows_lie_in() -> None:
    draws = np.random.default_rng(0)
    plane = draws.normal(size=(100, 2)) @ draws.normal(size=(2, 5))
    model = NetworkTransformer(
        optimizer=optim.Adam(0.03), max_iter=300, random_state=0, executor="numpy", dtype="float64"
    )
    codes = model.fit_transform(plane)
    assert codes.shape == (100, 2)
    np.testing.assert_allclose(model.inverse_transform(codes), plane, atol=0.05)
    np.testing.assert_array_equal(codes, np.asarray(model.network_(plane)))


def test_an_autoencoder_needs_a_decoder_for_rows_with_axes() -> None:
    pictures = np.zeros((4, 2, 2))
    with pytest.raises(ParameterError, match="need a decoder of their own"):
        NetworkTransformer(nn.Sequential(nn.Flatten(), nn.Dense(1))).fit(pictures)


def test_both_halves_of_an_autoencoder_can_be_given_and_watched() -> None:
    model = NetworkTransformer(
        nn.MLP((6,), 1, "tanh"),
        nn.MLP((6,), 4, "tanh"),
        early_stopping=True,
        max_iter=5,
        executor="numpy",
        random_state=0,
    )
    assert model.fit(X, X_val=X[:20]).transform(X).shape == (150, 1)
    assert len(model.history_["validation_loss"]) == model.n_iter_


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.Conv2D(8, 3), nn.ReLU(), nn.Flatten(), nn.Dense(10)),
        nn.Sequential(nn.LSTM(16, returns="last"), nn.Dense(10)),
    ],
    ids=["convolution", "recurrence"],
)
def test_pictures_and_sequences_are_arrays_with_more_axes(network: Any) -> None:
    pictures, digits = load_digits(return_X_y=True)
    pictures = pictures[:600].reshape(-1, 8, 8) / 16  # or a sequence of eight rows
    pictures = pictures[..., None] if isinstance(network.layers[0], nn.Conv2D) else pictures
    model = classifier(network, max_iter=10, executor="auto").fit(pictures[:400], digits[:400])
    assert model.score(pictures[400:], digits[400:600]) > 0.7
    assert model.predict_proba(pictures[:3]).shape == (3, 10)


def test_a_single_class_is_refused() -> None:
    with pytest.raises(ValueError, match="needs at least two classes, but y holds only one class"):
        classifier().fit(X[:50], Y[:50])


@pytest.mark.parametrize("kind", [MLPClassifier, NetworkClassifier])
def test_labels_of_two_kinds_and_negative_weights_of_classes_are_refused(kind: Any) -> None:
    with pytest.raises(ValueError, match="y mixes text and numbers: 'a' in row 1, 7 in row 0"):
        kind().fit(X, np.array([7, "a"] * (len(X) // 2), dtype=object))
    with pytest.raises(ValueError, match="class_weight must not be negative"):
        kind(class_weight={0: -1.0, 1: 1.0, 2: 1.0}).fit(X, Y)


LABELS = np.stack([X[:, 0] > 5.8, X[:, 2] > 3.5, X[:, 3] > 1.5], axis=1).astype(int)


def test_a_row_may_have_any_of_several_labels() -> None:
    model = classifier(max_iter=100).fit(X, LABELS, X_val=X, y_val=LABELS)
    peer = MLPClassifier(max_iter=5, random_state=0)
    with pytest.warns(ConvergenceWarning):
        peer.fit(X, LABELS)
    assert model.score(X, LABELS) > 0.85  # the share of rows in which every label is right
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        ours, theirs = getattr(model, method)(X), getattr(peer, method)(X)
        assert ours.shape == theirs.shape == (150, 3)
        assert ours.dtype.kind == theirs.dtype.kind
    np.testing.assert_array_equal(model.classes_, peer.classes_)
    np.testing.assert_array_equal(model.predict(X), model.predict_proba(X) > 0.5)
    np.testing.assert_array_equal(model.predict(X), model.decision_function(X) > 0)


@pytest.mark.parametrize("form", [np.ndarray.tolist, csr_matrix, lambda y: y.astype(bool)])
def test_indicators_come_in_any_form(form: Any) -> None:
    model = classifier(max_iter=3).fit(X, form(LABELS))
    found = model.predict(X)
    assert issparse(found) == issparse(form(LABELS))
    expected = classifier(max_iter=3).fit(X, LABELS).predict(X)
    np.testing.assert_array_equal(found.toarray() if issparse(found) else found, expected)


def test_what_several_labels_need_is_said() -> None:
    with pytest.raises(ParameterError, match=r"\(2,\) per row, but there are 3 labels: it should"):
        classifier(nn.Dense(2)).fit(X, LABELS)
    with pytest.raises(ParameterError, match="CrossEntropy is for one of several classes"):
        classifier(loss=losses.CrossEntropy()).fit(X, LABELS)
    with pytest.raises(ValueError, match="y has 2 columns that are no indicators of 0 and 1"):
        classifier().fit(X, np.c_[Y, Y])
    with pytest.raises(ValueError, match=r"y_val has the shape \(150,\), but .* \(n, 3\)"):
        classifier().fit(X, LABELS, X_val=X, y_val=Y)


@pytest.mark.parametrize("outputs", [1, 2])
def test_raw_outputs_of_two_classes_are_one_number_a_row(outputs: int) -> None:
    model = classifier(nn.MLP((6,), outputs)).fit(X, Y == 0)
    raw = model.decision_function(X)
    assert raw.shape == (150,)
    np.testing.assert_array_equal(model.predict(X), raw > 0)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], 1 / (1 + np.exp(-raw)), rtol=1e-5)


def test_a_margin_decides_at_zero_and_gives_no_probabilities() -> None:
    model = classifier(nn.Dense(1), loss=losses.Hinge(), max_iter=20).fit(X, Y == 0)
    raw = model.decision_function(X)
    assert ((raw > 0) & (raw < 0.5)).any()
    np.testing.assert_array_equal(model.predict(X), raw > 0)
    with pytest.raises(AttributeError, match="Hinge makes are no probabilities"):
        model.predict_proba(X)
