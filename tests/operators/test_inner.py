"""Derivatives inside functions that are differentiated, up to three deep, against symbolic results."""

import numpy as np
import pytest

from srcgrad import (
    elementwise_grad,
    gauss_newton_product,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    linearize,
    value_and_grad,
    vjp,
)

X = np.array([1.0, -2.0, 0.5])
V = np.array([0.5, 1.0, -3.0])


def cubes(z):
    return np.sum(z**3)


def perturbed(x):  # x * d/dy (x + y)
    return x * grad(lambda y: x + y)(1.0)


def confused(x):  # x * d/dy (x * y) at 2, which is x^2
    return x * grad(lambda y: x * y)(2.0)


def three_deep(a):  # d/db d/dc (a b c^3) at c = b, then b = a: 9 a^3
    return grad(lambda b: grad(lambda c: a * b * c**3)(b))(a)


def three_deep_with_names_reused(x):  # d/dx [x d/dx (x d/dx x^3)] of inner x: x (9 x^2) at x
    return x * grad(lambda x: x * grad(lambda x: x * grad(lambda x: x**2)(x))(x))(x)


def pushed(x):  # x * d/dt (x t) at any t: x^2
    return x * jvp(lambda t: x * t, (3.0,), (1.0,))[1]


def pulled(x):  # J' 1 of z -> z^2 x at z = x: 2 x^2, summed
    _, pull = vjp(lambda z: z**2 * x, x)
    return np.sum(pull(np.ones(3))[0])


def pulled_twice(x):
    y, pull = vjp(lambda z: np.sin(z), x)
    return np.sum(pull(np.ones(3))[0] * pull(y)[0])  # cos^2 sin


def linear(x):
    _, push = linearize(lambda z: z**3, x)
    return np.sum(push(V) + push(2 * V))  # 9 x^2 v


def products(x):
    return np.sum(hvp(cubes)(x, V))  # 6 x v


def curvature(x):
    return np.sum(hessian(cubes)(x) ** 2)  # 36 x^2


def jacobians(x):
    return np.sum(jacobian(lambda z: z**2)(x) ** 2)  # 4 x^2


def rows(x):
    return np.trace(jacrev(lambda z: np.sin(z) * z[0])(x))


def columns(x):
    return np.trace(jacfwd(lambda z: np.sin(z) * z[0])(x))


def gauss_newton(x):
    return np.sum(gauss_newton_product(lambda z: z**2)(x, V))  # 4 x^2 v


def entrywise(x):
    return np.sum(elementwise_grad(lambda z: z**4)(x))  # 4 x^3


def descended(w):  # three steps of gradient descent on (w - 1)^2 / 2, then its value
    for _ in range(3):
        w = w - 0.1 * grad(lambda u: 0.5 * (u - 1) ** 2)(w)
    return 0.5 * (w - 1) ** 2


def best_of_two(x):  # a gradient in one branch only
    if x > 0:
        y = grad(lambda z: z**3)(x)
    else:
        y = x
    return y * x


def with_value(x):
    y, d = value_and_grad(lambda z: z**3)(x)
    return y * d  # 3 x^5


def written(x):
    u = np.zeros(3)
    for i in range(3):
        u[i] = grad(lambda z, i=i: z[i] ** 3)(x)[i]  # 3 x_i^2
    return np.sum(u)


def mixed_modes(x):  # d/dx of the Hessian product of the gradient of a jvp
    return jvp(grad(lambda y: jvp(lambda z: z**4, (y,), (1.0,))[1]), (x,), (1.0,))[1]


def dictionary(x):
    d = grad(lambda p: np.sum(p["a"] ** 2) * p["b"])({"a": x, "b": 3.0})
    return np.sum(d["a"]) + d["b"]  # 6 x + x^2


