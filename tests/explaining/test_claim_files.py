"""Claim files: what they may hold, and what is said of those that hold something else."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

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


# What is written instead of what, and what is said then.
BAD: list[tuple[str, str, str]] = [
    ('title = "t"', "title =", "is not valid TOML: Invalid value (at line 1"),
    ("0.5\n", '0.5\n"x->y" = 0.6\n', "is not valid TOML: Cannot overwrite a value (at line 9"),
    ('["y"]', '["x"]', "the name 'x' is used twice"),
    (
        "[network.weights]",
        "[network.biases]\nz = 1\n[network.weights]",
        "line 8: there is no unit 'z'",
    ),
    ('"x->y" = 0.5', '"x->z" = 0.5', "line 8: there is no unit 'z'; the units are y"),
    ('"x->y" = 0.5', '"y->y" = 0.5', "line 8: there is no edge 'y->y': edges to y begin at x"),
    ('"x->y" = 0.5', "", "line 7: the edge x->y has no weight"),
    ('"x->y" = 0.5', '"x->y" = 0.5\n"x → y" = 1', "line 9: the edge x → y has two weights"),
    ("0.5\n", "inf\n", "line 8: x->y must be finite, received Infinity"),
    ("[[1.0]]", "[[1.0, 2.0]]", "line 11: inputs must be a list of rows with 1 number each"),
    ("[[1.0]]", "[[1.0], [2.0]]", "line 12: there are 2 rows of inputs and 1 of targets"),
    ("[[1.0]]", "[[1e400]]", "line 11: inputs must be finite, received 1E+400"),
    ("[[1.0]]", f"[[{10**400}]]", "line 11: inputs must be finite, received 1000"),
    ('"sigmoid"', '"softmax"', "a softmax output needs the loss cross_entropy"),
    ("row = 1", "row = 2", "line 18: row is 2, but the data has 1 row"),
    ("net[y]", "net[x]", "line 21: there is no unit 'x'"),
    ("net[y]", "error[h]", "line 21: there is no unit 'h'"),
    ("0.50", '0.50\n"net[ y ]" = 1', "line 22: net[ y ] comes twice; give a list of numbers"),
    ("0.50", "1e301", "line 21: net[y] must have its digits between 1e-300 and 1e300"),
    ("0.50", "1e-301", "line 21: net[y] must have its digits between 1e-300 and 1e300"),
    ("0.50", f"0.{'5' * 301}", "line 21: net[y] must have its digits between 1e-300 and 1e300"),
    ("0.50", "nan", "line 21: net[y] must be a number or its digits, received NaN"),
]
# The schema refuses these, too.
BAD_FORM: list[tuple[str, str, str]] = [
    ('title = "t"', "", "the key 'title' is missing in the file"),
    ('title = "t"', "title = 3", "line 1: title must be a text, received 3"),
    ('title = "t"', 'title = "t"\nabout = 3', "line 2: about must be a text, received 3"),
    ("[network]", "[network]\nname = 1", "line 4: unknown key 'name' in table network; known are"),
    ('["x"]', "3", "line 4: inputs must be a list of names, received 3"),
    ('["x"]', '[""]', "line 4: the name '' cannot be read in net[...]"),
    ('["x"]', '["a->b"]', "line 4: the name 'a->b' cannot be read in net[...]"),
    ('["x"]', '["x]"]', "line 4: the name 'x]' cannot be read in net[...]"),
    (
        '[{ units = ["y"], activation = "sigmoid" }]',
        "3",
        "line 5: network.layers must be one or mo",
    ),
    ('"sigmoid"', '"step"', "line 5: activation must be one of identity, sigmoid, tanh, relu"),
    (
        ', activation = "sigmoid"',
        "",
        "line 5: the key 'activation' is missing in table network.lay",
    ),
    ('"x->y" = 0.5', '"xy" = 0.5', "line 8: 'xy' is no edge; write it as 'x1->h1'"),
    ("0.5\n", '"a"\n', "line 8: x->y must be a number, received 'a'"),
    ("0.5\n", "[0.5]\n", "line 8: x->y must be a number, received [0.5]"),
    ("[network.weights]", "[network.random]\nseeds = 2\n[network.weights]", "either weights or"),
    ('[network.weights]\n"x->y" = 0.5', "", "line 3: the key 'weights' (or 'random') is missing"),
    ('[network.weights]\n"x->y" = 0.5', "random = { seeds = 2000 }", "to 1,000, received 2000"),
    ("[[1.0]]", "[]", "line 11: inputs must be a list of rows with 1 number each"),
    ("[[1.0]]", "[[true]]", "line 11: inputs must be a number, received true"),
    ('"half_squared_error"', '"hinge"', "line 15: loss must be one of half_squared_error"),
    ("loss =", "rate = true\nloss =", "line 15: rate must be a number, received true"),
    ("loss =", 'train_biases = "no"\nloss =', "line 15: train_biases must be true or false"),
    ("row = 1", "row = 0", "line 18: row must be a whole number from 1 to 1,000,000, received 0"),
    ("row = 1", "after = 1.5", "line 18: after must be a whole number from 0"),
    ("row = 1", "after = 2000000", "line 18: after must be a whole number from 0 to 1,000,000"),
    ('title = "t"', "title = 2026-01-31", "line 1: title must be a text, received 2026-01-31"),
    ("[[1.0]]", "[[07:32:00]]", "line 11: inputs must be a number, received 07:32:00"),
    ('["x"]', "{ a = [1.5] }", "line 4: inputs must be a list of names, received {a = [1.5]}"),
    ("row = 1", "title = 1", "line 18: title must be a text, received 1"),
    ("net[y]", "nets[y]", "line 21: 'nets[y]' is no quantity; write one of net, out"),
    ("net[y]", "net", "line 21: 'net': net needs a unit or an edge"),
    ("net[y]", "net[]", "line 21: 'net[]' is no quantity"),
    ("net[y]", "mean_squared_error[y]", "mean_squared_error needs no name"),
    ('"net[y]" = 0.50', "", "line 20: values must hold at least one printed number"),
    ("0.50", "[]", "line 21: net[y] needs a number"),
    ("0.50", '"half"', "line 21: net[y] must be a number or its digits, received 'half'"),
    ("0.50", '"0,50"', "line 21: net[y] must be a number or its digits, received '0,50'"),
    ("[claims.values]", "[claims.numbers]", "unknown key 'numbers' in table claims number 1"),
]


@pytest.mark.parametrize(("old", "new", "message"), [*BAD, *BAD_FORM])
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


@pytest.mark.parametrize(
    ("old", "new"),
    [("0.50", "5" * 5000), ("[[1.0]]", "[" * 5000 + "]" * 5000)],
    ids=["digits", "brackets"],
)
def test_what_python_cannot_read_is_refused(old: str, new: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match="is not valid TOML"):
        check_claims(path)


def test_a_line_is_that_of_the_right_table(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    written = GOOD.replace(
        'units = ["y"], activation = "sigmoid" }',
        """units = ["h"], activation = "tanh" },
  { units = ["y"], activation = "step" }""",
    )
    path.write_text(written, encoding="utf-8")
    with pytest.raises(DataError, match="line 6: activation must be one of"):
        check_claims(path)

    layers = """
