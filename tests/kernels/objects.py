"""State in dicts, lists, classes and dataclasses that loops write to."""

from dataclasses import dataclass

import numpy as np
from zoo.registry import sample

from kernels.registry import kernel


class Membrane:
    def __init__(self, u, v, c):
        self.u = u
        self.v = v
        self.c = c
        self.steps = 0

    def accelerate(self, dt):
        for i in range(1, len(self.u) - 1):
            self.v[i] += dt * self.c**2 * (self.u[i + 1] - 2 * self.u[i] + self.u[i - 1])

    def step(self, dt):
        self.accelerate(dt)
        self.u[1:-1] += dt * self.v[1:-1]
        self.steps += 1


@kernel(sample(9), sample(9, seed=1), 1.3, 0.1, 6, steps=6, analytic=True)
def wave_object(u, v, c, dt, steps):
    membrane = Membrane(u, v, c)
    while membrane.steps < steps:
        membrane.step(dt)
    return membrane.u, membrane.v


@dataclass
class Plant:
    level: np.ndarray
    integral: float = 0.0
    last: float = 0.0


@kernel(sample(3), np.array([0.8, 0.2, 0.1]), 1.5, 0.1, 8, steps=8, analytic=True)
def pid_control(level, gains, target, dt, steps):
    plant = Plant(level)
    kp, ki, kd = gains
    for _ in range(steps):
        error = target - plant.level[-1]
        plant.integral += error * dt
        drive = kp * error + ki * plant.integral + kd * (error - plant.last) / dt
        plant.last = error
        plant.level[0] += dt * drive
        for i in range(1, len(plant.level)):
            plant.level[i] += dt * (plant.level[i - 1] - plant.level[i])
    return plant.level, plant.integral


@kernel(sample(8), sample(8, seed=1), 0.5, 6, steps=6, analytic=True)
def telegraph(voltage, current, lam, steps):
    state = {"v": voltage, "i": current, "t": 0}
    for _ in range(steps):
        state["i"][:-1] -= lam * (state["v"][1:] - state["v"][:-1])
        state["v"][1:-1] += -lam * (state["i"][1:-1] - state["i"][:-2])
        state["v"][0] *= 0.9
        state["t"] += 1
    return state["v"], state["i"] / state["t"]


@kernel(
    sample(5),
    [0.6 * sample(5, 5, seed=k) for k in range(5)],
    sample(5, seed=9),
    steps=5,
    analytic=True,
)
def residual_network(x, weights, bias):
    layers = [x]
    for W in weights:
        h = np.tanh(W @ layers[-1] + bias)
        layers.append(h)
        layers[-1] += 0.5 * layers[-2]
    out = np.zeros_like(x)
    for k, h in enumerate(layers):
        out += h / (k + 1)
    return out, layers[2]


@kernel(
    {"w": sample(3), "b": 0.3}, sample(7, 3, seed=1), sample(7, seed=2), 0.1, 6, steps=6, analytic=True
)  # fmt: skip
def adam(params, X, y, lr, steps):
    """Adam on a linear model, written in place over a dict of parameters."""
    params["b"] = params["b"] * np.ones_like(y[:1])
    m = {k: np.zeros_like(p) for k, p in params.items()}
    v = {k: np.zeros_like(p) for k, p in params.items()}
    for t in range(1, steps + 1):
        r = X @ params["w"] + params["b"] - y
        grads = {"w": X.T @ r / len(y), "b": np.sum(r, keepdims=True) / len(y)}
        for k in params:
            m[k] *= 0.9
            m[k] += 0.1 * grads[k]
            v[k] *= 0.99
            v[k] += 0.01 * grads[k] ** 2
            m_hat = m[k] / (1 - 0.9**t)
            v_hat = v[k] / (1 - 0.99**t)
            params[k] -= lr * m_hat / (np.sqrt(v_hat) + 1e-3)
    return params["w"], params["b"]


@kernel(
    [sample(4, 3), sample(4, seed=1), sample(4, seed=2)],
    sample(6, 3, seed=3),
    sample(6, seed=4),
    0.05,
    0.8,
    5,
    steps=5,
    analytic=True,
)
def momentum(params, X, y, lr, mu, epochs):
    """A network of one hidden layer, its gradients by hand, its velocities in a list."""
    velocity = [np.zeros_like(p) for p in params]
    losses = np.zeros_like(y, shape=epochs)
    for epoch in range(epochs):
        W, b, a = params
        grads = [np.zeros_like(p) for p in params]
        for x, target in zip(X, y):
            h = np.tanh(W @ x + b)
            e = a @ h - target
            losses[epoch] += 0.5 * e * e
            back = e * a * (1 - h * h)
            grads[0] += np.outer(back, x)
            grads[1] += back
            grads[2] += e * h
        for i in range(len(params)):
            velocity[i] *= mu
            velocity[i] -= lr * grads[i]
            params[i] += velocity[i]
    return params[0], params[1], params[2], losses


