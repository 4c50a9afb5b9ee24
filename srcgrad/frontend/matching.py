"""What a derivative rule returns, held against what it is to return: structure, number and shapes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from ..errors import Location, StructureError
from ..ir.build import facts_of_arg
from ..ir.graph import Arg, Value
from ..ir.types import CONTAINERS, Facts
from .core import Lowerer
from .inline import code_of
from .parameters import free_parameters, is_open
from .statements import ASSERT
from .symbols import Closure, Method, Outside, Partial, Record, Symbol, children, labels
from .unwrap import unwrap


def place_of(low: Lowerer, function: Symbol) -> tuple[Location | None, Symbol]:
    """Where a rule is defined, and the rule."""
    inner = function
    while isinstance(inner, Method | Partial):
        inner = inner.function
    if isinstance(inner, Closure):
        return inner.code.location(inner.code.tree, None), function
    found = unwrap(inner).function if callable(inner) else None
    if is_open(found):
        code = code_of(low, found)
        return code.location(code.tree, None), function
    return low.location(), function


def entries_of(low: Lowerer, symbol: Symbol) -> list[Symbol] | None:
    """The entries of a tuple or list, where they are known."""
    if isinstance(symbol, tuple | list):
        return list(symbol)
    if isinstance(symbol, Value) and symbol.facts.kind in ("tuple", "list"):
        if symbol.facts.items is not None:
            return [low.emit_item(symbol, k) for k in range(len(symbol.facts.items))]
    return None


class Matching:
    """Matches what a rule gives with what is wanted of it; `place` is where the rule is defined."""

    def __init__(self, low: Lowerer, place: tuple[Location | None, Symbol]) -> None:
        self.low = low
        self.location = place[0]

    def refuse(self, why: str, cure: str | None = None) -> NoReturn:
        raise StructureError(why, self.location, cure=cure)

    def takes(self, function: Symbol, count: int, what: str, which: str) -> None:
        """Refuse a rule that cannot be called with so many arguments."""
        if isinstance(function, Closure):
            parameters: Sequence[Any] = function.code.parameters
            optional = function.defaults.keys()
        elif callable(function) and is_open(unwrap(function).function):
            parameters = free_parameters(unwrap(function))
            optional = {p.name: None for p in parameters if p.has_default}.keys()
        else:
            return
        positional = [p for p in parameters if p.kind.startswith("POSITIONAL")]
        least = sum(p.name not in optional for p in positional)
        variadic = any(p.kind == "VAR_POSITIONAL" for p in parameters)
        if least > count or (count > len(positional) and not variadic):
            self.refuse(
                f"'{self.name(function)}', {what}, takes {len(positional)} arguments, but is called "
                f"with {count}: {which}"
            )

    def name(self, function: Symbol) -> str:
        code = getattr(function, "code", None)
        return str(getattr(code, "name", None) or getattr(function, "__name__", "the rule"))

    def described(self, symbol: Symbol) -> str:
        """What a symbol is, for messages."""
        if isinstance(symbol, Value):
            return text_of(symbol.facts)
        parts = children(symbol)
        if parts is None:
            return (
                repr(symbol) if symbol is None or isinstance(symbol, int | float) else "a constant"
            )
        count = f"{len(parts)} {'entry' if len(parts) == 1 else 'entries'}"
        return f"a {type(symbol).__name__.lower()} of {count}"

    def leaves(self, pattern: Symbol, given: Symbol, what: str) -> list[Arg]:
        """What is given for each value of a pattern, whose values may be those of another block."""
        found = self.cotangents(pattern, given, what, None)
        if any(f is None for f in found):
            self.refuse(f"{what} has None where '{self.described(pattern)}' is expected")
        return found

    def cotangents(
        self, pattern: Symbol, given: Symbol, what: str, likes: Sequence[Arg] | None = ()
    ) -> list[Arg]:
        """What is given for each value of a pattern, None for what is zero.

        `likes` are what tells the shapes of the values at run time, if these do not; None if nothing.
        """
        found: list[Arg] = []
        self._match(pattern, given, what, found, likes)
        return found

    def _match(
        self,
        pattern: Symbol,
        given: Symbol,
        what: str,
        found: list[Arg],
        likes: Sequence[Arg] | None,
    ) -> None:
        given = self.low.memory.current(given)
        if isinstance(pattern, Value):
            arg = None if given is None else self.low.arg(given)
            like = likes[len(found)] if likes else pattern if likes is not None else None
            found.append(arg)
            if arg is not None:
                self._fits(pattern.facts, arg, like, what)
            return
        parts = None if isinstance(pattern, Outside) else children(pattern)
        if parts is None:
            return
        entries = self._entries(pattern, given, len(parts), what)
        for part, entry, label in zip(parts, entries, _labels(pattern), strict=True):
            self._match(part, entry, f"{what}, at {label}", found, likes)

    def _entries(self, pattern: Symbol, given: Symbol, count: int, what: str) -> list[Symbol]:
        if given is None:
            return [None] * count
        keys = _keys(pattern)
        if isinstance(given, Value) and given.facts.items is not None:
            facts = given.facts
            if len(facts.items or ()) == count and (facts.kind == "dict") == isinstance(
                pattern, dict
            ):
                get = getattr if isinstance(pattern, Record) else operator.getitem
                return [self.low.apply(get, given, key) for key in keys]
        elif isinstance(pattern, dict):
            if isinstance(given, dict) and given.keys() == pattern.keys():
                return [given[key] for key in pattern]
        elif isinstance(pattern, Record):
            if isinstance(given, Record) and given.cls is pattern.cls:
                return [given.fields[key] for key in pattern.fields]
        elif isinstance(given, tuple | list) and len(given) == count:
            return list(given)
        self.refuse(f"{what} must be {self.described(pattern)}, not {self.described(given)}")

    def _fits(self, wanted: Facts, given: Arg, like: Arg, what: str) -> None:
        facts = facts_of_arg(given)
        if wanted.kind in CONTAINERS:
            if facts.kind not in CONTAINERS and facts.kind not in ("unknown", "opaque"):
                self.refuse(f"{what} must be {text_of(wanted)}, not {text_of(facts)}")
            if wanted.items is None or facts.items is None:
                return
            keys, own = _facts_keys(wanted), _facts_keys(facts)
            if set(keys) != set(own) or (wanted.kind == "dict") != (facts.kind == "dict"):
                self.refuse(f"{what} must be {text_of(wanted)}, not {text_of(facts)}")
            if not isinstance(given, Value):
                for key, inner in zip(keys, wanted.items, strict=True):
                    if given[key] is not None:
                        entry = like[key] if isinstance(like, dict | list | tuple) else None
                        self._fits(inner, given[key], entry, f"{what}, at [{key!r}]")
            return
        if facts.kind in CONTAINERS or facts.kind in ("str", "none", "function"):
            self.refuse(f"{what} must be {text_of(wanted)}, not {text_of(facts)}")
        if wanted.kind == "opaque" or facts.kind == "opaque":
            return
        same = _same_shape(wanted, facts)
        if same is False:
            self.refuse(
                f"{what} must have the shape {_shape(wanted)}, not {_shape(facts)}",
                "sum over what was broadcast, or use np.broadcast_to",
            )
        if same is None and like is not None and not self.low.memory.generic:
            self._check(given, like, what)

    def _check(self, given: Arg, like: Arg, what: str) -> None:
        """Let the call make sure of a shape."""
        low = self.low
        shapes = [low.apply(np.shape, a) for a in (given, like)]
        where = "" if self.location is None else f" ({self.location.file}:{self.location.line})"
        text = f"{what} has another shape than what it belongs to{where}"
        low.emit(ASSERT, [low.apply(operator.eq, *shapes), text])


def _labels(symbol: Symbol) -> list[str]:
    if isinstance(symbol, Record):
        return [f".{name}" for name in symbol.fields]
    if isinstance(symbol, dict):
        return [f"[{key!r}]" for key in symbol]
    return [f"[{k}]" for k in range(len(labels(symbol)))]


def _keys(symbol: Symbol) -> list[Any]:
    if isinstance(symbol, Record):
        return list(symbol.fields)
    return list(symbol) if isinstance(symbol, dict) else list(range(len(children(symbol) or ())))


def _facts_keys(facts: Facts) -> tuple[Any, ...]:
    if facts.kind in ("dict", "object") and facts.keys is not None:
        return facts.keys
    return tuple(range(len(facts.items or ())))


def text_of(facts: Facts) -> str:
    """What a value is, for messages."""
    if facts.kind in CONTAINERS:
        if facts.kind == "dict" and facts.keys is not None:
            return f"a dict with the keys {list(facts.keys)}"
        count = "" if facts.items is None else f" of {len(facts.items)} entries"
        return f"a {facts.kind}{count}"
    if facts.kind == "none":
        return "None"
    return "a number" if facts.is_scalar else "an array"


def _shape(facts: Facts) -> str:
    return "()" if facts.is_scalar else facts.shape_text()


def _same_shape(a: Facts, b: Facts) -> bool | None:
    """Whether two shapes are the same; None where that is not known."""
    if (a.is_scalar and b.is_scalar) or a.same_shape(b):
        return True
    x, y = (() if f.is_scalar else f.dims for f in (a, b))
    if x is None or y is None:
        return None
    if len(x) != len(y):
        return False
    if any(p is not None and q is not None and _differ(p, q) for p, q in zip(x, y, strict=True)):
        return False
    return None


def _differ(p: Any, q: Any) -> bool:
    apart = p - q
    return isinstance(apart, int) and apart != 0
