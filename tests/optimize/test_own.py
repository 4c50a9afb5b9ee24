"""What a derivative hands out is the caller's own: writable, apart from all else."""

import numpy as np
import pytest
from graphs import derive, find, read, run, seeded
from zoo.numeric import identical, tree_leaves

from srcgrad.optimize.own import own_results
from srcgrad.optimize.passes import optimize

X = np.array([0.5, 1.5, 2.5])


def arrays(tree):
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, np.ndarray)]


def check(function, *args, argnums=0, value=False):
    """Run the generated gradient; what it gives is writable and shares memory with nothing."""
    made = optimize(derive(function, *args, argnums=argnums, value=value))
    result = run(made, *args)
    gradients = arrays(result[1] if value else result)
    for k, g in enumerate(gradients):
        assert g.flags.writeable
        others = gradients[:k] + arrays(list(args)) + (arrays(result[0]) if value else [])
        assert not any(np.shares_memory(g, other) for other in others)
    before = [a.copy() for a in arrays(list(args))]
    for g in gradients:
        g += 1.0
    assert identical(before, arrays(list(args)))
    return made


def test_a_broadcast_is_filled():
    made = check(lambda x: np.sum(x), X)
    assert find(made, np.full_like)
    assert not find(made, np.broadcast_to)


def test_a_broadcast_of_another_type_is_copied_as_it_is():
    x = np.ones(3, np.float32)
    made = check(lambda x: np.sum(x), x)
    assert seeded(made, x).dtype == np.float32


def test_two_gradients_that_are_equal_are_two_arrays():
    check(lambda x, y: np.sum(x + y), X, X.copy(), argnums=(0, 1))
    check(lambda x, y: np.sum(np.sin(x + y)), X, X.copy(), argnums=(0, 1))


def test_a_gradient_that_is_another_argument_is_a_copy_of_it():
    made = check(lambda x, y: np.sum(x * y), X, X.copy(), argnums=(0, 1))
    assert identical(run(made, X, X + 1.0)[0], X + 1.0)


def test_a_gradient_that_is_a_view_of_another_is_a_copy():
    check(lambda x, y: np.sum(np.sin(x + y.T)), np.ones((2, 3)), np.ones((3, 2)), argnums=(0, 1))


def test_a_gradient_does_not_share_memory_with_the_value_beside_it():
    def f(x):
        y = np.exp(x)
        return np.sum(y)

    check(f, X, value=True)


def test_entries_of_a_list_are_apart():
    check(lambda xs: np.sum(xs[0] + xs[1]), [X, X.copy()])
    check(lambda xs: sum([np.sum(x) for x in xs]), [X, X.copy(), X.copy()])


def test_a_list_that_spreads_one_cotangent():
    def f(xs):
        total = xs[0]
        for x in xs:
            total = total + x
        return np.sum(total)

    check(f, [X, X.copy()])


def test_a_gradient_made_anew_is_not_copied():
    made = check(lambda x: np.sum(np.sin(x)), X)
    assert not find(made, np.copy)


def test_what_is_not_a_derivative_is_left_alone():
    graph = read(lambda x: x, X)
    assert own_results(graph) is graph


@pytest.mark.parametrize("argnums", [(0, 0), (1, 0)])
def test_a_gradient_asked_for_twice_is_handed_out_twice(argnums):
    check(lambda x, y: np.sum(x * y * y), X, X.copy(), argnums=argnums)
