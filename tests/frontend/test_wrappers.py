"""Decorated functions: what the decorator does is read, unless it only calls what it decorates."""

import contextlib
import functools
import io
import time

import numpy as np
import pytest

from srcgrad import grad, value_and_grad
from srcgrad.frontend.unwrap import unwrap


def kelvin(f):
    @functools.wraps(f)
    def inner(t):
        return f(t + 273.15)

    return inner


def scaled(factor):
    def decorate(f):
        @functools.wraps(f)
        def inner(*args, **kwargs):
            return factor * f(*args, **kwargs)

        return inner

    return decorate


def in_place(f):
    @functools.wraps(f)
    def inner(*args, **kwargs):
        args[0][0] = 7.0
        return f(*args, **kwargs)

    return inner


def only_first(f):
    @functools.wraps(f)
    def inner(*args, **kwargs):
        result = f(*args, **kwargs)
        result = result[0]
        return result

    return inner


class Ten:
    def __init__(self, f):
        functools.update_wrapper(self, f)
        self.f = f

    def __call__(self, x):
        return 10 * self.f(x)


@kelvin
def rate(t):
    return np.exp(-1000 / t)


@scaled(10.0)
def square(x):
    return x * x


@Ten
def cube(x):
    return x**3


class Model:
    @scaled(3.0)
    def energy(self, x):
        return x * x


@scaled(2.0)
@np.errstate(over="ignore")
def in_context(x):
    return np.exp(x)


def calls_decorated(x):
    return rate(x) + square(x) * cube(x) + Model().energy(x) + in_context(x)


@pytest.mark.parametrize(
    "function", [rate, square, cube, Model().energy, in_context, calls_decorated]
)
def test_what_a_decorator_does_is_read(function):
    x, h = 2.0, 1e-6
    value, slope = value_and_grad(function)(x)
    assert np.isclose(value, function(x))
    assert np.isclose(slope, (function(x + h) - function(x - h)) / (2 * h), rtol=1e-6)


@in_place
def total(x):
    return np.sum(x**2)


@only_first
def parts(x):
    return x**2, x**3


def test_what_it_does_to_arguments_and_results_is_read():
    np.testing.assert_allclose(grad(total)(np.array([1.0, 2.0])), [0.0, 4.0])
    assert grad(parts)(3.0) == 6.0


def logged(f):
    @functools.wraps(f)
    def inner(*args, **kwargs):
        print("calling", args)
        return f(*args, **kwargs)

    return inner


def timed(f):
    @functools.wraps(f)
    def inner(*args, **kwargs):
        start = time.perf_counter()
        result = f(*args, **kwargs)
        took = time.perf_counter() - start
        print(f"{took} seconds")
        return result

    return inner


def plain(x, y=2.0):
    return x * y


@pytest.mark.parametrize("decorate", [logged, timed, functools.lru_cache, functools.cache])
def test_what_only_calls_is_taken_for_what_it_calls(decorate):
    decorated = decorate(plain)
    assert unwrap(decorated).function is plain
    with contextlib.redirect_stdout(io.StringIO()):
        assert grad(decorated, "y")(3.0) == 3.0


def prints_and_writes(f):
    @functools.wraps(f)
    def inner(*args, **kwargs):
        print(args[0].__imul__(3))
        return f(*args, **kwargs)

    return inner


def imports_over(f):
    @functools.wraps(f)
    def inner(*args, **kwargs):
        import math as args

        return f(*args, **kwargs)

    return inner


@pytest.mark.parametrize(
    "decorate", [scaled(2.0), in_place, only_first, kelvin, prints_and_writes, imports_over]
)
def test_what_does_more_is_not(decorate):
    decorated = decorate(plain)
    assert unwrap(decorated).function is decorated
