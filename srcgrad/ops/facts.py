"""What a primitive's result is known to be, from what its arguments are known to be.

Each function here takes facts where the op has values and constants as they are, and answers in facts.
Not to know is always allowed; to be wrong is not.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ir.graph import UNDEFINED
from ..ir.types import (
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
    Shape,
    Size,
    array,
    facts_of,
    scalar,
)

UFUNC_OF: dict[Any, np.ufunc] = {
    operator.add: np.add, operator.sub: np.subtract, operator.mul: np.multiply,
    operator.truediv: np.divide, operator.floordiv: np.floor_divide, operator.mod: np.remainder,
    operator.pow: np.power, operator.neg: np.negative, operator.pos: np.positive,
    operator.eq: np.equal, operator.ne: np.not_equal, operator.lt: np.less,
    operator.le: np.less_equal, operator.gt: np.greater, operator.ge: np.greater_equal,
    operator.and_: np.bitwise_and, operator.or_: np.bitwise_or, operator.xor: np.bitwise_xor,
    operator.invert: np.invert, operator.lshift: np.left_shift, operator.rshift: np.right_shift,
    abs: np.absolute, operator.matmul: np.matmul,
}


def of(arg: Any) -> Facts:
    """Facts of an argument that is a constant or facts already."""
    if isinstance(arg, Facts):
        return arg
    if arg is UNDEFINED:
        return UNDEFINED_FACTS
    return facts_of(arg)


def broadcast(shapes: Sequence[Shape | AnyShape | None]) -> Shape | AnyShape | None:
    """The shape that several shapes broadcast to, as far as it is known."""
    known = [s for s in shapes if s != ()]
    if not known:
        return ()
    if all(s == known[0] for s in known) and not (
        isinstance(known[0], tuple) and None in known[0]
    ):
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
    # A symbol with an offset may still be one, unless every size here is that same symbol.
    for size in others:
        if isinstance(size, int) or (isinstance(size, Dim) and _above_one(size)):
            return size
    return others[0] if all(s == others[0] for s in others) else None


def _above_one(size: Dim) -> bool:
    terms = list(size.terms)
    return len(terms) == 1 and isinstance(terms[0][0], str) and (
        terms[0][1] * SMALLEST_SYMBOL + size.const > 1 and terms[0][1] > 0
    )


_PY: dict[str, Any] = {"bool": np.dtype(bool), "int": int, "float": float, "complex": complex}


def result_dtype(ufunc: np.ufunc, args: Sequence[Facts]) -> str | None:
    """The dtype that a ufunc gives for these arguments, or None where it is not known."""
    dtypes: list[Any] = []
    for facts in args:
        if facts.dtype is not None:
            dtypes.append(np.dtype(facts.dtype))
        elif facts.kind in _PY:
            dtypes.append(_PY[facts.kind])
        else:
            return None
    try:
        return str(ufunc.resolve_dtypes((*dtypes, *[None] * ufunc.nout))[-1].name)
    except TypeError:  # NumPy has no loop for these; running the op will say so
        return None


def elementwise(function: Any) -> Callable[..., Facts]:
    """Inference for a broadcasting function; operators on Python numbers give Python numbers."""
    ufunc = function if isinstance(function, np.ufunc) else UFUNC_OF.get(function)
    is_operator = function in UFUNC_OF

    def infer(*args: Any, **kwargs: Any) -> Facts:
        given = [of(a) for a in args]
        if not all(f.is_numeric for f in given):
            return UNKNOWN if not is_operator else _not_numbers(function, given)
        shape = broadcast([f.shape for f in given])
        if is_operator and all(f.kind in SCALARS and f.dtype is None for f in given):
            return _python(function, ufunc, given)
        dtype = result_dtype(ufunc, given) if ufunc is not None else _widest(given)
        if any(f.kind == "array" and f.shape != () for f in given):
            return array(dtype, shape)
        if all(f.is_scalar for f in given):
            return scalar(dtype)
        return Facts("unknown", dtype, shape)

    return infer


def _not_numbers(function: Any, given: Sequence[Facts]) -> Facts:
    if function is operator.add and given[0].kind == given[-1].kind:
        a, b = given[0], given[-1]
        if a.kind in ("list", "tuple") and a.items is not None and b.items is not None:
            return Facts(a.kind, items=a.items + b.items)
        return Facts(a.kind)
    return Facts("opaque")


def _python(function: Any, ufunc: np.ufunc | None, given: Sequence[Facts]) -> Facts:
    if function in (
        operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge
    ):  # fmt: skip
        return PY_BOOL
    kinds = {f.kind for f in given}
    if "complex" in kinds:
        return PY_FLOAT if function is abs else PY_COMPLEX
    if "float" in kinds or function is operator.truediv:
        return PY_FLOAT
    if function is operator.pow:
        return Facts("unknown", None, ())  # 2 ** -1 is a float, 2 ** 1 an int
    if function in (operator.and_, operator.or_, operator.xor) and kinds == {"bool"}:
        return PY_BOOL
    return PY_INT


def _widest(given: Sequence[Facts]) -> str | None:
    dtypes = [f.dtype for f in given]
    if any(d is None and f.kind not in _PY for d, f in zip(dtypes, given, strict=True)):
        return None
    if all(d is None for d in dtypes):
        return "float64"
    return str(np.result_type(*[_example(f) for f in given]).name)


def _example(facts: Facts) -> Any:
    return np.dtype(facts.dtype) if facts.dtype else {"bool": True, "int": 0, "float": 0.0}.get(
        facts.kind, 0j
    )


def same(x: Any, *args: Any, **kwargs: Any) -> Facts:
    """The result is like the first argument."""
    return of(x)


def unknown(*args: Any, **kwargs: Any) -> Facts:
    """A number or an array."""
    return UNKNOWN


def an_array(*args: Any, **kwargs: Any) -> Facts:
    """An array of which nothing else is known."""
    return array()


def constant(facts: Facts) -> Callable[..., Facts]:
    """The result has these facts, whatever the arguments are."""
    return lambda *args, **kwargs: facts


def axes_of(axis: Any, ndim: int) -> tuple[int, ...] | None:
    """The axes that `axis` names, none negative; None where they are only known at run time."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    if not all(isinstance(k, int) for k in axes):
        return None
    return tuple(k % ndim if ndim else 0 for k in axes)


