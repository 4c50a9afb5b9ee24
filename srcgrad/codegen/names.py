"""Gives each value its name: the user's where it can, one for values that follow one another."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .. import runtime
from ..ir.graph import (
    CALL,
    IF,
    LOOPS,
    WITH,
    Arg,
    Block,
    Capture,
    Function,
    Loop,
    Op,
    Value,
    operands,
    values_in,
)
from ..ops.naming import name_after
from .nests import drops_last
from .plan import Plan

RESERVED = frozenset(keyword.kwlist) | frozenset(dir(builtins)) | {"np", "math"}


class Liveness:
    """Which values must not share a name, found by one walk from the last op to the first.

    A folded value is read where the expression that it folds into stands, so its operands live until
    there.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.after: dict[Op, frozenset[Value]] = {}
        self.before: dict[Op, frozenset[Value]] = {}  # of loops
        self.conflicts: dict[Value, set[Value]] = {}
        body = plan.function.body
        live = self.block(body, set())
        self.define(body.params, live)
        self.define([c.value for c in plan.function.captures], live | set(body.params))
        for capture in plan.function.captures:
            # The name of what is read from outside must never be assigned.
            for value in [*plan.home]:
                self.clash(capture.value, value)

    def clash(self, a: Value, b: Value) -> None:
        if a is not b:
            self.conflicts.setdefault(a, set()).add(b)
            self.conflicts.setdefault(b, set()).add(a)

    def define(self, values: Iterable[Value], live: Iterable[Value]) -> None:
        made = list(values)
        others = {*live, *made}
        for value in made:
            rest = others - {value}
            self.conflicts.setdefault(value, set()).update(rest)
            for other in rest:
                self.conflicts.setdefault(other, set()).add(value)

    def expand(self, arg: Arg) -> set[Value]:
        """The named values that printing an argument reads."""
        found: set[Value] = set()
        for value in values_in(arg):
            if value in self.plan.folded:
                for inner in operands(self.plan.definition[value]):
                    found |= self.expand(inner)
            elif value in self.plan.taped:
                found.add(self.plan.taped[value].value)
            else:
                found.add(value)
        return found

    def block(self, block: Block, live: set[Value]) -> set[Value]:
        """What is live before a block, given what is live after it."""
        plan = self.plan
        appends = plan.appends.get(block)
        live = live | self.expand(plan.results_at_end(block))
        for position in range(len(block.ops), -1, -1):
            if appends is not None and appends.position == position:
                live = live | self.expand(appends.entries)
            if position:
                live = self.op(block.ops[position - 1], live)
        return live

    def op(self, op: Op, live: set[Value]) -> set[Value]:
        if op.results and all(r in self.plan.folded for r in op.results):
            return live
        self.after[op] = frozenset(live)
        if op.primitive in LOOPS:
            before = self.loop(Loop(op), live)
            self.before[op] = frozenset(before)
            return before
        if op.results and op.results[0] in self.plan.in_header:
            return live  # bound at the head of a loop, or with the tuple that it is an entry of
        made = [v for r in op.results for v in self.plan.bound(r)]
        for result in made:
            self.define([result], live - {result})
        before = live - set(made)
        if op.primitive in (IF, WITH):
            inside: set[Value] = set()
            for block in op.blocks:
                inside |= self.block(block, before)
            return inside | self.expand(op.args)
        before |= self.expand(op.args)
        before |= self.expand(list(op.kwargs.values()))
        nest = self.plan.nests.of.get(op)
        if nest is not None:  # its statement names the root, whatever has looked into it before
            before |= self.expand([nest.root, *(a for o in nest.path for a in o.args[1:])])
        return before

    def loop(self, loop: Loop, live: set[Value]) -> set[Value]:
        op, plan = loop.op, self.plan
        results = [r for r in op.results if r not in plan.taped]
        tape = plan.tapes.get(op)
        if tape is not None and not tape.shared:
            results.append(tape.value)
        for result in results:
            self.define([result], live - {result})
        through = live - set(results)
        kept = {r for r in op.results[loop.width :] if r not in plan.taped}
        inside = self.free(loop) | through | kept
        if tape is not None:
            inside.add(tape.value)
        if tape is not None and not tape.shared:  # one that is shared has been filled before
            kept.add(tape.value)
        header = plan.headers[op]
        if header.tape is not None:
            inside.add(header.tape.value)
        start = self.block(loop.body, set(inside))
        bound = [*loop.carried, *header.pops]
        bound += [v for _, e in header.sequences for v in plan.bound(e)]
        if header.index_used:
            bound.append(loop.index)
        self.define(bound, (start | inside) - set(bound))
        if loop.test is not None:
            tested = self.block(loop.test, (start - set(bound)) | inside)
            self.define(loop.test.params, tested - set(loop.test.params))
        before = (
            ((start - set(bound)) | inside) - kept
            | self.expand(op.args)
            | {v for s, _ in header.sequences for v in self.expand(s)}
        )
        self.define(kept, before)  # a list is there, though empty, as soon as the loop begins
        # What is carried gets its first value before the head of the loop is read.
        heads = [s for s, _ in header.sequences] or ([] if loop.count is None else [loop.count])
        read = {v for head in heads for v in self.expand(head)}
        for param, init in zip(loop.carried, loop.inits, strict=True):
            for value in read:
                if value is not init:
                    self.clash(param, value)
        return before

    def free(self, loop: Loop) -> set[Value]:
        """What the blocks of a loop read from outside: live through every round."""
        found: set[Value] = set()
        inner: set[Value] = set()

        def visit(block: Block) -> None:
            inner.update(block.params)
            for op in block.ops:
                inner.update(op.results)
                found.update(self.expand(op.args), self.expand(list(op.kwargs.values())))
                for sub in op.blocks:
                    visit(sub)
            found.update(self.expand(block.results))

        for block in loop.op.blocks:
            visit(block)
        return found - inner


