"""Updates happen in place where nobody can tell, and are copies where somebody could."""

import copy
import operator
from dataclasses import replace

import numpy as np
import pytest
from graphs import Adjoint, derive, function_of, param, run, text_of
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo.numeric import identical

from srcgrad import runtime
from srcgrad.ir.graph import Block
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import PY_FLOAT, PY_INT, Facts, array
from srcgrad.optimize.passes import optimize

X = array("float64", (4,))
NUMBERS = np.array([0.5, 1.5, 2.5, 3.5])


@pytest.fixture
def b():
    return Adjoint()


@pytest.fixture
def x():
    return param("x", X)


def faithful(function, *args):
    """The text of a function, which does what its graph does, bit for bit, and writes to no argument."""
    given = copy.deepcopy(args)
    got = run(function, *given)
    assert identical(list(given), list(args)), "an argument was written to"
    assert identical(got, interpret(function, copy.deepcopy(args)))
    return text_of(function)


def copies(text):
    """Whether anything is copied: as a statement, or by an update written as a function."""
    assert "index_add(" not in text and "setitem(" not in text, "an update as a function copies all"
    return any(f"{way}(" in text for way in (".copy", "copied", "= list", "= dict"))


# -- where nobody can tell -------------------------------------------------------------------------


def test_fresh_memory_is_written_into(b, x):
    d = b(np.exp, x, hint="d")
    d = b(runtime.index_add, d, 0, 2.0, hint="d")
    text = faithful(function_of(b, [x], d), NUMBERS)
    assert "d[0] += 2.0" in text


def test_a_negated_value_is_subtracted(b, x):
    d, v = b(np.exp, x, hint="d"), param("v", PY_FLOAT)
    d = b(runtime.index_add, d, slice(1, None), b(operator.neg, v), hint="d")
    text = faithful(function_of(b, [x, v], d), NUMBERS, 2.0)
    assert "d[1:] -= v" in text


def test_an_index_that_may_name_an_entry_twice_counts_it_twice(b, x):
    i = param("i", array("int64", (3,)))
    d = b(np.exp, x, hint="d")
    d = b(runtime.index_add, d, i, 1.0, hint="d")
    text = faithful(function_of(b, [x, i], d), NUMBERS, np.array([0, 0, 2]))
    assert "np.add.at(d, i, 1.0)" in text


def test_a_mask_names_no_entry_twice(b, x):
    m = param("m", array("bool", (4,)))
    d = b(np.exp, x, hint="d")
    d = b(runtime.index_add, d, m, 1.0, hint="d")
    text = faithful(function_of(b, [x, m], d), NUMBERS, NUMBERS > 1)
    assert "d[m] += 1.0" in text


def test_a_sum_goes_into_the_memory_of_its_first_term(b, x):
    d = b(np.exp, x, hint="d")
    d = b(operator.add, d, x, hint="d")
    assert "d += x" in faithful(function_of(b, [x], d), NUMBERS)


def loop(body_of, *, start, params, kind=X):
    """A loop in which each round makes of `d` what `body_of(body, k, d)` gives."""
    b = Adjoint()
    k, d, body = param("k", PY_INT), param("d", kind), Adjoint()
    begun = start(b)
    new = body_of(body, k, d)
    (result,) = b.emit_for(3, [begun], body.block((k, d), (new,)))
    return function_of(b, params, result)


def test_a_loop_adds_to_what_it_carries(x):
    function = loop(
        lambda b, k, d: b(runtime.index_add, d, k, 1.0), start=lambda b: b(np.exp, x), params=[x]
    )
    text = faithful(function, NUMBERS)
    assert "d[k] += 1.0" in text


def test_numbers_have_no_memory(b):
    x = param("x", PY_FLOAT)
    function = loop(
        lambda b, k, d: b(operator.add, d, x, hint="d"),
        start=lambda b: 0.0,
        params=[x],
        kind=PY_FLOAT,
    )
    assert "d += x" in faithful(function, 0.7)


