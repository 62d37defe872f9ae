"""Writes a small model file of each kind, and what it predicts, as today's version does.

Files that are committed stay as they are: `test_written_models` holds that later versions open
them and predict the same. Run ``python -m tests.app.written.write`` only to add to them; files
that are there are left alone.
"""

from __future__ import annotations

import inspect
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from chainrule import nn
from chainrule.app.model import ForecastModel, LanguageModel, Model, save_model
from chainrule.app.model.network import network_to_json
from chainrule.app.model.sequence_network import SequenceNetwork
from chainrule.app.training.architecture.networks import forecast_network
from chainrule.app.training.forecast import ForecastWishes, prepare_series
from chainrule.data import TargetEncoder
from chainrule.data.images import ImageEncoder, Pictures
from chainrule.data.language import Characters
from chainrule.data.sequences import SequenceEncoder, Sequences
from tests.app import models

FOLDER = Path(__file__).parent
EXPECTED = FOLDER / "expected.json"
LAYERS = FOLDER / "layers.json"


def pictures() -> Pictures:
    """Six grey pictures of two classes."""
    pixels = np.arange(6 * 8 * 8).reshape(6, 8, 8) % 251
    return Pictures.of(pixels.astype(np.uint8), ["a", "b"] * 3)


def sequences() -> Sequences:
    """Three sequences of unequal length."""
    return Sequences.of([[0.5, 1.0, -1.0], [2.0], [0.0, 1.0, 3.0, 2.0]], ["a", "b", "a"])


def months() -> pl.DataFrame:
    """Sales of ten years, with a wave of twelve months."""
    at = np.arange(120)
    month = (np.datetime64("2010-01", "M") + at).astype("datetime64[D]")
    return pl.DataFrame({"month": month, "sold": 100 + at + 20 * np.sin(2 * np.pi * at / 12)})


def make(kind: str, folder: Path) -> Any:
    """Make the model of a kind; a folder to write to is needed for series."""
    if kind == "table":
        return models.model("multiclass", embed=True)
    if kind == "images":
        encoder = ImageEncoder.fit(pictures())
        body = nn.Sequential(nn.Conv2D(3), nn.BatchNorm(), nn.ReLU(), nn.MaxPool2D(), nn.Flatten())
        network = nn.Sequential(body, nn.Dense(1)).initialise(1, encoder.encode(pictures()))
        return Model.of(network, encoder, TargetEncoder.fit(pictures().frame["label"]))
    if kind == "sequence":
        known = SequenceEncoder.fit(sequences(), length=8)
        layers = (nn.Conv1D(4, padding="same"), nn.ReLU(), nn.GRU(3))
        reader = SequenceNetwork(layers, nn.Dense(1)).initialise(1, *known.encode(sequences()))
        return Model.of(reader, known, TargetEncoder.fit(sequences().frame["label"]))
    if kind == "forecast":
        months().write_csv(folder / "months.csv")
        return _forecast(folder / "months.csv")
    tokens = Characters.fit("the cat sat on the mat.")
    gpt = nn.GPT(tokens.size, 8, 8, 1, 2).initialise(1, np.zeros((1, 8), np.int32))
    return LanguageModel.of(gpt, tokens, 8)


def _forecast(path: Path) -> ForecastModel:
    wishes = ForecastWishes(time="month", horizon=3, look_back=24, season=12)
    prepared = prepare_series(str(path), ["sold"], wishes)
    network = forecast_network(prepared.outlook, "dense 6")
    examples = prepared.windows.inputs["train"]
    return ForecastModel.of(network.initialise(1, examples), prepared.outlook)


KINDS = ("table", "images", "sequence", "forecast", "text")


def predicted(model: Any, folder: Path) -> list[float]:
    """Give numbers that the model computes from the examples here."""
    if isinstance(model, LanguageModel):
        tokens = np.arange(24, dtype=np.int32) % model.tokens.size
        return [float(x) for x in model.losses_of(tokens)]
    if isinstance(model, ForecastModel):
        months().write_csv(folder / "months.csv")
        return [float(x) for x in np.ravel(model.forecast(folder / "months.csv")[1])]
    samples = {"images": pictures, "sequence": sequences}
    kind = getattr(model.encoder, "kind", "table")
    rows = samples[kind]() if kind in samples else models.table("multiclass", 7).drop("y")
    return [float(x) for x in np.ravel(model.predict_proba(rows))]


def layers() -> dict[str, nn.Module]:
    """Give every layer by its name, as its default settings make it, without arrays."""
    found: dict[str, nn.Module] = {"GPT": nn.GPT(9, 8, 8, 1, 2)}
    for name in nn.__all__:
        kind: Any = getattr(nn, name)
        ours = isinstance(kind, type) and issubclass(kind, nn.Module)
        if ours and not inspect.isabstract(kind) and name not in found:
            parameters = inspect.signature(kind).parameters.values()
            needed = [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
            found[name] = kind(*(2 if p.annotation == "int" else nn.Dense(2) for p in needed))
    return found


def main() -> None:
    """Write what is not there yet."""
    with tempfile.TemporaryDirectory() as place:
        expected = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
        for kind in KINDS:
            path = FOLDER / f"{kind}.chainrule"
            if not path.exists():
                model = make(kind, Path(place))
                save_model(model, path)
                expected[kind] = predicted(model, Path(place))
        EXPECTED.write_text(json.dumps(expected, indent=1) + "\n")
    known = json.loads(LAYERS.read_text()) if LAYERS.exists() else {}
    stored = {name: network_to_json(layer) for name, layer in layers().items()}
    lines = (
        f"{json.dumps(name)}: {json.dumps(each)}" for name, each in {**stored, **known}.items()
    )
    LAYERS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
