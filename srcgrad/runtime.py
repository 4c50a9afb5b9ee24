"""Helpers that generated code calls. NumPy only: each can be copied into a saved module as it stands."""

from __future__ import annotations

from typing import Any

import numpy as np


def unbroadcast(g: Any, x: Any) -> Any:
    """`g` summed over the axes along which broadcasting had repeated `x`; it has the shape of `x`.

    >>> unbroadcast(np.ones((2, 3)), np.zeros(3))
    array([2., 2., 2.])
    >>> unbroadcast(np.ones((2, 3)), np.zeros((2, 1)))
    array([[3.],
           [3.]])
    """
    shape = np.shape(x)
    if np.shape(g) == shape:
        return g
    g = np.sum(g, axis=tuple(range(np.ndim(g) - len(shape))))
    axes = tuple(k for k, n in enumerate(shape) if n == 1 and g.shape[k] != 1)
    if axes:
        g = np.sum(g, axis=axes, keepdims=True)
    return np.broadcast_to(g, shape) if np.shape(g) != shape else g


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
    if isinstance(x, complex):
        return 0j
    if isinstance(x, int | float) or x is None or isinstance(x, str):
        return 0.0
    if hasattr(x, "__dataclass_fields__"):
        return type(x)(**{k: zeros_like(getattr(x, k)) for k in x.__dataclass_fields__})
    x = np.asarray(x)
    return np.zeros(x.shape, x.dtype if x.dtype.kind in "fc" else float)


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
        return type(a)(**{k: add(getattr(a, k), getattr(b, k)) for k in a.__dataclass_fields__})
    return a + b


def check_like(given: Any, wanted: Any, error: type[Exception], where: str = "the cotangent") -> None:
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
            raise error(
                f"{where} must have the shape {np.shape(wanted)}, not {np.shape(given)}"
            )