def test_a_list_is_appended_to(b):
    x = param("x", PY_FLOAT)
    kind = Facts("list", element=PY_FLOAT)
    function = loop(
        lambda b, k, d: b(runtime.append, d, x, facts=kind),
        start=lambda b: [],
        params=[x],
        kind=kind,
    )
    assert "d.append(x)" in faithful(function, 0.7)


# -- where somebody could ----------------------------------------------------------------------------


def test_an_argument_is_not_written_into(b, x):
    d = b(runtime.index_add, x, 0, 2.0, hint="d")
    assert copies(faithful(function_of(b, [x], d), NUMBERS))


def test_an_argument_that_was_given_away_is():
    function = loop(
        lambda b, k, d: b(runtime.index_add, d, k, 1.0), start=lambda b: DONATED, params=[DONATED]
    )
    assert copies(text_of(function))
    assert not copies(text_of(replace(function, donated=frozenset({DONATED}))))


DONATED = param("x", X)


@pytest.mark.parametrize(
    "look",
    [
        lambda b, x: x,
        lambda b, x: b(operator.getitem, x, slice(None, None, -1)),
        lambda b, x: b(np.transpose, x),
        lambda b, x: b(np.reshape, x, (4,)),
        lambda b, x: b(np.real, x),
        lambda b, x: b(np.diff, x, 0),
        lambda b, x: b(np.einsum, "i->i", x),
        lambda b, x: b(np.broadcast_to, x, (4,)),
        lambda b, x: b(runtime.unbroadcast, x, x),
    ],
)
def test_a_view_of_an_argument_is_not_written_into(look):
    x = param("x", X)
    function = loop(
        lambda b, k, d: b(runtime.index_add, d, k, 1.0), start=lambda b: look(b, x), params=[x]
    )
    faithful(function, NUMBERS)


@pytest.mark.parametrize(
    "look",
    [
        lambda b, d: d,
        lambda b, d: b(operator.getitem, d, slice(1, None)),
        lambda b, d: b(np.transpose, d),
        lambda b, d: b(operator.getitem, b(np.reshape, d, (2, 2)), 0),
    ],
)
def test_memory_of_which_a_view_is_still_read_is_not_written_into(b, x, look):
    d = b(np.exp, x, hint="d")
    view = look(b, d)
    e = b(runtime.index_add, d, 1, 2.0, hint="d")
    assert copies(faithful(function_of(b, [x], (e, view)), NUMBERS))


def test_a_view_that_is_read_only_before_does_not_matter(b, x):
    d = b(np.exp, x, hint="d")
    total = b(np.sum, b(operator.getitem, d, slice(1, None)), hint="total")
    e = b(runtime.index_add, d, 1, 2.0, hint="d")
    assert not copies(faithful(function_of(b, [x], (e, total)), NUMBERS))


def test_a_view_held_by_a_list_counts(b, x):
    d = b(np.exp, x, hint="d")
    held = b(runtime.append, [], d, facts=Facts("list", items=(X,), cls=list), hint="held")
    e = b(runtime.index_add, d, 1, 2.0, hint="d")
    assert copies(faithful(function_of(b, [x], (e, held)), NUMBERS))


def test_a_view_held_by_the_tape_counts():
    b, x = Adjoint(), param("x", X)
    k, d, body = param("k", PY_INT), param("d", X), Adjoint()
    new = body(runtime.index_add, d, k, 1.0)
    start = b(np.exp, x)
    final, stack = b.emit_for(3, [start], body.block((k, d), (new, d)))
    assert copies(faithful(function_of(b, [x], (final, stack)), NUMBERS))


def test_memory_that_is_carried_twice_is_not_written_into(b, x):
    k, p, q, body = param("k", PY_INT), param("p", X), param("q", X), Adjoint()
    new = body(runtime.index_add, p, k, 1.0)
    start = b(np.exp, x)
    results = b.emit_for(3, [start, start], body.block((k, p, q), (new, q)))
    faithful(function_of(b, [x], results), NUMBERS)


