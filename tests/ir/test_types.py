"""Facts hold of the values they are taken from, and still hold where two values meet."""

from collections import namedtuple
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from srcgrad.ir.types import (
    CONTAINERS,
    OPAQUE,
    PY_FLOAT,
    PY_INT,
    UNDEFINED_FACTS,
    AnyShape,
    Dim,
    Facts,
    array,
    facts_of,
    join,
    join_all,
    known_equal,
    scalar,
    tied,
    untied,
)

Pair = namedtuple("Pair", "left right")


@dataclass
class Layer:
    weights: np.ndarray
    bias: float


# -- sizes --------------------------------------------------------------------------------------

SIZES = {"n": 1009, "m": 10007, "k": 100003}  # far apart: unequal sizes do not meet by chance
small = st.integers(-9, 9)


def value_of(size):
    return size if isinstance(size, int) else size.const + sum(SIZES[s] * c for s, c in size.terms)


@st.composite
def sizes(draw):
    size = draw(small)
    for name in SIZES:
        size = size + draw(small) * Dim.symbol(name)
    return size


@given(sizes(), sizes(), small)
def test_arithmetic_of_sizes_is_that_of_the_numbers_they_stand_for(a, b, c):
    assert value_of(a + b) == value_of(a) + value_of(b)
    assert value_of(a - b) == value_of(a) - value_of(b)
    assert value_of(a * c) == value_of(c * a) == value_of(a) * c


@given(sizes(), sizes())
def test_sizes_are_equal_just_where_the_numbers_are(a, b):
    assert (a == b) == (value_of(a) == value_of(b))
    assert a + b == b + a
    assert hash(a + b) == hash(b + a)


@given(sizes(), sizes())
def test_a_size_whose_symbols_cancel_is_a_number_again(a, b):
    assert type(a - a) is int
    assert (a + b) - b == a
    assert isinstance(a, int) or any(c for _, c in a.terms)


def test_a_size_prints_its_symbols_in_order():
    assert str(Dim.symbol("m") * 2 + Dim.symbol("k") - 3) == "k + 2*m - 3"


# -- facts of run-time values ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "facts"),
    [
        (1.5, PY_FLOAT),
        (2, PY_INT),
        (1j, Facts("complex", None, ())),
        (True, Facts("bool", None, (), known=(True,))),
        (None, Facts("none", known=(None,))),
        ("relu", Facts("str", known=("relu",))),
        (np.tanh, Facts("function", known=(np.tanh,))),
        (range(3), Facts("range")),
        (np.float32(1), Facts("float", "float32", ())),
        (np.int8(1), Facts("int", "int8", ())),
        (np.bool_(True), Facts("bool", "bool", ())),
        (np.ones((2, 0, 20)), array("float64", (2, 0, 20))),
        (np.array(3.0), array("float64", ())),
        ([1.0, 2], Facts("list", items=(PY_FLOAT, PY_INT), cls=list)),
        (Pair(1.0, 2), Facts("tuple", items=(PY_FLOAT, PY_INT), keys=("left", "right"), cls=Pair)),
        ({"a": 1.0}, Facts("dict", items=(PY_FLOAT,), keys=("a",), cls=dict)),
        (
            Layer(np.ones(2), 0.5),
            Facts(
                "object",
                None,
                None,
                (array("float64", (2,)), PY_FLOAT),
                ("weights", "bias"),
                cls=Layer,
            ),
        ),
    ],
    ids=lambda v: type(v).__name__,
)
def test_facts_of_a_value(value, facts):
    assert facts_of(value) == facts


def test_a_truth_value_is_no_integer_although_python_has_it_so():
    assert facts_of(True).kind == "bool"


def test_long_axes_become_symbols_and_equal_ones_the_same():
    symbols = {}
    x = facts_of(np.ones((30, 8, 9)), symbols)
    y = facts_of(np.ones((9, 30)), symbols)
    n, eight, m = x.shape
    assert (eight, y.shape) == (8, (m, n))
    assert isinstance(n, Dim) and isinstance(m, Dim) and n != m


