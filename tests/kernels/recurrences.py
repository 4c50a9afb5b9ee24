"""Recurrences that fill tables and signals: dynamic programming, filters, prices, network cells."""

import math

import numpy as np
from zoo.registry import sample

from kernels.registry import kernel


def soft_min(a, b, c, gamma):
    return -gamma * math.log(math.exp(-a / gamma) + math.exp(-b / gamma) + math.exp(-c / gamma))


@kernel(sample(6, 3), sample(5, 3, seed=1), 0.6, 0.5, steps=5, analytic=False)
def soft_edit_distance(x, y, gap, gamma):
    m, n = len(x), len(y)
    D = np.zeros((m + 1, n + 1))
    for i in range(1, m + 1):
        D[i, 0] = D[i - 1, 0] + gap
    for j in range(1, n + 1):
        D[0, j] = j * gap
    for i in range(1, m + 1):
        for j in range(1, n + 1):
            substitution = 0.0
            for k in range(x.shape[1]):
                substitution += (x[i - 1, k] - y[j - 1, k]) ** 2
            D[i, j] = soft_min(
                D[i - 1, j] + gap, D[i, j - 1] + gap, D[i - 1, j - 1] + substitution, gamma
            )
    return D[m, n]


@kernel(sample(6), sample(7, seed=1), 0.3, steps=6, analytic=False)
def soft_dtw(x, y, gamma):
    m, n = len(x), len(y)
    R = np.full((m + 1, n + 1), 1e8)
    R[0, 0] = 0
    for i in range(1, m + 1):
        for j in range(1, n + 1):
            d = (x[i - 1] - y[j - 1]) ** 2
            previous = np.array([R[i - 1, j - 1], R[i - 1, j], R[i, j - 1]])
            best = previous.min()
            soft = best - gamma * np.log(np.sum(np.exp((best - previous) / gamma)))
            R[i, j] = d + soft
    return R[1:, 1:]


@kernel(sample(6), sample(7, seed=1), steps=6, analytic=False)
def dtw(x, y):
    """The hard minimum: a path that does not change near these numbers."""
    m, n = len(x), len(y)
    cost = [[0.0] * n for _ in range(m)]
    for i in range(m):
        for j in range(n):
            cost[i][j] = abs(x[i] - y[j])
            if i > 0 and j > 0:
                cost[i][j] += min(cost[i - 1][j], cost[i][j - 1], cost[i - 1][j - 1])
            elif i > 0:
                cost[i][j] += cost[i - 1][j]
            elif j > 0:
                cost[i][j] += cost[i][j - 1]
    return cost[m - 1][n - 1]


@kernel(0.3 * sample(5), np.array([1.0, -0.4, 0.2]), sample(15), steps=15, analytic=True)
def iir_filter(b, a, x):
    """Direct form I, term by term."""
    y = np.zeros_like(x)
    for n in range(len(x)):
        for k in range(min(n + 1, len(b))):
            y[n] += b[k] * x[n - k]
        for k in range(1, min(n + 1, len(a))):
            y[n] -= a[k] * y[n - k]
        y[n] /= a[0]
    return y


@kernel(
    0.3 * sample(3, 3), 0.2 * sample(3, 2, seed=1), sample(12, seed=2), steps=12, analytic=False
)
def biquad_cascade(b, a, x):
    """Transposed direct form II; each section filters the signal in place."""
    y = x.copy()
    for section in range(len(b)):
        z = np.zeros(2)
        for n in range(len(y)):
            out = b[section, 0] * y[n] + z[0]
            z[0] = b[section, 1] * y[n] - a[section, 0] * out + z[1]
            z[1] = b[section, 2] * y[n] - a[section, 1] * out
            y[n] = out
    return y


@kernel(sample(4, 9), 0.25, steps=8, analytic=True)
def recursive_filter_2d(image, alpha):
    """Forward along the rows, then back."""
    h, w = image.shape
    for x in range(1, w):
        image[:, x] += alpha * (image[:, x - 1] - image[:, x])
    for x in range(w - 2, -1, -1):
        image[:, x] += alpha * (image[:, x + 1] - image[:, x])
    return image


@kernel(10 + sample(14), 0.4, 0.2, 0.3, 4, steps=10, analytic=False)
def holt_winters(y, alpha, beta, gamma, period):
    n = len(y)
    level = np.zeros(n)
    trend = np.zeros(n)
    season = np.zeros(n + period)
    season[:period] = y[:period] - np.mean(y[:period])
    level[period - 1] = np.mean(y[:period])
    for t in range(period, n):
        level[t] = alpha * (y[t] - season[t - period]) + (1 - alpha) * (level[t - 1] + trend[t - 1])
        trend[t] = beta * (level[t] - level[t - 1]) + (1 - beta) * trend[t - 1]
        season[t] = gamma * (y[t] - level[t]) + (1 - gamma) * season[t - period]
    return level[-1] + trend[-1] * np.arange(1, period + 1), season[n - period : n]


