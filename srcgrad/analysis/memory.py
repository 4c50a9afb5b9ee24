"""Memory: which values may share it with which."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import runtime
from ..ir.graph import CALL, IF, LOOPS, WITH, Arg, Block, Function, Loop, Op, Value, values_in, walk
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
    operator.pow, operator.matmul, operator.neg, abs,
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
SEPARATE = (runtime.zeros_like, runtime.add, runtime.copied)
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
        for value in (*function.params, *(c.value for c in function.captures)):
            own = frozenset({value if value in function.donated else OUTSIDE})
            self._set(value, own, own)
        self._pass(function.body)

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
            if op.primitive in (IF, WITH):
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
            both |= self._earlier(op, both)
            news |= self._set(stack, frozenset({stack}), both)
        return news

    def _made(self, op: Op) -> tuple[Roots, Roots]:
        own = frozenset({op.result})
        function = op.primitive.function
        outside = frozenset({OUTSIDE})
        if op.primitive is CALL or function in READ_ONLY:
            return outside, outside
        if function in SEPARATE:
            return own, own
        first = op.args[0] if op.args else None
        if function in UPDATES:
            added = self.of(op.args[-1]) | self.inside(op.args[-1])
            if op.result.facts.kind == "array" or function not in (runtime.append, runtime.setitem):
                added = NOWHERE  # what is written into an array, or added to an entry, is copied
            return own | self.of(first), self.inside(first) | added
        if function is operator.getitem and isinstance(first, Value):
            if first.facts.kind in CONTAINERS:
                return self.inside(first), self.inside(first)
            if first.facts.kind == "array":
                return own | self.of(first), NOWHERE
        sources = shared(op)
        if op.result.facts.kind not in CONTAINERS | {"opaque"}:  # an array has no entries
            return own | self.of(sources) | self.inside(sources), NOWHERE
        if function in OPERATORS:  # lists joined or repeated
            return own, own | self.inside(op.args)
        return own | self.of(sources), own | self.of(sources) | self.inside(sources)


def blocks_in(block: Block) -> Iterator[Block]:
    """A block and the blocks inside it."""
    yield block
    for op in block.ops:
        for inner in op.blocks:
            yield from blocks_in(inner)


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
