"""Each rule of the graph, and a graph that breaks that rule alone."""

import operator
from dataclasses import replace

import numpy as np
import pytest
from graphs import Adjoint, param, primitive, read

from srcgrad.ir.build import Builder
from srcgrad.ir.graph import (
    CALL,
    FOR,
    IF,
    WHILE,
    WITH,
    Block,
    Capture,
    Function,
    Op,
    Parameter,
    Value,
)
from srcgrad.ir.verify import MalformedGraph, verify

SIN = primitive(np.sin)
EMPTY = Block((), (), ())


def function(ops, params=(), result=None, **kwargs):
    signature = tuple(Parameter(p.hint) for p in params)
    return Function("f", signature, Block(tuple(params), tuple(ops), (result,)), **kwargs)


def broken(ops, params=(), result=None, **kwargs):
    with pytest.raises(MalformedGraph) as caught:
        verify(function(ops, params, result, **kwargs))
    return str(caught.value)


X, Y = param("x"), param("y")


def sine(of=X, result=Y):
    return Op(SIN, (of,), (result,))


# -- values -------------------------------------------------------------------------------------


def test_a_sound_graph_is_handed_back():
    f = function([sine()], [X], Y)
    assert verify(f) is f


def test_a_value_is_defined_before_it_is_read():
    late = Op(SIN, (Y,), (Value("z"),))
    assert "reads <y: unknown> before it is defined" in broken([late, sine()], [X])


def test_a_value_in_a_keyword_argument_is_read_too():
    assert "before it is defined" in broken([Op(SIN, (), (Y,), {"x": X})])


def test_a_value_deep_in_an_argument_is_read_too():
    assert "before it is defined" in broken([Op(SIN, ([(slice(X),)],), (Y,))])


def test_a_value_is_defined_once():
    assert "defined twice" in broken([sine(), sine()], [X])


def test_a_parameter_is_not_defined_again():
    assert "defined twice" in broken([sine(X, X)], [X])


def test_two_parameters_are_two_values():
    assert "defined twice" in broken([], [X, X])


def test_one_value_is_not_defined_on_both_sides_of_a_branch():
    side = Block((), (sine(),), ())
    assert "defined twice" in broken([Op(IF, (X,), (), blocks=(side, side))], [X])


def test_what_a_block_defines_is_not_known_outside():
    side = Block((), (sine(),), ())
    branch = Op(IF, (X,), (), blocks=(side, EMPTY))
    assert "before it is defined" in broken([branch, sine(Y, Value("z"))], [X])


def test_what_a_block_defines_is_not_known_in_its_sibling():
    yes, no = Block((), (sine(),), ()), Block((), (sine(Y, Value("z")),), ())
    assert "before it is defined" in broken([Op(IF, (X,), (), blocks=(yes, no))], [X])


def test_a_block_hands_back_what_it_knows():
    assert "hands back <y: unknown>" in broken([], [X], Y)


def test_a_captured_value_is_known_and_no_result():
    captures = (Capture("x", X, float),)
    verify(function([sine()], [], Y, captures=captures))
    assert "defined twice" in broken([sine(Y, X)], [Y], captures=captures)


# -- functions ----------------------------------------------------------------------------------


def test_a_function_has_a_value_for_each_parameter():
    f = replace(function([], [X], 1.0), signature=())
    with pytest.raises(MalformedGraph, match="signature and parameters differ"):
        verify(f)


def test_a_function_has_one_result():
    f = function([], [X], 1.0)
    with pytest.raises(MalformedGraph, match="one result"):
        verify(replace(f, body=Block((X,), (), (X, X))))


def test_callees_are_verified_too():
    bad = replace(function([], [], Y), name="g")
    with pytest.raises(MalformedGraph, match="hands back"):
        verify(function([], [X], X, callees={"g": bad}))


def test_a_function_that_is_its_own_callee_is_verified_once():
    callees = {}
    f = function([], [X], X, callees=callees)
    callees["f"] = f
    assert verify(f) is f


# -- ops ----------------------------------------------------------------------------------------


def test_an_op_without_blocks_has_one_result():
    assert "wants one result" in broken([Op(SIN, (1.0,), ())])
    assert "wants one result" in broken([Op(SIN, (1.0,), (X, Y))])
    assert "wants one result" in broken([Op(SIN, (1.0,), (Y,), blocks=(EMPTY,))])


