"""Methods: of arrays, by NumPy's functions of the same meaning; of containers and strings, by name."""

from __future__ import annotations

import operator
from typing import Any

from ..ir.graph import Primitive, Value
from ..ir.types import OPAQUE, PY_INT, Facts
from ..ops import methods as tables
from .array_writes import write_out
from .core import Lowerer
from .mutators import write_by_method
from .objects import attribute, call_adapter
from .specials import refuse_own, refuse_text
from .symbols import Outside, Symbol, Walk, is_constant, kind_name, packable

_VIEWS = ("keys", "values", "items")
_METHODS: dict[tuple[str, bool], Primitive] = {}


class MethodCall:
    """The function of an op that calls a method by its name: `MethodCall("upper")(text)`."""

    def __init__(self, name: str) -> None:
        self.name = self.__name__ = name

    def __call__(self, owner: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(owner, self.name)(*args, **kwargs)


def method_primitive(name: str, *, effect: bool) -> Primitive:
    """The primitive that calls a method by name."""
    key = (name, effect)
    if key not in _METHODS:
        _METHODS[key] = Primitive(f".{name}", MethodCall(name), None, effect)
    return _METHODS[key]


def call_method(
    low: Lowerer, owner: Symbol, name: str, args: list[Symbol], kwargs: dict[str, Symbol]
) -> Symbol:
    """`owner.name(*args, **kwargs)` for a method that no Python source defines."""
    handle, owner = owner, low.memory.current(owner)
    kind = _kind(owner)
    done = write_by_method(low, handle, kind, name, args, kwargs)
    if done is not None:
        return done[0]
    if kind == "number" or kind in ("unknown", "array", "float", "int", "bool", "complex"):
        known = _array_method(low, owner, name, args, kwargs)
        if known is not None:
            return known[0]
    if kind in ("dict", "unknown") and name in _VIEWS and not args:
        return Walk(name, (owner,))
    if kind == "dict" and name == "get":
        return _get(low, owner, *args)
    if name in ("_replace", "_asdict"):
        return _named_tuple_method(low, owner, name, kwargs)
    if kind == "str":
        refuse_text(low, args)
    if kind in ("list", "tuple"):
        refuse_own(low, f"'.{name}()'", [owner, *args])
    everything = [owner, *args, *kwargs.values()]
    if is_constant(everything) and not isinstance(owner, Outside):
        return getattr(owner, name)(*args, **kwargs)
    if not packable(owner):
        low.refuse(f"'.{name}()' of {kind_name(owner)} that holds functions")
    pure = kind in ("str", "list", "tuple", "dict", "range", "number", "float", "int", "complex")
    facts = _RESULTS.get(name) if pure else None
    primitive = method_primitive(name, effect=not pure)
    return low.emit(primitive, [owner, *args], kwargs, facts=facts or OPAQUE)


_RESULTS = {
    **dict.fromkeys(("count", "index", "find", "rfind", "bit_length"), PY_INT),
    **dict.fromkeys(("startswith", "endswith", "isdigit", "is_integer"), Facts("bool", None, ())),
    **dict.fromkeys(
        ("upper", "lower", "strip", "format", "join", "replace", "title", "removeprefix",
         "removesuffix", "lstrip", "rstrip", "ljust", "rjust", "capitalize"), Facts("str")),
    "split": Facts("list", element=Facts("str")),
}  # fmt: skip


def _kind(owner: Symbol) -> str:
    if isinstance(owner, Value):
        return owner.facts.kind
    if isinstance(owner, str | tuple | list | dict):
        return next(t.__name__ for t in (str, tuple, list, dict) if isinstance(owner, t))
    if isinstance(owner, int | float | complex):
        return "number"
    return "opaque"


def _array_method(
    low: Lowerer, owner: Symbol, name: str, args: list[Symbol], kwargs: dict[str, Symbol]
) -> tuple[Symbol] | None:
    """A method that arrays have; None if there is none of the name."""
    function = tables.method(name)
    if function is None:
        return None
    out = kwargs.pop("out", None)
    if out is not None:
        result = call_adapter(low, function, [owner, *args], kwargs)
        return (write_out(low, result, out),)
    result = call_adapter(low, function, [owner, *args], kwargs)
    if name == "astype" and kwargs.get("copy", True) is not True:
        low.memory.share(result, low.memory.roots(owner))  # it may be the array itself
    return (result,)


def _named_tuple_method(
    low: Lowerer, owner: Symbol, name: str, kwargs: dict[str, Symbol]
) -> Symbol:
    """`t._replace(x=1)` and `t._asdict()`, of a named tuple."""
    cls: Any = owner.facts.cls if isinstance(owner, Value) else type(owner)
    fields: dict[str, Symbol] = {f: attribute(low, owner, f) for f in cls._fields}
    if name == "_asdict":
        return fields
    unknown = [k for k in kwargs if k not in fields]
    if unknown:
        low.refuse(f"{cls.__name__} has no field '{unknown[0]}'")
    return cls(**{**fields, **kwargs})


def _get(low: Lowerer, owner: Symbol, key: Symbol, default: Symbol = None) -> Symbol:
    """`owner.get(key, default)`."""
    keys = list(owner) if isinstance(owner, dict) else owner.facts.keys
    if keys is not None and is_constant(key):
        if key not in keys:
            return default
        return owner[key] if isinstance(owner, dict) else low.apply(operator.getitem, owner, key)
    facts = Facts("unknown") if not isinstance(owner, dict) else None
    return low.emit(method_primitive("get", effect=False), [owner, key, default], facts=facts)
