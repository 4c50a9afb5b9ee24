"""Active is what depends on the arguments asked for and matters to what is asked of them."""

import numpy as np
import pytest
from graphs import Adjoint, derive, find, function_of, names_of, param, read

from srcgrad.analysis.activity import Activity, carries_derivative, differentiable_operands
from srcgrad.ir.build import Builder
from srcgrad.ir.graph import FOR, WHILE, Loop, Primitive, walk
from srcgrad.ir.types import Facts, array, facts_of

X = np.array([0.5, 1.5, 2.5])


def active_names(function, *args, argnums=(0,)):
    """The hints of the active values."""
    graph = read(function, *args)
    active = Activity(graph.body, [graph.params[k] for k in argnums], graph.result)
    every = {v for op in walk(graph.body) for v in op.results}
    every |= {v for op in walk(graph.body) for b in op.blocks for v in b.params}
    every |= set(graph.params)
    return {v.hint for v in every if v in active and v.hint}


@pytest.mark.parametrize(
    ("value", "carries"),
    [
        (1.0, True),
        (1j, True),
        (np.ones(2), True),
        (np.ones(2, np.float32), True),
        ([1, 2], True),  # what a container holds is looked at entry by entry
        (1, False),
        (True, False),
        (np.arange(2), False),
        (np.ones(2, bool), False),
        (np.int8(1), False),
        ("relu", False),
        (None, False),
        (np.tanh, False),
        (range(3), False),
    ],
)
def test_what_can_have_a_derivative(value, carries):
    assert carries_derivative(facts_of(value)) is carries


def test_what_is_not_known_may_have_a_derivative():
    assert carries_derivative(Facts())
    assert carries_derivative(array())


def test_what_does_not_depend_on_the_argument_is_not_active():
    def f(x, y):
        a = np.sin(y)
        b = np.cos(x)
        return np.sum(a * b)

    assert active_names(f, X, X) == {"x", "b"}
    assert active_names(f, X, X, argnums=(1,)) == {"y", "a"}
    assert active_names(f, X, X, argnums=(0, 1)) == {"x", "y", "a", "b"}


def test_what_the_result_does_not_depend_on_is_not_active():
    def f(x):
        a = np.sin(x)
        b = np.cos(x)
        print(b[0])
        return np.sum(a)

    assert active_names(f, X) == {"x", "a"}


@pytest.mark.parametrize("cut", [np.sign, np.floor, np.argsort, lambda x: x > 1, np.shape])
def test_nothing_flows_through_what_is_flat_or_whole(cut):
    def f(x):
        a = cut(x)
        return np.sum(np.asarray(a) * 2.0)

    assert active_names(f, X) == set()


def test_nothing_flows_to_an_index():
    def f(x, y):
        k = int(y)
        a = x[k]
        return a * 2.0

    assert active_names(f, X, 1.0, argnums=(0, 1)) == {"x", "a"}


def test_a_loop_is_gone_round_until_nothing_more_varies():
    def f(x):
        a, b, c = 0.0, 0.0, 0.0
        for _ in range(5):
            c = b * 2.0  # varies from the third round on
            b = a * 2.0
            a = x
        return c

    assert {"a", "b", "c", "x"} <= active_names(f, 1.0)


def test_a_loop_is_gone_round_backwards_until_nothing_more_matters():
    def f(x):
        a, b, c = x, x, x
        for _ in range(5):
            a, b, c = b * 2.0, c * 2.0, c * 3.0
        return a

    assert {"a", "b", "c"} <= active_names(f, 1.0)


def test_what_a_loop_carries_and_nobody_asks_for_is_not_active():
    def f(x):
        total, unread = 0.0, 1.0
        for _ in range(5):
            total = total + x
            unread = unread * x
        print(unread)
        return total

    assert "unread" not in active_names(f, 1.0)
    assert "total" in active_names(f, 1.0)


def test_a_counter_is_not_active_although_it_is_carried():
    def f(x):
        n = 0
        while x < 100.0:
            x = x * 2.0
            n = n + 1
        return x * n

    names = active_names(f, 1.0)
    assert "x" in names
    assert "n" not in names


def test_either_side_of_a_branch_makes_its_result_active():
    def f(x, y):
        if y > 0:
            z = x * 2.0
        else:
            z = y
        return z

    assert active_names(f, 1.0, 1.0) == {"x", "z"}


def test_what_only_a_condition_reads_is_not_active():
    def f(x, y):
        limit = x * 2.0
        if limit > 1.0:
            y = y * 3.0
        return y

    assert active_names(f, 1.0, 1.0) == set()


def test_an_entry_of_a_list_that_a_loop_makes_is_active():
    def f(x):
        rows = [x * k for k in range(4)]
        return rows[0] + rows[3]

    graph = read(f, 2.0)
    active = Activity(graph.body, graph.params, graph.result)
    (loop,) = find(graph, FOR)
    assert Loop(loop).entries[0] in active
    assert Loop(loop).stacks[0] in active


def test_the_arguments_of_a_call_matter_if_its_result_does():
    def power(x, n):
        return 1.0 if n == 0 else x * power(x, n - 1)

    def f(x):
        y = np.sin(x)
        return power(y, 3)

    assert {"x", "y"} <= active_names(f, 0.5)


def test_the_operands_that_a_rule_has_a_formula_for():
    b, c, x, y = Adjoint(), param("c"), param("x"), param("y")
    b(np.where, c, x, y)
    assert list(differentiable_operands(b.ops[0])) == [x, y]


def test_an_op_without_a_rule_varies_with_all_it_reads():
    b, x, y = Builder(), param("x"), param("y")
    unknown = Primitive("unknown", lambda x, y: x)
    z = b.emit(unknown, [x], {"y": [y]})
    function = function_of(b, [x, y], z)
    assert list(differentiable_operands(function.body.ops[0])) == [x, y]
    assert z in Activity(function.body, [y], z)


def test_an_inactive_argument_costs_nothing():
    def f(x, y):
        return np.sum(np.exp(x) * 3.0 + np.cos(y))

    assert "np.sin" not in names_of(derive(f, X, X), adjoint=True)
    assert "np.sin" in names_of(derive(f, X, X, argnums=1), adjoint=True)


def test_a_while_loop_is_looked_through_like_any_other():
    def f(x):
        y = x
        while y < 10.0:
            y = y * x
        return y

    graph = read(f, 2.0)
    active = Activity(graph.body, graph.params, graph.result)
    (loop,) = find(graph, WHILE)
    assert all(v in active for v in Loop(loop).carried if v.hint == "y")
