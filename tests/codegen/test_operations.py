"""Each op and each constant as the expression a person would write, which means the same."""

import ast
import math
import operator
from collections import namedtuple

import numpy as np
import pytest
from graphs import param

from srcgrad import runtime
from srcgrad.codegen.operations import Expressions, References, dotted, load
from srcgrad.codegen.unparse import unparse
from srcgrad.errors import SrcgradError
from srcgrad.ir.build import Builder
from srcgrad.ir.graph import UNDEFINED, Primitive
from srcgrad.ir.types import PY_INT, UNKNOWN, array
from srcgrad.ops import registry

X = array("float64", (3, 3))
Pair = namedtuple("Pair", "left right")


def expressions(taken=()):
    references = References(set(taken).__contains__)
    return Expressions(lambda v: load(v.hint), references), references


def text(node):
    statement = ast.Assign([ast.Name("t", ast.Store())], node, lineno=0)
    return unparse(ast.Module([statement], [])).strip().removeprefix("t = ")


def written(function, *args, **kwargs):
    """The text of one op."""
    b = Builder()
    primitive = registry.find(function) or Primitive("f", function)
    b.emit(primitive, args, kwargs, facts=UNKNOWN)
    return text(expressions()[0].op(b.ops[0]))


x, y, k = param("x", X), param("y"), param("k", PY_INT)


@pytest.mark.parametrize(
    ("function", "args", "source"),
    [
        (operator.add, (x, 1), "x + 1"),
        (operator.matmul, (x, y), "x @ y"),
        (operator.floordiv, (x, 2), "x // 2"),
        (operator.pow, (x, -1), "x**-1"),
        (operator.rshift, (k, 1), "k >> 1"),
        (operator.lt, (x, 0.5), "x < 0.5"),
        (operator.is_not, (y, None), "y is not None"),
        (operator.contains, (y, "a"), "'a' in y"),
        (operator.neg, (x,), "-x"),
        (operator.not_, (y,), "not y"),
        (operator.invert, (y,), "~y"),
        (operator.getitem, (x, k), "x[k]"),
        (operator.getitem, (x, (0, slice(None))), "x[0, :]"),
        (operator.getitem, (x, (slice(1, None, 2), None, Ellipsis)), "x[1::2, None, ...]"),
        (operator.getitem, (x, slice(None, k)), "x[:k]"),
        (operator.getitem, (x, [0, 1]), "x[[0, 1]]"),
        (operator.getitem, (x, ()), "x[()]"),
        (operator.getitem, (y, "w"), "y['w']"),
        (getattr, (y, "weights"), "y.weights"),
        (getattr, (y, "weights", None), "getattr(y, 'weights', None)"),
        (np.sin, (x,), "np.sin(x)"),
        (np.linalg.solve, (x, y), "np.linalg.solve(x, y)"),
        (math.exp, (k,), "math.exp(k)"),
        (len, (y,), "len(y)"),
        (runtime.spread, (1.0, y), "spread(1.0, y)"),
        (np.stack, ([x, y],), "np.stack([x, y])"),
    ],
)
def test_an_op_is_written_as_python_has_it(function, args, source):
    assert written(function, *args).replace('"', "'") == source


def test_keyword_arguments_are_written_by_name():
    assert written(np.sum, x, axis=(0, 1)) == "np.sum(x, axis=(0, 1))"


def test_an_array_is_asked_for_its_attributes():
    assert written(np.shape, x) == "x.shape"
    assert written(np.ndim, x) == "x.ndim"
    assert written(np.size, x) == "x.size"
    assert written(np.transpose, x) == "x.T"
    assert written(np.reshape, x, (3, -1)) == "x.reshape(3, -1)"
    assert written(runtime.astype, x, "float32") == 'x.astype("float32")'
    assert written(runtime.dtype_of, x) == "x.dtype"


def test_what_may_be_a_number_is_not():
    assert written(np.shape, y) == "np.shape(y)"
    assert written(np.transpose, y) == "np.transpose(y)"
    assert written(np.reshape, y, (3, -1)) == "np.reshape(y, (3, -1))"
    assert written(runtime.astype, y, "float32") == 'astype(y, "float32")'


def test_a_transpose_that_permutes_axes_says_so():
    assert written(np.transpose, x, (1, 0)) == "np.transpose(x, (1, 0))"


