"""Tables that come with the package."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn import datasets

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


@pytest.mark.parametrize("name", ["digits", "breast-cancer", "wine", "iris"])
def test_a_shipped_table_has_the_numbers_of_scikit_learn(name: str) -> None:
    frame = load_sample(name).frame
    theirs = getattr(datasets, f"load_{name.replace('-', '_')}")()
    assert np.array_equal(frame.drop(frame.columns[-1]).to_numpy(), theirs.data)
    answers = theirs.target if name == "digits" else theirs.target_names[theirs.target]
    assert frame[:, -1].to_list() == answers.tolist()


def test_shipped_samples_are_read_without_scikit_learn() -> None:
    code = (
        "import sys; from chainrule.data import load_sample, sample_names;"
        "[load_sample(n) for n in sample_names() if n != 'diabetes'];"
        "sys.exit('sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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
