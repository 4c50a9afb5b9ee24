"""Reverse mode through control flow: branches, loops, calls of functions that call themselves."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .. import runtime
from ..analysis.activity import Activity, carries_derivative
from ..ir.build import Builder, facts_of_arg, stack_facts
from ..ir.graph import (
    CALL,
    FOR,
    IF,
    UNDEFINED,
    WITH,
    Arg,
    Block,
    Loop,
    Op,
    Value,
    free_values,
    values_in,
)
from ..ir.rewrite import prune, substitute, substitute_block, substitute_op
from ..ir.types import PY_INT, SCALARS, Facts, join
from .cotangents import Cotangents, is_structure, leaves, primitive, rebuild
from .pull import Pull
from .residuals import Residuals
from .rewind import (
    History,
    Walk,
    asked_only,
    axes,
    histories,
    keep_overwritten,
    parts,
    too_early,
)


@dataclass(frozen=True, slots=True)
class Pair:
    """The two programs that a called function becomes.

    `forward` gives its result and what the other needs; `backward` takes that and the result's
    cotangent to the cotangents of the `active` parameters, whose facts are `facts`.
    """

    forward: str
    backward: str
    active: tuple[int, ...]
    facts: tuple[Facts, ...]


class Sweep(Pull):
    """The backward sweep of one block, control flow included."""

    def __init__(
        self,
        active: Activity,
        builder: Builder,
        pairs: Mapping[str, Pair],
        table: dict[Value, Any] | None = None,
    ) -> None:
        super().__init__(active, builder, table)
        self.pairs = pairs
        self.rewound: dict[
            Value, Value
        ] = {}  # arrays as they were before a loop, out of its reverse
        self.looping = False  # whether the block is run once per round of some loop

    def child(self, table: dict[Value, Any] | None = None, looping: bool = False) -> Sweep:
        """A sweep of a block inside this one."""
        made = Sweep(self.active, self.builder.child(), self.pairs, table)
        made.looping = self.looping or looping
        return made

    def control(self, op: Op) -> list[Op]:
        if op.primitive in (IF, WITH):
            return _reverse_branches(self, op)
        if op.primitive is CALL:
            return _reverse_call(self, op)
        return _reverse_loop(self, Loop(op))


def _same_structure(a: Arg, b: Arg) -> bool:
    if isinstance(a, dict):
        return (
            isinstance(b, dict)
            and a.keys() == b.keys()
            and all(_same_structure(a[k], b[k]) for k in a)
        )
    if isinstance(a, tuple | list):
        alike = isinstance(b, tuple | list) and isinstance(a, tuple) == isinstance(b, tuple)
        return alike and len(a) == len(b) and all(map(_same_structure, a, b))
    return not isinstance(b, tuple | list | dict)


def _reverse_branches(sweep: Sweep, op: Op) -> list[Op]:
    """`if_` and `with_`: each block is reversed within the same op again."""
    outer = sweep.cotangents
    before = outer.table
    children = []
    for block in op.blocks:
        child = sweep.child(before)
        for result, target in zip(op.results, block.results, strict=True):
            if result in before:
                child.seed(target, outer.take(result))
        child.run(block.ops)
        children.append(child)
    inner = [{r for o in child.forward for r in o.results} for child in children]
    changed = dict.fromkeys(
        v
        for child, own in zip(children, inner, strict=True)
        for v, g in child.cotangents.table.items()
        if v not in own and g is not before.get(v)
    )
    sweep.builder.location = op.location
    outputs: list[list[Arg]] = [[] for _ in children]
    shapes: list[tuple[Value, Arg]] = []
    for v in changed:
        for child in children:
            child.builder.location = op.location
        wholes = [child.cotangents.take_or_zero(v) for child in children]
        flat = all(_same_structure(wholes[0], w) for w in wholes)
        shapes.append((v, wholes[0] if flat else None))
        for output, whole in zip(outputs, wholes, strict=True):
            output.extend(leaves(whole) if flat else [whole])
    blocks = [
        prune(child.builder.block((), output))
        for child, output in zip(children, outputs, strict=True)
    ]
    forward, blocks = _export(op, children, inner, blocks)
    if op.primitive is WITH:
        context = sweep.made[op.args[0]]  # a context manager serves one block only
        again = sweep.builder.emit(context.primitive, context.args, context.kwargs)
        results = sweep.builder.emit_with(again, blocks[0])
    else:
        results = sweep.builder.emit_if(op.args[0], blocks[0], blocks[1])
    source = iter(results)
    for v, shape in shapes:
        part = next(source) if shape is None else rebuild(shape, source)
        _name(part, v)
        outer.table[v] = part
    return [forward]


def _name(cotangent: Arg, value: Value) -> None:
    if isinstance(cotangent, Value) and value.hint is not None:
        cotangent.hint = f"d_{value.hint}"


def _export(
    op: Op, children: Sequence[Sweep], inner: Sequence[set[Value]], blocks: Sequence[Block]
) -> tuple[Op, list[Block]]:
    """Amend a branch to hand out what its reversed blocks read of it.

    In a loop, where what is handed out is kept once per round, what is cheap is computed again.
    """
    exported: list[Value] = []
    columns: list[list[Arg]] = [[] for _ in blocks]
    changed = []
    for k, (block, child) in enumerate(zip(blocks, children, strict=True)):
        wanted = [v for v in free_values(block) if v in inner[k]]
        residuals = Residuals(None, (), child.forward, wanted, passes=int(child.looping))
        table: dict[Value, Arg] = {}
        for v in residuals.kept:
            twin = _result_of(op, k, v)
            if twin is None:
                twin = Value(v.hint, v.facts)
                exported.append(twin)
                for j, column in enumerate(columns):
                    column.append(v if j == k else UNDEFINED)
            table[v] = twin
        again = child.builder.child()
        again.location = op.location
        residuals.recover(wanted, table.__getitem__, again, table)
        block = substitute_block(block, table)
        changed.append(Block(block.params, (*again.ops, *block.ops), block.results))
    amended = tuple(
        Block(b.params, tuple(child.forward), (*b.results, *column))
        for b, child, column in zip(op.blocks, children, columns, strict=True)
    )
    return replace(op, blocks=amended, results=(*op.results, *exported)), changed


def _result_of(op: Op, block: int, value: Value) -> Value | None:
    """The op's own result that is `value` whenever this block ran."""
    for result, given in zip(op.results, op.blocks[block].results, strict=True):
        if given is value:
            return result
    return None


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