C = np.cos(X)
S = np.sin(X)
SYMBOLIC = [
    (perturbed, 5.0, 1.0),
    (confused, 3.0, 6.0),
    (three_deep, 1.3, 27 * 1.3**2),
    (pushed, 5.0, 10.0),
    (pulled, X, 4 * X),
    (pulled_twice, X, -2 * C * S * S + C**3),
    (linear, X, 18 * X * V),
    (products, X, 6 * V),
    (curvature, X, 72 * X),
    (jacobians, X, 8 * X),
    (gauss_newton, X, 8 * X * V),
    (entrywise, X, 12 * X**2),
    (descended, 3.0, 0.9**6 * 2.0),
    (best_of_two, 2.0, 9 * 4.0),
    (best_of_two, -2.0, -4.0),
    (with_value, 2.0, 15 * 16.0),
    (written, X, 6 * X),
    (mixed_modes, 1.5, 24.0),
    (dictionary, X, 6 + 2 * X),
    # x d/dx [x d/dx (2 x^2)] = x d/dx [4 x^2] = 8 x^2
    (three_deep_with_names_reused, 1.5, 16 * 1.5),
]


@pytest.mark.parametrize(
    ("f", "x", "wanted"),
    SYMBOLIC,
    ids=[f"{f.__name__}-{k}" for k, (f, _, _) in enumerate(SYMBOLIC)],
)
def test_reverse_over_what_is_inside(f, x, wanted):
    np.testing.assert_allclose(grad(f)(x), wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("f", "x", "wanted"),
    SYMBOLIC,
    ids=[f"{f.__name__}-{k}" for k, (f, _, _) in enumerate(SYMBOLIC)],
)
def test_forward_over_what_is_inside(f, x, wanted):
    v = V if isinstance(x, np.ndarray) else 1.0
    np.testing.assert_allclose(jvp(f, (x,), (v,))[1], np.sum(wanted * v), rtol=1e-12)


@pytest.mark.parametrize("f", [rows, columns])
def test_traces(f):
    wanted = -S * X[0]
    wanted[0] += 2 * C[0] + np.sum(C[1:])
    np.testing.assert_allclose(grad(f)(X), wanted, rtol=1e-12)


def test_a_derivative_made_outside_is_read_inside():
    slope = grad(lambda y: y**3)
    np.testing.assert_allclose(grad(lambda x: slope(x) * x)(2.0), 9 * 4.0)
    product = hvp(cubes)
    np.testing.assert_allclose(grad(lambda x: np.sum(product(x, V)))(X), 6 * V)
    matrix = jacobian(lambda z: z**2)
    np.testing.assert_allclose(grad(lambda x: np.sum(matrix(x)))(X), np.full(3, 2.0))


def weighed(x, y):
    return np.sum(x * y * y)


WHICH = (0, 1)


def test_options_are_read_from_outside_as_they_are_now(monkeypatch):
    def both(x, y):
        return sum(np.sum(g**2) for g in grad(weighed, argnums=WHICH)(x, y))

    f, x, y = grad(both), np.ones(2), np.array([1.0, 2.0])
    np.testing.assert_allclose(f(x, y), 8 * y**2)  # y^4 + 4 x^2 y^2
    monkeypatch.setitem(globals(), "WHICH", (0,))
    np.testing.assert_allclose(f(x, y), 0 * x)


def drift(q):
    total = 0.0
    for i in range(2):
        for j in range(2):
            if i != j:
                r = q[j] - q[i]
                total += r / (r @ r + 0.01)
    return total


def test_rows_of_what_is_a_number_at_first():
    """Nothing but its argument says what shape the gradient has."""

    def loss(q):
        for _ in range(2):
            q = q + 0.05 * drift(q)
        return np.sum(q**2)

    q = np.array([[0.3, 0.7], [0.1, 0.4]])
    wanted = np.array(
        [(grad(loss)(q + h) - grad(loss)(q - h)) / 2e-5 for h in np.eye(4).reshape(4, 2, 2) * 1e-5]
    )
    for matrix in (jacrev(grad(loss)), jacfwd(grad(loss)), hessian(loss)):
        np.testing.assert_allclose(matrix(q).reshape(4, 2, 2), wanted, atol=1e-8)
