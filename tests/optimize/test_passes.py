"""The passes in order: each leaves a sound graph that computes what it did before."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from graphs import derive, names_of, seeded
from zoo.numeric import tree_leaves

from srcgrad.config import Settings
from srcgrad.ir.verify import MalformedGraph, verify
from srcgrad.optimize import passes
from srcgrad.optimize.passes import PASSES, optimize

X = np.array([0.5, 1.5, 2.5])


def network(params, x):
    for w, b in params:
        x = np.tanh(x @ w + b)
    return np.sum(x * x)


def filtered(x, w, n):
    total, y = 0.0, x
    for i in range(n):
        if i % 2:
            y = np.sin(w * y) + y
        elif np.sum(y) > 100.0:
            break
        total = total + y[i] * np.sum(y)
    return total


def newton(a):
    r = a
    while abs(r * r - a) > 1e-9:
        r = r - (r * r - a) / (2 * r)
    return r


def power(x, n):
    return 1.0 if n == 0 else x * power(x, n - 1)


rng = np.random.default_rng(0)
PROGRAMS = [
    (network, ([(rng.normal(size=(3, 3)), rng.normal(size=3)) for _ in range(2)], X), 0),
    (network, ([(rng.normal(size=(3, 3)), rng.normal(size=3)) for _ in range(2)], X), 1),
    (filtered, (X, 0.7, 3), 0),
    (filtered, (X, X + 0.1, 3), 1),
    (newton, (7.0,), 0),
    (power, (1.3, 4), 0),
]


@pytest.mark.parametrize(("function", "args", "argnum"), PROGRAMS)
def test_each_pass_leaves_a_sound_graph_that_computes_the_same(function, args, argnum):
    made = derive(function, *args, argnums=argnum)
    expected = tree_leaves(seeded(made, *copy.deepcopy(args)))
    for name, run in PASSES:
        made = verify(run(made))
        found = tree_leaves(seeded(made, *args))
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, err_msg=name)


@pytest.mark.parametrize(("function", "args", "argnum"), PROGRAMS)
def test_optimising_makes_a_graph_no_larger_and_twice_is_enough(function, args, argnum):
    made = derive(function, *args, argnums=argnum)
    once = optimize(made)
    assert len(names_of(once)) <= len(names_of(made))
    twice = optimize(once)
    assert len(names_of(optimize(twice))) == len(names_of(twice))


def test_the_graph_after_each_pass_is_written_where_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(passes, "settings", lambda: Settings(dump=tmp_path / "dump"))
    optimize(derive(newton, 7.0))
    files = sorted(p.name for p in (tmp_path / "dump").iterdir())
    assert files[0] == "d_newton.00.start.txt"
    assert len(files) == len(PASSES) + 1
    assert (tmp_path / "dump" / files[-1]).read_text().startswith("def d_newton(a: float")


def broken(function):
    body = function.body  # what its first op defines is read further down
    return replace(function, body=replace(body, ops=body.ops[1:]))


@pytest.mark.parametrize("check", [True, False])
def test_a_pass_that_breaks_the_graph_is_caught_where_it_is_asked_for(check, monkeypatch):
    monkeypatch.setattr(passes, "settings", lambda: Settings(check=check))
    monkeypatch.setattr(passes, "PASSES", (("broken", broken),))
    made = derive(lambda x: np.sum(np.exp(np.sin(x))), X)
    if check:
        with pytest.raises(MalformedGraph, match="before it is defined"):
            optimize(made)
    else:
        assert optimize(made).name == made.name
