"""Loops: read round by round where that is known to end soon, else as a loop op with carried values.

A loop op carries each name that its body rebinds and that a later round or the code after it reads. What
is known of the carried values has to hold in every round, so the body is read again until the facts
that it ends with are those it began with. `break` and `return` inside become the loop's stop flag; what
is returned is computed after the loop, from the values that its last round left.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, TypeVar

import gast

from ..errors import UnknownAlias
from ..ir.graph import UNDEFINED, Arg, Block, Value
from ..ir.rewrite import substitute_block
from ..ir.types import PY_BOOL, PY_INT, Facts
from .branches import (
    BREAK,
    BROKEN,
    CONTINUE,
    ENDED,
    RETURN,
    Outcome,
    branch,
    building,
    is_live,
    settled,
    then_rest,
    truth,
)
from .carried import Carried
from .carried_views import NotARow, Row, rows
from .checkpoints import Keeping
from .core import Lowerer, Unroll, cut
from .kinship import Kinship
from .places import Key, Region
from .scopes import rebound, stored
from .statements import End, Following, bind_target, execute, returned_value, statement
from .symbols import Symbol, Walk
from .walks import MOST, Iteration, walk

Body = Callable[[Symbol], Outcome]
T = TypeVar("T")
ROUNDS = 8


@statement(gast.For)
def _for_loop(low: Lowerer, node: Any, rest: Following) -> Outcome:
    over = low.evaluate(node.iter)
    iteration = walk(low, over)
    walked = {root: root.resized for root in low.memory.containers(over)}

    def body(index: Symbol) -> Outcome:
        bind_target(low, node.target, iteration.entry(index))
        return execute(low, node.body, after=round_end(low, node))

    def read() -> Outcome:
        reader = LoopReader(low, node, body, set(stored([node.target, *node.body])))
        reader.keeping = keeping
        if iteration.endless:
            return reader.read(None, gast.copy_location(gast.Constant(True, None), node.iter))
        return reader.read(iteration.count())

    keeping = over.start if isinstance(over, Walk) and over.kind == "checkpointed" else None
    if keeping is not None and iteration.endless and not keeping.online:
        low.refuse(
            "nobody knows beforehand how many rounds this checkpointed loop has",
            node.iter,
            cure="write online=True",
        )
    if keeping is not None:
        if not iteration.indexed:
            low.refuse("a checkpointed loop over things of different kinds", node.iter)
        outcome = read()
    elif iteration.unrolled(low):
        outcome = unrolled(low, iteration, body, 0)
    else:
        outcome = attempted(low, iteration, read, lambda: unrolled(low, iteration, body, 0))
    if any(root.resized and not before for root, before in walked.items()):
        low.refuse(
            "what this loop walks over gets longer or shorter while it runs",
            node.iter,
            cure="walk over a copy, or by an index",
        )
    return after_loop(low, node, outcome, rest)


def attempted(
    low: Lowerer, iteration: Iteration, read: Callable[[], T], instead: Callable[[], T]
) -> T:
    """Read a loop as an op or, where that turns out not to do and rounds are few, `instead`."""
    if iteration.length is None or iteration.length > MOST:
        return read()
    last = low.builder.ops[-1] if low.builder.ops else None
    low.unrollable += 1
    try:
        return read()
    except Unroll:
        cut(low.builder.ops, last)
    finally:
        low.unrollable -= 1
    return instead()


@statement(gast.While)
def _while_loop(low: Lowerer, node: Any, rest: Following) -> Outcome:
    names = set(stored([node.test, *node.body]))

    def body(index: Symbol) -> Outcome:
        return execute(low, node.body, after=round_end(low, node))

    try:
        outcome = LoopReader(low, node, body, names).read(None, node.test)
    except _TestBinds:
        # The body sees what the test binds, so the test has to be computed in the body.
        always = gast.copy_location(gast.Constant(value=True, kind=None), node.test)
        reader = LoopReader(low, node, lambda index: _tested(low, node), names)
        outcome = reader.read(None, always)
    return after_loop(low, node, outcome, rest)


class _TestBinds(Exception):
    """The test of a while loop binds names, itself or in a function that it calls."""


def round_end(low: Lowerer, node: Any) -> End:
    """What follows a loop's body: the next round."""
    return End(CONTINUE, UNDEFINED, low.frame.base.code.liveness.head.get(node))


