"""custom_root and fixed_point: derivatives of solutions agree with those through the solver's steps."""

import numpy as np
import pytest

import srcgrad
from srcgrad import custom_root, fixed_point, grad, jvp

A = np.array([2.0, 0.7])
V = np.array([1.0, 2.0])


def system(x, a):
    return np.array([x[0] ** 2 + x[1] ** 2 - a[0], x[0] * a[1] - np.exp(-x[1])])


def slope(x, a):
    return np.array([[2 * x[0], 2 * x[1]], [a[1], np.exp(-x[1])]])


def newton_unrolled(a):
    x = np.array([1.0, 0.5])
    for _ in range(15):
        x = x - np.linalg.solve(slope(x, a), system(x, a))
    return np.sum(x * np.array([1.0, 3.0]))


def newton_implicit(a):
    def solve(f, x):
        for _ in range(15):
            x = x - np.linalg.solve(slope(x, a), f(x))
        return x

    x = custom_root(lambda x: system(x, a), np.array([1.0, 0.5]), solve)
    return np.sum(x * np.array([1.0, 3.0]))


C = np.random.default_rng(0).random((4, 5))
P, Q = np.full(4, 0.25), np.array([0.1, 0.2, 0.3, 0.2, 0.2])


def sinkhorn_step(u, C, p, q):
    K = np.exp(-C / 0.3)
    u = p / (K @ (q / (K.T @ u)))
    return u / u[0]


def transport(u, C, q):
    K = np.exp(-C / 0.3)
    v = q / (K.T @ u)
    return np.sum(u[:, None] * K * v[None, :] * C)


def sinkhorn_unrolled(C):
    u = np.ones(4)
    for _ in range(60):
        u = sinkhorn_step(u, C, P, Q)
    return transport(u, C, Q)


def sinkhorn_by_captures(C):
    u = fixed_point(lambda u: sinkhorn_step(u, C, P, Q), np.ones(4), tol=1e-14)
    return transport(u, C, Q)


def sinkhorn_by_arguments(C):
    u = fixed_point(sinkhorn_step, np.ones(4), C, P, Q, tol=1e-14, rounds=60)
    return transport(u, C, Q)


def coupled_unrolled(a):
    u, v = np.zeros(2), 0.2
    for _ in range(200):
        u, v = np.cos(v) * a, 0.5 * np.sin(np.sum(u)) + a[0] * 0.1
    return np.sum(u) * v


def coupled(a):
    def step(s):
        return {"u": np.cos(s["v"]) * a, "v": 0.5 * np.sin(np.sum(s["u"])) + a[0] * 0.1}

    s = fixed_point(step, {"u": np.zeros(2), "v": 0.2}, tol=1e-14)
    return np.sum(s["u"]) * s["v"]


PROBLEMS = [
    (newton_implicit, newton_unrolled, A),
    (sinkhorn_by_captures, sinkhorn_unrolled, C),
    (sinkhorn_by_arguments, sinkhorn_unrolled, C),
    (coupled, coupled_unrolled, A * 0.3),
]


@pytest.mark.parametrize("implicit, unrolled, x", PROBLEMS)
@pytest.mark.parametrize(
    "operator",
    [
        lambda f, x, v: f(x),
        lambda f, x, v: grad(f)(x),
        lambda f, x, v: jvp(f, (x,), (v,))[1],
        lambda f, x, v: srcgrad.linearize(f, x)[1](v),
        lambda f, x, v: srcgrad.hvp(f)(x, v),
        lambda f, x, v: grad(lambda x: np.sum(grad(f)(x) * v))(x),
    ],
)
def test_agrees_with_the_derivative_through_the_steps(implicit, unrolled, x, operator):
    v = np.cos(np.arange(x.size)).reshape(x.shape)
    expected = operator(unrolled, x, v)
    np.testing.assert_allclose(operator(implicit, x, v), expected, rtol=1e-9, atol=1e-11)


def test_no_step_is_kept():
    source = grad(sinkhorn_by_captures).specialize(C).source
    assert "append(x" not in source and "tape" not in source


def newton(f, x):
    for _ in range(20):
        x = x - f(x) / grad(f)(x)
    return x


def test_one_unknown_all_orders():
    def cube_root(a):
        return custom_root(lambda x: x**3 - a, 1.0, newton)

    np.testing.assert_allclose(cube_root(8.0), 2.0)
    np.testing.assert_allclose(grad(cube_root)(8.0), 8 ** (-2 / 3) / 3)
    np.testing.assert_allclose(grad(grad(cube_root))(8.0), -2 / 9 * 8 ** (-5 / 3))
    np.testing.assert_allclose(grad(grad(grad(cube_root)))(8.0), 10 / 27 * 8 ** (-8 / 3))


def test_tangent_solve():
    def root(a):
        return custom_root(
            lambda x: x * x - a, 1.0, lambda f, x: np.sqrt(a), lambda g, y: y / g(1.0)
        )

    np.testing.assert_allclose(grad(root)(4.0), 0.25)
    np.testing.assert_allclose(jvp(root, (4.0,), (1.0,))[1], 0.25)

    def curved(a):
        return custom_root(
            lambda x: x * x - a, 1.0, lambda f, x: np.sqrt(a), lambda g, y: y * y / g(1.0)
        )

    with pytest.raises(srcgrad.NotDifferentiable, match="not linear"):
        grad(curved)(4.0)


def test_inside_loops():
    def f(a):
        total = 0.0
        for k in range(3):
            total = total + fixed_point(lambda x: np.cos(x) * a * (k + 1) * 0.3, 0.1) ** 2
        return total

    def unrolled(a):
        total = 0.0
        for k in range(3):
            x = 0.1
            for _ in range(100):
                x = np.cos(x) * a * (k + 1) * 0.3
            total = total + x**2
        return total

    np.testing.assert_allclose(grad(f)(0.5), grad(unrolled)(0.5), rtol=1e-7)


def test_nothing_flows_to_the_start():
    def f(x0):
        return fixed_point(lambda x: np.cos(x), x0) + 0.0 * x0

    assert grad(f)(0.3) == 0.0


def test_another_shape_than_the_unknown():
    with pytest.raises(srcgrad.StructureError, match=r"must have the shape \(2,\), not \(\)"):
        grad(lambda a: np.sum(custom_root(lambda x: x[0] * a, np.ones(2), lambda f, x: x)))(2.0)


def test_arguments():
    with pytest.raises(srcgrad.UnsupportedSyntax, match="custom_root"):
        grad(lambda a: custom_root(lambda x: x - a, 1.0))(2.0)
    with pytest.raises(srcgrad.SrcgradError, match="one round"):
        fixed_point(np.cos, 1.0, max_iter=0)
