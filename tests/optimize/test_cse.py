"""What the backward sweep would compute again is computed once; the user's lines stay apart."""

import operator

import numpy as np
import pytest
from graphs import Adjoint, derive, find, function_of, names_of, param, read, seeded

from srcgrad import runtime
from srcgrad.ir.graph import IF, Block, Primitive
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import array
from srcgrad.ir.verify import verify
from srcgrad.optimize.cse import share

X = array("float64", (3,))


@pytest.fixture
def b():
    return Adjoint()


@pytest.fixture
def x():
    return param("x", X)


def count(b, x, *results):
    """How many ops are left, and the results that read them."""
    function = verify(share(function_of(b, [x], results)))
    return len(function.body.ops), function.result


def test_a_repeated_adjoint_op_is_read_instead(b, x):
    y, z = b(np.sin, x), b(np.sin, x)
    assert count(b, x, y, z) == (1, (y, y))


def test_an_adjoint_op_may_repeat_a_primal_one(x):
    b = Adjoint(adjoint=False)
    y = b(np.sin, x)
    b.adjoint = True
    z = b(np.sin, x)
    assert count(b, x, y, z) == (1, (y, y))


def test_two_primal_ops_are_never_merged(x):
    b = Adjoint(adjoint=False)
    y, z = b(np.sin, x), b(np.sin, x)
    assert count(b, x, y, z) == (2, (y, z))


def test_a_primal_op_is_not_replaced_by_an_adjoint_one_before_it(b, x):
    y = b(np.sin, x)
    b.adjoint = False
    z = b(np.sin, x)
    assert count(b, x, y, z) == (2, (y, z))


def test_chains_are_followed(b, x):
    y = b(np.exp, b(np.sin, x))
    z = b(np.exp, b(np.sin, x))
    assert count(b, x, y, z) == (2, (y, y))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((operator.mul, 2), (operator.mul, 2.0)),  # another type of result
        ((operator.mul, 1), (operator.mul, True)),
        ((operator.mul, 0.0), (operator.mul, -0.0)),
        ((operator.mul, 2.0), (operator.add, 2.0)),
    ],
)
def test_ops_that_differ_are_not_one(b, x, one, other):
    y, z = b(one[0], x, one[1]), b(other[0], x, other[1])
    assert count(b, x, y, z)[0] == 2


def test_keyword_arguments_count(b, x):
    y, z, again = b(np.sum, x, axis=0), b(np.sum, x), b(np.sum, x, axis=0)
    assert count(b, x, y, z, again) == (2, (y, z, y))


def test_structures_are_compared_by_what_they_hold(b, x):
    y, z = b(np.stack, [x, x]), b(np.stack, [x, x])
    other = b(np.concatenate, (x, x))
    assert count(b, x, y, z, other) == (2, (y, y, other))


def test_what_makes_memory_is_not_shared(b, x):
    y, z = b(np.zeros_like, x), b(np.zeros_like, x)
    u, v = b(runtime.zeros_like, x), b(runtime.zeros_like, x)
    assert count(b, x, y, z, u, v)[0] == 4


def test_what_costs_nothing_is_asked_again(b, x):
    y, z = b(operator.getitem, x, 0), b(operator.getitem, x, 0)
    s, t = b(np.shape, x), b(np.shape, x)
    assert count(b, x, y, z, s, t)[0] == 4


def test_what_must_run_runs_each_time(b, x):
    note = Primitive("note", print, effect=True)
    b.emit(note, [x])
    b.emit(note, [x])
    assert count(b, x)[0] == 2


def test_constants_that_cannot_be_compared_are_left_alone(b, x):
    y, z = b(operator.add, x, np.ones(3)), b(operator.add, x, np.ones(3))
    assert count(b, x, y, z)[0] == 2


def test_a_block_may_read_what_stands_before_it(b, x):
    y = b(np.sin, x)
    inner = Adjoint()
    again = inner(np.sin, x)
    (result,) = b.emit_if(True, inner.block((), (again,)), Block((), (), (x,)))
    function = verify(share(function_of(b, [x], (y, result))))
    assert find(function, IF)[0].blocks[0].results == (y,)
    assert len(find(function, np.sin)) == 1


def test_what_one_side_computes_is_not_known_on_the_other_or_behind(b, x):
    then, orelse = Adjoint(), Adjoint()
    one, two = then(np.sin, x), orelse(np.sin, x)
    (result,) = b.emit_if(True, then.block((), (one,)), orelse.block((), (two,)))
    behind = b(np.sin, x)
    function = verify(share(function_of(b, [x], (result, behind))))
    assert len(find(function, np.sin)) == 3


def test_a_gradient_asks_once_for_what_its_rules_both_read():
    def f(x):
        return np.sum(np.tanh(x) * np.exp(x))

    args = (np.array([0.5, 1.5]),)
    made = derive(f, *args)
    shared = verify(share(made))
    assert names_of(shared).count("np.exp") == 1
    np.testing.assert_array_equal(seeded(shared, *args), seeded(made, *args))


def test_the_users_repetitions_stay():
    def f(x):
        return np.sin(x) * np.sin(x)

    graph = read(f, 0.5)
    assert names_of(share(graph)).count("np.sin") == 2
    assert interpret(share(graph), [0.5]) == f(0.5)
