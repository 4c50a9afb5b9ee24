"""Rules of the functions that take entries together: sums, products, extremes, spreads, norms.

Conventions: entries that tie for an extreme share the cotangent evenly; the norm of zeros and the
spread of equal numbers are flat; a median in the middle of two numbers moves with each by half.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import runtime
from ..ir.types import PY_INT
from . import facts
from .asks import (
    complex_valued,
    conjugated,
    integer,
    maybe_complex,
    moving,
    number,
    rank,
    real_part,
    settled,
    static,
    takes_lists,
)
from .registry import custom, linear, refuse, refused, zero
from .trace import Tracer, traced

astype = traced(runtime.astype)
dtype_of = traced(runtime.dtype_of)
restore_axes = traced(runtime.restore_axes)
reduced_size = traced(runtime.reduced_size)
align = traced(runtime.align)
line_sums = traced(runtime.line_sums)
shifted = traced(runtime.shifted)
linear_scan = traced(runtime.linear_scan)
exclusive_cumprod = traced(runtime.exclusive_cumprod)
product_of_others = traced(runtime.product_of_others)
quantile_weights = traced(runtime.quantile_weights)
unbroadcast = traced(runtime.unbroadcast)
diff_adjoint = traced(runtime.diff_adjoint)
svd = traced(np.linalg.svd)


# The axes that a reduction took away


def restored(g: Any, axis: Any, keepdims: Any) -> Any:
    """`g` with the reduced axes back at size one; over all axes, a number, which broadcasts anyway."""
    axis, keepdims = settled(axis), settled(keepdims)
    if isinstance(keepdims, Tracer) or not (static(axis) or integer(axis)):
        return restore_axes(g, axis, keepdims)
    return g if axis is None or keepdims else np.expand_dims(g, axis)


def over(g: Any, a: Any, axis: Any, keepdims: Any) -> Any:
    """`g` handed to every entry of `a` that was taken together."""
    if rank(a) == 0:
        return g
    return np.broadcast_to(restored(g, axis, keepdims), np.shape(a))


def count(a: Any, axis: Any) -> Any:
    """How many entries of `a` are taken together."""
    axis = settled(axis)
    if axis is None:
        return np.size(a)
    if integer(axis):
        return np.shape(a)[axis]
    if not static(axis):
        return reduced_size(a, axis)
    size = np.shape(a)[axis[0]]
    for k in axis[1:]:
        size = size * np.shape(a)[k]
    return size


def kept(function: Any, a: Any, axis: Any, **more: Any) -> Any:
    """A reduction that keeps its axes; over all axes, a number."""
    if settled(axis) is None:
        return function(a, **more)
    return function(a, axis=axis, keepdims=True, **more)


def cast(g: Any, a: Any, dtype: Any) -> Any:
    """`g` in the dtype of `a`, where the call had asked for another one."""
    return g if dtype is None else astype(moving(g, a), dtype_of(a))


def narrowed(name: str, a: Any, dtype: Any) -> None:
    """Refuse another dtype for complex numbers where it matters when imaginary parts are dropped."""
    if dtype is not None and complex_valued(a):
        refuse(name, "complex numbers with dtype=", "convert them before, or take np.real(a)")


# Sums


def flipped_cumsum(g: Any, a: Any, axis: Any) -> Any:
    """The sums of all later entries, each with its own."""
    if axis is not None:
        return np.flip(np.cumsum(np.flip(g, axis), axis), axis)
    later = np.cumsum(g[::-1])[::-1]
    return later if rank(a) == 1 else np.reshape(later, np.shape(a))


linear(
    np.sum,
    lambda g, y, a, axis=None, dtype=None, *, keepdims=False: cast(
        over(g, a, axis, keepdims), a, dtype
    ),
    infer=facts.reduction(facts.dtype_sum),
)
linear(
    np.mean,
    lambda g, y, a, axis=None, dtype=None, *, keepdims=False: cast(
        over(g / count(a, axis), a, axis, keepdims), a, dtype
    ),
    infer=facts.reduction(facts.dtype_float),
)
linear(
    np.cumsum,
    lambda g, y, a, axis=None, dtype=None: cast(flipped_cumsum(g, a, axis), a, dtype),
    infer=facts.cumulative,
)
if hasattr(np, "cumulative_sum"):
    linear(
        np.cumulative_sum,
        lambda g, y, x, *, axis=None: flipped_cumsum(g, x, axis),
        infer=facts.cumulative,
    )
linear(
    runtime.restore_axes,
    lambda g, y, given, axis, keepdims: np.reshape(g, np.shape(given)),
    infer=facts.complex_first,
)
zero(runtime.reduced_size, infer=facts.constant(PY_INT))


def averaged(g: Any, a: Any, axis: Any, keepdims: Any, factor: Any, w: Any) -> Any:
    """`g` over the sum of the weights, times `factor`, in the shape of the array."""
    return restored(g, axis, keepdims) / kept(np.sum, w, axis) * factor


def aligned(weights: Any, a: Any, axis: Any) -> Any:
    """The weights with as many axes as the array."""
    known = rank(a), rank(weights)
    return weights if None not in known and known[0] == known[1] else align(weights, a, axis)


def weights_adjoint(g: Any, y: Any, a: Any, axis: Any, weights: Any, keepdims: Any) -> Any:
    """The cotangent of the weights of np.average."""
    w = aligned(weights, a, axis)
    d = averaged(g, a, axis, keepdims, a - restored(y, axis, keepdims), w)
    return d if w is weights else np.reshape(unbroadcast(d, w), np.shape(weights))


def average_adjoint(g: Any, a: Any, axis: Any, weights: Any, keepdims: Any) -> Any:
    """The cotangent of the array of np.average."""
    if weights is None:
        return over(g / count(a, axis), a, axis, keepdims)
    w = aligned(weights, a, axis)
    d = averaged(g, a, axis, keepdims, w, w)
    return d if w is weights else np.broadcast_to(d, np.shape(a))


custom(
    np.average,
    vjp=(
        lambda g, y, a, axis=None, weights=None, *, keepdims=False: average_adjoint(
            g, a, axis, weights, keepdims
        ),
        None,
        lambda g, y, a, axis=None, weights=None, *, keepdims=False: weights_adjoint(
            g, y, a, axis, weights, keepdims
        ),
    ),
    jvp=(
        lambda g, y, a, axis=None, weights=None, *, keepdims=False: np.average(
            g, axis=axis, weights=weights, keepdims=keepdims
        ),
        None,
        lambda g, y, a, axis=None, weights=None, *, keepdims=False: np.sum(
            (a - restored(y, axis, keepdims)) * aligned(g, a, axis)
            / kept(np.sum, aligned(weights, a, axis), axis),
            axis=axis, keepdims=keepdims,
        ),
    ),
    infer=facts.average,
)  # fmt: skip
takes_lists(np.average)
linear(
    runtime.align,
    lambda g, y, w, a, axis: np.reshape(g, np.shape(w)),
    None,
    infer=facts.complex_first,
)

# Spreads


def deviation(a: Any, axis: Any, dtype: Any) -> Any:
    """What each entry differs from the mean by; of complex entries, the conjugate."""
    narrowed("np.var", a, dtype)
    return conjugated(a - kept(np.mean, a, axis))


def freedom(a: Any, axis: Any, ddof: Any) -> Any:
    """The degrees of freedom."""
    n = count(a, axis)
    return n if number(ddof) and ddof == 0 else n - ddof


def safe(y: Any) -> Any:
    """`y` as a divisor, with one in place of zero."""
    return y + (y == 0)


custom(
    np.var,
    vjp=lambda g, y, a, axis=None, dtype=None, *, ddof=0, keepdims=False: cast(
        restored(2 * g / freedom(a, axis, ddof), axis, keepdims) * deviation(a, axis, dtype),
        a,
        dtype,
    ),
    jvp=lambda g, y, a, axis=None, dtype=None, *, ddof=0, keepdims=False: (
        2
        / freedom(a, axis, ddof)
        * real_part(
            np.sum(deviation(a, axis, dtype) * g, axis=axis, dtype=dtype, keepdims=keepdims), a
        )
    ),
    infer=facts.reduction(facts.dtype_real),
)
custom(
    np.std,
    vjp=lambda g, y, a, axis=None, dtype=None, *, ddof=0, keepdims=False: cast(
        restored(g / (freedom(a, axis, ddof) * safe(y)), axis, keepdims)
        * deviation(a, axis, dtype),
        a,
        dtype,
    ),
    jvp=lambda g, y, a, axis=None, dtype=None, *, ddof=0, keepdims=False: (
        real_part(
            np.sum(deviation(a, axis, dtype) * g, axis=axis, dtype=dtype, keepdims=keepdims), a
        )
        / (freedom(a, axis, ddof) * safe(y))
    ),
    infer=facts.reduction(facts.dtype_real),
)

# Extremes


def shares(mask: Any, a: Any, axis: Any) -> Any:
    """How many entries tie, in the dtype of the array."""
    return kept(np.sum, mask, axis, dtype=dtype_of(a))


def at_extreme(g: Any, y: Any, a: Any, axis: Any, keepdims: Any) -> Any:
    """`g` shared out among the entries of `a` that are equal to the extreme `y`."""
    mask = a == restored(y, axis, keepdims)
    return restored(g, axis, keepdims) / shares(mask, a, axis) * mask


def extreme_tangent(g: Any, y: Any, a: Any, axis: Any, keepdims: Any) -> Any:
    """The mean tangent of the entries that are equal to the extreme `y`."""
    mask = a == restored(y, axis, keepdims)
    return np.sum(g * mask / shares(mask, a, axis), axis=axis, keepdims=keepdims)


def range_adjoint(g: Any, a: Any, axis: Any, keepdims: Any) -> Any:
    """The cotangent of np.ptp: up at the largest entries, down at the smallest."""
    high, low = kept(np.max, a, axis), kept(np.min, a, axis)
    wide = restored(g, axis, keepdims)
    return at_extreme(wide, high, a, axis, True) - at_extreme(wide, low, a, axis, True)


def range_tangent(g: Any, a: Any, axis: Any, keepdims: Any) -> Any:
    """The tangent of np.ptp."""
    high, low = (f(a, axis=axis, keepdims=keepdims) for f in (np.max, np.min))
    return extreme_tangent(g, high, a, axis, keepdims) - extreme_tangent(g, low, a, axis, keepdims)


for _extreme in (np.max, np.amax, np.min, np.amin, np.nanmax, np.nanmin):
    custom(
        _extreme,
        vjp=lambda g, y, a, axis=None, *, keepdims=False: at_extreme(g, y, a, axis, keepdims),
        jvp=lambda g, y, a, axis=None, *, keepdims=False: extreme_tangent(g, y, a, axis, keepdims),
        infer=facts.reduction(facts.dtype_same),
    )
custom(
    np.ptp,
    vjp=lambda g, y, a, axis=None, *, keepdims=False: range_adjoint(g, a, axis, keepdims),
    jvp=lambda g, y, a, axis=None, *, keepdims=False: range_tangent(g, a, axis, keepdims),
    infer=facts.reduction(facts.dtype_same),
)


def one_by_one(q: Any) -> None:
    """Refuse several quantiles at once."""
    if rank(q) not in (0, None):
        refuse("np.quantile", "several quantiles at once", "ask for them one by one")


def weighed(g: Any, a: Any, q: Any, axis: Any, keepdims: Any) -> Any:
    """The cotangent of a quantile: its entries' weights do not move with the entries."""
    one_by_one(q)
    return restored(g, axis, keepdims) * quantile_weights(a, q, axis)


