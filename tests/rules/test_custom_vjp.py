"""custom_vjp: rules of a forward and a backward function, wherever a differentiated function calls it."""

import pickle

import numpy as np
import pytest

import srcgrad
from srcgrad import custom_vjp, grad, jvp

X = np.array([0.3, -0.4])


@custom_vjp
def scaled(x, y):
    return np.sin(x) * y


def scaled_fwd(x, y):
    return scaled(x, y), (np.cos(x), np.sin(x), y)


def scaled_bwd(saved, g):
    cos, sin, y = saved
    return 2 * cos * g * y, sin * g  # twice the derivative, so that one sees whose rule it is


scaled.defvjp(scaled_fwd, scaled_bwd)


def loss(x, y):
    return np.sum(scaled(x, y) ** 2)


def test_is_the_function_in_plain_python():
    assert scaled(0.5, 2.0) == np.sin(0.5) * 2.0
    assert scaled.__name__ == "scaled" and "custom_vjp" in repr(scaled)
    assert pickle.loads(pickle.dumps(scaled)) is scaled


def test_the_rule_is_used_and_shown():
    d_x, d_y = grad(loss, (0, 1))(X, 2 * X)
    np.testing.assert_allclose(d_x, 2 * (2 * np.sin(X) * np.cos(X) * (2 * X) ** 2))
    np.testing.assert_allclose(d_y, 2 * np.sin(X) ** 2 * 2 * X)
    assert "2 * np.cos(x)" in grad(loss).specialize(X, X).source


def test_forward_mode_is_the_adjoint_of_the_backward_function():
    v, w = np.array([1.0, -2.0]), np.array([0.5, 3.0])
    d_x, d_y = grad(loss, (0, 1))(X, 2 * X)
    _, moved = jvp(loss, (X, 2 * X), (v, w))
    np.testing.assert_allclose(moved, d_x @ v + d_y @ w)
    _, push = srcgrad.linearize(loss, X, 2 * X)
    np.testing.assert_allclose(push(v, w), moved)
    _, pull = srcgrad.vjp(loss, X, 2 * X)
    np.testing.assert_allclose(pull(1.0)[0], d_x)


def test_higher_order_differentiates_the_rule():
    def f(x):
        return scaled(x, 3.0)

    np.testing.assert_allclose(grad(f)(0.4), 6 * np.cos(0.4))
    np.testing.assert_allclose(grad(grad(f))(0.4), -6 * np.sin(0.4))
    np.testing.assert_allclose(grad(lambda x: jvp(f, (x,), (1.0,))[1])(0.4), -6 * np.sin(0.4))
    np.testing.assert_allclose(jvp(grad(f), (0.4,), (1.0,))[1], -6 * np.sin(0.4))
    # The rule calls the function, whose rule counts again in the next order.
    square = custom_vjp(lambda x: x * x, fwd=square_fwd, bwd=lambda x, g: (g * cube(x),))
    np.testing.assert_allclose(grad(grad(lambda x: square(x)))(2.0), 30 * 2.0**2)


cube = custom_vjp(lambda x: x**3, fwd=lambda x: (cube(x), x), bwd=lambda x, g: (30 * x**2 * g,))


def square_fwd(x):
    return x * x, x


def test_the_forward_function_does_not_run_where_nothing_is_differentiated():
    printing = custom_vjp(lambda x: 2 * x, fwd=noisy_fwd, bwd=lambda r, g: (g,))

    def f(x, y):
        return np.sum(printing(y)) * np.sum(x)

    assert "noise" not in grad(f).specialize(X, X).source
    assert "noise" in grad(f, 1).specialize(X, X).source


def noisy_fwd(x):
    print("noise")
    return 2 * x, None


def square_sum(x):
    total = 0.0
    for k in range(4):
        if k % 2:
            x = twice(x)
        else:
            x = twice(x) + x * x
        total = total + np.sum(x)
    return total


