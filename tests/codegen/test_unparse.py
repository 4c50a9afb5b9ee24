"""The printer: its text parses back to the tree, and reads as if a person had written it.

By default every fifth file of the standard library makes the round trip; SRCGRAD_LONG=1 takes all.
"""

import ast
import copy
import math
import os
import pickle
import sys
import warnings
from pathlib import Path
from textwrap import dedent

import gast
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from srcgrad.codegen.layout import CLOSE, OPEN, broken
from srcgrad.codegen.literals import NoQuotesLeft
from srcgrad.codegen.unparse import BlankLine, Comment, unparse

LIBRARY = Path(os.__file__).parent
FILES = sorted(p for p in LIBRARY.rglob("*.py") if "site-packages" not in p.parts)
if os.environ.get("SRCGRAD_LONG") != "1":
    FILES = FILES[::5]
SHARES = 8


def parse(source):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # escapes such as "\d"
        return ast.parse(source)


def difference(a, b):
    """The first pair of parts in which two trees differ, positions aside; None where equal."""
    pairs = [(a, b)]
    while pairs:
        a, b = pairs.pop()
        if type(a) is not type(b):
            return a, b
        if isinstance(a, ast.AST):
            pairs += [(getattr(a, name, None), getattr(b, name, None)) for name in a._fields]
        elif isinstance(a, list):
            if len(a) != len(b):
                return a, b
            pairs += zip(a, b, strict=True)
        elif repr(a) != repr(b):
            return a, b
    return None


def check_round_trip(tree, width=100):
    text = unparse(tree, width=width)
    back = parse(text)
    assert difference(tree, back) is None, text
    assert unparse(back, width=width) == text
    return text


def expression(text):
    """`text`, parsed and printed as an expression."""
    return unparse(ast.parse(text, mode="eval"))


def module(*body):
    return ast.Module(list(body), [])


def lines(text):
    return dedent(text).lstrip("\n")


# ---- round trips ----


@pytest.mark.parametrize("share", range(SHARES))
def test_standard_library_makes_the_round_trip(share):
    parsed = 0
    for path in FILES[share::SHARES]:
        try:
            tree = parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue  # a file that shows a syntax error
        parsed += 1
        for width in (100, 30):
            text = unparse(tree, width=width)
            found = difference(tree, parse(text))
            assert found is None, f"{path} at width {width}: {found}"
    assert parsed > 20


