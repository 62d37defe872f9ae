"""Loss and metric of a table of examples, block by block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.nn.losses import Measure
from chainrule.tracing import map_leaves
from chainrule.train.compiled import BLOCK, blocks, compile_function
from chainrule.train.examples import Examples, batch_types
from chainrule.train.program import Evaluation, Layout


@dataclass(frozen=True, eq=False)
class Measuring:
    """Measures of one table of examples, to be taken again and again.

    Attributes
    ----------
    measures
        What is measured, by name.
    table
        The examples; targets by the name of the measure.
    program
        Sums over one block.
    """

    measures: Mapping[str, Measure]
    table: Any
    program: Any

    @classmethod
    def of(
        cls,
        layout: Layout,
        arrays: tuple[Any, Any],
        examples: Mapping[str, tuple[Measure, Examples]],
        executor: str,
        runs: int = 1,
        rows: int | None = None,
    ) -> Measuring:
        """Compile measures for a network.

        Parameters
        ----------
        arrays
            What the network's `Layout.divide` gives; only the types are used.
        examples
            For each name the measure, and the examples with targets as it expects them.
        executor, runs
            Where to compute, and how many times the measures will be taken at most.
        rows
            The most that the program takes at once; None for as many as there are, in blocks.
        """
        measures = {name: measure for name, (measure, _) in examples.items()}
        first = next(each for _, each in examples.values())
        table = _table(examples)
        program = compile_function(
            Evaluation(layout, measures).totals,
            (*map_leaves(lambda x: x, arrays), batch_types(table)),
            executor,
            rows or min(BLOCK, first.rows),
            runs * -(-first.rows // BLOCK),
        )
        return cls(measures, table, program)

    @classmethod
    def by(cls, program: Any, examples: Mapping[str, tuple[Measure, Examples]]) -> Measuring:
        """Measure examples by a program that was compiled for others of their types."""
        return cls({name: each for name, (each, _) in examples.items()}, _table(examples), program)

    def __call__(self, carried: Any, fixed: Any) -> dict[str, float]:
        """Take the measures of a network, given as its arrays."""
        return reduced(self.measures, self.totals(carried, fixed))

    def totals(self, carried: Any, fixed: Any) -> dict[str, Any]:
        """Give the weighted sum and the sum of weights of each measure, as an array (2,)."""
        network = {name: carried[name] for name in ("trainable", "state")}
        sums = dict.fromkeys(self.measures, np.zeros(2))
        for block in blocks(self.table):
            for name, pair in self.program(network, fixed, block).items():
                sums[name] = sums[name] + [float(x) for x in pair]
        return sums


def reduced(measures: Mapping[str, Measure], sums: Mapping[str, Any]) -> dict[str, float]:
    """Give each measure for its two sums."""
    return {
        name: float(measure.reduce(*map(np.asarray, sums[name])))
        for name, measure in measures.items()
    }


def _table(examples: Mapping[str, tuple[Measure, Examples]]) -> Any:
    """The arrays of examples, with targets by the name of the measure that expects them."""
    table = next(each for _, each in examples.values()).tree()
    return table | {"targets": {name: each.targets for name, (_, each) in examples.items()}}
