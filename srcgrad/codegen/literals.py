"""Prints constants and f-strings: numbers that have no literal, strings in the cheaper quotes.

Before Python 3.12, the expressions inside an f-string can hold neither a backslash nor the quotes
around it. So quotes are chosen from the outside in, and again where an inner string is left none.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

_QUOTES = ('"', "'", '"""', "'''")
_QUOTES_NEST_FREELY = sys.version_info >= (3, 12)
# Above this many bits, an int has more digits than Python reads in decimal.
_DECIMAL_BITS = 14_000
_INFINITY = "1e400"
# What a source file cannot hold, or would not read back as itself.
_NEVER_BARE = re.compile("[\\\\\r\0\ud800-\udfff]")
_NEVER_BARE_IN_BYTES = re.compile("[\\\\\r\0\x80-\xff]")


class NoQuotesLeft(ValueError):
    """An f-string that Python before 3.12 cannot write: each kind of quotes is taken."""


def number(value: Any) -> str:
    """The text of a constant that is no string, which binds as an atom or begins with ``-``.

    Raises
    ------
    TypeError
        For a value that no text stands for, such as a NumPy scalar.

    Examples
    --------
    >>> number(1e999), number(-0.0), number(float("nan")), number(complex(1, -2))
    ('1e400', '-0.0', '(1e400 - 1e400)', '(1.0 - 2j)')
    """
    kind = type(value)
    if kind is int:
        return repr(value) if value.bit_length() < _DECIMAL_BITS else hex(value)
    if kind is float:
        return _real(value)
    if kind is complex:
        return _complex(value)
    if value is None or kind is bool:
        return repr(value)
    if value is Ellipsis:
        return "..."
    raise TypeError(f"a constant of type {kind.__name__} has no source text")


def _real(value: float, suffix: str = "") -> str:
    if math.isnan(value):
        return f"({_INFINITY}{suffix} - {_INFINITY}{suffix})"
    return _spelled(repr(value)) + suffix


def _spelled(text: str) -> str:
    """The `repr` of a number, as black spells it, and with a literal for infinity."""
    return text.replace("inf", _INFINITY).replace("e+", "e")


def _complex(value: complex) -> str:
    """The sum or difference of a real and an imaginary literal that has the very zeros of `value`.

    Zeros have signs, and a sum loses that of ``-0.0``: 0.0 - 2j is not -2j.
    """
    real, imag = value.real, value.imag
    imaginary = _real(imag, "j") if math.isnan(imag) else _spelled(repr(complex(0, abs(imag))))
    negative_zero = str(real) == "-0.0"
    if imag < 0 or str(imag) == "0.0":
        return imaginary if str(value) == "0j" else f"({_real(real)} - {imaginary})"
    if imag > 0 and not negative_zero:
        return imaginary if real == 0 else f"({_real(real)} + {imaginary})"
    return f"-({_real(-real)} - {imaginary})"


def _escaped(value: str | bytes) -> str:
    """`value` with backslashes and unprintable characters escaped, and quotes left alone."""
    # A double quote up front makes repr quote with single ones, and escape only those.
    text = repr('"' + value)[2:-1] if isinstance(value, str) else repr(b'"' + value)[3:-1]
    return text.replace("\\'", "'")


def quoted(value: str | bytes) -> str:
    r"""`value` as a literal, in double quotes unless single ones need fewer backslashes.

    Examples
    --------
    >>> print(quoted("it's"), quoted('"'), quoted(b"\n"))
    "it's" '"' b"\n"
    """
    text = _escaped(value)
    quote = '"' if text.count('"') <= text.count("'") else "'"
    text = text.replace(quote, "\\" + quote)
    return f"{'' if isinstance(value, str) else 'b'}{quote}{text}{quote}"


def docstring(value: str) -> str:
    r"""`value` as a literal in triple quotes that keeps its lines.

    Examples
    --------
    >>> print(docstring('The "adjoint" of\n"x"').replace('"', "'"))
    '''The 'adjoint' of
    'x\''''
    """
    ends_in_quote = value.endswith('"')
    lines = (value[:-1] if ends_in_quote else value).split("\n")
    text = "\n".join(map(_escaped, lines)).replace('"""', '\\"\\"\\"')
    return f'"""{text}' + ('\\"' if ends_in_quote else "") + '"""'


