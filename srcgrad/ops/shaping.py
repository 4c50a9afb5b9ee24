"""Rules of the functions that make, reshape, join, cut up and put in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import runtime
from ..ir.types import PY_BOOL
from . import facts
from . import facts_shaping as shaping
from .asks import as_float, integer, kind, moving, number, rank, settled, static, takes_lists
from .registry import Formula, custom, linear, refuse, zero
from .trace import Tracer, traced

array = traced(np.array)
concatenate = traced(np.concatenate)
stack = traced(np.stack)
hstack = traced(np.hstack)
astype = traced(runtime.astype)
dtype_of = traced(runtime.dtype_of)
zeros_like = traced(runtime.zeros_like)
unbroadcast = traced(runtime.unbroadcast)
index_add = traced(runtime.index_add)
inverse_permutation = traced(runtime.inverse_permutation)
nested = traced(runtime.nested)
split_like = traced(runtime.split_like)
split_stacked: Any = traced(runtime.split_stacked)
unstack = traced(runtime.unstack)
repeat_adjoint = traced(runtime.repeat_adjoint)
tile_adjoint = traced(runtime.tile_adjoint)
pad_adjoint = traced(runtime.pad_adjoint)
add_along_axis = traced(runtime.add_along_axis)
regroup = traced(runtime.regroup)
_len = traced(len)

MOST_ARRAYS = 32  # arguments of the functions that take any number of arrays

# Asking: nothing flows through the answer

zero(np.shape, infer=shaping.shape)
zero(np.ndim, infer=shaping.ndim)
zero(np.size, infer=shaping.size)
zero(len, infer=facts.length)
zero(runtime.dtype_of, infer=shaping.dtype_of)
zero(runtime.inverse_permutation, infer=facts.opaque)
zero((np.isscalar, np.iscomplexobj, np.isrealobj, np.array_equal, np.allclose),
     infer=facts.constant(PY_BOOL))  # fmt: skip

# The same entries in another shape


def reshaped(g: Any, a: Any, order: Any = "C") -> Any:
    """`g` in the shape of `a`."""
    if order == "C":
        return np.reshape(g, np.shape(a))
    if order != "F":
        refuse("np.reshape", f"order={order!r}", "use order='C' or order='F'")
    return np.reshape(g, np.shape(a), order="F")


def along(axis: int, part: Any) -> Any:
    """An index into one axis."""
    if axis >= 0:
        return (slice(None),) * axis + (part,)
    return (Ellipsis, part) + (slice(None),) * (-1 - axis)


def entry(axis: Any, k: Any) -> Any:
    """The index of slice k along an axis."""
    return k if axis == 0 else along(axis, k)


def squeezed(g: Any, a: Any, axis: Any) -> Any:
    """The cotangent of np.squeeze."""
    axis = settled(axis)
    return reshaped(g, a) if axis is None or not static(axis) else np.expand_dims(g, axis)


def unrolled(g: Any, axis: Any, start: Any, a: Any) -> Any:
    """The cotangent of np.rollaxis: the axis moved back."""
    n = rank(a)
    if not (number(axis) and number(start)) or (n is None and (axis < 0 or start < 0)):
        refuse("np.rollaxis", "axes that only a run knows", "use np.moveaxis")
    axis, start = axis % (n or axis + 1), start + (n or 0) if start < 0 else start
    return np.moveaxis(g, start - 1 if axis < start else start, axis)


linear(np.reshape, lambda g, y, a, shape, order="C": reshaped(g, a, order), infer=shaping.reshape)
linear(np.ravel, lambda g, y, a, order="C": reshaped(g, a, order), infer=shaping.ravel)
linear(
    np.transpose,
    lambda g, y, a, axes=None: (
        np.transpose(g) if settled(axes) is None else np.transpose(g, inverse_permutation(axes))
    ),
    infer=shaping.transpose,
)
linear(
    np.moveaxis,
    lambda g, y, a, source, destination: np.moveaxis(g, destination, source),
    infer=shaping.moveaxis,
)
linear(
    np.rollaxis,
    lambda g, y, a, axis, start=0: unrolled(g, axis, start, a),
    infer=shaping.rollaxis,
)
linear(
    np.swapaxes,
    lambda g, y, a, axis1, axis2: np.swapaxes(g, axis1, axis2),
    infer=shaping.swapaxes,
)
if hasattr(np, "matrix_transpose"):
    linear(
        np.matrix_transpose,
        lambda g, y, x: np.matrix_transpose(g),
        infer=shaping.matrix_transpose,
    )
linear(np.squeeze, lambda g, y, a, axis=None: squeezed(g, a, axis), infer=shaping.squeeze)
linear(
    np.expand_dims,
    lambda g, y, a, axis: np.squeeze(g, tuple(axis) if isinstance(axis, list) else axis),
    infer=shaping.expand_dims,
)
linear(
    np.broadcast_to, lambda g, y, array, shape: unbroadcast(g, array), infer=shaping.broadcast_to
)


def each(formula: Callable[..., Any]) -> tuple[Formula, ...]:
    """A formula for each argument of a function of any number of arrays; `formula` is told which."""

    def of(k: int) -> Formula:
        return lambda g, y, *arrays: formula(g, y, k, arrays)

    return tuple(of(k) for k in range(MOST_ARRAYS))


def one_of(y: Any, k: int, g: Any) -> Any:
    """The tangent of several results, of which only result k moves."""
    return index_add(zeros_like(y), k, g)


def deepened(g: Any, y: Any, k: int, arrays: Sequence[Any]) -> Any:
    """The tangent of np.atleast_1d and its kin, of one array or of several."""
    if len(arrays) == 1:
        return np.reshape(g, np.shape(y))
    return one_of(y, k, np.reshape(g, np.shape(y[k])))


for _function, _kind in (
    (np.atleast_1d, "hstack"), (np.atleast_2d, "vstack"), (np.atleast_3d, "dstack"),
):  # fmt: skip
    custom(
        _function,
        vjp=each(lambda g, y, k, arrays: reshaped(g if len(arrays) == 1 else g[k], arrays[k])),
        jvp=each(deepened),
        infer=shaping.at_least_nd(_kind),
    )
custom(
    np.broadcast_arrays,
    vjp=each(lambda g, y, k, arrays: unbroadcast(g[k], arrays[k])),
    jvp=each(lambda g, y, k, arrays: one_of(y, k, np.broadcast_to(g, np.shape(y[k])))),
    infer=shaping.broadcast_arrays,
)

# The same entries in other places


def backwards(shift: Any) -> Any:
    """A shift, or several, the other way."""
    if isinstance(shift, tuple | list):
        return tuple(map(backwards, shift))
    if isinstance(shift, np.ndarray | np.generic):
        return backwards(shift.tolist())
    if isinstance(shift, Tracer) and not is_whole(shift):
        return -astype(shift, "int64")
    return -shift


def is_whole(n: Any) -> bool:
    """Whether minus a traced integer is what it is in mathematics: an unsigned one wraps around."""
    known = n.facts
    return known.dtype == "int64" or (known.dtype is None and known.kind in ("int", "unknown"))


linear(
    np.roll,
    lambda g, y, a, shift, axis=None: np.roll(g, backwards(shift), axis),
    infer=shaping.same_array,
)
linear(np.flip, lambda g, y, m, axis=None: np.flip(g, axis), infer=shaping.same_axes)
linear(np.fliplr, lambda g, y, m: np.fliplr(g), infer=shaping.same_array)
linear(np.flipud, lambda g, y, m: np.flipud(g), infer=shaping.same_array)
linear(np.rot90, lambda g, y, m, k=1, axes=(0, 1): np.rot90(g, -k, axes), infer=shaping.rot90)


def repeated(g: Any, a: Any, repeats: Any, axis: Any) -> Any:
    """The cotangent of np.repeat: sums over each entry's copies."""
    axis = settled(axis)
    if not integer(repeats) or not (axis is None or (axis in (0, -1) and rank(a) == 1)):
        return repeat_adjoint(g, a, repeats, axis)
    sums = np.sum(np.reshape(g, (-1, repeats)), axis=1)
    return sums if rank(a) == 1 else reshaped(sums, a)


