"""Generated source runs as its graph does, and reads as a person would have written it."""

import ast
import contextlib
import io
import operator

import numpy as np
import pytest
from graphs import Adjoint, derive, function_of, param, primitive, read, run, text_of
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo.numeric import identical

from srcgrad.codegen.load import generate
from srcgrad.ir.graph import UNDEFINED, Block, Function, Parameter
from srcgrad.ir.interpret import interpret
from srcgrad.ir.rewrite import as_primal, map_bodies
from srcgrad.ir.types import PY_FLOAT, PY_INT, Facts
from srcgrad.ir.verify import verify
from srcgrad.optimize.passes import optimize
from srcgrad.pipeline import primal

X = np.array([0.5, 1.5, 2.5])


def faithful(function, *args):
    """Hold the source of a graph against the graph, and give its lines."""
    got = run(function, *args)
    assert identical(got, interpret(function, args))
    return [line.strip() for line in text_of(function).splitlines()]


def source(function, *args):
    """The lines of the source that a function's graph is written back as."""
    return faithful(read(function, *args), *args)


# -- straight lines ---------------------------------------------------------------------------------


def test_what_is_read_once_folds_into_its_reader():
    def f(x, y):
        return np.sum(x * y + 1.0)

    assert source(f, X, X)[1:] == ["return np.sum(x * y + 1.0)"]


def test_what_the_user_named_is_a_line_of_its_own():
    def f(x):
        y = np.sin(x)
        z = y * y
        return np.sum(z)

    assert source(f, X)[1:] == ["y = np.sin(x)", "z = y * y", "return np.sum(z)"]


def test_a_tuple_that_is_only_taken_apart_is_unpacked():
    def f(pairs):
        total = 0.0
        for a, b in pairs:
            total = total + a * b
        return total

    pair = Facts("tuple", items=(PY_FLOAT, PY_FLOAT))
    graph = verify(primal(f, {"pairs": Facts("list", element=pair)}))
    assert "for a, b in pairs:" in faithful(graph, [(1.0, 2.0), (3.0, 4.0)])


def test_the_docstring_stays():
    def f(x):
        """The square."""
        return x * x

    assert '"""The square."""' in source(f, 2.0)


def test_parameters_of_every_kind_are_written():
    signature = (
        Parameter("a", "POSITIONAL_ONLY"),
        Parameter("b", "POSITIONAL_OR_KEYWORD", True, 2.5),
        Parameter("rest", "VAR_POSITIONAL"),
        Parameter("c", "KEYWORD_ONLY"),
        Parameter("d", "KEYWORD_ONLY", True, None),
        Parameter("named", "VAR_KEYWORD"),
    )
    params = tuple(param(p.name) for p in signature)
    function = Function("f", signature, Block(params, (), (params,)))
    text = generate(function).text
    assert "def f(a, /, b=2.5, *rest, c, d=None, **named):" in text
    namespace = {}
    exec(text, namespace)
    assert namespace["f"](1, 2, 3, c=4, e=5) == (1, 2, (3,), 4, None, {"e": 5})


# -- comments -----------------------------------------------------------------------------------------


def test_each_block_of_the_backward_sweep_is_headed_by_the_line_it_reverses():
    def f(x):
        y = np.sin(x)
        z = np.exp(y)
        return np.sum(z)

    lines = text_of(optimize(derive(f, X))).splitlines()
    comments = [line.strip().partition(": ")[2] for line in lines if line.strip().startswith("#")]
    assert comments == ["z = np.exp(y)", "y = np.sin(x)"]


def test_a_line_of_another_function_says_whose_it_is():
    text = text_of(optimize(derive(lambda x: inner(x) * 2.0, X[0])))
    assert "# inner, line " in text


def inner(x):
    return np.sin(x) * x


def test_forward_lines_have_no_comments():
    assert not any("#" in line for line in source(inner, 0.5))


def test_no_line_of_code_is_too_long():
    def f(x):
        return np.sum(
            np.sin(x) * np.cos(x) * np.exp(x) * np.tanh(x) * np.sqrt(x) * np.log(x) * np.arctan(x)
        )

    lines = text_of(optimize(derive(f, X))).splitlines()
    assert max(len(line) for line in lines if "#" not in line) <= 100


