"""Finds the source of whatever callable a user hands over, as a gast tree.

`unwrap` peels a callable down to the function underneath, and `find_source` finds that function's
text. What stands where a function was once read from may have changed since, so a candidate is
taken only if it compiles to the code that the function runs: see `bytecode`.
"""

from __future__ import annotations

import ast
import functools
import itertools
import linecache
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import (
    CellType,
    CodeType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    WrapperDescriptorType,
)
from typing import Any, NamedTuple

import gast

from ..errors import Location, NotDifferentiable, SourceNotFound
from .bytecode import Definition, compiled, is_close, is_same

# Their functions have rules, or are refused by name; what is inside them is never read.
CLOSED_PACKAGES = {"builtins", "numpy", "operator", "scipy"}

_CALL_OF_PARTIAL = functools.partial.__call__
_TEXTS_KEPT = 16  # a parsed file of 3,000 lines holds some megabytes
_ATTEMPTS = 8  # how often the text of one block is extended before the whole file is parsed


@dataclass(frozen=True)
class Unwrapped:
    """What a callable comes down to: `function(*bound, *args, **{**keywords, **kwargs})`.

    `function` is a plain Python function, whose source can be sought, or something that has none to
    read: a builtin, a ufunc, a NumPy function, a class, an object with `__srcgrad_transform__`.
    """

    function: Callable[..., Any]
    bound: tuple[object, ...] = ()
    keywords: Mapping[str, object] = field(default_factory=dict)


def unwrap(function: Any) -> Unwrapped:
    """The function underneath a method, a partial, a decorated function or a callable object.

    A wrapper that names what it wraps in `__wrapped__` is taken for what it wraps.

    Raises
    ------
    NotDifferentiable
        `function` cannot be called, or which code runs depends on the type of its argument.

    Examples
    --------
    >>> def scale(factor, x, *, offset): return factor * x + offset
    >>> found = unwrap(functools.partial(scale, 2.0, offset=1.0))
    >>> found.function is scale, found.bound, found.keywords
    (True, (2.0,), {'offset': 1.0})
    """
    bound: tuple[object, ...] = ()
    keywords: dict[str, object] = {}
    seen: list[object] = []  # compared by identity: what is met may not be hashable
    while not any(function is one for one in seen):
        seen.append(function)
        kind = type(function)
        if isinstance(function, MethodType):
            bound = (function.__self__, *bound)
            function = function.__func__
        elif isinstance(function, staticmethod | classmethod):
            function = function.__func__
        elif not callable(function):
            raise NotDifferentiable(
                f"an object of type '{kind.__name__}' is not a function",
                cure="hand over a function of the variables to differentiate by",
            )
        elif _is_closed(function):
            break
        elif isinstance(function, functools.partial) and kind.__call__ is _CALL_OF_PARTIAL:
            bound = (*function.args, *bound)
            keywords = {**function.keywords, **keywords}
            function = function.func
        elif _dispatches_on_type(function):
            raise NotDifferentiable(
                f"'{function.__name__}' runs other code for each type of its argument",
                cure=f"differentiate what it runs, e.g. {function.__name__}.dispatch(float)",
            )
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif isinstance(function, FunctionType):
            break
        else:
            # As Python itself does, look in the class, not in the object.
            call = next(vars(base)["__call__"] for base in kind.__mro__ if "__call__" in vars(base))
            if isinstance(call, WrapperDescriptorType | MethodDescriptorType):
                break  # written in C
            function = call.__get__(function, kind) if hasattr(call, "__get__") else call
    return Unwrapped(function, bound, keywords)


def _is_closed(function: Any) -> bool:
    """Whether a callable is taken as it is: a class, a gradient, a member of a closed package."""
    kind = type(function)
    if isinstance(function, type) or hasattr(kind, "__srcgrad_transform__"):
        return True
    # `functools.wraps` copies `__module__`, so a function is asked where its globals are.
    is_function = isinstance(function, FunctionType)
    module = function.__globals__.get("__name__") if is_function else kind.__module__
    return str(module).partition(".")[0] in CLOSED_PACKAGES


