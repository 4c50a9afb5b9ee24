"""How functions are applied to many examples at once: the verbs of the batching tables.

A *batched* value carries its examples along a leading axis. A row says how a function is applied to
arguments of which some are batched, in NumPy, called with tracers:

    leading(np.sum, lambda a, axis=None, **more: np.sum(a, axis=later(axis, a), **more))

A row that does not cover a use calls `give_up`; the function is then run example by example.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from ..ir.graph import Arg, Primitive
from . import tables  # noqa: F401  registers the functions that rows name
from .asks import rank, static
from .registry import PRIMITIVES
from .trace import Tracer, traced, tracers

length = traced(len)
array = traced(np.array)


class GaveUp(Exception):
    """A row does not cover a use of its function."""


def give_up() -> NoReturn:
    """Leave a use of a function to the loop over the examples.

    Raises
    ------
    GaveUp
        Always.
    """
    raise GaveUp


def demand(condition: bool) -> None:
    """Give up unless a condition holds."""
    if not condition:
        give_up()


class Many:
    """A batched argument in the hands of a row: `whole` has the examples along its first axis."""

    __slots__ = ("spread", "whole")

    def __init__(self, whole: Tracer, spread: Callable[[Any], Tracer]) -> None:
        self.whole = whole
        self.spread = spread

    @property
    def rank(self) -> int:
        """The number of axes of one example."""
        known = rank(self.whole)
        return give_up() if known is None else known - 1

    def refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        """NumPy would take a `Many` for an entry of an array of objects."""
        give_up()

    __array__ = __array_ufunc__ = __array_function__ = refuse


class ShapeOf(Tracer):
    """The shape of one example, which remembers the shape of all of them."""

    __slots__ = ("all",)
    all: Any


Row = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Batching:
    """How one function is batched. What `shared` rows give is the same for all examples.

    Rows that take `lists` are given lists of batched values as they stand; others, arrays of them.
    """

    row: Row
    shared: bool = False
    lists: bool = False


BATCHING: dict[Primitive, Batching] = {}


def batching(functions: Any, row: Row, *, shared: bool = False, lists: bool = False) -> None:
    """A row that is given a `Many` for each batched value among its arguments."""
    for function in functions if isinstance(functions, tuple) else (functions,):
        BATCHING[PRIMITIVES[function]] = Batching(row, shared, lists)


def only(argnum: int, args: Sequence[Any], kwargs: Any) -> Many:
    """The argument at a place, if nothing else is batched."""
    demand(argnum < len(args))
    found = args[argnum]
    demand(isinstance(found, Many) and [found] == list(many((tuple(args), kwargs))))
    return found  # type: ignore[no-any-return]


def leading(functions: Any, row: Row, *, argnum: int = 0, shared: bool = False) -> None:
    """A function batched in one argument: the row is given the whole of it in its place."""

    def call(*args: Any, **kwargs: Any) -> Any:
        x = only(argnum, args, kwargs)
        demand(x.rank >= 0)
        return row(*args[:argnum], x.whole, *args[argnum + 1 :], **kwargs)

    batching(functions, call, shared=shared)


def together(functions: Any, row: Row, count: int) -> None:
    """A function whose first `count` arguments are all given whole, repeated where all share them."""

    def call(*args: Any, **kwargs: Any) -> Any:
        demand(not list(many((args[count:], kwargs))))
        return row(*wholes(args[:count]), *args[count:], **kwargs)

    batching(functions, call)


def many(arg: Any) -> Any:
    """Every batched value in a structure of arguments."""
    if isinstance(arg, Many):
        yield arg
    elif isinstance(arg, tuple | list):
        for item in arg:
            yield from many(item)
    elif isinstance(arg, dict):
        yield from many(list(arg.values()))
    elif isinstance(arg, slice):
        yield from many((arg.start, arg.stop, arg.step))


def wholes(args: Sequence[Any]) -> list[Any]:
    """The whole of each argument; what is not batched is repeated for each example."""
    spread = next(many(list(args))).spread
    return [a.whole if isinstance(a, Many) else spread(a) for a in args]


# Lists


def nest(object: Any) -> Any:
    """A nest of lists, all spelled out, as one array of all examples."""
    if isinstance(object, Many):
        demand(is_array(object))
        return object.whole
    demand(isinstance(object, list | tuple))
    spread = next(many(object)).spread
    found = [nest(x) if list(many(x)) else spread(x) for x in object]
    return np.stack(found, 1)


def is_array(x: Many) -> bool:
    """Whether a batched value is an array of all examples, not a list of such arrays."""
    return x.whole.facts.kind in ("array", "unknown")


def as_array(arg: Any) -> Any:
    """A list of values that only a run knows as an array of them; anything else as it is."""
    if isinstance(arg, Many):
        demand(is_array(arg))
    if not isinstance(arg, list | tuple):
        return arg
    if list(many(arg)):
        return Many(nest(arg), next(many(arg)).spread)
    return arg if next(tracers(arg), None) is None else array(arg)


def operands(primitive: Primitive, args: Sequence[Any]) -> list[Any]:
    """The arguments of a function of arrays, none of them a list with something batched in it.

    NumPy's functions make an array of a list; Python's operators do so only beside an array.
    """
    found = [as_array(a) if isinstance(a, Many) or list(many(a)) else a for a in args]
    if not primitive.name.startswith("np."):
        beside = any(
            isinstance(x, Tracer) and x.facts.kind == "array"
            for x in (a.whole if isinstance(a, Many) else a for a in args)
        )
        plain = all(f is a or isinstance(a, slice) for f, a in zip(found, args, strict=True))
        demand(plain or (beside and primitive.function in BINARY))
    return found


BINARY = (
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow, operator.matmul,
)  # fmt: skip


# Axes


def later(axis: Any, whole: Any) -> Any:
    """The axes of one example as axes of the whole: None means all of them."""
    if axis is None:
        places = tuple(range(1, ndim(whole)))
        return places[0] if len(places) == 1 else places
    if isinstance(axis, tuple):
        return tuple(later(k, whole) for k in axis)
    if isinstance(axis, list):
        return [later(k, whole) for k in axis]
    demand(isinstance(axis, int | np.integer) and not isinstance(axis, bool))
    return axis + 1 if axis >= 0 else axis


def at(axis: Any, whole: Any) -> int:
    """One axis of an example as an axis of the whole, not negative."""
    demand(isinstance(axis, int | np.integer))
    return int(axis) + (1 if axis >= 0 else ndim(whole))


def ndim(x: Any) -> int:
    """The number of axes, which a row has to know."""
    known = rank(x)
    return give_up() if known is None else known


def aligned(arg: Any, count: int) -> Any:
    """An argument for broadcasting against others, of which one example has up to `count` axes."""
    if not isinstance(arg, Many):
        demand(ndim(arg) <= count)
        return arg
    missing = count - arg.rank
    demand(missing >= 0)
    return arg.whole[(slice(None), *[None] * missing)] if missing else arg.whole


def ranks(args: Sequence[Any]) -> list[int]:
    """The number of axes of one example of each argument."""
    return [a.rank if isinstance(a, Many) else ndim(a) for a in args]


def broadcast(args: Sequence[Any]) -> list[Any]:
    """Arguments that broadcast against each other in each example, and do so as wholes."""
    known = [a for a in args if a is not None]
    count = max(ranks(known))
    return [None if a is None else aligned(a, count) for a in args]


def stacks(args: Sequence[Any], cores: Sequence[int]) -> list[Any]:
    """Arguments of a function over the last axes, `cores` of them, that broadcasts the others."""
    count = max(r - c for r, c in zip(ranks(args), cores, strict=True))
    found = []
    for arg, core in zip(args, cores, strict=True):
        loops = (arg.rank if isinstance(arg, Many) else ndim(arg)) - core
        demand(loops >= 0)
        if isinstance(arg, Many) and loops < count:
            found.append(arg.whole[(slice(None), *[None] * (count - loops))])
        else:
            found.append(arg.whole if isinstance(arg, Many) else arg)
    return found


def flat(whole: Any) -> Any:
    """Each example in one line."""
    if ndim(whole) == 2:
        return whole
    return whole[:, None] if ndim(whole) == 1 else np.reshape(whole, (length(whole), -1))


def sized(shape: Any, whole: Any) -> Any:
    """The shape of the whole of examples of a shape."""
    if isinstance(shape, ShapeOf):
        return shape.all
    if isinstance(shape, Tracer):
        if shape.facts.kind == "int":
            return (length(whole), shape)
        demand(shape.facts.kind in ("tuple", "list") and shape.facts.items is not None)
        return (length(whole), *[shape[k] for k in range(len(shape.facts.items or ()))])
    return (length(whole), *(shape if isinstance(shape, tuple | list) else (shape,)))


def constant(arg: Any) -> Arg:
    """An argument that has to be written into the program."""
    demand(static(arg) and not list(many(arg)))
    return arg
