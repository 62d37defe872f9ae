"""``chainrule derive``, ``explain`` and ``check`` through a real process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.app.process import chainrule

MODULE = """
import numpy as np
import chainrule as cr
import chainrule.numpy as cnp
from chainrule import nn


class Residual(nn.Module):
    inner: nn.Module = nn.Dense(3)

    def __call__(self, x, *, key=None):
        return x + cnp.tanh(self.inner(x))


class Words(nn.Module):
    vectors: nn.Module = nn.Embedding(5, 2)

    def __call__(self, codes, *, key=None):
        return cnp.mean(self.vectors(codes) ** 2)


@cr.custom_vjp
def wrong(x):
    return cnp.sin(x), lambda g: g * cnp.sin(x)


def logarithm(x):
    return cnp.sum(cnp.log(x * 0))


seven = 7
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MODULE)
    return tmp_path


def test_derive_prints_equations_of_an_example_and_of_a_model(
    folder: Path, trained: tuple[Path, Any]
) -> None:
    done = chainrule("derive", "example:E5", folder=folder)
    assert done.code == 0, done.err
    assert "δ⁽²⁾ = ∂L/∂a⁽²⁾ ⊙ a⁽²⁾ ⊙ (1 − a⁽²⁾)   n × 2" in done.out
    lines = chainrule("derive", trained[0] / "run", "--json", folder=folder).json["lines"]
    assert any(
        line["latex"].startswith(r"\delta^{(1)} &=") or line["key"] == "delta(1)" for line in lines
    )


@pytest.mark.parametrize(
    ("language", "start"),
    [
        ("latex", r"\begin{aligned}"),
        ("mathml", "<math"),
        ("html", "<!doctype html>"),
        ("json", "{"),
    ],
)
def test_derive_writes_every_language(folder: Path, language: str, start: str) -> None:
    done = chainrule("derive", "example:e1", "--format", language, folder=folder)
    assert done.out.startswith(start)
    out = {"latex": "a.tex", "mathml": "a.mml", "html": "a.html", "json": "a.json"}[language]
    assert chainrule("derive", "example:e1", "-o", out, folder=folder).code == 0
    assert (folder / out).read_text().startswith(start)


def test_explain_takes_a_row_of_a_model_s_table_apart(
    folder: Path, trained: tuple[Path, Any]
) -> None:
    at = trained[0]
    command = ("explain", at / "run", at / "table.csv", "--row", 3)
    step = chainrule(*command, "--json", folder=folder).json
    assert step["rows"] == [3]
    given = {value["key"]: value for value in step["given"]}
    assert given["x"]["shape"][0] == 1
    assert [line["part"] for line in step["lines"]][-1] == "update"
    done = chainrule(*command, "-o", "step.html", folder=folder)
    assert done.code == 0, done.err
    page = (folder / "step.html").read_text()
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_explain_goes_on_from_a_later_step_with_another_optimiser(folder: Path) -> None:
    options = ("--step", 2, "--optimizer", "adam", "--learning-rate", 0.5)
    step = chainrule("explain", "example:e1", *options, "--json", folder=folder).json
    lines = {line["key"]: line for line in step["lines"]}
    assert "m_W'(1)" in lines
    first = chainrule("explain", "example:e1", "--json", folder=folder).json
    assert step["loss"] != first["loss"]


def test_text_says_how_far_native_code_lies(folder: Path) -> None:
    said = chainrule("explain", "example:e1", folder=folder).out
    assert "z⁽¹⁾[h1] = W⁽¹⁾[x1→h1]·x1 + W⁽¹⁾[x2→h1]·x2 = 0.2·0.35 + 0.2·0.7 = 0.21" in said
    assert "float32 native code differs in loss by" in said


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("explain", "example:e1", "--row", 2), "--row counts from 1, and there are 1 rows"),
        (("explain", "example:e1", "--loss", "none"), "loss is one of"),
        (("explain", "example:e9"), "there is nothing called 'example:e9'"),
        (("derive", "example:e1", "--format", "word"), "--format is one of text, latex"),
        (("explain", "nowhere.csv", "--target", "y"), "nowhere.csv"),
        (("check", "mine.py"), "expected file.py:NAME"),
        (("check", "yours.py:net"), "there is no file 'yours.py'"),
        (("check", "mine.py:Nothing"), "mine.py has no 'Nothing'"),
        (("check", "mine.py:seven"), "no module and no function"),
        (("check", "no.such.module:f"), "importing no.such.module failed"),
        (("check", "mine.py:wrong", "--input", "2,3"), "--input expects a shape"),
        (("check", "mine.py:Residual", "--input", "2x4"), "mine.py:Residual"),
    ],
)
def test_mistakes_get_one_sentence(
    folder: Path, arguments: tuple[object, ...], complaint: str
) -> None:
    assert complaint in chainrule(*arguments, folder=folder).complaint


def test_right_gradients_of_a_users_module_pass(folder: Path) -> None:
    done = chainrule("check", "mine.py:Residual", "--input", "4x3", folder=folder)
    assert done.code == 0, done.err
    assert done.out.startswith("gradients are right")
    words = chainrule("check", "mine:Words", "--input", "int:8:5", "--json", folder=folder).json
    assert words["ok"] is True
    assert len(words["comparisons"]) == 6


def test_wrong_gradients_fail(folder: Path) -> None:
    done = chainrule("check", "mine.py:wrong", "--input", "4x3", "--order", 1, folder=folder)
    assert done.code == 2
    assert "GRADIENTS ARE WRONG" in done.out
    assert "<-- differs" in done.out


def test_values_that_are_not_finite_are_named_with_their_line(folder: Path) -> None:
    done = chainrule("check", "mine.py:logarithm", "--input", "2x2", folder=folder)
    assert done.code == 2
    assert "not finite: log gave −infinity" in done.out
    assert "mine.py:28 in logarithm" in done.out


def test_json_holds_no_nan(folder: Path) -> None:
    done = chainrule("check", "mine.py:logarithm", "--input", "2x2", "--json", folder=folder)
    assert json.loads(done.out)["ok"] is False
