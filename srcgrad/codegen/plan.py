"""Decides what becomes a statement: which values fold into the expression that reads them."""

from __future__ import annotations

import builtins
import operator

from ..analysis.memory import fine_memory
from ..ir.graph import (
    CALL,
    FOR,
    IF,
    LOOPS,
    WITH,
    Arg,
    Block,
    Function,
    Loop,
    Op,
    Value,
    operands,
    values_in,
)
from .nests import Nests, augmented, drops_last
from .tapes import Appends, Header, Tape, Tapes

LONGEST_FOLD = 24  # operations in one expression; the user's own may be longer, adjoints may not


class Plan(Tapes):
    """What each value of a function becomes.

    `folded` values are printed where they are read. `uses` counts reads; `home` is the block that
    defines a value, `definition` the op.
    """

    def __init__(self, function: Function) -> None:
        self.function = function
        self.memory = fine_memory(function)
        self.nests = Nests(function)
        self.nest_roots = {nest.root for nest in self.nests.of.values()}
        self.uses: dict[Value, int] = {}
        self.readers: dict[Value, list[tuple[Op | None, Block]]] = {}
        self.home: dict[Value, Block] = {}
        self.definition: dict[Value, Op] = {}
        self.enclosing: dict[Block, tuple[Op, Block]] = {}
        self.headers: dict[Op, Header] = {}
        self.in_header: set[Value] = set()
        self.parts: dict[Value, list[Value | None]] = {}
        self.tapes: dict[Op, Tape] = {}
        self.taped: dict[Value, Tape] = {}
        self.folded: set[Value] = set()
        self.appends: dict[Block, Appends] = {}
        self.popped: dict[Value, tuple[Tape, Value]] = {}
        self.popping: dict[Value, Tape] = {}
        self.header_of: dict[Tape, Header] = {}
        self._survey(function.body)
        self.augmented: set[Op] = set()
        self.unsaid: set[Value] = set()
        self._augment()
        self._loops(function.body)
        self._take_apart(function.body)
        self._fold(function.body)
        self.place_appends()
        while self.keep_order(function.body, self.end):
            self.place_appends()
        self.pop_where_read()

    def _augment(self) -> None:
        """Find the updates that are written `A[i] += w`, which reads the entry without a word of it."""
        for op in list(self.definition.values()):
            read = augmented(op, self.definition, self.uses)
            if read is None:
                continue
            made = self.definition[op.args[2]]
            if self.home[read.result] is not self.home[op.result]:
                continue
            self.augmented.add(op)
            self.unsaid.add(read.result)
            self.uses[read.result] -= 1
            readers = self.readers[read.result]
            readers.pop(next(k for k, (reader, _) in enumerate(readers) if reader is made))

    def _read(self, arg: Arg, op: Op | None, block: Block) -> None:
        for value in values_in(arg):
            self.uses[value] = self.uses.get(value, 0) + 1
            self.readers.setdefault(value, []).append((op, block))

    def _survey(self, block: Block) -> None:
        for param in block.params:
            self.home[param] = block
        for op in block.ops:
            for value in operands(op):
                self._read(value, op, block)
            for inner in op.blocks:
                self.enclosing[inner] = (op, block)
                self._survey(inner)
            for result in op.results:
                self.home[result] = block
                self.definition[result] = op
        self._read(block.results, None, block)

    # -- loops ------------------------------------------------------------------------------

    def _loops(self, block: Block) -> None:
        for op in block.ops:
            if op.primitive in LOOPS:
                self.headers[op] = self._header(Loop(op), block)
            for inner in op.blocks:
                self._loops(inner)

    def _header(self, loop: Loop, outer: Block) -> Header:
        header = Header()
        if loop.count is None:
            header.index_used = bool(self.uses.get(loop.index))
            return header
        counted = self._counted(loop.count)
        reads: dict[Value, list[Op]] = {}
        others = 0
        for op, block in self.readers.get(loop.index, ()):
            if op is not None and block is loop.body and self._reads_entry(op, loop):
                reads.setdefault(op.args[0], []).append(op)
            else:
                others += 1
        self.find_tape(header, loop, outer, reads)
        self.find_shared_tape(header, loop, outer, reads)
        for sequence in list(reads):
            found = reads[sequence]
            if sequence in counted and len(found) == 1 and sequence not in self.taped:
                if len(counted) > 1 and loop.reverse:
                    others += 1
                    continue
                header.sequences.append((sequence, found[0].result))
                self.in_header.add(found[0].result)
            elif sequence not in self.taped:
                others += len(found)
        if counted and len(header.sequences) < len(counted):
            # zip must see every sequence that bounds the count, or none.
            if len(counted) > 1:
                for _, element in header.sequences:
                    self.in_header.discard(element)
                others += len(header.sequences)
                header.sequences = []
        header.index_used = others > 0
        if header.index_used and header.sequences and (loop.reverse or len(counted) > 1):
            for _, element in header.sequences:
                self.in_header.discard(element)
            header.sequences = []
        if header.tape is not None and header.sequences and not self._is_range(header):
            for _, element in header.sequences:
                self.in_header.discard(element)
            header.sequences, header.index_used = [], True
        return header

    def _is_range(self, header: Header) -> bool:
        return all(
            s in self.definition and self.definition[s].primitive.function is range
            for s, _ in header.sequences
        )

    def _reads_entry(self, op: Op, loop: Loop) -> bool:
        return (
            op.primitive.function is operator.getitem
            and op.args[1] is loop.index
            and isinstance(op.args[0], Value)
            and self.home.get(op.args[0]) is not loop.body
        )

    def _counted(self, count: Arg) -> list[Value]:
        """The sequences whose length, or least length, a loop's count is."""
        op = self.definition.get(count) if isinstance(count, Value) else None
        if op is None:
            return []
        if op.primitive.function is len and isinstance(op.args[0], Value):
            return [op.args[0]]
        if op.primitive.function is builtins.min:
            parts = op.args if len(op.args) > 1 else op.args[0]
            found: list[Value] = []
            for part in parts if isinstance(parts, tuple | list) else ():
                inner = self._counted(part)
                if not inner:
                    return []
                found += inner
            return found
        return []

    # -- tuples ------------------------------------------------------------------------------

    def _take_apart(self, block: Block) -> None:
        """Find the tuples that are only ever taken apart: `W, b = pair` names their entries alone."""
        for op in block.ops:
            for inner in op.blocks:
                self._take_apart(inner)
            if not op.blocks and len(op.results) == 1:
                self._try_apart(op.result, block)

    def _try_apart(self, value: Value, block: Block) -> None:
        items = value.facts.items
        bound_here = value not in self.in_header or any(
            value is e for h in self.headers.values() for _, e in h.sequences
        )
        if value.facts.kind != "tuple" or items is None or not bound_here:
            return
        parts: list[Value | None] = [None] * len(items)
        for op, place in self.readers.get(value, ()):
            if op is None or place is not block or op.primitive.function is not operator.getitem:
                return
            key = op.args[1]
            if type(key) is not int or not 0 <= key < len(parts) or parts[key] is not None:
                return
            parts[key] = op.result
        if sum(p is not None for p in parts) < 2:
            return
        self.parts[value] = parts
        self.in_header.update(p for p in parts if p is not None)

    def bound(self, value: Value) -> list[Value]:
        """The values that get names where `value` is assigned: itself, or its parts."""
        if value in self.parts:
            return [v for p in self.parts[value] if p is not None for v in self.bound(p)]
        return [value]

    # -- folding ----------------------------------------------------------------------------

    def _fold(self, block: Block) -> None:
        size: dict[Value, int] = {}
        for op in block.ops:
            for inner in op.blocks:
                self._fold(inner)
            if op in self.nests.inner and op.result not in self.in_header:
                self.folded.add(op.result)
                continue
            if not self._may_fold(op, block):
                continue
            result = op.result
            nodes = 1 + sum(size.get(v, 0) for v in operands(op) if v in self.folded)
            if op.adjoint and nodes > LONGEST_FOLD:
                continue
            size[result] = nodes
            self.folded.add(result)

    def _may_fold(self, op: Op, block: Block) -> bool:
        if op.primitive.effect or op.primitive in LOOPS or op.primitive in (WITH, CALL):
            return False
        if op.primitive is IF:
            return False
        result = op.result
        if self.target(op) is not None or result in self.nest_roots or drops_last(op):
            return False
        if result in self.in_header or result in self.parts:
            return False
        uses = self.uses.get(result, 0)
        if not uses and result in self.unsaid:
            return True
        if op.primitive.function is len and self._counts_loop(result):
            return True
        named = (
            result.hint is not None and "array" not in op.attrs
        )  # a copy has its original's name
        if uses != 1 or (named and not self._copied(result)):
            return op.primitive.function is range and result.hint is None and uses > 0
        reader, place = self.readers[result][0]
        if reader is not None and self.target(reader) is result:
            return False  # it is written into, so it needs a name
        return place is block

    def end(self, value: Value, block: Block) -> int:
        """Where a result of a block is printed: at its end, or where it is written to the tape."""
        appends = self.appends.get(block)
        if appends is None or value in values_in(self.results_at_end(block)):
            return len(block.ops)
        return appends.position

    def _copied(self, value: Value) -> bool:
        """Whether a value is only read to be copied under its own name."""
        reader = self.readers[value][0][0]
        return reader is not None and "array" in reader.attrs and reader.result.hint == value.hint

    def _counts_loop(self, length: Value) -> bool:
        """Whether a length is printed in no place but loop headers, which write the sequence."""
        readers = self.readers.get(length, ())
        return bool(readers) and all(
            op is not None
            and op.primitive is FOR
            and (self.headers[op].sequences or self.headers[op].tape)
            for op, _ in readers
        )
