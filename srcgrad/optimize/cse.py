"""Computes once what the backward sweep would compute again: common subexpressions."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np

from ..ir.graph import Arg, Block, Function, Op, Value
from ..ir.rewrite import map_bodies, substitute, substitute_op

# Not worth a name: views and questions about shapes cost nothing to ask again. And what makes fresh
# memory must stay apart, as it will be written to.
CHEAP: frozenset[Any] = frozenset(
    {
        operator.getitem, np.transpose, np.shape, np.size, np.ndim, np.reshape, np.ravel,
        np.expand_dims, np.squeeze, np.broadcast_to, np.swapaxes, builtins.len, getattr,
        np.errstate, operator.neg,
    }
)  # fmt: skip
MAKES_MEMORY = frozenset({"zeros_like", "ones_like", "full_like", "zeros", "ones", "full", "copy"})


def share(function: Function) -> Function:
    """The function in which adjoint ops that repeat an earlier op read its result instead.

    The user's own lines are left as they stand, repetitions and all.
    """
    return map_bodies(function, lambda body: _block(body, {}, {}))


def _block(block: Block, known: dict[Hashable, Value], table: dict[Value, Arg]) -> Block:
    known = dict(known)
    ops: list[Op] = []
    for op in block.ops:
        op = substitute_op(op, table) if not op.blocks else _control(op, known, table)
        key = _key(op)
        if key is not None:
            earlier = known.get(key)
            if earlier is not None and op.ours:
                table[op.result] = earlier
                continue
            known.setdefault(key, op.result)
        ops.append(op)
    return Block(block.params, tuple(ops), tuple(substitute(r, table) for r in block.results))


def _control(op: Op, known: dict[Hashable, Value], table: dict[Value, Arg]) -> Op:
    args = tuple(substitute(a, table) for a in op.args)
    kwargs = {k: substitute(a, table) for k, a in op.kwargs.items()}
    blocks = tuple(_block(b, known, table) for b in op.blocks)
    return replace(op, args=args, kwargs=kwargs, blocks=blocks)


def _key(op: Op) -> Hashable | None:
    function = op.primitive.function
    if op.blocks or op.primitive.effect or len(op.results) != 1 or function in CHEAP:
        return None
    if getattr(function, "__name__", "") in MAKES_MEMORY:
        return None
    try:
        return (op.primitive, _frozen(op.args), _frozen(dict(op.kwargs)))
    except TypeError:
        return None


def _frozen(arg: Arg) -> Hashable:
    if isinstance(arg, Value):
        return arg
    if isinstance(arg, tuple | list):
        return (type(arg), *map(_frozen, arg))
    if isinstance(arg, dict):
        return (dict, *((k, _frozen(v)) for k, v in arg.items()))
    if isinstance(arg, slice):
        return (slice, _frozen(arg.start), _frozen(arg.stop), _frozen(arg.step))
    hash(arg)
    return (type(arg), repr(arg) if isinstance(arg, float) else arg)
