"""Gradients are the caller's own, on every path: writable, and no two of them one memory."""

import itertools

import numpy as np
import pytest

from srcgrad import grad


def arrays(tree):
    if isinstance(tree, np.ndarray):
        return [tree]
    return (
        [leaf for part in tree for leaf in arrays(part)] if isinstance(tree, list | tuple) else []
    )


def branch(x, y):
    if x.sum() > 100:
        x = 2 * x
    return np.mean(x) + 0 * np.sum(y)


def loop(x, y):
    for _ in range(int(y.sum() > 100)):
        x = y * 2.0
    return np.mean(x)


def both(x, y):
    return np.sum(x + y)


def reversed_and_not(x, y):
    return np.sum((x + y[::-1]) ** 2)


def reshaped(x, y):
    return np.sum((x.reshape(-1) + y.T.reshape(-1)) ** 2)


@pytest.mark.parametrize("f", [branch, loop, both, reversed_and_not, reshaped])
@pytest.mark.parametrize("generic", [False, True])
def test_gradients_are_apart(f, generic):
    x, y = np.ones((2, 3)), np.full((2, 3), 2.0)
    made = grad(f, argnums=(0, 1))
    if generic:
        namespace = {}
        exec(made.source, namespace)
        made = namespace[f"d_{f.__name__}"]
    found = arrays(made(x, y))
    assert len(found) == 2
    assert all(a.flags.writeable for a in found)
    for a, b in itertools.combinations([*found, x, y], 2):
        assert not np.shares_memory(a, b)


def test_the_entries_of_a_list_are_apart():
    def f(xs):
        return np.sum(sum(xs))

    found = grad(f)([np.ones(2), np.ones(2), np.ones(2)])
    found[0] += 1.0
    np.testing.assert_array_equal(found[1], [1.0, 1.0])
