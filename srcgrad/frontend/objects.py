"""Names from outside the function, and attributes: of modules, classes, objects, values.

What a program is built from (functions, classes, modules, strings, truth values) is taken as it is,
with a guard that tells when it has been replaced. What it computes with (numbers, arrays, containers
of them) is read live, as a capture.
"""

from __future__ import annotations

import builtins
import functools
import operator
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..custom import is_custom
from ..ir.graph import Value
from ..ir.types import Facts, facts_of
from ..ops import methods, registry, trace
from .core import Lowerer, primitive_of
from .places import Frame
from .specials import check_attribute, check_class, check_container, defined, on_class
from .symbols import (
    BoundName,
    Closure,
    Method,
    Outside,
    Parent,
    Partial,
    Record,
    Symbol,
    is_number,
    is_object,
    kind_name,
)
from .unwrap import CLOSED_PACKAGES

_STATIC = (bool, str, bytes, type(None), type(Ellipsis))
_MISSING: Any = object()
_MOST = 64  # objects of a list that are looked at one by one
# Methods that write into whatever object has them.
WRITING_METHODS = frozenset(
    {
        "add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "fill", "insert",
        "intersection_update", "pop", "popitem", "popleft", "put", "remove", "reverse", "rotate",
        "setdefault", "sort", "symmetric_difference_update", "update", "difference_update",
    }
)  # fmt: skip
_OF_NAMED_TUPLES = ("_replace", "_asdict")
_OF_DEQUES = ("appendleft", "extendleft", "popleft", "rotate")  # which are read as lists


def look_up(low: Lowerer, frame: Frame, name: str) -> Symbol:
    """The symbol of a name that no frame owns: of a closure cell, a global or a builtin."""
    function = frame.function
    if function is not None:
        free = function.__code__.co_freevars
        if name in free:
            cell = (function.__closure__ or ())[free.index(name)]
            try:
                value = cell.cell_contents
            except ValueError:
                low.refuse(f"'{name}' of the enclosing function has no value yet")
            return from_object(low, value, low.path(name, cell), lambda: cell.cell_contents)
        names = function.__globals__
        if name in names:
            module = names.get("__name__", "")
            home = module == low.program.module
            path = name if home else f"{module.rpartition('.')[2]}.{name}"
            return from_object(low, names[name], low.path(path, names, name), lambda: names[name])
    if hasattr(builtins, name):
        return getattr(builtins, name)
    low.refuse(f"name '{name}' is not defined")


def from_object(low: Lowerer, value: Any, path: str, read: Callable[[], Any]) -> Symbol:
    """The symbol of an object found outside, under the name `path`."""
    check_container(low, type(value))
    if low.program.owns(path) and _is_plain_object(value):
        check_class(low, type(value))
    if isinstance(value, _STATIC) or (is_object(value) and not _is_instance(value)):
        guard(low, path, read, value)
        return value
    if is_number(value) or isinstance(value, np.ndarray):
        kind, facts_then = type(value), low.program.outside(value)

        def same() -> Any:
            now = read()
            return kind if type(now) is kind and low.program.outside(now) == facts_then else None

        guard(low, path, same, kind)
        return low.capture(Outside(value, path, read))
    if type(value) in (list, tuple) and 0 < len(value) <= _MOST:
        if all(map(_is_plain_object, value)):
            return _objects(low, value, path, read)
    if isinstance(value, list | tuple | dict):
        facts = low.program.outside(value)
        guard(low, path, lambda: facts if low.program.outside(read()) == facts else None, facts)
        return low.capture(Outside(value, path, read))
    guard(low, path, read, value)
    return Outside(value, path, read)


