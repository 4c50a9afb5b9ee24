"""Asks the array that stood first for what writing leaves as it is: its shape, its length, zeros."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .. import runtime
from ..ir.graph import BRANCHES, LOOPS, Arg, Block, Function, Loop, Op, Value, operands
from ..ir.rewrite import map_bodies, substitute_op

# The position of the argument of which no entry is read.
ASKS = {
    np.shape: 0, np.ndim: 0, np.size: 0, len: 0, np.zeros_like: 0, runtime.zeros_like: 0,
    runtime.dtype_of: 0, runtime.unbroadcast: 1, np.full_like: 0,
}  # fmt: skip
_WRITES = (runtime.setitem, runtime.index_add)


def ask_origins(function: Function) -> Function:
    """The function in which no version of an array is asked for what the first one could tell."""
    return map_bodies(function, lambda body: _block(body, {}))


def _block(block: Block, origin: dict[Value, Value]) -> Block:
    ops: list[Op] = []
    asked: dict[Any, Value] = {}
    for op in block.ops:
        k = ASKS.get(op.primitive.function)
        if k is not None and len(op.args) > k and isinstance(op.args[k], Value):
            first = _first(op.args[k], origin)
            if first is not op.args[k]:
                args = tuple(first if i == k else a for i, a in enumerate(op.args))
                op = replace(op, args=args)
        elif op.primitive.function in _WRITES and _keeps_type(op):
            origin[op.result] = _first(op.args[0], origin)
        elif op.primitive in LOOPS:
            op = _loop(op, origin)
            op, moved = _without_questions(op)
            answered: dict[Value, Arg] = {}
            for question in moved:
                known = asked.get((question.primitive, *question.args))
                if known is None:
                    asked[question.primitive, *question.args] = question.result
                    ops.append(question)
                else:
                    answered[question.result] = known
            op = substitute_op(op, answered)
        elif op.primitive in BRANCHES:
            op = _branch(op, origin)
        if _is_question(op) and len(op.args) == 1:
            asked.setdefault((op.primitive, *op.args), op.result)
        ops.append(op)
    return Block(block.params, tuple(ops), block.results)


def _first(value: Value, origin: dict[Value, Value]) -> Value:
    while value in origin:
        value = origin[value]
    return value


def _keeps_type(op: Op) -> bool:
    target = op.args[0]
    if not isinstance(target, Value) or target.facts.kind not in ("array", "unknown"):
        return False
    return op.result.facts.dtype == target.facts.dtype


def _loop(op: Op, origin: dict[Value, Value]) -> Op:
    loop = Loop(op)
    inside = dict(origin)
    _block(loop.body, inside)
    for k, (param, given) in enumerate(zip(loop.carried, loop.yields, strict=True)):
        init: Arg = loop.inits[k]
        if isinstance(given, Value) and isinstance(init, Value) and _first(given, inside) is param:
            origin[param] = origin[loop.finals[k]] = _first(init, origin)
            if loop.test is not None:
                origin[loop.test.params[k]] = origin[param]
    return replace(op, blocks=tuple(_block(b, dict(origin)) for b in op.blocks))


def _without_questions(op: Op) -> tuple[Op, list[Op]]:
    """A loop without what each round asks of an array from outside, and these questions."""
    inside = {v for b in op.blocks for v in (*b.params, *(r for o in b.ops for r in o.results))}
    body = op.blocks[-1]
    moved = [o for o in body.ops if _is_question(o) and not inside.intersection(operands(o))]
    if not moved:
        return op, []
    gone = set(moved)
    kept = Block(body.params, tuple(o for o in body.ops if o not in gone), body.results)
    return replace(op, blocks=(*op.blocks[:-1], kept)), moved


def _is_question(op: Op) -> bool:
    """Whether an op asks an array for numbers alone, which are the same whenever it is asked."""
    if op.primitive.function not in (np.shape, np.ndim, np.size, len):
        return False
    return all(v.facts.kind == "array" for v in operands(op)) and bool(operands(op))


def _branch(op: Op, origin: dict[Value, Value]) -> Op:
    each = [dict(origin) for _ in op.blocks]
    blocks = tuple(_block(b, known) for b, known in zip(op.blocks, each, strict=True))
    for k, result in enumerate(op.results):
        found = {
            _first(b.results[k], known) if isinstance(b.results[k], Value) else None
            for b, known in zip(blocks, each, strict=True)
        }
        first = found.pop()
        made = {r for b in blocks for o in b.ops for r in o.results}
        if not found and first is not None and first not in made:
            origin[result] = _first(first, origin)
    return replace(op, blocks=blocks)
