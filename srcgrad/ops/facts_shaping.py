"""What is known of arrays that are made, reshaped, joined, cut up or put in order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..ir.types import (
    PY_BOOL,
    PY_COMPLEX,
    PY_FLOAT,
    PY_INT,
    SCALARS,
    UNKNOWN,
    Dim,
    Facts,
    Shape,
    Size,
    array,
)
from . import facts
from .facts import (
    KnownShape,
    as_array,
    at_least,
    axes_of,
    broadcast,
    dtype_name,
    dtype_same,
    is_one,
    of,
    product,
    quotient,
    result,
    size_of,
    sized,
    sizes,
    view,
)

# Asking


def shape(a: Any) -> Facts:
    """The result of np.shape."""
    x = as_array(a)
    if x.dims is None:
        return Facts("tuple", None, x.shape, element=PY_INT)
    return Facts("tuple", items=tuple(map(sized, x.dims)), cls=tuple)


def ndim(a: Any) -> Facts:
    """The result of np.ndim."""
    return sized(as_array(a).ndim)


def size(a: Any, axis: Any = None) -> Facts:
    """The result of np.size."""
    x = as_array(a)
    if x.dims is None or not (axis is None or isinstance(axis, int)):
        return PY_INT
    return sized(product(x.dims) if axis is None else x.dims[axis])


def dtype_of(x: Any) -> Facts:
    """The result of `dtype_of(x)` of the run time."""
    return Facts("opaque", dtype_same(of(x)))


# The same entries in another shape


def reshape(a: Any, shape: Any, *args: Any, **kwargs: Any) -> Facts:
    """The result of np.reshape: always an array."""
    x = as_array(a)
    wanted = sizes(shape)
    if not isinstance(wanted, tuple):
        return array(x.dtype, wanted)
    if -1 in wanted:
        rest = product([s for s in wanted if s != -1])
        total = None if x.dims is None else product(x.dims)
        wanted = tuple(quotient(total, rest) if s == -1 else s for s in wanted)
    return array(x.dtype, wanted)


def ravel(a: Any, *args: Any, **kwargs: Any) -> Facts:
    """The result of np.ravel."""
    x = as_array(a)
    return array(x.dtype, (None if x.dims is None else product(x.dims),))


def transpose(a: Any, axes: Any = None) -> Facts:
    """The result of np.transpose."""
    x = as_array(a)
    if x.dims is None:
        return view(of(a), None)
    if axes is None:
        return view(of(a), x.dims[::-1])
    order = axes_of(tuple(axes) if isinstance(axes, list) else axes, len(x.dims))
    if order is None:
        return array(x.dtype, (None,) * len(x.dims))
    return view(of(a), tuple(x.dims[k] for k in order))


def moveaxis(a: Any, source: Any, destination: Any) -> Facts:
    """The result of np.moveaxis."""
    x = as_array(a)
    if x.dims is None:
        return array(x.dtype)
    n = len(x.dims)
    start, end = (
        axes_of(tuple(k) if isinstance(k, list | range) else k, n) for k in (source, destination)
    )
    if start is None or end is None or len(start) != len(end):
        return array(x.dtype, (None,) * n)
    order = [k for k in range(n) if k not in start]
    for to, k in sorted(zip(end, start, strict=True)):
        order.insert(to, k)
    return array(x.dtype, tuple(x.dims[k] for k in order))


def rollaxis(a: Any, axis: Any, start: Any = 0) -> Facts:
    """The result of np.rollaxis."""
    x = as_array(a)
    if x.dims is None or not (isinstance(axis, int) and isinstance(start, int)):
        return array(x.dtype)
    n = len(x.dims)
    axis, start = axis % n, start + n if start < 0 else start
    return moveaxis(x, axis, start - 1 if axis < start else start)


def swapaxes(a: Any, axis1: Any, axis2: Any) -> Facts:
    """The result of np.swapaxes."""
    x = as_array(a)
    axes = None if x.dims is None else axes_of((axis1, axis2), len(x.dims))
    if x.dims is None or axes is None:
        return array(x.dtype, None if x.dims is None else (None,) * len(x.dims))
    swapped = list(x.dims)
    swapped[axes[0]], swapped[axes[1]] = swapped[axes[1]], swapped[axes[0]]
    return array(x.dtype, tuple(swapped))


def matrix_transpose(x: Any) -> Facts:
    """The result of np.matrix_transpose."""
    return swapaxes(x, -1, -2)


def squeeze(a: Any, axis: Any = None) -> Facts:
    """The result of np.squeeze."""
    x = as_array(a)
    if x.dims is None:
        return Facts("unknown", x.dtype)
    if axis is None:
        ones = [is_one(d) for d in x.dims]
        if None in ones:
            return Facts("unknown", x.dtype)
        return view(of(a), tuple(d for d, one in zip(x.dims, ones, strict=True) if not one))
    axes = axes_of(axis, len(x.dims))
    if axes is None:
        return Facts("unknown", x.dtype)
    return view(of(a), tuple(d for k, d in enumerate(x.dims) if k not in axes))


def expand_dims(a: Any, axis: Any) -> Facts:
    """The result of np.expand_dims: always an array."""
    x = as_array(a)
    if x.dims is None:
        return array(x.dtype)
    new = len(axis) if isinstance(axis, tuple | list) else 1
    axes = axes_of(tuple(axis) if isinstance(axis, list) else axis, len(x.dims) + new)
    if axes is None:
        return array(x.dtype, (None,) * (len(x.dims) + new))
    rest = iter(x.dims)
    return array(x.dtype, tuple(1 if k in axes else next(rest) for k in range(len(x.dims) + new)))


def broadcast_to(a: Any, shape: Any) -> Facts:
    """The result of np.broadcast_to: always an array."""
    return array(as_array(a).dtype, sizes(shape))


def broadcast_arrays(*args: Any) -> Facts:
    """The result of np.broadcast_arrays: a tuple, before NumPy 2.0 a list."""
    given = [as_array(a) for a in args]
    shape = broadcast([x.shape for x in given])
    return Facts(
        "list" if facts.BEFORE_2 else "tuple", items=tuple(array(x.dtype, shape) for x in given)
    )


def same_array(a: Any, *args: Any, **kwargs: Any) -> Facts:
    """The result is an array like the first argument."""
    x = as_array(a)
    return array(x.dtype, x.shape)


def same_axes(a: Any, *args: Any, **kwargs: Any) -> Facts:
    """The result is an array like the first argument, which has axes."""
    x = as_array(a)
    return array(x.dtype, x.shape) if x.dims else Facts("unknown", x.dtype)


def rot90(m: Any, k: Any = 1, axes: Any = (0, 1)) -> Facts:
    """The result of np.rot90."""
    x = as_array(m)
    if isinstance(k, int) and k % 2 == 0:
        return array(x.dtype, x.shape)
    if not isinstance(axes, tuple | list) or not isinstance(k, int):
        return array(x.dtype, None if x.dims is None else (None,) * len(x.dims))
    return swapaxes(m, *axes)


def repeat(a: Any, repeats: Any, axis: Any = None) -> Facts:
    """The result of np.repeat."""
    x = as_array(a)
    if x.dims is None:
        return array(x.dtype, (None,) if axis is None else None)
    known = x.dims if axis is not None else (product(x.dims),)
    if not (axis is None or isinstance(axis, int)):
        return array(x.dtype, (None,) * len(known))
    k = 0 if axis is None else axis % len(known)
    times, size = repeats, known[k]
    if isinstance(repeats, list | tuple | np.ndarray) and np.ndim(repeats) == 1:
        longer: Size | None = None if len(repeats) == 1 else int(np.sum(repeats))
    else:
        longer = None if size is None else product((size_of(times), size))
    return array(x.dtype, (*known[:k], longer, *known[k + 1 :]))


def tile(a: Any, reps: Any) -> Facts:
    """The result of np.tile."""
    x = as_array(a)
    times = sizes(reps)
    if x.dims is None or not isinstance(times, tuple):
        return array(x.dtype)
    n = max(len(times), len(x.dims))
    times = (1,) * (n - len(times)) + times
    known = (1,) * (n - len(x.dims)) + x.dims
    return array(x.dtype, tuple(product(pair) for pair in zip(times, known, strict=True)))


def pad(a: Any, pad_width: Any, *args: Any, **kwargs: Any) -> Facts:
    """The result of np.pad."""
    x = as_array(a)
    if x.dims is None:
        return array(x.dtype)
    try:
        widths = np.broadcast_to(np.asarray(pad_width), (len(x.dims), 2))
    except (TypeError, ValueError):  # a dict, or a width that only a run knows
        return array(x.dtype, (None,) * len(x.dims))
    if widths.dtype.kind not in "iu":
        return array(x.dtype, (None,) * len(x.dims))
    longer = [
        None if d is None else d + int(w[0]) + int(w[1])
        for d, w in zip(x.dims, widths, strict=True)
    ]
    return array(x.dtype, tuple(longer))


# Joining and cutting


def arrays_of(arrays: Any) -> list[Facts] | None:
    """The facts of each of several arrays, where their number is known."""
    if isinstance(arrays, list | tuple):
        return [as_array(a) for a in arrays]
    x = of(arrays)
    if x.kind in ("list", "tuple") and x.items is not None:
        return [as_array(a) for a in x.items]
    return None


def joint_dtype(parts: Sequence[Facts]) -> str | None:
    """The dtype of arrays put together."""
    names = {dtype_same(p) for p in parts}
    if None in names or not names:
        return None
    if len(names) == 1:
        return names.pop()
    return str(np.result_type(*[np.dtype(n) for n in names if n]).name)


def concatenate(arrays: Any, axis: Any = 0, **kwargs: Any) -> Facts:
    """The result of np.concatenate."""
    parts = arrays_of(arrays)
    if parts is None:
        return array()
    dtype = joint_dtype(parts) if kwargs.get("dtype") is None else dtype_name(kwargs["dtype"])
    shapes = [p.dims for p in parts]
    if axis is None:
        ravelled = [None if s is None else product(s) for s in shapes]
        return array(dtype, (_total(ravelled),))
    if not isinstance(axis, int):
        return array(dtype)
    return array(dtype, _joined([s for s in shapes if s is not None], axis, len(parts)))


def _total(parts: Sequence[Size | None]) -> Size | None:
    total: Size = 0
    for part in parts:
        if part is None:
            return None
        total = part + total
    return total


def _joined(shapes: Sequence[Shape], axis: int, count: int) -> Shape | None:
    if not shapes or not shapes[0] or any(len(s) != len(shapes[0]) for s in shapes):
        return None
    n = len(shapes[0])
    along = _total([s[axis % n] for s in shapes]) if len(shapes) == count else None
    return tuple(
        along if k == axis % n else next((s[k] for s in shapes if s[k] is not None), None)
        for k in range(n)
    )


def append(arr: Any, values: Any, axis: Any = None) -> Facts:
    """The result of np.append."""
    return concatenate([of(arr), of(values)], axis)


def stack(arrays: Any, axis: Any = 0, **kwargs: Any) -> Facts:
    """The result of np.stack."""
    parts = arrays_of(arrays)
    if parts is None:
        return array()
    dtype = joint_dtype(parts) if kwargs.get("dtype") is None else dtype_name(kwargs["dtype"])
    shapes = [p.dims for p in parts if p.dims is not None]
    if not shapes or not isinstance(axis, int):
        return array(dtype)
    first = tuple(next((d for d in ds if d is not None), None) for ds in zip(*shapes, strict=False))
    at = axis % (len(first) + 1)
    return array(dtype, (*first[:at], len(parts), *first[at:]))


def deepened(dims: Shape, kind: str) -> Shape:
    """A shape as np.vstack and its kin see it."""
    if kind == "column_stack":
        return (*dims, 1) if len(dims) == 1 else dims or (1, 1)
    if kind == "hstack":
        return dims or (1,)
    if kind == "vstack":
        return (1, *dims) if len(dims) == 1 else dims or (1, 1)
    if len(dims) == 2:
        return (*dims, 1)
    return (1, *dims, 1) if len(dims) == 1 else dims or (1, 1, 1)


def stacked(kind: str) -> Callable[..., Facts]:
    """Inference for np.vstack, np.hstack, np.dstack and np.column_stack."""

    def infer(tup: Any) -> Facts:
        parts = arrays_of(tup)
        if parts is None:
            return array()
        dtype = joint_dtype(parts)
        if any(p.dims is None for p in parts):
            return array(dtype)
        deep = [deepened(p.dims or (), kind) for p in parts]
        axis = {"vstack": 0, "dstack": 2, "column_stack": 1}.get(kind, min(len(deep[0]) - 1, 1))
        return array(dtype, _joined(deep, axis, len(parts)))

    return infer


def split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> Facts:
    """The result of np.split and np.array_split: a list of arrays."""
    x = as_array(ary)
    cuts = indices_or_sections
    if x.dims is None or not isinstance(axis, int):
        return Facts("list", element=array(x.dtype))
    axis = axis % len(x.dims)
    size = x.dims[axis]
    if isinstance(cuts, int):
        found = _sections(size, cuts)
    elif isinstance(cuts, list | tuple | np.ndarray) and all(size_of(c) is not None for c in cuts):
        ends = [0, *(size_of(c) for c in cuts), None]
        found = [
            facts.slice_size(size, slice(a, b)) if not _negative(a, b) else None
            for a, b in pairwise(ends)
        ]
    else:
        return Facts("list", element=array(x.dtype))
    items = tuple(array(x.dtype, (*x.dims[:axis], n, *x.dims[axis + 1 :])) for n in found)
    return Facts("list", items=items, cls=list)


def _negative(*ends: Any) -> bool:
    return any(not (e is None or at_least(e, 0)) for e in ends)


def _sections(size: Size | None, count: int) -> list[Size | None]:
    if isinstance(size, int):
        return [size // count + (k < size % count) for k in range(count)]
    return [quotient(size, count)] * count


def split_along(kind: str) -> Callable[..., Facts]:
    """Inference for np.hsplit, np.vsplit and np.dsplit."""

    def infer(ary: Any, indices_or_sections: Any) -> Facts:
        rank = as_array(ary).ndim
        if rank is None:
            return Facts("list", element=array(as_array(ary).dtype))
        axis = {"hsplit": min(rank - 1, 1), "vsplit": 0, "dsplit": 2}[kind]
        return split(ary, indices_or_sections, axis)

    return infer


def at_least_nd(kind: str) -> Callable[..., Facts]:
    """Inference for np.atleast_1d and its kin, of one array or of several."""

    def infer(*arys: Any) -> Facts:
        found = []
        for a in arys:
            x = as_array(a)
            found.append(array(x.dtype, None if x.dims is None else deepened(x.dims, kind)))
        if len(found) == 1:
            return found[0]
        return Facts("list" if facts.BEFORE_2 else "tuple", items=tuple(found))

    return infer


def like_each(g: Any, arrays: Any, *args: Any, **kwargs: Any) -> Facts:
    """A list of arrays of the shapes of `arrays`: the result of `split_like` of the run time."""
    parts, dtype = arrays_of(arrays), as_array(g).dtype
    if parts is None:
        return Facts("list", element=array(dtype))
    return Facts("list", items=tuple(array(dtype, p.shape) for p in parts), cls=list)


def unstacked(g: Any, axis: Any = 0) -> Facts:
    """The result of `unstack(g, axis)` of the run time."""
    x = as_array(g)
    if not x.dims or not isinstance(axis, int):
        return Facts("list", element=Facts("unknown", x.dtype))
    at = axis % len(x.dims)
    rest = x.dims[:at] + x.dims[at + 1 :]
    entry = result(x.dtype, rest)
    n = x.dims[at]
    return Facts("list", items=(entry,) * n) if isinstance(n, int) else Facts("list", element=entry)


def unstacked_tuple(x: Any, *, axis: Any = 0) -> Facts:
    """The result of np.unstack: a tuple, of arrays even where they have no axes."""
    given = as_array(x)
    if not given.dims or not isinstance(axis, int):
        return Facts("tuple", element=Facts("unknown", given.dtype))
    at = axis % len(given.dims)
    rest, n = given.dims[:at] + given.dims[at + 1 :], given.dims[at]
    entry = array(given.dtype, rest) if rest else Facts("unknown", given.dtype, ())
    if isinstance(n, int):
        return Facts("tuple", items=(entry,) * n, cls=tuple)
    return Facts("tuple", element=entry)


# Making


def made(object: Any, dtype: Any = None, **kwargs: Any) -> Facts:
    """The result of np.array: always an array."""
    x = as_array(object)
    return array(x.dtype if dtype is None else dtype_name(dtype), x.shape)


def contiguous(a: Any, dtype: Any = None) -> Facts:
    """The result of np.ascontiguousarray, which has at least one axis."""
    x = made(a, dtype)
    return array(x.dtype, (1,) if x.shape == () else x.dims)


def cast(x: Any, dtype: Any) -> Facts:
    """The result of `astype(x, dtype)` of the run time."""
    given = of(x)
    name = dtype_name(dtype)
    if given.kind == "array":
        return array(name, given.shape)
    if given.kind in SCALARS:
        return facts.number(name)
    return Facts("unknown", name, given.shape)


def converted(x: Any, dtype: Any) -> Facts:
    """The result of `np.float64(x)` and its kin."""
    return result(dtype_name(dtype), as_array(x).shape)


def shape_like(x: Any, *args: Any, dtype: Any = None, shape: Any = None, **kwargs: Any) -> Facts:
    """The result of np.zeros_like and its kin: always an array."""
    given = as_array(x)
    known = given.shape if shape is None else sizes(shape)
    return array(given.dtype if dtype is None else dtype_name(dtype), known)


def full_like(a: Any, fill_value: Any, dtype: Any = None, **kwargs: Any) -> Facts:
    """The result of np.full_like."""
    return shape_like(a, dtype=dtype)


def filled(shape: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Facts:
    """The result of np.zeros and its kin."""
    return array("float64" if dtype is None else dtype_name(dtype), sizes(shape))


def full(shape: Any, fill_value: Any, dtype: Any = None, **kwargs: Any) -> Facts:
    """The result of np.full."""
    name = as_array(fill_value).dtype if dtype is None else dtype_name(dtype)
    return array(name, sizes(shape))


def eye(N: Any, M: Any = None, k: Any = 0, dtype: Any = float, **kwargs: Any) -> Facts:
    """The result of np.eye and np.identity."""
    rows = size_of(N)
    return array(dtype_name(dtype), (rows, rows if M is None else size_of(M)))


def identity(n: Any, dtype: Any = None, **kwargs: Any) -> Facts:
    """The result of np.identity."""
    return eye(n, dtype=float if dtype is None else dtype)


def arange(start: Any, stop: Any = None, step: Any = 1, *, dtype: Any = None) -> Facts:
    """The result of np.arange."""
    first, last = (0, start) if stop is None else (start, stop)
    kinds = {of(v).kind for v in (first, last, step)}
    plain = all(of(v).dtype is None for v in (first, last, step))
    name = None
    if dtype is not None:
        name = dtype_name(dtype)
    elif plain and kinds == {"int"}:
        name = str(np.dtype(int).name)
    elif plain and kinds <= {"int", "float"}:
        name = "float64"
    name = facts.complex_dtype([of(first), of(step), of(last)]) or name
    if not any(isinstance(v, Facts) for v in (first, last, step)):
        return array(name, (max(math.ceil((last - first) / step), 0),))
    a, b = size_of(first), size_of(last)
    if a is None or b is None or size_of(step) != 1 or not at_least(b - a, 0):
        return array(name, (None,))
    return array(name, (b - a,))


def linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, *, dtype: Any = None
) -> Facts:
    """The result of np.linspace."""
    p, q = as_array(start), as_array(stop)
    around = broadcast([p.shape, q.shape])
    plain = all(of(v).kind in ("int", "float") and of(v).dtype is None for v in (start, stop))
    name = dtype_name(dtype) if dtype is not None else "float64" if plain else None
    if (
        {p.dtype, q.dtype} <= {"float64", "int64"}
        and dtype is None
        and None not in (p.dtype, q.dtype)
    ):
        name = "float64"
    if p.is_complex or q.is_complex:  # the steps are numbers of double precision
        name = "complex128"
    return array(name, (size_of(num), *around) if isinstance(around, tuple) else None)


def vander(x: Any, N: Any = None, increasing: Any = False) -> Facts:
    """The result of np.vander."""
    given = as_array(x)
    n = given.dims[0] if given.dims else None
    name = given.dtype if given.dtype in ("float64", "int64", "complex128") else None
    return array(name, (n, n if N is None else size_of(N)))


def meshgrid(*xi: Any, indexing: Any = "xy") -> Facts:
    """The result of np.meshgrid: a tuple, before NumPy 2.0 a list."""
    given = [as_array(x) for x in xi]
    ns = [None if x.dims is None else product(x.dims) for x in given]
    if indexing == "xy" and len(ns) > 1:
        ns[0], ns[1] = ns[1], ns[0]
    elif indexing not in ("xy", "ij"):
        ns = [None] * len(ns)
    items = tuple(array(x.dtype, tuple(ns)) for x in given)
    return Facts("list" if facts.BEFORE_2 else "tuple", items=items)


# Order and choice


def ordered(a: Any, axis: Any = -1, **kwargs: Any) -> Facts:
    """The result of np.sort."""
    return ravel(a) if axis is None else same_array(a)


def partitioned(a: Any, kth: Any, axis: Any = -1, **kwargs: Any) -> Facts:
    """The result of np.partition."""
    return ordered(a, axis)


def order(a: Any, axis: Any = -1, **kwargs: Any) -> Facts:
    """The result of np.argsort."""
    x = ordered(a, axis)
    if not as_array(a).dims and axis is not None:
        return array(facts.dtype_int(x))
    return array(facts.dtype_int(x), x.shape)


def partial_order(a: Any, kth: Any, axis: Any = -1, **kwargs: Any) -> Facts:
    """The result of np.argpartition."""
    return order(a, axis)


def take(a: Any, indices: Any, axis: Any = None) -> Facts:
    """The result of np.take."""
    x, at = as_array(a), as_array(indices)
    if at.dims is None or (axis is not None and (x.dims is None or not isinstance(axis, int))):
        return Facts("unknown", x.dtype)
    if axis is None:
        return result(x.dtype, at.dims)
    dims = x.dims or ()
    k = axis % len(dims)
    return result(x.dtype, (*dims[:k], *at.dims, *dims[k + 1 :]))


def take_along(arr: Any, indices: Any, axis: Any = -1) -> Facts:
    """The result of np.take_along_axis."""
    x, at = as_array(arr), as_array(indices)
    if axis is None:
        return ravel(Facts("array", x.dtype, at.shape))
    if (
        x.dims is None
        or at.dims is None
        or not isinstance(axis, int)
        or len(x.dims) != len(at.dims)
    ):
        return array(x.dtype)
    k = axis % len(x.dims)
    sizes = [
        n if j == k else _both(m, n) for j, (m, n) in enumerate(zip(x.dims, at.dims, strict=True))
    ]
    return array(x.dtype, tuple(sizes))


def _both(m: Size | None, n: Size | None) -> Size | None:
    joint = broadcast([(m,), (n,)])
    return joint[0] if isinstance(joint, tuple) else None


def compress(condition: Any, a: Any, axis: Any = None) -> Facts:
    """The result of np.compress."""
    x = as_array(a)
    if axis is None:
        return array(x.dtype, (None,))
    if x.dims is None or not isinstance(axis, int):
        return array(x.dtype)
    k = axis % len(x.dims)
    return array(x.dtype, (*x.dims[:k], None, *x.dims[k + 1 :]))


def extract(condition: Any, arr: Any) -> Facts:
    """The result of np.extract."""
    return array(as_array(arr).dtype, (None,))


def interp(x: Any, xp: Any, fp: Any) -> Facts:
    """The result of np.interp."""
    return result("complex128" if of(fp).is_complex else "float64", as_array(x).shape)


def polyval(p: Any, x: Any) -> Facts:
    """The result of np.polyval."""
    a, b = as_array(p), as_array(x)
    names = {a.dtype, b.dtype}
    if a.is_complex or b.is_complex:
        known = isinstance(a.dims, tuple) and a.dims and at_least(a.dims[0], 1)
        return Facts("unknown", facts.complex_dtype([a, b]) if known else None)
    name = names.pop() if len(names) == 1 else None
    if not (isinstance(a.dims, tuple) and a.dims and at_least(a.dims[0], 1)) or name != "float64":
        return UNKNOWN
    return result(name, b.shape)


def positions(a: Any) -> Facts:
    """The result of np.nonzero."""
    x, entry = as_array(a), array(facts.dtype_int(UNKNOWN), (None,))
    if not x.dims:
        return Facts("tuple", element=entry)
    return Facts("tuple", items=(entry,) * len(x.dims), cls=tuple)


def some_positions(*args: Any, **kwargs: Any) -> Facts:
    """The result of np.flatnonzero and the like."""
    return array(facts.dtype_int(UNKNOWN), (None,))


def searched(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Facts:
    """The result of np.searchsorted."""
    return result(facts.dtype_int(UNKNOWN), as_array(v).shape)


def listed(x: Any) -> Facts:
    """The result of `x.tolist()`: lists of lists of Python numbers."""
    given = as_array(x)
    if given.dtype is not None and np.dtype(given.dtype).kind in "fc" and given.dims is not None:
        listed = PY_COMPLEX if given.is_complex else PY_FLOAT
        for _ in given.dims:
            listed = Facts("list", element=listed)
        return listed
    return Facts("unknown", None, ()) if as_array(x).dims == () else Facts("list")


def single(x: Any) -> Facts:
    """The result of `x.item()`: a Python number."""
    name = as_array(x).dtype
    if name is None:
        return Facts("unknown", None, ())
    kinds = {"f": PY_FLOAT, "i": PY_INT, "u": PY_INT, "b": PY_BOOL, "c": PY_COMPLEX}
    return kinds.get(np.dtype(name).kind, Facts("opaque"))


__all__ = ["Dim", "KnownShape"]
