"""What is written to: memory that has several names, and what each of them shows at this point.

The graph is pure, so writing to an array makes a new value. Whatever a name or an entry of a container
holds is a *handle*: the value, or the structure spelled out in the source, that it was bound to. A
piece of memory that has been written to is a `Root`, whose content at this point stands in the
journal of `Places`, as names do: so branches merge it and loops carry it. `current` takes a handle to
what it shows now: the content of its root, or, of a view, the view of what its base is now. `write`
goes the other way: through a view, a part of the base is renewed, up to the root.

Two handles that may or may not be one memory (what a branch or loop has left in a name, a reshape that
may copy) can be read as long as neither has been written to; after that, reading the other is refused.
"""

from __future__ import annotations

import operator
from collections.abc import Container, Iterable, Sequence
from typing import Any, NoReturn

from .. import runtime
from ..errors import Location, UnknownAlias
from ..ir.build import Builder
from ..ir.graph import Op, Value, values_in
from ..ir.types import CONTAINERS, Facts
from ..ops import trace, views
from .places import Key, Places, Region, Root
from .sharing import FRESH, HOLDS, MAYBE, THROUGH, VIEW, entry_key, sharing
from .symbols import Conflict, Outside, Record, Symbol, children, kind_name, rebuild

MOST_ENTRIES = 64  # of a container that is taken apart when one of them is written to
MEMORY = CONTAINERS | {"array", "unknown", "opaque"}  # kinds of which there is memory to share


def has_memory(facts: Facts) -> bool:
    """Whether a value of these facts may be something that can be written to."""
    return facts.kind in MEMORY and not (facts.kind == "unknown" and facts.shape == ())


class Recorder(Builder):
    """A builder that remembers which op has made each value, and where."""

    def __init__(self, location: Location | None, memory: Memory) -> None:
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


