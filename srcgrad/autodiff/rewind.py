"""Rewinding: a reversed loop puts back what each write has overwritten, and so walks an array back.

An array that a loop carries and writes to goes through *versions*: what a round begins with, what each
write leaves, what the round hands on. Keeping what the backward sweep reads of them can mean a copy of
the array per round. Instead each write keeps the entries that it is about to overwrite; the reversed
loop carries the array itself, from its last state on, and writes them back where it reverses the write.
A loop inside is a step of its own: its reverse hands the array back as it was before.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .. import runtime
from ..ir.build import Builder
from ..ir.graph import BRANCHES, LOOPS, Arg, Block, Loop, Op, Value, reads, values_in, walk
from ..ir.rewrite import substitute, substitute_op
from .cotangents import primitive
from .residuals import Residuals

# Questions that an array answers without its entries: they cost nothing, once facts have answered them.
_ASKS = frozenset(
    {np.shape, np.ndim, np.size, np.zeros_like, runtime.zeros_like, runtime.dtype_of, len}
)


_WRITES = (runtime.setitem, runtime.index_add)


@dataclass(frozen=True, slots=True)
class Rewound:
    """An array as it was before a reversed op, `value`, which needs it as it was after: `after`."""

    value: Value
    after: Value


@dataclass(eq=False)
class History:
    """The versions of the array at one place among a loop's carried values.

    `versions[0]` is what a round begins with, the last one what it hands on. Between `versions[k]` and
    the next stands either a write, `writes[k]`, which overwrites `olds[k]`, or an op with blocks.
    """

    place: int
    versions: list[Value]
    writes: list[Op | None]
    olds: list[Value | None] = field(default_factory=list)

    @property
    def cost(self) -> tuple[int, int]:
        """What keeping takes that is overwritten here."""
        return cost([old for old in self.olds if old is not None])


def cost(values: Sequence[Value]) -> tuple[int, int]:
    """What keeping values takes: the axes of the largest, and how many have so many."""
    widths = [axes(v) for v in values]
    widest = max(widths, default=-1)
    return widest, widths.count(widest)


def histories(loop: Loop, ops: Sequence[Op], rewound: Mapping[Value, Rewound]) -> list[History]:
    """The arrays that a loop carries and that can be rewound; `rewound` says which inner loops do."""
    found = []
    for place, (param, given) in enumerate(zip(loop.carried, loop.yields, strict=True)):
        if param.facts.kind == "array" and isinstance(given, Value) and given is not param:
            history = _history(place, param, given, ops, rewound)
            if history is not None:
                found.append(history)
    return found


def _history(
    place: int, param: Value, last: Value, ops: Sequence[Op], rewound: Mapping[Value, Rewound]
) -> History | None:
    made = History(place, [param], [])
    at = param
    if at is last:
        return made
    for op in ops:
        if op.primitive.function in _WRITES and op.args[0] is at:
            made.writes.append(op)
            at = op.result
        elif op.blocks and at in rewound and rewound[at].after in op.results:
            made.writes.append(None)
            at = rewound[at].after
        else:
            continue
        made.versions.append(at)
        if at is last:
            break
    return made if at is last else None


def lasting_versions(loop: Loop) -> set[Value]:
    """The versions of the arrays that a loop carries and hands on, in inner blocks, too."""
    made = {r: op for op in walk(loop.body) for r in op.results}
    found: set[Value] = set()
    for param, given in zip(loop.carried, loop.yields, strict=True):
        versions: set[Value] = set()
        if _leads_to(given, param, made, versions):
            found |= versions
    return found


def _leads_to(
    target: Arg, start: Value | None, made: Mapping[Value, Op], versions: set[Value]
) -> Value | None:
    """The array that writes have made `target` of, which is `start` if given; None if there is none."""
    while isinstance(target, Value) and target is not start:
        op = made.get(target)
        if op is None:
            return target if start is None else None
        versions.add(target)
        if op.primitive.function in _WRITES:
            target = op.args[0]
        elif op.primitive in LOOPS and target in Loop(op).finals:
            inner = Loop(op)
            k = inner.finals.index(target)
            if _leads_to(inner.yields[k], inner.carried[k], made, versions) is None:
                return None
            target = inner.inits[k]
        elif op.primitive in BRANCHES:
            inside = {r for b in op.blocks for o in walk(b) for r in o.results}
            k = op.results.index(target)
            local = {v: o for v, o in made.items() if v in inside}
            ends = {_leads_to(b.results[k], None, local, versions) for b in op.blocks}
            if len(ends) != 1:
                return None
            target = ends.pop()
        else:
            return target if start is None else None
    return target if isinstance(target, Value) else None


def branch_histories(
    op: Op,
    each: Sequence[Sequence[Op]],
    rewound: Sequence[Mapping[Value, Rewound]],
    lasting: Container[Value],
) -> list[tuple[History, ...]]:
    """The arrays that both sides of a branch take from outside and write to or leave, side by side.

    `each` has the ops of every side, `rewound` what their reversed ops hand back; `lasting` are the
    arrays that the loop around hands on.
    """
    found = []
    for place, result in enumerate(op.results):
        if result not in lasting:
            continue
        targets = [block.results[place] for block in op.blocks]
        if result.facts.kind != "array" or not all(isinstance(t, Value) for t in targets):
            continue
        starts = {_origin(t, ops, r) for t, ops, r in zip(targets, each, rewound, strict=True)}
        start = starts.pop()
        if starts or any(start in o.results for ops in each for o in ops):
            continue
        sides = [
            _history(place, start, t, ops, r)
            for t, ops, r in zip(targets, each, rewound, strict=True)
        ]
        known = tuple(side for side in sides if side is not None)
        if len(known) == len(sides) and any(side.writes for side in known):
            found.append(known)
    return found


def _origin(target: Value, ops: Sequence[Op], rewound: Mapping[Value, Rewound]) -> Value:
    """The array that a chain of writes has begun with."""
    made = {r: op for op in ops for r in op.results}
    before = {step.after: version for version, step in rewound.items()}
    while target in made:
        op = made[target]
        if target in before:
            target = before[target]
        elif op.primitive.function in _WRITES and isinstance(op.args[0], Value):
            target = op.args[0]
        else:
            break
    return target


def keep_overwritten(history: History, ops: Sequence[Op]) -> list[Op]:
    """The ops of a loop's body, which take what each write overwrites before it does."""
    history.olds = []
    kept: dict[Op, Op] = {}
    for version, write in zip(history.versions, history.writes, strict=False):
        if write is None:
            history.olds.append(None)
            continue
        builder = Builder(write.location, write.adjoint)
        old = builder.emit(primitive(operator.getitem), (version, write.args[1]))
        history.olds.append(old)
        kept[write] = builder.ops[0]
    return [o for op in ops for o in ((kept[op], op) if op in kept else (op,))]


