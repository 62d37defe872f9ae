"""What the pages say is true: their Python runs, links lead somewhere, commands exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture_rules import ROOMS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]

FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>.*)\n(?P<code>(?:.*\n)*?)(?P=fence)$", re.M)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def blocks(text: str, language: str) -> list[tuple[int, str]]:
    """Blocks of one language, each with the line number of its first line of code."""
    return [
        (text.count("\n", 0, match.start("code")) + 1, match["code"])
        for match in FENCE.finditer(text)
        if match["language"].strip() == language
    ]


def prose(text: str) -> str:
    """The text without its blocks and without inline code."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """Addresses of the headings, as GitHub forms them."""
    titles = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.M)
    kept = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return {title.strip().replace(" ", "-") for title in kept}


def run_blocks(name: str, text: str) -> None:
    """Run a page's Python blocks in order, in one namespace."""
    namespace: dict[str, object] = {"__name__": name}
    for line, code in blocks(text, "python"):
        # Empty lines in front make a traceback point at the page's own line.
        exec(compile("\n" * (line - 1) + code, name, "exec"), namespace)


def make(*arguments: str) -> str:
    """What make would do, in words: ``make -n``, untouched by a make that runs these tests."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    clean.pop("MFLAGS", None)
    done = subprocess.run(
        ["make", "-n", *arguments],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


# ---------------------------------------------------------------------------------------------
# Pages.


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_python_on_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(page.name, page.read_text(encoding="utf-8"))


def test_blocks_of_a_page_share_names_and_point_at_their_line() -> None:
    page = "words\n\n```python\na = 2\n```\n\n```python\n\na /= 0\n```\n"
    with pytest.raises(ZeroDivisionError) as caught:
        run_blocks("page.md", page)
    assert caught.traceback[-1].lineno == 8  # counted from zero


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_page_marks_each_block_as_something_known(page: Path) -> None:
    languages = {match["language"] for match in FENCE.finditer(page.read_text(encoding="utf-8"))}
    assert languages <= {"console", "python", "text", "toml"}, "mark what does not run as text"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_to_other_pages_and_headings_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in LINK.findall(prose(text)):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, heading = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        if heading:
            assert heading in anchors(target.read_text(encoding="utf-8")), link


def test_headings_get_the_addresses_that_github_gives_them() -> None:
    assert anchors("# A map, of `code`\n```text\n# no\n```\n") == {"a-map-of-code"}


def test_the_changelog_has_a_place_for_what_is_not_released() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "unreleased" in anchors(changelog)


def test_the_readme_starts_with_the_two_commands() -> None:
    first_block = FENCE.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert first_block is not None
    assert re.findall(r"^make (\w+)", first_block["code"], re.M) == ["demo", "test"]


def test_the_map_shows_every_room_in_the_order_of_imports() -> None:
    page = (ROOT / "docs" / "map.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| `(\w+)(?:/|\.py)` \|", page, re.M)
    source = ROOT / "src" / "chainrule"
    there = {path.name for path in source.iterdir() if any(path.glob("*.py"))} | {"errors"}
    rank = {room: number for number, row in enumerate(ROOMS) for room in row}
    assert set(shown) == there
    assert [rank[room] for room in shown] == sorted((rank[room] for room in shown), reverse=True)


# ---------------------------------------------------------------------------------------------
# Commands.


def test_every_command_in_the_readme_exists() -> None:
    shown = set()
    for _, code in blocks((ROOT / "README.md").read_text(encoding="utf-8"), "console"):
        shown |= set(re.findall(r"^\$ chainrule (\w+)", code, re.M))
    models = {"train", "evaluate", "generate", "predict", "show"}
    assert shown == models | {"open", "explain", "derive", "claims"}
    for command in sorted(shown):
        call = (
            "import sys; from chainrule.app.cli import main; "
            f"sys.argv = ['chainrule', '{command}', '--help']; sys.exit(main())"
        )
        done = subprocess.run(
            [sys.executable, "-c", call],
            cwd=ROOT / "src",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert command in done.stdout


def test_the_command_is_installed_with_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"chainrule": "chainrule.app.cli:main"}


def test_make_demo_trains_on_the_census_table() -> None:
    assert "chainrule train sample:adult" in make("demo")


def test_make_test_and_make_check_run_what_they_promise() -> None:
    assert "-m pytest" in make("test")
    checks = make("check")
    for tool in ("ruff format --check", "ruff check", "mypy", "tests/test_architecture.py"):
        assert tool in checks


def test_a_fresh_clone_gets_its_environment_first() -> None:
    for target in ("demo", "test", "check"):
        plan = make(target, "VENV=build/no-such-environment")
        assert plan.index("-m venv") < plan.index("install --editable") < plan.rindex("bin/")
        assert "--quiet" in plan


def test_the_accepting_script_runs_check_and_test_and_stops_at_the_first_failure() -> None:
    script = ROOT / ".ci" / "run"
    lines = script.read_text(encoding="utf-8").splitlines()
    assert os.access(script, os.X_OK)
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert [line for line in lines if line.startswith("make")] == ["make check", "make test"]
