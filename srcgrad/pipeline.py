"""The road from a callable to a loaded derivative, one function per kind of derivative."""

from __future__ import annotations

import operator
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import runtime
from .autodiff.cotangents import primitive
from .autodiff.reverse import Wanted, gradient, joint, partition, seed_position
from .codegen.load import Generated, generate, load, make_binder
from .config import settings
from .conform import Conform, conform_each, conformer, is_differentiable
from .errors import NotScalar, StructureError
from .frontend.lower import lower
from .frontend.parameters import free_parameters
from .frontend.statements import ASSERT
from .frontend.unwrap import Unwrapped, unwrap
from .ir.build import Builder, facts_of_arg
from .ir.graph import Function
from .ir.rewrite import as_primal, map_bodies, substitute_block
from .ir.types import Facts
from .ops import tables  # noqa: F401  registers the rules
from .optimize.passes import optimize
from .overlap import keeping_apart
from .wanted import (
    Argnums,
    called,
    check_arguments,
    check_scalar,
    facts_of_wanted,
    listed,
    only_the_call_tells,
    refusal,
    wanted_of,
)

__all__ = [
    "Pair",
    "Program",
    "binder",
    "finish",
    "gradient_program",
    "header",
    "primal",
    "pullback_programs",
    "wanted_of",
]

Given = Mapping[str, Facts] | None


@dataclass(frozen=True, slots=True)
class Program:
    """One generated function: its graph, its text, the callable, and when it is out of date.

    `captures` are read at each call; `guards` are pairs of a reader and what it gave when the function
    was read: where one gives something else, the source has to be generated anew.
    """

    graph: Function
    generated: Generated
    run: Callable[..., Any]  # takes one value per parameter of the user's function

    def is_current(self) -> bool:
        try:
            return all(_same(read(), seen) for read, seen in self.graph.guards)
        except (LookupError, AttributeError, ValueError):
            return False  # it is gone: reading the function anew says so


# What is compared by value, because reading it again makes it again. All else is compared by identity:
# the `==` of a user's class may say anything.
_BY_VALUE = (Facts, str, bytes, types.MethodType, np.dtype)


def _same(now: object, seen: object) -> bool:
    return now is seen or (type(now) is type(seen) and isinstance(seen, _BY_VALUE) and now == seen)


def is_derivative(function: Any) -> bool:
    """Whether this is a derivative that srcgrad made, to be differentiated once more."""
    return hasattr(type(function), "__srcgrad_transform__")


def primal(function: Callable[..., Any], given: Given) -> Function:
    """The graph of the function itself; of a derivative, the derivative graph."""
    if not is_derivative(function):
        return lower(function, given)
    f: Any = function
    inner = paired(primal(f.function, given), f.has_aux)
    return _without_seed(_gradient(inner, f.argnums, value=f.value, has_aux=f.has_aux))


def _without_seed(derivative: Function) -> Function:
    """A gradient as a function to differentiate: its cotangent is 1.0, all of it is primal."""
    at = seed_position(derivative.signature)
    assert at is not None
    seed = derivative.params[at]
    body = substitute_block(derivative.body, {seed: derivative.signature[at].default})
    body = replace(body, params=tuple(p for p in body.params if p is not seed))
    signature = tuple(p for k, p in enumerate(derivative.signature) if k != at)
    return map_bodies(replace(derivative, body=body, signature=signature), as_primal)


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


def gradient_program(
    function: Callable[..., Any],
    given: Given,
    argnums: Argnums,
    *,
    value: bool,
    has_aux: bool,
) -> Program:
    """The gradient of a function, generated for arguments of these facts.

    Its `run` gives gradients that are structured and typed as the arguments are.
    """
    graph = paired(primal(function, given), has_aux)
    unsure = given is not None and only_the_call_tells(facts_of_arg(output_of(graph, has_aux)))
    if unsure:
        graph = _asserting(graph, has_aux)
    made = _gradient(graph, argnums, value=value, has_aux=has_aux)
    program = finish(optimize(made), header(graph, given, "gradient"))
    if given is None:
        return program
    gradients: Any = program.graph.result
    if value or has_aux:
        gradients = gradients[1 if value else 0]
    conform = _conformer(graph, argnums, gradients)
    run = _conforming(program.run, conform, value, has_aux)
    run = _refusing(run, graph) if unsure else run
    return replace(program, run=keeping_apart(run, graph))


def _asserting(graph: Function, has_aux: bool) -> Function:
    """The function, which makes sure that it returns one number: only the call tells whether it does."""
    builder = Builder()
    test = builder.emit(primitive(runtime.is_one_number), (output_of(graph, has_aux),))
    builder.emit(ASSERT, (test, refusal(graph.name)))
    body = replace(graph.body, ops=(*graph.body.ops, *builder.ops))
    return replace(graph, body=body)


def _refusing(run: Callable[..., Any], graph: Function) -> Callable[..., Any]:
    """`run`, for a function that makes sure that it returns one number."""
    message = refusal(graph.name)

    def call(*args: Any) -> Any:
        try:
            return run(*args)
        except AssertionError as error:
            if error.args != (message,):
                raise
        raise NotScalar(
            f"{called(graph)} does not return one real number here, of which a gradient is taken",
            graph.location,
            cure="sum it, for instance with np.sum, or use srcgrad.vjp",
        )

    return call


