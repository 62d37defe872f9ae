"""The first value that is NaN or infinite, with its place, its inputs and the user's line."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule.numpy as cnp
from chainrule import losses, nn, stop
from chainrule.errors import DivergenceError
from chainrule.execute.nonfinite import first_nonfinite
from chainrule.explaining import find_nonfinite
from chainrule.tracing import capture, named

X = np.array([[1.0, 2.0], [3.0, 0.0]])


def entropy(x: Any) -> Any:
    logarithm = cnp.log(x)
    return cnp.sum(x * logarithm)


def test_the_op_its_place_its_input_and_the_line_are_named() -> None:
    found = find_nonfinite(entropy, X)
    assert found is not None
    assert (found.op, found.row, found.column, found.value) == ("log", 1, 1, -np.inf)
    (operand,) = found.operands
    assert (operand.name, operand.value, operand.low, operand.high) == ("x", 0.0, 0.0, 3.0)
    first = inspect.getsourcelines(entropy)[1]
    assert found.source is not None
    assert found.source.line == first + 1
    said = str(found)
    assert said.startswith(
        "log gave −infinity in row 1, column 1 (1 of 4 entries); it read x = 0 there, from 0 to 3"
    )
    assert said.endswith(f"test_nonfinite.py:{first + 1} in entropy")


def test_finite_programs_have_none() -> None:
    assert find_nonfinite(entropy, X + 1) is None


def test_an_argument_may_be_the_culprit() -> None:
    found = find_nonfinite(entropy, np.array([[1.0, np.nan]]))
    assert found is not None
    assert found.op == "input"
    assert str(found) == "the argument x holds NaN in row 0, column 1 (1 of 2 entries)"


def test_what_a_choice_discards_does_no_harm() -> None:
    assert find_nonfinite(lambda x: cnp.where(x > 0, cnp.log(x), 0.0), X) is None


def test_a_choice_does_not_save_the_gradient() -> None:
    def guarded(x: Any) -> Any:
        return cnp.sum(cnp.where(x > 0, cnp.sqrt(x), 0.0))

    assert find_nonfinite(guarded, X, gradient=False) is None
    found = find_nonfinite(guarded, X)
    assert found is not None
    assert found.op == "divide"
    assert found.name == "the gradient by x"
    assert found.index == (1, 1)
    assert found.source is not None
    assert found.source.function == "guarded"


def test_infinite_constants_are_meant() -> None:
    assert find_nonfinite(lambda x: cnp.max(cnp.where(x > 0, x, -np.inf)), X) is None


def test_a_matrix_product_names_the_ranges_it_read() -> None:
    huge = np.full((2, 2), 1e200)
    found = find_nonfinite(lambda a, b: a @ b, huge, huge)
    assert found is not None
    assert found.op == "matmul"
    assert [operand.value for operand in found.operands] == [None, None]
    assert "from 1e+200 to 1e+200" in str(found)


def test_the_nearest_name_tells_where_in_a_network() -> None:
    network = nn.Sequential(nn.Dense(1), nn.ReLU())
    weights = {"layers[0].weight": [[1e200], [1e200]], "layers[0].bias": [0.0]}
    found = find_nonfinite(network.with_arrays(weights), np.full((1, 2), 1e200))
    assert found is not None
    assert found.name == "layers[0] output"


def test_a_number_has_no_row() -> None:
    found = find_nonfinite(lambda x: 1 / x, 0.0)
    assert found is not None
    assert (found.row, found.column) == (None, None)
    assert "row" not in str(found)


def test_a_program_can_be_searched_as_it_is() -> None:
    graph = capture(lambda x: named(cnp.log(x), "the logarithm") + 1, [X]).graph
    direct = first_nonfinite(graph, [X])
    assert direct is not None
    assert direct.name == "the logarithm"
    found = find_nonfinite(graph, X)
    assert found == direct


@pytest.mark.parametrize("shape", [(2,), (2, 2, 2)])
def test_places_have_as_many_numbers_as_axes(shape: tuple[int, ...]) -> None:
    found = find_nonfinite(lambda x: cnp.log(x), np.zeros(shape))
    assert found is not None
    assert len(found.index) == len(shape)
    assert ("place 0, place 0, place 0" in str(found)) == (len(shape) == 3)


class TestLoops:
    """Within loops the step is named, and the line of the step's code."""

    def test_the_step_and_its_line_are_named(self) -> None:
        def logarithms(xs: Any) -> Any:
            def step(total: Any, x: Any) -> Any:
                return total + cnp.log(x), None

            return cr.scan(step, 0.0, xs)[0]

        found = find_nonfinite(logarithms, np.array([1.0, 2.0, 0.0, 3.0]))
        assert found is not None
        assert (found.op, found.steps) == ("log", (2,))
        said = str(found)
        assert said.startswith("log gave −infinity in step 2 of a loop; it read x = 0 there")
        line = inspect.getsourcelines(logarithms)[1] + 2
        assert said.endswith(f"test_nonfinite.py:{line} in step")

    @pytest.mark.parametrize(("reverse", "step"), [(False, 39), (True, 20)])
    def test_an_overflow_is_found_in_the_step_that_overflows(
        self, reverse: bool, step: int
    ) -> None:
        def numbers(xs: Any) -> Any:
            return cr.scan(lambda c, x: (10 * c + x, c), cnp.zeros(2), xs, reverse=reverse)[1]

        found = find_nonfinite(numbers, np.ones((60, 2), np.float32))
        assert found is not None
        # 39 ones are 1.1e38, and ten times that is too large for float32.
        assert (found.op, found.steps, found.shape) == ("multiply", (step,), (2,))

    def test_the_gradient_names_the_line_that_made_it_needed(self) -> None:
        def roots(xs: Any) -> Any:
            def step(total: Any, x: Any) -> Any:
                root = cnp.sqrt(x)
                return 1.5 * total + root, None

            return cr.scan(step, 0.0, xs)[0]

        xs = np.array([1.0, 2.0, 0.0, 3.0])
        assert find_nonfinite(roots, xs, gradient=False) is None
        found = find_nonfinite(roots, xs)
        assert found is not None
        assert (found.op, found.steps) == ("divide", (2,))
        assert found.source is not None
        assert found.source.line == inspect.getsourcelines(roots)[1] + 2

    def test_of_nested_loops_the_outermost_step_comes_first(self) -> None:
        def inner(total: Any, pair: Any) -> Any:
            return total + cnp.log(pair), None

        def differences(xs: Any) -> Any:
            def outer(total: Any, x: Any) -> Any:
                return cr.scan(inner, total, xs + x)[0], None

            return cr.scan(outer, 0.0, xs)[0]

        found = find_nonfinite(differences, np.array([1.0, 3.0, -1.0]))
        assert found is not None
        assert found.steps == (0, 2)  # 1 + -1
        assert "in step 2 of a loop in step 0 of a loop" in str(found)

    def test_what_leads_to_no_result_does_no_harm(self) -> None:
        def guarded(xs: Any) -> Any:
            def step(carry: Any, x: Any) -> Any:
                total, lost = carry
                return (total + cnp.where(x > 0, cnp.log(x), 0.0), lost + 1.0 / x), None

            return cr.scan(step, (0.0, 0.0), xs)[0][0]

        assert find_nonfinite(guarded, np.array([1.0, 0.0]), gradient=False) is None

    def test_an_infinite_number_to_begin_with_is_meant(self) -> None:
        def total(xs: Any) -> Any:
            return cr.scan(lambda c, x: (cnp.logaddexp(c, x), None), -np.inf, xs)[0]

        assert find_nonfinite(total, np.array([0.0, 1.0]), gradient=False) is None
        found = find_nonfinite(total, np.array([0.0, 1.0, np.nan]), gradient=False)
        assert found is not None
        assert found.op == "input"

    def test_training_that_diverges_in_a_loop_names_the_step(self) -> None:
        class Powers(nn.Module):
            line: nn.Module = nn.Dense(1, use_bias=False, weight=np.array([[1.0]]))

            def __call__(self, x: Any, *, key: Any = None) -> Any:
                def step(h: Any, row: Any) -> Any:
                    return h * self.line(row), None

                rows = cnp.swapaxes(x, 0, 1)
                return cr.scan(step, cnp.ones_like(rows[0]), rows)[0]

        x = np.full((4, 3, 1), 1e20, np.float32)
        trainer = cr.Trainer(
            Powers(), losses.SquaredError(), stop=stop.Epochs(1), batch_size=2, shuffle=False
        )
        with pytest.raises(DivergenceError, match=r"gave infinity .* in step 1 of a loop"):
            trainer.fit(x, np.zeros((4, 1), np.float32))
