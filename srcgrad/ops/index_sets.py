"""Sets of inputs, one per entry of an array, by number: unions are recorded and worked out at the end.

Each entry of a value is given the number of a set. Number 0 is the empty set, numbers 1 to n are the
sets of one input, and a union of several sets is a new number with an edge to each of them. So an array
of sets is an array of integers: an op that moves entries about is run on it as it stands, and a union
over 10,000 entries costs about what the op itself costs. What was never reached by the result is never
worked out.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = Any  # an int, or an array of ints
Array = NDArray[Any]
FEW = 32  # an array of which less than one entry in so many is not empty is taken entry by entry


class IndexSets:
    """The sets that came up in one run, over `size` inputs.

    >>> sets = IndexSets(3)
    >>> a, b, c = (int(k) for k in sets.inputs)
    >>> both = sets.union(sets.union(a, c), np.array([a, b, 0]))
    >>> sets.resolve(both)
    (array([0, 2, 5, 7]), array([0, 2, 0, 1, 2, 0, 2], dtype=int32))
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.inputs = np.arange(1, size + 1)
        self._count = size + 1
        # How many unions lie between a set and the inputs: sets of one level are worked out together.
        self._levels = np.zeros(2 * size + 64, np.int32)
        self._heads: list[Array] = []  # edges, ordered by the set that is made
        self._tails: list[Array] = []
        self._single_heads: list[int] = []  # edges of single sets, not yet in an array
        self._single_tails: list[int] = []

    # -- unions -----------------------------------------------------------------------------------

    def union(self, a: Ids, b: Ids) -> Ids:
        """The unions of two arrays of sets, entry by entry, as NumPy broadcasts them."""
        if isinstance(a, int) and isinstance(b, int):
            return self._single(a, b)
        if np.shape(a) == np.shape(b) and np.size(b) > FEW:
            for one, other in ((a, b), (b, a)):  # zeros to which little was added yet
                some = np.flatnonzero(other)
                if FEW * some.size < np.size(other):
                    out = np.array(one, order="C")
                    flat = out.reshape(-1)
                    flat[some] = self.union(flat[some], np.ravel(other)[some])
                    return out
        out = np.maximum(a, b)  # right wherever the two are alike, or one is empty
        if out.ndim == 0:
            return self._single(int(a), int(b))
        new = np.flatnonzero((np.not_equal(a, b) & (np.minimum(a, b) > 0)).ravel())
        if new.size:
            first = np.broadcast_to(a, out.shape).ravel()[new]
            second = np.broadcast_to(b, out.shape).ravel()[new]
            out = np.ascontiguousarray(out)
            out.reshape(-1)[new] = self._made(np.stack([first, second], 1))
        return out

    def over(self, ids: Array) -> Array:
        """The union of each row of a matrix of sets."""
        rows, count = ids.shape
        if count == 0:
            return np.zeros(rows, int)
        out: Array = ids.max(1)
        least = np.where(ids == 0, out[:, None], ids).min(1)
        new = np.flatnonzero(least != out)
        if new.size:
            out[new] = self._made(ids[new])
        return out

    def together(self, *parts: Ids) -> int:
        """One set: the union of all sets in some arrays."""
        every = np.unique(np.concatenate([np.ravel(p) for p in parts])) if parts else np.zeros(0)
        return int(self.over(every.reshape(1, -1).astype(int))[0])

    def gathered(self, size: int, heads: Array, tails: Array) -> Array:
        """`size` sets, of which number `heads[k]` contains the set `tails[k]`, for each k."""
        out = np.zeros(size, int)
        kept = np.flatnonzero(tails)
        heads, tails = heads[kept], tails[kept]
        if not heads.size:
            return out
        order = np.lexsort((tails, heads))
        heads, tails = heads[order], tails[order]
        news = np.ones(heads.size, bool)
        news[1:] = (heads[1:] != heads[:-1]) | (tails[1:] != tails[:-1])
        heads, tails = heads[news], tails[news]
        starts = np.flatnonzero(np.concatenate([[True], heads[1:] != heads[:-1]]))
        counts = np.diff(np.append(starts, heads.size))
        out[heads[starts]] = tails[starts]
        several = np.repeat(counts > 1, counts)
        if several.any():
            sizes = counts[counts > 1]
            made = self._numbers(sizes.size)
            levels = np.maximum.reduceat(self._levels[tails], starts)[counts > 1]
            self._levels[made] = levels + 1
            self._edges(np.repeat(made, sizes), tails[several])
            out[heads[starts[counts > 1]]] = made
        return out

    def _single(self, a: int, b: int) -> int:
        if a == b or not b:
            return a
        if not a:
            return b
        made = self._count
        if made >= self._levels.size:
            self._grow(made + 1)
        self._count = made + 1
        self._levels[made] = max(self._levels[a], self._levels[b]) + 1
        self._single_heads += (made, made)
        self._single_tails += (a, b)
        return made

    def _made(self, rows: Array) -> Array:
        """New sets: the union of each row."""
        made = self._numbers(len(rows))
        self._levels[made] = self._levels[rows].max(1) + 1
        heads, tails = np.repeat(made, rows.shape[1]), rows.ravel()
        if not tails.all():
            heads, tails = heads[tails > 0], tails[tails > 0]
        self._edges(heads, tails)
        return made

    def _numbers(self, count: int) -> Array:
        made = np.arange(self._count, self._count + count)
        self._count += count
        self._grow(self._count)
        return made

    def _grow(self, count: int) -> None:
        if count > self._levels.size:
            room = np.zeros(max(count, 2 * self._levels.size) - self._levels.size, np.int32)
            self._levels = np.concatenate([self._levels, room])

    def _edges(self, heads: Array, tails: Array) -> None:
        if self._single_heads:
            self._heads.append(np.array(self._single_heads))
            self._tails.append(np.array(self._single_tails))
            self._single_heads, self._single_tails = [], []
        self._heads.append(heads)
        self._tails.append(tails)

    # -- working them out -------------------------------------------------------------------------

    def resolve(self, ids: Ids) -> tuple[Array, Array]:
        """What is in each set of an array, as the `indptr` and the sorted `indices` of CSR rows."""
        self._edges(np.zeros(0, int), np.zeros(0, int))
        heads, tails = np.concatenate(self._heads), np.concatenate(self._tails)
        wanted = np.ravel(ids).astype(int)
        needed = self._reached(wanted, self._ends(heads), tails)
        needed, heads, tails = self._without_single_use(wanted, needed, heads, tails)
        ends = self._ends(heads)
        # Set k stands at data[starts[k] : starts[k] + sizes[k]].
        starts, sizes = np.zeros(self._count, int), np.zeros(self._count, int)
        starts[self.inputs], sizes[self.inputs] = np.arange(self.size), 1
        data, used = np.arange(self.size, dtype=np.int32), self.size
        levels = self._levels[needed]
        order = np.argsort(levels, kind="stable")
        needed, levels = needed[order], levels[order]
        bounds = np.flatnonzero(np.diff(levels, prepend=-1)).tolist() + [needed.size]
        for begin, end in pairwise(bounds):
            batch = needed[begin:end]
            members, counts = ragged(tails, ends[batch], ends[batch + 1] - ends[batch])
            found, lengths = ragged(data, starts[members], sizes[members])
            rows = np.repeat(np.repeat(np.arange(batch.size), counts), lengths)
            keys = np.unique(rows * self.size + found)
            rows, columns = np.divmod(keys, self.size)
            if used + keys.size > data.size:
                data = np.concatenate([data, np.zeros(max(data.size, keys.size), np.int32)])
            data[used : used + keys.size] = columns
            sizes[batch] = np.bincount(rows, minlength=batch.size)
            starts[batch] = used + np.cumsum(sizes[batch]) - sizes[batch]
            used += keys.size
        indices, counts = ragged(data, starts[wanted], sizes[wanted])
        return np.concatenate([[0], np.cumsum(counts)]), indices

    def _ends(self, heads: Array) -> Array:
        """Where the edges of each set begin, and those of the one before end."""
        return np.searchsorted(heads, np.arange(self._count + 1))

    def _without_single_use(
        self, wanted: Array, needed: Array, heads: Array, tails: Array
    ) -> tuple[Array, Array, Array]:
        """The unions and edges that are left when what only one other union is made of is part of it.

        So a sum over a loop is one union of n sets, and not n unions that grow.
        """
        used = np.zeros(self._count, bool)
        used[needed] = True
        kept = used[heads]
        heads, tails = heads[kept], tails[kept]
        inner = used & (np.bincount(tails, minlength=self._count) == 1)
        inner[wanted] = False
        owner = np.arange(self._count)
        owned = inner[tails]
        owner[tails[owned]] = heads[owned]
        while not np.array_equal(owner[owner], owner):
            owner = owner[owner]
        heads, tails = owner[heads[~owned]], tails[~owned]
        order = np.argsort(heads, kind="stable")
        return needed[~inner[needed]], heads[order], tails[order]

    def _reached(self, wanted: Array, ends: Array, tails: Array) -> Array:
        """The unions that the wanted sets are made of, these included."""
        seen = np.zeros(self._count, bool)
        front = np.unique(wanted[wanted > self.size])
        while front.size:
            seen[front] = True
            below, _ = ragged(tails, ends[front], ends[front + 1] - ends[front])
            below = below[below > self.size]
            front = np.unique(below[~seen[below]])
        return np.flatnonzero(seen)


def ragged(data: Array, starts: Array, lengths: Array) -> tuple[Array, Array]:
    """The pieces `data[start : start + length]` one after the other, and their lengths.

    >>> ragged(np.arange(10), np.array([7, 2]), np.array([2, 3]))
    (array([7, 8, 2, 3, 4]), array([2, 3]))
    """
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if lengths.size else 0
    shift = np.repeat(starts - (ends - lengths), lengths)
    return data[np.arange(total) + shift], lengths
