import ast
import contextlib
import dis
import doctest
import functools
import importlib.util
import itertools
import linecache
import math
import operator
import os
import pathlib
import py_compile
import subprocess
import sys
import textwrap
import types
import zipfile

import gast
import numpy as np
import pytest
from _pytest.assertion.rewrite import rewrite_asserts
from hypothesis import given
from hypothesis import strategies as st

from srcgrad.errors import NotDifferentiable, SourceNotFound, UnsupportedSyntax
from srcgrad.frontend import source as source_module
from srcgrad.frontend.source import find_source, free_names
from srcgrad.frontend.unwrap import Unwrapped, unwrap

ROOT = pathlib.Path(__file__).parents[2]
fresh_names = (f"<cell {n}>" for n in itertools.count())


def keep(text, file):
    """Put `text` where notebooks put theirs."""
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)


def run(text, file=None, transform=lambda tree: tree, **names):
    """Run `text` as a notebook cell and return its names. `transform` changes what is compiled."""
    file = file or next(fresh_names)
    keep(text, file)
    namespace = {"__name__": "cell", "__file__": file} | names
    tree = compile(text, file, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    exec(compile(transform(tree), file, "exec", dont_inherit=True), namespace)
    return namespace


def edit(function, old, new):
    """Change the text that `function` came from, as an editor does below a running program."""
    file = function.__code__.co_filename
    text = "".join(linecache.cache[file][2])
    assert old in text
    keep(text.replace(old, new), file)


def load(path, text):
    """Import a file of `text`, written as it stands (no translation of line ends)."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def segment(source):
    """The text between the positions of the tree, which must be those of the file."""
    return ast.get_source_segment("\n".join(source.lines) + "\n", source.tree)


def rebuilt(source):
    """A function made from the tree, with the globals and the free values of the original."""
    tree = gast.gast_to_ast(source.tree)
    names = source.function.__globals__ | {
        name: cell.cell_contents for name, cell in free_names(source).items()
    }
    if isinstance(tree, ast.Lambda):
        return eval(compile(ast.Expression(tree), source.file, "eval"), names)
    tree.decorator_list = []
    exec(compile(ast.Module([tree], []), source.file, "exec"), names)
    return names[tree.name]


# --- lambdas --------------------------------------------------------------------------------------

LAMBDAS = {
    "alone": ("f = lambda x: x * x\n", "f", "lambda x: x * x"),
    "last of two": ("g, f = lambda x: x*x, lambda x: x*x*x\n", "f", "lambda x: x*x*x"),
    "first of two": ("f, g = lambda x: x*x, lambda x: x*x*x\n", "f", "lambda x: x*x"),
    "equal bytecode": ("g, f = lambda x: x*x, lambda x:  x*x\n", "f", "lambda x:  x*x"),
    "equal bytecode, other defaults": (
        "g, f = lambda x, k=1: x, lambda x, k=2: x\n",
        "f",
        "lambda x, k=2: x",
    ),
    "other constant": ("f, g = lambda x: x*1, lambda x: x*1.0\n", "f", "lambda x: x*1"),
    "negative zero": ("f, g = lambda x: x*-0.0, lambda x: x*0.0\n", "g", "lambda x: x*0.0"),
    "in a list": ("fs = [\n    lambda x: x,\n    lambda x: -x,\n]\n", "fs[1]", "lambda x: -x"),
    "in a call over lines": (
        "def last(a, b): return b\nf = last(\n  lambda x: x,\n  lambda x: x + (\n    1\n  ))\n",
        "f",
        "lambda x: x + (\n    1\n  )",
    ),
    "in a dict": ("d = {'a': lambda x: x,\n     'b': lambda x: 2*x}\n", "d['b']", "lambda x: 2*x"),
    "a default": ("def h(k=lambda x: x + 1): return k\n", "h()", "lambda x: x + 1"),
    "with a lambda for a default": (
        "f = lambda x, k=lambda y: y: k(x)\n",
        "f",
        "lambda x, k=lambda y: y: k(x)",
    ),
    "the default of a lambda": (
        "f = (lambda x, k=lambda y: y: k(x)).__defaults__[0]\n",
        "f",
        "lambda y: y",
    ),
    "outer of nested": ("f = lambda x: lambda y: x*y\n", "f", "lambda x: lambda y: x*y"),
    "inner of nested": ("f = lambda x: lambda y: x*y\n", "f(2)", "lambda y: x*y"),
    "nested three deep": ("f = lambda x: lambda x: lambda x: x\n", "f(1)(1)", "lambda x: x"),
    "body below": ("f = lambda x: (\n  x +\n1)\nx = 1\n", "f", "lambda x: (\n  x +\n1)"),
    "continued": ("f = \\\n  lambda x: \\\n x\n", "f", "lambda x: \\\n x"),
    "goes on below its line": ("f = (lambda x: x\n  * 2)\n", "f", "lambda x: x\n  * 2"),
    "brackets opened above": ("fs = [0,\nlambda x: x][1:]\n", "fs[0]", "lambda x: x"),
    "in a comprehension": (
        "fs = [lambda x: x*k for k in (1, 2)]\n",
        "fs[1]",
        "lambda x: x*k",
    ),
    "behind non-ASCII text": (
        "s, f, g = 'äöü €😀', lambda ä: ä + 'ü', lambda ä: ä\n",
        "f",
        "lambda ä: ä + 'ü'",
    ),
    "indented by a tab": ("if 1:\n\tf = lambda x: x\n", "f", "lambda x: x"),
    "behind else": ("if 0: pass\nelse: f = lambda x: x\n", "f", "lambda x: x"),
    "behind a string over lines": ("s = '''\n  ''', lambda x: x\n", "s[1]", "lambda x: x"),
    "in a condition": ("f = (lambda x: 1) if 0 else (lambda x: 2)\n", "f", "lambda x: 2"),
    "returned": ("def h(a):\n    return lambda x: a*x\n", "h(1)", "lambda x: a*x"),
    "all kinds of parameters": (
        "f = lambda a, /, b, *c, d, e=1, **g: (a, b, c, d, e, g)\n",
        "f",
        "lambda a, /, b, *c, d, e=1, **g: (a, b, c, d, e, g)",
    ),
    "private names of a class": (
        "class A:\n    __k = 3\n    f = lambda self: self.__k\n",
        "A.f",
        "lambda self: self.__k",
    ),
    "private free name": (
        "class A:\n  def m(self):\n    __k = 3\n    return lambda x: x*__k\n",
        "A().m()",
        "lambda x: x*__k",
    ),
    "in a class in a call": (
        "class A:\n  f = property(\n    lambda self: self.__x)\n",
        "A.f.fget",
        "lambda self: self.__x",
    ),
    "argument of a decorator": (
        "def d(g): return lambda f: g\n@d(lambda x: x)\ndef h(y): return y\n",
        "h",
        "lambda x: x",
    ),
    "condition of a block": (
        "if (f := lambda x: x):\n    y = 1\n",
        "f",
        "lambda x: x",
    ),
    "calls an imported name": (
        "import math as m, operator\nf = lambda x: m.sin(operator.neg(x))\n",
        "f",
        "lambda x: m.sin(operator.neg(x))",
    ),
    "on the last line, without its end": ("x = 1\nf = lambda x: x", "f", "lambda x: x"),
}


@pytest.mark.parametrize("case", LAMBDAS)
def test_a_lambda_is_found(case):
    text, which, expected = LAMBDAS[case]
    found = find_source(eval(which, run(text)))
    assert isinstance(found.tree, gast.Lambda)
    assert found.name == "<lambda>"
    assert segment(found) == expected


def test_identical_lambdas_are_told_apart_by_their_column():
    namespace = run("f, g, h = lambda x: x, lambda x: x, lambda x: x\n")
    columns = [find_source(namespace[name]).tree.col_offset for name in "fgh"]
    assert columns == [10, 23, 36]


OPERATORS = st.sampled_from(["+", "-", "*", " + ", " -  ", "%"])


def bodies(names):
    """Expressions over `names`, among them lambdas that close over these."""
    leaves = st.sampled_from([*names, "1", "2", "1.0", "-0.0", "True"])
    return st.recursive(
        leaves,
        lambda inner: (
            st.tuples(inner, OPERATORS, inner).map("".join)
            | st.tuples(inner, inner, inner).map("({0[0]} if {0[1]} else {0[2]})".format)
            | inner.map("(lambda z: z + {})(1)".format)
            | inner.map("len('ä😀') * {}".format)
        ),
        max_leaves=5,
    )


@given(st.lists(bodies("xy"), min_size=1, max_size=5), st.sampled_from([", ", ",", ",\n  ", ",  "]))
def test_every_lambda_of_a_random_list_is_found(found_bodies, separator):
    # The pair keeps them from being constants: equal ones share one code object in Python 3.12.
    texts = [f"lambda x, y: (x, {body})" for body in found_bodies]
    text = "é = 'é'; functions = [" + separator.join(texts) + "]\n"
    file = "<random lambdas>"
    offset = 0
    for function, expected in zip(run(text, file)["functions"], texts, strict=True):
        found = find_source(function)
        assert segment(found) == expected
        # Also the right one of several with equal text.
        offset = text.index(expected, offset)
        line = text.count("\n", 0, offset)
        column = offset - (text.rfind("\n", 0, offset) + 1)
        where = found.location(found.tree)
        assert (where.line, where.column) == (line + 1, column + 1)
        offset += 1


@given(bodies("xy"))
def test_a_lambda_inside_a_lambda_is_found(body):
    function = run(f"f = [lambda x: lambda y: {body}, lambda x: lambda y: {body}][1]\n")["f"](3)
    found = find_source(function)
    assert segment(found) == f"lambda y: {body}"
    assert set(free_names(found)) == {"x"} & set(function.__code__.co_freevars)


# --- functions ------------------------------------------------------------------------------------

DEFS = {
    "plain": ("def f(x):\n    return x\n", "f", "def f(x):\n    return x"),
    "on one line": ("def f(x): return x; y\ndef g(x): return 2\n", "f", "def f(x): return x; y"),
    "comments and empty lines within": (
        "def f(x):\n  # a\n# b\n\n  return x\n# c\ny = 1\n",
        "f",
        "def f(x):\n  # a\n# b\n\n  return x",
    ),
    "decorated": (
        "def d(f): return f\n@d\n@d\ndef f(x):\n    return x\n",
        "f",
        "def f(x):\n    return x",
    ),
    "decorated over lines": (
        "def d(**k): return lambda f: f\n@d(\n    k=(0,\n1),\n)\n# so\ndef f(x):\n  return x\n",
        "f",
        "def f(x):\n  return x",
    ),
    "decorated with a call": (
        "def d(*a, **k): return lambda f: f\n@d(argnums=(0, 1))\ndef f(x, y):\n  return x\n",
        "f",
        "def f(x, y):\n  return x",
    ),
    "signature over lines": (
        "def f(x,\n  y=1,\n):\n  return x\n",
        "f",
        "def f(x,\n  y=1,\n):\n  return x",
    ),
    "string that is not indented": (
        "if 1:\n  def f(x):\n    s = '''\na\n  b\n'''\n    return x\n  y = 1\n",
        "f",
        "def f(x):\n    s = '''\na\n  b\n'''\n    return x",
    ),
    "many lines that are not indented": (
        "def f(x):\n  return '''\n" + "a\n" * 30 + "''', x\ny = 1\n",
        "f",
        "def f(x):\n  return '''\n" + "a\n" * 30 + "''', x",
    ),
    "brackets that are not indented": (
        "def f(x):\n    y = (\nx,\n)\n    return y\nz = 1\n",
        "f",
        "def f(x):\n    y = (\nx,\n)\n    return y",
    ),
    "code after the last instruction": (
        "def f(x):\n  return x\n  pass\n  'dead'\n  '''\nso\n'''\ny = 1\n",
        "f",
        "def f(x):\n  return x\n  pass\n  'dead'\n  '''\nso\n'''",
    ),
    "continued line": (
        "def f(x):\n  return x + \\\n1\ny = 1\n",
        "f",
        "def f(x):\n  return x + \\\n1",
    ),
    "tabs and spaces": (
        "if 1:\n\tif 1:\n\t\tdef f(x):\n\t\t\treturn x\n\ty = 1\n",
        "f",
        "def f(x):\n\t\t\treturn x",
    ),
    "tab before, spaces within": (
        "if 1:\n\tdef f(x):\n         return x\ny = 1\n",
        "f",
        "def f(x):\n         return x",
    ),
    "form feed": ("x = 1\n\f\n\fdef f(x):\n  return x\n\f\ny = 1\n", "f", "def f(x):\n  return x"),
    "in a class in a function": (
        "def outer(k):\n  class A:\n    def f(self, x):\n      return k * x\n  return A\n",
        "outer(2).f",
        "def f(self, x):\n      return k * x",
    ),
    "method with super": (
        "class A:\n  def f(self):\n    return super().__repr__(), A, __class__\n",
        "A.f",
        "def f(self):\n    return super().__repr__(), A, __class__",
    ),
    "private method": (
        "class A:\n  def __f(self):\n    return self.__f, lambda: self.__g\n",
        "A._A__f",
        "def __f(self):\n    return self.__f, lambda: self.__g",
    ),
    "function in a method": (
        "class A:\n  def m(self, __k):\n    def f(x): return x.__y + __k\n    return f\n",
        "A().m(1)",
        "def f(x): return x.__y + __k",
    ),
    "global function of a method": (
        "class A:\n  def m(self):\n    global f\n    def f(x): return x.__y\nA().m()\n",
        "f",
        "def f(x): return x.__y",
    ),
    "recursive inner function": (
        "def outer():\n  def f(x):\n    return f(x - 1) if x else 0\n  return f\n",
        "outer()",
        "def f(x):\n    return f(x - 1) if x else 0",
    ),
    "nonlocal": (
        "def outer(n):\n  def f(x):\n    nonlocal n\n    n += x\n    return n\n  return f\n",
        "outer(1)",
        "def f(x):\n    nonlocal n\n    n += x\n    return n",
    ),
    "one of two with one name": (
        "def f(x):\n  return x\ng = f\ndef f(x):\n  return x\n",
        "g",
        "def f(x):\n  return x",
    ),
    "branches with one name": (
        "if 0:\n  def f(x): return 1\nelse:\n  def f(x): return 2\n",
        "f",
        "def f(x): return 2",
    ),
    "holds a class": (
        "class O:\n  def f(self):\n    class A:\n      def g(self): return super()\n    return A\n",
        "O.f",
        "def f(self):\n    class A:\n      def g(self): return super()\n    return A",
    ),
    "holds functions": (
        "def f(x):\n  def g(y): return x + y\n  return [g(k) for k in (lambda: [x])()]\n",
        "f",
        "def f(x):\n  def g(y): return x + y\n  return [g(k) for k in (lambda: [x])()]",
    ),
    "annotated": (
        "from __future__ import annotations\n"
        "def f(x: A, *y: B, **z: C) -> D:\n  q: E = x\n  return q\n",
        "f",
        "def f(x: A, *y: B, **z: C) -> D:\n  q: E = x\n  return q",
    ),
    "annotated, evaluated": (
        "def f(x: 'A' = 1, *, y: 2 = (lambda: 3)) -> (lambda: 4):\n  return x\n",
        "f",
        "def f(x: 'A' = 1, *, y: 2 = (lambda: 3)) -> (lambda: 4):\n  return x",
    ),
    "a generator": ("def f(x):\n  yield x\n", "f", "def f(x):\n  yield x"),
    "async": ("async def f(x):\n  await x\n", "f", "async def f(x):\n  await x"),
    "renamed": (
        "def f(x): return x\nf.__name__ = f.__qualname__ = 'g'\n",
        "f",
        "def f(x): return x",
    ),
    "calls imported names": (
        "import math\nfrom fractions import Fraction\nfrom json import decoder as d\n"
        "def f(x): return math.sin(x), Fraction.from_float(x), d.scanner(x), x.real()\n",
        "f",
        "def f(x): return math.sin(x), Fraction.from_float(x), d.scanner(x), x.real()",
    ),
    "calls a name imported under a condition": (
        "try:\n  import math\nexcept ImportError:\n  math = None\ndef f(x): return math.sin(x)\n",
        "f",
        "def f(x): return math.sin(x)",
    ),
    "shadows an imported name": (
        "import math\ndef f(math): return math.sin(1)\n",
        "f",
        "def f(math): return math.sin(1)",
    ),
    "warns when compiled": (
        "def f(x):\n  return x is 1, '\\d'\n",
        "f",
        "def f(x):\n  return x is 1, '\\d'",
    ),
    "sets and other constants": (
        "def f(x):\n  return x in {'a', 'b', 'c', 1.5}, x in (1, (2.0, b'')), ..., 1j, None\n",
        "f",
        "def f(x):\n  return x in {'a', 'b', 'c', 1.5}, x in (1, (2.0, b'')), ..., 1j, None",
    ),
    "without a line end": ("def f(x):\n  return x", "f", "def f(x):\n  return x"),
}
if sys.version_info >= (3, 12):
    DEFS["generic"] = (
        "def f[T](x: T) -> T:\n  return T, x\n",
        "f",
        "def f[T](x: T) -> T:\n  return T, x",
    )
    DEFS["f-string"] = (
        "def f(x):\n  return f'{x!r:>{x}} {'a'}'\n",
        "f",
        "def f(x):\n  return f'{x!r:>{x}} {'a'}'",
    )


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("case", DEFS)
def test_a_def_is_found(case):
    text, which, expected = DEFS[case]
    function = eval(which, run(text))
    found = find_source(function)
    assert isinstance(found.tree, gast.FunctionDef | gast.AsyncFunctionDef)
    assert found.function is function
    assert found.name == function.__name__
    assert segment(found) == expected


def test_functions_of_one_name_are_told_apart_by_their_line():
    names = run("def f(x):\n  return x\ng = f\ndef f(x):\n  return x\n")
    assert [find_source(names[name]).tree.lineno for name in "gf"] == [1, 4]


def test_the_tree_is_a_fresh_one_each_time():
    function = run("f = (\n  lambda x: x)\n")["f"]
    find_source(function).tree.body = None
    assert find_source(function).tree.body.id == "x"


def test_a_sum_deeper_than_the_recursion_limit_is_refused():
    function = run("f = lambda x: " + " + ".join(["x"] * 800) + "\n")["f"]
    with pytest.raises(UnsupportedSyntax, match="nested too deeply") as error:
        find_source(function)
    assert error.value.lineno == 1
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        assert find_source(function).tree.body.right.id == "x"
    finally:
        sys.setrecursionlimit(limit)


def test_decorators_stay_in_the_tree():
    found = find_source(run("def d(f): return f\n@d\ndef f(x): return x\n")["f"])
    assert [node.id for node in found.tree.decorator_list] == ["d"]
    assert found.tree.lineno == 3


# --- where the text comes from --------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system(tmp_path, end):
    text = "# ä\n\ndef f(x):\n    y = '''ö\n'''\n    return x\n\ng = lambda x: x + 1\n"
    module = load(tmp_path / "ends.py", text.replace("\n", end))
    found = find_source(module.f)
    assert found.file == str(tmp_path / "ends.py")
    assert (found.tree.lineno, found.tree.end_lineno, found.line(6)) == (3, 6, "    return x")
    assert segment(find_source(module.g)) == "lambda x: x + 1"


@pytest.mark.parametrize("coding", ["latin-1", "utf-8-sig", "utf-8"])
def test_files_in_other_encodings(tmp_path, coding):
    declared = coding.removesuffix("-sig")
    text = f"# -*- coding: {declared} -*-\ns, f = 'äé', lambda ü: ü + 'ö'\n"
    found = find_source(load(tmp_path / "coded.py", text.encode(coding)).f)
    assert segment(found) == "lambda ü: ü + 'ö'"
    assert found.location(found.tree).column == 14


def test_a_function_of_a_zipped_module(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("from_a_zip.py", "def f(x):\n    return x\n")
    monkeypatch.syspath_prepend(tmp_path / "packed.zip")
    module = importlib.import_module("from_a_zip")
    assert segment(find_source(module.f)) == "def f(x):\n    return x"


def test_a_relative_file_name(tmp_path, monkeypatch):
    (tmp_path / "near.py").write_text("def f(x):\n    return x\n")
    monkeypatch.chdir(tmp_path)
    namespace = {}
    exec(compile("def f(x):\n    return x\n", "near.py", "exec"), namespace)
    assert segment(find_source(namespace["f"])) == "def f(x):\n    return x"


@pytest.mark.parametrize(
    "file", ["<ipython-input-1-0a1b>", "ipykernel_17/1234.py", "<python-input-0>"]
)
def test_a_notebook_cell(file):
    assert segment(find_source(run("f = lambda x: x\n", file)["f"])) == "lambda x: x"


def test_a_doctest():
    text = """
    >>> def f(x):
    ...     return x
    >>> g, h = lambda x: x, lambda x: -x
    >>> find_source(f).line(2)
    '    return x'
    >>> find_source(h).tree.body.op.__class__.__name__
    'USub'
    """
    test = doctest.DocTestParser().get_doctest(
        text, {"find_source": find_source}, "a doctest", "nowhere.txt", 0
    )
    assert doctest.DocTestRunner().run(test) == (0, 4)


def test_the_prompt_of_later_pythons(monkeypatch):
    # Since Python 3.13.1 the lines of the prompt are kept by code, not by file name.
    namespace = {}
    exec(compile("def f(x): return x\n", "<python-input-99>", "exec"), namespace)
    kept = {namespace["f"].__code__: ["def f(x): return x\n"]}
    monkeypatch.setattr(
        linecache, "_getlines_from_code", lambda code: kept.get(code, []), raising=False
    )
    assert segment(find_source(namespace["f"])) == "def f(x): return x"


def test_lines_split_at_more_than_line_feeds():
    text = "s = '\x0b\x1c\u2028'\n\f\ndef f(x):\n    return x\n"
    assert find_source(run(text)["f"]).line(3) == "def f(x):"


def without_text(file):
    namespace = {}
    exec(compile("def f(x): return x", file, "exec"), namespace)
    return namespace["f"]


@pytest.mark.parametrize(
    ("file", "reason", "cure"),
    [
        ("<stdin>", "typed at the bare prompt", "a file or a notebook"),
        ("<string>", "made from a string", "linecache.cache"),
        ("<generated>", "made from a string", "linecache.cache"),
        ("gone.py", "is not there", "custom_vjp"),
    ],
)
def test_a_function_without_text(file, reason, cure):
    with pytest.raises(SourceNotFound) as error:
        find_source(without_text(file))
    assert reason in error.value.message
    assert "'f'" in error.value.message
    assert cure in error.value.cure
    assert str(error.value.location) == f"{file}:1:1"


def test_the_cure_for_strings_works():
    file, string = "<my cell>", "def f(x): return x"
    namespace = {}
    exec(compile(string, file, "exec"), namespace)
    with pytest.raises(SourceNotFound) as error:
        find_source(namespace["f"])
    statement = error.value.cure.partition(" and set ")[2]
    exec(statement, {"linecache": linecache, "file": file, "string": string})
    assert segment(find_source(namespace["f"])) == string


def test_a_module_shipped_as_bytecode_only(tmp_path):
    path = tmp_path / "shipped.py"
    path.write_text("def f(x): return x\n")
    py_compile.compile(str(path), cfile=str(tmp_path / "shipped.pyc"), doraise=True)
    path.unlink()
    spec = importlib.util.spec_from_file_location("shipped", tmp_path / "shipped.pyc")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(SourceNotFound, match="shipped as bytecode only"):
        find_source(module.f)


@pytest.mark.parametrize("function", [len, np.tanh, np.sum, math.sin, operator.add, int])
def test_what_is_not_written_in_python(function):
    with pytest.raises(SourceNotFound, match="not written in Python"):
        find_source(function)


@pytest.mark.parametrize("code", ["x = 1", "(x for x in y)"])
def test_code_that_no_definition_made(code):
    file = next(fresh_names)
    keep(code, file)
    made = types.FunctionType(compile(code, file, "exec"), {})
    with pytest.raises(SourceNotFound):
        find_source(made)


# --- text that has changed ------------------------------------------------------------------------

STALE = """\
import math
def helper(x): return x

def f(x, y):
    '''About f.'''
    a = x * 2 + y  # a comment
    if a > 1:
        a = math.sin(a) - y or dict(key=a)
    for i in range(3):
        if a > 10:
            break
        a += i
    return a and x
g, h = lambda x: x*2, lambda x: x*3
"""

CHANGES = {
    "number": ("x * 2", "x * 3"),
    "type of a number": ("x * 2", "x * 2."),
    "operator": ("x * 2 + y", "x * 2 - y"),
    "name": ("sin(a) - y", "sin(a) - x"),
    "order": ("x * 2 + y", "y * 2 + x"),
    "shorter": ("x * 2 + y", "x * 2    "),
    "longer": ("sin(a) - y", "sin(a) - y - y"),
    "function": ("math.sin", "math.cos"),
    "keyword": ("dict(key=a)", "dict(kez=a)"),
    "leading on": ("break", "continue"),
    "comparison": ("a > 1:", "a < 1:"),
    "and": ("a and x", "a or  x"),
    "while": ("if a > 1:", "while a > 1:"),
    "statement": ("        a += i\n", "        a  = i\n"),
    "parameter": ("def f(x, y)", "def f(y, x)"),
    "kind of parameter": ("def f(x, y)", "def f(x, *y)"),
    "function's name": ("def f(", "def e("),
    "line away": ("        a += i\n", ""),
    "line added": ("    return a", "    a = 1\n    return a"),
    "syntax": ("    if a > 1:", "    if a > 1"),
    "all": (STALE, "pass\n"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_changed_text_is_refused(case):
    function = run(STALE)["f"]
    find_source(function)
    edit(function, *CHANGES[case])
    with pytest.raises(SourceNotFound, match="has changed") as error:
        find_source(function)
    assert error.value.cure


HARMLESS = {
    "comment": ("# a comment", "# another"),
    "docstring": ("About f.", "More about f."),
    "spaces": ("x * 2 + y", "(x*2) + y"),
    "below": ("    return a and x\n", "    return a and x\n\ny = 1\n"),
    "another function": ("def helper(x): return x", "def helper(x): return x + 1"),
    "a mistake below": ("g, h =", "g, h = ="),
    "lines above": ("import math\n", "import math\n\n\nx = 1\n"),
    "a copy above": ("import math\n", "import math\ndef f(x):\n  return x\n"),
    "lines above taken away": ("def helper(x): return x\n\n", ""),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_changes_elsewhere_do_no_harm(case):
    function = run(STALE)["f"]
    edit(function, *HARMLESS[case])
    found = find_source(function)
    assert found.line(found.tree.lineno) == "def f(x, y):"
    assert rebuilt(found)(1.5, 2.0) == function(1.5, 2.0)


def test_a_changed_lambda_is_refused_but_its_neighbour_is_not():
    names = run(STALE)
    edit(names["g"], "lambda x: x*2,", "lambda x: x*4,")
    assert segment(find_source(names["h"])) == "lambda x: x*3"
    with pytest.raises(SourceNotFound, match="has changed") as error:
        find_source(names["g"])
    assert error.value.location.text == "g, h = lambda x: x*4, lambda x: x*3"


def test_lambdas_that_changed_places_are_found_where_they_are():
    names = run(STALE)
    edit(names["g"], "lambda x: x*2, lambda x: x*3", "lambda x: x*3, lambda x: x*2")
    assert segment(find_source(names["g"])) == "lambda x: x*2"
    assert segment(find_source(names["h"])) == "lambda x: x*3"


def test_a_lambda_that_moved_is_refused():
    names = run(STALE)
    edit(names["g"], "import math\n", "import math\n\n")
    with pytest.raises(SourceNotFound, match="has changed"):
        find_source(names["g"])


def test_a_file_is_read_anew_when_it_changes(tmp_path):
    path = tmp_path / "edited.py"
    old = load(path, "def f(x):\n    return x + 1\n").f
    assert find_source(old).line(2) == "    return x + 1"
    path.write_text("def f(x):\n    return x + 22\n")
    with pytest.raises(SourceNotFound, match="has changed"):
        find_source(old)
    sys.dont_write_bytecode, kept = True, sys.dont_write_bytecode
    try:
        new = load(path, "def f(x):\n    return x + 333\n").f
    finally:
        sys.dont_write_bytecode = kept
    assert find_source(new).line(2) == "    return x + 333"
    path.unlink()
    with pytest.raises(SourceNotFound, match="is not there"):
        find_source(new)


def test_another_string_of_the_same_name_is_refused():
    first = run("f = lambda x: x\n", "<shared name>")["f"]
    run("f = lambda x: x + 1\n", "<shared name>")
    with pytest.raises(SourceNotFound, match="has changed"):
        find_source(first)


PROGRAM = """\
def f(x, y):
    a = {}
    {}
    if a > {}:
        a = {}
    for a in (a, 2):
        {}
        a += {}
        if a > 9: {}
    return {}
"""
PIECES = st.tuples(
    bodies("xy"),
    st.sampled_from(["assert x == x, y", "assert x != 0 or y", "pass"]),
    bodies("xya"),
    bodies("xya"),
    st.sampled_from(["assert a is not None", "pass", "a = 9"]),
    st.sampled_from(["4", "5", "6 + 7"]),
    st.sampled_from(["break", "pass", "return a", "a += 1"]),
    bodies("xya"),
)


def outcome(function):
    """What a function gives for some arguments, or the type of what it raises."""
    results = []
    for arguments in [(1, 2), (3, -1), (2.5, 4)]:
        try:
            results.append(repr(function(*arguments)))
        except (ArithmeticError, LookupError, TypeError) as error:
            results.append(type(error))
    return results


def with_rewritten_asserts(tree):
    rewrite_asserts(tree, b"")
    return tree


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("transform", [lambda tree: tree, with_rewritten_asserts])
@given(PIECES, PIECES, st.integers(0, 255))
def test_what_is_found_in_changed_text_does_the_same(transform, old, new, mask):
    mixed = [b if mask >> n & 1 else a for n, (a, b) in enumerate(zip(old, new, strict=True))]
    text = PROGRAM.format(*old)
    file = "<random program>"
    function = run(text, file, transform)["f"]
    assert outcome(rebuilt(find_source(function))) == outcome(function)
    keep(PROGRAM.format(*mixed), file)
    try:
        found = find_source(function)
    except SourceNotFound:
        assert PROGRAM.format(*mixed) != text
    else:
        # An assert may have changed, but these here never fail.
        assert outcome(rebuilt(found)) == outcome(function)


# --- tools that work on the code ------------------------------------------------------------------


def asserting(x, y=1):
    assert x > 0, "positive"
    z = [x * k for k in range(y)]
    for k in z:
        assert k == x and (k or k + 1), f"{k}"
        if k > 3:
            assert isinstance(k, int)
        else:
            assert np.sum(k) < 100
    assert len(z) == y
    return z


def test_a_function_whose_asserts_are_rewritten():
    assert any("@py" in name for name in asserting.__code__.co_varnames), "pytest rewrites asserts"
    found = find_source(asserting)
    assert sum(isinstance(node, gast.Assert) for node in gast.walk(found.tree)) == 5
    assert found.file == __file__


ASSERTING = """\
import math
def f(x):
    assert x > 0, x
    y = math.sin(x)
    if y > 1:
        assert y
        y = 2
    for k in range(3):
        if k: break
        assert (k and
                y)
    assert x
    return y
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("math.sin", "math.cos"),
        ("y > 1", "y > 2"),
        ("y = 2", "y = 3"),
        ("break", "pass "),
        ("break", "continue"),
        ("return y", "return x"),
        ("    assert x\n", "    x = 1\n"),
        ("    assert x\n", ""),
        ("math.sin(x)", "math.sin(x) + 1"),
        ("for k in range(3)", "for k in range(4)"),
        ("if y > 1:", "while y > 1:"),
    ],
)
def test_changed_text_with_rewritten_asserts_is_refused(old, new):
    function = run(ASSERTING, transform=with_rewritten_asserts)["f"]
    assert segment(find_source(function)) == ASSERTING.partition("\n")[2].rstrip()
    edit(function, old, new)
    with pytest.raises(SourceNotFound, match="has changed"):
        find_source(function)


