"""`vmap` as a caller sees it: axes, containers, errors, and the source that runs."""

from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from srcgrad import SrcgradError, grad, value_and_grad
from srcgrad.api.vmapping import vmap
from srcgrad.errors import StructureError

X = np.linspace(-1.0, 1.0, 36).reshape(12, 3)
W = np.linspace(0.2, 0.9, 12).reshape(4, 3)
Y = np.linspace(0.5, -0.5, 48).reshape(12, 4)


def loss(w, x, y):
    h = np.tanh(w @ x)
    return np.sum((h - y) ** 2)


def recurrent(W, xs):
    h = np.zeros(3)
    for x in xs:
        h = np.tanh(W @ h + x)
    return np.sum(h)


def body(f, *args, **options):
    """The generated text below its header."""
    text = vmap(f, **options).specialize(*args).source
    return text[text.index("def ") :].strip()


def returned(f, *args, **options):
    return [line.strip() for line in body(f, *args, **options).splitlines()[1:]]


# What is printed


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: np.sum(np.sin(x)), "return np.sum(np.sin(x), axis=1)"),
        (lambda x: x - np.mean(x), "return x - np.mean(x, axis=1)[:, None]"),
        (lambda x: x @ x, "return np.sum(x * x, axis=1)"),
        (lambda x: x[::-1], "return x[:, ::-1].copy()"),
        (lambda x: np.stack([x, 2 * x]), "return np.stack([x, 2 * x], 1)"),
        (lambda x: W @ x, "return x @ W.T"),
        (lambda x: x.reshape(3, 1) * x, "return x.reshape(len(x), 3, 1) * x[:, None]"),
        (lambda x: np.linalg.norm(x), "return np.linalg.norm(x, axis=1)"),
        (lambda x: np.max(x) * x[0], "return np.max(x, axis=1) * x[:, 0]"),
        (grad(lambda x: np.sum(np.exp(x))), "return np.exp(x)"),
    ],
)  # fmt: skip
def test_source_reads_as_written_by_hand(f, expected):
    lines = returned(f, X)
    assert lines == [expected] or lines == [
        f"d_x = {expected.removeprefix('return ')}",
        "return d_x",
    ]
    np.testing.assert_allclose(vmap(f)(X), [f(x) for x in X])


def test_per_example_gradients_are_outer_products():
    f = grad(loss)
    given = vmap(f, in_axes=(None, 0, 0))(W, X, Y)
    np.testing.assert_allclose(given, [f(W, x, y) for x, y in zip(X, Y, strict=True)])
    text = body(f, W, X, Y, in_axes=(None, 0, 0))
    assert "[:, :, None] * x[:, None]" in text
    assert "for " not in text


def test_golden():
    f = grad(recurrent, (0, 1))
    xs = np.linspace(-1, 1, 150).reshape(10, 5, 3)
    square = W[:3]
    wanted = (Path(__file__).parent / "recurrent.txt").read_text(encoding="utf-8")
    assert vmap(f, in_axes=(None, 0)).specialize(square, xs).source == wanted
    found = vmap(f, in_axes=(None, 0))(square, xs)
    for k in range(2):
        np.testing.assert_allclose(found[k], [f(square, x)[k] for x in xs])


def test_what_does_not_vary_is_computed_once():
    def f(w, x):
        return np.linalg.inv(w) @ x

    square = W[:3] + 2 * np.eye(3)
    text = body(f, square, X, in_axes=(None, 0))
    assert "np.linalg.inv(w)" in text
    assert "for " not in text
    expected = [f(square, x) for x in X]
    np.testing.assert_allclose(vmap(f, in_axes=(None, 0))(square, X), expected)


def test_what_is_read_from_outside_may_change():
    class Model:
        w = W[:3]

    model = Model()
    f = vmap(lambda x: model.w @ x)
    for w in (W[:3], 2 * W[:3], W[0], W):
        model.w = w
        np.testing.assert_allclose(f(X), [w @ x for x in X])


def test_numbers_that_are_added_to_in_place_are_kept_as_they_were():
    def f(x):
        total, loss = 0.0, 0.0
        for k in range(3):
            total += x[k]
            loss += np.sin(total) * total
        return loss

    np.testing.assert_allclose(vmap(f)(X), [f(x) for x in X])
    np.testing.assert_allclose(vmap(grad(f))(X), [grad(f)(x) for x in X])


def test_numbers_that_are_added_to_are_kept_as_they_were_for_the_backward_sweep():
    """Over all examples they are arrays, of which the loops' common tape keeps earlier ones."""

    def f(x):
        level, total, last = x.copy(), 0.0, 0.0
        for _ in range(4):
            error = 1.5 - level[-1]
            total += error * 0.1
            drive = x[0] * error + total * total + (error - last) * x[1]
            last = error
            level[0] += 0.1 * drive
            for i in range(1, 3):
                level[i] += x[2] * (level[i - 1] - level[i])
        return np.sum(level) * total

    np.testing.assert_allclose(vmap(grad(f))(X), [grad(f)(x) for x in X])
    source = vmap(f).specialize(X).source
    assert "total += error * 0.1" in source


# Axes


