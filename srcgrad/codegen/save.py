"""Generated source as a module of its own, which needs NumPy alone."""

from __future__ import annotations

import ast
import inspect
import math
import re
import sys
from collections.abc import Iterable, Iterator
from enum import Enum
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from .. import runtime
from ..errors import SrcgradError
from ..ir.graph import Function
from .load import Generated

LARGEST_LITERAL = 1000  # entries of a captured array that are still written out


def standalone(generated: Generated, function: Function) -> str:
    """The text with srcgrad's helpers written out, and the values that it reads from outside.

    Raises
    ------
    SrcgradError
        If the text needs an object that cannot be written down.
    """
    if generated.objects:
        name = next(iter(generated.objects))
        raise SrcgradError(
            f"{generated.name} calls {name!r}, which no import reaches, so it cannot be saved",
            function.location,
            cure="define it at the top level of an importable module",
        )
    parts = [
        f"{name} = {_literal(c.name, c.read(), function)}\n"
        for name, c in generated.captures.items()
    ]
    imports, helpers = _written_out(generated.helpers.values())
    parts += helpers
    parts += [
        f"{name} = {helper.__name__}\n"
        for name, helper in generated.helpers.items()
        if name != helper.__name__
    ]
    head, rest = _split(generated.text)
    if any("np." in part for part in parts):
        imports["import numpy as np"] = None
    head += [line for line in sorted(imports, key=_by_kind) if line not in head]
    own = next((line for line in head if re.match(r"(from|import) srcgrad\b", line)), None)
    if own is not None:
        raise SrcgradError(
            f"{generated.name} needs {own!r}, which a saved module cannot",
            function.location,
            cure="differentiate the function with srcgrad where it runs",
        )
    sections = ("\n".join(head), "\n\n".join(parts).strip("\n"), rest)
    return "\n\n\n".join(section for section in sections if section)


def _by_kind(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line


def _split(text: str) -> tuple[list[str], str]:
    """The lines before the first definition, without the import of helpers, and the rest."""
    lines = text.splitlines()
    tree = ast.parse(text)
    start = next(node.lineno for node in tree.body if isinstance(node, ast.FunctionDef)) - 1
    imported: set[int] = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == runtime.__name__:
            imported.update(range(node.lineno - 1, node.end_lineno or node.lineno))
    head = [line for k, line in enumerate(lines[:start]) if line and k not in imported]
    return head, "\n".join(lines[start:]) + "\n"


def _written_out(helpers: Iterable[Any]) -> tuple[dict[str, None], list[str]]:
    """The imports and the texts of helpers, and of the helpers and constants that they use."""
    imports: dict[str, None] = {}
    functions: dict[str, str] = {}
    constants: dict[str, str] = {}

    def visit(helper: Any) -> None:
        functions[helper.__name__] = _source(helper)
        for name in _names_read(helper.__code__):
            found = None if name.startswith("__") else helper.__globals__.get(name)
            if isinstance(found, ModuleType):
                shown = "import numpy as np" if found is np else f"import {found.__name__}"
                imports[shown] = None
            elif str(getattr(found, "__module__", "")).startswith(runtime.__name__):
                if name not in functions:
                    visit(found)
            elif isinstance(found, type):
                imports[f"from {found.__module__} import {name}"] = None
            elif found is not None:
                constants[name] = _assignment(helper, name)

    for helper in helpers:
        visit(helper)
    return imports, [*constants.values(), *(functions[name] for name in sorted(functions))]


def _names_read(code: CodeType) -> Iterator[str]:
    """The global names that code reads, and attributes, which are no harm."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names_read(inner)


def _assignment(helper: Any, name: str) -> str:
    """The line of a helper's module that defines a constant."""
    text = inspect.getsource(sys.modules[helper.__module__])
    found = re.search(rf"^{name} = .*\n", text, flags=re.MULTILINE)
    assert found is not None, name
    return found.group()


def _source(helper: Any) -> str:
    """A helper's source without its docstring and annotations."""
    text = inspect.getsource(helper)
    node = ast.parse(text).body[0]
    assert isinstance(node, ast.FunctionDef)
    first = node.body[0]
    start = first.end_lineno + 1 if ast.get_docstring(node) and first.end_lineno else first.lineno
    for arg in ast.walk(node.args):
        if isinstance(arg, ast.arg):
            arg.annotation = None
    lines = text.splitlines()
    for statement in ast.walk(node):
        if isinstance(statement, ast.AnnAssign):
            line = lines[statement.lineno - 1]
            lines[statement.lineno - 1] = re.sub(r": .*? = ", " = ", line, count=1)
    body = [line.partition("  # type: ignore")[0] for line in lines[start - 1 :]]
    return "\n".join([f"def {node.name}({ast.unparse(node.args)}):", *body, ""])


def _literal(name: str, value: Any, function: Function) -> str:
    """A value that the function reads from outside, as an expression.

    Raises
    ------
    SrcgradError
        It is too large, or nothing that is made of numbers, strings, lists, tuples and dicts.
    """
    if value is None or isinstance(value, bool | str | int | float | complex | np.generic):
        if _is_plain(value):
            return _number(value)
    if type(value) is np.ndarray and value.size <= LARGEST_LITERAL and value.dtype.kind in "biufc":
        entries = _entries(value.tolist())
        array = f"np.array({entries}, dtype={value.dtype.name!r})"
        return array if value.size or value.ndim == 1 else f"{array}.reshape({value.shape})"
    if type(value) in (list, tuple):
        inner = ", ".join(_literal(name, v, function) for v in value)
        if isinstance(value, list):
            return f"[{inner}]"
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if type(value) is dict and all(
        isinstance(k, str | int | float) and _is_plain(k) for k in value
    ):
        pairs = ", ".join(f"{_number(k)}: {_literal(name, v, function)}" for k, v in value.items())
        return f"{{{pairs}}}"
    what = f"array of {value.size} entries" if isinstance(value, np.ndarray) else "value"
    raise SrcgradError(
        f"the {what} {name!r}, which {function.name} reads from outside, cannot be written down",
        function.location,
        cure="pass it as an argument",
    )


NO_OPERATIONS = {"__new__", "__repr__", "__str__", "__format__", "__hash__", "__doc__", "__dir__"}


def _base(value: Any) -> type | None:
    """Python's own type that a value is of, be it by a subclass."""
    return next((t for t in (bool, int, float, complex, str) if isinstance(value, t)), None)


def _is_plain(value: Any) -> bool:
    """Whether a number or string computes as Python's own do: its class has no operations of its own."""
    base, cls = _base(value), type(value)
    if base is None or isinstance(value, np.generic | Enum):
        return True
    return all(getattr(cls, n) is f for n, f in _operations(base))


def _operations(base: type) -> Iterator[tuple[str, Any]]:
    for name in vars(base):
        found = getattr(base, name)
        if name.startswith("__") and name not in NO_OPERATIONS and hasattr(found, "__objclass__"):
            yield name, found


def _number(value: Any) -> str:
    if isinstance(value, np.generic):  # in arithmetic, its type counts; a Python number's does not
        return f"np.{type(value).__name__}({_number(value.item())})"
    if isinstance(value, complex) and not (math.isfinite(value.real) and math.isfinite(value.imag)):
        return f"complex({_number(value.real)}, {_number(value.imag)})"
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({float.__repr__(value)!r})"
    base: Any = _base(value)
    return repr(value) if base is None else str(base.__repr__(value))


def _entries(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_entries, value))}]"
    return _number(value)
