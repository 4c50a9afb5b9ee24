"""What inference says is true, for random shapes and indices, and says enough to be of use."""

import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srcgrad.ir.types import PY_FLOAT, PY_INT, Dim, Facts, array, facts_of
from srcgrad.ops import facts, facts_products, facts_shaping, registry, tables
from srcgrad.testing.truth import admits

assert tables
SIZES = st.integers(0, 14)
ENDS = st.one_of(st.none(), st.integers(-12, 12))
STEPS = st.sampled_from([None, 1, 2, -1, -3])


def known(x):
    """The facts of an array, sizes above eight in symbols, and what the symbols stand for."""
    symbols = {}
    found = facts_of(x, symbols)
    return found, {next(iter(d.terms))[0]: n for n, d in symbols.items()}


@given(SIZES, ENDS, ENDS, STEPS)
def test_slices(n, start, stop, step):
    x, index = np.zeros(n), slice(start, stop, step)
    told, sizes = known(x)
    assert admits(facts.getitem(told, index), x[index], sizes) is None
    assert admits(facts.getitem(facts_of(x), index), x[index], sizes) is None
    assert facts.getitem(facts_of(x), index).shape == x[index].shape


@given(SIZES, st.integers(-3, 3), st.integers(-3, 3))
def test_slices_by_symbolic_ends(n, p, q):
    told, sizes = known(np.zeros(n))
    size = told.shape[0]
    index = slice(facts.sized(size - size + abs(p)), facts.sized(size + q))
    assert admits(facts.getitem(told, index), np.zeros(n)[abs(p) : n + q], sizes) is None


PARTS = st.one_of(
    st.integers(-2, 1), st.none(), st.builds(slice, ENDS, ENDS, STEPS),
    st.lists(st.integers(-2, 1), min_size=1, max_size=3),
    st.sampled_from([np.array([[0, 1], [1, 0]]), np.array([True, False]), np.array(1), np.int64(0)]),
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(PARTS, max_size=4), st.one_of(st.none(), st.integers(0, 4)))
def test_indices(parts, dots):
    x = np.zeros((2, 2, 2, 2))
    if dots is not None:
        parts = [*parts[:dots], Ellipsis, *parts[dots:]]
    index = tuple(parts)
    try:
        part = x[index]
    except IndexError:
        return
    assert admits(facts.getitem(facts_of(x), index), part, {}) is None
    late = tuple(facts_of(i) if isinstance(i, np.ndarray | int) else i for i in index)
    assert admits(facts.getitem(facts_of(x), late), part, {}) is None


@given(st.lists(st.lists(st.sampled_from([1, 3, 10]), max_size=3), min_size=1, max_size=3))
def test_broadcasting(shapes):
    try:
        wanted = np.broadcast_shapes(*map(tuple, shapes))
    except ValueError:
        return
    symbols: dict[int, Dim] = {}
    told = [facts_of(np.zeros(s), symbols).shape for s in shapes]
    sizes = {next(iter(d.terms))[0]: n for n, d in symbols.items()}
    assert admits(array("float64", facts.broadcast(told)), np.zeros(wanted), sizes) is None


def infer(function, *args, **kwargs):
    return registry.PRIMITIVES[function].infer(*args, **kwargs)


N, M = Dim.symbol("n"), Dim.symbol("m")
MATRIX, VECTOR = array("float64", (N, M)), array("float64", (M,))
ENOUGH = (
    (infer(operator.matmul, MATRIX, VECTOR), (N,)),
    (infer(operator.add, MATRIX, VECTOR), (N, M)),
    (infer(np.sum, MATRIX, axis=0), (M,)),
    (infer(np.mean, MATRIX, axis=-1, keepdims=True), (N, 1)),
    (infer(np.max, MATRIX), ()),
    (infer(np.stack, [VECTOR, VECTOR]), (2, M)),
    (infer(np.concatenate, [VECTOR, VECTOR]), (M * 2,)),
    (infer(np.concatenate, [MATRIX, MATRIX], axis=1), (N, M * 2)),
    (infer(np.expand_dims, VECTOR, 0), (1, M)),
    (infer(np.broadcast_to, VECTOR, infer(np.shape, MATRIX)), (N, M)),
    (infer(np.reshape, MATRIX, (facts.sized(M), facts.sized(N))), (M, N)),
    (infer(np.zeros, (infer(len, MATRIX), 3)), (N, 3)),
    (infer(np.where, MATRIX, MATRIX, 0.0), (N, M)),
    (infer(np.outer, VECTOR, array("float64", (N,))), (M, N)),
    (infer(np.einsum, "ij,j->i", MATRIX, VECTOR), (N,)),
    (infer(np.take, MATRIX, [0, 2], 1), (N, 2)),
    (infer(np.transpose, MATRIX), (M, N)),
    (infer(np.pad, VECTOR, 1), (M + 2,)),
    (infer(np.diff, VECTOR), (M - 1,)),
    (infer(np.cumsum, MATRIX, axis=0), (N, M)),
    (infer(operator.getitem, MATRIX, (slice(1, None), slice(None, -1))), (N - 1, M - 1)),
    (infer(operator.getitem, MATRIX, 0), (M,)),
    (infer(np.linalg.solve, array("float64", (N, N)), array("float64", (N,))), (N,)),
    (infer(np.arange, infer(len, MATRIX)), (N,)),
)


@pytest.mark.parametrize(("told", "shape"), ENOUGH)
def test_enough_is_known(told, shape):
    assert told.shape == shape
    assert told.dtype in ("float64", "int64")


def test_python_numbers_stay_python_numbers():
    assert infer(operator.mul, PY_FLOAT, 2) == PY_FLOAT
    assert infer(operator.add, PY_INT, True) == PY_INT
    assert infer(operator.truediv, PY_INT, PY_INT) == PY_FLOAT
    assert infer(np.sin, PY_FLOAT) == facts.number("float64")


def test_what_might_be_a_number_is_not_said_to_be_an_array():
    unknown = Facts("array", "float64")  # it may have no axes: then NumPy gives numbers
    assert infer(np.sin, unknown).kind == "unknown"
    assert infer(operator.add, unknown, 1.0).kind == "unknown"


def test_one_of_many_sizes_is_no_size():
    listed = Facts("list", element=facts.sized(N))
    assert facts.getitem(listed, PY_INT) == PY_INT


def test_sizes_of_einsum_letters():
    told = facts_products.einsum("i,i->i", array("float64", (1,)), VECTOR)
    assert told.shape == (M,)


def test_split_in_the_middle_of_symbols():
    told = facts_shaping.split(VECTOR, [2, 4])
    assert [part.shape for part in told.items] == [(2,), (2,), (M - 4,)]
