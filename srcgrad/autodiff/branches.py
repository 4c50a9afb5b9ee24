"""Reverse mode through branches and `with` blocks: each block is reversed within the same op again."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from ..ir.graph import UNDEFINED, WITH, Arg, Block, Op, Value, free_values
from ..ir.rewrite import prune, substitute
from .cotangents import leaves, name_cotangent, rebuild, same_structure
from .pull import Pull
from .rewind import (
    History,
    Rewound,
    Walk,
    branch_histories,
    keep_overwritten,
    rewinding_residuals,
)


def reverse_branches(sweep: Pull, op: Op) -> list[Op]:
    """`if_` and `with_`: each block is reversed within the same op again."""
    outer = sweep.cotangents
    before = outer.table
    children = []
    for block in op.blocks:
        child = sweep.child(before)
        for result, target in zip(op.results, block.results, strict=True):
            if result in before:
                child.seed(target, outer.take(result))
        child.run(block.ops)
        children.append(child)
    inner = [{r for o in child.forward for r in o.results} for child in children]
    changed = dict.fromkeys(
        v
        for child, own in zip(children, inner, strict=True)
        for v, g in child.cotangents.table.items()
        if v not in own and g is not before.get(v)
    )
    sweep.builder.location = op.location
    outputs: list[list[Arg]] = [[] for _ in children]
    shapes: list[tuple[Value, Arg]] = []
    for v in changed:
        for child in children:
            child.builder.location = op.location
        wholes = [child.cotangents.take_or_zero(v) for child in children]
        flat = all(same_structure(wholes[0], w) for w in wholes)
        shapes.append((v, wholes[0] if flat else None))
        for output, whole in zip(outputs, wholes, strict=True):
            output.extend(leaves(whole) if flat else [whole])
    blocks = []
    for child, output in zip(children, outputs, strict=True):
        handed = [step.value for step in child.rewound.values()]
        block = prune(child.builder.block((), [*output, *handed]))
        blocks.append(Block((), block.ops, tuple(output)))
    pasts = _pasts(op, children, sweep.lasting) if sweep.looping else []
    forward, blocks = _export(op, children, inner, blocks, pasts)
    if op.primitive is WITH:
        context = sweep.made[op.args[0]]  # a context manager serves one block only
        again = sweep.builder.emit(context.primitive, context.args, context.kwargs)
        results = sweep.builder.emit_with(again, blocks[0])
    else:
        results = sweep.builder.emit_if(op.args[0], blocks[0], blocks[1])
    source = iter(results)
    for history, start in zip(
        [sides[0] for sides in pasts], results[len(results) - len(pasts) :], strict=True
    ):
        sweep.rewound[history.versions[0]] = Rewound(start, op.results[history.place])
    for v, shape in shapes:
        part = next(source) if shape is None else rebuild(shape, source)
        name_cotangent(part, v)
        outer.table[v] = part
    return [forward]


def _pasts(
    op: Op, children: Sequence[Pull], lasting: Container[Value]
) -> list[tuple[History, ...]]:
    """The arrays that each side walks back; the sides' ops take what is overwritten before it is."""
    found = branch_histories(
        op, [c.forward for c in children], [c.rewound for c in children], lasting
    )
    for sides in found:
        for child, history in zip(children, sides, strict=True):
            child.forward = keep_overwritten(history, child.forward)
    return found


def _export(
    op: Op,
    children: Sequence[Pull],
    inner: Sequence[set[Value]],
    blocks: Sequence[Block],
    pasts: Sequence[tuple[History, ...]],
) -> tuple[Op, list[Block]]:
    """Amend a branch to hand out what its reversed blocks read of it.

    In a loop, where what is handed out is kept once per round, what is cheap is computed again. The
    reversed blocks also hand back the arrays that they walk back.
    """
    exported: list[Value] = []
    columns: list[list[Arg]] = [[] for _ in blocks]
    changed = []
    for k, (block, child) in enumerate(zip(blocks, children, strict=True)):
        past = [sides[k] for sides in pasts]
        wanted = [v for v in free_values(block) if v in inner[k]]
        residuals = rewinding_residuals(
            None,
            (),
            child.forward,
            block,
            wanted,
            past,
            child.rewound,
            passes=int(child.looping),
        )
        olds = [old for history in past for old in history.olds if old is not None]
        twins: dict[Value, Arg] = {}
        for v in (*residuals.kept, *olds):
            twin = _result_of(op, k, v)
            if twin is None:
                twin = Value(v.hint, v.facts)
                exported.append(twin)
                for j, column in enumerate(columns):
                    column.append(v if j == k else UNDEFINED)
            twins[v] = twin
        again = child.builder.child()
        again.location = op.location
        table: dict[Value, Arg] = {}
        states = {h.place: op.results[h.place] for h in past}
        walk = Walk(past, states, residuals, twins.__getitem__, again, child.rewound, table)
        if not past:
            walk.want(wanted)
        ops = walk.block(block, inner[k] | {h.versions[0] for h in past})
        results = (*block.results, *(h.versions[0] for h in past))
        changed.append(
            Block(block.params, tuple(ops), tuple(substitute(r, table) for r in results))
        )
    amended = tuple(
        Block(b.params, tuple(child.forward), (*b.results, *column))
        for b, child, column in zip(op.blocks, children, columns, strict=True)
    )
    return replace(op, blocks=amended, results=(*op.results, *exported)), changed


def _result_of(op: Op, block: int, value: Value) -> Value | None:
    """The op's own result that is `value` whenever this block ran."""
    for result, given in zip(op.results, op.blocks[block].results, strict=True):
        if given is value:
            return result
    return None
