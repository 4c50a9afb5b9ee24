"""Linearization: what a function does to tangents, with all that does not depend on them done before.

The backward sweep of a function is linear in its cotangent, and the adjoint of that linear map takes
tangents to tangents. It reads what the backward sweep reads, which is kept, and no more than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .. import runtime
from ..analysis.activity import Activity
from ..analysis.tangents import tangent_facts
from ..ir.build import Builder
from ..ir.graph import Block, Function, Op, Value, walk
from ..ir.rewrite import as_primal, map_bodies
from .control import Sweep
from .cotangents import primitive
from .custom_forward import check_rules_linear, without_identities
from .forward import with_tangents
from .reverse import Wanted, joint, pair_up, seed_position


def linearized(
    function: Function, places: Sequence[int], *, has_aux: bool = False
) -> tuple[Function, tuple[Value, ...]]:
    """The function that returns (result, tangent), and its parameters that are tangents.

    The ops that depend on tangents are marked as adjoint, so that `partition` cuts them off.
    """
    check_rules_linear(function)
    function = without_identities(function)
    both = joint(function, [Wanted(k) for k in places], has_aux=has_aux)
    at = seed_position(both.signature)
    assert at is not None
    g = both.params[at]
    result, cotangents = both.result
    # The sweep is linear in g, so its adjoint reads no more of it than its shape.
    start = Op(primitive(runtime.zeros_like), (result[0] if has_aux else result,), (g,))
    begin = next((k for k, op in enumerate(both.body.ops) if op.adjoint), len(both.body.ops))
    ops = (*both.body.ops[:begin], start, *both.body.ops[begin:])
    both = map_bodies(replace(both, body=replace(both.body, ops=ops)), as_primal)
    pairs, callees = pair_up(both)
    sweep = Sweep(Activity(both.body, [g], cotangents), Builder(adjoint=True), pairs)
    dots = [Value(None, tangent_facts(function.params[k].facts)) for k in places]
    for cotangent, dot in zip(cotangents, dots, strict=True):
        sweep.seed(cotangent, dot)
    sweep.run(both.body.ops)
    moved = sweep.cotangents.take_or_zero(g)
    _name_tangents(Block((), tuple(sweep.builder.ops), (moved,)), g)
    signature, params = with_tangents(function, places, dots)
    body = Block(params, (*sweep.forward, *sweep.builder.ops), ((result, moved),))
    made = replace(function, signature=signature, body=body, callees=callees, owned=(1,), doc=None)
    return made, tuple(dots)


def _name_tangents(block: Block, g: Value) -> None:
    """The cotangent of the cotangent of x is called what it is, the tangent of x."""
    made = [v for op in walk(block) for v in op.results]
    params = [v for op in walk(block) for inner in op.blocks for v in inner.params]
    for value in (*made, *params):
        hint = value.hint or ""
        if hint.startswith("d_d_"):
            value.hint = f"{hint[4:]}_dot"
        elif hint == f"d_{g.hint}":
            value.hint = "result_dot"
