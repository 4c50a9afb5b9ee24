"""Sweeps over grids: relaxation, implicit steps by Thomas solves, multigrid, cavity flow."""

import numpy as np
from zoo.registry import sample

from kernels.registry import kernel


@kernel(sample(8), sample(8, seed=1), 5, steps=5, analytic=True)
def jacobi_1d(A, B, tsteps):
    for t in range(1, tsteps):
        B[1:-1] = 0.33333 * (A[:-2] + A[1:-1] + A[2:])
        A[1:-1] = 0.33333 * (B[:-2] + B[1:-1] + B[2:])
    B[1:-1] = 0.33333 * (A[:-2] + A[1:-1] + A[2:])
    for i in range(1, len(A) - 1):
        A[i] = 0.33333 * (B[i - 1] + B[i] + B[i + 1])
    return A, B


@kernel(sample(5, 6), sample(5, 6, seed=1), 0.2, 6, steps=6, analytic=True)
def jacobi_2d(p, b, h, sweeps):
    pn = np.empty_like(p)
    for _ in range(sweeps):
        pn, p = p, pn
        p[:] = pn
        p[1:-1, 1:-1] = 0.25 * (
            pn[1:-1, 2:] + pn[1:-1, :-2] + pn[2:, 1:-1] + pn[:-2, 1:-1] - h**2 * b[1:-1, 1:-1]
        )
    return p


@kernel(np.eye(5) * 4 + 0.5 * sample(5, 5), sample(5, seed=1), 6, steps=6, analytic=True)
def jacobi_solver(A, b, iterations):
    n = len(b)
    x = np.zeros_like(b)
    for _ in range(iterations):
        x_new = np.zeros_like(x)
        for i in range(n):
            s1 = np.dot(A[i, :i], x[:i])
            s2 = np.dot(A[i, i + 1 :], x[i + 1 :])
            x_new[i] = (b[i] - s1 - s2) / A[i, i]
        x = x_new
    return x


