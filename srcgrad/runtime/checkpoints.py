"""What users write to have the backward sweep compute again instead of keeping: calls and loops."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any, TypeVar

from .revolve import check_keep

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def checkpoint(function: F) -> F:
    """The function, of which the backward sweep keeps nothing but what it is given.

    Where a function that is differentiated calls it, the values that the backward sweep reads are not
    kept from the forward sweep: the call is computed a second time, from its arguments, just before it
    is reversed. So memory is that of one such call at a time, for about one more evaluation. Called in
    plain Python it is the function itself. Also a decorator, of methods, too.

    Parameters
    ----------
    function : callable
        What is called. Random draws in it are made once, in the forward sweep.

    Examples
    --------
    >>> import numpy as np
    >>> import srcgrad
    >>> @srcgrad.checkpoint
    ... def layer(x, w):
    ...     return np.tanh(x @ w)
    >>> def loss(w, x):
    ...     for _ in range(3):
    ...         x = layer(x, w)
    ...     return np.sum(x)
    >>> srcgrad.grad(loss)(np.eye(2), np.zeros((1, 2)))
    array([[0., 0.],
           [0., 0.]])
    """

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return run  # type: ignore[return-value]


_CODE = next(c for c in checkpoint.__code__.co_consts if getattr(c, "co_name", "") == "run")


def inside_checkpoint(function: Any) -> Any:
    """The function that `checkpoint` was given, of what it has made; None of anything else.

    >>> inside_checkpoint(checkpoint(abs)) is abs, inside_checkpoint(abs)
    (True, None)
    """
    if isinstance(function, FunctionType) and function.__code__ is _CODE:
        return function.__wrapped__  # type: ignore[attr-defined]
    return None


def checkpointed(iterable: Iterable[T], *, keep: int, online: bool = False) -> Iterator[T]:
    """What to walk over in a loop whose reverse holds no more than `keep` of its states at a time.

    The backward sweep of such a loop begins at the last of the states that are kept before a round,
    and runs the rounds up to that one again. Which states are kept when is the schedule of Griewank and
    Walther (revolve), with which no fewer rounds can be run again. In plain Python it gives the entries.

    Parameters
    ----------
    iterable : iterable
        What the loop runs over: a range, an array, a list, `enumerate` or `zip` of such.
    keep : int
        How many states, the first one included, are kept at most, besides the one that is worked on.
    online : bool
        The number of rounds is not known beforehand: the loop may be left by `break`, and
        `itertools.count()` walked over. States are let go of on the way, as Wang, Moin and Iaccarino
        (2009) do it, and at most half as many rounds again are run as if the number were known.

    Raises
    ------
    TypeError, ValueError
        `keep` is not an integer, or less than 1.

    Examples
    --------
    >>> import numpy as np
    >>> import srcgrad
    >>> def loss(u):
    ...     for t in srcgrad.checkpointed(range(100), keep=5):
    ...         u = u + 0.01 * np.sin(u)
    ...     return np.sum(u)
    >>> srcgrad.grad(loss)(np.zeros(1)).round(6)
    array([2.704814])
    """
    check_keep(keep)
    return iter(iterable)
