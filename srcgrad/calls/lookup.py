"""Finds what was made for arguments like these: keys of arguments, and tables that forget."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from threading import Lock, RLock
from types import MethodType
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from ..errors import SrcgradError
from ..ir.graph import Capture
from ..ir.types import SMALLEST_SYMBOL, Dim, Facts, facts_of
from ..runtime import fields_of

V = TypeVar("V")

MOST_ALIKE = 4  # programs for the same arguments, made when things outside were of other shapes

# One thread generates at a time: rule tables, kept trees and file names are shared by all.
GENERATING = RLock()


class Recent(Generic[V]):
    """A table of the entries that were used last, which threads may share.

    >>> table = Recent(2)
    >>> for key in "abc":
    ...     table.put(key, key.upper())
    >>> table.get("a"), table.get("b"), table.get("c")
    (None, 'B', 'C')
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._entries: OrderedDict[Hashable, V] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable) -> V | None:
        """The entry of a key, which becomes the latest; None if it is not there, or no more."""
        try:
            found = self._entries[key]
            self._entries.move_to_end(key)
        except KeyError:  # in between, another thread may have pushed it out
            return None
        return found

    def put(self, key: Hashable, entry: V) -> None:
        """Add or replace an entry."""
        with self._lock:
            self._entries[key] = entry
            while len(self._entries) > self.size:
                self._entries.popitem(last=False)


