"""The house rules, held by reading every file: who may import whom, and who may do what.

Imports only go downwards, whatever their form: relative, inside a function, under `TYPE_CHECKING`,
or by `import_module` with a literal name. The last tests run the same checks on made-up offenders.
"""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "srcgrad"

# From the ground up. Parts on one floor may import each other, without cycles between modules.
FLOORS = (
    ("errors", "config", "kinds", "runtime", "custom", "implicit"),
    ("ir",),
    ("ops",),
    ("frontend", "analysis"),
    ("autodiff",),
    ("optimize",),
    ("codegen",),
    ("backends",),
    ("calls",),
    ("operators",),
    ("pipeline",),
    ("nested",),
    ("api",),
    ("tensor", "testing"),
    ("cli", "demo", "pytest_plugin", "notebook", "draw"),
)
FLOOR_OF = {part: floor for floor, parts in enumerate(FLOORS) for part in parts}
# `from srcgrad import grad` reaches everything that users see, so only the top floor may say it.
FLOOR_OF_PACKAGE = FLOOR_OF["tensor"]

SOURCE_READERS = {
    "findsource",
    "getblock",
    "getcomments",
    "getsource",
    "getsourcefile",
    "getsourcelines",
}
# The demo only prints the text of its own loss; a saved module holds srcgrad's own helpers.
READS_SOURCE = {"frontend.source", "demo", "codegen.save"}
# What is found in a file is compiled, and never run, to tell whether it is the function at hand.
COMPARES_CODE = ("frontend.bytecode", "compile")
# A graph prints itself: its `__str__` calls the printer, which of course knows the graph.
CALLS_BACK = {("srcgrad.ir.graph", "srcgrad.ir.text")}
LONGEST = 450
MACHINERY_OF_OPS = {"__init__", "registry", "trace"}


class Module(NamedTuple):
    """One file of the package: its dotted name, its path and its text, parsed."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def part(self):
        """The component right below the package, which has a floor; "" for the package itself."""
        return self.name.split(".")[1] if "." in self.name else ""

    @property
    def is_package(self):
        return self.path.stem == "__init__"


def read(package):
    """Every module of the package in the folder `package`, by dotted name."""
    modules = {}
    for path in sorted(package.rglob("*.py")):
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text(encoding="utf-8")
        modules[name] = Module(name, path, text, ast.parse(text, str(path)))
    return modules


def imported_names(module):
    """Every dotted name that `module` imports, absolute, with the line that imports it."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = absolute(module, node.level, node.module or "")
            for alias in node.names:
                yield f"{base}.{alias.name}", node.lineno
        elif isinstance(node, ast.Call) and called(node) in {"import_module", "__import__"}:
            name = node.args[0] if node.args else None
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                below = name.value.lstrip(".")
                yield absolute(module, len(name.value) - len(below), below), node.lineno


def absolute(module, dots, name):
    """The full name of `name`, written in `module` after that many dots."""
    if not dots:
        return name
    parents = module.name.split(".")
    parents = parents[: len(parents) - dots + module.is_package]
    return ".".join([*parents, name] if name else parents)


def called(call):
    """The last name of what `call` calls: "f" for `f(...)` and for `m.f(...)`."""
    function = call.func
    return getattr(function, "attr", None) or getattr(function, "id", None)


def imports_within(module, modules):
    """The modules of the package that `module` imports, with lines. `from a.b import c` is a.b.c
    where that is a module, and a.b where c is something inside it."""
    for name, line in imported_names(module):
        while name and name not in modules:
            name = name.rpartition(".")[0]
        if name and name != module.name:
            yield modules[name], line


def complaints_about_floors(modules):
    for module in modules.values():
        if not module.part:
            continue  # the package's own __init__ names everything that users see
        if module.part not in FLOOR_OF:
            yield f"{module.name}: has no floor yet; give it one in FLOORS"
            continue
        for target, line in imports_within(module, modules):
            floor = FLOOR_OF.get(target.part, FLOOR_OF_PACKAGE if not target.part else -1)
            if floor > FLOOR_OF[module.part]:
                yield f"{module.name}:{line}: imports {target.name}, which stands above it"


