"""Values that are tapped: seen in a call, recorded by training, named in equations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule.numpy as cnp
from chainrule import losses, nn, optim, stop
from chainrule.errors import ParameterError
from chainrule.train import TrainingState

X, Y = np.array([[1.0], [3.0]]), np.array([1.0, 2.0])


class Watched(nn.Module):
    """y = w x, with the products tapped, and w itself, a single number."""

    line: nn.Module = nn.Dense(1, use_bias=False, weight=np.array([[2.0]]))

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        cr.tap(self.line.weight[0, 0], "w")
        return cr.tap(self.line(x), "product")


def train(executor: str = "numpy", rate: float = 0.0, **options: Any) -> Any:
    settings = {"stop": stop.Epochs(2), "batch_size": 1, "shuffle": False, **options}
    settings = {"optimiser": optim.SGD(rate), **settings}
    return cr.Trainer(Watched(), losses.SquaredError(), executor=executor, **settings).fit(X, Y)


@pytest.mark.parametrize("executor", ["numpy", "native"])
def test_the_history_has_mean_deviation_and_extremes(executor: str) -> None:
    history = train(executor).history
    # The two steps of an epoch see the products 2 and 6.
    assert history["product.mean"].tolist() == [4, 4]
    assert history["product.std"].tolist() == [0, 0]
    assert history["product.min"].tolist() == [2, 2]
    assert history["product.max"].tolist() == [6, 6]
    assert history["w"].tolist() == [2, 2]
    assert history[0].taps["product.max"] == 6
    assert "product.mean" in repr(history)
    whole = train(executor, batch_size="full").history
    assert whole["product.std"].tolist() == [2, 2]


def test_lbfgs_records_taps_too() -> None:
    history = train(optimiser=optim.LBFGS(), batch_size="full", stop=stop.Epochs(9)).history
    # Least squares through the origin: (1·1 + 3·2) / (1 + 9).
    assert history["w"][-1] == pytest.approx(0.7, abs=1e-4)


def test_taps_survive_a_checkpoint(tmp_path: Path) -> None:
    train().state.save(tmp_path / "state")
    state = TrainingState.load(tmp_path / "state")
    assert state.history["product.max"].tolist() == [6, 6]


def test_stop_criteria_can_watch_a_tap_through_the_record() -> None:
    run = train(stop=[stop.When(lambda record: record.taps["w"] == 2), stop.Epochs(9)])
    assert len(run.history) == 1


def test_a_call_can_be_looked_into() -> None:
    with cr.taps() as seen:
        output = Watched()(X)
    np.testing.assert_array_equal(seen["product"], output)
    assert set(seen) == {"w", "product"}
    assert cr.tap(3.0, "three") == 3.0


class Running(nn.Module):
    """y = the sum over time of w x, with each of the sums tapped."""

    line: nn.Module = nn.Dense(1, use_bias=False, weight=np.array([[2.0]]))

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        def step(total: Any, row: Any) -> Any:
            return cr.tap(total + self.line(row), "total"), None

        rows = cnp.swapaxes(x, 0, 1)
        return cr.scan(step, cnp.zeros_like(rows[0]), rows)[0]


SERIES = np.array([[[1.0], [2.0], [3.0]]])


def test_in_a_loop_the_values_of_all_steps_are_seen() -> None:
    with cr.taps() as seen:
        Running()(SERIES)
    assert seen["total"].tolist() == [[[2.0]], [[6.0]], [[12.0]]]
    with cr.taps() as seen:
        slope = cr.grad(lambda x: cnp.sum(Running()(x)))(SERIES)
    assert list(seen) == ["total"]
    assert slope.tolist() == [[[2.0], [2.0], [2.0]]]


@pytest.mark.parametrize("executor", ["numpy", "native"])
def test_the_history_sums_up_all_steps_of_a_loop(executor: str) -> None:
    trainer = cr.Trainer(
        Running(), losses.SquaredError(), optim.SGD(0.0), stop=stop.Epochs(1), executor=executor
    )
    history = trainer.fit(SERIES, np.array([[1.0]])).history
    assert history["total.min"].tolist() == [2]
    assert history["total.max"].tolist() == [12]
    assert history["total.mean"].tolist() == pytest.approx([20 / 3])


def test_a_name_that_a_loop_taps_cannot_be_used_outside() -> None:
    with cr.taps(), pytest.raises(ParameterError, match="two values are tapped as 'total'"):
        cr.tap(Running()(SERIES), "total")


def test_what_is_differentiated_in_a_loop_does_not_show_its_inside() -> None:
    def step(x: Any, _: Any) -> Any:
        return x - 0.1 * cr.grad(lambda z: cr.tap(z * z, "square"))(x), None

    class Descent(nn.Module):
        line: nn.Module = nn.Dense(1)

        def __call__(self, x: Any, *, key: Any = None) -> Any:
            return cr.scan(lambda x, _: (step(x[0, 0], _)[0] + x, None), self.line(x), length=2)[0]

    trainer = cr.Trainer(Descent(), losses.SquaredError(), stop=stop.Epochs(1), executor="numpy")
    with pytest.raises(ParameterError, match="the value tapped as 'square' lies inside"):
        trainer.fit(X, Y)


def test_equations_call_a_tapped_value_by_its_name() -> None:
    class Energy(nn.Module):
        line: nn.Module = nn.Dense(2)

        def __call__(self, x: Any, *, key: Any = None) -> Any:
            return cnp.sum(cr.tap(cnp.square(self.line(x)), "energy"), axis=1, keepdims=True)

    derived = cr.derive(Energy(), losses.HalfSquaredError(), [[1.0, 2.0]], [[1.0]])
    assert str(derived.derivation["energy"]).startswith("energy = (z⁽¹⁾)²")


def test_a_name_is_used_once_and_is_not_empty() -> None:
    with pytest.raises(ParameterError, match="tap needs a name"):
        cr.tap(X, "")
    with cr.taps():
        cr.tap(X, "x")
        with pytest.raises(ParameterError, match="two values are tapped as 'x'"):
            cr.tap(X, "x")


def test_a_tap_inside_of_a_traced_function_is_refused_with_the_way_out() -> None:
    class Inner(nn.Module):
        line: nn.Module = nn.Dense(1)

        def __call__(self, x: Any, *, key: Any = None) -> Any:
            y = self.line(x)
            cr.value_and_grad(lambda z: cnp.sum(cr.tap(z * z, "square")))(y)
            return y

    trainer = cr.Trainer(Inner(), losses.SquaredError(), stop=stop.Epochs(1), executor="numpy")
    with pytest.raises(ParameterError, match="the value tapped as 'square' lies inside"):
        trainer.fit(X, Y)
