"""Arrays in lists, dicts, tuples and attributes, and in names beside: written to here, read there."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pytest
from frontend.programs import Programs

from srcgrad import vjp
from srcgrad.errors import UnknownAlias

PROGRAMS = Programs()
program, refusal = PROGRAMS.program, PROGRAMS.refusal

V = np.array([0.3, 0.7, 1.1, -0.4])
W = np.array([1.2, -0.5, 0.9, 0.6])
M = np.array([[0.5, 1.2, -0.3], [0.8, -0.7, 0.4], [1.5, 0.2, 0.9]])


# --- lists ----------------------------------------------------------------------------------------


@program(V, W)
def array_in_a_list_and_a_name(a, w):
    xs = [a, w]
    xs[0][1] = w[0] ** 2
    a[0] *= xs[1][2]
    return xs[0] * 2, a, w


@program(V, W)
def same_array_twice_in_a_list(a, w):
    xs = [a, a]
    xs[0][0] = w[0] ** 2
    xs[1][1] *= xs[0][0]
    xs[0] = w
    xs[0][3] = 2 * xs[1][0]
    return xs[0], xs[1], a, w


@program(V, W)
def list_has_two_names(a, w):
    xs = [a, w]
    ys = xs
    ys[0] = a * w
    xs[0][1] = 5 * a[1]
    ys.append(a)
    xs[2][0] = w[2]
    return a, ys[0], len(xs) * xs[2]


@program(V, W)
def list_is_copied(a, w):
    xs = [a, w]
    ys, zs, us = xs[:], list(xs), xs.copy()
    ys[0] = a * 2
    zs[0][1] = w[0] ** 2
    us.append(w)
    xs[1] = us[2] * 3
    return xs[0], xs[1], ys[0], zs[1], us[0]


@program(V, W)
def list_in_a_list(a, w):
    inner = [a]
    outer = [inner, inner]
    outer[0][0][2] = w[0] ** 2
    outer[1].append(w)
    inner[1][0] = 4 * a[0]
    return outer[0][1] * outer[1][0], a, w


@program(V, W)
def list_displays_spread(a, w):
    xs = [a, w]
    ys = [*xs, a]
    ys[2][0] = w[0] ** 2
    ys[0] = w
    return xs[0], ys[0], ys[2]


@program(V, W)
def lists_joined(a, w):
    xs = [a] + [w]
    ys = xs * 2
    ys[2][1] = w[0] ** 2
    ys[0][2] *= a[1]
    return a, xs[0], ys[3]


@program(V, W)
def list_methods(a, w):
    xs = [a]
    xs.append(w)
    xs.extend([a * 2, w * 2])
    xs.insert(0, a * w)
    last = xs.pop()
    first = xs.pop(0)
    xs.reverse()
    last[0] = first[1] ** 2
    xs[0][1] = last[0] * w[3]
    del xs[1]
    xs += [first]
    return xs[0], xs[1], xs[2], a, w


@program(V, W)
def list_slices(a, w):
    xs = [a[0], a[1], a[2], a[3]]
    xs[1:3] = [w[0] * xs[1], w[1]]
    xs[::2] = [xs[3], xs[1]]
    del xs[1:2]
    xs[1:1] = [w[3] ** 2]
    return xs


@program(V)
def list_is_cleared_and_filled(a):
    xs = [a[0]]
    ys = xs
    xs.clear()
    xs.append(a[1] ** 2)
    return ys[0] * a


@program(V)
def list_is_sorted(a):
    xs = [a[0] ** 2, a[3], a[2]]
    xs.sort()
    xs[0] *= 3
    return xs[0] * xs[1] + xs[2]


@program(V, W)
def tuple_holds_arrays(a, w):
    pair = (a, w)
    pair[0][1] = w[0] ** 2
    x, y = pair
    y *= x[1]
    return pair[0] * pair[1], a


@program(V, W)
def list_filled_in_a_loop_and_read(a, w):
    xs = []
    for k in range(4):
        xs.append(a[k] * w[k])
    xs[2] = xs[0] ** 2
    return xs[2] * xs[3], sum(xs)


@program(V, W)
def list_filled_with_arrays(a, w):
    xs = []
    x = a
    for k in range(3):
        x = x * w
        xs.append(x)
    return xs[0] * xs[1], xs[2]


@program(V, W)
def history_of_copies(u, w):
    states = [u.copy()]
    for _ in range(3):
        u[1:] += w[1:] * u[:-1]
        states.append(u.copy())
    return states[0] * states[1] + states[3], u


@program(V, W, or_refused=True)
def history_without_copies_is_one_array(u, w):
    states = []
    for k in range(3):
        u[k] += w[k] * u[k - 1]
        states = states + [u]  # noqa: RUF005
    return u, states[0]


@refusal(
    V,
    W,
    3,
    error=UnknownAlias,
    message="'states' may or may not share memory with 'u', which has been written to",
    line="states = states + [u]  # noqa: RUF005",
    cure="take a copy before anything is written",
)
def history_of_unknown_length_without_copies(u, w, steps):
    states = []
    for k in range(steps):
        u[k] += w[k] * u[k - 1]
        states = states + [u]  # noqa: RUF005
    return u


@program(V, W)
def list_of_numbers_written_in_a_loop(a, w):
    xs = [0.0] * 4
    for k in range(4):
        xs[k] = a[k] * w[k] + xs[k - 1]
    return xs[0] * xs[3], np.array(xs)


@program(V, W, 4)
def list_of_unknown_length(a, w, n):
    xs = [0.0] * n
    for k in range(1, n):
        xs[k] = a[k] * w[k] + xs[k - 1] ** 2
    xs[0] = xs[-1] * 2
    return np.array(xs)


@program(V, W)
def fresh_arrays_in_a_list(a, w):
    xs = [np.zeros(4) for _ in range(3)]
    xs[0][1] = a[1] ** 2
    xs[2] += w
    for k in range(3):
        xs[k][0] = w[k]
        xs[k] *= a
    return xs[0], xs[1], xs[2]


@program(V, W)
def same_array_repeated(a, w):
    xs = [a] * 3
    xs[0][1] = w[2] ** 2
    return xs[1], a


@refusal(
    V,
    W,
    error=UnknownAlias,
    message="two entries of 'xs' may be one memory, and one of them is written to",
    line="xs[0][1] = a[2] ** 2",
    cure="let each entry have memory of its own, for instance by x.copy()",
)
def same_array_in_each_entry(a, w):
    xs = [a for _ in w]
    xs[0][1] = a[2] ** 2
    return xs[1]


@refusal(
    V,
    W,
    3,
    error=UnknownAlias,
    message="two entries of 'xs' may be one memory, and one of them is written to",
    line="xs[0][1] = a[2] ** 2",
    cure="let each entry have memory of its own, for instance by x.copy()",
)
def same_array_repeated_as_often_as_a_run_says(a, w, n):
    xs = [a] * n
    xs[0][1] = a[2] ** 2
    return xs[1] * w


@program(V, W)
def table_of_dynamic_programming(a, w):
    n = 4
    table = [[0.0] * n for _ in range(n)]
    for i in range(1, n):
        for j in range(1, n):
            table[i][j] = np.logaddexp(table[i - 1][j] + a[i], table[i][j - 1] * w[j])
    return table[n - 1][n - 1], table[1][2]


@program(V, W)
def table_of_dynamic_programming_with_rows_by_name(a, w):
    table = [[0.0] * 4 for _ in range(4)]
    for i in range(1, 4):
        row, above = table[i], table[i - 1]
        for j in range(1, 4):
            row[j] = above[j - 1] * a[i] + row[j - 1] + w[j]
    return table[3][3], table[2][1]


@program(V, W)
def triangular_table(a, w):
    rows = [[a[0]]]
    for i in range(1, 4):
        rows.append([w[i] * x for x in rows[-1]] + [w[i]])
    return rows[3][2] * rows[0][0], rows[1][1]


@program(V, W)
def list_of_arrays_written_in_a_loop(a, w):
    xs = [a * 1.0, w * 1.0, a * w]
    for k in range(1, 3):
        xs[k][0] += xs[k - 1][1] ** 2
        xs[k] *= 0.5
    for x in xs:
        x[1] = 3 * x[0]
    return xs[0], xs[1], xs[2]


@program([V, W])
def argument_list_is_written(xs):
    xs[0][1] = xs[1][0] ** 2
    xs[1] = xs[0] * 2
    xs.append(xs[0] * xs[1])
    return xs[0], xs[1], xs[2]


@program([V, W])
def argument_list_of_arrays_in_a_loop(xs):
    for x in xs:
        x *= 2
        x[0] = x[1] ** 2
    return xs[0] * xs[1]


@program([V, W, V * W], V)
def argument_list_read_with_an_unknown_index(xs, v):
    total = np.zeros(4)
    for k in range(3):
        xs[k] += v[k]
        total = total + xs[k] ** 2
    return total, xs[1]


@program(V, W)
def swap_in_a_list(a, w):
    xs = [a, w, a * w]
    xs[0], xs[2] = xs[2], xs[0]
    xs[0][1] = 2.0 * w[0]
    xs[2][1] = 3.0 * w[1]
    return xs[0], xs[1], xs[2], a


@program(V, W, 4)
def buffers_in_a_list_swap(a, w, n):
    buffers = [a.copy(), np.zeros(4)]
    for _ in range(n):
        buffers[1][1:] = buffers[0][:-1] * w[1:] + buffers[1][1:]
        buffers[0], buffers[1] = buffers[1], buffers[0]
    return buffers[0], buffers[1]


@program(V, W, 5)
def buffers_by_parity(a, w, n):
    buffers = [a * 1.0, np.zeros(4)]
    for k in range(n):
        buffers[(k + 1) % 2][:] = buffers[k % 2] * w
    return buffers[0], buffers[1]


@program(V, W)
def list_handed_to_a_function(a, w):
    def fill(xs, x):
        xs.append(x)
        xs[0][0] = x[1] ** 2

    ys = [a]
    fill(ys, w)
    fill(ys, a)
    return ys[2], ys[1], a


@program(V, W)
def enumerate_while_writing(a, w):
    xs = [a[0], a[1], a[2]]
    for k, x in enumerate(xs):
        xs[k] = x * w[k] + xs[k - 1]
    return xs[0] * xs[1] * xs[2]


@program(V, W)
def stack_with_push_and_pop(a, w):
    stack = [a[0]]
    for k in range(1, 4):
        stack.append(a[k] * stack[-1] + w[k])
    top = stack.pop()
    return top * stack.pop()


# --- dicts ----------------------------------------------------------------------------------------


@program(V, W)
def array_in_a_dict_and_a_name(a, w):
    d = {"a": a, "w": w}
    d["a"][1] = w[0] ** 2
    a[0] *= d["w"][2]
    d["b"] = d["a"]
    d["b"][2] = 7 * w[1]
    return d["a"] * 2, a, d["b"]


@program(V, W)
def dict_methods(a, w):
    d = {"x": a}
    d.setdefault("y", w)[0] = a[1] ** 2
    d.setdefault("x", w)[1] = 2 * a[0]
    d.update(z=a * w, x=w)
    e = d.copy()
    e["z"][3] = d.get("x")[2]
    y = d.pop("y")
    d.pop("none", None)
    del d["x"]
    y *= len(d)
    d |= {"u": y}
    key, last = e.popitem()
    last[0] = 3.0
    return a, w, e["x"], d["z"], d["u"]


@program(V, W)
def dict_of_arrays_in_a_loop(a, w):
    d = {"x": a.copy(), "y": w.copy()}
    for k in range(3):
        d["x"][k] += d["y"][k] * a[k + 1]
        d["y"] = d["y"] * 2
        d["y"][0] = d["x"][1]
    return d["x"], d["y"]


@program(V, W)
def dict_is_walked_and_written(a, w):
    d = {"x": a * 1.0, "y": w * 1.0}
    for key in d:
        d[key][0] = d[key][1] ** 2
        d[key] *= 3
    for key, value in d.items():
        value[1] += len(key)
    for value in d.values():
        value += a
    return d["x"], d["y"]


@program({"w": V, "b": 0.5}, W)
def parameters_in_a_dict(p, x):
    p["w"] *= x
    p["b"] += p["w"][0]
    p["w"][1:] += p["b"]
    return p["w"] * p["b"]


@program({"layers": [{"w": M, "b": V[:3]}, {"w": M.T, "b": W[:3]}]}, V)
def nested_parameters(p, v):
    x = v[:3]
    for layer in p["layers"]:
        layer["w"][0] *= 2
        layer["b"] += x
        x = np.tanh(layer["w"] @ x + layer["b"])
    return x, p["layers"][0]["b"]


@program(V, W)
def dict_with_computed_known_keys(a, w):
    d = {}
    for k in (0, 1, 2):
        d[k, "x"] = a[k] * w[k]
    d[0, "x"] = d[1, "x"] ** 2
    return d[0, "x"], d[2, "x"]


@program(V, W)
def dict_of_lists(a, w):
    d = {"x": [], "y": [w[0]]}
    d["x"].append(a[0] * 2)
    d["y"].append(d["x"][0] ** 2)
    d["y"][0] *= 3
    return d["y"][0] * d["y"][1] * a


# --- attributes -----------------------------------------------------------------------------------


@dataclasses.dataclass
class State:
    u: Any
    v: Any
    n: Any = 0.0

    def step(self, w):
        self.u[1:] += w[1:] * self.v[:-1]
        self.v = self.v * self.u
        self.n += self.v[0]

    def swap(self):
        self.u, self.v = self.v, self.u


class Pair(NamedTuple):
    x: Any
    y: Any


class Counter:
    def __init__(self, start):
        self.values = start
        self.total = 0.0

    def add(self, x):
        self.values[0] += x
        self.total += self.values[0] * x


@program(V, W)
def array_in_an_attribute_and_a_name(a, w):
    s = State(a, w)
    s.u[1] = w[0] ** 2
    a[0] *= s.v[2]
    s.v = s.u
    s.v[3] = 5 * w[1]
    return a, s.u, w, s.v


@program(V, W)
def object_has_two_names(a, w):
    s = State(a, w)
    t = s
    t.u = a * w
    s.u[0] = 3 * a[1]
    t.n += s.u[0]
    return s.n * a, t.u


@program(State(V, W), V)
def object_as_an_argument(s, w):
    s.step(w)
    s.swap()
    s.step(w)
    return s.u, s.v, s.n


@program(State(V, W), V, 3)
def object_in_a_loop(s, w, n):
    for _ in range(n):
        s.step(w)
        s.swap()
    return s.u * s.n, s.v


@program(State(V, State(W, V[:2])), V)
def object_in_an_object(s, w):
    s.v.u[0] = s.u[1] * w[0]
    inner = s.v
    inner.v *= w[:2]
    inner.n += 2.0 * w[1]
    s.v.v[1] = inner.n
    return s.v.u * s.v.n, inner.v


@program(V, W)
def named_tuple_of_arrays(a, w):
    p = Pair(a, w)
    p.x[0] = w[1] ** 2
    q = p._replace(y=a)
    q.y[1] = 3 * w[0]
    return p.x, q.y, q.x


@program(V, W)
def list_of_objects(a, w):
    states = [State(a, w), State(w * 2, a * 2)]
    for s in states:
        s.step(w)
    states[0].u[0] = states[1].n
    return states[0].u, states[1].v, a


@program([State(V, W), State(W, V)], V)
def argument_list_of_objects(states, w):
    for k in range(2):
        states[k].u[0] = w[k] ** 2
        states[k].n += 2 * w[k + 1]
    return states[0].u * states[1].n, states[1].u


@program(V, W)
def dataclass_with_state_that_methods_change(a, w):
    s = State(a.copy(), w.copy())
    for _ in range(3):
        s.step(w)
    return s.u, s.v, s.n


# --- what messages call things ------------------------------------------------------------------------


@refusal(
    V,
    W,
    error=UnknownAlias,
    message="'d['x']' may or may not share memory with 'w', which has been written to",
    line='return d["x"] * 2',
    cure="d['x'] = d['x'].copy()",
)
def entry_of_a_dict_is_called_as_it_is_written(a, w):
    d = {"x": a, "y": w}
    if w[0] > 0:
        d["x"] = d["y"]
    d["y"][0] = 5.0
    return d["x"] * 2


@refusal(
    V,
    4,
    error=UnknownAlias,
    message="'states' may or may not share memory with 'u', which has been written to",
    line="states.append(u)",
    cure="",
)
def list_is_called_by_its_name(u, steps):
    states = []
    for _ in range(steps):
        u[1:] += 0.1 * u[:-1]
        states.append(u)
    return states[0]


@program(V, W)
def entry_is_read_beside_one_that_is_not_known(a, w):
    xs = [a, w]
    if a[0] > 0.1:
        xs.append(a * w)
    else:
        xs.append(a)
    xs[2][0] = 5.0
    return xs[2] * 2


def write_and_read(xs, ys):
    xs[0] = 2.0 * xs[1]
    return ys[0]


def test_arguments_that_are_one_container():
    xs = [1.0, 2.0]
    with pytest.raises(UnknownAlias, match="share memory"):
        vjp(write_and_read, xs, xs)


# --- between rows and lists -------------------------------------------------------------------------


@program(M, V)
def views_in_a_list(m, v):
    rows = [m[0], m[1], m[2]]
    rows[0][1] = v[0] ** 2
    m[1] *= v[1]
    rows[2] += rows[1]
    return m, rows[0] * rows[1]


@program(M, V)
def unpacked_rows(m, v):
    x, y, z = m
    y[0] = v[0] ** 2
    m[0] *= y
    z += x
    return m, x, y


@program(M, V)
def views_in_a_dict(m, v):
    d = {"row": m[0], "column": m[:, 0]}
    d["row"][0] = v[0] ** 2
    d["column"] *= v[1]
    return m, d["row"]


@refusal(
    M,
    V,
    error=UnknownAlias,
    message="two entries of 'rows' may be one memory, and one of them is written to",
    line="row *= 2",
    cure="let each entry have memory of its own",
)
def views_of_a_comprehension_in_a_loop(m, v):
    rows = [m[k] for k in range(3)]
    for row in rows:
        row *= 2
    return m


@refusal(
    M,
    V,
    error=UnknownAlias,
    message="'rows' may or may not share memory with 'm', which has been written to",
    line="return rows[0]",
    cure="rows = rows.copy()",
)
def comprehension_of_views_after_the_base_was_written(m, v):
    rows = [m[k] for k in range(3)]
    m[0] *= v[0]
    return rows[0]


@program(V, W)
def array_of_a_list_is_a_copy(a, w):
    xs = [a[0], a[1]]
    b = np.array(xs)
    xs[0] = w[0]
    b[1] = w[1] ** 2
    c = np.stack([a, w])
    a[0] = 9.0
    c[1, 1] = 2.0
    return xs[0], xs[1], b, c, a, w


@program(V, W)
def concatenated_parts_are_copies(a, w):
    b = np.concatenate([a, w])
    a[0] = 1.0
    b[0] *= w[0]
    b[5] = 3.0
    return a, b, w


@program(V, W)
def tolist_is_a_copy(a, w):
    xs = list(a)
    a[0] = w[0] ** 2
    xs[1] = w[1]
    return sum(xs) * a


test_reads, test_refuses = PROGRAMS.tests()
