"""What a formula may ask of its arguments: what is a constant, and what is known of a value."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.types import Shape
from . import facts
from .trace import Tracer, tracers


def number(x: Any) -> bool:
    """Whether `x` is a plain number that was written into the program."""
    return isinstance(x, int | float) and not isinstance(x, bool)


def integer(x: Any) -> bool:
    """Whether `x` is an integer, written down or only known at run time."""
    return kind(x) == "int" or isinstance(x, np.integer)


def static(x: Any) -> bool:
    """Whether `x` is written into the program, with everything in it."""
    return next(tracers(x), None) is None


def settled(x: Any) -> Any:
    """The value that a tracer is known to stand for; anything else as it is."""
    if isinstance(x, Tracer) and x.facts.known:
        return x.facts.known[0]
    return x


def kind(x: Any) -> str:
    """The kind that a value is known to have, or that a constant is of."""
    return x.facts.kind if isinstance(x, Tracer) else type(x).__name__


def complex_valued(x: Any) -> bool:
    """Whether `x` is known to be complex."""
    if isinstance(x, Tracer):
        return x.facts.kind == "complex" or str(x.facts.dtype).startswith("complex")
    return np.iscomplexobj(x)


def dims(x: Any) -> Shape | None:
    """The sizes of the axes of an array, where at least their number is known."""
    if isinstance(x, Tracer):
        return facts.as_array(x.facts).dims
    return np.shape(x) if static(x) else None


def rank(x: Any) -> int | None:
    """The number of axes of an array, where it is known."""
    known = dims(x)
    return None if known is None else len(known)


def same_shape(a: Any, b: Any) -> bool:
    """Whether two arrays are known to have the same shape."""
    p, q = dims(a), dims(b)
    return p is not None and p == q and None not in p
