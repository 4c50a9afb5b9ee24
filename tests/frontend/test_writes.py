"""Calls and statements that write: what each leaves where it writes, and which are refused."""

import operator

import numpy as np
import pytest
from frontend.programs import Programs
from frontend.reading import differentiates

from srcgrad import grad, vjp
from srcgrad.errors import NotDifferentiable, SrcgradError

PROGRAMS = Programs()
program = PROGRAMS.program

V = np.array([0.3, 0.7, 1.1, -0.4])
W = np.array([1.2, -0.5, 0.9, 0.6])
M = np.array([[0.5, 1.2, -0.3], [0.8, -0.7, 0.4], [1.5, 0.2, 0.9]])


# --- functions that write into an argument ------------------------------------------------------------


@program(V, W)
def copyto(z, w):
    y = z[1:]
    np.copyto(z, w**2)
    np.copyto(y, z[:-1] * 3)
    return z, y


@program(V, W)
def copyto_where(z, w):
    np.copyto(z, w**2, where=z > 0.5)
    np.copyto(dst=z[:2], src=w[0], where=np.array([True, False]))
    return z * w


@program(V, W)
def put(z, w):
    np.put(z, [0, 2], w[:2] ** 2)
    z.put(1, w[3])
    np.put(z, np.array([-1]), 2 * w[0])
    return z


@program(M, W)
def put_counts_entries_of_a_matrix(m, w):
    np.put(m, [1, 5], w[:2] ** 2)
    return m


@program(V, W)
def place_and_putmask(z, w):
    np.place(z, z > 0.5, w[0] ** 2)
    np.putmask(z, z < 0, w[1])
    np.place(z, w < 0, [w[2]])
    return z * w


@program(V, W, np.array([0, 0, 3, 1]))
def add_at(z, w, index):
    y = z
    np.add.at(z, index, w**2)
    np.add.at(y, 0, w[1])
    np.subtract.at(z, [1, 1], w[:2])
    return y, z


@program(M, W, np.array([0, 2, 0]), np.array([1, 1, 1]))
def add_at_places_of_a_matrix(m, w, i, j):
    np.add.at(m, (i, j), w[:3])
    np.add.at(m, i, w[0] * m[0])
    return m


@program(V, W)
def out_of_a_ufunc(z, w):
    y = z[:2]
    x = np.exp(w, out=z)
    x[0] *= 2
    np.multiply(z, w, z)
    np.add(y, y[::-1], out=(y,))
    return z, x, y


@program(V, W)
def out_where(z, w):
    np.multiply(w, w, out=z, where=w > 0)
    np.divide(w, z, z, where=z > 1)
    return z * w


@program(V, W)
def out_where_computes_nowhere_else(z, w):
    np.sqrt(w, out=z, where=w > 0)
    return z * w


@program(V, W)
def out_where_of_other_shapes(z, w):
    m = np.zeros((3, 4))
    np.multiply(w, z[0], out=m, where=z > 0)
    np.log(w, out=m[1], where=w > 0.7)
    np.add(m, 2.0, m, where=np.array([[True], [False], [True]]))
    return m * z


@program(M, V)
def put_along_axis(m, v):
    np.put_along_axis(m, np.argmax(m, axis=1)[:, None], v[0], axis=1)
    np.put_along_axis(m, np.argmin(m, axis=0)[None], v[None, :3], 0)
    z = 2.0 * v
    np.put_along_axis(z, np.array([2, 0]), m[0, :2], -1)
    return m, z


@program(M, V)
def out_of_other_functions(m, v):
    z = np.empty(3)
    np.sum(m, axis=0, out=z)
    m.sum(axis=1, out=m[0])
    np.matmul(m, z, out=m[1])
    np.dot(m, m.copy(), out=m)
    np.cumsum(v[:3], out=m[2])
    np.clip(z, -1, 0.9, out=z)
    np.mean(m, 1, out=m[:, 0])
    return m, z


@program(V, W)
def out_is_read_by_the_function_too(z, w):
    np.add(z[:-1], z[1:], out=z[1:])
    np.multiply(z[::-1], w, out=z)
    return z


@program(V, W)
def nan_to_num_in_place(z, w):
    y = z
    np.nan_to_num(z, copy=False)
    np.nan_to_num(w, False)
    z *= w
    return y, np.nan_to_num(w, copy=True)


@program(V, W)
def methods_of_arrays(z, w):
    y = z[:2]
    z.fill(w[0] ** 2)
    y[0] = 3 * w[1]
    w.sort()
    return z, y, w


@program(M, W)
def sorted_in_place(m, w):
    row = m[1]
    m.sort()
    m.sort(axis=0)
    w[::2].sort()
    return m * w[0], row, w


@program(V, W)
def special_methods(z, w):
    z.__setitem__(0, w[0] ** 2)
    np.ndarray.__setitem__(z, slice(1, 2), w[1])
    z.__iadd__(w)
    y = operator.iadd(z, w)
    operator.setitem(y, 3, z[0] * w[0])
    y = operator.imul(z[:2], 2)
    np.ndarray.fill(z[2:3], w[3] ** 2)
    return y, z


@program(V, W)
def methods_of_lists_by_class(z, w):
    entries = [z[0]]
    list.append(entries, w[0])
    list.extend(entries, [z[1], w[1]])
    entries.__setitem__(0, z[3] ** 2)
    operator.setitem(entries, 1, entries[0] * w[2])
    entries.__delitem__(3)
    operator.delitem(entries, 2)
    entries += [w[3]]
    return entries


# --- indices ----------------------------------------------------------------------------------------


