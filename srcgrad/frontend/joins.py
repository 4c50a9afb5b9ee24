"""`np.c_[...]`, `np.r_[...]` and `ufunc.outer`, as the plain functions that they stand for."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..ir.graph import Value
from ..ir.types import SCALARS, Facts
from .core import Lowerer, facts_of_symbol
from .symbols import Symbol, is_constant, packable

_PLAIN = {"c_": "np.column_stack([...])", "r_": "np.concatenate([...]), with [x] for a number x"}


def joined(low: Lowerer, owner: Any, index: Symbol) -> Symbol | None:
    """`np.c_[a, b]` or `np.r_[a, b]`, where something that a run computes is joined."""
    if not (owner is np.c_ or owner is np.r_) or is_constant(index):
        return None
    parts = list(index) if isinstance(index, tuple) else [index]
    ranks = [_rank(part) for part in parts]
    known = [rank for rank in ranks if rank is not None]
    if len(known) == len(ranks):
        if owner is np.c_ and max(known) <= 2:
            return low.call(np.column_stack, [parts], {})
        if owner is np.r_ and max(known) <= 1:
            return low.call(np.concatenate if min(known) else np.hstack, [parts], {})
        if owner is np.r_ and len(set(known)) == 1:
            return low.call(np.concatenate, [parts], {})
    name = "c_" if owner is np.c_ else "r_"
    low.refuse(
        f"np.{name}[...] of something that is not known to be a number, a vector or a matrix",
        cure=f"write {_PLAIN[name]}",
    )


def _rank(symbol: Symbol) -> int | None:
    if isinstance(symbol, str | slice) or not packable(symbol):
        return None
    facts = facts_of_symbol(symbol)
    if facts.kind in ("list", "tuple"):
        return 1 if facts.items and all(map(_is_number, facts.items)) else None
    return 0 if _is_number(facts) else facts.ndim


def _is_number(facts: Facts) -> bool:
    return facts.kind in SCALARS or facts.shape == ()


def outer(
    low: Lowerer, function: Any, args: list[Symbol], kwargs: dict[str, Symbol]
) -> tuple[Symbol] | None:
    """`np.subtract.outer(a, b)`: the function of all pairs of entries."""
    owner = getattr(function, "__self__", None)
    if not isinstance(owner, np.ufunc) or function.__name__ != "outer" or len(args) != 2:
        return None
    a, b = (low.call(np.asarray, [x], {}) if isinstance(x, list | tuple) else x for x in args)
    rank, other = _rank(a), _rank(b)
    if rank is None or other is None or is_constant([a, b]):
        return None
    if rank and other and isinstance(a, Value):
        a = low.apply(operator.getitem, a, (*[slice(None)] * rank, *[None] * other))
    return (low.call(owner, [a, b], kwargs),)
