"""Reads functions both ways (with what is known of the arguments, and without) and runs the graphs."""

import contextlib
import copy
import inspect
import io

import numpy as np
import pytest
from zoo.numeric import (
    identical,
    is_float,
    random_like,
    shifted,
    tree_dot,
    tree_leaves,
    tree_map,
)
from zoo.test_gradients import close

from srcgrad import vjp
from srcgrad.autodiff.reverse import Wanted, joint
from srcgrad.calls.conform import is_differentiable
from srcgrad.frontend.lower import lower, signature_of
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import facts_of
from srcgrad.ir.verify import verify


def bound(function, args, kwargs=None):
    """The value of each parameter, by name, as a call would bind it."""
    left, named, values = list(args), dict(kwargs or {}), {}
    for p in signature_of(function):
        if p.kind == "VAR_POSITIONAL":
            values[p.name], left = tuple(left), []
        elif p.kind == "VAR_KEYWORD":
            values[p.name], named = named, {}
        elif p.kind.startswith("POSITIONAL") and left:
            values[p.name] = left.pop(0)
        else:
            values[p.name] = named.pop(p.name, p.default)
    assert not left and not named
    return values


def read(function, *args, **kwargs):
    """The graph of a function for these arguments."""
    symbols = {}
    values = bound(function, args, kwargs)
    return verify(lower(function, {k: facts_of(v, symbols) for k, v in values.items()}))


def run(graph, function, *args, **kwargs):
    """What a graph gives for these arguments, and what it prints."""
    values = bound(function, copy.deepcopy(args), copy.deepcopy(kwargs))
    before = copy.deepcopy(values)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        result = interpret(graph, [values[p.name] for p in graph.signature])
    assert identical(values, before), "the arguments were written to"
    return result, printed.getvalue()


def agrees(function, *args, generic=True, **kwargs):
    """Hold the graph of a function against the function itself, and give the graph.

    With `generic`, the graph that is read before any call must agree, too.
    """
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        wanted = function(*copy.deepcopy(args), **copy.deepcopy(kwargs))
    graph = read(function, *args, **kwargs)
    for each in [graph] + ([verify(lower(function))] if generic else []):
        got, text = run(each, function, *args, **kwargs)
        assert identical(got, wanted), f"{got!r} is not {wanted!r}\n{each}"
        assert text == printed.getvalue()
    return graph


def names_of(graph):
    """The primitives of a graph's ops, callees and blocks included, in order."""
    from srcgrad.ir.graph import walk

    functions = {id(f): f for f in (graph, *graph.callees.values())}.values()
    return [op.primitive.name for f in functions for op in walk(f.body)]


# --- gradients ------------------------------------------------------------------------------------


def differentiates(function, *args):
    """Hold value and pullback of a function against itself and central differences.

    The graph of both, interpreted, must give what the source emitted gives, and nobody may write into
    the arguments. The cotangent of the result is random: a plain sum is blind to too much.
    """
    graph = agrees(function, *args, generic=False)
    before = copy.deepcopy(args)
    value, pullback = vjp(function, *args)
    wanted = function(*copy.deepcopy(args))
    assert close(value, wanted), f"{value!r} is not {wanted!r}\n{pullback.source}"
    g = random_like(wanted, np.random.default_rng(0))
    gradients = pullback(g)
    assert identical(args, before), "the arguments were written to"
    for k, arg in enumerate(args):
        slopes = central(function, args, k, g)
        got = [] if slopes.size == 0 else flat(gradients[k])
        np.testing.assert_allclose(
            got, slopes, rtol=1e-5, atol=1e-5, err_msg=f"argument {k}\n{pullback.source}"
        )
        assert slopes.size or gradients[k] is None or not any(map(is_float, tree_leaves(arg)))
    params = [k for k, p in enumerate(graph.params) if is_differentiable(p.facts)]
    both = verify(joint(graph, [Wanted(k) for k in params]))
    names = list(inspect.signature(function).parameters)
    at = next(k for k, p in enumerate(both.signature) if p.name not in names)
    first = interpret(both, [*copy.deepcopy(args[:at]), g, *copy.deepcopy(args[at:])])
    assert close(value, first[0])
    assert close([gradients[k] for k in params], list(first[1]))


def flat(tree):
    leaves = [np.ravel(leaf) for leaf in tree_leaves(tree) if is_float(leaf)]
    return np.concatenate([np.empty(0), *leaves])


def central(function, args, argnum, g):
    """The gradient of <g, function(*args)> by an argument, entry by entry."""
    size = flat(args[argnum]).size
    slopes = []
    for k in range(size):
        parts = iter(np.eye(size)[k])
        direction = tree_map(
            lambda leaf: unit(leaf, parts) if is_float(leaf) else None, args[argnum]
        )  # noqa: B023
        values = []
        for step in (1e-5, -1e-5):
            moved = [*copy.deepcopy(args)]
            moved[argnum] = copy.deepcopy(shifted(args[argnum], direction, step))
            values.append(tree_dot(g, function(*moved)))
        slopes.append((values[0] - values[1]) / 2e-5)
    return np.array(slopes)


def unit(leaf, numbers):
    """Something shaped like a leaf, filled from the numbers."""
    filled = np.array([next(numbers) for _ in range(np.size(leaf))]).reshape(np.shape(leaf))
    return filled if isinstance(leaf, np.ndarray) else float(filled)


def refuses(error, message, line, cure, function, *args):
    """Hold that a function is refused: the class of error, its message, the line shown, its cure."""
    before = copy.deepcopy(args)
    with pytest.raises(error) as caught:
        vjp(function, *args)
    assert identical(args, before), "the arguments were written to"
    assert message in caught.value.message
    assert caught.value.location.text.strip() == line
    assert cure in (caught.value.cure or "")
