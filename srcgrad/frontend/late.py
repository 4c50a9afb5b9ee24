"""What a generator expression or `map` reads only when it is walked over: names, and memory.

Its entries are worked out where it is made. That is right as long as nothing has been written to until
it is walked over, and each name that it reads is bound to what it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gast

from .core import Lowerer
from .scopes import loaded, stored
from .symbols import Closure, Symbol, Walk, same_constant


@dataclass(frozen=True, eq=False, slots=True)
class Late:
    """How things stood when an iterator was made: the writes so far, and the names that it reads."""

    writes: int
    names: dict[tuple[Any, str], Symbol]


def of_generator(low: Lowerer, node: Any) -> Late:
    """What a generator expression reads late: all but its first iterable."""
    first = node.generators[0]
    own = set(stored([g.target for g in node.generators]))
    read = {*loaded(node.elt)}
    for part in (*first.ifs, *node.generators[1:]):
        read.update(loaded(part))
    found: dict[tuple[Any, str], Symbol] = {}
    for name in sorted(read - own):
        _note(low, low.frame, name, found)
    for inner in gast.walk(first.iter):
        if isinstance(inner, gast.GeneratorExp | gast.Lambda):
            for name in sorted(set(loaded(inner))):
                _note(low, low.frame, name, found)
        elif isinstance(inner, gast.Name):
            _follow(low, _bound(low, low.frame, inner.id), found)
    return Late(low.memory.count, found)


def of_call(low: Lowerer, *symbols: Symbol) -> Late:
    """What an iterator reads late that was made of these: of functions the names around them."""
    found: dict[tuple[Any, str], Symbol] = {}
    for symbol in symbols:
        _follow(low, symbol, found)
    return Late(low.memory.count, found)


def rebound(low: Lowerer, late: Late) -> str | None:
    """A name that is not bound any more to what it was when an iterator was made."""
    for (frame, name), then in late.names.items():
        if not same_constant(low.places.read(frame, name), then):
            return name
    return None


def _bound(low: Lowerer, frame: Any, name: str) -> Symbol:
    owner = frame.owner(name)
    return None if owner is None else low.places.read(owner, name)


def _note(low: Lowerer, frame: Any, name: str, found: dict[tuple[Any, str], Symbol]) -> None:
    owner = frame.owner(name)
    if owner is not None and (owner, name) not in found:
        found[owner, name] = low.places.read(owner, name)
        _follow(low, found[owner, name], found)


def _follow(low: Lowerer, symbol: Symbol, found: dict[tuple[Any, str], Symbol]) -> None:
    """What is read when a function is called, or what is walked over is walked over."""
    if isinstance(symbol, Closure):
        for name in sorted(symbol.code.free):
            _note(low, symbol.frame, name, found)
    elif isinstance(symbol, Walk):
        for part in symbol.parts:
            _follow(low, part, found)
        if isinstance(symbol.start, Late):
            found.update(symbol.start.names)
