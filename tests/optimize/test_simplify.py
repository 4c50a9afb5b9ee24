"""Each identity of the table: applied where the facts allow it, and left alone where they do not."""

import operator

import numpy as np
import pytest
from graphs import Adjoint, derive, find, function_of, names_of, param, read, seeded

from srcgrad import runtime
from srcgrad.ir.graph import Block, operands, values_in
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import PY_FLOAT, PY_INT, UNKNOWN, Facts, array, facts_of
from srcgrad.ir.verify import verify
from srcgrad.optimize.dce import eliminate
from srcgrad.optimize.passes import optimize
from srcgrad.optimize.simplify import simplify

X = array("float64", (3,))
ROW = array("float64", (1, 3))
FULL = array("float64", (2, 3))
add, sub, mul, div, neg = (
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.neg,
)


@pytest.fixture
def b():
    return Adjoint()


def after(b, *result):
    """The function that gives this, simplified; what no op makes are its parameters."""
    made = {r for op in b.ops for r in op.results}
    every = [v for op in b.ops for v in operands(op)] + values_in(result)
    params = [v for v in dict.fromkeys(every) if v not in made]
    for k, p in enumerate(params):
        p.hint = p.hint or f"p{k}"
    return verify(simplify(function_of(b, params, result[0] if len(result) == 1 else result)))


def live(function):
    """The names of the ops that the result depends on."""
    return names_of(eliminate(function))


def x(facts=X):
    return param(None, facts)


# -- ones, zeros, signs -----------------------------------------------------------------


@pytest.mark.parametrize("one", [1, 1.0])
@pytest.mark.parametrize("facts", [X, UNKNOWN, PY_FLOAT, array("complex64", (3,))])
def test_a_factor_of_one_goes(b, one, facts):
    p = x(facts)
    for made in (b(mul, one, p), b(mul, p, one), b(div, p, one)):
        assert after(b, made).result is p


def test_a_factor_of_ones_goes(b):
    p = x()
    for ones in (b(np.ones_like, x()), b(np.ones, 3)):
        assert after(b, b(mul, p, ones)).result is p
        assert after(b, b(mul, ones, p)).result is p


@pytest.mark.parametrize("facts", [array("float32", (3,)), array("float64", ()), PY_FLOAT, UNKNOWN])
def test_a_factor_of_ones_that_changes_shape_or_type_stays(b, facts):
    made = b(mul, x(facts), b(np.ones_like, x()))
    assert "ones_like" in live(after(b, made)) or "np.ones_like" in live(after(b, made))


def test_numbers_in_a_product_of_products_are_one(b):
    p = x()
    made = after(b, b(mul, 3.0, b(mul, p, 2)))
    assert live(made) == ["mul"]
    assert np.array_equal(interpret(made, [np.arange(3.0)]), 6 * np.arange(3.0))


def test_a_product_that_is_read_twice_stays(b):
    inner = b(mul, x(), 2)
    assert live(after(b, b(add, b(mul, 3.0, inner), inner))).count("mul") == 2


def test_a_product_with_the_identity_goes(b):
    p, eye = x(array("float64", (3, 3))), b(np.eye, 3)
    assert after(b, b(operator.matmul, eye, p)).result is p
    assert after(b, b(operator.matmul, p, eye)).result is p
    assert live(after(b, b(operator.matmul, b(mul, 0.5, eye), p))) == ["mul"]


def test_a_product_with_what_is_no_identity_stays(b):
    square, single = array("float64", (3, 3)), array("float32", (3, 3))
    for made in (b(np.eye, 3, 3, 1), b(np.eye, 3, k=1)):
        assert "matmul" in live(after(b, b(operator.matmul, made, x(square))))
    assert "matmul" in live(after(b, b(operator.matmul, b(np.eye, 3), x(single))))


@pytest.mark.parametrize("facts", [PY_INT, array("int64", (3,)), array("bool", (3,)), array()])
def test_a_factor_of_one_that_may_change_the_type_stays(b, facts):
    p = x(facts)
    assert live(after(b, b(mul, p, 1.0))) == ["mul"]


