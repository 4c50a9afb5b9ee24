"""Probabilities carried along sequences: hidden states, Kalman and particle filters, transport."""

import numpy as np
from zoo.registry import sample

from kernels.registry import kernel


def logsumexp(x):
    m = np.max(x)
    return m + np.log(np.sum(np.exp(x - m)))


@kernel(sample(3), sample(3, 3, seed=1), sample(6, 3, seed=2), steps=5, analytic=False)
def viterbi_logsumexp(start, transition, emission):
    T, S = emission.shape
    score = np.zeros((T, S))
    score[0] = start + emission[0]
    for t in range(1, T):
        for s in range(S):
            score[t, s] = logsumexp(score[t - 1] + transition[:, s]) + emission[t, s]
    return logsumexp(score[-1]), score


@kernel(sample(3), sample(3, 3, seed=1), sample(6, 3, seed=2), steps=5, analytic=False)
def viterbi(start, transition, emission):
    """The best path's score, and where the table of arguments leads."""
    T, S = emission.shape
    delta = np.empty((T, S))
    back = np.zeros((T, S), dtype=int)
    delta[0] = start + emission[0]
    for t in range(1, T):
        for s in range(S):
            candidates = delta[t - 1] + transition[:, s]
            back[t, s] = np.argmax(candidates)
            delta[t, s] = candidates[back[t, s]] + emission[t, s]
    path = np.zeros(T, dtype=int)
    path[-1] = np.argmax(delta[-1])
    for t in range(T - 2, -1, -1):
        path[t] = back[t + 1, path[t + 1]]
    total = start[path[0]]
    for t in range(T):
        total += emission[t, path[t]] ** 2
    return delta[-1].max(), total


@kernel(sample(7, 4), np.array([1, 3, 3, 2]), steps=6, analytic=False)
def ctc(logits, labels):
    """Minus the log-probability of the labels, over all alignments with blanks (class 0)."""
    T = len(logits)
    log_probs = logits.copy()
    for t in range(T):
        log_probs[t] -= logsumexp(log_probs[t])
    L = 2 * len(labels) + 1
    extended = np.zeros(L, dtype=int)
    extended[1::2] = labels
    alpha = np.full((T, L), -1e3)
    alpha[0, 0] = log_probs[0, 0]
    alpha[0, 1] = log_probs[0, extended[1]]
    for t in range(1, T):
        for s in range(L):
            a = alpha[t - 1, s]
            if s > 0:
                a = np.logaddexp(a, alpha[t - 1, s - 1])
            if s > 1 and extended[s] != 0 and extended[s] != extended[s - 2]:
                a = np.logaddexp(a, alpha[t - 1, s - 2])
            alpha[t, s] = a + log_probs[t, extended[s]]
    return -np.logaddexp(alpha[T - 1, L - 1], alpha[T - 1, L - 2])


@kernel(
    sample(3) ** 2,
    0.1 + sample(3, 3, seed=1) ** 2,
    0.1 + sample(3, 4, seed=2) ** 2,
    np.array([0, 2, 1, 3, 3, 0]),
    steps=5,
    analytic=True,
)
def hmm_forward(pi, A, B, observations):
    """Scaled, so that long sequences do not underflow."""
    pi /= pi.sum()
    for i in range(len(A)):
        A[i] /= A[i].sum()
        B[i] /= B[i].sum()
    T = len(observations)
    alpha = np.zeros_like(A, shape=(T, len(pi)))
    scale = np.zeros_like(A, shape=T)
    alpha[0] = pi * B[:, observations[0]]
    scale[0] = alpha[0].sum()
    alpha[0] /= scale[0]
    for t in range(1, T):
        for j in range(len(pi)):
            alpha[t, j] = (alpha[t - 1] @ A[:, j]) * B[j, observations[t]]
        scale[t] = np.sum(alpha[t])
        alpha[t] /= scale[t]
    return np.sum(np.log(scale)), alpha


