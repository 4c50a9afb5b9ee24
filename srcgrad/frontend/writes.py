"""Writing: to entries of arrays and containers, to attributes, by `=`, by `op=` and by `del`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import gast
import numpy as np

from .. import runtime
from ..ir.graph import UNDEFINED, Value, values_in
from ..ir.types import SCALARS, Facts
from .core import BUILTINS, Lowerer, facts_of_symbol
from .displays import item
from .expressions import apply_binary, as_operand, bind, class_of, mangled, read
from .objects import attribute
from .symbols import (
    Outside,
    Record,
    Symbol,
    is_constant,
    kind_name,
    packable,
)

Binary = Callable[..., Any]
_HIGHER = {"bool": 0, "int": 1, "float": 2, "complex": 3}


def write_target(low: Lowerer, target: Any, symbol: Symbol) -> None:
    """`owner[index] = symbol` and `owner.name = symbol`."""
    if isinstance(target, gast.Subscript):
        owner = low.evaluate(target.value)
        write_item(low, owner, low.evaluate(target.slice), symbol)
    elif isinstance(target, gast.Attribute):
        write_attribute(low, low.evaluate(target.value), mangled(low, target.attr), symbol)
    else:
        low.refuse(f"{type(target).__name__} is not supported here", target)


def write_item(low: Lowerer, owner: Symbol, index: Symbol, new: Symbol) -> None:
    """`owner[index] = new`."""
    low.memory.is_array(owner)
    now = low.memory.current(owner)
    cls = class_of(now)
    method = getattr(cls, "__setitem__", None) if cls is not None else None
    if hasattr(method, "__code__"):
        low.call(method, [owner, index, new], {})
    elif type(now) in (list, dict) and is_constant(index):
        low.memory.write(owner, _replaced(low, now, index, new))
    elif type(now) in (list, dict):
        _write_displayed(low, owner, now, index, new)
    elif isinstance(now, Value):
        _write_value(low, owner, now, index, new)
    else:
        low.refuse(f"{kind_name(now)} does not support item assignment")


def _replaced(low: Lowerer, now: Any, index: Any, new: Symbol) -> Symbol:
    """A list or dict that the source spells out with other entries."""
    made = now.copy()
    if isinstance(index, slice):
        made[index] = entries_of(low, new)
        return made
    try:
        made[index] = new
    except (IndexError, TypeError) as error:
        low.refuse(f"{type(error).__name__}: {error}")
    return made


def entries_of(low: Lowerer, symbol: Symbol) -> list[Symbol]:
    """The entries of what is put into a list that is spelled out."""
    made = BUILTINS[list](low, [symbol], {})
    if not isinstance(made, list):
        low.give_up("how many entries are put into this list is only known when the function runs")
    return made


def _write_displayed(low: Lowerer, owner: Symbol, now: Any, index: Symbol, new: Symbol) -> None:
    """An entry, of which only a run knows the place, of a list or dict that is spelled out."""
    if not packable(now) or not packable(new) or isinstance(now, dict):
        low.give_up(
            "which entry is written to is only known when the function runs",
            cure="use a list or an array of numbers, or a key that is written out",
        )
    made = low.apply(runtime.setitem, now, index, new)
    apart = low.memory.are_apart(now) and low.memory.is_own(new)
    low.memory.hold(made, [*now, new])
    low.memory.write(owner, made, apart=apart)


def _write_value(low: Lowerer, owner: Symbol, now: Value, index: Symbol, new: Symbol) -> None:
    facts = now.facts
    if facts.kind in ("list", "dict") and is_constant(index) and not isinstance(index, slice):
        if low.memory.explode(owner) is not None:
            write_item(low, owner, index, new)
            return
    if facts.kind == "list" and isinstance(index, slice):
        low.give_up(
            "a part of a list is replaced whose length is only known when the function runs",
            cure="build a new list, or write entry by entry",
        )
    if facts.kind in ("list", "dict"):
        made = low.apply(runtime.setitem, now, index, new)
        apart = low.memory.entries_apart(now) and low.memory.is_own(new)
        low.memory.hold(made, new)
        low.memory.write(owner, made, apart=apart)
        return
    if facts.kind == "undefined":
        return  # no round that was read so far has bound it
    if facts.kind not in ("array", "unknown"):
        low.refuse(
            f"{kind_name(now)} does not support item assignment",
            cure="use a list, a dict or an array",
        )
    new = as_operand(low, new, now)
    check_type(low, facts, new)
    check_maker(low, owner, new)
    low.memory.write(owner, low.apply(runtime.setitem, now, index, new))


def check_type(low: Lowerer, facts: Facts, new: Symbol) -> None:
    """Refuse to write what an array of integers would cut off.

    Raises
    ------
    UnsupportedSyntax
        Where the facts allow to tell.
    """
    if facts.dtype is not None and facts.dtype.startswith("void"):
        low.refuse("structured arrays are not supported", cure="use one array for each field")
    if facts.dtype is None or not packable(new):
        return
    given = facts_of_symbol(new)
    kind = given.kind
    if given.dtype is not None:
        kinds = {"f": "float", "c": "complex", "i": "int", "u": "int", "b": "bool"}
        kind = kinds.get(np.dtype(given.dtype).kind, kind)  # type: ignore[assignment]
    target = {"i": "int", "u": "int", "b": "bool", "f": "float"}.get(np.dtype(facts.dtype).kind)
    if target is None or kind not in _HIGHER or kind in ("bool", "int"):
        return
    if _HIGHER[kind] > _HIGHER[target]:
        low.refuse(
            f"Cannot cast from {_article(kind)} to an entry of an array of {facts.dtype}, which would "
            "lose a part of it",
            cure="make the array of floats, for instance np.zeros(n) or x.astype(float)",
        )


_MAKERS = {np.array: 0, np.asarray: 0, np.full: 1, np.full_like: 1}


def check_maker(low: Lowerer, handle: Symbol, new: Symbol) -> None:
    """Refuse to write to an array that may hold integers, as was made of what only a run knows."""
    if low.memory.generic or facts_of_symbol(new).is_integral:
        return
    for op in low.memory.makers(handle):
        place = _MAKERS.get(op.primitive.function)
        if place is None or op.kwargs or len(op.args) != place + 1:
            continue
        entries = [v.facts for v in values_in(op.args[place])]
        if any(map(_may_be_int, entries)):
            low.refuse(
                "whether this array holds integers, to which what is written would be cut off, is only "
                "known when the function runs",
                cure="say so where it is made, for instance by dtype=float or x.astype(float)",
            )


def _may_be_int(facts: Facts) -> bool:
    """Whether a number may turn out to be an integer, as `sum(xs)` does where `xs` is empty."""
    if facts.kind in ("opaque", "unknown"):
        return facts.dtype is None
    return facts.kind == "float" and facts.cls is int


def _article(kind: str) -> str:
    return f"a {kind} number"


def write_whole(low: Lowerer, handle: Symbol, new: Symbol) -> None:
    """Let every entry of an array become that of a value just computed, in the array's own type."""
    now = low.memory.current(handle)
    value = low.arg(new)
    check_type(low, now.facts, value)
    check_maker(low, handle, value)
    known = facts_of_symbol(value)
    is_number = now.facts.shape == () and now.facts.kind != "array"
    if is_number and isinstance(value, Value) and known.is_scalar:
        low.memory.write(handle, value)  # one number in place of another
        return
    same = known.kind == "array" and known.same_shape(now.facts) and known.dtype == now.facts.dtype
    if not same or known.dtype is None or not isinstance(value, Value):
        value = low.apply(runtime.setitem, now, Ellipsis, value)
    low.memory.write(handle, value)