@kernel(0.1 * sample(12), 0.01, 0.1, 0.8, steps=11, analytic=False)
def garch(returns, omega, alpha, beta):
    T = len(returns)
    sigma2 = np.empty(T)
    sigma2[0] = np.var(returns)
    for t in range(1, T):
        sigma2[t] = omega + alpha * returns[t - 1] ** 2 + beta * sigma2[t - 1]
    return 0.5 * np.sum(np.log(sigma2) + returns**2 / sigma2), sigma2


@kernel(100.0, 105.0, 0.05, 0.3, 1.0, 8, steps=8, analytic=False)
def american_put(spot, strike, rate, volatility, maturity, n):
    dt = maturity / n
    up = np.exp(volatility * np.sqrt(dt))
    down = 1 / up
    p = (np.exp(rate * dt) - down) / (up - down)
    discount = np.exp(-rate * dt)
    prices = np.zeros(n + 1)
    prices[0] = spot * down**n
    for i in range(1, n + 1):
        prices[i] = prices[i - 1] * up / down
    values = np.maximum(strike - prices, 0)
    for step in range(n - 1, -1, -1):
        for i in range(step + 1):
            values[i] = discount * (p * values[i + 1] + (1 - p) * values[i])
            prices[i] = prices[i + 1] * down
            values[i] = max(values[i], strike - prices[i])
    return values[0]


@kernel(sample(9), 0.7, steps=9, analytic=True)
def generalised_advantage(rewards, discount):
    returns = np.zeros_like(rewards)
    running = 0.0
    for t in reversed(range(len(rewards))):
        running = rewards[t] + discount * running
        returns[t] = running
    returns -= returns.mean()
    returns /= np.sqrt(np.mean(returns**2))
    return returns


@kernel(
    sample(6, 3),
    0.5 * sample(4, 3, seed=1),
    0.5 * sample(4, 4, seed=2),
    sample(4, seed=3),
    sample(4, seed=4),
    steps=6,
    analytic=False,
)
def rnn(xs, Wx, Wh, b, h0):
    T = len(xs)
    hs = np.zeros((T + 1, len(h0)))
    hs[0] = h0
    for t in range(T):
        hs[t + 1] = np.tanh(Wx @ xs[t] + Wh @ hs[t] + b)
    return hs[1:]


@kernel(sample(5, 3), 0.5 * sample(16, 7, seed=1), sample(16, seed=2), steps=5, analytic=True)
def lstm(xs, W, b):
    n = W.shape[0] // 4
    h = np.zeros_like(b[:n])
    c = np.zeros_like(b[:n])
    z = np.zeros_like(W[0])
    outputs = np.empty_like(W, shape=(len(xs), n))
    for t, x in enumerate(xs):
        z[: len(x)] = x
        z[len(x) :] = h
        gates = W @ z + b
        gates[: 3 * n] = 1 / (1 + np.exp(-gates[: 3 * n]))
        gates[3 * n :] = np.tanh(gates[3 * n :])
        i, f, o, g = gates[:n], gates[n : 2 * n], gates[2 * n : 3 * n], gates[3 * n :]
        c *= f
        c += i * g
        h = o * np.tanh(c)
        outputs[t] = h
    return outputs, c


@kernel(sample(7), 0.6, steps=6, analytic=True)
def clenshaw(coefficients, x):
    """A Chebyshev series and all the polynomials in it."""
    n = len(coefficients)
    b = np.zeros_like(coefficients, shape=n + 2)
    T = np.ones_like(coefficients)
    T[1] = x
    for k in range(2, n):
        T[k] = 2 * x * T[k - 1] - T[k - 2]
    for k in range(n - 1, 0, -1):
        b[k] = coefficients[k] + 2 * x * b[k + 1] - b[k + 2]
    return coefficients[0] + x * b[1] - b[2], T


@kernel(sample(6), sample(6, seed=1), 0.35, steps=5, analytic=True)
def divided_differences(x, y, at):
    """Newton's interpolation: the table in place, then Horner."""
    n = len(x)
    for j in range(1, n):
        for i in range(n - 1, j - 1, -1):
            y[i] = (y[i] - y[i - 1]) / (x[i] - x[i - j])
    value = y[n - 1]
    for i in range(n - 2, -1, -1):
        value = value * (at - x[i]) + y[i]
    return value, y


@kernel(sample(6, 2), 0.37, steps=5, analytic=True)
def de_casteljau(points, t):
    q = points.copy()
    n = len(q)
    for level in range(1, n):
        for i in range(n - level):
            q[i] = (1 - t) * q[i] + t * q[i + 1]
    return q
