"""Arguments that share memory: refused at the call of a function that writes to one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..errors import UnknownAlias
from ..ir.graph import Function
from ..runtime import fields_of


def keeping_apart(
    run: Callable[..., Any], function: Function, read: Function | None = None
) -> Callable[..., Any]:
    """`run`, for arguments of which none that is written to shares memory with another.

    The function was read as if each argument were memory of its own. It is `read`, where the one that
    runs has more arguments, such as a vector.
    """
    if not function.writes:
        return run
    own = [p.name for p in (read or function).signature]
    names = [p.name for p in function.signature]
    places = [k for k, name in enumerate(names) if name in own]
    names = [names[k] for k in places]
    written = [k for k, name in enumerate(names) if name in function.writes]

    def call(*args: Any) -> Any:
        check_apart(tuple(args[k] for k in places), names, written)
        return run(*args)

    return call


def check_apart(args: tuple[Any, ...], names: list[str], written: list[int]) -> None:
    """Check that no array of a written argument shares memory with another array of the arguments.

    Raises
    ------
    UnknownAlias
        Naming both.

    Examples
    --------
    >>> x = np.ones(3)
    >>> check_apart((x, x.copy()), ["a", "b"], [0])
    """
    parts = [(k, label, x) for k, arg in enumerate(args) for label, x in _parts(arg, names[k])]
    for i, (k, label, x) in enumerate(parts):
        if k not in written:
            continue
        for j, (_, other, y) in enumerate(parts):
            if i != j and _are_one(x, y):
                raise UnknownAlias(
                    f"arguments {label} and {other} share memory, and {label} is written to",
                    cure=f"pass a copy of one of them: {other}.copy()",
                )


def _are_one(x: Any, y: Any) -> bool:
    """Whether writing to one thing changes the other."""
    if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
        return np.may_share_memory(x, y) and np.shares_memory(x, y)
    return x is y


def _parts(value: Any, label: str) -> Iterator[tuple[str, Any]]:
    """What can be written to in an argument, each with what the source would call it."""
    if isinstance(value, np.ndarray | Mapping | list) or hasattr(
        type(value), "__dataclass_fields__"
    ):
        yield label, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _parts(item, f"{label}[{key!r}]")
    elif isinstance(value, list | tuple):
        for k, item in enumerate(value):
            yield from _parts(item, f"{label}[{k}]")
    elif hasattr(type(value), "__dataclass_fields__"):
        for name, item in fields_of(value).items():
            yield from _parts(item, f"{label}.{name}")
