"""A trained model: from a table, pictures or sequences to predictions, by NumPy alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import nn
from chainrule.app.model.kinds import AnyEncoder, Samples, encode, read, read_labelled
from chainrule.app.model.prediction import prediction_program, run_in_blocks
from chainrule.app.model.scoring import Predictions, compare, decoded, guess, scores_in
from chainrule.data import Encoder, TargetEncoder
from chainrule.data.table import Reading
from chainrule.data.wording import counted
from chainrule.errors import DataError
from chainrule.ir import Graph
from chainrule.tracing import flatten, leaf_paths

ANSWERS: Mapping[str, str] = MappingProxyType(
    {
        "binary": "one of two classes",
        "multiclass": "one of several classes",
        "regression": "a number",
        "count": "a count",
        "multilabel": "any of several labels",
        "multioutput": "several numbers",
    }
)
"""What a task asks for, in words."""

_PIECE = 1024
"""Pictures or sequences that are read and encoded at once."""


@dataclass(frozen=True, eq=False)
class Model:
    """An encoding, a program and its weights: all that prediction needs.

    Parameters
    ----------
    encoder, target
        How columns, pictures or sequences become inputs, and outputs become labels or numbers.
    program
        Inputs: the weights, then the encoded rows. Output: see `prediction_program`.
    weights
        Values of the program's first inputs, by their names.
    network
        The network that the program was traced from; None if it holds layers of a user's own.
    shares
        Share of each class, or label, in the training rows; empty for numbers.
    report
        What was measured and set when the model was trained, as plain JSON values.
    version
        The version of chainrule that made it.
    """

    encoder: AnyEncoder
    target: TargetEncoder
    program: Graph
    weights: Mapping[str, NDArray[Any]]
    network: nn.Module | None
    shares: Sequence[float] = ()
    report: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""

    @classmethod
    def of(
        cls,
        network: nn.Module,
        encoder: AnyEncoder,
        target: TargetEncoder,
        *,
        shares: Sequence[float] = (),
        report: Mapping[str, Any] | None = None,
        version: str = "",
    ) -> Model:
        """Make a model of a trained network: its predictions are traced to a program.

        Parameters
        ----------
        network
            Holds its arrays; it takes what the encoder gives: see `kinds.data_types`.
        encoder, target
            As they were fitted.
        shares
            Share of each class in the training rows; equal ones if none are given.
        report, version
            See `Model`.
        """
        classes = len(target.classes)
        leaves = dict(zip(leaf_paths(network), flatten(network)[0], strict=True))
        weights = {name: np.asarray(value) for name, value in leaves.items()}
        program = prediction_program(network, encoder, target)
        shares = tuple(shares) or (1 / max(classes, 1),) * classes
        return cls(encoder, target, program, weights, network, shares, report or {}, version)

    def run(self, source: object) -> Predictions:
        """Predict every row of a table, every picture or every sequence.

        Parameters
        ----------
        source
            For a model of tables, anything that `chainrule.data.read_table` takes: a path, a
            frame, a dictionary of columns. For others a path, or what `ImageEncoder.read` and
            `SequenceEncoder.read` take. Answers may be absent.

        Raises
        ------
        DataError
            If it cannot be read, lacks a column, or has text where a number should be.
        """
        return self.run_samples(read(self.encoder, source))

    def run_samples(self, samples: Samples) -> Predictions:
        """Predict examples that were read as the model's kind asks for; see `kinds.read`."""
        if isinstance(samples, Reading):
            arrays, notes = encode(self.encoder, samples)
            return self.run_encoded(arrays, samples.notes + notes)
        weights, outputs = [*self.weights.values()], []
        for begin in range(0, len(samples), _PIECE):
            piece = samples.take(np.arange(begin, min(begin + _PIECE, len(samples))))
            outputs.append(run_in_blocks(self.program, weights, encode(self.encoder, piece)[0]))
        return decoded(self.target, np.concatenate(outputs), samples.notes)

    def run_encoded(self, rows: Sequence[NDArray[Any]], notes: tuple[str, ...] = ()) -> Predictions:
        """Predict examples that the encoder has encoded, the arrays of `kinds.data_types`."""
        outputs = run_in_blocks(self.program, [*self.weights.values()], rows)
        return decoded(self.target, outputs, notes)

    def predict(self, table: object) -> NDArray[Any]:
        """Give the label or the number of every row, [n] or [n, targets]; see `run`."""
        return self.run(table).values

    def predict_proba(self, table: object) -> NDArray[np.float32]:
        """Give the probability of each class, or label, for every row, [n, classes]; see `run`.

        Raises
        ------
        DataError
            If the model predicts numbers, which have no probabilities here.
        """
        probabilities = self.run(table).probabilities
        if probabilities is None:
            raise DataError(f"the target {self.target.name!r} is a number: it has no probabilities")
        return probabilities

    def evaluate(self, source: object) -> dict[str, Any]:
        """Compare predictions with the answers that a table, or a folder, holds.

        Returns
        -------
        ``rows``; what `chainrule.app.model.scoring.compare` gives; ``baseline``, the scores of
        predicting all alike; and ``notes``. Plain JSON values.
        """
        samples = read_labelled(self.encoder, self.target, source)
        truth = self.target.encode(samples.frame)
        predictions = self.run_samples(samples)
        alike = guess(self.target, self.shares, len(truth))
        return {
            "rows": len(truth),
            **compare(self.target, truth, predictions),
            "baseline": compare(self.target, truth, alike)["scores"],
            "notes": list(predictions.notes),
        }

    def summary(self) -> str:
        """Say in a few lines what the model predicts, from what, and how well."""
        parameters = sum(int(array.size) for array in self.weights.values())
        lines = [
            f"predicts {self.target.name!r}, {ANSWERS[self.target.task]}",
            f"from {self._inputs()}",
            f"by {parameters:,} parameters: {self.network!r}",
        ]
        if self.test_scores:
            shown = (f"{name} {value:.4g}" for name, value in self.test_scores.items())
            lines.append(f"on test rows: {', '.join(shown)}")
        return "\n".join(lines)

    def _inputs(self) -> str:
        if not isinstance(self.encoder, Encoder):
            return f"{self.encoder.kind}: {self.encoder.describe()[-1]}"
        embedded, columns = self.encoder.embedded, counted(len(self.encoder.columns), "column")
        vectors = f" and {counted(len(embedded), 'embedding')}" if embedded else ""
        return f"{columns} as {counted(len(self.encoder.feature_names), 'input')}{vectors}"

    @property
    def test_scores(self) -> dict[str, float]:
        """The scores in the report; see `scores_in`."""
        return scores_in(self.report)
