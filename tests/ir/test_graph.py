"""Arguments are structures with values in them; a block reads what it does not define."""

import operator
from collections import namedtuple

import numpy as np
import pytest
from graphs import Adjoint, find, param, read

from srcgrad.ir.build import Builder
from srcgrad.ir.graph import (
    CALL,
    CONTROL,
    FOR,
    IF,
    UNDEFINED,
    WHILE,
    WITH,
    Block,
    Function,
    Loop,
    Value,
    free_values,
    map_values,
    operands,
    reads,
    values_in,
    walk,
)

Pair = namedtuple("Pair", "left right")


def test_two_values_that_look_alike_are_two():
    a, b = Value("x"), Value("x")
    assert a != b
    assert len({a, b}) == 2


def test_values_are_found_at_any_depth_in_order():
    a, b, c, d = (Value(n) for n in "abcd")
    arg = (a, [2.0, {"k": b}], slice(None, c, Pair(d, "x")))
    assert values_in(arg) == [a, b, c, d]


def test_mapping_keeps_the_structure_and_the_constants():
    a = Value("a")
    arg = (Pair(a, 1), [a, None], {"k": slice(a, 2)}, UNDEFINED)
    mapped = map_values(lambda v: v.hint, arg)
    assert mapped == (Pair("a", 1), ["a", None], {"k": slice("a", 2)}, UNDEFINED)
    assert type(mapped[0]) is Pair


def test_operands_include_keyword_arguments_and_leave_out_blocks():
    b, x, axis = Builder(), Value("x"), Value("axis")
    inner = Adjoint()
    inner(np.sin, x)
    b.emit_if(axis, inner.block((), ()), Block((), (), ()))
    a = Adjoint()
    a(np.sum, x, axis=axis)
    assert operands(a.ops[0]) == (x, axis)
    assert operands(b.ops[0]) == (axis,)
    assert reads(b.ops[0]) == (axis, x)


def test_free_values_are_those_a_block_reads_and_does_not_define():
    x, y, p = (Value(n) for n in "xyp")
    b = Adjoint()
    s = b(operator.mul, p, x)
    t = b(operator.add, s, y)
    block = b.block((p,), ((t, [x]),))
    assert list(free_values(block)) == [x, y]


def test_what_an_inner_block_defines_is_not_free_outside():
    x, flag = Value("x"), Value("flag")
    inner = Adjoint()
    y = inner(np.sin, x)
    b = Adjoint()
    b.emit_if(flag, inner.block((), (y,)), Block((), (), (0.0,)))
    assert list(free_values(b.block())) == [flag, x]


def test_a_value_handed_back_untouched_is_read():
    x = Value("x")
    assert list(free_values(Block((), (), (x,)))) == [x]


def nested(x, n):
    for _ in range(n):
        if x > 0:
            x = np.sin(x)
        while x > 1:
            x = x / 2
    return x


def test_walk_visits_inner_blocks_where_they_stand():
    kinds = [op.primitive for op in walk(read(nested, 1.0, 2).body) if op.primitive in CONTROL]
    assert kinds == [FOR, IF, WHILE]


def test_a_for_loop_by_the_names_of_its_parts():
    n, start, index, p = (Value(k) for k in ("n", "start", "index", "p"))
    body = Adjoint()
    y = body(np.sin, p)
    b = Builder()
    final, stack = b.emit_for(n, [start], body.block((index, p), (y, index)), reverse=True)
    loop = Loop(b.ops[0])
    assert (loop.count, loop.inits, loop.index, loop.carried) == (n, (start,), index, (p,))
    assert (loop.yields, loop.entries) == ((y,), (index,))
    assert (loop.finals, loop.stacks) == ((final,), (stack,))
    assert (loop.test, loop.stop, loop.stops, loop.reverse) == (None, False, False, True)


def test_the_last_result_of_a_loop_that_stops_is_its_flag_and_no_entry():
    index, p, q, start = (Value(k) for k in ("index", "p", "q", "start"))
    test = Adjoint()
    go = test(operator.lt, q, 5)
    body = Adjoint()
    flag = body(operator.gt, p, 1)
    b = Builder()
    finals = b.emit_while(
        [start], test.block((q,), (go,)), body.block((index, p), (p, p, flag)), stop=True
    )
    loop = Loop(b.ops[0])
    assert (loop.count, loop.inits) == (None, (start,))
    assert (loop.yields, loop.entries, loop.stop) == ((p,), (p,), flag)
    assert loop.test.params == (q,)
    assert len(finals) == 2  # the carried value and its stack


@pytest.mark.parametrize("primitive", [IF, WITH, FOR, WHILE, CALL])
def test_control_flow_is_not_run_as_a_function(primitive):
    with pytest.raises(TypeError, match="holds blocks"):
        primitive.function()


def test_a_function_prints_itself():
    x = param("x")
    assert str(Function("f", (), Block((x,), (), (x,)))) == "def f(x: unknown):\n    return x"


def test_find_and_walk_agree_on_what_is_inside():
    graph = read(nested, 1.0, 2)
    assert [op.primitive.function for op in find(graph, np.sin)] == [np.sin]
