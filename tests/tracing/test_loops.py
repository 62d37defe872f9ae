"""`scan`: what a loop computes, what it writes down, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule.numpy as cnp
from chainrule.errors import ParameterError, ShapeError, TraceError
from chainrule.ir import ArrayType, Dim, families, is_loop


def _sums(carry: Any, x: Any) -> Any:
    carry = carry + x
    return carry, carry


class TestValues:
    def test_running_sums(self) -> None:
        total, sums = cr.scan(_sums, 0.0, np.array([1.0, 2.0, 3.0]))
        assert float(total) == 6
        assert sums.tolist() == [1, 3, 6]

    def test_in_reverse_the_last_slice_comes_first_and_results_stay_in_order(self) -> None:
        total, sums = cr.scan(_sums, 0.0, np.array([1.0, 2.0, 3.0]), reverse=True)
        assert float(total) == 6
        assert sums.tolist() == [6, 5, 3]

    def test_a_loop_of_no_steps_gives_back_the_carry_and_empty_stacks(self) -> None:
        total, sums = cr.scan(_sums, np.array([5.0, 6.0]), np.zeros((0, 2)))
        assert total.tolist() == [5, 6]
        assert sums.shape == (0, 2)

    def test_without_xs_a_length_counts_the_steps(self) -> None:
        powers = cr.scan(lambda x, _: (2 * x, x), np.float64(1), length=5)[1]
        assert powers.tolist() == [1, 2, 4, 8, 16]

    def test_carries_and_results_are_trees(self) -> None:
        def step(carry: Any, x: Any) -> Any:
            count, seen = carry["count"] + 1, carry["seen"] | (x["value"] > 2)
            return {"count": count, "seen": seen}, (x["value"], {"twice": 2 * x["value"]})

        xs = {"value": np.array([1, 3], np.int32)}
        carry, (values, rest) = cr.scan(step, {"count": 0, "seen": False}, xs)
        assert (int(carry["count"]), bool(carry["seen"])) == (2, True)
        assert carry["count"].dtype == np.int32
        assert carry["seen"].dtype == np.bool_
        assert (values.tolist(), rest["twice"].tolist()) == ([1, 3], [2, 6])

    def test_a_plain_number_takes_the_dtype_that_the_step_gives_it(self) -> None:
        total, _ = cr.scan(_sums, 0, np.ones(3, np.float32))
        assert total.dtype == np.float32

    def test_two_carries_may_change_places(self) -> None:
        a, b = cr.scan(lambda c, _: ((c[1], c[0]), None), (1.0, 2.0), length=3)[0]
        assert (float(a), float(b)) == (2, 1)

    def test_fibonacci(self) -> None:
        def step(pair: Any, _: Any) -> Any:
            return (pair[1], pair[0] + pair[1]), pair[0]

        assert cr.scan(step, (0, 1), length=8)[1].tolist() == [0, 1, 1, 2, 3, 5, 8, 13]

    def test_loops_nest(self) -> None:
        table = np.arange(6.0).reshape(2, 3)

        def row(carry: Any, x: Any) -> Any:
            return cr.scan(_sums, carry, x)

        total, sums = cr.scan(row, 0.0, table)
        assert float(total) == 15
        np.testing.assert_array_equal(sums, np.cumsum(table).reshape(2, 3))


class TestProgram:
    def test_the_step_is_written_down_once(self) -> None:
        traced = cr.trace(lambda w, xs: cr.scan(lambda h, x: (cnp.tanh(h * w + x), h), 0.0, xs),
                          2.0, np.ones(100))  # fmt: skip
        assert traced.text() == "\n".join(
            [
                "w: f64[]",
                "xs: f64[100]",
                "%0: f64[] = scan(w, 0, xs, step0, last=0, length=100)",
                "%1: f64[100] = scan(w, 0, xs, step0, every=h, length=100)",
                "return %0, %1",
                "step0:",
                "    w: f64[]",
                "    h: f64[]",
                "    x: f64[]",
                "    %0: f64[] = multiply(h, w)",
                "    %1: f64[] = add(%0, x)",
                "    %2: f64[] = tanh(%1)",
                "    return %2",
            ]
        )

    def test_what_is_the_same_in_all_steps_is_computed_before_the_loop(self) -> None:
        def loop(w: Any, xs: Any) -> Any:
            return cr.scan(lambda h, x: (h + x * cnp.exp(w), None), 0.0, xs)[0]

        text = cr.trace(loop, 2.0, np.ones(3)).text()
        before, step = text.split("step0:")
        assert "exp" in before
        assert "exp" not in step

    def test_an_array_of_the_step_is_a_constant_of_the_loop(self) -> None:
        table = np.array([1.0, 2.0])
        graph = cr.trace(lambda xs: cr.scan(lambda h, x: (h + x * table, None), np.zeros(2), xs)[0],
                         np.ones(3)).graph  # fmt: skip
        (loop,) = (x for x in graph.nodes if is_loop(x))
        assert [x.card.name for x in loop.inputs] == ["constant", "full", "input"]

    def test_values_of_one_loop_are_one_family(self) -> None:
        graph = cr.trace(lambda xs: cr.scan(_sums, 0.0, xs), np.ones(3)).graph
        loops = [x for x in graph.nodes if is_loop(x)]
        assert len(loops) == 2
        assert families(graph.nodes)[loops[0]] == loops

    def test_equal_loops_are_one(self) -> None:
        def twice(xs: Any) -> Any:
            return cr.scan(_sums, 0.0, xs)[0] + cr.scan(_sums, 0.0, xs)[0]

        graph = cr.trace(twice, np.ones(3)).graph
        assert sum(is_loop(x) for x in graph.nodes) == 1

    def test_length_and_batch_may_be_symbolic(self) -> None:
        def loop(w: Any, xs: Any) -> Any:
            return cr.scan(lambda h, x: (cnp.tanh(h + x @ w), h), cnp.zeros_like(xs[0]), xs)[1]

        kind = ArrayType((Dim("time"), Dim("batch"), 2), "float64")
        traced = cr.trace(loop, np.eye(2), kind)
        assert traced.graph.outputs[0].type == kind
        run = traced.plan({"time": 5, "batch": 4}).compile("numpy")
        native = traced.plan({"time": 5, "batch": 4}).compile()
        for steps, rows in ((5, 4), (1, 3), (0, 2)):
            x = np.random.default_rng(steps).standard_normal((steps, rows, 2))
            wanted = loop(np.eye(2), x) if steps else np.zeros((0, rows, 2))
            np.testing.assert_allclose(run(np.eye(2), x), wanted, rtol=0, atol=1e-15)
            np.testing.assert_allclose(native(np.eye(2), x), wanted, rtol=0, atol=1e-15)


class TestErrors:
    def test_arrays_of_xs_must_agree_in_length(self) -> None:
        with pytest.raises(ShapeError, match=r"2 steps, but xs\[1\] has the shape \(3,\)"):
            cr.scan(lambda c, x: (c, None), 0.0, (np.ones(2), np.ones(3)))
        with pytest.raises(ShapeError, match="4 steps, but xs has the shape"):
            cr.scan(_sums, 0.0, np.ones(3), length=4)

    def test_the_number_of_steps_must_be_known(self) -> None:
        with pytest.raises(ParameterError, match="needs xs or a length"):
            cr.scan(lambda c, x: (c, None), 0.0)
        with pytest.raises(ParameterError, match="cannot have -1 steps"):
            cr.scan(lambda c, x: (c, None), 0.0, length=-1)

    def test_a_number_has_no_slices(self) -> None:
        with pytest.raises(ShapeError, match="xs is a number"):
            cr.scan(_sums, 0.0, 3.0)

    def test_a_carry_keeps_its_type(self) -> None:
        with pytest.raises(ShapeError, match=r"carry\.h enters .* f64\[2\] and leaves .* f64\[3\]"):
            cr.scan(lambda c, _: ({"h": np.zeros(3)}, None), {"h": np.zeros(2)}, length=1)
        with pytest.raises(ShapeError, match="enters the step of a scan as i32"):
            cr.scan(lambda c, _: (c * 0.5, None), np.zeros(2, np.int32), length=1)

    def test_the_step_returns_a_pair_with_a_carry_of_the_same_structure(self) -> None:
        with pytest.raises(TraceError, match="must return a pair"):
            cr.scan(lambda c, x: c, 0.0, length=2)  # type: ignore[arg-type, return-value]
        with pytest.raises(TraceError, match="of the structure it received"):
            cr.scan(lambda c, x: ((c, c), None), 0.0, length=2)
