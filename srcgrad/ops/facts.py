"""What a primitive's result is known to be, from what its arguments are known to be.

Each function here takes facts where the op has values and constants as they are, and answers in facts.
Not to know is always allowed; to be wrong is not.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import MissingRule
from ..ir.graph import UNDEFINED
from ..ir.types import (
    CONTAINERS,
    OPAQUE,
    PY_BOOL,
    PY_COMPLEX,
    PY_FLOAT,
    PY_INT,
    SCALARS,
    SMALLEST_SYMBOL,
    UNDEFINED_FACTS,
    UNKNOWN,
    AnyShape,
    Dim,
    Facts,
    MustFail,
    Shape,
    Size,
    array,
    facts_of,
    join,
    join_all,
    scalar,
)

KnownShape = Shape | AnyShape | None

UFUNC_OF: dict[Any, np.ufunc] = {
    operator.add: np.add, operator.sub: np.subtract, operator.mul: np.multiply,
    operator.truediv: np.divide, operator.floordiv: np.floor_divide, operator.mod: np.remainder,
    operator.pow: np.power, operator.neg: np.negative, operator.pos: np.positive,
    operator.eq: np.equal, operator.ne: np.not_equal, operator.lt: np.less,
    operator.le: np.less_equal, operator.gt: np.greater, operator.ge: np.greater_equal,
    operator.and_: np.bitwise_and, operator.or_: np.bitwise_or, operator.xor: np.bitwise_xor,
    operator.invert: np.invert, operator.lshift: np.left_shift, operator.rshift: np.right_shift,
    operator.abs: np.absolute, abs: np.absolute, pow: np.power, operator.matmul: np.matmul,
}  # fmt: skip
COMPARISONS = (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)
# Before 2.0, the value of a NumPy number took part in finding a dtype; it is not known here.
BEFORE_2 = int(np.__version__.partition(".")[0]) < 2


# Arguments


def of(arg: Any) -> Facts:
    """Facts of an argument: of a value, a constant, or a structure of both."""
    if isinstance(arg, Facts):
        return arg
    if arg is UNDEFINED:
        return UNDEFINED_FACTS
    if isinstance(arg, list | tuple):
        kind: Any = "list" if isinstance(arg, list) else "tuple"
        return Facts(
            kind, items=tuple(map(of, arg)), keys=getattr(arg, "_fields", None), cls=type(arg)
        )
    if isinstance(arg, dict):
        return Facts("dict", items=tuple(map(of, arg.values())), keys=tuple(arg), cls=dict)
    return facts_of(arg)


def as_array(arg: Any) -> Facts:
    """The facts of `np.asarray(arg)`, but of kind "unknown" where `arg` may be a number."""
    x = of(arg)
    if x.kind in SCALARS:
        return Facts("unknown", dtype_same(x), ())
    if x.kind in ("array", "unknown"):
        return x
    if x.kind not in ("list", "tuple") or not x.items:
        return _any_number_of(x.element) if x.element is not None else UNKNOWN
    entries = [as_array(item) for item in x.items]
    first = entries[0].dims
    if first is None or any(e.dims is None or len(e.dims) != len(first) for e in entries):
        return Facts("array", _joint_dtype(entries))
    shapes = [e.dims or () for e in entries]
    shape = tuple(_agreed(sizes) for sizes in zip(*shapes, strict=True))
    return Facts("array", _joint_dtype(entries), (len(entries), *shape))


def _any_number_of(element: Facts) -> Facts:
    """An array of any number of entries, of which it matters whether they are complex."""
    entry = as_array(element)
    if entry.is_complex:
        return Facts("array", entry.dtype)
    return Facts("array", None, (None,)) if entry == Facts("unknown", None, ()) else UNKNOWN


def _joint_dtype(entries: Sequence[Facts]) -> str | None:
    if any(e.dtype is None for e in entries):
        return None
    return str(np.result_type(*[np.dtype(e.dtype) for e in entries]).name)


def _agreed(sizes: Sequence[Size | None]) -> Size | None:
    """The size that several axes must all have: the first that is known."""
    return next((s for s in sizes if s is not None), None)


# Sizes


def sized(size: Size | None) -> Facts:
    """Facts of an integer which is the size of an axis, or computed from sizes."""
    return PY_INT if size is None else Facts("int", None, (), keys=(size,))


def size_of(arg: Any) -> Size | None:
    """The integer that an argument is, in symbols, as far as it is known."""
    if isinstance(arg, Facts):
        return arg.keys[0] if arg.kind == "int" and arg.keys else None
    if isinstance(arg, int | np.integer) and not isinstance(arg, bool):
        return int(arg)
    return None


def product(sizes: Sequence[Size | None]) -> Size | None:
    """The number of entries of an array of these sizes.

    >>> product((2, Dim.symbol("n"), 3))
    Dim('6*n')
    """
    total: Size = 1
    for size in sizes:
        if size is None or (isinstance(size, Dim) and isinstance(total, Dim)):
            return 0 if 0 in sizes else None
        total = total * size if isinstance(total, Dim) else size * total  # type: ignore[operator]
    return total


def quotient(total: Size | None, size: Size | None) -> Size | None:
    """`total / size`, where it is a whole number for certain.

    >>> quotient(Dim.symbol("n") * 6, 3), quotient(7, 2)
    (Dim('2*n'), None)
    """
    if total is None or not size:
        return None
    if total == size:
        return 1
    if isinstance(size, Dim):
        return None
    if isinstance(total, int):
        return total // size if total % size == 0 else None
    if total.const % size or any(count % size for _, count in total.terms):
        return None
    return Dim(total.const // size, frozenset((s, c // size) for s, c in total.terms))


def at_least(size: Size | None, least: int) -> bool:
    """Whether a size cannot be below `least`.

    >>> at_least(Dim.symbol("n") - 2, 7), at_least(Dim.symbol("n") * -1, 0)
    (True, False)
    """
    if size is None or isinstance(size, int):
        return size is not None and size >= least
    if any(count < 0 or not isinstance(symbol, str) for symbol, count in size.terms):
        return False
    return size.const + sum(count for _, count in size.terms) * SMALLEST_SYMBOL >= least


def is_one(size: Size | None) -> bool | None:
    """Whether an axis has size one; None where that is not known."""
    if size == 1:
        return True
    return False if isinstance(size, int) or at_least(size, 2) else None


def sizes(shape: Any) -> KnownShape:
    """A shape argument as sizes, as far as it is known."""
    if isinstance(shape, Facts):
        if shape.kind == "int":
            return (size_of(shape),)
        if shape.kind not in ("tuple", "list"):
            return None
        if shape.items is None:
            return shape.shape
        return tuple(size_of(item) for item in shape.items)
    if isinstance(shape, tuple | list):
        return tuple(size_of(item) for item in shape)
    return (size_of(shape),)


# Shapes


def broadcast(shapes: Sequence[KnownShape]) -> KnownShape:
    """The shape that several shapes broadcast to, as far as it is known."""
    known = [s for s in shapes if s != ()]
    if not known:
        return ()
    if all(s == known[0] for s in known) and not (isinstance(known[0], tuple) and None in known[0]):
        return known[0]
    if any(not isinstance(s, tuple) for s in known):
        return None
    tuples = [s for s in known if isinstance(s, tuple)]
    ndim = max(map(len, tuples))
    return tuple(
        _broadcast_size([s[k - ndim + len(s)] for s in tuples if k - ndim + len(s) >= 0])
        for k in range(ndim)
    )


def _broadcast_size(sizes: Sequence[Size | None]) -> Size | None:
    others = [s for s in sizes if s != 1]
    if not others:
        return 1
    # A size that is known and not one decides, whatever the others are: they agree or NumPy objects.
    for size in others:
        if isinstance(size, int) or at_least(size, 2):
            return size
    return others[0] if all(s == others[0] for s in others) else None


def differ(a: Size | None, b: Size | None) -> bool:
    """Whether two sizes are known to differ, whatever the symbols stand for.

    >>> differ(3, 4), differ(Dim.symbol("n"), Dim.symbol("m")), differ(Dim.symbol("n"), None)
    (True, True, False)
    """
    if isinstance(a, int) and isinstance(b, int):
        return a != b
    return a != b and _is_fixed(a) and _is_fixed(b)


def _is_fixed(size: Size | None) -> bool:
    """Whether a size is a small number or that of an argument: one symbol stands for one size."""
    if isinstance(size, int):
        return size < SMALLEST_SYMBOL
    if size is None or size.const:
        return False
    return all(isinstance(symbol, str) and count == 1 for symbol, count in size.terms) and (
        len(size.terms) == 1
    )


def refuse_clash(shapes: Sequence[KnownShape]) -> None:
    """Raise MustFail for shapes that are known not to broadcast."""
    tuples = [s for s in shapes if isinstance(s, tuple)]
    for a, b in itertools.combinations(tuples, 2):
        for x, y in zip(reversed(a), reversed(b), strict=False):
            if x != 1 and y != 1 and differ(x, y):
                raise MustFail


def axes_of(axis: Any, ndim: int) -> tuple[int, ...] | None:
    """The axes that `axis` names, none negative; None where they are only known at run time."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    if not all(isinstance(k, int | np.integer) for k in axes):
        return None
    return tuple(int(k) % ndim if ndim else 0 for k in axes)


