"""Batching: a graph applied to many examples at once, each along a leading axis of what is batched."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import runtime
from ..analysis.unbound import Unbound
from ..errors import MissingRule
from ..ir.build import Builder, facts_of_arg, infer, stack_facts
from ..ir.graph import (
    BRANCHES,
    CALL,
    CONTROL,
    FOR,
    UNDEFINED,
    Arg,
    Block,
    Loop,
    Op,
    Value,
    map_values,
    reads,
    values_in,
)
from ..ir.rewrite import has_effect, substitute_op
from ..ir.types import CONTAINERS, Facts, MustFail, Size, tied, untied
from ..ops import batching, batching_indexing, batching_products, batching_shaping, trace
from ..ops.batch_verbs import GaveUp, Many, ShapeOf, many, operands
from .batch_containers import Containers
from .batch_loops import Examples
from .batch_states import (
    LISTED,
    Each,
    Items,
    Lift,
    NotAsAssumed,
    State,
    element_state,
    everywhere,
    is_batched,
    item_state,
    join,
    normal,
)

assert batching_indexing and batching_products and batching_shaping  # tables of rows
# What adds up containers entry by entry says of the result what it knows of one of them.
SUMS = (runtime.index_add, runtime.attribute_add, runtime.add, runtime.regroup)
Table = dict[Value, tuple[Arg, State]]


class Batch:
    """Batches one block. `table` says what has become of each value that is not as it was.

    `count` gives how many examples there are, and `size` is what is known of it.
    """

    def __init__(
        self,
        builder: Builder,
        count: Callable[[], Arg],
        size: Size | None,
        table: Table,
        unbound: Unbound,
    ) -> None:
        self.builder = builder
        self.count = count
        self.size = size
        self.table = table
        self.unknown = unbound
        self.unbound = unbound.values
        self.makers: dict[Value, Op] = {}  # the ops that made what all examples share
        self.lifts = Lift(builder, count, size, self.makers, unbound.entries)
        self.examples = Examples(self.lifts, table, unbound.values)
        self.pending: list[Op] = []  # ops to be run example by example, in one loop
        self.assumed: set[Value] = set()  # what loops around carry, until the contrary is known
        self.made: set[Value] = set()  # what these give
        self.readers: dict[Value, list[int]] = {}
        self.wanted: set[Value] = set()

    def child(self) -> Batch:
        """A batch of a block inside this one."""
        made = Batch(self.builder.child(), self.count, self.size, self.table, self.unknown)
        made.assumed = self.assumed
        made.makers.update(self.makers)
        return made

    def state(self, arg: Arg) -> State:
        """Which parts of an argument are batched."""
        if isinstance(arg, Value):
            return self.table[arg][1] if arg in self.table else False
        if isinstance(arg, dict):
            return normal(Items(tuple(self.state(a) for a in arg.values())))
        if isinstance(arg, tuple | list):
            return normal(Items(tuple(self.state(a) for a in arg)))
        return any(is_batched(self.state(v)) for v in values_in(arg))

    def get(self, arg: Arg) -> Arg:
        """An argument as it now is."""
        return map_values(lambda v: self.table[v][0] if v in self.table else v, arg)

    def run(self, ops: Sequence[Op], results: Arg) -> None:
        """Batch the ops of a block, of which `results` are handed on."""
        for k, op in enumerate(ops):
            for value in reads(op):
                self.readers.setdefault(value, []).append(k)
        self.wanted = set(values_in(results))
        places = {id(op): k for k, op in enumerate(ops)}
        for op in ops:
            given = reads(op)
            inside = [v for v in given if v in self.made]
            if inside and (self.is_looped(op) or not all(map(self.examples.stacks, inside))):
                self.postpone(op)
                continue
            if inside or has_effect(op):
                self.flush(places)
            self.builder.location = op.location
            self.builder.adjoint, self.builder.derived = op.adjoint, op.derived
            if not any(is_batched(self.state(v)) for v in given):
                self.keep(op)
                continue
            try:
                self.step(op)
            except GaveUp as reason:
                if isinstance(reason, NotAsAssumed) and reason.value in self.assumed:
                    raise
                self.postpone(op)
        self.flush(places)

    def is_looped(self, op: Op) -> bool:
        """Whether an op is certainly run example by example, once its operands are batched."""
        if op.primitive in CONTROL:
            return op.primitive is CALL or any(v in self.made for v in values_in(op.args[:1]))
        return op.primitive.effect

    def postpone(self, op: Op) -> None:
        """Leave an op to the loop over the examples."""
        self.pending.append(op)
        self.made.update(op.results)

    def keep(self, op: Op) -> None:
        """An op that all examples share."""
        table = {v: arg for v, (arg, state) in self.table.items() if not is_batched(state)}
        op = substitute_op(op, table)
        plain = len(op.results) == 1 and not op.blocks and op.primitive.infer is not None
        if plain and op.result.facts.is_numeric and op.result.facts.dims is None:
            # What is read from outside may be known by now, and so what is made of it.
            with contextlib.suppress(MustFail):
                op.result.facts = tied(infer(op.primitive, op.args, op.kwargs), op.result)
        self.builder.append(op)
        self.makers.update(dict.fromkeys(op.results, op))

    def flush(self, places: dict[int, int]) -> None:
        """Run what is pending example by example."""
        if not self.pending:
            return
        own = {places[id(op)] for op in self.pending}
        exported = [
            r
            for op in self.pending
            for r in op.results
            if r in self.wanted or any(k not in own for k in self.readers.get(r, ()))
        ]
        ops, self.pending, self.made = self.pending, [], set()
        self.examples.run(self.builder, ops, exported)

    # -- one op ---------------------------------------------------------------------------------

    def step(self, op: Op) -> None:
        """Batch one op.

        Raises
        ------
        GaveUp
            Where it has to be run example by example.
        """
        mark = len(self.builder.ops)
        try:
            if op.primitive in CONTROL:
                self.control(op)
                return
            if op.primitive.effect or op.attrs.get("fails"):
                raise GaveUp
            arg, state = self.apply(op)
        except GaveUp:
            del self.builder.ops[mark:]
            raise
        fresh = {r for o in self.builder.ops[mark:] for r in o.results}
        if isinstance(arg, Value) and arg in fresh:
            arg.hint = arg.hint or op.result.hint
            one = op.result.facts
            if state is True and arg.facts.dims is None and one.dims is not None:
                arg.facts = self.lifts.facts(untied(one))
            elif arg.facts.kind in CONTAINERS and op.primitive.function in SUMS:
                arg.facts = self.facts(one, state)
        self.table[op.result] = (arg, state)

    def apply(self, op: Op) -> tuple[Arg, State]:
        """The batched result of an op, with its state."""
        given = [(self.get(a), self.state(a)) for a in op.args]
        if any(self.table[v][1] == LISTED for v in values_in((op.args, dict(op.kwargs)))
               if v in self.table):  # fmt: skip
            raise GaveUp
        found = None
        if not op.kwargs:
            found = Containers(self.lifts, self.examples.entry).apply(op, given)
        elif isinstance(op.primitive.function, type):
            raise GaveUp
        if found is not None:
            return found
        row = batching.find(op.primitive)
        if row is None:
            raise GaveUp
        args = [self.wrap(a) for a in op.args]
        kwargs = {k: self.wrap(a) for k, a in op.kwargs.items()}
        mark = len(self.builder.ops)
        try:
            if not row.lists:
                args = operands(op.primitive, args)
                kwargs = dict(zip(kwargs, operands(op.primitive, [*kwargs.values()]), strict=True))
            result = trace.unwrap(row.row(*args, **kwargs))
        except MissingRule as error:  # the row would have to know a value
            raise GaveUp from error
        made = [(o.args, dict(o.kwargs)) for o in self.builder.ops[mark:]]
        if next(many([result, made]), None) is not None:
            raise GaveUp  # an argument that the row has not looked into
        if row.shared:
            if op.primitive.function is np.shape and isinstance(result, Value):
                full = self.builder.ops[-1].args[0]
                self.examples.shapes[result] = full
            return result, False
        return result, _state(result)

    def wrap(self, arg: Arg) -> Any:
        """An argument in the hands of a row."""
        if isinstance(arg, Value):
            found, state = self.table.get(arg, (arg, False))
            return self.handed(found, state)
        if isinstance(arg, dict):
            return {k: self.wrap(a) for k, a in arg.items()}
        if isinstance(arg, tuple | list):
            items = [self.wrap(a) for a in arg]
            if hasattr(arg, "_fields"):
                return type(arg)(*items)
            return items if isinstance(arg, list) else tuple(items)
        if isinstance(arg, slice):
            return slice(self.wrap(arg.start), self.wrap(arg.stop), self.wrap(arg.step))
        return arg

    def handed(self, arg: Arg, state: State) -> Any:
        """An argument of a state in the hands of a row; containers are spelled out."""
        if not is_batched(state):
            return self._tracer(arg)
        if state is True or (isinstance(state, Each) and state.state is True):
            return Many(trace.Tracer(arg, self.builder), self.spread)
        known = facts_of_arg(arg)
        if not isinstance(state, Items) or known.kind not in ("list", "tuple"):
            raise GaveUp
        parts = [
            self.handed(self.lifts.part(arg, k), item_state(state, k))
            for k in range(len(state.states))
        ]
        return parts if known.kind == "list" else tuple(parts)

    def _tracer(self, arg: Arg) -> Any:
        def wrapped(value: Value) -> Any:
            full = self.examples.shapes.get(value)
            if full is None:
                return trace.Tracer(value, self.builder)
            shape = ShapeOf(value, self.builder)
            shape.all = trace.Tracer(full, self.builder)
            return shape

        return map_values(wrapped, arg)

    def spread(self, arg: Any) -> Any:
        """What all examples share, once for each: for rows."""
        return trace.Tracer(self.lifts.spread(trace.unwrap(arg)), self.builder)

    # -- control flow ---------------------------------------------------------------------------

    def control(self, op: Op) -> None:
        if op.primitive is CALL or any(self.state(v) is LISTED for v in values_in(op.args)):
            raise GaveUp
        if op.primitive in BRANCHES:
            self.branches(op)
        else:
            self.loop(Loop(op))

    def branches(self, op: Op) -> None:
        """A branch whose condition all examples share, or another block that runs once."""
        if is_batched(self.state(op.args)):
            raise GaveUp
        children = []
        for block in op.blocks:
            child = self.child()
            child.run(block.ops, block.results)
            children.append(child)
        states: list[State] = []
        for k, result in enumerate(op.results):
            joined: State = False
            for child, block in zip(children, op.blocks, strict=True):
                joined = join(joined, child.state(block.results[k]))
            states.append(fitting(joined, result.facts))
        blocks = []
        for child, block in zip(children, op.blocks, strict=True):
            results = child.lifted(block.results, states)
            blocks.append(Block((), tuple(child.builder.ops), results))
        self.close(replace(op, args=self.get(op.args), blocks=tuple(blocks)), op.results, states)

    def lifted(self, args: Sequence[Arg], states: Sequence[State]) -> tuple[Arg, ...]:
        """Arguments in the states that are wanted of them."""
        found = []
        for arg, wanted in zip(args, states, strict=True):
            state = self.state(arg)
            unbound = any(v in self.unbound for v in values_in(arg))
            if state != wanted and (unbound or (arg is UNDEFINED and wanted is LISTED)):
                raise GaveUp
            given = self.get(arg)
            if is_batched(wanted) and given is not UNDEFINED:
                given = self.lifts.lift(given, state, wanted, self.examples.entry)
            found.append(given)
        return tuple(found)

    def close(self, op: Op, results: Sequence[Value], states: Sequence[State]) -> None:
        """Append a control op, with new results where these are batched."""
        made = []
        for result, state in zip(results, states, strict=True):
            if is_batched(state):
                twin = Value(result.hint, self.facts(result.facts, state))
                self.table[result] = (twin, state)
                made.append(twin)
            else:
                made.append(result)
        self.builder.append(replace(op, results=tuple(made)))

    def facts(self, one: Facts, state: State) -> Facts:
        """What is known of a value in a state, from what is known of one example."""
        one = untied(one)
        if not is_batched(state):
            return one
        if state is LISTED:
            return Facts("list", element=one)
        if state is True:
            return self.lifts.facts(one)
        if one.items is not None:
            items = tuple(self.facts(f, item_state(state, k)) for k, f in enumerate(one.items))
            return replace(one, items=items, known=())
        element = one.element if one.element is not None else Facts()
        return replace(one, element=self.facts(element, element_state(state)))

    def loop(self, loop: Loop) -> None:
        """A loop that runs equally often for all examples."""
        op = loop.op
        if loop.count is not None and is_batched(self.state(loop.count)):
            raise GaveUp
        states = [
            fitting(self.state(init), param.facts)
            for init, param in zip(loop.inits, loop.carried, strict=True)
        ]
        while True:
            try:
                body, params = self.round(loop, loop.body, loop.carried, states)
            except NotAsAssumed as reason:
                if reason.value not in loop.carried:
                    raise
                k = loop.carried.index(reason.value)
                states[k] = fitting(reason.state, loop.carried[k].facts)
                continue
            after = [
                fitting(join(state, body.state(given)), param.facts)
                for state, given, param in zip(states, loop.yields, loop.carried, strict=True)
            ]
            if after == states:
                break
            states = after
        if is_batched(body.state(loop.stop)):
            raise GaveUp
        blocks = []
        if loop.test is not None:
            test, given = self.round(loop, loop.test, loop.test.params, states)
            if is_batched(test.state(loop.test.results)):
                raise GaveUp
            blocks.append(Block(given, tuple(test.builder.ops), test.get(loop.test.results)))
        inits = self.lifted(loop.inits, states)
        entries = [body.state(entry) for entry in loop.entries]
        results = (
            *body.lifted(loop.yields, states),
            *body.get(loop.entries),
            *((body.get(loop.stop),) if loop.stops else ()),
        )
        blocks.append(Block((loop.index, *params), tuple(body.builder.ops), results))
        count = (self.get(loop.count),) if op.primitive is FOR else ()
        stacked: list[State] = [Each(s) if is_batched(s) else False for s in entries]
        kwargs = {key: self.get(arg) for key, arg in op.kwargs.items()}
        made = replace(op, args=(*count, *inits), kwargs=kwargs, blocks=tuple(blocks))
        self.close(made, op.results, [*states, *stacked])
        for entry, result in zip(loop.entries, op.results[loop.width :], strict=False):
            twin = self.table.get(result)
            if twin is not None and isinstance(twin[0], Value):
                twin[0].facts = stack_facts(body.get(entry))

    def round(
        self, loop: Loop, block: Block, carried: Sequence[Value], states: Sequence[State]
    ) -> tuple[Batch, tuple[Value, ...]]:
        """One block of a loop, for carried values in these states."""
        child = self.child()
        params = []
        for param, state in zip(carried, states, strict=True):
            self.table.pop(param, None)
            if is_batched(state):
                twin = Value(param.hint, self.facts(param.facts, state))
                self.table[param] = (twin, state)
                params.append(twin)
            else:
                params.append(param)
        assumed = {p for p, state in zip(carried, states, strict=True) if not is_batched(state)}
        self.assumed |= assumed
        try:
            child.run(block.ops, block.results)
        finally:
            self.assumed -= assumed
        return child, tuple(params)


def fitting(state: State, facts: Facts) -> State:
    """A state as the facts of a value allow: entry by entry only where the entries are known."""
    if isinstance(state, Items) and facts.kind in CONTAINERS and facts.items is None:
        return normal(Each(element_state(state)))
    return normal(state)


def _state(arg: Arg) -> State:
    """The state of what a row gives."""
    if isinstance(arg, Value):
        return everywhere(arg.facts) if arg.facts.kind in CONTAINERS else True
    if isinstance(arg, tuple | list):
        return Items(tuple(map(_state, arg)))
    return False