def test_one_divided_by_something_stays(b):
    assert live(after(b, b(div, 1.0, x()))) == ["truediv"]


def test_true_is_not_the_number_one(b):
    assert live(after(b, b(mul, x(), True))) == ["mul"]


def test_zero_terms_go(b):
    p = x()
    for made in (b(add, p, 0.0), b(add, 0, p), b(sub, p, 0.0)):
        assert after(b, made).result is p


def test_zero_minus_something_stays(b):
    assert live(after(b, b(sub, 0.0, x()))) == ["sub"]


def test_two_signs_cancel(b):
    p = x()
    assert after(b, b(neg, b(neg, p))).result is p


def test_the_sign_of_a_constant_is_taken_at_once(b):
    assert after(b, b(neg, 2.0)).result == -2.0


@pytest.mark.parametrize("function", [mul, div, operator.matmul])
def test_signs_travel_out_of_products_and_meet(b, function):
    p, q = x(), x()
    once = after(b, b(function, b(neg, p), q))
    assert live(once)[-1] == "neg"
    assert live(after(b, b(function, b(neg, p), b(neg, q)))) == [function.__name__.strip("_")]


@pytest.mark.parametrize(
    ("build", "left"),
    [
        (lambda b, p, q: b(add, p, b(neg, q)), "sub"),
        (lambda b, p, q: b(sub, p, b(neg, q)), "add"),
        (lambda b, p, q: b(add, b(neg, p), q), "sub"),
    ],
)
def test_a_negated_term_is_subtracted(b, build, left):
    assert live(after(b, build(b, x(), x()))) == [left]


def test_a_negated_term_that_is_read_elsewhere_stays(b):
    p, q = x(), x()
    minus = b(neg, p)
    assert "neg" in live(after(b, b(add, minus, q), minus))


def test_a_term_twice_is_a_factor_of_two(b):
    p = x()
    assert live(after(b, b(add, p, p))) == ["mul"]
    assert find(after(b, b(add, p, p)), mul)[0].args == (2, p)


def test_a_product_twice_is_a_factor_of_two(b):
    p, q = x(), x()
    function = after(b, b(add, b(mul, p, q), b(mul, p, q)))
    assert live(function) == ["mul", "mul"]


def test_a_list_twice_is_no_factor_of_two(b):
    p = x(Facts("list", element=PY_FLOAT))
    assert live(after(b, b(add, p, p))) == ["add"]


def test_two_negated_terms_are_one(b):
    p = x()
    assert live(after(b, b(sub, b(neg, p), p))) == ["mul", "neg"]


def test_products_of_different_things_are_not_one_twice(b):
    p, q, r = x(), x(), x()
    assert live(after(b, b(add, b(mul, p, q), b(mul, p, r)))).count("mul") == 2


# -- masks ------------------------------------------------------------------------------


@pytest.mark.parametrize("zero_first", [True, False])
def test_a_mask_travels_out_of_a_product(b, zero_first):
    c, g, p = x(array("bool", (3,))), x(), x()
    masked = b(np.where, c, 0.0, g) if zero_first else b(np.where, c, g, 0.0)
    function = after(b, b(mul, masked, p))
    assert live(function) == ["mul", "np.where"]
    with np.errstate(over="ignore"):
        args = {
            c: np.array([True, False, True]),
            g: np.full(3, 2.0),
            p: np.array([np.inf, 1.0, np.inf]),
        }
        got = interpret(function, [args[v] for v in function.params])
    flags = args[c] if zero_first else ~args[c]
    assert np.isfinite(got[flags]).all()  # infinity times what is masked out would be no number


def test_a_mask_that_the_product_makes_larger_stays_inside(b):
    c, g, p = x(array("bool", (3,))), x(), x(FULL)
    assert live(after(b, b(mul, b(np.where, c, 0.0, g), p))) == ["np.where", "mul"]


