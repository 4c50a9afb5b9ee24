"""Sparse derivatives of whole programs against dense ones: the zoo, and the kernels."""

import copy

import numpy as np
import pytest
from forward.programs import quietly, wholes

from srcgrad import grad, linearize, sparse_hessian, sparse_jacobian

LARGEST = 60


def places():
    """The programs and arguments that are arrays, and whether the result is a number."""
    found = []
    for name, program in sorted(wholes().items()):
        if program.has_aux:
            continue
        for k in program.argnums:
            x = program.args[k]
            fits = isinstance(x, np.ndarray) and x.dtype.kind == "f" and 0 < x.ndim
            if not fits or x.size > LARGEST:
                continue
            y = quietly(program.function, *copy.deepcopy(program.args))
            number = not isinstance(y, list | tuple | dict) and np.ndim(y) == 0
            if number or isinstance(y, np.ndarray):
                found.append(pytest.param(program, k, number, id=f"{name}-{k}"))
    return found


PLACES = places()


@pytest.mark.parametrize(("program", "k", "number"), PLACES)
def test_program(program, k, number):
    """The matrix of a program that returns an array; of one that returns a number, the Hessian."""
    function, args = program.function, copy.deepcopy(program.args)
    differentiated = grad(function, k) if number else function
    _, push = quietly(linearize, differentiated, *args)
    x = args[k]
    columns = []
    for j in range(x.size):
        unit = np.zeros(x.size, x.dtype)
        unit[j] = 1
        columns.append(np.ravel(quietly(push, *[None] * k, unit.reshape(x.shape))))
    dense = np.stack(columns, 1)
    sparse = (sparse_hessian if number else sparse_jacobian)(function, k)
    given = quietly(sparse, *args).toarray()
    scale = 1 + np.abs(dense[np.isfinite(dense)]).max(initial=0)
    known = np.isfinite(dense)  # a seed of zeros gives NaN beside an infinite derivative
    np.testing.assert_allclose(given[known], dense[known], rtol=1e-8, atol=1e-8 * scale)
    assert sparse.sweeps == sparse.colours <= min(dense.shape)


def test_there_are_programs_of_both_kinds():
    numbers = [p.values[2] for p in PLACES]
    assert sum(numbers) > 100 and len(numbers) - sum(numbers) > 50
