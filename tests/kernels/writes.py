"""Every other way to write: out=, .at, copyto, fill, diagonals, masks, transposes, early exits."""

import numpy as np
from zoo.registry import sample

from kernels.registry import kernel


@kernel(sample(7), sample(7, seed=1), 0.3, 6, steps=6, analytic=True)
def out_arguments(u, v, k, steps):
    """Ufuncs with `out=`: no temporary that is not named."""
    t = np.empty_like(u)
    for _ in range(steps):
        np.multiply(u, v, out=t)
        np.sin(t, out=t)
        np.multiply(t, k, out=t)
        np.subtract(u, t, out=u)
        np.add(v, t, v)
    return u, v


@kernel(
    sample(6, 2),
    sample(6, seed=1),
    np.array([0, 1, 1, 3, 4, 0, 2]),
    np.array([1, 2, 4, 4, 5, 5, 3]),
    5,
    steps=5,
    analytic=True,
)
def message_passing(h, bias, source, target, rounds):
    for _ in range(rounds):
        inbox = np.zeros_like(h)
        np.add.at(inbox, target, np.tanh(h[source]))
        np.subtract.at(inbox, (source, 0), 0.3 * h[target, 1])
        h += 0.5 * inbox
        h[:, 0] *= bias
    return h


@kernel(
    sample(5),
    sample(5, seed=1) ** 2,
    np.array([0.31, 0.74, 0.12, 0.55]),
    np.array([0.4, -0.3, 0.2, 0.5]),
    0.1,
    5,
    steps=5,
    analytic=True,
)
def particle_in_cell(rho, background, x, v, dt, steps):
    """Charge scattered to the grid, the field summed up and gathered back."""
    n = len(rho)
    for _ in range(steps):
        cell = np.floor(x.real * n).astype(int) % n
        w = x * n - np.floor(x.real * n)
        rho *= 0.1
        rho -= background / n
        np.add.at(rho, cell, 1 - w)
        np.add.at(rho, (cell + 1) % n, w)
        field = np.zeros_like(rho)
        for i in range(1, n):
            field[i] = field[i - 1] + 0.5 / n * (rho[i] + rho[i - 1])
        field -= field.mean()
        v += dt * ((1 - w) * field[cell] + w * field[(cell + 1) % n])
        x += dt * v
        x -= np.floor(x.real)
    return x, v, rho


@kernel(sample(5, 5), sample(5, seed=1), 5, steps=5, analytic=True)
def diagonals_and_transposes(A, d, rounds):
    for k in range(rounds):
        np.fill_diagonal(A, d * A[0, k % 5])
        A.T[0] = 0.5 * A.T[1] + d
        A[::-1, -1] *= d
        A[k] = A[k, ::-1].copy()
        A.T[1:, 2] -= 0.1 * A[2, 1:] ** 2
    return A


@kernel(sample(4, 6), sample(12, seed=1), 5, steps=5, analytic=True)
def reshaped(A, odd, rounds):
    flat = A.reshape(-1)
    for k in range(rounds):
        A.reshape(-1)[1::2] += 0.2 * odd
        flat[::3] *= 0.9
        A.ravel()[k] = np.sin(A[0, 0])
        column = A[:, k]
        column -= column.mean()
    return A, flat[:3]


@kernel(sample(9), sample(9, seed=1), 0.2, 6, steps=6, analytic=False)
def masks(x, y, slope, rounds):
    """A leaky rectifier and a clip, by boolean masks."""
    for _ in range(rounds):
        x += 0.3 * y
        negative = x < 0
        x[negative] *= slope
        y[~negative] -= 0.2 * x[~negative]
        big = np.abs(y) > 1.5
        y[big] = 1.5 * np.sign(y[big]) + 0.1 * x[big]
        np.copyto(x, 1 + 0.1 * x, where=x > 1)
    return x, y


@kernel(sample(8), np.array([3, 0, 6, 2]), 0.7, 5, steps=5, analytic=True)
def fancy_indices(x, idx, w, rounds):
    for r in range(rounds):
        x[idx] = w * x[idx[::-1]] + x[idx] ** 2 / 3
        x[[1, 4]] += x[[4, 1]]
        x[idx + 1] -= 0.1 * x[r]
    return x


@kernel(sample(6), sample(6, seed=1), 5, steps=5, analytic=True)
def copies_and_fills(a, b, rounds):
    scratch = np.empty_like(a)
    for r in range(rounds):
        np.copyto(scratch, a)
        scratch *= b
        a.fill(0.1)
        a[r:] += np.cos(scratch[r:])
        a[:r] -= scratch[:r]
        scratch.fill(b[r])
        b[:] = 0.5 * b + 0.1 * scratch * a
    return a, b, scratch


@kernel(0.5, 6.0, steps=5, analytic=True)
def newton_history(x, a):
    """The iterates of a square root, stored until a break."""
    history = np.zeros(12, dtype=np.result_type(x, a))
    count = 0
    while True:
        history[count] = x
        count += 1
        step = (x * x - a) / (2 * x)
        x -= step
        if abs(step) < 1e-2 or count == len(history):
            break
    return x, history[:count]


