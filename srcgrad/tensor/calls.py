"""`@grad` functions called with Tensors: one node whose backward program is the generated source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..api.reverse import Derivative
from ..calls.lookup import measured
from ..ir.graph import CONTROL, Function, Value, map_values
from ..ir.types import array
from ..pipeline import Program, finish, header, primal
from .accumulate import Target, accumulating
from .labels import camel, label_of
from .record import Make, linked, results
from .records import Handle, Node, Reading, check_version, is_record, owner
from .values import is_recorded, plain


@dataclass(frozen=True, slots=True)
class Pair:
    """The programs of one function for arguments of one kind, and the label of its node."""

    forward: Program
    backward: Program
    targets: tuple[Target, ...]
    label: str


CACHED = 1024  # pairs of programs that are kept
_pairs: dict[Any, Pair] = {}


class Call(Node):
    """One call of a differentiated function: what it saved for its backward program."""

    __slots__ = ("kept", "pair")

    def __init__(self, pair: Pair, args: tuple[Any, ...], value: Any, kept: Any) -> None:
        super().__init__(pair.label, None, args, {}, value)
        self.pair = pair
        self.kept = kept

    @property
    def outputs(self) -> Sequence[Node]:
        return (self,)

    @property
    def program(self) -> Program:
        """The generated backward program."""
        return self.pair.backward

    @property
    def leaves(self) -> list[Reading]:
        """The leaves whose gradient the program adds to, in the order of its buffers."""
        return [_at(self.args, t) for t in self.pair.targets if t.buffer is not None]

    @property
    def sources(self) -> list[Node]:
        """The earlier nodes whose cotangents the program returns, in their order."""
        return [_at(self.args, t) for t in self.pair.targets if t.buffer is None]

    def values(self) -> Any:
        """What the forward program saved, if none of it was changed since.

        Raises
        ------
        TensorError
            If an argument or the result was changed in place, and the backward program reads it.
        """
        memory = {id(owner(a)) for a in arrays_in(self.kept)}
        for record in (*self.operands, self):
            if any(id(owner(a)) in memory for a in arrays_in(_content(record))):
                check_version(record)
        return self.kept

    def free(self) -> None:
        super().free()
        self.kept = None


def _content(record: Any) -> Any:
    if isinstance(record, Reading):
        return record.array
    return record.value if isinstance(record, Node) else record


def arrays_in(value: Any) -> Iterator[np.ndarray]:
    """Every array in a structure of values."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from arrays_in(item)
    elif isinstance(value, dict):
        yield from arrays_in(list(value.values()))


def _at(args: Any, target: Target) -> Any:
    found = args[target.position]
    for key in target.path:
        found = getattr(found, key) if is_record(found) else found[key]
    return found


def apply(make: Make, derivative: Derivative, args: Any, kwargs: Any) -> Any:
    """The value of a differentiated function of Tensors, as a Tensor with its gradient program.

    Tensors may stand in lists, tuples, dicts and dataclasses. All of those that require a gradient
    get one, whatever `argnums` the derivative was made with; a function that returns several arrays
    gives as many Tensors.
    """
    tensors: list[Handle] = []
    bound = derivative._bind(args, kwargs)
    values = plain(bound, tensors)
    if not is_recorded(tensors):
        value = derivative.function(*plain(args, []), **plain(kwargs, []))
        return results(make, None, value, tensors)
    records = linked(bound)
    pair = _pair(derivative, values, records)
    value, kept = pair.forward.run(*values)
    return results(make, Call(pair, records, value, kept), value, tensors)


def _pair(derivative: Derivative, values: tuple[Any, ...], records: tuple[Any, ...]) -> Pair:
    """The programs for these arguments, generated where there are none yet or they are out of date."""
    given = derivative._given(values)
    targets = tuple(_targets(tuple(given), records))
    key = (derivative.function, tuple(given.items()), targets)
    pair = _pairs.get(key)
    if pair is None or not (pair.forward.is_current() and pair.backward.is_current()):
        graph = primal(derivative.function, given)
        if measured(graph.captures):
            derivative._all_programs().measure()
            given = derivative._given(values)
            key = (derivative.function, tuple(given.items()), targets)
            graph = primal(derivative.function, given)
        forward, backward, _ = accumulating(graph, targets)
        lines = header(graph, given, "gradient")
        pair = Pair(finish(forward, lines), finish(backward, lines), targets, _label(graph))
        if len(_pairs) >= CACHED:
            del _pairs[next(iter(_pairs))]
        _pairs[key] = pair
    return pair


def _targets(names: Sequence[str], records: Sequence[Any]) -> Iterator[Target]:
    taken: set[str] = set()
    for position, (parameter, record) in enumerate(zip(names, records, strict=True)):
        for path, found in _leaves(record):
            if isinstance(found, Node):
                yield Target(position, path)
            elif found.accumulator is not None:
                name = "_".join(("grad", parameter, *(re.sub(r"\W", "_", str(k)) for k in path)))
                while name in taken:
                    name += "_"
                taken.add(name)
                facts = array(found.array.dtype.name, (None,) * found.array.ndim)
                yield Target(position, path, (name, facts))


def _leaves(record: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The nodes and readings in the records of one argument, with the way to each."""
    if isinstance(record, Node | Reading):
        yield path, record
    elif isinstance(record, tuple | list):
        for k, item in enumerate(record):
            yield from _leaves(item, (*path, k))
    elif isinstance(record, dict):
        for key, item in record.items():
            yield from _leaves(item, (*path, key))
    elif is_record(record):
        for name in record.__dataclass_fields__:
            yield from _leaves(getattr(record, name), (*path, name))


def _label(graph: Function) -> str:
    """The label of what makes the function's result, as if it had run operation by operation."""
    result = graph.result
    if isinstance(result, Value):
        for op in graph.body.ops:
            if result in op.results and op.primitive not in CONTROL:
                return label_of(op.primitive.function, map_values(_stand_in, op.args))
    return f"{camel(graph.name)}Backward"


def _stand_in(value: Value) -> np.ndarray:
    return np.empty((0,) * (value.facts.ndim or 0))
