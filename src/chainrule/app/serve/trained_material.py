"""A trained model as material: with examples of its user, or with some of its own kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import nn
from chainrule.app.model import AnyModel, ForecastModel, LanguageModel, Model
from chainrule.app.model.kinds import data_types, encode, kind_of, read_labelled
from chainrule.app.serve.forecast_material import of_forecast
from chainrule.app.serve.material import Material, labels_for, suited
from chainrule.app.serve.setup import Setup, activations_of
from chainrule.data import Encoder, load_sample, sample_names
from chainrule.data.language import read_text, stretches
from chainrule.data.sequences import SequenceEncoder
from chainrule.errors import DataError, ParameterError
from chainrule.nn.recurrent.layer import RecurrentLayer

MOST_EXAMPLES = 2_000
"""Pictures, sequences or stretches of text that are read; evenly spread over all there are."""

MOST_STEPS = 16
"""Steps of a sequence that a recurrent network is shown with: each has equations of its own."""

MOST_PLACES = 16
"""Tokens of a text that are shown at once."""

RATE = 0.001
"""A learning rate that does not undo what was learnt."""

_MADE_UP = 4


def from_model(model: AnyModel, source: str | None, title: str) -> Material:
    """Make material of a trained model.

    Parameters
    ----------
    model
        Of tables, pictures, sequences, text or forecasts.
    source
        Examples with their answers, as `chainrule evaluate` takes them; of text, a text. None
        takes the sample that the model was trained on if it was one, else makes a few examples
        up: average rows, noise, or a text that the model writes itself.
    title
        What the page shows.

    Raises
    ------
    ParameterError
        If the network has layers of a user's own, or what it does cannot be shown here.
    """
    if isinstance(model, LanguageModel):
        return _of_text(model, source, title)
    network = _network(model)
    if isinstance(model, ForecastModel):
        return of_forecast(model, network, source, title, RATE)
    known = model.report.get("source")
    if source is None and known in sample_names() and isinstance(model.encoder, Encoder):
        source = f"sample:{known}"
    task, _ = suited(model.target.task, 0, 0)
    classes = task == "class"
    length = _steps_shown(model)
    if source is None:
        inputs = _made_up(model, length)
        labels = np.zeros(len(inputs[0]))
        about = "no data were given: " + _WITHOUT[kind_of(model.encoder)]
    else:
        inputs, labels = _read(model, source, length)
        what = {"table": "rows", "images": "pictures", "sequence": "sequences"}
        name = source.rstrip("/").rpartition("/")[2]
        about = f"{len(labels):,} {what[kind_of(model.encoder)]} of {name}"
    about += f"; predicts {model.target.name}"
    if length:
        about += f"; the first {length} steps of each"
    features = model.encoder.feature_names if isinstance(model.encoder, Encoder) else ()
    answers = tuple(map(str, model.target.classes)) if classes else (model.target.name,)
    loss = {"number": "squared_error", "binary": "binary_cross_entropy", "class": "cross_entropy"}
    return Material(
        title,
        about,
        inputs,
        labels_for(task, labels),
        task,
        len(model.target.classes) if classes else 1,
        _setup(network, loss[task], len(labels)),
        tuple(features),
        answers,
        network,
    )


_WITHOUT = {
    "table": "one row of average inputs",
    "images": "pictures of noise",
    "sequence": "sequences of noise",
}


def _network(model: AnyModel) -> nn.Module:
    if model.network is None:
        raise ParameterError(
            "this model holds layers of a user's own, which its file cannot describe: open it "
            "from Python"
        )
    return model.network


def _setup(network: nn.Module, loss: str, rows: int) -> Setup:
    hidden, output = activations_of(network)
    batch = 0 if rows <= 64 else 32
    return Setup((), hidden, output, loss, optimiser="adam", rate=RATE, batch=batch)


def _steps_shown(model: Model) -> int | None:
    """How many steps of a sequence are shown; None for all, or where there are none."""
    if not isinstance(model.encoder, SequenceEncoder) or model.encoder.length <= MOST_STEPS:
        return None
    layers = getattr(model.network, "layers", ())
    return MOST_STEPS if any(isinstance(x, RecurrentLayer) for x in layers) else None


def _read(
    model: Model, source: str, length: int | None
) -> tuple[tuple[NDArray[Any], ...], NDArray[Any]]:
    """Read examples of a path or a sample, and encode them with their answers."""
    place: object = source
    if source.startswith("sample:"):
        place = load_sample(source.removeprefix("sample:")).frame
    samples = read_labelled(model.encoder, model.target, place)
    labels = model.target.encode(samples.frame)
    if isinstance(model.encoder, Encoder):
        return encode(model.encoder, samples)[0], labels
    chosen = np.unique(np.linspace(0, len(labels) - 1, MOST_EXAMPLES).astype(int))
    inputs, _ = encode(model.encoder, samples.take(chosen))
    return _cut(inputs, length), labels[chosen]


def _cut(inputs: tuple[NDArray[Any], ...], length: int | None) -> tuple[NDArray[Any], ...]:
    return inputs if length is None else tuple(x[:, :length] for x in inputs)


def _made_up(model: Model, length: int | None) -> tuple[NDArray[Any], ...]:
    """Examples of the model's kind: encoded inputs have a mean of zero and a spread of one."""
    random = np.random.default_rng(0)
    rows = 1 if isinstance(model.encoder, Encoder) else _MADE_UP  # all averages are alike
    found = []
    for kind in data_types(model.encoder).values():
        shape = (rows, *(n for n in kind.shape[1:] if isinstance(n, int)))
        if kind.dtype == "bool":
            found.append(np.ones(shape, np.bool_))
        elif kind.dtype == "int32" or isinstance(model.encoder, Encoder):
            found.append(np.zeros(shape, kind.dtype))
        else:
            found.append(random.standard_normal(shape).astype(np.float32))
    return _cut(tuple(found), length)


def _of_text(model: LanguageModel, source: str | None, title: str) -> Material:
    """Stretches of a text, and of each the token that comes next at every place."""
    network = _network(model)
    places = min(model.context, MOST_PLACES)
    if source is None:
        text, about = _written(model, _MADE_UP * places + 1), "a text that the model wrote itself"
    else:
        text, about = read_text(source)[0], f"text of {source.rstrip('/').rpartition('/')[2]}"
    tokens = model.tokens.encode(text)
    if len(tokens) <= places:
        raise DataError(f"the text is too short: it needs more than {places} tokens")
    inputs, following = stretches(tokens[: MOST_EXAMPLES * places + 1], places)
    names = tuple(model.tokens.decode([i]) for i in range(min(model.tokens.size, 256)))
    cut = f", {places} tokens at once" if places < model.context else ""
    material = Material(
        title,
        f"{about}{cut}; predicts the next token at each place",
        (np.asarray(inputs, np.int32),),
        np.asarray(following, np.int32),
        "class",
        model.tokens.size,
        _setup(network, "cross_entropy", len(inputs)),
        (),
        names,
        network,
    )
    return replace(material, setup=replace(material.setup, batch=min(8, len(inputs))))


def _written(model: LanguageModel, length: int) -> str:
    """A text of the model's own, from the first token that can begin one."""
    each = (model.tokens.decode([i]) for i in range(1, model.tokens.size))
    begin = next((t for t in each if t.strip() and len(model.tokens.encode(t))), "")
    return begin + "".join(model.generate(begin, length))
