"""The example of language models learns from a page of text, writes, and stores what it learnt."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from chainrule.app.model import load_language_model
from examples import language_model

PAGE = Path(language_model.__file__).parent / "texts" / "coriolanus.txt"


@pytest.mark.parametrize("network", ["gpt", "lstm"])
def test_it_learns_from_a_page_and_its_model_can_be_opened(
    network: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "model.chainrule"
    small = ["--width", "16", "--context", "16", "--epochs", "20", "--length", "40"]
    model = language_model.main(
        [str(PAGE), "--network", network, *small, "--prompt", "First", "--out", str(place)]
    )
    shown = capsys.readouterr().out
    assert "6,270 characters to learn from, 697 held out, 56 symbols" in shown
    assert "\nFirst" in shown
    text = PAGE.read_text(encoding="utf-8")
    held_out = model.tokens.encode(text[6270:])
    by_network = model.losses_of(held_out).mean()
    assert by_network < math.log(56) - 0.5  # far better than guessing evenly
    again = load_language_model(place)
    np.testing.assert_array_equal(again.losses_of(held_out), model.losses_of(held_out))
