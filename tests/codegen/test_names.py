"""Names: the user's where they can be, and none that means two things at once."""

import ast
import math
import sys
import types

import numpy as np
import pytest
from graphs import central_difference, derive, read, run, text_of

from srcgrad.autodiff.reverse import Wanted, joint, partition
from srcgrad.codegen.load import generate, load
from srcgrad.codegen.names import Names, Shared, shared_names, unused
from srcgrad.codegen.plan import Plan
from srcgrad.codegen.save import standalone
from srcgrad.ir.graph import Block, Capture, Function, Parameter, Value
from srcgrad.optimize.passes import optimize
from srcgrad.pipeline import primal

X = np.linspace(0.5, 1.5, 4)


def saved(function, *args):
    """What the module that is written to disk gives."""
    namespace = {}
    exec(standalone(generate(function), function), namespace)
    return namespace[function.name](*args)


def split_run(graph, argnum, *args):
    """What the forward and the backward program give together."""
    forward, backward = partition(optimize(joint(graph, [Wanted(argnum)])))
    _, kept = load(generate(forward), forward)(*args)
    return load(generate(backward), backward)(kept, 1.0)[0]


def agrees(function, *args):
    """Hold the gradient, however it is written, against central differences."""
    for argnum in range(len(args)):
        expected = central_difference(function, args, argnum)
        specialised = optimize(derive(function, *args, argnums=argnum))
        found = {
            "specialised": run(specialised, *args),
            "generic": run(optimize(derive(function, argnums=argnum)), *args),
            "saved": saved(specialised, *args),
            "split": split_run(read(function, *args), argnum, *args),
        }
        for how, g in found.items():
            np.testing.assert_allclose(g, expected, rtol=1e-5, atol=1e-7, err_msg=how)


# -- the user's names ---------------------------------------------------------------------------------


def test_values_keep_the_users_names_and_adjoints_are_called_after_them():
    def f(w, x):
        product = w @ x
        return np.sum(np.tanh(product))

    text = text_of(optimize(derive(f, X, X)))
    assert "product = w @ x" in text
    assert "d_w = d_product * x" in text


def test_unnamed_values_are_called_after_what_makes_them():
    def f(x):
        return np.sum(np.exp(np.sin(x)) * np.sin(x))

    text = text_of(optimize(derive(f, X)))
    assert "exp = np.exp(" in text


@pytest.mark.parametrize(
    ("usual", "taken", "name"),
    [("x", (), "x"), ("x", {"x"}, "x_2"), ("x", {"x", "x_2"}, "x_3"), ("x", {"x_2"}, "x")],
)
def test_a_name_that_is_taken_gets_a_number(usual, taken, name):
    assert unused(usual, taken) == name


# -- names that the user has for what generated code calls something itself ------------------------------


def local_names(x):
    tape = np.sin(x)
    g = tape * x
    d_x = g * tape
    unbroadcast = np.exp(d_x) * 2.0
    zeros_like = unbroadcast * tape
    run = zeros_like + g
    k = run * d_x
    t = k * unbroadcast
    saved = t + run
    return np.sum(saved * k)


def local_names_in_a_loop(x):
    tape, rounds, stop = 1.0, 0.0, x
    for k in range(3):
        stop = x * k + stop
        d_tape = np.sum(stop * stop) * tape
        tape = tape + np.sin(d_tape)
        rounds = rounds + tape * d_tape
    return tape * rounds * np.sum(stop)


def builtins_as_locals(x):
    len, range, sum, max, np_, list = x, x * 2.0, x * 3.0, x * 4.0, x * 5.0, 0.0
    for v in x:
        list = list + v * v * list + v
    return np.sum(len * range * sum * max * np_) * list


def the_cotangent_of_itself(x, d_x, d_d_x):
    d_y = x * d_x
    y = d_y * d_d_x
    return np.sum(y * np.sin(d_y))


def its_own_name(x):
    its_own_name = np.sin(x)
    d_its_own_name = its_own_name * x
    return np.sum(d_its_own_name * its_own_name)


def underscore(x):
    _ = x * 2.0
    total = x
    for k in range(3):
        total = total + _ * total * k
    return np.sum(total * _)


def underscore_as_index(x):
    total = x
    for _ in range(3):
        total = total + total * _
    return np.sum(total * x)


@pytest.mark.parametrize(
    "function",
    [
        local_names,
        local_names_in_a_loop,
        builtins_as_locals,
        its_own_name,
        underscore,
        underscore_as_index,
    ],
)
def test_locals_may_be_called_like_anything_of_ours(function):
    agrees(function, X)


def test_an_adjoint_does_not_take_the_name_of_a_parameter():
    agrees(the_cotangent_of_itself, X, X + 1.0, X - 0.3)


