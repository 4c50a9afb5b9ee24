"""Formulas that users have registered: called, and held against what they are to give."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import StructureError
from ..frontend.statements import ASSERT
from ..ir.build import Builder, facts_of_arg
from ..ir.graph import Arg, Op, Value
from ..ir.types import CONTAINERS
from ..ops.registry import Rule, where
from .cotangents import primitive


def applied(
    rule: Rule, formula: Callable[..., Any], op: Op, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """What a formula gives for the arguments of an op, the cotangent and the result first.

    Raises
    ------
    StructureError
        A formula of the user's takes other arguments than the function.
    """
    if not rule.checked:
        return formula(*args, **kwargs)
    try:
        return formula(*args, **kwargs)
    except TypeError as error:
        raise StructureError(
            f"the formula for {op.primitive.name} fails for g, y and the arguments of the "
            f"function: {error}",
            where(formula),
            cure="take what the function takes, after g and y; a rule that calls other functions "
            "than those of NumPy, and ufuncs, is one for srcgrad.custom_vjp",
        ) from error


def check_given(
    rule: Rule, formula: Callable[..., Any], op: Op, given: Arg, like: Arg, builder: Builder
) -> None:
    """Refuse a cotangent or tangent of another structure or shape than `like`.

    Where only a run can tell the shape, it makes sure of it.

    Raises
    ------
    StructureError
        At the line of the formula.
    """
    if not rule.checked or not isinstance(like, Value):
        return
    wanted, facts = like.facts, facts_of_arg(given)
    what = f"the formula for {op.primitive.name} gives"
    if wanted.kind in CONTAINERS or wanted.kind == "opaque":
        return
    if facts.kind in CONTAINERS or facts.kind in ("none", "str"):
        kind = "None" if facts.kind == "none" else f"a {facts.kind}"
        raise StructureError(
            f"{what} {kind}, where one number or array is expected",
            where(formula),
            cure="give one formula per argument, each with one result",
        )
    if rule.verb == "elementwise" or wanted.same_shape(facts):
        return
    if wanted.is_scalar and facts.is_scalar:
        return
    x, y = (() if f.is_scalar else f.dims for f in (wanted, facts))
    if x is not None and y is not None:
        sizes = zip(x, y, strict=False)
        if len(x) != len(y) or any(_differ(p, q) for p, q in sizes):
            raise StructureError(
                f"{what} the shape {facts.shape_text()}, where {wanted.shape_text()} is expected",
                where(formula),
                cure="sum over what was broadcast, or use np.broadcast_to",
            )
    place = where(formula)
    shapes = [builder.emit(primitive(np.shape), (a,)) for a in (given, like)]
    same = builder.emit(primitive(operator.eq), shapes)
    text = f"{what} another shape than its argument has ({place.file}:{place.line})"
    builder.emit(ASSERT, (same, text))


def _differ(p: Any, q: Any) -> bool:
    apart = p - q if p is not None and q is not None else 0
    return isinstance(apart, int) and apart != 0
