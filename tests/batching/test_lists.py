"""Lists in the hands of batched functions, and what is computed anew for each example."""

import numpy as np
import pytest

from srcgrad import grad, hessian, jacfwd, jacrev, runtime
from srcgrad.api.vmapping import vmap
from srcgrad.errors import StructureError
from srcgrad.ir.types import Facts
from srcgrad.ops import registry, tables
from srcgrad.ops.batch_verbs import GaveUp, Many

assert tables  # declares the primitives
Z = np.array([0.3, -0.9, 1.7])
X = np.stack([Z, Z[::-1] + 0.1])


def written(x):
    y = np.zeros(3)
    y[:2] = [x[0], x[1] * x[2]]
    return y


def put(x):
    y = np.zeros(3)
    np.put(y, [0, 0], [x[1], x[2]])
    return y


NESTED = {
    "concatenate": lambda x: np.concatenate([[x[0]], x]),
    "concatenate constants": lambda x: np.concatenate([x, [1.0, 2.0]]),
    "hstack": lambda x: np.hstack([[x[0]], x]),
    "vstack": lambda x: np.vstack([[x[0], 1.0, x[2]], x]),
    "stack": lambda x: np.stack([[x[0], x[1], x[2]], x]),
    "column_stack": lambda x: np.column_stack([[x[0], x[1], x[2]], x]),
    "dstack": lambda x: np.dstack([[[x[0], x[1], x[2]]], x[None]]),
    "append": lambda x: np.append(x, [x[0]]),
    "array": lambda x: np.array([[x[0], 1.0], [x[1], x[2]]]),
    "where": lambda x: np.where(x > 0, [x[0], 1.0, x[2]], x),
    "dot": lambda x: np.dot([x[0], 1.0, x[2]], x),
    "operator": lambda x: x @ [x[0], 1.0, 2.0],
    "outer": lambda x: np.outer([1, 2], x),
    "solve": lambda x: np.linalg.solve(np.eye(3) * x, [1, 2, 3]),
    "setitem": written,
    "put": put,
}


def central(f, z, h):
    return np.stack([(f(z + h * e) - f(z - h * e)) / (2 * h) for e in np.eye(3)], -1)


@pytest.mark.parametrize("name", NESTED)
def test_nested_lists(name):
    f = NESTED[name]
    given = vmap(f)(X)
    assert given.dtype == float
    np.testing.assert_allclose(given, [f(x) for x in X])
    wanted = central(f, Z, 1e-6)
    np.testing.assert_allclose(jacfwd(f)(Z), wanted, atol=1e-7)
    np.testing.assert_allclose(jacrev(f)(Z), wanted, atol=1e-7)

    def scalar(x):
        return np.sum(f(x) ** 2)

    second = central(grad(scalar), Z, 1e-6)
    np.testing.assert_allclose(hessian(scalar)(Z), second, atol=1e-5)


@pytest.mark.parametrize("call", [np.asarray, np.sum, lambda m: np.add(m, 1), lambda m: [m] + Z])
def test_numpy_never_takes_a_batched_value_for_an_object(call):
    with pytest.raises(GaveUp):
        call(Many(None, None))


@pytest.fixture(params=["known", "unknown"])
def of_tolist(request):
    """What is known of what tolist gives: that it is a list of numbers, or nothing at all."""
    primitive = registry.PRIMITIVES[runtime.tolist]
    infer = primitive.infer
    if request.param == "unknown":
        object.__setattr__(primitive, "infer", lambda *args: Facts())
    yield
    object.__setattr__(primitive, "infer", infer)


@pytest.mark.usefixtures("of_tolist")
def test_cotangents_of_lists():
    def f(x):
        return x.tolist()[1] * x[0]

    wanted = [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    np.testing.assert_allclose(hessian(f)(Z), wanted)
    np.testing.assert_allclose(jacfwd(grad(f))(Z), wanted)
    np.testing.assert_allclose(vmap(grad(f))(X), [grad(f)(x) for x in X])


def test_second_derivatives_through_sorted():
    np.testing.assert_allclose(hessian(lambda x: sorted(x)[1] * x[0])(Z), np.diag([2.0, 0, 0]))


def test_truth_values_add_up_to_truth_values():
    def f(x):
        b = x > 0
        return np.sum((b + b) * x)

    np.testing.assert_allclose(vmap(grad(f))(Z[None]), [[1, 0, 1]])


def test_sums_that_may_be_of_nothing():
    def f(x):
        s = 0.0
        for j in range(3):
            t = sum(x[k] for k in range(j))
            s = s + t * x[j]
        return s

    np.testing.assert_allclose(vmap(f)(X), [f(x) for x in X])
    np.testing.assert_allclose(vmap(grad(f))(X), [grad(f)(x) for x in X])
    np.testing.assert_allclose(hessian(f)(Z), 1 - np.eye(3))


def test_no_examples_where_they_are_taken_one_by_one():
    with pytest.raises(StructureError, match="pass at least one example"):
        vmap(lambda a: np.sum(a[a > 0]))(np.zeros((0, 3)))
    assert vmap(np.sum)(np.zeros((0, 3))).shape == (0,)


def drawn(x, g):
    return x + g.normal()


def drawn_beside_a_branch(x, g):
    y = x if x > 0 else -x
    return y + g.normal() - (y - x)


def drawn_in_a_loop(x, g):
    y = np.sin(x) * 0
    for _ in range(3):
        y = y + g.normal()
    return x + y * g.normal()


@pytest.mark.parametrize("f", [drawn, drawn_beside_a_branch, drawn_in_a_loop])
def test_each_example_has_its_own_draws(f):
    rng = np.random.default_rng(3)
    wanted = [f(x, rng) for x in Z]
    np.testing.assert_allclose(vmap(f, (0, None))(Z, np.random.default_rng(3)), wanted)
