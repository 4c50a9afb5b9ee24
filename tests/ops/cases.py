"""Where each row of the rule tables is checked: one line per call, in the order of the tables."""

import math
import operator
from collections import namedtuple
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from srcgrad import runtime


@dataclass(frozen=True)
class Case:
    """One call, and what check_rule is to know about it."""

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    check: dict[str, Any] = field(default_factory=dict)

    def __str__(self):
        name = getattr(self.function, "__name__", str(self.function))
        given = [shown(a) for a in self.args] + [f"{k}={v}" for k, v in self.kwargs.items()]
        return f"{name}({', '.join(given)})"


def shown(arg):
    if isinstance(arg, np.ndarray):
        return f"{arg.dtype.kind}{list(arg.shape)}"
    if isinstance(arg, list | tuple):
        return f"[{', '.join(map(shown, arg))}]"
    return repr(arg) if not isinstance(arg, float) else f"{arg:g}"


CASES: list[Case] = []


def case(function, *args, check=None, **kwargs):
    CASES.append(Case(function, args, kwargs, check or {}))


def sample(*shape, low=-1.0, high=1.0, seed=0):
    """Numbers between `low` and `high`, no two alike and none near zero."""
    rng = np.random.default_rng([seed, *shape])
    n = int(np.prod(shape))
    x = low + (high - low) * (np.arange(n) + 0.61 + 0.07 * seed) / (n + 1)
    x = rng.permutation(x).reshape(shape)
    return np.where(np.abs(x) < 0.04, x + 0.0523, x)


@dataclass(frozen=True)
class Pair:
    """A dataclass argument."""

    first: Any
    second: Any


Named = namedtuple("Named", "first second")

SHAPES = ((3,), (2, 3), (1,), (0,), (2, 0), (10,), (9, 2))
PAIRS = (
    ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((1, 3), (2, 1)), ((3,), (1,)), ((0, 3), (1,
    3)),
    ((10,), (10,)), ((10,), (1,)), ((9, 1), (11,)), ((), (3,)), ((2, 2), ()),
)  # fmt: skip


def unary(function, low=-0.9, high=0.9):
    """A function of one array, at numbers of every sort."""
    case(function, (low + 2 * high) / 3)
    case(function, np.float64(0.4 * low + 0.6 * high))
    case(function, np.array(0.3 * low + 0.7 * high))
    for shape in SHAPES:
        case(function, sample(*shape, low=low, high=high))


def binary(function, low=-0.9, high=0.9, low2=None, high2=None, arrays=True):
    """A function of two arrays that broadcasts."""
    low2, high2 = low if low2 is None else low2, high if high2 is None else high2
    x, y = (low + 2 * high) / 3, (low2 + 3.3 * high2) / 4.3
    case(function, x, y)
    case(function, np.float64(x), y)
    if arrays:
        case(function, sample(3, low=low, high=high), y)
        case(function, x, sample(2, 3, low=low2, high=high2, seed=1))
        for p, q in PAIRS:
            case(function, sample(*p, low=low, high=high), sample(*q, low=low2, high=high2, seed=1))


# ufuncs

for f in (operator.add, np.add, operator.sub, np.subtract, operator.mul, np.multiply):
    binary(f)
for f in (operator.truediv, np.divide):
    binary(f, low2=0.3, high2=2.0)
for f in (operator.pow, np.power, np.float_power, pow):
    binary(f, low=0.3, high=2.0, low2=-1.5, high2=2.5)
    for n in (-2, -1, 0, 1, 2, 3, 0.5, 1.5):
        case(f, sample(3, low=0.3, high=2.0), n)
        case(f, 0.7, n)
    case(f, sample(3), 3)
    case(f, 2, sample(2, 3))
    case(f, 2.5, sample(2, 3))
    case(f, sample(4), np.array([0, 1, 2, 3]))
for f in (operator.mod, np.remainder, np.fmod, divmod, np.divmod):
    binary(f, low=2.5, high=3.3, low2=1.17, high2=1.2)  # far from where the quotient jumps
    case(f, np.array([-5.3, 4.1, 0.7, -3.1]), np.array([1.3, -0.9, 2.0, -1.2]))
    case(f, 7.3, -1.7)
for f in (operator.neg, np.negative, operator.pos, np.positive, np.square):
    unary(f)
unary(np.reciprocal, 0.3, 2.0)
for f in (np.exp, np.exp2, np.expm1, np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan):
    unary(f)
for f in (np.sinh, np.cosh, np.tanh, np.arcsinh, np.arctanh, np.deg2rad, np.radians, np.rad2deg,
          np.degrees, np.sinc, abs, operator.abs, np.absolute, np.fabs, np.conj, np.nan_to_num,
          np.real, np.imag, np.angle):  # fmt: skip
    unary(f)
for f in (np.log, np.log2, np.log10, np.log1p, np.sqrt, np.cbrt):
    unary(f, 0.2, 3.0)
unary(np.arccosh, 1.3, 4.0)
unary(np.sinc, -4.3, 4.1)
for n in range(5):
    case(runtime.sinc_derivative, sample(10, low=-3.0, high=3.0), n)
case(runtime.sinc_derivative, 0.1, 2)
for f in (np.logaddexp, np.logaddexp2, np.hypot, np.arctan2, np.copysign):
    binary(f)
for f in (np.maximum, np.minimum, np.fmax, np.fmin):
    binary(f)
    case(f, sample(2, 3), 0)
    case(f, 0.25, sample(2, 3))
    if f in (np.maximum, np.fmax):
        case(f, sample(3), -math.inf)
for x in (-1.0, 0.5):
    case(np.heaviside, x, 0.5)
case(np.heaviside, np.array([-1.0, 0.5, 2.0]), sample(3), check={"argnums": [1]})
case(np.nextafter, sample(3), sample(3, seed=1), check={"argnums": []})
for low, high in ((-0.5, 0.5), (None, 0.4), (-0.4, None), (sample(3, seed=2), 1.5), (-1.5,
                  sample(2, 1)),
                  (sample(3, seed=2), sample(3, seed=4) + 1)):  # fmt: skip
    case(np.clip, sample(2, 3), low, high)
    case(np.clip, 0.3, low, high)
case(np.clip, sample(10), sample(10, seed=3) - 1, sample(10, seed=5) + 1)
case(np.clip, sample(3), 0.7, sample(3, seed=6))  # bounds that cross
for f in (np.modf, np.frexp):
    unary(f, 0.2, 3.7)
case(np.ldexp, sample(3), 2)
case(np.ldexp, sample(2, 3), np.array([0, 1, -3]))
case(np.ldexp, 0.3, 4)
MASK = np.array([True, False, True])
for x, y in ((sample(3), sample(3, seed=1)), (sample(2, 3), 0.5), (0.5, sample(2, 1)), (0.3, 0.4)):
    case(np.where, MASK, x, y)
    case(np.where, True, x, y)
