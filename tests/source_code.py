"""Source files as data: their names, their trees, and what they import."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Import:
    """One imported module or name, by its full dotted address."""

    line: int
    target: str
    inside_function: bool


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name, its text, and the tree of its code."""

    name: str
    source: str
    is_package: bool = False

    @cached_property
    def tree(self) -> ast.Module:
        """The module's syntax tree."""
        return ast.parse(self.source)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Every import: in functions, under TYPE_CHECKING and by a constant name, too."""
        return tuple(_imports(self, self.tree, inside_function=False))

    def at(self, line: int, what: str) -> str:
        """Write an offence."""
        return f"{self.name}:{line}: {what}"


def read_modules(root: Path, package: str) -> tuple[Module, ...]:
    """Read every Python file under the folder `root`, the folder being `package` itself."""
    modules = []
    for path in sorted(root.rglob("*.py")):
        parts = [package, *path.relative_to(root).with_suffix("").parts]
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        modules.append(Module(name, path.read_text(encoding="utf-8"), is_package))
    return tuple(modules)


def declared_dependencies() -> frozenset[str]:
    """Names of the libraries that pyproject.toml asks for, extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        wanted += extra
    names = (re.split(r"[^\w.-]", each, maxsplit=1)[0].lower() for each in wanted)
    return frozenset(
        {"pillow": "PIL", "scikit-learn": "sklearn"}.get(name, name).replace("-", "_")
        for name in names
    )


def _imports(module: Module, node: ast.AST, inside_function: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        deeper = inside_function or isinstance(
            child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
        )
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(child.lineno, alias.name, inside_function)
        elif isinstance(child, ast.ImportFrom):
            start = _absolute(module, child.level, child.module or "")
            for alias in child.names:
                yield Import(child.lineno, f"{start}.{alias.name}", inside_function)
        elif isinstance(child, ast.Call) and called(child) in ("import_module", "__import__"):
            name = child.args[0] if child.args else None
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                level = len(name.value) - len(name.value.lstrip("."))
                target = _absolute(module, level, name.value.lstrip("."))
                yield Import(child.lineno, target, inside_function)
        yield from _imports(module, child, deeper)


def _absolute(module: Module, level: int, name: str) -> str:
    if not level:
        return name
    parts = module.name.split(".")
    kept = parts[: len(parts) - level + module.is_package]
    return ".".join([*kept, *([name] if name else [])])


def called(call: ast.Call) -> str:
    """Last part of the called name: "import_module" in ``importlib.import_module(...)``."""
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def internal_imports(modules: Iterable[Module]) -> Iterator[tuple[Module, int, str]]:
    """Every import of one of our modules by another: importer, line, imported module."""
    known = {module.name for module in modules}
    for module in modules:
        for each in module.imports:
            target = each.target
            while target and target not in known:
                target = target.rpartition(".")[0]
            if target and target != module.name:
                yield module, each.line, target


def last_name(node: ast.expr) -> str:
    """Last part of a name: "ABC" in ``abc.ABC``; subscripts and calls are looked through."""
    while isinstance(node, ast.Subscript | ast.Call):
        node = node.value if isinstance(node, ast.Subscript) else node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
