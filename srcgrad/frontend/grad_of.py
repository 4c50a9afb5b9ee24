"""`with srcgrad.grad_of(h) as d_h`: a block that runs in the backward sweep, on the cotangent of h.

From the block on, the name stands for the result of an op that hands on what it is given, and whose
derivative rule is the block.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gast

from ..ir.graph import UNDEFINED, Block, CustomRule, Value, free_values
from .branches import Outcome, building
from .closing import (
    Reading,
    close,
    copied,
    differentiable,
    own_value,
    refuse_recursion,
    remember_sharing,
    slotted,
    values_of,
)
from .core import Lowerer
from .expressions import bind
from .matching import Matching
from .merge import fill
from .statements import CONTEXTS
from .symbols import Symbol, children, is_number, rebuild


def _is_grad_of(low: Lowerer, node: Any) -> bool:
    """Whether an expression is a call of `grad_of`."""
    if not isinstance(node, gast.Call) or not isinstance(node.func, gast.Name | gast.Attribute):
        return False
    return hasattr(low.evaluate(node.func), "__srcgrad_grad_of__")


def with_grad_of(low: Lowerer, item: Any, body: Callable[[], Outcome]) -> Outcome | None:
    """Read the block, as the rule of an op that takes the place of what the name held."""
    if not _is_grad_of(low, item.context_expr):
        return None
    name, target = _names(low, item)
    symbol = low.memory.settled(low.evaluate(item.context_expr.args[0]))
    values = values_of(symbol)
    if not values or not _is_plain(symbol) or not all(map(differentiable, values)):
        low.refuse(
            f"grad_of('{name}') is asked for, which is not an array or number with a derivative",
            item.context_expr,
            cure="name one array or number, or a tuple of these",
        )
    outputs = tuple(range(len(values)))
    rule = CustomRule(f"grad_of({name})", "identity", len(values), outputs)
    given, params = copied(low, symbol, f"'{name}'")
    first = Block(tuple(params), (), tuple(params))
    block = _backward(low, item, given, body, (name, target))
    captured = list(dict.fromkeys(v for b in (first, block) for v in free_values(b)))
    captured = [v for v in captured if v not in values] + [v for v in captured if v in values]
    rule.blocks = close(low, Reading(rule, [], rule), (first, block), len(values), captured)
    low.builder.location = low.location()
    passed = Block((), (), tuple(values))
    results = low.builder.emit_custom((*values, *captured), passed, rule)
    remember_sharing(low, results, params, params, values)
    for result, value in zip(results, values, strict=True):
        result.hint = value.hint or name
    bind(low, low.frame, name, fill(slotted(symbol), results))
    low.places.bind(low.frame, target, UNDEFINED)
    return Outcome()


def _names(low: Lowerer, item: Any) -> tuple[str, str]:
    call, target = item.context_expr, item.optional_vars
    if call.keywords or len(call.args) != 1 or not isinstance(call.args[0], gast.Name):
        low.refuse("grad_of takes the name of a variable", call, cure="give what is meant a name")
    if not isinstance(target, gast.Name):
        low.refuse(
            "the cotangent has to have a name",
            call,
            cure=f"write  with srcgrad.grad_of({call.args[0].id}) as d_{call.args[0].id}:",
        )
    name = call.args[0].id
    if name not in low.frame.names:
        low.refuse(
            f"grad_of('{name}'), which belongs to a function around this one",
            call,
            cure="give it a name of this function's own",
        )
    return name, target.id


def _is_plain(symbol: Symbol) -> bool:
    if isinstance(symbol, Value):
        return symbol.facts.is_numeric
    return is_number(symbol) or (isinstance(symbol, tuple) and all(map(_is_plain, symbol)))


def _backward(
    low: Lowerer,
    item: Any,
    given: Symbol,
    body: Callable[[], Outcome],
    names: tuple[str, str],
) -> Block:
    name, target = names
    params, seeds = values_of(given), []

    def seeded(part: Symbol) -> Symbol:
        if isinstance(part, Value):
            seeds.append(own_value(low, target if part is given else None, part))
            return seeds[-1]
        parts = children(part)
        return part if parts is None else rebuild(part, [seeded(p) for p in parts])

    region = low.region()
    with low.places.inside(region), building(low, region):
        low.places.bind(low.frame, target, seeded(given))
        if not body().plain:
            low.refuse(
                "a block of grad_of leaves the function or loop around it", item.context_expr
            )
        left = low.memory.settled(low.places.read(low.frame, target))
        match = Matching(low, (low.location(item.context_expr), None))
        found = match.cotangents(given, left, f"'{target}' at the end of the block")
        roots = {low.memory.root(seed) for seed in seeds}
    for (frame, changed), old in region.old.items():
        own = frame is low.frame and (changed == target or old is UNDEFINED)
        if not own and not (frame is low.places.heap and changed in roots):
            what = f"'{changed}'" if isinstance(changed, str) else f"'{changed.name or 'an array'}'"
            low.refuse(
                f"a block of grad_of writes to {what}, but runs in the backward sweep",
                item.context_expr,
                cure=f"let it change '{target}' alone",
            )
    made = region.close(found)
    refuse_recursion(low, [made], f"grad_of({name})")
    return Block((*params, *seeds), made.ops, made.results)


CONTEXTS.append(with_grad_of)
