"""Prints expressions and patterns with the parentheses that precedence asks for, and no others.

Every context asks for a binding strength, and what binds less goes into parentheses. Methods are
found by the name of a node's class, as astunparse finds them; so trees of `ast` and of `gast` print
alike, and nothing here tells one from the other by type.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .literals import LiteralPrinter, number

# Binding strengths, weakest first. No context asks for WALRUS: where one may stand bare is decided
# by the statement.
WALRUS, YIELD, TUPLE, TEST, OR, AND, NOT, COMPARE = range(8)
BITOR, BITXOR, BITAND, SHIFT, SUM, TERM, FACTOR, POWER, AWAIT, ATOM = range(8, 18)

_LEVEL = {
    "NamedExpr": WALRUS,
    "Yield": YIELD,
    "YieldFrom": YIELD,
    "Tuple": TUPLE,
    "Lambda": TEST,
    "IfExp": TEST,
    "MatchAs": TEST,
    "Compare": COMPARE,
    "MatchOr": BITOR,
    "Await": AWAIT,
}
BINARY = {
    "BitOr": (" | ", BITOR),
    "BitXor": (" ^ ", BITXOR),
    "BitAnd": (" & ", BITAND),
    "LShift": (" << ", SHIFT),
    "RShift": (" >> ", SHIFT),
    "Add": (" + ", SUM),
    "Sub": (" - ", SUM),
    "Mult": (" * ", TERM),
    "MatMult": (" @ ", TERM),
    "Div": (" / ", TERM),
    "FloorDiv": (" // ", TERM),
    "Mod": (" % ", TERM),
    "Pow": (" ** ", POWER),
}
_UNARY = {
    "Not": ("not ", NOT),
    "USub": ("-", FACTOR),
    "UAdd": ("+", FACTOR),
    "Invert": ("~", FACTOR),
}
_BOOLEAN = {"Or": (" or ", OR), "And": (" and ", AND)}
_OPERATORS = {"BinOp": BINARY, "UnaryOp": _UNARY, "BoolOp": _BOOLEAN}
_COMPARISON = {
    "Eq": " == ",
    "NotEq": " != ",
    "Lt": " < ",
    "LtE": " <= ",
    "Gt": " > ",
    "GtE": " >= ",
    "Is": " is ",
    "IsNot": " is not ",
    "In": " in ",
    "NotIn": " not in ",
}


def kind_of(node: object) -> str:
    """The name of a node's class."""
    return node.__class__.__name__


