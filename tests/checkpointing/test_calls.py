"""Checkpointed calls: the same gradients, computed again from what the call was given."""

import numpy as np
import pytest

from srcgrad import NotDifferentiable, UnsupportedSyntax, checkpoint, grad, jvp, register, vjp

CALLS = []


def counted(x):
    CALLS.append(1)
    return np.sin(x)


register(counted, lambda g, y, x: g * np.cos(x))


@checkpoint
def layer(x, w):
    h = np.tanh(x @ w)
    return h * np.sin(h)


def plain_layer(x, w):
    h = np.tanh(x @ w)
    return h * np.sin(h)


class Model:
    def __init__(self, w):
        self.w = w

    @checkpoint
    def apply(self, x, *, scale=2.0):
        return np.tanh(x @ self.w) * scale


class PlainModel:
    def __init__(self, w):
        self.w = w

    def apply(self, x, *, scale=2.0):
        return np.tanh(x @ self.w) * scale


def in_a_row(wrap):
    f = layer if wrap is checkpoint else plain_layer

    def loss(w, x):
        return np.sum(f(f(f(x, w), w), w))

    return loss


def in_a_loop(wrap):
    f = layer if wrap is checkpoint else plain_layer

    def loss(w, x):
        for _ in range(4):
            x = f(x, w)
        return np.sum(x * x)

    return loss


def in_a_branch(wrap):
    def loss(w, x):
        h = wrap(plain_layer)(x, w) if x[0, 0] > 0 else x
        if h[0, 1] > 5:
            h = wrap(plain_layer)(h, w)
        else:
            h = wrap(lambda h: np.exp(h) * w[0, 0])(h)
        return np.sum(h)

    return loss


def with_control_flow(wrap):
    def block(x, w):
        for k in range(3):
            if x[0, k] > 0.1:
                x = np.sin(x @ w)
            else:
                x = x * w[k]
        return x

    def loss(w, x):
        return np.sum(wrap(block)(wrap(block)(x, w), w) ** 2)

    return loss


def nested(wrap):
    def loss(w, x):
        @wrap
        def outer(h):
            @wrap
            def inner(h):
                return np.cos(h @ w) * h

            return inner(np.sin(inner(h)))

        return np.sum(outer(outer(x)))

    return loss


def mutating(wrap):
    def block(a, w, log):
        a[0] = np.sin(a[1]) * a[0]
        a[1:] *= w[0]
        log.append(np.sum(a))

    def loss(w, x):
        a, log = x * 2, []
        wrap(block)(a, w, log)
        wrap(block)(a, w, log)
        return np.sum(a**2) + log[0] * log[1]

    return loss


def rebinding(wrap):
    def loss(w, x):
        total = 0.0

        def block(y):
            nonlocal total
            total = total + np.sum(np.sin(y @ w))
            return y * y

        for _ in range(3):
            x = wrap(block)(x)
        return np.sum(x) + total * total

    return loss


def containers(wrap):
    def block(state, scale):
        return {"h": np.sin(state["h"]) * scale, "rest": (state["rest"][0] + 1, state["h"])}

    def loss(w, x):
        state = {"h": x, "rest": (0, w)}
        state = wrap(block)(state, 2.0)
        state = wrap(block)(state, scale=w[0, 0])
        return np.sum(state["h"]) * np.sum(state["rest"][1]) * state["rest"][0]

    return loss


def methods(wrap):
    made = Model if wrap is checkpoint else PlainModel

    def loss(w, x):
        model = made(w)
        return np.sum(model.apply(model.apply(x), scale=3.0))

    return loss


def recursive(wrap):
    def power(x, w, n):
        return x if n == 0 else np.sin(wrap(power)(x, w, n - 1) @ w)

    def loss(w, x, n=3):
        return np.sum(power(x, w, n))

    return loss


def draws(wrap):
    def loss(w, x):
        rng = np.random.default_rng(0)

        def dropped(x):
            mask = rng.normal(size=x.shape)
            return np.sin(x * mask) @ w * mask

        return np.sum(wrap(dropped)(wrap(dropped)(x)))

    return loss


PROGRAMS = {
    f.__name__: f
    for f in (
        in_a_row, in_a_loop, in_a_branch, with_control_flow, nested, mutating, rebinding, containers,
        methods, recursive, draws,
    )
}  # fmt: skip
rng = np.random.default_rng(1)
W, X = rng.normal(size=(3, 3)) * 0.7, rng.normal(size=(2, 3))
V = rng.normal(size=(3, 3))


