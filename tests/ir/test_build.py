"""An op that is built gets its result, and what is known of that, in one place."""

import operator
from collections import namedtuple

import numpy as np
from graphs import Adjoint, param, primitive

from srcgrad.errors import Location
from srcgrad.ir.build import Builder, facts_of_arg
from srcgrad.ir.graph import UNDEFINED, Block, Primitive
from srcgrad.ir.types import (
    OPAQUE,
    PY_FLOAT,
    PY_INT,
    UNDEFINED_FACTS,
    UNKNOWN,
    Facts,
    array,
    facts_of,
)

Pair = namedtuple("Pair", "left right")
X = array("float64", (3, 4))


def test_a_result_has_the_facts_that_the_primitive_infers():
    x = param("x", X)
    assert Builder().emit(primitive(np.sum), [x], {"axis": 0}).facts == array("float64", (4,))


def test_a_result_of_unknown_shape_is_known_to_have_its_own():
    x, b = param("x", array("float64")), Adjoint()
    y = b(np.exp, b(np.ravel, x))
    z = b(operator.mul, y, 2.0)
    assert y.facts.same_shape(z.facts)
    assert not y.facts.same_shape(b(np.ravel, x).facts)


def test_nothing_is_known_of_what_a_primitive_without_inference_gives():
    plain, effect = Primitive("plain", len), Primitive("effect", print, effect=True)
    assert Builder().emit(plain, []).facts.kind == UNKNOWN.kind
    assert Builder().emit(effect, []).facts == OPAQUE


def test_facts_given_by_the_caller_stand():
    assert Builder().emit(primitive(np.sin), [1.0], facts=PY_INT).facts == PY_INT


def test_place_and_direction_are_stamped_on_each_op():
    where = Location("m.py", 3, 1, "y = x")
    b = Builder(where, adjoint=True)
    b.emit(primitive(np.sin), [1.0])
    b.location = None
    b.emit_if(True, Block((), (), ()), Block((), (), ()))
    assert [(op.location, op.adjoint) for op in b.ops] == [(where, True), (None, True)]
    child = b.child()
    assert (child.ops, child.location, child.adjoint) == ([], None, True)


def test_a_branch_gives_what_holds_of_either_side():
    x, y = param("x", X), param("y", array("float64", (3, 5)))
    (result,) = Builder().emit_if(True, Block((), (), (x,)), Block((), (), (y,)), ["r"])
    assert (result.facts, result.hint) == (array("float64", (3, None)), "r")


def test_a_carried_value_is_what_holds_before_and_after_a_round():
    index, p = param("k", PY_INT), param("p", Facts())
    (final,) = Builder().emit_for(3, [1], Block((index, p), (), (1.5,)))
    assert final.facts == PY_FLOAT


def test_a_stack_is_a_list_of_entries_of_no_shape_in_common():
    x, b = param("x", array("float64")), Adjoint()
    body = Adjoint()
    entry = body(np.ravel, x)
    (stack,) = b.emit_for(3, [], body.block((param("k"),), (entry,)))
    assert stack.facts == Facts("list", element=array("float64", (None,)))


def test_a_context_hands_out_what_its_block_gives():
    x = param("x", X)
    (result,) = Builder().emit_with(param("c"), Block((), (), (x,)))
    assert (result.facts, result.hint) == (X, "x")


def test_facts_of_an_argument_are_those_of_the_value_it_will_be():
    x = param("x", X)
    arg = Pair([x, 1], {"k": (x, None)})
    real = Pair([np.ones((3, 4)), 1], {"k": (np.ones((3, 4)), None)})
    assert facts_of_arg(arg) == facts_of(real)
    assert facts_of_arg(UNDEFINED) == UNDEFINED_FACTS


def test_a_closed_block_is_not_changed_by_what_is_built_later():
    b = Adjoint()
    b(np.sin, 1.0)
    block = b.block()
    b(np.cos, 1.0)
    assert len(block.ops) == 1
