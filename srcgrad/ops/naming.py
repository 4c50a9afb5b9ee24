"""What generated code calls a value that the user gave no name."""

from __future__ import annotations

from ..ir.graph import Primitive

# What an unnamed value is called, by the function that makes it.
SHORT = {
    "add": "total", "sub": "diff", "mul": "prod", "truediv": "ratio", "matmul": "product",
    "neg": "minus", "pow": "power", "getitem": "part", "lt": "less", "gt": "greater",
    "le": "less", "ge": "greater", "eq": "same", "len": "n", "sum": "total", "range": "steps",
    "not_": "no", "unbroadcast": "part", "min": "least", "max": "most", "abs": "size",
    "norm": "norm", "transpose": "turned", "shape": "shape",
}  # fmt: skip


def short_name(primitive: Primitive) -> str:
    """A name after the function that makes the value."""
    name = str(getattr(primitive.function, "__name__", "t")).strip("_")
    return SHORT.get(name, name if name.isidentifier() else "t")
