"""What checkpointing costs: rounds that generated code runs, and its peak memory."""

import math
import tracemalloc

import numpy as np
import pytest

from srcgrad import checkpoint, checkpointed, grad, jvp, register

CALLS = []


def advance(u):
    CALLS.append(1)
    return np.sin(u)


register(advance, lambda g, y, u: g * np.cos(u))


def simulate(u, rounds, keep):
    for _ in checkpointed(range(rounds), keep=keep):
        u = advance(u)
    return np.sum(u)


def simulate_online(u, rounds, keep):
    for t in checkpointed(range(10**9), keep=keep, online=True):
        if t == rounds:
            break
        u = advance(u)
    return np.sum(u)


def least(count, keep):
    """Rounds run for their state alone, by the formula of Griewank and Walther."""
    r = next(r for r in range(count) if math.comb(keep + r, r) >= count)
    return r * count - math.comb(keep + r, r - 1)


def runs(function, *args):
    grad(function)(*args)
    CALLS.clear()
    grad(function)(*args)
    return len(CALLS)


@pytest.mark.parametrize("keep", [10, 20, 50])
def test_a_thousand_rounds_take_the_least(keep):
    # The last round of the first sweep is run, too, for the result.
    assert runs(simulate, np.ones(1), 1000, keep) == least(1000, keep) + 1


@pytest.mark.parametrize("keep", [1, 2, 3, 5, 8])
def test_any_rounds_take_the_least(keep):
    for rounds in (2, 3, 5, 9, 30):
        assert runs(simulate, np.ones(1), rounds, keep) == least(rounds, keep) + 1


@pytest.mark.parametrize("keep", [10, 20, 50])
def test_online_takes_little_more(keep):
    assert runs(simulate_online, np.ones(1), 1000, keep) <= 1.5 * least(1000, keep)


SIZE = 20_000


def peak(run):
    """The most memory that a run takes beside its arguments, in arrays of SIZE numbers."""
    run()
    tracemalloc.start()
    run()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / (8 * SIZE)


def anew(u, rounds, keep):
    for _ in checkpointed(range(rounds), keep=keep):
        u = u + 0.01 * np.sin(u)
    return np.sum(u * u)


def in_place(u, rounds, keep):
    for _ in checkpointed(range(rounds), keep=keep):
        u[1:] += 0.01 * np.sin(u[:-1])
    return np.sum(u * u)


def online(u, rounds, keep):
    for t in checkpointed(range(10**9), keep=keep, online=True):
        if t == rounds:
            break
        u = u + 0.01 * np.sin(u)
    return np.sum(u * u)


def inner(u, rounds, keep):
    for _ in checkpointed(range(10), keep=3):
        for _ in checkpointed(range(rounds // 10), keep=keep):
            u = u + 0.01 * np.sin(u)
    return np.sum(u * u)


@pytest.mark.parametrize("keep", [5, 20, 50])
@pytest.mark.parametrize("function", [anew, in_place, online])
def test_memory_is_that_of_the_states_kept(function, keep):
    assert keep <= peak(lambda: grad(function)(np.ones(SIZE), 300, keep)) <= keep + 8


def test_memory_of_a_loop_in_a_loop():
    assert peak(lambda: grad(inner)(np.ones(SIZE), 300, 5)) <= 3 + 5 + 10


def test_memory_of_a_hessian_vector_product():
    u = np.ones(SIZE)

    def product(keep):
        return lambda: jvp(lambda u: grad(anew)(u, 100, keep), (u,), (u,))

    assert peak(product(5)) <= 2 * 5 + 12
    assert peak(product(20)) <= 2 * 20 + 12


def test_memory_of_checkpointed_calls():
    def block(u):
        for _ in range(20):
            u = np.sin(u)
        return u

    def loss(u, f):
        for _ in range(10):
            u = f(u)
        return np.sum(u)

    kept = peak(lambda: grad(lambda u: loss(u, checkpoint(block)))(np.ones(SIZE)))
    plain = peak(lambda: grad(lambda u: loss(u, block))(np.ones(SIZE)))
    assert kept <= 10 + 20 + 6
    assert plain >= 10 * 20


def test_memory_of_calls_one_after_the_other():
    def block(u):
        a = np.sin(u)
        b = np.cos(a)
        c = np.sin(a * b)
        d = np.exp(c * b)
        return np.sin(d * a) * np.cos(d)

    again = checkpoint(block)

    def kept(u):
        return np.sum(again(again(again(again(again(again(again(again(u)))))))))

    def plain(u):
        return np.sum(block(block(block(block(block(block(block(block(u)))))))))

    assert peak(lambda: grad(kept)(np.ones(SIZE))) <= 8 + 2 * 10
    assert peak(lambda: grad(plain)(np.ones(SIZE))) >= 8 * 5
