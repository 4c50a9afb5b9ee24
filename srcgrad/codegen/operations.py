"""From one op to one expression: operators, subscripts, calls, constants, references."""

from __future__ import annotations

import ast
import builtins
import math
import operator
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import runtime
from ..errors import SrcgradError
from ..ir.graph import Arg, Op, Undefined, Value

BINARY: dict[Any, type[ast.operator]] = {
    operator.add: ast.Add, operator.sub: ast.Sub, operator.mul: ast.Mult,
    operator.truediv: ast.Div, operator.floordiv: ast.FloorDiv, operator.mod: ast.Mod,
    operator.pow: ast.Pow, operator.matmul: ast.MatMult, operator.and_: ast.BitAnd,
    operator.or_: ast.BitOr, operator.xor: ast.BitXor, operator.lshift: ast.LShift,
    operator.rshift: ast.RShift,
}  # fmt: skip
COMPARE: dict[Any, type[ast.cmpop]] = {
    operator.lt: ast.Lt, operator.le: ast.LtE, operator.gt: ast.Gt, operator.ge: ast.GtE,
    operator.eq: ast.Eq, operator.ne: ast.NotEq, operator.is_: ast.Is, operator.is_not: ast.IsNot,
}  # fmt: skip
UNARY: dict[Any, type[ast.unaryop]] = {
    operator.neg: ast.USub, operator.pos: ast.UAdd, operator.invert: ast.Invert,
    operator.not_: ast.Not,
}  # fmt: skip

# Functions of an array that read as an attribute of it, where it is known to be an array.
ATTRIBUTES: dict[Any, str] = {np.shape: "shape", np.ndim: "ndim", np.size: "size"}
CONSTANTS = {math.pi: "pi", math.e: "e", math.inf: "inf"}


class References:
    """The names through which generated code reaches functions and objects.

    `imports` are lines to write; `helpers` come from srcgrad's run time; `objects` can only be bound
    in the namespace of the code, because no import reaches them. The latter two by the names that the
    code has for them: their own, unless something else in the code is called that (`taken`).
    """

    def __init__(self, taken: Callable[[str], bool]) -> None:
        self.taken = taken
        self.imports: dict[str, None] = {}
        self.helpers: dict[str, Any] = {}
        self.objects: dict[str, Any] = {}
        self._known: dict[int, ast.expr] = {}
        self._alive: list[Any] = []
        self._claimed: set[str] = set()
        self._imported_as: dict[tuple[str, str], str] = {}

    def of(self, obj: Any) -> ast.expr:
        """An expression for a function, class, module or other object."""
        if id(obj) not in self._known:
            self._alive.append(obj)
            self._known[id(obj)] = self._find(obj)
        return self._known[id(obj)]

    def module(self, path: str, usual: str) -> str:
        """The name of an imported module."""
        key = (path, "")
        if key not in self._imported_as:
            name = self._imported_as[key] = self._claim(usual)
            self.imports[f"import {path}" if name == path else f"import {path} as {name}"] = None
        return self._imported_as[key]

    def _claim(self, usual: str) -> str:
        """A name that means nothing else yet."""
        name, k = usual, 1
        while name in self._claimed or self.taken(name):
            k += 1
            name = f"{usual}_{k}"
        self._claimed.add(name)
        return name

    def _from(self, module: str, name: str) -> str:
        """What `name`, imported from a module, is called."""
        key = (module, name)
        if key not in self._imported_as:
            called = self._imported_as[key] = self._claim(name)
            if module != "builtins" or called != name:
                renamed = "" if called == name else f" as {called}"
                self.imports[f"from {module} import {name}{renamed}"] = None
        return self._imported_as[key]

    def _find(self, obj: Any) -> ast.expr:
        name = getattr(obj, "__name__", None)
        if isinstance(name, str):
            if getattr(builtins, name, None) is obj:
                return load(self._from("builtins", name))
            if getattr(runtime, name, None) is obj:
                called = self._claim(name)
                self.helpers[called] = obj
                return load(called)
            if getattr(math, name, None) is obj:
                return dotted(f"{self.module('math', 'math')}.{name}")
            for module, prefix in ((np, ""), (np.linalg, "linalg.")):
                if getattr(module, name, None) is obj:
                    return dotted(f"{self.module('numpy', 'np')}.{prefix}{name}")
        return self._imported(obj, name) or self._bound(obj, name)

    def _imported(self, obj: Any, name: str | None) -> ast.expr | None:
        if isinstance(obj, type(sys)):
            return None
        module = getattr(obj, "__module__", None) or _home_of(obj, name)
        qualified = getattr(obj, "__qualname__", name)
        if not module or not qualified or "<" in qualified or module in ("__main__", "builtins"):
            return None
        found = sys.modules.get(module)
        for part in qualified.split("."):
            found = getattr(found, part, None)
        if found is not obj:
            return None
        first, dot, rest = qualified.partition(".")
        return dotted(f"{self._from(module, first)}{dot}{rest}")

    def _bound(self, obj: Any, name: str | None) -> ast.expr:
        called = self._claim(name if name is not None and name.isidentifier() else "object_")
        self.objects[called] = obj
        return load(called)


