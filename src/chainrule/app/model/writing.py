"""Token after token: a program that reads one of them, and hands on what it keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import nn
from chainrule.execute import Planned, choose_executor
from chainrule.ir import ArrayType, Graph
from chainrule.plan import plan
from chainrule.tracing import capture, flatten, map_leaves, spec_of

_ONE = ArrayType((1, 1), "int32")
_PLACE = ArrayType((1,), "int32")


@dataclass(frozen=True, eq=False)
class StepProgram:
    """A language model that reads one token at a time.

    Make one with `step_program`.

    Parameters
    ----------
    graph
        Inputs: the weights, the token int32 [1, 1], its place int32 [1], and what was kept of
        the tokens before. Outputs: scores of the next token [1, 1, tokens], and what is kept.
    kept
        Types of what is kept: keys and values of attention, states of recurrent layers.
    """

    graph: Graph
    kept: tuple[ArrayType, ...]

    def scorer(
        self, weights: Sequence[NDArray[Any]], runs: int
    ) -> Callable[[Sequence[int]], NDArray[np.float32]]:
        """Give a function that scores what follows some tokens.

        From one call to the next tokens may only be added; those that it knows are not read again.

        Parameters
        ----------
        weights
            Values of the program's first inputs.
        runs
            Tokens that will be read: few are not worth compiling for.
        """
        executor = choose_executor("auto", self.graph, runs, {})
        arguments, leaf = flatten((*self.graph.inputs,))[1], flatten(weights[0])[1]
        leaves = (leaf,) * len(self.graph.outputs)
        compiled = Planned(plan(self.graph), arguments, leaves).compile(executor)
        memory = [np.zeros(each.shape, each.dtype) for each in self.kept]
        read, scores = 0, np.empty(0, np.float32)

        def score(tokens: Sequence[int]) -> NDArray[np.float32]:
            nonlocal read, memory, scores
            for token in tokens[read:]:
                token_array = np.full((1, 1), token, np.int32)
                place = np.full(1, read, np.int32)
                found, *kept = compiled.on_leaves([*weights, token_array, place, *memory])
                scores = np.array(found)[0, 0]
                memory = [np.array(each) for each in kept]
                read += 1
            return scores.copy()

        return score


def step_program(network: nn.Module, context: int) -> StepProgram | None:
    """Trace a language model on one token; None if it cannot be read token by token.

    Parameters
    ----------
    network
        Holds its arrays.
    context
        How many tokens it has room for.
    """
    if not nn.reads_stepwise(network):
        return None
    kept: dict[str, Any] = {}

    def first(network: nn.Module, token: Any, place: Any) -> Any:
        scores, memory = nn.run_step(network, token, {}, place, context)
        kept.update(map_leaves(spec_of, memory))
        return scores

    def step(network: nn.Module, token: Any, place: Any, past: Any) -> Any:
        return nn.run_step(network, token, past, place, context)

    capture(first, [network, _ONE, _PLACE], ["", "token", "place"])
    graph = capture(step, [network, _ONE, _PLACE, kept], ["", "token", "place", "kept"]).graph
    return StepProgram(graph, tuple(flatten(kept)[0]))
