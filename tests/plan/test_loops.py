"""Plans of loops: kernels of a step, memory, and how workers share the rows of a loop."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule.numpy as cnp
from chainrule.errors import GraphError
from chainrule.execute import loop
from chainrule.ir import ArrayType, Dim
from chainrule.plan import LoopPlan, Plan, plan
from chainrule.plan.rows import find_rows
from chainrule.tracing import flatten

BATCH = Dim("batch")


def _planned(step: Any, *args: Any, fused: bool = True) -> Plan:
    return plan(cr.trace(step, *args).graph, limits={"batch": 8}, fused=fused)


def _recurrent(w: Any, h: Any, xs: Any) -> Any:
    return cr.scan(lambda h, x: (cnp.tanh(h @ w + x), h), h, xs)


TYPES = (
    ArrayType((4, 4)),
    ArrayType((BATCH, 4)),
    ArrayType((5, BATCH, 4)),
)


def _loop(planned: Plan) -> LoopPlan:
    (loop,) = planned.loops.values()
    return loop


def test_all_values_of_a_loop_are_one_group_with_the_kernels_of_a_step() -> None:
    planned = _planned(_recurrent, *TYPES)
    assert [g.kind for g in planned.groups] == ["scan"]
    step = _loop(planned)
    assert [g.kind for g in step.groups] == ["contract", "map"]
    assert planned.every_group == (*planned.groups, *step.groups)


def test_a_carry_that_is_not_stacked_has_two_buffers_and_others_have_none() -> None:
    step = _loop(_planned(_recurrent, *TYPES))
    assert list(step.buffers) == [0]
    a, b = step.buffers[0]
    assert b - a == 8 * 4 * 4
    assert step.workspace == step.placement.total + 2 * 8 * 4 * 4
    stacked = _loop(_planned(lambda h, xs: cr.scan(lambda h, x: (h * x,) * 2, h, xs), *TYPES[1:]))
    assert not stacked.buffers


def test_a_carry_that_is_stacked_as_it_enters_lies_in_the_stack() -> None:
    step = _loop(_planned(_recurrent, *TYPES))
    ((stack, x),) = step.stacks.items()
    assert x is step.carries[0]
    assert step.entering == {0: stack}
    # Stacked as it leaves as well, it lies there, and is copied.
    both = _planned(lambda h, xs: cr.scan(lambda h, x: (h * x, (h, h * x)), h, xs), *TYPES[1:])
    assert not _loop(both).entering
    assert len(_loop(both).stacks) == 2


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [0, 1, 2, 5])
def test_stacks_of_what_enters_are_right_in_native_code(length: int, reverse: bool) -> None:
    def run(xs: Any, a: Any, b: Any) -> Any:
        def step(carry: Any, x: Any) -> Any:
            a, b, c, d = carry  # b stays, a and c change places, d is stacked both ways
            return (c + x, b, a * 2, d + a), (a, b, d, d + a)

        return cr.scan(step, (a, b, a + b, a - b), xs, reverse=reverse)

    random = np.random.default_rng(length)
    args = random.normal(size=(length, 3)), random.normal(size=3), random.normal(size=3)
    expected, found = (flatten(cr.jit(run, executor=e)(*args))[0] for e in ("numpy", "native"))
    for x, y in zip(expected, found, strict=True):
        np.testing.assert_array_equal(x, y)
    open_length = (ArrayType((Dim("time"), 3), "float64"), *args[1:])
    compiled = cr.trace(run, *open_length).plan({"time": 8}).compile("native")
    for x, y in zip(expected, flatten(compiled(*args))[0], strict=True):
        np.testing.assert_array_equal(x, y)


def test_the_plan_of_a_loop_can_be_read() -> None:
    text = _planned(_recurrent, *TYPES).explain()
    assert "5 steps;" in text
    assert "%0 = the last %0.1" in text
    assert "%1 = every carry0" in text
    assert "%0.1 = tanh(add(%0.0, xs[t]))" in text


def test_measured_times_in_a_loop_are_those_of_one_step() -> None:
    planned = _planned(_recurrent, *TYPES)
    loop, product, *maps = planned.every_group
    times = {loop: 40e-6, product: 10e-6} | dict.fromkeys(maps, 15e-6)
    lines = planned.explain([times[group] for group in planned.every_group]).splitlines()
    (line,) = (line for line in lines if "contract" in line)
    # 256 operations a step, and five steps of 2 us each.
    assert line.endswith("[256 flops, 2.00 us, 0.1 GFLOP/s]")
    assert sum("3.00 us" in line for line in lines) == len(maps)
    assert "40.00 us" in lines[1]


def test_the_work_of_a_loop_is_that_of_all_steps() -> None:
    products = 5 * 2 * 8 * 4 * 4
    assert products < _planned(_recurrent, *TYPES).cost() < 4 * products


def test_a_weight_that_all_steps_read_is_packed_once_before_the_loop() -> None:
    def last(w: Any, h: Any, xs: Any) -> Any:
        return cnp.sum(_recurrent(w, h, xs)[0])

    types = ArrayType((128, 128)), ArrayType((32, 128)), ArrayType((5, 32, 128))
    compiled = cr.trace(cr.grad(last), *types).plan().compile("native")
    packing = re.findall(r"call void @product_\w+\(ptr [^,]+, ptr [^,)]+\)", compiled.llvm())
    # Transposed for the way back; for the way there, unless wide registers read it as it is.
    assert len(packing) in (1, 2)


def test_weights_packed_for_nested_loops_do_not_get_in_each_others_way() -> None:
    random = np.random.default_rng(3)
    n = 136  # large enough to be packed, and no whole number of tiles

    def energy(w: Any, v: Any, h: Any, xs: Any) -> Any:
        def outer(carry: Any, x: Any) -> Any:
            h, m = carry  # m is the same within the inner loop, but not from step to step
            h = cnp.tanh(h @ v)
            h, _ = cr.scan(lambda h, y: (cnp.tanh(h @ m + y + h @ w), None), h, x)
            h, _ = cr.scan(lambda h, y: (cnp.sin(h @ cnp.matrix_transpose(w)), None), h, x)
            return (h @ v, 0.9 * m), h

        (h, m), hs = cr.scan(outer, (h, w), xs)
        return cnp.sum(h**2) + cnp.sum(m) + cnp.sum(hs**2)

    shapes = (n, n), (n, n), (20, n), (3, 4, 20, n)
    args = [random.normal(size=shape) / shape[-1] ** 0.5 for shape in shapes]
    slopes = cr.value_and_grad(energy, (0, 1, 2, 3))
    expected, found = (flatten(cr.jit(slopes, executor=e)(*args))[0] for e in ("numpy", "native"))
    for x, y in zip(expected, found, strict=True):
        # Sums of up to 20 * 12 products of numbers of size one, in another order.
        np.testing.assert_allclose(y, x, rtol=0, atol=1e-13 * np.abs(x).max())


class TestRows:
    def test_a_loop_over_time_keeps_rows(self) -> None:
        graph = cr.trace(_recurrent, *TYPES).graph
        rows = find_rows(graph)
        assert [rows.axis[x] for x in graph.outputs] == [0, 1]
        assert not rows.partial

    def test_rows_stay_known_where_time_is_merged_into_their_axis(self) -> None:
        def steps_at_once(w: Any, xs: Any) -> Any:
            flat = cnp.reshape(xs, (5 * BATCH, 4)) @ w
            return cnp.sum(cnp.reshape(flat, xs.shape) * xs, axis=(0, 1)), flat

        graph = cr.trace(steps_at_once, TYPES[0], TYPES[2]).graph
        total, flat = graph.outputs
        rows = find_rows(graph)
        assert rows.rounds[flat] == 5
        assert rows.scattered == {x for x in graph.nodes if x.type.shape == (5 * BATCH, 4)}
        assert rows.partial == {total}

    def test_rows_in_different_orders_do_not_meet(self) -> None:
        def mixed(xs: Any, ys: Any) -> Any:
            return cnp.reshape(xs, (20 * BATCH,)) + cnp.reshape(ys, (20 * BATCH,))

        graph = cr.trace(mixed, TYPES[2], ArrayType((BATCH, 5, 4))).graph
        with pytest.raises(GraphError, match="different orders"):
            find_rows(graph)

    def test_a_sum_over_rows_may_be_added_up_from_step_to_step(self) -> None:
        def sums(xs: Any) -> Any:
            return cr.scan(lambda s, x: (s + cnp.sum(x, axis=0), None), np.zeros(4, "f4"), xs)[0]

        graph = cr.trace(sums, TYPES[2]).graph
        assert find_rows(graph).partial == set(graph.outputs)

    def test_a_step_that_reads_a_sum_over_rows_cannot_be_shared(self) -> None:
        def centred(h: Any, xs: Any) -> Any:
            return cr.scan(lambda h, x: (h * x - cnp.sum(h, axis=0), None), h, xs)[0]

        with pytest.raises(GraphError, match="reads a sum over rows"):
            find_rows(cr.trace(centred, *TYPES[1:]).graph)

    def test_a_loop_over_rows_cannot_be_shared(self) -> None:
        graph = cr.trace(lambda xs: cr.scan(lambda s, x: (s + x, None), 0.0, xs)[0],
                         ArrayType((BATCH,))).graph  # fmt: skip
        with pytest.raises(GraphError, match="loop over the rows"):
            find_rows(graph)


def _train(workers: int, *, over_time: bool = False) -> tuple[Any, int]:
    """Some steps of descent on a recurrent network, with a smaller last minibatch.

    With `over_time`, each step of the loop gives a sum over all rows.
    """
    random = np.random.default_rng(0)
    data = random.standard_normal((500, 16, 24)).astype(np.float32)
    parameters = {
        "w": (random.standard_normal((24, 64)) * 0.1).astype(np.float32),
        "u": (random.standard_normal((64, 64)) * 0.1).astype(np.float32),
        "scale": np.ones(64, np.float32),
    }

    def objective(p: Any, x: Any) -> Any:
        z = cnp.matmul(cnp.swapaxes(x, 0, 1), p["w"])
        begin = cnp.zeros_like(z[0])

        def step(h: Any, z: Any) -> Any:
            h = cnp.tanh(z + (h @ p["u"]) * p["scale"])
            return h, cnp.sum(h) if over_time else h

        h, ys = cr.scan(step, begin, z)
        return (cnp.sum(h**2) + cnp.sum(ys**2) * 0.01) / x.shape[0]

    def step(p: Any, data: Any, rows: Any, number: Any) -> Any:
        value, g = cr.value_and_grad(objective)(p, cnp.take(data, rows, axis=0))
        return {name: p[name] - 0.001 * g[name] for name in p}, value

    traced = loop(step, parameters, data, batch_size=128, workers=workers)
    session = traced.start(parameters, data)
    values = session.run(np.arange(500, dtype=np.int32), 0)
    used = session._programs[False].workers  # type: ignore[attr-defined]
    return (values, session.carry()), used


@pytest.mark.parametrize("over_time", [False, True])
def test_workers_share_a_loop_and_find_what_one_finds(over_time: bool) -> None:
    (alone, carry), one = _train(1, over_time=over_time)
    (shared, carries), two = _train(2, over_time=over_time)
    assert (one, two) == (1, 2)
    np.testing.assert_allclose(shared, alone, rtol=1e-5)
    for name, x in carry.items():
        # Sums over rows are added in another order, in float32.
        np.testing.assert_allclose(carries[name], x, rtol=1e-4, atol=1e-6)


def test_workers_share_a_step_in_which_products_and_loops_read_sums_over_rows() -> None:
    random = np.random.default_rng(1)
    data = random.standard_normal((512, 32)).astype(np.float32)
    w = (random.standard_normal((32, 96)) * 0.1).astype(np.float32)

    def step(w: Any, data: Any, rows: Any, number: Any) -> Any:
        x = cnp.take(data, rows, axis=0)
        value, g = cr.value_and_grad(lambda w: cnp.mean(cnp.tanh(x @ w) ** 2))(w)
        squares = g @ cnp.matrix_transpose(g)
        # The first terms of (1 + g gᵀ)⁻¹ g.
        g, _ = cr.scan(lambda sofar, _: (g - squares @ sofar, None), g, length=4)
        return w - 0.1 * g, value

    found = []
    for workers in (1, 2):
        traced = loop(step, w, data, batch_size=256, workers=workers)
        session = traced.start(w, data)
        session.run(np.arange(512, dtype=np.int32), 0)
        assert session._programs[True].workers == workers  # type: ignore[attr-defined]
        found.append(session.carry())
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4, atol=1e-6)