def weighed_tangent(g: Any, a: Any, q: Any, axis: Any, keepdims: Any) -> Any:
    """The tangent of a quantile."""
    one_by_one(q)
    return np.sum(g * quantile_weights(a, q, axis), axis=axis, keepdims=keepdims)


custom(
    np.median,
    vjp=lambda g, y, a, axis=None, *, keepdims=False: weighed(g, a, 0.5, axis, keepdims),
    jvp=lambda g, y, a, axis=None, *, keepdims=False: weighed_tangent(g, a, 0.5, axis, keepdims),
    infer=facts.reduction(facts.dtype_float),
)
for _function, _unit in ((np.quantile, 1), (np.percentile, 100)):
    custom(
        _function,
        vjp=(
            (lambda unit: lambda g, y, a, q, axis=None, *, keepdims=False: weighed(
                g, a, q / unit, axis, keepdims
            ))(_unit),
            refused("np.quantile", "the quantile that is asked for", "pass it as a constant"),
        ),
        jvp=(
            (lambda unit: lambda g, y, a, q, axis=None, *, keepdims=False: weighed_tangent(
                g, a, q / unit, axis, keepdims
            ))(_unit),
            refused("np.quantile", "the quantile that is asked for", "pass it as a constant"),
        ),
        infer=facts.quantile,
    )  # fmt: skip
