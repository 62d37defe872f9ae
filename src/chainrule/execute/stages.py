"""The stages of compilation as objects that one can hold, print, and run.

``trace(f, *args)`` -> `Traced` -> `Differentiated` -> `Planned` -> `Compiled`. `jit` goes the
whole way behind the scenes; training does the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.backprop import Derivation, argument_positions, derive, differentiate
from chainrule.errors import ParameterError, TraceError
from chainrule.execute.choose import check_executor
from chainrule.execute.numpy import Interpreter
from chainrule.ir import Graph, text
from chainrule.plan import Plan, plan
from chainrule.tracing import Array, Captured, Tree, capture, flatten, spec_of, unflatten

if TYPE_CHECKING:
    from chainrule.execute.native.function import NativeFunction
    from chainrule.execute.native.program import Program


def trace(function: Callable[..., Any], *args: Any) -> Traced:
    """Run a function on traced arrays in place of `args`, and hold the program it wrote down.

    Parameters
    ----------
    args
        Trees of arrays or numbers; an `ArrayType` stands for an array, and may have symbolic
        sizes.

    >>> print(trace(lambda x: x * x + 1, 2.0).text())
    x: f64[]
    %0: f64[] = multiply(x, x)
    %1: f64[] = add(%0, 1)
    return %1
    """
    captured = capture(function, args)
    if captured.outer:
        raise TraceError(
            "the function reads a traced value of an enclosing grad, jit or training step: pass "
            "it as an argument"
        )
    return Traced(captured, args)


@dataclass(frozen=True, eq=False)
class Traced:
    """A function as a program.

    Attributes
    ----------
    captured
        The graph, and the structures of arguments and result.
    args
        What it was traced on.
    """

    captured: Captured
    args: tuple[Any, ...]

    @property
    def graph(self) -> Graph:
        """The program."""
        return self.captured.graph

    def text(self) -> str:
        """Print the program."""
        return text(self.graph)

    def differentiate(self, wrt: int | tuple[int, ...] = 0) -> Differentiated:
        """Extend the program by backpropagation, with respect to some of the arguments."""
        positions, tree = argument_positions(self.args, wrt)
        graph = differentiate(self.graph, positions)
        captured = self.captured
        return Differentiated(graph, captured.arguments, captured.result, tree, tuple(positions))

    def plan(self, limits: Mapping[str, int] | None = None) -> Planned:
        """Plan the program as it is; `limits` are the largest symbolic sizes."""
        captured = self.captured
        return Planned(plan(self.graph, limits=limits), captured.arguments, (captured.result,))


@dataclass(frozen=True, eq=False)
class Differentiated:
    """A program that also computes gradients.

    Attributes
    ----------
    graph
        Outputs: those of the function, then its gradients.
    arguments, result, gradient
        The structures of the arguments, of the function's result, and of the gradients.
    wrt
        Positions of the inputs by which it was differentiated.
    """

    graph: Graph
    arguments: Tree
    result: Tree
    gradient: Tree
    wrt: tuple[int, ...]

    def text(self) -> str:
        """Print the program, with the value of which each backward value is the gradient."""
        return text(self.graph)

    def derivation(self) -> Derivation:
        """Print the backward pass as equations, from the gradient rules that run.

        >>> import chainrule.numpy as cnp
        >>> traced = trace(lambda w, x: cnp.tanh(w * x), 2.0, 3.0)
        >>> print(traced.differentiate().derivation())
        given     x (number), w (number)
        loss      L = tanh(w·x)   number
        backward  ∂L/∂w = (1 − L²)·x   number
        """
        return derive(self.graph, self.wrt)

    def plan(self, limits: Mapping[str, int] | None = None) -> Planned:
        """Plan the program; `limits` are the largest symbolic sizes."""
        return Planned(
            plan(self.graph, limits=limits), self.arguments, (self.result, self.gradient)
        )


@dataclass(frozen=True, eq=False)
class Planned:
    """A program cut into kernels, with a place in memory for every value.

    Attributes
    ----------
    plan
        The plan itself.
    arguments
        The structure of the arguments.
    results
        The structures of the function's result and, if it was differentiated, of its gradients.
    """

    plan: Plan
    arguments: Tree
    results: tuple[Tree, ...]

    def explain(self, how: str = "planned") -> str:
        """Print kernels, what they read, write and cost, and where values lie.

        Parameters
        ----------
        how
            "planned", or "measured": then the program runs in native code on random numbers, and
            the time of every kernel is printed too.
        """
        if how == "planned":
            return self.plan.explain()
        if how != "measured":
            raise ParameterError(f"explain is 'planned' or 'measured', received {how!r}")
        from chainrule.execute.native.run import time_kernels

        return self.plan.explain(time_kernels(self.plan))

    def memory(self) -> int:
        """Bytes of working memory, without arguments and results."""
        return self.plan.memory()

    def cost(self) -> int:
        """Floating-point operations of one run."""
        return self.plan.cost()

    def compile(self, executor: str = "native") -> Compiled:
        """Make a function of the plan: "native" machine code, or "numpy"."""
        if check_executor(executor) == "numpy":
            return Compiled(self, Interpreter(self.plan.graph), None)
        from chainrule.execute.native.function import NativeFunction

        native = NativeFunction(self.plan)
        return Compiled(self, native, native)


@dataclass(frozen=True, eq=False)
class Compiled:
    """A program ready to run: call it with arguments like those it was traced for.

    It returns the function's result, or the pair of result and gradients if it was
    differentiated.

    Attributes
    ----------
    planned
        The plan it follows.
    program
        What computes the outputs.
    native
        Its machine code; None on the NumPy executor.
    """

    planned: Planned
    program: Interpreter | NativeFunction
    native: NativeFunction | None

    def __call__(self, *args: Any) -> Any:
        """Run the program on arguments like those it was traced for."""
        if self._plain == len(args) and all(type(x) is np.ndarray for x in args):
            return self.on_leaves(args)
        leaves, tree = flatten(args)
        if tree != self.planned.arguments:
            raise ParameterError("the arguments differ in structure from those traced")
        return self.on_leaves(leaves)

    @cached_property
    def _plain(self) -> int | None:
        """How many arguments there are, if each is one array."""
        children = self.planned.arguments.children
        return len(children) if all(x.kind is None for x in children) else None

    def on_leaves(self, leaves: Sequence[Any]) -> Any:
        """Run the program on the arrays of arguments whose structure is known to be right."""
        values = self.program.run(leaves)
        if len(self.planned.results) == 1 and self.planned.results[0].kind is None:
            return values[0]
        results, begin = [], 0
        for structure in self.planned.results:
            count = _leaf_count(structure)
            results.append(unflatten(structure, values[begin : begin + count]))
            begin += count
        return results[0] if len(results) == 1 else tuple(results)

    def llvm(self) -> str:
        """Print the optimised LLVM code."""
        return self._native_program.llvm()

    def assembly(self) -> str:
        """Print the machine code in assembly language."""
        return self._native_program.assembly()

    @property
    def _native_program(self) -> Program:
        if self.native is None:
            raise ParameterError('the NumPy executor has no machine code; compile("native") has')
        return self.native.program


def _leaf_count(tree: Tree) -> int:
    return 1 if tree.kind is None else sum(map(_leaf_count, tree.children))


def jit(function: Callable[..., Any], executor: str = "native") -> Callable[..., Any]:
    """Make a function that is traced and compiled once for each combination of shapes and dtypes.

    Parameters
    ----------
    function
        Of trees of arrays; it must not have side effects, which would happen while tracing only.
    executor
        "native" or "numpy".

    >>> import numpy as np
    >>> import chainrule.numpy as cnp
    >>> float(jit(lambda x: cnp.sum(x * x))(np.array([3.0, 4.0])))
    25.0
    """
    check_executor(executor)
    compiled: dict[Any, Compiled] = {}

    @wraps(function)
    def wrapped(*args: Any) -> Any:
        leaves, tree = flatten(args)
        if any(isinstance(x, Array) for x in leaves):
            return function(*args)
        key = (
            tree,
            *[(x.shape, x.dtype) if type(x) is np.ndarray else spec_of(x) for x in leaves],
        )
        if key not in compiled:
            captured = capture(function, args)
            if captured.outer:  # a part of a larger tracing, which will be compiled as a whole
                return function(*args)
            compiled[key] = Traced(captured, args).plan().compile(executor)
        return compiled[key].on_leaves(leaves)

    return wrapped
