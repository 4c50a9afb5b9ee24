"""Forward mode by the user's own rules; a rule for reverse mode is linear and has an adjoint."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from ..analysis.activity import Activity
from ..ir.build import Builder
from ..ir.graph import Arg, Block, CustomRule, Function, Op, Value, walk
from ..ir.rewrite import map_bodies
from .checkpoints import needed
from .control import Sweep
from .custom import at_zero, check_rule, named, placed, stamp
from .linearity import check_linear


class Push(Protocol):
    """What is asked here of the forward sweep over a block."""

    active: Activity
    builder: Builder

    def moves(self, arg: Arg) -> bool: ...
    def tangent(self, arg: Arg) -> Arg: ...
    def set(self, value: Value, tangent: Arg) -> None: ...


def push_custom(push: Push, op: Op) -> None:
    """An op with a derivative of its own, and the tangents of its results."""
    rule: CustomRule | None = op.attrs["rule"]
    if rule is None or rule.kind == "identity":
        push.builder.append(op)
        sources = op.blocks[0].results if rule is None else op.args
        for result, given in zip(op.results, sources, strict=False):
            if push.moves(given):
                push.set(result, push.tangent(given))
        return
    check_rule(op, rule, push.active.varied)
    inputs = op.args[: rule.inputs]
    if rule.kind == "vjp":
        _push_vjp(push, op, rule)
        return
    dots = [push.tangent(v) for v in inputs]
    if rule.kind == "tangent":
        push.builder.append(op)
        block = placed(rule.blocks[0], (*op.args, *op.results, *dots))
        stamp(push.builder, block.ops, op)
        moved = block.results
    else:
        ahead = placed(rule.blocks[0], (*op.args, *dots))
        ops, results = named(ahead, op.results)
        for each in ops:
            push.builder.append(each)
        moved = results[len(op.results) :]
    for k, dot in zip(rule.outputs, moved, strict=True):
        if dot is not None:
            push.set(op.results[k], dot)


def _push_vjp(push: Push, op: Op, rule: CustomRule) -> None:
    """The adjoint of the backward block, which is linear in the cotangents, at cotangents of zero."""
    first, second = rule.blocks
    ahead = placed(first, op.args)
    ops, given = named(ahead, op.results)
    for each in ops:
        push.builder.append(each)
    zeros, seeds = at_zero([op.results[k] for k in rule.outputs], op)
    back = placed(second, (*op.args, *given[len(op.results) :], *seeds))
    active = Activity(Block(tuple(seeds), back.ops, (back.results,)), seeds, back.results)
    sweep = Sweep(active, Builder(op.location), {})
    for arg, target in zip(op.args, back.results, strict=False):
        if target is not None and push.moves(arg):
            sweep.seed(target, push.tangent(arg))
    sweep.run(back.ops)
    moved = tuple(sweep.cotangents.take_or_zero(v) for v in seeds)
    check_linear(seeds, sweep.forward, sweep.builder.ops, moved, rule, op)
    whole = needed(Block((), (*zeros, *sweep.forward, *sweep.builder.ops), moved))
    stamp(push.builder, whole.ops, op)
    for k, dot in zip(rule.outputs, whole.results, strict=True):
        push.set(op.results[k], dot)


def check_rules_linear(function: Function) -> None:
    """Refuse rules for reverse mode that are not linear, where the sweep as a whole is transposed.

    Raises
    ------
    NotDifferentiable
        A rule is not linear in its cotangents.
    """
    for f in {id(g): g for g in (function, *function.callees.values())}.values():
        for op in walk(f.body):
            rule = op.attrs.get("rule")
            if rule is not None and rule.kind == "vjp":
                _check(op, rule)


def _check(op: Op, rule: CustomRule) -> None:
    second = rule.blocks[1]
    seeds = second.params[len(second.params) - len(rule.outputs) :]
    active = Activity(Block(seeds, second.ops, (second.results,)), seeds, second.results)
    sweep = Sweep(active, Builder(op.location), {})
    for target, param in zip(second.results, second.params, strict=False):
        if target is not None:
            sweep.seed(target, Value(None, param.facts))
    sweep.run(second.ops)
    moved = [sweep.cotangents.take(v) for v in seeds]
    check_linear(seeds, sweep.forward, sweep.builder.ops, moved, rule, op)


def without_identities(function: Function) -> Function:
    """The function without the ops that matter to the backward sweep alone."""

    def block(body: Block) -> Block:
        ops = tuple(map(changed, body.ops))
        return Block(body.params, ops, body.results)

    def changed(op: Op) -> Op:
        blocks = tuple(map(block, op.blocks))
        rule = op.attrs.get("rule")
        attrs = op.attrs
        if rule is not None and rule.kind == "identity":
            attrs = {**op.attrs, "rule": None}
            blocks = (Block((), (), op.args[: rule.inputs]),)
        return replace(op, blocks=blocks, attrs=attrs)

    return map_bodies(function, block)
