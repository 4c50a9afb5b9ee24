"""Objects of one's own classes: truth, descriptors, special methods; read as Python runs them, or refused."""

import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

from srcgrad import grad
from srcgrad.errors import UnsupportedSyntax


class Bag:
    def __init__(self, entries):
        self.entries = entries

    def __len__(self):
        return len(self.entries)


class Above:
    def __init__(self, v):
        self.v = v

    def __bool__(self):
        return self.v > 2


class Counting:
    def __init__(self, v):
        self.v, self.asked = v, 0

    def __bool__(self):
        self.asked = self.asked + 1
        return self.v > 2


@dataclass
class Fields:
    v: float

    def __len__(self):
        return 0

    @functools.cached_property
    def square(self):
        return self.v * self.v


class Twice:
    def __init__(self, q):
        self.q = 2 * q

    def __round__(self, digits=None):
        return self.q * self.q

    def __abs__(self):
        return self.q**3

    def __float__(self):
        return self.q * 3.0

    def __iter__(self):
        return iter([self.q, self.q * self.q])

    def __getitem__(self, k):
        return self.q * k

    def __contains__(self, v):
        return v < self.q

    def __lt__(self, other):
        return self.q < other.q

    def __eq__(self, other):
        return self.q == other.q

    def __and__(self, other):
        return self.q * other.q

    def __invert__(self):
        return self.q**3

    def __rmul__(self, factor):
        return self.q * factor


@dataclass(order=True)
class Ordered:
    v: float

    def __add__(self, other):
        return Ordered(self.v + other.v)


class Bare:
    def __init__(self, q):
        self.q = q


class Signed(NamedTuple):
    x: float
    y: float = 1.0

    def __bool__(self):
        return self.x > 10

    def __add__(self, other):
        return Signed(self.x + other.x, self.y + other.y)


class Everywhere(NamedTuple):
    x: float

    def __getitem__(self, k):
        return 100.0


class Squaring:
    def __get__(self, owner, cls=None):
        return owner.kept

    def __set__(self, owner, value):
        owner.kept = value * value


class Described:
    v = Squaring()

    def __init__(self, v):
        self.v = v


class Cached:
    def __init__(self, v):
        self.v = v

    @functools.cached_property
    def square(self):
        return self.v * self.v


class Sevens:
    def __init__(self, v):
        self.v = v

    def __getattribute__(self, name):
        return 7.0


class Lenient:
    def __init__(self, v):
        self.v = v

    def __getattr__(self, name):
        return self.v * 3


class Left:
    def __init__(self, v):
        self.v = v

    def __add__(self, other):
        return self.v + other.v

    def __radd__(self, other):
        return 2 * self.v


class Right(Left):
    def __radd__(self, other):
        return 10 * self.v + 3 * other.v


class Shy:
    def __init__(self, v):
        self.v = v

    def __add__(self, other):
        return NotImplemented


class Seven(float):
    def __mul__(self, other):
        return 7.0


EMPTY = Bag([])
SEVEN = Seven(3.0)


def if_empty(x):
    if not Bag([]):
        return x
    return x * x


def if_above(x):
    if Above(x):
        return x * x
    return x


def kept(x):
    b = Cached(x)
    first = b.square
    b.v = 5.0 * x
    return first + b.square


def counted(x):
    w = Counting(x)
    return x * w.asked * x if w else x


def emptied(x):
    bag, total = Bag([1.0, 2.0, 3.0]), 0.0
    while bag:
        total = total + x * bag.entries.pop()
    return total * x


def signed(x):
    p = Signed(x)
    return p.x * p.x if p else p.x


def added(x):
    v = Signed(x, x * x) + Signed(x)
    return v.x * v.y


READ = [
    lambda x: x * x if Bag([]) else x,
    lambda x: x * x if EMPTY else x,
    lambda x: x * x if bool(Bag([x])) else x,
    lambda x: x * x if Bag([1]) and Bag([]) else x,
    lambda x: x * x if not Bag([]) else x,
    lambda x: x * x if Above(x) else x,
    lambda x: x * x if not Above(x) else x,
    if_empty,
    if_above,
    counted,
    emptied,
    kept,
    signed,
    added,
    lambda x: round(Twice(x)) * x,
    lambda x: abs(Twice(x)),
    lambda x: float(Twice(x)) * x,
    lambda x: np.float64(Twice(x)) * x,
    lambda x: math.sqrt(Twice(x)),
    lambda x: sum(Twice(x)),
    lambda x: list(Twice(x))[1],
    lambda x: Twice(x)[3] * x,
    lambda x: x * x if 1.0 in Twice(x) else x,
    lambda x: x * x if Twice(x) < Twice(2 * x) else x,
    lambda x: x * x if Twice(x) > Twice(2 * x) else x,
    lambda x: x * x if Twice(x) == Twice(x) else x,
    lambda x: x * x if Twice(x) != Twice(x) else x,
    lambda x: (Twice(x) & Twice(x)) + ~Twice(x),
    lambda x: x * Twice(x),
    lambda x: Left(x) + Right(x),
    lambda x: Left(x) + Left(x * x),
    lambda x: Shy(x) + Right(x * x),
    lambda x: sum([Ordered(x), Ordered(x * x)], Ordered(x)).v,
    lambda x: [Ordered(x), Ordered(x * x)].index(Ordered(x * x)) * x,
    lambda x: float("2.5") * x,
    lambda x: float(f"{3.5}") * x,
    lambda x: len(f"{x}") * 0.0 + x,
]


