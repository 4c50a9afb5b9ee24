"""How functions that put entries elsewhere are applied to many examples at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import runtime
from .batch_verbs import (
    Many,
    aligned,
    as_array,
    at,
    batching,
    broadcast,
    constant,
    demand,
    flat,
    give_up,
    later,
    leading,
    length,
    many,
    ndim,
    nest,
    ranks,
    sized,
    together,
    wholes,
)
from .trace import Tracer, traced

_function: Any
stack: Any = np.stack
linspace: Any = np.linspace
full = traced(np.full)
contiguous = traced(np.ascontiguousarray)
add_along_axis = traced(runtime.add_along_axis)

# Shapes

leading(
    np.reshape,
    lambda a, shape, order="C": np.reshape(a, sized(shape, a)) if order == "C" else give_up(),
)
leading(np.ravel, lambda a, order="C": flat(a) if order == "C" else give_up())
leading(np.transpose, lambda a, axes=None: turned(a, axes))


def turned(a: Any, axes: Any) -> Any:
    """np.transpose of each example."""
    if axes is None and ndim(a) == 3:
        return np.swapaxes(a, 1, 2)
    if axes is None:
        return a if ndim(a) < 3 else np.transpose(a, (0, *range(ndim(a) - 1, 0, -1)))
    return np.transpose(a, (0, *[at(k, a) for k in constant(axes)]))


leading(
    np.moveaxis,
    lambda a, source, destination: np.moveaxis(a, later(source, a), later(destination, a)),
)
leading(np.swapaxes, lambda a, axis1, axis2: np.swapaxes(a, later(axis1, a), later(axis2, a)))
leading(
    np.rollaxis,
    lambda a, axis, start=0: np.rollaxis(
        a, at(axis, a), constant(start) + (1 if start >= 0 else ndim(a))
    ),
)
for _function in (
    getattr(np, "matrix_transpose", None),
    getattr(np.linalg, "matrix_transpose", None),
):
    if _function is not None:
        leading(_function, (lambda f: lambda x: f(x))(_function))
leading(
    np.squeeze, lambda a, axis=None: np.squeeze(a, later(axis, a) if axis is not None else ones(a))
)


def ones(a: Any) -> tuple[int, ...]:
    """The axes of size one, of which every size has to be known."""
    sizes = a.facts.dims
    demand(sizes is not None and all(isinstance(n, int) for n in sizes[1:]))
    return tuple(k for k, n in enumerate(sizes) if k and n == 1)


leading(np.expand_dims, lambda a, axis: np.expand_dims(a, expanded(axis)))


def expanded(axis: Any) -> Any:
    """Axes of an expanded example as those of the expanded whole."""
    if isinstance(axis, tuple | list):
        return tuple(expanded(k) for k in axis)
    demand(isinstance(axis, int | np.integer))
    return axis + 1 if axis >= 0 else axis


batching(np.broadcast_to, lambda array, shape: np.broadcast_to(
    aligned(array, places(shape)), sized(constant_shape(shape), array.whole)
))  # fmt: skip
batching(np.full, lambda shape, fill_value, *more, **named: full(
    sized(constant_shape(shape), fill_value.whole), aligned(fill_value, places(shape)), *more, **named
))  # fmt: skip


def constant_shape(shape: Any) -> Any:
    """A shape that is the same for all examples."""
    demand(not list(many(shape)))
    return shape


def places(shape: Any) -> int:
    """How many axes a shape has."""
    if isinstance(shape, Tracer):
        known = shape.facts.items
        if shape.facts.kind == "int":
            return 1
        return give_up() if known is None else len(known)
    return len(shape) if isinstance(shape, tuple | list) else 1


batching(np.broadcast_arrays, lambda *args: np.broadcast_arrays(*broadcast(whole_examples(args))))


def whole_examples(args: Any) -> Any:
    """Arguments that are all batched."""
    demand(all(isinstance(a, Many) for a in args))
    return args


def deep(k: int) -> Callable[..., Any]:
    """The row of np.atleast_1d and its kin."""

    def row(a: Any, *more: Any) -> Any:
        demand(not more)
        if ndim(a) - 1 >= k:
            return a
        if ndim(a) == 1:
            return a[(slice(None), *[None] * k)]
        return a[:, None] if k == 2 else a[:, None, :, None] if ndim(a) == 2 else a[..., None]

    return row


for _k, _function in enumerate((np.atleast_1d, np.atleast_2d, np.atleast_3d), start=1):
    leading(_function, deep(_k))

# Orders

leading(np.flip, lambda m, axis=None: np.flip(m, later(axis, m)))
leading(np.flipud, lambda m: np.flip(m, 1))
leading(np.fliplr, lambda m: np.flip(m, 2))
leading(np.rot90, lambda m, k=1, axes=(0, 1): np.rot90(m, k, tuple(later(tuple(axes), m))))
leading(
    np.roll,
    lambda a, shift, axis=None: np.roll(
        a, shift, later(axis, a) if axis is not None or ndim(a) == 2 else give_up()
    ),
)

# Repetitions

leading(
    np.repeat,
    lambda a, repeats, axis=None: (
        np.repeat(flat(a), repeats, 1) if axis is None else np.repeat(a, repeats, later(axis, a))
    ),
)


def tiled(a: Any, reps: Any) -> Any:
    """np.tile of each example."""
    counts = tuple(constant(reps)) if isinstance(reps, tuple | list) else (reps,)
    missing = len(counts) - (ndim(a) - 1)
    if missing > 0:
        a = a[(slice(None), *[None] * missing)]
    return np.tile(a, (1, *[1] * max(0, -missing), *counts))


leading(np.tile, lambda A, reps: tiled(A, reps))


def padded(function: Any) -> Callable[..., Any]:
    """The row of np.pad."""

    def row(a: Any, width: Any, *more: Any, **named: Any) -> Any:
        axes = ndim(a) - 1
        constant((width, named))
        each = np.broadcast_to(np.asarray(width), (axes, 2)).tolist()
        return function(a, ((0, 0), *map(tuple, each)), *more, **named)

    return row


leading(np.pad, padded(np.pad))

# Several arrays


def several(arrays: Any) -> list[Any]:
    """Several arrays that are given in a list; lists among them are made arrays."""
    demand(isinstance(arrays, list | tuple))
    return [as_array(a) for a in arrays]


def parts(arrays: Any) -> list[Any]:
    """Several arrays, all of them whole."""
    return wholes(several(arrays))


def joined(arrays: Any, axis: Any = 0) -> Any:
    """np.concatenate of each example."""
    if isinstance(arrays, Many):  # a list of which every entry is batched
        demand(axis is not None)
        return np.concatenate(arrays.whole, later(axis, None))
    if axis is None:
        return np.concatenate([flat(a) for a in parts(arrays)], 1)
    return np.concatenate(parts(arrays), later(axis, None))


def stacked(arrays: Any, axis: Any = 0) -> Any:
    """np.stack of each example."""
    if isinstance(arrays, Many):
        return stack(arrays.whole, later(axis, None))
    return np.stack(parts(arrays), later(axis, None))


def depth(arrays: Any) -> int:
    """The number of axes that each of several examples has."""
    found = set(ranks(several(arrays)))
    demand(len(found) == 1)
    return found.pop()


batching(np.concatenate, joined, lists=True)
batching(np.stack, stacked, lists=True)
batching(np.hstack, lambda tup: stacked(tup) if depth(tup) == 0 else joined(
    tup, 0 if depth(tup) == 1 else 1), lists=True)  # fmt: skip
batching(np.vstack, lambda tup: stacked([row_of(a) for a in tup]) if depth(tup) == 0 else stacked(
    tup) if depth(tup) == 1 else joined(tup), lists=True)  # fmt: skip
batching(np.dstack, lambda tup: stacked(tup, 2) if depth(tup) == 2 else joined(
    tup, 2) if depth(tup) > 2 else give_up(), lists=True)  # fmt: skip
batching(np.column_stack, lambda tup: stacked(tup, 1) if depth(tup) == 1 else joined(
    tup, 1) if depth(tup) > 1 else give_up(), lists=True)  # fmt: skip


def row_of(a: Any) -> Any:
    """A number as an array of one."""
    a = as_array(a)
    return Many(a.whole[:, None], a.spread) if isinstance(a, Many) else give_up()


batching(np.append, lambda arr, values, axis=None: joined([arr, values], axis))


def made(object: Any, dtype: Any = None, **named: Any) -> Any:
    """An array of a nest of lists."""
    a = nest(object)
    return a if dtype is None else traced(runtime.astype)(a, dtype)


for _function in (np.array, np.asarray, np.asanyarray):
    batching(_function, made, lists=True)
leading(np.ascontiguousarray, lambda a: contiguous(a if ndim(a) > 1 else a[:, None]))
for _function in (np.split, np.array_split):
    leading(_function, (lambda f: lambda ary, indices_or_sections, axis=0: f(
        ary, indices_or_sections, later(axis, ary)))(_function))  # fmt: skip
leading(np.hsplit, lambda ary, indices_or_sections: np.split(
    ary, indices_or_sections, 1 if ndim(ary) == 2 else 2))  # fmt: skip
leading(np.vsplit, lambda ary, indices_or_sections: np.split(ary, indices_or_sections, 1))
leading(np.dsplit, lambda ary, indices_or_sections: np.split(ary, indices_or_sections, 3))
leading(runtime.unstack, lambda given, axis=0: traced(runtime.unstack)(given, at(axis, given)))
if hasattr(np, "unstack"):
    leading(np.unstack, lambda x, *, axis=0: np.unstack(x, axis=later(axis, x)))
for _sequence in (list, tuple):
    leading(
        _sequence, (lambda f: lambda iterable: f(np.swapaxes(iterable, 0, 1)))(traced(_sequence))
    )
leading(
    runtime.tolist,
    lambda x: traced(list)(np.swapaxes(x, 0, 1)) if ndim(x) == 2 else give_up(),
)
leading(runtime.item, lambda x: np.reshape(x, length(x)) if ndim(x) > 1 else x)

# Choices

leading(
    np.take,
    lambda a, indices, axis=None: np.take(
        flat(a) if axis is None else a, indices, 1 if axis is None else later(axis, a)
    ),
)
together(
    np.take_along_axis,
    lambda arr, indices, axis=-1: (
        np.take_along_axis(arr, indices, at(axis, arr)) if axis is not None else give_up()
    ),
    2,
)
together(
    runtime.add_along_axis,
    lambda d, indices, v, axis: (
        give_up() if axis is None else add_along_axis(d, indices, v, at(axis, d))
    ),
    3,
)
leading(
    np.compress,
    lambda condition, a, axis=None: np.compress(condition, flat(a) if axis is None else a,
                                                1 if axis is None else later(axis, a)),
    argnum=1,
)  # fmt: skip
leading(np.interp, lambda x, xp, fp: np.interp(x, xp, fp))
leading(np.digitize, lambda x, bins, right=False: np.digitize(x, bins, right))
leading(np.searchsorted, lambda a, v, side="left": np.searchsorted(a, v, side), argnum=1)
leading(np.polyval, lambda p, x: np.polyval(p, x), argnum=1)
batching(
    np.linspace,
    lambda start, stop, num=50, endpoint=True: np.moveaxis(
        linspace(*broadcast([start, stop]), constant(num), endpoint), 1, 0
    ),
)
