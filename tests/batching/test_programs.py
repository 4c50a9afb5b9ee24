"""`vmap` of every program of the zoo, of every kernel, and of their gradients, against a loop."""

import contextlib
import copy
import io
import warnings

import numpy as np
import pytest
from kernels.registry import all_kernels
from zoo.registry import all_programs

from batching.examples import COUNT, example, same, stacked
from srcgrad import grad
from srcgrad.api.vmapping import vmap
from srcgrad.autodiff.reverse import Wanted, joint, seed_position
from srcgrad.autodiff.vmap import vmapped
from srcgrad.calls.conform import is_differentiable
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import facts_of
from srcgrad.optimize.passes import optimize
from srcgrad.pipeline import binder, finish, primal
from srcgrad.testing.trees import entries, is_float, random_like, rebuilt

PROGRAMS = all_programs()
KERNELS = {name: k for name, k in all_kernels().items() if k.refused is None}


def axes_of(arg):
    """The first axis for every number that can move, None for all else."""
    parts = entries(arg)
    if parts is not None:
        axes = [axes_of(v) for _, v in parts]
        if all(a is None for a in axes):
            return None
        return rebuilt(arg, axes) if isinstance(arg, dict) else tuple(axes)
    return 0 if is_float(arg) else None


def batch(arg, axes, k=None):
    """An argument in which what is batched is stacked."""
    if axes is None:
        return arg
    parts = entries(arg)
    if parts is not None:
        each = list(axes.values()) if isinstance(axes, dict) else axes
        return rebuilt(arg, [batch(v, a) for (_, v), a in zip(parts, each, strict=True)])
    return np.stack([example(arg, j) for j in range(COUNT)])


def perturbed(arg, axes, k):
    """Example k of an argument."""
    if axes is None:
        return copy.deepcopy(arg)
    parts = entries(arg)
    if parts is not None:
        each = list(axes.values()) if isinstance(axes, dict) else axes
        return rebuilt(arg, [perturbed(v, a, k) for (_, v), a in zip(parts, each, strict=True)])
    return example(arg, k)


def quietly(call, *args):
    with (
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        return call(*args)


def agree(function, args, rtol=1e-8):
    axes = tuple(map(axes_of, args))
    if all(a is None for a in axes):
        pytest.skip("nothing moves")
    wanted = [
        quietly(function, *(perturbed(a, x, k) for a, x in zip(args, axes, strict=True)))
        for k in range(COUNT)
    ]
    try:
        expected = stacked(wanted)
    except ValueError:
        with pytest.raises(ValueError, match="same shape"):
            quietly(vmap(function, in_axes=axes), *map(batch, args, axes))
        return
    given = quietly(vmap(function, in_axes=axes), *map(batch, args, axes))
    assert same(given, expected, rtol=rtol, atol=1e-9), (given, expected)


CASES = [("zoo", name) for name in sorted(PROGRAMS)] + [
    ("kernels", name) for name in sorted(KERNELS)
]


@pytest.mark.parametrize(("home", "name"), CASES)
def test_values(home, name):
    found = PROGRAMS[name] if home == "zoo" else KERNELS[name]
    agree(found.function, found.args)


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_gradients(name):
    found = PROGRAMS[name]
    agree(grad(found.function, found.argnums, has_aux=found.has_aux), found.args)


def axes_by_facts(facts):
    """The first axis for every number in a value of these facts."""
    if facts.items is not None:
        return tuple(map(axes_by_facts, facts.items))
    return 0 if facts.is_numeric else None


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_pullbacks_of_kernels(name):
    """The result and the cotangents of many examples, every argument and the cotangent batched."""
    kernel = KERNELS[name]
    bind = binder(kernel.function)
    axes = [axes_of(a) for a in kernel.args]
    bound = [bind(*map(perturbed, kernel.args, axes, [k] * len(axes))) for k in range(COUNT)]
    places = [axes_of(v) for v in bound[0]]
    graph = primal(
        kernel.function, {n: facts_of(v) for n, v in zip(bind.__names__, bound[0], strict=True)}
    )
    wanted = [Wanted(k) for k, p in enumerate(graph.params) if is_differentiable(p.facts)]
    both = joint(graph, wanted)
    at = seed_position(both.signature)
    rng = np.random.default_rng(len(name))
    values = [quietly(interpret, graph, b) for b in bound]
    given = [random_like(v, rng) for v in values]
    full = [[*b[:at], g, *b[at:]] for b, g in zip(bound, given, strict=True)]
    expected = [quietly(interpret, both, f) for f in full]
    try:
        expected = stacked(expected)
    except ValueError:
        pytest.skip("the examples give different shapes")
    places.insert(at, axes_by_facts(facts_of(given[0])))
    if both.params[at].facts.items is None and isinstance(places[at], tuple):
        pytest.skip("what it returns has no form that is known before it runs")
    wide = vmapped(
        both, [tuple(p.values()) if isinstance(p, dict) else p for p in places], 0, COUNT
    )
    many = [together([f[k] for f in full], place) for k, place in enumerate(places)]
    found = quietly(finish(optimize(wide), []).run, *many)
    assert same(found, expected, rtol=1e-7, atol=1e-8), (found, expected)


def together(trees, axes):
    """Examples of an argument as one batch, where its axes say so."""
    if axes is None:
        return trees[0]
    parts = entries(trees[0])
    if parts is None:
        return np.stack(trees)
    each = list(axes.values()) if isinstance(axes, dict) else axes
    columns = zip(*([v for _, v in entries(t)] for t in trees), strict=True)
    return rebuilt(trees[0], [together(list(c), a) for c, a in zip(columns, each, strict=True)])