def with_inserted_checks(tree):
    """Every right hand side goes through a check, as import hooks of type checkers have it."""

    class Inserter(ast.NodeTransformer):
        def visit_Assign(self, node):
            check = ast.Call(ast.Name("check", ast.Load()), [node.value], [])
            for part in (check, check.func):
                ast.copy_location(part, node)
            node.value = check
            return node

    return Inserter().visit(tree)


def test_code_with_inserted_checks_is_refused():
    function = run(STALE, transform=with_inserted_checks, check=lambda value: value)["f"]
    with pytest.raises(SourceNotFound, match="or a tool has rewritten"):
        find_source(function)


def test_padded_code_is_found():
    function = run("def f(x):\n    return x * 2\n")["f"]
    code = function.__code__
    pads = bytes([dis.opmap["NOP"], 0]) * 4
    function.__code__ = code.replace(co_code=code.co_code + pads)
    assert find_source(function).line(2) == "    return x * 2"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")
def test_a_monitored_function_is_found():
    function = run("def f(x):\n    y = x * 2\n    return y\n")["f"]
    tool, events = sys.monitoring.PROFILER_ID, sys.monitoring.events
    sys.monitoring.use_tool_id(tool, "test")
    try:
        sys.monitoring.set_local_events(tool, function.__code__, events.LINE | events.INSTRUCTION)
        function(1)
        assert find_source(function).tree.name == "f"
    finally:
        sys.monitoring.set_local_events(tool, function.__code__, 0)
        sys.monitoring.free_tool_id(tool)


