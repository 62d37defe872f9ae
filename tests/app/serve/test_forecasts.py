"""Trained forecasts on the page: what was seen, what is forecast, and how far off it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import Page, expect

from chainrule.app.model import ForecastModel, save_model
from chainrule.app.model.forecast_network import ForecastNetwork
from chainrule.app.serve.address import Address
from chainrule.app.serve.course import Course, Library
from chainrule.app.serve.forecasts import forecast
from chainrule.app.serve.frame import Moments, frame
from chainrule.app.serve.shelf import Shelf
from chainrule.app.serve.stream import train
from chainrule.app.training.architecture.networks import forecast_network
from chainrule.data.sequences import Outlook
from chainrule.errors import DataError
from tests.app.serve.conftest import start_server, stop_server, until

MONTHS = 40


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> tuple[ForecastModel, str, str]:
    """A model that sees six months of two channels and forecasts three of both; and a series."""
    folder = tmp_path_factory.mktemp("forecast")
    at = np.arange(MONTHS)
    begin = np.datetime64("2020-01", "M")
    series = {
        "month": (begin + at).astype("datetime64[D]"),
        "sold": 100 + at + 20 * np.sin(at / 2),
        "made": 50.0 + at % 4,
    }
    pl.DataFrame(series).write_csv(folder / "sales.csv")
    outlook = Outlook(("sold", "made"), 2, (120.0, 51.5), (15.0, 1.2), 6, 3, 4, "month")
    network = forecast_network(outlook, "dense 5").initialise(0, np.zeros((1, 6, 2), np.float32))
    assert isinstance(network, ForecastNetwork)
    model = ForecastModel.of(network, outlook)
    save_model(model, folder / "sales.chainrule")
    return model, str(folder / "sales.chainrule"), str(folder / "sales.csv")


def course_of(path: str, data: str | None, **state: Any) -> tuple[Course, Address]:
    shelf = Shelf()
    address = Address.read({"source": shelf.open_files(path, data, None), **state})
    return Library(shelf).course(address), address


def told(course: Course, window: int, step: int = 0) -> dict[str, Any]:
    past = course.program.material.past
    assert past is not None
    return forecast(course, past, course.at(step), window)


def test_a_window_is_shown_with_its_months_and_what_came(
    opened: tuple[ForecastModel, str, str],
) -> None:
    model, path, data = opened
    course, _ = course_of(path, data)
    shown = told(course, 4)
    assert shown["labels"][0] == "2020-05-01"
    assert len(shown["labels"]) == 6 + 3
    series = model.outlook.read(data)
    assert shown["names"] == ["sold", "made"]
    np.testing.assert_allclose(shown["history"], series.values[4:10].T, rtol=1e-6)
    np.testing.assert_allclose(shown["truth"], series.values[10:13].T, rtol=1e-6)


def test_forecasts_and_errors_are_those_of_the_model(
    opened: tuple[ForecastModel, str, str],
) -> None:
    model, path, data = opened
    course, _ = course_of(path, data)
    shown = told(course, 4)
    seen, truth, begins = model.outlook.windows(model.outlook.read(data))
    said = model.run_windows(seen)
    assert shown["windows"] == len(begins) == MONTHS - 6 - 3 + 1
    np.testing.assert_allclose(shown["forecast"], said[4].T, rtol=1e-4)  # float32 in the model
    np.testing.assert_allclose(
        shown["errors"]["network"], np.abs(said - truth).mean(axis=0).T, rtol=1e-3
    )
    scores = model.evaluate(data)["baseline"]
    for guess in ("last value", "last season"):
        mean = np.mean(shown["errors"][guess], axis=1)
        assert mean.tolist() == pytest.approx(
            [scores[guess]["sold: mae"], scores[guess]["made: mae"]]
        )


def test_a_step_of_a_forecast_is_taken_apart(opened: tuple[ForecastModel, str, str]) -> None:
    model, path, data = opened
    shelf = Shelf()
    address = Address.read({"source": shelf.open_files(path, data, None), "row": 2})
    shown = frame(Moments(Library(shelf)).at(address))
    assert shown["forecast"]
    assert shown["setup"]["loss"] == "huber"
    assert (
        shown["about"]
        == "40 rows of sales.csv; from 6 rows forecasts the next 3 rows of sold, made"
    )
    assert shown["rowNames"][2] == "2020-09-01"  # the first month that is forecast
    said = model.outlook.restored(np.asarray(shown["prediction"]["outputs"]))
    windows, _, _ = model.outlook.windows(model.outlook.read(data))
    np.testing.assert_allclose(said, model.run_windows(windows)[2], rtol=1e-4)


def test_a_forecast_trains_on_the_page_and_its_errors_shrink(
    opened: tuple[ForecastModel, str, str],
) -> None:
    _, path, data = opened
    course, address = course_of(path, data, settings={"rate": 0.01}, row=7)
    updates = [each for each in train(course, address, None, 400) if each["kind"] == "update"]
    last = updates[-1]["forecast"]
    assert last["labels"] == told(course, 7)["labels"]
    assert np.mean(last["errors"]["network"]) < np.mean(told(course, 7)["errors"]["network"])


def test_without_a_series_a_walk_is_made_up(opened: tuple[ForecastModel, str, str]) -> None:
    _, path, _ = opened
    course, _ = course_of(path, None)
    assert course.program.material.about.startswith("no series was given: a random walk")
    shown = told(course, 0)
    assert shown["labels"][:2] == ["row 1", "row 2"]
    assert np.isfinite(shown["forecast"]).all()


def test_a_series_that_is_too_short_is_refused(
    opened: tuple[ForecastModel, str, str], tmp_path: Path
) -> None:
    _, path, data = opened
    pl.read_csv(data).head(8).write_csv(tmp_path / "short.csv")
    with pytest.raises(DataError, match="the series has 8 rows, but 9 are needed"):
        course_of(path, str(tmp_path / "short.csv"))


@pytest.fixture
def address(opened: tuple[ForecastModel, str, str], tmp_path: Path) -> Iterator[str]:
    process, address = start_server(tmp_path, *opened[1:])
    yield address
    stop_server(process)


def test_a_forecast_is_drawn_read_and_followed(
    page: Page, address: str, opened: tuple[ForecastModel, str, str]
) -> None:
    shelf = Shelf()
    source = shelf.open_files(*opened[1:], None)
    page.goto(f"{address}#source={source}&row=4&phase=3")
    ahead = page.locator("#forecast svg[role=img]").first
    expect(ahead).to_have_attribute("aria-label", re.compile("sold from 2020-05-01, forecast from"))
    page.locator("#read-forecast").focus()
    page.keyboard.press("End")
    expect(page.locator("#forecast .reading").first).to_have_text(
        re.compile(r"2021-01-01: forecast [\d.]+, came [\d.]+")
    )
    page.keyboard.press("Home")
    expect(page.locator("#forecast .reading").first).to_have_text("2020-05-01: 122.2")
    page.locator("#read-errors").focus()
    expect(page.locator("#forecast .reading").last).to_contain_text("3 ahead: network")
    page.select_option("#channel", "made")
    expect(ahead).to_have_attribute("aria-label", re.compile("made from 2020-05-01"))
    assert "channel=1" in page.url
    page.locator("#train").click()
    until(page, "chainruleTraining.updates >= 5")
    expect(ahead).to_have_attribute("aria-label", re.compile("made from 2020-05-01"))
    page.locator("#train").click()
    expect(page.locator("#train")).to_have_text("▶ Train")
