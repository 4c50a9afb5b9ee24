"""Ordinary differential equations stepped in place: bodies, oscillators, populations."""

import numpy as np
from zoo.registry import sample

from kernels.registry import kernel


@kernel(
    sample(4, 3),
    0.2 * sample(4, 3, seed=1),
    0.5 + sample(4, seed=2) ** 2,
    0.02,
    5,
    steps=5,
    analytic=False,
)
def n_body(pos, vel, mass, dt, steps):
    """Velocity Verlet with softened gravity, pair by pair."""

    def accelerations(acc):
        acc[:] = 0.0
        n = len(mass)
        for i in range(n):
            for j in range(i + 1, n):
                d = pos[j] - pos[i]
                inv = (d @ d + 0.1) ** -1.5
                acc[i] += mass[j] * d * inv
                acc[j] -= mass[i] * d * inv

    acc = np.zeros_like(pos)
    accelerations(acc)
    for _ in range(steps):
        vel += 0.5 * dt * acc
        pos += dt * vel
        accelerations(acc)
        vel += 0.5 * dt * acc
    return pos, vel


def lorenz_rhs(state, sigma, rho, beta, out):
    x, y, z = state
    out[0] = sigma * (y - x)
    out[1] = x * (rho - z) - y
    out[2] = x * y - beta * z


@kernel(np.array([1.0, 2.0, 20.0]), 10.0, 28.0, 8 / 3, 0.01, 8, steps=8, analytic=True)
def lorenz(state, sigma, rho, beta, dt, steps):
    trajectory = np.empty_like(state, shape=(steps + 1, 3))
    trajectory[0] = state
    k = np.zeros_like(state)
    for t in range(steps):
        lorenz_rhs(trajectory[t], sigma, rho, beta, k)
        trajectory[t + 1] = trajectory[t] + dt * k
    return trajectory


@kernel(np.array([0.4, -0.2, 0.1, 0.3]), 9.81, 0.02, 6, steps=6, analytic=True)
def rk4_double_pendulum(y, g, h, steps):
    def f(y):
        dy = np.empty_like(y)
        delta = y[0] - y[1]
        den = 2 - np.cos(delta) ** 2
        dy[:2] = y[2:]
        dy[2] = -2 * g * np.sin(y[0]) + np.cos(delta) * g * np.sin(y[1])
        dy[2] -= np.sin(delta) * (y[3] ** 2 + np.cos(delta) * y[2] ** 2)
        dy[3] = 2 * np.sin(delta) * y[2] ** 2 - 2 * g * np.sin(y[1])
        dy[3] += 2 * g * np.cos(delta) * np.sin(y[0]) + np.sin(delta) * np.cos(delta) * y[3] ** 2
        dy[2:] /= den
        return dy

    k = np.zeros_like(y, shape=(4, len(y)))
    for _ in range(steps):
        k[0] = f(y)
        k[1] = f(y + h / 2 * k[0])
        k[2] = f(y + h / 2 * k[1])
        k[3] = f(y + h * k[2])
        y += h / 6 * (k[0] + 2 * k[1] + 2 * k[2] + k[3])
    return y


@kernel(np.array([1.2, 0.0]), 3.0, 1.5, 0.4, 3e-3, steps=6, analytic=True)
def adaptive_van_der_pol(y, mu, t_end, h, tol):
    """Euler's method under Heun's, step halved or grown by the difference, redone if too large."""

    def f(y):
        return np.array([y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]])

    t = 0.0
    accepted = []
    while t < t_end:
        if t + h > t_end:
            h = t_end - t
        k1 = f(y)
        k2 = f(y + h * k1)
        error = 0.5 * h * np.sqrt(np.sum((k2 - k1) ** 2))
        if error <= 10 * tol:
            y[:] = y + 0.5 * h * (k1 + k2)
            t += h
            accepted.append(h)
        h *= min(2.0, max(0.3, 0.9 * np.sqrt(tol / error)))
    return y, np.array(accepted)


@kernel(np.array([1.0, 0.0, 0.2]), 0.7, 1.6, 0.9, 2e-6, steps=5, analytic=False)
def rk4_adaptive(y, k, t_end, h, tol):
    """Runge and Kutta's step against two of half its length; a while loop accepts or rejects."""
    rhs = lambda y: np.array([-k * y[0] + y[1] * y[2], k * y[0] - y[1] ** 2, np.sin(3 * y[1])])

    def step(y, h):
        total = np.zeros_like(y)
        slope = rhs(y)
        total += slope / 6
        for weight, part in ((1 / 3, 0.5), (1 / 3, 0.5), (1 / 6, 1.0)):
            slope = rhs(y + part * h * slope)
            total += weight * slope
        return y + h * total

    t, times, tries = 0.0, [0.0], 0
    while t < t_end and tries < 100:
        tries += 1
        h = min(h, t_end - t)
        coarse = step(y, h)
        fine = step(step(y, h / 2), h / 2)
        error = np.max(np.abs(fine - coarse))
        if error > tol:
            h *= 0.9 * (tol / error) ** 0.25
            continue
        y[:] = fine + (fine - coarse) / 15
        t += h
        times.append(t)
        h *= min(4.0, 0.9 * (tol / error) ** 0.2)
    return y, np.array(times)