def test_more_symbols_than_letters_are_still_apart():
    symbols = {}
    found = {facts_of(np.ones(n), symbols).shape for n in range(9, 60)}
    assert len(found) == 51


def test_a_structure_shares_symbols_with_what_stands_in_it():
    facts = facts_of({"w": [np.ones(20)], "b": np.ones(20)}, {})
    assert facts.items[0].items[0].same_shape(facts.items[1])


@pytest.mark.parametrize(
    ("facts", "integral"),
    [
        (PY_INT, True),
        (facts_of(True), True),
        (array("int64"), True),
        (array("bool"), True),
        (array("uint8"), True),
        (array("float32"), False),
        (array(), False),
        (Facts(), False),
    ],
)
def test_is_integral_where_it_is_known_that_no_derivative_flows(facts, integral):
    assert facts.is_integral is integral


# -- where two values meet -------------------------------------------------------------------------

TOWER = ("bool", "int", "float", "complex")


def admits(facts, value):
    """Whether facts are true of a value."""
    real = facts_of(value)
    if facts.kind == "opaque":
        return True
    if facts.known and facts.known != real.known:
        return False
    if facts.kind == "unknown":
        fits = real.is_numeric
    elif facts.kind in TOWER and (facts.dtype is None or real.dtype is None):
        fits = real.kind in TOWER and TOWER.index(real.kind) <= TOWER.index(facts.kind)
    else:
        fits = facts.kind == real.kind
    if not fits:
        return False
    # A number that is of Python or of NumPy counts as NumPy's, which decides the type of results.
    of_python = facts.kind in TOWER and real.dtype is None
    if facts.dtype is not None and facts.dtype != real.dtype and not of_python:
        return False
    if isinstance(facts.shape, tuple):
        if real.shape is None or len(real.shape) != len(facts.shape):
            return False
        if any(d is not None and d != e for d, e in zip(facts.shape, real.shape, strict=True)):
            return False
    if facts.items is not None:
        parts = list(value.values()) if isinstance(value, dict) else list(value)
        if len(parts) != len(facts.items) or facts.keys != real.keys:
            return False
        return all(map(admits, facts.items, parts))
    if facts.element is not None:
        parts = value.values() if isinstance(value, dict) else value
        return all(admits(facts.element, p) for p in parts)
    return True


