"""What is known about a value before it exists: its kind, dtype, shape in symbols, structure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ..errors import NotDifferentiable
from ..runtime import fields_of
from .plain import check_plain

Kind = Literal[
    "unknown",  # a number or an array: what source asked for before any call assumes
    "array",
    "float",
    "int",
    "bool",
    "complex",
    "list",
    "tuple",
    "dict",
    "object",  # a dataclass instance or the like: attributes are its items
    "range",
    "str",
    "none",
    "function",  # a callable, known by itself
    "opaque",  # anything else; carried along, never differentiated
    "undefined",  # a name that no path has bound yet
]

SCALARS = frozenset({"float", "int", "bool", "complex"})
NUMERIC = SCALARS | {"unknown", "array"}
CONTAINERS = frozenset({"list", "tuple", "dict", "object"})

# Smaller sizes are facts in themselves; from this one on a size becomes a symbol. So a slice that
# leaves out fewer entries of a symbolic axis cannot run off its end.
SMALLEST_SYMBOL = 9


@dataclass(frozen=True, slots=True)
class Dim:
    """A size that is not a plain number: `const` plus multiples of symbols.

    >>> n = Dim.symbol("n")
    >>> (n - 2) + 2 == n, n - n, n - 2
    (True, 0, Dim('n - 2'))
    """

    const: int
    terms: frozenset[tuple[Hashable, int]]

    @staticmethod
    def symbol(name: Hashable) -> Dim:
        return Dim(0, frozenset({(name, 1)}))

    def __add__(self, other: Size) -> Size:
        terms = dict(self.terms)
        const = self.const
        if isinstance(other, Dim):
            const += other.const
            for symbol, count in other.terms:
                terms[symbol] = terms.get(symbol, 0) + count
        else:
            const += other
        kept = frozenset((s, c) for s, c in terms.items() if c)
        return Dim(const, kept) if kept else const

    def __radd__(self, other: int) -> Size:
        return self + other

    def __mul__(self, factor: int) -> Size:
        if factor == 0:
            return 0
        return Dim(self.const * factor, frozenset((s, c * factor) for s, c in self.terms))

    def __rmul__(self, factor: int) -> Size:
        return self * factor

    def __sub__(self, other: Size) -> Size:
        return self + (other * -1)

    def __rsub__(self, other: int) -> Size:
        return self * -1 + other

    def __str__(self) -> str:
        named = sorted((s if isinstance(s, str) else "?", c) for s, c in self.terms)
        parts = [f"{'' if c == 1 else f'{c}*'}{s}" for s, c in named]
        text = " + ".join(parts)
        if self.const:
            text += f" {'+' if self.const > 0 else '-'} {abs(self.const)}"
        return text

    def __repr__(self) -> str:
        return f"Dim({str(self)!r})"


class MustFail(Exception):
    """Raised by inference for a call that NumPy is bound to refuse, once it is made."""


Size = int | Dim
Shape = tuple[Size | None, ...]  # None: a size that nothing is known of


@dataclass(frozen=True, slots=True)
class AnyShape:
    """A shape of which only the identity is known: that of the value which `symbol` stands for."""

    symbol: Hashable

    def __str__(self) -> str:
        return f"like {self.symbol}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one value.

    `shape` is an `AnyShape` where not even the number of dimensions is known, but which other values
    have the same is, and None where nothing is. A scalar has shape (); its dtype is None where it is
    a Python number and a name where it is a NumPy scalar. `items` holds the facts of the entries of a
    container whose length is known (with `keys` for dicts and objects); `element` those of every
    entry of a list whose length is not. `known` holds the value itself, as a tuple of one, where the
    program is specialised to it: a function, a string, None, a truth value. `cls` is the class of an
    object; of what is unknown, `np.ndarray` says that it is an array on some path, though its shape be
    (); of a float, `int` says that it is an integer on some path.
    """

    kind: Kind = "unknown"
    dtype: str | None = None
    shape: Shape | AnyShape | None = None
    items: tuple[Facts, ...] | None = None
    keys: tuple[Any, ...] | None = None
    element: Facts | None = None
    cls: type | None = None
    known: tuple[Any, ...] = ()
    strided: bool = False  # an argument whose entries do not lie one after the other

    @property
    def dims(self) -> Shape | None:
        """The sizes of the axes, where at least their number is known."""
        return self.shape if isinstance(self.shape, tuple) else None

    @property
    def ndim(self) -> int | None:
        return len(self.shape) if isinstance(self.shape, tuple) else None

    @property
    def is_scalar(self) -> bool:
        """Known to be a single number, of Python or NumPy, or a zero-dimensional array."""
        return self.kind in SCALARS or self.shape == ()

    @property
    def may_be_array(self) -> bool:
        """Whether this may be an array, maybe one of no dimensions, and so something to write into."""
        if self.kind == "unknown":
            return self.shape != () or self.cls is np.ndarray
        return self.kind == "array"

    @property
    def is_numeric(self) -> bool:
        return self.kind in NUMERIC

    @property
    def is_integral(self) -> bool:
        """Known to hold integers or truth values, through which no derivative flows."""
        if self.kind in ("int", "bool"):
            return True
        return self.dtype is not None and np.dtype(self.dtype).kind in "biu"

    @property
    def is_complex(self) -> bool:
        """Known to hold complex numbers."""
        return self.kind == "complex" or (
            self.dtype is not None and np.dtype(self.dtype).kind == "c"
        )

    @property
    def may_be_complex(self) -> bool:
        """Whether these are complex numbers for all that is known of them, their shape apart.

        A float to the power of another may be, and what a loop makes of real numbers. Of what not even
        the shape is known, source for any arguments takes numbers to be real.
        """
        if self.kind in ("unknown", "array") and self.dtype is None:
            return self.dims is not None
        return self.is_complex

    @property
    def is_real(self) -> bool:
        """Known to hold real numbers."""
        if self.dtype is not None:
            return np.dtype(self.dtype).kind in "fiub"
        return self.kind in ("float", "int", "bool")

    def shape_text(self) -> str:
        """The shape as an error message shows it.

        >>> Facts("array", "float64", (3, None)).shape_text()
        '(3, ?)'
        """
        if not isinstance(self.shape, tuple):
            return "?"
        sizes = ["?" if d is None else str(d) for d in self.shape]
        return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"

    def same_shape(self, other: Facts) -> bool:
        """Known to have the same shape."""
        return known_equal(self.shape, other.shape)

    def __str__(self) -> str:
        name = self.dtype or self.kind
        if self.kind in SCALARS and self.dtype is None:
            return self.kind
        if self.kind in CONTAINERS:
            if self.items is not None:
                keys = self.keys or [None] * len(self.items)
                inner = ", ".join(
                    f"{k!r}: {i}" if k is not None else str(i)
                    for k, i in zip(keys, self.items, strict=True)
                )
                return f"{self.kind}[{inner}]"
            return f"{self.kind}[{self.element or '?'}, ...]"
        if not isinstance(self.shape, tuple) or not self.is_numeric:
            return name
        return f"{name}[{', '.join('?' if d is None else str(d) for d in self.shape)}]"


