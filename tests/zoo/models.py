"""Models: losses, filters, solvers and simulations the way they are written in practice."""

import math

import numpy as np

from zoo.registry import program, sample

TARGETS = np.eye(3)[[0, 2, 1, 0]]


def logsumexp(x, axis=-1):
    m = np.max(x, axis=axis, keepdims=True)
    return np.squeeze(m, axis=axis) + np.log(np.sum(np.exp(x - m), axis=axis))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@program(
    sample(3),
    0.1,
    sample(6, 3, seed=1),
    np.array([1.0, -1, 1, 1, -1, -1]),
    argnums=(0, 1),
    tags=("op_matmul", "numpy"),
)
def ridge_logistic_regression(w, b, X, y):
    margin = y * (X @ w + b)
    return np.mean(np.logaddexp(0, -margin)) + 0.05 * np.dot(w, w)


@program(sample(5, 3), tags=("call", "global_array"))
def softmax_cross_entropy(W):
    X = np.linspace(-1, 1, 20).reshape(4, 5)
    logits = X @ W
    return -np.mean(np.sum(TARGETS * logits, axis=1) - logsumexp(logits))


@program(sample(4, 3), np.array([0, 2, 1, 0]), tags=("numpy", "indexing"))
def cross_entropy_by_index(logits, labels):
    log_p = logits - logsumexp(logits, axis=1)[:, None]
    return -log_p[np.arange(len(labels)), labels].mean()


@program(
    [
        (sample(2, 4) / 2, sample(4, seed=1)),
        (sample(4, 4), sample(4, seed=2)),
        (sample(4, 1), sample(1)),
    ],
    sample(6, 2, seed=3),
    sample(6, seed=4),
    argnums=(0,),
    tags=("for_list", "enumerate", "nested_loop_targets"),
)
def mlp_loss(params, X, y):
    h = X
    for i, (W, b) in enumerate(params):
        h = h @ W + b
        if i < len(params) - 1:
            h = np.tanh(h)
    penalty = sum(np.sum(W**2) for W, _ in params)
    return np.mean((h[:, 0] - y) ** 2) + 1e-3 * penalty


@program(
    sample(2),
    sample(2, 2, seed=1),
    sample(2, seed=2),
    sample(5, 2, seed=3),
    argnums=(0, 1, 2),
    tags=("call", "broadcasting"),
)
def gaussian_mixture(log_weights, means, log_scales, X):
    log_weights = log_weights - logsumexp(log_weights)
    z = (X[:, None, :] - means[None]) / np.exp(log_scales)[:, None]
    log_density = -0.5 * np.sum(z**2, axis=-1) - 2 * log_scales - np.log(2 * np.pi)
    return -np.mean(logsumexp(log_weights + log_density, axis=1))


@program(sample(3, 4), sample(5, 4, seed=1), sample(5, 2, seed=2), tags=("call", "numpy"))
def attention(Q, K, V):
    weights = softmax(Q @ K.T / np.sqrt(K.shape[-1]))
    return np.sum((weights @ V) ** 2)


@program(
    sample(2, 3, 4),
    sample(4, 4, seed=1),
    sample(4, 4, seed=2),
    sample(4, 4, seed=3),
    tags=("nested_function", "einsum"),
)
def multi_head_attention(x, Wq, Wk, Wv):
    def heads(z):
        return z.reshape(2, 3, 2, 2).transpose(0, 2, 1, 3)

    q, k, v = heads(x @ Wq), heads(x @ Wk), heads(x @ Wv)
    scores = softmax(np.einsum("bhid,bhjd->bhij", q, k) / math.sqrt(2))
    mixed = (scores @ v).transpose(0, 2, 1, 3).reshape(2, 3, 4)
    return np.mean(mixed**2)


@program(sample(6), sample(6, seed=1), sample(6, seed=2), tags=("numpy",))
def layer_norm(x, gain, bias):
    mean = np.mean(x)
    var = np.mean((x - mean) ** 2)
    y = gain * (x - mean) / np.sqrt(var + 1e-5) + bias
    return np.sum(y**3)


