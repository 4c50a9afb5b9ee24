"""The backward sweep over straight-line ops: each op's cotangent to its arguments, by its rule."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .. import runtime
from ..analysis.activity import Activity
from ..analysis.activity import carries_derivative as carries
from ..errors import MissingRule, SrcgradError
from ..ir.build import Builder, facts_of_arg
from ..ir.graph import CONTROL, Arg, Op, Value, operands, values_in
from ..ir.types import CONTAINERS
from ..ops import registry, trace
from .cotangents import Cotangents, Partial, is_structure, known_entries, primitive
from .registered import applied, check_given
from .rewind import Rewound

# Products whose factors do not broadcast as long as both are vectors or matrices; a number does.
PRODUCTS = (operator.matmul, np.matmul, np.dot, np.inner, np.outer, np.vdot)


def _vectors_or_matrices(args: Iterable[Arg]) -> bool:
    return all(facts_of_arg(arg).ndim in (1, 2) for arg in args)


def _overwrites_all(op: Op) -> bool:
    """Whether an op writes to every entry of an array: `a[...] = v`."""
    function, args = op.primitive.function, op.args
    return (
        function is runtime.setitem
        and args[1] is Ellipsis
        and facts_of_arg(args[0]).kind in ("array", "unknown")
    )


def refuse_uncovered(op: Op, covered: int, active: Activity) -> None:
    """Refuse a call in which what is differentiated goes where its rule does not look."""
    named = {f"argument {k + 1}": a for k, a in enumerate(op.args) if k >= covered}
    for name, arg in (named | dict(op.kwargs)).items():
        if any(v in active.varied and carries(v.facts) for v in values_in(arg)):
            raise MissingRule(
                f"what is differentiated goes into {name!r} of {op.primitive.name}, for which "
                "there is no derivative rule",
                op.location,
                cure="keep it out of there, or wrap it in srcgrad.stop_gradient",
            )


class Pull(ABC):
    """The backward sweep of one block; control flow is for a subclass.

    `forward` collects the block's ops, control flow amended to hand out what the sweep reads; the
    sweep's own ops go to the builder.
    """

    def __init__(
        self, active: Activity, builder: Builder, table: dict[Value, Any] | None = None
    ) -> None:
        self.active = active
        self.builder = builder
        self.cotangents = Cotangents(builder, table, active.unbound)
        self.forward: list[Op] = []
        self.made: dict[Value, Op] = {}
        self.rewound: dict[Value, Rewound] = {}  # arrays that a reversed op hands back as they were
        self.lasting: set[Value] = set()  # versions of the arrays that a loop around hands on
        self.looping = False  # whether the block is run once per round of some loop
        self.together = False  # whether the two sweeps of the block stand side by side in one block

    @abstractmethod
    def child(self, table: dict[Value, Any] | None = None, looping: bool = False) -> Pull:
        """A sweep of a block inside this one."""

    @abstractmethod
    def of(self, active: Activity, builder: Builder) -> Pull:
        """A sweep of other ops, in the same program."""

    @abstractmethod
    def control(self, op: Op) -> list[Op]:
        """Reverse one control op; the ops to put in its place on the way forward."""

    def seed(self, target: Arg, cotangent: Any) -> None:
        """Add the cotangent of a result to whatever the result is made of."""
        if isinstance(target, Value):
            if target in self.active:
                self.cotangents.add(target, cotangent)
        elif isinstance(target, slice) or cotangent is None:
            return
        elif isinstance(cotangent, Value):
            for key, part in _entries(target):
                if any(v in self.active for v in values_in(part)):
                    self.seed(part, self.emit(operator.getitem, cotangent, key))
        elif is_structure(target):
            for key, part in _entries(target):
                self.seed(part, cotangent[key])

    def emit(self, function: Callable[..., Any], *args: Arg, **kwargs: Arg) -> Value:
        return self.builder.emit(primitive(function), args, kwargs)

    def run(self, ops: Sequence[Op]) -> None:
        """Sweep over the ops, last first."""
        kept: list[Op] = []
        self.made = {r: op for op in ops for r in op.results}
        for op in reversed(ops):
            self.builder.location = op.location
            reached = any(r in self.cotangents for r in op.results)
            if not reached:
                kept.append(op)
            elif op.primitive in CONTROL:
                kept.extend(reversed(self.control(op)))
            else:
                self.pull(op)
                kept.append(op)
        self.forward = kept[::-1]

    def pull(self, op: Op) -> None:
        """Take the cotangent of one op's result to its arguments."""
        if self._is_known_entry(op):
            container, key = op.args
            if container in self.active:
                keys = known_entries(container.facts) or ()
                if key not in keys:
                    key += len(keys)  # xs[-1] and xs[2] may be one entry
                self.cotangents.add_entry(container, key, self.cotangents.table[op.result])
            return
        if op.result.facts.kind == "object" and isinstance(op.primitive.function, type):
            self._pull_fields(op)
            return
        g = self._moving(op, self.cotangents.take(op.result))
        try:
            rule = registry.rule_of(op.primitive)
        except MissingRule as error:
            raise error.at(op.location) from None
        refuse_uncovered(op, len(registry.formulas(rule, len(op.args))), self.active)
        wrapped = trace.wrap((op.args, dict(op.kwargs)), self.builder)
        g, y = trace.wrap((g, op.result), self.builder)
        given_to: dict[Value, Any] = {}
        formulas = list(enumerate(registry.formulas(rule, len(op.args))))
        if op.primitive.function in (runtime.setitem, runtime.append):
            formulas.reverse()  # the cotangent of what was written is taken before it is zeroed
        for k, formula in formulas:
            arg = op.args[k]
            if formula is None or not any(v in self.active for v in values_in(arg)):
                continue
            if k == 0 and _overwrites_all(op):
                continue  # nothing of what stood there is left
            try:
                given = applied(rule, formula, op, (g, y, *wrapped[0]), wrapped[1])
                contribution = trace.unwrap(given)
                check_given(rule, formula, op, contribution, arg, self.builder)
            except SrcgradError as error:
                raise error.at(op.location) from None
            if rule.verb in ("elementwise", "bilinear"):
                contribution = self.unbroadcast(contribution, arg, op)
            if not isinstance(arg, Value):
                self.give(arg, contribution)
            elif arg in given_to:  # x * x: one sum, then one addition
                given_to[arg] = self.cotangents.sum(arg, given_to[arg], contribution)
            else:
                given_to[arg] = contribution
        for arg, contribution in given_to.items():
            self.give(arg, contribution)

    def _moving(self, op: Op, g: Arg) -> Arg:
        """The real part of a cotangent, where what is real is made of what may be complex.

        Among real numbers the imaginary part of a cotangent that is not known to be real does no harm.
        """
        if not (isinstance(g, Value) and g.facts.may_be_complex and op.result.facts.is_real):
            return g
        crossing = any(v.facts.may_be_complex for v in operands(op) if v in self.active)
        return self.emit(np.real, g) if crossing else g

    def _pull_fields(self, op: Op) -> None:
        """An object made of its fields: each field's cotangent goes to what it was made of."""
        g = self.cotangents.table[op.result]
        for name, arg in op.kwargs.items():
            if not any(v in self.active for v in values_in(arg)):
                continue
            if isinstance(g, Partial):
                part = g.entries.get(name)
                if isinstance(part, Partial) and isinstance(arg, Value):
                    part = self.cotangents.whole(arg, part)
            else:
                part = self.emit(getattr, g, name)
            if part is not None:
                self.give(arg, part)

    def _is_known_entry(self, op: Op) -> bool:
        """Whether an op takes one entry, known by its key, out of a container of known entries."""
        if op.primitive.function not in (operator.getitem, getattr):
            return False
        container, key = op.args[:2]
        if not isinstance(container, Value) or any(True for _ in values_in(key)):
            return False
        keys = known_entries(container.facts)
        if keys is None or isinstance(key, slice):
            return False
        return key in keys or (isinstance(key, int) and key + len(keys) in keys)

    def give(self, arg: Arg, contribution: Any) -> None:
        """Add a contribution to an argument, leaf by leaf where the argument is a structure."""
        if isinstance(arg, Value):
            if arg in self.active:
                self.cotangents.add(arg, contribution)
            return
        for key, part in _entries(arg):
            if any(v in self.active for v in values_in(part)):
                if isinstance(contribution, Value):
                    self.give(part, self.emit(operator.getitem, contribution, key))
                else:
                    self.give(part, contribution[key])

    def unbroadcast(self, contribution: Arg, arg: Arg, op: Op) -> Arg:
        """The contribution in the shape of the argument it is for.

        What a formula gives has the shape of the result, so nothing is summed where the result is
        known to have the argument's shape.
        """
        if not isinstance(arg, Value) or arg.facts.kind in CONTAINERS:
            return contribution
        contribution = self.cotangents.fitted(arg, contribution)
        if op.result.facts.same_shape(arg.facts):
            return contribution
        if op.primitive.function in PRODUCTS and _vectors_or_matrices(op.args):
            return contribution
        facts = facts_of_arg(contribution)
        if facts.same_shape(arg.facts) or (facts.is_scalar and arg.facts.is_scalar):
            return contribution
        return self.emit(runtime.unbroadcast, contribution, arg)


def _entries(arg: Arg) -> Iterable[tuple[Any, Arg]]:
    if isinstance(arg, dict):
        return arg.items()
    if isinstance(arg, tuple | list):
        return enumerate(arg)
    return ()
