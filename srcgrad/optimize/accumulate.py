"""Joins what reversing a write does to an adjoint: zero an entry, add elsewhere, add to the entry again.

`A[i] = f(A[i], ...)` is reversed by taking the cotangent of the entry, zeroing it, and adding what comes
back. The zeros are not needed where something is added to the very entry afterwards, and where that is
what stood there, the entry stays as it is.
"""

from __future__ import annotations

import operator
from dataclasses import replace

import numpy as np

from .. import runtime
from ..ir.graph import Arg, Block, Function, Op, Value, reads, values_in
from ..ir.rewrite import map_bodies, substitute, substitute_op
from ..ops import registry


def accumulate(function: Function) -> Function:
    """The function whose adjoints are overwritten where they would be zeroed and added to."""
    return map_bodies(function, _block)


def _block(block: Block) -> Block:
    ops = [
        replace(op, blocks=tuple(_block(b) for b in op.blocks)) if op.blocks else op
        for op in block.ops
    ]
    table: dict[Value, Arg] = {}
    while True:
        found = _find(ops, block.results)
        if found is None:
            break
        ops = _joined(ops, *found, table)
    results = tuple(substitute(r, table) for r in block.results)
    return Block(block.params, tuple(ops), results)


def _find(ops: list[Op], results: tuple[Arg, ...]) -> tuple[Op, list[Op]] | None:
    """A write of zeros, and the additions after it, of which the last is to the same entry."""
    if not any(_zeroes(op, {}) for op in ops if op.primitive.function is runtime.setitem):
        zeros = {o.result: o for o in ops if o.primitive.function in _ZEROS}
        if not zeros:
            return None
    made = {r: op for op in ops for r in op.results}
    readers: dict[Value, list[Op | None]] = {}
    for op in ops:
        for value in reads(op):
            readers.setdefault(value, []).append(op)
    for value in values_in(list(results)):
        readers.setdefault(value, []).append(None)
    for op in ops:
        if op.primitive.function is runtime.setitem and op.ours and _zeroes(op, made):
            chain = _chain(op, readers)
            while chain and not _same(chain[-1].args[1], op.args[1]):
                chain.pop()
            if chain and _once(op.args[1]):
                return op, chain
    return None


def _chain(op: Op, readers: dict[Value, list[Op | None]]) -> list[Op]:
    """The additions that follow a write, each of which alone reads what the one before has left."""
    chain: list[Op] = []
    while len(readers.get(op.result, ())) == 1:
        after = readers[op.result][0]
        if after is None or after.primitive.function is not runtime.index_add:
            break
        if after.args[0] is not op.result:
            break
        chain.append(after)
        op = after
    return chain


_ZEROS = (runtime.zeros_like, np.zeros_like)


def _zeroes(op: Op, made: dict[Value, Op]) -> bool:
    value = op.args[2]
    if isinstance(value, Value):
        maker = made.get(value)
        return maker is not None and maker.primitive.function in _ZEROS
    return isinstance(value, float) and value == 0.0


def _same(a: Arg, b: Arg) -> bool:
    """Whether two indices are known to be one."""
    if isinstance(a, Value) or isinstance(b, Value):
        return a is b
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, slice):
        return all(map(_same, (a.start, a.stop, a.step), (b.start, b.stop, b.step)))
    return isinstance(a, int | str | None | type(Ellipsis)) and bool(a == b)


def _once(index: Arg) -> bool:
    """Whether an index names no entry twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        v.facts.kind in ("int", "str") or v.facts.dtype == "bool"
        for p in parts
        for v in values_in(p)
    ) and not any(isinstance(p, list | np.ndarray) for p in parts)


def _joined(ops: list[Op], zeroing: Op, chain: list[Op], table: dict[Value, Arg]) -> list[Op]:
    """The ops with the chain replaced, where its last op stood, by what it comes to."""
    target, index = zeroing.args[:2]
    last, gone = chain[-1], {zeroing, *chain}
    made = {r: op for op in ops for r in op.results}
    # What is added to the entry itself comes first: then the others need not spare what they read of it.
    same = [op for op in chain if _same(op.args[1], index)]
    stays = next((op for op in same if _stood_there(made.get(op.args[2]), target, index)), None)
    if stays is None:
        primitive = registry.PRIMITIVES[runtime.setitem]
        same[0] = replace(same[0], primitive=primitive)
    else:
        same.remove(stays)
    new: list[Op] = []
    at = target
    order = [*same, *(op for op in chain if not _same(op.args[1], index))]
    for op in order:
        result = last.result if op is order[-1] else Value(op.result.hint, op.result.facts)
        new.append(replace(op, args=(at, *op.args[1:]), results=(result,)))
        at = result
    done: list[Op] = []
    renamed: dict[Value, Arg] = {}
    if at is target:
        renamed[last.result] = target
        table[last.result] = target
    for op in ops:
        if op is last:
            done.extend(new)
        elif op not in gone:
            done.append(substitute_op(op, renamed))
    for value, arg in list(table.items()):
        table[value] = substitute(arg, renamed)
    return done


def _stood_there(op: Op | None, target: Arg, index: Arg) -> bool:
    """Whether a value is what stood at an index of an array all along."""
    return (
        op is not None
        and op.primitive.function is operator.getitem
        and op.args[0] is target
        and _same(op.args[1], index)
    )
