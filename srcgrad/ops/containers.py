"""Rules of Python's builtins over numbers and sequences, and of what the transformation itself emits.

Python's `min` and `max` give one of their arguments, the first of equals: it gets the whole cotangent.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import runtime
from ..ir.types import PY_BOOL, PY_FLOAT, PY_INT, Facts
from . import facts
from .asks import has_complex, kind, number, rank
from .registry import Formula, custom, linear, refuse, zero
from .trace import Tracer, traced

zeros_like = traced(runtime.zeros_like)
unbroadcast = traced(runtime.unbroadcast)
index_add = traced(runtime.index_add)
regroup = traced(runtime.regroup)
spread = traced(runtime.spread)
first_index = traced(runtime.first_index)
order_of = traced(runtime.order_of)
permute = traced(runtime.permute)
getitem = traced(operator.getitem)
attribute = traced(getattr)
total = traced(sum)

MOST_ARGUMENTS = 32

# Numbers

linear(float, lambda g, y, x=0.0: g, infer=facts.constant(PY_FLOAT))
zero(int, infer=facts.constant(PY_INT))
zero((bool, isinstance, callable, hasattr, any, all, issubclass),
     infer=facts.constant(PY_BOOL))  # fmt: skip
zero((str, repr, format, ascii, chr, bin, hex), infer=facts.constant(Facts("str")))
zero((ord, hash, id), infer=facts.constant(PY_INT))
zero(type, infer=facts.opaque)
zero(range, infer=facts.constant(Facts("range")))
zero(runtime.is_one_number, infer=facts.constant(PY_BOOL))
zero(runtime.stop_gradient, infer=facts.same)

# Sums


def shared(g: Any, iterable: Any, start: Any) -> Any:
    """The cotangents of what is added up: `g` for each, in its shape."""
    if isinstance(iterable, list | tuple):
        return [unbroadcast(g, x) for x in iterable]
    if kind(iterable) in ("array", "ndarray"):
        if not (number(start) or rank(start) == 0):
            g = unbroadcast(g, iterable[0])  # where it starts may be wider than what is added
        return np.broadcast_to(g, np.shape(iterable))
    return spread(g, iterable)


custom(
    sum,
    vjp=(
        lambda g, y, iterable, start=0: shared(g, iterable, start),
        lambda g, y, iterable, start=0: unbroadcast(g, start),
    ),
    jvp="itself",
    infer=facts.total,
    lists=True,
)
linear(
    runtime.spread, lambda g, y, given, xs: total(g), None, infer=facts.structure_like, lists=True
)

# Extremes


def orderly(name: str, xs: Any) -> None:
    """Refuse to put complex numbers in order."""
    if has_complex(xs):
        refuse(name, "complex numbers, which have no order", "compare np.abs(x) or np.real(x)")


def winner(k: int, g: Any, y: Any, xs: tuple[Any, ...], beats: Callable[[Any, Any], Any]) -> Any:
    """The cotangent of argument k of `min` or `max`, or of the entries of the only one."""
    orderly("min and max", xs)
    if len(xs) == 1 and isinstance(xs[0], list | tuple):
        return [winner(j, g, y, tuple(xs[0]), beats) for j in range(len(xs[0]))]
    if len(xs) == 1:
        return index_add(zeros_like(xs[0]), first_index(xs[0], y), g)
    if len(xs) == 2:
        # As Python does it: the second one only if it is better.
        return g * beats(xs[1], xs[0]) if k == 1 else g - g * beats(xs[1], xs[0])
    return g * (first_index(list(xs), y) == k)


def better(k: int, beats: Callable[[Any, Any], Any]) -> Formula:
    """The formula of argument k."""
    return lambda g, y, *xs: winner(k, g, y, xs, beats)


def best_tangent(k: int, beats: Callable[[Any, Any], Any]) -> Formula:
    """The tangent that argument k causes."""

    def formula(g: Any, y: Any, *xs: Any) -> Any:
        orderly("min and max", xs)
        if len(xs) > 1:
            return winner(k, g, y, xs, beats)
        return getitem(g, first_index(xs[0], y))

    return formula


for _function, _beats in ((max, lambda a, b: a > b), (min, lambda a, b: a < b)):
    custom(
        _function,
        vjp=[better(k, _beats) for k in range(MOST_ARGUMENTS)],
        jvp=[best_tangent(k, _beats) for k in range(MOST_ARGUMENTS)],
        infer=facts.extreme,
        lists=True,
    )
zero(runtime.first_index, infer=facts.constant(PY_INT))

# Sequences


def order(iterable: Any, reverse: Any) -> Any:
    """The places of entries in order."""
    orderly("sorted", iterable)
    return order_of(iterable, reverse)


custom(
    sorted,
    vjp=lambda g, y, iterable, *, reverse=False: regroup(
        permute(g, order_of(order(iterable, reverse))), iterable
    ),
    jvp=lambda g, y, iterable, *, reverse=False: permute(g, order(iterable, reverse)),
    infer=facts.ordered_list,
    lists=True,
)
zero(runtime.order_of, infer=facts.constant(Facts("list", element=PY_INT)))
linear(
    runtime.permute,
    lambda g, y, xs, order: regroup(permute(g, order_of(order)), xs),
    infer=facts.permuted,
    lists=True,
)
linear(list, lambda g, y, iterable=(): regroup(g, iterable), infer=facts.sequence("list"),
       lists=True)  # fmt: skip
linear(tuple, lambda g, y, iterable=(): regroup(g, iterable), infer=facts.sequence("tuple"),
       lists=True)  # fmt: skip
linear(
    runtime.regroup,
    lambda g, y, given, like: regroup(g, given),
    None,
    infer=facts.structure_like,
    lists=True,
)
linear(runtime.copied, lambda g, y, x: g, infer=facts.same, lists=True)


def entries(g: Any, fields: Any) -> dict[str, Any]:
    """The cotangents of the fields of a dataclass instance, whose names are known."""
    names = fields.facts.keys if isinstance(fields, Tracer) else fields
    if names is None:
        refuse("instance", "fields that are not known by name", "write them out")
    return {name: attribute(g, name) for name in names}


linear(
    runtime.instance,
    lambda g, y, cls, fields: entries(g, fields),
    argnum=1,
    infer=facts.instance,
    lists=True,
)
linear(runtime.gather, lambda g, y, entries: g, infer=facts.same, lists=True)
