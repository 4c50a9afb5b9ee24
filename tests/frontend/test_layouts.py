"""Views that depend on how an array is laid out in memory, and arguments that share it."""

import numpy as np
import pytest
from frontend.programs import Programs

from srcgrad import vjp
from srcgrad.errors import UnknownAlias

PROGRAMS = Programs()
program, refusal = PROGRAMS.program, PROGRAMS.refusal

V = np.array([0.3, 0.7, 1.1, -0.4])
W = np.array([1.2, -0.5, 0.9, 0.6])
M = np.array([[0.5, 1.2, -0.3], [0.8, -0.7, 0.4], [1.5, 0.2, 0.9]])
R = np.array([[0.5, 1.2, -0.3, 0.1], [0.8, -0.7, 0.4, 1.3]])


# --- layouts that NumPy alone knows ------------------------------------------------------------------


@refusal(
    M,
    V,
    error=UnknownAlias,
    message="may or may not share memory",
    line="return m",
    cure=".copy()",
)
def reshape_of_a_transposed_array(m, v):
    flat = m.T.reshape(-1)
    flat[0] = v[0]
    return m


@refusal(
    M,
    V,
    error=UnknownAlias,
    message="'flat' may or may not share memory with 'm', which has been written to",
    line="return flat * 2",
    cure="flat = flat.copy()",
)
def reshape_of_a_transposed_array_is_read(m, v):
    flat = m.T.reshape(-1)
    m[0] = v[0]
    return flat * 2


@refusal(
    M,
    V,
    error=UnknownAlias,
    message="may or may not share memory",
    line="return m",
    cure=".copy()",
)
def ravel_of_a_part(m, v):
    flat = m[:, 1:].ravel()
    flat[0] = v[0]
    return m


@program(M, V)
def reshape_of_a_transposed_array_alone(m, v):
    flat = m.T.reshape(-1)
    flat[0] = v[0] ** 2
    return flat


@program(M, V)
def reshape_of_what_was_just_made(m, v):
    flat = (m * 2).reshape(-1)
    flat[0] = v[0] ** 2
    return m, flat


KEEPS = "the result is laid out as the argument is"


@program(R, V, or_refused=True)
def ravel_of_a_copy_that_keeps_the_layout(r, v):
    z = np.copy(r.T)
    z.ravel()[1] = v[0] ** 2
    return z


@program(R, V, or_refused=True)
def ravel_of_an_array_that_keeps_the_layout(r, v):
    z = np.array(r.T)
    z.ravel()[1] = v[0] ** 2
    return z


@program(R, V, or_refused=True)
def ravel_of_a_stack_that_keeps_the_layout(r, v):
    z = np.stack([r.T, r.T])
    z.ravel()[1] = v[0] ** 2
    return z


@program(R, V, or_refused=True)
def ravel_of_sums_that_keep_the_layout(r, v):
    z = np.cumsum(r.T, axis=0)
    z.ravel()[1] = v[0] ** 2
    return z


@program(R, V, or_refused=True)
def ravel_of_tiles_that_keep_the_layout(r, v):
    z = np.tile(r.T, (1, 1))
    z.ravel()[1] = v[0] ** 2
    return z


@program(R, V, or_refused=True)
def ravel_of_a_product_that_keeps_the_layout(r, v):
    z = np.kron(r.T, np.ones((1, 1)))
    z.ravel()[1] = v[0] ** 2
    return z


@program(V, or_refused=True)
def ravel_of_zeros_in_the_order_of_fortran(v):
    z = np.zeros((2, 3), order="F")
    z.ravel()[1] = v[0] ** 2
    return z


@program(R, V, or_refused=True)
def ravel_of_what_has_a_layout_of_its_own(r, v):
    parts = r.T.copy(), np.repeat(r.T, 1, axis=0), np.eye(2), np.outer(v, v)
    for z in parts:
        z.ravel()[1] = v[0] ** 2
    return parts


@program(R, V, or_refused=True)
def ravel_of_what_arithmetic_leaves(r, v):
    z = r.T * np.ones((4, 2)) + np.outer(v, v[:2])
    z.ravel()[1] = v[0] ** 2
    return z


@program(V, W, or_refused=True)
def astype_without_a_copy(a, w):
    b = a.astype(float, copy=False)
    b[0] = w[0] ** 2
    return a


@program(V, W, or_refused=True)
def asarray_with_a_type(a, w):
    b = np.asarray(a, dtype=float)
    b[0] = w[0] ** 2
    return a


@program(R, V)
def reshape_of_a_row(r, v):
    square = r[1].reshape(2, 2)
    square[0] *= v[0]
    return r, square


@refusal(
    V,
    W,
    error=UnknownAlias,
    message="two entries of 'this container' may be one memory, and one of them is written to",
    line="first[0] = w[0] ** 2",
    cure="let each entry have memory of its own, for instance by x.copy()",
)
def parts_of_a_split_are_views(a, w):
    first, second = np.split(a, 2)
    first[0] = w[0] ** 2
    a[3] = second[0] * w[1]
    return a, second


# --- arguments that are one memory, or laid out in another way ------------------------------------------


def write_the_first(a, b):
    a[0] = 5.0
    return a * b


def write_through_a_reshape(m):
    flat = m.reshape(-1)
    flat[1] = 9.0
    return m * 2


@pytest.mark.parametrize("part", [slice(None), slice(None, None, -1), slice(0, 1)])
def test_arguments_that_share_memory(part):
    a = V.copy()
    with pytest.raises(UnknownAlias) as caught:
        vjp(write_the_first, a, a[part])
    assert caught.value.message == "arguments a and b share memory, and a is written to"
    assert caught.value.cure == "pass a copy of one of them: b.copy()"
    np.testing.assert_array_equal(a, V)


def test_arguments_that_share_memory_and_are_only_read():
    a = V.copy()
    value, pullback = vjp(lambda a, b: a * b, a, a)
    np.testing.assert_array_equal(value, V * V)
    np.testing.assert_array_equal(pullback(W)[0], V * W)


def test_parts_of_one_array_that_do_not_overlap():
    a = V.copy()
    value, pullback = vjp(write_the_first, a[::2], a[1::2])
    np.testing.assert_array_equal(value, [5 * V[1], V[2] * V[3]])
    np.testing.assert_array_equal(pullback(W[:2])[1], [5 * W[0], V[2] * W[1]])
    np.testing.assert_array_equal(a, V)


@pytest.mark.parametrize("m", [np.asfortranarray(R), np.repeat(R, 2, axis=1)[:, ::2], R[:, ::-1]])
def test_arguments_that_are_not_contiguous(m):
    before = m.copy()
    with pytest.raises(UnknownAlias, match="'m' may or may not share memory with 'flat'"):
        vjp(write_through_a_reshape, m)
    np.testing.assert_array_equal(m, before)
    value, _ = vjp(write_through_a_reshape, m.copy())
    np.testing.assert_array_equal(value.ravel()[:2], [2 * m[0, 0], 18])


test_reads, test_refuses = PROGRAMS.tests()
