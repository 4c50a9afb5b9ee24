"""Prints a Python syntax tree as a person would write it: few parentheses, comments, lines that fit.

The tree is walked once. Each logical line is collected as a flat list of pieces of text; a line that
fits is joined and done. Only a line that does not is looked at again, by the brackets and operators
among its pieces, and broken the way black would break it.
"""

from __future__ import annotations

import ast
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any

import astunparse

__all__ = ["BlankLine", "Comment", "Printer", "unparse"]


class Comment(ast.stmt):
    """A statement that prints as ``# text`` at the indentation of its block.

    A text of several lines prints as several comments.

    Examples
    --------
    >>> print(unparse(ast.Module([Comment("z = X @ w"), *ast.parse("d_w = X.T @ d_z").body], [])))
    # z = X @ w
    d_w = X.T @ d_z
    <BLANKLINE>
    """

    _fields = ("text",)
    _field_types = {"text": str}  # noqa: RUF012 - the attribute that ast reads from 3.13 on
    text: str


class BlankLine(ast.stmt):
    """A statement that prints as one empty line, wherever another line follows it.

    Examples
    --------
    >>> x, y = ast.parse("x = 1; y = 2").body
    >>> print(unparse(ast.Module([x, BlankLine(), y], [])))
    x = 1
    <BLANKLINE>
    y = 2
    <BLANKLINE>
    """

    _fields = ()
    _field_types = {}  # noqa: RUF012


def unparse(tree: ast.AST, *, width: int = 100) -> str:
    """The source text of `tree`, whose lines are broken where they would pass `width` columns.

    Parameters
    ----------
    tree : ast.AST
        A module, statement or expression, of `ast` or of `gast`; `Comment` and `BlankLine` may
        stand wherever a statement may.
    width : int
        Names, strings and comments are never broken, and may pass it.

    Returns
    -------
    str
        Ends with a newline, except for an expression, which is one line without. Parsing it gives
        `tree` back. Lost are type comments, and the ``u`` of a part of an f-string.

    Raises
    ------
    TypeError
        For a node or a constant that has no source text.
    ValueError
        Before Python 3.12, for an f-string that its quotes leave no way to write.

    Examples
    --------
    >>> unparse(ast.parse("d_x = ((-g) * z) / (y ** 2)", mode="eval" if False else "exec"))
    'd_x = -g * z / y**2\\n'
    >>> unparse(ast.parse("A[(i, )] - (b - c)", mode="eval"))
    'A[i,] - (b - c)'
    """
    return Printer(width).text(tree)


# Binding strengths, weakest first. A context asks for the strength that it needs; what binds less
# goes into parentheses. No context asks for WALRUS, since where it may stand bare is decided apart.
WALRUS, YIELD, TUPLE, TEST, OR, AND, NOT, COMPARE = range(8)
BITOR, BITXOR, BITAND, SHIFT, SUM, TERM, FACTOR, POWER, AWAIT, ATOM = range(8, 18)

