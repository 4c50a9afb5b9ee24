"""Rules of the elementwise functions: NumPy's ufuncs, Python's operators, and np.where and its kin.

Conventions at kinks: the derivative of `abs` at 0 is 0, a tie of `maximum` or `minimum` is shared
half and half, `clip` passes the cotangent on at its bounds, `x ** 0` and `0 ** n` are constant in
base and exponent, and hypot at the origin is flat.
"""

from __future__ import annotations

import builtins
import cmath
import math
import operator
from typing import Any

import numpy as np

from .. import runtime
from ..ir.types import PY_BOOL, PY_INT, SCALARS, Facts
from . import facts
from .asks import as_float, has_complex, kind, maybe_complex, number, real_part, takes_lists
from .registry import bilinear, custom, elementwise, refuse, refused, zero
from .trace import traced

LN2, LN10 = math.log(2), math.log(10)
zeros_like = traced(runtime.zeros_like)
unbroadcast = traced(runtime.unbroadcast)
imaginary_unit = traced(runtime.imaginary_unit)
sinc_derivative = traced(runtime.sinc_derivative)
length = traced(len)


# Arithmetic


def joined(x1: Any, x2: Any) -> bool:
    """Whether a sum is one list after the other; to an array, a list is added as one."""
    return kind(x1) in ("list", "tuple") and kind(x2) not in {"array", *SCALARS}


def add_left(g: Any, z: Any, x1: Any, x2: Any) -> Any:
    """The cotangent of `x1`."""
    return g[: length(x1)] if joined(x1, x2) else g


def add_right(g: Any, z: Any, x1: Any, x2: Any) -> Any:
    """The cotangent of `x2`."""
    return g[length(x1) :] if joined(x1, x2) else g


def times(g: Any, x: Any, other: Any) -> Any:
    """The cotangent of `x` in a product."""
    if kind(x) in ("list", "tuple"):
        refuse("*", "repeating a list of values", "write a list comprehension")
    return g * other


def power_base(g: Any, z: Any, x1: Any, x2: Any) -> Any:
    """The cotangent of the base, which for a plain number as exponent reads as in a textbook."""
    if not number(x2):
        # Where x2 is 0 the power is constant, and x1 ** -1 must not be asked for: x1 may be 0.
        x2 = as_float(x2, z)
        return g * x2 * x1 ** (x2 - (x2 != 0))
    if x2 == 2:
        return 2 * g * x1
    if x2 in (0, 1):
        return x2 * g
    if x2 == 0.5:
        return 0.5 * g / z
    return x2 * g * x1 ** (x2 - 1)


def power_exponent(g: Any, z: Any, x1: Any, x2: Any) -> Any:
    """The cotangent of the exponent; where the base is 0, the power does not move with it."""
    if number(x1) and x1 > 0:
        return g * z * math.log(x1)
    if has_complex(x2) and not has_complex(x1):
        x1 = x1 + 0j  # of a negative base, the logarithm is complex
    if type(x1) is complex and x1:
        return g * z * cmath.log(x1)
    x1 = as_float(x1, z)
    return g * z * np.log(x1 + (x1 == 0))


elementwise(
    operator.add,
    add_left,
    add_right,
    tangents=(
        lambda g, z, x1, x2: g + zeros_like(x2) if joined(x1, x2) else g,
        lambda g, z, x1, x2: zeros_like(x1) + g if joined(x1, x2) else g,
    ),
)
elementwise(np.add, lambda g, z, x1, x2: g, lambda g, z, x1, x2: g)
elementwise((operator.sub, np.subtract), lambda g, z, x1, x2: g, lambda g, z, x1, x2: -g)
for _multiply in (operator.mul, np.multiply):
    bilinear(
        _multiply,
        lambda g, z, x1, x2: times(g, x1, x2),
        lambda g, z, x1, x2: times(g, x2, x1),
        infer=facts.elementwise(_multiply),
    )
