"""Cotangents add up: one per value, entry by entry where the value is a container."""

import operator
from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
from graphs import Adjoint, function_of, param

from srcgrad import runtime
from srcgrad.autodiff.cotangents import (
    Cotangents,
    Partial,
    known_entries,
    leaves,
    primitive,
    rebuild,
)
from srcgrad.ir.graph import values_in
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import PY_FLOAT, Facts, array, facts_of

Pair = namedtuple("Pair", "left right")
X = array("float64", (3,))


@dataclass
class Layer:
    weights: float
    bias: float


@pytest.fixture
def b():
    return Adjoint()


@pytest.fixture
def table(b):
    return Cotangents(b)


def functions(b):
    return [op.primitive.function for op in b.ops]


def value_of(b, params, result, *args):
    return interpret(function_of(b, params, result), args)


def test_the_first_contribution_is_the_cotangent_itself(b, table):
    x, g = param("x", X), param(None, X)
    table.add(x, g)
    assert table.take(x) is g
    assert b.ops == []
    assert g.hint == "d_x"


def test_a_contribution_that_has_a_name_keeps_it(b, table):
    x, g = param("x", X), param("d_y", X)
    table.add(x, g)
    assert g.hint == "d_y"


def test_the_second_contribution_is_added(b, table):
    x, g, h = param("x", X), param("g", X), param("h", X)
    table.add(x, g)
    table.add(x, h)
    assert functions(b) == [operator.add]
    assert b.ops[0].args == (g, h)
    assert table.take(x).hint == "d_x"


@pytest.mark.parametrize("zero", [0.0, 0j])
def test_zeros_are_not_added(b, table, zero):
    x, g = param("x", X), param("g", X)
    table.add(x, zero)
    table.add(x, g)
    table.add(x, zero)
    assert table.take(x) is g
    assert b.ops == []


def test_what_nobody_contributed_to_has_no_cotangent(b, table):
    x = param("x", X)
    assert table.take(x) is None
    assert x not in table
    assert functions(b) == []


@pytest.mark.parametrize(
    ("facts", "zero"),
    [(PY_FLOAT, 0.0), (facts_of(np.float64(1)), 0.0), (facts_of(1j), 0j)],
)
def test_the_zero_of_a_number_is_a_constant(b, table, facts, zero):
    found = table.take_or_zero(param("x", facts))
    assert found == zero and type(found) is type(zero)
    assert b.ops == []


@pytest.mark.parametrize(
    ("facts", "function"),
    [
        (X, np.zeros_like),
        (array("complex128"), np.zeros_like),
        (array("int64"), runtime.zeros_like),  # zeros of integers would be integers
        (Facts(), runtime.zeros_like),
        (Facts("list", element=X), runtime.zeros_like),
        (facts_of(np.float32(1)), runtime.zeros_like),
    ],
)
def test_the_zero_of_anything_else_is_made_like_it(b, table, facts, function):
    table.take_or_zero(param("x", facts))
    assert functions(b) == [function]


# -- containers ---------------------------------------------------------------------------------


def test_entries_that_have_no_cotangent_are_zeros(b, table):
    x = param("x", facts_of((1.0, np.ones(3), 2.0)))
    table.add_entry(x, 2, 5.0)
    first, second, third = table.take(x)
    assert (first, third) == (0.0, 5.0)
    assert value_of(b, [x], second, (1.0, np.ones(3), 2.0)).tolist() == [0.0, 0.0, 0.0]


def test_contributions_to_one_entry_are_added_those_to_two_are_not(b, table):
    x, g, h = param("x", facts_of([1.0, 2.0])), param("g"), param("h")
    table.add_entry(x, 0, g)
    table.add_entry(x, 1, h)
    assert b.ops == []
    table.add_entry(x, 0, h)
    total, second = table.take(x)
    assert functions(b) == [operator.add]
    assert (values_in(b.ops[0].args), total, second) == ([g, h], b.ops[0].result, h)