def tiled(g: Any, a: Any, reps: Any) -> Any:
    """The cotangent of np.tile: the sum over the copies."""
    if rank(a) == 1 and integer(reps):
        return np.sum(np.reshape(g, (reps, -1)), axis=0)
    return tile_adjoint(g, a, reps)


PAD_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def cut(g: Any, a: Any, pad_width: Any, mode: Any, constant_values: Any) -> Any:
    """The cotangent of np.pad: the margins cut off, or added to what they copy."""
    if not static(constant_values):
        refuse("np.pad", "the values to pad with", "pass them as constants, or concatenate")
    if mode not in PAD_MODES:
        refuse("np.pad", f"mode={mode!r}", f"use one of {', '.join(PAD_MODES)}")
    n = rank(a)
    if mode != "constant" or n is None or not static(pad_width) or isinstance(pad_width, dict):
        return (
            pad_adjoint(g, a, pad_width, mode)
            if mode != "constant"
            else pad_adjoint(g, a, pad_width)
        )
    widths = np.broadcast_to(np.asarray(pad_width), (n, 2)).tolist()
    index = tuple(slice(before or None, -after if after else None) for before, after in widths)
    return g[index[0] if n == 1 else index]


linear(
    np.repeat,
    lambda g, y, a, repeats, axis=None: repeated(g, a, repeats, axis),
    infer=shaping.repeat,
)
linear(
    runtime.repeat_adjoint,
    lambda g, y, given, a, repeats, axis=None: np.repeat(g, repeats, axis),
    None,
    infer=facts.like(1),
)
linear(np.tile, lambda g, y, A, reps: tiled(g, A, reps), infer=shaping.tile)
linear(
    runtime.tile_adjoint, lambda g, y, given, a, reps: np.tile(g, reps), None, infer=facts.like(1)
)
custom(
    np.pad,
    vjp=lambda g, y, array, pad_width, mode="constant", *, constant_values=0: cut(
        g, array, pad_width, mode, constant_values
    ),
    jvp=lambda g, y, array, pad_width, mode="constant", *, constant_values=0: np.pad(
        g, pad_width, mode
    ),
    infer=shaping.pad,
)
linear(
    runtime.pad_adjoint,
    lambda g, y, given, array, pad_width, mode="constant": np.pad(g, pad_width, mode),
    None,
    infer=facts.like(1),
)

