"""What nobody reads goes: ops, results of branches, carried and stacked values of loops."""

import operator

import numpy as np
import pytest
from graphs import Adjoint, find, function_of, names_of, param, read

from srcgrad.ir.build import Builder
from srcgrad.ir.graph import FOR, IF, WHILE, WITH, Block, Loop, Primitive
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import PY_FLOAT, PY_INT
from srcgrad.ir.verify import verify
from srcgrad.optimize.dce import eliminate, hoist_invariants

NOTE = Primitive("note", lambda x: None, effect=True)


def same(function, changed, *args):
    verify(changed)
    np.testing.assert_equal(interpret(changed, args), interpret(function, args))


def test_ops_that_only_dead_ops_read_are_dead():
    b, x = Adjoint(), param("x", PY_FLOAT)
    b(np.cos, b(np.sin, x))
    y = b(np.exp, x)
    assert names_of(eliminate(function_of(b, [x], y))) == ["np.exp"]


def test_what_must_run_stays_with_what_it_reads():
    b, x = Adjoint(), param("x", PY_FLOAT)
    b.emit(NOTE, [b(np.sin, x)])
    b(np.cos, x)
    assert names_of(eliminate(function_of(b, [x], None))) == ["np.sin", "note"]


def test_a_branch_keeps_the_results_that_are_read():
    def f(x):
        if x > 0:
            y, z = np.sin(x), np.cos(x)
        else:
            y, z = x, np.exp(x)
        return y

    graph = read(f, 0.5)
    changed = eliminate(graph)
    (op,) = find(changed, IF)
    assert len(op.results) == 1
    assert names_of(changed) == ["gt", "if_", "np.sin"]
    same(graph, changed, 0.5)


def test_a_branch_that_nobody_reads_goes_unless_it_must_run():
    flag = param("flag")
    for inner, left in ((Builder(), []), (Builder(), ["if_", "note"])):
        b = Builder()
        if left:
            inner.emit(NOTE, [1])
        b.emit_if(flag, inner.block(), Block((), (), ()))
        assert names_of(eliminate(function_of(b, [flag], None))) == left


def test_a_context_keeps_the_results_that_are_read():
    def f(x):
        with np.errstate(all="ignore"):
            y, z = np.sin(x), np.cos(x)
        return y

    changed = eliminate(read(f, 0.5))
    assert len(find(changed, WITH)[0].results) == 1
    assert not find(changed, np.cos)


def test_a_carried_value_that_only_its_next_round_reads_goes():
    def f(x):
        total, unread = 0.0, 1.0
        for _ in range(3):
            total = total + x
            unread = unread * 2.0
        return total

    graph = read(f, 0.5)
    changed = eliminate(graph)
    (op,) = find(changed, FOR)
    assert [p.hint for p in Loop(op).carried] == ["total"]
    assert not find(changed, operator.mul)
    same(graph, changed, 0.5)


def test_a_carried_value_that_another_one_reads_stays():
    def f(x):
        total, scale = 0.0, 1.0
        for _ in range(3):
            total = total + scale
            scale = scale * x
        return total

    graph = read(f, 0.5)
    changed = eliminate(graph)
    assert Loop(find(changed, FOR)[0]).width == 2
    same(graph, changed, 0.5)


def test_a_carried_value_that_the_test_reads_stays():
    def f(x):
        total, left = 0.0, 3
        while left > 0:
            total = total + x
            left = left - 1
        return total

    graph = read(f, 0.5)
    changed = eliminate(graph)
    assert {p.hint for p in Loop(find(changed, WHILE)[0]).carried} == {"total", "left"}
    same(graph, changed, 0.5)


def test_a_carried_value_that_decides_when_to_stop_stays():
    def f(x):
        total, seen = 0.0, 0.0
        for v in x:
            total = total + v
            seen = seen + 1.0
            if seen > 1.5:
                break
        return total

    graph = read(f, np.ones(4))
    changed = eliminate(graph)
    (op,) = find(changed, FOR)
    assert Loop(op).stops
    assert {p.hint for p in Loop(op).carried} >= {"total", "seen"}
    same(graph, changed, np.ones(4))


