"""The matrix of second derivatives of every whole program: all rows at once, and all columns at once."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from zoo.numeric import tree_leaves

from forward.test_second_order import MASKED, WHOLES, of_program
from srcgrad.errors import StructureError
from srcgrad.operators.jacobians import jacobian_of

# Where what is returned is now a number and now an array, there is no shape that is known before.
SHAPELESS = {
    "kernel-adaptive_van_der_pol",
    "kernel-rk4_adaptive",
    "zoo-binomial_option",
    "zoo-number_or_array",
    "zoo-recursive_haar_energy",
}


def flat(tree):
    """All numbers of a tree, in order; what stands for nothing has none."""
    leaves = [np.ravel(leaf) for leaf in tree_leaves(tree) if leaf is not None]
    return np.concatenate([np.zeros(0), *leaves])


@pytest.mark.parametrize("name", sorted(WHOLES))
def test_rows_are_columns(name):
    composed = of_program(name)
    once, table = composed.pulled(composed.graph, composed.w)
    once = replace(once, body=replace(once.body, results=(once.result,)))
    names = tuple(composed.graph.signature[k].name for k in composed.places)
    found = []
    for mode in ("forward", "reverse"):
        try:
            made = jacobian_of(once, names, mode=mode)
        except StructureError:
            assert name in SHAPELESS
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append(flat(composed.run(made, table)))
    columns, rows = found
    assert columns.shape == rows.shape
    if name in MASKED:
        return
    assert np.allclose(rows, columns, rtol=1e-6, atol=1e-8)
