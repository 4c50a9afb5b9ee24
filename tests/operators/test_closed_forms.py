"""Jacobians, Hessians and products against closed forms, in every structure and type of argument."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

from srcgrad import (
    NotDifferentiable,
    NotScalar,
    SrcgradError,
    StructureError,
    divergence,
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
    vjp,
)

RNG = np.random.default_rng(7)
A = RNG.normal(size=(4, 3))
X = RNG.normal(size=3)
M = RNG.normal(size=(2, 3))
MODES = [jacobian, jacrev, jacfwd]


def affine(x):
    return np.tanh(A @ x)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def hessian_of_rosenbrock(x):
    n = len(x)
    h = np.zeros((n, n))
    for i in range(n - 1):
        h[i, i] += 1200 * x[i] ** 2 - 400 * x[i + 1] + 2
        h[i, i + 1] = h[i + 1, i] = -400 * x[i]
        h[i + 1, i + 1] += 200
    return h


@pytest.mark.parametrize("jac", MODES)
def test_of_an_array(jac):
    np.testing.assert_allclose(jac(affine)(X), (1 - affine(X) ** 2)[:, None] * A)


@pytest.mark.parametrize("jac", MODES)
def test_of_a_matrix(jac):
    found = jac(lambda m: m @ m.T)(M)
    eye = np.eye(2)
    wanted = np.einsum("ik,jl->ijkl", eye, M) + np.einsum("jk,il->ijkl", eye, M)
    np.testing.assert_allclose(found, wanted)


@pytest.mark.parametrize("jac", MODES)
def test_of_numbers(jac):
    assert jac(lambda x: x**2)(3.0) == 6.0
    assert isinstance(jac(lambda x: x**2)(3.0), float)
    np.testing.assert_allclose(jac(lambda t: np.array([np.cos(t), t]))(0.5), [-np.sin(0.5), 1.0])
    np.testing.assert_allclose(jac(lambda x: np.sum(x**2))(X), 2 * X)


@pytest.mark.parametrize("jac", MODES)
def test_of_several_arguments(jac):
    by_x, by_s = jac(lambda x, s: x * s, argnums=(0, 1))(X, 2.0)
    np.testing.assert_allclose(by_x, 2 * np.eye(3))
    np.testing.assert_allclose(by_s, X)
    np.testing.assert_allclose(jac(lambda x, s: x * s, argnums="s")(X, 2.0), X)


class Pair(NamedTuple):
    u: np.ndarray
    v: float


@dataclass
class State:
    u: np.ndarray
    n: int


@pytest.mark.parametrize("jac", MODES)
def test_of_containers(jac):
    def f(p):
        return {"product": p["w"] * p["pair"].v, "number": np.sum(p["w"] ** 2)}

    found = jac(f)({"w": X, "pair": Pair(M, 2.0), "name": "p"})
    assert found.keys() == {"product", "number"}
    np.testing.assert_allclose(found["product"]["w"], 2 * np.eye(3))
    np.testing.assert_allclose(found["product"]["pair"].v, X)
    np.testing.assert_allclose(found["product"]["pair"].u, np.zeros((3, 2, 3)))
    np.testing.assert_allclose(found["number"]["w"], 2 * X)
    assert found["number"]["name"] is None


@pytest.mark.parametrize("jac", MODES)
def test_of_objects(jac):
    found = jac(lambda s: (s.u * s.n, s.n))(State(X, 3))
    np.testing.assert_allclose(found[0].u, 3 * np.eye(3))
    assert found[0].n is None and found[1] is None


@pytest.mark.parametrize("jac", MODES)
def test_with_auxiliary_data(jac):
    found, aux = jac(lambda x: (x**2, x.size), has_aux=True)(X)
    np.testing.assert_allclose(found, np.diag(2 * X))
    assert aux == 3


@pytest.mark.parametrize("jac", MODES)
def test_single_precision_stays(jac):
    x = X.astype(np.float32)
    assert jac(lambda x: x * x)(x).dtype == np.float32


def test_the_cheaper_mode_is_chosen():
    wide, tall = jacobian(lambda x: A @ x), jacobian(lambda x: x @ A)
    assert "d_x" not in wide.specialize(X).source  # 4 results of 3 arguments: forward
    assert "x_dot" not in tall.specialize(np.ones(4)).source  # 3 results of 4 arguments: reverse
    np.testing.assert_allclose(tall(np.ones(4)), A.T)


def test_hessians():
    np.testing.assert_allclose(hessian(rosenbrock)(X), hessian_of_rosenbrock(X))
    large = RNG.normal(size=40)
    np.testing.assert_allclose(hessian(rosenbrock)(large), hessian_of_rosenbrock(large))
    assert hessian(lambda x: x**3)(2.0) == 12.0
    blocks = hessian(lambda w, b: np.sum(w**2) * b**2, argnums=(0, 1))(X, 2.0)
    np.testing.assert_allclose(blocks[0][0], 8 * np.eye(3))
    np.testing.assert_allclose(blocks[0][1], 8 * X)
    np.testing.assert_allclose(blocks[1][0], 8 * X)
    np.testing.assert_allclose(blocks[1][1], 2 * np.sum(X**2))
    found, aux = hessian(lambda x: (np.sum(x**2), "aux"), has_aux=True)(X)
    np.testing.assert_allclose(found, 2 * np.eye(3))
    assert aux == "aux"


def test_four_ways_to_the_second_derivative():
    wanted = hessian_of_rosenbrock(X)
    for first in (jacrev, jacfwd):
        for second in (jacrev, jacfwd):
            np.testing.assert_allclose(second(first(rosenbrock))(X), wanted)
    np.testing.assert_allclose(jacobian(grad(rosenbrock))(X), wanted)


def test_third_derivatives():
    third = jacfwd(hessian(lambda x: np.sum(x**4)))(X)
    wanted = np.zeros((3, 3, 3))
    wanted[range(3), range(3), range(3)] = 24 * X
    np.testing.assert_allclose(third, wanted)
    assert grad(grad(grad(np.exp)))(0.5) == pytest.approx(np.exp(0.5))


def test_products():
    v = RNG.normal(size=3)
    np.testing.assert_allclose(hvp(rosenbrock)(X, v), hessian_of_rosenbrock(X) @ v)
    by_w, by_b = hvp(lambda w, b: np.sum(w**2) * b**2, argnums=(0, 1))(X, 2.0, (v, 1.0))
    np.testing.assert_allclose(by_w, 8 * v + 8 * X)
    assert by_b == pytest.approx(8 * X @ v + 2 * X @ X)
    slope, multiply = linearize(grad(rosenbrock), X)
    np.testing.assert_allclose(slope, grad(rosenbrock)(X))
    np.testing.assert_allclose(multiply(v), hessian_of_rosenbrock(X) @ v)
    j = (1 - affine(X) ** 2)[:, None] * A
    np.testing.assert_allclose(gauss_newton_product(affine)(X, v), j.T @ (j @ v))
    found = gauss_newton_product(affine, lambda y: np.sum(y**4))(X, v)
    np.testing.assert_allclose(found, j.T @ (12 * affine(X) ** 2 * (j @ v)))


def test_products_take_keywords_and_defaults():
    def f(x, scale=1.0, *, power=2):
        return scale * np.sum(x**power)

    v = np.ones(3)
    np.testing.assert_allclose(hvp(f)(X, v), 2 * v)
    np.testing.assert_allclose(hvp(f)(X, 3.0, v), 6 * v)
    np.testing.assert_allclose(hvp(f)(X, v, power=3), 6 * X)
    np.testing.assert_allclose(hvp(lambda *xs: np.sum(xs[0] * xs[1] ** 2), 1)(X, X, v), 2 * X)


def test_fields():
    assert divergence(lambda x: x**2)(X) == pytest.approx(2 * X.sum())
    assert divergence(lambda m: m**2)(M) == pytest.approx(2 * M.sum())
    assert divergence(lambda x: x**3)(2.0) == 12.0
    np.testing.assert_allclose(elementwise_grad(np.tanh)(X), 1 - np.tanh(X) ** 2)
    twice = elementwise_grad(elementwise_grad(lambda x: x**3))
    np.testing.assert_allclose(twice(X), 6 * X)
    by_both = elementwise_grad(lambda x, y: x * y**2, argnums=(0, 1))(X, 2 * X)
    np.testing.assert_allclose(by_both[0], 4 * X**2)
    np.testing.assert_allclose(by_both[1], 4 * X**2)


def test_results_are_the_callers():
    for made in (jacobian(affine), hessian(rosenbrock), hvp(rosenbrock)):
        args = (X, X) if made.operator == "hessian product" else (X,)
        found = made(*args)
        found[...] = 0.0
        assert np.any(made(*args) != 0.0)
    y, moved = jvp(lambda x: (x, x), (X,), (X,))
    moved[0][...] = 9.0
    assert not np.any(moved[1] == 9.0) and not np.any(X == 9.0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: jvp(affine, (X,), (np.ones(4),)), StructureError, r"the tangent of x .* \(3,\)"),
        (lambda: jvp(affine, (X,), ()), StructureError, "1 primals and 0 tangents"),
        (lambda: jvp(affine, X, X), StructureError, "a tuple, one per argument"),
        (lambda: jvp(lambda n: n, (3,), (1,)), StructureError, "no derivative"),
        (
            lambda: jvp(lambda p: p["w"][0], ({"w": [X]},), ({"w": [np.ones(2)]},)),
            StructureError,
            r"the tangent of p\['w'\]\[0\]",
        ),
        (
            lambda: vjp(affine, X)[1](np.ones(3)),
            StructureError,
            "the cotangent must have the shape",
        ),
        (lambda: linearize(affine, X)[1](np.ones(2)), StructureError, "the tangent of x"),
        (lambda: linearize(affine, X)[1](X, X), StructureError, "2 tangents"),
        (lambda: hvp(rosenbrock)(X, np.ones(2)), StructureError, "the vector must have the shape"),
        (lambda: hvp(rosenbrock)(), StructureError, "without a vector"),
        (lambda: hvp(affine)(X, X), NotScalar, "one number"),
        (lambda: hessian(affine)(X), NotScalar, "one number"),
        (lambda: jacobian(lambda n: n * 2)(3), NotDifferentiable, "an integer"),
        (lambda: divergence(affine)(X), StructureError, "no divergence"),
        (lambda: elementwise_grad(lambda x: (x, x))(X), StructureError, "of an array"),
        (lambda: jacobian(3), SrcgradError, "takes a function"),
        (lambda: hvp(rosenbrock, 2)(X, X), SrcgradError, "there is no argument 2"),
    ],
)
def test_what_bad_input_gets(call, error, message):
    with pytest.raises(error, match=message):
        call()


def chain(q):
    t = np.eye(4)
    for i in range(3):
        c, s = np.cos(q[i]), np.sin(q[i])
        t = t @ np.array(
            [[c, -s, 0.0, 1.0], [s, c, 0.0, 0.0], [0.0, 0.0, 1.0, 0.2], [0.0, 0.0, 0.0, 1.0]]
        )
    return t[:3, 3]


@pytest.mark.parametrize("jac", MODES)
def test_of_matrices_with_rows_of_constants(jac):
    q, e = np.array([0.1, 0.5, -0.3]), 1e-6
    slopes = [(chain(q + e * v) - chain(q - e * v)) / (2 * e) for v in np.eye(3)]
    np.testing.assert_allclose(jac(chain)(q), np.transpose(slopes), atol=1e-8)


def test_a_vector_may_be_named():
    def cubes(x, scale=2.0):
        return np.sum(scale * x**3)

    x = np.array([1.0, 2.0])
    for found in (
        hvp(cubes)(x, v=x),
        hvp(cubes)(x=x, v=x),
        hvp(cubes)(x, scale=2.0, v=x),
        hvp(cubes)(x, 2.0, x),
    ):
        np.testing.assert_allclose(found, 12 * x * x)


def test_a_vector_may_be_the_argument_that_is_written_to():
    def steps(u):
        u[1:] *= u[:-1]
        return np.sum(u**2)

    u = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(hvp(steps)(u, u), hessian(steps)(u) @ u)
    np.testing.assert_array_equal(u, [1.0, 2.0, 3.0])
