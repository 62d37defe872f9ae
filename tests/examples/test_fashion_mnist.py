"""The example of Fashion-MNIST runs from files to a table, here on digits in its format."""

from __future__ import annotations

import gzip
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from chainrule import nn
from chainrule.errors import DataError
from chainrule.ir import ArrayType
from examples import fashion_mnist


def _write_idx(path: Path, array: Any) -> None:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.astype("uint8").tobytes()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Digits of 8 x 8 pixels, three times as large and with a border: 28 x 28."""
    digits = load_digits()
    large = np.kron(digits.images * 15, np.ones((1, 3, 3)))
    images = np.pad(large, ((0, 0), (2, 2), (2, 2)))
    for part, rows in (("train", slice(0, 1000)), ("t10k", slice(1000, 1300))):
        _write_idx(tmp_path / f"{part}-images-idx3-ubyte.gz", images[rows])
        _write_idx(tmp_path / f"{part}-labels-idx1-ubyte.gz", digits.target[rows])
    return tmp_path


def test_it_learns_digits_in_a_few_epochs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    accuracy = fashion_mnist.main([str(folder), "--network", "three", "--epochs", "6"])
    assert accuracy > 0.85
    shown = capsys.readouterr().out
    assert "trousers" in shown
    assert "87,114 parameters, 6 epochs" in shown


def test_pixels_are_scaled_by_the_training_part(folder: Path) -> None:
    images = fashion_mnist.read(folder)
    assert images.X.shape == (1000, 28, 28, 1)
    assert images.X.dtype == np.float32
    assert images.X.mean() == pytest.approx(0, abs=1e-5)
    assert images.X.std() == pytest.approx(1, abs=1e-5)
    assert images.X_test.mean() != pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("name", fashion_mnist.NETWORKS)
def test_the_networks_have_fewer_than_150_000_parameters(name: str) -> None:
    network = fashion_mnist.NETWORKS[name]().initialise(0, ArrayType((1, 28, 28, 1)))
    assert nn.count_parameters(network) < 150_000


def test_the_network_is_chosen_without_the_test_images(folder: Path) -> None:
    images = fashion_mnist.read(folder)
    blind = replace(images, X_test=np.empty((0, 28, 28, 1)), y_test=np.empty(0))
    scores = fashion_mnist.choose(blind, epochs=3)
    assert [*scores] == [*fashion_mnist.NETWORKS]
    assert max(scores.values()) > 0.5  # of ten classes


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no train-images-idx3-ubyte\.gz in"):
        fashion_mnist.read(tmp_path)
