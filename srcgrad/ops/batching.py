"""How elementwise functions, reductions and functions of shape are applied to many examples at once."""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import runtime
from ..ir.types import Facts, facts_of
from . import registry
from .batch_verbs import (
    BATCHING,
    Batching,
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
    many,
    ndim,
    ranks,
    together,
    wholes,
)
from .facts import UFUNC_OF
from .trace import Tracer, emit, traced

astype = traced(runtime.astype)
unbroadcast_ = traced(runtime.unbroadcast)
shifted = traced(runtime.shifted)
diff_adjoint = traced(runtime.diff_adjoint)
quantile_weights = traced(runtime.quantile_weights)
exclusive_cumprod = traced(runtime.exclusive_cumprod)
product_of_others = traced(runtime.product_of_others)
linear_scan = traced(runtime.linear_scan)
last_written = traced(runtime.last_written)
zeros_like = traced(runtime.zeros_like)
stop_gradient = traced(runtime.stop_gradient)
copied = traced(runtime.copied)

_function: Any

# Entry by entry


def entrywise(function: Any) -> Batching:
    """The row of a function that is applied entry by entry, broadcasting."""
    primitive = registry.PRIMITIVES[function]

    def row(*args: Any, **kwargs: Any) -> Any:
        given = broadcast([*args, *kwargs.values()])
        named = dict(zip(kwargs, given[len(args) :], strict=True))
        return emit(primitive, given[: len(args)], named)

    return Batching(row)


def find(primitive: Any) -> Batching | None:
    """The row of a primitive; None where it has to be run example by example."""
    found = BATCHING.get(primitive)
    if found is not None:
        return found
    function = primitive.function
    rule = registry.RULES.get(primitive)
    ufunc = UFUNC_OF.get(function, function)
    plain = isinstance(ufunc, np.ufunc) and ufunc.signature is None
    if plain or (
        rule is not None and rule.verb == "elementwise" and not primitive.name.startswith("math.")
    ):
        BATCHING[primitive] = entrywise(function)
    return BATCHING.get(primitive)


# Python's functions of numbers, by those of arrays.
for _name, _counterpart in {
    "acos": np.arccos, "acosh": np.arccosh, "asin": np.arcsin, "asinh": np.arcsinh,
    "atan": np.arctan, "atan2": np.arctan2, "atanh": np.arctanh, "cbrt": np.cbrt,
    "copysign": np.copysign, "cos": np.cos, "cosh": np.cosh, "degrees": np.degrees, "exp": np.exp,
    "exp2": np.exp2, "expm1": np.expm1, "fabs": np.fabs, "fmod": np.fmod, "log10": np.log10,
    "log1p": np.log1p, "log2": np.log2, "pow": np.power, "radians": np.radians, "sin": np.sin,
    "sinh": np.sinh, "sqrt": np.sqrt, "tan": np.tan, "tanh": np.tanh, "isfinite": np.isfinite,
    "isinf": np.isinf, "isnan": np.isnan,
}.items():  # fmt: skip
    batching(getattr(math, _name), (lambda f: lambda *args: f(*broadcast(args)))(_counterpart))


def logarithm(*args: Any) -> Any:
    """math.log, of which the base may be given."""
    demand(len(args) == 1)
    return np.log(args[0].whole)


batching(math.log, logarithm)
batching(
    np.where,
    lambda condition, *choices: (
        np.where(*broadcast([condition, *choices])) if choices else give_up()
    ),
)
batching(max, lambda *xs: best(xs, lambda a, b: a > b))
batching(min, lambda *xs: best(xs, lambda a, b: a < b))


def best(xs: tuple[Any, ...], beats: Callable[[Any, Any], Any]) -> Any:
    """Python's `max` and `min` of several numbers: the first one unless a later one is better."""
    demand(len(xs) > 1 and max(ranks(xs)) == 0)
    first, *rest = broadcast(xs)
    for x in rest:
        first = np.where(beats(x, first), x, first)
    return first


leading(float, lambda x: astype(x, "float64"))
leading(int, lambda x: astype(x, "int64"))
leading((bool, operator.truth), lambda x: astype(x, "bool"))
leading(operator.not_, lambda x: np.logical_not(x))
leading(builtins.round, lambda x, n=None: astype(np.round(x), "int64") if n is None
        else np.round(x, n))  # fmt: skip
