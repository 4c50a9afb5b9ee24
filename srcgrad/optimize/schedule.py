"""Gives loops that keep few states their schedule: which are kept when, and which rounds are run again.

Differentiation has let such a loop keep what each round begins with, and its reverse read that back,
round by round. Here the stack becomes a short one: the forward loop puts a state on it before some of
its rounds; the reverse takes the last of them off, and runs the rounds from there up to its own again,
putting states on the stack on its way. Which ones is told by `runtime.revolve`. A loop of which nobody
knows the length lets go of states on its way, and counts its rounds.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .. import runtime
from ..analysis.memory import IMMUTABLE_KINDS, UPDATES
from ..analysis.unbound import unbound_values
from ..autodiff.checkpoints import needed, refuse_effects
from ..ir.build import Builder
from ..ir.graph import (
    FOR,
    LOOPS,
    Arg,
    Block,
    Function,
    Loop,
    Op,
    Primitive,
    Value,
    operands,
    values_in,
    walk,
)
from ..ir.rewrite import map_bodies, renew_block, substitute_block
from ..ir.types import PY_BOOL, PY_INT, Facts
from ..ops import facts, registry
from .dce import carried_for

_FIRST = registry.declare(runtime.first_states, infer=facts.opaque)
_KEPT = registry.declare(runtime.kept_states, infer=facts.opaque)
_ONLINE = registry.declare(runtime.online_states, infer=facts.opaque)
_STILL_KEPT = registry.declare(runtime.still_kept)
_WITHOUT_LAST = registry.declare(runtime.without_last)


def schedule(function: Function) -> Function:
    """The function whose checkpointed loops keep as many states as they are allowed to, and no more."""
    return map_bodies(function, lambda body: _block(body, unbound_values(body)))


def _block(block: Block, unbound: set[Value]) -> Block:
    ops = [
        replace(op, blocks=tuple(_block(b, unbound) for b in op.blocks)) if op.blocks else op
        for op in block.ops
    ]
    for op in [op for op in ops if op.primitive in LOOPS and "keep" in op.kwargs]:
        pair = _pair(Loop(op), Block(block.params, tuple(ops), block.results), unbound)
        if pair is None:
            ops[ops.index(op)] = replace(op, kwargs={})
            continue
        for old, new in pair.changed().items():
            k = ops.index(old)
            ops[k : k + 1] = new
    return Block(block.params, tuple(ops), block.results)


def _pair(loop: Loop, block: Block, unbound: set[Value]) -> _Pair | None:
    """A loop and its reverse, if that is all that reads what the loop has kept of its states."""
    places = {p: k for k, p in enumerate(loop.carried)}
    stacks = {
        s: places[e]
        for s, e in zip(loop.stacks, loop.entries, strict=True)
        if isinstance(e, Value) and e in places
    }
    readers = [op for op in block.ops if _reads(op, stacks)]
    lengths = [op for op in readers if op.primitive.function is builtins.len]
    readers = [op for op in readers if op not in lengths]
    if len(readers) != 1 or any(v in stacks for v in values_in(block.results)):
        return None
    (op,) = readers
    if op.primitive is not FOR or any(v in stacks for v in operands(op)):
        return None
    reverse = Loop(op)
    mirror = loop.op.attrs.get("mirror")
    alike = mirror is not None and op.attrs.get("mirror") is mirror
    if not reverse.reverse or not (alike or reverse.count in [o.result for o in lengths]):
        return None
    for inner in walk(reverse.body):
        if any(v in stacks for b in inner.blocks for v in values_in(b.results)):
            return None
        if any(v in stacks for v in operands(inner)) and not _reads_back(inner, reverse, stacks):
            return None
    if any(v in stacks for v in values_in(reverse.body.results)):
        return None
    return _Pair(loop, reverse, stacks, lengths, unbound)


def _reads(op: Op, values: Iterable[Value]) -> bool:
    wanted = set(values)
    inside = (v for b in op.blocks for o in walk(b) for v in operands(o))
    handed = (v for b in op.blocks for v in values_in(b.results))
    return any(v in wanted for vs in (operands(op), inside, handed) for v in vs)


def _reads_back(op: Op, reverse: Loop, stacks: dict[Value, int]) -> bool:
    """Whether an op fetches from a stack what the round under way began with."""
    return (
        op.primitive.function is operator.getitem
        and op.args[0] in stacks
        and op.args[1] is reverse.index
    )


@dataclass(eq=False)
class _Pair:
    """A loop, its reverse, and the stacks that only the latter reads: the places of their entries."""

    loop: Loop
    reverse: Loop
    stacks: dict[Value, int]
    lengths: list[Op]  # the ops that ask a stack how many rounds there were
    unbound: set[Value]  # what a name may stand for that is not bound yet: None in a state

    def __post_init__(self) -> None:
        loop = self.loop
        self.state = sorted(carried_for(loop, set(self.stacks.values()), ()))
        params = (loop.index, *(loop.carried[k] for k in self.state))
        results = tuple(loop.yields[k] for k in self.state)
        self.step = needed(Block(params, loop.body.ops, results))
        refuse_effects(self.step, "loop")
        self.writes = any(op.primitive.function in UPDATES for op in walk(self.step))
        kinds = tuple(loop.carried[k].facts for k in self.state)
        self.entry = Facts("tuple", items=(PY_INT, *kinds), cls=tuple)
        self.row = Facts("list", element=self.entry, cls=list)
        self.count, self.keep = loop.count, loop.keep
        self.states = Value("states", self.row)
        self.rounds = Value("rounds", PY_INT)
        self.online = loop.count is None or loop.stops

    def changed(self) -> dict[Op, list[Op]]:
        """What stands in the place of which op."""
        forward = self._online() if self.online else self._forward()
        gone: dict[Op, list[Op]] = {op: [] for op in self.lengths}
        return {self.loop.op: forward, self.reverse.op: self._backward(), **gone}

    def _online(self) -> list[Op]:
        """The loop, which keeps some of its states, not knowing how many rounds there will be."""
        loop, op = self.loop, self.loop.op
        body, index = Builder(op.location, op.adjoint), loop.index
        states, levels = Value("states", self.row), Value("levels", Facts("opaque"))
        chosen = body.emit(_ONLINE, (levels, index, self.keep), hint="levels")
        left = body.emit(_STILL_KEPT, (states, chosen), hint="states", facts=self.row)
        kept = self._keep(body, chosen, left, index, [loop.carried[k] for k in self.state])
        rounds = body.emit(_primitive(operator.add), (index, 1), hint="rounds", facts=PY_INT)
        return [
            self._keeping(
                (*body.ops,), {states: kept, levels: chosen, Value("rounds", PY_INT): rounds}
            )
        ]

    def _forward(self) -> list[Op]:
        """The loop, which keeps some of its states."""
        loop, op = self.loop, self.loop.op
        outer = Builder(op.location, op.adjoint)
        first = outer.emit(_FIRST, (self.count, self.keep), hint="first")
        states, body = Value("states", self.row), Builder(op.location, op.adjoint)
        params = [loop.carried[k] for k in self.state]
        kept = self._keep(body, first, states, loop.index, params)
        return [*outer.ops, self._keeping(body.ops, {states: kept})]

    def _keeping(self, before: Sequence[Op], more: dict[Value, Value]) -> Op:
        """The loop, which begins its rounds with other ops, too, and carries more: the states first."""
        loop, op = self.loop, self.loop.op
        rest = [k for k, s in enumerate(loop.stacks) if s not in self.stacks]
        stop = (loop.stop,) if loop.stops else ()
        block = Block(
            (*loop.body.params, *more),
            (*before, *loop.body.ops),
            (*loop.yields, *more.values(), *(loop.entries[k] for k in rest), *stop),
        )
        blocks: tuple[Block, ...] = (block,)
        if loop.test is not None:
            unread = tuple(Value(v.hint, v.facts) for v in more)
            test = loop.test
            blocks = (Block((*test.params, *unread), test.ops, test.results), block)
        starts: tuple[Arg, ...] = ([], {}, 0)
        finals = [self.states, *(Value(v.hint, v.facts) for v in list(more)[1:])]
        if self.online:
            finals[-1] = self.rounds
        return replace(
            op,
            args=(*op.args, *starts[: len(more)]),
            kwargs={},
            blocks=blocks,
            results=(*loop.finals, *finals, *(loop.stacks[k] for k in rest)),
        )

    def _backward(self) -> list[Op]:
        """The reverse, which runs rounds again from the last state that is kept."""
        reverse, op = self.reverse, self.reverse.op
        reverse.index.hint = reverse.index.hint or self.loop.index.hint
        states, builder = Value("states", self.row), Builder(op.location, adjoint=True)
        get = _primitive(operator.getitem)
        last = builder.emit(get, (states, -1), facts=self.entry)
        start = builder.emit(get, (last, 0), hint="start")
        begin = []
        for k, place in enumerate(self.state):
            hint, maybe = self.loop.carried[place].hint, self.loop.carried[place] in self.unbound
            begin.append(
                self._copied(builder, builder.emit(get, (last, 1 + k), hint=hint), hint, maybe)
            )
        left = builder.emit(_WITHOUT_LAST, (states,), hint="states", facts=self.row)
        size = builder.emit(_primitive(builtins.len), (left,))
        room = builder.emit(_primitive(operator.sub), (self.keep, size))
        stop = builder.emit(_primitive(operator.add), (reverse.index, 1))
        chosen = builder.emit(_KEPT, (start, stop, room), hint="chosen")
        steps = builder.emit(_primitive(range), (start, reverse.index))
        *now, kept = self._again(builder, steps, chosen, begin, left)
        value_of = dict(zip(self.state, now, strict=True))
        table: dict[Value, Arg] = {
            inner.result: value_of[self.stacks[inner.args[0]]]
            for inner in walk(reverse.body)
            if inner.args and any(v in self.stacks for v in operands(inner))
        }
        body = substitute_block(reverse.body, table)
        ops = (*builder.ops, *_unread(body.ops, table))
        width = reverse.width
        block = Block(
            (*body.params, states),
            ops,
            (*body.results[:width], kept, *body.results[width:]),
        )
        final = Value("states", self.row)
        count = self.rounds if self.online else reverse.count
        changed = replace(
            op,
            args=(count, *reverse.inits, self.states),
            blocks=(block,),
            results=(*op.results[:width], final, *op.results[width:]),
        )
        return [changed]

    def _again(
        self, builder: Builder, steps: Value, chosen: Value, begin: Sequence[Arg], left: Value
    ) -> tuple[Value, ...]:
        """Run rounds again, from a state that was kept; the state and the stack that they lead to."""
        step = renew_block(self.step)
        count = builder.emit(_primitive(builtins.len), (steps,))
        inner, states, k = builder.child(), Value("states", self.row), Value(None, PY_INT)
        index = inner.emit(_primitive(operator.getitem), (steps, k), hint="step", facts=PY_INT)
        params = step.params[1:]
        kept = self._keep(inner, chosen, states, index, params)
        body = substitute_block(Block((), step.ops, step.results), {step.params[0]: index})
        block = Block((k, *params, states), (*inner.ops, *body.ops), (*body.results, kept))
        return builder.emit_for(count, (*begin, left), block)

    def _keep(
        self, builder: Builder, chosen: Value, states: Value, index: Value, state: Sequence[Value]
    ) -> Value:
        """Put the state on the stack if the round is among those before which it is kept."""
        test = builder.emit(_primitive(operator.contains), (chosen, index), facts=PY_BOOL)
        then = builder.child()
        places = [self.loop.carried[k] in self.unbound for k in self.state]
        copies = [self._copied(then, v, None, m) for v, m in zip(state, places, strict=True)]
        entry = (index, *copies)
        longer = then.emit(
            _primitive(runtime.append), (states, entry), hint="states", facts=self.row
        )
        then.ops[:] = [replace(op, attrs={"state": True}) for op in then.ops]
        sides = then.block((), [longer]), builder.child().block((), [states])
        (kept,) = builder.emit_if(test, *sides, hints=("states",))
        return kept

    def _copied(self, builder: Builder, value: Value, hint: str | None, unbound: bool) -> Value:
        """A value in memory of its own, if the loop writes to such memory."""
        if not self.writes or value.facts.kind in IMMUTABLE_KINDS:
            return value
        array = value.facts.kind == "array" and not unbound
        function = np.copy if array else runtime.copied
        return builder.emit(_primitive(function), (value,), hint=hint, facts=value.facts)


def _unread(ops: Sequence[Op], gone: dict[Value, Arg]) -> tuple[Op, ...]:
    """The ops without those that have read a stack."""
    return tuple(
        replace(
            op, blocks=tuple(Block(b.params, _unread(b.ops, gone), b.results) for b in op.blocks)
        )
        if op.blocks
        else op
        for op in ops
        if not (op.results and op.results[0] in gone and op.primitive not in LOOPS)
    )


def _primitive(function: object) -> Primitive:
    found = registry.find(function)
    assert found is not None
    return found
