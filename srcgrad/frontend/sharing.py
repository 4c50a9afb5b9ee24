"""How the result of an op shares memory with what it was made of."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import runtime
from ..analysis.memory import OPERATORS, shared
from ..ir.graph import Op, Value, values_in
from ..ir.types import CONTAINERS, Facts
from ..ops import views

FRESH = "fresh"  # memory of its own
VIEW = "view"  # a part of the first argument, an array
THROUGH = "through"  # an entry of the first argument, a container
HOLDS = "holds"  # a new container of what is in the arguments
MAYBE = "maybe"  # the one or the other

Sharing = tuple[str, Sequence[Value]]
_NUMBERS = frozenset({"float", "int", "bool", "complex", "str", "none", "range", "function"})
_ARRAYS = ("array", "unknown")


def sharing(op: Op, generic: bool) -> Sharing:
    """How an op's result shares memory with its arguments.

    `generic` says that nothing is known of what the function is given, and that what may be a number is
    taken for one.
    """
    result, function = op.result.facts, op.primitive.function
    if result.kind in _NUMBERS:
        return FRESH, ()
    if function is operator.getitem:
        return _item(op, generic)
    first = op.args[0] if op.args else None
    if function is getattr and isinstance(first, Value):
        return (THROUGH, (first,)) if first.facts.kind in CONTAINERS else (MAYBE, (first,))
    if function in views.VIEWS and isinstance(first, Value) and first.facts.kind in _ARRAYS:
        return _of_array(op, first, generic)
    if function in views.READ_ONLY and isinstance(first, Value):
        return VIEW if function is np.diagonal else MAYBE, (first,)
    if function in (runtime.setitem, runtime.index_add, runtime.append):
        return FRESH, ()
    if result.kind in _ARRAYS and (_computes(function) or _is_copy(op)):
        return FRESH, ()
    bases = [v for v in _values(shared(op)) if v.facts.kind not in _NUMBERS]
    if result.kind in CONTAINERS:
        if function in OPERATORS or not bases:
            bases = [v for v in _values(op.args) if v.facts.kind not in _NUMBERS]
        if not has_mutable_entries(result):
            return FRESH, ()
        return (HOLDS, bases) if bases else (FRESH, ())
    return (MAYBE, bases) if bases else (FRESH, ())


def _computes(function: Any) -> bool:
    """Whether a function computes each entry anew: an operator or a ufunc."""
    return getattr(function, "__module__", "") == "_operator" or isinstance(function, np.ufunc)


def _is_copy(op: Op) -> bool:
    """Whether a function that may give a view does not, called like this."""
    function, first = op.primitive.function, op.args[0] if op.args else None
    if function is np.diff or function is np.nan_to_num:
        return len(op.args) == 1 and not set(op.kwargs) - {"axis"}
    if function is np.diag:
        return isinstance(first, Value) and first.facts.ndim == 1
    return False


def _values(args: Any) -> list[Value]:
    return values_in(list(args))


def has_mutable_entries(facts: Facts) -> bool:
    """Whether something in a container may be written to; of an array, nothing."""
    if facts.kind not in CONTAINERS:
        return False
    items = facts.items if facts.items is not None else (facts.element,)
    return any(i is None or i.kind not in _NUMBERS for i in items)


def _of_array(op: Op, first: Value, generic: bool) -> Sharing:
    function = op.primitive.function
    if first.facts.kind == "unknown" and not generic:
        return MAYBE, (first,)
    more = _values(op.args[1:])
    if function in (np.asarray, np.asanyarray, np.ascontiguousarray) and (
        op.kwargs or len(op.args) > 1
    ):
        return MAYBE, (first,)
    if function in (np.reshape, np.ravel) and op.kwargs:
        return MAYBE, (first,)
    if function is np.imag and not first.facts.is_complex:
        return FRESH, ()
    if any(v.facts.kind in _ARRAYS for v in more) and not generic:
        return MAYBE, (first,)
    return VIEW, (first,)


def _item(op: Op, generic: bool) -> Sharing:
    first, index = op.args[0], op.args[1]
    if not isinstance(first, Value):
        return MAYBE, _values((first,))
    kind = first.facts.kind
    if kind in CONTAINERS:
        if isinstance(index, slice):
            return (HOLDS, (first,)) if has_mutable_entries(first.facts) else (FRESH, ())
        return THROUGH, (first,)
    if kind not in _ARRAYS:
        return MAYBE, (first,)
    basic = is_basic(index, generic)
    if basic is False:
        return FRESH, ()
    if op.result.facts.kind == "unknown" and _only_integers(index):
        return (FRESH, ()) if generic else (MAYBE, (first,))
    return (MAYBE if basic is None else VIEW), (first,)


def _only_integers(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return not any(p is None or p is Ellipsis or isinstance(p, slice) for p in parts)


def is_basic(index: Any, generic: bool) -> bool | None:
    """Whether an index of an array takes a view; None where that is not known."""
    parts = index if isinstance(index, tuple) else (index,)
    unsure = False
    for part in parts:
        if isinstance(part, Value):
            facts = part.facts
            if facts.kind in ("array", "list", "bool"):
                return False
            if facts.kind == "unknown" or facts.kind not in ("int",):
                unsure = unsure or not generic
        elif isinstance(part, list | np.ndarray | bool):
            return False
    return None if unsure else True


def is_run(index: Any) -> bool:
    """Whether an index takes entries of a contiguous array that lie one after the other."""
    *first, last = index if isinstance(index, tuple) and index else (index,)
    if isinstance(last, slice):
        return last.step in (None, 1) and all(map(_is_integer, first))
    return all(map(_is_integer, (*first, last)))


def _is_integer(part: Any) -> bool:
    return type(part) is int or (isinstance(part, Value) and part.facts.kind == "int")


def entry_key(op: Op) -> Any:
    """The key of the one entry that an op takes out of a container, where it is written down.

    A key is never None: that is the answer for anything else.
    """
    if op.primitive.function not in (operator.getitem, getattr) or len(op.args) != 2:
        return None
    owner, key = op.args
    if not isinstance(owner, Value) or owner.facts.kind not in CONTAINERS:
        return None
    if isinstance(key, slice | tuple | Value | list):
        return None
    items = owner.facts.items
    if owner.facts.kind in ("list", "tuple") and type(key) is int and items is not None:
        return key + len(items) if key < 0 else key
    return key
