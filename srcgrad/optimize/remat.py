"""Chooses, for each value that a reversed loop reads, between keeping it and computing it again.

A stack costs memory per round. What is cheap to compute from the loop index, from values outside the
loop and from what is kept anyway is computed again where it is read.
"""

from __future__ import annotations

import builtins
import operator
from dataclasses import replace
from typing import Any

import numpy as np

from ..ir.build import Builder
from ..ir.graph import LOOPS, Arg, Block, Function, Loop, Op, Value, operands
from ..ir.rewrite import map_bodies, substitute, substitute_op

# Questions and views: as cheap as reading the stack.
FREE: frozenset[Any] = frozenset(
    {
        np.shape, np.size, np.ndim, np.transpose, np.reshape, np.ravel, np.expand_dims,
        np.squeeze, np.swapaxes, builtins.len, builtins.range, getattr, operator.neg,
    }
)  # fmt: skip
# One pass over operands that are at hand costs no more than writing and reading a copy would.
ONE_PASS: frozenset[Any] = frozenset({operator.add, operator.sub, operator.mul, operator.truediv})


def rematerialize(function: Function) -> Function:
    """The function whose loops keep no more than its backward sweep cannot cheaply have."""
    return map_bodies(function, lambda body: _block(body, {}))


def _block(block: Block, makers: dict[Value, Op]) -> Block:
    makers = dict(makers)
    for op in block.ops:
        if op.primitive in LOOPS:
            for stack in Loop(op).stacks:
                makers[stack] = op
    kept = _kept_entries(block, makers)
    return _rewrite(block, makers, kept, {})


def _stack_reads(block: Block, makers: dict[Value, Op], found: dict[Op, set[Value]]) -> None:
    for op in block.ops:
        if op.primitive.function is operator.getitem and op.args[0] in makers:
            stack = op.args[0]
            found.setdefault(makers[stack], set()).add(stack)
        for inner in op.blocks:
            _stack_reads(inner, makers, found)


def _kept_entries(block: Block, makers: dict[Value, Op]) -> dict[Op, set[Value]]:
    """For each loop, the values of its body that stay on a stack."""
    reads: dict[Op, set[Value]] = {}
    _stack_reads(block, makers, reads)
    kept: dict[Op, set[Value]] = {}
    for maker, stacks in reads.items():
        loop = Loop(maker)
        wanted = {
            entry
            for stack, entry in zip(loop.stacks, loop.entries, strict=True)
            if stack in stacks and isinstance(entry, Value)
        }
        kept[maker] = _choose(loop, wanted)
    return kept


def _choose(loop: Loop, wanted: set[Value]) -> set[Value]:
    own = {*loop.body.params, *(r for op in loop.body.ops for r in op.results)}
    defined = {r: op for op in loop.body.ops for r in op.results}
    kept = {v for v in wanted if v in loop.carried}

    def at_hand(value: Value, passes: int = 1) -> bool:
        """Whether a value can be had again with at most so many passes over arrays."""
        if value not in own or value is loop.index or value in kept:
            return True
        op = defined.get(value)
        if op is None or not _cheap(op):
            return False
        if op.primitive.function in ONE_PASS:
            passes -= 1
        return passes >= 0 and all(at_hand(v, passes) for v in operands(op))

    for op in loop.body.ops:
        for result in op.results:
            if result in wanted and not at_hand(result):
                kept.add(result)
    return kept


def _cheap(op: Op) -> bool:
    if op.blocks or op.primitive.effect:
        return False
    function = op.primitive.function
    if function is operator.getitem:
        return _is_view(op)
    return function in FREE or function in ONE_PASS


def _is_view(op: Op) -> bool:
    """Whether a subscript only looks: no list or array of indices in it."""
    index = op.args[1]
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        not isinstance(p, list | np.ndarray)
        and not (isinstance(p, Value) and p.facts.kind not in ("int", "str"))
        for p in parts
    )


class _Reader:
    """Recomputes entries of one loop at one index, each at most once in a block."""

    def __init__(self, loop: Loop, index: Arg, kept: set[Value], builder: Builder) -> None:
        self.loop, self.index, self.kept, self.builder = loop, index, kept, builder
        self.defined = {r: op for op in loop.body.ops for r in op.results}
        self.own = {*loop.body.params, *self.defined}
        self.table: dict[Value, Arg] = {loop.index: index}
        self.stack_of = {
            entry: stack
            for stack, entry in zip(loop.stacks, loop.entries, strict=True)
            if isinstance(entry, Value)
        }

    def value(self, value: Value, getitem: Op) -> Arg:
        if value not in self.own:
            return value
        if value not in self.table:
            if value in self.kept:
                stack = self.stack_of[value]
                self.table[value] = self.builder.emit(
                    getitem.primitive, (stack, self.index), hint=value.hint, facts=value.facts
                )
            else:
                op = self.defined[value]
                for operand in operands(op):
                    self.value(operand, getitem)
                made = self.builder.emit(
                    op.primitive,
                    tuple(substitute(a, self.table) for a in op.args),
                    {k: substitute(a, self.table) for k, a in op.kwargs.items()},
                    facts=value.facts,
                    hint=value.hint,
                )
                self.table[value] = made
        return self.table[value]


def _rewrite(
    block: Block, makers: dict[Value, Op], kept: dict[Op, set[Value]], outer: dict[Value, Arg]
) -> Block:
    builder = Builder()
    table = dict(outer)
    readers: dict[tuple[Op, int], _Reader] = {}
    for op in block.ops:
        builder.location, builder.adjoint = op.location, op.adjoint
        if op.blocks:
            args = tuple(substitute(a, table) for a in op.args)
            blocks = tuple(_rewrite(b, {**makers}, kept, table) for b in op.blocks)
            # What a block computed again for its own reads stays inside it.
            builder.append(replace(op, args=args, blocks=tuple(_inner(b) for b in blocks)))
            continue
        op = substitute_op(op, table)
        maker = makers.get(op.args[0]) if op.args and isinstance(op.args[0], Value) else None
        if maker is None or op.primitive.function is not operator.getitem or maker not in kept:
            builder.append(_recount(op, makers, kept))
            continue
        index = op.args[1]
        key = (maker, id(index))
        if key not in readers:
            readers[key] = _Reader(Loop(maker), index, kept[maker], builder)
        entry = _entry(Loop(maker), op.args[0])
        if isinstance(entry, Value):
            table[op.result] = readers[key].value(entry, op)
        else:
            table[op.result] = entry
    return Block(
        block.params, tuple(builder.ops), tuple(substitute(r, table) for r in block.results)
    )


def _inner(block: Block) -> Block:
    """A block with its own loops treated in their turn."""
    return _block(block, {}) if any(op.primitive in LOOPS for op in block.ops) else block


def _entry(loop: Loop, stack: Value) -> Arg:
    return loop.entries[loop.stacks.index(stack)]


def _recount(op: Op, makers: dict[Value, Op], kept: dict[Op, set[Value]]) -> Op:
    """Let a count of rounds ask a stack that stays."""
    if op.primitive.function is not len or op.args[0] not in makers:
        return op
    maker = makers[op.args[0]]
    loop = Loop(maker)
    for stack, entry in zip(loop.stacks, loop.entries, strict=True):
        if isinstance(entry, Value) and entry in kept.get(maker, ()):
            return replace(op, args=(stack,))
    return op
