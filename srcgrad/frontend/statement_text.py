"""The text of a statement on one line, as comments in generated code quote it."""

from __future__ import annotations

import io
import tokenize
from typing import Any

import gast

from .source import Source

_LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def statement_text(source: Source, statement: Any) -> str:
    """A simple statement without its line breaks and comments; of a compound one, its header."""
    start, end = statement, statement
    body = getattr(statement, "body", None)
    if isinstance(body, list):
        end = _header_end(statement)
    lines = [source.line(n) for n in range(start.lineno, end.end_lineno + 1)]
    lines[-1] = _cut(lines[-1], None, end.end_col_offset) + (
        _colon(source, end) if end is not statement else ""
    )
    lines[0] = _cut(lines[0], start.col_offset, None)
    return lines[0].strip() if len(lines) == 1 else _joined("\n".join(lines))


def _header_end(statement: Any) -> Any:
    """The last node before the colon of a compound statement."""
    if isinstance(statement, gast.If | gast.While):
        return statement.test
    if isinstance(statement, gast.For):
        return statement.iter
    if isinstance(statement, gast.With):
        item = statement.items[-1]
        return item.optional_vars or item.context_expr
    return statement.body[0]


def _cut(line: str, start: int | None, end: int | None) -> str:
    """Part of a line by offsets that count bytes of UTF-8, as those of a tree do."""
    return line.encode()[start:end].decode(errors="ignore")


def _colon(source: Source, node: Any) -> str:
    """What stands between a node and the colon that ends the header: nothing, or brackets."""
    rest = _cut(source.line(node.end_lineno), node.end_col_offset, None)
    head, colon, _ = rest.partition(":")
    return head.rstrip() + ":" if colon and "#" not in head else ":"


def _joined(text: str) -> str:
    """Several lines as one, without comments."""
    parts: list[str] = []
    last: tuple[int, int] | None = None
    reader = io.StringIO(text).readline
    try:
        for token in tokenize.generate_tokens(reader):
            if token.type in _LAYOUT:
                continue
            if last is not None:
                if token.start[0] != last[0]:
                    open_bracket = parts[-1] in ("(", "[", "{") or token.string in (")", "]", "}")
                    parts.append("" if open_bracket else " ")
                else:
                    parts.append(" " * (token.start[1] - last[1]))
            parts.append(token.string)
            last = token.end
    except (tokenize.TokenError, IndentationError):  # a header alone need not close its brackets
        return " ".join(line.strip() for line in text.split("\n"))
    return "".join(parts).strip()
