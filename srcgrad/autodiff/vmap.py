"""The function of many examples that a function of one becomes, and a block batched in some values."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..analysis.unbound import Unbound
from ..errors import MissingRule
from ..ir.build import Builder, facts_of_arg
from ..ir.graph import Arg, Block, Function, Op, Value, values_in, walk
from ..ir.types import CONTAINERS, NUMERIC, PY_INT, Facts, Size, array, scalar
from ..ops import facts as inference
from ..ops.batch_verbs import GaveUp
from .batch import Batch, Table
from .batch_states import (
    LISTED,
    Each,
    Items,
    Lift,
    State,
    element_state,
    everywhere,
    item_state,
    normal,
)
from .cotangents import known_entries, primitive

Axes = Any  # an axis, None for what all examples share, or a tuple of these, one per entry


def batch_ops(
    ops: Sequence[Op],
    results: Sequence[Arg],
    batched: Mapping[Value, Value],
    count: Callable[[Builder], Arg],
    size: Size | None = None,
    before: Sequence[Op] = (),
) -> tuple[tuple[Op, ...], tuple[Arg, ...]]:
    """Ops over many examples, and their results with the examples along the first axis.

    `batched` says which values come with one more axis, and as what. What does not depend on them is
    left alone; `count` gives how many examples there are. With it, the backward sweep of a joint
    function is batched over its cotangent alone: `before` are the ops that come first.
    """
    table: Table = {old: (new, normal(everywhere(old.facts))) for old, new in batched.items()}
    unbound = Unbound(Block((), (*before, *ops), ()))
    made = _batched(Block((), tuple(ops), tuple(results)), table, count, size, unbound)
    finished = tuple(_Finish(made, 0).result(r) for r in results)
    return tuple(made.builder.ops), finished


def _batched(
    block: Block,
    table: Table,
    count: Callable[[Builder], Arg],
    size: Size | None,
    unbound: Unbound,
    looped: bool = False,
) -> Batch:
    """The ops of a block, batched; where that cannot be done op by op, all of it example by example.

    The latter, too, where it is to be `looped` in any case.
    """
    builder = Builder()
    counted: list[Arg] = []

    def how_many() -> Arg:
        return counted[0]

    counted.append(count(builder))
    begun, known = len(builder.ops), dict(table)
    batch = Batch(builder, how_many, size, table, unbound)
    try:
        if looped:
            raise GaveUp
        batch.run(block.ops, block.results)
    except GaveUp:
        del builder.ops[begun:]
        batch = Batch(builder, how_many, size, known, unbound)
        exported = [v for v in dict.fromkeys(values_in(block.results)) if v not in known]
        batch.examples.run(builder, block.ops, exported)
    builder.location = None
    return batch


def vmapped(
    function: Function, in_axes: Sequence[Axes], out_axes: int = 0, size: Size | None = None
) -> Function:
    """The function of many examples, from that of one.

    `in_axes` has an entry per parameter: the axis along which the examples of it lie, None where all
    examples share it, or for a container a tuple of such entries. `size` is what is known of how many
    examples there are.
    """
    params = tuple(
        value if axes is None else Value(value.hint, batched_facts(value.facts, axes, size))
        for value, axes in zip(function.params, in_axes, strict=True)
    )
    builder = Builder(function.location)
    table: Table = {}
    first: list[tuple[Value, int]] = []
    for old, new, axes in zip(function.params, params, in_axes, strict=True):
        if axes is not None:
            table[old] = _in_front(builder, new, axes, first)

    def count(inner: Builder) -> Arg:
        inner.ops.extend(builder.ops)
        value, axis = first[0]
        if axis == 0:
            return inner.emit(primitive(builtins.len), (value,), hint="n")
        shape = inner.emit(primitive(np.shape), (value,))
        return inner.emit(primitive(operator.getitem), (shape, axis), hint="n")

    made = _batched(
        function.body, table, count, size, Unbound(function.body), looped=draws(function)
    )
    result = _Finish(made, out_axes).result(function.result)
    body = Block(params, tuple(made.builder.ops), (result,))
    name = f"{function.name}_vmapped"
    return replace(function, name=name, body=body, owned=(), doc=None)


def draws(function: Function) -> bool:
    """Whether a function reads what may be another thing at each call, such as a random draw.

    It is called once for each example then, so that each has draws of its own whatever else is done.
    """
    return any(map(_draws, (function.body, *(c.body for c in function.callees.values()))))


def _draws(block: Block) -> bool:
    ops = list(walk(block))
    read = {v for op in ops for v in values_in((op.args, dict(op.kwargs)))}
    for inner in (block, *(b for op in ops for b in op.blocks)):
        read.update(values_in(inner.results))
    return any(op.primitive.effect and not read.isdisjoint(op.results) for op in ops)


def batched_facts(one: Facts, axes: Axes, size: Size | None) -> Facts:
    """What is known of many examples of a value, from what is known of one."""
    if axes is None:
        return one
    if isinstance(axes, tuple):
        items = tuple(batched_facts(f, a, size) for f, a in zip(one.items or (), axes, strict=True))
        return replace(one, items=items, known=())
    dims = inference.as_array(one).dims
    if dims is not None:
        axis = axes if axes >= 0 else axes + len(dims) + 1
        dims = (*dims[:axis], size, *dims[axis:])
    return Facts("array", inference.dtype_same(one), dims)


def one_of(facts: Facts, axes: Axes) -> Facts:
    """What is known of one example, from what is known of all."""
    if axes is None:
        return facts
    if isinstance(axes, tuple):
        items = tuple(one_of(f, a) for f, a in zip(facts.items or (), axes, strict=True))
        return replace(facts, items=items)
    dims = facts.dims or ()
    rest = (*dims[:axes], *dims[axes + 1 :])
    if not rest:
        return scalar(facts.dtype)
    one = array(facts.dtype, rest)
    return replace(one, strided=len(rest) > 1 and (facts.strided or axes > 0))


def sizes_of(facts: Facts, axes: Axes) -> Iterator[Any]:
    """What is known of the number of examples."""
    if isinstance(axes, tuple):
        for part, each in zip(facts.items or (), axes, strict=True):
            yield from sizes_of(part, each)
    elif axes is not None:
        yield (facts.dims or (None,))[axes]


def _in_front(
    builder: Builder, value: Value, axes: Axes, first: list[tuple[Value, int]]
) -> tuple[Arg, State]:
    """A parameter with the examples along the first axis, and its state."""
    if axes is None:
        return value, False
    if not isinstance(axes, tuple):
        first.append((value, axes))
        if axes == 0:
            return value, True
        return builder.emit(primitive(np.moveaxis), (value, axes, 0), hint=value.hint), True
    state = normal(Items(tuple(_state_of(a) for a in axes)))
    keys = known_entries(value.facts) or ()
    parts: list[Arg] = []
    for key, part_axes in zip(keys, axes, strict=True):
        function = getattr if value.facts.kind == "object" else operator.getitem
        part = builder.emit(primitive(function), (value, key))
        parts.append(_in_front(builder, part, part_axes, first)[0])
    if _all_in_front(axes):
        return value, state
    return Lift(builder, lambda: None, None).assemble(parts, keys, value.facts), state


def _state_of(axes: Axes) -> State:
    if isinstance(axes, tuple):
        return normal(Items(tuple(map(_state_of, axes))))
    return axes is not None


def _all_in_front(axes: Axes) -> bool:
    if isinstance(axes, tuple):
        return all(map(_all_in_front, axes))
    return axes is None or axes == 0


class _Finish:
    """Gives results in which every number has the examples along one axis."""

    def __init__(self, batch: Batch, axis: int) -> None:
        self.batch = batch
        self.builder = batch.builder
        self.axis = axis

    def result(self, arg: Arg) -> Arg:
        """A result of the function of one example, of all of them."""
        return self.leaf(self.batch.get(arg), self.batch.state(arg), facts_of_arg(arg))

    def leaf(self, arg: Arg, state: State, one: Facts) -> Arg:
        if state is LISTED:
            return self.collected(arg, one)
        if state is True:
            return self.placed(arg)
        known = facts_of_arg(arg)
        if known.kind not in CONTAINERS:
            return self.placed(self.batch.lifts.repeated(arg)) if known.kind in NUMERIC else arg
        if self.axis == 0 and isinstance(arg, Value) and state == everywhere(known):
            return arg
        keys = known_entries(known)
        if keys is not None:
            lift = self.batch.lifts
            items = one.items if one.items is not None and len(one.items) == len(keys) else None
            parts = [
                self.leaf(lift.part(arg, key), item_state(state, k), items[k] if items else Facts())
                for k, key in enumerate(keys)
            ]
            return lift.assemble(parts, keys, known)
        if known.kind not in ("list", "tuple") or state == Each(True):
            return self.refuse() if state != Each(True) or self.axis else arg
        entry, element = element_state(state), known.element or Facts()
        return self.each(
            arg, lambda inner, part: _Finish(inner, self.axis).leaf(part, entry, element)
        )

    def each(self, xs: Arg, change: Callable[[Batch, Arg], Arg]) -> Value:
        """A list of something made of each entry of a list."""
        index = Value("j", PY_INT)
        inner = self.batch.child()
        part = inner.builder.emit(primitive(operator.getitem), (xs, index))
        block = inner.builder.block((index,), (change(inner, part),))
        count = self.builder.emit(primitive(builtins.len), (xs,))
        (found,) = self.builder.emit_for(count, (), block)
        return found

    def placed(self, arg: Arg) -> Arg:
        if self.axis == 0:
            return arg
        return self.builder.emit(primitive(np.moveaxis), (arg, 0, self.axis))

    def collected(self, xs: Arg, one: Facts) -> Arg:
        """What stands in a list with one entry per example, stacked."""
        keys = known_entries(one)
        get = primitive(operator.getitem)
        if keys is not None:
            lift = self.batch.lifts
            function = primitive(getattr if one.kind == "object" else operator.getitem)
            parts = []
            for key, facts in zip(keys, one.items or (), strict=True):

                def entry(inner: Batch, part: Arg, key: Any = key, facts: Facts = facts) -> Arg:
                    return inner.builder.emit(function, (part, key), facts=facts)

                parts.append(self.collected(self.each(xs, entry), facts))
            return lift.assemble(parts, keys, one)
        if one.kind in NUMERIC:
            return self.placed(self.builder.emit(primitive(np.stack), (xs,)))
        if one.kind in ("list", "tuple") and one.element is not None:
            element = one.element
            first = self.builder.emit(get, (xs, 0), facts=one)
            count = self.builder.emit(primitive(builtins.len), (first,))
            index = Value("j", PY_INT)
            outer = self.batch.child()
            finish = _Finish(outer, self.axis)
            column = finish.each(
                xs, lambda inner, part: inner.builder.emit(get, (part, index), facts=element)
            )
            block = outer.builder.block((index,), (finish.collected(column, element),))
            (found,) = self.builder.emit_for(count, (), block)
            return found if one.kind == "list" else self.builder.emit(primitive(tuple), (found,))
        if one.kind in ("none", "str") and one.known:
            return one.known[0]
        return self.refuse()

    def refuse(self) -> Any:
        raise MissingRule(
            "what the examples return has no form that is known before the program runs, so it "
            "cannot be stacked",
            cure="return arrays and numbers, in tuples, lists or dicts of known entries",
        )
