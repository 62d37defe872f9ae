"""Files that are wrong or change while they are open, ports that are taken, two pages at once."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app.process import chainrule
from tests.app.serve.conftest import start_server, stop_server, until
from tests.app.serve.test_page import visit

MISTAKES = {
    "a folder without a model": (("empty",), "'empty': the folder holds no model.chainrule"),
    "half a file": (
        ("half.chainrule",),
        "'half.chainrule': the model file is damaged or cut short",
    ),
    "the wrong order": (("table.csv", "run"), "the model comes first: run table.csv"),
    "two tables": (("table.csv", "table.csv"), "'table.csv' is no model"),
    "a text alone": (("book.txt",), "opened with a model that was trained on such data"),
    "a misspelt sample": (("sample:iriss",), "there is no sample 'iriss': did you mean 'iris'?"),
    "no such example": (("example:e9",), "there is nothing called 'example:e9'"),
    "no such port": (("run", "--port", 70000), "a port lies between 0 and 65535, received 70000"),
    "no such column": (("table.csv", "--target", "z"), "the table has no column 'z'"),
}


@pytest.fixture
def folder(trained: tuple[Path, Any], tmp_path: Path) -> Path:
    """A folder of one's own with a run and its table, and some files that are wrong."""
    here = tmp_path / "here"
    shutil.copytree(trained[0], here)
    (here / "empty").mkdir()
    whole = (here / "run" / "model.chainrule").read_bytes()
    (here / "half.chainrule").write_bytes(whole[: len(whole) // 2])
    (here / "book.txt").write_text("once upon a time", encoding="utf-8")
    return here


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_at_once(folder: Path, mistake: str) -> None:
    arguments, said = MISTAKES[mistake]
    done = chainrule("open", *arguments, "--no-browser", folder=folder)
    assert said in done.complaint
    assert len(done.complaint.splitlines()) == 1


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = chainrule("open", "--no-browser", "--port", port, folder=tmp_path)
    assert f"cannot listen at 127.0.0.1, port {port}: Address already in use" in done.complaint


def test_a_model_that_was_trained_anew_is_shown_after_a_reload(page: Page, folder: Path) -> None:
    process, address = start_server(folder, "run", "table.csv")
    try:
        page.goto(address + "#source=example:e1")
        page.wait_for_selector(".drawing svg")
        source = page.locator("#source option", has_text="run with table.csv").get_attribute(
            "value"
        )
        page.goto(f"{address}#source={source}")
        expect(page.locator("h1")).to_have_text("run with table.csv")
        before = page.locator("#facts").inner_text()
        arguments = ("table.csv", "--target", "y", "--out", "new", "--hidden", "3")
        chainrule("train", *arguments, "--epochs", 1, "--executor", "numpy", folder=folder)
        (folder / "new" / "model.chainrule").replace(folder / "run" / "model.chainrule")
        page.locator("#next").click()
        expect(page.locator("#step")).to_have_text("step 1")  # what is open goes on as it was
        page.locator("#back").click()
        expect(page.locator("#step")).to_have_text("step 0")
        assert page.locator("#facts").inner_text() == before
        page.reload()
        expect(page.locator("#facts")).not_to_have_text(before)
        (folder / "run" / "model.chainrule").write_bytes(b"rubbish")
        page.reload()
        expect(page.locator("#problem")).to_contain_text("this is not a chainrule model file")
        page.get_by_role("button", name="Open example E1").click()
        expect(page.locator("h1")).to_contain_text("E1")
    finally:
        stop_server(process)


def test_two_pages_train_at_once_and_each_keeps_its_own(browser: Browser, server: str) -> None:
    pages = [browser.new_page() for _ in range(2)]
    try:
        for page, source in zip(pages, ("sample:xor", "sample:moons"), strict=True):
            visit(page, server, f"source={source}")
            page.locator("#train").click()
        for page in pages:
            until(page, "chainruleTraining.updates >= 5")
        for page, title in zip(pages, ("xor", "moons"), strict=True):
            page.locator("#train").click()
            expect(page.locator("#train")).to_have_text("▶ Train")
            expect(page.locator("h1")).to_have_text(title)
            expect(page.locator("#problem")).to_be_empty()
    finally:
        for page in pages:
            page.close()
