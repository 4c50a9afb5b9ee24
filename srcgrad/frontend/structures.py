"""Named tuples, dataclasses and other classes that a function makes instances of."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..ir.types import Facts, scalar
from .core import Lowerer, primitive_of
from .objects import from_object
from .symbols import Record, Symbol, is_number
from .unwrap import CLOSED_PACKAGES

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_MAKERS = ("__init__", "__new__")


def construct(
    low: Lowerer, cls: type, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
) -> Symbol | None:
    """An instance of a class: a structure where the class is plain enough, else an op's result."""
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        defaults = getattr(cls, "_field_defaults", {})
        given = _fields(low, cls, list(cls._fields), defaults, args, kwargs)
        return tuple.__new__(cls, [given[f] for f in cls._fields])
    if dataclasses.is_dataclass(cls) and _is_plain(cls):
        fields = dataclasses.fields(cls)
        fixed = {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
        made = {
            f.name: f.default_factory
            for f in fields
            if f.default_factory is not dataclasses.MISSING
        }
        missing = {n: low.call(factory, [], {}) for n, factory in made.items() if n not in kwargs}
        names = [f.name for f in fields]
        return Record(cls, _fields(low, cls, names, {**fixed, **missing}, args, kwargs))
    closed = cls.__module__.partition(".")[0] in CLOSED_PACKAGES
    if (
        (_written_in_python(cls) or _is_bare(cls))
        and not closed
        and not issubclass(cls, BaseException)
    ):
        return _made_by_init(low, cls, args, kwargs)
    primitive = primitive_of(cls)
    if primitive.infer is not None:
        return None
    if issubclass(cls, np.generic):
        facts = scalar(np.dtype(cls).name)
    elif issubclass(cls, BaseException) or cls.__module__ != "builtins":
        facts = Facts("opaque", cls=cls)
    else:
        return None
    return low.emit(primitive, args, kwargs, facts=facts)


def _made_by_init(
    low: Lowerer, cls: type, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
) -> Symbol:
    """An instance of a class of the user: no fields at first, then what its `__init__` writes."""
    init = next((vars(b)["__init__"] for b in cls.__mro__ if "__init__" in vars(b)), None)
    plain = not any("__new__" in vars(base) for base in cls.__mro__[:-1]) and type(cls) is type
    if not plain or not (hasattr(init, "__code__") or _is_bare(cls)):
        low.refuse(
            f"making an instance of '{cls.__name__}' here is not supported",
            cure="make it outside and pass it as an argument, or use a NamedTuple or dataclass",
        )
    made = Record(cls, {})
    low.memory.made(made)
    if _is_bare(cls):
        if args or kwargs:
            low.refuse(f"{cls.__name__}() takes no arguments")
        return made
    low.call(init, [made, *args], kwargs)
    return made


def _written_in_python(cls: type) -> bool:
    """Whether making an instance runs Python code of the class."""
    return any(
        hasattr(vars(base).get(name), "__code__") for base in cls.__mro__ for name in _MAKERS
    )


def _is_bare(cls: type) -> bool:
    """Whether a class of the user has nothing that runs when an instance is made."""
    makes = any(name in vars(base) for base in cls.__mro__[:-1] for name in _MAKERS)
    return not makes and type(cls) is type and all(map(_is_written, cls.__mro__[:-1]))


def _is_written(cls: type) -> bool:
    """Whether a class comes of a class statement, and its instances take any attribute."""
    return bool(cls.__flags__ & _HEAP_TYPE) and "__slots__" not in vars(cls)


def _is_plain(cls: type) -> bool:
    """Whether an instance is nothing but its fields."""
    init = getattr(cls, "__init__")  # noqa: B009
    generated = getattr(init, "__qualname__", "").startswith(("__create_fn__", cls.__name__))
    own = any(
        "__post_init__" in vars(base) or "__setattr__" in vars(base) for base in cls.__mro__[:-1]
    )
    frozen = cls.__dataclass_params__.frozen  # type: ignore[attr-defined]
    return generated and (not own or (frozen and not hasattr(cls, "__post_init__")))


def _fields(
    low: Lowerer,
    cls: type,
    names: list[str],
    defaults: Mapping[str, Any],
    args: Sequence[Symbol],
    kwargs: Mapping[str, Symbol],
) -> dict[str, Symbol]:
    if len(args) > len(names):
        low.refuse(f"{cls.__name__}() takes {len(names)} arguments but {len(args)} were given")
    given = dict(zip(names, args, strict=False))
    for name, symbol in kwargs.items():
        if name not in names:
            low.refuse(f"{cls.__name__}() got an unexpected keyword argument '{name}'")
        if name in given:
            low.refuse(f"{cls.__name__}() got multiple values for argument '{name}'")
        given[name] = symbol
    for name in names:
        if name not in given:
            if name not in defaults:
                low.refuse(f"{cls.__name__}() missing a required argument: '{name}'")
            given[name] = _default(low, cls, name, defaults[name])
    return {name: given[name] for name in names}


def _default(low: Lowerer, cls: type, name: str, value: Any) -> Symbol:
    if is_number(value) or isinstance(value, str | type(None)):
        return value
    return from_object(low, value, low.path(f"{cls.__name__}.{name}", cls), lambda: value)