# -- branches -----------------------------------------------------------------------------------------


def test_a_choice_between_two_expressions_is_one():
    def f(x):
        y = x * 2.0 if x > 1 else x
        return y * y

    assert "y = x * 2.0 if x > 1 else x" in source(f, 2.0)


@pytest.mark.parametrize("x", [2.0, 0.5])
def test_a_side_that_does_nothing_is_left_out(x):
    def f(x):
        if x > 1:
            x = np.sin(x)
            x = x * x
        return x

    lines = source(f, x)
    assert not any(line.startswith("else") for line in lines)

    def g(x):
        if x > 1:
            pass
        else:
            x = np.sin(x)
            x = x * x
        return x

    assert any(line.startswith("if not") for line in source(g, x))


@pytest.mark.parametrize("given_flag", [True, False])
def test_and_and_or_are_written_as_such(given_flag):
    b, flag, x = Adjoint(), param("flag"), param("x")
    (both,) = b.emit_if(flag, Block((), (), (x,)), Block((), (), (flag,)))
    (either,) = b.emit_if(flag, Block((), (), (flag,)), Block((), (), (x,)))
    lines = faithful(function_of(b, [flag, x], (both, either)), given_flag, 2.0)
    assert [line.partition(" = ")[2] for line in lines[1:3]] == ["flag and x", "flag or x"]


@pytest.mark.parametrize("flag", [True, False])
def test_what_one_side_alone_makes_is_none_where_it_is_handed_out(flag):
    b, given_flag, x = Adjoint(), param("flag"), param("x", PY_FLOAT)
    then = Adjoint()
    y = then(np.sin, x)
    made, seen = b.emit_if(given_flag, then.block((), (y, True)), Block((), (), (UNDEFINED, False)))
    lines = text_of(function_of(b, [given_flag, x], (seen, made))).splitlines()
    assert any("None" in line for line in lines)
    got = run(function_of(b, [given_flag, x], (seen, made)), flag, 0.5)
    assert got == ((True, np.sin(0.5)) if flag else (False, None))


def test_a_context_holds_its_block():
    def f(x):
        with np.errstate(divide="ignore"):
            y = x / (x - 1.0)
            z = y * y
        return np.sum(z)

    lines = source(f, X)
    assert lines[1].replace("'", '"') == 'with np.errstate(divide="ignore"):'


# -- effects ------------------------------------------------------------------------------------------


def test_what_must_run_runs_once_and_in_order():
    def f(x):
        print("a", x)
        assert x > 0, "negative"
        if x > 1:
            print("b")
        for k in range(2):
            print(k)
        return x

    graph = read(f, 2.0)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        run(graph, 2.0)
    assert printed.getvalue() == "a 2.0\nb\n0\n1\n"
    with pytest.raises(AssertionError, match="negative"), contextlib.redirect_stdout(None):
        run(graph, -2.0)
    assert 'assert x > 0, "negative"' in text_of(graph)


# -- loops --------------------------------------------------------------------------------------------


def test_a_loop_over_a_sequence_has_the_users_element():
    def f(xs):
        total = 0.0
        for v in xs:
            total = total + v * v
        return total

    assert "for v in xs:" in source(f, X)
    assert faithful(read(f), X)


def test_several_sequences_are_zipped_and_counted_by_the_shortest():
    def f(xs, ys):
        total = 0.0
        for a, b in zip(xs, ys):
            total = total + a * b
        return total

    assert "for a, b in zip(xs, ys):" in source(f, X, X[:2])


def test_an_index_that_is_read_too_is_enumerated():
    def f(xs):
        total = 0.0
        for k, v in enumerate(xs):
            total = total + v * k
        return total

    assert "for k, v in enumerate(xs):" in source(f, X)


def test_a_loop_that_only_makes_a_list_is_a_comprehension():
    def f(xs):
        return [np.sin(v) * v for v in xs]

    lines = faithful(optimize(read(f, X)), X)
    assert lines[1].endswith("= [np.sin(v) * v for v in xs]")


def test_an_index_that_nobody_reads_has_no_name():
    def f(x, n):
        for k in range(n):
            x = np.sin(x)
        return x

    assert "for _ in range(n):" in faithful(optimize(read(f, 0.5, 3)), 0.5, 3)