def _objects(low: Lowerer, value: Any, path: str, read: Callable[[], Any]) -> Symbol:
    """A list of objects with a state of their own, such as the layers of a network, one by one."""
    there = tuple(map(id, value))
    guard(low, path, lambda: there if tuple(map(id, read())) == there else None, there)
    made = type(value)(
        from_object(
            low, entry, low.path(f"{path}.{k}", path, k), functools.partial(_entry, read, k)
        )
        for k, entry in enumerate(value)
    )
    if isinstance(made, list):
        why = f"'{path}' is written to, which is outside: a gradient leaves it alone"
        low.memory.root(made).locked = (why, "make a new list of it in this function")
    return made


def _entry(read: Callable[[], Any], k: int) -> Any:
    return read()[k]


def _is_plain_object(value: Any) -> bool:
    """Whether something is an instance of a class written in Python, and no dataclass."""
    kind = type(value)
    return hasattr(value, "__dict__") and facts_of(value).kind == "opaque" and type(kind) is type


def guard(low: Lowerer, path: str, read: Callable[[], Any], value: Any) -> None:
    """Remember what was found, so that a later call can tell whether it still holds."""
    low.program.guards.setdefault((path, id(value) if callable(value) else path), (read, value))


def _is_instance(value: Any) -> bool:
    """Whether a callable is an object with a state of its own, not a function or class."""
    kind = type(value)
    if isinstance(value, type | types.FunctionType | types.BuiltinFunctionType | types.MethodType):
        return False
    if is_custom(value) or registry.find(value) is not None:
        return False
    return kind.__module__.partition(".")[0] not in (*CLOSED_PACKAGES, "functools") and (
        not hasattr(kind, "__srcgrad_transform__") and not hasattr(value, "__wrapped__")
    )


def attribute(low: Lowerer, owner: Symbol, name: str) -> Symbol:
    """`owner.name`."""
    handle, owner = owner, low.memory.current(owner)
    if isinstance(owner, Record):
        check_attribute(low, owner.cls, name)
        if isinstance(on_class(owner.cls, name), functools.cached_property):
            return _cached(low, handle, owner, name)
    if isinstance(owner, types.ModuleType):
        return _of_module(low, owner, name)
    if isinstance(owner, Value):
        return _of_value(low, owner, name)
    if isinstance(owner, Outside):
        return _of_outside(low, owner, name)
    if isinstance(owner, Parent):
        return _of_parent(low, owner, name)
    if isinstance(owner, Record) and name in owner.fields:
        return low.memory.current(owner.fields[name])
    if isinstance(owner, Record) and owner.base is not None:
        return _of_outside(low, owner.base, name, owner)
    if isinstance(owner, Record) or hasattr(owner, "_fields"):
        cls = owner.cls if isinstance(owner, Record) else type(owner)
        if isinstance(owner, tuple) and name in owner._fields:  # type: ignore[attr-defined]
            return getattr(owner, name)
        if name in _OF_NAMED_TUPLES and hasattr(cls, name):
            return BoundName(owner, name)
        found = of_class(low, cls, name, owner)
        if found is not _MISSING:
            return found
        if isinstance(owner, Record) and not callable(getattr(cls, name, callable)):
            path = low.path(f"{cls.__name__}.{name}", cls, name)
            return from_object(low, getattr(cls, name), path, lambda: getattr(cls, name))
    if isinstance(owner, Partial) and name in ("func", "args", "keywords"):
        return {"func": owner.function, "args": owner.args, "keywords": owner.keywords}[name]
    if isinstance(owner, Closure) and name == "__name__":
        return owner.code.name
    if is_object(owner):
        return _of_object(low, owner, name)
    if is_number(owner):
        return _of_number(low, owner, name)
    if hasattr(type(owner), name) or (isinstance(owner, list) and name in _OF_DEQUES):
        return BoundName(owner, name)
    low.refuse(f"{kind_name(owner)} has no attribute '{name}'")


