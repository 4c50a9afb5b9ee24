"""Matrices of derivatives as graph transforms: one sweep, batched over all rows or over all columns."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from .. import runtime
from ..autodiff.cotangents import primitive
from ..autodiff.reverse import Wanted, joint, seed_position
from ..autodiff.vmap import batch_ops
from ..errors import StructureError
from ..ir.build import Builder, facts_of_arg
from ..ir.graph import Arg, Block, Function, Op, Value
from ..ir.rewrite import substitute_block
from ..ir.types import CONTAINERS, PY_INT, Facts, Size, array
from ..ops import facts as inference
from .gradients import moved, output_of, paired, plain_gradient_of
from .leaves import Leaf, Tree, total_of
from .wanted import (
    Argnums,
    called,
    check_arguments,
    check_real,
    facts_of_wanted,
    holds_complex,
    listed,
    wanted_of,
)

Mode = Literal["forward", "reverse"] | None


def jacobian_of(
    graph: Function, argnums: Argnums, *, mode: Mode = None, has_aux: bool = False
) -> Function:
    """The Jacobian of a function: of each result, by each argument that is asked for.

    Column by column in forward mode, row by row in reverse mode, all at once in either: what does not
    depend on the row or column is computed once. Without a mode, that of the fewer sweeps.
    """
    graph = paired(graph, has_aux)
    wanted = wanted_of(graph, listed(argnums))
    check_arguments(graph, wanted)
    y = facts_of_arg(output_of(graph, has_aux))
    check_real(graph, [facts_of_wanted(graph, w) for w in wanted], y if mode == "reverse" else None)
    if mode is None:
        mode = "forward" if holds_complex(y) else _cheaper(graph, wanted, has_aux)
    rows = _by_rows if mode == "reverse" else _by_columns
    made, result = rows(graph, wanted, has_aux, isinstance(argnums, int | str))
    if has_aux:
        result = (result, graph.result[1])
    body = Block(graph.params, made.body.ops, (result,))
    owned = (0,) if has_aux else ()
    return replace(made, name=f"{graph.name}_jacobian", body=body, owned=owned, doc=None)


def hessian_of(graph: Function, argnums: Argnums, *, has_aux: bool = False) -> Function:
    """The Hessian of a function of one number, forward over reverse, all columns at once."""
    slope = plain_gradient_of(graph, argnums, value=False, has_aux=has_aux)
    made = jacobian_of(slope, argnums, mode="forward", has_aux=has_aux)
    return replace(made, name=f"{graph.name}_hessian")


def divergence_of(graph: Function, argnums: Argnums) -> Function:
    """The trace of the Jacobian of a field, which has as many results as arguments."""
    made = jacobian_of(graph, argnums, mode="forward")
    builder = Builder()
    builder.derived = True
    facts = facts_of_arg(made.result)
    dims = inference.as_array(facts).dims
    half = len(dims or ()) // 2
    pairs = list(zip((dims or ())[:half], (dims or ())[half:], strict=False))
    unlike = any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in pairs)
    if facts.kind in CONTAINERS or len(dims or ()) % 2 or unlike:
        raise StructureError(
            f"the result of {called(graph)} is not shaped as its argument, so it has no divergence",
            graph.location,
            cure="return one array of the shape of the argument, or use srcgrad.jacobian",
        )
    result = made.result
    if dims is None or half > 1 or any(a is None or a != b for a, b in pairs):
        y = output_of(graph, False)
        n = builder.emit(primitive(np.size), (y,))
        result = builder.emit(primitive(np.reshape), (result, (n, n)))
    if dims != ():
        result = builder.emit(primitive(np.trace), (result,))
    body = Block(made.params, (*made.body.ops, *builder.ops), (result,))
    return replace(made, name=f"{graph.name}_divergence", body=body)


def _cheaper(graph: Function, wanted: Sequence[Wanted], has_aux: bool) -> Mode:
    """Reverse mode where there are fewer results than arguments, as far as is known."""
    y = Tree(Builder(), output_of(graph, has_aux))
    xs = [Tree(Builder(), graph.params[w.position]) for w in wanted]
    out, into = total_of(y.leaves), total_of([leaf for x in xs for leaf in x.leaves])
    if isinstance(out, int) and isinstance(into, int):
        return "reverse" if out < into else "forward"
    few = isinstance(out, int) and not isinstance(into, int)
    return "reverse" if few and into is not None else "forward"


# -- rows: one cotangent for each entry of the result -------------------------------------------


def _by_rows(
    graph: Function, wanted: Sequence[Wanted], has_aux: bool, single: bool
) -> tuple[Function, Arg]:
    both = joint(graph, wanted, has_aux=has_aux)
    at = seed_position(both.signature)
    assert at is not None
    g = both.params[at]
    begin = next((k for k, op in enumerate(both.body.ops) if op.adjoint), len(both.body.ops))
    builder = Builder(graph.location, adjoint=True)
    builder.location = None
    output = both.result[0][0] if has_aux else both.result[0]
    y = Tree(builder, output)
    seeds = _basis(builder, y.leaves)
    ops: tuple[Op, ...] = both.body.ops[begin:]
    cotangents: Any = both.result[1]
    if seeds is None:  # one number
        block = substitute_block(Block((), ops, cotangents), {g: y.build(builder, [1.0])})
        ops, cotangents = block.ops, block.results
    else:
        whole = _whole(builder, y.build(builder, seeds))
        ops, cotangents = batch_ops(
            ops,
            cotangents,
            {g: whole},
            _counting(seeds[0], total_of(y.leaves)),
            total_of(y.leaves),
            both.body.ops[:begin],
        )
    finish = Builder(adjoint=True)
    found = []
    for x, cotangent in zip(_trees(finish, graph, wanted), cotangents, strict=True):
        leaves = x.leaves_of(finish, cotangent)
        per_leaf = [
            _rows(finish, leaf, y.leaves, one, seeds is not None)
            for leaf, one in zip(leaves, x.leaves, strict=True)
        ]
        found.append(
            [x.build(finish, [parts[k] for parts in per_leaf]) for k in range(len(y.leaves))]
        )
    each = [tuple(column[k] for column in found) for k in range(len(y.leaves))]
    result = y.build(finish, [e[0] if single else e for e in each])
    made = (*both.body.ops[:begin], *builder.ops, *ops, *finish.ops)
    return replace(graph, body=replace(graph.body, ops=made), callees=both.callees), result


def _rows(builder: Builder, leaf: Leaf, ys: Sequence[Leaf], x: Leaf, batched: bool) -> list[Arg]:
    """The rows of each result's entries, out of all rows of one argument, in the result's shape."""
    if not batched:
        return [leaf.value]
    dims = _beyond(leaf, x)
    found = []
    for part, y in zip(_cut(builder, leaf.value, ys, dims), ys, strict=True):
        if len(y.dims) > 1:
            shape = _shape(builder, [(y.value, y.dims)], [(leaf.value, 1, dims)])
            facts = array(leaf.facts.dtype, (*y.dims, *dims))
            part = builder.emit(primitive(np.reshape), (part, shape), facts=facts)
        found.append(part)
    return found


# -- columns: one tangent for each entry of the arguments ---------------------------------------


def _by_columns(
    graph: Function, wanted: Sequence[Wanted], has_aux: bool, single: bool
) -> tuple[Function, Arg]:
    ahead = replace(graph, body=replace(graph.body, results=(output_of(graph, has_aux),)))
    made, dots = moved(ahead, wanted)
    builder = Builder()
    builder.derived = True
    trees = _trees(builder, graph, wanted)
    leaves = [leaf for tree in trees for leaf in tree.leaves]
    seeds = _basis(builder, leaves)
    columns = seeds if seeds is not None else [1.0]
    given: dict[int, dict[Any, Arg]] = {}
    start = 0
    for w, tree in zip(wanted, trees, strict=True):
        parts = columns[start : start + len(tree.leaves)]
        start += len(tree.leaves)
        given.setdefault(w.position, {})[w.entry] = tree.build(builder, parts)
    table = {
        dot: _entries(builder, graph.params[place], given[place])
        for place, dot in zip(sorted(given), dots, strict=True)
    }
    y, y_dot = made.result
    ops = made.body.ops
    if seeds is None:
        block = substitute_block(Block((), ops, (y_dot,)), table)
        ops, results = block.ops, block.results
    else:
        whole = {dot: _whole(builder, arg) for dot, arg in table.items()}
        ops, results = batch_ops(
            ops, (y_dot,), whole, _counting(columns[0], total_of(leaves)), total_of(leaves)
        )
    finish = Builder()
    finish.derived = True
    outer = Tree(finish, y)
    found = []
    for leaf, target in zip(outer.leaves_of(finish, results[0]), outer.leaves, strict=True):
        parts = _columns(finish, leaf, leaves, target, seeds is not None)
        source = iter(parts)
        each = tuple(tree.build(finish, [next(source) for _ in tree.leaves]) for tree in trees)
        found.append(each[0] if single else each)
    result = outer.build(finish, found)
    every = (*builder.ops, *ops, *finish.ops)
    return replace(graph, body=replace(graph.body, ops=every), callees=made.callees), result


def _columns(builder: Builder, leaf: Leaf, xs: Sequence[Leaf], y: Leaf, batched: bool) -> list[Arg]:
    """The columns of each argument's entries, out of all columns of one result, in the right shape."""
    if not batched:
        return [leaf.value]
    dims = _beyond(leaf, y)
    found = []
    for part, x in zip(_cut(builder, leaf.value, xs, dims), xs, strict=True):
        last = part
        if not x.dims:  # one column, cut out
            found.append(part)
            continue
        if len(dims) == 1:
            last = builder.emit(primitive(np.transpose), (part,))
        elif dims:
            last = builder.emit(primitive(np.moveaxis), (part, 0, -1))
        if len(x.dims) > 1:
            shape = _shape(builder, [(y.value, dims)], [(x.value, 0, x.dims)])
            facts = array(leaf.facts.dtype, (*dims, *x.dims))
            last = builder.emit(primitive(np.reshape), (last, shape), facts=facts)
        found.append(last)
    return found