# One statement of each kind, and the expressions that are easy to get wrong.
SYNTAX = r"""
-x ** 2
(-x) ** 2
2 ** -x
2 ** 3 ** 4
(2 ** 3) ** 4
- - x + + ~x
a - (b - c) - d
(not a) == b
not a == b
a or b and not c or (d or e)
(a < b) < c
a < b < c is not d not in e
a if b else c if d else e
(a if b else c) if d else e
a if (b if c else d) else e
(lambda: 1)()
lambda x, /, y=1, *a, z, w=2, **k: (yield)
(lambda: x) if y else (lambda: z)
(x := 1)
f((x := 1), y=(z := 2))
[y for x in (a, b) if (c if d else e) for y in (lambda: x)]
(await x) ** 2
-await x ** 2
A[i, :]
A[(i, j), k]
A[()]
A[(i,)]
A[:,]
A[*a]
A[*a, b]
A[a:b, c, ::2, ..., None]
A[(x := 1) :, lambda: 0 :]
A[lambda: (yield)]
(yield)
x = yield
x = yield a, b
x = (yield), (yield from y)
x = await (yield)
(1).real, 1.0.real, (-1).real, -1 .real, 1j.imag, True.real
1e400 + 1e400j - 0xFFFFFFFFFFFFFFFFFFFFFFFFF * 1e22
"a" "b", b"a\xff\n'", u"unicode", '"', "it's", '"\'"', "\0\r\n\t\\\N{DEGREE SIGN}\udc80"
{**a, "k": b, **(c or d)}
{*()}, {*a, b}, {}, []
{a: b for a, *b in c}
f(*(a or b), *c, **d, **e, k=f)
f(x for x in y)
f((x for x in y), z)
class A((x for x in y)): pass
class A(B, *c, metaclass=M, **k): x: int
print((a, b), (c,), ())
*a, b = c, = d
*a,
(a, b), [c, *d] = e
(a.b), (c[d]) = e
a += b, c
a @= yield
x: int
(x): int = 1
x.y: tuple = 1, 2
for x, in y: pass
for x, *y in (*a, b): pass
for x.y in z: pass
else: pass
del (a, b), c.d, e[f]
assert (a, b), (c, d)
raise
raise a from b
with (a, b): pass
with ((a, b)): pass
with (a, b) as c: pass
with a as (b, c), d: pass
with (yield): pass
with (a, (b := c)), d as e[0], f as g.h: pass
import a.b as c, d
from . import a
from ..b.c import d as e, f
from a import *
global a, b
nonlocal a, b
def f(a: int = 1, *args: *Ts, b, c: str = "", **k: (yield)) -> (yield): return *a, b
def f(a, b=1, /): return
def f(a, /, b, *, c): return (yield)
def f() -> (lambda: 0): ...
def f() -> (a or b)(c): ...
def f() -> (x, y): ...
async def f():
    async for x in y: pass
    async with a as b, c: return [x async for x in y]
try: a
except* (B, C) as d:
    try: a
    except D: e
try: a
except B: b
except: c
else: d
finally: e
while a: break
else: pass
if a: b
elif c: d
elif e: f
else: g
if a: b
else:
    if c: d
    e
if x := f(): pass
while (x := f()) > 1: continue
@(yield)
@a.b(c)
class A: pass
match a, *b:
    case 1 | -2.5 | -1 + 2j | "s" | None: c
match (x,):
    case [a, *_] | {"k": (1 | 2) as v, A.b: _, **rest} if (y := z): c
    case {**rest}: c
    case _: d
match (yield):
    case A.B(1, k=[_] as b, c=(1 | 2)) | C(): d
    case (a | b) as c: e
    case {}: f
    case [(1 | 2) | 3, [], (a as b) as c]: f
match(x)
match[x]
f"{x!r:>{w}.{p}}{{}}{'a'}" f'{"b"}'
f"{d['k']}" f'{d["it is"]}' f"{d['''it's''']}"
f"{(lambda x: x)}{(y := 1)}{ {1: 2} }{a if b else c}{*a, b}{(yield)}"
f"a\n{x=}\t'\"{x:\x7b\n'}{x!s:}"
f"{f'{x}{y}'}{b'a'}{u'b'}"
f'''{f"{y['k']}"}'''
f"{d['k']}" f'{"it"}' f'''{d["k"]}{d['a']}'''
f""
"""
# On 3.11, a line break inside the expression of an f-string can only be one.
SYNTAX += 'f\'\'\'{"""a\nb\tc"""}{"it\'s" if x else 1.5}\'\'\'\n'
SYNTAX_3_12 = r"""
type X = int
type X[T: (int, str), *Ts, **P] = lambda: (yield)
def f[T: int](x: T) -> T: return x
async def f[*Ts](*x: *Ts): pass
class A[T](B[T]): pass
f"{'\n'.join(x)}{"a" 'b'}{f"{f"{f"{f"{f"{"x"}"}"}"}"}"}"
f"{x:{"a" + '\''}}{'\\'!r}"
f'{"'"}{'"'}{'""' '"'}'
"""
SYNTAX_3_13 = r"""
type X[T = int, *Ts = *tuple[int], **P = [int]] = X
def f[T: (int, str) = int, U = (yield)](x: T) -> U: return x
"""
STATEMENTS = [
    pytest.param(statement, id=f"{type(statement).__name__}-{statement.lineno}")
    for source, since in [(SYNTAX, (3, 11)), (SYNTAX_3_12, (3, 12)), (SYNTAX_3_13, (3, 13))]
    if sys.version_info >= since
    for statement in parse(source).body
]


@pytest.mark.parametrize("width", [100, 20, 1])
@pytest.mark.parametrize("statement", STATEMENTS)
def test_each_construct_makes_the_round_trip(statement, width):
    check_round_trip(module(statement), width)


DOCSTRINGS = ["", '"', '""""', 'a"""', "a\\", "a\r\tb\0", '\\"', "one\n\n    two\n    ", "é\udc80"]


