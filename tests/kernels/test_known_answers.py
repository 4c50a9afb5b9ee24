"""The kernels compute what their names say: held against NumPy, SciPy and defining equations."""

import copy

import numpy as np
import pytest
import scipy.fft
import scipy.integrate
import scipy.linalg
import scipy.signal
import scipy.special
from numpy.testing import assert_allclose

from kernels.registry import all_kernels

KERNELS = all_kernels()


def run(name):
    """The kernel's arguments, and what it returns for copies of them."""
    kernel = KERNELS[name]
    return kernel.args, kernel.function(*copy.deepcopy(kernel.args))


@pytest.mark.parametrize("name", ["lu", "lu_slices"])
def test_lu(name):
    (A,), packed = run(name)
    L = np.tril(packed, -1) + np.eye(len(A))
    assert_allclose(L @ np.triu(packed), A, atol=1e-12)


def test_lu_row_operations():
    (A,), (L, U) = run("lu_row_operations")
    assert_allclose(L @ np.triu(U), A, atol=1e-12)


@pytest.mark.parametrize("name", ["cholesky_rowwise", "cholesky_columnwise"])
def test_cholesky(name):
    (A,), L = run(name)
    assert_allclose(L, np.linalg.cholesky(A), atol=1e-12)


def test_cholesky_update():
    (A, x), L = run("cholesky_update")
    assert_allclose(L, np.linalg.cholesky(A + np.outer(x, x)), atol=1e-12)


def test_ldl():
    (A,), packed = run("ldl")
    L = np.tril(packed, -1) + np.eye(len(A))
    assert_allclose(L * np.diag(packed) @ L.T, A, atol=1e-12)


def test_solvers():
    (A, b), x = run("solve_with_pivoting")
    assert_allclose(A @ x, b, atol=1e-12)
    (L, b), x = run("forward_substitution")
    assert_allclose(np.tril(L) @ x, b, atol=1e-12)
    (U, b), x = run("back_substitution")
    assert_allclose(np.triu(U) @ x, b, atol=1e-12)
    (a, b, c, d), x = run("thomas")
    assert_allclose((np.diag(b) + np.diag(a[1:], -1) + np.diag(c[:-1], 1)) @ x, d, atol=1e-12)
    (A,), inverse = run("gauss_jordan_inverse")
    assert_allclose(inverse, np.linalg.inv(A), atol=1e-12)
    (A, b), x = run("householder_least_squares")
    assert_allclose(x, np.linalg.lstsq(A, b)[0], atol=1e-12)


def test_toeplitz_systems():
    (y, r), x = run("levinson")
    assert_allclose(scipy.linalg.toeplitz(np.append(1.0, r[:-1])) @ x, y, atol=1e-12)
    (r,), y = run("durbin")
    assert_allclose(scipy.linalg.toeplitz(np.append(1.0, r[:-1])) @ y, -r, atol=1e-12)


def test_iterative_solvers_converge():
    for name in ("jacobi_solver", "gauss_seidel", "conjugate_gradients"):
        kernel = KERNELS[name]
        A, b, *rest = copy.deepcopy(kernel.args)
        x = kernel.function(A, b, *rest[:-1], 60 if name != "conjugate_gradients" else 6)
        assert_allclose(kernel.args[0] @ x, kernel.args[1], atol=1e-7)


@pytest.mark.parametrize(
    "name", ["classical_gram_schmidt", "modified_gram_schmidt", "householder_qr", "givens_qr"]
)
def test_qr(name):
    (A,), (Q, R) = run(name)
    assert_allclose(Q[:, : len(R)] @ R, A, atol=1e-12)
    assert_allclose(Q.T @ Q, np.eye(Q.shape[1]), atol=1e-12)
    assert_allclose(np.tril(R, -1), 0, atol=1e-12)


def test_similar_matrices():
    (A,), H = run("hessenberg")
    assert_allclose(np.tril(H, -2), 0, atol=1e-12)
    assert_allclose(np.poly(H), np.poly(A), atol=1e-9)
    (A, _), (values, V) = run("jacobi_eigenvalues")
    assert_allclose(V * values @ V.T, A, atol=1e-12)
    (A, _), R = run("qr_algorithm")
    assert_allclose(np.poly(R), np.poly(A), atol=1e-9)
    (A, _, steps), (T, V) = run("lanczos")
    assert_allclose(V[:steps] @ A @ V[:steps].T, T, atol=1e-12)


