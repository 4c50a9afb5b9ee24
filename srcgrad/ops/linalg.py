"""Rules of products of arrays and of linear algebra.

Where the numbers of dimensions are known, an adjoint reads as in a textbook; where only a run tells
them, it is a helper of the run time. np.linalg.cholesky and eigh read one triangle and take the matrix
for symmetric: their adjoints are symmetric too, as everywhere. Of complex matrices, read Hermitian.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from string import ascii_letters
from typing import Any

import numpy as np

from .. import runtime
from . import facts
from . import facts_products as products
from . import facts_shaping as shaping
from .asks import (
    as_float,
    conjugated,
    dims,
    maybe_complex,
    rank,
    real_part,
    same_shape,
    settled,
    takes_lists,
)
from .registry import Formula, bilinear, custom, linear, refuse, refused, zero
from .trace import traced

dtype_of = traced(runtime.dtype_of)
zeros_like = traced(runtime.zeros_like)
unbroadcast = traced(runtime.unbroadcast)
columns = traced(runtime.columns)
matmul_adjoint_left = traced(runtime.matmul_adjoint_left)
matmul_adjoint_right = traced(runtime.matmul_adjoint_right)
dot_adjoint_left = traced(runtime.dot_adjoint_left)
dot_adjoint_right = traced(runtime.dot_adjoint_right)
inner_adjoint_left = traced(runtime.inner_adjoint_left)
inner_adjoint_right = traced(runtime.inner_adjoint_right)
tensordot_adjoint_left = traced(runtime.tensordot_adjoint_left)
tensordot_adjoint_right = traced(runtime.tensordot_adjoint_right)
kron_adjoint_left = traced(runtime.kron_adjoint_left)
kron_adjoint_right = traced(runtime.kron_adjoint_right)
convolve_adjoint_left = traced(runtime.convolve_adjoint_left)
convolve_adjoint_right = traced(runtime.convolve_adjoint_right)
diagonal_adjoint = traced(runtime.diagonal_adjoint)
trace_adjoint = traced(runtime.trace_adjoint)
diag_adjoint = traced(runtime.diag_adjoint)
index_add = traced(runtime.index_add)
eye = traced(np.eye)
ones = traced(np.ones)

# Products


def swapped(x: Any) -> Any:
    """The matrices of `x` transposed."""
    return np.transpose(x) if rank(x) == 2 else np.swapaxes(x, -1, -2)


def turned(x: Any) -> Any:
    """The matrices of `x` transposed, and conjugated where they are known to be complex."""
    return conjugated(swapped(x))


def matmul_left(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of `a` in `a @ b`."""
    match rank(a), rank(b):
        case 1, 1:
            return g * b
        case 2, 1:
            return np.outer(g, b)
        case 1, 2:
            return b @ g
        case int(), 1:
            return np.expand_dims(g, -1) * b
        case 2, int(n) if n > 2:
            axes = [*range(n - 2), n - 1]
            return np.tensordot(g, b, axes=(axes, axes))
        case int(m), int() if m > 1:
            return g @ swapped(b)
    return matmul_adjoint_left(g, a, b)


