"""What the tests of Tensors share: leaves, their numbers, gradients in two ways."""

import numpy as np

import srcgrad as sg
from srcgrad.tensor.backward import cut, reachable

VECTOR = np.array([0.5, 1.25, 0.7])
MATRIX = np.array([[0.5, 1.5, -0.7], [2.1, 0.3, 0.9]])
CONSTANT = np.array([1.0, -2.0, 0.5])


def leaf(*values):
    return sg.tensor(values[0] if len(values) == 1 else values, requires_grad=True)


def numbers(tensor):
    return tensor.detach().numpy()


def central_differences(function, x, step=1e-6):
    """The gradient of the sum of what `function` gives for an array."""
    x = np.asarray(x, float)
    out = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        for sign in (1, -1):
            moved = x.copy()
            moved[index] += sign * step
            value = function(sg.tensor(moved))
            out[index] += sign * np.sum(numbers(value)) / (2 * step)
    return out


def gradient(function, x):
    """The gradient of the sum of what `function` gives, by a backward sweep."""
    x = leaf(x)
    y = function(x)
    y.backward(gradient=np.ones(y.shape))
    return numbers(x.grad)


def programs(tensor):
    return [step.program for step in cut(reachable(tensor._node), tensor._node)]
