"""Triangular factorisations and direct solvers with loops over the matrix that they overwrite."""

import numpy as np
from zoo.registry import sample

from kernels.registry import kernel

GENERAL = 4 * np.eye(6) + 0.5 * sample(6, 6)
SYMMETRIC = 4 * np.eye(6) + 0.3 * (sample(6, 6, seed=1) + sample(6, 6, seed=1).T)


@kernel(GENERAL, steps=5, analytic=True)
def lu(A):
    n = A.shape[0]
    for i in range(n):
        for j in range(i):
            for k in range(j):
                A[i, j] -= A[i, k] * A[k, j]
            A[i, j] /= A[j, j]
        for j in range(i, n):
            for k in range(i):
                A[i, j] -= A[i, k] * A[k, j]
    return A


@kernel(GENERAL, steps=5, analytic=True)
def lu_slices(A):
    n = len(A)
    for i in range(n):
        for j in range(i):
            A[i, j] -= A[i, :j] @ A[:j, j]
            A[i, j] /= A[j, j]
        for j in range(i, n):
            A[i, j] -= A[i, :i] @ A[:i, j]
    return A


@kernel(GENERAL, steps=5, analytic=True)
def lu_row_operations(A):
    n = len(A)
    L = np.eye(n, dtype=A.dtype)
    U = A.copy()
    for k in range(n - 1):
        for i in range(k + 1, n):
            L[i, k] = U[i, k] / U[k, k]
            U[i, k:] -= L[i, k] * U[k, k:]
    return L, U


@kernel(sample(6, 6, seed=4), sample(6, seed=5), steps=5, analytic=True)
def solve_with_pivoting(A, b):
    n = len(b)
    for k in range(n - 1):
        p = k + int(np.argmax(np.abs(A[k:, k])))
        if p != k:
            A[[k, p]] = A[[p, k]]
            b[k], b[p] = b[p], b[k]
        A[k + 1 :, k] /= A[k, k]
        A[k + 1 :, k + 1 :] -= np.outer(A[k + 1 :, k], A[k, k + 1 :])
        b[k + 1 :] -= A[k + 1 :, k] * b[k]
    for i in range(n - 1, -1, -1):
        b[i] = (b[i] - A[i, i + 1 :] @ b[i + 1 :]) / A[i, i]
    return b


@kernel(SYMMETRIC, steps=5, analytic=True)
def cholesky_rowwise(A):
    n = A.shape[0]
    for i in range(n):
        for j in range(i):
            for k in range(j):
                A[i, j] -= A[i, k] * A[j, k]
            A[i, j] /= A[j, j]
        for k in range(i):
            A[i, i] -= A[i, k] * A[i, k]
        A[i, i] = np.sqrt(A[i, i])
    return np.tril(A)


@kernel(SYMMETRIC, steps=5, analytic=True)
def cholesky_columnwise(A):
    n = len(A)
    for k in range(n):
        A[k, k] = np.sqrt(A[k, k])
        A[k + 1 :, k] /= A[k, k]
        for j in range(k + 1, n):
            A[j:, j] -= A[j:, k] * A[j, k]
        A[k, k + 1 :] = 0
    return A


@kernel(SYMMETRIC, 0.3 * sample(6, seed=2), steps=5, analytic=True)
def cholesky_update(A, x):
    """The factor of A, then that of A + x x^T by rotations of what is there."""
    n = len(x)
    L = np.zeros_like(A)
    for j in range(n):
        L[j, j] = np.sqrt(A[j, j] - np.sum(L[j, :j] ** 2))
        L[j + 1 :, j] = (A[j + 1 :, j] - L[j + 1 :, :j] @ L[j, :j]) / L[j, j]
    for k in range(n):
        r = np.sqrt(L[k, k] ** 2 + x[k] ** 2)
        c, s = r / L[k, k], x[k] / L[k, k]
        L[k, k] = r
        if k + 1 < n:
            L[k + 1 :, k] = (L[k + 1 :, k] + s * x[k + 1 :]) / c
            x[k + 1 :] = c * x[k + 1 :] - s * L[k + 1 :, k]
    return L


@kernel(SYMMETRIC, steps=5, analytic=True)
def ldl(A):
    n = len(A)
    v = np.zeros_like(A[0])
    for j in range(n):
        for i in range(j):
            v[i] = A[j, i] * A[i, i]
        v[j] = A[j, j] - A[j, :j] @ v[:j]
        A[j, j] = v[j]
        A[j + 1 :, j] = (A[j + 1 :, j] - A[j + 1 :, :j] @ v[:j]) / v[j]
    return np.tril(A)


@kernel(GENERAL, sample(6, seed=3), steps=5, analytic=True)
def forward_substitution(L, b):
    n = len(b)
    x = b
    for i in range(n):
        for j in range(i):
            x[i] -= L[i, j] * x[j]
        x[i] = x[i] / L[i, i]
    return x