def square_sum_plain(x):
    total = 0.0
    for k in range(4):
        x = 3 * x + 0.0 if k % 2 else 3 * x + x * x
        total = total + np.sum(x)
    return total


# Its derivative is that of 3 x; what it computes is that as well, by a loop that writes.
def twice_fwd(x):
    out = np.zeros_like(x)
    for i in range(len(x)):
        out[i] = 3 * x[i]
    return out, None


def twice_bwd(_, g):
    out = np.zeros_like(g)
    for i in range(len(g)):
        out[i] += 3 * g[i]
    return (out,)


twice = custom_vjp(lambda x: 3 * x, twice_fwd, twice_bwd)


@pytest.mark.parametrize(
    "operator",
    [
        lambda f: grad(f)(X),
        lambda f: jvp(f, (X,), (np.array([1.0, 2.0]),))[1],
        lambda f: srcgrad.linearize(f, X)[1](np.array([1.0, 2.0])),
        lambda f: srcgrad.hvp(f)(X, np.array([1.0, 2.0])),
        lambda f: grad(lambda x: np.sum(grad(f)(x) ** 2))(X),
        lambda f: srcgrad.hessian(f)(X),
        lambda f: grad(lambda x: srcgrad.checkpoint(f)(x))(X),
    ],
)
def test_inside_loops_and_branches(operator):
    np.testing.assert_allclose(operator(square_sum), operator(square_sum_plain))


def test_containers_and_none():
    layer = custom_vjp(
        lambda p, x: {"y": np.tanh(p["w"] * x + p["b"]), "n": 3}, layer_fwd, layer_bwd
    )

    def f(p, x):
        return np.sum(layer(p, x)["y"])

    p = {"w": np.array([1.0, 2.0]), "b": np.array([0.1, 0.2])}
    d_p, d_x = grad(f, (0, 1))(p, X)
    slope = 1 - np.tanh(p["w"] * X + p["b"]) ** 2
    np.testing.assert_allclose(d_p["w"], slope * X)
    np.testing.assert_allclose(d_p["b"], [0.0, 0.0])  # the rule says None
    np.testing.assert_allclose(d_x, slope * p["w"])
    zero = {"w": np.ones(2), "b": np.ones(2)}
    np.testing.assert_allclose(jvp(f, (p, X), (zero, 0 * X))[1], np.sum(slope * X))


def layer_fwd(p, x):
    y = np.tanh(p["w"] * x + p["b"])
    return {"y": y, "n": 3}, {"y": y, "w": p["w"], "x": x}


def layer_bwd(saved, g):
    d = g["y"] * (1 - saved["y"] ** 2)
    return {"w": d * saved["x"], "b": None}, d * saved["w"]


def test_several_results_of_which_some_are_used():
    pair = custom_vjp(lambda x, y: (x * y, x + y), pair_fwd, pair_bwd)
    assert grad(lambda x, y: pair(x, y)[0], (0, 1))(2.0, 3.0) == (3.0, 2.0)
    assert grad(lambda x, y: pair(x, y)[1], (0, 1))(2.0, 3.0) == (1.0, 1.0)
    assert grad(lambda x: pair(x, x)[0])(3.0) == 6.0


def pair_fwd(x, y):
    return (x * y, x + y), (x, y)


def pair_bwd(saved, g):
    x, y = saved
    return g[0] * y + g[1], g[0] * x + g[1]


@custom_vjp(
    fwd=lambda f, x, n: (f(x) * n, (x, n)),
    bwd=lambda f, n, saved, g: (10 * grad(f)(saved[0]) * g,),
    nondiff_argnums=(0, "n"),
)
def applied(f, x, n=2):
    return f(x) * n


def test_nondiff_argnums_defaults_and_keywords():
    expected = 10 * np.cos(0.5)
    for f in (
        lambda x: applied(np.sin, x, 3),
        lambda x: applied(np.sin, x),
        lambda x: applied(f=np.sin, n=4, x=x),
        lambda x: applied(lambda t: np.sin(t), x, 3),
    ):
        np.testing.assert_allclose(grad(f)(0.5), expected)


