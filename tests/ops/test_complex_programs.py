"""Programs of complex numbers: the formulas of many rows in a row, against differences.

The gradient `d` of a real result pairs with a direction `v` without a conjugate: the result moves by
the real part of `sum(d * v)`.
"""

import numpy as np
import pytest

import srcgrad
from srcgrad import grad, jvp

RNG = np.random.default_rng(3)
STEP = 1e-6


def real(*shape):
    return RNG.normal(size=shape)


def complexes(*shape):
    return real(*shape) + 1j * real(*shape)


# What is real in between gets a complex cotangent, or hands on a tangent


def size_turned(z):
    return np.real(np.exp(1j * np.abs(z)))


def angle_turned(z):
    return np.real(np.exp(1j * np.angle(z)))


def sizes_turned(z):
    return np.real(np.sum(np.exp(1j * np.abs(z) * z)))


def variance_turned(z):
    return np.real(np.exp(1j * np.var(z)) * z[0])


def spread_turned(z):
    return np.imag(np.exp(1j * np.std(z, axis=0)) @ z[0])


def norm_turned(z):
    return np.real(np.exp(1j * np.linalg.norm(z)) * z[0])


def column_norm_turned(z):
    return np.real(np.exp(1j * np.linalg.norm(z, 1)) * z[0, 0])


def average_by_size(z):
    return np.real(np.average(z, weights=np.abs(z)))


# Products that take a conjugate, of real and of complex operands


def with_itself(z):
    return np.real(np.vdot(z, z * z) * 1j)


def real_with_complex(x, z):
    return np.real(np.vdot(x, z) * z[0])


def complex_with_real(z, x):
    return np.real(np.vdot(z, x) * z[0])


def filters(z):
    return np.real(np.sum(np.convolve(z, z[:2]) * np.correlate(z, z, "same")[0]))


def contraction(z):
    return np.real(np.einsum("ij,jk,k->i", z, np.conj(z), z[0])[0])


# Real arguments of complex programs


def phases(x):
    return np.abs(np.sum(np.exp(1j * x)))


def cast(x):
    return np.real(np.sum(x.astype(complex) ** 2 * 1j * x))


def joined(x):
    return np.real(np.sum(np.array([x[0], 1j * x[1]]) ** 2))


def rectified(x):
    return np.sum(np.maximum(np.abs(x * 1j), 0.5))


def written(x):
    a = np.zeros(3, complex)
    a[0] = x[0]
    a[1:] = 1j * x[:2]
    return np.real(np.sum(np.exp(a)))


# Matrices


def determinant(z):
    sign, logarithm = np.linalg.slogdet(z)
    return np.real(sign * np.exp(1j * logarithm))


def eigenvalues(z):
    return np.sum(np.linalg.eigvalsh(z @ np.conj(z.T)) ** 2)


def eigenvectors(z):
    w, v = np.linalg.eigh(z @ np.conj(z.T))
    return np.real(np.sum(np.exp(1j * w) * (v**2)[1]))


def eigenvectors_of_the_upper_triangle(z):
    w, v = np.linalg.eigh(z @ np.conj(z.T), "U")
    return np.real(np.sum(np.exp(1j * w) * (v**2)[1]))


def function_of_a_matrix(z):
    w, v = np.linalg.eigh(z @ np.conj(z.T))
    return np.real(np.sum((v * np.exp(1j * w)) @ np.conj(v.T) * 1j))


def block_diagonal(z):
    # Some eigenvectors have no first entry, whose phase would settle theirs.
    a = np.zeros((4, 4), complex)
    a[:2, :2] = z @ np.conj(z.T)
    a[2:, 2:] = 3 * np.conj(z.T) @ z
    w, v = np.linalg.eigh(a)
    return np.real(np.sum((v * np.exp(1j * w)) @ np.conj(v.T) * 1j))


def orthogonal(z):
    q, r = np.linalg.qr(z)
    return np.real(np.sum(q**2)) + np.imag(np.sum(np.exp(r)))


def triangular(z):
    return np.real(np.sum(np.linalg.cholesky(z @ np.conj(z.T) + 2 * np.eye(3)) ** 2 * 1j))


def pseudoinverse(z):
    return np.real(np.sum(np.linalg.pinv(z) ** 2))


# The rest of the language


def looped(z):
    s = 0j
    for _ in range(3):
        s = s * z + np.abs(s + z) * 1j
    return np.real(s)


def branched(z):
    w = z * z if np.abs(z) > 0.1 else np.abs(z)
    return np.abs(w * (1 + 1j))


def listed(z):
    s = 0.0
    for w in z.tolist():
        s = s + abs(w) ** 3
    return s


def stored(z):
    a = np.zeros(3, complex)
    a[0] = z[0]
    a[1:] = np.abs(z[:2])
    return np.real(np.sum(np.exp(a)))


