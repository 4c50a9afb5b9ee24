"""Rows that say which inputs each entry of a result may depend on, given those of the arguments.

A row is called with a `Call`: the arguments, the result, and for each argument its *tree*: None where it
depends on nothing, else numbers of sets (`index_sets.py`) in the structure and shapes of the argument.
It gives the tree of the result. What has no row here and is not elementwise depends, in every entry,
on all that its arguments depend on: never wrong, but dense. The dependence is that of a derivative:
where an index, a condition or a shape decides, it is taken as it stands, and noted as consulted.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import runtime
from .index_sets import Array, Ids, IndexSets

Tree = Any  # None, an int, an array of ints, or a list, tuple or dict of trees
MOST_EDGES = 5_000_000  # beyond, the zeros of a constant factor are not looked at


@dataclass(slots=True)
class Call:
    """One call: the arguments, the result `y`, and the trees of the arguments.

    `masks[k]` has a bit for each source that the value of argument k was computed from; `moving` are
    the bits of what is differentiated. `consulted` collects the bits of the sources that the result's
    tree was read off.
    """

    sets: IndexSets
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    y: Any
    trees: tuple[Tree, ...]
    masks: tuple[int, ...]
    named: Mapping[str, Any]  # all arguments by the names that the function has for them
    moving: int = 0
    consulted: int = field(default=0)

    def filled(self, k: int) -> Any:
        """The tree of argument k, with 0 for what depends on nothing."""
        return filled(self.trees[k], self.args[k])

    def ids(self, k: int) -> Array:
        """The sets of argument k, which is an array, a number or a list of these."""
        return np.asarray(self.filled(k))

    def consult(self, k: int) -> None:
        """Note that the result's tree was read off the value of argument k."""
        self.consulted |= self.masks[k]


Rule = Callable[[Call], Tree]


@dataclass(frozen=True, slots=True)
class Row:
    """How one function passes dependence on; `data` are the arguments that it takes it from.

    The others are consulted: an index, an axis, a shape. With None for `data`, all are data.
    """

    rule: Rule
    data: tuple[int, ...] | None = None


ROWS: dict[Any, Row] = {}


def row(functions: Any, rule: Rule, *data: int) -> None:
    """Add a row for a function, or for each of several."""
    for function in functions if isinstance(functions, tuple | list) else (functions,):
        ROWS[function] = Row(rule, data or None)


def have(*names: str, home: Any = np) -> list[Any]:
    """Those of these functions that this NumPy has."""
    return [vars(home)[name] for name in names if name in vars(home)]


# Trees


def blank(value: Any) -> Any:
    """The tree, written out, of a value that depends on nothing."""
    if isinstance(value, np.ndarray):
        return np.zeros(value.shape, int)
    if isinstance(value, list):
        return [blank(v) for v in value]
    if isinstance(value, tuple):
        return tuple(blank(v) for v in value)
    if isinstance(value, dict):
        return {k: blank(v) for k, v in value.items()}
    if hasattr(type(value), "__dataclass_fields__"):
        return {k: blank(v) for k, v in runtime.fields_of(value).items()}
    return 0


def filled(tree: Tree, value: Any) -> Any:
    """A tree with 0 written out for each part of the value that depends on nothing."""
    if tree is None:
        return blank(value)
    if isinstance(tree, list | tuple):
        return type(tree)(filled(t, v) for t, v in zip(tree, value, strict=True))
    if isinstance(tree, dict):
        fields = value if isinstance(value, Mapping) else runtime.fields_of(value)
        return {k: filled(t, fields[k]) for k, t in tree.items()}
    return tree


def leaves(tree: Tree) -> list[Ids]:
    """The arrays and numbers of a tree."""
    if tree is None:
        return []
    if isinstance(tree, list | tuple):
        return [leaf for t in tree for leaf in leaves(t)]
    if isinstance(tree, dict):
        return [leaf for t in tree.values() for leaf in leaves(t)]
    return [tree]


