"""Functions and methods that write into an array: `out=`, np.copyto, np.put, ufunc.at and their like."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import runtime
from ..ir.graph import Value
from .core import Lowerer
from .displays import item
from .symbols import Symbol, kind_name
from .writes import write_item, write_whole

_MISSING: Any = object()
_AT_ONE = {
    np.multiply: "a[k] *= v", np.divide: "a[k] /= v",
    np.maximum: "a[k] = max(a[k], v)", np.minimum: "a[k] = min(a[k], v)",
}  # fmt: skip


def out_of(
    function: Any, args: list[Symbol], kwargs: dict[str, Symbol]
) -> tuple[Symbol, tuple[list[Symbol], dict[str, Symbol]]]:
    """What `out` is given, and the other arguments."""
    rest = dict(kwargs)
    out = rest.pop("out", None)
    if isinstance(out, tuple) and len(out) == 1:
        out = out[0]
    owner = getattr(function, "__self__", None)
    if isinstance(function, np.ufunc) and len(args) > function.nin:
        return args[function.nin], (args[: function.nin], rest)
    if isinstance(owner, np.ufunc) and function.__name__ != "at" and len(args) > 3:
        return args[3], (args[:3], rest)
    return out, (args, rest)


def write_out(low: Lowerer, result: Symbol, out: Symbol) -> Symbol:
    """What a call with `out=` gives: that array, after the result was written into it."""
    _array(low, out)
    write_whole(low, out, result)
    return low.memory.current(out)


def _array(low: Lowerer, out: Symbol) -> Value:
    now = low.memory.current(out)
    if not isinstance(now, Value) or now.facts.kind not in ("array", "unknown"):
        low.refuse(f"'out=' of {kind_name(now)}: only an array can be written into")
    return now


def write_where(
    low: Lowerer, function: np.ufunc, args: list[Symbol], kwargs: dict[str, Symbol], out: Symbol
) -> Symbol:
    """A ufunc with `out=` and `where=`, which computes nothing where it does not write."""
    now = _array(low, out)
    if function.signature is not None or function.nout != 1:
        low.refuse(f"'where=' of np.{function.__name__} is not supported")

    def spread_out(symbol: Symbol) -> Symbol:
        if isinstance(symbol, Value) and symbol.facts.same_shape(now.facts):
            return symbol
        shape = low.call(np.shape, [now], {})
        return low.call(np.broadcast_to, [symbol, shape], {})

    mask = spread_out(kwargs.pop("where"))
    chosen = [a if _is_number(a) else item(low, spread_out(a), mask) for a in args]
    write_item(low, out, mask, low.call(function, chosen, kwargs))
    return low.memory.current(out)


def _fill(low: Lowerer, owner: Symbol, value: Symbol) -> None:
    write_item(low, owner, Ellipsis, value)


def _sort(low: Lowerer, owner: Symbol, axis: Symbol = -1) -> None:
    low.memory.write(owner, low.call(np.sort, [low.memory.current(owner)], {"axis": axis}))


def _copyto(
    low: Lowerer, dst: Symbol, src: Symbol, casting: Symbol = "same_kind", where: Symbol = True
) -> None:
    if where is not True:
        src = low.call(np.where, [where, src, low.memory.current(dst)], {})
    write_item(low, dst, Ellipsis, src)


def _put(low: Lowerer, a: Symbol, ind: Symbol, v: Symbol, mode: Symbol = "raise") -> None:
    if mode != "raise":
        low.refuse(f"np.put with mode={mode!r} is not supported", cure="leave mode out")
    now = low.memory.current(a)
    flat = low.call(np.ravel, [now], {})
    if isinstance(ind, list | tuple):
        ind = list(ind)
    made = low.apply(runtime.setitem, flat, ind, v)
    low.memory.write(a, low.call(np.reshape, [made, low.call(np.shape, [now], {})], {}))


def _place(low: Lowerer, arr: Symbol, mask: Symbol, vals: Symbol) -> None:
    if isinstance(vals, list) and len(vals) == 1:
        vals = vals[0]
    if not _is_number(vals):
        low.refuse(
            "np.place and np.putmask with several values are not supported",
            cure="write 'a[mask] = values', with one value for each place",
        )
    write_item(low, arr, Ellipsis, low.call(np.where, [mask, vals, low.memory.current(arr)], {}))


def _is_number(symbol: Symbol) -> bool:
    if isinstance(symbol, Value):
        return symbol.facts.is_scalar
    return isinstance(symbol, int | float | complex | np.generic)


def _fill_diagonal(low: Lowerer, a: Symbol, val: Symbol, wrap: Symbol = False) -> None:
    now = low.memory.current(a)
    rank = now.facts.ndim if isinstance(now, Value) else None
    if wrap is not False or (rank not in (None, 2)) or (rank is None and not low.memory.generic):
        low.refuse(
            "np.fill_diagonal is supported for matrices, without wrap",
            cure="write 'a[i, i] = v' with i = np.arange(n)",
        )
    count = low.call(min, [low.call(np.shape, [now], {})], {})
    places = low.call(np.arange, [count], {})
    write_item(low, a, (places, places), val)


def _put_along_axis(
    low: Lowerer, arr: Symbol, indices: Symbol, values: Symbol, axis: Symbol = _MISSING
) -> None:
    now = low.memory.current(arr)
    dims = now.facts.dims if isinstance(now, Value) else None
    given = indices.facts.ndim if isinstance(indices, Value) else None
    if dims is None or given != len(dims) or type(axis) is not int:
        low.refuse(
            "np.put_along_axis is supported for arrays of known rank, along one axis",
            cure="write 'a[rows, indices] = values', with one array of indices per axis",
        )
    rank = len(dims)
    places: list[Symbol] = []
    for k in range(rank):
        if k == axis % rank:
            places.append(indices)
            continue
        each = low.call(np.arange, [item(low, low.call(np.shape, [now], {}), k)], {})
        shape = tuple(-1 if j == k else 1 for j in range(rank))
        places.append(each if rank == 1 else low.call(np.reshape, [each, shape], {}))
    write_item(low, arr, tuple(places) if rank > 1 else places[0], values)


def write_at(
    low: Lowerer, function: Any, a: Symbol, index: Symbol, value: Symbol = _MISSING
) -> None:
    """`function.at(a, index, value)`, of a ufunc."""
    if function not in (np.add, np.subtract) or value is _MISSING:
        low.refuse(
            f"np.{function.__name__}.at is not supported; np.add.at and np.subtract.at are",
            cure=f"write the loop: 'for k, v in zip(indices, values): {_AT_ONE.get(function, '...')}'",
        )
    if function is np.subtract:
        value = low.apply(operator.neg, value)
    now = low.memory.current(a)
    if not isinstance(now, Value):
        low.refuse(f"np.{function.__name__}.at of {kind_name(now)}")
    low.memory.write(a, low.apply(runtime.index_add, now, index, value))


METHODS: dict[str, Callable[..., None]] = {"fill": _fill, "sort": _sort, "put": _put}
FUNCTIONS: dict[Any, Callable[..., None]] = {
    np.copyto: _copyto,
    np.put: _put,
    np.place: _place,
    np.putmask: _place,
    np.fill_diagonal: _fill_diagonal,
    np.put_along_axis: _put_along_axis,
}
