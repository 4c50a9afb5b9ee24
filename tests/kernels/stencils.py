"""Partial differential equations in explicit time steps over slices and loops."""

import numpy as np
from zoo.registry import sample

from kernels.registry import kernel


@kernel(sample(12), 0.2, 6, steps=6, analytic=True)
def heat_1d(u, alpha, steps):
    for _ in range(steps):
        u[1:-1] += alpha * (u[2:] - 2 * u[1:-1] + u[:-2])
    return u


@kernel(sample(6, 7), 0.05, 0.01, 0.1, 0.12, 6, steps=6, analytic=True)
def heat_2d(u, nu, dt, dx, dy, nt):
    for n in range(nt):
        un = u.copy()
        u[1:-1, 1:-1] = (
            un[1:-1, 1:-1]
            + nu * dt / dx**2 * (un[1:-1, 2:] - 2 * un[1:-1, 1:-1] + un[1:-1, 0:-2])
            + nu * dt / dy**2 * (un[2:, 1:-1] - 2 * un[1:-1, 1:-1] + un[0:-2, 1:-1])
        )
        u[0, :] = 1
        u[-1, :] = 1
        u[:, 0] = u[:, 1]
        u[:, -1] = 2 * u[:, -2]
    return u


@kernel(sample(5, 4, 6), 0.1, 5, steps=5, analytic=True)
def heat_3d(a, k, tsteps):
    b = a.copy()
    for t in range(1, tsteps + 1):
        for src, dst in ((a, b), (b, a)):
            dst[1:-1, 1:-1, 1:-1] = (
                k * (src[2:, 1:-1, 1:-1] - 2.0 * src[1:-1, 1:-1, 1:-1] + src[:-2, 1:-1, 1:-1])
                + k * (src[1:-1, 2:, 1:-1] - 2.0 * src[1:-1, 1:-1, 1:-1] + src[1:-1, :-2, 1:-1])
                + k * (src[1:-1, 1:-1, 2:] - 2.0 * src[1:-1, 1:-1, 1:-1] + src[1:-1, 1:-1, :-2])
                + src[1:-1, 1:-1, 1:-1]
            )
    return a


@kernel(sample(10), sample(10, seed=1), 0.7, 0.1, 0.12, 7, steps=7, analytic=True)
def wave_1d(u, v, c, dt, dx, steps):
    r2 = (c * dt / dx) ** 2
    u_old = u.copy()
    u[1:-1] = u_old[1:-1] + dt * v[1:-1] + 0.5 * r2 * (u_old[2:] - 2 * u_old[1:-1] + u_old[:-2])
    u_new = np.zeros_like(u)
    for _ in range(steps):
        u_new[1:-1] = 2 * u[1:-1] - u_old[1:-1] + r2 * (u[2:] - 2 * u[1:-1] + u[:-2])
        u_new[0] = u_new[-1] = 0
        u_old, u, u_new = u, u_new, u_old
    return u, u_old


@kernel(0.3 + sample(9) ** 2, 0.07, 0.02, 0.1, 8, steps=8, analytic=True)
def burgers_1d(u, nu, dt, dx, nt):
    nx = len(u)
    for n in range(nt):
        un = u.copy()
        for i in range(1, nx - 1):
            u[i] = (
                un[i]
                - un[i] * dt / dx * (un[i] - un[i - 1])
                + nu * dt / dx**2 * (un[i + 1] - 2 * un[i] + un[i - 1])
            )
        u[0] = (
            un[0]
            - un[0] * dt / dx * (un[0] - un[-2])
            + nu * dt / dx**2 * (un[1] - 2 * un[0] + un[-2])
        )
        u[-1] = u[0]
    return u


@kernel(
    1 + 0.3 * sample(5, 6), 1 + 0.3 * sample(5, 6, seed=1), 0.02, 0.1, 5, steps=5, analytic=True
)
def convection_2d(u, v, dt, h, nt):
    row, col = u.shape
    for n in range(nt):
        un = u.copy()
        vn = v.copy()
        for j in range(1, row):
            for i in range(1, col):
                u[j, i] = (
                    un[j, i]
                    - un[j, i] * dt / h * (un[j, i] - un[j, i - 1])
                    - vn[j, i] * dt / h * (un[j, i] - un[j - 1, i])
                )
                v[j, i] = (
                    vn[j, i]
                    - un[j, i] * dt / h * (vn[j, i] - vn[j, i - 1])
                    - vn[j, i] * dt / h * (vn[j, i] - vn[j - 1, i])
                )
        u[0, :] = u[-1, :] = 1
        v[:, 0] = v[:, -1] = 1
    return u, v