# -- what both need -------------------------------------------------------------------------------


def _trees(builder: Builder, graph: Function, wanted: Sequence[Wanted]) -> list[Tree]:
    """The arguments that are asked for, each a parameter or an entry of one."""
    found = []
    for w in wanted:
        arg = graph.params[w.position]
        if w.entry is not None:
            arg = builder.emit(primitive(operator.getitem), (arg, w.entry))
        found.append(Tree(builder, arg))
    return found


def _basis(builder: Builder, leaves: Sequence[Leaf]) -> list[Arg] | None:
    """The unit vectors, along the first axis, as an array for each leaf; None for a single number."""
    if len(leaves) == 1 and leaves[0].facts.is_scalar:
        return None
    if not leaves:
        raise StructureError(
            "a matrix of derivatives is taken of floats by floats, and there are none on one side",
            cure="return a float or an array of floats, and pass floats",
        )
    if not all(leaf.known for leaf in leaves):
        raise _unknown()
    total = total_of(leaves)
    if len(leaves) == 1:
        (leaf,) = leaves
        n = builder.emit(primitive(np.size), (leaf.value,), facts=_sized(total))
        named = {} if leaf.facts.dtype in (None, "float64") else {"dtype": leaf.facts.dtype}
        eye = builder.emit(primitive(np.eye), (n,), named)
        if len(leaf.dims) == 1:
            return [eye]
        shape = _shape(builder, [((n,), (total,))], [(leaf.value, 0, leaf.dims)])
        facts = array(leaf.facts.dtype, (total, *leaf.dims))
        return [builder.emit(primitive(np.reshape), (eye, shape), facts=facts)]
    items = tuple(array(_real(leaf.facts.dtype), (total, *leaf.dims)) for leaf in leaves)
    values = tuple(leaf.value for leaf in leaves)
    facts = Facts("tuple", items=items, cls=tuple)
    whole = builder.emit(primitive(runtime.basis), (values,), facts=facts)
    get = primitive(operator.getitem)
    return [builder.emit(get, (whole, k)) for k in range(len(leaves))]


