"""`Tensor`: an array with a gradient beside it, used as in PyTorch and through NumPy's own functions."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from .. import runtime
from ..errors import NotScalar, StructureError
from ..ops import methods
from . import mode
from .display import text_of
from .record import (
    call,
    check_float,
    is_recorded,
    linked,
    plain,
    refuse_ufunc_method,
    results,
)
from .records import Accumulator, Handle, Node, Storage, TensorError

# Functions that write into their first argument; NumPy's dispatch would let them by unnoticed.
WRITERS = frozenset({"copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"})
# Elementwise functions that PyTorch has as methods and NumPy has not.
UFUNC_METHODS = frozenset(
    {
        "abs", "arccos", "arcsin", "arctan", "ceil", "cos", "cosh", "exp", "expm1", "floor",
        "isfinite", "isinf", "isnan", "log", "log10", "log1p", "log2", "maximum", "minimum",
        "sign", "sin", "sinh", "sqrt", "square", "tan", "tanh",
    }
)  # fmt: skip
# Methods that take PyTorch's `dim` and `keepdim` for NumPy's `axis` and `keepdims`: those that mean
# the same in both. (`x.max(dim=0)` gives a pair in PyTorch, and its `x.std()` divides by n - 1.)
WITH_DIM = frozenset({"all", "any", "argmax", "argmin", "cumprod", "cumsum", "mean", "prod", "squeeze", "sum"})


class Tensor(Handle):
    """An array that may require a gradient.

    Operations on it run at once, on NumPy arrays. Where an operand requires a gradient they are
    recorded, and `backward()` turns what was recorded into a generated function, once for each
    structure, that adds to the leaves' `.grad`.

    Parameters
    ----------
    data : array_like
        Copied. Numbers without a dtype of their own get NumPy's: float64, int64, bool.
    dtype : dtype, optional
    requires_grad : bool
        Whether gradients shall gather in `grad`.

    Raises
    ------
    NotDifferentiable
        If integers, truth values or complex numbers are to require a gradient.

    Notes
    -----
    Where PyTorch and NumPy differ, a name means what it means for NumPy arrays: `size` is a number,
    `std()` divides by n, an index that gives one number gives a copy. Plain arrays beside a Tensor
    are constants, read where they stand; writes to them between an operation and `backward()` are
    not noticed, as writes to Tensors are.

    Examples
    --------
    >>> x = Tensor([0.0, 1.0, 2.0, 3.0], requires_grad=True)
    >>> y = 2 * np.dot(x, x)
    >>> y
    tensor(28., grad_fn=<MulBackward0>)
    >>> y.backward()
    >>> x.grad
    tensor([ 0.,  4.,  8., 12.])
    """

    __slots__ = ()
    __hash__ = object.__hash__

    def __init__(self, data: Any, dtype: Any = None, requires_grad: bool = False) -> None:
        array = np.array(_data(data), dtype=dtype)
        if array.dtype.kind not in "biufc":
            raise StructureError(
                f"a Tensor holds numbers, not {array.dtype.name}: {data!r}",
                cure="pass numbers, or lists of numbers of equal lengths",
            )
        self._hold(array, Storage(), None)
        if requires_grad:
            self.requires_grad_()

    def _hold(self, array: np.ndarray, storage: Storage, node: Node | None) -> None:
        self._array = array
        self._storage = storage
        self._node = node
        self._required = False
        self._accumulator = None
        self._reading = None

    # -- what it holds ------------------------------------------------------------------------------

    @property
    def data(self) -> Tensor:
        """A Tensor of the same memory without a gradient; what is assigned is copied into it."""
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        if isinstance(value, Tensor) and value._storage is self._storage:
            return
        with mode.no_grad():
            self.copy_(value)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    @property
    def ndim(self) -> int:
        return self._array.ndim

    @property
    def size(self) -> int:
        """The number of entries, as of a NumPy array."""
        return self._array.size

    @property
    def dtype(self) -> np.dtype:
        return self._array.dtype

    @property
    def T(self) -> Any:
        return np.transpose(self)  # type: ignore[call-overload]

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this Tensor."""
        return self._node is None

    @property
    def grad_fn(self) -> GradientFunction | None:
        """The derivative of the operation that made this Tensor; None for a leaf."""
        return None if self._node is None else GradientFunction(self._node)
