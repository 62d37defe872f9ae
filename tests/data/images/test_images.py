"""Pictures: found, read upright, brought to one form, encoded; and what goes wrong."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from chainrule.data.images import ImageEncoder, PictureForm, Pictures, read_idx, read_pictures
from chainrule.errors import DataError, ModelFileError, ParameterError


def picture(path: Path, value: Any = 0, size: tuple[int, int] = (6, 4), mode: str = "L") -> None:
    """Save a picture of one colour; the size is width and height, as Pillow has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path)


def idx(path: Path, array: np.ndarray) -> None:
    data = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(data + array.astype(np.uint8).tobytes()))


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    for name, value in (("cat", 10), ("dog", 30)):
        for i in range(2):
            picture(tmp_path / "pets" / name / f"{i}.png", value)
    return tmp_path / "pets"


def test_a_subfolder_is_a_class(pets: Path) -> None:
    found = read_pictures(pets)
    assert found.frame["label"].to_list() == ["cat", "cat", "dog", "dog"]
    assert found.frame["file"].to_list()[2] == "dog/0.png"
    assert found.usual_form() == PictureForm(4, 6, 1)


def test_folders_called_train_and_test_are_a_given_split(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        for name in ("a", "b"):
            picture(tmp_path / part / name / "deeper" / "x.png")
    found = read_pictures(tmp_path)
    assert found.frame["part"].to_list() == ["test"] * 2 + ["train"] * 2 + ["validation"] * 2
    assert found.frame["label"].to_list() == ["a", "b"] * 3


def test_a_table_labels_the_files_of_a_flat_folder(tmp_path: Path) -> None:
    for i in range(3):
        picture(tmp_path / f"{i}.jpg")
    (tmp_path / "labels.csv").write_text("name,kind\n2.jpg,b\n0.jpg,a\n")
    found = read_pictures(tmp_path)
    assert found.frame.rows() == [("2.jpg", "b"), ("0.jpg", "a")]
    assert "1 pictures are not in" in found.notes[0]


def test_pixels_are_encoded_to_mean_zero_and_deviation_one_of_the_training_part(pets: Path) -> None:
    found = read_pictures(pets).formed(PictureForm(2, 2, 3))
    encoder = ImageEncoder.fit(found, [0, 2])
    assert encoder.mean == (20.0, 20.0, 20.0)
    assert encoder.deviation == (10.0, 10.0, 10.0)
    assert encoder.encode(found)[:, 0, 0, 0].tolist() == [-1, -1, 1, 1]
    again = ImageEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert again == encoder
    assert again.read(pets / "cat" / "0.png").frame["file"].to_list() == ["0.png"]


def test_exif_orientation_turns_a_picture_upright(tmp_path: Path) -> None:
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[:, :3] = 255  # the left half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    found = read_pictures(tmp_path)
    form = found.usual_form()
    assert (form.height, form.width) == (6, 4)
    upright = found.formed(form).pixels
    assert upright is not None
    assert upright[0, 0, :, 0].tolist() == [255] * 4  # the top half is white
    assert upright[0, 5, :, 0].tolist() == [0] * 4


def test_crop_cuts_stretch_pulls_and_pad_adds_black(tmp_path: Path) -> None:
    wide = np.zeros((2, 4), np.uint8)
    wide[:, 1:3] = 200
    forms = {fit: PictureForm(2, 2, 1, fit).apply(wide)[:, :, 0] for fit in ("crop", "pad")}
    assert forms["crop"].tolist() == [[200, 200], [200, 200]]
    assert PictureForm(4, 4, 1, "pad").apply(wide)[0, :, 0].tolist() == [0, 0, 0, 0]
    assert PictureForm(2, 2, 1, "stretch").apply(wide).shape == (2, 2, 1)


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("RGBA", (0, 0, 0, 0), 255),  # transparent lies on white
        ("1", 1, 255),
        ("P", 0, 0),
        ("CMYK", (0, 0, 0, 0), 255),
        ("I;16", 65535, 255),
        ("LA", (7, 255), 7),
    ],
)
def test_pictures_of_every_mode_become_8_bit(
    tmp_path: Path, mode: str, value: Any, expected: int
) -> None:
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    picture(path, value, mode=mode)
    found = read_pictures(path)
    pixels = found.formed(found.usual_form()).pixels
    assert pixels is not None
    assert np.unique(pixels).tolist() == [expected]


def test_mixed_sizes_take_the_commonest_and_at_most_64_pixels(tmp_path: Path) -> None:
    for i, size in enumerate([(300, 200), (300, 200), (10, 10)]):
        picture(tmp_path / f"{i}.png", size=size)
    assert read_pictures(tmp_path).usual_form() == PictureForm(43, 64, 1)
    assert read_pictures(tmp_path).usual_form((8, 9)).shape == (8, 9, 1)


