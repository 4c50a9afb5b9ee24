"""Branches of the graph, and how a piece of code can end: by falling through, or by leaving early.

`if c: return A` followed by REST becomes `if_(c, A, REST)`: whatever stands after a branch one side of
which always leaves is read inside the other side. Where both sides may fall through but one of them
sometimes leaves, a flag says which it was, and the rest stands inside a branch on the flag. So every
function has one exit, and no code is read twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ..ir.graph import UNDEFINED, Block, Op, Value
from .core import Lowerer
from .handles import Poison, poisoned
from .merge import Merge, fill
from .places import Frame, Key, Region
from .scopes import Names
from .specials import tested
from .symbols import Closure, Conflict, Outside, Record, Symbol, children, is_constant, is_object

RETURN, BREAK, CONTINUE, ENDED = "return", "break", "continue", "ended"
BROKEN = "broken"  # a loop with an else clause was left by its own break
Exit = Any  # one of the above, or the gast.Return whose expression is computed after the loop


@dataclass(eq=False, slots=True)
class Outcome:
    """How a piece of code ends. `flags` says, for each way of leaving, when: True, or a value.

    Neither falling through nor leaving means that it raises. `value` is what is returned on the paths
    that return.
    """

    falls: bool = True
    flags: dict[Exit, Symbol] = field(default_factory=dict)
    value: Symbol = UNDEFINED

    @property
    def plain(self) -> bool:
        """Whether it always falls through."""
        return self.falls and not self.flags

    @property
    def dead(self) -> bool:
        """Whether it always raises."""
        return not self.falls and not self.flags

    @staticmethod
    def leaves(exit: Exit, value: Symbol = UNDEFINED) -> Outcome:
        return Outcome(False, {exit: True}, value)

    def without(self, *exits: Exit) -> Outcome:
        """The outcome of code after which these ways of leaving go on as falling through does."""
        rest = {k: f for k, f in self.flags.items() if k not in exits}
        falls = self.falls or len(rest) < len(self.flags)
        return Outcome(falls, rest, self.value)


Rest = Callable[[], Outcome]


def truth(low: Lowerer, symbol: Symbol) -> bool | None:
    """Whether a condition holds, where that is known while reading."""
    before, writes = low.builder.ops[-1:], low.memory.count
    shown = tested(low, symbol)
    if shown is not symbol:
        known = truth(low, shown)
        if known is None:
            _check_twice(low, before, writes)
        return known
    if isinstance(symbol, Value):
        facts = symbol.facts
        if facts.kind == "none":
            return False
        if facts.kind in ("list", "tuple", "dict") and facts.items is not None:
            return bool(facts.items)
        if facts.kind == "object" or facts.kind == "function":
            return True
        return None
    if isinstance(symbol, Conflict):
        low.arg(symbol)
    if isinstance(symbol, Outside | Record):
        cls = _class_of(symbol)
        return None if hasattr(cls, "__bool__") or hasattr(cls, "__len__") else True
    if isinstance(symbol, Closure) or is_object(symbol):
        return True
    if isinstance(symbol, tuple | list | dict):
        return bool(symbol)
    return bool(symbol)


def _check_twice(low: Lowerer, before: list[Op], writes: int) -> None:
    """Refuse a `__bool__` that is read once more for the branch on it, if it does more than to tell."""
    start = low.builder.ops.index(before[0]) + 1 if before else 0
    effect = any(op.primitive.effect for op in low.builder.ops[start:])
    if effect or low.memory.count != writes:
        low.refuse(
            "the __bool__ or __len__ of an object writes or prints, and what it gives is only known "
            "when the function runs",
            cure="give what it tells a name first: flag = bool(...)",
        )


def _class_of(symbol: Outside | Record) -> type:
    return symbol.cls if isinstance(symbol, Record) else type(symbol.value)


def branch(
    low: Lowerer,
    condition: Symbol,
    then: Rest,
    orelse: Rest,
    rest: Rest | None = None,
    live: Names | None = None,
    live_at_end: Names | None = None,
) -> tuple[Outcome, bool]:
    """Read both sides of a branch whose condition is not known; the outcome, and if `rest` was read.

    `live` are the names of the frame that may be read after the branch, `live_at_end` those that may be
    after `rest`; None stands for all.
    """
    condition = tested(low, condition)
    first, second = low.region(), low.region()
    with low.places.inside(first), building(low, first):
        a = settled(low, then())
    with low.places.inside(second), building(low, second):
        b = settled(low, orelse())
    swallowed = False
    if rest is not None and not (a.plain and b.plain) and a.falls != b.falls:
        leaving, falling, region = (a, b, second) if b.falls else (b, a, first)
        if not leaving.dead:
            with low.places.inside(region), building(low, region):
                done = settled(low, then_rest(low, falling, rest, live, live_at_end))
            a, b = (a, done) if falling is b else (done, b)
            swallowed, live = True, live_at_end
    return join(low, condition, (first, a), (second, b), live), swallowed


def settled(low: Lowerer, outcome: Outcome) -> Outcome:
    """An outcome that can leave the region it was read in: what is returned as it is at its end."""
    outcome.value = low.memory.settled(outcome.value)
    return outcome


class building:
    """Let ops go to a region's builder."""

    def __init__(self, low: Lowerer, region: Region) -> None:
        self.low, self.region = low, region

    def __enter__(self) -> None:
        self.outer = self.low.builder
        self.low.builder = self.region.builder

    def __exit__(self, *error: object) -> None:
        self.low.builder = self.outer


