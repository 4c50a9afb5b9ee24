"""Reads a Python function into a graph: the one way into `Function` from source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import gast

from ..errors import UnsupportedSyntax
from ..ir.graph import Function, Parameter, Value
from ..ir.types import UNKNOWN, AnyShape, Facts
from ..ops import registry, tables
from . import (
    builtin_calls,
    checkpoints,
    comprehensions,
    displays,
    grad_of,
    inquiries,
    local_rules,
    loops,
    statements,
)
from .calls import call
from .core import TRANSFORMS, Lowerer, Program, outside_facts
from .inline import code_of
from .lift import lift
from .objects import from_object
from .parameters import free_parameters, is_open, signature_of
from .places import Frame
from .recursion import Call, Recursion, callee_of, dynamic, emit_call, make_main
from .scopes import Code
from .symbols import Symbol
from .unwrap import Unwrapped, unwrap

# Imported for what they register.
_TABLES = (
    builtin_calls, checkpoints, comprehensions, displays, grad_of, inquiries, local_rules, loops,
    tables,
)  # fmt: skip
__all__ = ["TRANSFORMS", "Reader", "lower", "signature_of"]


class Reader(Lowerer):
    """The machine with everything it needs."""

    def call(
        self, function: Symbol, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
    ) -> Symbol:
        return call(self, function, args, kwargs)

    def execute_function(self, body: list[Any]) -> Symbol:
        return statements.execute_function(self, body)


def lower(function: Callable[..., Any], given: Mapping[str, Facts] | None = None) -> Function:
    """The graph of a function, as far as it depends on what `given` says of its parameters.

    Parameters
    ----------
    function : callable
        A function, lambda, method, partial, callable object, or a NumPy or builtin function.
    given : mapping of str to Facts, optional
        What is known of each parameter. Facts with `known` make the parameter static: branches on it
        are decided while reading. Without, numbers and arrays are assumed, and defaults that are None,
        a string, a truth value or a function are taken as they are.

    Raises
    ------
    SourceNotFound
        The source of the function, or of one that it calls, cannot be found.
    UnsupportedSyntax
        It holds something that cannot be read, with the line and what to write instead.

    Examples
    --------
    >>> def f(x, n=2):
    ...     return x**n + 1
    >>> print(lower(f))
    def f(x: unknown, n: int):
        t.0: unknown = pow(x, n)
        t.1: unknown = add(t.0, 1)
        return t.1
    """
    try:
        return _lower(unwrap(function), given)
    except RecursionError:
        raise UnsupportedSyntax(
            f"'{getattr(function, '__name__', function)}' is nested too deeply to be read",
            cure="split its longest expression, or the deepest of its calls, into parts",
        ) from None


def _lower(found: Unwrapped, given: Mapping[str, Facts] | None) -> Function:
    signature = free_parameters(found)
    values = [Value(p.name, _facts(p, given)) for p in signature]
    target = found.function
    if not is_open(target) or registry.find(target) is not None:  # a rule comes before its source
        return _lower_closed(found, signature, values, given is None)
    code = code_of(None, target)
    if given is None:
        numbers = compared_numbers(code.nodes)
        for value in values:
            if value.hint in numbers and value.facts.kind == "unknown":
                value.facts = Facts("unknown", None, ())
    program = Program(module=target.__globals__.get("__name__", ""))
    program.shaped = given is not None
    program.name = "lambda_" if code.name == "<lambda>" else code.name
    where = code.location(code.tree, None)
    low = Reader(program, where, generic=given is None)
    low.frame = Frame(code, target, None, 0)
    symbols = {v.hint or "": low.settled(v) for v in values}
    low.memory.arguments.update((v, p.name) for v, p in zip(values, signature, strict=True))
    low.frame.names.update(_bind(low, code, found, symbols))
    main = Call(code, None, target, dict(low.frame.names))
    low.stack.append(main)
    try:
        result = low.arg(low.execute_function(code.body))
        made = Function(program.name, signature, low.builder.block(values, [result]))
    except Recursion as recursion:
        # What was read so far is thrown away: the function is read as the callee of itself.
        low = Reader(program, where, generic=given is None)
        low.frame = Frame(code, target, None, 0)
        made = _lower_recursive(low, recursion, program.name, signature, values)
    captures = tuple(program.captures.values())
    made = replace(
        made,
        doc=target.__doc__,
        location=where,
        guards=tuple(program.guards.values()),
        writes=frozenset(low.memory.written_arguments),
        assumes=tuple(low.memory.assumed),
    )
    callees = {c.name: c.function for each in program.known.values() for c in each}
    return lift(made, callees, captures)


def _lower_recursive(
    low: Lowerer,
    recursion: Recursion,
    name: str,
    signature: tuple[Parameter, ...],
    values: list[Value],
) -> Function:
    """The graph of a function that calls itself: as its own callee, if all it passes are parameters."""
    facts = {v.hint or "": v.facts for v in values}
    if dynamic(recursion.call).keys() <= facts.keys():
        return replace(make_main(low, recursion, facts), signature=signature)
    result = emit_call(low, callee_of(low, recursion), recursion.call)
    return Function(name, signature, low.builder.block(values, [result]))


def compared_numbers(nodes: Sequence[Any]) -> set[str]:
    """The names that an `if` or `while` compares: those of single numbers, as an array has no truth.

    A name that is bound once more may have been an array before. The nodes are those of a function's
    tree, its own first.

    >>> sorted(compared_numbers(list(gast.walk(gast.parse("while a > b + 1 and c != 0: pass")))))
    ['a', 'c']
    """
    found: set[str] = set()

    def decide(test: Any) -> None:
        if isinstance(test, gast.BoolOp):
            for part in test.values:
                decide(part)
        elif isinstance(test, gast.UnaryOp):
            decide(test.operand)
        elif isinstance(test, gast.Compare) and not isinstance(test.ops[0], _NOT_ORDER):
            operands = (test.left, *test.comparators)
            found.update(o.id for o in operands if isinstance(o, gast.Name))

    for node in nodes:
        if isinstance(node, gast.If | gast.While | gast.IfExp):
            decide(node.test)
    return found - _rebound(nodes)


def _rebound(nodes: Sequence[Any]) -> set[str]:
    """The names that are assigned to, or that are parameters of a function inside."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, gast.Name) and isinstance(node.ctx, gast.Store):
            found.add(node.id)
        elif isinstance(node, gast.FunctionDef | gast.Lambda) and node is not nodes[0]:
            found.update(n.id for n in gast.walk(node.args) if isinstance(n, gast.Name))
    return found


