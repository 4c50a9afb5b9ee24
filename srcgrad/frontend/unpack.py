"""Takes a symbol apart for a target such as `a, *b, (c, d)`."""

from __future__ import annotations

import builtins
import operator
from typing import Any

from ..ir.graph import Value
from ..ir.types import Facts
from ..ops.facts import getitem
from .core import BUILTINS, Lowerer
from .symbols import Outside, Symbol, Walk, kind_name
from .walks import entries


def unpack(
    low: Lowerer, symbol: Symbol, count: int, starred: int | None, node: Any
) -> list[Symbol]:
    """The parts that `count` targets get, of which the one at `starred` takes what is left over.

    Raises
    ------
    UnsupportedSyntax
        There are too many parts or too few, worded as Python does.
    """
    if isinstance(symbol, Outside):
        symbol = low.capture(symbol)
    if isinstance(symbol, Walk):
        known = entries(low, symbol)
        symbol = low.listed(symbol) if known is None else known
    if isinstance(symbol, dict):
        symbol = list(symbol)
    if isinstance(symbol, Value):
        return _unpack_value(low, symbol, count, starred, node)
    if not isinstance(symbol, tuple | list | str):
        low.refuse(f"cannot unpack {kind_name(symbol)}", node)
    parts = list(symbol)
    _check(low, len(parts), count, starred, node)
    if starred is None:
        return parts
    after = count - starred - 1
    end = len(parts) - after
    return [*parts[:starred], parts[starred:end], *parts[end:]]


def _check(low: Lowerer, length: int, count: int, starred: int | None, node: Any) -> None:
    if starred is not None:
        if length < count - 1:
            low.refuse(
                f"not enough values to unpack (expected at least {count - 1}, got {length})", node
            )
    elif length > count:
        low.refuse(f"too many values to unpack (expected {count}, got {length})", node)
    elif length < count:
        low.refuse(f"not enough values to unpack (expected {count}, got {length})", node)


def _unpack_value(
    low: Lowerer, value: Value, count: int, starred: int | None, node: Any
) -> list[Symbol]:
    facts = value.facts
    if facts.kind in ("dict", "opaque", "str"):
        value = BUILTINS[builtins.list](low, [value], {})
        if not isinstance(value, Value):
            return unpack(low, value, count, starred, node)
        facts = value.facts
    length = len(facts.items) if facts.items is not None else None
    if facts.kind == "array" and facts.dims:
        size = facts.dims[0]
        length = size if isinstance(size, int) else None
    if length is not None:
        _check(low, length, count, starred, node)
    if starred is None:
        return [low.apply(operator.getitem, value, k) for k in range(count)]
    after = count - starred - 1
    front = [low.apply(operator.getitem, value, k) for k in range(starred)]
    rest = low.apply(operator.getitem, value, slice(starred or None, -after if after else None))
    if not (isinstance(rest, Value) and rest.facts.kind == "list"):
        inner = rest.facts if isinstance(rest, Value) else Facts()
        kind = Facts("list", items=inner.items, element=inner.element, cls=list)
        if inner.items is None and inner.is_numeric:
            kind = Facts("list", element=_row(inner))
        rest = low.apply(builtins.list, rest, facts=kind)
    back = [low.apply(operator.getitem, value, k - after) for k in range(after)]
    return [*front, rest, *back]


def _row(facts: Facts) -> Facts:
    """What is known of the entries of an array's first axis."""
    return getitem(facts, Facts("int", None, ()))
