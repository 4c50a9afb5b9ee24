"""Prints a graph as text, one op a line, with names that are the same on every run."""

from __future__ import annotations

from collections.abc import Mapping

from .graph import CALL, CONTROL, Arg, Block, Function, Op, Undefined, Value


def to_text(function: Function) -> str:
    """The graph of a function, readable and deterministic.

    >>> import numpy as np
    >>> from srcgrad.ir.graph import Primitive
    >>> from srcgrad.ir.build import Builder
    >>> x, b = Value("x"), Builder()
    >>> y = b.emit(Primitive("sin", np.sin), [x], hint="y")
    >>> print(to_text(Function("f", (), b.block([x], [y]))))
    def f(x: unknown):
        y: unknown = sin(x)
        return y
    """
    return "\n\n".join(
        _Printer().function(f) for f in (function, *_others(function.callees, function))
    )


def _others(callees: Mapping[str, Function], function: Function) -> list[Function]:
    return [f for _, f in sorted(callees.items()) if f is not function]


class _Printer:
    def __init__(self) -> None:
        self.names: dict[Value, str] = {}
        self.taken: dict[str, int] = {}

    def name(self, value: Value) -> str:
        if value not in self.names:
            base = value.hint or "t"
            k = self.taken.get(base, 0)
            self.taken[base] = k + 1
            self.names[value] = base if k == 0 and value.hint else f"{base}.{k}"
        return self.names[value]

    def typed(self, value: Value) -> str:
        return f"{self.name(value)}: {value.facts}"

    def arg(self, arg: Arg) -> str:
        if isinstance(arg, Value):
            return self.name(arg)
        if isinstance(arg, tuple):
            inner = ", ".join(map(self.arg, arg))
            return f"({inner},)" if len(arg) == 1 else f"({inner})"
        if isinstance(arg, list):
            return f"[{', '.join(map(self.arg, arg))}]"
        if isinstance(arg, dict):
            return "{" + ", ".join(f"{k!r}: {self.arg(v)}" for k, v in arg.items()) + "}"
        if isinstance(arg, slice):
            parts = ["" if p is None else self.arg(p) for p in (arg.start, arg.stop)]
            step = "" if arg.step is None else f":{self.arg(arg.step)}"
            return ":".join(parts) + step
        if isinstance(arg, Undefined):
            return "undefined"
        if callable(arg):
            return str(getattr(arg, "__name__", type(arg).__name__))
        return repr(arg)

    def function(self, function: Function) -> str:
        captured = [f"    {self.name(c.value)} = outside {c.name}" for c in function.captures]
        params = ", ".join(map(self.typed, function.params))
        body = self.block(function.body, "    ")
        results = ", ".join(map(self.arg, function.body.results))
        return "\n".join(
            [f"def {function.name}({params}):", *captured, *body, f"    return {results}"]
        )

    def block(self, block: Block, indent: str) -> list[str]:
        return [line for op in block.ops for line in self.op(op, indent)]

    def op(self, op: Op, indent: str) -> list[str]:
        args = [self.arg(a) for a in op.args]
        args += [f"{k}={self.arg(a)}" for k, a in op.kwargs.items()]
        name = op.primitive.name
        if op.primitive is CALL:
            name = f"call {op.attrs['callee']}"
        attrs = [k for k, v in op.attrs.items() if v and k in ("stop", "reverse")]
        note = f" [{', '.join(attrs)}]" if attrs else ""
        lines = []
        for block in op.blocks:
            lines.append(f"{indent}    ({', '.join(map(self.typed, block.params))}):")
            lines += self.block(block, indent + "        ")
            lines.append(f"{indent}        yield {', '.join(map(self.arg, block.results))}")
        results = ", ".join(map(self.typed, op.results))
        head = f"{indent}{results + ' = ' if results else ''}{name}({', '.join(args)}){note}"
        return [head + (":" if op.primitive in CONTROL and op.blocks else ""), *lines]
