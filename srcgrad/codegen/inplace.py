"""Decides which updates write into the memory that they update: mutation comes back at the exit."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

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
from ..ir.types import SCALARS
from .names import Names
from .plan import Plan

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


class InPlace:
    """Which values share memory with which, and so which updates may happen in place."""

    def __init__(self, plan: Plan, names: Names) -> None:
        self.plan = plan
        self.names = names
        self.roots: dict[Value, frozenset[Any]] = {}
        outside = frozenset({OUTSIDE})
        for value in (*plan.function.params, *(c.value for c in plan.function.captures)):
            roots = frozenset({value}) if value in plan.function.donated else outside
            self.roots[value] = frozenset() if self.immutable(value) else roots
        while self._pass(plan.function.body):
            pass

    def immutable(self, value: Value) -> bool:
        return value.facts.kind in IMMUTABLE_KINDS

    def of(self, arg: Arg) -> frozenset[Any]:
        """The memory that an argument may be part of."""
        found: frozenset[Any] = frozenset()
        for value in values_in(arg):
            found |= self.roots.get(value, frozenset())
        return found

    def _set(self, value: Value, roots: frozenset[Any]) -> bool:
        if self.immutable(value):
            roots = frozenset()
        before = self.roots.get(value, frozenset())
        if roots <= before and value in self.roots:
            return False
        self.roots[value] = before | roots
        return True

    def _pass(self, block: Block) -> bool:
        news = False
        for op in block.ops:
            if op.primitive in LOOPS:
                loop = Loop(op)
                for k, param in enumerate(loop.carried):
                    both = self.of(loop.inits[k]) | self.of(loop.yields[k])
                    news |= self._set(param, both)
                    news |= self._set(loop.finals[k], both)
                    if loop.test is not None:
                        news |= self._set(loop.test.params[k], both)
                for stack, entry in zip(loop.stacks, loop.entries, strict=True):
                    news |= self._set(stack, self.of(entry) | {stack})
            for inner in op.blocks:
                news |= self._pass(inner)
            if op.primitive in (IF, WITH):
                for k, result in enumerate(op.results):
                    for inner in op.blocks:
                        news |= self._set(result, self.of(inner.results[k]))
            elif op.primitive not in LOOPS:
                for result in op.results:
                    news |= self._set(result, self._made(op))
        return news

    def _made(self, op: Op) -> frozenset[Any]:
        own = frozenset({op.result})
        function = op.primitive.function
        if function in FRESH or isinstance(function, np.ufunc):
            return own
        if op.primitive is CALL:
            return frozenset({OUTSIDE})
        if function is np.broadcast_to:
            return frozenset({OUTSIDE})  # NumPy makes it read-only
        if getattr(function, "__name__", "") == "zeros_like":
            return own
        return own | self.of((*op.args, *op.kwargs.values()))

    def allowed(self, op: Op) -> bool:
        """Whether the result of an update may take the memory of its first argument.

        So it may when that argument is dead afterwards and no live value shares memory with it.
        """
        target = op.args[0]
        if not isinstance(target, Value) or target in self.plan.folded:
            return False
        if self.names.names.get(target) != self.names.names.get(op.result):
            return False
        roots = self.roots.get(target, frozenset())
        if OUTSIDE in roots:
            return False
        if target in self.names.liveness.after[op]:
            return False
        for value in self.names.liveness.after[op]:
            if value not in (target, op.result) and self.roots.get(value, frozenset()) & roots:
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
