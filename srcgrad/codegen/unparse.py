"""Prints a Python syntax tree as a person would write it: with comments, and lines that fit.

The tree is walked once, and each line collected as a flat list of pieces of text. A line that fits
is joined and done; only one that does not goes to `layout`.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import astunparse

from .expressions import (
    ATOM,
    BINARY,
    TEST,
    TUPLE,
    WALRUS,
    YIELD,
    ExpressionPrinter,
    kind_of,
)
from .layout import CLOSE, INDENT, OPEN, broken
from .literals import docstring

_DEFINITIONS = frozenset({"FunctionDef", "AsyncFunctionDef", "ClassDef"})
_CLAUSES = ("elif ", "else", "except", "finally")
_IMPORTS = frozenset({"Import", "ImportFrom"})


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
    _field_types = {"text": str}  # noqa: RUF012 - what ast, from 3.13 on, checks arguments by
    text: str

    if TYPE_CHECKING:

        def __init__(self, text: str) -> None: ...


class BlankLine(ast.stmt):
    """A statement that prints as an empty line, wherever another line follows.

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


def unparse(tree: ast.AST, *, width: int = 100) -> str:
    r"""The source text of `tree`, its lines broken where they would pass `width` columns.

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
        Parsing it gives `tree` back, but for type comments and the ``u`` of a part of an f-string.
        Ends with a newline, except for an expression, which is one line without.

    Raises
    ------
    TypeError
        For a node or a constant that no source text stands for.
    NoQuotesLeft
        Before Python 3.12, for strings in an f-string that take more quotes than there are.

    Examples
    --------
    >>> unparse(ast.parse("d_x = ((-g) * z) / (y ** 2)"))
    'd_x = -g * z / y**2\n'
    >>> unparse(ast.parse("(a) - (b - A[(i, slice)])", mode="eval"))
    'a - (b - A[i, slice])'
    """
    return Printer(width).text(tree)


