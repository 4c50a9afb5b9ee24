"""custom_jvp: rules of primals and tangents, of which reverse mode is the adjoint."""

import numpy as np
import pytest

import srcgrad
from srcgrad import custom_jvp, grad, jvp

X = np.array([0.3, -0.4])


@custom_jvp
def softplus(x):
    return np.logaddexp(0.0, x)


@softplus.defjvp
def softplus_jvp(primals, tangents):
    (x,), (x_dot,) = primals, tangents
    y = softplus(x)
    return y, (1 - np.exp(-y)) * x_dot


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_all_orders():
    s = sigmoid(0.7)
    first = grad(softplus)
    np.testing.assert_allclose(first(0.7), s)
    np.testing.assert_allclose(grad(first)(0.7), s * (1 - s))
    np.testing.assert_allclose(grad(grad(first))(0.7), s * (1 - s) * (1 - 2 * s))
    np.testing.assert_allclose(jvp(softplus, (0.7,), (2.0,))[1], 2 * s)
    np.testing.assert_allclose(jvp(first, (0.7,), (1.0,))[1], s * (1 - s))
    np.testing.assert_allclose(grad(lambda x: jvp(softplus, (x,), (1.0,))[1])(0.7), s * (1 - s))
    np.testing.assert_allclose(srcgrad.linearize(softplus, 0.7)[1](1.0), s)
    assert softplus(0.0) == np.log(2)


def rounds(x):
    total = 0.0
    for k in range(3):
        if k == 1:
            x = softplus(x)
        x = x + softplus(x)
        total = total + np.sum(x)
    return total


def rounds_plain(x):
    total = 0.0
    for k in range(3):
        if k == 1:
            x = np.logaddexp(0.0, x)
        x = x + np.logaddexp(0.0, x)
        total = total + np.sum(x)
    return total


@pytest.mark.parametrize(
    "operator",
    [
        lambda f: grad(f)(X),
        lambda f: jvp(f, (X,), (np.array([1.0, 2.0]),))[1],
        lambda f: srcgrad.linearize(f, X)[1](np.array([1.0, 2.0])),
        lambda f: srcgrad.hessian(f)(X),
        lambda f: grad(lambda x: np.sum(grad(f)(x) ** 2))(X),
        lambda f: grad(lambda x: srcgrad.checkpoint(f)(x))(X),
    ],
)
def test_inside_loops_and_branches(operator):
    np.testing.assert_allclose(operator(rounds), operator(rounds_plain))


def growth(x):
    count = 0
    while count < 3 and x < 10:
        x, count = np.exp(x) * 0.5, count + 1
    return x


def growth_jvp(primals, tangents):
    (y,), (y_dot,) = primals, tangents
    count = 0
    while count < 3 and y < 10:
        slope = np.exp(y) * 0.5
        y, y_dot, count = slope, slope * y_dot, count + 1
    return y, y_dot


def test_rules_may_loop():
    ruled = custom_jvp(growth, jvp=growth_jvp)
    for x in (0.5, 2.0):
        np.testing.assert_allclose(grad(ruled)(x), grad(growth)(x))
        np.testing.assert_allclose(jvp(ruled, (x,), (1.0,))[1], grad(growth)(x))
        np.testing.assert_allclose(grad(grad(ruled))(x), grad(grad(growth))(x))


@custom_jvp
def product(x, y):
    return x * y


product.defjvps(lambda x_dot, out, x, y: x_dot * y, lambda y_dot, out, x, y: 2 * x * y_dot)


def test_one_formula_per_argument():
    d_x, d_y = grad(lambda x, y: np.sum(product(x, y)), (0, 1))(X, 2 * X)
    np.testing.assert_allclose(d_x, 2 * X)
    np.testing.assert_allclose(d_y, 2 * X)
    np.testing.assert_allclose(grad(lambda x: np.sum(product(x, 3.0)))(X), [3.0, 3.0])
    assert grad(lambda x: grad(lambda y: product(x, y))(3.0))(2.0) == 2.0
    half = custom_jvp(lambda x, y: x * y)
    half.defjvps(lambda x_dot, out, x, y: x_dot * y, None)
    np.testing.assert_allclose(grad(lambda x: np.sum(half(x, x)))(X), X)


@custom_jvp(nondiff_argnums=(1,))
def power(x, n):
    return x**n


@power.defjvp
def power_jvp(n, primals, tangents):
    (x,), (x_dot,) = primals, tangents
    return power(x, n), n * power(x, n - 1) * x_dot


def test_nondiff_argnums():
    assert grad(lambda x: power(x, 3))(2.0) == 12.0
    assert grad(grad(lambda x: power(x, 3)))(2.0) == 12.0
    with pytest.raises(srcgrad.NotDifferentiable, match="says nothing of 'n'"):
        grad(lambda x, n: power(x, n), 1)(2.0, 3.0)


def test_integers_are_carried_along():
    ruled = custom_jvp(
        lambda x, n: x**n, jvp=lambda p, t: (p[0] ** p[1], p[1] * p[0] ** (p[1] - 1) * t[0])
    )
    assert grad(lambda x, n: ruled(x, n))(2.0, 3) == 12.0


def test_containers():
    def rule(primals, tangents):
        (p,), (p_dot,) = primals, tangents
        return [p["a"] * p["b"], 1.0], [p_dot["a"] * p["b"] + p["a"] * p_dot["b"], None]

    ruled = custom_jvp(lambda p: [p["a"] * p["b"], 1.0])
    ruled.defjvp(rule)
    gradient = grad(lambda p: ruled(p)[0] * 2)({"a": 3.0, "b": 5.0})
    assert gradient == {"a": 10.0, "b": 6.0}


def test_a_rule_that_is_not_linear_is_no_rule_for_reverse_mode():
    odd = custom_jvp(lambda x: x, jvp=lambda p, t: (p[0], np.abs(t[0])))
    assert jvp(odd, (1.0,), (-2.0,))[1] == 2.0
    with pytest.raises(srcgrad.NotDifferentiable, match="not linear in its tangents"):
        grad(odd)(1.0)