def test_a_traced_and_often_called_function_is_found():
    function = run("def f(x):\n    y = x.real * 2\n    return y\n")["f"]
    for _ in range(100):
        function(1.5)  # the interpreter specialises its instructions
    trace, seen = sys.gettrace(), []
    sys.settrace(lambda *_: seen.append(1))
    try:
        function(1.0)
        found = find_source(function)
    finally:
        sys.settrace(trace)
    assert seen
    assert found.tree.name == "f"


SCRIPT = """\
from srcgrad.frontend.source import find_source
from srcgrad.errors import SourceNotFound
def f(x):
    '''About f.'''
    assert x > 0
    if __debug__:
        x = x + 1
    return x
g, h = lambda x: x * 2, lambda x: x * 3
same, also = lambda x: x, lambda x: x
one, two = lambda x, k=1: x, lambda x, k=2: x
def tell(function):
    try:
        found = find_source(function)
    except SourceNotFound as error:
        return error.cure
    return f"{found.tree.lineno}:{found.tree.col_offset}"
print(tell(f), tell(h), tell(also), tell(two), sep="|")
"""


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], "3:0|9:24|10:26|11:29"),
        (["-O"], "3:0|9:24|10:26|11:29"),
        (["-OO"], "3:0|9:24|10:26|11:29"),
        (["-X", "no_debug_ranges"], "3:0|9:24|10:13|give it a name with def"),
    ],
)
def test_other_ways_to_run_python(tmp_path, flags, expected):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, *flags, "script.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == (expected, "")