@kernel(
    sample(4, 2),
    sample(5, 2, seed=1),
    0.3,
    steps=5,
    analytic=False,
    refused="keys of this dict|which key is meant",
)
def neighbour_lists(points, moves, radius):
    """Who is near whom, in lists of a dict; each move pushes the neighbours that it found."""
    near = {}
    for i in range(len(points)):
        for j in range(len(points)):
            if i != j and abs(points[i, 0] - points[j, 0]) < 1.5:
                near.setdefault(i, []).append(j)
    for move in moves:
        for i in near:
            for j in near[i]:
                points[j] += radius * 0.1 * (points[i] - points[j]) * move
    return points


@kernel(sample(9), 3, steps=7, analytic=True)
def moving_products(x, width):
    """A window as a list, the oldest entry popped from its front."""
    window = []
    out = []
    for value in x:
        window.append(value)
        if len(window) > width:
            window.pop(0)
        product = 1.0
        for w in window:
            product *= w
        out.append(product)
    return np.array(out)


class Graph:
    """Nodes with edges to those before them; potentials relax along the edges."""

    def __init__(self, potentials):
        self.potentials = potentials
        self.edges = []

    def connect(self, i, j, weight):
        self.edges.append({"from": i, "to": j, "weight": weight})

    def relax(self, rate):
        for edge in self.edges:
            i, j = edge["from"], edge["to"]
            flow = rate * edge["weight"] * (self.potentials[i] - self.potentials[j])
            self.potentials[i] -= flow
            self.potentials[j] += flow
            edge["weight"] *= 0.95


@kernel(sample(5), np.abs(sample(6, seed=1)), 0.2, 5, steps=5, analytic=True)
def graph_relaxation(potentials, weights, rate, rounds):
    graph = Graph(potentials)
    for e, (i, j) in enumerate([(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (1, 3)]):
        graph.connect(i, j, weights[e])
    for _ in range(rounds):
        graph.relax(rate)
    return graph.potentials, graph.edges[2]["weight"]


@kernel(sample(3, 4), sample(3, seed=1), 6, steps=6, analytic=True)
def list_of_arrays(rows, shift, rounds):
    """Rows in a list that is rotated, swapped and written through."""
    table = [rows[0].copy(), rows[1].copy(), rows[2].copy()]
    for r in range(rounds):
        first = table.pop(0)
        first[1:] *= 0.5
        first[:-1] += shift[r % 3] * first[1:]
        table.append(first)
        table[0], table[1] = table[1], table[0]
        table[1][r % 4] -= table[0][0]
    return np.stack(table)


@kernel(sample(6), sample(6, seed=1), 0.4, 5, steps=5, analytic=True)
def multigrid_levels(u, f, omega, cycles):
    """Two levels in a list of dicts, each with its own arrays."""
    levels = [{"u": u, "f": f, "omega": omega}, {"u": np.zeros_like(u[::2]), "f": f[::2] * 0.5}]
    levels[1]["omega"] = 0.5 * omega
    for _ in range(cycles):
        for level in levels:
            a, b = level["u"], level["f"]
            a[1:-1] += level["omega"] * (a[2:] - 2 * a[1:-1] + a[:-2] + b[1:-1])
        levels[0]["u"][::2] += 0.1 * levels[1]["u"]
        levels[1]["u"] *= 0.5
    return levels[0]["u"], levels[1]["u"]


@kernel(sample(7), 0.4, 5, steps=5, analytic=True, refused="'del' of an entry")
def list_surgery(x, w, rounds):
    """Numbers in a list: inserted, cut out, assigned by slice, doubled at the ends."""
    cells = list(x)
    for r in range(rounds):
        cells.insert(r, w * cells[r] * cells[-1])
        del cells[r + 1]
        cells[1:3] = [cells[2], cells[1] + w * cells[0]]
        cells[-1] *= 0.5
        tail = cells[-2:]
        tail[0] = tail[0] ** 2
        cells.extend(tail)
        cells.pop(1)
        cells.pop()
    return np.array(cells)


@kernel(
    sample(4),
    sample(3, seed=1),
    6,
    steps=6,
    analytic=True,
    refused="which key is meant|may or may not",
)
def dictionary_surgery(x, rates, rounds):
    """Counters and accounts in a dict that gains and loses keys."""
    book = {"a": x[0], "b": x[1]}
    book.update(c=x[2], d=x[3])
    for r in range(rounds):
        book["a"] += rates[0] * book["b"]
        spare = book.pop("c")
        book["c"] = spare * rates[1] + book.get("e", 1.0)
        book.setdefault("f", []).append(book["a"])
        for key in ("b", "d"):
            book[key] -= 0.1 * book["c"] * rates[2]
    total = sum(book["f"])
    del book["f"]
    return total, np.array(list(book.values()))


class Lattice:
    """Two buffers as attributes that change places."""

    def __init__(self, start, coupling):
        self.now = start
        self.then = np.zeros_like(start)
        self.coupling = coupling
        self.log = []

    def sweep(self):
        n = len(self.now)
        for i in range(n):
            self.then[i] = self.now[i] + self.coupling * np.sin(self.now[i - 1] - self.now[i])
        self.now, self.then = self.then, self.now
        self.log.append(self.now[0])


@kernel(sample(6), 0.3, 6, steps=6, analytic=True)
def swapped_attributes(start, coupling, sweeps):
    lattice = Lattice(start, coupling)
    for _ in range(sweeps):
        lattice.sweep()
    return lattice.now, lattice.then, np.array(lattice.log)
