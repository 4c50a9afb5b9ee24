"""Methods: of arrays, by NumPy's functions of the same meaning; of containers and strings, by name."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from types import MethodDescriptorType, WrapperDescriptorType
from typing import Any

import numpy as np

from ..ir.graph import Primitive, Value
from ..ir.types import OPAQUE, PY_INT, Facts
from ..ops import methods as tables
from .core import Lowerer
from .objects import attribute, call_adapter
from .symbols import Outside, Symbol, Walk, is_constant, kind_name, packable

# iadd, isub, ... of the operator module
_NAMES = set(operator.__all__)
_IN_PLACE = [n for n in operator.__all__ if n[0] == "i" and {n[1:], f"{n[1:]}_"} & _NAMES]
_WRITERS = {
    "append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "update",
    "setdefault", "popitem", "fill", "put", "itemset", "setfield", "resize", "partition", "add",
    "discard", "setflags", "byteswap", "appendleft", "extendleft", "popleft", "rotate", "shuffle",
    "__setitem__", "__delitem__", *(f"__{n}__" for n in _IN_PLACE),
}  # fmt: skip
_WRITING = {
    np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis,
    operator.setitem, operator.delitem, *(getattr(operator, n) for n in _IN_PLACE),
}  # fmt: skip
_WRITING_ELSEWHERE = {
    "_heapq": {"heappush", "heappop", "heapify", "heapreplace", "heappushpop"},
    "_bisect": {"insort_left", "insort_right"},
}
_VIEWS = ("keys", "values", "items")
_METHODS: dict[tuple[str, bool], Primitive] = {}


def writes(
    function: Callable[..., Any], args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
) -> bool:
    """Whether a call of a function that is not read is known to write into an argument.

    >>> [writes(f, [], {}) for f in (np.copyto, np.add.at, list.append, np.add)]
    [True, True, True, False]
    """
    name = getattr(function, "__name__", "")
    owner = getattr(function, "__self__", None)
    if function is np.nan_to_num:
        return not {**dict(zip(("x", "copy"), args, strict=False)), **kwargs}.get("copy", True)
    if isinstance(owner, np.ufunc):
        return name == "at" or (name != "outer" and len(args) > 3 and args[3] is not None)
    if isinstance(function, MethodDescriptorType | WrapperDescriptorType):
        return name in _WRITERS and function.__objclass__ is not str
    module = str(getattr(function, "__module__", None))
    if name in _WRITING_ELSEWHERE.get(module, ()):
        return True
    if name == "shuffle" and module.startswith("numpy.random"):
        return True
    return getattr(type(function), "__hash__", None) is not None and function in _WRITING


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
    kind = _kind(owner)
    if kind == "number" or kind in ("unknown", "array", "float", "int", "bool", "complex"):
        known = _array_method(low, owner, name, args, kwargs)
        if known is not None:
            return known[0]
    if kind in ("dict", "unknown") and name in _VIEWS and not args:
        return Walk(name, (owner,))
    if kind == "dict" and name == "get":
        return _get(low, owner, *args)
    if name in _WRITERS and kind not in ("object", "str"):
        what = {"unknown": "array", "opaque": "object"}.get(kind, kind)
        low.refuse(
            f"'.{name}()' writes into the {what}, which is not supported yet",
            cure=_CURES.get(name, "build a new one"),
        )
    if kind in ("list", "tuple", "dict") and name == "copy":
        return owner
    if name in ("_replace", "_asdict"):
        return _named_tuple_method(low, owner, name, kwargs)
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
_CURES = {
    "append": "write 'xs = xs + [x]', or a list comprehension",
    "extend": "write 'xs = xs + ys'",
    "sort": "use np.sort or sorted",
    "reverse": "use xs[::-1]",
    "fill": "use np.full_like",
    "update": "write '{**d, key: value}'",
}


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
    if kwargs.get("out") is not None:
        low.refuse(
            "'out=' writes into an array, which is not supported yet",
            cure="bind the result to a name",
        )
    return (call_adapter(low, function, [owner, *args], kwargs),)


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
