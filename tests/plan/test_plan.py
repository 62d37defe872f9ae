"""Plans: what is rewritten, what is computed together, and where values lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule.numpy as cnp
from chainrule.backprop import value_and_grad
from chainrule.execute import numpy as numpy_executor
from chainrule.execute import trace
from chainrule.ir import ArrayType, Dim, Graph, check
from chainrule.plan import PASSES, Plan, bind_sizes, lower_bound, plan, simplify
from chainrule.tracing import capture

X, W, B = ArrayType((Dim("batch"), 5)), ArrayType((5, 3)), ArrayType((3,))


def _graph(function: Callable[..., Any], *args: Any) -> Graph:
    return capture(function, args).graph


def _ops(graph: Graph) -> list[str]:
    return [node.card.name for node in graph.nodes if node.card.kind != "leaf"]


def _step(carry: Any, x: Any) -> Any:
    w, b = carry
    loss, (dw, db) = value_and_grad(
        lambda p: cnp.mean(cnp.log_softmax(cnp.tanh(x @ p[0] + p[1])) ** 2)
    )((w, b))
    return (w - 0.1 * dw, b - 0.1 * db), loss


def _step_plan() -> Plan:
    captured = capture(_step, ((W, B), X))
    return plan(captured.graph, limits={"batch": 64}, carried=[(0, 0), (1, 1)])


class TestSimplify:
    def test_numbers_are_computed_beforehand(self) -> None:
        graph = simplify(_graph(lambda x: x * (cnp.exp(cnp.ones_like(x)) * 2), B))
        assert _ops(graph) == ["multiply"]

    def test_multiplying_by_one_and_reshaping_back_vanish(self) -> None:
        graph = simplify(_graph(lambda x: cnp.reshape(cnp.reshape(x * 1, (15,)), (5, 3)), W))
        assert graph.outputs[0] is graph.inputs[0]

    def test_chains_of_views_become_one(self) -> None:
        graph = simplify(_graph(lambda x: cnp.permute_dims(cnp.permute_dims(x, (1, 0)), (1, 0)), W))
        assert _ops(graph) == []
        graph = simplify(
            _graph(lambda b: cnp.broadcast_to(cnp.reshape(b, (1, 3, 1)), (4, 3, 2)), B)
        )
        assert _ops(graph) == ["broadcast"]

    def test_the_stop_of_gradients_leaves_no_trace(self) -> None:
        assert _ops(simplify(_graph(lambda x: cnp.stop_gradient(x) + x, B))) == ["add"]

    def test_zero_is_not_taken_for_minus_zero(self) -> None:
        graph = simplify(_graph(lambda x: 1 / (x * 0 + -0.0), B))
        (y,) = numpy_executor.run(graph, [-np.ones(3)])
        assert (y == -np.inf).all()

    def test_simplified_programs_give_the_same_bits(self) -> None:
        captured = capture(_step, ((W, B), X))
        random = np.random.default_rng(0)
        args = [random.normal(size=s).astype("float32") for s in [(5, 3), (3,), (7, 5)]]
        before = numpy_executor.run(captured.graph, args)
        after = numpy_executor.run(check(simplify(captured.graph)), args)
        for a, b in zip(before, after, strict=True):
            assert a.tobytes() == b.tobytes()

    def test_symbolic_sizes_can_be_bound(self) -> None:
        graph = bind_sizes(_graph(lambda x: cnp.mean(x, axis=0), X), {"batch": 8})
        assert graph.inputs[0].type.shape == (8, 5)
        (y,) = numpy_executor.run(graph, [np.ones((8, 5))])
        np.testing.assert_array_equal(y, np.ones(5))


class TestFuse:
    def test_an_elementwise_chain_is_one_kernel(self) -> None:
        planned = plan(_graph(lambda x: cnp.tanh(x * 2 + 1) ** 2, W))
        assert [g.kind for g in planned.groups] == ["map"]

    def test_bias_and_activation_share_a_loop(self) -> None:
        planned = plan(_graph(lambda x, w, b: cnp.relu(x @ w + b), X, W, B), limits={"batch": 4})
        assert [g.kind for g in planned.groups] == ["contract", "map"]

    def test_a_transposed_operand_costs_no_copy(self) -> None:
        planned = plan(_graph(lambda x, w: (x @ w).T @ x, X, W), limits={"batch": 4})
        assert [g.kind for g in planned.groups] == ["contract", "contract"]

    def test_an_expensive_value_with_two_readers_is_kept(self) -> None:
        planned = plan(_graph(lambda x: (cnp.sum(cnp.exp(x)), cnp.max(cnp.exp(x))), W))
        assert [g.kind for g in planned.groups] == ["map", "reduce", "reduce"]

    def test_a_value_that_only_its_own_loop_reads_is_not_written(self) -> None:
        def function(x: Any) -> Any:
            y = cnp.exp(cnp.sin(x))
            return y + 1, y * y

        (group,) = plan(_graph(function, W)).groups
        assert len(group.outputs) == 2
        assert [x.card.name for x in group.inner] == ["exp"]

    def test_an_update_is_written_over_the_old_value(self) -> None:
        planned = _step_plan()
        assert len(planned.in_place) == 2
        last = planned.groups[-2:]
        assert all(x in planned.in_place for group in last for x in group.outputs)

    def test_a_value_that_is_still_to_be_read_is_not_overwritten(self) -> None:
        def swap(carry: Any) -> Any:
            a, b = carry
            return (a + cnp.sum(b), b + cnp.sum(a)), 0.0

        captured = capture(swap, ((B, B),))
        planned = plan(captured.graph, carried=[(0, 0), (1, 1)])
        for node in planned.in_place:
            home = next(i for i, g in enumerate(planned.groups) if node in g.outputs)
            old = planned.carried[node]
            assert all(old not in g.reads for g in planned.groups[home + 1 :])


class TestPlace:
    def test_two_live_buffers_never_overlap(self) -> None:
        placement = _step_plan().placement
        nodes = list(placement.offsets)
        for i, a in enumerate(nodes):
            for b in nodes[i + 1 :]:
                (a0, a1), (b0, b1) = placement.lives[a], placement.lives[b]
                together = a0 <= b1 and b0 <= a1
                apart = (
                    placement.offsets[a] + placement.sizes[a] <= placement.offsets[b]
                    or placement.offsets[b] + placement.sizes[b] <= placement.offsets[a]
                )
                assert apart or not together

    @given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.randoms(use_true_random=False))
    def test_random_programs_never_overlap_and_stay_near_the_bound(
        self, widths: list[int], random: Any
    ) -> None:
        def function(x: Any) -> Any:
            values = [cnp.sum(x)]
            for width in widths:
                pick = values[random.randrange(len(values))]
                values.append(cnp.sum(cnp.exp(cnp.cumulative_sum(pick * cnp.ones(width)))))
            return sum(values[1:], values[0])

        planned = plan(_graph(function, B))
        p = planned.placement
        for a in p.offsets:
            for b in p.offsets:
                if a is not b and p.lives[a][0] <= p.lives[b][1] and p.lives[b][0] <= p.lives[a][1]:
                    assert (
                        p.offsets[a] + p.sizes[a] <= p.offsets[b]
                        or p.offsets[b] + p.sizes[b] <= p.offsets[a]
                    )
        assert p.total <= 1.5 * lower_bound(p, len(planned.groups))

    def test_memory_grows_with_the_largest_batch(self) -> None:
        graph = _graph(lambda x, w: cnp.tanh(x @ w) @ w.T, X, W)
        small, large = (plan(graph, limits={"batch": n}).memory() for n in (16, 1600))
        assert large == 100 * small


def test_the_list_of_passes_names_each_once() -> None:
    names = [name for name, _ in PASSES]
    assert len(set(names)) == len(names)


def test_explain_shows_kernels_sizes_and_formulas() -> None:
    x, w = np.ones((4, 5)), np.ones((5, 3))
    planned = trace(lambda w, x: cnp.sum(cnp.tanh(x @ w) ** 2), w, x).differentiate(0).plan()
    explained = planned.explain()
    assert explained.startswith("4 kernels, ")
    assert "%0 = matmul(x, w)" in explained
    assert "%1 = tanh(%0)" in explained
    assert planned.cost() == pytest.approx(2 * 2 * 4 * 5 * 3, rel=3)
