"""Calls: how arguments are bound, what is read in place, what is seen of objects and globals."""

# The functions to be read are written the way users write, not the way linters like it.

import functools
import math
import operator
import types
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pytest
from frontend.reading import agrees, names_of, read

from srcgrad.errors import UnsupportedSyntax
from srcgrad.frontend import lower as lowering
from srcgrad.frontend.lower import lower, signature_of
from srcgrad.ir.interpret import interpret

RATE = 0.5
TABLE = np.array([1.0, 2.0, 3.0])
SETTINGS = {"scale": 2.0, "name": "tanh", "act": math.tanh}
NAME = "exp"
ENABLED = True


def affine(x, /, a=2.0, *rest, b, c=1.0, **extra):
    return x * a + b + c + sum(rest) + sum(extra.values())


def test_arguments_are_bound_as_python_binds_them():
    def f(x, y):
        args, named = (x, y, 3.0), {"b": y, "z": x}
        return (
            affine(x, b=1.0)
            + affine(x, y, b=y, c=2.0)
            + affine(*args, **named)
            + affine(x, b=1.0, a=y, w=x)
        )

    agrees(f, 1.5, 2.5)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: affine(x), "affine() missing 1 required keyword-only argument: 'b'"),
        (lambda x: affine(b=x), "affine() missing 1 required positional argument: 'x'"),
        (lambda x: square(x, x), "square() takes 1 positional argument but 2 were given"),
        (lambda x: square(x, t=x), "square() got multiple values for argument 't'"),
        (lambda x: square(u=x), "square() missing 1 required positional argument: 't'"),
        (lambda x: square(x, u=x), "square() got an unexpected keyword argument 'u'"),
        (lambda x: square(t=x, **{"t": x}), "got multiple values for keyword argument 't'"),
        (
            lambda x: (lambda a, b, c: a)(x),
            "<lambda>() missing 2 required positional arguments: 'b' and 'c'",
        ),
    ],
)
def test_wrong_arguments_are_worded_as_python_does(call, message):
    with pytest.raises(UnsupportedSyntax) as caught:
        lower(call)
    assert caught.value.message == message


def square(t):
    return t * t


def test_defaults_are_taken_when_the_function_is_defined():
    def f(x):
        scale = x

        def g(t, s=scale):
            return t * s + scale

        scale = 10 * x
        return g(2.0)

    agrees(f, 1.5)


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        print("calling")
        return function(*args, **kwargs)

    return wrapper


def test_decorators_inside():
    def f(x):
        def twice(g):
            @functools.wraps(g)
            def doubled(t):
                return g(g(t))

            return doubled

        @twice
        def h(t):
            return t * x + 1

        return h(x)

    agrees(f, 1.5)


class Vector(NamedTuple):
    x: float
    y: float = 1.0

    def dot(self, other):
        return self.x * other.x + self.y * other.y

    @property
    def norm(self):
        return math.sqrt(self.dot(self))


@dataclass
class Body:
    mass: float
    at: Vector
    tags: list = field(default_factory=list)
    name: str = "body"

    def __add__(self, other):
        return Body(self.mass + other.mass, self.at)

    def energy(self, v):
        return self.mass * v**2 / 2 + self.at.norm

    def __call__(self, v):
        return self.energy(v)

    @classmethod
    def unit(cls, mass):
        return cls(mass, Vector(0.0))

    @staticmethod
    def square(v):
        return v * v


def test_named_tuples_and_dataclasses_made_inside():
    def f(x, y):
        v = Vector(x, y=y)
        b = Body(x, at=v)
        c = b + Body.unit(y)
        moved = v._replace(x=2.0)
        return c.energy(y) + c(x) + v.norm + moved.x * moved[1] + Body.square(c.mass) + len(v)

    agrees(f, 1.5, 2.5)


def test_records_are_returned_as_what_they_are():
    def f(x):
        return Body(x, Vector(x, 2.0)), [Vector(x)]

    agrees(f, 1.5)
    assert type(interpret(lower(f), [1.5])[0]) is Body


def test_objects_as_arguments():
    def f(b, x):
        return (
            b.energy(x)
            + b(x)
            + b.at.norm
            + b.at.dot(Vector(x, x))
            + (1.0 if b.name == "body" else 0)
        )

    agrees(f, Body(2.0, Vector(1.0, 3.0)), 0.5, generic=False)


