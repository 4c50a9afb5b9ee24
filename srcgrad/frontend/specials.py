"""Special methods: what operators, tests and builtins make of an object whose class defines them."""

from __future__ import annotations

import dataclasses
import enum
import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..custom import is_custom
from ..ir.graph import Value, values_in
from ..ir.types import Facts
from .core import BUILTINS, Lowerer
from .symbols import Outside, Record, Symbol, children, kind_name

MISSING: Any = object()  # the class leaves it to Python
_BY_NAME: dict[Any, str] = {
    abs: "__abs__", round: "__round__", math.floor: "__floor__", math.ceil: "__ceil__",
    math.trunc: "__trunc__", operator.abs: "__abs__", operator.neg: "__neg__",
    operator.pos: "__pos__",
}  # fmt: skip
_LOOKING = (
    print,
    repr,
    str,
    format,
    ascii,
    id,
    type,
    isinstance,
    callable,
    hasattr,
    getattr,
    len,
    bool,
)
_LOOKED_AT = 64  # entries of a container whose class is asked for
_CHOOSING = (sum, min, max, sorted)
_SPELLING = (print, repr, str, format, ascii)
_TELLING = ("builtins", "math", "cmath", "numpy", "operator", "_operator", "itertools")
_OF_CONTAINERS = ("__getitem__", "__len__", "__iter__", "__contains__", "__eq__", "__hash__")
_OF_NUMBERS = tuple(
    f"__{prefix}{name}__"
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
    for prefix in ("", "r", "i")
) + ("__neg__", "__pos__", "__abs__", "__float__", "__bool__", "__lt__", "__le__", "__gt__", "__ge__",
     "__eq__", "__ne__", "__round__", "__array_ufunc__", "__array_function__")  # fmt: skip


def class_of(symbol: Symbol) -> type | None:
    """The user's class of an object, where it is known."""
    if isinstance(symbol, Record):
        return symbol.cls
    if isinstance(symbol, Outside):
        return type(symbol.value)
    if isinstance(symbol, Value):
        return symbol.facts.cls if symbol.facts.kind in _KINDS else None
    return type(symbol) if hasattr(symbol, "_fields") else None


_KINDS = ("object", "opaque", "tuple")


def defined(cls: type | None, name: str) -> Any:
    """The function that a class defines, in Python, under a name; None where it does not."""
    found = on_class(cls, name)
    return found if hasattr(found, "__code__") else None


def on_class(cls: type | None, name: str) -> Any:
    """What stands in a class or its parents under a name, as it stands; None where nothing does."""
    if cls is None:
        return None
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


def call_special(low: Lowerer, symbol: Symbol, name: str, *args: Symbol) -> Symbol:
    """What a special method returns; `MISSING` where the class of the object has none in Python."""
    method = defined(class_of(symbol), name)
    return MISSING if method is None else low.call(method, [symbol, *args], {})


def is_own(symbol: Symbol) -> bool:
    """Whether a symbol is an instance, made here or an argument, of a class of the user."""
    return isinstance(symbol, Record) or (
        isinstance(symbol, Value) and symbol.facts.kind == "object"
    )


def tested(low: Lowerer, symbol: Symbol) -> Symbol:
    """What decides whether an object is true: what `__bool__` says, or `__len__` in its place."""
    if on_class(class_of(symbol), "__bool__") is not None:
        shown = call_special(low, symbol, "__bool__")
        return symbol if shown is MISSING else shown
    length = call_special(low, symbol, "__len__")
    if length is MISSING:
        return symbol
    return length != 0 if type(length) is int else low.apply(operator.ne, length, 0)


# --- operators ---------------------------------------------------------------------------------------


def operated(low: Lowerer, left: Symbol, right: Symbol, name: str, reflected: str) -> Symbol:
    """`left op right` by the methods of these names, in Python's order; `MISSING` where none answers."""
    first, second = class_of(left), class_of(right)
    sides = [(left, right, name)]
    if first is not second or second is None or name != _plain(reflected):
        sides.append((right, left, reflected))
    if first is not None and second is not None and first is not second:
        if issubclass(second, first) and defined(second, reflected) is not defined(
            first, reflected
        ):
            sides.reverse()
    for owner, other, method in sides:
        if owner is right and _takes_apart(low, left, second, method):
            low.refuse(
                f"an array meets a {kind_name(right).removeprefix('a ')} here, whose {method} NumPy "
                "calls for each entry",
                cure="put the object on the left, or give its class __array_ufunc__ = None",
            )
        result = call_special(low, owner, method, other)
        if result is not MISSING and result is not NotImplemented:
            return result
    return MISSING


def _plain(reflected: str) -> str:
    """The method that a reflected one of arithmetic stands in for."""
    return "__" + reflected.removeprefix("__r") if reflected.startswith("__r") else ""


def _takes_apart(low: Lowerer, left: Symbol, cls: type | None, method: str) -> bool:
    """Whether NumPy's own operator comes first: it does but for classes that say otherwise."""
    if not (isinstance(left, Value) and left.facts.kind == "array") or defined(cls, method) is None:
        return False
    says = hasattr(cls, "__array_ufunc__") or getattr(cls, "__array_priority__", 0) > 0
    return not says and left.facts.shape != ()


