"""Whether operations on Tensors are recorded: `no_grad`, `enable_grad`, `is_grad_enabled`."""

from __future__ import annotations

import threading
from contextlib import ContextDecorator
from types import TracebackType
from typing import Any


class _State(threading.local):
    enabled = True


_state = _State()


def is_grad_enabled() -> bool:
    """Whether operations on Tensors that require grad are recorded, in this thread, now.

    >>> is_grad_enabled()
    True
    """
    return _state.enabled


class _Mode(ContextDecorator):
    """A context manager and decorator that sets the mode and puts back what it found."""

    enabled: bool

    def __new__(cls, function: Any = None) -> Any:
        """`@no_grad` and `@no_grad()` mean the same."""
        made = super().__new__(cls)
        if function is None:
            return made
        made.__init__()  # type: ignore[misc]
        return made(function)

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(_state.enabled)
        _state.enabled = self.enabled

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _state.enabled = self._before.pop()


class no_grad(_Mode):
    """Inside, operations are not recorded and leaves may be changed in place.

    Examples
    --------
    >>> from srcgrad.tensor import ones
    >>> w = ones(2, requires_grad=True)
    >>> with no_grad():
    ...     w -= 0.5
    >>> w
    tensor([0.5000, 0.5000], requires_grad=True)
    """

    enabled = False


class enable_grad(_Mode):
    """Inside, operations are recorded, also within `no_grad`.

    Examples
    --------
    >>> with no_grad(), enable_grad():
    ...     is_grad_enabled()
    True
    """

    enabled = True
