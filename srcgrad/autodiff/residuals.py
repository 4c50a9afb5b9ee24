"""Residuals: how a reversed loop gets the values of the primal body that it reads.

*Kept* values go on a stack, one entry per round. What is cheap to compute from the loop index, from
values outside the loop and from what is kept anyway is *computed again* where it is read. An array that
is written to entry by entry can be *rewound* (rewind.py): then what it was is at hand without a copy.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np

from ..ir.build import Builder
from ..ir.graph import Arg, Op, Value, operands
from ..ir.rewrite import substitute

# Questions and views: as cheap as reading the stack.
FREE: frozenset[Any] = frozenset(
    {
        np.shape, np.size, np.ndim, np.transpose, np.reshape, np.ravel, np.expand_dims,
        np.squeeze, np.swapaxes, builtins.len, builtins.range, getattr, operator.neg,
    }
)  # fmt: skip
# One pass over operands that are at hand costs no more than writing and reading a copy would.
ONE_PASS: frozenset[Any] = frozenset({operator.add, operator.sub, operator.mul, operator.truediv})


class Residuals:
    """The choice for one block: which of the `wanted` values are kept, in program order.

    `passes` is how many passes over arrays computing a value again may take. `rewound` are at hand, as
    arrays are that are rewound; `apart` are kept all the same.
    """

    def __init__(
        self,
        index: Value | None,
        carried: Sequence[Value],
        ops: Sequence[Op],
        wanted: Collection[Value],
        passes: int = 1,
        rewound: Collection[Value] = (),
        apart: Collection[Value] = (),
    ) -> None:
        self.index = index
        self.rewound = frozenset(rewound)
        self.defined = {r: op for op in ops for r in op.results}
        self.own = {*carried, *self.defined, *self.rewound} | ({index} if index else set())
        self.kept = [v for v in carried if v in wanted and v not in self.rewound]
        self._kept = set(self.kept)
        for value in self.defined:
            if value in wanted and (value in apart or not self._at_hand(value, passes)):
                self.kept.append(value)
                self._kept.add(value)

    def _at_hand(self, value: Value, passes: int) -> bool:
        """Whether a value can be had again within so many passes."""
        if value not in self.own or value is self.index or value in self._kept:
            return True
        if value in self.rewound:
            return True
        op = self.defined.get(value)
        if op is None or not is_cheap(op):
            return False
        if not _on_integers(op) and op.primitive.function in ONE_PASS:
            passes -= 1
        return passes >= 0 and all(self._at_hand(v, passes) for v in operands(op))

    def recover(
        self,
        wanted: Iterable[Value],
        read: Callable[[Value], Arg],
        builder: Builder,
        table: dict[Value, Arg],
    ) -> None:
        """Fill `table`, which begins with the loop index, with the wanted values.

        `read` fetches a value that is kept or rewound; what is computed again is appended to `builder`.
        """
        for value in wanted:
            self._recover(value, read, builder, table)

    def _recover(
        self,
        value: Value,
        read: Callable[[Value], Arg],
        builder: Builder,
        table: dict[Value, Arg],
    ) -> None:
        if value in table or value not in self.own:
            return
        if value in self._kept or value in self.rewound:
            table[value] = read(value)
            return
        op = self.defined[value]
        for operand in operands(op):
            self._recover(operand, read, builder, table)
        table[value] = builder.emit(
            op.primitive,
            tuple(substitute(a, table) for a in op.args),
            {k: substitute(a, table) for k, a in op.kwargs.items()},
            facts=value.facts,
            hint=value.hint,
        )

    def sources(self, value: Value) -> Iterable[Value]:
        """The rewound values that having a wanted value takes."""
        if value in self.rewound:
            yield value
        elif value in self.own and value not in self._kept and value is not self.index:
            for operand in operands(self.defined[value]):
                yield from self.sources(operand)


def is_cheap(op: Op) -> bool:
    """Whether an op costs no more than reading its result from memory."""
    if op.blocks or op.primitive.effect:
        return False
    function = op.primitive.function
    if function is operator.getitem:
        return _is_view(op)
    return function in FREE or function in ONE_PASS or _on_integers(op)


def _on_integers(op: Op) -> bool:
    """Arithmetic on single integers: sizes, indices, counts."""
    return (
        not op.blocks
        and not op.primitive.effect
        and len(op.results) == 1
        and op.result.facts.kind in ("int", "bool")
        and all(v.facts.kind in ("int", "bool", "range") for v in operands(op))
    )


def _is_view(op: Op) -> bool:
    """Whether a subscript only looks: no list or array of indices in it."""
    index = op.args[1]
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        not isinstance(p, list | np.ndarray)
        and not (isinstance(p, Value) and p.facts.kind not in ("int", "str"))
        for p in parts
    )
