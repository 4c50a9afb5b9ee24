"""What a loop carries from round to round, and what is known of it in every round.

Each name that a loop rebinds has a template: the structure that it keeps, with a `Hole` for each value
that may be another one in the next round. Strings, truth values, functions and the like begin as parts
of the template, on the guess that they stay the same. `widen` compares a template with what a round
left in the name, and gives up as much as it has to.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..ir.graph import UNDEFINED, Value
from ..ir.types import UNDEFINED_FACTS, UNKNOWN, Facts, join, untied
from .core import facts_of_symbol
from .handles import Poison
from .places import Key
from .symbols import (
    Closure,
    Conflict,
    Symbol,
    children,
    hint_of,
    is_number,
    kind_name,
    labels,
    packable,
    rebuild,
    same_constant,
    same_layout,
)

Known = dict[str, Facts]
IN_MEMORY = "*"  # what a label begins with that is not of a name, but of what is in memory


def label(key: Key) -> str:
    """What to call what a key stands for, in hints and messages."""
    name = key[1]
    return name if isinstance(name, str) else f"{IN_MEMORY}{name.name or 'memory'}"


@dataclass(frozen=True, eq=False, slots=True)
class Hole:
    """Where a carried value stands in a template: how it begins, and what holds of it in every round."""

    init: Symbol
    facts: Facts
    hint: str


class Carried:
    """The templates of the names that a loop carries. `memory` keeps facts from one reading of the
    loop for the next, so that an inner loop is not worked out anew in each round of an outer one. Of the
    names in `rows`, which are rows of an array, the index is carried.
    """

    def __init__(
        self, inits: Mapping[Key, Symbol], memory: Known, rows: Container[Key] = ()
    ) -> None:
        self.inits: dict[Key, Symbol] = {}
        self.templates: dict[Key, Symbol] = {}
        self.memory = memory
        self.rows = rows
        for key, init in inits.items():
            self.add(key, init)

    def add(self, key: Key, init: Symbol, after: Symbol = None) -> None:
        """Carry what a key stands for; `after` is what a round has left of it."""
        self.inits[key] = init
        spoiled = isinstance(after, Poison)
        name = f"{label(key)}_index" if key in self.rows else label(key)
        self.templates[key] = after if spoiled else self._template(init, name)

    def _template(self, init: Symbol, hint: str) -> Symbol:
        if init is UNDEFINED or isinstance(init, Value) or _is_plain_number(init):
            facts = UNDEFINED_FACTS if init is UNDEFINED else _plain(facts_of_symbol(init))
            return Hole(init, self._remembered(facts, hint), hint)
        if isinstance(init, Closure):
            return Closure(init.code, init.frame, self._parts(init.defaults, hint))
        return self._parts(init, hint)

    def _remembered(self, facts: Facts, hint: str) -> Facts:
        """What is known at the start, as far as it held in every round when the loop was last read."""
        known = self.memory.get(hint)
        if known is None or join(untied(facts), known) == untied(facts):
            return facts
        return join(facts, known)

    def _parts(self, symbol: Symbol, hint: str) -> Symbol:
        parts = children(symbol)
        if parts is None:
            return symbol
        named = zip(parts, labels(symbol), strict=True)
        return rebuild(symbol, [self._template(p, f"{hint}_{k}") for p, k in named])

    def holes(self) -> list[Hole]:
        return [hole for template in self.templates.values() for hole in _holes(template)]

    def are_content(self) -> list[bool]:
        """Whether what is in each hole is all that a piece of memory holds, and so known to be it."""
        return [
            isinstance(template, Hole) and not isinstance(key[1], str)
            for key, template in self.templates.items()
            for _ in _holes(template)
        ]

    def params(self) -> list[Value]:
        """Fresh values, one per hole."""
        return [Value(hint_of(hole.hint.lstrip(IN_MEMORY)), hole.facts) for hole in self.holes()]

    def init_args(self) -> list[Symbol]:
        return [hole.init for hole in self.holes()]

    def filled(self, values: Sequence[Symbol]) -> dict[Key, Symbol]:
        """What each name holds, with these values in the holes."""
        source = iter(values)
        return {key: _fill(t, lambda _: next(source)) for key, t in self.templates.items()}

    def leaves(self, after: Mapping[Key, Symbol]) -> list[Symbol]:
        """The part of each name's new symbol that belongs in each hole."""
        return [leaf for key, t in self.templates.items() for leaf in _leaves(t, after[key])]

    def widen(self, after: Mapping[Key, Symbol], strip: bool) -> bool:
        """Make the templates hold for what a round has left, too; whether that changed any.

        With `strip`, facts that still change are given up altogether.
        """
        changed = False
        for key, template in self.templates.items():
            wider = self._wider(template, after[key], strip, label(key))
            if wider is not template:
                self.templates[key] = wider
                changed = True
        if not changed:
            for hole in self.holes():
                self.memory[hole.hint] = untied(hole.facts)
        return changed

    def _wider(self, template: Symbol, after: Symbol, strip: bool, name: str) -> Symbol:
        if isinstance(template, Conflict | Poison) or after is UNDEFINED:
            return template
        if isinstance(after, Conflict | Poison):
            return after
        if isinstance(template, Hole):
            return self._wider_hole(template, after, strip)
        if isinstance(template, Closure) and isinstance(after, Closure):
            if template.code is after.code and template.frame is after.frame:
                defaults = self._wider(template.defaults, after.defaults, strip, name)
                if defaults is template.defaults:
                    return template
                return Closure(template.code, template.frame, defaults)
        parts = children(template)
        if parts is not None and same_layout(template, after):
            pairs = zip(parts, children(after) or (), strict=True)
            wider = [self._wider(p, a, strip, name) for p, a in pairs]
            same = all(x is y for x, y in zip(parts, wider, strict=True))
            return template if same else rebuild(template, wider)
        if same_constant(template, after):
            return template
        init = _fill(template, lambda hole: hole.init)
        if not packable(after) or not packable(init):
            return _conflict(name, init, after)
        known = _fill(template, lambda hole: Value(None, hole.facts))
        facts = join(_plain(facts_of_symbol(known)), _plain(facts_of_symbol(after)))
        return Hole(init, _plain(facts), name)

    def _wider_hole(self, hole: Hole, after: Symbol, strip: bool) -> Symbol:
        if hole.facts.kind == "undefined" and hole.init is UNDEFINED:
            parts = children(after)
            if parts is not None:
                named = zip(parts, labels(after), strict=True)
                blank = [Hole(UNDEFINED, UNDEFINED_FACTS, f"{hole.hint}_{k}") for _, k in named]
                pairs = zip(blank, parts, strict=True)
                return rebuild(after, [self._wider_hole(b, p, strip) for b, p in pairs])
            if not packable(after):
                return after
        if not packable(after):
            return _conflict(hole.hint, hole.init, after)
        facts = join(hole.facts, _plain(facts_of_symbol(after)))
        if facts == hole.facts:
            return hole
        return Hole(hole.init, _stripped(facts) if strip else facts, hole.hint)


