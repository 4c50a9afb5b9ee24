"""Constants in types of their own: small integers, truth values and lists beside what is differentiated.

Each gradient and each tangent is compared with central differences.
"""

import numpy as np
import pytest

from srcgrad import SrcgradError, grad, jvp

U8 = np.array([200, 100, 3], np.uint8)
I8 = np.array([100, 50, 3], np.int8)
I16 = np.array([300, 250, 3], np.int16)
LOWEST = np.array([-128, 3, -100], np.int8)
U64 = np.array([3, 2, 1], np.uint64)
BITS = np.array([True, False, True])
TABLE = np.array([[200, 100, 3], [7, 250, 9], [1, 2, 3]], np.uint8)
PLACES = np.array([0, 100], np.uint8)
FALLING = np.array([200, 100], np.uint8)
WEIGHTS = [1, 2, 3]
X = np.array([0.7, 1.3, 0.4])


def central_differences(function, x, step=1e-6):
    basis = step * np.eye(x.size)
    return np.array([(function(x + e) - function(x - e)) / (2 * step) for e in basis])


@np.errstate(over="ignore")  # NumPy warns where one number wraps around, though not an array
def check(function):
    wanted = central_differences(function, X)
    tolerance = {"rtol": 2e-5, "atol": 1e-6 * max(1.0, np.abs(wanted).max())}
    given = grad(function)(X)
    assert given.dtype == X.dtype
    np.testing.assert_allclose(given, wanted, **tolerance)
    forward = jvp(function)
    tangents = [forward((X,), (e,))[1] for e in np.eye(X.size)]
    np.testing.assert_allclose(tangents, wanted, **tolerance)


def cases(*functions):
    return pytest.mark.parametrize("function", functions, ids=range(len(functions)))


@cases(
    lambda x: np.sum(x * -U8),
    lambda x: -U8 @ x,
    lambda x: x @ -U8,
    lambda x: np.sum(x / -U8),
    lambda x: np.dot(-U8, x),
    lambda x: np.vdot(-U8, x),
    lambda x: np.inner(x, -U8),
    lambda x: np.sum(np.outer(x, -U8)),
    lambda x: -TABLE @ x @ x,
    lambda x: np.sum(x * -LOWEST),
    lambda x: np.sum(x / -LOWEST),
    lambda x: np.sum(x * -U8[0]),
    lambda x: np.sum(x * -U64),
    lambda x: np.sum(-(x * -U8)),
    lambda x: np.sum(-x * -U8),
    lambda x: np.sum((x - -U8) ** 2),
    lambda x: np.sum(np.sin(x) * -U8 * -U8),
    lambda x: np.sum(np.where(x > 0, x, 0) * -U8),
    lambda x: np.sum(np.exp(x * 0.001 * -U8)),
    lambda x: np.sum(x * -U8 * x),
    lambda x: np.sum(x * (-U8 - U8)),
    lambda x: np.sum(x * (BITS + BITS)),
    lambda x: np.sum(x * -np.unique(U8)),
    lambda x: np.sum(x * -(U8 if x[0] > 0 else 2)),
)
def test_minus_of_small_integers_stays_where_it_was(function):
    check(function)


@cases(
    lambda x: np.sum(np.arctan2(x, I8)),
    lambda x: np.sum(np.arctan2(I8, x)),
    lambda x: np.sum(np.arctan2(x, U8)),
    lambda x: np.sum(np.arctan2(I16, x)),
    lambda x: np.sum(np.arctan2(x, I8[0])),
    lambda x: np.sum(I8**x),
    lambda x: np.sum(np.float_power(I8, x)),
    lambda x: np.sum(I16**x),
    lambda x: np.sum(BITS**x),
    lambda x: I8[0] ** x[0],
    lambda x: np.sum((x + 1) ** LOWEST),
    lambda x: np.sum(x ** np.int8(-128)),
    lambda x: np.sum(np.interp(x * 100, PLACES, FALLING)),
    lambda x: np.sum(np.interp(PLACES / 100, x[:2], FALLING)),
    lambda x: np.sum(np.polyval(I8, x)),
    lambda x: np.sum(np.polyval(U8, x)),
    lambda x: np.sum(np.polyval(BITS, x)),
    lambda x: np.sum(np.polyval(x, I8)),
    lambda x: np.einsum("i,i,i", x, U8, U8),
    lambda x: np.sum(np.roll(x, U8[2] - np.uint8(2)) * U8),
    lambda x: np.sum(np.hypot(x, I8)),
    lambda x: np.sum(np.logaddexp(U8, x)),
    lambda x: np.sum(np.cross(x, I8) * I8),
    lambda x: np.sum(np.convolve(x, U8) * np.arange(5)),
    lambda x: np.trapezoid(x, U8),
    lambda x: np.trapezoid(LOWEST, x),
    lambda x: np.average(x, weights=I8),
    lambda x: np.average(LOWEST, weights=x),
    lambda x: np.sum(np.diff(x * U8) ** 2),
    lambda x: np.sum(np.clip(x, U8 / 100, 3)),
)
def test_formulas_do_not_compute_in_small_integers(function):
    check(function)


