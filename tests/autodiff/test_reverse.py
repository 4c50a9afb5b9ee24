"""The gradient of a graph as a graph: its signature, its results, and what it does not compute."""

import operator
from collections import namedtuple
from dataclasses import dataclass, replace

import numpy as np
import pytest
from graphs import central_difference, derive, find, names_of, read, seeded

from srcgrad.autodiff.reverse import Wanted, gradient, joint, partition, seed_position, split
from srcgrad.errors import MissingRule, NotDifferentiable, SrcgradError
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import facts_of
from srcgrad.ir.verify import verify
from srcgrad.optimize.passes import optimize
from srcgrad.pipeline import primal

X = np.array([0.5, 1.5, 2.5])
Pair = namedtuple("Pair", "left right")


@dataclass
class Layer:
    weights: np.ndarray
    bias: float


def loss(w, x):
    return np.sum(np.sin(w * x) * w)


# -- the signature --------------------------------------------------------------------------------


def test_the_cotangent_comes_last_and_is_one_by_default():
    made = derive(loss, X, X)
    last = made.signature[-1]
    assert [p.name for p in made.signature] == ["w", "x", "g"]
    assert (last.has_default, last.default) == (True, 1.0)
    assert made.name == "d_loss"


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda g: g * g, "g_"),
        (lambda g, g_: g * g_, "g__"),
        (lambda g_: g_ * g_, "g__"),
        (lambda x, **g: x * x, "g_"),
    ],
)
def test_the_cotangent_has_a_name_of_its_own(function, name):
    made = verify(gradient(primal(function, None), [Wanted(0)], single=True))
    at = seed_position(made.signature)
    assert made.signature[at].name == name
    assert made.params[at].hint == name


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (lambda x, *rest: x, ["x", "rest", "g"]),
        (lambda x, *, k: x * k, ["x", "k", "g"]),
        (lambda x, **named: x, ["x", "g", "named"]),
    ],
)
def test_where_it_cannot_be_given_by_position_it_is_given_by_name(function, names):
    made = gradient(primal(function, None), [Wanted(0)], single=True)
    assert [p.name for p in made.signature] == names
    assert made.signature[names.index("g")].kind == "KEYWORD_ONLY"


def test_the_cotangent_scales_the_gradient():
    made = derive(loss, X, X)
    once, twice = (interpret(made, [X, X, g]) for g in (1.0, 2.0))
    np.testing.assert_allclose(twice, 2 * once)


# -- the results ----------------------------------------------------------------------------------


def test_one_argument_gives_one_gradient_several_give_a_tuple():
    single = seeded(derive(loss, X, X), X, X)
    pair = seeded(derive(loss, X, X, argnums=(0, 1)), X, X)
    alone = seeded(derive(loss, X, X, argnums=(1,)), X, X)
    assert isinstance(single, np.ndarray)
    assert [len(pair), len(alone)] == [2, 1]
    np.testing.assert_allclose(single, pair[0])
    np.testing.assert_allclose(alone[0], pair[1])
    np.testing.assert_allclose(single, central_difference(loss, (X, X)), rtol=1e-6)


def test_the_value_comes_first_if_it_is_asked_for():
    value, g = seeded(derive(loss, X, X, value=True), X, X)
    assert value == loss(X, X)
    np.testing.assert_allclose(g, seeded(derive(loss, X, X), X, X))


def with_aux(x):
    y = np.sin(x)
    return np.sum(y), {"y": y}


def test_auxiliary_data_is_handed_through():
    graph = read(with_aux, X)
    g, aux = seeded(gradient(graph, [Wanted(0)], single=True, has_aux=True), X)
    np.testing.assert_allclose(g, np.cos(X))
    np.testing.assert_array_equal(aux["y"], np.sin(X))
    (value, again), g = seeded(
        gradient(graph, [Wanted(0)], single=True, value=True, has_aux=True), X
    )
    assert value == np.sum(np.sin(X))
    np.testing.assert_array_equal(again["y"], aux["y"])


def test_what_only_auxiliary_data_depends_on_has_gradient_zero():
    def f(x, y):
        return np.sum(x), y * 2.0

    made = gradient(read(f, X, X), [Wanted(1)], single=True, has_aux=True)
    g, _ = seeded(made, X, X)
    assert g.tolist() == [0.0, 0.0, 0.0]