def uniform(value: Any, number: int) -> Any:
    """The tree of a value of which every entry has the same set."""
    if isinstance(value, np.ndarray):
        return np.full(value.shape, number)
    if isinstance(value, list | tuple):
        made = [uniform(v, number) for v in value]
        return made if isinstance(value, list) else tuple(made)
    if isinstance(value, dict):
        return {k: uniform(v, number) for k, v in value.items()}
    if hasattr(type(value), "__dataclass_fields__"):
        return {k: uniform(v, number) for k, v in runtime.fields_of(value).items()}
    return number


def merged(sets: IndexSets, a: Tree, b: Tree) -> Tree:
    """The unions of two trees of one structure."""
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, list | tuple):
        return type(a)(merged(sets, s, t) for s, t in zip(a, b, strict=True))
    if isinstance(a, dict):
        return {k: merged(sets, a[k], b[k]) for k in a}
    return sets.union(a, b)


def shaped(ids: Ids, like: Any) -> Ids:
    """Sets broadcast to the shape of a value."""
    shape = np.shape(like)
    return ids if np.shape(ids) == shape else np.broadcast_to(ids, shape)


def is_container(value: Any) -> bool:
    """Whether a value is structured, and so its tree."""
    return isinstance(value, list | tuple | dict) or hasattr(type(value), "__dataclass_fields__")


# What is right for everything


def everything(call: Call) -> Tree:
    """Every entry depends on all that any argument depends on."""
    return uniform(call.y, call.sets.together(*(x for t in call.trees for x in leaves(t))))


def entrywise(call: Call) -> Tree:
    """Each entry depends on the entries of the arguments that broadcasting brings together."""
    if is_container(call.y):
        return _of_containers(call)
    out: Ids = 0
    for k, tree in enumerate(call.trees):
        if tree is not None:
            out = call.sets.union(out, call.ids(k) if isinstance(tree, list | tuple) else tree)
    return shaped(out, call.y)


def _of_containers(call: Call) -> Tree:
    if call.function is runtime.add:
        return merged(call.sets, call.trees[0], call.trees[1])
    if call.function is operator.add:  # of lists, which it joins
        return call.filled(0) + call.filled(1)
    if call.function is operator.mul and is_container(call.args[0]):
        return call.filled(0) * call.args[1]
    if isinstance(call.y, tuple) and not any(map(is_container, (*call.args, *call.y))):
        each = Call(**{f: getattr(call, f) for f in call.__slots__} | {"y": call.y[0]})
        return tuple(entrywise(each) for _ in call.y)  # divmod, modf
    return everything(call)


row((operator.mul, np.multiply, *have("real", "imag", "angle", "modf", "frexp", "divmod"), divmod,
     float, np.float64, np.float32, runtime.astype, *have("astype")), entrywise)  # fmt: skip

# The op itself, run on the sets: whatever moves entries about


def moves(call: Call) -> Tree:
    """The op itself, with the sets for data."""
    data = ROWS[call.function].data or tuple(range(len(call.args)))
    args = [call.filled(k) if k in data else a for k, a in enumerate(call.args)]
    options = {k: v for k, v in call.kwargs.items() if k not in ("dtype", "copy")}
    return call.function(*args, **options)


row((np.reshape, np.ravel, np.transpose, np.moveaxis, np.rollaxis, np.swapaxes, np.squeeze,
     np.expand_dims, np.broadcast_to, np.flip, np.fliplr, np.flipud, np.rot90, np.roll, np.repeat,
     np.tile, np.diag, np.diagflat, np.diagonal, np.tril, np.triu, np.take, np.take_along_axis,
     np.concatenate, np.stack, np.hstack, np.vstack, np.dstack, np.column_stack, np.split,
     np.array_split, np.hsplit, np.vsplit, np.dsplit, np.copy, runtime.restore_axes, runtime.shifted,
     runtime.split_like, runtime.split_stacked, runtime.unstack, runtime.tolist, runtime.align,
     runtime.columns, runtime.permute, runtime.gather, runtime.copied, runtime.nested, list,
     *have("matrix_transpose", "unstack"), *have("diagonal", "matrix_transpose", home=np.linalg)),
    moves, 0)  # fmt: skip
