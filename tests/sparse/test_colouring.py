"""Colours: that they tell the entries apart, and how many there are for known patterns."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from srcgrad.analysis.colouring import coloured, coloured_symmetric


def pattern(dense):
    matrix = scipy.sparse.csr_array(np.asarray(dense) != 0)
    return matrix.shape, matrix.indptr, matrix.indices


def band(n, width):
    return abs(np.subtract.outer(np.arange(n), np.arange(n))) <= width


def arrow(n):
    return np.eye(n) + (np.arange(n) == 0) + (np.arange(n)[:, None] == 0)


def compressed(found, matrix):
    """What the sweeps give, put back into a matrix."""
    across = 1 if not found.reverse else 0
    seeds = np.array([found.colouring == c for c in range(found.colours)], float)
    seeds = seeds.reshape(found.colours, matrix.shape[across])
    sweeps = seeds @ (matrix if found.reverse else matrix.T)
    values = sweeps[found.sweep, found.at]
    return scipy.sparse.csr_array((values, found.indices, found.indptr), found.shape).toarray()


KNOWN = {
    "tridiagonal": (band(30, 1), 3),
    "five diagonals": (band(30, 2), 5),
    "seven diagonals": (band(50, 3), 7),
    "diagonal": (np.eye(9), 1),
    "blocks of four": (np.kron(np.eye(5), np.ones((4, 4))), 4),
    "dense": (np.ones((6, 6)), 6),
    "empty": (np.zeros((4, 7)), 0),
    "one full row": (np.eye(8) + (np.arange(8) == 7)[:, None], 2),
    "one full column": (np.eye(8) + (np.arange(8) == 7), 2),
    "no rows": (np.zeros((0, 3)), 0),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_numbers_of_colours(name):
    dense, colours = KNOWN[name]
    found = coloured(*pattern(dense))
    assert found.colours == colours
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=np.shape(dense)) * (np.asarray(dense) != 0)
    np.testing.assert_allclose(compressed(found, matrix), matrix)


def test_direction_is_chosen():
    """One full row costs a colour per column, and one more colour for the rows."""
    dense = np.eye(8) + (np.arange(8) == 7)[:, None]
    assert coloured(*pattern(dense)).reverse
    assert not coloured(*pattern(dense.T)).reverse
    assert coloured(*pattern(dense), "forward").colours == 8


SYMMETRIC = {
    "arrow": (arrow(20), 2),
    "tridiagonal": (band(20, 1), 3),
    "diagonal": (np.eye(5), 1),
    "two arrows": (np.kron(np.eye(2), arrow(6)), 2),
    "dense": (np.ones((5, 5)), 5),
}


@pytest.mark.parametrize("name", SYMMETRIC)
def test_known_numbers_of_symmetric_colours(name):
    dense, colours = SYMMETRIC[name]
    _, indptr, indices = pattern(dense)
    found = coloured_symmetric(indptr, indices)
    assert found.colours == colours


@st.composite
def patterns(draw):
    m, n = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    bits = draw(st.lists(st.booleans(), min_size=m * n, max_size=m * n))
    return np.array(bits).reshape(m, n)


@settings(max_examples=150, deadline=None)
@given(patterns(), st.sampled_from([None, "forward", "reverse"]))
def test_entries_are_told_apart(dense, mode):
    found = coloured(*pattern(dense), mode)
    matrix = dense * np.random.default_rng(1).normal(size=dense.shape)
    np.testing.assert_allclose(compressed(found, matrix), matrix)
    across = dense if found.reverse else dense.T
    assert list(found.colouring == -1) == [not row.any() for row in across]


@settings(max_examples=150, deadline=None)
@given(patterns())
def test_symmetric_entries_are_told_apart(dense):
    n = min(dense.shape)
    dense = dense[:n, :n] | dense[:n, :n].T
    _, indptr, indices = pattern(dense)
    found = coloured_symmetric(indptr, indices)
    matrix = np.random.default_rng(1).normal(size=dense.shape)
    matrix = (matrix + matrix.T) * dense
    np.testing.assert_allclose(compressed(found, matrix), matrix)


def test_full_rows_stay_affordable():
    """10,000 columns with one full row, which every one of them meets."""
    n = 10_000
    rows = np.concatenate([np.arange(n), np.zeros(n - 1, int)])
    columns = np.concatenate([np.arange(n), np.arange(1, n)])
    matrix = scipy.sparse.csr_array((np.ones(2 * n - 1), (rows, columns)))
    assert coloured(matrix.shape, matrix.indptr, matrix.indices).colours == 2
    both = scipy.sparse.csr_array(matrix + matrix.T)
    assert coloured_symmetric(both.indptr, both.indices).colours == 2
