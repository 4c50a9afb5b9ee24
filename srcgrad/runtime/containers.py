"""Adjoints that are containers: zeros, sums, one entry written or added to, entries put in order."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from .arrays import unbroadcast


def zeros_like(x: Any) -> Any:
    """Zeros of the structure, shapes and types of `x`: what an adjoint starts from.

    >>> zeros_like((1.0, [np.ones(2)]))
    (0.0, [array([0., 0.])])
    """
    if isinstance(x, dict):
        return {k: zeros_like(v) for k, v in x.items()}
    if isinstance(x, list):
        return [zeros_like(v) for v in x]
    if isinstance(x, tuple):
        zeros = [zeros_like(v) for v in x]
        return type(x)(*zeros) if hasattr(x, "_fields") else tuple(zeros)
    if isinstance(x, np.generic):
        return x.dtype.type(0) if x.dtype.kind in "fc" else 0.0
    if isinstance(x, complex):
        return 0j
    if isinstance(x, int | float) or x is None or isinstance(x, str):
        return 0.0
    if hasattr(x, "__dataclass_fields__"):
        return instance(type(x), {k: zeros_like(v) for k, v in fields_of(x).items()})
    x = np.asarray(x)
    return np.zeros(x.shape, x.dtype if x.dtype.kind in "fc" else float)


def zero_rows(x: Any, n: int) -> Any:
    """`n` times the zeros of `zeros_like(x)`, along a new first axis of every number and array.

    Of nothing, which stands where no path has assigned a name, there is one, for any shape.

    >>> zero_rows([1.0, np.ones(2)], 3)
    [array([0., 0., 0.]), array([[0., 0.],
           [0., 0.],
           [0., 0.]])]
    """
    if isinstance(x, list):
        return [zero_rows(v, n) for v in x]
    if isinstance(x, tuple):
        rows = [zero_rows(v, n) for v in x]
        return type(x)(*rows) if hasattr(x, "_fields") else tuple(rows)
    if isinstance(x, dict):
        return {k: zero_rows(v, n) for k, v in x.items()}
    if hasattr(x, "__dataclass_fields__"):
        return instance(type(x), {k: zero_rows(v, n) for k, v in fields_of(x).items()})
    if x is None:
        return 0.0
    zeros = np.asarray(zeros_like(x))
    return np.zeros((n, *zeros.shape), zeros.dtype)


def add(a: Any, b: Any) -> Any:
    """The sum of two adjoints of one value, entry by entry where they are containers.

    >>> add((1.0, [2.0]), (3.0, [4.0]))
    (4.0, [6.0])
    """
    if isinstance(a, dict):
        return {k: add(a[k], b[k]) for k in a}
    if isinstance(a, list):
        return [add(x, y) for x, y in zip(a, b, strict=True)]
    if isinstance(a, tuple):
        sums = [add(x, y) for x, y in zip(a, b, strict=True)]
        return type(a)(*sums) if hasattr(a, "_fields") else tuple(sums)
    if hasattr(a, "__dataclass_fields__"):
        return instance(type(a), {k: add(v, getattr(b, k)) for k, v in fields_of(a).items()})
    return a + b


def copied(x: Any) -> Any:
    """`x` in memory of its own, every array in it, too.

    >>> copied([np.ones(1), 2.0])
    [array([1.]), 2.0]
    """
    if isinstance(x, dict):
        return {k: copied(v) for k, v in x.items()}
    if isinstance(x, list):
        return [copied(v) for v in x]
    if isinstance(x, tuple):
        entries = [copied(v) for v in x]
        return type(x)(*entries) if hasattr(x, "_fields") else tuple(entries)
    if hasattr(x, "__dataclass_fields__"):
        return instance(type(x), {k: copied(v) for k, v in fields_of(x).items()})
    return np.array(x) if isinstance(x, np.ndarray) else x


def setitem(a: Any, index: Any, v: Any) -> Any:
    """`a` with `v` at `index`; `a` itself stays as it is.

    >>> setitem(np.zeros(3), slice(1, None), 5.0), setitem({"w": 1.0}, "w", 2.0)
    (array([0., 5., 5.]), {'w': 2.0})
    """
    if isinstance(a, dict):
        return {**a, index: v}
    if isinstance(a, list | tuple):
        entries = list(a)
        entries[index] = v
        if isinstance(a, list):
            return entries
        return type(a)(*entries) if hasattr(a, "_fields") else tuple(entries)
    a = np.array(a)
    a[index] = v
    return a


def index_add(d: Any, index: Any, v: Any) -> Any:
    """`d` with `v` added at `index`, as often as an entry is named there; `d` itself stays as it is.

    >>> index_add(np.zeros(3), [0, 0, 2], np.array([1.0, 2.0, 5.0]))
    array([3., 0., 5.])
    >>> index_add([1.0, (2.0, 3.0)], 1, (10.0, 20.0))
    [1.0, (12.0, 23.0)]
    """
    if isinstance(d, dict | list | tuple):
        return setitem(d, index, add(d[index], v))
    d = np.array(d, np.result_type(d, v) if np.iscomplexobj(v) else None)
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(p, list | np.ndarray) and np.asarray(p).dtype != bool for p in parts):
        np.add.at(d, index, v)  # += would count an entry that is named twice only once
    else:
        d[index] += v
    return d


def last_written(a: Any, index: Any) -> Any:
    """Which entries of what is written to `a[index]` are still there afterwards.

    >>> last_written(np.zeros(3), [0, 0, 2])
    array([False,  True,  True])
    """
    selected = np.shape(np.empty(np.shape(a), bool)[index])
    order = np.arange(int(np.prod(selected))).reshape(selected)
    place = np.zeros(np.shape(a), int)
    place[index] = order
    return place[index] == order


def attribute_add(d: Any, name: str, v: Any) -> Any:
    """A dataclass instance or named tuple of adjoints with `v` added to one field.

    What holds an object or None in one call may hold an array in another, which has attributes, too.

    >>> from collections import namedtuple
    >>> attribute_add(namedtuple("P", "x y")(1.0, 2.0), "y", 5.0)
    P(x=1.0, y=7.0)
    >>> attribute_add(np.zeros((1, 2)), "T", np.array([[1.0], [2.0]]))
    array([[1., 2.]])
    """
    if isinstance(d, tuple):
        return d._replace(**{name: add(getattr(d, name), v)})  # type: ignore[attr-defined]
    if isinstance(d, np.ndarray | np.generic | float | complex):
        return _part_added(d, name, v)
    fields = fields_of(d)
    return instance(type(d), {**fields, name: add(fields[name], v)})


def _part_added(d: Any, name: str, v: Any) -> Any:
    """The adjoint `d` of an array, with that of one of its attributes added."""
    if name == "T":
        return d + np.transpose(v)
    if name == "mT":
        return d + np.swapaxes(v, -1, -2)
    if name == "flat":
        return d + np.reshape(v, np.shape(d))
    if name == "real":
        return d + v
    if name == "imag":
        return d - 1j * v if np.iscomplexobj(d) else d
    if name in ("dtype", "itemsize", "nbytes", "ndim", "shape", "size", "strides"):
        return d  # these are the same wherever the entries move
    raise TypeError(f"the attribute {name!r} of an array has no adjoint")


def fields_of(x: Any) -> dict[str, Any]:
    """The fields of a dataclass instance by name.

    >>> @dataclasses.dataclass
    ... class Point:
    ...     x: float
    >>> fields_of(Point(1.5))
    {'x': 1.5}
    """
    return {f.name: getattr(x, f.name) for f in dataclasses.fields(x)}


def instance(cls: type, fields: dict[str, Any]) -> Any:
    """An instance of a dataclass with these fields, whatever its `__init__` and `__post_init__` do.

    What these ask of parameters, such as to be positive, is not asked of gradients.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Scale:
    ...     x: float
    ...     def __post_init__(self):
    ...         assert self.x > 0
    >>> instance(Scale, {"x": -1.0}).x
    -1.0
    """
    made: Any = object.__new__(cls)
    for name, value in fields.items():
        object.__setattr__(made, name, value)
    return made


def append(xs: list[Any], v: Any) -> list[Any]:
    """The list with one more entry; `xs` itself stays as it is.

    >>> append([1.0], 2.0)
    [1.0, 2.0]
    """
    return [*xs, v]


def gather(entries: Any) -> Any:
    """Several values as one: a list, tuple or dict of them.

    >>> gather((1.0, 2.0))
    (1.0, 2.0)
    """
    return entries


def regroup(g: Any, like: Any) -> Any:
    """The entries of `g` in a list, tuple or array, whichever `like` is.

    >>> regroup([1.0, 2.0], (0.0, 0.0)), regroup((1.0, 2.0), np.zeros(2))
    ((1.0, 2.0), array([1., 2.]))
    """
    if isinstance(like, list):
        return list(g)
    if isinstance(like, tuple):
        return type(like)(*g) if hasattr(like, "_fields") else tuple(g)
    return np.array(g)


def nested(g: Any, like: Any) -> Any:
    """The array `g` cut up into the nested lists or tuples that `like` is made of.

    >>> nested(np.array([[1.0, 2.0], [3.0, 4.0]]), [(0.0, 0.0), np.zeros(2)])
    [(1.0, 2.0), array([3., 4.])]
    """
    if isinstance(like, list):
        return [nested(g[k], entry) for k, entry in enumerate(like)]
    if isinstance(like, tuple):
        entries = [nested(g[k], entry) for k, entry in enumerate(like)]
        return type(like)(*entries) if hasattr(like, "_fields") else tuple(entries)
    return g.item() if isinstance(like, float) and g.dtype == float else g


def spread(g: Any, xs: Any) -> Any:
    """`g` for every entry of `xs`, each in that entry's shape: the adjoint of `sum(xs)`.

    >>> spread(1.5, [1.0, 2.0]), spread(1.5, np.zeros(2))
    ([1.5, 1.5], array([1.5, 1.5]))
    """
    if isinstance(xs, np.ndarray):
        return np.full(xs.shape, g)
    entries = [unbroadcast(g, x) for x in xs]
    return entries if isinstance(xs, list) else tuple(entries)


def first_index(xs: Any, y: Any) -> int:
    """Where `y` stands first in `xs`; a NaN is found too.

    >>> first_index([2.0, 5.0, 5.0], 5.0)
    1
    """
    return next(k for k, x in enumerate(xs) if x is y or x == y or (x != x and y != y))


def order_of(xs: Sequence[Any], reverse: bool = False) -> list[int]:
    """The positions of the entries of `xs` in the order in which `sorted` puts them.

    >>> order_of([3.0, 1.0, 2.0])
    [1, 2, 0]
    """
    return sorted(range(len(xs)), key=xs.__getitem__, reverse=reverse)


def permute(xs: Any, order: Sequence[int]) -> list[Any]:
    """The entries of `xs` in the given order.

    >>> permute([3.0, 1.0, 2.0], [1, 2, 0])
    [1.0, 2.0, 3.0]
    """
    return [xs[k] for k in order]


def stop_gradient(x: Any) -> Any:
    """`x`, through which nothing flows; Tensors, also in containers, are detached.

    >>> stop_gradient(2.0)
    2.0
    """
    if hasattr(x, "detach"):
        return x.detach()
    if isinstance(x, dict):
        parts = {k: stop_gradient(v) for k, v in x.items()}
        return parts if any(parts[k] is not x[k] for k in x) else x
    if isinstance(x, list | tuple):
        entries = [stop_gradient(v) for v in x]
        if all(a is b for a, b in zip(entries, x, strict=True)):
            return x
        if isinstance(x, list):
            return entries
        return type(x)(*entries) if hasattr(x, "_fields") else tuple(entries)
    return x


def is_one_number(y: Any) -> bool:
    """Whether `y` is a single real number, such as a gradient is taken of.

    >>> is_one_number(2.0), is_one_number(np.array(2.0)), is_one_number(np.ones(1)), is_one_number(2j)
    (True, True, False, False)
    """
    return np.ndim(y) == 0 and np.asarray(y).dtype.kind in "fiu"


def check_like(
    given: Any, wanted: Any, error: type[Exception], where: str = "the cotangent"
) -> None:
    """Raise `error`, naming the leaf, unless `given` has the structure and shapes of `wanted`."""
    if isinstance(wanted, dict):
        if not isinstance(given, dict) or given.keys() != wanted.keys():
            raise error(f"{where} must be a dict with the keys {list(wanted)}, not {given!r}")
        for key, value in wanted.items():
            check_like(given[key], value, error, f"{where}[{key!r}]")
    elif isinstance(wanted, list | tuple):
        if not isinstance(given, list | tuple) or len(given) != len(wanted):
            raise error(f"{where} must have {len(wanted)} entries, not {given!r}")
        for k, value in enumerate(wanted):
            check_like(given[k], value, error, f"{where}[{k}]")
    elif isinstance(wanted, int | float | complex | np.ndarray | np.generic):
        if np.shape(given) != np.shape(wanted):
            raise error(f"{where} must have the shape {np.shape(wanted)}, not {np.shape(given)}")


def basis(leaves: tuple[Any, ...]) -> tuple[Any, ...]:
    """The unit vectors of the space of several arrays together, along the first axis of each part.

    >>> basis((np.zeros(2), 0.0))
    (array([[1., 0.],
           [0., 1.],
           [0., 0.]]), array([0., 0., 1.]))
    """
    total, start, parts = sum(map(np.size, leaves)), 0, []
    for leaf in leaves:
        n = np.size(leaf)
        dtype = leaf.dtype if isinstance(leaf, np.ndarray | np.generic) else float
        part = np.zeros((total, *np.shape(leaf)), dtype)
        part.reshape(total, n)[start : start + n] = np.eye(n)
        parts.append(part)
        start += n
    return tuple(parts)
