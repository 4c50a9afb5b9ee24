"""Calls: what is called decides whether it is read here, computed at once, or becomes an op."""

from __future__ import annotations

import functools
import operator
import types
from collections.abc import Mapping, Sequence
from typing import Any

import gast
import numpy as np

from ..custom import is_custom
from ..errors import SrcgradError
from ..ir.graph import Value
from ..ir.types import Facts
from ..ops import registry
from ..runtime.checkpoints import inside_checkpoint
from .arguments import bind_arguments, default_symbol
from .checkpoints import call_checkpoint
from .core import BUILTINS, TRANSFORMS, Lowerer, primitive_of
from .expressions import expression
from .inline import code_of, inline
from .joins import outer
from .mappings import spread
from .methods import call_method
from .mutators import write_by_call
from .objects import from_object, of_class
from .parameters import is_open
from .rules import call_custom
from .specials import handed
from .structures import construct
from .symbols import (
    BoundName,
    Closure,
    Conflict,
    Method,
    Outside,
    Partial,
    Record,
    Symbol,
    is_object,
    kind_name,
)
from .unwrap import unwrap
from .walks import entries

Arguments = Sequence[Symbol]
Keywords = Mapping[str, Symbol]


@expression(gast.Call)
def _call_node(low: Lowerer, node: Any) -> Symbol:
    function = low.evaluate(node.func)
    args: list[Symbol] = []
    for arg in node.args:
        if not isinstance(arg, gast.Starred):
            args.append(low.evaluate(arg))
            continue
        found = entries(low, low.evaluate(arg.value))
        if found is None:
            low.refuse(
                "how many arguments * spreads here is only known when the function runs",
                arg,
                cure="call the gradient with arguments, or pass them one by one",
            )
        args.extend(found)
    kwargs: dict[str, Symbol] = {}
    for keyword in node.keywords:
        symbol = low.evaluate(keyword.value)
        more = {keyword.arg: symbol} if keyword.arg is not None else spread(low, symbol)
        for name, value in more.items():
            if name in kwargs:
                low.refuse(f"got multiple values for keyword argument '{name}'", keyword.value)
            kwargs[name] = value
    return call(low, function, args, kwargs)


def call(low: Lowerer, function: Symbol, args: Arguments, kwargs: Keywords) -> Symbol:
    """The symbol of a call's result."""
    if isinstance(function, Closure):
        bound = bind_arguments(low, function.code, function.defaults, args, kwargs)
        return inline(low, function.code, function.frame, None, bound)
    if isinstance(function, BoundName):
        return call_method(low, function.owner, function.name, list(args), dict(kwargs))
    if isinstance(function, Method):
        return call(low, function.function, [function.owner, *args], kwargs)
    if isinstance(function, Partial):
        return call(
            low, function.function, [*function.args, *args], {**function.keywords, **kwargs}
        )
    if isinstance(function, Outside | Record):
        return _call_object(low, function, args, kwargs)
    if isinstance(function, Conflict):
        low.arg(function)
    if isinstance(function, Value):
        return _call_value(low, function, args, kwargs)
    if not is_object(function):
        low.refuse(f"{kind_name(function)} cannot be called")
    return _call_known(low, function, args, kwargs)


def _call_object(
    low: Lowerer, owner: Outside | Record, args: Arguments, kwargs: Keywords
) -> Symbol:
    """A call of an instance."""
    cls = owner.cls if isinstance(owner, Record) else type(owner.value)
    if isinstance(owner, Outside) and hasattr(cls, "__srcgrad_transform__"):
        return _transform(low, owner.value, args, kwargs)
    method = of_class(low, cls, "__call__", owner)
    if isinstance(method, Method):
        return call(low, method, args, kwargs)
    if not callable(owner.value if isinstance(owner, Outside) else cls):
        low.refuse(f"'{cls.__name__}' object is not callable")
    return call_method(low, owner, "__call__", list(args), dict(kwargs))


def _transform(low: Lowerer, value: Any, args: Arguments, kwargs: Keywords) -> Symbol:
    for handler in TRANSFORMS:
        return handler(value, low, args, kwargs)
    low.refuse(
        "a gradient inside a function that is differentiated is not supported yet",
        cure="take the inner gradient in the caller and pass it in; it is a constant then",
    )


