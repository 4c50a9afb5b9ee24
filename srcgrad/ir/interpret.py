"""Runs any graph directly, so that each stage of the road can be held against the one before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count as counting
from typing import Any

from .graph import (
    CALL,
    CHECKPOINT,
    CUSTOM,
    FOR,
    IF,
    LOOPS,
    WITH,
    Block,
    Function,
    Loop,
    Op,
    Value,
    map_values,
)

Environment = dict[Value, Any]


def interpret(function: Function, args: Sequence[Any], callees: Any = None) -> Any:
    """What the function returns for these arguments, one per parameter of its signature.

    Captured values are read live, as generated code would read them.
    """
    environment: Environment = {c.value: c.read() for c in function.captures}
    environment.update(zip(function.params, args, strict=True))
    runner = Runner({**(callees or {}), **function.callees})
    runner.run(function.body.ops, environment)
    return runner.get(function.result, environment)


class Runner:
    """Runs the ops of blocks, one after the other, over the values computed so far."""

    def __init__(self, callees: dict[str, Function]) -> None:
        self.callees = callees

    def get(self, arg: Any, environment: Environment) -> Any:
        return map_values(environment.__getitem__, arg)

    def run(self, ops: Sequence[Op], environment: Environment) -> None:
        for op in ops:
            results = self.step(op, environment)
            environment.update(zip(op.results, results, strict=True))

    def block(self, block: Block, args: Sequence[Any], environment: Environment) -> tuple[Any, ...]:
        environment.update(zip(block.params, args, strict=True))
        self.run(block.ops, environment)
        return tuple(self.get(r, environment) for r in block.results)

    def step(self, op: Op, environment: Environment) -> Sequence[Any]:
        args = self.get(op.args, environment)
        if op.primitive is IF:
            return self.block(op.blocks[0 if args[0] else 1], (), environment)
        if op.primitive is WITH:
            with args[0]:
                return self.block(op.blocks[0], (), environment)
        if op.primitive in (CHECKPOINT, CUSTOM):
            return self.block(op.blocks[0], (), environment)
        if op.primitive in LOOPS:
            return self.loop(Loop(op), args, environment)
        if op.primitive is CALL:
            return [interpret(self.callees[op.attrs["callee"]], args, self.callees)]
        kwargs = {k: self.get(a, environment) for k, a in op.kwargs.items()}
        return [op.primitive.function(*args, **kwargs)]

    def loop(self, loop: Loop, args: Sequence[Any], environment: Environment) -> list[Any]:
        width = loop.width
        carried = tuple(args[1:] if loop.op.primitive is FOR else args)
        stacks: list[list[Any]] = [[] for _ in loop.entries]
        for index in self.rounds(loop, args):
            if loop.test is not None and not self.block(loop.test, carried, environment)[0]:
                break
            results = self.block(loop.body, (index, *carried), environment)
            carried = results[:width]
            for stack, entry in zip(stacks, results[width:], strict=False):
                stack.append(entry)
            if loop.stops and results[-1]:
                break
        if loop.reverse:
            for stack in stacks:
                stack.reverse()
        return [*carried, *stacks]

    def rounds(self, loop: Loop, args: Sequence[Any]) -> Iterator[int]:
        if loop.count is None:
            return counting()
        return iter(range(args[0] - 1, -1, -1) if loop.reverse else range(args[0]))
