"""Reads what a loop has kept where it stands: what was the same in every round needs no list."""

from __future__ import annotations

import operator
from dataclasses import replace

from ..ir.graph import LOOPS, UNDEFINED, Arg, Block, Function, Loop, Op, Value, values_in, walk
from ..ir.rewrite import map_bodies, substitute, substitute_op

# What each round of a loop has put into a list, and what that loop has defined.
Kept = tuple[Arg, set[Value]]


def read_where_made(function: Function) -> Function:
    """The function in which the entries of loops' lists that no round has changed are read directly."""
    return map_bodies(function, lambda body: _block(body, {}, {}))


def _block(block: Block, kept: dict[Value, Kept], table: dict[Value, Arg]) -> Block:
    ops: list[Op] = []
    for op in block.ops:
        op = substitute_op(op, table)
        if op.blocks:
            blocks = tuple(_block(inner, kept, table) for inner in op.blocks)
            op = replace(op, blocks=blocks)
            if op.primitive in LOOPS:
                _note(Loop(op), kept)
        elif op.ours and op.primitive.function is operator.getitem:
            _read(op, kept, table)
            if op.result in table:
                continue
        ops.append(op)
    return Block(block.params, tuple(ops), tuple(substitute(r, table) for r in block.results))


def _note(loop: Loop, kept: dict[Value, Kept]) -> None:
    if not loop.stacks:
        return
    made = {v for block in loop.op.blocks for v in block.params}
    for op in walk(loop.body):
        made.update(op.results)
        made.update(v for block in op.blocks for v in block.params)
    for stack, entry in zip(loop.stacks, loop.entries, strict=True):
        kept[stack] = entry, made


def _read(op: Op, kept: dict[Value, Kept], table: dict[Value, Arg]) -> None:
    """What an entry is: the same in all rounds, or a list of a loop inside, of which to read more."""
    source, index = op.args[:2]
    if not isinstance(source, Value) or source not in kept or isinstance(index, slice):
        return
    entry, made = kept[source]
    if isinstance(entry, Value) and entry in kept:
        kept[op.result] = kept[entry][0], made | kept[entry][1]
    elif entry is not UNDEFINED and made.isdisjoint(values_in(entry)):
        table[op.result] = entry
