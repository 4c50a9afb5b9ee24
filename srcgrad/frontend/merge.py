"""Makes one symbol of the two that a name holds at the end of two branches.

What is the same on both sides stays as it is. Structures of the same layout are merged part by part,
so that a tuple stays a tuple of known length; what else can be a run-time value becomes a result of
the branch op. The rest, such as one function here and another there, is a `Conflict`, which is an
error only when somebody reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Location
from ..ir.graph import UNDEFINED, Value
from ..ir.types import SCALARS
from .symbols import (
    Closure,
    Conflict,
    Method,
    Partial,
    Symbol,
    children,
    hint_of,
    is_object,
    kind_name,
    labels,
    packable,
    rebuild,
    same_constant,
    same_layout,
)


@dataclass(frozen=True, slots=True)
class Slot:
    """Stands in a structure for the value that only the finished op will have."""

    index: int


class Unmergeable(Exception):
    """Two symbols that cannot become one value."""


Leaf = Callable[[Symbol, Symbol, "str | None"], Symbol]


def unify(a: Symbol, b: Symbol, leaf: Leaf, name: str | None) -> Symbol:
    """The structure that two symbols share, with `leaf(x, y, name)` where they differ.

    Raises
    ------
    Unmergeable
        Where they differ in something that is not a run-time value.
    """
    if same_constant(a, b):
        return a
    if isinstance(a, Conflict) or isinstance(b, Conflict):
        raise Unmergeable
    if a is UNDEFINED or b is UNDEFINED:
        return _with_nothing(a, b, leaf, name)
    if same_layout(a, b):
        parts = zip(children(a) or (), children(b) or (), labels(a), strict=True)
        return rebuild(a, [unify(x, y, leaf, f"{name or 'part'}_{k}") for x, y, k in parts])
    functions = _functions(a, b, leaf, name)
    if functions is not None:
        return functions
    if packable(a) and packable(b):
        return leaf(a, b, name)
    raise Unmergeable


def _with_nothing(a: Symbol, b: Symbol, leaf: Leaf, name: str | None) -> Symbol:
    """One side has not bound the name; should that side be taken, reading it is an error anyway."""
    some = b if a is UNDEFINED else a
    parts = children(some)
    if parts is not None:
        pairs = [(UNDEFINED, p) if a is UNDEFINED else (p, UNDEFINED) for p in parts]
        keyed = zip(pairs, labels(some), strict=True)
        return rebuild(some, [unify(x, y, leaf, f"{name or 'part'}_{k}") for (x, y), k in keyed])
    return leaf(a, b, name) if packable(some) else some


def _functions(a: Symbol, b: Symbol, leaf: Leaf, name: str | None) -> Symbol | None:
    """Two functions that differ only in values they hold."""
    if isinstance(a, Closure) and isinstance(b, Closure):
        if a.code is b.code and a.frame is b.frame:
            defaults = {k: unify(a.defaults[k], b.defaults[k], leaf, k) for k in a.defaults}
            return Closure(a.code, a.frame, defaults)
    elif isinstance(a, Method) and isinstance(b, Method):
        return Method(
            unify(a.function, b.function, _no_leaf, None), unify(a.owner, b.owner, leaf, name)
        )
    elif isinstance(a, Partial) and isinstance(b, Partial) and same_layout(a.args, b.args):
        if same_layout(a.keywords, b.keywords):
            return Partial(
                unify(a.function, b.function, _no_leaf, None),
                unify(a.args, b.args, leaf, name),
                unify(a.keywords, b.keywords, leaf, name),
            )
    return None


def _no_leaf(a: Symbol, b: Symbol, name: str | None) -> Symbol:
    raise Unmergeable


class Merge:
    """Collects what a branch op has to hand out; afterwards, `fill` puts its results in place."""

    def __init__(self, location: Location | None) -> None:
        self.location = location
        self.pairs: list[tuple[Symbol, Symbol]] = []
        self.hints: list[str | None] = []

    def add(self, a: Symbol, b: Symbol, name: str | None) -> Symbol:
        """The merged symbol, with slots."""
        mark = len(self.pairs)
        try:
            return unify(a, b, self.leaf, name)
        except Unmergeable:
            del self.pairs[mark:], self.hints[mark:]
            for side in (a, b):
                if isinstance(side, Conflict):
                    return side
            what = f"'{name}'" if name else "the value"
            return Conflict(
                f"{what} is {kind_name(a)} on one path and {kind_name(b)} on another, "
                "and only a run knows which"
                if kind_name(a) != kind_name(b)
                else f"only a run knows which of two {kind_name(a).split(' ', 1)[-1]}s {what} is",
                self.location,
            )

    def leaf(self, a: Symbol, b: Symbol, name: str | None) -> Symbol:
        for k, (x, y) in enumerate(self.pairs):
            if x is a and y is b and _has_memory(a) and _has_memory(b):
                return Slot(k)  # two names of one array stay two names of one array
        self.pairs.append((a, b))
        self.hints.append(hint_of(name))
        return Slot(len(self.pairs) - 1)


def _has_memory(symbol: Symbol) -> bool:
    return isinstance(symbol, Value) and symbol.facts.kind not in SCALARS


def fill(symbol: Symbol, results: Sequence[Any]) -> Symbol:
    """A symbol with the results of the op in its slots."""
    if isinstance(symbol, Slot):
        return results[symbol.index]
    if isinstance(symbol, Value) or is_object(symbol):
        return symbol
    if isinstance(symbol, Closure):
        return Closure(symbol.code, symbol.frame, fill(symbol.defaults, results))
    if isinstance(symbol, Method):
        return Method(symbol.function, fill(symbol.owner, results))
    if isinstance(symbol, Partial):
        return Partial(symbol.function, fill(symbol.args, results), fill(symbol.keywords, results))
    parts = children(symbol)
    if parts is None:
        return symbol
    filled = [fill(p, results) for p in parts]
    same = all(x is y for x, y in zip(parts, filled, strict=True))
    return symbol if same else rebuild(symbol, filled)
