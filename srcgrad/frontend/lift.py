"""Gives every function of a program what it reads of the functions around it, as further parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..ir.graph import CALL, Block, Capture, Function, Op, Parameter, Value, free_values, walk
from ..ir.rewrite import substitute_block

Extras = Mapping[str, tuple[Value, ...]]


def lift(
    main: Function, callees: Mapping[str, Function], captures: tuple[Capture, ...]
) -> Function:
    """The program of `main` and those callees that it reaches.

    A nested function that is recursive reads values of the function around it. Here each of them becomes
    a parameter of the callee, and an argument of every call.
    """
    reached = _reached(main, callees)
    outside = {c.value for c in captures}
    extras = {
        name: {v: None for v in free_values(f.body) if v not in outside}
        for name, f in reached.items()
    }
    changed = True
    while changed:
        changed = False
        for name, function in reached.items():
            own = set(function.params)
            defined = own | {r for op in walk(function.body) for r in op.results}
            for op in walk(function.body):
                for value in extras.get(_called(op), ()):
                    if value not in defined and value not in extras[name]:
                        extras[name][value] = None
                        changed = True
    needed = {name: tuple(values) for name, values in extras.items()}
    made: dict[str, Function] = {}
    result = replace(main, callees=made)
    result = _finished(result, needed, captures)
    for name, function in reached.items():
        made[name] = (
            result
            if name == main.name
            else _finished(replace(function, callees=made), needed, captures)
        )
    return result


def _called(op: Op) -> str:
    return str(op.attrs["callee"]) if op.primitive is CALL else ""


def _reached(main: Function, callees: Mapping[str, Function]) -> dict[str, Function]:
    """The callees that can be reached from `main`, in the order in which they are met."""
    reached: dict[str, Function] = {}
    pending = [main]
    while pending:
        for op in walk(pending.pop().body):
            name = _called(op)
            if name and name not in reached:
                reached[name] = main if name == main.name else callees[name]
                pending.append(reached[name])
    return reached


def _finished(function: Function, needed: Extras, captures: tuple[Capture, ...]) -> Function:
    """A function whose calls pass what is needed, and that takes what it needs itself."""
    own = needed.get(function.name, ())
    body = _passing(function.body, needed)
    fresh = {v: Value(v.hint, v.facts) for v in own}
    body = substitute_block(body, fresh)
    taken = {p.name for p in function.signature}
    more = []
    for value in own:
        base = value.hint or "outer"
        name = next(
            n for k in range(len(taken) + 1) if (n := f"{base}_{k}" if k else base) not in taken
        )
        taken.add(name)
        more.append(Parameter(name))
    free = free_values(body)
    return replace(
        function,
        signature=(*function.signature, *more),
        body=Block((*body.params, *fresh.values()), body.ops, body.results),
        captures=tuple(c for c in captures if c.value in free),
    )


def _passing(block: Block, needed: Extras) -> Block:
    ops = []
    for op in block.ops:
        blocks = tuple(_passing(b, needed) for b in op.blocks)
        args = (*op.args, *needed.get(_called(op), ()))
        same = len(args) == len(op.args) and all(
            a is b for a, b in zip(blocks, op.blocks, strict=True)
        )
        ops.append(op if same else replace(op, args=args, blocks=blocks))
    same = all(a is b for a, b in zip(ops, block.ops, strict=True))
    return block if same else Block(block.params, tuple(ops), block.results)
