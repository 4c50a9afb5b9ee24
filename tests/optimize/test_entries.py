"""Reads of what loops keep: direct where no round has changed it, of the list where one has."""

import operator
from dataclasses import replace

import numpy as np
import pytest
from graphs import Adjoint, function_of, names_of, param

from srcgrad import grad, jacrev
from srcgrad.ir.graph import Op
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import PY_FLOAT, PY_INT
from srcgrad.ir.verify import verify
from srcgrad.optimize.dce import eliminate
from srcgrad.optimize.entries import read_where_made


def reading(entry, index=0):
    """A loop that keeps an entry in each of three rounds, of which one is read afterwards."""
    b, x = Adjoint(), param("x", PY_FLOAT)
    k, body = param("k", PY_INT), Adjoint()
    block = body.block((k,), [entry(body, x, k)])
    (kept,) = b.emit_for(3, [], block)
    return function_of(b, [x], b(operator.getitem, kept, index))


def changed(function):
    """The function after the pass, which still gives the same."""
    made = verify(eliminate(read_where_made(verify(function))))
    assert interpret(made, [5.0]) == interpret(function, [5.0])
    return made


@pytest.mark.parametrize("entry", [lambda b, x, k: 1.0, lambda b, x, k: x])
def test_what_no_round_changes_needs_no_list(entry):
    assert names_of(changed(reading(entry))) == []


def test_what_a_round_makes_is_read_of_the_list():
    made = changed(reading(lambda b, x, k: b(operator.mul, x, k), index=2))
    assert "getitem" in names_of(made)


def test_a_slice_is_a_list():
    made = verify(read_where_made(reading(lambda b, x, k: 1.0, slice(1, None))))
    assert interpret(made, [5.0]) == [1.0, 1.0]


def nested(entry):
    """A list of lists, kept by a loop in a loop, of which one entry of one entry is read."""
    b, x = Adjoint(), param("x", PY_FLOAT)
    i, j, outer, inner = param("i", PY_INT), param("j", PY_INT), Adjoint(), Adjoint()
    (row,) = outer.emit_for(3, [], inner.block((j,), [entry(outer, inner, x, i, j)]))
    (rows,) = b.emit_for(3, [], outer.block((i,), [row]))
    return function_of(b, [x], b(operator.getitem, b(operator.getitem, rows, 1), 2))


def test_lists_of_lists():
    assert names_of(changed(nested(lambda outer, inner, x, i, j: x))) == []
    for entry in (
        lambda outer, inner, x, i, j: j,
        lambda outer, inner, x, i, j: i,
        lambda outer, inner, x, i, j: outer(operator.mul, x, i),
    ):
        assert "getitem" in names_of(changed(nested(entry)))


def test_lines_of_the_user_stay():
    function = reading(lambda b, x, k: x)
    ops = tuple(
        Op(op.primitive, op.args, op.results) if op.primitive.name == "getitem" else op
        for op in function.body.ops
    )
    function = replace(function, body=replace(function.body, ops=ops))
    assert "getitem" in names_of(eliminate(read_where_made(function)))


def test_a_cotangent_that_stays_what_it_is_is_not_kept():
    def powers(x):
        total = 0.0
        for k in range(3):
            total += x[k] ** 3
        return total

    source = jacrev(grad(powers)).specialize(np.arange(3.0)).source
    assert "append" not in source and "1.0" not in source