def powers(z):
    return np.real(z**2.5 + z ** (1 + 2j) + 2.0**z + (-2.0) ** z)


def root_of_a_negative_float(x):
    return abs((x - 1.0) ** 0.3)


def lengths_of_a_list(z):
    zs = []
    for k in range(3):
        zs.append(z * k)
    return np.linalg.norm(np.array(zs)) + sum([abs(w) for w in zs])


def nested_call(z, n):
    return abs(z) if n == 0 else nested_call(z * z + 1j, n - 1)


def recursive(z):
    return nested_call(z, 2)


def inner_gradient(z):
    return np.abs(grad(lambda w: np.abs(w) ** 2)(z) + z)


# What only a run shows to be complex: a loop makes it so, or a root of a negative number


def made_complex(x):
    w = x
    for _ in range(2):
        w = w * (2 + 1j) + x
    return np.linalg.norm(w)


def root_among_others(x):
    a = np.array([(x - 1.0) ** 0.3, 1.0])
    return np.linalg.norm(a) + np.sum(np.abs(a))


def roots_in_a_list(x):
    zs = []
    for k in range(3):
        zs.append((x - 1.0) ** 0.3 * k)
    return np.linalg.norm(np.array(zs))


def multiplied(z):
    return np.real(np.prod(z) * np.cumprod(z)[1])


PROGRAMS = (
    *((f, (0.3 + 0.4j,)) for f in (
        size_turned, angle_turned, looped, branched, powers, lengths_of_a_list, recursive,
        inner_gradient)),
    *((f, (complexes(3),)) for f in (
        sizes_turned, variance_turned, norm_turned, average_by_size, with_itself, listed, stored,
        multiplied, filters)),
    *((f, (complexes(3, 2),)) for f in (spread_turned, column_norm_turned, pseudoinverse, orthogonal)),
    *((f, (complexes(3, 3),)) for f in (
        contraction, determinant, eigenvalues, eigenvectors, eigenvectors_of_the_upper_triangle,
        function_of_a_matrix, triangular)),
    *((f, (real(3),)) for f in (phases, cast, joined, rectified, written, made_complex)),
    (real_with_complex, (real(3), complexes(3))),
    (complex_with_real, (complexes(3), real(3))),
    (block_diagonal, (complexes(2, 2),)),
    *((f, (0.3,)) for f in (root_of_a_negative_float, root_among_others, roots_in_a_list)),
)  # fmt: skip


def direction(x):
    v = complexes(*np.shape(x)) if np.iscomplexobj(x) else real(*np.shape(x))
    return v if isinstance(x, np.ndarray) else type(x)(v)


def moved(args, vs, step):
    return [x + step * v for x, v in zip(args, vs, strict=True)]


@pytest.mark.parametrize(("f", "args"), PROGRAMS, ids=[f.__name__ for f, _ in PROGRAMS])
def test_program(f, args):
    vs = tuple(map(direction, args))
    slope = (f(*moved(args, vs, STEP)) - f(*moved(args, vs, -STEP))) / (2 * STEP)
    tangent = jvp(f, args, vs)[1]
    assert not np.iscomplexobj(tangent)
    np.testing.assert_allclose(tangent, slope, rtol=1e-5, atol=1e-7)

    df = grad(f, argnums=tuple(range(len(args))))
    gradients = df(*args)
    pairs = zip(gradients, vs, strict=True)
    np.testing.assert_allclose(sum(np.real(np.sum(d * v)) for d, v in pairs), slope, 1e-5, 1e-7)
    for d, x in zip(gradients, args, strict=True):
        assert np.asarray(d).dtype == np.asarray(x).dtype

    further, back = df(*moved(args, vs, STEP)), df(*moved(args, vs, -STEP))
    for dot, a, b in zip(jvp(df, args, vs)[1], further, back, strict=True):
        np.testing.assert_allclose(dot, (a - b) / (2 * STEP), rtol=1e-4, atol=1e-4)


def test_singular_vectors_of_complex_matrices_are_refused():
    def f(z):
        return np.real(np.linalg.svd(z, full_matrices=False)[0][0, 0])

    with pytest.raises(srcgrad.errors.MissingRule, match="singular vectors of complex matrices"):
        grad(f)(complexes(3, 2))
    with pytest.raises(srcgrad.errors.MissingRule, match="singular vectors of complex matrices"):
        jvp(f, (complexes(3, 2),), (complexes(3, 2),))


def test_the_direction_of_a_complex_number_is_refused():
    def f(z):
        return np.real(np.sum(np.sign(z) * z))

    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        with pytest.raises(srcgrad.errors.MissingRule, match=r"np.sign .* complex numbers"):
            grad(f)(complexes(3))
    assert grad(f)(np.array([2.0, -3.0])).tolist() == [1.0, -1.0]
