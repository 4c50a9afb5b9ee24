"""Wrappers that do no more than to call what they wrap: what decorators for logging and timing make."""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

import gast

from ..errors import SrcgradError
from .source import find_source

_known: WeakKeyDictionary[FunctionType, bool] = WeakKeyDictionary()
# Statements among which the call that is passed through may stand.
_PLAIN = (gast.Assign, gast.Expr, gast.Return, gast.With, gast.Pass, gast.Import, gast.ImportFrom)


def passes_through(function: FunctionType) -> bool:
    """Whether a function hands its arguments on as they are, and returns what comes back as it is.

    So does `def wrapper(*args, **kwargs): return f(*args, **kwargs)`, also with a line that prints, or a
    clock that is read before and after. Anything else may change what is computed.
    """
    known = _known.get(function)
    if known is None:
        known = _known[function] = _passes_through(function)
    return known


def _passes_through(function: FunctionType) -> bool:
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is None or function.__code__.co_argcount or function.__code__.co_kwonlyargcount:
        return False
    try:
        tree = find_source(function).tree
    except SrcgradError:
        return False
    if isinstance(tree, gast.Lambda):
        return _hands_on(tree.body, tree.args, function)
    passed: set[str] = set()  # names of what came back
    for node in _statements(tree.body):
        if not isinstance(node, _PLAIN):
            return False
        if isinstance(node, gast.Assign) and not all(
            isinstance(t, gast.Name) for t in node.targets
        ):
            return False
        value = getattr(node, "value", None)
        if value is not None and _hands_on(value, tree.args, function):
            if isinstance(node, gast.Assign):
                passed.update(t.id for t in node.targets)
            continue
        if isinstance(node, gast.Return):
            if not isinstance(value, gast.Name) or value.id not in passed:
                return False
        elif not _leaves_alone(node, {*_names(tree.args), *passed}):
            return False
    return _returns(tree.body)


def _statements(body: list[Any]) -> Iterator[Any]:
    for node in body:
        yield node
        yield from _statements(getattr(node, "body", []))


def _returns(body: list[Any]) -> bool:
    """Whether a body ends by returning something."""
    last = body[-1]
    return _returns(last.body) if isinstance(last, gast.With) else isinstance(last, gast.Return)


def _names(parameters: Any) -> list[str]:
    return [p.id for p in (parameters.vararg, parameters.kwarg) if p is not None]


def _hands_on(node: Any, parameters: Any, function: FunctionType) -> bool:
    """Whether an expression calls what is wrapped with exactly the arguments that are given."""
    if not isinstance(node, gast.Call) or not isinstance(node.func, gast.Name):
        return False
    starred = [a.value.id for a in node.args
               if isinstance(a, gast.Starred) and isinstance(a.value, gast.Name)]  # fmt: skip
    double = [k.value.id for k in node.keywords
              if k.arg is None and isinstance(k.value, gast.Name)]  # fmt: skip
    if len(node.args) != len(starred) or len(node.keywords) != len(double):
        return False
    return [*starred, *double] == _names(parameters) and _found(node.func.id, function)


def _found(name: str, function: FunctionType) -> bool:
    """Whether a name stands for what the function wraps."""
    code = function.__code__
    if name in code.co_freevars:
        cell = (function.__closure__ or ())[code.co_freevars.index(name)]
        try:
            return cell.cell_contents is vars(function)["__wrapped__"]
        except ValueError:
            return False
    found = function.__globals__.get(name)
    return found is not None and found is vars(function)["__wrapped__"]


def _leaves_alone(node: Any, names: set[str]) -> bool:
    """Whether a statement neither rebinds these names nor hands them to anything but `print`."""
    if isinstance(node, gast.With):
        return not any(_reads(item, names) for item in node.items)
    if isinstance(node, gast.Assign) and any(t.id in names for t in node.targets):
        return False
    if isinstance(node, gast.Import | gast.ImportFrom):
        return not any((a.asname or a.name) in names for a in node.names)
    call = node.value if isinstance(node, gast.Expr) else None
    if isinstance(call, gast.Call) and isinstance(call.func, gast.Name) and call.func.id == "print":
        # What is called to make the text, or bound in it, might change what is printed.
        inner = (n for part in (*call.args, *call.keywords) for n in gast.walk(part))
        return not any(
            isinstance(n, gast.Call | gast.NamedExpr) and _reads(n, names) for n in inner
        )
    return not _reads(node, names)


def _reads(node: Any, names: set[str]) -> bool:
    return any(isinstance(n, gast.Name) and n.id in names for n in gast.walk(node))