def unwrapped(function):
    return function


@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_are_those_of_the_plain_call(name):
    expected = grad(PROGRAMS[name](unwrapped), (0, 1))(W, X)
    found = grad(PROGRAMS[name](checkpoint), (0, 1))(W, X)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", PROGRAMS)
def test_in_plain_python_it_is_the_function(name):
    args = [W.copy(), X.copy()]
    assert PROGRAMS[name](checkpoint)(*args) == PROGRAMS[name](unwrapped)(W.copy(), X.copy())


@pytest.mark.parametrize("name", [n for n in PROGRAMS if n not in ("recursive", "draws")])
def test_second_derivatives(name):
    def product(function):
        def slope(w):
            return np.sum(grad(function)(w, X) * V)

        return grad(slope)(W), jvp(lambda w: grad(function)(w, X), (W,), (V,))[1]

    expected = product(PROGRAMS[name](unwrapped))
    for a, b in zip(product(PROGRAMS[name](checkpoint)), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", PROGRAMS)
def test_pullbacks(name):
    _, pull = vjp(PROGRAMS[name](checkpoint), W, X)
    expected = grad(PROGRAMS[name](unwrapped), (0, 1))(W, X)
    for _ in range(2):
        for a, b in zip(pull(1.0), expected, strict=False):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def evaluations(function, *args):
    grad(function)(*args)
    CALLS.clear()
    grad(function)(*args)
    return len(CALLS)


def test_what_is_inside_is_computed_twice_and_no_more():
    def loss(x):
        def block(x):
            return counted(counted(x))

        for _ in range(5):
            x = checkpoint(block)(x)
        return np.sum(x)

    # Forward twice a block; again only the inner of the two, as the outer one's value is not read.
    assert evaluations(loss, np.ones(2)) == 5 * 2 + 5 * 1


def test_what_is_not_read_is_not_computed_again():
    def loss(x):
        y = checkpoint(lambda x: counted(x) * 2)(x)
        z = checkpoint(lambda y: 3 * y + np.sum(y))(y)
        return np.sum(z)

    assert evaluations(loss, np.ones(2)) == 0  # and without the value, not even once

    def linear(x, c):
        return np.sum(checkpoint(lambda x: x * np.exp(c))(x))

    text = grad(linear).specialize(np.ones(2), 1.0).source
    assert sum("np.exp" in line for line in text.splitlines() if "#" not in line) == 1


def test_equal_calls_are_not_taken_for_one():
    def loss(x):
        y = np.tanh(counted(x))
        return np.sum(y * checkpoint(lambda x: np.exp(counted(x)))(x))

    text = grad(loss).specialize(np.ones(2)).source
    assert text.count("counted(x)") >= 2


def test_print_happens_once(capsys):
    def loss(x):
        def block(x):
            print("in the block")
            for k in range(2):
                print("round", k)
                x = np.sin(x)
            return np.exp(x)

        return checkpoint(block)(x)

    grad(loss)(0.5)
    assert capsys.readouterr().out == "in the block\nround 0\nround 1\n"


def test_draws_in_a_loop_inside_are_refused():
    def loss(x, rng):
        def block(x):
            for _ in range(3):
                x = np.sin(x * rng.normal())
            return x

        return checkpoint(block)(x)

    with pytest.raises(
        NotDifferentiable, match="checkpointed function cannot be run a second time"
    ):
        grad(loss)(0.5, np.random.default_rng(0))


def test_a_function_is_not_handed_out():
    def loss(x):
        def block(x):
            y = np.sin(x)
            return lambda z: z * y

        return checkpoint(block)(x)(x)

    with pytest.raises(UnsupportedSyntax, match="hands out a function"):
        grad(loss)(0.5)


def test_the_function_itself_may_be_checkpointed():
    assert grad(checkpoint(np.sin))(0.5) == np.cos(0.5)
    assert grad(checkpoint(lambda x: x * x))(3.0) == 6.0


def test_another_wrapper_around_is_seen():
    import functools

    @functools.wraps(layer)
    def doubled(x, w):
        return layer(x, w)

    assert doubled.__name__ == "layer"
    found = grad(lambda w, x: np.sum(doubled(x, w)))(W, X)
    np.testing.assert_allclose(found, grad(lambda w, x: np.sum(plain_layer(x, w)))(W, X))