@kernel(sample(11), 0.4 * sample(11, seed=3), 0.5, 6, steps=6, analytic=True)
def upwind_advection(q, a, cfl, steps):
    n = len(q)
    flux = np.zeros_like(q)
    for _ in range(steps):
        for i in range(n - 1):
            if a[i] + a[i + 1] > 0:
                flux[i] = 0.5 * (a[i] + a[i + 1]) * q[i]
            else:
                flux[i] = 0.5 * (a[i] + a[i + 1]) * q[i + 1]
        # From the right, so that no other array is needed.
        for i in range(n - 2, 0, -1):
            q[i] -= cfl * (flux[i] - flux[i - 1])
    return q


@kernel(1 + 0.2 * sample(10), 0.3, 6, steps=6, analytic=True)
def lax_wendroff(u, lam, steps):
    """Richtmyer's two steps for the conservation law with flux u^2 / 2."""
    half = np.zeros_like(u[1:])
    for _ in range(steps):
        f = 0.5 * u**2
        half[:] = 0.5 * (u[1:] + u[:-1]) - 0.5 * lam * (f[1:] - f[:-1])
        f_half = 0.5 * half * half
        u[1:-1] -= lam * (f_half[1:] - f_half[:-1])
        u[0], u[-1] = u[-2], u[1]
    return u


@kernel(1 + 0.1 * sample(9), 0.1 * sample(9, seed=1), 9.81, 0.05, 6, steps=6, analytic=True)
def shallow_water(h, hu, g, lam, steps):
    """Lax and Friedrichs with walls at both ends."""
    for _ in range(steps):
        flux_h = hu.copy()
        flux_hu = hu**2 / h + 0.5 * g * h**2
        h[1:-1] = 0.5 * (h[2:] + h[:-2]) - 0.5 * lam * (flux_h[2:] - flux_h[:-2])
        hu[1:-1] = 0.5 * (hu[2:] + hu[:-2]) - 0.5 * lam * (flux_hu[2:] - flux_hu[:-2])
        h[0], h[-1] = h[1], h[-2]
        hu[0], hu[-1] = -hu[1], -hu[-2]
    return h, hu


@kernel(1 + 0.1 * sample(14) ** 2, 0.5, 12, steps=12, analytic=True)
def yee_1d(eps_r, courant, steps):
    """A pulse in a dielectric, absorbed at both ends."""
    ez = np.zeros_like(eps_r)
    hy = np.zeros_like(eps_r)
    ce = courant / eps_r
    left = right = 0.0
    for t in range(steps):
        hy[:-1] += courant * (ez[1:] - ez[:-1])
        ez[1:] += ce[1:] * (hy[1:] - hy[:-1])
        ez[4] += np.exp(-((t - 4.0) ** 2) / 6.0) / eps_r[4]
        ez[0], left = left, ez[1]
        ez[-1], right = right, ez[-2]
    return ez, hy


@kernel(
    sample(5, 6),
    sample(5, 6, seed=1),
    sample(5, 6, seed=2),
    sample(6, seed=3),
    6,
    steps=6,
    analytic=True,
)
def yee_2d(ex, ey, hz, source, steps):
    nx, ny = hz.shape
    for t in range(steps):
        for j in range(ny):
            ey[0, j] = source[t]
        for i in range(1, nx):
            for j in range(ny):
                ey[i, j] = ey[i, j] - 0.5 * (hz[i, j] - hz[i - 1, j])
        for i in range(nx):
            for j in range(1, ny):
                ex[i, j] = ex[i, j] - 0.5 * (hz[i, j] - hz[i, j - 1])
        for i in range(nx - 1):
            for j in range(ny - 1):
                hz[i, j] -= 0.7 * (ex[i, j + 1] - ex[i, j] + ey[i + 1, j] - ey[i, j])
    return ex, ey, hz


@kernel(
    sample(6, 6) ** 2,
    0.3 * sample(6, 6, seed=1) ** 2,
    0.16,
    0.08,
    0.04,
    0.06,
    5,
    steps=5,
    analytic=True,
)
def gray_scott(u, v, du, dv, feed, kill, steps):
    for _ in range(steps):
        lu = np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1) - 4 * u
        lv = np.roll(v, 1, 0) + np.roll(v, -1, 0) + np.roll(v, 1, 1) + np.roll(v, -1, 1) - 4 * v
        uvv = 0.1 * u * v * v
        u += du * lu - uvv + feed * (1 - u)
        v += dv * lv + uvv - (feed + kill) * v
    return u, v


@kernel(sample(7, 8), sample(5), 5, steps=5, analytic=True)
def damped_membrane(u, weights, steps):
    """Five weighted neighbours, summed up in one buffer."""
    center, north, south, west, east = weights
    lap = np.empty_like(u[1:-1, 1:-1])
    for _ in range(steps):
        lap[...] = center * u[1:-1, 1:-1]
        lap += north * u[:-2, 1:-1]
        lap += south * u[2:, 1:-1]
        lap += west * u[1:-1, :-2]
        lap += east * u[1:-1, 2:]
        u[1:-1, 1:-1] *= 0.9
        u[1:-1, 1:-1] += 0.1 * lap
    return u
