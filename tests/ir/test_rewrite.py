"""Changed copies of blocks: what is replaced is replaced everywhere, and the original stays."""

import operator

import numpy as np
from graphs import Adjoint, function_of, param, read

from srcgrad.ir.build import Builder
from srcgrad.ir.graph import Block, Function, Parameter, Primitive, values_in, walk
from srcgrad.ir.interpret import interpret
from srcgrad.ir.rewrite import (
    defined_in,
    has_effect,
    map_bodies,
    prune,
    renew_block,
    substitute,
    substitute_block,
    substitute_op,
)
from srcgrad.ir.text import to_text
from srcgrad.ir.verify import verify

NOTE = Primitive("note", print, effect=True)


def program(x, n):
    total = 0.0
    for k in range(n):
        if x > k:
            total = total + np.sin(x) * k
    return total


def test_values_are_replaced_by_values_and_by_constants():
    x, y = param("x"), param("y")
    assert substitute((x, [y], slice(x)), {x: 2.0}) == (2.0, [y], slice(2.0))


def test_a_chain_of_replacements_is_not_followed():
    x, y = param("x"), param("y")
    assert substitute(x, {x: y, y: 1.0}) is y


def test_free_values_are_replaced_in_inner_blocks_too():
    graph = read(program, 5.0, 3)
    x = graph.params[0]
    changed = substitute_block(graph.body, {x: 1.5})
    assert not any(x in values_in((op.args, dict(op.kwargs))) for op in walk(changed))
    f = Function("f", graph.signature[1:], Block(graph.params[1:], changed.ops, changed.results))
    assert interpret(verify(f), [3]) == program(1.5, 3)


def test_where_nothing_is_replaced_nothing_is_copied():
    graph = read(program, 5.0, 3)
    assert substitute_block(graph.body, {}) is graph.body
    assert substitute_op(graph.body.ops[0], {}) is graph.body.ops[0]


def test_a_renewed_block_defines_values_of_its_own_and_does_the_same():
    graph = read(program, 5.0, 3)
    before = to_text(graph)
    twin = renew_block(graph.body)

    def defined(block):
        inner = {v for op in walk(block) for b in op.blocks for v in defined_in(b)}
        return defined_in(block) | inner

    assert not defined(graph.body) & defined(twin)
    both = Function("f", graph.signature, twin)
    assert interpret(verify(both), [5.0, 3]) == program(5.0, 3)
    assert to_text(graph) == before


def test_a_renewed_block_still_reads_what_stands_outside():
    x, y = param("x"), param("y")
    b = Adjoint()
    block = b.block((y,), (b(operator.add, x, y),))
    twin = renew_block(block)
    assert twin.ops[0].args == (x, twin.params[0])
    assert renew_block(block, {x: 7.0}).ops[0].args[0] == 7.0


def test_bodies_of_callees_are_changed_too_and_call_the_changed_ones():
    callees = {}
    x = param("x")
    f = Function("f", (Parameter("x"),), Block((x,), (), (x,)), callees=callees)
    callees["f"] = f
    callees["g"] = Function("g", (), Block((), (), (1.0,)), callees=callees)
    changed = map_bodies(f, lambda body: Block(body.params, body.ops, (2.0,)))
    assert changed.callees["f"] is changed
    assert changed.callees["g"].result == 2.0
    assert changed.callees["g"].callees["f"] is changed
    assert f.result is x


def test_an_effect_deep_inside_is_an_effect():
    b, inner = Builder(), Builder()
    inner.emit(NOTE, ["x"])
    b.emit_for(3, [], inner.block((param("k"),), ()))
    b.emit_for(3, [], Block((param("k"),), (), ()))
    assert [has_effect(op) for op in b.ops] == [True, False]


def test_pruning_leaves_what_is_read_and_what_must_run():
    x = param("x")
    b = Adjoint()
    dead = b(np.sin, x)
    b(np.cos, dead)  # reads what dies with it
    kept = b(np.exp, x)
    b.emit(NOTE, [kept])
    block = prune(b.block((x,), (x,)))
    assert [op.primitive.name for op in block.ops] == ["np.exp", "note"]


def test_pruning_keeps_what_an_inner_block_reads():
    x = param("x")
    b, inner = Adjoint(), Adjoint()
    y = b(np.sin, x)
    z = inner(np.cos, y)
    (result,) = b.emit_if(True, inner.block((), (z,)), Block((), (), (0.0,)))
    function = function_of(b, [x], result)
    assert prune(function.body) is function.body