def _gradient(graph: Function, argnums: Argnums, *, value: bool, has_aux: bool) -> Function:
    """The gradient of a graph, not yet optimised."""
    wanted = wanted_of(graph, listed(argnums))
    check_arguments(graph, wanted)
    check_scalar(graph, facts_of_arg(output_of(graph, has_aux)))
    single = isinstance(argnums, int | str)
    return gradient(graph, wanted, single=single, value=value, has_aux=has_aux)


def _conformer(graph: Function, argnums: Argnums, gradients: Any) -> Conform | None:
    facts = [facts_of_wanted(graph, w) for w in wanted_of(graph, listed(argnums))]
    if isinstance(argnums, int | str):
        return conformer(facts[0], facts_of_arg(gradients))
    return conform_each(facts, [facts_of_arg(g) for g in gradients])


def _conforming(
    run: Callable[..., Any], conform: Conform | None, value: bool, has_aux: bool
) -> Callable[..., Any]:
    """`run`, with gradients that look like the arguments."""
    if conform is None:
        return run
    if not value and not has_aux:
        return lambda *args: conform(run(*args))

    def call(*args: Any) -> Any:
        first, second = run(*args)
        return (first, conform(second)) if value else (conform(first), second)

    return call


@dataclass(frozen=True, slots=True)
class Pair:
    """The forward and the backward program of one function.

    The forward program returns (result, saved); `pull` takes what was saved and the cotangent of the
    result to the cotangents of all parameters, None for what has no derivative.
    """

    forward: Program
    backward: Program
    pull: Callable[[Any, Any], tuple[Any, ...]]

    def is_current(self) -> bool:
        return self.forward.is_current()  # both come from one reading of the function


def pullback_programs(
    function: Callable[..., Any], given: Mapping[str, Facts], *, has_aux: bool = False
) -> Pair:
    """The programs that `vjp` runs, for arguments of these facts."""
    graph = paired(primal(function, given), has_aux)
    wanted = [Wanted(k) for k, p in enumerate(graph.params) if is_differentiable(p.facts)]
    lines = header(graph, given, "pullback")
    forward, backward = partition(optimize(joint(graph, wanted, has_aux=has_aux)))
    programs = finish(forward, lines), finish(backward, lines)
    programs = replace(programs[0], run=keeping_apart(programs[0].run, graph)), programs[1]
    made = [facts_of_arg(g) for g in backward.result]
    conform = conform_each([graph.params[w.position].facts for w in wanted], made)
    places = [w.position for w in wanted]
    run, count = programs[1].run, len(graph.params)

    def pull(saved: Any, cotangent: Any) -> tuple[Any, ...]:
        given_back = run(saved, cotangent)
        if conform is not None:
            given_back = conform(given_back)
        if len(places) == count:
            return given_back  # type: ignore[no-any-return]
        each: list[Any] = [None] * count
        for place, g in zip(places, given_back, strict=True):
            each[place] = g
        return tuple(each)

    return Pair(*programs, pull)


def finish(function: Function, lines: Sequence[str]) -> Program:
    """Write and load a graph."""
    generated = generate(function, lines)
    folder = settings().dump
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{function.name}.py").write_text(generated.text, encoding="utf-8")
    return Program(function, generated, load(generated, function))


def binder(function: Any) -> Callable[..., tuple[Any, ...]]:
    """A function of the same parameters that gives their values as a tuple, `__names__` beside.

    The values are those that a caller gives: without what a method or a partial has fixed.
    """
    while is_derivative(function):
        function = function.function
    found = unwrap(function)
    free = free_parameters(found)
    every = free_parameters(Unwrapped(found.function))
    names = tuple(p.name for p in free)
    name = getattr(found.function, "__qualname__", type(found.function).__name__)
    fixed = len(found.bound) + len(found.keywords)
    bind: Any
    if 0 < fixed == len(every) - len(free):
        # Python counts what is fixed, too, when it reports how many arguments there are.
        whole, before, named = make_binder(name, every, names), found.bound, found.keywords

        def bind(*args: Any, **kwargs: Any) -> tuple[Any, ...]:
            return whole(*before, *args, **{**named, **kwargs})
    else:
        bind = make_binder(name, free, names)
    bind.__names__ = names
    return bind  # type: ignore[no-any-return]


def header(function: Function, given: Given, what: str) -> list[str]:
    """The comment at the head of generated source."""
    if given is None:
        lines = [f"The {what} of {function.name}, generated by srcgrad for any numbers and arrays."]
        if function.assumes:
            lines.append(f"Single numbers, not rows or arrays, are: {', '.join(function.assumes)}.")
        return lines
    parts = [
        f"{p.name}: {v.facts}" for p, v in zip(function.signature, function.params, strict=True)
    ]
    return [f"The {what} of {function.name}, generated by srcgrad.", f"For {', '.join(parts)}."]