def test_a_choice_between_two_values_is_no_mask(b):
    c, g, p = x(array("bool", (3,))), x(), x()
    assert live(after(b, b(mul, b(np.where, c, 1.0, g), p))) == ["np.where", "mul"]


def test_terms_with_one_mask_are_added_up_inside_it(b):
    c, p, q = x(array("bool", (3,))), x(), x()
    masked = [b(np.where, c, 0.0, p), b(np.where, c, 0.0, q)]
    assert live(after(b, b(add, *masked))) == ["add", "np.where"]


@pytest.mark.parametrize("masked", [False, True])
def test_masks_are_added_up_as_numbers(b, masked):
    g, c, p, q = x(PY_FLOAT), *(x(array("bool", (3,))) for _ in range(3))
    parts = [b(np.where, c, 0, m) if masked else b(mul, g, m) for m in (p, q)]
    function = after(b, b(add, *parts))
    args = {g: 2.0, c: np.zeros(3, bool), p: np.array([True, True, False]), q: np.ones(3, bool)}
    got = interpret(function, [args[v] for v in function.params])
    np.testing.assert_array_equal(got, np.array([2, 2, 1]) * (1 if masked else 2))


# -- broadcasts ---------------------------------------------------------------------------


def test_a_broadcast_goes_where_the_other_operand_has_the_shape(b):
    g, p = x(PY_FLOAT), x(FULL)
    spread = b(np.broadcast_to, g, (2, 3))
    assert live(after(b, b(mul, spread, p))) == ["mul"]


def test_a_broadcast_stays_where_the_other_operand_is_smaller(b):
    g, p = x(PY_FLOAT), x(X)
    spread = b(np.broadcast_to, g, (2, 3))
    function = after(b, b(mul, spread, p))
    assert function.result.facts.shape == (2, 3)
    assert "np.broadcast_to" in live(function)


def test_a_broadcast_stays_where_no_shape_is_known(b):
    g, p = x(PY_FLOAT), x(UNKNOWN)
    assert "np.broadcast_to" in live(after(b, b(mul, b(np.broadcast_to, g, (2, 3)), p)))


def test_a_broadcast_comes_after_arithmetic_with_numbers(b):
    g, s = x(PY_FLOAT), x(PY_FLOAT)
    spread = b(np.broadcast_to, g, (2, 3))
    function = after(b, b(div, b(mul, spread, s), 2.0))
    assert live(function) == ["mul", "truediv", "np.broadcast_to"]
    assert interpret(function, [3.0, 4.0]).tolist() == [[6.0] * 3] * 2


def test_two_broadcasts_of_one_shape_are_one(b):
    g, h = x(PY_FLOAT), x(PY_FLOAT)
    both = b(add, b(np.broadcast_to, g, (2, 3)), b(np.broadcast_to, h, (2, 3)))
    assert live(after(b, both)) == ["add", "np.broadcast_to"]


def test_a_broadcast_to_its_own_shape_does_nothing(b):
    p = x(FULL)
    assert after(b, b(np.broadcast_to, p, (2, 3))).result is p
    assert live(after(b, b(np.broadcast_to, x(ROW), (2, 3)))) == ["np.broadcast_to"]


def test_a_broadcast_of_a_broadcast_is_one(b):
    g = x(PY_FLOAT)
    assert live(after(b, b(np.broadcast_to, b(np.broadcast_to, g, (3,)), (2, 3)))) == [
        "np.broadcast_to"
    ]