def _dispatches_on_type(function: Any) -> bool:
    """Whether this is a `functools.singledispatch` function: `__wrapped__` is only its default."""
    return (
        isinstance(function, FunctionType)
        and function.__globals__.get("__name__") == "functools"
        and hasattr(function, "register")
    )


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
        node = _find(text, code)
    name = "<lambda>" if isinstance(node, ast.Lambda) else function.__name__
    return Source(function, gast.ast_to_gast(node), code.co_filename, text.lines, name)


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
    def definitions(self) -> list[_Candidate]:
        tree = _parsed("\n".join(self.lines))
        return list(_definitions(tree, None)) if tree else []


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
    """Every def and lambda in a tree. Not recursive: a long sum is as deep as it has terms."""
    todo: list[tuple[ast.AST, str | None]] = [(tree, class_name)]
    while todo:
        node, class_name = todo.pop()
        if isinstance(node, Definition):
            yield _Candidate(node, class_name)
        elif isinstance(node, ast.ClassDef):
            class_name = node.name
        todo += [(child, class_name) for child in ast.iter_child_nodes(node)]


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
    classes = [a for a, b in itertools.pairwise(parts) if "<locals>" not in (a, b)]
    return classes[-1] if classes else None


# --- is it the right one? -------------------------------------------------------------------------


def _find(text: _Text, code: CodeType) -> Definition:
    """The definition in `text` that `code` was compiled from.

    A def may also be found at another line, where an edit above has moved it; a lambda may not: the
    same one is often written twice in a file, and its place would be wrong.
    """
    is_lambda = code.co_name == "<lambda>"
    near = [c for c in _nearby(text, code) if _stands_at(c, code)]
    found = _pick(near, text, code)
    if found is None and not is_lambda:  # a lambda may go on below what was parsed
        found = _pick(near, text, code, after_tools=True)
    if found is None:
        here = [c for c in text.definitions if _stands_at(c, code)]
        found = _pick(here, text, code) or _pick(here, text, code, after_tools=True)
    if found is None and not is_lambda:
        moved = [c for c in text.definitions if c.name == code.co_name]
        moved.sort(key=lambda c: abs(c.first_line - code.co_firstlineno))
        found = next((c.node for c in moved if _pick([c], text, code)), None)
    if found is None:
        raise SourceNotFound(
            f"this is not the text that '{code.co_name}' was made from: it has changed since",
            _where(text, code),
            cure="load it again (importlib.reload, or a new start of Python)",
        )
    return found


def _where(text: _Text, code: CodeType) -> Location:
    """The line at which a function was once."""
    number = code.co_firstlineno
    line = text.lines[number - 1] if number <= len(text.lines) else ""
    column = len(line) - len(line.lstrip()) + 1
    return Location(code.co_filename, number, column, line, code.co_name)


def _stands_at(candidate: _Candidate, code: CodeType) -> bool:
    return candidate.name == code.co_name and candidate.first_line == code.co_firstlineno


def _pick(
    candidates: list[_Candidate], text: _Text, code: CodeType, *, after_tools: bool = False
) -> Definition | None:
    """The candidate that is `code`. Of several with equal bytecode, columns tell which it is."""
    found = []
    for candidate in candidates:
        node = candidate.node
        own = compiled(node, candidate.class_name, code)
        if own and (is_close(node, own, code) if after_tools else is_same(own, code)):
            found.append((node, own))
    if len(found) > 1:
        places = list(code.co_positions())
        found = [(node, own) for node, own in found if list(own.co_positions()) == places] or found
    if len(found) > 1 and len({ast.dump(node) for node, _ in found}) > 1:
        raise SourceNotFound(
            f"several lambdas on line {code.co_firstlineno} have this bytecode, and without columns "
            "it cannot be known which one it is",
            _where(text, code),
            cure="give it a name with def",
        )
    return found[0][0] if found else None