@pytest.mark.parametrize("text", DOCSTRINGS)
@pytest.mark.parametrize(
    "owner", ["{}", "def f(): {}", "class A:\n {}\n x = 1", "async def f(): {}"]
)
def test_docstrings_make_the_round_trip(owner, text):
    assert check_round_trip(parse(owner.format(repr(text)))).count('"""') >= 2


# ---- expressions built at random ----

LOAD, STORE = ast.Load(), ast.Store()
NAMES = st.sampled_from(["x", "y", "np", "d_A", "f"])
STRINGS = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ["'", '"', "{'\n", '"""', "\udc80"]
)
CONSTANTS = st.one_of(
    st.integers(0, 10**25),
    st.floats(0, allow_nan=False).map(abs),
    st.floats(0, allow_nan=False).map(lambda x: complex(0, abs(x))),
    STRINGS,
    st.binary(max_size=6),
    st.sampled_from([None, True, False, ...]),
)
BINARY = [ast.Add, ast.Sub, ast.Mult, ast.MatMult, ast.Div, ast.Mod, ast.Pow, ast.BitOr, ast.LShift]
UNARY = [ast.USub, ast.UAdd, ast.Invert, ast.Not]


def load(name):
    return ast.Name(name, LOAD)


def bound(node):
    """`node` for a node class whose last field is where its value is read."""
    return lambda *parts: node(*parts, LOAD)


def parameters(defaults):
    a, b, c, d, e, f = map(ast.arg, "abcdef")
    return ast.arguments([a], [b], c, [d, e], [None, defaults[0]], f, defaults[:2])


def extend(inner):
    """Strategies for expressions one level above `inner`."""

    def build(node, *parts):
        return st.tuples(*parts).map(lambda values: node(*values))

    def some(element, least=0):
        return st.lists(element, min_size=least, max_size=3)

    target = NAMES.map(lambda name: ast.Name(name, STORE))
    pair = build(lambda a, b: ast.Tuple([a, b], STORE), target, target)
    element = inner | build(bound(ast.Starred), inner)
    dimension = element | build(ast.Slice, *[inner | st.none()] * 3)
    index = inner | build(ast.Slice, inner, inner, inner) | build(bound(ast.Tuple), some(dimension))
    clauses = some(build(ast.comprehension, target | pair, inner, some(inner), st.just(0)), 1)
    form = st.sampled_from([None, ast.JoinedStr([ast.Constant(">9")])])
    field = build(ast.FormattedValue, inner, st.sampled_from([-1, 114, 115, 97]), form)
    items = some(st.tuples(inner | st.none(), inner))
    return st.one_of(
        build(lambda a, op, b: ast.BinOp(a, op(), b), inner, st.sampled_from(BINARY), inner),
        build(lambda op, a: ast.UnaryOp(op(), a), st.sampled_from(UNARY), inner),
        build(
            lambda op, xs: ast.BoolOp(op(), xs), st.sampled_from([ast.And, ast.Or]), some(inner, 2)
        ),
        build(lambda a, xs: ast.Compare(a, [ast.NotIn() for _ in xs], xs), inner, some(inner, 1)),
        build(ast.IfExp, inner, inner, inner),
        build(ast.NamedExpr, target, inner),
        build(ast.Await, inner),
        build(ast.Yield, inner | st.none()),
        build(ast.YieldFrom, inner),
        build(lambda defaults, x: ast.Lambda(parameters(defaults), x), some(inner, 1), inner),
        build(bound(ast.Attribute), inner, NAMES),
        build(ast.Call, inner, some(element), some(build(ast.keyword, NAMES | st.none(), inner))),
        build(bound(ast.Subscript), inner, index),
        build(bound(ast.Tuple), some(element)),
        build(bound(ast.List), some(element)),
        build(ast.Set, some(element, 1)),
        build(lambda pairs: ast.Dict([k for k, _ in pairs], [v for _, v in pairs]), items),
        build(ast.ListComp, inner, clauses),
        build(ast.GeneratorExp, inner, clauses),
        build(ast.DictComp, inner, inner, clauses),
        build(lambda text, x: ast.JoinedStr([ast.Constant("a" + text), x]), STRINGS, field),
    )