# --- places ---------------------------------------------------------------------------------------


def test_locations_count_characters():
    found = find_source(run("def h(): pass\nif 1:\n\tä = 'ü€'; f = lambda ß: 'é😀' + ß\n")["f"])
    where = found.location(found.tree.body.right)
    assert (where.line, where.column, where.end_column) == (3, 33, 34)
    assert where.text[where.column - 1 : where.end_column - 1] == "ß"
    assert where.function == "<lambda>"
    assert where.file == found.file


def test_the_location_of_a_node_over_lines_ends_with_its_first_line():
    found = find_source(run("def f(x):\n    y = (x +   \n  1)\n    return y\n")["f"])
    where = found.location(found.tree.body[0])
    assert (where.line, where.column, where.end_column) == (2, 5, 13)
    assert where.function == "f"
    assert where.text == "    y = (x +   "


def test_a_node_without_a_position_is_placed_at_the_function():
    found = find_source(run("\n\ndef f(x): return x\n")["f"])
    made = gast.Name("t", gast.Store(), None, None)
    assert str(found.location(made)) == f"{found.file}:3:1"


def test_lines():
    found = find_source(run("x = 1\ndef f(x):\n    return x\n")["f"])
    assert [found.line(n) for n in (0, 1, 3, 4, -1)] == ["", "x = 1", "    return x", "", ""]


