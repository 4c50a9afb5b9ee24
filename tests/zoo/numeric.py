"""Finite differences over nested arguments, and the tree walks they need.

A tree is a float, a float array, or any nesting of list, tuple, dict, NamedTuple and dataclass.
What is neither a container nor a float (an int, a flag, a name, a function) is a leaf that no
direction moves: `random_like` puts None in its place, and the other functions step over it.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np


def is_float(leaf: Any) -> bool:
    """Whether a leaf can be moved: a Python or NumPy float, or an array of floats.

    >>> [is_float(leaf) for leaf in (1.0, 1, True, None, np.ones(2), np.arange(2))]
    [True, False, False, False, True, False]
    """
    if isinstance(leaf, np.ndarray):
        return np.issubdtype(leaf.dtype, np.floating)
    return isinstance(leaf, float | np.floating)


def children(tree: Any) -> list[Any] | None:
    """The parts of a container in order, or None for a leaf."""
    if isinstance(tree, list | tuple):
        return list(tree)
    if isinstance(tree, dict):
        return list(tree.values())
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        return [getattr(tree, field.name) for field in dataclasses.fields(tree)]
    return None


def rebuild(tree: Any, parts: list[Any]) -> Any:
    """A container of the type and keys of `tree` that holds `parts`."""
    if isinstance(tree, dict):
        return type(tree)(zip(tree, parts, strict=True))
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        names = [field.name for field in dataclasses.fields(tree)]
        return dataclasses.replace(tree, **dict(zip(names, parts, strict=True)))
    return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)


def tree_map(f: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Apply `f` to every leaf of `tree` and to what stands in its place in the other trees.

    Raises TypeError where another tree is built differently.

    >>> tree_map(lambda x, y: x + y, {"a": (1.0, [2.0])}, {"a": (10.0, [20.0])})
    {'a': (11.0, [22.0])}
    """
    parts = children(tree)
    if parts is None:
        return f(tree, *others)
    for other in others:
        if not same_container(tree, other):
            raise TypeError(f"expected a container like {tree!r}, got {other!r}")
    rows = zip(parts, *map(children, others), strict=True)
    return rebuild(tree, [tree_map(f, *row) for row in rows])


def same_container(a: Any, b: Any) -> bool:
    """Whether two containers agree in type, length and keys; what they hold may differ."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b)
    return dataclasses.is_dataclass(a) or len(a) == len(b)


def tree_leaves(tree: Any) -> list[Any]:
    """Every leaf in order.

    >>> tree_leaves({"a": (1.0, [2.0]), "n": 3})
    [1.0, 2.0, 3]
    """
    parts = children(tree)
    return [tree] if parts is None else [leaf for part in parts for leaf in tree_leaves(part)]


def random_like(tree: Any, rng: np.random.Generator) -> Any:
    """A random direction with the structure and shapes of `tree`, None where it holds no float.

    >>> random_like((np.ones(2), 3), np.random.default_rng(0))
    (array([ 0.12573022, -0.13210486]), None)
    """

    def draw(leaf: Any) -> Any:
        if not is_float(leaf):
            return None
        if isinstance(leaf, np.ndarray):
            return np.asarray(rng.standard_normal(leaf.shape), dtype=leaf.dtype)
        return float(rng.standard_normal())

    return tree_map(draw, tree)


def tree_dot(direction: Any, gradient: Any) -> float:
    """The inner product of two trees over the leaves that `direction` moves.

    Raises TypeError where the trees are built differently or two leaves differ in shape, so a
    gradient that is right only up to broadcasting does not pass.

    >>> tree_dot({"w": np.array([1.0, 2.0]), "n": None}, {"w": np.array([3.0, 4.0]), "n": 0})
    11.0
    """
    products: list[float] = []

    def multiply(d: Any, g: Any) -> None:
        if d is None:
            return
        if np.shape(d) != np.shape(g):
            raise TypeError(f"expected a leaf of shape {np.shape(d)}, got {g!r}")
        products.append(float(np.sum(np.multiply(d, g))))

    tree_map(multiply, direction, gradient)
    return sum(products, 0.0)


def shifted(tree: Any, direction: Any, step: float) -> Any:
    """`tree + step * direction`, in new arrays; leaves with no direction are passed on as they are.

    >>> shifted([1.0, "relu"], [2.0, None], 0.5)
    [2.0, 'relu']
    """

    def move(leaf: Any, d: Any) -> Any:
        if d is None:
            return leaf
        moved = leaf + step * d
        # Arithmetic turns an array of no dimensions into a scalar; the program was given an array.
        return np.asarray(moved) if isinstance(leaf, np.ndarray) else moved

    return tree_map(move, tree, direction)


def along(
    f: Callable[..., Any], args: tuple[Any, ...], argnum: int, direction: Any
) -> Callable[[float], float]:
    """The function of one number that `f` is along `direction` in argument `argnum`."""

    def at(step: float) -> float:
        moved = shifted(args[argnum], direction, step)
        return float(f(*args[:argnum], moved, *args[argnum + 1 :]))

    return at


def directional(
    f: Callable[..., Any], args: tuple[Any, ...], argnum: int, direction: Any, eps: float
) -> float:
    """The central difference of `f` along `direction` in argument `argnum`.

    `direction` is a tree like `args[argnum]`, None at leaves that stay; `f` returns a scalar.

    >>> directional(lambda x, y: x * x * y, (3.0, 2.0), 0, 1.0, 2**-10)
    12.0
    """
    at = along(f, args, argnum, direction)
    return (at(eps) - at(-eps)) / (2 * eps)


def slope_jump(
    f: Callable[..., Any], args: tuple[Any, ...], argnum: int, direction: Any, eps: float
) -> float:
    """The difference of the slopes ahead and behind: of the order of `eps`, except at a kink.

    >>> slope_jump(abs, (0.0,), 0, 1.0, 1e-4), slope_jump(abs, (1.0,), 0, 1.0, 2**-10)
    (2.0, 0.0)
    """
    at = along(f, args, argnum, direction)
    return (at(eps) - 2 * at(0.0) + at(-eps)) / eps


def identical(a: Any, b: Any) -> bool:
    """Whether two trees are the same in structure, types, dtypes, shapes and every bit.

    >>> identical([np.array([0.0, np.nan])], [np.array([0.0, np.nan])]), identical(0.0, -0.0)
    (True, False)
    """
    if type(a) is not type(b):
        return False
    parts = children(a)
    if parts is not None:
        pairs = zip(parts, children(b) or [], strict=False)
        return same_container(a, b) and all(identical(x, y) for x, y in pairs)
    if isinstance(a, np.ndarray) or is_float(a):
        x, y = np.asarray(a), np.asarray(b)
        return (x.dtype, x.shape, x.tobytes()) == (y.dtype, y.shape, y.tobytes())
    return bool(a == b)
