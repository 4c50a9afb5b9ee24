"""`@grad` functions called with Tensors."""

import dataclasses
import math
from typing import NamedTuple

import numpy as np
import pytest

import srcgrad as sg
from tensor.helpers import VECTOR, leaf, numbers, programs


@sg.grad
def logistic(params, X, y):
    p = 1 / (1 + np.exp(-(X @ params["w"] + params["b"])))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


DATA = np.random.default_rng(1).standard_normal((30, 3))
TARGET = (DATA[:, 0] > 0).astype(float)


def test_a_function_of_tensors_gives_its_value_and_then_its_gradient():
    params = {"w": sg.full(3, 0.1, requires_grad=True), "b": leaf(0.2)}
    plain = {"w": np.full(3, 0.1), "b": 0.2}
    loss = logistic(params, DATA, TARGET)
    assert loss.item() == logistic.__wrapped__(plain, DATA, TARGET)
    assert repr(loss.grad_fn) == "<NegBackward0>"
    assert "grad_params_w[...] +=" in loss.grad_fn.source
    loss.backward()
    expected = logistic(plain, DATA, TARGET)
    np.testing.assert_allclose(numbers(params["w"].grad), expected["w"])
    np.testing.assert_allclose(params["b"].grad.item(), expected["b"])
    grad = params["w"].grad
    logistic(params, DATA, TARGET).backward()
    assert params["w"].grad is grad
    np.testing.assert_allclose(numbers(grad), 2 * expected["w"])
    with pytest.raises(sg.TensorError, match="second time"):
        loss.backward()


def test_functions_and_operations_compose():
    @sg.grad
    def norm(x, s):
        total = 0.0
        for k in range(len(x)):
            total = total + x[k] * x[k] * s
        return np.sqrt(total)

    x, s = leaf(VECTOR), leaf(2.0)
    y = norm(np.sin(x) * 2, s)
    (y * y + x.sum() * y).backward()

    def whole(x, s):
        r = np.sqrt(np.sum((2 * np.sin(x)) ** 2) * s)
        return r * r + np.sum(x) * r

    d_x, d_s = sg.grad(whole, argnums=(0, 1))(VECTOR, 2.0)
    np.testing.assert_allclose(numbers(x.grad), d_x)
    np.testing.assert_allclose(s.grad.item(), d_s)


def test_every_tensor_that_requires_a_gradient_gets_one():
    @sg.grad(argnums=1)
    def f(a, b, c):
        return np.sum(a * b * c)

    a, b, c = leaf(1.0, 2.0), sg.ones(2), leaf(5.0, 6.0)
    f(a, b, c=c).backward()
    assert (a.grad.tolist(), b.grad, c.grad.tolist()) == ([5.0, 6.0], None, [1.0, 2.0])
    f(a, a, a).backward()
    np.testing.assert_allclose(numbers(a.grad), np.array([5.0, 6.0]) + 3 * np.array([1.0, 4.0]))


class Pair(NamedTuple):
    left: object
    right: object


@dataclasses.dataclass(frozen=True)
class Layer:
    weight: object
    bias: object = 0.5


def test_tensors_stand_in_containers():
    @sg.grad
    def f(layers, pair, *rest, **named):
        x = pair.left * pair.right
        for layer in layers:
            x = layer.weight * x + layer.bias
        return x * rest[0] * named["scale"]

    layers = [Layer(leaf(2.0), leaf(1.0)), Layer(leaf(3.0))]
    pair, rest, scale = Pair(leaf(5.0), 7.0), leaf(1.5), leaf(0.5)
    f(layers, pair, rest, scale=scale).backward()
    x0 = 35.0
    x1 = 2.0 * x0 + 1.0
    assert layers[1].weight.grad.item() == pytest.approx(x1 * 0.75)
    assert layers[0].bias.grad.item() == pytest.approx(3.0 * 0.75)
    assert layers[0].weight.grad.item() == pytest.approx(3.0 * x0 * 0.75)
    assert pair.left.grad.item() == pytest.approx(6.0 * 7.0 * 0.75)
    assert rest.grad.item() == pytest.approx((3 * x1 + 0.5) * 0.5)
    assert scale.grad.item() == pytest.approx((3 * x1 + 0.5) * 1.5)


def test_functions_of_tensors_may_return_structures():
    @sg.grad(has_aux=True)
    def f(x):
        y = x * x
        return np.sum(y), {"squares": y, "count": len(x), "name": "f"}

    x = leaf(1.0, 2.0)
    loss, aux = f(x)
    assert loss.item() == 5.0
    assert aux["squares"].tolist() == [1.0, 4.0]
    assert (aux["count"], aux["name"]) == (2, "f")
    (loss + aux["squares"][0] * 10).backward()
    assert x.grad.tolist() == [22.0, 4.0]

    @sg.grad
    def g(x):
        return Pair(x * 2, x * 3)

    made = g(x)
    x.grad.zero_()
    made.right.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_a_derivative_of_a_derivative():
    slope = sg.grad(lambda x: x**3)
    x = leaf(3.0)
    y = sg.grad(slope)(x)
    assert y.item() == 27.0
    y.backward()
    assert x.grad.item() == 18.0


def test_functions_that_call_themselves():
    @sg.grad
    def power(x, n):
        return 1.0 if n == 0 else x * power.__wrapped__(x, n - 1)

    x = leaf(3.0)
    power(x, 4).backward()
    assert x.grad.item() == pytest.approx(4 * 27.0)


def test_a_function_of_tensors_that_require_nothing():
    seen = logistic({"w": sg.zeros(3), "b": 0.0}, sg.tensor(DATA), TARGET)
    assert not seen.requires_grad
    assert seen.item() == pytest.approx(math.log(2))
    with sg.no_grad():
        assert not logistic(
            {"w": sg.zeros(3, requires_grad=True), "b": 0.0}, DATA, TARGET
        ).requires_grad


def test_a_function_is_compiled_once_for_each_kind_of_arguments():
    def call(n):
        X = sg.ones(n, 3)
        return logistic({"w": sg.zeros(3, requires_grad=True), "b": leaf(0.0)}, X, np.zeros(n))

    assert programs(call(20)) == programs(call(30))
    assert programs(call(20)) != programs(call(2))


def test_arguments_of_functions_that_were_changed_are_noticed():
    @sg.grad
    def squares(x, c):
        return x * x + c

    x, c = leaf(1.0, 2.0), sg.ones(2)
    y = squares(x, c)
    c += 1  # not needed
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
    y = squares(x, c)
    with sg.no_grad():
        x += 1
    with pytest.raises(sg.TensorError, match="modified by an inplace operation"):
        y.sum().backward()


def test_errors_of_functions_of_tensors():
    @sg.grad
    def f(x, y):
        return np.sum(x * np.corrcoef(x, y))

    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        f(leaf(1.0, 2.0))
    with pytest.raises(sg.MissingRule, match=r"return np\.sum"):
        f(leaf(1.0, 2.0), np.ones(2))


def test_both_ways_of_writing_a_fit_take_the_same_steps():
    def eager(params, X, y):
        p = 1 / (1 + np.exp(-(X @ params["w"] + params["b"])))
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

    fits = []
    for loss in (eager, logistic):
        params = {"w": sg.zeros(3, requires_grad=True), "b": leaf(0.0)}
        for _ in range(20):
            loss(params, DATA, TARGET).backward()
            with sg.no_grad():
                for p in params.values():
                    p -= 0.5 * p.grad
                    p.grad.zero_()
        fits.append(np.append(numbers(params["w"]), params["b"].item()))
    np.testing.assert_allclose(fits[0], fits[1], rtol=1e-12)
