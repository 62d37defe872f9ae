"""Every exception that chainrule raises on purpose, and every warning that it gives.

Each class is also a built-in kind, so ``except ValueError`` keeps working for people who have
never heard of chainrule. A message says what failed, where, what was received, what was
expected, and what to do next.
"""

from __future__ import annotations


class ChainruleError(Exception):
    """Base of every error that chainrule raises on purpose."""


class ShapeError(ChainruleError, ValueError):
    """Shapes do not fit together."""


class DtypeError(ChainruleError, TypeError):
    """A dtype is unknown, or does not fit the operation."""


class TraceError(ChainruleError, TypeError):
    """A traced value was used where only a concrete one can be, as in ``if x > 0``."""


class TreeError(ChainruleError, TypeError):
    """Two trees of parameters differ in structure, or a leaf is not an array."""


class GradientError(ChainruleError, ValueError):
    """A derivative was asked for that does not exist, or a gradient check failed."""


class GraphError(ChainruleError, ValueError):
    """A program breaks one of the rules that every graph obeys: a bug in a pass or a card."""


class IndexRangeError(ChainruleError, IndexError):
    """An index lies outside the axis that it points into."""


class ExecutorError(ChainruleError, RuntimeError):
    """An executor cannot run here, or failed while running."""


class DataError(ChainruleError, ValueError):
    """A table or an array cannot be used as it is."""


class ParameterError(ChainruleError, ValueError):
    """An argument has a value outside of what is allowed."""


class ModelFileError(ChainruleError, ValueError):
    """A model file is damaged, is not one, or was made by a newer version."""


class DivergenceError(ChainruleError, ArithmeticError):
    """Training met NaN or infinity.

    Attributes
    ----------
    epoch, step
        Where: the epoch, and the step in it, counted from 1.
    layer
        Path of the layer in which the first such number appeared, if it is known.
    run
        What was reached before, as `Trainer.fit` would have returned it.
    """

    def __init__(
        self, message: str, *, epoch: int = 0, step: int = 0, layer: str | None = None
    ) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.step = step
        self.layer = layer
        self.run: object = None


class MissingDependencyError(ChainruleError, ImportError):
    """An optional library is not installed."""


class ChainruleWarning(UserWarning):
    """Base of every warning that chainrule gives."""


class ConvergenceWarning(ChainruleWarning):
    """Training ended before its criterion was met."""