def compared_own(low: Lowerer, function: Callable[..., Any], left: Symbol, right: Symbol) -> Symbol:
    """A comparison by the methods of an operand's class; `MISSING` where Python's own is meant."""
    names = _COMPARISONS.get(function)
    if names is None or not any(is_own(s) or class_of(s) is not None for s in (left, right)):
        return MISSING
    for symbol, name in ((left, names[0]), (right, names[1])):
        method = defined(class_of(symbol), name)
        if method is not None and method.__code__.co_filename == "<string>":
            return MISSING  # of a dataclass, which compares the fields
    result = operated(low, left, right, *names)
    if result is MISSING and function is operator.ne:
        equal = operated(low, left, right, "__eq__", "__eq__")
        if equal is not MISSING:
            result = (not equal) if isinstance(equal, bool) else low.apply(operator.not_, equal)
    if result is MISSING and (isinstance(left, Record) or isinstance(right, Record)):
        if function in (operator.eq, operator.ne):
            low.refuse(
                "objects are compared here whose class has no __eq__, so that only one and the same "
                "are equal",
                cure="compare them by 'is', or compare what they hold",
            )
    return result


_COMPARISONS: dict[Any, tuple[str, str]] = {
    operator.eq: ("__eq__", "__eq__"), operator.ne: ("__ne__", "__ne__"),
    operator.lt: ("__lt__", "__gt__"), operator.gt: ("__gt__", "__lt__"),
    operator.le: ("__le__", "__ge__"), operator.ge: ("__ge__", "__le__"),
}  # fmt: skip


# --- builtins, and NumPy -----------------------------------------------------------------------------


def handed(low: Lowerer, function: Any, args: Sequence[Symbol]) -> tuple[Symbol] | None:
    """What a function that is not read makes of objects of the user; None where there are none.

    Raises
    ------
    UnsupportedSyntax
        It would look into the object by more than its fields.
    """
    if args and isinstance(function, type) and issubclass(function, np.inexact):
        kind = complex if issubclass(function, np.complexfloating) else float
        number = as_number(low, kind, args[0])
        return None if number is args[0] else (low.call(function, [number, *args[1:]], {}),)
    if not any(map(_holds_own, args)):
        return None
    if is_own(args[0]):
        name = _BY_NAME.get(function) if _is_hashable(function) else None
        result = call_special(low, args[0], name, *args[1:]) if name else MISSING
        if result is not MISSING:
            return (result,)
    module = (getattr(function, "__module__", None) or "").partition(".")[0]
    if module == "math":
        given = [call_special(low, a, "__float__") if is_own(a) else a for a in args]
        if not any(g is MISSING for g in given):
            return (low.call(function, given, {}),)
    if any(function is f for f in _SPELLING):
        refuse_text(low, args)
    if any(function is f for f in _CHOOSING) and not any(map(_holds_record, args)):
        return None
    telling = module in _TELLING or isinstance(function, np.ufunc)
    if telling and not any(function is f for f in _LOOKING) and not isinstance(function, type):
        name = getattr(function, "__name__", str(function))
        low.refuse(
            f"{name}() is handed an object of a class of yours, which is not read",
            cure="hand it what the object holds, such as its numbers",
        )
    return None


def refuse_own(low: Lowerer, what: str, args: Sequence[Symbol]) -> None:
    """Refuse to compare or spell objects of the user in code that is not read."""
    if any(map(_holds_unequal, args)):
        low.refuse(
            f"{what} looks at an object of a class of yours, which is not read",
            cure="look at what the object holds, such as its numbers",
        )


def refuse_text(low: Lowerer, args: Sequence[Symbol]) -> None:
    """Refuse to spell an object that is made here, unless its class is a dataclass, which says how."""
    for symbol in args:
        if isinstance(symbol, Record) and not dataclasses.is_dataclass(symbol.cls):
            low.refuse(
                f"{kind_name(symbol)} is made a text here, which is not read",
                cure="write out what it holds",
            )
        if isinstance(symbol, list | tuple | dict):
            refuse_text(low, children(symbol) or ())


def _is_hashable(function: Any) -> bool:
    return getattr(type(function), "__hash__", None) is not None


def _holds_unequal(symbol: Symbol) -> bool:
    """Whether an object made here is inside that, rebuilt from its fields, is not what it was."""
    if isinstance(symbol, Record):
        return not dataclasses.is_dataclass(symbol.cls) or defined(symbol.cls, "__eq__") is None
    if isinstance(symbol, list | tuple | dict):
        return any(map(_holds_unequal, children(symbol) or ()))
    return False


def _holds_record(symbol: Symbol) -> bool:
    if isinstance(symbol, list | tuple | dict):
        return any(map(_holds_record, children(symbol) or ()))
    return isinstance(symbol, Record)


