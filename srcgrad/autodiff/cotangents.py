"""Cotangents under accumulation: one per value, entry by entry where the value is a container."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Container, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .. import runtime
from ..analysis.activity import carries_derivative
from ..ir.build import Builder, facts_of_arg
from ..ir.graph import Arg, Primitive, Value
from ..ir.types import CONTAINERS, SCALARS, Facts
from ..ops import registry


@dataclass(slots=True)
class Partial:
    """The cotangent of a container of which only some entries have one yet."""

    entries: dict[Any, Any] = field(default_factory=dict)


Cotangent = Any  # an Arg, or a Partial


def primitive(function: Any) -> Primitive:
    """The primitive of a function that the transformation itself emits."""
    found = registry.find(function)
    if found is None:
        raise KeyError(f"{function} is not a primitive")
    return found


def is_structure(arg: Arg) -> bool:
    return isinstance(arg, tuple | list | dict)


def known_entries(facts: Facts) -> tuple[Any, ...] | None:
    """The keys of a container whose entries are known one by one."""
    if facts.kind not in CONTAINERS or facts.items is None:
        return None
    if facts.kind in ("dict", "object") and facts.keys is not None:
        return facts.keys
    return tuple(range(len(facts.items)))


class Cotangents:
    """What each value's cotangent is so far. Adding appends ops to `builder`."""

    def __init__(
        self,
        builder: Builder,
        table: dict[Value, Cotangent] | None = None,
        unbound: Container[Value] = (),
    ) -> None:
        self.builder = builder
        self.table = dict(table or {})
        self.unbound = unbound  # values that may be undefined, of which zeros are 0.0

    def __contains__(self, value: Value) -> bool:
        return value in self.table

    def add(self, value: Value, contribution: Cotangent) -> None:
        """Accumulate a contribution to the cotangent of `value`."""
        contribution = self.fitted(value, contribution)
        known = self.table.get(value)
        hint = None if value.hint is None else f"d_{value.hint}"
        if known is None:
            total = contribution
            if isinstance(contribution, Value) and contribution.hint is None:
                contribution.hint = hint
        else:
            total = self.sum(value, known, contribution, hint)
        self.table[value] = total

    def fitted(self, value: Value, contribution: Cotangent) -> Cotangent:
        """What of a contribution moves `value`: of one to a real number, the real part."""
        if not value.facts.is_real:
            return contribution
        if isinstance(contribution, complex):
            return contribution.real
        if isinstance(contribution, Value) and contribution.facts.is_complex:
            return self.builder.emit(primitive(np.real), (contribution,))
        return contribution

    def real(self, gradient: Arg, value: Value) -> Arg:
        """The gradient of a real number, of which nobody knows whether it is real, too."""
        facts = facts_of_arg(gradient)
        if not value.facts.is_real or facts.is_complex or not facts.may_be_complex:
            return gradient
        return self.builder.emit(primitive(np.real), (gradient,))

    def add_entry(self, value: Value, key: Any, contribution: Cotangent) -> None:
        """Accumulate a contribution to one entry of a container."""
        known = self.table.get(value)
        if known is None:
            self.table[value] = Partial({key: contribution})
        else:
            self.table[value] = self.sum(value, known, Partial({key: contribution}))

    def sum(
        self, value: Value | None, a: Cotangent, b: Cotangent, hint: str | None = None
    ) -> Cotangent:
        """The sum of two cotangents of one value."""
        if isinstance(a, Partial) and isinstance(b, Partial):
            entries = dict(a.entries)
            for key, g in b.entries.items():
                entries[key] = self._sum_entry(value, key, entries.get(key), g)
            return Partial(entries)
        if isinstance(a, Partial) or isinstance(b, Partial):
            assert value is not None
            partial, other = (a, b) if isinstance(a, Partial) else (b, a)
            if is_structure(other) and known_entries(value.facts) is not None:
                return self._filled_in(value, other, partial)
            a, b = self.whole(value, a), self.whole(value, b)
        if is_structure(a) and is_structure(b):
            return self._merge(a, b)
        if _is_zero(a):
            return b
        if _is_zero(b):
            return a
        held = value is not None and value.facts.kind in CONTAINERS
        if held or any(is_structure(g) or _may_be_container(g) for g in (a, b)):
            return self.builder.emit(primitive(runtime.add), (a, b), hint=hint)
        return self.builder.emit(primitive(operator.add), (a, b), hint=hint)

    def _filled_in(self, value: Value, whole: Arg, partial: Partial) -> Arg:
        """A structure with a part of it added: what the part lacks stays as it is."""
        keys = known_entries(value.facts) or ()
        parts = [
            self._sum_entry(value, key, whole[key], partial.entries[key])
            if key in partial.entries
            else whole[key]
            for key in keys
        ]
        return rebuild_entries(whole, keys, parts)

    def _sum_entry(self, value: Value | None, key: Any, a: Cotangent, b: Cotangent) -> Cotangent:
        if a is None:
            return b
        child = None
        if isinstance(a, Partial) or isinstance(b, Partial):
            child = self._child(value, key, value.facts.kind if value is not None else "tuple")
        return self.sum(child, a, b, getattr(a, "hint", None))

    def _merge(self, a: Any, b: Any) -> Any:
        if isinstance(a, dict):
            return {k: self.sum(None, a[k], b[k]) for k in a}
        sums = [self.sum(None, x, y) for x, y in zip(a, b, strict=True)]
        if isinstance(a, tuple) and hasattr(a, "_fields"):
            return type(a)(*sums)
        return sums if isinstance(a, list) else tuple(sums)

    def take(self, value: Value) -> Arg | None:
        """The whole cotangent of `value`, or None where it has none."""
        known = self.table.get(value)
        return None if known is None else self.whole(value, known)

    def take_or_zero(self, value: Value) -> Arg:
        """The whole cotangent of `value`, zeros where it has none."""
        known = self.take(value)
        return self.zero(value) if known is None else known

    def whole(self, value: Value | None, cotangent: Cotangent, facts: Facts | None = None) -> Arg:
        """A cotangent with zeros in the entries that it lacks; `value` tells their shapes."""
        if facts is None:
            facts = value.facts if value is not None else Facts()
        keys = known_entries(facts)
        if not isinstance(cotangent, Partial):
            return cotangent
        if keys is None:
            assert value is not None
            total: Arg = self.builder.emit(primitive(runtime.zeros_like), (value,))
            for key, g in cotangent.entries.items():
                total = self.builder.emit(
                    primitive(runtime.index_add), (total, key, self._plain(g))
                )
            return total
        parts = []
        for key in keys:
            entry = cotangent.entries.get(key)
            if entry is None or isinstance(entry, Partial):
                child = self._child(value, key, facts.kind)
                entry = self.zero(child) if entry is None else self.whole(child, entry)
            parts.append(entry)
        return self.assemble(parts, keys, facts)

    def _plain(self, g: Cotangent) -> Arg:
        assert not isinstance(g, Partial), "entries of a container of unknown length are plain"
        return g

    def _child(self, value: Value | None, key: Any, kind: str) -> Value:
        assert value is not None
        function = getattr if kind == "object" else operator.getitem
        return self.builder.emit(primitive(function), (value, key))

    def assemble(self, parts: list[Arg], keys: tuple[Any, ...], facts: Facts) -> Arg:
        if facts.kind == "dict":
            return dict(zip(keys, parts, strict=True))
        if facts.kind == "list":
            return parts
        if facts.kind == "object":
            fields = dict(zip(keys, parts, strict=True))
            facts = replace(facts, items=tuple(map(facts_of_arg, parts)))
            assert facts.cls is not None
            if _takes_its_fields(facts.cls):
                return self.builder.emit(construct(facts.cls), (), fields, facts=facts)
            return self.builder.emit(primitive(runtime.instance), (facts.cls, fields), facts=facts)
        if facts.cls is not None and hasattr(facts.cls, "_fields"):
            return facts.cls(*parts)
        return tuple(parts)

    def zero(self, value: Value) -> Arg:
        """A zero cotangent for `value`."""
        facts = value.facts
        if facts.kind in SCALARS and facts.shape == () and facts.dtype in (None, "float64"):
            return 0j if facts.kind == "complex" else 0.0
        if facts.kind == "array" and facts.dtype is not None and value not in self.unbound:
            if np.dtype(facts.dtype).kind in "fc":
                return self.builder.emit(primitive(np.zeros_like), (value,))
        keys = None if value in self.unbound else known_entries(facts)
        if keys is not None and len(keys) <= 8 and facts.kind in ("tuple", "dict"):
            return self.whole(value, Partial(), facts)
        return self.builder.emit(primitive(runtime.zeros_like), (value,))


