"""Gradients by backward sweeps, against central differences and closed forms."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import srcgrad as sg
from srcgrad.tensor import backward
from tensor.helpers import CONSTANT, MATRIX, VECTOR, central_differences, gradient, leaf, numbers

EVERYWHERE = {
    "the same twice": lambda x: x * x,
    "a diamond": lambda x: (lambda y: y * np.sin(y) + y)(x * x),
    "numbers": lambda x: (2 * x - 1) / 3 + 1 / x - 2**x,
    "powers": lambda x: x**2 + abs(x) ** 0.5 + x**3.0,
    "broadcast to more": lambda x: x * np.ones((4, 1, 1)),
    "tensor constants": lambda x: x * sg.tensor(2.0) + sg.tensor([3.0]),
    "methods": lambda x: x.sum() * x.mean() + x.max() - x.min() + x.std() + x.var() + x.prod(),
    "elementwise methods": lambda x: x.exp().sin().square() + x.abs().sqrt() + x.tanh().cos(),
    "clip and clamp": lambda x: x.clip(0.6, 2.0) * x + x.clamp(0.0, 1.0),
    "where": lambda x: np.where(x > 0.6, x**2, -x),
    "maximum": lambda x: np.maximum(x, 0.65) + np.fmin(x, 1.0),
    "stack and concatenate": lambda x: np.stack([x, 2 * x]) ** 2 + np.hstack([x, x]).sum(),
    "reshape": lambda x: x.reshape(-1, 1) * x.ravel(),
    "view": lambda x: x.view(1, -1) @ x.view(-1, 1),
    "new axes": lambda x: x[None] * x + x[..., None].sum(),
    "copies": lambda x: x.clone() * np.copy(x),
    "quotient and rest": lambda x: (lambda q, r: q * x + r * r)(*divmod(x, 0.4)),
    "steps": lambda x: np.sign(x) * x + np.floor(10 * x + 0.3),
    "in place": lambda x: (lambda y: y.add_(x, alpha=3).mul_(y))(x * 2),
    "norm": lambda x: np.linalg.norm(x),
    "tile, repeat, pad": lambda x: np.tile(x, 2).sum() * np.repeat(x, 2).sum() + np.pad(x, 1) ** 2,
}
VECTORS = {
    "slices": lambda x: x[1:] * x[:-1],
    "backwards": lambda x: x[::-1] * x,
    "entries": lambda x: x[0] * x[-1],
    "a list of indices": lambda x: x[[0, 1, 1]] ** 2,
    "an array of indices": lambda x: x[np.array([2, 0])] ** 2,
    "a mask": lambda x: x[x > 0.6] ** 2,
    "a Tensor of indices": lambda x: x[sg.tensor([2, 2])] ** 2,
    "a Tensor as an end": lambda x: x[: sg.tensor(2)] ** 2,
    "iteration": lambda x: sum(r * r for r in x),
    "unpacking": lambda x: (lambda a, *rest: a * rest[0])(*x),
    "reversed": lambda x: sum(k * r for k, r in enumerate(reversed(x))),
    "products": lambda x: x @ x + np.dot(x, CONSTANT) + CONSTANT @ x + np.vdot(x, x),
    "matrices": lambda x: MATRIX @ x + np.outer(x, x)[0, :2],
    "einsum": lambda x: np.einsum("i,j->ij", x, x),
    "split": lambda x: np.split(x, [1])[1] * 2 + np.split(x, 3)[0],
    "sort": lambda x: np.sort(x) * CONSTANT,
    "inverse": lambda x: np.linalg.inv(np.outer(x, x) + np.eye(3)),
    "determinant": lambda x: np.linalg.slogdet(np.outer(x, x) + np.eye(3)).logabsdet,
    "lists beside": lambda x: x * [1.0, 2.0, 3.0] + [1, 2, 3] - np.multiply([1, 1, 2], x),
    "cumulative": lambda x: np.cumsum(x) * np.cumprod(x),
    "a sum by steps": lambda x: sum((x[k] * k for k in range(3)), start=x.sum()),
}
MATRICES = {
    "transposed": lambda x: x.T @ x + np.transpose(x) @ np.ones((2, 3)),
    "axes": lambda x: x.sum(axis=0) * x.mean(axis=0) + x.sum(dim=0, keepdim=True),
    "broadcast to less": lambda x: x + x[0] + x[:, :1] + x.mean(),
    "rows": lambda x: sum(row @ row for row in x),
    "several indices": lambda x: x[[0, 1], [1, 1]] ** 2 + x[1, :2] * x[..., 0],
    "products": lambda x: x @ np.ones((3, 4)) + np.ones((2, 2)) @ x[:, :1],
    "swapped": lambda x: np.swapaxes(x, 0, 1) ** 2 + np.moveaxis(x, 0, 1),
    "softmax": lambda x: (
        np.exp(x - x.max()) / np.exp(x - x.max()).sum(axis=1, keepdims=True) * CONSTANT
    ),
}
PROGRAMS = [
    *(pytest.param(f, x, id=f"{name}: {len(np.shape(x))}-d")
      for name, f in EVERYWHERE.items() for x in (np.array(0.7), VECTOR, MATRIX)),
    *(pytest.param(f, VECTOR, id=name) for name, f in VECTORS.items()),
    *(pytest.param(f, MATRIX, id=name) for name, f in MATRICES.items()),
]  # fmt: skip


@pytest.mark.parametrize(("function", "x"), PROGRAMS)
def test_gradients_agree_with_central_differences(function, x):
    found = gradient(function, x)
    assert found.shape == x.shape
    np.testing.assert_allclose(found, central_differences(function, x), rtol=1e-5, atol=1e-6)


STEPS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / (2 + b * b),
    "sin": lambda a, b: np.sin(a),
    "tanh": lambda a, b: np.tanh(a),
    "scale": lambda a, b: 0.5 * a - 1,
    "sum": lambda a, b: a.sum(axis=0) if a.ndim else a,
    "mean": lambda a, b: b.mean(),
    "flip": lambda a, b: a[..., ::-1] if a.ndim else -a,
    "dot": lambda a, b: np.dot(a, b) if a.ndim == b.ndim == 1 else a * b,
    "outer sum": lambda a, b: (a + b).sum() * a,
}


@pytest.mark.parametrize("longest", [1, 2, 5])
@pytest.mark.parametrize(
    "name", ["numbers", "a diamond", "methods", "in place", "stack and concatenate"]
)
def test_graphs_in_many_short_programs(name, longest, monkeypatch):
    whole = gradient(EVERYWHERE[name], MATRIX)
    monkeypatch.setattr(backward, "LONGEST", longest)
    np.testing.assert_allclose(gradient(EVERYWHERE[name], MATRIX), whole, rtol=1e-12)


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 99), st.integers(0, 99)),
        min_size=1,
        max_size=14,
    ),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 2, 3, 128]),
)
@settings(max_examples=60, deadline=None)
def test_gradients_of_random_graphs(steps, seed, longest):
    rng = np.random.default_rng(seed)
    values = [rng.uniform(-1, 1, shape) for shape in ((), (3,), (2, 3))]

    def program(leaves):
        pool = list(leaves)
        for name, i, j in steps:
            pool.append(np.tanh(STEPS[name](pool[i % len(pool)], pool[j % len(pool)])))
        return sum((value.sum() for value in pool[3:]), start=0.0)

    leaves = [leaf(value) for value in values]
    result = program(leaves)
    if not result.requires_grad:
        return
    with mock.patch.object(backward, "LONGEST", longest):
        result.backward()
    for k, x in enumerate(leaves):

        def moved(value, k=k):
            return program([value if i == k else sg.tensor(v) for i, v in enumerate(values)])

        expected = central_differences(moved, values[k])
        found = np.zeros(x.shape) if x.grad is None else numbers(x.grad)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_gradients_have_the_dtype_of_their_leaf():
    x = sg.ones(3, dtype="float32", requires_grad=True)
    w = sg.ones(3, requires_grad=True)
    (x * w).sum().backward()
    assert (x.grad.dtype, w.grad.dtype) == (np.float32, np.float64)


def test_gradients_through_another_dtype():
    x = leaf(1.5, 2.0)
    y = x.astype("float32")
    (y * y).sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]
    assert x.grad.dtype == np.float64


def test_leaves_that_are_not_reached_get_no_gradient():
    x, unused, constant = leaf(1.0, 2.0), leaf(3.0), sg.ones(2)
    (x * constant).sum().backward()
    assert unused.grad is None
    assert constant.grad is None
    assert x.grad.tolist() == [1.0, 1.0]


def test_a_leaf_through_which_nothing_flows_gets_zeros():
    x = leaf(0.5, 1.5)
    np.floor(x).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]


def test_backward_from_a_leaf():
    x = leaf(3.0)
    x.backward()
    x.backward(gradient=5.0)
    assert x.grad.item() == 6.0


def test_backward_of_one_entry_needs_no_gradient():
    x = leaf(3.0)
    (x * x).reshape(1, 1).backward()
    assert x.grad.item() == 6.0


@pytest.mark.parametrize("weights", [sg.tensor([1.0, 10.0]), np.array([1.0, 10.0]), [1, 10]])
def test_backward_of_several_entries_weighs_them(weights):
    x = leaf(2.0, 3.0)
    (x * x).backward(gradient=weights)
    assert x.grad.tolist() == [4.0, 60.0]


def test_several_results_of_one_operation():
    x = leaf(4.0, 1.0)
    a, b = np.split(x, 2)
    (a * 3 + b * b).backward(gradient=[1.0])
    assert x.grad.tolist() == [3.0, 2.0]


def test_calculus_on_two_tensors_and_constants():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 3)), rng.standard_normal(20)
    w, b = sg.zeros(3, requires_grad=True), sg.tensor(0.5, requires_grad=True)
    residual = X @ w + b - y
    (residual**2).mean().backward()
    r = X @ numbers(w) + 0.5 - y
    np.testing.assert_allclose(numbers(w.grad), 2 * X.T @ r / 20)
    np.testing.assert_allclose(numbers(b.grad), 2 * r.mean())


def test_a_fit_reaches_the_closed_form():
    rng = np.random.default_rng(2)
    X = rng.standard_normal((50, 3))
    y = X @ [1.0, -2.0, 0.5] + 0.1 * rng.standard_normal(50)
    w, b = sg.zeros(3, requires_grad=True), leaf(0.0)
    memory = w.data_ptr()
    for _ in range(300):
        loss = ((X @ w + b - y) ** 2).mean()
        loss.backward()
        with sg.no_grad():
            w -= 0.2 * w.grad
            b -= 0.2 * b.grad
        w.grad.zero_()
        b.grad.zero_()
    design = np.column_stack([X, np.ones(50)])
    expected = np.linalg.lstsq(design, y)[0]
    np.testing.assert_allclose([*w.tolist(), b.item()], expected, rtol=1e-6)
    assert w.data_ptr() == memory
