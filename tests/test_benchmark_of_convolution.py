"""The benchmark of a convolutional network trains what it says."""

from __future__ import annotations

import numpy as np

from benchmarks import convolution


def test_our_steps_learn_where_the_bar_is() -> None:
    train = convolution.chainrule_steps(threads=1)
    losses = [train() for _ in range(4)]
    assert losses[-1] < 0.6 * losses[0]


def test_first_weights_and_images_are_the_same_in_every_run() -> None:
    for first, second in zip(convolution.parameters(), convolution.parameters(), strict=True):
        np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(convolution.data()[0], convolution.data()[0])