def test_axes_of_arguments_and_results():
    def f(x, y):
        return x * np.sum(y)

    given = vmap(f, in_axes=(1, -1), out_axes=1)(X.T, Y.T)
    expected = np.stack([f(x, y) for x, y in zip(X, Y, strict=True)], axis=1)
    np.testing.assert_allclose(given, expected)


@dataclass
class Layer:
    w: np.ndarray
    b: float


Point = namedtuple("Point", "x y")


def test_containers():
    def f(params, points, scale=2.0):
        first = params["layers"][0]
        h = np.tanh(points.x * first.w + first.b)
        return {"sum": np.sum(h) * scale, "pair": (h, points.y)}

    params = {"layers": [Layer(W[0], 0.3)], "n": 4}
    batch = vmap(f, in_axes=(None, 0))(params, Point(X, X[:, 0]))
    for k in range(len(X)):
        one = f(params, Point(X[k], X[k, 0]))
        np.testing.assert_allclose(batch["sum"][k], one["sum"])
        np.testing.assert_allclose(batch["pair"][0][k], one["pair"][0])
        np.testing.assert_allclose(batch["pair"][1][k], one["pair"][1])


def test_axes_in_containers():
    def f(params, x):
        return params["w"] @ x + params["b"][0] * params["n"]

    many = np.stack([W, 2 * W, 3 * W], axis=2)
    params = {"w": many, "b": [np.arange(3.0), 1.0], "n": 4}
    given = vmap(f, in_axes=({"w": 2, "b": (0, None), "n": None}, None))(params, X[0])
    expected = [(k + 1) * W @ X[0] + k * 4 for k in range(3)]
    np.testing.assert_allclose(given, expected)


def test_starred_and_named_arguments():
    def f(*xs, scale):
        return scale * sum(np.sum(x) for x in xs)

    given = vmap(f)(X, Y, scale=X[:, 0])
    expected = [f(x, y, scale=x[0]) for x, y in zip(X, Y, strict=True)]
    np.testing.assert_allclose(given, expected)


def test_results_that_all_examples_share_are_repeated():
    given = vmap(lambda x: (np.ones(2), 3.0, x), out_axes=0)(X)
    assert [g.shape for g in given] == [(12, 2), (12,), (12, 3)]
    given[0][0] = 5.0  # memory of the caller's own
    assert given[0][1, 0] == 1.0
    assert given[2] is not X


def test_vmap_of_values_and_gradients():
    def f(x):
        y = 0.0
        for k in range(3):
            y = y + (x[k] ** 2 if x[k] > 0 else np.sin(x[k]))
        return y

    values, gradients = vmap(value_and_grad(f))(X)
    np.testing.assert_allclose(values, [f(x) for x in X])
    np.testing.assert_allclose(gradients, [grad(f)(x) for x in X])


def test_other_sizes_and_types_have_other_programs():
    double = vmap(lambda x: 2 * x)
    for x in (X, X[:2], X.astype(np.float32), X[:, 0]):
        given = double(x)
        assert given.dtype == x.dtype
        np.testing.assert_array_equal(given, 2 * x)


def test_effects_happen_for_each_example(capsys):
    def f(x):
        print("x is", round(float(x), 2))
        return x * x

    vmap(f)(np.array([1.0, 2.0]))
    assert capsys.readouterr().out == "x is 1.0\nx is 2.0\n"


# Errors


def test_different_numbers_of_examples():
    with pytest.raises(
        StructureError, match=r"x of shape \(12, 3\) has 12 along axis 0, y of shape \(5, 4\)"
    ):
        vmap(loss, in_axes=(None, 0, 0))(W, X, Y[:5])
    with pytest.raises(StructureError, match=r"p\['b'\]\[0\] of shape \(4, 3\) has 4 along axis 0"):
        vmap(lambda p: p["a"])({"a": X, "b": [W]})


@pytest.mark.parametrize(
    ("in_axes", "complaint"),
    [
        ((0,), "in_axes for 1 arguments, and called with 3"),
        ((None, None, None), "nothing to take examples from"),
        ((None, 2, 0), "examples of x along axis 2, but it is an array of shape"),
        (((0, 0), 0, 0), r"in_axes for w is \(0, 0\), where the argument is an array"),
        ("w", "in_axes is 'w'"),
    ],
)  # fmt: skip
def test_axes_of_the_wrong_structure(in_axes, complaint):
    with pytest.raises(StructureError, match=complaint):
        vmap(loss, in_axes=in_axes)(W, X, Y)


def test_a_number_has_no_examples():
    with pytest.raises(StructureError, match="examples of x along axis 0, but it is a float 3.0"):
        vmap(lambda x: x)(3.0)


def test_containers_of_the_wrong_structure():
    with pytest.raises(StructureError, match="which has not the structure of the argument"):
        vmap(lambda p: p[0], in_axes=((0, 0, 0),))((X, X))


def test_what_is_no_function():
    with pytest.raises(SrcgradError, match="vmap takes a function"):
        vmap(3)


def test_results_without_a_form_are_refused():
    def f(x):
        return x[x > 0]

    with pytest.raises(ValueError, match="same shape"):
        vmap(f)(X)