leading((np.round, np.around), lambda a, decimals=0: np.round(a, decimals))
for _same in (np.real, np.imag, np.angle, np.copy, np.modf, np.frexp, np.isposinf, np.isneginf,
              np.isreal, np.iscomplex):  # fmt: skip
    leading(_same, (lambda f: lambda x: f(x))(_same))
for _pair in (np.isclose, divmod, np.divmod):
    BATCHING[registry.PRIMITIVES[_pair]] = entrywise(_pair)
for _like in (np.zeros_like, np.ones_like, np.empty_like):
    leading(_like, (lambda f: lambda a, *more, **named: like(f, a, *more, **named))(_like))
batching(
    np.full_like,
    lambda a, fill_value, *more, **named: np.full_like(
        *wholes_of_template(a, fill_value), *more, **named
    ),
)


def like(function: Any, a: Any, *more: Any, **named: Any) -> Any:
    """An array like another; of another shape, it is not batched at all."""
    demand("shape" not in named)
    return function(a, *more, **named)


def wholes_of_template(a: Any, fill: Any) -> list[Any]:
    """A template and what it is filled with, so that they broadcast."""
    (template,) = wholes([a]) if isinstance(a, Many) else (next(many(fill)).spread(a),)
    return [template, aligned(fill, ndim(template) - 1)]


leading(
    (runtime.astype, *((np.astype,) if hasattr(np, "astype") else ())),
    lambda x, dtype: astype(x, dtype),
)
leading(np.float64, lambda x: astype(x, "float64"))
leading(np.float32, lambda x: astype(x, "float32"))
leading(np.int64, lambda x: astype(x, "int64"))
leading(np.int32, lambda x: astype(x, "int32"))
leading(np.bool_, lambda x: astype(x, "bool"))
batching(
    np.select,
    lambda condlist, choicelist, default=0: selected(condlist, choicelist, default),
    lists=True,
)


def selected(conditions: Any, choices: Any, default: Any) -> Any:
    """np.select of lists that are spelled out."""
    demand(isinstance(conditions, list | tuple) and isinstance(choices, list | tuple))
    n = len(conditions)
    given = broadcast([as_array(a) for a in (*conditions, *choices, default)])
    return np.select(given[:n], given[n:-1], given[-1])


# Reductions


def reduced(function: Any, scalars: bool) -> Callable[..., Any]:
    """The row of a reduction; `scalars` says whether it takes no axes at all."""

    def row(a: Any, axis: Any = None, *more: Any, **named: Any) -> Any:
        demand(scalars or ndim(a) > 1)
        axes = later(axis, a)
        return function(a, axes, *more, **named) if more else function(a, axis=axes, **named)

    return row


for _function in (np.sum, np.mean, np.prod, np.max, np.amax, np.min, np.amin, np.any, np.all):
    leading(_function, reduced(_function, True))
for _function in (np.var, np.std, np.median, np.ptp, np.nanmax, np.nanmin, np.nansum, np.nanmean,
                  np.nanvar, np.nanstd, np.count_nonzero):  # fmt: skip
    leading(_function, reduced(_function, False))
for _function in (np.quantile, np.percentile):
    leading(_function, (lambda f: lambda a, q, axis=None, *, keepdims=False: quantile(
        f, a, q, axis, keepdims))(_function))  # fmt: skip


def quantile(function: Any, a: Any, q: Any, axis: Any, keepdims: Any) -> Any:
    """One quantile of each example."""
    demand(np.ndim(constant(q)) == 0 and ndim(a) > 1)
    return function(a, q, axis=later(axis, a), keepdims=keepdims)


def in_line(function: Any) -> Callable[..., Any]:
    """The row of a function along one axis, or along all entries in one line."""

    def row(a: Any, axis: Any = None, *more: Any, **named: Any) -> Any:
        if axis is None:
            demand(not named.get("keepdims"))
            return function(flat(a), axis=1, **named) if not more else function(flat(a), 1, *more)
        return function(a, later(axis, a), *more, **named)

    return row


