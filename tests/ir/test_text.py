"""A graph as text: one op a line, each value by a name of its own, the same on every run."""

import operator
import re

import numpy as np
import pytest
from graphs import Adjoint, derive, function_of, param, read

from srcgrad.ir.build import Builder
from srcgrad.ir.graph import UNDEFINED, Block, Capture
from srcgrad.ir.text import to_text


def program(x, n):
    total = 0.0
    for k in range(n):
        if x > k:
            total += np.sin(x) * k
    while total > 1:
        total = total / 2
    return total


def test_the_same_program_reads_the_same_on_every_run():
    assert to_text(derive(program, 1.0, 3)) == to_text(derive(program, 1.0, 3))


def test_two_values_of_one_hint_have_two_names():
    x = param("x")
    b = Adjoint()
    y = b(np.sin, x, hint="x")
    text = to_text(function_of(b, [x], b(operator.mul, x, y)))
    assert "x.1: unknown = np.sin(x)" in text
    assert "mul(x, x.1)" in text


def test_each_name_is_bound_once():
    text = to_text(derive(program, 1.0, 3))
    bound = re.findall(r"^ *([\w.]+)(?:: [^=(]+)? = \w", text, flags=re.MULTILINE)
    assert len(bound) == len(set(bound)) > 10


def test_blocks_stand_indented_below_their_op():
    b, flag = Adjoint(), param("flag")
    b.emit_if(flag, Block((), (), (1.0,)), Block((), (), (2.0,)), ["y"])
    assert to_text(function_of(b, [flag], b.ops[0].result)).splitlines() == [
        "def f(flag: unknown):",
        "    y: float = if_(flag):",
        "        ():",
        "            yield 1.0",
        "        ():",
        "            yield 2.0",
        "    return y",
    ]


def test_a_loop_says_which_way_it_runs_and_whether_it_may_stop():
    b, k = Builder(), param("k")
    b.emit_for(3, [], Block((k,), (), (True,)), stop=True, reverse=True)
    assert "for_(3) [stop, reverse]:" in to_text(function_of(b, [], None))


@pytest.mark.parametrize(
    ("arg", "text"),
    [
        ((1,), "(1,)"),
        ((1, [2.0]), "(1, [2.0])"),
        ({"a": (None,)}, "{'a': (None,)}"),
        (slice(None), ":"),
        (slice(1, None, 2), "1::2"),
        ((slice(None, 3), Ellipsis), "(:3, Ellipsis)"),
        (UNDEFINED, "undefined"),
        (np.tanh, "tanh"),
        ("n", "'n'"),
    ],
)
def test_arguments_are_shown_as_source_has_them(arg, text):
    assert to_text(function_of(Builder(), [], arg)).endswith(f"return {text}")


def test_keyword_arguments_and_captured_values_are_shown():
    x, w = param("x"), param("w")
    b = Adjoint()
    y = b(np.sum, x, axis=w)
    text = to_text(function_of(b, [x], y, captures=(Capture("self.w", w, float),)))
    assert "w = outside self.w" in text
    assert "np.sum(x, axis=w)" in text


def fact(n):
    return 1.0 if n == 0 else n * fact(n - 1)


def test_the_functions_that_it_calls_stand_below():
    text = to_text(read(lambda y: fact(3) * y, 2.0))
    assert "call fact(3)" in text
    assert "\n\ndef fact(n: int):" in text
