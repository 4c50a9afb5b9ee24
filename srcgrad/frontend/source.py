"""Finds the text of a Python function and reads it, as a gast tree with the positions of the file.

What stands where a function was once read from may have changed since, so a candidate is taken only
if it compiles to the code that the function runs: see `bytecode`. Blocks are parsed on their own,
which keeps long files quick; where that does not do, the whole file is parsed, once.
"""

from __future__ import annotations

import ast
import itertools
import linecache
import warnings
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import gast

from ..errors import Location, SourceNotFound, UnsupportedSyntax
from .bytecode import Definition, compiled, is_close, is_same, names_in

_TEXTS_KEPT = 16  # a parsed file of 3,000 lines holds some megabytes
_ATTEMPTS = 8  # how often the text of one block is extended before the whole file is parsed


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A function and the tree of its definition, whose positions are those of the file.

    `tree` is a `gast.FunctionDef`, `gast.AsyncFunctionDef` or `gast.Lambda`, made for this Source
    alone: it may be changed. `lines[0]` is the first line of the file, without its line end.
    """

    function: FunctionType
    tree: Any
    file: str
    lines: Sequence[str]
    name: str

    def line(self, number: int) -> str:
        """Line `number` of the file, counted from 1, without its end; "" outside the file."""
        return self.lines[number - 1] if 1 <= number <= len(self.lines) else ""

    def location(self, node: Any) -> Location:
        """Where `node` stands; a node that has no position is placed where the function begins."""
        if getattr(node, "lineno", None) is None:
            node = self.tree
        text = self.line(node.lineno)
        end: int | None = None
        if node.end_lineno == node.lineno:
            end = _column(text, node.end_col_offset)
        elif node.end_lineno is not None:
            end = len(text.rstrip()) + 1
        column = _column(text, node.col_offset)
        return Location(self.file, node.lineno, column, text, self.name, end)


def _column(text: str, offset: int) -> int:
    """The column, from 1 and in characters, of an ast offset, which counts bytes of UTF-8."""
    # Inside f-strings, Python 3.11 gives offsets that may fall into the middle of a character.
    return len(text.encode()[:offset].decode(errors="ignore")) + 1


def free_names(source: Source) -> dict[str, CellType]:
    """The closure of a function: its free variables by name, each with the cell that holds it.

    Examples
    --------
    >>> def scaled(factor):
    ...     return lambda x: factor * x
    >>> free_names(find_source(scaled(3.0)))["factor"].cell_contents
    3.0
    """
    function = source.function
    return dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))


def find_source(function: FunctionType) -> Source:
    """The source of a plain Python function, checked to be what the function runs.

    Raises
    ------
    SourceNotFound
        The text was not kept, or it has changed since, or it cannot be known which one of several
        lambdas on a line is meant.
    UnsupportedSyntax
        An expression is nested more deeply than Python's recursion limit lets it be read.

    Examples
    --------
    >>> square, cube = lambda x: x * x, lambda x: x * x * x
    >>> source = find_source(cube)
    >>> source.line(1)[source.location(source.tree).column - 1:]
    'lambda x: x * x * x'
    """
    if not isinstance(function, FunctionType):
        raise SourceNotFound(
            f"{function!r} is not written in Python, so there is no source to differentiate",
            cure="wrap it in a function of your own and give that a derivative with custom_vjp",
        )
    code = function.__code__
    text = _text_of(function)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the user's code warns of was said when it was loaded
        try:
            node = _find(text, function)
            tree = gast.ast_to_gast(node)
        except RecursionError:
            raise UnsupportedSyntax(
                f"an expression in '{code.co_name}' is nested too deeply to be read",
                _where(text, code),
                cure="give names to parts of it, or raise the limit with sys.setrecursionlimit",
            ) from None
    name = "<lambda>" if isinstance(node, ast.Lambda) else function.__name__
    return Source(function, tree, code.co_filename, text.lines, name)


# --- the text -------------------------------------------------------------------------------------


class _Candidate(NamedTuple):
    """A definition in a text, and the class around it, by whose name `__x` is mangled."""

    node: Definition
    class_name: str | None

    @property
    def name(self) -> str:
        return "<lambda>" if isinstance(self.node, ast.Lambda) else self.node.name

    @property
    def first_line(self) -> int:
        """Where its code begins, which is where its first decorator stands."""
        decorators = [] if isinstance(self.node, ast.Lambda) else self.node.decorator_list
        return decorators[0].lineno if decorators else self.node.lineno


class _Text:
    """The lines of one file, and every definition in it once somebody asks for them."""

    def __init__(self, raw: Sequence[str]) -> None:
        self.raw = raw
        # To the compiler only line feeds end lines; who filled linecache may have split elsewhere.
        text = "".join(raw).replace("\r\n", "\n").replace("\r", "\n")
        self.lines = text.removesuffix("\n").split("\n")

    @cached_property
    def tree(self) -> ast.Module | None:
        return _parsed("\n".join(self.lines))

    @cached_property
    def definitions(self) -> list[_Candidate]:
        return list(_definitions(self.tree, None)) if self.tree else []

    @cached_property
    def imported(self) -> Set[str]:
        """The names that the module imports, not those imported inside a function or a class."""
        names: set[str] = set()
        todo: list[ast.AST] = [self.tree] if self.tree else []
        while todo:
            node = todo.pop()
            if isinstance(node, ast.Import | ast.ImportFrom):
                names.update(one.asname or one.name.partition(".")[0] for one in node.names)
            elif not isinstance(node, ast.expr | ast.ClassDef | Definition):
                todo += ast.iter_child_nodes(node)
        return names


_texts: dict[str, _Text] = {}


def _text_of(function: FunctionType) -> _Text:
    """The file that a function comes from, read anew if it has changed on the disk."""
    code = function.__code__
    file = code.co_filename
    # Asked through the module: doctest and IPython put functions of their own there.
    linecache.checkcache(file)
    raw: Sequence[str] = linecache.getlines(file, function.__globals__)
    # What was typed at the prompt, since Python 3.13.1.
    if not raw and hasattr(linecache, "_getlines_from_code"):
        raw = linecache._getlines_from_code(code)
    if not raw:
        raise _no_text(function)
    text = _texts.get(file)
    if text is None or text.raw is not raw:
        _texts.pop(file, None)
        while len(_texts) >= _TEXTS_KEPT:
            del _texts[next(iter(_texts))]
        text = _texts[file] = _Text(raw)
    return text


def _no_text(function: FunctionType) -> SourceNotFound:
    """The error for a function whose text is nowhere, with the likely reason."""
    code = function.__code__
    name, file = function.__name__, code.co_filename
    cure = "define it in a file or a notebook"
    if file.startswith("<stdin>"):
        why = f"'{name}' was typed at the bare prompt, which keeps no source"
        cure += ", or use IPython or the prompt of Python 3.13"
    elif file.startswith("<"):
        why = f"'{name}' was made from a string (exec, eval or generated code) that was not kept"
        cure += (
            ", or keep the string: compile it under a file name of its own and set "
            "linecache.cache[file] = (len(string), None, string.splitlines(True), file)"
        )
    else:
        why = f"the file of '{name}' is not there: moved, deleted, or shipped as bytecode only"
        cure += " that can be read, or give it a derivative with custom_vjp"
    return SourceNotFound(why, Location(file, code.co_firstlineno, 1, "", name), cure=cure)


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):  # ValueError: null bytes, before Python 3.12
        return None


def _definitions(tree: ast.AST, class_name: str | None) -> Iterator[_Candidate]:
    """Every def and lambda in a tree, in order. Not recursive: a sum is as deep as it is long."""
    todo: list[tuple[ast.AST, str | None]] = [(tree, class_name)]
    while todo:
        node, class_name = todo.pop()
        if isinstance(node, Definition):
            yield _Candidate(node, class_name)
        elif isinstance(node, ast.ClassDef):
            class_name = node.name
        children = [(child, class_name) for child in ast.iter_child_nodes(node)]
        todo += reversed(children)


def _nearby(text: _Text, code: CodeType) -> Iterator[_Candidate]:
    """The candidates in the block that begins at the first line of `code`, parsed on its own.

    This is what makes long files quick. Where the block ends is known when it parses: a statement
    ends only outside of strings and brackets, and there the next line that is not indented deeper
    ends a suite. A lambda may stand in a statement that began above; then nothing is found here.
    """
    lines, first = text.lines, code.co_firstlineno
    last = max(_line_numbers(code), default=first)
    if not first <= last <= len(lines):
        return
    depth = _indentation(lines[first - 1])
    # Blank lines keep the line numbers; a header in the last of them lets the block be indented.
    padding = "\n" * (first - 1) if not depth else "\n" * (first - 2) + "if 1:\n"
    ends = (
        n
        for n in range(last, len(lines) + 1)
        if n == len(lines) or (_is_code(lines[n]) and _indentation(lines[n]) <= depth)
    )
    for _, end in zip(range(_ATTEMPTS), ends, strict=False):
        tree = _parsed(padding + "\n".join(lines[first - 1 : end]) + "\n")
        if tree is None:
            continue
        class_name = _class_around(code)
        if code.co_name == "<lambda>":
            yield from _definitions(tree, class_name)
        else:
            top = tree.body[0]
            top = top.body[0] if depth and isinstance(top, ast.If) else top
            if isinstance(top, Definition):
                yield _Candidate(top, class_name)
        return


def _line_numbers(code: CodeType) -> Iterator[int]:
    yield from (line for *_, line in code.co_lines() if line is not None)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _line_numbers(constant)


def _is_code(line: str) -> bool:
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith("#")


def _indentation(line: str) -> int:
    """The column of the first word, as the tokenizer counts it: tabs to multiples of 8."""
    column = 0
    for character in line:
        if character == " ":
            column += 1
        elif character == "\t":
            column = column // 8 * 8 + 8
        elif character == "\f":
            column = 0
        else:
            break
    return column


def _class_around(code: CodeType) -> str | None:
    """The innermost class that a function stands in, also through functions."""
    parts = code.co_qualname.split(".")
    classes = [a for a, b in itertools.pairwise(parts) if a.isidentifier() and b != "<locals>"]
    return classes[-1] if classes else None


# --- is it the right one? -------------------------------------------------------------------------


def _find(text: _Text, function: FunctionType) -> Definition:
    """The definition in `text` that `function` was made from.

    A def may also be found at another line, where an edit above has moved it; a lambda may not: the
    same one is often written twice in a file, and its place would be wrong.
    """
    code = function.__code__
    is_lambda = code.co_name == "<lambda>"
    imported = text.imported if "tree" in vars(text) else _probably_imported(function)
    near = [c for c in _nearby(text, code) if _stands_at(c, code)]
    found = _pick(near, imported, text, code)
    if found is None and not is_lambda:  # a lambda may go on below what was parsed
        found = _pick(near, imported, text, code, after_tools=True)
    if found is None:
        imported = text.imported
        here = [c for c in text.definitions if _stands_at(c, code)]
        found = _pick(here, imported, text, code)
        found = found or _pick(here, imported, text, code, after_tools=True)
    if found is None and not is_lambda:
        around = _class_around(code)
        moved = [c for c in text.definitions if (c.class_name, c.name) == (around, code.co_name)]
        moved.sort(key=lambda c: abs(c.first_line - code.co_firstlineno))
        found = next((c.node for c in moved if _pick([c], imported, text, code)), None)
    if found is None:
        raise SourceNotFound(
            f"this is not the text that '{code.co_name}' was made from: it has changed since, or a "
            "tool has rewritten the function",
            _where(text, code),
            cure="load it again (importlib.reload, or a new start of Python)",
        )
    return found


def _probably_imported(function: FunctionType) -> Set[str]:
    """The imported names that a function uses, as its globals suggest. A wrong guess costs time."""
    module = function.__globals__
    here = module.get("__name__")
    return {
        name
        for name in names_in(function.__code__) & module.keys()
        if isinstance(module[name], ModuleType)
        or (isinstance(module[name], type | FunctionType) and module[name].__module__ != here)
    }


def _where(text: _Text, code: CodeType) -> Location:
    """The line at which a function was once."""
    number = code.co_firstlineno
    line = text.lines[number - 1] if number <= len(text.lines) else ""
    column = len(line) - len(line.lstrip()) + 1
    return Location(code.co_filename, number, column, line, code.co_name)


def _stands_at(candidate: _Candidate, code: CodeType) -> bool:
    return candidate.name == code.co_name and candidate.first_line == code.co_firstlineno


def _pick(
    candidates: list[_Candidate],
    imported: Set[str],
    text: _Text,
    code: CodeType,
    *,
    after_tools: bool = False,
) -> Definition | None:
    """The candidate that is `code`. Of several with equal bytecode, columns tell which it is."""
    found = []
    for candidate in candidates:
        node = candidate.node
        own = compiled(node, candidate.class_name, imported, code)
        if own and (is_close(node, own, code) if after_tools else is_same(own, code)):
            found.append((node, own))
    if len(found) > 1:
        places = list(code.co_positions())
        found = [(node, own) for node, own in found if list(own.co_positions()) == places] or found
    if len(found) > 1 and len({ast.dump(node) for node, _ in found}) > 1:
        raise SourceNotFound(
            f"several lambdas on line {code.co_firstlineno} have this bytecode, and without "
            "columns it cannot be known which one it is",
            _where(text, code),
            cure="give it a name with def",
        )
    return found[0][0] if found else None
