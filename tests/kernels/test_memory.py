"""What gradients of loops keep in memory: no more than what is written in place calls for."""

import tracemalloc

import numpy as np

import srcgrad


def heat(u, c, steps):
    for _ in range(steps):
        u[1:-1] += c * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u**2)


def lu_sum(A):
    n = len(A)
    for i in range(n):
        for j in range(i):
            A[i, j] -= A[i, :j] @ A[:j, j]
            A[i, j] /= A[j, j]
        for j in range(i, n):
            A[i, j] -= A[i, :i] @ A[:i, j]
    return np.sum(A)


def cholesky_sum(A):
    n = len(A)
    for j in range(n):
        A[j, j] = np.sqrt(A[j, j] - A[j, :j] @ A[j, :j])
        for i in range(j + 1, n):
            A[i, j] = (A[i, j] - A[i, :j] @ A[j, :j]) / A[j, j]
    return np.sum(np.tril(A))


def forward_substitution(L, b):
    for i in range(len(b)):
        b[i] = (b[i] - L[i, :i] @ b[:i]) / L[i, i]
    return np.sum(b**2)


def gram_schmidt(A):
    m, n = A.shape
    for j in range(n):
        for k in range(j):
            A[:, j] -= (A[:, k] @ A[:, j]) * A[:, k]
        A[:, j] /= np.sqrt(A[:, j] @ A[:, j])
    return np.sum(A**3)


def peak(function, *args):
    """The most memory that a call has at a time, beside what there was before."""
    function(*args)
    tracemalloc.start()
    try:
        function(*args)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_linear_time_loop_keeps_nothing():
    u = np.sin(np.arange(50_000.0))
    gradient = srcgrad.grad(heat)
    assert "tape" not in gradient.specialize(u, 0.1, 1000).source
    needed = peak(lambda u, c, steps: heat(u.copy(), c, steps), u, 0.1, 1000)
    assert peak(gradient, u, 0.1, 1000) <= 1.2 * needed


def numbers_on_tapes(function, *args):
    """How many numbers the gradient of a function puts on its tapes."""
    counted = []

    class Counted(list):
        def append(self, entry):
            parts = entry if isinstance(entry, tuple) else (entry,)
            counted.append(sum(np.size(part) for part in parts))
            super().append(entry)

    text = srcgrad.grad(function).specialize(*args).source
    assert text.count("= []") == text.count("tape = []") == 1
    names = {"Counted": Counted}
    exec(text.replace("tape = []", "tape = Counted()"), names)
    result = names[f"d_{function.__name__}"](*args)
    np.testing.assert_array_equal(result, srcgrad.grad(function)(*args))
    return sum(counted)


rng = np.random.default_rng(0)
SQUARE = rng.normal(size=(40, 40)) + 40 * np.eye(40)


def test_lu_keeps_what_is_overwritten():
    n = 200
    A = rng.normal(size=(n, n)) + n * np.eye(n)
    assert numbers_on_tapes(lu_sum, A) <= 3 * n**2


def test_cholesky_keeps_what_is_overwritten():
    A = SQUARE @ SQUARE.T
    assert numbers_on_tapes(cholesky_sum, A) <= 3 * A.size


def test_a_triangular_solve_keeps_what_is_overwritten():
    assert numbers_on_tapes(forward_substitution, SQUARE, rng.normal(size=40)) <= 3 * 40


def test_gram_schmidt_keeps_a_column_for_each_pair():
    n = 20
    A = rng.normal(size=(n, n)) + n * np.eye(n)
    assert numbers_on_tapes(gram_schmidt, A) <= n * n * (n + 1) + n * n
