"""The history as a table, and the descriptions of progress."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.errors import ParameterError
from chainrule.train import EpochRecord, History
from chainrule.train.progress import describe


def table(rows: int) -> History:
    return History({"epoch": np.arange(1, rows + 1), "train_loss": 1 / np.arange(1.0, rows + 1)})


def test_rows_columns_and_parts() -> None:
    history = table(4)
    assert history["train_loss"].tolist() == [1.0, 0.5, 1 / 3, 0.25]
    assert history[-1].epoch == 4
    assert history[1].train_loss == 0.5
    assert history[1].validation_loss is None
    assert [record.epoch for record in history[1:3]] == [2, 3]
    assert all(isinstance(record, EpochRecord) for record in history)
    assert len(history) == 4


def test_a_column_that_was_not_measured_is_named() -> None:
    with pytest.raises(
        ParameterError, match="no column 'metric'; this table has epoch, train_loss"
    ):
        table(1)["metric"]


def test_tables_are_joined_and_may_be_empty() -> None:
    whole = History.joined([table(2), table(1)])
    assert whole["epoch"].tolist() == [1, 2, 1]
    assert len(History.joined([])) == 0
    assert list(History.joined([])) == []


def test_a_long_table_is_shown_in_few_lines() -> None:
    said = repr(table(1000)).splitlines()
    assert len(said) == 10
    assert said[0].split() == ["epoch", "train", "loss"]
    assert said[1].split() == ["1", "1"]
    assert said[6].split() == ["...", "..."]
    assert said[-1].split() == ["1000", "0.001"]
    assert len(repr(table(10)).splitlines()) == 11
    assert repr(History.joined([])) == "epoch"


def test_progress_says_the_main_numbers() -> None:
    record = EpochRecord(1, 0.5, 0.1, 1.0, validation_loss=0.25, metric=0.75)
    assert describe(record) == "train loss 0.5, validation loss 0.25, metric 0.75"