row((np.compress, np.extract), moves, 1)
row(np.append, moves, 0, 1)
row(runtime.append, moves, 0, 1)
row((np.meshgrid, np.broadcast_arrays, np.atleast_1d, np.atleast_2d, np.atleast_3d), moves)


def as_array(call: Call) -> Tree:
    """An array of numbers, or of nested lists of numbers and arrays."""
    return np.reshape(call.ids(0), np.shape(call.y))


row((np.array, np.asarray, np.asanyarray, np.ascontiguousarray), as_array, 0)


def single(call: Call) -> Tree:
    """The one entry of an array."""
    return int(call.ids(0).item())


row(runtime.item, single, 0)


def as_tuple(call: Call) -> Tree:
    """A tuple of the entries."""
    return tuple(call.filled(0))


row(tuple, as_tuple, 0)


def filled_with(argument: int) -> Rule:
    """An array of one value, or of what broadcasts to it."""
    return lambda call: shaped(call.filled(argument), call.y)


row((np.full, np.full_like), filled_with(1), 1)


def padded(call: Call) -> Tree:
    """What np.pad copies; what it computes depends on everything."""
    mode = call.named.get("mode", "constant")
    if mode not in ("constant", "edge", "wrap", "reflect", "symmetric", "empty"):
        return everything(call)
    return np.pad(call.ids(0), call.args[1], mode if mode != "empty" else "constant")


row(np.pad, padded, 0)


def chosen(call: Call) -> Tree:
    """Of np.where, the side that the condition takes; both, if the condition itself moves."""
    if len(call.args) < 3 or call.masks[0] & call.moving:
        return entrywise(call)
    call.consult(0)
    return np.where(call.args[0], call.filled(1), call.filled(2))


row(np.where, chosen, 0, 1, 2)


def selected(call: Call) -> Tree:
    """Any of the choices, and the default."""
    out: Ids = 0
    for choice in [*call.filled(1), *(call.filled(k) for k in range(2, len(call.args)))]:
        out = call.sets.union(out, choice)
    return shaped(out, call.y)


row(np.select, selected, 0, 1, 2)

# Reading and writing entries


def _number(ids: Any) -> Ids:
    """One set as an int, which is quicker than an array of no dimensions."""
    return int(ids) if not isinstance(ids, list | tuple | dict) and np.ndim(ids) == 0 else ids


def picked(call: Call) -> Tree:
    """`a[index]`."""
    tree, index = call.trees[0], call.args[1]
    if isinstance(tree, list | tuple | dict):
        return tree[index]
    found = np.asarray(tree)[index]
    return found if found.ndim else int(found)


def put(call: Call) -> Tree:
    """`a` with `v` at an index."""
    return runtime.setitem(call.filled(0), call.args[1], call.filled(2))


def added(call: Call) -> Tree:
    """`d` with `v` added at an index, which may name an entry twice."""
    d, index, v = call.filled(0), call.args[1], call.filled(2)
    if isinstance(d, list | tuple | dict):
        return runtime.setitem(d, index, merged(call.sets, d[index], v))
    parts = index if isinstance(index, tuple) else (index,)
    if not any(isinstance(p, list | np.ndarray) for p in parts):
        out = d.copy()
        out[index] = call.sets.union(_number(d[index]), v)
        return out
    places = np.arange(d.size).reshape(d.shape)[index]
    return joined(call.sets, d, places, np.broadcast_to(v, places.shape))


def joined(sets: IndexSets, d: Array, places: Array, v: Array) -> Array:
    """`d`, with the sets `v` joined to its entries at flat `places`."""
    came = sets.gathered(d.size, places.ravel(), v.ravel())
    return np.asarray(sets.union(d, came.reshape(d.shape)))


def added_along(call: Call) -> Tree:
    """`d` with `v` added at the entries that np.take_along_axis would take."""
    d, v = call.ids(0), call.ids(2)
    places = np.take_along_axis(np.arange(d.size).reshape(d.shape), call.args[1], call.args[3])
    return joined(call.sets, d, places, np.broadcast_to(v, places.shape))


