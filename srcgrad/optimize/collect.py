"""Turns a list of zeros that a loop fills entry by entry into the list of what it fills in."""

from __future__ import annotations

from dataclasses import replace

from .. import runtime
from ..ir.graph import FOR, Arg, Block, Function, Loop, Op, Value, operands, values_in
from ..ir.rewrite import map_bodies

ZEROS = (runtime.zeros_like, runtime.zero_rows)


def collect_entries(function: Function) -> Function:
    """The function whose loops stack the cotangents of a list's entries.

    A loop that runs over all indices of a list and adds, in each round, to that entry alone of a list
    of zeros makes the list of what it adds.
    """
    return map_bodies(function, lambda body: _block(body, {}))


def _block(block: Block, definitions: dict[Value, Op]) -> Block:
    definitions = dict(definitions)
    ops: list[Op] = []
    for op in block.ops:
        if op.blocks:
            op = replace(op, blocks=tuple(_block(b, definitions) for b in op.blocks))
        if op.primitive is FOR:
            op = _collect(op, definitions)
        for result in op.results:
            definitions[result] = op
        ops.append(op)
    return Block(block.params, tuple(ops), block.results)


def _collect(op: Op, definitions: dict[Value, Op]) -> Op:
    loop = Loop(op)
    if loop.stops:
        return op
    for k in range(loop.width):
        entry = _entry(loop, k, definitions)
        if entry is not None:
            op = _stacked(loop, k, entry)
            return _collect(op, definitions)
    return op


def _entry(loop: Loop, k: int, definitions: dict[Value, Op]) -> Arg | None:
    """What each round adds to its entry of the k-th carried value, if that is all that happens."""
    param, given = loop.carried[k], loop.yields[k]
    start = definitions.get(loop.inits[k]) if isinstance(loop.inits[k], Value) else None
    made = next((o for o in loop.body.ops if given in o.results), None)
    if start is None or made is None or start.primitive.function not in ZEROS:
        return None
    if made.primitive.function is not runtime.index_add or made.args[:2] != (param, loop.index):
        return None
    like = start.args[0]
    if not isinstance(like, Value) or like.facts.kind != "list":
        return None
    if not _counts(loop.count, like, definitions):
        return None
    if _reads(loop.body, param) != 1 or _reads(loop.body, given) != 1:
        return None
    return made.args[2]


def _counts(count: Arg, like: Value, definitions: dict[Value, Op]) -> bool:
    """Whether a list has as many entries as this: it is counted, or a loop of as many rounds made it."""
    made = definitions.get(count) if isinstance(count, Value) else None
    if made is not None and made.primitive.function is len and made.args[0] is like:
        return True
    maker = definitions.get(like)
    if maker is None or maker.primitive is not FOR:
        return False
    return Loop(maker).count is count and not Loop(maker).stops and like in Loop(maker).stacks


def _reads(block: Block, value: Value) -> int:
    found = sum(v is value for v in values_in(block.results))
    for op in block.ops:
        found += sum(v is value for v in operands(op))
        found += sum(_reads(inner, value) for inner in op.blocks)
    return found


def _stacked(loop: Loop, k: int, entry: Arg) -> Op:
    op, body = loop.op, loop.body
    made = loop.yields[k]
    order = [i for i in range(loop.width) if i != k]
    changed = Block(
        (loop.index, *(loop.carried[i] for i in order)),
        tuple(o for o in body.ops if made not in o.results),
        (*(loop.yields[i] for i in order), *loop.entries, entry),
    )
    assert loop.count is not None
    return replace(
        op,
        args=(loop.count, *(loop.inits[i] for i in order)),
        blocks=(changed,),
        results=(*(loop.finals[i] for i in order), *loop.stacks, loop.finals[k]),
    )