case(np.where, sample(10) > 0, sample(10, seed=1), 1.5)
case(np.where, MASK)
LATE = {"refused": ["unknown", "late"]}
case(np.select, [MASK, ~MASK], [sample(3), sample(2, 3)], 0.5, check={**LATE, "argnums": [1]})
case(np.select, [MASK, ~MASK], [sample(3), sample(2, 3)], 0.5, check={"argnums": [2]})
case(np.select, [MASK, MASK], [sample(3), sample(3, seed=1)], check=LATE)
INTS, MORE = np.array([3, 4, 6]), np.array([2, 1, 5])
for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "gcd", "lcm", "left_shift", "right_shift"):
    case(getattr(np, name), INTS, MORE)
for name in ("bitwise_count", "invert"):
    if hasattr(np, name):
        case(getattr(np, name), INTS)
for name in ("ceil", "floor", "rint", "trunc", "sign", "signbit", "isfinite", "isinf", "isnan",
             "logical_not", "spacing", "isposinf", "isneginf", "isreal", "iscomplex", "round",
             "around", "count_nonzero", "any", "all"):  # fmt: skip
    case(getattr(np, name), sample(2, 3))
    case(getattr(np, name), 0.7)
    case(getattr(np, name), sample(10))
case(np.isnat, np.array(["2020-01-01"], dtype="M8[D]"))
case(np.round, sample(3), 1)
for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and",
             "logical_or", "logical_xor", "isclose", "floor_divide"):  # fmt: skip
    case(getattr(np, name), sample(2, 3), sample(3, seed=1))
    case(getattr(np, name), sample(10), 0.5)
    case(getattr(np, name), 0.5, 1.5)
for f in (operator.lt, operator.gt, operator.le, operator.ge, operator.eq, operator.ne,
          operator.floordiv):  # fmt: skip
    for x, y in ((sample(2, 3), sample(3, seed=1)), (sample(10), 0.5), (0.5, 1.5), (2, 3)):
        case(f, x, y)
for f in (operator.and_, operator.or_, operator.xor):
    case(f, MASK, ~MASK)
    case(f, True, False)
    case(f, 6, 3)
for f in (operator.lshift, operator.rshift):
    case(f, INTS, 2)
    case(f, 6, 2)
case(operator.invert, MASK)
case(operator.invert, 6)
for f in (operator.not_, operator.truth):
    case(f, 0.5)
for f in (operator.is_, operator.is_not):
    case(f, 0.5, None)
case(operator.contains, [1, 2], 2)
case(operator.index, 3)
case(operator.countOf, [1, 2, 2], 2)
case(operator.indexOf, [1, 2, 2], 2)
for x in (0.7, np.float64(0.7), 3):
    case(round, x)
case(round, 0.712, 1)
case(round, np.float64(0.712), 1)
for x in (0.5, 1j, sample(3)):
    case(runtime.imaginary_unit, x)
case(operator.add, [1.0, 2.0], [3.0])
case(operator.add, [sample(3), 1.0], [0.5, sample(2)])

# reductions

AXES: dict[int, list[dict[str, Any]]] = {
    0: [{}],
    1: [{}, {"axis": 0}, {"axis": -1, "keepdims": True}],
    2: [{}, {"axis": 0}, {"axis": 1}, {"axis": -1, "keepdims": True}, {"keepdims": True},
        {"axis": (0, 1)}, {"axis": (1,)}],
    3: [{}, {"axis": (0, 2)}, {"axis": (-1, 1), "keepdims": True}, {"axis": -2}],
}  # fmt: skip
REDUCED = ((3,), (2, 3), (2, 3, 2), (1, 1), (10,), (9, 2))


def reduction(function, *more, low=-0.9, high=0.9, shapes=REDUCED, axes=AXES, **kwargs):
    for shape in shapes:
        for named in axes[len(shape)]:
            case(function, sample(*shape, low=low, high=high), *more, **named, **kwargs)


for f in (np.sum, np.mean, np.prod):
    reduction(f)
    case(f, np.array(0.7))
    case(f, sample(2, 3), dtype=np.float64, axis=1)
    case(f, np.array([[0.0, 1.5, 2.0], [0.0, 0.0, 3.0]]), axis=1)
    case(f, np.array([0.0, 1.5, 0.0]))
    case(f, sample(2, 3), 1)
for f in (np.sum, np.prod):
    case(f, np.zeros((0, 3)), axis=0)
    case(f, np.zeros(0))
for f in (np.var, np.std):
    reduction(f, shapes=((3,), (2, 3), (2, 3, 2), (10,)))
    case(f, sample(2, 3), axis=1, ddof=1)
    case(f, sample(5), ddof=2)
for f in (np.max, np.amax, np.min, np.amin, np.nanmax, np.nanmin, np.ptp, np.median):
    reduction(f)
case(np.median, sample(4))
case(np.median, sample(4, 5), axis=0)
for f, unit in ((np.quantile, 1), (np.percentile, 100)):
    for q in (0.0, 0.3, 0.5, 1.0):
        case(f, sample(5), q * unit, check={"argnums": [0]})
        case(f, sample(3, 4), q * unit, axis=1, check={"argnums": [0]})
    reduction(f, 0.3 * unit, check={"argnums": [0]})
WITH_NAN = np.array([[0.3, np.nan, -0.7], [0.2, 0.9, 0.4]])
for f in (np.nansum, np.nanmean, np.nanvar, np.nanstd):
    reduction(f, shapes=((3,), (2, 3), (10,)))
for f in (np.nanvar, np.nanstd):
    case(f, sample(3, 4), axis=1, ddof=1)
for f in (np.cumsum, np.cumprod):
    for shape in ((3,), (2, 3), (1,), (10,), (2, 3, 2)):
        case(f, sample(*shape))
        case(f, sample(*shape), axis=0)
        case(f, sample(*shape), axis=-1)
    case(f, np.array([1.0, 0.0, 2.0, 0.0, 3.0]))
    case(f, sample(2, 3), 1, np.float64)
if hasattr(np, "cumulative_sum"):
    for f in (np.cumulative_sum, np.cumulative_prod):
        case(f, sample(4))
        case(f, sample(2, 3), axis=1)
case(np.average, sample(2, 3))
case(np.average, sample(2, 3), axis=1)
case(np.average, sample(2, 3), 1)
for w in (sample(3, low=0.5, high=2), sample(2, 3, low=0.5, high=2)):
    case(np.average, sample(2, 3), 1, w)
    case(np.average, sample(2, 3), -1, w, keepdims=True)
case(np.average, sample(3, 2), 0, sample(3, low=0.5, high=2))
case(np.average, sample(2, 3), None, sample(2, 3, low=0.5, high=2))
case(np.average, sample(10), None, sample(10, low=0.5, high=2))
for x in (sample(4), sample(10)):
    for p in (None, 1, 2, 3, 0.5, math.inf, -math.inf, 0, -1, -2):
        check = LATE if p in (-1, -2) else {}
        case(np.linalg.norm, x, p, check={**check, "argnums": [0]})
for p in (None, 1, 2, 3, math.inf, -math.inf):
    case(np.linalg.norm, sample(3, 4), p, 1, check={"argnums": [0]})
    case(np.linalg.norm, sample(2, 3, 2), p, -2, True, check={"argnums": [0]})
