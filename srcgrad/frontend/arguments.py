"""Binds the arguments of a call to parameters as Python does, with the errors that Python gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import FunctionType
from typing import Any

from .core import Lowerer
from .objects import from_object
from .scopes import Code
from .symbols import Symbol


def default_symbol(low: Lowerer, function: FunctionType, name: str) -> Symbol:
    """The default of a parameter of a Python function."""
    value, read = default_of(function, name)
    if isinstance(value, bool | int | float | complex):
        return value
    return from_object(low, value, low.path(f"{function.__name__}.{name}", function), read)


def default_of(function: FunctionType, name: str) -> tuple[Any, Any]:
    """The default of a parameter, and how to read it again."""
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    if name in positional:
        k = positional.index(name) - code.co_argcount
        return (function.__defaults__ or ())[k], lambda: (function.__defaults__ or ())[k]
    return (function.__kwdefaults__ or {})[name], lambda: (function.__kwdefaults__ or {})[name]


def bind_arguments(
    low: Lowerer,
    code: Code,
    defaults: Mapping[str, Symbol],
    args: Sequence[Symbol],
    kwargs: Mapping[str, Symbol],
) -> dict[str, Symbol]:
    """The symbol of each parameter.

    Raises
    ------
    UnsupportedSyntax
        Too many arguments, too few, or one that the function does not know: worded as Python does.
    """
    name = code.name
    bound: dict[str, Symbol] = {}
    left = list(args)
    named = dict(kwargs)
    missing: list[str] = []
    positional = [p for p in code.parameters if p.kind.startswith("POSITIONAL")]
    for p in positional:
        if left:
            bound[p.name] = left.pop(0)
            if p.kind != "POSITIONAL_ONLY" and p.name in named:
                low.refuse(f"{name}() got multiple values for argument '{p.name}'")
        elif p.kind != "POSITIONAL_ONLY" and p.name in named:
            bound[p.name] = named.pop(p.name)
        elif p.name in defaults:
            bound[p.name] = defaults[p.name]
        else:
            missing.append(p.name)
    if missing:
        low.refuse(f"{name}() missing {_count(missing, 'positional')}")
    for p in code.parameters:
        if p.kind == "VAR_POSITIONAL":
            bound[p.name], left = tuple(left), []
        elif p.kind == "KEYWORD_ONLY":
            if p.name in named:
                bound[p.name] = named.pop(p.name)
            elif p.name in defaults:
                bound[p.name] = defaults[p.name]
            else:
                missing.append(p.name)
        elif p.kind == "VAR_KEYWORD":
            bound[p.name], named = named, {}
    if missing:
        low.refuse(f"{name}() missing {_count(missing, 'keyword-only')}")
    if left:
        low.refuse(
            f"{name}() takes {len(positional)} positional argument"
            f"{'s' * (len(positional) != 1)} but {len(args)} {'were' if len(args) != 1 else 'was'} given"
        )
    if named:
        low.refuse(f"{name}() got an unexpected keyword argument '{next(iter(named))}'")
    return bound


def _count(names: list[str], kind: str) -> str:
    quoted = [f"'{n}'" for n in names]
    listed = quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + f" and {quoted[-1]}"
    return f"{len(names)} required {kind} argument{'s' * (len(names) > 1)}: {listed}"
