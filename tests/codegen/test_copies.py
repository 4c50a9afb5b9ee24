"""What is overwritten and still needed is copied, where an expert would copy it, and nothing else is."""

import operator

import numpy as np
import pytest
from codegen.test_inplace import NUMBERS, X, faithful
from graphs import Adjoint, function_of, param

from srcgrad import runtime
from srcgrad.codegen.copies import settle
from srcgrad.ir.graph import Block
from srcgrad.ir.types import PY_FLOAT, PY_INT, UNKNOWN, Facts, array

MIDDLE, LEFT, RIGHT = slice(1, -1), slice(None, -2), slice(2, None)
XS = Facts("list", element=X)


def get(b, a, index, hint=None):
    return b(operator.getitem, a, index, hint=hint)


def put(b, a, index, value, hint="u"):
    return b(runtime.setitem, a, index, value, hint=hint)


def lines(text):
    return [line.strip() for line in text.splitlines()]


# -- the caller's data -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [X, UNKNOWN])
def test_an_argument_is_copied_once_and_first(kind):
    b, u = Adjoint(False), param("u", kind)
    first = put(b, u, 0, 1.0)
    second = put(b, first, slice(1, None), 2.0)
    text = faithful(function_of(b, [u], second), NUMBERS)
    assert lines(text)[1:4] == ["u = u.copy()", "u[0] = 1.0", "u[1:] = 2.0"]


def test_an_argument_is_copied_before_the_loop_that_writes_to_it():
    b, u0, k, u = Adjoint(False), param("u", X), param("k", PY_INT), param("u", X)
    body = Adjoint(False)
    (u1,) = b.emit_for(3, [u0], body.block((k, u), (put(body, u, k, 1.0),)))
    text = faithful(function_of(b, [u0], u1), NUMBERS)
    assert lines(text)[1:4] == ["u = u.copy()", "for k in range(3):", "u[k] = 1.0"]


def test_an_argument_that_is_needed_as_it_was_is_read_where_it_stands():
    b, u = Adjoint(False), param("u", X)
    changed = put(b, u, 0, 1.0, hint="v")
    text = faithful(function_of(b, [u], b(operator.add, changed, u)), NUMBERS)
    assert text.count(".copy()") == 1
    assert "u = u.copy()" not in text


def test_a_list_of_the_callers_is_copied_but_not_what_it_holds():
    b, xs, v = Adjoint(False), param("xs", XS), param("v", X)
    longer = b(runtime.append, xs, v, facts=XS, hint="xs")
    changed = b(runtime.setitem, longer, 0, v, facts=XS, hint="xs")
    text = faithful(function_of(b, [xs, v], changed), [NUMBERS], NUMBERS + 1)
    assert lines(text)[1:4] == ["xs = list(xs)", "xs.append(v)", "xs[0] = v"]


def test_an_array_in_a_dict_of_the_callers_is_copied_with_it():
    kind = Facts("dict", items=(X, X), keys=("k", "l"), cls=dict)
    b, d = Adjoint(False), param("d", kind)
    entry = put(b, b(operator.getitem, d, "k"), 1, 2.0)
    text = faithful(
        function_of(b, [d], put(b, d, "k", entry, hint="d")), {"k": NUMBERS, "l": NUMBERS}
    )
    assert 'd["k"][1] = 2.0' in text


# -- what is still needed ----------------------------------------------------------------------------


def step(body, u, c):
    """`u[1:-1] -= c * u[1:-1] * (u[2:] - u[:-2])`, and the two factors that its adjoint reads."""
    old = get(body, u, MIDDLE)
    slope = body(operator.sub, get(body, u, RIGHT), get(body, u, LEFT), hint="slope")
    mid = get(body, u, MIDDLE, hint="mid")
    flux = body(operator.mul, body(operator.mul, c, mid), slope)
    return put(body, u, MIDDLE, body(operator.sub, old, flux)), mid, slope


