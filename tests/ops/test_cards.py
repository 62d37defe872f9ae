"""What every card promises, tested from the card alone."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule.backprop import vjp
from chainrule.errors import ParameterError
from chainrule.execute import numpy as executor
from chainrule.ir import KINDS, Absent, ArrayType, Card, Example, check, is_float
from chainrule.ops import CARDS, FAMILIES
from chainrule.tracing import apply, compute
from tests.cards import (
    SHAPED,
    cases,
    elementwise_cards,
    extreme_cases,
    program,
)

CARD_LIST = list(CARDS.values())
EVERY_CARD = pytest.mark.parametrize("card", CARD_LIST, ids=lambda card: card.name)
ELEMENTWISE = pytest.mark.parametrize("card", elementwise_cards(), ids=lambda card: card.name)


def _examples() -> list[Any]:
    return [
        pytest.param(card, example, id=f"{card.name}{example.inputs}")
        for card in elementwise_cards()
        for example in card.examples
    ]


def type_of(x: np.ndarray[Any, Any]) -> ArrayType:
    return ArrayType(x.shape, x.dtype.name)


def same(actual: Any, expected: Any) -> None:
    """Equal types and equal bits, up to the payload of NaN."""
    assert type_of(actual) == type_of(expected)
    np.testing.assert_array_equal(actual, expected)
    if actual.dtype.kind == "f":
        number = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(actual)[number], np.signbit(expected)[number])


# ---------------------------------------------------------------------------------------------
# The card itself.


def test_every_card_of_every_family_is_collected_under_its_own_name() -> None:
    found = [x for family in FAMILIES for x in vars(family).values() if isinstance(x, Card)]
    assert {card.name: card for card in found} == dict(CARDS)
    assert len(found) == len(CARDS)


@EVERY_CARD
def test_a_card_says_what_it_is(card: Card) -> None:
    assert card.kind in KINDS
    assert card.doc.endswith(".")
    assert card.cost >= 0
    assert repr(card) == f"<card {card.name}>"


@EVERY_CARD
def test_a_missing_rule_says_why(card: Card) -> None:
    for rule in (card.vjp, card.numpy, card.native, card.onnx):
        assert rule is not None
        if isinstance(rule, Absent):
            assert len(rule.reason.split()) >= 2


@EVERY_CARD
def test_a_card_has_something_to_run_it_on(card: Card) -> None:
    if card.kind == "elementwise":
        assert card.examples or card.name == "cast", "give the card examples"
    else:
        assert card.name in SHAPED, "add shapes and parameters to tests/cards.py"


@EVERY_CARD
def test_a_card_that_is_not_smooth_says_what_happens_at_its_kinks(card: Card) -> None:
    assert card.smooth or card.kink or isinstance(card.vjp, Absent)


@ELEMENTWISE
def test_derivatives_of_examples_are_stated_where_there_are_any(card: Card) -> None:
    for example in card.examples:
        assert len(example.inputs) == len(card.inputs)
        assert len(example.slopes) in (0, len(card.inputs))
        assert callable(card.vjp) or not example.slopes
    assert not callable(card.vjp) or not card.examples or card.examples[0].slopes


# ---------------------------------------------------------------------------------------------
# Values.


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("card", "example"), _examples())
def test_an_example_has_the_value_on_its_card(card: Card, example: Example, dtype: str) -> None:
    inputs = [np.array(x, "bool" if isinstance(x, bool) else dtype) for x in example.inputs]
    actual = compute(card, *inputs)
    # One rounding of the input and a few of the op; math's values are rounded once too.
    tolerance = 4 * np.finfo(dtype).eps
    if type(example.output) is float and abs(example.output) < np.finfo(dtype).tiny:
        tolerance = np.finfo(dtype).tiny  # e^-300 in float32 is zero
        np.testing.assert_allclose(actual, example.output, rtol=0, atol=tolerance)
        return
    np.testing.assert_allclose(actual, example.output, rtol=tolerance, atol=tolerance)
    if type(example.output) is bool:
        assert actual.dtype == np.bool_


@EVERY_CARD
def test_a_result_has_the_type_that_the_card_says(card: Card) -> None:
    for case in cases(card):
        assert type_of(compute(card, *case.inputs, **case.params)) == case.result, case


@EVERY_CARD
def test_a_traced_op_gives_what_the_op_gives(card: Card) -> None:
    for case in cases(card):
        (actual,) = executor.run(check(program(case)), case.inputs)
        same(actual, compute(card, *case.inputs, **case.params))


@ELEMENTWISE
def test_special_values_go_through_without_a_warning_and_traced_alike(card: Card) -> None:
    for case in extreme_cases(card):
        expected = compute(card, *case.inputs, **case.params)
        assert type_of(expected) == case.result
        same(executor.run(program(case), case.inputs)[0], expected)


@ELEMENTWISE
def test_float32_is_float64_rounded(card: Card) -> None:
    for case in [*cases(card), *extreme_cases(card)]:
        narrow = [t.dtype == "float32" for t in case.types]
        if not any(narrow) or "dtype" in case.params:
            continue
        wide = [x.astype("float64") if n else x for x, n in zip(case.inputs, narrow, strict=True)]
        actual = compute(card, *case.inputs)
        with np.errstate(over="ignore", under="ignore"):
            expected = compute(card, *wide).astype(actual.dtype)
        # Half a unit in the last place for the rule, and some for NumPy's own float32 routines.
        limits = {"rtol": 4 * np.finfo("float32").eps, "atol": 1e-44}
        np.testing.assert_allclose(actual, expected, **limits if actual.dtype != bool else {})


@ELEMENTWISE
def test_an_op_of_equal_inputs_is_defined(card: Card) -> None:
    if len(card.inputs) != 2:
        return
    for case in cases(card):
        if len({t.dtype for t in case.types}) == 1:
            x = case.inputs[0]
            same(compute(card, x, x), compute(card, x, x.copy()))


# ---------------------------------------------------------------------------------------------
# Gradients: their types and their values at kinks. Whether they are right is another file.


@EVERY_CARD
def test_gradients_have_the_types_of_the_inputs(card: Card) -> None:
    for case in cases(card):
        if not callable(card.vjp) or not is_float(case.result.dtype):
            continue
        value, back = vjp(case.function, *case.inputs)
        for x, gradient in zip(case.inputs, back(np.ones_like(value)), strict=True):
            assert type_of(gradient) == type_of(x), case
            if x.dtype.kind != "f":
                np.testing.assert_array_equal(gradient, np.zeros_like(x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("card", "example"), _examples())
def test_an_example_has_the_derivatives_on_its_card(
    card: Card, example: Example, dtype: str
) -> None:
    inputs = [np.array(x, "bool" if isinstance(x, bool) else dtype) for x in example.inputs]
    if not example.slopes:
        return
    _, back = vjp(lambda *x: apply(card, *x), *inputs)
    for actual, expected in zip(back(np.ones((), dtype)), example.slopes, strict=True):
        if expected is not None:
            tolerance = 8 * np.finfo(dtype).eps
            np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


@ELEMENTWISE
def test_every_elementwise_card_has_a_public_function_with_documentation(card: Card) -> None:
    name = {"cast": "astype", "select": "where"}.get(card.name, card.name)
    assert name in cnp.__all__
    assert getattr(cnp, name).__doc__.strip()


def test_a_generated_function_shows_what_its_card_says() -> None:
    shown = inspect.getdoc(cnp.maximum)
    assert shown is not None
    assert shown.startswith("The larger of two numbers; NaN if one of them is.\n")
    assert "at ties each of the two receives half of the gradient" in shown
    assert ">>> float(maximum(2.0, 3.0))\n3.0" in shown
    assert str(inspect.signature(cnp.maximum)) == "(a, b, /)"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_generated_function_counts_its_inputs(count: int) -> None:
    with pytest.raises(ParameterError, match=rf"maximum takes 2 of \(a, b\), received {count}"):
        cnp.maximum(*[1.0] * count)
