"""What `grad_fn` is called: PyTorch's names where it has the operation, names of that form elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

# By the name of the function, be it Python's operator or NumPy's own.
NAMES = {
    "absolute": "Abs0", "amax": "Max1", "amin": "Min1", "arccos": "Acos0", "arccosh": "Acosh0",
    "arcsin": "Asin0", "arcsinh": "Asinh0", "arctan": "Atan0", "arctan2": "Atan20",
    "arctanh": "Atanh0", "array": "Stack0", "astype": "ToCopy0", "broadcast_to": "Expand0",
    "clip": "Clamp1", "concatenate": "Cat0", "copy": "Clone0", "divide": "Div0",
    "expand_dims": "Unsqueeze0", "float_power": "Pow0", "max": "Max1", "mean": "Mean0",
    "min": "Min1", "moveaxis": "Permute0", "multiply": "Mul0", "negative": "Neg0",
    "norm": "LinalgVectorNorm0", "positive": "Alias0", "power": "Pow0", "ravel": "View0",
    "remainder": "Remainder0", "reshape": "View0", "subtract": "Sub0", "swapaxes": "Transpose0",
    "take": "Index0", "transpose": "Permute0", "truediv": "Div0", "true_divide": "Div0",
    "vdot": "Dot0",
}  # fmt: skip

# Products are named after the dimensions of their operands.
PRODUCTS = frozenset({"dot", "matmul", "inner"})
PRODUCT_NAMES: dict[tuple[int, ...], str] = {
    (1, 1): "Dot0",
    (2, 1): "Mv0",
    (2, 2): "Mm0",
    (3, 3): "Bmm0",
}


def label_of(function: Any, args: Sequence[Any]) -> str:
    """The label for a call of `function` on `args`, in which arrays stand for Tensors.

    >>> label_of(np.multiply, (1.0, 2.0)), label_of(np.tanh, (1.0,))
    ('MulBackward0', 'TanhBackward0')
    """
    name = str(getattr(function, "__name__", type(function).__name__)).strip("_")
    if name in PRODUCTS:
        dims = tuple(np.ndim(a) for a in args[:2])
        short = PRODUCT_NAMES.get(dims, "Mul0" if 0 in dims else "Matmul0")
    elif name == "getitem":
        short = _index_name(args[1])
    elif name in NAMES:
        short = NAMES[name]
    else:
        short = f"{camel(name)}0"
    return f"{short[:-1]}Backward{short[-1]}"


def _index_name(index: Any) -> str:
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(p, np.ndarray | list) for p in parts):
        return "Index0"
    if any(isinstance(p, int | np.integer) and not isinstance(p, bool) for p in parts):
        return "Select0"
    return "Slice0" if any(isinstance(p, slice) for p in parts) else "Unsqueeze0"


def camel(name: str) -> str:
    """A name of words with underscores as one of words with capitals.

    >>> camel("mean_squared_error")
    'MeanSquaredError'
    """
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
