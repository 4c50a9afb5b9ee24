"""The road from a callable to a loaded derivative, one function per kind of derivative."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from . import runtime
from .autodiff.cotangents import primitive
from .autodiff.forward import tangent
from .autodiff.linear import linearized
from .autodiff.reverse import Wanted, joint, partition
from .calls.buffers import into_buffers, writing
from .calls.conform import Conform, conform_each, conformer, is_differentiable
from .calls.lookup import Binder, measured
from .calls.overlap import keeping_apart
from .codegen.load import Generated, generate, load, make_binder
from .config import settings
from .errors import NotScalar
from .frontend.lower import lower
from .frontend.parameters import free_parameters
from .frontend.statements import ASSERT
from .frontend.unwrap import Unwrapped, unwrap
from .ir.build import Builder, facts_of_arg
from .ir.graph import Function
from .ir.rewrite import as_primal, map_bodies
from .ir.types import Facts
from .kinds import rule_changes
from .operators.gradients import gradient_of, output_of, paired, unseeded
from .operators.table import LIKE_ARGUMENTS, TRANSFORMS
from .operators.wanted import (
    Argnums,
    called,
    facts_of_wanted,
    listed,
    only_the_call_tells,
    refusal,
    wanted_of,
)
from .ops import tables  # noqa: F401  registers the rules
from .optimize.passes import optimize

__all__ = [
    "Pair",
    "Program",
    "binder",
    "finish",
    "gradient_program",
    "header",
    "linear_programs",
    "primal",
    "program_of",
    "pullback_programs",
    "tangent_program",
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
    rules: int = field(default_factory=rule_changes)  # what there was when it was generated

    def is_current(self) -> bool:
        if self.rules != rule_changes():
            return False
        try:
            return all(_same(read(), seen) for read, seen in self.graph.guards)
        except (LookupError, AttributeError, ValueError):
            return False  # it is gone: reading the function anew says so

    @property
    def measured(self) -> bool:
        return measured(self.graph.captures)


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
    if hasattr(f, "graph_for"):
        return map_bodies(f.graph_for(given), as_primal)
    return map_bodies(transformed(f, primal(f.function, f.inner(given))), as_primal)


def transformed(derivative: Any, graph: Function) -> Function:
    """What an operator makes of the graph of its function."""
    options = dict(derivative.options)
    loss = options.get("loss")
    if loss is not None:  # a function of the result
        names = binder(loss).__names__
        options["loss"] = primal(loss, dict(zip(names, [facts_of_arg(graph.result)], strict=False)))
    return TRANSFORMS[derivative.operator](graph, **options)


def program_of(derivative: Any, given: Given) -> Program:
    """The program of what an operator made of a function, generated for arguments of these facts."""
    options = derivative.options
    if derivative.operator == "gradient":
        return gradient_program(derivative.function, given, **options)
    graph = primal(derivative.function, derivative.inner(given))
    made = transformed(derivative, graph)
    program = finish(optimize(made), header(made, given, derivative.operator, graph.name))
    if given is None:
        return program
    run = program.run
    if derivative.operator in LIKE_ARGUMENTS:
        conform = _conformer(graph, options["argnums"], program.graph.result)
        run = _conforming(run, conform, False, False)
    return replace(program, run=keeping_apart(run, made, graph))


def gradient_program(
    function: Callable[..., Any],
    given: Given,
    argnums: Argnums,
    *,
    value: bool,
    has_aux: bool,
    holomorphic: bool = False,
    into: bool = False,
) -> Program:
    """The gradient of a function, generated for arguments of these facts.

    Its `run` gives gradients that are structured and typed as the arguments are. With `into`, it takes
    arrays to write them into last, structured as they are.
    """
    graph = paired(primal(function, given), has_aux)
    unsure = given is not None and only_the_call_tells(facts_of_arg(output_of(graph, has_aux)))
    unsure = unsure and not holomorphic
    if unsure:
        graph = _asserting(graph, has_aux)
    made = gradient_of(graph, argnums, value=value, has_aux=has_aux, holomorphic=holomorphic)
    place = None if not value and not has_aux else 1 if value else 0
    if into:
        return _into_buffers(graph, made, given, argnums, place)
    program = finish(optimize(made), header(graph, given, "gradient"))
    if given is None:
        return program
    gradients: Any = program.graph.result if place is None else program.graph.result[place]
    conform = _conformer(graph, argnums, gradients)
    run = _conforming(program.run, conform, value, has_aux)
    run = _refusing(run, graph) if unsure else run
    return replace(program, run=keeping_apart(run, graph))


def _into_buffers(
    graph: Function, made: Function, given: Given, argnums: Argnums, place: int | None
) -> Program:
    """The gradient program that writes into arrays of the caller's."""
    made = optimize(replace(unseeded(made), owned=None))
    gradients = made.result if place is None else made.result[place]
    made, buffers = into_buffers(made, gradients)
    program = finish(made, header(graph, given, "gradient"))
    gradients = made.result if place is None else made.result[place]
    conform = _conformer(graph, argnums, gradients)
    run = _conforming(program.run, conform, place == 1, place == 0)
    run = writing(run, buffers, place, made.captures)
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

    @property
    def measured(self) -> bool:
        return self.forward.measured


