"""Claim files: what they may hold, and what is said of those that hold something else."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from chainrule.errors import DataError
from chainrule.explaining import check_claims
from chainrule.explaining.claims import EXAMPLES, read_claims
from chainrule.explaining.claims.checks import KEYS
from chainrule.explaining.claims.quantity import KINDS
from chainrule.explaining.claims.textbook import ACTIVATIONS, LOSSES

GOOD = """\
title = "t"

[network]
inputs = ["x"]
layers = [{ units = ["y"], activation = "sigmoid" }]

[network.weights]
"x->y" = 0.5

[data]
inputs = [[1.0]]
targets = [[0.0]]

[training]
loss = "half_squared_error"

[[claims]]
row = 1

[claims.values]
"net[y]" = 0.50
"""


def test_a_file_keeps_the_digits_that_were_printed(tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(GOOD, encoding="utf-8")
    (claim,) = read_claims(path).claims
    assert str(claim.printed) == "0.50"
    assert check_claims(str(path)).counts == {"exact": 1}


BAD: list[tuple[str, str, str]] = [
    ('title = "t"', "title =", "is not valid TOML: Invalid value (at line 1"),
    ('title = "t"', "", "the key 'title' is missing in the file"),
    ("[network]", "[network]\nname = 1", "line 4: unknown key 'name' in table network; known are"),
    ('["x"]', "3", "line 4: inputs must be a list of names, received 3"),
    ('["y"]', '["x"]', "the name 'x' is used twice"),
    ('"sigmoid"', '"step"', "line 5: activation must be one of identity, sigmoid, tanh, relu"),
    ('"x->y" = 0.5', "", "line 7: the edge x->y has no weight"),
    ('"x->y" = 0.5', '"x->z" = 0.5', "line 8: there is no unit 'z'; the units are y"),
    ('"x->y" = 0.5', '"y->y" = 0.5', "line 8: there is no edge 'y->y': edges to y begin at x"),
    ('"x->y" = 0.5', '"xy" = 0.5', "line 8: 'xy' is no edge; write it as 'x1->h1'"),
    ("0.5\n", '"a"\n', "line 8: x->y must be a number, received 'a'"),
    ("0.5\n", "inf\n", "line 8: x->y must be finite, received Infinity"),
    ("[network.weights]", "[network.random]\nseeds = 2\n[network.weights]", "either weights or"),
    ("[[1.0]]", "[[1.0, 2.0]]", "line 11: inputs must be a list of rows with 1 numbers each"),
    ("[[1.0]]", "[[1.0], [2.0]]", "line 12: there are 2 rows of inputs and 1 of targets"),
    ('"half_squared_error"', '"hinge"', "line 15: loss must be one of half_squared_error"),
    ("loss =", "rate = true\nloss =", "line 15: rate must be a number, received True"),
    ('"sigmoid"', '"softmax"', "a softmax output needs the loss cross_entropy"),
    ("row = 1", "row = 0", "line 18: row must be a whole number from 1, received 0"),
    ("row = 1", "row = 2", "line 18: row is 2, but there are 1 rows of data"),
    ("row = 1", "after = 1.5", "line 18: after must be a whole number from 0"),
    ("net[y]", "nets[y]", "line 21: 'nets[y]' is no quantity; write one of net, out"),
    ("net[y]", "net", "line 21: 'net': net needs a unit or an edge"),
    ("net[y]", "net[x]", "line 21: there is no unit 'x'"),
    ("0.50", '"half"', "line 21: net[y] must be a number or its digits, received 'half'"),
    ("[claims.values]", "[claims.numbers]", "unknown key 'numbers' in table claims number 1"),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD, ids=[row[2][:40] for row in BAD])
def test_a_bad_file_is_refused_with_line_and_reason(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    assert old in GOOD
    path = tmp_path / "bad.toml"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        check_claims(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read the claim file .*nowhere\.toml"):
        check_claims(tmp_path / "nowhere.toml")
    with pytest.raises(DataError, match="there is no example:E9; there are E1, E2, E3, E4, E5"):
        check_claims("example:E9")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="cannot read the claim file"):
        check_claims(tmp_path / "binary.toml")


def test_a_dictionary_has_no_lines() -> None:
    with pytest.raises(DataError, match=r"^the claims: the key 'network' is missing in the file$"):
        check_claims({"title": "t", "data": {}, "claims": []})


@pytest.mark.parametrize("content", [{"title": "t", "network": 1, "data": {}, "claims": []}])
def test_wrong_kinds_of_values_are_refused(content: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="network must be a table, received 1"):
        check_claims(content)


# ---------------------------------------------------------------------------------------------
# The schema says what the reader does.


def schema() -> dict[str, Any]:
    place = files("chainrule.explaining.claims") / "schema.json"
    content: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    return content


def tables(node: dict[str, Any]) -> dict[str, dict[str, Any]]:
    network = node["properties"]["network"]
    return {
        "": node,
        "network": network,
        "network.layers": network["properties"]["layers"]["items"],
        "network.random": network["properties"]["random"],
        "data": node["properties"]["data"],
        "training": node["properties"]["training"],
        "claims": node["properties"]["claims"]["items"],
    }


@pytest.mark.parametrize("table", KEYS)
def test_the_schema_knows_the_same_keys(table: str) -> None:
    described = tables(schema())[table]
    assert list(described["properties"]) == list(KEYS[table])
    required = described.get("required", [])
    assert required == [key for key, needed in KEYS[table].items() if needed]
    assert described["additionalProperties"] is False


def test_the_schema_knows_the_same_words() -> None:
    found = tables(schema())
    layer = found["network.layers"]["properties"]["activation"]
    assert layer["enum"] == list(ACTIVATIONS)
    assert found["training"]["properties"]["loss"]["enum"] == list(LOSSES)
    pattern = found["claims"]["properties"]["values"]["propertyNames"]["pattern"]
    assert all(kind in pattern for kind in KINDS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_ships_with_the_package(name: str) -> None:
    file = read_claims(f"example:{name}")
    assert file.title.startswith(f"{name}: ")
    assert file.claims