EXPRESSIONS = st.recursive(NAMES.map(load) | CONSTANTS.map(ast.Constant), extend, max_leaves=12)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EXPRESSIONS, st.sampled_from([100, 40, 1]))
def test_expressions_make_the_round_trip(tree, width):
    try:
        text = unparse(tree)
    except NoQuotesLeft:
        assert sys.version_info < (3, 12)
        assume(False)
    assert difference(tree, parse(f"({text})").body[0].value) is None, text
    check_round_trip(module(ast.Assign([ast.Name("x", STORE)], tree)), width)


# ---- constants and f-strings ----

NUMBERS = [
    *[0, -3, 2.5, -0.0, 1e16, 5e-324, math.inf, -math.inf, math.nan, complex(0.0, math.nan)],
    *[complex(a, b) for a in (0.0, -0.0, 1.5, -math.inf) for b in (0.0, -0.0, 2.0, -2.0, math.inf)],
]


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_numbers_keep_value_and_sign_wherever_they_stand(number):
    constant = ast.Constant(number)
    two = ast.Constant(2)
    places = [
        constant,
        ast.Attribute(constant, "real", LOAD),
        ast.BinOp(two, ast.Sub(), constant),
        ast.UnaryOp(ast.USub(), constant),
    ]
    if abs(number) < 10:
        places += [ast.BinOp(constant, ast.Pow(), two), ast.BinOp(two, ast.Pow(), constant)]
    for tree in places:
        code = compile(ast.fix_missing_locations(ast.Expression(tree)), "<tree>", "eval")
        assert repr(eval(unparse(tree))) == repr(eval(code)), unparse(tree)


def test_numbers_are_spelled_the_short_way():
    assert (
        expression("1e309, 1E+22, 1e-7, 2.50, 0x10, 1e999j")
        == "(1e400, 1e22, 1e-07, 2.5, 16, 1e400j)"
    )
    assert unparse(ast.Constant(-2.0)) == "-2.0"


def test_an_int_with_more_digits_than_python_reads_prints_in_hexadecimal():
    text = unparse(ast.Constant(-(10**5000)))
    assert text.startswith("-0x")
    assert eval(text) == -(10**5000)


@pytest.mark.parametrize("value", [np.float64(1.0), np.int64(1), frozenset(), (1, 2)])
def test_a_constant_without_a_literal_is_refused(value):
    with pytest.raises(TypeError, match=f"a constant of type {type(value).__name__} has no source"):
        unparse(ast.Constant(value))


def test_a_node_without_source_text_is_refused():
    with pytest.raises(TypeError, match="a node of type Foreign has no source text"):
        unparse(module(type("Foreign", (ast.stmt,), {})()))


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("'a'", '"a"'),
        ("'it\\'s'", '"it\'s"'),
        ("'say \"hi\"'", "'say \"hi\"'"),
        ("'\"it\\'s\"'", "'\"it\\'s\"'"),
        ("'\"it\\'s'", '"\\"it\'s"'),
        ("b'\\x00a'", 'b"\\x00a"'),
        ("f'{d[\"k\"]}'", "f\"{d['k']}\""),
        ("f'\"{x}\"'", "f'\"{x}\"'"),
        ("f'{x!r:>{w}}'", 'f"{x!r:>{w}}"'),
        ("f'{ {1: 2} }'", 'f"{ {1: 2} }"'),
    ],
)
def test_quotes_are_double_where_that_is_cheaper(text, printed):
    assert expression(text) == printed


def field(value):
    return ast.FormattedValue(value, -1, None)


def test_an_fstring_that_needs_two_kinds_of_quotes_makes_the_round_trip():
    tree = ast.JoinedStr(
        [field(ast.Constant("'''")), ast.Constant("-"), field(ast.Constant('"""'))]
    )
    check_round_trip(module(ast.Expr(tree)))


def test_an_fstring_that_cannot_be_written_before_3_12_is_refused_there():
    tree = module(ast.Expr(ast.JoinedStr([field(ast.Constant("\\"))])))
    if sys.version_info >= (3, 12):
        assert check_round_trip(tree) == "f\"{'\\\\'}\"\n"
    else:
        with pytest.raises(NoQuotesLeft):
            unparse(tree)


