"""What can be walked over: how many entries it has, and the ops that fetch one of them.

`walk` looks at a symbol and says in what way a loop over it is read. A structure that the source
spells out, or one whose entries differ in kind, is walked while reading (`unroll`); everything else by a
loop of the graph that fetches the entry at its index.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..ir.graph import Value
from ..ir.types import PY_INT, Facts, join_all
from .branches import Outcome, branch
from .core import RAISE, Lowerer, facts_of_symbol, primitive_of
from .late import Late, rebound
from .symbols import Conflict, Outside, Symbol, Walk, is_constant, kind_name, packable

MOST = 64  # rounds of a loop that is read round by round
RANGE = Facts("range")
RESIZED = "what this loop walks over gets longer or shorter while it runs"
# What is exhausted once it has been walked over.
ONCE = ("zip", "enumerate", "reversed", "lazy", "checkpointed", "count")


@dataclass(frozen=True, eq=False, slots=True)
class Consumed:
    """What stands in memory for an iterator that has been walked over at a node."""

    node: Any


@dataclass(frozen=True, eq=False, slots=True)
class Iteration:
    """A way to walk.

    `length` is the number of entries where it is known, `count` emits it; `entry` emits the entry at an
    index. With `unroll`, the entries are best taken one by one; without `indexed`, that is the only way.
    What is `endless` is left by `break` alone.
    """

    length: int | None
    count: Callable[[], Symbol]
    entry: Callable[[Symbol], Symbol]
    unroll: bool = False
    indexed: bool = True
    endless: bool = False

    def unrolled(self, low: Lowerer) -> bool:
        """Whether the loop is read round by round.

        Raises
        ------
        UnsupportedSyntax
            It has to be, and there are too many rounds or it is not known how many.
        """
        if self.length is not None and self.length <= MOST and self.unroll:
            return True
        if self.indexed:
            return False
        if self.length is None:
            low.refuse(
                "this loop is over things of different kinds, and how many there are is only known "
                "when the function runs",
                cure="walk over sequences of known length, or of numbers and arrays alone",
            )
        low.refuse(
            f"this loop has {self.length} rounds, each of which is read anew (at most {MOST} are)",
            cure="walk over an array, or a list of numbers or arrays of equal structure",
        )


def walk(low: Lowerer, symbol: Symbol) -> Iteration:
    """How to walk over a symbol."""
    symbol = low.memory.current(symbol)
    if isinstance(symbol, Outside):
        method = getattr(type(symbol.value), "__iter__", None)
        if hasattr(method, "__code__"):
            low.refuse(f"iterating over an object of type {type(symbol.value).__name__}")
        symbol = low.capture(symbol)
    if isinstance(symbol, Conflict):
        low.arg(symbol)
    if isinstance(symbol, Walk):
        if symbol.kind in ONCE:
            _consume(low, symbol)
        return _WALKS[symbol.kind](low, symbol)
    if isinstance(symbol, dict):
        return _written(low, list(symbol))
    if isinstance(symbol, tuple | list | str | bytes):
        return _written(low, symbol)
    if isinstance(symbol, Value):
        return _value(low, symbol)
    low.refuse(f"{kind_name(symbol)} cannot be walked over")


def _consume(low: Lowerer, symbol: Walk) -> None:
    """Refuse what Python would find exhausted, or would only now compute."""
    root = low.memory.root(symbol)
    used = low.memory.content(root)
    if used is not symbol and not (isinstance(used, Consumed) and used.node is low.node):
        low.refuse(
            "what is walked over here may have been walked over before, and is exhausted then",
            cure="make it a list first, and walk over that",
        )
    if symbol.kind == "lazy":
        _check_late(low, symbol.start)
    low.places.write(root, Consumed(low.node))


def _check_late(low: Lowerer, late: Late) -> None:
    """Refuse what would give other entries now than where it was made."""
    name = rebound(low, late)
    if late.writes != low.memory.count or name is not None:
        what = "something was written to" if name is None else f"'{name}' was bound anew"
        low.refuse(
            f"this generator was made before {what}, and is computed only now",
            cure="make it a list where it stands, or write it where it is read",
        )


def entries(low: Lowerer, symbol: Symbol) -> list[Symbol] | None:
    """All entries of a symbol, where their number is known; None where it is not."""
    if isinstance(symbol, list | tuple):
        return list(symbol)
    found = walk(low, symbol)
    if found.length is None or found.length > MOST:
        return None
    return [found.entry(k) for k in range(found.length)]


def _written(low: Lowerer, items: Any) -> Iteration:
    """A tuple, list or text that the source spells out."""
    plain = (packable(items) and is_constant(items)) or _uniform_symbols(items)

    def entry(index: Symbol) -> Symbol:
        now = low.memory.current(items)
        if is_constant(index) and not isinstance(now, Value):
            if len(now) != len(items):
                low.refuse(RESIZED)
            return now[index]
        return low.apply(operator.getitem, low.memory.indexed(now, index), index)

    return Iteration(len(items), lambda: len(items), entry, unroll=True, indexed=plain)


def _uniform_symbols(items: Any) -> bool:
    return packable(items) and uniform([facts_of_symbol(i) for i in items])


def _value(low: Lowerer, value: Value) -> Iteration:
    facts = value.facts
    if facts.kind == "dict" and facts.keys is not None:
        return _written(low, list(facts.keys))
    if facts.kind in ("dict", "opaque", "object", "str"):
        value = as_list(low, value)
        facts = value.facts
    if facts.kind in ("none", "bool", "int", "float", "complex") and not facts.known:
        low.refuse(f"{kind_name(value)} cannot be walked over")
    items = facts.items if facts.kind in ("list", "tuple") else None
    uniform_items = items is None or uniform(list(items))
    length = len(items) if items is not None else None
    if facts.kind == "array" and facts.dims and isinstance(facts.dims[0], int):
        length = facts.dims[0]
    if facts.kind == "range" and facts.known:
        length = len(facts.known[0])
    kind = entry_facts(facts)

    def entry(index: Symbol) -> Symbol:
        if facts.known and is_constant(index):
            return facts.known[0][index]
        now = low.memory.current(value)
        if isinstance(now, list) and is_constant(index):  # a round before has written to an entry
            if len(now) != length:
                low.refuse(RESIZED)
            return now[index]
        if is_constant(index):
            return low.emit_item(value, index)
        return low.emit(primitive_of(operator.getitem), (value, index), facts=kind)

    return Iteration(
        length,
        lambda: low.emit(primitive_of(len), (value,), facts=PY_INT),
        entry,
        unroll=not uniform_items,
        indexed=uniform_items,
    )


def as_list(low: Lowerer, value: Value) -> Value:
    """A value made a list by Python's `list`."""
    element = value.facts.element if value.facts.kind != "str" else Facts("str")
    kind = Facts("list", element=element or Facts("opaque"))
    result: Value = low.emit(primitive_of(builtins.list), (value,), facts=kind)
    return result


