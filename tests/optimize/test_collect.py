"""A list of zeros filled at every index is the list of what is filled in, and only then."""

import operator

import numpy as np
import pytest
from graphs import Adjoint, derive, find, function_of, param, seeded

from srcgrad import runtime
from srcgrad.ir.graph import FOR, Loop
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import PY_FLOAT, PY_INT, Facts, array
from srcgrad.ir.verify import verify
from srcgrad.optimize.collect import collect_entries
from srcgrad.optimize.passes import optimize

LIST = Facts("list", element=PY_FLOAT)


def filling(
    *,
    facts=LIST,
    start=runtime.zeros_like,
    counted="xs",
    index=lambda body, k: k,
    twice=False,
    read=False,
    stop=False,
    reverse=False,
):
    """A loop over a list that adds to an entry of a list of zeros in each round."""
    b, xs, ys = Adjoint(), param("xs", facts), param("ys", facts)
    zeros = b(start, xs, facts=facts)
    k, d, body = param("k", PY_INT), param("d", facts), Adjoint()
    v = body(operator.mul, k, 2.0)
    if read:
        v = body(operator.add, v, body(operator.getitem, d, 0))
    new = body(runtime.index_add, d, index(body, k), v)
    if twice:
        new = body(runtime.index_add, new, index(body, k), v)
    results = [new] + ([body(operator.gt, k, 1)] if stop else [])
    count = {"xs": lambda: b(len, xs), "ys": lambda: b(len, ys), "n": lambda: 2}[counted]()
    (filled,) = b.emit_for(count, [zeros], body.block((k, d), results), stop=stop, reverse=reverse)
    return function_of(b, [xs, ys], filled)


def collected(function):
    changed = verify(collect_entries(function))
    args = [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]
    np.testing.assert_equal(interpret(changed, args), interpret(function, args))
    loop = Loop(find(changed, FOR)[0])
    return loop.width == 0 and len(loop.stacks) == 1


@pytest.mark.parametrize("reverse", [False, True])
def test_entries_that_every_round_makes_are_stacked(reverse):
    assert collected(filling(reverse=reverse))


@pytest.mark.parametrize(
    "changes",
    [
        {"counted": "n"},  # some entries may be left out
        {"counted": "ys"},  # the length of another list
        {"index": lambda body, k: 0},  # one entry, again and again
        {"index": lambda body, k: body(operator.sub, k, 1)},
        {"twice": True},
        {"read": True},  # what is there already is read
        {"stop": True},  # not every round is made
        {"start": runtime.copied},  # not zeros to begin with
    ],
    ids=lambda c: next(iter(c)),
)
def test_nothing_is_stacked_where_that_does_not_hold(changes):
    assert not collected(filling(**changes))


def test_an_array_stays_an_array():
    function = filling(facts=array("float64", (3,)))
    assert Loop(find(collect_entries(function), FOR)[0]).width == 1


def test_other_carried_values_stay():
    def f(xs, w):
        total = 0.0
        for x in xs:
            total = total + np.sin(w * x) * total + x
        return total

    args = ([0.5, 1.5, 2.5], 0.7)
    made = derive(f, *args, argnums=(0, 1))
    changed = verify(collect_entries(made))
    np.testing.assert_allclose(seeded(changed, *args)[0], seeded(made, *args)[0])


def test_the_gradient_of_a_list_is_made_by_a_loop_over_it():
    def f(xs):
        return sum([x * x for x in xs])

    made = optimize(derive(f, [0.5, 1.5, 2.5]))
    assert seeded(made, [0.5, 1.5, 2.5]) == [1.0, 3.0, 5.0]


def test_rows_of_entries_are_stacked():
    """The cotangents of a list in many rows begin as zeros for each row."""
    b, xs = Adjoint(), param("xs", LIST)
    zeros = b(runtime.zero_rows, xs, 2)
    k, d, body = param("k", PY_INT), param("d", zeros.facts), Adjoint()
    v = body(np.full, 2, body(operator.mul, k, 2.0))
    block = body.block((k, d), [body(runtime.index_add, d, k, v)])
    (filled,) = b.emit_for(b(len, xs), [zeros], block)
    assert collected(function_of(b, [xs, param("ys", LIST)], filled))