for p in (None, "fro", 1, -1, math.inf, -math.inf, 2, -2, "nuc"):
    check = LATE if p in (-1, -2) else {}
    case(np.linalg.norm, sample(3, 4), p, check={**check, "argnums": [0]})
    case(np.linalg.norm, sample(2, 3, 4), p, (1, 2), check={"argnums": [0]})
    case(np.linalg.norm, sample(3, 2, 4), p, (0, 2), True, check={"argnums": [0]})
case(np.linalg.norm, sample(2, 3, 4))
case(np.linalg.norm, sample(2, 3), keepdims=True)
if hasattr(np.linalg, "vector_norm"):
    for p in (2, 1, math.inf, 3):
        case(np.linalg.vector_norm, sample(2, 3), ord=p)
        case(np.linalg.vector_norm, sample(2, 3), ord=p, axis=0, keepdims=True)
    for p in ("fro", 2, "nuc", 1, math.inf):
        case(np.linalg.matrix_norm, sample(3, 4), ord=p)
        case(np.linalg.matrix_norm, sample(2, 3, 4), ord=p, keepdims=True)
for x, n in product((sample(5), sample(3, 5), sample(10)), (1, 2, 3)):
    case(np.diff, x, n)
    case(runtime.diff_adjoint, np.diff(x, n), n)
case(runtime.diff_adjoint, sample(3, 4), 2, 0)
case(np.diff, sample(3, 4), axis=0)
case(np.diff, sample(5), prepend=0)
case(np.diff, sample(5), n=2, append=0.5)
case(np.diff, sample(3, 5), n=2, axis=0, prepend=0, append=1)
for f in (getattr(np, name) for name in ("trapezoid", "trapz") if name in np.__all__):
    X = np.sort(sample(5))
    case(f, sample(5), check={"argnums": [0]})
    case(f, sample(10), dx=0.5)
    case(f, sample(3, 5))
    for y, x, axis in ((sample(3, 5), X, -1), (sample(5, 3), X, 0), (sample(5), X, -1),
                       (sample(3, 5), sample(3, 5, seed=1), 0)):  # fmt: skip
        case(f, y, x, axis=axis, check=LATE)
    case(f, sample(5), None, 0.5)
for f in (np.argmax, np.argmin, np.nanargmax, np.nanargmin):
    for named in ({}, {"axis": 0}, {"axis": 1, "keepdims": True}):
        case(f, sample(2, 3), **named)
case(np.count_nonzero, sample(2, 3), axis=1)
case(np.any, sample(2, 3), axis=1)
for x, axis, keepdims in ((sample(2), 1, False), (sample(2, 1), 1, True), (0.7, None, False)):
    case(runtime.restore_axes, x, axis, keepdims)
case(runtime.reduced_size, sample(2, 3), (0, 1))
case(runtime.reduced_size, sample(2, 3), None)
case(runtime.align, sample(3), sample(2, 3), 1, check={"argnums": [0]})
case(runtime.align, sample(2), sample(2, 3), 0, check={"argnums": [0]})
case(runtime.align, sample(2, 3), sample(2, 3), 0, check={"argnums": [0]})
case(runtime.line_sums, sample(2, 3), 0)
case(runtime.line_sums, sample(3), 0)
for by in (1, -1, 2):
    case(runtime.shifted, sample(4), by, 0)
    case(runtime.shifted, sample(2, 3), by, 1)
for axis in (0, 1):
    case(runtime.linear_scan, sample(4, 5), sample(4, 5, seed=1), axis)
    case(runtime.exclusive_cumprod, sample(4, 5), axis)
    case(runtime.product_of_others, sample(4, 5), axis)
case(runtime.linear_scan, sample(10), sample(10, seed=1), 0)
case(runtime.product_of_others, sample(3, 2))
case(runtime.product_of_others, np.array([1.0, 0.0, 2.0, 0.0]))
case(runtime.product_of_others, np.array([1.0, 0.0, 2.0]))
for axis in (None, 0, 1, (0, 1)):
    case(runtime.quantile_weights, sample(3, 4), 0.3, axis)

# products and linear algebra

PRODUCTS = (
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((1, 3), (3, 1)), ((0, 3), (3,
    2)),
    ((2, 0), (0, 3)), ((9, 10), (10, 11)), ((10,), (10,)),
)  # fmt: skip
BATCHES = (
    ((2, 3, 4), (4,)), ((4,), (2, 4, 3)), ((2, 3, 4), (4, 5)), ((3, 4), (2, 4, 5)),
    ((2, 3, 4), (2, 4, 5)), ((2, 1, 3, 4), (5, 4, 2)), ((1, 2, 3), (4, 3, 2)),
)  # fmt: skip
for p, q in (*PRODUCTS, *BATCHES):
    for f in (np.matmul, operator.matmul):
        case(f, sample(*p), sample(*q, seed=1))
for p, q in (*PRODUCTS, ((2, 3, 4), (4,)), ((2, 3, 4), (5, 4, 2)), ((4,), (2, 4, 3)), ((), (3,)),
             ((2, 3), ()), ((), ())):  # fmt: skip
    case(np.dot, sample(*p), sample(*q, seed=1))
case(np.dot, 0.7, sample(3))
case(np.dot, 0.7, 0.4)
for p, q in (((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 3), (4, 3)), ((2, 2, 3), (4, 3)),
             ((), (3,)), ((10,), (10,))):  # fmt: skip
    case(np.inner, sample(*p), sample(*q, seed=1))