def test_a_time_loop_keeps_what_its_adjoint_reads():
    b, body, back = Adjoint(False), Adjoint(False), Adjoint()
    u0, c, n = param("u", X), param("c", PY_FLOAT), param("steps", PY_INT)
    k, u, m, d = param("k", PY_INT), param("u", X), param("k", PY_INT), param("d_u", X)
    new, mid, slope = step(body, u, c)
    final, mids, slopes = b.emit_for(n, [u0], body.block((k, u), (new, mid, slope)))
    mid, slope = get(back, mids, m, hint="mid"), get(back, slopes, m, hint="slope")
    d_step = back(operator.mul, back(operator.neg, get(back, d, MIDDLE)), c, hint="d_step")
    d1 = back(runtime.index_add, d, RIGHT, back(operator.mul, d_step, mid), hint="d_u")
    minus = back(operator.neg, back(operator.mul, d_step, slope))
    d2 = back(runtime.index_add, d1, LEFT, minus, hint="d_u")
    b.adjoint = True
    start = b(operator.mul, 2.0, final, hint="d_u")
    (d_u,) = b.emit_for(b(len, mids), [start], back.block((m, d), (d2,)), reverse=True)
    text = faithful(function_of(b, [u0, c, n], d_u), np.sin(np.arange(4.0)), 0.1, 4)
    assert lines(text)[1:] == [
        "u = u.copy()",
        "tape = []",
        "for _ in range(steps):",
        "slope = u[2:] - u[:-2]",
        "mid = u[1:-1].copy()",
        "tape.append((mid, slope))",
        "u[1:-1] -= c * mid * slope",
        "d_u = 2.0 * u",
        "while tape:",
        "mid, slope = tape.pop()",
        "d_step = -d_u[1:-1] * c",
        "d_u[2:] += d_step * mid",
        "d_u[:-2] -= d_step * slope",
        "return d_u",
    ]


def test_a_number_that_is_overwritten_is_kept_without_a_copy():
    kind = array("float64", (3, 3))
    b, body = Adjoint(False), Adjoint(False)
    a0, i, a = param("A", kind), param("i", PY_INT), param("A", kind)
    old = get(body, a, (i, 0))
    product = body(
        operator.matmul,
        get(body, a, (i, slice(None, i))),
        get(body, a, (slice(None, i), 0)),
    )
    new = put(body, a, (i, 0), body(operator.sub, old, product), hint="A")
    final, kept = b.emit_for(3, [a0], body.block((i, a), (new, old)))
    text = faithful(function_of(b, [a0], (final, kept)), np.eye(3) + 0.5)
    assert "A[i, 0] -= A[i, :i] @ A[:i, 0]" in lines(text)
    assert text.count(".copy()") == 1


def test_a_state_that_is_kept_each_round_is_copied_before_it_is_overwritten():
    b, body = Adjoint(False), Adjoint(False)
    u0, k, u = param("u", X), param("k", PY_INT), param("u", X)
    new = put(body, u, k, 0.0)
    final, states = b.emit_for(3, [u0], body.block((k, u), (new, u)))
    text = faithful(function_of(b, [u0], (final, states)), NUMBERS)
    assert "u[k] = 0.0" in lines(text)
    assert text.count(".copy()") == 2


def test_a_state_that_is_kept_after_it_was_changed_is_copied_as_it_is_kept():
    b, body = Adjoint(False), Adjoint(False)
    u0, k, u = param("u", X), param("k", PY_INT), param("u", X)
    new = put(body, u, k, 0.0)
    (final, states) = b.emit_for(3, [u0], body.block((k, u), (new, new)))
    text = faithful(function_of(b, [u0], (final, states)), NUMBERS)
    assert lines(text)[4:6] == ["u[k] = 0.0", "rounds.append(u.copy())"]


def test_a_read_stays_before_the_write_that_would_change_it():
    b, x = Adjoint(False), param("x", X)
    u = b(np.exp, x, hint="u")
    total = b(np.sum, get(b, u, RIGHT))
    new = put(b, u, 3, 0.0)
    text = faithful(function_of(b, [x], b(operator.mul, new, total)), NUMBERS)
    at = lines(text)
    assert at.index("u[3] = 0.0") > next(k for k, line in enumerate(at) if "np.sum(u[2:])" in line)
    assert ".copy()" not in text


def test_who_asks_for_the_shape_alone_does_not_keep_the_old_entries():
    b, x = Adjoint(False), param("x", X)
    u = b(np.exp, x, hint="u")
    new = put(b, u, 0, 0.0)
    zeros = b(np.zeros_like, u, hint="z")
    text = faithful(function_of(b, [x], (new, zeros)), NUMBERS)
    assert ".copy()" not in text


# -- several pieces of memory ------------------------------------------------------------------------


