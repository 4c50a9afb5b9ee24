"""Containers of which parts are batched: reading, writing and joining them, entry by entry."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from .. import runtime
from ..ir.build import facts_of_arg
from ..ir.graph import FOR, Arg, Op, Value
from ..ir.types import CONTAINERS, Facts
from ..ops import facts as inference
from ..ops.batch_verbs import GaveUp
from .batch_states import (
    Each,
    Items,
    Lift,
    State,
    element_state,
    is_batched,
    item_state,
    join,
)
from .cotangents import known_entries

Given = tuple[Arg, State]
Entry = Callable[..., Arg]


def is_container(arg: Arg) -> bool:
    """Whether an argument is known to be a container."""
    return facts_of_arg(arg).kind in CONTAINERS


def place_of(known: Facts, key: Any) -> int | None:
    """Where the entry of a key stands among those of a container; None where only a run knows."""
    keys = known_entries(known)
    if keys is None or isinstance(key, Value | slice | tuple):
        return None
    if known.kind in ("list", "tuple") and isinstance(key, int) and key < 0:
        key += len(keys)
    if known.keys is not None and isinstance(key, str) and known.kind == "tuple":
        return known.keys.index(key)  # a field of a named tuple
    return keys.index(key) if key in keys else None


def demand(condition: bool) -> None:
    """Give up unless a condition holds."""
    if not condition:
        raise GaveUp


class Containers:
    """Applies one op to containers, given its arguments with their states."""

    def __init__(self, lift: Lift, entry: Entry) -> None:
        self.lift = lift
        self.entry = entry

    def apply(self, op: Op, given: Sequence[Given]) -> Given | None:
        """The result of an op on containers; None where it is not one.

        Raises
        ------
        GaveUp
            Where the op has to be run example by example.
        """
        function = op.primitive.function
        if not given or not any(is_container(arg) for arg, _ in given):
            return None
        (first, state), rest = given[0], given[1:]
        if function in (operator.getitem, getattr) and is_container(first):
            return self.read(op, first, state, rest)
        if function in (runtime.setitem, runtime.index_add, runtime.attribute_add):
            return self.write(op, first, state, rest) if is_container(first) else None
        if function is runtime.append:
            return self.joined(op, (first, state), ([rest[0][0]], Items((rest[0][1],))))
        if function is operator.add and len(rest) == 1:
            return self.joined(op, (first, state), rest[0])
        if function is runtime.spread and is_container(rest[0][0]):
            return self.spread(op, given)
        if function is runtime.instance:
            return self.emit(op, given), rest[0][1]
        if not is_container(first):
            return None
        if function is len:
            return self.emit(op, given), False
        if function in (list, tuple, runtime.copied, runtime.zeros_like, runtime.gather):
            return self.emit(op, given), state
        if function is runtime.regroup and is_container(rest[0][0]):
            return self.emit(op, given), state
        if function is runtime.stop_gradient:
            return self.emit(op, given), state
        if function is runtime.add:
            return self.emit(op, given), join(state, rest[0][1])
        if function is sum:
            return self.total(op, given)
        return None

    def emit(self, op: Op, given: Sequence[Given]) -> Value:
        return self.lift.builder.emit(op.primitive, [arg for arg, _ in given])

    def read(self, op: Op, container: Arg, state: State, rest: Sequence[Given]) -> Given:
        """One entry, or a slice."""
        key, key_state = rest[0]
        demand(not is_batched(key_state))
        known = facts_of_arg(container)
        if isinstance(key, slice) and isinstance(state, Items):
            try:
                part: State = Items(state.states[key])
            except TypeError:
                raise GaveUp from None
        elif isinstance(key, slice):
            part = state
        else:
            k = place_of(known, key)
            part = element_state(state) if k is None else item_state(state, k)
            if k is None and isinstance(state, Items):
                demand(all(s == part for s in state.states))
        if not isinstance(container, Value):
            try:
                return container[key], part
            except (TypeError, KeyError, IndexError):
                pass
        return self.emit(op, [(container, state), *rest]), part

    def write(self, op: Op, container: Arg, state: State, rest: Sequence[Given]) -> Given:
        """A container with another entry, or with something added to one."""
        (key, key_state), (v, v_state) = rest
        demand(not is_batched(key_state) and not isinstance(key, slice))
        known = facts_of_arg(container)
        k = place_of(known, key)
        added = op.primitive.function is not runtime.setitem
        if k is not None:
            keys = known_entries(known) or ()
            states = [item_state(state, j) for j in range(len(keys))]
            if added:
                self.alike(known.items[k] if known.items else Facts(), states[k], v, v_state)
            states[k] = join(states[k], v_state) if added else v_state
            return self.emit(op, [(container, state), *rest]), Items(tuple(states))
        wanted = join(element_state(state), v_state)
        if added and known.element is not None:
            self.alike(known.element, element_state(state), v, v_state)
        whole: State = Each(wanted)
        if isinstance(state, Items) or (known.items is not None):
            whole = Items((wanted,) * len(known.items or ()))
        container = self.lift.lift(container, state, whole, self.entry)
        v = v if added else self.lift.lift(v, v_state, wanted, self.entry)
        made = self.lift.builder.emit(op.primitive, (container, key, v))
        return made, Each(wanted) if made.facts.items is None else whole

    def alike(self, a: Facts, a_state: State, v: Arg, v_state: State) -> None:
        """Make sure that two batched values are of one rank, so that adding them is right."""
        b = facts_of_arg(v)
        if a_state is True and v_state is True:
            demand(a.ndim is not None and a.ndim == b.ndim)
        elif True in (a_state, v_state):
            whole, shared = (a, b) if a_state is True else (b, a)
            demand(shared.is_scalar or (
                whole.ndim is not None and shared.ndim is not None and shared.ndim < whole.ndim
            ))  # fmt: skip

    def joined(self, op: Op, a: Given, b: Given) -> Given:
        """Two lists, one after the other."""
        known, more = facts_of_arg(a[0]), facts_of_arg(b[0])
        demand(known.kind in ("list", "tuple") and more.kind in ("list", "tuple"))
        appends = op.primitive.function is runtime.append
        if known.items is not None and more.items is not None:
            states = [item_state(a[1], k) for k in range(len(known.items))]
            states += [item_state(b[1], k) for k in range(len(more.items))]
            state: State = Items(tuple(states))
            if not isinstance(a[0], Value) and not isinstance(b[0], Value):
                return a[0] + b[0], state
            second = b[0][0] if appends else b[0]
            return self.lift.builder.emit(op.primitive, (a[0], second)), state
        wanted = join(element_state(a[1]), element_state(b[1]))
        ends = []
        for (arg, state), facts in ((a, known), (b, more)):
            whole: State = Each(wanted)
            if facts.items is not None:
                whole = Items((wanted,) * len(facts.items))
            ends.append(self.lift.lift(arg, state, whole, self.entry))
        second = ends[1][0] if appends else ends[1]
        return self.lift.builder.emit(op.primitive, (ends[0], second)), Each(wanted)

    def spread(self, op: Op, given: Sequence[Given]) -> Given:
        """The cotangent of each entry of a list that is summed: of entries that are all batched."""
        (g, g_state), (xs, state) = given
        known = facts_of_arg(xs)
        parts = known.items if known.items is not None else (known.element or Facts(),)
        states = [item_state(state, k) for k in range(len(parts))]
        demand(all(s is True for s in states))
        if g_state is True:
            demand(all(_rank(f) == _rank(facts_of_arg(g)) for f in parts))
        else:
            demand(not is_batched(g_state) and facts_of_arg(g).is_scalar)
        return self.emit(op, given), state

    def total(self, op: Op, given: Sequence[Given]) -> Given:
        """The sum of the entries of a list, which all have to be of one rank."""
        xs, state = given[0]
        known = facts_of_arg(xs)
        parts = known.items if known.items is not None else (known.element or Facts(),)
        states = [item_state(state, k) for k in range(len(parts))]
        demand(all(s in (True, False) for s in states))
        found = [
            _rank(f) - 1 if s is True else _rank(f) for f, s in zip(parts, states, strict=True)
        ]
        start = given[1] if len(given) > 1 else (0, False)
        demand(start[1] in (True, False))
        found.append(_rank(facts_of_arg(start[0])) - (1 if start[1] is True else 0))
        ranks = set(found) if len(given) > 1 else set(found[:-1])
        demand(len(ranks) == 1)
        if known.items is None and len(given) == 1 and not self.filled(xs):
            # Of an empty list it is the number 0, for each example.
            demand(ranks == {0})
            given = [*given, (self.lift.spread(0), True)]
        return self.emit(op, given), True

    def filled(self, xs: Arg) -> bool:
        """Whether a list is known to have entries: those of a loop that surely runs."""
        for op in reversed(self.lift.builder.ops):
            if xs in op.results:
                return op.primitive is FOR and isinstance(op.args[0], int) and op.args[0] > 0
        return False


def _rank(facts: Facts) -> int:
    dims = inference.as_array(facts).dims
    demand(dims is not None and facts.kind not in CONTAINERS)
    return len(dims or ())