UNKNOWN = Facts()
OPAQUE = Facts("opaque")
UNDEFINED_FACTS = Facts("undefined")
PY_FLOAT = Facts("float", None, ())
PY_INT = Facts("int", None, ())
PY_BOOL = Facts("bool", None, ())
PY_COMPLEX = Facts("complex", None, ())


def known_equal(a: Shape | AnyShape | None, b: Shape | AnyShape | None) -> bool:
    """True where two shapes are known and equal in every entry."""
    if not isinstance(a, tuple) or not isinstance(b, tuple):
        return a is not None and a == b
    if len(a) != len(b):
        return False
    return all(x is not None and x == y for x, y in zip(a, b, strict=True))


def array(dtype: str | None = None, shape: Shape | AnyShape | None = None) -> Facts:
    """Facts of an array."""
    return Facts("array", dtype, shape)


def scalar(dtype: str | None) -> Facts:
    """Facts of a NumPy scalar of the given dtype."""
    kind: Kind = "float"
    if dtype is not None:
        letter = np.dtype(dtype).kind
        kinds: dict[str, Kind] = {"f": "float", "c": "complex", "b": "bool", "i": "int", "u": "int"}
        kind = kinds.get(letter, "opaque")
    return Facts(kind, dtype, ())


def join(a: Facts, b: Facts) -> Facts:
    """The facts that hold of a value which is either of two: where branches or loop rounds meet."""
    if a == b:
        return a
    if b.kind == "undefined":
        return untied(a)
    if a.known or b.known:
        return join(replace(a, known=()), replace(b, known=()))
    if a.kind == "undefined":
        return untied(b)
    shape: Shape | AnyShape | None = a.shape if a.shape == b.shape else None
    p, q = a.dims, b.dims
    if p is not None and q is not None and len(p) == len(q):
        shape = tuple(x if x == y else None for x, y in zip(p, q, strict=True))
    dtype = a.dtype if a.dtype == b.dtype else None
    if a.kind == b.kind:
        if a.kind in CONTAINERS:
            return _join_containers(a, b)
        if a.kind in SCALARS and dtype is None:
            return _join_numbers(a, b)
        if a.kind == "unknown":
            return Facts("unknown", dtype, shape, cls=a.cls or b.cls)
        return Facts(a.kind, dtype, shape, cls=a.cls if a.cls is b.cls else None)
    if a.kind in SCALARS and b.kind in SCALARS:
        return _join_numbers(a, b)
    if a.is_numeric and b.is_numeric:
        arrays = a.may_be_array or b.may_be_array
        return Facts("unknown", dtype, shape, cls=np.ndarray if arrays else None)
    return OPAQUE