def entry_facts(facts: Facts) -> Facts | None:
    """What is known of every entry of a list, tuple or range; None where the op may tell."""
    if facts.kind == "range":
        return PY_INT
    if facts.kind in ("list", "tuple"):
        if facts.items is not None:
            return join_all(facts.items) or Facts()
        return facts.element or Facts()
    return None


def uniform(items: list[Facts]) -> bool:
    """Whether one loop body can be read for all of these entries."""
    return all(_alike(items[0], other) for other in items[1:]) and all(map(_computable, items))


def _computable(facts: Facts) -> bool:
    """Whether facts are those of a number, an array, or a structure of such."""
    if facts.kind in ("list", "tuple", "dict", "object") and facts.items is not None:
        return all(_computable(i) for i in facts.items)
    return facts.is_numeric or facts.kind in ("list", "range", "opaque", "undefined")


def _alike(a: Facts, b: Facts) -> bool:
    """Whether one loop body can be read for both: same structure, numbers at the same places."""
    if a.is_numeric and b.is_numeric:
        return True
    if a.kind != b.kind or a.cls is not b.cls or a.keys != b.keys:
        return False
    if a.items is None or b.items is None:
        return a.items is b.items
    if len(a.items) != len(b.items):
        return a.kind == "list" and uniform([*a.items, *b.items])
    return all(_alike(x, y) for x, y in zip(a.items, b.items, strict=True))


# --- zip, enumerate, reversed, items -----------------------------------------------------------------


def _zip(low: Lowerer, symbol: Walk) -> Iteration:
    parts = [walk(low, p) for p in symbol.parts]
    if not parts:
        return _written(low, ())
    known = [p.length for p in parts]
    length = min(n for n in known if n is not None) if None not in known else None
    if length is not None and symbol.start and len(set(known)) > 1:
        low.refuse(f"zip() arguments of different lengths with strict=True: {known}")

    def count() -> Symbol:
        counts = [p.count() for p in parts]
        if symbol.start is True and length is None:
            for other in counts[1:]:
                same_length(low, counts[0], other)
            return counts[0]
        return counts[0] if len(counts) == 1 else low.apply(builtins.min, *counts, facts=PY_INT)

    return Iteration(
        length,
        count,
        lambda index: tuple(p.entry(index) for p in parts),
        unroll=any(p.unroll for p in parts),
        indexed=all(p.indexed for p in parts),
    )


def same_length(low: Lowerer, first: Symbol, other: Symbol) -> None:
    """Raise, when the function runs, what `zip(..., strict=True)` raises."""
    differ = low.apply(operator.ne, first, other)
    if differ is False:
        return

    def complain() -> Outcome:
        error = low.call(ValueError, ["zip() has arguments of different lengths"], {})
        low.emit(RAISE, [error])
        return Outcome(falls=False)

    branch(low, differ, complain, Outcome)


