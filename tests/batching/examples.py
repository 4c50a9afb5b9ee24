"""Batches of perturbed copies of arguments, and graphs run with every fact held against the truth."""

import copy

import numpy as np

from srcgrad.ir.interpret import Runner
from srcgrad.testing.trees import entries, is_float, rebuilt
from srcgrad.testing.truth import admits, symbols

COUNT = 3


def example(tree, k):
    """Copy k of an argument: other numbers, other places to look at."""
    parts = entries(tree)
    if parts is not None:
        return rebuilt(tree, [example(v, k) for _, v in parts])
    if is_float(tree):
        moved = tree * (1 + 0.013 * k)
        return moved if isinstance(tree, np.ndarray | np.generic) else float(moved)
    if isinstance(tree, np.ndarray):
        return np.flip(tree) if k % 2 else tree
    return copy.copy(tree)


def is_number(leaf):
    return isinstance(leaf, np.ndarray | np.generic | float | complex)


def stacked(trees):
    """Trees of one form as one tree of stacked arrays; what is no number is taken from the first."""
    first = trees[0]
    parts = entries(first)
    if parts is not None:
        columns = [[v for _, v in entries(t)] for t in trees]
        return rebuilt(first, [stacked(list(column)) for column in zip(*columns, strict=True)])
    if is_number(first) or isinstance(first, int | bool):
        return np.stack([np.asarray(t) for t in trees])
    return first


def same(a, b, rtol=1e-9, atol=1e-11):
    """Whether two trees hold the same numbers."""
    mine, theirs = entries(a), entries(b)
    if mine is not None or theirs is not None:
        if mine is None or theirs is None:
            return False
        mine, theirs = list(mine), list(theirs)
        return len(mine) == len(theirs) and all(
            k == j and same(x, y, rtol, atol) for (k, x), (j, y) in zip(mine, theirs, strict=True)
        )
    if b is None:  # what has no derivative: zeros in the graph
        return a is None or bool(np.all(a == 0))
    if isinstance(b, str):
        return a == b
    if not is_number(b) and not isinstance(b, int | bool):
        return a is b or bool(a == b)
    return np.shape(a) == np.shape(b) and bool(
        np.allclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
    )


class Checked(Runner):
    """An interpreter that holds what is known of each value against what it is."""

    def __init__(self, callees, sizes):
        super().__init__(callees)
        self.sizes = dict(sizes)

    def run(self, ops, environment):
        for op in ops:
            results = self.step(op, environment)
            for value, found in zip(op.results, results, strict=True):
                self.sizes.update(symbols(value, found))
                wrong = admits(value.facts, found, self.sizes)
                assert wrong is None, (
                    f"{op.primitive}: {found!r} is said to be {value.facts} ({wrong})"
                )
            environment.update(zip(op.results, results, strict=True))
