"""Branches: what is merged after them, what is decided while reading, and every way out of them."""
# The functions to be read are written the way users write, not the way linters like it.

import math

import numpy as np
import pytest
from frontend.reading import agrees, names_of, read, run

from srcgrad.errors import UnsupportedSyntax
from srcgrad.frontend.lower import lower
from srcgrad.ir.graph import IF, UNDEFINED, walk


def branches(graph):
    return [op for op in walk(graph.body) if op.primitive is IF]


@pytest.mark.parametrize("x", [-2.0, 0.5, 3.0])
def test_rest_stands_in_the_branch_that_goes_on(x):
    def f(x):
        if x < 0:
            return -x
        y = x * 2
        if y > 5:
            return y
        return y * y

    graph = agrees(f, x)
    outer, inner = branches(graph)[0], branches(graph)[1]
    assert inner in outer.blocks[1].ops
    assert [len(op.results) for op in (outer, inner)] == [1, 1]


@pytest.mark.parametrize("x", [-2.0, 0.5, 1.5, 3.0, 11.0])
def test_an_elif_that_leaves_needs_no_flag(x):
    def f(x):
        if x < 0:
            return 1.0
        elif x > 10:
            return 2.0
        y = x + 1
        if x > 2:
            return y * 2
        elif x > 1:
            y = -y
        else:
            return 3.0
        return y * x

    graph = agrees(f, x)
    assert all(len(b.results) == 1 for b in branches(graph))


@pytest.mark.parametrize("a, b", [(-1.0, 0.0), (1.0, -1.0), (1.0, 1.0), (5.0, 9.0)])
def test_a_flag_where_both_sides_may_go_on(a, b):
    def f(a, b):
        total = a
        if a > 0:
            if b > 0:
                total = total + b
                if total > 10:
                    return total * 100
            total = total * 2
        else:
            total = total - b
        return total + 1

    agrees(f, a, b)


@pytest.mark.parametrize("x", [1.0, 2.0, 3.0, 4.0])
def test_names_assigned_after_a_nested_exit_are_kept(x):
    def f(xs, limit):
        y = 0.0
        last = -1.0
        for x in xs:
            if x > 3:
                continue
            else:
                if x > limit:
                    last = x
                    continue
            y = y * 2 + x
            last = y
        return y, last

    agrees(f, [1.0, 2.0, 5.0, 0.5, 3.0], x)


def test_what_is_bound_on_one_side_only_is_undefined_on_the_other():
    def f(x, c):
        if c > 0:
            y = x * 2
        z = x + 1
        if c > 0:
            z = z + y
        return z

    graph = agrees(f, 1.5, 2.0)
    agrees(f, 1.5, -2.0)
    first = branches(graph)[0]
    assert first.blocks[1].results == (UNDEFINED,)


def test_names_that_nobody_reads_again_are_not_merged():
    def f(x):
        if x > 0:
            t = x * 2
            y = t + 1
        else:
            t = -x
            y = t
        return y

    graph = agrees(f, 1.0)
    assert [len(b.results) for b in branches(graph)] == [1]


def test_both_sides_alike_need_no_branch():
    def f(x, c):
        if c > 0:
            n, name, g = 2, "a", math.sin
        else:
            n, name, g = 2, "a", math.sin
        return g(x) * n if name == "a" else 0.0

    assert branches(agrees(f, 0.3, 1.0)) == []


def test_structures_are_merged_part_by_part():
    def f(x, c):
        if c > 0:
            state = (x, [x * 2, 1.0])
        else:
            state = (-x, [0.0, x])
        a, (b, d) = state
        return a + b * d

    graph = agrees(f, 0.3, 1.0)
    agrees(f, 0.3, -1.0)
    assert len(branches(graph)[0].results) == 3


def test_structures_of_different_length_become_one_value():
    def f(x, c):
        if c > 0:
            values = [x]
        else:
            values = [x, 2 * x]
        return sum(values)

    agrees(f, 0.3, 1.0)
    agrees(f, 0.3, -1.0)


def test_a_static_condition_is_decided_while_reading():
    def f(x, mode="sin", flag=True, scale=None):
        if mode == "sin" and flag:
            y = math.sin(x)
        else:
            y = missing_name(x)  # noqa: F821
        if scale is not None:
            y = y * scale
        assert isinstance(mode, str)
        return y

    graph = agrees(f, 0.5)
    assert names_of(graph) == ["math.sin"]
    assert [p.name for p in graph.signature] == ["x", "mode", "flag", "scale"]
    assert len(graph.params) == 4


