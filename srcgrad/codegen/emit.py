"""Writes a graph as Python statements: blocks, assignments, in-place updates, comments."""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .. import runtime
from ..ir.graph import (
    CALL,
    IF,
    LOOPS,
    UNDEFINED,
    WITH,
    Arg,
    Block,
    Function,
    Loop,
    Op,
    Parameter,
    Value,
    values_in,
    walk,
)
from ..ir.types import CONTAINERS
from .inplace import InPlace
from .names import Names
from .operations import BINARY, Expressions, References, load, subscript
from .plan import Header, Plan
from .unparse import Comment

AUGMENTED = (operator.add, operator.sub, operator.mul, operator.truediv)


class Emitter:
    """Emits one function. `references` is shared by the functions of one module."""

    def __init__(self, function: Function, references: References) -> None:
        self.function = function
        self.plan = Plan(function)
        self.names = Names(self.plan, reserved_names(function))
        self.inplace = InPlace(self.plan, self.names)
        self.expressions = Expressions(self.value, references)
        self.statements: list[ast.stmt] = []
        self.heading: object = None

    # -- expressions ------------------------------------------------------------------------

    def value(self, value: Value) -> ast.expr:
        if value in self.plan.folded:
            op = self.plan.definition[value]
            return self.expressions.op(op)
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
            ast.Name("_", ast.Store()) if p is None else self.bound(p) for p in parts
        ]
        return ast.Tuple(names, ast.Store())

    # -- the function -----------------------------------------------------------------------

    def definition(self) -> ast.FunctionDef:
        """The whole function as a statement."""
        body = self.function.body
        if self.function.doc:
            self.put(ast.Expr(ast.Constant(self.function.doc)))
        self.block(body)
        self.put(ast.Return(self.arg(self.function.result)))
        return ast.FunctionDef(
            name=self.function.name,
            args=signature(self.function.signature, self.expressions),
            body=self.statements,
            decorator_list=[],
            returns=None,
        )

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

    def inside(self, block: Block, targets: Sequence[Value]) -> list[ast.stmt]:
        """The statements of an inner block, which end by giving its results to `targets`."""
        outer, self.statements = self.statements, []
        heading = self.heading
        self.block(block)
        self.hand_over(list(zip(targets, block.results, strict=False)))
        made, self.statements = self.statements, outer
        self.heading = heading
        return made

    def block(self, block: Block) -> None:
        appends = self.plan.appends.get(block)
        done = 0
        for position in range(len(block.ops) + 1):
            if appends is not None and appends.position == position:
                self.append(self.names[appends.tape.value], appends.entries)
            if done <= position < len(block.ops):
                done = position + self.unpacked(block.ops[position:])
                if done == position:
                    self.op(block.ops[position])

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
        on a tape, or in what a forward program saves.
        """
        for op, block in self.plan.readers.get(value, ()):
            if op is not None and op.primitive in (*LOOPS, CALL):
                return True
            if op is None and (block is self.function.body or self._is_loop_body(block)):
                return True
            if op is None:
                owner = self.plan.enclosing[block][0]
                k = [i for i, r in enumerate(block.results) if value in values_in(r)]
                if any(self.needs_none(owner.results[i]) for i in k):
                    return True
        return False

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

    def op(self, op: Op) -> None:
        if op.results and op.primitive not in LOOPS:
            if all(r in self.plan.folded or r in self.plan.in_header for r in op.results):
                return
        if op.primitive is IF:
            self.branch(op)
        elif op.primitive is WITH:
            body = self.inside(op.blocks[0], op.results)
            if body:
                item = ast.withitem(self.arg(op.args[0]), None)
                self.put(ast.With([item], body, lineno=0), op)
        elif op.primitive in LOOPS:
            self.loop(Loop(op))
        elif op.primitive is CALL:
            call = ast.Call(load(op.attrs["callee"]), [self.arg(a) for a in op.args], [])
            self.put(ast.Assign([self.bound(op.result)], call, lineno=0), op)
        elif op.primitive.effect and not self.plan.uses.get(op.result):
            self.put(self.effect(op), op)
        else:
            self.put(self.assignment(op), op)

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
        if function is runtime.index_add:
            return self.index_add(op)
        if function is runtime.append and self.inplace.allowed(op):
            method = ast.Attribute(load(name), "append", ast.Load())
            return ast.Expr(ast.Call(method, [self.arg(op.args[1])], []))
        augment = op.adjoint or (
            op.location is not None
            and "= " in op.location.statement
            and _is_augmented(op.location.statement)
        )
        if function in AUGMENTED and augment and self.inplace.add_allowed(op):
            return ast.AugAssign(
                ast.Name(name, ast.Store()), BINARY[function](), self.arg(op.args[1])
            )
        return assign(name, self.expressions.op(op))

    def index_add(self, op: Op) -> ast.stmt:
        index, value = op.args[1:]
        name = self.names[op.result]
        if not self.inplace.allowed(op) or not self._plain_entries(op):
            return assign(name, self.expressions.op(op))
        place = subscript(load(name), self.expressions.index(index))
        if may_repeat(index):
            call = ast.Call(
                ast.Attribute(self.expressions.references.of(np.add), "at", ast.Load()),
                [load(name), self.arg(index), self.arg(value)],
                [],
            )
            return ast.Expr(call)
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
        if facts.kind == "array":
            return True
        if facts.kind not in ("list", "dict") or not isinstance(given, Value):
            return False
        return given.facts.is_numeric and given.facts.kind not in CONTAINERS

    # -- branches ---------------------------------------------------------------------------

    def branch(self, op: Op) -> None:
        then, orelse = op.blocks
        used = [k for k, r in enumerate(op.results) if self.wanted(r)]
        self.comment(op)
        if len(used) == 1 and self._is_expression(then) and self._is_expression(orelse):
            k = used[0]
            expression = self._conditional(op, then.results[k], orelse.results[k])
            if expression is not None:
                self.put(assign(self.names[op.results[k]], expression))
                return
        body = self.inside(then, op.results)
        other = self.inside(orelse, op.results)
        self.put_if(self.arg(op.args[0]), body, other)

    def put_if(self, test: ast.expr, body: list[ast.stmt], other: list[ast.stmt]) -> None:
        if not body and not other:
            return
        if not _real(body) and _real(other):
            test, body, other = ast.UnaryOp(ast.Not(), test), other, []
        self.put(ast.If(test, body, other))

    def _is_expression(self, block: Block) -> bool:
        return all(op.results and op.result in self.plan.folded for op in block.ops)

    def _conditional(self, op: Op, yes: Arg, no: Arg) -> ast.expr | None:
        if yes is UNDEFINED or no is UNDEFINED:
            return None
        condition = op.args[0]
        if isinstance(condition, Value):
            if no is condition:
                return ast.BoolOp(ast.And(), [self.arg(condition), self.arg(yes)])
            if yes is condition:
                return ast.BoolOp(ast.Or(), [self.arg(condition), self.arg(no)])
        if op.adjoint and self._same_name(op, yes, no):
            return None
        test, body, other = self.arg(condition), self.arg(yes), self.arg(no)
        return ast.IfExp(test, body, other)

    def _same_name(self, op: Op, yes: Arg, no: Arg) -> bool:
        names = {self.names[r] for r in op.results if r in self.names.names}
        return any(isinstance(a, Value) and self.names.names.get(a) in names for a in (yes, no))

    # -- loops ------------------------------------------------------------------------------

    def loop(self, loop: Loop) -> None:
        op = loop.op
        self.comment(op)
        self.hand_over(zip(loop.carried, loop.inits, strict=True))
        tape = self.plan.tapes.get(op)
        lists = [
            (stack, entry)
            for stack, entry in zip(loop.stacks, loop.entries, strict=True)
            if self.wanted(stack) and stack not in self.plan.taped
        ]
        if tape is not None:
            self.put(assign(self.names[tape.value], ast.List([], ast.Load())))
        for stack, _ in lists:
            self.put(assign(self.names[stack], ast.List([], ast.Load())))
        header = self.plan.headers[op]
        outer, self.statements = self.statements, []
        heading = self.heading
        self.pop(header)
        test = self.test(loop)
        self.block(loop.body)
        for stack, entry in lists:
            self.append(self.names[stack], [entry])
        stop = self.stop_flag(loop)
        self.hand_over(zip(loop.carried, loop.yields, strict=True))
        if stop is not None:
            self.put(ast.If(stop, [ast.Break()], []))
        body, self.statements = self.statements or [ast.Pass()], outer
        self.heading = heading
        comprehension = self.comprehension(loop, header, lists, body)
        if comprehension is not None:
            self.statements.pop()  # the empty list
            self.put(comprehension)
            return
        self.put(self.header(loop, header, test, body))
        for stack, _ in lists:
            if loop.reverse:
                reverse = ast.Attribute(load(self.names[stack]), "reverse", ast.Load())
                self.put(ast.Expr(ast.Call(reverse, [], [])))
        self.hand_over(zip(loop.finals, loop.carried, strict=True))

    def comprehension(
        self,
        loop: Loop,
        header: Header,
        lists: Sequence[tuple[Value, Arg]],
        body: Sequence[ast.stmt],
    ) -> ast.stmt | None:
        """A loop that does nothing but make one list, as a list comprehension."""
        if len(lists) != 1 or len(body) != 1 or loop.count is None or loop.reverse or loop.stops:
            return None
        stack, entry = lists[0]
        if not (isinstance(body[0], ast.Expr) and self.statements):
            return None
        made = self.header(loop, header, None, list(body))
        assert isinstance(made, ast.For)
        round_ = ast.comprehension(made.target, made.iter, [], 0)
        return assign(self.names[stack], ast.ListComp(self.arg(entry), [round_]))

    def stop_flag(self, loop: Loop) -> ast.expr | None:
        """The condition that ends the loop, read before the carried values are renewed."""
        if not loop.stops or loop.stop is False:
            return None
        flag = self.arg(loop.stop)
        renewed = {
            self.names[p]
            for p, y in zip(loop.carried, loop.yields, strict=True)
            if p in self.names.names
            and not (isinstance(y, Value) and self.names.names.get(y) == self.names[p])
        }
        if self.names_read(loop.stop) & renewed:
            self.put(assign("stop", flag))
            return load("stop")
        return flag

    def append(self, name: str, entries: Sequence[Arg]) -> None:
        values = [self.arg(e) for e in entries]
        entry = values[0] if len(values) == 1 else ast.Tuple(values, ast.Load())
        method = ast.Attribute(load(name), "append", ast.Load())
        self.put(ast.Expr(ast.Call(method, [entry], [])))

    def pop(self, header: Header) -> None:
        if header.tape is None or not header.pops:
            return
        targets: list[ast.expr] = [self.target(v) for v in header.pops]
        method = ast.Attribute(load(self.names[header.tape.value]), "pop", ast.Load())
        call = ast.Call(method, [], [])
        goal = targets[0] if len(targets) == 1 else ast.Tuple(targets, ast.Store())
        self.put(ast.Assign([goal], call, lineno=0))

    def test(self, loop: Loop) -> ast.expr | None:
        """The condition of a `while`; where it needs statements, they open the body with a break."""
        if loop.test is None:
            return None
        if self._is_expression(loop.test):
            return self.arg(loop.test.results[0])
        self.block(loop.test)
        flag = self.arg(loop.test.results[0])
        self.put(ast.If(ast.UnaryOp(ast.Not(), flag), [ast.Break()], []))
        return ast.Constant(True)

    def header(
        self, loop: Loop, header: Header, test: ast.expr | None, body: list[ast.stmt]
    ) -> ast.stmt:
        if loop.count is None:
            assert test is not None
            return ast.While(test, body, [])
        if header.tape is not None and not header.sequences and not header.index_used:
            return ast.While(load(self.names[header.tape.value]), body, [])
        sequences = [self.arg(s) for s, _ in header.sequences]
        targets: list[ast.expr] = [self.bound(e) for _, e in header.sequences]
        if not sequences:
            sequences = [call("range", self.arg(loop.count))]
            targets = [self.target(loop.index) if header.index_used else ast.Name("_", ast.Store())]
        elif not any(self.plan.uses.get(e) for _, e in header.sequences):
            targets = [ast.Name("_", ast.Store()) for _ in targets]
        if loop.reverse:
            sequences = [call("reversed", s) for s in sequences]
        over = sequences[0] if len(sequences) == 1 else call("zip", *sequences)
        goal = targets[0] if len(targets) == 1 else ast.Tuple(targets, ast.Store())
        if header.index_used and header.sequences:
            over = call("enumerate", over)
            goal = ast.Tuple([self.target(loop.index), goal], ast.Store())
        return ast.For(goal, over, body, [], lineno=0)


def _is_augmented(statement: str) -> bool:
    return any(f" {sign}= " in statement for sign in "+-*/")


def _real(body: Sequence[ast.stmt]) -> bool:
    return any(not isinstance(s, Comment) for s in body)


def assign(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value, lineno=0)


def call(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(load(name), list(args), [])


def may_repeat(index: Arg) -> bool:
    """Whether an index may name one entry twice, which `+=` would count once."""
    if isinstance(index, tuple):
        return any(may_repeat(i) for i in index)
    if isinstance(index, Value):
        facts = index.facts
        return not (facts.kind in ("int", "bool", "str") or facts.dtype == "bool")
    return isinstance(index, list | np.ndarray)


def signature(parameters: Sequence[Parameter], expressions: Expressions) -> ast.arguments:
    """The parameters as the user's function has them."""
    made = ast.arguments(
        posonlyargs=[], args=[], vararg=None, kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[]
    )
    for parameter in parameters:
        arg = ast.arg(parameter.name, None)
        default = expressions.constant(parameter.default) if parameter.has_default else None
        if parameter.kind == "VAR_POSITIONAL":
            made.vararg = arg
        elif parameter.kind == "VAR_KEYWORD":
            made.kwarg = arg
        elif parameter.kind == "KEYWORD_ONLY":
            made.kwonlyargs.append(arg)
            made.kw_defaults.append(default)
        else:
            group = made.posonlyargs if parameter.kind == "POSITIONAL_ONLY" else made.args
            group.append(arg)
            if default is not None:
                made.defaults.append(default)
    return made


def reserved_names(function: Function) -> set[str]:
    """The names by which generated code calls functions, which no value may take."""
    names = {*runtime.__all__, *function.callees, "stop"}
    for op in walk(function.body):
        called_function = op.primitive.function
        module = str(getattr(called_function, "__module__", None))
        if module.partition(".")[0] not in ("numpy", "builtins", "math", "_operator"):
            names.add(str(getattr(called_function, "__name__", "")))
    return names


def functions_of(function: Function) -> list[Function]:
    """The function's callees that it reaches, then the function: the order of their definitions."""
    reached: dict[str, Function] = {}

    def visit(f: Function) -> None:
        for name in called(f.body):
            if name not in reached:
                reached[name] = function.callees[name]
                visit(function.callees[name])

    visit(function)
    return [f for f in reached.values() if f is not function] + [function]


def called(block: Block) -> list[str]:
    """The names that a block's `call` ops call."""
    names: list[str] = []
    for op in block.ops:
        if op.primitive is CALL:
            names.append(op.attrs["callee"])
        for inner in op.blocks:
            names += called(inner)
    return names


__all__: list[Any] = ["Emitter", "functions_of"]
