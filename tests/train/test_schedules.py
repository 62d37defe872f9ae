"""Schedules by hand, by PyTorch's formulas, and traced."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule import optim
from chainrule.errors import ParameterError
from chainrule.execute import trace
from chainrule.ir import ArrayType
from tests.train import golden_schedules as golden


def rates(schedule: optim.Schedule, *numbers: float) -> list[float]:
    return [float(schedule(np.float64(n))) for n in numbers]


def test_constant() -> None:
    assert rates(optim.Constant(0.3), 0, 1e6) == [0.3, 0.3]


def test_step_falls_at_multiples_only() -> None:
    found = rates(optim.Step(0.8, every=3, factor=0.5), 0, 2, 3, 5, 6, 300)
    assert found == pytest.approx([0.8, 0.8, 0.4, 0.4, 0.2, 0.8 * 0.5**100], rel=1e-14)


def test_exponential_falls_by_its_factor_in_every_so_many_steps() -> None:
    found = rates(optim.Exponential(1.0, factor=0.1, every=2), 0, 1, 2, 4)
    assert found == pytest.approx([1.0, math.sqrt(0.1), 0.1, 0.01], rel=1e-14)


def test_inverse_scaling_is_that_of_scikit_learn() -> None:
    # eta = eta0 / pow(t, power_t) with t = 1 at the first step
    assert rates(optim.InverseScaling(0.1, 0.5), 0, 3) == pytest.approx([0.1, 0.05])


def test_cosine_ends_at_its_final_rate_and_stays() -> None:
    found = rates(optim.Cosine(1.0, steps=100, final=0.2), 0, 25, 50, 100, 1000)
    quarter = 0.2 + 0.8 * (1 + math.cos(math.pi / 4)) / 2
    assert found == pytest.approx([1.0, quarter, 0.6, 0.2, 0.2], abs=1e-12)


def test_warmup_rises_and_hands_over_at_step_zero_of_the_next() -> None:
    then = optim.Step(0.4, every=2, factor=0.5)
    found = rates(optim.Warmup(4, then), 0, 1, 3, 4, 5, 6)
    assert found == pytest.approx([0.1, 0.2, 0.4, 0.4, 0.4, 0.2])


GOLDEN = json.loads(golden.PLACE.read_text(encoding="utf-8"))["rates"]
SCHEDULES: dict[str, optim.Schedule] = {
    "step": optim.Step(0.5, every=7, factor=0.3),
    "exponential": optim.Exponential(0.5, 0.9),
    "cosine": optim.Cosine(0.5, steps=golden.STEPS, final=0.01),
    "restarts": optim.CosineRestarts(0.5, steps=8, final=0.01),
    "restarts longer": optim.CosineRestarts(0.5, steps=5, longer=2),
    "polynomial": optim.Polynomial(0.5, steps=25),
    "polynomial 3": optim.Polynomial(0.5, steps=25, power=3.0),
    "one cycle": optim.OneCycle(0.5, steps=golden.STEPS),
    "one cycle other": optim.OneCycle(0.5, steps=golden.STEPS, rising=0.6, start=4.0, end=10.0),
}


def test_every_golden_case_has_a_schedule() -> None:
    assert set(SCHEDULES) == set(GOLDEN)


@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_are_those_of_pytorch(name: str) -> None:
    # PyTorch multiplies from step to step where we compute each rate from its number.
    found = rates(SCHEDULES[name], *range(golden.STEPS))
    np.testing.assert_allclose(found, GOLDEN[name], rtol=1e-10, atol=1e-14)


def test_each_wave_of_restarts_may_begin_lower() -> None:
    waves = optim.CosineRestarts(1.0, steps=3, longer=2, lower=0.5)
    assert rates(waves, 0, 3, 9, 21) == pytest.approx([1.0, 0.5, 0.25, 0.125])
    even = optim.CosineRestarts(1.0, steps=3, lower=0.5)
    assert rates(even, 0, 3, 6, 3000) == pytest.approx([1.0, 0.5, 0.25, 0.5**1000])


def test_restarts_behind_a_warm_up() -> None:
    warm = optim.Warmup(2, then=optim.CosineRestarts(1.0, steps=2))
    assert rates(warm, 0, 1, 2, 3, 4) == pytest.approx([0.5, 1.0, 1.0, 0.5, 1.0])


@pytest.mark.parametrize(
    "schedule",
    [
        optim.CosineRestarts(1.0, 7),
        optim.CosineRestarts(1.0, 7, longer=3),
        optim.OneCycle(1.0, 50),
        optim.Polynomial(1.0, 50, power=1.5),
        optim.Plateau(0.1),
        optim.Step(0.8, every=3),
        optim.Exponential(1.0, 0.9),
        optim.InverseScaling(0.1),
        optim.Cosine(1.0, 50),
        optim.Warmup(5, then=optim.Cosine(1.0, 50)),
        optim.Warmup(5, then=0.1),
        lambda number: 0.1 / cnp.sqrt(number + 1),
    ],
)
def test_a_traced_schedule_gives_the_same_rates_in_float32(schedule: optim.Schedule) -> None:
    program = trace(schedule, ArrayType((), "float32")).plan().compile("numpy")
    for number in (0, 1, 7, 49, 50, 1_000_003):
        assert float(program(np.float32(number))) == pytest.approx(
            rates(schedule, number)[0], rel=1e-4, abs=1e-7
        )


def test_an_optimiser_takes_the_rate_of_the_step() -> None:
    falling = optim.SGD(optim.Step(1.0, every=1, factor=0.5))
    p = [np.array([0.0])]
    for number, expected in enumerate([-1.0, -1.5, -1.75]):
        p, _ = falling.update([np.array([1.0])], {}, p, np.int32(number))
        assert p[0].tolist() == [expected]


def test_a_schedule_of_no_steps_is_refused() -> None:
    for make in (
        lambda: optim.Step(0.1, every=0),
        lambda: optim.Exponential(0.1, 0.5, every=0),
        lambda: optim.Cosine(0.1, 0),
        lambda: optim.Warmup(0, 0.1),
    ):
        with pytest.raises(ParameterError, match="at least 1"):
            make()
