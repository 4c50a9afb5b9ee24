"""Instances of named tuples and dataclasses, made inside of what is differentiated."""

import collections
from dataclasses import InitVar, dataclass, field
from typing import NamedTuple

import numpy as np
import pytest

from srcgrad import grad, jacobian, jvp, vjp, vmap
from srcgrad.errors import UnsupportedSyntax


@dataclass
class Model:
    q: float
    p: float = 1.0
    fixed: float = field(init=False, default=2.0)
    xs: list = field(default_factory=list)
    k: float = field(default=3.0, kw_only=True)


@dataclass
class Longer(Model):
    z: float = 1.0


@dataclass
class Own:
    q: float
    p: float

    def __init__(self, q, p):
        self.q = 2 * q
        self.p = p * p


@dataclass
class After:
    q: float

    def __post_init__(self):
        self.r = self.q**2
        self.q = self.q * 2


@dataclass(frozen=True)
class Frozen:
    q: float

    def __post_init__(self):
        object.__setattr__(self, "q", self.q * 2)


@dataclass(slots=True)
class Slots:
    q: float


class Pair(NamedTuple):
    a: float
    b: float = 4.0

    def product(self):
        return self.a * self.b


def all_given(x):
    m = Model(x, x * x, [x], k=x)
    m.xs.append(x**3)
    return m.q + m.p * m.fixed + sum(m.xs) + m.k


def defaults(x):
    m = Model(x)
    m.xs.append(x**3)
    return m.q + m.p * m.fixed + sum(m.xs) + m.k * x


def inherited(x):
    m = Longer(x, z=x)
    return m.q * m.z * m.fixed


def own_init(x):
    m = Own(x, x)
    return m.q + m.p


def post_init(x):
    m = After(x)
    return m.q * m.r


def frozen(x):
    return Frozen(x).q ** 2


def slots(x):
    return Slots(x).q ** 2


def named_tuple(x):
    return Pair(x).product() + Pair(x, x).product()


def by_setattr(x):
    m = Slots(x)
    setattr(m, "q", m.q * x)  # noqa: B010
    return m.q * 3


PROGRAMS = [
    all_given, defaults, inherited, own_init, post_init, frozen, slots, named_tuple, by_setattr
]  # fmt: skip


@pytest.mark.parametrize("function", PROGRAMS)
def test_is_right(function):
    x, h = 3.0, 1e-6
    expected = (function(x + h) - function(x - h)) / (2 * h)
    assert np.isclose(grad(function)(x), expected, rtol=1e-7)


def test_a_class_defined_in_a_function():
    @dataclass
    class State:
        q: np.ndarray
        p: np.ndarray

    def step(s):
        p = s.p - 0.1 * np.sin(s.q)
        return State(s.q + 0.1 * p, p)

    s = State(np.ones(2), np.ones(2))
    _, pull = vjp(step, s)
    assert np.allclose(pull(s)[0].p, 1.1)
    assert np.allclose(jvp(step, (s,), (s,))[1].p, 1 - 0.1 * np.cos(1))
    assert np.allclose(jacobian(step)(s).p.q, -0.1 * np.cos(1) * np.eye(2))
    many = State(np.ones((3, 2)), np.ones((3, 2)))
    assert np.allclose(vmap(step)(many).q, step(many).q)


@dataclass
class Needs:
    q: float
    scale: InitVar[float]

    def __post_init__(self, scale):
        self.q = self.q * scale


class Doubled(collections.namedtuple("Doubled", "a b")):
    def __new__(cls, a):
        return super().__new__(cls, a, 2 * a)


def test_what_makes_more_than_its_fields_is_refused():
    with pytest.raises(UnsupportedSyntax, match="making an instance of 'Needs'"):
        grad(lambda x: Needs(x, x).q)(3.0)
    with pytest.raises(UnsupportedSyntax, match="'Doubled', a named tuple with a __new__"):
        grad(lambda x: Doubled(x).b)(3.0)
    with pytest.raises(UnsupportedSyntax, match="missing a required argument: 'q'"):
        grad(lambda x: Model(p=x).p)(3.0)
    with pytest.raises(UnsupportedSyntax, match="which is frozen"):
        grad(write_frozen)(3.0)


def write_frozen(x):
    m = Frozen(x)
    m.q = x
    return m.q