class ByIdentity:
    """Stands in a key for an object that has no hash of its own."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByIdentity) and self.value is other.value


def hashable(value: Any) -> Hashable:
    """The object itself as a key, or where it cannot be one, something that stands for it alone."""
    try:
        hash(value)
    except TypeError:
        return ByIdentity(value)
    return value  # type: ignore[no-any-return]


def key_of(value: Any) -> Hashable:
    """What tells an argument from those that another program is generated for: type, dtype, shape.

    >>> key_of(1.5) == key_of(2.5), key_of(np.ones(2)) == key_of(np.ones(3))
    (True, False)
    """
    kind: Any = type(value)
    if kind is np.ndarray:
        if value.flags.c_contiguous:
            return (value.dtype, value.shape)
        return (value.dtype, value.shape, "strided")
    if kind in _BY_TYPE:
        return kind  # type: ignore[no-any-return]
    if kind is tuple or kind is list:
        return (kind, *map(key_of, value))
    if kind is dict:
        return (dict, *value, *map(key_of, value.values()))
    return _other(kind, value)


_BY_TYPE = frozenset({float, int, complex, np.float64, np.float32, range})


def _other(kind: type, value: Any) -> Hashable:
    if isinstance(value, np.ndarray):
        return (kind, value.dtype, value.shape, value.flags.c_contiguous)
    if isinstance(value, np.generic | float | int | complex) and kind is not bool:
        return kind
    if isinstance(value, list | tuple):
        return (kind, *map(key_of, value))
    if isinstance(value, Mapping):
        return (kind, *value, *map(key_of, value.values()))
    if hasattr(kind, "__dataclass_fields__"):
        return (kind, *map(key_of, fields_of(value).values()))
    if value is None or isinstance(value, bool | str) or callable(value):
        return (kind, hashable(value))
    return kind


def identity_of(function: Callable[..., Any]) -> Hashable:
    """What stands for a function in a key: itself, whatever `==` says; for a method, its object, too."""
    if isinstance(function, MethodType):
        return (ByIdentity(function.__self__), ByIdentity(function.__func__))
    return ByIdentity(function)


class Dated(Protocol):
    """What goes out of date, for instance when a function that it was made of is replaced."""

    def is_current(self) -> bool: ...

    @property
    def measured(self) -> bool:
        """Whether it was made for sizes of what is outside, so that those of arguments count, too."""


def measured(captures: Iterable[Capture]) -> bool:
    """Whether arrays are read from outside of which a size would be a symbol, were they arguments."""
    return any(_large(c.value.facts) for c in captures)


def _large(facts: Facts) -> bool:
    if any(_large(f) for f in (*(facts.items or ()), *((facts.element,) if facts.element else ()))):
        return True
    return any(isinstance(n, int) and n >= SMALLEST_SYMBOL for n in facts.dims or ())


P = TypeVar("P", bound=Dated)


class Binder(Protocol):
    """Gives one value per parameter of a function.

    Knows their names, where `*args` is, and where `**kwargs` are, or else how many there are.
    """

    __names__: tuple[str, ...]
    __star__: int | None
    __end__: int

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]: ...


def picked(argnums: int | str | Sequence[int | str], binder: Binder, bound: Sequence[Any]) -> Any:
    """The argument that is asked for, or the tuple of those that are, among one value per parameter.

    Raises
    ------
    SrcgradError
        If there is none of that number or name.
    """
    if not isinstance(argnums, int | str):
        return tuple(picked(a, binder, bound) for a in argnums)
    star, end = binder.__star__, binder.__end__
    if isinstance(argnums, str):
        if argnums in binder.__names__:
            return bound[binder.__names__.index(argnums)]
        if end < len(bound) and argnums in bound[end]:
            return bound[end][argnums]
    else:
        given = list(bound[:end]) if star is None else [*bound[:star], *bound[star]]
        if -len(given) <= argnums < len(given):
            return given[argnums]
    raise SrcgradError(
        f"there is no argument {argnums!r} to differentiate with respect to",
        cure=f"name one of {', '.join(binder.__names__)}, or count them from 0",
    )


class Programs(Generic[P]):
    """The programs made of one function, each for arguments of some kind.

    `bind` takes arguments to a tuple of one value per parameter. `make` makes a program from the facts
    of all parameters, or from None, for any real numbers and arrays.
    """

    def __init__(
        self,
        bind: Binder,
        make: Callable[[Mapping[str, Facts] | None], P],
        size: int = 256,
    ) -> None:
        self.bind = bind
        self.names = bind.__names__
        self.key_of = key_of
        self._make = make
        self._exact: Recent[P] = Recent(size)  # by the very shapes of the arguments
        self._alike: Recent[list[P]] = Recent(size)  # by what is generated for: shapes in symbols
        self._measured = False

    def get(self, key: Hashable) -> P | None:
        """The program for arguments of this key, if there is one."""
        found = self._exact.get(key)
        return found if found is not None and found.is_current() else None

    def made(self, key: Hashable, bound: tuple[Any, ...]) -> P:
        """A program for these arguments, which have this key: one for arguments alike, or a new one."""
        program, _ = self.program(bound)
        self._exact.put(key, program)
        return program

    def program(self, bound: tuple[Any, ...]) -> tuple[P, dict[str, Facts]]:
        """The program for these arguments, and the facts that it was made for."""
        given = self.facts(bound)
        program = self.general(given)
        if program.measured and not self._measured:
            # An array outside has a size that an argument may have, too: a symbol would not tell.
            self.measure()
            given = self.facts(bound)
            program = self.general(given)
        return program, given

    def measure(self) -> None:
        """From now on, make a program for each size of an argument."""
        self._measured = True

    def general(self, given: Mapping[str, Facts] | None) -> P:
        """The program for arguments of these facts."""
        key = None if given is None else hashable(tuple(given.values()))
        with GENERATING:
            alike = self._alike.get(key) or []
            found = next((p for p in alike if p.is_current()), None)
            if found is None:
                found = self._make(given)
                # What is outside may take turns: the batches of a data set have two sizes.
                self._alike.put(key, [found, *alike[: MOST_ALIKE - 1]])
            return found

    def facts(self, bound: tuple[Any, ...]) -> dict[str, Facts]:
        """What a program is generated for: the facts of each argument, large sizes as symbols."""
        symbols: dict[int, Dim] | None = None if self._measured else {}
        return {n: facts_of(v, symbols) for n, v in zip(self.names, bound, strict=True)}