takes_lists(np.quantile, np.percentile)
zero(runtime.quantile_weights, infer=facts.same)

# Products. No division: entries may be zero.


def backward_scan(g: Any, x: Any, axis: Any) -> Any:
    """The recurrence `s[i] = g[i] + x[i + 1] * s[i + 1]`: the adjoint of linear_scan."""
    shifted_back = shifted(np.flip(x, axis), 1, axis)
    return np.flip(linear_scan(np.flip(g, axis), shifted_back, axis), axis)


def before_adjoint(g: Any, x: Any, axis: Any) -> Any:
    """The cotangent of `x` in exclusive_cumprod."""
    return exclusive_cumprod(x, axis) * backward_scan(shifted(g, -1, axis), x, axis)


def before_tangent(g: Any, x: Any, axis: Any) -> Any:
    """The tangent of exclusive_cumprod."""
    moved = shifted(exclusive_cumprod(x, axis) * g, 1, axis)
    return linear_scan(moved, shifted(x, 1, axis), axis)


def after(x: Any, axis: Any) -> Any:
    """The product of all entries after each one."""
    return np.flip(exclusive_cumprod(np.flip(x, axis), axis), axis)


def others_adjoint(g: Any, x: Any, axis: Any) -> Any:
    """The cotangent of `x` in product_of_others: of what stands before, and of what stands after."""
    if axis is None:
        return np.reshape(others_adjoint(np.ravel(g), np.ravel(x), 0), np.shape(x))
    back = np.flip(g * exclusive_cumprod(x, axis), axis)
    return before_adjoint(g * after(x, axis), x, axis) + np.flip(
        before_adjoint(back, np.flip(x, axis), axis), axis
    )


