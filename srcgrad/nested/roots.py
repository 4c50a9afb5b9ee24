"""Implicit differentiation inside a function that is read: solutions of equations as ops with a rule.

The equation is read as a graph of its own, from which forward mode and linearization make the rule: the
tangent of the solution solves a linear system. Reverse mode is the adjoint of that, as for other rules.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ..analysis.tangents import tangent_facts
from ..autodiff.forward import tangent
from ..autodiff.linear import linearized
from ..frontend.branches import building
from ..frontend.closing import (
    Reading,
    close,
    copied,
    differentiable,
    refuse_functions,
    refuse_recursion,
    slotted,
    values_of,
)
from ..frontend.core import BUILTINS, Lowerer
from ..frontend.matching import Matching, place_of
from ..frontend.merge import fill
from ..frontend.symbols import Partial, Symbol, rebuild_values
from ..implicit import custom_root, dense_solve, dense_vector, fixed_point, iterated, neumann_solve
from ..ir.graph import Arg, Block, CustomRule, Function, Op, Parameter, Value, free_values
from ..ir.rewrite import as_primal, renew_block, substitute_block


@dataclass(frozen=True, eq=False)
class Equation:
    """An equation `f(x) = 0` that has been read, at `x`, given the values `theta` that it reads."""

    graph: Function  # of x and theta
    theta: tuple[Value, ...]

    @property
    def unknowns(self) -> range:
        return range(len(self.graph.params) - len(self.theta))


@dataclass(frozen=True, eq=False)
class Matrix:
    """The derivative of an equation by its unknowns, as ops to be put where it is applied."""

    seeds: tuple[Value, ...]
    ops: tuple[Op, ...]
    results: tuple[Arg, ...]
    like: Symbol  # what it takes; None for a list


# Given the matrix (of lists, or of what the unknown looks like), the right side and the unknown, the
# symbol of what solves the system.
Linear = Callable[[Callable[[bool], Symbol], list[Arg], Symbol], Symbol]


def solution(
    low: Lowerer,
    name: str,
    f: Symbol,
    residual: Callable[[Symbol], Symbol],
    solve: Callable[[], Symbol],
    linear: Linear,
) -> Symbol:
    """The symbol of what `solve` finds, where `residual` is zero; `linear` solves linear systems."""
    found: list[Symbol] = []

    def finish(result: Symbol) -> list[Arg]:
        refuse_functions(low, result, name)
        if not all(map(differentiable, values_of(result))) or not values_of(result):
            low.refuse(f"the solution that {name} finds is not made of floats")
        found.append(result)
        return list(values_of(result))

    primal = _read(low, name, solve, finish)
    pattern = found[0]
    equation = _equation(low, name, f, residual, pattern)
    rest = [v for v in free_values(primal) if v not in equation.theta]
    args = [*equation.theta, *rest]
    every = tuple(range(len(values_of(pattern))))
    rule = CustomRule(name, "tangent", len(equation.theta), every)
    block = _tangent_block(low, name, f, equation, pattern, linear)
    refuse_recursion(low, [block], name)
    args += [v for v in free_values(block) if v not in args]
    rule.blocks = close(low, Reading(rule, [], rule), [block], 0, args)
    low.builder.location = low.location()
    results = low.builder.emit_custom(args, primal, rule)
    low.memory.merged(results, list(primal.results))
    return fill(slotted(pattern), results)


def _read(
    low: Lowerer, name: str, run: Callable[[], Symbol], finish: Callable[[Symbol], list[Arg]]
) -> Block:
    region = low.region()
    with low.places.inside(region), building(low, region):
        results = finish(low.memory.settled(run()))
    if region.changes:
        low.refuse(f"what {name} calls writes to a name or array of the function around it")
    block: Block = region.close(results)
    return block


def _equation(
    low: Lowerer, name: str, f: Symbol, residual: Callable[[Symbol], Symbol], pattern: Symbol
) -> Equation:
    x, unknowns = copied(low, pattern, f"the unknown of {name}")

    def finish(result: Symbol) -> list[Arg]:
        match = Matching(low, place_of(low, f))
        return match.leaves(x, result, f"what the function given to {name} returns")

    block = _read(low, name, lambda: residual(x), finish)
    refuse_recursion(low, [block], name)
    free = [v for v in free_values(block) if v not in unknowns]
    theta = tuple(v for v in free if differentiable(v))
    twins = tuple(Value(v.hint, v.facts) for v in theta)
    inner = substitute_block(
        Block((), block.ops, block.results), dict(zip(theta, twins, strict=True))
    )
    params = (*unknowns, *twins)
    single = len(inner.results) == 1
    body = Block(params, inner.ops, inner.results if single else (tuple(inner.results),))
    names = tuple(Parameter(f"{v.hint or 'x'}_{k}") for k, v in enumerate(params))
    return Equation(Function(name, names, body, location=low.location()), theta)


def _tangent_block(
    low: Lowerer,
    name: str,
    f: Symbol,
    equation: Equation,
    pattern: Symbol,
    linear: Linear,
) -> Block:
    """The block of (*solution, *tangents of theta) -> tangents of the solution."""
    x, at = copied(low, pattern, f"the solution of {name}")
    dots = [Value(f"{v.hint}_dot" if v.hint else None, tangent_facts(v.facts))
            for v in equation.theta]  # fmt: skip
    graph, theta = equation.graph, equation.theta

    def run() -> Symbol:
        if not theta:
            return rebuild_values(pattern, [0.0 for _ in at])
        places = range(len(at), len(at) + len(theta))
        made = tangent(graph, places)
        known = set(graph.params)
        moving = [p for p in made.params if p not in known]
        table = dict(zip((*graph.params, *moving), (*at, *theta, *dots), strict=True))
        moved = _put(low, made.body.ops, _listed(made.result[1], at), table)
        right = [low.apply(operator.neg, part) for part in moved]
        split, seeds = linearized(graph, equation.unknowns)
        table = dict(zip(graph.params, (*at, *theta), strict=True))
        ahead = [op for op in split.body.ops if not op.adjoint]
        behind = tuple(op for op in split.body.ops if op.adjoint)
        kept = [r for op in ahead for r in op.results]
        now = _put(low, ahead, tuple(kept), table)
        back = substitute_block(
            Block((), behind, _listed(split.result[1], at)),
            {**table, **dict(zip(kept, now, strict=True))},
        )

        def matrix(flat: bool) -> Symbol:
            like = None if flat else pattern
            return Partial(_apply, (Matrix(seeds, back.ops, back.results, like),), {})

        return linear(matrix, right, x)

    def finish(result: Symbol) -> list[Arg]:
        match = Matching(low, place_of(low, f))
        return match.leaves(x, result, f"the solution of the linear system of {name}")

    block = _read(low, name, run, finish)
    return Block((*at, *dots), block.ops, block.results)


def _listed(result: Arg, unknowns: Sequence[Value]) -> tuple[Arg, ...]:
    """The parts of a result that stand for the unknowns."""
    return (result,) if len(unknowns) == 1 else tuple(result)


def _put(
    low: Lowerer, ops: Sequence[Op], results: tuple[Arg, ...], table: Mapping[Value, Arg]
) -> tuple[Arg, ...]:
    """Put ops where the reader is, with what stands for their parameters."""
    made = as_primal(renew_block(Block((), tuple(ops), results), dict(table)))
    for op in made.ops:
        low.builder.append(op)
    return made.results


def _apply(matrix: Any, x: Any) -> NoReturn:
    """Stands for the derivative of an equation while a function is read."""
    raise TypeError("this is never run")


def _applied(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
    matrix, x = args
    like = matrix.like if matrix.like is not None else list(matrix.seeds)
    match = Matching(low, (low.location(), None))
    given = match.leaves(like, x, "what the linear map of an equation is applied to")
    moved = _put(low, matrix.ops, matrix.results, dict(zip(matrix.seeds, given, strict=True)))
    return list(moved) if matrix.like is None else rebuild_values(matrix.like, list(moved))


def _root(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
    names = ("f", "x0", "solve", "tangent_solve")
    given = _given(low, "custom_root", names, args, kwargs, 3)
    f, solver = given["f"], given.get("tangent_solve")

    def linear(matrix: Callable[[bool], Symbol], right: list[Arg], like: Symbol) -> Symbol:
        if solver is None:
            return _dense(low, matrix, right, like)
        return low.call(solver, [matrix(False), rebuild_values(like, right)], {})

    return solution(
        low,
        "custom_root",
        f,
        lambda x: low.call(f, [x], {}),
        lambda: low.call(given["solve"], [f, given["x0"]], {}),
        linear,
    )


def _fixed(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
    options = ("tol", "max_iter", "rounds")
    given = _given(low, "fixed_point", ("f", "x0"), args[:2], kwargs, 2, options)
    f, more, rounds = given["f"], list(args[2:]), given.get("rounds")
    tol, most = given.get("tol", 1e-10), given.get("max_iter", 1000)

    def residual(x: Symbol) -> Symbol:
        y = low.memory.settled(low.call(f, [x, *more], {}))
        match = Matching(low, place_of(low, f))
        after = match.leaves(x, y, "what the function given to fixed_point returns")
        each = [low.apply(operator.sub, p, q) for p, q in zip(values_of(x), after, strict=True)]
        return rebuild_values(x, each)

    def linear(matrix: Callable[[bool], Symbol], right: list[Arg], like: Symbol) -> Symbol:
        if rounds is None:
            return _dense(low, matrix, right, like)
        found = low.call(neumann_solve, [matrix(True), right, rounds], {})
        return rebuild_values(like, list(found))

    return solution(
        low,
        "fixed_point",
        f,
        residual,
        lambda: low.call(iterated, [f, given["x0"], tuple(more), tol, most], {}),
        linear,
    )


def _dense(
    low: Lowerer, matrix: Callable[[bool], Symbol], right: list[Arg], like: Symbol
) -> Symbol:
    values = values_of(like)
    if len(values) == 1 and values[0].facts.is_scalar:
        one = low.call(matrix(True), [[1.0]], {})
        return rebuild_values(like, [low.apply(operator.truediv, right[0], one[0])])
    vector = len(values) == 1 and values[0].facts.ndim == 1
    found = low.call(dense_vector if vector else dense_solve, [matrix(True), right, values], {})
    return rebuild_values(like, list(found))


def _given(
    low: Lowerer,
    name: str,
    names: Sequence[str],
    args: Sequence[Symbol],
    kwargs: Mapping[str, Symbol],
    least: int,
    options: Sequence[str] = (),
) -> dict[str, Symbol]:
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    wanted = {*names, *options}
    if len(args) > len(names) or not set(names[:least]) <= given.keys() <= wanted:
        low.refuse(f"{name}() takes {', '.join((*names, *options))} and nothing else")
    return given


def install() -> None:
    """Teach the frontend what it reads of equations."""
    BUILTINS[custom_root] = _root
    BUILTINS[fixed_point] = _fixed
    BUILTINS[_apply] = _applied
