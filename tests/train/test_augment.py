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
    augment.Cutout(3, fill=0.5),
    augment.Rotate(30.0, fill=-1.0),
    augment.Crop(0.5),
    augment.Noise(0.5),
    augment.TimeShift(2),
    augment.Mask(3),
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


# ---------------------------------------------------------------- images


def plane(rows: int, height: int = 9, width: int = 11) -> Any:
    """Images whose values rise evenly, so that interpolation is exact within them."""
    i, j = np.arange(height)[:, None], np.arange(width)[None, :]
    return np.broadcast_to((2.0 * i - 0.5 * j)[None, :, :, None], (rows, height, width, 1))


def test_a_cut_out_is_one_square_of_the_asked_size() -> None:
    ones = np.ones((800, 6, 5, 2), np.float32)
    covered = augment.Cutout(3, fill=7.0).change(ones, KEY) == 7.0
    assert (covered[..., 0] == covered[..., 1]).all()
    areas = covered[..., 0].sum(axis=(1, 2))
    assert set(areas) == {4, 6, 9}  # the square may reach over the border by one
    for image in covered[:50, :, :, 0]:
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        assert image[np.ix_(rows, columns)].all()
        assert image.sum() == len(rows) * len(columns)


def test_a_turned_plane_is_the_plane_in_turned_coordinates() -> None:
    x = plane(40)
    turned = augment.Rotate(20.0).change(x, KEY)[..., 0]
    angle = random.uniform(KEY, (40, 1, 1, 1), -np.pi / 9, np.pi / 9)[:, 0]
    assert np.abs(angle).max() > 0.3
    i, j = np.arange(9)[:, None] - 4.0, np.arange(11)[None, :] - 5.0
    rows = 4.0 + np.cos(angle) * i - np.sin(angle) * j
    columns = 5.0 + np.sin(angle) * i + np.cos(angle) * j
    middle = np.s_[:, 3:6, 3:8]  # far from the corners, which are filled
    np.testing.assert_allclose(
        turned[middle], (2.0 * rows - 0.5 * columns)[middle], rtol=1e-5, atol=1e-5
    )


def test_a_stretched_window_of_a_plane_is_a_plane_within_it() -> None:
    found = augment.Crop(0.4).change(plane(300), KEY)[..., 0]
    down, right = np.diff(found, axis=1), np.diff(found, axis=2)
    sides = down[:, :1, :1] / 2.0
    np.testing.assert_allclose(down, np.broadcast_to(2.0 * sides, down.shape), rtol=1e-4)
    np.testing.assert_allclose(right, np.broadcast_to(-0.5 * sides, right.shape), rtol=1e-4)
    assert 0.4 <= sides.min() < 0.45
    assert 0.95 < sides.max() <= 1.0
    assert found.min() >= plane(1).min() - 1e-4
    assert found.max() <= plane(1).max() + 1e-4


# ---------------------------------------------------------------- mixtures and tables


def drawn(batch: Any, other: Any, change: Any, key: Any = KEY) -> Any:
    return change(batch, key, lambda _: other)


def test_mixup_mixes_inputs_and_weighs_both_targets_alike() -> None:
    one = {"inputs": (np.zeros((500, 2)),), "targets": np.zeros(500, int)}
    two = {"inputs": (np.ones((500, 2)),), "targets": np.ones(500, int), "weight": np.full(500, 3)}
    mixed = drawn(one, two, augment.Mixup(0.4))
    (x,) = mixed["inputs"]
    share = 1.0 - x[:, 0]
    np.testing.assert_array_equal(x[:, 0], x[:, 1])
    np.testing.assert_allclose(mixed["weight"], share)
    (more,) = mixed["more"]
    np.testing.assert_allclose(more["weight"], 3 * (1 - share))
    assert more["targets"] is two["targets"]
    # The variance of Beta(a, a) is 1 / (8 a + 4).
    assert share.mean() == pytest.approx(0.5, abs=0.06)
    assert share.var() == pytest.approx(1 / 7.2, abs=0.02)


def test_cutmix_weighs_targets_by_the_pixels_that_are_seen() -> None:
    one = {"inputs": (np.zeros((300, 8, 6, 1)),), "targets": np.zeros(300, int)}
    two = {"inputs": (np.ones((300, 8, 6, 1)),), "targets": np.ones(300, int)}
    mixed = drawn(one, two, augment.CutMix())
    pasted = mixed["inputs"][0].mean(axis=(1, 2, 3))
    np.testing.assert_allclose(mixed["more"][0]["weight"], pasted)
    np.testing.assert_allclose(mixed["weight"], 1 - pasted)
    assert pasted.min() < 0.05
    assert pasted.max() > 0.7


@EXECUTORS
def test_training_on_mixtures_makes_the_mixed_loss_small(executor: str) -> None:
    changes = [augment.Shift(1), augment.Mixup(0.4), augment.CutMix()]
    runs = [
        trainer(executor=name, augment=changes).fit(IMAGES, LABELS, sample_weight=np.ones(40))
        for name in ("numpy", executor)
    ]
    for path, x in runs[0].network.arrays().items():
        np.testing.assert_allclose(x, runs[1].network.arrays()[path], rtol=1e-3, atol=1e-5)
    # A loss of two targets that always agree is the loss of one.
    still = trainer(augment=augment.Mixup(0.4)).fit(np.repeat(IMAGES[:1], 16, 0), np.zeros(16, int))
    plain = trainer().fit(np.repeat(IMAGES[:1], 16, 0), np.zeros(16, int))
    np.testing.assert_allclose(still.history["train_loss"], plain.history["train_loss"], rtol=1e-4)


