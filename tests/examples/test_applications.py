"""The worked applications run from files to tables, here at small size."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from chainrule.errors import DataError
from examples import autoencoders, census, forecasting, speakers, translation


def write_catalogue(path: Path, messages: dict[str, str]) -> None:
    """Write a compiled gettext catalogue, as ``msgfmt`` does."""
    items = sorted({"": "Content-Type: text/plain; charset=UTF-8\n", **messages}.items())
    keys, values = ([each[i].encode() for each in items] for i in (0, 1))
    tables = 28 + 16 * len(items)
    places, text = [], b""
    for group in (keys, values):
        for word in group:
            places.append((len(word), tables + len(text)))
            text += word + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(items), 28, 28 + 8 * len(items), 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + b"".join(struct.pack("<2I", *each) for each in places) + text)


def test_names_are_translated_beside_copying_and_a_dictionary(tmp_path: Path) -> None:
    nouns = ("ba", "do", "ki", "lu", "me")
    names = {f"Old {a}{b}": f"{a}{b} ancien" for a in nouns for b in nouns}
    names |= {f"{a}{b} language": f"langue {a}{b}" for a in nouns for b in nouns}
    write_catalogue(tmp_path / "fr" / "LC_MESSAGES" / "iso_639-3.mo", names)
    assert translation.read_pairs(tmp_path, "fr") == sorted(names.items())
    arguments = [str(tmp_path), "--epochs", "2", "--width", "16", "--depth", "1"]
    found = translation.main([*arguments, "--subwords", "0"])
    assert found["copying"]["exact"] == 0
    assert found["word by word"]["exact"] < 0.5  # the order of words differs
    assert set(found["transformer"]) == {"exact", "BLEU", "chrF"}
    translation.main([*arguments, "--subwords", "300"])


def test_a_folder_without_catalogues_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no iso_.* catalogue in 'fr'"):
        translation.read_pairs(tmp_path, "fr")


def test_words_are_looked_up_by_what_they_stand_beside() -> None:
    words = translation.dictionary(
        [("red cat", "chat rouge"), ("red dog", "chien rouge"), ("cat", "chat")]
    )
    assert words == {"red": "rouge", "cat": "chat", "dog": "chien"}
    assert translation.by_word(words, "red bird") == "rouge bird"
    perfect = translation.scores(["le chat est rouge"], ["le chat est rouge"])
    assert perfect["exact"] == 1
    assert perfect["BLEU"] == pytest.approx(100)


def test_speakers_are_told_apart_by_sequences_of_unequal_length(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for part, count in (("TRAIN", 24), ("TEST", 10)):
        lines = ["@classLabel true low high", "@data"]
        for i in range(count):
            steps = random.normal(2 * (i % 2) - 1, 0.3, (2, random.integers(4, 12)))
            channels = (",".join(f"{x:.3f}" for x in channel) for channel in steps)
            lines.append(":".join([*channels, ("low", "high")[i % 2]]))
        (tmp_path / f"two_{part}.ts").write_text("\n".join(lines))
    arguments = [str(tmp_path / "two"), "--epochs", "6", "--units", "4", "--seeds", "1"]
    assert speakers.main(arguments)["mean"] == 1.0


def test_hours_without_a_rental_are_put_back(tmp_path: Path) -> None:
    hours = np.array([0, 1, 3])
    table = pl.DataFrame(
        {"day": hours // 24 + 5, "hr": hours % 24, "bikers": [4, 9, 16], "workingday": [0, 0, 1]}
    ).with_columns(temp=pl.lit(0.5), hum=pl.Series([0.1, 0.2, 0.3]))
    table.write_csv(tmp_path / "b.csv")
    series = forecasting.read_hours(tmp_path / "b.csv")
    assert series[:, 0].tolist() == [2, 3, 0, 4]
    assert series[:, 3].tolist() == [0.1, 0.2, 0.2, 0.3]
    table.drop("hum").write_csv(tmp_path / "b.csv")
    with pytest.raises(DataError, match="lacks the column 'hum'"):
        forecasting.read_hours(tmp_path / "b.csv")


def test_a_day_is_forecast_beside_yesterday_and_last_week(tmp_path: Path) -> None:
    hours = np.arange(24 * 150)
    working = (hours // 24) % 7 < 5
    wave = 60 + 50 * np.sin(2 * np.pi * hours / 24) * np.where(working, 1, -1)
    noise = np.random.default_rng(0).normal(0, 2, len(hours))
    pl.DataFrame(
        {
            "day": hours // 24 + 1,
            "hr": hours % 24,
            "bikers": np.rint(np.maximum(wave + noise, 1)),
            "workingday": working.astype(int),
            "temp": 0.5 + 0.001 * noise,
            "hum": 0.5 + 0.001 * noise,
        }
    ).write_csv(tmp_path / "b.csv")
    found = forecasting.main([str(tmp_path / "b.csv"), "--epochs", "3", "--units", "8"])
    # Weekends are the other way round, so yesterday misleads and last week does not.
    assert found["as last week"]["MAE"] < 3 < found["as yesterday"]["MAE"]
    assert np.isfinite(found["network"]["MAE"])


def test_noise_is_taken_away_and_digits_are_drawn(tmp_path: Path) -> None:
    found = autoencoders.main(["--images", str(tmp_path), "--epochs", "12"])
    errors = found["denoising"]
    assert errors["denoised"] < errors["blurred"] < errors["noisy"]
    assert found["variational"]["bound"] < found["variational"]["pixels alone"]
    for name, rows in (("digits-denoised.png", 3), ("digits-invented.png", 4)):
        with Image.open(tmp_path / name) as picture:
            assert picture.size == (18 * 10 * 5, rows * 10 * 5)


def test_columns_that_matter_are_told_from_noise(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    signal, noise = random.normal(size=(2, 400))
    town = random.choice(["north", "south"], 400)
    answer = np.where(signal + 0.5 * (town == "north") > 0.2, "yes", "no")
    table = pl.DataFrame({"signal": signal, "noise": noise, "town": town, "answer": answer})
    table.write_csv(tmp_path / "t.csv")
    arguments = [str(tmp_path / "t.csv"), "--target", "answer", "--epochs", "12", "--repeats", "2"]
    found = census.main(arguments)
    assert [*found["importance"]] == ["signal", "town", "noise"]
    assert found["importance"]["signal"][0] > 0.2 > abs(found["importance"]["noise"][0])
    rising = [*found["profiles"]["signal"].values()]
    assert rising == sorted(rising)
