"""A break in the else clause of a loop leaves the loop around it."""

import numpy as np

from srcgrad import value_and_grad


def inner_else_breaks(x, n):
    for i in range(3):
        for _ in range(n):
            if i == 2:
                break
        else:
            break
        x = x * 2
    else:
        x = x * x
    return x


def inner_else_continues(x, n):
    total = 0.0
    for i in range(4):
        while n > i:
            if n == 3:
                break
            n = n - 1
        else:
            continue
        total = total + x**i
    return total


def test_programs_do_what_python_does():
    for f in (inner_else_breaks, inner_else_continues):
        for n in range(5):
            value, slope = value_and_grad(f)(1.3, n)
            assert value == f(1.3, n)
            h = 1e-6
            difference = (f(1.3 + h, n) - f(1.3 - h, n)) / (2 * h)
            np.testing.assert_allclose(slope, difference, rtol=1e-6, atol=1e-9)
