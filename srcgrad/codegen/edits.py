"""Changed functions in which one more copy stands, and one place or another reads it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from .. import runtime
from ..ir.graph import LOOPS, Arg, Block, Function, Loop, Op, Value
from ..ir.rewrite import Substitution, substitute, substitute_block, substitute_op
from ..ir.types import CONTAINERS
from ..ops import registry
from .nests import Nests

# What functions ask of an argument without reading its entries: the position of that argument.
SHAPE_ONLY = {
    np.shape: 0, np.ndim: 0, np.size: 0, len: 0, np.zeros_like: 0, np.ones_like: 0,
    np.empty_like: 0, np.full_like: 0, runtime.zeros_like: 0, runtime.dtype_of: 0,
    runtime.unbroadcast: 1,
}  # fmt: skip


class Edits:
    """A function, where its ops and values stand, and functions that differ from it in one place."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.nests = Nests(function)
        self.home: dict[Value, Block] = {}
        self.maker: dict[Value, Op] = {}
        self.place: dict[Op, tuple[Block, int]] = {}
        self.around: dict[Block, Op] = {}
        self._survey(function.body)

    def _survey(self, block: Block) -> None:
        self.home.update(dict.fromkeys(block.params, block))
        for k, op in enumerate(block.ops):
            self.place[op] = block, k
            for result in op.results:
                self.home[result], self.maker[result] = block, op
            for inner in op.blocks:
                self.around[inner] = op
                self._survey(inner)

    def ordered(self, values: Iterable[Value]) -> list[Value]:
        """Values as the function defines them in order, so that the text is always the same."""
        order = {value: k for k, value in enumerate(self.home)}
        return sorted(values, key=lambda value: order.get(value, -1))

    def insert(self, block: Block, at: int, copied: Op) -> Function:
        """Put a copy into a block, for all that follows to read."""
        table = {copied.args[0]: copied.result}
        ops = (*block.ops[:at], copied, *(substitute_op(op, table) for op in block.ops[at:]))
        results = tuple(substitute(r, table) for r in block.results)
        return self.replaced(block, Block(block.params, ops, results))

    def retarget(self, last: Op, copied: Op) -> Function:
        """Put a copy before an update, which alone writes to it."""
        nest = self.nests.of.get(last)
        table = {copied.args[0]: copied.result}
        members = {last} if nest is None else {last, *nest.inner, *nest.path}
        block, _ = self.place[last]
        at = min(self.place[op][1] for op in members)
        ops = (
            self._target(op, table) if op is last else substitute_op(op, table)
            for op in block.ops[at:]
        )
        new = [o if op in members else op for o, op in zip(ops, block.ops[at:], strict=True)]
        return self.replaced(
            block, Block(block.params, (*block.ops[:at], copied, *new), block.results)
        )

    def _target(self, op: Op, table: Substitution) -> Op:
        """The op with another target; what else it reads stays."""
        return replace(op, args=(substitute(op.args[0], table), *op.args[1:]))

    def before(self, op: Op, copied: Op) -> Function:
        """Put a copy before an op, for all to read that follows, but what the op itself overwrites."""
        block, k = self.place[op]
        table = {copied.args[0]: copied.result}
        blocks = op.blocks
        if op.primitive in LOOPS:
            blocks = tuple(substitute_block(b, table) for b in op.blocks)
        rest = (substitute_op(o, table) for o in block.ops[k + 1 :])
        ops = (*block.ops[:k], copied, replace(op, blocks=blocks), *rest)
        results = tuple(substitute(r, table) for r in block.results)
        return self.replaced(block, Block(block.params, ops, results))

    def init(self, loop: Loop, j: int, copied: Op) -> Function:
        """Put a copy before a loop, which starts one of its carried values with it."""
        block, k = self.place[loop.op]
        j += len(loop.op.args) - loop.width
        args = tuple(copied.result if i == j else a for i, a in enumerate(loop.op.args))
        ops = (*block.ops[:k], copied, replace(loop.op, args=args), *block.ops[k + 1 :])
        return self.replaced(block, Block(block.params, ops, block.results))

    def result(self, block: Block, j: int, copied: Op) -> Function:
        """Put a copy at the end of a block, which hands it on as one of its results."""
        results = tuple(copied.result if i == j else r for i, r in enumerate(block.results))
        return self.replaced(block, Block(block.params, (*block.ops, copied), results))

    def replaced(self, old: Block, new: Block) -> Function:
        def visit(block: Block) -> Block:
            if block is old:
                return new
            ops = tuple(
                replace(op, blocks=tuple(map(visit, op.blocks))) if op.blocks else op
                for op in block.ops
            )
            return Block(block.params, ops, block.results)

        return replace(self.function, body=visit(self.function.body))


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A place into which a value goes, and what fills it with a copy instead."""

    value: Value
    filled: Callable[[Op], Function]


def ask(op: Op, old: Value, new: Value) -> Op:
    """The op, asking of another value where it asks for the shape alone."""
    if op.blocks:
        blocks = tuple(
            Block(b.params, tuple(ask(o, old, new) for o in b.ops), b.results) for b in op.blocks
        )
        same = all(a.ops == b.ops for a, b in zip(blocks, op.blocks, strict=True))
        return op if same else replace(op, blocks=blocks)
    k = SHAPE_ONLY.get(op.primitive.function)
    if k is None or len(op.args) <= k or op.args[k] is not old:
        return op
    return replace(op, args=tuple(new if i == k else a for i, a in enumerate(op.args)))


def copy_of(value: Value, maker: Op | None, deep: bool, unbound: bool = False) -> Op:
    """An op that copies a value: what it holds, too, if `deep`; one that may be `unbound` stays so."""
    kind = value.facts.kind
    function: object = np.copy
    if unbound or kind == "opaque" or (kind == "unknown" and not _is_array(maker)):
        function = runtime.copied  # which leaves numbers, and None, as they are
    elif kind in CONTAINERS:
        function = list if kind == "list" and not deep else runtime.copied
    made = registry.find(function)
    assert made is not None
    return Op(made, (value,), (Value(value.hint, value.facts),), attrs={"array": True})


def _is_array(maker: Op | None) -> bool:
    """Whether what is copied, of an unknown kind, must be an array: because it is written to."""
    if maker is None:
        return True
    parts = _parts(maker.args[1]) if maker.primitive.function is operator.getitem else ()
    return any(isinstance(part, slice) for part in parts)


def _parts(index: Arg) -> tuple[Arg, ...]:
    return index if isinstance(index, tuple) else (index,)
