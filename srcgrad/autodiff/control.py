"""Reverse mode through control flow: which op is reversed how, and calls of recursive functions."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..analysis.activity import Activity
from ..ir.build import Builder, facts_of_arg
from ..ir.graph import BRANCHES, CALL, CHECKPOINT, CUSTOM, Loop, Op, Value
from ..ir.types import Facts, join
from .branches import reverse_branches
from .checkpoints import reverse_checkpoint, reverse_inner_loop
from .cotangents import leaves, primitive
from .custom import reverse_custom
from .loops import reverse_loop
from .pull import Pull


@dataclass(frozen=True, slots=True)
class Pair:
    """The two programs that a called function becomes.

    `forward` gives its result and what the other needs; `backward` takes that and the result's
    cotangent to the cotangents of the `active` parameters, whose facts are `facts`.
    """

    forward: str
    backward: str
    active: tuple[int, ...]
    facts: tuple[Facts, ...]


class Sweep(Pull):
    """The backward sweep of one block, control flow included."""

    def __init__(
        self,
        active: Activity,
        builder: Builder,
        pairs: Mapping[str, Pair],
        table: dict[Value, Any] | None = None,
    ) -> None:
        super().__init__(active, builder, table)
        self.pairs = pairs

    def child(self, table: dict[Value, Any] | None = None, looping: bool = False) -> Sweep:
        """A sweep of a block inside this one."""
        made = Sweep(self.active, self.builder.child(), self.pairs, table)
        made.looping = self.looping or looping
        made.lasting = self.lasting
        return made

    def of(self, active: Activity, builder: Builder) -> Sweep:
        """A sweep of other ops, in the same program."""
        return Sweep(active, builder, self.pairs)

    def control(self, op: Op) -> list[Op]:
        if op.primitive is CHECKPOINT:
            return reverse_checkpoint(self, op)
        if op.primitive is CUSTOM:
            return reverse_custom(self, op)
        if op.primitive in BRANCHES:
            return reverse_branches(self, op)
        if op.primitive is CALL:
            return _reverse_call(self, op)
        if Loop(op).keep is not None and not self.together:
            return reverse_inner_loop(self, op)
        return reverse_loop(self, Loop(op))


def _reverse_call(sweep: Sweep, op: Op) -> list[Op]:
    pair = sweep.pairs[op.attrs["callee"]]
    saved = Value("saved", Facts("tuple"))
    both = Value(None, Facts("tuple", items=(op.result.facts, saved.facts)))
    get = primitive(operator.getitem)
    forward = replace(op, results=(both,), attrs={"callee": pair.forward})
    cotangent = sweep.cotangents.take(op.result)
    # The other program is one for all calls, and knows no more than what holds in each.
    given = tuple(
        join(facts_of_arg(op.args[k]), facts)
        for k, facts in zip(pair.active, pair.facts, strict=True)
    )
    out = Value(None, Facts("tuple", items=given))
    sweep.builder.append(
        Op(
            CALL,
            (saved, cotangent),
            (out,),
            attrs={"callee": pair.backward},
            location=op.location,
            adjoint=True,
        )
    )
    for position, k in enumerate(pair.active):
        arg = op.args[k]
        if any(leaf in sweep.active for leaf in leaves(arg) if isinstance(leaf, Value)):
            g = sweep.builder.emit(get, (out, position), facts=given[position])
            sweep.give(arg, g)
    return [
        forward,
        Op(get, (both, 0), op.results, location=op.location),
        Op(get, (both, 1), (saved,), location=op.location),
    ]
