"""Trained models of every kind on the page: what is shown is what the model computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from chainrule import nn
from chainrule.app.model import AnyModel, LanguageModel, Model, save_model
from chainrule.app.model.sequence_network import SequenceNetwork
from chainrule.app.serve import trained_material
from chainrule.app.serve.address import Address
from chainrule.app.serve.course import Library
from chainrule.app.serve.frame import Moment, Moments, frame
from chainrule.app.serve.maps import MOST_CELLS, maps
from chainrule.app.serve.shelf import Shelf
from chainrule.app.serve.stream import train
from chainrule.app.serve.trained_material import from_model
from chainrule.app.training.architecture.networks import language_network
from chainrule.data import TargetEncoder
from chainrule.data.images import ImageEncoder, Pictures
from chainrule.data.language import Characters
from chainrule.data.sequences import SequenceEncoder, Sequences
from tests.app import models

KINDS = ("pictures", "sequences", "text")
TEXT = "the cat sat on the mat. " * 12


def pictures(folder: Path) -> tuple[Model, str]:
    """A convolution for pictures of 6 x 6, and a file of such pictures."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, 6, 6, 1)).astype(np.uint8)
    shapes = ["circle", "square", "star"] * 3
    np.savez(folder / "pictures.npz", x=pixels, y=np.array(shapes))
    encoder = ImageEncoder.fit(Pictures.of(pixels))
    target = TargetEncoder.fit(pl.Series("label", shapes))
    network = nn.Sequential(
        nn.Conv2D(2, 3), nn.GELU(), nn.Dropout(0.5), nn.MaxPool2D(2), nn.Flatten(), nn.Dense(3)
    ).initialise(0, np.zeros((1, 6, 6, 1), np.float32))
    return Model.of(network, encoder, target), str(folder / "pictures.npz")


def sequences(folder: Path) -> tuple[Model, str]:
    """A gated recurrence for sequences of up to twenty steps, and a table with a row per step."""
    random = np.random.default_rng(0)
    steps = [random.normal(size=n).tolist() for n in (20, 3, 11, 17)]
    names = ["up", "down", "up", "down"]
    rows = [
        {"id": i, "step": k, "channel_1": x, "trend": names[i]}
        for i, values in enumerate(steps)
        for k, x in enumerate(values)
    ]
    pl.DataFrame(rows).write_csv(folder / "series.csv")
    read = Sequences.of(steps, names)
    encoder = SequenceEncoder.fit(read)
    network = SequenceNetwork((nn.GRU(3),), nn.Dense(1))
    model = Model.of(
        network.initialise(0, *encoder.encode(read)),
        encoder,
        TargetEncoder.fit(pl.Series("trend", names)),
    )
    return model, str(folder / "series.csv")


def text(folder: Path) -> tuple[LanguageModel, str]:
    """A transformer of characters, and a text."""
    tokens = Characters.fit(TEXT)
    network = language_network(tokens.size, 20, "embedding 8, transformer 2")
    network = network.initialise(1, np.zeros((1, 20), np.int32))
    (folder / "book.txt").write_text(TEXT, encoding="utf-8")
    return LanguageModel.of(network, tokens, 20), str(folder / "book.txt")


MADE = {"pictures": pictures, "sequences": sequences, "text": text}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[AnyModel, str, str]]:
    """Of each kind a model, the path of its file, and that of data for it."""
    found = {}
    for kind, make in MADE.items():
        folder = tmp_path_factory.mktemp(kind)
        model, data = make(folder)
        save_model(model, folder / "model.chainrule")
        found[kind] = (model, str(folder / "model.chainrule"), data)
    return found


def shown(path: str, data: str | None, step: int = 0) -> Moment:
    shelf = Shelf()
    name = shelf.open_files(path, data, None)
    return Moments(Library(shelf)).at(Address.read({"source": name, "step": step}))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("given", [True, False], ids=["own data", "no data"])
