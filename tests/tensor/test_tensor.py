"""Tensors as such: how they print, what creates them, detaching, the modes."""

import threading

import numpy as np
import pytest

import srcgrad as sg
from tensor.helpers import leaf


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (28.0, "tensor(28.)"),
        ([0.0, 4.0, 8.0, 12.0], "tensor([ 0.,  4.,  8., 12.])"),
        ([0.0, 1.0], "tensor([0., 1.])"),
        ([-1.0, 2.0], "tensor([-1.,  2.])"),
        ([0.5, 2.0], "tensor([0.5000, 2.0000])"),
        (1 / 3, "tensor(0.3333)"),
        ([1e-5, 1.0], "tensor([1.0000e-05, 1.0000e+00])"),
        ([1.0, 5000.0], "tensor([1.0000e+00, 5.0000e+03])"),
        ([[1.0, 2.0], [3.0, 4.0]], "tensor([[1., 2.],\n        [3., 4.]])"),
        ([True, True], "tensor([True, True])"),
        ([True, False], "tensor([ True, False])"),
        ([1, 20], "tensor([ 1, 20])"),
        ([], "tensor([])"),
        (np.zeros((2, 0)), "tensor([], size=(2, 0))"),
        (np.float32([1, 2]), "tensor([1., 2.], dtype=float32)"),
        (np.int8(3), "tensor(3, dtype=int8)"),
        ([1 + 2j], "tensor([1.+2.j])"),
        (np.arange(2000), "tensor([   0,    1,    2, ..., 1997, 1998, 1999])"),
    ],
)
def test_it_prints_as_in_pytorch(data, text):
    assert repr(sg.tensor(data)) == text


def test_print_options_of_numpy_do_not_matter():
    with np.printoptions(precision=1, floatmode="fixed", threshold=2):
        assert repr(sg.tensor([0.25, 0.5, 0.75])) == "tensor([0.2500, 0.5000, 0.7500])"


def test_what_stands_behind_the_entries():
    x = leaf(1.0, 2.0)
    assert repr(x) == "tensor([1., 2.], requires_grad=True)"
    assert repr(x.astype("float32")) == "tensor([1., 2.], dtype=float32, grad_fn=<ToCopyBackward0>)"
    assert repr(x.detach()) == "tensor([1., 2.])"
    long = sg.full(8, 0.5, requires_grad=True)
    assert repr(long).splitlines()[-1] == "       requires_grad=True)"
    assert f"{x.sum():.2f} {x}" == f"3.00 {x!r}"


X = leaf(np.linspace(0.5, 2.0, 4))
A = leaf(np.eye(2) + 1)


@pytest.mark.parametrize(
    ("tensor", "name"),
    [
        (2 * X, "MulBackward0"),
        (X + 1, "AddBackward0"),
        (1 - X, "SubBackward0"),
        (X / 2, "DivBackward0"),
        (X**2, "PowBackward0"),
        (-X, "NegBackward0"),
        (X @ X, "DotBackward0"),
        (A @ A, "MmBackward0"),
        (A @ X[:2], "MvBackward0"),
        (X.sum(), "SumBackward0"),
        (X.mean(), "MeanBackward0"),
        (np.exp(X), "ExpBackward0"),
        (np.dot(X, X), "DotBackward0"),
        (X.reshape(2, 2), "ViewBackward0"),
        (A.T, "PermuteBackward0"),
        (X[0], "SelectBackward0"),
        (X[1:], "SliceBackward0"),
        (X[[0, 1]], "IndexBackward0"),
        (X[None], "UnsqueezeBackward0"),
        (np.where(X > 1, X, 0), "WhereBackward0"),
        (np.stack([X, X]), "StackBackward0"),
        (np.concatenate([X, X]), "CatBackward0"),
        (X.clone(), "CloneBackward0"),
    ],
)
def test_grad_fn_has_the_name_it_has_in_pytorch(tensor, name):
    assert repr(tensor.grad_fn) == f"<{name}>"
    assert tensor.grad_fn.name() == name
    assert tensor.grad_fn == tensor.grad_fn
    assert not tensor.is_leaf


