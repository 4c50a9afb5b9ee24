"""Makes what a derivative hands out the caller's own: writable, and no two results one memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from .. import runtime
from ..analysis.memory import OUTSIDE, SEPARATE, UPDATES, Earlier, Memory, Roots
from ..ir.build import Builder, facts_of_arg
from ..ir.graph import (
    LOOPS,
    Arg,
    Block,
    Function,
    Loop,
    Op,
    Primitive,
    Value,
    map_values,
    values_in,
    walk,
)
from ..ir.rewrite import map_bodies
from ..ops import registry


def own_results(function: Function) -> Function:
    """The function whose gradients share memory with nothing, so that a caller may write to them."""
    function = fill_what_is_written(function)
    if function.owned is None:
        return function
    owner = _Owner(function)
    result = owner.at(function.result, function.owned)
    if not owner.builder.ops:
        return function
    body = function.body
    ops = (*body.ops, *owner.builder.ops)
    return replace(function, body=Block(body.params, ops, (result,)))


class _Owner:
    def __init__(self, function: Function) -> None:
        self.memory = Memory(function)
        self.maker = {r: op for op in walk(function.body) for r in op.results}
        self.builder = Builder(adjoint=True)
        self.claimed: Roots = frozenset({OUTSIDE})
        self.updated: set[Value] = set()

    def at(self, arg: Arg, path: tuple[int, ...]) -> Arg:
        """A result in which the part that a path leads to is the caller's own."""
        if not path:
            return map_values(self.own, arg)
        parts = list(arg)
        parts[path[0]] = self.at(parts[path[0]], path[1:])
        return tuple(parts)

    def own(self, value: Value) -> Arg:
        if self.memory.immutable(value):
            return value
        roots, contents = self.memory.of(value), self.memory.inside(value)
        if (
            not (roots | contents) & self.claimed
            and self._fresh(roots)
            and (self._separate(contents) or self._made_each_round(value))
        ):
            self.claimed |= roots | contents
            return value
        ours = roots - {OUTSIDE}
        if (
            value not in self.updated
            and self._updated(value)
            and not ours & self.claimed
            and self._fresh(ours)
        ):
            self.updated.add(value)
            self.claimed |= ours
            return value
        if value.facts.kind != "array":
            return self.builder.emit(_primitive(runtime.copied), (value,), hint=value.hint)
        op = self.maker.get(value)
        if op is not None and op.primitive.function is np.broadcast_to:
            return self._filled(op)
        hint = (
            None if op is None else value.hint
        )  # a copy of what is given needs no name of its own
        return self.builder.emit(_primitive(np.copy), (value,), hint=hint)

    def _fresh(self, roots: Roots) -> bool:
        """Whether the memory was made for the gradient: what the program made may be wanted again."""
        makers = [self._maker(root) for root in roots]
        return all(op is None or op.ours for op in makers)

    def _updated(self, value: Arg) -> bool:
        """Whether a value is written into for certain, which is done in a copy of what is not ours.

        What a loop carries is, if each round writes into what it is handed: also if there is none.
        """
        op = self.maker.get(value) if isinstance(value, Value) else None
        if op is not None and op.primitive in LOOPS and value in Loop(op).finals:
            loop, k = Loop(op), op.results.index(value)
            return self._written_to(loop.yields[k]) is loop.carried[k]
        return op is not None and op.primitive.function in UPDATES

    def _written_to(self, value: Arg) -> Arg:
        """What a chain of updates began with; None where nothing was updated."""
        found = None
        while isinstance(value, Value):
            op = self.maker.get(value)
            if op is None or op.primitive.function not in UPDATES:
                break
            found = value = op.args[0]
        return found

    def _maker(self, root: Any) -> Op | None:
        return self.maker.get(root.root if isinstance(root, Earlier) else root)

    def _separate(self, contents: Roots) -> bool:
        """Whether no two entries of a container can be one memory."""
        makers = [self._maker(root) for root in contents]
        return all(op is not None and op.primitive.function in SEPARATE for op in makers)

    def _made_each_round(self, value: Value) -> bool:
        """Whether a loop stacked what it made anew in each round, no part of it twice."""
        op = self.maker.get(value)
        if op is None or op.primitive not in LOOPS or value not in Loop(op).stacks:
            return False
        loop = Loop(op)
        inside = {r for o in walk(loop.body) for r in o.results}
        seen: Roots = frozenset()
        for leaf in values_in(loop.entries[loop.stacks.index(value)]):
            roots = self.memory.of(leaf)
            if self.memory.inside(leaf) or roots & seen or not roots <= inside:
                return False
            seen |= roots
        return True

    def _filled(self, op: Op) -> Value:
        """A broadcast as memory of its own: np.full_like where the number and the array are known."""
        self.builder.location = op.location
        full = _full(op, self.maker)
        if full is not None:
            return self.builder.emit(_primitive(np.full_like), full, hint=op.result.hint)
        return self.builder.emit(_primitive(np.copy), (op.result,), hint=op.result.hint)


def _full(op: Op, maker: Mapping[Value, Op]) -> tuple[Arg, Arg] | None:
    """The array and the number of which a broadcast is `np.full_like`, where they are known."""
    g, shape = op.args[0], op.args[1]
    source = maker.get(shape) if isinstance(shape, Value) else None
    if source is not None and source.primitive.function is np.shape:
        like = source.args[0]
        facts = facts_of_arg(like)
        if facts_of_arg(g).is_scalar and facts.kind == "array" and _is_float(facts.dtype):
            return like, g
    return None


def fill_what_is_written(function: Function) -> Function:
    """The function whose adjoints begin as full arrays where they are written to, not as broadcasts."""

    def fill(body: Block) -> Block:
        maker = {r: op for op in walk(body) for r in op.results}
        written = _written(body)
        made = [maker[v] for v in written if v in maker]
        if not any(op.primitive.function is np.broadcast_to for op in made):
            return body
        return _with_full(body, maker, written)

    if not any(op.primitive.function is np.broadcast_to for op in walk(function.body)):
        return function
    return map_bodies(function, fill)


def _with_full(block: Block, maker: Mapping[Value, Op], written: set[Value]) -> Block:
    ops: list[Op] = []
    for op in block.ops:
        if op.blocks:
            blocks = tuple(_with_full(b, maker, written) for b in op.blocks)
            op = replace(op, blocks=blocks)
        elif op.primitive.function is np.broadcast_to and op.result in written:
            full = _full(op, maker)
            if full is not None:
                op = replace(op, primitive=_primitive(np.full_like), args=full)
        ops.append(op)
    return Block(block.params, tuple(ops), block.results)


def _written(body: Block) -> set[Value]:
    """The values that some update writes into, seen through branches and loops."""
    found = {
        op.args[0]
        for op in walk(body)
        if op.args and op.primitive.function in UPDATES
        if isinstance(op.args[0], Value)
    }
    changed = True
    while changed:
        before = len(found)
        for op in walk(body):
            if op.primitive in LOOPS:
                loop = Loop(op)
                for k, param in enumerate(loop.carried):
                    if param in found or loop.finals[k] in found:
                        found.update(values_in((loop.inits[k], loop.yields[k])))
            elif op.blocks:
                for k, result in enumerate(op.results):
                    if result in found:
                        found.update(values_in([b.results[k] for b in op.blocks]))
        changed = len(found) > before
    return found


def _is_float(dtype: str | None) -> bool:
    return dtype is not None and np.dtype(dtype).kind == "f"


def _primitive(function: object) -> Primitive:
    found = registry.find(function)
    assert found is not None
    return found
