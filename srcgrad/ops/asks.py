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
    return x.facts.is_complex if isinstance(x, Tracer) else bool(np.iscomplexobj(x))


def maybe_complex(x: Any) -> bool:
    """Whether `x` is complex for all that is known of it, its shape apart."""
    return x.facts.may_be_complex if isinstance(x, Tracer) else complex_valued(x)


def conjugated(x: Any) -> Any:
    """The conjugate of what may be complex; anything else as it is."""
    return np.conj(x) if maybe_complex(x) else x


def real_part(t: Any, x: Any) -> Any:
    """What of `t` is a tangent of a real result, where `x`, of which it is, may be complex."""
    return np.real(t) if maybe_complex(x) else t


def has_complex(args: Any) -> bool:
    """Whether there are numbers among arguments that are known to be complex."""
    if isinstance(args, list | tuple):
        return any(map(has_complex, args))
    if isinstance(args, Tracer):
        entries = args.facts.items or (() if args.facts.element is None else (args.facts.element,))
        return args.facts.is_complex or any(f.is_complex for f in entries)
    return bool(np.iscomplexobj(args))


def moving(g: Any, x: Any) -> Any:
    """What of the cotangent `g` moves `x`, where `g` is known to be complex and `x` to be real."""
    return np.real(g) if complex_valued(g) and has_real(x) else g


def has_real(x: Any) -> bool:
    """Whether `x` is known to be real."""
    return x.facts.is_real if isinstance(x, Tracer) else not np.iscomplexobj(x)


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