def loop_with_stacks():
    b, k, p = Adjoint(), param("k", PY_INT), param("p", PY_FLOAT)
    body = Adjoint()
    s, c = body(np.sin, p), body(np.cos, p)
    final, sines, cosines = b.emit_for(3, [0.5], body.block((k, p), (s, s, c)))
    return b, final, sines, cosines


@pytest.mark.parametrize("wanted", [0, 1, 2])
def test_a_stack_that_nobody_reads_goes(wanted):
    b, *results = loop_with_stacks()
    function = function_of(b, [], results[wanted])
    changed = eliminate(function)
    loop = Loop(find(changed, FOR)[0])
    assert len(loop.stacks) == (wanted > 0)
    assert bool(find(changed, np.cos)) is (wanted == 2)
    same(function, changed)


def test_a_whole_loop_goes_if_only_its_dead_results_kept_it():
    b, *_ = loop_with_stacks()
    assert names_of(eliminate(function_of(b, [], 1.0))) == []


def test_callees_are_cleaned_up_too():
    def power(x, n):
        unread = np.sin(x)
        return 1.0 if n == 0 else x * power(x, n - 1)

    graph = read(lambda x: power(x, 3), 0.5)
    changed = eliminate(graph)
    assert find(graph.callees["power"], np.sin)
    assert not find(changed.callees["power"], np.sin)


# -- values that no round changes ---------------------------------------------------------------------


def invariant(kind):
    """A loop that carries `p` and hands on `q` untouched."""
    b, x, y = Adjoint(), param("x", PY_FLOAT), param("y", PY_FLOAT)
    k, p, q = param("k", PY_INT), param("p", PY_FLOAT), param("q", PY_FLOAT)
    body = Adjoint()
    new = body(operator.mul, p, q)
    block = body.block((k, p, q), (new, q))
    if kind is FOR:
        results = b.emit_for(3, [x, y], block)
    else:
        test, tp, tq = Adjoint(), param("tp", PY_FLOAT), param("tq", PY_FLOAT)
        go = test(operator.lt, tp, b(operator.mul, y, 100.0))
        go = test(operator.and_, go, test(operator.gt, tq, 0.0))
        results = b.emit_while([x, y], test.block((tp, tq), (go,)), block)
    return function_of(b, [x, y], results), y


@pytest.mark.parametrize("kind", [FOR, WHILE])
def test_a_value_handed_on_untouched_is_read_from_outside(kind):
    function, y = invariant(kind)
    changed = hoist_invariants(function)
    loop = Loop(find(changed, kind)[0])
    assert loop.width == 1
    assert loop.body.ops[0].args == (loop.carried[0], y)
    assert changed.result[1] is y
    same(function, changed, 2.0, 3.0)


def test_values_that_change_places_are_not_invariant():
    def f(x, y):
        for _ in range(3):
            x, y = y, x
        return x * 2.0 + y

    graph = read(f, 1.0, 2.0)
    changed = hoist_invariants(graph)
    assert Loop(find(changed, FOR)[0]).width == 2
    same(graph, changed, 1.0, 2.0)


def test_what_an_inner_loop_leaves_alone_is_invariant_in_the_outer_one_too():
    b, x = Adjoint(), param("x", PY_FLOAT)
    i, j, p, q = param("i", PY_INT), param("j", PY_INT), param("p", PY_FLOAT), param("q", PY_FLOAT)
    body = Adjoint()
    (inner,) = body.emit_for(2, [p], Block((j, q), (), (q,)))
    (outer,) = b.emit_for(2, [x], body.block((i, p), (inner,)))
    function = function_of(b, [x], outer)
    changed = eliminate(hoist_invariants(hoist_invariants(function)))
    assert changed.result is x
    assert names_of(changed) == []