# Joining and cutting


def ends_of(arrays: Sequence[Any], size: Any) -> list[Any]:
    """Where each of several arrays that are joined ends, the last one left open."""
    ends: list[Any] = []
    for a in arrays[:-1]:
        ends.append(size(a) if not ends else ends[-1] + size(a))
    return [*ends, None]


def pieces(g: Any, arrays: Any, axis: Any) -> Any:
    """The cotangents of joined arrays: each the part of `g` that it became."""
    axis = settled(axis)
    if isinstance(arrays, Tracer) or not static(axis):
        return split_like(g, arrays, axis)
    if axis is None:
        ends = ends_of(arrays, np.size)
        return [
            reshaped(g[start:end], a)
            for start, end, a in zip([None, *ends[:-1]], ends, arrays, strict=True)
        ]
    ends = ends_of(arrays, lambda a: np.shape(a)[axis])
    return [g[entry(axis, slice(a, b))] for a, b in zip([None, *ends[:-1]], ends, strict=True)]


def slices(g: Any, arrays: Any, axis: Any) -> Any:
    """The cotangents of stacked arrays."""
    if isinstance(arrays, Tracer):
        return regroup(unstack(g, axis), arrays)
    if not static(axis):
        return unstack(g, axis)
    return [g[entry(axis, k)] for k in range(len(arrays))]


def layers(g: Any, arrays: Any, join: str) -> Any:
    """The cotangents of arrays joined by np.vstack or its kin."""
    if isinstance(arrays, Tracer):
        return split_stacked(g, arrays, join)
    ranks = {rank(a) for a in arrays}
    if ranks == {1} and join in ("vstack", "column_stack"):
        return slices(g, arrays, 0 if join == "vstack" else 1)
    if ranks == {1} and join == "hstack":
        return pieces(g, arrays, 0)
    if ranks == {2} and join != "dstack":
        return pieces(g, arrays, 0 if join == "vstack" else 1)
    if ranks == {2}:
        return slices(g, arrays, 2)
    return split_stacked(g, arrays, join)


linear(
    np.concatenate,
    lambda g, y, arrays, axis=0: pieces(g, arrays, axis),
    infer=shaping.concatenate,
    lists=True,
)
linear(
    np.stack,
    lambda g, y, arrays, axis=0: slices(g, arrays, axis),
    infer=shaping.stack,
    lists=True,
)
for _name in ("vstack", "hstack", "dstack", "column_stack"):
    linear(
        getattr(np, _name),
        (lambda join: lambda g, y, tup: layers(g, tup, join))(_name),
        infer=shaping.stacked(_name),
        lists=True,
    )