class Names:
    """A name for every value that needs one; values of one name never live at the same time.

    `outside` has the names of captured values. `flag` and `unread` are names that no value has: of what
    ends a loop, and of what nobody reads.
    """

    def __init__(
        self, plan: Plan, outside: Mapping[Value, str], reserved: Iterable[str] = ()
    ) -> None:
        self.plan = plan
        self.liveness = Liveness(plan)
        self.group: dict[Value, list[Value]] = {}
        self.names: dict[Value, str] = {}
        self.fixed: dict[str, Value] = {}
        function = plan.function
        for parameter, value in zip(function.signature, function.params, strict=True):
            self.fixed[parameter.name] = value
        for capture in function.captures:
            self.fixed[outside[capture.value]] = capture.value
        self.pinned = set(self.fixed.values())
        self.reserved = RESERVED | set(reserved)
        self.kept_as = plan.kept_as()
        self._join(function.body)
        self._name()
        taken = {*self.names.values(), *self.reserved}
        self.flag = unused("stop", taken)
        self.unread = unused("_", taken)

    def __getitem__(self, value: Value) -> str:
        return self.names[value]

    # -- values that follow one another ---------------------------------------------------------

    def members(self, value: Value) -> list[Value]:
        return self.group.setdefault(value, [value])

    def unite(self, a: Arg, b: Arg) -> None:
        """Let two values share a name, if they never live at the same time."""
        if not isinstance(a, Value) or not isinstance(b, Value):
            return
        if a in self.plan.folded or b in self.plan.folded:
            return
        left, right = self.members(a), self.members(b)
        if left is right or any(v in self.pinned for v in (*left, *right)):
            return
        conflicts = self.liveness.conflicts
        if any(w in conflicts.get(v, ()) for v in left for w in right):
            return
        left.extend(right)
        for value in right:
            self.group[value] = left

    def _join(self, block: Block) -> None:
        for op in block.ops:
            for inner in op.blocks:
                self._join(inner)
            if self.plan.target(op) is not None:
                self.unite(op.result, self.plan.target(op))
            elif drops_last(op):
                self.unite(op.result, op.args[0])
            elif op.primitive in (IF, WITH):
                for inner in op.blocks:
                    for result, given in zip(op.results, inner.results, strict=True):
                        self.unite(result, given)
            elif op.primitive in LOOPS:
                loop = Loop(op)
                for k, param in enumerate(loop.carried):
                    self.unite(param, loop.finals[k])
                    self.unite(param, loop.yields[k])
                    self.unite(param, loop.inits[k])
                    if loop.test is not None:
                        self.unite(param, loop.test.params[k])

    # -- names ----------------------------------------------------------------------------------

    def _name(self) -> None:
        for name, value in self.fixed.items():
            self.names[value] = name
        done: set[int] = set()
        unused = {
            Loop(op).index for op, header in self.plan.headers.items() if not header.index_used
        }
        for value in self._order(self.plan.function.body):
            members = self.members(value)
            if id(members) in done or value in self.names or value in unused:
                continue
            done.add(id(members))
            name = self._choose(members)
            for member in members:
                self.names[member] = name

    def _order(self, block: Block) -> Iterable[Value]:
        yield from block.params
        for op in block.ops:
            tape = self.plan.tapes.get(op)
            if tape is not None:
                yield tape.value
            for inner in op.blocks:
                yield from self._order(inner)
            yield from (
                r for r in op.results if r not in self.plan.folded and r not in self.plan.parts
            )

    def _choose(self, members: list[Value]) -> str:
        taken = {
            self.names[w]
            for v in members
            for w in self.liveness.conflicts.get(v, ())
            if w in self.names
        }
        base = next((v.hint for v in members if v.hint and v.hint != "_"), None)
        if base is None:
            again = next((self.kept_as[v] for v in members if v in self.kept_as), None)
            if again in self.names and self.names[again] not in taken:
                return self.names[again]  # what comes off the tape is called as it went on
            base = self._invent(members)
            if base != "k":
                taken |= self._spoken_for(members)
        return unused(base if base.isidentifier() else "t", taken | self.reserved)

    def _spoken_for(self, members: list[Value]) -> set[str]:
        """The names that an unnamed value must not have, as a name of our own means one thing only.

        But what checkpointed blocks make may be called what it is called in the other such blocks, so
        that there is not more of it at a time than that of one.
        """
        if not all(self._spliced(v) for v in members):
            return set(self.names.values())
        return {name for value, name in self.names.items() if not self._spliced(value)}

    def _spliced(self, value: Value) -> bool:
        op = self.plan.definition.get(value)
        return op is not None and bool(op.attrs.get("spliced"))

    def _invent(self, members: list[Value]) -> str:
        """A name after the function that makes the value, on whatever path."""
        zeros = next((self._zeros_of(v) for v in members if self._zeros_of(v)), None)
        if zeros is not None:
            return f"d_{zeros}"
        for value in members:
            op = self.plan.definition.get(value)
            name = None if op is None or op.primitive is CALL else name_after(op, value)
            if name is not None:
                return name
        for value in members:
            op = self.plan.definition.get(value)
            if op is not None and op.primitive in LOOPS and value.facts.kind == "list":
                return "rounds"
        return "k" if members[0].facts.kind == "int" else "t"

    def _zeros_of(self, value: Value) -> str | None:
        """The name of the value whose adjoint begins as these zeros."""
        op = self.plan.definition.get(value)
        if op is None or op.primitive.function not in (np.zeros_like, runtime.zeros_like):
            return None
        return self.names.get(op.args[0]) if isinstance(op.args[0], Value) else None