def _conflict(name: str, before: Symbol, after: Symbol) -> Conflict:
    """What a name holds that is one thing before a loop and something incompatible after a round."""
    name = name.lstrip(IN_MEMORY)
    first, second = kind_name(before), kind_name(after)
    what = f"{first} before this loop and {second} after a round"
    if first == second:
        what = f"another {first.partition(' ')[2]} after a round of this loop than before it"
    return Conflict(f"'{name}' is {what}, so it cannot be known here which one it is", None)


def _is_plain_number(symbol: Symbol) -> bool:
    return is_number(symbol) and not isinstance(symbol, bool)


def _plain(facts: Facts) -> Facts:
    """Facts without the value itself, which another round may change."""
    items = facts.items
    if items is not None:
        items = tuple(_plain(i) for i in items)
    return replace(facts, known=(), items=items) if facts.known or items else facts


def _stripped(facts: Facts) -> Facts:
    return UNKNOWN if facts.is_numeric else Facts(facts.kind)


def _holes(template: Symbol) -> Iterator[Hole]:
    if isinstance(template, Hole):
        yield template
    elif isinstance(template, Closure):
        yield from _holes(template.defaults)
    else:
        for part in children(template) or ():
            yield from _holes(part)


def _fill(template: Symbol, value: Callable[[Hole], Symbol]) -> Symbol:
    if isinstance(template, Hole):
        return value(template)
    if isinstance(template, Closure):
        return Closure(template.code, template.frame, _fill(template.defaults, value))
    parts = children(template)
    return template if parts is None else rebuild(template, [_fill(p, value) for p in parts])


def _leaves(template: Symbol, after: Symbol) -> Iterator[Symbol]:
    if isinstance(template, Hole):
        yield after
    elif isinstance(template, Closure):
        inner = after.defaults if isinstance(after, Closure) else UNDEFINED
        yield from _leaves(template.defaults, inner)
    else:
        parts = children(template)
        if parts is not None:
            given = [UNDEFINED] * len(parts) if after is UNDEFINED else children(after) or []
            for part, leaf in zip(parts, given, strict=True):
                yield from _leaves(part, leaf)