def joined(g: Any, arrays: Any, join: str) -> Any:
    """Arrays joined by np.vstack or its kin."""
    return traced(getattr(np, join))(g)


if hasattr(np, "unstack"):
    linear(np.unstack, lambda g, y, x, *, axis=0: stack(g, axis), infer=shaping.unstacked_tuple)
linear(
    runtime.split_like,
    lambda g, y, given, arrays, axis=0: concatenate(g, axis),
    None,
    infer=shaping.like_each,
    lists=True,
)
linear(runtime.unstack, lambda g, y, given, axis=0: stack(g, axis), infer=shaping.unstacked)
linear(
    runtime.split_stacked,
    lambda g, y, given, arrays, kind: joined(g, arrays, kind),
    None,
    infer=shaping.like_each,
    lists=True,
)
custom(
    np.append,
    vjp=(
        lambda g, y, arr, values, axis=None: pieces(g, [arr, values], axis)[0],
        lambda g, y, arr, values, axis=None: pieces(g, [arr, values], axis)[1],
    ),
    jvp=(
        lambda g, y, arr, values, axis=None: np.append(g, np.zeros_like(values), axis),
        lambda g, y, arr, values, axis=None: np.append(np.zeros_like(arr), g, axis),
    ),
    infer=shaping.append,
)
for _name in ("split", "array_split"):
    linear(
        getattr(np, _name),
        lambda g, y, ary, indices_or_sections, axis=0: concatenate(g, axis),
        infer=shaping.split,
    )
linear(
    np.hsplit,
    lambda g, y, ary, indices_or_sections: hstack(g),
    infer=shaping.split_along("hsplit"),
)
linear(
    np.vsplit,
    lambda g, y, ary, indices_or_sections: concatenate(g),
    infer=shaping.split_along("vsplit"),
)
linear(
    np.dsplit,
    lambda g, y, ary, indices_or_sections: concatenate(g, 2),
    infer=shaping.split_along("dsplit"),
)

# Making


def cut_up(g: Any, object: Any) -> Any:
    """The cotangents of the entries of a nested list that np.array had made an array of."""
    if isinstance(object, Tracer):
        return nested(g, object) if kind(object) in ("list", "tuple") else g
    return leaves(g, object, ())


def leaves(g: Any, object: Any, path: tuple[int, ...]) -> Any:
    """The cotangents of the leaves of a nested list, each read at its place."""
    if isinstance(object, list | tuple):
        return [leaves(g, v, (*path, k)) for k, v in enumerate(object)]
    return g[path if len(path) > 1 else path[0]] if path else g


def retyped(g: Any, x: Any, dtype: Any) -> Any:
    """`g` in the dtype of an array that had been given another one."""
    if dtype is None or kind(x) in ("list", "tuple"):
        return g
    return astype(moving(g, x), dtype_of(x))


linear(
    np.array,
    lambda g, y, object, dtype=None, *, copy=True: retyped(cut_up(g, object), object, dtype),
    infer=shaping.made,
    lists=True,
)
linear(
    (np.asarray, np.asanyarray),
    lambda g, y, a, dtype=None: retyped(cut_up(g, a), a, dtype),
    infer=shaping.made,
    lists=True,
)
linear(
    np.ascontiguousarray,
    lambda g, y, a, dtype=None: reshaped(retyped(g, a, dtype), a),
    infer=shaping.contiguous,
)
linear(np.copy, lambda g, y, a: g, infer=shaping.same_array)
linear(
    runtime.nested, lambda g, y, given, like: array(g), None, infer=facts.structure_like, lists=True
)
linear(runtime.astype, lambda g, y, x, dtype: astype(moving(g, x), dtype_of(x)), infer=shaping.cast)
if hasattr(np, "astype"):
    linear(np.astype, lambda g, y, x, dtype: astype(moving(g, x), dtype_of(x)), infer=shaping.cast)
linear(runtime.item, lambda g, y, x: np.broadcast_to(g, np.shape(x)), infer=shaping.single)
linear(runtime.tolist, lambda g, y, x: array(g), infer=shaping.listed)
for _dtype in (np.float64, np.float32):
    linear(
        _dtype,
        lambda g, y, x=0.0: astype(g, dtype_of(x)),
        infer=(lambda d: lambda x=0.0: shaping.converted(x, d))(_dtype),
    )