# ---- style ----

LOSS = """
def d_loss(w, X, y, g=1.0):
    z = X @ w
    e = np.exp(-z)
    q = 1 + e
    p = 1 / q
    g_n = -g / y.size
    d_p = g_n * (y / p - (1 - y) / (1 - p))
    d_z = d_p * e / (q * q)
    d_w = X.T @ d_z
    return d_w
"""
BRANCHES = """
def residual(r, a):
    return r * r - a


def d_newton_sqrt(a, tol=1e-12, g=1.0):
    large = a > 1
    r = a if large else 1.0
    tape = []
    while True:
        f = r * r - a
        step = f / (2 * r)
        tape.append((r, f))
        r = r - step
        if abs(step) < tol:
            break
    d_r = g
    d_a = 0.0
    while tape:
        r, f = tape.pop()
        d_step = -d_r
        d_f = d_step / (2 * r)
        d_r -= d_step * f / (2 * r * r)
        d_r += d_f * 2 * r
        d_a -= d_f
    if large:
        d_a += d_r
    return d_a
"""
ENERGY = """
def energy(u, c, steps):
    for _ in range(steps):
        u[1:-1] -= c * u[1:-1] * (u[2:] - u[:-2])
    return np.sum(u**2)


def d_energy(u, c, steps, g=1.0):
    u = u.copy()
    tape = []
    for _ in range(steps):
        mid = u[1:-1].copy()
        slope = u[2:] - u[:-2]
        tape.append((mid, slope))
        u[1:-1] -= c * mid * slope
    d_u = 2 * g * u
    d_c = 0.0
    while tape:
        mid, slope = tape.pop()
        d_step = -d_u[1:-1]
        d_c += np.vdot(d_step, mid * slope)
        d_mid = d_step * c * slope
        d_slope = d_step * c * mid
        d_u[2:] += d_slope
        d_u[:-2] -= d_slope
        d_u[1:-1] += d_mid
    return d_u, d_c
"""
LU_SUM = """
def d_lu_sum(A, g=1.0):
    A = A.copy()
    n = len(A)
    tape = []
    for i in range(n):
        for j in range(i):
            tape.append(A[i, j])
            A[i, j] -= A[i, :j] @ A[:j, j]
            tape.append(A[i, j])
            A[i, j] /= A[j, j]
    d_A = np.full_like(A, g)
    for i in reversed(range(n)):
        for j in reversed(range(i, n)):
            A[i, j] = tape.pop()
            d_A[i, :i] -= d_A[i, j] * A[:i, j]
        for j in reversed(range(i)):
            d_A[j, j] -= d_A[i, j] * A[i, j] / A[j, j]
            d_A[i, j] /= A[j, j]
    return d_A


args = (np.array([[4.0, 1.0, 2.0], [1.0, 5.0, 0.5], [2.0, 0.3, 6.0]]),)
"""


@pytest.mark.parametrize("source", [LOSS, BRANCHES, ENERGY, LU_SUM])
def test_hand_written_gradients_print_as_they_were_written(source):
    assert unparse(parse(source)) == lines(source)


@pytest.mark.parametrize(
    "text",
    [
        *["a - (b - c)", "a * b * c", "a * (b * c)", "-g * z / y", "a / (b / c)", "a - b * c"],
        *["u**2", "x**-1", "a.b**c.d", "2**-x", "f(x) ** 2", "(a + b) ** 2", "x ** (a + b)"],
        *["(-x) ** 2", "-x**2", "x[0] ** 2", "5**~4", "x**y**z", "(x**y) ** z", "(-1) ** n"],
        *["A[i, :j]", "u[1:-1]", "u[::2]", "A[:, None]", "x[a + 1 :]", "x[: a + 1]", "A[i,]"],
        *["x[a + 1 : b, c:d]", "x[f(a) :: 2]", "x[:: n.k]", "x[not a :]", "x[-n:]", "x[*a]"],
        *["not a and (b or c)", "not a == b", "(not a) == b", "a < b <= c", "a if b else c"],
        *["lambda: 0", "lambda x, *, y=1: x", "(1).real", "f(x for x in y)", "f(*a, k=b, **c)"],
        *["(a,)", "()", "[a, *b]", "{**a}", "{a: b}", "{a}", "(yield)", "(a := b)"],
    ],
)
def test_parentheses_and_spaces_are_those_of_black(text):
    assert expression(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *[
            "return a, b",
            "return (a,)",
            "a, b = b, a",
            "(a,) = b",
            "x: int = 0",
            "(x): int",
            "x = yield",
        ],
        *["for i, x in enumerate(y):\n    pass", "while x := f():\n    pass", "raise A from b"],
        *["def f(a, /, b: int = 1, *c, d=2, **e) -> int:\n    ...", "class A:\n    pass"],
        *["from .a import b as c, d", "import numpy as np", "with a as b, c:\n    pass"],
        *["if a:\n    b\nelif c:\n    d\nelse:\n    e", "@f\nclass A(B, k=c):\n    x = 1"],
    ],
)
def test_statements_print_as_written(text):
    assert unparse(parse(text)) == text + "\n"


