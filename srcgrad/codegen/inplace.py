"""Decides which updates write into the memory that they update: mutation comes back at the exit."""

from __future__ import annotations

from .. import runtime
from ..analysis.memory import NOWHERE, Roots
from ..ir.graph import Arg, Op, Value
from .names import Names
from .nests import entries_apart
from .plan import Plan


class InPlace:
    """Which updates may happen in place."""

    def __init__(self, plan: Plan, names: Names) -> None:
        self.plan = plan
        self.names = names
        self.memory = plan.memory
        for tape in plan.tapes.values():
            inside = frozenset(root for stack in tape.stacks for root in self.memory.all(stack))
            inside |= self.memory.contents.get(tape.value, NOWHERE)
            self.memory.roots[tape.value], self.memory.contents[tape.value] = NOWHERE, inside

    def allowed(self, op: Op) -> bool:
        """Whether an update may happen in the memory of its target.

        So it may when that is the function's own, the target is dead afterwards, and no live value
        shares memory with it.
        """
        target = self.plan.target(op)
        if not self._named(target) or not self._mutable(op) or not self._alone(op):
            return False
        return self._free(op, target, self.plan.written(op))

    def _named(self, target: Arg) -> bool:
        return isinstance(target, Value) and target not in self.plan.folded | self.plan.taped.keys()

    def _free(self, op: Op, target: Value, roots: Roots) -> bool:
        """Whether nobody could tell that memory is overwritten by an op."""
        live = self.names.liveness.after[op]
        if self.memory.foreign(roots) or target in live:
            return False
        # What the update itself reads may overlap: NumPy evaluates it before it writes.
        return not any(
            self.memory.meet(self.memory.all(value), roots)
            for value in live
            if value not in (target, op.result)
        )

    def _mutable(self, op: Op) -> bool:
        nest = self.plan.nests.of.get(op)
        leaf = op if nest is None else nest.update
        kind = leaf.args[0].facts.kind
        if leaf.args[0].facts.shape == () and not self.memory.donated(leaf.args[0]):
            return False  # an adjoint of one number may be a number
        return kind in ("array", "unknown", "list", "dict") or (
            leaf.primitive.function is runtime.index_add
        )

    def _alone(self, op: Op) -> bool:
        """Whether what is written is no other entry of the container that it stands in, too."""
        nest = self.plan.nests.of.get(op)
        wholes = [] if nest is None else [look.args[0] for look in nest.path]
        if (op if nest is None else nest.update).primitive.function is runtime.index_add:
            wholes.append((op if nest is None else nest.update).args[0])
        return all(entries_apart(self.memory, self.plan.definition, whole) for whole in wholes)

    def drop_allowed(self, op: Op) -> bool:
        """Whether `xs[:-1]` may be had by dropping the last entry of `xs` itself."""
        target = op.args[0]
        if not self._named(target):
            return False
        if self.names.names.get(target) != self.names.names.get(op.result):
            return False
        return self._free(op, target, self.memory.of(target))

    def add_allowed(self, op: Op) -> bool:
        """Whether `a + b` may be written `a += b`: of numbers always, of arrays into own memory."""
        target = op.args[0]
        if not self._named(target):
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
        return self._free(op, target, self.memory.of(target))