def _enumerate(low: Lowerer, symbol: Walk) -> Iteration:
    inner = walk(low, symbol.parts[0])
    start = symbol.start

    def entry(index: Symbol) -> Symbol:
        number = index if start == 0 else low.apply(operator.add, index, start)
        return (number, inner.entry(index))

    return Iteration(inner.length, inner.count, entry, inner.unroll, inner.indexed)


def _reversed(low: Lowerer, symbol: Walk) -> Iteration:
    source = symbol.parts[0]
    now = low.memory.current(source)
    if isinstance(now, tuple):
        return _written(low, now[::-1])
    if isinstance(now, list):
        return _backwards(low, source, _written(low, now[::-1]))
    if isinstance(source, Outside):
        source = low.capture(source)
    if isinstance(source, Value) and source.facts.kind in (
        "list",
        "tuple",
        "array",
        "unknown",
        "range",
    ):
        facts = source.facts if source.facts.kind == "range" else None
        if facts is not None and facts.known:
            facts = Facts("range", known=(facts.known[0][::-1],))
        back = walk(
            low,
            low.emit(primitive_of(operator.getitem), (source, slice(None, None, -1)), facts=facts),
        )
        return _backwards(low, source, back) if source.facts.kind == "list" else back
    found = entries(low, source)
    if found is None:
        low.refuse(f"reversed() of {kind_name(source)}")
    return _written(low, found[::-1])


def _backwards(low: Lowerer, source: Symbol, turned: Iteration) -> Iteration:
    """A list, last entry first, each as it stands when it is reached; in `turned`, as it is now."""
    first, forward = low.memory.current(source), walk(low, source)

    def entry(index: Symbol) -> Symbol:
        if low.memory.current(source) is first:
            return turned.entry(index)
        last = low.apply(operator.sub, forward.count(), 1)
        return forward.entry(low.apply(operator.sub, last, index))

    return replace(turned, entry=entry)


def _view(low: Lowerer, symbol: Walk) -> Iteration:
    """`keys()`, `values()` or `items()` of a dict."""
    owner = low.memory.current(symbol.parts[0])
    facts = owner.facts if isinstance(owner, Value) else None
    keys = list(owner) if isinstance(owner, dict) else facts.keys if facts else None

    def value(key: Symbol) -> Symbol:
        now = low.memory.current(symbol.parts[0])  # which a round before may have written to
        if not isinstance(now, dict):
            return low.apply(operator.getitem, now, key)
        if key not in now:
            low.refuse("dictionary changed size during iteration", cure="walk over list(d)")
        return now[key]

    pick: dict[str, Callable[[Symbol], Symbol]] = {
        "keys": lambda k: k,
        "values": value,
        "items": lambda k: (k, value(k)),
    }
    get = pick[symbol.kind]
    if keys is not None:
        known = list(keys)
        return Iteration(
            len(known), lambda: len(known), lambda k: get(known[k]), unroll=True, indexed=False
        )
    all_keys = walk(low, as_list(low, owner))
    return Iteration(None, all_keys.count, lambda index: get(all_keys.entry(index)))


def _lazy(low: Lowerer, symbol: Walk) -> Iteration:
    """What a generator expression or map gives, which has been worked out already."""
    return walk(low, symbol.parts[0])


def _from_start(low: Lowerer, symbol: Walk) -> Iteration:
    """`itertools.count`."""
    start, step = symbol.parts
    if any(facts_of_symbol(part).kind != "int" for part in symbol.parts):
        low.refuse(
            "itertools.count() of what may not be integers",
            cure="count from 0, and compute the number from the count",
        )

    def entry(index: Symbol) -> Symbol:
        number = index if step == 1 else low.apply(operator.mul, index, step)
        return number if start == 0 else low.apply(operator.add, number, start)

    def count() -> Symbol:
        low.refuse(
            "itertools.count() has no end",
            cure="use it in a for loop of its own, or write range() or enumerate()",
        )

    return Iteration(None, count, entry, endless=True)


def _checkpointed(low: Lowerer, symbol: Walk) -> Iteration:
    """What a checkpointed loop walks over; how much it keeps is a matter of the loop."""
    return walk(low, symbol.parts[0])


def _numbered(low: Lowerer, symbol: Walk) -> Iteration:
    """What np.ndenumerate gives: the place of each entry of an array, and the entry."""
    owner, places = symbol.parts
    inner = walk(low, places)

    def entry(index: Symbol) -> Symbol:
        place, now = inner.entry(index), low.memory.current(owner)
        known = Facts("unknown", facts_of_symbol(now).dtype, ())
        return (place, low.apply(operator.getitem, now, place, facts=known))

    return Iteration(inner.length, inner.count, entry, inner.unroll, inner.indexed)


_WALKS: dict[str, Callable[[Lowerer, Walk], Iteration]] = {
    "zip": _zip,
    "lazy": _lazy,
    "checkpointed": _checkpointed,
    "count": _from_start,
    "enumerate": _enumerate,
    "reversed": _reversed,
    "keys": _view,
    "values": _view,
    "items": _view,
    "ndenumerate": _numbered,
}
