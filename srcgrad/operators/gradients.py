"""Every operator as a graph transform: from the graph of a function to the graph of what it becomes.

Each takes the graph of the function and the operator's options. What comes out is a function like any
other, so operators compose in any order and to any depth.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import runtime
from ..autodiff.cotangents import primitive
from ..autodiff.forward import tangent
from ..autodiff.reverse import Wanted, gradient, joint, seed_position
from ..errors import NotDifferentiable, StructureError
from ..ir.build import Builder, facts_of_arg
from ..ir.graph import Arg, Block, Function, Op, Parameter, Value
from ..ir.rewrite import as_primal, map_bodies, renew_block, substitute_block
from ..ir.types import CONTAINERS, Facts
from .wanted import (
    Argnums,
    called,
    check_arguments,
    check_holomorphic,
    check_real,
    check_scalar,
    facts_of_wanted,
    listed,
    wanted_of,
)


def output_of(function: Function, has_aux: bool) -> Any:
    """What a derivative is taken of: the result, or with auxiliary data, the first of the pair."""
    return function.result[0] if has_aux else function.result


def paired(function: Function, has_aux: bool) -> Function:
    """The function, and with auxiliary data, its result as a pair.

    Raises
    ------
    StructureError
        If `has_aux` is set and the function does not return a pair.
    """
    result = function.result
    facts = facts_of_arg(result)
    if not has_aux:
        return function
    if facts.kind != "tuple" or facts.items is None or len(facts.items) != 2:
        raise StructureError(
            f"with has_aux=True, {called(function)} must return a pair (result, auxiliary data)",
            function.location,
            cure="return (loss, aux), or leave has_aux out",
        )
    if isinstance(result, tuple):
        return function
    builder = Builder()
    pair = tuple(builder.emit(primitive(operator.getitem), (result, k)) for k in range(2))
    body = replace(function.body, ops=(*function.body.ops, *builder.ops), results=(pair,))
    return replace(function, body=body)


def gradient_of(
    graph: Function,
    argnums: Argnums,
    *,
    value: bool,
    has_aux: bool,
    holomorphic: bool = False,
    goes_on: bool = False,
) -> Function:
    """The gradient of a function of one number, with the cotangent of its result as a parameter.

    `goes_on` says that a program takes it as it is; at the end of one, it is given its type anyway.
    """
    wanted = _wanted(graph, argnums)
    check = check_holomorphic if holomorphic else check_scalar
    check(graph, facts_of_arg(output_of(graph, has_aux)))
    if holomorphic and any(facts_of_wanted(graph, w).is_real for w in wanted):
        raise NotDifferentiable(
            f"holomorphic=True is for complex arguments, and {called(graph)} is given a real one",
            graph.location,
            cure="pass complex(x), or leave holomorphic out",
        )
    single = isinstance(argnums, int | str)
    return gradient(graph, wanted, single=single, value=value, has_aux=has_aux, goes_on=goes_on)


def _wanted(graph: Function, argnums: Argnums) -> list[Wanted]:
    wanted = wanted_of(graph, listed(argnums))
    check_arguments(graph, wanted)
    return wanted


def plain_gradient_of(
    graph: Function, argnums: Argnums, *, value: bool, has_aux: bool, holomorphic: bool = False
) -> Function:
    """A gradient as a function to differentiate: its cotangent is 1.0, all of it is primal."""
    derivative = gradient_of(
        paired(graph, has_aux),
        argnums,
        value=value,
        has_aux=has_aux,
        holomorphic=holomorphic,
        goes_on=True,
    )
    return map_bodies(unseeded(derivative), as_primal)


def unseeded(derivative: Function) -> Function:
    """A gradient with 1.0 for the cotangent of the result, no parameter any more."""
    at = seed_position(derivative.signature)
    assert at is not None
    seed = derivative.params[at]
    body = substitute_block(derivative.body, {seed: derivative.signature[at].default})
    body = replace(body, params=tuple(p for p in body.params if p is not seed))
    signature = tuple(p for k, p in enumerate(derivative.signature) if k != at)
    return replace(derivative, body=body, signature=signature)


def hessian_product_of(
    graph: Function, argnums: Argnums, vector: Sequence[Arg] | None = None
) -> Function:
    """The product of the Hessian with a vector, forward over reverse.

    The vector comes last, as `v`, unless it is given: one part per argument.
    """
    first = plain_gradient_of(graph, argnums, value=False, has_aux=False)
    wanted = wanted_of(graph, listed(argnums))
    made, dots = moved(first, wanted)
    table, ops, last = _vector(graph, argnums, wanted, dots, vector)
    body = substitute_block(Block((), made.body.ops, (made.result[1],)), table)
    body = Block(graph.params, (*ops, *body.ops), body.results)
    return _with_vector(graph, made, body, last, "hessian_product")


def gauss_newton_product_of(
    graph: Function,
    argnums: Argnums,
    loss: Function | None,
    vector: Sequence[Arg] | None = None,
) -> Function:
    """J' H J v of a model with the Jacobian J, and a loss of its result with the Hessian H.

    Without a loss, H is the identity. The primal is computed once. The vector is as for the Hessian.
    """
    wanted = _wanted(graph, argnums)
    both = joint(graph, wanted)
    at = seed_position(both.signature)
    assert at is not None
    g = both.params[at]
    begin = next((k for k, op in enumerate(both.body.ops) if op.adjoint), len(both.body.ops))
    result, cotangents = both.result
    ahead = Block(graph.params, both.body.ops[:begin], (result,))
    made, dots = moved(replace(graph, body=ahead, callees=both.callees), wanted)
    table, ops, last = _vector(graph, argnums, wanted, dots, vector)
    there = substitute_block(Block((), made.body.ops, made.body.results), table)
    y, y_dot = there.results[0]
    callees = {**made.callees}
    middle: tuple[Op, ...] = ()
    if loss is not None:
        slope = plain_gradient_of(loss, 0, value=False, has_aux=False)
        curve, _ = moved(slope, [Wanted(0)])
        if len(curve.params) != 2:
            raise StructureError(
                f"{called(loss)} takes more than the model's result",
                loss.location,
                cure="give a loss of one argument, for instance lambda y: np.sum((y - data)**2)",
            )
        inner = Block((), curve.body.ops, curve.body.results)
        inner = renew_block(inner, dict(zip(curve.params, (y, y_dot), strict=True)))
        middle, y_dot = inner.ops, inner.results[0][1]
        callees.update(curve.callees)
    back = substitute_block(Block((), both.body.ops[begin:], (cotangents,)), {g: y_dot})
    product = back.results[0]
    body = Block(
        graph.params,
        (*ops, *there.ops, *middle, *back.ops),
        (product[0] if isinstance(argnums, int | str) else product,),
    )
    return _with_vector(graph, replace(made, callees=callees), body, last, "gauss_newton_product")


def moved(function: Function, wanted: Sequence[Wanted]) -> tuple[Function, tuple[Value, ...]]:
    """A function beside its tangent, and the parameters that are tangents, one per place wanted."""
    places = sorted({w.position for w in wanted})
    made = tangent(function, places)
    known = set(function.params)
    return made, tuple(v for v in made.params if v not in known)


def _vector(
    graph: Function,
    argnums: Argnums,
    wanted: Sequence[Wanted],
    dots: Sequence[Value],
    given: Sequence[Arg] | None,
) -> tuple[dict[Value, Arg], tuple[Op, ...], Value | None]:
    """What the tangents are, the ops that this takes, and the vector where it is a parameter."""
    if given is not None:
        return dict(zip(dots, given, strict=True)), (), None
    facts = tuple(facts_of_wanted(graph, w) for w in wanted)
    single = isinstance(argnums, int | str)
    vector = Value("v", facts[0] if single else Facts("tuple", items=facts, cls=tuple))
    builder = Builder()
    builder.derived = True
    get = primitive(operator.getitem)
    parts: dict[int, dict[Any, Arg]] = {}
    for k, w in enumerate(wanted):
        part = vector if single else builder.emit(get, (vector, k))
        parts.setdefault(w.position, {})[w.entry] = part
    table: dict[Value, Arg] = {}
    for place, dot in zip(sorted(parts), dots, strict=True):
        entries, param = parts[place], graph.params[place]
        if None in entries:
            table[dot] = entries[None]
            continue
        keys = param.facts.keys or range(len(param.facts.items or ()))  # *args or **kwargs
        for key in keys:
            if key not in entries:
                entry = builder.emit(get, (param, key))
                entries[key] = builder.emit(primitive(runtime.zeros_like), (entry,))
        whole = {key: entries[key] for key in keys}
        table[dot] = whole if param.facts.kind == "dict" else tuple(whole.values())
    return table, tuple(builder.ops), vector


def _with_vector(
    graph: Function, made: Function, body: Block, vector: Value | None, what: str
) -> Function:
    """The function that takes a vector more than `graph`, before what can only be named."""
    made = replace(made, name=f"{graph.name}_{what}", owned=(), doc=None)
    names, params = list(graph.signature), list(graph.params)
    if vector is not None:
        at = next((k for k, p in enumerate(names) if p.kind == "VAR_KEYWORD"), len(names))
        plain = all(p.kind.startswith("POSITIONAL") and not p.has_default for p in names)
        name = "v"
        while any(p.name == name for p in names):
            name += "_"
        vector.hint = name
        names.insert(at, Parameter(name, "POSITIONAL_OR_KEYWORD" if plain else "KEYWORD_ONLY"))
        params.insert(at, vector)
    return replace(made, signature=tuple(names), body=Block(tuple(params), body.ops, body.results))


def elementwise_gradient_of(graph: Function, argnums: Argnums) -> Function:
    """The derivative of each entry of the result by the entry of the argument in the same place."""
    wanted = _wanted(graph, argnums)
    both = joint(graph, wanted)
    at = seed_position(both.signature)
    assert at is not None
    g = both.params[at]
    result, cotangents = both.result
    begin = next((k for k, op in enumerate(both.body.ops) if op.adjoint), len(both.body.ops))
    builder = Builder(adjoint=True)
    facts = facts_of_arg(result)
    if facts.kind in CONTAINERS:
        raise StructureError(
            f"{called(graph)} returns a {facts.kind}; an elementwise gradient is taken of an array",
            graph.location,
            cure="return one array, or use srcgrad.jacobian",
        )
    check_real(graph, [facts_of_wanted(graph, w) for w in wanted], facts)
    ones: Arg = 1.0
    if not facts.is_scalar:
        ones = builder.emit(primitive(np.ones_like), (result,))
    back = substitute_block(Block((), both.body.ops[begin:], (cotangents,)), {g: ones})
    single = isinstance(argnums, int | str)
    made = back.results[0][0] if single else back.results[0]
    ops = (*both.body.ops[:begin], *builder.ops, *back.ops)
    body = Block(graph.params, ops, (made,))
    return replace(
        graph,
        name=f"{graph.name}_elementwise",
        body=body,
        callees=both.callees,
        owned=(),
        doc=None,
    )
