"""The schedules: no fewer rounds can be run again, and no more states are kept than are allowed.

Counted are rounds that are run for the state that they lead to: those of the first sweep but the last
one, and those that are run again. So a loop runs one more of them than t(l, s) says.
"""

import functools
import math

import pytest

from srcgrad.runtime.revolve import check_keep, first_states, kept_states, online_states


@functools.lru_cache(maxsize=None)
def least(count, keep):
    """The fewest rounds, by trying each place for the second state."""
    if count <= 1:
        return 0
    if keep == 1:
        return count * (count - 1) // 2
    return min(m + least(m, keep) + least(count - m, keep - 1) for m in range(1, count))


def closed(count, keep):
    """The fewest rounds, by the formula of Griewank and Walther."""
    if count <= 1:
        return 0
    r = next(r for r in range(count) if math.comb(keep + r, r) >= count)
    return r * count - math.comb(keep + r, r - 1)


def reverse(count, keep, states):
    """Reverse rounds from the states that the first sweep has kept: how many are run, how many are kept."""
    states, steps = sorted(states), count - 1
    most = len(states)
    for position in reversed(range(count)):
        start = states.pop()
        chosen = kept_states(start, position + 1, keep - len(states))
        for step in range(start, position):
            if step in chosen:
                states.append(step)
            most, steps = max(most, len(states)), steps + 1
        assert len(states) <= keep
    assert not states
    return steps, most


@pytest.mark.parametrize("keep", range(1, 11))
def test_no_schedule_runs_fewer_rounds(keep):
    for count in range(1, 61):
        steps, most = reverse(count, keep, first_states(count, keep))
        assert steps == least(count, keep) == closed(count, keep)
        assert (
            most <= keep + 1
        )  # the state before the last round, too, which is where reversing begins


@pytest.mark.parametrize(("keep", "rounds"), [(10, 3636), (20, 2747), (50, 1948)])
def test_a_thousand_rounds(keep, rounds):
    assert closed(1000, keep) == rounds
    assert reverse(1000, keep, first_states(1000, keep)) == (rounds, keep + 1)


def test_a_million_rounds_are_planned_at_once():
    assert len(kept_states(0, 10**6, 30)) == 30


@pytest.mark.parametrize("keep", [2, 3, 5, 10, 20, 50])
def test_online_runs_no_more_than_half_again_the_least(keep):
    levels = {}
    for count in range(1, 400):
        levels = online_states(levels, count - 1, keep)
        assert len(levels) <= keep
        steps, most = reverse(count, keep, levels)
        assert most <= keep
        assert steps <= 1.5 * closed(count, keep)


@pytest.mark.parametrize(
    ("keep", "error", "why"),
    [
        (0, ValueError, "keep=0: a checkpointed loop keeps one state at least"),
        (-3, ValueError, "keep=-3"),
        (2.0, TypeError, "keep=2.0: how many states are kept is an integer"),
        (None, TypeError, "keep=None"),
    ],
)
def test_what_is_no_number_of_states(keep, error, why):
    for check in (check_keep, lambda k: first_states(5, k), lambda k: online_states({}, 0, k)):
        with pytest.raises(error, match=why):
            check(keep)
