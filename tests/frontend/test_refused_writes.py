"""Writes that are refused: at which line, with what message and what cure."""

import bisect
import collections
import dataclasses
import heapq

import numpy as np
import pytest
from frontend.programs import Programs

from srcgrad import grad
from srcgrad.errors import MissingRule, UnsupportedSyntax

PROGRAMS = Programs()
refusal = PROGRAMS.refusal

V = np.array([0.3, 0.7, 1.1, -0.4])
W = np.array([1.2, -0.5, 0.9, 0.6])

queue = collections.deque([0.0])
random = np.random.default_rng(0)
table = np.zeros(4)


class Settings:
    scale = 2.0


settings = Settings()


@refusal(
    V,
    W,
    error=UnsupportedSyntax,
    message="np.put_along_axis is supported for arrays of known rank, along one axis",
    line="np.put_along_axis(z, np.array([0]), w[:1], None)",
    cure="write 'a[rows, indices] = values'",
)
def put_along_no_axis(z, w):
    np.put_along_axis(z, np.array([0]), w[:1], None)
    return z


@refusal(
    V,
    W,
    error=UnsupportedSyntax,
    message="np.multiply.at is not supported; np.add.at and np.subtract.at are",
    line="np.multiply.at(z, [0, 0], w[0])",
    cure="write the loop: 'for k, v in zip(indices, values): a[k] *= v'",
)
def multiply_at(z, w):
    np.multiply.at(z, [0, 0], w[0])
    return z


@refusal(
    V,
    W,
    error=UnsupportedSyntax,
    message="np.place and np.putmask with several values are not supported",
    line="np.place(z, z > 0, w)",
    cure="write 'a[mask] = values', with one value for each place",
)
def place_of_several(z, w):
    np.place(z, z > 0, w)
    return z


@refusal(
    V,
    W,
    error=MissingRule,
    message="np.sum with the argument 'where'",
    line="np.sum(z, out=total, where=w > 0)",
    cure="use only a, axis, dtype, keepdims",
)
def sum_of_some(z, w):
    total = np.zeros(())
    np.sum(z, out=total, where=w > 0)
    return total


@refusal(
    V,
    error=UnsupportedSyntax,
    message="np.put with mode='wrap' is not supported",
    line='np.put(z, 7, 1.0, mode="wrap")',
    cure="leave mode out",
)
def put_around(z):
    np.put(z, 7, 1.0, mode="wrap")
    return z


@refusal(
    V,
    error=UnsupportedSyntax,
    message="shuffle writes into its argument, which is not supported",
    line="np.random.shuffle(z)",
    cure="shuffle a copy in the caller, and pass that in",
)
def shuffle(z):
    np.random.shuffle(z)
    return z


@refusal(
    V,
    error=UnsupportedSyntax,
    message="np.Generator.shuffle writes into its argument, which is not supported",
    line="random.shuffle(z)",
    cure="shuffle a copy in the caller, and pass that in",
)
def shuffle_of_a_generator(z):
    random.shuffle(z)
    return z


@refusal(
    V,
    error=UnsupportedSyntax,
    message="heappush writes into its argument, which is not supported",
    line="heapq.heappush(entries, z[0])",
    cure="keep a list in order: 'xs = sorted([*xs, x])', whose least entry is xs[0]",
)
def heap(z):
    entries = [z[1]]
    heapq.heappush(entries, z[0])
    return entries[0]


@refusal(
    V,
    error=UnsupportedSyntax,
    message="insort",
    line="bisect.insort(entries, z[0])",
    cure="keep a list in order: 'xs = sorted([*xs, x])'",
)
def sorted_insertion(z):
    entries = [z[1]]
    bisect.insort(entries, z[0])
    return entries[0]


@refusal(
    V,
    error=UnsupportedSyntax,
    message="'.append()' writes into an object of type deque, which is not supported",
    line="queue.append(z[0])",
    cure="",
)
def deque(z):
    queue.append(z[0])
    return queue[0] * z


@refusal(
    V,
    error=UnsupportedSyntax,
    message="'.remove()' writes into the list, which is not supported",
    line="xs.remove(2.0)",
    cure="use 'del xs[k]', or a comprehension with the entries that stay",
)
def remove(z):
    xs = [z[0], 2.0]
    xs.remove(2.0)
    return xs[0]


@refusal(
    V,
    error=UnsupportedSyntax,
    message="'.partition()' writes into the array, which is not supported",
    line="z.partition(2)",
    cure="use a sorted copy",
)
def partition(z):
    z.partition(2)
    return z


@refusal(
    V,
    error=UnsupportedSyntax,
    message="'.resize()' writes into the array, which is not supported",
    line="z.resize((2, 2))",
    cure="use np.resize, or a new array",
)
def resize(z):
    z.resize((2, 2))
    return z


@refusal(
    V,
    error=UnsupportedSyntax,
    message="'table' is written to",
    line="table[0] = z[0]",
    cure="argument",
)
def array_of_the_module(z):
    table[0] = z[0]
    return table * z


@refusal(
    V,
    error=UnsupportedSyntax,
    message="'settings' is written to, which is outside of this function: a gradient leaves it alone",
    line="settings.scale = z[0]",
    cure="pass it as an argument",
)
def object_of_the_module(z):
    settings.scale = z[0]
    return settings.scale * z