@pytest.mark.parametrize(
    ("args", "blocks", "what"),
    [
        ((True,), (EMPTY,), "two blocks"),
        ((), (EMPTY, EMPTY), "two blocks"),
        ((True,), (Block((Y,), (), ()), EMPTY), "no parameters"),
        ((True,), (Block((), (), (1.0,)), EMPTY), "results differ"),
        ((True,), (EMPTY, Block((), (), (1.0,))), "results differ"),
    ],
)
def test_a_branch_has_two_sides_that_fit_its_results(args, blocks, what):
    assert what in broken([Op(IF, args, (), blocks=blocks)])


def test_a_context_has_one_block_that_fits_its_results():
    assert "one block" in broken([Op(WITH, (X,), (), blocks=(EMPTY, EMPTY))], [X])
    assert "results differ" in broken([Op(WITH, (X,), (Y,), blocks=(EMPTY,))], [X])


K, P, Q = param("k"), param("p"), param("q")


def round_(*results, params=(K, P)):
    return Block(params, (), results)


@pytest.mark.parametrize(
    ("blocks", "results", "attrs", "what"),
    [
        ((), (), {}, "other blocks"),
        ((round_(P), Block((), (), ())), (Y,), {}, "other blocks"),
        ((Block((), (), (1.0,)),), (Y,), {}, "carried"),
        ((round_(1.0, params=(K,)),), (Y,), {}, "carried"),
        ((round_(1.0, params=(K, P, Q)),), (Y,), {}, "carried"),
        ((round_(),), (), {}, "too little"),
        ((round_(P),), (Y,), {"stop": True}, "too little"),
        ((round_(P, P),), (Y,), {}, "results differ"),
        ((round_(P),), (Y, Value()), {}, "results differ"),
        ((round_(P, P),), (Y, Value()), {"stop": True}, "results differ"),
    ],
)
def test_a_counted_loop_has_a_body_that_fits_what_it_carries(blocks, results, attrs, what):
    assert what in broken([Op(FOR, (3, X), results, attrs=attrs, blocks=blocks)], [X])


def test_a_counted_loop_has_a_count():
    assert "no count" in broken([Op(FOR, (), (), blocks=(round_(params=(K,)),))])


@pytest.mark.parametrize(
    ("blocks", "attrs", "what"),
    [
        ((round_(P),), {}, "other blocks"),
        ((Block((), (), (True,)), round_(P)), {}, "test parameters"),
        ((Block((Q,), (), ()), round_(P)), {}, "one flag"),
        ((Block((Q,), (), (True, True)), round_(P)), {}, "one flag"),
        ((Block((Q,), (), (True,)), round_(P)), {"reverse": True}, "reversed"),
    ],
)
def test_a_while_loop_has_a_test_of_the_same_values(blocks, attrs, what):
    assert what in broken([Op(WHILE, (X,), (Y,), attrs=attrs, blocks=blocks)], [X])


def test_sound_loops_pass():
    body = Adjoint()
    new, flag = body(operator.add, P, 1.0), body(operator.gt, P, 3.0)
    b = Builder()
    made = b.emit_for(3, [X], body.block((K, P), (new, K, flag)), stop=True)
    verify(function(b.ops, [X], made))


def test_a_call_gives_as_many_arguments_as_the_callee_takes():
    callee = replace(function([], [P], P), name="g")
    call = Op(CALL, (), (Y,), attrs={"callee": "g"})
    assert "argument count" in broken([call], [], callees={"g": callee})


def test_a_call_names_a_function_of_the_program_and_gives_its_result():
    callee = replace(function([], [], 1.0), name="g")
    call = Op(CALL, (), (Y,), attrs={"callee": "h"})
    assert "there is no 'h'" in broken([call], [], callees={"g": callee})
    call = Op(CALL, (), (X, Y), attrs={"callee": "g"})
    assert "one result" in broken([call], [], callees={"g": callee})


def test_what_is_read_from_source_and_its_gradient_are_sound():
    def f(x, n):
        for k in range(n):
            if x > k:
                x = x * k
        return x

    assert read(f, 1.0, 3).name == "f"  # `read` verifies
