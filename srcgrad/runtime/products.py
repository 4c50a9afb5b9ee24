"""Adjoints of products of arrays, for operands whose numbers of dimensions only a run can tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arrays import unbroadcast

# Before 2.0, np.linalg.solve took stacks of vectors for vectors; since then only what is 1-D is one.
BEFORE_2 = int(np.__version__.partition(".")[0]) < 2


def matmul_adjoint_left(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of `a` in `a @ b`, of any numbers of dimensions.

    >>> matmul_adjoint_left(2.0, np.zeros(2), np.array([1.0, 5.0]))
    array([ 2., 10.])
    """
    rows, wide = np.asarray(g), np.asarray(b)
    if np.ndim(b) == 1:
        rows, wide = rows[..., None], wide[:, None]
    if np.ndim(a) == 1:
        rows = rows[..., None, :]
    d = rows @ np.swapaxes(wide, -1, -2)
    return unbroadcast(d[..., 0, :] if np.ndim(a) == 1 else d, a)


def matmul_adjoint_right(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of `b` in `a @ b`, of any numbers of dimensions.

    >>> matmul_adjoint_right(2.0, np.array([1.0, 5.0]), np.zeros(2))
    array([ 2., 10.])
    """
    rows, tall = np.asarray(g), np.asarray(a)
    if np.ndim(b) == 1:
        rows = rows[..., None]
    if np.ndim(a) == 1:
        rows, tall = rows[..., None, :], tall[None, :]
    d = np.swapaxes(tall, -1, -2) @ rows
    return unbroadcast(d[..., 0] if np.ndim(b) == 1 else d, b)


def moving_part(d: Any, x: Any) -> Any:
    """What of the cotangent `d` moves `x`: where `x` is real, the real part.

    >>> moving_part(np.array([1 + 2j]), np.zeros(1)), moving_part(1 + 2j, 0j)
    (array([1.]), (1+2j))
    """
    return np.real(d) if np.iscomplexobj(d) and not np.iscomplexobj(x) else d


def contracted_axes(a: Any, b: Any, axes: Any) -> tuple[list[int], list[int]]:
    """The axes of `a` and of `b` that np.tensordot contracts, none of them negative.

    >>> contracted_axes(np.ones((2, 3)), np.ones((3, 4)), 1)
    ([1], [0])
    """
    if isinstance(axes, int | np.integer):
        return list(range(np.ndim(a) - axes, np.ndim(a))), list(range(axes))
    pair = [list(k) if isinstance(k, Sequence | np.ndarray) else [k] for k in axes]
    return [k % np.ndim(a) for k in pair[0]], [k % np.ndim(b) for k in pair[1]]


def tensordot_adjoint_left(g: Any, a: Any, b: Any, axes: Any) -> Any:
    """The cotangent of `a` in `np.tensordot(a, b, axes)`.

    >>> tensordot_adjoint_left(np.ones((2, 4)), np.zeros((2, 3)), np.ones((3, 4)), 1)
    array([[4., 4., 4.],
           [4., 4., 4.]])
    """
    of_a, of_b = contracted_axes(a, b, axes)
    free_a = [k for k in range(np.ndim(a)) if k not in of_a]
    free_b = [k for k in range(np.ndim(b)) if k not in of_b]
    d = np.tensordot(g, b, (list(range(len(free_a), np.ndim(g))), free_b))
    order = free_a + [of_a[of_b.index(k)] for k in sorted(of_b)]
    return np.transpose(moving_part(d, a), np.argsort(order))


def tensordot_adjoint_right(g: Any, a: Any, b: Any, axes: Any) -> Any:
    """The cotangent of `b` in `np.tensordot(a, b, axes)`.

    >>> tensordot_adjoint_right(np.ones((2, 4)), np.ones((2, 3)), np.zeros((3, 4)), 1).shape
    (3, 4)
    """
    of_a, of_b = contracted_axes(a, b, axes)
    free_a = [k for k in range(np.ndim(a)) if k not in of_a]
    free_b = [k for k in range(np.ndim(b)) if k not in of_b]
    d = np.tensordot(a, g, (free_a, list(range(len(free_a)))))
    order = [of_b[of_a.index(k)] for k in sorted(of_a)] + free_b
    return np.transpose(moving_part(d, b), np.argsort(order))


def dot_adjoint_left(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of `a` in `np.dot(a, b)`, of any numbers of dimensions.

    >>> dot_adjoint_left(2.0, np.zeros(2), np.array([3.0, 4.0]))
    array([6., 8.])
    """
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return unbroadcast(g * b, a)
    return tensordot_adjoint_left(g, a, b, (-1, max(np.ndim(b) - 2, 0)))


def dot_adjoint_right(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of `b` in `np.dot(a, b)`, of any numbers of dimensions.

    >>> dot_adjoint_right(np.ones(2), np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros(2))
    array([4., 6.])
    """
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return unbroadcast(g * a, b)
    return tensordot_adjoint_right(g, a, b, (-1, max(np.ndim(b) - 2, 0)))


def inner_adjoint_left(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of `a` in `np.inner(a, b)`, of any numbers of dimensions.

    >>> inner_adjoint_left(2.0, np.zeros(2), np.array([1.0, 5.0]))
    array([ 2., 10.])
    """
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return unbroadcast(g * b, a)
    return tensordot_adjoint_left(g, a, b, (-1, -1))


def inner_adjoint_right(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of `b` in `np.inner(a, b)`, of any numbers of dimensions.

    >>> inner_adjoint_right(2.0, np.array([1.0, 5.0]), np.zeros(2))
    array([ 2., 10.])
    """
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return unbroadcast(g * a, b)
    return tensordot_adjoint_right(g, a, b, (-1, -1))


def kron_axes(g: Any, a: Any, b: Any) -> tuple[Any, int]:
    """`g` with two axes for each of np.kron's result, one of `a` and one of `b`, and how many pairs.

    >>> kron_axes(np.ones((4, 6)), np.ones((2, 2)), np.ones((2, 3)))[0].shape
    (2, 2, 2, 3)
    """
    ndim = max(np.ndim(a), np.ndim(b))
    of_a = (1,) * (ndim - np.ndim(a)) + np.shape(a)
    of_b = (1,) * (ndim - np.ndim(b)) + np.shape(b)
    return np.reshape(g, [n for pair in zip(of_a, of_b, strict=True) for n in pair]), ndim


def kron_adjoint_left(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of `a` in `np.kron(a, b)`.

    >>> kron_adjoint_left(np.ones(6), np.zeros(2), np.array([1.0, 2.0, 3.0]))
    array([6., 6.])
    """
    pairs, ndim = kron_axes(g, a, b)
    wide = np.reshape(b, [pairs.shape[2 * k + 1] for k in range(ndim)])
    d = np.tensordot(pairs, wide, (list(range(1, 2 * ndim, 2)), list(range(ndim))))
    return np.reshape(moving_part(d, a), np.shape(a))


def kron_adjoint_right(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of `b` in `np.kron(a, b)`.

    >>> kron_adjoint_right(np.ones(6), np.array([1.0, 2.0]), np.zeros(3))
    array([3., 3., 3.])
    """
    pairs, ndim = kron_axes(g, a, b)
    wide = np.reshape(a, [pairs.shape[2 * k] for k in range(ndim)])
    d = np.tensordot(pairs, wide, (list(range(0, 2 * ndim, 2)), list(range(ndim))))
    return np.reshape(moving_part(d, b), np.shape(b))


def convolve_adjoint_left(g: Any, a: Any, v: Any, mode: str = "full") -> Any:
    """The cotangent of `a` in `np.convolve(a, v, mode)`.

    >>> convolve_adjoint_left(np.array([1.0, 0.0, 0.0]), np.zeros(2), np.array([3.0, 4.0]))
    array([3., 0.])
    """
    short, size = min(np.size(a), np.size(v)), np.size(a) + np.size(v) - 1
    start = {"full": 0, "same": (short - 1) // 2, "valid": short - 1}[mode]
    full = np.zeros(size, np.result_type(g))
    full[start : start + np.size(g)] = g
    return moving_part(np.correlate(full, np.conj(v), "valid"), a)


def convolve_adjoint_right(g: Any, a: Any, v: Any, mode: str = "full") -> Any:
    """The cotangent of `v` in `np.convolve(a, v, mode)`, which treats its operands alike.

    >>> convolve_adjoint_right(np.array([1.0, 0.0, 0.0]), np.array([3.0, 4.0]), np.zeros(2))
    array([3., 0.])
    """
    return convolve_adjoint_left(g, v, a, mode)


def diagonal_adjoint(g: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Zeros of the shape of `a` with `g` on one diagonal: the adjoint of np.diagonal.

    >>> diagonal_adjoint(np.array([5.0]), np.ones((2, 2)), 1)
    array([[0., 5.],
           [0., 0.]])
    """
    out = np.zeros(np.shape(a), np.result_type(g))
    moved = np.moveaxis(out, (axis1, axis2), (-2, -1))
    start = (0, offset) if offset >= 0 else (-offset, 0)
    size = np.shape(g)[-1]
    k = np.arange(size)
    moved[..., start[0] + k, start[1] + k] = g
    return out


def trace_adjoint(g: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Zeros of the shape of `a` with `g` all along one diagonal: the adjoint of np.trace.

    >>> trace_adjoint(5.0, np.ones((2, 2)))
    array([[5., 0.],
           [0., 5.]])
    """
    size = np.shape(np.diagonal(a, offset, axis1, axis2))[-1]
    along = np.broadcast_to(np.expand_dims(g, -1), (*np.shape(g), size))
    return diagonal_adjoint(along, a, offset, axis1, axis2)


def diag_adjoint(g: Any, v: Any, k: int = 0) -> Any:
    """The adjoint of np.diag, which takes a diagonal from a matrix and makes a matrix of a vector.

    >>> diag_adjoint(np.ones((2, 2)), np.zeros(2)), diag_adjoint(np.ones(1), np.zeros((1, 2)))
    (array([1., 1.]), array([[1., 0.]]))
    """
    return np.diagonal(g, k) if np.ndim(v) == 1 else diagonal_adjoint(g, v, k)


def columns(v: Any, a: Any, b: Any) -> Any:
    """`v` as a matrix of columns where `b`, the right side of `np.linalg.solve(a, b)`, is a vector.

    >>> columns(np.ones(2), np.eye(2), np.ones(2)).shape
    (2, 1)
    """
    lone = np.ndim(b) == 1 or (BEFORE_2 and np.ndim(b) == np.ndim(a) - 1)
    return np.expand_dims(v, -1) if lone else v