def _reverse_loop(sweep: Sweep, loop: Loop) -> list[Op]:
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
    for params, v in zip(carried.params, names, strict=True):
        if len(params) == 1:
            _name(params[0], v)

    index = Value(loop.index.hint, PY_INT)
    child = sweep.child(looping=True)
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
        if not _same_structure(start, end):
            ends[k] = _restructure(child, start, end)
    flat = [leaf for end in ends for leaf in leaves(end)]
    block = prune(child.builder.block((index, *(p for ps in carried.params for p in ps)), flat))

    wanted = [v for v in free_values(block) if v in own]
    residuals = Residuals(loop.index, loop.carried, child.forward, wanted)
    past = _rewinding(loop, child, block, wanted)
    if past:
        residuals = _rewound_residuals(loop, child, block, own, wanted, past)
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
    for history, start in zip(past, results[len(carried.inits) :], strict=True):
        init = loop.inits[history.place]
        if isinstance(init, Value):
            sweep.rewound[init] = start
    finals = carried.unflatten(results[: len(carried.inits)])
    for v, g in zip(outside, finals[len(rounds) :], strict=True):
        _name(g, v)
        outer.table[v] = g
    for k, g in zip(rounds, finals, strict=False):
        sweep.seed(loop.inits[k], g)
    return [forward]


def _rewinding(loop: Loop, child: Sweep, block: Block, wanted: list[Value]) -> list[History]:
    """The arrays that the reversed loop walks back, because keeping what it reads would cost more."""
    chosen = []
    made = {r: o for o in child.forward for r in o.results}
    for history in histories(loop, child.forward, child.rewound):
        forward = keep_overwritten(history, child.forward)
        read = [v for v in wanted if v not in asked_only(block, history)]
        kept = Residuals(loop.index, loop.carried, child.forward, read).kept
        if any(axes(v) > history.width for v in parts(history, kept, made)):
            child.forward = forward
            chosen.append(history)
    return chosen


def _rewound_residuals(
    loop: Loop,
    child: Sweep,
    block: Block,
    own: set[Value],
    wanted: list[Value],
    past: list[History],
) -> Residuals:
    """What is kept beside the arrays that are walked back, so that none is walked back too early."""
    versions = {v for history in past for v in history.versions}
    places = [v for h in past for w in h.writes if w for v in values_in(w.args[1]) if v in own]
    every = [*wanted, *places]
    apart: set[Value] = set()
    while True:
        residuals = Residuals(
            loop.index, loop.carried, child.forward, every, rewound=versions, apart=apart
        )
        early = too_early(residuals, block, own, past) - apart
        if not early:
            return residuals
        apart |= early


def _end(cotangents: Cotangents, param: Value, given: Arg) -> Arg:
    """The cotangent of a carried value at the end of a round of the backward sweep.

    A value that the round overwrote without reading has none: zeros, which its successor can tell the
    shape of, if it has the same.
    """
    if param in cotangents or not isinstance(given, Value):
        return cotangents.take_or_zero(param)
    alike = given.facts.is_numeric and given.facts.same_shape(param.facts)
    return cotangents.zero(given if alike else param)


def _restructure(child: Sweep, start: Arg, end: Arg) -> Arg:
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


def _reverse_call(sweep: Sweep, op: Op) -> list[Op]:
    pair = sweep.pairs[op.attrs["callee"]]
    saved = Value("saved", Facts("tuple"))
    both = Value(None, Facts("tuple", items=(op.result.facts, saved.facts)))
    get = primitive(operator.getitem)
    forward = replace(op, results=(both,), attrs={"callee": pair.forward})
    cotangent = sweep.cotangents.take(op.result)
    # The other program is one for all calls, and knows no more than what holds in each.
    given = tuple(
        join(facts_of_arg(op.args[k]), facts)
        for k, facts in zip(pair.active, pair.facts, strict=True)
    )
    out = Value(None, Facts("tuple", items=given))
    sweep.builder.append(
        Op(
            CALL,
            (saved, cotangent),
            (out,),
            attrs={"callee": pair.backward},
            location=op.location,
            adjoint=True,
        )
    )
    for position, k in enumerate(pair.active):
        arg = op.args[k]
        if any(leaf in sweep.active for leaf in leaves(arg) if isinstance(leaf, Value)):
            g = sweep.builder.emit(get, (out, position), facts=given[position])
            sweep.give(arg, g)
    return [
        forward,
        Op(get, (both, 0), op.results, location=op.location),
        Op(get, (both, 1), (saved,), location=op.location),
    ]
