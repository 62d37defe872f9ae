"""Maps that are computed of the tiles of a matrix product."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chainrule.numpy as cnp
from chainrule.backprop import value_and_grad
from chainrule.ir import ArrayType, Dim
from chainrule.plan import Plan, plan
from chainrule.plan.epilogue import EVERY, NONE, Reach, reaches
from chainrule.tracing import capture

X, W, B = ArrayType((Dim("batch"), 20)), ArrayType((20, 32)), ArrayType((32,))
FIXED = ArrayType((8, 20))
SQUARE = ArrayType((32, 32))


def _plan(function: Callable[..., Any], *args: Any, **options: Any) -> Plan:
    return plan(capture(function, args).graph, limits={"batch": 64}, **options)


def _kernels(planned: Plan) -> list[str]:
    return [group.title for group in planned.groups]


def _layer(x: Any, w: Any, b: Any) -> Any:
    return cnp.maximum(x @ w + b, 0)


class TestWhatIsJoined:
    def test_bias_and_activation_belong_to_their_product(self) -> None:
        planned = _plan(_layer, X, W, B)
        assert _kernels(planned) == ["contract+map"]
        assert planned.placement.total == 0  # the product itself is never stored
        assert _kernels(_plan(_layer, X, W, B, joined=False)) == ["contract", "map"]

    def test_the_plan_tells_and_counts_what_a_kernel_does(self) -> None:
        planned = _plan(_layer, FIXED, W, B)
        product = 2 * 8 * 20 * 32
        assert planned.cost() == product + 2 * 8 * 32
        lines = planned.explain().splitlines()
        assert "contract+map %1: f32[8, 32] <- x, w, b" in lines[1]
        assert "matmul(x, w)" in lines[2]
        assert "maximum(add(%0, b), 0)" in lines[3]

    def test_a_product_that_others_read_is_stored_beside_its_map(self) -> None:
        planned = _plan(lambda x, w, b: ((z := x @ w), cnp.maximum(z + b, 0)), X, W, B)
        (group,) = planned.groups
        assert [x.card.name for x in group.outputs] == ["matmul", "maximum"]

    def test_the_last_of_two_products_adds_up_both(self) -> None:
        planned = _plan(lambda x, w, v: x @ w + x @ v, X, W, W)
        assert _kernels(planned) == ["contract", "contract+map"]

    def test_the_slope_of_an_activation_belongs_to_the_gradient_behind_it(self) -> None:
        def gradient(x: Any, w: Any, v: Any) -> Any:
            return value_and_grad(lambda w: cnp.sum((cnp.relu(x @ w) @ v) ** 2))(w)

        groups = _plan(gradient, X, W, SQUARE).groups
        backward = [g for g in groups if g.mapped and g.outputs[0].card.name == "select"]
        assert len(backward) == 1

    def test_an_update_belongs_to_its_gradient_and_is_written_in_place(self) -> None:
        planned = _plan(_step, W, X, carried=[(0, 0)])
        last = planned.groups[-1]
        assert last.mapped
        assert last.outputs == [planned.graph.outputs[0]]
        assert planned.in_place == {planned.graph.outputs[0]}
        assert last.product not in planned.placement.offsets


def _step(w: Any, x: Any) -> Any:
    _, dw = value_and_grad(lambda w: cnp.sum((x @ w) ** 2))(w)
    return w - 0.1 * dw


class TestWhatStaysApart:
    def test_exponentials_and_their_relatives(self) -> None:
        for function in (cnp.tanh, cnp.exp):
            planned = _plan(lambda x, w, f=function: f(x @ w), X, W)
            assert _kernels(planned) == ["contract", "map"]

    def test_products_with_few_columns(self) -> None:
        narrow = ArrayType((20, 31)), ArrayType((31,))
        assert _kernels(_plan(_layer, X, *narrow)) == ["contract", "map"]

    def test_maps_of_other_dtypes(self) -> None:
        planned = _plan(lambda x, w: x @ w > 0, X, W)
        assert _kernels(planned) == ["contract", "map"]

    def test_maps_that_move_entries(self) -> None:
        planned = _plan(lambda x, w: cnp.permute_dims(x @ w, (1, 0)) + 1, X, W)
        assert "contract+map" not in _kernels(planned)

    def test_maps_that_wait_for_a_sum_of_the_product(self) -> None:
        planned = _plan(lambda x, w: (z := x @ w) / cnp.sum(z, axis=1, keepdims=True), X, W)
        assert "contract+map" not in _kernels(planned)

    def test_updates_by_sums_that_workers_make_in_parts(self) -> None:
        alone = _plan(_step, W, X, carried=[(0, 0)])
        shared = _plan(_step, W, X, carried=[(0, 0)], workers=2)
        assert (alone.groups[-1].title, shared.groups[-1].title) == ("contract+map", "map")

    def test_updates_that_write_more_than_a_near_cache_holds(self) -> None:
        for rows, kind in ((2048, "contract+map"), (2049, "map")):  # of 128 bytes
            w, x = ArrayType((rows, 32)), ArrayType((8, rows))
            planned = _plan(_step, w, x, carried=[(0, 0)])
            assert planned.groups[-1].title == kind

    def test_updates_of_weights_that_are_read_later(self) -> None:
        def step(w: Any, x: Any) -> Any:
            _, (dw, dx) = value_and_grad(lambda p: cnp.sum((p[1] @ p[0]) ** 2))((w, x))
            return w - 0.1 * dw, dx

        planned = _plan(step, W, FIXED, carried=[(0, 0)])
        updated = next(
            i for i, g in enumerate(planned.groups) if planned.graph.outputs[0] in g.outputs
        )
        assert all(planned.graph.inputs[0] not in g.reads for g in planned.groups[updated + 1 :])


def test_a_bias_reaches_over_columns_a_scale_over_rows_and_a_rate_over_neither() -> None:
    scale, rate = ArrayType((8, 1)), ArrayType(())
    planned = _plan(lambda x, w, b, s, r: r * (s * (x @ w) + b) + s, FIXED, W, B, scale, rate)
    (group,) = planned.groups
    found = reaches(group.product, group)
    assert found is not None
    *_, b, s, r = planned.graph.inputs
    assert {found[x] for x in (group.product,)} == {EVERY}
    assert (found[b], found[s], found[r]) == (
        Reach(rows=False, columns=True),
        Reach(rows=True, columns=False),
        NONE,
    )