def number(dtype: str | None) -> Facts:
    """A NumPy number, or a number of which not even that is known."""
    return Facts("unknown", None, ()) if dtype is None else scalar(dtype)


def result(dtype: str | None, shape: KnownShape) -> Facts:
    """What a NumPy function gives that turns an array without axes into a number."""
    if shape == ():
        return number(dtype)
    return array(dtype, shape) if isinstance(shape, tuple) else Facts("unknown", dtype, shape)


def view(x: Facts, shape: KnownShape) -> Facts:
    """The entries of `x` in another shape, from a function that leaves numbers as they are."""
    dtype = dtype_same(x)
    if isinstance(shape, tuple) and shape:
        return array(dtype, shape)
    return Facts("array" if x.kind == "array" else "unknown", dtype, shape)


# Dtypes


_PY: dict[str, Any] = {"bool": np.dtype(bool), "int": int, "float": float, "complex": complex}


def ufunc_dtypes(ufunc: np.ufunc, args: Sequence[Facts]) -> tuple[str | None, ...]:
    """The dtypes of a ufunc's results for these arguments, None where they are not known."""
    unknown = (None,) * ufunc.nout
    dtypes: list[Any] = []
    for facts in args:
        if facts.dtype is not None:
            dtypes.append(np.dtype(facts.dtype))
        elif facts.kind in _PY:
            dtypes.append(_PY[facts.kind])
        else:
            return unknown
    if BEFORE_2 and len({d for d in dtypes if isinstance(d, np.dtype)}) > 1:
        return unknown
    try:
        found = ufunc.resolve_dtypes((*dtypes, *[None] * ufunc.nout))
    except TypeError:  # NumPy has no loop for these; running the op will say so
        return unknown
    return tuple(str(d.name) for d in found[ufunc.nin :])


def result_dtype(ufunc: np.ufunc, args: Sequence[Facts]) -> str | None:
    """The dtype that a ufunc gives for these arguments, or None where it is not known."""
    return ufunc_dtypes(ufunc, args)[-1]


