"""Named tuples, dataclasses and other classes that a function makes instances of."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..ir.types import Facts, scalar
from .core import Lowerer, primitive_of
from .objects import from_object
from .specials import check_class, check_container
from .symbols import Record, Symbol, is_number
from .unwrap import CLOSED_PACKAGES

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_MAKERS = ("__init__", "__new__")


def construct(
    low: Lowerer, cls: type, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
) -> Symbol | None:
    """An instance of a class: a structure where the class is plain enough, else an op's result."""
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _named_tuple(low, cls, args, kwargs)
    if dataclasses.is_dataclass(cls) and _is_plain(cls):
        return _made_of_fields(low, cls, args, kwargs)
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


def _named_tuple(
    low: Lowerer, cls: Any, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
) -> Symbol:
    check_container(low, cls)
    if not _is_generated(cls.__new__) or any("__init__" in vars(b) for b in cls.__mro__[:-2]):
        low.refuse(
            f"making an instance of '{cls.__name__}', a named tuple with a __new__ or __init__ of its "
            "own, is not supported",
            cure="make it by a function that calls the named tuple itself",
        )
    given = _given(low, cls, list(cls._fields), args, kwargs)
    for name in cls._fields:
        if name not in given:
            if name not in cls._field_defaults:
                low.refuse(f"{cls.__name__}() missing a required argument: '{name}'")
            given[name] = _default(low, cls, name, cls._field_defaults[name])
    return tuple.__new__(cls, [given[name] for name in cls._fields])


def _is_generated(function: Any) -> bool:
    """Whether a function was made by dataclasses or namedtuple, not written in a file."""
    code = getattr(function, "__code__", None)
    return code is not None and code.co_filename == "<string>"


def _made_of_fields(
    low: Lowerer, cls: type, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
) -> Symbol:
    """An instance of a dataclass whose `__init__` does no more than to set its fields."""
    fields = dataclasses.fields(cls)
    taken = [f for f in fields if f.init]
    names = [f.name for f in taken if not f.kw_only]
    only = [f.name for f in taken if f.kw_only]
    given = _given(low, cls, names, args, kwargs, only)
    for f in fields:
        if f.name not in given:
            if f.default is not dataclasses.MISSING:
                given[f.name] = _default(low, cls, f.name, f.default)
            elif f.default_factory is not dataclasses.MISSING:
                given[f.name] = low.call(f.default_factory, [], {})
            elif f.init:
                low.refuse(f"{cls.__name__}() missing a required argument: '{f.name}'")
    check_class(low, cls)
    made = Record(cls, {f.name: given[f.name] for f in fields if f.name in given})
    after = getattr(cls, "__post_init__", None)
    if after is not None:
        low.memory.made(made)
        low.call(after, [made], {})
    return made


def _made_by_init(
    low: Lowerer, cls: type, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
) -> Symbol:
    """An instance of a class of the user: no fields at first, then what its `__init__` writes."""
    init = next((vars(b)["__init__"] for b in cls.__mro__ if "__init__" in vars(b)), None)
    plain = not any("__new__" in vars(base) for base in cls.__mro__[:-1]) and type(cls) is type
    if _is_generated(init) or not plain or not (hasattr(init, "__code__") or _is_bare(cls)):
        low.refuse(
            f"making an instance of '{cls.__name__}' here is not supported",
            cure="make it outside and pass it as an argument, or use a NamedTuple or a dataclass whose "
            "__post_init__ takes nothing",
        )
    check_class(low, cls)
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
    """Whether making an instance of a dataclass sets its fields, and runs `__post_init__` at most."""
    init: Any = getattr(cls, "__init__")  # noqa: B009
    if not _is_generated(init):
        return False
    given = [f for f in dataclasses.fields(cls) if f.init]
    count = init.__code__.co_argcount + init.__code__.co_kwonlyargcount - 1
    frozen = cls.__dataclass_params__.frozen  # type: ignore[attr-defined]
    watched = any("__setattr__" in vars(base) for base in cls.__mro__[:-1])
    # One that takes more than its fields hands the rest to `__post_init__`.
    return count == len(given) and (frozen or not watched)


def _given(
    low: Lowerer,
    cls: type,
    names: list[str],
    args: Sequence[Symbol],
    kwargs: Mapping[str, Symbol],
    only: Sequence[str] = (),
) -> dict[str, Symbol]:
    """The fields that a call names, by position or by keyword; those of `only` by keyword alone."""
    if len(args) > len(names):
        low.refuse(f"{cls.__name__}() takes {len(names)} arguments but {len(args)} were given")
    given = dict(zip(names, args, strict=False))
    for name, symbol in kwargs.items():
        if name not in names and name not in only:
            low.refuse(f"{cls.__name__}() got an unexpected keyword argument '{name}'")
        if name in given:
            low.refuse(f"{cls.__name__}() got multiple values for argument '{name}'")
        given[name] = symbol
    return given


def _default(low: Lowerer, cls: type, name: str, value: Any) -> Symbol:
    if is_number(value) or isinstance(value, str | type(None)):
        return value
    return from_object(low, value, low.path(f"{cls.__name__}.{name}", cls), lambda: value)
