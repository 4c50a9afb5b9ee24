"""Makes what a derivative hands out the caller's own: writable, and no two results one memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..ir.build import Builder, facts_of_arg
from ..ir.graph import Arg, Block, Function, Op, Primitive, Value, map_values
from ..ops import registry


def own_results(function: Function) -> Function:
    """The function whose results are neither read-only broadcasts nor the same array twice."""
    body = function.body
    definitions = {r: op for op in body.ops for r in op.results}
    builder = Builder(adjoint=True)
    seen: set[Value] = set()
    made: dict[Value, Arg] = {}

    def own(value: Value) -> Arg:
        op = definitions.get(value)
        if op is not None and op.adjoint and op.primitive.function is np.broadcast_to:
            if value not in made:
                made[value] = _filled(op, definitions, builder)
                return made[value]
            return builder.emit(_primitive(np.copy), (made[value],))
        if value in seen and value.facts.kind == "array" and op is not None and op.adjoint:
            return builder.emit(_primitive(np.copy), (value,))
        seen.add(value)
        return value

    results = tuple(map_values(own, result) for result in body.results)
    if not builder.ops:
        return function
    return replace(function, body=Block(body.params, (*body.ops, *builder.ops), results))


def _filled(op: Op, definitions: dict[Value, Op], builder: Builder) -> Value:
    """A broadcast as memory of its own: np.full_like where the number and the array are known."""
    builder.location = op.location
    g, shape = op.args[0], op.args[1]
    source = definitions.get(shape) if isinstance(shape, Value) else None
    if source is not None and source.primitive.function is np.shape:
        like = source.args[0]
        facts = facts_of_arg(like)
        if facts_of_arg(g).is_scalar and facts.kind == "array" and _is_float(facts.dtype):
            return builder.emit(_primitive(np.full_like), (like, g), hint=op.result.hint)
    return builder.emit(_primitive(np.copy), (op.result,), hint=op.result.hint)


def _is_float(dtype: str | None) -> bool:
    return dtype is not None and np.dtype(dtype).kind == "f"


def _primitive(function: object) -> Primitive:
    found = registry.find(function)
    assert found is not None
    return found