def test_an_entry_and_the_whole_are_added(b, table):
    x = param("x", facts_of((1.0, 2.0)))
    g, h = param("g", PY_FLOAT), param("h", PY_FLOAT)
    table.add_entry(x, 1, g)
    table.add(x, (h, h))
    assert value_of(b, [x, g, h], table.take(x), (1.0, 2.0), 5.0, 7.0) == (7.0, 12.0)


def test_entries_of_entries(b, table):
    real = {"w": (1.0, np.ones(2)), "b": 3.0}
    x = param("x", facts_of(real))
    table.add_entry(x, "w", Partial({0: 5.0}))
    found = value_of(b, [x], table.take(x), real)
    assert found["w"][0] == 5.0
    assert found["w"][1].tolist() == [0.0, 0.0]
    assert found["b"] == 0.0


@pytest.mark.parametrize(
    ("real", "key", "wanted"),
    [
        ((1.0, 2.0), 0, (5.0, 0.0)),
        ([1.0, 2.0], 0, [5.0, 0.0]),
        (Pair(1.0, 2.0), 0, Pair(5.0, 0.0)),
        ({"a": 1.0, "b": 2.0}, "a", {"a": 5.0, "b": 0.0}),
        (Layer(1.0, 2.0), "weights", Layer(5.0, 0.0)),
    ],
    ids=["tuple", "list", "named tuple", "dict", "dataclass"],
)
def test_a_cotangent_is_built_as_its_value_is(b, table, real, key, wanted):
    x = param("x", facts_of(real))
    table.add_entry(x, key, 5.0)
    found = value_of(b, [x], table.take(x), real)
    assert found == wanted
    assert type(found) is type(wanted)


def test_a_list_of_unknown_length_is_filled_into_zeros(b, table):
    x, k = param("x", Facts("list", element=PY_FLOAT)), param("k", facts_of(1))
    table.add_entry(x, k, 5.0)
    assert value_of(b, [x, k], table.take(x), [1.0, 2.0, 3.0], 1) == [0.0, 5.0, 0.0]


def test_structures_are_added_leaf_by_leaf(b, table):
    x, g = param("x", facts_of((1.0, {"a": 2.0}))), param("g", PY_FLOAT)
    table.add(x, (g, {"a": 1.0}))
    table.add(x, (2.0, {"a": g}))
    assert value_of(b, [g], table.take(x), 10.0) == (12.0, {"a": 11.0})


def test_a_structure_and_a_value_that_is_one_are_added_by_the_helper(b, table):
    x, g = param("x", Facts("list", element=PY_FLOAT)), param("g", Facts("list", element=PY_FLOAT))
    table.add(x, g)
    table.add(x, [1.0, 2.0])
    assert functions(b) == [runtime.add]
    assert value_of(b, [g], table.take(x), [10.0, 20.0]) == [11.0, 22.0]


def test_a_copy_of_a_table_goes_its_own_way(b):
    x = param("x", X)
    outer = Cotangents(b)
    inner = Cotangents(b, outer.table)
    inner.add(x, 1.0)
    assert x not in outer


@pytest.mark.parametrize(
    ("facts", "keys"),
    [
        (facts_of((1.0, 2.0)), (0, 1)),
        (facts_of({"a": 1.0}), ("a",)),
        (facts_of(Layer(1.0, 2.0)), ("weights", "bias")),
        (Facts("list", element=PY_FLOAT), None),
        (X, None),
    ],
)
def test_entries_are_known_where_the_facts_list_them(facts, keys):
    assert known_entries(facts) == keys


def test_leaves_and_rebuild_undo_one_another():
    x = param("x")
    arg = (1.0, [x, {"a": None}], Pair(2.0, x))
    assert list(leaves(arg)) == [1.0, x, None, 2.0, x]
    assert rebuild(arg, leaves(arg)) == arg
    assert type(rebuild(arg, leaves(arg))[2]) is Pair


def test_the_transformation_emits_primitives_only():
    with pytest.raises(KeyError, match="not a primitive"):
        primitive(lambda x: x)
