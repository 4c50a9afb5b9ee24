"""grad, value_and_grad and vjp: which arguments, what may be handed over, what comes back."""

import collections
import copy
import dataclasses
import functools
import gc
import linecache
import math
import operator
import pickle
import subprocess
import sys
import threading
import types
import typing
import weakref
from pathlib import Path

import numpy as np
import pytest

import srcgrad
from srcgrad import (
    NotDifferentiable,
    NotScalar,
    SrcgradError,
    StructureError,
    grad,
    jvp,
    register,
    stop_gradient,
    value_and_grad,
    vjp,
)
from srcgrad.api.derivative import Derivative, shared_programs
from srcgrad.calls.lookup import Programs

ROOT = Path(__file__).parents[1]


def same(a, b):
    """Equal in structure, types, dtypes and numbers."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if dataclasses.is_dataclass(a):
        names = [f.name for f in dataclasses.fields(a)]
        return all(same(getattr(a, n), getattr(b, n)) for n in names)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and np.allclose(a, b)
    return a is None or a == pytest.approx(b)


# -- which arguments -----------------------------------------------------------------------------


def everything(a, b, *rest, k=1.0, **more):
    total = a * b * k
    for r in rest:
        total = total + r**2
    for value in more.values():
        total = total + value**3
    return total


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [
        (0, 15.0),
        (1, 10.0),
        (-1, 8.0),
        (-4, 15.0),
        (2, 6.0),
        (3, 8.0),
        ("a", 15.0),
        ("k", 6.0),
        ("z", 147.0),
        ("rest", (6.0, 8.0)),
        ("more", {"z": 147.0}),
        ((0,), (15.0,)),
        ((), ()),
        ([1, "z", -1, "a"], (10.0, 147.0, 8.0, 15.0)),
        ((0, "a"), (15.0, 15.0)),
        (range(2), (15.0, 10.0)),
        (np.int64(1), 10.0),
    ],
    ids=str,
)
def test_arguments_by_number_and_name(argnums, expected):
    args, kwargs = (2.0, 3.0, 3.0, 4.0), {"k": 5.0, "z": 7.0}
    assert same(grad(everything, argnums)(*args, **kwargs), expected)
    value, gradient = value_and_grad(everything, argnums=argnums)(*args, **kwargs)
    assert value == everything(*args, **kwargs)
    assert same(gradient, expected)


def test_arguments_may_be_given_by_keyword_or_left_to_their_defaults():
    assert grad(everything)(b=3.0, a=2.0) == 3.0
    assert grad(everything, "k")(2.0, 3.0) == 6.0

    def with_default(x, y=3.0, n=2):
        return x * y**n

    assert grad(with_default, (0, 1))(2.0) == (9.0, 12.0)
    assert grad(with_default, "y")(2.0, n=1) == 2.0


@pytest.mark.parametrize(
    ("argnums", "message"),
    [
        (4, "everything was called with 4 positional arguments; none is number 4"),
        (-5, "everything was called with 4 positional arguments; none is number -5"),
        ("q", "everything was called without an argument 'q'"),
        (1.5, "argnums is 1.5"),
        (True, "argnums is True"),
        (None, "argnums is None"),
    ],
)
def test_arguments_that_are_not_there(argnums, message):
    with pytest.raises(SrcgradError, match=message):
        grad(everything, argnums)(2.0, 3.0, 3.0, 4.0, z=7.0)


def two(x, y):
    return x * y


@pytest.mark.parametrize(
    ("argnums", "message"),
    [
        (2, "no positional parameter number 2"),
        (-3, "no positional parameter number -3"),
        ("z", "no parameter 'z'"),
    ],
)
def test_parameters_that_are_not_there_are_told_from_the_source_alone(argnums, message):
    with pytest.raises(SrcgradError, match=message) as caught:
        _ = grad(two, argnums).source
    assert "x, y" in str(caught.value)
    assert "def two(x, y):" in str(caught.value)


def test_numbers_count_positional_parameters_alone():
    def f(x, *, scale=3.0):
        return x * scale

    assert grad(f, -1)(2.0) == 3.0
    with pytest.raises(SrcgradError, match="number 1"):
        grad(f, 1)(2.0)


def test_parameters_of_every_kind_and_of_awkward_names():
    def f(g, /, x, *args, g_=2.0, **g__):
        return g * x * sum(args) * g_ * g__["a"]

    got = grad(f, ("g", "x", "args", "g_", "g__"))(2.0, 3.0, 4.0, 5.0, g_=7.0, a=2.0)
    assert same(got, (378.0, 252.0, (84.0, 84.0), 108.0, {"a": 378.0}))

    def keyword_g(x, **more):
        return x * more["g"]

    assert grad(keyword_g, (0, "g"))(2.0, g=5.0) == (5.0, 2.0)

    def shadows(np, math, float, unbroadcast):
        return np * math * float * unbroadcast

    assert grad(shadows, (0, 1, 2, 3))(2.0, 3.0, 5.0, 7.0) == (105.0, 70.0, 42.0, 30.0)

    def positional_only(a, /, *, c):
        return a * c

    assert grad(positional_only, (0, "c"))(2.0, c=4.0) == (4.0, 2.0)


# -- auxiliary data ------------------------------------------------------------------------------


def loss_and_more(x):
    return x * x, {"x": x, "name": "more", "n": 3}


def test_auxiliary_data():
    aux = {"x": 3.0, "name": "more", "n": 3}
    assert grad(loss_and_more, has_aux=True)(3.0) == (6.0, aux)
    assert value_and_grad(loss_and_more, has_aux=True)(3.0) == ((9.0, aux), 6.0)
    value, pullback, beside = vjp(loss_and_more, 3.0, has_aux=True)
    assert (value, pullback(10.0), beside) == (9.0, (60.0,), aux)


def test_auxiliary_data_out_of_branches_and_loops():
    def f(x):
        for k in range(3):
            x = x * 2
            if x > 4:
                return x**2, {"x": x, "k": k}
        return -x, {"x": 2 * x, "k": 7}

    assert grad(f, has_aux=True)(2.0) == (64.0, {"x": 8.0, "k": 1})
    assert grad(f, has_aux=True)(0.1) == (-8.0, {"x": 1.6, "k": 7})


def power_and_steps(x, n):
    if n == 0:
        return x * 0 + 1.0, 0
    value, steps = power_and_steps(x, n - 1)
    return value * x, steps + 1


def test_auxiliary_data_out_of_recursion():
    assert grad(power_and_steps, has_aux=True)(2.0, 3) == (12.0, 3)
    assert value_and_grad(power_and_steps, has_aux=True)(2.0, 3) == ((8.0, 3), 12.0)
    value, pullback, steps = vjp(power_and_steps, 2.0, 3, has_aux=True)
    assert (value, pullback(1.0), steps) == (8.0, (12.0, None), 3)


@pytest.mark.parametrize("f", [lambda x: x * x, lambda x: (x, 1, 2), lambda x: [x, 1]])
def test_auxiliary_data_that_are_missing(f):
    for make in (grad, value_and_grad):
        with pytest.raises(StructureError, match="must return a pair"):
            make(f, has_aux=True)(3.0)
    with pytest.raises(StructureError, match="must return a pair"):
        vjp(f, 3.0, has_aux=True)


# -- structures ----------------------------------------------------------------------------------


class Pair(typing.NamedTuple):
    a: typing.Any
    b: typing.Any


@dataclasses.dataclass
class Layer:
    w: typing.Any
    b: typing.Any
    units: int = 3
    name: str = "relu"


@dataclasses.dataclass(frozen=True)
class Checked:
    kind: typing.ClassVar[str] = "checked"
    scale: float
    table: np.ndarray = dataclasses.field(default_factory=lambda: np.ones(2))
    derived: float = dataclasses.field(init=False, default=0.0)

    def __post_init__(self):
        if self.scale < 0:
            raise ValueError("scale is negative")
        object.__setattr__(self, "derived", 2 * self.scale)


@dataclasses.dataclass(slots=True)
class Slots:
    x: float
    y: list


ones, f32 = np.ones, np.float32


@pytest.mark.parametrize(
    ("f", "argument", "expected"),
    [
        (lambda p: p[0] * p[1], [2.0, 3.0], [3.0, 2.0]),
        (lambda p: p[0] * p[1], (2.0, 3.0), (3.0, 2.0)),
        (lambda p: p["a"] * p["b"], {"a": 2.0, "b": 3.0}, {"a": 3.0, "b": 2.0}),
        (lambda p: p.a * p.b, Pair(2.0, 3.0), Pair(3.0, 2.0)),
        (lambda p: p.w * p.b, Layer(2.0, 3.0), Layer(3.0, 2.0, None, None)),
        (lambda p: np.sum(p.w * p.b), Layer(ones(2), 3.0), Layer(3 * ones(2), 2.0, None, None)),
        (lambda p: p.x * p.y[0], Slots(2.0, [3.0]), Slots(3.0, [2.0])),
        (lambda p: p[0][0] * 2, ([1.0, None, 3, "text", True],), ([2.0, None, None, None, None],)),
        (lambda p: p[1] * 1.0, [ones(2), 1.0, ones(2, int)], [np.zeros(2), 1.0, None]),
        (
            lambda p: p["w"][0].a * p["w"][1]["z"],
            {"w": [Pair(2.0, 3.0), {"z": 4.0, "n": None}], "none": [], "of": (), "these": {}},
            {"w": [Pair(4.0, 0.0), {"z": 2.0, "n": None}], "none": [], "of": (), "these": {}},
        ),
        (
            lambda p: p["a"] * p["b"],
            collections.OrderedDict(a=2.0, b=3.0),
            collections.OrderedDict(a=3.0, b=2.0),
        ),
        (lambda p: p[0] * p[1, 2], {0: 2.0, (1, 2): 3.0}, {0: 3.0, (1, 2): 2.0}),
        (lambda p: 3.0, [1.0, ones(2, f32)], [0.0, np.zeros(2, f32)]),
        (lambda p: 3.0, Layer(1.0, f32(2)), Layer(0.0, f32(0), None, None)),
        (lambda p: 3.0, [], []),
    ],
    ids=lambda x: type(x).__name__,
)
def test_structures(f, argument, expected):
    before = copy.deepcopy(argument)
    assert same(grad(f)(argument), expected)
    assert same(vjp(f, argument)[1](1.0), (expected,))
    assert same(argument, before)


def test_a_dataclass_that_checks_its_fields():
    def f(p):
        return -p.scale * np.sum(p.table**2) + p.derived

    got = grad(f)(Checked(2.0))
    assert type(got) is Checked
    assert (got.scale, got.derived) == (-2.0, 1.0)
    assert np.array_equal(got.table, [-4.0, -4.0])
    first, second = grad(lambda ps: sum(f(p) for p in ps))([Checked(2.0), Checked(3.0)])
    assert (first.scale, second.scale) == (-2.0, -2.0)
    unused = grad(lambda p: np.sum(p[1].table))((Checked(2.0), Checked(3.0)))
    assert unused[0].scale == 0.0


@pytest.mark.parametrize(
    ("f", "argument", "expected"),
    [
        (lambda x: np.sum(x**2), ones(3, f32), 2 * ones(3, f32)),
        (lambda x: np.sum(x * ones(3)), ones(3, f32), ones(3, f32)),
        (lambda x: np.sum(x * x), ones(3, np.float16), 2 * ones(3, np.float16)),
        (lambda x: np.sum(x * x), ones(2, ">f8"), 2 * ones(2)),
        (lambda x: x**2, f32(3), f32(6)),
        (lambda x: np.sum(x * ones(3)), f32(3), f32(3)),
        (lambda x: x**2, np.float64(3), np.float64(6)),
        (lambda x: x**2, np.array(3.0), np.array(6.0)),
        (lambda x: np.sin(x) * 2, np.array(0.0, f32), np.array(2.0, f32)),
        (lambda x: np.sum(x * ones(3)), 2.0, 3.0),
        (lambda p: np.sum(p[0] * ones(3)) + p[1]["k"], [2.0, {"k": f32(1)}], [3.0, {"k": f32(1)}]),
        (lambda p: np.sum(p.w * ones(3)) + p.b, Layer(2.0, 1.0), Layer(3.0, 1.0, None, None)),
        (lambda p: np.sum(p.a * ones(3)) + p.b, Pair(2.0, 1.0), Pair(3.0, 1.0)),
        (lambda x: np.real(x * (1 + 2j)), 3.0, 1.0),
        (lambda x: np.sum(np.real(x * (1 + 2j))), ones(2), ones(2)),
        (lambda p: np.real(p[0] * p[1]), [2.0, 3 + 1j], [3.0, 2 + 0j]),
        (lambda z: np.real(z * z), 1 + 2j, 2 + 4j),
        (lambda z: np.sum(np.abs(z)), np.array([3 + 4j]), np.array([0.6 - 0.8j])),
    ],
)
def test_gradients_have_the_types_of_their_arguments(f, argument, expected):
    assert same(grad(f)(argument), expected)


def test_gradients_are_memory_of_their_own():
    x, y = np.ones(3), np.arange(3.0)
    for gradient in (*grad(np.dot, (0, 1))(x, y), *grad(lambda p: p[0] @ p[1])([x, y])):
        assert not np.shares_memory(gradient, x)
        assert not np.shares_memory(gradient, y)
        gradient += 1.0
    total = grad(np.sum)(x)
    total += 1.0
    assert np.array_equal(total, [2.0, 2.0, 2.0])


def test_the_value_is_what_the_function_returns():
    for f, x in [
        (lambda x: x * 2, 3.0),
        (np.sin, 3.0),
        (lambda x: np.sum(x), np.ones(2, f32)),
        (lambda x: x.reshape(()), np.ones(1)),
    ]:
        value, _ = value_and_grad(f)(x)
        assert same(value, f(x))


# -- what cannot be differentiated -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("argument", "what", "cure"),
    [
        (3, "an integer", "3.0 for 3"),
        (True, "a truth value", "3.0 for 3"),
        (np.int32(3), "an integer", "3.0 for 3"),
        (np.arange(3), "an array of int64", r"x\.astype\(float\)"),
        (np.array([True]), "an array of bool", r"x\.astype\(float\)"),
        (np.array([1.0], dtype=object), "an array of object", r"x\.astype\(float\)"),
        ("text", "a string", "argnums"),
        (None, "None", "argnums"),
        (abs, "a function", "argnums"),
        ([1, 2], "a list without any float in it", "put floats into it"),
        ({"a": "b"}, "a dict without any float in it", "put floats into it"),
        (types.SimpleNamespace(x=1.0), "an object of type 'SimpleNamespace'", "dataclass"),
    ],
    ids=lambda x: str(x)[:20],
)
def test_arguments_without_a_derivative(argument, what, cure):
    def f(y, x):
        return y * 1.0

    with pytest.raises(NotDifferentiable, match=f"argument 'x' of f is {what}") as caught:
        grad(f, 1)(1.0, argument)
    caught.match(f"Instead: .*{cure}")
    assert grad(f)(1.0, argument) == 1.0
    assert vjp(f, 1.0, argument)[1](1.0)[0] == 1.0


def test_entries_without_a_derivative_are_named():
    with pytest.raises(
        NotDifferentiable, match=r"argument 'rest\[1\]' of everything is an integer"
    ):
        grad(everything, 3)(1.0, 2.0, 3.0, 4)
    with pytest.raises(NotDifferentiable, match="argument 'z' of everything is an integer"):
        grad(everything, "z")(1.0, 2.0, z=4)


@pytest.mark.parametrize(
    ("f", "error", "message", "cure"),
    [
        (lambda x: x * x, NotScalar, r"an array of shape \(3,\)", "np.sum"),
        (lambda x: [x], NotScalar, "a list", "has_aux=True"),
        (lambda x: (x[0], 1), NotScalar, "a tuple", "has_aux=True"),
        (lambda x: None, NotScalar, "nothing", "return the loss"),
        (lambda x: x[0] > 1, NotDifferentiable, "a truth value", "return a float"),
        (lambda x: len(x), NotDifferentiable, "an integer", "return a float"),
        (lambda x: "text", NotDifferentiable, "a string", "return a float"),
        (lambda x: x[0] * 1j, NotScalar, "a complex number", "np.real"),
        (lambda x: x[x > 5], NotScalar, "an array of shape", "np.sum"),
    ],
)
def test_results_that_are_not_one_number(f, error, message, cure):
    for make in (grad, value_and_grad):
        with pytest.raises(error, match=message) as caught:
            make(f)(np.ones(3))
        caught.match(f"Instead: .*{cure}")


def test_results_that_only_the_call_shows():
    def f(x, index):
        return x[index]

    assert np.array_equal(grad(f)(np.ones(3), 1), [0.0, 1.0, 0.0])
    with pytest.raises(NotScalar, match="does not return one real number"):
        grad(f)(np.ones(3), [0, 1])

    def squeezed(x):
        return np.squeeze(x[x > 0])

    assert np.array_equal(grad(squeezed)(np.array([-1.0, 2.0])), [0.0, 1.0])
    for make in (grad, value_and_grad):
        with pytest.raises(NotScalar, match="does not return one real number"):
            make(squeezed)(np.array([1.0, 2.0]))


@pytest.mark.parametrize("call", [
    lambda f: f(1.0),
    lambda f: f(),
    lambda f: f(1.0, 2.0, 3.0),
    lambda f: f(1.0, 2.0, z=3.0),
    lambda f: f(1.0, x=2.0, y=1.0),
    lambda f: f(1.0, 2.0, 3.0, 4.0, 5.0, k=1.0),
])  # fmt: skip
@pytest.mark.parametrize("f", [
    two,
    lambda x, y: x * y,
    lambda x, /, y: x * y,
    lambda *, x, y: x * y,
    lambda x, y, *, k: x * y * k,
    lambda x, y=2.0: x * y,
    functools.partial(everything, 1.0, k=2.0),
    functools.partial(two, 1.0),
    functools.partial(two, y=1.0),
])  # fmt: skip
def test_wrong_calls_are_reported_as_python_reports_them(f, call):
    try:
        call(f)
    except TypeError as error:
        message = str(error)
    else:
        pytest.skip("this call is right")
    with pytest.raises(TypeError) as caught:
        call(grad(f))
    assert str(caught.value) == message


class Model:
    def __init__(self, w):
        self.w = w

    def loss(self, x, y=1.0):
        return self.w * x**2 * y

    @grad
    def slope(self, x, y=1.0):
        """The slope."""
        return self.w * x**2 * y

    @grad(argnums=(0, "y"))
    def slopes(self, x, y=1.0):
        return self.w * x**2 * y

    @staticmethod
    @grad
    def alone(x):
        return x**3

    @grad
    @staticmethod
    def alone_inside(x):
        return x**3

    @classmethod
    def of_class(cls, x):
        return cls.scale() * x**2

    @staticmethod
    def scale():
        return 5.0

    def __call__(self, x):
        return self.w * x**3


def test_wrong_calls_of_methods():
    model = Model(2.0)
    for call in (lambda f: f(), lambda f: f(1.0, 2.0, 3.0), lambda f: f(1.0, z=2.0)):
        with pytest.raises(TypeError) as expected:
            call(model.loss)
        with pytest.raises(TypeError) as caught:
            call(grad(model.loss))
        assert str(caught.value) == str(expected.value)


# -- what may be handed over -------------------------------------------------------------------------


def test_methods():
    model = Model(2.0)
    assert grad(model.loss)(3.0) == 12.0
    assert grad(model.loss, "y")(3.0) == 18.0
    model.w = 5.0
    assert grad(model.loss)(3.0) == 30.0
    assert grad(Model.of_class)(3.0) == 30.0
    assert grad(model)(2.0) == 60.0
    assert grad(Model.scale and model.alone.__wrapped__)(2.0) == 12.0


def test_decorated_methods():
    first, second = Model(2.0), Model(10.0)
    assert (first.slope(3.0), second.slope(3.0), first.slope(3.0)) == (12.0, 60.0, 12.0)
    first.w = 7.0
    assert first.slope(3.0, y=2.0) == 84.0
    assert first.slopes(3.0) == (42.0, 63.0)
    assert Model.slope(second, 3.0) == 60.0
    assert Model.slopes(second, 3.0, 1.0) == (60.0, 90.0)
    assert Model.alone(2.0) == first.alone(2.0) == 12.0
    assert Model.alone_inside(2.0) == first.alone_inside(2.0) == 12.0
    assert first.slope.__name__ == "slope"
    assert first.slope.__doc__ == "The slope."
    assert first.slope is first.slope  # so that what was generated for it is found again


def decorate(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return f(*args, **kwargs)

    return wrapper


@decorate
@decorate
def decorated(x):
    return x**3


def scaled(scale):
    def inner(x):
        return scale * x * x

    return inner


SEVERAL = [lambda x: x**2, lambda x: x**3, {"k": lambda x: x**4}["k"]]


@pytest.mark.parametrize(
    ("f", "args", "expected"),
    [
        (np.tanh, (0.0,), 1.0),
        (np.sum, (ones(3),), ones(3)),
        (np.dot, (ones(3), np.arange(3.0)), np.arange(3.0)),
        (np.linalg.norm, (ones(4),), 0.5 * ones(4)),
        (np.multiply, (2.0, 3.0), 3.0),
        (np.clip, (3.0, 1.0, 5.0), 1.0),
        (np.where, (0.5, 1.0, 2.0), 0.0),
        (operator.mul, (2.0, 3.0), 3.0),
        (operator.neg, (2.0,), -1.0),
        (math.sin, (0.0,), 1.0),
        (math.hypot, (3.0, 4.0), 0.6),
        (math.atan2, (3.0, 2.0), 2 / 13),
        (abs, (-3.0,), -1.0),
        (pow, (3.0, 2), 6.0),
        (sum, ([3.0, 2.0],), [1.0, 1.0]),
        (max, (3.0, 2.0), 1.0),
        (decorated, (2.0,), 12.0),
        (functools.partial(two, 2.0), (5.0,), 2.0),
        (functools.partial(two, y=2.0), (5.0,), 2.0),
        (functools.partial(np.sum, axis=None), (ones(2),), ones(2)),
        (functools.partial(functools.partial(everything, 2.0), 3.0, k=4.0), (5.0,), 10.0),
        (Model(2.0).loss, (3.0,), 12.0),
        (Model(2.0), (3.0,), 54.0),
        (scaled(3.0), (2.0,), 12.0),
        (SEVERAL[0], (2.0,), 4.0),
        (SEVERAL[1], (2.0,), 12.0),
        (SEVERAL[2], (2.0,), 32.0),
        (functools.lru_cache(two), (2.0, 3.0), 3.0),
        (staticmethod(two), (2.0, 3.0), 3.0),
    ],
    ids=lambda x: getattr(x, "__name__", type(x).__name__),
)
def test_whatever_can_be_called(f, args, expected):
    made = grad(f)
    assert same(made(*args), expected)
    assert made.__wrapped__ is f
    if f not in (
        np.where,
        math.hypot,
        max,
    ):  # how many arguments they get is not known before a call
        assert made.source.startswith("# The gradient of ")


def test_two_lambdas_of_one_line():
    f, g = lambda x: x**2, lambda x: x**3
    assert (grad(f)(2.0), grad(g)(2.0)) == (4.0, 12.0)
    assert [grad(h)(2.0) for h in (lambda x: 2 * x, lambda x: 3 * x)] == [2.0, 3.0]


def test_a_function_made_from_a_string_that_was_kept():
    text = "def made(x):\n    return x**3\n"
    linecache.cache["<made here>"] = (len(text), None, text.splitlines(True), "<made here>")
    namespace = {}
    exec(compile(text, "<made here>", "exec"), namespace)
    assert grad(namespace["made"])(2.0) == 12.0


@pytest.mark.parametrize("thing", [3.0, "text", None, np.ones(2), [two]])
def test_what_cannot_be_called(thing):
    for make in (grad, value_and_grad):
        if thing is None:
            continue  # the decorator
        with pytest.raises(SrcgradError, match="takes a function"):
            make(thing)
    with pytest.raises(SrcgradError, match="function"):
        vjp(thing, 1.0)


def test_there_is_one_backend():
    with pytest.raises(SrcgradError, match="there is no backend 'cuda'"):
        grad(two, backend="cuda")
    assert grad(two, backend="numpy")(2.0, 3.0) == 3.0


def test_decorators():
    @grad
    def f(x):
        return x**2

    @grad(argnums=(0, 1))
    def g(x, y):
        return x**2 * y

    @value_and_grad(argnums="y", has_aux=True)
    def h(x, y):
        return x * y, x

    assert f(3.0) == 6.0
    assert g(2.0, 3.0) == (12.0, 4.0)
    assert h(2.0, 3.0) == ((6.0, 2.0), 2.0)
    assert (f.__name__, f.__wrapped__(3.0), g.__name__) == ("f", 9.0, "g")


# -- what is read from outside ------------------------------------------------------------------------

RATE = 2.0


def helper(x):
    return RATE * x


def uses_globals(x):
    return helper(x) * RATE


def test_globals_are_read_at_each_call(monkeypatch):
    module = sys.modules[__name__]
    d = grad(uses_globals)
    assert d(1.0) == 4.0
    monkeypatch.setattr(module, "RATE", 3.0)
    assert d(1.0) == 9.0
    monkeypatch.setattr(module, "RATE", np.array([1.0, 2.0]))  # another kind: another program
    with pytest.raises(NotScalar):
        d(1.0)
    monkeypatch.setattr(module, "RATE", 5)
    assert d(1.0) == 25.0
    monkeypatch.setattr(module, "helper", lambda x: x * x)
    assert d(3.0) == 30.0
    assert value_and_grad(uses_globals)(3.0) == (45.0, 30.0)
    assert vjp(uses_globals, 3.0)[1](1.0) == (30.0,)
    monkeypatch.undo()
    assert d(1.0) == 4.0
    assert vjp(uses_globals, 3.0)[1](1.0) == (4.0,)


def test_what_is_read_from_outside_may_go(monkeypatch):
    d = grad(uses_globals)
    assert d(1.0) == 4.0
    monkeypatch.delattr(sys.modules[__name__], "RATE")
    with pytest.raises(SrcgradError, match="name 'RATE' is not defined"):
        d(1.0)
    monkeypatch.undo()
    assert d(1.0) == 4.0
    model = Model(2.0)
    slope = grad(lambda x: model.w * x)
    assert slope(1.0) == 2.0
    del model.w
    with pytest.raises(SrcgradError, match="has no attribute 'w'"):
        slope(1.0)
    k = 3.0
    closed = grad(lambda x: k * x)  # noqa: F821
    assert closed(1.0) == 3.0
    del k
    with pytest.raises(SrcgradError, match="'k'"):
        closed(1.0)


def test_closures_are_read_at_each_call():
    k, flag, table = 2.0, True, {"a": 1.0}

    def f(x):
        return x * k * table["a"] if flag else x * x

    d = grad(f)
    assert d(3.0) == 2.0
    k = 7.0
    assert d(3.0) == 7.0
    table["a"] = 2.0
    assert d(3.0) == 14.0
    table = {"a": np.float32(2), "b": None}
    assert d(3.0) == 14.0
    flag = False
    assert d(3.0) == 6.0


def test_closures_of_one_name_stay_apart():
    first, second = scaled(2.0), scaled(5.0)

    def f(x):
        return first(x) + second(x) * x

    assert grad(f)(1.0) == 4.0 + 15.0
    one, other = Model(1.0), Model(10.0)

    def g(x):
        return one.loss(x) + other.loss(x) * x

    assert grad(g)(1.0) == 2.0 + 30.0
    p, q = functools.partial(two, np.float64(2.0)), functools.partial(two, np.float64(3.0))
    assert grad(lambda x: p(x) + q(x) * x)(1.0) == 2.0 + 6.0


def test_an_object_that_is_replaced():
    class Box:
        def __init__(self, value):
            self.value = value

        def __eq__(self, other):
            raise AssertionError("compared")

        __hash__ = None

    box = Box(2.0)

    def f(x):
        return x * box.value

    d = grad(f)
    assert d(1.0) == 2.0
    box.value = 3.0
    assert d(1.0) == 3.0
    box = Box(4.0)
    assert d(1.0) == 4.0
    box = types.SimpleNamespace(value=5.0)
    assert d(1.0) == 5.0


def test_functions_and_objects_as_arguments():
    class Callable:
        __hash__ = None

        def __init__(self, k):
            self.k = k

        def __call__(self, x):
            return self.k * x

    def f(x, function):
        return function(x)

    assert grad(f)(0.0, np.sin) == 1.0
    assert grad(f)(0.0, np.exp) == 1.0
    assert grad(f)(2.0, lambda t: t**3) == 12.0
    assert grad(f)(2.0, Callable(7.0)) == 7.0
    assert grad(f)(2.0, Callable(8.0)) == 8.0


def test_arguments_of_other_kinds_and_shapes_get_programs_of_their_own():
    def f(x, mode="sum", flag=True, n=2):
        y = np.sum(x) if mode == "sum" else np.mean(x)
        return y**n if flag else -y

    d = grad(f)
    assert d(2.0) == 4.0
    assert same(d(np.ones(2)), 4.0 * ones(2))
    assert same(d(np.ones(2), "mean"), ones(2))
    assert same(d(np.ones((3, 20), f32), flag=False), -ones((3, 20), f32))
    assert same(d([1.0, 2.0]), [6.0, 6.0])
    assert d(2.0, n=3) == 12.0
    with pytest.raises(NotDifferentiable):
        d(2)
    assert d(2.0) == 4.0


# -- specialised programs, graphs, representations -----------------------------------------------------


def test_what_a_derivative_shows():
    d = grad(two, (0, 1))
    assert repr(d) == "<grad of two with respect to (0, 1)>"
    assert repr(value_and_grad(two)) == "<value_and_grad of two with respect to 0>"
    assert d.__wrapped__ is two
    assert d.source == grad(two, (0, 1)).source
    assert "def d_two(x, y, g=1.0):" in d.source
    assert "any real numbers and arrays" in d.source
    assert str(d.graph).startswith("def d_two(x: unknown, y: unknown, g: float):")
    assert "unbroadcast" in d.source
    made = grad(lambda x, y: np.sum(x * y)).specialize(np.ones(2), np.ones(2))
    assert "unbroadcast" not in made.source
    assert "x: float64[2]" in made.source
    assert repr(made) == "<generated d_lambda_>"
    assert str(made.graph).startswith("def d_lambda_(x: float64[2]")


def test_a_specialised_program_takes_only_what_it_is_for():
    made = grad(lambda x, scale=2.0: np.sum(x) * scale).specialize(np.ones(12))
    assert same(made(np.ones(12)), 2 * ones(12))
    assert same(made(x=np.ones(30), scale=3.0), 3 * ones(30))
    for wrong in (np.ones(3), np.ones((12, 12)), np.ones(12, f32), 1.0):
        with pytest.raises(StructureError, match="this program is for x"):
            made(wrong)
    with pytest.raises(TypeError):
        made()


def test_pullbacks():
    x = np.array([1.0, 2.0])
    y, pullback = vjp(lambda x, s, n=3: s * x**n, x, 2.0)
    assert same(y, np.array([2.0, 16.0]))
    assert same(pullback(np.array([1.0, 10.0])), (np.array([6.0, 240.0]), 81.0))
    assert same(pullback([0, 1]), (np.array([0.0, 24.0]), 8.0))
    assert "def " in pullback.source
    assert repr(vjp(two, 1.0, 2.0)[1]) == "<pullback of two>"

    y, pullback = vjp(lambda x, s: {"a": np.sum(x) * s, "b": [x * 2, None], "n": 3}, x, 3.0)
    got = pullback({"a": 1.0, "b": [np.ones(2), None], "n": None})
    assert same(got, (np.array([5.0, 5.0]), 3.0))


@pytest.mark.parametrize(
    ("cotangent", "message"),
    [
        (1.0, "must be a dict with the keys"),
        ({"a": 1.0}, "must be a dict with the keys"),
        ({"a": 1.0, "b": 1.0}, r"the cotangent\['b'\] must have 2 entries"),
        (
            {"a": np.ones(2), "b": [0.0, Pair(1.0, 1.0)]},
            r"the cotangent\['a'\] must have the shape",
        ),
        ({"a": "x", "b": [0.0, Pair(1.0, 1.0)]}, r"the cotangent\['a'\] must be numbers"),
        (
            {"a": 1.0, "b": [0.0, Pair(1.0, [1.0, 2.0])]},
            r"the cotangent\['b'\]\[1\]\[1\] must have",
        ),
    ],
)
def test_cotangents_that_do_not_fit(cotangent, message):
    _, pullback = vjp(lambda x: {"a": x, "b": [x * 2, Pair(x, x)]}, 2.0)
    with pytest.raises(StructureError, match=message):
        pullback(cotangent)


# -- gradients inside ----------------------------------------------------------------------------------


def test_stop_gradient():
    assert grad(lambda x: x * stop_gradient(x))(3.0) == 3.0
    assert grad(lambda x: srcgrad.stop_gradient(x**2))(3.0) == 0.0
    got = grad(lambda p: np.sum(stop_gradient(p[0]) * p[1]))([np.ones(2), np.ones(2)])
    assert same(got, [np.zeros(2), np.ones(2)])


def cube(x):
    return x**3


d_cube = grad(cube)


def my_grad(f):
    return grad(f)


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda x: x * grad(lambda y: x + y)(1.0), 2.0, 1.0),
        (lambda x: x * grad(lambda y: x * y)(1.0), 2.0, 4.0),
        (lambda x: grad(cube)(x), 2.0, 12.0),
        (lambda x: d_cube(x) * x, 2.0, 36.0),
        (lambda x: my_grad(cube)(x), 2.0, 12.0),
        (lambda x: my_grad(lambda y: x * y**2)(x) + x, 2.0, 9.0),
        (lambda x: srcgrad.grad(grad(cube))(x), 2.0, 6.0),
        (lambda x: value_and_grad(cube)(x)[0] + value_and_grad(cube)(x)[1], 2.0, 24.0),
        (lambda x: grad(lambda y, z: y * z**2, argnums=1)(x, x), 2.0, 8.0),
        (lambda x: grad(lambda y, z: y * z**2, argnums="z")(x, z=x), 2.0, 8.0),
        (lambda x: sum(grad(lambda y, z: y * z**2, (0, -1))(x, x)), 2.0, 12.0),
        (lambda x: grad(lambda p: p["a"] ** 3 * p["b"][0])({"a": x, "b": [x, 1]})["a"], 2.0, 36.0),
        (lambda x: grad(lambda y: (y**3, y), has_aux=True)(x)[0], 2.0, 12.0),
        (lambda x: grad(argnums=0)(cube)(x), 2.0, 12.0),
        (lambda x: functools.partial(grad, argnums=1)(two)(x, x), 2.0, 1.0),
        (lambda x: np.sum(grad(lambda y: np.sum(y**3))(x)), np.array([1.0, 2.0]), [6.0, 12.0]),
        (lambda x: grad(lambda y: np.sum(np.sin(y)) * y[0])(x) @ x, np.array([0.0, 1.0]), None),
    ],
)
def test_gradients_inside_a_function_that_is_differentiated(f, x, expected):
    if expected is None:
        expected = slopes(f, x)
    np.testing.assert_allclose(grad(f)(x), expected, rtol=1e-6, atol=1e-9)
    code = [line.partition("#")[0] for line in grad(f).source.splitlines()]
    assert not any("grad(" in line for line in code)


def slopes(f, x, eps=1e-5):
    return [(f(x + eps * e) - f(x - eps * e)) / (2 * eps) for e in np.eye(len(x))]


def test_a_gradient_inside_branches_and_loops():
    def newton(a):
        x = 1.0
        for _ in range(6):

            def residual(y):
                return (y * y - a) ** 2

            x = x - residual(x) / grad(residual)(x)
        return x

    eps = 1e-6
    slope = (newton(2.0 + eps) - newton(2.0 - eps)) / (2 * eps)
    assert grad(newton)(2.0) == pytest.approx(slope, rel=1e-6)

    def inside_loops(x):
        total = 0.0
        for k in range(3):
            if k > 0:
                total = total + grad(lambda y: sum(y**j for j in range(4)) * k)(x) ** 2  # noqa: B023
        return total

    eps = 1e-6
    slope = (inside_loops(1.5 + eps) - inside_loops(1.5 - eps)) / (2 * eps)
    assert grad(inside_loops)(1.5) == pytest.approx(slope, rel=1e-6)


def test_a_decorated_function_inside():
    def f(x):
        @grad
        def inner(y):
            return x * y**2

        return inner(x)

    assert grad(f)(3.0) == 12.0
    model = Model(2.0)
    assert grad(lambda x: model.slope(x) * x)(3.0) == 24.0


def test_higher_derivatives():
    assert grad(grad(cube))(2.0) == 12.0
    assert grad(grad(grad(cube)))(2.0) == 6.0
    assert value_and_grad(grad(cube))(2.0) == (12.0, 12.0)
    assert vjp(grad(cube), 2.0)[1](1.0) == (12.0,)
    mixed = grad(grad(lambda x, y: x**2 * y**3), 1)
    assert mixed(2.0, 3.0) == 2 * 2.0 * 3 * 3.0**2
    with_aux = grad(value_and_grad(cube), has_aux=True)
    assert with_aux(2.0) == (12.0, 12.0)
    assert "def d_d_cube(x, g=1.0):" in grad(grad(cube)).source


def test_higher_derivatives_of_loops_and_branches():
    def f(x, n):
        total = 0.0
        for k in range(n):
            total = total + np.sin(x * k) if k % 2 else total * x
        return total

    eps = 1e-5
    slope = (grad(f)(0.7 + eps, 5) - grad(f)(0.7 - eps, 5)) / (2 * eps)
    assert grad(grad(f))(0.7, 5) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: grad(lambda y: y * 2)(3) * x, "'y' of .* is an integer"),
        (lambda x: grad(lambda y: y * np.ones(3))(x), "an array of shape"),
        (lambda x: vjp(cube, x)[1](1.0, 2.0)[0], "pullback is called with 1 argument"),
        (lambda x: jvp(cube, x, (1.0,))[1], "a tuple with one entry per argument"),
        (lambda x: grad(lambda y: power(y, 3))(x), "recursive"),
        (lambda x: grad(two, 2)(x, x), "not given in this call"),
        (lambda x: grad(two, "z")(x, x), "not given in this call"),
        (lambda x: grad(cube, mode="reverse")(x), "nothing else"),
    ],
)
def test_gradients_inside_that_are_refused(f, message):
    with pytest.raises(SrcgradError, match=message) as caught:
        grad(f)(2.0)
    assert caught.value.location is not None


def power(x, n):
    return x * power(x, n - 1) if n > 0 else 1.0


def test_a_gradient_inside_of_what_is_only_known_to_be_a_number_when_it_runs():
    def f(x):
        return grad(lambda y: np.squeeze(y[y > 0]) ** 2)(x) @ x

    assert same(grad(f)(np.array([-1.0, 3.0])), np.array([0.0, 12.0]))
    with pytest.raises(AssertionError, match="must return one number"):
        grad(f)(np.array([1.0, 3.0]))


# -- kept and shared -----------------------------------------------------------------------------------


@grad
def module_level(x):
    """Decorated where it is defined."""
    return x**2


def test_pickles_and_copies():
    for make in (
        grad(two, (0, "y")),
        value_and_grad(loss_and_more, has_aux=True),
        module_level,
        grad(Model(2.0).loss),
        Model(3.0).slope,
        grad(functools.partial(two, 3.0)),
        grad(np.tanh),
        grad(grad(cube)),
    ):
        args = (2.0, 3.0)[: 2 if make.__wrapped__ is two else 1]
        for clone in (pickle.loads(pickle.dumps(make)), copy.copy(make), copy.deepcopy(make)):
            assert isinstance(clone, Derivative)
            assert clone(*args) == make(*args)
            assert clone.__name__ == make.__name__ if hasattr(make, "__name__") else True
    assert pickle.loads(pickle.dumps(module_level)) is module_level
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(grad(lambda x: x))


def test_pickles_of_another_process(tmp_path):
    (tmp_path / "losses.py").write_text(
        "from srcgrad import grad\n\n\n"
        "def plain(x):\n    return x**2\n\n\n"
        "@grad(argnums=1)\ndef decorated(x, y):\n    return x * y**2\n\n\n"
        "class Model:\n    w = 3.0\n\n    @grad\n    def slope(self, x):\n        return self.w * x\n"
    )
    code = (
        "import pickle, sys, losses; from srcgrad import grad\n"
        "things = [grad(losses.plain), losses.decorated, losses.Model().slope]\n"
        "sys.stdout.buffer.write(pickle.dumps(things))"
    )
    run = functools.partial(
        subprocess.run,
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}"},
    )
    data = run([sys.executable, "-c", code]).stdout
    back = (
        "import pickle, sys; a, b, c = pickle.load(sys.stdin.buffer)\n"
        "print(a(3.0), b(2.0, 3.0), c(1.0))"
    )
    assert run([sys.executable, "-c", back], input=data).stdout.split() == [b"6.0", b"12.0", b"3.0"]


def test_a_derivative_made_anew_finds_what_was_generated(monkeypatch):
    made = []
    original = Programs.general

    def counted(self, given):
        made.append(given)
        return original(self, given)

    monkeypatch.setattr(Programs, "general", counted)
    assert grad(cube)(2.0) == 12.0
    made.clear()
    for x in (2.0, 3.0, 4.0):
        assert grad(cube)(x) == 3 * x * x
    assert made == []


def test_tables_forget():
    d = grad(lambda x: np.sum(x**2))
    for n in range(400):
        d(np.ones(n))
    assert len(d._programs._exact) <= 256
    assert len(d._programs._alike) <= 256
    assert same(d(np.ones(3)), 2 * ones(3))


def test_generated_text_goes_with_its_function():
    def fleeting():
        d = grad(lambda x: x**2 + 1)
        assert d(2.0) == 4.0
        program = d._programs.general(d._given((2.0,)))
        text = program.generated.text
        (file,) = [k for k, v in linecache.cache.items() if len(v) > 2 and "".join(v[2]) == text]
        assert file.startswith("<srcgrad d_")
        return file, weakref.ref(program.run)

    file, run = fleeting()
    shared = shared_programs()
    for _ in range(shared.size):  # so many newer functions that this one is forgotten
        grad(lambda x: x)(1.0)
    gc.collect()
    assert run() is None
    assert file not in linecache.cache


def test_threads():
    """One derivative called from many threads, with arguments of many kinds and values from outside."""
    scale = np.float64(1.0)

    def f(x):
        return np.sum(scale * x**2) * scale

    d = grad(f)
    errors = []

    def work(seed):
        rng = np.random.default_rng(seed)
        try:
            for _ in range(60):
                shape = tuple(rng.integers(1, 4, size=rng.integers(0, 3)))
                x = rng.standard_normal(shape) if shape else float(rng.standard_normal())
                got = d(x)
                # Whatever `scale` was when the call began, both of its readings were the same.
                ratio = np.ravel(got / (2 * np.asarray(x)))
                root = np.sqrt(ratio)
                assert np.allclose(root, np.round(root[0])), ratio
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for t in threads:
            t.start()
        while any(t.is_alive() for t in threads):
            scale = np.float64(scale % 7 + 1)
        for t in threads:
            t.join()
    finally:
        sys.setswitchinterval(interval)
    assert errors == []


def test_two_methods_in_threads():
    """Two objects share a function object; their programs must not share what they read."""
    models = [Model(float(k)) for k in range(1, 5)]
    errors = []

    def work(model):
        try:
            for _ in range(200):
                assert model.slope(3.0) == 6.0 * model.w
                assert grad(model.loss)(3.0) == 6.0 * model.w
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(m,)) for m in models]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []


def test_a_rule_comes_before_the_source_of_its_function():
    def squared(x):
        return x**2

    register(squared, lambda g, y, x: 100 * g)
    assert grad(squared)(4.0) == 100.0 == grad(lambda x: squared(x))(4.0)
    assert jvp(squared, (4.0,), (1.0,))[1] == 100.0 == vjp(squared, 4.0)[1](1.0)[0]


def test_what_was_generated_before_a_function_had_a_rule_is_made_again():
    def late(x):
        return x**2

    made = grad(lambda x: late(x))
    assert made(4.0) == 8.0
    for slope in (100.0, 7.0):
        register(late, lambda g, y, x, slope=slope: slope * g)
        assert made(4.0) == slope