def pullback_programs(
    function: Callable[..., Any],
    given: Mapping[str, Facts],
    *,
    passed: int | None = None,
    has_aux: bool = False,
) -> Pair:
    """The programs that `vjp` runs, for arguments of these facts.

    Of the parameters the first `passed` are moved; the others keep their defaults.
    """
    graph = paired(primal(function, given), has_aux)
    wanted = [Wanted(k) for k, p in enumerate(graph.params[:passed]) if is_differentiable(p.facts)]
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


def tangent_program(
    function: Callable[..., Any], given: Given, *, places: Sequence[int], has_aux: bool = False
) -> Program:
    """The function beside its tangent; `run` takes arguments, then tangents of those at `places`."""
    graph = paired(primal(function, given), has_aux)
    made = optimize(tangent(graph, places, has_aux=has_aux))
    program = finish(made, header(graph, given, "tangent"))
    order = [made.params.index(v) for v in graph.params]
    rest = [k for k in range(len(made.params)) if k not in order]
    run = program.run
    if [*order, *rest] != list(range(len(made.params))):  # **kwargs come last
        at = [[*order, *rest].index(k) for k in range(len(made.params))]
        inner = run

        def run(*args: Any) -> Any:
            return inner(*(args[k] for k in at))

    return replace(program, run=keeping_apart(run, graph))


def linear_programs(
    function: Callable[..., Any], given: Given, *, passed: int | None = None, has_aux: bool = False
) -> Pair:
    """The programs that `linearize` runs; `pull` takes what was saved and one tangent per parameter.

    A tangent may be None, for a parameter that stays constant. Only the first `passed` may move.
    """
    assert given is not None
    graph = paired(primal(function, given), has_aux)
    places = [k for k, p in enumerate(graph.params[:passed]) if is_differentiable(p.facts)]
    made, dots = linearized(graph, places, has_aux=has_aux)
    forward, linear = partition(optimize(made), dots)
    linear = replace(linear, name=f"{graph.name}_linear")
    lines = header(graph, given, "linearization")
    programs = finish(forward, lines), finish(linear, lines)
    programs = replace(programs[0], run=keeping_apart(programs[0].run, graph)), programs[1]
    run = programs[1].run

    def push(saved: Any, tangents: Any) -> Any:
        return run(saved, *(tangents[k] for k in places))

    return Pair(*programs, push)


def finish(function: Function, lines: Sequence[str]) -> Program:
    """Write and load a graph."""
    generated = generate(function, lines)
    folder = settings().dump
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{function.name}.py").write_text(generated.text, encoding="utf-8")
    return Program(function, generated, load(generated, function))


def binder(function: Any) -> Binder:
    """A function of the same parameters that gives their values as a tuple.

    The values are those that a caller gives: without what a method or a partial has fixed. `__names__`
    beside are the parameters, `__star__` is the place of `*args` among them, or None, and `__end__`
    that of `**kwargs`, or how many there are.
    """
    if is_derivative(function):
        return function.rebound(binder(function.function))  # type: ignore[no-any-return]
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
    kinds = [p.kind for p in free]
    bind.__star__ = kinds.index("VAR_POSITIONAL") if "VAR_POSITIONAL" in kinds else None
    bind.__end__ = kinds.index("VAR_KEYWORD") if "VAR_KEYWORD" in kinds else len(kinds)
    return bind  # type: ignore[no-any-return]


def header(function: Function, given: Given, what: str, name: str | None = None) -> list[str]:
    """The comment at the head of generated source; `name` is that of the user's function."""
    name = name or function.name
    if given is None:
        lines = [f"The {what} of {name}, generated by srcgrad for any real numbers and arrays."]
        if function.assumes:
            lines.append(f"Single numbers, not rows or arrays, are: {', '.join(function.assumes)}.")
        return lines
    parts = [
        f"{p.name}: {v.facts}" for p, v in zip(function.signature, function.params, strict=True)
    ]
    return [f"The {what} of {name}, generated by srcgrad.", f"For {', '.join(parts)}."]
