"""Removes what nobody reads: ops, results of branches, carried and stacked values of loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..ir.graph import (
    BRANCHES,
    CUSTOM,
    LOOPS,
    Arg,
    Block,
    Function,
    Loop,
    Op,
    Value,
    operands,
    values_in,
)
from ..ir.rewrite import has_effect, map_bodies, substitute, substitute_op


def eliminate(function: Function) -> Function:
    """The function without dead code."""
    return map_bodies(function, lambda body: _block(body, set())[0])


def _block(block: Block, live: set[Value]) -> tuple[Block, set[Value]]:
    """The live part of a block, and the values that it reads from outside or as parameters."""
    live = {*live, *values_in(block.results)}
    kept: list[Op] = []
    for op in reversed(block.ops):
        if live.isdisjoint(op.results) and not has_effect(op):
            continue
        op, read = _op(op, live)
        live.difference_update(op.results)
        live |= read
        kept.append(op)
    return Block(block.params, tuple(reversed(kept)), block.results), live


def _op(op: Op, live: set[Value]) -> tuple[Op, set[Value]]:
    if op.primitive in BRANCHES:
        op = _branch(op, live)
    elif op.primitive in LOOPS:
        op = _loop(op, live)
    read = set(operands(op))
    blocks = []
    for block in op.blocks:
        inner, inside = _block(block, set())
        blocks.append(inner)
        read |= inside - set(block.params)
    return replace(op, blocks=tuple(blocks)) if blocks else op, read


def _branch(op: Op, live: set[Value]) -> Op:
    keep = [k for k, r in enumerate(op.results) if r in live]
    if len(keep) == len(op.results) or op.primitive is CUSTOM:
        return op
    blocks = tuple(Block(b.params, b.ops, tuple(b.results[k] for k in keep)) for b in op.blocks)
    return replace(op, blocks=blocks, results=tuple(op.results[k] for k in keep))


def _loop(op: Op, live: set[Value]) -> Op:
    loop = Loop(op)
    stacks = [k for k, s in enumerate(loop.stacks) if s in live]
    order = sorted(carried_for(loop, {k for k, f in enumerate(loop.finals) if f in live}, stacks))
    if len(order) == loop.width and len(stacks) == len(loop.stacks):
        return op

    def pick(items: Sequence[Arg]) -> tuple[Arg, ...]:
        return tuple(items[k] for k in order)

    stop = (loop.stop,) if loop.stops else ()
    body = Block(
        (loop.index, *pick(loop.carried)),
        loop.body.ops,
        (*pick(loop.yields), *(loop.entries[k] for k in stacks), *stop),
    )
    blocks: tuple[Block, ...] = (body,)
    if loop.test is not None:
        test = loop.test
        blocks = (Block(pick(test.params), test.ops, test.results), body)
    count = () if loop.count is None else (loop.count,)
    results = (*pick(loop.finals), *(loop.stacks[k] for k in stacks))
    return replace(op, args=(*count, *pick(loop.inits)), blocks=blocks, results=results)


def carried_for(loop: Loop, wanted: set[int], stacks: Sequence[int]) -> set[int]:
    """The places of the values that a loop has to carry to have those at the wanted ones, and stacks."""
    carried = set(wanted)
    while True:
        needed = _reads_of(loop, carried, stacks)
        more = {k for k, p in enumerate(loop.carried) if p in needed}
        if loop.test is not None:
            tested = _block(loop.test, set())[1]
            more |= {k for k, p in enumerate(loop.test.params) if p in tested}
        if more <= carried:
            return carried
        carried |= more


def _reads_of(loop: Loop, carried: set[int], stacks: Sequence[int]) -> set[Value]:
    results = (
        *(loop.yields[k] for k in sorted(carried)),
        *(loop.entries[k] for k in stacks),
        loop.stop,
    )
    return _block(Block(loop.body.params, loop.body.ops, results), set())[1]


def hoist_invariants(function: Function) -> Function:
    """The function with carried values that no round changes read from outside instead."""
    return map_bodies(function, lambda body: _hoist(body, {}))


def _hoist(block: Block, table: dict[Value, Arg]) -> Block:
    ops: list[Op] = []
    for op in block.ops:
        if op.blocks:
            op = substitute_op(op, table)
            op = replace(op, blocks=tuple(_hoist(b, table) for b in op.blocks))
            if op.primitive in LOOPS:
                op = _drop_invariants(op, table)
        else:
            op = substitute_op(op, table)
        ops.append(op)
    return Block(block.params, tuple(ops), tuple(substitute(r, table) for r in block.results))


def _drop_invariants(op: Op, table: dict[Value, Arg]) -> Op:
    loop = Loop(op)
    fixed = [k for k, (p, y) in enumerate(zip(loop.carried, loop.yields, strict=True)) if y is p]
    if not fixed:
        return op
    inner: dict[Value, Arg] = {}
    for k in fixed:
        inner[loop.carried[k]] = loop.inits[k]
        table[loop.finals[k]] = loop.inits[k]
        if loop.test is not None:
            inner[loop.test.params[k]] = loop.inits[k]
    order = [k for k in range(loop.width) if k not in fixed]
    body = Block(
        (loop.index, *(loop.carried[k] for k in order)),
        tuple(substitute_op(o, inner) for o in loop.body.ops),
        (
            *(substitute(loop.yields[k], inner) for k in order),
            *(substitute(r, inner) for r in loop.body.results[loop.width :]),
        ),
    )
    blocks: tuple[Block, ...] = (body,)
    if loop.test is not None:
        test = loop.test
        blocks = (
            Block(
                tuple(test.params[k] for k in order),
                tuple(substitute_op(o, inner) for o in test.ops),
                tuple(substitute(r, inner) for r in test.results),
            ),
            body,
        )
    count = () if loop.count is None else (loop.count,)
    return replace(
        op,
        args=(*count, *(loop.inits[k] for k in order)),
        blocks=blocks,
        results=(*(loop.finals[k] for k in order), *loop.stacks),
    )