class Memory:
    """The memory of one program that is read; `low` is the machine that reads it."""

    def __init__(self, low: Any, places: Places, generic: bool) -> None:
        self.low = low
        self.places = places
        self.generic = (
            generic  # nothing is known of the arguments: numbers are assumed where in doubt
        )
        self.definitions: dict[Value, Op] = {}
        self.born: dict[Value, Builder] = {}
        self.locked: dict[Value, tuple[str, str]] = {}  # what is not to be written to, and why
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
        places.settle = self._settle
        places.entered = self._entered

    def _settle(self, region: Region, key: Key, symbol: Symbol) -> Symbol:
        """What a name of a region holds as the region ends."""
        if not self.written or isinstance(symbol, Poison):
            return symbol
        low = self.low
        builder, low.builder = low.builder, region.builder
        try:
            return self.settled(symbol)
        finally:
            low.builder = builder

    def settled(self, symbol: Symbol) -> Symbol:
        """What a handle shows now, to be looked at where that may not be asked for any more."""
        try:
            return self.current(symbol)
        except UnknownAlias as error:  # to be complained of if it is read
            return Conflict(error.message, error.location, error)

    def _entered(self, key: Key, symbol: Symbol) -> None:
        if not isinstance(symbol, Poison | Conflict):
            self._enter(symbol, key[1])

    # --- roots ----------------------------------------------------------------------------------------

    def root(self, handle: Symbol) -> Root:
        """The root whose content a handle is, or was; a new one of its own if it has none yet."""
        found = self._roots.get(_id(handle))
        if found is None:
            if isinstance(handle, Value):
                builder = self.born.get(handle, self.outermost or self.low.builder)
            else:
                builder = self._made_in.get(id(handle), self.low.builder)
            found = Root(handle, builder)
            if isinstance(handle, Value):
                found.locked = self.locked.get(handle)
            self._enter(handle, found)
        return found

    def _enter(self, handle: Symbol, root: Root) -> None:
        self._roots[_id(handle)] = root
        self._alive[_id(handle)] = handle
        root.name = root.name or getattr(handle, "hint", None)

    def made(self, symbol: Symbol, name: str | None = None) -> None:
        """Remember where a container that the source spells out was made, and what it is called."""
        if type(symbol) in (list, dict, Record):
            if id(symbol) not in self._made_in:
                self._made_in[id(symbol)] = self.low.builder
                self._alive[id(symbol)] = symbol
            if name is not None and id(symbol) in self._roots:
                self._roots[id(symbol)].name = self._roots[id(symbol)].name or name

    def is_content(self, handle: Symbol) -> bool:
        """Whether a handle is known to be what a root holds, or held."""
        return _id(handle) in self._roots

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

    def is_own(self, symbol: Symbol) -> bool:
        """Whether a symbol was made where the machine stands, and is nothing else's memory."""
        if not isinstance(symbol, Value):
            return not self.is_memory(symbol) or self.root(symbol).builder is self.low.builder
        if not has_memory(symbol.facts):
            return True
        roots = self.roots(symbol)
        return len(roots) == 1 and all(r.builder is self.low.builder for r in roots)

    # --- reading --------------------------------------------------------------------------------------

    def current(self, symbol: Symbol) -> Symbol:
        """What a handle shows at this point.

        Raises
        ------
        UnknownAlias
            It may, or may not, share memory with something that has been written to.
        """
        if not self.written:
            return symbol
        if isinstance(symbol, Value):
            return self._value(symbol)
        if isinstance(symbol, tuple | list | dict | slice | Record | Outside):
            return self._structure(symbol)
        return symbol

    def _structure(self, symbol: Symbol) -> Symbol:
        mutable = type(symbol) in (list, dict, Record, Outside)
        root = self._roots.get(_id(symbol)) if mutable else None
        content = symbol if root is None else self._content(root, symbol)
        if isinstance(content, Value):
            return self._checked(content)
        if isinstance(content, Outside):
            return content
        parts = children(content) or []
        now = [self.current(p) for p in parts]
        if all(a is b for a, b in zip(parts, now, strict=True)):
            return content
        made = rebuild(content, now)
        if mutable:
            self._enter(made, self.root(symbol))
        return made

    def _content(self, root: Root, handle: Symbol) -> Symbol:
        content = self.content(root)
        if isinstance(content, Poison):
            self._refuse(handle, content.writer, content.line)
        if isinstance(content, Conflict):
            self.low.arg(content)
        return content

    def _value(self, value: Value) -> Symbol:
        if not has_memory(value.facts):
            return value
        root = self._root_of(value)
        if root is not None:
            content = self._content(root, value)
            if isinstance(content, Value):
                return self._checked(content)
            return self._structure(content)
        how, bases = self.sharing(value)
        if how == FRESH:
            return self._checked(value)
        if how == VIEW:
            base = self.current(bases[0])
            return value if base is bases[0] else self._again(value, base)
        if how == THROUGH:
            return self._entry(value, bases[0])
        for base in bases:
            if how == HOLDS and not self._written_through(base):
                continue
            if self.current(base) is not base:
                self._refuse(value, self.name_of(base), None)
        return self._checked(value)

    def _root_of(self, value: Value) -> Root | None:
        """The root of a value that is content itself, also of an entry of what was taken apart."""
        root = self._roots.get(id(value))
        if root is None:
            op = self.definitions.get(value)
            key = None if op is None else entry_key(op)
            if op is not None and key is not None:
                owner = self._root_of(op.args[0]) if _is_value(op.args[0]) else None
                if owner is not None and owner.entries is not None and key in owner.entries:
                    root = self.root(owner.entries[key])
                    self._enter(value, root)
        return root

    def _entry(self, value: Value, base: Value) -> Symbol:
        """What an entry of a container shows that only a run has: itself, unless it was written to."""
        now = self.current(base)
        if now is base or not self._written_through(base):
            return value
        if any(root.restructured for root in self.roots(base)):
            self._refuse(value, self.name_of(base), None)
        return self._again(value, now)

    def _written_through(self, base: Symbol) -> bool:
        if isinstance(base, Value) and base.facts.kind in ("array", "unknown", "opaque"):
            return True
        return any(root.deep for root in self.roots(base)) or any(
            self.content(root) is not root.first for root in self.roots(base) if _holds_array(root)
        )

    def _again(self, value: Value, base: Symbol) -> Value:
        """A view anew, of what its base is now."""
        op = self.definitions[value]
        low = self.low
        result: Value = low.emit(op.primitive, (base, *op.args[1:]), op.kwargs, facts=value.facts)
        return result

    def _checked(self, value: Value) -> Value:
        """A value none of whose kin has been written to since it was made."""
        shares = self._shares.get(value)
        if shares:
            apart = self._apart.get(value, frozenset())
            for root, then in shares.items():
                now = self.content(root)
                if now is then:
                    continue
                before = then.by if isinstance(then, Poison) else frozenset()
                if not (isinstance(now, Poison) and now.by - before <= apart):
                    self._refuse(value, root.name, None)
        return value

    def name_of(self, symbol: Symbol) -> str | None:
        """What memory is called in the source, as far as that is known."""
        if isinstance(symbol, Value):
            if symbol.hint is not None:
                return symbol.hint
            op = self.definitions.get(symbol)
            if op is not None and self.sharing(symbol)[0] in (VIEW, THROUGH, MAYBE):
                return self.name_of(op.args[0])
        root = self._roots.get(_id(symbol))
        return None if root is None else root.name

    def _refuse(self, handle: Symbol, writer: str | None, line: int | None) -> NoReturn:
        name = self.name_of(handle)
        what = f"'{name}'" if name else kind_name(handle)
        other = f"'{writer}'" if writer and writer != name else "memory of another name"
        where = f" in line {line}" if line else ""
        raise UnknownAlias(
            f"{what} may or may not share memory with {other}, which has been written to{where}",
            self.low.location(),
            cure=f"take a copy before anything is written: {name or 'x'} = {name or 'x'}.copy()",
        )

    # --- sharing --------------------------------------------------------------------------------------

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
        if root is not None and _is_value(root.first) and root.first is not value:
            return self.contiguous(root.first)
        op = self.definitions.get(value)
        if op is None:
            return value.facts.kind not in ("unknown",) or self.generic
        if op.blocks or op.primitive.function in views.CONTIGUOUS:
            return not op.blocks
        if op.primitive.function in (runtime.setitem, runtime.index_add):
            return _is_value(op.args[0]) and self.contiguous(op.args[0])
        how, _ = sharing(op, self.generic)
        arrays = [v for v in values_in(list(op.args)) if v.facts.kind in ("array", "unknown")]
        elementwise = getattr(op.primitive.function, "__module__", "") == "_operator" or (
            type(op.primitive.function).__name__ == "ufunc"
        )
        if how == FRESH and elementwise and op.primitive.function is not operator.getitem:
            return all(map(self.contiguous, arrays))
        if op.primitive.function in views.IF_CONTIGUOUS:
            return all(map(self.contiguous, arrays))
        return False

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

    # --- writing --------------------------------------------------------------------------------------

    def write(
        self, handle: Symbol, new: Symbol, *, deep: bool = False, apart: bool | None = None
    ) -> None:
        """Let a handle's memory hold something new from here on.

        `deep` tells that an entry of a container was written to, not replaced; `apart` whether no two
        entries of what is written are one memory.
        """
        self.written = True
        self._write(handle, new, deep)
        if apart is not None:
            root = self._root_of(handle) if isinstance(handle, Value) else self.root(handle)
            if root is not None:
                root.apart = apart if root.apart is None else root.apart and apart

    def is_array(self, handle: Symbol) -> None:
        """Note that a handle is an array, and so a view where it was taken out of one."""
        if self.generic and isinstance(handle, Value) and not self.is_content(handle):
            op = self.definitions.get(handle)
            if (
                op is not None
                and sharing(op, generic=False)[0] == MAYBE
                and handle not in self._arrays
            ):
                if op.primitive.function is operator.getitem:
                    self._arrays.add(handle)

    def uncertain(self, handle: Symbol, other: Symbol) -> None:
        """Note that writing to `other` may have written to a handle, if that was an array."""
        if isinstance(other, Value) and has_memory(other.facts):
            self.written = True
            self._spoil(self.root(other), self.roots(handle), handle)

    def _write(self, handle: Symbol, new: Symbol, deep: bool) -> None:
        if isinstance(handle, Value) and self._root_of(handle) is None:
            op = self.definitions.get(handle)
            if op is not None and op.primitive.function in views.READ_ONLY:
                self.low.refuse(
                    "assignment destination is read-only: "
                    f"np.{op.primitive.function.__name__} gives a view that cannot be written to",
                    cure="take a copy, or write into the array itself",
                )
            how, bases = self.sharing(handle)
            if how == VIEW:
                self._write_view(handle, bases[0], new)
                return
            if how == THROUGH:
                self._write_entry(handle, bases[0], new)
                return
            root = self.root(handle)
            if how in (MAYBE, HOLDS):
                related = {r for base in bases for r in self.roots(base)}
                if how == MAYBE or deep:
                    self._spoil(root, related, handle)
        else:
            root = self.root(handle)
        self._set(root, handle, new, deep)

    def _set(self, root: Root, handle: Symbol, new: Symbol, deep: bool) -> None:
        if root.locked is not None:
            self.low.refuse(root.locked[0], cure=root.locked[1])
        if deep:
            root.deep = True
        elif kind_of(root.first) in CONTAINERS:
            root.restructured = True
        first = root.first
        if _is_value(first):
            how, bases = self.sharing(first)
            if how == MAYBE or (how == HOLDS and deep):
                self._spoil(root, {r for b in bases for r in self.roots(b)}, handle)
            kin = set(self._shares.get(first, ()))
            if kin and (deep or kind_of(first) not in CONTAINERS or not self._only_holds(first)):
                self._spoil(root, kin, handle)
        content = self.content(root)
        if _is_value(content) and content is not first and deep:
            self._spoil(root, set(self._shares.get(content, ())), handle)
        if isinstance(new, Value) and _is_value(content) and new not in self._shares:
            if content in self._shares and kind_of(content) in CONTAINERS:
                self._shares[new] = dict(self._shares[content])
                self._apart[new] = self._apart.get(content, frozenset()) | {root}
        self._enter(new, root)
        self.places.write(root, new)

    def _only_holds(self, value: Value) -> bool:
        """Whether a container shares with others no more than what it holds."""
        return value not in self._apart

    def hold(self, container: Symbol, entry: Symbol) -> None:
        """Note that a container, as a value, holds an entry that has memory of its own."""
        if isinstance(container, Value):
            parts = entry if isinstance(entry, list | tuple) else [entry]
            stamps = {r: self.content(r) for part in parts for r in self.roots(part)}
            if stamps:
                self._shares[container] = {**self._shares.get(container, {}), **stamps}

    def _spoil(self, root: Root, others: Iterable[Root], handle: Symbol) -> None:
        """Let nobody read what may have been written to as another memory."""
        where = self.low.location()
        for other in others:
            if other is root:
                continue
            before = self.content(other)
            by = before.by if isinstance(before, Poison) else frozenset()
            if root not in by:
                poison = Poison(by | {root}, self.name_of(handle) or "", where and where.line)
                self.places.write(other, poison)

    def _write_view(self, handle: Value, base: Value, new: Symbol) -> None:
        op = self.definitions[handle]
        now = self.current(base)
        if op.primitive.function is operator.getitem:
            made = self.low.apply(runtime.setitem, now, op.args[1], new)
        else:
            put = views.VIEWS[op.primitive.function]
            builder = self.low.builder
            args = trace.wrap((self.low.arg(new), self.low.arg(now), *op.args[1:]), builder)
            made = trace.unwrap(put(*args, **trace.wrap(dict(op.kwargs), builder)))
        self.write(base, made)

    def _write_entry(self, handle: Value, base: Value, new: Symbol) -> None:
        """Write to an entry of a container: to the entry itself once the container is taken apart."""
        op = self.definitions[handle]
        key = entry_key(op)
        if key is not None and self._take_apart(base):
            self.write(handle, new)
            return
        if not self.entries_apart(base):
            raise UnknownAlias(
                f"two entries of '{self.name_of(base) or 'this container'}' may be one memory, and one "
                "of them is written to",
                self.low.location(),
                cure="let each entry have memory of its own, for instance by x.copy()",
            )
        now = self.current(base)
        if self._restructured_since(base, now):
            self._refuse(handle, self.name_of(base), None)
        if op.primitive.function is getattr:
            self.low.refuse(
                f"'{op.args[1]}' is written to, of an object that is only known when the function runs",
                cure="use a dataclass, or pass the array itself",
            )
        made = self.low.apply(runtime.setitem, now, op.args[1], new, facts=base.facts)
        self.write(base, made, deep=True)

    def _restructured_since(self, base: Value, now: Symbol) -> bool:
        return now is not base and any(root.restructured for root in self.roots(base))

    def are_apart(self, entries: Symbol) -> bool:
        """Whether no two entries of a container that is spelled out can be one memory."""
        seen: set[Root] = set()
        for part in children(entries) or ():
            roots = self.roots(part)
            if roots & seen:
                return False
            seen |= roots
        return True

    def displayed(self, handle: Symbol) -> Value | None:
        """A list that is spelled out, of arrays or the like, as one value that only a run can index."""
        now = self.current(handle)
        if type(now) is not list or not any(self.is_memory(entry) for entry in now):
            return None
        apart = self.are_apart(now)
        made = self.low.apply(list, now)
        self.hold(made, now)
        root = self.root(handle)
        restructured = root.restructured
        self.write(handle, made, apart=apart)
        root.restructured = restructured  # it holds what it did
        return made if isinstance(made, Value) else None

    def entries_apart(self, container: Value) -> bool:
        """Whether no two entries of a container that only a run knows can be one memory."""
        root = self._roots.get(id(container))
        if root is not None and root.apart is not None:
            return root.apart
        first = root.first if root is not None else container
        if not isinstance(first, Value):
            return self.are_apart(first)
        op = self.definitions.get(first)
        if op is None:
            return first not in self._shares  # an argument
        if op.primitive.function is operator.getitem and _is_value(op.args[0]):
            return self.entries_apart(op.args[0])
        return False

    def _take_apart(self, base: Value) -> bool:
        """Make a container whose entries are known one by one a structure of them, from its start on."""
        root = self._root_of(base)
        if root is None:
            how, bases = self.sharing(base)
            if how == THROUGH:
                op = self.definitions[base]
                if entry_key(op) is None or not self._take_apart(bases[0]):
                    return False
                root = self._root_of(base)
            else:
                root = self.root(base)
        assert root is not None
        if root.entries is None:
            first = root.first
            if not _is_value(first) or self.content(root) is not first:
                return not _is_value(first) and root.entries is not None
            structure = self._exploded(first, root)
            if structure is None:
                return False
        return True

    def explode(self, handle: Value) -> Symbol | None:
        """The structure of the entries of a container value, if they are known one by one."""
        if self._take_apart(handle):
            self.written = True
            return self.current(handle)
        return None

    def _exploded(self, first: Value, root: Root) -> Symbol | None:
        facts = first.facts
        if facts.items is None or len(facts.items) > MOST_ENTRIES or facts.kind not in CONTAINERS:
            return None
        if facts.kind == "tuple":
            keys: tuple[Any, ...] = tuple(range(len(facts.items)))
        elif facts.kind == "list":
            keys = tuple(range(len(facts.items)))
        else:
            keys = facts.keys or ()
        if len(keys) != len(facts.items):
            return None
        function = getattr if facts.kind == "object" else operator.getitem
        made = {
            key: self._early(function, first, key, known, root)
            for key, known in zip(keys, facts.items, strict=True)
        }
        structure: Symbol
        if facts.kind == "object":
            assert facts.cls is not None
            structure = Record(facts.cls, dict(made))
        elif facts.kind == "dict":
            structure = dict(made)
        elif facts.kind == "list":
            structure = list(made.values())
        elif hasattr(facts.cls, "_fields"):
            structure = tuple.__new__(facts.cls, made.values())  # type: ignore[arg-type]
        else:
            structure = tuple(made.values())
        root.entries = made
        self._made_in[id(structure)] = root.builder
        self.places.refine(root, structure)
        self._enter(structure, root)
        return structure

    def _early(self, function: Any, owner: Value, key: Any, facts: Facts, root: Root) -> Symbol:
        """Emit what takes an entry out of a value, right where that value was made."""
        low = self.low
        builder, low.builder = low.builder, root.builder.child()
        try:
            value = low.emit(registry_of(function), (owner, key), facts=facts)
            ops = low.builder.ops
        finally:
            low.builder = builder
        op = self.definitions.get(owner)
        into = root.builder.ops
        at = into.index(op) + 1 if op is not None and op in into else 0
        into[at:at] = ops
        if isinstance(value, Value):
            self.born[value] = root.builder
            entry = Root(value, root.builder)
            entry.locked, entry.name = root.locked, key if isinstance(key, str) else root.name
            self._enter(value, entry)
            if value.hint is None and isinstance(key, str) and key.isidentifier():
                value.hint = key
        return value


def registry_of(function: Any) -> Any:
    """The primitive of a function that is in the tables."""
    from ..ops import registry

    return registry.PRIMITIVES[function]


def _id(symbol: Symbol) -> int:
    """What a handle is known by; an object from outside is the same however it was reached."""
    return id(symbol.value) if isinstance(symbol, Outside) else id(symbol)


def kind_of(symbol: Symbol) -> str:
    """The kind of a handle, be it a value or spelled out."""
    if isinstance(symbol, Value):
        return symbol.facts.kind
    return {list: "list", dict: "dict", Record: "object"}.get(type(symbol), "tuple")


def _is_value(symbol: Symbol) -> bool:
    return isinstance(symbol, Value)


def _holds_array(root: Root) -> bool:
    return kind_of(root.first) in ("array", "unknown")
