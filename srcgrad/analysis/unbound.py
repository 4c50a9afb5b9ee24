"""Unbound names: values that stand for a name to which some path assigns nothing."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import Any

from ..ir.graph import BRANCHES, LOOPS, UNDEFINED, Arg, Block, Loop, Value, values_in


def unbound_values(block: Block) -> set[Value]:
    """The values of a block, inner blocks included, that may be undefined when they are not read."""
    return Unbound(block).values


@dataclass(eq=False)
class Unbound:
    """The values of a block that may be undefined, the lists of loops with such entries, and these."""

    block: Block
    values: set[Value] = field(default_factory=set)
    stacks: set[Value] = field(default_factory=set)
    entries: set[Value] = field(default_factory=set)

    def __post_init__(self) -> None:
        known = -1
        while (found := len(self.values) + len(self.stacks)) > known:
            known = found
            self._visit(self.block)

    @property
    def every(self) -> set[Value]:
        """The values that may be undefined where they are not read, entries of lists included."""
        return self.values | self.entries

    def mark(self, value: Value) -> dict[str, Any]:
        """The attributes of an op that reads a value where nobody sees what has made it."""
        if value in self.every:
            return {"unbound": "value"}
        return {"unbound": "entries"} if value in self.stacks else {}

    def _is_unbound(self, arg: Arg) -> bool:
        return arg is UNDEFINED or (isinstance(arg, Value) and arg in self.values)

    def _is_stack(self, arg: Arg) -> bool:
        return isinstance(arg, Value) and arg in self.stacks

    def _visit(self, block: Block) -> None:
        for op in block.ops:
            for inner in op.blocks:
                self._visit(inner)
            if op.attrs.get("unbound") == "value":
                self.values.add(op.result)
            elif op.attrs.get("unbound") == "entries":
                self.stacks.add(op.result)
            elif op.primitive.function is operator.getitem and self._is_stack(op.args[0]):
                (self.stacks if op.result.facts.kind == "list" else self.entries).add(op.result)
            elif op.primitive in BRANCHES:
                for k, result in enumerate(op.results):
                    if any(self._is_unbound(inner.results[k]) for inner in op.blocks):
                        self.values.add(result)
            elif op.primitive in LOOPS:
                self._visit_loop(Loop(op))

    def _visit_loop(self, loop: Loop) -> None:
        for k, param in enumerate(loop.carried):
            if self._is_unbound(loop.inits[k]) or self._is_unbound(loop.yields[k]):
                self.values.update((param, loop.finals[k]))
                if loop.test is not None:
                    self.values.add(loop.test.params[k])
        for stack, entry in zip(loop.stacks, loop.entries, strict=True):
            if any(self._is_unbound(v) or self._is_stack(v) for v in values_in(entry)):
                self.stacks.add(stack)
