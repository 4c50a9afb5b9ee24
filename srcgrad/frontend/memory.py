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
from typing import Any, NoReturn

from ..errors import UnknownAlias
from ..ir.graph import Value
from .handles import Handles, Poison, has_memory, holds_array, identity
from .places import Key, Places, Region, Root
from .sharing import FRESH, HOLDS, MAYBE, THROUGH, VIEW, sharing
from .symbols import Conflict, Outside, Record, Symbol, children, kind_name, rebuild


class Memory(Handles):
    """What handles show while a program is read."""

    def __init__(self, low: Any, places: Places, generic: bool) -> None:
        super().__init__(low, places, generic)
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
        if isinstance(symbol, Value | list | dict | tuple | Record):
            self._enter(symbol, key[1])

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
        root = self._roots.get(identity(symbol)) if mutable else None
        content = symbol if root is None else self._content(root, symbol)
        if isinstance(content, Value):
            return self._checked(content)
        if isinstance(content, Outside):
            return content
        parts = children(content) or []
        now = [self.settled(p) for p in parts]
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
            self._taken_for_a_number(value)
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

    def _taken_for_a_number(self, value: Value) -> None:
        """Note where an entry is read after its array was written to, which a row would show."""
        op = self.definitions.get(value) if self.generic and value.facts.kind == "unknown" else None
        if op is None or op.primitive.function is not operator.getitem:
            return
        base = op.args[0]
        if isinstance(base, Value) and sharing(op, generic=False)[0] == MAYBE:
            if self.current(base) is not base:
                self.assumed[self.name_of(value) or "an entry"] = None

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
            self.content(root) is not root.first for root in self.roots(base) if holds_array(root)
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
                    first = root.first
                    self._refuse(value, root.name if first is None else self.name_of(first), None)
        return value

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