def test_values_that_change_places_each_round_are_not_mixed_up(b, x):
    k, p, q, body = param("k", PY_INT), param("p", X), param("q", X), Adjoint()
    new = body(runtime.index_add, p, k, 1.0)
    one, two = b(np.exp, x), b(np.sin, x)
    results = b.emit_for(3, [one, two], body.block((k, p, q), (q, new)))
    faithful(function_of(b, [x], results), NUMBERS)


def test_memory_that_one_side_of_a_branch_shares_is_not_written_into(b, x):
    flag = param("flag", PY_INT)
    d = b(np.exp, x, hint="d")
    orelse = Adjoint()
    (either,) = b.emit_if(flag, Block((), (), (d,)), orelse.block((), (orelse(np.sin, x),)))
    e = b(runtime.index_add, either, 1, 2.0, hint="d")
    for chosen in (0, 1):
        faithful(function_of(b, [x, flag], (e, d)), NUMBERS, chosen)


def test_an_update_on_one_side_leaves_the_other_alone(b, x):
    flag = param("flag", PY_INT)
    d = b(np.exp, x, hint="d")
    then = Adjoint()
    changed = then(runtime.index_add, d, 0, 2.0)
    (either,) = b.emit_if(flag, then.block((), (changed,)), Block((), (), (d,)))
    for chosen in (0, 1):
        faithful(function_of(b, [x, flag], either), NUMBERS, chosen)
        faithful(function_of(b, [x, flag], (either, d)), NUMBERS, chosen)


def test_entries_of_a_list_that_are_one_array_are_not_added_to_in_place():
    x = param("x", X)
    kind = Facts("list", element=X)
    b = Adjoint()
    d = b(np.exp, x, hint="d")
    both = b(runtime.append, b(runtime.append, [], d, facts=kind), d, facts=kind, hint="both")
    changed = b(runtime.index_add, both, 0, 1.0, facts=kind, hint="both")
    faithful(function_of(b, [x], changed), NUMBERS)


def test_one_array_stacked_in_each_round_is_not_added_to_in_place(b, x):
    once = b(np.exp, x)
    (stack,) = b.emit_for(3, [], Block((param("k", PY_INT),), (), (once,)))
    changed = b(runtime.index_add, stack, 0, x, facts=stack.facts, hint="xs")
    assert "index_add(" in faithful(function_of(b, [x], changed), NUMBERS)


def test_entries_of_a_list_of_zeros_are_apart(b):
    xs = param("xs", Facts("list", element=X))
    zeros = b(runtime.zeros_like, xs, facts=xs.facts, hint="d")
    entry = b(operator.getitem, xs, 1, facts=X)
    changed = b(runtime.index_add, zeros, 0, entry, facts=xs.facts, hint="d")
    text = faithful(function_of(b, [xs], changed), [NUMBERS, NUMBERS])
    assert "d[0] += xs[1]" in text


def test_entries_of_a_list_that_are_arguments_are_not_added_to_in_place():
    x = param("x", X)
    kind = Facts("list", element=X)
    function = loop(
        lambda b, k, d: b(runtime.index_add, d, 0, 1.0, facts=kind),
        start=lambda b: b(runtime.append, [], x, facts=kind),
        params=[x],
        kind=kind,
    )
    faithful(function, NUMBERS)


@pytest.mark.parametrize(
    ("value", "facts"),
    [
        (np.ones((2, 4)), array("float64", (2, 4))),  # the sum is larger
        (np.ones(4) * 1j, array("complex128", (4,))),  # ... of another type
    ],
)
def test_a_sum_that_does_not_fit_its_first_term_is_new(value, facts, x):
    v = param("v", facts)
    b = Adjoint()
    d = b(np.exp, x, hint="d")
    e = b(operator.add, d, v, hint="d")
    assert "+=" not in faithful(function_of(b, [x, v], e), NUMBERS, value)


