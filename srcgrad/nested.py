"""A gradient taken inside a function that is differentiated: its graph is put where it is called.

The inner function is read at the call with fresh values for the arguments that count, that piece of
graph is differentiated, and the arguments are put back in. What the inner function reads of the outer
one is no argument of its own, so nothing of the outer derivative gets into the inner one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from . import runtime
from .autodiff.reverse import Wanted, sweep
from .conform import is_differentiable
from .frontend.branches import building
from .frontend.core import BUILTINS, TRANSFORMS, Lowerer
from .frontend.objects import from_object
from .frontend.parameters import free_parameters
from .frontend.statements import ASSERT
from .frontend.symbols import (
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
from .frontend.unwrap import unwrap
from .ir.build import facts_of_arg
from .ir.graph import CALL, Arg, Block, Function, Parameter, Value, walk
from .ir.rewrite import as_primal, renew_block
from .ir.types import PY_FLOAT
from .wanted import (
    Argnums,
    check_arguments,
    check_scalar,
    listed,
    only_the_call_tells,
    refusal,
)

_OPTIONS = ("function", "argnums", "has_aux", "backend")


@dataclass(frozen=True)
class Request:
    """What `grad(f, ...)` asks for, without the function."""

    argnums: Argnums
    value: bool
    has_aux: bool

    __srcgrad_transform__ = True

    def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("this stands for a gradient while a function is read, and is never run")


def install(operators: Mapping[Callable[..., Any], bool | None]) -> None:
    """Teach the frontend the functions that make gradients.

    True stands for those that give the value, too, None for those that are refused.
    """
    for function, value in operators.items():
        made = _refusal(function.__name__) if value is None else _maker(function, value)
        BUILTINS[function] = made
    TRANSFORMS[:] = [_called]


def _refusal(name: str) -> Callable[..., Symbol]:
    def refuse(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
        low.refuse(
            f"'{name}' inside a function that is differentiated is not supported",
            cure="use srcgrad.grad or srcgrad.value_and_grad there",
        )

    return refuse


def _maker(function: Any, value: bool) -> Callable[..., Symbol]:
    """What reads a call of `grad` or `value_and_grad`."""

    def make(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
        given = {**dict(zip(_OPTIONS, args, strict=False)), **kwargs}
        if len(args) > len(_OPTIONS) or not given.keys() <= set(_OPTIONS):
            low.refuse(f"{function.__name__}() takes {', '.join(_OPTIONS)} and nothing else")
        inner = given.pop("function", None)
        if inner is None:  # a decorator with options
            return Partial(function, (), given)
        argnums, has_aux = given.get("argnums", 0), given.get("has_aux", False)
        each = argnums if isinstance(argnums, tuple | list) else [argnums]
        if not all(isinstance(a, int | str) for a in (*each, has_aux)):
            low.refuse(
                f"options of {function.__name__}() that are only known when the function runs",
                cure="write argnums and has_aux out",
            )
        if isinstance(argnums, list):
            argnums = tuple(argnums)
        return Partial(Request(argnums, value, bool(has_aux)), (inner,), {})

    return make


def _called(
    asked: Any, low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
) -> Symbol:
    """The result of calling a derivative: one made here, or one that exists before the call."""
    if isinstance(asked, Request):
        return _gradient(asked, low, args[0], list(args[1:]), dict(kwargs))
    name = getattr(asked, "__name__", "function")
    function = from_object(low, asked.function, low.path(name, asked), lambda: asked.function)
    request = Request(asked.argnums, asked.value, asked.has_aux)
    return _gradient(request, low, function, list(args), dict(kwargs))


def _gradient(
    asked: Request,
    low: Lowerer,
    function: Symbol,
    args: list[Symbol],
    kwargs: dict[str, Symbol],
) -> Symbol:
    name, names = _described(function)
    fresh: dict[Value, Symbol] = {}  # the values that stand for arguments, and what they stand for
    wanted: list[Symbol] = []
    asked_for: list[Parameter] = []
    for argnum in listed(asked.argnums):
        holder, key = _place(low, name, names, argnum, args, kwargs)
        label = key if isinstance(key, str) else names[key] if key < len(names) else f"x_{key}"
        holder[key] = _renewed(low, holder[key], label, fresh)
        wanted.append(holder[key])
        asked_for.append(Parameter(label))
    where = low.location()
    given = tuple(Value(p.name, facts_of_arg(w)) for p, w in zip(asked_for, wanted, strict=True))
    shown = Function(name, tuple(asked_for), Block(given, (), (None,)), location=where)
    check_arguments(shown, [Wanted(k) for k in range(len(given))])
    region = low.region()
    with low.places.inside(region), building(low, region):
        output, aux = _called_inside(asked, low, name, function, args, kwargs)
    if region.changes:
        low.refuse(f"'{name}', whose gradient is taken, rebinds a name of the function around it")
    check_scalar(shown, facts_of_arg(output))
    inputs = [v for v in fresh if is_differentiable(v.facts)]
    body = region.close([output], tuple(inputs))
    if any(op.primitive is CALL for op in walk(body)):
        low.refuse(
            f"the gradient of '{name}', which is recursive, inside a function that is differentiated",
            cure="write the recursion as a loop",
        )
    inner = Function(name, tuple(Parameter(str(v.hint)) for v in inputs), body, location=where)
    seed = Value("g", PY_FLOAT)
    swept = sweep(inner, [Wanted(k) for k in range(len(inputs))], output, seed)
    of = dict(zip(inputs, swept.gradients, strict=True))
    each = [_gradients(w, of) for w in wanted]
    result: Any = each[0] if isinstance(asked.argnums, int | str) else tuple(each)
    if asked.value:
        result = ((output, aux), result) if asked.has_aux else (output, result)
    elif asked.has_aux:
        result = (result, aux)
    spliced = Block((), (*swept.forward, *swept.backward), (result,))
    made = as_primal(renew_block(spliced, {**fresh, seed: 1.0}))
    for op in made.ops:
        low.builder.append(op)
    return made.results[0]


def _called_inside(
    asked: Request,
    low: Lowerer,
    name: str,
    function: Symbol,
    args: list[Symbol],
    kwargs: dict[str, Symbol],
) -> tuple[Arg, Arg]:
    """Read the inner function: what is differentiated of its result, and the auxiliary data."""
    result, aux = low.call(function, args, kwargs), None
    if asked.has_aux:
        if not isinstance(result, tuple) or len(result) != 2:
            low.refuse(f"with has_aux=True, '{name}' must return a pair (result, auxiliary data)")
        result, aux = result[0], low.arg(result[1])
    output = low.arg(result)
    if only_the_call_tells(facts_of_arg(output)):
        low.emit(ASSERT, [low.apply(runtime.is_one_number, output), refusal(name)])
    return output, aux


def _described(function: Symbol) -> tuple[str, list[str]]:
    """The name of a function, and the names of the parameters that a call may give by position."""
    if isinstance(function, Closure):
        code = function.code
        return code.name, [p.name for p in code.parameters if p.kind.startswith("POSITIONAL")]
    if isinstance(function, Method):
        name, names = _described(function.function)
        return name, names[1:]
    if isinstance(function, Partial):
        name, names = _described(function.function)
        return name, [n for n in names[len(function.args) :] if n not in function.keywords]
    function = function.value if isinstance(function, Outside) else function
    name = getattr(function, "__name__", type(function).__name__)
    while hasattr(type(function), "__srcgrad_transform__") and not isinstance(function, Request):
        function = function.function
    if isinstance(function, Request) or not callable(function):
        return name, []
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


def _gradients(wanted: Symbol, of: Mapping[Value, Arg]) -> Symbol:
    """The gradients in the structure of the argument; None for what has no derivative."""
    if isinstance(wanted, Value):
        return of.get(wanted)
    parts = children(wanted)
    return None if parts is None else rebuild(wanted, [_gradients(p, of) for p in parts])
