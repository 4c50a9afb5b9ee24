"""Blocks that read nothing but their parameters: what derivative rules are kept as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..analysis.activity import carries_derivative
from ..analysis.tangents import tangent_facts
from ..ir.graph import CALL, CUSTOM, Block, CustomRule, Op, Value, walk
from ..ir.rewrite import substitute_block
from .core import Lowerer
from .handles import Recorder, has_memory
from .merge import Slot
from .symbols import (
    BoundName,
    Closure,
    Conflict,
    Method,
    Outside,
    Partial,
    Record,
    Symbol,
    Walk,
    children,
    leaves,
    rebuild,
    same_constant,
    same_layout,
)

_NO_VALUES = (Closure, Method, Partial, BoundName, Walk, Conflict)


@dataclass(eq=False)
class Reading:
    """A rule that is being read, for arguments like these."""

    key: Any
    arguments: list[Symbol]
    rule: CustomRule
    uses: int = 0


def differentiable(value: Value) -> bool:
    """Whether a value has a derivative."""
    return value.facts.kind != "opaque" and carries_derivative(value.facts)


def values_of(symbol: Symbol) -> list[Value]:
    """The run-time values in a structure, in order."""
    return [leaf for leaf in leaves(symbol) if isinstance(leaf, Value)]


def copied(low: Lowerer, symbol: Symbol, what: str) -> tuple[Symbol, list[Value]]:
    """A structure with fresh values, which may be read and not written to, and these values."""
    why = f"a function with a derivative rule, or its rule, writes to {what}"
    locked = (why, "take a copy first")
    found: list[Value] = []
    apart = outside_of(low)

    def copy(part: Symbol) -> Symbol:
        if isinstance(part, Value):
            value = Value(part.hint, part.facts)
            low.memory.given.add(value)
            low.memory.locked[value] = locked
            low.memory.born[value] = apart
            found.append(value)
            return value
        parts = None if isinstance(part, Outside) else children(part)
        if parts is None:
            return part
        made = rebuild(part, [copy(p) for p in parts])
        if type(made) in (list, dict, Record):
            low.memory.root(made).locked = locked
        return made

    return copy(symbol), found


def own_value(low: Lowerer, hint: str | None, like: Value) -> Value:
    """A fresh value for the tangent or cotangent of another, to which a block may write."""
    made = Value(hint, tangent_facts(like.facts))
    low.memory.born[made] = outside_of(low)
    return made


def outside_of(low: Lowerer) -> Recorder:
    """A builder of nothing, for memory that no code around a block can reach."""
    outermost = low.memory.outermost
    assert outermost is not None
    return outermost.child()


def slotted(symbol: Symbol) -> Symbol:
    """A structure with slots in place of its values, in order."""
    count = iter(range(len(values_of(symbol))))

    def slot(part: Symbol) -> Symbol:
        if isinstance(part, Value):
            return Slot(next(count))
        parts = None if isinstance(part, Outside) else children(part)
        return part if parts is None else rebuild(part, [slot(p) for p in parts])

    return slot(symbol)


def alike(a: Symbol, b: Symbol) -> bool:
    """Whether two arguments differ in no more than which values they hold."""
    if isinstance(a, Value) and isinstance(b, Value):
        return a.facts == b.facts
    if same_layout(a, b):
        return all(map(alike, children(a) or (), children(b) or ()))
    if isinstance(a, Outside) and isinstance(b, Outside):
        return a.value is b.value
    return same_constant(a, b)


def refuse_functions(low: Lowerer, symbol: Symbol, what: str) -> None:
    """Refuse what has no counterpart at run time."""
    for leaf in leaves(symbol):
        if isinstance(leaf, Conflict):
            low.arg(leaf)
        if isinstance(leaf, _NO_VALUES):
            low.refuse(
                f"{what} cannot hand out a function or an iterator",
                cure="hand out numbers, arrays and containers of such",
            )


def refuse_recursion(low: Lowerer, blocks: Sequence[Block], name: str) -> None:
    """Refuse a rule that calls a function which calls itself."""
    if any(op.primitive is CALL for block in blocks for op in walk(block)):
        low.refuse(
            f"the derivative rule of '{name}' calls a recursive function",
            cure="write the recursion as a loop",
        )


def remember_sharing(
    low: Lowerer,
    results: Sequence[Value],
    given: Sequence[Symbol],
    params: Sequence[Value],
    values: Sequence[Value],
) -> None:
    """Note which results may be memory of the arguments `values`, called `params` in the block."""
    low.memory.merged(results, given)
    for result, source in zip(results, given, strict=True):
        found = low.memory.roots(source)
        for param, value in zip(params, values, strict=True):
            if has_memory(param.facts) and low.memory.root(param) in found:
                low.memory.share(result, low.memory.roots(value))


def close(
    low: Lowerer, reading: Reading, blocks: Sequence[Block], count: int, captured: Sequence[Value]
) -> tuple[Block, ...]:
    """The blocks of a rule with parameters for what they read from around, after `count` others.

    What uses the function inside its own rule is given that, too.
    """
    uses = 0

    def completed(block: Block) -> Block:
        return Block(block.params, tuple(map(complete, block.ops)), block.results)

    def complete(op: Op) -> Op:
        nonlocal uses
        if op.blocks:
            op = replace(op, blocks=tuple(map(completed, op.blocks)))
        if op.primitive is CUSTOM and op.attrs["rule"] is reading.rule:
            uses += 1
            op = replace(op, args=(*op.args, *captured))
        return op

    closed = []
    for block in map(completed, blocks):
        extra = [Value(v.hint, v.facts) for v in captured]
        params = (*block.params[:count], *extra, *block.params[count:])
        inner = Block((), block.ops, block.results)
        made = substitute_block(inner, dict(zip(captured, extra, strict=True)))
        closed.append(Block(params, made.ops, made.results))
    if captured and uses < reading.uses:
        low.refuse(
            f"'{reading.rule.name}' is used in the rule of another function that its own rule uses",
            cure="pass what they read from around as arguments",
        )
    return tuple(closed)