def others_tangent(g: Any, x: Any, axis: Any) -> Any:
    """The tangent of product_of_others."""
    if axis is None:
        return np.reshape(others_tangent(np.ravel(g), np.ravel(x), 0), np.shape(x))
    back = np.flip(before_tangent(np.flip(g, axis), np.flip(x, axis), axis), axis)
    return before_tangent(g, x, axis) * after(x, axis) + exclusive_cumprod(x, axis) * back


def factors(a: Any, axis: Any, dtype: Any) -> Any:
    """What each entry is multiplied with in np.prod."""
    narrowed("np.prod", a, dtype)
    return others(a, settled(axis))


def others(a: Any, axis: Any) -> Any:
    """The product of all other entries that are taken together with each one."""
    if not isinstance(axis, tuple):
        return product_of_others(a) if axis is None else product_of_others(a, axis)
    first, *rest = axis
    if not rest:
        return product_of_others(a, first)
    return product_of_others(a, first) * others(np.prod(a, axis=first, keepdims=True), tuple(rest))


def cumprod_adjoint(g: Any, a: Any, axis: Any, dtype: Any = None) -> Any:
    """The cotangent of np.cumprod."""
    narrowed("np.cumprod", a, dtype)
    if axis is None:
        return np.reshape(cumprod_adjoint(g, np.ravel(a), 0), np.shape(a))
    return exclusive_cumprod(a, axis) * backward_scan(g, a, axis)


def cumprod_tangent(g: Any, a: Any, axis: Any, dtype: Any = None) -> Any:
    """The tangent of np.cumprod."""
    narrowed("np.cumprod", a, dtype)
    if axis is None:
        return cumprod_tangent(np.ravel(g), np.ravel(a), 0)
    return linear_scan(g * exclusive_cumprod(a, axis), a, axis)


