"""Colouring: columns of a sparse matrix that can be computed together, in one sweep, and told apart.

Columns without a common row may have one colour: the sum of their columns then shows each entry by
itself. Of a symmetric matrix fewer colours will do, since an entry may be read in its row or in its
column: that is a *star colouring* of the graph that has the matrix for its edges. The colours are given
greedily, in a few orders of which the best is taken (Gebremedhin, Manne and Pothen, 2005). Sets of
colours are the bits of Python integers, so that a full row costs no more than its entries.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
MOST_PAIRS = 2_000_000  # beyond, the smallest-last order takes longer than it saves


@dataclass(frozen=True, slots=True)
class Coloured:
    """A pattern in CSR form with the colours of its columns, or with `reverse`, of its rows.

    Sweep c gives the sum of the columns (rows) of colour c. Number k of the pattern's entries stands in
    the vector of sweep `sweep[k]`, at `at[k]`.
    """

    shape: tuple[int, int]
    indptr: Array
    indices: Array
    colouring: Array
    reverse: bool
    at: Array
    sweep: Array

    @property
    def colours(self) -> int:
        """How many colours, and so sweeps, there are."""
        return int(self.colouring.max(initial=-1)) + 1


def coloured(
    shape: tuple[int, int], indptr: Array, indices: Array, mode: str | None = None
) -> Coloured:
    """A CSR pattern with its columns or its rows coloured; in no mode, whichever takes fewer colours."""
    options = []
    if mode != "reverse":
        options.append((colour_columns(indptr, indices, shape[1]), False))
    if mode != "forward":
        options.append((colour_columns(*transposed(indptr, indices, shape[1]), shape[0]), True))
    colouring, reverse = min(options, key=lambda option: int(option[0].max(initial=-1)))
    rows = np.repeat(np.arange(shape[0]), np.diff(indptr))
    at, across = (indices, rows) if reverse else (rows, indices)
    return Coloured(shape, indptr, indices, colouring, reverse, at, colouring[across])


def coloured_symmetric(indptr: Array, indices: Array) -> Coloured:
    """The pattern of a symmetric matrix, made symmetric if it is not, with its columns coloured."""
    n = len(indptr) - 1
    rows = np.repeat(np.arange(n), np.diff(indptr))
    keys = np.unique(np.concatenate([rows * n + indices, indices.astype(int) * n + rows]))
    rows, columns = np.divmod(keys, max(n, 1))
    indptr = np.searchsorted(rows, np.arange(n + 1))
    colouring = colour_symmetric(indptr, columns)
    # An entry is read in its row where no other of that row has its column's colour, else in its column:
    # one of the two always holds in a star colouring.
    _, which, counts = np.unique(
        rows * (n + 1) + colouring[columns], return_inverse=True, return_counts=True
    )
    alone = counts[which] == 1
    at, across = np.where(alone, rows, columns), np.where(alone, columns, rows)
    return Coloured((n, n), indptr, columns, colouring, False, at, colouring[across])


def colour_columns(indptr: Array, indices: Array, columns: int) -> Array:
    """A colour for each column of a CSR pattern: two with a common row differ; -1 for empty ones.

    >>> tridiagonal = np.array([0, 2, 5, 8, 10]), np.array([0, 1, 0, 1, 2, 1, 2, 3, 2, 3])
    >>> colour_columns(*tridiagonal, 4)
    array([0, 1, 2, 0])
    """
    sizes = np.diff(indptr)
    fewest = int(sizes.max(initial=0))  # the entries of one row all differ
    rows_of = transposed(indptr, indices, columns)
    best: Array | None = None
    for order in _orders(indptr, indices, rows_of, columns):
        found = _greedy(rows_of, len(indptr) - 1, order, columns)
        if best is None or found.max(initial=-1) < best.max(initial=-1):
            best = found
        if best.max(initial=-1) + 1 <= fewest:
            break
    assert best is not None
    return best


def colour_symmetric(indptr: Array, indices: Array) -> Array:
    """A star colouring of the graph of a symmetric pattern, or its columns' colours if these are fewer.

    Every entry (i, j) stands alone among those of its colour in row i or in row j. -1 for empty columns.

    >>> arrow = np.array([0, 4, 6, 8, 10]), np.array([0, 1, 2, 3, 0, 1, 0, 2, 0, 3])
    >>> colour_symmetric(*arrow)
    array([0, 1, 1, 1])
    """
    size = len(indptr) - 1
    best = colour_columns(indptr, indices, size)
    pattern = indptr, indices
    for order in _orders(indptr, indices, pattern, size):
        found = _greedy_star(pattern, order, size)
        if found.max(initial=-1) < best.max(initial=-1):
            best = found
    return best


def transposed(indptr: Array, indices: Array, columns: int) -> tuple[Array, Array]:
    """The pattern of the transpose, in CSR form."""
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    counts = np.bincount(indices, minlength=columns)
    return np.concatenate([[0], np.cumsum(counts)]), rows[np.argsort(indices, kind="stable")]


def _lists(pattern: tuple[Array, Array]) -> list[list[int]]:
    indptr, indices = pattern[0].tolist(), pattern[1].tolist()
    return [indices[a:b] for a, b in pairwise(indptr)]


def _orders(
    indptr: Array, indices: Array, rows_of: tuple[Array, Array], columns: int
) -> Iterator[list[int]]:
    """Orders to colour the columns in: as they stand, the most entangled first, the least last."""
    yield list(range(columns))
    sizes = np.diff(indptr)
    weights = np.concatenate([[0], np.cumsum(sizes[rows_of[1]])])
    degrees = weights[rows_of[0][1:]] - weights[rows_of[0][:-1]]
    yield np.argsort(-degrees, kind="stable").tolist()
    if int((sizes.astype(int) ** 2).sum()) <= MOST_PAIRS:
        yield _smallest_last(_lists((indptr, indices)), _lists(rows_of))


def _smallest_last(columns_of: list[list[int]], rows_of: list[list[int]]) -> list[int]:
    """The order that puts last what has fewest neighbours, then last but one of what is left, ..."""
    neighbours = [{c for r in rows for c in columns_of[r]} - {k} for k, rows in enumerate(rows_of)]
    degrees = [len(each) for each in neighbours]
    heap = [(d, k) for k, d in enumerate(degrees)]
    heapq.heapify(heap)
    done = [False] * len(rows_of)
    order = []
    while heap:
        degree, k = heapq.heappop(heap)
        if done[k] or degree != degrees[k]:
            continue
        done[k] = True
        order.append(k)
        for c in neighbours[k]:
            if not done[c]:
                degrees[c] -= 1
                heapq.heappush(heap, (degrees[c], c))
    return order[::-1]


def _greedy(rows_of: tuple[Array, Array], rows: int, order: list[int], columns: int) -> Array:
    colours = np.full(columns, -1)
    taken = [0] * rows  # the colours in each row, as bits
    each = _lists(rows_of)
    for k in order:
        mine = each[k]
        if mine:
            forbidden = 0
            for r in mine:
                forbidden |= taken[r]
            bit = ~forbidden & (forbidden + 1)
            colours[k] = bit.bit_length() - 1
            for r in mine:
                taken[r] |= bit
    return colours


def _greedy_star(pattern: tuple[Array, Array], order: list[int], size: int) -> Array:
    """Neighbours differ, and no path over four vertices has two colours.

    The latter, because two neighbours of a vertex may have one colour only if it is greater than that of
    the vertex: in a path a-b-a-b, the neighbours of one of the inner vertices would break that.
    """
    neighbours = _lists(pattern)
    bits = [0] * size  # the colour of each vertex as a bit, 0 for none yet
    around = [0] * size  # the colours of the neighbours of each, as bits
    for k in order:
        mine = neighbours[k]
        if not mine:
            continue
        forbidden = 0
        for w in mine:
            if w != k:
                bit = bits[w]
                forbidden |= bit | (around[w] & (bit - 1) if bit else around[w])
        bit = ~forbidden & (forbidden + 1)
        bits[k] = bit
        for w in mine:
            if w != k:
                around[w] |= bit
    return np.array([bit.bit_length() - 1 for bit in bits], int)
