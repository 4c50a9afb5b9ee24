"""Peels a callable down to the function underneath, and what has been bound to it on the way."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FunctionType, MethodDescriptorType, MethodType, WrapperDescriptorType
from typing import Any

from ..custom import is_custom
from ..errors import NotDifferentiable
from .wrappers import passes_through

# Their functions have rules, or are refused by name; what is inside them is never read.
CLOSED_PACKAGES = {"builtins", "numpy", "operator", "scipy"}

_CALL_OF_PARTIAL = functools.partial.__call__


@dataclass(frozen=True)
class Unwrapped:
    """What a callable comes down to: `function(*bound, *args, **{**keywords, **kwargs})`.

    `function` is a plain Python function, whose source can be sought, or something that has none to
    read: a builtin, a ufunc, a NumPy function, a class, an object with `__srcgrad_transform__`.
    """

    function: Callable[..., Any]
    bound: tuple[object, ...] = ()
    keywords: Mapping[str, object] = field(default_factory=dict)


def unwrap(function: Any) -> Unwrapped:
    """The function underneath a method, a partial, a decorated function or a callable object.

    A wrapper that only calls what it wraps, as that of `functools.lru_cache` does, is taken for it.

    Raises
    ------
    NotDifferentiable
        `function` cannot be called, or which code runs depends on the type of its argument.

    Examples
    --------
    >>> def scale(factor, x, *, offset): return factor * x + offset
    >>> found = unwrap(functools.partial(scale, 2.0, offset=1.0))
    >>> found.function is scale, found.bound, found.keywords
    (True, (2.0,), {'offset': 1.0})
    """
    bound: tuple[object, ...] = ()
    keywords: dict[str, object] = {}
    seen: list[object] = []  # compared by identity: what is met may not be hashable
    while not any(function is one for one in seen):
        seen.append(function)
        kind = type(function)
        if isinstance(function, MethodType):
            bound = (function.__self__, *bound)
            function = function.__func__
        elif isinstance(function, staticmethod | classmethod):
            function = function.__func__
        elif not callable(function):
            raise NotDifferentiable(
                f"an object of type '{kind.__name__}' is not a function",
                cure="hand over a function of the variables to differentiate by",
            )
        elif _is_closed(function):
            break
        elif isinstance(function, functools.partial) and kind.__call__ is _CALL_OF_PARTIAL:
            bound = (*function.args, *bound)
            keywords = {**function.keywords, **keywords}
            function = function.func
        elif _dispatches_on_type(function):
            raise NotDifferentiable(
                f"'{function.__name__}' runs other code for each type of its argument",
                cure=f"differentiate what it runs, e.g. {function.__name__}.dispatch(float)",
            )
        elif isinstance(function, FunctionType):
            if not _only_surrounds(function) and not passes_through(function):
                break  # what a decorator has made is read as it is: it may do more than to call
            function = vars(function)["__wrapped__"]
        else:
            # As Python itself does, look in the class, not in the object.
            call = next(vars(base)["__call__"] for base in kind.__mro__ if "__call__" in vars(base))
            if not isinstance(call, WrapperDescriptorType | MethodDescriptorType):
                function = call.__get__(function, kind) if hasattr(call, "__get__") else call
            elif hasattr(function, "__wrapped__"):
                function = function.__wrapped__  # written in C, as `functools.lru_cache` is
            else:
                break
    return Unwrapped(function, bound, keywords)


def _is_closed(function: Any) -> bool:
    """Whether a callable is taken as it is: a class, a gradient, a member of a closed package."""
    kind = type(function)
    if isinstance(function, type) or is_custom(function) or hasattr(kind, "__srcgrad_transform__"):
        return True
    if isinstance(function, FunctionType) and _only_surrounds(function):
        return False
    return _home(function).partition(".")[0] in CLOSED_PACKAGES


def _home(function: Any) -> str:
    """The module that a callable comes from."""
    # `functools.wraps` copies `__module__`, so a function is asked where its globals are.
    is_function = isinstance(function, FunctionType)
    return str(function.__globals__.get("__name__") if is_function else type(function).__module__)


def _only_surrounds(function: Any) -> bool:
    """Whether a function calls another in a context, as one decorated by `np.errstate()` does."""
    contexts = ("contextlib", "numpy._core._ufunc_config", "numpy.core._ufunc_config")
    return hasattr(function, "__wrapped__") and _home(function) in contexts


def _dispatches_on_type(function: Any) -> bool:
    """Whether this is a `functools.singledispatch` function: `__wrapped__` is only its default."""
    return (
        isinstance(function, FunctionType)
        and function.__globals__.get("__name__") == "functools"
        and hasattr(function, "register")
    )
