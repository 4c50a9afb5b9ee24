"""Tensors in the hands of NumPy's functions and Python's conversions."""

import copy
import math
import pickle

import numpy as np
import pytest

import srcgrad as sg
from tensor.helpers import MATRIX, leaf


def test_arrays_and_numbers_beside_tensors():
    x, a = leaf(1.0, 2.0), np.array([3.0, 4.0])
    for y in (
        a * x,
        x * a,
        np.float64(3.0) * x,
        x * np.float32(3.0),
        3 * x,
        a + x,
        a @ x,
        [1, 2] * x,
    ):
        assert isinstance(y, sg.Tensor)
        assert y.requires_grad
    with pytest.raises(TypeError):
        x + "a"
    with pytest.raises(TypeError):
        x + object()


def test_comparisons_give_tensors_of_truth_values():
    x = leaf(1.0, 2.0)
    assert (x == sg.tensor([1.0, 3.0])).tolist() == [True, False]
    for y in (x < 2, x <= 2, x > 1, x >= 1, x != 1, ~(x == 1), (x > 0) & (x < 2)):
        assert y.dtype == bool
        assert not y.requires_grad
    assert (x == None) is False  # noqa: E711
    assert x in {x}


def test_results_that_are_no_arrays():
    x = leaf(MATRIX)
    assert (np.shape(x), np.ndim(x), np.size(x), len(x)) == ((2, 3), 2, 6, 2)
    assert (x.shape, x.ndim, x.size, x.dtype) == ((2, 3), 2, 6, np.float64)
    assert np.allclose(x, MATRIX) is True
    assert np.argmax(x).item() == 3
    assert not x.argmax().requires_grad
    assert np.result_type(x, np.float32) == np.float64
    assert [t.tolist() for t in np.nonzero(x[0])] == [[0, 1, 2]]


def test_functions_that_write_are_refused():
    x, plain = leaf(1.0, 2.0), sg.ones(2)
    for write in (
        lambda: np.copyto(plain, 0.0),
        lambda: np.put(plain, 0, 1.0),
        lambda: np.add(plain, 1, out=plain),
        lambda: np.sum(plain, out=np.zeros(())),
        lambda: np.add.at(plain, 0, 1.0),
        lambda: np.zeros(2).__iadd__(x),
        lambda: np.multiply(x, 2, out=np.zeros(2)),
    ):
        with pytest.raises(sg.TensorError, match="cannot write"):
            write()
    assert plain.tolist() == [1.0, 1.0]
    with pytest.raises(sg.TensorError, match="would write into the Tensor"):
        plain.sort()
    gathered = np.zeros(2)
    gathered += plain
    assert gathered.tolist() == [1.0, 1.0]


def test_methods_of_ufuncs():
    x = leaf(1.0, 2.0)
    assert np.add.reduce(x.detach()).item() == 3.0
    with pytest.raises(sg.MissingRule, match=r"use np\.sum"):
        np.add.reduce(x)
    with pytest.raises(sg.MissingRule, match="derivative rule"):
        np.add(x, 1, where=np.array([True, False]))


def test_a_tensor_that_requires_a_gradient_does_not_become_an_array():
    x = leaf(1.0, 2.0)
    for convert in (
        lambda: np.asarray(x),
        lambda: np.array([x[0], x[1]]),
        lambda: x.numpy(),
        lambda: np.sum([x[0], x[1]]),
        lambda: sg.tensor([x[0]]),
        lambda: math.sin(x[0]),
        lambda: float(x[0]),
    ):
        with pytest.raises(sg.TensorError, match="gradient"):
            convert()
    with sg.no_grad():
        assert float(x[0]) == 1.0
        assert np.asarray(x).tolist() == [1.0, 2.0]


def test_arrays_of_tensors_cannot_be_written_to():
    x = sg.ones(2)
    for view in (x.numpy(), np.asarray(x)):
        assert np.shares_memory(view, x.numpy())
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 5.0
    assert np.array(x, copy=True).flags.writeable
    assert np.asarray(x, dtype=int).dtype == int


def test_conversions():
    x = leaf(1.5, 2.0)
    assert (x[0].item(), x.tolist(), int(x[1]), bool(x[0])) == (1.5, [1.5, 2.0], 2, True)
    assert [10, 20, 30][sg.tensor(1)] == 20
    assert round(x[0] * 1.01, 1).item() == 1.5
    for wrong in (lambda: x.item(), lambda: bool(x), lambda: len(x[0]), lambda: iter(x[0])):
        with pytest.raises((sg.StructureError, TypeError)):
            wrong()
    with pytest.raises(TypeError):
        [1, 2][x[0].detach()]


def test_names_of_attributes():
    x = leaf(MATRIX)
    assert x.T.shape == x.transpose().shape == x.transpose(1, 0).shape == (3, 2)
    assert "sum" in dir(x)
    with pytest.raises(AttributeError, match="no attribute 'foo'"):
        _ = x.foo
    with pytest.raises(sg.TensorError, match="in PyTorch and the matrix in NumPy"):
        x.transpose(0, 1)
    with pytest.raises(TypeError, match="dim"):
        x.max(dim=0)


def test_copies_and_pickles():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert (twin.tolist(), twin.grad.tolist()) == (x.tolist(), x.grad.tolist())
        assert twin.requires_grad
        assert twin.data_ptr() != x.data_ptr()
    with pytest.raises(sg.TensorError, match="graph leaves"):
        copy.deepcopy(x * 2)
