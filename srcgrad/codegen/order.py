"""Keeps reads before the writes that would change them: what may not fold past an update."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .. import runtime
from ..analysis.memory import NOWHERE, Memory, Roots
from ..ir.graph import Arg, Block, Op, Value, values_in, walk
from .edits import SHAPE_ONLY
from .nests import WRITES, Nests


class Order:
    """The part of a plan that looks after the order of reads and writes."""

    memory: Memory
    nests: Nests
    folded: set[Value]
    readers: dict[Value, list[tuple[Op | None, Block]]]

    def target(self, op: Op) -> Arg:
        """What an op writes to, where it may happen in place; None where it makes something new."""
        nest = self.nests.of.get(op)
        if nest is not None:
            return nest.root
        return op.args[0] if op.primitive.function in WRITES else None

    def written(self, op: Op) -> Roots:
        """The memory that an update overwrites if it happens in place."""
        nest = self.nests.of.get(op)
        if nest is not None:
            return self.memory.of(nest.update.args[0]) | self.memory.of(nest.root)
        if op.primitive.function is runtime.index_add:  # also writes into the entries of a list
            return self.memory.of(op.args[0]) | self.memory.inside(op.args[0])
        return self.memory.of(op.args[0]) if op.primitive.function in WRITES else NOWHERE

    def keep_order(self, block: Block, end: Callable[[Value, Block], int]) -> bool:
        """Name what would be read only after an update has overwritten it; whether that is news.

        `end` tells where a result of a block is printed.
        """
        news = False
        for op in block.ops:
            for inner in op.blocks:
                news |= self.keep_order(inner, end)
        writes = [(k, self._written_inside(op)) for k, op in enumerate(block.ops)]
        writes = [(k, roots) for k, roots in writes if roots]
        if not writes:
            return news
        at = {op: k for k, op in enumerate(block.ops)}
        printed: dict[Op, int] = dict(at)
        for op in reversed(block.ops):
            if not op.results or op.result not in self.folded:
                continue
            readers = (reader for reader, _ in self.readers.get(op.result, ()))
            ends = [end(op.result, block) if r is None else printed.get(r, at[op]) for r in readers]
            last = max(ends, default=at[op])
            read = self._memory_read(op)
            if self.target(op) is None and any(
                at[op] < k < last and self.memory.meet(read, roots) for k, roots in writes
            ):
                self.folded.discard(op.result)
                news = True
            else:
                printed[op] = last
        return news

    def _written_inside(self, op: Op) -> Roots:
        """The memory that an op, or what is in its blocks, may overwrite."""
        if op in self.nests.inner:
            return NOWHERE
        inside: Iterable[Op] = (o for block in op.blocks for o in walk(block))
        return self.written(op).union(*(self.written(o) for o in inside))

    def _memory_read(self, op: Op) -> Roots:
        """The memory that printing an op reads, what folds into it left out."""
        asks = SHAPE_ONLY.get(op.primitive.function)
        read = [v for k, a in enumerate(op.args) if k != asks for v in values_in(a)]
        read += [v for a in op.kwargs.values() for v in values_in(a)]
        return NOWHERE.union(*(self.memory.all(v) for v in read))
