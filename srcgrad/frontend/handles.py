"""Handles: the values and structures that names hold, and the pieces of memory that they may be.

A piece of memory is a `Root`. A handle is what a root holds or has held, a view of one, an entry of a
container, or something that may be the one or the other: here it is told which.
"""

from __future__ import annotations

import operator
from collections.abc import Container, Iterable, Sequence
from typing import Any

from .. import runtime
from ..errors import Location
from ..ir.build import Builder
from ..ir.graph import Op, Value, values_in
from ..ir.types import CONTAINERS, Facts
from ..ops import views
from .called import called
from .places import Places, Root
from .sharing import FRESH, MAYBE, THROUGH, VIEW, entry_key, is_run, sharing
from .symbols import Outside, Record, Symbol, Walk, children

MEMORY = CONTAINERS | {"array", "unknown", "opaque"}  # kinds of which there is memory to share


def has_memory(facts: Facts) -> bool:
    """Whether a value of these facts may be something that can be written to."""
    return facts.kind in MEMORY and (facts.kind != "unknown" or facts.may_be_array)


class Recorder(Builder):
    """A builder that remembers which op has made each value, and where."""

    def __init__(self, location: Location | None, memory: Handles) -> None:
        super().__init__(location)
        self.memory = memory
        self.parent: Recorder | None = None

    def child(self) -> Recorder:
        made = Recorder(self.location, self.memory)
        made.parent = self
        return made

    def is_inside(self, other: Builder) -> bool:
        """Whether the ops of this builder stand in a block of the other's, or are its own."""
        builder: Recorder | None = self
        while builder is not None and builder is not other:
            builder = builder.parent
        return builder is not None

    def append(self, op: Op) -> None:
        super().append(op)
        for result in op.results:
            self.memory.definitions[result] = op
            self.memory.born[result] = self


class Poison:
    """The content of memory that may have been written to under another name."""

    def __init__(self, by: frozenset[Root], writer: str, line: int | None) -> None:
        self.by, self.writer, self.line = by, writer, line


def poisoned(found: Sequence[Poison]) -> Poison:
    """What is true of memory that has been written to under other names on several paths."""
    first = found[0]
    return Poison(frozenset().union(*(p.by for p in found)), first.writer, first.line)


