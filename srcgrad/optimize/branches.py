"""Removes branches that decide nothing: both sides alike, or a condition spelt out."""

from __future__ import annotations

from dataclasses import replace

from ..ir.graph import IF, LOOPS, Arg, Block, Function, Loop, Op, Value, operands, values_in
from ..ir.rewrite import map_bodies, substitute, substitute_op


def tidy_branches(function: Function) -> Function:
    """The function without results of branches that are the same, or the condition, on both sides."""

    def transform(body: Block) -> Block:
        flags: dict[Value, bool] = {}
        _only_flags(body, flags)
        return _block(body, {}, flags)

    return map_bodies(function, transform)


def _only_flags(block: Block, flags: dict[Value, bool]) -> None:
    """Note for each value whether nothing but a decision reads it, so that any true value will do."""
    for op in block.ops:
        decides = {op.args[0]} if op.primitive is IF and isinstance(op.args[0], Value) else set()
        for value in operands(op):
            flags[value] = flags.get(value, True) and value in decides
        for inner in op.blocks:
            _only_flags(inner, flags)
        if op.primitive in LOOPS:
            loop = Loop(op)
            if isinstance(loop.stop, Value):
                flags.setdefault(loop.stop, True)
            rest = loop.body.results[:-1] if loop.stops else loop.body.results
            for value in values_in(rest):
                flags[value] = False
        else:
            for inner in op.blocks:
                for value in values_in(inner.results):
                    flags[value] = False


def _block(block: Block, table: dict[Value, Arg], flags: dict[Value, bool]) -> Block:
    ops: list[Op] = []
    for op in block.ops:
        if op.blocks:
            args = tuple(substitute(a, table) for a in op.args)
            kwargs = {k: substitute(a, table) for k, a in op.kwargs.items()}
            blocks = tuple(_block(b, table, flags) for b in op.blocks)
            op = replace(op, args=args, kwargs=kwargs, blocks=blocks)
        else:
            op = substitute_op(op, table)
        if op.primitive is IF:
            for k, result in enumerate(op.results):
                same = _decided(op, k, flags)
                if same is not None:
                    table[result] = same
        ops.append(op)
    return Block(block.params, tuple(ops), tuple(substitute(r, table) for r in block.results))


def _decided(op: Op, k: int, flags: dict[Value, bool]) -> Arg | None:
    yes, no = (b.results[k] for b in op.blocks)
    condition = op.args[0]
    if yes is True and no is False and isinstance(condition, Value):
        if condition.facts.kind == "bool" or flags.get(op.results[k], False):
            return condition
        return None
    own = {r for b in op.blocks for o in b.ops for r in o.results}
    if yes is no and isinstance(yes, Value) and yes not in own:
        return yes
    return None
