"""Words become layers: which there are, for which kind of data, and what is put in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from chainrule import nn
from chainrule.app.training.architecture.words import Spelling, Word, parse
from chainrule.data.wording import listing
from chainrule.errors import ParameterError
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.sequential import initial_for

TABLE, IMAGES, SEQUENCE, TEXT = "table", "images", "sequence", "text"
EVERY = (TABLE, IMAGES, SEQUENCE, TEXT)
PLACES = (IMAGES, SEQUENCE)
TIME = (SEQUENCE, TEXT)


class Recipe(NamedTuple):
    """A layer that a word stands for.

    Attributes
    ----------
    spelling
        What may follow the word.
    kinds
        Of data, for which it makes sense.
    make
        From the word's values and the `Site` to the layer.
    role
        "places" for layers over pixels or steps, "join" for those that end them, "activated" for
        those that an activation follows, "plain" for the rest.
    """

    spelling: Spelling
    kinds: Sequence[str]
    make: Callable[[Mapping[str, Any], Site], nn.Module]
    role: str = "plain"


class Site(NamedTuple):
    """Where a layer stands.

    Attributes
    ----------
    kind
        Of data.
    activation
        What follows dense and convolutional layers.
    last
        Whether no other layer over steps comes behind.
    """

    kind: str
    activation: str
    last: bool


def _by_axes(site: Site, one: Any, two: Any) -> Any:
    return two if site.kind == IMAGES else one


def _conv(values: Mapping[str, Any], site: Site) -> nn.Module:
    kind = _by_axes(site, nn.Conv1D, nn.Conv2D)
    layer: nn.Module = kind(
        values["filters"],
        values.get("size", 3),
        stride=values.get("stride", 1),
        padding="same",
        initial=initial_for(site.activation),
    )
    return layer


def _separable(values: Mapping[str, Any], site: Site) -> nn.Module:
    kind = _by_axes(site, nn.SeparableConv1D, nn.SeparableConv2D)
    layer: nn.Module = kind(values["filters"], values.get("size", 3), padding="same")
    return layer


def _dense(values: Mapping[str, Any], site: Site) -> nn.Module:
    return nn.Dense(values["units"], initial=initial_for(site.activation))


_PLAIN = Spelling()


def _activation(make: Callable[[], nn.Module]) -> Recipe:
    return Recipe(_PLAIN, EVERY, lambda values, site: make(), "activation")


def _recurrent(kind: Callable[..., nn.Module]) -> Recipe:
    """A layer that reads step by step; the last one of sequences gives what it kept at the end."""

    def make(values: Mapping[str, Any], site: Site) -> nn.Module:
        returns = "last" if site.last and site.kind == SEQUENCE else "sequence"
        both = bool(values.get("bidirectional", False))
        if both and site.kind == TEXT:
            raise ParameterError(
                "--network: a language model cannot be bidirectional, as it would see what it is "
                "to foretell"
            )
        return kind(
            values["units"], layers=values.get("layers", 1), bidirectional=both, returns=returns
        )

    spelling = Spelling(("units", "layers"), 1, flags=("bidirectional",))
    return Recipe(spelling, TIME, make, "places")


_FILTERS = Spelling(("filters", "size", "stride"), 1)
_POOL = Spelling(("size",))
_HEADS = Spelling(("heads",), 1)

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "conv": Recipe(_FILTERS, PLACES, _conv, "places"),
        "separableconv": Recipe(Spelling(("filters", "size"), 1), PLACES, _separable, "places"),
        "pool": Recipe(
            _POOL,
            PLACES,
            lambda v, site: _by_axes(site, nn.MaxPool1D, nn.MaxPool2D)(v.get("size", 2)),
            "places",
        ),
        "averagepool": Recipe(
            _POOL,
            PLACES,
            lambda v, site: _by_axes(site, nn.AveragePool1D, nn.AveragePool2D)(v.get("size", 2)),
            "places",
        ),
        **{
            name: _recurrent(kind)
            for name, kind in (("lstm", nn.LSTM), ("gru", nn.GRU), ("rnn", nn.SimpleRNN))
        },
        "attention": Recipe(
            _HEADS,
            TIME,
            lambda v, site: nn.MultiHeadAttention(v["heads"], causal=site.kind == TEXT),
            "places",
        ),
        "transformer": Recipe(
            Spelling(("heads", "hidden", "dropout"), 1, shares=("dropout",)),
            TIME,
            lambda v, site: nn.TransformerEncoderBlock(
                v["heads"],
                v.get("hidden"),
                dropout=v.get("dropout", 0.0),
                causal=site.kind == TEXT,
            ),
            "places",
        ),
        "positions": Recipe(_PLAIN, TIME, lambda v, site: nn.SinusoidalPositions(), "places"),
        "globalaverage": Recipe(_PLAIN, (IMAGES,), lambda v, site: nn.GlobalAveragePool(), "join"),
        "globalmax": Recipe(_PLAIN, (IMAGES,), lambda v, site: nn.GlobalMaxPool(), "join"),
        "flatten": Recipe(_PLAIN, (IMAGES,), lambda v, site: nn.Flatten(), "join"),
        "dense": Recipe(Spelling(("units",), 1), EVERY, _dense, "activated"),
        "dropout": Recipe(
            Spelling(("rate",), 1, shares=("rate",)), EVERY, lambda v, site: nn.Dropout(v["rate"])
        ),
        "batchnorm": Recipe(
            _PLAIN, (TABLE, IMAGES, SEQUENCE), lambda v, site: nn.BatchNorm(), "norm"
        ),
        "layernorm": Recipe(_PLAIN, EVERY, lambda v, site: nn.LayerNorm(), "norm"),
        "embedding": Recipe(Spelling(("size",), 1), (TEXT,), lambda v, site: nn.Identity()),
        **{name.replace("_", ""): _activation(make) for name, make in ACTIVATIONS.items()},
    }
)
"""Every word, without blanks and hyphens, and the layer that it stands for."""


class Layers(NamedTuple):
    """What words stand for.

    Attributes
    ----------
    over_places
        Layers over pixels or steps.
    behind
        Layers behind them, the output left out.
    embedding
        Length of the vectors of tokens, where the words say so.
    """

    over_places: tuple[nn.Module, ...]
    behind: tuple[nn.Module, ...]
    embedding: int | None = None


def layers_of(text: str, kind: str, activation: str = "relu") -> Layers:
    """Make the layers that a text describes.

    Parameters
    ----------
    text
        Such as ``"conv 32, pool, dense 128"``. Behind a dense or convolutional layer, and its
        normalisation, stands the activation, unless the text names another one.
    kind
        Of data: one of `EVERY`.
    activation
        By name.

    Raises
    ------
    ParameterError
        If a word is unknown, lacks a number, or makes no sense here; the message names it.

    >>> layers_of("conv 8, pool, dense 16", "images").over_places
    (Conv2D(filters=8, padding='same', initial=HeUniform(...)), ReLU(), MaxPool2D())
    """
    if activation not in ACTIVATIONS:
        raise ParameterError(f"there is no activation {activation!r}: use {listing(ACTIVATIONS)}")
    words = parse(text, {name: recipe.spelling for name, recipe in RECIPES.items()})
    _check(words, kind)
    over = [i for i, word in enumerate(words) if RECIPES[word.name].role in ("places", "join")]
    end = over[-1] + 1 if over else 0
    while end < len(words) and end and RECIPES[words[end].name].role in ("norm", "activation"):
        end += 1
    embedding = next((word.values["size"] for word in words if word.name == "embedding"), None)
    return Layers(
        tuple(_made(words[:end], kind, activation)),
        tuple(_made(words[end:], kind, activation)),
        None if embedding is None else int(embedding),
    )


def _made(words: Sequence[Word], kind: str, activation: str) -> list[nn.Module]:
    """Make layers one by one, with activations behind those that need one."""
    layers: list[nn.Module] = []
    waiting = False
    for i, word in enumerate(words):
        recipe = RECIPES[word.name]
        if waiting and recipe.role not in ("norm", "activation"):
            layers.append(ACTIVATIONS[activation]())
            waiting = False
        if word.name == "embedding":
            continue
        last = not any(RECIPES[each.name].role == "places" for each in words[i + 1 :])
        layers.append(recipe.make(word.values, Site(kind, activation, last)))
        waiting = waiting and recipe.role == "norm"
        waiting = waiting or recipe.role == "activated" or word.name.endswith("conv")
    return [*layers, ACTIVATIONS[activation]()] if waiting else layers


def _check(words: Sequence[Word], kind: str) -> None:
    """Refuse layers that do not suit the data, or stand in an impossible order."""
    joined = ""
    for i, word in enumerate(words):
        recipe = RECIPES[word.name]
        if kind not in recipe.kinds:
            suited = [name for name, each in RECIPES.items() if kind in each.kinds]
            raise ParameterError(
                f"--network: {word.text!r} makes no sense for {kind}; there are "
                f"{listing(suited, 20)}"
            )
        if word.name == "embedding" and i:
            raise ParameterError(f"--network: {word.text!r} can only stand first")
        if recipe.role == "places" and joined:
            raise ParameterError(
                f"--network: {word.text!r} cannot stand behind {joined!r}, which leaves no "
                f"{'pixels' if kind == IMAGES else 'steps'}"
            )
        if recipe.role == "join" or (recipe.role == "activated" and kind in PLACES):
            joined = joined or word.text