class Handles:
    """The handles of one program that is read; `low` is the machine that reads it."""

    def __init__(self, low: Any, places: Places, generic: bool) -> None:
        self.low = low
        self.places = places
        self.generic = (
            generic  # nothing is known of the arguments: numbers are assumed where in doubt
        )
        self.definitions: dict[Value, Op] = {}
        self.born: dict[Value, Builder] = {}
        self.locked: dict[Value, tuple[str, str]] = {}  # what is not to be written to, and why
        self.arguments: dict[Value, str] = {}
        self.given: set[Value] = set()  # what is read from outside
        self.written_arguments: set[str] = set()
        self.assumed: dict[str, None] = {}  # names that are taken for numbers
        self.count = 0  # writes so far
        self.outermost: Recorder | None = None
        self.written = False
        self._arrays: set[Value] = (
            set()
        )  # entries that are arrays, because something writes into them
        self._roots: dict[int, Root] = {}
        self._made_in: dict[int, Builder] = {}
        self._alive: dict[int, Symbol] = {}  # what is known by its identity must not go
        self._shares: dict[Value, dict[Root, Symbol]] = {}
        self._apart: dict[Value, frozenset[Root]] = {}

    def root(self, handle: Symbol) -> Root:
        """The root whose content a handle is, or was; a new one of its own if it has none yet."""
        found = self._roots.get(identity(handle))
        if found is None:
            if isinstance(handle, Value):
                builder = self.born.get(handle, self.outermost or self.low.builder)
            else:
                builder = self._made_in.get(id(handle), self.low.builder)
            found = Root(handle, builder)
            if isinstance(handle, Value):
                found.locked = self.locked.get(handle)
                found.argument = self.arguments.get(handle)
            self._enter(handle, found)
        return found

    def _enter(self, handle: Symbol, root: Root) -> None:
        self._roots[identity(handle)] = root
        self._alive[identity(handle)] = handle
        root.name = root.name or getattr(handle, "hint", None)

    def is_content(self, handle: Symbol) -> bool:
        """Whether a handle is known to be what a root holds, or held."""
        return identity(handle) in self._roots

    def place_of(self, handle: Symbol) -> Any:
        """The root that a handle is the content of, as far as there is one; else the handle itself."""
        return self._roots.get(identity(handle), handle)

    def makers(self, handle: Symbol) -> list[Op]:
        """The ops that made the memory which a handle is, or looks into."""
        found, pending = [], [handle]
        while pending:
            symbol = pending.pop()
            root = self._roots.get(identity(symbol))
            first = symbol if root is None else root.first
            op = self.definitions.get(first) if isinstance(first, Value) else None
            if op is not None and isinstance(first, Value):
                found.append(op)
                how, bases = self.sharing(first)
                pending += bases if how in (VIEW, MAYBE) else ()
        return found

    def made(self, symbol: Symbol, name: str | None = None) -> None:
        """Remember where a container that the source spells out was made, and what it is called."""
        if type(symbol) in (list, dict, Record, Walk):
            if id(symbol) not in self._made_in:
                self._made_in[id(symbol)] = self.low.builder
                self._alive[id(symbol)] = symbol
            if name is not None and id(symbol) in self._roots:
                self._roots[id(symbol)].name = self._roots[id(symbol)].name or name

    def content(self, root: Root) -> Symbol:
        return self.places.read(self.places.heap, root)

    def is_memory(self, symbol: Symbol) -> bool:
        """Whether a symbol is one that can be written to."""
        if isinstance(symbol, Value):
            return has_memory(symbol.facts) and symbol.facts.kind != "tuple"
        return type(symbol) in (list, dict, Record)

    def roots(self, symbol: Symbol, stop: Container[Value] = ()) -> set[Root]:
        """The roots that a symbol, with everything in it, may be part of.

        Of the values in `stop` only their own root counts, not what that may be part of.
        """
        if isinstance(symbol, Value):
            return self._roots_of(symbol, stop)
        found: set[Root] = set()
        for part in children(symbol) or ():
            found |= self.roots(part, stop)
        if type(symbol) in (list, dict, Record):
            found.add(self.root(symbol))
        return found

    def _roots_of(self, value: Value, stop: Container[Value]) -> set[Root]:
        if not has_memory(value.facts):
            return set()
        if value in stop:
            return {self.root(value)}
        found = set(self._shares.get(value, ()))
        root = self._root_of(value)
        if root is not None:
            first = root.first
            if isinstance(first, Value) and first is not value and first not in stop:
                found |= set(self._shares.get(first, ()))
            return found | {root}
        how, bases = self.sharing(value)
        if how in (VIEW, THROUGH):
            return found | self.roots(bases[0], stop)
        for base in bases:
            found |= self.roots(base, stop)
        return found | {self.root(value)}

    def _root_of(self, value: Value) -> Root | None:
        """The root of a value that is content itself, also of an entry of what was taken apart."""
        root = self._roots.get(id(value))
        if root is None:
            op = self.definitions.get(value)
            key = None if op is None else entry_key(op)
            if op is not None and key is not None:
                owner = self._root_of(op.args[0]) if is_value(op.args[0]) else None
                if owner is not None and owner.entries is not None and key in owner.entries:
                    root = self.root(owner.entries[key])
                    self._enter(value, root)
        return root

    def is_own(self, symbol: Symbol) -> bool:
        """Whether a symbol was made where the machine stands, and is nothing else's memory."""
        if not isinstance(symbol, Value):
            return not self.is_memory(symbol) or self.root(symbol).builder is self.low.builder
        if not has_memory(symbol.facts):
            return True
        roots = self.roots(symbol)
        return len(roots) == 1 and all(r.builder is self.low.builder for r in roots)

    def containers(self, symbol: Symbol) -> set[Root]:
        """The roots of the lists and dicts that a walk goes over."""
        if isinstance(symbol, Walk):
            return {root for part in symbol.parts for root in self.containers(part)}
        if type(symbol) in (list, dict) or kind_of(symbol) in ("list", "dict"):
            return {self.root(symbol)} if not isinstance(symbol, Value) else self.roots(symbol)
        return set()

    def name_of(self, symbol: Symbol) -> str | None:
        """What memory is called in the source, as far as that is known."""
        found = called(self.low, symbol)
        if found is not None:
            return found
        if isinstance(symbol, Value):
            if symbol.hint is not None:
                return symbol.hint
            op = self.definitions.get(symbol)
            if op is not None and self.sharing(symbol)[0] in (VIEW, THROUGH, MAYBE):
                return self.name_of(op.args[0])
        root = self._roots.get(identity(symbol))
        return None if root is None else root.name

    def sharing(self, value: Value) -> tuple[str, Sequence[Value]]:
        """How a value shares memory with what it was made of."""
        op = self.definitions.get(value)
        if op is None or op.blocks or value in self._shares:
            return FRESH, ()
        how, bases = sharing(op, self.generic)
        if value in self._arrays:
            return VIEW, (op.args[0],)
        if how == VIEW and op.primitive.function in views.IF_CONTIGUOUS:
            if not self.contiguous(bases[0]):
                return MAYBE, bases
        return how, bases

    def contiguous(self, value: Value) -> bool:
        """Whether the entries of an array are known to lie one after the other, in C's order."""
        root = self._roots.get(id(value))
        if root is not None and is_value(root.first) and root.first is not value:
            return self.contiguous(root.first)
        op = self.definitions.get(value)
        if self.generic or self._is_given(value):
            return not value.facts.strided
        if op is None:
            return False
        if op.blocks or "order" in op.kwargs:
            return False
        if op.primitive.function in views.CONTIGUOUS:
            return True
        if op.primitive.function in (runtime.setitem, runtime.index_add):
            return is_value(op.args[0]) and self.contiguous(op.args[0])
        if op.primitive.function is operator.getitem and is_run(op.args[1]):
            return is_value(op.args[0]) and self.contiguous(op.args[0])
        how, _ = sharing(op, self.generic)
        arrays = [v for v in values_in(list(op.args)) if v.facts.kind in ("array", "unknown")]
        elementwise = getattr(op.primitive.function, "__module__", "") == "_operator" or (
            type(op.primitive.function).__name__ == "ufunc"
        )
        if how == FRESH and elementwise and op.primitive.function is not operator.getitem:
            return all(map(self.contiguous, arrays))
        if op.primitive.function in (*views.IF_CONTIGUOUS, *views.KEEPS_ORDER):
            return all(map(self.contiguous, arrays))
        return False

    def _is_given(self, value: Value) -> bool:
        """Whether a value is an argument, or read from outside, or an entry of such."""
        op = self.definitions.get(value)
        if op is None:
            return value in self.arguments or value in self.given
        owner = op.args[0] if op.primitive.function in (operator.getitem, getattr) else None
        if not isinstance(owner, Value) or owner.facts.kind not in CONTAINERS:
            return False
        return self._is_given(owner)

    def share(
        self, value: Symbol, with_: Iterable[Root], apart: frozenset[Root] = frozenset()
    ) -> None:
        """Note that a value may be part of other memory, which until now has not been written to.

        `apart` are the roots with which it shares nothing, though it may have been theirs.
        """
        if isinstance(value, Value) and has_memory(value.facts):
            own = self._roots.get(id(value))
            stamps = {r: self.content(r) for r in with_ if r is not own}
            self._shares[value] = {**self._shares.get(value, {}), **stamps}
            self._apart[value] = apart | self._apart.get(value, frozenset())
            self.root(value)

    def merged(self, results: Sequence[Value], sources: Sequence[Symbol]) -> None:
        """Note what the results of an op with blocks may be part of: what its blocks hand out.

        Memory that was made in a block can be reached through the results alone, so it matters where
        two of them may be it.
        """
        here = self.low.builder
        tokens: dict[Root, Root] = {}
        seen: dict[Root, Value] = {}
        found = []
        for result, source in zip(results, sources, strict=True):
            roots = self.roots(source) if not self.is_content(result) else set()
            for root in roots:
                if seen.setdefault(root, result) is not result:
                    tokens.setdefault(root, Root(None, here))
            found.append(roots)
        for result, roots in zip(results, found, strict=True):
            outer = {r for r in roots if here.is_inside(r.builder)}
            outer |= {tokens[r] for r in roots if r in tokens}
            if outer:
                self.share(result, outer)

    def shares(self, value: Value) -> dict[Root, Symbol]:
        """The roots that a value was noted to share memory with."""
        return self._shares.get(value, {})

    def hold(self, container: Symbol, entry: Symbol) -> None:
        """Note that a container, as a value, holds an entry that has memory of its own."""
        if isinstance(container, Value):
            parts = entry if isinstance(entry, list | tuple) else [entry]
            stamps = {r: self.content(r) for part in parts for r in self.roots(part)}
            if stamps:
                self._shares[container] = {**self._shares.get(container, {}), **stamps}

    def are_apart(self, entries: Symbol) -> bool:
        """Whether no two entries of a container that is spelled out can be one memory."""
        seen: set[Root] = set()
        for part in children(entries) or ():
            roots = self.roots(part)
            if roots & seen:
                return False
            seen |= roots
        return True

    def entries_apart(self, container: Value) -> bool:
        """Whether no two entries of a container that only a run knows can be one memory."""
        root = self._roots.get(id(container))
        if root is not None and root.apart is not None:
            return root.apart
        first = root.first if root is not None else container
        if not isinstance(first, Value):
            return self.are_apart(first)
        op = self.definitions.get(first)
        if first in self._shares:
            return False
        if op is None:
            return True  # an argument, which is looked at when the function is called
        if op.primitive.function in (operator.getitem, getattr) and is_value(op.args[0]):
            return self.entries_apart(op.args[0])
        return False


def identity(symbol: Symbol) -> int:
    """What a handle is known by; an object from outside is the same however it was reached."""
    return id(symbol.value) if isinstance(symbol, Outside) else id(symbol)


def kind_of(symbol: Symbol) -> str:
    """The kind of a handle, be it a value or spelled out."""
    if isinstance(symbol, Value):
        return symbol.facts.kind
    return {list: "list", dict: "dict", Record: "object"}.get(type(symbol), "tuple")


def is_value(symbol: Symbol) -> bool:
    """Whether a handle is a value of the graph, not spelled out."""
    return isinstance(symbol, Value)


def holds_array(root: Root) -> bool:
    """Whether a root is the memory of an array."""
    return kind_of(root.first) in ("array", "unknown")
