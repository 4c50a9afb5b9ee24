"""A tangent from a cotangent rule alone: the formula is linear in the cotangent and has an adjoint."""

from __future__ import annotations

from typing import Any

from .. import runtime
from ..analysis.activity import Activity
from ..ir.build import Builder
from ..ir.graph import Arg, Block, Op, Value
from ..ir.rewrite import prune
from ..ops import trace
from .control import Sweep
from .cotangents import primitive


def transposed(op: Op, formula: Any, dot: Arg, builder: Builder) -> Arg:
    """The tangent of an op's result caused by `dot`, the tangent of the argument of `formula`.

    The formula gives J' g; its own adjoint with respect to g, at any g, gives J dot.
    """
    scratch = Builder(op.location)
    g = Value(None, op.result.facts)
    args, kwargs = trace.wrap((op.args, dict(op.kwargs)), scratch)
    wrapped, y = trace.wrap((g, op.result), scratch)
    given = trace.unwrap(formula(wrapped, y, *args, **kwargs))
    active = Activity(Block((g,), tuple(scratch.ops), (given,)), [g], given)
    sweep = Sweep(active, Builder(op.location), {})
    sweep.seed(given, dot)
    sweep.run(scratch.ops)
    result = sweep.cotangents.take_or_zero(g)
    at_zero = Op(
        primitive(runtime.zeros_like), (op.result,), (g,), location=op.location
    )  # where the formula asks for the shape of g
    block = prune(Block((), (at_zero, *scratch.ops, *sweep.builder.ops), (result,)))
    for each in block.ops:
        builder.append(each)
    return result
