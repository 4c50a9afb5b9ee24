"""Checks that a graph is well formed; run after each pass where SRCGRAD_CHECK=1 asks for it."""

from __future__ import annotations

from .graph import (
    CALL,
    CHECKPOINT,
    CUSTOM,
    FOR,
    IF,
    LOOPS,
    WHILE,
    WITH,
    Block,
    Function,
    Loop,
    Op,
    Value,
    operands,
    values_in,
)


class MalformedGraph(AssertionError):
    """A pass built a graph that breaks a rule of the graph; always a defect of srcgrad."""


def verify(function: Function) -> Function:
    """The function itself, if each value is defined once and before it is read, and blocks fit ops.

    Raises
    ------
    MalformedGraph
        Naming the op that breaks the rule.
    """
    for f in {id(g): g for g in (function, *function.callees.values())}.values():
        _Verifier(f).check()
    return function


def _demand(condition: bool, what: str) -> None:
    if not condition:
        raise MalformedGraph(what)


class _Verifier:
    def __init__(self, function: Function) -> None:
        self.function = function
        self.seen: set[Value] = set()

    def check(self) -> None:
        f = self.function
        _demand(len(f.signature) == len(f.params), f"{f.name}: signature and parameters differ")
        _demand(len(f.body.results) == 1, f"{f.name}: a function has one result")
        scope = {c.value for c in f.captures}
        self.define(tuple(scope), f.name)
        self.block(f.body, scope)

    def define(self, values: tuple[Value, ...], where: str) -> None:
        for value in values:
            _demand(value not in self.seen, f"{where}: {value} is defined twice")
            self.seen.add(value)

    def block(self, block: Block, scope: set[Value]) -> None:
        inner = scope | set(block.params)
        self.define(block.params, "block")
        for op in block.ops:
            for value in operands(op):
                _demand(value in inner, f"{op.primitive}: reads {value} before it is defined")
            for sub in op.blocks:
                self.block(sub, inner)
            self.shape(op)
            self.define(op.results, str(op.primitive))
            inner |= set(op.results)
        for value in values_in(block.results):
            _demand(value in inner, f"block hands back {value}, which it does not know")

    def shape(self, op: Op) -> None:
        name = op.primitive.name
        if op.primitive is IF:
            _demand(len(op.blocks) == 2 and len(op.args) == 1, f"{name}: wants two blocks")
            for block in op.blocks:
                _demand(not block.params, f"{name}: a branch has no parameters")
                _demand(len(block.results) == len(op.results), f"{name}: results differ")
        elif op.primitive in (WITH, CHECKPOINT, CUSTOM):
            _demand(len(op.blocks) == 1, f"{name}: wants one block")
            _demand(len(op.blocks[0].results) == len(op.results), f"{name}: results differ")
        elif op.primitive in LOOPS:
            loop = Loop(op)
            _demand(
                len(op.blocks) == (1 if op.primitive is FOR else 2), f"{name}: wants other blocks"
            )
            _demand(op.primitive is not FOR or len(op.args) > 0, f"{name}: has no count")
            _demand(len(loop.body.params) == 1 + loop.width, f"{name}: carried values differ")
            least = loop.width + (1 if loop.stops else 0)
            _demand(len(loop.body.results) >= least, f"{name}: a round hands on too little")
            size = loop.width + len(loop.entries)
            _demand(len(op.results) == size, f"{name}: results differ")
            _demand(not (loop.reverse and op.primitive is WHILE), f"{name}: cannot be reversed")
            if loop.test is not None:
                _demand(len(loop.test.params) == loop.width, f"{name}: test parameters")
                _demand(len(loop.test.results) == 1, f"{name}: a test hands back one flag")
        elif op.primitive is CALL:
            callee = self.function.callees.get(op.attrs["callee"])
            _demand(callee is not None, f"{name}: there is no {op.attrs['callee']!r}")
            assert callee is not None
            _demand(len(callee.params) == len(op.args), f"{name}: argument count")
            _demand(len(op.results) == 1, f"{name}: a function has one result")
        else:
            _demand(len(op.results) == 1 and not op.blocks, f"{name}: wants one result")


__all__ = ["MalformedGraph", "verify"]
