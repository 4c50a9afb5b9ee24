"""Decides which updates write into the memory that they update: mutation comes back at the exit."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .. import runtime
from ..ir.graph import (
    CALL,
    IF,
    LOOPS,
    WITH,
    Arg,
    Block,
    Loop,
    Op,
    Value,
    values_in,
)
from ..ir.types import CONTAINERS, SCALARS
from .names import Names
from .plan import UPDATES, Plan

OUTSIDE = object()  # the root of all memory that is not the function's own

# Functions whose result never shares memory with an argument.
FRESH: frozenset[Any] = frozenset(
    {
        operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv,
        operator.mod, operator.pow, operator.matmul, operator.neg, abs,
        np.zeros_like, np.ones_like, np.full_like, np.zeros, np.ones, np.full, np.copy,
        np.concatenate, np.stack, np.outer, np.where, np.dot, np.sum, np.exp, np.cumsum,
        np.einsum, np.tensordot, np.kron, np.tile, np.repeat, np.roll, np.pad,
    }
)  # fmt: skip

# Functions of Python scalars or of shapes: there is no memory to share.
IMMUTABLE_KINDS = SCALARS | {"range", "str", "none", "function"}


Roots = frozenset[Any]
NOWHERE: Roots = frozenset()


class InPlace:
    """Which values share memory with which, and so which updates may happen in place.

    `roots` are the pieces of memory that a value itself may be part of, `contents` those that the
    entries of a container may be part of: appending an array to a list writes into the list alone.
    """

    def __init__(self, plan: Plan, names: Names) -> None:
        self.plan = plan
        self.names = names
        self.roots: dict[Value, Roots] = {}
        self.contents: dict[Value, Roots] = {}
        function = plan.function
        for value in (*function.params, *(c.value for c in function.captures)):
            own = frozenset({value if value in function.donated else OUTSIDE})
            self._set(value, own, own)
        while self._pass(function.body):
            pass

    def immutable(self, value: Value) -> bool:
        """Whether there is no memory to share."""
        return value.facts.kind in IMMUTABLE_KINDS

    def of(self, arg: Arg) -> Roots:
        """The memory that an argument may be part of; that of its parts where it is a structure."""
        found = NOWHERE
        for value in values_in(arg):
            found |= self.roots.get(value, NOWHERE)
        return found

    def inside(self, arg: Arg) -> Roots:
        """The memory that the entries of an argument may be part of."""
        found = NOWHERE
        for value in values_in(arg):
            found |= self.contents.get(value, NOWHERE)
            if arg is not value:
                found |= self.roots.get(value, NOWHERE)
        return found

    def _set(self, value: Value, roots: Roots, contents: Roots) -> bool:
        if self.immutable(value):
            roots = contents = NOWHERE
        known = self.roots.get(value, NOWHERE), self.contents.get(value, NOWHERE)
        if value in self.roots and roots <= known[0] and contents <= known[1]:
            return False  # nothing new
        self.roots[value] = known[0] | roots
        self.contents[value] = known[1] | contents
        return True

    def _follow(self, value: Value, *sources: Arg) -> bool:
        """Let a value be whatever any of its sources is."""
        roots, contents = NOWHERE, NOWHERE
        for source in sources:
            # A structure is made afresh here; its parts are its contents.
            roots |= self.of(source) if isinstance(source, Value) else frozenset({value})
            contents |= self.inside(source)
        return self._set(value, roots, contents)

    def _pass(self, block: Block) -> bool:
        news = False
        for op in block.ops:
            if op.primitive in LOOPS:
                loop = Loop(op)
                for k, param in enumerate(loop.carried):
                    sources = (loop.inits[k], loop.yields[k])
                    news |= self._follow(param, *sources)
                    news |= self._follow(loop.finals[k], *sources)
                    if loop.test is not None:
                        news |= self._follow(loop.test.params[k], *sources)
                for stack, entry in zip(loop.stacks, loop.entries, strict=True):
                    both = self.of(entry) | self.inside(entry)
                    news |= self._set(stack, frozenset({stack}), both)
            for inner in op.blocks:
                news |= self._pass(inner)
            if op.primitive in (IF, WITH):
                for k, result in enumerate(op.results):
                    news |= self._follow(result, *(inner.results[k] for inner in op.blocks))
            elif op.primitive not in LOOPS:
                for result in op.results:
                    if not self.immutable(result):
                        news |= self._set(result, *self._made(op))
        return news

    def _made(self, op: Op) -> tuple[Roots, Roots]:
        own = frozenset({op.result})
        function = op.primitive.function
        outside = frozenset({OUTSIDE})
        if function in FRESH or isinstance(function, np.ufunc):
            return own, NOWHERE
        if op.primitive is CALL or function is np.broadcast_to:
            return outside, outside  # a broadcast is read-only
        if function is runtime.zeros_like:
            return own, own
        first = op.args[0] if op.args else None
        if function in UPDATES:
            added = self.of(op.args[-1]) | self.inside(op.args[-1])
            if op.result.facts.kind == "array":
                added = NOWHERE  # what is written into an array is copied
            return own | self.of(first), self.inside(first) | added
        if function is operator.getitem and isinstance(first, Value):
            if first.facts.kind in CONTAINERS:
                return self.inside(first), self.inside(first)
            if first.facts.kind == "array":
                return own | self.of(first), NOWHERE
        every: Arg = (op.args, dict(op.kwargs))
        if op.result.facts.is_numeric:  # an array has no entries of their own memory
            return own | self.of(every) | self.inside(every), NOWHERE
        return own | self.of(every), own | self.of(every) | self.inside(every)

    def allowed(self, op: Op) -> bool:
        """Whether the result of an update may take the memory of its first argument.

        So it may when that argument is dead afterwards and no live value shares memory with it.
        """
        target = op.args[0]
        if not isinstance(target, Value) or target in self.plan.folded:
            return False
        if self.names.names.get(target) != self.names.names.get(op.result):
            return False
        roots = self.roots.get(target, NOWHERE)
        if op.primitive.function is runtime.index_add:  # also writes into the entries of a list
            roots |= self.contents.get(target, NOWHERE)
        if OUTSIDE in roots:
            return False
        if target in self.names.liveness.after[op]:
            return False
        for value in self.names.liveness.after[op]:
            if value in (target, op.result):
                continue
            if (self.roots.get(value, NOWHERE) | self.contents.get(value, NOWHERE)) & roots:
                return False
        # What the update itself reads may overlap: NumPy evaluates it before it writes.
        return True

    def add_allowed(self, op: Op) -> bool:
        """Whether `a + b` may be written `a += b`: of numbers always, of arrays into own memory."""
        target = op.args[0]
        if not isinstance(target, Value) or target in self.plan.folded:
            return False
        if self.names.names.get(target) != self.names.names.get(op.result):
            return False
        if self.immutable(target):
            return True
        facts, result = target.facts, op.result.facts
        if facts.kind != "array" or facts.shape == () or not facts.same_shape(result):
            return False
        if facts.dtype is None or facts.dtype != result.dtype:
            return False
        return self.allowed(op)