def either(a: Facts, b: Facts) -> Facts:
    """The join of what two branches hand out, with a note where that is an integer on one path alone.

    It counts as a float; but an array made of it, and written to, would cut off what it is given.
    """
    found = join(a, b)
    if found.kind in SCALARS and (a.is_integral or b.is_integral) and not found.is_integral:
        return replace(found, cls=int)
    return found


def _join_numbers(a: Facts, b: Facts) -> Facts:
    """Numbers of two types.

    One of Python and one of NumPy count as NumPy's, if Python's is of no higher kind: it decides the
    type of what is computed from it, where Python's would give way.
    """
    kind = max(a.kind, b.kind, key=_TOWER.index)
    dtypes = {f.dtype for f in (a, b) if f.dtype is not None}
    if not dtypes:
        return Facts(kind, None, ())
    found = scalar(dtypes.pop())
    return found if not dtypes and found.kind == kind else Facts("unknown", None, ())


_TOWER = ("bool", "int", "float", "complex")


def tied(facts: Facts, value: object) -> Facts:
    """Facts in which what is not known of the shape gets a symbol: the size that `value` has.

    So values made from it entry by entry are known to have its shape, whatever that is.
    """
    if not facts.is_numeric or facts.kind in SCALARS:
        return facts
    if facts.shape is None:
        return replace(facts, shape=AnyShape(value))
    if isinstance(facts.shape, tuple) and None in facts.shape:
        sizes = [Dim.symbol((value, k)) if d is None else d for k, d in enumerate(facts.shape)]
        return replace(facts, shape=tuple(sizes))
    return facts


def untied(facts: Facts) -> Facts:
    """Facts without the symbols of `tied`: where a value is one of many, as in a list or a loop."""
    shape = facts.shape
    if isinstance(shape, AnyShape) and not isinstance(shape.symbol, str):
        shape = None
    elif isinstance(shape, tuple):
        shape = tuple(None if isinstance(d, Dim) and _is_tied(d) else d for d in shape)
    items = None if facts.items is None else tuple(untied(f) for f in facts.items)
    element = None if facts.element is None else untied(facts.element)
    return replace(facts, shape=shape, items=items, element=element)


