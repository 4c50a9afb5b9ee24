"""Which parts of a value are batched: a lattice of states, and what brings a value to a higher one."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import runtime
from ..ir.build import Builder, facts_of_arg
from ..ir.graph import UNDEFINED, Arg, Op, Value
from ..ir.types import CONTAINERS, NUMERIC, Facts, Size, array, untied
from ..ops import facts as inference
from ..ops.batch_verbs import GaveUp
from .cotangents import known_entries, primitive

# A state is False, where all examples share a value; True, where it is an array with the examples along
# its first axis; LISTED, where it is a list with one entry per example; or one of the containers below.
State = Any


@dataclass(frozen=True, slots=True)
class Items:
    """The states of the entries of a container whose entries are known."""

    states: tuple[State, ...]


@dataclass(frozen=True, slots=True)
class Each:
    """The one state of all entries of a list whose length is not known."""

    state: State


LISTED = "listed"


def is_batched(state: State) -> bool:
    """Whether anything in a state is batched."""
    if isinstance(state, Items):
        return any(map(is_batched, state.states))
    if isinstance(state, Each):
        return is_batched(state.state)
    return bool(state)


def everywhere(facts: Facts) -> State:
    """The state of a value that is batched in every number of it."""
    if facts.kind in CONTAINERS:
        if facts.items is not None:
            return Items(tuple(map(everywhere, facts.items)))
        return Each(everywhere(facts.element)) if facts.element is not None else Each(True)
    return facts.kind in NUMERIC


def normal(state: State) -> State:
    """The state itself; False of a container in which nothing is batched."""
    return state if is_batched(state) else False


def join(a: State, b: State) -> State:
    """The lowest state that a value of either can be brought to."""
    if a == b:
        return a
    if LISTED in (a, b):
        return LISTED
    if not is_batched(a):
        return b
    if not is_batched(b):
        return a
    if isinstance(a, Items) and isinstance(b, Items) and len(a.states) == len(b.states):
        return Items(tuple(map(join, a.states, b.states)))
    if isinstance(a, Items | Each) and isinstance(b, Items | Each):
        return Each(join(element_state(a), element_state(b)))
    return LISTED


def element_state(state: State) -> State:
    """The join of the states of all entries of a container."""
    if isinstance(state, Each):
        return state.state
    if isinstance(state, Items):
        joined: State = False
        for each in state.states:
            joined = join(joined, each)
        return joined
    return False


def item_state(state: State, k: int) -> State:
    """The state of one entry, by its place."""
    if isinstance(state, Items):
        return state.states[k]
    return element_state(state)


# Arrays of one number, which are made for all examples at once rather than repeated.
FILLED = {
    np.zeros: np.zeros,
    np.zeros_like: np.zeros,
    runtime.zeros_like: np.zeros,
    np.ones: np.ones,
    np.ones_like: np.ones,
}


class NotAsAssumed(GaveUp):
    """A list whose length is not known is to be batched entry by entry, but is not.

    Where a loop carries it, the loop has to begin with such a list.
    """

    def __init__(self, value: Arg, state: State) -> None:
        super().__init__()
        self.value = value
        self.state = state


class Lift:
    """Brings values to higher states, by ops that go to a builder.

    `count` is how many examples there are, and `size` what is known of it.
    """

    def __init__(
        self,
        builder: Builder,
        count: Callable[[], Arg],
        size: Size | None,
        makers: Mapping[Value, Op] | None = None,
        unbound: Set[Value] = frozenset(),
    ) -> None:
        self.builder = builder
        self.count = count
        self.size = size
        self.makers = {} if makers is None else makers  # the ops that made what all examples share
        self.unbound = unbound  # entries of lists that may be undefined

    def emit(self, function: Any, *args: Arg, **more: Any) -> Value:
        return self.builder.emit(primitive(function), args, **more)

    def facts(self, one: Facts) -> Facts:
        """The facts of examples like this one, stacked."""
        dims = inference.as_array(one).dims
        dtype = inference.dtype_same(one)
        return array(dtype, None if dims is None else (self.size, *dims))

    def lift(self, arg: Arg, state: State, wanted: State, entry: Callable[..., Arg]) -> Arg:
        """An argument of one state in a higher one; `entry` gives one example of it in a block."""
        if state == wanted or arg is UNDEFINED or not is_batched(wanted):
            return arg
        if wanted == LISTED:
            return self.listed(arg, state, entry)
        if wanted is True:
            return self.spread(arg)
        known = facts_of_arg(arg)
        keys = known_entries(known)
        if keys is None:
            zeroed = self.zeroed(arg)
            if zeroed is not None and wanted == everywhere(known):
                return self.zero_rows(zeroed, known)
            raise NotAsAssumed(arg, wanted)
        parts = [
            self.lift(self.part(arg, key), item_state(state, k), item_state(wanted, k), entry)
            for k, key in enumerate(keys)
        ]
        return self.assemble(parts, keys, known)

    def zeroed(self, arg: Arg) -> Arg | None:
        """What an argument is the zeros of, if that is known."""
        maker = self.makers.get(arg) if isinstance(arg, Value) else None
        known = maker is not None and maker.primitive.function is runtime.zeros_like
        return maker.args[0] if maker is not None and known else None

    def zero_rows(self, like: Arg, known: Facts) -> Value:
        """Zeros for each example, which look like something."""
        return self.emit(runtime.zero_rows, like, self.count(), facts=self.every(known))

    def every(self, one: Facts) -> Facts:
        """The facts of examples like this one, in which every number is batched."""
        if one.items is not None:
            return replace(one, items=tuple(map(self.every, one.items)), known=())
        if one.element is not None:
            return replace(one, element=self.every(one.element))
        return self.facts(untied(one))

    def part(self, arg: Arg, key: Any) -> Arg:
        """One entry of a container."""
        if not isinstance(arg, Value):
            return arg[key]
        function = getattr if arg.facts.kind == "object" else operator.getitem
        return self.emit(function, arg, key)

    def assemble(self, parts: Sequence[Arg], keys: Sequence[Any], known: Facts) -> Arg:
        """A container like one that is known, of other entries."""
        if known.kind == "dict":
            return dict(zip(keys, parts, strict=True))
        if known.kind == "list":
            return list(parts)
        if known.kind == "object":
            fields = dict(zip(keys, parts, strict=True))
            assert known.cls is not None
            return self.emit(runtime.instance, known.cls, fields)
        if known.cls is not None and hasattr(known.cls, "_fields"):
            return known.cls(*parts)
        return tuple(parts)

    def spread(self, arg: Arg) -> Value:
        """A number or an array, once for each example.

        Raises
        ------
        GaveUp
            Where it may be a list for all that is known, whose numbers would each have to be repeated.
        """
        one = facts_of_arg(arg)
        unknown = one.kind == "unknown" and one.dtype is None and one.dims is None
        if isinstance(arg, Value) and (unknown or one.kind not in NUMERIC):
            raise GaveUp
        return self.repeated(arg)

    def repeated(self, arg: Arg) -> Value:
        """What is an array, or what NumPy makes an array of, once for each example."""
        if isinstance(arg, list | tuple):  # a row that is written out
            arg = self.emit(np.array, arg)
        one = facts_of_arg(arg)
        if not isinstance(arg, Value) or one.is_scalar:
            return self.emit(np.full, self.count(), arg)
        dims = one.dims
        zeroed = self.zeroed(arg)
        if zeroed in self.unbound and (dims is None or not all(isinstance(n, int) for n in dims)):
            return self.zero_rows(zeroed, one)
        if dims is not None:
            sizes = [
                n
                if isinstance(n, int)
                else self.emit(operator.getitem, self.emit(np.shape, arg), k)
                for k, n in enumerate(dims)
            ]
            maker = self.makers.get(arg)
            filled = None if maker is None else FILLED.get(maker.primitive.function)
            if filled is not None and one.dtype is not None:
                more = {} if one.dtype == "float64" else {"dtype": np.dtype(one.dtype).type}
                return self.builder.emit(
                    primitive(filled), ((self.count(), *sizes),), more, hint=arg.hint
                )
            return self.emit(np.broadcast_to, arg, (self.count(), *sizes))
        shape = self.emit(operator.add, (self.count(),), self.emit(np.shape, arg))
        return self.emit(np.broadcast_to, arg, shape)

    def listed(self, arg: Arg, state: State, entry: Callable[..., Arg]) -> Value:
        """A list with one entry per example."""
        inner = self.builder.child()
        index = Value("k", inference.sized(None))
        one = entry(inner, arg, state, index, facts_of_arg(arg) if not is_batched(state) else None)
        block = inner.block((index,), (one,))
        (found,) = self.builder.emit_for(self.count(), (), block)
        return found
