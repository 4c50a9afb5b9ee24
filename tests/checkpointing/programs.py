"""Simulations, each as it is and with a checkpointed loop: (plain, checkpointed, arguments for T rounds)."""

import itertools

import numpy as np

from srcgrad import checkpoint, checkpointed


def heat(u, a, T):
    for _ in range(T):
        u[1:-1] += a * (u[2:] - 2 * u[1:-1] + u[:-2]) * u[1:-1]
    return np.sum(u**2)


def heat_kept(u, a, T, keep):
    for _ in checkpointed(range(T), keep=keep):
        u[1:-1] += a * (u[2:] - 2 * u[1:-1] + u[:-2]) * u[1:-1]
    return np.sum(u**2)


def leapfrog(q, p, T):
    energy = 0.0
    for t in range(T):
        p = p - 0.05 * np.sin(q) * (1 + t)
        q = q + 0.1 * p
        p = p - 0.05 * np.sin(q)
        energy += np.sum(p * p)
    return np.sum(q * p) + energy


def leapfrog_kept(q, p, T, keep):
    energy = 0.0
    for t in checkpointed(range(T), keep=keep):
        p = p - 0.05 * np.sin(q) * (1 + t)
        q = q + 0.1 * p
        p = p - 0.05 * np.sin(q)
        energy += np.sum(p * p)
    return np.sum(q * p) + energy


def rnn(W, xs):
    h = np.zeros(3)
    loss, outputs = 0.0, []
    for k, x in enumerate(xs):
        h = np.tanh(W @ h + x)
        outputs.append(h)
        if k % 2:
            loss += np.sum(h)
    for out in outputs:
        loss += np.sum(out**2)
    return loss


def rnn_kept(W, xs, keep):
    h = np.zeros(3)
    loss, outputs = 0.0, []
    for k, x in checkpointed(enumerate(xs), keep=keep):
        h = np.tanh(W @ h + x)
        outputs.append(h)
        if k % 2:
            loss += np.sum(h)
    for out in outputs:
        loss += np.sum(out**2)
    return loss


def burgers(u, nu, T):
    v = np.empty_like(u)
    for _ in range(T):
        for i in range(1, len(u) - 1):
            v[i] = u[i] - 0.1 * u[i] * (u[i] - u[i - 1]) + nu * (u[i + 1] - 2 * u[i] + u[i - 1])
        v[0] = u[-2]
        v[-1] = u[1]
        u, v = v, u
    return np.sum(u**2)


def burgers_kept(u, nu, T, keep):
    v = np.empty_like(u)
    for _ in checkpointed(range(T), keep=keep):
        for i in range(1, len(u) - 1):
            v[i] = u[i] - 0.1 * u[i] * (u[i] - u[i - 1]) + nu * (u[i + 1] - 2 * u[i] + u[i - 1])
        v[0] = u[-2]
        v[-1] = u[1]
        u, v = v, u
    return np.sum(u**2)


def nested(W, x, T):
    total = 0.0
    for k in range(3):
        h = x * (k + 1)
        for t in range(T):
            h = np.tanh(W @ h) + 0.01 * t
            for _ in range(2):
                h = h + 0.1 * np.sin(h)
        total += np.sum(h * h)
    return total


def nested_kept(W, x, T, keep):
    @checkpoint
    def more(h):
        return h + 0.1 * np.sin(h)

    total = 0.0
    for k in range(3):
        h = x * (k + 1)
        for t in checkpointed(range(T), keep=keep):
            h = np.tanh(W @ h) + 0.01 * t
            for _ in checkpointed(range(2), keep=keep):
                h = more(h)
        total += np.sum(h * h)
    return total


def containers(params, x, T):
    state = {"h": x, "c": [np.zeros(3), 1.0]}
    for _ in range(T):
        c = np.tanh(params["w"] @ state["h"]) + state["c"][0]
        state = {"h": np.sin(c), "c": [c, state["c"][1] * 1.1]}
    return np.sum(state["h"]) * state["c"][1]


def containers_kept(params, x, T, keep):
    state = {"h": x, "c": [np.zeros(3), 1.0]}
    for _ in checkpointed(range(T), keep=keep):
        c = np.tanh(params["w"] @ state["h"]) + state["c"][0]
        state = {"h": np.sin(c), "c": [c, state["c"][1] * 1.1]}
    return np.sum(state["h"]) * state["c"][1]


def unbound(x, T):
    for t in range(T):
        if t == 0:
            last = x * 1
        last[1:] *= np.sin(x[1:] + last[:-1])
        if t % 2 == 0:
            best = np.sin(last)
        if t > 0:
            x = x * best
    return np.sum(last) + np.sum(x)


