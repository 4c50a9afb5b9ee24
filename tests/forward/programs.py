"""Every whole program of the other tests, as a function of its float arguments, with what is due of it."""

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from kernels.registry import all_kernels
from zoo.numeric import is_float, tree_leaves
from zoo.registry import all_programs


@dataclass(frozen=True)
class Whole:
    """A function, the arguments to move it at, and which of them hold floats."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    argnums: tuple[int, ...]
    has_aux: bool = False


def wholes() -> dict[str, Whole]:
    """The zoo and the kernels by name."""
    found = {}
    for name, p in all_programs().items():
        found[f"zoo-{name}"] = Whole(p.function, p.args, p.argnums, p.has_aux)
    for name, k in all_kernels().items():
        if not k.refused:
            floats = [i for i, a in enumerate(k.args) if any(map(is_float, tree_leaves(a)))]
            found[f"kernel-{name}"] = Whole(k.function, k.args, tuple(floats))
    return found


def quietly(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call without what it prints, and without remarks on what np.where masks out."""
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(invalid="ignore", divide="ignore"):
        return call(*args, **kwargs)