def field_of(call: Call) -> Tree:
    """The field of an object, or of a named tuple."""
    tree, name = call.trees[0], call.args[1]
    if isinstance(tree, dict):
        return tree[name]
    if isinstance(tree, tuple):
        return tree[type(call.args[0])._fields.index(name)]
    return everything(call)


def field_added(call: Call) -> Tree:
    """An object with `v` added to one field."""
    tree, name, v = call.filled(0), call.args[1], call.filled(2)
    if isinstance(tree, dict):
        return {**tree, name: merged(call.sets, tree[name], v)}
    at = type(call.args[0])._fields.index(name)
    return runtime.setitem(tree, at, merged(call.sets, tree[at], v))


def made_of(call: Call) -> Tree:
    """An object of these fields."""
    return call.filled(1)


def regrouped(call: Call) -> Tree:
    """The entries in a list, a tuple or an array."""
    entries = list(call.filled(0))
    if isinstance(call.y, np.ndarray):
        return np.array(entries)
    return entries if isinstance(call.y, list) else tuple(entries)


row(operator.getitem, picked, 0)
row(runtime.setitem, put, 0, 2)
row(runtime.index_add, added, 0, 2)
row(runtime.add_along_axis, added_along, 0, 2)
row(getattr, field_of, 0)
row(runtime.attribute_add, field_added, 0, 2)
row(runtime.instance, made_of, 1)
row(runtime.regroup, regrouped, 0, 1)

# The adjoints of what moves entries about: each entry of the cotangent goes back where it came from


def sent_back(places: Callable[..., Any], shape_of: int = 1) -> Rule:
    """`places(positions, call)`: where each entry of `g` came from, counted from 1; 0 for nowhere."""

    def rule(call: Call) -> Tree:
        shape = np.shape(call.args[shape_of])
        size = int(np.prod(shape, dtype=int))
        source = places(np.arange(1, size + 1).reshape(shape), call)
        tails = np.broadcast_to(call.ids(0), np.shape(source)).ravel()
        out = call.sets.gathered(size + 1, np.ravel(source), tails)[1:].reshape(shape)
        return _number(out)

    return rule


def _by_shape(call: Call) -> Tree:
    if is_container(call.args[1]) or np.shape(call.args[0]) == np.shape(call.args[1]):
        return call.trees[0]
    return _UNBROADCAST(call)


_UNBROADCAST = sent_back(lambda at, call: np.broadcast_to(at, np.shape(call.args[0])))
row(runtime.unbroadcast, _by_shape, 0, 1)
row(
    runtime.repeat_adjoint,
    sent_back(lambda at, call: np.repeat(at, *call.args[2:], **call.kwargs)),
    0,
    1,
)
row(runtime.tile_adjoint, sent_back(lambda at, call: np.tile(at, call.args[2])), 0, 1)
row(
    runtime.pad_adjoint, sent_back(lambda at, call: np.pad(at, *call.args[2:], **call.kwargs)), 0, 1
)
row(
    runtime.diag_adjoint,
    sent_back(lambda at, call: np.diag(at, *call.args[2:], **call.kwargs)),
    0,
    1,
)
row(runtime.diagonal_adjoint,
    sent_back(lambda at, call: np.diagonal(at, *call.args[2:], **call.kwargs)), 0, 1)  # fmt: skip


def traced_back(call: Call) -> Tree:
    """One cotangent all along a diagonal."""
    a = np.arange(1, np.size(call.args[1]) + 1).reshape(np.shape(call.args[1]))
    source = np.diagonal(a, *call.args[2:], **call.kwargs)
    tails = np.broadcast_to(np.expand_dims(call.ids(0), -1), source.shape)
    return call.sets.gathered(a.size + 1, source.ravel(), tails.ravel())[1:].reshape(a.shape)


row(runtime.trace_adjoint, traced_back, 0, 1)


def counted(call: Call) -> Tree:
    """np.bincount of weights."""
    if call.trees[0] is not None or len(call.args) < 2 or call.args[1] is None:
        return everything(call)
    call.consult(0)
    return call.sets.gathered(np.size(call.y), np.ravel(call.args[0]), call.ids(1).ravel())


