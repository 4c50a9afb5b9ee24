"""What may share memory is known to, whatever function it went through."""

import copy
import operator
from dataclasses import is_dataclass

import numpy as np
import pytest
from graphs import Adjoint, find, function_of, param, read
from ops.cases import CASES, Case
from zoo.numeric import tree_leaves

from srcgrad import runtime
from srcgrad.analysis.memory import OUTSIDE, Memory
from srcgrad.ir.build import Builder
from srcgrad.ir.graph import CALL, Block, Function, Op, Value, map_values
from srcgrad.ir.types import PY_FLOAT, Facts, array, facts_of
from srcgrad.ops import registry

X = array("float64", (3,))


def arrays_in(tree):
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, np.ndarray)]


def sharing(case):
    """The arguments that the result shares memory with, and those that it is taken to."""
    given: dict[Value, object] = {}

    def values(part):
        if isinstance(part, list | tuple):
            return (
                type(part)(*map(values, part))
                if hasattr(part, "_fields")
                else type(part)(map(values, part))
            )
        if isinstance(part, dict):
            return {k: values(v) for k, v in part.items()}
        if isinstance(part, np.ndarray) or is_dataclass(part):
            found = Value("x", facts_of(part))
            given[found] = copy.deepcopy(part)
            return found
        return part

    made = registry.find(case.function)
    args, kwargs = registry.normalize_call(made, values(case.args), values(case.kwargs))
    b = Builder()
    result = b.emit(made, args, kwargs)
    memory = Memory(function_of(b, list(given), result, donated=frozenset(given)))
    args, kwargs = map_values(given.__getitem__, (args, dict(kwargs)))
    parts = arrays_in(made.function(*args, **kwargs))
    shared = {
        v
        for v, x in given.items()
        if any(np.shares_memory(y, part) for y in arrays_in(x) for part in parts)
    }
    return shared, memory.all(result)


# Calls that hand back their argument, or a view, although others of the same function do not.
EXTRA = [
    Case(np.diff, (np.ones(3), 0)),
    Case(np.linalg.matrix_power, (np.eye(2), 1)),
    Case(np.nan_to_num, (np.ones(3),), {"copy": False}),
    Case(np.array, (np.ones(3),), {"copy": None}),
    Case(np.einsum, ("ij->ji", np.ones((2, 3)))),
    Case(np.einsum, ("ii->i", np.ones((2, 2)))),
    Case(np.broadcast_arrays, (np.ones(3), np.ones(3))),
    Case(runtime.diff_adjoint, (np.ones(3), 0)),
]


def test_no_result_shares_memory_that_it_is_not_taken_to():
    unknown = []
    for case in CASES + EXTRA:
        if arrays_in(case.args):
            shared, memory = sharing(case)
            if OUTSIDE not in memory and not shared <= memory:
                unknown.append(str(case))
    assert unknown == []


@pytest.mark.parametrize("case", EXTRA, ids=str)
def test_the_extra_calls_do_share_memory(case):
    assert sharing(case)[0]


@pytest.mark.parametrize(
    "case",
    [
        Case(operator.add, (np.ones(3), 1.0)),
        Case(np.exp, (np.ones(3),)),
        Case(np.cumsum, (np.ones(3),)),
        Case(np.einsum, ("ij,jk->ik", np.ones((2, 2)), np.ones((2, 2)))),
        Case(np.array, (np.ones(3),)),
        Case(runtime.copied, (np.ones(3),)),
        Case(runtime.shifted, (np.ones(3), 1, 0)),
    ],
    ids=str,
)
def test_what_is_fresh_is_known_to_be(case):
    shared, memory = sharing(case)
    assert shared == set()
    assert len(memory) == 1


# -- by hand ------------------------------------------------------------------------------------


def memory_of(b, params, result, donated=()):
    return Memory(function_of(b, params, result, donated=frozenset(donated)))


def test_arguments_are_the_callers_memory_unless_they_were_given_away():
    b, x, y = Adjoint(), param("x", X), param("y", X)
    memory = memory_of(b, [x, y], None, donated=[y])
    assert memory.of(x) == {OUTSIDE}
    assert memory.of(y) == {y}


def test_numbers_have_no_memory():
    b, x = Adjoint(), param("x", PY_FLOAT)
    memory = memory_of(b, [x], None)
    assert memory.immutable(x)
    assert memory.all(x) == frozenset()


def test_a_slice_is_part_of_what_it_was_cut_from():
    b, x = Adjoint(), param("x", X)
    fresh = b(np.exp, x)
    part = b(operator.getitem, fresh, slice(1, None))
    memory = memory_of(b, [x], part)
    assert memory.of(part) >= memory.of(fresh)
    assert OUTSIDE not in memory.of(part)


def test_a_list_is_memory_of_its_own_and_its_entries_are_others():
    b, x = Adjoint(), param("x", X)
    xs = b(runtime.append, [], x, facts=Facts("list", element=X))
    entry = b(operator.getitem, xs, 0)
    memory = memory_of(b, [x], entry)
    assert OUTSIDE not in memory.of(xs)
    assert OUTSIDE in memory.inside(xs)
    assert OUTSIDE in memory.of(entry)


def test_either_side_of_a_branch_may_be_what_comes_of_it():
    b, x, y = Adjoint(), param("x", X), param("y", X)
    (result,) = b.emit_if(param("c"), Block((), (), (x,)), Block((), (), (y,)))
    memory = Memory(
        Function("f", (), Block((x, y), tuple(b.ops), (result,)), donated=frozenset({x, y}))
    )
    assert memory.of(result) == {x, y}


def test_a_carried_value_may_be_what_any_round_before_gave():
    def f(x, n):
        a, b, c = np.exp(x), np.sin(x), np.cos(x)
        for _ in range(n):
            a, b, c = b, c, a
        return a

    graph = read(f, np.ones(3), 3)
    fresh = {op.result for op in find(graph, np.exp, np.sin, np.cos)}
    assert Memory(graph).of(graph.result) == fresh


def test_nothing_is_known_of_what_a_call_gives():
    b, x, y = Adjoint(), param("x", X), Value("y", X)
    b.append(Op(CALL, (x,), (y,), attrs={"callee": "g"}))
    callee = Function("g", (), Block((), (), (1.0,)))
    memory = Memory(Function("f", (), Block((x,), tuple(b.ops), (y,)), callees={"g": callee}))
    assert memory.of(y) == {OUTSIDE}


def test_a_broadcast_is_nobodys_to_write_to():
    b, g = Adjoint(), param("g", PY_FLOAT)
    spread = b(np.broadcast_to, g, (3,))
    assert memory_of(b, [g], spread).of(spread) == {OUTSIDE}


def test_what_a_function_of_the_users_gives_may_be_any_part_of_what_it_took():
    b, x = Builder(), param("x", X)
    unknown = registry.declare(lambda a, k: a)
    y = b.emit(unknown, [1.0], {"k": x})
    assert memory_of(b, [x], y, donated=[x]).of(y) == {x, y}


def test_what_is_written_into_an_array_is_copied_into_it():
    b, x, v = Adjoint(), param("x", X), param("v", X)
    fresh = b(np.exp, x)
    added = b(runtime.index_add, fresh, slice(None), v)
    memory = memory_of(b, [x, v], added, donated=[v])
    assert v not in memory.all(added)
    assert fresh in memory.of(added)
