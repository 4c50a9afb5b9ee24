"""A branch that decides nothing gives its results away."""

import numpy as np
import pytest
from graphs import Adjoint, find, function_of, param, read

from srcgrad.ir.graph import IF, Block, values_in
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import PY_FLOAT, array, facts_of
from srcgrad.ir.verify import verify
from srcgrad.optimize.branches import tidy_branches
from srcgrad.optimize.dce import eliminate

FLAG = facts_of(True)


def branch(yes, no, facts=FLAG, decides=False):
    """A branch on `flag` that gives one of two things, and what is returned."""
    b, flag, x = Adjoint(), param("flag", facts), param("x", PY_FLOAT)
    ends = [v(flag, x) if callable(v) else v for v in (yes, no)]
    (result,) = b.emit_if(flag, *(Block((), (), (end,)) for end in ends))
    if decides:
        (result,) = b.emit_if(result, Block((), (), (1.0,)), Block((), (), (2.0,)))
    return verify(tidy_branches(function_of(b, [flag, x], result)))


def test_what_both_sides_give_is_given_anyway():
    function = branch(lambda flag, x: x, lambda flag, x: x)
    assert function.result is function.params[1]


def test_what_differs_stays():
    for ends in ((1.0, 2.0), (lambda flag, x: x, 1.0)):
        function = branch(*ends)
        assert function.result in find(function, IF)[0].results


def test_true_or_false_is_the_condition():
    function = branch(True, False)
    assert function.result is function.params[0]


def test_false_or_true_is_not_the_condition():
    function = branch(False, True)
    assert function.result is not function.params[0]


@pytest.mark.parametrize("facts", [PY_FLOAT, array("bool", ()), facts_of(np.int64(1))])
def test_a_condition_of_another_kind_is_not_handed_out_for_true(facts):
    function = branch(True, False, facts)
    assert function.result is not function.params[0]


def test_but_serves_where_it_only_decides():
    function = branch(True, False, PY_FLOAT, decides=True)
    first, second = find(function, IF)
    assert second.args == first.args
    assert [interpret(function, [flag, 0.0]) for flag in (3.0, 0.0)] == [1.0, 2.0]


def test_what_each_side_computes_for_itself_stays():
    b, flag, x = Adjoint(), param("flag", FLAG), param("x", PY_FLOAT)
    then, orelse = Adjoint(), Adjoint()
    sides = then.block((), (then(np.sin, x),)), orelse.block((), (orelse(np.sin, x),))
    (result,) = b.emit_if(flag, *sides)
    assert tidy_branches(function_of(b, [flag, x], result)).result is result


def test_one_result_goes_and_another_stays():
    b, flag, x = Adjoint(), param("flag", FLAG), param("x", PY_FLOAT)
    same, other = b.emit_if(flag, Block((), (), (x, 1.0)), Block((), (), (x, 2.0)))
    function = eliminate(tidy_branches(function_of(b, [flag, x], (same, other))))
    assert function.result == (x, find(function, IF)[0].results[0])
    assert len(find(function, IF)[0].results) == 1


def test_what_goes_is_replaced_in_inner_blocks():
    b, flag, x = Adjoint(), param("flag", FLAG), param("x", PY_FLOAT)
    (same,) = b.emit_if(flag, Block((), (), (x,)), Block((), (), (x,)))
    inner = Adjoint()
    y = inner(np.sin, same)
    (result,) = b.emit_if(flag, inner.block((), (y,)), Block((), (), (same,)))
    function = verify(tidy_branches(function_of(b, [flag, x], result)))
    block = find(function, IF)[1].blocks
    assert values_in(block[0].ops[0].args) == [x]
    assert block[1].results == (x,)


def program(x, limit):
    total = 0.0
    for v in x:
        if v < 0:
            continue
        total = total + v
        if total > limit:
            break
    return total


@pytest.mark.parametrize("limit", [1.0, 100.0])
def test_a_program_still_does_what_it_did(limit):
    x = np.array([0.5, -1.0, 2.0, 3.0])
    graph = read(program, x, limit)
    assert interpret(verify(tidy_branches(graph)), [x, limit]) == program(x, limit)


def test_a_flag_that_is_carried_on_is_more_than_a_decision():
    def f(x, n):
        found = False
        for k in range(n):
            found = True if x[k] else False
        return found

    x = np.array([2.0, 3.0])
    graph = read(f, x, 2)
    assert interpret(tidy_branches(graph), [x, 2]) is True
