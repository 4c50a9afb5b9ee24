"""Every program of the zoo: central differences, the graph interpreted, the source emitted."""

import contextlib
import copy
import io

import numpy as np
import pytest

from srcgrad.api.reverse import Derivative
from srcgrad.autodiff.reverse import gradient
from srcgrad.ir.interpret import interpret
from srcgrad.ir.verify import verify
from srcgrad.optimize.passes import PASSES
from srcgrad.pipeline import primal, wanted_of
from zoo.numeric import directional, identical, random_like, tree_dot
from zoo.registry import all_programs

PROGRAMS = all_programs()


def differentiated(program):
    """The derivative of a program in all of its arguments, and its arguments one per parameter."""
    made = Derivative(program.function, program.argnums, value=True, has_aux=program.has_aux)
    bound = made._bind(program.args, {})
    return made, bound, made._given(bound)


def gradients_of(program, result):
    """The tuple of gradients in what `value_and_grad` returns."""
    return result[1]


def quietly(call, *args):
    # What np.where masks out may be zero times infinity on the way back, which NumPy remarks on.
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(invalid="ignore"):
        return call(*args)


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_gradient_agrees_with_central_differences(name):
    program = PROGRAMS[name]
    made, _, _ = differentiated(program)
    before = copy.deepcopy(program.args)
    gradients = gradients_of(program, quietly(made, *program.args))
    assert identical(program.args, before)
    rng = np.random.default_rng(len(name))
    for argnum, found in zip(program.argnums, gradients, strict=True):
        direction = random_like(program.args[argnum], rng)
        slopes = [
            quietly(directional, program.loss, program.args, argnum, direction, eps)
            for eps in (1e-4, 1e-5)
        ]
        got = tree_dot(direction, found)
        error = min(abs(got - slope) for slope in slopes)
        assert error <= 1e-5 * (1 + abs(got)), (argnum, got, slopes)


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_stages_agree(name):
    """The derivative graph gives the same after every pass, and as emitted source."""
    program = PROGRAMS[name]
    made, bound, given = differentiated(program)
    graph = primal(program.function, given)
    verify(graph)
    value = quietly(interpret, graph, bound)
    expected = quietly(program.function, *program.args)
    assert close(value, expected)
    wanted = wanted_of(graph, program.argnums)
    graph = gradient(graph, wanted, single=False, value=True, has_aux=program.has_aux)
    full = list(bound)
    at = next(
        k for k, p in enumerate(graph.signature) if p.name.rstrip("_") == "g" and p.default == 1.0
    )
    full.insert(at, 1.0)
    first = None
    for step, run in (("start", lambda f: f), *PASSES):
        graph = run(graph)
        verify(graph)
        result = quietly(interpret, graph, full)
        if first is None:
            first = result
        assert close(result, first), step
    emitted = quietly(made, *program.args)
    assert close(emitted, first)


def close(a, b):
    """Whether two structures hold the same numbers up to rounding.

    Where the unoptimised `b` is NaN, zero times infinity in a branch that is masked out, `a` may be a
    number; the central differences decide whether it is the right one.
    """
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(close(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b, strict=True))
    if hasattr(a, "__dataclass_fields__"):
        return all(close(getattr(a, k), getattr(b, k)) for k in a.__dataclass_fields__)
    if a is None:  # what has no derivative: zero in the graph, None for the caller
        return b is None or np.all(b == 0)
    if isinstance(a, str):
        return a == b
    if np.shape(a) != np.shape(b):
        return False
    same = np.isclose(a, b, rtol=1e-9, atol=1e-11, equal_nan=True)
    return bool(np.all(same | np.isnan(np.asarray(b, dtype=complex))))
