"""Random programs, the same on every run; SRCGRAD_LONG=1 takes many thousands."""

import os
from dataclasses import replace

import numpy as np
import pytest

from fuzz.check import Failure, check
from fuzz.hunt import fails_with, report
from fuzz.programs import Program, program
from fuzz.shrink import shrink
from srcgrad.codegen.inplace import InPlace
from srcgrad.ops import registry

CHUNK = 40
CHUNKS = 500 if os.environ.get("SRCGRAD_LONG") == "1" else 9


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_programs(chunk):
    fine = 0
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        made = program(seed)
        try:
            fine += check(made) == "ok"
        except Failure as failure:
            pytest.fail(report(made, failure))
    assert fine >= 0.8 * CHUNK  # few may be refused, or have no gradient to speak of


def test_a_program_is_always_the_same():
    assert program(7).text == program(7).text
    assert len({program(seed).text for seed in range(20)}) == 20


def first_failure(seeds):
    for seed in seeds:
        try:
            check(program(seed))
        except Failure as failure:
            return failure
    return None


def test_a_wrong_rule_is_seen(monkeypatch):
    sine = registry.find(np.sin)
    rule = registry.RULES[sine]
    wrong = (lambda g, y, x: g * np.cos(x) * 1.01,)
    monkeypatch.setitem(registry.RULES, sine, replace(rule, vjps=wrong, jvps=wrong))
    failure = first_failure(range(100))
    assert failure is not None and failure.key == ("interpret", "slope")


def test_an_update_of_memory_that_is_still_wanted_is_seen(monkeypatch):
    monkeypatch.setattr(InPlace, "_free", lambda self, op, target, roots: True)
    failure = first_failure(range(100))
    assert failure is not None and failure.key[0] in ("emit", "pullback", "generic", "save")


def test_a_failing_program_is_made_small(monkeypatch):
    sine = registry.find(np.sin)
    rule = registry.RULES[sine]
    wrong = (lambda g, y, x: g,)
    monkeypatch.setitem(registry.RULES, sine, replace(rule, vjps=wrong, jvps=wrong))
    text = (
        "import numpy as np\n\ndef f(x, y):\n    total = 0.0\n    for k in range(3):\n"
        "        if y > k:\n            total = total + np.sin(x) * y\n    return total\n"
    )
    failing = Program(text, (0.7, 1.5), (0, 1), loss=True)
    with pytest.raises(Failure) as caught:
        check(failing)
    small = shrink(failing, fails_with(caught.value.key))
    assert "np.sin(x)" in small.text and "for" not in small.text and "if" not in small.text
    assert small.argnums == (0,)
