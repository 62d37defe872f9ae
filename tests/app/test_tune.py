"""``chainrule tune`` and what ``chainrule cache`` says of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chainrule.app.commands import tune as command
from chainrule.app.screen import Screen
from chainrule.execute.native.compiler import machine
from chainrule.execute.native.tune import Product, tune
from chainrule.execute.native.tuned import tuned
from tests.app.process import chainrule


@pytest.fixture(autouse=True)
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time two small products alone, into a cache of its own."""
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "compiled"))
    products = (Product(16, 20, 8, "NN"), Product(8, 20, 16, "TN"))
    monkeypatch.setattr(command, "measure", lambda: tune(products))


def test_what_was_measured_is_shown_kept_and_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = chainrule("cache", folder=tmp_path).out
    assert "not measured; `chainrule tune` does it" in before
    command.tune(Screen(machine=True))
    told = json.loads(capsys.readouterr().out)
    tuned.cache_clear()
    assert told["cpu"] == machine().cpu
    assert told["kept"]
    assert [x["product"] for x in told["products"]] == [
        "NN 16 x 20 x 8 float32",
        "TN 8 x 20 x 16 float32",
    ]
    kept = chainrule("cache", "--json", folder=tmp_path).json
    assert kept["tuning"] == {"figures": told["figures"], "gain": told["gain"]}
    assert kept["objects"] == 0
    removed = chainrule("cache", "--clear", "--json", folder=tmp_path).json
    assert (removed["removed"], removed["tuning"]) == (1, None)


def test_people_read_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    command.tune(Screen())
    tuned.cache_clear()
    said = capsys.readouterr().out
    for part in ("NN 16 x 20 x 8 float32", machine().cpu, "for programs that are compiled"):
        assert part in said
