"""The benchmark of the page asks the real server, and trains what it says."""

from __future__ import annotations

from pathlib import Path

from benchmarks import page
from chainrule.app.serve.material import from_table


def test_its_table_has_784_numbers_and_ten_classes(tmp_path: Path) -> None:
    material = from_table(str(page.big_table(tmp_path)), "kind")
    assert material.inputs[0].shape[1] == page.PIXELS
    assert material.outputs == page.CLASSES
    assert material.places is not None


def test_steps_and_a_watched_training_are_asked_from_a_server() -> None:
    state = {"source": "sample:xor"}
    with page.server() as address:
        assert len(page.answers(address, state, 2)) == 2
        steps, updates = page.watched(address, state, 50)
    assert steps > updates > 0


def test_the_training_alone_is_the_one_that_is_watched() -> None:
    alone = page.Alone(from_table("sample:xor"), {})
    assert alone.speed(20) > 0
