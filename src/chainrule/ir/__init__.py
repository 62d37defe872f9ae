"""The program: types, nodes, graph, checker and text form.

Everything above this room (tracing, backpropagation, planning, executors) reads or builds
`Graph` objects; nothing here knows any particular operation.
"""

from chainrule.ir.card import KINDS, Absent, Card, Example, absent
from chainrule.ir.check import check
from chainrule.ir.graph import Builder, Graph, Node, Note, SourceLine, rebuild, topological
from chainrule.ir.loop import Body, families, is_loop, position
from chainrule.ir.text import text
from chainrule.ir.types import (
    DTYPES,
    FLOATS,
    ArrayType,
    Dim,
    Open,
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
    "Body",
    "Builder",
    "Card",
    "Dim",
    "Example",
    "Graph",
    "Node",
    "Note",
    "Open",
    "Shape",
    "Size",
    "SourceLine",
    "absent",
    "bind",
    "check",
    "element_count",
    "families",
    "is_float",
    "is_loop",
    "itemsize",
    "position",
    "rebuild",
    "symbols",
    "text",
    "topological",
]
