"""Writes a graph as Python statements: blocks, assignments, in-place updates, comments."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Sequence
from typing import Any

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
)
from ..ir.rewrite import has_effect
from .operations import Expressions, load
from .statements import Statements, assign
from .tapes import Header
from .unparse import Comment


class Emitter(Statements):
    """Emits one function. `references` and `shared` are those of the module."""

    def definition(self, name: str) -> ast.FunctionDef:
        """The whole function as a statement, under this name."""
        body = self.function.body
        if self.function.doc:
            self.put(ast.Expr(ast.Constant(self.function.doc)))
        self.block(body)
        self.put(ast.Return(self.arg(self.function.result)))
        return ast.FunctionDef(
            name=name,
            args=signature(self.function.signature, self.expressions),
            body=self.statements,
            decorator_list=[],
            returns=None,
        )

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
            if appends is not None and appends.entries and appends.position == position:
                self.append(self.names[appends.tape.value], appends.entries)
            if done <= position < len(block.ops):
                done = position + self.unpacked(block.ops[position:])
                if done == position:
                    self.op(block.ops[position])

    # -- ops --------------------------------------------------------------------------------

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
            self.forget(op)
            self.loop(Loop(op))
        elif op.primitive is CALL:
            callee = load(self.shared.called[op.attrs["callee"]])
            call = ast.Call(callee, [self.arg(a) for a in op.args], [])
            self.put(ast.Assign([self.bound(op.result)], call, lineno=0), op)
        elif has_effect(op) and not self.plan.uses.get(op.result):
            self.put(self.effect(op), op)
        else:
            self.put(self.assignment(op), op)

    def forget(self, loop: Op) -> None:
        """Let go of arrays of the function's own that nobody reads again, before a backward sweep.

        Where a loop keeps no tape they would be what its memory is spent on.
        """
        body = self.function.body
        if not loop.adjoint or self.plan.headers[loop].tape is not None or loop not in body.ops:
            return
        names, memory = self.names, self.plan.memory
        live = {names.names[v] for v in names.liveness.before[loop] if v in names.names}
        held = [v for v in names.liveness.before[loop] if v in names.names]
        earlier = [op for op in body.ops[: body.ops.index(loop)] if op.primitive in LOOPS]
        done = [r for op in earlier for r in op.results]
        gone: dict[str, None] = {}
        for value in done:
            name = names.names.get(value)
            if name is None or name in live or name in self.forgotten or not value.facts.ndim:
                continue
            roots = memory.all(value)
            if value.facts.kind != "array" or memory.foreign(roots):
                continue
            if self.wanted(value) and not any(memory.meet(memory.all(v), roots) for v in held):
                gone[name] = None
                self.forgotten.add(name)
        if gone:
            targets: list[ast.expr] = [ast.Name(name, ast.Del()) for name in gone]
            self.put(ast.Delete(targets))

    # -- branches ---------------------------------------------------------------------------

    def branch(self, op: Op) -> None:
        then, orelse = op.blocks
        used = [k for k, r in enumerate(op.results) if self.wanted(r)]
        self.comment(op)
        if len(used) == 1 and self._is_expression(then) and self._is_expression(orelse):
            k = used[0]
            sides = [then.results[k], orelse.results[k]]
            if UNDEFINED in sides and self.needs_none(op.results[k]):
                sides = [None if side is UNDEFINED else side for side in sides]
            expression = self._conditional(op, *sides)
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
        if tape is not None and not tape.shared:
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
            self.break_if(stop)
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
            self.put(assign(self.names.flag, flag))
            return load(self.names.flag)
        return flag

    def break_if(self, stop: ast.expr) -> None:
        """End the loop where `stop` is true: in the branch just written, if that is its condition."""
        last = self.statements[-1] if self.statements else None
        same = isinstance(last, ast.If) and ast.dump(last.test) == ast.dump(stop)
        if isinstance(last, ast.If) and same and isinstance(stop, ast.Name):
            if not any(_assigns(inner, stop.id) for inner in last.body):
                last.body.append(ast.Break())
                # What the other side does need not be nested any more.
                other, last.orelse = last.orelse, []
                self.statements += other
                return
        self.put(ast.If(stop, [ast.Break()], []))

    def append(self, name: str, entries: Sequence[Arg]) -> None:
        values = [self.arg(e) for e in entries]
        entry = values[0] if len(values) == 1 else ast.Tuple(values, ast.Load())
        method = ast.Attribute(load(name), "append", ast.Load())
        self.put(ast.Expr(ast.Call(method, [entry], [])))

    def pop(self, header: Header) -> None:
        if header.tape is None or not header.pops or header.pops[0] in self.plan.popping:
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
            if not header.index_used:
                return ast.While(test, body, [])
            if not (isinstance(test, ast.Constant) and test.value is True):
                body = [ast.If(ast.UnaryOp(ast.Not(), test), [ast.Break()], []), *body]
            return ast.For(
                self.target(loop.index), self.builtin(itertools.count), body, [], lineno=0
            )
        empties = header.tape is not None and header.tape.stacks and not header.tape.shared
        if empties and header.tape and not header.sequences and not header.index_used:
            return ast.While(load(self.names[header.tape.value]), body, [])
        unread = ast.Name(self.names.unread, ast.Store())
        sequences = [self.arg(s) for s, _ in header.sequences]
        targets: list[ast.expr] = [self.bound(e) for _, e in header.sequences]
        if not sequences:
            sequences = [self.counted(loop, header)]
            targets = [self.target(loop.index) if header.index_used else unread]
        elif not any(self.plan.uses.get(e) for _, e in header.sequences):
            targets = [unread for _ in targets]
        if loop.reverse:
            sequences = [self.builtin(reversed, s) for s in sequences]
        over = sequences[0] if len(sequences) == 1 else self.builtin(zip, *sequences)
        goal = targets[0] if len(targets) == 1 else ast.Tuple(targets, ast.Store())
        if header.index_used and header.sequences:
            over = self.builtin(enumerate, over)
            goal = ast.Tuple([self.target(loop.index), goal], ast.Store())
        return ast.For(goal, over, body, [], lineno=0)

    def counted(self, loop: Loop, header: Header) -> ast.expr:
        """What a loop runs over that only counts its rounds."""
        op = self.plan.definition.get(loop.count) if isinstance(loop.count, Value) else None
        folded = loop.count in self.plan.folded  # a count with a name may outlive what it counts
        if op is not None and op.primitive.function is len and folded and not header.index_used:
            over = self.plan.definition.get(op.args[0])
            if over is not None and over.primitive.function is range:
                return self.arg(op.args[0])
        return self.builtin(range, self.arg(loop.count))

    def builtin(self, function: Any, *args: ast.expr) -> ast.Call:
        return ast.Call(self.expressions.references.of(function), list(args), [])


def _assigns(statement: ast.stmt, name: str) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
        for node in ast.walk(statement)
    )


def _real(body: Sequence[ast.stmt]) -> bool:
    return any(not isinstance(s, Comment) for s in body)


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