def test_errors_show_the_line_and_the_caret():
    names = run("if 1:\n    g = lambda x: x*2\n")
    edit(names["g"], "x*2", "x*3")
    with pytest.raises(SourceNotFound) as error:
        find_source(names["g"])
    shown = str(error.value)
    assert "line 2, in <lambda>\n    g = lambda x: x*3\n    ^\n  Instead: " in shown


def test_free_names():
    text = textwrap.dedent("""
        def outer(a, b):
            def f(x):
                return a * x + c * later
            c, later = b, 3
            return f
        """)
    found = find_source(run(text)["outer"](1, 2))
    cells = free_names(found)
    assert {name: cell.cell_contents for name, cell in cells.items()} == {
        "a": 1,
        "c": 2,
        "later": 3,
    }
    assert free_names(find_source(run("f = lambda x: x\n")["f"])) == {}


# --- long files -----------------------------------------------------------------------------------


def test_long_files_are_parsed_only_where_it_is_needed(monkeypatch):
    def never(text):
        raise AssertionError("the whole file is parsed")

    block = "def g{0}(x):\n    y = np.sin(x) * {0}\n    return [k * y for k in x]\n\n"
    text = "import numpy as np\n\n" + "".join(map(block.format, range(800)))
    text += "class A:\n    def m(self, x):\n        return np.cos(x)\n    l = lambda x: np.exp(x)\n"
    names = run(text)
    monkeypatch.setattr(source_module._Text, "tree", property(never))
    assert segment(find_source(names["g700"])) == block.format(700).rstrip()
    assert find_source(names["A"].m).tree.lineno == 3204
    assert segment(find_source(names["A"].l)) == "lambda x: np.exp(x)"


