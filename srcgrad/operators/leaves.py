"""Structures of numbers and arrays, taken apart into their leaves and rebuilt over others."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..autodiff.cotangents import Cotangents, known_entries, primitive
from ..calls.conform import is_differentiable
from ..errors import StructureError
from ..ir.build import Builder, facts_of_arg
from ..ir.graph import Arg, Value
from ..ir.types import CONTAINERS, NUMERIC, Facts, Size
from ..ops import facts as inference


@dataclass(frozen=True, slots=True)
class Leaf:
    """One number or array of an argument or a result, and what is known of it."""

    value: Arg
    facts: Facts

    @property
    def known(self) -> bool:
        """Whether it is known to be numbers, along how many axes."""
        return self.facts.kind in NUMERIC and self.facts.dims is not None

    @property
    def dims(self) -> tuple[Size | None, ...]:
        """Its sizes along each axis, as an array."""
        return inference.as_array(self.facts).dims or ()

    @property
    def size(self) -> Size | None:
        """How many entries it has; None where that is not known."""
        total: Size | None = 1
        for n in self.dims:
            if n is None or total is None or not (isinstance(n, int) or isinstance(total, int)):
                return None
            total = n * total if isinstance(n, int) else total * n  # type: ignore[operator]
        return total


class Tree:
    """A structure of numbers and arrays whose entries are known: its leaves, and how to rebuild it."""

    def __init__(self, builder: Builder, arg: Arg) -> None:
        self.facts = facts_of_arg(arg)
        self.leaves = self.leaves_of(builder, arg)

    def leaves_of(self, builder: Builder, arg: Arg) -> list[Leaf]:
        """The leaves of something of this structure, in the same order."""
        found: list[Leaf] = []

        def walk(facts: Facts, part: Arg) -> None:
            if facts.kind not in CONTAINERS:
                if is_differentiable(facts):
                    found.append(Leaf(part, facts_of_arg(part)))
                return
            function = getattr if facts.kind == "object" else operator.getitem
            for key, inner in zip(_keys(facts), facts.items or (), strict=True):
                if isinstance(part, Value):
                    walk(inner, builder.emit(primitive(function), (part, key)))
                else:
                    walk(inner, part[key])

        walk(self.facts, arg)
        return found

    def build(self, builder: Builder, parts: Sequence[Any]) -> Arg:
        """The structure over other leaves; None in the place of what has no derivative."""
        source = iter(parts)
        cotangents = Cotangents(builder)

        def walk(facts: Facts) -> Arg:
            if facts.kind not in CONTAINERS:
                return next(source) if is_differentiable(facts) else None
            keys = _keys(facts)
            found = [walk(f) for f in facts.items or ()]
            changed = replace(facts, items=tuple(map(facts_of_arg, found)), known=())
            return cotangents.assemble(found, keys, changed)

        return walk(self.facts)


def _keys(facts: Facts) -> tuple[Any, ...]:
    keys = known_entries(facts)
    if keys is None:
        raise StructureError(
            f"a matrix of derivatives is taken of {facts.kind}s whose entries are known",
            cure="call it, or specialize(*args), so that the kinds of the arguments are known; or "
            "stack the entries of a list in an array",
        )
    return keys


def total_of(leaves: Sequence[Leaf]) -> Size | None:
    """How many entries leaves have together; None where that is not known."""
    total: Size = 0
    for leaf in leaves:
        if leaf.size is None:
            return None
        total = leaf.size + total
    return total