elementwise(
    (operator.truediv, np.divide), lambda g, z, x1, x2: g / x2, lambda g, z, x1, x2: -g * z / x2
)
elementwise((operator.pow, np.power, np.float_power), power_base, power_exponent)
elementwise(
    pow,
    lambda g, y, base, exp: power_base(g, y, base, exp),
    lambda g, y, base, exp: power_exponent(g, y, base, exp),
)
elementwise(
    (operator.mod, np.remainder), lambda g, z, x1, x2: g, lambda g, z, x1, x2: -g * (x1 // x2)
)
elementwise(
    np.fmod, lambda g, z, x1, x2: g, lambda g, z, x1, x2: -g * np.rint((x1 - z) / x2)
)  # fmt: skip
elementwise((operator.neg, np.negative), lambda g, y, x: -g)
elementwise((operator.pos, np.positive), lambda g, y, x: g)
elementwise(np.reciprocal, lambda g, y, x: -g * y * y)
elementwise(np.square, lambda g, y, x: 2 * g * x)
zero(operator.floordiv, infer=facts.elementwise(operator.floordiv))
zero(np.floor_divide, infer=facts.elementwise(np.floor_divide))


def divided(x1: Any, x2: Any) -> Facts:
    """What is known of the two results of np.divmod, also of lists."""
    given = (facts.as_array(x) if facts.of(x).kind in ("list", "tuple") else x for x in (x1, x2))
    return facts.elementwise(np.divmod)(*given)


for _divmod in (divmod, np.divmod):
    custom(
        _divmod,
        vjp=(
            lambda g, y, x1, x2: unbroadcast(g[1], x1),
            lambda g, y, x1, x2: unbroadcast(-g[1] * y[0], x2),
        ),
        jvp=(
            lambda g, y, x1, x2: (zeros_like(y[0]), np.broadcast_to(g, np.shape(y[0]))),
            lambda g, y, x1, x2: (zeros_like(y[0]), -g * y[0]),
        ),
        infer=divided if _divmod is np.divmod else facts.quotient_and_rest,
    )

# Exponentials, logarithms, powers

elementwise(np.exp, lambda g, y, x: g * y)
elementwise(np.exp2, lambda g, y, x: g * y * LN2)
elementwise(np.expm1, lambda g, y, x: g * (y + 1))
elementwise(np.log, lambda g, y, x: g / x)
elementwise(np.log2, lambda g, y, x: g / (x * LN2))
elementwise(np.log10, lambda g, y, x: g / (x * LN10))
elementwise(np.log1p, lambda g, y, x: g / (1 + x))
elementwise(np.sqrt, lambda g, y, x: 0.5 * g / y)
elementwise(np.cbrt, lambda g, y, x: g / (3 * y * y))
elementwise(
    np.logaddexp, lambda g, z, x1, x2: g * np.exp(x1 - z), lambda g, z, x1, x2: g * np.exp(x2 - z)
)
elementwise(
    np.logaddexp2,
    lambda g, z, x1, x2: g * np.exp2(x1 - z),
    lambda g, z, x1, x2: g * np.exp2(x2 - z),
)

# Circular and hyperbolic functions

elementwise(np.sin, lambda g, y, x: g * np.cos(x))
elementwise(np.cos, lambda g, y, x: -g * np.sin(x))
elementwise(np.tan, lambda g, y, x: g * (1 + y * y))
elementwise(np.arcsin, lambda g, y, x: g / np.sqrt((1 - x) * (1 + x)))
elementwise(np.arccos, lambda g, y, x: -g / np.sqrt((1 - x) * (1 + x)))
elementwise(np.arctan, lambda g, y, x: g / (1 + x * x))


def over_squares(d: Any, z: Any, x1: Any, x2: Any) -> Any:
    """`d` over the squared distance from the origin."""
    a, b = as_float(x1, z), as_float(x2, z)
    return d / (a * a + b * b)


elementwise(
    np.arctan2,
    lambda g, z, x1, x2: over_squares(g * x2, z, x1, x2),
    lambda g, z, x1, x2: over_squares(-g * x1, z, x1, x2),
)
elementwise(
    np.hypot,
    lambda g, z, x1, x2: g * x1 / (z + (z == 0)),
    lambda g, z, x1, x2: g * x2 / (z + (z == 0)),
)
elementwise(np.sinh, lambda g, y, x: g * np.cosh(x))
elementwise(np.cosh, lambda g, y, x: g * np.sinh(x))
elementwise(np.tanh, lambda g, y, x: g * (1 - y * y))
elementwise(np.arcsinh, lambda g, y, x: g / np.sqrt(1 + x * x))
# Of a complex number, the root of the product has its branch elsewhere.
elementwise(np.arccosh, lambda g, y, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)))
elementwise(np.arctanh, lambda g, y, x: g / ((1 - x) * (1 + x)))
elementwise((np.deg2rad, np.radians), lambda g, y, x: np.deg2rad(g))
elementwise((np.rad2deg, np.degrees), lambda g, y, x: np.rad2deg(g))
elementwise(np.sinc, lambda g, y, x: g * sinc_derivative(x, 1), infer=facts.float_elementwise)
elementwise(
    runtime.sinc_derivative,
    lambda g, y, x, order: g * sinc_derivative(x, order + 1),
    infer=facts.float_elementwise,
)

