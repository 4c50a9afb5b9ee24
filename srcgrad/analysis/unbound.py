"""Unbound names: values that stand for a name to which some path assigns nothing."""

from __future__ import annotations

from ..ir.graph import BRANCHES, LOOPS, UNDEFINED, Arg, Block, Loop, Value


def unbound_values(block: Block) -> set[Value]:
    """The values of a block, inner blocks included, that may be undefined when they are not read."""
    found: set[Value] = set()
    known = -1
    while len(found) > known:
        known = len(found)
        _visit(block, found)
    return found


def _visit(block: Block, found: set[Value]) -> None:
    def is_unbound(arg: Arg) -> bool:
        return arg is UNDEFINED or (isinstance(arg, Value) and arg in found)

    for op in block.ops:
        for inner in op.blocks:
            _visit(inner, found)
        if op.primitive in BRANCHES:
            for k, result in enumerate(op.results):
                if any(is_unbound(inner.results[k]) for inner in op.blocks):
                    found.add(result)
        elif op.primitive in LOOPS:
            loop = Loop(op)
            for k, param in enumerate(loop.carried):
                if is_unbound(loop.inits[k]) or is_unbound(loop.yields[k]):
                    found.update((param, loop.finals[k]))
                    if loop.test is not None:
                        found.add(loop.test.params[k])
