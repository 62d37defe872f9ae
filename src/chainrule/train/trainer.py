"""The trainer: a network, a loss and an optimiser become a trained network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Any

from chainrule import random
from chainrule.errors import DivergenceError, ParameterError
from chainrule.execute import loop
from chainrule.nn import Module
from chainrule.nn.losses import Loss, Measure, Penalty
from chainrule.train.augment.augmentation import Augmentation
from chainrule.train.averages import Average
from chainrule.train.budget import choose_recomputed, read_bytes
from chainrule.train.checkpoint import TrainingState, put_back
from chainrule.train.clipping import Clip
from chainrule.train.constraints import Constraint
from chainrule.train.epochs import Course, run_epochs
from chainrule.train.examples import Examples, batch_types, read_examples, read_inputs, with_targets
from chainrule.train.lbfgs import LBFGS, run_lbfgs
from chainrule.train.ledger import Callback, Ledger
from chainrule.train.measured_pieces import PieceMeasuring, come_in_pieces
from chainrule.train.measuring import Measuring
from chainrule.train.optimisers import Adam, Optimiser
from chainrule.train.order import Order
from chainrule.train.pieces import Pieces
from chainrule.train.program import Frozen, Layout, Objective
from chainrule.train.progress import progress_bar, wanted
from chainrule.train.rates import Rates
from chainrule.train.renewal import Renewal, batches_of, batches_of_pieces, statistic_paths
from chainrule.train.run import Run, output_type
from chainrule.train.settings import check_kinds, is_count, several
from chainrule.train.step import Pace, Step
from chainrule.train.stop import AnyOf, Criterion, Epochs, Patience, leaves_of
from chainrule.train.stream import Flow, run_stream
from chainrule.train.task import Task

LARGE = 10**6
"""Steps that are expected where examples come in pieces."""

MANY = 1000
"""Epochs that are expected where no criterion bounds them."""

_VALIDATION = ("validation_loss", "metric")
_MEASURED = {*_VALIDATION, "train_accuracy"}


@dataclass(frozen=True)
class Trainer:
    """Trains a network; all settings are here, all data comes to `fit`.

    Parameters
    ----------
    network
        A module; arrays that it does not hold yet are drawn.
    loss
        What is made small: one of `chainrule.losses`.
    optimiser
        One of `chainrule.optim`.
    stop
        A criterion, or several: the first that holds ends the training.
    batch_size
        Examples per step: 1 is plain stochastic descent, "full" takes all at once. The last
        minibatch of an epoch may be smaller.
    metric
        What is measured on validation examples beside the loss; "auto" is the accuracy for losses
        of classes, and nothing for others.
    penalties
        Functions of the parameters that are added to the loss: `losses.L1`, `losses.L2`.
    clip
        How gradients are cut, such as `optim.ClipGlobalNorm`.
    accumulate
        Minibatches whose gradients are added up for one update: as if `batch_size` were so many
        times larger, in the memory of one. The last update of an epoch may take fewer. Schedules
        count updates.
    memory
        None, or the most working memory that a step may take: bytes, or a text such as "200MB".
        Where it takes more, layers of stacks (of a `Sequential`, blocks of a transformer) keep
        only their input and are computed again in the backward pass, as with `nn.Checkpoint`: those
        that cost the fewest operations. It is the memory of native code, beside the examples, the
        parameters and what the optimiser keeps.
    augment
        Random changes of the training examples, in order: of `chainrule.augment`.
    constraints
        Bounds that weights keep to, such as `optim.MaxNorm`: one or several.
    average
        None, or an average of the weights over the steps, such as `optim.ExponentialAverage`. It
        is what is measured, kept and returned; training itself goes on from the last weights. The
        running statistics of `BatchNorm` are taken anew for it: see `renew_statistics`.
    frozen
        Paths of arrays ("layers[0].bias") or layers ("layers[0]") that stay as they are, or a
        function from a path to whether it does.
    keep
        Which weights are kept if there are validation examples: those of the epoch with the best
        "validation_loss" or "metric", or the "last" ones. "auto" is what the first `Patience`
        watches, else the validation loss.
    shuffle
        Whether each epoch takes the rows in a new order.
    seed
        Of everything random: first weights, order of rows, dropout.
    dtype
        Of the parameters: float32 or float64.
    executor
        "native" machine code, "numpy", or "auto", which chooses by the amount of work: compiling
        is not worth its time for a few hundred steps of a small network.
    progress
        Whether a progress bar is shown; "auto" does so on a terminal.
    callbacks
        Functions that are shown the `EpochRecord` of every epoch. They may be shown several at
        once when epochs are short, and change nothing.

    >>> import numpy as np
    >>> from chainrule import losses, nn, optim, stop
    >>> X, y = np.array([[0.0], [1.0]]), np.array([1.0, 3.0])
    >>> line = Trainer(nn.Dense(1), losses.SquaredError(), optim.SGD(0.5), batch_size="full",
    ...                stop=stop.LossBelow(1e-9), executor="numpy")
    >>> run = line.fit(X, y)
    >>> run.predict([[2.0]]).round(3).tolist()
    [[5.0]]
    """

    network: Module
    loss: Loss
    optimiser: Optimiser | LBFGS = Adam()  # noqa: RUF009, a frozen value
    _: KW_ONLY
    stop: Criterion | Sequence[Criterion] = Epochs(200)  # noqa: RUF009, a frozen value
    batch_size: int | str = 32
    metric: Measure | str | None = "auto"
    penalties: Penalty | Sequence[Penalty] = ()
    clip: Clip | None = None
    accumulate: int = 1
    memory: int | str | None = None
    augment: Augmentation | Sequence[Augmentation] = ()
    constraints: Constraint | Sequence[Constraint] = ()
    average: Average | None = None
    frozen: Frozen = ()
    keep: str = "auto"
    shuffle: bool = True
    seed: int = 0
    dtype: str = "float32"
    executor: str = "auto"
    progress: bool | str = "auto"
    callbacks: Sequence[Callback] = ()

    def __post_init__(self) -> None:
        """Check the settings."""
        check_kinds(self.loss, self.optimiser, self.stop, self.callbacks)
        size = self.batch_size
        if size != "full" and not is_count(size):
            raise ParameterError(
                f"batch_size is a whole number of at least 1 or 'full', received {size!r}"
            )
        if not is_count(self.accumulate):
            raise ParameterError(
                f"accumulate is a whole number of at least 1, received {self.accumulate!r}"
            )
        if self.memory is not None:
            read_bytes(self.memory)
        unfit = {"accumulate": self.accumulate > 1, "average": self.average is not None}
        unfit |= {"memory": self.memory is not None}
        unfit |= {"augment": self.augment != (), "constraints": self.constraints != ()}
        if isinstance(self.optimiser, LBFGS) and any(unfit.values()):
            name = next(name for name, given in unfit.items() if given)
            raise ParameterError(f"L-BFGS takes no steps over minibatches: leave out {name}")
        if self.loss.reduction == "none":
            raise ParameterError("training needs one number: reduction 'mean' or 'sum', not 'none'")
        if self.keep not in ("auto", "last", *_VALIDATION):
            raise ParameterError(
                f"keep is 'auto', 'last', 'validation_loss' or 'metric', received {self.keep!r}"
            )
        if not self._criteria():
            raise ParameterError("stop needs at least one criterion, such as stop.Epochs(100)")
        self._metric()
        wanted(self.progress)

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight: Any = None,
        sample_weight_val: Any = None,
        resume: TrainingState | None = None,
    ) -> Run:
        """Train the network.

        Parameters
        ----------
        X
            An array (rows, ...) or a tree of such arrays. A tuple holds the network's arguments
            one by one; anything else is its only argument. Floats become `dtype`.
        y
            Targets (rows, ...), as the loss describes them. None for examples that come in
            pieces: X is then something that can be iterated over for every epoch (a list, a
            loader), or a function from the number of the epoch, from 0, to an iterable. Its items
            are ``(X, y)`` or ``(X, y, sample_weight)``, of any numbers of rows; they are trained
            on as they come, in minibatches that run on from one to the next. Rows are shuffled
            within what has come.
        X_val, y_val
            Examples that are only measured, after every epoch. Without `y_val`, `X_val` may be
            pieces as X may; a function is called with 0, so that the same ones are measured again.
        sample_weight, sample_weight_val
            None, or how much each example counts: numbers (rows,), not negative.
        resume
            The `state` of an earlier run with this trainer and data, to go on from. The run is then
            bit by bit what it would have been without the pause.

        Raises
        ------
        DivergenceError
            If NaN or infinity appears; `error.run` is what was reached before.
        """
        pieces = Pieces(X) if y is None else None
        training = (X, y, sample_weight) if pieces is None else pieces.first()
        task = self.prepare(training, (X_val, y_val, sample_weight_val), pieces)
        bound = AnyOf(self._criteria()).at_most()
        with ExitStack() as stack:
            callbacks = list(self.callbacks)
            if wanted(self.progress):
                callbacks.append(stack.enter_context(progress_bar(bound)))
            ledger = Ledger(task.carry, self._criteria(), task.keep, callbacks, task.shown)
            try:
                reason = self._resume(task, ledger, resume) or self._run(task, ledger, bound)
            except KeyboardInterrupt:
                reason = "interrupted"
            except DivergenceError as error:
                error.run = self._result(task, ledger, "diverged")
                raise
        return self._result(task, ledger, reason)

    def _run(self, task: Task, ledger: Ledger, bound: int | None) -> str:
        """Train until a criterion holds; return its reason."""
        if isinstance(self.optimiser, LBFGS):
            if task.pieces is not None:
                raise ParameterError("L-BFGS needs all examples at once, not in pieces")
            return run_lbfgs(self.optimiser, task, ledger, self.executor, bound or MANY)
        compiled = partial(
            loop, task.step.take, task.carry, batch_size=task.batch_size, executor=self.executor
        )
        key = random.fold_in(random.key(self.seed), 1) if self.shuffle else None
        rates = Rates(self.optimiser.learning_rate, task.step.pace, self.dtype)
        if task.pieces is not None:
            steady = partial(compiled, steps=LARGE)
            read = self._reader(task)
            flow = Flow(task, task.pieces, read, steady, key, rates)
            return run_stream(flow, ledger)
        rows = int(task.rows or 0)
        plan = compiled(task.data, steps=(bound or MANY) * -(-rows // task.batch_size))
        session = plan.start(ledger.standing.carry, task.data)
        order = Order(rows, key if task.batch_size < rows else None)
        return run_epochs(Course(task, plan, session, order, rates), ledger, bound)

    def _reader(self, task: Task) -> Callable[[tuple[Any, Any, Any]], Examples]:
        """What checks a piece of examples and brings it to the dtypes that programs read."""
        layout = task.step.objective.layout
        network = layout.network(task.carry, task.data["fixed"])
        known: dict[str, Any] = {}

        def read(piece: tuple[Any, Any, Any]) -> Examples:
            inputs = read_inputs(piece[0], self.dtype)
            kind = str(batch_types(inputs))
            if kind not in known:
                known[kind] = output_type(network, inputs)
            return with_targets(inputs, *piece[1:], self.dtype, self.loss, known[kind])

        return read

    def _resume(self, task: Task, ledger: Ledger, state: TrainingState | None) -> str | None:
        """Put a state back; return the reason of a criterion that holds there already."""
        if state is None:
            return None
        if isinstance(self.optimiser, LBFGS):
            raise ParameterError("L-BFGS cannot resume: it keeps its memory inside of SciPy")
        if dict(state.settings) != self._settings(task):
            raise ParameterError(
                f"the state to resume from was made with {dict(state.settings)}, this training has "
                f"{self._settings(task)}: the two must agree"
            )
        before = set(state.history.columns) & _MEASURED
        now = {name for each in task.measurings for name in each.measures}
        if len(state.history) and before != now:
            raise ParameterError(
                f"the state to resume from has measured {sorted(before)}, this training measures "
                f"{sorted(now)}: give the same validation examples, metric and stop criteria"
            )
        carry = put_back(state.arrays, task.carry)
        kept = task.shown(task.carry)
        return ledger.resume(state, carry, put_back(state.best, kept) if state.best else None)

    def _settings(self, task: Task) -> dict[str, Any]:
        more = {"accumulate": self.accumulate} if self.accumulate > 1 else {}
        return {"seed": self.seed, "batch_size": task.batch_size, "rows": task.rows, **more}

    def _result(self, task: Task, ledger: Ledger, reason: str) -> Run:
        now = ledger.standing
        arrays = task.shown(now.carry) if now.best is None else now.best
        return Run(
            task.step.objective.layout.network(arrays, task.data["fixed"]),
            ledger.history,
            now.best_epoch,
            reason,
            ledger.state(self._settings(task)),
            self.loss,
            self._metric(),
            self.dtype,
            self.executor,
            task.step.objective.recomputed,
        )

    def prepare(
        self,
        training: tuple[Any, ...],
        validation: tuple[Any, ...] = (None, None, None),
        pieces: Pieces | None = None,
    ) -> Task:
        """Check the data, make the network hold arrays, and compile what is measured.

        Parameters
        ----------
        training, validation
            Inputs, targets, and weights or None, as for `fit`.
        pieces
            Where examples come from, if `training` is just the first piece of them.
        """
        root = random.key(self.seed)
        inputs = read_inputs(training[0], self.dtype)
        first = random.fold_in(root, 0)
        network = self.network.initialise(first, *batch_types(inputs), dtype=self.dtype)
        outputs = output_type(network, inputs)
        examples = read_examples(training, self.dtype, self.loss, outputs)
        layout = Layout.of(network, self.frozen)
        carried, fixed = layout.divide(network)
        watching = Pieces(validation[0]) if come_in_pieces(*validation[:2]) else None
        if watching is not None:
            if validation[2] is not None:
                raise ParameterError(
                    "the pieces of X_val hold weights of their own: (X, y, weight)"
                )
            validation = watching.first()
        tables = self._measured(None if pieces else training, validation, outputs)
        bound = AnyOf(self._criteria()).at_most() or MANY
        measurings: list[Measuring | PieceMeasuring] = [
            Measuring.of(layout, (carried, fixed), table, self.executor, bound) for table in tables
        ]
        if watching is not None:
            measures = {name: each for name, (each, _) in tables[0].items()}
            measurings[0] = PieceMeasuring(
                measures, watching, network, layout, self.dtype, self.executor
            )
        metric = self._metric()
        grows = {"metric"} if metric is not None and metric.larger_is_better else set()
        rate = getattr(self.optimiser, "learning_rate", 0.0)
        known = {name for table in tables for name in table}
        rows = None if pieces else examples.rows
        size = self._rows_per_step(rows)
        step = Step(
            Objective(layout, self.loss, several(self.penalties)),
            self.optimiser,
            self.clip,
            several(self.augment),
            several(self.constraints),
            self.average,
            Pace(self.accumulate, -(-rows // size) if rows else None),
        )
        carry = step.initial(carried)
        data = {
            "fixed": fixed,
            "key": random.fold_in(root, 2),
            **({"augment_key": random.fold_in(root, 3)} if step.augment else {}),
            **Rates(rate, step.pace, self.dtype).data(),
        }
        if self.memory is not None:
            step = self._within_memory(step, network, carry, data | examples.tree(), size)
        return Task(
            step=step,
            carry=carry,
            data=data if pieces else data | examples.tree(),
            measurings=measurings,
            larger_is_better=frozenset({"train_accuracy"} | grows),
            keep=self._kept(known),
            batch_size=size,
            rows=rows,
            pieces=pieces,
            renewal=self._renewal(network, layout, examples, pieces, size),
        )

    def _renewal(
        self,
        network: Module,
        layout: Layout,
        examples: Examples,
        pieces: Pieces | None,
        batch_size: int,
    ) -> Renewal | None:
        """Say how running statistics follow averaged weights."""
        paths = statistic_paths(network) & layout.state
        if self.average is None or not paths:
            return None
        key = random.fold_in(random.key(self.seed), 4)
        if pieces is None:
            batches = batches_of(examples.inputs, batch_size, key)
        else:
            batches = batches_of_pieces(pieces, batch_size, self.dtype)
        return Renewal(paths, batches, batch_size, self.executor, random.fold_in(key, 0))

    def _within_memory(self, step: Step, network: Module, carry: Any, data: Any, size: int) -> Step:
        """Give a step whose plan keeps to `memory`."""

        def again(choice: Mapping[str, int]) -> Step:
            return replace(step, objective=replace(step.objective, recomputed=choice))

        def memory(choice: Mapping[str, int]) -> int:
            made = loop(again(choice).take, carry, data, batch_size=size, executor="native")
            return made.memory(full=len(data["targets"]) % size == 0)

        budget = read_bytes(self.memory or 0)
        return again(choose_recomputed(network, data["inputs"], size, budget, memory))

    def _measured(
        self, training: tuple[Any, ...] | None, validation: tuple[Any, ...], outputs: Any
    ) -> list[dict[str, tuple[Measure, Examples]]]:
        """The tables that are measured after each epoch, and by what."""
        tables = []
        given = [part is not None for part in validation[:2]]
        if given[0] != given[1]:
            raise ParameterError("give both X_val and y_val, or neither")
        if all(given):
            measures = {"validation_loss": self.loss, "metric": self._metric()}
            tables.append(
                {
                    name: (each, read_examples(validation, self.dtype, each, outputs, "_val"))
                    for name, each in measures.items()
                    if each is not None
                }
            )
        watched = AnyOf(self._criteria()).watched()
        if "train_accuracy" in watched and training is not None:
            each = self.loss.accuracy()
            plain = read_examples((*training[:2], None), self.dtype, each, outputs)
            tables.append({"train_accuracy": (each, plain)})
        known = {"epoch", "train_loss", "learning_rate", "gradient_norm", "seconds"}
        known = known.union(*tables)
        for name in sorted(watched - known):
            raise ParameterError(
                f"a stop criterion watches {name!r}, which is not measured here: give X_val and "
                f"y_val, or watch one of {', '.join(sorted(known))}"
            )
        return tables

    def _rows_per_step(self, rows: int | None) -> int:
        if rows is None and self.batch_size == "full":
            raise ParameterError("batch_size='full' needs all examples at once, not in pieces")
        if rows is None:
            return int(self.batch_size)
        return rows if self.batch_size == "full" else min(rows, int(self.batch_size))

    def _criteria(self) -> tuple[Criterion, ...]:
        return (self.stop,) if isinstance(self.stop, Criterion) else tuple(self.stop)

    def _metric(self) -> Measure | None:
        if self.metric == "auto":
            return self.loss.accuracy() if self.loss.classifies else None
        if isinstance(self.metric, str):
            raise ParameterError(f"metric is a measure, None or 'auto', received {self.metric!r}")
        return self.metric

    def _kept(self, columns: set[str]) -> str | None:
        """The column whose best epoch is kept, if there are validation examples."""
        if self.keep == "auto":
            patient = [c for c in leaves_of(AnyOf(self._criteria())) if isinstance(c, Patience)]
            choices = [c.column(columns) for c in patient] + ["validation_loss"]
            return next((name for name in choices if name in columns & set(_VALIDATION)), None)
        if self.keep != "last" and self.keep not in columns:
            raise ParameterError(f"keep={self.keep!r} needs X_val and y_val, and a metric to watch")
        return None if self.keep == "last" else self.keep
