"""Asks an argument for a shape, where otherwise an array would be computed to be asked for it alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from .. import runtime
from ..ir.graph import Block, Function, Op, Value, reads, values_in, walk
from ..ir.rewrite import has_effect, map_bodies
from .origins import ASKS

# Questions of which the answer depends on the type, too.
TYPED = (np.zeros_like, runtime.zeros_like, runtime.dtype_of, np.full_like)


def ask_arguments(function: Function) -> Function:
    """The function in which no array is computed for its shape alone, if an argument has that shape."""
    standing = [v for v in function.params if v.facts.kind == "array"]
    standing += [c.value for c in function.captures if c.value.facts.kind == "array"]
    return map_bodies(function, lambda body: _asked(body, standing))


def _asked(body: Block, standing: Sequence[Value]) -> Block:
    needed = _needed(body)
    known = [v for v in standing if v in needed or v in body.params]
    # A name that is bound anew would have to be kept beside the new one.
    names = Counter(r.hint for op in walk(body) for r in op.results)
    known.sort(key=lambda v: names[v.hint])
    # What belongs to the function must not come to depend on what is given for its sweep.
    read = {v for op in body.ops if not op.adjoint for v in reads(op)}
    ahead = [v for v in known if v in read]
    ops = [_answered(op, needed, known if op.adjoint else ahead) for op in body.ops]
    return body if tuple(ops) == body.ops else Block(body.params, tuple(ops), body.results)


def _answered(op: Op, needed: set[Value], known: Iterable[Value]) -> Op:
    k = _question(op)
    asked = op.args[k] if k is not None else None
    if not isinstance(asked, Value) or asked in needed or not op.ours:
        return op
    typed = op.primitive.function in TYPED
    for value in known:
        alike = value.facts.same_shape(asked.facts)
        if alike and (not typed or value.facts.dtype == asked.facts.dtype is not None):
            return replace(op, args=(*op.args[:k], value, *op.args[(k or 0) + 1 :]))
    return op


def _question(op: Op) -> int | None:
    """Which argument an op asks for its shape alone."""
    k = ASKS.get(op.primitive.function)
    return k if k is not None and len(op.args) > k else None


def _needed(body: Block) -> set[Value]:
    """What is computed in any case: for its entries, not to be asked for its shape."""
    needed = set(values_in(body.results))
    for op in reversed(body.ops):
        if not has_effect(op) and not any(r in needed for r in op.results):
            continue
        k = _question(op)
        if k is None or op.blocks:
            needed.update(reads(op))
        else:
            needed.update(v for j, a in enumerate(op.args) if j != k for v in values_in(a))
            needed.update(v for a in op.kwargs.values() for v in values_in(a))
    return needed
