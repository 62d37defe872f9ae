"""Augmentation: what each one does, and that it is the same everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import augment, losses, nn, optim, random, stop
from chainrule.errors import ParameterError, ShapeError
from chainrule.execute import trace
from chainrule.ir import ArrayType, Dim
from chainrule.train import Trainer
from chainrule.train.augment.windows import whole_number, window

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "native"])
RANDOM = np.random.default_rng(3)
IMAGES = RANDOM.normal(size=(40, 6, 5, 2)).astype(np.float32)
LABELS = RANDOM.integers(0, 3, 40)
KEY = random.key(11)
OF_IMAGES: list[Any] = [
    augment.Shift(2),
    augment.Shift((0, 3), fill=-1.0),
    augment.Flip(),
    augment.Flip(0.25, vertical=True),
]


def trainer(**changes: Any) -> Trainer:
    options: dict[str, Any] = {
        "network": nn.Sequential(nn.Flatten(), nn.Dense(3)),
        "loss": losses.CrossEntropy(),
        "optimiser": optim.Adam(0.01),
        "stop": stop.Epochs(4),
        "batch_size": 16,
        "executor": "numpy",
        **changes,
    }
    return Trainer(**options)


@settings(max_examples=25)
@given(st.integers(1, 9), st.integers(0, 9), st.data())
def test_a_window_begins_where_each_row_says(size: int, spare: int, data: Any) -> None:
    x = np.arange(3 * (size + spare)).reshape(3, size + spare)
    start = np.array(data.draw(st.lists(st.integers(0, spare), min_size=3, max_size=3)), np.int32)
    found = window(x, start[:, None], size, axis=1)
    expected = [row[s : s + size] for row, s in zip(x, start, strict=True)]
    np.testing.assert_array_equal(found, expected)


def test_whole_numbers_are_drawn_evenly() -> None:
    counts = np.bincount(whole_number(KEY, (60_000,), 6))
    assert len(counts) == 6
    np.testing.assert_allclose(counts, 10_000, atol=400)  # four standard deviations


def test_shifted_images_are_the_images_moved_over_a_border() -> None:
    x = np.arange(1.0, 31.0, dtype=np.float32).reshape(1, 6, 5, 1)
    many = np.repeat(x, 500, axis=0)
    moved = augment.Shift((1, 2), fill=-1.0).change(many, KEY)
    border = np.full((8, 9), -1.0)
    border[1:7, 2:7] = x[0, :, :, 0]
    wanted = {border[i : i + 6, j : j + 5].tobytes() for i in range(3) for j in range(5)}
    found = [image[:, :, 0].astype(float).tobytes() for image in moved]
    assert set(found) == wanted
    assert max(map(found.count, wanted)) < 60


def test_flipped_images_are_mirrored_as_often_as_asked() -> None:
    many = np.repeat(IMAGES[:1], 2000, axis=0)
    for vertical, mirror in ((False, IMAGES[0, :, ::-1]), (True, IMAGES[0, ::-1])):
        turned = augment.Flip(0.25, vertical=vertical).change(many, KEY)
        mirrored = (turned == mirror).all(axis=(1, 2, 3))
        assert ((turned == IMAGES[0]).all(axis=(1, 2, 3)) ^ mirrored).all()
        assert 400 < mirrored.sum() < 600  # five standard deviations


@pytest.mark.parametrize("change", OF_IMAGES, ids=str)
def test_native_code_changes_images_as_numpy_does(change: Any) -> None:
    kinds = (ArrayType((Dim("batch"), 6, 5, 2), "float32"), ArrayType((2,), "int32"))
    program = trace(change.change, *kinds).plan({"batch": 40}).compile("native")
    for rows in (1, 7, 40):
        np.testing.assert_allclose(
            program(IMAGES[:rows], KEY), change.change(IMAGES[:rows], KEY), rtol=1e-6, atol=1e-6
        )


@EXECUTORS
def test_training_sees_changed_images_and_measures_the_plain_ones(executor: str) -> None:
    changes = [augment.Shift(1), augment.Flip()]
    plain = trainer(executor=executor).fit(IMAGES, LABELS, X_val=IMAGES, y_val=LABELS)
    still = trainer(executor=executor, augment=augment.Flip(0.0)).fit(IMAGES, LABELS)
    run = trainer(executor=executor, augment=changes).fit(
        IMAGES, LABELS, X_val=IMAGES, y_val=LABELS
    )
    assert still.history["train_loss"].tolist() == plain.history["train_loss"].tolist()
    assert run.history["train_loss"].tolist() != plain.history["train_loss"].tolist()
    found = run.evaluate(IMAGES, LABELS)["loss"]
    assert run.history["validation_loss"][run.best_epoch - 1] == pytest.approx(found, rel=1e-5)


def test_executors_train_alike_on_changed_images() -> None:
    runs = [
        trainer(executor=name, augment=[augment.Shift(1), augment.Flip()]).fit(IMAGES, LABELS)
        for name in ("numpy", "native")
    ]
    for path, x in runs[0].network.arrays().items():
        np.testing.assert_allclose(x, runs[1].network.arrays()[path], rtol=1e-3, atol=1e-5)


@EXECUTORS
def test_a_run_with_augmentation_goes_on_bit_by_bit(executor: str) -> None:
    made = {"augment": [augment.Shift(1), augment.Flip()], "executor": executor}
    whole = trainer(**made).fit(IMAGES, LABELS)
    half = trainer(**made, stop=stop.Epochs(2)).fit(IMAGES, LABELS)
    rest = trainer(**made).fit(IMAGES, LABELS, resume=half.state)
    for path, x in whole.network.arrays().items():
        np.testing.assert_array_equal(rest.network.arrays()[path], x)


def test_what_cannot_be_augmented_is_refused() -> None:
    with pytest.raises(ShapeError, match="Shift changes images"):
        trainer(augment=augment.Shift(1)).fit(IMAGES[:, :, :, 0], LABELS)
    with pytest.raises(ParameterError, match="changes argument 1 of the network, which takes 1"):
        trainer(augment=augment.Flip(argument=1)).fit(IMAGES, LABELS)
    with pytest.raises(ParameterError, match="pixels must be at least 0"):
        augment.Shift(-1)
    with pytest.raises(ParameterError, match="probability lies in"):
        augment.Flip(1.5)
    with pytest.raises(ParameterError, match="leave out augment"):
        trainer(optimiser=optim.LBFGS(), augment=augment.Flip())
