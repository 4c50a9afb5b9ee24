"""Checkpointed loops: gradients of every order are those of the plain loops, and misuse is refused."""

import importlib.util
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from srcgrad import (
    NotDifferentiable,
    UnsupportedSyntax,
    checkpoint,
    checkpointed,
    grad,
    jvp,
    value_and_grad,
    vjp,
)
from srcgrad.autodiff.reverse import Wanted, gradient
from srcgrad.frontend.lower import lower
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import facts_of
from srcgrad.ir.verify import verify
from srcgrad.optimize.passes import optimize

spec = importlib.util.spec_from_file_location("programs", Path(__file__).with_name("programs.py"))
programs = importlib.util.module_from_spec(spec)
sys.modules["checkpointed_programs"] = programs
spec.loader.exec_module(programs)
PROGRAMS = programs.PROGRAMS
GOLDEN = Path(__file__).parents[1] / "golden" / "checkpointed_loop.txt"


def parts(tree):
    """The numbers and arrays of nested tuples and dicts."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, tuple | list):
        return [leaf for part in tree for leaf in parts(part)]
    return [tree]


def assert_same(one, other):
    for a, b in zip(parts(one), parts(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


# -- values ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [1, 2, 3, 5, 8, 100])
@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_are_those_of_the_plain_loop(name, keep):
    plain, kept, arguments, argnums = PROGRAMS[name]
    expected, found = grad(plain, argnums), grad(kept, argnums)
    for rounds in (1, 2, 3, 4, 7, 12, 25, 40):
        args = arguments(rounds)
        assert_same(found(*args, keep), expected(*args))


@pytest.mark.parametrize("name", ["heat", "leapfrog", "burgers", "capped"])
def test_every_number_of_rounds(name):
    plain, kept, arguments, argnums = PROGRAMS[name]
    expected, found = grad(plain, argnums), grad(kept, argnums)
    for rounds in range(41):
        assert_same(found(*arguments(rounds), 4), expected(*arguments(rounds)))


@pytest.mark.parametrize("name", PROGRAMS)
def test_in_plain_python_they_are_the_plain_loops(name):
    plain, kept, arguments, _ = PROGRAMS[name]
    args = arguments(5)
    fresh = [[np.copy(a) if isinstance(a, np.ndarray) else a for a in args] for _ in range(2)]
    assert kept(*fresh[0], 2) == plain(*fresh[1])


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_stage_gives_the_same(name):
    plain, kept, arguments, argnums = PROGRAMS[name]
    args = (*arguments(6), 2)
    expected = grad(plain, argnums)(*args[:-1])
    given = {n: facts_of(a) for n, a in zip(kept.__code__.co_varnames, args, strict=False)}
    made = verify(gradient(lower(kept, given), [Wanted(k) for k in argnums], single=False))
    copies = [[a.copy() if isinstance(a, np.ndarray) else a for a in args] for _ in range(2)]
    assert_same(interpret(made, [*copies[0], 1.0]), expected)
    assert_same(interpret(verify(optimize(made)), [*copies[1], 1.0]), expected)


def test_value_and_gradient():
    plain, kept, arguments, argnums = PROGRAMS["heat"]
    found = value_and_grad(kept, argnums)(*arguments(9), 3)
    assert_same(found, value_and_grad(plain, argnums)(*arguments(9)))


@pytest.mark.parametrize("name", ["heat", "leapfrog", "burgers", "until", "nested"])
def test_a_pullback_can_be_called_twice(name):
    plain, kept, arguments, argnums = PROGRAMS[name]
    _, pull = vjp(kept, *arguments(9), 3)
    expected = grad(plain, argnums)(*arguments(9))
    for _ in range(2):
        assert_same([pull(1.0)[k] for k in argnums], expected)


FORWARD = [n for n in PROGRAMS if n != "containers"]


@pytest.mark.parametrize("keep", [1, 3])
@pytest.mark.parametrize("name", FORWARD)
def test_second_derivatives(name, keep):
    plain, kept, arguments, _ = PROGRAMS[name]
    x, *rest = arguments(6)
    v = np.cos(np.arange(x.size)).reshape(x.shape)

    def once(x):
        return grad(plain)(x, *rest)

    def again(x):
        return grad(kept)(x, *rest, keep)

    expected = jvp(once, (x,), (v,))[1]
    assert_same(jvp(again, (x,), (v,))[1], expected)
    assert_same(grad(lambda x: np.sum(again(x) * v))(x), expected)


def test_forward_mode_keeps_nothing():
    plain, kept, arguments, _ = PROGRAMS["heat"]
    u, a, rounds = arguments(9)
    found = jvp(kept, (u, a, rounds, 3), (np.ones(8), 1.0, None, None))
    assert_same(found, jvp(plain, (u, a, rounds), (np.ones(8), 1.0, None)))


def test_an_inner_gradient():
    def total(x, keep):
        def simulate(y):
            for _ in checkpointed(range(5), keep=keep):
                y = np.sin(y) * x
            return np.sum(y)

        return np.sum(grad(simulate)(x) ** 2)

    x = np.array([0.5, 1.5])
    expected = grad(total)(x, 100)
    for keep in (1, 2, 3):
        assert_same(grad(total)(x, keep), expected)


def test_loops_that_walk_over_other_things():
    def loss(w, xs, ys, keep):
        h = w
        for x, y in checkpointed(zip(xs, ys, strict=True), keep=keep):
            h = np.sin(h * x) + y
        for x in checkpointed(reversed(ys), keep=keep):
            h = h * np.cos(x + h)
        for k, x in checkpointed(enumerate([1.5, 2.5, 3.5], 1), keep=keep):
            h = np.tanh(h * x) * k
        return h

    xs, ys = np.arange(5.0), [1.0, 2.0, 3.0, 4.0, 5.0]
    expected = grad(loss, (0, 1, 2))(0.3, xs, ys, 99)
    assert_same(grad(loss, (0, 1, 2))(0.3, xs, ys, 2), expected)
    step = 1e-6
    slope = (loss(0.3 + step, xs, ys, 2) - loss(0.3 - step, xs, ys, 2)) / (2 * step)
    np.testing.assert_allclose(expected[0], slope, rtol=1e-6)


def test_recursion():
    def fold(u, depth, keep):
        if depth == 0:
            return np.sum(u)
        for _ in checkpointed(range(4), keep=keep):
            u = np.sin(u) * 1.1
        return fold(u * u, depth - 1, keep)

    u = np.array([0.5, 1.5])
    assert_same(grad(fold)(u, 3, 2), grad(fold)(u, 3, 99))
    step = np.array([1e-6, 0.0])
    slope = (fold(u + step, 3, 2) - fold(u - step, 3, 2)) / 2e-6
    np.testing.assert_allclose(grad(fold)(u, 3, 2)[0], slope, rtol=1e-6)


def test_print_and_assert_happen_once_a_round(capsys):
    def loss(u):
        for t in checkpointed(range(5), keep=2):
            print("round", t)
            assert u < 10.0
            u = np.sin(u)
        return u

    grad(loss)(0.5)
    assert capsys.readouterr().out.split("\n")[:-1] == [f"round {t}" for t in range(5)]


# -- texts -------------------------------------------------------------------------------------------


def test_golden():
    _, kept, arguments, argnums = PROGRAMS["heat"]
    text = grad(kept, argnums).specialize(*arguments(100), 10).source
    if os.environ.get("SRCGRAD_UPDATE") == "1":
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


@pytest.mark.parametrize("name", ["heat", "leapfrog", "rnn", "until"])
def test_saved_modules_need_numpy_alone(name, tmp_path):
    _, kept, arguments, argnums = PROGRAMS[name]
    args = (*arguments(7), 3)
    derivative = grad(kept, argnums)
    derivative.specialize(*args).save(tmp_path / "saved.py")
    np.savez(tmp_path / "args.npz", *args)
    run = (
        "import sys, numpy as np, saved\n"
        "args = [a.item() if not a.ndim else a for a in np.load('args.npz').values()]\n"
        f"found = saved.d_{kept.__name__}(*args)\n"
        "assert 'srcgrad' not in sys.modules\n"
        "np.savez('found.npz', *(found if isinstance(found, tuple) else [found]))"
    )
    subprocess.run([sys.executable, "-c", run], cwd=tmp_path, check=True)
    found = list(np.load(tmp_path / "found.npz").values())
    assert_same(found, parts(derivative(*args)))


def test_a_loop_of_which_nothing_is_read_again_keeps_nothing():
    def loss(u, a):
        for _ in checkpointed(range(50), keep=4):
            u[1:-1] += a * (u[2:] - 2 * u[1:-1] + u[:-2])
        return np.sum(u)

    text = grad(loss).specialize(np.ones(8), 0.1).source
    assert "states" not in text
    assert "copy" not in text


def test_only_what_the_step_needs_is_kept():
    def loss(u, v):
        total = 0.0
        for t in checkpointed(range(50), keep=4):
            u = np.sin(u)
            v = v + 2.0 * t
            total += np.sum(u * u)
        return total + np.sum(v)

    text = grad(loss, (0, 1)).specialize(np.ones(8), np.ones(8)).source
    assert "states.append((t, u))" in text
    assert "total =" not in text


# -- misuse ------------------------------------------------------------------------------------------


def zero(x):
    for _ in checkpointed(range(3), keep=0):
        x = np.sin(x)
    return x


def half(x):
    for _ in checkpointed(range(3), keep=2.5):
        x = np.sin(x)
    return x


def endless(x):
    for _ in checkpointed(itertools.count(), keep=3):
        x = np.sin(x)
        if x < 0.1:
            break
    return x


def broken(x):
    for _ in checkpointed(range(9), keep=3):
        x = np.sin(x)
        if x < 0.1:
            break
    return x


def left(x):
    for t in checkpointed(range(9), keep=3):
        x = np.sin(x)
        if x < 0.1:
            return x * t
    return x


def without_keep(x):
    for _ in checkpointed(range(9)):
        x = np.sin(x)
    return x


def many(x):
    for _ in checkpointed(range(9), 3):
        x = np.sin(x)
    return x


def mixed(x):
    for name, w in checkpointed({"a": 1.0, "b": 2.0}.items(), keep=3):
        x = np.sin(x * w) if name == "a" else x * w
    return x


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (zero, "keep=0: a checkpointed loop keeps one state at least"),
        (half, "keep=2.5: how many states are kept is an integer"),
        (endless, "nobody knows beforehand how many rounds"),
        (broken, "left by break or return.*online=True"),
        (left, "left by break or return.*online=True"),
        (without_keep, "checkpointed.. takes what is walked over, keep= and online="),
        (many, "checkpointed.. takes what is walked over, keep= and online="),
        (mixed, "over things of different kinds"),
    ],
)
def test_misuse_is_refused_when_the_function_is_read(function, why):
    with pytest.raises(UnsupportedSyntax, match=f"(?s){why}"):
        grad(function)(0.5)


def test_misuse_that_only_a_call_tells():
    _, kept, arguments, _ = PROGRAMS["heat"]
    with pytest.raises(ValueError, match="keep=0"):
        grad(kept)(*arguments(3), 0)
    with pytest.raises((TypeError, UnsupportedSyntax), match="is an integer"):
        grad(kept)(*arguments(3), 2.5)
    with pytest.raises(ValueError, match="keep=-1"):
        checkpointed(range(3), keep=-1)
    with pytest.raises(TypeError, match="is an integer"):
        checkpointed(range(3), keep="many")


def test_random_draws_are_not_run_again():
    def loss(u, rng):
        for _ in checkpointed(range(5), keep=2):
            u = np.sin(u) + rng.normal()
        return u

    with pytest.raises(NotDifferentiable, match="cannot be run a second time"):
        grad(loss)(0.5, np.random.default_rng(0))


def test_a_checkpoint_inside_a_checkpointed_loop():
    @checkpoint
    def wave(u):
        return np.sin(np.exp(np.cos(u)))

    def loss(u, keep):
        for _ in checkpointed(range(6), keep=keep):
            u = wave(u) + u
        return np.sum(u)

    u = np.array([0.5, 1.5])
    assert_same(grad(loss)(u, 2), grad(loss)(u, 99))


def test_counting_without_end():
    def growing(x, start, step):
        for k in itertools.count(start, step):
            x = x * k
            if x > 20.0:
                break
        return x * k

    for start, step in ((2, 3), (1, 1), (5, -1)):
        assert grad(growing)(1.5, start, step) == growing(1.5, start, step) / 1.5
    with pytest.raises(UnsupportedSyntax, match="may not be integers"):
        grad(growing)(1.5, 2, 0.5)

    def paired(x):
        for k, w in zip(itertools.count(), [x, x], strict=False):
            x = x * w * k
        return x

    with pytest.raises(UnsupportedSyntax, match="has no end"):
        grad(paired)(1.5)


def test_a_checkpointed_iterator_is_exhausted_once_walked_over():
    def twice(x):
        rounds = checkpointed(range(3), keep=2)
        for _ in rounds:
            x = np.sin(x)
        for _ in rounds:
            x = np.cos(x)
        return x

    with pytest.raises(UnsupportedSyntax, match="exhausted"):
        grad(twice)(0.5)
