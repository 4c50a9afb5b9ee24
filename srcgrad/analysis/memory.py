"""Memory: which values may share it with which."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from .. import runtime
from ..ir.graph import BRANCHES, CALL, LOOPS, Arg, Block, Function, Loop, Op, Value, values_in, walk
from ..ir.types import CONTAINERS, SCALARS

OUTSIDE = object()  # the root of all memory that is not the function's own


@dataclass(frozen=True, slots=True)
class Earlier:
    """The root of memory that some round of a loop made for `root` before the round under way."""

    root: Value


Roots = frozenset[Any]
NOWHERE: Roots = frozenset()

# Kinds of which there is no memory to share.
IMMUTABLE_KINDS = SCALARS | {"range", "str", "none", "function"}
OPERATORS = (
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow, operator.matmul, operator.neg, operator.pos, operator.invert, abs,
    operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
    operator.and_, operator.or_, operator.xor, operator.not_, operator.contains,
)  # fmt: skip
# What a NumPy function gives is fresh, but for these, which may hand back or look into an argument.
NUMPY_VIEWS = frozenset(
    {
        "array_split", "asanyarray", "asarray", "ascontiguousarray", "atleast_1d", "atleast_2d",
        "atleast_3d", "broadcast_arrays", "broadcast_to", "diag", "diagonal", "diff", "dsplit",
        "expand_dims", "flip", "fliplr", "flipud", "hsplit", "imag", "matrix_power",
        "matrix_transpose", "moveaxis", "nan_to_num", "permute_dims", "ravel", "real",
        "real_if_close", "reshape", "rollaxis", "rot90", "split", "squeeze", "swapaxes",
        "transpose", "trim_zeros", "unstack", "vsplit",
    }
)  # fmt: skip
# So are what the helpers of generated code give, but for these.
RUNTIME_VIEWS = (
    runtime.align, runtime.columns, runtime.diff_adjoint, runtime.gather, runtime.kron_axes,
    runtime.line_sums, runtime.nested, runtime.permute, runtime.regroup,
    runtime.restore_axes, runtime.split_like,
    runtime.split_stacked, runtime.spread, runtime.stop_gradient, runtime.unbroadcast,
    runtime.unstack,
)  # fmt: skip
READ_ONLY = (
    np.broadcast_arrays, np.broadcast_to, np.diag, np.diagonal, runtime.diag_adjoint,
    getattr(np.linalg, "diagonal", np.diagonal),  # since NumPy 2.0
)  # fmt: skip
# Functions that make containers of which each entry has memory of its own.
SEPARATE = (runtime.zeros_like, runtime.zero_rows, runtime.add, runtime.copied)
# Functions that make a container afresh, of the entries that they are given.
GATHERING = (list, sorted, runtime.permute, runtime.still_kept, runtime.without_last, dict)
UPDATES = (runtime.index_add, runtime.attribute_add, runtime.append, runtime.setitem)


class Memory:
    """Which pieces of memory the values of a function may be part of.

    `roots` are those that a value itself may be part of, `contents` those that the entries of a
    container may be part of: appending an array to a list writes into the list alone. Each is known by
    the value that it was made for; what that value was in an earlier round of a loop is another piece.
    """

    def __init__(self, function: Function) -> None:
        self._inside: dict[Op, set[Value]] = {}
        self.roots: dict[Value, Roots] = {}
        self.contents: dict[Value, Roots] = {}
        self._donated: Roots = frozenset(function.donated)
        for value in (*function.params, *(c.value for c in function.captures)):
            own = frozenset({value if value in function.donated else OUTSIDE})
            self._set(value, own, own)
        self._pass(function.body)

    def donated(self, value: Value) -> bool:
        """Whether a value is memory that the caller has handed over to be written to."""
        return bool(self.of(value) & self._donated)

    def immutable(self, value: Value) -> bool:
        """Whether there is no memory to share."""
        return value.facts.kind in IMMUTABLE_KINDS

    def of(self, arg: Arg) -> Roots:
        """The memory that an argument may be part of; that of its parts where it is a structure."""
        found = NOWHERE
        for value in values_in(arg):
            found |= self.roots.get(value, NOWHERE)
        return found

    def inside(self, arg: Arg) -> Roots:
        """The memory that the entries of an argument may be part of."""
        found = NOWHERE
        for value in values_in(arg):
            found |= self.contents.get(value, NOWHERE)
            if arg is not value:
                found |= self.roots.get(value, NOWHERE)
        return found

    def all(self, value: Value) -> Roots:
        """The memory that a value and its entries may be part of."""
        return self.roots.get(value, NOWHERE) | self.contents.get(value, NOWHERE)

    def lasting(self, value: Value, loop: Op) -> Roots:
        """The memory that a value is part of, in the round of a loop under way or in one before."""
        return self.all(value) | self._earlier(loop, self.all(value))

    def meet(self, left: Roots, right: Roots) -> bool:
        """Whether two pieces of memory, each known by its roots, may have a part in common."""
        return not left.isdisjoint(right)

    def foreign(self, roots: Roots) -> bool:
        """Whether memory, known by its roots, may be some that is not the function's own."""
        return OUTSIDE in roots

    def _set(self, value: Value, roots: Roots, contents: Roots) -> bool:
        if self.immutable(value):
            roots = contents = NOWHERE
        known = self.roots.get(value, NOWHERE), self.contents.get(value, NOWHERE)
        if value in self.roots and roots <= known[0] and contents <= known[1]:
            return False  # nothing new
        self.roots[value] = known[0] | roots
        self.contents[value] = known[1] | contents
        return True

    def _follow(self, value: Value, *sources: Arg, of: Op | None = None) -> bool:
        """Let a value be whatever any of its sources is, or was a round ago in the loop `of`."""
        roots, contents = NOWHERE, NOWHERE
        for source in sources:
            # A structure is made afresh here; its parts are its contents.
            roots |= self.of(source) if isinstance(source, Value) else frozenset({value})
            contents |= self.inside(source)
        if of is not None:
            roots, contents = self._earlier(of, roots), self._earlier(of, contents)
        return self._set(value, roots, contents)

    def _earlier(self, op: Op, roots: Roots) -> Roots:
        """The roots as a later round of the loop sees them."""
        if op not in self._inside:
            body = Loop(op).body
            made = [r for o in walk(body) for r in o.results]
            params = [p for b in blocks_in(body) for p in b.params]
            self._inside[op] = {*made, *params}
        inside = self._inside[op]
        return frozenset(Earlier(root) if root in inside else root for root in roots)

    def _pass(self, block: Block) -> None:
        for op in block.ops:
            if op.primitive in LOOPS:
                self._carried(op)
                self._blocks(op)  # also for what has become known of values from outside
                while self._carried(op):  # what a round hands on may be news to the next
                    self._blocks(op)
                continue
            self._blocks(op)
            if op.primitive in BRANCHES:
                for k, result in enumerate(op.results):
                    self._follow(result, *(inner.results[k] for inner in op.blocks))
            else:
                for result in op.results:
                    if not self.immutable(result):
                        self._set(result, *self._made(op))

    def _blocks(self, op: Op) -> None:
        for inner in op.blocks:
            self._pass(inner)

    def _carried(self, op: Op) -> bool:
        """Let what a loop carries follow its start and what its rounds yield, if that is news."""
        loop, news = Loop(op), False
        for k, param in enumerate(loop.carried):
            sources = (loop.inits[k], loop.yields[k])
            news |= self._follow(param, *sources, of=op)
            news |= self._follow(loop.finals[k], *sources)
            if loop.test is not None:
                news |= self._follow(loop.test.params[k], *sources, of=op)
        for stack, entry in zip(loop.stacks, loop.entries, strict=True):
            both = self.of(entry) | self.inside(entry)
            if not isinstance(entry, Value):
                both |= frozenset({stack})  # what is spelled out is made anew in each round
            both |= self._earlier(op, both)
            news |= self._set(stack, frozenset({stack}), both)
        return news

    def _made(self, op: Op) -> tuple[Roots, Roots]:
        own = frozenset({op.result})
        function = op.primitive.function
        outside = frozenset({OUTSIDE})
        if op.primitive is CALL or function in READ_ONLY:
            # Not to be written to, and changed where what it was made of is.
            outside |= self.of(op.args) | self.inside(op.args)
            return outside, outside
        if function in SEPARATE:
            return own, own
        first = op.args[0] if op.args else None
        if function is runtime.gather and isinstance(first, list | dict):
            return own, self.inside(first)
        if function in GATHERING and isinstance(first, Value):
            entries = NOWHERE if first.facts.kind in CONTAINERS else self.of(first)
            return own, self.inside(first) | entries
        if function in UPDATES:
            added = self.of(op.args[-1]) | self.inside(op.args[-1])
            if op.result.facts.kind == "array" or function not in (runtime.append, runtime.setitem):
                added = NOWHERE  # what is written into an array, or added to an entry, is copied
            return own | self.of(first), self.inside(first) | added
        if function is operator.getitem and isinstance(first, Value):
            if first.facts.kind in CONTAINERS:
                if isinstance(op.args[1], slice):  # a list of its own, of the same entries
                    return own, self.inside(first)
                return self.inside(first), self.inside(first)
            if first.facts.kind == "array":
                return own if picks(op.args[1]) else own | self.of(first), NOWHERE
        sources = shared(op)
        if op.result.facts.kind not in CONTAINERS | {"opaque"}:  # an array has no entries
            return own | self.of(sources) | self.inside(sources), NOWHERE
        if function in OPERATORS:  # lists joined or repeated
            return own, own | self.inside(op.args)
        return own | self.of(sources), own | self.of(sources) | self.inside(sources)


