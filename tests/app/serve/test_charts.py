"""Charts of the page: read by keys, following a training, and still where motion is unwanted."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.app.serve.conftest import until
from tests.app.serve.test_page import visit


def tab_to(page: Page, selector: str) -> None:
    for _ in range(60):
        if page.evaluate("s => document.activeElement?.matches(s)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached by Tab")


@pytest.mark.parametrize(
    ("fragment", "chart", "keys", "said"),
    [
        ("source=example:e4&step=2", "curve", ["Home"], "step 0: loss 5"),
        ("source=example:e4&step=2", "curve", ["Home", "ArrowRight"], "step 1: loss 1.25"),
        ("source=example:e4&step=2", "slice", ["Home"], r"x → y 0.99: loss 5.101"),
        ("source=example:e5&slice=gradient", "slice", ["Home"], "rate 0: loss 0.2984"),
        (
            "source=example:e5&slice=plane",
            "slice",
            ["Home", "ArrowUp"],
            r"−1 down the gradient, 0.1 at random: loss 0\.\d+",
        ),
        ("source=sample:xor", "plane", ["Home"], r"at −0.15 and [\d.]+: output 0\.\d+"),
    ],
)
def test_a_chart_is_read_by_keys_alone(
    page: Page, server: str, fragment: str, chart: str, keys: list[str], said: str
) -> None:
    visit(page, server, fragment)
    page.wait_for_selector(f"#read-{chart}")
    page.wait_for_load_state("networkidle")
    tab_to(page, f"#read-{chart}")
    reading = page.locator(f"#read-{chart} + .reading")
    expect(reading).not_to_be_empty()
    for key in keys:
        page.keyboard.press(key)
    expect(reading).to_have_text(re.compile(said))
    expect(page.locator(f"#read-{chart} .cursor")).to_have_attribute("visibility", "visible")
    page.keyboard.press("Tab")
    expect(reading).to_be_empty()


def test_a_chart_is_read_under_the_mouse(page: Page, server: str) -> None:
    visit(page, server, "source=example:e4&step=2")
    page.wait_for_load_state("networkidle")
    page.locator("#read-curve").hover(position={"x": 60, "y": 60})
    expect(page.locator("#read-curve + .reading")).to_have_text("step 0: loss 5")


def test_who_reads_a_chart_goes_on_reading_it_in_the_next_step(page: Page, server: str) -> None:
    visit(page, server, "source=example:e4&step=1&speed=25")
    page.wait_for_selector("#read-slice")
    page.locator("#train").click()
    page.locator("#read-curve").focus()
    page.keyboard.press("Home")
    until(page, "chainruleTraining.updates >= 5")
    assert page.evaluate("document.activeElement.id") == "read-curve"
    expect(page.locator("#read-curve + .reading")).to_have_text("step 0: loss 5")


@pytest.mark.parametrize("kind", ["weight", "gradient", "plane"])
def test_the_loss_around_the_step_follows_a_training(page: Page, server: str, kind: str) -> None:
    visit(page, server, f"source=example:e5&slice={kind}&pick=2,0,0&speed=25")
    picture = page.locator("#slice svg[role=img]")
    first = picture.get_attribute("aria-label") or ""
    page.locator("#train").click()
    for _ in range(2):
        expect(picture).not_to_have_attribute("aria-label", first)
        first = picture.get_attribute("aria-label") or ""
    expect(page.locator("#train")).to_have_text("■ Stop")
    page.locator("#train").click()
    expect(page.locator("#train")).to_have_text("▶ Train")


def test_a_chosen_speed_is_the_one_that_is_shown(page: Page, server: str) -> None:
    visit(page, server, "source=example:e5&speed=25")
    page.locator("#train").click()
    expect(page.locator("#facts")).to_contain_text("25 steps/s")
    page.locator("#train").click()


def test_nothing_moves_where_people_want_no_motion(page: Page, server: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    visit(page, server, "source=example:e5")
    page.locator("#phase-3").click()
    expect(page.locator("#drawing")).to_contain_text("δ")
    assert page.locator(".appear").count() > 0
    assert page.evaluate("document.getAnimations().length") == 0
