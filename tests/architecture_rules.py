"""The rules of the architecture, as functions from source code to a list of offences.

`test_architecture.py` applies each of them to this repository, and to a small bad example, to see
that the rule can fail. An offence is one line: ``module:line: what is wrong``.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator, Mapping

from tests.source_code import Module, called, internal_imports, last_name

# ---------------------------------------------------------------------------------------------
# What is allowed.

# Lowest first. Rooms that stand in one row are siblings: they never import each other.
ROOMS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("ir",),
    ("ops",),
    ("tracing",),
    ("backprop",),
    ("plan",),
    ("execute",),
    ("nn", "data"),
    ("train",),
    ("estimators",),
    ("explaining", "diagnose"),
    ("report",),
    ("app",),
)

# Top-level modules that only show a room's names under the address users import from.
FACES: Mapping[str, str] = {
    "__main__": "app",
    "augment": "train",
    "losses": "nn",
    "numpy": "tracing",
    "optim": "train",
    "random": "tracing",
    "stop": "train",
    "version": "errors",
}

# Which modules may import a heavy library; "nowhere" is an empty tuple.
DOORS: Mapping[str, tuple[str, ...]] = {
    "llvmlite": ("chainrule.execute.native",),
    "scipy.linalg.blas": ("chainrule.execute.native",),
    "scipy.linalg.cython_blas": ("chainrule.execute.native",),
    "scipy.linalg.cython_lapack": ("chainrule.execute.native",),
    "scipy.linalg.lapack": ("chainrule.execute.native",),
    "jax": ("chainrule.execute.xla",),
    "jaxlib": ("chainrule.execute.xla",),
    "sklearn": ("chainrule.data", "chainrule.estimators"),
    "PIL": ("chainrule.data",),
    "tokenizers": ("chainrule.data",),
    "narwhals": ("chainrule.data",),
    "pandas": ("chainrule.data",),
    "polars": ("chainrule.data",),
    "pyarrow": ("chainrule.data",),
    "onnx": ("chainrule.app.export",),
    "onnxruntime": ("chainrule.app.export",),
    "fastapi": ("chainrule.app.serve",),
    "starlette": ("chainrule.app.serve",),
    "uvicorn": ("chainrule.app.serve",),
    "keras": (),
    "tensorflow": (),
    "torch": (),
}

# Libraries that an installation may lack: imported inside the function that needs them.
OPTIONAL = (
    *("fastapi", "jax", "jaxlib", "narwhals", "onnx", "onnxruntime"),
    *("PIL", "pandas", "pyarrow", "starlette", "tokenizers", "uvicorn"),
)

# Libraries that `import chainrule` must not load.
NOT_AT_IMPORT = ("jax", "llvmlite", "pandas", "polars", "pyarrow", "sklearn", "torch")

# Opening a stranger's file must not be able to run code.
CODE_LOADERS = ("cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve")
CODE_RUNNERS = ("eval", "exec")

VAGUE_WORDS = frozenset(
    ("helper", "helpers", "manager", "managers", "misc", "util", "utils", "utilities")
)

MOST_CODE_LINES = 400


# ---------------------------------------------------------------------------------------------
# Who may import whom.


def room_of(module: Module) -> str | None:
    """The room a module belongs to, or None for the package's own front door."""
    parts = module.name.split(".")
    return None if len(parts) == 1 else FACES.get(parts[1], parts[1])


def _within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def imports_upwards(modules: Iterable[Module]) -> list[str]:
    """Find imports of a higher room, of a sibling room, or of the front door."""
    rank = {room: number for number, row in enumerate(ROOMS) for room in row}
    modules = tuple(modules)
    rooms = {module.name: room_of(module) for module in modules}
    found = []
    for module, line, target in internal_imports(modules):
        source, wanted = room_of(module), rooms[target]
        if source is None or source == wanted or source not in rank:
            continue  # the front door sees every room; strange rooms have their own rule
        if wanted is None:
            if source != "app":
                found.append(module.at(line, f"room {source} imports the front door {target}"))
        elif wanted in rank and rank[wanted] >= rank[source]:
            found.append(module.at(line, f"room {source} may not import {target}"))
    return found


def unknown_rooms(modules: Iterable[Module]) -> list[str]:
    """Find modules that stand in no known room."""
    known = {room for row in ROOMS for room in row}
    return [
        module.at(1, "stands in no room of the architecture")
        for module in modules
        if room_of(module) is not None and room_of(module) not in known
    ]


def import_cycles(modules: Iterable[Module]) -> list[str]:
    """Find modules that import each other, however long the way round."""
    modules = tuple(modules)
    graph: dict[str, set[str]] = {module.name: set() for module in modules}
    for module, _, target in internal_imports(modules):
        graph[module.name].add(target)
    # Take away what imports nothing that is left; what stays is, or leads to, a cycle.
    while free := {name for name, targets in graph.items() if not targets}:
        graph = {name: targets - free for name, targets in graph.items() if name not in free}
    return [_cycle(graph)] if graph else []