def unused(usual: str, taken: Iterable[str]) -> str:
    """The usual name, with a number where that is taken.

    >>> unused("d_x", {"d_x", "d_x_2"})
    'd_x_3'
    """
    name, k = usual, 1
    while name in taken:
        k += 1
        name = f"{usual}_{k}"
    return name


@dataclass(frozen=True, slots=True)
class Shared:
    """The names that the functions of one module have in common.

    `called` has the name by which each callee is called, `outside` those of captured values: their own,
    were there not a parameter, which hides what is outside, or another of the same name.
    """

    called: Mapping[str, str]
    outside: Mapping[Value, str]
    captures: Mapping[str, Capture]


def shared_names(main: Function, callees: Sequence[Function]) -> Shared:
    """Name what the functions of a module call each other and what they read from outside.

    `self.weights` is called `self_weights`.
    """
    functions = [*callees, main]
    taken = {p.name for f in functions for p in f.signature} | {main.name}
    called = {main.name: main.name}
    for f in callees:
        called[f.name] = unused(f.name, taken)
        taken.add(called[f.name])
    taken |= RESERVED | set(runtime.__all__)
    outside: dict[Value, str] = {}
    captures: dict[str, Capture] = {}
    for capture in (c for f in functions for c in f.captures):
        if capture.value not in outside:
            name = outside[capture.value] = unused(capture.name.replace(".", "_"), taken)
            taken.add(name)
            captures[name] = capture
    return Shared(called, outside, captures)
