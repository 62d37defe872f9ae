"""Formulas: one kind of tree, and what prints it as text, LaTeX and MathML."""

from chainrule.backprop.formula.expression import (
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
    children,
    ndim,
    replaced,
    size,
    walk,
)
from chainrule.backprop.formula.latex import latex
from chainrule.backprop.formula.mathml import mathml
from chainrule.backprop.formula.notation import Notation
from chainrule.backprop.formula.patterns import Softmax, find_softmax
from chainrule.backprop.formula.text import fold_line, text

__all__ = [
    "Call",
    "Choice",
    "Entry",
    "Expression",
    "Fence",
    "Fold",
    "MatrixProduct",
    "Notation",
    "Number",
    "Partial",
    "Power",
    "Product",
    "Relation",
    "Softmax",
    "Sum",
    "Symbol",
    "Transpose",
    "children",
    "find_softmax",
    "fold_line",
    "latex",
    "mathml",
    "ndim",
    "replaced",
    "size",
    "text",
    "walk",
]