# -- constants --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        0, -3, True, None, Ellipsis, "a'b\n", b"\x00", 0.1, -0.0, 1e300, 5e-324, math.pi, -math.inf,
        math.e, math.nan, 2j, 1 - 2j, np.float32(0.1), np.int8(-3), np.float64(0.1), np.bool_(True),
        (1, (2.0,)), [1, [None]], {"a": (1,)}, slice(1, None), Pair(1, 2.0), np.tanh, len, int,
        math.sin, np.float64, runtime.unbroadcast, Pair, complex(-0.0, 1.0),
    ],
    ids=lambda v: getattr(v, "__name__", str(v)),
)  # fmt: skip
def test_a_constant_reads_back_as_itself(value):
    printer, references = expressions()
    source = text(printer.arg(value))
    namespace = {**references.helpers, **references.objects}
    exec("\n".join(references.imports), namespace)
    found = eval(source, namespace)
    assert type(found) is type(value)
    assert repr(found) == repr(value)


def test_a_name_without_a_value_is_none():
    assert text(expressions()[0].arg(UNDEFINED)) == "None"


def test_constants_of_mathematics_have_their_names():
    printer, _ = expressions()
    assert [text(printer.arg(v)) for v in (math.pi, -math.inf, math.nan)] == [
        "np.pi",
        "-np.inf",
        "np.nan",
    ]


def test_a_dtype_is_its_name():
    assert text(expressions()[0].arg(np.dtype("float32"))) == '"float32"'


# -- references ---------------------------------------------------------------------------------------


def test_only_what_is_referred_to_is_imported():
    _, references = expressions()
    references.of(len)
    assert references.imports == {}
    references.of(np.sin)
    references.of(np.linalg.norm)
    references.of(math.sin)
    references.of(runtime.add)
    assert list(references.imports) == ["import numpy as np", "import math"]
    assert references.helpers == {"add": runtime.add}


def test_one_object_has_one_name():
    _, references = expressions()
    assert ast.dump(references.of(Pair)) == ast.dump(references.of(Pair))


def test_what_can_be_imported_is():
    _, references = expressions()
    assert text(references.of(namedtuple)) == "namedtuple"
    assert list(references.imports) == ["from collections import namedtuple"]


def test_what_no_import_reaches_is_bound():
    _, references = expressions()

    def local():
        pass

    other = lambda: None  # noqa: E731
    assert text(references.of(local)) == "local"
    assert text(references.of(other)).isidentifier()
    assert references.objects["local"] is local
    assert references.imports == {}


def test_two_objects_of_one_name_are_told_apart():
    _, references = expressions()

    def make():
        def local():
            pass

        return local

    names = [text(references.of(make())) for _ in range(3)]
    assert names == ["local", "local_2", "local_3"]


@pytest.mark.parametrize(
    ("obj", "taken", "source", "line"),
    [
        (len, {"len"}, "len_2", "from builtins import len as len_2"),
        (len, {"len", "len_2"}, "len_3", "from builtins import len as len_3"),
        (np.sin, {"np"}, "np_2.sin", "import numpy as np_2"),
        (math.sin, {"math"}, "math_2.sin", "import math as math_2"),
        (np.linalg.norm, {"np"}, "np_2.linalg.norm", "import numpy as np_2"),
        (
            namedtuple,
            {"namedtuple"},
            "namedtuple_2",
            "from collections import namedtuple as namedtuple_2",
        ),
    ],
)
def test_a_name_that_means_something_else_is_avoided(obj, taken, source, line):
    _, references = expressions(taken)
    assert text(references.of(obj)) == source
    assert list(references.imports) == [line]


def test_a_helper_whose_name_is_taken_has_another():
    _, references = expressions({"add"})
    assert text(references.of(runtime.add)) == "add_2"
    assert references.helpers == {"add_2": runtime.add}


def test_a_ufunc_is_imported_from_where_it_is_public():
    special = pytest.importorskip("scipy.special")
    _, references = expressions()
    assert text(references.of(special.gamma)) == "gamma"
    assert list(references.imports) == ["from scipy.special import gamma"]


def test_helpers_that_rules_trace_are_called_by_their_own_name():
    from srcgrad.ops.indexing import zeros_like

    assert zeros_like is not runtime.zeros_like
    assert written(zeros_like, y) == "zeros_like(y)"


def test_an_op_without_a_function_is_refused():
    b = Builder()
    b.emit(Primitive("nothing", None), [])
    with pytest.raises(SrcgradError, match="without a function"):
        expressions()[0].op(b.ops[0])


def test_dotted_names_are_attributes():
    assert ast.dump(dotted("a.b.c")) == ast.dump(ast.parse("a.b.c", mode="eval").body)


def test_a_shadowed_builtin_is_avoided_in_slices_too():
    printer, references = expressions({"slice"})
    assert text(printer.arg(slice(1, k))) == "slice_2(1, k, None)"
    assert "from builtins import slice as slice_2" in references.imports