@program(M, W)
def indices_of_every_kind(m, w):
    m[0, 1] = w[0] ** 2
    m[-1] = w[:3]
    m[:, 1] *= w[1]
    m[::2, ::-1] += w[2]
    m[..., 0] = w[1:]
    m[None, 1, 1:] = w[:2]
    m[m > 0.95] = w[3]
    m[[0, 1], [1, 2]] = w[:2]
    m[np.array([True, False, True])] *= 2
    m[1:, [0, 2]] += w[0]
    m[np.newaxis, ..., 2] -= m[:, 0]
    m[()] = m * w[0]
    return m


@program(M, W)
def scalars_and_rows_are_broadcast(m, w):
    m[:] = w[:3]
    m[1:] = w[0] ** 2
    m[:, 1:2] = m[:, :1] * 3
    m[0] = 1
    return m * w[3]


@program(V, W, 2)
def slices_with_computed_bounds(a, w, n):
    a[n:] = w[:n] ** 2
    a[: n - 1] *= w[n]
    a[n - 2 : n : 1] += a[-n:]
    return a


@program(V, W)
def array_of_no_dimensions(a, w):
    x = np.array(a[0])
    y = x
    x[...] = w[0] ** 2
    y[...] = x * w[1]
    return x * 1.0, y * w[2]


@program(V, W)
def array_of_no_dimensions_is_added_to(a, w):
    x = np.zeros(())
    y = x
    for k in range(3):
        x += a[k] * w[k]
    y *= w[3]
    return x * 1.0


@program(V, W)
def attributes_and_entries_together(a, w):
    boxes = [{"x": a}, {"x": w}]
    boxes[0]["x"][1:][0] = w[0] ** 2
    boxes[1]["x"] = boxes[0]["x"]
    boxes[1]["x"][::2] *= 3
    return a, boxes[1]["x"]


@program(V, W)
def target_of_a_loop_is_an_entry(a, w):
    for a[0] in w[1:]:
        a[1] *= a[0]
    return a


@program(V, W)
def targets_of_an_unpacking_are_entries(a, w):
    a[0], a[1] = w[1], w[0] ** 2
    a[2], (a[3], w[0]) = a[0], (a[1], a[2])
    a[:2], a[2:] = w[2:] * a[2:], w[:2]
    return a, w


@program(V, W)
def names_are_deleted(a, w):
    b = a
    del a
    b[0] = w[0] ** 2
    c, d = b, w
    del c, d
    return b


@program(V + 1j * W, W)
def complex_arrays(z, w):
    z[0] = w[0] ** 2
    z[1:] *= 1j * w[1:]
    z += w
    return np.real(z), np.imag(z)


# --- types ------------------------------------------------------------------------------------------


def in_single_precision(a, w):
    b = a
    a += w
    a *= np.pi
    a[0] = w[1]
    return b


def test_what_is_written_into_float32_is_cast():
    a, w = np.array([0.5, 0.25], np.float32), np.array([0.1, 0.3])
    value, pullback = vjp(in_single_precision, a, w)
    wanted = in_single_precision(a.copy(), w)
    assert value.dtype == wanted.dtype == np.float32
    np.testing.assert_array_equal(value, wanted)
    d_a, d_w = pullback(np.array([2.0, 3.0], np.float32))
    assert (d_a.dtype, d_w.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(d_a, [0, 3 * np.pi], rtol=1e-6)
    np.testing.assert_allclose(d_w, [0, 2 + 3 * np.pi], rtol=1e-6)


def test_numpys_error_for_what_an_array_cannot_hold():
    def loss(n, w):
        n += w
        return np.sum(n * w)

    with pytest.raises((TypeError, SrcgradError), match="Cannot cast"):
        grad(loss, argnums=1)(np.arange(3), np.ones(3))
    with pytest.raises((TypeError, SrcgradError), match="Cannot cast"):
        loss(np.arange(3), np.ones(3))


@pytest.mark.parametrize("shape", [(2,), (3, 1)])
def test_shapes_that_do_not_fit_are_numpys_error(shape):
    def loss(w, x):
        z = np.zeros(3)
        z[:] = w * x
        z += x
        return np.sum(z)

    with pytest.raises(ValueError, match="could not (be )?broadcast"):
        grad(loss)(1.0, np.ones(shape))


def test_a_name_that_is_deleted_on_the_path_taken():
    def square(x):
        y = x
        if x > 0:
            del y
        return y * y

    assert grad(square)(-2.0) == -4.0
    for function in (square, grad(square)):
        with pytest.raises(UnboundLocalError, match="'y'"):
            function(2.0)


def rebinds_or_writes(w, b):
    z = w
    z += b
    return w * z


@pytest.mark.parametrize("kind", [float, np.float64, lambda x: np.array([x])])
def test_the_kind_of_the_value_decides_whether_a_name_is_rebound(kind):
    differentiates(rebinds_or_writes, kind(3.0), 2.0)


def test_calls_that_only_look_like_it_are_not_refused():
    def loss(w):
        return np.sum(np.nan_to_num(w, copy=True)) + np.add.reduce(np.ones(2)) + len("a".join("bc"))

    assert grad(loss)(np.ones(2)).tolist() == [1.0, 1.0]


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("kind", [np.matrix, np.ma.MaskedArray])
def test_arrays_with_operators_of_their_own_are_refused(kind):
    def loss(w, X):
        return np.sum(X * w)

    with pytest.raises(NotDifferentiable, match=f"a {kind.__name__} is not read"):
        grad(loss)(np.ones((2, 1)), kind(np.ones((2, 2))))


test_reads, _ = PROGRAMS.tests()