# -- un-broadcasting ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "wanted", "ops"),
    [
        (FULL, FULL, []),
        (PY_FLOAT, facts_of(np.float64(1)), []),
        (FULL, X, ["np.sum"]),
        (FULL, ROW, ["np.sum"]),
        (FULL, array("float64", (1, 1)), ["np.sum"]),
        (array("float64", (4, 2, 3)), ROW, ["np.sum", "np.sum"]),
        (FULL, PY_FLOAT, ["np.sum"]),
        (array("float64", (None, 3)), X, ["np.sum"]),
        (array("float64", (2, None)), X, ["unbroadcast"]),
        (FULL, array("float64", (None, 3)), ["unbroadcast"]),
        (UNKNOWN, X, ["unbroadcast"]),
        (FULL, UNKNOWN, ["unbroadcast"]),
        (X, FULL, ["unbroadcast"]),
    ],
)
def test_unbroadcasting_where_shapes_are_known(b, given, wanted, ops):
    g, p = x(given), x(wanted)
    function = after(b, b(runtime.unbroadcast, g, p))
    assert live(function) == ops
    if ops and ops[0] == "np.sum":
        real = np.arange(24.0)[: int(np.prod([d or 2 for d in given.shape]))]
        real = real.reshape([d or 2 for d in given.shape])
        like = np.zeros(wanted.shape) if wanted.kind == "array" else 1.0
        args = {g: real, p: like}
        got = interpret(function, [args[v] for v in function.params])
        np.testing.assert_array_equal(got, runtime.unbroadcast(real, like))


@pytest.mark.parametrize(
    ("facts", "result"),
    [(PY_FLOAT, 0.0), (facts_of(1j), 0j), (facts_of(np.float64(1)), 0.0)],
)
def test_zeros_like_a_number_are_a_number(b, facts, result):
    assert after(b, b(runtime.zeros_like, x(facts))).result == result


@pytest.mark.parametrize(
    ("facts", "names"),
    [
        (X, ["np.zeros_like"]),
        (array("int64", (3,)), ["zeros_like"]),  # np.zeros_like would make integers
        (array(), ["zeros_like"]),
        (facts_of(np.float32(1)), ["zeros_like"]),  # 0.0 would be of another type
        (Facts("list"), ["zeros_like"]),
    ],
)
def test_zeros_like_an_array_of_floats_are_numpys(b, facts, names):
    assert live(after(b, b(runtime.zeros_like, x(facts)))) == names


# -- sums of scattered values -----------------------------------------------------------------


def scattered(b, like, value, index=0):
    return b(runtime.index_add, b(runtime.zeros_like, like), index, value)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_sum_with_zeros_filled_in_one_place_is_an_update_of_that_place(b, swapped):
    p, d, v = x(), x(), x(PY_FLOAT)
    y = scattered(b, p, v)
    function = after(b, b(add, y, d) if swapped else b(add, d, y))
    assert live(function) == ["index_add"]
    assert find(function, runtime.index_add)[-1].args[0] is d


def test_not_where_the_other_term_is_smaller(b):
    p, d, v = x(FULL), x(X), x(X)
    assert live(after(b, b(add, d, scattered(b, p, v)))) == ["np.zeros_like", "index_add", "add"]


def test_not_where_the_zeros_are_read_elsewhere(b):
    p, d, v = x(), x(), x(PY_FLOAT)
    y = scattered(b, p, v)
    assert "add" in live(after(b, b(add, d, y), y))


def test_not_where_the_sum_has_another_type_than_what_is_added_to(b):
    p, v = x(array("complex128", (3,))), x(facts_of(1j))
    assert "add" in live(after(b, b(add, x(X), scattered(b, p, v))))
    narrow = x(array("float32", (3,)))
    assert "add" in live(after(b, b(add, narrow, scattered(b, x(X), x(PY_FLOAT)))))


def test_not_where_the_update_did_not_begin_with_zeros(b):
    d, e, v = x(), x(), x(PY_FLOAT)
    assert "add" in live(after(b, b(add, d, b(runtime.index_add, e, 0, v))))


def test_a_scattered_broadcast_broadcasts_by_itself(b):
    d, g = x(FULL), x(PY_FLOAT)
    spread = b(np.broadcast_to, g, (3,))
    assert live(after(b, b(runtime.index_add, d, 0, spread))) == ["index_add"]


