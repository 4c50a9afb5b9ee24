"""Activity: which values depend on what is differentiated, and matter to what is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..ir.graph import BRANCHES, CALL, CONTROL, CUSTOM, Arg, Block, Loop, Op, Value, values_in
from ..ir.types import Facts
from ..ops import registry
from .unbound import Unbound

INERT = frozenset({"none", "str", "range", "function", "undefined"})


def carries_derivative(facts: Facts) -> bool:
    """Whether a value of these facts can have a derivative at all."""
    return not (facts.is_integral or facts.kind in INERT)


def differentiable_operands(op: Op) -> Iterator[Value]:
    """The values through which an op's result varies smoothly, as its rule tells.

    An op without a rule is taken to vary with all of them; whoever needs its rule will miss it.
    """
    rule = registry.RULES.get(op.primitive)
    if rule is None:
        yield from values_in(op.args)
        yield from values_in(list(op.kwargs.values()))
        return
    if rule.verb == "zero":
        return
    given = registry.formulas(rule, len(op.args))
    for arg, formula in zip(op.args, given, strict=False):
        if formula is not None:
            yield from values_in(arg)
    # Where the rule does not look, the result may vary all the same: the sweep will refuse it.
    yield from values_in(op.args[len(given) :])
    yield from values_in(list(op.kwargs.values()))


class Activity:
    """The values of a block, inner blocks included, that are *active*: varied and useful.

    `unbound` are the values, active or not, that may be undefined when they are not read.
    """

    def __init__(self, block: Block, inputs: Iterable[Value], outputs: Arg) -> None:
        self.unbound = Unbound(block).every
        self.varied = set(inputs)
        self._forward(block.ops)
        self.useful = set(values_in(outputs))
        self._backward(block.ops)

    def __contains__(self, value: object) -> bool:
        return value in self.varied and value in self.useful

    def _varies(self, arg: Arg) -> bool:
        return any(v in self.varied for v in values_in(arg))

    def _spread(self, targets: Iterable[Value], sources: Iterable[Arg]) -> bool:
        """Mark as varied each target whose source varies; True where that was news."""
        news = False
        for target, source in zip(targets, sources, strict=False):
            if target not in self.varied and self._varies(source):
                if carries_derivative(target.facts):
                    self.varied.add(target)
                    news = True
        return news

    def _forward(self, ops: Iterable[Op]) -> None:
        for op in ops:
            if op.primitive in (CALL, CUSTOM):
                self._spread(op.results, [op.args] * len(op.results))
            elif op.primitive in BRANCHES:
                for block in op.blocks:
                    self._forward(block.ops)
                    self._spread(op.results, block.results)
            elif op.primitive in CONTROL:
                self._forward_loop(Loop(op))
            elif any(v in self.varied for v in differentiable_operands(op)):
                self.varied.update(r for r in op.results if carries_derivative(r.facts))

    def _forward_loop(self, loop: Loop) -> None:
        self._spread(loop.carried, loop.inits)
        while True:
            self._forward(loop.body.ops)
            if not self._spread(loop.carried, loop.yields):
                break
        self._spread(loop.finals, loop.inits)
        self._spread(loop.finals, loop.yields)
        self._spread(loop.stacks, loop.entries)

    def _matter(self, sources: Iterable[Arg], targets: Iterable[Value]) -> bool:
        """Mark as useful what each useful target is made of; True where that was news."""
        news = False
        for source, target in zip(sources, targets, strict=False):
            if target in self.useful:
                for value in values_in(source):
                    if value not in self.useful:
                        self.useful.add(value)
                        news = True
        return news

    def _backward(self, ops: tuple[Op, ...]) -> None:
        for op in reversed(ops):
            if op.primitive in (CALL, CUSTOM):
                self._matter([op.args] * len(op.results), op.results)
            elif op.primitive in BRANCHES:
                for block in op.blocks:
                    self._matter(block.results, op.results)
                    self._backward(block.ops)
            elif op.primitive in CONTROL:
                self._backward_loop(Loop(op))
            elif any(r in self.useful for r in op.results):
                self.useful.update(differentiable_operands(op))

    def _backward_loop(self, loop: Loop) -> None:
        self._matter(loop.yields, loop.finals)
        self._matter(loop.entries, loop.stacks)
        while True:
            self._backward(loop.body.ops)
            if not self._matter(loop.yields, loop.carried):
                break
        self._matter(loop.inits, loop.finals)
        self._matter(loop.inits, loop.carried)