row(np.bincount, counted, 0, 1)


def spread_out(call: Call) -> Tree:
    """One cotangent for every entry of a list, tuple or array."""
    if isinstance(call.y, np.ndarray):
        return shaped(call.filled(0), call.y)
    return everything(call)


row(runtime.spread, spread_out, 0, 1)

# Along axes


def axes_of(call: Call, default: Any = None) -> tuple[int, ...] | None:
    """The axes that a call names, none of them negative; None for all."""
    axis = call.named.get("axis", default)
    if axis is None:
        return None
    given = axis if isinstance(axis, tuple | list) else (axis,)
    return tuple(int(k) % np.ndim(call.args[0]) for k in given)


def as_rows(ids: Array, kept: int) -> Array:
    """A matrix of which the rows go over the first axes, and the columns over the others."""
    sizes = [int(np.prod(part, dtype=int)) for part in (ids.shape[:kept], ids.shape[kept:])]
    return ids.reshape(sizes)


def lines(call: Call, axes: Sequence[int]) -> tuple[Array, Array]:
    """The first argument's sets as a matrix of one row per line along `axes`; and one set per line."""
    ids = call.ids(0)
    moved = np.moveaxis(ids, axes, range(ids.ndim - len(axes), ids.ndim))
    kept = ids.ndim - len(axes)
    return moved, call.sets.over(as_rows(moved, kept)).reshape(moved.shape[:kept])


def reduced(call: Call) -> Tree:
    """Entries of the first argument taken together along axes."""
    axes = axes_of(call)
    if axes is None or any(t is not None for t in call.trees[1:]):
        return everything(call)
    found = lines(call, axes)[1]
    if found.size != np.size(call.y):
        return everything(call)
    return _number(found.reshape(np.shape(call.y)))


row((np.sum, np.mean, np.prod, np.max, np.min, np.amax, np.amin, np.std, np.var, np.ptp, np.median,
     np.quantile, np.percentile, np.nansum, np.nanmean, np.nanmax, np.nanmin, np.nanstd, np.nanvar,
     np.linalg.norm, runtime.line_sums, np.average,
     *have("vector_norm", home=np.linalg)), reduced, 0)  # fmt: skip


def spread_along(default: Any) -> Rule:
    """Each entry depends on all along its axis: sorting, products of the others."""

    def rule(call: Call) -> Tree:
        axes = axes_of(call, default)
        if axes is None or np.shape(call.y) != np.shape(call.args[0]):
            return everything(call)
        moved, found = lines(call, axes)
        wide = np.broadcast_to(found.reshape(found.shape + (1,) * len(axes)), moved.shape)
        return np.moveaxis(wide, range(moved.ndim - len(axes), moved.ndim), axes)

    return rule


row((np.sort, np.partition), spread_along(-1), 0)
row(runtime.product_of_others, spread_along(None), 0)


def running(call: Call) -> Tree:
    """Each entry depends on those up to it."""
    ids = call.ids(0)
    axis = call.named.get("axis")
    if axis is None:
        ids, axis = ids.ravel(), 0
    if np.size(call.y) != ids.size or any(t is not None for t in call.trees[1:]):
        return everything(call)
    steps = np.array(np.moveaxis(ids, axis, 0))
    for k in range(1, len(steps)):
        steps[k] = call.sets.union(steps[k - 1], steps[k])
    return np.moveaxis(steps, 0, axis).reshape(np.shape(call.y))


row((np.cumsum, np.cumprod, runtime.exclusive_cumprod, *have("cumulative_sum", "cumulative_prod")),
    running, 0)  # fmt: skip


def differences(call: Call) -> Tree:
    """np.diff."""
    if call.named.get("prepend") is not None or call.named.get("append") is not None:
        return everything(call)
    ids = np.moveaxis(call.ids(0), call.named.get("axis", -1), -1)
    for _ in range(call.named.get("n", 1)):
        ids = call.sets.union(ids[..., 1:], ids[..., :-1])
    return np.moveaxis(ids, -1, call.named.get("axis", -1))


