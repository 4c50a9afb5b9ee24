"""The register of the kernels: each with its arguments and the number of steps that they make it run."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

MODULES = (
    "stencils",
    "relaxation",
    "factorisations",
    "orthogonal",
    "recurrences",
    "probabilistic",
    "dynamics",
    "transforms",
    "objects",
    "writes",
)


@dataclass(frozen=True)
class Kernel:
    """A function to differentiate at `args`, in every argument that holds a float.

    With these arguments its longest loop runs `steps` times or more. It may write into its
    arguments when it is called as it stands. With `analytic`, it takes complex numbers too, and
    its complex extension has no conjugates, absolute values or buffers of real numbers on the way.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    steps: int
    analytic: bool
    refused: str | None = None  # what the refusal says, where it cannot be differentiated


KERNELS: dict[str, Kernel] = {}


def kernel(*args: Any, steps: int, analytic: bool, refused: str | None = None) -> Callable[[F], F]:
    """Decorate a function to add it under its own name; the function itself is left as it is."""

    def add(function: F) -> F:
        name = function.__name__
        if name in KERNELS:
            raise ValueError(f"two kernels are called {name!r}")
        KERNELS[name] = Kernel(function, args, steps, analytic, refused)
        return function

    return add


def all_kernels() -> dict[str, Kernel]:
    """Every kernel by name."""
    for module in MODULES:
        importlib.import_module(f"kernels.{module}")
    return KERNELS
