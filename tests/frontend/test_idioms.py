"""What programs use besides arrays and lists: deques, np.c_, np.ndenumerate, layers that remember."""

import collections
import copy
import heapq

import numpy as np
import pytest
from frontend.programs import Programs

from srcgrad import grad
from srcgrad.errors import SrcgradError, UnsupportedSyntax

PROGRAMS = Programs()
program, refusal = PROGRAMS.program, PROGRAMS.refusal

V = np.array([0.3, 0.7, 1.1, -0.4])
W = np.array([1.2, -0.5, 0.9, 0.6])
M = np.array([[0.5, 1.2, -0.3], [0.8, -0.7, 0.4], [1.5, 0.2, 0.9], [0.1, 0.6, -1.1]])


# --- of the collections module ----------------------------------------------------------------------


@program(V, W)
def deque_at_both_ends(a, w):
    queue = collections.deque([a[0], w[1]])
    queue.append(a[2] * w[2])
    queue.appendleft(w[3])
    first, last = queue.popleft(), queue.pop()
    return first * last + len(queue) * queue[0] * queue[-1]


@program(V, W)
def deque_as_a_window(a, w):
    window = collections.deque()
    total = 0.0
    for k in range(4):
        window.append(a[k] ** 2)
        if len(window) > 2:
            total = total + window.popleft() * w[k]
    return total * sum(window)


@program(V, 9)
def deque_of_a_length_that_a_run_knows(a, steps):
    window = collections.deque()
    total = 0.0
    for k in range(steps):
        window.append(a * k)
        if len(window) > 3:
            total = total + window.popleft() * a[0]
    return total + window[0]


@refusal(
    V,
    error=UnsupportedSyntax,
    message="collections.deque is supported with one argument at most",
    line="window = collections.deque(maxlen=2)",
    cure="leave maxlen out, and write 'if len(xs) > n: xs.popleft()'",
)
def deque_of_a_greatest_length(a):
    window = collections.deque(maxlen=2)
    window.append(a[0])
    return window[0]


@program(V, W)
def ordered_dict(a, w):
    d = collections.OrderedDict(x=a, y=w)
    d["x"] = d["y"] * d["x"]
    return sum(d.values())


@refusal(
    V,
    error=UnsupportedSyntax,
    message="collections.defaultdict is not supported",
    line="d = collections.defaultdict(float)",
    cure="d[k] = d.get(k, 0.0) + x",
)
def default_dict(a):
    d = collections.defaultdict(float)
    for k, key in enumerate("abca"):
        d[key] += a[k]
    return d["a"] * d["b"]


@program(V)
def dict_with_what_a_new_key_begins_with(a):
    d = {}
    for k, key in enumerate("abca"):
        d[key] = d.get(key, 0.0) + a[k]
    return d["a"] * d["b"]


@program(V, 9)
def set_of_what_was_seen(a, steps):
    seen = set()
    total = 0.0
    for k in range(steps):
        place = k * k % 4
        if place not in seen:
            seen.add(place)
            total = total + np.sin(total) * a[place] + a[place] ** 2
        else:
            total = total * 1.5
    return total


@refusal(
    V,
    error=UnsupportedSyntax,
    message="'.add()' writes into an object of type set, which is not supported",
    line="terms.add(2.0 * a[0])",
    cure="use a list",
)
def set_of_what_is_differentiated(a):
    terms = set()
    terms.add(2.0 * a[0])
    return sum(terms)


@program(V)
def list_kept_in_order(a):
    entries = []
    for x in a:
        entries = sorted([*entries, x])  # the cure of heapq
    return entries[0] * entries[-1]


@refusal(
    V,
    error=UnsupportedSyntax,
    message="heapq.heapify writes into its argument",
    line="heapq.heapify(entries)",
    cure="keep a list in order",
)
def heap_of_entries(a):
    entries = [a[0], a[1]]
    heapq.heapify(entries)
    return entries[0]


@refusal(
    V,
    error=UnsupportedSyntax,
    message="'next()' is not supported: how far an iterator has got is not followed",
    line="return a[next(large)]",
    cure="make a list of it, and take its entries by their places",
)
def next_of_a_generator(a):
    large = (k for k in range(4) if a[k] > 0.5)
    return a[next(large)]


# --- of NumPy ---------------------------------------------------------------------------------------


@program(V, M)
def columns_side_by_side(a, m):
    return np.c_[a, np.ones(4)] @ a[:2], np.c_[m, a]


@program(V, M)
def rows_after_one_another(a, m):
    return np.r_[a, 1.0, a[0], [2.0, 3.0]], np.r_[a, a], np.r_[m, 2 * m]


@program(V)
def places_that_are_constant(a):
    return a[np.r_[0:2, 3]]


@refusal(
    V,
    error=UnsupportedSyntax,
    message="np.r_[...] of something that is not known to be a number, a vector or a matrix",
    line="return np.r_[0:2, a]",
    cure="write np.concatenate([...]), with [x] for a number x",
)
def slice_among_rows(a):
    return np.r_[0:2, a]


