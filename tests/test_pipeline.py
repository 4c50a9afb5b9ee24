"""The road in pieces: programs and when they are out of date, higher order, tables, pieces of the API."""

import threading
import types

import numpy as np
import pytest
from zoo.numeric import directional, random_like, tree_dot
from zoo.registry import all_programs

from srcgrad import MissingRule, SrcgradError, StructureError, grad, pipeline
from srcgrad.calls.conform import conform_each, conformer, cotangent_like, is_differentiable
from srcgrad.calls.lookup import (
    GENERATING,
    ByIdentity,
    Programs,
    Recent,
    hashable,
    identity_of,
    key_of,
)
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import PY_FLOAT, UNKNOWN, Facts, array, facts_of
from srcgrad.ir.verify import verify
from srcgrad.operators import wanted
from srcgrad.pipeline import Program, gradient_program, primal, pullback_programs

PROGRAMS = all_programs()
GIVEN = {"x": PY_FLOAT}


def square(x):
    return x**2


def test_a_gradient_program():
    program = gradient_program(square, GIVEN, 0, value=False, has_aux=False)
    assert program.run(3.0) == 6.0
    assert program.is_current()
    assert program.generated.name == "d_square"
    verify(program.graph)
    assert interpret(program.graph, [3.0, 1.0]) == 6.0


def test_a_pair_of_programs():
    def f(x, n, y):
        return {"a": x * y, "b": [x**n]}

    given = {"x": PY_FLOAT, "n": facts_of(2), "y": array("float32", (2,))}
    pair = pullback_programs(f, given)
    y = np.ones(2, np.float32)
    result, saved = pair.forward.run(3.0, 2, y)
    assert result["b"] == [9.0]
    d_x, d_n, d_y = pair.pull(saved, {"a": np.ones(2, np.float32), "b": [10.0]})
    assert (d_x, d_n) == (62.0, None)
    assert d_y.dtype == np.float32
    assert pair.is_current()


class Opinionated:
    """Compares equal to everything, or to nothing that has a truth value."""

    def __init__(self, answer):
        self.answer = answer

    def __eq__(self, other):
        return self.answer

    __hash__ = None


@pytest.mark.parametrize(
    ("now", "seen", "same"),
    [
        (PY_FLOAT, Facts("float", None, ()), True),
        (PY_FLOAT, UNKNOWN, False),
        ("a", "".join(["a"]), True),
        (True, True, True),
        (True, 1, False),
        (1.0, 1, False),
        (np.dtype("f8"), np.dtype(float), True),
        (test_a_gradient_program, test_a_gradient_program, True),
        (Opinionated(True), Opinionated(True), False),
        (np.ones(2), np.ones(2), False),
    ],
)
def test_what_counts_as_unchanged(now, seen, same):
    graph = types.SimpleNamespace(guards=((lambda: now, seen),))
    assert Program(graph, None, None).is_current() is same


def test_methods_read_again_count_as_unchanged():
    class Model:
        def loss(self, x):
            return x * x

    model = Model()
    d = grad(lambda x: model.loss(x))
    assert d(3.0) == 6.0
    program = d._programs.general(d._given((3.0,)))
    assert program.is_current()
    assert d._programs.general(d._given((4.0,))) is program


# -- tables --------------------------------------------------------------------------------------------


def test_recent_entries_are_kept():
    table = Recent(3)
    for k in range(5):
        table.put(k, -k)
        assert table.get(2) == (-2 if k >= 2 else None)
    assert [table.get(k) for k in range(5)] == [None, None, -2, -3, -4]
    table.put(2, 7)
    assert (table.get(2), len(table)) == (7, 3)


def test_a_table_is_shared_by_threads():
    table = Recent(8)
    errors = []

    def work(seed):
        try:
            rng = np.random.default_rng(seed)
            for k in map(int, rng.integers(0, 30, 3000)):
                assert table.get(k) in (None, -k)
                table.put(k, -k)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []
    assert len(table) == 8


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (1.0, 2.0, True),
        (1.0, np.float64(1), False),
        (1.0, 1, False),
        (1, True, False),
        (True, False, False),
        (1j, 2j, True),
        ("a", "a", True),
        ("a", "b", False),
        (None, None, True),
        (np.ones(2), np.zeros(2), True),
        (np.ones(2), np.ones(3), False),
        (np.ones(2), np.ones(2, int), False),
        (np.ones(2), np.ones(2, ">f8"), False),
        ([1.0], [2.0], True),
        ([1.0], (1.0,), False),
        ([1.0], [1.0, 1.0], False),
        ([[1.0], 1.0], [[1.0, 1.0]], False),
        ({"a": 1.0}, {"a": 2.0}, True),
        ({"a": 1.0}, {"b": 1.0}, False),
        ({}, [], False),
        (np.sin, np.sin, True),
        (np.sin, np.cos, False),
        (np.float32(1), np.float32(2), True),
        (np.int64(1), np.int32(1), False),
        (range(3), range(4), True),
    ],
)
def test_keys_of_arguments(a, b, same):
    assert (key_of(a) == key_of(b)) is same
    assert isinstance(hash(key_of(a)), int)


def test_keys_tell_functions_by_identity():
    first, second = Opinionated(True), Opinionated(True)
    assert identity_of(first) == identity_of(first)
    assert identity_of(first) != identity_of(second)
    assert hashable(first) == ByIdentity(first) != ByIdentity(second)
    assert hashable("a") == "a"
    assert identity_of(test_recent_entries_are_kept) != ByIdentity(None)

    class Model:
        def loss(self, x):
            return x

        __eq__ = Opinionated.__eq__
        answer = True
        __hash__ = None

    one, other = Model(), Model()
    assert identity_of(one.loss) == identity_of(one.loss)
    assert identity_of(one.loss) != identity_of(other.loss)