def _cached(low: Lowerer, handle: Symbol, owner: Record, name: str) -> Symbol:
    """A cached property of an object made here: computed once, and then kept as an attribute."""
    if name in owner.fields:
        return low.memory.current(owner.fields[name])
    root = low.memory.root(handle)
    if owner.base is not None or root.entries is not None or isinstance(root.first, Value):
        low.refuse(
            f"'{name}' is a cached property of an object from outside, and may be computed already",
            cure="use a property, or compute it by a method",
        )
    found = low.call(on_class(owner.cls, name).func, [owner], {})
    low.memory.made(found, name)
    now = low.memory.current(handle)
    low.memory.write(handle, Record(now.cls, {**now.fields, name: found}, now.base))
    return found


def _of_module(low: Lowerer, module: types.ModuleType, name: str) -> Symbol:
    try:
        value = getattr(module, name)
    except AttributeError as error:
        low.refuse(str(error))
    if module.__name__.partition(".")[0] in (*CLOSED_PACKAGES, "math", "cmath"):
        return value
    short = module.__name__.rpartition(".")[2]
    path = low.path(f"{short}.{name}", module, name)
    return from_object(low, value, path, lambda: getattr(module, name))


def _of_object(low: Lowerer, owner: Any, name: str) -> Symbol:
    """An attribute of a function or class."""
    try:
        value = getattr(owner, name)
    except AttributeError as error:
        low.refuse(str(error))
    if isinstance(owner, np.ufunc) or (
        isinstance(value, types.MethodType) and value.__self__ is owner
    ):
        return value
    path = low.path(f"{getattr(owner, '__name__', type(owner).__name__)}.{name}", owner)
    return from_object(low, value, path, lambda: getattr(owner, name))


def _of_number(low: Lowerer, owner: Any, name: str) -> Symbol:
    value = getattr(owner, name, _MISSING)
    if value is _MISSING:
        low.refuse(f"a number has no attribute '{name}'")
    return BoundName(owner, name) if callable(value) else value


def _of_parent(low: Lowerer, parent: Parent, name: str) -> Symbol:
    """`super().name`."""
    owner = low.memory.current(parent.owner)
    cls: Any = owner.cls if isinstance(owner, Record) else type(getattr(owner, "value", None))
    if isinstance(owner, Value) and owner.facts.cls is not None:
        cls = owner.facts.cls
    mro = cls.__mro__[cls.__mro__.index(parent.cls) + 1 :] if parent.cls in cls.__mro__ else ()
    found = of_class(low, cls, name, parent.owner, mro)
    if found is _MISSING and name == "__init__":
        return Partial(operator.is_, (None, None), {})  # object's own, which does nothing
    if found is _MISSING:
        low.refuse(f"'super' object has no attribute '{name}' that can be read")
    return found


def of_class(
    low: Lowerer, cls: type, name: str, owner: Symbol, mro: Sequence[type] | None = None
) -> Symbol:
    """What the class of `owner` defines under a name, bound to it; `_MISSING` if that is no code."""
    bases = cls.__mro__ if mro is None else mro
    found = next((vars(base)[name] for base in bases if name in vars(base)), _MISSING)
    if isinstance(found, property) and hasattr(found.fget, "__code__"):
        return low.call(found.fget, [owner], {})
    if isinstance(found, staticmethod):
        return found.__func__
    if isinstance(found, classmethod):
        return Method(found.__func__, cls)
    if isinstance(found, types.FunctionType) or is_custom(found):
        return Method(found, owner)
    wrapped = getattr(found, "func", None)  # cached_property
    if type(found).__name__ == "cached_property" and hasattr(wrapped, "__code__"):
        return low.call(wrapped, [owner], {})
    return _MISSING


