"""Decides which updates write into the memory that they update: mutation comes back at the exit."""

from __future__ import annotations

from .. import runtime
from ..analysis.memory import IMMUTABLE_KINDS, NOWHERE, OUTSIDE, SEPARATE, Memory
from ..ir.graph import Op, Value
from .names import Names
from .plan import Plan


class InPlace:
    """Which updates may happen in place."""

    def __init__(self, plan: Plan, names: Names) -> None:
        self.plan = plan
        self.names = names
        self.memory = Memory(plan.function)
        for tape in plan.tapes.values():
            inside = frozenset(root for stack in tape.stacks for root in self.memory.all(stack))
            self.memory.roots[tape.value], self.memory.contents[tape.value] = NOWHERE, inside

    def allowed(self, op: Op) -> bool:
        """Whether the result of an update may take the memory of its first argument.

        So it may when that argument is dead afterwards and no live value shares memory with it.
        """
        target = op.args[0]
        if not isinstance(target, Value) or target in self.plan.folded:
            return False
        if self.names.names.get(target) != self.names.names.get(op.result):
            return False
        roots = self.memory.of(target)
        if op.primitive.function is runtime.index_add:  # also writes into the entries of a list
            roots = self.memory.all(target)
            if not self._entries_apart(target):
                return False
        if OUTSIDE in roots:
            return False
        if target in self.names.liveness.after[op]:
            return False
        for value in self.names.liveness.after[op]:
            if value in (target, op.result):
                continue
            if self.memory.all(value) & roots:
                return False
        # What the update itself reads may overlap: NumPy evaluates it before it writes.
        return True

    def _entries_apart(self, target: Value) -> bool:
        """Whether no two entries of a container can be one array: adding to one leaves the other."""
        facts = target.facts
        entries = facts.items if facts.items is not None else (facts.element,)
        if facts.kind == "array" or all(e and e.kind in IMMUTABLE_KINDS for e in entries):
            return True
        makers = [self.plan.definition.get(root) for root in self.memory.inside(target)]
        return all(op is not None and op.primitive.function in SEPARATE for op in makers)

    def add_allowed(self, op: Op) -> bool:
        """Whether `a + b` may be written `a += b`: of numbers always, of arrays into own memory."""
        target = op.args[0]
        if not isinstance(target, Value) or target in self.plan.folded:
            return False
        if self.names.names.get(target) != self.names.names.get(op.result):
            return False
        if self.memory.immutable(target):
            return True
        facts, result = target.facts, op.result.facts
        if facts.kind != "array" or facts.shape == () or not facts.same_shape(result):
            return False
        if facts.dtype is None or facts.dtype != result.dtype:
            return False
        return self.allowed(op)
