"""The backward sweep: the recorded graph cut into regions, the program of each run from the last on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from .. import runtime
from ..pipeline import Program
from .calls import Call
from .records import Accumulator, Handle, Node, Reading, Storage, TensorError, operands_in, owner
from .regions import LONGEST, Region, value_of

Make = Callable[[np.ndarray, Storage, Node | None], Handle]


class Step(Protocol):
    """One program of a backward sweep: a region of eager operations, or one call of a function."""

    outputs: Sequence[Node]

    @property
    def program(self) -> Program: ...
    @property
    def leaves(self) -> list[Reading]: ...
    @property
    def sources(self) -> list[Node]: ...
    def saved(self) -> Any: ...


def backward(make: Make, root: Node, gradient: Any, retain_graph: bool) -> None:
    """Add the gradients of all leaves that `root` depends on, given its cotangent, to their `.grad`.

    Raises
    ------
    TensorError
        Where the graph was freed, or a value that is needed was changed in place; no `.grad` has
        changed then.
    MissingRule
        Where an operation has no derivative rule.
    """
    nodes = reachable(root)
    steps = cut(nodes, root)
    for step in steps:
        check_versions(step)
    cotangents: dict[Node, Any] = {root: gradient}
    for step in reversed(steps):
        for node in step.outputs:
            if node.accumulator is not None and node in cotangents:
                add_to(make, node.accumulator, cotangents[node])
        run(make, step, cotangents)
    source = text_of(steps)
    if not retain_graph:
        for node in nodes:
            node.free()
    root.shown = source
