"""Gradients written into arrays of the caller's, and what a training loop allocates then."""

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest

from srcgrad import StructureError, grad, hvp, tensor, value_and_grad

RNG = np.random.default_rng(3)
X = RNG.normal(size=(4, 300))
Y = RNG.normal(size=(4, 200))


def loss(w, b):
    return np.mean((np.tanh(X @ w) + b - Y) ** 2)


def recurrent(w, xs):
    h = np.zeros(len(w))
    for x in xs:
        h = np.tanh(w @ h + x)
    return np.sum(h)


def heat(u, c):
    for _ in range(5):
        u[1:-1] += c * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u**2)


def unchanged(x):
    return np.sum(x)


def branched(x):
    return np.sum(x**2) if x[0] > 0 else x[1] * 3.0


W = RNG.normal(size=(300, 200))
B = np.zeros(200)
S = 0.3 * np.eye(4)
V = RNG.normal(size=9)
PROGRAMS = [
    (loss, (W, B), (0, 1)),
    (recurrent, (S, RNG.normal(size=(6, 4))), 0),
    (recurrent, (S, RNG.normal(size=(6, 4))), (1, 0)),
    (heat, (V, 0.1), 0),
    (heat, (V, 0.1), (0, 1)),
    (unchanged, (V,), 0),
    (branched, (np.abs(V),), 0),
    (branched, (-np.abs(V),), 0),
    (lambda x: x[0] ** 2, (V.astype(np.float32),), 0),
    (lambda x, y: np.sum(x * y), (V, V.copy()), (0, 1)),
    (lambda x: 3.0, (V,), 0),
    (lambda p: np.sum(p["a"] ** 2) * p["b"], ({"a": V, "b": 2.0, "n": 3},), 0),
]


def empty_like(tree):
    if isinstance(tree, dict):
        return {k: empty_like(v) for k, v in tree.items()}
    if isinstance(tree, tuple | list):
        return type(tree)(map(empty_like, tree))
    return np.full_like(tree, np.nan) if isinstance(tree, np.ndarray) else None


def leaves(tree):
    if isinstance(tree, dict):
        return [leaf for v in tree.values() for leaf in leaves(v)]
    if isinstance(tree, tuple | list):
        return [leaf for v in tree for leaf in leaves(v)]
    return [tree]


@pytest.mark.parametrize(("f", "args", "argnums"), PROGRAMS)
def test_the_gradient_stands_in_the_buffers(f, args, argnums):
    wanted = grad(f, argnums)(*args)
    out = empty_like(wanted)
    for _ in range(2):  # whatever is in them
        given = grad(f, argnums)(*args, out=out)
        for a, b, c in zip(leaves(given), leaves(wanted), leaves(out), strict=True):
            if isinstance(b, np.ndarray):
                assert a is c and a.dtype == b.dtype
                np.testing.assert_allclose(a, b, rtol=1e-12)
            else:
                assert a == b
    value, given = value_and_grad(f, argnums)(*args, out=out)
    assert value == value_and_grad(f, argnums)(*args)[0]
    assert all(a is b for a, b in zip(leaves(given), leaves(out), strict=True) if b is not None)


@dataclass
class Layer:
    w: np.ndarray
    n: int


def test_objects_and_auxiliary_data():
    def f(layer):
        return np.sum(layer.w**2) * layer.n, layer.n

    out = Layer(np.empty(9), 0)
    found, aux = grad(f, has_aux=True)(Layer(V, 3), out=out)
    assert found.w is out.w and aux == 3 and found.n is None
    np.testing.assert_allclose(out.w, 6 * V)


def test_an_argument_of_that_name_is_the_functions():
    assert grad(lambda out: out**2)(out=3.0) == 6.0


def test_products_compute_into_the_buffer():
    out = (np.empty_like(W), np.empty_like(B))
    made = grad(loss, (0, 1))
    made(W, B, out=out)
    text = made._writing.general(made._writing.facts((W, B))).generated.text
    assert "np.matmul(X.T, prod * (1 - tanh * tanh), out=out_0)" in text
    assert "np.sum(prod, axis=0, out=out_1)" in text


def test_a_training_loop_allocates_no_gradient():
    w, b = W.copy(), B.copy()
    out = (np.empty_like(w), np.empty_like(b))
    made = value_and_grad(loss, (0, 1))

    def step():
        _, (d_w, d_b) = made(w, b, out=out)
        np.subtract(w, np.multiply(d_w, 0.1, out=d_w), out=w)
        np.subtract(b, np.multiply(d_b, 0.1, out=d_b), out=b)

    step()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(1000):
            step()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < w.nbytes
    assert peak - before < 0.5 * w.nbytes  # not even for a moment: the largest temporary is X @ w


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (np.empty(3), r"out must be an array of float64 and of the shape \(9,\), not float64\[3\]"),
        (np.empty(9, np.float32), "not float32"),
        (None, "not None"),
        (V, "shares memory with an argument"),
        (V[:], "shares memory with an argument"),
    ],
)
def test_buffers_that_do_not_fit(out, message):
    with pytest.raises(StructureError, match=message):
        grad(unchanged)(V, out=out)


def test_buffers_that_cannot_be_written():
    out = np.empty(9)
    out.flags.writeable = False
    with pytest.raises(StructureError, match="read-only"):
        grad(unchanged)(V, out=out)
    with pytest.raises(StructureError, match=r"out\['a'\] must be an array"):
        grad(lambda p: np.sum(p["a"]))({"a": V}, out={"a": 1.0})
    with pytest.raises(StructureError, match="2 entries"):
        grad(lambda x, y: np.sum(x * y), (0, 1))(V, V, out=(np.empty(9),))


DATA = RNG.normal(size=9)


def test_buffers_that_overlap():
    big = np.empty(12)
    with pytest.raises(StructureError, match="two arrays of out"):
        grad(lambda x, y: np.sum(x * y), (0, 1))(V, V, out=(big[:9], big[3:]))
    with pytest.raises(StructureError, match="out shares memory with DATA, which the function"):
        grad(lambda x: np.sum(x * DATA))(V, out=DATA)


def test_tensors_accumulate_instead():
    with pytest.raises(Exception, match="backward"):
        grad(unchanged)(tensor([1.0, 2.0], requires_grad=True), out=np.empty(2))


def test_other_operators_have_none():
    with pytest.raises(TypeError, match="out"):
        hvp(unchanged)(V, V, out=np.empty(9))