def test_entries_of_a_list_do_not_broadcast(b):
    d, g = x(Facts("list", element=X)), x(PY_FLOAT)
    spread = b(np.broadcast_to, g, (3,))
    assert "np.broadcast_to" in live(after(b, b(runtime.index_add, d, 0, spread)))


# -- products -------------------------------------------------------------------------------


def test_the_sum_of_a_product_is_a_dot_product(b):
    p, q = x(FULL), x(FULL)
    function = after(b, b(np.sum, b(mul, p, q)))
    assert live(function) == ["np.vdot"]


@pytest.mark.parametrize(
    ("left", "right", "kwargs"),
    [
        (FULL, X, {}),  # shapes broadcast
        (FULL, PY_FLOAT, {}),
        (array("float32", (3,)), array("float32", (3,)), {}),
        (array("complex128", (3,)), array("complex128", (3,)), {}),  # np.vdot conjugates
        (FULL, FULL, {"axis": 0}),
        (UNKNOWN, UNKNOWN, {}),
    ],
)
def test_any_other_sum_of_a_product_stays(b, left, right, kwargs):
    p, q = x(left), x(right)
    assert "np.sum" in live(after(b, b(np.sum, b(mul, p, q), **kwargs)))


def test_a_product_that_is_read_elsewhere_is_no_dot_product(b):
    p, q = x(FULL), x(FULL)
    y = b(mul, p, q)
    assert "np.sum" in live(after(b, b(np.sum, y), y))


@pytest.mark.parametrize("function", [add, sub])
def test_a_number_common_to_both_terms_comes_out(b, function):
    s, p, q = x(PY_FLOAT), x(), x()
    simplified = after(b, b(function, b(mul, s, p), b(mul, q, s)))
    assert live(simplified) == [function.__name__, "mul"]
    args = {s: 2.0, p: np.arange(3.0), q: np.ones(3)}
    got = interpret(simplified, [args[v] for v in simplified.params])
    np.testing.assert_array_equal(got, function(2 * args[p], 2 * args[q]))


def test_a_number_common_to_both_terms_comes_out_of_quotients_too(b):
    s, p, q = x(PY_FLOAT), x(), x()
    simplified = after(b, b(sub, b(neg, b(div, s, p)), b(div, b(mul, q, s), p)))
    args = {s: 2.0, p: np.array([1.0, 2.0, 4.0]), q: np.ones(3)}
    got = interpret(simplified, [args[v] for v in simplified.params])
    np.testing.assert_array_equal(got, -2 / args[p] - 2 / args[p])
    assert live(simplified)[-1] == "mul"


def test_what_divides_one_term_is_no_common_factor(b):
    s, p, q = x(PY_FLOAT), x(), x()
    simplified = after(b, b(add, b(mul, s, p), b(div, q, s)))
    assert live(simplified) == ["mul", "truediv", "add"]


@pytest.mark.parametrize(
    ("s", "p", "q"),
    [
        (X, X, X),  # an array is no number: nothing is saved
        (PY_FLOAT, PY_FLOAT, PY_FLOAT),  # of numbers nothing is saved either
        (PY_FLOAT, UNKNOWN, UNKNOWN),
    ],
)
def test_nothing_comes_out_where_it_saves_nothing(b, s, p, q):
    s, p, q = x(s), x(p), x(q)
    assert live(after(b, b(add, b(mul, s, p), b(mul, s, q)))) == ["mul", "mul", "add"]


def test_nothing_comes_out_of_a_term_that_is_read_elsewhere(b):
    s, p, q = x(PY_FLOAT), x(), x()
    term = b(mul, s, p)
    assert live(after(b, b(add, term, b(mul, s, q)), term)).count("mul") == 2


# -- shapes and transposes ----------------------------------------------------------------------


def test_transposing_twice_does_nothing(b):
    p = x(FULL)
    assert after(b, b(np.transpose, b(np.transpose, p))).result is p


