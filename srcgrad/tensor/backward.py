"""The backward sweep: the recorded graph cut into regions, the program of each run from the last on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from .. import runtime
from ..pipeline import Program
from .calls import Call
from .record import Make
from .records import Accumulator, Handle, Node, Reading, Storage, TensorError, owner, rebuilt
from .regions import LONGEST, Region, value_of


class Step(Protocol):
    """One program of a backward sweep: a region of eager operations, or one call of a function."""

    @property
    def outputs(self) -> Sequence[Node]: ...
    @property
    def program(self) -> Program: ...
    @property
    def leaves(self) -> list[Reading]: ...
    @property
    def sources(self) -> list[Node]: ...
    def values(self) -> Any: ...


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
    values = [step.values() for step in steps]
    buffers = [
        [grad_of(make, leaf.accumulator, leaf.array) for leaf in step.leaves] for step in steps
    ]
    retained = {
        node: grad_of(make, node.accumulator, node.value) for node in nodes if node.accumulator
    }
    written = [*(b for step in buffers for b in step), *retained.values()]
    values, gradient = apart((values, gradient), {id(owner(grad._array)) for grad in written})
    cotangents: dict[Node, Any] = {root: gradient}
    for step, saved, grads in zip(steps[::-1], values[::-1], buffers[::-1], strict=True):
        for node in step.outputs:
            if node in retained and node in cotangents:
                retained[node]._array[...] += cotangents[node]
        g = tuple(cotangents.pop(n) if n in cotangents else zero(n) for n in step.outputs)
        given = step.program.run(
            saved, g[0] if len(g) == 1 else g, *(grad._array for grad in grads)
        )
        for node, cotangent in zip(step.sources, given or (), strict=True):
            known = cotangents.get(node)
            cotangents[node] = cotangent if known is None else runtime.add(known, cotangent)
    for grad in written:
        grad._storage.version += 1
    if not retain_graph:
        root.shown = text_of(steps)
        for node in nodes:
            node.free()


def reachable(root: Node) -> list[Node]:
    """The nodes that `root` depends on, itself among them, in the order of their recording.

    Raises
    ------
    TensorError
        If one of them was freed by an earlier sweep.
    """
    found = {root}
    pending = [root]
    while pending:
        node = pending.pop()
        if node.is_freed:
            raise TensorError(
                "Trying to backward through the graph a second time: what it saved was freed by the "
                "first backward()",
                cure="compute the value again, or call the first backward(retain_graph=True)",
            )
        for operand in node.operands:
            if isinstance(operand, Node) and operand not in found:
                found.add(operand)
                pending.append(operand)
    return sorted(found, key=lambda node: node.number)


def cut(nodes: Sequence[Node], root: Node) -> list[Step]:
    """The nodes in steps, each with one program: regions end at calls and at retained gradients."""
    runs: list[list[Node]] = [[]]
    for node in nodes:
        if isinstance(node, Call):
            runs += [[node], []]
            continue
        runs[-1].append(node)
        if node.accumulator is not None or len(runs[-1]) == LONGEST:
            runs.append([])
    runs = [run for run in runs if run]
    home = {node: k for k, run in enumerate(runs) for node in run}
    read = {root}
    for k, run in enumerate(runs):
        for node in run:
            read.update(o for o in node.operands if isinstance(o, Node) and home[o] != k)
    steps: list[Step] = []
    for run in runs:
        first = run[0]
        if isinstance(first, Call):
            steps.append(first)
        else:
            steps.append(Region(run, [node for node in run if node in read]))
    return steps


def grad_of(make: Make, accumulator: Accumulator | None, like: Any) -> Handle:
    """The `.grad` that an accumulator holds, zeros of the shape of `like` where there is none yet."""
    assert accumulator is not None
    if accumulator.grad is None:
        accumulator.grad = make(np.zeros_like(like), Storage(), None)
    return accumulator.grad


def apart(value: Any, memory: set[int]) -> Any:
    """A structure with a copy of every array that lies in memory that is about to be written to."""

    def kept(item: Any) -> Any:
        if isinstance(item, np.ndarray) and id(owner(item)) in memory:
            return item.copy()
        return item

    return rebuilt(value, kept)


def zero(node: Node) -> Any:
    """The cotangent of a node that no gradient reached."""
    return runtime.zeros_like(value_of(node))


def source_of(node: Node) -> str:
    """The generated source of the programs that a backward sweep from `node` runs, first to last.

    Raises
    ------
    TensorError
        If an earlier sweep from another Tensor freed the graph.
    """
    return node.shown if node.shown is not None else text_of(cut(reachable(node), node))


def text_of(steps: Sequence[Step]) -> str:
    """The source of the programs of these steps, last first, each program once."""
    return "\n\n".join(dict.fromkeys(step.program.generated.text for step in steps[::-1]))