def bind(*values):
    return values


bind.__names__ = ("x",)


def test_one_thread_generates_at_a_time():
    inside, most = [], []

    class Made:
        measured = False

        def is_current(self):
            return True

    def make(given):
        inside.append(1)
        most.append(len(inside))
        with GENERATING:  # the same thread may generate while it generates
            inside.pop()
        return Made()

    programs = Programs(bind, make)
    threads = [
        threading.Thread(target=programs.made, args=(k, (np.ones(k),))) for k in (1, 1, 2, 3, 3, 40)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert most == [1] * 4  # one for each shape
    assert programs.made(50, (np.ones(50),)) is programs.get(40)  # large sizes are symbols


def test_what_is_out_of_date_is_made_again():
    class Made:
        fresh = True
        measured = False

        def is_current(self):
            return self.fresh

    programs = Programs(bind, lambda given: Made())
    first = programs.made("key", (1.0,))
    assert programs.get("key") is first is programs.made("other", (2.0,))
    first.fresh = False
    assert programs.get("key") is None
    assert programs.made("key", (1.0,)) is not first


# -- structure -------------------------------------------------------------------------------------------


def test_nothing_is_done_where_nothing_has_to_be():
    assert conformer(array("float64", (2,)), array("float64", (2,))) is None
    assert conformer(UNKNOWN) is None
    assert conform_each([array("float64", (2,))] * 2, [array("float64")] * 2) is None
    both = facts_of([np.ones(2), (np.ones(3),)])
    assert conformer(both, both) is None
    assert conformer(both, facts_of([np.ones(2), [np.ones(3)]])) is not None


@pytest.mark.parametrize(
    ("value", "has"),
    [
        (1.0, True),
        (1, False),
        (np.ones(2), True),
        (np.ones(2, complex), True),
        (np.arange(2), False),
        (np.array(["a"]), False),
        ([], True),
        ([1], False),
        ([1, [2.0]], True),
        ("a", False),
        (None, False),
        (object(), False),
    ],
)
def test_what_has_a_derivative(value, has):
    assert is_differentiable(facts_of(value)) is has


def test_cotangents_are_made_to_fit():
    got = cotangent_like([1, [1, 2]], [1.0, np.zeros(2)])
    assert repr(got) == "[1.0, array([1., 2.])]"
    assert cotangent_like(1.0, np.ones((), np.float32)).dtype == np.float32
    assert type(cotangent_like(np.ones(()), np.float32(1))) is np.float32
    with pytest.raises(StructureError, match="must be real"):
        cotangent_like(1j, 1.0)
    assert cotangent_like("anything", 3) == "anything"


def test_descriptions():
    assert wanted.describe(facts_of(1j)) == "a complex number"
    assert (
        wanted.describe(facts_of(types.SimpleNamespace())) == "an object of type 'SimpleNamespace'"
    )
    assert wanted.describe(facts_of(np.float32(1))) == "a float"


# -- higher order ----------------------------------------------------------------------------------------

# Programs whose gradient is itself differentiated below: those that fail must say so by name.
REFUSED = (MissingRule, SrcgradError)


# Infinite where np.where masks it, in a `with` block of its own: not a number, where zero is meant.
MASKED = {"log_sigmoid", "guarded_iteration"}


@pytest.mark.parametrize("name", sorted(PROGRAMS)[::3])
def test_second_derivatives_of_the_zoo(name):
    """The derivative graph, differentiated again: right, or refused by name."""
    program = PROGRAMS[name]
    if program.has_aux or "prints" in program.tags or len(program.argnums) == 0:
        pytest.skip("nothing to differentiate twice")
    argnum = program.argnums[0]
    first = grad(program.function, argnum)
    rng = np.random.default_rng(len(name))
    direction = random_like(program.args[argnum], rng)
    weights = random_like(program.args[argnum], rng)
    if not isinstance(direction, float | np.ndarray):
        pytest.skip("a structure")

    def slope(*args):
        return np.sum(weights * first(*args))

    with np.errstate(all="ignore"):
        try:
            second = grad(slope, argnum)(*program.args)
        except REFUSED:
            pytest.skip("refused")
        got = tree_dot(direction, second)
        slopes = [
            directional(slope, program.args, argnum, direction, eps) for eps in (1e-4, 1e-5, 1e-6)
        ]
    if name in MASKED:
        assert np.isnan(got)
        return
    error = min(abs(got - s) for s in slopes)
    assert error <= 1e-4 * (1 + abs(got)), (got, slopes)


def test_the_graph_of_a_derivative_is_its_own():
    graph = primal(grad(square), GIVEN)
    verify(graph)
    assert [p.name for p in graph.signature] == ["x"]
    assert interpret(graph, [3.0]) == 6.0
    assert not any(op.adjoint for op in graph.body.ops)


def test_binders_list_what_a_caller_gives():
    class Model:
        def loss(self, x, *more, k=2.0, **named):
            return x

    bind = pipeline.binder(Model().loss)
    assert bind.__names__ == ("x", "more", "k", "named")
    assert bind(1.0, 2.0, z=3.0) == (1.0, (2.0,), 2.0, {"z": 3.0})
    assert pipeline.binder(grad(grad(square))).__names__ == ("x",)
