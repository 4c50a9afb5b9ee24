"""Lists beside arrays, lists made of arrays, and lists joined to lists: each is what NumPy and Python make of it."""

import numpy as np
import pytest

from srcgrad import grad, hessian, jvp, value_and_grad, vmap
from srcgrad.errors import SrcgradError

Z = np.array([0.3, -0.9, 1.7])
M = np.arange(6.0).reshape(3, 2) + 1
V = np.arange(3.0)


def broadcast_sum(x):
    return np.sum((V + [x[0]]) ** 2)


def broadcast_rows(x):
    return np.sum((M - [[x[0], x[1]]]) ** 2)


def rows(x):
    return np.sum((M - [x[0], x[1]]) ** 2)


def product(x):
    return np.sum((M * [x[0], x[1]]) ** 2)


def augmented(x):
    y = V * 1
    y -= [x[0]]
    y -= (x[0], x[1], x[2] * 2)
    return np.sum(y**2)


def assigned(x):
    y = np.zeros(2)
    y[:] = [x[0]]
    return np.sum(y**2)


def assigned_rows(x):
    y = np.zeros((3, 2))
    y[...] = [[x[0]], [x[1]], [1.0]]
    y[:2] += [x[0], x[1]]
    return np.sum(y * M)


def fancy(x):
    y = np.zeros(3)
    y[[0, 2]] = [x[1], x[0] * x[2]]
    return np.sum(y**2)


def quotient(x):
    return np.sum([x[0]] / (V + 1))


def matrix(x):
    return np.sum([[x[0], x[1]]] @ M.T)


def norms(x):
    center = [x[0], x[1]]
    return np.sum(np.linalg.norm(M - center, axis=1))


def tolist_written(x):
    y = x.tolist()
    y[0] = y[1] * 2
    return sum(y)


def tolist_twice(x):
    y = x.tolist()
    return np.sum(np.array(y) ** 2) + y[0] * y[1]


def tolist_unpacked(x):
    a, b, c = x.tolist()
    return a * b + c


def tolist_tuple(x):
    y = tuple(x.tolist())
    return y[0] * y[1]


def flattened(x):
    return sum([[x[0]], [x[1] * x[2]]], [])[1] + sum([(x[0], 1.0), (x[1] ** 2,)], ())[2]


def flattened_squares(x):
    parts = [[x[0], x[0] * x[1]], [x[2] ** 3]]
    return sum(v * v for v in sum(parts, []))


def reversed_by_recursion(x):
    def turned(xs):
        return xs if len(xs) <= 1 else turned(xs[1:]) + [xs[0]]

    return sum(k * v for k, v in enumerate(turned(list(x))))


def merged(x):
    defaults = {"k": 2.0, "m": 1.0}
    p = defaults | {"k": x[0], "n": x[1]}
    q = p | {"m": x[2]}
    return p["k"] * q["m"] * q["n"] + p["m"]


def list_augmented_by_an_array(x):
    y = [1.0, 2.0, 3.0]
    y += x
    y *= x
    return np.sum(y)


PROGRAMS = [
    list_augmented_by_an_array,
    broadcast_sum, broadcast_rows, rows, product, augmented, assigned, assigned_rows, fancy, quotient,
    matrix, norms, tolist_written, tolist_twice, tolist_unpacked, tolist_tuple, flattened,
    flattened_squares, reversed_by_recursion, merged,
]  # fmt: skip


def differences(f, x, h=1e-6):
    return np.array([(f(x + e) - f(x - e)) / (2 * h) for e in np.eye(x.size) * h])


@pytest.mark.parametrize("function", PROGRAMS)
def test_gradients(function):
    expected = differences(function, Z)
    value, slope = value_and_grad(function)(Z)
    assert np.isclose(value, function(Z))
    np.testing.assert_allclose(slope, expected, atol=1e-7)
    assert np.isclose(jvp(function, (Z,), (Z,))[1], expected @ Z, atol=1e-7)
    two = vmap(grad(function))(np.stack([Z, Z]))
    np.testing.assert_allclose(two, [expected, expected], atol=1e-7)


@pytest.mark.parametrize("function", PROGRAMS)
def test_hessians(function):
    try:
        found = hessian(function)(Z)
    except SrcgradError:
        assert function in (tolist_unpacked, reversed_by_recursion)
        return
    np.testing.assert_allclose(found, differences(grad(function), Z), atol=1e-6)


def test_the_source_for_any_arguments_adds_lists_entry_by_entry():
    assert "add(d_y, nested(" in grad(tolist_twice).source


def test_a_list_that_is_an_argument():
    found = grad(lambda p: np.sum((M - p) ** 2))([0.3, -0.9])
    np.testing.assert_allclose(found, [-2 * np.sum(M[:, 0] - 0.3), -2 * np.sum(M[:, 1] + 0.9)])


def counter():
    n = 0

    def count(x):
        nonlocal n
        n += 1
        return x * n

    return count


def test_a_name_of_a_function_that_has_returned_is_not_written_to():
    with pytest.raises(SrcgradError, match="'n' belongs to a function that has returned"):
        grad(counter())(2.0)


class Odd(float):
    def __mul__(self, other):
        return 100.0


class Key:
    def __init__(self, name):
        self.name = name

    def __hash__(self):
        return 1

    def __eq__(self, other):
        return True


def keyed(x):
    return sum({Key(1): x, Key(2): x * x}.values())


def test_numbers_and_keys_of_classes_of_ones_own():
    with pytest.raises(SrcgradError, match="a Odd is not read"):
        grad(lambda x: x * x)(Odd(2.0))
    with pytest.raises(SrcgradError, match="the key of a dict"):
        grad(keyed)(2.0)


def compares_sets(x):
    first, second = {1, 2}, {2, 1}
    return x * 2 if first == second else x


def asks_a_set(x):
    known = {1, 2}
    return x * 2 if 1 in known and len(known) == 2 else x


def test_sets_are_asked_for_their_members_alone():
    assert grad(asks_a_set)(3.0) == 2.0
    with pytest.raises(SrcgradError, match="an operator of sets"):
        grad(compares_sets)(3.0)
