"""Backwards through branches, loops and calls: the graph's gradient is that of the program."""

import contextlib

import numpy as np
import pytest
from graphs import central_difference, derive, find, read, seeded

from srcgrad.autodiff.reverse import Wanted, gradient
from srcgrad.ir.graph import CALL, FOR, IF, UNDEFINED, WHILE, WITH, Loop, values_in
from srcgrad.ir.verify import verify
from srcgrad.pipeline import primal

X = np.array([0.5, 1.5, 2.5])


def agrees(function, *args, argnum=0):
    """Hold both graphs of the gradient against central differences; give the specialised one."""
    expected = central_difference(function, args, argnum)
    made = derive(function, *args, argnums=argnum)
    generic = verify(gradient(primal(function, None), [Wanted(argnum)], single=True))
    for each in (made, generic):
        np.testing.assert_allclose(seeded(each, *args), expected, rtol=1e-6, atol=1e-8)
    return made


# -- branches ---------------------------------------------------------------------------------------


def piecewise(x):
    y = x * 2.0
    if x > 1.0:
        y = np.sin(y) * x
    else:
        z = x * x
        y = z * y
    return y * x


@pytest.mark.parametrize("x", [0.5, 1.5])
def test_the_side_that_ran_is_reversed(x):
    agrees(piecewise, x)


def test_a_branch_hands_out_what_its_reverse_reads():
    made = agrees(piecewise, 1.5)
    forward, backward = find(made, IF)
    assert forward.adjoint is False and backward.adjoint is True
    assert backward.args == forward.args
    # What one side alone computes is undefined on the other, and only read again on its own.
    assert any(UNDEFINED in block.results for block in forward.blocks)


def test_a_side_that_does_nothing_passes_its_cotangent_on():
    def f(x, y):
        if y > 0:
            x = x * y
        return x * x

    for y in (2.0, -2.0):
        agrees(f, 0.5, y)
        agrees(f, 0.5, y, argnum=1)


def test_a_name_bound_on_one_side_only():
    def f(x):
        if x > 0:
            bonus = x * x
        if x > 0:
            x = x + bonus
        return x * 3.0

    agrees(f, 0.5)
    agrees(f, -0.5)


def test_branches_in_branches():
    def f(x, y):
        if x > 0:
            if y > 0:
                z = x * y
            else:
                z = x / y
            z = z * x
        elif y > 0:
            z = np.exp(x)
        else:
            z = y
        return z * z

    for x in (0.7, -0.7):
        for y in (0.4, -0.4):
            agrees(f, x, y)
            agrees(f, x, y, argnum=1)


def test_the_two_sides_may_give_containers():
    def f(x):
        if x > 1.0:
            pair = (x, x * x)
        else:
            pair = (x * 3.0, x)
        return pair[0] * pair[1]

    agrees(f, 0.5)
    agrees(f, 1.5)


def test_a_block_in_a_context_is_reversed_in_the_same_context():
    def f(x):
        with np.errstate(divide="ignore"):
            y = x / (x - 0.25)
        return np.sum(y * x)

    made = agrees(f, X)
    assert [op.adjoint for op in find(made, WITH)] == [False, True]
    assert [op.kwargs for op in find(made, np.errstate)] == [{"divide": "ignore"}] * 2


# -- loops --------------------------------------------------------------------------------------------


def test_a_counted_loop_is_reversed_by_as_many_rounds_last_first():
    def f(x, n):
        y = x
        for k in range(n):
            y = np.sin(y) * (k + 1.0)
        return y

    made = agrees(f, 0.4, 4)
    forward, backward = find(made, FOR)
    assert Loop(backward).count is Loop(forward).count
    assert (Loop(forward).reverse, Loop(backward).reverse) == (False, True)
    assert seeded(made, 0.4, 0) == 1.0


def test_a_loop_that_stops_is_reversed_by_the_rounds_it_made():
    def f(x):
        y = x
        for _ in range(100):
            y = y * x
            if y > 50.0:
                break
        return y

    made = agrees(f, 2.5)
    _, backward = find(made, FOR)
    assert not Loop(backward).stops


def test_a_while_loop_becomes_a_counted_one():
    def f(x):
        y = x
        while y < 100.0:
            y = y * y * x
        return y

    made = agrees(f, 1.7)
    assert [op.adjoint for op in find(made, WHILE)] == [False]
    assert [op.adjoint for op in find(made, FOR)] == [True]
    assert seeded(made, 200.0) == 1.0


def test_values_that_change_places_each_round():
    def f(x, y):
        a, b = x, y
        for _ in range(3):
            a, b = b, a * np.sin(b)
        return a * b

    agrees(f, 0.4, 1.3)
    agrees(f, 0.4, 1.3, argnum=1)


