"""What is refused: at which line and column, with what message and what cure."""

import linecache
import textwrap

import numpy as np
import pytest

from srcgrad.errors import SourceNotFound, UnsupportedSyntax
from srcgrad.frontend.lower import lower
from srcgrad.ir.types import facts_of

CASES = {
    "try": ("try:\n    y = x\nexcept ValueError:\n    y = 0\nreturn y", 1, 0, "'try'"),
    "class": ("class A:\n    pass\nreturn x", 1, 0, "class"),
    "del": ("y = x\ndel y\nreturn x", 2, 0, "'del'"),
    "global": ("global G\nG = x\nreturn x", 1, 0, "global"),
    "yield": ("yield x", 1, 0, "generator"),
    "yield inside": ("def g():\n    yield x\nreturn x", 2, 4, "generator"),
    "match": ("match x:\n    case 1: return x\nreturn x", 1, 0, "'match'"),
    "with": ("with open('f') as h:\n    y = x\nreturn y", 1, 5, "'with' of"),
    "with as": ("with np.errstate(all='ignore') as h:\n    y = x\nreturn y", 1, 34, "'as'"),
    "subscript": ("x[0] = 1.0\nreturn x", 1, 0, "writing into an array"),
    "slice, augmented": ("y = x\ny[1:] += 1.0\nreturn y", 2, 0, "writing into an array"),
    "attribute": ("x.a = 1.0\nreturn x", 1, 0, "attribute 'a'"),
    "target of a loop": ("for x[0] in range(3):\n    pass\nreturn x", 1, 4, "writing into"),
    "append": ("y = [x]\ny.append(x)\nreturn y", 2, 0, "'.append()' writes into the list"),
    "append to a parameter": ("x.append(1.0)\nreturn x", 1, 0, "'.append()' writes"),
    "sort": ("x.sort()\nreturn x", 1, 0, "'.sort()' writes"),
    "fill": ("x.fill(0)\nreturn x", 1, 0, "'.fill()' writes"),
    "update": ("d = {'a': x}\nd.update(b=x)\nreturn d", 2, 0, "'.update()'"),
    "out": ("np.add(x, x, out=x)\nreturn x", 1, 0, "'out='"),
    "out of a method": ("x.sum(out=x)\nreturn x", 1, 0, "'out='"),
    "augmented array": (
        "y = np.zeros(3)\ny += x\nreturn y",
        2,
        0,
        "'y += ...' writes into the array",
    ),
    "augmented list": ("y = [x]\ny += [x]\nreturn y", 2, 0, "writes into the list"),
    "set comprehension": ("return {v for v in x}", 1, 7, "set comprehension"),
    "computed set": ("return {x, 1}", 1, 7, "set of computed"),
    "computed keys": ("return {x: 1.0}", 1, 8, "key of a dict"),
    "keys in a comprehension": ("return {v: 1.0 for v in x}", 1, 8, "keys of this dict"),
    "eval": ("return eval('x')", 1, 7, "'eval()'"),
    "getattr": ("return getattr(np, x)(x)", 1, 7, "getattr with a name"),
    "unknown name": ("return x + unknown", 1, 11, "name 'unknown' is not defined"),
    "unbound": ("y = y + x\nreturn y", 1, 4, "'y' is read here"),
    "unknown attribute": ("return np.sine(x)", 1, 7, "has no attribute 'sine'"),
    "computing with a function": ("return np.sin + x", 1, 7, "a function cannot be computed with"),
    "calling a number": ("y = 1.0\nreturn y(x)", 2, 7, "cannot be called"),
    "subscript of a function": ("return np.sin[0]", 1, 7, "cannot be subscripted"),
    "star of unknown length": ("return max(*x)", 1, 11, "how many arguments"),
    "keywords of unknown names": ("return dict(**x)", 1, 7, "keys of what is spread"),
    "function handed on": ("return np.apply_along_axis(lambda t: t, 0, x)", 1, 7, "handed to code"),
    "function in vectorize": ("return np.vectorize(lambda t: t)(x)", 1, 7, "handed to code"),
    "loop over a function": ("for g in np.sin:\n    pass\nreturn x", 1, 0, "cannot be walked over"),
    "unpack a function": ("a, b = np.sin\nreturn a", 1, 0, "cannot unpack"),
    "class with state": ("return Stateful(x).y", 1, 7, "making an instance of 'Stateful'"),
    "async comprehension": ("return [v async for v in x]", 1, 7, ""),
    "import star": ("", 0, 0, ""),
    "bare raise": ("raise", 1, 0, "'raise' without"),
}
del CASES["import star"], CASES["async comprehension"]


class Stateful:
    def __init__(self, y):
        self.y = y


def define(body, name="f", file="refused.py"):
    """A function of `x` with this body, whose source can be found; its first line is line 3."""
    text = f"# head\n\ndef {name}(x):\n" + textwrap.indent(body, "    ") + "\n"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    names = {"np": np, "Stateful": Stateful}
    exec(compile(text, file, "exec"), names)
    return names[name]


@pytest.mark.parametrize("name", CASES)
def test_refused(name):
    body, line, column, message = CASES[name]
    f = define(body, file=f"refused {name}.py")
    with pytest.raises(UnsupportedSyntax) as caught:
        lower(f)
    error = caught.value
    assert message in error.message
    where = error.location
    assert (where.line, where.column) == (line + 3, column + 5)
    assert where.file == f"refused {name}.py"
    assert where.function in ("f", "g")
    assert (error.lineno, error.offset, error.filename) == (where.line, where.column, where.file)
    shown = str(error).split("\n")
    assert shown[1] == f'  File "{where.file}", line {where.line}, in {where.function}'
    assert shown[3].strip("^ ") == ""


def test_a_refusal_names_the_line_of_the_function_that_is_called():
    inner = define("y = x\ny[0] = 1.0\nreturn y", "inner", "inner.py")

    def outer(x):
        return inner(x) + 1

    with pytest.raises(UnsupportedSyntax) as caught:
        lower(outer)
    assert (caught.value.location.file, caught.value.location.line) == ("inner.py", 5)
    assert caught.value.location.function == "inner"


def test_nothing_is_refused_on_paths_that_are_never_taken():
    f = define("if None is not None:\n    x[0] = 1.0\n    y = unknown\nreturn x")
    assert lower(f).body.ops == ()


def test_async_functions():
    async def f(x):
        return x

    with pytest.raises(UnsupportedSyntax, match="async function"):
        lower(f)


def test_source_that_cannot_be_found():
    names = {}
    exec("def f(x): return x", names)
    f = names["f"]

    def g(x):
        return f(x)

    with pytest.raises(SourceNotFound):
        lower(f)
    with pytest.raises(SourceNotFound):
        lower(g)


def test_parameters_of_unknown_number():
    def f(*xs, **named):
        return max(*xs)

    with pytest.raises(UnsupportedSyntax, match="how many arguments"):
        lower(f)
    lower(f, {"xs": facts_of((1.0, 2.0)), "named": facts_of({})})


def test_depth_of_calls():
    f = lambda x: x  # noqa: E731
    for _ in range(30):
        f = (lambda g: lambda x: g(x))(f)
    with pytest.raises(UnsupportedSyntax, match="deep here"):
        lower(f)


def test_a_deep_expression():
    f = define("return " + " + ".join(["x"] * 150))
    assert len(lower(f).body.ops) == 149
