"""Tables that come with the package."""

from __future__ import annotations

import pytest

from chainrule.data import infer_task, load_sample, sample_names
from chainrule.errors import DataError

SHAPES = {
    "adult": (32561, 14),
    "digits": (1797, 65),
    "breast-cancer": (569, 31),
    "diabetes": (442, 11),
    "wine": (178, 14),
    "iris": (150, 5),
    "xor": (4, 3),
    "moons": (1000, 3),
    "spirals": (1000, 3),
}


def test_every_sample_is_listed() -> None:
    assert sample_names() == tuple(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_a_sample_is_a_table_with_its_target_and_its_source(name: str) -> None:
    sample = load_sample(name)
    assert sample.frame.shape == SHAPES[name]
    assert sample.frame.columns[-1] == sample.target
    assert sample.frame[sample.target].null_count() == 0
    assert infer_task(sample.frame[sample.target]).task == sample.task
    assert sample.source
    assert sample.licence


@pytest.mark.parametrize("name", ["moons", "spirals"])
def test_a_generated_sample_is_always_the_same(name: str) -> None:
    first, again = load_sample(name), load_sample(name)
    assert first.frame.equals(again.frame)
    assert first.frame["label"].sum() == 500


def test_adult_has_its_missing_cells() -> None:
    missing = load_sample("adult").frame.null_count().row(0, named=True)
    assert {name: count for name, count in missing.items() if count} == {
        "workclass": 1836,
        "occupation": 1843,
        "native-country": 583,
    }


def test_an_unknown_sample_is_explained() -> None:
    with pytest.raises(DataError, match=r"no sample 'adults': did you mean 'adult'\? \(all: adult"):
        load_sample("adults")