def with_max(x, max):
    return np.sum(x * max) * sum([v for v in x])


def with_len(x, len):
    total = 0.0
    for v in x:
        total = total + v * len * total + v
    return total


def with_range(x, range):
    total = 0.0
    for i, v in enumerate(x):
        total = total + v * range * total + v * i
    return total


def with_zip(x, zip):
    total = 0.0
    for v in x:
        total = total + v * total * zip + v
    return total


def with_reversed(x, reversed):
    total = x[0]
    for k in range(4):
        total = np.sin(total * x[k]) * reversed
    return total


def with_slice(x, slice):
    return np.sum(x[1:] * x[:-1]) * slice


def with_sum(x, sum):
    return np.mean(x * sum) * sum


def with_np(x, np):
    return (x * np * x).sum()


def with_math(x, math):
    return np.sum(np.cos(x) * math)


def with_tuple(x, tuple, list):
    a, b = x[:2], x[2:]
    return np.sum(np.stack([a, b]) * tuple * list)


def with_g(x, g):
    return np.sum(x * g)


def with_stop(x, stop):
    total, k = 0.0, 0
    while k < 4:
        total = total + x[k] * total * stop + stop
        k = k + 1
        if total > 100.0 * x[0] or k > 3:
            break
    return total * stop


def with_helpers(unbroadcast, zeros_like):
    return np.sum(unbroadcast * zeros_like * unbroadcast)


def with_index_add(x, index_add):
    total = 0.0
    for k in range(3):
        total = total + x[k] * x[k + 1] * index_add
    return total


def with_underscore(x, _):
    total = 0.0
    for k in range(3):
        total = total + total * _ + x[0]
    return total * _


def with_tape(x, tape, saved):
    total = x[0]
    for k in range(3):
        total = np.sin(total * x[k]) * tape
    return total * saved


@pytest.mark.parametrize(
    "function",
    [
        with_max,
        with_len,
        with_range,
        with_zip,
        with_reversed,
        with_slice,
        with_sum,
        with_np,
        with_math,
        with_g,
        with_stop,
        with_index_add,
        with_underscore,
    ],
)
def test_a_parameter_may_hide_what_generated_code_calls(function):
    agrees(function, X, 0.7)


def test_two_parameters_may_hide_what_generated_code_calls():
    agrees(with_tuple, X, 0.7, 1.3)
    agrees(with_tape, X, 0.7, 1.3)
    agrees(with_helpers, X, X + 1.0)


def test_parameters_keep_their_names_whatever_they_hide():
    text = generate(optimize(derive(with_len))).text
    assert "def d_with_len(x, len, g=1.0):" in text
    assert "from builtins import len as len_2" in text
    text = generate(optimize(derive(with_np))).text
    assert "import numpy as np_2" in text


# -- what is read from outside --------------------------------------------------------------------------

x = 3.0
g = 0.5
d_reads_own_name = 4.0
add = 2.0
unbroadcast = 0.7
max = 1.5
_ = 1.25


def scaled_by_x(y):
    return y * x


def hides_x(x):
    return np.sum(scaled_by_x(x) * x)


def reads_g(y):
    return np.sum(y * g * y)


def reads_own_name(y):
    return np.sum(y * d_reads_own_name * y)


def reads_helpers(y):
    return np.sum(y * add * y) * unbroadcast * max


def reads_underscore(y):
    total = y
    for k in range(3):
        total = total + _ * total * k
    return np.sum(total)


class Model:
    def __init__(self):
        self.w = 2.0

    def loss(self, y):
        self_w = np.sin(y)
        return np.sum(y * self.w * self_w)


def two_closures(y):
    return np.sum(TWICE(y) * THRICE(y))


def factor(c):
    def inner(y):
        return y * c

    return inner


TWICE, THRICE = factor(2.0), factor(3.0)


@pytest.mark.parametrize(
    "function",
    [hides_x, reads_g, reads_own_name, reads_helpers, reads_underscore, two_closures],
)
def test_what_is_read_from_outside_may_have_any_name(function):
    agrees(function, X)


def test_an_attribute_and_a_local_that_would_be_called_alike():
    model = Model()
    graph = primal(model.loss, None)
    made = optimize(derive(graph))
    expected = central_difference(model.loss, (X,))
    np.testing.assert_allclose(run(made, X), expected, rtol=1e-6)
    model.w = 5.0
    np.testing.assert_allclose(run(made, X), expected * 2.5, rtol=1e-6)


def test_what_is_read_from_outside_is_called_as_the_source_calls_it():
    captures = tuple(Capture(n, Value(n), float) for n in ("self.w", "x", "self_w", "len"))
    f = Function("f", (Parameter("x"),), Block((Value("x"),), (), (1.0,)), captures=captures)
    assert list(shared_names(f, []).captures) == ["self_w", "x_2", "self_w_2", "len_2"]