def test_empty_lines_stand_where_black_puts_them():
    source = lines(
        '''
        """Title."""

        import numpy as np

        x = 1


        def f():
            """Doc."""
            y = 1

            def g():
                return y

            return g


        class A:
            """Doc."""

            x = 1

            def f(self):
                pass

            def g(self):
                pass


        if x:

            def h():
                pass
        else:
            h = f


        def last():
            pass
        '''
    )
    assert unparse(parse(source)) == source


# ---- comments and empty lines of one's own ----


def test_comments_print_at_the_indentation_of_their_block():
    f, g = parse("def f(x):\n    if x:\n        y = 1\n    return y\ndef g(): pass").body
    f.body.insert(1, Comment("return y\nin two lines"))
    f.body[0].body.insert(0, Comment("when x"))
    f.body.append(BlankLine())
    tree = module(
        Comment("Of f."), f, Comment("Of g."), Comment(""), g, Comment("The end."), BlankLine()
    )
    assert unparse(tree) == lines(
        """
        # Of f.
        def f(x):
            if x:
                # when x
                y = 1
            # return y
            # in two lines
            return y


        # Of g.
        #
        def g():
            pass


        # The end.
        """
    )


def test_empty_lines_of_ones_own_separate_statements_and_part_comments_from_definitions():
    x, f = parse("x = 1\ndef f(): pass").body
    assert unparse(module(x, BlankLine(), x)) == "x = 1\n\nx = 1\n"
    text = "# Header.\n\n\ndef f():\n    pass\n"
    assert unparse(module(Comment("Header."), BlankLine(), f)) == text


def test_a_docstring_may_stand_below_a_comment():
    text = '# Header.\n"""Title."""\n\nx = 1\n'
    assert unparse(module(Comment("Header."), *parse('"""Title."""\nx = 1').body)) == text


@pytest.mark.parametrize("body", [[], [Comment("nothing to do")], [BlankLine()]])
def test_a_block_without_statements_gets_a_pass(body):
    tree = parse("if x: pass\nelse: y")
    tree.body[0].body = body
    assert ast.dump(parse(unparse(tree))) == ast.dump(parse("if x: pass\nelse: y"))