_NOT_ORDER = (gast.In, gast.NotIn, gast.Is, gast.IsNot)


def _facts(parameter: Parameter, given: Mapping[str, Facts] | None) -> Facts:
    """What is known of a parameter: what was said, or what is assumed."""
    if given is not None and parameter.name in given:
        return given[parameter.name]
    if parameter.kind == "VAR_POSITIONAL":
        return Facts("tuple", element=UNKNOWN)
    if parameter.kind == "VAR_KEYWORD":
        return Facts("dict", element=UNKNOWN)
    if parameter.has_default:
        return outside_facts(parameter.default)
    return Facts("unknown", None, AnyShape(parameter.name))


def _bind(
    low: Lowerer, code: Code, found: Unwrapped, free: Mapping[str, Symbol]
) -> dict[str, Symbol]:
    """The symbol of every parameter: what is free, and what an owner or a partial has fixed."""
    result: dict[str, Symbol] = dict(free)
    low.program.owners.update("self" if k == 0 else f"bound_{k}" for k in range(len(found.bound)))
    bound = [
        _fixed(low, "self" if k == 0 else f"bound_{k}", value)
        for k, value in enumerate(found.bound)
    ]
    fixed = {k: _fixed(low, k, v) for k, v in found.keywords.items()}
    for p in code.parameters:
        if p.kind.startswith("POSITIONAL") and bound:
            result[p.name] = bound.pop(0)
        elif p.kind == "VAR_POSITIONAL" and (bound or p.name not in result):
            if p.name in result and isinstance(result[p.name], Value):
                facts = result[p.name].facts
                if facts.items is None:
                    low.refuse("a partial that fixes some of '*" + p.name + "'", code.tree)
                more = [low.emit_item(result[p.name], k) for k in range(len(facts.items))]
                result[p.name] = (*bound, *more)
            else:
                result[p.name] = tuple(bound)
            bound = []
        elif p.name in fixed:
            result[p.name] = fixed.pop(p.name)
    for p in code.parameters:
        if p.kind == "VAR_KEYWORD" and fixed:
            facts = result[p.name].facts
            if facts.keys is None:
                low.refuse("a partial that fixes some of '**" + p.name + "'", code.tree)
            more_named = {k: low.emit_item(result[p.name], k) for k in facts.keys}
            result[p.name] = {**fixed, **more_named}
    return result


def _fixed(low: Lowerer, name: str, value: Any) -> Symbol:
    """The symbol of an argument that an owner or a partial has fixed."""
    if isinstance(value, bool | int | float | complex):
        return value
    return from_object(low, value, low.path(name, value), lambda: value)


def _lower_closed(
    found: Unwrapped, signature: tuple[Parameter, ...], values: list[Value], generic: bool
) -> Function:
    """The graph of a function that is not read: one op."""
    program = Program()
    low = Reader(program, generic=generic)
    args: list[Symbol] = [_fixed(low, f"bound_{k}", v) for k, v in enumerate(found.bound)]
    kwargs = {k: _fixed(low, k, v) for k, v in found.keywords.items()}
    for p, value in zip(signature, values, strict=True):
        known = value.facts.known
        if p.has_default and known and known[0] is p.default:
            continue
        symbol = low.settled(value)
        if p.kind == "VAR_POSITIONAL":
            items = value.facts.items
            if items is None:
                low.refuse(
                    f"how many arguments '{program.name or p.name}' gets is not known here",
                    cure="call the gradient, or wrap the function in a lambda",
                )
            args.extend(low.emit_item(value, k) for k in range(len(items)))
        elif (
            p.kind == "KEYWORD_ONLY"
            or (p.has_default and kwargs)
            or (p.has_default and p.kind == "POSITIONAL_OR_KEYWORD")
        ):
            kwargs[p.name] = symbol
        else:
            args.append(symbol)
    result = low.arg(low.call(found.function, args, kwargs))
    name = getattr(found.function, "__name__", type(found.function).__name__)
    name = "lambda_" if name == "<lambda>" else name
    captures = tuple(program.captures.values())
    return Function(name, signature, low.builder.block(values, [result]), captures)