@pytest.mark.parametrize("function", READ, ids=range(len(READ)))
def test_is_read_as_python_runs_it(function):
    for x in (1.7, 3.0):
        slope = (function(x + 1e-6) - function(x - 1e-6)) / 2e-6
        assert grad(function)(x) == pytest.approx(slope, rel=1e-5)


def test_the_truth_of_arguments():
    assert grad(lambda p: p.x * p.x if p else p.x)(Signed(3.0)).x == 1.0
    assert grad(lambda p: p.x * p.x if p else p.x)(Signed(11.0)).x == 22.0
    assert grad(lambda d: d.v * d.v if d else d.v)(Fields(3.0)).v == 1.0


def test_a_cached_property_of_an_argument():
    assert grad(lambda d: d.square + d.square)(Fields(3.0)).v == 12.0


def test_the_greatest_and_the_sum_of_arguments():
    two = [Ordered(1.0), Ordered(2.0)]
    assert grad(lambda us: max(us).v)(two) == [Ordered(0.0), Ordered(1.0)]
    assert grad(lambda us: sum(us[1:], us[0]).v)(two) == [Ordered(1.0), Ordered(1.0)]
    assert grad(lambda us: us.index(us[1]) * us[1].v)(two) == [Ordered(0.0), Ordered(1.0)]


def count(x):
    c = Twice(x)
    return [c, c].count(c) * x


def among(x):
    c = Bare(x)
    return x * x if c in [c] else x


def stale(d):
    first = d.square
    d.v = 5.0 * d.v
    return first + d.square


def telling(x):
    w = Counting(x)
    if w:
        return x * w.asked * x
    return x


def sets(x):
    a, b = {1, 2, 3}, {2, 3}
    return len(a & b) * x


REFUSED = [
    (lambda x: Described(x).v, "'Described.v' is a descriptor"),
    (lambda x: Sevens(x).v * x, "__getattribute__"),
    (lambda x: Lenient(x).q * x, "__getattr__"),
    (lambda x: getattr(Lenient(x), "q", 1.0) * x, "__getattr__"),
    (lambda x: float(str(x)) * x, "reads back a text"),
    (lambda x: float(f"{x}".strip()) * x, "reads back a text"),
    (lambda x: int(f"{x:.0f}") * x, "reads back a text"),
    (lambda x: np.float64(repr(x)) * x, "reads back a text"),
    (count, ".count()"),
    (among, "'in'"),
    (telling, "writes or prints"),
    (lambda x: np.sum(Twice(x)), "sum() is handed an object"),
    (lambda x: max(Twice(x), Twice(2 * x)).q, "max() is handed an object"),
    (lambda x: x if Bare(x) == Bare(x) else x * x, "no __eq__"),
    (lambda x: len(f"{Twice(x)}") * x, "made a text"),
    (lambda x: Everywhere(x).x, "__getitem__ of its own"),
    (lambda x: x * SEVEN, "__mul__ of its own"),
    (lambda x: len({1, 2, 3} & {2, 3}) * x, "sets"),
    (lambda x: x if {1, 2} == {2, 1} else x * x, "sets"),
    (sets, "sets"),
]


@pytest.mark.parametrize(("function", "why"), REFUSED, ids=range(len(REFUSED)))
def test_is_refused(function, why):
    with pytest.raises(UnsupportedSyntax) as caught:
        grad(function)(3.0)
    assert why in caught.value.message
    assert caught.value.location is not None
    assert caught.value.cure


def test_arguments_that_are_refused():
    with pytest.raises(UnsupportedSyntax, match="__getitem__ of its own"):
        grad(lambda p: p.x * p.x)(Everywhere(2.0))
    with pytest.raises(UnsupportedSyntax, match="__getitem__ of its own"):
        grad(lambda ps: ps[0].x * 2.0)([Everywhere(2.0)])
    with pytest.raises(UnsupportedSyntax, match="cached property"):
        grad(stale)(Fields(3.0))
    with pytest.raises(UnsupportedSyntax, match="NumPy calls for each entry"):
        grad(lambda x: np.sum(x * Twice(1.0)))(np.ones(2))