def test_what_the_update_reads_may_overlap_what_it_writes(b, x):
    d = b(np.exp, x, hint="d")
    part = b(operator.getitem, d, slice(None, -1))
    e = b(runtime.index_add, d, slice(1, None), part, hint="d")
    text = faithful(function_of(b, [x], e), NUMBERS)
    assert "d[1:] += d[:-1]" in text


# -- whole gradients -----------------------------------------------------------------------------------


def stencil(u, c, n):
    for _ in range(n):
        left = u[:-1]
        right = u[1:]
        u = u + c * np.concatenate([left * right, np.zeros(1)])
    return np.sum(u * u)


def gathers(u, i):
    return np.sum(np.sin(u[i]) * u[0]) + np.sum(u[::2] * u[1::2])


def nested(params, n):
    total = 0.0
    for k in range(n):
        for a in params["w"]:
            total = total + a[k] * params["s"] * total + a[0]
    return total


def rows(m):
    total = m[0]
    for row in m:
        total = total * row + m[-1]
    return np.sum(total)


def transposed(m):
    t = m.T
    return np.sum(t[0] * t[1]) + np.sum(np.sin(t) * m[:, 0])


M = np.arange(9.0).reshape(3, 3) / 7.0


@pytest.mark.parametrize(
    ("function", "args", "argnums"),
    [
        (stencil, (NUMBERS, 0.1, 3), (0, 1)),
        (gathers, (NUMBERS, np.array([0, 0, 2])), (0,)),
        (nested, ({"w": [NUMBERS, NUMBERS + 1], "s": 0.5}, 3), (0,)),
        (rows, (M,), (0,)),
        (transposed, (M,), (0,)),
    ],
)
def test_a_gradient_written_in_place_is_that_of_its_graph(function, args, argnums):
    made = optimize(derive(function, *args, argnums=argnums))
    given = copy.deepcopy(args)
    got = run(made, *given)
    assert identical(list(given), list(args))
    assert identical(got, interpret(made, [*copy.deepcopy(args), 1.0]))
    again = run(made, *given)
    assert identical(got, again)


# -- random programs -----------------------------------------------------------------------------------

SQUARE = array("float64", (3, 3))
LIST = Facts("list", element=SQUARE)
PLACES = [0, (slice(None), 1), slice(0, 2), (1, slice(None, None, -1)), [0, 2]]