def _tested(low: Lowerer, node: Any) -> Outcome:
    """A round of a while loop that begins with its test."""

    def read() -> Outcome:
        return execute(low, node.body, after=round_end(low, node))

    condition = low.evaluate(node.test)
    known = truth(low, condition)
    if known is not None:
        return read() if known else Outcome.leaves(ENDED)
    return branch(low, condition, read, lambda: Outcome.leaves(ENDED))[0]


def unrolled(low: Lowerer, iteration: Iteration, body: Body, start: int) -> Outcome:
    """Read the rounds from `start` on, one after the other."""
    for k in range(start, iteration.length or 0):
        outcome = body(k).without(CONTINUE)
        if not outcome.plain:
            rest = functools.partial(unrolled, low, iteration, body, k + 1)
            return then_rest(low, outcome, rest)
    return Outcome()


def after_loop(low: Lowerer, node: Any, outcome: Outcome, rest: Following) -> Outcome:
    """What comes after the rounds: the else clause, and what a return inside the loop returns."""
    sites = [] if low.frame.loops else [e for e in outcome.flags if isinstance(e, gast.Return)]
    if sites:
        return _return_sites(low, node, outcome, sites, rest)
    if node.orelse:
        # A break in the else clause leaves the loop around this one.
        flags = {BROKEN if e is BREAK else e: f for e, f in outcome.without(ENDED).flags.items()}
        outcome = Outcome(outcome.falls or ENDED in outcome.flags, flags, outcome.value)
        return then_rest(low, outcome, lambda: execute(low, node.orelse)).without(BROKEN)
    return outcome.without(BREAK, ENDED)


def _return_sites(
    low: Lowerer, node: Any, outcome: Outcome, sites: list[Any], rest: Following
) -> Outcome:
    """Branch on which return statement has ended the loop, if any; the rest stands where none has."""
    rest.read = True
    if not sites:
        ended = after_loop(low, node, outcome, rest)
        live = rest.end
        return then_rest(low, ended, rest, live, live)
    site, *others = sites
    flag = outcome.flags[site]
    left = outcome.without(site)
    if not outcome.falls and not others and len(outcome.flags) == 1:
        flag = True

    def value() -> Outcome:
        low.frame.statement, outer = site, low.frame.statement
        try:
            return Outcome.leaves(RETURN, returned_value(low, site))
        finally:
            low.frame.statement = outer

    if flag is True:
        return value()
    left = Outcome(outcome.falls or BREAK in left.flags, left.flags, left.value)
    live = rest.end
    return branch(
        low, flag, value, lambda: _return_sites(low, node, left, others, rest), live=live
    )[0]


def counted(stack: Any, iteration: Iteration) -> Any:
    """A list that a loop has made, of which the length is known where that of the loop is."""
    n, element = iteration.length, stack.facts.element
    if n is not None and n <= MOST and element is not None:
        stack.facts = Facts("list", items=(element,) * n, cls=list)
    return stack


