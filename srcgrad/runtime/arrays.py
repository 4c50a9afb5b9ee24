"""Adjoints that are arrays: cotangents brought to the shape, place and type of their arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def unbroadcast(g: Any, x: Any) -> Any:
    """`g` summed over the axes along which broadcasting had repeated `x`; it has the shape of `x`.

    Where `x` is real, only the real part of `g` moves it. A container has no shape of its own: its
    cotangent is handed back as it is.

    >>> unbroadcast(np.ones((2, 3)), np.zeros(3))
    array([2., 2., 2.])
    >>> unbroadcast(np.ones((2, 3)), np.zeros((2, 1)))
    array([[3.],
           [3.]])
    """
    if isinstance(x, list | tuple | dict):
        return g
    shape = np.shape(x)
    if np.iscomplexobj(g) and not np.iscomplexobj(x):
        g = np.real(g)
    if np.shape(g) == shape:
        return g
    g = np.sum(g, axis=tuple(range(np.ndim(g) - len(shape))))
    axes = tuple(k for k, n in enumerate(shape) if n == 1 and np.shape(g)[k] != 1)
    if axes:
        g = np.sum(g, axis=axes, keepdims=True)
    return np.full(shape, g) if np.shape(g) != shape else g


def dtype_of(x: Any) -> Any:
    """The dtype of an array or number.

    >>> dtype_of(np.ones(2, np.float32)), dtype_of(1.0)
    (dtype('float32'), dtype('float64'))
    """
    return np.asarray(x).dtype


def astype(x: Any, dtype: Any) -> Any:
    """`x` in another dtype: an array stays an array, a number becomes a NumPy number.

    >>> astype(np.array([1.5, 2.5]), int), type(astype(1.5, np.float32)).__name__
    (array([1, 2]), 'float32')
    """
    return x.astype(dtype) if isinstance(x, np.ndarray) else np.dtype(dtype).type(x)


def item(x: Any) -> Any:
    """The one entry of an array, as a Python number.

    >>> item(np.array([[2.5]]))
    2.5
    """
    return np.asarray(x).item()


def tolist(x: Any) -> Any:
    """The entries of an array as nested lists of Python numbers.

    >>> tolist(np.ones((1, 2)))
    [[1.0, 1.0]]
    """
    return np.asarray(x).tolist()


def imaginary_unit(x: Any) -> Any:
    """1j where `x` is complex and 0.0 where it is real, whose imaginary part never moves.

    >>> imaginary_unit(1.0), imaginary_unit(1 + 2j)
    (0.0, 1j)
    """
    return 1j if np.iscomplexobj(x) else 0.0


def inverse_permutation(axes: Sequence[int]) -> tuple[int, ...]:
    """Where each axis went: `np.transpose(np.transpose(x, axes), inverse_permutation(axes))` is `x`.

    >>> inverse_permutation((2, 0, -2))
    (1, 2, 0)
    """
    back = [0] * len(axes)
    for k, axis in enumerate(axes):
        back[axis] = k
    return tuple(back)


def restore_axes(g: Any, axis: Any, keepdims: Any) -> Any:
    """The result of a reduction with the axes back, at size one, that it took away.

    >>> restore_axes(np.ones(2), 1, False).shape, restore_axes(1.0, None, False)
    ((2, 1), 1.0)
    """
    return g if axis is None or keepdims else np.expand_dims(g, axis)


def reduced_size(x: Any, axis: Any) -> int:
    """How many entries a reduction over `axis` takes together.

    >>> reduced_size(np.ones((2, 3, 4)), (0, -1)), reduced_size(np.ones((2, 3)), None)
    (8, 6)
    """
    if axis is None:
        return int(np.size(x))
    size = 1
    for k in axis if isinstance(axis, tuple | list) else (axis,):
        size *= np.shape(x)[k]
    return size


def align(w: Any, a: Any, axis: Any) -> Any:
    """Weights along `axis` of `a` with axes of size one beside them, so that they broadcast.

    >>> align(np.ones(2), np.ones((2, 3)), 0).shape, align(np.ones((2, 3)), np.ones((2, 3)), 0).shape
    ((2, 1), (2, 3))
    """
    if np.ndim(w) == np.ndim(a):
        return w
    axes = [k % np.ndim(a) for k in (axis if isinstance(axis, tuple | list) else (axis,))]
    w = np.transpose(w, inverse_permutation(np.argsort(np.argsort(axes)).tolist()))
    return np.reshape(w, [n if k in axes else 1 for k, n in enumerate(np.shape(a))])


def line_sums(a: Any, axis: int) -> Any:
    """The sums of a matrix along one axis, which keeps size one; a vector as it is.

    >>> line_sums(np.ones((2, 3)), 0), line_sums(np.ones(3), 0)
    (array([[2., 2., 2.]]), array([1., 1., 1.]))
    """
    return np.sum(a, axis=axis, keepdims=True) if np.ndim(a) == 2 else a


def shifted(a: Any, by: int, axis: int) -> Any:
    """The entries of `a` moved by so many places along an axis, with zeros where none arrives.

    >>> shifted(np.array([1.0, 2.0, 3.0]), 1, 0), shifted(np.array([1.0, 2.0, 3.0]), -1, 0)
    (array([0., 1., 2.]), array([2., 3., 0.]))
    """
    out = np.zeros_like(a)
    into, start = np.moveaxis(out, axis, 0), np.moveaxis(a, axis, 0)
    if by > 0:
        into[by:] = start[:-by]
    else:
        into[:by] = start[-by:]
    return out


def diff_adjoint(g: Any, n: int = 1, axis: int = -1) -> Any:
    """The adjoint of np.diff: differences of what is padded with zeros, the other way round.

    >>> diff_adjoint(np.array([1.0, 5.0]))
    array([-1., -4.,  5.])
    """
    g = np.moveaxis(g, axis, -1)
    for _ in range(n):
        padded = np.zeros((*g.shape[:-1], g.shape[-1] + 2), g.dtype)
        padded[..., 1:-1] = g
        g = padded[..., :-1] - padded[..., 1:]
    return np.moveaxis(g, -1, axis)


def linear_scan(g: Any, x: Any, axis: int) -> Any:
    """The recurrence `y[i] = g[i] + x[i] * y[i - 1]` along an axis, in as many steps as n has bits.

    >>> linear_scan(np.array([1.0, 1.0, 1.0]), np.array([9.0, 2.0, 3.0]), 0)
    array([ 1.,  3., 10.])
    """
    y, p = np.array(np.moveaxis(g, axis, 0)), np.array(np.moveaxis(x, axis, 0))
    if np.iscomplexobj(p):
        y = y.astype(np.result_type(y, p))
    step = 1
    while step < len(y):
        y[step:] += p[step:] * y[:-step]
        p[step:] *= p[:-step]
        step *= 2
    return np.moveaxis(y, 0, axis)


def exclusive_cumprod(x: Any, axis: int) -> Any:
    """The product of all entries before each one.

    >>> exclusive_cumprod(np.array([2.0, 3.0, 4.0]), 0)
    array([1., 2., 6.])
    """
    out = np.ones_like(x)
    into, start = np.moveaxis(out, axis, 0), np.moveaxis(x, axis, 0)
    np.cumprod(start[:-1], axis=0, out=into[1:])
    return out


def product_of_others(x: Any, axis: int | None = None) -> Any:
    """For each entry the product of all others along the axis; without division, so zeros are fine.

    >>> product_of_others(np.array([2.0, 0.0, 4.0]))
    array([0., 8., 0.])
    """
    if axis is None:
        return np.reshape(product_of_others(np.ravel(x), 0), np.shape(x))
    after = np.flip(exclusive_cumprod(np.flip(x, axis), axis), axis)
    return exclusive_cumprod(x, axis) * after


def quantile_weights(a: Any, q: float, axis: Any) -> Any:
    """What each entry counts for in the q-quantile along `axis`; it has the shape of `a`.

    >>> quantile_weights(np.array([3.0, 1.0, 2.0, 9.0]), 0.5, None)
    array([0.5, 0. , 0.5, 0. ])
    """
    if np.ndim(q):
        raise ValueError("one quantile at a time")
    a = np.asarray(a)
    given = range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = [k % a.ndim for k in given]
    out = np.zeros(a.shape, a.dtype)
    last = tuple(range(a.ndim - len(axes), a.ndim))
    moved = np.moveaxis(a, axes, last)
    flat = moved.reshape(*moved.shape[: a.ndim - len(axes)], -1)
    order = np.argsort(flat, axis=-1, kind="stable")
    place = q * (flat.shape[-1] - 1)
    low = int(place)
    high = min(low + 1, flat.shape[-1] - 1)
    weights = np.zeros_like(flat)
    np.put_along_axis(weights, order[..., high : high + 1], place - low, -1)
    np.put_along_axis(weights, order[..., low : low + 1], 1 - (place - low) * (high > low), -1)
    np.moveaxis(out, axes, last)[...] = weights.reshape(moved.shape)
    return out


def split_like(g: Any, arrays: Sequence[Any], axis: Any = 0) -> list[Any]:
    """`g` cut into pieces of the shapes of `arrays`: the adjoint of joining them along an axis.

    >>> split_like(np.arange(3.0), [np.ones(1), np.ones(2)])
    [array([0.]), array([1., 2.])]
    """
    if axis is None:
        ends = np.cumsum([np.size(a) for a in arrays])[:-1]
        return [p.reshape(np.shape(a)) for p, a in zip(np.split(g, ends), arrays, strict=True)]
    return np.split(g, np.cumsum([np.shape(a)[axis] for a in arrays])[:-1], axis)


def unstack(g: Any, axis: int = 0) -> list[Any]:
    """The slices of `g` along an axis: the adjoint of stacking.

    >>> unstack(np.array([[1.0, 2.0], [3.0, 4.0]]), 1)
    [array([1., 3.]), array([2., 4.])]
    """
    return list(np.moveaxis(g, axis, 0))


def split_stacked(g: Any, arrays: Sequence[Any], kind: str) -> list[Any]:
    """`g` cut into pieces of the shapes of `arrays`: the adjoint of np.vstack and its kin.

    >>> split_stacked(np.arange(4.0).reshape(2, 2), [np.ones(2), np.ones((1, 2))], "vstack")
    [array([0., 1.]), array([[2., 3.]])]
    """
    deep = {"vstack": np.atleast_2d, "hstack": np.atleast_1d, "dstack": np.atleast_3d}
    if kind == "column_stack":
        wide = [a if np.ndim(a) > 1 else np.reshape(a, (-1, 1)) for a in arrays]
    else:
        wide = [deep[kind](a) for a in arrays]
    axis = {"vstack": 0, "hstack": min(1, np.ndim(wide[0]) - 1), "dstack": 2, "column_stack": 1}
    pieces = split_like(g, wide, axis[kind])
    return [np.reshape(p, np.shape(a)) for p, a in zip(pieces, arrays, strict=True)]


def repeat_adjoint(g: Any, a: Any, repeats: Any, axis: int | None = None) -> Any:
    """`g` summed over what np.repeat had made of each entry of `a`.

    >>> repeat_adjoint(np.arange(4.0), np.ones(2), [1, 3])
    array([0., 6.])
    """
    flat = np.ravel(a) if axis is None else np.asarray(a)
    k = 0 if axis is None else axis
    source = np.repeat(np.arange(flat.shape[k]), repeats)
    out = np.zeros(flat.shape, np.result_type(g))
    np.add.at(np.moveaxis(out, k, 0), source, np.moveaxis(g, k, 0))
    return out.reshape(np.shape(a))


def tile_adjoint(g: Any, a: Any, reps: Any) -> Any:
    """`g` summed over the copies that np.tile had made of `a`.

    >>> tile_adjoint(np.arange(4.0), np.ones(2), 2)
    array([2., 4.])
    """
    reps = tuple(reps) if isinstance(reps, tuple | list | np.ndarray) else (reps,)
    ndim = max(len(reps), np.ndim(a))
    reps = (1,) * (ndim - len(reps)) + reps
    shape = (1,) * (ndim - np.ndim(a)) + np.shape(a)
    pairs = [n for pair in zip(reps, shape, strict=True) for n in pair]
    return np.sum(np.reshape(g, pairs), axis=tuple(range(0, 2 * ndim, 2))).reshape(np.shape(a))


def pad_adjoint(g: Any, array: Any, pad_width: Any, mode: str = "constant") -> Any:
    """`g` with the margins that np.pad had added cut off, or added to the entries they copy.

    >>> pad_adjoint(np.array([1.0, 2.0, 4.0]), np.ones(2), (1, 0))
    array([2., 4.])
    >>> pad_adjoint(np.array([1.0, 2.0, 4.0]), np.ones(2), (1, 0), "edge")
    array([3., 4.])
    """
    shape, size = np.shape(array), np.size(array)
    place = np.arange(1, size + 1).reshape(shape)  # 0 is left for a margin that copies nothing
    source = np.pad(place, pad_width, mode=mode)  # type: ignore[call-overload]
    out = np.zeros(size + 1, np.result_type(g))
    np.add.at(out, source, g)
    return out[1:].reshape(shape)


def add_along_axis(d: Any, indices: Any, v: Any, axis: int | None) -> Any:
    """`d` with `v` added at the entries that np.take_along_axis would take; `d` itself stays.

    >>> add_along_axis(np.zeros((1, 3)), np.array([[2, 2]]), np.array([[1.0, 5.0]]), 1)
    array([[0., 0., 6.]])
    """
    if axis is None:
        flat = add_along_axis(np.ravel(d), np.ravel(indices), np.ravel(v), 0)
        return np.reshape(flat, np.shape(d))
    d = np.array(d, np.result_type(d, v) if np.iscomplexobj(v) else None)
    grid: list[Any] = list(np.ix_(*(np.arange(n) for n in d.shape)))
    grid[axis] = indices
    np.add.at(d, tuple(grid), v)
    return d
