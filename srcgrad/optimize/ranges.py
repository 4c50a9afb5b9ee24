"""Counts rounds by the range itself: in `for i in range(n)`, the element i is the index."""

from __future__ import annotations

import operator
from dataclasses import replace

from ..ir.graph import FOR, Arg, Block, Function, Op, Value
from ..ir.rewrite import map_bodies, substitute, substitute_op


def count_by_range(function: Function) -> Function:
    """The function in which `range(n)[k]` is k, and loops run n times over it and not its length."""
    return map_bodies(function, lambda body: _block(body, {}, {}, set()))


def _block(
    block: Block, stops: dict[Value, Arg], table: dict[Value, Arg], indices: set[Value]
) -> Block:
    """`stops` maps each range from zero to where it stops, and each of their lengths likewise."""
    ops: list[Op] = []
    for op in block.ops:
        if op.blocks:
            args = tuple(substitute(a, table) for a in op.args)
            if op.primitive is FOR and isinstance(args[0], Value):
                args = (stops.get(args[0], args[0]), *args[1:])
            if op.primitive is FOR:
                indices.add(op.blocks[0].params[0])  # never negative, unlike other integers
            kwargs = {k: substitute(a, table) for k, a in op.kwargs.items()}
            blocks = tuple(_block(b, stops, table, indices) for b in op.blocks)
            ops.append(replace(op, args=args, kwargs=kwargs, blocks=blocks))
            continue
        op = substitute_op(op, table)
        function, first = op.primitive.function, op.args[0] if op.args else None
        if function is range and len(op.args) == 1:
            stops[op.result] = first
        elif isinstance(first, Value) and first in stops:
            if function is len:
                stops[op.result] = stops[first]
            elif function is operator.getitem and _one_of(op.args[1], indices):
                index: Value = op.args[1]
                index.hint = index.hint or op.result.hint
                table[op.result] = index
                continue
        ops.append(op)
    return Block(block.params, tuple(ops), tuple(substitute(r, table) for r in block.results))


def _one_of(arg: Arg, values: set[Value]) -> bool:
    return isinstance(arg, Value) and arg in values