for _function in (np.cumsum, np.cumprod, np.argmax, np.argmin, np.nanargmax, np.nanargmin):
    leading(_function, in_line(_function))
if hasattr(np, "cumulative_sum"):
    for _function in (np.cumulative_sum, np.cumulative_prod):
        leading(_function, (lambda f: lambda x, *, axis=None: f(flat(x) if axis is None else x,
                axis=1 if axis is None else later(axis, x)))(_function))  # fmt: skip
for _function in (np.sort, np.argsort):
    leading(_function, (lambda f: lambda a, axis=-1, **more: f(
        flat(a) if axis is None else a, axis=later(-1 if axis is None else axis, a), **more
    ))(_function))  # fmt: skip
for _function in (np.partition, np.argpartition):
    leading(_function, (lambda f: lambda a, kth, axis=-1: f(
        flat(a) if axis is None else a, kth, axis=later(-1 if axis is None else axis, a)
    ))(_function))  # fmt: skip
leading(
    np.diff,
    lambda a, n=1, axis=-1, **more: np.diff(
        a, n, later(axis, a), **{k: number(v) for k, v in more.items()}
    ),
)


def number(x: Any) -> Any:
    """A plain number."""
    demand(np.ndim(constant(x)) == 0)
    return x


for _function in (getattr(np, name) for name in ("trapezoid", "trapz") if name in np.__all__):
    leading(_function, (lambda f: lambda y, x=None, dx=1.0, axis=-1: f(
        y, x, dx=dx, axis=later(axis, y)
    ) if x is None or ndim(x) == 1 else give_up())(_function))  # fmt: skip


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    """np.linalg.norm, which takes vectors and matrices together where an order is given."""
    if axis is None:
        demand(ndim(x) > 1 and (ndim(x) < 4 or (ord is None and not keepdims)))
        x = x if ndim(x) < 4 else flat(x)
    more = {"keepdims": keepdims} if keepdims is not False else {}
    given = () if ord is None else (ord,)
    return np.linalg.norm(x, *given, axis=later(axis, x), **more)


leading(np.linalg.norm, norm)
if hasattr(np.linalg, "vector_norm"):
    leading(
        np.linalg.vector_norm,
        lambda x, *, axis=None, ord=2, keepdims=False: np.linalg.vector_norm(
            x, axis=later(axis, x), ord=ord, keepdims=keepdims
        ),
    )
    leading(np.linalg.matrix_norm, lambda x, **named: np.linalg.matrix_norm(x, **named))
leading(
    np.average,
    lambda a, axis=None, weights=None, *, keepdims=False: (
        np.mean(a, axis=later(axis, a), keepdims=keepdims) if weights is None
        else weighed(a, axis, weights, keepdims)
    ),
)  # fmt: skip


def weighed(a: Any, axis: Any, weights: Any, keepdims: Any) -> Any:
    """An average by weights that all examples share."""
    demand(isinstance(axis, int) and ndim(weights) == 1)
    return np.average(a, axis=later(axis, a), weights=weights, keepdims=keepdims)


# Helpers of the backward sweep, of reductions


def restored(g: Any, axis: Any, keepdims: Any) -> Any:
    """The axes back that a reduction took away."""
    return g if axis is None or constant(keepdims) else np.expand_dims(g, expanded(axis))


def expanded(axis: Any) -> Any:
    """Axes of an expanded example as those of an expanded whole."""
    if isinstance(axis, tuple | list):
        return tuple(expanded(k) for k in axis)
    demand(isinstance(axis, int | np.integer))
    return axis + 1 if axis >= 0 else axis


leading(runtime.restore_axes, restored)
leading(runtime.line_sums, lambda a, axis: (
    np.sum(a, axis=at(axis, a), keepdims=True) if ndim(a) == 3 else a))  # fmt: skip
leading(runtime.shifted, lambda a, by, axis: shifted(a, by, at(axis, a)))
leading(runtime.diff_adjoint, lambda g, n=1, axis=-1: diff_adjoint(g, n, at(axis, g)))
leading(runtime.quantile_weights, lambda a, q, axis: quantile_weights(a, number(q), later(axis, a)))
leading(runtime.exclusive_cumprod, lambda x, axis: exclusive_cumprod(x, at(axis, x)))
leading(runtime.product_of_others, lambda x, axis=None: (
    product_of_others(x, at(axis, x)) if axis is not None else give_up()))  # fmt: skip
