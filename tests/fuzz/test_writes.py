"""Random programs that write into arrays, views, lists, dicts and objects; SRCGRAD_LONG=1 takes 20,000."""

import copy
import operator
import os
import re
import warnings
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from fuzz.check import Failure, check, load
from fuzz.hunt import kind_of, report
from fuzz.programs import program
from fuzz.stores import Stores
from srcgrad import runtime
from srcgrad.analysis.memory import NOWHERE, Memory
from srcgrad.frontend import handles
from srcgrad.frontend.sharing import FRESH
from srcgrad.ir.graph import Value
from srcgrad.ops import registry

CHUNK = 40
CHUNKS = 500 if os.environ.get("SRCGRAD_LONG") == "1" else 8


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_programs_that_write(chunk):
    outcomes = Counter()
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        made = program(seed, Stores)
        try:
            outcomes[kind_of(check(made))] += 1
        except Failure as failure:
            pytest.fail(report(made, failure))
    assert outcomes["ok"] >= 0.7 * CHUNK, outcomes  # few may be refused
    assert outcomes["assumed"] <= 3, outcomes


CONSTRUCTS = {
    "an entry": r"\w\[[^=\n]*\] = ",
    "an augmented entry": r"\] [-+*/]\*?= ",
    "a whole array": r"^ +\w+ [-+*/@]\*?= ",
    "a mask": r"\[\w+ [<>] -?\d",
    "repeated places": r"\[\[(-?\d), .*\1",
    "an argument to write to": r"out=",
    "a ufunc at places": r"\.at\(",
    "copyto": r"np\.copyto\(",
    "fill": r"\.fill\(",
    "put": r"put\(",
    "place": r"np\.place\(",
    "flat": r"\.flat\[",
    "sort": r"\.sort\(\)",
    "diagonal": r"fill_diagonal\(",
    "transposed": r"\.T\[",
    "reshaped": r"\.reshape\(-1\)\[",
    "append": r"\.append\(",
    "extend": r"\.extend\(",
    "insert": r"\.insert\(",
    "pop": r"\.pop\(",
    "del": r"\bdel ",
    "clear": r"\.clear\(",
    "setdefault": r"\.setdefault\(",
    "update": r"\.update\(",
    "a slice of a list": r"\[1:\] = \[",
    "an attribute's entry": r"\.v\[.*\] [-+*]?= ",
    "an attribute": r"\.n [-+*]?= ",
    "a method": r"\.(kick|renew)\(",
    "a function inside": r"^    def ",
    "an early exit": r"^        +return",
    "break": r"\bbreak\b",
    "while": r"\bwhile\b",
    "three loops deep": r"^ {4}for .*\n {8}for .*\n {12}for ",
}


def test_the_programs_run_and_have_every_construct():
    texts, ran = [], 0
    for seed in range(1500):
        made = program(seed, Stores)
        texts.append(made.text)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                load(made.text)(*copy.deepcopy(made.args))
                ran += 1
            except (ValueError, IndexError, TypeError, UnboundLocalError):
                pass  # a random program may well be wrong; few are
    assert ran >= 0.97 * len(texts)
    missing = [
        name
        for name, pattern in CONSTRUCTS.items()
        if not any(re.search(pattern, text, re.M) for text in texts)
    ]
    assert not missing


def is_array(arg):
    return isinstance(arg, Value) and arg.facts.kind == "array"


def first_failure(seeds):
    for seed in seeds:
        try:
            check(program(seed, Stores))
        except Failure as failure:
            return failure
    return None


def test_an_overwritten_entry_that_keeps_its_cotangent_is_seen(monkeypatch):
    primitive = registry.find(runtime.setitem)
    rule = registry.RULES[primitive]
    wrong = (lambda g, y, a, index, v: g, *rule.vjps[1:])
    monkeypatch.setitem(registry.RULES, primitive, replace(rule, vjps=wrong))
    failure = first_failure(range(60))
    assert failure is not None and failure.key == ("interpret", "slope")


def test_a_view_that_the_printer_takes_for_a_copy_is_seen(monkeypatch):
    right = Memory._made

    def wrong(self, op):
        if op.primitive.function is operator.getitem and is_array(op.args[0]):
            return frozenset({op.result}), NOWHERE
        return right(self, op)

    monkeypatch.setattr(Memory, "_made", wrong)
    failure = first_failure(range(300))
    assert failure is not None and failure.key[0] in ("emit", "vjp", "pullback")


def test_a_view_that_the_reader_takes_for_a_copy_is_seen(monkeypatch):
    right = handles.sharing

    def wrong(op, generic):
        is_view = op.primitive.function is operator.getitem and is_array(op.args[0])
        return (FRESH, ()) if is_view else right(op, generic)

    monkeypatch.setattr(handles, "sharing", wrong)
    failure = first_failure(range(100))
    assert failure is not None and failure.key == ("interpret the program", "mismatch")