def _of_outside(low: Lowerer, owner: Outside, name: str, whole: Symbol = None) -> Symbol:
    """An attribute of an object; `whole` is the object with what was written to it."""
    obj = owner.value
    if defined(type(obj), "__getattribute__") is not None:
        check_class(low, type(obj))
    if name not in getattr(obj, "__dict__", ()):
        found = of_class(low, type(obj), name, owner if whole is None else whole)
        if found is not _MISSING:
            return found
    value = getattr(obj, name, _MISSING)
    if value is _MISSING:
        low.refuse(f"'{type(obj).__name__}' object has no attribute '{name}'")
    if isinstance(value, types.BuiltinFunctionType | types.BuiltinMethodType):
        return BoundName(owner, name)
    path = low.path(f"{owner.path}.{name}", owner.path, name)
    return from_object(low, value, path, lambda: getattr(owner.read(), name))


def _of_value(low: Lowerer, owner: Value, name: str) -> Symbol:
    facts = owner.facts
    check_container(low, facts.cls)
    if facts.kind == "object" and facts.cls is not None:
        check_attribute(low, facts.cls, name)
        if name not in (facts.keys or ()) and not hasattr(facts.cls, name):
            check_class(low, facts.cls)
    if facts.kind in ("tuple", "object") and facts.keys is not None and name in facts.keys:
        position = facts.keys.index(name)
        known = facts.items[position] if facts.items is not None else Facts()
        if facts.kind == "tuple":
            return low.emit(primitive_of(operator.getitem), (owner, position), facts=known)
        return low.emit(primitive_of(getattr), (owner, name), facts=known)
    if facts.kind == "tuple" and facts.keys is not None and name in _OF_NAMED_TUPLES:
        return BoundName(owner, name)
    if facts.cls is not None and facts.kind in ("object", "tuple", "opaque"):
        found = of_class(low, facts.cls, name, owner)
        if found is not _MISSING:
            return found
        constant = getattr(facts.cls, name, _MISSING)
        if facts.kind == "object" and constant is not _MISSING and not callable(constant):
            return low.emit(primitive_of(getattr), (owner, name), facts=facts_of(constant))
    if facts.is_numeric or facts.kind == "undefined":
        return _of_array(low, owner, name)
    if facts.kind in ("list", "tuple", "dict", "str", "range"):
        return BoundName(owner, name)
    if facts.kind == "function":
        low.refuse(f"'.{name}' of a function that is only known when this one runs")
    if facts.cls is not None and callable(getattr(facts.cls, name, None)):
        return BoundName(owner, name)
    if name in WRITING_METHODS:
        return BoundName(owner, name)
    return low.emit(primitive_of(getattr), (owner, name), facts=Facts("opaque"))


def _of_array(low: Lowerer, owner: Value, name: str) -> Symbol:
    """An attribute of an array: `x.T`, `x.shape`; a method is bound, and looked up when called."""
    function = methods.attribute(name)
    if function is not None:
        return call_adapter(low, function, [owner], {})
    if methods.method(name) is not None or hasattr(np.ndarray, name) or name in _CONTAINER_METHODS:
        return BoundName(owner, name)
    if owner.facts.kind not in ("unknown", "undefined"):
        low.refuse(f"{kind_name(owner)} has no attribute '{name}'")
    # Not an array's: the value is an object after all, of which nothing is known before a call.
    return low.emit(primitive_of(getattr), (owner, name), facts=Facts())


_CONTAINER_METHODS = {n for kind in (list, dict, str) for n in dir(kind)}


def call_adapter(
    low: Lowerer, function: Callable[..., Any], args: list[Symbol], kwargs: dict[str, Symbol]
) -> Symbol:
    """Call a Python function that speaks NumPy with graph values: what it computes becomes ops."""
    if registry.find(function) is not None or function.__module__.partition(".")[0] == "numpy":
        return low.call(function, args, kwargs)
    low.builder.location = low.location()
    given = [trace.wrap(low.arg(a), low.builder) for a in args]
    named = {k: trace.wrap(low.arg(v), low.builder) for k, v in kwargs.items()}
    result = trace.unwrap(function(*given, **named))
    return low.settled(result) if isinstance(result, Value) else result
