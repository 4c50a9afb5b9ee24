"""Backward programs that add what they compute directly into the memory of `.grad`."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import runtime
from ..autodiff.reverse import Wanted, joint, partition
from ..config import settings
from ..ir.build import Builder
from ..ir.graph import Arg, Block, Function, Op, Parameter, Value, reads
from ..ir.rewrite import prune, substitute_op
from ..ir.types import Facts
from ..ir.verify import verify
from ..ops import registry
from ..optimize.passes import optimize

SHORT = 8  # operations in a sum that is written on one line with the buffer it is added to


@dataclass(frozen=True, slots=True)
class Target:
    """Where a cotangent goes: that of the entry at `path` of the parameter at `position`.

    With `buffer`, the name and the facts of an array, it is added to that array; without, the
    backward program returns it.
    """

    position: int
    path: tuple[Any, ...] = ()
    buffer: tuple[str, Facts] | None = None


def accumulating(
    function: Function, targets: Sequence[Target]
) -> tuple[Function, Function, tuple[Value, ...]]:
    """The forward and the backward program of `function`, and the values that one saves for the other.

    The backward program takes the saved values, the cotangent of the result, then one array for each
    target with a buffer, to which it adds; it returns the tuple of the other targets' cotangents, or
    None where there are none.
    """
    positions = list(dict.fromkeys(t.position for t in targets))
    both, buffers = _with_buffers(
        joint(function, [Wanted(p) for p in positions]), positions, targets
    )
    forward, backward = partition(optimize(both))
    kept = forward.result[1]
    backward = _with_parameters(backward, kept, buffers, targets)
    needed = tuple(v for v in kept if v not in buffers)
    result = (forward.result[0], needed)
    own = [k for k, v in enumerate(forward.params) if v not in buffers]
    forward = replace(
        forward,
        name=_own_name(forward),
        signature=tuple(forward.signature[k] for k in own),
        body=replace(forward.body, params=tuple(forward.params[k] for k in own), results=(result,)),
    )
    if settings().check:
        verify(backward)
    return forward, backward, needed


def _own_name(function: Function) -> str:
    """A name beside those of the callees: a function that calls itself has programs of its own."""
    name = function.name
    while name in function.callees:
        name = f"d_{name}"
    return name


def _primitive(function: Any) -> Any:
    found = registry.find(function)
    assert found is not None, function
    return found


def _with_buffers(
    both: Function, positions: Sequence[int], targets: Sequence[Target]
) -> tuple[Function, dict[Value, Parameter]]:
    """What `joint` made, with the sums in place of the gradients, and a parameter per buffer."""
    result, gradients = both.result
    builder = Builder(adjoint=True)
    buffers: dict[Value, Parameter] = {}
    returned: list[Arg] = []
    made_by = {r: op for op in both.body.ops for r in op.results}
    for target in targets:
        given = gradients[positions.index(target.position)]
        for key in target.path:
            given = _entry(builder, made_by, given, key)
        if target.buffer is None:
            returned.append(given)
            continue
        name, facts = target.buffer
        buffer = Value(name, facts)
        buffers[buffer] = Parameter(name)
        total = builder.emit(
            _primitive(runtime.index_add), (buffer, Ellipsis, given), hint=name, facts=facts
        )
        returned.append(total)
    body = Block(
        (*both.params, *buffers), (*both.body.ops, *builder.ops), ((result, tuple(returned)),)
    )
    signature = (*both.signature, *buffers.values())
    # A sweep only reads the cotangents that programs hand on, so these need no memory of their own.
    return replace(both, signature=signature, body=body, owned=None), buffers


def _entry(builder: Builder, made_by: Mapping[Value, Op], gradient: Arg, key: Any) -> Arg:
    """One entry of the gradient of a container."""
    if not isinstance(gradient, Value):
        return gradient[key]
    made = made_by.get(gradient)
    if made is not None and isinstance(made.primitive.function, type) and key in made.kwargs:
        return made.kwargs[key]  # an object of gradients need not be made
    take = getattr if gradient.facts.kind == "object" else operator.getitem
    return builder.emit(_primitive(take), (gradient, key))


def _with_parameters(
    backward: Function,
    kept: Sequence[Value],
    buffers: dict[Value, Parameter],
    targets: Sequence[Target],
) -> Function:
    """The backward program with the buffers as parameters, where `partition` has it read them."""
    saved = backward.params[0]
    facts = tuple(v.facts for v in kept if v not in buffers)
    new_saved = Value("saved", Facts("tuple", items=facts))
    table: dict[Value, Arg] = {}
    ops: list[Op] = []
    position = 0
    for k, op in enumerate(backward.body.ops):
        if k >= len(kept) or op.args[0] is not saved:
            ops.append(substitute_op(op, table))
        elif kept[k] in buffers:
            table[op.result] = kept[k]
        else:
            ops.append(replace(op, args=(new_saved, position)))
            position += 1
    (results,) = backward.body.results
    rest = tuple(r for r, t in zip(results, targets, strict=True) if t.buffer is None)
    totals = tuple(r for r, t in zip(results, targets, strict=True) if t.buffer is not None)
    ops = _scattered(ops, totals)
    params = (new_saved, backward.params[1], *buffers)
    body = prune(Block(params, tuple(ops), ((rest, totals),)))
    return replace(
        backward,
        name=_own_name(backward),
        signature=(*backward.signature, *buffers.values()),
        body=replace(body, results=(rest or None,)),
        donated=frozenset(buffers),
    )


def _is_short(value: Value, made_by: Mapping[Value, Op]) -> bool:
    """Whether the expression of a value is short, values with a name not taken apart."""
    count, pending = 0, [value]
    while pending and count <= SHORT:
        op = made_by.get(pending.pop())
        if op is not None:
            count += 1
            pending += [v for v in reads(op) if v.hint is None]
    return count <= SHORT


def _scattered(ops: Sequence[Op], totals: Collection[Value]) -> list[Op]:
    """The ops with each part added where it belongs, instead of an array of zeros with the parts."""
    made_by = {r: op for op in ops for r in op.results}
    for total in totals:
        assert made_by[total].primitive.function is runtime.index_add, "a pass took a sum apart"
    uses = Counter(v for op in ops for v in reads(op))
    new: list[Op] = []
    for op in ops:
        if not op.results or op.result not in totals:
            new.append(op)
            continue
        parts: list[Op] = []
        given = op.args[2]
        while (
            isinstance(given, Value)
            and uses[given] == 1
            and (part := made_by.get(given)) is not None
            and part.primitive.function is runtime.index_add
        ):
            parts.append(part)
            given = part.args[0]
        if not parts and isinstance(given, float) and given == 0.0:
            continue
        start = made_by.get(given) if isinstance(given, Value) else None
        if start is None or start.primitive.function not in (np.zeros_like, runtime.zeros_like):
            given = op.args[2]
            if isinstance(given, Value) and uses[given] == 1 and _is_short(given, made_by):
                given.hint = None  # it needs no line of its own
            new.append(op)
            continue
        total = op.args[0]
        for part in reversed(parts):
            step = Value(op.result.hint, op.result.facts)
            new.append(replace(op, args=(total, *part.args[1:]), results=(step,)))
            total = step
        if parts:
            new[-1] = replace(new[-1], results=op.results)
    return new