for p, q in (((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (6,)), ((10,), (10,))):
    case(np.vdot, sample(*p), sample(*q, seed=1))
for p, q in (((3,), (4,)), ((2, 3), (4,)), ((), (3,)), ((3,), (2, 2)), ((10,), (9,))):
    case(np.outer, sample(*p), sample(*q, seed=1))
for p, q, axes in (
    ((3, 4), (4, 5), 1), ((2, 3, 4), (3, 4, 5), 2), ((3, 4), (3, 4), 2), ((3,), (4,), 0),
    ((2, 3, 4), (3, 4), 2), ((3, 4), (3, 4, 2), 2), ((2, 3, 4), (4, 3, 5), ([1, 2], [1, 0])),
    ((2, 3, 4), (5, 2), (0, 1)), ((4, 2, 3), (3, 5, 4), ((0, -1), (2, 0))), ((2, 3), (4,), 0),
    ((9, 10), (10, 11), 1), ((3,), (3,), 1), ((2, 3), (), 0),
):  # fmt: skip
    case(np.tensordot, sample(*p), sample(*q, seed=1), axes)
    case(runtime.tensordot_adjoint_left,
         np.tensordot(sample(*p), sample(*q), axes), sample(*p), sample(*q, seed=1), axes,
         check={"argnums": [0, 2]})  # fmt: skip
    case(runtime.tensordot_adjoint_right,
         np.tensordot(sample(*p), sample(*q), axes), sample(*p), sample(*q, seed=1), axes,
         check={"argnums": [0, 1]})  # fmt: skip
for p, q in (((3,), (2,)), ((2, 3), (2, 2)), ((2,), (2, 3)), ((2, 1, 2), (3, 2)), ((10,), (9,))):
    case(np.kron, sample(*p), sample(*q, seed=1))
for p, q, mode in product((5, 3, 10), (3, 5, 9), ("full", "same", "valid")):
    case(np.convolve, sample(p), sample(q, seed=1), mode)
    case(np.correlate, sample(p), sample(q, seed=1), mode)
case(np.convolve, sample(4), sample(2, seed=1))
case(np.correlate, sample(4), sample(2, seed=1))
for p, q in (((3,), (3,)), ((2, 3), (3,)), ((2, 3), (2, 3)), ((2, 1, 3), (4, 3))):
    case(np.cross, sample(*p), sample(*q, seed=1))
case(np.cross, sample(3, 2), sample(3, 2, seed=1), axis=0, check=LATE)
for p, q in (*PRODUCTS, *BATCHES):
    y = sample(*p) @ sample(*q)
    case(runtime.matmul_adjoint_left, y, sample(*p), sample(*q, seed=1), check={"argnums": [0, 2]})
    case(runtime.matmul_adjoint_right, y, sample(*p), sample(*q, seed=1), check={"argnums": [0, 1]})
for p, q in (((3,), (3,)), ((2, 3), (3,)), ((2, 3, 4), (5, 4, 2)), ((), (3,)), ((2, 3), ())):
    y = np.dot(sample(*p), sample(*q))
    case(runtime.dot_adjoint_left, y, sample(*p), sample(*q, seed=1), check={"argnums": [0, 2]})
    case(runtime.dot_adjoint_right, y, sample(*p), sample(*q, seed=1), check={"argnums": [0, 1]})
for p, q in (((3,), (3,)), ((2, 3), (4, 3)), ((), (3,))):
    y = np.inner(sample(*p), sample(*q))
    case(runtime.inner_adjoint_left, y, sample(*p), sample(*q, seed=1), check={"argnums": [0, 2]})
    case(runtime.inner_adjoint_right, y, sample(*p), sample(*q, seed=1), check={"argnums": [0, 1]})
for p, q in (((3,), (2,)), ((2, 3), (2, 2)), ((2,), (2, 3))):
    y = np.kron(sample(*p), sample(*q))
    case(runtime.kron_adjoint_left, y, sample(*p), sample(*q, seed=1), check={"argnums": [0, 2]})
    case(runtime.kron_adjoint_right, y, sample(*p), sample(*q, seed=1), check={"argnums": [0, 1]})
for p, q, mode in ((5, 3, "full"), (3, 5, "same"), (5, 3, "valid")):
    y = np.convolve(sample(p), sample(q), mode)
    case(runtime.convolve_adjoint_left, y, sample(p), sample(q), mode, check={"argnums": [0, 2]})
    case(runtime.convolve_adjoint_right, y, sample(p), sample(q), mode, check={"argnums": [0, 1]})
if hasattr(np, "vecdot"):
    for p, q in (((3,), (3,)), ((2, 3), (3,)), ((2, 1, 3), (4, 3)), ((10,), (10,))):
        case(np.vecdot, sample(*p), sample(*q, seed=1))
if hasattr(np, "matvec"):
    for p, q in (((2, 3), (3,)), ((4, 2, 3), (3,)), ((2, 3), (4, 3)), ((9, 10), (10,))):
        case(np.matvec, sample(*p), sample(*q, seed=1))
    for p, q in (((2,), (2, 3)), ((4, 2), (2, 3)), ((2,), (4, 2, 3)), ((9,), (9, 10))):
        case(np.vecmat, sample(*p), sample(*q, seed=1))
for subscripts, *shapes in (
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("i,i->", (3,), (3,)),
    ("i,j->ij", (3,), (4,)), ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->i", (2, 3)), ("ji", (2,
    3)),
    ("ii->", (3, 3)), ("ii->i", (3, 3)), ("ii", (3, 3)), ("bii->b", (2, 3, 3)), ("iij->j", (3, 3,
    2)),
    ("...ij,...jk->...ik", (5, 2, 3), (5, 3, 4)), ("...ij,...jk->...ik", (5, 2, 3), (3, 4)),
    ("...ij,jk", (2, 2, 3), (3, 4)), ("...ii->...i", (2, 3, 3)), ("...i->...", (2, 3)),
    ("bij,bj->bi", (2, 3, 4), (2, 4)), ("i,ij,j->", (3,), (3, 4), (4,)), ("ij,ij->j", (2, 3), (2,
    3)),
    ("ij,ij->ij", (2, 3), (1, 3)), ("ij,ij->j", (2, 3), (1, 3)), ("ij,kl->jl", (2, 3), (4, 5)),
    ("ijk,ilm,njm,nlk,abc->", (2, 3, 2), (2, 3, 2), (2, 3, 2), (2, 3, 2), (2, 1, 2)),
    ("iij,jkk->ik", (3, 3, 2), (2, 4, 4)), ("a b , b -> a", (2, 3), (3,)), (",i->i", (), (3,)),
    ("ij,jk->ik", (9, 10), (10, 11)), ("...,...->...", (2, 3), (3,)), ("iii->i", (3, 3, 3)),
    ("ij->ij", (2, 3)),
):  # fmt: skip
    case(np.einsum, subscripts, *(sample(*s, seed=k) for k, s in enumerate(shapes)))
case(np.einsum, "ij,jk,kl->il", sample(2, 3), sample(3, 4), sample(4, 2), optimize=True)
SQUARE, WIDE = sample(3, 3), sample(3, 5)
for x, named in (
    (SQUARE, {}), (WIDE, {}), (WIDE, {"offset": 1}), (WIDE, {"offset": -1}), (sample(2, 3, 3), {}),
    (sample(2, 3, 3), {"axis1": 1, "axis2": 2}), (sample(2, 3, 4), {"axis1": -1, "axis2": 0}),
    (sample(10, 10), {}), (sample(10, 10), {"offset": 2}),
):  # fmt: skip
    case(np.trace, x, **named)
    case(np.diagonal, x, **named)
    case(runtime.trace_adjoint, np.trace(x, **named), x, **named, check={"argnums": [0]})
    case(runtime.diagonal_adjoint, np.diagonal(x, **named), x, **named, check={"argnums": [0]})
for k in (0, 1, -2):
    for x in (sample(3), SQUARE, WIDE, sample(10), sample(10, 10)):
        case(np.diag, x, k)
        case(runtime.diag_adjoint, np.diag(x, k), x, k, check={"argnums": [0]})
        case(np.diagflat, x if x.size < 12 else x[:3], k)
        case(np.tril, x, k)
        case(np.triu, x, k)
case(np.tril, sample(2, 3, 3))
case(np.triu, sample(2, 3, 3))


def regular(*shape, seed=0):
    """Matrices far from singular."""
    return sample(*shape, seed=seed) + 2 * np.eye(shape[-1])


def positive(*shape):
    """Positive definite matrices."""
    x = sample(*shape)
    return x @ np.swapaxes(x, -1, -2) + np.diag(np.arange(1.0, shape[-1] + 1))


def symmetric(v):
    return (v + np.swapaxes(v, -1, -2)) / 2