# -- functions --------------------------------------------------------------------------------------------


def fact(n, y):
    fact_forward = y * 1.5
    if n == 0:
        return fact_forward
    d_fact = fact(n - 1, y)
    return d_fact * y + fact_forward


def power(n, power_forward, power_backward):
    if n == 0:
        return power_forward
    return power(n - 1, power_forward, power_backward) * power_forward * power_backward


def calls_fact(y):
    return fact(3, y)


def calls_power(y, z):
    return power(3, y, z)


def test_a_recursive_function_and_the_one_that_is_asked_for_are_two():
    agrees(calls_fact, 0.3)
    graph = read(fact, 3, 0.3)
    expected = central_difference(lambda y: fact(3, y), (0.3,))
    assert split_run(graph, 1, 3, 0.3) == pytest.approx(expected)
    forward, _ = partition(optimize(joint(graph, [Wanted(1)])))
    defined = [n.name for n in ast.parse(generate(forward).text).body if hasattr(n, "name")]
    assert len(defined) == len(set(defined)) == 2
    assert defined[-1] == forward.name


def test_a_parameter_may_be_called_like_a_generated_function():
    agrees(calls_power, 0.3, 0.4)


@pytest.fixture
def two_modules(monkeypatch):
    """Two modules that each have a class of one name."""
    for name in ("first_module", "second_module"):
        module = types.ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)

        module.Scale = type("Scale", (float,), {"__module__": name})
    return sys.modules["first_module"].Scale, sys.modules["second_module"].Scale


def test_two_imports_of_one_name_are_told_apart(two_modules):
    first, second = two_modules
    x = Value("x")
    body = Block((x,), (), ((first, second, first, math.sin, np.sin),))
    function = Function("f", (Parameter("x"),), body)
    text = generate(function).text
    assert "from first_module import Scale\n" in text
    assert "from second_module import Scale as Scale_2\n" in text
    assert run(function, 1.0) == (first, second, first, math.sin, np.sin)


# -- names that are shared --------------------------------------------------------------------------------


def names_of_values(function):
    plan = Plan(function)
    return Names(plan, shared_names(function, []).outside)


def test_values_that_live_at_one_time_have_two_names():
    def f(x):
        y = np.sin(x)
        z = y * 2.0
        y = np.cos(x)
        return np.sum(y * z)

    made = optimize(derive(f, X))
    names = names_of_values(made)
    for value, others in names.liveness.conflicts.items():
        for other in others:
            if value in names.names and other in names.names:
                assert names[value] != names[other]


def test_values_that_change_places_do_so_at_once():
    def f(x, y):
        for _ in range(3):
            x, y = y, x * np.sin(y)
        return np.sum(x * y)

    assert run(read(f, 0.4, 1.3), 0.4, 1.3) == f(0.4, 1.3)
    agrees(f, 0.4, 1.3)

    def turned(x, y, z):
        for _ in range(2):
            x, y, z = y, z, x
        return x * y * y * z**3

    assert "x, y, z = y, z, x" in text_of(read(turned, 1.0, 2.0, 3.0))
    agrees(turned, 0.4, 1.3, 0.7)


def test_values_that_follow_one_another_are_assigned_in_an_order_that_loses_none():
    def f(x):
        a, b, c = x, x * 2.0, x * 3.0
        for k in range(4):
            a, b, c = b, c, c + k
        return a * b + c

    agrees(f, 0.7)


def test_a_name_bound_again_hides_the_one_before():
    def f(x):
        x = x * 2.0
        y = x
        x = np.sin(x)
        x = x * y
        return np.sum(x)

    agrees(f, X)


def test_an_argument_is_not_overwritten_while_it_is_still_read():
    def f(x, n):
        y = x
        for _ in range(n):
            y = y * x
        return np.sum(y)

    made = optimize(derive(f, X, 3))
    before = X.copy()
    np.testing.assert_allclose(run(made, X, 3), 4 * X**3)
    np.testing.assert_array_equal(X, before)


def test_what_comes_off_the_tape_is_called_as_it_went_on():
    def f(x, n):
        for _ in range(n):
            x = np.exp(x) * x
        return x

    text = text_of(optimize(derive(f, 0.5, 3)))
    (put,) = [line for line in text.splitlines() if "tape.append(" in line]
    (taken,) = [line for line in text.splitlines() if "tape.pop()" in line]
    assert put.strip().removeprefix("tape.append((").rstrip(")") == taken.split(" = ")[0].strip()


def test_shared_names_are_plain_data():
    f = Function("f", (), Block((), (), (1.0,)))
    assert shared_names(f, []) == Shared({"f": "f"}, {}, {})