def _call_value(low: Lowerer, function: Value, args: Arguments, kwargs: Keywords) -> Symbol:
    cls = function.facts.cls
    if cls is not None and function.facts.kind in ("object", "opaque", "tuple"):
        method = of_class(low, cls, "__call__", function)
        if isinstance(method, Method):
            return call(low, method, args, kwargs)
    if function.facts.is_numeric and function.facts.kind != "unknown":
        low.refuse(f"{kind_name(function)} cannot be called")
    return low.emit(CALL_VALUE, (function, *args), kwargs, facts=Facts("opaque"))


CALL_VALUE = registry.declare(operator.call, effect=True)


def _call_known(low: Lowerer, function: Any, args: Arguments, kwargs: Keywords) -> Symbol:
    """A call of a Python object that is known while reading."""
    handler = _handler(function)
    if handler is not None:
        return handler(low, args, dict(kwargs))
    if hasattr(type(function), "__srcgrad_transform__"):
        return _transform(low, function, args, kwargs)
    if is_custom(function):
        return call_custom(low, function, args, kwargs)
    again = inside_checkpoint(function)
    if again is not None:
        return call_checkpoint(low, again, args, kwargs)
    if isinstance(function, type):
        made = construct(low, function, args, kwargs)
        if made is not None:
            return made
    if registry.find(function) is not None:
        return call_primitive(low, function, args, kwargs)
    if isinstance(function, functools.partial):
        given = [_fixed(low, "partial.args", a) for a in function.args]
        named = {k: _fixed(low, f"partial.{k}", a) for k, a in function.keywords.items()}
        return call(low, function.func, [*given, *args], {**named, **kwargs})
    if isinstance(function, types.MethodType):
        owner = _fixed(low, "self", function.__self__)
        return call(low, function.__func__, [owner, *args], kwargs)
    try:
        found = unwrap(function)
    except SrcgradError as error:
        raise error.at(low.location()) from None
    inner = found.function
    if inner is not function:
        given = [_fixed(low, "self", a) for a in found.bound]
        named = {k: _fixed(low, f"partial.{k}", a) for k, a in found.keywords.items()}
        return call(low, inner, [*given, *args], {**named, **kwargs})
    if is_open(inner):
        code = code_of(low, inner)
        defaults = {
            p.name: default_symbol(low, inner, p.name)
            for p in code.parameters
            if p.default is not None
        }
        bound = bind_arguments(low, code, defaults, args, kwargs)
        return inline(low, code, None, inner, bound)
    return call_primitive(low, function, args, kwargs)


def _handler(function: Any) -> Any:
    try:
        return BUILTINS.get(function)
    except TypeError:  # not hashable
        return None


def _fixed(low: Lowerer, name: str, value: Any) -> Symbol:
    """The symbol of what a method or a partial has fixed."""
    if isinstance(value, bool | int | float | complex):
        return value
    return from_object(low, value, low.path(name, value), lambda: value)


def call_primitive(low: Lowerer, function: Any, args: Arguments, kwargs: Keywords) -> Symbol:
    """Emit a call of a function that is not read."""
    special = handed(low, function, args)
    if special is not None:
        return special[0]
    done = write_by_call(low, function, list(args), dict(kwargs))
    if done is not None:
        return done[0]
    pairs = outer(low, function, list(args), dict(kwargs))
    if pairs is not None:
        return pairs[0]
    if isinstance(function, np.vectorize):
        low.refuse(
            "np.vectorize is not supported: the function that it calls is not read",
            cure="write that function in NumPy, or call it in a comprehension over the entries",
        )
    if any(
        isinstance(a, Closure | Method | Partial | BoundName) for a in (*args, *kwargs.values())
    ):
        low.refuse(
            "a function defined here is handed to code that cannot be read: "
            f"{registry.name_of(function)}",
            cure="write out, as a loop or comprehension, what that code does with it",
        )
    primitive = primitive_of(function)
    try:
        given, named = registry.normalize_call(primitive, args, kwargs)
    except SrcgradError as error:
        raise error.at(low.location()) from None
    data = list(given)
    for k in registry.lists_to_convert(primitive, data):
        data[k] = call_primitive(low, np.array, [data[k]], {})
    return low.emit(primitive, data, named)
