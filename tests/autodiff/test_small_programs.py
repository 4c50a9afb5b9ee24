"""Programs whose gradients once were wrong, or could not be computed: each the smallest of its kind."""

import numpy as np

from srcgrad import grad, value_and_grad, vjp


def test_one_entry_of_a_list_by_two_names():
    def f(xs):
        return xs[-1] * xs[2]

    assert grad(f)([1.0, 2.0, 3.0]) == [0.0, 0.0, 6.0]


def test_a_name_that_one_branch_alone_binds():
    def f(x, flag):
        if flag:
            u = x
        if flag:
            x = u * u
        return np.dot(x, x)

    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(grad(f)(x, False), 2 * x)
    np.testing.assert_allclose(grad(f)(x, True), 4 * x**3)


def test_a_name_that_a_loop_may_never_bind():
    def f(xs):
        for x in xs:
            return x * x
        return 1.0

    assert grad(f)([]) == []
    assert grad(f)([3.0, 4.0]) == [6.0, 0.0]


def test_a_tuple_that_each_round_makes_anew():
    def f(pair, x):
        for _ in range(3):
            pair = (x,)
        return pair[0]

    assert grad(f, argnums=(0, 1))((1.2,), 2.0) == ((0.0,), 1.0)


def test_a_list_of_another_length_than_the_one_it_replaces():
    def f(n, x, rounds):
        xs = [x]
        for _ in range(n):
            xs = xs + [x]
        total = 0.0
        for y in xs:
            total = total + y * y
        for _ in range(rounds):
            xs = []
        return total + sum(xs)

    assert grad(f, argnums=1)(2, 1.5, 1) == 9.0
    assert grad(f, argnums=1)(2, 1.5, 0) == 12.0


def blended(a, x, n):
    if n <= 0:
        return x
    return blended(a, np.where(x > 0, a, np.mean(x)), n - 1)


def test_a_callee_that_gives_arrays_where_its_caller_has_numbers():
    def f(x):
        return blended(x**2, x, 3)

    assert grad(f)(1.5) == 3.0
    assert isinstance(grad(f)(1.5), float)


def test_gradients_of_float32_are_float32():
    def f(p):
        return np.take(p, 1) + np.sum(p)

    d = grad(f)(np.ones(3, np.float32))
    assert d.dtype == np.float32
    np.testing.assert_array_equal(d, [1, 2, 1])


def test_a_number_that_is_pythons_on_one_path():
    def f(h, n):
        z = (h * np.ones(4))[1:] if h > 1 else n
        return np.sum(h + z)

    assert grad(f)(np.float32(0.5), 1) == 1.0
    assert grad(f)(np.float32(2.0), 1) == 6.0


def test_a_total_that_is_none_at_first():
    def f(x, b):
        z = None
        for row in x:
            z = row if z is None else z + row
        if z is None:
            z = b
        return np.sum((x - z).T ** 2)

    x = np.array([[1.0], [3.0]])
    value, d = value_and_grad(f)(x, 0.0)
    assert value == 10.0
    np.testing.assert_allclose(d, [[2.0], [6.0]])


def test_a_pullback_may_be_called_again_and_gives_away_nothing():
    cotangent = np.array([1.0, 2.0])
    _, pullback = vjp(lambda x, y: x + y[::-1], np.zeros(2), np.zeros(2))
    first = pullback(cotangent)
    for given in first:
        given += 100.0
    np.testing.assert_array_equal(cotangent, [1.0, 2.0])
    second = pullback(cotangent)
    np.testing.assert_array_equal(second[0], [1.0, 2.0])
    np.testing.assert_array_equal(second[1], [2.0, 1.0])