def test_a_gradient_has_the_dtype_of_its_argument():
    def f(x, y):
        return np.sum(x * y)

    x, y = np.ones(3, np.float32), np.full(3, 1 / 3)
    g = seeded(derive(f, x, y), x, y)
    assert g.dtype == np.float32


def test_a_real_argument_has_a_real_gradient():
    def f(x, z):
        return np.sum(np.real(x * z) ** 2)

    g = seeded(derive(f, X, Z), X, Z)
    assert g.dtype == np.float64
    np.testing.assert_allclose(g, central_difference(f, (X, Z)), rtol=1e-6)


Z = np.array([1 + 2j, 0.5 - 1j, 3j])


def complex_difference(function, z, eps=1e-6):
    """The slope along the real axis less i times that along the imaginary one, entry by entry."""
    out = np.zeros_like(z)
    for k in range(len(z)):
        for axis in (1, 1j):
            step = np.zeros_like(z)
            step[k] = axis * eps
            out[k] += (function(z + step) - function(z - step)) / (2 * eps) / axis
    return out


@pytest.mark.parametrize(
    "function",
    [
        lambda z: np.real(np.sum(np.real(z) * (0.5 + 2j))),
        lambda z: np.imag(np.sum(np.abs(z) * (0.5 + 2j))),
        lambda z: np.real(np.real(z[0]) * (1 + 1j) * z[1]),
        lambda z: np.real(np.sum(np.stack([np.imag(z), z]) * (1 - 2j))),
        lambda z: np.sum(np.real(z)) + np.real(z[0] * z[0]),
        lambda z: np.real(z[0] * z[0]) + np.sum(np.real(z)),
    ],
)
def test_only_the_real_part_of_a_cotangent_moves_a_real_value(function):
    made = derive(function, Z)
    for each in (made, optimize(made)):
        np.testing.assert_allclose(seeded(each, Z), complex_difference(function, Z), rtol=1e-6)


def test_a_complex_factor_leaves_the_gradient_of_a_real_entry_real():
    def f(x, z):
        total = 0j
        for k in range(3):
            total = total + x[k] * z[k]
        return np.real(total)

    for made in (derive(f, X, Z), derive(f)):
        g = seeded(optimize(made), X, Z)  # a warning would be an error
        np.testing.assert_allclose(g, Z.real)


@pytest.mark.parametrize(
    ("function", "given", "wanted"),
    [
        (lambda p: p[0] * p[0] + p[1], (3.0, 2.0), (6.0, 1.0)),
        (lambda p: p[0] * p[0], [3.0, 2.0], [6.0, 0.0]),
        (lambda p: p["a"] * p["a"], {"a": 3.0, "b": 2.0}, {"a": 6.0, "b": 0.0}),
        (lambda p: p.left * p.right, Pair(3.0, 2.0), Pair(2.0, 3.0)),
        (lambda p: p["a"][0] * p["b"], {"a": (3.0, 1.0), "b": 2.0}, {"a": (2.0, 0.0), "b": 3.0}),
        (lambda p: p[-1] * p[2], [1.0, 2.0, 3.0], [0.0, 0.0, 6.0]),
    ],
)
def test_the_gradient_of_a_container_is_built_as_it_is(function, given, wanted):
    got = seeded(derive(function, given), given)
    assert got == wanted
    assert type(got) is type(wanted)


def test_the_gradient_of_a_dataclass_is_one():
    def f(layer, x):
        return np.sum(layer.weights * x) + layer.bias**2

    layer = Layer(X, 3.0)
    got = seeded(derive(f, layer, X), layer, X)
    assert type(got) is Layer
    np.testing.assert_array_equal(got.weights, X)
    assert got.bias == 6.0


def test_one_of_the_further_arguments_has_a_gradient_of_its_own():
    def f(*xs):
        return xs[0] * xs[1]

    graph = primal(f, {"xs": facts_of((2.0, 3.0))})
    made = gradient(graph, [Wanted(0, 1)], single=True)
    assert interpret(made, [(2.0, 3.0), 1.0]) == 2.0


# -- what is and what is not computed -----------------------------------------------------------------


def test_arguments_that_nobody_asks_for_cost_nothing():
    one, both = derive(loss, X, X), derive(loss, X, X, argnums=(0, 1))
    assert len(names_of(one, adjoint=True)) < len(names_of(both, adjoint=True))


def test_ops_of_the_backward_sweep_are_marked_and_know_the_line_they_reverse():
    def f(x):
        y = np.sin(x)
        return np.sum(y)

    made = derive(f, X)
    assert names_of(made, adjoint=False) == ["np.sin", "np.sum"]
    (cosine,) = find(made, np.cos)
    assert cosine.adjoint
    assert cosine.location.statement == "y = np.sin(x)"