@kernel(
    np.array([[1.0, 0.1], [-0.2, 0.9]]), np.array([[1.0, 0.3]]),
    0.1 * np.eye(2), np.array([[0.2]]), sample(6, 1), sample(2, seed=1),
    steps=6, analytic=False,
)  # fmt: skip
def kalman_filter(F, H, Q, R, zs, x):
    P = np.eye(len(x))
    loglik = 0.0
    means = np.zeros((len(zs), len(x)))
    for t in range(len(zs)):
        x = F @ x
        P = F @ P @ F.T + Q
        y = zs[t] - H @ x
        S = H @ P @ H.T + R
        K = P @ H.T @ np.linalg.inv(S)
        x += K @ y
        P -= K @ H @ P
        loglik -= 0.5 * (y @ np.linalg.solve(S, y) + np.log(np.linalg.det(2 * np.pi * S)))
        means[t] = x
    return loglik, means, P


@kernel(0.8, 0.2, 0.5, sample(5), sample(5, 8, seed=1), sample(8, seed=2), steps=5, analytic=False)
def particle_weights(a, q, r, observations, noise, particles):
    """A bank of weighted particles, never resampled."""
    n = len(particles)
    weights = np.ones(n) / n
    means = np.zeros(len(observations))
    for t, z in enumerate(observations):
        particles *= a
        particles += np.sqrt(q) * noise[t]
        for i in range(n):
            weights[i] *= np.exp(-0.5 * (z - particles[i]) ** 2 / r) / np.sqrt(2 * np.pi * r)
        weights /= weights.sum()
        means[t] = weights @ particles
    return means, weights, 1.0 / np.sum(weights**2)


@kernel(
    sample(4, 5) ** 2,
    0.2 + sample(4, seed=1) ** 2,
    0.2 + sample(5, seed=2) ** 2,
    0.5,
    7,
    steps=7,
    analytic=True,
)
def sinkhorn(cost, a, b, reg, iterations):
    a /= a.sum()
    b /= b.sum()
    K = np.exp(-cost / reg)
    u = np.ones_like(a)
    v = np.ones_like(b)
    for _ in range(iterations):
        u[:] = a / (K @ v)
        v[:] = b / (K.T @ u)
    K *= u[:, None]
    K *= v
    return K, np.sum(K * cost)


@kernel(sample(6, 2), np.array([[-1.0, 0.0], [1.0, 0.5]]), 5, steps=5, analytic=True)
def soft_k_means(points, centers, iterations):
    k = len(centers)
    resp = np.zeros_like(points, shape=(len(points), k))
    for _ in range(iterations):
        for i in range(len(points)):
            for c in range(k):
                resp[i, c] = np.exp(-np.sum((points[i] - centers[c]) ** 2))
            resp[i] /= np.sum(resp[i])
        centers.fill(0)
        for c in range(k):
            for i in range(len(points)):
                centers[c] += resp[i, c] * points[i]
            centers[c] /= resp[:, c].sum()
    return centers, resp


@kernel(
    sample(8),
    sample(3, seed=1),
    0.5 + sample(3, seed=2) ** 2,
    sample(3, seed=3) ** 2,
    5,
    steps=5,
    analytic=False,
)
def mixture_em(x, mu, sigma, pi, iterations):
    history = []
    for _ in range(iterations):
        p = np.zeros((len(x), len(mu)))
        for k in range(len(mu)):
            p[:, k] = pi[k] / sigma[k] * np.exp(-((x - mu[k]) ** 2) / (2 * sigma[k] ** 2))
        total = p.sum(axis=1, keepdims=True)
        history.append(np.sum(np.log(total)))
        p /= total
        weight = p.sum(axis=0)
        mu[:] = p.T @ x / weight
        for k in range(len(mu)):
            sigma[k] = np.sqrt(p[:, k] @ (x - mu[k]) ** 2 / weight[k] + 0.1)
        pi[:] = weight / len(x)
    return mu, sigma, pi, np.array(history)


@kernel(np.array([4.0, 0.5]), 0.9, 0.2, 0.3 * sample(6), sample(6, seed=1), steps=6, analytic=True)
def stochastic_volatility(state, phi, dt, noise, shocks):
    """Euler's path of price and log-variance; the state keeps the last."""
    path = np.zeros_like(noise, shape=(len(noise), 2))
    for t in range(len(noise)):
        vol = np.exp(state[1] / 2)
        state[0] *= np.exp(-0.5 * vol**2 * dt + vol * np.sqrt(dt) * shocks[t])
        state[1] = phi * state[1] + noise[t]
        path[t] = state
    return path