@refusal(
    V,
    error=UnsupportedSyntax,
    message="np.c_[...] of something that is not known",
    line="return np.c_[np.ones((2, 2, 4)) * a, np.ones((2, 2, 1))]",
    cure="write np.column_stack([...])",
)
def columns_of_a_cube(a):
    return np.c_[np.ones((2, 2, 4)) * a, np.ones((2, 2, 1))]


@program(M, V)
def places_and_entries(m, v):
    total = 0.0
    for (i, j), x in np.ndenumerate(m):
        total = total + x**2 * v[i] * (j + 1)
    return total


@program(M, V)
def entries_that_are_written_while_they_are_walked_over(m, v):
    for (i, j), x in np.ndenumerate(m):
        m[i, j] = x * v[i]
        m[3, 2] += x
    return m


@program(V, W, M)
def functions_of_all_pairs(a, w, m):
    d = np.subtract.outer(a, w)
    return np.exp(-(d**2)), np.multiply.outer(m, a), np.add.outer(a, 2.0)


@program(V)
def diagonal_of_all_pairs(a):
    d = np.exp(-(np.subtract.outer(a, a) ** 2))
    np.fill_diagonal(d, 0.0)
    return d


# --- layers that remember ---------------------------------------------------------------------------


class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y


class Dense:
    def __init__(self, w):
        self.w = w

    def forward(self, x):
        self.x = x
        return self.w @ x


class Network:
    gain = 1.5

    def __init__(self):
        self.layers = [Dense(np.outer(V, W)), Tanh(), Dense(np.diag(W)), Tanh()]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def loss(self, x):
        if isinstance(self.layers, list):
            x = self.gain * x
        out = self.forward(x)
        return np.sum(out**2) + self.layers[1].y @ self.layers[2].x * len(self.layers)

    def grow(self, x):
        self.layers.append(Tanh())
        return np.sum(self.forward(x))


network = Network()


@program(V, W)
def layers_made_here(x, w):
    layers = [Tanh(), Dense(np.outer(w, w)), Tanh()]
    for layer in layers:
        x = layer.forward(x)
    return x * layers[0].y, layers[1].x


@refusal(
    V,
    error=UnsupportedSyntax,
    message="'network.layers.0' is written to, which is outside of this function",
    line="self.x = x",
    cure="differentiate a method of 'network', make it in this function",
)
def network_of_the_module(x):
    return network.forward(x)


@refusal(
    V,
    error=UnsupportedSyntax,
    message="a loop makes a list of objects, which is too long to be read entry by entry",
    line="layers = [Dense(x * k) for k in range(200)]",
    cure="use an array for each attribute",
)
def more_objects_than_are_read_one_by_one(x):
    layers = [Dense(x * k) for k in range(200)]
    return layers[100].w


def slopes(function, x):
    return [(function(x + e) - function(x - e)) / 2e-6 for e in 1e-6 * np.eye(x.size)]


def test_network_whose_method_is_differentiated():
    own = Network()
    gradient = grad(own.loss)
    before = copy.deepcopy([vars(layer) for layer in own.layers])
    first = gradient(V)
    assert [vars(layer).keys() for layer in own.layers] == [v.keys() for v in before]
    assert np.allclose(first, slopes(own.loss, V), atol=1e-6)
    own.layers[0].w = 2.0 * own.layers[0].w
    second = gradient(V)
    assert not np.allclose(first, second)
    assert np.allclose(second, slopes(own.loss, V), atol=1e-6)
    own.layers.insert(0, Tanh())
    own.layers[1], own.layers[2] = Tanh(), Dense(np.diag(V))
    assert np.allclose(gradient(V), slopes(own.loss, V), atol=1e-6)


def test_list_of_layers_outside_is_left_alone():
    with pytest.raises(SrcgradError, match=r"'self\.layers' is written to, which is outside"):
        grad(Network().grow)(V)


@program(-1.289, V)
def a_list_of_either_branch_written_in_a_loop(total, y):
    if abs(total) < 1:
        p = [total * 2, 1.0]
    else:
        p = [total, 2.0]
    for z in y:
        p[0] += z * p[1]
    return p[0] * p[1]


@program(-1.289, V)
def a_list_of_one_branch_written_in_a_loop(total, y):
    if abs(total) >= 1:
        p = [total, [3.0, total]]
    for z in y:
        p[0] += z
        p[1][1] *= z
    return p[0] * p[1][1]


@program(0.3, or_refused=True)
def a_broadcast_bound_again_in_a_loop_that_writes(x):
    r = np.full(2, x)
    s = np.broadcast_to(r, (3, 2))
    for _ in range(2):
        r[0] -= 0.2
        s = s
    return np.sum(s)


test_reads, test_refuses = PROGRAMS.tests()