class Apart(Memory):
    """Memory in which values that one loop carries are told apart, where no round makes them one.

    Buffers that change places each round are the same two pieces of memory, though each is now the one
    and now the other. What such a value is in the round under way is a root of its own, which stands for
    all that `wide`, the coarser analysis, takes the value to be.
    """

    def __init__(self, function: Function, wide: Memory) -> None:
        self.wide = wide
        self.carriers: dict[Value, tuple[Loop, int]] = {}
        self.pairs: set[frozenset[Value]] = set()
        self.param_of: dict[Value, Value] = {}
        self.roots_by_name: dict[Value, Value] = {}
        for op in walk(function.body):
            if op.primitive in LOOPS:
                self._suppose(Loop(op))
        super().__init__(function)
        while wrong := {pair for pair in self.pairs if not self._holds(*pair)}:
            self.pairs -= wrong
            super().__init__(function)

    def _suppose(self, loop: Loop) -> None:
        """Take values to be apart that the coarser analysis could not tell from each other."""
        arrays = [
            (k, p) for k, p in enumerate(loop.carried) if p.facts.kind in ("array", "unknown")
        ]
        for (k, p), (m, q) in combinations(arrays, 2):
            if not self.wide.all(p).isdisjoint(self.wide.all(q)):
                self.pairs.add(frozenset({p, q}))
                self.carriers[p], self.carriers[q] = (loop, k), (loop, m)
        for param, k in ((p, k) for k, p in arrays if p in self.carriers):
            self.roots_by_name[param] = param
            self.roots_by_name[loop.finals[k]] = loop.finals[k]
            self.param_of[loop.finals[k]] = param
            if loop.test is not None:
                self.roots_by_name[loop.test.params[k]] = param

    def _holds(self, p: Value, q: Value) -> bool:
        """Whether two carried values begin apart, and stay so in a round that finds them so."""
        (loop, k), (_, m) = self.carriers[p], self.carriers[q]
        return not any(
            self.meet(
                self.of(given[k]) | self.inside(given[k]), self.of(given[m]) | self.inside(given[m])
            )
            for given in (loop.inits, loop.yields)
        )

    def _set(self, value: Value, roots: Roots, contents: Roots) -> bool:
        root = self.roots_by_name.get(value)
        if root is None:
            return super()._set(value, roots, contents)
        news = value not in self.roots
        self.roots[value] = frozenset({root})
        self.contents[value] = NOWHERE if value.facts.kind == "array" else frozenset({root})
        return news

    def meet(self, left: Roots, right: Roots) -> bool:
        return any(self._same(a, b) for a in left for b in right)

    def foreign(self, roots: Roots) -> bool:
        return any(OUTSIDE in self._stands_for(root) for root in roots)

    def _same(self, a: Any, b: Any) -> bool:
        if a == b:
            return True
        if (a in self.param_of) == (b in self.param_of):  # both as a round begins, or as all end
            pair = frozenset((self.param_of.get(a, a), self.param_of.get(b, b)))
            if pair in self.pairs:
                return False
        return not self._stands_for(a).isdisjoint(self._stands_for(b))

    def _stands_for(self, root: Any) -> Roots:
        value = root.root if isinstance(root, Earlier) else root
        if value not in self.roots_by_name:
            return frozenset({root})
        found = self.wide.all(value)
        if isinstance(root, Earlier):
            found |= frozenset(Earlier(r) for r in found)
        return found