for _whole in (np.int64, np.int32, np.bool_):
    zero(_whole, infer=(lambda d: lambda x=0: shaping.converted(x, d))(_whole))
linear(
    np.full_like,
    lambda g, y, a, fill_value, dtype=None: unbroadcast(g, fill_value),
    argnum=1,
    infer=shaping.full_like,
)
linear(
    np.full,
    lambda g, y, shape, fill_value, dtype=None: unbroadcast(g, fill_value),
    argnum=1,
    infer=shaping.full,
)
zero((np.zeros_like, np.ones_like, np.empty_like), infer=shaping.shape_like)
zero((np.zeros, np.ones, np.empty), infer=shaping.filled)
zero(np.eye, infer=shaping.eye)
zero(np.identity, infer=shaping.identity)
zero(np.tri, infer=facts.an_array)


def at_ends(weights: Any, g: Any, end: Any) -> Any:
    """The cotangent of one end of np.linspace."""
    weights = astype(weights, dtype_of(g))
    d = weights @ g if rank(g) in (1, 2) else np.tensordot(weights, g, axes=1)
    return d if rank(end) == 0 and rank(g) == 1 else unbroadcast(d, end)


def spaced(g: Any, y: Any, weights: Any) -> Any:
    """The tangent of np.linspace that one end causes."""
    weights = astype(weights, dtype_of(y))
    if rank(g) == 0:
        shape = (-1,) + (1,) * ((rank(y) or 1) - 1)
        return np.broadcast_to(np.reshape(weights, shape) * g, np.shape(y))
    return np.broadcast_to(np.tensordot(weights, g, axes=0), np.shape(y))


_linspace = traced(np.linspace)
custom(
    np.linspace,
    vjp=(
        lambda g, y, start, stop, num=50, endpoint=True: at_ends(
            1 - _linspace(0.0, 1.0, num, endpoint), g, start
        ),
        lambda g, y, start, stop, num=50, endpoint=True: at_ends(
            _linspace(0.0, 1.0, num, endpoint), g, stop
        ),
    ),
    jvp=(
        lambda g, y, start, stop, num=50, endpoint=True: spaced(
            g, y, 1 - _linspace(0.0, 1.0, num, endpoint)
        ),
        lambda g, y, start, stop, num=50, endpoint=True: spaced(
            g, y, _linspace(0.0, 1.0, num, endpoint)
        ),
    ),
    infer=shaping.linspace,
)
_arange = traced(np.arange)
custom(
    np.arange,
    vjp=(
        lambda g, y, start, stop=None, step=1: zeros_like(start) if stop is None else np.sum(g),
        None,
        lambda g, y, start, stop=None, step=1: np.sum(g * _arange(_len(g))),
    ),
    jvp=(
        lambda g, y, start, stop=None, step=1: (
            np.zeros_like(y) if stop is None else np.full_like(y, g)
        ),
        None,
        lambda g, y, start, stop=None, step=1: g * _arange(_len(y)),
    ),
    infer=shaping.arange,
)


def column_sums(g: Any, k: int, xi: Sequence[Any], indexing: Any) -> Any:
    """The cotangent of one axis of np.meshgrid: the sum over all others."""
    axis = 1 - k if indexing == "xy" and k < 2 and len(xi) > 1 else k
    others = tuple(j for j in range(len(xi)) if j != axis)
    d = np.sum(g[k], axis=others) if others else g[k]
    return d if rank(xi[k]) == 1 else reshaped(d, xi[k])


def row_tangent(g: Any, y: Any, k: int, xi: Sequence[Any], indexing: Any) -> Any:
    """The tangent of np.meshgrid that one axis causes."""
    axis = 1 - k if indexing == "xy" and k < 2 and len(xi) > 1 else k
    wide = np.reshape(g, [-1 if j == axis else 1 for j in range(len(xi))])
    return index_add(zeros_like(y), k, np.broadcast_to(wide, np.shape(y[k])))


def mesh_adjoint(k: int) -> Formula:
    """The formula of axis k of np.meshgrid."""
    return lambda g, y, *xi, indexing="xy": column_sums(g, k, xi, indexing)


def mesh_tangent(k: int) -> Formula:
    """The tangent that axis k of np.meshgrid causes."""
    return lambda g, y, *xi, indexing="xy": row_tangent(g, y, k, xi, indexing)


