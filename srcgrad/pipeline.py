"""The road from a callable to a loaded derivative, one function per kind of derivative."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .analysis.activity import carries_derivative
from .autodiff.reverse import Wanted, gradient, joint, partition
from .codegen.load import Generated, generate, load, make_binder
from .errors import NotDifferentiable, NotScalar, SrcgradError
from .frontend.lower import lower
from .frontend.parameters import signature_of
from .ir.build import facts_of_arg
from .ir.graph import Function
from .ir.types import Dim, Facts, facts_of
from .ops import tables  # noqa: F401  registers the rules
from .optimize.passes import optimize

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
        return all(_same(read(), seen) for read, seen in self.graph.guards)


def _same(now: object, seen: object) -> bool:
    return now is seen or bool(now == seen)


def primal(function: Callable[..., Any], given: Given) -> Function:
    """The graph of the function itself."""
    return lower(function, given)


def wanted_of(function: Function, argnums: Sequence[int | str]) -> list[Wanted]:
    """Which parameters a derivative is asked for.

    Raises
    ------
    SrcgradError
        For a number or a name that the function has no parameter for.
    """
    names = [p.name for p in function.signature]
    star = next((k for k, p in enumerate(function.signature) if p.kind == "VAR_POSITIONAL"), None)
    keywords = next((k for k, p in enumerate(function.signature) if p.kind == "VAR_KEYWORD"), None)
    wanted = []
    for argnum in argnums:
        if isinstance(argnum, str):
            if argnum in names:
                wanted.append(Wanted(names.index(argnum)))
            elif keywords is not None:
                wanted.append(Wanted(keywords, argnum))
            else:
                raise SrcgradError(
                    f"{function.name} has no parameter {argnum!r}",
                    function.location,
                    cure=f"name one of {', '.join(names)}",
                )
            continue
        fixed = len(names) if star is None else star
        position = argnum + len(names) if argnum < 0 and star is None else argnum
        if 0 <= position < fixed:
            wanted.append(Wanted(position))
        elif star is not None and position >= fixed:
            wanted.append(Wanted(star, position - fixed))
        else:
            raise SrcgradError(
                f"{function.name} has no parameter number {argnum}",
                function.location,
                cure=f"number one of {', '.join(names)} from 0, or name it",
            )
    return wanted


def check_scalar(function: Function, result: Any) -> None:
    """Refuse to take the gradient of what is known not to be one real number."""
    facts = facts_of_arg(result)
    where = function.location
    if facts.kind in ("tuple", "list", "dict", "object"):
        raise NotScalar(
            f"{function.name} returns a {facts.kind}; a gradient is taken of one number",
            where,
            cure="return the loss alone, or (loss, anything else) with has_aux=True",
        )
    if facts.kind == "none":
        raise NotScalar(f"{function.name} returns nothing", where, cure="return the loss")
    if facts.ndim:
        raise NotScalar(
            f"{function.name} returns an array of shape {facts.shape_text()}; a gradient is taken of "
            "one number",
            where,
            cure="sum it, for instance with np.sum, or use srcgrad.vjp or srcgrad.jacobian",
        )
    if facts.is_integral or facts.kind in ("str", "range", "function"):
        what = facts.dtype or {"int": "an integer", "bool": "a truth value"}.get(
            facts.kind, f"a {facts.kind}"
        )
        raise NotDifferentiable(
            f"{function.name} returns {what}, which has no derivative",
            where,
            cure="return a float",
        )


def gradient_program(
    function: Callable[..., Any],
    given: Given,
    argnums: int | str | Sequence[int | str],
    *,
    value: bool,
    has_aux: bool,
) -> Program:
    """The gradient of a function, generated for arguments of these facts."""
    graph = primal(function, given)
    single = isinstance(argnums, int | str)
    wanted = wanted_of(graph, [argnums] if isinstance(argnums, int | str) else argnums)
    result = graph.result
    if has_aux and isinstance(result, tuple) and result:
        result = result[0]
    check_scalar(graph, result)
    unsure = given is not None and not facts_of_arg(result).is_scalar
    made = gradient(graph, wanted, single=single, value=value or unsure, has_aux=has_aux)
    program = finish(optimize(made), header(graph, given, "gradient"))
    if not unsure:
        return program
    return replace(program, run=_checked(program.run, graph, value, has_aux))


def _checked(
    run: Callable[..., Any], function: Function, value: bool, has_aux: bool
) -> Callable[..., Any]:
    """`run`, for a function of which only the call shows whether it returns one number."""

    def call(*args: Any) -> Any:
        result, gradients = run(*args)
        output, aux = result if has_aux else (result, None)
        check_scalar(function, np.asarray(output)[()])
        if value:
            return result, gradients
        return (gradients, aux) if has_aux else gradients

    return call


def pullback_programs(
    function: Callable[..., Any], given: Given, wanted: Sequence[int] | None = None
) -> tuple[Program, Program, tuple[int, ...]]:
    """The forward and the backward program of a function, and the parameters they differentiate."""
    graph = primal(function, given)
    active = tuple(
        k
        for k, p in enumerate(graph.params)
        if carries_derivative(p.facts) and (wanted is None or k in wanted)
    )
    forward, backward = partition(optimize(joint(graph, [Wanted(k) for k in active])))
    lines = header(graph, given, "pullback")
    return finish(forward, lines), finish(backward, lines), active


def finish(function: Function, lines: Sequence[str]) -> Program:
    """Write and load a graph."""
    generated = generate(function, lines)
    return Program(function, generated, load(generated, function))


def wanted_facts(function: Function, given: Mapping[str, Facts], argnums: Any) -> list[Facts]:
    """The facts of the arguments that a gradient is asked for."""
    each = [argnums] if isinstance(argnums, int | str) else argnums
    names = list(given)
    signature = [p for p in function.signature if p.name in given]
    found = []
    for wanted in wanted_of(replace(function, signature=tuple(signature)), each):
        facts = given[names[wanted.position]]
        if wanted.entry is not None and facts.items is not None:
            keys = facts.keys or range(len(facts.items))
            facts = facts.items[list(keys).index(wanted.entry)]
        found.append(facts)
    return found


def binder(function: Callable[..., Any]) -> Callable[..., tuple[Any, ...]]:
    """A function of the same parameters that gives their values as a tuple, `__names__` beside."""
    signature = signature_of(function)
    name = getattr(function, "__name__", type(function).__name__)
    bind = make_binder(name, signature)
    bind.__names__ = tuple(p.name for p in signature)  # type: ignore[attr-defined]
    return bind


@functools.lru_cache(maxsize=1024)
def _pullback_programs(
    function: Callable[..., Any], given: tuple[tuple[str, Facts], ...]
) -> tuple[Program, Program, tuple[int, ...]]:
    return pullback_programs(function, dict(given))


def pullback_of(
    function: Callable[..., Any], primals: Sequence[Any]
) -> tuple[Program, Program, list[int | None]]:
    """The programs for these arguments, and where each argument's cotangent stands in the result."""
    bind = binder(function)
    symbols: dict[int, Dim] = {}
    bound = bind(*primals)
    given = {n: facts_of(v, symbols) for n, v in zip(bind.__names__, bound, strict=True)}  # type: ignore[attr-defined]
    forward, backward, active = _pullback_programs(function, tuple(given.items()))
    if not (forward.is_current() and backward.is_current()):
        _pullback_programs.cache_clear()
        forward, backward, active = _pullback_programs(function, tuple(given.items()))
    places = [active.index(k) if k in active else None for k in range(len(bound))]
    return forward, backward, places


def header(function: Function, given: Given, what: str) -> list[str]:
    """The comment at the head of generated source."""
    if given is None:
        return [f"The {what} of {function.name}, generated by srcgrad for any numbers and arrays."]
    parts = [
        f"{p.name}: {v.facts}" for p, v in zip(function.signature, function.params, strict=True)
    ]
    return [f"The {what} of {function.name}, generated by srcgrad.", f"For {', '.join(parts)}."]
