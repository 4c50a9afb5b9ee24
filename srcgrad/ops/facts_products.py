"""What is known of the results of products of arrays and of linear algebra."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..ir.types import UNKNOWN, Facts, MustFail, Shape, Size, array
from . import facts
from .facts import KnownShape, as_array, at_least, axes_of, broadcast, differ, product, result


def joint_dtype(a: Facts, b: Facts) -> str | None:
    """The dtype of a product of two arrays; np.dot takes Python numbers for arrays."""
    p, q = facts.dtype_same(a), facts.dtype_same(b)
    if p is None or q is None:
        return None
    return p if p == q else str(np.result_type(np.dtype(p), np.dtype(q)).name)


def adjoint(k: int) -> Callable[..., Facts]:
    """The result of the adjoint of a product for operand k, given the cotangent and both operands."""
    like = facts.like(k)

    def infer(*args: Any, **kwargs: Any) -> Facts:
        g, x, other = (as_array(args[j]) for j in (0, k, 3 - k))
        found = like(*args, **kwargs)
        if not (g.is_complex or other.is_complex) or x.shape == ():
            return found
        dtype = joint_dtype(g, other) if x.is_real or x.is_complex else None
        if x.is_real:
            dtype = facts.dtype_real(Facts("array", dtype))
        return replace(found, dtype=dtype)

    return infer


def matmul(a: Any, b: Any, **kwargs: Any) -> Facts:
    """The result of `a @ b`."""
    x, y = as_array(a), as_array(b)
    dtype = joint_dtype(x, y)
    if not x.dims or not y.dims:
        return Facts("unknown", dtype)
    p, q = x.dims, y.dims
    if differ(p[-1], q[-2] if len(q) > 1 else q[0]):
        raise MustFail
    core: Shape = (*(p[-2:-1] if len(p) > 1 else ()), *(q[-1:] if len(q) > 1 else ()))
    batch = broadcast([p[:-2], q[:-2]])
    if not isinstance(batch, tuple):
        return Facts("unknown", dtype)
    return result(dtype, (*batch, *core))


def dot(a: Any, b: Any) -> Facts:
    """The result of np.dot."""
    x, y = as_array(a), as_array(b)
    dtype = joint_dtype(x, y)
    if x.dims is None or y.dims is None:
        return Facts("unknown", dtype)
    if not x.dims or not y.dims:
        return result(dtype, x.dims or y.dims)
    if differ(x.dims[-1], y.dims[-2] if len(y.dims) > 1 else y.dims[0]):
        raise MustFail
    rest = y.dims[:-2] + y.dims[-1:] if len(y.dims) > 1 else ()
    return result(dtype, x.dims[:-1] + rest)


def inner(a: Any, b: Any) -> Facts:
    """The result of np.inner."""
    x, y = as_array(a), as_array(b)
    dtype = joint_dtype(x, y)
    if x.dims is None or y.dims is None:
        return Facts("unknown", dtype)
    if not x.dims or not y.dims:
        return result(dtype, x.dims or y.dims)
    return result(dtype, x.dims[:-1] + y.dims[:-1])


def vdot(a: Any, b: Any) -> Facts:
    """The result of np.vdot."""
    return facts.number(joint_dtype(as_array(a), as_array(b)))


def outer(a: Any, b: Any) -> Facts:
    """The result of np.outer."""
    x, y = as_array(a), as_array(b)
    shape = tuple(None if f.dims is None else product(f.dims) for f in (x, y))
    return array(joint_dtype(x, y), shape)


def tensordot(a: Any, b: Any, axes: Any = 2) -> Facts:
    """The result of np.tensordot: always an array."""
    x, y = as_array(a), as_array(b)
    dtype = joint_dtype(x, y)
    if x.dims is None or y.dims is None:
        return array(dtype)
    if isinstance(axes, int):
        of_a: Any = tuple(range(len(x.dims) - axes, len(x.dims)))
        of_b: Any = tuple(range(axes))
    elif isinstance(axes, tuple | list) and len(axes) == 2:
        of_a, of_b = (axes_of(tuple(k) if isinstance(k, list | range) else k, len(d))
                      for k, d in zip(axes, (x.dims, y.dims), strict=True))  # fmt: skip
    else:
        return array(dtype)
    if of_a is None or of_b is None:
        return array(dtype)
    free_a = tuple(d for k, d in enumerate(x.dims) if k not in of_a)
    free_b = tuple(d for k, d in enumerate(y.dims) if k not in of_b)
    return array(dtype, free_a + free_b)


def kron(a: Any, b: Any) -> Facts:
    """The result of np.kron."""
    x, y = as_array(a), as_array(b)
    dtype = joint_dtype(x, y)
    if x.dims is None or y.dims is None:
        return Facts("unknown", dtype)
    ndim = max(len(x.dims), len(y.dims))
    p = (1,) * (ndim - len(x.dims)) + x.dims
    q = (1,) * (ndim - len(y.dims)) + y.dims
    shape = tuple(product(pair) for pair in zip(p, q, strict=True))
    return array(dtype, shape) if shape else Facts("unknown", dtype, ())


def einsum(subscripts: Any, *operands: Any, optimize: Any = False) -> Facts:
    """The result of np.einsum."""
    given = [as_array(o) for o in operands]
    dtype = given[0].dtype
    for other in given[1:]:
        dtype = None if dtype is None else joint_dtype(Facts("array", dtype), other)
    if not isinstance(subscripts, str):
        return Facts("unknown")
    inputs, output = einsum_parts(subscripts)
    sizes: dict[str, list[Size | None]] = {}
    spread: list[KnownShape] = []
    for letters, operand in zip(inputs, given, strict=False):
        if operand.dims is None:
            return Facts("unknown", dtype)
        dots = letters.find(".")
        names = letters.replace("...", "")
        dims = list(operand.dims)
        if dots >= 0:
            extra = len(dims) - len(names)
            spread.append(tuple(dims[dots : dots + extra]))
            del dims[dots : dots + extra]
        for name, size in zip(names, dims, strict=False):
            sizes.setdefault(name, []).append(size)
    around = broadcast(spread) if spread else ()
    shape: list[Size | None] = []
    for name in output.replace("...", "."):
        if name == ".":
            if not isinstance(around, tuple):
                return Facts("unknown", dtype)
            shape.extend(around)
            continue
        joint = broadcast([(s,) for s in sizes.get(name, [None])])
        shape.append(joint[0] if isinstance(joint, tuple) else None)
    if shape:
        return array(dtype, tuple(shape))
    return Facts("unknown", dtype, ()) if optimize is not False else facts.number(dtype)


def einsum_parts(subscripts: str) -> tuple[list[str], str]:
    """The subscripts of each operand and of the result, the latter worked out where not written.

    >>> einsum_parts("ij, jk"), einsum_parts("...ii->...i")
    ((['ij', 'jk'], 'ik'), (['...ii'], '...i'))
    """
    given, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = given.split(",")
    if not arrow:
        letters = given.replace(",", "").replace(".", "")
        once = sorted(c for c in set(letters) if letters.count(c) == 1)
        output = ("..." if "." in given else "") + "".join(once)
    return inputs, output


def trace(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1, dtype: Any = None) -> Facts:
    """The result of np.trace."""
    x = as_array(a)
    name = facts.dtype_sum(x) if dtype is None else facts.dtype_name(dtype)
    axes = None if x.dims is None else axes_of((axis1, axis2), len(x.dims))
    if x.dims is None or axes is None:
        return Facts("unknown", name)
    return result(name, tuple(d for k, d in enumerate(x.dims) if k not in axes))


def diagonal_size(rows: Size | None, columns: Size | None, offset: Any) -> Size | None:
    """How long a diagonal of a matrix is."""
    if not isinstance(offset, int):
        return None
    if isinstance(rows, int) and isinstance(columns, int):
        return max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    if rows is None or rows != columns or not at_least(rows, abs(offset)):
        return None
    return rows - abs(offset)


def diagonal(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Facts:
    """The result of np.diagonal."""
    x = as_array(a)
    axes = None if x.dims is None else axes_of((axis1, axis2), len(x.dims))
    if x.dims is None or axes is None:
        return array(x.dtype)
    rest = tuple(d for k, d in enumerate(x.dims) if k not in axes)
    return array(x.dtype, (*rest, diagonal_size(x.dims[axes[0]], x.dims[axes[1]], offset)))


def diag(v: Any, k: Any = 0) -> Facts:
    """The result of np.diag."""
    x = as_array(v)
    if x.dims is None:
        return array(x.dtype)
    if len(x.dims) == 2:
        return array(x.dtype, (diagonal_size(*x.dims, k),))
    return diagflat(v, k)


def diagflat(v: Any, k: Any = 0) -> Facts:
    """The result of np.diagflat."""
    x = as_array(v)
    size = None if x.dims is None else product(x.dims)
    size = None if size is None or not isinstance(k, int) else size + abs(k)
    return array(x.dtype, (size, size))


def triangle(m: Any, k: Any = 0) -> Facts:
    """The result of np.tril and np.triu, which make a matrix of a vector."""
    x = as_array(m)
    dims = x.dims
    return array(x.dtype, (*dims, *dims) if dims is not None and len(dims) == 1 else dims)


def cross(a: Any, b: Any, *, axis: Any = -1) -> Facts:
    """The result of np.cross."""
    x, y = as_array(a), as_array(b)
    dtype = joint_dtype(x, y)
    if not x.dims or not y.dims or x.dims[-1] != 3 or y.dims[-1] != 3 or axis != -1:
        return Facts("unknown", dtype)
    return result(dtype, broadcast([x.dims, y.dims]))


def convolve(a: Any, v: Any, mode: Any = "full") -> Facts:
    """The result of np.convolve."""
    x, y = as_array(a), as_array(v)
    dtype = joint_dtype(x, y)
    p = x.dims[0] if x.dims else 1 if x.dims == () else None
    q = y.dims[0] if y.dims else 1 if y.dims == () else None
    size: Size | None = None
    if p is not None and q is not None:
        if mode == "full":
            size = p + q - 1
        else:
            larger = p if at_least(p - q, 0) else q if at_least(q - p, 0) else None
            smaller = q if larger is p else p
            if larger is not None:
                size = larger if mode == "same" else larger - smaller + 1
    return array(dtype, (size,))


def correlate(a: Any, v: Any, mode: Any = "valid") -> Facts:
    """The result of np.correlate."""
    return convolve(a, v, mode)


# Matrices: the last two axes


def inexact(x: Facts) -> str | None:
    """The dtype in which np.linalg computes."""
    return facts.dtype_float(x)


def matrix_like(a: Any, *args: Any, **kwargs: Any) -> Facts:
    """The result of np.linalg.inv and np.linalg.cholesky."""
    x = as_array(a)
    return array(inexact(x), x.shape if x.dims else None)


def power_like(a: Any, n: Any) -> Facts:
    """The result of np.linalg.matrix_power."""
    x = as_array(a)
    return array(
        x.dtype if x.dtype is not None and np.dtype(x.dtype).kind in "fc" else None,
        x.shape if x.dims else None,
    )


def solve(a: Any, b: Any) -> Facts:
    """The result of np.linalg.solve."""
    x, y = as_array(a), as_array(b)
    dtype = joint_dtype(Facts("array", inexact(x)), Facts("array", inexact(y)))
    if not x.dims or not y.dims or len(x.dims) != 2 or len(y.dims) > 2:
        return array(dtype)
    return array(dtype, y.dims)


def determinant(a: Any) -> Facts:
    """The result of np.linalg.det."""
    x = as_array(a)
    return result(inexact(x), None if x.dims is None else x.dims[:-2])


@functools.cache
def tuple_of(function: Callable[..., Any]) -> type:
    """The named tuple that a function of np.linalg returns, which has no public name."""
    return type(function(np.eye(1)))


def several(function: Callable[..., Any], *parts: Facts) -> Facts:
    """A named tuple of results."""
    cls = tuple_of(function)
    return Facts("tuple", items=parts, keys=getattr(cls, "_fields", None), cls=cls)


def slogdet(a: Any) -> Facts:
    """The result of np.linalg.slogdet."""
    one = determinant(a)
    return several(np.linalg.slogdet, one, result(facts.dtype_real(one), one.shape))


def eigh(a: Any, UPLO: Any = "L") -> Facts:
    """The result of np.linalg.eigh."""
    x = as_array(a)
    shape = x.dims or None
    values = array(facts.dtype_real(x), shape[:-1] if shape else None)
    return several(np.linalg.eigh, values, array(inexact(x), shape))


def eigvalsh(a: Any, UPLO: Any = "L") -> Facts:
    """The result of np.linalg.eigvalsh."""
    x = as_array(a)
    return array(facts.dtype_real(x), x.dims[:-1] if x.dims else None)


def svd(a: Any, full_matrices: Any = True, compute_uv: Any = True) -> Facts:
    """The result of np.linalg.svd."""
    x = as_array(a)
    dtype, real = inexact(x), facts.dtype_real(x)
    if not x.dims or len(x.dims) < 2:
        parts = (array(dtype), array(real), array(dtype))
        return several(np.linalg.svd, *parts) if compute_uv is True else UNKNOWN
    *batch, m, n = x.dims
    small = shorter(m, n)
    s = array(real, (*batch, small))
    if compute_uv is False:
        return s
    if not (isinstance(full_matrices, bool) and compute_uv is True):
        return UNKNOWN
    p, q = (m, n) if full_matrices else (small, small)
    return several(np.linalg.svd, array(dtype, (*batch, m, p)), s, array(dtype, (*batch, q, n)))


def shorter(m: Size | None, n: Size | None) -> Size | None:
    """The smaller of two sizes, where it is known which it is."""
    if m is None or n is None:
        return None
    return m if at_least(n - m, 0) else n if at_least(m - n, 0) else None


def qr(a: Any, mode: Any = "reduced") -> Facts:
    """The result of np.linalg.qr."""
    x = as_array(a)
    if mode != "reduced":
        return UNKNOWN
    if not x.dims or len(x.dims) < 2:
        return several(np.linalg.qr, *[array(inexact(x))] * 2)
    *batch, m, n = x.dims
    k = shorter(m, n)
    q, r = (array(inexact(x), (*batch, *pair)) for pair in ((m, k), (k, n)))
    return several(np.linalg.qr, q, r)


def pinv(a: Any, *args: Any, **kwargs: Any) -> Facts:
    """The result of np.linalg.pinv."""
    x = as_array(a)
    if not x.dims or len(x.dims) < 2:
        return array(inexact(x))
    return array(inexact(x), (*x.dims[:-2], x.dims[-1], x.dims[-2]))


def columns(v: Any, a: Any, b: Any) -> Facts:
    """The result of `columns(v, a, b)` of the run time."""
    x, y = as_array(v), as_array(b)
    if x.dims is None or y.dims is None:
        return array(x.dtype)
    if facts.BEFORE_2 and len(y.dims) > 1:
        return array(x.dtype)
    return array(x.dtype, (*x.dims, 1) if len(y.dims) == 1 else x.dims)


def batched(core: Callable[[Shape, Shape], Shape | None]) -> Callable[..., Facts]:
    """Inference for np.vecdot and its kin, which broadcast all axes but the last ones."""

    def infer(x1: Any, x2: Any) -> Facts:
        x, y = as_array(x1), as_array(x2)
        dtype = joint_dtype(x, y)
        shape = None if x.dims is None or y.dims is None else core(x.dims, y.dims)
        return Facts("unknown", dtype) if shape is None else result(dtype, shape)

    return infer


def _joined(a: Shape, b: Shape, *core: Size | None) -> Shape | None:
    batch = broadcast([a, b])
    return (*batch, *core) if isinstance(batch, tuple) else None


vecdot = batched(lambda p, q: _joined(p[:-1], q[:-1]))
matvec = batched(lambda p, q: _joined(p[:-2], q[:-1], p[-2]))
vecmat = batched(lambda p, q: _joined(p[:-1], q[:-2], q[-1]))
