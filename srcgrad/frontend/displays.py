"""Displays of tuples, lists, dicts and sets, and what is taken out of them by subscripts."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

import gast

from ..ir.graph import Value
from .core import BUILTINS, Lowerer
from .expressions import apply_binary, class_of, expression
from .joins import joined
from .mappings import spread
from .symbols import Closure, Members, Record, Symbol, is_constant, is_object, kind_name, packable
from .walks import entries, uniform


@expression(gast.Tuple, gast.List)
def _sequence(low: Lowerer, node: Any) -> Symbol:
    kind = tuple if isinstance(node, gast.Tuple) else list
    done: list[Symbol] = []
    whole: Symbol = None  # what stands before `done`, once something of unknown length is in it
    for item in node.elts:
        if not isinstance(item, gast.Starred):
            done.append(low.evaluate(item))
            continue
        starred = low.evaluate(item.value)
        known = entries(low, starred)
        if known is not None:
            done.extend(known)
            continue
        part = BUILTINS[kind](low, [starred], {})
        if done:
            whole = (
                kind(done) if whole is None else apply_binary(low, operator.add, whole, kind(done))
            )
        whole = part if whole is None else apply_binary(low, operator.add, whole, part)
        done = []
    if whole is None:
        return kind(done)
    return apply_binary(low, operator.add, whole, kind(done)) if done else whole


@expression(gast.Dict)
def _dictionary(low: Lowerer, node: Any) -> Symbol:
    result: dict[Any, Symbol] = {}
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        if key_node is None:
            result.update(spread(low, low.evaluate(value_node)))
            continue
        key = low.evaluate(key_node)
        if isinstance(key, Record | Value) or not is_constant(key):
            low.give_up(
                "the key of a dict is only known when the function runs",
                key_node,
                cure="use keys that are written out, or a list",
            )
        result[key] = low.evaluate(value_node)
    return result


@expression(gast.Set)
def _constant_set(low: Lowerer, node: Any) -> Symbol:
    items = [low.evaluate(item) for item in node.elts]
    if not all(is_constant(i) for i in items):
        low.refuse("a set of computed values", cure="use a list or a tuple")
    return Members(dict.fromkeys(items))


@expression(gast.Slice)
def _slice_of(low: Lowerer, node: Any) -> Symbol:
    parts = (node.lower, node.upper, node.step)
    return slice(*(None if p is None else low.evaluate(p) for p in parts))


@expression(gast.Subscript)
def _subscript(low: Lowerer, node: Any) -> Symbol:
    owner = low.evaluate(node.value)
    return item(low, owner, low.evaluate(node.slice))


def item(low: Lowerer, owner: Symbol, index: Symbol) -> Symbol:
    """`owner[index]`."""
    owner = low.memory.current(owner)
    if isinstance(owner, list | tuple | dict | str) and is_constant(index):
        try:
            return low.memory.current(owner[index])
        except (LookupError, TypeError) as error:
            if packable(owner):  # it may never be reached
                failing = low.apply(operator.getitem, owner, index)
                last = low.builder.ops[-1]
                low.builder.ops[-1] = replace(last, attrs={**last.attrs, "fails": True})
                return failing
            low.refuse(f"{type(error).__name__}: {error}")
    if isinstance(owner, list | tuple | dict) and not packable(owner):
        low.give_up(
            "which function is taken from here is only known when the function runs",
            cure="choose between calls with if, not between functions",
        )
    whole = joined(low, owner, index)
    if whole is not None:
        return whole
    owner = low.memory.indexed(owner, index)
    if isinstance(owner, Value) and low.unrollable and not is_constant(index):
        if owner.facts.items is not None and not uniform(list(owner.facts.items)):
            low.give_up("what is taken from here is only known when the function runs")
    cls = class_of(owner)
    method = getattr(cls, "__getitem__", None) if cls is not None else None
    if hasattr(method, "__code__"):
        return low.call(method, [owner, index], {})
    if is_object(owner) or isinstance(owner, Closure):
        low.refuse(f"{kind_name(owner)} cannot be subscripted")
    return low.apply(operator.getitem, owner, index)
