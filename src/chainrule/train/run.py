"""What training gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from chainrule.nn import Module, count_parameters
from chainrule.nn.losses import Loss, Measure
from chainrule.tracing import capture, unflatten
from chainrule.train.checkpoint import TrainingState
from chainrule.train.compiled import blocks, compile_function, joined
from chainrule.train.examples import batch_types, read_examples, read_inputs
from chainrule.train.measuring import Measuring
from chainrule.train.program import Layout
from chainrule.train.records import History


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """A finished or interrupted training.

    Attributes
    ----------
    network
        The trained network: of the best epoch if validation examples were given, else the last.
    history
        A table with a row for each epoch.
    best_epoch
        The epoch, counted from 1, whose weights `network` holds; None if it holds the last ones.
    stopped_because
        Which criterion ended it; "interrupted" after Ctrl-C.
    state
        Where the run stands: what ``fit(..., resume=state)`` takes.
    loss, metric
        What was measured.
    dtype, executor
        How predictions are computed.
    recomputed
        Layers that the backward pass computed again, to stay within ``Trainer(memory=)``: for the
        path of the first of some, how many.
    """

    network: Module
    history: History
    best_epoch: int | None
    stopped_because: str
    state: TrainingState
    loss: Loss
    metric: Measure | None
    dtype: str
    executor: str
    recomputed: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def _programs(self) -> dict[Any, Any]:
        return {}

    def outputs(self, X: Any) -> Any:
        """Compute the network's raw outputs for a table of any length.

        Parameters
        ----------
        X
            As for `Trainer.fit`.
        """
        inputs = read_inputs(X, self.dtype)
        types = batch_types(inputs)
        parts = list(blocks(inputs))
        key = str(types)
        if key not in self._programs:
            self._programs[key] = compile_function(
                lambda network, inputs: network(*inputs),
                (self.network, types),
                self.executor,
                runs=len(parts),
            )
        program = self._programs[key]
        return joined([program(self.network, block) for block in parts])

    def predict(self, X: Any) -> Any:
        """Predict: labels for losses of classes, numbers for others."""
        return self.loss.predict(self.outputs(X))

    def probabilities(self, X: Any) -> Any:
        """Predict probabilities, where the loss gives outputs that meaning."""
        return self.loss.probabilities(self.outputs(X))

    def evaluate(self, X: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
        """Measure the loss and, if there is one, the metric of further examples.

        Parameters
        ----------
        X, y, sample_weight
            As for `Trainer.fit`.

        Returns
        -------
        ``{"loss": ..., "metric": ...}``.
        """
        measures: dict[str, Measure] = {"loss": self.loss}
        if self.metric is not None:
            measures["metric"] = self.metric
        kind = output_type(self.network, read_inputs(X, self.dtype))
        examples = {
            name: (each, read_examples((X, y, sample_weight), self.dtype, each, kind))
            for name, each in measures.items()
        }
        layout = Layout.of(self.network)
        arrays = layout.divide(self.network)
        return Measuring.of(layout, arrays, examples, self.executor)(*arrays)

    def __repr__(self) -> str:
        lines = [f"{len(self.history)} epochs, stopped because: {self.stopped_because}"]
        if self.best_epoch is not None:
            lines.append(f"weights of the best epoch, {self.best_epoch}")
        if self.recomputed:
            names = [f"{p} and {n - 1} more" if n > 1 else p for p, n in self.recomputed.items()]
            lines.append(f"computed again in the backward pass: {', '.join(names)}")
        lines.append(f"{count_parameters(self.network)} parameters: {self.network!r}")
        return "\n".join([*lines, repr(self.history)])


def output_type(network: Module, inputs: tuple[Any, ...]) -> Any:
    """Give the type of what a network returns, with the number of rows left open."""
    captured = capture(lambda *args: network(*args), batch_types(inputs))
    return unflatten(captured.result, [node.type for node in captured.graph.outputs])
