"""Special functions that derivatives need and NumPy lacks; each family is closed under derivation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# B(2), B(4), ...: the Bernoulli numbers of the asymptotic series.
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


def polygamma(n: int, x: Any) -> Any:
    """The n-th derivative of the digamma function; `polygamma(0, x)` is digamma itself.

    Real `x`, any shape. Abramowitz and Stegun, 6.4.11 (6.3.18 for n = 0), after the recurrence 6.4.6
    has moved `x` to where that series is accurate.

    >>> round(float(polygamma(0, 1.0)), 12), round(float(polygamma(1, 1.0)), 12)
    (-0.577215664902, 1.644934066848)
    """
    x = np.asarray(x, dtype=float)
    moved = np.zeros(x.shape)
    while np.any(x < 16 + n):
        small = x < 16 + n
        moved = moved + np.where(small, 1 / x ** (n + 1), 0.0)
        x = np.where(small, x + 1, x)
    if n == 0:
        series = np.log(x) - 1 / (2 * x)
        for k, b in enumerate(BERNOULLI, 1):
            series = series - b / (2 * k * x ** (2 * k))
        return (series - moved)[()]
    series = math.factorial(n - 1) / x**n + math.factorial(n) / (2 * x ** (n + 1))
    for k, b in enumerate(BERNOULLI, 1):
        factor = b * math.factorial(2 * k + n - 1) / math.factorial(2 * k)
        series = series + factor / x ** (2 * k + n)
    return ((-1) ** (n + 1) * (series + math.factorial(n) * moved))[()]


def sinc_derivative(x: Any, order: int) -> Any:
    """The derivative of that order of `np.sinc(x) = sin(pi x) / (pi x)`, accurate near zero too.

    >>> round(float(sinc_derivative(0.0, 2)), 12), round(float(sinc_derivative(1.0, 1)), 12)
    (-3.289868133696, -1.0)
    """
    x = np.asarray(x)
    y = np.pi * x.astype(complex if x.dtype.kind == "c" else float)
    near = np.abs(y) < 3
    # From Leibniz' rule on x sinc(x): x s[n] + n s[n - 1] = pi**(n - 1) sin(pi x + n pi / 2).
    far = np.where(near, 1.0, y)
    s = np.sin(far) / far
    for n in range(1, order + 1):
        s = (np.sin(far + n * np.pi / 2) - n * s) / far
    # The Taylor series, term by term, in powers of pi x.
    small = np.where(near, y, 0.0)
    series = np.zeros(y.shape)
    for k in range((order + 1) // 2, order // 2 + 20):
        power = 2 * k - order
        series = series + (-1) ** k * small**power / ((2 * k + 1) * math.factorial(power))
    return (np.pi**order * np.where(near, series, s)).astype(np.result_type(x.dtype, np.float32))[
        ()
    ]
