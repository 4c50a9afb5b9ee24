"""Builtins that ask what something is: answered while reading, where facts decide."""

from __future__ import annotations

import functools

import numpy as np

from ..ir.graph import UNDEFINED, Value
from ..ir.types import PY_BOOL, Facts
from .builtin_calls import Arguments, Keywords, builtin, emit
from .core import Lowerer
from .objects import attribute
from .symbols import (
    BoundName,
    Closure,
    Method,
    Outside,
    Partial,
    Record,
    Symbol,
    Walk,
    is_object,
)

_KINDS: dict[str, type] = {
    "float": float, "int": int, "bool": bool, "complex": complex, "list": list, "tuple": tuple,
    "dict": dict, "str": str, "array": np.ndarray, "range": range, "none": type(None),
}  # fmt: skip


def class_of(symbol: Symbol) -> type | None:
    """The class of what a symbol stands for, where it is known."""
    if isinstance(symbol, Value):
        facts = symbol.facts
        if facts.cls is not None:
            return facts.cls
        if facts.kind in ("float", "int", "bool", "complex"):
            return np.dtype(facts.dtype).type if facts.dtype is not None else None
        return _KINDS.get(facts.kind)
    if isinstance(symbol, Outside):
        return type(symbol.value)
    if isinstance(symbol, Record):
        return symbol.cls
    if isinstance(symbol, Closure):
        return type(class_of)
    if isinstance(symbol, Partial):
        return functools.partial
    if isinstance(symbol, Method | BoundName | Walk) or symbol is UNDEFINED:
        return None
    return type(symbol)


def _possible_classes(symbol: Symbol) -> tuple[type, ...] | None:
    """Every class that a symbol may be of; None where that is open."""
    cls = class_of(symbol)
    if cls is not None:
        return (cls,)
    if not isinstance(symbol, Value):
        return None
    kind, dtype = symbol.facts.kind, symbol.facts.dtype
    if kind in ("float", "int", "bool", "complex") and dtype is None:
        # A Python number for certain; NumPy's that behave alike are told apart where it matters.
        return (_KINDS[kind],)
    return None


@builtin(isinstance)
def _is_instance(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    symbol, classes = args
    wanted = classes if isinstance(classes, tuple) else (classes,)
    possible = _possible_classes(symbol)
    if possible is not None and all(is_object(c) or hasattr(c, "__args__") for c in wanted):
        answers = {any(issubclass(p, c) for c in wanted) for p in possible}
        if len(answers) == 1:
            return answers.pop()
    return emit(low, isinstance, args, kwargs, facts=PY_BOOL)


@builtin(type)
def _type_of(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    if len(args) == 1:
        possible = _possible_classes(args[0])
        if possible is not None and len(possible) == 1:
            return possible[0]
    return emit(low, type, args, kwargs, facts=Facts("opaque"))


@builtin(callable)
def _is_callable(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    (symbol,) = args
    if isinstance(symbol, Value) and symbol.facts.kind in ("opaque", "undefined"):
        return emit(low, callable, args, kwargs, facts=PY_BOOL)
    if isinstance(symbol, Value):
        return symbol.facts.kind == "function" or "__call__" in dir(symbol.facts.cls)
    if isinstance(symbol, Outside):
        return callable(symbol.value)
    return isinstance(symbol, Closure | Method | BoundName | Partial) or callable(symbol)


@builtin(hasattr)
def has_attribute(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    """`hasattr(x, name)`."""
    symbol, name = args
    if isinstance(symbol, Value):
        cls = class_of(symbol)
        if cls is None or symbol.facts.kind == "opaque":
            return emit(low, hasattr, args, kwargs, facts=PY_BOOL)
        return name in (symbol.facts.keys or ()) or hasattr(cls, name)
    if isinstance(symbol, Record):
        return name in symbol.fields or hasattr(symbol.cls, name)
    return hasattr(symbol.value if isinstance(symbol, Outside) else symbol, name)


@builtin(getattr)
def _get_attribute(low: Lowerer, args: Arguments, kwargs: Keywords) -> Symbol:
    owner, name, *default = args
    if not isinstance(name, str):
        low.refuse(
            "getattr with a name that is only known when the function runs",
            cure="write the attribute out, or use a dict",
        )
    if default:
        has = has_attribute(low, [owner, name], {})
        if has is not True:
            if has is False:
                return default[0]
            return emit(low, getattr, args, kwargs, facts=Facts("opaque"))
    return attribute(low, owner, name)
