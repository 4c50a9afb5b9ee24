"""What a formula may ask of its arguments: what is a constant, what is known of a value."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np

from .. import runtime
from ..ir.types import Shape
from . import facts
from .registry import PRIMITIVES, RULES, Formula
from .trace import Tracer, traced, tracers

array = traced(np.array)
astype = traced(runtime.astype)
dtype_of = traced(runtime.dtype_of)


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


# Constants come in types of their own, in which a formula must not compute.


def holds_reals(x: Any) -> bool:
    """Whether arithmetic on `x` is that of real or complex numbers, and does not wrap around."""
    if not isinstance(x, Tracer):
        return not isinstance(x, np.ndarray | np.generic) or x.dtype.kind in "fc"
    known = x.facts
    if known.kind == "array":
        return known.dtype is not None and np.dtype(known.dtype).kind in "fc"
    return known.kind not in ("int", "bool") or (known.kind == "int" and known.dtype is None)


def as_float(x: Any, y: Any) -> Any:
    """`x` in the precision of the result `y`, where it may hold small integers or truth values."""
    return x if holds_reals(x) else astype(x, _precision(y))


def _precision(y: Any) -> Any:
    """The dtype of the real parts of `y`."""
    if not isinstance(y, Tracer):
        return np.real(y).dtype if isinstance(y, np.ndarray | np.generic) else "float64"
    if y.facts.kind in ("float", "complex") and y.facts.dtype is None:
        return "float64"
    return dtype_of(y) if y.facts.dtype is None else np.dtype(y.facts.dtype).type(0).real.dtype.name


def as_array(x: Any, y: Any) -> Any:
    """`x`, if it is a list or tuple, as the array that NumPy makes of it; `y` is any other argument."""
    if kind(x) not in ("list", "tuple"):
        return x
    if static(x) and isinstance(y, Tracer):
        return Tracer(y.builder.emit(PRIMITIVES[np.array], (x,)), y.builder)
    return array(x)


def takes_lists(*functions: Any) -> None:
    """Let the rows of functions take lists of numbers as operands: their formulas see arrays."""
    for function in functions:
        primitive = PRIMITIVES[function]
        rule = RULES[primitive]
        operands = {k for k, formula in enumerate(rule.vjps[: rule.data]) if formula is not None}
        vjps, jvps = (
            tuple(
                None if formula is None else _of_arrays(formula, operands - {k})
                for k, formula in enumerate(formulas)
            )
            for formulas in (rule.vjps, rule.jvps)
        )
        RULES[primitive] = replace(rule, vjps=vjps, jvps=jvps)


def _of_arrays(formula: Formula, others: set[int]) -> Formula:
    """A formula that sees arrays where other operands are lists."""

    @functools.wraps(formula)
    def call(g: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        given = (as_array(a, y) if k in others else a for k, a in enumerate(args))
        return formula(g, y, *given, **kwargs)

    return call