custom(
    np.meshgrid,
    vjp=[mesh_adjoint(k) for k in range(MOST_ARRAYS)],
    jvp=[mesh_tangent(k) for k in range(MOST_ARRAYS)],
    infer=shaping.meshgrid,
)

# Order and choice. Where an entry goes does not move with the entries.


def unsorted(g: Any, order: Any, a: Any, axis: Any) -> Any:
    """`g`, whose entries stand in the given order, put back."""
    if axis is None or rank(a) == 1:
        back = g[np.argsort(order)]
        return back if rank(a) == 1 else reshaped(back, a)
    return np.take_along_axis(g, along_axis(np.argsort, order, axis=axis), axis)


def put_in_order(g: Any, order: Any, axis: Any) -> Any:
    """`g` in the given order."""
    return np.ravel(g)[order] if axis is None else np.take_along_axis(g, order, axis)


def along_axis(function: Any, *args: Any, axis: Any) -> Any:
    """A function of the sorting family, along an axis that is left out where it is the last."""
    return function(*args) if number(axis) and axis == -1 else function(*args, axis=axis)


custom(
    np.sort,
    vjp=lambda g, y, a, axis=-1: unsorted(g, along_axis(np.argsort, a, axis=axis), a, axis),
    jvp=lambda g, y, a, axis=-1: put_in_order(g, along_axis(np.argsort, a, axis=axis), axis),
    infer=shaping.ordered,
)
custom(
    np.partition,
    vjp=lambda g, y, a, kth, axis=-1: unsorted(
        g, along_axis(np.argpartition, a, kth, axis=axis), a, axis
    ),
    jvp=lambda g, y, a, kth, axis=-1: put_in_order(
        g, along_axis(np.argpartition, a, kth, axis=axis), axis
    ),
    infer=shaping.partitioned,
)
zero(np.argsort, infer=shaping.order)
zero(np.argpartition, infer=shaping.partial_order)


def taken(g: Any, a: Any, indices: Any, axis: Any) -> Any:
    """The cotangent of np.take: added back where it was taken."""
    axis = settled(axis)
    if isinstance(axis, Tracer):
        refuse("np.take", "an axis that only a run knows", "write it into the call")
    if axis is None and rank(a) != 1:
        return reshaped(index_add(zeros_like(np.ravel(a)), indices, g), a)
    return index_add(zeros_like(a), entry(axis or 0, indices), g)


linear(
    np.take,
    lambda g, y, a, indices, axis=None: taken(g, a, indices, axis),
    infer=shaping.take,
)
linear(
    np.take_along_axis,
    lambda g, y, arr, indices, axis=-1: add_along_axis(zeros_like(arr), indices, g, axis),
    infer=shaping.take_along,
)
custom(
    runtime.add_along_axis,
    vjp=(
        lambda g, y, d, indices, v, axis: g,
        None,
        lambda g, y, d, indices, v, axis: (
            np.take_along_axis(g, indices, axis)
            if axis is not None
            else np.reshape(np.ravel(g)[np.ravel(indices)], np.shape(v))
        ),
    ),
    jvp=(
        lambda g, y, d, indices, v, axis: g,
        None,
        lambda g, y, d, indices, v, axis: add_along_axis(zeros_like(d), indices, g, axis),
    ),
    infer=facts.added_to,
)
linear(
    np.compress,
    lambda g, y, condition, a, axis=None: taken(g, a, np.flatnonzero(condition), axis),
    argnum=1,
    infer=shaping.compress,
)
linear(
    np.extract,
    lambda g, y, condition, arr: taken(g, arr, np.flatnonzero(condition), None),
    argnum=1,
    infer=shaping.extract,
)
linear(
    np.bincount,
    lambda g, y, x, weights=None, minlength=0: g[x],
    argnum=1,
    infer=facts.an_array,
)

# Tables of values


def interval(x: Any, xp: Any) -> Any:
    """The interval of a table in which each entry lies; outside, the first or the last."""
    return np.clip(np.searchsorted(xp, x, side="right") - 1, 0, np.size(xp) - 2)


def slope(y: Any, x: Any, xp: Any, fp: Any) -> Any:
    """The slope of np.interp; outside the table it is flat."""
    k = interval(x, xp)
    xp, fp = as_float(xp, y), as_float(fp, y)
    rise = (fp[k + 1] - fp[k]) / (xp[k + 1] - xp[k])
    return rise * ((x >= xp[0]) & (x <= xp[-1]))


