"""Pictures of the page for the docs: ``python -m tests.app.serve.screenshots FOLDER``."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from chainrule import loss_over_weight, losses, nn
from tests.app.serve.conftest import start_server, stop_server

SHOTS: Mapping[str, tuple[int, int, str]] = {
    "page-units": (1280, 800, "source=example:e5&phase=3&pick=1,0"),
    "page-dark": (1280, 1240, "source=sample:spirals&step=9000&phase=2&pick=2,3&theme=dark&log=1"),
    "page-one-weight": (1280, 976, "source=example:e4&phase=3&pick=1,0,0"),
    "page-heat-maps": (1280, 760, "source=sample:digits&step=60&phase=3&pick=1,4"),
    "page-recurrence": (
        1280,
        1000,
        "source=network:recurrence&step=99&phase=2&entry=h_1(1)@0,4,3",
    ),
    "page-equations": (1280, 900, "view=equations&source=example:e5"),
    "page-claims": (1280, 860, "view=claims&claims=E1"),
    "page-phone": (390, 844, "source=example:e1&phase=2&pick=2,1,0"),
}


def one_weight() -> str:
    """The loss over one weight, with a walk down: the picture of example E4."""
    curve = loss_over_weight(
        nn.Dense(1, use_bias=False).with_arrays({"weight": [[3.0]]}),
        [[0.0], [1.0], [2.0]],
        [[0.0], [2.0], [4.0]],
        losses.SquaredError(reduction="sum"),
        path="weight",
        index=(0, 0),
        values=np.linspace(0, 4, 41).tolist(),
        rate=0.05,
        steps=6,
    )
    return curve.svg()


def draw(folder: Path) -> None:
    """Make every picture."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "one-weight.svg").write_text(one_weight(), encoding="utf-8")
    with tempfile.TemporaryDirectory() as place:
        process, address = start_server(Path(place))
        try:
            with sync_playwright() as playwright:
                path = shutil.which("chromium")
                browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
                for name, (width, height, fragment) in SHOTS.items():
                    page = browser.new_page(viewport={"width": width, "height": height})
                    page.goto(f"{address}#{fragment}")
                    page.wait_for_selector(".drawing svg, .tiles, .sheet", timeout=60_000)
                    page.wait_for_timeout(1500)  # until everything has appeared
                    page.screenshot(path=folder / f"{name}.png")
                    page.close()
                browser.close()
        finally:
            stop_server(process)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