def matmul_right(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of `b` in `a @ b`."""
    match rank(a), rank(b):
        case 1, 1:
            return g * a
        case 2, 1:
            return np.transpose(a) @ g
        case 1, 2:
            return np.outer(a, g)
        case int(m), 1:
            return np.tensordot(g, a, axes=m - 1)
        case int(m), 2 if m > 2:
            axes = list(range(m - 1))
            return np.tensordot(a, g, axes=(axes, axes))
        case int(m), int() if m > 1:
            return swapped(a) @ g
    return matmul_adjoint_right(g, a, b)


def dot_left(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of `a` in np.dot."""
    match rank(a), rank(b):
        case (0, _) | (_, 0) | (1, 1):
            return g * b
        case ((1 | 2), (1 | 2)):
            return matmul_left(g, a, b)
    return dot_adjoint_left(g, a, b)


def dot_right(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of `b` in np.dot."""
    match rank(a), rank(b):
        case (0, _) | (_, 0) | (1, 1):
            return g * a
        case ((1 | 2), (1 | 2)):
            return matmul_right(g, a, b)
    return dot_adjoint_right(g, a, b)


def inner_left(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of `a` in np.inner."""
    match rank(a), rank(b):
        case (0, _) | (_, 0) | (1, 1):
            return g * b
        case 2, 1:
            return np.outer(g, b)
        case ((1 | 2), 2):
            return g @ b
    return inner_adjoint_left(g, a, b)


def inner_right(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of `b` in np.inner."""
    match rank(a), rank(b):
        case (0, _) | (_, 0) | (1, 1):
            return g * a
        case 1, 2:
            return np.outer(g, a)
        case 2, 1:
            return g @ a
        case 2, 2:
            return np.transpose(g) @ a
    return inner_adjoint_right(g, a, b)


def flat(x: Any) -> Any:
    """`x` as a vector."""
    return x if rank(x) == 1 else np.ravel(x)


def shaped(d: Any, x: Any) -> Any:
    """A vector in the shape of `x`."""
    return d if rank(x) == 1 else np.reshape(d, np.shape(x))


def along(other: Any, g: Any, x: Any) -> Any:
    """The cotangent of `x` in np.vdot, which takes its operands as vectors."""
    d = g * other
    return d if same_shape(x, other) else np.reshape(d, np.shape(x))


def against(d: Any, x: Any) -> Any:
    """The cotangent of an `x` that a product takes the conjugate of."""
    return np.conj(d) if maybe_complex(x) else d


bilinear(
    (np.matmul, operator.matmul),
    lambda g, y, x1, x2: matmul_left(g, x1, x2),
    lambda g, y, x1, x2: matmul_right(g, x1, x2),
    infer=products.matmul,
)
bilinear(
    np.dot,
    lambda g, y, a, b: dot_left(g, a, b),
    lambda g, y, a, b: dot_right(g, a, b),
    infer=products.dot,
)
bilinear(
    np.inner,
    lambda g, y, a, b: inner_left(g, a, b),
    lambda g, y, a, b: inner_right(g, a, b),
    infer=products.inner,
)
bilinear(
    np.vdot,
    lambda g, y, a, b: against(along(b, g, a), a),
    lambda g, y, a, b: along(conjugated(a), g, b),
    infer=products.vdot,
)
bilinear(
    np.outer,
    lambda g, y, a, b: shaped(g @ flat(b), a),
    lambda g, y, a, b: shaped(flat(a) @ g, b),
    infer=products.outer,
)


def contract_left(g: Any, a: Any, b: Any, axes: Any) -> Any:
    """The cotangent of `a` in np.tensordot."""
    m, n = rank(a), rank(b)
    if isinstance(axes, int) and m is not None and n is not None:
        if (m, n, axes) == (2, 2, 1):
            return g @ np.transpose(b)
        if m == axes:
            return g * b if n == axes else np.tensordot(b, g, axes=n - axes)
        if n == axes:
            return np.tensordot(g, b, axes=0)
    return tensordot_adjoint_left(g, a, b, axes)


def contract_right(g: Any, a: Any, b: Any, axes: Any) -> Any:
    """The cotangent of `b` in np.tensordot."""
    m, n = rank(a), rank(b)
    if isinstance(axes, int) and m is not None and n is not None:
        if (m, n, axes) == (2, 2, 1):
            return np.transpose(a) @ g
        if n == axes:
            return g * a if m == axes else np.tensordot(g, a, axes=m - axes)
        if m == axes:
            return np.tensordot(a, g, axes=0)
    return tensordot_adjoint_right(g, a, b, axes)


bilinear(
    np.tensordot,
    lambda g, y, a, b, axes=2: contract_left(g, a, b, axes),
    lambda g, y, a, b, axes=2: contract_right(g, a, b, axes),
    infer=products.tensordot,
)
bilinear(
    np.kron,
    lambda g, y, a, b: kron_adjoint_left(g, a, b),
    lambda g, y, a, b: kron_adjoint_right(g, a, b),
    infer=products.kron,
)
bilinear(
    np.convolve,
    lambda g, y, a, v, mode="full": convolve_adjoint_left(g, a, v, mode),
    lambda g, y, a, v, mode="full": convolve_adjoint_right(g, a, v, mode),
    infer=products.convolve,
)
bilinear(  # a correlation is a convolution with the second operand backwards, and conjugated
    np.correlate,
    lambda g, y, a, v, mode="valid": convolve_adjoint_left(g, a, conjugated(v[::-1]), mode),
    lambda g, y, a, v, mode="valid": against(
        convolve_adjoint_right(g, a, conjugated(v[::-1]), mode)[::-1], v
    ),
    infer=products.correlate,
)


def crossed(first: Any, second: Any, a: Any, b: Any, axis: Any) -> Any:
    """One cotangent of np.cross: the product of the others, in order."""
    for sizes in (dims(a), dims(b)):
        if axis == -1 and sizes and isinstance(sizes[-1], int) and sizes[-1] != 3:
            refuse(
                "np.cross", "vectors of two entries", "write a third one, zero, or the difference"
            )
    if axis != -1 and (rank(a) is None or rank(a) != rank(b)):
        refuse("np.cross", "axis= with different numbers of dimensions", "use np.moveaxis")
    return np.cross(first, second) if axis == -1 else np.cross(first, second, axis=axis)


bilinear(
    np.cross,
    lambda g, y, a, b, *, axis=-1: crossed(b, g, a, b, axis),
    lambda g, y, a, b, *, axis=-1: crossed(g, a, a, b, axis),
    infer=products.cross,
)
# The adjoint of a bilinear function is bilinear in the cotangent and in the other operand, and the
# operand that it is for gives it no more than a shape.
for _product, _left, _right in (
    (np.matmul, matmul_adjoint_left, matmul_adjoint_right),
    (np.dot, dot_adjoint_left, dot_adjoint_right),
    (np.inner, inner_adjoint_left, inner_adjoint_right),
    (np.kron, kron_adjoint_left, kron_adjoint_right),
):
    bilinear(
        _left.__wrapped__,  # type: ignore[attr-defined]
        (lambda f: lambda g, y, given, a, b: f(g, b))(_product),
        None,
        (lambda right: lambda g, y, given, a, b: right(given, g, b))(_right),
        infer=products.adjoint(1),
    )
    bilinear(
        _right.__wrapped__,  # type: ignore[attr-defined]
        (lambda f: lambda g, y, given, a, b: f(a, g))(_product),
        (lambda left: lambda g, y, given, a, b: left(given, a, g))(_left),
        None,
        infer=products.adjoint(2),
    )
bilinear(
    runtime.tensordot_adjoint_left,
    lambda g, y, given, a, b, axes: np.tensordot(g, b, axes),
    None,
    lambda g, y, given, a, b, axes: tensordot_adjoint_right(given, g, b, axes),
    infer=products.adjoint(1),
)
bilinear(
    runtime.tensordot_adjoint_right,
    lambda g, y, given, a, b, axes: np.tensordot(a, g, axes),
    lambda g, y, given, a, b, axes: tensordot_adjoint_left(given, a, g, axes),
    None,
    infer=products.adjoint(2),
)
bilinear(
    runtime.convolve_adjoint_left,
    lambda g, y, given, a, v, mode="full": np.convolve(g, v, mode),
    None,
    lambda g, y, given, a, v, mode="full": convolve_adjoint_right(given, g, v, mode),
    infer=products.adjoint(1),
)
bilinear(
    runtime.convolve_adjoint_right,
    lambda g, y, given, a, v, mode="full": np.convolve(a, g, mode),
    lambda g, y, given, a, v, mode="full": convolve_adjoint_left(given, a, g, mode),
    None,
    infer=products.adjoint(2),
)
if hasattr(np, "vecdot"):
    bilinear(
        np.vecdot,
        lambda g, y, x1, x2: against(np.expand_dims(g, -1) * x2, x1),
        lambda g, y, x1, x2: np.expand_dims(g, -1) * conjugated(x1),
        infer=products.vecdot,
    )
if hasattr(np, "matvec"):
    bilinear(
        np.matvec,
        lambda g, y, x1, x2: np.expand_dims(g, -1) * np.expand_dims(x2, -2),
        lambda g, y, x1, x2: np.vecmat(against(g, y), x1),
        infer=products.matvec,
    )
    bilinear(
        np.vecmat,
        lambda g, y, x1, x2: against(np.matvec(x2, g), x1),
        lambda g, y, x1, x2: np.expand_dims(conjugated(x1), -1) * np.expand_dims(g, -2),
        infer=products.vecmat,
    )

# einsum

MOST_OPERANDS = 32  # NumPy's own limit


def einsum_adjoint(k: int, g: Any, subscripts: Any, operands: Sequence[Any], optimize: Any) -> Any:
    """The cotangent of operand k: an einsum of the cotangent with the other operands."""
    if not isinstance(subscripts, str):
        refuse("np.einsum", "operands with lists of axes", "write the subscripts as a string")
    inputs, output = products.einsum_parts(subscripts)
    if len(inputs) != len(operands):
        what = f"{len(operands)} operands under the subscripts {subscripts!r}"
        refuse("np.einsum", what, "write one group of letters per operand")
    x = operands[k]
    names, ties = tied_letters(inputs[k], x, subscripts)
    if "." in names and names[0] != ".":
        refuse("np.einsum", "an ellipsis that does not come first", "put the ellipsis first")
    others = [(s, o) for j, (s, o) in enumerate(zip(inputs, operands, strict=True)) if j != k]
    if len(others) > 1:  # they may come together without the cotangent
        others = [(s, as_float(o, g)) for s, o in others]
    parts = [*([(output, g)] if output else []), *others, *ties]
    reach = "".join(s for s, _ in parts).replace("...", ".")
    if "." in reach and "." not in names:
        # Axes that only others have come out in front, and are summed over by un-broadcasting; so no
        # letter may be left for later.
        parts += [
            (c, ones(np.shape(x)[place], dtype=dtype_of(x)))
            for place, c in enumerate(names)
            if c not in reach
        ]
        names, reach = [".", *names], reach + "".join(names)
    wanted = [c for c in names if c in reach]
    d = contracted(parts, "".join(wanted).replace(".", "..."), optimize)
    if not output:
        d = g if d is None else g * d
    if wanted == names:
        return d
    # Letters that nothing else has were summed over: along them the cotangent is constant.
    if wanted:
        index = (Ellipsis if c == "." else slice(None) if c in wanted else None for c in names)
        d = d[tuple(index)]
    return np.broadcast_to(d, np.shape(x))


def tied_letters(mine: str, x: Any, subscripts: str) -> tuple[list[str], list[tuple[str, Any]]]:
    """The letters of an operand, none twice: a second one is a new one, tied by an identity matrix."""
    names: list[str] = list(mine.replace("...", "."))
    ties: list[tuple[str, Any]] = []
    free = (c for c in reversed(ascii_letters) if c not in subscripts)
    for place, name in enumerate(names):
        if name != "." and name in names[:place]:
            names[place] = next(free)
            size = np.shape(x)[place if "." not in names[:place] else place - len(names)]
            ties.append((name + names[place], eye(size, dtype=dtype_of(x))))
    return names, ties


def contracted(parts: Sequence[tuple[str, Any]], into: str, optimize: Any) -> Any:
    """An einsum of several arrays, as plainly as it can be said; None of none."""
    if not parts or (len(parts) == 1 and parts[0][0] == into):
        return parts[0][1] if parts else None
    spec = ",".join(s for s, _ in parts) + "->" + into
    arrays = [a for _, a in parts]
    if optimize is False:
        return np.einsum(spec, *arrays)
    return np.einsum(spec, *arrays, optimize=optimize)


def operand_formula(k: int) -> Formula:
    """The formula of operand k, which is argument k + 1."""
    return lambda g, y, subscripts, *operands, optimize=False: einsum_adjoint(
        k, g, subscripts, operands, optimize
    )


bilinear(
    np.einsum,
    refused("np.einsum", "operands with lists of axes", "write the subscripts as a string"),
    *(operand_formula(k) for k in range(MOST_OPERANDS)),
    infer=products.einsum,
)

takes_lists(
    operator.matmul, np.matmul, np.dot, np.inner, np.vdot, np.outer, np.tensordot, np.kron,
    np.convolve, np.correlate, np.cross, np.einsum,
)  # fmt: skip
for _name in ("vecdot", "matvec", "vecmat"):
    if hasattr(np, _name):
        takes_lists(getattr(np, _name))

# Diagonals and triangles


def on_diagonal(g: Any, a: Any, offset: Any, axis1: Any, axis2: Any) -> Any:
    """The cotangent of np.trace: `g` all along the diagonal."""
    if rank(a) != 2 or (axis1, axis2) != (0, 1):
        return trace_adjoint(g, a, offset, axis1, axis2)
    n, m = np.shape(a)[0], np.shape(a)[1]
    sizes = dims(a)
    square = sizes is not None and sizes[0] is not None and sizes[0] == sizes[1]
    more = {} if offset == 0 else {"k": offset}
    return g * (
        eye(n, **more, dtype=dtype_of(a)) if square else eye(n, m, **more, dtype=dtype_of(a))
    )


def last_two(x: Any) -> tuple[int, int]:
    """The axes of the matrices of `x`."""
    return (0, 1) if rank(x) == 2 else (-2, -1)


def back_on_diagonal(g: Any, v: Any, k: Any) -> Any:
    """The cotangent of np.diag, either way."""
    if rank(v) == 1:
        return np.diag(g) if k == 0 else np.diag(g, k)
    if rank(v) == 2:
        return diagonal_adjoint(g, v, k)
    return diag_adjoint(g, v, k)


linear(
    np.trace,
    lambda g, y, a, offset=0, axis1=0, axis2=1: on_diagonal(g, a, offset, axis1, axis2),
    infer=products.trace,
)
linear(np.diag, lambda g, y, v, k=0: back_on_diagonal(g, v, k), infer=products.diag)
linear(np.diagflat, lambda g, y, v, k=0: shaped(np.diag(g, k), v), infer=products.diagflat)
linear(
    np.diagonal,
    lambda g, y, a, offset=0, axis1=0, axis2=1: diagonal_adjoint(g, a, offset, axis1, axis2),
    infer=products.diagonal,
)
linear(
    runtime.diagonal_adjoint,
    lambda g, y, given, a, offset=0, axis1=0, axis2=1: np.diagonal(g, offset, axis1, axis2),
    None,
    infer=facts.like(1),
)
linear(
    runtime.trace_adjoint,
    lambda g, y, given, a, offset=0, axis1=0, axis2=1: np.trace(g, offset, axis1, axis2),
    None,
    infer=facts.like(1),
)
linear(runtime.diag_adjoint, lambda g, y, given, v, k=0: np.diag(g, k), None, infer=facts.like(1))
for _triangle in (np.triu, np.tril):
    # A vector is taken for the rows of a matrix.
    linear(
        _triangle,
        (lambda f: lambda g, y, m, k=0: (
            f(g, k) if (rank(m) or 0) > 1 else unbroadcast(f(g, k), m)
        ))(_triangle),
        infer=products.triangle,
    )  # fmt: skip

# Inverses and determinants


def solved(g: Any, a: Any) -> Any:
    """The transposed system solved: the cotangent of the right side."""
    return np.linalg.solve(swapped(a), g)


def solve_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    """The cotangent of the matrix in np.linalg.solve."""
    if rank(a) == 2 and rank(b) == 1:
        return -np.outer(solved(g, a), y)
    if rank(a) == 2 and rank(b) == 2:
        return -solved(g, a) @ np.transpose(y)
    d, x = solved(columns(g, a, b), a), columns(y, a, b)
    return unbroadcast(-d @ np.swapaxes(x, -1, -2), a)


def solve_right(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of the right side in np.linalg.solve."""
    if rank(a) == 2 and rank(b) in (1, 2):
        return solved(g, a)
    d = unbroadcast(solved(columns(g, a, b), a), columns(b, a, b))
    return np.reshape(d, np.shape(b))


def solve_tangent(g: Any, y: Any, a: Any, b: Any) -> Any:
    """The tangent that the matrix causes in np.linalg.solve."""
    if rank(a) == 2 and rank(b) in (1, 2):
        return -np.linalg.solve(a, g @ y)
    return -np.reshape(np.linalg.solve(a, g @ columns(y, a, b)), np.shape(y))


def square(x: Any) -> Any:
    """Numbers, one per matrix, that broadcast against the matrices."""
    return x if rank(x) == 0 else np.expand_dims(x, (-2, -1))


def inner_of(a: Any, b: Any) -> Any:
    """The inner product of matrices."""
    return np.sum(a * b) if rank(a) == 2 else np.sum(a * b, axis=(-2, -1))


custom(
    np.linalg.inv,
    vjp=lambda g, y, a: -swapped(y) @ g @ swapped(y),
    jvp=lambda g, y, a: -y @ g @ y,
    infer=products.matrix_like,
)
custom(
    np.linalg.solve,
    vjp=(
        lambda g, y, a, b: solve_left(g, y, a, b),
        lambda g, y, a, b: solve_right(g, a, b),
    ),
    jvp=(
        lambda g, y, a, b: solve_tangent(g, y, a, b),
        lambda g, y, a, b: np.linalg.solve(a, g) if rank(a) == 2 else np.reshape(
            np.linalg.solve(a, columns(g, a, b)), np.shape(y)
        ),
    ),
    infer=products.solve,
)  # fmt: skip
linear(
    runtime.columns,
    lambda g, y, v, a, b: np.reshape(g, np.shape(v)),
    None,
    None,
    infer=products.columns,
)
custom(
    np.linalg.det,
    vjp=lambda g, y, a: square(g * y) * swapped(np.linalg.inv(a)),
    jvp=lambda g, y, a: y * inner_of(swapped(np.linalg.inv(a)), g),
    infer=products.determinant,
)


def turn_and_stretch(g: Any, y: Any, a: Any) -> Any:
    """What np.linalg.slogdet weighs the inverse with; the sign of a real one does not move."""
    return g[1] + 1j * np.imag(g[0] * y[0]) if maybe_complex(a) else g[1]


def slogdet_tangent(g: Any, y: Any, a: Any) -> Any:
    """The tangent of np.linalg.slogdet: how the determinant turns, and how it grows."""
    t = inner_of(swapped(np.linalg.inv(a)), g)
    if maybe_complex(a):
        return (1j * y[0] * np.imag(t), np.real(t))
    return (zeros_like(y[0]), t)


custom(
    np.linalg.slogdet,
    vjp=lambda g, y, a: square(turn_and_stretch(g, y, a)) * swapped(np.linalg.inv(a)),
    jvp=lambda g, y, a: slogdet_tangent(g, y, a),
    infer=products.slogdet,
)


def power_adjoint(g: Any, a: Any, n: Any) -> Any:
    """The cotangent of np.linalg.matrix_power: one term for each factor."""
    if not isinstance(n, int):
        refuse("np.linalg.matrix_power", "a power that only a run knows", "use a loop of @")
    if n < 0:
        inverse = np.linalg.inv(a)
        back = swapped(inverse)
        return -back @ power_adjoint(g, inverse, -n) @ back
    turned = swapped(a)
    total = np.zeros_like(a) if n == 0 else None
    for k in range(n):
        left, right = np.linalg.matrix_power(turned, k), np.linalg.matrix_power(turned, n - 1 - k)
        term = left @ g @ right
        total = term if total is None else total + term
    return total


def power_tangent(g: Any, a: Any, n: Any) -> Any:
    """The tangent of np.linalg.matrix_power."""
    return swapped(power_adjoint(swapped(g), a, n))


custom(
    np.linalg.matrix_power,
    vjp=lambda g, y, a, n: power_adjoint(g, a, n),
    jvp=lambda g, y, a, n: power_tangent(g, a, n),
    infer=products.power_like,
)


def pinv_adjoint(g: Any, y: Any, a: Any) -> Any:
    """The cotangent of np.linalg.pinv where the rank does not change."""
    yt, gt, yh = swapped(y), swapped(g), turned(y)
    rows = (gt - a @ (y @ gt)) @ (y @ yh)
    return against(rows + (yh @ y) @ (gt - (gt @ y) @ a), a) - yt @ g @ yt


def pinv_tangent(g: Any, y: Any, a: Any) -> Any:
    """The tangent of np.linalg.pinv where the rank does not change."""
    yt, gt = turned(y), against(swapped(g), a)
    return (y @ yt) @ (gt - (gt @ a) @ y) + (gt - y @ (a @ gt)) @ (yt @ y) - y @ g @ y


custom(
    np.linalg.pinv,
    vjp=lambda g, y, a: pinv_adjoint(g, y, a),
    jvp=lambda g, y, a: pinv_tangent(g, y, a),
    infer=products.pinv,
)

# Factorisations


def lower_half(x: Any) -> Any:
    """The lower triangle, its diagonal halved."""
    return (np.tril(x) + np.tril(x, -1)) / 2


def symmetric(x: Any, a: Any) -> Any:
    """The symmetric part; the Hermitian one where the matrix `a` is complex."""
    return (x + against(swapped(x), a)) / 2


def cholesky_adjoint(g: Any, y: Any) -> Any:
    """The cotangent of np.linalg.cholesky, symmetric."""
    yt = swapped(y)
    half = np.linalg.solve(yt, lower_half(yt @ g))
    return symmetric(swapped(np.linalg.solve(conjugated(yt), swapped(half))), y)


def cholesky_tangent(g: Any, y: Any) -> Any:
    """The tangent of np.linalg.cholesky."""
    half = np.linalg.solve(y, symmetric(g, y))
    back = np.linalg.solve(y, against(swapped(half), y))
    return y @ lower_half(against(swapped(back), y))


def gaps(w: Any) -> Any:
    """One over the differences of entries, zero where they are equal."""
    d = np.expand_dims(w, -2) - np.expand_dims(w, -1)
    return (d != 0) / (d + (d == 0))


def scaled(v: Any, w: Any) -> Any:
    """The columns of `v`, each times an entry of `w`."""
    return v * np.expand_dims(w, -2)


TINY = 1e-8  # of an entry of an eigenvector: its phase is as good as arbitrary


def real_row(v: Any, UPLO: Any) -> tuple[Any, Any]:
    """Which row of the eigenvectors of complex matrices LAPACK makes real, and one over it.

    Its reduction to a real tridiagonal matrix leaves the first row alone, of the upper triangle the
    last one. Where an entry is zero or nearly so, no phase is turned.
    """
    if UPLO not in ("L", "l", "U", "u"):
        refuse("np.linalg.eigh", "a triangle that only a run knows", "write UPLO into the call")
    place = (Ellipsis, 0 if UPLO in ("L", "l") else -1, slice(None))
    row = np.real(v[place])
    nothing = np.abs(row) < TINY
    return place, np.where(nothing, 0, 1 / (row + nothing))


def eigh_adjoint(g: Any, y: Any, UPLO: Any) -> Any:
    """The cotangent of np.linalg.eigh; equal eigenvalues do not turn into each other."""
    w, v, d_v = y[0], y[1], g[1]
    if maybe_complex(v):
        place, over = real_row(v, UPLO)
        d_v = index_add(d_v, place, -1j * np.imag(np.sum(d_v * v, axis=-2)) * over)
    vt, vc = swapped(v), conjugated(v)
    inner = (vt @ d_v) * gaps(w)
    return symmetric((vc @ inner + scaled(vc, g[0])) @ vt, v)


def eigh_tangent(g: Any, y: Any, UPLO: Any) -> Any:
    """The tangent of np.linalg.eigh."""
    w, v = y[0], y[1]
    inner = turned(v) @ symmetric(g, v) @ v
    v_dot = v @ (inner * gaps(w))
    if maybe_complex(v):
        place, over = real_row(v, UPLO)
        v_dot = v_dot - scaled(v, 1j * np.imag(v_dot[place]) * over)
    return (real_part(np.diagonal(inner, 0, -2, -1), v), v_dot)


def eigvalsh_adjoint(g: Any, a: Any) -> Any:
    """The cotangent of np.linalg.eigvalsh."""
    v = traced(np.linalg.eigh)(a)[1]
    return against(scaled(v, g), a) @ swapped(v)


def eigvalsh_tangent(g: Any, a: Any) -> Any:
    """The tangent of np.linalg.eigvalsh."""
    v = traced(np.linalg.eigh)(a)[1]
    return real_part(np.diagonal(turned(v) @ symmetric(g, v) @ v, 0, -2, -1), v)


custom(
    np.linalg.cholesky,
    vjp=lambda g, y, a: cholesky_adjoint(g, y),
    jvp=lambda g, y, a: cholesky_tangent(g, y),
    infer=products.matrix_like,
)
custom(
    np.linalg.eigh,
    vjp=lambda g, y, a, UPLO="L": eigh_adjoint(g, y, UPLO),
    jvp=lambda g, y, a, UPLO="L": eigh_tangent(g, y, UPLO),
    infer=products.eigh,
)
custom(
    np.linalg.eigvalsh,
    vjp=lambda g, y, a, UPLO="L": eigvalsh_adjoint(g, a),
    jvp=lambda g, y, a, UPLO="L": eigvalsh_tangent(g, a),
    infer=products.eigvalsh,
)


def thin(a: Any, full_matrices: Any) -> None:
    """Refuse factors whose extra columns are arbitrary, and so have no derivative."""
    if maybe_complex(a):
        refuse(
            "np.linalg.svd",
            "the singular vectors of complex matrices, whose phases are arbitrary",
            "pass compute_uv=False, or take np.linalg.eigh of the complex matrix a.conj().T @ a",
        )
    sizes = dims(a)
    square = sizes is not None and sizes[-1] is not None and sizes[-2:-1] == sizes[-1:]
    if settled(full_matrices) is not False and not square:
        refuse(
            "np.linalg.svd",
            "full_matrices=True of a matrix that is not known to be square",
            "pass full_matrices=False",
        )


def svd_adjoint(g: Any, y: Any, a: Any, full_matrices: Any, compute_uv: Any) -> Any:
    """The cotangent of np.linalg.svd; equal singular values do not turn into each other."""
    if settled(compute_uv) is False:
        parts = traced(np.linalg.svd)(a, full_matrices=False)
        return against(scaled(parts[0], g) @ parts[2], a)
    thin(a, full_matrices)
    u, s, vt = y[0], y[1], y[2]
    ut, v, gu, gv = swapped(u), swapped(vt), g[0], swapped(g[2])
    f = gaps(s * s)
    left, right = ut @ gu, vt @ gv
    middle = scaled(f * (left - swapped(left)), s)
    middle = middle + swapped(scaled(swapped(f * (right - swapped(right))), s))
    d = (u @ middle + scaled(u, g[1])) @ vt
    over = (s != 0) / (s + (s == 0))
    d = d + scaled(gu - u @ left, over) @ vt
    return d + scaled(u, over) @ swapped(gv - v @ right)


def svd_tangent(g: Any, y: Any, a: Any, full_matrices: Any, compute_uv: Any) -> Any:
    """The tangent of np.linalg.svd."""
    if settled(compute_uv) is False:
        parts = traced(np.linalg.svd)(a, full_matrices=False)
        return real_part(np.diagonal(turned(parts[0]) @ g @ turned(parts[2]), 0, -2, -1), a)
    thin(a, full_matrices)
    u, s, vt = y[0], y[1], y[2]
    ut, v = swapped(u), swapped(vt)
    inner = ut @ g @ v
    f, flipped = gaps(s * s), swapped(inner)
    over = (s != 0) / (s + (s == 0))
    du = u @ (f * (scaled(inner, s) + swapped(scaled(inner, s))))
    du = du + scaled(g @ v - u @ inner, over)
    dv = v @ (f * (scaled(flipped, s) + swapped(scaled(flipped, s))))
    dv = dv + scaled(swapped(g) @ u - v @ flipped, over)
    return (du, np.diagonal(inner, 0, -2, -1), swapped(dv))


custom(
    np.linalg.svd,
    vjp=lambda g, y, a, full_matrices=True, compute_uv=True: svd_adjoint(
        g, y, a, full_matrices, compute_uv
    ),
    jvp=lambda g, y, a, full_matrices=True, compute_uv=True: svd_tangent(
        g, y, a, full_matrices, compute_uv
    ),
    infer=products.svd,
)


def tall(a: Any, mode: Any) -> None:
    """Refuse what np.linalg.qr gives of wide matrices, and its other modes."""
    sizes = dims(a)
    if mode != "reduced":
        refuse("np.linalg.qr", f"mode={mode!r}", "use mode='reduced'")
    if sizes is not None and isinstance(sizes[-2], int) and isinstance(sizes[-1], int):
        if sizes[-2] < sizes[-1]:
            refuse("np.linalg.qr", "a matrix wider than tall", "factorise its square part")


def qr_adjoint(g: Any, y: Any, a: Any, mode: Any) -> Any:
    """The cotangent of np.linalg.qr."""
    tall(a, mode)
    q, r = y[0], y[1]
    m = r @ swapped(g[1]) - swapped(g[0]) @ q
    if maybe_complex(a):  # the diagonal of r is real
        m = lower_half(m)
        m = m + np.conj(swapped(m))
    else:
        m = np.tril(m) + swapped(np.tril(m, -1))
    return swapped(np.linalg.solve(r, swapped(g[0] + against(q @ m, a))))


def qr_tangent(g: Any, y: Any, a: Any, mode: Any) -> Any:
    """The tangent of np.linalg.qr."""
    tall(a, mode)
    q, r = y[0], y[1]
    over = swapped(np.linalg.solve(swapped(r), swapped(g)))  # g @ inv(r)
    inner = turned(q) @ over
    below = lower_half(inner) if maybe_complex(a) else np.tril(inner, -1)
    turn = below - against(swapped(below), a)
    return (q @ turn + over - q @ inner, (inner - turn) @ r)


custom(
    np.linalg.qr,
    vjp=lambda g, y, a, mode="reduced": qr_adjoint(g, y, a, mode),
    jvp=lambda g, y, a, mode="reduced": qr_tangent(g, y, a, mode),
    infer=products.qr,
)
zero(np.linalg.matrix_rank, infer=facts.unknown)

# NumPy 2's names in np.linalg, which take the last axes for matrices

if hasattr(np.linalg, "vecdot"):
    bilinear(
        np.linalg.matmul,
        lambda g, y, x1, x2: matmul_left(g, x1, x2),
        lambda g, y, x1, x2: matmul_right(g, x1, x2),
        infer=products.matmul,
    )
    bilinear(
        np.linalg.tensordot,
        lambda g, y, x1, x2, *, axes=2: contract_left(g, x1, x2, axes),
        lambda g, y, x1, x2, *, axes=2: contract_right(g, x1, x2, axes),
        infer=products.tensordot,
    )
    bilinear(
        np.linalg.outer,
        lambda g, y, x1, x2: g @ x2,
        lambda g, y, x1, x2: x1 @ g,
        infer=products.outer,
    )
    bilinear(
        np.linalg.vecdot,
        lambda g, y, x1, x2: against(np.expand_dims(g, -1) * x2, x1),
        lambda g, y, x1, x2: np.expand_dims(g, -1) * conjugated(x1),
        infer=products.vecdot,
    )
    bilinear(
        np.linalg.cross,
        lambda g, y, x1, x2, *, axis=-1: crossed(x2, g, x1, x2, axis),
        lambda g, y, x1, x2, *, axis=-1: crossed(g, x1, x1, x2, axis),
        infer=products.cross,
    )
    linear(
        np.linalg.trace,
        lambda g, y, x, *, offset=0: on_diagonal(g, x, offset, *last_two(x)),
        infer=lambda x, *, offset=0: products.trace(x, offset, -2, -1),
    )
    linear(
        np.linalg.diagonal,
        lambda g, y, x, *, offset=0: diagonal_adjoint(g, x, offset, -2, -1),
        infer=lambda x, *, offset=0: products.diagonal(x, offset, -2, -1),
    )
    linear(
        np.linalg.matrix_transpose,
        lambda g, y, x: np.linalg.matrix_transpose(g),
        infer=shaping.matrix_transpose,
    )