def test_permuting_axes_twice_is_left_alone(b):
    p = x(array("float64", (2, 3, 4)))
    twice = b(np.transpose, b(np.transpose, p, (1, 2, 0)), (1, 2, 0))
    assert live(after(b, twice)) == ["np.transpose", "np.transpose"]


@pytest.mark.parametrize("function", [np.shape, np.size, np.ndim])
def test_a_shape_is_asked_of_what_the_user_named(b, function):
    p = param("p", X)
    y = b(np.exp, b(mul, p, 2.0))
    assert find(after(b, b(function, y)), function)[0].args == (p,)


def test_a_shape_is_not_asked_of_what_is_not_known_to_have_it(b):
    p = param("p", array("float64", (None,)))
    y = b(np.exp, b(mul, p, 2.0))
    assert p not in find(after(b, b(np.shape, y)), np.shape)[0].args


def test_a_shape_is_not_asked_of_what_has_another(b):
    p, q = param("p", X), param("q", FULL)
    y = b(mul, p, q)
    assert find(after(b, b(np.shape, y)), np.shape)[0].args == (q,)


# -- whose ops ---------------------------------------------------------------------------------


def test_the_users_own_lines_stay_as_they_were_written():
    def f(x):
        return 1.0 * (x + 0.0) - -x

    graph = read(f, 2.0)
    assert names_of(simplify(graph)) == names_of(graph) == ["add", "mul", "neg", "sub"]


def test_ops_inside_blocks_are_simplified_with_what_is_known_outside(b):
    p = x()
    minus = b(neg, p)
    inner = Adjoint()
    again = inner(neg, minus)
    (result,) = b.emit_if(True, inner.block((), (again,)), Block((), (), (p,)))
    assert after(b, result).body.ops[-1].blocks[0].results == (p,)


def test_what_a_rewrite_makes_is_rewritten_again(b):
    p, q = x(), x()
    # -(-p * q): the sign comes out, and meets the other.
    function = after(b, b(neg, b(mul, b(neg, p), q)))
    assert live(function) == ["mul"]


def test_the_name_of_what_goes_is_inherited(b):
    g, p = x(PY_FLOAT), x(FULL)
    spread = b(np.broadcast_to, g, (2, 3))
    function = after(b, b(mul, spread, p, hint="d_x"))
    assert function.result.hint == "d_x"


def logistic(w, x, y):
    p = 1 / (1 + np.exp(-(x @ w)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


@pytest.mark.parametrize("argnum", [0, 1, 2])
def test_a_simplified_gradient_is_the_gradient(argnum):
    args = (
        np.array([0.3, -0.2]),
        np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.1]]),
        np.array([1.0, 0.0, 1.0]),
    )
    made = derive(logistic, *args, argnums=argnum)
    expected = seeded(made, *args)
    for each in (simplify(made), optimize(made)):
        np.testing.assert_allclose(seeded(verify(each), *args), expected, rtol=1e-12)
    assert len(names_of(optimize(made))) < len(names_of(made))


# -- small integers and masks -----------------------------------------------------------

SMALL = [array(d, (3,)) for d in ("uint8", "int8", "bool", None)]


@pytest.mark.parametrize("facts", SMALL, ids=str)
@pytest.mark.parametrize("function", [mul, div, add, sub, operator.matmul])
def test_minus_of_what_may_wrap_around_stays(b, facts, function):
    m, p = x(facts), x()
    assert neg in [op.primitive.function for op in after(b, b(function, p, b(neg, m))).body.ops][:1]


@pytest.mark.parametrize("facts", SMALL, ids=str)
def test_a_mask_plus_itself_is_no_product(b, facts):
    m = x(facts)
    assert live(after(b, b(add, m, m))) == ["add"]


def test_minus_of_the_unknown_stays_in_a_program_that_knows_its_arguments(b):
    p = x()
    made = b(np.abs, p, facts=UNKNOWN)
    assert live(after(b, b(mul, p, b(neg, made))))[-2:] == ["neg", "mul"]