def test_mixtures_are_of_examples_after_the_changes_before() -> None:
    class Mark(augment.OfInput):
        def change(self, x: Any, key: Any) -> Any:
            return 0.0 * x + 5.0

    zero = nn.Dense(3, initial=nn.initialisers.Zeros())
    run = trainer(network=zero, augment=[Mark(), augment.Mixup()], optimiser=optim.SGD(0.1)).fit(
        RANDOM.normal(size=(40, 4)), LABELS
    )
    # All features of all rows are 5, those of the other rows too: they learn the same weights.
    assert (run.network.weight == run.network.weight[:1]).all()
    assert (run.network.weight != 0).any()


def test_swapped_entries_are_those_of_the_other_row_in_their_column() -> None:
    numbers, names = np.zeros((2000, 2)), np.zeros((2000, 3), np.int32)
    one = {"inputs": (numbers, names), "targets": None}
    two = {"inputs": (numbers + np.array([1.0, 2.0]), names + np.array([1, 2, 3])), "targets": None}
    found = drawn(one, two, augment.Swap(0.25))["inputs"]
    for x, replaced in zip(found, ([1, 2], [1, 2, 3]), strict=True):
        for column, value in zip(x.T, replaced, strict=True):
            assert set(column.tolist()) == {0, value}
            assert (column == value).mean() == pytest.approx(0.25, abs=0.05)
    assert found[1].dtype == np.int32
    same = [(each == each[:, :1]).all() for each in (found[0] > 0, found[1] > 0)]
    assert not any(same)


@EXECUTORS
def test_tables_train_with_swapped_entries_and_noise(executor: str) -> None:
    table = RANDOM.normal(size=(60, 4))
    y = (table[:, 0] > 0).astype(int)
    changes = [augment.Swap(0.1), augment.Noise(0.1)]
    run = trainer(
        network=nn.Dense(2),
        augment=changes,
        executor=executor,
        stop=stop.Epochs(60),
        optimiser=optim.Adam(0.05),
    ).fit(table, y)
    assert run.evaluate(table, y)["metric"] > 0.9


def test_noise_has_the_asked_deviation() -> None:
    noisy = augment.Noise(0.5).change(np.ones((100, 300), np.float32), KEY)
    assert noisy.mean() == pytest.approx(1.0, abs=0.02)
    assert noisy.std() == pytest.approx(0.5, rel=0.02)


# ---------------------------------------------------------------- sequences


def test_shifted_sequences_move_in_time_only() -> None:
    x = np.arange(1.0, 13.0, dtype=np.float32).reshape(1, 6, 2)
    moved = augment.TimeShift(2).change(np.repeat(x, 200, 0), KEY)
    border = np.zeros((10, 2), np.float32)
    border[2:8] = x[0]
    assert {each.tobytes() for each in moved} == {border[i : i + 6].tobytes() for i in range(5)}


def test_masks_cover_one_span_of_each_length() -> None:
    tokens = np.ones((2000, 7), np.int32)
    covered = augment.Mask(3, fill=9).change(tokens, KEY) == 9
    assert np.bincount(covered.sum(axis=1), minlength=4).min() > 400
    for row in covered[:100]:
        places = np.flatnonzero(row)
        assert len(places) == 0 or places[-1] - places[0] + 1 == len(places)
    assert (covered.mean(axis=0) > 0.05).all()


def test_what_cannot_be_augmented_is_refused() -> None:
    with pytest.raises(ShapeError, match="Shift changes images"):
        trainer(augment=augment.Shift(1)).fit(IMAGES[:, :, :, 0], LABELS)
    with pytest.raises(ParameterError, match="changes argument 1 of the network, which takes 1"):
        trainer(augment=augment.Flip(argument=1)).fit(IMAGES, LABELS)
    with pytest.raises(ParameterError, match="pixels must be at least 0"):
        augment.Shift(-1)
    for make, words in (
        (lambda: augment.Cutout(0), "side must be"),
        (lambda: augment.Rotate(60.0), "between 0 and 45"),
        (lambda: augment.Crop(0.0), "smallest lies"),
        (lambda: augment.Mixup(0.0), "strength must be positive"),
        (lambda: augment.CutMix(-1.0), "strength must be positive"),
        (lambda: augment.Swap(2.0), "probability lies"),
        (lambda: augment.Noise(-1.0), "deviation must be"),
        (lambda: augment.TimeShift(-1), "steps must be"),
        (lambda: augment.Mask(-1), "steps must be"),
    ):
        with pytest.raises(ParameterError, match=words):
            make()
    with pytest.raises(ParameterError, match="Noise changes floats"):
        augment.Noise().change(np.zeros((2, 2), np.int32), KEY)
    with pytest.raises(ShapeError, match="longer than 3 steps"):
        augment.Mask(4).change(np.zeros((2, 3)), KEY)
    with pytest.raises(ShapeError, match="changes sequences"):
        augment.TimeShift().change(np.zeros(3), KEY)
    with pytest.raises(ParameterError, match="probability lies in"):
        augment.Flip(1.5)
    with pytest.raises(ParameterError, match="leave out augment"):
        trainer(optimiser=optim.LBFGS(), augment=augment.Flip())