for x in (regular(3, 3), regular(1, 1), regular(2, 3, 3), regular(9, 9)):
    case(np.linalg.inv, x)
    case(np.linalg.det, x)
    case(np.linalg.slogdet, x)
    case(np.linalg.slogdet, -x)
for p, q in (((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (2, 3, 2)), ((2, 3, 3), (3, 2)),
             ((3, 3), (2, 3, 4)), ((9, 9), (9,)), ((9, 9), (9, 10))):  # fmt: skip
    if np.__version__ >= "2" or len(p) == len(q):  # a stack of vectors, before
        case(np.linalg.solve, regular(*p), sample(*q))
case(runtime.columns, sample(3), regular(3, 3), sample(3), check={"argnums": [0]})
case(runtime.columns, sample(3, 2), regular(3, 3), sample(3, 2), check={"argnums": [0]})
for n in (-2, -1, 0, 1, 2, 3, 5):
    case(np.linalg.matrix_power, regular(3, 3), n)
case(np.linalg.matrix_power, regular(2, 3, 3), 2)
for x in (sample(3, 3), sample(4, 2), sample(2, 4), sample(2, 4, 3)):
    case(np.linalg.pinv, x, check={"rtol": 1e-4})
for x in (positive(3, 3), positive(2, 3, 3), positive(9, 9)):
    case(np.linalg.cholesky, x, check={"project": symmetric})
    case(np.linalg.eigh, x, check={"project": symmetric, "rtol": 1e-5})
    case(np.linalg.eigvalsh, x, check={"project": symmetric, "rtol": 1e-5})
for shape in ((3, 3), (4, 2), (2, 4), (2, 3, 2)):
    case(np.linalg.svd, sample(*shape), full_matrices=False, check={"rtol": 1e-5})
    case(np.linalg.svd, sample(*shape), compute_uv=False, check={"rtol": 1e-5})
for shape in ((3, 3), (4, 2), (2, 3, 2), (10, 3)):
    case(np.linalg.qr, sample(*shape), check={"rtol": 1e-5})
case(np.linalg.matrix_rank, SQUARE)

if hasattr(np.linalg, "vecdot"):
    for p, q in (((2, 3), (3, 4)), ((2, 3, 4), (4, 2))):
        case(np.linalg.matmul, sample(*p), sample(*q, seed=1))
        case(np.linalg.tensordot, sample(*p), sample(*q, seed=1), axes=1)
    case(np.linalg.outer, sample(3), sample(4))
    case(np.linalg.vecdot, sample(2, 3), sample(3))
    case(np.linalg.cross, sample(2, 3), sample(3))
    for x in (sample(3, 4), sample(2, 3, 3), sample(10, 10)):
        case(np.linalg.trace, x)
        case(np.linalg.trace, x, offset=1)
        case(np.linalg.diagonal, x, offset=-1)
        case(np.linalg.matrix_transpose, x)

# shaping

for x in (sample(2, 3), sample(10), 0.5, np.array(0.5), [1.0, 2.0], sample(9, 2)):
    for f in (np.shape, np.ndim, np.size):
        case(f, x)
case(np.size, sample(2, 3), 1)
for x in (sample(2, 3), [1.0, 2.0], sample(10)):
    case(len, x)
for x in (sample(2), np.float32(1), 0.5, 3):
    case(runtime.dtype_of, x)
case(runtime.inverse_permutation, (2, 0, 1))
for f in (np.isscalar, np.iscomplexobj, np.isrealobj):
    case(f, sample(3))
for f in (np.array_equal, np.allclose):
    case(f, sample(3), sample(3, seed=1))
for shape, new in (((2, 3), (3, 2)), ((2, 3), -1), ((6,), (2, -1)), ((), (1, 1)), ((1,), ()), ((2,
                   3), 6),
                   ((2, 0), (0, 5)), ((10,), (-1, 1)), ((10, 3), (3, -1)), ((9, 2), (-1,))):  # fmt: skip
    case(np.reshape, sample(*shape), new)
    case(np.reshape, sample(*shape), new, order="F")
case(np.reshape, 0.7, (1,))
for x in (sample(2, 3), sample(3), np.array(0.5), 0.5, sample(10, 2)):
    case(np.ravel, x)
    case(np.transpose, x)
    case(np.copy, x)
case(np.ravel, sample(2, 3), "F")
for axes in ((1, 0, 2), (2, 0, 1), [0, -1, 1]):
    case(np.transpose, sample(2, 3, 4), axes)
for source, destination in ((0, -1), (-1, 0), ((0, 1), (2, 0)), ([0, 2], [-1, 0])):
    case(np.moveaxis, sample(2, 3, 4), source, destination)
for axis, start in ((2, 0), (0, 3), (1, 0), (-1, 1), (0, -1)):
    late = ["unknown", "late"] if axis < 0 or start < 0 else ["late"]
    case(np.rollaxis, sample(2, 3, 4), axis, start, check={"refused": late})
case(np.swapaxes, sample(2, 3, 4), 0, -1)
if hasattr(np, "matrix_transpose"):
    case(np.matrix_transpose, sample(2, 3, 4))
for axis in (None, 0, -1, (0, 2)):
    case(np.squeeze, sample(1, 3, 1), axis)
case(np.squeeze, sample(1, 10))
case(np.squeeze, np.array(0.5))
for axis in (0, 1, -1, (0, 2), [0, -1]):
    case(np.expand_dims, sample(2, 3), axis)
case(np.expand_dims, 0.7, 0)
for shape, new in (((3,), (2, 3)), ((2, 1), (2, 4)), ((), (3,)), ((2, 3), (2, 3)), ((1, 1), (2, 2)),
                   ((10,), (9, 10)), ((), ())):  # fmt: skip
    case(np.broadcast_to, sample(*shape), new)
case(np.broadcast_to, 0.7, (2, 3))
case(np.broadcast_to, 0.7, 3)
case(np.broadcast_arrays, sample(2, 1), sample(3))
for f in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    for x in (0.5, np.array(0.5), sample(3), sample(2, 3), sample(2, 3, 2)):
        case(f, x)
    case(f, sample(3), 0.5)
for shift, axis in ((1, None), (-2, 0), (1, 1), ((1, 2), (0, 1)), (3, -1)):
    case(np.roll, sample(2, 3), shift, axis)
for axis in (None, 0, -1, (0, 1)):
    case(np.flip, sample(2, 3), axis)
for f in (np.fliplr, np.flipud, np.rot90):
    case(f, sample(2, 3))
for k, axes in ((2, (0, 1)), (-1, (1, 0)), (3, (0, 2))):
    case(np.rot90, sample(2, 3, 2), k, axes)
for x, repeats, axis in (
    (sample(3), 2, None), (sample(3), 2, 0), (sample(2, 3), 3, None), (sample(2, 3), 2, 1),
    (sample(2, 3), [1, 2, 0], 1), (sample(3), [2, 0, 1], None), (sample(2, 3), 2, -2), (0.5, 3,
    None),
    (sample(2, 2), [1, 0, 2, 1], None), (sample(10), 2, None), (sample(10, 9), 3, 0),
):  # fmt: skip
    case(np.repeat, x, repeats, axis)
    case(
        runtime.repeat_adjoint,
        np.repeat(x, repeats, axis),
        x,
        repeats,
        axis,
        check={"argnums": [0]},
    )
for x, reps in ((sample(3), 2), (sample(3), (2, 2)), (sample(2, 3), 2), (sample(2, 3), (2, 1)),
                (sample(2, 3), (2, 1, 2)), (0.5, 3), (sample(10), 2), (sample(2, 3), [3])):  # fmt: skip
    case(np.tile, x, reps)
    case(runtime.tile_adjoint, np.tile(x, reps), x, reps, check={"argnums": [0]})
for mode in ("constant", "edge", "reflect", "symmetric", "wrap"):
    for x, width in ((sample(4), 2), (sample(4), (1, 2)), (sample(3, 4), 1), (sample(3, 4), (2, 0)),
                     (sample(3, 4), ((0, 2), (1, 0))), (sample(10), 3), (sample(3), 5)):  # fmt: skip
        case(np.pad, x, width, mode)
        case(runtime.pad_adjoint, np.pad(x, width, mode), x, width, mode, check={"argnums": [0]})
case(np.pad, sample(2, 3), 1, constant_values=2.0)
case(np.pad, sample(2, 3), 0)
JOINED = (
    ([sample(2, 3), sample(1, 3, seed=1)], 0), ([sample(2, 3), sample(2, 2, seed=1)], 1),
    ([sample(2, 3), sample(2, 2, seed=1), sample(2, 1)], -1), ([sample(3), sample(2)], 0),
    ([sample(2, 3), sample(4)], None), ((sample(3), sample(2)), 0), ([sample(10), sample(9)], 0),
    ([sample(3)], 0), ([sample(2, 10), sample(2, 2)], 1),
)  # fmt: skip
for arrays, axis in JOINED:
    case(np.concatenate, arrays, axis)
    case(
        runtime.split_like, np.concatenate(arrays, axis), list(arrays), axis, check={"argnums": [0]}
    )
for arrays in ([sample(3), sample(3, seed=1)], [sample(2, 3), sample(2, 3, seed=1)], [0.5, 0.7],
               [sample(10), sample(10, seed=1), sample(10, seed=2)], (sample(3), sample(3,
               seed=1))):  # fmt: skip
    for axis in (0, -1):
        case(np.stack, arrays, axis)
        case(runtime.unstack, np.stack(arrays, axis), axis)
case(np.stack, [sample(2, 3), sample(2, 3, seed=1)], 1)
if hasattr(np, "unstack"):
    for x in (sample(3), sample(2, 3), sample(10, 2)):
        case(np.unstack, x)
    case(np.unstack, sample(2, 3), axis=1)
if hasattr(np, "astype"):
    case(np.astype, sample(3), np.float64)
for f in (np.vstack, np.hstack, np.dstack, np.column_stack):
    for arrays in ([sample(3), sample(3, seed=1)], [sample(2, 3), sample(2, 3, seed=1)],
                   [sample(2, 3, 2), sample(2, 3, 2, seed=1)], [0.5, 0.7], (sample(10),
                   sample(10))):  # fmt: skip
        case(f, arrays)
        case(runtime.split_stacked, f(arrays), list(arrays), f.__name__, check={"argnums": [0]})
case(np.vstack, [sample(3), sample(2, 3)])
case(np.hstack, [sample(3), sample(2)])
case(np.column_stack, [sample(2), sample(2, 3)])
for x, v, axis in ((sample(3), 0.5, None), (sample(2, 3), sample(2), None), (sample(3), sample(2),
                   0),
                   (sample(2, 3), sample(2, 1), 1)):  # fmt: skip
    case(np.append, x, v, axis)
for f in (np.split, np.array_split):
    case(f, sample(6), 3)
    case(f, sample(4, 6), 2, 1)
    case(f, sample(6), [2, 3])
    case(f, sample(4, 10), [1, 4], -1)
case(np.array_split, sample(7), 3)
case(np.hsplit, sample(4), 2)
case(np.hsplit, sample(2, 4), 2)
case(np.vsplit, sample(4, 2), 2)
case(np.dsplit, sample(2, 2, 4), [1, 2])
for f in (np.array, np.asarray, np.asanyarray):
    for x in (sample(3), 0.5, [0.5, 0.7], [[0.5, 0.7], [0.1, 0.2]], [sample(3), sample(3, seed=1)],
              (0.5, 0.7), [(0.1, 0.2), (0.5, 0.4)], sample(10)):  # fmt: skip
        case(f, x)
    case(f, sample(3), np.float64)
case(np.array, sample(3), dtype=float)
for x in (sample(3), 0.5, sample(2, 2)):
    case(np.ascontiguousarray, x)
case(runtime.nested, sample(2, 2), [[0.5, 0.7], [0.1, 0.2]], check={"argnums": [0]})
case(runtime.nested, sample(2, 3), (sample(3), sample(3)), check={"argnums": [0]})
for x in (sample(3), np.float64(0.5), np.array(0.5)):
    case(runtime.astype, x, np.float64)
    case(runtime.astype, x, "float64")
    case(np.float64, x)
case(np.float64, 0.5)
case(np.float32, np.float32(0.5), check={"argnums": []})
for f in (np.int64, np.int32, np.bool_):
    case(f, 0.7)
for x in (sample(1), sample(1, 1), np.array(0.5)):
    case(runtime.item, x)
for x in (sample(3), sample(2, 3)):
    case(runtime.tolist, x)
for x in (sample(2, 3), 0.5, sample(10)):
    case(np.full_like, x, 0.7, check={"argnums": [1]})
    for f in (np.zeros_like, np.ones_like, np.empty_like):
        case(f, x)
case(np.full_like, sample(2, 3), sample(3), check={"argnums": [1]})
for shape, v in (((2, 3), 0.7), (4, 0.5), ((2, 3), sample(3)), ((), 0.5), ((10,), 0.5)):
    case(np.full, shape, v)
for shape in ((2, 3), 4, ()):
    for f in (np.zeros, np.ones, np.empty):
        case(f, shape)
for args in ((3,), (2, 3), (3, 4, 1)):
    case(np.eye, *args)
case(np.identity, 3)
case(np.tri, 3)
for args in ((0.5, 2.0), (0.5, 2.0, 7), (0.5, 2.0, 7, False), (0.5, sample(3), 5), (sample(2, 3),
             1.0, 4),
             (sample(3), sample(3, seed=1), 10)):  # fmt: skip
    case(np.linspace, *args)
case(np.arange, 0.3, 2.6, check={"argnums": [0]})
case(np.arange, 0.3, 2.6, 0.5, check={"argnums": [0, 2]})
for args in ((3,), (1, 4), (0, 10, 2), (2.5,)):
    case(np.arange, *args)
for named in ({}, {"indexing": "ij"}):
    case(np.meshgrid, sample(3), sample(4), **named)
    case(np.meshgrid, sample(3), sample(2), sample(4), **named)
    case(np.meshgrid, sample(3), 0.5, **named)
case(np.meshgrid, sample(3))
for x in (sample(5), sample(3, 4), sample(10)):
    for axis in (-1, 0, None):
        case(np.sort, x, axis)
        case(np.argsort, x, axis)
        case(np.partition, x, 2, axis)
        case(np.argpartition, x, 2, axis)
for x, at, axis in (
    (sample(4), [0, 2, 2], None), (sample(4), 1, None), (sample(4), np.array([[0, 3], [3, -1]]), 0),
    (sample(2, 3), [0, 5, 5], None), (sample(2, 3), [0, 0], 0), (sample(2, 3), np.array([2, 0,
    2]), 1),
    (sample(2, 3), 1, -1), (sample(2, 3, 2), np.array([[0, 1]]), -2), (sample(10), np.array([9,
    9]), 0),
):  # fmt: skip
    case(np.take, x, at, axis)
ALONG = (
    (sample(3, 4), np.array([[0, 1, 1, 3]] * 3), 1), (sample(3, 4), np.array([[0, 1, 1, 2]]), 0),
    (sample(5), np.array([3, 3, 0]), 0), (sample(2, 3), np.array([5, 0, 5]), None),
    (sample(3, 1), np.array([[0, 0], [0, 0], [0, 0]]), -1), (sample(1, 4), np.array([[1], [1]]), 1),
)  # fmt: skip
for x, at, axis in ALONG:
    case(np.take_along_axis, x, at, axis)
    case(runtime.add_along_axis, x, at, np.take_along_axis(x, at, axis), axis)
case(np.compress, [True, False, True], sample(4))
case(np.compress, MASK, sample(2, 3), 1)
case(np.compress, MASK, sample(2, 3))
case(np.extract, sample(2, 3) > 0, sample(2, 3))
case(np.bincount, np.array([0, 2, 2, 1]), sample(4))
XP, FP = np.array([0.0, 1.0, 2.5, 3.0]), np.array([0.3, -0.2, 0.9, 0.1])
for x in (0.4, np.array([0.2, 0.4, 2.7, 1.5]), np.array([[-0.5, 3.6], [1.2, 2.2]])):
    case(np.interp, x, XP, FP)
for x, n, increasing in ((sample(3), None, False), (sample(3), 4, True), (sample(4), 2, False)):
    case(np.vander, x, n, increasing)
for x in (0.4, sample(3), sample(2, 3)):
    case(np.polyval, sample(4), x)
case(np.polyval, sample(1), sample(2))
case(np.nonzero, sample(2, 3) > 0)
case(np.nonzero, sample(10) > 0)
case(np.flatnonzero, sample(4) > 0)
case(np.argwhere, sample(4) > 0)
case(np.searchsorted, XP, sample(3))
case(np.searchsorted, XP, 0.5)
case(np.digitize, sample(3), XP)
case(np.indices, (2, 3))
case(np.lexsort, (np.array([1, 0]), np.array([0, 1])))
for f in (np.triu_indices, np.tril_indices, np.diag_indices):
    case(f, 3)
for f in (np.triu_indices_from, np.tril_indices_from):
    case(f, SQUARE)
case(np.ix_, [0, 1], [2])
case(np.unravel_index, 3, (2, 3))
case(np.ravel_multi_index, (1, 2), (2, 3))
case(np.result_type, np.float32, np.float64)
case(np.broadcast_shapes, (2, 1), (3,))
case(np.finfo, np.float64)
case(np.iinfo, np.int64)

# indexing

ROWS, J = np.array([0, 2, 2]), np.array([1, 1, 3])
INDICES: dict[tuple[int, ...], list[Any]] = {
    (4,): [0, -1, slice(None), slice(1, 3), slice(None, None, 2), slice(None, None, -1), slice(3,
           0, -2),
           Ellipsis, None, ROWS, [0, 2, 2], np.array([True, False, True, True]), np.array([[0, 1],
           [3, 3]]),
           [True, False, False, True], slice(-3, -1), slice(2, 1), (Ellipsis, 2), (None, 1),
           np.int64(1),
           slice(0, 0), np.array([], dtype=int), ()],
    (10,): [3, slice(1, -1), slice(2, None), slice(None, -2), slice(None, None, -1), slice(None,
            None, 3),
            np.arange(9), slice(-4, None), (slice(None), None)],
    (3, 4): [1, (1, 2), (slice(None), 1), (slice(1), slice(1, 3)), (Ellipsis, 0), (0, Ellipsis),
             ROWS,
             (ROWS, J), (ROWS, 1), (1, J), (slice(None), J), (None, 1), (1, None, slice(2)),
             (ROWS, slice(1, 3)),
             (ROWS[:, None], J), [0, 2], ([0, 2], [1, 1]), (slice(None), [0, 0, 3]),
             (slice(None, None, -1), slice(None, None, 2)), np.arange(12).reshape(3, 4) % 5 == 0,
             (np.array([True, False, True]), 1), (np.array([True, False, True]), slice(None)),
             (slice(None), None, 1), (Ellipsis, None), (1, slice(None, -1)), (np.array(1), 2)],
    (2, 3, 4): [(0, slice(None), ROWS), (slice(None), np.array([0, 1, 1]), J), (slice(None), 0, J),
                (np.array([0, 1, 1]), slice(None), J), (Ellipsis, J), (0, Ellipsis, 1), (1, [0,
                2], slice(2)),
                (np.array([0, 1, 1]), None, ROWS), (slice(None), np.eye(3, 4) > 0), (Ellipsis, 1,
                2),
                (0, slice(None), [1, 1])],
    (10, 9): [(slice(1, None), slice(None, -1)), (slice(None), 0), (0, slice(None)), np.arange(3)],
}  # fmt: skip
for shape, indices in INDICES.items():
    for index in indices:
        x = sample(*shape)
        case(operator.getitem, x, index)
        case(runtime.index_add, x, index, np.asarray(x[index]) * 1.5)
        case(runtime.setitem, x, index, np.asarray(x[index]) * 1.5)
case(runtime.setitem, sample(4), slice(1, 3), 0.5)
case(runtime.setitem, sample(3, 4), 1, sample(4))
case(runtime.setitem, sample(3, 4), (slice(None), slice(1, 3)), sample(2))
case(operator.getitem, sample(4), slice(1, np.int64(3)))
MIXED = [0.5, sample(3), 0.7]
for x, index in ((MIXED, 0), (MIXED, 1), (MIXED, -1), (MIXED, slice(1, None)), ((0.5, 0.7), 1),
                 ({"a": 0.5, "b": sample(2)}, "b"), ([[0.5, 0.6], [0.7]], 0)):  # fmt: skip
    case(operator.getitem, x, index)
    case(runtime.index_add, x, index, x[index])
    case(runtime.setitem, x, index, x[index])
case(runtime.append, [0.5, sample(2)], sample(3))
case(runtime.append, [0.5], 0.7)
for x in (Pair(0.5, sample(3)), Named(0.5, sample(3))):
    for name in ("first", "second"):
        case(getattr, x, name)
        case(runtime.attribute_add, x, name, getattr(x, name))
for x in (0.5, 3, np.float64(0.5), sample(3), INTS, [0.5, sample(2)], (0.5,), {"a": 0.5},
          Pair(0.5, 0.7),
          Named(0.5, sample(2)), np.int64(3), sample(10), None, "text"):  # fmt: skip
    case(runtime.zeros_like, x)
case(runtime.basis, (sample(2), 0.5))
for x in (sample(2), 0.5, [sample(2), 0.5]):
    case(runtime.zero_rows, x, 3)
for x, y in ((sample(3), sample(3, seed=1)), (0.5, 0.7), ([0.5, sample(2)], [0.1, sample(2,
             seed=1)]),
             ((0.5, 0.7), (0.1, 0.2)), (Pair(0.5, sample(2)), Pair(0.1, sample(2)))):  # fmt: skip
    case(runtime.add, x, y)
for p, q in (((2, 3), (3,)), ((2, 3), (2, 1)), ((2, 3), (1, 1)), ((2, 3), ()), ((3,), (3,)), ((9,
             10), (10,)),
             ((), ()), ((2, 3, 4), (3, 1))):  # fmt: skip
    case(runtime.unbroadcast, sample(*p), sample(*q), check={"argnums": [0]})
case(runtime.unbroadcast, sample(2, 3), 0.5, check={"argnums": [0]})
case(runtime.unbroadcast, [0.5, 0.7], [1.0, 2.0], check={"argnums": [0]})

# containers and builtins

for x in (0.5, np.float64(0.5), np.array(0.5)):
    case(float, x)
for f in (int, bool, str, repr, type, callable, id, hash, isinstance):
    case(f, 0.5, *([float] if f is isinstance else []))
case(issubclass, float, object)
case(hasattr, 0.5, "real")
case(format, 0.5, ".2f")
for f in (any, all):
    case(f, [True, False])
for f in (ascii, bin, hex, chr):
    case(f, 65)
case(ord, "a")
case(range, 3)
for x in (0.5, sample(3)):
    case(runtime.stop_gradient, x)
for xs in ([0.5, 0.7], (0.5, 0.7, 0.9), [sample(3), sample(3, seed=1)], sample(3), sample(2, 3),
           [0.5, sample(3)],
           sample(10)):  # fmt: skip
    case(sum, xs)
case(sum, [0.5, 0.7], 1.5)
case(sum, [sample(3)], sample(3))
case(sum, sample(2, 3), 0.5)
case(sum, sample(2, 3), sample(3))
case(runtime.spread, 0.5, [0.1, 0.2], check={"argnums": [0]})
case(runtime.spread, sample(3), [sample(3), 0.5], check={"argnums": [0]})
for f in (max, min):
    case(f, 0.5, 0.7)
    case(f, 0.7, 0.5)
    case(f, 0.5, 0.9, 0.3)
    case(f, 0.5, 1)
    for xs in ([0.5, 0.9, 0.3], (0.5, 0.4), sample(5), sample(10)):
        case(f, xs)
    case(f, np.float64(0.5), np.float64(0.2))
case(runtime.first_index, [0.5, 0.7], 0.7)
for xs in ([0.5, 0.9, 0.3], (0.5, 0.4), sample(4)):
    case(sorted, xs)
    case(sorted, xs, reverse=True)
    case(list, xs)
    case(tuple, xs)
    case(runtime.order_of, list(xs))
case(runtime.permute, [0.5, 0.9, 0.3], [2, 0, 1])
case(list, sample(2, 3))
for g, like in (([0.5, 0.7], (0.1, 0.2)), ((0.5, 0.7), [0.1, 0.2]), ([0.5, 0.7], np.zeros(2)),
                (sample(2), [0.1, 0.2])):  # fmt: skip
    case(runtime.regroup, g, like, check={"argnums": [0]})
for x in ((0.5, sample(2)), [0.5], {"a": 0.5}):
    case(runtime.gather, x)
for x in ([0.5, sample(2)], (0.5, 0.7), sample(3), 0.5):
    case(runtime.copied, x)
for x in (0.5, sample(1), 1j, [0.5], None):
    case(runtime.is_one_number, x)
case(runtime.instance, Pair, {"first": 0.5, "second": sample(3)}, check={**LATE, "argnums": [1]})

# math


def scalar(function, *xs):
    for x in xs:
        case(function, x)


for f in (math.exp, math.expm1, math.exp2, math.sin, math.cos, math.tan, math.sinh, math.cosh,
          math.tanh,
          math.asin, math.acos, math.atan, math.asinh, math.atanh, math.erf, math.erfc, math.fabs,
          math.radians, math.degrees):  # fmt: skip
    scalar(f, -0.7, 0.3, np.float64(0.4))
for f in (
    math.log,
    math.log2,
    math.log10,
    math.log1p,
    math.sqrt,
    math.cbrt,
    math.gamma,
    math.lgamma,
):
    scalar(f, 0.7, 2.3, np.float64(1.4))
scalar(math.acosh, 1.7, 3.2)
scalar(math.gamma, -0.6, -2.3, 9.4)
scalar(math.lgamma, -0.6, -2.3, 25.4)
for n in (0, 1, 2, 3):
    case(runtime.polygamma, n, np.array([0.3, 1.7, 9.2, -0.4, -3.6]))
    case(runtime.polygamma, n, 2.2)
case(math.log, 2.3, 1.7)
case(math.log, 2.3, 10)
for y in (2.5, -1.5, 2, 3, 0, 1, -1):
    case(math.pow, 0.7, y)
case(math.pow, 2, 0.7)
case(math.pow, -0.7, 3)
case(math.ldexp, 0.7, 3)
for f in (math.atan2, math.fmod, math.remainder, math.copysign):
    for x, y in ((0.7, 0.4), (-0.7, 0.4), (1.3, -0.4)):
        case(f, x, y)
for f in (math.modf, math.frexp):
    scalar(f, 2.3, -0.7)
case(math.nextafter, 0.5, 1.0, check={"argnums": []})
if hasattr(math, "fma"):
    case(math.fma, 0.5, 0.7, 0.9)
case(math.hypot, 0.3, 0.4)
case(math.hypot, 0.3, 0.4, -1.2)
case(math.hypot, 0.3)
for p, q in (([0.3, 0.4], [1.0, 2.0]), ((0.3, 0.4), (1.0, 2.0))):
    case(math.dist, p, q)
    if hasattr(math, "sumprod"):
        case(math.sumprod, p, q)
for xs in ([0.3, 0.4, -1.2], (0.3, 0.4), sample(4)):
    case(math.fsum, xs)
    case(math.prod, xs)
case(math.prod, [0.3, 0.0, 0.7], start=2)
for f in (math.ceil, math.floor, math.trunc, math.isfinite, math.isinf, math.isnan, math.ulp):
    scalar(f, 2.3)
for f in (math.comb, math.perm, math.gcd, math.lcm):
    case(f, 6, 4)
for f in (math.factorial, math.isqrt):
    case(f, 6)
case(math.isclose, 0.5, 0.7)
case(runtime.last_written, sample(4), [0, 0, 2])