_LEVEL = {
    "NamedExpr": WALRUS,
    "Yield": YIELD,
    "YieldFrom": YIELD,
    "Tuple": TUPLE,
    "Lambda": TEST,
    "IfExp": TEST,
    "Compare": COMPARE,
    "MatchOr": BITOR,
    "Await": AWAIT,
}
_BINARY = {
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
_UNARY = {"Not": ("not ", NOT), "USub": ("-", FACTOR), "UAdd": ("+", FACTOR), "Invert": ("~", FACTOR)}
_BOOLEAN = {"Or": (" or ", OR), "And": (" and ", AND)}
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
_OPERATORS = {"BinOp": _BINARY, "UnaryOp": _UNARY, "BoolOp": _BOOLEAN}

_DEFINITIONS = frozenset({"FunctionDef", "AsyncFunctionDef", "ClassDef"})
_IMPORTS = frozenset({"Import", "ImportFrom"})
_INDENT = "    "


class _Mark(str):
    """An empty piece of text that is known by its identity."""

    __slots__ = ()


# Where parentheses may be put around a whole expression, should its line need breaking.
_OPEN, _CLOSE = _Mark(), _Mark()


class Printer(astunparse.Unparser):
    """The statements and expressions of Python, one method each, found by the name of the node's class.

    Going by name lets trees of `ast` and `gast` print alike. Statements whose methods are not here
    print by astunparse's own.

    Examples
    --------
    >>> Printer(width=20).text(ast.parse("f(alpha, beta, gamma)"))
    'f(\\n    alpha, beta, gamma\\n)\\n'
    """

    def __init__(self, width: int = 100) -> None:
        # astunparse prints a tree on construction, to a file; here `text` does, to a list of lines.
        self.width = width
        self._lines: list[str] = []
        self._pieces: list[str] = []
        self.write = self._pieces.append
        self._indent = 0
        self._line_indent = 0
        self._gap = 0
        self._after_definition = False
        self._enclosing: tuple[str, ...] = ()
        self._reuse_quotes = False

    def text(self, tree: ast.AST) -> str:
        """The source text of `tree`; see `unparse`."""
        if isinstance(tree, ast.Expression):
            tree = tree.body
        if isinstance(tree, ast.expr):
            self.expr(tree, TEST)
            return "".join(self._pieces)
        self.dispatch(tree)
        self._flush()
        return "\n".join(self._lines) + "\n" if self._lines else ""

    # ---- lines ----

    def fill(self, text: str = "") -> None:
        """Begin a logical line with `text`, after the empty lines that are due."""
        self._flush()
        if self._after_definition:
            self._separate()
            self._after_definition = False
        if self._gap:
            self._lines.extend([""] * self._gap)
            self._gap = 0
        self._line_indent = self._indent
        if text:
            self.write(text)

    def _flush(self) -> None:
        if not self._pieces:
            return
        line = _INDENT * self._line_indent + "".join(self._pieces)
        if len(line) <= self.width or "\n" in line:
            self._lines.append(line)
        else:
            self._lines.extend(_broken(self._pieces[:], self._line_indent, self.width))
        self._pieces.clear()

    def _separate(self) -> None:
        self._gap = max(self._gap, 1 if self._indent else 2)

    def _flat(self, method: Callable[..., None], *args: Any) -> str:
        """What `method` writes, as one piece that no line break will enter."""
        start = len(self._pieces)
        method(*args)
        text = "".join(self._pieces[start:])
        del self._pieces[start:]
        return text

    # ---- from any node to its method ----

    def dispatch(self, tree: Any) -> None:
        """Print a node or a block; astunparse's methods call this for each part of a statement."""
        if isinstance(tree, list):
            self._block(tree)
        elif isinstance(tree, ast.expr):
            self._whole(tree, TEST)
        else:
            self._method(tree.__class__.__name__)(tree)

    def _method(self, kind: str) -> Callable[[Any], None]:
        method: Callable[[Any], None] | None = getattr(self, "_" + kind, None)
        if method is None:
            raise TypeError(f"a node of type {kind} has no source text")
        return method

    def expr(self, node: Any, level: int) -> None:
        """Print an expression or pattern, in parentheses where it binds less than `level`."""
        kind = node.__class__.__name__
        if kind == "Name":
            self.write(node.id)
            return
        if kind in _OPERATORS:
            own = _OPERATORS[kind][node.op.__class__.__name__][1]
        elif (kind == "Tuple" and not node.elts) or (kind == "MatchAs" and node.pattern is None):
            own = ATOM
        else:
            own = _LEVEL.get(kind, ATOM)
        if own < level:
            self.write("(")
            self._method(kind)(node)
            self.write(")")
        else:
            self._method(kind)(node)

    def _whole(self, node: Any, level: int) -> None:
        """An expression that parentheses may be put around without changing the statement."""
        kind = node.__class__.__name__
        if kind == "Name" or kind == "Starred":
            self.expr(node, level)
            return
        if kind == "NamedExpr" and self._pieces and self._pieces[-1] in ("if ", "elif ", "while "):
            level = WALRUS
        self.write(_OPEN)
        self.expr(node, level)
        self.write(_CLOSE)

    def _list(self, nodes: Iterable[Any], level: int = TEST) -> None:
        separator = ""
        for node in nodes:
            if separator:
                self.write(separator)
            separator = ", "
            self.expr(node, level)

    # ---- blocks ----

    def _Module(self, t: ast.Module) -> None:
        self._block(t.body, "Module")

    def _block(self, body: Sequence[Any], owner: str = "") -> None:
        """Statements one below the other, with empty lines where black puts them."""
        previous = ""
        empty = True
        for i, statement in enumerate(body):
            kind = statement.__class__.__name__
            if kind == "BlankLine":
                self._gap += 1
                continue
            empty = empty and kind == "Comment"
            if previous != "Comment" or self._gap:
                # Comments right above a definition belong to it.
                heads = i
                while kind == "Comment" and heads + 1 < len(body):
                    heads += 1
                    kind = body[heads].__class__.__name__
                if kind in _DEFINITIONS and (previous or not owner):
                    self._separate()
                elif previous in _IMPORTS and kind not in _IMPORTS:
                    self._gap = max(self._gap, 1)
                kind = statement.__class__.__name__
            if owner and not previous and _is_text(statement):
                self.fill(_docstring(statement.value))
                self._gap = int(owner != "FunctionDef")
            else:
                self._method(kind)(statement)
            previous = kind
        if empty and owner != "Module":
            self.fill("pass")

    def _Comment(self, t: Comment) -> None:
        for line in t.text.splitlines() or [""]:
            self.fill(f"# {line}".rstrip())

    def _BlankLine(self, t: BlankLine) -> None:
        self._gap += 1

    def _suite(self, header: str, body: Sequence[Any]) -> None:
        if header:
            self.fill(header)
        self.enter()
        self._block(body)
        self.leave()

    # ---- statements that astunparse does not know, or prints differently ----

    def _Expr(self, t: ast.Expr) -> None:
        self.fill()
        self._whole(t.value, YIELD)

    def _Assign(self, t: ast.Assign) -> None:
        self.fill()
        for target in t.targets:
            self.expr(target, TUPLE)
            self.write(" = ")
        self._whole(t.value, YIELD)

    def _AugAssign(self, t: ast.AugAssign) -> None:
        self.fill()
        self.expr(t.target, ATOM)
        self.write(_BINARY[t.op.__class__.__name__][0].rstrip() + "= ")
        self._whole(t.value, TEST)

    def _Return(self, t: ast.Return) -> None:
        if t.value is None:
            self.fill("return")
        else:
            self.fill("return ")
            self._whole(t.value, TUPLE)

    def _TypeAlias(self, t: Any) -> None:
        self.fill("type " + t.name.id)
        self._type_params(t)
        self.write(" = ")
        self._whole(t.value, TEST)

    def _ImportFrom(self, t: ast.ImportFrom) -> None:
        self.fill("from " + "." * (t.level or 0) + (t.module or "") + " import ")
        if t.names[0].name == "*":
            self.write("*")
            return
        self.write(_OPEN)
        for i, alias in enumerate(t.names):
            if i:
                self.write(", ")
            self.write(alias.name + (f" as {alias.asname}" if alias.asname else ""))
        self.write(_CLOSE)

    def _For(self, t: Any) -> None:
        self._for("for ", t)

    def _AsyncFor(self, t: Any) -> None:
        self._for("async for ", t)

    def _for(self, keyword: str, t: Any) -> None:
        self.fill(keyword)
        self.expr(t.target, TUPLE)
        self.write(" in ")
        self._whole(t.iter, TEST)
        self._suite("", t.body)
        if t.orelse:
            self._suite("else", t.orelse)

    def _generic_With(self, t: Any, async_: bool = False) -> None:
        self.fill("async with " if async_ else "with ")
        first = t.items[0]
        if len(t.items) > 1:
            self.write(_OPEN)
            for i, item in enumerate(t.items):
                if i:
                    self.write(", ")
                self.expr(item.context_expr, TEST)
                self._optional_vars(item)
            self.write(_CLOSE)
        elif isinstance(first.context_expr, ast.Tuple) and not first.optional_vars:
            # In one pair of parentheses, the tuple's elements would be items.
            self.write("(")
            self.expr(first.context_expr, TEST)
            self.write(")")
        else:
            self._whole(first.context_expr, TEST)
            self._optional_vars(first)
        self._suite("", t.body)

    def _optional_vars(self, item: ast.withitem) -> None:
        if item.optional_vars:
            self.write(" as ")
            self.expr(item.optional_vars, TEST)

    def _Try(self, t: Any) -> None:
        self._try("except", t)

    def _TryStar(self, t: Any) -> None:
        self._try("except*", t)

    def _try(self, keyword: str, t: Any) -> None:
        self._suite("try", t.body)
        for handler in t.handlers:
            self.fill(keyword)
            if handler.type:
                self.write(" ")
                self._whole(handler.type, TEST)
            if handler.name:
                # A name in gast, a string in ast.
                self.write(" as " + getattr(handler.name, "id", handler.name))
            self._suite("", handler.body)
        if t.orelse:
            self._suite("else", t.orelse)
        if t.finalbody:
            self._suite("finally", t.finalbody)

    def _ClassDef(self, t: ast.ClassDef) -> None:
        self._decorators(t)
        self.fill("class " + t.name)
        self._type_params(t)
        if t.bases or t.keywords:
            self._call_arguments(t.bases, t.keywords)
        self._definition_body(t)

    def _FunctionDef(self, t: Any) -> None:
        self._function("def ", t)

    def _AsyncFunctionDef(self, t: Any) -> None:
        self._function("async def ", t)

    def _function(self, keyword: str, t: Any) -> None:
        self._decorators(t)
        self.fill(keyword + t.name)
        self._type_params(t)
        self.write("(")
        self._arguments(t.args)
        self.write(")")
        if t.returns:
            self.write(" -> ")
            self.expr(t.returns, TEST)
        self._definition_body(t)

    def _decorators(self, t: Any) -> None:
        for decorator in t.decorator_list:
            self.fill("@")
            self._whole(decorator, TEST)

    def _definition_body(self, t: Any) -> None:
        self.enter()
        self._block(t.body, "ClassDef" if t.__class__.__name__ == "ClassDef" else "FunctionDef")
        self.leave()
        self._after_definition = True

    def _type_params(self, t: Any) -> None:
        if params := getattr(t, "type_params", None):
            self.write("[")
            self._list(params)
            self.write("]")

    def _TypeVar(self, t: Any, stars: str = "") -> None:
        self.write(stars + t.name)
        if bound := getattr(t, "bound", None):
            self.write(": ")
            self.expr(bound, TEST)
        if default := getattr(t, "default_value", None):
            self.write(" = ")
            self.expr(default, TEST)

    def _TypeVarTuple(self, t: Any) -> None:
        self._TypeVar(t, "*")

    def _ParamSpec(self, t: Any) -> None:
        self._TypeVar(t, "**")

    def _arguments(self, t: ast.arguments) -> None:
        separator = ""

        def parameter(stars: str, node: Any, default: Any) -> None:
            nonlocal separator
            if separator:
                self.write(separator)
            separator = ", "
            self._arg(node, stars)
            if default is not None:
                self.write(" = " if node.annotation else "=")
                self.expr(default, TEST)

        positional: list[Any] = [*t.posonlyargs, *t.args]
        required = len(positional) - len(t.defaults)
        for i, node in enumerate(positional):
            parameter("", node, t.defaults[i - required] if i >= required else None)
            if i + 1 == len(t.posonlyargs):
                self.write(", ")
                self.write("/")
        if t.vararg:
            parameter("*", t.vararg, None)
        elif t.kwonlyargs:
            self.write(separator + "*")
            separator = ", "
        for node, default in zip(t.kwonlyargs, t.kw_defaults, strict=True):
            parameter("", node, default)
        if t.kwarg:
            parameter("**", t.kwarg, None)

    def _arg(self, t: Any, stars: str = "") -> None:
        # gast makes parameters names.
        self.write(stars + (t.id if t.__class__.__name__ == "Name" else t.arg))
        if t.annotation:
            self.write(": ")
            self.expr(t.annotation, TEST)

    # ---- match statements and their patterns ----

    def _Match(self, t: ast.Match) -> None:
        self.fill("match ")
        self._whole(t.subject, TUPLE)
        self.enter()
        for case in t.cases:
            self.fill("case ")
            self.write(_OPEN)
            self.expr(case.pattern, TEST)
            self.write(_CLOSE)
            if case.guard:
                self.write(" if ")
                self._whole(case.guard, TEST)
            self._suite("", case.body)
        self.leave()

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
        separator = ", " if t.patterns else ""
        for name, pattern in zip(t.kwd_attrs, t.kwd_patterns, strict=True):
            if separator:
                self.write(separator)
            separator = ", "
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

    # ---- operators ----

    def _BinOp(self, t: Any) -> None:
        text, level = _BINARY[t.op.__class__.__name__]
        if level == POWER:
            simple = _is_simple(t.left) and _is_simple(t.right, signed=True)
            self.expr(t.left, AWAIT)
            self.write("**" if simple else text)
            self.expr(t.right, FACTOR)
            return
        # A long sum leans to the left: walking down its spine costs no stack.
        spine = [(text, level, t.right)]
        left = t.left
        while left.__class__.__name__ == "BinOp":
            text, own = _BINARY[left.op.__class__.__name__]
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
        text, level = _UNARY[t.op.__class__.__name__]
        self.write(text)
        self.expr(t.operand, level)

    def _BoolOp(self, t: ast.BoolOp) -> None:
        text, level = _BOOLEAN[t.op.__class__.__name__]
        for i, value in enumerate(t.values):
            if i:
                self.write(text)
            self.expr(value, level + 1)

    def _Compare(self, t: ast.Compare) -> None:
        self.expr(t.left, BITOR)
        for operator, right in zip(t.ops, t.comparators, strict=True):
            self.write(_COMPARISON[operator.__class__.__name__])
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

    # ---- atoms and what trails them ----

    def _Attribute(self, t: ast.Attribute) -> None:
        if _is_number(t.value):
            self.write("(")
            self.expr(t.value, TEST)
            self.write(")")
        else:
            self.expr(t.value, ATOM)
        self.write("." + t.attr)

    def _Call(self, t: ast.Call) -> None:
        self.expr(t.func, ATOM)
        if len(t.args) == 1 and not t.keywords and t.args[0].__class__.__name__ == "GeneratorExp":
            self._GeneratorExp(t.args[0])
        else:
            self._call_arguments(t.args, t.keywords)

    def _call_arguments(self, args: Sequence[Any], keywords: Sequence[Any]) -> None:
        self.write("(")
        self._list(args)
        separator = ", " if args else ""
        for keyword in keywords:
            if separator:
                self.write(separator)
            separator = ", "
            self.write("**" if keyword.arg is None else keyword.arg + "=")
            self.expr(keyword.value, TEST)
        self.write(")")

    def _Subscript(self, t: ast.Subscript) -> None:
        self.expr(t.value, ATOM)
        self.write("[")
        index: Any = t.slice
        if index.__class__.__name__ == "Tuple" and len(index.elts) == 1:
            # Inside brackets a star alone makes a tuple, no comma needed.
            if index.elts[0].__class__.__name__ == "Starred":
                index = index.elts[0]
        self.expr(index, TUPLE)
        self.write("]")

    def _Slice(self, t: ast.Slice) -> None:
        # Black: a colon is the operator that binds least, spaced like one unless all is simple.
        parts = [t.lower, t.upper] if t.step is None else [t.lower, t.upper, t.step]
        space = "" if all(part is None or _is_bound(part) for part in parts) else " "
        for i, part in enumerate(parts):
            if i:
                self.write((space if parts[i - 1] else "") + ":" + (space if part else ""))
            if part:
                self.expr(part, TEST)

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
        self._comprehension("[", "]", t)

    def _SetComp(self, t: ast.SetComp) -> None:
        self._comprehension("{", "}", t)

    def _DictComp(self, t: ast.DictComp) -> None:
        self._comprehension("{", "}", t)

    def _GeneratorExp(self, t: Any) -> None:
        self._comprehension("(", ")", t)

    def _comprehension(self, opening: str, closing: str, t: Any) -> None:
        self.write(opening)
        if opening == "{" and t.__class__.__name__ == "DictComp":
            self.expr(t.key, TEST)
            self.write(": ")
            self.expr(t.value, TEST)
        else:
            self.expr(t.elt, TEST)
        for clause in t.generators:
            self.write(" async for " if clause.is_async else " for ")
            self.write(self._flat(self.expr, clause.target, TUPLE) + " in ")
            self.expr(clause.iter, OR)
            for condition in clause.ifs:
                self.write(" if ")
                self.expr(condition, OR)
        self.write(closing)

    # ---- constants and strings ----

    def _Constant(self, t: Any) -> None:
        ...