@pytest.mark.parametrize("rounds", [0, 1, 2, 5])
def test_buffers_that_change_places_are_not_copied(rounds):
    b, body = Adjoint(False), Adjoint(False)
    u0, n = param("u", X), param("n", PY_INT)
    start = b(np.zeros_like, u0, hint="v")
    k, u, v = param("k", PY_INT), param("u", X), param("v", X)
    mean = body(operator.truediv, body(operator.add, get(body, u, RIGHT), get(body, u, LEFT)), 2)
    new = put(body, v, MIDDLE, mean, hint="v")
    results = b.emit_for(n, [u0, start], body.block((k, u, v), (new, u)))
    text = faithful(function_of(b, [u0, n], results), NUMBERS, rounds)
    assert lines(text)[1:6] == [
        "u = u.copy()",
        "v = np.zeros_like(u)",
        "for _ in range(n):",
        "v[1:-1] = (u[2:] + u[:-2]) / 2",
        "u, v = v, u",
    ]


def test_buffers_that_begin_as_one_are_made_two_before_the_loop():
    b, body, x = Adjoint(False), Adjoint(False), param("x", X)
    one = b(np.exp, x, hint="u")
    k, u, v = param("k", PY_INT), param("u", X), param("v", X)
    new = put(body, v, k, get(body, u, 0), hint="v")
    results = b.emit_for(3, [one, one], body.block((k, u, v), (new, u)))
    faithful(function_of(b, [x], results), NUMBERS)


def test_what_a_loop_yields_from_outside_is_not_overwritten():
    b, body, x = Adjoint(False), Adjoint(False), param("x", X)
    one, two = b(np.exp, x), b(np.sin, x)
    k, u = param("k", PY_INT), param("u", X)
    new = put(body, u, k, 0.0)
    final, kept = b.emit_for(3, [two], body.block((k, u), (one, b_sum(body, new))))
    faithful(function_of(b, [x], (final, kept, one)), NUMBERS)


def b_sum(b, value):
    return b(np.sum, value)


# -- entries of entries ------------------------------------------------------------------------------


def test_a_row_is_written_to_where_it_stands():
    b, x = Adjoint(False), param("x", array("float64", (3, 3)))
    a = b(np.exp, x, hint="A")
    row = put(b, get(b, a, 1), slice(1, None), 5.0, hint=None)
    text = faithful(function_of(b, [x], put(b, a, 1, row, hint="A")), np.eye(3))
    assert "A[1][1:] = 5.0" in lines(text)


def test_a_transposed_array_is_written_to_where_it_stands():
    b, x = Adjoint(False), param("x", array("float64", (3, 3)))
    a = b(np.exp, x, hint="A")
    turned = put(b, b(np.transpose, a), 0, 5.0, hint=None)
    text = faithful(function_of(b, [x], b(np.transpose, turned, hint="A")), np.eye(3))
    assert "A.T[0] = 5.0" in lines(text)


def test_entries_picked_one_by_one_are_no_part_of_the_array():
    b, x = Adjoint(False), param("x", array("float64", (3, 3)))
    a = b(np.exp, x, hint="A")
    rows = put(b, get(b, a, [0, 2]), (slice(None), 1), 5.0, hint="rows")
    text = faithful(function_of(b, [x], put(b, a, [0, 2], rows, hint="A")), np.eye(3))
    assert "A[[0, 2]] = rows" in lines(text)


def test_one_array_in_two_entries_is_changed_in_one():
    b, x = Adjoint(False), param("x", X)
    a = b(np.exp, x)
    xs = b(runtime.append, b(runtime.append, [], a, facts=XS), a, facts=XS, hint="xs")
    entry = put(b, b(operator.getitem, xs, 0, facts=X), 1, 2.0, hint=None)
    faithful(function_of(b, [x], b(runtime.setitem, xs, 0, entry, facts=XS, hint="xs")), NUMBERS)


@pytest.mark.parametrize("index", [slice(None), ...])
def test_a_whole_array_is_overwritten(index):
    b, x = Adjoint(False), param("x", X)
    text = faithful(function_of(b, [x], put(b, b(np.exp, x, hint="u"), index, 1.0)), NUMBERS)
    assert ("u[:] = 1.0" if index != ... else "u[...] = 1.0") in lines(text)


def test_a_function_without_updates_stays_as_it_is():
    x = param("x", X)
    function = function_of(Adjoint(), [x], x)
    assert settle(function) is function
    assert isinstance(function.body, Block)
