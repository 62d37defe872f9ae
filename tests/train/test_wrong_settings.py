"""Settings of a trainer that are none: what each message says to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import losses, nn, optim, stop
from chainrule.errors import ParameterError
from chainrule.train import Trainer


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"loss": "mse"}, "loss is an object such as losses.CrossEntropy"),
        ({"loss": losses.CrossEntropy}, "loss is an object such as"),
        ({"optimiser": "adam"}, "optimiser is an object such as optim.Adam"),
        ({"optimiser": optim.Adam}, "optimiser is an object such as"),
        ({"stop": 5}, "stop is a criterion such as stop.Epochs"),
        ({"callbacks": print}, "callbacks is a list of functions"),
        ({"callbacks": [3]}, "callbacks is a list of functions"),
        ({"batch_size": None}, "batch_size is a whole number"),
        ({"batch_size": 16.0}, "batch_size is a whole number"),
        ({"batch_size": 0}, "batch_size is a whole number"),
        ({"batch_size": True}, "batch_size is a whole number"),
        ({"accumulate": 2.5}, "accumulate is a whole number"),
    ],
)
def test_what_is_no_such_setting_is_refused_when_it_is_given(setting: Any, message: str) -> None:
    given: dict[str, Any] = {"loss": losses.CrossEntropy(), "optimiser": optim.Adam(), **setting}
    with pytest.raises(ParameterError, match=message):
        Trainer(nn.Dense(2), **given)


def test_whole_numbers_of_numpy_are_whole_numbers() -> None:
    count = np.int64(4)
    trainer = Trainer(
        nn.Dense(1), losses.SquaredError(), stop=stop.Epochs(1), batch_size=count, accumulate=count
    )
    assert len(trainer.fit(np.zeros((8, 1)), np.zeros(8)).history) == 1