def test_fourier():
    for name in ("fft_cooley_tukey", "fft_stockham"):
        (re, im), (out_re, out_im) = run(name)
        assert_allclose(out_re + 1j * out_im, np.fft.fft(re + 1j * im), atol=1e-12)
    (block,), out = run("dct_2d")
    assert_allclose(out, scipy.fft.dctn(block, norm="ortho"), atol=1e-12)
    (a,), out = run("walsh_hadamard")
    assert_allclose(out, scipy.linalg.hadamard(len(a)) @ a / np.sqrt(len(a)), atol=1e-12)


def test_filters_and_sums():
    (b, a, x), y = run("iir_filter")
    assert_allclose(y, scipy.signal.lfilter(b, a, x), atol=1e-12)
    (b, a, x), y = run("biquad_cascade")
    sos = np.column_stack((b, np.ones(len(b)), a))
    assert_allclose(y, scipy.signal.sosfilt(sos, x), atol=1e-12)
    (x, h), y = run("convolve")
    assert_allclose(y, np.convolve(x, h), atol=1e-12)
    (x,), y = run("hillis_steele")
    assert_allclose(y, np.cumsum(np.sin(x)), atol=1e-12)
    (x,), y = run("blelloch")
    assert_allclose(y, np.append(1.0, np.cumprod(x)[:-1]), atol=1e-12)
    (image,), (boxes, total) = run("summed_area")
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3)).sum((2, 3))
    assert_allclose(boxes, windows, atol=1e-12)
    assert_allclose(total, image.sum())
    (x,), y = run("insertion_sort")
    assert_allclose(y, np.sort(x) * np.arange(1, len(x) + 1))


def test_polynomials():
    (c, x), (value, T) = run("clenshaw")
    assert_allclose(value, np.polynomial.chebyshev.chebval(x, c), atol=1e-12)
    assert_allclose(value, c @ T, atol=1e-12)
    (x, y, at), (value, _) = run("divided_differences")
    assert_allclose(value, np.polyval(np.polyfit(x, y, len(x) - 1), at), atol=1e-8)


def test_probabilities():
    (start, transition, emission), (total, _) = run("viterbi_logsumexp")
    P = np.exp(start + emission[0])
    for e in emission[1:]:
        P = (P @ np.exp(transition)) * np.exp(e)
    assert_allclose(total, np.log(P.sum()))
    args, (K, _) = run("sinkhorn")
    assert_allclose(K.sum(0), args[2] / args[2].sum())
    assert_allclose(K.sum(1), args[1] / args[1].sum(), rtol=0.1)


def test_ctc_sums_over_alignments():
    (logits, labels), found = run("ctc")
    p = np.exp(logits - scipy.special.logsumexp(logits, axis=1, keepdims=True))
    total = 0.0
    for path in np.ndindex(*(p.shape[1],) * len(p)):
        steps = [s for s, before in zip(path, (None, *path)) if s != before and s != 0]
        if steps == list(labels):
            total += np.prod(p[np.arange(len(p)), path])
    assert_allclose(found, -np.log(total))


def test_orbits():
    (y, mu, t_end, h, _), (end, _) = run("adaptive_van_der_pol")
    rhs = lambda t, y: [y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]]
    right = scipy.integrate.solve_ivp(rhs, (0, t_end), y, rtol=1e-10, atol=1e-10).y[:, -1]
    assert_allclose(end, right, atol=2e-2)
    (y, k, t_end, _, _), (end, times) = run("rk4_adaptive")
    rhs = lambda t, y: [-k * y[0] + y[1] * y[2], k * y[0] - y[1] ** 2, np.sin(3 * y[1])]
    right = scipy.integrate.solve_ivp(rhs, (0, t_end), y, rtol=1e-10, atol=1e-10).y[:, -1]
    assert_allclose(end, right, atol=1e-5)
    assert times[-1] == pytest.approx(t_end)
    _, (_, _, energies) = run("leapfrog")
    assert np.ptp(energies) < 1e-2 * energies[0] + 1e-2