def complaints_about_cycles(modules):
    graph = {
        module.name: {
            target.name
            for target, _ in imports_within(module, modules)
            if (module.name, target.name) not in CALLS_BACK
        }
        for module in modules.values()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield "a cycle of imports: " + " <- ".join(error.args[1])


def complaints_about_tools(modules):
    """Tools that one part of the house keeps to itself: gast, astunparse, exec, reading source."""
    for module in modules.values():
        name = module.name.partition(".")[2]
        for imported, line in imported_names(module):
            top = imported.partition(".")[0]
            if top == "astunparse" and name != "codegen.unparse":
                yield f"{module.name}:{line}: imports astunparse; only codegen/unparse.py knows it"
            may_use_gast = module.part == "frontend" or name in {"codegen.unparse", "codegen.emit"}
            if top == "gast" and not may_use_gast:
                yield f"{module.name}:{line}: imports gast; only frontend and code emission do"
            if imported.partition(".")[2] in SOURCE_READERS and name not in READS_SOURCE:
                yield f"{module.name}:{line}: reads source; only frontend/source.py does"
        for node in ast.walk(module.tree):
            reads_source = isinstance(node, ast.Attribute) and node.attr in SOURCE_READERS
            if reads_source and name not in READS_SOURCE:
                yield f"{module.name}:{node.lineno}: reads source; only frontend/source.py does"
            if isinstance(node, ast.Call) and name != "codegen.load":
                by_name = isinstance(node.func, ast.Name) and node.func.id
                if (name, by_name) == COMPARES_CODE:
                    continue
                if by_name in {"exec", "eval", "compile"}:
                    yield f"{module.name}:{node.lineno}: calls {by_name}; only codegen/load.py does"


def is_table(module):
    """Whether `module` is a flat table of rows, which may be as long as there are rows."""
    name = module.name.partition(".")[2]
    in_ops = module.part == "ops" and module.path.stem not in MACHINERY_OF_OPS
    return in_ops or name == "optimize.simplify"


def complaints_about_files(modules):
    for module in modules.values():
        docstring = ast.get_docstring(module.tree)
        if not docstring:
            yield f"{module.name}: says nowhere what it is; give it a docstring"
        elif docstring.split("\n")[1:2] not in ([], [""]):
            yield f"{module.name}: its docstring does not open with one line that stands alone"
        lines = module.text.count("\n")
        if lines > LONGEST and not is_table(module):
            yield f"{module.name}: {lines} lines; a file wants one idea and at most {LONGEST}"


CHECKS = (
    complaints_about_floors,
    complaints_about_cycles,
    complaints_about_tools,
    complaints_about_files,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.split("_")[-1])
def test_the_house_is_in_order(check):
    modules = read(PACKAGE)
    assert len(modules) > 10, "the package was not found"
    assert list(check(modules)) == []


def made_up(folder, files):
    """A package `srcgrad` in `folder`, of `files`: name -> text below an empty line's docstring."""
    package = folder / "srcgrad"
    for name, text in files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if text.startswith('"""') else f'"""What it is."""\n\n{text}\n')
    return read(package)


ORDERLY = {
    "__init__.py": "from srcgrad.api import grad",
    "errors.py": "class SrcgradError(Exception): pass",
    "ir/__init__.py": "from .graph import Op",
    "ir/graph.py": "from ..errors import SrcgradError\nclass Op: pass",
    "frontend/source.py": "import inspect\ndef find(f): return inspect.getsource(f)",
    "frontend/lower.py": "import gast\nfrom srcgrad.frontend.source import find",
    "codegen/unparse.py": "import astunparse, gast",
    "codegen/load.py": "def load(text): exec(compile(text, '', 'exec'))",
    "api.py": "import re\nfrom srcgrad.codegen import load\nRE = re.compile('x')\ngrad = load",
    "cli.py": "from srcgrad import grad",
    "ops/ufuncs.py": "row\n" * 500,
}


@pytest.mark.parametrize("check", CHECKS)
def test_an_orderly_package_passes(check, tmp_path):
    assert list(check(made_up(tmp_path, ORDERLY))) == []


OFFENDERS = {
    "absolute": ("ir/graph.py", "import srcgrad.api", "srcgrad.ir.graph:3: imports srcgrad.api,"),
    "from": (
        "ir/graph.py",
        "from srcgrad.codegen.load import load",
        "imports srcgrad.codegen.load",
    ),
    "submodule": (
        "ir/graph.py",
        "from srcgrad.codegen import load",
        "imports srcgrad.codegen.load",
    ),
    "relative": ("ir/graph.py", "from ..codegen import load", "imports srcgrad.codegen.load"),
    "relative in a package": ("ir/__init__.py", "from .. import api", "srcgrad.ir:3: imports"),
    "in a function": ("errors.py", "def f():\n    from srcgrad import ir", "imports srcgrad.ir"),
    "type checking": (
        "errors.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from srcgrad.ir.graph import Op",
        "srcgrad.errors:5: imports srcgrad.ir.graph",
    ),
    "import_module": (
        "errors.py",
        "import importlib\nimportlib.import_module('srcgrad.api')",
        "imports srcgrad.api",
    ),
    "relative import_module": (
        "ir/graph.py",
        "from importlib import import_module\nimport_module('..api', __package__)",
        "imports srcgrad.api",
    ),
    "the whole package": ("api.py", "from srcgrad import grad", "cycle"),
    "the package, from below": ("errors.py", "from srcgrad import grad", "imports srcgrad, which"),
    "no floor": ("attic.py", "", "srcgrad.attic: has no floor"),
    "cycle": ("frontend/source.py", "from . import lower", "cycle"),
    "astunparse": ("codegen/emit.py", "import astunparse", "only codegen/unparse.py knows it"),
    "gast": ("autodiff/reverse.py", "def f():\n    from gast import Name", "imports gast"),
    "exec": ("api.py", "exec('1')", "srcgrad.api:3: calls exec"),
    "compile": ("api.py", "compile('1', '', 'eval')", "srcgrad.api:3: calls compile"),
    "getsource": (
        "api.py",
        "import inspect\ninspect.getsource(grad)",
        "srcgrad.api:4: reads source",
    ),
    "from inspect": ("api.py", "from inspect import getsource", "srcgrad.api:3: reads source"),
    "no docstring": ("api.py", '""""""\ngrad = 1', "says nowhere"),
    "long first line": ("api.py", '"""A first line\nthat goes on."""', "does not open with one"),
    "long file": ("ops/registry.py", "row\n" * 500, "503 lines"),
}


@pytest.mark.parametrize("name", OFFENDERS)
def test_an_offender_is_found(name, tmp_path):
    path, text, complaint = OFFENDERS[name]
    modules = made_up(tmp_path, ORDERLY | {path: text})
    found = [line for check in CHECKS for line in check(modules)]
    assert any(complaint in line for line in found), found