@kernel(np.array([0.3, 0.1]), np.array([0.1, -0.2]), 0.8, 0.05, 8, steps=8, analytic=True)
def leapfrog(q, p, lam, dt, steps):
    """Henon and Heiles, momenta half a step ahead."""

    def grad(q, out):
        out[0] = q[0] + 2 * lam * q[0] * q[1]
        out[1] = q[1] + lam * (q[0] ** 2 - q[1] ** 2)
        return out

    g = np.empty_like(q)
    energies = np.empty_like(q, shape=steps)
    p -= 0.5 * dt * grad(q, g)
    for i in range(steps):
        q += dt * p
        p -= dt * grad(q, g)
        energies[i] = 0.5 * (p @ p + q @ q) + lam * (q[0] ** 2 * q[1] - q[1] ** 3 / 3)
    p += 0.5 * dt * grad(q, g)
    return q, p, energies


@kernel(sample(6), sample(6, seed=1), 1.1, 0.1, 6, steps=6, analytic=True)
def kuramoto(theta, omega, coupling, dt, steps):
    n = len(theta)
    order = np.zeros_like(theta, shape=steps)
    dtheta = np.zeros_like(theta)
    for t in range(steps):
        for i in range(n):
            dtheta[i] = omega[i]
            for j in range(n):
                dtheta[i] += coupling / n * np.sin(theta[j] - theta[i])
        theta += dt * dtheta
        order[t] = np.mean(np.cos(theta)) ** 2 + np.mean(np.sin(theta)) ** 2
    return theta, order


@kernel(2.0, 1.0, np.array([1.1, 0.4, 0.4, 0.1]), 0.05, 8, steps=8, analytic=True)
def predator_prey(prey, predators, rates, dt, steps):
    a, b, c, d = rates
    history = [(prey, predators)]
    for _ in range(steps):
        x, y = history[-1]
        history.append((x + dt * (a * x - b * x * y), y + dt * (d * x * y - c * y)))
    return np.array(history)


@kernel(np.array([0.97, 0.03, 0.0]), 1.4, 0.3, 0.2, 10, steps=10, analytic=True)
def epidemic(state, beta, gamma, dt, days):
    """Infected and recovered counted day by day into one list each."""
    infected, recovered = [], []
    for day in range(days):
        s, i, r = state
        new = beta * s * i * dt
        healed = gamma * i * dt
        state[0] -= new
        state[1] += new - healed
        state[2] += healed
        infected.append(state[1])
        recovered.append(state[2])
        if day >= 5:
            beta *= 0.8
    return np.array(infected), np.array(recovered)


@kernel(sample(10), sample(10, seed=1), 2.0, 0.05, 0.1, 6, steps=6, analytic=True)
def spring_chain(x, v, k, damping, dt, steps):
    """Inner masses moved through views that are made once."""
    inner, left, right = x[1:-1], x[:-2], x[2:]
    speed = v[1:-1]
    for _ in range(steps):
        speed += dt * (k * (left - 2 * inner + right) - damping * speed)
        inner += dt * speed
    return x, v


@kernel(sample(8), 0.3, 7, steps=7, analytic=True)
def double_buffer(state, rate, steps):
    """A coupled map lattice that flips between two rows."""
    buffers = [state, np.zeros_like(state)]
    n = len(state)
    for t in range(steps):
        now, then = buffers[t % 2], buffers[(t + 1) % 2]
        for i in range(n):
            left, right = now[(i - 1) % n], now[(i + 1) % n]
            then[i] = (1 - rate) * np.sin(now[i]) + rate / 2 * (np.sin(left) + np.sin(right))
    return buffers[steps % 2]


@kernel(np.array([1.0, 0.5]), 0.8, 0.05, 9, steps=9, analytic=True)
def adams_bashforth(y, omega, h, steps):
    """Four slopes in a ring that is written over as the steps go."""
    slopes = np.zeros_like(y, shape=(4, 2))
    rhs = lambda y: np.array([y[1], -(omega**2) * np.sin(y[0])])
    for n in range(steps):
        slopes[n % 4] = rhs(y)
        if n < 3:
            y += h * rhs(y + 0.5 * h * slopes[n % 4])
        else:
            y += (
                h
                / 24
                * (
                    55 * slopes[n % 4]
                    - 59 * slopes[(n - 1) % 4]
                    + 37 * slopes[(n - 2) % 4]
                    - 9 * slopes[(n - 3) % 4]
                )
            )
    return y


@kernel(sample(4, 2), 0.2 * sample(4, 2, seed=1), 0.9, 0.15, 6, steps=6, analytic=False)
def bouncing_balls(pos, vel, restitution, dt, steps):
    for _ in range(steps):
        vel[:, 1] -= 9.81 * dt
        pos += dt * vel
        below = pos[:, 1] < -1.0
        pos[below, 1] = -2.0 - pos[below, 1]
        vel[below, 1] *= -restitution
    return pos, vel


@kernel(sample(5, 2), sample(5, 2, seed=1), 0.1, 0.3, 5, steps=5, analytic=True)
def verlet_rope(now, before, gravity, rest, steps):
    """Position-based: Verlet's step, then each link pulled to its length, one after another."""
    for _ in range(steps):
        moved = 2 * now - before
        moved[:, 1] -= gravity
        before[...] = now
        now[1:] = moved[1:]
        for i in range(len(now) - 1):
            link = now[i + 1] - now[i]
            length = np.sqrt(np.sum(link * link))
            correction = 0.5 * (length - rest) / length * link
            if i > 0:
                now[i] += correction
                now[i + 1] -= correction
            else:
                now[i + 1] -= 2 * correction
    return now
