"""The parameters of whatever callable a user hands over, as Python itself would list them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, TypeGuard

from ..custom import is_custom
from ..errors import SrcgradError
from ..ir.graph import Parameter
from ..ops import registry
from .unwrap import CLOSED_PACKAGES, Unwrapped, unwrap

_PLAIN = (type(None), bool, int, float, complex, str)


def signature_of(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """The parameters that a caller gives: those of a method without its object, and so on.

    Of a NumPy function, only those that have a derivative rule are listed.

    >>> [p.name for p in signature_of(lambda x, *, n=2: x**n)]
    ['x', 'n']
    """
    return free_parameters(unwrap(function))


def is_open(function: Any) -> TypeGuard[FunctionType]:
    """Whether a function is written in Python and is to be read."""
    if not isinstance(function, FunctionType):
        return False
    module = str(function.__globals__.get("__name__"))
    return module.partition(".")[0] not in CLOSED_PACKAGES


def free_parameters(found: Unwrapped) -> tuple[Parameter, ...]:
    """The parameters that neither an owner nor a partial has fixed.

    Raises
    ------
    SrcgradError
        More has been fixed than there are parameters.
    """
    function = found.function
    if is_custom(function):
        inner = unwrap(function.function)
        found = Unwrapped(
            inner.function, (*inner.bound, *found.bound), {**inner.keywords, **found.keywords}
        )
        function = inner.function
    every = list(_python(function) if is_open(function) else _closed(function))
    skip = len(found.bound)
    free: list[Parameter] = []
    by_keyword = False
    for p in every:
        if p.kind.startswith("POSITIONAL") and skip:
            skip -= 1
        elif p.name in found.keywords:
            by_keyword = by_keyword or p.kind == "POSITIONAL_OR_KEYWORD"
        elif by_keyword and p.kind == "POSITIONAL_OR_KEYWORD":
            # What follows a parameter that a keyword has fixed can only be given by keyword.
            free.append(Parameter(p.name, "KEYWORD_ONLY", p.has_default, p.default))
        elif not (by_keyword and p.kind == "VAR_POSITIONAL"):
            free.append(p)
    names = {p.name for p in every}
    variadic = {p.kind for p in every}
    unknown = [k for k in found.keywords if k not in names]
    if (skip and "VAR_POSITIONAL" not in variadic) or (unknown and "VAR_KEYWORD" not in variadic):
        what = f"'{unknown[0]}'" if unknown else f"{len(found.bound)} arguments"
        name = getattr(function, "__name__", str(function))
        raise SrcgradError(f"a partial gives '{name}' {what}, which it does not take")
    return tuple(free)


def _python(function: FunctionType) -> Iterator[Parameter]:
    """The parameters of a Python function, read off its code."""
    code = function.__code__
    names = iter(code.co_varnames)
    defaults = function.__defaults__ or ()
    first = code.co_argcount - len(defaults)
    for k in range(code.co_argcount):
        only = k < code.co_posonlyargcount
        kind = "POSITIONAL_ONLY" if only else "POSITIONAL_OR_KEYWORD"
        default = defaults[k - first] if k >= first else None
        yield Parameter(next(names), kind, k >= first, default)
    keyword_only = [next(names) for _ in range(code.co_kwonlyargcount)]
    if code.co_flags & inspect.CO_VARARGS:
        yield Parameter(next(names), "VAR_POSITIONAL")
    by_name = function.__kwdefaults__ or {}
    for name in keyword_only:
        yield Parameter(name, "KEYWORD_ONLY", name in by_name, by_name.get(name))
    if code.co_flags & inspect.CO_VARKEYWORDS:
        yield Parameter(next(names), "VAR_KEYWORD")


def _closed(function: Any) -> Iterator[Parameter]:
    """The parameters of a function that is not read: the required ones, and those its rule covers."""
    primitive = registry.find(function)
    rule = registry.RULES.get(primitive) if primitive is not None else None
    covered = rule.parameters if rule is not None else None
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # written in C, without a signature
        if rule is None or not covered:
            yield Parameter("args", "VAR_POSITIONAL")
            return
        for name in covered[: rule.positional]:
            has = name in rule.defaults
            yield Parameter(name, "POSITIONAL_ONLY", has, rule.defaults.get(name))
        return
    for p in parameters:
        has = p.default is not p.empty
        if p.kind.name.startswith("VAR_"):
            if p.kind is p.VAR_POSITIONAL:
                yield Parameter(p.name, "VAR_POSITIONAL")
        elif not has:
            yield Parameter(p.name, p.kind.name)
        elif rule is not None and covered is not None and p.name in covered:
            plain = isinstance(p.default, _PLAIN)  # else a stand-in for "not given"
            default = p.default if plain else rule.defaults.get(p.name)
            yield Parameter(p.name, p.kind.name, True, default)