@kernel(GENERAL, sample(6, 3, seed=3), steps=5, analytic=True)
def back_substitution(U, B):
    n, m = B.shape
    for c in range(m):
        for i in reversed(range(n)):
            B[i, c] /= U[i, i]
            for k in range(i):
                B[k, c] -= B[i, c] * U[k, i]
    return B


@kernel(GENERAL, sample(6, 4, seed=3), 0.7, steps=5, analytic=True)
def triangular_product(A, B, alpha):
    M, N = B.shape
    for i in range(M):
        for j in range(N):
            for k in range(i + 1, M):
                B[i, j] += A[k, i] * B[k, j]
            B[i, j] = alpha * B[i, j]
    return B


@kernel(0.1 * sample(6, 6, seed=4), sample(6, 4, seed=3), 0.7, 1.2, steps=5, analytic=True)
def symmetric_update(C, A, alpha, beta):
    n = C.shape[0]
    for i in range(n):
        C[i, : i + 1] *= beta
        for k in range(A.shape[1]):
            C[i, : i + 1] += alpha * A[i, k] * A[: i + 1, k]
    return C


@kernel(
    sample(7), 4 + sample(7, seed=1), sample(7, seed=2), sample(7, seed=3), steps=6, analytic=True
)
def thomas(a, b, c, d):
    n = len(d)
    c[0] /= b[0]
    d[0] /= b[0]
    for i in range(1, n):
        m = b[i] - a[i] * c[i - 1]
        c[i] /= m
        d[i] = (d[i] - a[i] * d[i - 1]) / m
    for i in range(n - 2, -1, -1):
        d[i] -= c[i] * d[i + 1]
    return d


@kernel(sample(7, seed=2), 0.2 * sample(7), steps=6, analytic=True)
def levinson(y, r):
    """The symmetric Toeplitz system with a unit diagonal and r beside it."""
    n = len(y)
    x = np.zeros_like(y)
    g = np.zeros_like(r)
    x[0] = y[0]
    g[0] = -r[0]
    alpha, beta = -r[0], 1.0
    for k in range(1, n):
        beta *= 1 - alpha * alpha
        mu = (y[k] - r[:k] @ x[k - 1 :: -1]) / beta
        x[:k] += mu * g[k - 1 :: -1]
        x[k] = mu
        if k < n - 1:
            alpha = -(r[k] + r[:k] @ g[k - 1 :: -1]) / beta
            g[:k] += alpha * g[k - 1 :: -1]
            g[k] = alpha
    return x


@kernel(0.2 * sample(7), steps=6, analytic=True)
def durbin(r):
    n = r.shape[0]
    y = np.empty_like(r)
    alpha = -r[0]
    beta = 1.0
    y[0] = -r[0]
    for k in range(1, n):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return y


@kernel(GENERAL, steps=5, analytic=True)
def gauss_jordan_inverse(A):
    """In place, with no room for the unit matrix."""
    n = len(A)
    for k in range(n):
        pivot = 1.0 / A[k, k]
        A[k, k] = 1.0
        A[k] *= pivot
        for i in range(n):
            if i == k:
                continue
            factor = A[i, k]
            A[i, k] = 0.0
            A[i] -= factor * A[k]
    return A


@kernel(SYMMETRIC, sample(6, seed=6), 5, steps=5, analytic=True)
def conjugate_gradients(A, b, iterations):
    x = np.zeros_like(b)
    r = b - A @ x
    p = r.copy()
    rs = r @ r
    for _ in range(iterations):
        Ap = A @ p
        alpha = rs / (p @ Ap)
        x += alpha * p
        r -= alpha * Ap
        rs_new = r @ r
        p *= rs_new / rs
        p += r
        rs = rs_new
    return x


@kernel(np.abs(sample(6, 6)) + 0.5, 0.4, steps=6, analytic=True)
def soft_floyd_warshall(dist, tau):
    """All shortest paths, with a soft minimum instead of a hard one."""
    n = len(dist)
    for k in range(n):
        for i in range(n):
            for j in range(n):
                through = dist[i, k] + dist[k, j]
                dist[i, j] = -tau * np.log(np.exp(-dist[i, j] / tau) + np.exp(-through / tau))
    return dist


@kernel(sample(3, 4, 5), sample(5, 5, seed=1), steps=5, analytic=True)
def multi_resolution(A, C4):
    nr, nq, ns = A.shape
    total = np.zeros_like(A[0, 0])
    for r in range(nr):
        for q in range(nq):
            for p in range(ns):
                total[p] = 0.0
                for s in range(ns):
                    total[p] += A[r, q, s] * C4[s, p]
            for p in range(ns):
                A[r, q, p] = total[p]
    return A
