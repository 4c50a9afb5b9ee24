"""NumPy functions whose result is a view of their argument, and how to write through it.

A row says what the argument becomes once the view of it has become `v`: the inverse of the function
where it only puts entries in another order, else the entries that the view does not show stay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..runtime import inverse_permutation
from .asks import complex_valued
from .trace import traced

_inverse = traced(inverse_permutation)

VIEWS: dict[Any, Callable[..., Any]] = {
    np.transpose: lambda v, a, axes=None: np.transpose(v, axes and _inverse(axes)),
    np.swapaxes: lambda v, a, axis1, axis2: np.swapaxes(v, axis1, axis2),
    np.moveaxis: lambda v, a, source, destination: np.moveaxis(v, destination, source),
    np.expand_dims: lambda v, a, axis: np.reshape(v, np.shape(a)),
    np.squeeze: lambda v, a, axis=None: np.reshape(v, np.shape(a)),
    np.reshape: lambda v, a, shape: np.reshape(v, np.shape(a)),
    np.ravel: lambda v, a: np.reshape(v, np.shape(a)),
    np.atleast_1d: lambda v, a: np.reshape(v, np.shape(a)),
    np.atleast_2d: lambda v, a: np.reshape(v, np.shape(a)),
    np.atleast_3d: lambda v, a: np.reshape(v, np.shape(a)),
    np.flip: lambda v, m, axis=None: np.flip(v, axis),
    np.flipud: lambda v, m: np.flipud(v),
    np.fliplr: lambda v, m: np.fliplr(v),
    np.rot90: lambda v, m, k=1, axes=(0, 1): np.rot90(v, -k, axes),
    np.asarray: lambda v, a: v,
    np.asanyarray: lambda v, a: v,
    np.ascontiguousarray: lambda v, a: v,
    np.real: lambda v, val: v + 1j * np.imag(val) if complex_valued(val) else v,
    np.imag: lambda v, val: np.real(val) + 1j * v,
}  # fmt: skip

# Views only of an array whose entries lie one after the other, as NumPy makes it by itself; else copies.
IF_CONTIGUOUS = (np.reshape, np.ravel, np.ascontiguousarray)
# Views that NumPy lets nobody write to.
READ_ONLY = (np.diagonal, np.broadcast_to)
# Functions whose result is contiguous, unless they are asked for another order.
CONTIGUOUS = (
    np.zeros, np.ones, np.empty, np.full, np.arange, np.linspace, np.eye, np.identity, np.repeat,
    np.outer,
)  # fmt: skip
# Functions that keep the order of what they are given.
KEEPS_ORDER = (
    np.array, np.copy, np.stack, np.hstack, np.vstack, np.concatenate, np.cumsum, np.cumprod,
    np.matmul, np.dot, np.kron, np.tile,
)  # fmt: skip
