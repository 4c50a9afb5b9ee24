"""Names that stand for a row of one array in every round of a loop: what is carried is its place.

`row = U[0]`, then `row = U[k]` at the end of each round, while rounds write into `U`: the view is taken
anew, of what the array is at the start of each round.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..ir.graph import Value
from ..ir.types import Facts
from .core import Lowerer, primitive_of
from .places import Key, Root
from .sharing import FRESH, VIEW
from .symbols import Symbol


class NotARow(Exception):
    """What a round leaves in a name is not carried by its place."""

    def __init__(self, key: Key) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, eq=False, slots=True)
class Row:
    """A view of one array by one integer, which is `first` before the loop."""

    root: Root
    first: Symbol
    facts: Facts

    def at(self, low: Lowerer, place: Symbol) -> Symbol:
        """The view of what the array is now."""
        getitem = primitive_of(operator.getitem)
        return low.emit(getitem, (low.memory.current(self.root.first), place), facts=self.facts)

    def place(self, low: Lowerer, key: Key, symbol: Symbol) -> Symbol:
        """The place of the row that a round has left in a name.

        Raises
        ------
        NotARow
            It is not known to be a row of the same array.
        """
        found = _taken(low, symbol)
        if found is None or found[0] is not self.root:
            raise NotARow(key)
        return found[1]


def rows(low: Lowerer, keys: Iterable[Key]) -> dict[Key, Row]:
    """The names that are bound to a row of an array."""
    found = {}
    for key in keys:
        symbol = low.places.read(*key)
        taken = _taken(low, symbol) if isinstance(key[1], str) else None
        if taken is not None:
            found[key] = Row(*taken, symbol.facts)
    return found


def _taken(low: Lowerer, symbol: Symbol) -> tuple[Root, Any] | None:
    """The array that a value is a row of, and its place there."""
    memory = low.memory
    if not isinstance(symbol, Value) or memory.sharing(symbol)[0] != VIEW:
        return None
    op = memory.definitions[symbol]
    if op.primitive.function is not operator.getitem:
        return None
    base, place = op.args[0], op.args[1]
    whole = memory.is_content(base) or memory.sharing(base)[0] == FRESH
    whole_number = type(place) is int or (isinstance(place, Value) and place.facts.kind == "int")
    return (memory.root(base), place) if whole and whole_number else None