class Model:
    def __init__(self, a):
        self.a = a

    @custom_vjp
    def predict(self, x):
        return self.a * x

    predict.defvjp(lambda self, x: (self.a * x, self.a), lambda a, g: (None, 5 * a * g))

    def loss(self, x):
        return np.sum(self.predict(x))


def test_methods():
    model = Model(2.0)
    assert model.loss(X) == np.sum(2.0 * X)
    np.testing.assert_allclose(grad(model.loss)(X), [10.0, 10.0])
    np.testing.assert_allclose(grad(lambda x: np.sum(model.predict(x)))(X), [10.0, 10.0])


SCALE = np.array([2.0, 3.0])
by_scale = custom_vjp(
    lambda x: x * SCALE, fwd=lambda x: (by_scale(x), None), bwd=lambda _, g: (7 * g * SCALE,)
)


def test_what_is_read_from_outside():
    np.testing.assert_allclose(grad(lambda x: np.sum(by_scale(x)))(X), 7 * SCALE)

    def gap(x):
        return np.sum(grad(lambda t: np.sum(by_scale(t) ** 2))(x))

    np.testing.assert_allclose(grad(gap)(X), 98 * SCALE**2)


def test_one_call_inside_the_function():
    def f(x):
        w = 3.0
        tripled = custom_vjp(
            lambda a: w * a, fwd=lambda a: (w * a, w), bwd=lambda w, g: (7 * w * g,)
        )
        return tripled(x) * 1.0

    assert grad(f)(1.0) == 21.0


def test_straight_through():
    through = custom_vjp(np.round, fwd=lambda x: (np.round(x), None), bwd=lambda _, g: (g,))
    np.testing.assert_allclose(
        grad(lambda x: np.sum(through(x) * x))(np.array([1.2, 2.7])), [2.2, 5.7]
    )


def test_a_differentiated_function_may_be_the_function_itself():
    np.testing.assert_allclose(grad(scaled, (0, 1))(0.5, 2.0), (4 * np.cos(0.5), np.sin(0.5)))


def test_results_may_be_written_to():
    same = custom_vjp(lambda x: x, fwd=lambda x: (x, None), bwd=lambda _, g: (2 * g,))

    def f(x):
        y = same(x)
        y[0] = 0.0
        return np.sum(y)

    np.testing.assert_allclose(grad(f)(X), [0.0, 2.0])

    def both(x):
        x = x * 1.0
        y = same(x)
        y[0] = 0.0
        return np.sum(y) + np.sum(x)

    with pytest.raises(srcgrad.UnknownAlias):
        grad(both)(X)


def test_views_of_what_has_been_written_to():
    def f(x):
        v = np.zeros(3)
        v[:2] = x
        return np.sum(scaled(v[1:], 1.0))

    np.testing.assert_allclose(grad(f)(X), [0.0, 2 * np.cos(X[1])])


def test_generic_source_shows_the_rule():
    assert "2 * np.cos(x)" in grad(loss).source


def test_the_backward_function_may_write_to_its_cotangent():
    def backward(x, g):
        g *= x
        g[0] = 5.0
        return (g,)

    ruled = custom_vjp(lambda x: x * 2, fwd=lambda x: (x * 2, x), bwd=backward)

    def f(x):
        y = ruled(x)
        return np.sum(y) + np.sum(3 * y)

    np.testing.assert_allclose(grad(f)(X), [5.0, 4 * X[1]])


def test_many_examples_at_once():
    def each(x):
        return scaled(x, 2.0)

    np.testing.assert_allclose(srcgrad.vmap(each)(X), each(X))
    np.testing.assert_allclose(srcgrad.vmap(grad(each))(X), 4 * np.cos(X))
    np.testing.assert_allclose(
        srcgrad.jacobian(lambda x: scaled(x, 2.0))(X), np.diag(4 * np.cos(X))
    )