def _unknown() -> StructureError:
    return StructureError(
        "a matrix of derivatives is taken of arrays whose number of axes is known",
        cure="call it, or specialize(*args), so that the arguments are known; where a result "
        "stays unknown, give it a shape, for instance by np.reshape",
    )


def _beyond(rows: Leaf, one: Leaf) -> tuple[Size | None, ...]:
    """The sizes of each row, which is shaped as what it belongs to: either may be known."""
    if rows.known:
        return rows.dims[1:]
    if not one.known:
        raise _unknown()
    return one.dims


def _real(dtype: str | None) -> str:
    return dtype or "float64"


def _sized(size: Size | None) -> Facts:
    return PY_INT if size is None else replace(PY_INT, keys=(size,))


def _counting(batched: Arg, total: Size | None) -> Any:
    if isinstance(total, int):
        return lambda builder: total
    return lambda builder: builder.emit(primitive(len), (batched,))


def _whole(builder: Builder, arg: Arg) -> Value:
    """A structure as one value."""
    if isinstance(arg, Value):
        return arg
    return builder.emit(primitive(runtime.gather), (arg,))


def _entries(builder: Builder, param: Value, given: dict[Any, Arg]) -> Arg:
    """The tangent of a parameter: whole, or entry by entry for `*args` and `**kwargs`."""
    if None in given:
        return given[None]
    keys = param.facts.keys or range(len(param.facts.items or ()))
    parts = {}
    for key in keys:
        if key in given:
            parts[key] = given[key]
        else:
            entry = builder.emit(primitive(operator.getitem), (param, key))
            parts[key] = builder.emit(primitive(runtime.zeros_like), (entry,))
    return parts if param.facts.kind == "dict" else tuple(parts.values())