def unbound_kept(x, T, keep):
    for t in checkpointed(range(T), keep=keep):
        if t == 0:
            last = x * 1
        last[1:] *= np.sin(x[1:] + last[:-1])
        if t % 2 == 0:
            best = np.sin(last)
        if t > 0:
            x = x * best
    return np.sum(last) + np.sum(x)


def growing(x, T):
    k, outs = 1, [x]
    for t in range(T):
        k = (k * 3) % 7
        outs.append(np.sin(outs[-1] * k) * outs[t // 2])
    return np.sum(outs[-1] * outs[1]) * k


def growing_kept(x, T, keep):
    k, outs = 1, [x]
    for t in checkpointed(range(T), keep=keep):
        k = (k * 3) % 7
        outs.append(np.sin(outs[-1] * k) * outs[t // 2])
    return np.sum(outs[-1] * outs[1]) * k


def views(x, T):
    a = np.stack([x, 2 * x])
    b = a[0]
    for t in range(T):
        if t % 3 == 1:
            continue
        n = 0
        while a[1, 0] < 2.0 and n < 3:
            b += np.sin(a[1])
            n += 1
        a[1, :2] *= b[1:]
    return np.sum(a**2)


def views_kept(x, T, keep):
    a = np.stack([x, 2 * x])
    b = a[0]
    for t in checkpointed(range(T), keep=keep):
        if t % 3 == 1:
            continue
        n = 0
        while a[1, 0] < 2.0 and n < 3:
            b += np.sin(a[1])
            n += 1
        a[1, :2] *= b[1:]
    return np.sum(a**2)


def until(a, limit):
    x = a
    for t in itertools.count():
        x = x + 0.1 * np.sin(x) * a
        if np.sum(x) + t > limit:
            break
    return np.sum(x * np.cos(x))


def until_kept(a, limit, keep):
    x = a
    for t in checkpointed(itertools.count(), keep=keep, online=True):
        x = x + 0.1 * np.sin(x) * a
        if np.sum(x) + t > limit:
            break
    return np.sum(x * np.cos(x))


def capped(a, T):
    x = a.copy()
    for t in range(T):
        if x[0] > 2.5:
            break
        x[1:] += 0.1 * np.sin(x[:-1]) * a[1:]
        x[0] *= 1.05 + 0.001 * t
    return np.sum(x * np.cos(x))


def capped_kept(a, T, keep):
    x = a.copy()
    for t in checkpointed(range(T), keep=keep, online=True):
        if x[0] > 2.5:
            break
        x[1:] += 0.1 * np.sin(x[:-1]) * a[1:]
        x[0] *= 1.05 + 0.001 * t
    return np.sum(x * np.cos(x))


def returning(a, T):
    x = a
    for t in range(T):
        x = x + 0.1 * np.sin(x) * a
        if np.sum(x) > 4.0:
            return np.sum(x) * t
    return np.sum(x * x)


def returning_kept(a, T, keep):
    x = a
    for t in checkpointed(range(T), keep=keep, online=True):
        x = x + 0.1 * np.sin(x) * a
        if np.sum(x) > 4.0:
            return np.sum(x) * t
    return np.sum(x * x)


rng = np.random.default_rng(0)
U, V, W3 = rng.normal(size=8) * 0.2, rng.normal(size=8), rng.normal(size=(3, 3))
A = np.array([0.3, 0.4, 0.5])

PROGRAMS = {
    "heat": (heat, heat_kept, lambda T: (U, 0.1, T), (0, 1)),
    "leapfrog": (leapfrog, leapfrog_kept, lambda T: (U, V, T), (0, 1)),
    "rnn": (rnn, rnn_kept, lambda T: (W3, np.sin(np.arange(3.0 * T)).reshape(T, 3)), (0, 1)),
    "burgers": (burgers, burgers_kept, lambda T: (U, 0.05, T), (0, 1)),
    "nested": (nested, nested_kept, lambda T: (W3, A, T), (0, 1)),
    "containers": (containers, containers_kept, lambda T: ({"w": W3}, A, T), (0, 1)),
    "unbound": (unbound, unbound_kept, lambda T: (A, T), (0,)),
    "growing": (growing, growing_kept, lambda T: (A, T), (0,)),
    "views": (views, views_kept, lambda T: (A, T), (0,)),
    "until": (until, until_kept, lambda T: (A, 1.0 + T), (0,)),
    "capped": (capped, capped_kept, lambda T: (A, T), (0,)),
    "returning": (returning, returning_kept, lambda T: (A, T), (0,)),
}
