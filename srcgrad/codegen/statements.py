"""Writes one op as one statement: assignments, in-place updates, headed by the line they reverse."""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .. import runtime
from ..ir.build import facts_of_arg
from ..ir.graph import (
    CALL,
    LOOPS,
    UNDEFINED,
    Arg,
    Block,
    Function,
    Loop,
    Op,
    Value,
    values_in,
    walk,
)
from ..ir.types import CONTAINERS
from .inplace import InPlace
from .names import Names, Shared
from .nests import ARRAYS, augments, drops_last
from .operations import BINARY, Expressions, References, load, subscript
from .plan import Plan
from .unparse import Comment

AUGMENTED = (operator.add, operator.sub, operator.mul, operator.truediv)


class Statements:
    """The statements of one function, and what has been decided about its values."""

    def __init__(self, function: Function, references: References, shared: Shared) -> None:
        self.function = function
        self.shared = shared
        self.plan = Plan(function)
        self.names = Names(
            self.plan, shared.outside, reserved_names(function) | set(shared.called.values())
        )
        self.inplace = InPlace(self.plan, self.names)
        self.expressions = Expressions(self.value, references)
        self.statements: list[ast.stmt] = []
        self.heading: object = None
        self.forgotten: set[str] = set()  # names of arrays that the code has let go of

    # -- expressions ------------------------------------------------------------------------

    def value(self, value: Value) -> ast.expr:
        if value in self.plan.folded:
            op = self.plan.definition[value]
            return self.expressions.op(op)
        if value in self.plan.popping:
            name = load(self.names[self.plan.popping[value].value])
            return ast.Call(ast.Attribute(name, "pop", ast.Load()), [], [])
        if value in self.plan.taped:
            return load(self.names[self.plan.taped[value].value])
        return load(self.names[value])

    def arg(self, arg: Arg) -> ast.expr:
        return self.expressions.arg(arg)

    def target(self, value: Value) -> ast.Name:
        return ast.Name(self.names[value], ast.Store())

    def bound(self, value: Value) -> ast.expr:
        """What stands left of `=`: a name, or the names of a tuple's entries."""
        parts = self.plan.parts.get(value)
        if parts is None:
            return self.target(value)
        names: list[ast.expr] = [
            ast.Name(self.names.unread, ast.Store()) if p is None else self.bound(p) for p in parts
        ]
        return ast.Tuple(names, ast.Store())

    # -- statements -------------------------------------------------------------------------

    def put(self, statement: ast.stmt, op: Op | None = None) -> None:
        if op is not None:
            self.comment(op)
        self.statements.append(statement)

    def comment(self, op: Op) -> None:
        """Head what reverses a line by that line."""
        where = op.location if op.adjoint else None
        heading = None if where is None else (where.file, where.function, where.statement_line)
        if heading == self.heading:
            return
        self.heading = heading
        if where is not None and where.statement:
            inside = "" if where.function == self._own_name() else f"{where.function}, "
            self.statements.append(
                Comment(f"{inside}line {where.statement_line}: {where.statement}")
            )

    def _own_name(self) -> str:
        return self.function.location.function if self.function.location else ""

    def hand_over(self, pairs: Iterable[tuple[Value, Arg]]) -> None:
        """Give values their names, as if all at once."""
        pending: list[tuple[str, ast.expr, set[str]]] = []
        for target, source in pairs:
            if target not in self.names.names or not self.wanted(target):
                continue
            name = self.names[target]
            if source is UNDEFINED and not self.needs_none(target):
                continue
            expression = self.arg(source)
            if isinstance(expression, ast.Name) and expression.id == name:
                continue
            pending.append((name, expression, self.names_read(source)))
        ordered: list[tuple[str, ast.expr, set[str]]] = []
        while pending:
            free = next(
                (p for p in pending if not any(p[0] in q[2] for q in pending if q is not p)), None
            )
            if free is None:
                break
            pending.remove(free)
            ordered.append(free)
        for name, expression, _ in ordered:
            self.put(assign(name, expression))
        if pending:
            names: list[ast.expr] = [ast.Name(n, ast.Store()) for n, _, _ in pending]
            values = [e for _, e, _ in pending]
            self.put(
                ast.Assign([ast.Tuple(names, ast.Store())], ast.Tuple(values, ast.Load()), lineno=0)
            )

    def names_read(self, arg: Arg) -> set[str]:
        return {self.names[v] for v in self.names.liveness.expand(arg)}

    def wanted(self, value: Value) -> bool:
        return bool(self.plan.uses.get(value)) or value not in self.plan.definition

    def needs_none(self, value: Value) -> bool:
        """Whether a name must exist even where nothing was bound to it.

        A value that one branch alone makes is read under the same condition only, unless it is kept:
        on a tape, in what a forward program saves, or in a state of a checkpointed loop.
        """
        block = self.plan.home.get(value)
        if block is not None and value in block.params[1:] and self._is_loop_body(block):
            loop = Loop(self.plan.enclosing[block][0])
            if self.needs_none(loop.finals[loop.carried.index(value)]):
                return True
        for op, block in self.plan.readers.get(value, ()):
            if op is not None and op.primitive in (*LOOPS, CALL):
                return True
            if op is not None and op.primitive.function is runtime.zeros_like:
                return True  # of None, it gives 0.0
            if op is not None and op.attrs.get("state"):
                return True
            if op is None and (block is self.function.body or self._is_loop_body(block)):
                return True
            if op is None:
                owner = self.plan.enclosing[block][0]
                for target, source in zip(owner.results, block.results, strict=True):
                    if value in values_in(source) and self._hands_over(value, source, target):
                        return True
        return False

    def _hands_over(self, value: Value, source: Arg, target: Value) -> bool:
        """Whether the end of a branch reads a name, be it bound or not, or leads to such a read."""
        if not self.wanted(target):
            return False
        names = self.names.names
        renamed = source is not value or names.get(target) != names.get(value)
        return renamed or self.needs_none(target)

    def _is_loop_body(self, block: Block) -> bool:
        return block in self.plan.enclosing and self.plan.enclosing[block][0].primitive in LOOPS

    # -- ops --------------------------------------------------------------------------------

    def unpacked(self, ops: Sequence[Op]) -> int:
        """Write `a, b = pair` if these ops begin by taking a tuple apart; how many ops that took."""
        source = ops[0].args[0] if ops[0].primitive.function is operator.getitem else None
        if not isinstance(source, Value) or source.facts.kind != "tuple":
            return 0
        size = len(source.facts.items or ())
        entries = ops[:size]
        whole = (
            size > 0
            and len(entries) == size
            and all(
                op.primitive.function is operator.getitem
                and op.args[0] is source
                and op.args[1] == k
                and all(v in self.names.names for v in self.plan.bound(op.result))
                and op.result not in self.plan.in_header
                and op.result not in self.plan.folded
                for k, op in enumerate(entries)
            )
        )
        if not whole:
            return 0
        targets: list[ast.expr] = [self.bound(op.result) for op in entries]
        goal = ast.Tuple(targets, ast.Store())
        self.put(ast.Assign([goal], self.value(source), lineno=0), ops[0])
        return size

    def effect(self, op: Op) -> ast.stmt:
        if op.primitive.name == "assert_":
            message = self.arg(op.args[1]) if len(op.args) > 1 and op.args[1] is not None else None
            return ast.Assert(self.arg(op.args[0]), message)
        if op.primitive.name == "raise_":
            return ast.Raise(self.arg(op.args[0]), None)
        return ast.Expr(self.expressions.op(op))

    def assignment(self, op: Op) -> ast.stmt:
        if op.result in self.plan.parts:
            return ast.Assign([self.bound(op.result)], self.expressions.op(op), lineno=0)
        name = self.names[op.result]
        function = op.primitive.function
        if self.plan.target(op) is not None:
            return self.update(op)
        if drops_last(op) and self.inplace.drop_allowed(op):
            method = ast.Attribute(load(name), "pop", ast.Load())
            return ast.Expr(ast.Call(method, [], []))
        if function in AUGMENTED and augments(op) and self.inplace.add_allowed(op):
            return ast.AugAssign(
                ast.Name(name, ast.Store()), BINARY[function](), self.arg(op.args[1])
            )
        return assign(name, self.expressions.op(op))

    def update(self, op: Op) -> ast.stmt:
        """An update, in place if that is allowed, in the part of its target that a nest leads to."""
        nest = self.plan.nests.of.get(op)
        leaf = op if nest is None else nest.update
        name = self.names[op.result]
        adds = leaf.primitive.function is runtime.index_add
        if not self.inplace.allowed(op) or (adds and not self._plain_entries(leaf)):
            return assign(name, self.expressions.op(op))
        target = self.plan.target(op)
        if self.names[target] != name:
            self.put(assign(name, load(self.names[target])), op)
        place: ast.expr = load(name)
        for look in () if nest is None else nest.path:
            if look.primitive.function is np.transpose:
                place = ast.Attribute(place, "T", ast.Load())
            else:
                place = subscript(place, self.expressions.index(look.args[1]))
        if adds:
            return self.index_add(leaf, place)
        if leaf.primitive.function is runtime.append:
            method = ast.Attribute(place, "append", ast.Load())
            return ast.Expr(ast.Call(method, [self.arg(leaf.args[1])], []))
        return self.setitem(leaf, place)

    def setitem(self, op: Op, place: ast.expr) -> ast.stmt:
        """`place[index] = value`, or `place[index] += w` where it is."""
        entry = subscript(place, self.expressions.index(op.args[1]))
        entry.ctx = ast.Store()
        if op in self.plan.augmented and op.args[2] in self.plan.folded:
            made = self.plan.definition[op.args[2]]
            return ast.AugAssign(entry, BINARY[made.primitive.function](), self.arg(made.args[1]))
        written = self.written_out(op, place)
        return written or ast.Assign([entry], self.arg(op.args[2]), lineno=0)

    def written_out(self, op: Op, place: ast.expr) -> ast.stmt | None:
        """`np.matmul(a, b, out=place)`, where a whole array of the caller's gets what a ufunc gives."""
        value = op.args[2]
        if op.args[1] is not Ellipsis or not self.inplace.memory.donated(op.args[0]):
            return None
        if not isinstance(value, Value) or value not in self.plan.folded:
            return None
        made = self.plan.definition[value]
        ufunc = WRITES_OUT.get(made.primitive.function)
        facts, given = op.args[0].facts, [facts_of_arg(a) for a in made.args]
        alike = value.facts.same_shape(facts) and value.facts.dtype == facts.dtype
        if ufunc is None or not alike or not any(f.kind == "array" for f in given):
            return None
        named = [ast.keyword(k, self.arg(v)) for k, v in made.kwargs.items()]
        call = ast.Call(
            self.expressions.references.of(ufunc),
            [self.arg(a) for a in made.args],
            [*named, ast.keyword("out", place)],
        )
        return ast.Expr(call)

    def index_add(self, op: Op, target: ast.expr) -> ast.stmt:
        """`target[index] += value`, which counts an entry as often as it is named."""
        index, value = op.args[1:]
        if op.args[0].facts.kind in ARRAYS and may_repeat(index):
            call = ast.Call(
                ast.Attribute(self.expressions.references.of(np.add), "at", ast.Load()),
                [target, self.arg(index), self.arg(value)],
                [],
            )
            return ast.Expr(call)
        place = subscript(target, self.expressions.index(index))
        place.ctx = ast.Store()
        sign: ast.operator = ast.Add()
        if isinstance(value, Value) and value in self.plan.folded:
            made = self.plan.definition[value]
            if made.primitive.function is operator.neg:
                sign, value = ast.Sub(), made.args[0]
        return ast.AugAssign(place, sign, self.arg(value))

    def _plain_entries(self, op: Op) -> bool:
        """Whether the entries are numbers or arrays, for which `+=` adds."""
        facts, given = op.args[0].facts, op.args[2]
        if facts.kind == "list" and isinstance(op.args[1], slice):
            return False  # `+=` extends a part of a list
        if facts.kind in ARRAYS:
            return True
        if facts.kind not in ("list", "dict") or not isinstance(given, Value):
            return False
        return given.facts.is_numeric and given.facts.kind not in CONTAINERS


