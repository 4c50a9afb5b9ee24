"""Reads a function inside the one that is read, with fresh values for the arguments that count."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import runtime
from ..autodiff.reverse import Wanted
from ..calls.conform import is_differentiable
from ..frontend.branches import building
from ..frontend.core import Lowerer
from ..frontend.parameters import free_parameters
from ..frontend.places import Region
from ..frontend.statements import ASSERT
from ..frontend.symbols import (
    Closure,
    Method,
    Outside,
    Partial,
    Record,
    Symbol,
    children,
    is_number,
    labels,
    rebuild,
)
from ..frontend.unwrap import unwrap
from ..ir.build import facts_of_arg
from ..ir.graph import CALL, Arg, Block, Function, Parameter, Value, walk
from ..operators.wanted import check_arguments, check_scalar, only_the_call_tells, refusal


@dataclass(frozen=True)
class Inner:
    """An inner function that has been read: its graph, and the arguments that count.

    The parameters of `graph` are the numbers and arrays in `wanted`, in their order; `fresh` says what
    they stand for.
    """

    graph: Function
    wanted: tuple[Symbol, ...]
    fresh: Mapping[Value, Symbol]
    aux: Arg = None

    def like(self, symbol: Symbol, of: Mapping[Value, Arg]) -> Symbol:
        """A wanted argument with what `of` has for its values, None for what has no derivative."""
        if isinstance(symbol, Value):
            return of.get(symbol)
        parts = children(symbol)
        return None if parts is None else rebuild(symbol, [self.like(p, of) for p in parts])

    def likes(self, each: Sequence[Arg], single: bool) -> Symbol:
        """One result per parameter, structured as the arguments that are asked for."""
        of = dict(zip(self.graph.params, each, strict=True))
        found = tuple(self.like(w, of) for w in self.wanted)
        return found[0] if single else found


def read(
    low: Lowerer,
    function: Symbol,
    args: list[Symbol],
    kwargs: dict[str, Symbol],
    argnums: Sequence[int | str],
    has_aux: bool,
    *,
    all_float: bool = True,
    one_number: bool = False,
) -> Inner:
    """Read an inner function with fresh values for the arguments that are asked for.

    Without `all_float`, an argument may have no derivative. With `one_number`, the result must be one,
    as generated code makes sure where only the call tells.
    """
    name, names = _described(function)
    fresh: dict[Value, Symbol] = {}  # the values that stand for arguments, and what they stand for
    wanted: list[Symbol] = []
    asked_for: list[Parameter] = []
    for argnum in argnums:
        holder, key = _place(low, name, names, argnum, args, kwargs)
        label = key if isinstance(key, str) else names[key] if key < len(names) else f"x_{key}"
        holder[key] = _renewed(low, holder[key], label, fresh)
        wanted.append(holder[key])
        asked_for.append(Parameter(label))
    where = low.location()
    given = tuple(Value(p.name, facts_of_arg(w)) for p, w in zip(asked_for, wanted, strict=True))
    shown = Function(name, tuple(asked_for), Block(given, (), (None,)), location=where)
    if all_float:
        check_arguments(shown, [Wanted(k) for k in range(len(given))])
    region = low.region()
    with low.places.inside(region), building(low, region):
        result, aux = low.call(function, args, kwargs), None
        if has_aux:
            if not isinstance(result, tuple) or len(result) != 2:
                low.refuse(
                    f"with has_aux=True, '{name}' must return a pair (result, auxiliary data)"
                )
            result, aux = result[0], low.arg(result[1])
        output = low.arg(result)
        if one_number:
            check_scalar(shown, facts_of_arg(output))
            if only_the_call_tells(facts_of_arg(output)):
                low.emit(ASSERT, [low.apply(runtime.is_one_number, output), refusal(name)])
    own = {id(part) for w in wanted for part in _parts(w)}
    if any(not _is_inside(low, region, key, own) for key in region.changes):
        low.refuse(
            f"'{name}', whose derivative is taken, writes to what the function around it reads"
        )
    inputs = tuple(v for v in fresh if is_differentiable(v.facts))
    body = region.close([output], inputs)
    if any(op.primitive is CALL for op in walk(body)):
        low.refuse(
            f"the derivative of '{name}', which is recursive, inside a function that is differentiated",
            cure="write the recursion as a loop",
        )
    signature = tuple(Parameter(str(v.hint)) for v in inputs)
    graph = Function(name, signature, body, location=where)
    return Inner(graph, tuple(wanted), fresh, aux)


def _parts(symbol: Symbol) -> Iterator[Symbol]:
    yield symbol
    if not isinstance(symbol, Value):
        for part in children(symbol) or ():
            yield from _parts(part)


def _is_inside(low: Lowerer, region: Region, key: Any, own: Container[int]) -> bool:
    """Whether what was written to belongs to the inner function, which gets copies of its arguments."""
    frame, root = key
    if frame is not low.places.heap:
        return False
    return id(root.first) in own or root.builder is region.builder


def _described(function: Symbol) -> tuple[str, list[str]]:
    """The name of a function, and the names of the parameters that a call may give by position."""
    if isinstance(function, Closure):
        code = function.code
        return code.name, [p.name for p in code.parameters if p.kind.startswith("POSITIONAL")]
    if isinstance(function, Method):
        name, names = _described(function.function)
        return name, names[1:]
    if isinstance(function, Partial):
        if hasattr(type(function.function), "__srcgrad_transform__") and function.args:
            return _described(function.args[0])  # what an operator made of another function
        name, names = _described(function.function)
        return name, [n for n in names[len(function.args) :] if n not in function.keywords]
    function = function.value if isinstance(function, Outside) else function
    name = getattr(function, "__name__", type(function).__name__)
    while hasattr(type(function), "__srcgrad_transform__"):
        if not hasattr(function, "function"):
            return name, []
        function = function.function
    parameters = free_parameters(unwrap(function))
    return name, [p.name for p in parameters if p.kind.startswith("POSITIONAL")]


def _place(
    low: Lowerer,
    name: str,
    names: list[str],
    argnum: int | str,
    args: list[Symbol],
    kwargs: dict[str, Symbol],
) -> tuple[Any, Any]:
    """Where an argument that a gradient is asked for stands: in `args` or `kwargs`, and where there."""
    if isinstance(argnum, int) and argnum < 0:
        argnum += max(len(names), len(args))
    if isinstance(argnum, int) and 0 <= argnum < len(names) and argnum >= len(args):
        argnum = names[argnum]
    if isinstance(argnum, str) and argnum not in kwargs and argnum in names[: len(args)]:
        argnum = names.index(argnum)
    if argnum in kwargs:
        return kwargs, argnum
    if isinstance(argnum, int) and 0 <= argnum < len(args):
        return args, argnum
    what = f"number {argnum}" if isinstance(argnum, int) else repr(argnum)
    low.refuse(
        f"the gradient of '{name}' is asked for with respect to argument {what}, "
        "which is not given in this call"
    )


def _renewed(low: Lowerer, symbol: Symbol, label: str, fresh: dict[Value, Symbol]) -> Symbol:
    """An argument with fresh values for the numbers, arrays and objects in it."""
    if isinstance(symbol, Outside | Record):
        symbol = low.arg(symbol)
    parts = None if isinstance(symbol, Record) else children(symbol)
    if parts is not None:
        return rebuild(
            symbol,
            [
                _renewed(low, p, f"{label}_{k}", fresh)
                for p, k in zip(parts, labels(symbol), strict=True)
            ],
        )
    facts = facts_of_arg(symbol) if isinstance(symbol, Value) or is_number(symbol) else None
    if facts is None or not is_differentiable(facts):
        return symbol
    value = Value(label, facts)
    fresh[value] = symbol
    return value