@program(1.0, 0.5, 2.0, tags=("nested_function", "tuple_state", "for_range1"))
def rk4_pendulum(theta, omega, length):
    def rhs(state):
        angle, speed = state
        return speed, -9.81 / length * math.sin(angle)

    def shifted(state, slope, h):
        return tuple(s + h * k for s, k in zip(state, slope))

    state, h = (theta, omega), 0.05
    for _ in range(5):
        k1 = rhs(state)
        k2 = rhs(shifted(state, k1, h / 2))
        k3 = rhs(shifted(state, k2, h / 2))
        k4 = rhs(shifted(state, k3, h))
        slope = tuple((a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(k1, k2, k3, k4))
        state = shifted(state, slope, h)
    return state[0] ** 2 + state[1]


@program(np.array([1.0, 0.0]), np.array([0.0, 0.9]), tags=("for_range1", "assign_tuple"))
def leapfrog_orbit(q, p):
    h = 0.1
    for _ in range(8):
        p = p - 0.5 * h * q / np.sum(q**2) ** 1.5
        q, old = q + h * p, q
        p = p - 0.5 * h * q / np.sum(q**2) ** 1.5
    return np.sum(p**2) / 2 - 1 / np.sqrt(np.sum(q**2)) + old @ q


@program(np.array([8.0, 1.0, 1.0]), 10.0, 28.0, 8 / 3, tags=("array_of_numbers", "for_range1"))
def lorenz(state, sigma, rho, beta):
    for _ in range(6):
        x, y, z = state
        slope = np.array([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])
        state = state + 0.01 * slope
    return np.sum(state**2)


@program(0.5, 0.3, np.array([0.9, 1.4, 0.2, 1.1]), tags=("for_array", "assign_tuple"))
def kalman_scan(process, noise, observations):
    mean, var = 0.0, 1.0
    loglik = 0.0
    for y in observations:
        var = var + process
        s = var + noise
        gain = var / s
        error = y - mean
        loglik -= 0.5 * (math.log(2 * math.pi * s) + error**2 / s)
        mean, var = mean + gain * error, (1 - gain) * var
    return -loglik


@program(
    np.array([[0.8, 0.2], [0.3, 0.7]]),
    np.array([[0.6, 0.3, 0.1], [0.1, 0.4, 0.5]]),
    [0, 2, 1, 1],
    tags=("for_list", "rebound_type"),
)
def hidden_markov_likelihood(transition, emission, observed):
    alpha = 0.5 * emission[:, observed[0]]
    loglik = 0.0
    for symbol in observed[1:]:
        alpha = (alpha @ transition) * emission[:, symbol]
        scale = alpha.sum()
        alpha = alpha / scale
        loglik += np.log(scale)
    return loglik


@program(sample(4, 4), sample(4, seed=1), tags=("for_range1",))
def power_iteration(A, v):
    S = A @ A.T + np.diag(np.arange(4.0))
    for _ in range(6):
        v = S @ v
        v = v / np.linalg.norm(v)
    return v @ S @ v


@program(np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0]), tags=("while", "tolerance"))
def conjugate_gradient(A, b):
    S = A.T @ A + np.eye(2)
    x = np.zeros_like(b)
    r = b
    p = r
    rs = r @ r
    while rs > 1e-12:
        Sp = S @ p
        alpha = rs / (p @ Sp)
        x = x + alpha * p
        r = r - alpha * Sp
        rs_new = r @ r
        p = r + rs_new / rs * p
        rs = rs_new
    return np.sum(x**3)


@program(np.array([[4.0, 1.0], [2.0, 5.0]]), np.array([1.0, 2.0]), tags=("for_range1", "tolerance"))
def jacobi_solver(A, b):
    d = np.diag(A)
    R = A - np.diag(d)
    x = np.zeros(2)
    for _ in range(200):
        new = (b - R @ x) / d
        done = np.max(np.abs(new - x)) < 1e-13
        x = new
        if done:
            break
    return x @ x


@program(0.9, 0.1, tags=("for_range1", "tolerance", "early_return", "return_in_loop"))
def kepler_equation(mean_anomaly, eccentricity):
    E = mean_anomaly
    for _ in range(50):
        f = E - eccentricity * math.sin(E) - mean_anomaly
        step = f / (1 - eccentricity * math.cos(E))
        E = E - step
        if abs(step) < 1e-14:
            return math.cos(E) - eccentricity
    return 0.0


@program(sample(2), sample(5, 2, seed=1), sample(5, seed=2), 0.1, tags=("for_range1",))
def gradient_descent_inside(w, X, y, rate):
    for _ in range(5):
        gradient = 2 * X.T @ (X @ w - y) / len(y)
        w = w - rate * gradient
    return np.mean((X @ w - y) ** 2)


@program(np.array([0.5, 2.0]), 0.2, 0.9, tags=("for_range2", "loop_index_scales", "assign_tuple"))
def adam_steps(x, rate, beta):
    m, v = np.zeros(2), np.zeros(2)
    for t in range(1, 5):
        g = np.array([4.0, 0.5]) * x + x**3
        m, v = beta * m + (1 - beta) * g, 0.99 * v + 0.01 * g**2
        x = x - rate * (m / (1 - beta**t)) / (np.sqrt(v / (1 - 0.99**t)) + 1e-8)
    return np.sum(x**2)


@program(
    sample(3, 3) / 2,
    sample(3, 2, seed=1),
    sample(3, seed=2),
    sample(5, 2, seed=3),
    tags=("for_rows", "rebound_type"),
)
def recurrent_network(W, U, h, inputs):
    outputs = 0.0
    for x in inputs:
        h = np.tanh(W @ h + U @ x)
        outputs = outputs + h[0] * h[1]
    return outputs + h.sum()