class LiteralPrinter:
    """The methods of a printer for constants and f-strings."""

    write: Callable[[str], None]

    # The quotes of the f-strings around the expression under way, outermost first.
    _enclosing: tuple[str, ...] = ()
    # Whether those quotes may be used again inside, as Python 3.12 allows; the last resort.
    _reuse = False

    def _in_field(self, node: Any) -> str:
        """The text of an expression in the braces of an f-string."""
        raise NotImplementedError

    def _Constant(self, t: Any) -> None:
        value = t.value
        if isinstance(value, (str, bytes)):
            prefix = "u" if getattr(t, "kind", None) == "u" else ""
            nested = self._enclosing and not self._reuse
            self.write(prefix + (self._quoted_within(value) if nested else quoted(value)))
        else:
            self.write(number(value))

    def _quoted_within(self, value: str | bytes) -> str:
        """`value` as a literal that the f-strings around it can hold."""
        for quote in _QUOTES:
            try:
                text = quote + self._between(value, quote) + quote
            except NoQuotesLeft:
                continue
            if all(self._can_hold(outer, text) for outer in self._enclosing):
                return text if isinstance(value, str) else "b" + text
        raise NoQuotesLeft(f"no quotes are left for {value!r} inside an f-string")

    @staticmethod
    def _can_hold(quote: str, text: str) -> bool:
        """Whether an expression inside an f-string in `quote` can read `text`."""
        if quote in text or (len(quote) == 1 and "\n" in text):
            return False
        return _QUOTES_NEST_FREELY or "\\" not in text

    def _between(self, value: str | bytes, quote: str) -> str:
        """The characters of `value` as they stand between `quote` and `quote`."""
        text = _escaped(value)
        if not self._enclosing or self._reuse:
            return text.replace(quote[0], "\\" + quote[0])
        if quote in text or text.endswith(quote[0]):
            raise NoQuotesLeft
        if "\\" in text and not _QUOTES_NEST_FREELY:
            # No escapes in here: the characters themselves, where they can stand.
            text = value if isinstance(value, str) else value.decode("latin-1")
            never_bare = _NEVER_BARE if isinstance(value, str) else _NEVER_BARE_IN_BYTES
            if never_bare.search(text) or ("\n" in text and len(quote) == 1):
                raise NoQuotesLeft
        return text

    def _JoinedStr(self, t: Any) -> None:
        self.write(self._fstring(t.values))

    def _FormattedValue(self, t: Any) -> None:
        self.write(self._fstring([t]))

    def _fstring(self, values: Sequence[Any]) -> str:
        literal = "".join(v.value for v in values if v.__class__.__name__ == "Constant")
        quotes = _QUOTES if literal.count('"') <= literal.count("'") else ("'", '"', "'''", '"""')
        if not self._reuse:
            for quote in quotes:
                try:
                    return self._fstring_in(quote, values)
                except NoQuotesLeft:
                    continue
            if not _QUOTES_NEST_FREELY and len(values) > 1:
                # Literals side by side are one string, and each has quotes of its own.
                return " ".join(self._fstring([value]) for value in values)
            if self._enclosing or not _QUOTES_NEST_FREELY:
                raise NoQuotesLeft("no quotes are left for an f-string inside an f-string")
        outer, self._reuse = self._reuse, True
        try:
            return self._fstring_in(quotes[0], values)
        finally:
            self._reuse = outer

    def _fstring_in(self, quote: str, values: Sequence[Any]) -> str:
        if not self._reuse and any(outer in quote for outer in self._enclosing):
            raise NoQuotesLeft
        text = self._parts(quote, values, "{{", "}}")
        return f"f{quote}{text}{quote}"

    def _parts(self, quote: str, values: Sequence[Any], opening: str, closing: str) -> str:
        """What stands between the quotes, or in a format; braces mean themselves as given."""
        parts = []
        for value in values:
            if value.__class__.__name__ == "Constant":
                part = self._between(value.value, quote)
                parts.append(part.replace("{", opening).replace("}", closing))
            else:
                parts.append(self._field(quote, value))
        return "".join(parts)

    def _field(self, quote: str, t: Any) -> str:
        outer = self._enclosing
        self._enclosing = (*outer, quote)
        try:
            text = self._in_field(t.value)
        finally:
            self._enclosing = outer
        if "lambda" in text:
            text = f"({text})"  # its colon would begin the format
        if not self._reuse and not self._can_hold(quote, text):
            raise NoQuotesLeft
        if text.startswith("{"):
            text = f" {text} "  # two braces side by side would mean one
        if t.conversion != -1:
            text += "!" + chr(t.conversion)
        if t.format_spec is not None:
            # Doubled braces mean nothing special in a format; escapes do.
            text += ":" + self._parts(quote, t.format_spec.values, "\\x7b", "\\x7d")
        return "{" + text + "}"
