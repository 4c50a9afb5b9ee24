"""Recursion: what becomes a callee, what its calls pass, and what is read in place instead."""

import math

import numpy as np
import pytest
from frontend.reading import agrees, names_of, read

from srcgrad.errors import UnsupportedSyntax
from srcgrad.frontend.lower import lower


def power(x, n):
    if n == 0:
        return 1.0
    return x * power(x, n - 1)


def test_a_function_that_calls_itself_is_its_own_callee():
    graph = agrees(power, 1.5, 4)
    assert list(graph.callees) == ["power"]
    assert graph.callees["power"] is graph
    assert names_of(graph).count("call") == 1


def test_a_callee_is_shared_by_all_calls():
    def f(x):
        return power(x, 3) + power(2 * x, 5) + power(np.ones(2) * x, 2).sum()

    graph = agrees(f, 1.5)
    assert set(graph.callees) <= {"power", "power_2"}
    assert names_of(graph).count("call") >= 3


def test_values_around_a_nested_function_become_parameters():
    def f(x, scale):
        shift = x * scale

        def go(t, n):
            return t if n == 0 else go(t * scale + shift, n - 1)

        first = go(x, 2)
        shift = 2 * shift
        return first + go(x, 3)

    graph = agrees(f, 1.5, 0.5)
    assert len(graph.callees) == 2
    for callee in graph.callees.values():
        assert [p.name for p in callee.signature] == ["t", "n", "scale", "shift"]


def test_mutual_recursion_of_nested_functions():
    def f(x, k):
        def even(t, n):
            return t * k if n == 0 else odd(t + k, n - 1)

        def odd(t, n):
            return -t if n == 0 else even(t * 2, n - 1)

        return even(x, 3) + odd(x, 2)

    agrees(f, 1.5, 0.5)


def test_results_with_structure():
    def f(x, n):
        def pair(t, n):
            if n == 0:
                return t, 1.0
            a, b = pair(t * 0.5, n - 1)
            return a + b, b * t

        p, q = pair(x, n)
        return p * q

    agrees(f, 1.5, 3)


def test_structures_that_shrink_are_read_in_place():
    def total(tree):
        if isinstance(tree, tuple | list):
            return sum([total(t) for t in tree])
        return tree * tree

    graph = agrees(total, (1.0, (2.0, [3.0, 4.0]), 5.0), generic=False)
    assert "call" not in names_of(graph)


def test_static_arguments_make_their_own_callees():
    def f(x):
        def go(t, n, how):
            if n == 0:
                return t
            return go(math.sin(t) if how == "sin" else t * t, n - 1, how)

        return go(x, 3, "sin") + go(x, 2, "square")

    graph = agrees(f, 0.5)
    assert set(graph.callees) == {"go", "go_2"}


def test_recursion_over_halves_of_an_array():
    def f(x):
        n = len(x)
        if n == 1:
            return x[0] ** 2
        return f(x[: n // 2]) * 0.5 + f(x[n // 2 :])

    graph = agrees(f, np.arange(8.0))
    assert graph.params[0].facts.shape is None


def test_methods_and_partials_recurse():
    import functools

    class Solver:
        def __init__(self):
            self.tol = 1e-3

        def solve(self, x, n):
            if abs(x) < self.tol or n == 0:
                return x
            return self.solve(x / 3, n - 1)

    solver = Solver()
    graph = agrees(solver.solve, 2.0, 9)
    assert {c.name for c in graph.captures} == {"self.tol"}
    agrees(functools.partial(power, n=3), 2.0)
    agrees(lambda x: solver.solve(x, 5) * 2, 2.0)


def test_recursion_in_a_loop_and_a_branch():
    def f(x, n):
        total = 0.0
        for k in range(n):
            if k % 2 == 0:
                total += power(x, k)
        return total

    graph = agrees(f, 1.5, 5)
    assert list(graph.callees) == ["power"]


def test_number_arguments_of_other_kinds():
    def f(x, n):
        return x if n <= 0 else f(x * n, n - 1) + f(x, n - 2.0)

    agrees(f, 2, 3)


def test_unbounded_structures_are_refused():
    def f(x, history=()):
        return f(x * 2, (*history, x)) if x < 10 else sum(history)

    with pytest.raises(UnsupportedSyntax, match="nested"):
        read(f, 1.0)


def test_a_recursive_function_that_rebinds_outer_names_is_refused():
    def f(x):
        count = 0.0

        def go(t, n):
            nonlocal count
            count = count + 1
            return t if n == 0 else go(t * 2, n - 1)

        return go(x, 3) + count

    with pytest.raises(UnsupportedSyntax, match="a name of the function around it"):
        lower(f)


def test_printing_recursion_prints_once():
    def f(x, n):
        print(n, end=" ")
        return x if n == 0 else f(x * 2, n - 1)

    agrees(f, 1.0, 3)


def test_lambdas_recurse():
    fact = lambda n, x: x if n <= 1 else n * fact(n - 1, x)  # noqa: E731
    agrees(fact, 4, 0.5)
    agrees(lambda x: fact(3, x), 0.5)