@program(
    {
        "f": sample(2, 4),
        "i": sample(2, 4, seed=1),
        "o": sample(2, 4, seed=2),
        "c": sample(2, 4, seed=3),
    },
    sample(3, 2, seed=4),
    tags=("for_rows", "nested_function", "nested_args"),
)
def lstm(weights, inputs):
    def gate(name, z):
        return 1 / (1 + np.exp(-weights[name] @ z))

    h, c = np.zeros(2), np.zeros(2)
    for x in inputs:
        z = np.concatenate([h, x])
        c = gate("f", z) * c + gate("i", z) * np.tanh(weights["c"] @ z)
        h = gate("o", z) * np.tanh(c)
    return h @ c + np.sum(h)


@program(sample(2, 5, 5), sample(3, 2, 2, 2, seed=1), tags=("nested_comp", "einsum"))
def conv2d_by_stacking(image, kernels):
    patches = np.stack(
        [image[:, i : i + 4, j : j + 4] for i in range(2) for j in range(2)], axis=1
    ).reshape(2, 2, 2, 4, 4)
    out = np.einsum("oikl,iklxy->oxy", kernels, patches)
    pooled = out.reshape(3, 2, 2, 2, 2).max(axis=(2, 4))
    return np.sum(np.maximum(pooled, 0.1 * pooled) ** 2)


@program(np.array([0.2, 0.5, 0.3]), np.array([0.4, 0.4, 0.2]), tags=("numpy",))
def divergences(p, q):
    m = (p + q) / 2
    kl = lambda a, b: np.sum(a * np.log(a / b))
    return 0.5 * (kl(p, m) + kl(q, m)) - np.sum(p * np.log(p))


@program(0.7, 1.3, np.array([0.3, 0.8, 1.9, 2.5]), tags=("math", "generator"))
def gamma_likelihood(shape, rate, data):
    n = len(data)
    fixed = n * (shape * math.log(rate) - math.lgamma(shape))
    return -fixed - sum((shape - 1) * math.log(x) - rate * x for x in data)


@program(sample(4, 2), 0.7, 0.1, tags=("numpy", "broadcasting"))
def kernel_ridge_energy(X, width, noise):
    squared = np.sum((X[:, None] - X[None]) ** 2, axis=-1)
    K = np.exp(-squared / (2 * width**2)) + noise * np.eye(len(X))
    alpha = np.ones(4)
    for _ in range(4):
        alpha = alpha - 0.2 * (K @ alpha - X[:, 0])
    return alpha @ K @ alpha


@program(sample(5, 2), sample(4, 2, seed=1), tags=("for_range1", "numpy"))
def sinkhorn(X, Y):
    cost = np.sum((X[:, None] - Y[None]) ** 2, axis=-1)
    K = np.exp(-cost)
    v = np.ones(4)
    for _ in range(5):
        u = 0.2 / (K @ v)
        v = 0.25 / (K.T @ u)
    return np.sum(u[:, None] * K * v * cost)


@program(sample(6, 3), tags=("numpy", "for_range1"))
def lennard_jones(positions):
    spread = 2.0 * positions + np.arange(18.0).reshape(6, 3)
    energy = 0.0
    for i in range(len(spread) - 1):
        r2 = np.sum((spread[i + 1 :] - spread[i]) ** 2, axis=1)
        s6 = (4.0 / r2) ** 3
        energy += np.sum(4 * (s6**2 - s6))
    return energy


@program(np.array([0.0, 1.0, 0.5, -0.3]), 0.2, tags=("for_range1", "numpy"))
def heat_equation(u, c):
    for _ in range(5):
        u = u + c * (np.roll(u, 1) - 2 * u + np.roll(u, -1))
    return np.sum(u**2)


@program(np.array([1.0, 0.3, -0.2]), np.array([0.5, 0.2]), tags=("for_range2", "list_concat"))
def autoregressive(start, phi):
    series = [start[0], start[1]]
    for t in range(2, 6):
        series = series + [phi[0] * series[t - 1] + phi[1] * series[t - 2] + start[2]]
    return sum(s**2 for s in series)


@program(
    100.0, 0.2, 0.03, 3, tags=("for_range3", "for_variable_bounds", "list_comp", "list_rebound")
)
def binomial_option(spot, sigma, rate, steps):
    dt = 1.0 / steps
    up = math.exp(sigma * math.sqrt(dt))
    p = (math.exp(rate * dt) - 1 / up) / (up - 1 / up)
    values = [max(spot * up ** (2 * k - steps) - 95.0, 0.0) for k in range(steps + 1)]
    for n in range(steps, 0, -1):
        values = [
            math.exp(-rate * dt) * (p * values[k + 1] + (1 - p) * values[k]) for k in range(n)
        ]
    return values[0]