class LoopReader:
    """Reads one loop as an op.

    `names` are the names that the body is seen to bind; `body(index)` reads one round.
    """

    def __init__(self, low: Lowerer, node: Any, body: Body, names: set[str]) -> None:
        self.low, self.node, self.body = low, node, body
        self.entry: Symbol = (
            None  # with `stacks`, what a round adds to the list that the loop makes
        )
        self.stacks = False
        self.stack: Value | None = None
        self.keeping: Keeping | None = None
        self.rows: dict[Key, Row] = {}  # what is carried by its place
        frame = low.frame
        head = frame.base.code.liveness.head.get(node)
        base = frame.base
        self.keys: dict[Key, None] = {}
        for name in sorted(names):
            owner = base.owner(name)
            if owner is not None and (
                head is None or owner is not base or is_live(base, name, head)
            ):
                self.keys[owner, name] = None
        self.unread = [
            (base, name)
            for name in sorted(names)
            if base.owner(name) is base and (base, name) not in self.keys
        ]

    def read(self, count: Symbol | None, test: Any = None) -> Outcome:
        """Emit the loop, bind what it carries, and say how it ends."""
        try:
            return self._read(count, test)
        except UnknownAlias as error:
            self.rows = rows(self.low, self.keys) if test is None else {}
            while self.rows:
                try:
                    return self._read(count, test)
                except NotARow as other:
                    del self.rows[other.key]
            raise error

    def _read(self, count: Symbol | None, test: Any) -> Outcome:
        low = self.low
        memory = low.facts_of_loops.setdefault((self.node, low.trail, bool(self.rows)), {})
        self._leave_out_handles()
        inits = {
            key: low.memory.settled(low.places.read(*key))
            if key not in self.rows
            else self.rows[key].first
            for key in self.keys
        }
        carried = Carried(inits, memory, self.rows)
        kinship = Kinship(low.memory)
        for round_number in range(2 * ROUNDS):
            kinship.begin(carried)
            attempt = _Attempt(self, carried, kinship, count is not None, test)
            extra = [key for key in attempt.changed if key not in carried.inits]
            if extra:
                for key in extra:
                    self.keys[key] = None
                    init = low.memory.settled(low.places.read(*key))
                    carried.add(key, init, attempt.region.changes[key])
                continue
            wider = carried.widen(attempt.after, strip=round_number >= ROUNDS)
            if not wider and not kinship.learn(carried, attempt.params, attempt.after):
                break
        else:
            low.refuse(
                "what this loop carries from round to round changes its structure each time",
                self.node,
                cure="keep the same kind of value in each name from round to round",
            )
        return self.emit(attempt, carried, kinship, count)

    def _leave_out_handles(self) -> None:
        """Leave out the names that stay handles of what `op=` writes into, until a round rebinds one."""
        always = rebound(self.node)
        for frame, name in list(self.keys):
            symbol = self.low.places.read(frame, name)
            if isinstance(name, str) and name not in always and self.low.memory.is_memory(symbol):
                kind = symbol.facts.kind if isinstance(symbol, Value) else "list"
                if kind in ("array", "list", "dict"):
                    del self.keys[frame, name]

    def emit(
        self, attempt: _Attempt, carried: Carried, kinship: Kinship, count: Symbol | None
    ) -> Outcome:
        """Emit the op of the last reading, whose facts hold in every round."""
        low = self.low
        outcome = attempt.outcome
        exits = [e for e in outcome.flags if e is not CONTINUE]
        kept = [e for e in exits if isinstance(e, gast.Return) or (e is BREAK and self.node.orelse)]
        with building(low, attempt.region):
            yields = [low.pack(a) for a in carried.leaves(attempt.after)]
            flags = [low.pack(outcome.flags[e]) for e in kept]
            stop = _any_of(low, [outcome.flags[e] for e in exits])
        inits = [low.pack(a) for a in carried.init_args()]
        hints = [_flag_name(e) for e in kept]
        flag_params = [Value(h, PY_BOOL) for h in hints]
        params = attempt.params
        still = [k for k, (p, y) in enumerate(zip(params, yields, strict=True)) if p is y]
        table: dict[Value, Arg] = {params[k]: inits[k] for k in still}
        moving = [k for k in range(len(params)) if k not in still]
        results: list[Arg] = [yields[k] for k in moving] + flags
        has_stop = bool(exits)
        if has_stop and self.keeping is not None and not self.keeping.online:
            low.refuse(
                "this checkpointed loop is left by break or return, so that nobody knows beforehand "
                "how many rounds it has",
                self.node,
                cure="let all rounds run, or write online=True",
            )
        if self.stacks:
            with building(low, attempt.region):
                results.append(low.pack(attempt.entry))
        if has_stop:
            results.append(stop)
        block = attempt.region.close(
            results, (attempt.index, *(params[k] for k in moving), *flag_params)
        )
        block = substitute_block(block, table)
        given = [inits[k] for k in moving] + [False] * len(flags)
        keep = None if self.keeping is None else low.arg(self.keeping.keep)
        low.builder.location = low.location(self.node)
        if count is not None:
            finals = low.builder.emit_for(low.arg(count), given, block, stop=has_stop, keep=keep)
        else:
            test = Block(
                (*(attempt.test_params[k] for k in moving), *(Value(h, PY_BOOL) for h in hints)),
                attempt.test.ops,
                attempt.test.results,
            )
            test = substitute_block(test, {attempt.test_params[k]: inits[k] for k in still})
            finals = low.builder.emit_while(given, test, block, stop=has_stop, keep=keep)
        final: dict[int, Symbol] = {k: inits[k] for k in still}
        final.update(zip(moving, finals[: len(moving)], strict=True))
        ordered = [final[k] for k in range(len(params))]
        filled = carried.filled(ordered)
        for key in [*(k for k in filled if k not in self.rows), *self.rows]:
            row = self.rows.get(key)
            bind_final(low, key, filled[key] if row is None else row.at(low, filled[key]))
        kinship.end(carried, params, ordered)
        for frame, name in self.unread:
            low.places.bind(frame, name, UNDEFINED)
        if self.stacks:
            self.stack = finals[-1]
            kinship.stacked(self.stack, attempt.entry)
        ends = dict(zip(kept, finals[len(moving) : len(moving) + len(kept)], strict=True))
        forever = count is None and attempt.forever
        falls = not forever or BREAK in outcome.flags or ENDED in outcome.flags
        return Outcome(falls, ends)


