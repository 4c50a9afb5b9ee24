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
    "del of an attribute": ("y = x\ndel y.a\nreturn x", 2, 4, "'del' of an attribute"),
    "del of what is not bound": ("del y\nreturn x", 1, 0, ""),
    "deleted": ("y = x\ndel y\nreturn y", 3, 7, "'y' is read here"),
    "global": ("global G\nG = x\nreturn x", 1, 0, "global"),
    "yield": ("yield x", 1, 0, "generator"),
    "yield inside": ("def g():\n    yield x\nreturn x", 2, 4, "generator"),
    "match": ("match x:\n    case 1: return x\nreturn x", 1, 0, "'match'"),
    "with": ("with open('f') as h:\n    y = x\nreturn y", 1, 5, "'with' of"),
    "with as": ("with np.errstate(all='ignore') as h:\n    y = x\nreturn y", 1, 34, "'as'"),
    "attribute": ("x.a = 1.0\nreturn x", 1, 0, "'.a' of"),
    "attribute of a module": ("np.a = x\nreturn x", 1, 0, "'.a' of"),
    "remove": ("y = [x]\ny.remove(x)\nreturn y", 2, 0, "'.remove()' writes into the list"),
    "partition": ("x.partition(1)\nreturn x", 1, 0, "'.partition()' writes into the array"),
    "array of the module": ("ARRAY[0] = x\nreturn x", 1, 0, "'ARRAY' is written to"),
    "array of the module, added to": ("ARRAY[:] += x\nreturn x", 1, 0, "'ARRAY' is written to"),
    "list of the module": ("LIST.append(x)\nreturn x", 1, 0, "'LIST' is written to"),
    "dict of the module": ("DICT['a'] = x\nreturn x", 1, 0, "'DICT' is written to"),
    "entry of a tuple": (
        "y = (x, x)\ny[0] = x\nreturn y",
        2,
        0,
        "does not support item assignment",
    ),
    "entry of a string": ("y = 'a'\ny[0] = 'b'\nreturn x", 2, 0, "not support item assignment"),
    "entry of a function": ("np.sin[0] = x\nreturn x", 1, 0, "not support item assignment"),
    "entry that is not there": ("y = [x]\ny[2] = x\nreturn y", 2, 0, "IndexError"),
    "del of what is not there": ("y = {'a': x}\ndel y['b']\nreturn y", 2, 0, "KeyError"),
    "pop of nothing": ("y = []\ny.pop()\nreturn x", 2, 0, "IndexError: pop from empty list"),
    "computed key": ("y = {}\ny[x] = x\nreturn y", 2, 0, "only known when the function runs"),
    "out of a number": ("y = 1.0\nnp.add(x, x, out=y)\nreturn y", 2, 0, "'out=' of"),
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
    "async comprehension": ("return [v async for v in x]", 1, 7, ""),
    "import star": ("", 0, 0, ""),
    "bare raise": ("raise", 1, 0, "'raise' without"),
}
del CASES["import star"], CASES["async comprehension"]


def define(body, name="f", file="refused.py"):
    """A function of `x` with this body, whose source can be found; its first line is line 3."""
    text = f"# head\n\ndef {name}(x):\n" + textwrap.indent(body, "    ") + "\n"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    names = {"np": np, "ARRAY": np.zeros(3), "LIST": [], "DICT": {}}
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
    inner = define("y = x\ny.partition(1)\nreturn y", "inner", "inner.py")

    def outer(x):
        return inner(x) + 1

    with pytest.raises(UnsupportedSyntax) as caught:
        lower(outer)
    assert (caught.value.location.file, caught.value.location.line) == ("inner.py", 5)
    assert caught.value.location.function == "inner"


def test_nothing_is_refused_on_paths_that_are_never_taken():
    f = define("if None is not None:\n    x.partition(1)\n    y = unknown\nreturn x")
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
