"""What a reversed loop keeps of each round, and what it computes again instead."""

import operator

import numpy as np
import pytest
from graphs import Adjoint, derive, find, function_of, param, primitive, seeded

from srcgrad.autodiff.residuals import Residuals, is_cheap
from srcgrad.ir.build import Builder
from srcgrad.ir.graph import FOR, WHILE, Loop, Primitive, Value
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import PY_FLOAT, PY_INT, array
from srcgrad.optimize.passes import optimize

X = array("float64", (3,))


@pytest.fixture
def b():
    return Adjoint()


@pytest.fixture
def k():
    return param("k", PY_INT)


def choose(b, k, carried, *wanted, passes=1):
    return Residuals(k, carried, b.ops, wanted, passes).kept


def test_what_an_expensive_function_gives_is_kept(b, k):
    p = param("p", X)
    y = b(np.exp, p)
    assert choose(b, k, [p], y) == [y]


def test_nothing_is_kept_that_is_not_asked_for(b, k):
    p = param("p", X)
    b(np.exp, p)
    assert choose(b, k, [p]) == []


def test_the_index_and_what_stands_outside_are_at_hand(b, k):
    outside = param("x", X)
    y = b(operator.getitem, outside, k)
    assert choose(b, k, [], y, k, outside) == []


def test_a_sum_of_what_is_kept_is_computed_again(b, k):
    p, q = param("p", X), param("q", X)
    y = b(operator.add, p, q)
    assert choose(b, k, [p, q], p, q, y) == [p, q]


def test_a_sum_of_what_is_not_kept_is_kept_rather_than_its_terms(b, k):
    p, q = param("p", X), param("q", X)
    y = b(operator.add, p, q)
    assert choose(b, k, [p, q], y) == [y]


def test_so_many_passes_over_arrays_and_no_more(b, k):
    p, outside = param("p", X), param("x", X)
    y = b(operator.mul, p, outside)
    z = b(operator.add, y, outside)
    assert choose(b, k, [p], p, z, passes=0) == [p, z]
    assert choose(b, k, [p], p, z, passes=1) == [p, z]
    assert choose(b, k, [p], p, z, passes=2) == [p]


def test_views_are_free(b, k):
    p = param("p", X)
    y = b(operator.getitem, p, (slice(1, None),))
    z = b(np.transpose, y)
    assert choose(b, k, [p], p, z, passes=0) == [p]


def test_arithmetic_on_single_integers_is_free(b, k):
    n = param("n", PY_INT)
    half = b(operator.floordiv, b(operator.sub, n, k), 2)
    assert half.facts == PY_INT
    assert choose(b, k, [], half, passes=0) == []


def test_kept_values_stand_in_program_order(b, k):
    p = param("p", X)
    y = b(np.sin, p)
    z = b(np.cos, p)
    assert choose(b, k, [p], z, y, p) == [p, y, z]


def op(function, *args, facts=None, **kwargs):
    builder = Builder()
    builder.emit(primitive(function), args, kwargs, facts=facts)
    return builder.ops[0]


@pytest.mark.parametrize(
    ("made", "cheap"),
    [
        (op(operator.add, param("x", X), 1.0), True),
        (op(np.exp, param("x", X)), False),
        (op(np.reshape, param("x", X), (3, 1)), True),
        (op(operator.getitem, param("x", X), slice(1)), True),
        (op(operator.getitem, param("x", X), param("k", PY_INT)), True),
        (op(operator.getitem, param("x", X), [0, 1]), False),
        (op(operator.getitem, param("x", X), param("m", array("bool", (3,)))), False),
        (op(operator.getitem, param("x", X), np.array([0, 1])), False),
        (op(operator.getitem, param("x", X), (slice(1), param("j", array("int64")))), False),
        (op(operator.floordiv, param("n", PY_INT), 2), True),
        (op(operator.floordiv, param("x", X), 2.0), False),
    ],
)
def test_what_costs_no_more_than_reading_it_from_memory(made, cheap):
    assert is_cheap(made) is cheap


def test_what_must_run_once_is_never_computed_again():
    b = Builder()
    b.emit(Primitive("next_", next, effect=True), [1], facts=PY_INT)
    assert not is_cheap(b.ops[0])


def test_recovered_values_are_those_of_the_round(b, k):
    p, outside = param("p", PY_FLOAT), param("x", PY_FLOAT)
    e = b(np.exp, p)
    y = b(operator.mul, e, outside)
    z = b(operator.add, y, k)
    choice = Residuals(k, [p], b.ops, [e, z], passes=2)
    assert choice.kept == [e]
    reader, kept = Adjoint(), param("kept", PY_FLOAT)
    table = {k: 4}
    choice.recover([e, z], {e: kept}.__getitem__, reader, table)
    assert table[e] is kept
    function = function_of(reader, [kept, outside], table[z])
    assert interpret(function, [2.0, 3.0]) == 10.0


def test_what_is_shared_is_recovered_once(b, k):
    x = param("x", X)
    part = b(operator.getitem, x, k)
    y, z = b(operator.add, part, 1.0), b(operator.mul, part, 2.0)
    reader = Adjoint()
    choice = Residuals(k, [], b.ops, [y, z])
    choice.recover([y, z], {}.__getitem__, reader, {k: k})
    assert [o.primitive.function for o in reader.ops] == [
        operator.getitem,
        operator.add,
        operator.mul,
    ]


# -- whole loops ----------------------------------------------------------------------------------


def stacks(function, *args, kind=FOR, argnums=0):
    """How many stacks the forward loop of a gradient makes."""
    gradient = optimize(derive(function, *args, argnums=argnums))
    forward = [o for o in find(gradient, kind) if not o.adjoint]
    return sum(len(Loop(o).stacks) for o in forward)


def decay(u, c, n):
    for _ in range(n):
        u = u - c * u
    return np.sum(u)


def test_a_loop_that_is_linear_in_what_is_asked_for_keeps_nothing():
    assert stacks(decay, np.ones(5), 0.1, 3) == 0
    assert stacks(decay, np.ones(5), 0.1, 3, argnums=1) == 1


def powers(x, n):
    y = x
    for _ in range(n):
        y = np.sin(y) * np.exp(y)
    return y


def test_a_loop_keeps_what_its_rules_read():
    gradient = derive(powers, 0.3, 4)
    (loop,) = [o for o in find(gradient, FOR) if not o.adjoint]
    kept = [e for e in Loop(loop).entries if isinstance(e, Value)]
    made = {r: o.primitive.name for o in loop.blocks[0].ops for r in o.results}
    # exp(y) is its own derivative; cos(y) asks for y, the product for both its factors
    assert sorted(made.get(v, v.hint) for v in kept) == ["np.exp", "np.sin", "y"]
    step = 1e-6
    slope = (powers(0.3 + step, 4) - powers(0.3 - step, 4)) / (2 * step)
    assert seeded(gradient, 0.3, 4) == pytest.approx(slope)


def total(x):
    s = 0.0
    while s < 10.0:
        s = s + x
    return s


def test_rounds_of_which_nothing_is_kept_are_still_counted():
    gradient = derive(total, 3.0)
    (loop,) = [o for o in find(gradient, WHILE) if not o.adjoint]
    assert Loop(loop).entries == (None,)
    assert seeded(gradient, 3.0) == 4.0
