"""What the pages show is what the program prints."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

from chainrule.explaining import check_claims
from tests.test_docs import blocks, run_blocks

PAGES = ("backpropagation-with-your-numbers.md", "a-famous-wrong-print.md")


@pytest.mark.parametrize("name", PAGES)
def test_every_line_of_output_on_a_page_is_printed_by_its_code(name: str, repository: Path) -> None:
    page = (repository / "docs" / name).read_text(encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        run_blocks(name, page)
    lines = printed.getvalue().splitlines()
    shown = [line for _, text in blocks(page, "text") for line in text.splitlines()]
    assert shown
    assert [line for line in shown if line not in lines] == []


def test_the_claim_file_on_the_page_says_what_the_page_says(
    repository: Path, tmp_path: Path
) -> None:
    page = (repository / "docs" / "a-famous-wrong-print.md").read_text(encoding="utf-8")
    ((_, content),) = blocks(page, "toml")
    path = tmp_path / "exercise.toml"
    path.write_text(content, encoding="utf-8")
    report = check_claims(path)
    assert [finding.verdict for finding in report.findings] == [
        "exact",
        "rounded",
        "rounded",
        "wrong",
    ]
    weight = report["w[h->y]"]
    assert f"{weight.value:.9g}" == "2.00798006"
    assert weight.cause is not None
    assert weight.cause.name == "ascent"