custom(
    np.prod,
    vjp=lambda g, y, a, axis=None, dtype=None, *, keepdims=False: cast(
        restored(g, axis, keepdims) * factors(a, axis, dtype), a, dtype
    ),
    jvp=lambda g, y, a, axis=None, dtype=None, *, keepdims=False: np.sum(
        g * factors(a, axis, dtype), axis=axis, dtype=dtype, keepdims=keepdims
    ),
    infer=facts.reduction(facts.dtype_sum),
)
custom(
    np.cumprod,
    vjp=lambda g, y, a, axis=None, dtype=None: cast(cumprod_adjoint(g, a, axis, dtype), a, dtype),
    jvp=lambda g, y, a, axis=None, dtype=None: cumprod_tangent(g, a, axis, dtype),
    infer=facts.cumulative,
)
if hasattr(np, "cumulative_prod"):
    custom(
        np.cumulative_prod,
        vjp=lambda g, y, x, *, axis=None: cumprod_adjoint(g, x, axis),
        jvp=lambda g, y, x, *, axis=None: cumprod_tangent(g, x, axis),
        infer=facts.cumulative,
    )
custom(
    runtime.product_of_others,
    vjp=lambda g, y, x, axis=None: others_adjoint(g, x, axis),
    jvp=lambda g, y, x, axis=None: others_tangent(g, x, axis),
    infer=facts.same,
)
custom(
    runtime.exclusive_cumprod,
    vjp=lambda g, y, x, axis: before_adjoint(g, x, axis),
    jvp=lambda g, y, x, axis: before_tangent(g, x, axis),
    infer=facts.same,
)
custom(
    runtime.linear_scan,
    vjp=(
        lambda g, y, given, x, axis: backward_scan(g, x, axis),
        lambda g, y, given, x, axis: shifted(y, 1, axis) * backward_scan(g, x, axis),
    ),
    jvp=(
        lambda g, y, given, x, axis: linear_scan(g, x, axis),
        lambda g, y, given, x, axis: linear_scan(g * shifted(y, 1, axis), x, axis),
    ),
    infer=facts.scanned,
)
linear(runtime.shifted, lambda g, y, a, by, axis: shifted(g, -by, axis), infer=facts.same)

# Where some entries are NaN and left out


def present(a: Any, axis: Any) -> Any:
    """How many entries are not NaN, in the dtype of the array."""
    return kept(np.sum, ~np.isnan(a), axis, dtype=dtype_of(a))


def nan_deviation(a: Any, axis: Any) -> Any:
    """What each entry differs from the mean by, or its conjugate; nothing where it is NaN."""
    return np.where(np.isnan(a), 0, conjugated(a - kept(np.nanmean, a, axis)))


def one(y: Any, axis: Any) -> Any:
    """A cotangent of ones, through which an adjoint gives the weights of its entries."""
    return 1.0 if settled(axis) is None else np.ones_like(y)


custom(
    np.nansum,
    vjp=lambda g, y, a, axis=None, *, keepdims=False: np.where(
        np.isnan(a), 0, restored(g, axis, keepdims)
    ),
    jvp=lambda g, y, a, axis=None, *, keepdims=False: np.sum(
        np.where(np.isnan(a), 0, g), axis=axis, keepdims=keepdims
    ),
    infer=facts.reduction(facts.dtype_sum),
)
custom(
    np.nanmean,
    vjp=lambda g, y, a, axis=None, *, keepdims=False: np.where(
        np.isnan(a), 0, restored(g, axis, keepdims) / present(a, axis)
    ),
    jvp=lambda g, y, a, axis=None, *, keepdims=False: np.sum(
        np.where(np.isnan(a), 0, g) / present(a, axis), axis=axis, keepdims=keepdims
    ),
    infer=facts.reduction(facts.dtype_float),
)
custom(
    np.nanvar,
    vjp=lambda g, y, a, axis=None, *, ddof=0, keepdims=False: (
        2 * restored(g, axis, keepdims) / (present(a, axis) - ddof) * nan_deviation(a, axis)
    ),
    jvp=lambda g, y, a, axis=None, *, ddof=0, keepdims=False: real_part(
        np.sum(
            2 * nan_deviation(a, axis) * g / (present(a, axis) - ddof), axis=axis, keepdims=keepdims
        ),
        a,
    ),
    infer=facts.reduction(facts.dtype_real),
)
custom(
    np.nanstd,
    vjp=lambda g, y, a, axis=None, *, ddof=0, keepdims=False: (
        restored(g / safe(y), axis, keepdims) / (present(a, axis) - ddof) * nan_deviation(a, axis)
    ),
    jvp=lambda g, y, a, axis=None, *, ddof=0, keepdims=False: (
        real_part(
            np.sum(
                nan_deviation(a, axis) * g / (present(a, axis) - ddof), axis=axis, keepdims=keepdims
            ),
            a,
        )
        / safe(y)
    ),
    infer=facts.reduction(facts.dtype_real),
)

