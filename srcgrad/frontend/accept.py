"""Refuses, before anything is read, the constructs that are never accepted."""

from __future__ import annotations

from typing import Any

import gast

from ..errors import UnsupportedSyntax
from .scopes import Code

_NEVER: dict[str, tuple[str, str]] = {
    "Try": ("'try' is not supported", "test beforehand with if, or move it into the caller"),
    "TryStar": ("'try' is not supported", "test beforehand with if, or move it into the caller"),
    "ClassDef": ("a class defined inside a function", "define it at the top of the module"),
    "AsyncFunctionDef": ("an async function", "use an ordinary function"),
    "AsyncFor": ("'async for'", "use an ordinary loop"),
    "AsyncWith": ("'async with'", "use an ordinary with"),
    "Await": ("'await'", "use an ordinary function"),
    "Yield": ("a generator function", "return a list"),
    "YieldFrom": ("a generator function", "return a list"),
    "Global": ("writing to a global name", "return the value, or pass it as an argument"),
    "Delete": ("'del'", "leave the name alone"),
    "Match": ("'match' is not supported", "use if and elif"),
    "TypeAlias": ("a type alias inside a function", "define it at the top of the module"),
    "SetComp": ("a set comprehension", "use a list comprehension"),
}


def accept(code: Code) -> None:
    """Check a function's tree, the functions inside included.

    Raises
    ------
    UnsupportedSyntax
        At the first construct, in the order of the text, that is never accepted.
    """
    found = [node for node in gast.walk(code.tree) if _complaint(node) is not None]
    if isinstance(code.tree, gast.AsyncFunctionDef):
        found.insert(0, code.tree)
    if found:
        node = min(found, key=lambda n: (n.lineno, n.col_offset))
        why, cure = _complaint(node) or ("", "")
        raise UnsupportedSyntax(why, code.location(node, None), cure=cure)


def _complaint(node: Any) -> tuple[str, str] | None:
    if isinstance(node, gast.ImportFrom) and any(a.name == "*" for a in node.names):
        return "'import *' inside a function", "import the names you use"
    if isinstance(node, gast.comprehension) and node.is_async:
        return "an asynchronous comprehension", "use an ordinary one"
    return _NEVER.get(type(node).__name__)
