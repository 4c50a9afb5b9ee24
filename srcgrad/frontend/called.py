"""What memory is called in the source: the name that holds it, with the entry or attribute of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .symbols import Record, Symbol, children

DEPTH = 3  # of `model.layers[0].w`


def called(low: Any, handle: Symbol) -> str | None:
    """The first name, or the entry of one, that is a handle of the same memory."""
    wanted = low.memory.place_of(handle)
    frame = low.frame
    while frame is not None:
        for name, symbol in frame.names.items():
            if name.isidentifier():
                for text, part in _paths(low, name, symbol, DEPTH):
                    if low.memory.place_of(part) is wanted:
                        return text
        frame = frame.parent
    return None


def _paths(low: Any, text: str, symbol: Symbol, depth: int) -> Iterator[tuple[str, Symbol]]:
    """A symbol and what is in it, with how the source would write them."""
    yield text, symbol
    place = low.memory.place_of(symbol)
    content = low.memory.content(place) if place is not symbol else symbol
    parts = children(content) if depth and not isinstance(content, slice) else None
    for label, part in zip(_labels(content), parts or (), strict=False):
        yield from _paths(low, f"{text}{label}", part, depth - 1)


def _labels(symbol: Symbol) -> list[str]:
    if isinstance(symbol, Record):
        return [f".{name}" for name in symbol.fields]
    if hasattr(symbol, "_fields"):
        return [f".{name}" for name in symbol._fields]
    keys = symbol if isinstance(symbol, dict) else range(len(children(symbol) or ()))
    return [f"[{key!r}]" for key in keys]