def reduction(dtype_of: Callable[[Facts], str | None]) -> Callable[..., Facts]:
    """Inference for functions that take `axis` and `keepdims` as np.sum does."""

    def infer(a: Any, axis: Any = None, *args: Any, keepdims: Any = False, **kwargs: Any) -> Facts:
        x = of(a)
        dtype = kwargs.get("dtype")
        dtype = dtype_of(x) if dtype is None else _dtype_name(dtype)
        if axis is None and keepdims is False:
            return scalar(dtype) if x.is_numeric else Facts("unknown", dtype, ())
        if x.dims is None or isinstance(keepdims, Facts):
            return Facts("unknown", dtype)
        axes = axes_of(axis, len(x.dims))
        if axes is None:
            return Facts("unknown", dtype)
        if keepdims:
            return array(dtype, tuple(1 if k in axes else d for k, d in enumerate(x.dims)))
        shape = tuple(d for k, d in enumerate(x.dims) if k not in axes)
        return array(dtype, shape) if shape else scalar(dtype)

    return infer


def _dtype_name(dtype: Any) -> str | None:
    if isinstance(dtype, Facts):
        return None
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


def dtype_sum(x: Facts) -> str | None:
    """The dtype in which np.sum and np.prod add up."""
    name = dtype_same(x)
    if name is None or np.dtype(name).kind not in "biu":
        return name
    return str(np.sum(np.empty(0, name)).dtype.name)


def matmul(a: Any, b: Any, **kwargs: Any) -> Facts:
    """The result of `a @ b`."""
    x, y = of(a), of(b)
    dtype = result_dtype(np.matmul, (x, y)) if x.dtype and y.dtype else None
    if x.dims is None or y.dims is None or not x.dims or not y.dims:
        return Facts("unknown", dtype)
    p, q = x.dims, y.dims
    core: Shape = (*(p[-2:-1] if len(p) > 1 else ()), *(q[-1:] if len(q) > 1 else ()))
    batch = broadcast([p[:-2], q[:-2]])
    if not isinstance(batch, tuple):
        return array(dtype)
    shape = (*batch, *core)
    return array(dtype, shape) if shape else scalar(dtype)


def getitem(obj: Any, index: Any) -> Facts:
    """The result of `obj[index]`."""
    x = of(obj)
    if x.kind in ("list", "tuple", "dict", "object"):
        return _entry(x, index)
    if x.kind == "range":
        return PY_INT
    if x.kind not in ("array", "unknown"):
        return Facts("str") if x.kind == "str" else Facts("opaque")
    if x.dims is None:
        return Facts("unknown", x.dtype)
    return _indexed(x, index if isinstance(index, tuple) else (index,))


def _entry(x: Facts, index: Any) -> Facts:
    if x.items is not None:
        if isinstance(index, slice):
            try:
                return Facts(x.kind, items=x.items[index])
            except TypeError:
                return Facts(x.kind, element=_common(x))
        if x.keys is not None and index in x.keys and x.kind in ("dict", "object"):
            return x.items[x.keys.index(index)]
        if isinstance(index, int) and x.kind != "dict" and -len(x.items) <= index < len(x.items):
            return x.items[index]
        return _common(x) or Facts("opaque")
    if isinstance(index, slice):
        return x
    return x.element or UNKNOWN


def _common(x: Facts) -> Facts | None:
    from ..ir.types import join_all

    return join_all(x.items) if x.items is not None else x.element