class Model:
    rate = 0.25

    def __init__(self):
        self.weights = np.array([1.0, 2.0])
        self.bias = 0.5
        self.layers = [1.0, 2.0]
        self.activation = math.tanh
        self.mode = "train"

    def __call__(self, x):
        y = self.activation(x * self.weights[0] + self.bias) * self.rate
        for w in self.layers:
            y = y + w
        return y if self.mode == "train" else -y

    def __len__(self):
        return 7


MODEL = Model()


def test_objects_from_outside_are_read_live():
    def f(x):
        return MODEL(x) + len(MODEL) + MODEL.weights[1] * MODEL.bias

    graph = agrees(f, 0.5)
    assert {"MODEL.weights", "MODEL.bias", "MODEL.layers"} <= {c.name for c in graph.captures}
    before = interpret(graph, [0.5])
    MODEL.bias, MODEL.weights = 3.0, np.array([0.5, 1.0])
    try:
        assert interpret(graph, [0.5]) == f(0.5) != before
        assert all(read() is seen for read, seen in graph.guards)
        MODEL.weights = np.array([0.5, 1.0, 1.5])  # what is generated is for arrays of this shape
        assert not all(read() is seen for read, seen in graph.guards)
        MODEL.weights = np.array([0.5, 1.0])
        MODEL.mode = "test"
        assert not all(read() is seen for read, seen in graph.guards)
    finally:
        MODEL.__init__()


def test_bound_methods_name_what_they_read():
    graph = agrees(MODEL, 0.5)
    assert "self.weights" in {c.name for c in graph.captures}
    assert [p.name for p in graph.signature] == ["x"]


def test_globals_are_read_live_and_guarded(monkeypatch):
    def f(x):
        y = x * RATE + TABLE[1]
        if NAME == "exp" and ENABLED:
            y = math.exp(y)
        return y * SETTINGS["scale"] + SETTINGS["act"](x) + square(y)

    graph = agrees(f, 0.5)
    assert {c.name for c in graph.captures} == {"RATE", "TABLE", "SETTINGS"}
    monkeypatch.setitem(f.__globals__, "RATE", 2.0)
    monkeypatch.setitem(f.__globals__, "TABLE", np.array([5.0, 6.0, 7.0]))
    assert interpret(graph, [0.5]) == f(0.5)
    assert all(read() is seen for read, seen in graph.guards)
    for name, value in [
        ("square", lambda t: t),
        ("NAME", "log"),
        ("ENABLED", False),
        ("RATE", 1),
        ("TABLE", np.array([1, 2, 3])),
        ("TABLE", np.array([5.0, 6.0])),
        ("SETTINGS", {**SETTINGS, "act": math.sin}),
    ]:
        with monkeypatch.context() as patch:
            patch.setitem(f.__globals__, name, value)
            assert not all(read() is seen for read, seen in graph.guards), name


def test_cells_are_read_live():
    scale = 2.0
    shape = (2, 3)

    def f(x):
        return x * scale + shape[0]

    graph = agrees(f, 0.5)
    scale = 3.0
    assert interpret(graph, [0.5]) == f(0.5) == 3.5


def test_constants_of_modules():
    def f(x):
        return x * math.pi + np.e + helper.CONST + helper.double(x)

    helper = types.ModuleType("helper")
    helper.CONST, helper.double = 2.0, square
    graph = agrees(f, 0.5)
    assert {c.name for c in graph.captures} == {"helper.CONST"}


@pytest.mark.parametrize(
    "function, args, names",
    [
        (np.tanh, (0.5,), ["x"]),
        (np.hypot, (0.5, 1.0), ["x1", "x2"]),
        (math.exp, (0.5,), ["x"]),
        (operator.mul, (0.5, 2.0), ["a", "b"]),
        (abs, (-0.5,), ["x"]),
        (functools.partial(np.arctan2, 1.0), (0.5,), ["x2"]),
        (functools.partial(affine, b=2.0), (0.5,), ["x", "a", "c", "extra"]),
        (functools.partial(affine, 1.0, 2.0, 3.0, b=2.0), (4.0,), ["rest", "c", "extra"]),
        (functools.partial(affine, 1.0, b=2.0, w=5.0), (), ["a", "rest", "c", "extra"]),
        (Vector(1.0, 2.0).dot, (Vector(0.5, 3.0),), ["other"]),
        (Body.square, (0.5,), ["v"]),
        (logged(square), (0.5,), ["t"]),
        (lambda x, *, k=2: x**k, (0.5,), ["x", "k"]),
    ],
)
def test_whatever_may_be_handed_over(function, args, names):
    signature = [p.name for p in signature_of(function)]
    if function is not functools.partial and "rest" not in names:
        assert [n for n in signature if n in names] == names
    if getattr(function, "__wrapped__", None):
        function = function.__wrapped__
    agrees(function, *args, generic=False)


