"""What the methods and attributes of an array mean, as NumPy functions of the array.

`METHODS[name](x, *args, **kwargs)` is `x.name(*args, **kwargs)` and `ATTRIBUTES[name](x)` is `x.name`.
A value is a NumPy function itself, or a small adapter that calls one and may be given tracers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import runtime
from .registry import refuse
from .trace import traced

_astype = traced(runtime.astype)
_item = traced(runtime.item)
_tolist = traced(runtime.tolist)
_dtype_of = traced(runtime.dtype_of)
_getattr = traced(getattr)


def _axes_or_sizes(given: tuple[Any, ...]) -> Any:
    """`x.reshape(2, 3)` and `x.reshape((2, 3))` mean the same."""
    return given[0] if len(given) == 1 else given


def reshape(x: Any, *shape: Any, order: str = "C") -> Any:
    """`x.reshape(2, 3)` or `x.reshape((2, 3))`."""
    if order == "C":
        return np.reshape(x, _axes_or_sizes(shape))
    return np.reshape(x, _axes_or_sizes(shape), order=order)  # type: ignore[call-overload]


def transpose(x: Any, *axes: Any) -> Any:
    """`x.transpose()`, `x.transpose(1, 0)` or `x.transpose((1, 0))`."""
    return np.transpose(x, _axes_or_sizes(axes)) if axes else np.transpose(x)


def astype(x: Any, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True,
           copy: bool = True) -> Any:  # fmt: skip
    """`x.astype(dtype)`; where the entries lie in memory makes no difference to a gradient."""
    if casting != "unsafe":
        refuse("astype", f"casting={casting!r}", "leave casting alone")
    return _astype(x, dtype)


def item(x: Any, *index: Any) -> Any:
    """`x.item()`, `x.item(3)` or `x.item(0, 1)`."""
    if not index:
        return _item(x)
    if len(index) == 1 and not isinstance(index[0], tuple):
        return _item(np.ravel(x)[index[0]])
    return _item(x[_axes_or_sizes(index)])


def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """`x.clip(0, 1)`; the keywords are `min` and `max`, as of the method."""
    return np.clip(x, min, max)


def copy(x: Any, order: str = "C") -> Any:
    """`x.copy()`."""
    return np.copy(x)


def flatten(x: Any, order: str = "C") -> Any:
    """`x.flatten()`, which is a copy also where `x.ravel()` is a view."""
    return np.ravel(np.copy(x)) if order == "C" else np.ravel(np.copy(x), order=order)  # type: ignore[call-overload]


def compress(x: Any, condition: Any, axis: Any = None) -> Any:
    """`x.compress(condition, axis)`."""
    return np.compress(condition, x, axis)


def matrix_transpose(x: Any) -> Any:
    """`x.mT`."""
    return np.swapaxes(x, -1, -2)


def itemsize(x: Any) -> Any:
    """`x.itemsize`."""
    return _getattr(_dtype_of(x), "itemsize")


def nbytes(x: Any) -> Any:
    """`x.nbytes`."""
    return np.size(x) * itemsize(x)


METHODS: dict[str, Callable[..., Any]] = {
    "all": np.all,
    "any": np.any,
    "argmax": np.argmax,
    "argmin": np.argmin,
    "argpartition": np.argpartition,
    "argsort": np.argsort,
    "astype": astype,
    "clip": clip,
    "compress": compress,
    "conj": np.conj,
    "conjugate": np.conj,
    "copy": copy,
    "cumprod": np.cumprod,
    "cumsum": np.cumsum,
    "diagonal": np.diagonal,
    "dot": np.dot,
    "flatten": flatten,
    "item": item,
    "max": np.max,
    "mean": np.mean,
    "min": np.min,
    "nonzero": np.nonzero,
    "prod": np.prod,
    "ptp": np.ptp,
    "ravel": np.ravel,
    "repeat": np.repeat,
    "reshape": reshape,
    "round": np.round,
    "searchsorted": np.searchsorted,
    "squeeze": np.squeeze,
    "std": np.std,
    "sum": np.sum,
    "swapaxes": np.swapaxes,
    "take": np.take,
    "tolist": _tolist,
    "trace": np.trace,
    "transpose": transpose,
    "var": np.var,
}

ATTRIBUTES: dict[str, Callable[..., Any]] = {
    "T": np.transpose,
    "dtype": _dtype_of,
    "flat": np.ravel,
    "imag": np.imag,
    "itemsize": itemsize,
    "mT": matrix_transpose,
    "nbytes": nbytes,
    "ndim": np.ndim,
    "real": np.real,
    "shape": np.shape,
    "size": np.size,
}

# Methods that write into the array.
MUTATING = frozenset(
    {"byteswap", "fill", "itemset", "partition", "put", "resize", "setfield", "setflags", "sort"}
)


def method(name: str) -> Callable[..., Any] | None:
    """The function that the method of this name stands for, or None where there is none.

    >>> method("sum") is np.sum, method("fill")
    (True, None)
    """
    return METHODS.get(name)


def attribute(name: str) -> Callable[..., Any] | None:
    """The function that the attribute of this name stands for, or None where there is none.

    >>> attribute("T")(np.ones((2, 3))).shape
    (3, 2)
    """
    return ATTRIBUTES.get(name)
