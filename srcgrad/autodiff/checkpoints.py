"""Reverse mode that computes again instead of keeping: checkpointed calls, loops that keep few states.

What the primal computes in such a region stands in the graph twice: as it is in the forward sweep, and
once more, as a part of it, in the backward sweep, which keeps of the region no more than its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..errors import NotDifferentiable
from ..ir.graph import Arg, Block, Loop, Op, Value, reads, values_in, walk
from ..ir.rewrite import prune, renew_block
from .cotangents import leaves, name_cotangent, rebuild
from .pull import Pull


def reverse_checkpoint(sweep: Pull, op: Op) -> list[Op]:
    """A checkpointed block becomes a block that computes it again and goes back through it."""
    block, child = op.blocks[0], _apart(sweep)
    for result, target in zip(op.results, block.results, strict=True):
        if result in sweep.cotangents:
            child.seed(target, sweep.cotangents.take(result))
    wholes, again = _computed_again(sweep, child, block.ops, op)
    forward = replace(op, blocks=(renew_block(block),))  # what its ops make is known to the sweep
    once = [o for o in again.ops if o.primitive.effect]
    forward, again = _handed_over(forward, block, again, once)
    refuse_effects(again, "function")
    _emit(sweep, op, wholes, again)
    return [forward]


def reverse_inner_loop(sweep: Pull, op: Op) -> list[Op]:
    """A checkpointed loop that stands in a loop or branch is run again where that is reversed.

    Otherwise the states that it keeps would be kept for each round of the loop around it.
    """
    wholes, again = _computed_again(sweep, _apart(sweep), (op,), op)
    refuse_effects(again, "loop")
    _emit(sweep, op, wholes, renew_block(again))  # the loop stands in the forward sweep, too
    return [replace(op, kwargs={})]


def _apart(sweep: Pull) -> Pull:
    """The sweep of a block that is computed again where it is reversed."""
    child = sweep.child(sweep.cotangents.table)
    child.looping, child.lasting = False, set()  # nothing of it is kept from round to round
    child.together = True
    return child


def _computed_again(
    sweep: Pull, child: Pull, ops: Sequence[Op], op: Op
) -> tuple[dict[Value, Arg], Block]:
    """The cotangents that reversing the ops changes, and the block that computes the ops and these."""
    before = sweep.cotangents.table
    child.run(ops)
    own = {r for o in child.forward for r in o.results}
    changed = {
        v: g for v, g in child.cotangents.table.items() if v not in own and g is not before.get(v)
    }
    child.builder.location = op.location
    wholes = {v: child.cotangents.take_or_zero(v) for v in changed}
    flat = tuple(leaf for whole in wholes.values() for leaf in leaves(whole))
    return wholes, needed(Block((), (*_adjoint(child.forward), *child.builder.ops), flat))


def _emit(sweep: Pull, op: Op, wholes: dict[Value, Arg], again: Block) -> None:
    sweep.builder.location = op.location
    results = iter(sweep.builder.emit_checkpoint(again))
    for v, whole in wholes.items():
        part = rebuild(whole, results)
        name_cotangent(part, v)
        sweep.cotangents.table[v] = part


def _handed_over(forward: Op, block: Block, again: Block, once: list[Op]) -> tuple[Op, Block]:
    """Let the forward block hand out what only it may compute, such as a random draw."""
    if not once:
        return forward, again
    renewed = forward.blocks[0]
    twin = dict(zip(_made(block.ops), _made(renewed.ops), strict=True))
    wanted = [r for o in once for r in o.results]
    handed = tuple(Value(v.hint, v.facts) for v in wanted)
    given = Block((), renewed.ops, (*renewed.results, *(twin[v] for v in wanted)))
    table: dict[Value, Arg] = dict(zip(wanted, handed, strict=True))
    rest = tuple(o for o in again.ops if o not in once)
    left = renew_block(Block((), rest, again.results), table)
    changed = replace(forward, blocks=(given,), results=(*forward.results, *handed))
    return changed, left


def _made(ops: Iterable[Op]) -> list[Value]:
    return [r for op in ops for r in op.results]


def recomputing(loop: Loop, forward: list[Op], block: Block) -> tuple[Loop, Block]:
    """A loop, and the body of its reverse, which reads of a round no more than what it began with."""
    again = needed(Block(block.params, (*_adjoint(forward), *block.ops), block.results))
    refuse_effects(again, "loop")
    body = loop.body
    renewed = renew_block(Block((), body.ops, body.results))
    changed = Block(body.params, renewed.ops, renewed.results)
    return Loop(replace(loop.op, blocks=(*loop.op.blocks[:-1], changed))), again


def _adjoint(ops: Iterable[Op]) -> tuple[Op, ...]:
    """The ops as part of the backward sweep."""

    def inside(block: Block) -> Block:
        return Block(block.params, _adjoint(block.ops), block.results)

    return tuple(replace(op, adjoint=True, blocks=tuple(map(inside, op.blocks))) for op in ops)


def needed(block: Block) -> Block:
    """The block without what nobody reads, effects included: they have been had before."""
    while True:
        read = {v for op in walk(block) for v in reads(op)}
        read |= {v for b in _blocks(block) for v in values_in(b.results)}
        quiet = prune(_without(block, read))
        if sum(1 for _ in walk(quiet)) == sum(1 for _ in walk(block)):
            return quiet
        block = quiet


def _blocks(block: Block) -> Iterable[Block]:
    yield block
    for op in walk(block):
        yield from op.blocks


def _without(block: Block, read: set[Value]) -> Block:
    ops = tuple(
        replace(op, blocks=tuple(_without(b, read) for b in op.blocks)) if op.blocks else op
        for op in block.ops
        if not (op.primitive.effect or op.attrs.get("fails")) or read.intersection(op.results)
    )
    return Block(block.params, ops, block.results)


def refuse_effects(block: Block, what: str) -> None:
    """Refuse to run a second time what may give something else then.

    Raises
    ------
    NotDifferentiable
        The backward sweep reads what such a call has given.
    """
    for op in walk(block):
        if op.primitive.effect:
            raise NotDifferentiable(
                f"{op.primitive.name} in a checkpointed {what} cannot be run a second time: it may "
                "give something else then",
                op.location,
                cure=f"call it before the {what}, and hand over what it gives",
            )