def rebuild_entries(like: Arg, keys: Iterable[Any], parts: Iterable[Arg]) -> Arg:
    """A structure with the type of `like`, of other entries."""
    if isinstance(like, dict):
        return dict(zip(keys, parts, strict=True))
    if isinstance(like, tuple):
        return type(like)(*parts) if hasattr(like, "_fields") else tuple(parts)
    return list(parts)


def construct(cls: type) -> Primitive:
    """The primitive that makes an object of a class from its fields."""
    found = registry.find(cls)
    return found if found is not None else registry.made(cls)


def _takes_its_fields(cls: type) -> bool:
    """Whether calling a dataclass with its fields makes an instance of just these."""
    init = getattr(cls.__init__, "__code__", None)  # type: ignore[misc]
    generated = init is not None and init.co_filename == "<string>"
    fields = dataclasses.fields(cls)
    return generated and not hasattr(cls, "__post_init__") and all(f.init for f in fields)


def _may_be_container(arg: Arg) -> bool:
    return isinstance(arg, Value) and arg.facts.kind in CONTAINERS | {"opaque"}


def _is_zero(arg: Arg) -> bool:
    return isinstance(arg, float | complex) and arg == 0


def same_structure(a: Arg, b: Arg) -> bool:
    """Whether two cotangents are spelled out alike."""
    if isinstance(a, dict):
        return (
            isinstance(b, dict)
            and a.keys() == b.keys()
            and all(same_structure(a[k], b[k]) for k in a)
        )
    if isinstance(a, tuple | list):
        alike = isinstance(b, tuple | list) and isinstance(a, tuple) == isinstance(b, tuple)
        return alike and len(a) == len(b) and all(map(same_structure, a, b))
    return not isinstance(b, tuple | list | dict)


