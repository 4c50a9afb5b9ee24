"""What an expression evaluates to while a function is read: graph arguments and compile-time objects.

A symbol is one of

- a graph `Value`, or a plain Python constant;
- a tuple, list, dict, named tuple or slice of symbols, as the source spells it out;
- a Python object that is known by itself: a function, a class, a module, a ufunc;
- one of the classes of this module: what has no counterpart at run time.

Only the first three can be handed to an op; `packable` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType, UnionType
from typing import Any

import numpy as np

from ..errors import Location, SrcgradError
from ..ir.graph import UNDEFINED, Value

Symbol = Any


@dataclass(frozen=True, eq=False, slots=True)
class Closure:
    """A function defined inside the function that is read: its code, and the names it can see.

    `defaults` holds what its parameters default to, evaluated where it was defined.
    """

    code: Any  # scopes.Code
    frame: Any  # places.Frame
    defaults: dict[str, Symbol]


@dataclass(frozen=True, eq=False, slots=True)
class Method:
    """A function with its first argument: what `owner.function` gives."""

    function: Symbol
    owner: Symbol


@dataclass(frozen=True, eq=False, slots=True)
class BoundName:
    """A method of a value or container that no Python source defines: `x.sum`, `params.items`."""

    owner: Symbol
    name: str


@dataclass(frozen=True, eq=False, slots=True)
class Partial:
    """A function with some of its arguments, as `functools.partial` makes it."""

    function: Symbol
    args: tuple[Symbol, ...]
    keywords: dict[str, Symbol]


@dataclass(frozen=True, eq=False, slots=True)
class Outside:
    """An object that exists before the function is called; its attributes are read live.

    `path` is how the source would name it, `read` fetches it.
    """

    value: Any
    path: str
    read: Callable[[], Any]


@dataclass(frozen=True, eq=False, slots=True)
class Record:
    """An instance of a class that the function makes or writes to; `base` has the fields it lacks."""

    cls: type
    fields: dict[str, Symbol]
    base: Symbol = None


@dataclass(frozen=True, eq=False, slots=True)
class Parent:
    """What `super()` gives in a method of `cls`: `owner`, whose attributes are those of the parents."""

    cls: type
    owner: Symbol


@dataclass(frozen=True, eq=False, slots=True)
class Walk:
    """Something that is only walked over: `kind` is zip, enumerate, reversed, keys, values or items.

    Of a generator expression or map, whose entries are known already, it is lazy, and `start` says how
    things stood when it was made.
    """

    kind: str
    parts: tuple[Symbol, ...]
    start: Symbol = 0


@dataclass(frozen=True, eq=False, slots=True)
class Conflict:
    """A name that holds things which cannot be one value; to read it is an error, `error` if given."""

    why: str
    location: Location | None
    error: SrcgradError | None = None


COMPILE_TIME = (Closure, Method, BoundName, Partial, Outside, Parent, Record, Walk, Conflict)
NUMBERS = (bool, int, float, complex)
_KNOWN_BY_THEMSELVES = (
    FunctionType,
    BuiltinFunctionType,
    MethodType,
    ModuleType,
    UnionType,
    type,
    np.ufunc,
)


def is_number(symbol: Symbol) -> bool:
    """Whether a symbol is a numeric constant, of Python or NumPy."""
    return isinstance(symbol, (*NUMBERS, np.generic))


def is_object(symbol: Symbol) -> bool:
    """Whether a symbol is a Python object known by itself: a function, a class, a module."""
    return isinstance(symbol, _KNOWN_BY_THEMSELVES) or (
        callable(symbol) and not isinstance(symbol, (Value, *COMPILE_TIME))
    )


def children(symbol: Symbol) -> list[Symbol] | None:
    """The parts of a structure, in order; None for anything else."""
    if isinstance(symbol, tuple | list):
        return list(symbol)
    if isinstance(symbol, dict):
        return list(symbol.values())
    if isinstance(symbol, slice):
        return [symbol.start, symbol.stop, symbol.step]
    if isinstance(symbol, Record):
        return list(symbol.fields.values())
    return None


def rebuild(symbol: Symbol, parts: list[Symbol]) -> Symbol:
    """The same structure with other parts."""
    if isinstance(symbol, tuple):
        return type(symbol)(*parts) if hasattr(symbol, "_fields") else tuple(parts)
    if isinstance(symbol, list):
        return parts
    if isinstance(symbol, dict):
        return dict(zip(symbol, parts, strict=True))
    if isinstance(symbol, slice):
        return slice(*parts)
    return Record(symbol.cls, dict(zip(symbol.fields, parts, strict=True)), symbol.base)


def rebuild_values(symbol: Symbol, values: list[Symbol]) -> Symbol:
    """The same structure with other values in place of its run-time values, in order."""
    source = iter(values)

    def walk(part: Symbol) -> Symbol:
        if isinstance(part, Value):
            return next(source)
        parts = None if isinstance(part, Outside) else children(part)
        return part if parts is None else rebuild(part, [walk(p) for p in parts])

    return walk(symbol)


def labels(symbol: Symbol) -> list[str]:
    """What to call the parts of a structure, after the name of the whole."""
    if isinstance(symbol, Record):
        return list(symbol.fields)
    if isinstance(symbol, dict):
        return [str(k) for k in symbol]
    if hasattr(symbol, "_fields"):
        return list(symbol._fields)
    return [str(k) for k in range(len(children(symbol) or ()))]


def hint_of(name: str | None) -> str | None:
    """What a value bound to a name may be known by, if that is a name that source can hold."""
    return name if name is not None and name.isidentifier() else None


def same_layout(a: Symbol, b: Symbol) -> bool:
    """Whether two structures have parts that correspond one to one."""
    if type(a) is not type(b):
        return False
    if isinstance(a, Record):
        return a.cls is b.cls and list(a.fields) == list(b.fields) and a.base is b.base
    if isinstance(a, dict):
        return list(a) == list(b)
    if isinstance(a, tuple | list):
        return len(a) == len(b)
    return isinstance(a, slice)


def leaves(symbol: Symbol) -> Iterator[Symbol]:
    """Everything in a symbol that is not a structure."""
    parts = children(symbol)
    if parts is None:
        yield symbol
    else:
        for part in parts:
            yield from leaves(part)


def packable(symbol: Symbol) -> bool:
    """Whether a symbol can be one run-time value: no function or the like is inside."""
    return not any(
        (isinstance(leaf, COMPILE_TIME) and not isinstance(leaf, Outside)) or is_object(leaf)
        for leaf in leaves(symbol)
    ) and not isinstance(symbol, Record)


def is_constant(symbol: Symbol) -> bool:
    """Whether no run-time value is inside, so that Python can compute with it at once."""
    return not any(isinstance(leaf, (Value, *COMPILE_TIME)) for leaf in leaves(symbol))


def same_constant(a: Symbol, b: Symbol) -> bool:
    """Whether two symbols are the same thing for certain."""
    if a is b:
        return True
    if type(a) is not type(b) or isinstance(a, (Value, *COMPILE_TIME)):
        return False
    if isinstance(a, float | complex | np.generic):
        return repr(a) == repr(b)  # tells 0.0 from -0.0, and takes nan for nan
    if isinstance(a, int | str | bytes | MethodType):
        return bool(a == b)
    return False


class Members(tuple[Any, ...]):
    """The entries of a set that is written out: a tuple, which nothing but membership is asked of."""

    __slots__ = ()


def kind_name(symbol: Symbol) -> str:
    """What a symbol is, in a word, for messages."""
    if symbol is UNDEFINED:
        return "nothing"
    if isinstance(symbol, Value):
        facts = symbol.facts
        if facts.kind == "unknown":
            return "an array or number"
        if facts.is_numeric:
            return "an array" if facts.kind == "array" else "a number"
        if facts.kind in ("opaque", "object"):
            return f"an object of type {facts.cls.__name__}" if facts.cls else "an object"
        return f"a {facts.kind}"
    if isinstance(symbol, Closure | Method | Partial | BoundName) or is_object(symbol):
        return "a function"
    if isinstance(symbol, Record):
        return f"a {symbol.cls.__name__}"
    if isinstance(symbol, Outside):
        return f"an object of type {type(symbol.value).__name__}"
    return f"a {type(symbol).__name__}"