def _cycle(graph: Mapping[str, set[str]]) -> str:
    path = [min(graph)]
    while (following := min(graph[path[-1]])) not in path:
        path.append(following)
    return "import cycle: " + " -> ".join([*path[path.index(following) :], following])


def foreign_private_names(modules: Iterable[Module]) -> list[str]:
    """Find imports of another room's private names."""
    found = []
    for module in modules:
        for each in module.imports:
            parts = each.target.split(".")
            own = len(parts) > 1 and parts[0] == "chainrule"
            private = [part for part in parts if re.match("_(?!_)", part)]
            if own and private and FACES.get(parts[1], parts[1]) != room_of(module):
                found.append(module.at(each.line, f"{private[0]} is private to another room"))
    return found


def hidden_imports(modules: Iterable[Module]) -> list[str]:
    """Find imports by a computed name, which no rule can see.

    The front door may be lazy. So may a room, as long as what it loads is visibly its own:
    ``import_module(f"{__name__}.read")``.
    """
    return [
        module.at(node.lineno, "imports by a computed name; write the name out")
        for module in modules
        if room_of(module) is not None
        for node in module.nodes
        if isinstance(node, ast.Call)
        and called(node) in ("import_module", "__import__")
        and not (node.args and isinstance(node.args[0], ast.Constant))
        and not (node.args and module.is_package and _is_own(node.args[0]))
    ]


def _is_own(name: ast.expr) -> bool:
    match name:
        case ast.JoinedStr([ast.FormattedValue(ast.Name("__name__")), ast.Constant(str(rest)), *_]):
            return rest.startswith(".")
    return False


# ---------------------------------------------------------------------------------------------
# Libraries.


def wrong_doors(modules: Iterable[Module]) -> list[str]:
    """Find heavy libraries that came in by a door that is not theirs."""
    found = []
    for module in modules:
        for each in module.imports:
            for library, doors in DOORS.items():
                if _within(each.target, library) and not any(
                    _within(module.name, door) for door in doors
                ):
                    place = " and ".join(doors) or "nowhere"
                    found.append(module.at(each.line, f"{library} is allowed in {place} only"))
    return found


def eager_optional_imports(modules: Iterable[Module]) -> list[str]:
    """Find optional libraries imported outside of functions (type checking is no excuse)."""
    return [
        module.at(each.line, f"{library} is optional: import it inside the function")
        for module in modules
        for each in module.imports
        for library in OPTIONAL
        if _within(each.target, library) and not each.inside_function
    ]


def undeclared_libraries(modules: Iterable[Module], declared: frozenset[str]) -> list[str]:
    """Find imports of libraries that pyproject.toml does not ask for."""
    allowed = declared | sys.stdlib_module_names | {"chainrule"}
    return [
        module.at(each.line, f"{each.target} is not among the declared dependencies")
        for module in modules
        for each in module.imports
        if each.target.split(".")[0] not in allowed
    ]


# ---------------------------------------------------------------------------------------------
# What code may not do.


def runs_code_from_data(modules: Iterable[Module]) -> list[str]:
    """Find pickle and its kin, eval and exec."""
    found = []
    for module in modules:
        for each in module.imports:
            if each.target.split(".")[0] in CODE_LOADERS:
                found.append(module.at(each.line, f"{each.target} can run code from a file"))
        for node in module.nodes:
            if isinstance(node, ast.Name) and node.id in CODE_RUNNERS:
                found.append(module.at(node.lineno, f"{node.id} runs code"))
            if (
                isinstance(node, ast.keyword)
                and node.arg == "allow_pickle"
                and not (isinstance(node.value, ast.Constant) and node.value.value is False)
            ):
                found.append(module.at(node.value.lineno, "allow_pickle can run code from a file"))
    return found


def asserts(modules: Iterable[Module]) -> list[str]:
    """Find assert statements, which python -O takes away."""
    return [
        module.at(node.lineno, "raise one of chainrule.errors instead of assert")
        for module in modules
        for node in module.nodes
        if isinstance(node, ast.Assert)
    ]


def bare_excepts(modules: Iterable[Module]) -> list[str]:
    """Find handlers that swallow everything, Ctrl-C included."""
    return [
        module.at(node.lineno, "bare except: name what is caught")
        for module in modules
        for node in module.nodes
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]


def global_statements(modules: Iterable[Module]) -> list[str]:
    """Find functions that rebind a module's variables."""
    return [
        module.at(node.lineno, f"global {', '.join(node.names)}: keep state in an object")
        for module in modules
        for node in module.nodes
        if isinstance(node, ast.Global)
    ]


def concrete_subclasses(modules: Iterable[Module]) -> list[str]:
    """Find subclasses of our own concrete classes; exceptions may form a tree."""
    modules = tuple(modules)
    classes = [
        (module, node)
        for module in modules
        for node in module.nodes
        if isinstance(node, ast.ClassDef)
    ]
    concrete = {
        node.name
        for module, node in classes
        if room_of(module) != "errors" and not _is_abstract(node)
    }
    return [
        module.at(node.lineno, f"{node.name} subclasses {base}, which is concrete")
        for module, node in classes
        for base in map(last_name, node.bases)
        if base in concrete
    ]


