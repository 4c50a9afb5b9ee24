"""Operators inside a function that is differentiated: their graphs are put where they are called.

The inner function is read at the call with fresh values for the arguments that count, the operator
transforms that piece of graph, and the arguments are put back in. What the inner function reads of the
outer one is no argument of its own, so nothing of the outer derivative gets into the inner one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from .. import runtime
from ..autodiff.forward import tangent
from ..autodiff.linear import linearized
from ..autodiff.reverse import Wanted, joint, seed_position
from ..frontend.core import BUILTINS, TRANSFORMS, Lowerer
from ..frontend.objects import from_object, guard
from ..frontend.symbols import (
    Partial,
    Record,
    Symbol,
    children,
    labels,
)
from ..ir.graph import Arg, Block, Function, Op, Value
from ..ir.rewrite import as_primal, renew_block
from ..kinds import Kind
from ..operators.table import OF_ONE_NUMBER, VECTOR_LAST
from ..operators.table import TRANSFORMS as OPERATORS
from ..operators.wanted import listed
from . import roots
from .maps import PARAMETERS, Map, map_called
from .reading import Inner, read


@dataclass(frozen=True)
class Request:
    """What an operator asks for, without the function."""

    operator: str
    options: Mapping[str, Any]

    __srcgrad_transform__ = True

    def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("this stands for a derivative while a function is read, and is never run")


@dataclass(frozen=True)
class Linear:
    """A pullback or a pushforward: ops that are linear in `seeds`, put anew where it is called."""

    name: str
    seeds: tuple[Symbol, ...]  # as the arguments of a call are structured
    table: Mapping[Value, Symbol]
    ops: tuple[Op, ...]
    result: Symbol

    __srcgrad_transform__ = True

    def __call__(self, *seeds: Any) -> NoReturn:
        raise TypeError("this stands for a derivative while a function is read, and is never run")


def install(operators: Mapping[Callable[..., Any], Kind | None]) -> None:
    """Teach the frontend the operators. Those of no kind are called with a function and arguments."""
    for function, kind in operators.items():
        made: Any = AT_ONCE.get(function.__name__) if kind is None else _maker(function, kind)
        BUILTINS[function] = made or _refusal(function.__name__)
    TRANSFORMS[:] = [_called]
    roots.install()


def _refusal(name: str) -> Callable[..., Symbol]:
    def refuse(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
        low.refuse(
            f"'{name}' inside a function that is differentiated is not supported",
            cure="use srcgrad.grad, jvp or vjp there",
        )

    return refuse


def _maker(function: Any, kind: Kind) -> Callable[..., Symbol]:
    """What reads a call of an operator that makes a function of another."""

    def make(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
        names = kind.parameters
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        if len(args) > len(names) or not given.keys() <= set(names):
            low.refuse(f"{function.__name__}() takes {', '.join(names)} and nothing else")
        inner = given.pop("function", None)
        if inner is None:  # a decorator with options
            return Partial(function, (), given)
        options = {**kind.fixed, **{k: v for k, v in given.items() if k not in kind.dropped}}
        options = {k: v if k == "loss" else _as_found(low, v) for k, v in options.items()}
        for key, value in options.items():
            each = value if isinstance(value, tuple | list) else [value]
            if key != "loss" and not all(isinstance(a, int | str | None) for a in each):
                low.refuse(
                    f"options of {function.__name__}() that are only known when the function runs",
                    cure=f"write {key} out",
                )
            if isinstance(value, list):
                options[key] = tuple(value)
        return Partial(Request(kind.operator, options), (inner,), {})

    return make


def _as_found(low: Lowerer, option: Symbol) -> Symbol:
    """An option, which may be a number or a tuple outside: as it is now, until it is another."""
    for capture in low.program.captures.values() if isinstance(option, Value) else ():
        if capture.value is option:
            now = capture.read()
            if all(isinstance(a, int | str) for a in (now if isinstance(now, tuple) else [now])):
                guard(low, f"option {capture.name}", capture.read, now)
                return now
    return option


def _called(
    asked: Any, low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
) -> Symbol:
    """The result of calling what an operator gave: one made here, or one made before the call."""
    if isinstance(asked, Linear):
        return _applied(asked, low, args, kwargs)
    if isinstance(asked, Map):
        return map_called(asked, low, args[0], args[1:], kwargs)
    if isinstance(asked, Request):
        return _transformed(asked, low, args[0], list(args[1:]), dict(kwargs))
    name = getattr(asked, "__name__", "function")
    function = from_object(low, asked.function, low.path(name, asked), lambda: asked.function)
    if hasattr(asked, "in_axes"):
        return map_called(Map(asked.in_axes, asked.out_axes), low, function, args, kwargs)
    if asked.operator not in OPERATORS:
        return _refusal(asked.operator)(low, args, kwargs)
    options = dict(asked.options)
    if options.get("loss") is not None:
        loss = options["loss"]
        options["loss"] = from_object(low, loss, low.path("loss", loss), lambda: loss)
    return _transformed(Request(asked.operator, options), low, function, list(args), dict(kwargs))


def _transformed(
    asked: Request,
    low: Lowerer,
    function: Symbol,
    args: list[Symbol],
    kwargs: dict[str, Symbol],
) -> Symbol:
    options = dict(asked.options)
    argnums, has_aux = options.pop("argnums"), bool(options.get("has_aux"))
    vector: Symbol = None
    if asked.operator in VECTOR_LAST:
        if not args:
            low.refuse("a product with a matrix of derivatives is called without a vector")
        vector = args.pop()
    one = asked.operator in OF_ONE_NUMBER and not options.get("holomorphic")
    inner = read(low, function, args, kwargs, listed(argnums), has_aux, one_number=one)
    single = isinstance(argnums, int | str)
    places = tuple(range(len(inner.graph.params)))
    if asked.operator in VECTOR_LAST:
        dots: dict[Value, Arg] = {}
        parts = [vector] if single else _parts(low, vector, len(inner.wanted))
        for symbol, part in zip(inner.wanted, parts, strict=True):
            _pair(low, symbol, part, dots)
        options["vector"] = [dots[v] for v in inner.graph.params]
    if options.get("loss") is not None:
        options["loss"] = _loss(low, options["loss"], inner)
    if "has_aux" in options:
        options["has_aux"] = False
    asked_of: Any = 0 if asked.operator == "divergence" and len(places) == 1 else places
    made = OPERATORS[asked.operator](inner.graph, asked_of, **options)
    result = _spliced(low, made.body.ops, made.result, inner.fresh)
    if options.get("value"):
        value, each = result
        found = inner.likes(each, single)
        return ((value, inner.aux), found) if has_aux else (value, found)
    found = _structured(asked.operator, inner, result, single)
    return (found, inner.aux) if has_aux else found


def _structured(name: str, inner: Inner, result: Arg, single: bool) -> Symbol:
    """The result of an operator in the structure that the inner function and its arguments give it."""
    if name == "jacobian":
        return _each(inner.graph.result, result, lambda row: inner.likes(row, single))
    if name == "hessian":
        return inner.likes([inner.likes(row, single) for row in result], single)
    if name == "divergence":
        return result
    return inner.likes(result, single)


def _each(like: Arg, given: Arg, change: Callable[[Arg], Symbol]) -> Symbol:
    """`change` applied in each place of the result of a function."""
    if isinstance(like, dict):
        return {k: _each(v, given[k], change) for k, v in like.items()}
    if isinstance(like, tuple | list):
        parts = [_each(v, g, change) for v, g in zip(like, given, strict=True)]
        return type(like)(*parts) if hasattr(like, "_fields") else type(like)(parts)
    return change(given)


def _loss(low: Lowerer, loss: Symbol, inner: Inner) -> Function:
    """The loss of a Gauss-Newton product, as a function of the result of the model."""
    return read(low, loss, [inner.graph.result], {}, [0], False).graph


def _spliced(low: Lowerer, ops: Sequence[Op], result: Arg, table: Mapping[Value, Symbol]) -> Arg:
    """Put ops where the reader is, with what stands for their parameters."""
    block = renew_block(Block((), tuple(ops), (result,)), dict(table))
    made = as_primal(block)
    for op in made.ops:
        low.builder.append(op)
    return made.results[0]


# -- called with a function and its arguments ----------------------------------------------------


def _jvp(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
    given = _arguments(low, "jvp", ("function", "primals", "tangents", "has_aux"), args, kwargs)
    primals = _parts(low, given["primals"])
    tangents = _parts(low, given["tangents"], len(primals))
    has_aux = bool(given.get("has_aux", False))
    inner = read(low, given["function"], primals, {}, range(len(primals)), has_aux, all_float=False)
    dots: dict[Value, Arg] = {}
    for symbol, part in zip(inner.wanted, tangents, strict=True):
        _pair(low, symbol, part, dots)
    made = tangent(inner.graph, range(len(inner.graph.params)))
    known = set(inner.graph.params)
    params = [p for p in made.params if p not in known]
    table = {p: dots[v] for p, v in zip(params, inner.graph.params, strict=True)}
    y, moved = _spliced(low, made.body.ops, made.result, {**inner.fresh, **table})
    return (y, moved, inner.aux) if has_aux else (y, moved)


def _vjp(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
    function, primals, has_aux = _with_primals(low, "vjp", args, kwargs)
    inner = read(low, function, primals, {}, range(len(primals)), has_aux, all_float=False)
    both = joint(inner.graph, [Wanted(k) for k in range(len(inner.graph.params))])
    at = seed_position(both.signature)
    assert at is not None
    y, each = both.result
    pull = Linear("pullback", (both.params[at],), {}, (), inner.likes(each, False))
    return _split(low, both.body.ops, y, inner, pull)


def _linearize(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
    function, primals, has_aux = _with_primals(low, "linearize", args, kwargs)
    inner = read(low, function, primals, {}, range(len(primals)), has_aux, all_float=False)
    made, dots = linearized(inner.graph, range(len(inner.graph.params)))
    y, moved = made.result
    of = dict(zip(inner.graph.params, dots, strict=True))
    seeds = tuple(inner.like(w, of) for w in inner.wanted)
    return _split(low, made.body.ops, y, inner, Linear("pushforward", seeds, {}, (), moved))


def _vmap(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
    given = {**dict(zip(PARAMETERS, args, strict=False)), **kwargs}
    function = given.pop("function", None)
    if function is None:
        low.refuse("vmap() is called without a function")
    return Partial(Map(given.get("in_axes", 0), given.get("out_axes", 0)), (function,), {})


AT_ONCE: dict[str, Callable[..., Symbol]] = {
    "jvp": _jvp,
    "vjp": _vjp,
    "linearize": _linearize,
    "vmap": _vmap,
}


def _split(low: Lowerer, ops: Sequence[Op], y: Arg, inner: Inner, linear: Linear) -> Symbol:
    """Put the forward part where the reader is; the linear part waits for its calls."""
    ahead = tuple(op for op in ops if not op.adjoint)
    behind = tuple(op for op in ops if op.adjoint)
    made = [r for op in ahead for r in op.results]
    value, *renewed = _spliced(low, ahead, (y, *made), inner.fresh)
    table = {**inner.fresh, **dict(zip(made, renewed, strict=True))}
    bound = Linear(linear.name, linear.seeds, table, behind, linear.result)
    function = Partial(bound, (), {})
    return (value, function) if inner.aux is None else (value, function, inner.aux)


def _applied(
    linear: Linear, low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
) -> Symbol:
    if kwargs or len(args) != len(linear.seeds):
        low.refuse(f"a {linear.name} is called with {len(linear.seeds)} arguments by position")
    dots: dict[Value, Arg] = {}
    for seed, part in zip(linear.seeds, args, strict=True):
        _pair(low, seed, part, dots)
    return _spliced(low, linear.ops, linear.result, {**linear.table, **dots})


def _with_primals(
    low: Lowerer, name: str, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
) -> tuple[Symbol, list[Symbol], bool]:
    if not args or not kwargs.keys() <= {"has_aux"}:
        low.refuse(f"{name}() takes a function and its arguments by position, and has_aux")
    return args[0], list(args[1:]), bool(kwargs.get("has_aux", False))


def _arguments(
    low: Lowerer,
    name: str,
    names: Sequence[str],
    args: Sequence[Symbol],
    kwargs: Mapping[str, Symbol],
) -> dict[str, Symbol]:
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    if len(args) > len(names) or not set(names[:3]) <= given.keys() <= set(names):
        low.refuse(f"{name}() takes {', '.join(names)} and nothing else")
    return given


def _parts(low: Lowerer, symbol: Symbol, count: int | None = None) -> list[Symbol]:
    """The entries of a tuple that the source spells out."""
    found = children(symbol) if not isinstance(symbol, Value) else None
    if found is None and isinstance(symbol, Value) and symbol.facts.items is not None:
        found = [low.apply(operator.getitem, symbol, k) for k in range(len(symbol.facts.items))]
    if found is None or (count is not None and len(found) != count):
        low.refuse(
            "a tuple with one entry per argument is asked for here", cure="write the tuple out"
        )
    return found


def _pair(low: Lowerer, wanted: Symbol, given: Symbol, table: dict[Value, Arg]) -> None:
    """Let the values of an argument be told what is given for each of them, zeros for None."""
    if isinstance(wanted, Value):
        zeros = low.apply(runtime.zeros_like, wanted) if given is None else None
        table[wanted] = low.arg(given) if given is not None else zeros
        return
    parts = children(wanted)
    if parts is None:
        return
    entries: Sequence[Symbol]
    if given is None:
        entries = [None] * len(parts)
    elif isinstance(given, Value):
        keys = labels_of(wanted)
        get = getattr if isinstance(wanted, Record) else operator.getitem
        entries = [low.apply(get, given, key) for key in keys]
    else:
        entries = children(given) or ()
    if len(entries) != len(parts):
        low.refuse("a tangent or cotangent is not structured as what it belongs to")
    for part, entry in zip(parts, entries, strict=True):
        _pair(low, part, entry, table)


def labels_of(symbol: Symbol) -> list[Any]:
    """The keys of a container's entries."""
    if isinstance(symbol, dict):
        return list(symbol)
    if isinstance(symbol, Record):
        return list(labels(symbol))
    return list(range(len(children(symbol) or ())))