numbers = st.one_of(
    st.just(1.5),
    st.just(2),
    st.booleans(),
    st.just(1j),
    st.sampled_from([np.float32(1), np.float64(1), np.int64(3)]),
    hnp.arrays(
        st.sampled_from([np.float64, np.float32, np.int64]),
        st.sampled_from([(), (2,), (3,), (2, 3)]),
    ),
)
values = st.recursive(
    numbers | st.sampled_from([None, "relu", "tanh"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.tuples(inner, inner),
        st.builds(Pair, inner, inner),
        st.fixed_dictionaries({"a": inner}),
    ),
    max_leaves=4,
)


@given(values)
def test_facts_are_true_of_the_value_they_are_taken_from(value):
    assert admits(facts_of(value), value)
    assert not admits(facts_of(value), object)


@given(values, values)
def test_a_join_is_true_of_both_values(a, b):
    both = join(facts_of(a), facts_of(b))
    assert admits(both, a)
    assert admits(both, b)


@given(values, values)
def test_a_join_does_not_depend_on_the_order(a, b):
    one, other = join(facts_of(a), facts_of(b)), join(facts_of(b), facts_of(a))
    # What entries of several types have in common may be told more or less exactly.
    assert one == other or one.kind in CONTAINERS
    assert admits(one, a) and admits(one, b) and admits(other, a) and admits(other, b)


@given(values)
def test_facts_joined_with_themselves_stay(value):
    facts = facts_of(value)
    assert join(facts, facts) == facts


@given(values, values)
def test_joining_once_more_brings_nothing_new(a, b):
    both = join(facts_of(a), facts_of(b))
    again = join(both, facts_of(b))
    assert join(again, facts_of(b)) == again  # a loop's facts settle


def test_a_join_forgets_what_differs_and_keeps_the_rest():
    a, b = array("float64", (3, 4)), array("float64", (3, 5))
    assert join(a, b) == array("float64", (3, None))
    assert join(array("float32", (3,)), array("float64", (3,))) == array(None, (3,))
    assert join(array("float64", (3,)), array("float64", (3, 1))) == array("float64")


def test_a_number_that_an_array_may_replace_is_one_or_the_other():
    both = join(PY_FLOAT, array("float64", (3,)))
    assert (both.kind, both.dims) == ("unknown", None)


def test_lists_of_unequal_lengths_are_known_by_their_elements():
    both = join(facts_of([1.0]), facts_of([1.0, 2]))
    assert (both.kind, both.items, both.element) == ("list", None, PY_FLOAT)


def test_a_name_bound_on_one_path_only_is_what_it_is_bound_to():
    x = tied(array("float64"), "x")
    assert join(UNDEFINED_FACTS, x) == join(x, UNDEFINED_FACTS) == untied(x)


def test_what_is_no_longer_known_is_forgotten():
    assert join(facts_of("relu"), facts_of("tanh")) == Facts("str")
    assert join(facts_of("relu"), PY_FLOAT) == OPAQUE


def test_the_join_of_none_is_none():
    assert join_all(()) is None


# -- shapes that are only known to be the same -----------------------------------------------------


@pytest.mark.parametrize("facts", [Facts(), array(), array("float64", (None, 3))])
def test_tied_facts_know_a_shape_as_that_of_one_value(facts):
    x, y = object(), object()
    assert not facts.same_shape(facts)
    assert tied(facts, x).same_shape(tied(facts, x))
    assert not tied(facts, x).same_shape(tied(facts, y))


@pytest.mark.parametrize(
    "facts", [Facts(), array("float64", (None, 3)), array("int64", (2,)), PY_FLOAT]
)
def test_untying_takes_back_what_tying_added(facts):
    assert untied(tied(facts, object())) == facts


def test_untying_reaches_into_containers_and_leaves_symbols_of_the_arguments():
    n = Dim.symbol("n")
    inner = tied(array("float64", (n, None)), object())
    facts = Facts("list", items=(inner,), element=None)
    assert untied(facts).items[0].shape == (n, None)
    assert untied(Facts("list", element=inner)).element.shape == (n, None)


def test_shapes_of_which_nothing_is_known_are_not_known_to_be_equal():
    assert not known_equal(None, None)
    assert not known_equal((None,), (None,))
    assert not known_equal((3,), (3, 3))
    assert not known_equal((3,), AnyShape("x"))
    assert known_equal((3, Dim.symbol("n")), (3, Dim.symbol("n")))


def test_a_tied_size_plus_one_is_another_size():
    x = tied(array("float64", (None,)), object())
    longer = replace(x, shape=(x.shape[0] + 1,))
    assert not x.same_shape(longer)
    assert x.same_shape(replace(x, shape=(longer.shape[0] - 1,)))


def test_a_scalar_of_a_dtype_has_the_kind_of_that_dtype():
    kinds = {d: scalar(d).kind for d in ("float32", "complex64", "bool", "int8", "uint8", "S1")}
    assert kinds == {
        "float32": "float",
        "complex64": "complex",
        "bool": "bool",
        "int8": "int",
        "uint8": "int",
        "S1": "opaque",
    }


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (Facts(), "unknown"),
        (PY_FLOAT, "float"),
        (array("float64", (3, None)), "float64[3, ?]"),
        (array("float64"), "float64"),
        (facts_of({"w": 1.0, "b": [2]}), "dict['w': float, 'b': list[int]]"),
        (Facts("list", element=PY_FLOAT), "list[float, ...]"),
    ],
)
def test_facts_print_as_a_reader_would_write_them(facts, text):
    assert str(facts) == text


def test_a_shape_of_one_axis_is_shown_as_python_shows_it():
    assert [array(None, s).shape_text() for s in ((3,), (), (2, None), None)] == [
        "(3,)",
        "()",
        "(2, ?)",
        "?",
    ]