def common_dtype(args: Sequence[Facts]) -> str | None:
    """The dtype in which NumPy joins these arguments; Python numbers give way to arrays."""
    return result_dtype(np.add, args) if len(args) > 1 else dtype_same(args[0])


def dtype_name(dtype: Any) -> str | None:
    """A dtype argument by name, where it is known."""
    if isinstance(dtype, Facts):
        return dtype.dtype if dtype.kind == "opaque" else None
    return str(np.dtype(dtype).name)


def dtype_same(x: Facts) -> str | None:
    """The dtype of the argument; that of its NumPy counterpart for a Python number."""
    if x.dtype is None and x.kind in _PY:
        return str(np.dtype(_PY[x.kind]).name)
    return x.dtype


def dtype_float(x: Facts) -> str | None:
    """The argument's dtype, or float64 where it holds integers."""
    name = dtype_same(x)
    if name is not None and np.dtype(name).kind in "biu":
        return "float64"
    return name


def dtype_real(x: Facts) -> str | None:
    """The dtype of a size: that of the argument, or of its parts where it is complex."""
    name = dtype_float(x)
    if name is not None and np.dtype(name).kind == "c":
        return f"float{np.dtype(name).itemsize * 4}"
    return name


def complex_dtype(given: Sequence[Facts]) -> str | None:
    """The dtype in which NumPy joins arguments of which one is known to be complex; None otherwise."""
    if not any(f.is_complex for f in given):
        return None
    name = dtype_same(given[0])
    for other in given[1:]:
        name = result_dtype(np.add, (Facts("unknown", name), other))
    return name


def dtype_sum(x: Facts) -> str | None:
    """The dtype in which np.sum and np.prod add up."""
    name = dtype_same(x)
    if name is None or np.dtype(name).kind not in "biu":
        return name
    return str(np.sum(np.empty(0, name)).dtype.name)


def dtype_int(x: Facts) -> str | None:
    """The dtype of positions and counts."""
    return str(np.dtype(np.intp).name)


def dtype_bool(x: Facts) -> str | None:
    """The dtype of truth values."""
    return "bool"


# Elementwise functions


def elementwise(function: Any) -> Callable[..., Facts]:
    """Inference for a broadcasting function; operators on Python numbers give Python numbers."""
    ufunc = function if isinstance(function, np.ufunc) else UFUNC_OF.get(function)
    is_operator = function in UFUNC_OF

    def infer(*args: Any, **kwargs: Any) -> Facts:
        given = [of(a) for a in args]
        if not all(f.is_numeric for f in given):
            return _not_numbers(function, given) if is_operator else UNKNOWN
        # float64 is a Python float, with which a Python complex number knows what to do itself.
        own = given[0] == PY_COMPLEX and given[-1].kind == "float" and given[-1].dtype == "float64"
        if is_operator and (own or all(f.kind in SCALARS and f.dtype is None for f in given)):
            return _python(function, args, given)
        if kwargs or ufunc is None:
            return UNKNOWN
        refuse_clash([f.shape for f in given])
        shape = broadcast([f.shape for f in given])
        dtypes = ufunc_dtypes(ufunc, given)
        if len(dtypes) == 1:
            return result(dtypes[0], shape)
        return Facts("tuple", items=tuple(result(d, shape) for d in dtypes), cls=tuple)

    return infer


def _not_numbers(function: Any, given: Sequence[Facts]) -> Facts:
    kinds = [f.kind for f in given]
    if any(f.is_numeric for f in given) and all(f.is_numeric or f == OPAQUE for f in given):
        return UNKNOWN  # what is None on some path, and a number or an array where it is read
    if any(k in ("array", "unknown", "opaque", "object") for k in kinds):
        return Facts("opaque") if "opaque" in kinds or "object" in kinds else UNKNOWN
    if function in COMPARISONS:
        return PY_BOOL
    if function is operator.add and kinds[0] == kinds[1] and kinds[0] in ("list", "tuple"):
        a, b = given
        if a.items is not None and b.items is not None:
            return Facts(kinds[0], items=a.items + b.items, cls=a.cls)
        return Facts(kinds[0], element=join_all((*_entries(a), *_entries(b))))
    if function is operator.mul and set(kinds) & {"list", "tuple"}:
        x = given[0] if kinds[0] in ("list", "tuple") else given[1]
        return Facts(x.kind, element=join_all(_entries(x)))
    if function in (operator.add, operator.mod, operator.mul) and "str" in kinds:
        return Facts("str")
    return Facts("opaque")


def _entries(x: Facts) -> tuple[Facts, ...]:
    if x.items is not None:
        return x.items
    return (UNKNOWN if x.element is None else x.element,)


def _python(function: Any, args: Sequence[Any], given: Sequence[Facts]) -> Facts:
    if function in COMPARISONS:
        return PY_BOOL
    kinds = {f.kind for f in given}
    if "complex" in kinds:
        return PY_FLOAT if function in (abs, operator.abs) else PY_COMPLEX
    whole = len(args) == 2 and isinstance(args[1], int)
    if function in (operator.pow, pow) and not (whole and kinds == {"float"} | {given[1].kind}):
        return Facts("unknown", None, ())  # (-8.0) ** (1 / 3) is complex, 2 ** -1 a float
    if "float" in kinds or function is operator.truediv:
        return PY_FLOAT
    if function in (operator.and_, operator.or_, operator.xor) and kinds == {"bool"}:
        return PY_BOOL
    return sized(_computed(function, [size_of(a) for a in args]))


