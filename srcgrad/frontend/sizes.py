"""Sizes that the facts of arrays tell: so that branches on `x.ndim` or `len(x)` are decided early.

Only comparisons ask. Elsewhere a size stays an op, so that the generated code says `len(x)` and not 5.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir.graph import Value
from ..ir.types import SMALLEST_SYMBOL, Dim, Facts
from .symbols import Symbol

Sizes = dict[Value, Any]  # an int, a Dim, or a tuple of such


def remember(sizes: Sizes, function: Callable[..., Any], args: list[Any], result: Symbol) -> None:
    """Note what is known of a size that an op has just given."""
    if not isinstance(result, Value) or not args or not isinstance(args[0], Value):
        return
    facts: Facts = args[0].facts
    if function is operator.getitem and args[0] in sizes:
        shape = sizes[args[0]]
        if (
            isinstance(shape, tuple)
            and type(args[1]) is int
            and -len(shape) <= args[1] < len(shape)
        ):
            sizes[result] = shape[args[1]]
        return
    if facts.kind != "array" or facts.dims is None:
        return
    if function is np.ndim:
        sizes[result] = len(facts.dims)
    elif None in facts.dims:
        return
    elif function is np.shape:
        sizes[result] = facts.dims
    elif function is len and facts.dims:
        sizes[result] = facts.dims[0]


def known_size(sizes: Sizes, symbol: Symbol) -> Any:
    """The size that a symbol is known to be; None where it is none."""
    if isinstance(symbol, Value):
        return sizes.get(symbol)
    if type(symbol) is int:
        return symbol
    if type(symbol) is tuple:
        parts = [known_size(sizes, s) for s in symbol]
        return None if None in parts else tuple(parts)
    return None


def decided(function: Callable[..., Any], a: Any, b: Any) -> bool | None:
    """The result of comparing two sizes, where it is the same for all that they may be.

    >>> n = Dim.symbol("n")
    >>> decided(operator.eq, n, n), decided(operator.gt, n, 1), decided(operator.lt, n, 20)
    (True, True, None)
    """
    if isinstance(a, tuple) or isinstance(b, tuple):
        return _decided_shapes(function, a, b)
    low, high = _bounds(a - b)
    if function is operator.eq or function is operator.ne:
        equal = True if low == high == 0 else False if low > 0 or high < 0 else None
        return equal if function is operator.eq or equal is None else not equal
    mirrored = {operator.lt: operator.gt, operator.le: operator.ge}
    if function in mirrored:
        return decided(mirrored[function], b, a)
    if function is operator.gt:
        return True if low > 0 else False if high <= 0 else None
    if function is operator.ge:
        return True if low >= 0 else False if high < 0 else None
    return None


def _decided_shapes(function: Callable[..., Any], a: Any, b: Any) -> bool | None:
    if function not in (operator.eq, operator.ne):
        return None
    equal: bool | None = False
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
        each = [decided(operator.eq, x, y) for x, y in zip(a, b, strict=True)]
        equal = False if False in each else None if None in each else True
    return equal if function is operator.eq or equal is None else not equal


def _bounds(size: int | Dim) -> tuple[float, float]:
    """Between what a size must lie; a symbol stands for at least `SMALLEST_SYMBOL`."""
    if not isinstance(size, Dim):
        return size, size
    low: float = size.const
    high: float = size.const
    for symbol, factor in size.terms:
        least = SMALLEST_SYMBOL if isinstance(symbol, str) else 0
        if factor > 0:
            low, high = low + factor * least, float("inf")
        else:
            low, high = float("-inf"), high + factor * least
    return low, high
