"""Which values of a program the user's code assigns to variables."""

from __future__ import annotations

import ast
import linecache
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from chainrule.ir import Graph, Node


@dataclass(frozen=True)
class _Assignment:
    """A statement that gives a value to one variable.

    Attributes
    ----------
    first, last
        Its lines.
    variable
        Name of the variable.
    ops
        Names of the ops that it mentions exactly once.
    """

    first: int
    last: int
    variable: str
    ops: frozenset[str]


_OPERATORS: Mapping[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.MatMult: "matmul",
}


def assigned_variables(graph: Graph) -> dict[Node, str]:
    """Find values that the user's code assigns to variables, in the order of the program.

    A statement that ran several times, as in a loop, names a value each time.
    """
    made: dict[_Assignment, list[Node]] = defaultdict(list)
    statements: dict[str, list[_Assignment]] = {}
    for node in graph.nodes:
        note = graph.notes.get(node)
        if note is None or note.source is None or not node.inputs:
            continue
        file = note.source.file
        if file not in statements:
            statements[file] = _assignments(file)
        around = [s for s in statements[file] if s.first <= note.source.line <= s.last]
        if around:
            made[min(around, key=lambda s: s.last - s.first)].append(node)
    named: dict[Node, str] = {}
    for statement, nodes in made.items():
        inside = set(nodes)
        ends = [x for x in nodes if not any(user in inside for user in graph.users[x])]
        kinds = {x.card.name for x in ends} & statement.ops
        named |= {x: statement.variable for x in nodes if x in ends or x.card.name in kinds}
    return {node: named[node] for node in graph.nodes if node in named}


def _assignments(file: str) -> list[_Assignment]:
    """List the statements of a file that assign to one variable; none where it cannot be read."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target: ast.expr = node.targets[0]
        elif isinstance(node, ast.AnnAssign | ast.AugAssign) and node.value is not None:
            target = node.target
        else:
            continue
        # What runs inside of a lambda does not belong to the variable that holds the lambda.
        inner = any(isinstance(part, ast.Lambda) for part in ast.walk(node))
        if isinstance(target, ast.Name) and not inner:
            last = node.end_lineno or node.lineno
            found.append(_Assignment(node.lineno, last, target.id, _ops_once(node)))
    return found


def _ops_once(statement: ast.stmt) -> frozenset[str]:
    said: Counter[str] = Counter()
    for node in ast.walk(statement):
        if isinstance(node, ast.Call):
            said[ast.unparse(node.func).rpartition(".")[2]] += 1
        elif isinstance(node, ast.BinOp | ast.AugAssign):
            said[_OPERATORS.get(type(node.op), "")] += 1
    return frozenset(op for op, times in said.items() if times == 1)