@refusal(
    V,
    error=UnsupportedSyntax,
    message="assignment destination is read-only",
    line="d[0] = 2.0",
    cure="take a copy, or write into the array itself",
)
def diagonal(z):
    m = np.outer(z, z)
    d = np.diagonal(m)
    d[0] = 2.0
    return m


@refusal(
    V,
    error=UnsupportedSyntax,
    message="assignment destination is read-only",
    line="b[0] = 2.0",
    cure="take a copy, or write into the array itself",
)
def broadcast(z):
    b = np.broadcast_to(z, (3, 4))
    b[0] = 2.0
    return b


@refusal(
    V,
    error=UnsupportedSyntax,
    message="Cannot cast from a float number to an entry of an array of int64",
    line="counts[0] = z[0]",
    cure="make the array of floats, for instance np.zeros(n) or x.astype(float)",
)
def float_into_integers(z):
    counts = np.arange(4)
    counts[0] = z[0]
    return counts * z


@refusal(
    V,
    error=UnsupportedSyntax,
    message="Cannot cast from a float number to an entry of an array of int64",
    line="counts += z",
    cure="make the array of floats",
)
def floats_added_to_integers(z):
    counts = np.zeros(4, dtype=int)
    counts += z
    return counts * z


@refusal(
    V + 1j * W,
    error=UnsupportedSyntax,
    message="Cannot cast from a complex number to an entry of an array of float64",
    line="x[:] = z",
    cure="make the array of",
)
def complex_into_floats(z):
    x = np.zeros(4)
    x[:] = z
    return x


@dataclasses.dataclass(frozen=True)
class Frozen:
    x: float


class Meddling:
    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)

    def write(self, z):
        self.x = z
        return self.x


class Limited:
    def __init__(self, x):
        self.x = x

    @property
    def double(self):
        return 2 * self.x

    def write(self, z):
        self.double = z
        return self.x


meddling, limited = Meddling(), Limited(2.0)


@refusal(
    V,
    error=UnsupportedSyntax,
    message="cannot assign to field 'x' of 'Frozen', which is frozen",
    line="s.x = 2.0",
    cure="",
)
def frozen_dataclass(z):
    s = Frozen(z[0])
    s.x = 2.0
    return s.x * z


@refusal(
    (1.0, 2.0),
    error=UnsupportedSyntax,
    message="does not support item assignment",
    line="xs[0] = 2.0",
    cure="",
)
def tuple_entry(xs):
    xs[0] = 2.0
    return xs[0]


@refusal(
    2.0,
    error=UnsupportedSyntax,
    message="does not support item assignment",
    line="x[0] = 2.0",
    cure="use a list, a dict or an array",
)
def entry_of_a_number(x):
    x[0] = 2.0
    return x


@refusal(
    V,
    error=UnsupportedSyntax,
    message="IndexError: list assignment index out of range",
    line="xs[1] = 2.0",
    cure="",
)
def entry_that_is_not_there(z):
    xs = [z[0]]
    xs[1] = 2.0
    return xs


@refusal(
    V,
    error=UnsupportedSyntax,
    message="KeyError: 'y'",
    line='d.pop("y")',
    cure="",
)
def key_that_is_not_there(z):
    d = {"x": z}
    d.pop("y")
    return d["x"]


@refusal(
    V,
    error=UnsupportedSyntax,
    message="'.a' of an array is written to, which is not supported",
    line="z.a = 1.0",
    cure="use a dataclass, or keep the value in a local name and return it",
)
def attribute_of_an_array(z):
    z.a = 1.0
    return z


@refusal(
    V,
    error=UnsupportedSyntax,
    message="'b' is read here, but no path that leads here has bound it",
    line="return b * z  # noqa: F821",
    cure="give 'b' a value on every path",
)
def name_that_was_deleted(z):
    b = z
    del b
    return b * z  # noqa: F821


@refusal(
    V,
    error=UnsupportedSyntax,
    message="'del' of an attribute is not supported",
    line="del s.x",
    cure="leave it alone",
)
def attribute_is_deleted(z):
    s = Settings()
    del s.x
    return z


def halve(x, n):
    if n > 0:
        x[0] *= 0.5
        halve(x, n - 1)
    return x


@refusal(
    V,
    2,
    error=UnsupportedSyntax,
    message="halve",
    line="x[0] *= 0.5",
    cure="",
)
def recursive_writer(z, n):
    halve(z, n)
    return z


@refusal(
    V,
    error=UnsupportedSyntax,
    message="",
    line="return sum(squares) * sum(squares)",
    cure="",
)
def generator_read_twice(z):
    squares = (x * x for x in z)
    return sum(squares) * sum(squares)


@refusal(
    V,
    error=UnsupportedSyntax,
    message="",
    line="return sum(pairs) + sum(pairs)",
    cure="",
)
def iterator_read_twice(z):
    pairs = map(np.sin, z)
    return sum(pairs) + sum(pairs)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (meddling.write, "'Meddling' defines __setattr__, which is not read"),
        (limited.write, "property 'double' of 'Limited' object has no setter"),
    ],
)
def test_attributes_that_a_class_guards(function, message):
    with pytest.raises(UnsupportedSyntax) as caught:
        grad(function)(2.0)
    assert caught.value.message == message
    assert caught.value.location.text.strip().startswith("self.")


_, test_refuses = PROGRAMS.tests()
