"""Reverse mode through loops: the same rounds, last first, over what each has kept."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Iterable, Sequence
from dataclasses import replace

from .. import runtime
from ..analysis.activity import carries_derivative
from ..ir.build import facts_of_arg, stack_facts
from ..ir.graph import FOR, Arg, Block, Loop, Op, Value, free_values
from ..ir.rewrite import prune, substitute, substitute_block, substitute_op
from ..ir.types import PY_INT, SCALARS, Facts
from .checkpoints import recomputing
from .cotangents import (
    Cotangents,
    is_structure,
    leaves,
    name_cotangent,
    primitive,
    rebuild,
    same_structure,
)
from .pull import Pull
from .residuals import Residuals
from .rewind import (
    History,
    Rewound,
    Walk,
    asked_only,
    cost,
    histories,
    keep_overwritten,
    lasting_versions,
    parts,
    rewinding_residuals,
)


class _Carried:
    """The cotangents that a reversed loop hands from round to round, flat."""

    def __init__(self, shapes: Sequence[Arg]) -> None:
        self.shapes = shapes
        self.params = [
            [Value(getattr(leaf, "hint", None), _round_facts(leaf)) for leaf in leaves(shape)]
            for shape in shapes
        ]

    @property
    def inits(self) -> list[Arg]:
        return [leaf for shape in self.shapes for leaf in leaves(shape)]

    def given(self, k: int) -> Arg:
        """The k-th cotangent at the start of a round."""
        return rebuild(self.shapes[k], self.params[k])

    def unflatten(self, flat: Iterable[Arg]) -> list[Arg]:
        source = iter(flat)
        return [rebuild(shape, source) for shape in self.shapes]


def _round_facts(leaf: Arg) -> Facts:
    facts = facts_of_arg(leaf)
    # Later rounds may bring an array, or a NumPy scalar, where the first has the number zero.
    return Facts(facts.kind, None, facts.shape) if facts.kind in SCALARS else facts


def reverse_loop(sweep: Pull, loop: Loop) -> list[Op]:
    """A loop becomes a counted loop over the same rounds, last first.

    What its body reads of the primal body is stacked by the loop, one entry per round.
    """
    outer, op = sweep.cotangents, loop.op
    body = loop.body
    rounds = [
        k
        for k, (param, final) in enumerate(zip(loop.carried, loop.finals, strict=True))
        if (param in sweep.active or final in sweep.active) and carries_derivative(param.facts)
    ]
    outside = [v for v in free_values(body) if v in sweep.active]
    stacks = [
        (entry, outer.take(stack))
        for entry, stack in zip(loop.entries, loop.stacks, strict=False)
        if stack in outer
    ]
    starts = [outer.take_or_zero(loop.finals[k]) for k in rounds]
    starts += [outer.take_or_zero(v) for v in outside]
    names = [loop.carried[k] for k in rounds] + outside
    carried = _Carried(starts)
    for k, v in enumerate(names):
        name_cotangent(starts[k] if is_structure(starts[k]) else None, v)
        name_cotangent(carried.given(k), v)

    index = Value(loop.index.hint, PY_INT)
    child = sweep.child(looping=True)
    child.together = loop.keep is not None  # its rounds are computed again where they are reversed
    child.lasting = sweep.lasting | lasting_versions(loop)
    for k, v in enumerate(outside):
        child.cotangents.table[v] = carried.given(len(rounds) + k)
    for position, k in enumerate(rounds):
        child.seed(loop.yields[k], carried.given(position))
    for entry, stacked in stacks:
        child.seed(entry, child.emit(operator.getitem, stacked, index))
    child.run(body.ops)
    own = {*body.params, *(r for o in child.forward for r in o.results)}
    child.builder.location = op.location
    ends = [
        _end(child.cotangents, loop.carried[k], carried.given(position))
        for position, k in enumerate(rounds)
    ]
    ends += [child.cotangents.take_or_zero(v) for v in outside]
    for k, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if not same_structure(start, end):
            ends[k] = _restructure(child, start, end)
    flat = [leaf for end in ends for leaf in leaves(end)]
    handed = [
        step.value for step in child.rewound.values()
    ]  # to be had also if nobody else needs it
    block = prune(child.builder.block((), [*flat, *handed]))
    block = Block((index, *(p for ps in carried.params for p in ps)), block.ops, tuple(flat))

    past: list[History] = []
    first: dict[Value, Arg] = {}
    if loop.keep is not None:
        loop, block = recomputing(loop, child.forward, block)
        op, child.forward, own = loop.op, list(loop.body.ops), set(loop.body.params)
    wanted = [v for v in free_values(block) if v in own]
    if loop.keep is None:
        past, first = _rewinding(loop, child, block, wanted)
        block = substitute_block(block, first)
    wanted = [v for v in wanted if v not in first]
    residuals = Residuals(loop.index, loop.carried, child.forward, wanted)
    if past:
        residuals = rewinding_residuals(
            loop.index, loop.carried, child.forward, block, wanted, past, child.rewound
        )
    olds = [old for history in past for old in history.olds if old is not None]
    entries = [*loop.entries, *residuals.kept, *olds]
    unbounded = op.primitive is not FOR or loop.stops
    if unbounded and not entries:
        entries.append(None)  # the length of the stack counts the rounds
    made = [Value(None, stack_facts(entry)) for entry in entries[len(loop.entries) :]]
    stop = (loop.stop,) if loop.stops else ()
    amended = Block(body.params, tuple(child.forward), (*loop.yields, *entries, *stop))
    forward = replace(op, blocks=(*op.blocks[:-1], amended), results=(*op.results, *made))
    stack_of = dict(zip([*residuals.kept, *olds], made, strict=False))
    reader = sweep.builder.child()
    reader.location = op.location

    def read(value: Value) -> Arg:
        return reader.emit(
            primitive(operator.getitem),
            (stack_of[value], index),
            hint=value.hint,
            facts=value.facts,
        )

    table: dict[Value, Arg] = {loop.index: index}
    states = {h.place: Value(loop.carried[h.place].hint, h.versions[0].facts) for h in past}
    if past:
        walk = Walk(past, states, residuals, read, reader, child.rewound, table)
        ops = walk.block(block, own)
    else:
        residuals.recover(wanted, read, reader, table)
        ops = [*reader.ops, *(substitute_op(o, table) for o in block.ops)]
    block = Block(
        (*block.params, *states.values()),
        tuple(ops),
        (
            *(substitute(r, table) for r in block.results),
            *(table[h.versions[0]] for h in past),
        ),
    )

    sweep.builder.location = op.location
    every = forward.results[loop.width :]
    count = loop.count if not unbounded else sweep.emit(builtins.len, every[0])
    inits = [*carried.inits, *(loop.finals[h.place] for h in past)]
    results = sweep.builder.emit_for(count, inits, block, reverse=not loop.reverse)
    if not unbounded:  # the two run exactly as often, whatever comes to be known of their counts
        mirror = {"mirror": object()}
        last = sweep.builder.ops[-1]
        sweep.builder.ops[-1] = replace(last, attrs={**last.attrs, **mirror})
        forward = replace(forward, attrs={**forward.attrs, **mirror})
    for history, start in zip(past, results[len(carried.inits) :], strict=True):
        init = loop.inits[history.place]
        if isinstance(init, Value):
            sweep.rewound[init] = Rewound(start, loop.finals[history.place])
    finals = carried.unflatten(results[: len(carried.inits)])
    for v, g in zip(outside, finals[len(rounds) :], strict=True):
        name_cotangent(g, v)
        outer.table[v] = g
    for k, g in zip(rounds, finals, strict=False):
        sweep.seed(loop.inits[k], g)
    return [forward]


def _rewinding(
    loop: Loop, child: Pull, block: Block, wanted: list[Value]
) -> tuple[list[History], dict[Value, Arg]]:
    """The arrays that the reversed loop walks back, because keeping what it reads would cost more.

    And versions that are asked for their shape alone: that of the array the loop began with serves.
    """
    chosen: list[History] = []
    first: dict[Value, Arg] = {}
    made = {r: o for o in child.forward for r in o.results}
    for history in histories(loop, child.forward, child.rewound):
        forward = keep_overwritten(history, child.forward)
        asked = asked_only(block, history)
        read = [v for v in wanted if v not in asked]
        kept = Residuals(loop.index, loop.carried, child.forward, read).kept
        held = parts(history, kept, made)
        whole = cost(history.versions[:1])
        if held and history.cost < min(cost(held), whole):
            child.forward = forward
            chosen.append(history)
        elif not held or cost(held) < whole:
            first.update(dict.fromkeys(asked, loop.inits[history.place]))
    return chosen, first


def _end(cotangents: Cotangents, param: Value, given: Arg) -> Arg:
    """The cotangent of a carried value at the end of a round of the backward sweep.

    A value that the round overwrote without reading has none: zeros, which its successor can tell the
    shape of, if it has the same.
    """
    if param in cotangents or not isinstance(given, Value):
        return cotangents.take_or_zero(param)
    alike = given.facts.is_numeric and given.facts.same_shape(param.facts)
    return cotangents.zero(given if alike else param)


def _restructure(child: Pull, start: Arg, end: Arg) -> Arg:
    """`end` in the structure of `start`: entries taken out of a value, or gathered into one."""
    if not is_structure(start):
        return child.emit(runtime.gather, end) if is_structure(end) else end
    keys = list(start) if isinstance(start, dict) else range(len(start))
    parts = [
        _restructure(
            child,
            start[key],
            child.emit(operator.getitem, end, key) if isinstance(end, Value) else end[key],
        )
        for key in keys
    ]
    if isinstance(start, dict):
        return dict(zip(keys, parts, strict=True))
    if hasattr(start, "_fields"):
        return type(start)(*parts)
    return tuple(parts) if isinstance(start, tuple) else parts