def test_a_long_file_is_parsed_once(monkeypatch):
    text = "fs = [\n" + "  [0,\n    lambda x: x][1],\n" * 50 + "]\n"
    parsed, parse = [], source_module._parsed
    monkeypatch.setattr(source_module, "_parsed", lambda text: parsed.append(text) or parse(text))
    for function in run(text)["fs"]:
        find_source(function)
    assert sum(one.startswith("fs = [") for one in parsed) == 1


def test_texts_are_not_kept_for_ever():
    for n in range(40):
        find_source(run(f"f = lambda x: {n}\n")["f"])
    assert len(source_module._texts) <= 16


# --- unwrap ---------------------------------------------------------------------------------------


def base(x, y=0, *, k=1):
    return k * (x + y)


@functools.wraps(base)
def wrapper(*args, **kwargs):
    return base(*args, **kwargs)


@functools.wraps(wrapper)
def twice_wrapped(*args, **kwargs):
    return wrapper(*args, **kwargs)


@contextlib.contextmanager
def context():
    yield


class Model:
    def __init__(self, factor=2):
        self.factor = factor

    def predict(self, x, y=0, *, k=1):
        return self.factor * x + y * k

    __call__ = predict
    doubled = functools.partialmethod(predict, y=2)
    at_three = functools.partialmethod(predict, 3)

    @classmethod
    def made(cls, x):
        return x

    @staticmethod
    def plain(x):
        return x

    @functools.wraps(predict)
    def decorated(self, *args, **kwargs):
        return self.predict(*args, **kwargs)

    @functools.lru_cache  # noqa: B019
    def cached(self, x):
        return x


