"""Forward mode over every whole program: held against reverse mode, leaf by leaf."""

import copy

import numpy as np
import pytest
from zoo.numeric import identical, is_float, random_like, tree_leaves, tree_map

from forward.programs import quietly, wholes
from srcgrad import jvp, linearize, vjp

WHOLES = wholes()


def dot(a, b):
    """The inner product of two trees; None stands for what has no derivative."""
    pairs = zip(tree_leaves(a), tree_leaves(b), strict=True)
    return sum(float(np.vdot(x, y)) for x, y in pairs if x is not None and y is not None)


def cotangent_like(tree, rng):
    """Random numbers in the place of floats; what else there is stands as it is."""

    def made(leaf):
        if not is_float(leaf):
            return leaf
        drawn = rng.normal(size=np.shape(leaf))
        return drawn if isinstance(leaf, np.ndarray) else float(drawn)

    return tree_map(made, tree)


@pytest.mark.parametrize("name", sorted(WHOLES))
def test_adjoint_identity(name):
    """<J v, w> is <v, J' w>, in every argument, and the value is the function's."""
    program = WHOLES[name]
    rng = np.random.default_rng(len(name))
    args, before = copy.deepcopy(program.args), copy.deepcopy(program.args)
    y, pull, *_ = quietly(vjp, program.function, *args, has_aux=program.has_aux)
    w = cotangent_like(y, rng)
    cotangents = quietly(pull, w)
    for k in program.argnums:
        v = random_like(args[k], rng)
        tangents = [None] * len(args)
        tangents[k] = v
        value, moved, *_ = quietly(jvp, program.function, args, tangents, program.has_aux)
        assert identical(args, before)
        same = tree_leaves(value), tree_leaves(y)
        for a, b in zip(*same, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9) if is_float(a) else None
        right, left = dot(v, cotangents[k]), dot(moved, masked(w, y))
        scale = 1 + abs(right) + sum(np.abs(x).max(initial=0.0) for x in floats(moved))
        assert abs(left - right) <= 1e-8 * scale, (k, left, right)


def floats(tree):
    return [np.asarray(leaf) for leaf in tree_leaves(tree) if leaf is not None]


def masked(w, y):
    return tree_map(lambda a, b: a if is_float(b) else None, w, y)


@pytest.mark.parametrize("name", sorted(WHOLES))
def test_linearized(name):
    """What `linearize` does to a tangent is what `jvp` does, as often as it is asked."""
    program = WHOLES[name]
    rng = np.random.default_rng(len(name))
    args, before = copy.deepcopy(program.args), copy.deepcopy(program.args)
    y, push, *_ = quietly(linearize, program.function, *args, has_aux=program.has_aux)
    for _ in range(2):
        tangents = [
            random_like(a, rng) if k in program.argnums else None for k, a in enumerate(args)
        ]
        value, wanted, *_ = quietly(jvp, program.function, args, tangents, program.has_aux)
        given = quietly(push, *tangents)
        scale = 1 + max((np.abs(x).max(initial=0.0) for x in floats(wanted)), default=0.0)
        for a, b in zip(tree_leaves(given), tree_leaves(wanted), strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9 * scale)
    assert identical(args, before)