# Size, sign, larger and smaller


def larger(g: Any, z: Any, x: Any, other: Any) -> Any:
    """The cotangent of `x` in np.maximum: all of it, half in a tie, or nothing."""
    if number(other) and math.isfinite(other) and not maybe_complex(x):
        return 0.5 * g * (1 + np.sign(x - other if other else x))
    return g * (x == z) - 0.5 * g * (x == other)


def smaller(g: Any, z: Any, x: Any, other: Any) -> Any:
    """The cotangent of `x` in np.minimum: all of it, half in a tie, or nothing."""
    if number(other) and math.isfinite(other) and not maybe_complex(x):
        return 0.5 * g * (1 - np.sign(x - other if other else x))
    return g * (x == z) - 0.5 * g * (x == other)


def slope_of_size(y: Any, x: Any) -> Any:
    """The derivative of the size `y` of `x`: its sign; of a complex number, the conjugate direction."""
    if maybe_complex(x):
        return np.conj(x) / (y + (y == 0))
    return np.sign(x)


elementwise(
    (abs, operator.abs, np.absolute, np.fabs),
    lambda g, y, x: g * slope_of_size(y, x),
    tangents=(lambda g, y, x: real_part(g * slope_of_size(y, x), x),),
)
elementwise(np.copysign, lambda g, z, x1, x2: g * np.sign(x1) * np.sign(z), None)
elementwise(
    (np.maximum, np.fmax),
    lambda g, z, x1, x2: larger(g, z, x1, x2),
    lambda g, z, x1, x2: larger(g, z, x2, x1),
)
elementwise(
    (np.minimum, np.fmin),
    lambda g, z, x1, x2: smaller(g, z, x1, x2),
    lambda g, z, x1, x2: smaller(g, z, x2, x1),
)
elementwise(np.heaviside, None, lambda g, z, x1, x2: g * (x1 == 0))
elementwise(np.nextafter, lambda g, z, x1, x2: g, None)
elementwise(
    np.clip,
    lambda g, y, a, a_min=None, a_max=None: g * within(a, a_min, a_max),
    lambda g, y, a, a_min=None, a_max=None: g * below(a, a_min, a_max),
    lambda g, y, a, a_min=None, a_max=None: g * above(a, a_min, a_max),
    infer=facts.clip,
)


def ordered(*args: Any) -> None:
    """Refuse complex numbers, which have no order that a bound could mean."""
    if has_complex(args):
        refuse(
            "np.clip", "complex numbers", "clip np.real(x) and np.imag(x), or scale by np.abs(x)"
        )


def within(a: Any, a_min: Any, a_max: Any) -> Any:
    """Where np.clip leaves `a` alone."""
    ordered(a, a_min, a_max)
    if a_min is None or a_max is None:
        return a <= a_max if a_min is None else a >= a_min
    return (a >= a_min) & (a <= a_max)


def below(a: Any, a_min: Any, a_max: Any) -> Any:
    """Where np.clip gives the lower bound; bounds that cross leave the upper one."""
    ordered(a, a_min, a_max)
    return a < a_min if a_max is None else (a < a_min) & (a_min <= a_max)


def above(a: Any, a_min: Any, a_max: Any) -> Any:
    """Where np.clip gives the upper bound."""
    ordered(a, a_min, a_max)
    return (a if a_min is None else np.maximum(a, a_min)) > a_max


# Parts

custom((np.real,), vjp=lambda g, y, val: g, jvp=lambda g, y, val: np.real(g), infer=facts.real_part)
custom(
    np.imag,
    vjp=lambda g, y, val: -imaginary_unit(val) * g,
    jvp=lambda g, y, val: np.imag(g),
    infer=facts.real_part,
)
custom(
    np.angle,
    vjp=lambda g, y, z: -imaginary_unit(z) * g / z,
    jvp=lambda g, y, z: np.imag(g / z),
    infer=facts.angle,
)
elementwise(np.conj, lambda g, y, x: np.conj(g))


def where_finite(g: Any, x: Any) -> Any:
    """`g` where np.nan_to_num puts nothing in place of `x`, or of a part of it."""
    if not maybe_complex(x):
        return g * np.isfinite(x)
    re, im = np.isfinite(np.real(x)), np.isfinite(np.imag(x))
    return np.real(g) * re + 1j * (np.imag(g) * im)