# --- attributes --------------------------------------------------------------------------------------


def write_attribute(
    low: Lowerer, owner: Symbol, name: str, new: Symbol, even_frozen: bool = False
) -> None:
    """`owner.name = new`; `even_frozen`, as `object.__setattr__` does it."""
    now = low.memory.current(owner)
    if isinstance(now, Value) and now.facts.kind == "object" and low.memory.explode(owner):
        now = low.memory.current(owner)
    if isinstance(now, Outside):
        now = _overlay(low, now)
    if not isinstance(now, Record):
        low.refuse(
            f"'.{name}' of {kind_name(now)} is written to, which is not supported",
            cure="use a dataclass, or keep the value in a local name and return it, or make the object "
            "in this function",
        )
    cls = now.cls
    frozen = getattr(getattr(cls, "__dataclass_params__", None), "frozen", False)
    if frozen and not even_frozen:
        low.refuse(f"cannot assign to field '{name}' of '{cls.__name__}', which is frozen")
    found = getattr(cls, name, None)
    if isinstance(found, property):
        if not hasattr(found.fset, "__code__"):
            low.refuse(f"property '{name}' of '{cls.__name__}' object has no setter")
        low.call(found.fset, [owner, new], {})
        return
    watched = not frozen and hasattr(getattr(cls, "__setattr__"), "__code__")  # noqa: B009
    if watched and not even_frozen:
        low.refuse(f"'{cls.__name__}' defines __setattr__, which is not read")
    low.memory.made(new, name)
    if isinstance(new, Value) and new.hint is None:
        new.hint = name
    low.memory.write(owner, Record(cls, {**now.fields, name: new}, now.base))


def _overlay(low: Lowerer, outside: Outside) -> Record:
    """What is written of an object that a method belongs to; the object itself stays as it is."""
    if not low.program.owns(outside.path):
        low.refuse(
            f"'{outside.path}' is written to, which is outside of this function: a gradient leaves "
            "it alone",
            cure=f"differentiate a method of '{outside.path.partition('.')[0]}', make it in this "
            "function or, if it is a dataclass, pass it as an argument",
        )
    return Record(type(outside.value), {}, outside)