def fine_memory(function: Function) -> Memory:
    """What is known of a function's memory, as finely as that pays."""
    wide = Memory(function)
    apart = Apart(function, wide)
    return apart if apart.pairs else wide


def blocks_in(block: Block) -> Iterator[Block]:
    """A block and the blocks inside it."""
    yield block
    for op in block.ops:
        for inner in op.blocks:
            yield from blocks_in(inner)


def picks(index: Arg) -> bool:
    """Whether an index surely picks entries out one by one, so that NumPy copies them."""
    if isinstance(index, tuple):
        return any(picks(part) for part in index)
    if isinstance(index, Value):
        return index.facts.kind == "array" and bool(index.facts.ndim)
    return isinstance(index, list) or (isinstance(index, np.ndarray) and index.ndim > 0)


def shared(op: Op) -> tuple[Arg, ...]:
    """The arguments of an op with which its result may share memory."""
    function, args = op.primitive.function, op.args
    if function in OPERATORS or isinstance(function, np.ufunc):
        return ()
    module = (getattr(function, "__module__", None) or "").partition(".")[0]
    name = getattr(function, "__name__", "")
    if module in ("numpy", "scipy"):
        if function is np.einsum:
            return args[1:] if len(args) == 2 else ()  # of one operand it may be a view
        shares = name in NUMPY_VIEWS or isinstance(function, type)
        return args if shares or op.kwargs.get("copy", True) is not True else ()
    if function in RUNTIME_VIEWS:
        return args[:1]
    if function is runtime.instance:
        return args[1:]
    if getattr(runtime, name, None) is function:
        return ()
    if function in (builtins.float, builtins.int, builtins.len, builtins.round):
        return ()
    return (*args, *op.kwargs.values())