def test_shapes_decide():
    def f(x):
        if x.ndim == 1 and len(x) == 3 and x.shape[0] > 1 and x.shape == (3,):
            return x.sum()
        return missing(x)  # noqa: F821

    agrees(f, np.arange(3.0), generic=False)
    graph = read(lambda A: 1.0 if A.shape[0] == A.shape[1] else A.sum(), np.ones((12, 12)))
    assert branches(graph) == []
    graph = read(lambda A: 1.0 if A.shape[0] == 14 else A.sum(), np.ones((12, 12)))
    assert len(branches(graph)) == 1


@pytest.mark.parametrize("x, y", [(0.0, 2.0), (1.0, 0.0), (0.5, 4.0)])
def test_and_or_not_give_operands_and_stop_early(x, y):
    def f(x, y):
        a = x and 1 / x
        b = x or y
        c = not x or y
        d = x > 0 and y > 0 and x / y > 0.1
        e = 0 < x < 1 / (x + 1) < y
        return a + b + (x if d else y) + bool(c) + bool(e)

    agrees(f, x, y)


def test_comparison_chains_evaluate_once():
    def f(x):
        def loud(v):
            print("asked")
            return v

        return 1.0 if 0 < loud(x) < 2 else x

    agrees(f, 1.0)
    agrees(f, -1.0)


def test_identity_is_decided_where_it_can_be():
    def f(x, w=None, flag=True):
        parts = [
            x is None,
            x is not None,
            w is None,
            flag is True,
            f is not None,
            math.sin is math.sin,
        ]
        return sum(1.0 if p else 0.0 for p in parts) * x

    assert branches(agrees(f, 2.0)) == []


@pytest.mark.parametrize("x", [-1.0, 0.0, 2.0])
def test_raising_branches(x):
    def f(x):
        if x < 0:
            raise ValueError(f"negative: {x}")
        if x == 0:
            y = 1.0
        elif x > 0:
            y = x
        else:
            raise ArithmeticError
        return y

    graph = read(f, x)
    if x < 0:
        with pytest.raises(ValueError, match=r"negative: -1\.0"):
            run(graph, f, x)
    else:
        agrees(f, x)


def test_raising_ends_the_path():
    def f(x):
        if x < 0:
            y = x
            raise ValueError("no")
            y = 1 / 0
        else:
            y = 2 * x
        return y

    agrees(f, 1.0)


def test_a_function_that_falls_off_its_end_returns_none():
    def f(x):
        if x > 0:
            return x

    agrees(f, 1.0)
    agrees(f, -1.0)
    assert lower(lambda x: (lambda y: None)(x)).result is None


def test_conditional_functions_are_refused_where_they_are_called():
    def f(x):
        g = math.sin if x > 0 else math.cos
        return g(x)

    with pytest.raises(UnsupportedSyntax, match="which of two functions") as caught:
        lower(f)
    assert caught.value.location.statement == "g = math.sin if x > 0 else math.cos"

    def unused(x):
        g = math.sin if x > 0 else math.cos
        return x

    agrees(unused, 1.0)


def test_a_name_bound_nowhere_is_refused():
    def f(x):
        if x is None:
            y = 1.0
        return x + y

    with pytest.raises(UnsupportedSyntax, match="'y' is read here") as caught:
        lower(f)
    assert caught.value.location.column == 20


def test_closures_that_differ_in_defaults_merge():
    def f(x, c):
        if c > 0:
            scale = 2 * x
        else:
            scale = x

        def g(t, s=scale):
            return t * s

        h = g
        if c > 1:
            h = lambda t, s=x: t - s  # noqa: E731
        return g(x) + (0.0 if c > 1 else g(2.0))

    agrees(f, 0.5, 0.5)
    agrees(f, 0.5, 2.0)


def test_with_errstate_and_returns_inside():
    def f(x):
        with np.errstate(divide="ignore"), np.errstate(invalid="ignore"):
            y = np.log(x)
            if np.any(y < -100):
                return np.sum(x)
            z = (y, 2 * y)
        return np.sum(z[0] * z[1])

    agrees(f, np.array([1.0, 2.0]))
    agrees(f, np.array([1.0, 0.0]))


@pytest.mark.parametrize("c", [1.0, -1.0])
def test_names_that_may_not_be_bound_again_stay_alive(c):
    def walrus(xs, c):
        if c > 0:
            y = 5.0
            z = 1.0
        else:
            y = 6.0
            z = 2.0
        total = sum([(y := x) for x in xs if x > 2])
        flag = c > 0 and (z := total) > 0
        return total + y + z + flag

    agrees(walrus, [1.0, 2.0], c)
    agrees(walrus, [3.0, 2.0], c)

    def annotated(x, c):
        if c > 0:
            y = x
        else:
            y = 2 * x
        y: float
        return y

    agrees(annotated, 2.0, c)