class Inherits(Model):
    pass


class StaticCall:
    @staticmethod
    def __call__(x):
        return x


class ClassCall:
    @classmethod
    def __call__(cls, x):
        return x


class PartialCall:
    __call__ = functools.partialmethod(Model.predict, y=5)
    factor = 2


class CallsAnother:
    __call__ = Model()


class DecoratedBy:
    def __init__(self, function):
        functools.update_wrapper(self, function)

    def __call__(self, *args):
        return self.__wrapped__(*args)


class Gradient:
    __srcgrad_transform__ = "grad"
    __wrapped__ = staticmethod(base)

    def __call__(self, x):
        return x


class PartialWithACallOfItsOwn(functools.partial):
    def __call__(self, *args):
        return -super().__call__(*args)


model = Model()
static_call, class_call, partial_call, another = (
    StaticCall(),
    ClassCall(),
    PartialCall(),
    CallsAnother(),
)
gradient = Gradient()
an_array = np.ones(2)
vectorized = np.vectorize(base)
polynomial = np.poly1d([1.0, 2.0])
P = functools.partial
MODEL_PREDICT = Model.__dict__["predict"]
decorated_by = DecoratedBy(base)
names_partial = functools.wraps(P(base, 1))(lambda *a: 0)
names_sum = functools.wraps(np.sum)(lambda *a: 0)

