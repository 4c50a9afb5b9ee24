"""Rules of reading and writing entries of arrays and containers, by every kind of index."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .. import runtime
from ..ir.types import Facts
from . import facts
from .asks import kind, static
from .registry import custom, elementwise, linear, zero
from .trace import Tracer, traced

getitem = traced(operator.getitem)
_getattr = traced(getattr)
zeros_like = traced(runtime.zeros_like)
unbroadcast = traced(runtime.unbroadcast)
index_add = traced(runtime.index_add)
attribute_add = traced(runtime.attribute_add)
setitem = traced(runtime.setitem)
last_written = traced(runtime.last_written)
append = traced(runtime.append)


def nothing(a: Any, v: Any) -> Any:
    """What stands where an entry was overwritten: a number in an array, zeros in a container."""
    return 0.0 if kind(a) in ("array", "unknown", "ndarray") else zeros_like(v)


def repeats(index: Any) -> bool:
    """Whether an index may name an entry twice."""
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, Tracer):
            known = part.facts
            if not (known.is_scalar or known.kind == "bool" or known.dtype == "bool"):
                return True
        elif isinstance(part, list | np.ndarray):
            if not static(part):
                return True
            places = np.asarray(part)
            if places.dtype == bool or places.size == 0:
                continue
            mixed = places.min() < 0 <= places.max()  # -1 and 2 may be one place
            if mixed or len(np.unique(places)) < places.size:
                return True
    return False


def written(g: Any, a: Any, index: Any, v: Any) -> Any:
    """The cotangent of what was written: the part of `g` that stands there, written last."""
    part = g if index is Ellipsis else getitem(g, index)
    if kind(a) not in ("array", "unknown", "ndarray"):
        return part
    return unbroadcast(part * last_written(a, index) if repeats(index) else part, v)


linear(
    operator.getitem,
    lambda g, y, a, index: index_add(zeros_like(a), index, g),
    infer=facts.getitem,
    lists=True,
)
custom(
    runtime.index_add,
    vjp=(
        lambda g, y, d, index, v: g,
        None,
        lambda g, y, d, index, v: unbroadcast(getitem(g, index), v),
    ),
    jvp="itself",
    infer=facts.added_to,
    lists=True,
)
custom(
    runtime.setitem,
    vjp=(
        lambda g, y, a, index, v: setitem(g, index, nothing(a, v)),
        None,
        lambda g, y, a, index, v: written(g, a, index, v),
    ),
    jvp="itself",
    infer=facts.updated,
    lists=True,
)
zero(runtime.last_written, infer=facts.unknown)
custom(
    runtime.append,
    vjp=(lambda g, y, xs, v: g[:-1], lambda g, y, xs, v: g[-1]),
    jvp="itself",
    infer=facts.appended,
    lists=True,
)
linear(
    getattr,
    lambda g, y, obj, name: attribute_add(zeros_like(obj), name, g),
    infer=facts.attribute,
    lists=True,
)
custom(
    runtime.attribute_add,
    vjp=(
        lambda g, y, d, name, v: g,
        None,
        lambda g, y, d, name, v: _getattr(g, name),
    ),
    jvp="itself",
    infer=facts.attribute_added,
    lists=True,
)

# What the transformation itself emits. A cotangent is a value like any other.

zero(runtime.zeros_like, infer=facts.zeros)
zero(runtime.zero_rows, infer=facts.zero_rows)
zero(runtime.basis, infer=facts.constant(Facts("tuple")))
elementwise(runtime.add, lambda g, z, a, b: g, lambda g, z, a, b: g, infer=facts.summed)
linear(
    runtime.unbroadcast,
    lambda g, y, given, x: (
        g if kind(x) in ("list", "tuple", "dict") else np.broadcast_to(g, np.shape(given))
    ),
    None,
    infer=facts.unbroadcasted,
    lists=True,
)