def asked_only(block: Block, history: History) -> set[Value]:
    """The versions of which the backward sweep wants to know no more than the shape."""
    own = set(history.versions)
    return own - _reads_of_entries(block, own)


def parts(history: History, kept: Collection[Value], made: Mapping[Value, Op]) -> list[Value]:
    """Those of the kept values that are versions, or parts of one."""
    own = set(history.versions)
    found = []
    for value in kept:
        source: Arg = value
        while isinstance(source, Value) and source not in own:
            op = made.get(source)
            source = op.args[0] if op is not None and op.primitive.function in _LOOKS else None
        if isinstance(source, Value):
            found.append(value)
    return found


_LOOKS = frozenset({operator.getitem, np.transpose, np.reshape, np.ravel, np.flip})


def _reads_of_entries(block: Block, values: set[Value]) -> set[Value]:
    """Which of the values some op reads for more than their shape."""
    found: set[Value] = set(values_in(block.results)) & values
    for op in block.ops:
        for inner in op.blocks:
            found |= _reads_of_entries(inner, values)
        if op.primitive.function not in _ASKS:
            given = [*op.args, *op.kwargs.values()]
            if op.primitive.function is runtime.unbroadcast:
                given = given[:1]
            found.update(v for v in values_in(given) if v in values)
    return found


def axes(value: Value) -> int:
    """How many axes a value has, at a guess where that is not known."""
    if value.facts.kind == "array":
        return 2 if value.facts.ndim is None else value.facts.ndim
    return 0 if value.facts.is_scalar else 1


