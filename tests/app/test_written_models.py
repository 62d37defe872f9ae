"""Model files that earlier versions wrote open, and predict what they predicted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chainrule import nn
from chainrule.app.model import open_model
from chainrule.app.model.network import network_from_json, network_to_json
from chainrule.errors import ModelFileError
from tests.app.written.write import EXPECTED, FOLDER, KINDS, LAYERS, layers, predicted


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_file_of_version_0_1_predicts_what_it_did(kind: str, tmp_path: Path) -> None:
    model = open_model(FOLDER / f"{kind}.chainrule")
    expected = json.loads(EXPECTED.read_text())[kind]
    # float32: a sum in another order differs by a few units in the last place.
    assert predicted(model, tmp_path) == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert model.network is not None


@pytest.mark.parametrize("name", json.loads(LAYERS.read_text()))
def test_a_layer_as_version_0_1_stored_it_is_read(name: str) -> None:
    stored = json.loads(LAYERS.read_text())[name]
    assert repr(network_from_json(stored, {})) == repr(layers()[name])


def test_every_layer_is_among_those_that_were_stored() -> None:
    assert layers().keys() <= json.loads(LAYERS.read_text()).keys()


def _fields(stored: Any) -> list[Any]:
    fields: list[Any] = stored["fields"]
    return fields


def test_a_field_that_is_younger_than_the_file_has_its_default() -> None:
    layer = nn.ConvTranspose2D(4)
    stored = network_to_json(layer)
    assert stored is not None
    stored["fields"] = [pair for pair in _fields(stored) if pair[0] != "groups"]
    again = network_from_json(stored, {})
    assert repr(again) == repr(layer)
    assert again.groups == 1  # type: ignore[attr-defined]


def test_a_field_without_a_default_is_missed() -> None:
    layer = nn.Dense(4)
    stored = network_to_json(layer)
    assert stored is not None
    stored["fields"] = [pair for pair in _fields(stored) if pair[0] != "units"]
    with pytest.raises(ModelFileError, match="Dense has the fields units, "):
        network_from_json(stored, {})
    stored["fields"] = [*_fields(network_to_json(layer)), ["more", 1]]
    with pytest.raises(ModelFileError, match="Dense has the fields units, "):
        network_from_json(stored, {})