def test_a_value_that_each_round_overwrites_unread():
    def f(x):
        last = x
        total = 0.0
        for k in range(3):
            last = x * k
            total = total + last * last
        return total + last

    agrees(f, 0.4)


def test_a_value_from_outside_gathers_its_cotangent_over_all_rounds():
    def f(w, x):
        for _ in range(3):
            x = np.tanh(w * x)
        return np.sum(x)

    made = agrees(f, X, X)
    _, backward = find(made, FOR)
    assert "d_w" in {p.hint for p in Loop(backward).carried}


def test_entries_that_a_loop_stacks():
    def f(x):
        rows = [np.sin(x) * k for k in range(4)]
        return rows[1] * rows[3]

    agrees(f, 0.4)


def test_a_stack_read_in_another_loop():
    def f(x):
        rows = [v * v for v in x]
        total = 0.0
        for k in range(len(rows)):
            total = total + rows[k] * rows[-1 - k]
        return total

    agrees(f, X)


def test_loops_in_loops():
    def f(x, n):
        total = 0.0
        for i in range(n):
            row = x
            for j in range(i):
                row = row * np.sin(x) + j
            total = total + row * row
        return total

    agrees(f, 0.4, 4)
    assert seeded(derive(f, 0.4, 0), 0.4, 0) == 0.0


def test_a_branch_in_a_loop_remembers_each_round():
    def f(x):
        y = 1.0
        for v in x:
            if v > 1.0:
                y = y * v
            else:
                y = y + np.exp(v)
        return y

    agrees(f, X)
    agrees(f, X - 2.0)


def test_continue_and_early_return():
    def f(x, limit):
        total = 0.0
        for v in x:
            if v < 1.0:
                continue
            total = total + v * v
            if total > limit:
                return total * v
        return total

    agrees(f, X, 2.0)
    agrees(f, X, 200.0)


def test_a_loop_over_a_list_that_grows():
    def f(x):
        parts = []
        for k in range(3):
            parts = parts + [np.sin(x) * k]
        return parts[0] + parts[1] * parts[2]

    agrees(f, 0.4)


def test_what_a_loop_carries_may_be_a_container():
    def f(x):
        state = {"a": x, "b": (x * x, 1.0)}
        for _ in range(3):
            state = {"a": state["b"][0] * x, "b": (state["a"], state["b"][1] * x)}
        return state["a"] * state["b"][1]

    agrees(f, 0.7)


def test_a_number_that_becomes_an_array():
    def f(x, n):
        total = 0.0
        for _ in range(n):
            total = total + x
        return np.sum(total * total)

    agrees(f, X, 3)
    np.testing.assert_array_equal(seeded(derive(f, X, 0), X, 0), np.zeros(3))


def test_a_carried_value_nobody_asks_for_is_not_carried_back():
    def f(x):
        y, unread = x, x
        for _ in range(3):
            y = y * x
            unread = unread * y
        print(unread)
        return y

    with contextlib.redirect_stdout(None):
        made = agrees(f, 0.5)
    (backward,) = [op for op in find(made, FOR) if op.adjoint]
    assert not {p.hint for p in Loop(backward).carried} & {"d_unread"}


# -- calls --------------------------------------------------------------------------------------------


def power(x, n):
    return 1.0 if n == 0 else x * power(x, n - 1)


def even(x, n):
    return x if n == 0 else odd(x, n - 1) * x


def odd(x, n):
    return np.sin(x) if n == 0 else even(x, n - 1) + x


def test_a_function_that_calls_itself_becomes_a_pair_that_does():
    def f(x, n):
        return power(np.sin(x), n) * x

    made = agrees(f, 0.7, 3)
    called = {op.attrs["callee"] for op in find(made, CALL)}
    assert called == {"power_forward", "power_backward"}
    assert called <= set(made.callees)


def test_functions_that_call_one_another():
    def f(x, n):
        return even(x, n) * 2.0

    for n in range(4):
        agrees(f, 0.7, n)


def test_a_call_in_a_loop_saves_what_it_needs_each_round():
    def f(x):
        total = 0.0
        for k in range(4):
            total = total + power(x, k) * total + x
        return total

    agrees(f, 0.7)


def test_a_recursive_function_itself():
    agrees(power, 0.7, 3)


def test_gradients_of_graphs_read_only_what_they_define():
    def f(x, n):
        y = x
        for k in range(n):
            if k > 1:
                y = power(y, 2) * np.sin(y)
            while y > 3.0:
                y = y / x
        return y

    made = agrees(f, 1.4, 4)  # verified on the way
    assert values_in(made.result)
    assert read(f, 1.4, 4).signature == made.signature[:-1]