@kernel(sample(6, 6), 5, steps=5, analytic=True)
def seidel_2d(A, tsteps):
    n = A.shape[0]
    for t in range(tsteps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                A[i, j] = (
                    A[i - 1, j - 1]
                    + A[i - 1, j]
                    + A[i - 1, j + 1]
                    + A[i, j - 1]
                    + A[i, j]
                    + A[i, j + 1]
                    + A[i + 1, j - 1]
                    + A[i + 1, j]
                    + A[i + 1, j + 1]
                ) / 9.0
    return A


@kernel(
    np.eye(5) * 4 + 0.5 * sample(5, 5),
    sample(5, seed=1),
    sample(5, seed=2),
    5,
    steps=5,
    analytic=True,
)
def gauss_seidel(A, b, x, sweeps):
    """Forward and backward in turn."""
    n = len(b)
    for sweep in range(sweeps):
        order = range(n) if sweep % 2 == 0 else range(n - 1, -1, -1)
        for i in order:
            s = b[i]
            for j in range(n):
                if j != i:
                    s -= A[i, j] * x[j]
            x[i] = s / A[i, i]
    return x


@kernel(sample(5, 6), sample(5, 6, seed=1), 1.4, 5, steps=5, analytic=True)
def sor(u, f, omega, sweeps):
    m, n = u.shape
    residuals = np.zeros_like(u[0, :sweeps])
    for it in range(sweeps):
        for i in range(1, m - 1):
            for j in range(1, n - 1):
                r = u[i + 1, j] + u[i - 1, j] + u[i, j + 1] + u[i, j - 1] - 4 * u[i, j] - f[i, j]
                u[i, j] += omega * 0.25 * r
                residuals[it] += r * r
    return u, residuals


@kernel(sample(6, 7), sample(6, 7, seed=1), 1.3, 5, steps=5, analytic=True)
def red_black(u, f, omega, sweeps):
    for _ in range(sweeps):
        for i, j in ((1, 1), (2, 2), (1, 2), (2, 1)):
            u[i:-1:2, j:-1:2] += (omega / 4) * (
                u[i - 1 : -2 : 2, j:-1:2]
                + u[i + 1 :: 2, j:-1:2]
                + u[i:-1:2, j - 1 : -2 : 2]
                + u[i:-1:2, j + 1 :: 2]
                - 4 * u[i:-1:2, j:-1:2]
                - f[i:-1:2, j:-1:2]
            )
    return u


@kernel(sample(6, 6), 0.4, 5, steps=5, analytic=True)
def adi(u, r, tsteps):
    """Implicit along the columns, then along the rows, each by a sweep down and one back up."""
    n = u.shape[0]
    v = np.zeros_like(u)
    p = np.zeros_like(u)
    q = np.zeros_like(u)
    a, b, c = -r / 2, 1 + r, -r / 2
    for t in range(tsteps):
        for i in range(1, n - 1):
            v[0, i] = 1.0
            p[i, 0] = 0.0
            q[i, 0] = v[0, i]
            for j in range(1, n - 1):
                p[i, j] = -c / (a * p[i, j - 1] + b)
                d = (r / 2) * u[j, i - 1] + (1 - r) * u[j, i] + (r / 2) * u[j, i + 1]
                q[i, j] = (d - a * q[i, j - 1]) / (a * p[i, j - 1] + b)
            v[n - 1, i] = 1.0
            for j in range(n - 2, 0, -1):
                v[j, i] = p[i, j] * v[j + 1, i] + q[i, j]
        for i in range(1, n - 1):
            u[i, 0] = 1.0
            p[i, 0] = 0.0
            q[i, 0] = u[i, 0]
            for j in range(1, n - 1):
                p[i, j] = -c / (a * p[i, j - 1] + b)
                d = (r / 2) * v[i - 1, j] + (1 - r) * v[i, j] + (r / 2) * v[i + 1, j]
                q[i, j] = (d - a * q[i, j - 1]) / (a * p[i, j - 1] + b)
            u[i, n - 1] = 1.0
            for j in range(n - 2, 0, -1):
                u[i, j] = p[i, j] * u[i, j + 1] + q[i, j]
    return u


@kernel(sample(8), 0.6, 5, steps=5, analytic=True)
def crank_nicolson(u, r, steps):
    n = len(u)
    for _ in range(steps):
        d = u[1:-1] + 0.5 * r * (u[2:] - 2 * u[1:-1] + u[:-2])
        d[0] += 0.5 * r * u[0]
        d[-1] += 0.5 * r * u[-1]
        c = np.full_like(d, -0.5 * r)
        b = np.full_like(d, 1 + r)
        for i in range(1, n - 2):
            w = -0.5 * r / b[i - 1]
            b[i] -= w * c[i - 1]
            d[i] -= w * d[i - 1]
        u[-2] = d[-1] / b[-1]
        for i in range(n - 4, -1, -1):
            u[i + 1] = (d[i] - c[i] * u[i + 2]) / b[i]
    return u


@kernel(
    sample(3, 4, 6), sample(4, 4, 6, seed=1), sample(3, 4, 6, seed=2), 3.0, steps=5, analytic=True
)
def vertical_advection(u_stage, wcon, u_pos, dtr_stage):
    """An implicit vertical advection step in every column: Thomas, level by level."""
    ni, nj, nk = u_stage.shape
    ccol = np.zeros_like(u_stage)
    dcol = np.zeros_like(u_stage)
    out = np.zeros_like(u_stage)
    for k in range(nk):
        gav = -0.25 * (wcon[1:, :, k] + wcon[:-1, :, k])
        cs = 0.8 * gav
        if k == 0:
            gcv = 0.25 * (wcon[1:, :, 1] + wcon[:-1, :, 1])
            ccol[:, :, 0] = 0.6 * gcv
            bcol = dtr_stage - ccol[:, :, 0]
            correction = -0.2 * gcv * (u_stage[:, :, 1] - u_stage[:, :, 0])
            dcol[:, :, 0] = dtr_stage * u_pos[:, :, 0] + correction
        else:
            acol = 0.6 * gav
            correction = -cs * (u_stage[:, :, k - 1] - u_stage[:, :, k])
            if k < nk - 1:
                gcv = 0.25 * (wcon[1:, :, k + 1] + wcon[:-1, :, k + 1])
                ccol[:, :, k] = gcv * 0.6
                correction -= gcv * 0.2 * (u_stage[:, :, k + 1] - u_stage[:, :, k])
            bcol = dtr_stage - acol - ccol[:, :, k]
            dcol[:, :, k] = dtr_stage * u_pos[:, :, k] + correction
            bcol -= ccol[:, :, k - 1] * acol
            dcol[:, :, k] -= dcol[:, :, k - 1] * acol
        divided = 1.0 / bcol
        ccol[:, :, k] *= divided
        dcol[:, :, k] *= divided
    for k in range(nk - 1, -1, -1):
        if k == nk - 1:
            datacol = dcol[:, :, k].copy()
        else:
            datacol[:] = dcol[:, :, k] - ccol[:, :, k] * datacol
        out[:, :, k] = dtr_stage * (datacol - u_pos[:, :, k])
    return out


def smooth(u, f, h, sweeps):
    for _ in range(sweeps):
        for i in range(1, len(u) - 1):
            u[i] = 0.5 * (u[i - 1] + u[i + 1] + h * h * f[i])


def residual(u, f, h):
    r = np.zeros_like(u)
    r[1:-1] = f[1:-1] + (u[2:] - 2 * u[1:-1] + u[:-2]) / h**2
    return r


@kernel(sample(9), sample(9, seed=1), 0.125, 5, steps=5, analytic=True)
def two_grid(u, f, h, cycles):
    for _ in range(cycles):
        smooth(u, f, h, 2)
        r = residual(u, f, h)
        coarse = r[::2].copy()
        coarse[1:-1] = 0.25 * (r[1:-3:2] + 2 * r[2:-2:2] + r[3:-1:2])
        e = np.zeros_like(coarse)
        smooth(e, coarse, 2 * h, 3)
        u[::2] += e
        u[1::2] += 0.5 * (e[:-1] + e[1:])
        smooth(u, f, h, 1)
    return u


def build_up_b(b, rho, dt, u, v, dx, dy):
    b[1:-1, 1:-1] = rho * (
        1
        / dt
        * ((u[1:-1, 2:] - u[1:-1, 0:-2]) / (2 * dx) + (v[2:, 1:-1] - v[0:-2, 1:-1]) / (2 * dy))
        - ((u[1:-1, 2:] - u[1:-1, 0:-2]) / (2 * dx)) ** 2
        - 2 * ((u[2:, 1:-1] - u[0:-2, 1:-1]) / (2 * dy) * (v[1:-1, 2:] - v[1:-1, 0:-2]) / (2 * dx))
        - ((v[2:, 1:-1] - v[0:-2, 1:-1]) / (2 * dy)) ** 2
    )
    return b


def pressure_poisson(p, dx, dy, b, nit):
    for q in range(nit):
        pn = p.copy()
        p[1:-1, 1:-1] = (
            (pn[1:-1, 2:] + pn[1:-1, 0:-2]) * dy**2 + (pn[2:, 1:-1] + pn[0:-2, 1:-1]) * dx**2
        ) / (2 * (dx**2 + dy**2)) - dx**2 * dy**2 / (2 * (dx**2 + dy**2)) * b[1:-1, 1:-1]
        p[:, -1] = p[:, -2]
        p[0, :] = p[1, :]
        p[:, 0] = p[:, 1]
        p[-1, :] = 0
    return p


@kernel(
    0.1 * sample(6, 6), 0.1 * sample(6, 6, seed=1), 0.1 * sample(6, 6, seed=2),
    0.01, 0.2, 0.25, 1.1, 0.1, 5, 5, steps=5, analytic=True,
)  # fmt: skip
def cavity_flow(u, v, p, dt, dx, dy, rho, nu, nt, nit):
    b = np.zeros_like(p)
    for n in range(nt):
        un = u.copy()
        vn = v.copy()
        b = build_up_b(b, rho, dt, u, v, dx, dy)
        p = pressure_poisson(p, dx, dy, b, nit)
        u[1:-1, 1:-1] = (
            un[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (un[1:-1, 1:-1] - un[1:-1, 0:-2])
            - vn[1:-1, 1:-1] * dt / dy * (un[1:-1, 1:-1] - un[0:-2, 1:-1])
            - dt / (2 * rho * dx) * (p[1:-1, 2:] - p[1:-1, 0:-2])
            + nu * dt / dx**2 * (un[1:-1, 2:] - 2 * un[1:-1, 1:-1] + un[1:-1, 0:-2])
            + nu * dt / dy**2 * (un[2:, 1:-1] - 2 * un[1:-1, 1:-1] + un[0:-2, 1:-1])
        )
        v[1:-1, 1:-1] = (
            vn[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (vn[1:-1, 1:-1] - vn[1:-1, 0:-2])
            - vn[1:-1, 1:-1] * dt / dy * (vn[1:-1, 1:-1] - vn[0:-2, 1:-1])
            - dt / (2 * rho * dy) * (p[2:, 1:-1] - p[0:-2, 1:-1])
            + nu * dt / dx**2 * (vn[1:-1, 2:] - 2 * vn[1:-1, 1:-1] + vn[1:-1, 0:-2])
            + nu * dt / dy**2 * (vn[2:, 1:-1] - 2 * vn[1:-1, 1:-1] + vn[0:-2, 1:-1])
        )
        u[0, :] = u[:, 0] = u[:, -1] = 0
        u[-1, :] = 1
        v[0, :] = v[-1, :] = v[:, 0] = v[:, -1] = 0
    return u, v, p
