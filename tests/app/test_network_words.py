"""Networks in words: what they stand for, and what is said of mistakes."""

from __future__ import annotations

import pytest

from chainrule import nn
from chainrule.app.training.architecture.layers import RECIPES, layers_of
from chainrule.errors import ParameterError


def kinds(layers: tuple[nn.Module, ...]) -> list[str]:
    return [type(layer).__name__ for layer in layers]


def test_words_become_layers_with_activations_between_them() -> None:
    made = layers_of(
        "conv 8 5, Batch Norm, pool, separable-conv 16, dropout 0.2, dense 4", "images"
    )
    assert kinds(made.over_places) == [
        *("Conv2D", "BatchNorm", "ReLU", "MaxPool2D", "SeparableConv2D", "ReLU"),
    ]
    assert kinds(made.behind) == ["Dropout", "Dense", "ReLU"]
    first = made.over_places[0]
    assert isinstance(first, nn.Conv2D)
    assert (first.filters, first.kernel_size, first.padding) == (8, 5, "same")


def test_a_named_activation_takes_the_place_of_the_usual_one() -> None:
    assert kinds(layers_of("dense 4, tanh, dense 3", "table", "gelu").behind) == [
        *("Dense", "Tanh", "Dense", "GELU"),
    ]


def test_sequences_get_layers_over_one_axis() -> None:
    made = layers_of("conv 8 size=5 stride=2, average pool 3", "sequence")
    assert kinds(made.over_places) == ["Conv1D", "ReLU", "AveragePool1D"]
    assert made.behind == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("conf 3", r"no layer 'conf 3'; did you mean 'conv'\?"),
        ("conv", "'conv' lacks the number of filters"),
        ("conv many", "'conv many': filters is a whole number of at least 1, not 'many'"),
        ("conv 0", "at least 1, not '0'"),
        ("conv 3.5", "at least 1, not '3.5'"),
        ("conv 8 3 1 9", "has '9', but conv takes 'filters', 'size', 'stride'"),
        ("conv 8 depth=3", "has 'depth=3'"),
        ("conv 8 filters=3", "has 'filters=3'"),
        ("dropout 1", "rate lies from 0 to below 1"),
        ("pool, , pool", "one comma between them"),
        ("", "one comma between them"),
        ("dense 8, conv 8", "'conv 8' cannot stand behind 'dense 8', which leaves no pixels"),
        ("flatten, pool", "cannot stand behind 'flatten'"),
        ("embedding 8", "'embedding 8' makes no sense for images"),
    ],
)
def test_a_mistake_names_the_word(text: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        layers_of(text, "images")


def test_an_activation_that_is_not_there_is_refused() -> None:
    with pytest.raises(ParameterError, match="no activation 'rulu'"):
        layers_of("dense 3", "table", "rulu")


@pytest.mark.parametrize("name", RECIPES)
def test_every_word_makes_a_layer_for_each_of_its_kinds(name: str) -> None:
    recipe = RECIPES[name]
    numbers = {"rate": "0.5"}
    needed = [numbers.get(each, "4") for each in recipe.spelling.numbers[: recipe.spelling.needed]]
    for kind in recipe.kinds:
        made = layers_of(" ".join([name, *needed]), kind)
        assert made.over_places or made.behind or made.embedding


def test_only_the_last_recurrent_layer_of_sequences_forgets_its_steps() -> None:
    made = layers_of("gru 8 bidirectional, lstm 4 layers=2, dense 4", "sequence").over_places
    assert [(type(layer).__name__, layer.returns) for layer in made] == [  # type: ignore[attr-defined]
        ("GRU", "sequence"),
        ("LSTM", "last"),
    ]
    (inside,) = layers_of("lstm 8", "text").over_places
    assert inside.returns == "sequence"  # type: ignore[attr-defined]
    with pytest.raises(ParameterError, match="cannot be bidirectional"):
        layers_of("lstm 8 bidirectional", "text")