def test_a_damaged_picture_is_named_or_left_out(pets: Path) -> None:
    whole = (pets / "cat" / "0.png").read_bytes()
    (pets / "cat" / "0.png").write_bytes(whole[: len(whole) // 2])
    (pets / "dog" / "1.png").write_text("no picture")
    found = read_pictures(pets)
    with pytest.raises(DataError, match=r"cat/0.png' .*picture.*2 such files"):
        found.formed(PictureForm(2, 2, 1))
    kept = found.formed(PictureForm(2, 2, 1), unreadable="skip")
    assert kept.frame["file"].to_list() == ["cat/1.png", "dog/0.png"]
    assert kept.pixels is not None
    assert kept.pixels[:, 0, 0, 0].tolist() == [10, 30]
    assert "2 files were left out: " in kept.notes[-1]
    with pytest.raises(ParameterError, match="'error' or 'skip'"):
        found.formed(PictureForm(2, 2, 1), unreadable="ignore")


def test_a_folder_without_readable_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file or folder"):
        read_pictures(tmp_path / "none")
    with pytest.raises(DataError, match="holds no picture"):
        read_pictures(tmp_path)
    (tmp_path / "a.png").write_text("")
    with pytest.raises(DataError, match="none of the 1 files can be read"):
        read_pictures(tmp_path).usual_form()
    with pytest.raises(DataError, match="is not a picture that Pillow can read"):
        read_pictures(tmp_path).formed(PictureForm(2, 2, 1), "skip")


def test_pictures_beside_folders_of_classes_are_refused(pets: Path) -> None:
    picture(pets / "stray.png")
    with pytest.raises(DataError, match=r"also 'stray\.png' beside them"):
        read_pictures(pets)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("name,label\nnone.png,a\n", r"row 1: there is no picture 'none\.png'"),
        ("name,x,y\n0.png,1,2\n", "say which column"),
    ],
)
def test_a_table_of_labels_that_does_not_fit_is_refused(
    tmp_path: Path, table: str, message: str
) -> None:
    picture(tmp_path / "0.png")
    picture(tmp_path / "1.png")
    (tmp_path / "labels.csv").write_text(table + "1.png,b\n" if "none" in table else table)
    with pytest.raises(DataError, match=message):
        read_pictures(tmp_path)


def test_idx_files_are_read_in_the_layout_of_mnist(tmp_path: Path) -> None:
    images = np.arange(2 * 3 * 3).reshape(2, 3, 3)
    for part, shift in (("train", 0), ("t10k", 100)):
        idx(tmp_path / f"{part}-images-idx3-ubyte.gz", images + shift)
        idx(tmp_path / f"{part}-labels-idx1-ubyte.gz", np.array([4, 7]))
    found = read_pictures(tmp_path)
    assert found.frame["part"].to_list() == ["test"] * 2 + ["train"] * 2
    assert found.frame["label"].to_list() == [4, 7, 4, 7]
    assert found.pixels is not None
    assert found.pixels[2:, :, :, 0].tolist() == images.tolist()
    alone = read_pictures(tmp_path / "train-images-idx3-ubyte.gz")
    assert alone.frame["label"].to_list() == [4, 7]
    data = gzip.decompress((tmp_path / "train-labels-idx1-ubyte.gz").read_bytes())
    (tmp_path / "short").write_bytes(data[:-1])
    with pytest.raises(DataError, match=r"should hold 2 bytes of the shape \(2,\), but holds 1"):
        read_idx(tmp_path / "short")
    with pytest.raises(DataError, match="not an idx file"):
        read_idx(Path(__file__))


def test_npz_files_hold_pictures_and_labels_in_parts_or_whole(tmp_path: Path) -> None:
    x = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    np.savez(tmp_path / "keras.npz", x_train=x, y_train=[0, 1], x_test=x, y_test=[[1], [0]])
    found = read_pictures(tmp_path / "keras.npz")
    assert found.frame["label"].to_list() == [0, 1, 1, 0]
    assert found.frame["part"].to_list() == ["train"] * 2 + ["test"] * 2
    np.savez(tmp_path / "one.npz", images=x / 17.0, labels=np.array(["a", "b"]))
    one = read_pictures(tmp_path / "one.npz")
    assert one.pixels is not None
    assert one.pixels.max() == 255  # floats from 0 to 1
    np.save(tmp_path / "alone.npy", x)
    assert read_pictures(tmp_path / "alone.npy").frame.columns == ["number"]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((2, 3))}, "pictures are arrays"),
        ({"x": np.zeros((2, 3, 3, 4))}, "pictures are arrays"),
        ({"x": np.full((2, 3, 3), np.nan)}, "finite"),
        ({"x": np.full((2, 3, 3), -1)}, "lie between -1 and -1"),
        ({"x": np.zeros((2, 3, 3)), "y": np.zeros(3)}, "2 pictures, but labels of the shape"),
        ({"stuff": np.zeros((2, 3, 3))}, "call that of the pictures 'x'"),
        ({"x": np.array([{}])}, "cannot be read as arrays"),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=message):
        read_pictures(tmp_path / "a.npz")


def test_a_form_of_no_size_or_odd_channels_is_refused() -> None:
    for numbers in ((0, 2, 1), (2, 2, 4), (10**5, 10**5, 1)):
        with pytest.raises(ParameterError):
            PictureForm(*numbers)
    with pytest.raises(ParameterError, match="not 'squeeze'"):
        PictureForm(2, 2, 1, "squeeze")


def test_a_stored_encoding_is_read_strictly() -> None:
    stored = ImageEncoder.fit(Pictures.of(np.arange(4).reshape(1, 2, 2))).to_dict()
    for name, value in (("height", 0), ("fit", "x"), ("mean", []), ("deviation", [0.0])):
        with pytest.raises(ModelFileError, match="encoding"):
            ImageEncoder.from_dict({**stored, name: value})