def between(y: Any, x: Any, xp: Any) -> Any:
    """How far between two places of the table each entry lies, from 0 to 1."""
    k = interval(x, xp)
    xp = as_float(xp, y)
    return np.clip((x - xp[k]) / (xp[k + 1] - xp[k]), 0, 1)


def table_adjoint(g: Any, x: Any, xp: Any, t: Any) -> Any:
    """`g` shared between the two places of the table beside each entry."""
    k = interval(x, xp)
    return index_add(index_add(zeros_like(xp), k, g * (1 - t)), k + 1, g * t)


def table_tangent(g: Any, x: Any, xp: Any, t: Any) -> Any:
    """The tangent of the table, between the two places beside each entry."""
    k = interval(x, xp)
    return (1 - t) * g[k] + t * g[k + 1]


custom(
    np.interp,
    vjp=(
        lambda g, y, x, xp, fp: g * slope(y, x, xp, fp),
        lambda g, y, x, xp, fp: table_adjoint(-g * slope(y, x, xp, fp), x, xp, between(y, x, xp)),
        lambda g, y, x, xp, fp: table_adjoint(g, x, xp, between(y, x, xp)),
    ),
    jvp=(
        lambda g, y, x, xp, fp: g * slope(y, x, xp, fp),
        lambda g, y, x, xp, fp: -slope(y, x, xp, fp) * table_tangent(g, x, xp, between(y, x, xp)),
        lambda g, y, x, xp, fp: table_tangent(g, x, xp, between(y, x, xp)),
    ),
    infer=shaping.interp,
)


def exponents(n: Any, increasing: Any, x: Any) -> Any:
    """The powers that the columns of np.vander are of, in the dtype of `x`."""
    powers = astype(_arange(n), dtype_of(x))
    return powers if increasing else powers[::-1]


def vander_slope(y: Any, x: Any, increasing: Any) -> Any:
    """The derivatives of the columns of np.vander."""
    e = exponents(np.shape(y)[1], increasing, x)
    return e * np.expand_dims(x, -1) ** (e - (e != 0))


custom(
    np.vander,
    vjp=lambda g, y, x, N=None, increasing=False: np.sum(
        g * vander_slope(y, x, increasing), axis=1
    ),
    jvp=lambda g, y, x, N=None, increasing=False: (
        np.expand_dims(g, -1) * vander_slope(y, x, increasing)
    ),
    infer=shaping.vander,
)


def polynomial_slope(y: Any, p: Any, x: Any) -> Any:
    """The derivative of a polynomial at `x`."""
    if rank(p) not in (1, None):
        refuse("np.polyval", "several polynomials at once", "evaluate them one by one")
    p = as_float(p, y)
    falling = astype(_arange(_len(p) - 1, 0, -1), dtype_of(p))
    return np.polyval(p[:-1] * falling, x)


def coefficients(g: Any, y: Any, p: Any, x: Any) -> Any:
    """The cotangent of the coefficients of a polynomial."""
    if rank(p) not in (1, None):
        refuse("np.polyval", "several polynomials at once", "evaluate them one by one")
    d = np.transpose(np.vander(np.ravel(as_float(x, y)), _len(p))) @ np.ravel(g)
    return astype(moving(d, p), dtype_of(p))


custom(
    np.polyval,
    vjp=(
        lambda g, y, p, x: coefficients(g, y, p, x),
        lambda g, y, p, x: g * polynomial_slope(y, p, x),
    ),
    jvp=(
        lambda g, y, p, x: np.polyval(g, x),
        lambda g, y, p, x: g * polynomial_slope(y, p, x),
    ),
    infer=shaping.polyval,
)

takes_lists(np.interp, np.polyval)

# Positions and counts: integers, through which nothing flows

zero(np.nonzero, infer=shaping.positions)
zero(np.flatnonzero, infer=shaping.some_positions)
zero(np.searchsorted, infer=shaping.searched)
zero((np.argwhere, np.digitize, np.indices, np.lexsort), infer=facts.an_array)
zero(
    (np.triu_indices, np.tril_indices, np.diag_indices, np.triu_indices_from, np.tril_indices_from,
     np.ix_, np.unravel_index, np.ravel_multi_index, np.result_type, np.broadcast_shapes, np.finfo,
     np.iinfo),
    infer=facts.opaque,
)  # fmt: skip
