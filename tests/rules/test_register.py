"""register: rules for functions of SciPy, of C, and of one's own, in both modes and to higher order."""

import ctypes
import ctypes.util

import numpy as np
import pytest
import scipy.linalg
import scipy.special as special

import srcgrad
from srcgrad import MissingRule, SrcgradError, StructureError, grad, jvp, register

X = np.array([1.3, 2.5])

register(special.gammaln, lambda g, y, x: g * special.digamma(x))
register(special.erfinv, lambda g, y, x: g * np.sqrt(np.pi) / 2 * np.exp(y**2))
register(special.xlogy, lambda g, y, a, b: g * np.log(b), lambda g, y, a, b: g * a / b)


def test_functions_of_scipy():
    np.testing.assert_allclose(grad(lambda x: np.sum(special.gammaln(x)))(X), special.digamma(X))
    np.testing.assert_allclose(
        jvp(lambda x: np.sum(special.gammaln(x)), (X,), (X,))[1], special.digamma(X) @ X
    )
    with pytest.raises(MissingRule, match="psi"):  # the formula has no derivative as yet
        grad(grad(special.gammaln))(1.3)
    d_a, d_b = grad(lambda a, b: np.sum(special.xlogy(a, b)), (0, 1))(X, 2.0)
    np.testing.assert_allclose(d_a, np.log(2.0) * np.ones(2))
    np.testing.assert_allclose(d_b, np.sum(X) / 2.0)


def test_second_order_in_all_compositions():
    y = special.erfinv(0.3)
    expected = np.pi / 2 * y * np.exp(2 * y**2)
    erfinv = special.erfinv
    for second in (
        grad(grad(erfinv)),
        lambda x: jvp(grad(erfinv), (x,), (1.0,))[1],
        grad(lambda x: jvp(erfinv, (x,), (1.0,))[1]),
        lambda x: jvp(lambda t: jvp(erfinv, (t,), (1.0,))[1], (x,), (1.0,))[1],
    ):
        np.testing.assert_allclose(second(0.3), expected)


LIBRARY = ctypes.util.find_library("m")


@pytest.mark.skipif(LIBRARY is None, reason="there is no mathematics library of C")
def test_functions_of_c():
    sine = ctypes.CDLL(LIBRARY).sin
    sine.restype, sine.argtypes = ctypes.c_double, [ctypes.c_double]

    def c_sine(x):
        return sine(x)

    with pytest.raises(SrcgradError, match="no table can hold"):
        register(sine, lambda g, y, x: g * np.cos(x))
    register(c_sine, lambda g, y, x: g * np.cos(x))

    def f(x):
        return 2 * c_sine(x)

    np.testing.assert_allclose(grad(f)(0.5), 2 * np.cos(0.5))
    np.testing.assert_allclose(jvp(f, (0.5,), (3.0,)), (2 * np.sin(0.5), 6 * np.cos(0.5)))
    np.testing.assert_allclose(grad(grad(f))(0.5), -2 * np.sin(0.5))


def solve(a, b):
    return scipy.linalg.solve(a, b)


def solve_without_jvp(a, b):
    return scipy.linalg.solve(a, b)


BACK = (
    lambda g, y, a, b: -np.outer(np.linalg.solve(a.T, g), y),
    lambda g, y, a, b: np.linalg.solve(a.T, g),
)
register(
    solve,
    *BACK,
    verb="custom",
    jvp=(
        lambda a_dot, y, a, b: -np.linalg.solve(a, a_dot @ y),
        lambda b_dot, y, a, b: np.linalg.solve(a, b_dot),
    ),
)
register(solve_without_jvp, *BACK, verb="custom")
A, B = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])


@pytest.mark.parametrize("function", [solve, solve_without_jvp])
def test_custom_with_and_without_formulas_for_tangents(function):
    def f(a, b):
        return np.sum(function(a, b) ** 2)

    def expected(a, b):
        return np.sum(np.linalg.solve(a, b) ** 2)

    v, w = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, -1.0])
    for mine, numpys in zip(grad(f, (0, 1))(A, B), grad(expected, (0, 1))(A, B), strict=True):
        np.testing.assert_allclose(mine, numpys, atol=1e-12)
    np.testing.assert_allclose(jvp(f, (A, B), (v, w)), jvp(expected, (A, B), (v, w)))
    np.testing.assert_allclose(srcgrad.hvp(f)(A, B, v), srcgrad.hvp(expected)(A, B, v), atol=1e-12)


def summed(x):
    return np.sum(x)


def doubled(x):
    return 2 * x


def tripled(x):
    return 3 * x


def chosen(x):
    return 4 * x


register(summed, lambda g, y, x: g, verb="custom")
register(doubled, lambda g, y, x: (g, g), verb="custom")
register(tripled, lambda g, y, x, z: g)
register(chosen, lambda g, y, x: g[:1] * y[:1], verb="custom")


def here(error):
    return f'File "{__file__}"' in str(error.value)


def test_what_formulas_give_is_looked_at():
    with pytest.raises(StructureError, match=r"the shape \(\), where \(2,\) is expected") as error:
        grad(lambda x: summed(x) * 1.0)(X)
    assert here(error) and error.value.location.text.startswith("register(summed")
    with pytest.raises(StructureError, match="gives a tuple") as error:
        grad(lambda x: np.sum(doubled(x)))(X)
    assert here(error)
    with pytest.raises(StructureError, match="missing 1 required") as error:
        grad(lambda x: np.sum(tripled(x)))(X)
    assert here(error)
    with pytest.raises(AssertionError, match="another shape") as error:  # only the run can tell
        grad(lambda x: np.sum(chosen(x)))(X)
    assert __file__ in str(error.value)


def test_what_register_refuses():
    def f(x):
        return x

    for formulas, options, why in (
        (
            (lambda g, y, x: g,),
            {"verb": "linear", "jvp": lambda d, y, x: d},
            "no formulas for tang",
        ),
        ((lambda g, y, x: g,), {"verb": "custom", "jvp": (None, None)}, "jvp has 2 formulas"),
        ((lambda g, x: g,), {}, "takes 2 arguments"),
        ((np.cos,), {}, "a formula is a Python function"),
        ((), {"verb": "linear"}, "takes one formula"),
        ((), {"verb": "odd"}, "there is no verb"),
    ):
        with pytest.raises(SrcgradError, match=why):
            register(f, *formulas, **options)


def test_rules_of_custom_vjp_may_call_registered_functions():
    lgamma = srcgrad.custom_vjp(
        lambda x: special.gammaln(x),
        fwd=lambda x: (special.gammaln(x), x),
        bwd=lambda x, g: (g * special.digamma(x),),
    )
    np.testing.assert_allclose(grad(lambda x: np.sum(lgamma(x)))(X), special.digamma(X))
