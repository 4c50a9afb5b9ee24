"""Loops: what they carry, how they end, and when they are read round by round."""
# ruff: noqa: C416, C417, RUF015
# The functions to be read are written the way users write, not the way linters like it.

import math

import numpy as np
import pytest
from frontend.reading import agrees, names_of, read

from srcgrad.errors import UnsupportedSyntax
from srcgrad.frontend.lower import lower
from srcgrad.ir.graph import FOR, UNDEFINED, WHILE, Loop, walk
from srcgrad.ir.types import facts_of


def loops(graph):
    return [Loop(op) for op in walk(graph.body) if op.primitive in (FOR, WHILE)]


def test_only_what_lives_on_is_carried():
    def f(x):
        total = 0.0
        for k in range(3):
            t = x * k
            total = total + t
        return total

    (loop,) = loops(agrees(f, 2.0))
    assert [v.hint for v in loop.carried] == ["total"]
    assert not loop.stops


def test_the_index_and_names_of_the_last_round_stay():
    def f(x):
        for k in range(4):
            y = x * k
        return y + k

    (loop,) = loops(agrees(f, 2.0))
    assert set(loop.inits) == {UNDEFINED}


def test_a_name_that_the_body_leaves_alone_is_not_carried():
    def f(x, flag=False):
        scale = x
        total = 0.0
        for k in range(3):
            if flag:
                scale = scale * 2
            total += scale * k
        return total

    (loop,) = loops(agrees(f, 2.0))
    assert [v.hint for v in loop.carried] == ["total"]


def test_facts_hold_in_every_round():
    def f(x, w):
        total = 0.0
        for k in range(3):
            total = total * x + w[k]
        state = x
        for row in w:
            state = np.tanh(state * w)
        return total + np.sum(state)

    graph = agrees(f, 2.0, np.arange(3.0))
    first, second = loops(graph)
    assert first.carried[0].facts.is_scalar
    assert second.carried[0].facts.kind == "unknown" or second.carried[0].facts.kind == "array"


def test_strings_and_flags_may_change_on_the_way():
    def f(x):
        mode, first, best = "start", True, None
        for k in range(3):
            if mode == "start":
                x = x * 2
                mode = "later"
            else:
                x = x + k
            if first:
                x = -x
                first = False
            if best is None or x > best:
                best = x
        return x * best

    agrees(f, 1.5)


def test_structures_are_carried_part_by_part():
    def f(x, y):
        state = {"a": x, "b": (y, [1.0])}
        for _ in range(3):
            p, [q] = state["b"]
            state = {"a": state["a"] + p, "b": (p * 0.5, [q + state["a"]])}
        return state["a"] * state["b"][0] + state["b"][1][0]

    (loop,) = loops(agrees(f, 2.0, 3.0))
    assert loop.width == 3


def test_structures_that_grow_become_one_value():
    def f(x):
        history = ()
        values = [x]
        for k in range(3):
            history = history + (x * k,)
            values = [*values, values[-1] * 2]
        return sum(history) + values[-1] * len(values)

    agrees(f, 2.0)


def test_previous_round():
    def f(xs):
        total = 0.0
        for k, x in enumerate(xs):
            if k > 0:
                total = total + (x - previous) ** 2  # noqa: F821
            previous = x
        return total + previous

    agrees(f, [1.0, 2.5, 4.0])
    agrees(f, np.array([1.0, 2.5, 4.0]))


def test_a_structure_first_bound_in_the_loop():
    def f(xs):
        total = 0.0
        for k, x in enumerate(xs):
            if k > 0:
                a, b = pair  # noqa: F821
                total = total + a * b * x
            pair = (x, 2 * x)
        return total + pair[1]

    agrees(f, [1.0, 2.5, 4.0])


@pytest.mark.parametrize("n", [0, 1, 5])
def test_zero_trips(n):
    def f(x, n):
        y = x
        for k in range(n):
            y = y * 2 + k
        while n > 2:
            n = n - 1
            y = y + n
        return y

    agrees(f, 1.5, n)


@pytest.mark.parametrize("limit", [0.0, 3.0, 100.0])
def test_break_continue_and_else(limit):
    def f(xs, limit):
        total = 0.0
        for x in xs:
            if x < 0:
                continue
            if total > limit:
                break
            total += x
        else:
            total = -total
        while total < 50:
            total = abs(total) * 2 + 1
            if total > limit:
                break
        else:
            total += 0.5
        return total

    agrees(f, [1.0, -2.0, 3.0, 4.0], limit)