def _indexed(x: Facts, index: tuple[Any, ...]) -> Facts:
    assert x.dims is not None
    unknown = Facts("unknown", x.dtype)
    given = [i if not isinstance(i, np.ndarray) else facts_of(i) for i in index]
    used = sum(1 for i in given if i is not None and i is not Ellipsis)
    if Ellipsis in given:
        at = given.index(Ellipsis)
        given[at : at + 1] = [slice(None)] * (len(x.dims) - used)
    given += [slice(None)] * (len(x.dims) - sum(1 for i in given if i is not None))
    axis = 0
    shape: list[Size | None] = []
    fancy: list[Shape] = []
    place = 0
    split = False
    last_fancy = -2
    for position, i in enumerate(given):
        if i is None:
            shape.append(1)
            continue
        if axis >= len(x.dims):
            return unknown
        size = x.dims[axis]
        axis += 1
        if isinstance(i, slice):
            shape.append(slice_size(size, i))
        elif isinstance(i, bool) or (isinstance(i, Facts) and _is_mask(i)):
            return array(x.dtype)
        elif isinstance(i, int) or (isinstance(i, Facts) and i.is_scalar and i.is_integral):
            continue
        elif isinstance(i, list) and all(type(k) is int for k in i):
            fancy.append((len(i),))
        elif isinstance(i, Facts) and i.dims is not None and i.kind == "array" and i.is_integral:
            fancy.append(i.dims)
        else:
            return unknown
        if fancy and not isinstance(i, slice):
            if last_fancy == -2:
                place = len(shape)
            elif last_fancy != position - 1:
                split = True
            last_fancy = position
    if fancy:
        if any(isinstance(i, int) or (isinstance(i, Facts) and i.is_scalar) for i in given):
            return array(x.dtype)  # integers beside arrays move the broadcast axes; not worked out
        joint = broadcast(fancy)
        if not isinstance(joint, tuple):
            return array(x.dtype)
        at = 0 if split else place
        shape[at:at] = joint
    if not shape and x.kind == "array":
        return scalar(x.dtype) if Ellipsis not in index else array(x.dtype, ())
    return array(x.dtype, tuple(shape))


def _is_mask(i: Facts) -> bool:
    return i.kind == "bool" or i.dtype == "bool"


def slice_size(size: Size | None, index: slice) -> Size | None:
    """How many entries a slice takes of an axis."""
    parts = (index.start, index.stop, index.step)
    if parts == (None, None, None):
        return size
    if isinstance(size, int) and all(p is None or isinstance(p, int) for p in parts):
        return len(range(size)[index])
    step = 1 if index.step is None else index.step
    if step == -1 and parts[:2] == (None, None):
        return size
    if not isinstance(size, Dim) or step != 1:
        return None
    start = 0 if index.start is None else index.start
    stop = size if index.stop is None else index.stop
    if not isinstance(start, int) or not isinstance(stop, int | Dim):
        return None
    # Inside the axis for certain only if its size is a symbol and the offsets are small.
    if not _above_one(size) or abs(start) >= SMALLEST_SYMBOL:
        return None
    first: Size = start if start >= 0 else size + start
    last: Size = stop if isinstance(stop, Dim) or stop >= 0 else size + stop
    offsets = (start if start >= 0 else -start) + (
        0 if isinstance(stop, Dim) else abs(stop)
    )
    terms = list(size.terms)
    if offsets > terms[0][1] * SMALLEST_SYMBOL + size.const:
        return None
    return last - first if isinstance(last, int | Dim) else None


def shape_like(x: Any, *args: Any, dtype: Any = None, **kwargs: Any) -> Facts:
    """The result of np.zeros_like and its kin: an array of the argument's shape."""
    facts = of(x)
    if not facts.is_numeric:
        return facts
    name = dtype_same(facts) if dtype is None else _dtype_name(dtype)
    return array(name, facts.shape) if facts.kind != "unknown" else Facts("unknown", name, facts.shape)


def transpose(a: Any, axes: Any = None) -> Facts:
    """The result of np.transpose."""
    x = of(a)
    if x.dims is None:
        return x if axes is None and x.is_scalar else Facts(x.kind, x.dtype)
    if axes is None:
        return array(x.dtype, x.dims[::-1])
    if not isinstance(axes, tuple | list) or not all(isinstance(k, int) for k in axes):
        return array(x.dtype, (None,) * len(x.dims))
    return array(x.dtype, tuple(x.dims[k] for k in axes))


def sizes(shape: Any) -> Shape | None:
    """A shape argument as sizes, as far as it is known."""
    if isinstance(shape, int):
        return (shape,)
    if isinstance(shape, tuple | list):
        return tuple(s if isinstance(s, int) and s >= 0 else None for s in shape)
    if isinstance(shape, Facts) and shape.kind == "int":
        return (None,)
    return None


def reshape(a: Any, shape: Any, *args: Any, **kwargs: Any) -> Facts:
    """The result of np.reshape."""
    return array(of(a).dtype, sizes(shape))
