"""Pictures and sequences on the command line: train, evaluate, predict, show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from chainrule import nn
from chainrule.app.model import Model, load_model, save_model
from chainrule.app.model.sequence_network import SequenceNetwork
from chainrule.app.training import (
    MediaWishes,
    Wishes,
    choose_settings,
    fit,
    kind_of_source,
    open_examples,
    preparation,
)
from chainrule.data import TargetEncoder
from chainrule.data.sequences import SequenceEncoder, Sequences
from chainrule.errors import DataError, ParameterError
from tests.app.process import chainrule


def photos(folder: Path, count: int = 12) -> Path:
    """Bright squares at the top or at the bottom, in 8 × 8 pixels."""
    random = np.random.default_rng(0)
    for name, rows in (("top", slice(0, 3)), ("bottom", slice(5, 8))):
        (folder / "photos" / name).mkdir(parents=True)
        for i in range(count):
            pixels = random.integers(0, 60, (8, 8)).astype(np.uint8)
            pixels[rows, 2:6] = 220
            Image.fromarray(pixels).save(folder / "photos" / name / f"{i}.png")
    return folder / "photos"


def series(path: Path, count: int = 40) -> Path:
    """Sequences of 4 to 9 steps that rise or fall."""
    random = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for i in range(count):
        up = bool(i % 2)
        for t in range(random.integers(4, 10)):
            x = (t if up else -t) + random.normal(0, 0.2)
            rows.append({"id": i, "time": t, "x": x, "z": 1.0, "trend": "up" if up else "down"})
    pl.DataFrame(rows).sample(fraction=1.0, shuffle=True, seed=0).write_csv(path)
    return path


QUICK = ("--executor", "numpy", "--json")


def test_a_folder_of_pictures_is_learnt_and_new_ones_are_told_apart(tmp_path: Path) -> None:
    photos(tmp_path)
    said = chainrule(
        *("train", "photos/", "--network", "conv 4, pool, dense 8", "--epochs", 12),
        *("--learning-rate", 0.02, "--out", "run", *QUICK),
        folder=tmp_path,
    ).json
    assert said["source"] == "photos"
    assert said["settings"]["network"] == "conv 4, pool, dense 8"
    assert said["test"]["scores"]["accuracy"] == 1.0
    scores = chainrule("evaluate", "run", "photos", "--json", folder=tmp_path).json["scores"]
    assert scores["accuracy"] == 1.0
    done = chainrule("predict", "run", "photos/top/0.png", folder=tmp_path)
    assert done.out == "file,predicted_label\n0.png,top\n"
    chainrule("predict", "run", "photos", "--proba", "-o", "all.csv", folder=tmp_path)
    columns = pl.read_csv(tmp_path / "all.csv").columns
    assert columns[-2:] == ["probability_bottom", "probability_top"]
    shown = chainrule("show", "run", folder=tmp_path).out
    assert "8 × 8 pixels, grey values" in shown
    assert "Conv2D(filters=4" in shown


def test_a_table_with_a_row_per_step_is_learnt_as_sequences(tmp_path: Path) -> None:
    series(tmp_path / "series.csv")
    said = chainrule(
        *("train", "series.csv", "--kind", "sequence", "--target", "trend", "--out", "run"),
        *("--network", "conv 8, dense 8", "--epochs", 25, "--learning-rate", 0.02, *QUICK),
        folder=tmp_path,
    ).json
    assert said["test"]["scores"]["accuracy"] == 1.0
    new = pl.DataFrame(
        {"id": [7, 7, 7, 7], "x": [0.0, -1.0, -2.0, -3.0], "z": 1.0, "time": range(4)}
    )
    new.write_csv(tmp_path / "new.csv")
    done = chainrule("predict", "run", "new.csv", folder=tmp_path)
    assert done.out == "id,predicted_trend\n7,down\n"
    scores = chainrule("evaluate", "run", "series.csv", "--json", folder=tmp_path).json["scores"]
    assert scores["accuracy"] == 1.0
    assert "padded to" in chainrule("show", "run", folder=tmp_path).out


def test_padding_changes_no_prediction(tmp_path: Path) -> None:
    sequences = Sequences.of([[0.5, 1.0, -1.0], [2.0], [0.0, 1.0, 3.0, 2.0]], ["a", "b", "a"])
    target = TargetEncoder.fit(sequences.frame["label"])
    layers = (nn.Conv1D(4, padding="same"), nn.ReLU(), nn.MaxPool1D(2), nn.Conv1D(3, 2))
    answers = []
    for length in (8, 12):
        encoder = SequenceEncoder.fit(sequences, length=length)
        network = SequenceNetwork(layers, nn.Dense(1))
        model = Model.of(network.initialise(3, *encoder.encode(sequences)), encoder, target)
        save_model(model, tmp_path / "m.chainrule")
        again = load_model(tmp_path / "m.chainrule")
        assert isinstance(again.network, SequenceNetwork)
        answers.append(again.predict_proba(sequences))
    assert answers[0] == pytest.approx(answers[1], abs=1e-6)  # float32, summed in another order


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv.gz", "table"),
        ("sample:adult", "table"),
        ("a.txt", "text"),
        ("a.txt.gz", "text"),
        ("x.npz", "images"),
        ("t10k-images-idx3-ubyte.gz", "images"),
        ("a.JPG", "images"),
        ("a.ts", "sequence"),
    ],
)
def test_the_kind_is_told_by_the_name(name: str, kind: str) -> None:
    assert kind_of_source(name) == kind


def test_pictures_without_classes_or_with_a_single_one_are_refused(tmp_path: Path) -> None:
    place = photos(tmp_path)
    with pytest.raises(DataError, match="sub-folder of its name, or give a table"):
        open_examples(str(place / "top"), None, Wishes())
    (place / "bottom").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="'label' is 'top' in every row"):
        open_examples(str(place), None, Wishes())


def test_unreadable_pictures_are_named_or_skipped_as_the_user_says(tmp_path: Path) -> None:
    place = photos(tmp_path)
    (place / "top" / "0.png").write_bytes(b"\x89PNG broken")
    done = chainrule("train", "photos", "--out", "run", folder=tmp_path)
    assert "top/0.png' is not a picture" in done.complaint
    assert not (tmp_path / "run").exists()
    opened = open_examples(str(place), None, Wishes(), media=MediaWishes(unreadable="skip"))
    assert len(opened.samples) == 23
    assert any("1 file was left out" in note for note in opened.notes)


def test_parts_that_come_with_the_data_are_kept(tmp_path: Path) -> None:
    x = np.zeros((30, 4, 4), np.uint8)
    y = np.arange(30) % 2
    np.savez(tmp_path / "a.npz", x_train=x[:20], y_train=y[:20], x_test=x[20:], y_test=y[20:])
    opened = open_examples(str(tmp_path / "a.npz"), None, Wishes())
    assert opened.split().test.tolist() == list(range(20, 30))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none/",), "there is no file or folder 'none"),
        (("photos", "--size", "big"), "--size expects height and width"),
        (("photos", "--fit", "squeeze"), "fitted by 'crop', 'stretch', 'pad'"),
        (("photos", "--kind", "sounds"), "there is no kind 'sounds'"),
        (("photos", "--target", "a", "--target", "b"), "images have one target"),
        (("photos", "--hidden", "8"), "part of the network that is described by --network"),
        (("photos", "--network", "conf 8"), "there is no layer 'conf 8'; did you mean 'conv'?"),
        (("photos", "--network", "conv 8, conv 8, pool 9"), "does not suit the data"),
        (("photos", "--id", "who"), "--id is for the kind 'sequence' of data"),
        (("photos", "--column", "a=text"), "--column is for the kind 'table' of data"),
        (("series.csv", "--target", "trend", "--length", 3), "these are taken for 'table'"),
        (("series.csv", "--kind", "images"), "neither a picture nor a file of arrays"),
        (("photos", "--kind", "table"), "is a folder; name a file in it"),
        (("photos", "--network", "my.py:build"), "there is no file 'my.py'"),
        (("series.csv", "--kind", "sequence"), "say which column to predict"),
        (("series.csv", "--kind", "sequence", "--target", "tend"), "did you mean 'trend'?"),
        (("series.csv", "--kind", "sequence", "--target", "x"), "belongs to a whole sequence"),
        (("series.csv", "--kind", "sequence", "--target", "trend", "--id", "who"), "id column"),
    ],
)
def test_a_mistake_of_the_user_is_one_sentence(
    tmp_path: Path, arguments: tuple[object, ...], message: str
) -> None:
    photos(tmp_path, 6)
    series(tmp_path / "series.csv", 12)
    complaint = chainrule("train", *arguments, "--out", "run", folder=tmp_path).complaint
    assert message in complaint
    assert not (tmp_path / "run").exists()


def test_a_python_file_may_build_the_network(tmp_path: Path) -> None:
    photos(tmp_path)
    (tmp_path / "my.py").write_text(
        "from chainrule import nn\n\n\n"
        "class Doubled(nn.Module):\n"
        "    def __call__(self, x, *, key=None):\n"
        "        return 2 * x\n\n\n"
        "def build(outputs):\n"
        "    return nn.Sequential(Doubled(), nn.Flatten(), nn.Dense(outputs))\n"
    )
    arguments = ("train", "photos", "--out", "run", "--epochs", 8, "--network", "my.py:build")
    said = chainrule(*arguments, *QUICK, folder=tmp_path).json
    assert said["test"]["scores"]["accuracy"] == 1.0
    (tmp_path / "my.py").unlink()  # the model holds what it needs
    scores = chainrule("evaluate", "run", "photos", "--json", folder=tmp_path).json["scores"]
    assert scores["accuracy"] == 1.0
    assert "of a user's own" in chainrule("show", "run", folder=tmp_path).out


def test_a_model_of_pictures_takes_pictures(tmp_path: Path) -> None:
    photos(tmp_path)
    series(tmp_path / "series.csv", 12)
    chainrule("train", "photos", "--out", "run", "--epochs", 1, *QUICK, folder=tmp_path)
    complaint = chainrule("predict", "run", "series.csv", folder=tmp_path).complaint
    assert "is neither a picture nor a file of arrays" in complaint
    complaint = chainrule("evaluate", "run", "photos/top/0.png", folder=tmp_path).complaint
    assert "nothing says what the right answers are" in complaint


def test_a_function_in_a_python_file_fails_with_its_line(tmp_path: Path) -> None:
    from chainrule.app.training.architecture.python_file import network_of_file

    path = tmp_path / "my.py"
    for code, message in (
        ("def build(outputs):\n    return 1 / 0\n", "line 2: ZeroDivisionError"),
        ("def build(outputs):\n    return 3\n", "should return a module of chainrule.nn, not int"),
        ("def built(outputs): ...\n", "has no function 'build'"),
        ("def build(\n", "line 1: SyntaxError"),
    ):
        path.write_text(code)
        with pytest.raises(ParameterError, match=message):
            network_of_file(f"{path}:build", 2)
    with pytest.raises(ParameterError, match="name its function too"):
        network_of_file(str(path), 2)


def test_pictures_too_many_to_encode_at_once_are_learnt_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_examples(str(photos(tmp_path)), None, Wishes())
    monkeypatch.setattr(preparation, "MOST_ENCODED", 4 * 4 * 64 * 4)  # pieces of four pictures
    prepared = opened.prepared(opened.split())
    loader = prepared.train.loader
    assert loader is not None
    pieces = list(loader)
    assert [len(y) for _, y in pieces] == [4, 4, 4, 4, 1]
    whole = np.concatenate([x[0] for x, _ in pieces])
    assert np.sort(whole.ravel()).tolist() == np.sort(prepared.train.inputs[0].ravel()).tolist()
    asked = {"epochs": 12, "executor": "numpy", "learning_rate": 0.01, "network": "dense 8"}
    outcome = fit(prepared, choose_settings(prepared, asked))
    assert outcome.model.report["test"]["scores"]["accuracy"] == 1.0