def _computed(function: Any, values: Sequence[Size | None]) -> Size | None:
    """What arithmetic on sizes gives, in symbols."""
    if any(v is None for v in values):
        return None
    a, *more = values
    found: Any = None
    if function is operator.neg:
        found = a * -1  # type: ignore[operator]
    elif function is operator.add:
        found = a + more[0]  # type: ignore[operator]
    elif function is operator.sub:
        found = a - more[0]  # type: ignore[operator]
    elif function is operator.mul:
        found = product(values)
    elif function is operator.floordiv and more[0] != 0:
        found = quotient(a, more[0])
        if isinstance(a, int) and isinstance(more[0], int):
            found = a // more[0]
    return found  # type: ignore[no-any-return]


def quotient_and_rest(x1: Any, x2: Any) -> Facts:
    """The result of Python's `divmod`."""
    items = (elementwise(operator.floordiv)(x1, x2), elementwise(operator.mod)(x1, x2))
    return Facts("tuple", items=items, cls=tuple)


def constant(facts: Facts) -> Callable[..., Facts]:
    """The result has these facts, whatever the arguments are."""
    return lambda *args, **kwargs: facts


def same(x: Any, *args: Any, **kwargs: Any) -> Facts:
    """The result is like the first argument."""
    return of(x)


def like(k: int) -> Callable[..., Facts]:
    """The result is an array of the shape of argument k, in the dtype of the first one."""

    def infer(*args: Any, **kwargs: Any) -> Facts:
        g, x = as_array(args[0]), as_array(args[k])
        if x.shape == ():
            return Facts("unknown", None, ())
        return array(dtype_same(g), x.shape) if x.dims else Facts("unknown", g.dtype, x.shape)

    return infer


def unknown(*args: Any, **kwargs: Any) -> Facts:
    """A number or an array."""
    return UNKNOWN


def an_array(*args: Any, **kwargs: Any) -> Facts:
    """An array of which nothing else is known."""
    return array()


def scanned(g: Any, x: Any, axis: Any) -> Facts:
    """The result of `linear_scan(g, x, axis)` of the run time."""
    found, by = of(g), of(x)
    if by.is_complex and not found.is_complex:
        return Facts(found.kind, complex_dtype([found, by]), found.shape)
    return found


def complex_first(x: Any, *args: Any, **kwargs: Any) -> Facts:
    """A number or an array, of complex numbers where the first argument is known to have them."""
    return Facts("unknown", complex_dtype([as_array(x)]))


def selected(condlist: Any, choicelist: Any, default: Any = 0) -> Facts:
    """The result of np.select: an array, of complex numbers where a choice has them."""
    choices = choicelist if isinstance(choicelist, list | tuple) else _entries(of(choicelist))
    return array(complex_dtype([as_array(c) for c in (*choices, default)]))


def angle(z: Any, *args: Any, **kwargs: Any) -> Facts:
    """The result of np.angle; of a complex argument it is known to be real."""
    x = as_array(z)
    return result(dtype_real(x), x.shape) if x.is_complex else UNKNOWN


def sign(x: Any) -> Facts:
    """The result of np.sign, which is constant in pieces for real arguments only.

    Raises
    ------
    MissingRule
        Since NumPy 2.0, the sign of a complex number is its direction.
    """
    if of(x).is_complex and not BEFORE_2:
        raise MissingRule(
            "np.sign has no derivative rule for complex numbers",
            cure="write x / np.abs(x)",
        )
    return elementwise(np.sign)(x)


def opaque(*args: Any, **kwargs: Any) -> Facts:
    """Something that is neither a number nor an array, or not known to be."""
    return Facts("opaque")


def where(condition: Any, x: Any = None, y: Any = None) -> Facts:
    """The result of np.where: always an array, unless it is asked for positions."""
    if x is None or y is None:
        return Facts("tuple", element=array(dtype_int(UNKNOWN)))
    given = [as_array(condition), of(x), of(y)]
    if not all(f.is_numeric for f in given):
        return array()
    return array(common_dtype(given[1:]), broadcast([f.shape for f in given]))


def clip(a: Any, a_min: Any = None, a_max: Any = None) -> Facts:
    """The result of np.clip."""
    given = [of(v) for v in (a, a_min, a_max) if v is not None]
    if not all(f.is_numeric for f in given):
        return UNKNOWN
    dtype = result_dtype(np.maximum, given[:2]) if len(given) > 1 else dtype_same(given[0])
    if len(given) == 3:
        dtype = result_dtype(np.maximum, (Facts("unknown", dtype), given[2]))
        if given[0].dtype is None and given[1].dtype is None:
            dtype = complex_dtype(given)
    return result(dtype, broadcast([f.shape for f in given]))


def float_elementwise(x: Any, *args: Any, **kwargs: Any) -> Facts:
    """The result of a function like np.sinc: the argument's shape, in floating point."""
    facts = as_array(x)
    return result(dtype_float(facts), facts.shape)


def as_given(x: Any, *args: Any, **kwargs: Any) -> Facts:
    """The result of a function that gives entries of the argument's type in its shape."""
    facts = as_array(x)
    return result(dtype_same(facts), facts.shape)


def real_part(x: Any) -> Facts:
    """The result of np.real and np.imag: a Python number stays one."""
    facts = of(x)
    if facts.kind in SCALARS and facts.dtype is None:
        return PY_FLOAT if facts.kind in ("complex", "float") else PY_INT
    if facts.kind == "array" or facts.kind in SCALARS:
        name = facts.dtype
        if name is not None and np.dtype(name).kind == "c":
            name = dtype_real(facts)
        return array(name, facts.shape) if facts.kind == "array" else scalar(name)
    return Facts("unknown", None, facts.shape) if facts.is_numeric else UNKNOWN


def rounded(x: Any, *args: Any) -> Facts:
    """The result of Python's `round`."""
    facts = of(x)
    if not args and facts.kind in SCALARS:
        return PY_INT
    return facts if facts.kind in SCALARS else Facts("unknown", None, ())


# Reductions


