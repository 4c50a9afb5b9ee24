"""After simplification a loop keeps what its reverse still reads, and computes again what is cheap."""

import operator

import numpy as np
import pytest
from graphs import Adjoint, derive, find, function_of, param, seeded

from srcgrad.ir.graph import FOR, WHILE, Loop
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import PY_FLOAT, PY_INT, Facts
from srcgrad.ir.verify import verify
from srcgrad.optimize.dce import eliminate
from srcgrad.optimize.passes import optimize
from srcgrad.optimize.remat import rematerialize

X = np.array([0.5, 1.5, 2.5])


def loops(kept, read):
    """A loop that stacks what `kept(b, p)` makes, and one that reads it back, last first.

    `read(b, entry, k)` makes of an entry what the second loop adds up.
    """
    b, x = Adjoint(adjoint=False), param("x", PY_FLOAT)
    k, p, body = param("k", PY_INT), param("p", PY_FLOAT), Adjoint(adjoint=False)
    entry = kept(body, p, k, x)
    stepped = body(np.sin, p)
    _, stack = b.emit_for(3, [x], body.block((k, p), (stepped, entry)))
    j, total, back = param("j", PY_INT), param("total", PY_FLOAT), Adjoint()
    again = back(operator.getitem, stack, j, facts=PY_FLOAT)
    new = back(operator.add, total, read(back, again, j))
    (result,) = b.emit_for(3, [0.0], back.block((j, total), (new,)), reverse=True)
    return function_of(b, [x], result)


def stacks(function):
    """How many stacks the first loop of a function makes, after what nobody reads is gone."""
    return len(Loop(find(eliminate(function), FOR)[0]).stacks)


def same(function, changed):
    assert interpret(verify(changed), [0.7]) == pytest.approx(interpret(function, [0.7]), rel=1e-15)


def plain(b, entry, k):
    return entry


def test_an_entry_that_costs_more_than_memory_is_kept():
    function = loops(lambda b, p, k, x: b(np.exp, p), plain)
    changed = rematerialize(function)
    assert stacks(changed) == 1
    same(function, changed)


def test_an_entry_made_of_what_stands_outside_is_computed_again():
    function = loops(lambda b, p, k, x: b(operator.mul, x, k), plain)
    changed = rematerialize(function)
    assert stacks(changed) == 0
    same(function, changed)


def test_the_index_is_not_kept():
    function = loops(lambda b, p, k, x: k, plain)
    changed = rematerialize(function)
    assert stacks(changed) == 0
    same(function, changed)


def test_a_sum_of_what_each_round_makes_is_kept_itself():
    function = loops(lambda b, p, k, x: b(operator.add, p, x), plain)
    changed = rematerialize(function)
    (stack,) = Loop(find(changed, FOR)[0]).stacks
    assert stacks(changed) == 1
    assert stack.facts == Facts("list", element=PY_FLOAT)
    same(function, changed)


def test_what_is_kept_anyway_serves_what_is_made_of_it():
    b, x = Adjoint(adjoint=False), param("x", PY_FLOAT)
    k, p, body = param("k", PY_INT), param("p", PY_FLOAT), Adjoint(adjoint=False)
    e = body(np.exp, p)
    y = body(operator.mul, e, x)
    _, first, second = b.emit_for(3, [x], body.block((k, p), (e, e, y)))
    j, total, back = param("j", PY_INT), param("total", PY_FLOAT), Adjoint()
    one = back(operator.getitem, first, j, facts=PY_FLOAT)
    two = back(operator.getitem, second, j, facts=PY_FLOAT)
    new = back(operator.add, total, back(operator.mul, one, two))
    (result,) = b.emit_for(3, [0.0], back.block((j, total), (new,)), reverse=True)
    function = function_of(b, [x], result)
    changed = rematerialize(function)
    assert stacks(function) == 2
    assert stacks(changed) == 1
    same(function, changed)


def test_a_stack_that_is_the_programs_own_stays():
    def f(x):
        rows = [v * 2.0 for v in x]
        return rows[0] * rows[2]

    made = optimize(derive(f, X))
    np.testing.assert_allclose(seeded(made, X), [10.0, 0.0, 2.0])


def test_a_count_of_rounds_asks_a_stack_that_stays():
    def f(x):
        y = x
        while y < 100.0:
            y = y * y * x
        return y

    made = optimize(derive(f, 1.7))
    step = 1e-6
    assert seeded(made, 1.7) == pytest.approx((f(1.7 + step) - f(1.7 - step)) / (2 * step))
    (length,) = find(made, len)
    (forward,) = find(made, WHILE)
    assert length.args[0] in Loop(forward).stacks


def diffusion(u, c, n):
    for _ in range(n):
        u = u + c * (np.roll(u, 1) - 2 * u)
    return np.sum(u * u)


@pytest.mark.parametrize(("argnum", "kept"), [(0, 0), (1, 1)])
def test_only_what_a_live_adjoint_reads_is_kept(argnum, kept):
    made = optimize(derive(diffusion, X, 0.1, 4, argnums=argnum))
    (forward,) = [op for op in find(made, FOR) if not op.adjoint]
    assert len(Loop(forward).stacks) == kept


def test_loops_in_loops_are_chosen_anew_too():
    def f(x, n):
        total = 0.0
        for i in range(n):
            y = x
            for j in range(i):
                y = np.sin(y) * (i + j)
            total = total + y * y
        return total

    made = derive(f, 0.7, 4)
    assert seeded(verify(optimize(made)), 0.7, 4) == pytest.approx(seeded(made, 0.7, 4), rel=1e-14)