def grow(draw, b, pool, lists, depth):
    """Add a few ops that look into, update and keep the arrays of the pool."""
    for _ in range(draw(st.integers(1, 5))):
        one, other = draw(st.sampled_from(pool)), draw(st.sampled_from(pool))
        kinds = ["fresh", "view", "update", "update", "augment", "nest", "turned nest", "part"]
        kinds += ["sum", "keep", "take", "entry", "replace", "inside"]
        kind = draw(st.sampled_from(kinds + (["branch", "loop"] if depth else [])))
        hint = draw(st.sampled_from([None, "d", "e"]))
        if kind == "fresh":
            pool.append(b(np.cos, one, hint=hint))
        elif kind == "view":
            look = draw(st.sampled_from(["turned", "flipped", "reshaped"]))
            if look == "turned":
                pool.append(b(np.transpose, one, hint=hint))
            elif look == "flipped":
                flip = slice(None, None, -1)
                pool.append(b(operator.getitem, one, (slice(None), flip), hint=hint))
            else:
                pool.append(b(np.reshape, one, (3, 3), hint=hint))
        elif kind == "update":
            index = draw(st.sampled_from(PLACES))
            value = b(operator.getitem, other, index) if draw(st.booleans()) else 2.0
            update = draw(st.sampled_from([runtime.index_add, runtime.setitem]))
            pool.append(b(update, one, index, value, hint=one.hint or hint))
        elif kind == "augment":
            index = draw(st.sampled_from(PLACES))
            entry = b(operator.getitem, one, index)
            sign = draw(st.sampled_from([operator.add, operator.mul]))
            value = b(operator.getitem, other, index) if draw(st.booleans()) else 0.5
            pool.append(
                b(runtime.setitem, one, index, b(sign, entry, value), hint=one.hint or hint)
            )
        elif kind == "nest":
            row = b(operator.getitem, one, 1)
            value = b(np.sum, other) if draw(st.booleans()) else b(operator.getitem, row, 0)
            row = b(runtime.setitem, row, slice(1, None), value)
            pool.append(b(runtime.setitem, one, 1, row, hint=one.hint or hint))
        elif kind == "turned nest":
            turned = b(runtime.setitem, b(np.transpose, one), 0, 3.0)
            pool.append(b(np.transpose, turned, hint=one.hint or hint))
        elif kind == "part":
            part = b(operator.getitem, one, slice(0, 2), hint=hint)
            part = b(runtime.setitem, part, 0, b(operator.getitem, other, 1), hint=hint)
            pool.append(b(np.concatenate, [part, b(operator.getitem, other, slice(2, 3))]))
        elif kind == "replace" and lists:
            xs = draw(st.sampled_from(lists))
            lists.append(b(runtime.setitem, xs, 0, one, facts=LIST, hint="xs"))
        elif kind == "inside" and lists:
            xs = draw(st.sampled_from(lists))
            entry = b(runtime.setitem, b(operator.getitem, xs, 0, facts=SQUARE), 1, 4.0)
            lists.append(b(runtime.setitem, xs, 0, entry, facts=LIST, hint="xs"))
        elif kind == "sum":
            pool.append(b(operator.add, one, other, hint=one.hint or hint))
        elif kind == "keep":
            start = draw(st.sampled_from([[], *lists]))
            lists.append(b(runtime.append, start, one, facts=LIST, hint="xs"))
        elif kind == "take" and lists:
            pool.append(
                b(operator.getitem, draw(st.sampled_from(lists)), 0, facts=SQUARE, hint=hint)
            )
        elif kind == "entry" and lists:
            xs = draw(st.sampled_from(lists))
            lists.append(b(runtime.index_add, xs, 0, one, facts=LIST, hint="xs"))
        elif kind == "branch":
            sides = []
            for _ in range(2):
                inner, inside = Adjoint(), list(pool)
                grow(draw, inner, inside, list(lists), depth - 1)
                ends = [draw(st.sampled_from(inside)) for _ in range(2)]
                sides.append(inner.block((), ends))
            pool.extend(b.emit_if(draw(st.booleans()), *sides, ["d", None]))
        elif kind == "loop":
            inits = [draw(st.sampled_from(pool)) for _ in range(2)]
            k, p, q = param("k", PY_INT), param("d", SQUARE), param(None, SQUARE)
            inner, inside = Adjoint(), [*pool, p, q]
            grow(draw, inner, inside, list(lists), depth - 1)
            ends = [draw(st.sampled_from(inside)) for _ in range(3)]
            *finals, stack = b.emit_for(2, inits, inner.block((k, p, q), ends))
            pool.extend(finals)
            lists.append(stack)


@st.composite
def programs(draw):
    b = Adjoint()
    params = [param("x", SQUARE), param("y", SQUARE)]
    pool, lists = list(params), []
    grow(draw, b, pool, lists, depth=2)
    wanted = [draw(st.sampled_from(pool + lists)) for _ in range(draw(st.integers(1, 3)))]
    return function_of(b, params, tuple(wanted))


@settings(max_examples=150, deadline=None)
@given(programs())
def test_what_is_written_in_place_cannot_be_told_from_what_is_not(function):
    faithful(function, np.arange(9.0).reshape(3, 3), np.ones((3, 3)))