@pytest.mark.parametrize("x", [0.1, 0.5, 2.0])
def test_return_inside_loops(x):
    def f(x):
        for i in range(3):
            local = i * x
            for j in range(3):
                if local * j > 0.5:
                    return local + j, i
                if local < -1:
                    return 0.0, -1
            x = x * 1.5
        return x, 9

    graph = agrees(f, x)
    assert UNDEFINED not in [r for loop in loops(graph) for r in loop.yields]


@pytest.mark.parametrize("x", [0.1, 30.0, -5.0])
def test_return_inside_a_loop_with_else(x):
    def f(x):
        n = 0
        while n < 5:
            n += 1
            if x * n > 100:
                return x * n
            if x < 0:
                break
        else:
            return x - n
        return n * 2.0

    agrees(f, x)


def test_code_after_a_loop_that_may_return():
    def f(xs, a):
        y = a
        for x in xs:
            y = y + x
            if y > 10:
                return y
        y = y * 2
        for x in xs:
            if x > 2:
                return x + y
        return y - 1

    for a in (0.0, 8.0, 3.0):
        agrees(f, [1.0, 2.0], a)
        agrees(f, [1.0, 3.0], a)


def test_forever():
    def f(x):
        while True:
            x = x * 2
            if x > 100:
                return x
            if x < 0:
                break
        return -x

    agrees(f, 3.0)
    agrees(f, -3.0)


def test_walrus_in_the_test():
    def f(x):
        total = 0.0
        while (y := x * x) > 1 and total < 50:
            total += y
            x = x - 0.25
        else:
            total = total + 1
        return total + y

    agrees(f, 2.0)


def test_loop_over_everything_at_once():
    def f(xs, ys, d, A):
        total = 0.0
        for i, (x, (j, y)) in enumerate(zip(xs, enumerate(ys, start=2))):
            total += i * x * j * y
        for x, row in zip(reversed(xs), reversed(A)):
            total += x * row.sum()
        for k, (key, value) in enumerate(d.items()):
            total += k * value * len(key)
        for key, value in zip(d, d.values()):
            total += d[key] * value
        for k in reversed(range(1, 4)):
            total = total * 0.5 + k
        for c in "ab":
            total += 1.0 if c == "a" else 2.0
        for v in {"p": 1.0, "q": xs[0]}.values():
            total += v
        return total

    args = [1.0, 2.0], [3.0, 4.0, 5.0], {"a": 1.0, "bb": 2.0}, np.arange(6.0).reshape(3, 2)
    agrees(f, *args, generic=False)


def test_literals_are_read_round_by_round():
    def f(x, w):
        for weight, act in [(w, math.tanh), (2 * w, lambda t: t * t), (1.0, np.sin)]:
            x = act(x * weight)
        return x

    assert loops(agrees(f, 0.3, 0.5)) == []


def test_uniform_parameters_stay_loops():
    def f(params, x):
        for w, b in params:
            x = x * w + b
        return x

    assert len(loops(agrees(f, [(1.0, 2.0), (3.0, 4.0)], 0.5))) == 1


def test_mixed_parameters_are_read_round_by_round():
    def f(layers, x):
        for layer in layers:
            if layer["kind"] == "scale":
                x = x * layer["w"]
            else:
                x = x + layer["b"]
        return x

    layers = [{"kind": "scale", "w": 2.0}, {"kind": "shift", "b": 1.0}]
    assert loops(agrees(f, layers, 0.5, generic=False)) == []


@pytest.mark.parametrize("limit", [0.0, 5.0, 100.0])
def test_leaving_a_loop_read_round_by_round(limit):
    def f(x, limit):
        total = 0.0
        for scale, g in [(1.0, math.sin), (2.0, math.exp), (3.0, math.cos)]:
            if total > limit:
                break
            if scale * x > 4:
                continue
            total = total + g(scale * x)
            if total > 1000:
                return -1.0
        else:
            total = total + 0.5
        return total * 2

    agrees(f, 1.5, limit)


def test_zip_strict():
    def f(xs, ys):
        return sum(x * y for x, y in zip(xs, ys, strict=True))

    agrees(f, np.ones(3), np.ones(3))
    graph = lower(f)
    from srcgrad.ir.interpret import interpret

    with pytest.raises(ValueError, match="different lengths"):
        interpret(graph, [np.ones(3), np.ones(4)])
    with pytest.raises(UnsupportedSyntax, match="different lengths"):
        read(lambda a, b: [p * q for p, q in zip((a, b), [a, b, a], strict=True)], 1.0, 2.0)


def test_closures_in_a_loop_see_its_names_late():
    def f(x):
        total = 0.0
        for k in range(3):
            g = lambda t: t * k + x  # noqa: B023, E731
            total += g(2.0)
        return total + g(1.0)

    agrees(f, 0.5)


