"""Unbound names: values that stand for a name to which some path assigns nothing."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import runtime
from ..ir.graph import BRANCHES, LOOPS, UNDEFINED, Arg, Block, Loop, Value, values_in


def unbound_values(block: Block) -> set[Value]:
    """The values of a block, inner blocks included, that may be undefined when they are not read."""
    return Unbound(block).values


@dataclass(eq=False)
class Unbound:
    """The values of a block that may be undefined where they are not read.

    `values` stand for names; `stacks` are the lists of loops that keep such a value, `entries` what is
    read of these, and the zeros of what is undefined: numbers, whatever the value is where it is bound.
    """

    block: Block
    values: set[Value] = field(default_factory=set)
    stacks: set[Value] = field(default_factory=set)
    entries: set[Value] = field(default_factory=set)

    def __post_init__(self) -> None:
        known = -1
        while (found := sum(map(len, (self.values, self.stacks, self.entries)))) > known:
            known = found
            self._visit(self.block)

    @property
    def every(self) -> set[Value]:
        """The values that may be undefined, or numbers in their place."""
        return self.values | self.entries

    def mark(self, value: Value) -> dict[str, Any]:
        """The attributes of an op that reads a value where nobody sees what has made it."""
        if value in self.values or value in self.entries:
            return {"unbound": "value"}
        return {"unbound": "entries"} if value in self.stacks else {}

    def _spread(self, targets: Iterable[Value], sources: Sequence[Arg]) -> None:
        """Mark what may be one of these sources."""
        for found in (self.values, self.entries):
            undefined = found is self.values and any(s is UNDEFINED for s in sources)
            if undefined or any(isinstance(s, Value) and s in found for s in sources):
                found.update(targets)

    def _is_stack(self, arg: Arg) -> bool:
        return isinstance(arg, Value) and arg in self.stacks

    def _visit(self, block: Block) -> None:
        for op in block.ops:
            for inner in op.blocks:
                self._visit(inner)
            function = op.primitive.function
            if op.attrs.get("unbound") == "value":
                self.values.add(op.result)
            elif op.attrs.get("unbound") == "entries":
                self.stacks.add(op.result)
            elif function is operator.getitem and self._is_stack(op.args[0]):
                (self.stacks if op.result.facts.kind == "list" else self.entries).add(op.result)
            elif function is runtime.zeros_like and isinstance(op.args[0], Value):
                if op.args[0] in self.every:
                    self.entries.add(op.result)
            elif op.primitive in BRANCHES:
                for k, result in enumerate(op.results):
                    self._spread([result], [inner.results[k] for inner in op.blocks])
            elif op.primitive in LOOPS:
                self._visit_loop(Loop(op))

    def _visit_loop(self, loop: Loop) -> None:
        tested = loop.carried if loop.test is None else loop.test.params
        each = zip(loop.carried, loop.finals, tested, loop.inits, loop.yields, strict=True)
        for param, final, other, init, given in each:
            self._spread([param, final, other], [init, given])
        for stack, entry in zip(loop.stacks, loop.entries, strict=True):
            marked = self.values | self.entries | self.stacks
            if entry is UNDEFINED or not marked.isdisjoint(values_in(entry)):
                self.stacks.add(stack)
