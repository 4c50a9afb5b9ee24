"""Structure: which inputs each entry of a function's result may depend on, found by running its graph.

Beside each value runs its *tree* (`ops/dependence.py`): for each entry, the set of inputs that its
derivative may see. Loops and branches go as the values tell, so the structure is that of the path taken
at this point; on that path it holds all entries of the Jacobian that can be other than zero. It is
structural: `0 * x` counts.

Which arguments and captured values the path and the structure were read off is noted too. As long as
these stay as they are, so does the structure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import StructureError
from ..ir.graph import (
    CALL,
    CHECKPOINT,
    CUSTOM,
    FOR,
    IF,
    LOOPS,
    WITH,
    Arg,
    Function,
    Loop,
    Op,
    Value,
    operands,
)
from ..ir.interpret import Environment, Runner
from ..ops import dependence, registry
from ..ops.dependence import ROWS, Call, Row, Tree
from ..ops.index_sets import Array, IndexSets
from ..runtime import dtype_of, fields_of, reduced_size

# What asks for the shape of its first argument, not for its entries.
ASKS_SHAPE = frozenset({np.shape, np.ndim, np.size, len, dtype_of, reduced_size})

# What a value depends on, and a bit for each source that it was computed from.
Traced = tuple[Tree, int]
CONSTANT: Traced = (None, 0)


@dataclass(frozen=True, slots=True)
class Structure:
    """Rows of indices, in CSR form, and the sources that they were read off.

    `arguments` are the positions of parameters, `captures` those of captured values; `unknowable` says
    that something was consulted that may be another at each run.
    """

    shape: tuple[int, int]
    indptr: Array
    indices: Array
    arguments: tuple[int, ...]
    captures: tuple[int, ...]
    unknowable: bool
    result: Any


def structure_of(function: Function, args: Sequence[Any], position: int) -> Structure:
    """The structure of the Jacobian of a function's result by the array at a position of its arguments.

    Raises
    ------
    StructureError
        If the result is not one array.
    """
    x = np.asarray(args[position])
    sets = IndexSets(x.size)
    tracker = Tracker(function, sets, moving=1 << position)
    trees: list[Tree] = [None] * len(args)
    trees[position] = sets.inputs.reshape(x.shape)
    sources = [1 << k for k in range(len(args))]
    result, tree = tracker.call(function, args, list(zip(trees, sources, strict=True)))
    if not isinstance(result, np.ndarray):
        raise StructureError(
            f"a sparse Jacobian is of a function that returns one array, and {function.name} "
            f"returns {type(result).__name__!r}",
            function.location,
            cure="return an array, for instance with np.concatenate; of one number, use srcgrad.grad",
        )
    ids = np.zeros(result.shape, int) if tree is None else tree
    indptr, indices = sets.resolve(ids)
    consulted = tracker.consulted
    return Structure(
        (result.size, x.size),
        indptr,
        indices,
        tuple(k for k in range(len(args)) if consulted >> k & 1),
        tuple(k for k in range(len(function.captures)) if consulted >> (len(args) + k) & 1),
        bool(consulted & tracker.unknown),
        result,
    )


class Tracker(Runner):
    """Runs a graph with trees beside the values; `traced` has an entry for what is not constant."""

    def __init__(self, function: Function, sets: IndexSets, moving: int) -> None:
        super().__init__(dict(function.callees))
        self.sets = sets
        self.moving = moving
        self.consulted = 0
        count = len(function.params)
        self.captures = {c.name: 1 << (count + k) for k, c in enumerate(function.captures)}
        self.unknown = 1 << (count + len(function.captures))
        self.traced: dict[Value, Traced] = {}

    def call(
        self, function: Function, args: Sequence[Any], traced: Sequence[Traced]
    ) -> tuple[Any, Tree]:
        """The result of a function and its tree."""
        outside, self.traced = self.traced, {}
        environment: Environment = {}
        for c in function.captures:
            environment[c.value] = c.read()
            self.traced[c.value] = (None, self.captures.get(c.name, self.unknown))
        environment.update(zip(function.params, args, strict=True))
        self.note(function.params, traced)
        self.run(function.body.ops, environment)
        result = self.get(function.result, environment)
        tree, mask = self.of(function.result)
        self.traced = outside
        self.last = mask
        return result, tree

    # -- what is known beside the values ----------------------------------------------------------

    def of(self, arg: Arg) -> Traced:
        """The tree of an argument of an op, and its sources."""
        if isinstance(arg, Value):
            return self.traced.get(arg, CONSTANT)
        if isinstance(arg, tuple | list):
            each = [self.of(a) for a in arg]
            trees: Tree = [t for t, _ in each]
            trees = (trees if isinstance(arg, list) else tuple(trees)) if any_tree(trees) else None
            return trees, joint(m for _, m in each)
        if isinstance(arg, dict):
            by_key = {k: self.of(a) for k, a in arg.items()}
            tree = {k: t for k, (t, _) in by_key.items()}
            return tree if any_tree(tree.values()) else None, joint(m for _, m in by_key.values())
        if isinstance(arg, slice):
            return None, joint(self.of(a)[1] for a in (arg.start, arg.stop, arg.step))
        return CONSTANT

    def note(self, values: Iterable[Value], traced: Iterable[Traced]) -> None:
        """Set what runs beside some values."""
        for value, each in zip(values, traced, strict=True):
            if each[0] is None and not each[1]:
                self.traced.pop(value, None)
            else:
                self.traced[value] = each

    def consult(self, arg: Arg) -> None:
        """Note that what runs was chosen by the value of an argument."""
        self.consulted |= self.of(arg)[1]

    # -- running ----------------------------------------------------------------------------------

    def step(self, op: Op, environment: Environment) -> Sequence[Any]:
        primitive = op.primitive
        if primitive in (IF, WITH, CHECKPOINT):
            block = op.blocks[0]
            if primitive is IF:
                self.consult(op.args[0])
                block = op.blocks[0 if self.get(op.args[0], environment) else 1]
            results: Sequence[Any]
            if primitive is WITH:
                with self.get(op.args[0], environment):
                    results = self.block(block, (), environment)
            else:
                results = self.block(block, (), environment)
            self.note(op.results, [self.of(r) for r in block.results])
            return results
        if primitive is CUSTOM:  # the rule may say more than what runs
            results = self.block(op.blocks[0], (), environment)
            self.note(op.results, [self.everything(op, y, environment) for y in results])
            return results
        if primitive in LOOPS:
            return self.loop(Loop(op), self.get(op.args, environment), environment)
        if primitive is CALL:
            callee = self.callees[op.attrs["callee"]]
            self.callees.update(callee.callees)
            args = self.get(op.args, environment)
            result, tree = self.call(callee, args, [self.of(a) for a in op.args])
            self.note(op.results, [(pruned(tree, result), self.last)])
            return [result]
        return [self.apply(op, environment)]

    def loop(self, loop: Loop, args: Sequence[Any], environment: Environment) -> list[Any]:
        width, counted = loop.width, loop.op.primitive is FOR
        if counted:
            self.consult(loop.op.args[0])
        carried = tuple(args[1:] if counted else args)
        beside = [self.of(a) for a in loop.inits]
        stacks: list[list[Any]] = [[] for _ in loop.entries]
        trees: list[list[Traced]] = [[] for _ in loop.entries]
        for index in self.rounds(loop, args):
            if loop.test is not None:
                self.note(loop.test.params, beside)
                go_on = self.block(loop.test, carried, environment)[0]
                self.consult(loop.test.results[0])
                if not go_on:
                    break
            self.note(loop.body.params, [CONSTANT, *beside])
            results = self.block(loop.body, (index, *carried), environment)
            carried = results[:width]
            beside = [self.of(y) for y in loop.yields]
            for k, entry in enumerate(loop.entries):
                stacks[k].append(results[width + k])
                trees[k].append(self.of(entry))
            if loop.stops:
                self.consult(loop.stop)
                if results[-1]:
                    break
        if loop.reverse:
            for stack in (*stacks, *trees):
                stack.reverse()
        self.note(loop.finals, beside)
        self.note(loop.stacks, [self.stacked(each) for each in trees])
        return [*carried, *stacks]

    def stacked(self, each: list[Traced]) -> Traced:
        """The list that a loop makes of an entry of each round."""
        trees = [t for t, _ in each]
        return trees if any_tree(trees) else None, joint(m for _, m in each)

    def apply(self, op: Op, environment: Environment) -> Any:
        """Run an op that holds no blocks."""
        function = op.primitive.function
        if function is print:
            self.note(op.results, [CONSTANT])
            return None
        args = self.get(op.args, environment)
        kwargs = {k: self.get(a, environment) for k, a in op.kwargs.items()}
        y = function(*args, **kwargs)
        rule = registry.RULES.get(op.primitive)
        unknown = 0 if rule is not None else self.unknown  # it may be another at each run
        if not unknown and not any(v in self.traced for v in operands(op)):
            self.note(op.results, [CONSTANT])
            return y
        traced = [self.of(a) for a in op.args]
        named = {k: self.of(a) for k, a in op.kwargs.items()}
        mask = joint([m for _, m in traced]) | joint([m for _, m in named.values()])
        tree: Tree = None
        if rule is not None and rule.verb == "zero":
            pass
        elif not named and is_plain(function, rule, (y, *args)):
            tree = self.plain([t for t, _ in traced], y)
        elif any_tree([t for t, _ in traced]) or any_tree([t for t, _ in named.values()]):
            tree = self.tree_of(op, list(zip(args, traced, strict=True)),
                                {k: (kwargs[k], named[k]) for k in kwargs}, y)  # fmt: skip
        if function in ASKS_SHAPE and is_shape_known(op.args[0]):
            mask = 0
        mask |= unknown
        if mask and (tree is None or unknown) and is_sized(y) and not is_shape_known(op.result):
            self.consulted |= mask  # its shape was made of values
        self.note(op.results, [(tree, mask)])
        return y

    def everything(self, op: Op, y: Any, environment: Environment) -> Traced:
        """What depends on all that an op is given."""
        args = self.get(op.args, environment)
        trees, masks = zip(*map(self.of, op.args), strict=True) if op.args else ((), ())
        if not any_tree(trees):
            return None, joint(masks)
        call = Call(self.sets, op.primitive.function, args, {}, y, trees, masks, {}, self.moving)
        return pruned(dependence.everything(call), y), joint(masks)

    def plain(self, trees: list[Tree], y: Any) -> Tree:
        """`dependence.entrywise` for numbers and arrays, made short: loops over entries live on it."""
        out: Tree = None
        for tree in trees:
            if tree is not None:
                out = tree if out is None else self.sets.union(out, tree)
        return out if out is None else pruned(dependence.shaped(out, y), y)

    def tree_of(
        self,
        op: Op,
        args: list[tuple[Any, Traced]],
        kwargs: dict[str, tuple[Any, Traced]],
        y: Any,
    ) -> Tree:
        """The tree of the result of an op, by its row."""
        primitive = op.primitive
        rule = registry.RULES.get(primitive)
        pairs, options = registry.normalize_call(
            primitive, [_Paired(a) for a in args], {k: _Paired(a) for k, a in kwargs.items()}
        )
        given = [p.of if isinstance(p, _Paired) else (p, CONSTANT) for p in pairs]
        rest = {k: p.of if isinstance(p, _Paired) else (p, CONSTANT) for k, p in options.items()}
        names = (rule.parameters if rule is not None else None) or ()
        call = Call(
            self.sets,
            primitive.function,
            tuple(a for a, _ in given),
            {k: a for k, (a, _) in rest.items()},
            y,
            (*(t for _, (t, _) in given), *(t for _, (t, _) in rest.values())),
            tuple(m for _, (_, m) in given),
            {
                **dict(zip(names, (a for a, _ in given), strict=False)),
                **{k: a for k, (a, _) in rest.items()},
            },
            self.moving,
        )
        row = ROWS.get(primitive.function)
        if any(t is not None for _, (t, _) in rest.values()):
            row = None  # what is differentiated stands where no row looks
        elif row is None and rule is not None and rule.verb == "elementwise":
            row = ENTRYWISE
        if row is None:
            tree = dependence.everything(call)
        else:
            call.trees = call.trees[: len(given)]
            tree = row.rule(call)
            if row.data is not None:
                for k in range(len(given)):
                    if k not in row.data:
                        call.consult(k)
            self.consulted |= joint(m for _, (_, m) in rest.values())
        self.consulted |= call.consulted
        return pruned(tree, y)


class _Paired:
    """An argument with what runs beside it, while the arguments of a call are put in order."""

    def __init__(self, of: tuple[Any, Traced]) -> None:
        self.of = of


_CONTAINERS = (list, tuple, dict)
ENTRYWISE = Row(dependence.entrywise)


def is_plain(function: Any, rule: registry.Rule | None, values: Iterable[Any]) -> bool:
    """Whether a call is applied entry by entry, to numbers and arrays, and gives one of these."""
    if rule is None or any(isinstance(v, _CONTAINERS) for v in values):
        return False
    row = ROWS.get(function)
    return rule.verb == "elementwise" if row is None else row.rule is dependence.entrywise


def any_tree(trees: Iterable[Tree]) -> bool:
    """Whether one of these depends on anything."""
    return any(t is not None for t in trees)


def joint(masks: Iterable[int]) -> int:
    """The sources of several values."""
    out = 0
    for mask in masks:
        out |= mask
    return out


def is_shape_known(arg: Arg) -> bool:
    """Whether the shape of an argument follows from the shapes of the function's own."""
    if not isinstance(arg, Value):
        return False
    facts = arg.facts
    return facts.items is not None or (facts.dims is not None and None not in facts.dims)


def is_sized(value: Any) -> bool:
    """Whether there may be more or fewer entries of a value."""
    return isinstance(value, list | tuple | dict) or np.ndim(value) > 0


def pruned(tree: Tree, value: Any) -> Tree:
    """A tree without what has no derivative: integers, strings."""
    if tree is None:
        return None
    if isinstance(value, np.ndarray):
        assert np.shape(tree) == value.shape, "a row gave a tree of another shape than the result"
        return tree if value.dtype.kind in "fcO" else None
    if isinstance(value, list | tuple):
        parts = [pruned(t, v) for t, v in zip(tree, value, strict=True)]
        return (parts if isinstance(value, list) else tuple(parts)) if any_tree(parts) else None
    if isinstance(tree, dict):
        fields = value if isinstance(value, dict) else fields_of(value)
        by_key = {k: pruned(t, fields[k]) for k, t in tree.items()}
        return by_key if any_tree(by_key.values()) else None
    if isinstance(value, float | complex | np.floating | np.complexfloating):
        return int(tree)
    return None
