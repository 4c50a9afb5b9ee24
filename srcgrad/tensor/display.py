"""How a Tensor prints: as PyTorch prints it, column for column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

WIDTH = 80
DECIMALS = 4
# What a list of Python numbers becomes; any other dtype is named.
USUAL_DTYPES = frozenset({"bool", "int64", "float64", "complex128"})


def text_of(array: np.ndarray, *marks: str) -> str:
    """`tensor(...)` with the entries of an array, and `marks` such as "requires_grad=True" behind.

    >>> text_of(np.array([0.0, 4.0, 12.0]))
    'tensor([ 0.,  4., 12.])'
    >>> text_of(np.array([0.5, 1e-3]), "requires_grad=True")
    'tensor([0.5000, 0.0010], requires_grad=True)'
    """
    suffixes = [] if array.dtype.name in USUAL_DTYPES else [f"dtype={array.dtype.name}"]
    if array.size == 0 and array.ndim != 1:
        suffixes.insert(0, f"size={array.shape}")
    return _with_suffixes(f"tensor({_entries(array)}", [*suffixes, *marks])


def _entries(array: np.ndarray) -> str:
    if array.size == 0:
        return "[]"
    formatter: dict[str, Callable[[Any], str]] = {}
    if array.dtype.kind == "b":
        width = 0 if array.ndim == 0 else max(len(str(v)) for v in np.unique(array))
        formatter["bool"] = lambda v: f"{v!s:>{width}}"
    return np.array2string(
        array,
        max_line_width=WIDTH,
        precision=DECIMALS,
        suppress_small=False,
        separator=", ",
        prefix="tensor(",
        threshold=1000,
        edgeitems=3,
        floatmode="maxprec" if _prints_whole(array) else "fixed",
        sign="-",
        formatter=formatter or None,  # type: ignore[arg-type]
    )


def _prints_whole(array: np.ndarray) -> bool:
    """Whether all entries are whole numbers of a size that is written out: `4.`, not `4.0000`."""
    if array.dtype.kind not in "fc":
        return True
    parts = np.concatenate([np.ravel(array.real), np.ravel(array.imag)])
    sizes = np.abs(parts[np.isfinite(parts)])
    sizes = sizes[sizes != 0]
    if sizes.size == 0:
        return True
    largest, least = sizes.max(), sizes.min()
    return bool(np.all(sizes == np.floor(sizes)) and largest <= 1e8 and largest <= 1000 * least)


def _with_suffixes(text: str, suffixes: Sequence[str]) -> str:
    """`text` with the suffixes behind it, each on a line of its own where it would run over."""
    length = len(text) - (text.rfind("\n") + 1)
    for suffix in suffixes:
        if length + len(suffix) + 3 > WIDTH:
            text += f",\n       {suffix}"
            length = 7 + len(suffix)
        else:
            text += f", {suffix}"
            length += 2 + len(suffix)
    return f"{text})"
