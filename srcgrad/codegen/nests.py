"""Updates of a part that is put back where it was taken from: one write to an entry of an entry."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .. import runtime
from ..analysis.memory import IMMUTABLE_KINDS, SEPARATE, Memory, picks
from ..ir.build import facts_of_arg
from ..ir.graph import Arg, Block, Function, Op, Value, operands, values_in

WRITES = (runtime.setitem, runtime.index_add, runtime.append)  # what may happen in place
ARRAYS = ("array", "unknown")


@dataclass(frozen=True, slots=True, eq=False)
class Nest:
    """`A[i][j] = v`: ops that take a part of `root`, update it and put it back.

    `path` are the ops that look into the root, `update` is what happens at its end, `inner` are all ops
    of which nothing is left but the one statement, that of the last op excepted.
    """

    root: Value
    path: tuple[Op, ...]
    update: Op
    inner: tuple[Op, ...]

    def operands(self, last: Op) -> list[Value]:
        """What the statement reads."""
        gone = {r for op in self.inner for r in op.results} | {op.result for op in self.path}
        keys = [v for op in self.path for a in op.args[1:] for v in values_in(a)]
        rest = [v for op in (*self.inner, last) for v in operands(op) if v not in gone]
        return [self.root, *keys, *rest]


class Nests:
    """The nests of a function, by their last op. `inner` holds all ops that nests have taken in."""

    def __init__(self, function: Function) -> None:
        self.of: dict[Op, Nest] = {}
        self.inner: dict[Op, Op] = {}
        self.definition: dict[Value, Op] = {}
        self.home: dict[Op, Block] = {}
        self.uses: dict[Value, int] = {}
        self._survey(function.body)
        for op in list(self.definition.values()):
            nest = self._match(op) if op.results else None
            if nest is not None:
                self.of[op] = nest
        for op, nest in list(self.of.items()):
            for part in nest.inner:
                self.inner[part] = op
                self.of.pop(part, None)

    def _survey(self, block: Block) -> None:
        for op in block.ops:
            for value in operands(op):
                self.uses[value] = self.uses.get(value, 0) + 1
            for inner in op.blocks:
                self._survey(inner)
            for result in op.results:
                self.definition[result] = op
                self.home[op] = block
        for value in values_in(block.results):
            self.uses[value] = self.uses.get(value, 0) + 1

    def _match(self, last: Op) -> Nest | None:
        """The nest that an op ends, if it does."""
        function = last.primitive.function
        if function is runtime.setitem and isinstance(last.args[2], Value):
            made = last.args[2]
        elif function is np.transpose and isinstance(last.args[0], Value):
            made = last.args[0]
        else:
            return None
        update = self.definition.get(made)
        if update is None or self.uses[made] != 1 or self.home[update] is not self.home[last]:
            return None
        deeper = self._match(update)
        if deeper is None and update.primitive.function not in WRITES:
            return None
        part = deeper.root if deeper is not None else update.args[0]
        look = self.definition.get(part) if isinstance(part, Value) else None
        if look is None or self.home[look] is not self.home[last] or not _undone(look, last):
            return None
        inner = (*(deeper.inner if deeper else ()), update)
        readers = sum(part in operands(op) for op in inner)
        if self.uses[part] == readers + self._in_place_reads(part, deeper or update):
            inner = (*inner, look)
        path = (look, *(deeper.path if deeper else ()))
        return Nest(look.args[0], path, deeper.update if deeper else update, inner)

    def _in_place_reads(self, part: Value, found: Nest | Op) -> int:
        """How often a part is read to be augmented: `part[j]` in `part[j] + w`."""
        update = found.update if isinstance(found, Nest) else found
        read = augmented(update, self.definition, self.uses)
        return int(read is not None and read.args[0] is part)


def augmented(op: Op, definition: Mapping[Value, Op], uses: Mapping[Value, int]) -> Op | None:
    """The read of the entry itself, where what is written is an operation on just that entry.

    It is that of `A[i]` in `setitem(A, i, A[i] + w)`, if that may be written `A[i] += w`.
    """
    if op.primitive.function is not runtime.setitem or not isinstance(op.args[2], Value):
        return None
    made = definition.get(op.args[2])
    if made is None or made.primitive.function not in AUGMENTED or uses[op.args[2]] != 1:
        return None
    read = definition.get(made.args[0]) if isinstance(made.args[0], Value) else None
    if read is None or read.primitive.function is not operator.getitem:
        return None
    same = read.args[0] is op.args[0] and same_arg(read.args[1], op.args[1])
    return read if same and _fits(op, read.result, made) else None


def drops_last(op: Op) -> bool:
    """Whether an op gives a list without its last entry."""
    if op.primitive.function is not operator.getitem or not isinstance(op.args[0], Value):
        return False
    return op.args[0].facts.kind == "list" and op.args[1] == slice(None, -1)


def augments(op: Op) -> bool:
    """Whether a statement is augmented: the user's own, or one of a backward sweep."""
    if op.adjoint or op.location is None:
        return op.adjoint
    return any(f" {sign}= " in op.location.statement for sign in SIGNS)


