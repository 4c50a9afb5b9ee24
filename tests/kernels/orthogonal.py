"""Orthogonal factorisations and eigenvalues: Gram-Schmidt, Householder, Givens, Jacobi, power."""

import numpy as np
from zoo.registry import sample

from kernels.registry import kernel

TALL = sample(7, 5, seed=7)
SYMMETRIC = np.diag(np.arange(1.0, 7.0)) + 0.2 * (sample(6, 6) + sample(6, 6).T)


@kernel(TALL, steps=5, analytic=True)
def classical_gram_schmidt(A):
    m, n = A.shape
    Q = np.zeros_like(A)
    R = np.zeros_like(A[:n])
    for j in range(n):
        v = A[:, j].copy()
        for i in range(j):
            R[i, j] = Q[:, i] @ A[:, j]
            v -= R[i, j] * Q[:, i]
        R[j, j] = np.sqrt(v @ v)
        Q[:, j] = v / R[j, j]
    return Q, R


@kernel(TALL, steps=5, analytic=True)
def modified_gram_schmidt(A):
    Q = np.zeros_like(A)
    R = np.zeros_like(A, shape=(A.shape[1], A.shape[1]))
    for k in range(A.shape[1]):
        R[k, k] = np.sqrt(np.sum(A[:, k] * A[:, k]))
        Q[:, k] = A[:, k] / R[k, k]
        for j in range(k + 1, A.shape[1]):
            R[k, j] = np.dot(Q[:, k], A[:, j])
            A[:, j] -= Q[:, k] * R[k, j]
    return Q, R


@kernel(TALL, sample(7, seed=8), steps=5, analytic=True)
def householder_least_squares(A, b):
    m, n = A.shape
    for k in range(n):
        x = A[k:, k]
        alpha = np.sqrt(x @ x)
        if x[0] > 0:
            alpha = -alpha
        v = x.copy()
        v[0] -= alpha
        beta = 2.0 / (v @ v)
        A[k:, k:] -= beta * np.outer(v, v @ A[k:, k:])
        b[k:] -= beta * v * (v @ b[k:])
    x = b[:n].copy()
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            x[i] -= A[i, j] * x[j]
        x[i] /= A[i, i]
    return x


@kernel(TALL, steps=5, analytic=True)
def householder_qr(A):
    m, n = A.shape
    Q = np.eye(m, dtype=A.dtype)
    for k in range(n):
        v = A[k:, k].copy()
        v[0] += np.sign(v[0].real) * np.sqrt(np.sum(v**2))
        v /= np.sqrt(np.sum(v**2))
        for j in range(k, n):
            A[k:, j] -= 2 * v * np.dot(v, A[k:, j])
        for i in range(m):
            Q[i, k:] -= 2 * np.dot(Q[i, k:], v) * v
    return Q, np.triu(A[:n])


@kernel(sample(5, 5, seed=9), steps=5, analytic=True)
def givens_qr(A):
    m, n = A.shape
    Q = np.eye(m, dtype=A.dtype)
    for j in range(n):
        for i in range(m - 1, j, -1):
            a, b = A[i - 1, j], A[i, j]
            r = np.sqrt(a * a + b * b)
            c, s = a / r, b / r
            upper = c * A[i - 1, j:] + s * A[i, j:]
            A[i, j:] = c * A[i, j:] - s * A[i - 1, j:]
            A[i - 1, j:] = upper
            for k in range(m):
                t = c * Q[k, i - 1] + s * Q[k, i]
                Q[k, i] = -s * Q[k, i - 1] + c * Q[k, i]
                Q[k, i - 1] = t
    return Q, A


@kernel(sample(7, 7, seed=10), steps=5, analytic=True)
def hessenberg(A):
    n = len(A)
    for k in range(n - 2):
        v = A[k + 1 :, k].copy()
        v[0] += np.sign(v[0].real) * np.sqrt(np.sum(v * v))
        v /= np.sqrt(np.sum(v * v))
        A[k + 1 :, k:] -= 2.0 * np.outer(v, v @ A[k + 1 :, k:])
        A[:, k + 1 :] -= 2.0 * np.outer(A[:, k + 1 :] @ v, v)
    return A


@kernel(SYMMETRIC, 5, steps=5, analytic=True)
def jacobi_eigenvalues(A, sweeps):
    n = len(A)
    V = np.eye(n, dtype=A.dtype)
    for _ in range(sweeps):
        for p in range(n - 1):
            for q in range(p + 1, n):
                theta = 0.5 * np.arctan(2 * A[p, q] / (A[q, q] - A[p, p]))
                c, s = np.cos(theta), np.sin(theta)
                for k in range(n):
                    akp, akq = A[k, p], A[k, q]
                    A[k, p] = c * akp - s * akq
                    A[k, q] = s * akp + c * akq
                for k in range(n):
                    apk, aqk = A[p, k], A[q, k]
                    A[p, k] = c * apk - s * aqk
                    A[q, k] = s * apk + c * aqk
                V[:, [p, q]] = np.stack((c * V[:, p] - s * V[:, q], s * V[:, p] + c * V[:, q]), 1)
    return np.diag(A), V


@kernel(SYMMETRIC, sample(6, seed=11), 6, steps=6, analytic=True)
def power_iteration(A, x, iterations):
    for _ in range(iterations):
        x[:] = A @ x
        x /= np.sqrt(x @ x)
    return x @ A @ x, x


@kernel(SYMMETRIC, sample(6, seed=12), 5, steps=5, analytic=True)
def lanczos(A, v, steps):
    """The tridiagonal matrix of the Krylov space, with full reorthogonalisation."""
    V = np.zeros_like(A, shape=(steps + 1, len(v)))
    T = np.zeros_like(A, shape=(steps, steps))
    V[0] = v / np.sqrt(v @ v)
    for j in range(steps):
        w = A @ V[j]
        T[j, j] = w @ V[j]
        for i in range(j, -1, -1):
            w -= (w @ V[i]) * V[i]
        norm = np.sqrt(w @ w)
        if j + 1 < steps:
            T[j, j + 1] = T[j + 1, j] = norm
        V[j + 1] = w / norm
    return T, V


@kernel(np.diag(np.arange(1.0, 6.0)) + 0.3 * sample(5, 5), 6, steps=6, analytic=True)
def qr_algorithm(A, iterations):
    n = len(A)
    for _ in range(iterations):
        R = np.zeros_like(A)
        Q = A.copy()
        for k in range(n):
            R[k, k] = np.sqrt(Q[:, k] @ Q[:, k])
            Q[:, k] /= R[k, k]
            R[k, k + 1 :] = Q[:, k] @ Q[:, k + 1 :]
            Q[:, k + 1 :] -= np.outer(Q[:, k], R[k, k + 1 :])
        A[...] = R @ Q
    return A
