"""Reads a called function where it is called, its parameters bound to the symbols of the arguments."""

from __future__ import annotations

from types import FunctionType

from ..errors import SrcgradError
from ..ir.graph import Value
from .accept import accept
from .core import Lowerer, cut
from .places import Frame
from .recursion import Call, Recursion, callee_of, emit_call, find_recursion
from .scopes import Code
from .source import find_source
from .symbols import Symbol

DEEPEST = 24  # calls inside calls that are read in place
_KEPT = 512
_codes: dict[int, Code] = {}


def code_of(low: Lowerer | None, function: FunctionType) -> Code:
    """The tree of a Python function, checked and kept for the next time.

    Raises
    ------
    SourceNotFound, UnsupportedSyntax
        Its source cannot be found, or holds something that is never accepted.
    """
    key = id(function.__code__)  # safe: what is kept holds the function, and so the code
    code = _codes.get(key)
    if code is None:
        try:
            source = find_source(function)
        except SrcgradError as error:
            raise error.at(low.location() if low is not None else None) from None
        code = Code(source, source.tree, source.name)
        accept(code)
        while len(_codes) >= _KEPT:
            del _codes[next(iter(_codes))]
        _codes[key] = code
    return code


def inline(
    low: Lowerer,
    code: Code,
    parent: Frame | None,
    function: FunctionType | None,
    bound: dict[str, Symbol],
) -> Symbol:
    """What a call returns: the body of what is called is read, or if it is recursive, called."""
    call = Call(code, parent, function, bound)
    result = find_recursion(low, call)
    if result is not None:
        return result
    if len(low.stack) >= DEEPEST:
        low.refuse(
            f"calls are nested {DEEPEST} deep here; does '{code.name}' call itself with ever "
            "changing structure?",
            cure="write the recursion as a loop",
        )
    for name, symbol in bound.items():
        low.memory.made(symbol, name)
        if isinstance(symbol, Value) and symbol.hint is None:
            symbol.hint = name
    outer = low.frame, low.node, low.trail, low.builder
    last, depth = (low.builder.ops[-1] if low.builder.ops else None), len(low.stack)
    heap = dict(low.places.heap.names)
    low.trail = (low.trail, low.node)
    low.frame = Frame(code, function, parent, len(low.places.regions), dict(bound))
    low.stack.append(call)
    recursion = None
    try:
        return low.execute_function(code.body)
    except Recursion as found:
        if found.call is not call:
            raise
        recursion = found
    finally:
        low.frame, low.node, low.trail, low.builder = outer
        del low.stack[depth:]
    cut(low.builder.ops, last)
    low.places.heap.names = heap
    callee = callee_of(low, recursion)
    return emit_call(low, callee, call)