def test_models_of_every_kind_are_shown_step_by_step(
    made: dict[str, tuple[AnyModel, str, str]], kind: str, given: bool
) -> None:
    _, path, data = made[kind]
    first = shown(path, data if given else None)
    told = frame(first)
    assert not told["network"]["chain"]
    assert np.isfinite(told["loss"])
    drawn = {each["key"]: each for each in maps(first)}
    assert "x" in drawn or "x[0]" in drawn
    after = shown(path, data if given else None, step=1)
    for name in first.step.objective.paths:
        fresh, now = first.step.results[f"new {name}"], after.step.objective.parameters[name]
        # A gradient that is zero but for rounding becomes a step of any size under Adam.
        sure = np.abs(first.step.results[f"gradient of {name}"]) > 1e-9
        np.testing.assert_allclose(fresh[sure], now[sure], rtol=1e-9)


def test_what_a_picture_gives_is_what_the_model_predicts(
    made: dict[str, tuple[AnyModel, str, str]],
) -> None:
    model, path, data = made["pictures"]
    assert isinstance(model, Model)
    moment = shown(path, data)
    said = frame(moment)["prediction"]["probabilities"]
    expected = model.predict_proba(data)[moment.rows[0]]
    np.testing.assert_allclose(said, expected, rtol=1e-5)  # float32 beside float64
    assert moment.course.program.setup.activation == "gelu"


def test_a_text_is_shown_with_the_likelihoods_of_the_model(
    made: dict[str, tuple[AnyModel, str, str]],
) -> None:
    model, path, data = made["text"]
    assert isinstance(model, LanguageModel)
    moment = shown(path, data)
    places = trained_material.MOST_PLACES
    assert moment.step["x"].shape == (8, places)
    row = int(moment.rows[0])
    tokens = model.tokens.encode(TEXT)[row * places :][: places + 1]
    outputs = np.asarray(frame(moment)["prediction"]["outputs"])
    assert outputs.shape == (places, model.tokens.size)
    top = outputs.max(axis=-1)
    losses = np.log(np.exp(outputs - top[:, None]).sum(axis=-1)) + top
    losses -= outputs[np.arange(places), tokens[1:]]
    np.testing.assert_allclose(losses, model.losses_of(tokens), rtol=1e-4)  # float32


def test_recurrences_are_cut_to_the_steps_that_are_shown(
    made: dict[str, tuple[AnyModel, str, str]],
) -> None:
    _, path, data = made["sequences"]
    moment = shown(path, data)
    assert "the first 16 steps of each" in frame(moment)["about"]
    assert moment.step["x"].shape == (4, 16, 1)
    assert moment.step["m"].sum(axis=1).tolist() == [16, 3, 11, 16]


@pytest.mark.parametrize("kind", KINDS)
def test_opened_models_train_on_the_page(
    made: dict[str, tuple[AnyModel, str, str]], kind: str
) -> None:
    _, path, data = made[kind]
    course = shown(path, data).course
    told = list(train(course, Address.read({"source": path}), None, 60))
    assert told[-1] == {"kind": "ended", "step": 60}
    losses = [loss for each in told if each["kind"] == "update" for _, loss in each["losses"]]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_an_opened_model_keeps_its_activations(activation: str) -> None:
    model = models.model("binary", body=nn.MLP((3,), 1, activation))
    material = from_model(model, None, "model")
    assert material.setup.activation == activation
    built = material.build(material.setup)
    assert [type(x) for x in built.layers] == [type(x) for x in model.network.layers]


def test_large_pictures_say_which_part_of_them_is_shown() -> None:
    moments = Moments(Library(Shelf()))
    drawn = maps(moments.at(Address.read({"source": "network:recurrence"})))
    (tall,) = [each for each in drawn if each["key"] == "z_x(1)"]
    assert tall["about"] == "128 × 32, its first 64 × 32"
    assert tall["rows"] == MOST_CELLS