def test_a_while_loop_has_its_condition_where_the_user_had_it():
    def f(x):
        while x < 100.0:
            x = x * x
        return x

    assert "while x < 100.0:" in source(f, 1.5)


def test_a_condition_that_takes_statements_opens_the_body():
    def f(x):
        while (y := np.sin(x) + x) < 100.0:
            x = x * y + 1.0
        return x * y

    source(f, 1.5)


def test_a_break_stands_where_it_is_decided():
    def f(x, n):
        total = 0.0
        for k in range(n):
            total = total + x[k]
            if total > 1.0:
                break
        return total

    for limit in (1, 3):
        lines = source(f, X, limit)
        assert lines.count("break") == 1


def test_the_flag_that_ends_a_loop_is_read_before_values_are_renewed():
    b, x = Adjoint(), param("x", PY_FLOAT)
    k, p, body = param("k", PY_INT), param("p", PY_FLOAT), Adjoint()
    stop = body(operator.gt, p, 1.0)  # of the value at the start of the round
    new = body(operator.mul, p, 2.0)
    made = b.emit_for(9, [x], body.block((k, p), (new, stop)), stop=True)
    faithful(function_of(b, [x], made), 0.3)


def test_a_reversed_loop_takes_its_values_off_the_tape():
    def f(x, n):
        for _ in range(n):
            x = np.sin(x) * x
        return x

    made = optimize(derive(f, 0.5, 3))
    assert "while tape:" in text_of(made)
    assert run(made, 0.5, 3) == interpret(made, [0.5, 3, 1.0])


def test_the_programs_own_list_is_not_emptied():
    def f(x):
        rows = [np.sin(x) * k for k in range(4)]
        total = 0.0
        for row in rows:
            total = total + row * row
        return total * rows[2]

    made = optimize(derive(f, 0.5, value=True))
    got = run(made, 0.5)
    assert identical(got, interpret(made, [0.5, 1.0]))


# -- calls --------------------------------------------------------------------------------------------


def power(x, n):
    return 1.0 if n == 0 else x * power(x, n - 1)


def even(x, n):
    return x if n == 0 else odd(x, n - 1) * x


def odd(x, n):
    return np.sin(x) if n == 0 else even(x, n - 1) + x


def test_functions_stand_before_those_that_call_them():
    made = optimize(derive(lambda x: even(x, 3) * power(x, 2), 0.5))
    defined = [
        n.name for n in ast.parse(generate(made).text).body if isinstance(n, ast.FunctionDef)
    ]
    assert sorted(defined[:-1]) == [
        "even_backward",
        "even_forward",
        "power_backward",
        "power_forward",
    ]
    assert defined[-1] == made.name


def test_only_functions_that_are_called_are_written():
    graph = read(lambda x: power(x, 3), 0.5)
    text = generate(optimize(derive(graph))).text
    assert "def power(" not in text


# -- the same text every time ---------------------------------------------------------------------------


def test_the_same_function_is_written_the_same_way():
    def f(x, n):
        total = 0.0
        for k in range(n):
            if x[k] > 1:
                total = total + power(x[k], k)
        return total

    assert generate(optimize(derive(f, X, 3))).text == generate(optimize(derive(f, X, 3))).text


# -- random programs -------------------------------------------------------------------------------------


def grow(draw, b, pool, ints, stacks, depth):
    """Add a few ops and control flow on numbers; names are few, so that they meet."""
    hints = st.sampled_from([None, "a", "b", "stop", "tape", "k"])
    for _ in range(draw(st.integers(1, 4))):
        one, other = draw(st.sampled_from(pool)), draw(st.sampled_from(pool))
        kinds = ["sin", "add", "mul", "entry"]
        kind = draw(st.sampled_from(kinds + (["if", "for", "while", "back"] if depth else [])))
        if kind == "sin":
            pool.append(b(np.sin, one, hint=draw(hints), facts=PY_FLOAT))
        elif kind in ("add", "mul"):
            function = operator.add if kind == "add" else operator.mul
            pool.append(b(function, one, draw(st.sampled_from([other, 0.5])), hint=draw(hints)))
        elif kind == "entry" and stacks:
            stack = draw(st.sampled_from(stacks))
            index = b(len, stack)
            last = b(operator.sub, index, 1)
            pool.append(b(operator.getitem, stack, last, hint=draw(hints), facts=PY_FLOAT))
        elif kind == "if":
            test = b(operator.gt, one, draw(st.sampled_from([other, 0.3])))
            sides = []
            for _ in range(2):
                side, inside = Adjoint(b.adjoint), list(pool)
                grow(draw, side, inside, ints, list(stacks), depth - 1)
                sides.append(side.block((), [draw(st.sampled_from(inside)) for _ in range(2)]))
            pool.extend(b.emit_if(test, *sides, [draw(hints), draw(hints)]))
        elif kind in ("for", "while"):
            loop(draw, b, pool, ints, stacks, depth, kind, draw(hints), draw(hints))
        elif kind == "back" and stacks:
            back(draw, b, pool, stacks, draw(hints))


