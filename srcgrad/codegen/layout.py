"""Breaks a line that is too long, at its brackets and operators, the way black would.

A line comes as the pieces of text that make it up: each bracket, each separator and each operator
with the spaces around it is a piece of its own, and so is whatever must stay whole. Lines are
broken inside brackets only, and all that is added is a trailing comma: the parse stays the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

INDENT = "    "


class _Mark(str):
    """An empty piece of text, known by its identity."""

    __slots__ = ()


# Around an expression that may be put in parentheses. They print only where a line breaks there.
OPEN, CLOSE = _Mark(), _Mark()

_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")

# Where bracketed text is broken: at all the pieces of the highest rank that it has.
_COMPREHENSION, _COMMA, _TERNARY = 12, 11, 10
_RANK = {
    " for ": _COMPREHENSION,
    " async for ": _COMPREHENSION,
    ", ": _COMMA,
    " if ": _TERNARY,
    " else ": _TERNARY,
    " or ": 9,
    " and ": 9,
    **dict.fromkeys(
        [" == ", " != ", " < ", " <= ", " > ", " >= ", " is ", " is not ", " in ", " not in "], 8
    ),
    " | ": 7,
    " ^ ": 6,
    " & ": 5,
    **dict.fromkeys([" << ", " >> "], 4),
    **dict.fromkeys([" + ", " - "], 3),
    **dict.fromkeys([" * ", " / ", " @ ", " // ", " % "], 2),
    " ** ": 1,
}


def broken(
    pieces: Sequence[str], indent: int, width: int, *, bracketed: bool = False
) -> Iterator[str]:
    r"""The lines for `pieces`, at `indent` levels of indentation, within `width` where possible.

    `bracketed` says that brackets opened on an earlier line are still open.

    Examples
    --------
    >>> line = ["d_x", " = ", OPEN, "alpha", " + ", "beta", " + ", "gamma", CLOSE]
    >>> print("\n".join(broken(line, 0, 24)))
    d_x = (
        alpha + beta + gamma
    )
    >>> print("\n".join(broken(line, 0, 16)))
    d_x = (
        alpha
        + beta
        + gamma
    )
    """
    line = INDENT * indent + "".join(pieces)
    if len(line) <= width:
        yield line
        return
    if bracketed:
        chunks = _chunks(pieces)
        if len(chunks) > 1:
            for chunk in chunks:
                yield from broken(chunk, indent, width, bracketed=True)
            return
    pair = _pair_to_open(pieces, width - len(INDENT) * indent)
    if pair is None:
        yield line
        return
    first, last = pair
    body = pieces[first + 1 : last]
    opening, closing = pieces[first] or "(", pieces[last] or ")"
    yield from broken([*pieces[:first], opening], indent, width)
    # A literal gets one line per element; the arguments of a call may share one.
    several = _delimiters(body)[0] == _COMMA
    for chunk in _chunks(body) if several and not _is_trailer(pieces, first) else [list(body)]:
        if pair == _parameters(pieces) and not several:
            chunk.append(",")
        yield from broken(chunk, indent + 1, width, bracketed=True)
    yield from broken([closing, *pieces[last + 1 :]], indent, width)


def _delimiters(pieces: Sequence[str]) -> tuple[int, list[int]]:
    """The highest rank outside any bracket, and where it occurs; rank 0 if nowhere."""
    best, where, depth, in_comprehension = 0, [], 0, False
    for i, piece in enumerate(pieces):
        if piece in _OPENING or piece is OPEN:
            depth += 1
        elif piece in _CLOSING or piece is CLOSE:
            depth -= 1
        elif depth == 0 and piece in _RANK:
            rank = _RANK[piece]
            if rank == _COMPREHENSION:
                in_comprehension = True
            elif in_comprehension and piece == " if ":
                rank = _COMPREHENSION
            if rank > best:
                best, where = rank, [i]
            elif rank == best:
                where.append(i)
    return best, where


def _chunks(pieces: Sequence[str]) -> list[list[str]]:
    """Bracketed `pieces`, split after commas or before operators."""
    rank, where = _delimiters(pieces)
    chunks: list[list[str]] = []
    start = 0
    if rank == _COMMA:
        for i in where:
            chunks.append([*pieces[start:i], ","])
            start = i + 1
        chunks.append([*pieces[start:], ","])
    else:
        for i in where:
            chunks.append(list(pieces[start:i]))
            start = i
        chunks.append(list(pieces[start:]))
        for chunk in chunks[1:]:
            chunk[0] = chunk[0].lstrip()
    return chunks


def _pairs(pieces: Sequence[str]) -> list[tuple[int, int]]:
    """Matching brackets that stand in no others.

    The head of a broken line ends in a bracket without its match, and the tail begins with one.
    """
    pairs = []
    opened: list[int] = []
    for i, piece in enumerate(pieces):
        if piece in _OPENING or piece is OPEN:
            opened.append(i)
        elif (piece in _CLOSING or piece is CLOSE) and opened:
            first = opened.pop()
            if not opened:
                pairs.append((first, i))
    return pairs


def _is_trailer(pieces: Sequence[str], i: int) -> bool:
    """Whether the bracket at `i` calls or indexes what is before it."""
    before = pieces[i - 1][-1:] if i and pieces[i] else ""
    return before.isidentifier() or before.isdigit() or (before != "" and before in ")]}\"'")


def _pair_to_open(pieces: Sequence[str], room: int) -> tuple[int, int] | None:
    """The brackets to break the line at: the last whose line, up to the opening one, has room."""
    if parameters := _parameters(pieces):
        return parameters
    ends = [0, *accumulate(map(len, pieces))]
    choices = [
        (first, last)
        for pair in reversed(_pairs(pieces))
        for first, last in _choices(pieces, pair, ends, room)
        if last > first + 1
    ]
    fitting = (pair for pair in choices if ends[pair[0]] + 1 <= room)
    return next(fitting, choices[-1] if choices else None)


def _choices(
    pieces: Sequence[str], pair: tuple[int, int], ends: Sequence[int], room: int
) -> list[tuple[int, int]]:
    """Where to break for the sake of one pair, best first: at itself, or at brackets inside it.

    Optional parentheses are left out where there is nothing to break before, or where one operator
    leads to a last call. Several operators read better in parentheses, and so does an index.
    """
    first, last = pair
    if pieces[first] is not OPEN:
        return [pair]
    body = pieces[first + 1 : last]
    inner = [(first + 1 + i, first + 1 + j) for i, j in _pairs(body)]
    rank, where = _delimiters(body)
    if where:
        if len(where) == 1 and rank != _COMMA and inner and inner[-1][1] == last - 1:
            opening = inner[-1][0]
            if pieces[opening] != "[" or not _is_trailer(pieces, opening):
                return [inner[-1], pair]
        return [pair]
    parenthesized = ends[last] - ends[first + 1] <= room - len(INDENT)
    if parenthesized or (inner and ends[first] > len(INDENT)):
        return [*reversed(inner), pair]
    return inner[::-1]


def _parameters(pieces: Sequence[str]) -> tuple[int, int] | None:
    """The parentheses of a function's parameters, if `pieces` begin with ones that hold any."""
    if not pieces[0].startswith(("def ", "async def ")):
        return None
    first, last = next((pair for pair in _pairs(pieces) if pieces[pair[0]] == "("), (0, 0))
    return (first, last) if last > first + 1 else None
