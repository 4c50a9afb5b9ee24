"""The road from a callable to a loaded derivative, one function per kind of derivative."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import RLock
from typing import Any

import numpy as np

from .analysis.activity import carries_derivative
from .autodiff.reverse import Wanted, gradient, joint, partition
from .codegen.load import Generated, generate, load, make_binder
from .conform import Conform, conform_each, conformer
from .errors import SrcgradError
from .frontend.lower import lower
from .frontend.parameters import signature_of
from .ir.build import facts_of_arg
from .ir.graph import Function, Op, Value
from .ir.rewrite import map_bodies, substitute_block
from .ir.types import UNKNOWN, Facts
from .ops import tables  # noqa: F401  registers the rules
from .optimize.passes import optimize
from .wanted import Argnums, check_arguments, check_scalar, facts_of_wanted, wanted_of

__all__ = [
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

# One thread generates at a time: rule tables, kept trees and file names are shared by all.
GENERATING = RLock()


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
    made, _ = gradient_graph(f.function, given, f.argnums, value=f.value, has_aux=f.has_aux)
    return _without_seed(made)


def _without_seed(derivative: Function) -> Function:
    """A gradient as a function to differentiate: its cotangent is 1.0, all of it is primal."""
    at = seed_position(derivative)
    seed = derivative.params[at]
    body = substitute_block(derivative.body, {seed: 1.0})
    body = replace(body, params=tuple(p for p in body.params if p is not seed))
    signature = tuple(p for k, p in enumerate(derivative.signature) if k != at)
    return map_bodies(replace(derivative, body=body, signature=signature), as_primal)


def gradient_graph(
    function: Callable[..., Any],
    given: Given,
    argnums: Argnums,
    *,
    value: bool,
    has_aux: bool,
) -> tuple[Function, Sequence[Facts]]:
    """The gradient of a function as a graph, not yet optimised, and the facts of what is wanted."""
    graph = primal(function, given)
    single = isinstance(argnums, int | str)
    wanted = wanted_of(graph, [argnums] if isinstance(argnums, int | str) else argnums)
    check_arguments(graph, wanted)
    check_scalar(graph, output_of(graph, has_aux))
    made = gradient(graph, wanted, single=single, value=value, has_aux=has_aux)
    return made, [facts_of_wanted(graph, w) for w in wanted]
