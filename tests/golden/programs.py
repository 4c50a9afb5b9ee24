"""Programs whose generated gradients are held word for word.

Each is `name: (function, args)`, with argnums after them where it is not the first argument alone.
"""

import numpy as np


def loss(w, X, y):
    z = X @ w
    p = 1 / (1 + np.exp(-z))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def residual(r, a):
    return r * r - a


def newton_sqrt(a, tol=1e-12):
    r = a if a > 1 else 1.0
    while True:
        step = residual(r, a) / (2 * r)
        r = r - step
        if abs(step) < tol:
            break
    return r


def network(params, x, y):
    for W, b in params:
        x = np.tanh(x @ W + b)
    return np.mean((x - y) ** 2)


def recurrence(W, x, c):
    u = x
    for i in range(len(x)):
        v = W @ u
        u = np.sin(v) * x[i] * c + u
    return np.sum(u**2)


def piecewise(x, slopes, knots):
    total = 0.0
    for slope, knot in zip(slopes, knots):
        if x > knot:
            total += slope * (x - knot) ** 2
        else:
            total -= np.sin(slope) * x
    return total


def power(x, n):
    if n == 0:
        return 1.0
    return x * power(x, n - 1)


def sensitivities(w, scale=2.0):
    squares = [scale * v * v for v in w]
    return sum(squares) / len(squares)


def energy(u, c, steps):
    for _ in range(steps):
        u[1:-1] -= c * u[1:-1] * (u[2:] - u[:-2])
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


def gauss_jordan(A, b):
    for k in range(len(b)):
        for i in range(len(b)):
            if i != k:
                f = A[i, k] / A[k, k]
                A[i] -= f * A[k]
                b[i] -= f * b[k]
    return np.sum(b / np.diagonal(A))


def leapfrog(state, w, dt, steps):
    x, v = state["x"], state["v"]
    v -= 0.5 * dt * w * x
    for _ in range(steps):
        x += dt * v
        v -= dt * w * np.sin(x)
    return np.sum(x * v)


rng = np.random.RandomState(0)
PROGRAMS = {
    "straight_line": (
        loss,
        (
            np.array([0.3, -0.2]),
            np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.1]]),
            np.array([1.0, 0.0, 1.0]),
        ),
    ),
    "branches": (newton_sqrt, (7.0,)),
    "network": (
        network,
        (
            [(rng.randn(4, 3), rng.randn(3)), (rng.randn(3, 2), rng.randn(2))],
            rng.randn(10, 4),
            rng.randn(10, 2),
        ),
    ),
    "recurrence": (recurrence, (0.1 * rng.randn(12, 12), rng.randn(12), 0.5)),
    "piecewise": (piecewise, (1.5, rng.randn(5), np.linspace(0.1, 3.0, 5))),
    "recursion": (power, (1.1, 5)),
    "comprehension": (sensitivities, (rng.randn(6),)),
    "loop_in_place": (energy, (np.sin(np.arange(9.0)), 0.1, 4), (0, 1)),
    "rewind": (lu_sum, (np.array([[4.0, 1.0, 2.0], [1.0, 5.0, 0.5], [2.0, 0.3, 6.0]]),)),
    "rewind_branches": (gauss_jordan, (rng.randn(4, 4) + 4 * np.eye(4), rng.randn(4)), (0, 1)),
    "in_place_state": (leapfrog, ({"x": rng.randn(9), "v": rng.randn(9)}, 0.5, 0.1, 4)),
}