# Norms


def direction(x: Any) -> Any:
    """The slope of the size of each entry: its sign, or of a complex number its conjugate direction."""
    return np.conj(x) / safe(np.abs(x)) if maybe_complex(x) else np.sign(x)


def vector_norm(g: Any, y: Any, x: Any, ord: Any, axis: Any, keepdims: Any) -> Any:
    """The cotangent of the norm of vectors."""
    wide, top = restored(g, axis, keepdims), restored(y, axis, keepdims)
    if ord in (None, 2, "fro"):
        return restored(g / safe(y), axis, keepdims) * conjugated(x)
    if ord == 1:
        return wide * direction(x)
    if ord == 0:
        return np.zeros_like(x)
    if math.isinf(ord):
        mask = np.abs(x) == top
        return wide / shares(mask, x, axis) * mask * direction(x)
    slope = restored(g / safe(y) ** (ord - 1), axis, keepdims)
    return slope * direction(x) * np.abs(x) ** (ord - 1)


def singular_norm(g: Any, x: Any, ord: Any) -> Any:
    """The cotangent of a norm that is made of singular values, of the last two axes."""
    parts = svd(x, full_matrices=False)
    u, vt = parts[0], parts[2]
    if ord == 2:
        u, vt = u[..., :1], vt[..., :1, :]
    elif ord == -2:
        u, vt = u[..., -1:], vt[..., -1:, :]
    return g * conjugated(u @ vt)


def matrix_norm(g: Any, y: Any, x: Any, ord: Any, axes: Any, keepdims: Any) -> Any:
    """The cotangent of the norm of matrices."""
    if ord in (None, "fro"):
        return vector_norm(g, y, x, None, axes, keepdims)
    if ord in (1, -1, math.inf, -math.inf):
        wide, top = restored(g, axes, keepdims), restored(y, axes, keepdims)
        along = axes[0] if abs(ord) == 1 else axes[1]
        mask = np.sum(np.abs(x), axis=along, keepdims=True) == top
        return wide / shares(mask, x, axes) * mask * direction(x)
    last = (-2, -1)
    wide = g if keepdims else np.expand_dims(g, last)
    if axes == last or (axes == (0, 1) and rank(x) == 2):
        return singular_norm(wide, x, ord)
    d = singular_norm(np.moveaxis(wide, axes, last) if keepdims else wide,
                      np.moveaxis(x, axes, last), ord)  # fmt: skip
    return np.moveaxis(d, last, axes)


def some_norm(g: Any, y: Any, x: Any, ord: Any) -> Any:
    """The cotangent of a norm of all entries, where only a run knows a vector from a matrix."""
    if ord in (1, math.inf, -math.inf):
        mags = np.abs(x)
        lines = np.sum(mags, axis=0, keepdims=True) if ord == 1 else line_sums(mags, -1)
        mask = lines == y
        return g / np.sum(mask, dtype=dtype_of(x)) * mask * direction(x)
    if ord in (2, "nuc"):
        # The spectral norm of a matrix of one row is the length of that row.
        return np.reshape(singular_norm(g * (y != 0), np.atleast_2d(x), ord), np.shape(x))
    if ord in (-1, -2):
        refuse(
            "np.linalg.norm",
            f"ord={ord} of an array whose number of dimensions is not known",
            "pass axis= as well",
        )
    return vector_norm(g, y, x, ord, None, False)


