"""Methods and functions that write into what they are given: a table of what each leaves there."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable
from types import MethodDescriptorType, WrapperDescriptorType
from typing import Any

import numpy as np

from .. import runtime
from ..ir.graph import Value
from ..ops.registry import name_of
from .core import Lowerer
from .displays import item, spread
from .expressions import OPERATORS
from .objects import WRITING_METHODS
from .symbols import Symbol, is_constant, kind_name, packable
from .writes import augmented, delete_item, extend, without, write_item, write_whole

Done = tuple[Symbol] | None  # the result, once it has been dealt with
_MISSING: Any = object()


def write_by_method(
    low: Lowerer, owner: Symbol, kind: str, name: str, args: list[Symbol], kwargs: dict[str, Symbol]
) -> Done:
    """`owner.name(...)`, if that is a method which writes into its owner."""
    handler = _METHODS.get((kind, name))
    if handler is not None:
        return (handler(low, owner, *args, **kwargs),)
    if kind in ("array", "unknown", "list", "dict"):
        special = _SPECIAL.get(name)
        if special is not None:
            return (special(low, owner, *args),)
    if kind == "opaque" and name in WRITING_METHODS:
        low.refuse(
            f"'.{name}()' writes into {kind_name(owner)}, which is not supported",
            cure="use a list, a dict with keys that are written out, or an array",
        )
    if name in _REFUSED and kind not in ("object", "str"):
        what = {"unknown": "array", "opaque": "object"}.get(kind, kind)
        low.refuse(f"'.{name}()' writes into the {what}, which is not supported", cure=_cure(name))
    if kind == "opaque" and name in _OF_OBJECTS:
        low.refuse(
            f"'.{name}()' writes into {kind_name(owner)}, which is not supported",
            cure="use a list or a dict",
        )
    return None


def write_by_call(
    low: Lowerer, function: Any, args: list[Symbol], kwargs: dict[str, Symbol]
) -> Done:
    """A call of a function that is not read, if it writes into an argument."""
    name = getattr(function, "__name__", "")
    if isinstance(function, MethodDescriptorType | WrapperDescriptorType) and args:
        if function.__objclass__ in (list, dict, np.ndarray):
            kind = {list: "list", dict: "dict", np.ndarray: "array"}[function.__objclass__]
            return write_by_method(low, args[0], kind, name, args[1:], kwargs)
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc) and name == "at":
        _at(low, owner, *args)
        return (None,)
    out, given = _out_of(function, args, kwargs)
    if out is not None:
        where = given[1].pop("where", True)
        result = low.call(function, *given)
        if where is not True:
            result = low.call(np.where, [where, result, out], {})
        return (write_out(low, result, out),)
    try:
        handler = _FUNCTIONS.get(function)
    except TypeError:  # not hashable
        handler = None
    if handler is not None:
        return (handler(low, *args, **kwargs),)
    if function is np.nan_to_num and not {
        **dict(zip(("x", "copy"), args, strict=False)),
        **kwargs,
    }.get("copy", True):
        rest = {k: v for k, v in kwargs.items() if k not in ("x", "copy")}
        x = args[0] if args else kwargs["x"]
        return (write_out(low, low.call(np.nan_to_num, [x], rest), x),)
    module = str(getattr(function, "__module__", None))
    if function is np.put_along_axis:
        low.refuse(
            "np.put_along_axis is not supported",
            cure="write 'a[rows, indices] = values', with one array of indices per axis",
        )
    if name in _ELSEWHERE.get(module.partition(".")[0] if "random" in module else module, ()):
        low.refuse(
            f"{name_of(function)} writes into its argument, which is not supported",
            cure="shuffle or sort a copy in the caller, and pass that in",
        )
    return None


def _out_of(
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
    now = low.memory.current(out)
    if not isinstance(now, Value) or now.facts.kind not in ("array", "unknown"):
        low.refuse(f"'out=' of {kind_name(now)}: only an array can be written into")
    write_whole(low, out, result)
    return low.memory.current(out)


# --- lists -------------------------------------------------------------------------------------------


def _append(low: Lowerer, owner: Symbol, entry: Symbol) -> None:
    now = low.memory.current(owner)
    if isinstance(now, list):
        low.memory.made(entry)
        low.memory.write(owner, [*now, entry])
        return
    if not packable(entry):
        low.give_up(
            "a list of functions whose length is only known when the function runs",
            cure="write the calls out, or use a list of known length",
        )
    apart = low.memory.entries_apart(now) and low.memory.is_own(entry)
    made = low.apply(runtime.append, now, entry)
    low.memory.hold(made, entry)
    low.memory.write(owner, made, apart=apart)


def _insert(low: Lowerer, owner: Symbol, index: Symbol, entry: Symbol) -> None:
    now = low.memory.current(owner)
    if isinstance(now, list) and type(index) is int:
        made = list(now)
        made.insert(index, entry)
        low.memory.write(owner, made)
        return
    front = low.apply(operator.getitem, now, slice(None, index))
    back = low.apply(operator.getitem, now, slice(index, None))
    joined = low.apply(operator.add, low.apply(operator.add, front, [entry]), back)
    low.memory.hold(joined, entry)
    low.memory.write(owner, joined, apart=False)


def _pop(low: Lowerer, owner: Symbol, index: Symbol = -1) -> Symbol:
    now = low.memory.current(owner)
    if isinstance(now, Value) and is_constant(index) and low.memory.explode(owner) is not None:
        now = low.memory.current(owner)
    if isinstance(now, list) and type(index) is int:
        made = list(now)
        if made or not low.places.regions:
            try:
                entry = made.pop(index)
            except IndexError as error:
                low.refuse(f"IndexError: {error}")
            low.memory.write(owner, made)
            return entry
        now = low.apply(builtins.list, now)  # empty here, but maybe not in a later round
    if not isinstance(now, Value) or type(index) is not int:
        low.give_up(
            "which entry is popped is only known when the function runs",
            cure="pop the last one, or one whose place is written out",
        )
    entry = low.apply(operator.getitem, now, index)
    low.memory.write(owner, without(low, now, index), apart=low.memory.entries_apart(now))
    return entry


def _clear(low: Lowerer, owner: Symbol) -> None:
    now = low.memory.current(owner)
    kind = now.facts.kind if isinstance(now, Value) else type(now).__name__
    low.memory.write(owner, [] if kind == "list" else {})


def _reverse(low: Lowerer, owner: Symbol) -> None:
    now = low.memory.current(owner)
    made = (
        now[::-1]
        if isinstance(now, list)
        else low.apply(operator.getitem, now, slice(None, None, -1))
    )
    low.memory.write(owner, made)


def _sort_list(low: Lowerer, owner: Symbol, **kwargs: Symbol) -> None:
    made = low.call(sorted, [low.memory.current(owner)], kwargs)
    low.memory.write(owner, made)


def _copy_list(low: Lowerer, owner: Symbol) -> Symbol:
    now = low.memory.current(owner)
    if isinstance(now, list | dict):
        return now.copy()
    kind = builtins.list if now.facts.kind == "list" else builtins.dict
    return low.apply(kind, now, facts=now.facts)


# --- dicts -------------------------------------------------------------------------------------------


def _dict(low: Lowerer, owner: Symbol) -> dict[Any, Symbol]:
    """What a dict holds, whose keys are known."""
    now = low.memory.current(owner)
    if isinstance(now, Value) and low.memory.explode(owner) is not None:
        now = low.memory.current(owner)
    if not isinstance(now, dict):
        low.refuse(
            "the keys of this dict are only known when the function runs",
            cure="use keys that are written out, or a list",
        )
    return now


def _key(low: Lowerer, key: Symbol) -> Any:
    if not is_constant(key):
        low.give_up(
            "which key is meant is only known when the function runs",
            cure="use keys that are written out, or a list",
        )
    return key


def _set_default(low: Lowerer, owner: Symbol, key: Symbol, default: Symbol = None) -> Symbol:
    now = _dict(low, owner)
    if _key(low, key) not in now:
        low.memory.write(owner, {**now, key: default})
        return default
    return low.memory.current(now[key])


def _update(low: Lowerer, owner: Symbol, *others: Symbol, **named: Symbol) -> None:
    now = _dict(low, owner)
    for other in others:
        if isinstance(low.memory.current(other), list | tuple):
            pairs = list(low.memory.current(other))
            now = {**now, **{_key(low, k): v for k, v in pairs}}
        else:
            now = {**now, **spread(low, low.memory.current(other))}
    low.memory.write(owner, {**now, **named})


def _pop_key(low: Lowerer, owner: Symbol, key: Symbol, default: Symbol = _MISSING) -> Symbol:
    now = _dict(low, owner)
    if _key(low, key) not in now:
        if default is _MISSING:
            low.refuse(f"KeyError: {key!r}")
        return default
    low.memory.write(owner, {k: v for k, v in now.items() if k != key})
    return now[key]


def _pop_item(low: Lowerer, owner: Symbol) -> Symbol:
    now = _dict(low, owner)
    if not now:
        low.refuse("KeyError: 'popitem(): dictionary is empty'")
    key, value = list(now.items())[-1]
    low.memory.write(owner, dict(list(now.items())[:-1]))
    return (key, value)


# --- arrays ------------------------------------------------------------------------------------------


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


def _at(low: Lowerer, function: Any, a: Symbol, index: Symbol, value: Symbol = _MISSING) -> None:
    if function not in (np.add, np.subtract) or value is _MISSING:
        low.refuse(
            f"np.{function.__name__}.at is not supported; np.add.at and np.subtract.at are",
            cure="write it as an assignment, or as a loop",
        )
    if function is np.subtract:
        value = low.apply(operator.neg, value)
    now = low.memory.current(a)
    if not isinstance(now, Value):
        low.refuse(f"np.{function.__name__}.at of {kind_name(now)}")
    low.memory.write(a, low.apply(runtime.index_add, now, index, value))


def _augmenting(function: Any) -> Callable[..., Symbol]:
    def write(low: Lowerer, owner: Symbol, value: Symbol) -> Symbol:
        return augmented(low, owner, function, value)

    return write


_METHODS: dict[tuple[str, str], Callable[..., Symbol]] = {
    ("list", "append"): _append,
    ("list", "extend"): extend,
    ("list", "insert"): _insert,
    ("list", "pop"): _pop,
    ("list", "clear"): _clear,
    ("list", "reverse"): _reverse,
    ("list", "sort"): _sort_list,
    ("list", "copy"): _copy_list,
    ("dict", "setdefault"): _set_default,
    ("dict", "update"): _update,
    ("dict", "pop"): _pop_key,
    ("dict", "popitem"): _pop_item,
    ("dict", "clear"): _clear,
    ("dict", "copy"): _copy_list,
    ("array", "fill"): _fill,
    ("array", "sort"): _sort,
    ("array", "put"): _put,
    ("unknown", "fill"): _fill,
    ("unknown", "sort"): _sort,
    ("unknown", "put"): _put,
    ("unknown", "append"): _append,
}
_SPECIAL: dict[str, Callable[..., Symbol]] = {
    "__setitem__": write_item,
    "__delitem__": delete_item,
    "__getitem__": item,
    **{
        f"__i{f.__name__.strip('_')}__": _augmenting(f)
        for k, f in OPERATORS.items()
        if hasattr(operator, f"i{f.__name__.strip('_')}")
    },
}
_FUNCTIONS: dict[Any, Callable[..., Symbol]] = {
    np.copyto: _copyto,
    np.put: _put,
    np.place: _place,
    np.putmask: _place,
    np.fill_diagonal: _fill_diagonal,
    operator.setitem: write_item,
    operator.delitem: delete_item,
    **{
        getattr(operator, f"i{f.__name__.strip('_')}"): _augmenting(f)
        for f in OPERATORS.values()
        if hasattr(operator, f"i{f.__name__.strip('_')}")
    },
}
_REFUSED = {
    "remove", "itemset", "setfield", "resize", "partition", "setflags", "byteswap", "shuffle",
    "append", "extend", "insert", "pop", "clear", "sort", "reverse", "update", "setdefault",
    "popitem", "fill", "put",
}  # fmt: skip
_OF_OBJECTS = {
    "add", "discard", "appendleft", "extendleft", "popleft", "rotate", "__setitem__", "__delitem__",
}  # fmt: skip
_CURES = {
    "remove": "use 'del xs[k]', or a comprehension with the entries that stay",
    "resize": "use np.resize, or a new array",
    "partition": "use a sorted copy",
    "append": "write 'xs = [*xs, x]'",
}
_ELSEWHERE = {
    "_heapq": {"heappush", "heappop", "heapify", "heapreplace", "heappushpop"},
    "_bisect": {"insort_left", "insort_right"},
    "numpy": {"shuffle"},
}


def _cure(name: str) -> str:
    return _CURES.get(name, "build a new one")