class ExpressionPrinter(LiteralPrinter):
    """The methods of a printer for expressions and patterns, written piece by piece."""

    _pieces: list[str]

    def _flat(self, method: Callable[..., None], *args: Any) -> str:
        """What `method` writes, as one piece that no line break will enter."""
        start = len(self._pieces)
        try:
            method(*args)
            return "".join(self._pieces[start:])
        finally:
            del self._pieces[start:]

    def _in_field(self, node: Any) -> str:
        return self._flat(self.expr, node, TEST)

    def _method(self, kind: str) -> Callable[[Any], None]:
        method: Callable[[Any], None] | None = getattr(self, "_" + kind, None)
        if method is None:
            raise TypeError(f"a node of type {kind} has no source text")
        return method

    def expr(self, node: Any, level: int) -> None:
        """Print an expression or pattern, in parentheses if it binds less than `level`."""
        kind = kind_of(node)
        if kind == "Name":
            self.write(node.id)
            return
        if kind in _OPERATORS:
            own = _OPERATORS[kind][kind_of(node.op)][1]
        elif kind == "Constant":
            own = FACTOR if _is_negative(node.value) else ATOM
        elif kind == "Tuple" and len(node.elts) < 2:
            # Python would take `a,` bare, but a reader misses the comma.
            own = WALRUS if node.elts else ATOM
        elif kind == "MatchAs" and node.pattern is None:
            own = ATOM
        else:
            own = _LEVEL.get(kind, ATOM)
        if own < level:
            self.write("(")
            self._method(kind)(node)
            self.write(")")
        else:
            self._method(kind)(node)

    def _list(self, nodes: Iterable[Any], level: int = TEST) -> None:
        for i, node in enumerate(nodes):
            if i:
                self.write(", ")
            self.expr(node, level)

    # ---- operators ----

    def _BinOp(self, t: Any) -> None:
        text, level = BINARY[kind_of(t.op)]
        if level == POWER:
            tight = _is_simple(t.left) and _is_simple(_base(t.right))
            self.expr(t.left, AWAIT)
            self.write("**" if tight and self._pieces[-1] != ")" else text)
            self.expr(t.right, FACTOR)
            return
        # A long sum leans to the left: walking down its spine costs no stack.
        spine = [(text, level, t.right)]
        left = t.left
        while kind_of(left) == "BinOp":
            text, own = BINARY[kind_of(left.op)]
            if own < level or own == POWER:
                break
            level = own
            spine.append((text, level, left.right))
            left = left.left
        self.expr(left, level)
        for text, level, right in reversed(spine):
            self.write(text)
            self.expr(right, level + 1)

    def _UnaryOp(self, t: ast.UnaryOp) -> None:
        text, level = _UNARY[kind_of(t.op)]
        self.write(text)
        self.expr(t.operand, level)

    def _BoolOp(self, t: ast.BoolOp) -> None:
        text, level = _BOOLEAN[kind_of(t.op)]
        for i, value in enumerate(t.values):
            if i:
                self.write(text)
            self.expr(value, level + 1)

    def _Compare(self, t: ast.Compare) -> None:
        self.expr(t.left, BITOR)
        for operator, right in zip(t.ops, t.comparators, strict=True):
            self.write(_COMPARISON[kind_of(operator)])
            self.expr(right, BITOR)

    def _IfExp(self, t: ast.IfExp) -> None:
        self.expr(t.body, OR)
        self.write(" if ")
        self.expr(t.test, OR)
        self.write(" else ")
        self.expr(t.orelse, TEST)

    def _NamedExpr(self, t: ast.NamedExpr) -> None:
        self.expr(t.target, ATOM)
        self.write(" := ")
        self.expr(t.value, TEST)

    def _Await(self, t: ast.Await) -> None:
        self.write("await ")
        self.expr(t.value, ATOM)

    def _Yield(self, t: ast.Yield) -> None:
        self.write("yield")
        if t.value:
            self.write(" ")
            self.expr(t.value, TUPLE)

    def _YieldFrom(self, t: ast.YieldFrom) -> None:
        self.write("yield from ")
        self.expr(t.value, TEST)

    def _Lambda(self, t: ast.Lambda) -> None:
        parameters = self._flat(self._arguments, t.args)
        self.write(f"lambda {parameters}: " if parameters else "lambda: ")
        self.expr(t.body, TEST)

    def _Starred(self, t: ast.Starred) -> None:
        self.write("*")
        self.expr(t.value, BITOR)

    # ---- parameters ----

    def _arguments(self, t: ast.arguments) -> None:
        positional = [*t.posonlyargs, *t.args]
        defaults = [None] * (len(positional) - len(t.defaults)) + t.defaults
        parameters: list[tuple[str, Any, Any]] = [
            ("", node, default) for node, default in zip(positional, defaults, strict=True)
        ]
        if t.posonlyargs:
            parameters.insert(len(t.posonlyargs), ("/", None, None))
        if t.vararg or t.kwonlyargs:
            parameters.append(("*", t.vararg, None))
        for node, default in zip(t.kwonlyargs, t.kw_defaults, strict=True):
            parameters.append(("", node, default))
        if t.kwarg:
            parameters.append(("**", t.kwarg, None))
        for i, (marker, node, default) in enumerate(parameters):
            if i:
                self.write(", ")
            self._parameter(marker, node, default)

    def _parameter(self, marker: str, node: Any, default: Any) -> None:
        if node is None:
            self.write(marker)
            return
        # A name in gast.
        self.write(marker + (node.id if kind_of(node) == "Name" else node.arg))
        if node.annotation:
            self.write(": ")
            self.expr(node.annotation, TEST)
        if default:
            self.write(" = " if node.annotation else "=")
            self.expr(default, TEST)

    # ---- what trails an atom ----

    def _Attribute(self, t: ast.Attribute) -> None:
        # The point after a bare number would be its decimal point.
        bare = kind_of(t.value) == "Constant" and _is_number(t.value)
        self.expr(t.value, ATOM + 1 if bare else ATOM)
        self.write("." + t.attr)

    def _Call(self, t: ast.Call) -> None:
        self.expr(t.func, ATOM)
        if [kind_of(arg) for arg in t.args] == ["GeneratorExp"] and not t.keywords:
            self.expr(t.args[0], ATOM)  # its own parentheses are those of the call
        else:
            self._call_arguments(t.args, t.keywords)

    def _call_arguments(self, args: Sequence[Any], keywords: Sequence[Any]) -> None:
        self.write("(")
        self._list(args)
        for i, keyword in enumerate(keywords):
            if i or args:
                self.write(", ")
            self.write("**" if keyword.arg is None else keyword.arg + "=")
            self.expr(keyword.value, TEST)
        self.write(")")

    def _Subscript(self, t: Any) -> None:
        self.expr(t.value, ATOM)
        self.write("[")
        index = t.slice
        if kind_of(index) != "Tuple":
            self.expr(index, TEST)
        elif [kind_of(i) for i in index.elts] == ["Starred"]:
            # In an index, a star makes a tuple even without a comma.
            self.expr(index.elts[0], TEST)
        else:
            # Never in parentheses, in which there can be no slices.
            self._Tuple(index)
        self.write("]")

    def _Slice(self, t: ast.Slice) -> None:
        # Black: the colon is the operator that binds least, spaced as one unless all is simple.
        parts = [t.lower, t.upper] if t.step is None else [t.lower, t.upper, t.step]
        space = "" if all(part is None or _is_simple_bound(part) for part in parts) else " "
        for i, part in enumerate(parts):
            if i:
                self.write((space if parts[i - 1] else "") + ":" + (space if part else ""))
            if part:
                self.expr(part, TEST)

    # ---- displays and comprehensions ----

    def _Tuple(self, t: ast.Tuple) -> None:
        if not t.elts:
            self.write("()")
            return
        self._list(t.elts)
        if len(t.elts) == 1:
            self.write(",")

    def _List(self, t: ast.List) -> None:
        self.write("[")
        self._list(t.elts)
        self.write("]")

    def _Set(self, t: ast.Set) -> None:
        self.write("{")
        if t.elts:
            self._list(t.elts)
        else:
            self.write("*()")
        self.write("}")

    def _Dict(self, t: ast.Dict) -> None:
        self.write("{")
        for i, (key, value) in enumerate(zip(t.keys, t.values, strict=True)):
            if i:
                self.write(", ")
            if key is None:
                self.write("**")
                self.expr(value, BITOR)
            else:
                self.expr(key, TEST)
                self.write(": ")
                self.expr(value, TEST)
        self.write("}")

    def _ListComp(self, t: ast.ListComp) -> None:
        self.write("[")
        self._comprehension(t.elt, t.generators)
        self.write("]")

    def _SetComp(self, t: ast.SetComp) -> None:
        self.write("{")
        self._comprehension(t.elt, t.generators)
        self.write("}")

    def _DictComp(self, t: ast.DictComp) -> None:
        self.write("{")
        self.expr(t.key, TEST)
        self.write(": ")
        self._comprehension(t.value, t.generators)
        self.write("}")

    def _GeneratorExp(self, t: ast.GeneratorExp) -> None:
        self.write("(")
        self._comprehension(t.elt, t.generators)
        self.write(")")

    def _comprehension(self, element: Any, generators: Sequence[Any]) -> None:
        self.expr(element, TEST)
        for clause in generators:
            self.write(" async for " if clause.is_async else " for ")
            # In one piece: a trailing comma after the last target would be a syntax error.
            self.write(self._flat(self.expr, clause.target, TUPLE) + " in ")
            self.expr(clause.iter, OR)
            for condition in clause.ifs:
                self.write(" if ")
                self.expr(condition, OR)

    # ---- patterns ----

    def _MatchValue(self, t: ast.MatchValue) -> None:
        self.expr(t.value, TEST)

    def _MatchSingleton(self, t: ast.MatchSingleton) -> None:
        self.write(repr(t.value))

    def _MatchSequence(self, t: ast.MatchSequence) -> None:
        self.write("[")
        self._list(t.patterns)
        self.write("]")

    def _MatchStar(self, t: ast.MatchStar) -> None:
        self.write("*" + (t.name or "_"))

    def _MatchMapping(self, t: ast.MatchMapping) -> None:
        self.write("{")
        for i, (key, pattern) in enumerate(zip(t.keys, t.patterns, strict=True)):
            if i:
                self.write(", ")
            self.expr(key, TEST)
            self.write(": ")
            self.expr(pattern, TEST)
        if t.rest:
            if t.keys:
                self.write(", ")
            self.write("**" + t.rest)
        self.write("}")

    def _MatchClass(self, t: ast.MatchClass) -> None:
        self.expr(t.cls, ATOM)
        self.write("(")
        self._list(t.patterns)
        for i, (name, pattern) in enumerate(zip(t.kwd_attrs, t.kwd_patterns, strict=True)):
            if i or t.patterns:
                self.write(", ")
            self.write(name + "=")
            self.expr(pattern, TEST)
        self.write(")")

    def _MatchAs(self, t: ast.MatchAs) -> None:
        if t.pattern:
            self.expr(t.pattern, BITOR)
            self.write(" as ")
        self.write(t.name or "_")

    def _MatchOr(self, t: ast.MatchOr) -> None:
        for i, pattern in enumerate(t.patterns):
            if i:
                self.write(" | ")
            self.expr(pattern, BITOR + 1)


def _is_number(node: Any) -> bool:
    return kind_of(node) == "Constant" and type(node.value) in (int, float, complex)


def _is_negative(value: object) -> bool:
    """Whether a constant prints with a minus up front, as no literal of the grammar does."""
    return type(value) in (int, float, complex) and number(value).startswith("-")


def _unsigned(node: Any) -> Any:
    while kind_of(node) == "UnaryOp" and kind_of(node.op) != "Not":
        node = node.operand
    return node


def _base(exponent: Any) -> Any:
    """What the exponent of a power begins with."""
    while kind_of(exponent := _unsigned(exponent)) == "BinOp" and kind_of(exponent.op) == "Pow":
        exponent = exponent.left
    return exponent


def _is_simple_bound(node: Any) -> bool:
    return kind_of(_unsigned(node)) in ("Name", "Constant")


def _is_simple(node: Any) -> bool:
    """Names, numbers and attributes of names: black writes ``x**2`` but ``f(x) ** 2``."""
    while kind_of(node) == "Attribute":
        node = node.value
    return kind_of(node) == "Name" or _is_number(node)