class Printer(ExpressionPrinter, astunparse.Unparser):  # type: ignore[misc]  # it has no types
    """Prints statements; the short ones, which have no methods here, by astunparse's own.

    Examples
    --------
    >>> print(Printer(width=24).text(ast.parse("x = f(alpha, beta, gamma)")))
    x = f(
        alpha, beta, gamma
    )
    <BLANKLINE>
    """

    def __init__(self, width: int = 100) -> None:
        # astunparse prints to a file, and on construction. `text` does it here, to a list of lines.
        self.width = width
        self._lines: list[str] = []
        self._pieces: list[str] = []
        self.write = self._pieces.append
        self._indent = 0
        self._indent_of_line = 0
        self._gap = 0
        self._after_definition = False

    def text(self, tree: ast.AST) -> str:
        """The source text of `tree`; see `unparse`."""
        if kind_of(tree) == "Expression":
            tree = tree.body  # type: ignore[attr-defined]
        if isinstance(tree, ast.expr):
            return self._flat(self.expr, tree, TEST)
        self.dispatch(tree)
        self._flush()
        return "".join(line + "\n" for line in self._lines)

    # ---- lines ----

    def fill(self, text: str = "") -> None:
        """Begin a line with `text`, after the empty lines that are due."""
        self._flush()
        if self._after_definition:
            self._after_definition = False
            if not text.startswith(_CLAUSES):
                self._separate()
        self._lines.extend([""] * self._gap)
        self._gap = 0
        self._indent_of_line = self._indent
        if text:
            self.write(text)

    def _flush(self) -> None:
        if not self._pieces:
            return
        line = INDENT * self._indent_of_line + "".join(self._pieces)
        if len(line) <= self.width or "\n" in line:
            self._lines.append(line)
        else:
            self._lines.extend(broken(self._pieces, self._indent_of_line, self.width))
        self._pieces.clear()

    def _separate(self) -> None:
        """See to it that empty lines set off what follows, as around definitions."""
        self._gap = max(self._gap, 1 if self._indent else 2)

    # ---- blocks and whole expressions ----

    def dispatch(self, tree: Any) -> None:
        """Print a node or a block: what astunparse's methods call for each part of a statement."""
        if isinstance(tree, list):
            self._block(tree)
        elif isinstance(tree, ast.expr):
            self._whole(tree, TEST)
        else:
            self._method(kind_of(tree))(tree)

    def _whole(self, node: Any, level: int) -> None:
        """Print an expression that takes parentheses without changing the statement around it."""
        kind = kind_of(node)
        if kind == "Starred":
            self.expr(node, level)
            return
        if kind == "NamedExpr" and self._pieces[-1:] in (["if "], ["elif "], ["while "]):
            level = WALRUS
        self.write(OPEN)
        self.expr(node, level)
        self.write(CLOSE)

    def _target(self, node: Any) -> None:
        """Print what is assigned to. Only a tuple is worth parentheses of its own."""
        if kind_of(node) == "Tuple":
            self._whole(node, TUPLE)
        else:
            self.expr(node, ATOM)

    def _block(self, body: Sequence[Any], owner: str = "") -> None:
        """Print statements one below the other, with empty lines where black has them.

        `owner` is the module, class or function that the block is the body of, if it is.
        """
        previous = ""
        only_comments = True
        for i, statement in enumerate(body):
            kind = kind_of(statement)
            if kind == "BlankLine":
                self._gap += 1
                continue
            at_top = only_comments
            only_comments = only_comments and kind == "Comment"
            if previous != "Comment" or self._gap:
                # Comments right above a definition belong to it.
                rest = (kind_of(body[j]) for j in range(i, len(body)))
                head = next((k for k in rest if k != "Comment"), "")
                if head in _DEFINITIONS and (previous or not owner):
                    self._separate()
                elif previous in _IMPORTS and kind not in _IMPORTS:
                    self._gap = max(self._gap, 1)
            if owner and at_top and _is_text(statement):
                self.fill(docstring(statement.value.value))
                self._gap = 0 if owner.endswith("FunctionDef") else 1
            else:
                self._method(kind)(statement)
            previous = kind
        if only_comments and owner != "Module":
            self.fill("pass")

    def _suite(self, header: str, body: Sequence[Any]) -> None:
        """Print a block under `header`, or, where that is empty, under the line begun."""
        if header:
            self.fill(header)
        self.enter()
        self._block(body)
        self.leave()

    def _Module(self, t: ast.Module) -> None:
        self._block(t.body, "Module")

    def _Comment(self, t: Comment) -> None:
        for line in t.text.splitlines() or [""]:
            self.fill(f"# {line}".rstrip())

    def _BlankLine(self, t: BlankLine) -> None:
        self._gap += 1

    # ---- simple statements ----

    def _Expr(self, t: ast.Expr) -> None:
        self.fill()
        self._whole(t.value, YIELD)

    def _Assign(self, t: ast.Assign) -> None:
        self.fill()
        for target in t.targets:
            self._target(target)
            self.write(" = ")
        self._whole(t.value, YIELD)

    def _AugAssign(self, t: ast.AugAssign) -> None:
        self.fill()
        self.expr(t.target, ATOM)
        self.write(BINARY[kind_of(t.op)][0].rstrip() + "= ")
        self._whole(t.value, YIELD)

    def _AnnAssign(self, t: ast.AnnAssign) -> None:
        self.fill()
        # A name in parentheses is annotated, but not declared.
        bare = t.simple or kind_of(t.target) != "Name"
        self.write("" if bare else "(")
        self.expr(t.target, ATOM)
        self.write(": " if bare else "): ")
        self.expr(t.annotation, TEST)
        if t.value:
            self.write(" = ")
            self._whole(t.value, TEST)

    def _Return(self, t: ast.Return) -> None:
        self.fill("return")
        if t.value:
            self.write(" ")
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
        self.write(OPEN)
        for i, alias in enumerate(t.names):
            if i:
                self.write(", ")
            self.write(alias.name + (f" as {alias.asname}" if alias.asname else ""))
        self.write(CLOSE)

    # ---- compound statements ----

    def _If(self, t: ast.If) -> None:
        keyword = "if "
        while True:
            self.fill(keyword)
            self._whole(t.test, TEST)
            self._suite("", t.body)
            if [kind_of(statement) for statement in t.orelse] != ["If"]:
                break
            keyword, t = "elif ", t.orelse[0]  # type: ignore[assignment]
        if t.orelse:
            self._suite("else", t.orelse)

    def _AsyncFor(self, t: ast.AsyncFor) -> None:
        self._For(t, "async for ")

    def _For(self, t: ast.For | ast.AsyncFor, keyword: str = "for ") -> None:
        self.fill(keyword)
        self._target(t.target)
        self.write(" in ")
        self._whole(t.iter, TEST)
        self._suite("", t.body)
        if t.orelse:
            self._suite("else", t.orelse)

    def _generic_With(self, t: ast.With | ast.AsyncWith, async_: bool = False) -> None:
        self.fill("async with " if async_ else "with ")
        first, *others = t.items
        if others:
            self.write(OPEN)
            for i, item in enumerate(t.items):
                if i:
                    self.write(", ")
                self.expr(item.context_expr, TEST)
                self._optional_vars(item)
            self.write(CLOSE)
        elif kind_of(first.context_expr) == "Tuple" and not first.optional_vars:
            # In a single pair of parentheses, its elements would be taken for items.
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

    def _Try(self, t: Any, keyword: str = "except") -> None:
        self._suite("try", t.body)
        for handler in t.handlers:
            self.fill(keyword)
            if handler.type:
                self.write(" ")
                self._whole(handler.type, TEST)
            if handler.name:
                # gast has a node for the name.
                self.write(" as " + getattr(handler.name, "id", handler.name))
            self._suite("", handler.body)
        if t.orelse:
            self._suite("else", t.orelse)
        if t.finalbody:
            self._suite("finally", t.finalbody)

    def _TryStar(self, t: Any) -> None:
        self._Try(t, "except*")

    def _Match(self, t: ast.Match) -> None:
        self.fill("match ")
        self._whole(t.subject, TUPLE)
        self.enter()
        for case in t.cases:
            self.fill("case ")
            self.write(OPEN)
            self.expr(case.pattern, TEST)
            self.write(CLOSE)
            if case.guard:
                self.write(" if ")
                self._whole(case.guard, TEST)
            self._suite("", case.body)
        self.leave()

    # ---- definitions ----

    def _ClassDef(self, t: ast.ClassDef) -> None:
        self._begin_definition("class ", t)
        if t.bases or t.keywords:
            self._call_arguments(t.bases, t.keywords)
        self._end_definition(t)

    def _FunctionDef(self, t: Any, keyword: str = "def ") -> None:
        self._begin_definition(keyword, t)
        self.write("(")
        self._arguments(t.args)
        self.write(")")
        if t.returns:
            self.write(" -> ")
            self.expr(t.returns, TEST)
        self._end_definition(t)

    def _AsyncFunctionDef(self, t: ast.AsyncFunctionDef) -> None:
        self._FunctionDef(t, "async def ")

    def _begin_definition(self, keyword: str, t: Any) -> None:
        for decorator in t.decorator_list:
            self.fill("@")
            self._whole(decorator, TEST)
        self.fill(keyword + t.name)
        self._type_params(t)

    def _end_definition(self, t: Any) -> None:
        self.enter()
        self._block(t.body, kind_of(t))
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


def _is_text(statement: Any) -> bool:
    """Whether a statement, at the top of its body, would be the docstring."""
    return (
        kind_of(statement) == "Expr"
        and kind_of(statement.value) == "Constant"
        and isinstance(statement.value.value, str)
    )