def _cut(
    builder: Builder, whole: Arg, leaves: Sequence[Leaf], dims: tuple[Size | None, ...]
) -> list[Arg]:
    """The parts of an array along its first axis that belong to each leaf."""
    if len(leaves) == 1:
        return [whole]
    found: list[Arg] = []
    start: Arg = 0
    for leaf in leaves:
        size = leaf.size
        n: Arg = size if isinstance(size, int) else None
        if n is None:
            n = builder.emit(primitive(np.size), (leaf.value,))
        stop: Arg
        if isinstance(start, int) and isinstance(n, int):
            stop = start + n
        else:
            stop = builder.emit(primitive(operator.add), (start, n))
        facts = array(facts_of_arg(whole).dtype, (size, *dims))
        get = primitive(operator.getitem)
        if leaf.dims:
            found.append(builder.emit(get, (whole, slice(start, stop)), facts=facts))
        else:
            found.append(builder.emit(get, (whole, start)))
        start = stop
    return found


def _shape(
    builder: Builder,
    before: Sequence[tuple[Arg, tuple[Size | None, ...]]],
    after: Sequence[tuple[Arg, int, tuple[Size | None, ...]]],
) -> Arg:
    """A shape put together: written out where it is known, asked of the arrays where it is not."""
    ((first, head),) = before
    ((last, skip, tail),) = after
    if all(isinstance(n, int) for n in (*head, *tail)):
        return (*head, *tail)
    parts: list[Arg] = []
    for value, offset, dims in ((first, 0, head), (last, skip, tail)):
        for k, n in enumerate(dims):
            if isinstance(n, int):
                parts.append(n)
            elif isinstance(value, tuple):
                parts.append(value[k])
            else:
                shape = builder.emit(primitive(np.shape), (value,))
                parts.append(builder.emit(primitive(operator.getitem), (shape, k + offset)))
    return tuple(parts)