def name_cotangent(cotangent: Arg, value: Value) -> None:
    """Let a cotangent be known by the name of its value, each entry of it by its key, too."""
    if value.hint is not None:
        _name(cotangent, f"d_{value.hint}", top=True)


def _name(cotangent: Arg, name: str, *, top: bool = False) -> None:
    if isinstance(cotangent, Value):
        if top or cotangent.hint is None:
            cotangent.hint = name
    elif isinstance(cotangent, dict):
        for key, part in cotangent.items():
            _name(part, f"{name}_{key}" if str(key).isidentifier() else name)
    elif isinstance(cotangent, tuple | list):
        for k, part in enumerate(cotangent):
            _name(part, f"{name}_{k}")


def leaves(arg: Arg) -> Iterable[Arg]:
    """The values and numbers of a structure, in order."""
    if isinstance(arg, dict):
        for item in arg.values():
            yield from leaves(item)
    elif isinstance(arg, tuple | list):
        for item in arg:
            yield from leaves(item)
    else:
        yield arg


def rebuild(arg: Arg, new: Iterable[Arg]) -> Arg:
    """The structure of `arg` over other leaves."""
    source = iter(new)

    def walk(part: Arg) -> Arg:
        if isinstance(part, dict):
            return {k: walk(v) for k, v in part.items()}
        if isinstance(part, tuple):
            items = [walk(v) for v in part]
            return type(part)(*items) if hasattr(part, "_fields") else tuple(items)
        if isinstance(part, list):
            return [walk(v) for v in part]
        return next(source)

    return walk(arg)


__all__ = [
    "Cotangent",
    "Cotangents",
    "Partial",
    "carries_derivative",
    "construct",
    "facts_of_arg",
    "leaves",
    "primitive",
    "rebuild",
]