# What computes into an array that it is given.
WRITES_OUT: dict[Any, Any] = {
    operator.add: np.add, operator.sub: np.subtract, operator.mul: np.multiply,
    operator.truediv: np.divide, operator.neg: np.negative, operator.pow: np.power,
    operator.matmul: np.matmul,
    **{f: f for f in (np.outer, np.dot, np.exp, np.sin, np.cos, np.tanh, np.sqrt, np.square)},
    np.sum: np.sum, np.mean: np.mean,
}  # fmt: skip


def assign(name: str, value: ast.expr) -> ast.Assign:
    """`name = value`."""
    return ast.Assign([ast.Name(name, ast.Store())], value, lineno=0)


def may_repeat(index: Arg) -> bool:
    """Whether an index may name one entry twice, which `+=` would count once."""
    if isinstance(index, tuple):
        return any(may_repeat(i) for i in index)
    if isinstance(index, Value):
        facts = index.facts
        return not (facts.kind in ("int", "bool", "str") or facts.dtype == "bool")
    return isinstance(index, list | np.ndarray)


def reserved_names(function: Function) -> set[str]:
    """The names by which generated code calls functions, which no value may take."""
    names = {*runtime.__all__}
    for op in walk(function.body):
        called_function = op.primitive.function
        module = str(getattr(called_function, "__module__", None))
        if module.partition(".")[0] not in ("numpy", "builtins", "math", "_operator"):
            names.add(str(getattr(called_function, "__name__", "")))
    return names