def differences_back(call: Call) -> Tree:
    """The adjoint of np.diff."""
    axis = call.named.get("axis", -1)
    ids = np.moveaxis(call.ids(0), axis, -1)
    for _ in range(call.named.get("n", 1)):
        wide = np.pad(ids, [(0, 0)] * (ids.ndim - 1) + [(1, 1)])
        ids = call.sets.union(wide[..., 1:], wide[..., :-1])
    return np.moveaxis(ids, -1, axis)


row(np.diff, differences, 0)
row(runtime.diff_adjoint, differences_back, 0)


def summed(call: Call) -> Tree:
    """Python's sum: of numbers, or of arrays entry by entry."""
    if is_container(call.y):
        return everything(call)
    out: Ids = 0
    for entry in [*call.filled(0), *(call.filled(k) for k in range(1, len(call.args)))]:
        out = call.sets.union(_number(entry), out)
    return shaped(out, call.y)


row(sum, summed, 0, 1)


def looked_up(call: Call) -> Tree:
    """np.interp and np.polyval: entry by entry in one argument, all of the others."""
    at = 0 if call.function is np.interp else 1
    rest = [x for k, t in enumerate(call.trees) if k != at for x in leaves(t)]
    return shaped(call.sets.union(call.filled(at), call.sets.together(*rest)), call.y)


row((np.interp, np.polyval), looked_up)


def powers(call: Call) -> Tree:
    """np.vander: a row for each entry."""
    return shaped(call.ids(0)[:, None], call.y)


row(np.vander, powers, 0)


def spaced(call: Call) -> Tree:
    """np.linspace and np.arange: every entry depends on all that is given."""
    return everything(call)


row((np.linspace, np.arange), spaced)


def crossed(call: Call) -> Tree:
    """np.cross of rows of three."""
    a, b = (np.asarray(call.filled(k)) for k in (0, 1))
    if np.shape(call.y)[-1:] != (3,) or call.kwargs.get("axis", -1) != -1 or len(call.args) > 2:
        return everything(call)
    both = call.sets.union(
        np.broadcast_to(a, np.shape(call.y)), np.broadcast_to(b, np.shape(call.y))
    )
    each = call.sets.over(both.reshape(-1, 3)).reshape((*both.shape[:-1], 1))
    return shaped(each, call.y)


row((np.cross, *have("cross", home=np.linalg)), crossed)

# Products


def contracted(call: Call, places: Sequence[int], labels: Sequence[str], out: str) -> Tree:
    """A sum of products over labelled axes, as np.einsum writes it.

    The zeros of a constant factor are seen if there is just one other.
    """
    result: Ids = np.zeros(np.shape(call.y), int)
    for k, label in zip(places, labels, strict=True):
        if call.trees[k] is None:
            continue
        others = [(j, at) for j, at in zip(places, labels, strict=True) if j != k]
        part: Ids = None
        if len(others) == 1 and call.trees[others[0][0]] is None:
            part = _through(call, call.ids(k), label, *others[0], out)
        if part is None:
            part = _taken_together(call.sets, call.ids(k), label, out, np.shape(call.y))
        result = call.sets.union(result, part)
    return _number(shaped(result, call.y))


def _taken_together(
    sets: IndexSets, ids: Array, label: str, out: str, shape: tuple[int, ...]
) -> Ids:
    """Through a factor without zeros: all along the axes that are summed over."""
    kept = [c for c in out if c in label]
    gone = sorted(set(label) - set(out))
    rest = np.einsum(f"{label}->{''.join((*kept, *gone))}", ids)
    sizes = rest.shape[: len(kept)]
    rest = sets.over(as_rows(rest, len(kept))).reshape(sizes)
    wide = [n if c in label else 1 for c, n in zip(out, shape, strict=True)]
    return np.broadcast_to(rest.reshape(wide), shape)