def _home_of(obj: Any, name: str | None) -> str | None:
    """The public module that a ufunc, which does not say, can be imported from."""
    if not isinstance(obj, np.ufunc) or name is None:
        return None
    homes = [
        path
        for path, module in list(sys.modules.items())
        if not any(part.startswith("_") for part in path.split("."))
        and getattr(module, "__dict__", {}).get(name) is obj
        and path.partition(".")[0] != "__main__"
    ]
    packages = [path for path in homes if hasattr(sys.modules[path], "__path__")]
    return min(packages or homes, default=None, key=lambda path: (path.count("."), path))


def load(name: str) -> ast.Name:
    """A name that is read."""
    return ast.Name(name, ast.Load())


def dotted(path: str) -> ast.expr:
    """A name and its attributes, from `a.b.c`."""
    head, *rest = path.split(".")
    node: ast.expr = load(head)
    for part in rest:
        node = ast.Attribute(node, part, ast.Load())
    return node


def subscript(obj: ast.expr, index: ast.expr) -> ast.Subscript:
    """`obj[index]`, read."""
    return ast.Subscript(obj, index, ast.Load())


class Expressions:
    """Prints ops as expressions. `name` tells how a value that is not folded is called."""

    def __init__(self, value: Callable[[Value], ast.expr], references: References) -> None:
        self.value = value
        self.references = references

    def arg(self, arg: Arg) -> ast.expr:
        """An argument: a value, a constant, or a structure of both."""
        if isinstance(arg, Value):
            return self.value(arg)
        if isinstance(arg, tuple):
            if hasattr(arg, "_fields"):
                return ast.Call(self.references.of(type(arg)), [self.arg(a) for a in arg], [])
            return ast.Tuple([self.arg(a) for a in arg], ast.Load())
        if isinstance(arg, list):
            return ast.List([self.arg(a) for a in arg], ast.Load())
        if isinstance(arg, dict):
            return ast.Dict([self.constant(k) for k in arg], [self.arg(v) for v in arg.values()])
        if isinstance(arg, slice):
            parts = (arg.start, arg.stop, arg.step)
            return ast.Call(self.references.of(slice), [self.arg(p) for p in parts], [])
        return self.constant(arg)

    def constant(self, value: Any) -> ast.expr:
        if isinstance(value, Undefined):
            return ast.Constant(None)
        if isinstance(value, np.generic):
            kind = self.references.of(type(value))
            return ast.Call(kind, [self.constant(value.item())], [])
        if isinstance(value, bool) or value is None or value is Ellipsis:
            return ast.Constant(value)
        if isinstance(value, str | bytes):
            return ast.Constant(value)
        if isinstance(value, int | float):
            return self.number(value)
        if isinstance(value, complex):
            return (
                ast.Constant(value)
                if value.real == 0
                else ast.BinOp(
                    self.number(value.real), ast.Add(), ast.Constant(complex(0, value.imag))
                )
            )
        if isinstance(value, np.dtype):
            return ast.Constant(value.name)
        if isinstance(value, frozenset | set | tuple):
            return self.references.of(value)
        return self.references.of(value)

    def number(self, value: float) -> ast.expr:
        if isinstance(value, float):
            if math.isnan(value):
                return self._numpy("nan")
            if abs(value) in CONSTANTS:
                named = self._numpy(CONSTANTS[abs(value)])
                return named if value > 0 else ast.UnaryOp(ast.USub(), named)
        if value < 0 or (value == 0 and math.copysign(1, value) < 0):
            return ast.UnaryOp(ast.USub(), ast.Constant(-value))
        return ast.Constant(value)

    def _numpy(self, name: str) -> ast.expr:
        return dotted(f"{self.references.module('numpy', 'np')}.{name}")

    def index(self, arg: Arg) -> ast.expr:
        """What stands between the brackets of a subscript."""
        if isinstance(arg, slice):

            def part(p: Arg) -> ast.expr | None:
                return None if p is None else self.arg(p)

            return ast.Slice(part(arg.start), part(arg.stop), part(arg.step))
        if isinstance(arg, tuple) and arg:
            return ast.Tuple([self.index(a) for a in arg], ast.Load())
        return self.arg(arg)

    def op(self, op: Op) -> ast.expr:
        """The expression that an op without blocks stands for."""
        function, args = op.primitive.function, op.args
        if function in BINARY and len(args) == 2:
            return ast.BinOp(self.arg(args[0]), BINARY[function](), self.arg(args[1]))
        if function in COMPARE and len(args) == 2:
            return ast.Compare(self.arg(args[0]), [COMPARE[function]()], [self.arg(args[1])])
        if function in UNARY and len(args) == 1:
            return ast.UnaryOp(UNARY[function](), self.arg(args[0]))
        if function is operator.contains:
            return ast.Compare(self.arg(args[1]), [ast.In()], [self.arg(args[0])])
        if function is operator.getitem:
            return subscript(self.arg(args[0]), self.index(args[1]))
        if function is getattr and len(args) == 2 and isinstance(args[1], str):
            return ast.Attribute(self.arg(args[0]), args[1], ast.Load())
        special = self._special(op)
        if special is not None:
            return special
        keywords = [ast.keyword(k, self.arg(v)) for k, v in op.kwargs.items()]
        return ast.Call(self.callee(function), [self.arg(a) for a in args], keywords)

    def _special(self, op: Op) -> ast.expr | None:
        function, args = op.primitive.function, op.args
        first = args[0] if args else None
        is_array = isinstance(first, Value) and first.facts.kind == "array"
        if op.primitive.name.startswith("."):
            method = ast.Attribute(self.arg(first), op.primitive.name[1:], ast.Load())
            keywords = [ast.keyword(k, self.arg(v)) for k, v in op.kwargs.items()]
            return ast.Call(method, [self.arg(a) for a in args[1:]], keywords)
        if function is runtime.gather and isinstance(first, list | dict):
            return self.arg(first)
        if function is np.copy and len(args) == 1 and (is_array or op.attrs.get("array")):
            return ast.Call(ast.Attribute(self.arg(first), "copy", ast.Load()), [], [])
        if is_array and not op.kwargs:
            if function in ATTRIBUTES and len(args) == 1:
                return ast.Attribute(self.arg(first), ATTRIBUTES[function], ast.Load())
            if function is np.transpose and len(args) == 1:
                return ast.Attribute(self.arg(first), "T", ast.Load())
            if op.primitive.name == "dtype_of":
                return ast.Attribute(self.arg(first), "dtype", ast.Load())
            if function is np.reshape and isinstance(args[1], tuple) and args[1]:
                method = ast.Attribute(self.arg(first), "reshape", ast.Load())
                return ast.Call(method, [self.arg(a) for a in args[1]], [])
        if function is runtime.astype and isinstance(first, Value) and first.facts.dtype:
            if op.adjoint and not is_array and isinstance(args[1], str):
                # On some path the number may be one of Python, which has no such method.
                return ast.Call(self.references.of(np.dtype(args[1]).type), [self.arg(first)], [])
            method = ast.Attribute(self.arg(first), "astype", ast.Load())
            return ast.Call(method, [self.arg(a) for a in args[1:]], [])
        if op.primitive.name == "dtype_of":
            array = ast.Call(self.references.of(np.asarray), [self.arg(first)], [])
            return ast.Attribute(array, "dtype", ast.Load())
        return self._text(op)

    def _text(self, op: Op) -> ast.expr | None:
        return None

    def callee(self, function: Any) -> ast.expr:
        original = getattr(function, "__wrapped__", None)
        if original is not None and getattr(runtime, original.__name__, None) is original:
            function = original
        if function is None:
            raise SrcgradError("an op without a function cannot be printed")
        return self.references.of(function)