def test_nonlocal():
    def f(x):
        count = 0.0

        def step(t):
            nonlocal count
            count = count + t
            return t * 2

        for k in range(3):
            x = step(x)
        if x > 1:
            step(100.0)
        return x + count

    agrees(f, 0.5)
    agrees(f, 0.01)


def test_nested_loops_do_not_blow_up():
    def f(x):
        t = 0.0
        for a in range(2):
            for b in range(2):
                for c in range(2):
                    for d in range(2):
                        for e in range(2):
                            for g in range(2):
                                t = t + x * (a + b + c + d + e + g)
        return t

    from time import perf_counter

    agrees(f, 0.5)
    start = perf_counter()
    read(f, 0.5)
    assert perf_counter() - start < 0.5


def test_too_many_rounds_to_read():
    many = tuple(math.sin for _ in range(70))

    def f(x):
        for g in many:
            x = g(x)
        return x

    with pytest.raises(UnsupportedSyntax, match="70 rounds"):
        lower(f)


def test_captured_functions_are_read_round_by_round():
    functions = [math.sin, np.cos, lambda t: t * t]

    def f(x):
        for g in functions:
            x = g(x)
        return x + functions[1](x)

    agrees(f, 0.3)


def test_comprehensions():
    def f(xs, A):
        a = [x * k for k, x in enumerate(xs)]
        b = [x for x in xs if x > 0]
        c = [[v * w for v in row] for row, w in zip(A, xs)]
        d = [v for row in A for v in row if v > 1]
        e = {k: v for k, v in zip("abc", xs)}
        g = sum(x for x in xs if x < 0) + max([v * 2 for v in xs])
        h = any(x > 2 for x in xs) + all(x > -9 for x in xs)
        return sum(a) + sum(b) + c[1][1] + sum(d) + e["b"] + g + h + len(b)

    agrees(f, [1.0, -2.0, 3.0], np.arange(6.0).reshape(3, 2), generic=False)


def test_lists_of_known_length_stay_so():
    def f(xs):
        squares = [x * x for x in xs]
        a, b, c = squares
        return {f"n{k}": s for k, s in enumerate(squares)}["n1"] + a * b * c

    graph = agrees(f, [1.0, 2.0, 3.0], generic=False)
    assert "for_" in names_of(graph)


def test_map_and_reduce():
    import functools

    def f(xs, x):
        total = functools.reduce(lambda a, b: a * b, [x, 2.0, x])
        total += sum(map(lambda t: t * t, xs)) + sum(map(lambda a, b: a * b, xs, xs))
        return total + list(map(math.sin, (x, 1.0)))[0]

    agrees(f, [1.0, 2.0], 0.5)


def test_while_over_facts_of_the_state():
    given = {"x": facts_of(np.float32(1)), "n": facts_of(3)}

    def f(x, n):
        while n:
            x, n = x * 2, n - 1
        return x

    graph = lower(f, given)
    assert loops(graph)[0].carried[1].facts.dtype == "float32"


def test_a_loop_that_picks_functions_by_index_is_read_round_by_round():
    def f(x, layers):
        acts = [math.sin, lambda t: t * t, math.exp]
        for i in range(3):
            x = acts[i](x)
        for i in range(len(layers)):
            layer = layers[i]
            x = x * layer["w"] if "w" in layer else x + layer["b"]
        return x

    graph = agrees(f, 0.3, [{"w": 2.0}, {"b": 1.0}], generic=False)
    assert loops(graph) == []


def test_functions_that_change_from_round_to_round():
    def f(x):
        g = math.sin
        total = 0.0
        for k in range(3):
            total = total + g(x)
            h = math.cos if k == 1 else math.exp
            g = lambda t, h=h: h(t) * x  # noqa: E731
        return total + g(1.0)

    agrees(f, 0.3)


def test_dicts_made_in_loops_of_known_length():
    def f(xs):
        table = {f"n{i}": x for i, x in enumerate(xs) if i != 1}
        total = 0.0
        for i in range(3):
            total += {f"k{i}": i * table["n0"]}[f"k{i}"]
        return total + table["n2"]

    agrees(f, [1.0, 2.0, 3.0], generic=False)


def test_rounds_that_cannot_be_told_apart_are_refused():
    def f(x, n):
        acts = [math.sin, math.exp]
        for i in range(n):
            x = acts[i](x)
        return x

    with pytest.raises(UnsupportedSyntax, match="which function is taken"):
        lower(f)


def test_a_test_that_binds_names_by_calling():
    def f(x):
        count = 0

        def advance():
            nonlocal count
            count += 1
            return count

        while advance() < 4 and x < 50:
            x = x * 2
        return x + count

    agrees(f, 1.5)
    agrees(f, 30.0)
