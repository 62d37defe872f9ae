"""The architecture holds: who imports whom, where libraries come in, what code may not do.

Every rule is tried twice: on a bad example, which it must find, and on this repository.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import partial

import pytest

from tests import architecture_rules as rules
from tests.source_code import ROOT, Module, declared_dependencies, read_modules

# Files that may be longer than the rest, each with the reason.
LONG_FILES: dict[str, str] = {}

SOURCE = read_modules(ROOT / "src" / "chainrule", "chainrule")
TESTS = read_modules(ROOT / "tests", "tests")
BENCHMARKS = read_modules(ROOT / "benchmarks", "benchmarks")

Rule = Callable[[Iterable[Module]], list[str]]


def modules(**sources: str) -> tuple[Module, ...]:
    """Modules from their source; ``ir__graph`` stands for chainrule.ir.graph."""
    return tuple(
        Module(".".join(["chainrule", *name.split("__")]), source)
        for name, source in sources.items()
    )


def holds(offences: list[str]) -> None:
    """Assert that there are none, and name each one otherwise."""
    assert not offences, "\n".join(["", *offences])


def finds(rule: Rule, *expected: str, **sources: str) -> None:
    """Assert that the rule finds exactly these offences, given by a part of their text."""
    found = rule(modules(**sources))
    assert len(found) == len(expected), found
    for offence, part in zip(found, expected, strict=True):
        assert part in offence


# ---------------------------------------------------------------------------------------------
# Who may import whom.


def test_rooms_import_only_downwards() -> None:
    holds(rules.imports_upwards(SOURCE))


@pytest.mark.parametrize(
    "bad",
    [
        "from chainrule.ops import card",
        "import chainrule.ops",
        "from chainrule import ops",
        "from ..ops import card",
        "def f():\n    from chainrule.ops import card",
        "if TYPE_CHECKING:\n    from chainrule.ops import card",
        "import importlib\nimportlib.import_module('chainrule.ops')",
    ],
)
def test_an_import_upwards_is_found_however_it_is_written(bad: str) -> None:
    finds(rules.imports_upwards, "room ir may not import chainrule.ops", ir__graph=bad, ops="")


def test_siblings_do_not_import_each_other() -> None:
    finds(rules.imports_upwards, "nn may not", nn__dense="import chainrule.data", data="")
    finds(
        rules.imports_upwards,
        "explaining may not",
        explaining="import chainrule.diagnose",
        diagnose="",
    )


def test_a_room_may_import_itself_and_what_lies_below() -> None:
    finds(rules.imports_upwards, ops__x="from chainrule.ops import y\nimport chainrule.ir", ir="")


def test_a_face_counts_as_the_room_it_shows() -> None:
    finds(rules.imports_upwards, "room ops may not", ops="import chainrule.numpy", numpy="")
    finds(rules.imports_upwards, nn="import chainrule.numpy", numpy="")


def test_no_room_below_the_application_imports_the_front_door() -> None:
    door = Module("chainrule", "", is_package=True)
    inside = Module("chainrule.train.loop", "import chainrule as cr")
    assert len(rules.imports_upwards([door, inside])) == 1
    holds(rules.imports_upwards([door, Module("chainrule.app.cli", inside.source)]))


def test_every_module_stands_in_a_room() -> None:
    finds(rules.unknown_rooms, "stands in no room", scratch__pad="", ir__graph="", numpy="")
    holds(rules.unknown_rooms(SOURCE))


def test_errors_imports_nothing() -> None:
    finds(rules.loud_errors_module, "errors imports math", errors="import math")
    holds(rules.loud_errors_module(SOURCE))


def test_no_modules_import_each_other_in_a_circle() -> None:
    finds(
        rules.import_cycles,
        "chainrule.ir.a -> chainrule.ir.b -> chainrule.ir.a",
        ir__a="def f():\n    from chainrule.ir.b import g",
        ir__b="from chainrule.ir import a",
        ir__c="import chainrule.ir.a",
    )
    holds(rules.import_cycles(SOURCE))


def test_private_names_stay_in_their_room() -> None:
    finds(
        rules.foreign_private_names,
        "_hidden is private",
        ops="from chainrule.ir.graph import _hidden, Graph",
        ir__text="from chainrule.ir.graph import _hidden\nfrom chainrule.ir import __doc__",
    )
    holds(rules.foreign_private_names(SOURCE))


def test_no_import_is_hidden_behind_a_computed_name() -> None:
    finds(
        rules.hidden_imports,
        "computed name",
        ir="import_module(name)",
        ops="import_module('chainrule.ir')",
    )
    lazy = 'import_module(f"{__name__}.{_HOMES[name]}")'
    assert rules.hidden_imports([Module("chainrule.data", lazy, is_package=True)]) == []
    assert len(rules.hidden_imports([Module("chainrule.data.read", lazy)])) == 1
    holds(rules.hidden_imports(SOURCE))


# ---------------------------------------------------------------------------------------------
# Libraries.


def test_each_heavy_library_has_one_door() -> None:
    finds(
        rules.wrong_doors,
        "llvmlite is allowed in chainrule.execute.native only",
        "scipy.linalg.cython_blas",
        "torch is allowed in nowhere only",
        plan="def f():\n    import llvmlite.binding\n    from scipy.linalg import cython_blas",
        execute__native__door="import llvmlite\nfrom scipy.linalg import cython_blas",
        execute__native_like="import scipy.linalg",
        train="import torch",
    )
    holds(rules.wrong_doors(SOURCE))


def test_a_door_does_not_open_for_a_module_of_similar_name() -> None:
    finds(rules.wrong_doors, "llvmlite", execute__natively="import llvmlite")


def test_optional_libraries_are_imported_inside_functions() -> None:
    finds(
        rules.eager_optional_imports,
        "jax is optional",
        execute__xla="import jax.numpy as jnp",
        data="def read():\n    import pandas",
    )
    holds(rules.eager_optional_imports(SOURCE))


def test_every_library_is_a_declared_dependency() -> None:
    declared = declared_dependencies()
    assert {"numpy", "sklearn", "jax"} <= declared
    optional_for_users = frozenset({"pandas", "pyarrow"})  # of the application, not of ours
    undeclared = partial(rules.undeclared_libraries, declared=declared | optional_for_users)
    finds(undeclared, "requests is not", data="import requests, json, numpy")
    holds(undeclared(SOURCE))


def test_importing_chainrule_loads_no_heavy_library() -> None:
    code = f"import sys, chainrule; print(sorted(set(sys.modules) & {set(rules.NOT_AT_IMPORT)}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / "src",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


# ---------------------------------------------------------------------------------------------
# What code may not do.


def test_opening_a_file_cannot_run_code() -> None:
    finds(
        rules.runs_code_from_data,
        "pickle can run",
        "joblib.load can run",
        "eval runs code",
        "allow_pickle",
        app="import pickle\ndef f():\n    from joblib import load",
        train="eval('1')\nnumpy.load(path, allow_pickle=True)\nnumpy.load(p, allow_pickle=False)",
        ir="model.eval()",
    )
    holds(rules.runs_code_from_data(SOURCE))


def test_no_assert_guards_anything() -> None:
    finds(rules.asserts, "instead of assert", ir="assert x, 'x is missing'")
    holds(rules.asserts(SOURCE))


def test_no_handler_swallows_everything() -> None:
    finds(rules.bare_excepts, "bare except", ir="try:\n    f()\nexcept:\n    pass")
    holds(rules.bare_excepts(SOURCE + TESTS + BENCHMARKS))


def test_no_function_rebinds_a_module_variable() -> None:
    finds(rules.global_statements, "global count", ir="def f():\n    global count\n    count = 1")
    holds(rules.global_statements(SOURCE + TESTS + BENCHMARKS))


def test_concrete_classes_are_not_subclassed() -> None:
    finds(
        rules.concrete_subclasses,
        "Wide subclasses Dense",
        nn="class Layer(ABC): ...\nclass Dense(Layer): ...\nclass Wide(Dense): ...",
        errors="class Base(Exception): ...\nclass Special(Base): ...",
    )
    holds(rules.concrete_subclasses(SOURCE))


# ---------------------------------------------------------------------------------------------
# How code reads.


def test_every_public_name_has_a_docstring_that_starts_with_one_sentence() -> None:
    holds(rules.missing_docstrings(SOURCE + BENCHMARKS))


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ("", "has no docstring"),
        ('"""   """', "has no docstring"),
        ('"""Do it"""', "one sentence"),
        ('"""Do it. And more."""', "one sentence"),
        ('"""Do it\nall.\n"""', "one sentence"),
        ('"""Fine."""\ndef f(): ...', "f has no docstring"),
        ('"""Fine."""\nclass C:\n    """Fine."""\n    def m(self): ...', "m has no docstring"),
        ('"""Fine."""\nif x:\n    class C: ...', "C has no docstring"),
    ],
)
def test_a_missing_or_rambling_docstring_is_found(bad: str, what: str) -> None:
    finds(rules.missing_docstrings, what, ir=bad)


def test_private_nested_and_overloaded_functions_need_no_docstring() -> None:
    finds(
        rules.missing_docstrings,
        ir='"""Fine."""\ndef _f(): ...\n@overload\ndef f(): ...\n'
        'def f():\n    """Fine, e.g. Adam."""\n    def g(): ...\n'
        'class C:\n    """Fine."""\n    def __len__(self): ...',
    )


def test_modules_and_classes_are_named_after_their_idea() -> None:
    finds(
        rules.vague_names,
        "name the module after its idea",
        "name SessionManager after its idea",
        ir__graph_utils="",
        train="class SessionManager: ...\nclass Utility: ...",
    )
    holds(rules.vague_names(SOURCE + TESTS + BENCHMARKS))


def test_files_stay_short_enough_for_one_idea() -> None:
    long = partial(rules.long_files, exceptions={"chainrule.ops": "a table"})
    finds(long, "401 lines", ir="x = 1\n" * 401, ops="x = 1\n" * 401, nn="x = 1\n" * 400)
    holds(rules.long_files(SOURCE + TESTS + BENCHMARKS, LONG_FILES))
    assert set(LONG_FILES) <= {module.name for module in SOURCE + TESTS + BENCHMARKS}


def test_only_code_counts_as_lines_of_code() -> None:
    source = '"""Words.\n\nMore words.\n"""\n\n# why\nx = [\n    1,  # one\n\n]\n'
    assert rules.code_lines(Module("chainrule.ir", source)) == 3


def test_annotations_are_not_read_at_import() -> None:
    finds(rules.unannotated_modules, "from __future__", ir="def f(): ...", ops="x = 1")
    holds(rules.unannotated_modules(SOURCE + TESTS + BENCHMARKS))


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    finds(
        rules.tests_left_out,
        "xfail",
        "importorskip",
        ir="@pytest.mark.xfail\ndef f():\n    pytest.importorskip('jax')",
    )
    holds(rules.tests_left_out(TESTS))


def test_nothing_names_a_path_of_one_machine() -> None:
    bad = "cd /" + "home/ada/chainrule"
    assert len(rules.machine_paths("notes.md", bad)) == 1
    holds(rules.machine_paths("notes.md", "https://example.org/home/page, src/work/x"))
    folders = ("src", "tests", "benchmarks", "docs", "examples", ".ci")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    paths += (path for path in ROOT.iterdir() if path.name != ".git")  # a file in a worktree
    texts = {".cfg", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml", ""}
    found = [
        offence
        for path in paths
        if path.is_file() and path.suffix in texts
        for offence in rules.machine_paths(
            str(path.relative_to(ROOT)), path.read_text(encoding="utf-8", errors="replace")
        )
    ]
    holds(found)
