"""What operators are given: defaults that nobody passes, complex numbers, examples and what they share."""

import numpy as np
import pytest

from srcgrad import elementwise_grad, grad, jacfwd, jacobian, jacrev, jvp, linearize, vjp, vmap
from srcgrad.errors import NotDifferentiable, StructureError

Z = np.array([0.3, -0.9, 1.7])


def rooted(x, low=0.0):
    return x * np.sqrt(low) + x


def test_defaults_that_nobody_passes_do_not_move():
    """The derivative by `low` is infinite at its default."""
    assert linearize(rooted, 2.0)[1](1.0) == 1.0
    assert vjp(rooted, 2.0)[1](1.0) == (1.0,)
    assert linearize(rooted, 2.0, 4.0)[1](1.0, 1.0) == 3.5
    assert vjp(rooted, 2.0, 4.0)[1](1.0) == (3.0, 0.5)


def turned(t):
    return np.exp(1j * t)


def test_complex_results_of_real_arguments():
    expected = np.diag(1j * turned(Z))
    np.testing.assert_allclose(jacfwd(turned)(Z), expected)
    np.testing.assert_allclose(jacobian(turned)(Z), expected)
    row = jacobian(lambda t: np.sum(turned(t), keepdims=True))(Z)
    np.testing.assert_allclose(row, [1j * turned(Z)])
    for refused in (jacrev(turned), elementwise_grad(turned)):
        with pytest.raises(NotDifferentiable, match="see the real part alone"):
            refused(Z)


@pytest.mark.parametrize("matrix", [jacobian, jacrev, jacfwd, elementwise_grad])
def test_there_is_no_one_derivative_by_complex_numbers(matrix):
    with pytest.raises(NotDifferentiable, match="takes complex numbers"):
        matrix(lambda z: np.abs(z) ** 2)(np.array([1 + 2j]))


def test_holomorphic_is_for_complex_arguments():
    slope = grad(turned, holomorphic=True)
    assert np.isclose(slope(0.3 + 0j), 1j * np.exp(0.3j))
    with pytest.raises(NotDifferentiable, match="is given a real one"):
        slope(0.3)


def scaled(v, w=Z, s=2.0):
    return v * w * s


def by_number(v, s=2.0):
    return v * s


def test_a_default_that_nobody_passes_is_shared_by_all_examples():
    X = np.ones((3, 3))
    np.testing.assert_allclose(vmap(scaled)(X), 2 * X * Z)
    np.testing.assert_allclose(jvp(vmap(scaled, (0, None)), (X,), (X,))[0], 2 * X * Z)
    np.testing.assert_allclose(jvp(vmap(by_number), (X,), (X,))[0], 2 * X)
    np.testing.assert_allclose(vmap(vmap(by_number))(X), 2 * X)
    each = np.arange(3.0)
    moved = jvp(vmap(by_number), (X, each), (X, each))[0]
    np.testing.assert_allclose(moved, X * each[:, None])
    with pytest.raises(StructureError, match="whether examples of w are given here"):
        jvp(vmap(scaled), (X,), (X,))