def test_the_logarithm_of_a_small_base_is_precise():
    given = grad(lambda x: np.sum(I8**x))(X)
    np.testing.assert_allclose(given, I8**X * np.log(I8.astype(float)), rtol=1e-14)


def test_a_gradient_keeps_its_precision_beside_small_integers():
    x = X.astype(np.float32)
    for function in (lambda x: np.sum(np.arctan2(x, I8)), lambda x: np.sum(x**BITS)):
        assert grad(function)(x).dtype == np.float32


@cases(
    lambda x: np.sum(x ** (x > 0)),
    lambda x: np.sum(x ** np.bool_(True)),
    lambda x: np.sum(x**True),
    lambda x: np.sum(x**BITS),
    lambda x: np.sum(np.power(x, BITS)),
    lambda x: np.sum(np.float_power(x, BITS)),
    lambda x: x[0] ** (x[1] > 0),
)
def test_a_truth_value_as_exponent(function):
    check(function)


@cases(
    lambda x: x @ [1, 2, 3],
    lambda x: [1, 2, 3] @ x,
    lambda x: np.sum([[1, 2, 3], [4, 5, 6]] @ x),
    lambda x: x @ WEIGHTS,
    lambda x: np.dot(x, [1, 2, 3]),
    lambda x: np.dot((1, 2, 3), x),
    lambda x: np.inner(x, [1, 2, 3]),
    lambda x: np.vdot(x, [1, 2, 3]),
    lambda x: np.matmul(x, [1, 2, 3]),
    lambda x: np.tensordot(x, [1, 2, 3], 1),
    lambda x: np.einsum("i,i", x, [1, 2, 3]),
    lambda x: np.sum(np.kron(x, [1, 2, 3])),
    lambda x: np.sum(np.cross(x, [1, 2, 3]) * TABLE[0]),
    lambda x: np.sum(np.convolve(x, [1, 2]) * [1, 2, 3, 4]),
    lambda x: np.average(x, weights=[1, 2, 3]),
    lambda x: np.average([1, 2, 3], weights=x),
    lambda x: np.average(np.stack([x, x * x]), axis=0, weights=(1, 2))[1],
    lambda x: np.sum(np.average(np.outer(x, x), axis=(0, 1))),
    lambda x: np.sum(abs(x) ** [1, 2, 3]),
    lambda x: np.sum([1, 2, 3] ** x),
    lambda x: np.sum(np.power([1, 2, 3], x)),
    lambda x: np.sum(np.arctan2([1, 2, 3], x)),
    lambda x: np.sum(np.arctan2(x, (1, 2, 3))),
    lambda x: np.trapezoid([0, 1, 3], x),
    lambda x: np.trapezoid(x, [0, 1, 3]),
    lambda x: np.interp(0.5, [0, 1, 2], x),
    lambda x: np.sum(np.interp([0.5, 0.7], [0, 1, 2], x)),
    lambda x: np.sum(np.interp(x, [0, 1, 2], [3, 1, 2])),
    lambda x: np.interp(0.5, x, [1, 2, 4]),
    lambda x: np.sum(np.polyval([3, 2, 1], x)),
    lambda x: np.sum(np.polyval(x, [3, 2, 1])),
    lambda x: np.sum(([1, 2, 3] + x) ** 2),
    lambda x: np.sum((x + [1, 2, 3]) ** (2, 3, 2)),
    lambda x: np.sum(([1, 2] + x[0]) ** 2),
    lambda x: np.sum([1, 2] + [x[0]]),
    lambda x: np.sum(np.divmod([1, 2, 3], x)[1]),
    lambda x: np.sum(np.maximum(x[0], [1, 2, 0.1])),
    lambda x: np.sum(np.clip(x[0], [0, 1, 0], [1, 2, 1])),
)
def test_a_list_of_numbers_as_operand(function):
    check(function)


@pytest.mark.parametrize("derivative", [lambda f: grad(f)(X), lambda f: jvp(f)((X,), (X,))])
@pytest.mark.parametrize("function", [np.quantile, np.percentile])
def test_several_quantiles_are_refused(function, derivative):
    with pytest.raises(SrcgradError, match="several quantiles at once"):
        derivative(lambda x: np.sum(function(x, [0.1, 0.7])))