def _holds_own(symbol: Symbol) -> bool:
    if isinstance(symbol, Value) and symbol.facts.kind in ("list", "tuple"):
        entries = symbol.facts.items or (symbol.facts.element,)
        return any(e is not None and e.kind == "object" for e in entries)
    if isinstance(symbol, list | tuple | dict):
        return any(map(_holds_own, children(symbol) or ()))
    return is_own(symbol)


def iterated(low: Lowerer, symbol: Symbol) -> Symbol:
    """What an object's `__iter__` gives, as something that can be walked over; else the symbol."""
    if not is_own(symbol) and not isinstance(symbol, Outside):
        return symbol
    result = call_special(low, symbol, "__iter__")
    return symbol if result is MISSING else result


def as_number(low: Lowerer, kind: type, symbol: Symbol) -> Symbol:
    """What an object's `__float__` and its like give; else the symbol.

    Raises
    ------
    UnsupportedSyntax
        The symbol is a text that was made of numbers, of which no derivative is known.
    """
    if isinstance(symbol, Value) and _is_spelled(low, symbol):
        low.refuse(
            f"{kind.__name__}() reads back a text made of numbers, through which no derivative flows",
            cure="compute with the number itself; round it by np.round",
        )
    if not is_own(symbol):
        return symbol
    result = call_special(low, symbol, f"__{kind.__name__}__")
    if result is MISSING:
        low.refuse(f"{kind_name(symbol)} has no __{kind.__name__}__ that is read")
    return result


def _is_spelled(low: Lowerer, value: Value) -> bool:
    """Whether a text, or what was taken from one, has been made of a number that is no integer."""
    pending, seen, text = [value], {value}, False
    numbers = False
    while pending:
        found = pending.pop()
        if found.facts.is_numeric:
            if found is value and found.facts.kind != "unknown":
                return False
            numbers |= found is not value and not found.facts.is_integral
            if found is not value:
                continue
        op = low.memory.definitions.get(found)
        if op is None:
            continue
        function = op.primitive.function
        text |= found.facts.kind == "str" or any(function is f for f in (str, repr, format, ascii))
        new = {v for a in (*op.args, *op.kwargs.values()) for v in values_in(a)} - seen
        seen |= new
        pending += new
    return text and numbers


# --- classes -----------------------------------------------------------------------------------------


def check_class(low: Lowerer, cls: type) -> None:
    """Refuse to make, or to write to, an instance whose attributes are not what is written to it."""
    for name in ("__getattribute__", "__getattr__"):
        if defined(cls, name) is not None:
            low.refuse(
                f"'{cls.__name__}' defines {name}, which is not read",
                cure="write the attributes out, or properties for them",
            )
    for base in cls.__mro__:
        for name, found in vars(base).items():
            if _is_descriptor(found, "__set__", "__delete__"):
                refuse_descriptor(low, cls, name)


def check_attribute(low: Lowerer, cls: type, name: str) -> None:
    """Refuse an attribute that a descriptor of the user gives."""
    if defined(cls, "__getattribute__") is not None:
        check_class(low, cls)
    if _is_descriptor(on_class(cls, name), "__get__", "__set__", "__delete__"):
        refuse_descriptor(low, cls, name)


def refuse_descriptor(low: Lowerer, cls: type, name: str) -> None:
    """Say that a descriptor is not read."""
    low.refuse(
        f"'{cls.__name__}.{name}' is a descriptor of a class of its own, which is not read",
        cure="use a property",
    )


def _is_descriptor(found: Any, *names: str) -> bool:
    kind = type(found)
    if isinstance(found, functools.cached_property) or is_custom(found):
        return False
    if hasattr(kind, "__srcgrad_transform__"):
        return False
    return any(defined(kind, name) is not None for name in names)


@functools.cache
def unread(cls: type) -> str | None:
    """The special method by which a subclass of a container or number differs from its parent."""
    if cls.__module__ in ("builtins", "collections", "numpy") or issubclass(cls, enum.Enum):
        return None
    names: tuple[str, ...]
    if issubclass(cls, list | tuple | dict):
        names = _OF_CONTAINERS
    elif issubclass(cls, int | float | complex | np.ndarray):
        names = _OF_NUMBERS
    else:
        return None
    return next((name for name in names if defined(cls, name) is not None), None)


def check_container(low: Lowerer, cls: type | None) -> None:
    """Refuse a subclass of a container or number that redefines what its parent is read by."""
    name = unread(cls) if cls is not None else None
    if name is not None and cls is not None:
        low.refuse(
            f"'{cls.__name__}' defines {name} of its own, which is not read",
            cure="use a class that holds the value, or give the method a plain name",
        )


def check_containers(low: Lowerer, facts: Facts) -> None:
    """Refuse such a subclass wherever it stands in a value; of a long container, at its beginning."""
    check_container(low, facts.cls)
    for entry in (facts.items or ())[:_LOOKED_AT]:
        if entry.kind in ("list", "tuple", "dict", "object"):
            check_containers(low, entry)


def listed(low: Lowerer, symbol: Symbol) -> Symbol:
    """What an object's `__iter__` gives as a list, where it has one; else the symbol."""
    found = iterated(low, symbol)
    return symbol if found is symbol else BUILTINS[list](low, [found], {})
