"""Rules of the math module. They speak math themselves, so that Python numbers stay Python numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from .. import runtime
from ..ir.types import PY_BOOL, PY_FLOAT, PY_INT, Facts
from . import facts
from .asks import as_float, has_complex, kind, number, rank, static
from .registry import PRIMITIVES, RULES, Formula, custom, elementwise, refuse, zero
from .trace import traced
from .ufuncs import over_squares

LN2, LN10 = math.log(2), math.log(10)
TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
MOST_ARGUMENTS = 32

exp, log, sqrt = traced(math.exp), traced(math.log), traced(math.sqrt)
sin, cos, sinh, cosh = traced(math.sin), traced(math.cos), traced(math.sinh), traced(math.cosh)
ldexp = traced(math.ldexp)
degrees, radians = traced(math.degrees), traced(math.radians)
nearest = traced(round)
polygamma = traced(runtime.polygamma)
product_of_others = traced(runtime.product_of_others)
regroup = traced(runtime.regroup)
spread = traced(runtime.spread)
array = traced(np.array)
fsum = traced(math.fsum)

A_FLOAT = facts.constant(PY_FLOAT)


def scalar(function: Any, *formulas: Formula | None) -> None:
    """A function of Python numbers that gives one."""
    elementwise(function, *formulas, infer=A_FLOAT)
    of_real_numbers(function)


def of_real_numbers(function: Any) -> None:
    """Let a row refuse NumPy's complex numbers, of which the math module takes the real part."""
    primitive = PRIMITIVES[function]

    def guarded(formula: Formula | None) -> Formula | None:
        def guard(g: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
            if has_complex(args):
                refuse(primitive.name, "complex numbers", "use NumPy's function of that name")
            assert formula is not None
            return formula(g, y, *args, **kwargs)

        return None if formula is None else guard

    rule = RULES[primitive]
    vjps, jvps = (tuple(map(guarded, formulas)) for formulas in (rule.vjps, rule.jvps))
    RULES[primitive] = replace(rule, vjps=vjps, jvps=jvps)


def sign(x: Any) -> Any:
    """The sign of a number, 0 at 0."""
    return 1.0 * (x > 0) - (x < 0)


def log_base(g: Any, y: Any, x: Any, base: Any) -> Any:
    """The cotangent of the number in `math.log(x, base)`."""
    return g / x if base is None else g / (x * (math.log(base) if number(base) else log(base)))


def base_slope(g: Any, y: Any, x: Any, base: Any) -> Any:
    """The cotangent of the base in `math.log(x, base)`."""
    return -g * y / (base * log(base))


def power_base(g: Any, z: Any, x: Any, y: Any) -> Any:
    """The cotangent of the base in math.pow; where the exponent is 0, the base does not matter."""
    if not number(y):
        y = as_float(y, z)
        return g * y * x ** (y - (y != 0))
    if y == 2:
        return 2 * g * x
    return y * g if y in (0, 1) else y * g * x ** (y - 1)


def power_exponent(g: Any, z: Any, x: Any, y: Any) -> Any:
    """The cotangent of the exponent in math.pow; where the base is 0, it does not matter."""
    return g * z * (math.log(x) if number(x) and x > 0 else log(x + (x == 0)))


# Exponentials, logarithms, powers

scalar(math.exp, lambda g, y, x: g * y)
scalar(math.expm1, lambda g, y, x: g * (y + 1))
scalar(
    math.log,
    lambda g, y, x, base=None: log_base(g, y, x, base),
    lambda g, y, x, base=None: base_slope(g, y, x, base),
)
scalar(math.log2, lambda g, y, x: g / (x * LN2))
scalar(math.log10, lambda g, y, x: g / (x * LN10))
scalar(math.log1p, lambda g, y, x: g / (1 + x))
scalar(math.sqrt, lambda g, y, x: 0.5 * g / y)
scalar(math.exp2, lambda g, y, x: g * y * LN2)
scalar(math.cbrt, lambda g, y, x: g / (3 * y * y))
scalar(
    math.pow,
    lambda g, z, x, y: power_base(g, z, x, y),
    lambda g, z, x, y: power_exponent(g, z, x, y),
)
scalar(math.ldexp, lambda g, y, x, i: ldexp(g, i), None)

# Circular and hyperbolic functions

scalar(math.sin, lambda g, y, x: g * cos(x))
scalar(math.cos, lambda g, y, x: -g * sin(x))
scalar(math.tan, lambda g, y, x: g * (1 + y * y))
scalar(math.asin, lambda g, y, x: g / sqrt((1 - x) * (1 + x)))
scalar(math.acos, lambda g, y, x: -g / sqrt((1 - x) * (1 + x)))
scalar(math.atan, lambda g, y, x: g / (1 + x * x))
scalar(
    math.atan2,
    lambda g, z, y, x: over_squares(g * x, z, y, x),
    lambda g, z, y, x: over_squares(-g * y, z, y, x),
)
scalar(math.sinh, lambda g, y, x: g * cosh(x))
scalar(math.cosh, lambda g, y, x: g * sinh(x))
scalar(math.tanh, lambda g, y, x: g * (1 - y * y))
scalar(math.asinh, lambda g, y, x: g / sqrt(1 + x * x))
scalar(math.acosh, lambda g, y, x: g / sqrt((x - 1) * (x + 1)))
scalar(math.atanh, lambda g, y, x: g / ((1 - x) * (1 + x)))
scalar(math.radians, lambda g, y, x: radians(g))
scalar(math.degrees, lambda g, y, x: degrees(g))

# Special functions

scalar(math.erf, lambda g, y, x: g * TWO_OVER_ROOT_PI * exp(-x * x))
scalar(math.erfc, lambda g, y, x: -g * TWO_OVER_ROOT_PI * exp(-x * x))
scalar(math.gamma, lambda g, y, x: g * y * polygamma(0, x))
scalar(math.lgamma, lambda g, y, x: g * polygamma(0, x))
elementwise(
    runtime.polygamma,
    None,
    lambda g, y, n, x: g * polygamma(n + 1, x),
    infer=lambda n, x: facts.result("float64", facts.of(x).shape),
)

# Sizes, remainders, parts

scalar(math.fabs, lambda g, y, x: g * sign(x))
scalar(math.copysign, lambda g, z, x, y: g * sign(x) * sign(z), None)
scalar(math.fmod, lambda g, z, x, y: g, lambda g, z, x, y: -g * nearest((x - z) / y))
scalar(math.remainder, lambda g, z, x, y: g, lambda g, z, x, y: -g * nearest((x - z) / y))
custom(
    math.modf,
    vjp=lambda g, y, x: g[0],
    jvp=lambda g, y, x: (g, 0.0),
    infer=facts.constant(Facts("tuple", items=(PY_FLOAT,) * 2, cls=tuple)),
)
custom(
    math.frexp,
    vjp=lambda g, y, x: ldexp(g[0], -y[1]),
    jvp=lambda g, y, x: (ldexp(g, -y[1]), 0.0),
    infer=facts.constant(Facts("tuple", items=(PY_FLOAT, PY_INT), cls=tuple)),
)
scalar(math.nextafter, lambda g, z, x, y: g, None)
if hasattr(math, "fma"):
    scalar(
        math.fma,
        lambda g, w, x, y, z: g * y,
        lambda g, w, x, y, z: g * x,
        lambda g, w, x, y, z: g,
    )

# Several numbers


def leg(k: int) -> Formula:
    """The formula of coordinate k of math.hypot; the origin is flat."""
    return lambda g, y, *coordinates: g * coordinates[k] / (y + (y == 0))


scalar(math.hypot, *(leg(k) for k in range(MOST_ARGUMENTS)))


def apart(g: Any, y: Any, p: Any, q: Any) -> Any:
    """The cotangent of `p` in math.dist; equal points are a flat place."""
    return regroup(g * (as_float(array(p), y) - as_float(array(q), y)) / (y + (y == 0)), p)


def each(g: Any, xs: Any) -> Any:
    """`g` for each of several numbers."""
    return [g for _ in xs] if isinstance(xs, list | tuple) else spread(g, xs)


def one_product(iterable: Any) -> None:
    """Refuse the entries of rows, which math.prod multiplies row by row."""
    if rank(iterable) not in (1, None):
        refuse("math.prod", "several products at once", "use np.prod with an axis")


def product_tangent(g: Any, iterable: Any, start: Any) -> Any:
    """The tangent of math.prod."""
    one_product(iterable)
    return start * np.sum(array(g) * product_of_others(array(iterable)))


def all_others(g: Any, iterable: Any, start: Any) -> Any:
    """The cotangents of the factors of math.prod."""
    if not static(start):
        refuse("math.prod", "where it starts", "multiply by that afterwards")
    one_product(iterable)
    if kind(iterable) in ("array", "ndarray"):
        return g * start * product_of_others(iterable)
    return regroup(g * start * product_of_others(array(iterable)), iterable)


custom(
    math.dist,
    vjp=(lambda g, y, p, q: apart(g, y, p, q), lambda g, y, p, q: apart(g, y, q, p)),
    jvp=(
        lambda g, y, p, q: np.sum((array(p) - array(q)) * array(g)) / (y + (y == 0)),
        lambda g, y, p, q: np.sum((array(q) - array(p)) * array(g)) / (y + (y == 0)),
    ),
    infer=A_FLOAT,
    lists=True,
)
custom(
    math.fsum,
    vjp=lambda g, y, seq: each(g, seq),
    jvp=lambda g, y, seq: fsum(g),
    infer=A_FLOAT,
    lists=True,
)
custom(
    math.prod,
    vjp=(
        lambda g, y, iterable, *, start=1: all_others(g, iterable, start),
    ),
    jvp=(
        lambda g, y, iterable, *, start=1: product_tangent(g, iterable, start),
    ),
    infer=facts.product_of_all,
    lists=True,
)  # fmt: skip
for _function in (math.dist, math.fsum, math.modf, math.frexp, runtime.polygamma):
    of_real_numbers(_function)
if hasattr(math, "sumprod"):
    custom(
        math.sumprod,
        vjp=(
            lambda g, y, p, q: regroup(g * array(q), p),
            lambda g, y, p, q: regroup(g * array(p), q),
        ),
        jvp=(
            lambda g, y, p, q: np.sum(array(g) * array(q)),
            lambda g, y, p, q: np.sum(array(p) * array(g)),
        ),
        infer=facts.sum_of_products,
        lists=True,
    )

# Integers and truth values

zero(
    (math.ceil, math.floor, math.trunc, math.comb, math.perm, math.factorial, math.gcd, math.lcm,
     math.isqrt),
    infer=facts.constant(PY_INT),
)  # fmt: skip
zero((math.isfinite, math.isinf, math.isnan, math.isclose), infer=facts.constant(PY_BOOL))
zero(math.ulp, infer=A_FLOAT)
