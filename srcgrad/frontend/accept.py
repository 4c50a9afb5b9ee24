"""Refuses, before anything is read, the constructs that are never accepted."""

from __future__ import annotations

from typing import Any

import gast

from ..errors import UnsupportedSyntax
from .scopes import Code

_TRY = "'try' is not supported", "test beforehand with if, or move the try into the caller"
_CLASS = "a class inside a function is not supported", "define it at the top of the module"
_GENERATOR = "a generator (a function with 'yield') is not supported", "return a list"
_NEVER: dict[str, tuple[str, str]] = {
    "Try": _TRY,
    "TryStar": _TRY,
    "ClassDef": _CLASS,
    "AsyncFunctionDef": ("an async function is not supported", "write 'def', without async"),
    "AsyncFor": ("'async for' is not supported", "use an ordinary loop"),
    "AsyncWith": ("'async with' is not supported", "use an ordinary with"),
    "Await": ("'await' is not supported", "wait for it in the caller, and pass what it gives"),
    "Yield": _GENERATOR,
    "YieldFrom": _GENERATOR,
    "Global": (
        "'global' is not supported: a gradient writes to no global name",
        "return the value beside the loss, with has_aux=True",
    ),
    "Match": ("'match' is not supported", "use if and elif"),
    "TypeAlias": ("a type alias inside a function is not supported", "define it outside"),
    "SetComp": ("a set comprehension is not supported", "use a list comprehension"),
}


def accept(code: Code) -> None:
    """Check a function's tree, the functions inside included.

    Raises
    ------
    UnsupportedSyntax
        At the first construct, in the order of the text, that is never accepted.
    """
    found = [node for node in code.nodes if _complaint(node) is not None]
    if isinstance(code.tree, gast.AsyncFunctionDef):
        found.insert(0, code.tree)
    if found:
        node = min(found, key=lambda n: (n.lineno, n.col_offset))
        why, cure = _complaint(node) or ("", "")
        raise UnsupportedSyntax(why, code.location(node, None), cure=cure)


def _complaint(node: Any) -> tuple[str, str] | None:
    if isinstance(node, gast.ImportFrom) and any(a.name == "*" for a in node.names):
        return "'import *' is not supported here", "import the names you use"
    if isinstance(node, gast.comprehension) and node.is_async:
        return "an asynchronous comprehension is not supported", "use an ordinary one"
    return _NEVER.get(type(node).__name__)
