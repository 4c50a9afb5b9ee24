"""Every program of the zoo as a function of Tensors: the same gradients, gathered in `.grad`."""

import numpy as np
import pytest
from zoo.numeric import is_float, tree_leaves, tree_map
from zoo.registry import all_programs

import srcgrad as sg

PROGRAMS = all_programs()


def as_leaf(value):
    return sg.tensor(value, requires_grad=True) if is_float(value) else value


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # some programs divide by zero, and mean it
def test_gradients_of_tensors_are_those_of_arrays(name):
    program = PROGRAMS[name]
    derivative = sg.grad(program.function, program.argnums, has_aux=program.has_aux)
    given = derivative(*program.args)
    expected = dict(zip(program.argnums, given[0] if program.has_aux else given, strict=True))
    args = [tree_map(as_leaf, arg) if k in expected else arg for k, arg in enumerate(program.args)]
    value = derivative(*args)
    loss = value[0] if program.has_aux else value
    if isinstance(loss, sg.Tensor) and loss.requires_grad:
        loss.backward()
    for k, gradients in expected.items():
        wanted = [
            g
            for g, x in zip(tree_leaves(gradients), tree_leaves(program.args[k]), strict=True)
            if is_float(x)
        ]
        leaves = [x for x in tree_leaves(args[k]) if isinstance(x, sg.Tensor)]
        for leaf, gradient in zip(leaves, wanted, strict=True):
            found = np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy()
            np.testing.assert_allclose(found, gradient, rtol=1e-10, atol=1e-12)