custom(
    np.modf,
    vjp=lambda g, y, x: g[0],
    jvp=lambda g, y, x: (g, zeros_like(y[1])),
    infer=facts.elementwise(np.modf),
)
custom(
    np.frexp,
    vjp=lambda g, y, x: np.ldexp(g[0], -y[1]),
    jvp=lambda g, y, x: (np.ldexp(g, -y[1]), zeros_like(y[1])),
    infer=facts.elementwise(np.frexp),
)
elementwise(np.ldexp, lambda g, y, x1, x2: np.ldexp(g, x2), None)
elementwise(
    np.nan_to_num,
    lambda g, y, x, copy=True, nan=0.0, posinf=None, neginf=None: where_finite(g, x),
    None,
    *[refused("np.nan_to_num", "the replacements", "pass them as constants")] * 3,
    infer=facts.as_given,
)

# Choice

elementwise(
    np.where,
    None,
    lambda g, z, condition, x=None, y=None: np.where(condition, g, 0),
    lambda g, z, condition, x=None, y=None: np.where(condition, 0, g),
    tangents="itself",
    infer=facts.where,
)


def chosen(g: Any, y: Any, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """The cotangents of the choices of np.select: each where its condition is the first to hold."""
    if not isinstance(condlist, list | tuple) or not isinstance(choicelist, list | tuple):
        refuse("np.select", "lists of unknown length", "spell the lists out in the call")
    given, left = [], g
    for condition, choice in zip(condlist, choicelist, strict=True):
        given.append(unbroadcast(np.where(condition, left, 0), choice))
        left = np.where(condition, 0, left)
    return given


def left_over(g: Any, condlist: Any) -> Any:
    """What of the cotangent no condition of np.select claims."""
    for condition in condlist:
        g = np.where(condition, 0, g)
    return g


custom(
    np.select,
    vjp=(
        None,
        chosen,
        lambda g, y, condlist, choicelist, default=0: unbroadcast(left_over(g, condlist), default),
    ),
    jvp=(
        None,
        lambda g, y, condlist, choicelist, default=0: np.select(condlist, g, np.zeros_like(y)),
        lambda g, y, condlist, choicelist, default=0: left_over(
            np.broadcast_to(g, np.shape(y)), condlist
        ),
    ),
    infer=facts.selected,
    lists=True,
)

takes_lists(
    operator.truediv, np.divide, operator.pow, np.power, np.float_power, operator.mod, np.remainder,
    np.fmod, np.divmod, np.multiply, np.logaddexp, np.logaddexp2, np.arctan2, np.hypot, np.copysign,
    np.maximum, np.fmax, np.minimum, np.fmin, np.heaviside, np.clip,
)  # fmt: skip

# Through these nothing flows. What is piecewise constant has derivative zero wherever it has one.

for _ufunc in (
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.ceil, np.equal, np.floor, np.gcd, np.greater,
    np.greater_equal, np.invert, np.isfinite, np.isinf, np.isnan, np.isnat, np.lcm, np.left_shift,
    np.less, np.less_equal, np.logical_and, np.logical_not, np.logical_or, np.logical_xor,
    np.not_equal, np.right_shift, np.rint, np.signbit, np.spacing, np.trunc,
):  # fmt: skip
    zero(_ufunc, infer=facts.elementwise(_ufunc))
zero(np.sign, infer=facts.sign)
if hasattr(np, "bitwise_count"):
    zero(np.bitwise_count, infer=facts.elementwise(np.bitwise_count))
for _operator in (
    operator.lt, operator.gt, operator.le, operator.ge, operator.eq, operator.ne, operator.and_,
    operator.or_, operator.xor, operator.invert, operator.lshift, operator.rshift,
):  # fmt: skip
    zero(_operator, infer=facts.elementwise(_operator))
zero(
    (operator.not_, operator.is_, operator.is_not, operator.contains, operator.truth),
    infer=facts.constant(PY_BOOL),
)
zero((operator.index, operator.countOf, operator.indexOf), infer=facts.constant(PY_INT))
zero(builtins.round, infer=facts.rounded)
zero((np.round, np.around), infer=facts.as_given)
zero((np.iscomplex, np.isreal, np.isposinf, np.isneginf, np.isclose), infer=facts.unknown)
zero(runtime.imaginary_unit, infer=facts.imaginary_unit)