@kernel(np.array([0.2, 0.3, 0.25]), 2.2, 30, steps=6, analytic=True)
def escape(z, r, limit):
    """Logistic maps; the first that leaves [0, 0.54] ends all, in the middle of a sweep."""
    for n in range(limit):
        for i in range(len(z)):
            z[i] = r * z[i] * (1 - z[i]) + 0.01 * i
            if z[i] > 0.54:
                z[0] += n
                return z
    return -z


def daxpy(a, x, y):
    for i in range(len(x)):
        y[i] += a * x[i]


def normalise(x):
    x /= np.sqrt(x @ x)


@kernel(sample(5, 4), 0.3, 6, steps=6, analytic=True)
def helpers_that_write(V, a, rounds):
    for r in range(rounds):
        daxpy(a, V[r % 5], V[(r + 1) % 5])
        normalise(V[(r + 2) % 5])
        daxpy(-a, V[:, 0], V[:, 1])
    return V


@kernel(sample(7), 0.5, 6, steps=6, analytic=True)
def aliases(u, w, rounds):
    """Two names for one array, and overlapping slices read and written in one statement."""
    v = u
    for r in range(rounds):
        v[1:] = w * u[:-1] + (1 - w) * v[1:]
        u[:4] += w * np.flip(u[:4])
        v *= 0.9
        u[0], v[-1] = v[-1], u[0]
    return u


@kernel(sample(6), sample(6, seed=1), 7, steps=7, analytic=False)
def written_in_one_branch(x, y, rounds):
    target = np.zeros(6)
    for r in range(rounds):
        if r % 3 == 0:
            x[r % 6] *= y[0]
        elif x[r % 6] > 0.2:
            target[r % 6] = x[r % 6] * y[r % 6]
        else:
            y[r % 6 :] += x[: 6 - r % 6]
            continue
        target += 0.1 * x
    return target, y


@kernel(sample(4, 4), 5, steps=5, analytic=False)
def flat_and_put(A, rounds):
    for r in range(rounds):
        A.flat[r * 2] *= 0.5
        A.flat[1::4] = A[0]
        np.put(A, [3, 7], A[1, :2] * A[2, 2])
        A[..., r % 4] += A[r % 4, ...] ** 2 / 5
        A[None, 2, ::-2] -= 0.1
    return A


@kernel(sample(6), steps=5, analytic=False)
def insertion_sort(x):
    """Sorted in place, then weighted by rank."""
    for i in range(1, len(x)):
        key = x[i]
        j = i - 1
        while j >= 0 and x[j] > key:
            x[j + 1] = x[j]
            j -= 1
        x[j + 1] = key
    x *= np.arange(1, len(x) + 1)
    return x


@kernel(sample(8), sample(8, seed=1), sample(8, seed=2) ** 2, 0.05, 6, steps=6, analytic=False)
def schroedinger(re, im, potential, dt, steps):
    """A complex wave function in place, in leaps over two steps, damped at one end."""
    psi = re + 1j * im
    before = psi.copy()
    for _ in range(steps):
        h_psi = potential * psi
        h_psi[1:-1] -= 0.5 * (psi[2:] - 2 * psi[1:-1] + psi[:-2])
        before -= 2j * dt * h_psi
        psi, before = before, psi
        psi.real[-1] *= 0.9
    return psi.real**2 + psi.imag**2


def haar(x):
    if len(x) < 2:
        return
    even, odd = x[::2], x[1::2]
    odd -= even
    even += 0.5 * odd
    haar(even)


@kernel(
    sample(8), 5, steps=5, analytic=True, refused="which is recursive, writes into its argument"
)
def recursion_on_views(x, rounds):
    for r in range(rounds):
        haar(x)
        x[r] *= x[(r + 1) % 8]
    return x


@kernel(sample(4, 5), 0.3, 5, steps=5, analytic=False)
def sorted_in_place(A, w, rounds):
    """Rank filters: rows sorted in place, medians written back."""
    for r in range(rounds):
        row = A[r % 4]
        row.sort()
        A[(r + 1) % 4] += w * row
        A[:, 2] -= w * row[2]
        np.maximum(A, -2 + 0.1 * A, out=A)
    return A


@kernel(
    sample(5),
    sample(7, seed=1),
    np.array([0, 3, 1, 4, 3, 0, 2]),
    5,
    steps=5,
    analytic=False,
    refused="np.maximum.at is not supported",
)
def scatter_reduce(bins, values, where, rounds):
    """Running maxima and products per bin."""
    for _ in range(rounds):
        np.maximum.at(bins, where, values)
        np.multiply.at(bins, where[:3], 0.5)
        values *= 0.8
        values += 0.1 * bins[where]
    return bins, values


@kernel(sample(4, 6), 0.5, 5, steps=5, analytic=True)
def views_of_views(A, w, rounds):
    """A view of a view of a transpose, written to in a nested loop with outer bounds."""
    T = A.T
    corner = T[1:5][::2]
    for r in range(rounds):
        corner[0] *= w
        for i in range(len(corner)):
            for j in range(i, corner.shape[1]):
                corner[i, j] -= w * T[0, j] * A[i, r]
        top, bottom = A[:2], A[2:]
        top += 0.1 * bottom[::-1]
        bottom[:, -1] = top[:, 0]
    return A, corner
