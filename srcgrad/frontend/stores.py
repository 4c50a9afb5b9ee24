"""Writing through handles: a part of what a root holds is renewed, be the handle a view or an entry.

A container whose entries are known one by one is taken apart when one of them is written to: from then
on it is the structure of them, and each is memory of its own.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from .. import runtime
from ..errors import UnknownAlias
from ..ir.graph import Value
from ..ir.types import CONTAINERS, SCALARS, Facts
from ..ops import trace, views
from .handles import Poison, has_memory, is_value, kind_of
from .memory import Memory
from .places import Root
from .sharing import HOLDS, MAYBE, THROUGH, VIEW, entry_key, has_mutable_entries, sharing
from .symbols import Record, Symbol, children, hint_of

MOST_ENTRIES = 64  # of a container that is taken apart when one of them is written to


class Stores(Memory):
    """Memory that can be written to."""

    def write(
        self,
        handle: Symbol,
        new: Symbol,
        *,
        deep: bool = False,
        apart: bool | None = None,
    ) -> None:
        """Let a handle's memory hold something new from here on.

        `deep` tells that an entry of a container was written to, not replaced; `apart` whether no two
        entries of what is written are one memory.
        """
        self.written = True
        self._write(handle, new, deep)
        root = self._root_of(handle) if isinstance(handle, Value) else self.root(handle)
        if root is not None:
            if apart is not None:
                root.apart = apart if root.apart is None else root.apart and apart

    def _write(self, handle: Symbol, new: Symbol, deep: bool) -> None:
        op = self.definitions.get(handle) if isinstance(handle, Value) else None
        if op is not None and op.primitive.function in views.READ_ONLY:
            self.low.refuse(
                "assignment destination is read-only: "
                f"np.{op.primitive.function.__name__} gives a view that cannot be written to",
                cure="take a copy, or write into the array itself",
            )
        if isinstance(handle, Value) and self._root_of(handle) is None:
            how, bases = self.sharing(handle)
            if how == VIEW:
                self._write_view(handle, bases[0], new)
                return
            if how == THROUGH:
                self._write_entry(handle, bases[0], new, deep)
                return
            root = self.root(handle)
            if how in (MAYBE, HOLDS):
                related = {r for base in bases for r in self.roots(base)}
                if how == MAYBE or deep:
                    self._spoil(root, related, handle)
        else:
            root = self.root(handle)
        self._set(root, handle, new, deep)

    def assume(self, handle: Symbol) -> None:
        """Note that what is not known is taken for a number, which `op=` does not write into."""
        name = self.name_of(handle)
        if isinstance(handle, Value) and has_memory(handle.facts) and name is not None:
            self.assumed[name] = None

    def uncertain(self, handle: Symbol, other: Symbol) -> None:
        """Note that `other`, the result of `op=`, may be a handle that was written to, if an array."""
        if isinstance(handle, Value) and has_memory(handle.facts) and isinstance(other, Value):
            if other.facts.kind in SCALARS:
                other.facts = replace(other.facts, kind="unknown")
            if other.facts.kind == "unknown":
                other.facts = replace(other.facts, cls=np.ndarray)
            self.written = True
            self._spoil(self.root(other), self.roots(handle), handle)

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

    def _set(self, root: Root, handle: Symbol, new: Symbol, deep: bool) -> None:
        self._may_write(root)
        self.count += 1
        if deep:
            root.deep = True
        elif kind_of(root.first) in CONTAINERS:
            root.restructured = True
            root.resized |= self._resizes(self.content(root), new)
        first = root.first
        if is_value(first):
            how, bases = self.sharing(first)
            if how == MAYBE or (how == HOLDS and deep):
                self._spoil(root, {r for b in bases for r in self.roots(b)}, handle)
            kin = set(self._shares.get(first, ()))
            if kin and (deep or kind_of(first) not in CONTAINERS or not self._only_holds(first)):
                self._spoil(root, kin, handle)
        content = self.content(root)
        if is_value(content) and content is not first and deep:
            self._spoil(root, set(self._shares.get(content, ())), handle)
        if isinstance(new, Value) and is_value(content) and new not in self._shares:
            if content in self._shares and kind_of(content) in CONTAINERS:
                self._shares[new] = dict(self._shares[content])
                self._apart[new] = self._apart.get(content, frozenset()) | {root}
        if isinstance(new, Value) and new.hint is None:
            new.hint = hint_of(getattr(content, "hint", None) or root.name)
        self._enter(new, root)
        self.places.write(root, new)

    def _may_write(self, root: Root) -> None:
        """Refuse to write to memory that is to stay as it is; note what is an argument's."""
        if root.locked is not None:
            self.low.refuse(root.locked[0], cure=root.locked[1])
        if root.argument is not None:
            self.written_arguments.add(root.argument)

    def _resizes(self, old: Symbol, new: Symbol) -> bool:
        """Whether a list or dict gets longer or shorter, for all that is known."""
        if not isinstance(new, Value):
            parts = children(old)
            return parts is None or len(parts) != len(children(new) or ())
        op = self.definitions.get(new)
        if op is not None and op.primitive.function is runtime.setitem:
            return isinstance(op.args[1], slice)
        return op is None or op.primitive.function is not list

    def _only_holds(self, value: Value) -> bool:
        """Whether a container shares with others no more than what it holds."""
        return value not in self._apart

    def _spoil(self, root: Root, others: Iterable[Root], handle: Symbol) -> None:
        """Let nobody read what may have been written to as another memory."""
        where = self.low.location()
        for other in others:
            if other is root:
                continue
            self._may_write(other)
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

    def _write_entry(self, handle: Value, base: Value, new: Symbol, deep: bool) -> None:
        """Write to an entry of a container: to the entry itself once the container is taken apart."""
        op = self.definitions[handle]
        key = entry_key(op)
        if key is not None and self._take_apart(base):
            self.write(handle, new, deep=deep)
            return
        if self.low.unrollable and key is None:
            self.low.give_up("which entry is written to is only known when the function runs")
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
            self.low.give_up(
                f"'{op.args[1]}' is written to, of an object that is only known when the function runs",
                cure="use a dataclass, or pass the array itself",
            )
        made = self.low.apply(runtime.setitem, now, op.args[1], new)
        self.write(base, made, deep=True)

    def _restructured_since(self, base: Value, now: Symbol) -> bool:
        return now is not base and any(root.restructured for root in self.roots(base))

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

    def indexed(self, owner: Symbol, index: Symbol) -> Symbol:
        """What an entry is taken of whose place only a run knows: of a list of arrays, one value."""
        if type(owner) is list and isinstance(index, Value) and index.facts.kind == "int":
            if self.low.unrollable and any(map(self.is_memory, owner)):
                self.low.give_up("which entry is taken is only known when the function runs")
            return self.displayed(owner) or owner
        return owner

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
            if not is_value(first) or self.content(root) is not first:
                return not is_value(first) and root.entries is not None
            if has_mutable_entries(first.facts) and not self.entries_apart(first):
                return False
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
            entry.argument = root.argument
            entry.locked, entry.name = root.locked, key if isinstance(key, str) else root.name
            self._enter(value, entry)
            if value.hint is None and isinstance(key, str) and key.isidentifier():
                value.hint = key
        return value


def registry_of(function: Any) -> Any:
    """The primitive of a function that is in the tables."""
    from ..ops import registry

    return registry.PRIMITIVES[function]
