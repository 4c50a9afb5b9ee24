"""The errors srcgrad raises: one base class, one subclass per kind, each saying where and what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Location:
    """A place in the user's source: file, line, column (both from 1), the text of the line.

    `statement` is the whole statement it stands in, on one line, and `statement_line` where that
    begins: what a comment in generated code quotes. `function` names the function around it.
    """

    file: str
    line: int
    column: int
    text: str
    function: str = ""
    end_column: int | None = None
    statement: str = ""
    statement_line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class SrcgradError(Exception):
    """Base class of everything that srcgrad raises of its own accord.

    Parameters
    ----------
    message : str
        What is wrong, in one sentence.
    location : Location, optional
        Where in the user's source. Shown as Python shows a syntax error: file, line, caret.
    cure : str, optional
        What to write instead.

    Examples
    --------
    >>> where = Location("model.py", 3, 5, "    del w", "loss")
    >>> print(UnsupportedSyntax("'del' of a name", where, cure="leave the name alone"))
    'del' of a name
      File "model.py", line 3, in loss
        del w
        ^
      Instead: leave the name alone
    """

    def __init__(
        self, message: str, location: Location | None = None, *, cure: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.location = location
        self.cure = cure

    def at(self, location: Location | None) -> SrcgradError:
        """This error, at `location` unless it already has a place."""
        if self.location is None:
            self.location = location
        return self

    def __str__(self) -> str:
        lines = [self.message]
        where = self.location
        if where is not None:
            inside = f", in {where.function}" if where.function else ""
            lines.append(f'  File "{where.file}", line {where.line}{inside}')
            text = where.text.rstrip()
            stripped = text.lstrip()
            if stripped:
                start = max(where.column - 1 - (len(text) - len(stripped)), 0)
                end = where.end_column
                width = max(end - where.column, 1) if end is not None else 1
                width = min(width, max(len(stripped) - start, 1))
                lines.append(f"    {stripped}")
                lines.append("    " + " " * start + "^" * width)
        if self.cure:
            lines.append(f"  Instead: {self.cure}")
        return "\n".join(lines)


class UnsupportedSyntax(SrcgradError, SyntaxError):
    """A construct that srcgrad refuses to differentiate, refused when the function is read.

    Also a `SyntaxError` with `filename`, `lineno`, `offset` and `text`, so that editors find the line.
    """

    def __init__(
        self, message: str, location: Location | None = None, *, cure: str | None = None
    ) -> None:
        SrcgradError.__init__(self, message, location, cure=cure)
        # Python shows `msg` below the line and nothing else, so the cure has to be in it.
        self.msg = message if cure is None else f"{message}\n  Instead: {cure}"
        self.at(location)

    def at(self, location: Location | None) -> UnsupportedSyntax:
        """This error, at `location` unless it already has a place."""
        super().at(location)
        where = self.location
        if where is not None:
            self.filename, self.text = where.file, where.text
            self.lineno, self.offset = where.line, where.column
            self.end_lineno, self.end_offset = where.line, where.end_column or where.column + 1
        return self


class SourceNotFound(SrcgradError):
    """The source of a function cannot be found: it was typed at a bare prompt, or compiled away."""


class MissingRule(SrcgradError):
    """A function that srcgrad has no derivative for. The cure shows the line that registers one."""


class UnknownAlias(SrcgradError):
    """It cannot be known whether two names share memory, and one of them is written to."""


class NotScalar(SrcgradError):
    """A gradient was asked of something that is not one number."""


class NotDifferentiable(SrcgradError):
    """A derivative was asked with respect to (or of) something that has none: an integer, a string."""


class StructureError(SrcgradError):
    """A value has another structure, shape or type than asked for; the message names the leaf."""