def _through(call: Call, ids: Array, label: str, k: int, other: str, out: str) -> Ids:
    """Through a constant factor that has zeros; None where that is not worth it."""
    factor = np.asarray(call.args[k])
    if not other or len(set(other)) < len(other) or factor.dtype == object:
        return None
    call.consult(k)
    found = np.nonzero(factor)
    free = [c for c in dict.fromkeys(label) if c not in other]
    sizes = [ids.shape[label.index(c)] for c in free]
    edges = found[0].size * int(np.prod(sizes, dtype=int))
    if found[0].size == factor.size or edges > MOST_EDGES:
        return None
    wide = np.indices(sizes).reshape(len(free), 1, -1) if free else np.zeros((0, 1, 1), int)
    shape = (found[0].size, int(np.prod(sizes, dtype=int)))
    at = {c: np.broadcast_to(p[:, None], shape).ravel() for c, p in zip(other, found, strict=True)}
    at |= {c: np.broadcast_to(w, shape).ravel() for c, w in zip(free, wide, strict=True)}
    heads: NDArray[Any] = np.zeros(shape[0] * shape[1], int)
    for c, n in zip(out, np.shape(call.y), strict=True):
        heads = heads * n + at[c]
    tails = ids[tuple(at[c] for c in label)] if label else np.broadcast_to(ids, heads.shape)
    return call.sets.gathered(np.size(call.y), heads, tails).reshape(np.shape(call.y))


def axes_named(count: int, skip: str = "", first: str = "A") -> str:
    """Names for so many axes."""
    names = [chr(ord(first) + k) for k in range(26)]
    return "".join([c for c in names if c not in skip][:count])


def multiplied(call: Call) -> Tree:
    """`a @ b`."""
    a, b = (np.shape(call.args[k]) for k in (0, 1))
    batch = axes_named(max(len(a) - 2, len(b) - 2, 0))
    if len(a) > 2 and len(b) > 2 and a[:-2] != b[:-2]:
        return everything(call)
    left = "k" if len(a) == 1 else batch[: max(len(a) - 2, 0)] + "ik"
    right = "k" if len(b) == 1 else batch[: max(len(b) - 2, 0)] + "kj"
    out = batch + ("i" if len(a) > 1 else "") + ("j" if len(b) > 1 else "")
    return contracted(call, (0, 1), (left, right), out)


def dotted(call: Call) -> Tree:
    """np.dot."""
    n, m = (np.ndim(call.args[k]) for k in (0, 1))
    if n == 0 or m == 0:
        return entrywise(call)
    left = axes_named(n - 1)
    right = axes_named(max(m - 2, 0), first="a").replace("k", "z")
    tail = "j" if m > 1 else ""
    return contracted(call, (0, 1), (left + "k", right + "k" + tail), left + right + tail)


def inner(call: Call) -> Tree:
    """np.inner."""
    n, m = (np.ndim(call.args[k]) for k in (0, 1))
    if n == 0 or m == 0:
        return entrywise(call)
    left, right = axes_named(n - 1), axes_named(m - 1, "k", "a")
    return contracted(call, (0, 1), (left + "k", right + "k"), left + right)


def outer(call: Call) -> Tree:
    """np.outer."""
    return call.sets.union(call.ids(0).reshape(-1, 1), call.ids(1).reshape(1, -1))


def tensordotted(call: Call) -> Tree:
    """np.tensordot."""
    n, m = (np.ndim(call.args[k]) for k in (0, 1))
    of_a, of_b = runtime.contracted_axes(call.args[0], call.args[1], call.named.get("axes", 2))
    left = list(axes_named(n))
    right = list(axes_named(m, first="a"))
    for k, j in zip(of_a, of_b, strict=True):
        right[j] = left[k]
    summed_over = {left[k] for k in of_a}
    out = "".join(c for c in (*left, *right) if c not in summed_over)
    return contracted(call, (0, 1), ("".join(left), "".join(right)), out)


def einsummed(call: Call) -> Tree:
    """np.einsum, with its subscripts written out."""
    text = call.args[0]
    if not isinstance(text, str) or "." in text:
        return everything(call)
    given, arrow, out = text.replace(" ", "").partition("->")
    if not arrow:
        out = "".join(sorted(c for c in set(given) - {","} if given.count(c) == 1))
    labels = given.split(",")
    sizes = {
        c: n
        for k, at in enumerate(labels, 1)
        for c, n in zip(at, np.shape(call.args[k]), strict=True)
    }
    if any(np.shape(call.args[k]) != tuple(sizes[c] for c in at) for k, at in enumerate(labels, 1)):
        return everything(call)  # an axis of size one goes with all of another's
    return contracted(call, range(1, len(labels) + 1), labels, out)