def _fits(op: Op, entry: Value, made: Op) -> bool:
    """Whether `A[i] += w`, which casts and broadcasts less, does what `A[i] = A[i] + w` does."""
    facts = op.args[0].facts
    if facts.kind not in ARRAYS:
        return entry.facts.kind in IMMUTABLE_KINDS
    if augments(op):
        return True
    given = facts_of_arg(made.args[1])
    if facts.dtype is None or made.result.facts.dtype not in (facts.dtype, None):
        return False
    if np.dtype(facts.dtype).kind not in "fc" or given.is_scalar:
        return np.dtype(facts.dtype).kind in "fc"
    return given.ndim is not None and given.ndim <= (entry.facts.ndim or 0)


AUGMENTED = (
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow,
)  # fmt: skip
SIGNS = ("+", "-", "*", "/", "//", "%", "**", "@")


def _undone(look: Op, last: Op) -> bool:
    """Whether `last` puts back what `look` took, which was a part of it and not a copy."""
    whole = look.args[0] if look.args else None
    if not isinstance(whole, Value):
        return False
    if look.primitive.function is operator.getitem:
        if last.primitive.function is not runtime.setitem or last.args[0] is not whole:
            return False
        if whole.facts.kind in ARRAYS and picks(look.args[1]):
            return False
        return known_basic(look.args[1], whole) and same_arg(look.args[1], last.args[1])
    turned = look.primitive.function is np.transpose and last.primitive.function is np.transpose
    return turned and all(
        len(op.args) == 1 and not op.kwargs and op.args[0].facts.kind == "array"
        for op in (look, last)
    )


def entries_apart(memory: Memory, maker: Mapping[Value, Op], whole: Value) -> bool:
    """Whether no two entries of a container can be one array: writing to one leaves the other."""
    facts = whole.facts
    if facts.kind in ARRAYS:
        return True
    entries = facts.items if facts.items is not None else (facts.element,)
    if len(entries) == 1 and facts.items is not None:
        return True
    if all(entry and entry.kind in IMMUTABLE_KINDS for entry in entries):
        return True
    makers = [maker.get(root) for root in memory.inside(whole)]
    return all(op is not None and op.primitive.function in SEPARATE for op in makers)


def known_basic(index: Arg, whole: Value) -> bool:
    """Whether reading at this index surely looks into the whole, where that is an array."""
    if whole.facts.kind not in ARRAYS:
        return True
    return all(
        part.facts.kind == "int" if isinstance(part, Value) else not isinstance(part, list | bool)
        for part in (index if isinstance(index, tuple) else (index,))
    )


def same_arg(a: Arg, b: Arg) -> bool:
    """Whether two arguments are written alike and hold the same values."""
    if isinstance(a, Value) or isinstance(b, Value):
        return a is b
    if type(a) is not type(b):
        return False
    if isinstance(a, slice):
        return all(
            same_arg(p, q) for p, q in ((a.start, b.start), (a.stop, b.stop), (a.step, b.step))
        )
    if isinstance(a, Sequence) and not isinstance(a, str):
        return len(a) == len(b) and all(map(same_arg, a, b))
    return isinstance(a, int | float | str | type(None) | type(...)) and bool(a == b)
