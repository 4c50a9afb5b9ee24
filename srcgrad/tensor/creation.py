"""Functions that create Tensors, under PyTorch's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from .tensor import Tensor

_generator: np.random.Generator | None = None  # made when first asked for: NumPy loads it slowly


def manual_seed(seed: int) -> np.random.Generator:
    """Begin the random numbers of `rand` and `randn` anew, and return their generator.

    >>> manual_seed(0) is manual_seed(0)
    False
    """
    global _generator
    _generator = np.random.default_rng(seed)
    return _generator


def _drawn_from(generator: np.random.Generator | None) -> np.random.Generator:
    global _generator
    if generator is not None:
        return generator
    if _generator is None:
        _generator = np.random.default_rng()
    return _generator


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A Tensor of a copy of `data`: numbers, nested lists, an array, a Tensor.

    Raises
    ------
    NotDifferentiable
        If integers, truth values or complex numbers are to require a gradient.
    StructureError
        If `data` is not numbers.

    Examples
    --------
    >>> tensor([1.0, 2.0], requires_grad=True)
    tensor([1., 2.], requires_grad=True)
    """
    return Tensor(data, dtype, requires_grad)


def arange(
    start: float,
    end: float | None = None,
    step: float = 1,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The numbers from `start` (0 if only one is given) to `end`, that one left out.

    >>> arange(4.0), arange(1, 4)
    (tensor([0., 1., 2., 3.]), tensor([1, 2, 3]))
    """
    first, last = (0, start) if end is None else (start, end)
    return Tensor(np.arange(first, last, step), dtype, requires_grad)


def linspace(
    start: float, end: float, steps: int, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """`steps` numbers from `start` to `end`, both among them.

    >>> linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    return Tensor(np.linspace(start, end, steps), dtype, requires_grad)


def zeros(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of a size that is given as numbers or as one tuple.

    >>> zeros(2), zeros((1, 2))
    (tensor([0., 0.]), tensor([[0., 0.]]))
    """
    return Tensor(np.zeros(_shape(size)), dtype, requires_grad)


def ones(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of a size that is given as numbers or as one tuple.

    >>> ones(2)
    tensor([1., 1.])
    """
    return Tensor(np.ones(_shape(size)), dtype, requires_grad)


def full(size: Any, fill_value: float, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A Tensor of one number throughout.

    >>> full(2, 7.0)
    tensor([7., 7.])
    """
    return Tensor(np.full(size, fill_value), dtype, requires_grad)


def eye(n: int, m: int | None = None, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal, zeros elsewhere.

    >>> eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    return Tensor(np.eye(n, m), dtype, requires_grad)


def zeros_like(x: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of the shape and dtype of `x`.

    >>> zeros_like(ones(2))
    tensor([0., 0.])
    """
    return _like(np.zeros, x, dtype, requires_grad)


def ones_like(x: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of the shape and dtype of `x`.

    >>> ones_like(zeros(2))
    tensor([1., 1.])
    """
    return _like(np.ones, x, dtype, requires_grad)


def rand(
    *size: Any,
    generator: np.random.Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers, uniform between 0 and 1, from `generator` or the one that `manual_seed` set.

    >>> rand(2, 3).shape
    (2, 3)
    """
    return Tensor(_drawn_from(generator).random(_shape(size)), dtype, requires_grad)


def randn(
    *size: Any,
    generator: np.random.Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers of the standard normal distribution, drawn as by `rand`.

    >>> randn(3, generator=np.random.default_rng(0))
    tensor([ 0.1257, -0.1321,  0.6404])
    """
    return Tensor(_drawn_from(generator).standard_normal(_shape(size)), dtype, requires_grad)


def dot(a: Any, b: Any) -> Any:
    """The dot product, as `np.dot` gives it.

    >>> dot(arange(3.0), ones(3))
    tensor(3.)
    """
    return np.dot(a, b)


def _shape(size: tuple[Any, ...]) -> Any:
    return size[0] if len(size) == 1 and not isinstance(size[0], int) else size


def _like(make: Any, x: Any, dtype: Any, requires_grad: bool) -> Tensor:
    return Tensor(make(np.shape(x)), dtype or x.dtype, requires_grad)
