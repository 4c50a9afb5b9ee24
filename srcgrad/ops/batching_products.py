"""How products and functions of matrices are applied to many examples at once."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .. import runtime
from .asks import as_array
from .batch_verbs import (
    Many,
    at,
    batching,
    broadcast,
    constant,
    demand,
    give_up,
    later,
    leading,
    ndim,
    ranks,
    stacks,
    together,
)
from .facts_products import einsum_parts
from .trace import Tracer, traced

_function: Any
_adjoint: Any
eye = traced(np.eye)


def whole(x: Any) -> Any:
    """An argument as it stands in the graph."""
    return x.whole if isinstance(x, Many) else x


def arrays(a: Any, b: Any) -> tuple[Any, Any]:
    """Two arguments, of which one that is a list of constants is made an array."""
    return as_array(a, whole(b)), as_array(b, whole(a))


def complex_many(x: Any) -> bool:
    """Whether an argument may be complex."""
    given = whole(x)
    return not given.facts.is_real if isinstance(given, Tracer) else bool(np.iscomplexobj(given))


# Products


def product(a: Any, b: Any) -> Any:
    """`a @ b` of each example."""
    left, right = ranks([a, b])
    both = isinstance(a, Many) and isinstance(b, Many)
    x, y = whole(a), whole(b)
    demand(left > 0 and right > 0)
    if left == 1 and right == 1:
        if both:
            return np.sum(x * y, axis=1)
        return x @ y if isinstance(a, Many) else y @ x
    if left == 1 and isinstance(a, Many) and (both or right > 2):
        rows = x[(slice(None), *[None] * (right - 1))]
        return (rows @ y)[..., 0, :] if right > 2 else (rows @ y)[:, 0]
    if right == 1 and isinstance(b, Many) and (both or left > 2):
        columns = y[(slice(None), *[None] * (left - 2), slice(None), None)]
        return (x @ columns)[..., 0]
    if right == 1 and isinstance(b, Many):
        return y @ np.transpose(x)
    if left == 1 or right == 1:
        return x @ y
    return operator.matmul(*stacks([a, b], (2, 2)))


batching((operator.matmul, np.matmul), product)
if hasattr(np.linalg, "matmul"):
    batching(np.linalg.matmul, product)


def summed(a: Any, b: Any, of_a: list[int], of_b: list[int]) -> Any:
    """The product of two arrays, summed over pairs of axes; the free axes of `a` come first."""
    left, right = ranks([a, b])
    demand(left + right < 20)
    names = "abcdefghijklmnopqrstuvwxy"
    of_left = names[:left]
    rest = iter(names[left:])
    of_right = [of_left[of_a[of_b.index(k)]] if k in of_b else next(rest) for k in range(right)]
    free = [n for k, n in enumerate(of_left) if k not in of_a]
    free += [n for k, n in enumerate(of_right) if k not in of_b]
    marks = ["z" if isinstance(x, Many) else "" for x in (a, b)]
    subscripts = f"{marks[0]}{of_left},{marks[1]}{''.join(of_right)}->z{''.join(free)}"
    return np.einsum(subscripts, whole(a), whole(b))


def dot(a: Any, b: Any) -> Any:
    """np.dot of each example."""
    left, right = ranks([a, b])
    if left == 0 or right == 0:
        return operator.mul(*broadcast([a, b]))
    if max(left, right) < 3:
        return product(a, b)
    return summed(a, b, [left - 1], [max(right - 2, 0)])


def inner(a: Any, b: Any) -> Any:
    """np.inner of each example."""
    left, right = ranks([a, b])
    if left == 0 or right == 0:
        return operator.mul(*broadcast([a, b]))
    if right == 1:
        return dot(a, b)
    return dot(b, a) if left == 1 and right == 2 else summed(a, b, [left - 1], [right - 1])


def outer(a: Any, b: Any) -> Any:
    """np.outer of each example: of vectors."""
    demand(ranks([a, b]) == [1, 1])
    a, b = arrays(a, b)
    rows = whole(b)[:, None] if isinstance(b, Many) else b
    columns = whole(a)[:, :, None] if isinstance(a, Many) else a[:, None]
    return columns * rows


def vdot(a: Any, b: Any) -> Any:
    """np.vdot of each example."""
    left, right = ranks([a, b])
    demand(left == right)
    if left == 1 and not complex_many(a):
        return product(a, b)
    x = np.conj(whole(a)) if complex_many(a) else whole(a)
    return np.sum(x * whole(b), axis=tuple(range(1, left + 1)) if left > 1 else 1)


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """np.tensordot of each example."""
    left, right = ranks([a, b])
    constant(axes)
    if isinstance(axes, int):
        of_a, of_b = list(range(left - axes, left)), list(range(axes))
    else:
        pair = [list(k) if isinstance(k, list | tuple) else [k] for k in axes]
        of_a, of_b = [k % left for k in pair[0]], [k % right for k in pair[1]]
    if not isinstance(b, Many):
        return np.tensordot(whole(a), b, ([k + 1 for k in of_a], of_b))
    return summed(a, b, of_a, of_b)


def einsum(subscripts: Any, *operands: Any, optimize: Any = False) -> Any:
    """np.einsum with one more letter for the examples."""
    demand(isinstance(subscripts, str))
    inputs, output = einsum_parts(subscripts)
    mark = next(c for c in "bnzBNZmkABCDEFGH" if c not in subscripts)
    given = [mark + s if isinstance(x, Many) else s for s, x in zip(inputs, operands, strict=True)]
    more = {} if optimize is False else {"optimize": optimize}
    return np.einsum(f"{','.join(given)}->{mark}{output}", *map(whole, operands), **more)


def crossed(a: Any, b: Any, *, axis: Any = -1) -> Any:
    """np.cross of each example."""
    demand(axis == -1 or len(set(ranks([a, b]))) == 1)
    first = whole(a) if isinstance(a, Many) else whole(b)
    x, y = broadcast([a, b])
    return np.cross(x, y, axis=-1 if axis == -1 else at(axis, first) - ndim(first))


batching(np.dot, dot)
batching(np.inner, inner)
batching(np.outer, outer)
batching(np.vdot, vdot)
batching(np.tensordot, tensordot)
batching(np.einsum, einsum)
batching(np.cross, crossed)
if hasattr(np.linalg, "vecdot"):
    batching(np.linalg.outer, outer)
    batching(np.linalg.tensordot, lambda x1, x2, *, axes=2: tensordot(x1, x2, axes))
    batching(np.linalg.cross, lambda x1, x2, *, axis=-1: crossed(x1, x2, axis=axis))
    batching(np.linalg.vecdot, lambda x1, x2: np.linalg.vecdot(*stacks([x1, x2], (1, 1))))
for _name, _cores in (("vecdot", (1, 1)), ("matvec", (2, 1)), ("vecmat", (1, 2))):
    if hasattr(np, _name):
        batching(getattr(np, _name), (lambda f, cores: lambda x1, x2: f(*stacks([x1, x2], cores)))(
            getattr(np, _name), _cores))  # fmt: skip

# Matrices, of which NumPy takes stacks by itself

for _function in (np.linalg.inv, np.linalg.det, np.linalg.cholesky, np.linalg.slogdet,
                  np.linalg.eigh, np.linalg.eigvalsh, np.linalg.svd, np.linalg.qr, np.linalg.pinv,
                  np.linalg.matrix_power):  # fmt: skip
    leading(
        _function, (lambda f: lambda a, *more, **named: f(a, *more, **named))(traced(_function))
    )


def solve(a: Any, b: Any) -> Any:
    """np.linalg.solve of each example."""
    left, right = ranks([a, b])
    a, b = arrays(a, b)
    if right == 1 and left == 2 and not isinstance(a, Many):
        return np.transpose(np.linalg.solve(a, np.transpose(whole(b))))
    if right == 1:
        column = whole(b)[..., None]
        given = Many(column, b.spread) if isinstance(b, Many) else column
        return np.linalg.solve(*stacks([a, given], (2, 2)))[..., 0]
    return np.linalg.solve(*stacks([a, b], (2, 2)))


batching(np.linalg.solve, solve)
leading(
    np.trace,
    lambda a, offset=0, axis1=0, axis2=1, dtype=None: (
        np.trace(a, offset, later(axis1, a), later(axis2, a)) if dtype is None else give_up()
    ),
)
leading(
    np.diagonal,
    lambda a, offset=0, axis1=0, axis2=1: np.diagonal(a, offset, later(axis1, a), later(axis2, a)),
)
if hasattr(np.linalg, "diagonal"):
    leading(np.linalg.trace, lambda x, *, offset=0: np.linalg.trace(x, offset=offset))
    leading(np.linalg.diagonal, lambda x, *, offset=0: np.linalg.diagonal(x, offset=offset))


def diagonal(v: Any, k: Any = 0) -> Any:
    """np.diag, which takes a diagonal from a matrix and makes a matrix of a vector."""
    if ndim(v) == 3:
        return np.diagonal(v, k, 1, 2)
    demand(k == 0)
    return np.where(eye(np.shape(v)[1], dtype=bool), v[:, None], 0)


leading(np.diag, diagonal)
for _function in (np.tril, np.triu):
    leading(_function, (lambda f: lambda m, k=0: f(m, k) if ndim(m) > 2 else give_up())(_function))
for _adjoint in (runtime.diagonal_adjoint, runtime.trace_adjoint):
    together(_adjoint, (lambda f: lambda given, a, offset=0, axis1=0, axis2=1: f(
        given, a, offset, at(axis1, a), at(axis2, a)))(traced(_adjoint)), 2)  # fmt: skip
