"""Transforms and sums in place: Fourier, wavelets, cosines, convolution, scans, resampling."""

import numpy as np
from zoo.registry import sample

from kernels.registry import kernel


@kernel(sample(32), sample(32, seed=1), steps=5, analytic=True)
def fft_cooley_tukey(re, im):
    """Bits reversed, then butterflies in place on real and imaginary parts."""
    n = len(re)
    j = 0
    for i in range(1, n):
        bit = n >> 1
        while j & bit:
            j ^= bit
            bit >>= 1
        j |= bit
        if i < j:
            re[i], re[j] = re[j], re[i]
            im[i], im[j] = im[j], im[i]
    half = 1
    while half < n:
        for k in range(half):
            wr, wi = np.cos(np.pi * k / half), -np.sin(np.pi * k / half)
            for i in range(k, n, 2 * half):
                j = i + half
                tr = wr * re[j] - wi * im[j]
                ti = wr * im[j] + wi * re[j]
                re[j] = re[i] - tr
                im[j] = im[i] - ti
                re[i] += tr
                im[i] += ti
        half *= 2
    return re, im


@kernel(sample(32), sample(32, seed=1), steps=5, analytic=True)
def fft_stockham(xr, xi):
    """No bit reversal: two pairs of buffers change places after every stage."""
    yr, yi = np.empty_like(xr), np.empty_like(xi)
    n, s = len(xr), 1
    while n > 1:
        m = n // 2
        for p in range(m):
            wr, wi = np.cos(2 * np.pi * p / n), -np.sin(2 * np.pi * p / n)
            for q in range(s):
                ar, ai = xr[q + s * p], xi[q + s * p]
                br, bi = xr[q + s * (p + m)], xi[q + s * (p + m)]
                yr[q + s * 2 * p] = ar + br
                yi[q + s * 2 * p] = ai + bi
                yr[q + s * (2 * p + 1)] = (ar - br) * wr - (ai - bi) * wi
                yi[q + s * (2 * p + 1)] = (ar - br) * wi + (ai - bi) * wr
        xr, yr = yr, xr
        xi, yi = yi, xi
        n //= 2
        s *= 2
    return xr, xi


@kernel(sample(32), steps=5, analytic=True)
def haar_lifting(x):
    """Predict and update, level by level, then a threshold that is soft, and back again."""
    n = len(x)
    step = 1
    while step < n:
        x[step :: 2 * step] -= x[:: 2 * step]
        x[:: 2 * step] += 0.5 * x[step :: 2 * step]
        step *= 2
    x[1:] *= x[1:] ** 2 / (x[1:] ** 2 + 0.3)
    while step > 1:
        step //= 2
        x[:: 2 * step] -= 0.5 * x[step :: 2 * step]
        x[step :: 2 * step] += x[:: 2 * step]
    return x


@kernel(sample(16), steps=5, analytic=True)
def walsh_hadamard(a):
    h = 1
    n = len(a)
    while h < n:
        for i in range(0, n, h * 2):
            for j in range(i, i + h):
                x = a[j]
                y = a[j + h]
                a[j] = x + y
                a[j + h] = x - y
        a /= np.sqrt(2)
        h *= 2
    return a


@kernel(sample(4, 5), steps=5, analytic=True)
def dct_2d(block):
    m, n = block.shape
    out = np.zeros_like(block)
    for u in range(m):
        for v in range(n):
            for x in range(m):
                for y in range(n):
                    out[u, v] += (
                        block[x, y]
                        * np.cos(np.pi * (2 * x + 1) * u / (2 * m))
                        * np.cos(np.pi * (2 * y + 1) * v / (2 * n))
                    )
            if u == 0:
                out[u, v] /= np.sqrt(2)
            if v == 0:
                out[u, v] /= np.sqrt(2)
    out *= 2 / np.sqrt(m * n)
    return out


@kernel(sample(9), sample(4, seed=1), steps=9, analytic=False)
def convolve(x, h):
    y = np.zeros(len(x) + len(h) - 1)
    for i in range(len(x)):
        for j in range(len(h)):
            y[i + j] += x[i] * h[j]
    return y


