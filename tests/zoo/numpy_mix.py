"""NumPy functions and methods of every family, as array code combines them."""

import numpy as np

from zoo.registry import program, sample

GRID = np.linspace(0.0, 1.0, 5)
MASK = np.array([True, False, True, True])


@program(np.array([0.3, 0.7, 1.6]), np.array([1.2, 0.4, 0.9]), tags=("numpy", "ufuncs"))
def trigonometric_ufuncs(x, y):
    circular = np.sin(x) * np.cos(y) + np.tan(x / 2) + np.arctan(y) + np.arctan2(y, x)
    inverse = np.arcsin(x / 4) + np.arccos(y / 4) + np.arcsinh(x) + np.arccosh(1 + y)
    hyperbolic = np.sinh(x) + np.cosh(y) + np.tanh(x) + np.arctanh(y / 4)
    return np.sum(circular * inverse + hyperbolic * np.hypot(x, y) + np.deg2rad(y))


@program(np.array([0.3, 0.7, 1.6]), np.array([1.2, 0.4, 0.9]), tags=("numpy", "ufuncs"))
def exponential_ufuncs(x, y):
    logs = np.log(x) + np.log2(y) + np.log10(x) + np.log1p(y) + np.logaddexp(x, y)
    exps = np.exp(-x) + np.exp2(y) + np.expm1(x) + np.logaddexp2(x, 2 * y)
    roots = np.sqrt(x) + np.cbrt(y) + np.square(x) + np.reciprocal(y)
    return np.sum(logs * exps + roots * np.power(x, y) + np.float_power(y, 2))


@program(np.array([0.3, -0.7, 1.6]), np.array([1.2, 0.4, -0.9]), tags=("numpy", "ufuncs"))
def piecewise_ufuncs(x, y):
    larger = np.maximum(x, y) * np.minimum(x, 0.5) + np.fmax(x, -y) - np.fmin(y, 2.0)
    signs = np.abs(x) * np.sign(y) + np.copysign(x, y) + np.absolute(y) + np.fabs(x)
    rounded = np.floor(x) * y + np.ceil(y) * x + np.rint(x) * y + np.trunc(y) * x
    return np.sum(larger + signs + rounded + np.heaviside(x, 0.5) * y + np.fmod(x, 0.5))


@program(sample(3, 4), tags=("numpy", "reductions"))
def reductions(A):
    means = A.mean(axis=0) @ np.median(A, axis=0) + np.average(A, 0, np.arange(3)).sum()
    spread = A.std() + np.var(A, axis=1, ddof=1).sum() + np.ptp(A)
    extremes = np.max(A, axis=1) @ A.min(axis=1) + np.amax(A)
    products = np.prod(A, axis=0).sum() + np.linalg.norm(A) + np.linalg.norm(A, axis=1).sum()
    return means + spread + extremes + products


@program(sample(3, 4), tags=("numpy", "reductions"))
def cumulative(A):
    c = np.cumsum(A, axis=1) * A.cumprod(axis=0)
    return np.sum(c[:, -1] ** 2) + np.cumsum(A)[5] + np.sum(A, axis=(0, 1), keepdims=True)[0, 0]


@program(sample(3), sample(4, seed=1), sample(3, 4, seed=2), tags=("numpy", "products"))
def products(x, y, A):
    a = np.dot(x, A) @ y + np.inner(A, y) @ x + np.vdot(A, np.outer(x, y))
    b = np.matmul(A, A.T).trace() + np.kron(x, y).sum() ** 2
    c = np.tensordot(A, A, axes=([0, 1], [0, 1])) + np.tensordot(A, y, axes=1).sum()
    return a + b + c


@program(sample(2, 3), sample(3, 4, seed=1), sample(2, 3, 3, seed=2), tags=("numpy", "einsum"))
def einsums(A, B, C):
    chain = np.einsum("ij,jk->ik", A, B)
    batch = np.einsum("bij,bj->bi", C, A)
    traces = np.einsum("bii->b", C)
    total = np.einsum("ij,ij->", batch, A) + np.einsum("i,ik->", traces, chain**2)
    return total + np.einsum("...j,j", C, A[0]).sum() + np.einsum("bij,bkj->ik", C, C)[0, 2]


