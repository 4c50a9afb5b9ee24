"""Tapes: what a loop keeps for its reverse, as one list that is written round by round and popped."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..ir.graph import FOR, LOOPS, Arg, Block, Loop, Op, Value, operands, values_in
from .order import Order


@dataclass(slots=True)
class Header:
    """How a loop is written: what it runs over, and the elements that its header binds.

    `pops` are the values that each round takes off the tape, in the order of its entries.
    """

    sequences: list[tuple[Arg, Value]] = field(default_factory=list)
    index_used: bool = False
    tape: Tape | None = None
    pops: list[Value] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Tape:
    """The stacks of one loop that one reversed loop alone reads, as one list of tuples.

    A loop inside may put its own on the same list, which is then `shared`; `inner` has the positions of
    these loops, and of those that read them, in the bodies of this one and of its reverse.
    """

    loop: Op
    stacks: list[Value]
    value: Value
    shared: bool = False
    inner: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Appends:
    """Where in a loop's body its tape is written: before the op at `position`."""

    tape: Tape
    entries: tuple[Arg, ...]
    position: int


class Tapes(Order):
    """The part of a plan that says which stacks become tapes, and where these are written."""

    home: dict[Value, Block]
    definition: dict[Value, Op]
    enclosing: dict[Block, tuple[Op, Block]]
    headers: dict[Op, Header]
    in_header: set[Value]
    tapes: dict[Op, Tape]
    taped: dict[Value, Tape]
    appends: dict[Block, Appends]
    popped: dict[Value, tuple[Tape, Value]]  # what comes off a tape, and from which of its stacks
    header_of: dict[Tape, Header]
    popping: dict[Value, Tape]  # values that come off their tape where they are read

    def results_at_end(self, block: Block) -> tuple[Arg, ...]:
        """What a block reads when it ends: all its results but those written to the tape before."""
        appends = self.appends.get(block)
        if appends is None:
            return block.results
        loop = Loop(appends.tape.loop)
        rest = [
            entry
            for stack, entry in zip(loop.stacks, loop.entries, strict=True)
            if stack not in self.taped
        ]
        return (*loop.yields, *rest, *((loop.stop,) if loop.stops else ()))

    def kept_as(self) -> dict[Value, Value]:
        """For each value taken off a tape, the value that was put on it."""
        found: dict[Value, Value] = {}
        for header in self.headers.values():
            if header.tape is None:
                continue
            loop = Loop(header.tape.loop)
            entries = dict(zip(loop.stacks, loop.entries, strict=True))
            for stack, value in zip(header.tape.stacks, header.pops, strict=True):
                if isinstance(entries[stack], Value):
                    found[value] = entries[stack]
        return found

    def place_appends(self) -> None:
        """Find where in each loop's body its tape is written, as folding now stands."""
        for tape in self.tapes.values():
            self._place_append(tape)

    def _place_append(self, tape: Tape) -> None:
        loop = Loop(tape.loop)
        pairs = dict(zip(loop.stacks, loop.entries, strict=True))
        entries = tuple(pairs[stack] for stack in tape.stacks)
        place = {r: k + 1 for k, op in enumerate(loop.body.ops) for r in op.results}
        position = max((self._known_at(v, place) for v in values_in(entries)), default=0)
        # What loops inside put on the same list comes off it after this.
        position = max([position, *(at + 1 for at, _ in tape.inner)])
        self.appends[loop.body] = Appends(tape, entries, position)

    def _known_at(self, value: Value, place: dict[Value, int]) -> int:
        if value in self.folded and value in place:
            inner = operands(self.definition[value])
            return max((self._known_at(v, place) for v in inner), default=0)
        return place.get(value, 0)

    def find_tape(
        self, header: Header, loop: Loop, outer: Block, reads: dict[Value, list[Op]]
    ) -> None:
        """Find stacks of one earlier loop that this reversed loop reads, and nobody else."""
        if not loop.reverse:
            return
        makers: dict[Op, list[Value]] = {}
        for stack, found in reads.items():
            maker = self.definition.get(stack)
            if maker is None or maker.primitive not in LOOPS or len(found) != 1:
                continue
            if self.home[stack] is not outer or stack not in Loop(maker).stacks:
                continue
            if Loop(maker).reverse or not self._only_read_by(stack, loop, found[0]):
                continue
            if self._same_rounds(maker, loop, stack):
                makers.setdefault(maker, []).append(stack)
        for maker, stacks in makers.items():
            if maker in self.tapes or header.tape is not None:
                continue
            order = [s for s in Loop(maker).stacks if s in stacks]
            tape = Tape(maker, order, Value("tape", order[0].facts))
            header.tape = self.tapes[maker] = tape
            self.header_of[tape] = header
            self.home[tape.value] = outer
            for stack in order:
                self.taped[stack] = tape
                element = reads[stack][0].result
                header.pops.append(element)
                self.in_header.add(element)
                self.popped[element] = tape, stack

    def _only_read_by(self, stack: Value, loop: Loop, read: Op) -> bool:
        for op, _ in self.readers[stack]:
            if op is read:
                continue
            counts = op is not None and op.primitive.function is len
            if not counts or not self._only_counts(op.result, loop):  # type: ignore[union-attr]
                return False
        return True

    def _only_counts(self, length: Value, loop: Loop) -> bool:
        return all(op is loop.op for op, _ in self.readers.get(length, ()))

    def _same_rounds(self, maker: Op, loop: Loop, stack: Value) -> bool:
        """Whether the reader runs exactly as often as the loop that wrote the tape."""
        count = self.definition.get(loop.count) if isinstance(loop.count, Value) else None
        if count is not None and count.primitive.function is len:
            counted = count.args[0]
            if isinstance(counted, Value) and self.definition.get(counted) is maker:
                return True
        source = Loop(maker)
        return source.count is loop.count and not source.stops and maker.primitive is FOR

    def pop_where_read(self) -> None:
        """Find the values that are alone on a tape and read once, by a write that puts them back."""
        for loop, header in self.headers.items():
            if header.tape is None or len(header.pops) != 1 or header.tape.inner:
                continue
            (value,) = header.pops
            readers = self.readers.get(value, ())
            body = Loop(loop).body
            if len(readers) == 1 and readers[0][1] is body:
                reader = readers[0][0]
                if reader is not None and self.target(reader) is not None:
                    if reader.args[-1] is value and not self.nests.of.get(reader):
                        self.popping[value] = header.tape

    # -- loops inside loops -----------------------------------------------------------------

    def find_shared_tape(
        self, header: Header, loop: Loop, outer: Block, reads: dict[Value, list[Op]]
    ) -> None:
        """Let a loop inside another write to the other's tape, instead of a list that goes on it.

        So it may where both are reversed in the opposite order, so that what is written last is read
        first, and the reversed loop alone reads the list.
        """
        mirror = loop.op.attrs.get("mirror")
        if not loop.reverse or header.tape is not None or mirror is None:
            return
        found: dict[Op, list[tuple[Value, Value, Op]]] = {}
        for element, ops in reads.items():
            if element not in self.popped or len(ops) != 1 or len(self.readers[element]) != 1:
                continue
            if self.home[element] is not outer:
                continue  # a loop between the two would take it off once a round
            tape, stack = self.popped[element]
            entry = self._entry(tape, stack)
            maker = self.definition.get(entry) if isinstance(entry, Value) else None
            if maker is None or maker.attrs.get("mirror") is not mirror:
                continue
            if self._goes_on(tape, maker, entry):
                found.setdefault(maker, []).append((element, entry, ops[0]))
        for maker, each in found.items():
            if maker not in self.tapes and header.tape is None:
                self._share(header, loop, outer, maker, each)

    def _entry(self, tape: Tape, stack: Value) -> Arg:
        parts = Loop(tape.loop)
        return parts.entries[parts.stacks.index(stack)]

    def _goes_on(self, tape: Tape, maker: Op, entry: Value) -> bool:
        """Whether a list that a loop makes goes on a tape and nowhere else, in each round."""
        counted = tape.loop.primitive is FOR and not Loop(tape.loop).stops
        inside = self.home[entry] is Loop(tape.loop).body and len(self.readers[entry]) == 1
        return counted and inside and maker.primitive is FOR and not Loop(maker).stops

    def _share(
        self,
        header: Header,
        loop: Loop,
        outer: Block,
        maker: Op,
        each: list[tuple[Value, Value, Op]],
    ) -> None:
        tape, _ = self.popped[each[0][0]]
        place = Loop(tape.loop).body.ops.index(maker), outer.ops.index(loop.op)
        if any((place[0] < a) == (place[1] < b) for a, b in tape.inner):
            return
        tape.inner.append(place)
        made = Tape(maker, [entry for _, entry, _ in each], tape.value, shared=True)
        self.tapes[maker] = header.tape = made
        self.header_of[made] = header
        above = self.header_of[tape]
        for element, entry, read in each:
            _, stack = self.popped[element]
            tape.stacks.remove(stack)
            above.pops.remove(element)
            self.taped[element] = self.taped[entry] = made
            header.pops.append(read.result)
            self.in_header.add(read.result)
            self.popped[read.result] = made, entry
