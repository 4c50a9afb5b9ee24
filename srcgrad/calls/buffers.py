"""Gradients written into arrays that the caller hands over: `grad(f)(x, out=buffer)`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import runtime
from ..autodiff.cotangents import primitive
from ..errors import StructureError
from ..ir.build import Builder
from ..ir.graph import (
    LOOPS,
    Arg,
    Block,
    Capture,
    Function,
    Loop,
    Op,
    Parameter,
    Value,
    operands,
    values_in,
    walk,
)
from ..ir.rewrite import substitute
from ..ir.types import Facts
from ..runtime import fields_of, instance
from .conform import shown

ZEROS = (np.zeros_like, np.zeros, runtime.zeros_like)


@dataclass(frozen=True, slots=True)
class Buffer:
    """An array that a program writes a gradient into: where in the gradients that is."""

    path: tuple[Any, ...]
    value: Value


def into_buffers(function: Function, gradients: Arg) -> tuple[Function, list[Buffer]]:
    """The function that takes an array for each array among its gradients, after all else.

    A gradient that begins as zeros and is added to begins in that array; any other is written there
    as it is computed.
    """
    found: list[Buffer] = []
    table: dict[Value, Arg] = {}
    builder = Builder(adjoint=True)
    ops = function.body.ops
    for path, leaf in _leaves(gradients):
        facts = leaf.facts
        if facts.kind != "array" or facts.dtype is None or not facts.dims or leaf in table:
            continue
        buffer = Value("out", Facts("array", facts.dtype, facts.shape))
        started = _started(ops, leaf, buffer)
        if started is not None:
            ops = started
            table[leaf] = leaf
        else:
            args = (buffer, Ellipsis, leaf)
            table[leaf] = builder.emit(primitive(runtime.setitem), args, facts=facts)
            if _reads(ops, leaf) == 0:
                leaf.hint = None  # it needs no line of its own
        found.append(Buffer(path, buffer))
    if not found:
        return function, []
    taken = {p.name for p in function.signature}
    for k, each in enumerate(found):
        name = "out" if len(found) == 1 else f"out_{k}"
        while name in taken:
            name += "_"
        taken.add(name)
        each.value.hint = name
    for op in builder.ops:
        op.result.hint = op.args[0].hint
    buffers = tuple(each.value for each in found)
    names = tuple(Parameter(str(v.hint), "KEYWORD_ONLY") for v in buffers)
    if all(p.kind.startswith("POSITIONAL") for p in function.signature):
        names = tuple(replace(p, kind="POSITIONAL_OR_KEYWORD") for p in names)
    results = tuple(substitute(r, table) for r in function.body.results)
    body = Block((*function.params, *buffers), (*ops, *builder.ops), results)
    signature = (*function.signature, *names)
    return replace(function, signature=signature, body=body, donated=frozenset(buffers)), found


def _leaves(arg: Arg, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Value]]:
    if isinstance(arg, Value):
        return [(path, arg)]
    if isinstance(arg, dict):
        return [leaf for k, v in arg.items() for leaf in _leaves(v, (*path, k))]
    if isinstance(arg, tuple | list):
        return [leaf for k, v in enumerate(arg) for leaf in _leaves(v, (*path, k))]
    return []


def _started(ops: tuple[Op, ...], leaf: Value, buffer: Value) -> tuple[Op, ...] | None:
    """The ops with the zeros that a gradient begins with put into its buffer; None if it has none."""
    makers = {r: op for op in ops for r in op.results}
    value: Arg = leaf
    while isinstance(value, Value):
        op = makers.get(value)
        if op is None:
            return None
        if op.primitive.function in ZEROS:
            break
        if op.primitive in LOOPS and value in Loop(op).finals:
            value = Loop(op).inits[op.results.index(value)]
        elif op.primitive.function in (runtime.index_add, runtime.setitem):
            value = op.args[0]
        else:
            return None
    if not isinstance(value, Value) or value is leaf or _reads(ops, value) > 1:
        return None
    if not value.facts.same_shape(leaf.facts) or value.facts.dtype != leaf.facts.dtype:
        return None
    zeros = makers[value]
    filled = replace(
        zeros, primitive=primitive(runtime.setitem), args=(buffer, Ellipsis, 0.0), kwargs={}
    )
    return tuple(filled if op is zeros else op for op in ops)


def _reads(ops: Sequence[Op], value: Value) -> int:
    every = [o for op in ops for o in (op, *(i for b in op.blocks for i in walk(b)))]
    handed = [v for op in every for b in op.blocks for v in values_in(b.results)]
    return sum(operands(op).count(value) for op in every) + handed.count(value)


def writing(
    run: Callable[..., Any],
    buffers: Sequence[Buffer],
    place: int | None,
    captures: Sequence[Capture] = (),
) -> Callable[..., Any]:
    """`run`, which takes the buffers last, as a call with the structure of buffers last.

    `captures` are what it reads from outside. `place` is where the gradients stand in the result, None
    if they are all of it. What the program left elsewhere is copied, so that all of the result stands in
    the buffers.
    """

    def call(*args: Any) -> Any:
        *bound, out = args
        check_apart(out, captures)
        result = run(*bound, *(_at(out, b.path) for b in buffers))
        if place is None:
            return filled(out, result)
        parts = list(result)
        parts[place] = filled(out, parts[place])
        return tuple(parts)

    return call


def _at(out: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        out = out[key]
    return out


def filled(out: Any, gradient: Any) -> Any:
    """The gradient in the arrays of `out`; what is no array stands as it is."""
    if isinstance(gradient, dict):
        return {k: filled(out[k], g) for k, g in gradient.items()}
    if isinstance(gradient, list | tuple):
        parts = [filled(o, g) for o, g in zip(out, gradient, strict=True)]
        if hasattr(gradient, "_fields"):
            return type(gradient)(*parts)
        return parts if isinstance(gradient, list) else tuple(parts)
    if hasattr(type(gradient), "__dataclass_fields__"):
        fields = fields_of(gradient).items()
        return instance(type(gradient), {k: filled(getattr(out, k), g) for k, g in fields})
    if not isinstance(gradient, np.ndarray):
        return gradient
    if out is not gradient:
        np.copyto(out, gradient)
    return out


def check_buffers(out: Any, like: Any, args: Sequence[np.ndarray], name: str = "out") -> None:
    """Check that `out` has an array for each array of floats of an argument, and memory of its own.

    Raises
    ------
    StructureError
        Naming the part of it that does not fit.

    Examples
    --------
    >>> check_buffers([np.zeros(2), None], [np.ones(2), 1.0], [])
    """
    if isinstance(like, dict):
        if not isinstance(out, dict) or out.keys() != like.keys():
            raise StructureError(
                f"{name} must be a dict with the keys {list(like)}, not {shown(out)}"
            )
        for key, part in like.items():
            check_buffers(out[key], part, args, f"{name}[{key!r}]")
    elif isinstance(like, list | tuple):
        if not isinstance(out, list | tuple) or len(out) != len(like):
            raise StructureError(f"{name} must have {len(like)} entries, not {shown(out)}")
        for k, part in enumerate(like):
            check_buffers(out[k], part, args, f"{name}[{k}]")
    elif hasattr(type(like), "__dataclass_fields__"):
        for key, part in fields_of(like).items():
            check_buffers(getattr(out, key, None), part, args, f"{name}.{key}")
    elif isinstance(like, np.ndarray) and like.dtype.kind in "fc":
        _check_array(out, like, args, name)


def _check_array(out: Any, like: np.ndarray, args: Sequence[np.ndarray], name: str) -> None:
    if not isinstance(out, np.ndarray) or out.shape != like.shape or out.dtype != like.dtype:
        given = f"{out.dtype}{list(out.shape)}" if isinstance(out, np.ndarray) else shown(out)
        raise StructureError(
            f"{name} must be an array of {like.dtype} and of the shape {like.shape}, not {given}",
            cure="make it by np.empty_like of the argument",
        )
    if not out.flags.writeable:
        raise StructureError(f"{name} is read-only", cure="pass a copy of it")
    if shared(out, args):
        raise StructureError(
            f"{name} shares memory with an argument", cure="pass an array of its own"
        )


def shared(array: np.ndarray, others: Iterable[np.ndarray]) -> bool:
    """Whether an array shares memory with any of the others."""
    return any(np.may_share_memory(array, a) and np.shares_memory(array, a) for a in others)


def check_apart(out: Any, captures: Iterable[Capture]) -> None:
    """Check that no two buffers share memory, and none with what the function reads from outside.

    Raises
    ------
    StructureError
        Saying which.
    """
    arrays = arrays_in(out)
    for k, array in enumerate(arrays):
        if shared(array, arrays[:k]):
            raise StructureError(
                "two arrays of out share memory", cure="pass an array of its own for each gradient"
            )
        for capture in captures:
            if shared(array, arrays_in(capture.read())):
                raise StructureError(
                    f"out shares memory with {capture.name}, which the function reads",
                    cure="pass an array of its own",
                )


def arrays_in(value: Any) -> list[np.ndarray]:
    """Every array in an argument."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        return [a for v in value.values() for a in arrays_in(v)]
    if isinstance(value, list | tuple):
        return [a for v in value for a in arrays_in(v)]
    if hasattr(type(value), "__dataclass_fields__"):
        return [a for v in fields_of(value).values() for a in arrays_in(v)]
    return []
