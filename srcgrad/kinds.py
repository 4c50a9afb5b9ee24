"""What each operator makes of a function, told by the operators to those that read calls of them.

And how often users have given functions rules: what was generated before may be out of date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Kind:
    """What a function such as `grad` makes of another: which graph transform, with which options.

    `dropped` are parameters that make no difference to the graph.
    """

    operator: str
    parameters: tuple[str, ...] = ("function", "argnums")
    fixed: Mapping[str, Any] = field(default_factory=lambda: {"argnums": 0})
    dropped: tuple[str, ...] = ()


# What the frontend has to know when it meets these functions in a function that is differentiated; None
# for those that are called with a function and its arguments at once.
OPERATORS: dict[Callable[..., Any], Kind | None] = {}


_changes = 0


def rules_changed() -> None:
    """Let it be known that a function has a rule that it had not before."""
    global _changes
    _changes += 1


def rule_changes() -> int:
    """How often users have given functions rules."""
    return _changes
