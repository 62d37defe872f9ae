"""What a user says about columns."""

from __future__ import annotations

import pytest

from chainrule.data import split_overrides
from chainrule.data.overrides import Override, parse_override, parse_overrides
from chainrule.errors import DataError, ParameterError


@pytest.mark.parametrize(
    ("text", "override"),
    [
        ("numeric", Override("numeric")),
        ("numeric:robust", Override("numeric", scaling="robust")),
        ("numeric:comma:quantile", Override("numeric", scaling="quantile", mark=",")),
        ("numeric:missing=-999:missing=0.5", Override("numeric", missing=(-999.0, 0.5))),
        ("categorical:embedded", Override("categorical", embedded=True)),
        ("categorical:onehot", Override("categorical", embedded=False)),
        ("boolean", Override("boolean")),
        ("date:mdy", Override("date", order="mdy")),
        ("text:characters:500", Override("text", unit="characters", size=500)),
        ("drop", Override("drop")),
    ],
)
def test_a_kind_and_its_details_are_read(text: str, override: Override) -> None:
    assert parse_override("x", text) == override


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("number", "column 'x' cannot be made 'number': use 'numeric', 'categorical', 'boolean'"),
        ("numeric:cube", "'numeric' has no detail 'cube'; there are 'standard', 'robust'"),
        ("numeric:missing=none", "'missing=' should be followed by a number, not 'none'"),
        ("text:0", "'text' has no detail '0'; there are 'words', 'characters', '500'"),
        ("boolean:yes", "'boolean' has no detail 'yes'; 'boolean' takes none"),
    ],
)
def test_what_cannot_be_meant_is_explained(text: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        parse_override("x", text)


def test_a_name_that_is_not_there_is_explained() -> None:
    with pytest.raises(DataError, match=r"no column 'zap': did you mean 'zip'\?"):
        parse_overrides({"zap": "text"}, ["zip", "age"])
    with pytest.raises(DataError, match="column 'y' is the target"):
        parse_overrides({"y": "text"}, ["x", "y"], ["y"])


def test_a_command_line_names_columns_with_an_equals_sign() -> None:
    texts = ["zip=categorical", "a=b=drop", "gap=numeric:missing=-999:robust"]
    assert split_overrides(texts) == {
        "zip": "categorical",
        "a=b": "drop",
        "gap": "numeric:missing=-999:robust",
    }
    for text in ("zip", "=drop", ""):
        with pytest.raises(ParameterError, match="expected COLUMN=KIND, such as"):
            split_overrides([text])
