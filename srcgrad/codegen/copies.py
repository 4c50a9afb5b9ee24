"""Gives every update memory of its own to write into, by copying what would be lost and is still needed.

The graph is pure: an update makes a new value. Printed in place it overwrites its target, so the target
must be the function's own memory, dead afterwards, and no live value may look into it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from .. import runtime
from ..analysis.memory import Memory, Roots, fine_memory, picks, shared
from ..analysis.unbound import Unbound
from ..ir.build import facts_of_arg
from ..ir.graph import (
    IF,
    LOOPS,
    WITH,
    Arg,
    Block,
    Function,
    Loop,
    Op,
    Value,
    operands,
    values_in,
    walk,
)
from ..ir.rewrite import substitute
from ..ir.types import CONTAINERS
from ..ops import registry
from .edits import Edits, Slot, ask, copy_of
from .lasting import Lasting
from .nests import ARRAYS, WRITES, entries_apart

MOST_COPIES = 8  # for each update; what is not settled then is written as a function that copies


def settle(function: Function) -> Function:
    """The function with copies put in, after which its updates may happen in place."""
    writes = sum(op.primitive.function in WRITES for op in walk(function.body))
    tried: set[tuple[Value, Value]] = set()
    for _ in range(MOST_COPIES * writes):
        changed = _Settling(function, tried).step()
        if changed is None:
            break
        function = changed
    return function


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """What one statement writes to: `op` is its last op, `target` the value that it overwrites."""

    op: Op
    target: Value
    written: Roots


class _Settling(Edits):
    """One function as it stands, and the one thing that is put right next."""

    def __init__(self, function: Function, tried: set[tuple[Value, Value]]) -> None:
        super().__init__(function)
        self.tried = tried
        self.memory: Memory = fine_memory(function)
        self.after = Lasting(function, self.nests).after
        self.unbound = Unbound(function.body).every

    def _copy(self, value: Value, deep: bool) -> Op:
        return copy_of(value, self.maker.get(value), deep, value in self.unbound)

    # -- what is to be put right -----------------------------------------------------------------

    def step(self) -> Function | None:
        """The function with one more copy, or None if no update needs any."""
        for op in walk(self.function.body):
            if op.primitive.function in WRITES and isinstance(op.args[0], list | dict):
                return self._named(op)
        updates = [u for op in walk(self.function.body) if (u := self._update(op)) is not None]
        for update in updates:
            if self.memory.foreign(update.written):
                changed = self._own(update) or self._alone(update)
                if changed is not None:
                    return changed
        for update in updates:
            if not self.memory.foreign(update.written):
                changed = self._alone(update) or self._keep(update)
                if changed is not None:
                    return changed
        return None

    def _named(self, op: Op) -> Function:
        """Let a container that is written out be made by an op of its own before it is written to."""
        made = registry.find(runtime.gather)
        assert made is not None
        whole = Value(op.result.hint, facts_of_arg(op.args[0]))
        block, k = self.place[op]
        ops = (Op(made, (op.args[0],), (whole,)), replace(op, args=(whole, *op.args[1:])))
        return self.replaced(
            block, Block(block.params, (*block.ops[:k], *ops, *block.ops[k + 1 :]), block.results)
        )

    def _update(self, op: Op) -> Update | None:
        if op in self.nests.inner:
            return None
        nest = self.nests.of.get(op)
        if nest is not None:
            target = nest.update.args[0]
            return Update(op, nest.root, self.memory.of(target) | self.memory.of(nest.root))
        function = op.primitive.function
        if function not in WRITES or not isinstance(op.args[0], Value):
            return None
        kinds = ARRAYS if function is runtime.index_add else (*ARRAYS, "list", "dict")
        single = op.args[0].facts.shape == () and not self.memory.donated(op.args[0])
        if op.args[0].facts.kind not in kinds or single:
            return None  # an adjoint of one number may be a number
        return Update(op, op.args[0], self.memory.of(op.args[0]))

    def _live(self, update: Update) -> Iterable[Value]:
        """What is read after an update and shares memory with what it overwrites."""
        for value in self.ordered(self.after[update.op]):
            if value is not update.op.result and self.memory.meet(
                self.memory.all(value), update.written
            ):
                yield value

    # -- memory that is not the function's own ---------------------------------------------------

    def _own(self, update: Update) -> Function | None:
        """Copy what is not the function's own where it comes from, or where the writing begins."""
        deep = update.op in self.nests.of

        def foreign(value: Value) -> bool:
            return self.memory.foreign(self.memory.all(value) if deep else self.memory.of(value))

        for slot in self._slots(update, foreign, None):
            value = slot.value
            op = self.maker.get(value)
            copied = self._copy(value, deep)
            needed = self._looks_into(value, self.after[update.op])
            if not needed and (op is None or not op.blocks):
                block = self.function.body if op is None else self.home[value]
                at = 0 if op is None else self.place[op][1] + 1
                return self.insert(block, at, copied)
            return slot.filled(copied)
        return None

    def _slots(
        self, update: Update, follow: Callable[[Value], bool], wanted: Value | None
    ) -> list[Slot]:
        """Where memory comes into what an update overwrites: that of `wanted`, or of whatever starts it.

        Only values that `follow` is true of are followed.
        """
        found: list[Slot] = []
        seen: set[Value] = set()

        def enter(value: Arg, fill: Callable[[Op], Function]) -> None:
            if not isinstance(value, Value) or not follow(value):
                return
            if value is wanted:
                found.append(Slot(value, fill))
                return
            op = self.maker.get(value)
            loop = self.around.get(self.home[value]) if value in self.home and op is None else None
            if op is None and (loop is None or loop.primitive not in LOOPS):
                if wanted is None:
                    found.append(Slot(value, fill))
            elif value in seen:
                return
            elif op is None and loop is not None:
                seen.add(value)
                through(Loop(loop), value)
            elif op is not None and op.primitive in LOOPS and value in Loop(op).finals:
                seen.add(value)
                through(Loop(op), Loop(op).carried[Loop(op).finals.index(value)])
            elif op is not None and op.primitive in (IF, WITH):
                seen.add(value)
                j = op.results.index(value)
                for inner in op.blocks:
                    enter(inner.results[j], partial(self.result, inner, j))
            elif op is not None and (op in self.nests.of or op.primitive.function in WRITES):
                seen.add(value)
                nest = self.nests.of.get(op)
                enter(nest.root if nest else op.args[0], partial(self.retarget, op))
            elif wanted is None:
                found.append(Slot(value, fill))

        def through(loop: Loop, param: Value) -> None:
            if param not in loop.carried:
                return
            j = loop.carried.index(param)
            enter(loop.inits[j], partial(self.init, loop, j))
            enter(loop.yields[j], partial(self.result, loop.body, j))

        enter(update.target, partial(self.retarget, update.op))
        return found

    def _looks_into(self, value: Value, live: Iterable[Value]) -> bool:
        """Whether a value, or what was made to look into it or to hold it, is among these."""
        pending, seen, wanted = [value], {value}, set(live)
        while pending:
            part = pending.pop()
            if part in wanted:
                return True
            made = [r for op in self.place for r in self._holders(op, part) if r not in seen]
            seen.update(made)
            pending += made
        return False

    def _holders(self, op: Op, part: Value) -> Iterable[Value]:
        """The results of an op that look into an operand or hold it; updates of it do not count."""
        if op.primitive in LOOPS:
            loop = Loop(op)
            pairs = zip(loop.stacks, loop.entries, strict=True)
            return [stack for stack, entry in pairs if part in values_in(entry)]
        if op.blocks or not op.results or part not in operands(op):
            return ()
        if op.primitive.function in WRITES:
            held = op.args[0] is not part and op.result.facts.kind in CONTAINERS
            return op.results if held else ()
        shares = self.memory.meet(self.memory.all(op.result), self.memory.all(part))
        return op.results if shares and op not in self.nests.of else ()

    def is_view(self, op: Op) -> bool:
        """Whether an op looks into memory that stood before, as slices and transposes do."""
        if op.blocks or op in self.nests.of or op.primitive.function in WRITES or not op.args:
            return False
        if op.result.facts.kind in CONTAINERS or self.memory.immutable(op.result):
            return False
        if op.primitive.function is operator.getitem:
            first = op.args[0]
            return (
                not isinstance(first, Value)
                or first.facts.kind not in ARRAYS
                or not picks(op.args[1])
            )
        return bool(shared(op))

    def _alone(self, update: Update) -> Function | None:
        """Copy an entry that may stand in its container twice before one of the two is changed."""
        nest = self.nests.of.get(update.op)
        for look in nest.path if nest is not None else ():
            whole = look.args[0]
            if entries_apart(self.memory, self.maker, whole):
                continue
            copied = copy_of(
                look.result, self.maker.get(look.result), deep=look.result.facts.kind in CONTAINERS
            )
            block, k = self.place[look]
            return self.insert(block, k + 1, copied)
        return None

    # -- memory that is still needed --------------------------------------------------------------

    def _keep(self, update: Update) -> Function | None:
        """Copy one value that an update overwrites although it is read later, if there is one."""
        live = list(self._live(update))
        stacks = [v for v in live if self._fills(v, update.op)]
        live = [v for v in live if v not in stacks]
        for value in live:
            changed = self._redirected(update, value)
            if changed is not None:
                return changed
        if update.target in live and (update.target, update.op.result) in self.tried:
            return None
        live.sort(key=lambda v: v is not update.target)
        for value in live:
            changed = self._kept(update, value)
            if changed is not None:
                return changed
        for stack in stacks:
            changed = self._entry_copied(update, stack)
            if changed is not None:
                return changed
        return None

    def _kept(self, update: Update, value: Value) -> Function | None:
        key = (update.op.result, value)
        target, block = update.target, self.place[update.op][0]
        made = self.maker.get(target)
        local = self.home.get(value)
        above = self._above(update.op, local)
        small = made is not None and self.is_view(made)
        if value is target:
            round_ = local is block and self._in_loop(block)
            if above is None or not round_ or small or key in self.tried:
                return self._target_copied(update)
        elif key in self.tried or small or value.facts.kind in CONTAINERS or above is None:
            return self._target_copied(update)
        op = self.maker.get(value)
        if value is not target and op is not None and op.primitive is IF:
            changed = self._side_copied(op, value, update)
            if changed is not None:
                return changed
        copied = self._copy(value, deep=False)
        self.tried |= {key, (update.op.result, copied.result)}
        if value is not target:
            for slot in self._slots(update, partial(self._meet, value), value):
                return slot.filled(copied)
        assert above is not None and local is not None
        if op is not None and self.is_view(op) and value is not target:
            return self.insert(local, self.place[op][1] + 1, copied)
        start = self._shared_start(update, value)
        if start is not None:
            return start
        return self.before(above, copied)

    def _meet(self, value: Value, other: Value) -> bool:
        return self.memory.meet(self.memory.all(value), self.memory.all(other))

    def _shared_start(self, update: Update, value: Value) -> Function | None:
        """Copy what a loop starts with, where it starts two carried values with one memory."""
        loop = self.around.get(self.home[value])
        if value in self.maker or loop is None or loop.primitive not in LOOPS:
            return None
        parts = Loop(loop)
        chain = {slot for slot in self._chain(update.target) if slot in parts.carried}
        if value not in parts.carried or value in chain:
            return None
        j = parts.carried.index(value)
        init = parts.inits[j]
        others = [parts.inits[parts.carried.index(c)] for c in chain]
        if not isinstance(init, Value) or (init, value) in self.tried:
            return None
        met = (isinstance(o, Value) and self.memory.meet(self.memory.all(o), self.memory.all(init))
               for o in others)  # fmt: skip
        if not any(met):
            return None
        self.tried.add((init, value))
        return self.init(parts, j, self._copy(init, deep=False))

    def _chain(self, value: Value) -> Iterable[Value]:
        """A value and those that it was made of by updates in this block."""
        while True:
            yield value
            op = self.maker.get(value)
            if op is None or op.primitive.function not in WRITES:
                return
            if not isinstance(op.args[0], Value):
                return
            value = op.args[0]

    def _target_copied(self, update: Update) -> Function | None:
        key = (update.target, update.op.result)
        if key in self.tried:
            return None
        self.tried.add(key)
        deep = update.op in self.nests.of and update.target.facts.kind in CONTAINERS
        copied = self._copy(update.target, deep)
        return self.retarget(update.op, copied)

    def _redirected(self, update: Update, value: Value) -> Function | None:
        """Let what asks for the shape alone ask it of the updated value, not of the old one."""
        above = self._above(update.op, self.home.get(value))
        if value.facts.kind not in ARRAYS or above is None:
            return None
        block, k = self.place[above]
        heirs = {update.op.result} if value is update.target and above is update.op else set()
        if above.primitive in LOOPS:
            loop = Loop(above)
            heirs = {f for f, init in zip(loop.finals, loop.inits, strict=True) if init is value}
        if len(heirs) != 1:
            return None
        heir = heirs.pop()
        ops = tuple(ask(op, value, heir) if j > k else op for j, op in enumerate(block.ops))
        if ops == block.ops:
            return None
        return self.replaced(block, Block(block.params, ops, block.results))

    def _in_loop(self, block: Block) -> bool:
        around = self.around.get(block)
        return around is not None and around.primitive in LOOPS

    def _above(self, op: Op, block: Block | None) -> Op | None:
        """The op of a block that holds another op, or is it."""
        while self.place[op][0] is not block:
            outer = self.around.get(self.place[op][0])
            if outer is None:
                return None
            op = outer
        return op

    # -- entries of stacks ------------------------------------------------------------------------

    def _fills(self, stack: Value, op: Op) -> bool:
        """Whether a value is a list that a loop around an op is still filling."""
        maker = self.maker.get(stack)
        return maker is not None and maker.primitive in LOOPS and self._within(op, maker)

    def _within(self, op: Op, outer: Op) -> bool:
        around = self.around.get(self.place[op][0])
        return around is outer or (around is not None and self._within(around, outer))

    def _entry_copied(self, update: Update, stack: Value) -> Function | None:
        loop = Loop(self.maker[stack])
        slot = loop.width + loop.stacks.index(stack)
        body = loop.body
        for value in values_in(body.results[slot]):
            key = (stack, value)
            if self.memory.immutable(value) or key in self.tried:
                continue
            if not self._handed_down(value, loop, update):
                continue
            self.tried.add(key)
            copied = self._copy(value, deep=value.facts.kind in CONTAINERS)
            op = self.maker.get(value)
            inside = self.home[value] is body
            if op is not None and op.primitive is IF and value not in loop.yields:
                changed = self._side_copied(op, value, update)
                if changed is not None:
                    return changed
                continue
            if op is not None and inside and self.is_view(op):
                at = self.place[op][1] + 1
                return self.insert(body, at, copied)
            copied = replace(copied, results=(Value(None, value.facts),))  # named by nobody
            at = len(body.ops) if not inside else 0 if op is None else self.place[op][1] + 1
            results = list(body.results)
            results[slot] = substitute(results[slot], {value: copied.result})
            ops = (*body.ops[:at], copied, *body.ops[at:])
            return self.replaced(body, Block(body.params, ops, tuple(results)))
        return None

    def _side_copied(self, branch: Op, value: Value, update: Update) -> Function | None:
        """Copy what a branch hands out on the side that makes it: the other may hand out nothing."""
        j = branch.results.index(value)
        for block in branch.blocks:
            source = block.results[j]
            if not isinstance(source, Value) or (source, value) in self.tried:
                continue
            if not self.memory.meet(self.memory.all(source), update.written):
                continue
            op = self.maker.get(source)
            copied = self._copy(source, deep=source.facts.kind in CONTAINERS)
            self.tried |= {(source, value), (copied.result, value)}  # nor is the copy to be copied
            if op is not None and op.primitive is IF:
                return self._side_copied(op, source, update)
            if op is not None and self.home[source] is block and self.is_view(op):
                return self.insert(block, self.place[op][1] + 1, copied)
            return self.result(block, j, copied)
        return None

    def _handed_down(self, value: Value, loop: Loop, update: Update) -> bool:
        """Whether an entry, of this round or an earlier one, shares memory with what is overwritten."""
        return self.memory.meet(self.memory.lasting(value, loop.op), update.written)