UNWRAPPED = {
    "def": (base, base, (), {}),
    "wrapped": (wrapper, base, (), {}),
    "wrapped twice": (twice_wrapped, base, (), {}),
    "lru_cache": (functools.lru_cache(base), base, (), {}),
    "cache of a wrapper": (functools.cache(wrapper), base, (), {}),
    "context manager as a decorator": (context()(base), base, (), {}),
    "decorator class": (decorated_by, DecoratedBy.__call__, (decorated_by,), {}),
    "partial": (P(base, 1, k=2), base, (1,), {"k": 2}),
    "partial of a partial": (P(P(base, 1, k=2), 3, k=4), base, (1, 3), {"k": 4}),
    "partial of a wrapped": (P(wrapper, 1), base, (1,), {}),
    "wrapped partial": (names_partial, names_partial, (), {}),
    "method": (model.predict, MODEL_PREDICT, (model,), {}),
    "function of a class": (Model.predict, MODEL_PREDICT, (), {}),
    "decorated method": (model.decorated, Model.decorated, (model,), {}),
    "cached method": (model.cached, Model.cached.__wrapped__, (model,), {}),
    "partial of a method": (P(model.predict, 1, k=3), MODEL_PREDICT, (model, 1), {"k": 3}),
    "method of a partial": (types.MethodType(P(base, 1), 2), base, (1, 2), {}),
    "partialmethod": (model.doubled, MODEL_PREDICT, (model,), {"y": 2}),
    "partialmethod, positional": (model.at_three, MODEL_PREDICT, (model, 3), {}),
    "classmethod": (Model.made, Model.made.__func__, (Model,), {}),
    "staticmethod": (model.plain, Model.plain, (), {}),
    "classmethod object": (Model.__dict__["made"], Model.made.__func__, (), {}),
    "staticmethod object": (staticmethod(base), base, (), {}),
    "callable object": (model, MODEL_PREDICT, (model,), {}),
    "bound call": (model.__call__, MODEL_PREDICT, (model,), {}),
    "partial of an object": (P(model, 1), MODEL_PREDICT, (model, 1), {}),
    "static call": (static_call, StaticCall.__call__, (), {}),
    "class call": (class_call, ClassCall.__call__.__func__, (ClassCall,), {}),
    "partial call": (partial_call, MODEL_PREDICT, (partial_call,), {"y": 5}),
    "call that is an object": (another, MODEL_PREDICT, (CallsAnother.__call__,), {}),
    "gradient": (gradient, gradient, (), {}),
    "partial of a gradient": (P(gradient, 1), gradient, (1,), {}),
    "method that is a gradient": (types.MethodType(gradient, 1), gradient, (1,), {}),
    "class": (Model, Model, (), {}),
    "partial of a class": (P(Model, 1), Model, (1,), {}),
    "ufunc": (np.tanh, np.tanh, (), {}),
    "ufunc's method": (np.add.reduce, np.add.reduce, (), {}),
    "dispatched NumPy function": (np.sum, np.sum, (), {}),
    "NumPy function in Python": (np.linalg.norm, np.linalg.norm, (), {}),
    "vectorize": (vectorized, vectorized, (), {}),
    "poly1d": (polynomial, polynomial, (), {}),
    "array's method": (an_array.sum, an_array.sum, (), {}),
    "math": (math.sin, math.sin, (), {}),
    "operator": (operator.mul, operator.mul, (), {}),
    "builtin": (abs, abs, (), {}),
    "wrapped NumPy function": (names_sum, names_sum, (), {}),
    "wrapped, decorated by a context": (np.errstate(all="ignore")(base), base, (), {}),
    "partial of NumPy": (P(np.sum, axis=0), np.sum, (), {"axis": 0}),
}


@pytest.mark.parametrize("case", UNWRAPPED)
def test_unwrap(case):
    given_, function, bound, keywords = UNWRAPPED[case]
    found = unwrap(given_)
    built_in = isinstance(function, types.BuiltinMethodType)  # made anew each time it is asked for
    assert found.function is function or (built_in and found.function == function)
    assert len(found.bound) == len(bound)
    assert all(a is b or a == b for a, b in zip(found.bound, bound, strict=True))
    assert found.keywords == keywords


CALLS = [P(base, 1, k=2), P(P(base, 1, k=2), k=4), model, model.predict, model.doubled]
CALLS += [model.at_three, Model.made, static_call, class_call, partial_call, P(model, 1), another]


@pytest.mark.parametrize("function", CALLS)
def test_what_is_unwrapped_computes_the_same(function):
    found = unwrap(function)
    assert found.function(*found.bound, 5.0, **found.keywords) == function(5.0)


def test_scipy_functions_are_taken_as_they_are():
    linalg = pytest.importorskip("scipy.linalg")
    special = pytest.importorskip("scipy.special")
    assert unwrap(linalg.cholesky) == Unwrapped(linalg.cholesky)
    assert unwrap(special.expit) == Unwrapped(special.expit)


def test_wrapped_functions_of_closed_packages_are_taken_as_they_are():
    text = "import functools\n@functools.wraps(len)\ndef f(*args): return len(*args)\n"
    inside = run(text, __name__="scipy.linalg._decomp")["f"]
    assert hasattr(inside, "__wrapped__")
    assert unwrap(inside) == Unwrapped(inside)
    outside = run(text, __name__="scipyish")["f"]
    assert unwrap(outside) == Unwrapped(outside)  # its text is not kept: nobody knows what it does


def test_an_instance_does_not_shadow_the_call_of_its_class():
    shadowed = Model()
    shadowed.__dict__["__call__"] = base
    assert unwrap(shadowed) == Unwrapped(MODEL_PREDICT, (shadowed,))


def test_a_partial_with_a_call_of_its_own_is_not_taken_for_a_partial():
    found = unwrap(PartialWithACallOfItsOwn(base, 1))
    assert found.function is PartialWithACallOfItsOwn.__call__


def test_wrappers_that_wrap_each_other_come_to_an_end():
    def first(x):
        return x

    def second(x):
        return x

    first.__wrapped__, second.__wrapped__ = second, first
    assert unwrap(first).function in (first, second)


def test_single_dispatch_is_refused():
    @functools.singledispatch
    def area(x):
        return x

    with pytest.raises(NotDifferentiable, match="each type of its argument") as error:
        unwrap(area)
    assert "area.dispatch(float)" in error.value.cure


@pytest.mark.parametrize("thing", [3, 1.5, "f", None, [base], an_array, property(base)])
def test_what_cannot_be_called_is_refused(thing):
    with pytest.raises(NotDifferentiable, match=f"'{type(thing).__name__}' is not a function"):
        unwrap(thing)


@pytest.mark.parametrize("function", [model, model.predict, P(wrapper, 1), Model.made, model.plain])
def test_the_source_of_what_is_unwrapped_is_found(function):
    found = find_source(unwrap(function).function)
    assert found.file == __file__
    assert found.line(found.tree.lineno).lstrip().startswith("def ")