def test_what_an_opaque_function_gives():
    import time

    def f(x, rng):
        start = time.time()
        noise = rng.normal(size=2)
        text = str(noise.shape[0]).zfill(3)
        return x, text, start * 0 + len(text)

    def g(x):
        rng = np.random.default_rng(3)
        return x * rng.normal() + rng.integers(5)

    graph = read(f, 1.5, np.random.default_rng(0))
    effects = {op for op in graph.body.ops if op.primitive.effect}
    assert {op.primitive.name for op in effects} >= {"time.time", ".normal"}
    agrees(g, 1.5)


def test_strings():
    def f(x, name):
        label = f"{name.upper()}-{x:.{2}f}-{name!r:>5}{{}}"
        parts = "a,b".split(",")
        return x if label.startswith("LOSS") and parts[0] == "a" else -x, label, "%s=%d" % (name, 3)  # noqa: UP031

    agrees(f, 1.25, "loss")


def test_print_and_assert_happen_once_and_in_order():
    def f(x):
        print("start", x, sep=":")
        for k in range(2):
            assert k < 5, f"k is {k}"
            print(f"{k}", end=" ")
        return x

    agrees(f, 1.5)

    def g(x):
        assert x > 0, f"x is {x}"
        return x

    with pytest.raises(AssertionError, match=r"x is -1\.0"):
        interpret(lower(g), [-1.0])


def test_asking_what_something_is():
    def f(x, xs, n):
        if isinstance(xs, list) and not isinstance(xs, tuple | str) and isinstance(n, int):
            x = x * len(xs)
        if callable(math.sin) and hasattr(xs, "append") and type(xs) is list:
            x = x + getattr(math, "pi") + getattr(x, "nothing", 1.0)  # noqa: B009
        return x

    graph = agrees(f, 1.5, [1.0], 3, generic=False)
    assert "if_" not in names_of(graph)


def test_imports_inside():
    def f(x):
        import math as m
        from operator import mul

        import numpy.linalg

        return mul(m.sin(x), 2.0) + numpy.linalg.norm(np.ones(2))

    agrees(f, 0.5)


def test_calling_what_only_run_time_knows():
    def f(x, table):
        return table.lookup(x)

    class Lookup:
        def __init__(self):
            self.lookup = functools.partial(pow, 2.0)

    read(f, 1.0, Lookup())


def test_transforms_inside_are_handed_to_their_owner(monkeypatch):
    class Gradient:
        __srcgrad_transform__ = True

        def __call__(self, x):
            raise AssertionError

    def handler(value, low, args, kwargs):
        return low.apply(operator.mul, 2.0, args[0])

    gradient = Gradient()
    monkeypatch.setattr(lowering, "TRANSFORMS", lowering.TRANSFORMS)
    lowering.TRANSFORMS.insert(0, handler)
    try:
        graph = lower(lambda x: gradient(x) + 1)
    finally:
        lowering.TRANSFORMS.remove(handler)
    assert interpret(graph, [3.0]) == 7.0


def test_captured_names_of_two_modules_stay_apart():
    other = types.ModuleType("other")
    exec("RATE = 7.0", other.__dict__)

    def f(x):
        return x * RATE + other.RATE

    assert sorted(c.name for c in agrees(f, 0.5).captures) == ["RATE", "other.RATE"]


class Hidden:
    def __init__(self):
        self.__weight = 2.0
        self.__scale = lambda t: t * 3

    def value(self, x):
        return self.__scale(x) * self.__weight


def test_private_names_of_a_class():
    hidden = Hidden()
    agrees(hidden.value, 0.5)
    agrees(lambda x: hidden.value(x) + 1, 0.5)
