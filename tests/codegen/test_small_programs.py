"""Programs of which the text once did not run, or gave something else than the graph."""

import numpy as np

from srcgrad import grad


def executed(function, **outside):
    """The generated source for any real numbers and arrays, run as it stands."""
    namespace = dict(outside)
    exec(grad(function).source, namespace)
    return namespace[f"d_{function.__name__}"]


def test_an_entry_of_a_list_by_an_index_that_might_be_an_array():
    def f(t, r):
        total = [t for k in range(2)]
        return total[r % 2] * t

    assert executed(f)(1.5, 3) == 3.0


def test_a_tuple_made_of_a_name_that_only_one_path_binds():
    def f(u, q, y):
        if q > 0:
            if u > 0:
                return u
            s = (q * u,)
        else:
            s = y
        return s[0]

    assert grad(f, argnums=(0, 1, 2))(2.0, 3.0, (4.0,)) == (1.0, 0.0, (0.0,))
    assert grad(f, argnums=(0, 1, 2))(-2.0, 3.0, (4.0,)) == (3.0, -2.0, (0.0,))
    assert grad(f, argnums=(0, 1, 2))(-2.0, -3.0, (4.0,)) == (0.0, 0.0, (1.0,))


def test_a_list_display_read_by_an_index_that_might_be_an_array():
    def f(p, r, c):
        if c > 0:
            p = p * [r, 2 * r][c]
        return p

    assert executed(f)(2.0, 3.0, 1) == 6.0


def test_a_compared_name_may_have_been_an_array_before():
    def f(x, y):
        x = np.sum(x)
        if x > y:
            x = x * 2
        return x

    np.testing.assert_array_equal(executed(f)(np.ones(3), 1.0), [2.0, 2.0, 2.0])


def test_a_diagonal_is_not_added_to_where_it_stands():
    def f(s, t):
        return np.sum(t + s) + np.sum(np.diag(s) ** 2)

    np.testing.assert_array_equal(grad(f)(np.array([1.0, 2.0]), np.ones(2)), [3.0, 5.0])


def test_what_a_tape_holds_is_not_written_into():
    def f(x, n):
        xs = [x]
        total = x
        for _ in range(n):
            for y in xs:
                total = total * y
            xs = xs + [total]
        return total

    def difference(x, n):
        h = 1e-6
        return (f(x + h, n) - f(x - h, n)) / (2 * h)

    for n in range(4):
        np.testing.assert_allclose(grad(f)(1.1, n), difference(1.1, n), rtol=1e-6)