@program(sample(2, 6), tags=("numpy", "shaping"))
def shaping(A):
    cube = A.reshape(2, 3, 2)
    moved = np.moveaxis(cube, 0, -1) + np.swapaxes(cube, 0, 1).transpose(0, 2, 1)
    thin = np.expand_dims(A[0], 0).squeeze() * A.ravel()[6:]
    flipped = np.flip(A, axis=1) * np.rot90(A, 2) + np.roll(A, 2, axis=1)
    return np.sum(moved**2) + thin @ np.arange(6.0) + np.sum(flipped * A) + A.T[1].sum() ** 2


@program(sample(3), sample(2, 3, seed=1), tags=("numpy", "shaping"))
def joining(x, A):
    rows = np.vstack([A, x]) @ np.hstack([x[:1], x[1:]])
    stacked = np.stack([x, A[0], A[1] * x], axis=1)
    wide = np.concatenate([A, A**2], axis=1)
    deep = np.dstack([A, 2 * A])
    halves = np.split(wide, 2, axis=1)
    return rows.sum() + np.sum(stacked**2) + np.sum(halves[0] * halves[1]) + np.sum(deep[0] ** 3)


@program(sample(3), sample(2, 2, seed=1), tags=("numpy", "shaping"))
def repeating_and_padding(x, A):
    tiled = np.tile(x, 2) * np.repeat(x, 2)
    padded = np.pad(A, 1) + np.pad(A, ((0, 2), (2, 0)))
    spread = np.broadcast_to(x, (2, 3)) * np.arange(6.0).reshape(2, 3)
    return np.sum(tiled**2) + np.sum(padded**2 * np.arange(4.0)) + np.sum(spread**2)


@program(sample(5), sample(4, 5, seed=1), tags=("numpy", "indexing"))
def indexing(x, A):
    basic = A[1, 2] * A[-1].sum() + A[:, 3] @ A[:, 0] + x[1:4:2].sum() * x[-2]
    fancy = A[[0, 2, 2], [1, 1, 4]].sum() ** 2 + x[np.array([0, 0, 3])].prod()
    masked = A[A > 0.2].sum() * x[x < 0].sum()
    mixed = A[1:3, None, ::-2].sum() + A[..., -1].sum() ** 2 + A[MASK][:, 1].sum()
    return basic + fancy + masked + mixed + A[np.ix_([0, 1], [2, 3])].sum() ** 2


@program(sample(5), sample(3, 4, seed=1), tags=("numpy", "indexing"))
def selection(x, A):
    ranked = np.sort(x)
    weights = np.array([1.0, -2.0, 0.5, 3.0, 1.5])
    picked = np.take(x, [3, 0, 3]) * np.take_along_axis(A, np.argsort(A, axis=1), axis=1)[:, :3]
    best = x[np.argmax(x)] * A[np.arange(3), np.argmin(A, axis=1)].sum()
    return ranked @ weights + np.sum(picked**2) + best + np.clip(x, -0.5, 0.5) @ weights


@program(sample(4, 4), tags=("numpy", "matrices"))
def matrix_parts(A):
    d = np.diag(A)
    lower, upper = np.tril(A, -1), np.triu(A)
    symmetric = lower + lower.T + np.diag(d)
    return np.trace(symmetric @ upper) + np.sum(d**3) + np.sum(np.eye(4) * A) * np.diagonal(A)[1]


@program(sample(4), sample(4, seed=1), tags=("mask_where", "numpy"))
def where_of_masks(x, y):
    safe = np.where(x > 0, x, 1.0)
    logs = np.where(x > 0, np.log(safe), -x)
    mask = (y > 0).astype(float)
    return np.sum(logs * mask) + np.sum(np.where(y > x, y**2, x * y)) + np.sum((x < y) * x)


@program(sample(3, 3), sample(3, seed=1), sample(seed=2).item(), tags=("numpy", "broadcasting"))
def broadcasting(A, b, c):
    rows = A + b
    columns = A * b[:, None]
    outer = b[:, np.newaxis] - b[np.newaxis, :]
    return np.sum(rows * columns) + np.sum(outer**2 * A) + np.sum(c * A / (1 + b**2)) + c**2


