"""Programs whose generated gradients are held word for word: each is `name: (function, args)`."""

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
}