together(runtime.linear_scan, lambda g, x, axis: linear_scan(g, x, at(axis, g)), 2)


def unbroadcast(g: Any, x: Any) -> Any:
    """A cotangent in the shape of `x`, of which the examples have one shape, batched or not."""
    demand(isinstance(g, Many))
    d, shape = g.whole, dims(x)
    extra = g.rank - len(shape)
    if extra > 0:
        d = np.sum(d, axis=tuple(range(1, 1 + extra)) if extra > 1 else 1)
    given = (g.whole.facts.dims or ())[1 + max(extra, 0) :]
    pairs = list(zip(shape, given, strict=False))
    if extra >= 0 and all(n == 1 or (n is not None and n == m) for n, m in pairs):
        ones = tuple(k for k, (n, m) in enumerate(pairs, 1) if n != m)
        return np.sum(d, axis=ones, keepdims=True) if ones else d
    if extra < 0:
        d = d[(slice(None), *[None] * -extra)]
    return unbroadcast_(d, x.whole if isinstance(x, Many) else g.spread(x))


def dims(x: Any) -> tuple[Any, ...]:
    """The sizes of the axes of one example."""
    facts = (
        (x.whole if isinstance(x, Many) else x).facts if not isinstance(x, float | int) else None
    )
    if facts is None or facts.is_scalar:
        return ()
    if facts.dims is None or facts.kind not in ("array", "unknown"):
        give_up()
    return tuple(facts.dims[1:] if isinstance(x, Many) else facts.dims)


def unbroadcast_row(given: Any, x: Any) -> Any:
    """The cotangent of each example in the shape of `x`: its real part, where `x` is real."""
    moved = unbroadcast(given, x)
    if not _maybe_complex(given) or _facts(x).is_complex:
        return moved
    if not _facts(x).is_real:
        give_up()
    return np.real(moved)


batching(runtime.unbroadcast, unbroadcast_row)


def _facts(x: Any) -> Facts:
    if isinstance(x, Many | Tracer):
        return (x.whole if isinstance(x, Many) else x).facts
    return facts_of(x)


def _maybe_complex(x: Any) -> bool:
    """Whether numbers may be complex, for all that is known of them."""
    facts = _facts(x)
    return facts.is_complex or not facts.is_real


BATCHING[registry.PRIMITIVES[runtime.add]] = entrywise(runtime.add)
leading(runtime.zeros_like, lambda x: zeros_like(x))
leading(runtime.stop_gradient, lambda x: stop_gradient(x))
leading(runtime.copied, lambda x: copied(x))

# What is asked of an array. The answer is the same for all examples.

for _asked in (np.iscomplexobj, np.isrealobj, runtime.dtype_of, runtime.imaginary_unit):
    leading(_asked, (lambda f: lambda x: f(x))(traced(_asked)), shared=True)
leading(np.ndim, lambda a: ndim(a) - 1, shared=True)
leading(np.shape, lambda a: np.shape(a)[1:], shared=True)
leading(len, lambda x: np.shape(x)[1], shared=True)
leading(
    np.size,
    lambda a, axis=None: np.shape(a)[at(axis, a)] if axis is not None else entries(a),
    shared=True,
)


def entries(a: Any) -> Any:
    """How many entries one example has."""
    count: Any = 1
    for k in range(1, ndim(a)):
        count = np.shape(a)[k] if k == 1 else count * np.shape(a)[k]
    return count


leading(
    runtime.last_written,
    lambda a, index: last_written(a[0], index),
    shared=True,
)
leading(runtime.reduced_size, lambda x, axis: reduced_size(x, axis), shared=True)


def reduced_size(x: Any, axis: Any) -> Any:
    """How many entries of an example a reduction takes together."""
    if axis is None:
        return entries(x)
    count: Any = None
    for k in axis if isinstance(axis, tuple | list) else (axis,):
        size = np.shape(x)[at(k, x)]
        count = size if count is None else count * size
    return 1 if count is None else count