# --- op= ---------------------------------------------------------------------------------------------


def augment(low: Lowerer, target: Any, function: Binary, value: Callable[[], Symbol]) -> None:
    """`target op= value`."""
    if isinstance(target, gast.Name):
        old = read(low, target.id)
        new = augmented(low, old, function, value())
        if new is not old:
            bind(low, low.frame, target.id, new)
        return
    owner = low.evaluate(target.value)
    if isinstance(target, gast.Attribute):
        name = mangled(low, target.attr)
        old = attribute(low, owner, name)
        new = augmented(low, old, function, value())
        if new is not old:
            write_attribute(low, owner, name, new)
        return
    index = low.evaluate(target.slice)
    old = item(low, low.memory.current(owner), index)
    now = low.memory.current(owner)
    if isinstance(now, Value) and now.facts.kind in ("array", "unknown"):
        write_item(low, owner, index, apply_binary(low, function, old, value()))
        return
    new = augmented(low, old, function, value())
    if new is not old:
        write_item(low, owner, index, new)


def augmented(low: Lowerer, old: Symbol, function: Binary, value: Symbol) -> Symbol:
    """What `old op= value` leaves: the same object, written to, where it can be; else another."""
    now = low.memory.current(old)
    special = f"__i{function.__name__.strip('_')}__"
    method = getattr(class_of(now), special, None) if class_of(now) is not None else None
    if hasattr(method, "__code__"):
        return low.call(method, [old, value], {})
    kind = now.facts.kind if isinstance(now, Value) else type(now).__name__
    if kind == "array":
        result = apply_binary(low, function, now, value)
        facts = now.facts
        if facts.shape == () and facts.kind in SCALARS:
            return result
        write_whole(low, old, result)
        return old
    more = value.facts if isinstance(value, Value) else None
    if kind == "list" and more is not None and (more.kind == "array" or more.dtype is not None):
        return apply_binary(low, function, now, value)  # an array's own operator comes first
    if kind == "list" and function in (operator.add, operator.mul):
        if function is operator.add:
            extend(low, old, value)
        else:
            low.memory.write(old, apply_binary(low, function, now, value))
        return old
    if kind == "dict" and function is operator.or_:
        low.memory.write(old, {**now, **value})
        return old
    result = apply_binary(low, function, now, value)
    if kind == "unknown" and low.memory.generic:
        low.memory.assume(old)
    elif kind in ("unknown", "opaque"):
        low.memory.uncertain(old, result)
    return result


def extend(low: Lowerer, owner: Symbol, more: Symbol) -> None:
    """`owner.extend(more)`, of a list."""
    now = low.memory.current(owner)
    more = BUILTINS[list](low, [more], {})
    if isinstance(now, list) and isinstance(more, list):
        low.memory.write(owner, [*now, *more])
        return
    made = apply_binary(low, operator.add, now, more)
    low.memory.hold(made, more)
    low.memory.hold(made, now)
    low.memory.write(owner, made, apart=False)


# --- del ---------------------------------------------------------------------------------------------


def delete_target(low: Lowerer, target: Any) -> None:
    """`del name` and `del owner[index]`."""
    if isinstance(target, gast.Name):
        read(low, target.id)
        bind(low, low.frame, target.id, UNDEFINED)
    elif isinstance(target, gast.Subscript):
        delete_item(low, low.evaluate(target.value), low.evaluate(target.slice))
    elif isinstance(target, gast.Tuple | gast.List):
        for inner in target.elts:
            delete_target(low, inner)
    else:
        low.refuse("'del' of an attribute is not supported", target, cure="leave it alone")


def delete_item(low: Lowerer, owner: Symbol, index: Symbol) -> None:
    """`del owner[index]`."""
    now = low.memory.current(owner)
    if isinstance(now, Value) and now.facts.kind in ("list", "dict") and is_constant(index):
        if low.memory.explode(owner) is not None:
            now = low.memory.current(owner)
    if type(now) in (list, dict) and is_constant(index):
        made = now.copy()
        try:
            del made[index]
        except (LookupError, TypeError) as error:
            low.refuse(f"{type(error).__name__}: {error}")
        low.memory.write(owner, made)
    elif isinstance(now, Value) and now.facts.kind == "list" and type(index) is int:
        low.memory.write(owner, without(low, now, index), apart=low.memory.entries_apart(now))
    else:
        low.give_up(
            f"'del' of an entry of {kind_name(now)} that only a run knows is not supported",
            cure="build a new list of the entries that stay",
        )


def without(low: Lowerer, now: Value, index: int) -> Symbol:
    """A list that only a run knows, without one of its entries."""
    if index == -1:
        return low.apply(operator.getitem, now, slice(None, -1))
    after = low.apply(operator.getitem, now, slice(index + 1, None))
    if index == 0:
        return after
    before = low.apply(operator.getitem, now, slice(None, index))
    return apply_binary(low, operator.add, before, after)