def test_the_forward_ops_are_the_primal_ones():
    graph = read(loss, X, X)
    made = gradient(graph, [Wanted(0)], single=True)
    assert made.body.ops[: len(graph.body.ops)] == graph.body.ops


def test_a_value_read_twice_has_its_contributions_added_once():
    def f(x):
        return x * x

    made = derive(f, 3.0)
    assert seeded(made, 3.0) == 6.0
    assert len(find(made, operator.add)) == 1


def test_broadcasting_is_undone():
    def f(x, y):
        return np.sum(x * y)

    x, y = np.ones((2, 3)), X
    made = derive(f, argnums=1)
    np.testing.assert_allclose(seeded(made, x, y), 2 * np.ones(3))
    np.testing.assert_allclose(seeded(made, 2.0, y), 2 * np.ones(3))
    np.testing.assert_allclose(seeded(made, x, 2.0), 6.0)


def test_a_gradient_can_be_differentiated_again():
    def f(x):
        return np.sin(x) * x

    once = derive(f, 0.7)
    twice = derive(once)
    h = 1e-6
    slope = (seeded(once, 0.7 + h) - seeded(once, 0.7 - h)) / (2 * h)
    assert interpret(twice, [0.7, 1.0, 1.0]) == pytest.approx(slope)


# -- refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (3, "an integer"),
        (True, "a truth value"),
        (np.arange(3), "array of int64"),
        ("a", "a string"),
    ],
)
def test_what_has_no_derivative_is_refused_by_name(value, what):
    def f(x, y):
        return y * 2.0

    with pytest.raises(NotDifferentiable, match=f"argument 'x' of f is {what}"):
        derive(f, value, 1.0)


def without_rule(x):
    y = np.busday_count(x, x)
    return y * 2.0


def test_a_function_without_a_rule_is_refused_with_the_line_that_calls_it():
    with pytest.raises(MissingRule, match="busday_count") as caught:
        derive(without_rule, 1.0)
    assert "np.busday_count(x, x)" in caught.value.location.text


def test_without_auxiliary_data_has_aux_is_refused():
    with pytest.raises(SrcgradError, match="must return a pair"):
        gradient(read(loss, X, X), [Wanted(0)], single=True, has_aux=True)


# -- two programs -------------------------------------------------------------------------------------


def rounds(x, n):
    total = 0.0
    for k in range(n):
        if k % 2:
            x = np.sin(x)
        total = total + np.exp(x) * k
    return total


@pytest.mark.parametrize(
    ("function", "args"),
    [(loss, (X, X)), (rounds, (X, 5)), (lambda p: {"s": p[0] * p[1]}, ((2.0, 3.0),))],
)
def test_the_two_programs_do_together_what_the_joint_one_does(function, args):
    graph = read(function, *args)
    wanted = [Wanted(0)]
    both = joint(graph, wanted)
    forward, backward = map(verify, split(graph, wanted))
    result, saved = interpret(forward, args)
    cotangent = {"s": 0.5} if isinstance(result, dict) else np.full_like(result, 0.5)
    expected, gradients = interpret(both, [*args, cotangent])
    np.testing.assert_equal(result, expected)
    np.testing.assert_equal(interpret(backward, [saved, cotangent]), gradients)


def test_what_only_the_forward_program_needs_is_not_saved():
    def f(x):
        y = np.cos(np.exp(x) + 1.0)
        return np.sum(3.0 * y)

    forward, backward = split(read(f, X), [Wanted(0)])
    _, saved = interpret(forward, [X])
    assert names_of(forward) == ["np.exp", "add", "np.cos", "mul", "np.sum"]
    assert "np.cos" not in names_of(backward)
    assert not any(np.array_equal(s, np.cos(np.exp(X) + 1)) for s in saved)


@pytest.mark.parametrize("name", ["g", "saved", "g_"])
def test_a_parameter_may_be_called_like_those_of_the_backward_program(name):
    graph = read(lambda x: x * x, 3.0)
    parameter = replace(graph.signature[0], name=name)
    graph.params[0].hint = name
    graph = replace(graph, signature=(parameter,))
    forward, backward = partition(joint(graph, [Wanted(0)]))
    result, saved = interpret(forward, [3.0])
    assert (result, interpret(backward, [saved, 1.0])) == (9.0, (6.0,))
