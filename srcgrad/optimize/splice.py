"""Puts the ops of checkpointed blocks where the blocks stand, once nothing looks for repetitions.

Until then the blocks keep what is computed a second time from being taken for what came first. What
such a block makes and nobody names is marked: the next block may reuse its names, so that the memory
of one block is let go of while the next is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..ir.graph import CHECKPOINT, CUSTOM, Arg, Block, Function, Op, Primitive, Value
from ..ir.rewrite import map_bodies, substitute, substitute_op


def splice_checkpoints(function: Function) -> Function:
    """The function without checkpointed blocks: their ops stand in the blocks around them."""
    return map_bodies(function, lambda body: _block(body, {}, CHECKPOINT, {"spliced": True}))


def splice_custom(function: Function) -> Function:
    """The function without blocks that have a derivative of their own: of this nothing is asked now."""
    return map_bodies(function, lambda body: _block(body, {}, CUSTOM, {}))


def _block(
    block: Block, table: dict[Value, Arg], kind: Primitive, attrs: Mapping[str, Any]
) -> Block:
    ops: list[Op] = []
    for op in block.ops:
        op = substitute_op(op, table)
        if op.blocks:
            op = replace(op, blocks=tuple(_block(b, table, kind, attrs) for b in op.blocks))
        if op.primitive is not kind:
            ops.append(op)
            continue
        inner = op.blocks[0]
        ops.extend(replace(o, attrs={**o.attrs, **attrs}) if attrs else o for o in inner.ops)
        for result, given in zip(op.results, inner.results, strict=True):
            if isinstance(given, Value) and given.hint is None:
                given.hint = result.hint
            table[result] = given
    return Block(block.params, tuple(ops), tuple(substitute(r, table) for r in block.results))
