"""Which values are still read after an update: liveness of the graph, before anything is printed."""

from __future__ import annotations

from collections.abc import Iterable

from ..ir.graph import LOOPS, Block, Function, Loop, Op, Value, free_values, operands, values_in
from .nests import Nests


class Lasting:
    """`after` has, for each op without blocks, the values that are read after it on whatever path."""

    def __init__(self, function: Function, nests: Nests) -> None:
        self.nests = nests
        self.after: dict[Op, frozenset[Value]] = {}
        self._block(function.body, frozenset())

    def _reads(self, op: Op) -> Iterable[Value]:
        """What an op reads where its statement stands: a nest reads all at its end."""
        if op in self.nests.inner:
            return ()
        nest = self.nests.of.get(op)
        return operands(op) if nest is None else nest.operands(op)

    def _block(self, block: Block, live: frozenset[Value]) -> frozenset[Value]:
        """What is live before a block, given what is live after it."""
        live = live.union(values_in(block.results))
        for op in reversed(block.ops):
            live = self._op(op, live)
        return live

    def _op(self, op: Op, live: frozenset[Value]) -> frozenset[Value]:
        if op.primitive in LOOPS:
            return self._loop(Loop(op), live)
        if op.blocks:
            through = live.difference(op.results)
            inside = frozenset[Value]().union(*(self._block(b, through) for b in op.blocks))
            return inside.union(operands(op))
        self.after[op] = live
        return live.difference(op.results).union(self._reads(op))

    def _loop(self, loop: Loop, live: frozenset[Value]) -> frozenset[Value]:
        op = loop.op
        always = live.difference(op.results).union(*(free_values(b) for b in op.blocks))
        start = self._block(loop.body, always.union(loop.stacks))
        if loop.test is not None:
            start |= self._block(loop.test, start.difference(loop.body.params) | always)
            start = start.difference(loop.test.params)
        start = start.difference(loop.body.params).difference(loop.stacks)
        return start.union(always, operands(op))
