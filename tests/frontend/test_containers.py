"""Containers that are read: displays, subscripts, unpacking, methods, structures in and out."""
# The functions to be read are written the way users write, not the way linters like it.

from typing import NamedTuple

import numpy as np
import pytest
from frontend.reading import agrees, names_of, read

from srcgrad.errors import UnsupportedSyntax
from srcgrad.frontend.lower import lower


class Pair(NamedTuple):
    left: float
    right: float


def test_structures_written_out_cost_nothing():
    def f(x, y):
        p = (x, [y, {"k": (x, y)}])
        a, (b, d) = p
        return d["k"][0] * b + p[1][1]["k"][-1] - a + len(p) + (1.0 if p else 0.0)

    graph = agrees(f, 2.0, 3.0)
    assert "getitem" not in names_of(graph)


def test_displays_with_stars():
    def f(xs, t):
        a = [*xs, 1.0, *t]
        b = (*t, *xs)
        c = [0.5, *t]
        d = {**{"a": 1.0}, "b": t[0]}
        return sum(a) + b[0] * c[-1] + d["b"], len(b)

    agrees(f, [1.0, 2.0], (3.0, 4.0))
    agrees(f, np.array([1.0, 2.0]), (3.0, 4.0))


def test_unpacking():
    def f(xs, A, pair):
        a, *b = xs
        *c, d = xs
        e, *g, h = A
        (i, j), [k, *m] = pair, xs
        n, o = "ab"
        for p, (q, *r) in [(1.0, xs), (2.0, (a, d))]:
            k = k + p * q + len(r)
        u, v = {"first": 1, "second": 2}
        return (
            a * d + sum(b) + sum(c) + e @ h + len(g) + i * j + k + sum(m) + len(n + o) + len(u + v)
        )

    agrees(f, [1.0, 2.0, 3.0], np.ones((4, 2)), Pair(3.0, 4.0), generic=False)
    agrees(f, [1.0, 2.0, 3.0], np.ones((2, 2)), (3.0, 4.0))


@pytest.mark.parametrize(
    "f, message",
    [
        (lambda x: [a for a, b in [(x, x, x)]], "too many values to unpack (expected 2, got 3)"),
        (lambda x: [a for a, b in [(x,)]], "not enough values to unpack (expected 2, got 1)"),
        (
            lambda x: [a for a, *b, c in [(x,)]],
            "not enough values to unpack (expected at least 2, got 1)",
        ),
        (lambda x: (x, x)[2], "tuple index out of range"),
        (lambda x: [c for (c,) in [len]], "cannot unpack a function"),
    ],
)
def test_wrong_lengths(f, message):
    if "index" in message:
        assert names_of(lower(f)) == ["getitem"]  # raised where Python raises it
        return
    with pytest.raises(UnsupportedSyntax) as caught:
        lower(f)
    assert message in caught.value.message


def test_parameters_of_known_structure():
    def f(params, xs):
        w, b = params["layer"]
        total = w * xs[0] + b
        if "layer" in params and "bias" not in params:
            total = total * len(params) * len(xs)
        for key in params:
            total += params[key][0]
        return total + params.get("missing", 1.0) + params.get("layer")[1]

    graph = agrees(f, {"layer": (2.0, 3.0)}, (1.0, 2.0), generic=False)
    assert "if_" not in names_of(graph)


def test_static_entries_of_parameters():
    def f(options, x):
        if options["mode"] == "double" and options["scale"] is not None:
            x = x * 2
        return options["act"](x)

    graph = agrees(f, {"mode": "double", "scale": 1.0, "act": np.tanh}, 0.5, generic=False)
    assert [n for n in names_of(graph) if n != "getitem"] == ["mul", "np.tanh"]


def test_dicts_indexed_at_run_time():
    def f(keys, x):
        table = {"a": x, "b": 2 * x}
        total = 0.0
        for k in range(2):
            total += table[keys[k]]
        return total + table.get(keys[0], 0.0)

    agrees(f, ["a", "b"], 1.5, generic=False)


def test_lists_of_functions():
    def f(x):
        table = [np.sin, lambda t: t * x, np.cos]
        named = {"sin": np.sin, "id": lambda t: t}
        return table[1](x) + table[-1](x) + sum(g(x) for g in table[:2]) + named["id"](x)

    agrees(f, 0.5)

    def chosen(x, k):
        return [np.sin, np.cos][k](x)

    with pytest.raises(UnsupportedSyntax, match="which function is taken"):
        lower(chosen)


def test_joining_and_repeating():
    def f(x, xs):
        a = [x] * 2 + [1.0]
        b = xs + [x]
        c = [0.0] + xs + a
        d = (x,) + (1.0, 2.0)
        return sum(a) + b[-1] + len(c) + d[1] + sum(c)

    agrees(f, 0.5, [1.0, 2.0])


def test_arrays():
    def f(A, x):
        y = A.T @ x + A[1:, ::-1].sum(axis=0)
        z = A.reshape(-1).max() * A.shape[1] + A.size + A.ndim
        m = A[A > 0].sum() + A[[0, 1], [1, 0]] @ x[:2] + A[..., None].mean()
        return y.dot(y) + z + m + x.copy().astype(float)[0] + x.real[0]

    agrees(f, np.arange(6.0).reshape(2, 3) - 2, np.array([1.0, 2.0]))


def test_named_tuples_in_and_out():
    def f(p, q):
        left, right = p
        r = p._replace(left=right)
        return Pair(r.left * q.right, p[0]), {"p": p}, r._asdict()

    agrees(f, Pair(1.0, 2.0), Pair(3.0, 4.0), generic=False)


def test_slices_are_values():
    def f(x, n):
        s = slice(1, n)
        t = slice(None)
        return x[s].sum() + x[t][0] + x[n - 2 : n].sum()

    agrees(f, np.arange(5.0), 3)


def test_slices_of_static_lists():
    def f(x, y):
        items = [x, y, x * y, 1.0]
        return sum(items[1:3]) + items[::-1][0] + len(items[:-1])

    graph = agrees(f, 2.0, 3.0)
    assert "getitem" not in names_of(graph)


def test_results_of_every_kind():
    def f(x, n):
        return {"x": [x, (n, None)], 3: "text", "t": True, "a": np.ones(2) * x}

    agrees(f, 1.5, 2)


def test_arguments_come_back_untouched():
    def f(xs, d):
        return xs, d, xs[0]

    graph = agrees(f, [1.0, 2.0], {"a": 1.0})
    assert names_of(graph) == ["getitem"]


def test_known_length_is_told_by_the_facts():
    graph = read(lambda xs: [x * 2 for x in xs], [1.0, 2.0])
    assert len(graph.result.facts.items) == 2