[[network.layers]]
units = ["h"]
activation = "tanh"

[[network.layers]]
units = ["y"]
activation = "step"
"""
    written = "\n".join(line for line in GOOD.splitlines() if not line.startswith("layers"))
    path.write_text(written.replace("\n[network.weights]", f"{layers}\n[network.weights]"))
    with pytest.raises(DataError, match="line 12: activation must be one of"):
        check_claims(path)

    again = '[[claims]]\nrow = 7\n[claims.values]\n"net[y]" = 1\n'
    path.write_text(GOOD.replace("[[1.0]]", "[\n  [1.0]\n]") + again, encoding="utf-8")
    with pytest.raises(DataError, match="line 25: row is 7, but the data has 1 row"):
        check_claims(path)


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


def fits(written: str) -> bool:
    return bool(Draft202012Validator(schema()).is_valid(tomllib.loads(written)))


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_ships_with_the_package_and_fits_the_schema(name: str) -> None:
    file = read_claims(f"example:{name}")
    assert file.title.startswith(f"{name}: ")
    assert file.claims
    place = files("chainrule.explaining.claims") / f"{name.lower()}.toml"
    assert fits(place.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("old", "new", "message"), BAD_FORM)
def test_the_schema_refuses_what_the_reader_refuses(old: str, new: str, message: str) -> None:
    assert fits(GOOD)
    assert not fits(GOOD.replace(old, new, 1)), message
