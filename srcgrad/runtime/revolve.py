"""The binomial schedule of Griewank and Walther: which states of a loop are kept, for the fewest rounds.

A loop of `count` rounds is reversed with `keep` states kept, its first one among them. Counted are the
rounds that are run for their state alone. The fewest for l rounds and s states are

    t(l, s) = r * l - C(s + r, r - 1),    r the least number with C(s + r, r) >= l

of which the first sweep, up to the last round, is l - 1; what is run again is the rest. The split of a
segment, where the next state is kept, is one that attains it.
"""

from __future__ import annotations

import math
import operator
from typing import Any


def check_keep(keep: object) -> int:
    """`keep` as an integer, at least 1.

    >>> check_keep(0)
    Traceback (most recent call last):
    ValueError: keep=0: a checkpointed loop keeps one state at least, the one that it begins with
    """
    try:
        number = operator.index(keep)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"keep={keep!r}: how many states are kept is an integer") from None
    if number < 1:
        raise ValueError(
            f"keep={number}: a checkpointed loop keeps one state at least, the one that it begins with"
        )
    return number


def first_states(count: int, keep: int) -> set[int]:
    """The rounds before which the first sweep keeps the state.

    The state before the last round is among them in any case: the backward sweep begins there.

    >>> sorted(first_states(10, 3))
    [0, 4, 7, 9]
    """
    return kept_states(0, count, check_keep(keep)) | set(range(count)[-1:])


def kept_states(start: int, stop: int, keep: int) -> set[int]:
    """The rounds before which a sweep from `start` on keeps the state, to reverse them up to `stop`.

    >>> sorted(kept_states(0, 1000, 5))
    [0, 670, 880, 964, 992]
    """
    found: set[int] = set()
    while stop > start and keep > 0:
        found.add(start)
        start += split(stop - start, keep)
        keep -= 1
    return found


def split(count: int, keep: int) -> int:
    """How many rounds after the first state the second one is kept.

    >>> split(10, 3), split(10, 1)
    (4, 10)
    """
    if keep == 1 or count == 1:
        return count
    repeats = 1
    while math.comb(keep + repeats, keep) < count:
        repeats += 1
    # Before the second state each round is run `repeats - 1` times at most, after it `repeats` times.
    most = math.comb(keep + repeats - 1, keep)
    rest = math.comb(keep + repeats - 2, keep - 1)
    return min(most, count - rest)


def without_last(states: list[Any]) -> list[Any]:
    """The states that are kept besides the last one.

    >>> without_last([1, 2, 3])
    [1, 2]
    """
    return states[:-1]


def online_states(levels: dict[int, int], position: int, keep: int) -> dict[int, int]:
    """The rounds before which the state is kept, each with its level, once this one is reached.

    The dynamic checkpointing of Wang, Moin and Iaccarino (2009), for a loop of which nobody knows the
    length: the state before the latest round is always kept, and takes the place of one that a later one
    of higher level makes dispensable, or else, on the level above it, of the one before.

    >>> levels = {}
    >>> for position in range(1000):
    ...     levels = online_states(levels, position, 5)
    >>> list(levels)
    [0, 715, 935, 990, 999]
    """
    if not levels:
        check_keep(keep)
        return {position: 0}
    if keep == 1:
        return levels
    if len(levels) < keep:
        return {**levels, position: 0}
    _, *others = levels  # the first one stays
    gone, level, highest = others[-1], levels[others[-1]] + 1, 0
    for other in reversed(others):
        if levels[other] < highest:
            gone, level = other, 0
        highest = max(highest, levels[other])
    return {**{k: n for k, n in levels.items() if k != gone}, position: level}


def still_kept(states: list[Any], levels: dict[int, int]) -> list[Any]:
    """Those of the states whose rounds are among those before which one is kept.

    >>> still_kept([(0, "a"), (3, "b"), (4, "c")], {0: 9, 4: 1, 5: 0})
    [(0, 'a'), (4, 'c')]
    """
    return [entry for entry in states if entry[0] in levels]
