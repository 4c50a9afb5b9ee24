"""Solutions differentiated by their equation, not through the solver: custom_root, fixed_point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import SrcgradError

__all__ = ["custom_root", "fixed_point"]


def custom_root(
    f: Callable[[Any], Any],
    x0: Any,
    solve: Callable[[Callable[[Any], Any], Any], Any],
    tangent_solve: Callable[[Callable[[Any], Any], Any], Any] | None = None,
) -> Any:
    """The solution of `f(x) = 0` that `solve(f, x0)` finds, differentiated by the equation.

    By the implicit function theorem the derivative of the solution needs that of `f` there, and not the
    steps that led to it: gradients flow to all that `f` reads, in forward and reverse mode and to any
    order, and none to `x0`. In plain Python this is `solve(f, x0)`.

    Parameters
    ----------
    f : callable
        Takes what `x0` looks like (a number, an array, a container of such), and returns the like.
    solve : callable
        Read like any other code; loops and branches are welcome.
    tangent_solve : callable
        `tangent_solve(g, y)` solves the linear `g(x) = y`, and must be linear in `y` step by step, so
        that it can be transposed. Left out, the matrix of `g` is made column by column and handed to
        `np.linalg.solve`, which is right for up to some hundred unknowns.

    Examples
    --------
    >>> import srcgrad
    >>> def newton(f, x):
    ...     for _ in range(20):
    ...         x = x - f(x) / srcgrad.grad(f)(x)
    ...     return x
    >>> def cube_root(a):
    ...     return srcgrad.custom_root(lambda x: x**3 - a, 1.0, newton)
    >>> round(srcgrad.grad(cube_root)(8.0), 6)
    0.083333
    """
    return solve(f, x0)


def fixed_point(
    f: Callable[..., Any],
    x0: Any,
    *args: Any,
    tol: float = 1e-10,
    max_iter: int = 1000,
    rounds: int | None = None,
) -> Any:
    """The solution of `x = f(x, *args)`, by iteration from `x0`, differentiated by the equation.

    By the implicit function theorem, gradients flow to `args` and to all else that `f` reads, in forward
    and reverse mode and to any order, without keeping any step of the iteration; none flows to `x0`.

    Parameters
    ----------
    f : callable
        Takes what `x0` looks like (a number, an array, a container of such), and returns the like.
    tol : float
        The iteration ends when no entry changes by more than `tol`.
    max_iter : int
        The iteration ends after so many rounds in any case.
    rounds : int
        The linear system of the derivative is solved by so many rounds of the same iteration, which
        takes no matrix. Left out, its matrix is made column by column and handed to `np.linalg.solve`,
        which is right for up to some hundred unknowns.

    Examples
    --------
    >>> import numpy as np
    >>> import srcgrad
    >>> def root(a):
    ...     return srcgrad.fixed_point(lambda x, a: (x + a / x) / 2, 1.0, a)
    >>> round(srcgrad.grad(root)(4.0), 6)
    0.25
    """
    if max_iter < 1 or (rounds is not None and rounds < 1):
        raise SrcgradError("fixed_point takes one round at least")
    return iterated(f, x0, args, tol, max_iter)


def iterated(f: Any, x0: Any, args: Any, tol: float, max_iter: int) -> Any:
    """The fixed point that iteration finds."""
    before, x, count = x0, f(x0, *args), 1
    while count < max_iter and distance(x, before) > tol:
        before, x, count = x, f(x, *args), count + 1
    return x


def distance(a: Any, b: Any) -> Any:
    """The largest difference between two structures."""
    if isinstance(a, dict):
        return max([distance(a[key], b[key]) for key in a])
    if isinstance(a, list | tuple):
        return max([distance(p, q) for p, q in zip(a, b, strict=True)])
    return np.max(np.abs(a - b))


def dense_solve(g: Any, y: Any, like: Any) -> Any:
    """The solution of the linear `g(x) = y`, for lists of arrays, by the matrix of `g`."""
    units = np.eye(sum([np.size(part) for part in like]))
    columns = [joined(g(parted(unit, like))) for unit in units]
    return parted(np.linalg.solve(np.stack(columns, axis=1), joined(y)), like)


def dense_vector(g: Any, y: Any, like: Any) -> Any:
    """The same for lists of one vector."""
    columns = [g([unit])[0] for unit in np.eye(len(like[0]))]
    return [np.linalg.solve(np.stack(columns, axis=1), y[0])]


def neumann_solve(g: Any, y: Any, rounds: int) -> Any:
    """The solution of the linear `g(x) = y` by `x = x - g(x) + y`, which converges as `f` does."""
    x = y
    for _ in range(rounds):
        moved = g(x)
        x = [p - q + r for p, q, r in zip(x, moved, y, strict=True)]
    return x


def joined(parts: Any) -> Any:
    """The entries of a list of arrays as one vector."""
    return np.concatenate([np.ravel(part) for part in parts])


def parted(vector: Any, like: Any) -> Any:
    """A vector cut into arrays of the shapes of a list of arrays."""
    made, start = [], 0
    for part in like:
        end = start + np.size(part)
        made.append(np.reshape(vector[start:end], np.shape(part)))
        start = end
    return made
