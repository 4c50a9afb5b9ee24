"""What no row covers is run example by example: a loop over the batch, whose results are stacked."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import runtime
from ..errors import StructureError
from ..ir.build import Builder, facts_of_arg
from ..ir.graph import Arg, Block, Op, Value, reads, walk
from ..ir.rewrite import renew_block
from ..ir.types import CONTAINERS, NUMERIC, PY_INT, AnyShape, Dim, Facts, Size, untied
from ..ops.batch_verbs import GaveUp
from .batch_states import (
    LISTED,
    Each,
    Items,
    Lift,
    State,
    element_state,
    is_batched,
    item_state,
)
from .cotangents import known_entries, primitive


class Examples:
    """Runs ops example by example. `table` says what has become of each value."""

    def __init__(
        self, lift: Lift, table: dict[Value, tuple[Arg, State]], unbound: set[Value]
    ) -> None:
        self.lift = lift
        self.table = table
        self.unbound = unbound
        self.shapes: dict[Value, Value] = {}

    def stacks(self, value: Value) -> bool:
        """Whether a result of the loop can be stacked, all examples having one form."""
        return value not in self.unbound and _uniform(value.facts)

    def run(self, builder: Builder, ops: Sequence[Op], exported: Sequence[Value]) -> None:
        """Append the loop, and note what the exported results have become."""
        if self.lift.size == 0 and exported:
            raise StructureError(
                "what is computed of no examples at all cannot be known where they are taken one "
                "by one, as here",
                ops[0].location,
                cure="pass at least one example",
            )
        builder.location, builder.adjoint = ops[0].location, ops[0].adjoint
        builder.derived = ops[0].derived
        inner = builder.child()
        index = Value("k", PY_INT)
        own = {r for op in ops for r in op.results}
        table: dict[Value, Arg] = {}
        for value in dict.fromkeys(v for op in ops for v in reads(op)):
            if value in self.table and value not in own:
                arg, state = self.table[value]
                if value in self.unbound and is_batched(state):
                    raise GaveUp  # reading it here might be too early
                table[value] = self.entry(inner, arg, state, index, value.facts)
                if isinstance(table[value], Value) and table[value] is not arg:
                    table[value].hint = table[value].hint or value.hint
        body = renewed(Block((), tuple(ops), tuple(exported)), table)
        inner.ops.extend(body.ops)
        inner.location, inner.adjoint = ops[-1].location, ops[-1].adjoint
        flat: list[Arg] = []
        forms = [
            self._leaves(inner, given, old.facts, old in self.unbound, flat)
            for given, old in zip(body.results, exported, strict=True)
        ]
        block = inner.block((index,), flat)
        stacks = iter(builder.emit_for(self.lift.count(), (), block))
        for form, old in zip(forms, exported, strict=True):
            arg, state = self._gathered(builder, form, stacks)
            if isinstance(arg, Value) and arg.hint is None:
                arg.hint = old.hint
            self.table[old] = (arg, state)

    def _leaves(
        self, inner: Builder, arg: Arg, facts: Facts, unbound: bool, flat: list[Arg]
    ) -> Any:
        """What of a result is stacked, added to `flat`, and how it is put together again."""
        keys = known_entries(facts)
        if not unbound and keys is not None and _uniform(facts):
            lift = Lift(inner, self.lift.count, self.lift.size)
            forms = [
                self._leaves(inner, lift.part(arg, key), part, False, flat)
                for key, part in zip(keys, facts.items or (), strict=True)
            ]
            return facts, keys, forms
        if facts.known and not unbound and facts.kind in ("none", "str"):
            return facts
        flat.append(arg)
        if not unbound and facts.kind in NUMERIC and _uniform(facts):
            return self.lift.facts(facts)
        return None

    def _gathered(self, builder: Builder, form: Any, stacks: Any) -> tuple[Arg, State]:
        if form is None:
            return next(stacks), LISTED
        if isinstance(form, Facts) and form.known:
            return form.known[0], False
        if isinstance(form, Facts):
            facts = Facts(form.kind, form.dtype, untied(form).shape)
            return builder.emit(primitive(np.stack), (next(stacks),), facts=facts), True
        known, keys, forms = form
        parts = [self._gathered(builder, f, stacks) for f in forms]
        state = Items(tuple(state for _, state in parts))
        return self.lift.assemble([arg for arg, _ in parts], keys, known), state

    def entry(self, builder: Builder, arg: Arg, state: State, index: Arg, one: Facts | None) -> Arg:
        """Example `index` of an argument; `one` is what is known of it."""
        get = primitive(operator.getitem)
        if not is_batched(state):
            return arg
        if state is LISTED:
            return builder.emit(get, (arg, index), facts=None if one is None else untied(one))
        if state is True:
            return self._number(builder, arg, index, one)
        known = facts_of_arg(arg)
        keys = known_entries(known)
        lift = Lift(builder, self.lift.count, self.lift.size)
        if keys is not None:
            items = one.items if one is not None else None
            parts = [
                self.entry(builder, lift.part(arg, key), item_state(state, k), index,
                           None if items is None or len(items) != len(keys) else items[k])
                for k, key in enumerate(keys)
            ]  # fmt: skip
            return lift.assemble(parts, keys, known)
        if not isinstance(state, Each):
            state = Each(element_state(state))
        inner = builder.child()
        place = Value("j", PY_INT)
        element = None if one is None else one.element
        part = inner.emit(get, (arg, place))
        block = inner.block((place,), (self.entry(inner, part, state.state, index, element),))
        count = builder.emit(primitive(builtins.len), (arg,))
        (found,) = builder.emit_for(count, (), block)
        return found

    def _number(self, builder: Builder, arg: Arg, index: Arg, one: Facts | None) -> Value:
        """One example of an array, of the type that the graph of one example has there."""
        get = primitive(operator.getitem)
        part = builder.emit(get, (arg, index))
        one = None if one is None else untied(one)
        if one is None or one.kind == "unknown":
            return part
        if one.dims is not None and None in one.dims and part.facts.ndim == one.ndim:
            one = Facts(one.kind, one.dtype, part.facts.shape)
        if one.kind == "array":
            if one.shape == ():
                return builder.emit(primitive(np.asarray), (part,), facts=one)
            part.facts = one
            return part
        python: Any = {"float": float, "int": int, "bool": bool}.get(one.kind)
        if one.dtype is None and python is not None:
            return builder.emit(primitive(python), (part,))
        if one.dtype is None and one.kind == "complex":
            return builder.emit(primitive(runtime.item), (part,), facts=one)
        part.facts = one
        return part


def _uniform(facts: Facts) -> bool:
    """Whether all examples of a value have one structure and shape."""
    if facts.kind in CONTAINERS:
        return facts.items is not None and all(map(_uniform, facts.items))
    if facts.kind in ("none", "str"):
        return bool(facts.known)
    if facts.kind not in NUMERIC:
        return False
    return facts.dims is not None and all(map(_fixed, facts.dims))


def renewed(block: Block, table: dict[Value, Arg]) -> Block:
    """A copy of a block in which every value is new, also where facts speak of values."""
    body = renew_block(block, table)
    made: list[Value] = []
    for old, new in zip(walk(block), walk(body), strict=True):
        pairs = [(old.results, new.results)]
        pairs += [(a.params, b.params) for a, b in zip(old.blocks, new.blocks, strict=True)]
        for before, after in pairs:
            table.update(zip(before, after, strict=True))
            made += after
    for value in made:
        value.facts = retied(value.facts, table)
    return body


def retied(facts: Facts, table: Mapping[Value, Arg]) -> Facts:
    """Facts in which sizes that belong to values are those of the values that take their places."""

    def of(symbol: Any) -> Any:
        if isinstance(symbol, tuple):
            return (of(symbol[0]), *symbol[1:])
        new = table.get(symbol) if isinstance(symbol, Value) else None
        return new if isinstance(new, Value) else symbol

    def size(n: Any) -> Any:
        if not isinstance(n, Dim):
            return n
        return Dim(n.const, frozenset((of(symbol), count) for symbol, count in n.terms))

    shape = facts.shape
    if isinstance(shape, AnyShape):
        shape = AnyShape(of(shape.symbol))
    elif shape is not None and not all(isinstance(n, int) for n in shape):
        shape = tuple(map(size, shape))
    items = None if facts.items is None else tuple(retied(f, table) for f in facts.items)
    element = None if facts.element is None else retied(facts.element, table)
    keys = facts.keys
    if facts.kind == "int" and keys:
        keys = tuple(map(size, keys))
    return replace(facts, shape=shape, items=items, element=element, keys=keys)


def _fixed(size: Size | None) -> bool:
    if isinstance(size, Dim):
        return all(isinstance(symbol, str) for symbol, _ in size.terms)
    return size is not None
