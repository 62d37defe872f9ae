"""axe-core finds nothing to object to, in any view, light and dark."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.app.serve.test_page import visit

VIEWS = {
    "units": "source=example:e5&phase=3&pick=1,0",
    "edge": "source=sample:spirals&phase=4&pick=1,0,0&step=3",
    "one weight": "source=example:e4&phase=4&pick=1,0,0",
    "plane": "source=sample:spirals&phase=3&slice=plane&step=9",
    "heat maps": "source=sample:digits&phase=3&pick=1,0&step=2",
    "convolution": "source=network:convolution&phase=2&entry=z(1)@1,3,3",
    "recurrence": "source=network:recurrence&phase=3",
    "changes": 'source=example:e1&phase=2&changes=[[0,"input","",[0,0],0.5]]&pick=0,0',
    "equations": "view=equations&source=example:e5",
    "claims": "view=claims&claims=E1",
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_violation(page: Page, server: str, view: str, theme: str) -> None:
    visit(page, server, f"{VIEWS[view]}&theme={theme}")
    page.wait_for_timeout(600)  # until everything has appeared
    found = Axe().run(page).response["violations"]
    said = [
        (each["id"], node["target"], node["failureSummary"])
        for each in found
        for node in each["nodes"]
    ]
    assert said == []


@pytest.mark.parametrize("fragment", ["view=claims&claims=E1", "source=example:e4&phase=3"])
def test_axe_finds_no_violation_on_a_phone(page: Page, server: str, fragment: str) -> None:
    page.set_viewport_size({"width": 360, "height": 780})
    visit(page, server, fragment)
    page.wait_for_timeout(600)  # until everything has appeared
    assert Axe().run(page).response["violations"] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_violation_in_dialogs_and_messages(
    page: Page, server: str, theme: str
) -> None:
    page.goto(f"{server}#source=sample:nothing&theme={theme}")
    page.wait_for_selector("#problem button")
    assert Axe().run(page).response["violations"] == []
    visit(page, server, f"source=example:e1&theme={theme}&row=0")
    page.reload()
    page.wait_for_selector(".drawing svg")
    page.get_by_text("Export").click()
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("button", name="Your model or data").click()
    assert Axe().run(page).response["violations"] == []
