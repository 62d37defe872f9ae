"""Formulas: tidy algebra, and three languages printed from one tree."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.backprop.formula import (
    Call,
    Choice,
    Entry,
    Expression,
    Fence,
    Fold,
    MatrixProduct,
    Number,
    Partial,
    Power,
    Product,
    Relation,
    Sum,
    Symbol,
    Transpose,
    latex,
    mathml,
    text,
)
from chainrule.backprop.formula.algebra import (
    add,
    choose,
    divide,
    fold,
    multiply,
    negate,
    power,
    subtract,
)

x, y, n = Symbol("x", ndim=2), Symbol("y", ndim=2), Symbol("n")
W, a, delta = Symbol("W", "2", 2), Symbol("a", "1", 2), Symbol("δ", "2", 2)
L = Symbol("L")

PRINTED = [
    (Number(0.5), "0.5", "0.5"),
    (Number(-3), "−3", "-3"),
    (Number(1.5e-7), "1.5e-7", r"1.5 \times 10^{-7}"),
    (Number(float("-inf")), "−∞", r"-\infty"),
    (Number(float("nan")), "NaN", r"\text{NaN}"),
    (Symbol("W'", "1"), "W'⁽¹⁾", "{W'}^{(1)}"),
    (Symbol("z", "query"), "z(query)", r"z^{(\text{query})}"),
    (Symbol("h12"), "h12", "h_{12}"),
    (Symbol("m_W", "1"), "m_W⁽¹⁾", "m_{W}^{(1)}"),
    (Symbol("learning_rate"), "learning_rate", r"\text{learning\_rate}"),
    (Partial(L, W), "∂L/∂W⁽²⁾", r"\frac{\partial L}{\partial W^{(2)}}"),
    (Entry(W, ("x1→h1",)), "W⁽²⁾[x1→h1]", r"{W^{(2)}}_{x_{1} \to h_{1}}"),
    (
        Entry(Partial(L, W), ("1→2",)),
        "∂L/∂W⁽²⁾[1→2]",
        r"\frac{\partial L}{\partial {W^{(2)}}_{1 \to 2}}",
    ),
    (Sum((x, Product((Number(-1), y)))), "x − y", "x - y"),
    (Sum((Product((Number(-2), x)), Number(-1))), "−2·x − 1", r"-2 \cdot x - 1"),
    (Product((x, y)), "x ⊙ y", r"x \odot y"),
    (Product((n, y)), "n·y", r"n \cdot y"),
    (Product((x, Sum((x, y)))), "x ⊙ (x + y)", r"x \odot \left( x + y \right)"),
    (Product((Number(2), Number(-3))), "2·(−3)", r"2 \cdot \left( -3 \right)"),
    (Product((x,), (Number(2), n)), "x / (2·n)", r"\frac{x}{2 \cdot n}"),
    (Product((Sum((x, y)),), (n,)), "(x + y) / n", r"\frac{x + y}{n}"),
    (MatrixProduct(Transpose(a), delta), "a⁽¹⁾ᵀ @ δ⁽²⁾", r"{a^{(1)}}^{\top} \, \delta^{(2)}"),
    (MatrixProduct(Sum((x, y)), W), "(x + y) @ W⁽²⁾", r"\left( x + y \right) \, W^{(2)}"),
    (Power(Sum((x, y)), Number(2)), "(x + y)²", r"{\left( x + y \right)}^{2}"),
    (Power(Partial(L, W), Number(2)), "(∂L/∂W⁽²⁾)²", None),
    (Power(x, Sum((y, Number(1)))), "x^(y + 1)", "{x}^{y + 1}"),
    (Call("sigmoid", (x,)), "σ(x)", r"\sigma\left(x\right)"),
    (Call("sqrt", (x,)), "√(x)", r"\sqrt{x}"),
    (Call("exp", (x,)), "exp(x)", "e^{x}"),
    (Call("erf", (x,)), "erf(x)", r"\operatorname{erf}\left(x\right)"),
    (Fold("Σ", "", Power(x, Number(2)), 0), "Σ x²", r"\sum {x}^{2}"),
    (Fold("Σ", "j", Product((x, y)), 1), "Σⱼ (x ⊙ y)", r"\sum_{j} \left( x \odot y \right)"),
    (Fold("max", "j", x, 1), "maxⱼ x", r"\max_{j} x"),
    (Product((y, Relation(">", x, Number(0)))), "y ⊙ [x > 0]", r"y \odot \left[ x > 0 \right]"),
    (Product((Relation("=", x, y),), (n,)), "[x = y] / n", r"\frac{\left[ x = y \right]}{n}"),
    (Choice(Relation(">", x, y), x, y), "x if x > y else y", None),
    (Fence("|", x, "|"), "|x|", r"\left| x \right|"),
]


@pytest.mark.parametrize(("formula", "plain", "tex"), PRINTED, ids=[row[1] for row in PRINTED])
def test_a_formula_prints_in_three_languages(
    formula: Expression, plain: str, tex: str | None
) -> None:
    assert text(formula) == plain
    if tex is not None:
        assert latex(formula) == tex
    assert ElementTree.fromstring(mathml(formula)).tag == "math"


def test_an_index_stands_below_what_stands_above() -> None:
    tree = ElementTree.fromstring(mathml(Entry(W, ("1→2",))))
    assert [child.tag for child in tree[0]] == ["mi", "mrow", "mrow"]
    assert tree[0].tag == "msubsup"


def test_like_terms_are_counted_and_zeros_vanish() -> None:
    assert text(add(x, y, x, Number(0))) == "2·x + y"
    assert add(x, negate(x)) == Number(0)
    assert text(add(x, Number(1), y, Number(2))) == "x + 3 + y"


def test_numbers_are_gathered_and_small_fractions_go_below_the_line() -> None:
    assert text(multiply(Number(0.5), x, Number(4))) == "2·x"
    assert text(multiply(Number(0.5), x)) == "x / 2"
    assert text(multiply(Number(0.1), x)) == "0.1·x"
    assert multiply(x, Number(0)) == Number(0)


def test_equal_factors_become_powers_and_cancel_below_the_line() -> None:
    assert text(multiply(x, y, x)) == "x² ⊙ y"
    assert divide(multiply(x, y), y) == x
    assert text(divide(x, multiply(y, y))) == "x / y²"
    assert power(x, Number(1)) == x
    assert text(power(x, Number(0.5))) == "√(x)"


def test_a_minus_moves_to_where_it_reads_best() -> None:
    assert text(negate(subtract(x, y))) == "y − x"
    assert text(subtract(Number(1), negate(x))) == "1 + x"
    assert text(multiply(negate(x), negate(y))) == "x ⊙ y"


def test_a_sum_of_sums_over_everything_is_one_sum() -> None:
    inner = fold("Σ", "j", multiply(subtract(x, y), subtract(x, y)), 1)
    assert text(divide(fold("Σ", "", multiply(Number(0.5), inner), 0), n)) == "Σ (x − y)² / (2·n)"


def test_a_choice_beside_zero_becomes_a_factor() -> None:
    positive = Relation(">", x, Number(0))
    assert text(choose(positive, y, Number(0))) == "y ⊙ [x > 0]"
    assert text(choose(positive, Number(0), y)) == "y ⊙ [x ≤ 0]"


NUMBERS = st.integers(-4, 4).map(float)
Operation = Callable[[Expression, Expression], Expression]
LEAVES = st.one_of(NUMBERS.map(Number), st.sampled_from([Symbol("p"), Symbol("q")]))


def value(formula: Expression, at: dict[str, float]) -> float:
    """Compute a formula of numbers."""
    match formula:
        case Number(value=number):
            return number
        case Symbol(name=name):
            return at[name]
        case Sum(terms=terms):
            return sum(value(t, at) for t in terms)
        case Product(factors=factors, under=under):
            result = 1.0
            for factor in factors:
                result *= value(factor, at)
            for factor in under:
                result /= value(factor, at)
            return result
        case Power(base=base, exponent=exponent):
            return float(value(base, at) ** value(exponent, at))
        case _:
            raise TypeError(formula)


Pair = tuple[Expression, Expression]
# Each operation, tidied and as it stands.
OPERATIONS: dict[str, tuple[Operation, Operation]] = {
    "add": (add, lambda u, v: Sum((u, v))),
    "subtract": (subtract, lambda u, v: Sum((u, Product((Number(-1), v))))),
    "multiply": (multiply, lambda u, v: Product((u, v))),
}


def joined(name: str, left: Pair, right: Pair) -> Pair:
    tidy, plain = OPERATIONS[name]
    return tidy(left[0], right[0]), plain(left[1], right[1])


@given(
    st.recursive(
        LEAVES.map(lambda leaf: (leaf, leaf)),
        lambda pairs: st.builds(joined, st.sampled_from(sorted(OPERATIONS)), pairs, pairs),
        max_leaves=8,
    ),
    st.floats(-2, 2),
    st.floats(-2, 2),
)
def test_tidying_never_changes_the_value(pair: Pair, p: float, q: float) -> None:
    tidy, plain = pair
    at = {"p": p, "q": q}
    assert value(tidy, at) == pytest.approx(value(plain, at), rel=1e-9, abs=1e-6)
    for language in (text, latex, mathml):
        assert language(tidy)
