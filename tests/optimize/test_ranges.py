"""In `for i in range(n)`, i is the index: no range, no subscript, no length is left."""

import operator

import numpy as np
import pytest
from graphs import Adjoint, find, function_of, names_of, param, read

from srcgrad.ir.graph import FOR, Loop
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import PY_INT
from srcgrad.ir.verify import verify
from srcgrad.optimize.dce import eliminate
from srcgrad.optimize.ranges import count_by_range


def changed(function, *args):
    graph = read(function, *args)
    made = verify(eliminate(count_by_range(graph)))
    np.testing.assert_equal(interpret(made, args), function(*args))
    return made


def test_the_element_is_the_index_and_keeps_the_users_name():
    def f(x, n):
        total = 0.0
        for i in range(n):
            total = total + x[i] * i
        return total

    made = changed(f, np.arange(4.0), 4)
    assert not find(made, range, len)
    loop = Loop(find(made, FOR)[0])
    assert loop.count is made.params[1]
    assert loop.index.hint == "i"


@pytest.mark.parametrize("n", [0, -2])
def test_an_empty_range_still_runs_no_round(n):
    def f(x, n):
        for i in range(n):
            x = x * i
        return x

    changed(f, 2.0, n)


@pytest.mark.parametrize(
    "steps", [lambda n: range(1, n), lambda n: range(0, n, 2), lambda n: range(n, 0, -1)]
)
def test_a_range_that_does_not_count_from_zero_by_ones_stays(steps):
    def f(x, n):
        total = 0.0
        for i in steps(n):
            total = total + x * i
        return total

    made = changed(f, 2.0, 5)
    assert "range" in names_of(made)


def test_an_entry_at_any_other_integer_is_not_that_integer():
    def f(x, n, k):
        r = range(n)
        return x * r[k]

    made = changed(f, 2.0, 5, -1)
    assert find(made, operator.getitem)


def test_a_sum_of_the_index_is_no_index():
    def f(x, n):
        r = range(n)
        total = 0.0
        for i in range(n):
            total = total + x * r[i - 1]  # r[-1] is n - 1
        return total

    changed(f, 2.0, 5)


def test_a_range_walked_with_something_else_is_counted_with_it():
    def f(x, n):
        total = 0.0
        for i, v in zip(range(n), x):
            total = total + i * v
        return total

    changed(f, np.arange(4.0), 3)
    changed(f, np.arange(4.0), 9)


def test_an_index_of_an_outer_loop_serves_in_an_inner_one():
    def f(x, n):
        total = 0.0
        for i in range(n):
            for j in range(i):
                total = total + x * i * j
        return total

    made = changed(f, 2.0, 4)
    outer, inner = (Loop(op) for op in find(made, FOR))
    assert inner.count is outer.index


def test_other_sequences_are_still_counted_by_their_length():
    b, xs, k = Adjoint(), param("xs"), param("k", PY_INT)
    body = Adjoint()
    entry = body(operator.getitem, xs, k)
    (stack,) = b.emit_for(b(len, xs), [], body.block((k,), (entry,)))
    function = function_of(b, [xs], stack)
    assert names_of(count_by_range(function)) == ["len", "for_", "getitem"]
