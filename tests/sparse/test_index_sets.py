"""Sets by number, against Python's sets."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from srcgrad.ops.index_sets import IndexSets


def members(sets, ids):
    indptr, indices = sets.resolve(ids)
    return [set(indices[a:b].tolist()) for a, b in zip(indptr[:-1], indptr[1:], strict=True)]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_unions_at_random(seed, size):
    """Unions of every kind over a growing pool, each beside a Python set."""
    rng = np.random.default_rng(seed)
    sets = IndexSets(size)
    ids, truth = [0, *map(int, sets.inputs)], [set(), *({k} for k in range(size))]
    for _ in range(12):
        a, b = rng.integers(len(ids), size=(2, 3))
        kind = rng.integers(5)
        if kind == 0:
            new = [sets.union(ids[a[0]], ids[b[0]])]
            made = [truth[a[0]] | truth[b[0]]]
        elif kind == 1:
            new = sets.union(np.array([ids[k] for k in a]), np.array([ids[k] for k in b]))
            made = [truth[j] | truth[k] for j, k in zip(a, b)]
        elif kind == 2:
            new = sets.over(np.array([[ids[k] for k in a], [ids[k] for k in b]]))
            made = [set().union(*(truth[k] for k in row)) for row in (a, b)]
        elif kind == 3:
            heads = rng.integers(3, size=3)
            new = sets.gathered(3, heads, np.array([ids[k] for k in a]))
            made = [set().union(*(truth[k] for k, h in zip(a, heads) if h == i)) for i in range(3)]
        else:
            new = [sets.together(np.array([ids[k] for k in a]), ids[b[0]])]
            made = [truth[b[0]].union(*(truth[k] for k in a))]
        ids += [int(k) for k in new]
        truth += made
    assert members(sets, np.array(ids)) == truth


def test_few_entries_of_many():
    """Zeros to which a little is added are not gone through as a whole, and come out right."""
    sets = IndexSets(2)
    a, b = np.zeros((40, 50), int), np.full((40, 50), 1)
    a[3, 7], a[39, 49] = 2, 1
    found = members(sets, sets.union(a, b))
    assert found == members(sets, sets.union(b, a))
    assert [k for k, s in enumerate(found) if s != {0}] == [157] and found[157] == {0, 1}
    assert a[3, 8] == 0 and b[3, 7] == 1


def test_a_long_chain_is_one_union():
    """A sum over a loop does not make sets that grow from round to round."""
    sets = IndexSets(20_000)
    total = 0
    for k in sets.inputs.tolist():
        total = sets.union(total, k)
    indptr, indices = sets.resolve(total)
    assert indptr.tolist() == [0, 20_000] and np.array_equal(indices, np.arange(20_000))
