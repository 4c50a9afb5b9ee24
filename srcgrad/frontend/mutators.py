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
from . import array_writes
from .array_writes import out_of, write_at, write_out, write_where
from .core import Lowerer
from .displays import item
from .expressions import OPERATORS
from .mappings import spread
from .objects import WRITING_METHODS
from .symbols import Symbol, is_constant, kind_name, leaves
from .writes import augmented, delete_item, extend, without, write_item

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
    if _is_set(owner) and name in ("add", "discard", "remove") and not _may_be_float(args):
        return None  # what it holds is of no concern to derivatives
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


def _is_set(owner: Symbol) -> bool:
    return isinstance(owner, Value) and owner.facts.cls is set


def _may_be_float(args: list[Symbol]) -> bool:
    values = [leaf for leaf in leaves(args) if isinstance(leaf, Value)]
    return any(v.facts.kind not in ("int", "bool", "str") for v in values)


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
        write_at(low, owner, *args)
        return (None,)
    out, given = out_of(function, args, kwargs)
    if out is not None:
        if isinstance(function, np.ufunc) and given[1].get("where", True) is not True:
            return (write_where(low, function, *given, out),)
        return (write_out(low, low.call(function, *given), out),)
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
    names, cure = _ELSEWHERE.get(
        module.partition(".")[0] if "random" in module else module, ((), "")
    )
    if name in names:
        low.refuse(
            f"{name_of(function)} writes into its argument, which is not supported", cure=cure
        )
    return None


# --- lists -------------------------------------------------------------------------------------------


def _append(low: Lowerer, owner: Symbol, entry: Symbol) -> None:
    now = low.memory.current(owner)
    if isinstance(now, list):
        low.memory.made(entry)
        low.memory.write(owner, [*now, entry])
        return
    low.check_entry(entry)
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
    ("list", "appendleft"): lambda low, owner, entry: _insert(low, owner, 0, entry),
    ("list", "popleft"): lambda low, owner: _pop(low, owner, 0),
    ("dict", "setdefault"): _set_default,
    ("dict", "update"): _update,
    ("dict", "pop"): _pop_key,
    ("dict", "popitem"): _pop_item,
    ("dict", "clear"): _clear,
    ("dict", "copy"): _copy_list,
    ("unknown", "append"): _append,
    **{
        (kind, name): f for kind in ("array", "unknown") for name, f in array_writes.METHODS.items()
    },
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
    **array_writes.FUNCTIONS,
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
    "popitem", "fill", "put", "extendleft", "rotate",
}  # fmt: skip
_OF_OBJECTS = {
    "add", "discard", "appendleft", "extendleft", "popleft", "rotate", "__setitem__", "__delitem__",
}  # fmt: skip
_CURES = {
    "remove": "use 'del xs[k]', or a comprehension with the entries that stay",
    "resize": "use np.resize, or a new array",
    "partition": "use a sorted copy",
    "append": "write 'xs = [*xs, x]'",
    "rotate": "join two slices of it: 'xs = [*xs[-n:], *xs[:-n]]'",
    "extendleft": "call appendleft for each",
}
_ORDERED = "keep a list in order: 'xs = sorted([*xs, x])', whose least entry is xs[0]"
_ELSEWHERE: dict[str, tuple[tuple[str, ...], str]] = {
    "_heapq": (("heappush", "heappop", "heapify", "heapreplace", "heappushpop"), _ORDERED),
    "_bisect": (("insort_left", "insort_right"), _ORDERED),
    "numpy": (("shuffle",), "shuffle a copy in the caller, and pass that in"),
}


def _cure(name: str) -> str:
    return _CURES.get(name, "build a new one")
