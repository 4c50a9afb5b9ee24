"""Checkpointed calls and loops as the source has them: a block of the graph, and what a loop keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..ir.graph import Block, Value
from ..runtime.checkpoints import checkpoint, checkpointed
from ..runtime.revolve import check_keep
from .branches import building
from .core import BUILTINS, Lowerer
from .merge import Slot, fill
from .symbols import (
    BoundName,
    Closure,
    Conflict,
    Method,
    Outside,
    Partial,
    Symbol,
    Walk,
    children,
    is_constant,
    leaves,
    rebuild,
)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How many states the reverse of a loop may keep, and whether it ends nobody knows when."""

    keep: Symbol
    online: bool


def call_checkpoint(
    low: Lowerer, function: Symbol, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]
) -> Symbol:
    """The symbol of what a checkpointed call returns: the function is read inside a block."""
    region = low.region()
    with low.places.inside(region), building(low, region):
        result = low.memory.settled(low.call(function, args, kwargs))
    inside = {r for op in region.builder.ops for r in op.results}
    given: list[Value] = []

    def slotted(symbol: Symbol) -> Symbol:
        """The symbol with slots for the values that the block hands out."""
        if isinstance(symbol, Value):
            if symbol not in inside:
                return symbol
            given.append(symbol)
            return Slot(len(given) - 1)
        parts = None if isinstance(symbol, Outside) else children(symbol)
        return symbol if parts is None else rebuild(symbol, [slotted(p) for p in parts])

    for symbol in (result, *region.changes.values()):
        if any(isinstance(leaf, _NO_VALUES) for leaf in leaves(symbol)):
            low.refuse(
                "a checkpointed function hands out a function or an iterator",
                cure="return numbers, arrays and containers of such, or leave out the checkpoint",
            )
    value = slotted(result)
    changed = [(key, slotted(symbol)) for key, symbol in region.changes.items()]
    if not region.builder.ops:
        results: tuple[Value, ...] = ()
    else:
        block: Block = region.close(list(given))
        low.builder.location = low.location()
        results = low.builder.emit_checkpoint(block)
    for (frame, name), symbol in changed:
        if frame is low.places.heap:
            low.places.write(name, fill(symbol, results))
        else:
            low.places.bind(frame, name, fill(symbol, results))
    low.memory.merged(results, given)
    return fill(value, results)


_NO_VALUES = (Closure, Method, Partial, BoundName, Walk, Conflict)


def _again(function: object) -> None:
    """Stands for what `checkpoint` makes of a function that is defined inside the one that is read."""
    raise TypeError("this is never run")


def _called(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
    return call_checkpoint(low, args[0], args[1:], kwargs)


def _made(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
    given = [*args, *kwargs.values()]
    if len(given) != 1:
        low.refuse("checkpoint() takes a function and nothing else")
    return Partial(_again, (given[0],), {})


def _loop(low: Lowerer, args: Sequence[Symbol], kwargs: Mapping[str, Symbol]) -> Symbol:
    given = dict(kwargs)
    if len(args) == 1:
        given["iterable"] = args[0]
    if len(args) > 1 or given.keys() - {"iterable", "keep", "online"} or len(given) < 2:
        low.refuse(
            "checkpointed() takes what is walked over, keep= and online=",
            cure="write  for t in srcgrad.checkpointed(range(n), keep=10):",
        )
    keep, online = given.get("keep"), given.get("online", False)
    if not isinstance(online, bool):
        low.refuse("whether a checkpointed loop is online has to be written out")
    if isinstance(keep, Value):
        if keep.facts.kind not in ("int", "unknown", "opaque"):
            low.refuse(f"how many states are kept is an integer, not {keep.facts.kind}")
    elif is_constant(keep):
        try:
            check_keep(keep)
        except (TypeError, ValueError) as error:
            low.refuse(str(error))
    return Walk("checkpointed", (given["iterable"],), Keeping(keep, online))


BUILTINS[checkpoint] = _made
BUILTINS[_again] = _called
BUILTINS[checkpointed] = _loop