def reduction(dtype_of: Callable[[Facts], str | None]) -> Callable[..., Facts]:
    """Inference for functions that take `axis` and `keepdims` as np.sum does."""

    def infer(a: Any, axis: Any = None, *more: Any, keepdims: Any = False, **kwargs: Any) -> Facts:
        x = as_array(a)
        dtype = kwargs.get("dtype", more[0] if more else None)
        name = dtype_of(x) if dtype is None else dtype_name(dtype)
        return result(name, reduced(x.shape, axis, keepdims))

    return infer


def reduced(shape: KnownShape, axis: Any, keepdims: Any = False) -> KnownShape:
    """The shape that a reduction over `axis` leaves."""
    if axis is None and keepdims is False:
        return ()
    if not isinstance(shape, tuple) or not isinstance(keepdims, bool):
        return None
    axes = axes_of(axis, len(shape))
    if axes is None:
        return None
    if keepdims:
        return tuple(1 if k in axes else d for k, d in enumerate(shape))
    return tuple(d for k, d in enumerate(shape) if k not in axes)


def cumulative(a: Any, axis: Any = None, dtype: Any = None) -> Facts:
    """The result of np.cumsum and np.cumprod: always an array."""
    x = as_array(a)
    name = dtype_sum(x) if dtype is None else dtype_name(dtype)
    if axis is None:
        return array(name, (product(x.dims) if x.dims is not None else None,))
    return array(name, x.shape if x.dims else None)


def argument(a: Any, axis: Any = None, *more: Any, **kwargs: Any) -> Facts:
    """The result of np.argmax and np.argmin."""
    return reduction(dtype_int)(a, axis, keepdims=kwargs.get("keepdims", False))


def quantile(a: Any, q: Any, axis: Any = None, *, keepdims: Any = False) -> Facts:
    """The result of np.quantile at one place."""
    if of(q).shape != () or isinstance(q, Facts):
        return UNKNOWN
    x = as_array(a)
    name = dtype_float(x)
    return result(name if name == "float64" else None, reduced(x.shape, axis, keepdims))


def average(a: Any, axis: Any = None, weights: Any = None, *, keepdims: Any = False) -> Facts:
    """The result of np.average."""
    x = as_array(a)
    name = dtype_float(x)
    if weights is not None:
        w = as_array(weights)
        both = [Facts("array", name), Facts("array", dtype_same(w))]
        name = None if None in (name, both[1].dtype) else common_dtype(both)
    return result(name, reduced(x.shape, axis, keepdims))


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Facts:
    """The result of np.linalg.norm."""
    facts = as_array(x)
    return result(dtype_real(facts), reduced(facts.shape, axis, keepdims))


