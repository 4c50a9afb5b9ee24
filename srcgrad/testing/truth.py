"""Whether what is stated of a value is true of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..ir.graph import Value
from ..ir.types import AnyShape, Dim, Facts
from .trees import entries, moves


def admits(facts: Facts, value: Any, sizes: Mapping[Any, Any]) -> str | None:
    """What is wrong with stating these facts of a value; None where they are true of it.

    `sizes` says what each symbol stands for: a size, or a whole shape.
    """
    if facts.known and not (facts.known[0] is value or facts.known[0] == value):
        return f"known to be {facts.known[0]!r}"
    if facts.kind in ("opaque", "undefined", "function", "none", "str", "range"):
        return f"kind {facts.kind}" if moves(value) else None
    parts = entries(value)
    if facts.kind in ("list", "tuple", "dict", "object"):
        if parts is None:
            return f"kind {facts.kind}"
        if facts.cls is not None and type(value) is not facts.cls:
            return f"class {facts.cls}"
        found = [part for _, part in parts]
        known = facts.items if facts.items is not None else (facts.element or Facts("opaque"),)
        if facts.items is not None and len(found) != len(known):
            return f"{len(known)} entries"
        if facts.items is None:
            known = known * len(found) if facts.element is not None else ()
        wrong = (admits(f, v, sizes) for f, v in zip(known, found, strict=False))
        return next((w for w in wrong if w is not None), None)
    if parts is not None or not isinstance(value, np.ndarray | np.generic | float | int | complex):
        return "a number or an array"
    return _admits_number(facts, value, sizes)


def _admits_number(facts: Facts, value: Any, sizes: Mapping[Any, Any]) -> str | None:
    if facts.kind == "array" and not isinstance(value, np.ndarray):
        return "kind array"
    if facts.kind in ("float", "int", "bool", "complex"):
        python = {"float": float, "int": int, "bool": bool, "complex": complex}[facts.kind]
        if facts.dtype is None and type(value) is not python:
            return f"a Python {facts.kind}"
        if facts.dtype is not None and not isinstance(value, np.generic):
            return "a NumPy number"
    if facts.dtype is not None and np.asarray(value).dtype != np.dtype(facts.dtype):
        return f"dtype {facts.dtype}"
    if facts.kind == "int" and facts.keys and _size(facts.keys[0], sizes) != value:
        return f"the size {facts.keys[0]}"
    shape = np.shape(value)
    if isinstance(facts.shape, AnyShape) and sizes.get(facts.shape.symbol, shape) != shape:
        return "another shape"
    if isinstance(facts.shape, tuple):
        stated = [_size(d, sizes) for d in facts.shape]
        if len(shape) != len(stated) or any(
            s is not None and s != n for s, n in zip(stated, shape, strict=True)
        ):
            return f"shape {facts.shape}"
    return None


def symbols(value: Value, found: Any) -> dict[Any, Any]:
    """What the symbols that are tied to a value stand for."""
    if entries(found) is not None:
        return {}
    shape = np.shape(found)
    return {value: shape, **{(value, k): n for k, n in enumerate(shape)}}


def _size(size: Any, sizes: Mapping[Any, Any]) -> int | None:
    if isinstance(size, Dim):
        return int(size.const + sum(count * sizes[symbol] for symbol, count in size.terms))
    return None if size is None else int(size)
