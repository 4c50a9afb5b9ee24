"""How entries of arrays are read and written in many examples at once, by every kind of index.

NumPy puts the axes of arrays that index (the *block*) where the first of them stands, or in front of all
others if something stands between them. The examples' own axis has to come first.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import runtime
from .batch_verbs import (
    Many,
    aligned,
    as_array,
    batching,
    demand,
    give_up,
    is_array,
    length,
    many,
    ndim,
)
from .trace import Tracer, traced, tracers

getitem = traced(operator.getitem)
setitem = traced(runtime.setitem)
index_add = traced(runtime.index_add)
arange = traced(np.arange)


@dataclass(frozen=True, slots=True)
class Index:
    """An index into a whole: its parts, how many axes it gives, and where it leaves the examples.

    `source` and `target` are the axes to move what is read, so that the examples come first.
    """

    parts: tuple[Any, ...]
    rank: int
    source: tuple[int, ...] = ()
    target: tuple[int, ...] = ()


def kind_of(part: Any) -> tuple[str, int]:
    """What a part of an index is, and for arrays, the number of axes of one example."""
    if part is None:
        return "new", 0
    if part is Ellipsis:
        return "dots", 0
    if isinstance(part, slice):
        demand(not list(many(part)))
        return "slice", 0
    if isinstance(part, bool | np.bool_):
        give_up()
    if isinstance(part, int | np.integer):
        return "int", 0
    if isinstance(part, list):
        demand(next(tracers(part), None) is None and not list(many(part)))
        part = np.asarray(part)
    if isinstance(part, np.ndarray):
        demand(part.ndim > 0)
        return ("mask", part.ndim) if part.dtype == bool else ("array", part.ndim)
    value = part.whole if isinstance(part, Many) else part
    demand(isinstance(value, Tracer))
    facts = value.facts
    demand(facts.is_integral and (facts.dtype is not None or facts.kind == "int"))
    rank = part.rank if isinstance(part, Many) else ndim(value)
    if facts.dtype == "bool" or facts.kind == "bool":
        demand(rank > 0 and not isinstance(part, Many))
        return "mask", rank
    if rank == 0:
        demand(isinstance(part, Many) or facts.kind == "int")
        return "int", 0
    return "array", rank


def located(a: Any, index: Any) -> Index:
    """The index into the whole of `a`, or into `a` that all examples share."""
    given = index if isinstance(index, tuple) else (index,)
    parts = [as_array(p) if isinstance(p, list) else p for p in given]
    kinds = [kind_of(p) for p in parts]
    own = a.rank if isinstance(a, Many) else ndim(a)
    uses = sum(n if k == "mask" else k in ("slice", "int", "array") for k, n in kinds)
    demand(uses <= own)
    if all(k != "dots" for k, _ in kinds):
        parts, kinds = [*parts, Ellipsis], [*kinds, ("dots", 0)]
    batched = [isinstance(p, Many) for p in parts]
    arrays = any(k in ("array", "mask") for k, _ in kinds)
    block = [k for k, (kind, _) in enumerate(kinds) if kind in ("array", "mask", "int")]
    depth = max([1 if kinds[k][0] == "mask" else kinds[k][1] for k in block], default=0)
    widths = [own - uses if k == "dots" else int(k in ("slice", "new")) for k, _ in kinds]
    rank = sum(widths) + (depth if arrays else 0)
    between = kinds[block[0] : block[-1] + 1] if block else []
    # Numbers alone are taken away one by one; with arrays, or with numbers of each example, they index.
    apart = any(k in ("slice", "new") or (k == "dots") for k, _ in between)
    trailing = parts[-1] is Ellipsis and kinds[-1] == ("dots", 0)
    before = sum(widths[: block[0]]) if block else 0
    if isinstance(a, Many) and not any(batched):
        whole = (slice(None), *(parts[:-1] if trailing else parts))
        if arrays and apart:
            return Index(whole, rank, (depth,), (0,))
        return Index(whole, rank)
    given = tuple(_shaped(p, depth) if isinstance(p, Many) else p for p in parts)
    given = given[:-1] if trailing else given
    if not isinstance(a, Many):
        if apart or before == 0:
            return Index(given, rank)
        return Index(given, rank, (before,), (0,))
    rows = arange(length(a.whole))
    rows = rows[(slice(None), *[None] * depth)] if depth else rows
    if before == 0 or (apart and arrays):
        # With the examples in front of it, the block stays there, or something stands between them.
        return Index((rows, *given), rank)
    if apart or not arrays:
        return Index((rows, *given), rank)
    block_axes = tuple(range(1, 1 + depth))
    return Index((rows, *given), rank, block_axes, tuple(before + k for k in block_axes))


def _shaped(part: Many, depth: int) -> Any:
    """An index of each example, with its axes last among those of the block."""
    return aligned(part, depth)


def read(a: Any, index: Any) -> Any:
    """`a[index]` of each example."""
    where = located(a, index)
    found = getitem(a.whole if isinstance(a, Many) else a, plain(where.parts))
    return np.moveaxis(found, *moved(where)) if where.source else found


def plain(parts: tuple[Any, ...]) -> Any:
    """A lone index without its tuple."""
    return parts[0] if len(parts) == 1 else parts


def moved(where: Index) -> tuple[Any, Any]:
    """The axes to move, as np.moveaxis takes them."""
    if len(where.source) == 1:
        return where.source[0], where.target[0]
    return where.source, where.target


def placed(v: Any, where: Index) -> Any:
    """What is written, in the shape of what is read there."""
    if not isinstance(v, Many):
        plain_number = not isinstance(v, Tracer) or v.facts.is_scalar
        demand(plain_number or (not where.source and ndim(v) <= where.rank))
        return v
    if v.rank > where.rank:
        give_up()
    if v.rank == 0 and where.rank == 0:
        return v.whole
    found = aligned(v, where.rank)
    return np.moveaxis(found, where.target, where.source) if where.source else found


def write(function: Any) -> Any:
    """The row of `setitem` and `index_add`."""

    def row(a: Any, index: Any, v: Any) -> Any:
        v = as_array(v)
        target = a if isinstance(a, Many) else repeated(a, index, v)
        demand(is_array(target))
        if is_mask(index, target):
            demand(not isinstance(v, Many) and (not isinstance(v, Tracer) or v.facts.is_scalar))
            return function(target.whole, index.whole, v)
        where = located(target, index)
        return function(target.whole, plain(where.parts), placed(v, where))

    return row


def repeated(a: Any, index: Any, v: Any) -> Many:
    """What is written to, one for each example."""
    other = next(many((index, v)))
    return Many(other.spread(a), other.spread)


def is_mask(index: Any, target: Many) -> bool:
    """Whether an index is an array of truth values, one for each entry of each example."""
    if not isinstance(index, Many):
        return False
    facts = index.whole.facts
    return facts.dtype == "bool" and index.rank == target.rank


batching(operator.getitem, read, lists=True)
batching(runtime.setitem, write(setitem), lists=True)
batching(runtime.index_add, write(index_add), lists=True)