def rewinding_residuals(
    index: Value | None,
    carried: Sequence[Value],
    ops: Sequence[Op],
    block: Block,
    wanted: Sequence[Value],
    past: Sequence[History],
    rewound: Mapping[Value, Rewound],
    passes: int = 1,
) -> Residuals:
    """What is kept beside the arrays that are walked back, so that none is walked back too early."""
    own = {*carried, *(r for op in ops for r in op.results)}
    versions = {v for history in past for v in history.versions}
    places = [v for h in past for w in h.writes if w for v in values_in(w.args[1]) if v in own]
    ready = _ready(block, past, rewound)
    apart: set[Value] = set()
    while True:
        residuals = Residuals(
            index,
            carried,
            ops,
            [*wanted, *places],
            passes,
            rewound=versions - apart,
            apart=apart,
        )
        early = _too_early(residuals, block, own | versions, past, ready) - apart
        if not early:
            return residuals
        apart |= early


def _ready(
    block: Block, past: Sequence[History], rewound: Mapping[Value, Rewound]
) -> dict[Value, int]:
    """The position of the op after which each version can be had: what an inner op hands back."""
    made = {r: position for position, op in enumerate(block.ops) for r in op.results}
    ready: dict[Value, int] = {}
    for history in past:
        at = -1
        for k in range(len(history.versions) - 1, -1, -1):
            version = history.versions[k]
            if k < len(history.writes) and history.writes[k] is None:
                at = max(at, made[rewound[version].value])
            ready[version] = at
    return ready


def _too_early(
    residuals: Residuals,
    block: Block,
    own: set[Value],
    each: Sequence[History],
    ready: Mapping[Value, int],
) -> set[Value]:
    """The wanted values that would take an array back while it is still needed as it stood later."""
    order = {v: (h.place, k) for h in each for k, v in enumerate(h.versions)}
    wanted = [[v for v in reads(op) if v in own] for op in block.ops]
    last: dict[Value, int] = {}
    for position, values in enumerate(wanted):
        for value in values:
            for source in residuals.sources(value):
                last[source] = position
    early: set[Value] = set()
    seen: set[Value] = set()
    for position, values in enumerate(wanted):
        for value in values:
            if value in seen:
                continue
            seen.add(value)
            for source in residuals.sources(value):
                place, k = order[source]
                later = (v for v, (p, j) in order.items() if p == place and j > k)
                if ready[source] >= position or (
                    value not in order and any(last.get(v, -1) > position for v in later)
                ):
                    early.add(value)
    return early


class Walk:
    """The body of a reversed loop, in which arrays are walked back as far as each op needs them.

    `state` has the array as the round begins, by place; `read` fetches what is kept.
    """

    def __init__(
        self,
        each: Sequence[History],
        states: Mapping[int, Value],
        residuals: Residuals,
        read: Callable[[Value], Arg],
        builder: Builder,
        rewound: Mapping[Value, Rewound],
        table: dict[Value, Arg],
    ) -> None:
        self.each = {h.place: h for h in each}
        self.at = {h.place: len(h.versions) - 1 for h in each}
        self.order = {v: (h.place, k) for h in each for k, v in enumerate(h.versions)}
        self.residuals, self.kept, self.builder = residuals, read, builder
        self.rewound, self.table = rewound, table
        for history in each:
            table[history.versions[-1]] = states[history.place]

    def block(self, block: Block, own: set[Value]) -> list[Op]:
        """The ops of the block, each after what it takes."""
        for op in block.ops:
            self.builder.location = op.location
            self.want([v for v in reads(op) if v in own])
            self.builder.append(substitute_op(op, self.table))
        self.want([v for v in values_in(block.results) if v in own])
        for place, history in self.each.items():
            self._back(place, 0)
            assert history.versions[0] in self.table
        return self.builder.ops

    def want(self, values: Sequence[Value]) -> None:
        self.residuals.recover(values, self.read, self.builder, self.table)

    def read(self, value: Value) -> Arg:
        if value not in self.residuals.rewound:
            return self.kept(value)
        self._back(*self.order[value])
        return self.table[value]

    def _back(self, place: int, to: int) -> None:
        """Walk an array back to one of its versions."""
        history = self.each[place]
        while self.at[place] > to:
            k = self.at[place] - 1
            self.at[place] = k
            version, write, old = history.versions[k], history.writes[k], history.olds[k]
            if write is None:
                self.table[version] = substitute(self.rewound[version].value, self.table)
                continue
            assert old is not None
            self.want(values_in(write.args[1]))
            location, self.builder.location = self.builder.location, write.location
            self.table[version] = self.builder.emit(
                primitive(runtime.setitem),
                (
                    self.table[history.versions[k + 1]],
                    substitute(write.args[1], self.table),
                    self.kept(old),
                ),
                hint=version.hint,
                facts=version.facts,
            )
            self.builder.location = location
