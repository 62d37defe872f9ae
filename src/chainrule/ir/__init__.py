"""The program: types, nodes, graph, checker and text form.

Everything above this room (tracing, backpropagation, planning, executors) reads or builds
`Graph` objects; nothing here knows any particular operation.
"""

from chainrule.ir.card import KINDS, Absent, Card, Example, absent
from chainrule.ir.check import check
from chainrule.ir.graph import Builder, Graph, Node, Note, SourceLine, topological
from chainrule.ir.text import text
from chainrule.ir.types import (
    DTYPES,
    FLOATS,
    ArrayType,
    Dim,
    Shape,
    Size,
    bind,
    element_count,
    is_float,
    itemsize,
    symbols,
)

__all__ = [
    "DTYPES",
    "FLOATS",
    "KINDS",
    "Absent",
    "ArrayType",
    "Builder",
    "Card",
    "Dim",
    "Example",
    "Graph",
    "Node",
    "Note",
    "Shape",
    "Size",
    "SourceLine",
    "absent",
    "bind",
    "check",
    "element_count",
    "is_float",
    "itemsize",
    "symbols",
    "text",
    "topological",
]
