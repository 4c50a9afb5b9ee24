"""`vmap` inside a function that is differentiated: the inner function is read for one example."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from ..autodiff.cotangents import primitive
from ..autodiff.vmap import batch_ops, one_of
from ..frontend.branches import building
from ..frontend.core import Lowerer
from ..frontend.symbols import Record, Symbol, children, is_number, labels, rebuild
from ..ir.build import Builder, facts_of_arg
from ..ir.graph import Arg, Value
from ..ir.types import NUMERIC, Size

PARAMETERS = ("function", "in_axes", "out_axes")


@dataclass(frozen=True)
class Map:
    """What `vmap(f, in_axes, out_axes)` asks for, without the function."""

    in_axes: Any
    out_axes: int

    __srcgrad_transform__ = True

    def __call__(self, *args: Any) -> NoReturn:
        raise TypeError("this stands for a function while it is read, and is never run")


class _Examples:
    """The arguments of one example, and what they are taken from."""

    def __init__(self, low: Lowerer) -> None:
        self.low = low
        self.batched: dict[
            Value, Value
        ] = {}  # the value of one example, and of all, first axis first
        self.size: Size | None = None

    def one(self, symbol: Symbol, axes: Any, label: str) -> Symbol:
        """An argument as one example has it."""
        if axes is None:
            return symbol
        parts = None if isinstance(symbol, Value) else children(symbol)
        if parts is not None:
            each = self._each(axes, parts, label)
            names = labels(symbol)
            found = [
                self.one(p, a, f"{label}_{n}") for p, a, n in zip(parts, each, names, strict=True)
            ]
            return rebuild(symbol, found)
        if isinstance(symbol, Record):
            self.low.refuse(f"examples of '{label}', an object, inside a differentiated function")
        facts = facts_of_arg(symbol) if isinstance(symbol, Value) else None
        dims = facts.dims if facts is not None else None
        if is_number(symbol) or facts is None or not isinstance(axes, int) or not dims:
            self.low.refuse(
                f"vmap takes examples of '{label}', which is not known to be an array",
                cure="give None for it in in_axes, or an array whose number of axes is known",
            )
        axis = axes % len(dims)
        value = Value(label, one_of(facts, axis))
        whole = symbol if axis == 0 else self.low.apply(np.moveaxis, symbol, axis, 0)
        self.batched[value] = whole
        self.size = dims[axis] if self.size is None else self.size
        return value

    def _each(self, axes: Any, parts: Sequence[Symbol], label: str) -> list[Any]:
        if isinstance(axes, int):
            return [axes] * len(parts)
        given = children(axes)
        if given is None or len(given) != len(parts):
            self.low.refuse(f"in_axes for '{label}' has not the structure of the argument")
        return given


def map_called(
    asked: Map, low: Lowerer, function: Symbol, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
) -> Symbol:
    """Read a function for one example of its arguments, and put it here for all of them."""
    axes = asked.in_axes if isinstance(asked.in_axes, tuple | list) else [asked.in_axes] * len(args)
    if kwargs or len(axes) != len(args):
        low.refuse(
            "vmap inside a differentiated function takes arguments by position, with an axis each"
        )
    examples = _Examples(low)
    ones = [examples.one(a, x, f"x_{k}") for k, (a, x) in enumerate(zip(args, axes, strict=True))]
    if not examples.batched:
        low.refuse(
            "vmap was given nothing to take examples from", cure="give the axis of an argument"
        )
    region = low.region()
    with low.places.inside(region), building(low, region):
        output = low.arg(low.call(function, ones, {}))
    if region.changes:
        low.refuse("a function that vmap applies rebinds a name of the function around it")
    body = region.close([output], tuple(examples.batched))
    first = next(iter(examples.batched.values()))

    def count(builder: Builder) -> Arg:
        if isinstance(examples.size, int):
            return examples.size
        return builder.emit(primitive(builtins.len), (first,), hint="n")

    ops, results = batch_ops(body.ops, (output,), examples.batched, count, examples.size)
    for op in ops:
        low.builder.append(op)
    return results[0] if asked.out_axes == 0 else _moved(low, results[0], asked.out_axes)


def _moved(low: Lowerer, result: Arg, axis: int) -> Symbol:
    """A result with the examples along another axis."""
    if isinstance(result, Value):
        if result.facts.kind not in NUMERIC:
            low.refuse("out_axes other than 0, of a container whose entries are not known")
        return low.apply(np.moveaxis, result, 0, axis)
    parts = children(result)
    return result if parts is None else rebuild(result, [_moved(low, p, axis) for p in parts])
