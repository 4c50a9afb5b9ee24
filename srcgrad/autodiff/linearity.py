"""Whether a rule is linear in its tangents or cotangents, as it must be to be transposed.

The adjoint of what is linear reads none of the values that depend on these: at most it asks for shapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .. import runtime
from ..analysis.activity import Activity
from ..errors import NotDifferentiable
from ..ir.graph import (
    BRANCHES,
    CALL,
    LOOPS,
    Arg,
    Block,
    CustomRule,
    Loop,
    Op,
    Value,
    operands,
    values_in,
    walk,
)
from ..ops import registry

# What asks an array for its shape or type, and the argument of which it reads no entry.
ASKS: dict[Any, int] = {
    np.shape: 0, np.ndim: 0, np.size: 0, len: 0, np.zeros_like: 0, np.ones_like: 0, np.full_like: 0,
    runtime.zeros_like: 0, runtime.dtype_of: 0, runtime.unbroadcast: 1,
}  # fmt: skip


def check_linear(
    seeds: Sequence[Value],
    ops: Iterable[Op],
    back: Iterable[Op],
    results: Sequence[Any],
    rule: CustomRule,
    op: Op,
) -> None:
    """Refuse ops that are not linear in `seeds`; `back` is their adjoint, which gives `results`.

    Raises
    ------
    NotDifferentiable
        The adjoint reads what depends on the seeds, or something in between is piecewise constant.
    """
    block = Block(tuple(seeds), tuple(ops), ())
    varied = Activity(block, seeds, ()).varied
    read = read_values((*block.ops, *back), tuple(results))
    steps = any(
        (row := registry.RULES.get(each.primitive)) is not None
        and row.verb == "zero"
        and any(v in varied for v in entries_read(each))
        for each in walk(block)
    )
    if steps or any(v in varied for v in read):
        reverse = rule.kind in ("vjp", "identity")
        what, mode = ("cotangents", "forward") if reverse else ("tangents", "reverse")
        raise NotDifferentiable(
            f"the derivative rule of '{rule.name}' is not linear in its {what}, so that it cannot be "
            f"used in {mode} mode",
            op.location,
            cure="give a rule for this mode, with srcgrad.custom_jvp for forward mode and "
            "srcgrad.custom_vjp for reverse mode",
        )


def entries_read(op: Op) -> list[Value]:
    """The operands of which an op reads more than the shape."""
    if op.primitive.function in ASKS:
        k = ASKS[op.primitive.function]
        return values_in([a for i, a in enumerate(op.args) if i != k])
    row = registry.RULES.get(op.primitive)
    if row is None or row.verb != "linear":
        return list(operands(op))
    # An argument of which such a row says nothing gives the result no more than a shape.
    given = registry.formulas(row, len(op.args))
    return values_in([a for a, f in zip(op.args, given, strict=True) if f is not None])


def read_values(ops: Sequence[Op], results: Arg) -> set[Value]:
    """The values of which the results depend on more than the shape."""
    read = set(values_in(results))
    every = list(walk(Block((), tuple(ops), ())))[::-1]
    known = -1
    while len(read) > known:
        known = len(read)
        for op in every:
            read.update(values_in(_sources(op, read)))
    return read


def _sources(op: Op, read: set[Value]) -> list[Arg]:
    """What the results of an op that are in `read` are made of."""
    if op.primitive in LOOPS:
        return _sources_of_loop(Loop(op), read)
    places = [k for k, r in enumerate(op.results) if r in read]
    if not places:
        return []
    if op.primitive in BRANCHES:
        return [*op.args, *(b.results[k] for b in op.blocks for k in places)]
    return list(op.args) if op.primitive is CALL else list(entries_read(op))


def _sources_of_loop(loop: Loop, read: set[Value]) -> list[Arg]:
    found: list[Arg] = []
    tested = loop.test.params if loop.test is not None else (None,) * loop.width
    carried = zip(loop.carried, tested, loop.finals, loop.inits, loop.yields, strict=True)
    for param, test, final, init, after in carried:
        if param in read or test in read or final in read:
            found += [init, after]
    found += [e for e, s in zip(loop.entries, loop.stacks, strict=True) if s in read]
    if any(r in read for r in loop.op.results):
        found += [loop.count, loop.stop, loop.test.results if loop.test is not None else None]
    return found