def _is_abstract(node: ast.ClassDef) -> bool:
    marks = {last_name(base) for base in node.bases}
    marks |= {last_name(keyword.value) for keyword in node.keywords}
    for item in node.body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            marks |= {last_name(decorator) for decorator in item.decorator_list}
    return bool(marks & {"ABC", "ABCMeta", "Protocol", "abstractmethod"})


# ---------------------------------------------------------------------------------------------
# How code reads.


def missing_docstrings(modules: Iterable[Module]) -> list[str]:
    """Find public names without a docstring that starts with a line of one sentence."""
    found = []
    for module in modules:
        for line, name, node in _public(module.tree, module.name):
            text = ast.get_docstring(node)
            if not text or not text.strip():
                found.append(module.at(line, f"{name} has no docstring"))
            elif not _is_one_sentence(text.strip().splitlines()):
                found.append(module.at(line, f"{name}: the first line has to be one sentence"))
    return found


Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _public(node: Documented, name: str) -> Iterator[tuple[int, str, Documented]]:
    yield getattr(node, "lineno", 1), name, node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return  # what is defined inside a function is private to it
    for child in _definitions(node.body):
        if child.name.startswith("_"):
            continue
        decorators = {last_name(each) for each in child.decorator_list}
        if not decorators & {"overload", "setter", "deleter"}:
            yield from _public(child, child.name)


def _definitions(
    body: Iterable[ast.stmt],
) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    for statement in body:
        if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield statement
        elif isinstance(statement, ast.If | ast.Try):
            yield from _definitions(statement.body + statement.orelse)


def _is_one_sentence(lines: list[str]) -> bool:
    first = lines[0].replace("e.g.", "").replace("i.e.", "")
    alone = len(lines) == 1 or not lines[1].strip()
    return alone and first.endswith((".", "?")) and not re.search(r"[.?!] +[A-Z]", first)


def vague_names(modules: Iterable[Module]) -> list[str]:
    """Find modules and classes named after nothing in particular."""
    found = []
    for module in modules:
        if VAGUE_WORDS & set(re.split(r"[._]", module.name.lower())):
            found.append(module.at(1, "name the module after its idea"))
        for node in module.nodes:
            if isinstance(node, ast.ClassDef):
                words = set(re.findall("[A-Z]?[a-z]+", node.name))
                if VAGUE_WORDS & {word.lower() for word in words}:
                    found.append(module.at(node.lineno, f"name {node.name} after its idea"))
    return found


def long_files(modules: Iterable[Module], exceptions: Mapping[str, str]) -> list[str]:
    """Find files with more code lines than a file with one idea needs."""
    found = []
    for module in modules:
        size = code_lines(module)
        if size > MOST_CODE_LINES and module.name not in exceptions:
            found.append(module.at(1, f"{size} lines of code: it has two ideas"))
    return found


def code_lines(module: Module) -> int:
    """Count the lines that hold code: no blank ones, no comments, no docstrings."""
    documentation: set[int] = set()
    for node in module.nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            documentation.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    silent = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER)
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(module.source).readline):
        if token.type not in (*silent, tokenize.INDENT, tokenize.DEDENT):
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - documentation)


def unannotated_modules(modules: Iterable[Module]) -> list[str]:
    """Find modules with functions that do not postpone the reading of annotations."""
    return [
        module.at(1, "starts without `from __future__ import annotations`")
        for module in modules
        if any(isinstance(node, ast.FunctionDef) for node in module.nodes)
        and "__future__.annotations" not in {each.target for each in module.imports}
    ]


def loud_errors_module(modules: Iterable[Module]) -> list[str]:
    """Find imports in errors.py, which stands below everything."""
    return [
        module.at(each.line, f"errors imports {each.target}; it may import nothing")
        for module in modules
        if room_of(module) == "errors"
        for each in module.imports
        if not each.target.startswith("__future__")
    ]


def tests_left_out(modules: Iterable[Module]) -> list[str]:
    """Find tests that are skipped or expected to fail."""
    words = ("importorskip", "skip", "skipif", "skipIf", "skipUnless", "xfail")
    return [
        module.at(node.lineno, f"{node.attr}: a test runs and passes, or it goes")
        for module in modules
        for node in module.nodes
        if isinstance(node, ast.Attribute) and node.attr in words
    ]


def machine_paths(name: str, text: str) -> list[str]:
    """Find absolute paths that exist on one machine only."""
    folders = "home|media|mnt|opt|root|tmp|Users|work"
    pattern = re.compile(rf"(?<![\w.~)>}}*-])/(?:{folders})/\w|\b[A-Z]:\\(?:Users|Windows)")
    return [
        f"{name}:{number}: {match.group()}... is a path of one machine"
        for number, line in enumerate(text.splitlines(), start=1)
        for match in pattern.finditer(line)
    ]