def norm_adjoint(g: Any, y: Any, x: Any, ord: Any, axis: Any, keepdims: Any) -> Any:
    """The cotangent of np.linalg.norm in any of its meanings."""
    axis, ord, keepdims = settled(axis), settled(ord), settled(keepdims)
    if isinstance(ord, Tracer):
        refuse("np.linalg.norm", "an ord that only a run knows", "write it into the call")
    if ord in (None, "fro"):
        return vector_norm(g, y, x, None, axis, keepdims)
    if axis is None and rank(x) not in (1, 2):
        return some_norm(g, y, x, ord)
    if axis is None and rank(x) == 2:
        return matrix_norm(g, y, x, ord, (0, 1), keepdims)
    if isinstance(axis, tuple) and len(axis) == 2:
        return matrix_norm(g, y, x, ord, axis, keepdims)
    return vector_norm(g, y, x, ord, axis, keepdims)


def norm_tangent(g: Any, y: Any, x: Any, ord: Any, axis: Any, keepdims: Any) -> Any:
    """The tangent of np.linalg.norm, through the weights that its adjoint gives the entries."""
    weights = norm_adjoint(one(y, axis), y, x, ord, axis, keepdims)
    return real_part(np.sum(weights * g, axis=axis, keepdims=keepdims), x)


custom(
    np.linalg.norm,
    vjp=lambda g, y, x, ord=None, axis=None, keepdims=False: norm_adjoint(
        g, y, x, ord, axis, keepdims
    ),
    jvp=lambda g, y, x, ord=None, axis=None, keepdims=False: norm_tangent(
        g, y, x, ord, axis, keepdims
    ),
    infer=facts.norm,
)
if hasattr(np.linalg, "vector_norm"):
    custom(
        np.linalg.vector_norm,
        vjp=lambda g, y, x, *, axis=None, keepdims=False, ord=2: vector_norm(
            g, y, x, ord, axis, keepdims
        ),
        jvp=lambda g, y, x, *, axis=None, keepdims=False, ord=2: real_part(
            np.sum(
                vector_norm(one(y, axis), y, x, ord, axis, keepdims) * g,
                axis=axis,
                keepdims=keepdims,
            ),
            x,
        ),
        infer=facts.vector_norm,
    )
    custom(
        np.linalg.matrix_norm,
        vjp=lambda g, y, x, *, keepdims=False, ord="fro": matrix_norm(
            g, y, x, ord, (-2, -1), keepdims
        ),
        jvp=lambda g, y, x, *, keepdims=False, ord="fro": real_part(
            np.sum(matrix_norm(np.ones_like(y), y, x, ord, (-2, -1), keepdims) * g,
                   axis=(-2, -1), keepdims=keepdims), x
        ),
        infer=facts.matrix_norm,
    )  # fmt: skip
linear(
    runtime.line_sums,
    lambda g, y, a, axis: np.broadcast_to(g, np.shape(a)),
    infer=facts.complex_first,
)

# Differences and integrals


def along(axis: Any, part: slice) -> Any:
    """An index that takes a part of one axis."""
    if axis >= 0:
        return (slice(None),) * axis + (part,)
    return (Ellipsis, part) + (slice(None),) * (-1 - axis)


def margin_cut(g: Any, axis: Any, prepend: Any, append: Any) -> Any:
    """A cotangent without what stands in front and behind, which is constant."""
    for margin in (prepend, append):
        if margin is not None and not number(margin):
            refuse("np.diff", "what stands in front or behind", "concatenate it yourself")
    if prepend is None and append is None:
        return g
    ends = slice(None if prepend is None else 1, None if append is None else -1)
    return g[along(axis, ends)]


