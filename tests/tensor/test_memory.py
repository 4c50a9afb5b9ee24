"""Where gradients gather, graphs that are used up, what `backward` refuses."""

import numpy as np
import pytest

import srcgrad as sg
from srcgrad.tensor.backward import cut, reachable
from tensor.helpers import VECTOR, leaf, numbers


def test_gradients_gather_in_the_same_memory():
    x = sg.arange(4.0, requires_grad=True)
    assert x.grad is None
    (x * x).sum().backward()
    grad, address, view = x.grad, x.grad.data_ptr(), x.grad.numpy()
    for _ in range(3):
        (x * x).sum().backward()
    assert x.grad is grad
    assert x.grad.data_ptr() == address
    assert np.shares_memory(view, x.grad.numpy())
    assert view.tolist() == [0.0, 8.0, 16.0, 24.0]
    x.grad.zero_()
    assert view.tolist() == [0.0] * 4
    x.sum().backward()
    assert x.grad is grad
    assert view.tolist() == [1.0] * 4


def test_the_generated_source_adds_to_the_memory_itself():
    x = sg.arange(4.0, requires_grad=True)
    y = (2 * np.sin(x)).sum()
    assert "def expression_backward(saved, g, grad_x):" in y.grad_fn.source
    assert "grad_x[...] += " in y.grad_fn.source
    grad = np.full(4, 10.0)
    (step,) = cut(reachable(y._node), y._node)
    assert step.program.run(step.values(), 1.0, grad) is None
    np.testing.assert_allclose(grad, 10 + 2 * np.cos(np.arange(4.0)))


def test_entries_that_were_taken_are_added_where_they_stand():
    table = sg.zeros(1000, 2, requires_grad=True)
    y = (table[np.array([3, 3, 7])] ** 2).sum() + table[1:3].sum()
    assert "zeros" not in y.grad_fn.source
    y.backward()
    assert table.grad[1:3].tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert table.grad.numpy().sum() == 4.0


def test_repeated_indices_count_as_often_as_they_stand():
    x = leaf(1.0, 2.0)
    x[np.array([0, 0, 1])].sum().backward()
    assert x.grad.tolist() == [2.0, 1.0]


def test_the_gradient_as_a_constant_of_the_next_expression():
    x, y = leaf(1.0, 2.0), leaf(1.0, 1.0)
    (x * x).sum().backward()
    (x * x.grad * y).sum().backward()  # reads x.grad, to which it adds
    assert x.grad.tolist() == [4.0, 8.0]
    assert y.grad.tolist() == [2.0, 8.0]
    y.grad.zero_()
    y.backward(gradient=x.grad)
    (x * 3).backward(gradient=x.grad)
    assert y.grad.tolist() == [4.0, 8.0]
    assert x.grad.tolist() == [16.0, 32.0]


def test_grad_may_be_set():
    x = leaf(1.0, 2.0)
    x.grad = sg.tensor([10.0, 10.0])
    x.sum().backward()
    assert x.grad.tolist() == [11.0, 11.0]
    x.grad = None
    x.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    for wrong in (sg.ones(3), sg.ones(2, dtype="float32"), np.ones(2), 1.0):
        with pytest.raises(sg.StructureError, match="grad must be None or a Tensor"):
            x.grad = wrong


def test_a_graph_serves_once():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(
        RuntimeError, match="Trying to backward through the graph a second time"
    ) as e:
        y.backward()
    assert "retain_graph=True" in str(e.value)
    assert x.grad.tolist() == [2.0, 4.0]
    assert "grad_x[...] +=" in y.grad_fn.source


def test_a_graph_that_is_retained_serves_again():
    x = leaf(1.0, 2.0)
    y = (x * np.exp(x)).sum()
    y.backward(retain_graph=True)
    once = numbers(x.grad).copy()
    y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_allclose(numbers(x.grad), 3 * once)
    with pytest.raises(sg.TensorError, match="second time"):
        y.backward()


def test_a_part_that_was_used_up_spoils_the_whole():
    x = leaf(1.0, 2.0)
    y = x * x
    y.sum().backward()
    z = y.sum() + x.sum()
    with pytest.raises(sg.TensorError, match="second time"):
        z.backward()
    with pytest.raises(sg.TensorError, match="second time"):
        _ = z.grad_fn.source
    assert x.grad.tolist() == [2.0, 4.0]


def test_retained_gradients():
    x = leaf(1.0, 2.0)
    y = x * 3
    z = y * y
    y.retain_grad()
    z.retain_grad()
    (z + y).sum().backward(retain_graph=True)
    assert y.grad.tolist() == [7.0, 13.0]
    assert z.grad.tolist() == [1.0, 1.0]
    assert x.grad.tolist() == [21.0, 39.0]
    (z + y).sum().backward()
    assert y.grad.tolist() == [14.0, 26.0]


def test_without_retain_grad_an_intermediate_has_no_gradient():
    x = leaf(1.0, 2.0)
    y = x * 3
    y.sum().backward()
    assert y.grad is None
    x.retain_grad()
    assert x.is_leaf
    with pytest.raises(sg.TensorError, match="can't retain_grad"):
        sg.ones(2).retain_grad()


def test_backward_of_several_entries_wants_weights():
    y = leaf(1.0, 2.0) * 2
    with pytest.raises(
        RuntimeError, match="grad can be implicitly created only for scalar outputs"
    ):
        y.backward()
    with pytest.raises(sg.NotScalar, match=r"y\.sum\(\)\.backward\(\)"):
        y.backward()
    with pytest.raises(sg.StructureError, match="Mismatch in shape"):
        y.backward(gradient=sg.ones(3))


def test_backward_of_what_was_not_recorded():
    with pytest.raises(RuntimeError, match="does not require grad and does not have a grad_fn"):
        sg.ones(2).sum().backward()
    with pytest.raises(sg.TensorError, match="create_graph"):
        leaf(1.0).backward(create_graph=True)


def test_an_operation_without_a_rule_is_refused_before_anything_is_added():
    x = leaf(VECTOR)
    y = np.corrcoef(x, x * x)
    assert y.requires_grad
    with pytest.raises(sg.MissingRule, match=r"no derivative rule for np\.corrcoef"):
        (y.sum() + x.sum()).backward()
    assert x.grad is None
