"""grad_of: blocks of the backward sweep."""

import numpy as np
import pytest

import srcgrad
from srcgrad import UnsupportedSyntax, grad, grad_of, jvp

X = np.array([1.0, -2.0])


def clipped(x, limit):
    h = x**3
    early = np.sum(h)
    with grad_of(h) as d_h:
        d_h = np.clip(d_h, -limit, limit)
    return np.sum(10 * h * x) + early


def test_the_block_sees_the_uses_that_come_after_it():
    expected = 3 * X**2 * (np.clip(10 * X, -1, 1) + 1) + 10 * X**3
    np.testing.assert_allclose(grad(clipped)(X, 1.0), expected)
    assert "d_h = np.clip(d_h, -limit, limit)" in grad(clipped).specialize(X, 1.0).source


def test_plain_python_is_left_alone():
    h = X**3
    assert clipped(X, 1.0) == np.sum(10 * h * X) + np.sum(h)


def test_forward_mode_leaves_it_out():
    def plain(x):
        h = x**3
        return np.sum(10 * h * x) + np.sum(h)

    v = np.array([1.0, 2.0])
    expected = jvp(plain, (X,), (v,))[1]
    np.testing.assert_allclose(jvp(lambda x: clipped(x, 1.0), (X,), (v,))[1], expected)
    _, push = srcgrad.linearize(lambda x: clipped(x, 1.0), X)
    np.testing.assert_allclose(push(v), expected)


def halved(x):
    total = 0.0
    for t in range(3):
        with grad_of(x) as d_x:
            d_x *= 0.5
        total = total + np.sum(x) * (t + 1)
    return total


def scaled_down(x):
    h = x
    for _ in range(3):
        h = np.sin(h) * 2
        with grad_of(h) as d_h:
            size = np.sqrt(np.sum(d_h**2))
            if size > 1.5:
                d_h = d_h * (1.5 / size)
        h = h + x
    return np.sum(h)


def scaled_down_by_hand(x):
    """The backward sweep of `scaled_down`, written out."""
    states, h = [], x
    for _ in range(3):
        states.append(h)
        h = np.sin(h) * 2 + x
    d_h, d_x = np.ones_like(h), np.zeros_like(x)
    for h in reversed(states):
        d_x = d_x + d_h
        size = np.sqrt(np.sum(d_h**2))
        if size > 1.5:
            d_h = d_h * (1.5 / size)
        d_h = 2 * np.cos(h) * d_h
    return d_x + d_h


def test_in_loops():
    np.testing.assert_allclose(grad(halved)(X), [1.375, 1.375])
    np.testing.assert_allclose(grad(scaled_down)(X), scaled_down_by_hand(X))


def test_second_order_differentiates_the_block():
    def size(x):
        return np.sum(grad(scaled_down)(x) ** 2)

    step = 1e-6
    numeric = [(size(X + step * e) - size(X - step * e)) / (2 * step) for e in np.eye(2)]
    np.testing.assert_allclose(grad(size)(X), numeric, rtol=1e-6)


def test_prints_stay_in_order(capsys):
    def f(x):
        h = x * 2
        with grad_of(h) as d_h:
            print("second", d_h)
        k = h * 3
        with grad_of(k) as d_k:
            print("first", d_k)
        return k * h

    assert grad(f)(1.0) == 24.0
    assert capsys.readouterr().out.split("\n")[:2] == ["first 2.0", "second 12.0"]


def test_values_of_the_function_are_residuals():
    def f(x, w):
        h = x * w
        with grad_of(h) as d_h:
            d_h = d_h * np.sum(w)
        return np.sum(h)

    w = np.array([3.0, 4.0])
    np.testing.assert_allclose(grad(f)(X, w), 7 * w)
    np.testing.assert_allclose(grad(f, 1)(X, w), 7 * X)


def test_tuples():
    def f(x):
        pair = (x * 2, x * 3)
        with grad_of(pair) as d_pair:
            d_pair = (d_pair[0] * 10, d_pair[1])
        return pair[0] + pair[1]

    assert grad(f)(1.0) == 23.0


def writes_another(x):
    h, k = x * 2, 1.0
    with grad_of(h) as d_h:
        k = 2.0
    return h * k


def writes_an_array(x):
    h, k = x * 2, x * 3
    with grad_of(h) as d_h:
        k[0] = 1.0
    return np.sum(h * k)


def leaves(x):
    h = x * 2
    with grad_of(h) as d_h:
        return h
    return h


def nameless(x):
    h = x * 2
    with grad_of(h):
        pass
    return h


def of_an_expression(x):
    with grad_of(x * 2) as d_x:
        d_x = d_x * 2
    return x


def of_a_list(x):
    h = [x, x]
    with grad_of(h) as d_h:
        d_h = d_h
    return h[0]


@pytest.mark.parametrize(
    "f, why",
    [
        (writes_another, "writes to 'k'"),
        (writes_an_array, "writes to 'k'"),
        (leaves, "leaves the function"),
        (nameless, "has to have a name"),
        (of_an_expression, "the name of a variable"),
        (of_a_list, "not an array or number"),
    ],
)
def test_what_is_refused(f, why):
    with pytest.raises(UnsupportedSyntax, match=why):
        grad(lambda x: np.sum(f(x)))(X)


def test_a_block_that_gives_another_shape():
    def f(x):
        h = x * 2
        with grad_of(h) as d_h:
            d_h = np.sum(d_h)
        return np.sum(h)

    with pytest.raises(srcgrad.StructureError, match=r"must have the shape \(2,\), not \(\)"):
        grad(f)(X)