row((operator.matmul, np.matmul, *have("matmul", home=np.linalg)), multiplied)
row(np.dot, dotted)
row(np.inner, inner)
row((np.outer, *have("outer", home=np.linalg)), outer)
row((np.tensordot, *have("tensordot", home=np.linalg)), tensordotted, 0, 1)
row(np.einsum, einsummed)


def adjoint_of(labels: Mapping[tuple[int, int], tuple[str, str, str]], factor: int) -> Rule:
    """The cotangent of one factor, from `g` and the other, by the numbers of dimensions of both."""

    def rule(call: Call) -> Tree:
        found = labels.get((np.ndim(call.args[1]), np.ndim(call.args[2])))
        return (
            everything(call)
            if found is None
            else contracted(call, (0, factor), found[:2], found[2])
        )

    return rule


LEFT = {(1, 1): ("", "j", "j"), (2, 1): ("i", "j", "ij"), (1, 2): ("k", "jk", "j"),
        (2, 2): ("ik", "jk", "ij")}  # fmt: skip
RIGHT = {(1, 1): ("", "j", "j"), (2, 1): ("i", "ij", "j"), (1, 2): ("k", "j", "jk"),
         (2, 2): ("ik", "ij", "jk")}  # fmt: skip
row((runtime.matmul_adjoint_left, runtime.dot_adjoint_left), adjoint_of(LEFT, 2), 0, 1, 2)
row((runtime.matmul_adjoint_right, runtime.dot_adjoint_right), adjoint_of(RIGHT, 1), 0, 1, 2)


def _lag(call: Call, short: int, mode: str) -> int:
    return {"full": 0, "same": (short - 1) // 2, "valid": short - 1}[mode]


def convolved(call: Call) -> Tree:
    """np.convolve: entry o depends on a[j] and v[o - j], but not through a zero of a constant."""
    n, m = np.size(call.args[0]), np.size(call.args[1])
    start = _lag(call, min(n, m), call.named.get("mode", "full"))
    return _lags(call, start, 0, 1)


def _lags(call: Call, start: int, a: int, v: int) -> Tree:
    n, m, size = np.size(call.args[a]), np.size(call.args[v]), np.size(call.y)
    if n * m > MOST_EDGES:
        return everything(call)
    j, k = np.divmod(np.arange(n * m), m)
    out: Ids = np.zeros(size, int)
    for of, by, at, through in ((a, v, j, k), (v, a, k, j)):
        if call.trees[of] is None:
            continue
        heads, kept = j + k - start, (j + k >= start) & (j + k < start + size)
        if call.trees[by] is None:
            call.consult(by)
            kept &= np.ravel(call.args[by])[through] != 0
        tails = call.ids(of)[at]
        out = call.sets.union(out, call.sets.gathered(size, heads[kept], tails[kept]))
    return out


def convolved_back(call: Call) -> Tree:
    """The cotangent of `a` in np.convolve(a, v): entry j is the sum of g[j + k] * v[k]."""
    n, m, size = np.size(call.args[1]), np.size(call.args[2]), np.size(call.args[0])
    start = _lag(call, min(n, m), call.args[3] if len(call.args) > 3 else "full")
    if n * m > MOST_EDGES:
        return everything(call)
    j, k = np.divmod(np.arange(n * m), m)
    kept = (j + k >= start) & (j + k < start + size)
    if call.trees[2] is None:
        call.consult(2)
        kept &= np.ravel(call.args[2])[k] != 0
    j, k = j[kept], k[kept]
    out = call.sets.gathered(n, j, call.ids(0)[j + k - start])
    return call.sets.union(out, call.sets.gathered(n, j, call.ids(2)[k]))


row(np.convolve, convolved, 0, 1)
row(runtime.convolve_adjoint_left, convolved_back, 0, 1, 2)
