"""Trees of numbers and arrays: containers of any nesting, taken apart and put together again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..ir.types import facts_of

Tree = Any


def entries(tree: Tree) -> Iterator[tuple[Any, Tree]] | None:
    """The keys and parts of a container; None of what is none."""
    if isinstance(tree, Mapping):
        return iter(tree.items())
    if isinstance(tree, list | tuple):
        return iter(enumerate(tree))
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        return iter([(f.name, getattr(tree, f.name)) for f in dataclasses.fields(tree)])
    return None


def rebuilt(like: Tree, parts: Sequence[Tree]) -> Tree:
    """A container like `like` with other parts."""
    if isinstance(like, Mapping):
        return dict(zip(like, parts, strict=True))
    if isinstance(like, list):
        return list(parts)
    if isinstance(like, tuple):
        return type(like)(*parts) if hasattr(like, "_fields") else tuple(parts)
    names = [f.name for f in dataclasses.fields(like)]
    return type(like)(**dict(zip(names, parts, strict=True)))


def mapped(function: Callable[..., Any], tree: Tree, *others: Tree) -> Tree:
    """`function` applied leaf by leaf to trees of one structure."""
    parts = entries(tree)
    if parts is None:
        return function(tree, *others)

    def part(other: Tree, key: Any) -> Any:
        return getattr(other, key) if dataclasses.is_dataclass(other) else other[key]

    return rebuilt(tree, [mapped(function, v, *(part(o, key) for o in others)) for key, v in parts])


def leaves(tree: Tree) -> list[Any]:
    """The leaves of a tree, in order."""
    parts = entries(tree)
    return [tree] if parts is None else [leaf for _, v in parts for leaf in leaves(v)]


def is_float(leaf: Any) -> bool:
    """Whether a leaf can move: a real or a complex number, or an array of them."""
    return isinstance(leaf, float | complex) or (
        isinstance(leaf, np.ndarray | np.generic) and leaf.dtype.kind in "fc"
    )


def moves(tree: Tree) -> bool:
    """Whether a tree has leaves that can move."""
    return any(map(is_float, leaves(tree)))


def flat(tree: Tree) -> Any:
    """All numbers of a tree in one vector; what cannot move counts as zero."""
    parts = [np.ravel(leaf) if is_float(leaf) else np.zeros(np.size(leaf)) for leaf in leaves(tree)]
    return np.concatenate([np.zeros(0), *parts])


def random_like(tree: Tree, rng: np.random.Generator) -> Tree:
    """Random numbers in the structure, shapes and types of a tree; zeros where nothing can move."""

    def leaf(x: Any) -> Any:
        if not is_float(x):
            return np.zeros(np.shape(x)) if isinstance(x, np.ndarray) else 0.0
        drawn: Any = rng.normal(size=np.shape(x))
        if np.iscomplexobj(x):
            drawn = drawn + 1j * rng.normal(size=np.shape(x))
        if not isinstance(x, np.ndarray | np.generic):
            return type(x)(drawn)
        drawn = np.asarray(drawn).astype(x.dtype)
        return drawn if isinstance(x, np.ndarray) else drawn[()]

    return mapped(leaf, tree)


def paired(d: Tree, v: Tree) -> float:
    """What a cotangent makes of a tangent; of complex numbers, the real part of the products."""
    return float(np.real(flat(d) @ flat(v)))


def complexified(tree: Tree, rng: np.random.Generator) -> Tree:
    """A tree whose real numbers have been given imaginary parts."""

    def leaf(x: Any) -> Any:
        if not is_float(x) or np.iscomplexobj(x):
            return x
        size = rng.uniform(0.1, 0.4, size=np.shape(x))
        found = x + 1j * size * rng.choice([-1.0, 1.0], size=np.shape(x))
        if isinstance(x, np.ndarray):
            return np.asarray(found)
        return found if isinstance(x, np.generic) else complex(found)

    return mapped(leaf, tree)


def moved(tree: Tree, direction: Tree, step: float) -> Tree:
    """A tree a step along a direction."""
    return mapped(lambda x, v: x + step * v if is_float(x) else x, tree, direction)


def shown(value: Any) -> str:
    """A tree in a message: arrays by their shapes."""
    if isinstance(value, np.ndarray):
        return str(facts_of(value))
    parts = entries(value)
    if parts is None:
        return f"{type(value).__name__} {value!r}"
    return f"{type(value).__name__}({', '.join(shown(v) for _, v in parts)})"


def same_form(given: Tree, wanted: Tree, what: str) -> None:
    """Demand one structure and equal shapes."""
    parts = entries(wanted)
    if parts is None:
        assert np.shape(given) == np.shape(wanted), (
            f"{what}: shape {np.shape(given)}, not {np.shape(wanted)}"
        )
        return
    mine = entries(given)
    assert mine is not None, f"{what}: {given!r} where a container was wanted"
    for (_, a), (_, b) in zip(mine, parts, strict=True):
        same_form(a, b, what)
