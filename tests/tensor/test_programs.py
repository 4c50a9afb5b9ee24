"""The generated programs: one for each structure, whatever the length of the graph."""

import math
import sys
import traceback

import numpy as np
import pytest

import srcgrad as sg
from srcgrad.tensor import regions
from srcgrad.tensor.backward import cut, reachable
from tensor.helpers import MATRIX, VECTOR, central_differences, gradient, leaf, numbers, programs


def test_one_structure_is_compiled_once():
    def loss(x):
        return (2 * np.sin(x) * x).sum()

    first, again = loss(sg.ones(4, requires_grad=True)), loss(sg.zeros(4, requires_grad=True))
    assert programs(first) == programs(again)
    assert first.grad_fn.source == again.grad_fn.source
    other = loss(sg.ones(4, dtype="float32", requires_grad=True))
    assert programs(other) != programs(first)


def test_large_sizes_are_symbols():
    def loss(n, m):
        return (sg.ones(n, requires_grad=True) * 2).sum() * sg.ones(m, requires_grad=True).sum()

    assert programs(loss(20, 30)) == programs(loss(40, 50))
    assert programs(loss(20, 20)) != programs(loss(20, 30))
    assert programs(loss(2, 20)) != programs(loss(20, 30))


def test_numbers_that_change_do_not_compile_again():
    x = leaf(1.0, 2.0)
    found = []
    for k in range(5):
        y = (x * (0.25 + k) + x[k % 2] * k).sum()
        found.append(programs(y))
        x.grad = None
        y.backward()
        expected = np.full(2, 0.25 + k)
        expected[k % 2] += 2 * k
        assert x.grad.tolist() == expected.tolist()
    assert found[1:] == found[1:2] * 4


def test_numbers_that_stay_are_written_into_the_source():
    assert "0.625" in (leaf(1.0, 2.0) * 0.625).sum().grad_fn.source


def test_arguments_that_shape_the_operation_are_structure():
    x = leaf(MATRIX)
    assert programs(x.sum(axis=0)) != programs(x.sum(axis=1))
    found = gradient(lambda x: x.sum(axis=1) ** 2, MATRIX)
    np.testing.assert_allclose(found, 2 * np.tile(MATRIX.sum(axis=1)[:, None], 3))


def test_negative_zero_is_another_number():
    x = leaf(1.0)
    (x * 0.0).backward()
    assert math.copysign(1, x.grad.item()) == 1
    y = leaf(1.0)
    y.grad = sg.tensor(-0.0)
    (y * -0.0).backward()
    assert math.copysign(1, y.grad.item()) == -1


def test_the_cache_is_bounded(monkeypatch):
    monkeypatch.setattr(regions, "_compiled", {})
    monkeypatch.setattr(regions, "CACHED", 3)
    for k in range(6):
        (leaf(np.ones((k + 1, 1))).sum() ** 2).backward()
    assert len(regions._compiled) == 3


def test_tracebacks_show_the_generated_source():
    y = (leaf(1.0, 2.0) ** 2).sum()
    (program,) = programs(y)
    with pytest.raises(TypeError) as e:
        program.run(("not an array",), 1.0, np.zeros(2))
    last = traceback.extract_tb(e.value.__traceback__)[-1]
    assert last.line in map(str.strip, program.generated.text.splitlines())
    assert "grad_x" in last.line


@pytest.mark.parametrize("length", [127, 128, 129, 10_000])
def test_long_chains(length):
    x, s = leaf(2.0), leaf(0.0)
    y = x
    for _ in range(length):
        y = y + s * x
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(400)
    try:
        y.backward()
        del y
    finally:
        sys.setrecursionlimit(before)
    assert x.grad.item() == 1.0
    assert s.grad.item() == 2.0 * length


def test_long_graphs_with_far_reads():
    """Values that are read again in another part of a graph that is cut into several programs."""
    x = leaf(VECTOR)
    pool = [x]
    for k in range(600):
        pool.append(np.sin(pool[-1] + pool[(k * 7) % len(pool)] * 0.5))
    y = (pool[-1] * pool[5]).sum()
    assert len(cut(reachable(y._node), y._node)) > 4
    y.backward()

    def plain(x):
        pool = [x]
        for k in range(600):
            pool.append(np.sin(pool[-1] + pool[(k * 7) % len(pool)] * 0.5))
        return pool[-1] * pool[5]

    expected = central_differences(plain, VECTOR)
    np.testing.assert_allclose(numbers(x.grad), expected, rtol=1e-4, atol=1e-8)
