"""Chooses anew what a loop keeps for its reverse, once simplification shows what that still reads."""

from __future__ import annotations

import operator
from dataclasses import replace

from ..autodiff.residuals import Residuals
from ..ir.build import Builder
from ..ir.graph import LOOPS, Arg, Block, Function, Loop, Op, Value, values_in
from ..ir.rewrite import map_bodies, substitute, substitute_op


def rematerialize(function: Function) -> Function:
    """The function whose loops keep no more than its backward sweep cannot cheaply have."""
    return map_bodies(function, _block)


def _block(block: Block) -> Block:
    makers: dict[Value, Loop] = {}
    for op in block.ops:
        if op.primitive in LOOPS:
            makers.update(dict.fromkeys(Loop(op).stacks, Loop(op)))
    reads: dict[Op, set[Value]] = {}
    _stack_reads(block, makers, reads)
    residuals: dict[Op, Residuals] = {}
    for maker, wanted in reads.items():
        loop = Loop(maker)
        residuals[maker] = Residuals(loop.index, loop.carried, loop.body.ops, wanted)
    changed = _rewrite(block, makers, residuals, {})
    ops = tuple(
        replace(op, blocks=tuple(_block(b) for b in op.blocks)) if op.blocks else op
        for op in changed.ops
    )
    return Block(changed.params, ops, changed.results)


def _entry(loop: Loop, stack: Value) -> Arg:
    return loop.entries[loop.stacks.index(stack)]


def _read_stack(op: Op, makers: dict[Value, Loop]) -> Loop | None:
    """The loop of which an op reads one round's entry back; None for any other op."""
    if op.primitive.function is not operator.getitem or not isinstance(op.args[0], Value):
        return None
    index = op.args[1]
    if isinstance(index, Value) and index.facts.kind == "int":
        loop = makers.get(op.args[0])
        # An entry that is a structure is read as one: it may be what the user made.
        if loop is not None and isinstance(_entry(loop, op.args[0]), Value):
            return loop
    return None


def _stack_reads(block: Block, makers: dict[Value, Loop], found: dict[Op, set[Value]]) -> None:
    """For each loop, which values of its body are read back from its stacks."""
    for op in block.ops:
        loop = _read_stack(op, makers)
        if loop is not None:
            wanted = found.setdefault(loop.op, set())
            wanted.update(values_in(_entry(loop, op.args[0])))
        for inner in op.blocks:
            _stack_reads(inner, makers, found)


def _rewrite(
    block: Block,
    makers: dict[Value, Loop],
    residuals: dict[Op, Residuals],
    outer: dict[Value, Arg],
) -> Block:
    builder = Builder()
    table = dict(outer)
    tables: dict[tuple[Op, int], dict[Value, Arg]] = {}
    for op in block.ops:
        builder.location, builder.adjoint = op.location, op.adjoint
        if op.blocks:
            args = tuple(substitute(a, table) for a in op.args)
            kwargs = {k: substitute(a, table) for k, a in op.kwargs.items()}
            blocks = tuple(_rewrite(b, makers, residuals, table) for b in op.blocks)
            builder.append(replace(op, args=args, kwargs=kwargs, blocks=blocks))
            continue
        op = substitute_op(op, table)
        loop = _read_stack(op, makers)
        if loop is None or loop.op not in residuals:
            builder.append(_recount(op, makers, residuals))
            continue
        entry = _entry(loop, op.args[0])
        known = tables.setdefault((loop.op, id(op.args[1])), {})
        _read(op, loop, entry, residuals[loop.op], builder, known)
        table[op.result] = known.get(entry, entry)
    return Block(
        block.params, tuple(builder.ops), tuple(substitute(r, table) for r in block.results)
    )


def _read(
    op: Op,
    loop: Loop,
    entry: Value,
    residuals: Residuals,
    builder: Builder,
    known: dict[Value, Arg],
) -> None:
    stacks = dict(zip(loop.entries, loop.stacks, strict=True))

    def read(value: Value) -> Arg:
        return builder.emit(
            op.primitive, (stacks[value], op.args[1]), hint=value.hint, facts=value.facts
        )

    known.setdefault(loop.index, op.args[1])
    residuals.recover([entry], read, builder, known)


def _recount(op: Op, makers: dict[Value, Loop], residuals: dict[Op, Residuals]) -> Op:
    """Let a count of rounds ask a stack that stays."""
    if op.primitive.function is not len or not isinstance(op.args[0], Value):
        return op
    loop = makers.get(op.args[0])
    if loop is None or loop.op not in residuals:
        return op
    for stack, entry in zip(loop.stacks, loop.entries, strict=True):
        if isinstance(entry, Value) and entry in residuals[loop.op].kept:
            return replace(op, args=(stack,))
    return op