def test_what_creates_tensors():
    assert (
        repr(sg.arange(4.0, requires_grad=True)) == "tensor([0., 1., 2., 3.], requires_grad=True)"
    )
    assert sg.arange(1, 7, 2).tolist() == [1, 3, 5]
    assert sg.zeros(2, 3).shape == sg.zeros((2, 3)).shape == sg.ones([2, 3]).shape == (2, 3)
    assert sg.zeros().shape == ()
    assert sg.full((2,), 7.0).tolist() == [7.0, 7.0]
    assert sg.eye(2).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert sg.linspace(0, 1, 3).tolist() == [0.0, 0.5, 1.0]
    assert sg.ones_like(sg.arange(2)).dtype == int
    assert sg.zeros_like(leaf(1.0)).requires_grad is False
    assert sg.ones(2, dtype="float32").dtype == np.float32


def test_data_is_copied():
    array = np.zeros(2)
    x = sg.tensor(array)
    array[0] = 5.0
    assert x.tolist() == [0.0, 0.0]
    y = sg.tensor(x)
    x[0] = 7.0
    assert y.tolist() == [0.0, 0.0]


def test_random_numbers_repeat():
    sg.manual_seed(3)
    first = sg.randn(2, 2), sg.rand(3)
    sg.manual_seed(3)
    again = sg.randn((2, 2)), sg.rand(3)
    assert [t.tolist() for t in first] == [t.tolist() for t in again]
    assert sg.randn(2, generator=np.random.default_rng(1)).tolist() == (
        np.random.default_rng(1).standard_normal(2).tolist()
    )
    assert sg.rand(2, requires_grad=True).is_leaf


@pytest.mark.parametrize("data", ["a", [object()], [["a"]]])
def test_a_tensor_holds_numbers(data):
    with pytest.raises(sg.StructureError, match="holds numbers"):
        sg.tensor(data)


@pytest.mark.parametrize("make", [lambda: sg.arange(4), lambda: sg.tensor([True])])
def test_integers_require_no_gradient(make):
    x = make()
    with pytest.raises(sg.NotDifferentiable, match="Only Tensors of floating point"):
        x.requires_grad_()
    assert not x.requires_grad


def test_complex_numbers_require_no_gradient_yet():
    with pytest.raises(sg.NotDifferentiable, match="complex"):
        sg.tensor([1j], requires_grad=True)
    with pytest.raises(sg.NotDifferentiable, match="complex"):
        leaf(1.0, 2.0) * 1j
    assert (sg.tensor([1.0]) * 1j).tolist() == [1j]


def test_detach_shares_memory_and_stops_gradients():
    x = leaf(1.0, 2.0)
    y = x * x
    u = y.detach()
    assert u.is_leaf
    assert not u.requires_grad
    assert u.grad_fn is None
    assert u.data_ptr() == y.data_ptr()
    (u * x).sum().backward()
    assert x.grad.tolist() == [1.0, 4.0]
    assert x.data.data_ptr() == x.data_ptr()


def test_stop_gradient_detaches():
    x = leaf(1.0, 2.0)
    (x * sg.stop_gradient(x)).sum().backward()
    assert x.grad.tolist() == [1.0, 2.0]
    stopped, (inner, plain), number = sg.stop_gradient([x, (x, {"w": x}), 3.0])
    assert not (stopped.requires_grad or inner.requires_grad or plain["w"].requires_grad)
    assert number == 3.0
    constants = [1.0, (2.0,)]
    assert sg.stop_gradient(constants) is constants


def test_no_grad():
    x = leaf(1.0, 2.0)
    with sg.no_grad():
        y = x * 2
        assert not sg.is_grad_enabled()
        with sg.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert sg.is_grad_enabled()
    assert not y.requires_grad
    assert y.is_leaf

    @sg.no_grad()
    def double(x):
        return x * 2

    @sg.no_grad
    def triple(x):
        return x * 3

    assert not double(x).requires_grad
    assert not triple(x).requires_grad
    assert double.__name__ == "double"
    assert sg.is_grad_enabled()


def test_no_grad_ends_with_an_error():
    with pytest.raises(ZeroDivisionError), sg.no_grad():
        raise ZeroDivisionError
    assert sg.is_grad_enabled()


def test_no_grad_is_a_matter_of_one_thread():
    seen = []
    with sg.no_grad():
        thread = threading.Thread(target=lambda: seen.append(sg.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_requires_grad_is_for_leaves():
    x = sg.ones(2)
    assert x.requires_grad_() is x
    y = x * 2
    with pytest.raises(sg.TensorError, match="leaf variables"):
        y.requires_grad = False
    y.requires_grad = True
    x.requires_grad = False
    assert not (x * 2).requires_grad