custom(
    np.diff,
    vjp=lambda g, y, a, n=1, axis=-1, prepend=None, append=None: margin_cut(
        diff_adjoint(g, n, axis), axis, prepend, append
    ),
    jvp=lambda g, y, a, n=1, axis=-1, prepend=None, append=None: np.diff(
        g, n, axis, **{k: 0 for k, v in (("prepend", prepend), ("append", append)) if v is not None}
    ),
    infer=facts.difference,
)
linear(
    runtime.diff_adjoint,
    lambda g, y, given, n=1, axis=-1: np.diff(g, n, axis),
    infer=facts.difference_adjoint,
)


def ends_halved(t: Any, axis: Any) -> Any:
    """The adjoint of adding neighbours: each entry of `t` goes to both that it came from."""
    first, rest, last = slice(None, 1), slice(1, None), slice(-1, None)
    inner = t[along(axis, rest)] + t[along(axis, slice(None, -1))]
    return np.concatenate([t[along(axis, first)], inner, t[along(axis, last)]], axis=axis)


def known_ranks(y: Any, x: Any) -> None:
    """Refuse what may be one vector of places for all rows, or as many places as heights."""
    if rank(x) is None or rank(y) is None:
        refuse("np.trapezoid", "an x of unknown number of dimensions", "pass dx")


def widths(y: Any, x: Any, dx: Any, axis: Any) -> Any:
    """The widths of the strips that np.trapezoid adds up, so that they broadcast."""
    if x is None:
        return dx
    known_ranks(y, x)
    d = np.diff(x) if rank(x) == 1 else np.diff(x, axis=axis)
    if rank(x) == 1 and rank(y) != 1:
        return np.reshape(d, (-1,) + (1,) * (rank(y) - 1 - axis % rank(y)))  # type: ignore[operator]
    return d


def heights_adjoint(g: Any, y: Any, x: Any, dx: Any, axis: Any) -> Any:
    """The cotangent of the heights of np.trapezoid."""
    if not static(axis):
        refuse("np.trapezoid", "an axis that only a run knows", "write it into the call")
    strip = np.expand_dims(g, axis) * widths(y, x, dx, axis) / 2
    strips = np.diff(y, axis=axis)
    return ends_halved(np.broadcast_to(strip, np.shape(strips)), axis)


def middles(y: Any, axis: Any) -> Any:
    """The mean heights of the strips."""
    return (y[along(axis, slice(1, None))] + y[along(axis, slice(None, -1))]) / 2


def places_adjoint(g: Any, y: Any, x: Any, axis: Any) -> Any:
    """The cotangent of the places of np.trapezoid."""
    known_ranks(y, x)
    strip = np.expand_dims(g, axis) * middles(y, axis)
    if rank(x) == 1 and rank(y) != 1:
        others = tuple(k for k in range(rank(y) or 0) if k != axis % (rank(y) or 1))
        strip, axis = np.sum(strip, axis=others), 0
    return diff_adjoint(strip, 1, axis)


for _name in ("trapezoid", "trapz"):
    if _name in np.__dict__ or (_name == "trapezoid" and hasattr(np, _name)):
        _function = getattr(np, _name)
        custom(
            _function,
            vjp=(
                lambda g, z, y, x=None, dx=1.0, axis=-1: heights_adjoint(g, y, x, dx, axis),
                lambda g, z, y, x=None, dx=1.0, axis=-1: places_adjoint(g, y, x, axis),
                lambda g, z, y, x=None, dx=1.0, axis=-1: np.sum(
                    g * np.sum(middles(y, axis), axis=axis)
                ),
            ),
            jvp=(
                lambda g, z, y, x=None, dx=1.0, axis=-1: np.sum(
                    middles(g, axis) * widths(y, x, dx, axis), axis=axis
                ),
                lambda g, z, y, x=None, dx=1.0, axis=-1: np.sum(
                    middles(y, axis) * widths(y, g, dx, axis), axis=axis
                ),
                lambda g, z, y, x=None, dx=1.0, axis=-1: np.sum(middles(y, axis) * g, axis=axis),
            ),
            infer=facts.integral,
        )
        takes_lists(_function)

# Positions and counts

zero((np.argmax, np.argmin, np.nanargmax, np.nanargmin), infer=facts.argument)
zero(np.count_nonzero, infer=facts.unknown)
zero((np.any, np.all), infer=facts.reduction(facts.dtype_bool))