@kernel(sample(2, 5, 6), sample(3, 2, 3, 2, seed=1), sample(3, seed=2), steps=5, analytic=False)
def conv_layer(image, kernels, bias):
    c_in, h, w = image.shape
    c_out, _, kh, kw = kernels.shape
    out = np.empty((c_out, h - kh + 1, w - kw + 1))
    for o in range(c_out):
        out[o] = bias[o]
        for c in range(c_in):
            for i in range(kh):
                for j in range(kw):
                    out[o] += kernels[o, c, i, j] * image[c, i : h - kh + 1 + i, j : w - kw + 1 + j]
    out[out < 0] *= 0.1
    return out


@kernel(sample(20), steps=5, analytic=True)
def hillis_steele(x):
    """The running sums of sin x in log n rounds, each of which overwrites what it reads."""
    x[:] = np.sin(x)
    shift = 1
    while shift < len(x):
        x[shift:] += x[:-shift].copy()
        shift <<= 1
    return x


@kernel(1 + 0.2 * sample(32), steps=5, analytic=True)
def blelloch(x):
    """The products of all numbers before each: up the tree, down the tree."""
    n = len(x)
    stride = 1
    while stride < n:
        for i in range(2 * stride - 1, n, 2 * stride):
            x[i] *= x[i - stride]
        stride *= 2
    x[n - 1] = 1.0
    while stride > 1:
        stride //= 2
        for i in range(2 * stride - 1, n, 2 * stride):
            left = x[i - stride]
            x[i - stride] = x[i]
            x[i] *= left
    return x


@kernel(sample(5, 6), steps=5, analytic=True)
def summed_area(image):
    h, w = image.shape
    for i in range(h):
        for j in range(w):
            if i > 0:
                image[i, j] += image[i - 1, j]
            if j > 0:
                image[i, j] += image[i, j - 1]
            if i > 0 and j > 0:
                image[i, j] -= image[i - 1, j - 1]
    boxes = image[2:, 2:].copy()
    boxes[1:] -= image[:-3, 2:]
    boxes[:, 1:] -= image[2:, :-3]
    boxes[1:, 1:] += image[:-3, :-3]
    return boxes, image[-1, -1]


@kernel(sample(12), np.array([-1.5, -0.5, 0.0, 0.5, 1.5]), 0.4, steps=12, analytic=False)
def soft_histogram(samples, centers, width):
    counts = np.zeros(len(centers))
    for s in samples:
        weights = np.exp(-0.5 * ((s - centers) / width) ** 2)
        counts += weights / weights.sum()
    cdf = counts / len(samples)
    for i in range(1, len(cdf)):
        cdf[i] += cdf[i - 1]
    return counts, cdf


@kernel(sample(8), np.array([0.3, 2.6, 6.2, 1.2, 4.5, 3.3]), steps=6, analytic=False)
def splat(values, positions):
    """Linear interpolation at the positions, and its mirror image: what is read is spread again."""
    grid = np.zeros(len(values))
    for x in positions:
        i = int(np.floor(x))
        t = x - i
        v = (1 - t) * values[i] + t * values[i + 1]
        grid[i] += (1 - t) * v
        grid[i + 1] += t * v
    return grid


@kernel(sample(6, 7), 0.8, steps=5, analytic=True)
def separable_blur(image, sigma):
    offsets = np.arange(-2, 3)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    weights /= weights.sum()
    rows = np.zeros_like(image)
    for w, d in zip(weights, offsets):
        rows += w * np.roll(image, d, axis=1)
    image[:] = 0
    for k in range(len(weights)):
        image += weights[k] * np.roll(rows, offsets[k], axis=0)
    return image


@kernel(sample(9), 0.7, 6, steps=6, analytic=True)
def total_variation(noisy, lam, iterations):
    """Descent on the smoothed total variation, the residual kept beside."""
    x = noisy.copy()
    for _ in range(iterations):
        slope = np.diff(x)
        slope /= np.sqrt(slope * slope + 0.1)
        g = x - noisy
        g[:-1] -= lam * slope
        g[1:] += lam * slope
        x -= 0.2 * g
    return x, noisy - x
