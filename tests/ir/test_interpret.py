"""The interpreter runs a graph as Python would run the program."""

import contextlib
import operator

import numpy as np
import pytest
from graphs import Adjoint, function_of, param, read

from srcgrad.ir.build import Builder
from srcgrad.ir.graph import CALL, Block, Capture, Function, Op, Parameter, Primitive, Value
from srcgrad.ir.interpret import interpret


def counted(count, *, reverse=False, stop_at=None):
    """A loop that sums its index and stacks ten times that."""
    b, index, total = Adjoint(), param("k"), param("total")
    body = Adjoint()
    new = body(operator.add, total, index)
    entry = body(operator.mul, index, 10)
    results = [new, entry]
    if stop_at is not None:
        results.append(body(operator.eq, index, stop_at))
    block = body.block((index, total), results)
    made = b.emit_for(count, [0], block, reverse=reverse, stop=stop_at is not None)
    n = [count] if isinstance(count, Value) else []
    return function_of(b, n, made)


def test_a_counted_loop_carries_and_stacks():
    n = param("n")
    assert interpret(counted(n), [4]) == (6, [0, 10, 20, 30])


def test_a_loop_of_no_rounds_gives_what_it_began_with():
    assert interpret(counted(0), []) == (0, [])


def test_a_loop_that_counts_down_stacks_by_index_all_the_same():
    assert interpret(counted(3, reverse=True), []) == (3, [0, 10, 20])


def test_the_round_that_raises_the_flag_is_the_last_one_and_counts():
    assert interpret(counted(9, stop_at=2), []) == (3, [0, 10, 20])


def test_a_loop_that_counts_down_begins_with_the_last_index():
    order = []
    note = Primitive("note", order.append, effect=True)
    b, index, body = Builder(), param("k"), Builder()
    body.emit(note, [index])
    b.emit_for(3, [], body.block((index,), ()), reverse=True)
    interpret(function_of(b, [], None), [])
    assert order == [2, 1, 0]


def test_a_test_block_is_asked_before_each_round():
    b, x = Adjoint(), param("x")
    p, q, index = param("p"), param("q"), param("k")
    test, body = Adjoint(), Adjoint()
    go = test(operator.lt, p, 20)
    doubled = body(operator.mul, q, 2)
    made = b.emit_while([x], test.block((p,), (go,)), body.block((index, q), (doubled, index)))
    function = function_of(b, [x], made)
    assert interpret(function, [3]) == (24, [0, 1, 2])
    assert interpret(function, [30]) == (30, [])


@pytest.mark.parametrize(("flag", "expected"), [(True, 6), (False, 9)])
def test_one_side_of_a_branch_runs(flag, expected):
    ran = []
    double = Primitive("double", lambda x: ran.append("double") or 2 * x)
    triple = Primitive("triple", lambda x: ran.append("triple") or 3 * x)
    b, cond = Builder(), param("cond")
    then, orelse = Builder(), Builder()
    two, three = then.emit(double, [3]), orelse.emit(triple, [3])
    (result,) = b.emit_if(cond, then.block((), (two,)), orelse.block((), (three,)))
    assert interpret(function_of(b, [cond], result), [flag]) == expected
    assert len(ran) == 1


def test_a_block_runs_inside_its_context():
    seen = []

    @contextlib.contextmanager
    def context():
        seen.append("in")
        yield
        seen.append("out")

    make = Primitive("context", context)
    note = Primitive("note", seen.append, effect=True)
    b, inner = Builder(), Builder()
    inner.emit(note, ["run"])
    (result,) = b.emit_with(b.emit(make, []), inner.block((), (7,)))
    assert interpret(function_of(b, [], result), []) == 7
    assert seen == ["in", "run", "out"]


def test_structures_and_keyword_arguments_reach_the_function():
    b, x, k = Adjoint(), param("x"), param("k")
    y = b(np.sum, b(np.stack, [x, x]), axis=k)
    part = b(operator.getitem, y, (slice(None, k),))
    got = interpret(function_of(b, [x, k], {"part": part, "of": (y,)}), [np.arange(3.0), 1])
    assert got["part"].tolist() == [3.0]
    assert got["of"][0].tolist() == [3.0, 3.0]


def test_a_call_runs_the_function_of_that_name_again_and_again():
    n, callees = param("n"), {}
    b, again = Adjoint(), Adjoint()
    inner = Value()
    less = again(operator.sub, n, 1)
    again.append(Op(CALL, (less,), (inner,), attrs={"callee": "fact"}))
    made = again(operator.mul, n, inner)
    (result,) = b.emit_if(b(operator.eq, n, 0), Block((), (), (1,)), again.block((), (made,)))
    fact = Function("fact", (Parameter("n"),), b.block((n,), (result,)), callees=callees)
    callees["fact"] = fact
    assert interpret(fact, [5]) == 120


def test_what_stands_outside_is_read_at_each_run():
    outside = [2.0]
    x, scale = param("x"), param("scale")
    b = Adjoint()
    y = b(operator.mul, x, scale)
    captures = (Capture("scale", scale, lambda: outside[0]),)
    function = function_of(b, [x], y, captures=captures)
    first = interpret(function, [3.0])
    outside[0] = 5.0
    assert (first, interpret(function, [3.0])) == (6.0, 15.0)


def test_one_argument_per_parameter_is_wanted():
    function = read(lambda x, y: x * y, 1.0, 2.0)
    with pytest.raises(ValueError, match="zip"):
        interpret(function, [1.0])