@program(sample(3, 4), tags=("methods", "numpy"))
def array_methods(A):
    x = A.flatten()[:4] + A.reshape(-1, 2).sum(axis=0).repeat(2)
    y = A.T.dot(A[:, 0]).clip(-1.0, 1.0) + A.swapaxes(0, 1).mean(axis=1)
    z = A.astype(np.float64).copy().max(axis=0).squeeze() * A.var(axis=0)
    return (x * y + z).sum() * A.size + A.ndim * A.shape[1] * A.prod() + A[0].item(2)


@program(sample(4), tags=("numpy", "creation"))
def created_arrays(x):
    base = np.zeros(4) + np.ones_like(x) * 2 + np.full(4, 0.5) + np.arange(4) / 3
    grid = np.linspace(0.0, 1.0, 4) * x + np.zeros_like(x)
    return (base * grid) @ (np.eye(4) @ x) + np.float64(2.0) * GRID[1:] @ x


@program(np.array([-800.0, 0.5, 3.0]), tags=("errstate", "mask_where"))
def log_sigmoid(x):
    with np.errstate(over="ignore"):
        naive = -np.log1p(np.exp(-x))
    return np.sum(np.where(x < -30, x, naive)) / 100


@program(np.array([0.0, 0.5, 2.0]), np.array([1.0, 1.5, 0.7]), argnums=(1,), tags=("errstate",))
def x_log_y(x, y):
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = x * np.log(y) + np.where(x > 0, x / np.where(x > 0, x, 1), 0) * y
        total = np.sum(terms)
    return total**2


@program(sample(6), tags=("numpy", "rolling"))
def rolling_mean(x):
    windows = np.stack([x[i : i + 3] for i in range(len(x) - 2)])
    centred = windows - windows.mean(axis=1, keepdims=True)
    return np.sum(centred**2) + np.mean(windows, axis=1) @ windows[:, 1]


@program(sample(8), sample(3, seed=1), tags=("numpy", "generator"))
def convolution_by_slices(signal, kernel):
    n = len(signal) - len(kernel) + 1
    out = sum(kernel[k] * signal[k : k + n] for k in range(len(kernel)))
    return np.sum(np.maximum(out, 0) ** 2)


@program(sample(5, 5), tags=("numpy", "indexing"))
def laplacian_energy(u):
    inner = u[1:-1, 1:-1]
    lap = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4 * inner
    return np.sum(lap**2) + np.sum(inner * lap)


@program(sample(4, 2), sample(3, 2, seed=1), tags=("numpy", "broadcasting"))
def pairwise_distances(X, Y):
    difference = X[:, None, :] - Y[None, :, :]
    squared = np.sum(difference**2, axis=-1)
    gram = X @ Y.T
    check = np.sum(X**2, axis=1)[:, None] + np.sum(Y**2, axis=1) - 2 * gram
    return np.sum(np.sqrt(squared + 0.1)) + np.sum(np.exp(-check))


@program(sample(4), tags=("numpy", "unused_statement"))
def results_thrown_away(x):
    np.sin(x)
    x.sum()
    y = x * 2
    len(y)
    return y @ x


@program(np.array(0.7), sample(1), tags=("numpy", "zero_dimensions"))
def arrays_of_one_number(a, b):
    return float(a * a + np.sin(b[0]) * a) + b.sum() * a.item()


@program(np.array([3, 1, 2]), sample(3), tags=("int_float_mix", "numpy"))
def integer_arrays(n, x):
    counts = n * 2 + 1
    return np.sum(x**n) + counts @ x + np.sum(x / n) + (n % 2 == 0) @ x**2 + x[n[1]] ** n[2]


@program(sample(4), tags=("numpy", "rebound_type", "arg_redefined"))
def statistics_chain(x):
    x = x - x.mean()
    x = x / np.sqrt(np.mean(x**2) + 1e-6)
    x = np.mean(x**4) - 3 * np.mean(x**3) ** 2
    return x


@program(np.array(0.7), 1.3, np.array([0.5, -1.0, 2.0]), tags=("dots", "zero_dimensional"))
def dots_of_numbers(a, s, x):
    y = np.dot(a, x) + np.inner(x, a) * np.dot(x, s)
    return y @ x + np.inner(s, a) * np.sum(np.inner(s, x))
