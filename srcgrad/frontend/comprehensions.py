"""Comprehensions and generator expressions: lists, made by a loop op or entry by entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gast

from .. import runtime
from .branches import Outcome, branch, truth
from .core import Lowerer
from .expressions import expression
from .late import of_generator
from .loops import LoopReader, attempted, counted
from .places import Frame
from .scopes import stored
from .statements import bind_target
from .symbols import Symbol, Walk, is_constant
from .walks import Iteration, walk

RESULT = "list being made"  # no name of the source can be this


@expression(gast.ListComp)
def _list_comprehension(low: Lowerer, node: Any) -> Symbol:
    return _in_own_frame(low, node, lambda: _list(low, node))


@expression(gast.GeneratorExp)
def _generator(low: Lowerer, node: Any) -> Symbol:
    """A generator expression: the same entries as a list, to be walked over once."""
    made = _list_comprehension(low, node)
    return Walk("lazy", (made,), of_generator(low, node))


def _in_own_frame(low: Lowerer, node: Any, action: Callable[[], Symbol]) -> Symbol:
    outer = low.frame
    targets = frozenset(stored([g.target for g in node.generators])) | {RESULT}
    low.frame = Frame(
        outer.code,
        outer.function,
        outer,
        len(low.places.regions),
        own=targets,
        statement=outer.statement,
    )
    try:
        return action()
    finally:
        low.frame = outer


def _list(low: Lowerer, node: Any) -> Symbol:
    (first, *others) = node.generators
    iteration = _walk_outside(low, first.iter)
    if not others and not first.ifs and not iteration.unrolled(low):
        return attempted(
            low,
            iteration,
            lambda: _stacked(low, node, first, iteration),
            lambda: _collected(low, node, replace(iteration, unroll=True)),
        )
    return _collected(low, node, iteration)


def _collected(low: Lowerer, node: Any, iteration: Iteration) -> Symbol:
    """The entries of a comprehension put into a list one after the other."""
    low.places.bind(low.frame, RESULT, [])
    _generate(low, node, 0, iteration)
    return low.places.read(low.frame, RESULT)


def _walk_outside(low: Lowerer, node: Any) -> Iteration:
    """The first iterable of a comprehension, which is evaluated in the scope around it."""
    inner, low.frame = low.frame, low.frame.parent or low.frame
    try:
        return walk(low, low.evaluate(node))
    finally:
        low.frame = inner


def _stacked(low: Lowerer, node: Any, generator: Any, iteration: Iteration) -> Symbol:
    """One generator without a condition: a loop that stacks its entries."""

    def body(index: Symbol) -> Outcome:
        bind_target(low, generator.target, iteration.entry(index))
        reader.entry = low.evaluate(node.elt)
        low.check_entry(reader.entry)
        return Outcome()

    reader = LoopReader(low, node, body, set(stored([node])))
    reader.stacks = True
    reader.read(iteration.count())
    return counted(reader.stack, iteration)


def _generate(low: Lowerer, node: Any, k: int, iteration: Iteration) -> None:
    """Read the generator k and what is inside it; entries are added to the result."""
    generator = node.generators[k]

    def body(index: Symbol) -> Outcome:
        bind_target(low, generator.target, iteration.entry(index))
        return _filtered(low, generator.ifs, lambda: inner())

    def inner() -> Outcome:
        if k + 1 < len(node.generators):
            further = walk(low, low.evaluate(node.generators[k + 1].iter))
            _generate(low, node, k + 1, further)
        else:
            _add(low, node)
        return Outcome()

    def one_by_one() -> None:
        for index in range(iteration.length or 0):
            body(index)

    def read() -> None:
        names = set(stored([node])) | {RESULT}
        _CarryingReader(low, node, generator, body, names).read(iteration.count())

    if iteration.unrolled(low):
        one_by_one()
    else:
        attempted(low, iteration, read, one_by_one)


class _CarryingReader(LoopReader):
    """The loop of one generator, which carries the list that is being made."""

    def __init__(self, low: Lowerer, node: Any, generator: Any, body: Any, names: set[str]) -> None:
        super().__init__(low, node, body, names - {RESULT})
        self.node = generator.target
        self.keys[low.frame, RESULT] = None


def _filtered(low: Lowerer, conditions: list[Any], inner: Callable[[], Outcome]) -> Outcome:
    if not conditions:
        return inner()
    flag = low.evaluate(conditions[0])
    known = truth(low, flag)
    if known is not None:
        return _filtered(low, conditions[1:], inner) if known else Outcome()
    return branch(low, flag, lambda: _filtered(low, conditions[1:], inner), Outcome)[0]


def _add(low: Lowerer, node: Any) -> None:
    """Add an entry to the result."""
    so_far = low.places.read(low.frame, RESULT)
    if isinstance(node, gast.DictComp):
        key = low.evaluate(node.key)
        if not is_constant(key):
            low.give_up(
                "the keys of this dict are only known when the function runs",
                node.key,
                cure="walk over keys that are known, or make a list",
            )
        low.places.bind(low.frame, RESULT, {**so_far, key: low.evaluate(node.value)})
        return
    entry = low.evaluate(node.elt)
    if isinstance(so_far, list):
        low.places.bind(low.frame, RESULT, [*so_far, entry])
    else:
        low.places.bind(low.frame, RESULT, append(low, so_far, entry))


def append(low: Lowerer, so_far: Symbol, entry: Symbol) -> Symbol:
    """A list with one more entry."""
    low.check_entry(entry)
    return low.apply(runtime.append, so_far, entry)


@expression(gast.DictComp)
def _dict_comprehension(low: Lowerer, node: Any) -> Symbol:
    def action() -> Symbol:
        iteration = _walk_outside(low, node.generators[0].iter)
        low.places.bind(low.frame, RESULT, {})
        if iteration.length is not None:
            iteration = replace(iteration, unroll=True)
        if not iteration.unrolled(low):
            low.refuse(
                "the keys of this dict are only known when the function runs",
                node.key,
                cure="walk over keys that are known, or make a list",
            )
        _generate(low, node, 0, iteration)
        return low.places.read(low.frame, RESULT)

    return _in_own_frame(low, node, action)
