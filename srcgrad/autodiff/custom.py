"""Reverse mode by the user's own rules: their blocks are put where the op that has them stands.

A rule for reverse mode has two blocks, of which the first replaces the op and the second joins the
backward sweep. A rule for forward mode is linear in the tangents, so its adjoint is the backward sweep.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from typing import Any

from .. import runtime
from ..analysis.activity import Activity, carries_derivative
from ..errors import NotDifferentiable
from ..ir.build import Builder, facts_of_arg
from ..ir.graph import CUSTOM, Arg, Block, CustomRule, Op, Value, values_in
from ..ir.rewrite import prune, renew_block, substitute, substitute_op
from .cotangents import Partial, is_structure, primitive
from .linearity import check_linear
from .pull import Pull


def reverse_custom(sweep: Pull, op: Op) -> list[Op]:
    """An op with a derivative of its own: what stands in its place on the way forward."""
    rule: CustomRule | None = op.attrs["rule"]
    if rule is None:  # the result is another name of what the block hands out
        for result, given in zip(op.results, op.blocks[0].results, strict=True):
            if result in sweep.cotangents:
                sweep.seed(given, sweep.cotangents.take(result))
        return [op]
    check_rule(op, rule, sweep.active.varied)
    if rule.kind in ("vjp", "identity"):
        return _by_vjp(sweep, op, rule)
    return _by_tangent(sweep, op, rule)


def check_rule(op: Op, rule: CustomRule, varied: Container[Value]) -> None:
    """Refuse a rule that says nothing of something which is differentiated.

    Raises
    ------
    NotDifferentiable
        The function reads a value from around it, or takes as an argument without derivative, what
        varies with the variables. Or this is a derivative of a higher order than the rule was read for.
    """
    if rule.kind == "unread":
        raise NotDifferentiable(
            f"the derivative rule of '{rule.name}' uses '{rule.name}' with other arguments in each "
            "order of derivative, and was not read for this one",
            op.location,
            cure="use the function in its rule with the arguments that the rule gets, or write it out",
        )
    if rule.kind in ("identity", "tangent"):  # these read what they like
        return
    for arg in op.args[rule.inputs :]:
        for v in values_in(arg):
            if v in varied and carries_derivative(v.facts):
                raise NotDifferentiable(
                    f"the derivative rule of '{rule.name}' says nothing of "
                    f"'{v.hint or 'a value'}', which it does not get as an argument with a "
                    "derivative and which is differentiated",
                    op.location,
                    cure=f"pass '{v.hint or 'it'}' as an argument, or wrap it in srcgrad.stop_gradient",
                )


def _by_vjp(sweep: Pull, op: Op, rule: CustomRule) -> list[Op]:
    first, second = rule.blocks
    count = len(op.results)
    ahead = placed(first, op.args)
    forward, given = named(ahead, op.results)
    cotangents = [sweep.cotangents.take_or_zero(op.results[k]) for k in rule.outputs]
    back = placed(second, (*op.args, *given[count:], *cotangents))
    stamp(sweep.builder, back.ops, op)
    for arg, part in zip(op.args, back.results, strict=False):
        hand(sweep, arg, part)
    return forward


def _by_tangent(sweep: Pull, op: Op, rule: CustomRule) -> list[Op]:
    """The adjoint of a rule for forward mode, which is linear in the tangents."""
    count = len(op.results)
    zeros, dots = at_zero(op.args[: rule.inputs], op)
    stays = rule.kind == "tangent"
    given = (*op.args, *op.results, *dots) if stays else (*op.args, *dots)
    block = placed(rule.blocks[0], given)
    moved = block.results[0 if stays else count :]
    builder = Builder(op.location) if stays else sweep.builder
    inner = sweep.of(Activity(Block(tuple(dots), block.ops, (moved,)), dots, moved), builder)
    inner.looping, inner.lasting = sweep.looping and not stays, sweep.lasting
    for k, target in zip(rule.outputs, moved, strict=True):
        if op.results[k] in sweep.cotangents:
            inner.seed(target, sweep.cotangents.take(op.results[k]))
    before = len(builder.ops)
    inner.run(block.ops)
    back = [inner.cotangents.take(v) for v in dots]
    check_linear(dots, inner.forward, builder.ops[before:], back, rule, op)
    if stays:
        ops = (*zeros, *inner.forward, *builder.ops)
        pruned = prune(Block((), ops, tuple(back)))
        stamp(sweep.builder, pruned.ops, op)
    for arg, part in zip(op.args, back, strict=False):
        hand(sweep, arg, part)
    if stays:
        return [op]
    forward, _ = named(Block((), tuple(inner.forward), block.results), op.results)
    return [*zeros, *forward]


def at_zero(values: Sequence[Arg], op: Op) -> tuple[list[Op], list[Value]]:
    """Zeros like some values, at which what is linear is transposed, and the ops that make them."""
    made = [Value(None, facts_of_arg(v)) for v in values]
    zeros = primitive(runtime.zeros_like)
    ops = [
        Op(zeros, (v,), (z,), location=op.location, derived=True)
        for v, z in zip(values, made, strict=True)
    ]
    return ops, made


def placed(block: Block, args: Sequence[Arg]) -> Block:
    """A copy of a block for these arguments."""
    table = dict(zip(block.params, args, strict=True))
    return renew_block(Block((), block.ops, block.results), table)


def named(block: Block, results: Sequence[Value]) -> tuple[list[Op], tuple[Arg, ...]]:
    """The ops of a block which make the values `results` of what it hands out first, and all of that."""
    made = {r for op in block.ops for r in op.results}
    table: dict[Value, Arg] = {}
    others: list[tuple[Value, Arg]] = []
    for result, given in zip(results, block.results, strict=False):
        if isinstance(given, Value) and given in made and given not in table:
            table[given] = result
        else:
            others.append((result, given))
    ops = [
        replace(o, results=tuple(table.get(r, r) for r in o.results))
        for o in (substitute_op(o, table) for o in block.ops)
    ]
    for result, given in others:
        args = (substitute(given, table),)
        same = Block((), (), args)
        ops.append(Op(CUSTOM, args, (result,), attrs={"rule": None}, blocks=(same,)))
    return ops, tuple(substitute(r, table) for r in block.results)


def stamp(builder: Builder, ops: Iterable[Op], op: Op) -> None:
    """Append ops as part of what `builder` makes, for the line of `op`."""
    for each in ops:
        builder.append(_stamped(each, builder, op))


def _stamped(each: Op, builder: Builder, op: Op) -> Op:
    blocks = tuple(
        Block(b.params, tuple(_stamped(o, builder, op) for o in b.ops), b.results)
        for b in each.blocks
    )
    return replace(
        each,
        blocks=blocks,
        location=op.location,
        adjoint=builder.adjoint,
        derived=builder.derived or not builder.adjoint,
    )


def hand(sweep: Pull, arg: Arg, part: Arg) -> None:
    """Add a cotangent, in which None is zero, to that of an argument."""
    if part is None or not any(v in sweep.active for v in values_in(arg)):
        return
    if isinstance(arg, Value) and is_structure(part) and _has_none(part):
        sweep.cotangents.add(arg, _partial(part))
    else:
        sweep.give(arg, part)


def _has_none(part: Arg) -> bool:
    if is_structure(part):
        return any(map(_has_none, part.values() if isinstance(part, dict) else part))
    return part is None


def _partial(part: Any) -> Any:
    """The cotangent of a container of which some entries have none."""
    if not is_structure(part):
        return part
    pairs = part.items() if isinstance(part, dict) else enumerate(part)
    return Partial({k: _partial(p) for k, p in pairs if p is not None})
