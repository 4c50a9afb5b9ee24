"""The values of Tensors among arguments, and whether a call on them goes into the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import NotDifferentiable
from . import mode
from .records import Handle, rebuilt


def is_recorded(tensors: Sequence[Handle]) -> bool:
    """Whether an operation on these Tensors goes into the graph."""
    return mode.is_grad_enabled() and any(t.requires_grad for t in tensors)


def plain(arg: Any, tensors: list[Handle]) -> Any:
    """Arguments with the array, or the NumPy scalar, in place of each Tensor; `tensors` collects them.

    A Tensor without dimensions is a scalar to the functions that it is given to, as what they return
    is: an array without dimensions could be written to where a number cannot.
    """

    def value(item: Any) -> Any:
        if not isinstance(item, Handle):
            return item
        tensors.append(item)
        return item._array if item._array.ndim else item._array[()]

    return rebuilt(arg, value)


def check_float(dtype: np.dtype) -> None:
    """Refuse a gradient for entries that have none.

    Raises
    ------
    NotDifferentiable
        For integers and truth values, and, so far, for complex numbers.
    """
    if dtype.kind == "c":
        raise NotDifferentiable(
            "Tensors of complex dtype cannot require gradients yet",
            cure="keep real and imaginary parts in two Tensors of floats",
        )
    if dtype.kind != "f":
        raise NotDifferentiable(
            "Only Tensors of floating point and complex dtype can require gradients, "
            f"and this one holds {dtype.name}",
            cure="make it of floats: srcgrad.tensor([1.0, 2.0]), srcgrad.arange(4.0), x.astype(float)",
        )
