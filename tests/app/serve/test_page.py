"""The page in a real browser: buttons, keys, numbers, the address, and what goes wrong."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from chainrule.app.serve.worked import WORKED
from chainrule.explaining.stepping import explain
from tests.app.serve.conftest import start_server, stop_server, until


def visit(page: Page, server: str, fragment: str = "source=example:e1") -> None:
    page.goto(f"{server}#{fragment}")
    page.wait_for_selector(".drawing svg, .tiles, .sheet")


def fragment(page: Page) -> str:
    return unquote(page.url.partition("#")[2])


def value(page: Page, key: str) -> float:
    """The number that the panel of equations shows for a key, in full."""
    return float(page.locator(f'[data-key="{key}"]').get_attribute("data-value") or "nan")


def settled(page: Page) -> None:
    """Wait until nothing is being asked for, and all equations belong to this step."""
    page.wait_for_load_state("networkidle")
    page.wait_for_selector("#look:not([aria-busy]) [data-key]")
    page.wait_for_selector(".plane")
    page.wait_for_selector("#slice svg")


def e1_step() -> Any:
    material = WORKED["e1"]()
    setup = material.setup
    network = material.build(setup)
    return explain(
        network, material.inputs, material.labels, setup.make_loss(), setup.make_optimiser()
    )


def test_each_phase_shows_its_numbers(page: Page, server: str) -> None:
    visit(page, server, "source=example:e1&phase=0")
    drawing = page.locator("#drawing")
    expect(drawing).not_to_contain_text("0.5523")
    page.get_by_role("button", name="Forward", exact=False).first.click()
    expect(drawing).to_contain_text("0.5523")
    page.locator("#phase-2").click()
    expect(drawing).to_contain_text("0.01362")
    page.locator("#phase-3").click()
    expect(drawing).to_contain_text("δ 0.00273")
    page.locator("#phase-4").click()
    expect(drawing).to_contain_text("→ 0.8787")
    expect(page.locator("#facts")).to_contain_text("after the update")
    page.locator("#phase-1").click()  # the next step begins
    expect(page.locator("#step")).to_have_text("step 1")


def test_the_numbers_on_the_page_are_those_of_python(page: Page, server: str) -> None:
    step = e1_step()
    visit(page, server, "source=example:e1&phase=4&pick=1,1")
    page.wait_for_selector("[data-key='delta(1)']")
    assert value(page, "z(1)") == step["z(1)"][0, 1]
    assert value(page, "a(1)") == step["a(1)"][0, 1]
    assert value(page, "delta(1)") == step["delta(1)"][0, 1]
    page.locator('[data-pick="2,0,0"]').click(force=True)
    page.wait_for_selector('[data-key="W\'(2)"]')
    assert value(page, "W'(2)") == step["W'(2)"][0, 0]
    assert value(page, "dL/dW(2)") == step["dL/dW(2)"][0, 0]
    assert float(page.locator("#loss-now").get_attribute("data-value") or "nan") == step.loss


def test_everything_is_in_the_address(page: Page, server: str) -> None:
    visit(page, server)
    page.locator("#phase-3").click()
    page.locator('[data-pick="1,0"]').click()
    page.locator("#next").click()
    expect(page.locator("#step")).to_have_text("step 1")
    page.select_option("#theme", "dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    settled(page)
    before = {"url": page.url, "text": page.locator("main").inner_text()}
    page.reload()
    settled(page)
    assert page.url == before["url"]
    assert page.locator("main").inner_text() == before["text"]
    for part in ("source=example:e1", "phase=3", "pick=1,0", "step=1", "theme=dark"):
        assert part in fragment(page)


def test_the_history_goes_back_and_forward(page: Page, server: str) -> None:
    visit(page, server)
    first = page.locator("#loss-now").get_attribute("data-value")
    for n in (1, 2, 3):
        page.locator("#next").click()
        expect(page.locator("#step")).to_have_text(f"step {n}")
    page.locator("#back").click()
    expect(page.locator("#step")).to_have_text("step 2")
    page.locator("#history").fill("0")
    expect(page.locator("#step")).to_have_text("step 0")
    expect(page.locator("#loss-now")).to_have_attribute("data-value", str(first))
    page.go_back()
    expect(page.locator("#step")).to_have_text("step 2")


def test_changing_a_weight_shows_what_changes_and_can_be_taken_back(
    page: Page, server: str
) -> None:
    visit(page, server, "source=example:e1&phase=2&pick=2,1,0")
    old = page.locator("#loss-now").get_attribute("data-value") or ""
    page.fill("#change-weight", "0.1")
    page.keyboard.press("Enter")
    expect(page.locator("#facts")).to_contain_text("was 0.0136247")
    assert page.locator("#loss-now").get_attribute("data-value") != old
    assert '[0,"weight","layers[2].weight",[1,0],0.1]' in fragment(page)
    page.get_by_role("button", name="Take back").click()
    expect(page.locator("#loss-now")).to_have_attribute("data-value", old)


@pytest.mark.parametrize(
    ("field", "choice", "seen"),
    [
        ("activation", "tanh", "hidden · tanh"),
        ("loss", "absolute_error", "0.1651"),
        ("optimiser", "adam", "step 0"),
        ("rate", "0.5", "step 0"),
    ],
)
def test_settings_change_the_experiment(
    page: Page, server: str, field: str, choice: str, seen: str
) -> None:
    visit(page, server, "source=example:e1&phase=4")
    control = page.locator(f"#{field}")
    if field == "rate":
        control.fill(choice)
        control.press("Enter")
    else:
        control.select_option(choice)
    expect(page.locator("main")).to_contain_text(seen)
    expect(page).to_have_url(re.compile("set="))
    settings = json.loads(re.findall(r"set=(\{.*?\})", fragment(page))[0])
    assert str(settings[field]) == choice


def test_training_runs_and_stops(page: Page, server: str) -> None:
    visit(page, server, "source=sample:xor")
    page.locator("#train").click()
    expect(page.locator("#train")).to_have_text("■ Stop")
    expect(page.locator("#facts")).to_contain_text("steps/s")
    until(page, "chainruleTraining.updates >= 5")
    page.locator("#train").click()
    expect(page.locator("#train")).to_have_text("▶ Train")
    until(page, "Number(new URLSearchParams(location.hash.slice(1)).get('step')) > 5")
    expect(page.locator("#facts")).to_contain_text("parameters")
    page.reload()
    page.wait_for_selector(".curve")


def test_training_ends_when_all_rows_are_right(page: Page, server: str) -> None:
    visit(page, server, "source=example:e6&speed=200")
    page.locator("#until").check()
    assert "until=correct" in fragment(page)
    page.locator("#train").click()
    expect(page.locator("#live")).to_contain_text("All rows are classified correctly at step")
    expect(page.locator("#train")).to_have_text("▶ Train")


def test_the_decision_surface_is_drawn(page: Page, server: str) -> None:
    visit(page, server, "source=sample:moons&step=200")
    page.wait_for_selector(".plane canvas")
    assert page.locator(".plane svg circle, .plane svg rect").count() > 500


def test_a_large_network_is_shown_as_heat_maps(page: Page, server: str) -> None:
    visit(page, server, "source=sample:digits&phase=3")
    page.wait_for_selector(".tile.weights canvas")
    assert page.locator(".tile").count() == 7
    page.locator(".tile .cells").nth(2).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#reading")).to_contain_text("layer 1")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-key='z(1)']")
    page.get_by_role("button", name="Enlarge").first.click()
    page.locator("#zoom").fill("20")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)


@pytest.mark.parametrize(
    ("kind", "key", "cell"),
    [
        ("convolution", "z(1)", "z(1)@1,3,3"),
        ("recurrence", "h_3(1)", "h_1(1)@0,2,1"),
        ("attention", "A(1)", "A(1)@1,0,2"),
    ],
)
def test_kinds_of_networks_are_shown_as_pictures(
    page: Page, server: str, kind: str, key: str, cell: str
) -> None:
    visit(page, server, f"source=network:{kind}&phase=2&entry={cell}")
    page.wait_for_selector(f"[data-key='{key}']")
    assert page.locator(".tile canvas").count() >= 8
    page.locator(".tile .cells").nth(1).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#reading")).to_contain_text("column 2")
    page.keyboard.press("Enter")
    expect(page.locator("#look")).not_to_have_attribute("aria-busy", "true")
    expect(page).to_have_url(re.compile("entry=W"))
    page.locator("#phase-3").click()
    expect(page.locator(".tiles")).to_contain_text("∂L/∂W")


def test_the_page_is_usable_by_keyboard_alone(page: Page, server: str) -> None:
    visit(page, server, "source=example:e1")

    def tab_to(selector: str) -> None:
        for _ in range(40):
            if page.evaluate("s => document.activeElement?.matches(s)", selector):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{selector} cannot be reached by Tab")

    tab_to("#phase-3")
    page.keyboard.press("Enter")
    expect(page.locator("#drawing")).to_contain_text("δ")
    assert page.evaluate("document.activeElement.id") == "phase-3"
    page.locator(".skip").focus()
    tab_to(".unit[tabindex='0']")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#look-title")).to_have_text("Unit h2")
    page.keyboard.press("e")
    expect(page.locator("#look-title")).to_have_text("Edge x1 → h2")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#look-title")).to_have_text("Edge x2 → h2")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#look-title")).to_have_text("Unit o")
    tab_to("#train")
    page.keyboard.press("Space")
    expect(page.locator("#train")).to_have_text("■ Stop")
    page.keyboard.press("Space")
    expect(page.locator("#train")).to_have_text("▶ Train")


def test_equations_and_claims_have_views(page: Page, server: str) -> None:
    visit(page, server)
    page.locator("#view-equations").click()
    page.wait_for_selector(".lines math")
    expect(page.locator("main")).to_contain_text("Backward", ignore_case=True)
    page.locator("#view-claims").click()
    expect(page.locator("main")).to_contain_text("Printed beside exact")
    page.select_option("#claims", "E5")
    expect(page.locator("main")).to_contain_text("0.291027")
    assert "claims=E5" in fragment(page)
    page.get_by_role("button", name="Watch this example").click()
    page.wait_for_selector(".drawing svg")
    expect(page.locator("h1")).to_contain_text("E5")


VIEWS = {
    "units": ("source=example:e5&phase=3", "View", "0.7514"),
    "heat maps": ("source=sample:digits&phase=1", "View", "61 units"),
    "pictures": ("source=network:recurrence&phase=2", "View", "8 steps × 8"),
    "charts": ("source=sample:spirals&phase=3&step=20", "Charts", "Gradient flow"),
    "equations": ("source=example:e5&view=equations", "View", "The equations that run"),
    "claims": ("view=claims&claims=E1", "View", "−0.0027"),
}


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_can_be_saved(page: Page, server: str, view: str, tmp_path: Path) -> None:
    fragment, name, said = VIEWS[view]
    visit(page, server, fragment)
    page.wait_for_load_state("networkidle")
    saved = {}
    for kind in ("PNG", "SVG", "HTML"):
        page.get_by_text("Export", exact=True).click()
        with page.expect_download() as saving:
            page.get_by_role(
                "button", name=f"{'Page' if kind == 'HTML' else name} as {kind}"
            ).click()
        saving.value.save_as(tmp_path / "saved")
        saved[kind] = (tmp_path / "saved").read_bytes()
    assert saved["PNG"].startswith(b"\x89PNG")
    assert saved["SVG"].startswith(b"<svg")
    assert saved["HTML"].startswith(b"<!doctype html>")
    for kind in ("SVG", "HTML"):
        assert said in saved[kind].decode()
        assert "<script" not in saved[kind].decode()
    ElementTree.fromstring(saved["SVG"])
    with Image.open(BytesIO(saved["PNG"])) as picture:
        assert len(set(picture.convert("RGB").get_flattened_data())) > 50  # it is not blank


def test_a_wrong_model_file_shows_a_clear_message(page: Page, server: str, tmp_path: Path) -> None:
    visit(page, server)
    wrong = tmp_path / "wrong.chainrule"
    wrong.write_bytes(b"this is no model")
    page.get_by_role("button", name="Your model or data").click()
    page.set_input_files("#file-model", wrong)
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.locator("dialog [role=alert]")).to_contain_text("wrong.chainrule")


def test_a_table_of_ones_own_is_opened(page: Page, server: str, trained: Any) -> None:
    visit(page, server)
    page.get_by_role("button", name="Your model or data").click()
    page.set_input_files("#file-table", trained[0] / "table.csv")
    expect(page.locator("#file-target")).to_have_value("y")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.locator("h1")).to_have_text("table.csv")
    assert "source=opened:" in fragment(page)


def test_a_source_that_is_not_there_is_said(page: Page, server: str) -> None:
    page.goto(f"{server}#source=sample:nothing")
    expect(page.locator("#problem")).to_contain_text("There is no sample 'nothing'")
    page.get_by_role("button", name="Open example E1").click()
    page.wait_for_selector(".drawing svg")
    expect(page.locator("#problem")).to_be_empty()


def test_a_stopped_server_is_said_and_can_come_back(page: Page, tmp_path: Path) -> None:
    process, address = start_server(tmp_path)
    try:
        visit(page, address)
    finally:
        stop_server(process)
    page.locator("#next").click()
    expect(page.locator("#problem")).to_contain_text("The server does not answer")
    expect(page.locator("#problem")).to_contain_text("chainrule open")


def test_a_diverging_training_is_said(page: Page, server: str) -> None:
    visit(page, server, 'source=example:e4&set={"rate":900}')
    page.locator("#train").click()
    expect(page.locator("#problem")).to_contain_text("NaN or infinity in step")


@pytest.mark.parametrize("width", [360, 768, 1024, 1920])
def test_nothing_is_wider_than_the_screen(page: Page, server: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for shown in (
        "source=example:e5&phase=3&pick=1,0",
        "source=sample:digits&phase=3&pick=1,0",
        "view=claims",
        "view=equations&source=sample:xor",
    ):
        page.goto("about:blank")
        visit(page, server, shown)
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, shown


def test_the_next_step_is_there_before_it_is_asked_for(page: Page, server: str) -> None:
    asked: list[int] = []

    def note(question: Any) -> None:
        if question.url.endswith("/api/frame"):
            asked.append(json.loads(question.post_data)["step"])

    page.on("request", note)
    visit(page, server, "source=example:e5")
    until_asked = 0
    while asked != [0, 1] and until_asked < 100:
        page.wait_for_timeout(50)
        until_asked += 1
    page.locator("#next").click()
    expect(page.locator("#step")).to_have_text("step 1")
    page.wait_for_timeout(500)
    assert asked[:2] == [0, 1]
    assert asked.count(1) == 1


def test_the_loss_around_a_step_follows_what_is_picked(page: Page, server: str) -> None:
    visit(page, server, "source=example:e4")
    picture = page.locator("#slice svg[role=img]")
    expect(picture).to_have_attribute("aria-label", re.compile("over x → y, which is 3: now 5"))
    page.locator("#next").click()
    expect(picture).to_have_attribute("aria-label", re.compile("which is 2.5: now 1.25"))
    page.select_option("#slice-kind", "gradient")
    expect(picture).to_have_attribute("aria-label", re.compile("smallest near a rate of 0.1"))
    assert "slice=gradient" in fragment(page)
    visit(page, server, "source=example:e5")
    expect(picture).to_have_attribute("aria-label", re.compile("by its learning rate"))
    page.locator('[data-pick="2,1,0"]').click(force=True)
    expect(picture).to_have_attribute("aria-label", re.compile("over h2 → o1, which is 0.45"))
    page.select_option("#slice-kind", "plane")
    expect(picture).to_have_attribute("aria-label", re.compile("over a plane of weights"))
    page.reload()
    expect(picture).to_have_attribute("aria-label", re.compile("over a plane of weights"))


def test_a_loss_that_is_not_finite_is_said_where_it_would_be_drawn(page: Page, server: str) -> None:
    for kind in ("weight", "gradient", "plane"):
        changed = '[[0,"weight","layers[0].weight",[0,0],1e200]]'
        visit(page, server, f"source=example:e5&slice={kind}&changes={changed}&pick=1,0,0")
        expect(page.locator("#slice svg[role=img]")).to_have_count(1)  # sigmoids stay finite
        page.goto("about:blank")
        visit(page, server, f"source=example:e4&slice={kind}&changes={changed}&pick=1,0,0")
        expect(page.locator("#slice")).to_contain_text("The loss is no finite number here")
        expect(page.locator("#slice svg")).to_have_count(0)
        expect(page.locator("#curve")).to_have_text("The loss is no finite number.")
        page.goto("about:blank")