def loop(draw, b, pool, ints, stacks, depth, kind, first, second):
    inits = [draw(st.sampled_from(pool)) for _ in range(2)]
    k, p, q = param("k", PY_INT), param(first, PY_FLOAT), param(second, PY_FLOAT)
    body, inside = Adjoint(b.adjoint), [*pool, p, q]
    grow(draw, body, inside, [*ints, k], list(stacks), depth - 1)
    ends = [draw(st.sampled_from(inside)) for _ in range(3)]
    stop = draw(st.booleans())
    if stop:
        ends.append(body(operator.gt, draw(st.sampled_from(inside)), 0.9))
    if kind == "for":
        reverse = draw(st.booleans()) and not stop
        count = draw(st.sampled_from([0, 1, 3]))
        made = b.emit_for(count, inits, body.block((k, p, q), ends), stop=stop, reverse=reverse)
    else:
        # A counter ends what the numbers do not.
        n, m = param("n", PY_INT), param("m", PY_INT)
        left, right = param("left", PY_FLOAT), param("right", PY_FLOAT)
        test = Adjoint(b.adjoint)
        low = test(operator.lt, left, draw(st.sampled_from([right, 0.8])))
        go = test(operator.and_, low, test(operator.lt, m, 4))
        ends.insert(2, body(operator.add, n, 1))
        block = body.block((k, p, q, n), ends)
        made = b.emit_while([*inits, 0], test.block((left, right, m), (go,)), block, stop=stop)
        made = (*made[:2], *made[3:])
    pool.extend(made[:2])
    # What is read has to have an entry.
    stacks.append(b.emit(primitive(operator.add), (made[2], [0.25]), facts=made[2].facts))
    if kind == "for" and count:
        stacks.append(made[2])


def back(draw, b, pool, stacks, hint):
    """A loop over a stack, last entry first, as a backward sweep is one."""
    stack = draw(st.sampled_from(stacks))
    j, total = param("j", PY_INT), param(hint, PY_FLOAT)
    body = Adjoint(b.adjoint)
    entry = body(
        operator.getitem, stack, j, facts=PY_FLOAT, hint=draw(st.sampled_from([None, "a"]))
    )
    new = body(operator.add, total, body(operator.mul, entry, draw(st.sampled_from(pool))))
    (made,) = b.emit_for(
        b(len, stack), [draw(st.sampled_from(pool))], body.block((j, total), (new,)), reverse=True
    )
    pool.append(made)


@st.composite
def programs(draw):
    b = Adjoint(draw(st.booleans()))
    params = [param("a", PY_FLOAT), param("x", PY_FLOAT)]
    pool, stacks = list(params), []
    grow(draw, b, pool, [], stacks, depth=2)
    wanted = [draw(st.sampled_from(pool + stacks)) for _ in range(draw(st.integers(1, 3)))]
    return function_of(b, params, tuple(wanted))


@settings(max_examples=150, deadline=None)
@given(programs())
def test_any_graph_is_written_as_it_runs(function):
    faithful(function, 0.4, 0.7)


@settings(max_examples=50, deadline=None)
@given(programs())
def test_any_graph_is_optimised_to_what_it_was(function):
    expected = interpret(function, (0.4, 0.7))
    made = optimize(map_bodies(function, as_primal))
    assert identical(interpret(made, (0.4, 0.7)), expected)
