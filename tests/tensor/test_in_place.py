"""Changes in place: made, recorded, noticed or refused."""

import numpy as np
import pytest

import srcgrad as sg
from tensor.helpers import leaf, numbers


def update(x):
    x += 1


def write(x):
    x[0] = 5.0


@pytest.mark.parametrize("change", [update, write, lambda x: x.zero_(), lambda x: x.mul_(2)])
def test_a_leaf_that_requires_a_gradient_is_not_changed(change):
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used") as e:
        change(x)
    assert "no_grad" in str(e.value)
    assert x.tolist() == [1.0, 2.0]
    address = x.data_ptr()
    with sg.no_grad():
        change(x)
    assert x.data_ptr() == address
    assert x.tolist() != [1.0, 2.0]
    assert x.requires_grad


def test_data_is_a_way_to_the_memory():
    w = leaf(1.0, 2.0)
    address = w.data_ptr()
    (w * w).sum().backward()
    w.data -= 0.5 * w.grad.data
    assert w.tolist() == [0.0, 0.0]
    w.data = [3.0, 4.0]
    assert w.tolist() == [3.0, 4.0]
    w.grad.data.zero_()
    assert w.grad.tolist() == [0.0, 0.0]
    assert w.data_ptr() == address


def test_plain_tensors_change_in_their_memory():
    x = sg.ones(3)
    address, part = x.data_ptr(), x[1:]
    x += 1
    x -= [0.0, 1.0, 2.0]
    x *= 2
    x /= 4
    x **= 2
    x[0] = 7.0
    x.add_(1.0, alpha=2).sub_(1.0).mul_(2).div_(2)
    assert x.data_ptr() == address
    assert x.tolist() == [8.0, 1.25, 1.0]
    assert part.tolist() == [1.25, 1.0]
    with pytest.raises(TypeError):  # as NumPy: halves do not fit into integers
        sg.arange(3).__itruediv__(2)


def test_sums_may_gather_in_place():
    x = leaf(1.0, 2.0)
    loss = 0
    for k in range(3):
        loss += (k * x).sum()
    total = sg.zeros(2)
    total += x * x
    total *= 2
    (loss + total.sum()).backward()
    assert x.grad.tolist() == [3.0 + 4.0, 3.0 + 8.0]


def test_an_update_in_place_leaves_what_was_read_before():
    x = leaf(1.0, 2.0)
    y = x * 2
    z = np.exp(y)
    y += 1
    (z + y * y).sum().backward()
    expected = 2 * np.exp([2.0, 4.0]) + 4 * (2 * np.array([1.0, 2.0]) + 1)
    np.testing.assert_allclose(numbers(x.grad), expected)


def test_an_update_in_place_keeps_the_retained_gradient():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    y += 1
    (y * y).sum().backward()
    assert y.grad.tolist() == [6.0, 10.0]


def test_updates_that_cannot_be_recorded_are_refused():
    x = leaf(1.0, 2.0)
    y = x * 2
    part = y[1:]
    with pytest.raises(sg.TensorError, match="another Tensor shares the memory"):
        y += 1
    del part
    y += 1
    with pytest.raises(sg.StructureError, match="cannot take the place"):
        y += sg.ones(3, 2)
    with pytest.raises(sg.TensorError, match="writing an entry"):
        y[0] = 1.0
    with pytest.raises(sg.TensorError, match="writing an entry"):
        sg.zeros(2)[0] = x[0]
    z = sg.zeros(2)
    z[0] = x[0].detach()
    assert z.tolist() == [1.0, 0.0]


def test_a_needed_value_that_was_changed_is_noticed():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    with sg.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()
    assert x.grad is None


@pytest.mark.parametrize(
    "change",
    [
        lambda y: y.detach().zero_(),
        lambda y: y.data.mul_(2),
        lambda y: y.detach()[1:].fill_(0.0),
        lambda y: y.detach().reshape(1, 2).zero_(),
    ],
)
def test_changes_through_any_tensor_of_the_memory_are_noticed(change):
    x = leaf(1.0, 2.0)
    y = np.exp(x)
    z = y.sum()
    change(y)
    with pytest.raises(sg.TensorError, match="modified by an inplace operation"):
        z.backward()


def test_a_constant_that_was_changed_is_noticed():
    x, c = leaf(1.0, 2.0), sg.ones(2)
    y = (x * c).sum()
    c += 1
    with pytest.raises(sg.TensorError, match="modified by an inplace operation"):
        y.backward()


def test_a_changed_value_that_is_not_needed_does_no_harm():
    x = leaf(1.0, 2.0)
    y = (x + x).sum()
    with sg.no_grad():
        x += 1
    y.backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_one_leaf_at_two_versions():
    x = leaf(1.0, 2.0)
    y = x + 1  # does not need x
    with sg.no_grad():
        x *= 2
    (y.sum() + (x * x).sum()).backward()
    assert x.grad.tolist() == [5.0, 9.0]


def test_a_computed_tensor_that_was_changed_is_not_read_on():
    x = leaf(1.0, 2.0)
    y = x * 2
    with sg.no_grad():
        y += 1
    with pytest.raises(sg.TensorError, match="changed in place after it was computed"):
        y * 2
