"""Reads functions both ways (with what is known of the arguments, and without) and runs the graphs."""

import contextlib
import copy
import io

from zoo.numeric import identical

from srcgrad.frontend.lower import lower, signature_of
from srcgrad.ir.interpret import interpret
from srcgrad.ir.types import facts_of
from srcgrad.ir.verify import verify


def bound(function, args, kwargs=None):
    """The value of each parameter, by name, as a call would bind it."""
    left, named, values = list(args), dict(kwargs or {}), {}
    for p in signature_of(function):
        if p.kind == "VAR_POSITIONAL":
            values[p.name], left = tuple(left), []
        elif p.kind == "VAR_KEYWORD":
            values[p.name], named = named, {}
        elif p.kind.startswith("POSITIONAL") and left:
            values[p.name] = left.pop(0)
        else:
            values[p.name] = named.pop(p.name, p.default)
    assert not left and not named
    return values


def read(function, *args, **kwargs):
    """The graph of a function for these arguments."""
    symbols = {}
    values = bound(function, args, kwargs)
    return verify(lower(function, {k: facts_of(v, symbols) for k, v in values.items()}))


def run(graph, function, *args, **kwargs):
    """What a graph gives for these arguments, and what it prints."""
    values = bound(function, copy.deepcopy(args), copy.deepcopy(kwargs))
    before = copy.deepcopy(values)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        result = interpret(graph, [values[p.name] for p in graph.signature])
    assert identical(values, before), "the arguments were written to"
    return result, printed.getvalue()


def agrees(function, *args, generic=True, **kwargs):
    """Hold the graph of a function against the function itself, and give the graph.

    With `generic`, the graph that is read before any call must agree, too.
    """
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        wanted = function(*copy.deepcopy(args), **copy.deepcopy(kwargs))
    graph = read(function, *args, **kwargs)
    for each in [graph] + ([verify(lower(function))] if generic else []):
        got, text = run(each, function, *args, **kwargs)
        assert identical(got, wanted), f"{got!r} is not {wanted!r}\n{each}"
        assert text == printed.getvalue()
    return graph


def names_of(graph):
    """The primitives of a graph's ops, callees and blocks included, in order."""
    from srcgrad.ir.graph import walk

    functions = {id(f): f for f in (graph, *graph.callees.values())}.values()
    return [op.primitive.name for f in functions for op in walk(f.body)]
