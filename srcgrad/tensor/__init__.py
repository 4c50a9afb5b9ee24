"""Tensors: NumPy arrays with PyTorch's habits, whose gradients are generated functions."""

from .creation import (
    arange,
    dot,
    eye,
    full,
    linspace,
    manual_seed,
    ones,
    ones_like,
    rand,
    randn,
    tensor,
    zeros,
    zeros_like,
)
from .mode import enable_grad, is_grad_enabled, no_grad
from .records import TensorError
from .tensor import Tensor

__all__ = [
    "Tensor", "TensorError", "arange", "dot", "enable_grad", "eye", "full", "is_grad_enabled",
    "linspace", "manual_seed", "no_grad", "ones", "ones_like", "rand", "randn", "tensor", "zeros",
    "zeros_like",
]  # fmt: skip
