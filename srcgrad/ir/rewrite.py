"""Builds changed copies of blocks: substitution of values, renewal of a block's own values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from .graph import Arg, Block, Function, Op, Value, map_values, reads, values_in

Substitution = Mapping[Value, Arg]


def substitute(arg: Arg, table: Substitution) -> Arg:
    """An argument with the values of `table` replaced."""
    return map_values(lambda v: table.get(v, v), arg)


def substitute_op(op: Op, table: Substitution) -> Op:
    """An op that reads the replacements instead; the same op where nothing changes."""
    if not table or table.keys().isdisjoint(reads(op)):
        return op
    args = tuple(substitute(a, table) for a in op.args)
    kwargs = {k: substitute(a, table) for k, a in op.kwargs.items()}
    blocks = tuple(substitute_block(b, table) for b in op.blocks)
    return replace(op, args=args, kwargs=kwargs, blocks=blocks)


def substitute_block(block: Block, table: Substitution) -> Block:
    """A block whose free values are replaced."""
    if not table:
        return block
    ops = tuple([substitute_op(op, table) for op in block.ops])
    return Block(block.params, ops, tuple(substitute(r, table) for r in block.results))


def renew_block(block: Block, table: dict[Value, Arg] | None = None) -> Block:
    """A copy in which every value that the block defines is new, so that it may stand twice."""
    table = dict(table or {})

    def fresh(values: Sequence[Value]) -> tuple[Value, ...]:
        made = tuple(Value(v.hint, v.facts) for v in values)
        table.update(zip(values, made, strict=True))
        return made

    params = fresh(block.params)
    ops = []
    for op in block.ops:
        args = tuple(substitute(a, table) for a in op.args)
        kwargs = {k: substitute(a, table) for k, a in op.kwargs.items()}
        blocks = tuple(renew_block(b, table) for b in op.blocks)
        ops.append(replace(op, args=args, kwargs=kwargs, blocks=blocks, results=fresh(op.results)))
    return Block(params, tuple(ops), tuple(substitute(r, table) for r in block.results))


def map_bodies(function: Function, transform: Callable[[Block], Block]) -> Function:
    """The function with `transform` applied to its body and to those of its callees."""
    callees: dict[str, Function] = {}
    changed = replace(function, body=transform(function.body), callees=callees)
    for name, callee in function.callees.items():
        if callee is function:
            callees[name] = changed
        else:
            callees[name] = replace(callee, body=transform(callee.body), callees=callees)
    return changed


def as_primal(block: Block) -> Block:
    """The block with nothing marked as belonging to a backward sweep: to be differentiated itself."""
    ops = tuple(
        replace(op, adjoint=False, derived=op.ours, blocks=tuple(map(as_primal, op.blocks)))
        for op in block.ops
    )
    return Block(block.params, ops, block.results)


def defined_in(block: Block) -> set[Value]:
    """The values that a block defines itself, those of inner blocks left out."""
    return {*block.params, *(r for op in block.ops for r in op.results)}


def has_effect(op: Op) -> bool:
    """Whether an op, or one in its blocks, must run even if nobody reads its results."""
    fails = bool(op.attrs.get("fails"))
    return op.primitive.effect or fails or any(has_effect(o) for b in op.blocks for o in b.ops)


def prune(block: Block) -> Block:
    """The block without ops whose results nobody reads."""
    live: set[Value] = set(values_in(block.results))
    kept: list[Op] = []
    for op in reversed(block.ops):
        if has_effect(op) or any(r in live for r in op.results):
            kept.append(op)
            live.update(reads(op))
    if len(kept) == len(block.ops):
        return block
    return Block(block.params, tuple(reversed(kept)), block.results)