def vector_norm(x: Any, *, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Facts:
    """The result of np.linalg.vector_norm."""
    return norm(x, ord, axis, keepdims)


def matrix_norm(x: Any, *, keepdims: Any = False, ord: Any = "fro") -> Facts:
    """The result of np.linalg.matrix_norm."""
    return norm(x, ord, (-2, -1), keepdims)


def difference(
    a: Any, n: Any = 1, axis: Any = -1, prepend: Any = None, append: Any = None
) -> Facts:
    """The result of np.diff."""
    x = as_array(a)
    dtype = x.dtype if prepend is None and append is None else None
    if x.is_complex:
        dtype = complex_dtype([x, *(as_array(m) for m in (prepend, append) if m is not None)])
    if x.dtype is not None and np.dtype(x.dtype).kind == "f":
        margins = [of(m) for m in (prepend, append) if m is not None]
        dtype = (
            x.dtype if all(m.kind in ("int", "float") and not m.dtype for m in margins) else None
        )
    if x.dims is None or not isinstance(n, int) or not isinstance(axis, int):
        return array(dtype)
    shape = list(x.dims)
    size = shape[axis]
    for margin in (prepend, append):
        if margin is not None:
            m = of(margin)
            extra = 1 if m.shape == () else m.dims[axis] if m.dims else None
            size = None if size is None or extra is None else size + extra
    if not at_least(size, n):
        return array(dtype, (*shape[:axis], None, *shape[axis:][1:]) if n else tuple(shape))
    shape[axis] = size - n  # type: ignore[operator]
    return array(dtype, tuple(shape))


def difference_adjoint(g: Any, n: Any = 1, axis: Any = -1) -> Facts:
    """The result of `diff_adjoint(g, n, axis)` of the run time."""
    x = as_array(g)
    if not x.dims or not isinstance(n, int) or not isinstance(axis, int):
        return array(x.dtype)
    shape, k = list(x.dims), axis % len(x.dims)
    size = shape[k]
    shape[k] = None if size is None else size + n
    return array(x.dtype, tuple(shape))


def integral(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Facts:
    """The result of np.trapezoid."""
    heights = as_array(y)
    if not isinstance(axis, int):
        return UNKNOWN
    places = as_array(x) if x is not None else as_array(dx)
    if heights.dims is None or places.dims is None or len(places.dims) > len(heights.dims):
        return UNKNOWN
    both = (heights.dtype, places.dtype if x is not None else of(dx).dtype or heights.dtype)
    name = both[0] if both[0] == both[1] and both[0] in ("float32", "float64") else None
    name = complex_dtype([heights, places if x is not None else of(dx)]) or name
    if len(places.dims) > 1 and places.dims != heights.dims:
        return UNKNOWN
    return result(name, reduced(heights.dims, axis))


# Sequences of numbers that Python's own functions take


def total(xs: Any, start: Any = 0) -> Facts:
    """The result of Python's `sum`."""
    x = of(xs)
    if x.kind == "array" and x.dims is not None and x.dims:
        if not at_least(x.dims[0], 1):
            return UNKNOWN
        return elementwise(operator.add)(start, result(x.dtype, x.dims[1:]))
    if x.items is None or x.kind not in ("list", "tuple"):
        return UNKNOWN
    found = of(start)
    for item in x.items:
        found = elementwise(operator.add)(found, item)
    return found


def product_of_all(iterable: Any, *, start: Any = 1) -> Facts:
    """The result of math.prod, where it is known to be complex."""
    x, found = of(iterable), of(start)
    for item in x.items or ((result(x.dtype, ()) if x.kind == "array" else UNKNOWN),):
        found = elementwise(operator.mul)(found, item)
    return found if found.is_complex else UNKNOWN


def sum_of_products(p: Any, q: Any) -> Facts:
    """The result of math.sumprod, where it is known to be complex."""
    pairs = zip(*(map(_plain, of(x).items or (UNKNOWN,)) for x in (p, q)), strict=False)
    found = PY_INT
    for a, b in pairs:
        found = elementwise(operator.add)(found, elementwise(operator.mul)(a, b))
    return found if found.is_complex else UNKNOWN


def extreme(*xs: Any) -> Facts:
    """The result of Python's `min` and `max`."""
    entries = tuple(map(of, xs))
    if len(xs) == 1:
        x = entries[0]
        if x.kind == "array":
            return result(x.dtype, x.dims[1:]) if x.dims else UNKNOWN
        entries = _entries(x) if x.kind in ("list", "tuple") else ()
    if not entries or any(e != entries[0] for e in entries):
        return UNKNOWN
    return PY_INT if entries[0].kind == "int" and entries[0].dtype is None else entries[0]


def length(x: Any) -> Facts:
    """The result of `len`."""
    facts = of(x)
    if facts.items is not None:
        return sized(len(facts.items))
    return sized(facts.dims[0]) if facts.dims else PY_INT


# Indexing


def getitem(obj: Any, index: Any) -> Facts:
    """The result of `obj[index]`."""
    x = of(obj)
    if x.kind in ("list", "tuple", "dict", "object"):
        return _entry(x, index)
    if x.kind == "range":
        return Facts("range") if isinstance(index, slice) else PY_INT
    if x.kind not in ("array", "unknown"):
        return Facts("str") if x.kind == "str" else Facts("opaque")
    parts = list(index) if isinstance(index, tuple) else [index]
    if x.dims is None:
        arrays = any(
            i is None or isinstance(i, slice | list | np.ndarray) or i is Ellipsis for i in parts
        )
        return Facts("array" if arrays else "unknown", x.dtype)
    return _indexed(x, parts)


def _entry(x: Facts, index: Any) -> Facts:
    if x.items is not None:
        if isinstance(index, slice):
            try:
                return Facts(x.kind, items=x.items[index], cls=list if x.kind == "list" else tuple)
            except TypeError:
                return Facts(x.kind, element=join_all(x.items))
        if x.keys is not None and x.kind in ("dict", "object") and not isinstance(index, Facts):
            if index in x.keys:
                return x.items[x.keys.index(index)]
        k = size_of(index) if x.kind != "dict" else None
        if isinstance(k, int) and -len(x.items) <= k < len(x.items):
            return x.items[k]
        return join_all(x.items) or Facts("opaque")
    if isinstance(index, slice):
        return Facts(x.kind, element=x.element)
    return _plain(x.element or UNKNOWN)  # one of many: not the size that any one of them is


def _indexed(x: Facts, parts: list[Any]) -> Facts:
    dims = x.dims or ()
    unknown = Facts("unknown", x.dtype)
    spec = [_index_part(i) for i in parts]
    if any(s is None for s in spec):
        return unknown
    known = [s for s in spec if s is not None]
    used = sum(s.axes for s in known)
    whole = any(i is Ellipsis for i in parts)
    rest = len(dims) - used
    if rest < 0:
        return unknown
    # An ellipsis parts the arrays beside it even where it stands for no axis.
    fill = [_Part(1, slice(None))] * rest or [_Part(0, Ellipsis)] * whole
    at = next((k for k, i in enumerate(parts) if i is Ellipsis), len(known))
    known = [*known[:at], *fill, *known[at + whole :]]
    advanced = any(s.joint for s in known)
    shape: list[Size | None] = []
    joint: list[Shape] = []
    place, last, split, axis = 0, -1, False, 0
    for position, s in enumerate(known):
        sizes_here = dims[axis : axis + s.axes]
        axis += s.axes
        if s.joint is None and isinstance(s.basic, slice):
            shape.append(slice_size(sizes_here[0], s.basic))
        elif s.joint is None and s.axes == 0:
            shape.extend(() if s.basic is Ellipsis else (1,))
        elif advanced:
            if not joint:
                place = len(shape)
            elif last != position - 1:
                split = True
            joint.append(s.joint or ())
            last = position
    if advanced:
        together = broadcast(joint)
        if not isinstance(together, tuple):
            return array(x.dtype)
        where = 0 if split else place
        shape[where:where] = together
    if shape or whole:
        return array(x.dtype, tuple(shape))
    return number(x.dtype)


class _Part:
    """One entry of an index: how many axes it uses up, and what it leaves of them.

    `joint` is the shape of an array of positions, None for an integer, a slice or None.
    """

    __slots__ = ("axes", "basic", "joint")

    def __init__(self, axes: int, basic: Any = None, joint: Shape | None = None) -> None:
        self.axes, self.basic, self.joint = axes, basic, joint


def _index_part(i: Any) -> _Part | None:
    if i is None or i is Ellipsis:
        return _Part(0)
    if isinstance(i, slice):
        return _Part(1, i)
    if isinstance(i, list | np.ndarray):
        try:
            found = np.asarray(i)
        except (TypeError, ValueError):  # a list that holds facts
            return None
        if found.dtype == bool:
            return _Part(found.ndim, joint=(int(np.count_nonzero(found)),)) if found.ndim else None
        return _Part(1, joint=found.shape) if found.dtype.kind in "iu" or not found.size else None
    if isinstance(i, Facts):
        if i.kind == "bool" or i.dtype == "bool":
            return _Part(len(i.dims), joint=(None,)) if i.dims else None
        if not i.is_integral or i.dims is None:
            return None
        return _Part(1) if not i.dims else _Part(1, joint=i.dims)
    if isinstance(i, int | np.integer) and not isinstance(i, bool):
        return _Part(1)
    return None


def slice_size(size: Size | None, index: slice) -> Size | None:
    """How many entries a slice takes of an axis, where the slice lies inside it for certain.

    >>> slice_size(Dim.symbol("n"), slice(1, -1)), slice_size(5, slice(None, None, 2))
    (Dim('n - 2'), 3)
    """
    parts = [index.start, index.stop, index.step]
    found = [None if p is None else size_of(p) for p in parts]
    if any(p is not None and f is None for p, f in zip(parts, found, strict=True)):
        return None
    start, stop, step = found
    if (start, stop) == (None, None) and step in (None, 1, -1):
        return size
    if isinstance(size, int) and not any(isinstance(f, Dim) for f in found):
        whole: Any = slice(start, stop, step)
        return len(range(size)[whole])
    if size is None or step not in (None, 1):
        return None
    first = _place(0 if start is None else start, size)
    last = _place(size if stop is None else stop, size)
    inside = at_least(first, 0) and at_least(last - first, 0) and at_least(size - last, 0)
    return last - first if inside else None


def _place(k: Size, size: Size) -> Size:
    return size + k if isinstance(k, int) and k < 0 else k


def loosened(x: Facts) -> Facts:
    """Facts of adjoints of such a value: the same structure and shapes, other types of numbers."""
    if x.items is not None:
        items = tuple(map(loosened, x.items))
        return Facts(x.kind, items=items, keys=x.keys, cls=x.cls)
    if x.element is not None:
        return Facts(x.kind, element=loosened(x.element), cls=x.cls)
    if x.is_scalar:
        return Facts("unknown", None, ())
    return array(None, x.shape) if x.kind == "array" else Facts("unknown", None, x.shape)


def zero_rows(x: Any, n: Any) -> Facts:
    """The result of `zero_rows(x, n)`: that of `zeros_like(x)`, `n` times."""

    def every(one: Facts) -> Facts:
        if one.items is not None:
            return replace(one, items=tuple(map(every, one.items)), known=())
        if one.element is not None:
            return replace(one, element=every(one.element))
        dims = as_array(one).dims
        return array(one.dtype, None if dims is None else (size_of(n), *dims))

    return every(zeros(x))


def structure_like(g: Any, like: Any) -> Facts:
    """The result of a function that gives adjoints in the structure of its second argument."""
    return loosened(of(like))


def updated(a: Any, index: Any, v: Any) -> Facts:
    """The result of `setitem(a, index, v)`."""
    x = of(a)
    if x.kind in ("array", "unknown"):
        place, new = getitem(x, index).dims, of(v).dims
        if place is not None and new is not None and of(v).is_numeric:
            sized = all(isinstance(d, int) for d in (*place, *new))
            if sized and not _fits_into(new, place):
                raise MustFail
        return array(x.dtype, x.shape)
    if x.items is None or isinstance(index, Facts | slice):
        given = _entries(of(v)) if isinstance(index, slice) else (of(v),)
        known = x.items if x.items is not None else () if x.element is None else (x.element,)
        if x.items is not None and not isinstance(index, slice):
            return Facts(
                x.kind, items=tuple(join(i, of(v)) for i in x.items), keys=x.keys, cls=x.cls
            )
        if x.items is None and x.element is None and x.kind != "dict":
            return Facts(x.kind, cls=x.cls)
        return Facts(x.kind, element=join_all((*known, *given)), cls=x.cls)
    if x.kind == "dict" and x.keys is not None:
        entries = {**dict(zip(x.keys, x.items, strict=True)), index: of(v)}
        return Facts("dict", items=tuple(entries.values()), keys=tuple(entries), cls=dict)
    k = size_of(index)
    if not isinstance(k, int) or not -len(x.items) <= k < len(x.items):
        return Facts(x.kind, cls=x.cls)
    items = list(x.items)
    items[k] = of(v)
    return Facts(x.kind, items=tuple(items), keys=x.keys, cls=x.cls)


def _fits_into(given: Shape, place: Shape) -> bool:
    """Whether NumPy writes an array of one shape into a part of another; leading ones do not count."""
    while len(given) > len(place) and given[0] == 1:
        given = given[1:]
    last = place[len(place) - len(given) :] if len(given) <= len(place) else ()
    return len(given) <= len(place) and all(a in (1, b) for a, b in zip(given, last, strict=True))


def added_to(d: Any, index: Any, v: Any, axis: Any = None) -> Facts:
    """The result of `index_add(d, index, v)` and `add_along_axis`."""
    x, added = of(d), of(v)
    dtype = complex_dtype([x, added]) if added.is_complex and not x.is_complex else x.dtype
    if x.kind in ("array", "unknown"):
        return array(dtype, x.shape)
    kept = added.kind != "unknown" and all(_keeps_type(e, added) for e in _entries(x))
    return x if kept else loosened(x)


def _keeps_type(entry: Facts, added: Facts) -> bool:
    """Whether an entry of a container stays of its type if this is added to it."""
    if entry.kind in CONTAINERS:
        if added.kind != entry.kind:
            return False
        inner, more = _entries(entry), _entries(added)
        return bool(inner and more) and all(_keeps_type(e, a) for e in inner for a in more)
    plain = entry.kind in ("array", "float", "complex") and entry.kind == added.kind
    return plain and entry.dtype == added.dtype and (entry.is_real or entry.is_complex)


def appended(xs: Any, v: Any) -> Facts:
    """The result of `append(xs, v)`."""
    x = of(xs)
    if x.items is None:
        return Facts("list", element=join_all((*_entries(x), of(v))))
    return Facts("list", items=(*x.items, of(v)), cls=list)


def attribute(obj: Any, name: Any, *default: Any) -> Facts:
    """The result of `getattr`."""
    x = of(obj)
    if name == "itemsize":
        return PY_INT
    if x.items is not None and x.keys is not None and name in x.keys and x.kind != "dict":
        return x.items[x.keys.index(name)]
    return UNKNOWN if x.kind in ("object", "tuple") else Facts("opaque")


def zeros(x: Any) -> Facts:
    """The result of `zeros_like(x)` of the run time: an adjoint of `x` that is nothing yet."""
    facts = of(x)
    if facts.items is not None:
        return Facts(
            facts.kind, items=tuple(map(zeros, facts.items)), keys=facts.keys, cls=facts.cls
        )
    if facts.kind in ("list", "tuple", "dict", "object"):
        element = None if facts.element is None else zeros(facts.element)
        return Facts(facts.kind, element=element, cls=facts.cls)
    name = facts.dtype
    if name is not None and np.dtype(name).kind not in "fc":
        name = None if facts.kind == "unknown" else "float64"
    if facts.kind in SCALARS:
        if facts.dtype is None:
            return PY_COMPLEX if facts.kind == "complex" else PY_FLOAT
        return scalar(name) if np.dtype(facts.dtype).kind in "fc" else PY_FLOAT
    if facts.kind == "array":
        return array(name, facts.shape)
    if facts.kind == "unknown":
        return array(name, facts.shape) if facts.dims else Facts("unknown", None, facts.shape)
    return PY_FLOAT if facts.kind in ("none", "str") else Facts("opaque")


def summed(a: Any, b: Any) -> Facts:
    """The result of `add(a, b)` of the run time."""
    x, y = of(a), of(b)
    if x.is_numeric:
        return elementwise(operator.add)(a, b)
    if x.kind != y.kind or x.kind not in CONTAINERS:
        return loosened(x)
    if x.element is not None and y.element is not None:
        return Facts(x.kind, element=summed(x.element, y.element), cls=x.cls)
    if x.items is not None and y.items is not None and len(x.items) == len(y.items):
        items = tuple(map(summed, x.items, y.items))
        return Facts(x.kind, items=items, keys=x.keys, cls=x.cls)
    return loosened(x)


def imaginary_unit(x: Any) -> Facts:
    """The result of `imaginary_unit(x)`."""
    given = of(x)
    if given.is_complex:
        return PY_COMPLEX
    return PY_FLOAT if given.is_real else UNKNOWN


def unbroadcasted(g: Any, x: Any) -> Facts:
    """The result of `unbroadcast(g, x)`."""
    given, wanted = of(g), of(x)
    if wanted.kind in ("list", "tuple", "dict"):
        return given
    if given.is_complex and not wanted.is_complex:
        name = dtype_real(given) if wanted.is_real else None
        number = given.kind == "complex"
        plain = PY_FLOAT if name is not None and given.dtype is None else scalar(name)
        given = (plain if name else UNKNOWN) if number else Facts(given.kind, name, given.shape)
    if given.same_shape(wanted) and given.shape is not None:
        return given
    dtype = given.dtype if given.dtype is not None else dtype_same(given)
    if not isinstance(wanted.shape, tuple) or not wanted.shape:
        return Facts("unknown", dtype if given.kind == "array" else None, wanted.shape)
    return array(dtype if dtype is None or np.dtype(dtype).kind in "fc" else None, wanted.shape)


def instance(cls: Any, fields: Any) -> Facts:
    """The result of `instance(cls, fields)` of the run time: a dataclass instance."""
    given = of(fields)
    if given.items is None or not isinstance(cls, type):
        return Facts("object")
    return Facts("object", items=given.items, keys=given.keys, cls=cls)


def attribute_added(d: Any, name: Any, v: Any) -> Facts:
    """The result of `attribute_add(d, name, v)`."""
    return loosened(of(d))


# Sequences


def sequence(kind: Any) -> Callable[..., Facts]:
    """Inference for Python's `list` and `tuple`."""

    def infer(iterable: Any = ()) -> Facts:
        x = of(iterable)
        if x.kind in ("list", "tuple") and x.items is not None:
            return Facts(kind, items=x.items, cls=list if kind == "list" else tuple)
        if x.kind == "range":
            return Facts(kind, element=PY_INT)
        if x.kind == "array" and x.dims:
            entry = result(x.dtype, x.dims[1:])
            if isinstance(x.dims[0], int):
                return Facts(kind, items=(entry,) * x.dims[0])
            return Facts(kind, element=entry)
        return Facts(kind, element=x.element)

    return infer


def _plain(facts: Facts) -> Facts:
    """Facts without the value that one entry of several happens to have."""
    return PY_INT if facts.kind == "int" and facts.dtype is None else facts


def ordered_list(iterable: Any, *, reverse: Any = False) -> Facts:
    """The result of Python's `sorted`."""
    return permuted(iterable, None)


def permuted(xs: Any, order: Any) -> Facts:
    """The result of `permute(xs, order)` of the run time."""
    x = of(xs)
    if x.items is None:
        return Facts("list", element=x.element if x.kind in ("list", "tuple") else None)
    entry = join_all(tuple(map(_plain, x.items)))
    items = None if entry is None else (entry,) * len(x.items)
    return Facts("list", items=items, cls=list)
