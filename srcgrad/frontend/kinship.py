"""What a loop carries may share: which carried values can be one memory, in whatever round.

A name that a loop rebinds to another array each round stands for several arrays, so the value that the
loop carries may be any of them. Two carried values are told apart if they begin as different memory and
each round leaves different memory in them: `A, B = B, A` keeps two buffers apart for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..ir.graph import Value
from .carried import Carried
from .handles import Handles, Recorder
from .places import Key, Root
from .sharing import FRESH, has_mutable_entries
from .symbols import Symbol


class Kinship:
    """What is known so far, from the start of a loop and from the rounds read."""

    def __init__(self, memory: Handles) -> None:
        self.memory = memory
        self.labels: list[str] = []
        self.outer: dict[str, set[Root]] = {}  # memory from outside that a carried value may be
        self.pairs: dict[frozenset[str], Root] = {}  # carried values that may be one memory

    def begin(self, carried: Carried) -> None:
        """Look at how the carried values start, before a round is read."""
        holes = carried.holes()
        self.labels = [f"{k} {hole.hint}" for k, hole in enumerate(holes)]
        starts = self._starts(carried)
        for name, roots in zip(self.labels, starts, strict=True):
            self.outer.setdefault(name, set()).update(roots)
        self._pair_up(starts)

    def _starts(self, carried: Carried) -> list[set[Root]]:
        return [
            set() if content else self.memory.roots(hole.init)
            for hole, content in zip(carried.holes(), carried.are_content(), strict=True)
        ]

    def _pair_up(self, each: Sequence[set[Root]]) -> bool:
        news = False
        for i, a in enumerate(each):
            for j in range(i):
                pair = frozenset({self.labels[i], self.labels[j]})
                if pair not in self.pairs and a & each[j]:
                    self.pairs[pair] = Root(None, self.memory.low.builder)
                    news = True
        return news

    def enter(self, params: Sequence[Value]) -> None:
        """Tell memory what is known of the values that a round begins with."""
        self._tell(params, [self.memory.root(p) for p in params])

    def _tell(self, values: Sequence[Symbol], roots: Sequence[Root]) -> None:
        for k, value in enumerate(values):
            name = self.labels[k]
            partners = {p for pair in self.pairs if name in pair for p in pair}
            tokens = [t for pair, t in self.pairs.items() if name in pair]
            apart = {r for r, n in zip(roots, self.labels, strict=True) if n not in partners}
            related = {*self.outer.get(name, ()), *tokens} - {roots[k]}
            if related:
                self.memory.share(value, related, frozenset({*apart, roots[k]}))

    def learn(self, carried: Carried, params: Sequence[Value], after: Mapping[Key, Symbol]) -> bool:
        """Look at what a round has left; whether that was news, so that it has to be read again."""
        memory = self.memory
        leaves = carried.leaves(after)
        position = {memory.root(p): k for k, p in enumerate(params)}
        direct = [
            set() if content else memory.roots(leaf, stop=set(params))
            for content, leaf in zip(carried.are_content(), leaves, strict=True)
        ]
        news = False
        outside: list[set[Root]] = []
        for k, (name, leaf) in enumerate(zip(self.labels, leaves, strict=True)):
            held = memory.shares(leaf) if isinstance(leaf, Value) else {}
            found = {r for r in {*direct[k], *held} if self._is_outer(r)}
            for root in direct[k]:
                if root in position:
                    found |= self.outer[self.labels[position[root]]]
            if not found <= self.outer[name]:
                self.outer[name] |= found
                news = True
            outside.append({r for r in direct[k] if self._is_outer(r)})
        news |= self._pair_up(direct)
        starts = self._starts(carried)
        for i, a in enumerate(outside):
            for j, b in enumerate(starts):
                if i != j and a & b:
                    news |= self._pair(i, j)
        source = [{position[r] for r in each if r in position} for each in direct]
        for i, places in enumerate(source):
            for j in range(i):
                if any(self._are_paired(p, q) for p in places for q in source[j]):
                    news |= self._pair(i, j)
        return news

    def _is_outer(self, root: Root) -> bool:
        """Whether memory was made before the loop, and not by a round of it."""
        here = self.memory.low.builder
        return isinstance(here, Recorder) and here.is_inside(root.builder)

    def _are_paired(self, i: int, j: int) -> bool:
        return i == j or frozenset({self.labels[i], self.labels[j]}) in self.pairs

    def _pair(self, i: int, j: int) -> bool:
        pair = frozenset({self.labels[i], self.labels[j]})
        if pair in self.pairs:
            return False
        self.pairs[pair] = Root(None, self.memory.low.builder)
        return True

    def end(self, carried: Carried, params: Sequence[Value], finals: Sequence[Symbol]) -> None:
        """Tell memory what is known of the values that the loop leaves."""
        roots = [self.memory.root(p) for p in params]
        known = zip(carried.holes(), carried.are_content(), finals, self.labels, strict=True)
        for k, (hole, content, final, name) in enumerate(known):
            if not isinstance(final, Value) or final is hole.init:
                continue
            if content and not self.outer[name]:
                continue
            partners = {p for pair in self.pairs if name in pair for p in pair}
            tokens = {t for pair, t in self.pairs.items() if name in pair}
            apart = {
                r
                for other, f, n in zip(roots, finals, self.labels, strict=True)
                if n not in partners
                for r in ((other, self.memory.root(f)) if isinstance(f, Value) else (other,))
            }
            self.memory.share(final, {*self.outer[name], *tokens}, frozenset({*apart, roots[k]}))

    def stacked(self, stack: Value, entry: Symbol) -> None:
        """Tell memory of the list that a loop has made of an entry of each round."""
        memory = self.memory
        outer = {r for r in memory.roots(entry) if self._is_outer(r)}
        root = memory.root(stack)
        root.apart = not outer and self._is_fresh(entry)
        if outer:
            memory.share(stack, outer)

    def _is_fresh(self, entry: Symbol) -> bool:
        if not isinstance(entry, Value):
            return True
        if self.memory.sharing(entry)[0] != FRESH or self.memory.shares(entry):
            return False
        return not has_mutable_entries(entry.facts) or self.memory.entries_apart(entry)
