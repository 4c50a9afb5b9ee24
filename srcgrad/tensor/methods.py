"""The methods of a Tensor that are NumPy's functions by another name, or PyTorch's."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .. import runtime
from .operators import Operators, call
from .records import TensorError

# Elementwise functions that PyTorch has as methods and NumPy has not.
UFUNC_METHODS = frozenset(
    {
        "abs", "arccos", "arcsin", "arctan", "ceil", "cos", "cosh", "exp", "expm1", "floor",
        "isfinite", "isinf", "isnan", "log", "log10", "log1p", "log2", "maximum", "minimum",
        "sign", "sin", "sinh", "sqrt", "square", "tan", "tanh",
    }
)  # fmt: skip
# PyTorch's names for methods of the same meaning.
ALIASES = {"clamp": "clip", "view": "reshape"}
# Methods that take PyTorch's `dim` and `keepdim` for NumPy's `axis` and `keepdims`: those that mean
# the same in both. (`x.max(dim=0)` gives a pair in PyTorch, and its `x.std()` divides by n - 1.)
WITH_DIM = frozenset(
    {"all", "any", "argmax", "argmin", "cumprod", "cumsum", "mean", "prod", "squeeze", "sum"}
)


class Methods(Operators):
    """What can be asked of a Tensor as of an array: `x.sum(axis=0)`, `x.T`, `x.exp()`."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        """The methods and attributes of arrays that are functions of NumPy by another name."""
        from ..ops import methods

        known = ALIASES.get(name, name)
        if known in methods.METHODS:
            return functools.partial(_method, methods.METHODS[known], known, self)
        if known in UFUNC_METHODS:
            return functools.partial(getattr(np, known), self)
        if known in methods.ATTRIBUTES:
            return methods.ATTRIBUTES[known](self)
        if known in methods.MUTATING:
            raise TensorError(
                f"x.{name}() would write into the Tensor, which cannot be recorded",
                cure="use NumPy's function that returns the result, such as np.sort for x.sort(), "
                "or x.fill_(v), x.copy_(v) under no_grad",
            )
        raise AttributeError(f"'Tensor' object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        from ..ops import methods

        more = {*methods.METHODS, *methods.ATTRIBUTES, *UFUNC_METHODS, *ALIASES}
        return sorted({*super().__dir__(), *more})

    def transpose(self, *axes: Any) -> Any:
        """The Tensor with its axes in the given order, or reversed: NumPy's meaning.

        Raises
        ------
        TensorError
            For `x.transpose(0, 1)` of a matrix, which swaps the axes in PyTorch and not in NumPy.
        """
        if len(axes) == 2 and self.ndim == 2 and [k % 2 for k in axes] == [0, 1]:
            raise TensorError(
                "x.transpose(0, 1) of a matrix is its transpose in PyTorch and the matrix in NumPy",
                cure="x.T, or np.transpose(x, axes)",
            )
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    @property
    def T(self) -> Any:
        return np.transpose(self)

    def clone(self) -> Any:
        """A copy, through which gradients flow."""
        return np.copy(self)

    def astype(self, dtype: Any) -> Any:
        """The entries in another dtype; gradients come back in the old one."""
        return call(self._make, runtime.astype, (self, dtype), {})


def _method(function: Any, name: str, self: Methods, *args: Any, **kwargs: Any) -> Any:
    if name in WITH_DIM and kwargs:
        names = {"dim": "axis", "keepdim": "keepdims"}
        kwargs = {names.get(k, k): v for k, v in kwargs.items()}
    return function(self, *args, **kwargs)
