"""A server in a process of its own, and a browser to look at its page."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib import request
from urllib.error import HTTPError

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.app.process import environment

Ask = Callable[..., Any]


def start_server(folder: Path, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    """Run ``chainrule open`` on a free port; give the process and the address of the page."""
    process = subprocess.Popen(
        [sys.executable, "-m", "chainrule", "open", *arguments, "--no-browser", "--port", "0"],
        cwd=folder,
        env={**environment(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    if "http" not in line:
        process.wait(10)
        raise AssertionError(process.stderr.read())
    return process, line.split()[4].split("#")[0].rstrip("/")


def stop_server(process: subprocess.Popen[str]) -> None:
    """End a server, and close what it wrote to."""
    process.terminate()
    process.communicate(timeout=20)


def until(page: Page, expression: str, seconds: float = 30) -> None:
    """Wait for something to hold; the page's own rules let no other code be evaluated in it."""
    end = perf_counter() + seconds
    while not page.evaluate(expression):
        assert perf_counter() < end, f"never: {expression}"
        page.wait_for_timeout(10)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that all tests share."""
    process, address = start_server(tmp_path_factory.mktemp("server"))
    yield address
    stop_server(process)


@pytest.fixture(scope="session")
def ask(server: str) -> Ask:
    """Ask the server something; gives what JSON it answered, or the error's sentence."""

    def asked(path: str, body: Any = None, **headers: str) -> Any:
        data = None if body is None else json.dumps(body).encode()
        question = request.Request(
            server + path, data, {"Content-Type": "application/json", **headers}
        )
        try:
            with request.urlopen(question, timeout=60) as response:
                return json.load(response)
        except HTTPError as error:
            with error:
                return {"status": error.code, **json.load(error)}

    return asked


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    path = shutil.which("chromium")
    assert path, "these tests need Chromium: apt-get install chromium (`make browser` does it)"
    expect.set_options(timeout=30_000)  # a shared machine has slow moments
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab whose console must stay empty; messages that are meant go into `expected`."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    tab.set_default_timeout(30_000)
    errors: list[str] = []
    tab.on("console", lambda m: errors.append(m.text) if m.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: errors.append(str(error)))
    yield tab
    context.close()
    meant = "Failed to load resource"
    assert [text for text in errors if not text.startswith(meant)] == []
