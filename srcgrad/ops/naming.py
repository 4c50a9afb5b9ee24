"""What generated code calls a value that the user gave no name."""

from __future__ import annotations

from ..ir.graph import BRANCHES, Op, Primitive, Value

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


def name_after(op: Op, value: Value) -> str | None:
    """A name for a result of an op; of a branch, after what either side makes. None of a loop."""
    if op.primitive in BRANCHES:
        for block in op.blocks:
            given = block.results[op.results.index(value)]
            if not isinstance(given, Value):
                continue
            if given.hint is not None:
                return given.hint
            made = next((o for o in block.ops if given in o.results), None)
            name = None if made is None else name_after(made, given)
            if name is not None:
                return name
        return None
    return None if op.blocks or len(op.results) != 1 else short_name(op.primitive)