def then_rest(
    low: Lowerer,
    outcome: Outcome,
    rest: Rest,
    live: Names | None = None,
    live_at_end: Names | None = None,
) -> Outcome:
    """Read what follows code with this outcome, under a branch where the code may have left."""
    if outcome.plain:
        return rest()
    if not outcome.falls:
        return outcome
    (exit, flag), *others = outcome.flags.items()
    left = Outcome.leaves(exit, outcome.value)
    other = Outcome(True, dict(others), outcome.value)
    return branch(
        low,
        flag,
        lambda: left,
        lambda: then_rest(low, other, rest, live, live_at_end),
        live=live_at_end,
    )[0]


def join(
    low: Lowerer,
    condition: Symbol,
    first: tuple[Region, Outcome],
    second: tuple[Region, Outcome],
    live: Names | None,
) -> Outcome:
    """Emit the branch op of two regions that were read, and bind the names that they changed."""
    (one, a), (two, b) = first, second
    merge = Merge(low.location())
    changed: list[tuple[Key, Symbol]] = []
    lacking = {one: two.changes.keys() - one.changes, two: one.changes.keys() - two.changes}
    olds = {region: _unchanged(low, region, keys) for region, keys in lacking.items()}
    keys = sorted({**one.changes, **two.changes}, key=lambda key: isinstance(key[1], str))
    for (
        frame,
        name,
    ) in keys:  # memory first, so that what a name shows of it is known as its content
        if live is not None and frame is low.frame and not is_live(frame, name, live):
            changed.append(((frame, name), UNDEFINED))
            continue
        x, y = (
            UNDEFINED if o.dead else {**olds[r], **r.changes}[frame, name]
            for r, o in ((one, a), (two, b))
        )
        sure = y if a.dead else x if b.dead else None
        keep = sure is not None and not isinstance(sure, Value) and is_constant(sure)
        hint = name if isinstance(name, str) else name.name
        poison = [p for p in (x, y) if isinstance(p, Poison)]
        if poison:
            changed.append(((frame, name), poisoned(poison)))
            continue
        changed.append(((frame, name), sure if keep else merge.add(x, y, hint)))
    flags = {
        exit: _flag(
            low,
            condition,
            merge,
            *(UNDEFINED if o.dead else o.flags.get(exit, False) for o in (a, b)),
        )
        for exit in {**a.flags, **b.flags}
    }
    value = merge.add(a.value, b.value, None)
    results = emit(low, condition, one, two, merge)
    for (frame, name), symbol in changed:
        if frame is low.places.heap:
            low.places.write(name, fill(symbol, results))
        else:
            found = fill(symbol, results)
            _made_here(low, found, name)
            low.places.bind(frame, name, found)
    low.memory.merged(results, merge.pairs)
    flags = {exit: fill(flag, results) for exit, flag in flags.items()}
    falls = a.falls or b.falls
    if not falls and len(flags) == 1:
        flags = dict.fromkeys(flags, True)
    return Outcome(falls, flags, fill(value, results))


def _made_here(low: Lowerer, symbol: Symbol, name: str | None) -> None:
    """Remember that a container, and those in it, were made here: before a loop that writes to them."""
    low.memory.made(symbol, name)
    if isinstance(symbol, list | dict | tuple):
        for part in children(symbol) or ():
            _made_here(low, part, None)


def _unchanged(low: Lowerer, region: Region, keys: Iterable[Key]) -> dict[Key, Symbol]:
    """What names hold at the end of a region that has not bound them, but may have written to them."""
    if not keys or not low.memory.written:
        return {key: low.places.read(*key) for key in keys}
    with low.places.inside(region), building(low, region):
        return {key: low.memory.settled(low.places.read(*key)) for key in keys}


def _flag(low: Lowerer, condition: Symbol, merge: Merge, x: Symbol, y: Symbol) -> Symbol:
    """Whether a way of leaving is taken; often that is the condition itself."""
    plain = isinstance(condition, Value) and condition.facts.kind == "bool"
    if plain and x is True and y is False:
        return condition
    if x is UNDEFINED or y is UNDEFINED:  # that side raises
        known = y if x is UNDEFINED else x
        if isinstance(known, bool):
            return known
    return merge.add(x, y, None)


def is_live(frame: Frame, name: str, live: Names) -> bool:
    """Whether a name of a frame may still be read."""
    return name in live or name in frame.code.captured


def emit(
    low: Lowerer, condition: Symbol, one: Region, two: Region, merge: Merge
) -> tuple[Symbol, ...]:
    """Emit the op itself, unless both sides are empty."""
    blocks: list[Block] = []
    for side, region in enumerate((one, two)):
        with building(low, region):
            given = [low.pack(pair[side]) for pair in merge.pairs]
        blocks.append(region.close(given))
    if not merge.pairs and not any(block.ops for block in blocks):
        return ()
    flag = low.arg(condition)
    low.builder.location = low.location()
    return low.builder.emit_if(flag, blocks[0], blocks[1], merge.hints)


def choose(
    low: Lowerer, condition: Symbol, then: Callable[[], Symbol], orelse: Callable[[], Symbol]
) -> Symbol:
    """The value of `then() if condition else orelse()`, of which only one is computed."""
    condition = tested(low, condition)
    known = truth(low, condition)
    if known is not None:
        return then() if known else orelse()
    outcome, _ = branch(
        low,
        condition,
        lambda: Outcome.leaves(RETURN, then()),
        lambda: Outcome.leaves(RETURN, orelse()),
    )
    return outcome.value
