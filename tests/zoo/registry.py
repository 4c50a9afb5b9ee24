"""The register of the zoo: each program, the point to differentiate it at, and what it shows."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from zoo.numeric import is_float, tree_leaves

F = TypeVar("F", bound=Callable[..., Any])

MODULES = (
    "straight",
    "branches",
    "loops",
    "exits",
    "functions",
    "callables",
    "containers",
    "effects",
    "numpy_mix",
    "models",
    "combined",
)


@dataclass(frozen=True)
class Program:
    """A function to differentiate at `args` with respect to the arguments `argnums`.

    `tags` names the features it shows. Three of them mean something to a runner: "aux", it returns
    (loss, aux); "prints", it writes to the standard output; "zero", its gradient is zero.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    argnums: tuple[int, ...]
    tags: tuple[str, ...]

    @property
    def has_aux(self) -> bool:
        """Whether the function returns (loss, aux) and not the loss alone."""
        return "aux" in self.tags

    def loss(self, *args: Any) -> Any:
        """The number to differentiate, without what is returned beside it."""
        result = self.function(*args)
        return result[0] if self.has_aux else result


PROGRAMS: dict[str, Program] = {}


def register(
    name: str,
    function: Callable[..., Any],
    *args: Any,
    argnums: tuple[int, ...] | None = None,
    tags: tuple[str, ...] = (),
) -> None:
    """Add a callable that no `def` statement names: a lambda, a ufunc, a partial, an object.

    `argnums` defaults to every argument that holds a float. Raises ValueError if the name is taken.
    """
    if name in PROGRAMS:
        raise ValueError(f"two programs are called {name!r}")
    if argnums is None:
        argnums = tuple(i for i, arg in enumerate(args) if any(map(is_float, tree_leaves(arg))))
    PROGRAMS[name] = Program(function, args, argnums, tags)


def program(
    *args: Any, argnums: tuple[int, ...] | None = None, tags: tuple[str, ...] = ()
) -> Callable[[F], F]:
    """Decorate a function to add it under its own name; the function itself is left as it is."""

    def add(function: F) -> F:
        register(function.__name__, function, *args, argnums=argnums, tags=tags)
        return function

    return add


def sample(*shape: int, seed: int = 0) -> np.ndarray:
    """Normal random numbers of the given shape, the same on every machine and NumPy version."""
    # RandomState's streams are frozen for good; those of newer generators may change.
    return np.random.RandomState(seed).standard_normal(shape)


def all_programs() -> dict[str, Program]:
    """Every program of the zoo by name."""
    for module in MODULES:
        importlib.import_module(f"zoo.{module}")
    return PROGRAMS