def _is_tied(size: Dim) -> bool:
    return any(not isinstance(symbol, str) for symbol, _ in size.terms)


def _join_containers(a: Facts, b: Facts) -> Facts:
    if a.items is not None and b.items is not None:
        if len(a.items) == len(b.items) and a.keys == b.keys and a.cls is b.cls:
            return replace(
                a, items=tuple(join(x, y) for x, y in zip(a.items, b.items, strict=True))
            )
    return Facts(a.kind, element=join_all((*_entries(a), *_entries(b))))


def _entries(facts: Facts) -> tuple[Facts, ...]:
    if facts.items is not None:
        return facts.items
    return () if facts.element is None else (facts.element,)


def join_all(entries: tuple[Facts, ...]) -> Facts | None:
    """The join of several facts; None of none."""
    result: Facts | None = None
    for facts in entries:
        result = facts if result is None else join(result, facts)
    return result


def facts_of(value: object, symbols: dict[int, Dim] | None = None) -> Facts:
    """The facts of a run-time value, as an argument of a call that is to be specialised.

    With `symbols`, sizes above eight become symbols, one per size.

    >>> print(facts_of(np.zeros((3, 20)), {}))
    float64[3, n]
    >>> print(facts_of([1.0, np.float32(2)]))
    list[float, float32[]]
    """
    if isinstance(value, bool):
        return Facts("bool", None, (), known=(value,))
    if isinstance(value, np.generic):
        return scalar(_dtype_name(value.dtype))
    if isinstance(value, int | float | complex):
        check_plain(value)
    if isinstance(value, int):
        return PY_INT
    if isinstance(value, float):
        return PY_FLOAT
    if isinstance(value, complex):
        return PY_COMPLEX
    if isinstance(value, np.ndarray):
        if type(value) not in _ARRAYS:
            raise NotDifferentiable(
                f"a {type(value).__name__} is not read: its operators are not those of an array",
                cure="pass plain arrays: np.asarray(x), and a mask apart from it",
            )
        sizes = tuple(_size(n, symbols) for n in value.shape)
        strided = value.ndim > 1 and not value.flags.c_contiguous
        return Facts("array", _dtype_name(value.dtype), sizes, strided=strided)
    if value is None:
        return Facts("none", known=(None,))
    if isinstance(value, str):
        return Facts("str", known=(value,))
    if isinstance(value, range):
        return Facts("range")
    if isinstance(value, Mapping):
        items = tuple(facts_of(v, symbols) for v in value.values())
        return Facts("dict", items=items, keys=tuple(value), cls=type(value))
    if isinstance(value, list | tuple):
        items = tuple(facts_of(v, symbols) for v in value)
        kind: Kind = "list" if isinstance(value, list) else "tuple"
        return Facts(kind, items=items, keys=getattr(value, "_fields", None), cls=type(value))
    if hasattr(type(value), "__dataclass_fields__"):
        fields = fields_of(value)
        items = tuple(facts_of(v, symbols) for v in fields.values())
        return Facts("object", items=items, keys=tuple(fields), cls=type(value))
    if callable(value):
        return Facts("function", known=(value,))
    return Facts("opaque", cls=type(value))


_ARRAYS = (np.ndarray, np.memmap)


def _dtype_name(dtype: np.dtype[Any]) -> str:
    """A name that `np.dtype` takes, as it does not those of text and records."""
    return dtype.str if dtype.kind in "USV" else dtype.name


SYMBOL_NAMES = "nmklpqrstuvwabcdefghij"


def _size(n: int, symbols: dict[int, Dim] | None) -> Size:
    if symbols is None or n < SMALLEST_SYMBOL:
        return n
    if n not in symbols:
        k = len(symbols)
        name = SYMBOL_NAMES[k] if k < len(SYMBOL_NAMES) else f"n{k}"
        symbols[n] = Dim.symbol(name)
    return symbols[n]