def bind_final(low: Lowerer, key: Key, symbol: Symbol) -> None:
    """Bind a name to what the loop left in it."""
    if key[0] is low.places.heap:
        low.places.write(key[1], symbol)
    else:
        low.places.bind(*key, symbol)


def _flag_name(exit: Any) -> str:
    return "broken" if exit is BREAK else "returned"


def _any_of(low: Lowerer, flags: list[Symbol]) -> Symbol:
    if any(f is True for f in flags):
        return True
    result: Symbol = flags[0] if flags else False
    for flag in flags[1:]:
        result = low.apply(operator.or_, result, flag, facts=PY_BOOL)
    return result


class _Attempt:
    """One reading of a loop's body, from what is so far known of its carried values."""

    def __init__(
        self, reader: LoopReader, carried: Carried, kinship: Kinship, counted: bool, test: Any
    ) -> None:
        low = reader.low
        self.entry: Symbol = None
        self.places = low.places
        self.index = Value(None, PY_INT)
        self.params = carried.params()
        self.forever = False
        low.frame.loops += 1
        try:
            if test is not None:
                self._read_test(reader, carried, test)
            self.region = low.region()
            for param in self.params:
                low.memory.born[param] = self.region.builder
            begin = carried.filled(self.params)
            places = {key: begin.pop(key) for key in reader.rows}
            self._enter(self.region, begin)
            with low.places.inside(self.region), building(low, self.region):
                kinship.enter(self.params)
                for key, place in places.items():
                    low.places.bind(*key, reader.rows[key].at(low, place))
                for frame, name in reader.unread:
                    low.places.bind(frame, name, UNDEFINED)
                self.outcome = settled(low, reader.body(self.index).without(CONTINUE))
                self.entry = low.memory.settled(reader.entry)
            self.after = {key: self.region.changes[key] for key in carried.inits}
            for key, row in reader.rows.items():
                self.after[key] = row.place(low, key, self.after[key])
        finally:
            low.frame.loops -= 1
        unread = set(reader.unread)
        self.changed = [key for key in self.region.old if key not in unread]

    def _enter(self, region: Region, symbols: dict[Key, Symbol]) -> None:
        """Let a region begin with other bindings."""
        region.old = {key: self.places.read(*key) for key in symbols}
        region.changes = dict(symbols)

    def _read_test(self, reader: LoopReader, carried: Carried, test: Any) -> None:
        low = reader.low
        self.test_params = carried.params()
        region = low.region()
        for param in self.test_params:
            low.memory.born[param] = region.builder
        symbols = carried.filled(self.test_params)
        self._enter(region, symbols)
        with low.places.inside(region), building(low, region):
            flag = low.evaluate(test)
            known = truth(low, flag)
            flag = low.arg(flag) if known is None else known
        if any(symbol is not symbols.get(key) for key, symbol in region.changes.items()):
            raise _TestBinds
        self.forever = known is True
        self.test = region.close([flag])