@pytest.mark.parametrize(
    "twin", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_comments_copy_and_walk_like_any_node(twin):
    tree = module(Comment("text"), BlankLine())
    assert ast.dump(twin(tree)) == ast.dump(tree)
    assert unparse(twin(tree)) == "# text\n"
    assert [type(node) for node in ast.walk(twin(tree))] == [ast.Module, Comment, BlankLine]


# ---- gast ----


@pytest.mark.parametrize("path", FILES[::20], ids=lambda path: path.name)
def test_gast_trees_print_like_those_of_ast(path):
    try:
        tree = parse(path.read_bytes())
    except (SyntaxError, ValueError):
        pytest.skip("shows a syntax error")
    assert unparse(gast.ast_to_gast(copy.deepcopy(tree))) == unparse(tree)


def test_parts_of_gast_trees_print_too():
    tree = gast.parse(
        "def f(a, /, *b: int, c=1, **d):\n try: (x): int\n except E as e: return a + b, c"
    )
    tree.body[0].body.insert(0, Comment("z = f(x)"))
    assert unparse(tree.body[0]) == lines(
        """
        def f(a, /, *b: int, c=1, **d):
            # z = f(x)
            try:
                (x): int
            except E as e:
                return a + b, c
        """
    )
    assert unparse(gast.parse("(a + b) * -c").body[0].value) == "(a + b) * -c"


# ---- long lines ----

LONG_LINES = """
d_long_name = (
    some_factor
    + another_factor * yet_another_factor
    - np.some_function(argument_one)
)
d_long_name = (
    some_factor_name * another_factor_name * one_more_factor
)
d_long_name = np.some_function_name(
    argument_one, argument_two, key=argument_three
)
d_long_name = np.some_function_name(
    argument_one * argument_two + 1,
    argument_two,
    key=argument_three,
    **others,
)
d_A[some_index_name, another_index_name] += (
    -d_long_name * other_name / some_name
)
d_A[some_index_name, another_index_name, a_third_name] = (
    d_long_name
)
d_long_name = some_factor_name * np.some_function_name(
    argument_one, argument_two
)
d_name = some_function(argument_one).copy().another_one(
    argument_two
)
some_values = [
    argument_one_is_long,
    argument_two_is_long,
    argument_three,
]
some_values = [
    element_name * other_name
    for element_name, other_name in some_sequence
    if other_name
]
some_values = {
    "argument_one": argument_one,
    "argument_two": argument_two,
    **others,
}
first_target_name, second_target_name, third = (
    tape_of_the_loop.pop
)
(
    first_target_name,
    second_target_name,
    third_target_name,
    fourth_target_name,
) = tape_of_the_loop.pop()
large = (
    first_condition_name > 1
    and not second_condition_name
    or third_condition
)
value = (
    first_value_name
    if some_condition_name > other_name
    else second_value_name
)
assert some_condition_name > other_name, (
    "the message of the assertion"
)
for index_name, element_name in zip(
    some_sequence_name, another_sequence
):
    pass
if (
    some_condition_name
    or another_condition_name
    or third_condition
):
    pass
with (
    some_context_manager_name as first_name,
    another_context(),
):
    pass


def d_some_function_name(argument_one, argument_two, g=1.0):
    return (
        some_result_of_this_function,
        another_result_of_this,
    )


def d_some_function_name(
    argument_one, argument_two, three=3, g=1.0
) -> tuple[int, int]:
    return np.where(
        some_condition_name, some_value, another_value
    )


def d_some_function_name_that_is_very_long_indeed(
    argument_one,
):
    return "a string that is longer than the line may be, which stays as it is"


def d_some_function_name(
    argument_one,
    argument_two=2,
    *,
    argument_three=3,
    argument_four=4,
):
    pass
"""


def test_long_lines_break_at_brackets_and_operators_as_black_breaks_them():
    tree = parse(LONG_LINES)
    assert unparse(tree, width=60) == lines(LONG_LINES)
    assert "(\n" not in unparse(tree, width=1000)


def test_lines_break_only_beyond_the_width():
    text = "d_x = alpha + beta + gamma\n"
    assert unparse(parse(text), width=len(text) - 1) == text
    assert unparse(parse(text), width=len(text) - 2) == "d_x = (\n    alpha + beta + gamma\n)\n"


def test_comments_and_strings_are_never_broken():
    tree = module(Comment("a " * 20 + "b"), *parse(f"x = '{'c ' * 20}'").body)
    assert unparse(tree, width=20) == f'# {"a " * 20}b\nx = "{"c " * 20}"\n'


def test_a_layout_leaves_pieces_whole():
    assert list(broken(["x", " = ", OPEN, "a + b", " * ", "c", CLOSE], 1, 12)) == [
        "    x = (",
        "        a + b",
        "        * c",
        "    )",
    ]


# ---- size ----


def test_a_sum_of_thousands_of_terms_prints():
    tree = load("x")
    for _ in range(5000):
        tree = ast.BinOp(tree, ast.Add(), load("x"))
    assert unparse(tree) == " + ".join(["x"] * 5001)
    text = unparse(module(ast.Assign([ast.Name("y", STORE)], tree)))
    assert text.startswith("y = (\n    x\n    + x\n") and text.count("\n") == 5003
