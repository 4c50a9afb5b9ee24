"""Every case of every rule: an entry that moves when an input is moved is said to depend on it."""

import operator

import numpy as np
import pytest
from ops.cases import CASES, Case

from srcgrad import runtime
from srcgrad.analysis.structure import Tracker
from srcgrad.ir.build import Builder
from srcgrad.ir.graph import Function, Parameter, Value
from srcgrad.ops import registry
from srcgrad.ops.dependence import ROWS, Row, blank, leaves
from srcgrad.ops.index_sets import IndexSets
from srcgrad.testing.trees import leaves as leaves_of
from srcgrad.testing.trees import mapped

STEP = 1e-5


def moving(case):
    """The positions of the arguments that a case has a derivative by."""
    primitive = registry.PRIMITIVES.get(case.function)
    rule = registry.RULES.get(primitive)
    if rule is None or rule.verb == "zero":
        return []
    given = registry.formulas(rule, len(case.args))
    return [
        k
        for k, formula in enumerate(given)
        if formula is not None
        and any(np.asarray(x).dtype.kind in "fc" for x in floats(case.args[k]))
    ]


def floats(tree):
    return [x for x in leaves_of(tree) if np.asarray(x).dtype.kind in "fc"]


PLACES = [(case, k) for case in CASES for k in moving(case)]


def flat(tree):
    parts = [np.ravel(x).astype(complex) for x in floats(tree)]
    return np.concatenate(parts) if parts else np.zeros(0, complex)


def numbered(tree, start):
    """A tree of sets, one for each number in a tree, and how many there are."""
    count = start

    def number(x):
        nonlocal count
        x = np.asarray(x)
        if x.dtype.kind not in "fc":
            return x
        made = np.arange(count, count + x.size).reshape(x.shape)
        count += x.size
        return made if made.ndim else int(made)

    return mapped(number, tree), count


def as_trees(tree):
    """The tree in the form that it has beside a value: plain containers, None for what cannot move."""
    if isinstance(tree, list | tuple):
        parts = [as_trees(t) for t in tree]
        return parts if isinstance(tree, list) else tuple(parts)
    if isinstance(tree, dict):
        return {k: as_trees(t) for k, t in tree.items()}
    if hasattr(type(tree), "__dataclass_fields__"):
        return {k: as_trees(t) for k, t in runtime.fields_of(tree).items()}
    return tree


def moved(tree, j, step):
    """The tree with number j of it moved."""
    at = 0

    def move(x):
        nonlocal at
        if np.asarray(x).dtype.kind not in "fc":
            return x
        first, at = at, at + np.size(x)
        if not first <= j < at:
            return x
        if not isinstance(x, np.ndarray):
            return type(x)(x + step)
        out = x.astype(np.result_type(x, type(step)))
        out.reshape(-1)[j - first] += step
        return out

    return mapped(move, tree)


def missed(case, k):
    """The pairs (entry, input) that a call shows to depend on each other and its row does not."""
    arg = case.args[k]
    tree, end = numbered(arg, 1)
    param, builder = Value("x"), Builder()
    primitive = registry.PRIMITIVES[case.function]
    args = [param if i == k else a for i, a in enumerate(case.args)]
    result = builder.emit(primitive, args, case.kwargs)
    graph = Function("f", (Parameter("x"),), builder.block((param,), (result,)))
    sets = IndexSets(end - 1)
    y, found = Tracker(graph, sets, 1).call(graph, (arg,), [(as_trees(tree), 1)])
    ids = [np.ravel(t) for t in leaves(blank(y) if found is None else found)]
    indptr, indices = sets.resolve(np.concatenate(ids) if ids else np.zeros(0, int))
    rows = [set(indices[a:b]) for a, b in zip(indptr[:-1], indptr[1:], strict=True)]
    before, out = flat(y), []
    sizes = [np.size(x) for x in leaves_of(y)]
    kinds = np.repeat([np.asarray(x).dtype.kind in "fc" for x in leaves_of(y)], sizes)
    if len(rows) == kinds.size:  # what is no number was filled with empty sets
        rows = [row for row, kept in zip(rows, kinds, strict=True) if kept]
    assert len(rows) == before.size
    for j in range(end - 1):
        for step in (
            (STEP, 1j * STEP) if np.iscomplexobj(flat(arg)[j]) and is_complex(arg) else (STEP,)
        ):
            try:
                after = called(case, k, j, step)
            except ValueError:  # out of range, such as a quantile above 1
                after = called(case, k, j, -step)
            differ = np.flatnonzero(np.abs(after - before) > 1e-9)
            out += [(int(i), j) for i in differ if j not in rows[i]]
    return out


def called(case, k, j, step):
    given = [moved(a, j, step) if i == k else a for i, a in enumerate(case.args)]
    return flat(case.function(*given, **case.kwargs))


def is_complex(arg):
    return any(np.iscomplexobj(x) for x in leaves_of(arg))


@pytest.mark.parametrize(("case", "k"), PLACES, ids=[f"{c}-{k}" for c, k in PLACES])
def test_row(case, k):
    with np.errstate(all="ignore"):
        assert missed(case, k) == []


WRONG = {
    "an index shifted": (np.roll, lambda call: call.filled(0), (np.arange(3.0), 1)),
    "one factor forgotten": (
        operator.mul,
        lambda call: call.filled(0),
        (np.ones(3), np.full(3, 2.0)),
    ),
    "a sum of nothing": (np.sum, lambda call: 0, (np.ones(3),)),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_row_is_found(name, monkeypatch):
    function, rule, args = WRONG[name]
    case = Case(function, args)
    places = moving(case)
    assert not any(missed(case, k) for k in places)
    monkeypatch.setitem(ROWS, function, Row(rule, (0,) if function is not operator.mul else None))
    assert any(missed(case, k) for k in places)


def test_rows_name_functions_that_have_rules():
    assert [f for f in ROWS if registry.PRIMITIVES.get(f) not in registry.RULES] == []
